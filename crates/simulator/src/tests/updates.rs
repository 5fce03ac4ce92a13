//! Change sets: what they see, what they change, and what they leave alone.

use super::*;
use eksact_core::ports::aws::ResourceChange;

async fn existing(properties: &Value, action: Option<&str>) -> (Sandbox, String) {
    let (sandbox, _) = sandbox();
    sandbox
        .create_stack(&request(NAME, &template(properties, action)))
        .await
        .unwrap();
    let name = role(&sandbox, NAME).await.name;
    (sandbox, name)
}

#[tokio::test]
async fn equal_template_is_no_change_whatever_happened_to_the_role() {
    let (sandbox, name) = existing(&json!({"ManagedPolicyArns": [S3]}), Some("s3:GetObject")).await;
    sandbox.detach_role_policy(&name, S3).await.unwrap();
    let mut equal = template(&json!({"ManagedPolicyArns": [S3]}), Some("s3:GetObject"));
    // Another spelling of the same function, and another description, are no changes either.
    equal["Outputs"]["Role1"]["Value"] = json!({"Fn::GetAtt": ["Role1", "Arn"]});
    equal["Description"] = json!("other");
    let id = sandbox
        .create_change_set(&change(NAME, "same", &equal))
        .await
        .unwrap();
    let change_set = sandbox.change_set(&id).await.unwrap();
    assert!(change_set.is_empty_change(), "{change_set:?}");
    let refused = sandbox.execute_change_set(&id, "t").await.unwrap_err();
    assert_eq!(refused.code.as_deref(), Some("InvalidChangeSetStatus"));
    assert_eq!(
        refused.message,
        format!("ChangeSet [{id}] cannot be executed in its current status of [FAILED]")
    );
    sandbox.delete_change_set(&id).await.unwrap();
    assert_eq!(
        sandbox.change_set(&id).await.unwrap_err().code.as_deref(),
        Some("ChangeSetNotFound")
    );
    assert_eq!(stack(&sandbox, NAME).await.status, "CREATE_COMPLETE");
}

#[tokio::test]
async fn update_applies_only_what_differs_between_templates() {
    let (sandbox, name) = existing(
        &json!({"ManagedPolicyArns": [S3], "PermissionsBoundary": S3}),
        Some("s3:GetObject"),
    )
    .await;
    // By hand: another trust policy, the boundary gone, a foreign policy and tag.
    sandbox
        .set_trust_policy(&name, &trust("system:serviceaccount:*"))
        .await
        .unwrap();
    sandbox.set_permissions_boundary(&name, None).await.unwrap();
    let foreign = format!("{READ_ONLY}2");
    sandbox.attach_role_policy(&name, &foreign).await.unwrap();
    sandbox
        .tag_role(&name, &BTreeMap::from([("hand".to_owned(), "made".to_owned())]))
        .await
        .unwrap();

    let properties = json!({"ManagedPolicyArns": [READ_ONLY], "PermissionsBoundary": S3});
    let mut wanted = change(NAME, "new", &template(&properties, Some("s3:PutObject")));
    wanted.tags = vec![("owner".to_owned(), "data".to_owned())];
    update(&sandbox, &wanted).await.unwrap();

    let changed = role(&sandbox, NAME).await;
    assert_eq!(changed.name, name);
    assert_eq!(changed.managed_policy_arns, [foreign.as_str(), READ_ONLY]);
    assert_eq!(
        changed.inline_policies[&format!("{NAME}-Policy1")],
        document("s3:PutObject")
    );
    assert_eq!(
        changed.trust_policy,
        trust("system:serviceaccount:*"),
        "drift under an equal template stays"
    );
    assert_eq!(
        changed.permissions_boundary, None,
        "drift under an equal template stays"
    );
    let own: Vec<&str> = changed
        .tags
        .keys()
        .map(String::as_str)
        .filter(|key| !key.starts_with("aws:"))
        .collect();
    assert_eq!(own, ["hand", "owner"], "the stack's old tag went with it");
    let updated = stack(&sandbox, NAME).await;
    assert_eq!(updated.status, "UPDATE_COMPLETE");
    assert_eq!(
        updated.tags,
        BTreeMap::from([("owner".to_owned(), "data".to_owned())])
    );
    assert!(updated.updated.is_some());
}

#[tokio::test]
async fn another_role_name_is_another_role() {
    let (sandbox, old) = existing(&json!({}), Some("s3:GetObject")).await;
    update(
        &sandbox,
        &change(
            NAME,
            "named",
            &template(&json!({"RoleName": "own"}), Some("s3:GetObject")),
        ),
    )
    .await
    .unwrap();
    let replaced = role(&sandbox, NAME).await;
    assert_eq!(replaced.name, "own");
    assert_eq!(replaced.inline_policies.len(), 1);
    assert!(sandbox.role(&old).await.unwrap().is_none());
    // The same name cannot be kept by a resource that must be replaced.
    let moved = template(
        &json!({"RoleName": "own", "Path": "/deep/"}),
        Some("s3:GetObject"),
    );
    update(&sandbox, &change(NAME, "moved", &moved)).await.unwrap();
    assert_eq!(stack(&sandbox, NAME).await.status, "UPDATE_ROLLBACK_COMPLETE");
    assert_eq!(role(&sandbox, NAME).await.path, "/");
}

#[tokio::test]
async fn failing_update_leaves_everything_as_it_was() {
    let (sandbox, name) = existing(&json!({"ManagedPolicyArns": [S3]}), Some("s3:GetObject")).await;
    let before = role(&sandbox, NAME).await;
    let mut wanted = template(&json!({"ManagedPolicyArns": [READ_ONLY]}), Some("s3:PutObject"));
    wanted["Resources"]["Policy2"] = wanted["Resources"]["Policy1"].clone();
    wanted["Resources"]["Policy2"]["Properties"]["PolicyDocument"] = json!({"Statement": []});
    let request = change(NAME, "bad", &wanted);
    let id = sandbox.create_change_set(&request).await.unwrap();
    sandbox.execute_change_set(&id, "t").await.unwrap();
    assert_eq!(stack(&sandbox, NAME).await.status, "UPDATE_ROLLBACK_COMPLETE");
    assert_eq!(
        sandbox.change_set(&id).await.unwrap().execution_status.unwrap(),
        "EXECUTE_FAILED"
    );
    assert_eq!(role(&sandbox, NAME).await, before);
    assert_eq!(
        sandbox.stack_template(NAME).await.unwrap(),
        template(&json!({"ManagedPolicyArns": [S3]}), Some("s3:GetObject")).to_string()
    );

    sandbox.edit(|world| world.roles.remove(&name)).unwrap();
    let unlike = template(&json!({"ManagedPolicyArns": [READ_ONLY]}), Some("s3:GetObject"));
    update(&sandbox, &change(NAME, "gone", &unlike)).await.unwrap();
    let events = sandbox.stack_events(NAME).await.unwrap();
    let cause = events
        .iter()
        .find(|event| event.status == "UPDATE_FAILED")
        .unwrap();
    let reason = cause.status_reason.as_deref().unwrap();
    assert!(
        reason.contains(&format!("The role with name {name} cannot be found.")),
        "{reason}"
    );
    assert!(sandbox.role(&name).await.unwrap().is_none());
}

#[tokio::test]
async fn executing_one_change_set_deletes_the_others() {
    let (sandbox, _) = existing(&json!({}), Some("s3:GetObject")).await;
    let wanted = |action| template(&json!({}), Some(action));
    let first = sandbox
        .create_change_set(&change(NAME, "first", &wanted("s3:PutObject")))
        .await
        .unwrap();
    let second = sandbox
        .create_change_set(&change(NAME, "second", &wanted("s3:List*")))
        .await
        .unwrap();
    let mut repeated = change(NAME, "first", &wanted("s3:PutObject"));
    assert_eq!(sandbox.create_change_set(&repeated).await.unwrap(), first);
    repeated.client_request_token = "other".to_owned();
    let taken = sandbox.create_change_set(&repeated).await.unwrap_err();
    assert_eq!(taken.code.as_deref(), Some("AlreadyExistsException"));
    sandbox.execute_change_set(&first, "t").await.unwrap();
    sandbox.execute_change_set(&first, "t").await.unwrap();
    assert!(sandbox.execute_change_set(&first, "another").await.is_err());
    assert_eq!(
        sandbox
            .change_set(&first)
            .await
            .unwrap()
            .execution_status
            .unwrap(),
        "EXECUTE_COMPLETE"
    );
    assert_eq!(
        sandbox.execute_change_set(&second, "t").await.unwrap_err().kind,
        CallErrorKind::NotFound
    );
}

#[tokio::test]
async fn change_sets_take_the_time_that_the_world_says() {
    let (sandbox, clock) = sandbox();
    sandbox
        .create_stack(&request(NAME, &template(&json!({}), None)))
        .await
        .unwrap();
    sandbox
        .edit(|world| {
            world.change_set_seconds = 2;
            world.stack_seconds = 3;
        })
        .unwrap();
    let wanted = template(&json!({"ManagedPolicyArns": [S3]}), None);
    let id = sandbox
        .create_change_set(&change(NAME, "c", &wanted))
        .await
        .unwrap();
    assert_eq!(
        sandbox.change_set(&id).await.unwrap().status,
        "CREATE_IN_PROGRESS"
    );
    assert!(sandbox.execute_change_set(&id, "t").await.is_err());
    clock.advance(2);
    assert_eq!(sandbox.change_set(&id).await.unwrap().status, "CREATE_COMPLETE");
    sandbox.execute_change_set(&id, "t").await.unwrap();
    assert_eq!(stack(&sandbox, NAME).await.status, "UPDATE_IN_PROGRESS");
    assert_eq!(
        sandbox.delete_change_set(&id).await.unwrap_err().kind,
        CallErrorKind::Conflict
    );
    clock.advance(3);
    assert_eq!(stack(&sandbox, NAME).await.status, "UPDATE_COMPLETE");
    assert_eq!(role(&sandbox, NAME).await.managed_policy_arns, [S3]);
}

#[tokio::test]
async fn resource_that_leaves_the_template_goes() {
    let (sandbox, _) = existing(&json!({}), Some("s3:GetObject")).await;
    update(&sandbox, &change(NAME, "less", &template(&json!({}), None)))
        .await
        .unwrap();
    assert!(role(&sandbox, NAME).await.inline_policies.is_empty());
    assert_eq!(stack(&sandbox, NAME).await.status, "UPDATE_COMPLETE");
}

/// The changes that a change set tells: logical id, action, replacement, and whether there is a physical id.
async fn told(sandbox: &Sandbox, request: &ChangeSetRequest) -> Vec<(String, String, String, bool)> {
    let id = sandbox.create_change_set(request).await.unwrap();
    let changes = sandbox.change_set(&id).await.unwrap().changes;
    let tell = |change: ResourceChange| {
        (
            change.logical_id,
            change.action,
            change.replacement.unwrap_or_default(),
            change.physical_id.is_some(),
        )
    };
    changes.into_iter().map(tell).collect()
}

#[tokio::test]
async fn change_set_tells_what_it_would_do_to_each_resource() {
    let (sandbox, name) = existing(&json!({"ManagedPolicyArns": [S3]}), Some("s3:GetObject")).await;
    let role = |properties: &Value, action| template(properties, action);
    let row = |id: &str, action: &str, replacement: &str, exists| {
        (id.to_owned(), action.to_owned(), replacement.to_owned(), exists)
    };

    // A property in place; the policy is equal and not told.
    let wanted = role(&json!({"ManagedPolicyArns": [READ_ONLY]}), Some("s3:GetObject"));
    assert_eq!(
        told(&sandbox, &change(NAME, "in-place", &wanted)).await,
        [row("Role1", "Modify", "False", true)]
    );
    // A name or path makes the role anew, and what refers to it changes with it.
    for (change_set, property) in [("named", "RoleName"), ("moved", "Path")] {
        let wanted = role(
            &json!({"ManagedPolicyArns": [S3], property: "/own/"}),
            Some("s3:GetObject"),
        );
        assert_eq!(
            told(&sandbox, &change(NAME, change_set, &wanted)).await,
            [
                row("Policy1", "Modify", "False", true),
                row("Role1", "Modify", "True", true)
            ]
        );
    }
    // A policy keeps its place under another name.
    let mut wanted = role(&json!({"ManagedPolicyArns": [S3]}), Some("s3:GetObject"));
    wanted["Resources"]["Policy1"]["Properties"]["PolicyName"] = json!("renamed");
    assert_eq!(
        told(&sandbox, &change(NAME, "renamed", &wanted)).await,
        [row("Policy1", "Modify", "False", true)]
    );
    // One resource goes, another comes.
    let mut wanted = role(&json!({"ManagedPolicyArns": [S3]}), Some("s3:GetObject"));
    let policy = wanted["Resources"]
        .as_object_mut()
        .unwrap()
        .remove("Policy1")
        .unwrap();
    wanted["Resources"]["Policy2"] = policy;
    assert_eq!(
        told(&sandbox, &change(NAME, "other-policy", &wanted)).await,
        [
            row("Policy1", "Remove", "", true),
            row("Policy2", "Add", "", false)
        ]
    );
    // Tags of the stack are passed on to its resources.
    let mut tagged = change(
        NAME,
        "tags",
        &role(&json!({"ManagedPolicyArns": [S3]}), Some("s3:GetObject")),
    );
    tagged.tags = vec![("team".to_owned(), "other".to_owned())];
    assert_eq!(
        told(&sandbox, &tagged).await,
        [
            row("Policy1", "Modify", "False", true),
            row("Role1", "Modify", "False", true)
        ]
    );
    // None of this changed anything.
    assert!(sandbox.role(&name).await.unwrap().is_some());
}

#[tokio::test]
async fn renamed_policy_leaves_nothing_behind() {
    let (sandbox, _) = existing(&json!({}), Some("s3:GetObject")).await;
    let mut wanted = template(&json!({}), Some("s3:GetObject"));
    wanted["Resources"]["Policy1"]["Properties"]["PolicyName"] = json!("renamed");
    update(&sandbox, &change(NAME, "renamed", &wanted)).await.unwrap();
    let role = role(&sandbox, NAME).await;
    assert_eq!(role.inline_policies.keys().collect::<Vec<_>>(), ["renamed"]);
}
