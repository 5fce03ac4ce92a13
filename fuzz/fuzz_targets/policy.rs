//! Any JSON as policy documents, as files, AWS and stacks give them: they are compared, checked and asked, and nothing panics; a
//! document is the same policy as itself, and no change of a document to itself gives more.
#![no_main]

use eksact_identity::iam::policy::{
    AccessEffect, PolicyKind, RequestContext, TrustRequest,
    authorization::{Caller, Policies, Policy, Request, ResourcePolicy, decide},
    check_grammar, difference, equal, judge,
};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    let Ok(document) = serde_json::from_slice::<Value>(bytes) else {
        return;
    };
    // Two documents: a list of two, or one beside the empty one.
    let (before, after) = match document.as_array().map(Vec::as_slice) {
        Some([before, after]) => (before.clone(), after.clone()),
        _ => (document, Value::Object(serde_json::Map::new())),
    };
    assert!(equal(&before, &before));
    let same = difference(Some(&before), Some(&before));
    assert!(
        same.is_empty() && same.access != AccessEffect::Broader,
        "{same:?}"
    );
    let _ = difference(Some(&before), Some(&after));
    let _ = difference(None, Some(&before));
    for kind in [PolicyKind::Identity, PolicyKind::Trust] {
        let _ = check_grammar(&before, kind);
    }
    let context = RequestContext::default().with("aws:PrincipalTag/team", "a");
    let _ = judge(
        &before,
        &TrustRequest {
            action: "sts:AssumeRoleWithWebIdentity",
            principal_kind: "Federated",
            principal: "arn:aws:iam::111122223333:oidc-provider/example.com",
            context: &context,
        },
    );
    let (one, other) = (Policy::read("one", &before), Policy::read("other", &after));
    let caller = Caller::of_arn("arn:aws:iam::111122223333:role/dev").expect("an ARN of a role");
    let _ = decide(
        &Request {
            caller: &caller,
            action: "s3:GetObject",
            resource: Some("arn:aws:s3:::bucket/*"),
            resource_account: None,
            context: &context,
        },
        &Policies {
            identity: vec![&one],
            boundary: Some(&other),
            session: None,
            resource: ResourcePolicy::Beside(&other),
        },
    );
});
