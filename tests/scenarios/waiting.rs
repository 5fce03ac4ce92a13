//! Stacks that CloudFormation works on while a run begins: they are waited for before planning, up to the time limit.

use std::time::Duration;

use eksact_core::engine::Severity;
use eksact_simulator::Sandbox;
use tokio::time::Instant;

use crate::scenarios::stage::{
    apply, assert_settled, attempt, file, fresh_world, plan, request, sandbox, summary,
};

const ACCOUNT: &str =
    "metadata: {name: web, namespace: app}\nattachPolicyARNs: ['arn:aws:iam::aws:policy/ReadOnlyAccess']";
const OTHER: &str =
    "metadata: {name: other, namespace: app}\nattachPolicyARNs: ['arn:aws:iam::aws:policy/ReadOnlyAccess']";

/// A sandbox whose first run dies right after it asked for the stack, which takes a minute.
async fn with_stack_in_progress() -> Sandbox {
    use eksact_simulator::{Fault, Matching, Rule};
    let mut world = fresh_world();
    world.stack_seconds = 60;
    let bed = sandbox(world);
    let create = Matching::Action("CreateStack".to_owned());
    bed.faults().add(Rule::once(create, 1, Fault::CrashAfter));
    attempt(&bed, &request(&file(&[ACCOUNT]))).await;
    bed.another_process()
}

#[tokio::test(start_paused = true)]
async fn stack_of_ours_is_waited_for_before_planning() {
    let bed = with_stack_in_progress().await;
    let begun = Instant::now();
    let wanted = request(&file(&[ACCOUNT]));
    let found = plan(&bed, &wanted).await;
    assert!(
        (50..70).contains(&begun.elapsed().as_secs()),
        "{:?}",
        begun.elapsed()
    );
    assert!(
        !summary(&found).contains("iam-role"),
        "the role is there by now:\n{}",
        summary(&found)
    );
    assert!(
        bed.faults().count("DescribeStacks") < 30,
        "it is not asked for in a tight loop"
    );
    apply(&bed, &wanted).await;
    assert_settled(&bed, &wanted, "after waiting").await;
}

#[tokio::test(start_paused = true)]
async fn waiting_ends_at_the_time_limit() {
    let bed = with_stack_in_progress().await;
    let mut wanted = request(&file(&[ACCOUNT, OTHER]));
    wanted.settings.timeout = Duration::from_secs(20);
    let begun = Instant::now();
    let found = plan(&bed, &wanted).await;
    assert_eq!(begun.elapsed().as_secs(), 20);
    let errors: Vec<_> = found.findings_of(Severity::Error).collect();
    assert_eq!((errors.len(), errors[0].code.as_str()), (1, "stack-busy"));
    assert!(errors[0].message.contains("after 20 s"), "{}", errors[0].message);
    assert!(
        summary(&found).contains("iam-role/app/other Create"),
        "the others go on"
    );
}

#[tokio::test(start_paused = true)]
async fn stack_that_the_request_is_not_about_is_not_waited_for() {
    let bed = with_stack_in_progress().await;
    let begun = Instant::now();
    let found = plan(&bed, &request(&file(&[OTHER]))).await;
    assert_eq!(begun.elapsed(), Duration::ZERO);
    assert!(summary(&found).contains("iam-role/app/other Create"));
}

#[tokio::test(start_paused = true)]
async fn stack_that_takes_too_long_is_told_and_the_next_run_waits_for_it() {
    let mut world = fresh_world();
    world.stack_seconds = 300;
    let bed = sandbox(world);
    let mut wanted = request(&file(&[ACCOUNT]));
    wanted.settings.timeout = Duration::from_secs(30);
    let report = attempt(&bed, &wanted).await.unwrap();
    let (_, error) = &report.failed[0];
    assert!(error.message.contains("still working after 30 s"), "{error}");
    wanted.settings.timeout = Duration::from_mins(10);
    apply(&bed, &wanted).await;
    assert_eq!(
        bed.world().unwrap().stacks.len(),
        1,
        "the stack of the first run is used"
    );
    assert_settled(&bed, &wanted, "after the long stack").await;
}
