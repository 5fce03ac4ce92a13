//! Applies of one plan side by side and one after the other: it is applied once.

use std::time::Duration;

use eksact_core::{
    ports::kubernetes::Lease,
    saved::{
        apply::{ApplyError, Standing},
        lock::{LockError, Outcome},
    },
};
use eksact_simulator::{Fault, Matching, Rule, Sandbox};
use futures::future::join;
use jiff::{SignedDuration, Timestamp};

use super::{Ended, apply_in, apply_saved, saved, writes};
use crate::scenarios::stage::{applied, cluster, file, fresh_world, request, sandbox};

const WEB: &str =
    "metadata: {name: web, namespace: app}\nattachPolicyARNs: ['arn:aws:iam::aws:policy/ReadOnlyAccess']";

fn lease(bed: &Sandbox) -> Option<Lease> {
    let mut world = bed.world().unwrap();
    cluster(&mut world)
        .leases
        .get("kube-system/eksact-apply")
        .cloned()
}

#[tokio::test(start_paused = true)]
async fn saved_plan_is_applied_once() {
    let bed = sandbox(fresh_world());
    let plan = saved(&bed, &request(&file(&[WEB]))).await;
    assert!(apply_saved(&bed, &plan, "1").await.is_applied());
    let held = lease(&bed).unwrap();
    assert_eq!(held.spec.holder_identity, None, "it is given back");
    let writes = writes(&bed).len();
    match apply_saved(&bed, &plan, "2").await {
        Ended::Not(Standing::Done(now, Some(record))) => {
            assert!(!now.has_changes());
            assert_eq!(
                (record.digest.as_str(), record.outcome),
                (plan.digest(), Outcome::Applied)
            );
            assert_eq!(record.by, "arn:aws:iam::111122223333:user/sandbox");
        }
        other => panic!("{other:#?}"),
    }
    assert_eq!(super::writes(&bed).len(), writes);
}

/// The world is again as it was before the plan: what was approved once is not done twice.
#[tokio::test(start_paused = true)]
async fn saved_plan_that_was_applied_is_not_applied_to_a_world_that_was_taken_back() {
    let before = fresh_world();
    let bed = sandbox(before.clone());
    let plan = saved(&bed, &request(&file(&[WEB]))).await;
    assert!(apply_saved(&bed, &plan, "1").await.is_applied());
    bed.edit(|world| {
        let leases = cluster(world).leases.clone();
        *world = before;
        cluster(world).leases = leases;
    })
    .unwrap();
    match apply_saved(&bed, &plan, "2").await {
        Ended::Not(Standing::Moved(moved, Some(record))) => {
            assert_eq!(moved, []);
            assert_eq!(record.digest, plan.digest());
        }
        other => panic!("{other:#?}"),
    }
    // Without the lock nothing is remembered.
    assert!(apply_in(&bed, &plan, "3", false).await.is_applied());
}

/// Two runs of one plan, in every order that the seeds give: one carries it out, the other writes nothing and says why.
#[tokio::test(start_paused = true)]
async fn saved_plan_applied_twice_at_once_has_one_winner() {
    let (mut held, mut done) = (0, 0);
    for seed in 0..200u64 {
        let bed = sandbox(fresh_world());
        let plan = saved(&bed, &request(&file(&[WEB]))).await;
        let processes = [1, 2].map(|number| {
            let process = bed.another_process();
            process.faults().schedule(seed * 100 + number);
            process.faults().slow(Duration::from_millis(
                [20, 400, 4_000][usize::try_from(seed % 3).unwrap()],
            ));
            process
        });
        let (one, other) = join(
            apply_saved(&processes[0], &plan, "run-1"),
            apply_saved(&processes[1], &plan, "run-2"),
        )
        .await;
        let (loser, process) = match (one.is_applied(), other.is_applied()) {
            (true, false) => (other, &processes[1]),
            (false, true) => (one, &processes[0]),
            _ => panic!("seed {seed}: {one:#?} {other:#?}"),
        };
        match loser {
            Ended::Failed(ApplyError::Lock(LockError::Held { .. })) => held += 1,
            Ended::Not(Standing::Done(_, Some(_))) => done += 1,
            other => panic!("seed {seed}: {other:#?}"),
        }
        assert_eq!(writes(process), Vec::<String>::new(), "seed {seed}");
    }
    assert!(held > 0, "{held} met the other at work, {done} after it");
}

/// Two plans at once: the second is held against what the first has made.
#[tokio::test(start_paused = true)]
async fn saved_plans_at_once_are_applied_one_after_the_other() {
    let other_account = WEB.replace("web", "other");
    for seed in 0..60u64 {
        let bed = sandbox(fresh_world());
        let plans = [
            saved(&bed, &request(&file(&[WEB]))).await,
            saved(&bed, &request(&file(&[WEB, &other_account]))).await,
        ];
        let processes = [1, 2].map(|number| {
            let process = bed.another_process();
            process.faults().schedule(seed * 100 + number);
            process.faults().slow(Duration::from_millis(400));
            process
        });
        let (one, other) = join(
            apply_saved(&processes[0], &plans[0], "run-1"),
            apply_saved(&processes[1], &plans[1], "run-2"),
        )
        .await;
        let applied = [&one, &other].iter().filter(|ended| ended.is_applied()).count();
        assert_eq!(applied, 1, "seed {seed}: {one:#?} {other:#?}");
    }
}

#[tokio::test(start_paused = true)]
async fn lock_of_a_run_that_was_killed_ends_by_itself() {
    let (bed, _) = applied(&file(&[])).await;
    let plan = saved(&bed, &request(&file(&[WEB]))).await;
    let killed = bed.another_process();
    // The first write is the lock's.
    killed
        .faults()
        .add(Rule::once(Matching::Writes, 2, Fault::CrashBefore));
    assert!(!apply_saved(&killed, &plan, "killed").await.is_applied());
    match apply_saved(&bed, &plan, "next").await {
        Ended::Failed(ApplyError::Lock(LockError::Held { holder, digest, .. })) => {
            assert_eq!(holder, "arn:aws:iam::111122223333:user/sandbox killed");
            assert_eq!(digest, plan.digest());
        }
        other => panic!("{other:#?}"),
    }
    bed.edit(|world| {
        let lease = cluster(world).leases.get_mut("kube-system/eksact-apply").unwrap();
        let long_ago = Timestamp::now() - SignedDuration::from_hours(1);
        lease.spec.renew_time = Some(eksact_core::ports::kubernetes::MicroTime(long_ago));
        lease.resource_version = "777".to_owned();
    })
    .unwrap();
    assert!(apply_saved(&bed, &plan, "last").await.is_applied());
}
