use serde_json::json;

use super::*;

fn cluster() -> Route {
    Route::Cluster {
        endpoint: "https://ABC.eks.amazonaws.com".to_owned(),
        is_public: false,
    }
}

fn call() -> Call {
    Call::new("create", "serviceaccounts", "app/s3-reader")
}

#[test]
fn remedy_for_silence_fits_the_endpoint() {
    let of = |is_public| Route::Cluster {
        endpoint: String::new(),
        is_public,
    };
    assert!(
        of(false)
            .unreachable_remedy(&call())
            .contains("endpoint is private")
    );
    let public = of(true).unreachable_remedy(&call());
    assert!(
        public.contains("publicAccessCidrs") && !public.contains("VPC"),
        "{public}"
    );
}

/// `--role-only` is no flag of `get iamidentitymapping`.
#[test]
fn remedy_of_doing_without_kubernetes_is_for_service_accounts_only() {
    let kubeconfig = Route::Kubeconfig {
        endpoint: String::new(),
        context: "tunnel".to_owned(),
    };
    for route in [cluster(), kubeconfig] {
        for (verb, resource, is_said) in [
            ("create", "serviceaccounts", true),
            ("get", "namespaces", true),
            ("get", "configmaps", false),
            ("get", "version", false),
            ("create", "selfsubjectreviews", false),
            ("create", "serviceaccounts/token", false),
        ] {
            let said = route.unreachable_remedy(&Call::new(verb, resource, "x"));
            assert_eq!(said.contains("--role-only"), is_said, "{verb} {resource}: {said}");
        }
    }
}

/// Statuses as a kube-apiserver writes them.
#[test]
fn reason_decides_the_kind() {
    let named = json!({"name": "s3-reader", "kind": "serviceaccounts"});
    let rbac = "serviceaccounts is forbidden: User \"nina\" cannot create resource \"serviceaccounts\" in API \
                group \"\" in the namespace \"app\"";
    let terminating = json!({"name": "s3-reader", "kind": "serviceaccounts",
        "causes": [{"reason": "NamespaceTerminating", "message": "namespace app is being terminated", "field": "metadata.namespace"}]});
    let table = [
        (
            401,
            "Unauthorized",
            "Unauthorized",
            json!(null),
            CallErrorKind::Credentials,
        ),
        (
            403,
            "Forbidden",
            rbac,
            json!({"kind": "serviceaccounts"}),
            CallErrorKind::AccessDenied,
        ),
        (
            403,
            "Forbidden",
            "serviceaccounts \"s3-reader\" is forbidden: unable to create new content in namespace app because it is being terminated",
            terminating,
            CallErrorKind::Conflict,
        ),
        (
            403,
            "Forbidden",
            "serviceaccounts \"s3-reader\" is forbidden: exceeded quota: accounts, requested: count/serviceaccounts=1, used: count/serviceaccounts=5, limited: count/serviceaccounts=5",
            named.clone(),
            CallErrorKind::LimitExceeded,
        ),
        (
            403,
            "Forbidden",
            "admission webhook \"policy.example.com\" denied the request: label team is missing",
            json!({}),
            CallErrorKind::Invalid,
        ),
        (
            404,
            "NotFound",
            "serviceaccounts \"s3-reader\" not found",
            named.clone(),
            CallErrorKind::NotFound,
        ),
        (
            404,
            "NotFound",
            "the server could not find the requested resource",
            json!({}),
            CallErrorKind::Other,
        ),
        (
            409,
            "AlreadyExists",
            "serviceaccounts \"s3-reader\" already exists",
            named.clone(),
            CallErrorKind::AlreadyExists,
        ),
        (
            409,
            "Conflict",
            "Operation cannot be fulfilled on serviceaccounts \"s3-reader\": the object has been modified",
            named.clone(),
            CallErrorKind::Conflict,
        ),
        (
            410,
            "Expired",
            "The provided continue parameter is too old",
            json!(null),
            CallErrorKind::Conflict,
        ),
        (
            422,
            "Invalid",
            "ServiceAccount \"s3-reader\" is invalid: metadata.labels: Invalid value",
            named,
            CallErrorKind::Invalid,
        ),
        (
            400,
            "BadRequest",
            "strict decoding error: unknown field \"annotation\"",
            json!(null),
            CallErrorKind::Invalid,
        ),
        (
            429,
            "TooManyRequests",
            "etcd leader changed",
            json!(null),
            CallErrorKind::Throttled,
        ),
        (
            500,
            "InternalError",
            "failed calling webhook",
            json!(null),
            CallErrorKind::ServiceFailure,
        ),
        (
            504,
            "Timeout",
            "request did not complete within requested timeout",
            json!(null),
            CallErrorKind::ServiceFailure,
        ),
        (
            403,
            "",
            "no reason given",
            json!(null),
            CallErrorKind::AccessDenied,
        ),
        (
            503,
            "Whatever",
            "not yet invented",
            json!(null),
            CallErrorKind::ServiceFailure,
        ),
    ];
    for (code, reason, message, details, kind) in table {
        let status: Status = serde_json::from_value(
            json!({"kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": message, "details": details}),
        )
        .unwrap();
        let error = from_status(&call(), &cluster(), code, &status);
        assert_eq!(error.kind, kind, "{code} {reason}: {message}");
        assert!(error.message.starts_with(message), "{}", error.message);
    }
}

#[test]
fn refused_identity_is_told_where_it_is_decided() {
    let status = Status::failure("Unauthorized", "Unauthorized");
    let text = from_status(&call(), &cluster(), 401, &status).to_string();
    assert!(
        text.contains("aws-auth") && text.contains("Access entries"),
        "{text}"
    );
}

#[test]
fn denied_call_names_the_permission() {
    let status = Status::failure("serviceaccounts is forbidden", "Forbidden");
    let error = from_status(&call(), &cluster(), 403, &status);
    assert_eq!(
        error.missing_permission().as_deref(),
        Some("create serviceaccounts")
    );
}

#[test]
fn page_of_a_proxy_says_nothing_about_the_object() {
    for (code, kind) in [
        (404, CallErrorKind::Other),
        (403, CallErrorKind::Other),
        (409, CallErrorKind::Other),
        (407, CallErrorKind::Unreachable),
        (429, CallErrorKind::Throttled),
        (502, CallErrorKind::ServiceFailure),
    ] {
        let error = from_bare_answer(&call(), &cluster(), code, b"<html><h1>no</h1></html>");
        assert_eq!(error.kind, kind, "{code}");
        assert!(error.message.contains("<h1>no</h1>"), "{}", error.message);
    }
}
