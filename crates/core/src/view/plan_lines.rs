//! A change as lines with a sign each, for views that do not wrap: Markdown and HTML. The same words as in the human view.

use super::{
    plan_attribute::{effect_words, shown, stack_name, usual_trust},
    plan_change::{goes_without_saying, origin_words},
    text::harmless,
};
use crate::engine::{Action, AttributeChange, Change, Difference, DifferenceSign, Effect, Plan};

/// Two values longer than this together are written one below the other: so one sees best what differs in two long ARNs.
const LONGEST_PAIR: usize = 72;

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineSign {
    /// It will be there.
    Added,
    /// It will be gone.
    Removed,
    /// It will be another.
    Changed,
    /// It stays, and says what the lines around it belong to.
    Context,
    /// A remark.
    Remark,
}

impl LineSign {
    /// As GitHub colors a `diff`: in the first column.
    pub(super) const fn character(self) -> char {
        match self {
            Self::Added => '+',
            Self::Removed => '-',
            Self::Changed => '!',
            Self::Context => ' ',
            Self::Remark => '#',
        }
    }
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) sign: LineSign,
    /// Spaces before the text.
    pub(super) indent: usize,
    /// On one line, and harmless.
    pub(super) text: String,
}

impl Line {
    fn new(sign: LineSign, indent: usize, text: impl AsRef<str>) -> Self {
        Self {
            sign,
            indent,
            text: harmless(text.as_ref()).into_owned(),
        }
    }

    /// The line with its sign in the first column.
    pub(super) fn in_diff(&self) -> String {
        format!(
            "{} {}{}",
            self.sign.character(),
            " ".repeat(self.indent),
            self.text
        )
    }
}

/// The sign that a change has as a whole.
pub(super) const fn sign_of(action: Action) -> LineSign {
    match action {
        Action::Create => LineSign::Added,
        Action::Delete => LineSign::Removed,
        Action::Update | Action::Replace | Action::Adopt | Action::Forget => LineSign::Changed,
    }
}

/// The lines of `change` of `plan`: why, what differs, and what comes with it.
pub(super) fn lines_of(change: &Change, plan: &Plan) -> Vec<Line> {
    let mut lines: Vec<Line> = origin_words(change, plan)
        .map(|words| Line::new(LineSign::Remark, 0, words))
        .into_iter()
        .collect();
    lines.extend(
        change
            .reasons
            .iter()
            .filter(|reason| !goes_without_saying(change, &reason.code))
            .map(|reason| Line::new(LineSign::Remark, 0, format!("because {}", reason.text))),
    );
    let stack = stack_name(change);
    for attribute in &change.attributes {
        write_attribute(attribute, change.action, stack, &mut lines);
    }
    for note in &change.notes {
        lines.push(Line::new(LineSign::Remark, 0, format!("note: {note}")));
    }
    if let Some(titles) = super::plan_change::titles_worth_saying(change, plan) {
        lines.push(Line::new(
            LineSign::Remark,
            0,
            format!("via: {}", titles.join("; ")),
        ));
    }
    lines
}

/// The lines of `change` that give more access, or may, each with its attribute.
pub(super) fn broadening_lines(change: &Change) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for attribute in &change.attributes {
        let before = found.len();
        for (index, line) in attribute.differences.iter().enumerate() {
            if line.effect.is_some_and(Effect::broadens) {
                let below = attribute.differences[index + 1..]
                    .iter()
                    .take_while(|other| other.indent > line.indent);
                let words: Vec<String> = std::iter::once(line).chain(below).map(in_words).collect();
                found.push((attribute.name.clone(), words.join("; ")));
            }
        }
        if found.len() == before && attribute.effect.is_some_and(Effect::broadens) {
            found.push((attribute.name.clone(), value_words(attribute)));
        }
    }
    found
}

fn in_words(line: &Difference) -> String {
    let verb = match line.sign {
        DifferenceSign::Added => "new: ",
        DifferenceSign::Removed => "gone: ",
        DifferenceSign::Context => "",
    };
    format!("{verb}{}", line.text.trim_start())
}

/// `before → after`, or the one that there is.
fn value_words(attribute: &AttributeChange) -> String {
    let before = attribute.before.as_ref().map(shown);
    match (before, after_words(attribute)) {
        (Some(before), Some(after)) => format!("{before} → {after}"),
        (Some(before), None) => format!("gone: {before}"),
        (None, Some(after)) => after,
        (None, None) => String::new(),
    }
}

fn after_words(attribute: &AttributeChange) -> Option<String> {
    match (&attribute.after, &attribute.after_unknown) {
        (_, Some(unknown)) => Some(format!("({unknown}, known after it is created)")),
        (Some(value), None) => Some(shown(value)),
        (None, None) => None,
    }
}

fn write_attribute(attribute: &AttributeChange, action: Action, stack: Option<&str>, lines: &mut Vec<Line>) {
    // As in the human view: the stack's name is above already, and is long.
    let name = match stack {
        Some(stack) => attribute.name.replacen(&format!(" {stack}-"), " …-", 1),
        None => attribute.name.clone(),
    };
    let after = after_words(attribute);
    let before = attribute.before.as_ref().map(shown);
    let sign = match (&before, &after) {
        (None, _) => LineSign::Added,
        (Some(_), None) => LineSign::Removed,
        (Some(before), Some(after)) if before == after && attribute.differences.is_empty() => {
            LineSign::Context
        }
        _ => LineSign::Changed,
    };
    let is_said_below = attribute.differences.iter().any(|line| line.effect.is_some());
    let mut trailing = attribute
        .effect
        .filter(|_| !is_said_below)
        .and_then(|effect| effect_words(effect, action))
        .map_or_else(String::new, |words| format!("  {words}"));
    if let Some(remark) = &attribute.remark {
        trailing = format!("{trailing}  ({remark})");
    }
    let trust = attribute
        .after
        .as_ref()
        .filter(|_| before.is_none())
        .and_then(usual_trust);
    let with_name = |value: &str| Line::new(sign, 0, format!("{name}  {value}{trailing}"));
    match (trust, before, after) {
        (Some(trust), _, _) => lines.push(with_name(&trust)),
        (None, ..) if !attribute.differences.is_empty() => {
            lines.push(Line::new(sign, 0, format!("{name}{trailing}")));
            lines.extend(
                attribute
                    .differences
                    .iter()
                    .map(|line| of_difference(line, action)),
            );
        }
        (None, Some(before), Some(after)) if before != after => {
            if before.chars().count() + after.chars().count() <= LONGEST_PAIR {
                lines.push(with_name(&format!("{before} → {after}")));
            } else {
                lines.push(Line::new(sign, 0, format!("{name}{trailing}")));
                lines.push(Line::new(LineSign::Removed, 2, before));
                lines.push(Line::new(LineSign::Added, 2, after));
            }
        }
        (None, _, Some(value)) | (None, Some(value), None) => lines.push(with_name(&value)),
        (None, None, None) => lines.push(with_name("")),
    }
}

fn of_difference(line: &Difference, action: Action) -> Line {
    let sign = match line.sign {
        DifferenceSign::Added => LineSign::Added,
        DifferenceSign::Removed => LineSign::Removed,
        DifferenceSign::Context => LineSign::Context,
    };
    let text = line.text.trim_start_matches(' ');
    let own = line.text.len() - text.len();
    let words = line.effect.and_then(|effect| effect_words(effect, action));
    let indent = 2 + 2 * usize::from(line.indent).min(8) + own.min(16);
    Line::new(
        sign,
        indent,
        words.map_or_else(|| text.to_owned(), |words| format!("{text}  {words}")),
    )
}
