//! AWS answers late, with errors, or not at all.

use serde_json::{Value, json};

use super::{
    scene::{Fault, Scene, plainly},
    subject::Subject as S,
};

#[test]
fn aws_that_fails_is_told_and_a_rerun_ends_it() {
    let scene = Scene::start();
    let bed = &scene.bed;
    let lift = || {
        bed.control("DELETE", "faults", &Value::Null);
    };
    let mut rows = Vec::new();
    let mut under = |name: &str, faults: Value, expected: &[super::scene::Expected<'_>]| {
        let raise = || {
            bed.control("POST", "faults", &faults);
        };
        let fault = Fault {
            name,
            raise: &raise,
            lift: &lift,
            run: &plainly,
        };
        rows.extend(scene.each(&fault, expected));
    };

    under(
        "429 `Throttling` three times, then AWS answers",
        json!([
            {"service": "eks", "action": "DescribeCluster", "code": "ThrottlingException", "count": 3},
            {"service": "cloudformation", "action": "CreateStack", "code": "Throttling", "count": 3},
            {"service": "eks", "action": "CreateAccessEntry", "code": "ThrottlingException", "count": 3},
        ]),
        &[
            (S::Apply, 0, 30, "Applied:"),
            (S::CreateEntry, 0, 30, "Applied:"),
            (S::Plan, 0, 30, "Plan for bench"),
        ],
    );
    under(
        "503 at every write of a stack",
        json!({"service": "cloudformation", "action": "CreateStack", "code": "ServiceUnavailable", "status": 503, "count": null}),
        &[(S::Apply, 5, 180, "CreateStack")],
    );
    under(
        "500 at every DescribeCluster",
        json!({"service": "eks", "action": "DescribeCluster", "code": "ServerException", "status": 500, "count": null}),
        &[
            (S::Plan, 1, 180, "error:"),
            (S::UpdateKubeconfig, 1, 180, "error:"),
        ],
    );
    under(
        "the connection is cut before a stack is asked for",
        json!({"service": "cloudformation", "action": "CreateStack", "cut": "before"}),
        &[(S::Apply, 0, 30, "Applied:")],
    );
    under(
        "the answer to CreateStack is lost",
        json!({"service": "cloudformation", "action": "CreateStack", "cut": "after"}),
        &[(S::CreateAccount, 0, 30, "Applied:")],
    );
    under(
        "the answer to DeleteStack is lost",
        json!({"service": "cloudformation", "action": "DeleteStack", "cut": "after"}),
        &[(S::DeleteAccount, 0, 30, "Applied:")],
    );
    under(
        "the answer to CreateAccessEntry is lost",
        json!({"service": "eks", "action": "CreateAccessEntry", "cut": "after"}),
        &[
            (S::CreateEntry, 0, 30, "Applied:"),
            (S::Migrate, 0, 30, "Applied:"),
        ],
    );
    under(
        "the answer to DeleteAccessEntry is lost",
        json!({"service": "eks", "action": "DeleteAccessEntry", "cut": "after"}),
        &[(S::DeleteEntry, 0, 30, "Applied:")],
    );
    under(
        "AccessDenied at AssociateAccessPolicy",
        json!({"service": "eks", "action": "AssociateAccessPolicy", "code": "AccessDeniedException", "count": null}),
        &[(S::CreateEntry, 5, 30, "permission")],
    );
    under(
        "AccessDenied at CreateStack",
        json!({"service": "cloudformation", "action": "CreateStack", "code": "AccessDenied", "count": null}),
        &[
            (S::CreateAccount, 1, 30, "permission"),
            (S::ApplySaved, 5, 30, "permission"),
        ],
    );
    under(
        "the session has ended (ExpiredToken)",
        json!({"service": "*", "action": "*", "code": "ExpiredToken", "count": null}),
        &[
            (S::Whoami, 1, 20, "error:"),
            (S::CheckAccess, 1, 20, "error:"),
            (S::Snapshot, 1, 20, "error:"),
            (S::Plan, 1, 20, "error:"),
            (S::Apply, 1, 20, "error:"),
        ],
    );
    scene.check("answers-of-aws", &rows);
}
