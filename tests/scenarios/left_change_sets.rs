//! Change sets that a run left which was killed between making and executing one: found, shown and deleted by the next, and
//! nobody else's.

use std::time::Duration;

use eksact_core::{
    kinds::Request,
    ports::{
        CallErrorKind,
        aws::{ChangeSetRequest, ChangeSetWriter as _},
    },
};
use eksact_simulator::{ChangeSetRecord, Fault, Matching, Rule, Sandbox};

use crate::scenarios::{
    saved_plans::{apply_in, saved},
    stage::{
        again, applied, apply, assert_settled, attempt, carry_out, file, fresh_world, human, plan, record_of,
        request, sandbox, summary,
    },
};

const HOUR: Duration = Duration::from_hours(1);
const READS: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";
const WRITES: &str = "arn:aws:iam::aws:policy/PowerUserAccess";

fn account(name: &str, policy: &str) -> String {
    format!("metadata: {{name: {name}, namespace: app}}\nattachPolicyARNs: ['{policy}']")
}

/// A role as the file says; and the same after a run that was to change it, and was killed once its change set was there.
async fn killed() -> (Sandbox, Request) {
    let (bed, before) = applied(&file(&[&account("web", READS)])).await;
    let wanted = again(&request(&file(&[&account("web", WRITES)])), 1);
    let action = Matching::Action("CreateChangeSet".to_owned());
    bed.faults().add(Rule::once(action, 1, Fault::CrashAfter));
    assert!(!attempt(&bed, &wanted).await.unwrap().succeeded());
    assert_eq!(waiting(&bed).len(), 1);
    (bed.another_process(), before)
}

/// The change sets that are not executed.
fn waiting(bed: &Sandbox) -> Vec<ChangeSetRecord> {
    let change_sets = bed.world().unwrap().change_sets.into_values();
    change_sets
        .filter(|change_set| !change_set.execution_status.starts_with("EXECUTE"))
        .collect()
}

/// Made as a run or another tool makes one.
async fn change_set_of(bed: &Sandbox, name: &str) -> String {
    let mut world = bed.world().unwrap();
    let stack = record_of(&mut world, "web").clone();
    let wanted = ChangeSetRequest {
        stack: stack.stack.id.clone(),
        name: name.to_owned(),
        template_body: stack.template.replace(READS, WRITES),
        tags: stack.stack.tags.into_iter().collect(),
        capabilities: stack.stack.capabilities,
        service_role_arn: None,
        client_request_token: name.to_owned(),
    };
    bed.create_change_set(&wanted).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn left_change_set_is_deleted_although_the_file_went_back() {
    let (bed, before) = killed().await;
    let before = again(&before, 2);
    let [left]: [ChangeSetRecord; 1] = waiting(&bed).try_into().unwrap();
    let (name, made) = (left.name, left.created.unwrap().strftime("%Y-%m-%d %H:%M:%SZ"));

    let early = plan(&bed, &before).await;
    assert!(!early.has_changes(), "{}", human(&early));
    assert_eq!(
        summary(&early),
        format!(
            "Note change-set-kept: the stack eksctl-prod-addon-iamserviceaccount-app-web has the change set {name} (made \
             {made}) of another run of eksact, which is at work or was ended: the next apply deletes it once it is 1 h \
             old\n"
        )
    );

    tokio::time::advance(HOUR).await;
    let late = plan(&bed, &before).await;
    assert_eq!(
        summary(&late),
        format!(
            "iam-role/app/web Update change-set-left\n    delete change set {name} of stack \
             eksctl-prod-addon-iamserviceaccount-app-web, which a run left\n"
        )
    );
    apply(&bed, &before).await;
    assert!(waiting(&bed).is_empty());
    assert_settled(&bed, &before, "once it is deleted").await;
}

/// Executing the one of the update deletes it, so that its own step finds nothing more to do.
#[tokio::test(start_paused = true)]
async fn left_change_set_goes_with_the_change_of_the_stack() {
    let (bed, _) = killed().await;
    tokio::time::advance(HOUR).await;
    let wanted = again(&request(&file(&[&account("web", WRITES)])), 2);
    let made = apply(&bed, &wanted).await;
    let titles: Vec<&str> = made.steps.iter().map(|step| step.title.as_str()).collect();
    assert!(titles[0].starts_with("update stack "), "{titles:?}");
    assert!(
        titles[1].starts_with("delete change set eksact-update-"),
        "{titles:?}"
    );
    assert!(made.steps[0].depends_on.is_empty(), "no change waits for it");
    let writes: Vec<String> = bed
        .faults()
        .writes()
        .into_iter()
        .map(|call| call.action)
        .collect();
    assert_eq!(
        writes,
        ["CreateChangeSet", "ExecuteChangeSet"],
        "which deletes the others"
    );
    assert!(waiting(&bed).is_empty());
    assert_settled(&bed, &wanted, "after both").await;
}

/// What was too young when a plan was saved is old when it is applied: time alone moves nothing.
#[tokio::test(start_paused = true)]
async fn change_set_that_only_grew_old_makes_no_saved_plan_stale() {
    let (bed, _) = killed().await;
    let more = request(&file(&[&account("web", READS), &account("more", READS)]));
    let early = saved(&bed, &more).await;
    tokio::time::advance(HOUR).await;
    let ended = apply_in(&bed, &early, "later", false).await;
    assert!(ended.is_applied(), "{ended:?}");
    assert_eq!(waiting(&bed).len(), 1);
    let late = summary(&plan(&bed, &more).await);
    assert!(late.contains("change-set-left"), "{late}");
}

/// A run is at work: its change set is seconds old, and it executes it after the other one has planned and applied.
#[tokio::test(start_paused = true)]
async fn change_set_of_a_run_at_work_is_kept() {
    let (bed, before) = applied(&file(&[&account("web", READS)])).await;
    let id = change_set_of(&bed, &format!("eksact-update-{}", "0a".repeat(16))).await;
    tokio::time::advance(Duration::from_secs(10)).await;
    let other = bed.another_process();
    apply(&other, &again(&before, 2)).await;
    assert!(other.faults().writes().is_empty());
    bed.execute_change_set(&id, "at work").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn change_sets_of_others_are_kept_however_old() {
    let (bed, before) = applied(&file(&[&account("web", READS)])).await;
    for name in [
        "updating-policy-0f61ba87-44b9-4d3a-8d1b-6d0d9f9b1a52",
        "eksact-update-by-hand",
        "review",
    ] {
        change_set_of(&bed, name).await;
    }
    tokio::time::advance(100 * HOUR).await;
    let planned = plan(&bed, &before).await;
    assert_eq!(summary(&planned), "nothing\n");
    assert_eq!(waiting(&bed).len(), 3);
}

/// Somebody executed it between the plan and the apply: the stack is not what was planned for.
#[tokio::test(start_paused = true)]
async fn left_change_set_that_is_executed_meanwhile_stops_the_step() {
    let (bed, before) = killed().await;
    tokio::time::advance(HOUR).await;
    let before = again(&before, 2);
    let planned = plan(&bed, &before).await;
    let id = bed.world().unwrap().change_sets.keys().next().unwrap().clone();
    bed.execute_change_set(&id, "by hand").await.unwrap();
    let report = carry_out(&bed, &planned, &before).await;
    let [(_, error)] = report.failed.as_slice() else {
        panic!("{report:#?}")
    };
    assert!(
        error.message.contains("was executed since the plan was made"),
        "{error}"
    );
}

/// One that is gone since the plan was made is as wanted.
#[tokio::test(start_paused = true)]
async fn left_change_set_that_is_deleted_meanwhile_is_done() {
    let (bed, before) = killed().await;
    tokio::time::advance(HOUR).await;
    let before = again(&before, 2);
    let planned = plan(&bed, &before).await;
    bed.edit(|world| world.change_sets.clear()).unwrap();
    assert!(carry_out(&bed, &planned, &before).await.succeeded());
}

/// Who may not list them plans as before, and is told.
#[tokio::test(start_paused = true)]
async fn change_sets_that_may_not_be_listed_hinder_nothing() {
    let (bed, before) = killed().await;
    let action = Matching::Action("ListChangeSets".to_owned());
    bed.faults().add(Rule::once(
        action,
        1,
        Fault::ErrorBefore(CallErrorKind::AccessDenied),
    ));
    let planned = plan(&bed, &before).await;
    assert!(!planned.has_changes());
    let text = summary(&planned);
    assert!(text.starts_with("Note change-sets-unreadable: "), "{text}");
    assert!(
        human(&planned).contains("cloudformation:ListChangeSets"),
        "{}",
        human(&planned)
    );
}

/// Eleven roles, the first with this policy.
fn eleven(policy_of_first: &str) -> Request {
    let names: Vec<String> = (0..11).map(|number| format!("web-{number}")).collect();
    let accounts = names.iter().enumerate().map(|(number, name)| match number {
        0 => account(name, policy_of_first),
        _ => account(name, READS),
    });
    let accounts: Vec<String> = accounts.collect();
    let accounts: Vec<&str> = accounts.iter().map(String::as_str).collect();
    request(&file(&accounts))
}

/// Of many roles only those that differ are looked at, where the listing of the stacks says nothing of new change sets.
#[tokio::test(start_paused = true)]
async fn stacks_that_change_are_asked_about_alone() {
    let bed = sandbox(fresh_world());
    let before = eleven(READS);
    apply(&bed, &before).await;
    plan(&bed, &before).await;
    assert_eq!(bed.faults().count("ListChangeSets"), 0);
    plan(&bed, &eleven(WRITES)).await;
    assert_eq!(bed.faults().count("ListChangeSets"), 1);
}

/// A run that was to change one of many roles was killed, and the file went back: the listing of the stacks shows which.
#[tokio::test(start_paused = true)]
async fn unchanged_stack_with_a_new_change_set_is_cleaned_up_among_many() {
    let bed = sandbox(fresh_world());
    let before = eleven(READS);
    apply(&bed, &before).await;
    let action = Matching::Action("CreateChangeSet".to_owned());
    bed.faults().add(Rule::once(action, 1, Fault::CrashAfter));
    attempt(&bed, &again(&eleven(WRITES), 1)).await.unwrap();
    tokio::time::advance(HOUR).await;
    let next = bed.another_process();
    let before = again(&before, 2);
    let planned = apply(&next, &before).await;
    assert_eq!(next.faults().count("ListChangeSets"), 1);
    assert_eq!(planned.changes.len(), 1, "{}", human(&planned));
    assert!(waiting(&next).is_empty());
    assert_settled(&next, &before, "once it is deleted").await;
}

/// A policy of a ClusterAccess with this action.
fn policy(action: &str) -> Request {
    request(&format!(
        "{}---\napiVersion: eksact.dev/v1alpha1\nkind: ClusterAccess\npolicies:\n  - name: logs\n    document: {{Version: \
         '2012-10-17', Statement: [{{Effect: Allow, Action: '{action}', Resource: '*'}}]}}\n",
        file(&[])
    ))
}

#[tokio::test(start_paused = true)]
async fn left_change_set_of_a_policy_is_deleted_although_the_file_went_back() {
    let bed = sandbox(fresh_world());
    let before = policy("logs:Get*");
    apply(&bed, &before).await;
    let action = Matching::Action("CreateChangeSet".to_owned());
    bed.faults().add(Rule::once(action, 1, Fault::CrashAfter));
    attempt(&bed, &again(&policy("logs:*"), 1)).await.unwrap();
    assert_eq!(waiting(&bed).len(), 1);
    tokio::time::advance(HOUR).await;
    let bed = bed.another_process();
    let before = again(&before, 2);
    let planned = apply(&bed, &before).await;
    let text = summary(&planned);
    assert!(
        text.starts_with("managed-policy/logs Update change-set-left\n"),
        "{text}"
    );
    assert!(waiting(&bed).is_empty());
    assert_settled(&bed, &before, "once it is deleted").await;
}

/// The same where the file stays: the change set goes with the change.
#[tokio::test(start_paused = true)]
async fn left_change_set_of_a_policy_goes_with_its_change() {
    let bed = sandbox(fresh_world());
    apply(&bed, &policy("logs:Get*")).await;
    let action = Matching::Action("CreateChangeSet".to_owned());
    bed.faults().add(Rule::once(action, 1, Fault::CrashAfter));
    attempt(&bed, &again(&policy("logs:*"), 1)).await.unwrap();
    tokio::time::advance(HOUR).await;
    let bed = bed.another_process();
    let wanted = again(&policy("logs:*"), 2);
    apply(&bed, &wanted).await;
    assert!(waiting(&bed).is_empty());
    assert_settled(&bed, &wanted, "after both").await;
}
