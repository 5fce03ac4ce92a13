//! From aws-auth to access entries: whoever gets in before gets in with the same rights before every write, after an end at any of
//! them, and when it is undone.

mod careful;
mod killed;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    sync::{Arc, Mutex},
};

use eksact_core::{
    config::{ClusterConfig, Located, Metadata},
    engine::{Plan, Severity},
    guard::Guard,
    kinds::{
        Request,
        request::Settings,
        to_access_entries::{self, Extent},
    },
    live::LiveReader,
    migration::Choices,
    ports::{aws::AuthenticationMode, kubernetes::UserInfo},
};
use eksact_simulator::{Sandbox, SimulatedCaller, World};

use crate::scenarios::{
    access::{text, write},
    stage::{CLUSTER, REGION, attempt, carry_out, cluster, fresh_world, human, plan, sandbox},
};

const ACCOUNT: &str = "111122223333";
/// Who runs eksact.
const CALLER: &str = "arn:aws:iam::111122223333:user/sandbox";

/// Who made the cluster: EKS gives it an entry of its own at the switch.
const CREATOR: &str = "arn:aws:iam::111122223333:user/founder";

/// A principal of the ConfigMap: its ARN, user name and groups.
struct Mapped {
    arn: String,
    username: &'static str,
    groups: &'static [&'static str],
}

fn role(name: &str, username: &'static str, groups: &'static [&'static str]) -> Mapped {
    Mapped {
        arn: format!("arn:aws:iam::{ACCOUNT}:role/{name}"),
        username,
        groups,
    }
}

/// Every row that moves as it is, and the caller among them.
fn movable() -> Vec<Mapped> {
    let mut all = vec![
        role("dev", "dev:{{SessionName}}", &["devs"]),
        role("plain", "plain", &["devs", "readers"]),
        role("raw", "raw:{{SessionNameRaw}}", &["devs"]),
        role("account", "a:{{AccountID}}:{{SessionName}}", &["devs"]),
        role("admin", "admin", &["system:masters"]),
        role("both", "both:{{SessionName}}", &["devs", "system:masters"]),
        Mapped {
            arn: CALLER.to_owned(),
            username: "sandbox",
            groups: &["system:masters", "readers"],
        },
    ];
    for number in 0..5 {
        all.push(role(&format!("team-{number}"), "team:{{SessionName}}", &["devs"]));
    }
    all
}

/// A cluster in this mode that lets these in by aws-auth; no entry is there but EKS's own, which come with the switch.
fn bed(mode: AuthenticationMode, mapped: &[Mapped], others: &str) -> Sandbox {
    let mut world = fresh_world();
    world.update_seconds = 120;
    world.any_principal = true;
    let of_world = cluster(&mut world);
    of_world.cluster.authentication_mode = Some(mode.as_str().to_owned());
    of_world.eks.access_entries.clear();
    of_world.eks.updates.creator = Some(CREATOR.to_owned());
    let bed = sandbox(world);
    let (mut roles, mut users) = (String::new(), String::new());
    for one in mapped {
        let (section, key) = if one.arn.contains(":role/") {
            (&mut roles, "rolearn")
        } else {
            (&mut users, "userarn")
        };
        let groups = one.groups.join(", ");
        writeln!(
            section,
            "- {{{key}: '{}', username: '{}', groups: [{groups}]}}",
            one.arn, one.username
        )
        .unwrap();
    }
    write(&bed, "mapRoles", Some(&(roles + others)));
    write(&bed, "mapUsers", Some(&users));
    bed
}

fn config() -> ClusterConfig {
    ClusterConfig {
        metadata: Metadata {
            name: Located::unlocated(CLUSTER.to_owned()),
            region: Located::unlocated(REGION.to_owned()),
            ..Metadata::default()
        },
        ..ClusterConfig::default()
    }
}

/// What the command asks for, over what is there now.
async fn migration(bed: &Sandbox, extent: &Extent, allow: &[Guard]) -> Option<Request> {
    let reader = LiveReader::begin(bed.readers(), CLUSTER).await.ok()?;
    let aws_auth = to_access_entries::read(&reader).await.ok()?;
    let settings = Settings {
        allow: allow.iter().copied().collect(),
        ..Settings::default()
    };
    Some(to_access_entries::request(
        &config(),
        settings,
        &reader.snapshot(),
        &aws_auth,
        extent,
    ))
}

/// Who a principal is, and whether it may do everything.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Standing {
    username: String,
    groups: BTreeSet<String>,
    is_admin: bool,
}

fn caller_of(arn: &str) -> SimulatedCaller {
    if arn.contains(":role/") {
        SimulatedCaller::of_role(arn, "nina").unwrap()
    } else {
        arn.parse().unwrap()
    }
}

/// What the cluster makes of a principal in this world: by the simulator's authenticator, its entry's policies, and the bindings of
/// its groups.
fn standing(world: &World, arn: &str) -> Option<Standing> {
    let user: UserInfo = world.user_info_of(&caller_of(arn))?;
    let cluster = world.clusters.values().next()?;
    let reads_entries = cluster.cluster.authentication_mode.as_deref() != Some("CONFIG_MAP");
    let by_policy = reads_entries
        && cluster.eks.access_entries.get(arn).is_some_and(|entry| {
            let mut policies = entry.policies.iter();
            policies.any(|policy| policy.arn.ends_with("AmazonEKSClusterAdminPolicy"))
        });
    let groups: BTreeSet<String> = user.groups.into_iter().collect();
    let by_binding = cluster.rbac_bindings.values().any(|binding| {
        binding.namespace.is_none()
            && binding.role_name == "cluster-admin"
            && binding
                .subjects
                .iter()
                .any(|subject| subject.kind == "Group" && groups.contains(&subject.name))
    });
    Some(Standing {
        username: user.username,
        is_admin: by_policy || by_binding || groups.contains("system:masters"),
        groups,
    })
}

fn standings(world: &World, mapped: &[Mapped]) -> BTreeMap<String, Standing> {
    mapped
        .iter()
        .map(|one| {
            let standing = standing(world, &one.arn);
            (
                one.arn.clone(),
                standing.unwrap_or_else(|| panic!("{} is not let in", one.arn)),
            )
        })
        .collect()
}

/// Nobody has less than before, and nobody more but for the group of the migration.
fn assert_same(before: &BTreeMap<String, Standing>, now: &BTreeMap<String, Standing>, context: &str) {
    for (arn, was) in before {
        let is = &now[arn];
        let groups = |standing: &Standing| -> BTreeSet<String> {
            let own = standing
                .groups
                .iter()
                .filter(|group| *group != "system:masters" && !group.starts_with("eksact:migration:"));
            own.cloned().collect()
        };
        assert_eq!(is.is_admin, was.is_admin, "{arn} {context}");
        assert_eq!(is.username, was.username, "{arn} {context}");
        assert_eq!(groups(is), groups(was), "{arn} {context}");
    }
}

/// Carries a migration out and judges everybody before each write, and after the last.
async fn watched(bed: &Sandbox, mapped: Vec<Mapped>, extent: &Extent, allow: &[Guard]) -> Plan {
    let before = standings(&bed.world().unwrap(), &mapped);
    let request = migration(bed, extent, allow).await.unwrap();
    let plan = plan(bed, &request).await;
    assert!(plan.may_be_applied(), "{}", human(&plan));
    let seen: Arc<Mutex<Vec<World>>> = Arc::default();
    let (worlds, watched) = (Arc::clone(&seen), bed.clone());
    bed.faults()
        .before_each_write(move |_| worlds.lock().unwrap().push(watched.world().unwrap()));
    let report = carry_out(bed, &plan, &request).await;
    assert!(report.succeeded(), "{report:#?}\n{}", human(&plan));
    let mut worlds = std::mem::take(&mut *seen.lock().unwrap());
    worlds.push(bed.world().unwrap());
    for (number, world) in worlds.iter().enumerate() {
        let context = format!("before write {number} of {}", worlds.len());
        assert_same(&before, &standings(world, &mapped), &context);
    }
    plan
}

const FORWARD: &[Guard] = &[Guard::OneWayMode];

#[tokio::test(start_paused = true)]
async fn migration_from_config_map_leaves_everyone_as_they_were_before_every_write() {
    let bed = bed(AuthenticationMode::ConfigMap, &movable(), "");
    watched(&bed, movable(), &Extent::default(), FORWARD).await;
    // Lines still there, entries decide; run again there is nothing to do.
    let request = migration(&bed, &Extent::default(), &[]).await.unwrap();
    let again = plan(&bed, &request).await;
    assert!(!again.has_changes(), "{}", human(&again));
    assert!(text(&bed, "mapRoles").contains("role/dev"));

    let without_lines = Extent {
        removes_lines: true,
        ..Extent::default()
    };
    watched(&bed, movable(), &without_lines, &[]).await;
    assert!(!text(&bed, "mapRoles").contains("rolearn") && !text(&bed, "mapUsers").contains("userarn"));

    let to_api = Extent {
        to_api: true,
        ..Extent::default()
    };
    watched(&bed, movable(), &to_api, FORWARD).await;
    let world = bed.world().unwrap();
    let of_world = world.clusters.values().next().unwrap();
    assert_eq!(of_world.cluster.authentication_mode.as_deref(), Some("API"));
    assert!(
        of_world
            .rbac_bindings
            .values()
            .all(|binding| !binding.name.starts_with("eksact:migration"))
    );
    let left_over = |group: &String| group.starts_with("eksact:migration");
    assert!(
        !of_world
            .eks
            .access_entries
            .values()
            .any(|entry| entry.groups.iter().any(left_over))
    );
}

/// All of it in one run is the same as step by step.
#[tokio::test(start_paused = true)]
async fn migration_in_one_run_leaves_everyone_as_they_were_before_every_write() {
    let bed = bed(AuthenticationMode::ConfigMap, &movable(), "");
    let all = Extent {
        removes_lines: true,
        to_api: true,
        ..Extent::default()
    };
    watched(&bed, movable(), &all, FORWARD).await;
    let world = bed.world().unwrap();
    let of_world = world.clusters.values().next().unwrap();
    assert_eq!(of_world.cluster.authentication_mode.as_deref(), Some("API"));
    assert!(!text(&bed, "mapRoles").contains("rolearn"));
}

/// Whoever is deleted from the entries gets in by its line again, as long as the line is there.
#[tokio::test(start_paused = true)]
async fn migration_is_undone_by_deleting_the_entries() {
    let bed = bed(AuthenticationMode::ApiAndConfigMap, &movable(), "");
    let before = standings(&bed.world().unwrap(), &movable());
    watched(&bed, movable(), &Extent::default(), &[]).await;
    bed.edit(|world| cluster(world).eks.access_entries.clear())
        .unwrap();
    assert_same(
        &before,
        &standings(&bed.world().unwrap(), &movable()),
        "after the entries are gone",
    );
}

#[tokio::test(start_paused = true)]
async fn migration_makes_one_entry_first_and_the_callers_last() {
    let bed = bed(AuthenticationMode::ApiAndConfigMap, &movable(), "");
    let request = migration(&bed, &Extent::default(), &[]).await.unwrap();
    let plan = plan(&bed, &request).await;
    let created: Vec<&str> = plan
        .steps
        .iter()
        .filter_map(|step| step.title.strip_prefix("create access entry of "))
        .collect();
    assert_eq!(created.len(), movable().len());
    assert_eq!(created.last(), Some(&CALLER), "{}", human(&plan));
    let first = plan
        .steps
        .iter()
        .find(|step| step.title.ends_with(created[0]))
        .unwrap();
    for step in plan
        .steps
        .iter()
        .filter(|step| step.title.starts_with("create access entry"))
    {
        if step.id != first.id {
            assert!(
                step.depends_on.contains(&first.id),
                "{} waits for {}",
                step.title,
                first.title
            );
        }
    }
    assert!(
        !created[0].contains("admin") && created[0] != CALLER,
        "{}",
        created[0]
    );
}

/// What cannot move is named and keeps its line; whoever would have less is not moved unasked.
#[tokio::test(start_paused = true)]
async fn migration_keeps_the_lines_that_cannot_move() {
    let more = "\
- {rolearn: 'arn:aws:iam::444455556666:role/far', username: far, groups: [devs]}
- {rolearn: 'arn:aws:iam::111122223333:role/reserved', username: 'system:x', groups: [devs]}
- {rolearn: 'arn:aws:iam::111122223333:role/gpu', username: 'system:node:{{EC2PrivateDNSName}}', groups: ['system:nodes', gpu]}
";
    let bed = bed(AuthenticationMode::ApiAndConfigMap, &movable(), more);
    let all = Extent {
        removes_lines: true,
        ..Extent::default()
    };
    let refused = plan(&bed, &migration(&bed, &all, &[]).await.unwrap()).await;
    let codes: BTreeSet<&str> = refused
        .findings_of(Severity::Refusal)
        .map(|finding| finding.code.as_str())
        .collect();
    assert_eq!(codes, BTreeSet::from(["access-reduced"]), "{}", human(&refused));
    let request = migration(&bed, &all, &[Guard::AccessReduced]).await.unwrap();
    let report = attempt(&bed, &request).await.unwrap();
    assert!(report.succeeded(), "{report:#?}");
    let left = text(&bed, "mapRoles");
    for kept in ["role/far", "role/reserved", "role/gpu"] {
        assert!(left.contains(kept), "{kept}\n{left}");
    }
    assert!(!left.contains("role/dev"), "{left}");

    // The choices of the user move two of them, and the node's line goes once its entry was there before.
    let whole = "arn:aws:iam::444455556666:role/team/far";
    let key = |name: &str| format!("arn:aws:iam::{name}").to_lowercase();
    let choices = Choices {
        principal_arns: BTreeMap::from([(key("444455556666:role/far"), whole.to_owned())]),
        usernames: BTreeMap::from([(key("111122223333:role/reserved"), "x".to_owned())]),
        ..Choices::default()
    };
    let extent = Extent {
        choices,
        ..all.clone()
    };
    let request = migration(&bed, &extent, &[]).await.unwrap();
    let report = attempt(&bed, &request).await.unwrap();
    assert!(report.succeeded(), "{report:#?}");
    let left = text(&bed, "mapRoles");
    assert!(!left.contains("rolearn"), "{left}");
}
