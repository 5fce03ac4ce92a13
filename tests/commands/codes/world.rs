//! Edits of the simulated account and cluster that several rows need.

use std::collections::BTreeMap;

use eksact_core::ports::{
    aws::Role,
    kubernetes::{ConfigMap, Namespace, ServiceAccount},
};
use eksact_simulator::{SimulatedCluster, StackRecord, World};
use serde_json::{Value, json};

/// A service account `app/web` with a policy and these keys besides.
pub(super) fn web(keys: &str) -> String {
    format!(
        "iam:\n  withOIDC: true\n  serviceAccounts:\n    - metadata: {{name: web, namespace: app}}\n      attachPolicyARNs: \
         ['arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess']{keys}\n"
    )
}

pub(super) fn cluster(world: &mut World) -> &mut SimulatedCluster {
    world.clusters.values_mut().next().unwrap()
}

pub(super) fn aws_auth(world: &mut World) -> &mut ConfigMap {
    let maps = &mut cluster(world).config_maps;
    maps.get_mut("kube-system/aws-auth").unwrap()
}

/// Puts another entry into `mapRoles`.
pub(super) fn map_role(world: &mut World, entry: &str) {
    aws_auth(world).data.get_mut("mapRoles").unwrap().push_str(entry);
}

/// The stack of `app/web`.
pub(super) fn stack(world: &mut World) -> &mut StackRecord {
    let mut stacks = world.stacks.values_mut();
    stacks.find(|record| record.stack.name.ends_with("-web")).unwrap()
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

/// A namespace `app` that is being deleted.
pub(super) fn leaving(world: &mut World) {
    let namespace = Namespace {
        name: "app".to_owned(),
        terminating: true,
    };
    cluster(world).namespaces.insert("app".to_owned(), namespace);
}

/// The trust statement that lets `app/web` of the cluster in.
pub(super) fn trust_of_web(world: &mut World) -> Value {
    let issuer = cluster(world).cluster.oidc_issuer.clone().unwrap();
    let issuer = issuer.strip_prefix("https://").unwrap();
    let provider = format!("arn:aws:iam::111122223333:oidc-provider/{issuer}");
    json!({"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity", "Principal": {"Federated": provider},
        "Condition": {"StringEquals": {format!("{issuer}:sub"): "system:serviceaccount:app:web", format!("{issuer}:aud"): "sts.amazonaws.com"}}})
}

/// The trust statement of a role of a service of AWS.
pub(super) fn trust_of_tasks() -> Value {
    json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ecs-tasks.amazonaws.com"}})
}

/// A role that somebody else made, with this statement in its trust policy.
pub(super) fn add_role(world: &mut World, arn: &str, statement: &Value) {
    let (path, name) = arn.split_once(":role").unwrap().1.rsplit_once('/').unwrap();
    let role = Role {
        name: name.to_owned(),
        arn: arn.to_owned(),
        id: format!("AROA{}", name.to_uppercase()),
        path: format!("{path}/"),
        trust_policy: json!({"Version": "2012-10-17", "Statement": [statement]}),
        managed_policy_arns: Vec::new(),
        inline_policies: BTreeMap::new(),
        max_session_seconds: None,
        permissions_boundary: None,
        tags: BTreeMap::new(),
    };
    world.roles.insert(role.name.clone(), role);
}
