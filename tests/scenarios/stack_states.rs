//! Every status that a stack of ours can have: what is planned, and for the ones that only a replacement helps, that
//! applying the plan heals them.

use std::fmt::Write as _;

use eksact_core::engine::{Finding, Plan, Severity};
use eksact_simulator::{Sandbox, World};

use crate::scenarios::stage::{
    applied, apply, assert_row, assert_settled, carry_out, cluster, file, plan, record_of, request, summary,
};

const BROKEN: &str =
    "metadata: {name: broken, namespace: app}\nattachPolicyARNs: ['arn:aws:iam::aws:policy/ReadOnlyAccess']";
const SOUND: &str =
    "metadata: {name: sound, namespace: app}\nattachPolicyARNs: ['arn:aws:iam::aws:policy/ReadOnlyAccess']";

/// Every status of CloudFormation's `StackStatus` that a listing shows (API reference, `DescribeStacks`), and one that
/// nobody knows yet.
const STATUSES: [&str; 23] = [
    "CREATE_IN_PROGRESS",
    "CREATE_FAILED",
    "CREATE_COMPLETE",
    "ROLLBACK_IN_PROGRESS",
    "ROLLBACK_FAILED",
    "ROLLBACK_COMPLETE",
    "DELETE_IN_PROGRESS",
    "DELETE_FAILED",
    "UPDATE_IN_PROGRESS",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_COMPLETE",
    "UPDATE_FAILED",
    "UPDATE_ROLLBACK_IN_PROGRESS",
    "UPDATE_ROLLBACK_FAILED",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_ROLLBACK_COMPLETE",
    "REVIEW_IN_PROGRESS",
    "IMPORT_IN_PROGRESS",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_IN_PROGRESS",
    "IMPORT_ROLLBACK_FAILED",
    "IMPORT_ROLLBACK_COMPLETE",
    "SOMETHING_NEW",
];

/// Puts the stack into a status as CloudFormation leaves it there: a creation that never ended has made no role that the
/// outputs would tell of.
fn put_into(world: &mut World, status: &str) {
    let record = record_of(world, "broken");
    status.clone_into(&mut record.stack.status);
    record.stack.status_reason = Some("as the scenario wants".to_owned());
    let never_made = ["CREATE_FAILED", "ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS"].contains(&status);
    if never_made {
        record.stack.outputs.clear();
        let made = std::mem::take(&mut record.resources);
        world
            .roles
            .retain(|name, _| !made.values().any(|resource| resource.physical_id == *name));
        cluster(world).service_accounts.remove("app/broken");
    }
}

async fn in_status(status: &str) -> (Sandbox, Plan) {
    let (sandbox, mut request) = applied(&file(&[BROKEN, SOUND])).await;
    sandbox.edit(|world| put_into(world, status)).unwrap();
    request.settings.timeout = std::time::Duration::from_mins(1);
    let plan = plan(&sandbox, &request).await;
    (sandbox, plan)
}

#[tokio::test(start_paused = true)]
async fn stack_of_every_status_leads_somewhere() {
    for status in STATUSES {
        let (sandbox, found) = in_status(status).await;
        let mut row = summary(&found);
        for finding in &found.findings {
            writeln!(row, "help: {}", finding.help.as_deref().unwrap_or_default()).unwrap();
        }
        assert_row!("stack-wanted", status, row);
        assert!(
            found
                .unchanged
                .iter()
                .any(|address| address.to_string() == "iam-role/app/sound"),
            "{status}: a broken stack never hides the others"
        );
        if found.findings_of(Severity::Error).next().is_some() {
            assert!(
                !found.has_changes(),
                "{status}: nothing is done about what people must fix"
            );
            continue;
        }
        let wanted = request(&file(&[BROKEN, SOUND]));
        apply(&sandbox, &wanted).await;
        assert_settled(&sandbox, &wanted, status).await;
    }
}

/// A stack of ours that went wrong is removed where CloudFormation lets it.
#[tokio::test(start_paused = true)]
async fn stack_of_every_status_can_be_removed_or_says_why_not() {
    for status in STATUSES {
        let (sandbox, _) = in_status(status).await;
        let mut removal = crate::scenarios::stage::deletion(&[("app", "broken")]);
        removal.settings.timeout = std::time::Duration::from_mins(1);
        let found = plan(&sandbox, &removal).await;
        assert_row!("stack-removed", status, summary(&found));
        if found.findings_of(Severity::Error).next().is_some() {
            continue;
        }
        apply(&sandbox, &removal).await;
        assert_settled(&sandbox, &removal, status).await;
        assert_eq!(
            sandbox.world().unwrap().roles.len(),
            1,
            "{status}: the other's role"
        );
    }
}

/// The whole road of a failure: the name is taken, the stack rolls back, the others are made; then the cause goes.
#[tokio::test(start_paused = true)]
async fn rolled_back_stack_is_replaced_once_its_cause_is_gone() {
    let file = file(&[
        SOUND,
        "metadata: {name: named, namespace: app}\nroleName: taken\nattachPolicyARNs: ['arn:aws:iam::aws:policy/ReadOnlyAccess']",
    ]);
    let (sandbox, _) = applied(&crate::scenarios::stage::file(&[
        "metadata: {name: other, namespace: app}\nroleName: taken\nattachPolicyARNs: ['arn:aws:iam::aws:policy/ReadOnlyAccess']",
    ]))
    .await;
    let wanted = request(&file);
    let first = plan(&sandbox, &wanted).await;
    assert!(
        summary(&first).contains("Warning role-name-taken"),
        "{}",
        summary(&first)
    );
    let report = carry_out(&sandbox, &first, &wanted).await;
    let (step, error) = &report.failed[0];
    assert_eq!(
        (report.failed.len(), step.0.as_str()),
        (1, "iam-role/app/named#create-stack")
    );
    assert!(
        error.message.contains("Role with name taken already exists"),
        "{error}"
    );
    assert!(error.message.contains("ROLLBACK_COMPLETE"), "{error}");
    assert_eq!(
        report.not_tried.len(),
        1,
        "only what needs the role is left out: {report:?}"
    );
    assert!(crate::scenarios::stage::service_account(&sandbox, "app/sound").is_some());

    apply(&sandbox, &crate::scenarios::stage::deletion(&[("app", "other")])).await;
    let second = apply(&sandbox, &crate::scenarios::stage::again(&wanted, 2)).await;
    assert!(
        summary(&second).contains("iam-role/app/named Replace stack-broken"),
        "{}",
        summary(&second)
    );
    assert_settled(&sandbox, &wanted, "after the cause is gone").await;
}

/// A stack that failed, and somebody else's role of the name that the file gives: a replacement could not make it either.
#[tokio::test(start_paused = true)]
async fn named_role_beside_a_stack_that_has_made_none_is_somebody_elses() {
    let named = "metadata: {name: named, namespace: app}\nroleName: taken\n\
                 attachPolicyARNs: ['arn:aws:iam::aws:policy/ReadOnlyAccess']";
    let pods = "- {namespace: app, serviceAccountName: named, roleName: taken, \
                permissionPolicyARNs: ['arn:aws:iam::aws:policy/ReadOnlyAccess']}";
    let of_pods = format!("{}  podIdentityAssociations:\n    {pods}\n", file(&[]));
    for (text, kind, key) in [
        (file(&[named]), "iam-role", "attachRoleARN"),
        (of_pods, "pod-identity-role", "roleARN"),
    ] {
        for status in [
            "ROLLBACK_COMPLETE",
            "REVIEW_IN_PROGRESS",
            "CREATE_FAILED",
            "ROLLBACK_FAILED",
        ] {
            let (bed, wanted) = applied(&text).await;
            bed.edit(|world| {
                let record = record_of(world, "named");
                status.clone_into(&mut record.stack.status);
                record.stack.outputs.clear();
                record.resources.clear();
                world.roles.get_mut("taken").unwrap().tags.clear();
            })
            .unwrap();
            let planned = plan(&bed, &wanted).await;
            let errors: Vec<&Finding> = planned.findings_of(Severity::Error).collect();
            assert_eq!(errors.len(), 1, "{status}: {}", summary(&planned));
            assert_eq!(errors[0].code.as_str(), "role-not-ours", "{status}");
            let help = errors[0].help.as_deref().unwrap_or_default();
            assert!(
                help.contains(&format!(
                    "use it as it is with `{key}: arn:aws:iam::111122223333:role/taken`"
                )),
                "{status}: {help}"
            );
            assert!(
                planned.changes.iter().all(|change| change.address.kind() != kind),
                "{status}: {}",
                summary(&planned)
            );

            // Where none is there, it is made anew.
            bed.edit(|world| drop(world.roles.remove("taken"))).unwrap();
            apply(&bed, &wanted).await;
            assert_settled(&bed, &wanted, status).await;
        }
    }
}

/// CloudFormation gave up after IAM had made the role: it notes on each role whose it is.
#[tokio::test(start_paused = true)]
async fn named_role_that_a_failed_stack_made_is_made_anew_with_it() {
    let named = "metadata: {name: named, namespace: app}\nroleName: own\n\
                 attachPolicyARNs: ['arn:aws:iam::aws:policy/ReadOnlyAccess']";
    for status in ["CREATE_FAILED", "ROLLBACK_FAILED"] {
        let (bed, wanted) = applied(&file(&[named])).await;
        bed.edit(|world| {
            let record = record_of(world, "named");
            status.clone_into(&mut record.stack.status);
            record.stack.outputs.clear();
        })
        .unwrap();
        let planned = apply(&bed, &wanted).await;
        assert!(
            summary(&planned).contains("iam-role/app/named Replace stack-broken"),
            "{status}: {}",
            summary(&planned)
        );
        assert_settled(&bed, &wanted, status).await;
    }
}
