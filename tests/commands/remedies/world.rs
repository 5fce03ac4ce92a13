//! Edits of the simulated account and cluster that several cases need.

use std::collections::BTreeMap;

use eksact_core::ports::{
    aws::Role,
    kubernetes::{ConfigMap, ServiceAccount},
};
use eksact_simulator::{SimulatedCluster, StackRecord, World};
use serde_json::json;

pub(super) const HEAD: &str =
    "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {name: quickstart, region: eu-west-1}\n";
pub(super) const ACCESS: &str = "---\napiVersion: eksact.dev/v1alpha1\nkind: ClusterAccess\n";
pub(super) const S3: &str = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";
pub(super) const DEV: &str = "arn:aws:iam::111122223333:role/dev";

/// A file with one service account, `app/web`, and more keys of it.
pub(super) fn web(keys: &str) -> String {
    format!(
        "{HEAD}iam: {{withOIDC: true, serviceAccounts: [{{metadata: {{name: web, namespace: app}}, attachPolicyARNs: ['{S3}']{keys}}}]}}\n"
    )
}

pub(super) fn cluster(world: &mut World) -> &mut SimulatedCluster {
    world.clusters.values_mut().next().unwrap()
}

/// The stack of `app/web`.
pub(super) fn stack(world: &mut World) -> &mut StackRecord {
    world
        .stacks
        .values_mut()
        .find(|record| record.stack.name.ends_with("-web"))
        .unwrap()
}

/// The role of `app/web`.
pub(super) fn role(world: &mut World) -> &mut Role {
    let is_its = |role: &&mut Role| role.tags.values().any(|value| value == "app/web");
    world.roles.values_mut().find(is_its).unwrap()
}

/// The service account `app/web`.
pub(super) fn account(world: &mut World) -> &mut ServiceAccount {
    cluster(world).service_accounts.get_mut("app/web").unwrap()
}

pub(super) fn aws_auth(world: &mut World) -> &mut ConfigMap {
    cluster(world)
        .config_maps
        .get_mut("kube-system/aws-auth")
        .unwrap()
}

/// Puts another entry into the live `mapRoles`.
pub(super) fn map_role(world: &mut World, entry: &str) {
    aws_auth(world).data.get_mut("mapRoles").unwrap().push_str(entry);
}

/// Lets the caller in by `aws-auth` alone, as an administrator.
pub(super) fn mapped_admin(world: &mut World) {
    let arn = world.caller_arn();
    cluster(world).eks.access_entries.clear();
    let entry = format!("- {{userarn: '{arn}', username: admin, groups: ['system:masters']}}\n");
    aws_auth(world).data.insert("mapUsers".to_owned(), entry);
}

/// The trust statement that lets `app/web` of the cluster in, by the provider of this account.
pub(super) fn trust_of_web(world: &mut World, account: &str) -> serde_json::Value {
    let issuer = cluster(world).cluster.oidc_issuer.clone().unwrap();
    let issuer = issuer.strip_prefix("https://").unwrap();
    let provider = format!("arn:aws:iam::{account}:oidc-provider/{issuer}");
    json!({"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity", "Principal": {"Federated": provider},
        "Condition": {"StringEquals": {format!("{issuer}:sub"): "system:serviceaccount:app:web", format!("{issuer}:aud"): "sts.amazonaws.com"}}})
}

/// A role that somebody else made, with these statements in its trust policy.
pub(super) fn add_role(world: &mut World, arn: &str, statements: &serde_json::Value) {
    let (path, name) = arn.split_once(":role").unwrap().1.rsplit_once('/').unwrap();
    let role = Role {
        name: name.to_owned(),
        arn: arn.to_owned(),
        id: format!("AROA{}", name.to_uppercase()),
        path: format!("{path}/"),
        trust_policy: json!({"Version": "2012-10-17", "Statement": statements}),
        managed_policy_arns: Vec::new(),
        inline_policies: BTreeMap::new(),
        max_session_seconds: None,
        permissions_boundary: None,
        tags: BTreeMap::new(),
    };
    world.roles.insert(role.name.clone(), role);
}

/// A role of another account that lets `app/web` in, with the provider there where it shall be; gives its ARN.
pub(super) fn role_of_another_account(world: &mut World, with_provider: bool) -> String {
    const OTHER: &str = "999988887777";
    let arn = format!("arn:aws:iam::{OTHER}:role/elsewhere");
    let statement = trust_of_web(world, OTHER);
    if with_provider {
        let mut provider = world.oidc_providers.values().next().unwrap().clone();
        statement["Principal"]["Federated"]
            .as_str()
            .unwrap()
            .clone_into(&mut provider.arn);
        world.oidc_providers.insert(provider.arn.clone(), provider);
    }
    add_role(world, &arn, &json!([statement]));
    arn
}
