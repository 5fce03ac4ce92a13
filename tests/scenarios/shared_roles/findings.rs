//! What cannot be done, and what is said about it.

use std::fmt::Write as _;

use eksact_core::{
    engine::Severity,
    kinds::{Request, request::Settings},
};
use serde_json::json;

use super::{
    ACCOUNT, WEB, by_hand, changes, codes, not_sharing, pruning, request, role, seen_by, sharing, world,
};
use crate::scenarios::stage::{apply, assert_row, plan, sandbox};

#[tokio::test(start_paused = true)]
async fn shared_role_that_cannot_be_written_is_told() {
    let bed = sandbox(world(&["blue"]));
    let blue = seen_by(&bed, "blue");
    bed.edit(|world| {
        let mut pathed = role("pathed", by_hand());
        pathed.arn = format!("arn:aws:iam::{ACCOUNT}:role/team/pathed");
        pathed.path = "/team/".to_owned();
        let mut reserved = role("AWSServiceRoleForECS", by_hand());
        reserved.path = "/aws-service-role/ecs.amazonaws.com/".to_owned();
        for role in [pathed, reserved, role("odd", json!({"Statement": 7}))] {
            world.roles.insert(role.name.clone(), role);
        }
    })
    .unwrap();
    for reference in [
        "roleName: nowhere",
        "roleARN: 'arn:aws:iam::444455556666:role/theirs'",
        "roleARN: 'arn:aws:iam::111122223333:role/pathed'",
        "roleARN: 'arn:aws:iam::111122223333:role/other/orders-reader'",
        "roleName: AWSServiceRoleForECS",
        "roleName: odd",
    ] {
        let wanted = request(
            "blue",
            "",
            &format!("sharedRoles:\n- {reference}\n  serviceAccounts: [{WEB}]\n"),
        );
        let planned = plan(&blue, &wanted).await;
        assert_eq!(changes(&planned), [], "{reference}");
        let mut told = String::new();
        for finding in planned.findings_of(Severity::Error) {
            let source = finding.source.as_ref().unwrap();
            writeln!(
                told,
                "{source} {}: {}\n{}",
                finding.code,
                finding.message,
                finding.help.as_deref().unwrap_or("-")
            )
            .unwrap();
        }
        assert_row!("unwritable", reference, told);
    }
}

/// The provider comes first, and without one nothing is written.
#[tokio::test(start_paused = true)]
async fn shared_role_waits_for_the_provider() {
    let bed = sandbox(world(&["blue"]));
    let blue = seen_by(&bed, "blue");
    let planned = plan(&blue, &sharing("blue", WEB)).await;
    let step = planned
        .steps
        .iter()
        .find(|step| step.address.kind() == "shared-role")
        .unwrap();
    assert!(
        step.depends_on
            .iter()
            .any(|id| id.0.starts_with("oidc-provider/blue")),
        "{step:?}"
    );
    let mut without = sharing("blue", WEB);
    without.config.iam.with_oidc.value = false;
    let without = Request::ensure(without.config, Settings::default());
    let planned = plan(&blue, &without).await;
    assert_eq!(
        (changes(&planned), codes(&planned, Severity::Error)),
        (vec![], vec!["oidc-provider-missing"])
    );
}

#[tokio::test(start_paused = true)]
async fn shared_role_needs_no_listing_but_says_so() {
    let bed = sandbox(world(&["blue"]));
    let blue = seen_by(&bed, "blue");
    bed.edit(|world| {
        world
            .denied
            .insert("iam:GetAccountAuthorizationDetails".to_owned());
    })
    .unwrap();
    let wanted = sharing("blue", WEB);
    let planned = plan(&blue, &wanted).await;
    assert_eq!(
        (codes(&planned, Severity::Note), codes(&planned, Severity::Error)),
        (vec!["shared-roles-unreadable"], vec![])
    );
    apply(&blue, &wanted).await;
    let planned = plan(&blue, &pruning(not_sharing("blue"))).await;
    assert_eq!(codes(&planned, Severity::Error), ["shared-roles-unreadable"]);
}
