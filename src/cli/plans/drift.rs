//! `eksact plan --drift-only`: what was changed since it was applied, for a job that looks every night.

use crate::cli::{
    ExitCode, Failure,
    flags::plan::PlanFlags,
    run::{flow, wiring::Connection},
};
use eksact_core::{
    engine::{Severity, drift},
    kinds::Request,
    view::Printer,
};

/// Shows the drift, and says by the exit code whether there is any. What could not be read may be drift: it is never a success.
pub(crate) async fn show(
    request: &Request,
    connection: &Connection,
    flags: &PlanFlags,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    let plan = flow::plan_for(request, connection, printer).await?;
    let (drift, left_out) = drift::of(&plan);
    // It is no plan to approve: its digest is not that of a saved plan.
    let digest = drift.digest();
    let file = flow::file_of(request);
    flags.views.write(&drift, &digest, file, None)?;
    flow::deliver(&flags.shown(&drift, &digest, file, printer)?, printer)?;
    if !left_out.is_empty() {
        let names: Vec<String> = left_out.iter().map(ToString::to_string).collect();
        printer.note(&format!(
            "not shown, because the file asks for it and nothing says that someone changed it: {}; without --drift-only the plan \
             has all",
            names.join(", ")
        ));
    }
    if drift.findings_of(Severity::Error).next().is_some() {
        return Err(flow::could_not_be_planned(&drift));
    }
    Ok(if drift.has_changes() {
        ExitCode::Drift
    } else if !drift.may_be_applied() {
        ExitCode::Refused
    } else {
        ExitCode::Success
    })
}
