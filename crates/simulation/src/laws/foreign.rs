//! Nothing foreign changes.

use super::Violation;
use crate::{
    normal_form::differences,
    play::Played,
    story::{Command, Story},
    tally::Tally,
};

const LAW: &str = "nothing foreign";

pub(super) fn judge(story: &Story, played: &Played, tally: &mut Tally) -> Vec<Violation> {
    tally.judge(LAW);
    let (before, after) = &played.foreign;
    // Whom a migration moves it names: every line and every annotation.
    let moves = |run: &crate::story::Run| {
        matches!(
            run.command,
            Command::ToAccessEntries(..) | Command::ToPodIdentity(_)
        )
    };
    let migrates = story.runs.iter().any(moves);
    let differences: Vec<String> = differences(before, after)
        .into_iter()
        .filter(|line| {
            !migrates
                || !["/lines of aws-auth", "/entry of somebody else"]
                    .iter()
                    .any(|part| line.starts_with(part))
        })
        .collect();
    if differences.is_empty() {
        return Vec::new();
    }
    vec![Violation::new(LAW, differences.join("\n    "))]
}
