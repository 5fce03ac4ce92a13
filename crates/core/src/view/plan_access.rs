//! Who gains and who loses what by a plan, for people: what a reader has to know first.

use super::{
    page::{Page, Span},
    style::Label,
};
use crate::engine::{AccessDelta, Plan};

/// So many lines are told; the JSON has them all.
const MOST: usize = 20;

/// What one of them gains or loses.
pub(super) struct AccessLine<'plan> {
    /// Whether it is gained.
    pub is_gain: bool,
    /// Who: `service account app/web`, an ARN alone.
    pub holder: String,
    /// What.
    pub what: &'plan str,
}

/// What there is to tell; none where no one gains or loses anything.
pub(super) fn access_of(plan: &Plan) -> Option<&AccessDelta> {
    plan.access.as_ref().filter(|access| !access.people.is_empty())
}

/// A line for each thing that somebody gains or loses.
pub(super) fn access_lines(access: &AccessDelta) -> Vec<AccessLine<'_>> {
    let mut lines = Vec::new();
    for delta in &access.people {
        for (is_gain, all) in [(true, &delta.gains), (false, &delta.loses)] {
            lines.extend(all.iter().map(|what| AccessLine {
                is_gain,
                holder: delta.holder(),
                what,
            }));
        }
    }
    lines
}

/// What could not be compared, in a line.
pub(super) fn not_compared(access: &AccessDelta) -> Option<String> {
    (!access.unread.is_empty()).then(|| format!("Not compared: {}", access.unread.join("; ")))
}

/// Writes it, where there is any.
pub(super) fn write(plan: &Plan, page: &mut Page) {
    let Some(access) = access_of(plan) else { return };
    page.blank();
    page.line(
        &[],
        &[Span::new(
            Label::Address,
            "Who gains (+) and who loses (-) access:",
        )],
    );
    let mut left = MOST;
    for delta in &access.people {
        if left == 0 {
            break;
        }
        page.indented(2, &[Span::plain(delta.holder())]);
        let gains = delta.gains.iter().map(|what| (Label::Broader, "    + ", what));
        let loses = delta.loses.iter().map(|what| (Label::Narrower, "    - ", what));
        let all: Vec<_> = gains.chain(loses).take(left).collect();
        left -= all.len();
        for (label, lead, what) in all {
            page.line(&[Span::new(label, lead)], &[Span::plain(what)]);
        }
    }
    let more = access_lines(access).len().saturating_sub(MOST);
    if more > 0 {
        page.indented(
            2,
            &[Span::plain(format!("and {more} more; `-o json` has them all"))],
        );
    }
    if let Some(text) = not_compared(access) {
        page.indented(2, &[Span::new(Label::Dim, text)]);
    }
}
