//! What the writing port sends: body, query, preconditions; and that doubtful writes are not repeated.

use serde_json::json;

use super::{Api, account, answer, failure, plain, writes};
use eksact_core::ports::{
    CallErrorKind,
    kubernetes::{Namespace, ObjectKey, Precondition, ServiceAccount},
};

const ROLE_ARN: &str = "eks.amazonaws.com/role-arn";

fn wanted() -> ServiceAccount {
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    ServiceAccount {
        namespace: "app".to_owned(),
        name: "s3-reader".to_owned(),
        labels: [pair("app.kubernetes.io/managed-by", "eksctl")].into(),
        annotations: [pair(ROLE_ARN, "arn:aws:iam::111122223333:role/s3")].into(),
        ..ServiceAccount::default()
    }
}

#[tokio::test]
async fn namespace_is_created_bare() {
    let api = Api::answering([
        answer(201, &json!({"kind": "Namespace", "metadata": {"name": "app"}})),
        failure(409, "AlreadyExists"),
    ]);
    let client = api.client();
    writes(&client).create(&Namespace::named("app")).await.unwrap();
    let error = writes(&client)
        .create(&Namespace::named("app"))
        .await
        .unwrap_err();
    assert_eq!(error.kind, CallErrorKind::AlreadyExists);
    let sent = &api.sent().await[0];
    assert_eq!(sent.line(), "POST /api/v1/namespaces");
    assert_eq!(sent.parameter("fieldManager"), Some("eksact"));
    assert_eq!(sent.parameter("fieldValidation"), Some("Strict"));
    assert_eq!(
        sent.body,
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "app"}})
    );
}

#[tokio::test]
async fn creating_never_takes_over() {
    let api = Api::answering([answer(201, &account("s3-reader")), failure(409, "AlreadyExists")]);
    let client = api.client();
    let created = writes(&client).create(&wanted()).await.unwrap();
    assert_eq!(
        (created.uid.as_str(), created.resource_version.as_str()),
        ("u-1", "7")
    );
    let error = writes(&client).create(&wanted()).await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::AlreadyExists);
    assert_eq!(
        (error.action.as_str(), error.object.as_str()),
        ("create serviceaccounts", "app/s3-reader")
    );
    let sent = &api.sent().await[0];
    assert_eq!(sent.line(), "POST /api/v1/namespaces/app/serviceaccounts");
    assert_eq!(sent.parameter("fieldManager"), Some("eksact"));
    assert_eq!(sent.parameter("fieldValidation"), Some("Strict"));
    assert_eq!(
        sent.body,
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {
            "name": "s3-reader", "namespace": "app",
            "labels": {"app.kubernetes.io/managed-by": "eksctl"},
            "annotations": {ROLE_ARN: "arn:aws:iam::111122223333:role/s3"}
        }})
    );
}

#[tokio::test]
async fn apply_is_forced_and_bound_to_what_was_read() {
    let read = || answer(200, &account("s3-reader"));
    let api = Api::answering([read(), read(), read(), failure(409, "Conflict")]);
    let client = api.client();
    let mut metadata = wanted();
    writes(&client)
        .apply(&metadata, Precondition::version("7"))
        .await
        .unwrap();
    metadata.labels.clear();
    let error = writes(&client)
        .apply(&metadata, Precondition::version("7"))
        .await
        .unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Conflict);
    let sent = api.sent().await;
    assert_eq!(sent[0].method, http::Method::GET);
    assert_eq!(
        sent[1].line(),
        "PATCH /api/v1/namespaces/app/serviceaccounts/s3-reader"
    );
    assert_eq!(sent[1].content_type, "application/apply-patch+yaml");
    for (name, value) in [
        ("fieldManager", "eksact"),
        ("force", "true"),
        ("fieldValidation", "Strict"),
    ] {
        assert_eq!(sent[1].parameter(name), Some(value));
    }
    assert_eq!(
        sent[1].body,
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {
            "name": "s3-reader", "namespace": "app", "uid": "u-1", "resourceVersion": "7",
            "labels": {"app.kubernetes.io/managed-by": "eksctl"},
            "annotations": {ROLE_ARN: "arn:aws:iam::111122223333:role/s3"}
        }})
    );
    // An empty map would be owned too.
    assert_eq!(sent[3].body["metadata"].get("labels"), None);
}

#[tokio::test]
async fn apply_neither_creates_nor_overwrites() {
    let api = Api::answering([failure(404, "NotFound"), answer(200, &account("s3-reader"))]);
    let client = api.client();
    let gone = writes(&client)
        .apply(&wanted(), Precondition::version("7"))
        .await
        .unwrap_err();
    assert_eq!(
        (gone.kind, gone.action.as_str()),
        (CallErrorKind::NotFound, "patch serviceaccounts")
    );
    let moved = writes(&client)
        .apply(&wanted(), Precondition::version("6"))
        .await
        .unwrap_err();
    assert_eq!(moved.kind, CallErrorKind::Conflict);
    assert!(
        api.sent()
            .await
            .iter()
            .all(|sent| sent.method == http::Method::GET)
    );
}

#[tokio::test]
async fn removing_names_single_keys() {
    let api = Api::answering([answer(200, &account("s3-reader"))]);
    let annotations = [ROLE_ARN.to_owned()];
    let client = api.client();
    writes(&client)
        .merge::<ServiceAccount>(
            ObjectKey::namespaced("app", "s3-reader"),
            ServiceAccount::removal(&[], &annotations),
            Precondition::version("41"),
        )
        .await
        .unwrap();
    let sent = api.only().await;
    assert_eq!(
        sent.line(),
        "PATCH /api/v1/namespaces/app/serviceaccounts/s3-reader"
    );
    assert_eq!(sent.content_type, "application/merge-patch+json");
    assert_eq!(sent.parameter("fieldManager"), Some("eksact"));
    assert_eq!(sent.parameter("force"), None);
    assert_eq!(
        sent.body,
        json!({"metadata": {"resourceVersion": "41", "annotations": {ROLE_ARN: null}}})
    );
}

#[tokio::test]
async fn uid_that_is_known_binds_a_patch_too() {
    let api = Api::answering([answer(200, &account("s3-reader"))]);
    let client = api.client();
    writes(&client)
        .merge::<ServiceAccount>(
            ObjectKey::namespaced("app", "s3-reader"),
            json!({"automountServiceAccountToken": false}),
            Precondition::exactly("u-1", "41"),
        )
        .await
        .unwrap();
    assert_eq!(
        api.only().await.body,
        json!({"automountServiceAccountToken": false, "metadata": {"uid": "u-1", "resourceVersion": "41"}})
    );
}

#[tokio::test]
async fn deleting_is_bound_to_uid_and_version() {
    let success =
        json!({"kind": "Status", "status": "Success", "details": {"name": "s3-reader", "uid": "u-1"}});
    let api = Api::answering([
        answer(200, &success),
        failure(409, "Conflict"),
        failure(404, "NotFound"),
    ]);
    let client = api.client();
    writes(&client)
        .delete::<ServiceAccount>(
            ObjectKey::namespaced("app", "s3-reader"),
            Precondition::exactly("u-1", "41"),
        )
        .await
        .unwrap();
    for kind in [CallErrorKind::Conflict, CallErrorKind::NotFound] {
        let error = writes(&client)
            .delete::<ServiceAccount>(
                ObjectKey::namespaced("app", "s3-reader"),
                Precondition::exactly("u-1", "41"),
            )
            .await
            .unwrap_err();
        assert_eq!(error.kind, kind);
    }
    let sent = &api.sent().await[0];
    assert_eq!(
        sent.line(),
        "DELETE /api/v1/namespaces/app/serviceaccounts/s3-reader"
    );
    assert_eq!(
        sent.body,
        json!({"preconditions": {"uid": "u-1", "resourceVersion": "41"}})
    );
}

#[tokio::test]
async fn empty_precondition_is_never_sent() {
    let api = Api::default();
    let client = api.client();
    let errors = [
        writes(&client)
            .apply(&wanted(), Precondition::version(""))
            .await
            .unwrap_err(),
        writes(&client)
            .merge::<ServiceAccount>(
                ObjectKey::namespaced("app", "s3-reader"),
                ServiceAccount::removal(&[], &[]),
                Precondition::version(""),
            )
            .await
            .unwrap_err(),
        writes(&client)
            .delete::<ServiceAccount>(
                ObjectKey::namespaced("app", "s3-reader"),
                Precondition::exactly("", "41"),
            )
            .await
            .unwrap_err(),
        writes(&client)
            .delete::<ServiceAccount>(
                ObjectKey::namespaced("app", "s3-reader"),
                Precondition::exactly("u-1", ""),
            )
            .await
            .unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind, CallErrorKind::Invalid, "{error}");
    }
    assert!(api.sent().await.is_empty());
}

#[tokio::test]
async fn write_of_unknown_effect_is_not_repeated() {
    let api = Api::answering([
        plain(503, "gateway"),
        plain(429, "later"),
        answer(201, &account("s3-reader")),
    ]);
    let client = api.client();
    let error = writes(&client).create(&wanted()).await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::ServiceFailure);
    // A throttled one was not executed.
    writes(&client).create(&wanted()).await.unwrap();
    assert_eq!(api.sent().await.len(), 3);
}
