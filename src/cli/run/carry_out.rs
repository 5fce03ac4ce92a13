//! A plan is carried out: its events as progress and as lines, and what ends it early.

use std::sync::{Mutex, PoisonError};

use etcetera::BaseStrategy as _;

use super::{interrupt::Listener, wiring::Connection};
use crate::cli::flags::plan::Output;
use eksact_core::{
    engine::{Event, ExecutionOptions, Plan, Report, execute},
    fleet::ClusterId,
    kinds::{Request, Runner},
    view::{Printer, ProgressView, apply_events},
};

/// The user's folder for what must outlive a run: `XDG_STATE_HOME`, else `~/.local/state`; on macOS and Windows, which have
/// no such folder, the one for data.
pub(crate) fn state_folder() -> Option<std::path::PathBuf> {
    let folders = etcetera::base_strategy::choose_native_strategy().ok()?;
    Some(
        folders
            .state_dir()
            .unwrap_or_else(|| folders.data_dir())
            .join("eksact"),
    )
}

/// Whether the events of a run go to stdout, line by line.
#[derive(Clone, Copy)]
pub(crate) enum Told<'run> {
    /// They do not.
    No,
    /// They do; of many clusters, with that of this run.
    Lines(Option<&'run ClusterId>),
}

impl Told<'_> {
    /// Of one cluster.
    pub(crate) fn by(output: Output) -> Self {
        if output == Output::Ndjson {
            Self::Lines(None)
        } else {
            Self::No
        }
    }
}

/// Carries a plan out. `stop` may ask the listener to end it before its end, as a signal does.
pub(crate) async fn carry_out(
    plan: &Plan,
    request: &Request,
    connection: &Connection,
    told: Told<'_>,
    printer: &Printer,
    stop: impl AsyncFnOnce(&Listener),
) -> (Report, Vec<Event>) {
    let runner = Runner::new(
        connection.readers.clone(),
        connection.writers.clone(),
        request.settings.timeout,
    )
    .with_state_folder(state_folder());
    let (listener, interrupt) = Listener::begin();
    let view = ProgressView::new(printer.clone());
    let events = Mutex::new(Vec::new());
    let tell = |event: Event| {
        view.show(&event);
        if let Told::Lines(cluster) = told
            && let Ok(line) = apply_events::event_line(&event, cluster)
        {
            // A reader that has gone changes nothing of what is done.
            let _ = printer.data(&line);
        }
        events.lock().unwrap_or_else(PoisonError::into_inner).push(event);
    };
    let report = {
        let run = execute(plan, &runner, ExecutionOptions::default(), &tell, interrupt);
        tokio::pin!(run);
        tokio::select! {
            report = &mut run => report,
            () = stop(&listener) => run.await,
        }
    };
    (
        report,
        events.into_inner().unwrap_or_else(PoisonError::into_inner),
    )
}
