//! Who gets into the cluster: identity mappings, groups and their bindings, on the simulated cluster.

mod careful;
mod drift;
mod guards;
mod interruption;
mod laws;
mod ownership;
mod revocation;
mod writers;

use eksact_core::{
    kinds::{
        Request,
        identity_mapping::{AwsAuthScope, MappingSelector},
        provider_intent::ProviderIntent,
    },
    ports::kubernetes::ConfigMap,
};
use eksact_simulator::Sandbox;

use crate::scenarios::stage::{CLUSTER, REGION, cluster, fresh_world, request, sandbox};

/// The role of the nodes, mapped as EKS maps it, in the middle of a hand-written ConfigMap.
pub(crate) const HAND_WRITTEN: &str = "\
# Nodes first: without these nothing runs.
- rolearn: arn:aws:iam::111122223333:role/node   # ng-1
  username: system:node:{{EC2PrivateDNSName}}
  groups: [system:bootstrappers, system:nodes]

# The platform team.
- groups:
    - system:masters
  rolearn: \"arn:aws:iam::111122223333:role/platform\"
  username: 'platform:{{SessionName}}'
  owner: ops@example.com
";

/// The developers' mapping, as lines of a file.
pub(crate) const DEVELOPERS: &str =
    "arn: arn:aws:iam::111122223333:role/dev\nusername: dev:{{SessionName}}\ngroups: [developers]";

/// A file with these mappings, each the lines of one list item without its dash.
pub(crate) fn file(mappings: &[&str]) -> String {
    let mut text = format!(
        "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {{name: {CLUSTER}, region: {REGION}}}\n"
    );
    text.push_str(if mappings.is_empty() {
        "iamIdentityMappings: []\n"
    } else {
        "iamIdentityMappings:\n"
    });
    for mapping in mappings {
        for (number, line) in mapping.lines().enumerate() {
            text.push_str(if number == 0 { "  - " } else { "    " });
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

/// The same with a `ClusterAccess` document behind it.
pub(crate) fn file_with_access(mappings: &[&str], access: &str) -> String {
    format!(
        "{}---\napiVersion: eksact.dev/v1alpha1\nkind: ClusterAccess\n{access}",
        file(mappings)
    )
}

/// A request that removes a mapping.
pub(crate) fn deletion(arn: &str, all: bool) -> Request {
    let mut request = request(&file(&[]));
    request.config = request.config.about_service_accounts();
    request.ask(ProviderIntent::Leave);
    request.ask(AwsAuthScope::Delete(vec![MappingSelector::Arn {
        arn: arn.to_owned(),
        all,
    }]));
    request
}

/// The same as asked for, with prune of what is eksact's.
pub(crate) fn pruning(mut request: Request) -> Request {
    request.settings.prune = true;
    request
}

/// A sandbox whose aws-auth is written by hand.
pub(crate) fn hand_written() -> Sandbox {
    let bed = sandbox(fresh_world());
    write(&bed, "mapRoles", Some(HAND_WRITTEN));
    bed
}

/// Writes a key of aws-auth as somebody with kubectl would.
pub(crate) fn write(bed: &Sandbox, key: &str, text: Option<&str>) {
    bed.edit(|world| {
        let cluster = cluster(world);
        cluster.revision += 1;
        let revision = cluster.revision.to_string();
        let config_map = cluster.config_maps.get_mut("kube-system/aws-auth").unwrap();
        config_map.resource_version = revision;
        match text {
            Some(text) => config_map.data.insert(key.to_owned(), text.to_owned()),
            None => config_map.data.remove(key),
        };
    })
    .unwrap();
}

/// The ConfigMap as it is.
pub(crate) fn aws_auth(bed: &Sandbox) -> Option<ConfigMap> {
    let mut world = bed.world().unwrap();
    cluster(&mut world)
        .config_maps
        .get("kube-system/aws-auth")
        .cloned()
}

/// A key of it, empty where it is absent.
pub(crate) fn text(bed: &Sandbox, key: &str) -> String {
    aws_auth(bed)
        .and_then(|config_map| config_map.data.get(key).cloned())
        .unwrap_or_default()
}

/// The names of the backups.
pub(crate) fn backups(bed: &Sandbox) -> Vec<String> {
    let mut world = bed.world().unwrap();
    cluster(&mut world)
        .config_maps
        .values()
        .filter(|config_map| config_map.labels.contains_key("eksact.dev/backup-of"))
        .map(|config_map| config_map.name.clone())
        .collect()
}
