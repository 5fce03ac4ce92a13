//! What a principal may do after its line of `aws-auth` became an access entry, held against what it may do now.

use std::fmt;

/// What changes for a principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// The same user name and rights.
    Same,
    /// It may do more.
    More,
    /// It may do less.
    Less,
    /// It cannot be told.
    Unknown,
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Same => "same",
            Self::More => "more",
            Self::Less => "less",
            Self::Unknown => "unknown",
        })
    }
}
