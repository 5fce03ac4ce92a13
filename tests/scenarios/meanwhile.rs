//! What others do to a service account between the plan of its removal and the write: it goes only while it still is
//! what the plan showed.

use eksact_core::ports::kubernetes::ServiceAccount;

use crate::scenarios::stage::{
    applied, apply, carry_out, cluster, deletion, file, plan, record_of, request, service_account,
};

const ACCOUNT: &str =
    "metadata: {name: web, namespace: app}\nattachPolicyARNs: ['arn:aws:iam::aws:policy/ReadOnlyAccess']";
const ROLE: &str = "eks.amazonaws.com/role-arn";

/// What somebody does to the object, and what the run says then; nothing where the object goes all the same.
type Case = (&'static str, fn(&mut ServiceAccount), Option<&'static str>);

const CASES: [Case; 4] = [
    (
        "a label of theirs",
        |account| {
            account.labels.insert("team".to_owned(), "web".to_owned());
        },
        None,
    ),
    (
        "another role",
        |account| {
            account.annotations.insert(
                ROLE.to_owned(),
                "arn:aws:iam::111122223333:role/theirs".to_owned(),
            );
        },
        Some("it names another role"),
    ),
    (
        "taken over by Helm",
        |account| {
            account
                .labels
                .insert("app.kubernetes.io/managed-by".to_owned(), "Helm".to_owned());
        },
        Some("it is no longer eksact's alone"),
    ),
    (
        "made anew",
        |account| account.uid = "7d3c2f66-0000-4000-8000-000000000009".to_owned(),
        Some("it was recreated"),
    ),
];

#[tokio::test(start_paused = true)]
async fn service_account_goes_only_while_it_is_what_the_plan_showed() {
    for (name, edit, refusal) in CASES {
        let (sandbox, _) = applied(&file(&[ACCOUNT])).await;
        let request = deletion(&[("app", "web")]);
        let planned = plan(&sandbox, &request).await;
        sandbox
            .edit(|world| {
                let account = cluster(world).service_accounts.get_mut("app/web").unwrap();
                account.resource_version = "999".to_owned();
                edit(account);
            })
            .unwrap();
        let report = carry_out(&sandbox, &planned, &request).await;
        match refusal {
            None => {
                assert!(report.succeeded(), "{name}: {:?}", report.failed);
                assert_eq!(service_account(&sandbox, "app/web"), None, "{name}");
            }
            Some(refusal) => {
                let (_, error) = report.failed.first().unwrap_or_else(|| panic!("{name}"));
                assert!(error.message.contains(refusal), "{name}: {error}");
                assert!(service_account(&sandbox, "app/web").is_some(), "{name}");
                // Pods would lose the role before the account that names it.
                assert_eq!(sandbox.world().unwrap().roles.len(), 1, "{name}: the role stays");
            }
        }
    }
}

/// The plan saw a stack without protection, so it has no step that lifts it.
#[tokio::test(start_paused = true)]
async fn stack_that_was_protected_meanwhile_is_named_so() {
    let (sandbox, _) = applied(&file(&[ACCOUNT])).await;
    let protect = |is_protected| {
        sandbox
            .edit(|world| record_of(world, "app-web").stack.termination_protection = is_protected)
            .unwrap();
    };
    protect(false);
    let request = deletion(&[("app", "web")]);
    let planned = plan(&sandbox, &request).await;
    protect(true);
    let report = carry_out(&sandbox, &planned, &request).await;
    let (_, error) = report.failed.first().unwrap();
    assert!(
        error
            .message
            .contains("is protected against deletion, and was not when the plan"),
        "{error}"
    );
}

/// What another run of eksact makes of a service account is another file's: neither does an update take it away, which
/// server-side apply would do by itself, nor is it deleted.
#[tokio::test(start_paused = true)]
async fn annotation_that_another_run_has_set_since_the_plan_is_not_taken_away() {
    let labelled = ACCOUNT.replace(
        "namespace: app",
        "namespace: app, labels: {tier: back}, annotations: {owner: me}",
    );
    let other_role = ACCOUNT.replace("policy/ReadOnlyAccess", "policy/AmazonS3ReadOnlyAccess");
    let annotated = other_role.replace("namespace: app", "namespace: app, annotations: {team: web}");
    for mine in [request(&file(&[&annotated])), deletion(&[("app", "web")])] {
        let (sandbox, _) = applied(&file(&[ACCOUNT])).await;
        let planned = plan(&sandbox, &mine).await;
        apply(&sandbox.another_process(), &request(&file(&[&labelled]))).await;
        let report = carry_out(&sandbox, &planned, &mine).await;
        let error = report
            .failed
            .iter()
            .find(|(step, _)| step.0.starts_with("service-account/"))
            .map(|(_, error)| error.to_string())
            .unwrap_or_default();
        assert!(error.contains("another run of eksact has set labels"), "{error}");
        let account = service_account(&sandbox, "app/web").unwrap();
        assert_eq!(account.labels.get("tier").map(String::as_str), Some("back"));
        assert_eq!(account.annotations.get("owner").map(String::as_str), Some("me"));
    }
}
