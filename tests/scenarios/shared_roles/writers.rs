//! Others who write the same trust policy: clusters at the same time lose nothing of each other's, and what was planned is
//! what is written.

use std::time::Duration;

use eksact_core::{
    engine::StepFailure,
    ports::{CallErrorKind, aws::Role},
};
use eksact_identity::iam::shared_trust;
use eksact_simulator::{Fault, Matching, Rule};
use futures::future::join_all;
use serde_json::{Value, json};

use super::{
    NAMES, ROLE, WEB, by_hand, edit, not_sharing, pruning, seen_by, sharing, sid, sids, trust_policy, world,
};
use crate::scenarios::stage::{again, apply, assert_settled, attempt, carry_out, plan, sandbox};

/// What somebody does between the plan and the write.
#[tokio::test(start_paused = true)]
async fn shared_role_is_written_only_while_it_is_what_the_plan_saw() {
    type Meddle = fn(&mut Role);
    let cases: [(&str, Meddle, Option<&str>); 5] = [
        (
            "another statement of theirs",
            |role| {
                let statement = json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "444455556666"}});
                role.trust_policy["Statement"]
                    .as_array_mut()
                    .unwrap()
                    .push(statement);
            },
            None,
        ),
        (
            "theirs removed",
            |role| drop(role.trust_policy["Statement"].as_array_mut().unwrap().remove(0)),
            None,
        ),
        (
            "ours widened",
            |role| {
                let own = role.trust_policy["Statement"][2].as_object_mut().unwrap();
                own.remove("Condition");
            },
            Some("no longer what the plan saw"),
        ),
        (
            "ours removed",
            |role| drop(role.trust_policy["Statement"].as_array_mut().unwrap().remove(2)),
            Some("no longer what the plan saw"),
        ),
        (
            "made anew",
            |role| role.id = "AROAOTHER".to_owned(),
            Some("deleted and recreated"),
        ),
    ];
    for (name, meddle, refusal) in cases {
        let bed = sandbox(world(&["blue"]));
        let blue = seen_by(&bed, "blue");
        apply(&blue, &sharing("blue", WEB)).await;
        let wanted = again(&sharing("blue", "{namespace: app, name: other}"), 2);
        let planned = plan(&blue, &wanted).await;
        bed.edit(|world| meddle(world.roles.get_mut(ROLE).unwrap()))
            .unwrap();
        let before = trust_policy(&bed, ROLE);
        let report = carry_out(&blue, &planned, &wanted).await;
        match refusal {
            None => {
                assert!(report.succeeded(), "{name}: {report:?}");
                let own = |policy: &Value| shared_trust::without(policy, &sid("blue")).unwrap();
                assert_eq!(own(&trust_policy(&bed, ROLE)), own(&before), "{name}");
                assert_settled(&blue, &wanted, name).await;
            }
            Some(refusal) => {
                let (_, error) = report.failed.first().unwrap_or_else(|| panic!("{name}"));
                assert!(error.message.contains(refusal), "{name}: {error}");
                assert_eq!(trust_policy(&bed, ROLE), before, "{name}");
            }
        }
    }
}

/// A file that loses to another one of the same cluster had written before: nobody is told that nothing was.
#[tokio::test(start_paused = true)]
async fn shared_role_that_is_written_over_by_another_file_is_told_as_written() {
    let bed = sandbox(world(&["blue"]));
    let blue = seen_by(&bed, "blue");
    apply(&blue, &sharing("blue", WEB)).await;
    let wanted = again(&sharing("blue", "{namespace: app, name: other}"), 2);
    let planned = plan(&blue, &wanted).await;
    let meanwhile = async {
        tokio::time::sleep(Duration::from_secs(20)).await;
        edit(&bed, |policy| {
            policy["Statement"][2]["Condition"] = json!({"StringEquals": {"issuer:sub": "somebody else"}});
        });
    };
    let (report, ()) = tokio::join!(carry_out(&blue, &planned, &wanted), meanwhile);
    let (_, error) = report.failed.first().unwrap();
    assert!(
        error
            .message
            .ends_with("is no longer what the plan saw, after this run had written it"),
        "{error}"
    );
    assert_eq!(error.cause, StepFailure::Failed);
}

/// Failures of the calls themselves: what passes is waited for, what does not is told.
#[tokio::test(start_paused = true)]
async fn shared_role_write_survives_what_passes() {
    let passing = [
        ("UpdateAssumeRolePolicy", Fault::ErrorAfter),
        (
            "UpdateAssumeRolePolicy",
            Fault::ErrorBefore(CallErrorKind::Throttled),
        ),
        (
            "UpdateAssumeRolePolicy",
            Fault::ErrorBefore(CallErrorKind::ServiceFailure),
        ),
        (
            "UpdateAssumeRolePolicy",
            Fault::ErrorBefore(CallErrorKind::Conflict),
        ),
    ];
    for (action, fault) in passing {
        let bed = sandbox(world(&["blue"]));
        let blue = seen_by(&bed, "blue");
        blue.faults()
            .add(Rule::once(Matching::Action(action.to_owned()), 1, fault));
        apply(&blue, &sharing("blue", WEB)).await;
        assert_eq!(sids(&bed).len(), 3, "{fault:?}");
    }
    for kind in [CallErrorKind::AccessDenied, CallErrorKind::Unreachable] {
        let bed = sandbox(world(&["blue"]));
        let blue = seen_by(&bed, "blue");
        blue.faults().add(Rule {
            matching: Matching::Action("UpdateAssumeRolePolicy".to_owned()),
            nth: 1,
            times: 100,
            fault: Fault::ErrorBefore(kind),
        });
        let report = attempt(&blue, &sharing("blue", WEB)).await.unwrap();
        assert!(!report.succeeded(), "{kind:?}");
        assert!(blue.faults().count("UpdateAssumeRolePolicy") <= 6, "{kind:?}");
        assert_eq!(sids(&bed).len(), 2, "{kind:?}");
    }
}

/// Somebody writes the whole document again and again: the run ends, and says so.
#[tokio::test(start_paused = true)]
async fn shared_role_gives_up_on_a_restless_document() {
    let bed = sandbox(world(&["blue"]));
    let blue = seen_by(&bed, "blue");
    let mut wanted = sharing("blue", WEB);
    wanted.settings.timeout = Duration::from_mins(3);
    let other = bed.clone();
    let meddler = async {
        for number in 0..200 {
            tokio::time::sleep(Duration::from_secs(10)).await;
            edit(&other, |policy| {
                *policy = by_hand();
                policy["Id"] = json!(number.to_string());
            });
        }
    };
    let report = tokio::select! {
        report = attempt(&blue, &wanted) => report.unwrap(),
        () = meddler => panic!("it never ended"),
    };
    let (_, error) = report.failed.first().unwrap();
    assert!(error.message.contains("kept changing for 180 s"), "{error}");
}

/// Two to four clusters at once, in every order that the seeds give, over slow calls and late readings: each statement is
/// there in the end, once, and what a person wrote is as it was.
#[tokio::test(start_paused = true)]
async fn shared_role_clusters_at_once_lose_nothing() {
    for seed in 0..200u64 {
        let clusters = &NAMES[..2 + usize::try_from(seed % 3).unwrap()];
        let mut world = world(clusters);
        world.iam_lag_milliseconds = [0, 1_000, 8_000, 14_000][usize::try_from(seed / 3 % 4).unwrap()];
        let bed = sandbox(world);
        let runs = clusters.iter().zip(0u64..).map(|(cluster, number)| {
            let process = seen_by(&bed, cluster);
            process.faults().schedule(seed * 16 + number);
            process.faults().slow(Duration::from_millis(
                [20, 400, 2_000, 4_000][usize::try_from(seed / 12 % 4).unwrap()],
            ));
            async move { attempt(&process, &sharing(cluster, WEB)).await.unwrap() }
        });
        for report in join_all(runs).await {
            assert!(report.succeeded(), "seed {seed}: {report:#?}");
        }
        let mut expected: Vec<String> = clusters.iter().map(|cluster| sid(cluster)).collect();
        let mut found = sids(&bed).split_off(2);
        expected.sort();
        found.sort();
        assert_eq!(found, expected, "seed {seed}");
        assert_eq!(
            shared_trust::without_shared(&trust_policy(&bed, ROLE)),
            by_hand(),
            "seed {seed}"
        );
    }
}

/// One cluster comes while another goes and a third changes its mind.
#[tokio::test(start_paused = true)]
async fn shared_role_coming_going_and_changing_at_once() {
    for seed in 0..60u64 {
        let clusters = &NAMES[..3];
        let bed = sandbox(world(clusters));
        for cluster in &clusters[1..] {
            apply(&seen_by(&bed, cluster), &sharing(cluster, WEB)).await;
        }
        bed.edit(|world| world.iam_lag_milliseconds = [0, 2_000, 10_000][usize::try_from(seed % 3).unwrap()])
            .unwrap();
        let wider = "{namespace: app, name: web}, {namespace: app, name: job}";
        let requests = [
            ("blue", sharing("blue", WEB)),
            ("green", pruning(not_sharing("green"))),
            ("red", sharing("red", wider)),
        ];
        let runs = requests.iter().zip(0u64..).map(|((cluster, request), number)| {
            let process = seen_by(&bed, cluster);
            process.faults().schedule(seed * 16 + number);
            process
                .faults()
                .slow(Duration::from_millis(500 + 1_000 * (seed % 4)));
            let request = again(request, 2);
            async move { attempt(&process, &request).await.unwrap() }
        });
        for report in join_all(runs).await {
            assert!(report.succeeded(), "seed {seed}: {report:#?}");
        }
        let mut found = sids(&bed).split_off(2);
        found.sort();
        let mut expected = vec![sid("blue"), sid("red")];
        expected.sort();
        assert_eq!(found, expected, "seed {seed}");
        for (cluster, wanted) in [("blue", sharing("blue", WEB)), ("red", sharing("red", wider))] {
            // Readers see it all once the lag is over.
            tokio::time::sleep(Duration::from_secs(15)).await;
            assert_settled(
                &seen_by(&bed, cluster),
                &wanted,
                &format!("seed {seed} {cluster}"),
            )
            .await;
        }
    }
}
