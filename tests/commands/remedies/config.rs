//! What is wrong with a ClusterConfig or a ClusterAccess, and edited as the help says.

use std::fmt::Write as _;

use super::{
    case::{Case, Check, case},
    world::{ACCESS, DEV, HEAD, S3},
};

pub(super) fn planned(text: String) -> Case {
    case("plan -f c.yaml").file("c.yaml", text)
}

/// A fault behind the head of a ClusterConfig; then the one text in place of the other.
pub(super) fn fault(body: &str, says: &str, from: &str, to: &str) -> Check {
    planned(format!("{HEAD}{body}\n"))
        .says(says)
        .replace("c.yaml", from, to)
        .check()
}

/// The same, where the file then has something else to it that is as it is meant.
pub(super) fn fault_leaving(body: &str, says: &str, (from, to): (&str, &str), leaves: &'static str) -> Check {
    planned(format!("{HEAD}{body}\n"))
        .says(says)
        .replace("c.yaml", from, to)
        .leaves(leaves)
        .check()
}

/// The same for a service account that is right but for these keys.
pub(super) fn account(keys: &str, says: &str, from: &str, to: &str) -> Check {
    let body = format!(
        "iam: {{withOIDC: true, serviceAccounts: [{{metadata: {{name: app-a}}, attachPolicyARNs: ['{S3}'], {keys}}}]}}"
    );
    fault(&body, says, from, to)
}

/// The same for the metadata of a service account.
pub(super) fn metadata(keys: &str, says: &str, from: &str, to: &str) -> Check {
    let body = format!(
        "iam: {{withOIDC: true, serviceAccounts: [{{metadata: {{{keys}}}, attachPolicyARNs: ['{S3}']}}]}}"
    );
    fault(&body, says, from, to)
}

/// The same for one entry of `iamIdentityMappings`.
pub(super) fn mapping(entry: &str, says: &str, from: &str, to: &str) -> Check {
    fault(&format!("iamIdentityMappings:\n- {entry}"), says, from, to)
}
pub(super) fn cases() -> Vec<Check> {
    [files(), shapes(), account_of_cluster()]
        .into_iter()
        .flatten()
        .collect()
}

/// `account` of a ClusterAccess.
fn account_of_cluster() -> Vec<Check> {
    let role = "arn:aws:iam::111122223333:role/eksact";
    let fault = |body: &str, says: &str, from: &str, to: &str| {
        fault(&format!("{ACCESS}account:\n{body}"), says, from, to)
    };
    vec![
        fault(
            "  id: 1111",
            "write its twelve digits in quotes, such as",
            "1111",
            "'111122223333'",
        ),
        fault(
            "  externalID: x",
            "name the role with `roleARN`, or leave `externalID` out",
            "  externalID: x",
            &format!("  roleARN: {role}\n  externalID: x"),
        ),
        fault(
            "  roleARN: eksact",
            "write it whole, such as `arn:aws:iam::111122223333:role/eksact`",
            "roleARN: eksact",
            &format!("roleARN: {role}"),
        ),
        fault(
            "  roleARN: arn:aws-cn:iam::111122223333:role/eksact",
            "begin it with `arn:aws:`",
            "arn:aws-cn:",
            "arn:aws:",
        ),
        fault(
            &format!("  id: '444455556666'\n  roleARN: {role}"),
            "name a role of the cluster's account, or correct `id`",
            "444455556666",
            "111122223333",
        ),
        fault(
            &format!("  id: '111122223333'\n{ACCESS}account: {{profile: x}}"),
            "a cluster is in one account: put all of it into one document",
            "account: {profile: x}",
            "",
        ),
    ]
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
        whole("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: aws-auth, namespace: kube-system}\ndata:\n  mapRoles: |\n    - rolearn: arn:aws:iam::111122223333:role/dev\n      username: dev\n")
            .says("checks it as it is")
            .printed_of(0..1, &[("FILE", "c.yaml")])
            .run_line_into("eksact export --cluster quickstart --region eu-west-1", "c.yaml")
            .check(),
        fault(&format!("---\n{HEAD}"), "a file is about one cluster: put the other into a file of its own", &format!("---\n{HEAD}"), ""),
        whole(&format!("{}---\n{HEAD}", ACCESS.replacen("---\n", "", 1))).says("put it first: eksctl reads only the first document of a file").write("c.yaml", format!("{HEAD}{ACCESS}")).check(),
        whole(&ACCESS.replacen("---\n", "", 1)).says("put it after one, or name both files with -f").write("c.yaml", format!("{HEAD}{ACCESS}")).check(),
        whole(&ACCESS.replacen("---\n", "", 1)).file("cluster.yaml", HEAD).says("put it after one, or name both files with -f").instead("plan -f cluster.yaml -f c.yaml").check(),
        fault(&format!("{ACCESS}metadata: {{name: other}}"), "is this the right file? `metadata` may be left out", "metadata: {name: other}\n", ""),
        named("name: 'arn:aws:eks:eu-west-1:111122223333:cluster/quickstart', region: eu-west-1", "write its name: `quickstart`"),
        named("name: quickstart.eu-west-1.eksctl.io, region: eu-west-1", "write its name: `quickstart`"),
        named("name: 'arn:aws:iam::111122223333:role/x', region: eu-west-1", "write the name of the EKS cluster"),
        named("name: quickstart, region: EU_WEST_1", "write `eu-west-1`"),
        account("roleName: ''", "a variable was probably not set: fill it in, or leave the key out", ", roleName: ''", ""),
        mapping("arn: ''\n  username: dev", "a variable was probably not set: fill it in, or write `account` or `serviceName` instead", "arn: ''\n  username: dev", "account: '111122223333'"),
        fault(&format!("iam: {{withOIDC: true, serviceAccounts: [{{metadata: {{name: app-a}}, attachPolicyARNs: ['{S3}', '']}}]}}"), "a variable was probably not set: fill it in, or remove it from the list", ", ''", ""),
        whole("\u{1f}\n").says("remove it; in double quotes it can be written as an escape").write("c.yaml", HEAD).check(),
        whole(&"#".repeat(3 * 1024 * 1024)).says("is this really a ClusterConfig?").write("c.yaml", HEAD).check(),
        whole(&anchors).says("write the file with fewer aliases, or split it").write("c.yaml", HEAD).check(),
        whole(&many_documents).says("put the entries of several into one").write("c.yaml", format!("{HEAD}{ACCESS}")).check(),
        fault("iam: {withOIDC: true}\niam: {withOIDC: true}", "keep one of them", "iam: {withOIDC: true}\n", ""),
        mapping(&format!("arn: {DEV}\n  username: {{{{SessionName}}}}"), "without quotes YAML reads it as a mapping", "{{SessionName}}", "'{{SessionName}}'"),
        fault("metadata:\n  ? [a]\n  : b", "put it in quotes if it is meant as a key", "metadata:\n  ? [a]\n  : b\n", ""),
        fault("iam:\n\twithOIDC: true", "indent with spaces", "\t", "  "),
        fault("iam: *all", "define the anchor with `&name` before the alias", "metadata: {name: quickstart, region: eu-west-1}\niam: *all", "metadata: {name: quickstart, region: eu-west-1, tags: &all {}}\niam: *all"),
        fault(&format!("iamIdentityMappings:\n- arn: {DEV}\n  username: a: b"), "a string with `: ` in it needs quotes", "a: b", "'a: b'"),
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
            "this looks like CloudFormation; eksact does not expand it",
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
            "eksact does not expand CloudFormation functions",
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
            "accessConfig: {authenticationMode: API_AND_CONFIG_MAPS}",
            "did you mean `API_AND_CONFIG_MAP`?",
            "MAPS",
            "MAP",
        ),
        fault(
            "accessConfig: {authenticationMode: x}",
            "use one of ",
            "Mode: x",
            "Mode: API_AND_CONFIG_MAP",
        ),
        fault(
            "identityProviders: [{name: a, issuerURL: 'https://b', clientID: c}]",
            "write `type: oidc`",
            "[{name",
            "[{type: oidc, name",
        ),
        fault(
            "identityProviders: [{type: oidc, name: \"\\t\", issuerURL: 'https://b', clientID: c}]",
            "a variable was probably not set: fill it in",
            "\"\\t\"",
            "a",
        ),
        fault(
            "identityProviders: [{type: oidc, issuerURL: 'https://b', clientID: c}]",
            "write it, such as `name: my-provider`",
            "oidc,",
            "oidc, name: my-provider,",
        ),
        fault(
            "identityProviders:\n- {type: oidc, name: a, issuerURL: 'https://b', clientID: c}\n- {type: oidc, name: a, issuerURL: 'https://d', clientID: c}",
            "leave one out",
            "- {type: oidc, name: a, issuerURL: 'https://d', clientID: c}",
            "",
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
        fault(
            "outpost: {controlPlaneOutpostARN: x}\niam: {withOIDC: true}",
            "leave it out",
            "\niam: {withOIDC: true}",
            "",
        ),
        fault(
            "addons: [{name: x, useDefaultPodIdentityAssociations: true, podIdentityAssociations: [{namespace: a}]}]",
            "leave one out",
            ", podIdentityAssociations: [{namespace: a}]",
            "",
        ),
    ]
}
