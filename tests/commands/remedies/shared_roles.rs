//! What is wrong with the shared roles of a file, and edited as the help says.

use serde_json::json;

use super::{
    case::{Case, Check},
    config::planned,
    trust::of_tasks,
    world::{ACCESS, DEV, HEAD, trust_of_web},
};

const WEB: &str = "serviceAccounts: [{namespace: app, name: web}]";

/// A ClusterAccess that shares these roles; `dev` is there.
fn sharing(roles: &str) -> Case {
    planned(format!(
        "{HEAD}iam: {{withOIDC: true}}\n{ACCESS}sharedRoles: [{roles}]\n"
    ))
    .world(|world| of_tasks(world, DEV))
}

/// A fault in them; then the one text in place of the other.
fn fault(roles: &str, says: &str, from: &str, to: &str) -> Check {
    sharing(roles).says(says).replace("c.yaml", from, to).check()
}

/// The same for a service account of the role `dev`.
fn account(keys: &str, says: &str, from: &str, to: &str) -> Check {
    fault(
        &format!("{{roleName: dev, serviceAccounts: [{{{keys}}}]}}"),
        says,
        from,
        to,
    )
}

pub(super) fn cases() -> Vec<Check> {
    [roles(), accounts()].into_iter().flatten().collect()
}

fn roles() -> Vec<Check> {
    let role = |key: &str| format!("{{{key}, {WEB}}}");
    let arn = format!("roleARN: '{DEV}'");
    let unset = "a variable was probably not set; write the value, or remove the entry";
    let path = "a name has no path: write the name alone, or the whole ARN as `roleARN`";
    let unattached =
        "list `serviceAccounts` here, or write the role's ARN as `attachRoleARN` of a service account";
    vec![
        fault(&role(&format!("{arn}, roleName: dev")), "leave one out", ", roleName: dev", ""),
        fault(&role(&format!("{arn}, roleName: dev")), "leave one out", &format!("{arn}, "), ""),
        fault(&role("roleARN: dev"), "for the name alone write `roleName: dev`", "roleARN", "roleName"),
        fault(&role("roleARN: 'a b'"), "write it like arn:aws:iam::111122223333:role/my-role", "a b", DEV),
        fault(&role(&arn.replace("aws:iam", "aws-cn:iam")), "begin it with `arn:aws:`", "arn:aws-cn:", "arn:aws:"),
        fault(&role(&format!("roleName: '{DEV}'")), "this is an ARN: write it as `roleARN`", "roleName", "roleARN"),
        fault(&role("roleName: team/dev"), path, "team/dev", "dev"),
        fault(&role("roleName: team/dev"), path, "roleName: team/dev", &arn),
        fault(&role("roleName: 'a b'"), "it has 1 to 64 letters, digits and `_+=,.@-`", "'a b'", "dev"),
        fault(&role("roleName: ''"), unset, "''", "dev"),
        fault(&role("roleName: ''"), unset, &role("roleName: ''"), ""),
        fault(
            &format!("{0}, {0}", role("roleName: dev")),
            "list all service accounts of a role in one place: a cluster has one statement in its trust policy",
            &format!(", {}", role("roleName: dev")),
            "",
        ),
        fault(
            &format!("{}, {{roleName: DEV, serviceAccounts: [{{namespace: app, name: api}}]}}", role("roleName: dev")),
            "list all service accounts of a role in one place: a cluster has one statement in its trust policy",
            "web}]}, {roleName: DEV, serviceAccounts: [",
            "web}, ",
        ),
        fault("{roleName: dev}", unattached, "dev}", &format!("dev, {WEB}}}")),
        sharing("{roleName: dev}")
            .says(unattached)
            .replace(
                "c.yaml",
                "withOIDC: true",
                format!("withOIDC: true, serviceAccounts: [{{metadata: {{name: web, namespace: app}}, attachRoleARN: '{DEV}'}}]"),
            )
            .check(),
    ]
}

fn accounts() -> Vec<Check> {
    let none = "name the service accounts; leave the key out for those whose `attachRoleARN` is this role; \
                remove the entry, and run with --prune, to let no service account in";
    let empty = "{roleName: dev, serviceAccounts: []}";
    vec![
        fault(empty, none, "[]}", "[{namespace: app, name: web}]}"),
        sharing(empty)
            .says(none)
            .replace("c.yaml", ", serviceAccounts: []}", "}")
            .replace(
                "c.yaml",
                "withOIDC: true",
                format!("withOIDC: true, serviceAccounts: [{{metadata: {{name: web, namespace: app}}, attachRoleARN: '{DEV}'}}]"),
            )
            .check(),
        sharing(empty)
            .world(|world| {
                let mut statement = trust_of_web(world, "111122223333");
                statement["Sid"] = json!("Eksactquickstartda731a038b0c");
                let statements = &mut world.roles.get_mut("dev").unwrap().trust_policy["Statement"];
                statements.as_array_mut().unwrap().push(statement);
            })
            .says(none)
            .replace("c.yaml", empty, "")
            .instead("plan -f c.yaml --prune")
            .check(),
        account(
            "namespace: app, name: ''",
            "a variable was probably not set; write the value, or remove the entry",
            "''",
            "web",
        ),
        account(
            "namespace: app, name: ''}, {namespace: app, name: web",
            "a variable was probably not set; write the value, or remove the entry",
            "{namespace: app, name: ''}, ",
            "",
        ),
        account("namespace: app, name: web, subjectPattern: 'web-*'", "leave one out", "name: web, ", ""),
        account("namespace: '*', name: web", "a statement names its namespaces; list each", "'*'", "app"),
        account(
            "namespace: 'a-*', name: web",
            "a statement names its namespaces; list each",
            "{namespace: 'a-*', name: web}",
            "{namespace: a-1, name: web}, {namespace: a-2, name: web}",
        ),
        account("namespace: App, name: web", "Kubernetes would accept `app`", "App", "app"),
        account(
            "namespace: '-', name: web",
            "it has at most 63 lower-case letters, digits and hyphens, and a letter or digit at both ends",
            "'-'",
            "app",
        ),
        account("namespace: app, name: 'web-*'", "for a pattern write `subjectPattern: \"web-*\"`", "name: 'web-*'", "subjectPattern: \"web-*\""),
        account("namespace: app, name: Web", "Kubernetes would accept `web`", "Web", "web"),
        account(
            "namespace: app, name: '-'",
            "it has at most 253 lower-case letters, digits, hyphens and dots, and a letter or digit at both ends",
            "'-'",
            "web",
        ),
        account("namespace: app, subjectPattern: '*'", "name a prefix, such as `app-*`", "'*'", "app-*"),
        account("namespace: app, subjectPattern: 'app:*'", "it matches the name only (the namespace is fixed)", "app:*", "app-*"),
        account(
            "namespace: app, name: web}, {namespace: app, name: web",
            "leave one out",
            ", {namespace: app, name: web}",
            "",
        ),
    ]
}
