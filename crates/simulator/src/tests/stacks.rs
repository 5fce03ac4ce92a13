//! Creating and deleting stacks: states, words, tokens and time.

use super::*;

/// Statuses and reasons of the events, oldest first, of one logical id.
async fn history(sandbox: &Sandbox, stack: &str, logical_id: &str) -> Vec<(String, Option<String>)> {
    let events = sandbox.stack_events(stack).await.unwrap();
    let of_it = events
        .into_iter()
        .rev()
        .filter(|event| event.logical_id == logical_id);
    of_it.map(|event| (event.status, event.status_reason)).collect()
}

#[tokio::test]
async fn taken_role_name_rolls_the_stack_back_with_its_reason() {
    let (sandbox, _) = sandbox();
    let named = template(&json!({"RoleName": "shared"}), Some("s3:GetObject"));
    sandbox.create_stack(&request("first", &named)).await.unwrap();
    let id = sandbox.create_stack(&request("second", &named)).await.unwrap();
    let failed = stack(&sandbox, &id).await;
    assert_eq!(failed.status, "ROLLBACK_COMPLETE");
    assert!(failed.outputs.is_empty());
    let reason = history(&sandbox, &id, "Role1").await.pop().unwrap().1.unwrap();
    assert!(
        reason.starts_with(
            "Resource handler returned message: \"Role with name shared already exists. (Service: Iam, Status Code: 409"
        ),
        "{reason}"
    );
    let of_stack = history(&sandbox, &id, "second").await;
    assert_eq!(
        of_stack[1],
        (
            "ROLLBACK_IN_PROGRESS".to_owned(),
            Some(
                "The following resource(s) failed to create: [Role1]. Rollback requested by user.".to_owned()
            )
        )
    );
    // The role of the other stack is untouched, and the name of the failed stack stays taken.
    assert_eq!(
        role(&sandbox, "first").await.tags["aws:cloudformation:stack-name"],
        "first"
    );
    let again = sandbox
        .create_stack(&request("second", &template(&json!({}), None)))
        .await
        .unwrap_err();
    assert_eq!(again.code.as_deref(), Some("TokenAlreadyExistsException"));
    let mut with_other_token = request("second", &template(&json!({}), None));
    with_other_token.client_request_token = "another".to_owned();
    let again = sandbox.create_stack(&with_other_token).await.unwrap_err();
    assert_eq!(again.message, "Stack [second] already exists");
    let update = update(&sandbox, &change("second", "c", &template(&json!({}), None)))
        .await
        .unwrap_err();
    assert_eq!(
        update.message,
        format!("Stack:{id} is in ROLLBACK_COMPLETE state and can not be updated.")
    );
    sandbox.delete_stack(&id, None, "t").await.unwrap();
    sandbox.create_stack(&with_other_token).await.unwrap();
    assert_eq!(stack(&sandbox, "second").await.status, "CREATE_COMPLETE");
}

#[tokio::test]
async fn failed_sibling_does_not_hide_the_cause() {
    let (sandbox, _) = sandbox();
    let mut wanted = template(&json!({}), Some("s3:GetObject"));
    wanted["Resources"]["Policy2"] = wanted["Resources"]["Policy1"].clone();
    wanted["Resources"]["Policy1"]["Properties"]["PolicyDocument"] = json!({"Statement": []});
    let id = sandbox.create_stack(&request(NAME, &wanted)).await.unwrap();
    let cancelled = (
        "CREATE_FAILED".to_owned(),
        Some("Resource creation cancelled".to_owned()),
    );
    assert_eq!(history(&sandbox, &id, "Policy2").await, [cancelled]);
    let events = sandbox.stack_events(&id).await.unwrap();
    let first_failure = events
        .iter()
        .rev()
        .find(|event| event.status == "CREATE_FAILED")
        .unwrap();
    assert_eq!(first_failure.logical_id, "Policy1");
    assert_eq!(
        first_failure.client_request_token.as_deref(),
        Some(&*format!("token-{NAME}"))
    );
    assert!(
        sandbox.roles().await.unwrap().is_empty(),
        "the role was taken back"
    );
}

#[tokio::test]
async fn without_rollback_a_failed_stack_keeps_what_it_made() {
    let (sandbox, _) = sandbox();
    let mut broken = template(&json!({}), Some("s3:GetObject"));
    broken["Resources"]["Policy1"]["Properties"]["PolicyDocument"] = json!({"Statement": []});
    let mut wanted = request(NAME, &broken);
    wanted.disable_rollback = true;
    sandbox.create_stack(&wanted).await.unwrap();
    let failed = stack(&sandbox, NAME).await;
    assert_eq!(failed.status, "CREATE_FAILED");
    assert_eq!(
        failed.status_reason.unwrap(),
        "The following resource(s) failed to create: [Policy1]. "
    );
    assert_eq!(sandbox.role_count().await.unwrap(), 1);
    // Such a stack can be fixed, and it takes what it made with it.
    let fixed = template(&json!({}), Some("s3:GetObject"));
    update(&sandbox, &change(NAME, "mend", &fixed)).await.unwrap();
    assert_eq!(role(&sandbox, NAME).await.inline_policies.len(), 1);
    sandbox.delete_stack(&failed.id, None, "t").await.unwrap();
    assert_eq!(sandbox.role_count().await.unwrap(), 0);
}

#[tokio::test]
async fn requests_that_cloudformation_refuses_have_no_effect() {
    type Spoil = dyn Fn(&mut StackRequest);
    let (sandbox, _) = sandbox();
    let plain = template(&json!({}), None);
    let cases: [(&str, &Spoil, &str); 5] = [
        (
            "ValidationError",
            &|request| "1st".clone_into(&mut request.name),
            "regular expression pattern",
        ),
        (
            "ValidationError",
            &|request| request.name = "n".repeat(129),
            "less than or equal to 128",
        ),
        (
            "ValidationError",
            &|request| "{}".clone_into(&mut request.template_body),
            "At least one Resources",
        ),
        (
            "InsufficientCapabilitiesException",
            &|request| request.capabilities.clear(),
            "Requires capabilities : [CAPABILITY_IAM]",
        ),
        (
            "ValidationError",
            &|request| request.tags.push(("aws:x".to_owned(), String::new())),
            "aws: prefixed tag key names are not allowed for external use.",
        ),
    ];
    for (code, spoil, words) in cases {
        let mut wanted = request(NAME, &plain);
        spoil(&mut wanted);
        let error = sandbox.create_stack(&wanted).await.unwrap_err();
        assert_eq!(
            (error.code.as_deref(), error.kind),
            (Some(code), CallErrorKind::Invalid),
            "{words}"
        );
        assert!(error.message.contains(words), "{}", error.message);
    }
    assert!(sandbox.world().unwrap().stacks.is_empty());
}

#[tokio::test]
async fn same_token_creates_one_stack() {
    let (sandbox, _) = sandbox();
    let wanted = request(NAME, &template(&json!({}), None));
    let first = sandbox.create_stack(&wanted).await.unwrap();
    assert_eq!(sandbox.create_stack(&wanted).await.unwrap(), first);
    assert_eq!(sandbox.stacks().await.unwrap().len(), 1);
    assert_eq!(sandbox.role_count().await.unwrap(), 1);
}

#[tokio::test]
async fn generated_role_names_are_cut_to_what_iam_takes() {
    let (sandbox, _) = sandbox();
    let long = format!("eksctl-{}", "very-long-".repeat(9));
    sandbox
        .create_stack(&request(long.trim_end_matches('-'), &template(&json!({}), None)))
        .await
        .unwrap();
    let name = role(&sandbox, long.trim_end_matches('-')).await.name;
    assert_eq!(name.len(), 64);
    assert_eq!(&name[45..52], "-Role1-", "{name}");
}

#[tokio::test]
async fn time_passes_only_by_the_clock() {
    let (sandbox, clock) = sandbox();
    sandbox.edit(|world| world.stack_seconds = 5).unwrap();
    let named = template(&json!({"RoleName": "shared"}), None);
    let first = sandbox.create_stack(&request("first", &named)).await.unwrap();
    let second = sandbox.create_stack(&request("second", &named)).await.unwrap();
    assert_eq!(stack(&sandbox, &first).await.status, "CREATE_IN_PROGRESS");
    assert!(sandbox.role("shared").await.unwrap().is_none());
    let busy = update(&sandbox, &change("first", "c", &named)).await.unwrap_err();
    assert_eq!(busy.kind, CallErrorKind::Conflict);
    clock.advance(5);
    assert_eq!(stack(&sandbox, &first).await.status, "CREATE_COMPLETE");
    assert_eq!(stack(&sandbox, &second).await.status, "ROLLBACK_IN_PROGRESS");
    let busy = sandbox.delete_stack(&second, None, "t").await.unwrap_err();
    assert_eq!(
        busy.message,
        format!("Stack [{second}] cannot be deleted while in status ROLLBACK_IN_PROGRESS")
    );
    clock.advance(5);
    assert_eq!(stack(&sandbox, &second).await.status, "ROLLBACK_COMPLETE");
    sandbox.delete_stack(&first, None, "t").await.unwrap();
    assert_eq!(stack(&sandbox, "first").await.status, "DELETE_IN_PROGRESS");
    assert!(sandbox.role("shared").await.unwrap().is_some());
    clock.advance(60);
    assert!(sandbox.stack("first").await.unwrap().is_none());
    assert!(sandbox.role("shared").await.unwrap().is_none());
    assert_eq!(stack(&sandbox, &first).await.status, "DELETE_COMPLETE");
}

#[tokio::test]
async fn termination_protection_refuses_deletion() {
    let (sandbox, _) = sandbox();
    let mut wanted = request(NAME, &template(&json!({}), Some("s3:GetObject")));
    wanted.termination_protection = true;
    let id = sandbox.create_stack(&wanted).await.unwrap();
    let refused = sandbox.delete_stack(&id, None, "t").await.unwrap_err();
    assert_eq!(refused.code.as_deref(), Some("ValidationError"));
    assert_eq!(
        refused.message,
        format!("Stack [{id}] cannot be deleted while TerminationProtection is enabled")
    );
    sandbox.set_termination_protection(NAME, false).await.unwrap();
    sandbox.delete_stack(&id, None, "t").await.unwrap();
    assert_eq!(sandbox.role_count().await.unwrap(), 0);
    // Once more, by id and by name: gone is what was asked for.
    sandbox.delete_stack(&id, None, "t").await.unwrap();
    sandbox.delete_stack(NAME, None, "t").await.unwrap();
    assert!(sandbox.stacks().await.unwrap().is_empty());
    let absent = sandbox.set_termination_protection(NAME, false).await.unwrap_err();
    assert_eq!(absent.kind, CallErrorKind::NotFound);
}

#[tokio::test]
async fn stack_is_kept_by_what_other_hands_put_on_its_role() {
    let (sandbox, _) = sandbox();
    let wanted = template(&json!({"ManagedPolicyArns": [S3]}), Some("s3:GetObject"));
    let id = sandbox.create_stack(&request(NAME, &wanted)).await.unwrap();
    let name = role(&sandbox, NAME).await.name;
    sandbox.attach_role_policy(&name, READ_ONLY).await.unwrap();
    sandbox.delete_stack(&id, None, "t").await.unwrap();
    let failed = stack(&sandbox, NAME).await;
    assert_eq!(failed.status, "DELETE_FAILED");
    assert_eq!(
        failed.status_reason.unwrap(),
        "The following resource(s) failed to delete: [Role1]. "
    );
    let reason = history(&sandbox, NAME, "Role1").await.pop().unwrap().1.unwrap();
    assert!(
        reason.contains("Cannot delete entity, must detach all policies first."),
        "{reason}"
    );
    sandbox.detach_role_policy(&name, READ_ONLY).await.unwrap();
    sandbox
        .put_role_policy(&name, "foreign", &document("s3:*"))
        .await
        .unwrap();
    sandbox.delete_stack(&id, None, "t").await.unwrap();
    let reason = history(&sandbox, NAME, "Role1").await.pop().unwrap().1.unwrap();
    assert!(
        reason.contains("Cannot delete entity, must delete policies first."),
        "{reason}"
    );
    sandbox.delete_role_policy(&name, "foreign").await.unwrap();
    sandbox.delete_stack(&id, None, "t").await.unwrap();
    assert_eq!(stack(&sandbox, &id).await.status, "DELETE_COMPLETE");
}

#[tokio::test]
async fn stack_whose_role_is_gone_can_be_deleted() {
    let (sandbox, _) = sandbox();
    let id = sandbox
        .create_stack(&request(NAME, &template(&json!({}), Some("s3:GetObject"))))
        .await
        .unwrap();
    sandbox.edit(|world| world.roles.clear()).unwrap();
    sandbox.delete_stack(&id, None, "t").await.unwrap();
    assert_eq!(stack(&sandbox, &id).await.status, "DELETE_COMPLETE");
}
