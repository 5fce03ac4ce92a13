//! What waiting costs: calls and time, for few stacks and for many, in small regions and large ones.

use futures::future::join_all;
use jiff::Timestamp;
use serde_json::json;

use std::{sync::Arc, time::Duration};

use eksact_core::{
    engine::executor::Progress,
    kinds::stack_wait::StackWait,
    ports::aws::{StackRequest, StackWriter as _},
};
use eksact_simulator::{Sandbox, Seed, TokioClock, World};
use tokio::time::Instant;

/// A region in memory whose stacks take five seconds of the paused clock.
fn region() -> Sandbox {
    let mut world = World::seeded(&Seed {
        cluster: "prod".to_owned(),
        region: "eu-west-1".to_owned(),
        account: None,
    });
    world.stack_seconds = 5;
    Sandbox::in_memory(world, Arc::new(TokioClock::starting_at(Timestamp::UNIX_EPOCH)))
}

async fn create(region: &Sandbox, name: String) -> String {
    let template = json!({"Resources": {"Role1": {"Type": "AWS::IAM::Role", "Properties": {
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}]}}}}});
    let request = StackRequest {
        template_body: template.to_string(),
        tags: Vec::new(),
        capabilities: vec!["CAPABILITY_IAM".to_owned()],
        termination_protection: false,
        disable_rollback: false,
        service_role_arn: None,
        client_request_token: format!("token-{name}"),
        name,
    };
    region.create_stack(&request).await.unwrap()
}

/// Creates so many stacks and waits for all of them; gives their ids, the seconds and the calls that waiting took.
async fn create_and_wait(
    region: &Sandbox,
    waiter: &Arc<StackWait>,
    names: &str,
    count: usize,
) -> (Vec<String>, f64, usize) {
    let begun = Instant::now();
    let ids = join_all((0..count).map(|number| create(region, format!("{names}-{number}")))).await;
    region.faults().forget_calls();
    let progress = Progress::new(|_| {});
    let stacks = join_all(ids.iter().map(|id| waiter.settled(id, &progress))).await;
    assert!(
        stacks
            .iter()
            .all(|stack| stack.as_ref().unwrap().status == "CREATE_COMPLETE")
    );
    (
        ids,
        begun.elapsed().as_secs_f64(),
        region.faults().count("DescribeStacks"),
    )
}

#[tokio::test(start_paused = true)]
async fn stack_wait_for_many_costs_no_more_looks_than_for_one() {
    // A hundred and fifty are two pages of a listing.
    for (count, pages) in [(1, 1), (150, 2)] {
        let region = region();
        let waiter = Arc::new(StackWait::new(region.readers().aws, Duration::from_mins(1)));
        let (_, seconds, calls) = create_and_wait(&region, &waiter, "s", count).await;
        assert!(
            seconds < 5.6,
            "{count} stacks were noticed only after {seconds} s"
        );
        assert!(calls <= 11 * pages, "{count} stacks took {calls} calls");
    }
}

#[tokio::test(start_paused = true)]
async fn stack_wait_for_a_few_of_a_large_region_asks_one_by_one() {
    let region = region();
    let waiter = Arc::new(StackWait::new(region.readers().aws, Duration::from_mins(1)));
    create_and_wait(&region, &waiter, "first", 900).await;
    // A listing would be ten pages by then.
    let (ids, _, _) = create_and_wait(&region, &waiter, "later", 8).await;
    let calls = region.faults().calls();
    assert!(calls.iter().all(|call| ids.contains(&call.object)), "{calls:?}");
}

#[tokio::test(start_paused = true)]
async fn deleted_stacks_are_found_by_id() {
    let region = region();
    let waiter = Arc::new(StackWait::new(region.readers().aws, Duration::from_mins(1)));
    let (ids, _, _) = create_and_wait(&region, &waiter, "s", 20).await;
    for id in &ids {
        region.delete_stack(id, None, "token").await.unwrap();
    }
    let progress = Progress::new(|_| {});
    let stacks = join_all(ids.iter().map(|id| waiter.settled_or_gone(id, &progress))).await;
    for stack in stacks {
        assert_eq!(stack.unwrap().unwrap().status, "DELETE_COMPLETE");
    }
}
