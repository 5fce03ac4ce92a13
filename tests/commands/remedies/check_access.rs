//! What `check access` and `export` complain about, and done as their help says.

use eksact_core::ports::aws::{AccessEntry, AccessPolicy};
use eksact_simulator::World;
use jiff::Timestamp;
use serde_json::json;

use super::{
    case::{Case, Check, case},
    world::{DEV, add_role, cluster, map_role},
};

const OF: &str = "--cluster quickstart --region eu-west-1";
const ABROAD: &str = "arn:aws:iam::999988887777:role/abroad";

fn check() -> Case {
    case(format!("check access {OF}"))
}

/// The developers' entry, which is older than what the roles of IAM may be.
fn entry(world: &mut World) {
    let entry = AccessEntry {
        principal_arn: DEV.to_owned(),
        username: "dev".to_owned(),
        entry_type: "STANDARD".to_owned(),
        policies: vec![AccessPolicy {
            arn: "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy".to_owned(),
            namespaces: None,
        }],
        created_at: Some(Timestamp::from_second(1_700_000_000).unwrap()),
        ..AccessEntry::default()
    };
    cluster(world).eks.access_entries.insert(DEV.to_owned(), entry);
}

/// The role of the developers beside the entry.
fn with_role(world: &mut World) {
    add_role(world, DEV, &json!([]));
    entry(world);
}

pub(super) fn cases() -> Vec<Check> {
    vec![
        check()
            .world(|world| {
                with_role(world);
                world
                    .role_dates
                    .insert("AROADEV".to_owned(), Timestamp::from_second(1_750_000_000).unwrap());
            })
            .says("If the new one shall have the access of the old: ")
            .printed(&[])
            .check(),
        check()
            .world(|world| {
                world.any_principal = false;
                entry(world);
            })
            .says("Delete the entry: ")
            .printed(&[])
            .check(),
        check()
            .world(|world| {
                with_role(world);
                map_role(
                    world,
                    &format!(
                        "- rolearn: {DEV}\n  username: system:node:{{{{EC2PrivateDNSName}}}}\n  groups: [system:bootstrappers, \
                         system:nodes]\n"
                    ),
                );
            })
            .says("Delete the entry, so that the line lets the nodes in again: ")
            .printed(&[])
            .check(),
        check()
            .world(|world| {
                with_role(world);
                map_role(
                    world,
                    &format!("- rolearn: {DEV}\n  username: dev\n  groups: [system:masters]\n"),
                );
            })
            .says("Give the entry what is missing, then remove the line: ")
            .printed(&[])
            .check(),
        check()
            .world(|world| {
                map_role(world, &format!("- rolearn: {ABROAD}\n  username: abroad\n  groups: [devs]\n"));
            })
            .says("With `eksact migrate to-access-entries")
            .run(format!("eksact migrate to-access-entries {OF} --principal-arn {ABROAD}"))
            .leaves("no RoleBinding or ClusterRoleBinding names the group devs")
            .leaves("grants nothing")
            .check(),
        case(format!("export {OF} -o out.yaml"))
            .file("out.yaml", "# mine\n")
            .says("Pass --force to replace it.")
            .instead(format!("export {OF} -o out.yaml --force"))
            .check(),
    ]
}
