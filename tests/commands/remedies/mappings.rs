//! What is wrong with the identity mappings and groups of a file, and edited as the help says.

use super::{
    case::Check,
    config::{fault, fault_leaving, mapping},
    world::{ACCESS, DEV},
};

/// The same for one entry of a ClusterAccess' `identityMappings`.
fn own_mapping(entry: &str, says: &str, from: &str, to: &str) -> Check {
    fault(&format!("{ACCESS}identityMappings:\n- {entry}"), says, from, to)
}

/// The same for one entry of a ClusterAccess' `groups`.
fn group(entry: &str, says: &str, from: &str, to: &str) -> Check {
    fault(&format!("{ACCESS}groups:\n- {entry}"), says, from, to)
}
pub(super) fn cases() -> Vec<Check> {
    [mappings(), groups()].into_iter().flatten().collect()
}

fn mappings() -> Vec<Check> {
    let arn = |arn: &str| format!("{{arn: '{arn}', username: a}}");
    let dev = |rest: &str| format!("{{arn: '{DEV}', {rest}}}");
    vec![
        mapping(
            &arn("arn:aws:iam::111122223333:role/AWSReservedSSO_AdministratorAccess_*"),
            "name each role; `permissionSet` in a ClusterAccess finds a role",
            "iamIdentityMappings:\n- {arn: 'arn:aws:iam::111122223333:role/AWSReservedSSO_AdministratorAccess_*', username: a}",
            &format!(
                "{ACCESS}identityMappings:\n- {{permissionSet: {{name: AdministratorAccess}}, username: a}}"
            ),
        ),
        mapping(
            &dev("username: \"a\\tb\""),
            "write the name on one line, without tabs and escapes",
            "a\\tb",
            "a-b",
        ),
        mapping(
            &arn("arn:aws:sts::111122223333:assumed-role/dev/ann"),
            "write `arn:aws:iam::111122223333:role/dev`",
            "arn:aws:sts::111122223333:assumed-role/dev/ann",
            DEV,
        ),
        mapping(
            &arn("arn:aws:iam::111122223333:group/devs"),
            "map a role that the members of the group may assume, or each user",
            "group/devs",
            "user/ann",
        ),
        mapping(
            &arn("arn:aws:iam::111122223333:instance-profile/nodes"),
            "write the role in it, such as `arn:aws:iam::111122223333:role/nodes`",
            "instance-profile/nodes",
            "role/nodes",
        ),
        mapping(
            &arn("arn:aws:iam::111122223333:role/teams/dev"),
            "write it without: `arn:aws:iam::111122223333:role/dev`",
            "role/teams/dev",
            "role/dev",
        ),
        mapping(
            &arn("arn:aws-cn:iam::111122223333:role/dev"),
            "begin it with `arn:aws:`",
            "arn:aws-cn:",
            "arn:aws:",
        ),
        mapping(
            &arn(" arn:aws:iam::111122223333:role/dev "),
            "there are spaces around it; the authenticator treats them as part of it",
            "' arn:aws:iam::111122223333:role/dev '",
            &format!("'{DEV}'"),
        ),
        mapping(
            &arn("dev"),
            "write it like arn:aws:iam::111122223333:role/my-role",
            "'dev'",
            &format!("'{DEV}'"),
        ),
        mapping(
            "{serviceName: emr-containers, namespace: default, username: a}",
            "the service has a role and a user name of its own; leave it out",
            ", username: a",
            "",
        ),
        mapping(
            "{username: a}",
            "set `arn` to the ARN of an IAM role or user",
            "{username",
            &format!("{{arn: '{DEV}', username"),
        ),
        own_mapping(
            "{permissionSet: {account: '111122223333'}, username: a}",
            "write the name of the permission set, as IAM Identity Center shows it",
            "{account: '111122223333'}",
            "{name: AdministratorAccess}",
        ),
        own_mapping(
            "{permissionSet: {name: AWSReservedSSO_AdministratorAccess_0123456789abcdef}, username: a}",
            "write the name of the permission set alone: `AdministratorAccess`",
            "AWSReservedSSO_AdministratorAccess_0123456789abcdef",
            "AdministratorAccess",
        ),
        own_mapping(
            "{permissionSet: {name: 'Administrator Access'}, username: a}",
            "it has at most 32 letters, digits and `_+=,.@-`",
            "'Administrator Access'",
            "AdministratorAccess",
        ),
        mapping(
            "{account: 1111-2222-3333}",
            "write it without hyphens: \"111122223333\"",
            "1111-2222-3333",
            "'111122223333'",
        ),
        mapping(
            "{account: '1111'}",
            "it has twelve digits; leading zeros count, so write it in quotes",
            "'1111'",
            "'000011112222'",
        ),
        mapping(
            "{serviceName: emr, namespace: default}",
            "the only one is `emr-containers`",
            "emr,",
            "emr-containers,",
        ),
        own_mapping(
            "{serviceName: emr, namespace: default}",
            "write `emr-containers`; eksact supports no other",
            "emr,",
            "emr-containers,",
        ),
        mapping(
            "{serviceName: emr-containers, namespace: '-'}",
            "it has at most 63 lower-case letters, digits and hyphens",
            "'-'",
            "default",
        ),
        mapping(
            "{serviceName: emr-containers, namespace: Default}",
            "Kubernetes would accept `default`",
            "Default",
            "default",
        ),
        mapping(
            &format!("{{arn: '{DEV}'}}"),
            "without both, the principal gets in without any rights",
            "role/dev'",
            "role/dev', username: a",
        ),
        mapping(
            &dev("groups: [a]"),
            "with `{{SessionName}}` it can",
            "groups",
            "username: 'dev:{{SessionName}}', groups",
        ),
        mapping(
            "{arn: 'arn:aws:iam::111122223333:user/ann', groups: [a]}",
            "the audit log cannot tell callers apart",
            "groups",
            "username: ann, groups",
        ),
        mapping(
            &dev("username: '{{Team}}'"),
            "the placeholders are {{EC2PrivateDNSName}}",
            "{{Team}}",
            "{{SessionName}}",
        ),
        mapping(
            &dev("username: '{{sessionname}}'"),
            "write `{{SessionName}}`; braces, case and blanks count",
            "{{sessionname}}",
            "{{SessionName}}",
        ),
        mapping(
            &dev("username: 'system:kube-scheduler'"),
            "whoever gets in under it has the rights of that component; choose another name",
            "system:kube-scheduler",
            "kube-scheduler",
        ),
        mapping(
            &dev("username: a, groups: ['system:master']"),
            "write `system:masters`",
            "system:master",
            "system:masters",
        ),
        fault_leaving(
            &format!(
                "iamIdentityMappings:\n- {}",
                dev("username: a, groups: ['system:admins']")
            ),
            "choose another name for a group of your own",
            ("system:admins", "admins"),
            "group-not-bound",
        ),
        mapping(
            &format!("{0}\n- {0}", dev("username: a")),
            "leave one out",
            &format!("\n- {}", dev("username: a")),
            "",
        ),
        fault(
            &format!(
                "iamIdentityMappings:\n- {0}\n{ACCESS}identityMappings:\n- {0}",
                dev("username: a")
            ),
            "leave one out: it would have to be changed in both",
            &format!("{ACCESS}identityMappings:\n- {}", dev("username: a")),
            "",
        ),
        fault_leaving(
            &format!(
                "iamIdentityMappings:\n- {}\n- {}",
                dev("username: a, groups: [b]"),
                dev("username: a, groups: [c]")
            ),
            "merge the two: EKS uses only the last entry and does not combine groups",
            (
                &format!("[b]}}\n- {}", dev("username: a, groups: [c]")),
                "[b, c]}",
            ),
            "group-not-bound",
        ),
    ]
}
fn groups() -> Vec<Check> {
    let rule = |rule: &str| format!("{{name: a, bindings: [{{rules: [{rule}]}}]}}");
    vec![
        group(
            "{name: a, bindings: [{clusterRole: view, rules: [{verbs: [get], apiGroups: [''], resources: [pods]}]}]}",
            "a binding has one role; write two bindings",
            "clusterRole: view, ",
            "clusterRole: view}, {",
        ),
        group(
            "{name: 'system:masters', bindings: [{clusterRole: view}]}",
            "the API server does not check RBAC for its members; bind another group",
            "system:masters",
            "viewers",
        ),
        group(
            "{name: a}",
            "write what the group may do, such as `bindings: [{clusterRole: view}]`",
            "name: a",
            "name: a, bindings: [{clusterRole: view}]",
        ),
        group(
            "{name: a, bindings: [{}]}",
            "write `clusterRole` with the name of one that exists, or `rules`",
            "{}",
            "{clusterRole: view}",
        ),
        group(
            "{name: a, bindings: [{clusterRole: view, namespaces: []}]}",
            "leave it out for the whole cluster, or name the namespaces",
            ", namespaces: []",
            "",
        ),
        group(
            "{name: a, bindings: [{clusterRole: view, namespaces: ['*']}]}",
            "leave `namespaces` out for the whole cluster",
            ", namespaces: ['*']",
            "",
        ),
        group(
            "{name: a, bindings: [{clusterRole: view, namespaces: [Default]}]}",
            "Kubernetes would accept `default`",
            "Default",
            "default",
        ),
        group(
            "{name: a, bindings: [{clusterRole: view, namespaces: ['-']}]}",
            "it has at most 63 lower-case letters, digits and hyphens",
            "'-'",
            "default",
        ),
        group(
            &rule("{verbs: [gets], apiGroups: [''], resources: [pods]}"),
            "did you mean `get`?",
            "gets",
            "get",
        ),
        group(
            &rule("{verbs: [get], apiGroups: [''], resources: [Pods]}"),
            "the plural in lower case, such as `pods`",
            "Pods",
            "pods",
        ),
        group(
            &rule("{verbs: [get], apiGroups: [core], resources: [pods]}"),
            "did you mean `\"\"`?",
            "core",
            "\"\"",
        ),
        group(
            "{name: a, bindings: [{clusterRole: view}]}\n- {name: a, bindings: [{clusterRole: edit}]}",
            "put all bindings of a group into one place",
            "}]}\n- {name: a, bindings: [",
            "}, ",
        ),
    ]
}
