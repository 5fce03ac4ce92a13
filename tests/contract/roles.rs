//! IAM: repairs of a role, and reading roles in bulk and one by one.

use std::collections::BTreeMap;

use eksact_core::ports::CallErrorKind;
use serde_json::json;

use super::world::{POWER_USER, READ_ONLY, S3, World, document, kind, template, trust};

pub(crate) async fn role_is_repaired_piece_by_piece(world: &World) {
    let (reads, writes) = (&world.readers.aws, &world.writers.aws);
    let stack = world
        .create(
            "repaired",
            &template(&json!({"ManagedPolicyArns": [READ_ONLY]}), Some("s3:GetObject")),
        )
        .await;
    let role = world.role_of(&stack).await;
    let name = role.name.as_str();

    writes
        .set_trust_policy(name, &trust("system:serviceaccount:app:other"))
        .await
        .unwrap();
    for _ in 0..2 {
        // Attaching what is attached is no failure.
        writes.attach_role_policy(name, S3).await.unwrap();
    }
    writes.detach_role_policy(name, READ_ONLY).await.unwrap();
    assert_eq!(
        kind(writes.detach_role_policy(name, READ_ONLY).await),
        CallErrorKind::NotFound
    );
    let condition = json!({"Version": "2012-10-17", "Statement": [{"Sid": "Umlaut", "Effect": "Deny", "NotAction": ["s3:*", "sqs:*"],
        "Resource": ["arn:aws:s3:::a b/${aws:username}%"], "Condition": {"StringLike": {"aws:PrincipalTag/team": ["é*", "+"]}}}]});
    writes.put_role_policy(name, "by-hand", &condition).await.unwrap();
    writes
        .put_role_policy(name, "repaired-Policy1", &document("s3:ListBucket"))
        .await
        .unwrap();
    writes
        .set_permissions_boundary(name, Some(POWER_USER))
        .await
        .unwrap();
    let tags = BTreeMap::from([
        ("more".to_owned(), "tags".to_owned()),
        ("team".to_owned(), "other".to_owned()),
    ]);
    writes.tag_role(name, &tags).await.unwrap();

    let found = reads.role(name).await.unwrap().unwrap();
    assert_eq!((&found.arn, &found.id), (&role.arn, &role.id));
    assert_eq!(found.trust_policy, trust("system:serviceaccount:app:other"));
    assert_eq!(found.managed_policy_arns, [S3]);
    let inline = [
        ("by-hand".to_owned(), condition),
        ("repaired-Policy1".to_owned(), document("s3:ListBucket")),
    ];
    assert_eq!(found.inline_policies, inline.into());
    assert_eq!(found.permissions_boundary.as_deref(), Some(POWER_USER));
    assert_eq!(
        (found.tags["more"].as_str(), found.tags["team"].as_str()),
        ("tags", "other")
    );
    assert_eq!(found.tags["aws:cloudformation:stack-name"], "repaired");
    // One call tells the trust policy alone, and of which role.
    let alone = reads.trust_policy(name).await.unwrap().unwrap();
    assert_eq!((&alone.role_id, &alone.policy), (&found.id, &found.trust_policy));
    assert_eq!(reads.trust_policy("missing").await.unwrap(), None);
    // Who asks gets a number, or is told that there is none.
    let quota = reads.trust_policy_quota().await.unwrap();
    assert!(quota.is_none_or(|quota| quota >= 2_048), "{quota:?}");

    writes.delete_role_policy(name, "by-hand").await.unwrap();
    assert_eq!(
        kind(writes.delete_role_policy(name, "by-hand").await),
        CallErrorKind::NotFound
    );
    writes.set_permissions_boundary(name, None).await.unwrap();
    let found = reads.role(name).await.unwrap().unwrap();
    assert_eq!(
        (found.permissions_boundary, found.inline_policies.len()),
        (None, 1)
    );

    let twice = |sid: &str| {
        let mut document = trust("system:serviceaccount:app:other");
        let mut statement = document["Statement"][0].clone();
        statement["Sid"] = json!(sid);
        document["Statement"] = json!([statement, statement]);
        document
    };
    for document in [json!({"Version": "2012-10-17"}), twice("Blue1"), twice("blue-1")] {
        assert_eq!(
            kind(writes.set_trust_policy(name, &document).await),
            CallErrorKind::Invalid,
            "{document}"
        );
    }
}

pub(crate) async fn roles_in_bulk_are_the_roles_one_by_one(world: &World) {
    let reads = &world.readers.aws;
    let properties = json!({"ManagedPolicyArns": [READ_ONLY, S3], "PermissionsBoundary": POWER_USER});
    let stack = world
        .create("bulk", &template(&properties, Some("s3:GetObject")))
        .await;
    let role = world.role_of(&stack).await;
    let all = reads.roles().await.unwrap();
    let in_bulk = all.iter().find(|other| other.name == role.name).unwrap();
    assert_eq!(*in_bulk, role);
    assert_eq!(
        reads.role_count().await.unwrap(),
        u64::try_from(all.len()).unwrap()
    );
}

pub(crate) async fn iam_is_listed_whole_with_its_policies(world: &World) {
    let reads = &world.readers.aws;
    let properties = json!({"ManagedPolicyArns": [S3], "PermissionsBoundary": POWER_USER});
    let stack = world
        .create("listed", &template(&properties, Some("s3:GetObject")))
        .await;
    let role = world.role_of(&stack).await;
    let details = reads.authorization_details().await.unwrap();
    assert_eq!(
        details.roles.iter().find(|other| other.name == role.name),
        Some(&role)
    );
    assert_eq!(details.roles.len(), reads.roles().await.unwrap().len());
    // A policy of the account comes with its default version; of AWS's own, what the account does not tell is left out.
    assert!(
        details
            .policies
            .values()
            .all(|document| document.get("Statement").is_some()),
        "{:?}",
        details.policies
    );
    for user in &details.users {
        assert!(user.arn.contains(":user/"), "{user:?}");
    }
}

pub(crate) async fn missing_objects_are_not_found(world: &World) {
    let (reads, writes) = (&world.readers.aws, &world.writers.aws);
    assert_eq!(reads.role("missing").await.unwrap(), None);
    assert_eq!(reads.stack("missing").await.unwrap(), None);
    let id =
        "arn:aws:cloudformation:us-west-2:111122223333:stack/missing/00000000-0000-4000-8000-000000000000";
    assert_eq!(reads.stack(id).await.unwrap(), None);
    assert_eq!(
        kind(reads.stack_template("missing").await),
        CallErrorKind::NotFound
    );
    assert_eq!(
        kind(writes.set_trust_policy("missing", &trust("x")).await),
        CallErrorKind::NotFound
    );
    assert_eq!(
        kind(writes.attach_role_policy("missing", S3).await),
        CallErrorKind::NotFound
    );
    assert_eq!(
        kind(writes.set_permissions_boundary("missing", None).await),
        CallErrorKind::NotFound
    );
}
