//! The one road of every command that changes something: read, plan, show, ask, check, carry out, report.

use eksact_core::kinds::runner::run_again;
use std::{
    collections::BTreeSet,
    io::IsTerminal as _,
    path::Path,
    time::{Duration, Instant},
};

use super::{
    carry_out::{Told, carry_out},
    interrupt::Listener,
    saved_plan,
    wiring::Connection,
};
use crate::cli::{
    ExitCode, Failure,
    flags::{
        global::GlobalFlags,
        plan::{Output, PlanFlags},
    },
    texts::shell,
};
use clap::Args;
use eksact_core::{
    config::ClusterConfig,
    diagnosis::planned_access::planned_access,
    engine::{Event, Plan, Report, Severity, StepFailure},
    guard::broadening,
    kinds::{self, Request, preflight},
    live::LiveReader,
    saved::SavedPlan,
    view::{
        OutputError, Printer, apply_events,
        apply_json::apply_json,
        confirm,
        report::{self, Rest},
    },
};

/// A plan that was shown and approved within this time is carried out as it is; an older one is made again first.
const FRESH: Duration = Duration::from_secs(10);

/// Flags of commands that change something.
#[derive(Clone, Copy, Debug, Default, Args)]
#[command(next_help_heading = "Approval")]
pub(crate) struct ApprovalFlags {
    /// Apply without asking
    #[arg(short, long, alias = "auto-approve")]
    pub yes: bool,
    /// The same, under eksctl's name
    #[arg(long)]
    pub approve: bool,
}

impl ApprovalFlags {
    pub(crate) fn given(self) -> bool {
        self.yes || self.approve
    }
}

/// Reads what is live and plans.
pub(crate) async fn plan_for(
    request: &Request,
    connection: &Connection,
    printer: &Printer,
) -> Result<Plan, Failure> {
    let reader = reader(connection, &request.config, printer).await?;
    plan_over(&reader, request).await
}

/// Begins a reading of the cluster, which notes what is waited for.
pub(crate) async fn reader(
    connection: &Connection,
    config: &ClusterConfig,
    printer: &Printer,
) -> Result<LiveReader, Failure> {
    let printer = printer.clone();
    let reader = LiveReader::begin(connection.readers.clone(), &config.metadata.name.value).await?;
    Ok(reader.with_notice(move |text| printer.note(text)))
}

/// Plans over what is read, and what was read before.
async fn plan_over(reader: &LiveReader, request: &Request) -> Result<Plan, Failure> {
    // On the heap: what is read of every kind at once would make the future of each command large.
    let live = Box::pin(kinds::read(request, reader)).await;
    let (mut plan, after) = kinds::plan_with_outcome(request, &live)?;
    plan.access = Some(planned_access(&live, &after, &plan));
    Ok(plan)
}

/// Shows a saved plan, whose digest is known.
pub(crate) fn show_saved(
    saved: &SavedPlan,
    plan: &Plan,
    flags: &PlanFlags,
    printer: &Printer,
) -> Result<(), Failure> {
    let file = file_of(&saved.request);
    deliver(&flags.shown(plan, saved.digest(), file, printer)?, printer)
}

/// What people approve the plan by, as far as these flags show it: the digest that `apply PLAN --expect` takes. A plan that cannot be
/// saved, since it was made of what its command had read, has only its own.
fn digest_for(plan: &Plan, request: &Request, flags: &PlanFlags) -> String {
    if flags.views.write_anything() || matches!(flags.output, Output::Markdown | Output::Html | Output::Sarif)
    {
        SavedPlan::new(plan, request).map_or_else(|_| plan.digest(), |saved| saved.digest().to_owned())
    } else {
        String::new()
    }
}

/// The configuration as the user named it; none where the plan comes from flags.
pub(crate) fn file_of(request: &Request) -> Option<&str> {
    let location = request.config.metadata.name.location.as_ref();
    location.map(|location| location.file.as_ref())
}

/// Data for stdout. A reader that has gone (`eksact apply --yes | head`) changes neither what is done nor the exit code.
pub(crate) fn deliver(text: &str, printer: &Printer) -> Result<(), Failure> {
    match printer.data(text) {
        Ok(()) | Err(OutputError::ReaderGone) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Plans, shows the plan, and ends: nothing is changed. `global` are the flags that led here.
pub(crate) async fn plan_only(
    request: &Request,
    connection: &Connection,
    flags: &PlanFlags,
    detailed: bool,
    out: Option<&Path>,
    global: &GlobalFlags,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    let plan = plan_for(request, connection, printer).await?;
    let saved = match out {
        Some(file) => Some((file, saved_plan::save(file, &plan, request)?)),
        None => None,
    };
    let (document, digest) = match &saved {
        Some((_, saved)) => (Some(saved.document()), saved.digest().to_owned()),
        None => (None, digest_for(&plan, request, flags)),
    };
    let source = file_of(request);
    flags.views.write(&plan, &digest, source, document)?;
    match document {
        Some(document) if flags.output == Output::Json => deliver(document, printer)?,
        _ => deliver(&flags.shown(&plan, &digest, source, printer)?, printer)?,
    }
    if let Some((file, saved)) = &saved {
        printer.status(&saved_plan::told(file, saved, global));
    }
    if plan.findings_of(Severity::Error).next().is_some() {
        return Err(could_not_be_planned(&plan));
    }
    Ok(if !plan.may_be_applied() {
        ExitCode::Refused
    } else if detailed && plan.has_changes() {
        ExitCode::Changes
    } else {
        ExitCode::Success
    })
}

/// The whole road.
pub(crate) async fn apply(
    request: &Request,
    connection: &Connection,
    flags: &PlanFlags,
    approval: ApprovalFlags,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    let plan = plan_for(request, connection, printer).await?;
    apply_plan(plan, request, connection, flags, approval, &[], printer).await
}

/// The same where the request was made of what `reader` has read: nothing of it is read again to plan.
pub(crate) async fn apply_over(
    reader: &LiveReader,
    request: &Request,
    connection: &Connection,
    flags: &PlanFlags,
    approval: ApprovalFlags,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    apply_choice_over(reader, request, connection, flags, approval, &[], printer).await
}

/// The same for a command that chose something by itself: where there is no terminal to ask on, the command to run with
/// approval names the choice by these further arguments, so that it approves what was shown.
pub(crate) async fn apply_choice_over(
    reader: &LiveReader,
    request: &Request,
    connection: &Connection,
    flags: &PlanFlags,
    approval: ApprovalFlags,
    chosen: &[String],
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    let plan = plan_over(reader, request).await?;
    apply_plan(plan, request, connection, flags, approval, chosen, printer).await
}

/// From a plan that was just made to its end.
async fn apply_plan(
    plan: Plan,
    request: &Request,
    connection: &Connection,
    flags: &PlanFlags,
    approval: ApprovalFlags,
    chosen: &[String],
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    let planned = Instant::now();
    // What is planned and applied in one run has no digest that was approved before.
    let plan = &broadening::when_applied(plan, &request.broadening_rule(), false);
    let json = flags.output == Output::Json;
    let (digest, file) = (digest_for(plan, request, flags), file_of(request));
    let show = || deliver(&flags.shown(plan, &digest, file, printer)?, printer);
    flags.views.write(plan, &digest, file, None)?;
    if !json {
        show()?;
    }
    if !plan.may_be_applied() {
        if json {
            show()?;
        }
        return Err(refused(plan));
    }
    if !plan.has_changes() {
        return unchanged(plan, flags, printer);
    }
    if !approval.given() {
        if json {
            // Without approval the plan is all there is to show; the document of an apply has a report besides.
            show()?;
        }
        let approval = [chosen, &["--yes".to_owned()]].concat();
        let asked = ask(QUESTION, json || flags.output == Output::Ndjson, &approval)?;
        if !asked {
            printer.status("Nothing was changed.\n");
            return Ok(ExitCode::NotApproved);
        }
        if planned.elapsed() > FRESH {
            still_true(request, connection, plan, printer).await?;
        }
    }
    preflight::check(plan, connection.readers.kubernetes.as_ref()).await?;
    let never = async |_: &Listener| std::future::pending().await;
    let told = Told::by(flags.output);
    let (report, events) = carry_out(plan, request, connection, told, printer, never).await;
    ended(plan, &report, &events, &Rest::SameCommand, flags, printer)
}

/// The end of an apply that had nothing to do.
pub(crate) fn unchanged(plan: &Plan, flags: &PlanFlags, printer: &Printer) -> Result<ExitCode, Failure> {
    let report = Report::default();
    flags.views.write_apply(plan, &report, &[])?;
    match flags.output {
        Output::Json => deliver(&apply_json(plan, &report, &[])?, printer)?,
        Output::Ndjson => deliver(&apply_events::report_line(plan, &report, &[], None)?, printer)?,
        _ => {}
    }
    all_was_planned(plan)
}

/// The end of an apply: how it went, on the terminal or as documents, and what the exit code says.
pub(crate) fn ended(
    plan: &Plan,
    report: &Report,
    events: &[Event],
    rest: &Rest,
    flags: &PlanFlags,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    let code = code_of(report);
    if !matches!(flags.output, Output::Json | Output::Ndjson) {
        printer.always(&report::report(plan, report, rest, printer.stderr_style()));
    }
    // Whatever becomes of the documents, how the run ended is what the exit code says first.
    let ended = |failure: Failure| failure.with_code(code.or(ExitCode::Error));
    flags.views.write_apply(plan, report, events).map_err(ended)?;
    match flags.output {
        Output::Json => deliver(&apply_json(plan, report, events)?, printer).map_err(ended)?,
        Output::Ndjson => {
            deliver(&apply_events::report_line(plan, report, events, None)?, printer).map_err(ended)?;
        }
        _ => {}
    }
    if code == ExitCode::Success {
        return all_was_planned(plan);
    }
    Ok(code)
}

/// What went well is all there is, unless some object could not even be planned.
fn all_was_planned(plan: &Plan) -> Result<ExitCode, Failure> {
    if plan.findings_of(Severity::Error).next().is_some() {
        return Err(could_not_be_planned(plan));
    }
    Ok(ExitCode::Success)
}

/// How a run ends the program.
pub(crate) fn code_of(report: &Report) -> ExitCode {
    if report.interrupted {
        return ExitCode::Interrupted;
    }
    if report.succeeded() {
        return ExitCode::Success;
    }
    // What was given up in flight may have taken effect.
    if !report.done.is_empty() || !report.unknown.is_empty() {
        return ExitCode::Partial;
    }
    if report.failed.is_empty() {
        return ExitCode::Error;
    }
    let all = |causes: &[StepFailure]| {
        let mut failed = report.failed.iter();
        failed.all(|(_, error)| causes.contains(&error.cause))
    };
    if all(&[StepFailure::Guarded]) {
        ExitCode::Refused
    } else if all(&[StepFailure::Guarded, StepFailure::Moved]) {
        ExitCode::Stale
    } else {
        ExitCode::Error
    }
}

/// The last word where a guard refuses a plan.
pub(crate) fn refused(plan: &Plan) -> Failure {
    let codes: BTreeSet<&str> = plan
        .findings_of(Severity::Refusal)
        .map(|finding| finding.code.as_str())
        .collect();
    let codes: Vec<&str> = codes.into_iter().collect();
    Failure::error(format!(
        "a guard refuses the plan ({}); nothing was changed",
        codes.join(", ")
    ))
    .with_code(ExitCode::Refused)
}

/// The last word of a run in which some objects could not even be planned: what stands above it is not all there is.
pub(crate) fn could_not_be_planned(plan: &Plan) -> Failure {
    let codes: BTreeSet<&str> = plan
        .findings_of(Severity::Error)
        .map(|finding| finding.code.as_str())
        .collect();
    let codes: Vec<&str> = codes.into_iter().collect();
    Failure::error(match plan.findings_of(Severity::Error).count() {
        1 => format!("1 object could not be planned ({})", codes.join(", ")),
        count => format!("{count} objects could not be planned ({})", codes.join(", ")),
    })
    .with_help(remedy!("The plan says why, and what to do about each."))
}

/// What an apply of one plan asks.
pub(crate) const QUESTION: &str = "Apply these changes? [y/N] ";

/// Asks on the terminal. Without one a script would take the plan for the deed, so that is refused:
/// the command with these further words approves what was shown.
pub(crate) fn ask(question: &str, is_for_machines: bool, approval: &[String]) -> Result<bool, Failure> {
    if is_for_machines || !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        let arguments = std::env::args_os().skip(1);
        let mut arguments: Vec<String> = arguments
            .map(|word| word.to_string_lossy().into_owned())
            .collect();
        arguments.extend(approval.iter().cloned());
        let command = shell::joined(&arguments);
        return Err(
            Failure::error("the plan was not applied: there is no terminal to ask on")
                .with_help(remedy!("To apply it, run: eksact {command}"))
                .with_code(ExitCode::NotApproved),
        );
    }
    confirm(question).map_err(|error| Failure::error(format!("the answer could not be read: {error}")))
}

/// Plans again and stops when that is another plan: what was approved is what is done. Time that only passed makes no other plan.
pub(crate) async fn still_true(
    request: &Request,
    connection: &Connection,
    approved: &Plan,
    printer: &Printer,
) -> Result<(), Failure> {
    let reader = reader(connection, &request.config, printer).await?;
    let mut live = Box::pin(kinds::read(request, &reader)).await;
    kinds::keep_what_grew_old(approved, &mut live);
    let now = kinds::plan(request, &live)?;
    if now.digest() == approved.digest() {
        return not_refused_by_now(&broadening::when_applied(now, &request.broadening_rule(), false));
    }
    let moved: Vec<String> = approved
        .changes
        .iter()
        .filter(|change| {
            now.changes
                .iter()
                .find(|other| other.address == change.address)
                .map(|other| &other.fingerprint)
                != Some(&change.fingerprint)
        })
        .map(|change| change.address.to_string())
        .chain(
            now.changes
                .iter()
                .filter(|change| {
                    !approved
                        .changes
                        .iter()
                        .any(|other| other.address == change.address)
                })
                .map(|change| change.address.to_string()),
        )
        .collect();
    Err(Failure::error(format!(
        "the live state changed while the plan waited for approval ({}); nothing was changed",
        if moved.is_empty() {
            "a new plan would differ".to_owned()
        } else {
            moved.join(", ")
        }
    ))
    .with_help(run_again())
    .with_code(ExitCode::Stale))
}

/// The same steps, and yet a guard may refuse them by now: an administrator beside the one who goes may be gone, too.
fn not_refused_by_now(now: &Plan) -> Result<(), Failure> {
    if now.may_be_applied() {
        return Ok(());
    }
    let why: Vec<String> = now
        .findings_of(Severity::Refusal)
        .map(|finding| format!("{}: {}", finding.code.as_str(), finding.message))
        .collect();
    Err(Failure::error(format!(
        "the live state changed while the plan waited for approval, and a guard refuses it now ({}); nothing was changed",
        why.join("; ")
    ))
    .with_help(run_again())
    .with_code(ExitCode::Refused))
}

#[cfg(test)]
mod tests;
