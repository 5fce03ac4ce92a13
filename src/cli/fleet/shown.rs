//! A run over many clusters as its flags have it: on stdout, and in files.

use crate::cli::{
    Failure,
    flags::{plan::Output, views::ViewFlags},
    run::{flow, views},
};
use eksact_core::{
    fleet::Outcome,
    view::{
        Printer, Style,
        apply_events::{fleet_ended_lines, fleet_plan_lines},
        fleet_html,
        fleet_human::{Run, fleet_human},
        fleet_json::fleet_json,
        fleet_markdown::fleet_markdown,
        fleet_sarif,
    },
};

const VERSION: &str = env!("CARGO_PKG_VERSION");
/// How wide what is in a file is for people, in characters.
const WIDTH: usize = 80;

/// The document of a run that is over, or whose plans are all there is.
pub(super) fn document(
    outcomes: &[Outcome],
    run: Run,
    output: Output,
    max_bytes: Option<usize>,
    style: Style,
) -> Result<String, Failure> {
    Ok(match output {
        Output::Human => fleet_human(outcomes, run, style),
        Output::Json => fleet_json(outcomes, run, VERSION)?,
        Output::Markdown => fleet_markdown(outcomes, run, max_bytes),
        Output::Html => fleet_html(outcomes, run, VERSION).map_err(|error| views::no_page(&error))?,
        Output::Sarif => fleet_sarif(outcomes, VERSION)?,
        Output::Ndjson => fleet_plan_lines(outcomes, VERSION)? + &fleet_ended_lines(outcomes, run)?,
    })
}

/// Shows the document on stdout.
pub(super) fn show(
    outcomes: &[Outcome],
    run: Run,
    output: Output,
    views: &ViewFlags,
    printer: &Printer,
) -> Result<(), Failure> {
    let text = document(outcomes, run, output, views.max_bytes, printer.stdout_style())?;
    flow::deliver(&text, printer)
}

/// Shows the plans of an apply before anything is changed. Its JSON is one document, which is written when it is over.
pub(super) fn show_before_apply(
    outcomes: &[Outcome],
    output: Output,
    views: &ViewFlags,
    printer: &Printer,
) -> Result<(), Failure> {
    match output {
        Output::Json => Ok(()),
        Output::Ndjson => flow::deliver(&fleet_plan_lines(outcomes, VERSION)?, printer),
        _ => show(outcomes, Run::Plan, output, views, printer),
    }
}

/// Shows how an apply ended, for machines: for people it is on stderr.
pub(super) fn show_after_apply(
    outcomes: &[Outcome],
    output: Output,
    views: &ViewFlags,
    printer: &Printer,
) -> Result<(), Failure> {
    match output {
        Output::Json => show(outcomes, Run::Apply, output, views, printer),
        Output::Ndjson => flow::deliver(&fleet_ended_lines(outcomes, Run::Apply)?, printer),
        _ => Ok(()),
    }
}

/// Writes the documents that go into files.
pub(super) fn write_views(outcomes: &[Outcome], run: Run, views: &ViewFlags) -> Result<(), Failure> {
    for (flag, path, output) in views.files() {
        let text = document(outcomes, run, output, views.max_bytes, Style::plain(WIDTH))?;
        views::write(flag, path, &text)?;
    }
    Ok(())
}
