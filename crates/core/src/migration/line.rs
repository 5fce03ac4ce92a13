//! A line of `aws-auth`, and what a migration makes of it.

use super::verdict::Verdict;
use crate::ports::aws::AccessPolicy;
use eksact_identity::authn::aws_auth::SectionKey;
use eksact_message::remedy::Remedy;

/// A line and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The section.
    pub section: SectionKey,
    /// The line of the section's text, from 1; none for an account.
    pub line: Option<usize>,
    /// The ARN as it is written, or the account.
    pub subject: String,
    /// The [`principal_key`](crate::guard::access::principal_key) of the ARN; the account itself for one.
    pub key: String,
    /// The user name as it is written; none for an account.
    pub username: Option<String>,
    /// What becomes of it.
    pub fate: Fate,
}

/// What becomes of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// An access entry takes its place.
    Entry(Proposal),
    /// Its principal has an entry already, which alone decides where entries are read. The verdict is what the line gave
    /// beside it.
    Decided {
        /// What the entry gives, held against the line.
        verdict: Verdict,
        /// In words.
        why: Vec<String>,
        /// Whether the entry is known to be that of the principal there is now. That of one that was made again counts for no one,
        /// and then the line may be what lets it in.
        is_current: bool,
    },
    /// No entry can take its place as things are. It keeps the cluster from mode `API`.
    Blocked {
        /// Why.
        why: String,
        /// What can be done, where something can.
        help: Option<Remedy>,
    },
    /// It lets nobody in, so nothing is lost without it.
    Dead {
        /// Why.
        why: String,
        /// Whether that is certain. IAM's answer to one spelling of a name does not say that there is no other.
        is_certain: bool,
    },
}

/// The access entry that takes the place of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The whole ARN.
    pub principal_arn: String,
    /// `STANDARD`, `EC2_LINUX`, …
    pub entry_type: String,
    /// The user name; none where EKS gives one.
    pub username: Option<String>,
    /// The groups.
    pub groups: Vec<String>,
    /// The access policies.
    pub policies: Vec<AccessPolicy>,
    /// What changes for the principal.
    pub verdict: Verdict,
    /// What changes, in words.
    pub why: Vec<String>,
}
