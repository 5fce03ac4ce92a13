//! EKS: pod identity associations, and the add-on that hands their credentials out.

use std::collections::BTreeMap;

use eksact_core::ports::CallErrorKind;
use eksact_core::ports::aws::{
    NewPodIdentityAssociation, PodIdentityAssociationUpdate, described, is_role_not_seen,
};
use serde_json::json;

use super::CLUSTER;
use super::world::{World, kind, template};

/// A role that EKS Pod Identity may hand out, by its ARN.
async fn role(world: &World, name: &str) -> String {
    let mut template = template(&json!({}), None);
    template["Resources"]["Role1"]["Properties"]["AssumeRolePolicyDocument"] = json!({
        "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"],
            "Principal": {"Service": "pods.eks.amazonaws.com"}}]});
    world.create(name, &template).await.outputs["Role1"].clone()
}

fn new(namespace: &str, name: &str, role_arn: &str) -> NewPodIdentityAssociation {
    NewPodIdentityAssociation {
        namespace: namespace.to_owned(),
        service_account: name.to_owned(),
        role_arn: role_arn.to_owned(),
        target_role_arn: None,
        disable_session_tags: false,
        policy: None,
        tags: BTreeMap::from([("team".to_owned(), "platform".to_owned())]),
        client_request_token: format!("{namespace}-{name}-{}", role_arn.len()),
    }
}

pub(crate) async fn association_is_made_once_changed_and_deleted(world: &World) {
    let (reads, writes) = (&world.readers.aws, &world.writers.aws);
    let (own, other) = (role(world, "pods-own").await, role(world, "pods-other").await);
    let wanted = new("app", "s3.reader", &own);
    let id = writes
        .create_pod_identity_association(CLUSTER, &wanted)
        .await
        .unwrap();
    assert_eq!(id.len(), 19, "{id}");
    let mut again = wanted.clone();
    again.client_request_token.push_str("-again");
    let again = writes.create_pod_identity_association(CLUSTER, &again).await;
    assert_eq!(kind(again), CallErrorKind::AlreadyExists);

    let made = reads
        .pod_identity_association(CLUSTER, &id)
        .await
        .unwrap()
        .unwrap();
    assert!(
        made.arn
            .ends_with(&format!(":podidentityassociation/{CLUSTER}/{id}")),
        "{}",
        made.arn
    );
    assert_eq!(
        (made.namespace.as_str(), made.service_account.as_str()),
        ("app", "s3.reader")
    );
    assert_eq!(
        (&made.role_arn, &made.target_role_arn, &made.external_id),
        (&own, &None, &None)
    );
    assert_eq!((made.disable_session_tags, &made.tags), (false, &wanted.tags));

    let target = "arn:aws:iam::444455556666:role/data".to_owned();
    let mut update = PodIdentityAssociationUpdate {
        role_arn: Some(other.clone()),
        target_role_arn: Some(target.clone()),
        ..PodIdentityAssociationUpdate::default()
    };
    let send = async |update: &PodIdentityAssociationUpdate, token: &str| {
        writes
            .update_pod_identity_association(CLUSTER, &id, update, token)
            .await
            .unwrap();
        reads
            .pod_identity_association(CLUSTER, &id)
            .await
            .unwrap()
            .unwrap()
    };
    let changed = send(&update, "first").await;
    assert_eq!(
        (&changed.role_arn, &changed.target_role_arn),
        (&other, &Some(target))
    );
    assert!(changed.external_id.is_some());
    // What is absent stays, and an empty text is cleared.
    update = PodIdentityAssociationUpdate {
        disable_session_tags: Some(true),
        ..PodIdentityAssociationUpdate::default()
    };
    assert!(send(&update, "second").await.target_role_arn.is_some());
    update.target_role_arn = Some(String::new());
    let cleared = send(&update, "third").await;
    assert_eq!(
        (
            cleared.target_role_arn,
            cleared.external_id,
            cleared.disable_session_tags
        ),
        (None, None, true)
    );

    let more = BTreeMap::from([("more".to_owned(), "tags".to_owned())]);
    writes
        .tag_pod_identity_association(&made.arn, &more)
        .await
        .unwrap();
    let tagged = reads
        .pod_identity_association(CLUSTER, &id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((tagged.tags.len(), tagged.tags["more"].as_str()), (2, "tags"));

    writes
        .delete_pod_identity_association(CLUSTER, &id)
        .await
        .unwrap();
    assert_eq!(reads.pod_identity_association(CLUSTER, &id).await.unwrap(), None);
    let gone = writes.delete_pod_identity_association(CLUSTER, &id).await;
    assert_eq!(kind(gone), CallErrorKind::NotFound);
}

pub(crate) async fn associations_are_listed_whole(world: &World) {
    let (reads, writes) = (&world.readers.aws, &world.writers.aws);
    let role = role(world, "pods-listed").await;
    // More than one page.
    for number in 0..101 {
        let wanted = new("listed", &format!("account-{number}"), &role);
        writes
            .create_pod_identity_association(CLUSTER, &wanted)
            .await
            .unwrap();
    }
    let listed = reads.pod_identity_associations(CLUSTER, None).await.unwrap();
    let own: Vec<_> = listed
        .into_iter()
        .filter(|one| one.namespace == "listed")
        .collect();
    assert_eq!(own.len(), 101);
    let one = reads
        .pod_identity_associations(CLUSTER, Some(("listed", "account-7")))
        .await
        .unwrap();
    assert_eq!(
        one.iter()
            .map(|one| one.service_account.as_str())
            .collect::<Vec<_>>(),
        ["account-7"]
    );
    let described = described(reads.as_ref(), CLUSTER, &own).await.unwrap();
    assert!(described.iter().all(|one| one.role_arn == role) && described.len() == 101);
    let missing = reads.pod_identity_associations("missing", None).await;
    assert_eq!(kind(missing), CallErrorKind::NotFound);
}

pub(crate) async fn association_is_refused_as_eks_refuses_it(world: &World) {
    let writes = &world.writers.aws;
    let own = role(world, "pods-refused").await;
    let untrusting = world
        .create("pods-untrusting", &template(&json!({}), None))
        .await
        .outputs["Role1"]
        .clone();
    let make = async |new: NewPodIdentityAssociation| {
        writes
            .create_pod_identity_association(CLUSTER, &new)
            .await
            .unwrap_err()
    };
    let foreign = make(new("app", "a", "arn:aws:iam::444455556666:role/data")).await;
    assert_eq!(foreign.kind, CallErrorKind::AccessDenied);
    assert!(
        foreign
            .message
            .contains("Cross-account pass role is not allowed."),
        "{foreign}"
    );
    for role in [untrusting, own.replace(":role/", ":role/missing-")] {
        let refused = make(new("app", "a", &role)).await;
        assert!(is_role_not_seen(&refused), "{role}: {refused}");
    }
    for (namespace, name) in [("A_b", "a"), ("a.b", "a"), ("app", "a_b")] {
        assert_eq!(
            make(new(namespace, name, &own)).await.kind,
            CallErrorKind::Invalid,
            "{namespace}/{name}"
        );
    }
    let mut limited = new("app", "a", &own);
    limited.policy = Some(r#"{"Version":"2012-10-17","Statement":[]}"#.to_owned());
    let refused = make(limited).await;
    assert!(
        refused.message.contains("disableSessionTags must be set to true"),
        "{refused}"
    );
}

pub(crate) async fn addon_is_installed_and_found(world: &World) {
    const AGENT: &str = "eks-pod-identity-agent";
    let (reads, writes) = (&world.readers.aws, &world.writers.aws);
    assert_eq!(reads.addon(CLUSTER, AGENT).await.unwrap(), None);
    writes.create_addon(CLUSTER, AGENT, "install").await.unwrap();
    let addon = reads.addon(CLUSTER, AGENT).await.unwrap().unwrap();
    assert_eq!(addon.name, AGENT);
    assert!(
        ["CREATING", "ACTIVE"].contains(&addon.status.as_str()),
        "{}",
        addon.status
    );
}
