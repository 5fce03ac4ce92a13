//! What is wrong with roles and policies of a file, and with those that are there, and done as the help says.

use eksact_core::ports::aws::{OidcProvider, Role, Stack};
use serde_json::json;

use super::{
    case::{Case, Check},
    config::planned,
    world::{ACCESS, HEAD, S3, web},
};

const DOCUMENT: &str =
    "document: {Version: '2012-10-17', Statement: [{Effect: Allow, Action: 's3:GetObject', Resource: '*'}]}";

/// The stack of the policy `p`.
const STACK: &str = "eksact-quickstart-policy-p";

/// A ClusterAccess with this line.
fn access(line: &str) -> Case {
    planned(format!("{HEAD}{ACCESS}{line}\n"))
}

/// A fault in a policy; then the one text in place of the other.
fn policy(keys: &str, says: &str, from: &str, to: &str) -> Check {
    access(&format!("policies: [{{{keys}}}]"))
        .says(says)
        .replace("c.yaml", from, to)
        .check()
}

/// The same in a role.
fn role(keys: &str, says: &str, from: &str, to: &str) -> Check {
    access(&format!("roles: [{{{keys}}}]"))
        .says(says)
        .replace("c.yaml", from, to)
        .check()
}

pub(super) fn cases() -> Vec<Check> {
    [policies(), roles(), people(), names(), there()]
        .into_iter()
        .flatten()
        .collect()
}

fn policies() -> Vec<Check> {
    let long = DOCUMENT.replace("'*'", &format!("'arn:aws:s3:::{}'", "x".repeat(6_200)));
    let path = "write the path as `path`, with a slash at both ends, and the name alone here";
    vec![
        access("policies: [{name: p, file: p.json}]")
            .says("put a policy document of IAM there")
            .write(
                "p.json",
                "{\"Version\": \"2012-10-17\", \"Statement\": [{\"Effect\": \"Allow\", \"Action\": \"s3:GetObject\", \"Resource\": \"*\"}]}",
            )
            .check(),
        policy(
            &format!("name: p, file: p.json, {DOCUMENT}"),
            "leave one out",
            "file: p.json, ",
            "",
        ),
        policy(
            &format!("name: p, {long}"),
            "make two policies of it",
            &"x".repeat(6_200),
            "x",
        ),
        policy(
            &format!("name: p, path: team, {DOCUMENT}"),
            "a path begins and ends with a slash: `/team/`",
            "path: team",
            "path: /team/",
        ),
        policy(
            &format!("name: '{S3}', {DOCUMENT}"),
            "this is an ARN: write the name of the policy that eksact shall make",
            S3,
            "s3-read",
        ),
        policy(
            &format!("name: team/p, {DOCUMENT}"),
            path,
            "team/p",
            "p, path: /team/",
        ),
        policy(
            &format!("name: 'a b', {DOCUMENT}"),
            "a policy's name has 1 to 128 letters, digits and `_+=,.@-`",
            "a b",
            "ab",
        ),
        access(&format!(
            "policies: [{{name: p, {DOCUMENT}}}, {{name: P, {DOCUMENT}}}]"
        ))
        .says("give one of the two another name")
        .replace("c.yaml", "name: P", "name: q")
        .check(),
    ]
}

fn roles() -> Vec<Check> {
    let by = "assumedBy: {users: [nina]}";
    vec![
        role(
            &format!("name: 'a b', {by}"),
            "a role's name has 1 to 64 letters, digits and `_+=,.@-`; its path stands in `path`",
            "a b",
            "ab",
        ),
        role(
            "name: r, assumedBy: {}",
            "name users, roles, accounts, permissionSets or oidc",
            "{}",
            "{users: [nina]}",
        ),
        role(
            "name: r, assumedBy: {users: [nina], accounts: ['1234']}",
            "write its twelve digits, in quotes",
            "'1234'",
            "'444455556666'",
        ),
        role(
            "name: r, assumedBy: {users: [nina], roles: [builder], mfa: true}",
            "make a role of its own for those who come with MFA",
            "roles: [builder], ",
            "",
        ),
        access(
            "roles: [{name: r, assumedBy: {roles: ['role:s']}}, {name: s, assumedBy: {roles: ['role:r']}}]",
        )
        .says("take one of the two names out, or name the role's account in `accounts`")
        .replace("c.yaml", "roles: ['role:r']", "accounts: ['111122223333']")
        .check(),
        role(
            "name: r, assumedBy: {users: [nina], roles: ['role:r']}",
            "take the role's own name out, or name its account in `accounts`",
            ", roles: ['role:r']",
            "",
        ),
        role(
            "name: r, assumedBy: {users: [team/nina]}",
            "write its name without its path, or its ARN",
            "team/nina",
            "nina",
        ),
        role(
            "name: r, assumedBy: {users: ['arn:aws:iam::111122223333:role/nina']}",
            "write it like arn:aws:iam::111122223333:user/my-user",
            "role/nina",
            "user/nina",
        ),
        role(
            "name: r, assumedBy: {oidc: [{provider: 'https://token.actions.githubusercontent.com', subjects: ['repo:a/b:*']}]}",
            "write it without `https://`: token.actions.githubusercontent.com",
            "https://",
            "",
        ),
        role(
            "name: r, assumedBy: {oidc: [{provider: token.actions.githubusercontent.com, subjects: ['*']}]}",
            "name whose tokens: `repo:ORGANISATION/REPOSITORY:ref:refs/heads/main`",
            "'*'",
            "'repo:acme/shop:ref:refs/heads/main'",
        ),
    ]
}

/// Whom a trust policy names.
fn people() -> Vec<Check> {
    let builder = || Role {
        name: "builder".to_owned(),
        arn: "arn:aws:iam::111122223333:role/ci/builder".to_owned(),
        id: "AROABUILDER".to_owned(),
        path: "/ci/".to_owned(),
        trust_policy: json!({"Version": "2012-10-17", "Statement": []}),
        managed_policy_arns: Vec::new(),
        inline_policies: std::collections::BTreeMap::new(),
        permissions_boundary: None,
        max_session_seconds: None,
        tags: std::collections::BTreeMap::new(),
    };
    let missing = "Correct the name, take it out, or create the role first.";
    let in_role = || access("roles: [{name: r, assumedBy: {roles: [builder], users: [nina]}}]");
    vec![
        in_role()
            .world(|world| world.any_principal = false)
            .says(missing)
            .replace("c.yaml", "roles: [builder], ", "")
            .check(),
        in_role()
            .world(|world| world.any_principal = false)
            .says(missing)
            .change(move |world| drop(world.roles.insert("builder".to_owned(), builder())))
            .check(),
        access(
            "roles: [{name: r, assumedBy: {oidc: [{provider: id.example.com, subjects: ['job:acme:1']}]}}]",
        )
        .world(|world| world.any_principal = false)
        .says("Correct the name, take it out, or create the provider in IAM first.")
        .change(|world| {
            let arn = "arn:aws:iam::111122223333:oidc-provider/id.example.com".to_owned();
            let provider = OidcProvider {
                arn: arn.clone(),
                url: "id.example.com".to_owned(),
                audiences: vec!["sts.amazonaws.com".to_owned()],
                thumbprints: Vec::new(),
                tags: std::collections::BTreeMap::new(),
            };
            world.oidc_providers.insert(arn, provider);
        })
        .check(),
        access("roles: [{name: r, assumedBy: {roles: ['arn:aws:iam::111122223333:role/builder']}}]")
            .world(move |world| drop(world.roles.insert("builder".to_owned(), builder())))
            .says("Write arn:aws:iam::111122223333:role/ci/builder.")
            .replace("c.yaml", "role/builder", "role/ci/builder")
            .check(),
    ]
}

/// Names in the place of ARNs.
fn names() -> Vec<Check> {
    let unknown = "or name what exists by its ARN";
    let account = || planned(web("").replace(S3, "policy:reports"));
    vec![
        account()
            .says(unknown)
            .replace("c.yaml", "policy:reports", S3)
            .check(),
        account()
            .says(unknown)
            .write(
                "c.yaml",
                format!(
                    "{}{ACCESS}policies: [{{name: reports, {DOCUMENT}}}]\n",
                    web("").replace(S3, "policy:reports")
                ),
            )
            .check(),
        access("identityMappings: [{arn: 'role:deployers', username: x}]\nroles: [{name: deployer, assumedBy: {users: [nina]}}]")
            .says("did you mean `deployer`?")
            .replace("c.yaml", "role:deployers", "role:deployer")
            .check(),
    ]
}

/// What is there already.
fn there() -> Vec<Check> {
    let policy = || access(&format!("policies: [{{name: p, {DOCUMENT}}}]"));
    let role = || access("roles: [{name: r, assumedBy: {users: [nina]}}]");
    let moved = "Write its path as it is";
    let taken = "Give the policy of the file another name; or leave it out of `policies` and name the other one by its ARN.";
    let is_taken = || {
        policy().world(|world| {
            world
                .policies
                .insert("arn:aws:iam::111122223333:policy/p".to_owned());
        })
    };
    let stack = || Stack {
        name: STACK.to_owned(),
        id: "arn:aws:cloudformation:eu-west-1:111122223333:stack/eksact-quickstart-policy-p/1".to_owned(),
        status: "CREATE_COMPLETE".to_owned(),
        status_reason: None,
        description: None,
        tags: std::collections::BTreeMap::new(),
        outputs: std::collections::BTreeMap::new(),
        capabilities: Vec::new(),
        termination_protection: false,
        created: None,
        updated: None,
        has_new_change_set: false,
    };
    let foreign = move || {
        policy().world(move |world| {
            let template = r#"{"Resources": {"Policy": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": {}}}}}"#;
            world
                .import_stack(&stack(), template, Vec::new())
                .unwrap();
        })
    };
    // One that failed without a rollback may have made the policy that is there, and CloudFormation deletes that with it.
    let failed = move || {
        policy()
            .first("eksact apply -f c.yaml --yes")
            .after_first(|world| {
                let record = world
                    .stacks
                    .values_mut()
                    .find(|record| record.stack.name == STACK)
                    .unwrap();
                "CREATE_FAILED".clone_into(&mut record.stack.status);
                record.stack.outputs.clear();
                record.stack.termination_protection = true;
            })
    };
    let of_failed = "or delete the failed stack, which deletes the policy if it made it";
    let not_ours = "Give the policy another name or, if nothing needs that stack, delete it";
    let detach = "Detach it there, and run the same command again.";
    let other_role = "Give the role of the file another name; or leave it out of `roles` and name the other one by its ARN.";
    let role_taken = || {
        role().world(|world| {
            let other = Role {
                name: "r".to_owned(),
                arn: "arn:aws:iam::111122223333:role/r".to_owned(),
                id: "AROAR".to_owned(),
                path: "/".to_owned(),
                trust_policy: json!({"Version": "2012-10-17", "Statement": []}),
                managed_policy_arns: Vec::new(),
                inline_policies: std::collections::BTreeMap::new(),
                permissions_boundary: None,
                max_session_seconds: None,
                tags: std::collections::BTreeMap::new(),
            };
            world.roles.insert("r".to_owned(), other);
        })
    };
    vec![
        is_taken()
            .says(taken)
            .replace("c.yaml", "name: p", "name: q")
            .check(),
        is_taken()
            .says(taken)
            .replace("c.yaml", format!("{{name: p, {DOCUMENT}}}"), "")
            .check(),
        foreign()
            .says(not_ours)
            .replace("c.yaml", "name: p", "name: q")
            .check(),
        foreign().says(not_ours).printed(&[]).check(),
        failed()
            .says("Give the policy of the file another name; or delete the failed stack")
            .replace("c.yaml", "name: p", "name: q")
            .check(),
        failed()
            .says(of_failed)
            .printed(&[])
            .change(|world| {
                let arn = "arn:aws:iam::111122223333:policy/p";
                world.policies.remove(arn);
                world.policy_documents.remove(arn);
                world.managed_policies.remove(arn);
            })
            .check(),
        policy()
            .file(
                "moved.yaml",
                format!("{HEAD}{ACCESS}policies: [{{name: p, path: /a/, {DOCUMENT}}}]\n"),
            )
            .first("eksact apply -f moved.yaml --yes")
            .says(moved)
            .replace("c.yaml", "name: p", "name: p, path: /a/")
            .check(),
        policy()
            .file(
                "moved.yaml",
                format!("{HEAD}{ACCESS}policies: [{{name: p, path: /a/, {DOCUMENT}}}]\n"),
            )
            .first("eksact apply -f moved.yaml --yes")
            .says("or give the policy of the other path another name")
            .replace("c.yaml", "name: p", "name: q")
            .check(),
        access("policies: []")
            .command("plan -f c.yaml --prune")
            .file(
                "with.yaml",
                format!("{HEAD}{ACCESS}policies: [{{name: p, {DOCUMENT}}}]\n"),
            )
            .first("eksact apply -f with.yaml --yes")
            .after_first(|world| {
                let attached = vec!["arn:aws:iam::111122223333:policy/p".to_owned()];
                let group = eksact_core::ports::aws::Group {
                    name: "readers".to_owned(),
                    arn: None,
                    managed_policy_arns: attached,
                    inline_policies: std::collections::BTreeMap::new(),
                };
                world.groups.insert("readers".to_owned(), group);
            })
            .says(detach)
            .change(|world| world.groups.clear())
            .check(),
        role_taken()
            .says(other_role)
            .replace("c.yaml", "name: r,", "name: q,")
            .check(),
        role_taken()
            .says(other_role)
            .replace("c.yaml", "{name: r, assumedBy: {users: [nina]}}", "")
            .check(),
        role()
            .file(
                "moved.yaml",
                format!("{HEAD}{ACCESS}roles: [{{name: r, path: /a/, assumedBy: {{users: [nina]}}}}]\n"),
            )
            .first("eksact apply -f moved.yaml --yes")
            .says("Write its path as it is, /a/")
            .replace("c.yaml", "name: r,", "name: r, path: /a/,")
            .check(),
        role()
            .file(
                "moved.yaml",
                format!("{HEAD}{ACCESS}roles: [{{name: r, path: /a/, assumedBy: {{users: [nina]}}}}]\n"),
            )
            .first("eksact apply -f moved.yaml --yes")
            .says("or give the role of the other path another name")
            .replace("c.yaml", "name: r,", "name: q,")
            .check(),
    ]
}
