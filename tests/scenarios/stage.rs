//! What every scenario needs: a simulated account, requests from the text of a file, and the road from a request to a
//! finished run, as the command line goes it.

use eksact_identity::service_account::ServiceAccountKey;
use std::fmt::Write as _;

use eksact_core::{
    config,
    diagnosis::planned_access::planned_access,
    engine::{ExecutionOptions, Interrupt, Plan, Report, Severity, StepError, execute},
    kinds::{
        self, Request, Runner, preflight, provider_intent::ProviderIntent, request::Settings,
        service_account_scope::ServiceAccountScope,
    },
    live::LiveReader,
    ports::{CallError, aws::Role, kubernetes::ServiceAccount},
    view::{Style, plan_human},
};
use eksact_simulation::laws::agreement::disagreement;
use eksact_simulator::{Sandbox, StackRecord, World};

use crate::scenarios::export::exports;

pub(crate) use eksact_simulation::world::{CLUSTER, REGION, cluster, fresh_world, sandbox};

/// The role of the service account of this name.
pub(crate) fn role_of<'world>(world: &'world mut World, account: &str) -> &'world mut Role {
    let ends = format!("/{account}");
    let is_its = |role: &&mut Role| {
        role.tags
            .get("alpha.eksctl.io/iamserviceaccount-name")
            .is_some_and(|name| name.ends_with(&ends))
    };
    world.roles.values_mut().find(is_its).unwrap()
}

/// The stack of the service account of this name.
pub(crate) fn record_of<'world>(world: &'world mut World, account: &str) -> &'world mut StackRecord {
    world
        .stacks
        .values_mut()
        .find(|record| record.stack.name.ends_with(account))
        .unwrap()
}

/// A service account of the only cluster.
pub(crate) fn service_account(sandbox: &Sandbox, key: &str) -> Option<ServiceAccount> {
    let mut world = sandbox.world().unwrap();
    cluster(&mut world).service_accounts.get(key).cloned()
}

/// A file with a provider and these service accounts, each the lines of one list item without its dash.
pub(crate) fn file(accounts: &[&str]) -> String {
    file_with("", accounts)
}

/// The same with more lines under `metadata`.
pub(crate) fn file_with(metadata: &str, accounts: &[&str]) -> String {
    let mut text = format!(
        "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata:\n  name: {CLUSTER}\n  region: {REGION}\n"
    );
    for line in metadata.lines() {
        writeln!(text, "  {line}").unwrap();
    }
    text.push_str("iam:\n  withOIDC: true\n");
    text.push_str(if accounts.is_empty() {
        "  serviceAccounts: []\n"
    } else {
        "  serviceAccounts:\n"
    });
    for account in accounts {
        for (number, line) in account.lines().enumerate() {
            text.push_str(if number == 0 { "    - " } else { "      " });
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

/// What a file asks for.
pub(crate) fn request(file: &str) -> Request {
    let loaded = config::load("cluster.yaml", file.as_bytes())
        .unwrap_or_else(|diagnostics| panic!("{diagnostics:#?}\n{file}"));
    Request::ensure(loaded.config, Settings::default())
}

/// The same in a run of its own: its writes are no repetitions of another run's.
pub(crate) fn again(request: &Request, run: u32) -> Request {
    let mut request = request.clone();
    request.settings.nonce = format!("run {run}");
    request
}

/// The same, removing what is no longer in the file.
pub(crate) fn pruning(mut request: Request) -> Request {
    request.settings.prune = true;
    request
}

/// A request that removes these service accounts.
pub(crate) fn deletion(keys: &[(&str, &str)]) -> Request {
    let mut request = request(&file(&[]));
    request.ask(ProviderIntent::Leave);
    request.ask(ServiceAccountScope {
        delete: keys
            .iter()
            .map(|(namespace, name)| ServiceAccountKey::new(*namespace, *name))
            .collect(),
        ..ServiceAccountScope::default()
    });
    request
}

/// Reads and plans, and what the plan marks is what somebody gains or loses by it.
pub(crate) async fn try_plan(sandbox: &Sandbox, request: &Request) -> Result<Plan, CallError> {
    let told = told_plan(sandbox, request).await?;
    Ok(Plan { access: None, ..told })
}

/// The same, with who gains and who loses what.
pub(crate) async fn told_plan(sandbox: &Sandbox, request: &Request) -> Result<Plan, CallError> {
    let cluster = &request.config.metadata.name.value;
    let reader = LiveReader::begin(sandbox.readers(), cluster).await?;
    let live = kinds::read(request, &reader).await;
    let (mut plan, after) = kinds::plan_with_outcome(request, &live).unwrap();
    plan.access = Some(planned_access(&live, &after, &plan));
    assert_eq!(disagreement(&plan), None, "{}", summary(&plan));
    Ok(plan)
}

/// Reads and plans, and nothing was written by it.
pub(crate) async fn plan(sandbox: &Sandbox, request: &Request) -> Plan {
    let before = sandbox.faults().writes().len();
    let plan = try_plan(sandbox, request).await.unwrap();
    assert_eq!(sandbox.faults().writes().len(), before, "planning writes nothing");
    plan
}

/// Carries a plan out.
pub(crate) async fn carry_out(sandbox: &Sandbox, plan: &Plan, request: &Request) -> Report {
    if let Err(error) = preflight::check(plan, sandbox.readers().kubernetes.as_ref()).await {
        let first = plan.steps.first().map(|step| step.id.clone());
        return Report {
            failed: first
                .into_iter()
                .map(|id| (id, StepError::new(error.to_string())))
                .collect(),
            ..Report::default()
        };
    }
    let runner = Runner::new(sandbox.readers(), sandbox.writers(), request.settings.timeout);
    let (_sender, interrupt) = tokio::sync::watch::channel(Interrupt::None);
    execute(plan, &runner, ExecutionOptions::default(), &|_| {}, interrupt).await
}

/// Plans and carries it out, as far as it goes: a dead process cannot plan.
pub(crate) async fn attempt(sandbox: &Sandbox, request: &Request) -> Option<Report> {
    let plan = try_plan(sandbox, request).await.ok()?;
    if !plan.may_be_applied() {
        return None;
    }
    Some(carry_out(sandbox, &plan, request).await)
}

/// Plans and carries it out, which succeeds.
pub(crate) async fn apply(sandbox: &Sandbox, request: &Request) -> Plan {
    let plan = plan(sandbox, request).await;
    let errors: Vec<_> = plan.findings_of(Severity::Error).collect();
    assert!(errors.is_empty() && plan.may_be_applied(), "{:#?}", plan.findings);
    let report = carry_out(sandbox, &plan, request).await;
    assert!(report.succeeded(), "{report:#?}\n{}", human(&plan));
    plan
}

/// Nothing is left to do.
pub(crate) async fn assert_settled(sandbox: &Sandbox, request: &Request, context: &str) {
    let planned = plan(sandbox, request).await;
    assert!(!planned.has_changes(), "{context}\n{}", human(&planned));
    // What was applied can be exported, where all of it can be read; by a process whose calls count for no test.
    exports(&sandbox.another_process(), &request.config.metadata.name.value).await;
}

/// A sandbox in which a file has been applied.
pub(crate) async fn applied(file: &str) -> (Sandbox, Request) {
    let sandbox = sandbox(fresh_world());
    let request = request(file);
    apply(&sandbox, &request).await;
    assert_settled(&sandbox, &request, "after the first apply").await;
    sandbox.faults().forget_calls();
    (sandbox, request)
}

/// A plan as people see it, 80 columns wide and without colour.
pub(crate) fn human(plan: &Plan) -> String {
    plan_human(plan, Some("cluster.yaml"), Style::plain(80))
}

/// Address, action, first reason's code and the parts of the steps of every change, one line each; then the findings.
pub(crate) fn summary(plan: &Plan) -> String {
    let mut text = String::new();
    for change in &plan.changes {
        let reasons: Vec<&str> = change.reasons.iter().map(|reason| reason.code.as_str()).collect();
        writeln!(
            text,
            "{} {:?} {}",
            change.address,
            change.action,
            reasons.join(" ")
        )
        .unwrap();
        for step in plan.steps.iter().filter(|step| step.address == change.address) {
            writeln!(text, "    {}", step.title).unwrap();
        }
    }
    for finding in &plan.findings {
        writeln!(
            text,
            "{:?} {}: {}",
            finding.severity, finding.code, finding.message
        )
        .unwrap();
    }
    if text.is_empty() {
        text.push_str("nothing\n");
    }
    text
}

/// The name of a table's row as that of a file.
pub(crate) fn file_name(row: &str) -> String {
    let words = row.split(|character: char| !character.is_ascii_alphanumeric());
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    words.join("-").to_lowercase()
}

/// Compares what a row of a table leads to with a snapshot of its own, in the folder of the table.
macro_rules! assert_row {
    ($table:literal, $row:expr, $text:expr) => {
        insta::with_settings!({
            snapshot_path => concat!("snapshots/", $table),
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, { insta::assert_snapshot!(crate::scenarios::stage::file_name($row), $text) });
    };
}
pub(crate) use assert_row;
