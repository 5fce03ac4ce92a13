//! Many clusters as a comment in a pull request: a table with a line for each, then a section for each that has something to
//! look at, as [`super::plan_markdown`] has it for one.
//!
//! Where there is a limit of bytes, the sections share what the table leaves, the worst first; a section for which there is no
//! room is left out whole, and it is said how many.

use std::fmt::Write as _;

use super::{
    fleet_human::{Run, headline, in_short, word},
    markdown::{LEAST_BYTES, code, plan_markdown, prose},
    page::Span,
    text::counted,
};
use crate::fleet::{Outcome, Status, digest};

/// A row of the table is cut behind so many characters: values are in the sections.
const LONGEST_CELL: usize = 160;
/// What the notice of what is left out may need.
const NOTICE_BYTES: usize = 300;

/// The run in at most `limit` bytes, no less than [`LEAST_BYTES`].
pub fn fleet_markdown(outcomes: &[Outcome], run: Run, limit: Option<usize>) -> String {
    let words: String = headline(outcomes, run).iter().map(Span::text).collect();
    let mut text = format!(
        "<!-- eksact:plans:{} -->\n\n## {}\n",
        digest(outcomes),
        prose(words.trim_end())
    );
    let mut left = limit.map(|limit| limit.saturating_sub(text.len() + NOTICE_BYTES));
    let mut take = |piece: &str| match &mut left {
        None => true,
        Some(left) => left.checked_sub(piece.len()).is_some_and(|rest| {
            *left = rest;
            true
        }),
    };
    let head = "\n| cluster | result | |\n|---|---|---|\n";
    let mut rows = String::new();
    let mut rows_left_out = 0;
    if take(head) {
        rows.push_str(head);
    }
    for outcome in by_weight(outcomes) {
        let row = row(outcome);
        if rows.is_empty() || !take(&row) {
            rows_left_out += 1;
        } else {
            rows.push_str(&row);
        }
    }
    text.push_str(&rows);
    let with_section: Vec<&Outcome> = by_weight(outcomes)
        .into_iter()
        .filter(|outcome| outcome.status != Status::Unchanged)
        .collect();
    let mut sections_left_out = 0;
    for (number, outcome) in with_section.iter().enumerate() {
        // An equal share of what is left, so that the first does not take the room of the others.
        let waiting = with_section.len() - number;
        let room = left.map(|left| (left / waiting).max(LEAST_BYTES + ROOM_BESIDE).min(left));
        let section = section(outcome, room);
        let fits = left.is_none_or(|left| section.len() <= left);
        if fits {
            left = left.map(|left| left - section.len());
            text.push_str(&section);
        } else {
            sections_left_out += 1;
        }
    }
    if rows_left_out + sections_left_out > 0 {
        let _ = write!(
            text,
            "\n**Not all is here.** There is no room for {} and the details of {}. Run the plan yourself to see them.\n",
            counted(rows_left_out, "row of the table", "rows of the table"),
            counted(sections_left_out, "cluster", "clusters"),
        );
    }
    text
}

/// What a section has beside its plan.
const ROOM_BESIDE: usize = 600;

/// The clusters, those that went wrong first, then those that a guard refuses, then the rest with what gives more access first.
fn by_weight(outcomes: &[Outcome]) -> Vec<&Outcome> {
    let mut sorted: Vec<&Outcome> = outcomes.iter().collect();
    sorted.sort_by_key(|outcome| match outcome.status {
        status if status.is_failure() => 0,
        Status::Refused => 1,
        Status::Unchanged | Status::Applied => 4,
        _ if outcome.broadening() > 0 => 2,
        _ => 3,
    });
    sorted
}

fn row(outcome: &Outcome) -> String {
    let said: String = in_short(outcome).iter().map(Span::text).collect();
    let said = match said.char_indices().nth(LONGEST_CELL) {
        Some((end, _)) => format!("{} …", said[..end].trim_end()),
        None => said,
    };
    format!(
        "| {} | {} | {} |\n",
        cell(&code(&outcome.label())),
        word(outcome.status).0,
        cell(&prose(&said))
    )
}

/// A pipe would end the cell, in code too (GFM's tables).
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// One cluster: its problem, and its plan without the marker by which a comment about it alone is found.
fn section(outcome: &Outcome, room: Option<usize>) -> String {
    let mut text = String::new();
    if let Some(problem) = &outcome.problem {
        let _ = write!(
            text,
            "\n### {} {}\n\n",
            code(&outcome.label()),
            word(outcome.status).0
        );
        let whole: Vec<&str> = problem.message.lines().collect();
        // A message of many lines, such as all that is wrong with a file, keeps to its share.
        let mut used = text.len();
        for line in whole {
            let line = format!("- {}\n", prose(line.trim()));
            used += line.len();
            if room.is_some_and(|room| used > room) {
                break;
            }
            text.push_str(&line);
        }
        for help in &problem.help {
            let _ = writeln!(text, "  - {}", prose(help.as_str()));
        }
    }
    if let Some(plan) = &outcome.plan {
        let limit = room.map(|room| room.saturating_sub(text.len()).max(LEAST_BYTES));
        let digest = outcome.digest.clone().unwrap_or_else(|| plan.digest());
        let file = outcome.files.first().map(String::as_str);
        let whole = plan_markdown(plan, &digest, file, limit);
        text.push_str(whole.split_once("-->\n").map_or(whole.as_str(), |(_, rest)| rest));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::samples;

    #[test]
    fn table_and_a_section_for_each_that_matters() {
        let text = fleet_markdown(&samples::fleet(), Run::Plan, None);
        let headings: Vec<&str> = text
            .lines()
            .filter(|line| line.starts_with("## ") || line.starts_with("### ") || line.starts_with('|'))
            .collect();
        insta::assert_snapshot!(headings.join("\n"), @r"
        ## Plans for 4 clusters: 1 with changes, 1 unchanged, 1 INVALID, 1 TIMED OUT · 2 changes give more access, or may.
        | cluster | result | |
        |---|---|---|
        | `clusters/broken.yaml` | INVALID | the configuration cannot be used as it is: 1 error |
        | `eu-west-1/far` | TIMED OUT | it took longer than `10m` |
        | `eu-west-1/prod` | changes | 2 to create, 1 to update, 1 to replace, 1 to delete, 1 to adopt, 1 to forget · 2 give or may give more access · REFUSED for 1 reason · 1 object could not be pla … |
        | `eu-west-1/test` | unchanged | no changes · 14 unchanged |
        ### `clusters/broken.yaml` INVALID
        ### `eu-west-1/far` TIMED OUT
        ### Plan for prod (111122223333, `eu-west-1`): 2 to create, 1 to update, 1 to replace, 1 to delete, 1 to adopt, 1 to forget · 2 give or may give more access · REFUSED for 1 reason · 1 object could not be planned · 1 warning · 14 unchanged.
        ");
        assert_eq!(text.matches("<!--").count(), 1, "one comment has one marker");
    }

    #[test]
    fn limit_is_kept_and_what_is_left_out_is_counted() {
        let many: Vec<_> = (0..40).flat_map(|_| samples::fleet()).collect();
        let whole = fleet_markdown(&many, Run::Plan, None);
        for limit in [LEAST_BYTES, 10_000, 60_000] {
            let text = fleet_markdown(&many, Run::Plan, Some(limit));
            assert!(text.len() <= limit, "{limit}: {}", text.len());
            assert!(text.len() < whole.len());
            assert!(text.contains("**Not all is here.**"), "{limit}");
            assert_eq!(
                text.matches("<details>").count(),
                text.matches("</details>").count()
            );
            assert_eq!(text.matches("```").count() % 2, 0, "{limit}");
        }
    }

    #[test]
    fn hostile_names_stay_text() {
        let mut fleet = samples::fleet();
        fleet[2].files = vec!["a|b`c\n</details>@team.yaml".to_owned()];
        let text = fleet_markdown(&fleet, Run::Plan, None);
        let row = text
            .lines()
            .find(|line| line.starts_with('|') && line.contains("INVALID"))
            .unwrap();
        assert_eq!(row.matches(" | ").count(), 2, "{row}");
        assert!(row.contains("a\\|b`c"), "{row}");
    }
}
