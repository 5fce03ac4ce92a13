//! The guards over the authentication mode: no step of it can be undone, and the last one makes `aws-auth` void.

use std::collections::BTreeSet;

use super::{
    Guard,
    access::{Admitted, Refusal},
    aws_auth::AwsAuthReading,
    entries::AccessEntries,
};
use crate::{
    engine::PlanDraft,
    live::{Live, addresses},
    ports::aws::AuthenticationMode,
};

/// The subject of a refusal that knows no line: `aws-auth` could not be read.
pub const UNREAD: &str = "kube-system/aws-auth";

/// Whom a line of `aws-auth` lets in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The principal as the authenticator compares it, or the account.
    pub subject: String,
    /// The same for people, with what it gives.
    pub words: String,
}

/// The effective lines of `aws-auth` whose principals have no access entry that is known to let them in, by principal. Where the
/// entries are not known, all of them.
pub fn uncovered(reading: &AwsAuthReading, entries: &AccessEntries) -> Vec<Line> {
    let principals = reading
        .access
        .principals
        .iter()
        .filter(|(key, _)| entries.override_of(key) != Some(true))
        .map(|(key, admitted)| Line {
            subject: key.clone(),
            words: match entries.remark_on(key) {
                Some(remark) => format!("{key} ({}; {remark})", words(admitted)),
                None => format!("{key} ({})", words(admitted)),
            },
        });
    let accounts = reading.access.accounts.iter().map(|account| Line {
        subject: account.clone(),
        words: format!("every user and role of account {account} (mapAccounts)"),
    });
    principals.chain(accounts).collect()
}

fn words(admitted: &Admitted) -> String {
    let username = if admitted.username.is_empty() {
        "no user name"
    } else {
        &admitted.username
    };
    if admitted.groups.is_empty() {
        format!("{username}, no groups")
    } else {
        format!("{username}, {}", admitted.groups.join(", "))
    }
}

/// Whether a plan makes `aws-auth` void.
pub(super) fn voids_aws_auth(before: &Live, after: &Live) -> bool {
    before.cluster.reads_aws_auth() && !after.cluster.reads_aws_auth()
}

/// Adds the refusal of each step that cannot be undone.
pub(super) fn check(before: &Live, draft: &mut PlanDraft) {
    let cluster = &before.cluster.name;
    let steps = AuthenticationMode::ALL.windows(2).filter_map(|pair| match pair {
        [from, to] => Some((*from, *to)),
        _ => None,
    });
    for (from, to) in steps {
        let address = addresses::authentication_mode(cluster, to);
        if draft.change(&address).is_none() {
            continue;
        }
        let refusal = Guard::OneWayMode.refusal(format!(
            "cluster {cluster} goes from authentication mode {from} to {to}, which EKS never takes back"
        ));
        draft.add_finding(refusal.about(&address).with_help(remedy!(
            "Once you are sure: --allow {}. --yes alone does not approve it.",
            Guard::OneWayMode.code()
        )));
    }
}

/// The refusal where a plan makes `aws-auth` void while it still lets somebody in.
pub(super) fn lines_lost(before: &Live, after: &Live) -> Option<Refusal> {
    if !voids_aws_auth(before, after) {
        return None;
    }
    let entries = AccessEntries::of(after);
    let (subjects, message) = match after.aws_auth() {
        Some(Ok(Some(config_map))) => {
            let lines = uncovered(&AwsAuthReading::of(&config_map.data), &entries);
            let words: Vec<&str> = lines.iter().map(|line| line.words.as_str()).collect();
            let unread = match entries {
                AccessEntries::Known { .. } => "",
                AccessEntries::Unknown => " (the access entries could not be read)",
            };
            let message = format!(
                "in authentication mode API no one gets in through aws-auth, and {} in{unread}: {}",
                if lines.len() == 1 {
                    "1 of its principals has no access entry that lets it".to_owned()
                } else {
                    format!(
                        "{} of its principals have no access entry that lets them",
                        lines.len()
                    )
                },
                words.join("; ")
            );
            (lines.into_iter().map(|line| line.subject).collect(), message)
        }
        Some(Ok(None)) => (BTreeSet::new(), String::new()),
        Some(Err(error)) => (
            BTreeSet::from([UNREAD.to_owned()]),
            format!(
                "in authentication mode API no one gets in through aws-auth, and whom it lets in could not be read: {error}"
            ),
        ),
        None => (
            BTreeSet::from([UNREAD.to_owned()]),
            "in authentication mode API no one gets in through aws-auth, and it was not read".to_owned(),
        ),
    };
    (!subjects.is_empty()).then(|| Refusal {
        guard: Guard::AwsAuthInUse,
        subjects,
        message,
        help: Some(remedy!(
            "Give each an access entry first, or remove its mapping if it is not needed."
        )),
    })
}
