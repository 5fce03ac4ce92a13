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
    drawn: Arc<Mutex<Drawn>>,
    bar: Option<ProgressBar>,
}

/// What the lines in flight are drawn from.
#[derive(Debug)]
struct Drawn {
    board: Board,
    /// When the run began, which its events count from.
    begun: Instant,
}

impl ProgressView {
    /// A view for the run that begins now.
    pub fn new(printer: Printer) -> Self {
        let drawn = Arc::new(Mutex::new(Drawn {
            board: Board::default(),
            begun: Instant::now(),
        }));
        let live = printer.stderr_is_terminal() && printer.level() >= Level::Normal;
        let bar = live.then(|| bar(Arc::clone(&drawn), printer.stderr_style()));
        Self { printer, drawn, bar }
    }

    /// Shows what happened.
    pub fn show(&self, event: &Event) {
        let mut drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(event.kind, EventKind::RunStarted { .. }) {
            drawn.begun = Instant::now();
        }
        let text = event_lines(event, &drawn.board, self.look());
        drawn.board.update(event);
        // Drawing takes the lock itself.
        drop(drawn);
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
        let style = self.printer.stderr_style();
        Look {
            // A log is searched by line: there nothing is wrapped.
            style: if self.printer.stderr_is_terminal() {
                style
            } else {
                Style {
                    width: usize::MAX,
                    ..style
                }
            },
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
fn bar(drawn: Arc<Mutex<Drawn>>, style: Style) -> ProgressBar {
    let draw = move |_: &ProgressState, output: &mut dyn std::fmt::Write| {
        let drawn = drawn.lock().unwrap_or_else(PoisonError::into_inner);
        let elapsed = drawn.begun.elapsed().as_millis();
        let tick = usize::try_from(elapsed / TICK.as_millis()).unwrap_or(0) % SPINNER.len();
        let spinner = SPINNER.get(tick).copied().unwrap_or("-");
        let now = u64::try_from(elapsed).unwrap_or(u64::MAX);
        // A line that cannot be drawn is drawn at the next tick.
        let _ = output.write_str(&drawn.board.lines(now, spinner, style).join("\n"));
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
        lead.push(Span::new(label, format!("{word:<9}")));
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
            line(Label::Warning, "stopping", &[Span::plain(text)]);
        }
        EventKind::LockLost { in_flight } => {
            let steps = counted(*in_flight, "step", "steps");
            let text = format!(
                "finishing {steps} in flight, starting nothing more, since the lock was lost; interrupt twice to give them up."
            );
            line(Label::Warning, "stopping", &[Span::plain(text)]);
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
        let width = if live { 80 } else { usize::MAX };
        for event in samples::events() {
            text.push_str(&event_lines(
                &event,
                &board,
                Look {
                    style: Style::plain(width),
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
        insta::assert_snapshot!(all(Level::Normal, false), @r"
            0.0 s  start    create stack eksctl-prod-addon-iamserviceaccount-app-s3-reader
            0.0 s  start    delete stack eksctl-prod-addon-iamserviceaccount-ops-named
            5.1 s  done     create stack eksctl-prod-addon-iamserviceaccount-app-s3-reader  5.0 s
            5.1 s  note     2 pods run with another role: kubectl -n app rollout restart deployment/reader.
            6.0 s  stopping finishing 1 step in flight, starting nothing more; interrupt again to give them up.
            6.5 s  stopping 1 step in flight given up; whether they took effect is unknown.
        1 min 5 s  FAILED   delete stack eksctl-prod-addon-iamserviceaccount-ops-named  1 min 4 s
            stack eksctl-prod-addon-iamserviceaccount-ops-named could not be created: Role1: the role deployer exists already
            (CREATE_FAILED, AWS::IAM::Role)
            help: Give another roleName, or delete that role.
        1 min 5 s  skipped  create stack eksctl-prod-addon-iamserviceaccount-ops-named  (iam-role/ops/named#step-1 did not succeed)
        ");
    }

    #[test]
    fn above_the_lines_in_flight() {
        insta::assert_snapshot!(all(Level::Normal, true), @r"
        done     create stack eksctl-prod-addon-iamserviceaccount-app-s3-reader  5.0 s
        note     2 pods run with another role: kubectl -n app rollout restart
                 deployment/reader.
        stopping finishing 1 step in flight, starting nothing more; interrupt again to
                 give them up.
        stopping 1 step in flight given up; whether they took effect is unknown.
        FAILED   delete stack eksctl-prod-addon-iamserviceaccount-ops-named  1 min 4 s
            stack eksctl-prod-addon-iamserviceaccount-ops-named could not be created:
            Role1: the role deployer exists already
            (CREATE_FAILED, AWS::IAM::Role)
            help: Give another roleName, or delete that role.
        skipped  create stack eksctl-prod-addon-iamserviceaccount-ops-named
                 (iam-role/ops/named#step-1 did not succeed)
        ");
    }

    #[test]
    fn quiet_shows_failures_only() {
        insta::assert_snapshot!(all(Level::Quiet, false), @r"
            6.0 s  stopping finishing 1 step in flight, starting nothing more; interrupt again to give them up.
            6.5 s  stopping 1 step in flight given up; whether they took effect is unknown.
        1 min 5 s  FAILED   delete stack eksctl-prod-addon-iamserviceaccount-ops-named  1 min 4 s
            stack eksctl-prod-addon-iamserviceaccount-ops-named could not be created: Role1: the role deployer exists already
            (CREATE_FAILED, AWS::IAM::Role)
            help: Give another roleName, or delete that role.
        ");
    }

    #[test]
    fn verbose_shows_what_steps_tell() {
        assert!(
            all(Level::Verbose, false).contains(
                "create stack eksctl-prod-addon-iamserviceaccount-app-s3-reader: CREATE_IN_PROGRESS"
            )
        );
    }
}
