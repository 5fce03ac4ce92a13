//! How many bytes are left, and what was left out for want of them.

use super::super::text::counted;

/// What the notice of [`Tally`] may need.
const NOTICE_BYTES: usize = 700;

/// The bytes that are left; none: there is no limit.
#[derive(Debug)]
pub(super) struct Room {
    left: Option<usize>,
}

impl Room {
    /// The room in `limit` bytes beside the texts that are always there.
    pub(super) fn new(limit: Option<usize>, always: &[&str]) -> Self {
        let used: usize = always.iter().map(|text| text.len()).sum();
        Self {
            left: limit.map(|limit| limit.saturating_sub(used + NOTICE_BYTES)),
        }
    }

    /// Takes room for `text`, where there is enough for all of it.
    pub(super) fn take(&mut self, text: &str) -> bool {
        self.exchange("", text)
    }

    /// The same with the room that `before` had.
    pub(super) fn exchange(&mut self, before: &str, text: &str) -> bool {
        let Some(left) = &mut self.left else {
            return true;
        };
        match (*left + before.len()).checked_sub(text.len()) {
            Some(rest) => {
                *left = rest;
                true
            }
            None => false,
        }
    }

    /// Sets one of `parts` equal parts aside.
    pub(super) fn part(&mut self, parts: usize) -> Self {
        let part = self.left.map(|left| left / parts);
        self.left = self.left.zip(part).map(|(left, part)| left - part);
        Self { left: part }
    }

    /// Puts back what is left of a part.
    pub(super) fn give_back(&mut self, Self { left: part }: Self) {
        self.left = self.left.zip(part).map(|(left, part)| left + part);
    }
}

/// What was left out.
#[derive(Debug, Default)]
pub(super) struct Tally(Vec<(&'static str, usize)>);

impl Tally {
    /// Counts `count` more of `what`: the word of a severity, or one of those in [`Self::notice`].
    pub(super) fn add(&mut self, what: &'static str, count: usize) {
        match self.0.iter_mut().find(|(known, _)| *known == what) {
            Some((_, sum)) => *sum += count,
            None => self.0.push((what, count)),
        }
    }

    /// The paragraph that says it, or nothing.
    pub(super) fn notice(&self, limit: usize) -> String {
        let said: Vec<String> = self
            .0
            .iter()
            .filter(|(_, count)| *count > 0)
            .map(|(what, count)| match *what {
                "refused" => counted(*count, "refusal", "refusals"),
                "changes" => counted(*count, "change", "changes"),
                "the detail" => format!("the detail of {}", counted(*count, "change", "changes")),
                "message" => format!("the message of {}", counted(*count, "finding", "findings")),
                "gives more access" => format!("{count} of those that give more access"),
                "what gives more access" => {
                    format!(
                        "what gives more access in {}",
                        counted(*count, "change", "changes")
                    )
                }
                "who gains or loses" => {
                    format!(
                        "{} about who gains or loses access",
                        counted(*count, "line", "lines")
                    )
                }
                word => counted(*count, word, &format!("{word}s")),
            })
            .collect();
        if said.is_empty() {
            return String::new();
        }
        format!(
            "\n**Not all of the plan is here.** In {limit} bytes there is no room for: {}. Run the plan yourself to see them.\n",
            said.join("; ")
        )
    }
}
