//! From a number to what is wrong with its story, and to the shortest story that has the same fault.

use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::strategy::ValueTree;

use crate::{
    laws::{Violation, judge},
    play::play,
    story::{Story, story_of},
    tally::Tally,
};

/// How often a story is tried shorter.
const TRIES: u32 = 600;

/// What became of a story.
#[derive(Debug)]
pub struct Outcome {
    /// What it broke.
    pub violations: Vec<Violation>,
    /// What it did.
    pub tally: Tally,
}

/// The same story with nothing going wrong.
fn calm(story: &Story) -> Option<Story> {
    let is_untouched = story.runs.iter().all(|run| run.between.is_none());
    let is_alone = story.runs.len() == 1 && story.meanwhile.is_empty() && is_untouched;
    let has_faults = story.runs.iter().any(|run| !run.strikes.is_empty());
    let mut calm = story.clone();
    for run in &mut calm.runs {
        run.strikes.clear();
    }
    (is_alone && has_faults).then_some(calm)
}

/// Plays a story and holds it against the laws. A panic is a violation, where panics can be caught.
pub fn outcome(story: &Story) -> Outcome {
    let played = catch_unwind(AssertUnwindSafe(|| {
        let played = play(story);
        let calm = calm(story).map(|calm| play(&calm));
        let (violations, judged) = judge(story, &played, calm.as_ref());
        let mut tally = played.tally;
        tally.add(&judged);
        Outcome { violations, tally }
    }));
    played.unwrap_or_else(|panic| {
        let words = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied());
        Outcome {
            violations: vec![Violation {
                law: "no panic",
                text: words.unwrap_or("a panic without words").to_owned(),
            }],
            tally: Tally {
                stories: 1,
                ..Tally::default()
            },
        }
    })
}

/// The outcome of the story of this number.
pub fn outcome_of(seed: u64) -> Outcome {
    outcome(&story_of(seed).current())
}

/// The shortest story found on the way from that of this number that breaks the same law, with what it breaks.
pub fn shortest(seed: u64, law: &str) -> (Story, Vec<Violation>) {
    let mut tree = story_of(seed);
    let mut kept = (tree.current(), Vec::new());
    let mut tries = 0;
    let mut is_broken = true;
    while tries < TRIES {
        tries += 1;
        let moved = if is_broken {
            tree.simplify()
        } else {
            tree.complicate()
        };
        if !moved {
            break;
        }
        let story = tree.current();
        let of_law: Vec<Violation> = outcome(&story)
            .violations
            .into_iter()
            .filter(|violation| violation.law == law)
            .collect();
        is_broken = !of_law.is_empty();
        if is_broken {
            kept = (story, of_law);
        }
    }
    if kept.1.is_empty() {
        kept.1 = outcome(&kept.0).violations;
    }
    kept
}
