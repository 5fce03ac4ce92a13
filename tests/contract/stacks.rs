//! CloudFormation: how stacks come, change and go.

use std::collections::BTreeMap;

use eksact_core::kinds::stack_wait::root_cause;
use eksact_core::ports::CallErrorKind;
use eksact_core::ports::aws::{ResourceChange, StackRequest};
use serde_json::json;

use super::world::{POWER_USER, READ_ONLY, S3, World, change, document, kind, request, template, trust};

pub(crate) async fn stack_makes_its_role(world: &World) {
    let wanted = template(
        &json!({"ManagedPolicyArns": [READ_ONLY], "PermissionsBoundary": POWER_USER}),
        Some("s3:GetObject"),
    );
    let stack = world.create("made", &wanted).await;
    assert_eq!(
        (stack.name.as_str(), stack.status.as_str()),
        ("made", "CREATE_COMPLETE")
    );
    assert_eq!(stack.description.as_deref(), Some("IAM role"));
    assert_eq!((stack.tags["team"].as_str(), stack.updated), ("platform", None));
    assert_eq!(stack.capabilities, ["CAPABILITY_NAMED_IAM"]);
    assert!(stack.created.is_some() && !stack.termination_protection);

    let role = world.role_of(&stack).await;
    assert!(role.name.starts_with("made-Role1-"), "{}", role.name);
    assert_eq!(stack.outputs["Role1"], role.arn);
    assert_eq!(role.trust_policy, trust("system:serviceaccount:app:reader"));
    assert_eq!(role.managed_policy_arns, [READ_ONLY]);
    assert_eq!(
        role.inline_policies,
        [("made-Policy1".to_owned(), document("s3:GetObject"))].into()
    );
    assert_eq!(role.permissions_boundary.as_deref(), Some(POWER_USER));
    assert_eq!(role.tags["team"], "platform");
    assert_eq!(role.tags["aws:cloudformation:stack-id"], stack.id);
    assert_eq!(role.tags["aws:cloudformation:logical-id"], "Role1");

    let template: serde_json::Value =
        serde_json::from_str(&world.readers.aws.stack_template("made").await.unwrap()).unwrap();
    assert_eq!(template, wanted);
    let listed = world.readers.aws.stacks().await.unwrap();
    assert_eq!(
        listed.iter().filter(|listed| **listed == stack).count(),
        1,
        "the listing shows the same"
    );

    let again = StackRequest {
        client_request_token: "another".to_owned(),
        ..request("made", &wanted)
    };
    assert_eq!(
        kind(world.writers.aws.create_stack(&again).await),
        CallErrorKind::AlreadyExists
    );
    let without_capability = StackRequest {
        capabilities: Vec::new(),
        ..request("refused", &wanted)
    };
    assert_eq!(
        kind(world.writers.aws.create_stack(&without_capability).await),
        CallErrorKind::Invalid
    );
}

pub(crate) async fn taken_role_name_rolls_back_with_its_reason(world: &World) {
    let named = template(&json!({"RoleName": "taken-by-contract"}), Some("s3:GetObject"));
    world.create("first", &named).await;
    let failed = world.create("second", &named).await;
    assert_eq!(failed.status, "ROLLBACK_COMPLETE");
    assert!(failed.outputs.is_empty());
    let events = world.readers.aws.stack_events(&failed.id).await.unwrap();
    let cause = root_cause(&events, "create-second").unwrap();
    assert!(
        cause.starts_with("Role1 (AWS::IAM::Role) CREATE_FAILED"),
        "{cause}"
    );
    assert!(cause.contains("taken-by-contract already exists"), "{cause}");
    let role = world
        .readers
        .aws
        .role("taken-by-contract")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(role.tags["aws:cloudformation:stack-name"], "first");
    assert_eq!(role.inline_policies.len(), 1);

    // Its name stays taken, and it takes no update.
    let again = StackRequest {
        client_request_token: "again".to_owned(),
        ..request("second", &template(&json!({}), None))
    };
    assert_eq!(
        kind(world.writers.aws.create_stack(&again).await),
        CallErrorKind::AlreadyExists
    );
    let update = change("second", "c", &template(&json!({}), None));
    assert!(world.writers.aws.create_change_set(&update).await.is_err());
    world
        .writers
        .aws
        .delete_stack(&failed.id, None, "delete-second")
        .await
        .unwrap();
    assert_eq!(world.settled(&failed.id).await.status, "DELETE_COMPLETE");
    let id = world.writers.aws.create_stack(&again).await.unwrap();
    assert_eq!(world.settled(&id).await.status, "CREATE_COMPLETE");
}

pub(crate) async fn change_set_updates_and_an_empty_one_says_so(world: &World) {
    let (reads, writes) = (&world.readers.aws, &world.writers.aws);
    let before = template(
        &json!({"ManagedPolicyArns": [READ_ONLY], "PermissionsBoundary": POWER_USER}),
        Some("s3:GetObject"),
    );
    let stack = world.create("changed", &before).await;
    let role = world.role_of(&stack).await;

    let id = writes
        .create_change_set(&change("changed", "none", &before))
        .await
        .unwrap();
    assert!(world.ready(&id).await.is_empty_change());
    writes.delete_change_set(&id).await.unwrap();
    assert_eq!(
        reads.stack("changed").await.unwrap().unwrap(),
        stack,
        "a change set alone changes nothing"
    );

    // Drift under an equal template is no change for CloudFormation.
    writes.detach_role_policy(&role.name, READ_ONLY).await.unwrap();
    let id = writes
        .create_change_set(&change("changed", "drift", &before))
        .await
        .unwrap();
    assert!(world.ready(&id).await.is_empty_change());

    let mut after = template(&json!({"ManagedPolicyArns": [S3]}), Some("s3:PutObject"));
    after["Resources"]["Role1"]["Properties"]["AssumeRolePolicyDocument"] =
        trust("system:serviceaccount:app:writer");
    let mut wanted = change(&stack.id, "some", &after);
    wanted.tags.push(("more".to_owned(), "tags".to_owned()));
    let id = writes.create_change_set(&wanted).await.unwrap();
    let change_set = world.ready(&id).await;
    assert_eq!(change_set.status, "CREATE_COMPLETE");
    let listed = reads.change_sets("changed").await.unwrap();
    let its = listed.iter().find(|listed| listed.id == id).unwrap();
    assert_eq!(
        (
            its.name.as_str(),
            its.status.as_str(),
            its.execution_status.as_deref()
        ),
        ("some", "CREATE_COMPLETE", Some("AVAILABLE"))
    );
    assert!(
        its.created.is_some() && its.age.is_some_and(|age| age.as_secs() < 600),
        "{its:?}"
    );
    let told: BTreeMap<&str, &ResourceChange> = change_set
        .changes
        .iter()
        .map(|told| (told.logical_id.as_str(), told))
        .collect();
    assert_eq!(told.keys().copied().collect::<Vec<_>>(), ["Policy1", "Role1"]);
    assert!(told.values().all(|told| told.action == "Modify"), "{told:?}");
    // The role stays the same one. (What is said of the policy depends on how closely the simulator looks.)
    assert_eq!(told["Role1"].replacement.as_deref(), Some("False"));
    assert_eq!(told["Role1"].physical_id.as_deref(), Some(role.name.as_str()));
    writes.execute_change_set(&id, "execute").await.unwrap();
    let updated = world.settled(&stack.id).await;
    assert_eq!(
        (updated.status.as_str(), updated.tags["more"].as_str()),
        ("UPDATE_COMPLETE", "tags")
    );
    let role = reads.role(&role.name).await.unwrap().unwrap();
    assert_eq!(role.managed_policy_arns, [S3]);
    assert_eq!(
        role.inline_policies,
        [("changed-Policy1".to_owned(), document("s3:PutObject"))].into()
    );
    assert_eq!(role.trust_policy, trust("system:serviceaccount:app:writer"));
    assert_eq!(
        (role.permissions_boundary, role.tags["more"].as_str()),
        (None, "tags")
    );
}

pub(crate) async fn protection_refuses_the_deletion_until_it_is_lifted(world: &World) {
    let (reads, writes) = (&world.readers.aws, &world.writers.aws);
    let wanted = StackRequest {
        termination_protection: true,
        ..request("protected", &template(&json!({}), None))
    };
    let id = writes.create_stack(&wanted).await.unwrap();
    assert!(world.settled(&id).await.termination_protection);
    let refused = writes
        .delete_stack(&id, None, "delete-protected")
        .await
        .unwrap_err();
    assert_eq!(refused.kind, CallErrorKind::Conflict);
    assert!(refused.message.contains("TerminationProtection"), "{refused}");
    writes
        .set_termination_protection("protected", false)
        .await
        .unwrap();
    assert!(!reads.stack(&id).await.unwrap().unwrap().termination_protection);
    writes
        .delete_stack(&id, None, "delete-unprotected")
        .await
        .unwrap();
    assert_eq!(world.settled(&id).await.status, "DELETE_COMPLETE");
}

pub(crate) async fn deleted_stack_is_found_by_its_id(world: &World) {
    let (reads, writes) = (&world.readers.aws, &world.writers.aws);
    let old = world
        .create(
            "again",
            &template(&json!({"ManagedPolicyArns": [READ_ONLY]}), Some("s3:GetObject")),
        )
        .await;
    let role = world.role_of(&old).await.name;
    writes.delete_stack(&old.id, None, "delete-again").await.unwrap();
    assert_eq!(world.settled(&old.id).await.status, "DELETE_COMPLETE");
    assert_eq!(reads.stack("again").await.unwrap(), None);
    assert_eq!(reads.role(&role).await.unwrap(), None);
    assert!(
        reads
            .stacks()
            .await
            .unwrap()
            .iter()
            .all(|stack| stack.name != "again")
    );
    // Deleting it once more is no failure, and does not touch the next one of that name.
    let anew = StackRequest {
        client_request_token: "create-anew".to_owned(),
        ..request("again", &template(&json!({}), None))
    };
    let new = writes.create_stack(&anew).await.unwrap();
    assert_ne!(new, old.id);
    writes
        .delete_stack(&old.id, None, "delete-once-more")
        .await
        .unwrap();
    assert_eq!(world.settled(&old.id).await.status, "DELETE_COMPLETE");
    assert_eq!(world.settled(&new).await.status, "CREATE_COMPLETE");
    assert_eq!(world.settled("again").await.id, new);
}

pub(crate) async fn foreign_policy_stops_a_deletion(world: &World) {
    let writes = &world.writers.aws;
    let stack = world.create("stopped", &template(&json!({}), None)).await;
    let role = world.role_of(&stack).await;
    writes.attach_role_policy(&role.name, READ_ONLY).await.unwrap();
    writes
        .delete_stack(&stack.id, None, "delete-stopped")
        .await
        .unwrap();
    assert_eq!(world.settled(&stack.id).await.status, "DELETE_FAILED");
    let events = world.readers.aws.stack_events(&stack.id).await.unwrap();
    let cause = root_cause(&events, "delete-stopped").unwrap();
    assert!(cause.contains("must detach all policies first"), "{cause}");
    writes.detach_role_policy(&role.name, READ_ONLY).await.unwrap();
    writes
        .delete_stack(&stack.id, None, "delete-stopped-again")
        .await
        .unwrap();
    assert_eq!(world.settled(&stack.id).await.status, "DELETE_COMPLETE");
    assert_eq!(world.readers.aws.role(&role.name).await.unwrap(), None);
}

pub(crate) async fn repeated_request_is_one_request(world: &World) {
    let writes = &world.writers.aws;
    let wanted = request("repeated", &template(&json!({}), None));
    let first = writes.create_stack(&wanted).await.unwrap();
    assert_eq!(writes.create_stack(&wanted).await.unwrap(), first);
    let stack = world.settled(&first).await;
    let next = template(&json!({"ManagedPolicyArns": [S3]}), None);
    let id = writes
        .create_change_set(&change("repeated", "c", &next))
        .await
        .unwrap();
    world.ready(&id).await;
    // Another change set of the same name, not the same request again.
    let mut other = change("repeated", "c", &template(&json!({}), Some("s3:*")));
    "other".clone_into(&mut other.client_request_token);
    let taken = writes.create_change_set(&other).await;
    assert_eq!(kind(taken), CallErrorKind::AlreadyExists);
    writes.execute_change_set(&id, "execute-repeated").await.unwrap();
    writes.execute_change_set(&id, "execute-repeated").await.unwrap();
    assert_eq!(world.settled(&stack.id).await.status, "UPDATE_COMPLETE");
    let begun = world.readers.aws.stack_events(&stack.id).await.unwrap();
    let begun = begun
        .iter()
        .filter(|event| event.logical_id == "repeated" && event.status == "UPDATE_IN_PROGRESS");
    assert_eq!(begun.count(), 1);
    writes
        .delete_stack(&first, None, "delete-repeated")
        .await
        .unwrap();
    writes
        .delete_stack(&first, None, "delete-repeated")
        .await
        .unwrap();
    assert_eq!(world.settled(&first).await.status, "DELETE_COMPLETE");
}
