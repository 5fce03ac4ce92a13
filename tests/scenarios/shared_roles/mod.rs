//! One role over several clusters: each cluster's statement in its trust policy is its own, comes and goes with its file,
//! and outlives what the others do at the same time.

mod findings;
mod limits;
mod owner;
mod statement;
mod writers;

use eksact_core::{
    config::{self, InputFile},
    engine::{Action, Plan, Severity},
    kinds::{Request, request::Settings},
    ports::aws::Role,
};
use eksact_identity::iam::shared_trust;
use eksact_simulator::{Sandbox, Seed, World};
use serde_json::{Value, json};

pub(crate) const ACCOUNT: &str = "111122223333";
pub(crate) const ROLE: &str = "orders-reader";
pub(crate) const NAMES: [&str; 4] = ["blue", "green", "red", "amber"];

pub(crate) fn cluster_arn(name: &str) -> String {
    format!("arn:aws:eks:us-west-2:{ACCOUNT}:cluster/{name}")
}

pub(crate) fn sid(cluster: &str) -> String {
    shared_trust::sid(&cluster_arn(cluster))
}

/// A world of several clusters, and a role that a person made.
pub(crate) fn world(clusters: &[&str]) -> World {
    let mut world = World::seeded(&Seed {
        cluster: clusters[0].to_owned(),
        region: "us-west-2".to_owned(),
        account: None,
    });
    for cluster in clusters {
        world.add_cluster(cluster, "us-west-2");
    }
    world.quotas.trust_policy_bytes = 4_096;
    world.roles.insert(ROLE.to_owned(), role(ROLE, by_hand()));
    world
}

pub(crate) fn by_hand() -> Value {
    json!({"Version": "2012-10-17", "Id": "made by hand", "Statement": [
        {"Sid": "Ops", "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": format!("arn:aws:iam::{ACCOUNT}:role/ops")}},
        {"Effect": "Allow", "Action": ["sts:AssumeRole"], "Principal": {"Service": "ecs-tasks.amazonaws.com"},
         "Condition": {"StringEquals": {"aws:SourceAccount": [ACCOUNT]}}}]})
}

pub(crate) fn role(name: &str, trust_policy: Value) -> Role {
    Role {
        name: name.to_owned(),
        arn: format!("arn:aws:iam::{ACCOUNT}:role/{name}"),
        id: format!("AROA{name}"),
        path: "/".to_owned(),
        trust_policy,
        managed_policy_arns: Vec::new(),
        inline_policies: std::collections::BTreeMap::new(),
        max_session_seconds: None,
        permissions_boundary: None,
        tags: std::collections::BTreeMap::new(),
    }
}

/// One cluster's view of a sandbox, as a process of its own.
pub(crate) fn seen_by(bed: &Sandbox, cluster: &str) -> Sandbox {
    bed.another_process().for_cluster(cluster, "us-west-2")
}

/// What the files of a cluster ask for: these lines under `iam`, and these of a ClusterAccess.
pub(crate) fn request(cluster: &str, iam: &str, access: &str) -> Request {
    let file = format!(
        "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {{name: {cluster}, region: us-west-2}}\niam:\n  \
         withOIDC: true\n{iam}"
    );
    let access = format!("apiVersion: eksact.dev/v1alpha1\nkind: ClusterAccess\n{access}");
    let files = [("cluster.yaml", &file), ("access.yaml", &access)].map(|(name, text)| InputFile {
        name,
        bytes: text.as_bytes(),
    });
    let loaded = config::load_all(&files).unwrap_or_else(|errors| panic!("{errors:#?}\n{access}"));
    Request::ensure(loaded.config, Settings::default())
}

pub(crate) fn sharing(cluster: &str, accounts: &str) -> Request {
    request(
        cluster,
        "",
        &format!("sharedRoles:\n- roleName: {ROLE}\n  serviceAccounts: [{accounts}]\n"),
    )
}

pub(crate) const WEB: &str = "{namespace: app, name: web}";

pub(crate) fn not_sharing(cluster: &str) -> Request {
    request(cluster, "", "sharedRoles: []\n")
}

pub(crate) fn pruning(mut request: Request) -> Request {
    request.settings.prune = true;
    request
}

pub(crate) fn trust_policy(bed: &Sandbox, role: &str) -> Value {
    bed.world().unwrap().roles[role].trust_policy.clone()
}

pub(crate) fn sids(bed: &Sandbox) -> Vec<String> {
    shared_trust::statements(&trust_policy(bed, ROLE))
        .iter()
        .map(|statement| shared_trust::sid_of(statement).unwrap_or("-").to_owned())
        .collect()
}

pub(crate) fn changes(plan: &Plan) -> Vec<(String, Action)> {
    plan.changes
        .iter()
        .filter(|change| change.address.kind() != "oidc-provider")
        .map(|change| (change.address.to_string(), change.action))
        .collect()
}

pub(crate) fn codes(plan: &Plan, severity: Severity) -> Vec<&str> {
    plan.findings_of(severity)
        .map(|finding| finding.code.as_str())
        .collect()
}

pub(crate) fn edit(bed: &Sandbox, edit: impl FnOnce(&mut Value)) {
    bed.edit(|world| edit(&mut world.roles.get_mut(ROLE).unwrap().trust_policy))
        .unwrap();
}
