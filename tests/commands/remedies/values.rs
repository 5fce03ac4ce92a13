//! Values and keys of a file that mean something else than was meant, and edited as the help says.

use super::{
    aws_auth,
    case::{Check, case},
    config::{fault, fault_leaving, metadata},
    kubeconfig::UPDATE,
    world::{DEV, HEAD, S3},
};

pub(super) fn cases() -> Vec<Check> {
    [templates(), keys(), arns()].into_iter().flatten().collect()
}

fn templates() -> Vec<Check> {
    let value = "render the template first, or write the value itself";
    let statement = "render the template first, or write what it stands for";
    let chart = "render the chart first, for example with `helm template`, or write the value itself";
    let roles = |text: &str| format!("  mapRoles: {text}");
    let rendered = format!("|\n{}", aws_auth::ENTRY.trim_end());
    vec![
        metadata("name: a, labels: {tier: {{TIER}}}", value, "{{TIER}}", "one"),
        metadata("name: a, labels: {tier: '{{TIER}}'}", value, "'{{TIER}}'", "one"),
        fault(
            "iam: {withOIDC: {{ .Values.oidc }}}",
            chart,
            "{{ .Values.oidc }}",
            "true",
        ),
        fault(
            "iam: {{- toYaml .Values.iam | nindent 2 }}",
            chart,
            "{{- toYaml .Values.iam | nindent 2 }}",
            "{withOIDC: true}",
        ),
        case("plan -f c.yaml")
            .file(
                "c.yaml",
                format!("{HEAD}{{% if oidc %}}\niam: {{withOIDC: true}}\n{{% endif %}}\n"),
            )
            .says(statement)
            .write("c.yaml", format!("{HEAD}iam: {{withOIDC: true}}\n"))
            .check(),
        fault(
            "iam: {% include 'iam.yaml'",
            statement,
            "{% include 'iam.yaml'",
            "{withOIDC: true}",
        ),
        aws_auth::fault(
            &roles("{{- toYaml .Values.roles | nindent 4 }}"),
            chart,
            "{{- toYaml .Values.roles | nindent 4 }}",
            &rendered,
        ),
        aws_auth::fault(
            &roles("{{ roles }} # of the team {{ team }}"),
            "write `mapRoles: |` and indent the list below it",
            "{{ roles }} # of the team {{ team }}",
            &rendered,
        ),
        aws_auth::fault(&roles("{{ roles }}-x"), value, "{{ roles }}-x", &rendered),
        aws_auth::fault(
            &format!("{{% if roles %}}\n{}", roles(&rendered)),
            statement,
            "{% if roles %}\n",
            "",
        ),
        case(UPDATE)
            .file(
                "kc.yaml",
                "apiVersion: v1\nkind: Config\ncurrent-context: {{CONTEXT}}\n",
            )
            .first("chmod 600 kc.yaml")
            .says(value)
            .replace("kc.yaml", "{{CONTEXT}}", "''")
            .check(),
    ]
}

fn keys() -> Vec<Check> {
    vec![
        fault(
            "x-a: {b: c}",
            "it holds anchors (`&name`) for aliases (`*name`) elsewhere, and eksctl refuses it; leave it out",
            "x-a: {b: c}\n",
            "",
        ),
        fault(
            &format!(
                "iam: {{withOIDC: true, serviceAccounts: [{{metadata: {{name: a}}, attachPolicyARNs: ['{S3}'], role: app}}]}}"
            ),
            "did you mean `roleName` or `roleOnly`?",
            "role: app",
            "roleName: app",
        ),
        fault(
            "accessConfig: {authenticationModes: API_AND_CONFIG_MAP}",
            "did you mean `authenticationMode`?",
            "Modes",
            "Mode",
        ),
        fault(
            "servicAccounts: []",
            "did you mean `serviceAccounts`, which belongs to iam?",
            "servicAccounts: []",
            "iam: {withOIDC: true, serviceAccounts: []}",
        ),
        fault(
            "iam: {withOIDC: true, identityProvider: []}",
            "did you mean `identityProviders`, which belongs to the root of the file?",
            ", identityProvider: []}",
            "}\nidentityProviders: []",
        ),
    ]
}

fn arns() -> Vec<Check> {
    let attached = |arn: &str, says: &str, to: &str| {
        fault_leaving(
            &format!(
                "iam: {{withOIDC: true, serviceAccounts: [{{metadata: {{name: app-a}}, attachRoleARN: '{arn}'}}]}}"
            ),
            says,
            (arn, to),
            "attached-role-missing",
        )
    };
    let named = |name: &str, says: &str, to: (&str, &str), leaves: &'static str| {
        fault_leaving(
            &format!(
                "iam: {{withOIDC: true, serviceAccounts: [{{metadata: {{name: '{name}'}}, attachPolicyARNs: ['{S3}']}}]}}"
            ),
            says,
            to,
            leaves,
        )
    };
    let policies = format!("attachPolicyARNs: ['{S3}']");
    let many = "for every service account with such a name write `name: app-one` here and, beside `metadata`, \
                `subjectPattern: \"app-*\"`; with `roleOnly: true` no service account is made";
    vec![
        attached(
            "arn:aws:iam::11112222333:role/dev",
            "its account, `11112222333`, must be 12 digits",
            DEV,
        ),
        attached(
            "arn:aws:iam:111122223333:role/dev",
            &format!("the account comes after two colons: `{DEV}`"),
            DEV,
        ),
        attached(
            "arn:aws:iam:eu-west-1:111122223333:role/dev",
            "an IAM ARN has no region: leave `eu-west-1` out",
            DEV,
        ),
        named(
            DEV,
            "this is an ARN; write the name of the Kubernetes service account, and an existing role as `attachRoleARN`",
            (
                &format!("'{DEV}'}}, {policies}"),
                &format!("app-a}}, attachRoleARN: '{DEV}'"),
            ),
            "attached-role-missing",
        ),
        named(
            "app-*",
            many,
            ("'app-*'}", "app-one}, subjectPattern: \"app-*\""),
            "nothing else is new",
        ),
        named(
            "app-*",
            many,
            ("'app-*'}", "app-one}, subjectPattern: \"app-*\", roleOnly: true"),
            "nothing else is new",
        ),
    ]
}
