//! What a partial plan leaves out, for people: below the verdict, before any change.

use super::{
    page::{Page, Span},
    style::Label,
};
use crate::engine::{Address, Plan};

/// So many addresses are named; all of them are in the JSON.
const MOST: usize = 10;

/// Writes what the plan is a part of, where it is one.
pub(super) fn write(plan: &Plan, page: &mut Page) {
    let Some(partial) = &plan.partial else {
        return;
    };
    let flags = partial
        .globs
        .targets
        .iter()
        .map(|glob| format!("--target {glob}"));
    let excluded = partial
        .globs
        .excluded
        .iter()
        .map(|glob| format!("--exclude-target {glob}"));
    let flags: Vec<String> = flags.chain(excluded).collect();
    let mut line = |label: &str, text: String| {
        page.hanging(2, 4, &[Span::new(Label::Warning, label), Span::plain(text)]);
    };
    line("partial: ", flags.join(" "));
    if !partial.brought_along.is_empty() {
        line("needed as well: ", listed(partial.brought_along.iter()));
    }
    if !partial.left_out.is_empty() {
        line("left out: ", listed(partial.left_out.iter()));
    }
}

fn listed<'address>(addresses: impl ExactSizeIterator<Item = &'address Address>) -> String {
    let more = addresses.len().saturating_sub(MOST);
    let mut named: Vec<String> = addresses.take(MOST).map(ToString::to_string).collect();
    if more > 0 {
        named.push(format!("and {more} more"));
    }
    named.join(", ")
}
