//! What is refused before AWS is asked, each with its place.

use insta::assert_snapshot;

use crate::config::tests::{HEAD, report, said};

/// The report over a file with these entries.
fn entries(region: &str, entries: &str) -> String {
    report(&format!(
        "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {{name: prod, region: {region}}}\naccessConfig:\n  accessEntries:\n{entries}"
    ))
}

#[test]
fn principals_that_no_entry_can_have() {
    assert_snapshot!(entries("eu-west-1", concat!(
        "  - principalARN: arn:aws:sts::111122223333:assumed-role/dev/ann\n",
        "  - principalARN: dev\n",
        "  - principalARN: arn:aws:iam::111122223333:group/devs\n",
        "  - principalARN: arn:aws:iam::111122223333:root\n",
        "  - principalARN: arn:aws:iam::111122223333:role/aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS\n",
        "  - principalARN: arn:aws-cn:iam::111122223333:role/dev\n",
        "  - {principalARN: 'arn:aws:iam::111122223333:user/ann', type: EC2_LINUX}\n",
        "  - {principalARN: 'arn:aws:iam::444455556666:role/other'}\n",
    )), @r"
    c.yaml:6:19: error: `arn:aws:sts::111122223333:assumed-role/dev/ann` is a session of a role, and access entries name the role
          - principalARN: arn:aws:sts::111122223333:assumed-role/dev/ann
                          ^
        help: write the ARN of the role, with its path: `aws iam get-role --role-name dev --query Role.Arn --output text`
    c.yaml:7:19: error: accessConfig.accessEntries[1].principalARN must be set to a valid AWS ARN
          - principalARN: dev
                          ^
        help: write the ARN of a role or user with its path, like arn:aws:iam::111122223333:role/team/dev
    c.yaml:8:19: error: `arn:aws:iam::111122223333:group/devs` is neither an IAM role nor an IAM user
          - principalARN: arn:aws:iam::111122223333:group/devs
                          ^
        help: write the ARN of a role or user with its path, like arn:aws:iam::111122223333:role/team/dev
    c.yaml:9:19: error: `arn:aws:iam::111122223333:root` is neither an IAM role nor an IAM user
          - principalARN: arn:aws:iam::111122223333:root
                          ^
        help: write the ARN of a role or user with its path, like arn:aws:iam::111122223333:role/team/dev
    c.yaml:10:19: error: `arn:aws:iam::111122223333:role/aws-service-role/eks.amazonaws.com/AWSServiceRole…` is a service-linked role: only its service makes its access entry
          - principalARN: arn:aws:iam::111122223333:role/aws-service-role/eks.a…
                          ^
        help: leave it out, or name another principal
    c.yaml:11:19: error: `arn:aws-cn:iam::111122223333:role/dev` is in the partition aws-cn, and the region is in aws
          - principalARN: arn:aws-cn:iam::111122223333:role/dev
                          ^
        help: begin it with `arn:aws:`
    c.yaml:12:20: error: `arn:aws:iam::111122223333:user/ann` is a user, and entries of type `EC2_LINUX` are for roles
          - {principalARN: 'arn:aws:iam::111122223333:user/ann', type: EC2_LINU…
                           ^
        help: name the role of the nodes, or leave `type` out for a person or program
    ");
}

#[test]
fn principal_twice_is_told_in_whatever_case_and_path() {
    assert_snapshot!(entries("eu-west-1", concat!(
        "  - principalARN: arn:aws:iam::111122223333:role/dev\n",
        "  - principalARN: arn:aws:iam::111122223333:role/dev\n",
        "  - principalARN: arn:aws:iam::111122223333:role/team/dev\n",
        "  - principalARN: arn:aws:iam::111122223333:role/Dev\n",
        "  - principalARN: arn:aws:iam::111122223333:user/dev\n",
        "  - principalARN: arn:aws:iam::444455556666:role/dev\n",
    )), @r"
    c.yaml:7:19: error: duplicate access entry accessConfig.accessEntries[1] with principal ARN `arn:aws:iam::111122223333:role/dev`; the first is accessConfig.accessEntries[0]
          - principalARN: arn:aws:iam::111122223333:role/dev
                          ^
        help: keep one entry for the principal, with all groups and policies
    c.yaml:8:19: error: `arn:aws:iam::111122223333:role/team/dev` and `arn:aws:iam::111122223333:role/dev`, at accessConfig.accessEntries[0], are the same principal: names differ in an account by more than case and path
          - principalARN: arn:aws:iam::111122223333:role/team/dev
                          ^
        help: keep one entry for the principal, with all groups and policies
    c.yaml:9:19: error: `arn:aws:iam::111122223333:role/Dev` and `arn:aws:iam::111122223333:role/dev`, at accessConfig.accessEntries[0], are the same principal: names differ in an account by more than case and path
          - principalARN: arn:aws:iam::111122223333:role/Dev
                          ^
        help: keep one entry for the principal, with all groups and policies
    ");
}

#[test]
fn user_names_and_groups_that_eks_reserves() {
    assert_snapshot!(entries("eu-west-1", concat!(
        "  - {principalARN: 'arn:aws:iam::111122223333:role/a', kubernetesGroups: ['system:masters', devs]}\n",
        "  - {principalARN: 'arn:aws:iam::111122223333:role/b', kubernetesGroups: ['eks:x', 'aws:x', 'iam:x', 'amazon:x', 'sts:x']}\n",
        "  - {principalARN: 'arn:aws:iam::111122223333:role/c', kubernetesUsername: 'john{{SessionName}}'}\n",
        "  - {principalARN: 'arn:aws:iam::111122223333:role/d', kubernetesUsername: 'jo:{{SessionName}}'}\n",
        "  - {principalARN: 'arn:aws:iam::111122223333:role/e', kubernetesUsername: '{{AccountID}}:x', kubernetesGroups: ['of-{{SessionName}}']}\n",
        "  - {principalARN: 'arn:aws:iam::111122223333:role/KarpenterNode', kubernetesUsername: 'system:node:{{EC2PrivateDNSName}}', kubernetesGroups: ['system:nodes']}\n",
        "  - {principalARN: 'arn:aws:iam::111122223333:role/node', type: EC2_LINUX, kubernetesGroups: ['system:nodes']}\n",
        "  - {principalARN: 'arn:aws:iam::111122223333:role/pods', type: FARGATE_LINUX, kubernetesUsername: x}\n",
    )), @r"
    c.yaml:6:75: error: `system:masters` is reserved: no group of an access entry begins with `system:`
        …/a', kubernetesGroups: ['system:masters', devs]}
                                 ^
        help: give it the access policy AmazonEKSClusterAdminPolicy instead: `accessPolicies: [{policyARN: arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy, accessScope: {type: cluster}}]`, or `--access-policy AmazonEKSClusterAdminPolicy`
    c.yaml:7:75: error: `eks:x` is reserved: no group of an access entry begins with `eks:`
        …/b', kubernetesGroups: ['eks:x', 'aws:x', 'iam:x', 'amazon:x', 'sts:x'…
                                 ^
        help: choose a name that does not begin with system:, eks:, aws:, amazon: or iam:
    c.yaml:7:84: error: `aws:x` is reserved: no group of an access entry begins with `aws:`
        …rnetesGroups: ['eks:x', 'aws:x', 'iam:x', 'amazon:x', 'sts:x']}
                                 ^
        help: choose a name that does not begin with system:, eks:, aws:, amazon: or iam:
    c.yaml:7:93: error: `iam:x` is reserved: no group of an access entry begins with `iam:`
        …ups: ['eks:x', 'aws:x', 'iam:x', 'amazon:x', 'sts:x']}
                                 ^
        help: choose a name that does not begin with system:, eks:, aws:, amazon: or iam:
    c.yaml:7:102: error: `amazon:x` is reserved: no group of an access entry begins with `amazon:`
        …s:x', 'aws:x', 'iam:x', 'amazon:x', 'sts:x']}
                                 ^
        help: choose a name that does not begin with system:, eks:, aws:, amazon: or iam:
    c.yaml:8:76: error: `john{{SessionName}}` has no colon before `{{SessionName}}`
        …c', kubernetesUsername: 'john{{SessionName}}'}
                                 ^
        help: write `john:{{SessionName}}`
    c.yaml:10:76: error: `{{AccountID}}:x` has a template that EKS does not fill in for access entries
        …e', kubernetesUsername: '{{AccountID}}:x', kubernetesGroups: ['of-{{Se…
                                 ^
        help: EKS fills in {{SessionName}} and {{SessionNameRaw}} of user names alone; write the text itself
    c.yaml:10:114: error: `of-{{SessionName}}` has a template, and groups have none
        …:x', kubernetesGroups: ['of-{{SessionName}}']}
                                 ^
        help: EKS fills in {{SessionName}} and {{SessionNameRaw}} of user names alone; write the text itself
    c.yaml:11:88: error: `system:node:{{EC2PrivateDNSName}}` is reserved: no user name of an access entry begins with `system:`
        …e', kubernetesUsername: 'system:node:{{EC2PrivateDNSName}}', kubernete…
                                 ^
        help: for the role of nodes the type is EC2_LINUX (EC2_WINDOWS for Windows), without user name and groups
    c.yaml:11:144: error: `system:nodes` is reserved: no group of an access entry begins with `system:`
        …}}', kubernetesGroups: ['system:nodes']}
                                 ^
        help: for the role of nodes the type is EC2_LINUX (EC2_WINDOWS for Windows), without user name and groups
    c.yaml:12:76: error: cannot specify accessConfig.accessEntries[6].kubernetesGroups nor accessConfig.accessEntries[6].kubernetesUsername when type is set to `EC2_LINUX`
        …node', type: EC2_LINUX, kubernetesGroups: ['system:nodes']}
                                 ^
        help: remove it: EKS gives nodes their user name and groups
    c.yaml:13:80: error: cannot specify accessConfig.accessEntries[7].kubernetesGroups nor accessConfig.accessEntries[7].kubernetesUsername when type is set to `FARGATE_LINUX`
        …', type: FARGATE_LINUX, kubernetesUsername: x}
                                 ^
        help: remove it: EKS gives nodes their user name and groups
    ");
}

#[test]
fn policies_and_scopes_that_eks_refuses() {
    assert_snapshot!(entries("cn-north-1", concat!(
        "  - principalARN: arn:aws-cn:iam::111122223333:role/a\n",
        "    accessPolicies:\n",
        "    - {policyARN: 'arn:aws-cn:iam::aws:policy/ReadOnlyAccess', accessScope: {type: cluster}}\n",
        "    - {policyARN: 'arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy', accessScope: {type: cluster}}\n",
        "    - {policyARN: AmazonEKSEditPolicy, accessScope: {type: cluster, namespaces: [a]}}\n",
        "    - {policyARN: 'arn:aws-cn:eks::aws:cluster-access-policy/AmazonEKSAdminPolicy', accessScope: {type: namespace}}\n",
        "    - {policyARN: 'arn:aws-cn:eks::aws:cluster-access-policy/AmazonEKSAdminPolicy', accessScope: {type: namespace, namespaces: [b]}}\n",
        "  - principalARN: arn:aws-cn:iam::111122223333:role/node\n",
        "    type: EC2_LINUX\n",
        "    accessPolicies:\n",
        "    - {policyARN: 'arn:aws-cn:eks::aws:cluster-access-policy/AmazonEKSViewPolicy', accessScope: {type: cluster}}\n",
        "  - principalARN: arn:aws-cn:iam::111122223333:role/auto\n",
        "    type: EC2\n",
        "    accessPolicies:\n",
        "    - {policyARN: 'arn:aws-cn:eks::aws:cluster-access-policy/AmazonEKSAutoNodePolicy', accessScope: {type: cluster}}\n",
    )), @r"
    c.yaml:8:19: error: accessConfig.accessEntries[0].accessPolicies[0].policyARN must be a cluster-access-policy resource, and is `arn:aws-cn:iam::aws:policy/ReadOnlyAccess`
            - {policyARN: 'arn:aws-cn:iam::aws:policy/ReadOnlyAccess', accessSc…
                          ^
        help: write an access policy of EKS, such as `arn:aws-cn:eks::aws:cluster-access-policy/AmazonEKSViewPolicy`; `aws eks list-access-policies` lists them
    c.yaml:9:19: error: `arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy` is in the partition aws, and the region is in aws-cn
            - {policyARN: 'arn:aws:eks::aws:cluster-access-policy/AmazonEKSView…
                          ^
        help: write `arn:aws-cn:eks::aws:cluster-access-policy/AmazonEKSViewPolicy`
    c.yaml:10:19: error: accessConfig.accessEntries[0].accessPolicies[2].policyARN must be a cluster-access-policy resource, and is `AmazonEKSEditPolicy`
            - {policyARN: AmazonEKSEditPolicy, accessScope: {type: cluster, nam…
                          ^
        help: write `arn:aws-cn:eks::aws:cluster-access-policy/AmazonEKSEditPolicy`
    c.yaml:10:81: error: cannot specify accessConfig.accessEntries[0].accessPolicies[2].accessScope.namespaces when accessScope is set to cluster
        …e: cluster, namespaces: [a]}}
                                 ^
    c.yaml:11:98: error: at least one namespace must be specified when accessScope is set to namespace: (accessConfig.accessEntries[0].accessPolicies[3])
        …inPolicy', accessScope: {type: namespace}}
                                 ^
    c.yaml:12:19: error: `arn:aws-cn:eks::aws:cluster-access-policy/AmazonEKSAdminPolicy` is in the list already, at accessConfig.accessEntries[0].accessPolicies[3]: an access policy has one scope in an entry
            - {policyARN: 'arn:aws-cn:eks::aws:cluster-access-policy/AmazonEKSA…
                          ^
        help: keep one, with all of its namespaces
    c.yaml:15:5: error: cannot specify accessConfig.accessEntries[1].accessPolicies when type is set to `EC2_LINUX`
            accessPolicies:
            ^
    ");
}

#[test]
fn policy_the_twenty_first_is_refused() {
    let policy = |number: usize| {
        format!(
            "    - {{policyARN: 'arn:aws:eks::aws:cluster-access-policy/P{number}', accessScope: {{type: cluster}}}}\n"
        )
    };
    let of = |count: usize| {
        let policies: String = (0..count).map(policy).collect();
        entries(
            "eu-west-1",
            &format!("  - principalARN: arn:aws:iam::111122223333:role/a\n    accessPolicies:\n{policies}"),
        )
    };
    assert_eq!(of(20), "");
    assert_snapshot!(of(21), @r"
    c.yaml:7:5: error: 21 access policies, and an access entry has at most 20
            accessPolicies:
            ^
    ");
}

#[test]
fn permission_sets_in_the_place_of_an_arn() {
    assert_snapshot!(entries("eu-west-1", concat!(
        "  - principalARN: permissionSet:Admins\n",
        "  - principalARN: permissionSet:Admins\n",
        "  - {principalARN: 'permissionSet:Nodes', type: EC2_LINUX}\n",
        "  - principalARN: 'permissionSet:'\n",
        "  - principalARN: permissionSet:AWSReservedSSO_Ops_0123456789abcdef\n",
    )), @r"
    c.yaml:7:19: error: duplicate access entry accessConfig.accessEntries[1] with principal ARN `permissionSet:Admins`; the first is accessConfig.accessEntries[0]
          - principalARN: permissionSet:Admins
                          ^
        help: keep one entry for the principal, with all groups and policies
    c.yaml:8:20: error: `permissionSet:Nodes` is for people, and entries of type `EC2_LINUX` are for roles of nodes
          - {principalARN: 'permissionSet:Nodes', type: EC2_LINUX}
                           ^
        help: name the role of the nodes, or leave `type` out for a person or program
    c.yaml:9:19: error: accessConfig.accessEntries[3].principalARN must be set
          - principalARN: 'permissionSet:'
                          ^
        help: write the name of the permission set, as IAM Identity Center shows it
    c.yaml:10:19: error: `AWSReservedSSO_Ops_0123456789abcdef` cannot be the name of a permission set
          - principalARN: permissionSet:AWSReservedSSO_Ops_0123456789abcdef
                          ^
        help: this is its role; write the name of the permission set alone: `Ops`
    ");
}

#[test]
fn eksctls_rules_for_access_entries() {
    assert_snapshot!(said(&format!(
        "{HEAD}accessConfig:\n  authenticationMode: CONFIG_MAP\n  accessEntries:\n  - {{type: STANDARD}}\n  - &e {{principalARN: 'arn:aws:iam::111122223333:role/r', type: EC2_LINUX, kubernetesGroups: [a], accessPolicies: []}}\n  - {{<<: *e, type: EC2LINUX}}\n  - principalARN: arn:aws:iam::111122223333:role/s\n    accessPolicies:\n    - {{policyARN: 'arn:aws:iam::aws:policy/A', accessScope: {{type: cluster, namespaces: [a]}}}}\n    - {{policyARN: 'arn:aws:eks::aws:cluster-access-policy', accessScope: {{type: namespace}}}}\n    - {{accessScope: {{type: clusters}}}}\n    - {{policyARN: 'arn:aws:eks::aws:cluster-access-policy/A'}}\n"
    )), @r#"
    5:23: error: accessConfig.authenticationMode must be set to either API_AND_CONFIG_MAP or API to use access entries
        help: write `authenticationMode: API_AND_CONFIG_MAP`, which keeps `aws-auth`, or leave the entries out
    7:5: error: accessConfig.accessEntries[0].principalARN must be set to a valid AWS ARN
        help: write the ARN of a role or user with its path, like arn:aws:iam::111122223333:role/team/dev
    8:23: error: duplicate access entry accessConfig.accessEntries[2] with principal ARN `arn:aws:iam::111122223333:role/r`; the first is accessConfig.accessEntries[1]
        help: keep one entry for the principal, with all groups and policies
    8:76: error: cannot specify accessConfig.accessEntries[1].kubernetesGroups nor accessConfig.accessEntries[1].kubernetesUsername when type is set to `EC2_LINUX`
        help: remove it: EKS gives nodes their user name and groups
    8:76: error: cannot specify accessConfig.accessEntries[2].kubernetesGroups nor accessConfig.accessEntries[2].kubernetesUsername when type is set to `EC2LINUX`
        help: remove it: EKS gives nodes their user name and groups
    9:20: error: accessConfig.accessEntries[2].type cannot be `EC2LINUX`
        help: did you mean `EC2_LINUX`?
    12:19: error: accessConfig.accessEntries[3].accessPolicies[0].policyARN must be a cluster-access-policy resource, and is `arn:aws:iam::aws:policy/A`
        help: write an access policy of EKS, such as `arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy`; `aws eks list-access-policies` lists them
    12:89: error: cannot specify accessConfig.accessEntries[3].accessPolicies[0].accessScope.namespaces when accessScope is set to cluster
    13:19: error: accessConfig.accessEntries[3].accessPolicies[1].policyARN must be a cluster-access-policy resource, and is `arn:aws:eks::aws:cluster-access-policy`
        help: write an access policy of EKS, such as `arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy`; `aws eks list-access-policies` lists them
    13:74: error: at least one namespace must be specified when accessScope is set to namespace: (accessConfig.accessEntries[3].accessPolicies[1])
    14:7: error: accessConfig.accessEntries[3].accessPolicies[2].policyARN must be set to a valid AWS ARN
        help: write an access policy of EKS, such as `arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy`; `aws eks list-access-policies` lists them
    14:28: error: accessConfig.accessEntries[3].accessPolicies[2].accessScope.type cannot be `clusters`
        help: did you mean `cluster`?
    15:7: error: accessConfig.accessEntries[3].accessPolicies[3].accessScope.type must be set to either "namespace" or "cluster"
    "#);
}
