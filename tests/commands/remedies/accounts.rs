//! What is wrong with a service account of a file, and edited as the help says.

use super::{
    case::Check,
    config::{account, fault, fault_leaving, metadata, planned},
    world::{DEV, HEAD, S3},
};

pub(super) fn cases() -> Vec<Check> {
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
    let tags: Vec<String> = (0..47).map(|number| format!("t{number}: x")).collect();
    let tags = tags.join(", ");
    let one =
        |rest: &str| format!("iam: {{withOIDC: true, serviceAccounts: [{{metadata: {{name: a}}, {rest}}}]}}");
    vec![
        fault(&format!("iam: {{serviceAccounts: [{{metadata: {{name: a}}, attachPolicyARNs: ['{S3}']}}]}}"), "write `withOIDC: true` under `iam`", "{serviceAccounts", "{withOIDC: true, serviceAccounts"),
        planned(HEAD.replace("quickstart", "-quick")).says("it has 1 to 100 letters, digits, hyphens and underscores").replace("c.yaml", "-quick", "quickstart").check(),
        planned(HEAD.replace("eu-west-1", "eu-west-1a")).says("this is an availability zone; its region is `eu-west-1`").replace("c.yaml", "eu-west-1a", "eu-west-1").check(),
        planned(HEAD.replace("eu-west-1", "Ireland")).says("a region is written like `eu-west-1`").replace("c.yaml", "Ireland", "eu-west-1").check(),
        metadata("namespace: app", "write the name of the service account", "{namespace", "{name: a, namespace"),
        metadata("name: My_App", "Kubernetes would accept `my-app`", "My_App", "my-app"),
        metadata("name: '-.-'", "it has at most 253 lower-case letters, digits, hyphens and dots", "'-.-'", "a"),
        metadata("name: a, namespace: My_App", "Kubernetes would accept `my-app`", "My_App", "my-app"),
        metadata("name: a, namespace: '-'", "it has at most 63 lower-case letters, digits and hyphens, and a letter or digit at both ends", "'-'", "app"),
        metadata("name: a, labels: {'a b': c}", "optionally after a `prefix/`", "a b", "a-b"),
        metadata("name: a, labels: {d: 'e f'}", "longer text goes into an annotation", "labels", "annotations"),
        metadata("name: a, labels: {app.kubernetes.io/managed-by: Helm}", "eksact marks what it owns with this label, as eksctl does; leave it out here", ", labels: {app.kubernetes.io/managed-by: Helm}", ""),
        fault_leaving(&format!("iam: {{withOIDC: true, serviceAccounts: [{{metadata: {{name: a, annotations: {{eks.amazonaws.com/role-arn: '{DEV}'}}}}}}]}}"), "to use an existing role write `attachRoleARN`", (&format!(", annotations: {{eks.amazonaws.com/role-arn: '{DEV}'}}}}"), &format!("}}, attachRoleARN: '{DEV}'")), "attached-role-missing"),
        metadata("name: a, annotations: {'/': y}", "optionally after a `prefix/`", "'/'", "a"),
        fault_leaving(&one(&format!("attachRoleARN: '{DEV}', roleOnly: true")), "attachRoleARN uses an existing role as it is; keep one of the two", (", roleOnly: true", ""), "attached-role-missing"),
        fault(&one(&format!("attachRoleARN: '{DEV}', tags: {{a: b}}")), "attachRoleARN uses an existing role as it is", ", tags: {a: b}", ""),
        fault(&one("attachPolicyARNs: []"), "attach one, unless resources trust the role by name", "[]", &format!("['{S3}']")),
        fault_leaving(&one("wellKnownPolicies: {autoScaler: false}"), "for a role without any policy write `attachPolicyARNs: []`", ("wellKnownPolicies: {autoScaler: false}", "attachPolicyARNs: []"), "will have no policy"),
        fault(&one("attachPolicyARNs: [x]"), "write it like arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess", "[x]", &format!("['{S3}']")),
        fault_leaving(&one(&format!("attachPolicyARNs: ['{DEV}']")), "this is a role; `attachRoleARN` uses an existing role", (&format!("attachPolicyARNs: ['{DEV}']"), &format!("attachRoleARN: '{DEV}'")), "attached-role-missing"),
        fault(&one(&format!("attachRoleARN: '{S3}'")), "this is a policy; it belongs in `attachPolicyARNs`", &format!("attachRoleARN: '{S3}'"), &format!("attachPolicyARNs: ['{S3}']")),
        fault(&one("attachPolicyARNs: ['arn:aws-cn:iam::aws:policy/AmazonS3ReadOnlyAccess']"), "begin it with `arn:aws:`", "arn:aws-cn:", "arn:aws:"),
        account("roleName: 'path/app'", "a name has no path; eksctl's format has no field for one", "path/", ""),
        account("roleName: 'a b'", "it has 1 to 64 letters, digits and `_+=,.@-`", "a b", "a-b"),
        account("subjectPattern: 'ns:a'", "it matches the name only (the namespace is fixed)", "ns:a", "app-*"),
        account("subjectPattern: 'x*'", "correct one of the two: `*` stands for any text, `?` for one character", "x*", "app-*"),
        account("subjectPattern: '**'", "name a prefix, such as `app-*`", "**", "app-*"),
        account("attachPolicy: {Version: '2012-10-17'}", "list at least one statement under `Statement`, with `Effect`, `Action` and `Resource`", "{Version: '2012-10-17'}", "{Version: '2012-10-17', Statement: [{Effect: Allow, Action: 's3:GetObject', Resource: '*'}]}"),
        account("attachPolicy: {Version: '2012-10-17', Statement: [{Effect: Allow, Action: 's3:GetObject', Resource: '✓'}]}", "only characters up to U+00FF are allowed", "✓", "*"),
        fault(&many(26), "put the statements of several into one policy of your own", &arns(26), &arns(9)),
        fault(&many(11), "the quota \"Managed policies per role\" can be raised to 25", &arns(11), &arns(10)),
        account(&large, "make it a managed policy and name it in `attachPolicyARNs`", &format!(", {large}"), ""),
        fault(&format!("iam: {{withOIDC: true, serviceAccounts: [{{metadata: {{name: c, namespace: a-b}}, attachPolicyARNs: ['{S3}']}}, {{metadata: {{name: b-c, namespace: a}}, attachPolicyARNs: ['{S3}']}}]}}"), "a stack that exists already keeps its name", "name: b-c", "name: d"),
        planned(format!("{}iam: {{withOIDC: true, serviceAccounts: [{{metadata: {{name: a}}, attachPolicyARNs: ['{S3}'], tags: {{team: b}}}}]}}\n", HEAD.replace("eu-west-1", "eu-west-1, tags: {Team: a}"))).says("write them the same way").replace("c.yaml", "team", "Team").check(),
        account(&format!("tags: {{{tags}}}"), "leave out 1 of them, here or in `metadata.tags`", "t0: x, ", ""),
        fault(&one(&format!("attachPolicyARNs: ['{S3}', '{S3}']")), "leave one out", &format!("', '{S3}"), ""),
        fault(&format!("iam: {{withOIDC: true, serviceAccounts: [{{metadata: {{name: a}}, attachPolicyARNs: ['{S3}']}}, {{metadata: {{name: a}}, attachPolicyARNs: ['{S3}']}}]}}"), "leave one out", &format!("{{metadata: {{name: a}}, attachPolicyARNs: ['{S3}']}}, "), ""),
        fault(&format!("iam: {{withOIDC: true, serviceAccounts: [{{metadata: {{name: a}}, roleName: r, attachPolicyARNs: ['{S3}']}}, {{metadata: {{name: b}}, roleName: r, attachPolicyARNs: ['{S3}']}}]}}"), "give one of the two another name", "name: b}, roleName: r", "name: b}, roleName: s"),
    ]
}
