//! What is wrong with a ClusterConfig or a ClusterAccess, and edited as the help says.

use std::fmt::Write as _;

use super::case::{Case, Check, case};

const HEAD: &str =
    "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {name: quickstart, region: eu-west-1}\n";
const ACCESS: &str = "---\napiVersion: eksact.dev/v1alpha1\nkind: ClusterAccess\n";
const S3: &str = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";
const DEV: &str = "arn:aws:iam::111122223333:role/dev";

fn planned(text: String) -> Case {
    case("plan -f c.yaml").file("c.yaml", text)
}

/// A fault behind the head of a ClusterConfig; then the one text in place of the other.
fn fault(body: &str, says: &str, from: &str, to: &str) -> Check {
    planned(format!("{HEAD}{body}\n"))
        .says(says)
        .replace("c.yaml", from, to)
        .check()
}

/// The same, where the file then has something else to it that is as it is meant.
fn fault_leaving(body: &str, says: &str, (from, to): (&str, &str), leaves: &'static str) -> Check {
    planned(format!("{HEAD}{body}\n"))
        .says(says)
        .replace("c.yaml", from, to)
        .leaves(leaves)
        .check()
}

/// The same for a service account that is right but for these keys.
fn account(keys: &str, says: &str, from: &str, to: &str) -> Check {
    let body = format!(
        "iam: {{withOIDC: true, serviceAccounts: [{{metadata: {{name: app-a}}, attachPolicyARNs: ['{S3}'], {keys}}}]}}"
    );
    fault(&body, says, from, to)
}

/// The same for the metadata of a service account.
fn metadata(keys: &str, says: &str, from: &str, to: &str) -> Check {
    let body = format!(
        "iam: {{withOIDC: true, serviceAccounts: [{{metadata: {{{keys}}}, attachPolicyARNs: ['{S3}']}}]}}"
    );
    fault(&body, says, from, to)
}

/// The same for one entry of `iamIdentityMappings`.
fn mapping(entry: &str, says: &str, from: &str, to: &str) -> Check {
    fault(&format!("iamIdentityMappings:\n- {entry}"), says, from, to)
}

/// The same for one entry of a ClusterAccess' `identityMappings`.
fn own_mapping(entry: &str, says: &str, from: &str, to: &str) -> Check {
    fault(&format!("{ACCESS}identityMappings:\n- {entry}"), says, from, to)
}

/// The same for one entry of a ClusterAccess' `groups`.
fn group(entry: &str, says: &str, from: &str, to: &str) -> Check {
    fault(&format!("{ACCESS}groups:\n- {entry}"), says, from, to)
}

pub(super) fn cases() -> Vec<Check> {
    [files(), shapes(), service_accounts(), mappings(), groups()]
        .into_iter()
        .flatten()
        .collect()
}

fn files() -> Vec<Check> {
    let whole = |text: &str| planned(text.to_owned());
    let named = |metadata: &str, says: &str| {
        planned(HEAD.replace("name: quickstart, region: eu-west-1", metadata))
            .says(says)
            .write("c.yaml", HEAD)
            .check()
    };
    let anchors = {
        let mut text = format!("{HEAD}x-a: &a [{}]\n", "'xxxxxxxxxx',".repeat(10));
        for (next, last) in "bcdefgh".chars().zip("abcdefg".chars()) {
            let items = format!("*{last},").repeat(10);
            writeln!(text, "x-{next}: &{next} [{items}]").unwrap();
        }
        text
    };
    let many_documents = format!("{HEAD}{}", format!("{ACCESS}groups: []\n").repeat(70));
    vec![
        whole("").says("begin with `apiVersion: eksctl.io/v1alpha5` and `kind: ClusterConfig`").write("c.yaml", HEAD).check(),
        whole("iam: {withOIDC: true}\n").says("write `apiVersion: eksctl.io/v1alpha5`").replace("c.yaml", "iam:", "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {name: quickstart, region: eu-west-1}\niam:").check(),
        whole("iam: {withOIDC: true}\n").says("write `kind: ClusterConfig`").replace("c.yaml", "iam:", "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {name: quickstart, region: eu-west-1}\niam:").check(),
        whole("iam: {withOIDC: true}\n").says("write `metadata:` with the `name` and the `region`").replace("c.yaml", "iam:", "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {name: quickstart, region: eu-west-1}\niam:").check(),
        whole(&HEAD.replace("name: quickstart, ", "")).says("write the name of the EKS cluster").replace("c.yaml", "{region", "{name: quickstart, region").check(),
        whole(&HEAD.replace(", region: eu-west-1", "")).says("write the AWS region of the cluster, such as `region: eu-west-1`").replace("c.yaml", "quickstart", "quickstart, region: eu-west-1").check(),
        fault("---\napiVersion: v1\nkind: ConfigMap", "put everything else into files of its own", "---\napiVersion: v1\nkind: ConfigMap\n", ""),
        fault(&format!("---\n{HEAD}"), "one run is about one cluster: put the other into a file of its own", &format!("---\n{HEAD}"), ""),
        whole(&format!("{}---\n{HEAD}", ACCESS.replacen("---\n", "", 1))).says("put it first: eksctl reads nothing else of a file").write("c.yaml", format!("{HEAD}{ACCESS}")).check(),
        whole(&ACCESS.replacen("---\n", "", 1)).says("put it behind one, or name both files with -f").write("c.yaml", format!("{HEAD}{ACCESS}")).check(),
        whole(&ACCESS.replacen("---\n", "", 1)).file("cluster.yaml", HEAD).says("put it behind one, or name both files with -f").instead("plan -f cluster.yaml -f c.yaml").check(),
        fault(&format!("{ACCESS}metadata: {{name: other}}"), "is this the right file? `metadata` may be left out", "metadata: {name: other}\n", ""),
        named("name: 'arn:aws:eks:eu-west-1:111122223333:cluster/quickstart', region: eu-west-1", "write its name: `quickstart`"),
        named("name: quickstart.eu-west-1.eksctl.io, region: eu-west-1", "write its name: `quickstart`"),
        named("name: 'arn:aws:iam::111122223333:role/x', region: eu-west-1", "write the name of the EKS cluster"),
        named("name: quickstart, region: EU_WEST_1", "write `eu-west-1`"),
        account("roleName: ''", "a variable was probably not set: fill it in, or leave the key out", ", roleName: ''", ""),
        whole("\u{1f}\n").says("remove it; in double quotes it can be written as an escape").write("c.yaml", HEAD).check(),
        whole(&"#".repeat(3 * 1024 * 1024)).says("is this really a ClusterConfig?").write("c.yaml", HEAD).check(),
        whole(&anchors).says("write the file with fewer aliases, or split it").write("c.yaml", HEAD).check(),
        whole(&many_documents).says("put the entries of several into one").write("c.yaml", format!("{HEAD}{ACCESS}")).check(),
        fault("iam: {withOIDC: true}\niam: {withOIDC: true}", "keep one of them", "iam: {withOIDC: true}\n", ""),
        mapping(&format!("arn: {DEV}\n  username: {{{{SessionName}}}}"), "without quotes YAML takes it for a mapping", "{{SessionName}}", "'{{SessionName}}'"),
        fault("metadata:\n  ? [a]\n  : b", "put it in quotes if it is meant as a key", "metadata:\n  ? [a]\n  : b\n", ""),
        fault("iam:\n\twithOIDC: true", "indent with spaces", "\t", "  "),
        fault("iam: *all", "define the anchor with `&name` before the alias", "metadata: {name: quickstart, region: eu-west-1}\niam: *all", "metadata: {name: quickstart, region: eu-west-1, tags: &all {}}\niam: *all"),
        fault(&format!("iamIdentityMappings:\n- arn: {DEV}\n  username: a: b"), "a text with `: ` in it needs quotes", "a: b", "'a: b'"),
    ]
}

fn shapes() -> Vec<Check> {
    vec![
        fault(
            "iam: {withOIDC: !Ref x}",
            "write the value itself",
            "!Ref x",
            "true",
        ),
        fault(
            "iam: {withOIDC: true}\ntags: {}\nRef: x",
            "this looks like CloudFormation; nothing expands it here",
            "\ntags: {}\nRef: x",
            "",
        ),
        account(
            "attachPolicy: {Version: '2012-10-17', Statement: [{Effect: Allow, Action: 's3:GetObject', Resource: {Ref: x}}]}",
            "eksact passes policy documents on as they are",
            "{Ref: x}",
            "'*'",
        ),
        account(
            "attachPolicy: {Version: '2012-10-17', Statement: [{Effect: Allow, Action: 's3:GetObject', Resource: 'arn:aws:s3:::${BUCKET}/${aws:username}'}]}",
            "IAM policy variables such as ${aws:username} may stay",
            "${BUCKET}",
            "b",
        ),
        account(
            "roleName: 'app-${ENV}'",
            "fill it in first, for example with envsubst",
            "${ENV}",
            "prod",
        ),
        fault(
            "iam: {withOIDC: 'true'}",
            "write it without quotes",
            "'true'",
            "true",
        ),
        fault(
            &format!(
                "iam:\n  withOIDC: true\n  serviceAccounts:\n  - metadata: {{name: a}}\n    attachPolicyARNs: {S3}"
            ),
            "write a list: `- ` before each item, or `[a, b]`",
            S3,
            &format!("[{S3}]"),
        ),
        fault(
            &format!(
                "iam:\n  withOIDC: true\n  serviceAccounts:\n    metadata: {{name: a}}\n    attachPolicyARNs: [{S3}]"
            ),
            "write `- ` before each item of the list",
            "    metadata:",
            "  - metadata:",
        ),
        account(
            "roleName: {'Fn::Sub': a}",
            "CloudFormation functions are not expanded here",
            "{'Fn::Sub': a}",
            "a",
        ),
        fault(
            "iam: {withOIDC: true}\napiVersion2: x",
            "did you mean `apiVersion`?",
            "\napiVersion2: x",
            "",
        ),
        planned(HEAD.replace("v1alpha5", "v1alpha4"))
            .says("write `eksctl.io/v1alpha5`; eksact supports no other")
            .replace("c.yaml", "v1alpha4", "v1alpha5")
            .check(),
        fault(
            "accessConfig: {authenticationMode: APIS}",
            "did you mean `API`?",
            "APIS",
            "API",
        ),
        fault(
            "accessConfig: {authenticationMode: x}",
            "it is one of ",
            "Mode: x",
            "Mode: API_AND_CONFIG_MAP",
        ),
        fault(
            "identityProviders: [{name: a, issuerURL: b, clientID: c}]",
            "write `type: oidc`",
            "[{name",
            "[{type: oidc, name",
        ),
        fault(
            "iam: {withOidc: true}",
            "did you mean `withOIDC`? Keys are case-sensitive",
            "withOidc",
            "withOIDC",
        ),
        fault(
            "withOIDC: true",
            "`withOIDC` belongs to iam",
            "withOIDC: true",
            "iam: {withOIDC: true}",
        ),
        fault(
            "iam: {withOIDC: true, serviceAcounts: []}",
            "did you mean `serviceAccounts`?",
            "serviceAcounts",
            "serviceAccounts",
        ),
        fault(
            "iamIdentityMappings: [{permissionSet: {name: AdministratorAccess}, username: a}]",
            "of a ClusterAccess",
            "iamIdentityMappings: [{permissionSet: {name: AdministratorAccess}, username: a}]",
            &format!(
                "{ACCESS}identityMappings: [{{permissionSet: {{name: AdministratorAccess}}, username: a}}]"
            ),
        ),
        fault(
            "iam: {withOIDC: true, zzzzzz: 1}",
            "the keys here are",
            ", zzzzzz: 1",
            "",
        ),
    ]
}

fn service_accounts() -> Vec<Check> {
    let arns = |count: usize| -> String {
        let arns: Vec<String> = (0..count)
            .map(|index| format!("'arn:aws:iam::aws:policy/P{index}',"))
            .collect();
        arns.concat()
    };
    let many = |count: usize| {
        format!(
            "iam: {{withOIDC: true, serviceAccounts: [{{metadata: {{name: a}}, attachPolicyARNs: [{}]}}]}}",
            arns(count)
        )
    };
    let policy = |size: usize| {
        format!(
            "attachPolicy: {{Version: '2012-10-17', Statement: [{{Effect: Allow, Action: 's3:GetObject', Resource: 'arn:aws:s3:::{}'}}]}}",
            "b".repeat(size)
        )
    };
    let large = policy(10_300);
    let one =
        |rest: &str| format!("iam: {{withOIDC: true, serviceAccounts: [{{metadata: {{name: a}}, {rest}}}]}}");
    vec![
        fault(&format!("iam: {{serviceAccounts: [{{metadata: {{name: a}}, attachPolicyARNs: ['{S3}']}}]}}"), "write `withOIDC: true` under `iam`", "{serviceAccounts", "{withOIDC: true, serviceAccounts"),
        planned(HEAD.replace("quickstart", "-quick")).says("it has 1 to 100 letters, digits, hyphens and underscores").replace("c.yaml", "-quick", "quickstart").check(),
        planned(HEAD.replace("eu-west-1", "eu-west-1a")).says("this is an availability zone; its region is `eu-west-1`").replace("c.yaml", "eu-west-1a", "eu-west-1").check(),
        planned(HEAD.replace("eu-west-1", "Ireland")).says("a region is written like `eu-west-1`").replace("c.yaml", "Ireland", "eu-west-1").check(),
        metadata("namespace: app", "write the name of the service account", "{namespace", "{name: a, namespace"),
        metadata("name: My_App", "Kubernetes would take `my-app`", "My_App", "my-app"),
        metadata("name: '-.-'", "it has at most 253 lower-case letters, digits, hyphens and dots", "'-.-'", "a"),
        metadata("name: a, namespace: My_App", "Kubernetes would take `my-app`", "My_App", "my-app"),
        metadata("name: a, namespace: '-'", "it has at most 63 lower-case letters, digits and hyphens, and a letter or digit at both ends", "'-'", "app"),
        metadata("name: a, labels: {'a b': c}", "perhaps after a `prefix/`", "a b", "a-b"),
        metadata("name: a, labels: {d: 'e f'}", "longer text goes into an annotation", "labels", "annotations"),
        metadata("name: a, labels: {app.kubernetes.io/managed-by: Helm}", "eksact marks what it owns with this label, as eksctl does; leave it out here", ", labels: {app.kubernetes.io/managed-by: Helm}", ""),
        fault_leaving(&format!("iam: {{withOIDC: true, serviceAccounts: [{{metadata: {{name: a, annotations: {{eks.amazonaws.com/role-arn: '{DEV}'}}}}}}]}}"), "to use an existing role write `attachRoleARN`", (&format!(", annotations: {{eks.amazonaws.com/role-arn: '{DEV}'}}}}"), &format!("}}, attachRoleARN: '{DEV}'")), "attached-role-missing"),
        metadata("name: a, annotations: {'/': y}", "perhaps after a `prefix/`", "'/'", "a"),
        fault_leaving(&one(&format!("attachRoleARN: '{DEV}', roleOnly: true")), "attachRoleARN uses an existing role as it is; keep one of the two", (", roleOnly: true", ""), "attached-role-missing"),
        fault(&one(&format!("attachRoleARN: '{DEV}', tags: {{a: b}}")), "attachRoleARN uses an existing role as it is", ", tags: {a: b}", ""),
        fault(&one("attachPolicyARNs: []"), "attach one, unless resources trust the role by name", "[]", &format!("['{S3}']")),
        fault_leaving(&one("wellKnownPolicies: {autoScaler: false}"), "for a role without any policy say so plainly: `attachPolicyARNs: []`", ("wellKnownPolicies: {autoScaler: false}", "attachPolicyARNs: []"), "will have no policy"),
        fault(&one("attachPolicyARNs: [x]"), "write it like arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess", "[x]", &format!("['{S3}']")),
        fault_leaving(&one(&format!("attachPolicyARNs: ['{DEV}']")), "this is a role; `attachRoleARN` uses an existing role", (&format!("attachPolicyARNs: ['{DEV}']"), &format!("attachRoleARN: '{DEV}'")), "attached-role-missing"),
        fault(&one(&format!("attachRoleARN: '{S3}'")), "this is a policy; it belongs in `attachPolicyARNs`", &format!("attachRoleARN: '{S3}'"), &format!("attachPolicyARNs: ['{S3}']")),
        fault(&one("attachPolicyARNs: ['arn:aws-cn:iam::aws:policy/AmazonS3ReadOnlyAccess']"), "begin it with `arn:aws:`", "arn:aws-cn:", "arn:aws:"),
        account("roleName: 'path/app'", "a name has no path; eksctl's format has no field for one", "path/", ""),
        account("roleName: 'a b'", "it has 1 to 64 letters, digits and `_+=,.@-`", "a b", "a-b"),
        account("subjectPattern: 'ns:a'", "it stands for the name alone (the namespace stays)", "ns:a", "app-*"),
        account("subjectPattern: '**'", "name a prefix, such as `app-*`", "**", "app-*"),
        account("attachPolicy: {Version: '2012-10-17', Statement: [{Effect: Allow, Action: 's3:GetObject', Resource: '✓'}]}", "only characters up to U+00FF are allowed", "✓", "*"),
        fault(&many(26), "put the statements of several into one policy of your own", &arns(26), &arns(9)),
        fault(&many(11), "the quota \"Managed policies per role\" can be raised to 25", &arns(11), &arns(10)),
        account(&large, "make it a managed policy and name it in `attachPolicyARNs`", &format!(", {large}"), ""),
        fault(&format!("iam: {{withOIDC: true, serviceAccounts: [{{metadata: {{name: c, namespace: a-b}}, attachPolicyARNs: ['{S3}']}}, {{metadata: {{name: b-c, namespace: a}}, attachPolicyARNs: ['{S3}']}}]}}"), "a stack that exists already keeps its name", "name: b-c", "name: d"),
        planned(format!("{}iam: {{withOIDC: true, serviceAccounts: [{{metadata: {{name: a}}, attachPolicyARNs: ['{S3}'], tags: {{team: b}}}}]}}\n", HEAD.replace("eu-west-1", "eu-west-1, tags: {Team: a}"))).says("write them alike").replace("c.yaml", "team", "Team").check(),
    ]
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
            "there are spaces around it; the authenticator takes them as a part of it",
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
            "write `arn` with the ARN of an IAM role or user",
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
            "Kubernetes would take `default`",
            "Default",
            "default",
        ),
        mapping(
            &format!("{{arn: '{DEV}'}}"),
            "without both it lets somebody in who may do nothing",
            "role/dev'",
            "role/dev', username: a",
        ),
        mapping(
            &dev("groups: [a]"),
            "`{{SessionName}}` would",
            "groups",
            "username: 'dev:{{SessionName}}', groups",
        ),
        mapping(
            "{arn: 'arn:aws:iam::111122223333:user/ann', groups: [a]}",
            "the audit log does not tell one from another",
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
            "make one of the two: EKS takes the last entry alone and does not join groups",
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
            "the API server asks no RBAC for its members; bind another group",
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
            "Kubernetes would take `default`",
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
