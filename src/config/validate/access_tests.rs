//! One case for each rule about identity mappings and groups.

use insta::assert_snapshot;

use super::tests::said;
use super::validate;
use crate::config::cluster_access::{ClusterAccess, IdentityMapping, MappingSubject};
use crate::config::tests::HEAD;
use crate::config::{ClusterConfig, Located, Metadata};

/// What is said about identity mappings, each a flow mapping on a line of its own.
fn about(mappings: &[&str]) -> String {
    said(&format!(
        "{HEAD}iamIdentityMappings:\n- {}\n",
        mappings.join("\n- ")
    ))
}

/// What is said about the groups of a ClusterAccess, each a flow mapping.
fn about_groups(groups: &[&str]) -> String {
    said(&format!(
        "{HEAD}---\napiVersion: eksact.dev/v1alpha1\nkind: ClusterAccess\ngroups:\n- {}\n",
        groups.join("\n- ")
    ))
}

#[test]
fn arns_that_can_never_match() {
    let arns = [
        "dev",
        "ARN:aws:iam::111122223333:role/dev",
        "arn:aws:iam::111122223333:role/teams/dev",
        "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Admin_0123456789abcdef",
        "arn:aws:sts::111122223333:assumed-role/dev/ann",
        "arn:aws:iam::111122223333:group/devs",
        "arn:aws:iam::111122223333:instance-profile/nodes",
        "arn:aws:iam::111122223333:root",
        "arn:aws:iam::111122223333:role/AWSReservedSSO_Admin_*",
        "arn:aws:iam::*:role/dev",
        "arn:aws:iam::1111222233:role/dev",
        "arn:aws:iam::aws:role/dev",
        "arn:aws:iam:eu-west-1:111122223333:role/dev",
        "arn:aws-cn:iam::111122223333:role/dev",
        "arn:awz:iam::111122223333:role/dev",
        "arn:aws:ec2::111122223333:role/dev",
        "arn:aws:iam::111122223333:role/",
        " arn:aws:iam::111122223333:role/dev ",
    ];
    let mappings = arns.map(|arn| format!("{{arn: '{arn}', username: a}}"));
    assert_snapshot!(about(&mappings.each_ref().map(String::as_str)), @"");
}

#[test]
fn principals_that_do_match() {
    let mappings = [
        "arn:aws:iam::111122223333:role/dev",
        "arn:aws:iam::111122223333:user/on-call/ann",
        "arn:aws:sts::111122223333:federated-user/bob",
        "arn:aws:iam::111122223333:role/AWSReservedSSO_Admin_0123456789abcdef",
    ]
    .map(|arn| format!("{{arn: '{arn}', username: a}}"));
    assert_eq!(about(&mappings.each_ref().map(String::as_str)), "");
}

#[test]
fn options_that_do_not_stand_together() {
    assert_snapshot!(about(&[
        "{}",
        "{username: a}",
        "{arn: 'arn:aws:iam::111122223333:role/dev'}",
        "{arn: 'arn:aws:iam::111122223333:role/dev', groups: [a]}",
        "{serviceName: emr-containers, namespace: spark, username: a}",
        "{serviceName: emr, namespace: Spark}",
        "{account: 1111-2222-3333}",
        "{account: '1111'}",
    ]), @"");
    assert_snapshot!(said(&format!(
        "{HEAD}---\napiVersion: eksact.dev/v1alpha1\nkind: ClusterAccess\nidentityMappings:\n- {{permissionSet: {{name: A}}, arn: 'arn:aws:iam::111122223333:role/dev', username: a}}\n- {{permissionSet: {{account: '1'}}, username: a}}\n- {{permissionSet: {{name: AWSReservedSSO_View_Only_0123456789abcdef}}, username: a}}\n- {{permissionSet: {{name: 'a b'}}, username: a}}\n- {{serviceName: emr, namespace: a}}\n"
    )), @"");
}

#[test]
fn templates_that_stay_as_they_are() {
    let dev = |rest: &str| format!("{{arn: 'arn:aws:iam::111122223333:role/dev', {rest}}}");
    for known in [
        "aws:{{AccountID}}:eks-deployer:{{SessionName}}",
        "system:node:{{EC2PrivateDNSName}}",
        "{{SessionNameRaw}}-{{AccessKeyID}}",
    ] {
        assert_eq!(about(&[&dev(&format!("username: '{known}'"))]), "", "{known}");
    }
    let mut said = String::new();
    for unknown in [
        "dev:{{ SessionName }}",
        "{{sessionname}}",
        "{{Session}}",
        "{SessionName}",
        "{{SessionName}",
        "{{Team}}",
    ] {
        said.push_str(&about(&[&dev(&format!("username: '{unknown}'"))]));
        said.push('\n');
    }
    said.push_str(&about(&[&dev("username: a, groups: ['{{AccountId}}', '']")]));
    said.push('\n');
    said.push_str(&about(&[
        "{arn: 'arn:aws:iam::111122223333:user/ann', username: '{{SessionName}}', groups: ['{{EC2PrivateDNSName}}']}",
    ]));
    assert_snapshot!(said, @"");
}

#[test]
fn names_that_belong_to_the_system() {
    assert_snapshot!(about(&[
        "{arn: 'arn:aws:iam::111122223333:role/a', username: 'system:kube-scheduler'}",
        "{arn: 'arn:aws:iam::111122223333:role/b', username: 'eks:addon-manager'}",
        "{arn: 'arn:aws:iam::111122223333:role/c', username: c, groups: ['system:master', 'System:Masters', 'sytem:masters', 'system:admins', 'system:node']}",
        "{arn: 'arn:aws:iam::111122223333:role/d', username: d, groups: ['system:masters', 'system:bootstrappers', 'system:nodes', 'system:node-proxier', 'eks:kube-proxy-windows', 'team:masters', 'system:serviceaccounts:app']}",
    ]), @"");
}

#[test]
fn groups_and_their_bindings() {
    assert_snapshot!(about_groups(&[
        "{bindings: [{clusterRole: view}]}",
        "{name: a}",
        "{name: b, bindings: []}",
        "{name: 'system:masters', bindings: [{clusterRole: view}]}",
        "{name: 'system:node', bindings: [{clusterRole: view}]}",
        "{name: c, bindings: [{}, {namespaces: [app]}, {clusterRole: view, rules: [{verbs: [get], apiGroups: [''], resources: [pods]}]}, {clusterRole: a/b}]}",
        "{name: d, bindings: [{clusterRole: view, namespaces: []}, {clusterRole: edit, namespaces: ['*', My_App, app, app]}]}",
        "{name: e, bindings: [{clusterRole: view}, {clusterRole: 'system:image-puller', namespaces: [app]}, {clusterRole: view, namespaces: [app]}, {clusterRole: 'system:image-puller', namespaces: [web, app]}]}",
    ]), @"");
}

#[test]
fn rules_as_kubernetes_takes_them() {
    assert_snapshot!(about_groups(&[
        "{name: a, bindings: [{rules: [{}, {verbs: [get]}, {verbs: ['*'], apiGroups: ['*'], resources: ['*']}]}]}",
        "{name: b, bindings: [{rules: [{verbs: [get], nonResourceURLs: [/healthz], resources: [pods]}]}]}",
        "{name: c, bindings: [{rules: [{verbs: [get], nonResourceURLs: [/healthz]}]}, {namespaces: [app], rules: [{verbs: [get], nonResourceURLs: [/healthz]}]}]}",
        "{name: d, bindings: [{rules: [{verbs: [gets, GET, sync], apiGroups: [core, v1, apps/v1, argoproj.io], resources: [Pods, pods/log, deployment]}]}]}",
    ]), @"");
}

#[test]
fn mappings_from_flags_pass_the_same_door() {
    let mapping = |arn: &str, group: &str| IdentityMapping {
        subject: MappingSubject::Arn(arn.to_owned()),
        username: Some("a".to_owned()),
        groups: vec![group.to_owned()],
        no_duplicate_arns: false,
        location: None,
    };
    let config = ClusterConfig {
        metadata: Metadata {
            name: Located::unlocated("prod".to_owned()),
            region: Located::unlocated("cn-north-1".to_owned()),
            ..Metadata::default()
        },
        access: ClusterAccess {
            identity_mappings: vec![
                mapping("arn:aws-cn:iam::111122223333:role/teams/dev", "a"),
                mapping("arn:aws:iam::111122223333:role/dev", "a"),
                mapping("arn:aws:iam::111122223333:role/dev", "b"),
            ],
            ..ClusterAccess::default()
        },
        ..ClusterConfig::default()
    };
    let said: Vec<String> = validate(&config).iter().map(ToString::to_string).collect();
    assert_snapshot!(said.join("\n"), @"");
}
