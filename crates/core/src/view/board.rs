//! What is in flight, as lines: the pure half of the progress display.

use super::{
    style::{Label, Style},
    text::{cells, cut, duration, harmless},
};
use crate::engine::{Event, EventKind, StepId};

/// How many objects in flight are shown; the others are counted.
const MOST_LINES: usize = 10;

/// One step in flight.
#[derive(Clone, Debug)]
struct Flight {
    id: StepId,
    title: String,
    message: Option<String>,
    since_milliseconds: u64,
}

/// The steps in flight, the oldest first.
#[derive(Clone, Debug, Default)]
pub struct Board {
    steps: usize,
    ended: usize,
    flights: Vec<Flight>,
}

impl Board {
    /// Takes note of what happened.
    pub fn update(&mut self, event: &Event) {
        match &event.kind {
            EventKind::RunStarted { steps } => self.steps = *steps,
            EventKind::StepStarted { id, title, .. } => self.flights.push(Flight {
                id: id.clone(),
                title: title.clone(),
                message: None,
                since_milliseconds: event.elapsed_milliseconds,
            }),
            EventKind::StepProgress { id, message } => {
                if let Some(flight) = self.flights.iter_mut().find(|flight| flight.id == *id) {
                    flight.message = Some(message.clone());
                }
            }
            EventKind::StepFinished { id, .. } | EventKind::StepFailed { id, .. } => {
                self.flights.retain(|flight| flight.id != *id);
                self.ended += 1;
            }
            EventKind::StepSkipped { .. } | EventKind::Interrupted { .. } | EventKind::LockLost { .. } => {}
            EventKind::RunFinished { .. } => self.flights.clear(),
        }
    }

    /// The title of a step in flight.
    pub fn title(&self, id: &StepId) -> Option<&str> {
        self.flights
            .iter()
            .find(|flight| flight.id == *id)
            .map(|flight| flight.title.as_str())
    }

    /// The lines to draw `now`, in milliseconds since the run began; `spinner` stands before each. No line is wider than
    /// the terminal, for a wrapped one could not be drawn over.
    pub fn lines(&self, now_milliseconds: u64, spinner: &str, style: Style) -> Vec<String> {
        let mut lines: Vec<String> = self
            .flights
            .iter()
            .take(MOST_LINES)
            .map(|flight| {
                let took = duration(now_milliseconds.saturating_sub(flight.since_milliseconds));
                let message = flight
                    .message
                    .as_ref()
                    .map_or_else(String::new, |message| format!("  {message}"));
                // Spaces, spinner and time take 15 cells; one more stays free, for some terminals wrap when it is filled.
                let room = style.width.saturating_sub(16);
                let title = cut(&harmless(&flight.title), room);
                let message = cut(&harmless(&message), room.saturating_sub(cells(&title)));
                format!(
                    "  {} {took:>9}  {title}{}",
                    style.paint(Label::Note, spinner),
                    style.paint(Label::Dim, &message)
                )
            })
            .collect();
        let hidden = self.flights.len().saturating_sub(MOST_LINES);
        if hidden > 0 {
            lines.push(style.paint(Label::Dim, &format!("    and {hidden} more")));
        }
        if self.steps > 1 && !self.flights.is_empty() {
            lines.push(style.paint(
                Label::Dim,
                &format!("    {} of {} steps done", self.ended, self.steps),
            ));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Address;

    fn started(number: u64) -> Event {
        let address = Address::new("iam-role", format!("app/{number}"));
        Event {
            elapsed_milliseconds: number * 100,
            kind: EventKind::StepStarted {
                id: StepId(format!("{address}#create")),
                title: format!("create stack eksctl-prod-addon-iamserviceaccount-app-{number}"),
                address,
            },
        }
    }

    #[test]
    fn shows_ten_and_counts_the_others() {
        let mut board = Board::default();
        board.update(&Event {
            elapsed_milliseconds: 0,
            kind: EventKind::RunStarted { steps: 47 },
        });
        for number in 0..47 {
            board.update(&started(number));
        }
        board.update(&Event {
            elapsed_milliseconds: 5_000,
            kind: EventKind::StepProgress {
                id: StepId("iam-role/app/1#create".to_owned()),
                message: "CREATE_IN_PROGRESS and quite a long remark\u{1b}[2J".to_owned(),
            },
        });
        let lines = board.lines(6_000, "*", Style::plain(80));
        assert_eq!(lines.len(), 12);
        assert_eq!(
            lines[0],
            "  *     6.0 s  create stack eksctl-prod-addon-iamserviceaccount-app-0"
        );
        assert_eq!(
            lines[1],
            "  *     5.9 s  create stack eksctl-prod-addon-iamserviceaccount-app-1  CREATE_…"
        );
        assert_eq!(lines[10], "    and 37 more");
        assert_eq!(lines[11], "    0 of 47 steps done");
        assert!(lines.iter().all(|line| cells(line) < 80));
    }

    #[test]
    fn board_is_left_by_what_ended() {
        let mut board = Board::default();
        let event = started(1);
        let EventKind::StepStarted { id, address, title } = event.kind.clone() else {
            unreachable!()
        };
        board.update(&event);
        assert_eq!(board.title(&id), Some(title.as_str()));
        board.update(&Event {
            elapsed_milliseconds: 900,
            kind: EventKind::StepFinished {
                id,
                address,
                title,
                took_milliseconds: 800,
                notes: Vec::new(),
            },
        });
        assert!(board.lines(1_000, "*", Style::plain(80)).is_empty());
    }
}
