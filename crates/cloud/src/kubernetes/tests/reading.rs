//! What the reading port sends, and what it makes of the answers.

use http::header;
use serde_json::json;

use super::{Api, account, answer, failure, plain, reads};
use eksact_core::ports::{
    CallErrorKind,
    kubernetes::{AccessReview, KubernetesReader, Namespace, ObjectKey, Pod, Selector, ServiceAccount},
};

#[tokio::test]
async fn object_is_read_or_absent() {
    let api = Api::answering([answer(200, &account("s3-reader")), failure(404, "NotFound")]);
    let client = api.client();
    let found = reads(&client)
        .get::<ServiceAccount>(ObjectKey::namespaced("app", "s3-reader"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (found.namespace.as_str(), found.name.as_str()),
        ("app", "s3-reader")
    );
    assert_eq!(
        reads(&client)
            .get::<ServiceAccount>(ObjectKey::namespaced("app", "s3-reader"))
            .await
            .unwrap(),
        None
    );
    for sent in api.sent().await {
        assert_eq!(
            sent.line(),
            "GET /api/v1/namespaces/app/serviceaccounts/s3-reader"
        );
        assert_eq!(sent.authorization, "Bearer token-1");
    }
}

#[tokio::test]
async fn absence_is_no_404_that_is_no_answer_of_the_api() {
    let api = Api::answering([
        plain(404, "<html>no such page</html>"),
        plain(404, "404 page not found"),
    ]);
    let client = api.client();
    for _ in 0..2 {
        let error = reads(&client)
            .get::<Namespace>(ObjectKey::cluster("app"))
            .await
            .unwrap_err();
        assert_eq!(error.kind, CallErrorKind::Other, "{error}");
    }
}

#[tokio::test]
async fn lists_follow_the_continue_token() {
    let api = Api::answering([
        answer(
            200,
            &json!({"kind": "ServiceAccountList", "metadata": {"continue": "abc", "remainingItemCount": 1}, "items": [account("a")]}),
        ),
        answer(
            200,
            &json!({"kind": "ServiceAccountList", "metadata": {"resourceVersion": "9"}, "items": [account("b")]}),
        ),
    ]);
    let found = reads(&api.client())
        .list::<ServiceAccount>(None, Selector::Everything)
        .await
        .unwrap();
    assert_eq!(
        found
            .iter()
            .map(|account| account.name.as_str())
            .collect::<Vec<_>>(),
        ["a", "b"]
    );
    let sent = api.sent().await;
    assert_eq!(sent[0].line(), "GET /api/v1/serviceaccounts");
    assert_eq!(sent[0].parameter("limit"), Some("500"));
    assert_eq!(sent[0].parameter("continue"), None);
    assert_eq!(sent[1].parameter("limit"), Some("500"));
    assert_eq!(sent[1].parameter("continue"), Some("abc"));
}

#[tokio::test]
async fn expired_continue_token_starts_the_list_over() {
    let first = || {
        answer(
            200,
            &json!({"metadata": {"continue": "abc"}, "items": [account("a")]}),
        )
    };
    let api = Api::answering([
        first(),
        failure(410, "Expired"),
        first(),
        answer(200, &json!({"metadata": {}, "items": [account("b")]})),
    ]);
    let found = reads(&api.client())
        .list::<ServiceAccount>(Some("app"), Selector::Everything)
        .await
        .unwrap();
    // Not a, a, b: the page from before the restart is gone.
    assert_eq!(found.len(), 2);
    let sent = api.sent().await;
    assert_eq!(sent[2].line(), "GET /api/v1/namespaces/app/serviceaccounts");
    assert_eq!(sent[2].parameter("continue"), None);

    // A server that never finishes is an error, not a loop.
    let api = Api::answering((0..4).flat_map(|_| [first(), failure(410, "Expired")]));
    let error = reads(&api.client())
        .list::<ServiceAccount>(None, Selector::Everything)
        .await
        .unwrap_err();
    assert_eq!(error.code.as_deref(), Some("Expired"));
}

#[tokio::test]
async fn pods_and_namespaces_have_their_paths() {
    let pod = json!({"metadata": {"name": "web", "namespace": "app"}, "spec": {"containers": []}});
    let api = Api::answering([
        answer(200, &json!({"metadata": {}, "items": [pod]})),
        answer(
            200,
            &json!({"metadata": {}, "items": [{"metadata": {"name": "app"}, "status": {"phase": "Active"}}]}),
        ),
        answer(200, &json!({"kind": "Namespace", "metadata": {"name": "app"}})),
        answer(
            200,
            &json!({"major": "1", "minor": "36", "gitVersion": "v1.36.3", "platform": "linux/amd64"}),
        ),
    ]);
    let client = api.client();
    assert_eq!(
        reads(&client)
            .list::<Pod>(Some("app"), Pod::under("default"))
            .await
            .unwrap()[0]
            .service_account,
        "default"
    );
    assert!(
        !reads(&client)
            .list::<Namespace>(None, Selector::Everything)
            .await
            .unwrap()[0]
            .terminating
    );
    assert_eq!(
        reads(&client)
            .get::<Namespace>(ObjectKey::cluster("app"))
            .await
            .unwrap()
            .unwrap()
            .name,
        "app"
    );
    assert_eq!(client.server_version().await.unwrap(), "v1.36.3");
    let sent = api.sent().await;
    assert_eq!(
        sent[0].parameter("fieldSelector"),
        Some("spec.serviceAccountName%3Ddefault")
    );
    let lines: Vec<_> = sent.iter().map(super::Sent::line).collect();
    assert_eq!(
        lines,
        [
            "GET /api/v1/namespaces/app/pods",
            "GET /api/v1/namespaces",
            "GET /api/v1/namespaces/app",
            "GET /version"
        ]
    );
}

#[tokio::test]
async fn servers_own_issuer_is_read_or_withheld() {
    let document =
        json!({"issuer": "https://oidc.eks.us-west-2.amazonaws.com/id/ABC", "jwks_uri": "https://x"});
    let api = Api::answering([
        answer(200, &document),
        failure(403, "Forbidden"),
        plain(404, "404 page not found"),
        plain(500, "broken"),
    ]);
    let client = api.client();
    assert_eq!(
        client.service_account_issuer().await.unwrap().as_deref(),
        Some("https://oidc.eks.us-west-2.amazonaws.com/id/ABC")
    );
    assert_eq!(client.service_account_issuer().await.unwrap(), None);
    assert_eq!(client.service_account_issuer().await.unwrap(), None);
    let error = client.service_account_issuer().await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::ServiceFailure);
    assert_eq!(
        api.sent().await[0].line(),
        "GET /.well-known/openid-configuration"
    );
}

#[tokio::test]
async fn access_review_asks_about_the_caller_itself() {
    let review = |allowed: bool| {
        answer(
            201,
            &json!({"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1",
        "metadata": {}, "spec": {}, "status": {"allowed": allowed, "reason": "RBAC"}}),
        )
    };
    let api = Api::answering([review(true), review(false)]);
    let client = api.client();
    let mut question = AccessReview {
        verb: "patch".to_owned(),
        group: String::new(),
        resource: "serviceaccounts".to_owned(),
        namespace: Some("app".to_owned()),
    };
    assert!(client.may(&question).await.unwrap());
    question.namespace = None;
    assert!(!client.may(&question).await.unwrap());
    let sent = api.sent().await;
    assert_eq!(
        sent[0].line(),
        "POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    );
    assert_eq!(
        sent[0].body["spec"],
        json!({"resourceAttributes": {"verb": "patch", "group": "", "resource": "serviceaccounts", "namespace": "app"}})
    );
    assert_eq!(sent[1].body["spec"]["resourceAttributes"].get("namespace"), None);
}

#[tokio::test]
async fn refused_token_is_renewed_once() {
    let api = Api::answering([
        failure(401, "Unauthorized"),
        answer(200, &account("s3-reader")),
        failure(401, "Unauthorized"),
        failure(401, "Unauthorized"),
    ]);
    let client = api.client();
    assert!(
        reads(&client)
            .get::<ServiceAccount>(ObjectKey::namespaced("app", "s3-reader"))
            .await
            .unwrap()
            .is_some()
    );
    let error = reads(&client)
        .get::<ServiceAccount>(ObjectKey::namespaced("app", "s3-reader"))
        .await
        .unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Credentials);
    assert!(!error.to_string().contains("token-"), "{error}");
    let used: Vec<_> = api
        .sent()
        .await
        .into_iter()
        .map(|sent| sent.authorization)
        .collect();
    assert_eq!(
        used,
        [
            "Bearer token-1",
            "Bearer token-2",
            "Bearer token-2",
            "Bearer token-3"
        ]
    );
}

#[tokio::test]
async fn reading_is_repeated_when_the_server_is_busy_but_not_for_ever() {
    let mut busy = plain(429, "Too many requests, please try again later.");
    busy.headers_mut()
        .insert(header::RETRY_AFTER, header::HeaderValue::from_static("0"));
    let api = Api::answering([busy, plain(503, "starting"), answer(200, &account("s3-reader"))]);
    assert!(
        reads(&api.client())
            .get::<ServiceAccount>(ObjectKey::namespaced("app", "s3-reader"))
            .await
            .unwrap()
            .is_some()
    );

    let api = Api::answering((0..5).map(|_| plain(429, "Too many requests")));
    let error = reads(&api.client())
        .get::<ServiceAccount>(ObjectKey::namespaced("app", "s3-reader"))
        .await
        .unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Throttled);
    assert_eq!(api.sent().await.len(), 5);
}

#[tokio::test]
async fn names_cannot_lead_to_another_path() {
    let api = Api::default();
    let client = api.client();
    let error = reads(&client)
        .list::<Pod>(Some("app"), Pod::under("x,spec.nodeName=y"))
        .await
        .unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Invalid);
    for (namespace, name) in [
        ("app", "../../secrets"),
        ("app/secrets", "x"),
        ("app", "x?y=z"),
        ("", "x"),
        ("..", "x"),
    ] {
        let error = reads(&client)
            .get::<ServiceAccount>(ObjectKey::namespaced(namespace, name))
            .await
            .unwrap_err();
        assert_eq!(error.kind, CallErrorKind::Invalid, "{namespace}/{name}");
    }
    assert!(api.sent().await.is_empty());
}

/// What a proxy or a broken aggregated API may answer with 200.
#[tokio::test]
async fn answer_that_is_not_the_object_names_the_field_and_quotes_nothing() {
    let pod =
        json!({"metadata": {"name": "web"}, "spec": {"containers": [{"name": "web", "env": "s3cret"}]}});
    let api = Api::answering([
        answer(200, &json!({"kind": "Status", "status": "Success"})),
        answer(200, &json!({"metadata": {"namespace": "app"}})),
        answer(200, &json!({"items": [pod]})),
        answer(201, &json!({"status": {"userInfo": {}}})),
    ]);
    let client = api.client();
    let key = ObjectKey::namespaced("app", "s3-reader");
    let of_account = async || reads(&client).get::<ServiceAccount>(key).await.unwrap_err();
    let of_pods = reads(&client).list::<Pod>(Some("app"), Selector::Everything);
    for (error, action, object, field) in [
        (
            of_account().await,
            "get serviceaccounts",
            "app/s3-reader",
            "kind of a ServiceAccount",
        ),
        (
            of_account().await,
            "get serviceaccounts",
            "app/s3-reader",
            "metadata.name of a ServiceAccount",
        ),
        (
            of_pods.await.unwrap_err(),
            "list pods",
            "namespace app",
            "spec.containers of a Pod",
        ),
        (
            client.user_info().await.unwrap_err(),
            "create selfsubjectreviews",
            "the caller",
            "status.userInfo.username",
        ),
    ] {
        assert_eq!(error.kind, CallErrorKind::ServiceFailure, "{error}");
        assert_eq!((error.action.as_str(), error.object.as_str()), (action, object));
        assert!(error.message.contains(field), "{error}");
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }
}
