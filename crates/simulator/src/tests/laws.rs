//! What holds after any sequence of operations.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Operation {
    Create {
        stack: u8,
        role: Option<u8>,
        policy: bool,
        token: u8,
        protect: bool,
    },
    Update {
        stack: u8,
        role: Option<u8>,
        policy: bool,
        tag: u8,
    },
    Delete {
        stack: u8,
    },
    Protect {
        stack: u8,
        enabled: bool,
    },
    DeleteRoleByHand {
        nth: u8,
    },
    AttachByHand {
        nth: u8,
    },
    Advance {
        seconds: u8,
    },
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let role = || proptest::option::of(0..3_u8);
    let operation = prop_oneof![
        4 => (0..4_u8, role(), any::<bool>(), 0..3_u8, prop::bool::weighted(0.2)).prop_map(
            |(stack, role, policy, token, protect)| Operation::Create { stack, role, policy, token, protect }
        ),
        4 => (0..4_u8, role(), any::<bool>(), 0..3_u8)
            .prop_map(|(stack, role, policy, tag)| Operation::Update { stack, role, policy, tag }),
        2 => (0..4_u8).prop_map(|stack| Operation::Delete { stack }),
        1 => (0..4_u8, any::<bool>()).prop_map(|(stack, enabled)| Operation::Protect { stack, enabled }),
        1 => (0..6_u8).prop_map(|nth| Operation::DeleteRoleByHand { nth }),
        1 => (0..6_u8).prop_map(|nth| Operation::AttachByHand { nth }),
        3 => (0..9_u8).prop_map(|seconds| Operation::Advance { seconds }),
    ];
    proptest::collection::vec(operation, 1..40)
}

/// Runs one operation; refusals are part of the game. Gives the roles deleted by hand.
async fn run(sandbox: &Sandbox, clock: &ManualClock, step: usize, operation: Operation) -> Option<String> {
    let properties =
        |role: Option<u8>| role.map_or(json!({}), |role| json!({"RoleName": format!("named-{role}")}));
    let wanted = |role, policy: bool| template(&properties(role), policy.then_some("s3:GetObject"));
    match operation {
        Operation::Create {
            stack,
            role,
            policy,
            token,
            protect,
        } => {
            let mut request = request(&format!("stack-{stack}"), &wanted(role, policy));
            request.client_request_token = format!("token-{token}");
            request.termination_protection = protect;
            let _ = sandbox.create_stack(&request).await;
        }
        Operation::Update {
            stack,
            role,
            policy,
            tag,
        } => {
            let mut request = change(
                &format!("stack-{stack}"),
                &format!("c{step}"),
                &wanted(role, policy),
            );
            request.tags = vec![("tag".to_owned(), tag.to_string())];
            let _ = update(sandbox, &request).await;
        }
        Operation::Delete { stack } => {
            let _ = sandbox
                .delete_stack(&format!("stack-{stack}"), None, "delete")
                .await;
        }
        Operation::Protect { stack, enabled } => {
            let _ = sandbox
                .set_termination_protection(&format!("stack-{stack}"), enabled)
                .await;
        }
        Operation::DeleteRoleByHand { nth } => {
            return sandbox
                .edit(|world| {
                    let name = world.roles.keys().nth(usize::from(nth)).cloned()?;
                    world.roles.remove(&name).map(|role| role.arn)
                })
                .unwrap();
        }
        Operation::AttachByHand { nth } => {
            if let Some(role) = sandbox.roles().await.unwrap().get(usize::from(nth)) {
                sandbox.attach_role_policy(&role.name, READ_ONLY).await.unwrap();
            }
        }
        Operation::Advance { seconds } => clock.advance(u32::from(seconds)),
    }
    None
}

fn check(world: &World, by_hand: &BTreeSet<String>) {
    let live: Vec<_> = world
        .stacks
        .values()
        .filter(|record| record.stack.status != "DELETE_COMPLETE")
        .collect();
    let names: BTreeSet<&str> = live.iter().map(|record| record.stack.name.as_str()).collect();
    assert_eq!(names.len(), live.len(), "a name belongs to one live stack");
    let ids: BTreeSet<&str> = world.roles.values().map(|role| role.id.as_str()).collect();
    assert_eq!(ids.len(), world.roles.len(), "role ids are unique");
    let mut owned = BTreeSet::new();
    for record in &live {
        for arn in record.stack.outputs.values() {
            let exists = world.roles.values().any(|role| role.arn == *arn);
            assert!(
                exists || by_hand.contains(arn),
                "{} names {arn}",
                record.stack.name
            );
        }
        for resource in record
            .resources
            .values()
            .filter(|known| known.resource_type == "AWS::IAM::Role")
        {
            // A name that was freed by hand may have gone to another stack since.
            let freed = by_hand
                .iter()
                .any(|arn| arn.ends_with(&format!("/{}", resource.physical_id)));
            assert!(
                freed || owned.insert(resource.physical_id.clone()),
                "a role belongs to one stack"
            );
        }
        assert_eq!(
            record.stack.in_progress(),
            record.work.is_some(),
            "{}",
            record.stack.status
        );
        assert_eq!(record.work.is_some(), record.settles_at.is_some());
    }
    for role in world.roles.values() {
        assert!(role.name.len() <= 64 && role.arn.ends_with(&role.name));
        let stack = world
            .stacks
            .get(&role.tags["aws:cloudformation:stack-id"])
            .unwrap();
        assert_eq!(stack.stack.name, role.tags["aws:cloudformation:stack-name"]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn world_stays_sound_and_survives_saving(operations in operations(), stack_seconds in 0..4_u32) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (sandbox, clock) = sandbox();
            sandbox.edit(|world| world.stack_seconds = stack_seconds).unwrap();
            let mut by_hand = BTreeSet::new();
            for (step, operation) in operations.into_iter().enumerate() {
                by_hand.extend(run(&sandbox, &clock, step, operation).await);
                let world = sandbox.world().unwrap();
                check(&world, &by_hand);
            }
            clock.advance(1000);
            let world = sandbox.world().unwrap();
            assert!(world.stacks.values().all(|record| !record.stack.in_progress()), "everything settles");
            let saved = serde_json::to_string(&world).unwrap();
            assert_eq!(serde_json::from_str::<World>(&saved).unwrap(), world);
        });
    }
}
