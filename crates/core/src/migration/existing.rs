//! An access entry that is there, beside the one that a line asks for.

use std::collections::BTreeSet;

use super::{
    line::{Fate, Proposal},
    verdict::Verdict,
};
use crate::{guard::access::gives_everything, ports::aws::AccessEntry};
use eksact_identity::authn::access_entry::STANDARD;

/// An entry that is there, held against the one that the line asks for.
pub(super) fn decided(entry: &AccessEntry, wanted: &Proposal, is_current: bool) -> Fate {
    let mut why = Vec::new();
    let (mut less, mut more) = (false, false);
    if entry.entry_type != wanted.entry_type {
        let mut why = vec![format!(
            "the entry is of type {}, the line asks for {}",
            entry.entry_type, wanted.entry_type
        )];
        why.extend(wanted.why.iter().cloned());
        return Fate::Decided {
            verdict: Verdict::Unknown,
            why,
            is_current,
        };
    }
    if wanted.entry_type == STANDARD {
        if let Some(name) = wanted.username.as_ref().filter(|name| **name != entry.username) {
            why.push(format!(
                "the user name is {}, the line says {name}",
                entry.username
            ));
            (less, more) = (true, true);
        }
        let has: BTreeSet<&String> = entry.groups.iter().collect();
        let asks: BTreeSet<&String> = wanted.groups.iter().collect();
        let all = gives_everything(entry);
        let missing: Vec<&str> = asks.difference(&has).map(|group| group.as_str()).collect();
        if !missing.is_empty() {
            why.push(format!(
                "the entry does not have the groups {}",
                missing.join(", ")
            ));
            less |= !all;
        }
        let further: Vec<&str> = has.difference(&asks).map(|group| group.as_str()).collect();
        if !further.is_empty() {
            why.push(format!("the entry has the groups {} besides", further.join(", ")));
            more |= wanted.policies.is_empty();
        }
        if !wanted.policies.is_empty() && !all {
            why.push("the line gives the whole cluster, the entry does not".to_owned());
            less = true;
        }
        if wanted.policies.is_empty() && !entry.policies.is_empty() {
            why.push("the entry has access policies besides".to_owned());
            more = true;
        }
    }
    Fate::Decided {
        verdict: match (less, more) {
            (false, false) => Verdict::Same,
            (false, true) => Verdict::More,
            (true, false) => Verdict::Less,
            (true, true) => Verdict::Unknown,
        },
        why,
        is_current,
    }
}
