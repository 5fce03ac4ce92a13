//! What a migration must not be led into: lines that are written in another case, what an interrupted run left, nodes that have
//! not joined yet.

use eksact_core::{
    engine::{Plan, Severity},
    guard::Guard,
    kinds::{bridge, to_access_entries::Extent},
    ports::{
        aws::{AccessEntry, AccessPolicy, AuthenticationMode},
        kubernetes::{RbacBinding, Subject},
    },
};
use eksact_simulator::Sandbox;

use super::{CALLER, FORWARD, Mapped, bed, migration, movable, role, standing, watched};
use crate::scenarios::{
    access::{text, write},
    stage::{attempt, carry_out, cluster, human, plan},
};

/// A user as IAM writes it, and as its line does.
const ANN: (&str, &str) = (
    "arn:aws:iam::111122223333:user/ops/Ann",
    "arn:aws:iam::111122223333:user/OPS/ANN",
);
const ADMIN: &str = "arn:aws:iam::111122223333:role/admin";

fn ann() -> Mapped {
    Mapped {
        arn: ANN.0.to_owned(),
        username: "ann",
        groups: &["system:masters"],
    }
}

/// Writes each line of `mapUsers` that names the one as the other.
fn respell(bed: &Sandbox, (iam, line): (&str, &str)) {
    let users = text(bed, "mapUsers").replace(iam, line);
    write(bed, "mapUsers", Some(&users));
    bed.edit(|world| world.users.insert(iam.to_owned())).unwrap();
}

fn removing() -> Extent {
    Extent {
        removes_lines: true,
        ..Extent::default()
    }
}

fn codes(plan: &Plan, severity: Severity) -> Vec<&str> {
    let findings = plan.findings_of(severity);
    findings.map(|finding| finding.code.as_str()).collect()
}

/// The authenticator compares in lower case, and so the line counts.
#[tokio::test(start_paused = true)]
async fn migration_moves_a_user_whose_line_is_in_another_case() {
    let mapped = || movable().into_iter().chain([ann()]).collect::<Vec<_>>();
    let bed = bed(AuthenticationMode::ApiAndConfigMap, &mapped(), "");
    respell(&bed, ANN);
    watched(&bed, mapped(), &removing(), &[]).await;
    let world = bed.world().unwrap();
    let entries = &world.clusters.values().next().unwrap().eks.access_entries;
    assert!(entries.contains_key(ANN.0), "{:?}", entries.keys());
    assert!(!text(&bed, "mapUsers").contains("userarn"));
}

/// An administrator's entry as an interrupted run left it: in the group, and without its policy.
fn begin(bed: &Sandbox) -> String {
    let group = bridge::group(&cluster_arn(bed));
    let binding = RbacBinding {
        name: group.clone(),
        uid: "uid".to_owned(),
        role_kind: "ClusterRole".to_owned(),
        role_name: "cluster-admin".to_owned(),
        subjects: vec![Subject {
            kind: "Group".to_owned(),
            name: group.clone(),
            namespace: None,
        }],
        ..RbacBinding::default()
    };
    bed.edit(|world| {
        let cluster = cluster(world);
        cluster.rbac_bindings.insert(format!("/{group}"), binding);
        let entry = AccessEntry {
            principal_arn: ADMIN.to_owned(),
            username: "admin".to_owned(),
            groups: vec![group.clone()],
            entry_type: "STANDARD".to_owned(),
            ..AccessEntry::default()
        };
        cluster.eks.access_entries.insert(ADMIN.to_owned(), entry);
    })
    .unwrap();
    group
}

/// Whom the plan does not take out of the group of an interrupted run keeps what the group gives.
#[tokio::test(start_paused = true)]
async fn migration_keeps_the_binding_while_an_entry_is_left_in_its_group() {
    let without_line = || {
        movable()
            .into_iter()
            .filter(|one| one.arn != ADMIN)
            .collect::<Vec<_>>()
    };
    for is_denied in [false, true] {
        // Either its line is gone by hand, or its role cannot be read any more.
        let mapped = if is_denied { movable() } else { without_line() };
        let bed = bed(AuthenticationMode::ApiAndConfigMap, &mapped, "");
        let group = begin(&bed);
        if is_denied {
            bed.edit(|world| world.denied.insert("iam:GetRole".to_owned()))
                .unwrap();
        }
        let request = migration(&bed, &removing(), &[]).await.unwrap();
        let planned = plan(&bed, &request).await;
        assert!(
            codes(&planned, Severity::Warning).contains(&"migration-group-held"),
            "{}",
            human(&planned)
        );
        let report = attempt(&bed, &request).await.unwrap();
        assert!(report.succeeded(), "{report:#?}");
        assert!(standing(&bed.world().unwrap(), ADMIN).unwrap().is_admin);

        // Given its rights for good, it is taken out, and the next run ends what the first began.
        bed.edit(|world| {
            world.denied.clear();
            let entry = cluster(world).eks.access_entries.get_mut(ADMIN).unwrap();
            entry.groups.clear();
            entry.policies = vec![AccessPolicy {
                arn: "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy".to_owned(),
                namespaces: None,
            }];
        })
        .unwrap();
        let report = attempt(&bed, &migration(&bed, &removing(), &[]).await.unwrap())
            .await
            .unwrap();
        assert!(report.succeeded(), "{report:#?}");
        let world = bed.world().unwrap();
        assert!(
            !world
                .clusters
                .values()
                .next()
                .unwrap()
                .rbac_bindings
                .contains_key(&format!("/{group}"))
        );
        assert!(standing(&world, ADMIN).unwrap().is_admin && standing(&world, CALLER).unwrap().is_admin);
    }
}

/// Another run is at it between plan and step.
#[tokio::test(start_paused = true)]
async fn migration_keeps_the_binding_that_another_run_has_come_to_need() {
    let bed = bed(AuthenticationMode::ApiAndConfigMap, &movable(), "");
    let group = begin(&bed);
    let request = migration(&bed, &Extent::default(), &[]).await.unwrap();
    let planned = plan(&bed, &request).await;
    let other = "arn:aws:iam::111122223333:role/of-another-run";
    let meddler = bed.clone();
    bed.faults().before_each_write(move |call| {
        if call.action == "DeleteAccessEntry" || call.object.contains(CALLER) {
            meddler
                .edit(|world| {
                    let entries = &mut cluster(world).eks.access_entries;
                    let begun = entries[ADMIN].clone();
                    let entry = AccessEntry {
                        principal_arn: other.to_owned(),
                        groups: vec![group.clone()],
                        policies: Vec::new(),
                        ..begun
                    };
                    entries.insert(other.to_owned(), entry);
                })
                .unwrap();
        }
    });
    let report = carry_out(&bed, &planned, &request).await;
    let (_, error) = report.failed.first().unwrap();
    assert!(error.message.contains(other), "{report:#?}");
    assert!(standing(&bed.world().unwrap(), other).unwrap().is_admin);
}

fn cluster_arn(bed: &Sandbox) -> String {
    bed.world().unwrap().clusters.keys().next().unwrap().clone()
}

const NODES: &str = "\
- {rolearn: 'arn:aws:iam::111122223333:role/nodes', username: 'system:node:{{EC2PrivateDNSName}}', groups: ['system:nodes', 'system:bootstrappers']}
";

/// A node has to join by its entry before the line counts no more.
#[tokio::test(start_paused = true)]
async fn migration_goes_to_api_only_in_a_later_run_than_the_one_that_makes_entries_of_nodes() {
    let bed = bed(AuthenticationMode::ConfigMap, &movable(), NODES);
    let all = Extent {
        removes_lines: true,
        to_api: true,
        ..Extent::default()
    };
    let refused = plan(&bed, &migration(&bed, &all, FORWARD).await.unwrap()).await;
    assert_eq!(
        codes(&refused, Severity::Refusal),
        ["aws-auth-in-use"],
        "{}",
        human(&refused)
    );
    let finding = refused.findings_of(Severity::Refusal).next().unwrap();
    assert!(finding.message.contains("role/nodes"), "{}", finding.message);

    watched(&bed, movable(), &removing(), FORWARD).await;
    let mode = |bed: &Sandbox| {
        cluster(&mut bed.world().unwrap())
            .cluster
            .authentication_mode
            .clone()
    };
    assert_eq!(mode(&bed).as_deref(), Some("API_AND_CONFIG_MAP"));
    watched(&bed, movable(), &all, FORWARD).await;
    assert_eq!(mode(&bed).as_deref(), Some("API"));

    // Who knows better says so.
    let bed = super::bed(AuthenticationMode::ConfigMap, &movable(), NODES);
    watched(&bed, movable(), &all, &[Guard::OneWayMode, Guard::AwsAuthInUse]).await;
    assert_eq!(mode(&bed).as_deref(), Some("API"));
}

/// A line for another partition lets in no one of this account, and its namesake here must not get its rights.
#[tokio::test(start_paused = true)]
async fn migration_gives_nothing_to_the_namesake_of_a_role_of_another_partition() {
    let line = "- {rolearn: 'arn:aws-us-gov:iam::111122223333:role/boss', username: boss, groups: ['system:masters']}\n";
    let bed = bed(AuthenticationMode::ApiAndConfigMap, &movable(), line);
    let boss = role("boss", "boss", &[]);
    assert!(standing(&bed.world().unwrap(), &boss.arn).is_none());
    watched(&bed, movable(), &removing(), &[]).await;
    assert!(standing(&bed.world().unwrap(), &boss.arn).is_none());
    assert!(text(&bed, "mapRoles").contains("boss"));
}

/// Who made the cluster gets an entry of EKS's own at the switch, and it becomes what its line says.
#[tokio::test(start_paused = true)]
async fn migration_takes_over_the_entry_that_eks_makes_for_the_creator_at_the_switch() {
    let bed = bed(AuthenticationMode::ConfigMap, &movable(), "");
    bed.edit(|world| cluster(world).eks.updates.creator = Some(CALLER.to_owned()))
        .unwrap();
    let report = attempt(&bed, &migration(&bed, &removing(), FORWARD).await.unwrap())
        .await
        .unwrap();
    assert!(report.succeeded(), "{report:#?}");
    let caller = standing(&bed.world().unwrap(), CALLER).unwrap();
    assert_eq!(caller.username, "sandbox");
    assert!(caller.is_admin && caller.groups.contains("readers"));
    assert!(
        !caller
            .groups
            .iter()
            .any(|group| group.starts_with("eksact:migration"))
    );
}
