//! What happens between the plan and the write of an association: delays of EKS, others who are first, answers that are lost.

use std::sync::atomic::{AtomicBool, Ordering};

use eksact_core::{engine::StepFailure, ports::CallErrorKind};
use eksact_simulator::{Fault, Matching, Rule, Sandbox};
use serde_json::{Value, json};

use super::{ROLE, associations, bed, deletion, file, given, request_of};
use crate::scenarios::stage::{again, apply, carry_out, cluster, plan, request};

/// Lets the role be as EKS sees one that is new to it; gives its trust policy.
fn hide(bed: &Sandbox, role: &str) -> Value {
    let trust = bed.edit(|world| {
        std::mem::replace(
            &mut world.roles.get_mut(role).unwrap().trust_policy,
            json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
                "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}),
        )
    });
    trust.unwrap()
}

/// EKS does not see a role that IAM has just made, and says what it says of a wrong one.
#[tokio::test(start_paused = true)]
async fn role_that_eks_does_not_see_yet_is_waited_for() {
    let bed = bed();
    let request = request(&file(&[&given("")]));
    let plan = plan(&bed, &request).await;
    let trust = hide(&bed, "reader");
    let (other, trust) = (bed.another_process(), trust);
    tokio::spawn(async move {
        tokio::time::sleep(std::time::Duration::from_secs(40)).await;
        other
            .edit(|world| world.roles.get_mut("reader").unwrap().trust_policy = trust)
            .unwrap();
    });
    let report = carry_out(&bed, &plan, &request).await;
    assert!(report.succeeded(), "{report:#?}");
    assert!(bed.faults().writes().is_empty() || associations(&bed).len() == 1);
}

#[tokio::test(start_paused = true)]
async fn association_that_appears_meanwhile_is_compared() {
    for (role, succeeds) in [(ROLE, true), ("arn:aws:iam::111122223333:role/other", false)] {
        let bed = bed();
        let request = request(&file(&[&given("")]));
        let plan = plan(&bed, &request).await;
        let theirs = given("").replace(ROLE, role);
        apply(&bed, &request_of(&[&theirs])).await;
        let report = carry_out(&bed, &plan, &request).await;
        assert_eq!(report.succeeded(), succeeds, "{role}: {report:#?}");
        assert_eq!(associations(&bed).len(), 1);
    }
}

/// What somebody writes while EKS does not see the role yet is not written over.
#[tokio::test(start_paused = true)]
async fn association_that_changes_while_its_role_is_waited_for_is_kept() {
    let bed = bed();
    apply(&bed, &request(&file(&[&given("")]))).await;
    let other = "arn:aws:iam::111122223333:role/other";
    let wanted = request_of(&[&given("").replace(ROLE, other)]);
    let planned = plan(&bed, &wanted).await;
    let trust = hide(&bed, "other");
    // The role is seen from the second write on; before the first somebody changes the association.
    let (hand, trust, second) = (bed.another_process(), trust, AtomicBool::new(false));
    bed.faults().before_each_write(move |_| {
        let is_second = second.swap(true, Ordering::Relaxed);
        let edited = hand.edit(|world| {
            if is_second {
                world.roles.get_mut("other").unwrap().trust_policy = trust.clone();
            } else {
                let mut associations = cluster(world).eks.pod_identity_associations.values_mut();
                associations.next().unwrap().disable_session_tags = true;
            }
        });
        edited.unwrap();
    });
    let report = carry_out(&bed, &planned, &wanted).await;
    assert_eq!(report.failed[0].1.cause, StepFailure::Moved, "{report:#?}");
    let now = &associations(&bed)[0];
    assert_eq!((now.role_arn.as_str(), now.disable_session_tags), (ROLE, true));
}

#[tokio::test(start_paused = true)]
async fn lost_answer_is_looked_after() {
    for action in [
        "CreatePodIdentityAssociation",
        "UpdatePodIdentityAssociation",
        "DeletePodIdentityAssociation",
    ] {
        for fault in [Fault::ErrorAfter, Fault::ErrorBefore(CallErrorKind::Unreachable)] {
            let bed = bed();
            let lose = || {
                let matching = Matching::Action(action.to_owned());
                bed.faults().add(Rule::once(matching, 1, fault));
            };
            lose();
            let created = request(&file(&[&given("")]));
            let changed = request(&file(&[&given(
                "targetRoleARN: arn:aws:iam::444455556666:role/data",
            )]));
            for (run, request) in [created, changed, deletion(&[("app", "reader")])]
                .into_iter()
                .enumerate()
            {
                let request = again(&request, u32::try_from(run).unwrap());
                let plan = plan(&bed, &request).await;
                let report = carry_out(&bed, &plan, &request).await;
                if !report.succeeded() {
                    // Nothing had its effect, which a run after it makes good.
                    assert!(matches!(fault, Fault::ErrorBefore(_)), "{action}: {report:#?}");
                    apply(&bed, &again(&request, 9)).await;
                }
            }
            assert_eq!(associations(&bed), [], "{action} {fault:?}");
        }
    }
}
