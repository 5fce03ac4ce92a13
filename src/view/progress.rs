//! Progress of an apply on stderr, made of the executor's events: on a terminal one line per step in flight, with ended
//! ones above; elsewhere plain lines at the start and the end of each step.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::{
    board::Board,
    page::{Page, Span},
    plan_findings::write_help,
    printer::{Level, Printer},
    style::{Label, Style},
    text::{counted, duration},
};
use crate::engine::{Event, EventKind};

/// How often the lines in flight are drawn anew.
const TICK: Duration = Duration::from_millis(100);
const SPINNER: [&str; 4] = ["-", "\\", "|", "/"];

/// Shows the events of one run. Shared by reference between threads; dropping it clears what it draws.
#[derive(Debug)]
pub struct ProgressView {
    printer: Printer,
    board: Arc<Mutex<Board>>,
    bar: Option<ProgressBar>,
}

impl ProgressView {
    /// A view for the run that begins now.
    pub fn new(printer: Printer) -> Self {
        let board = Arc::new(Mutex::new(Board::default()));
        let drawn = printer.stderr_is_terminal() && printer.level() >= Level::Normal;
        let bar = drawn.then(|| bar(Arc::clone(&board), printer.stderr_style()));
        Self { printer, board, bar }
    }

    /// Shows what happened.
    pub fn show(&self, event: &Event) {
        let mut board = self.board.lock().unwrap_or_else(PoisonError::into_inner);
        let text = event_lines(event, &board, self.look());
        board.update(event);
        drop(board);
        if !text.is_empty() {
            match &self.bar {
                Some(bar) => bar.suspend(|| self.printer.always(&text)),
                None => self.printer.always(&text),
            }
        }
        if let (EventKind::RunFinished { .. }, Some(bar)) = (&event.kind, &self.bar) {
            bar.finish_and_clear();
        }
    }

    fn look(&self) -> Look {
        Look {
            style: self.printer.stderr_style(),
            level: self.printer.level(),
            live: self.bar.is_some(),
        }
    }
}

impl Drop for ProgressView {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// One bar that draws the whole board, so that lines come and go without a bar for each.
fn bar(board: Arc<Mutex<Board>>, style: Style) -> ProgressBar {
    let begun = Instant::now();
    let draw = move |_: &ProgressState, output: &mut dyn std::fmt::Write| {
        let elapsed = begun.elapsed().as_millis();
        let tick = usize::try_from(elapsed / TICK.as_millis()).unwrap_or(0) % SPINNER.len();
        let now = u64::try_from(elapsed).unwrap_or(u64::MAX);
        let spinner = SPINNER.get(tick).copied().unwrap_or("-");
        let lines = board
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .lines(now, spinner, style);
        // A line that cannot be drawn is drawn at the next tick.
        let _ = output.write_str(&lines.join("\n"));
    };
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    if let Ok(look) = ProgressStyle::with_template("{board}") {
        bar.set_style(look.with_key("board", draw));
    }
    bar.enable_steady_tick(TICK);
    bar
}

/// How events are shown.
#[derive(Clone, Copy, Debug)]
struct Look {
    style: Style,
    level: Level,
    /// Whether steps in flight are drawn, so that their starts need no line.
    live: bool,
}

/// The lines that an event leaves on the screen; `board` is as it was before the event.
fn event_lines(event: &Event, board: &Board, look: Look) -> String {
    let mut page = Page::new(look.style);
    let normal = look.level >= Level::Normal;
    let mut line = |label, word: &str, body: &[Span]| {
        let mut lead = Vec::new();
        if !look.live {
            let elapsed = duration(event.elapsed_milliseconds);
            lead.push(Span::new(Label::Dim, format!("{elapsed:>9}  ")));
        }
        lead.push(Span::new(label, format!("{word:<8}")));
        page.line(&lead, body);
    };
    let titled =
        |title: &str, remark: String| [Span::plain(title), Span::new(Label::Dim, format!("  {remark}"))];
    match &event.kind {
        EventKind::StepStarted { title, .. } if normal && !look.live => {
            line(Label::Plain, "start", &[Span::plain(title)]);
        }
        EventKind::StepProgress { id, message } if look.level >= Level::Verbose => {
            let title = board.title(id).unwrap_or(&id.0);
            line(
                Label::Dim,
                "",
                &[Span::plain(format!("{title}: ")), Span::plain(message)],
            );
        }
        EventKind::StepFinished {
            title,
            took_milliseconds,
            notes,
            ..
        } if normal => {
            line(
                Label::Success,
                "done",
                &titled(title, duration(*took_milliseconds)),
            );
            for note in notes {
                line(Label::Note, "note", &[Span::plain(note)]);
            }
        }
        EventKind::StepFailed {
            title,
            took_milliseconds,
            error,
            ..
        } => {
            line(
                Label::Error,
                "FAILED",
                &titled(title, duration(*took_milliseconds)),
            );
            for text in error.message.lines() {
                page.indented(4, &[Span::plain(text)]);
            }
            for help in &error.help {
                write_help(4, help, &mut page);
            }
        }
        EventKind::StepSkipped { title, reason, .. } if normal => {
            line(Label::Warning, "skipped", &titled(title, format!("({reason})")));
        }
        EventKind::Interrupted { in_flight, abandoned } => {
            let steps = counted(*in_flight, "step", "steps");
            let text = if *abandoned {
                format!("{steps} in flight given up; whether they took effect is unknown.")
            } else {
                format!(
                    "finishing {steps} in flight, starting nothing more; interrupt again to give them up."
                )
            };
            line(Label::Warning, "stopping", &[Span::plain(" "), Span::plain(text)]);
        }
        // What is left is told by the report, or only when verbose.
        EventKind::RunStarted { .. }
        | EventKind::RunFinished { .. }
        | EventKind::StepStarted { .. }
        | EventKind::StepProgress { .. }
        | EventKind::StepFinished { .. }
        | EventKind::StepSkipped { .. } => {}
    }
    page.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::samples;

    fn all(level: Level, live: bool) -> String {
        let mut board = Board::default();
        let mut text = String::new();
        for event in samples::events() {
            text.push_str(&event_lines(
                &event,
                &board,
                Look {
                    style: Style::plain(80),
                    level,
                    live,
                },
            ));
            board.update(&event);
        }
        text
    }

    #[test]
    fn plain_lines_where_there_is_no_terminal() {
        insta::assert_snapshot!(all(Level::Normal, false), @"");
    }

    #[test]
    fn above_the_lines_in_flight() {
        insta::assert_snapshot!(all(Level::Normal, true), @"");
    }

    #[test]
    fn quiet_shows_failures_only() {
        insta::assert_snapshot!(all(Level::Quiet, false), @"");
    }

    #[test]
    fn verbose_shows_what_steps_tell() {
        assert!(
            all(Level::Verbose, true).contains(
                "create stack eksctl-prod-addon-iamserviceaccount-app-s3-reader: CREATE_IN_PROGRESS"
            )
        );
    }
}
