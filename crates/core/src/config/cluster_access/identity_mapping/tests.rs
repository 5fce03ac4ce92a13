//! One case for each rule about an identity mapping.

use insta::assert_snapshot;

use crate::config::tests::{HEAD, said};

/// What is said about identity mappings, each a flow mapping on a line of its own.
fn about(mappings: &[&str]) -> String {
    said(&format!(
        "{HEAD}iamIdentityMappings:\n- {}\n",
        mappings.join("\n- ")
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
    assert_snapshot!(about(&mappings.each_ref().map(String::as_str)), @r#"
    5:9: error: `dev` is not the ARN of an IAM role or user
        help: write it like arn:aws:iam::111122223333:role/my-role
    6:9: error: `ARN:aws:iam::111122223333:role/dev` is not the ARN of an IAM role or user
        help: write it like arn:aws:iam::111122223333:role/my-role
    7:9: error: `arn:aws:iam::111122223333:role/teams/dev` includes the path of the role, and so never matches
        help: write it without: `arn:aws:iam::111122223333:role/dev`
    8:9: error: `arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReser…` includes the path of the role, and so never matches
        help: write it without: `arn:aws:iam::111122223333:role/AWSReservedSSO_Admin_0123456789abcdef`
    9:9: error: `arn:aws:sts::111122223333:assumed-role/dev/ann` is a session of a role, and mappings name the role
        help: write `arn:aws:iam::111122223333:role/dev`
    10:9: error: `arn:aws:iam::111122223333:group/devs` is an IAM group, and EKS does not support IAM groups
        help: map a role that the members of the group may assume, or each user
    11:9: error: `arn:aws:iam::111122223333:instance-profile/nodes` is an instance profile, and mappings name its role
        help: write the role in it, such as `arn:aws:iam::111122223333:role/nodes`
    12:9: error: `arn:aws:iam::111122223333:root` is neither a user nor a role
        help: write it like arn:aws:iam::111122223333:role/my-role
    13:9: error: `arn:aws:iam::111122223333:role/AWSReservedSSO_Admin_*` has a wildcard, and the authenticator does not support wildcards
        help: name each role; `permissionSet` in a ClusterAccess finds a role of IAM Identity Center by its permission set
    14:9: error: `arn:aws:iam::*:role/dev` has a wildcard, and the authenticator does not support wildcards
        help: name each role; `permissionSet` in a ClusterAccess finds a role of IAM Identity Center by its permission set
    15:9: error: `arn:aws:iam::1111222233:role/dev` is not an ARN: account `1111222233` is not twelve digits
        help: write it like arn:aws:iam::111122223333:role/my-role
    16:9: error: `arn:aws:iam::aws:role/dev` is not the ARN of an IAM role or user
        help: write it like arn:aws:iam::111122223333:role/my-role
    17:9: error: `arn:aws:iam:eu-west-1:111122223333:role/dev` is not the ARN of an IAM role or user
        help: write it like arn:aws:iam::111122223333:role/my-role
    18:9: error: `arn:aws-cn:iam::111122223333:role/dev` is in the partition aws-cn, and the region is in aws
        help: begin it with `arn:aws:`
    19:9: error: `arn:awz:iam::111122223333:role/dev` is not an ARN: `awz` is not an AWS partition; the partitions are aws, aws-cn, aws-us-gov, aws-iso, aws-iso-b, aws-iso-e, aws-iso-f and aws-eusc
        help: write it like arn:aws:iam::111122223333:role/my-role
    20:9: error: `arn:aws:ec2::111122223333:role/dev` is neither a user nor a role
        help: write it like arn:aws:iam::111122223333:role/my-role
    21:9: error: `arn:aws:iam::111122223333:role/` is not the ARN of an IAM role or user
        help: write it like arn:aws:iam::111122223333:role/my-role
    22:9: error: `" arn:aws:iam::111122223333:role/dev "` (blanks at both ends) is not the ARN of an IAM role or user
        help: there are spaces around it; the authenticator treats them as part of it
    "#);
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
    ]), @r#"
    5:3: error: iamIdentityMappings[0] has no subject
        help: set `arn` to the ARN of an IAM role or user
    6:3: error: iamIdentityMappings[1] has no subject
        help: set `arn` to the ARN of an IAM role or user
    7:3: error: iamIdentityMappings[2]: neither username nor groups are set
        help: without both, the principal gets in without any rights
    8:3: error: `arn:aws:iam::111122223333:role/dev` is mapped twice, with another user name or other groups; the first is at c.yaml:7:3
        help: merge the two: EKS uses only the last entry and does not combine groups
    8:3: warning: iamIdentityMappings[3].username is not set
        help: an existing mapping keeps its user name; a new one gets an empty one, and the audit log cannot tell callers apart; with `{{SessionName}}` it can
    9:51: warning: username has no effect together with serviceName
        help: the service has a role and a user name of its own; leave it out
    10:17: error: invalid service name `emr`
        help: the only one is `emr-containers`
    10:33: error: `Spark` cannot be the name of a namespace
        help: Kubernetes would accept `spark`
    11:13: error: `1111-2222-3333` is not the id of an AWS account
        help: write it without hyphens: "111122223333"
    12:13: error: `1111` is not the id of an AWS account
        help: it has twelve digits; leading zeros count, so write it in quotes
    "#);
    assert_snapshot!(said(&format!(
        "{HEAD}---\napiVersion: eksact.dev/v1alpha1\nkind: ClusterAccess\nidentityMappings:\n- {{permissionSet: {{name: A}}, arn: 'arn:aws:iam::111122223333:role/dev', username: a}}\n- {{permissionSet: {{account: '1'}}, username: a}}\n- {{permissionSet: {{name: AWSReservedSSO_View_Only_0123456789abcdef}}, username: a}}\n- {{permissionSet: {{name: 'a b'}}, username: a}}\n- {{serviceName: emr, namespace: a}}\n"
    )), @r#"
    8:30: error: identityMappings[0]: arn cannot be used together with permissionSet
    9:19: error: identityMappings[1].permissionSet.name must be set
        help: write the name of the permission set, as IAM Identity Center shows it
    9:29: error: `1` is not the id of an AWS account
        help: it has twelve digits; leading zeros count, so write it in quotes
    10:26: error: `AWSReservedSSO_View_Only_0123456789abcdef` cannot be the name of a permission set
        help: this is its role; write the name of the permission set alone: `View_Only`
    11:26: error: `a b` cannot be the name of a permission set
        help: it has at most 32 letters, digits and `_+=,.@-`
    12:17: error: identityMappings[4].serviceName cannot be `emr`
        help: write `emr-containers`; eksact supports no other
    "#);
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
    // A session of IAM Identity Center is a person, never a node.
    said.push('\n');
    said.push_str(&about(&[
        "{arn: 'arn:aws:iam::111122223333:role/AWSReservedSSO_Ops_0123456789abcdef', \
         username: 'system:node:{{EC2PrivateDNSName}}', groups: ['{{SessionName}}']}",
    ]));
    assert_snapshot!(said, @r#"
    5:57: error: `{{ SessionName }}` in `dev:{{ SessionName }}` is not a placeholder that the server knows: it remains in the name literally
        help: write `dev:{{SessionName}}`; braces, case and blanks count
    5:57: error: `{{sessionname}}` is not a placeholder that the server knows: it is used literally as the name
        help: write `{{SessionName}}`; braces, case and blanks count
    5:57: error: `{{Session}}` is not a placeholder that the server knows: it is used literally as the name
        help: write `{{SessionName}}`; braces, case and blanks count
    5:57: error: `{SessionName}` is not a placeholder that the server knows: it is used literally as the name
        help: write `{{SessionName}}`; braces, case and blanks count
    5:57: error: `{{SessionName}` is not a placeholder that the server knows: it is used literally as the name
        help: write `{{SessionName}}`; braces, case and blanks count
    5:57: warning: `{{Team}}` is not a placeholder that the server knows: it is used literally as the name
        help: the placeholders are {{EC2PrivateDNSName}}, {{AccountID}}, {{SessionName}}, {{SessionNameRaw}}, {{AccessKeyID}}; write the name itself in place of any other
    5:69: error: `{{AccountId}}` is not a placeholder that the server knows: it is used literally as the name
        help: write `{{AccountID}}`; braces, case and blanks count
    5:86: error: iamIdentityMappings[0].groups[1] is empty
        help: a variable was probably not set: fill it in, or remove it from the list
    5:57: warning: {{SessionName}} is empty for an IAM user: only a role has sessions
        help: write the user's name itself
    5:85: error: {{EC2PrivateDNSName}} is for the role of a node only: the server always refuses an IAM user
        help: write the user's name itself
    5:89: error: {{EC2PrivateDNSName}} is for the role of a node only: the server always refuses a session of IAM Identity Center
        help: write `{{SessionName}}`, which is the user's name in IAM Identity Center, or another name
    "#);
}

#[test]
fn names_that_belong_to_the_system() {
    assert_snapshot!(about(&[
        "{arn: 'arn:aws:iam::111122223333:role/a', username: 'system:kube-scheduler'}",
        "{arn: 'arn:aws:iam::111122223333:role/b', username: 'eks:addon-manager'}",
        "{arn: 'arn:aws:iam::111122223333:role/c', username: c, groups: ['system:master', 'System:Masters', 'sytem:masters', 'system:admins', 'system:node']}",
        "{arn: 'arn:aws:iam::111122223333:role/d', username: d, groups: ['system:masters', 'system:bootstrappers', 'system:nodes', 'system:node-proxier', 'eks:kube-proxy-windows', 'team:masters', 'system:serviceaccounts:app']}",
    ]), @r#"
    5:55: warning: `system:kube-scheduler` is a user name of Kubernetes' own: `system:` is reserved
        help: whoever gets in under it has the rights of that component; choose another name
    6:55: warning: `eks:addon-manager` is a user name of EKS's own: `eks:` is reserved
        help: whoever gets in under it has the rights of that component; choose another name
    7:67: error: `system:master` is not a group that Kubernetes or EKS knows
        help: write `system:masters`
    7:84: error: `System:Masters` is not a group that Kubernetes or EKS knows
        help: write `system:masters`
    7:102: error: `sytem:masters` is not a group that Kubernetes or EKS knows
        help: write `system:masters`
    7:119: warning: `system:admins` is not a group that Kubernetes knows
        help: `system:` is reserved for Kubernetes itself; choose another name for a group of your own
    7:136: error: `system:node` is not a group that Kubernetes or EKS knows
        help: write `system:nodes`
    "#);
}

#[test]
fn eksctls_rules_for_identity_mappings() {
    assert_snapshot!(said(&format!("{HEAD}iamIdentityMappings:\n- {{arn: a, username: b, groups: [c], serviceName: emr-containers, namespace: d}}\n- {{serviceName: a}}\n- {{namespace: a}}\n- {{account: '1', arn: b}}\n")), @r#"
    5:38: error: iamIdentityMappings[0]: cannot use arn, username, and groups with serviceName
    6:3: error: iamIdentityMappings[1]: namespace is required when using serviceName
    6:17: error: invalid service name `a`
        help: the only one is `emr-containers`
    7:3: error: iamIdentityMappings[2]: serviceName is required when using namespace
    8:4: error: iamIdentityMappings[3]: account cannot be configured with any other options
    "#);
}
