//! What holds in every story.

mod access;
pub mod agreement;
mod convergence;
mod foreign;
mod precondition;
mod report;
mod steps;

use std::fmt;

use crate::{play::Played, story::Story, tally::Tally};

/// A law that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which law.
    pub law: &'static str,
    /// What happened instead.
    pub text: String,
}

impl Violation {
    fn new(law: &'static str, text: impl Into<String>) -> Self {
        Self {
            law,
            text: text.into(),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.law, self.text)
    }
}

/// The names of the laws, and what each says.
pub const LAWS: [(&str, &str); 9] = [
    (
        "no panic",
        "no input of a story, and no fault in it, makes eksact panic",
    ),
    (
        "converges",
        "a rerun does what is left, and the plan after it is empty",
    ),
    (
        "same end",
        "an interrupted run that is run again ends where a run ends that nothing happened to",
    ),
    (
        "nothing foreign",
        "what eksact did not make and was not asked about is as it was",
    ),
    (
        "no other access",
        "nobody but those whom a plan names gains or loses access, and not even for a moment",
    ),
    (
        "precondition",
        "no write goes over what its plan did not see, and none is repeated blindly",
    ),
    (
        "no other step",
        "every write belongs to a step of the plan, and is of the object that the step is about",
    ),
    (
        "true report",
        "what the report says is done is done, and what it says is untouched is untouched",
    ),
    (
        "mark and delta",
        "where a plan says that pods or an issuer's users gain, a change is marked, and where one is marked, somebody gains",
    ),
];

/// Holds a story that was played against every law. `calm` is the same story with no fault in it.
pub fn judge(story: &Story, played: &Played, calm: Option<&Played>) -> (Vec<Violation>, Tally) {
    let mut tally = Tally::default();
    let mut found = Vec::new();
    found.extend(convergence::judge(played, &mut tally));
    if let Some(calm) = calm {
        found.extend(convergence::same_end(played, calm, &mut tally));
    }
    found.extend(foreign::judge(story, played, &mut tally));
    found.extend(steps::judge(played, &mut tally));
    found.extend(precondition::judge(played, &mut tally));
    found.extend(report::judge(story, played, &mut tally));
    found.extend(access::judge(story, played, &mut tally));
    found.extend(agreement::judge(played, &mut tally));
    (found, tally)
}
