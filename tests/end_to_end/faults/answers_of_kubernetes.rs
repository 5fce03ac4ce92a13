//! The kube-apiserver's answers are late, lost, broken, or somebody else's: a relay stands before it.

use std::sync::Mutex;

use serde_json::{Value, json};

use super::{
    super::relay::Relay,
    scene::{Expected, Fault, Scene, plainly},
    subject::Subject as S,
};

const PATCH: &str = "PATCH /api/v1/namespaces/kube-system/configmaps/aws-auth";
const ACCOUNT: &str = "POST /api/v1/namespaces/app/serviceaccounts";

/// An answer of an API server that is not well.
fn status(code: u16, reason: &str, headers: &str) -> String {
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason,
        "message": format!("the server says {reason}"),
    })
    .to_string();
    format!(
        "HTTP/1.1 {code} No\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n{body}",
        body.len()
    )
}

#[test]
fn kubernetes_that_fails_is_told_and_a_rerun_ends_it() {
    let scene = Scene::start();
    let bed = &scene.bed;
    let relay = Mutex::new(Relay::start(bed));
    let endpoint = relay.lock().unwrap().endpoint.clone();
    bed.control("POST", "eks/bench", &json!({"endpoint": endpoint}));
    let lift = || {
        relay.lock().unwrap().order(&json!({"count": 0}));
    };
    let mut rows = Vec::new();
    let mut under = |name: &str, order: Value, expected: &[Expected<'_>]| {
        let hits = relay.lock().unwrap().hits();
        let raise = || {
            relay.lock().unwrap().order(&order);
        };
        let fault = Fault {
            name,
            raise: &raise,
            lift: &lift,
            run: &plainly,
        };
        rows.extend(scene.each(&fault, expected));
        assert!(relay.lock().unwrap().hits() > hits, "{name}: nothing was struck");
    };

    let tell = |code: u16, reason: &str, headers: &str, request: &str, count: Value| json!({"answer": status(code, reason, headers), "request": request, "count": count});
    under(
        "the connection is cut before `aws-auth` is written",
        json!({"cut": "before", "request": PATCH}),
        &[(S::CreateMapping, 0, 30, "Applied:")],
    );
    under(
        "the connection is cut before `aws-auth` is written, each time",
        json!({"cut": "before", "request": PATCH, "count": null}),
        &[
            (S::CreateMapping, 1, 60, "failed"),
            (S::DeleteMapping, 1, 60, "failed"),
        ],
    );
    under(
        "the answer to the write of `aws-auth` is lost",
        json!({"cut": "after", "request": PATCH}),
        &[
            (S::CreateMapping, 0, 30, "Applied:"),
            (S::DeleteMapping, 0, 30, "Applied:"),
        ],
    );
    under(
        "the connection is cut before a service account is made",
        json!({"cut": "before", "request": ACCOUNT}),
        &[(S::Apply, 5, 30, "help:")],
    );
    under(
        "the answer to a new service account is lost",
        json!({"cut": "after", "request": ACCOUNT}),
        &[(S::CreateAccount, 0, 30, "Applied:")],
    );
    under(
        "429 with Retry-After at the first request, then the API answers",
        tell(429, "TooManyRequests", "Retry-After: 1\r\n", "", json!(1)),
        &[
            (S::Apply, 0, 30, "Applied:"),
            (S::CreateMapping, 0, 30, "Applied:"),
        ],
    );
    under(
        "429 at every request",
        tell(429, "TooManyRequests", "", "", Value::Null),
        &[
            (S::Plan, 1, 60, "TooManyRequests"),
            (S::Apply, 1, 60, "TooManyRequests"),
            (S::GetMapping, 1, 60, "TooManyRequests"),
        ],
    );
    under(
        "503 at every request",
        tell(503, "ServiceUnavailable", "", "", Value::Null),
        &[
            (S::CreateMapping, 1, 60, "ServiceUnavailable"),
            (S::WhoCan, 5, 60, "ServiceUnavailable"),
        ],
    );
    under(
        "503 at every write of `aws-auth`",
        tell(503, "ServiceUnavailable", "", PATCH, Value::Null),
        &[(S::CreateMapping, 1, 60, "failed")],
    );
    under(
        "half an answer to every read of `aws-auth`",
        json!({"answer": "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n\r\n{\"kind\": \"ConfigMap\", \"da",
            "request": "GET /api/v1/namespaces/kube-system/configmaps/aws-auth", "count": null}),
        &[
            (S::CreateMapping, 4, 60, "refused["),
            (S::GetMapping, 1, 60, "aws-auth"),
        ],
    );
    under(
        "a page of a proxy for every answer",
        json!({"answer": "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 28\r\nConnection: close\r\n\r\n<html>Please log in.</html>\n",
            "request": "", "count": null}),
        &[
            (S::Plan, 1, 60, "aws-auth-unreadable]"),
            (S::CreateMapping, 1, 60, "aws-auth-unreadable]"),
        ],
    );
    under(
        "the read of `aws-auth` is never answered",
        json!({"hang": true, "request": "GET /api/v1/namespaces/kube-system/configmaps/aws-auth", "count": null}),
        &[
            (S::GetMapping, 1, 60, "did not answer"),
            (S::CreateMapping, 4, 60, "did not answer"),
        ],
    );
    under(
        "the write of `aws-auth` is never answered, and not carried out",
        json!({"hang": true, "request": PATCH}),
        &[(S::CreateMapping, 0, 120, "Applied:")],
    );
    scene.check("answers-of-kubernetes", &rows);
}
