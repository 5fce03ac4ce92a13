//! What happens between the plan and the write: entries that appear, change and go, delays of EKS, answers that are lost.

use std::sync::atomic::{AtomicBool, Ordering};

use eksact_core::{
    engine::{Report, StepFailure},
    kinds::identity_mapping::{AwsAuthScope, MappingSelector},
    ports::{aws::AccessEntry, kubernetes::RbacBinding},
};
use eksact_simulator::{Fault, Matching, Rule, Sandbox, World};

use super::{DEV, dev, entry, live, policy, wanting, with_entries, world_with_roles, writes};
use crate::scenarios::stage::{
    again, apply, assert_settled, attempt, carry_out, cluster, plan, request, sandbox,
};

const WANTED: &str = "kubernetesUsername: dev\nkubernetesGroups: [ops]\naccessPolicies:\n- policyARN: arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy\n  accessScope: {type: cluster}";

fn reason(report: &Report) -> (&str, Option<StepFailure>) {
    let failed = report.failed.first();
    (
        failed.map_or("", |(_, error)| error.message.as_str()),
        failed.map(|(_, error)| error.cause),
    )
}

/// A plan for the developers' entry, carried out after somebody did something.
async fn after(bed: Sandbox, meddle: impl FnOnce(&Sandbox)) -> (Sandbox, Report) {
    let request = wanting(&[&dev(WANTED)]);
    let planned = plan(&bed, &request).await;
    meddle(&bed);
    let report = carry_out(&bed, &planned, &request).await;
    (bed, report)
}

fn put(bed: &Sandbox, entry: AccessEntry) {
    bed.edit(|world| {
        cluster(world)
            .eks
            .access_entries
            .insert(entry.principal_arn.clone(), entry)
    })
    .unwrap();
}

/// One that gives no more than the plan shows becomes what the plan shows.
#[tokio::test(start_paused = true)]
async fn entry_that_appears_meanwhile_and_gives_no_more_is_taken_over() {
    let view = vec![policy("AmazonEKSViewPolicy", Some(&["default"]))];
    for theirs in [
        entry(DEV, "dev", &["ops"]),
        entry(DEV, "dev", &[]),
        AccessEntry {
            policies: view,
            ..entry(DEV, "dev", &["ops"])
        },
    ] {
        let (bed, report) = after(sandbox(world_with_roles()), |bed| put(bed, theirs)).await;
        assert!(report.succeeded(), "{report:#?}");
        let now = live(&bed, DEV).unwrap();
        assert_eq!(
            (now.username.as_str(), now.groups),
            ("dev", vec!["ops".to_owned()])
        );
        assert_eq!(now.policies, [policy("AmazonEKSViewPolicy", None)]);
        assert_settled(&bed, &wanting(&[&dev(WANTED)]), "after the race").await;
    }
}

/// One that gives more, or something else, is not what was approved: it is neither written over nor kept in silence.
#[tokio::test(start_paused = true)]
async fn entry_that_appears_meanwhile_and_gives_something_else_stops_the_run() {
    let admin = vec![policy("AmazonEKSClusterAdminPolicy", None)];
    for theirs in [
        entry(DEV, "theirs", &["ops"]),
        entry(DEV, "dev", &["ops", "others"]),
        AccessEntry {
            policies: admin.clone(),
            ..entry(DEV, "dev", &["ops"])
        },
        // As EKS makes that of a cluster's creator, but at no switch of this plan.
        AccessEntry {
            policies: admin.clone(),
            ..entry(DEV, super::DERIVED, &[])
        },
        AccessEntry {
            entry_type: "EC2_LINUX".to_owned(),
            ..entry(DEV, "dev", &["ops"])
        },
    ] {
        let (bed, report) = after(sandbox(world_with_roles()), |bed| put(bed, theirs.clone())).await;
        let (message, cause) = reason(&report);
        assert!(message.contains("changed since the plan was made"), "{report:#?}");
        assert_eq!(cause, Some(StepFailure::Moved));
        assert_eq!(live(&bed, DEV).unwrap(), theirs);
        assert_eq!(writes(&bed), ["CreateAccessEntry"]);
    }
}

#[tokio::test(start_paused = true)]
async fn entry_that_changes_meanwhile_is_not_written_over() {
    let bed = || with_entries(&[entry(DEV, "old", &["ops"])]);
    let (bed, report) = after(bed(), |bed| put(bed, entry(DEV, "newer", &["ops"]))).await;
    let (message, cause) = reason(&report);
    assert!(message.contains("changed since the plan was made"), "{report:#?}");
    assert_eq!(cause, Some(StepFailure::Moved));
    assert_eq!(live(&bed, DEV).unwrap().username, "newer");
}

#[tokio::test(start_paused = true)]
async fn entry_that_somebody_made_as_wanted_meanwhile_is_done() {
    let bed = with_entries(&[entry(DEV, "old", &["ops"])]);
    let (bed, report) = after(bed, |bed| {
        let mut done = entry(DEV, "dev", &["ops"]);
        done.policies = vec![policy("AmazonEKSViewPolicy", None)];
        put(bed, done);
    })
    .await;
    assert!(report.succeeded(), "{report:#?}");
    assert!(writes(&bed).is_empty(), "{:?}", writes(&bed));
}

/// EKS sees a new role, and its own new entry, only after a while.
#[tokio::test(start_paused = true)]
async fn entry_waits_for_what_eks_does_not_see_yet() {
    let mut world = world_with_roles();
    world.eks_lag_milliseconds = 5_000;
    let bed = sandbox(world);
    let request = wanting(&[&dev(WANTED)]);
    apply(&bed, &request).await;
    let calls = writes(&bed);
    let associated = calls
        .iter()
        .filter(|call| *call == "AssociateAccessPolicy")
        .count();
    assert!(associated > 2, "{calls:?}");
    assert_settled(&bed, &request, "at last").await;

    // A role of the same account that IAM shows and EKS does not.
    let mut world = world_with_roles();
    world.eks_lag_milliseconds = 5_000;
    let bed = sandbox(world);
    let now = jiff::Timestamp::from_second(1_800_000_000).unwrap();
    bed.edit(|world| {
        let id = world.roles["dev"].id.clone();
        world.role_dates.insert(id, now)
    })
    .unwrap();
    apply(&bed, &request).await;
    let created = writes(&bed)
        .iter()
        .filter(|call| *call == "CreateAccessEntry")
        .count();
    assert!(created > 2, "{:?}", writes(&bed));

    // Without end it is a failure in EKS's own words.
    let mut world = world_with_roles();
    world.eks_lag_milliseconds = 3_600_000;
    let report = attempt(&sandbox(world), &request).await.unwrap();
    let (message, _) = reason(&report);
    assert!(message.contains("principalArn could not be found"), "{report:#?}");
}

/// What somebody gives a new entry while EKS does not see it yet is not written over.
#[tokio::test(start_paused = true)]
async fn policy_that_is_given_while_eks_sees_nothing_yet_is_kept() {
    let mut world = world_with_roles();
    world.eks_lag_milliseconds = 5_000;
    let bed = sandbox(world);
    let given = policy("AmazonEKSViewPolicy", Some(&["default"]));
    let (theirs, other) = (given.clone(), bed.another_process());
    bed.faults().before_each_write(move |call| {
        if call.action == "AssociateAccessPolicy" {
            let theirs = theirs.clone();
            let edited = other.edit(|world| {
                let entry = cluster(world).eks.access_entries.get_mut(DEV).unwrap();
                entry.policies = vec![theirs];
            });
            edited.unwrap();
        }
    });
    let report = attempt(&bed, &wanting(&[&dev(WANTED)])).await.unwrap();
    let (message, cause) = reason(&report);
    assert!(message.contains("changed since the plan was made"), "{report:#?}");
    assert_eq!(cause, Some(StepFailure::Moved));
    assert_eq!(live(&bed, DEV).unwrap().policies, [given]);
}

/// Killed at every write and run again, it ends the same.
#[tokio::test(start_paused = true)]
async fn entries_survive_an_interruption_at_every_write() {
    let wanted = dev(WANTED);
    let other = format!("principalARN: {}\ntype: EC2_LINUX", super::NODE);
    for nth in 1..=3 {
        for fault in [Fault::CrashBefore, Fault::CrashAfter, Fault::ErrorAfter] {
            let bed = sandbox(world_with_roles());
            let request = wanting(&[&wanted, &other]);
            bed.faults().add(Rule::once(Matching::Writes, nth, fault));
            attempt(&bed, &request).await;
            let process = bed.another_process();
            apply(&process, &again(&request, 2)).await;
            assert_settled(&process, &request, &format!("{nth} {fault:?}")).await;
            let now = live(&process, DEV).unwrap();
            assert_eq!((now.username.as_str(), now.policies.len()), ("dev", 1));
        }
    }
}

/// A group and its binding in one run: no warning about a group that nothing binds.
#[tokio::test(start_paused = true)]
async fn entry_of_a_group_that_the_same_run_binds_is_no_warning() {
    let bed = sandbox(world_with_roles());
    let alone = plan(&bed, &wanting(&[&dev("kubernetesGroups: [ops]")])).await;
    let codes = |plan: &eksact_core::engine::Plan| -> Vec<String> {
        plan.findings
            .iter()
            .map(|finding| finding.code.to_string())
            .collect()
    };
    assert_eq!(codes(&alone), ["group-not-bound"]);
    let both = format!(
        "{}---\napiVersion: eksact.dev/v1alpha1\nkind: ClusterAccess\ngroups:\n- name: ops\n  bindings: [{{clusterRole: view}}]\n",
        super::file(&[&dev("kubernetesGroups: [ops]")])
    );
    assert_eq!(codes(&plan(&bed, &request(&both)).await), [""; 0]);
}

/// The first write of `aws-auth` gets no answer, and somebody else takes the last administrator but one: the entry that this run made
/// for another is looked at before a guard stops the next write.
#[tokio::test(start_paused = true)]
async fn entry_of_the_same_run_counts_after_a_write_without_an_answer() {
    let master = |name: &str| {
        format!(
            "- {{rolearn: 'arn:aws:iam::111122223333:role/{name}', username: {name}, groups: [system:masters]}}\n"
        )
    };
    for (policy_name, expected) in [
        ("AmazonEKSClusterAdminPolicy", None),
        ("AmazonEKSViewPolicy", Some(StepFailure::Failed)),
    ] {
        let bed = sandbox(only_bound_caller());
        let map_roles =
            |bed: &Sandbox, lines: &str| crate::scenarios::access::write(bed, "mapRoles", Some(lines));
        map_roles(&bed, &format!("{}{}", master("first"), master("second")));
        let mut request = wanting(&[&dev(&WANTED.replace("AmazonEKSViewPolicy", policy_name))]);
        request.ask(AwsAuthScope::Delete(vec![MappingSelector::Arn {
            arn: "arn:aws:iam::111122223333:role/second".to_owned(),
            all: false,
        }]));
        let planned = plan(&bed, &request).await;
        assert!(planned.may_be_applied(), "{:#?}", planned.findings);
        let patch = "patch configmaps";
        bed.faults().add(Rule::once(
            Matching::Action(patch.to_owned()),
            1,
            Fault::ErrorAfter,
        ));
        let (world, is_first) = (bed.clone(), AtomicBool::new(true));
        bed.faults().before_each_write(move |call| {
            if call.action == patch && is_first.swap(false, Ordering::Relaxed) {
                map_roles(&world, &master("second"));
            }
        });
        let report = carry_out(&bed, &planned, &request).await;
        let (message, cause) = reason(&report);
        assert_eq!(cause, expected, "{report:#?}");
        assert_eq!(
            message.contains("last-admin-lost") && message.contains("may have been carried out"),
            expected.is_some(),
            "{report:#?}"
        );
        let left = crate::scenarios::access::text(&bed, "mapRoles");
        assert_eq!(left.contains("role/second"), expected.is_some(), "{left}");
    }
}

/// A world whose caller is no administrator, and may all the same write `aws-auth`: by a group of its entry that a binding names.
fn only_bound_caller() -> World {
    let mut world = world_with_roles();
    let arn = world.caller_arn();
    let simulated = cluster(&mut world);
    let own = simulated.eks.access_entries.get_mut(&arn).unwrap();
    own.policies.clear();
    own.groups = vec!["writers".to_owned()];
    let bindings = &mut simulated.rbac_bindings;
    let is_admin = |binding: &&RbacBinding| binding.name == "cluster-admin";
    let mut binding = bindings.values().find(is_admin).unwrap().clone();
    (binding.name, binding.uid) = ("writers".to_owned(), "of-writers".to_owned());
    "writers".clone_into(&mut binding.subjects[0].name);
    bindings.insert("/writers".to_owned(), binding);
    world
}
