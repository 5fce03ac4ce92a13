//! The cluster's IAM OIDC provider: associate and delete, with the guard that keeps one that is in use.

use crate::commands::place::{Place, READ_ONLY, assert_story};

#[test]
fn oidc_provider_is_associated_used_and_deleted() {
    let mut place = Place::new();
    place.tell(&["utils", "associate-iam-oidc-provider", "--cluster", "prod"]);
    place.tell(&[
        "utils",
        "associate-iam-oidc-provider",
        "--cluster",
        "prod",
        "--approve",
    ]);
    place.tell(&["associate", "iam-oidc-provider", "--cluster", "prod", "--yes"]);
    let ended = place.run(&[
        "create",
        "iamserviceaccount",
        "--cluster",
        "prod",
        "--name",
        "user",
        "--attach-policy-arn",
        READ_ONLY,
        "--yes",
    ]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let ended = place.tell(&["delete", "iam-oidc-provider", "--cluster", "prod", "--yes"]);
    assert_eq!(ended.code, 4);
    place.tell(&[
        "delete",
        "iam-oidc-provider",
        "--cluster",
        "prod",
        "--yes",
        "--allow",
        "oidc-provider-in-use",
    ]);
    place.tell(&["delete", "iam-oidc-provider", "--cluster", "prod", "--yes"]);
    assert_story!("oidc-provider", place.story());
}
