//! Edits of the simulated account and cluster that several cases need.

use eksact_core::ports::{access::ConfigMap, aws::Role, kubernetes::ServiceAccount};
use eksact_simulator::{SimulatedCluster, StackRecord, World};

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
    cluster(world).access_entries.clear();
    let entry = format!("- {{userarn: '{arn}', username: admin, groups: ['system:masters']}}\n");
    aws_auth(world).data.insert("mapUsers".to_owned(), entry);
}
