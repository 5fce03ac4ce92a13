//! Faults, crashes, the record of calls, and tasks that take turns.

use super::super::{Fault, Matching, Rule};
use super::*;

#[tokio::test]
async fn error_after_the_effect_hides_it_only_from_the_caller() {
    let (sandbox, _) = sandbox();
    let create = Matching::Action("CreateStack".to_owned());
    sandbox.faults().add(Rule::once(create, 1, Fault::ErrorAfter));
    let wanted = request(NAME, &template(&json!({}), None));
    let lost = sandbox.create_stack(&wanted).await.unwrap_err();
    assert_eq!(
        (lost.kind, lost.object.as_str()),
        (CallErrorKind::Unreachable, NAME)
    );
    let id = stack(&sandbox, NAME).await.id;
    assert_eq!(
        sandbox.create_stack(&wanted).await.unwrap(),
        id,
        "the token makes trying again harmless"
    );
}

#[tokio::test]
async fn crash_at_each_write_keeps_the_writes_before_it() {
    for nth in 1..=3 {
        for (fault, kept) in [(Fault::CrashBefore, nth - 1), (Fault::CrashAfter, nth)] {
            let (sandbox, _) = sandbox();
            sandbox.faults().add(Rule::once(Matching::Writes, nth, fault));
            let mut failures = 0;
            for name in ["a", "b", "c", "d"] {
                failures += u32::from(writes(&sandbox).create(&Namespace::named(name)).await.is_err());
            }
            assert_eq!(failures, 5 - nth);
            assert!(
                reads(&sandbox)
                    .list::<Namespace>(None, Selector::Everything)
                    .await
                    .is_err(),
                "a dead process reads nothing either"
            );
            let next = sandbox.another_process();
            let made = reads(&next)
                .list::<Namespace>(None, Selector::Everything)
                .await
                .unwrap()
                .len()
                - 4;
            assert_eq!(u32::try_from(made).unwrap(), kept, "{fault:?} at write {nth}");
        }
    }
}

#[tokio::test]
async fn calls_are_counted_as_aws_would_count_them() {
    let (sandbox, _) = sandbox();
    for number in 0..101 {
        let name = format!("stack-{number}");
        sandbox
            .create_stack(&request(&name, &template(&json!({}), Some("s3:Get*"))))
            .await
            .unwrap();
    }
    sandbox.faults().forget_calls();
    assert_eq!(sandbox.stacks().await.unwrap().len(), 101);
    assert_eq!(sandbox.faults().count("DescribeStacks"), 2);
    let name = role(&sandbox, "stack-7").await.name;
    let of_role = sandbox
        .faults()
        .calls()
        .into_iter()
        .filter(|call| call.object == name)
        .map(|call| call.action);
    let wanted = [
        "GetRole",
        "ListAttachedRolePolicies",
        "ListRolePolicies",
        "GetRolePolicy",
    ];
    assert_eq!(of_role.collect::<Vec<_>>(), wanted);
    assert!(sandbox.faults().writes().is_empty());
}

#[tokio::test]
async fn someone_else_can_act_right_before_a_write() {
    let (sandbox, _) = sandbox();
    let other = sandbox.another_process();
    sandbox.faults().before_each_write(move |call| {
        other
            .edit(|world| world.policies.insert(call.action.clone()))
            .unwrap();
    });
    writes(&sandbox).create(&Namespace::named("app")).await.unwrap();
    reads(&sandbox)
        .list::<Namespace>(None, Selector::Everything)
        .await
        .unwrap();
    assert_eq!(
        sandbox.world().unwrap().policies.into_iter().collect::<Vec<_>>(),
        ["create namespaces"]
    );
}

/// The order in which concurrent tasks write under a seed.
async fn order_under(seed: u64) -> Vec<String> {
    let (sandbox, _) = sandbox();
    sandbox.faults().schedule(seed);
    let write = |task: usize| {
        let sandbox = sandbox.clone();
        async move {
            for number in 0..3 {
                writes(&sandbox)
                    .create(&Namespace::named(&format!("n{task}{number}")))
                    .await
                    .unwrap();
            }
        }
    };
    futures::future::join_all((0..4).map(write)).await;
    sandbox
        .faults()
        .writes()
        .into_iter()
        .map(|call| call.object)
        .collect()
}

#[tokio::test]
async fn seed_decides_who_goes_first() {
    let first = order_under(1).await;
    assert_eq!(order_under(1).await, first);
    let mut orders = std::collections::BTreeSet::from([first]);
    for seed in 2..10 {
        orders.insert(order_under(seed).await);
    }
    assert!(
        orders.len() > 4,
        "seeds lead to different orders: {}",
        orders.len()
    );
}
