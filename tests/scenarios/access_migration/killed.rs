//! A migration that ends at any of its writes, and is run again.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    sync::{Arc, Mutex},
};

use eksact_core::{kinds::to_access_entries::Extent, ports::aws::AuthenticationMode};
use eksact_simulator::{Fault, Matching, Rule, Sandbox, SimulatedCaller, World};

use super::{FORWARD, Mapped, assert_same, bed, migration, movable, standings, watched};
use crate::scenarios::{
    access::{text, write},
    stage::{attempt, cluster},
};

#[tokio::test(start_paused = true)]
async fn migration_killed_at_any_write_goes_on_and_ends_the_same() {
    let all = Extent {
        removes_lines: true,
        ..Extent::default()
    };
    let clean = bed(AuthenticationMode::ConfigMap, &movable(), "");
    watched(&clean, movable(), &all, FORWARD).await;
    let writes = u32::try_from(clean.faults().writes().len()).unwrap();
    for nth in 1..=writes {
        for fault in [Fault::CrashBefore, Fault::CrashAfter, Fault::ErrorAfter] {
            let bed = bed(AuthenticationMode::ConfigMap, &movable(), "");
            let before = standings(&bed.world().unwrap(), &movable());
            let request = migration(&bed, &all, FORWARD).await.unwrap();
            bed.faults().add(Rule::once(Matching::Writes, nth, fault));
            attempt(&bed, &request).await;
            let context = format!("{fault:?} at write {nth} of {writes}");
            assert_same(&before, &standings(&bed.world().unwrap(), &movable()), &context);
            let next = bed.another_process();
            let request = migration(&next, &all, FORWARD).await.unwrap();
            let report = attempt(&next, &request)
                .await
                .unwrap_or_else(|| panic!("{context}"));
            assert!(report.succeeded(), "{context}: {report:#?}");
            assert_same(&before, &standings(&next.world().unwrap(), &movable()), &context);
            assert_eq!(left(&next), left(&clean), "{context}");
        }
    }
}

/// Roles of nodes: by instance, of a managed node group for which EKS makes an entry itself, and of Fargate.
const NODES: &str = "\
- {rolearn: 'arn:aws:iam::111122223333:role/nodes', username: 'system:node:{{EC2PrivateDNSName}}', groups: ['system:nodes', 'system:bootstrappers']}
- {rolearn: 'arn:aws:iam::111122223333:ROLE/managed', username: 'system:node:{{EC2PrivateDNSName}}', groups: ['system:nodes', 'system:bootstrappers']}
- {rolearn: 'arn:aws:iam::111122223333:role/pods', username: 'system:node:{{SessionName}}', groups: ['system:nodes', 'system:node-proxier']}
";
const MANAGED: &str = "arn:aws:iam::111122223333:role/managed";

/// Users as IAM writes them, and as their lines do.
const RESPELLED: [(&str, &str); 2] = [
    (
        "arn:aws:iam::111122223333:user/ops/Ann",
        "arn:aws:iam::111122223333:user/OPS/ANN",
    ),
    (
        "arn:aws:iam::111122223333:user/boss",
        "arn:aws:iam::111122223333:User/Boss",
    ),
];

fn everyone() -> Vec<Mapped> {
    let of = |arn: &str, username, groups| Mapped {
        arn: arn.to_owned(),
        username,
        groups,
    };
    let mut all = movable();
    all.push(of(RESPELLED[0].0, "ann", &["devs"]));
    all.push(of(RESPELLED[1].0, "boss", &["system:masters"]));
    all
}

/// The same cluster each time: lines in another case, nodes, and entries of EKS's own that come late.
fn rough_bed() -> Sandbox {
    let bed = bed(AuthenticationMode::ConfigMap, &everyone(), NODES);
    let mut users = text(&bed, "mapUsers");
    for (iam, line) in RESPELLED {
        users = users.replace(iam, line);
    }
    write(&bed, "mapUsers", Some(&users));
    bed.edit(|world| {
        world.users.extend(RESPELLED.map(|(iam, _)| iam.to_owned()));
        let updates = &mut cluster(world).eks.updates;
        updates.node_roles = [(MANAGED.to_owned(), "EC2_LINUX".to_owned())].into();
        updates.own_entries_after_seconds = 3;
    })
    .unwrap();
    bed
}

/// Nodes are let in as nodes, and everyone in the group of the migration has what it gives.
fn assert_sound(world: &World, context: &str) {
    for name in ["nodes", "managed", "pods"] {
        let arn = format!("arn:aws:iam::111122223333:role/{name}");
        let node = SimulatedCaller::of_role(&arn, "i-0123456789abcdef0").unwrap();
        let user = world
            .user_info_of(&node)
            .unwrap_or_else(|| panic!("{arn} is out {context}"));
        assert!(
            user.groups.contains(&"system:nodes".to_owned()),
            "{arn} {context}: {user:?}"
        );
    }
    let of_world = world.clusters.values().next().unwrap();
    let mut entries = of_world.eks.access_entries.values();
    if entries.any(|entry| {
        entry
            .groups
            .iter()
            .any(|group| group.starts_with("eksact:migration"))
    }) {
        let mut bindings = of_world.rbac_bindings.values();
        assert!(
            bindings.any(|binding| binding.name.starts_with("eksact:migration")),
            "{context}"
        );
    }
}

/// Ended at random writes in random ways, with another extent each time, and with roles that cannot be read now and then: whoever
/// got in gets in, and in the end it is as if nothing had happened.
#[tokio::test(start_paused = true)]
async fn migration_killed_at_random_again_and_again_ends_where_a_clean_one_does() {
    let extent = |removes_lines, to_api| Extent {
        removes_lines,
        to_api,
        ..Extent::default()
    };
    let finish = async |bed: &Sandbox, context: &str| {
        for extent in [extent(false, false), extent(true, false), extent(true, true)] {
            let request = migration(bed, &extent, FORWARD).await.unwrap();
            let report = attempt(bed, &request).await;
            let report = report.unwrap_or_else(|| panic!("{extent:?} is refused {context}"));
            assert!(report.succeeded(), "{context}: {report:#?}");
        }
    };
    let clean = rough_bed();
    finish(&clean, "in a clean run").await;
    let before = standings(&rough_bed().world().unwrap(), &everyone());
    let mut random = 88_172_645_463_325_252_u64;
    let mut below = |limit: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % limit
    };
    for number in 0..12 {
        let mut bed = rough_bed();
        let mut story = format!("in story {number}:");
        for _ in 0..=below(4) {
            let nth = u32::try_from(1 + below(30)).unwrap();
            let fault = [Fault::CrashBefore, Fault::CrashAfter, Fault::ErrorAfter]
                [usize::try_from(below(3)).unwrap()];
            let (removes_lines, to_api, is_denied) = (below(2) == 0, below(2) == 0, below(4) == 0);
            write!(
                story,
                " {fault:?} at {nth} removing {removes_lines} to API {to_api} denied {is_denied};"
            )
            .unwrap();
            bed.edit(|world| {
                if is_denied {
                    world.denied.insert("iam:GetRole".to_owned());
                }
            })
            .unwrap();
            bed.faults().add(Rule::once(Matching::Writes, nth, fault));
            let (worlds, watched) = (Arc::<Mutex<Vec<World>>>::default(), bed.clone());
            let seen = Arc::clone(&worlds);
            bed.faults()
                .before_each_write(move |_| seen.lock().unwrap().push(watched.world().unwrap()));
            if let Some(request) = migration(&bed, &extent(removes_lines, to_api), FORWARD).await {
                attempt(&bed, &request).await;
            }
            let mut worlds = std::mem::take(&mut *worlds.lock().unwrap());
            worlds.push(bed.world().unwrap());
            for world in &worlds {
                assert_same(&before, &standings(world, &everyone()), &story);
                assert_sound(world, &story);
            }
            bed = bed.another_process();
            bed.edit(|world| world.denied.clear()).unwrap();
        }
        finish(&bed, &story).await;
        assert_same(&before, &standings(&bed.world().unwrap(), &everyone()), &story);
        assert_eq!(left(&bed), left(&clean), "{story}");
    }
}

/// What a migration leaves behind.
fn left(
    bed: &Sandbox,
) -> (
    Vec<(String, String, BTreeSet<String>)>,
    Vec<String>,
    String,
    String,
) {
    let world = bed.world().unwrap();
    let of_world = world.clusters.values().next().unwrap();
    let entries = of_world.eks.access_entries.values().map(|entry| {
        let policies = entry.policies.iter().map(|policy| policy.arn.clone());
        let groups = entry.groups.iter().cloned();
        (
            entry.principal_arn.clone(),
            entry.username.clone(),
            groups.chain(policies).collect(),
        )
    });
    let bindings: Vec<String> = of_world.rbac_bindings.keys().cloned().collect();
    (
        entries.collect(),
        bindings,
        text(bed, "mapRoles"),
        text(bed, "mapUsers"),
    )
}
