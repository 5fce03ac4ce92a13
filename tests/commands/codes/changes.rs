//! What a plan says of roles, policies and service accounts that are there already.

use super::{
    ACCESS, OF, row,
    world::{account, cluster, leaving, role, stack, web},
};

const PLAN: &str = "plan -f c.yaml";
const APPLY: &str = "apply -f c.yaml --yes";
const NONE: &str = "iam:\n  withOIDC: true\n  serviceAccounts: []\n";

#[test]
fn codes_of_stacks_are_shown() {
    row("stack-not-ours")
        .config(&web(""))
        .first(APPLY)
        .world(|world| stack(world).stack.tags.clear())
        .shows(PLAN);
    row("stack-claimed-twice")
        .config(&web(""))
        .first(APPLY)
        .world(|world| {
            let mut twin = stack(world).clone();
            twin.stack.name.push_str("-2");
            twin.stack.id = twin.stack.id.replace("web/", "web-2/");
            world.stacks.insert(twin.stack.id.clone(), twin);
        })
        .config(NONE)
        .shows("plan -f c.yaml --prune");
    row("role-unknown")
        .config(&web(""))
        .first(APPLY)
        .world(|world| stack(world).stack.outputs.clear())
        .shows(PLAN);
    row("role-name-taken")
        .config(&web("\n      roleName: taken").replace("name: web", "name: first"))
        .first(APPLY)
        .config(&web("\n      roleName: taken"))
        .shows(PLAN);
    let create = format!("create iamserviceaccount {OF} --namespace app --name web");
    row("not-desirable")
        .file(
            "policy.json",
            r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", "Condition": {"StringEquals": {"Fn::ImportValue": "team"}}}]}"#,
        )
        .first(&format!("utils associate-iam-oidc-provider {OF} --approve"))
        .shows(&format!("{create} --attach-policy policy.json"));
    row("update-needs-replacement")
        .config(&web(""))
        .first(APPLY)
        .world(|world| {
            let name = role(world).name.clone();
            world.roles.remove(&name);
        })
        .shows(&format!(
            "update iamserviceaccount {OF} --namespace app --name web --attach-policy-arn arn:aws:iam::aws:policy/AmazonSQSFullAccess"
        ));
}

#[test]
fn codes_of_service_accounts_are_shown() {
    row("service-account-terminating")
        .config(&web(""))
        .first(APPLY)
        .world(|world| {
            account(world).terminating = true;
            account(world).annotations.clear();
        })
        .shows(PLAN);
    row("service-accounts-unreadable")
        .config(&web(""))
        .first(APPLY)
        .config(NONE)
        .world(|world| {
            cluster(world).denied.insert("list serviceaccounts".to_owned());
        })
        .shows("plan -f c.yaml --prune");
}

/// The same code has another finding where a service account needs the namespace.
#[test]
fn terminating_namespace_of_a_service_account_is_shown() {
    use crate::commands::place::{Place, assert_story};

    let mut place = Place::new();
    place.write("c.yaml", &format!("{}{}", super::HEAD, web("")));
    place.edit("quickstart", leaving);
    place.tell(&["plan", "-f", "c.yaml"]);
    assert_story!("namespace-terminating-of-a-service-account", place.story());
}

#[test]
fn codes_of_roles_and_policies_are_shown() {
    let document = "document: {Version: '2012-10-17', Statement: [{Effect: Allow, Action: 's3:GetObject', Resource: '*'}]}";
    let policy = |keys: &str| format!("{ACCESS}policies:\n  - name: reports\n    {keys}{document}\n");
    let role =
        |keys: &str| format!("{ACCESS}roles:\n  - name: deployer\n    {keys}assumedBy: {{users: [nina]}}\n");
    row("policy-description")
        .config(&policy("description: reads reports\n    "))
        .first(APPLY)
        .config(&policy("description: reads all reports\n    "))
        .shows(PLAN);
    row("policy-unreadable")
        .config(&policy(""))
        .world(|world| {
            world.denied.insert("iam:GetPolicy".to_owned());
        })
        .shows(PLAN);
    row("role-moves")
        .config(&role("path: /team/\n    "))
        .first(APPLY)
        .config(&role(""))
        .shows(PLAN);
    row("trusted-principal-unknown")
        .config(&role(""))
        .world(|world| {
            world.denied.insert("iam:GetUser".to_owned());
        })
        .shows(PLAN);
}
