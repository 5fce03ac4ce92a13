//! A plan as a comment in a pull request: `-o markdown`, in the Markdown of GitHub and GitLab.
//!
//! The first line is a marker that readers do not see, `<!-- eksact:plan:CLUSTER:DIGEST -->`: a pipeline finds its comment
//! by it and writes that one anew. Then the verdict, what a guard refuses and what gives more access; each change is folded,
//! as a `diff`. Where there is a limit of bytes, whole pieces are left out, the least risky first, and it is said how many.

mod room;
mod text;

use std::fmt::Write as _;

pub(super) use self::text::{code, html, prose};
use self::{
    room::{Room, Tally},
    text::fence,
};
use super::{
    plan_access::{access_lines, access_of, not_compared},
    plan_findings::{helps, place, word},
    plan_human::{by_risk, verdict},
    plan_lines::{broadening_lines, lines_of, sign_of},
    style::sign,
    text::{counted, percent_encoded},
};
use crate::engine::{Change, Finding, Plan, Severity};

/// The least that `plan_markdown` can keep to: what is always there fits.
pub const LEAST_BYTES: usize = 4_000;

/// The lines that are always there are cut behind this many characters.
const LONGEST_ALWAYS: usize = 300;

/// `plan` in at most `limit` bytes, no less than [`LEAST_BYTES`]. `file` is the configuration as the user named it; none for
/// a plan made from flags. `digest` is what people approve it by.
pub fn plan_markdown(plan: &Plan, digest: &str, file: Option<&str>, limit: Option<usize>) -> String {
    let cluster = plan.target.get("cluster").map_or("", String::as_str);
    let marker = format!(
        "<!-- eksact:plan:{}:{} -->\n",
        percent_encoded(&cut(cluster, 100), b""),
        digest
    );
    let words: String = verdict(plan, file).iter().map(super::page::Span::text).collect();
    let head = format!("{marker}\n### {}\n", prose(&cut(&words, LONGEST_ALWAYS)));
    let foot = format!(
        "\nPlan {}, made by eksact {}.\n",
        code(digest),
        code(&cut(&plan.tool_version, 50))
    );
    let mut room = Room::new(limit, &[&head, &foot]);
    let mut left_out = Tally::default();

    let refusals = findings(plan, Severity::Refusal, "Refused", &mut room, &mut left_out);
    let errors = findings(plan, Severity::Error, "Not planned", &mut room, &mut left_out);
    let access = access(plan, &mut room, &mut left_out);
    let broadening = broadening(plan, &mut room, &mut left_out);
    let warnings = findings(plan, Severity::Warning, "Warnings", &mut room, &mut left_out);
    let changes = changes(plan, &mut room, &mut left_out);
    let notes = findings(plan, Severity::Note, "Notes", &mut room, &mut left_out);
    let notice = limit.map_or_else(String::new, |limit| left_out.notice(limit));
    [
        head, notice, refusals, errors, access, broadening, warnings, changes, notes, foot,
    ]
    .concat()
}

/// The first `count` characters. Not as many cells: a combining character has none.
fn cut(text: &str, count: usize) -> String {
    match text.char_indices().nth(count) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The findings of one weight, as a list below a heading.
fn findings(plan: &Plan, severity: Severity, heading: &str, room: &mut Room, left_out: &mut Tally) -> String {
    let mut section = Section::new(heading);
    for finding in plan.findings_of(severity) {
        match section.add(&[&finding_whole(finding), &finding_short(finding)], room) {
            Some(0) => {}
            Some(_) => left_out.add("message", 1),
            None => left_out.add(word(severity), 1),
        }
    }
    section.finish()
}

fn finding_short(finding: &Finding) -> String {
    let mut line = format!("- **{}** {}", word(finding.severity), code(finding.code.as_str()));
    if let Some(address) = &finding.address {
        let _ = write!(line, " {}", code(&address.to_string()));
    }
    line.push('\n');
    line
}

fn finding_whole(finding: &Finding) -> String {
    let mut text = finding_short(finding).trim_end().to_owned();
    let _ = write!(text, ": {}", prose(&finding.message));
    if let Some(source) = &finding.source {
        let _ = write!(text, " ({})", code(&place(source)));
    }
    text.push('\n');
    for help in helps(finding) {
        for line in help.lines().filter(|line| !line.trim().is_empty()) {
            // A line that is indented is a command or a text to copy.
            let line = match line.strip_prefix("    ") {
                Some(verbatim) => code(verbatim),
                None => prose(line),
            };
            let _ = writeln!(text, "  - {line}");
        }
    }
    text
}

/// Who gains and who loses what.
fn access(plan: &Plan, room: &mut Room, left_out: &mut Tally) -> String {
    let mut section = Section::new("Who gains and who loses access");
    let Some(access) = access_of(plan) else {
        return String::new();
    };
    // The changes themselves come below; this may not take all the room there is.
    let mut part = room.part(4);
    for line in access_lines(access) {
        let sign = if line.is_gain { "gains" } else { "loses" };
        let text = format!("- {} {sign} {}\n", code(&line.holder), code(line.what));
        if section.add(&[&text], &mut part).is_none() {
            left_out.add("who gains or loses", 1);
        }
    }
    if let Some(text) = not_compared(access) {
        section.add(&[&format!("- {}\n", prose(&text))], &mut part);
    }
    room.give_back(part);
    section.finish()
}

/// What gives more access, each change with the lines that do.
fn broadening(plan: &Plan, room: &mut Room, left_out: &mut Tally) -> String {
    let mut section = Section::new("Gives more access, or may");
    // The changes themselves come below; this may not take all the room there is.
    let mut part = room.part(3);
    for change in by_risk(plan)
        .into_iter()
        .filter(|change| change.effect.broadens())
    {
        let short = format!("- {}\n", headline(change));
        let mut whole = short.clone();
        for (name, text) in broadening_lines(change) {
            let _ = writeln!(whole, "  - {}: {}", code(&name), code(&text));
        }
        match section.add(&[&whole, &short], &mut part) {
            Some(0) => {}
            Some(_) => left_out.add("what gives more access", 1),
            None => left_out.add("gives more access", 1),
        }
    }
    room.give_back(part);
    section.finish()
}

/// `` `iam-role/app/reader` will be updated (`cluster.yaml:41`) ``.
fn headline(change: &Change) -> String {
    let (_, _, done) = sign(change.action);
    let mut line = format!("{} will be {done}", code(&change.address.to_string()));
    if let Some(source) = &change.source {
        let _ = write!(line, " ({})", code(&place(source)));
    }
    line
}

/// The changes, the riskiest first: folded with their lines, then those for whose lines there is no room.
fn changes(plan: &Plan, room: &mut Room, left_out: &mut Tally) -> String {
    let all = by_risk(plan);
    let details: Vec<String> = all.iter().map(|change| detail(change, plan)).collect();
    let lines: Vec<String> = all
        .iter()
        .map(|change| format!("- {}\n", headline(change)))
        .collect();
    let mut shown = vec![Shown::Not; all.len()];
    if all.is_empty() || !room.take(HEADING_CHANGES) || !room.take(&short_list("", 999_999)) {
        left_out.add("changes", all.len());
        return String::new();
    }
    // The riskiest with all they have, in half of the room; then a line for each of the others; then more of them whole.
    let mut half = room.part(2);
    for (index, text) in details.iter().enumerate() {
        if half.take(text) {
            shown[index] = Shown::Whole;
        }
    }
    room.give_back(half);
    for (index, text) in lines.iter().enumerate() {
        if shown[index] == Shown::Not && room.take(text) {
            shown[index] = Shown::Line;
        }
    }
    for (index, text) in details.iter().enumerate() {
        if shown[index] == Shown::Line && room.exchange(&lines[index], text) {
            shown[index] = Shown::Whole;
        }
    }
    let of = |wanted: Shown, texts: &[String]| -> String {
        texts
            .iter()
            .zip(&shown)
            .filter(|(_, shown)| **shown == wanted)
            .map(|(text, _)| text.as_str())
            .collect()
    };
    let count = |wanted: Shown| shown.iter().filter(|shown| **shown == wanted).count();
    left_out.add("changes", count(Shown::Not));
    left_out.add("the detail", count(Shown::Line));
    let mut text = HEADING_CHANGES.to_owned();
    text.push_str(&of(Shown::Whole, &details));
    if count(Shown::Line) > 0 {
        text.push_str(&short_list(&of(Shown::Line, &lines), count(Shown::Line)));
    }
    text
}

const HEADING_CHANGES: &str = "\n#### Changes\n";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Whole,
    Line,
    Not,
}

/// One change, folded.
fn detail(change: &Change, plan: &Plan) -> String {
    let (_, _, done) = sign(change.action);
    let mut summary = format!(
        "{} <code>{}</code> will be {done}",
        sign_of(change.action).character(),
        html(&change.address.to_string())
    );
    if let Some(source) = &change.source {
        let _ = write!(summary, " (<code>{}</code>)", html(&place(source)));
    }
    if change.effect.broadens() {
        summary.push_str(" · <b>gives more access, or may</b>");
    }
    let lines: Vec<String> = lines_of(change, plan)
        .iter()
        .map(super::plan_lines::Line::in_diff)
        .collect();
    let body = if lines.is_empty() {
        "There is nothing more to say about it.\n".to_owned()
    } else {
        fence("diff", &lines)
    };
    format!("\n<details>\n<summary>{summary}</summary>\n\n{body}\n</details>\n")
}

fn short_list(lines: &str, count: usize) -> String {
    format!(
        "\n<details>\n<summary>{} without detail</summary>\n\n{lines}\n</details>\n",
        counted(count, "change", "changes")
    )
}

/// A list below a heading, which is there only where something is in the list.
struct Section {
    heading: String,
    items: String,
}

impl Section {
    fn new(heading: &str) -> Self {
        Self {
            heading: format!("\n#### {heading}\n\n"),
            items: String::new(),
        }
    }

    /// Adds the first of `forms` for which there is room, and says which.
    fn add(&mut self, forms: &[&str], room: &mut Room) -> Option<usize> {
        let heading = if self.items.is_empty() { &self.heading } else { "" };
        for (index, form) in forms.iter().enumerate() {
            if room.take(&format!("{heading}{form}")) {
                self.items.push_str(form);
                return Some(index);
            }
        }
        None
    }

    fn finish(self) -> String {
        if self.items.is_empty() {
            return String::new();
        }
        self.heading + &self.items
    }
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
