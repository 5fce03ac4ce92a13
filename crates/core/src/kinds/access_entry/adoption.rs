//! What becomes of an entry that is there when it is to be made: somebody was faster, or the answer to the own call was lost.

use super::{granted::Granted, run::has_same_user};
use crate::{
    guard::access::policy_gives_everything,
    ports::aws::{AccessEntry, AccessPolicy},
};
use eksact_identity::authn::access_entry::{STANDARD, derived_username, is_for_nodes};

/// What is done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Adoption {
    /// It is as the call would have made it.
    Keep,
    /// It gives no more than the plan shows: user name and groups become what the plan shows.
    Complete,
    /// It gives more, or something else: that was not approved.
    Refuse,
}

/// Of the entry that is there, beside the one that the call makes and the policies that it gets. `is_after_switch` says that the
/// plan has taken the cluster out of mode `CONFIG_MAP`, at which EKS makes an entry of its own for the cluster's creator.
pub(super) fn adoption(
    now: &AccessEntry,
    made: &AccessEntry,
    policies: &[AccessPolicy],
    is_after_switch: bool,
) -> Adoption {
    if now.entry_type != made.entry_type {
        return Adoption::Refuse;
    }
    if is_after_switch && is_of_creator(now) {
        return complete(now, made);
    }
    let planned = AccessEntry {
        policies: policies.to_vec(),
        ..made.clone()
    };
    if is_for_nodes(&now.entry_type) {
        // EKS fills in their user name and groups.
        let planned = AccessEntry {
            groups: now.groups.clone(),
            ..planned
        };
        return if Granted::from(now).exceeds(&Granted::from(&planned)) {
            Adoption::Refuse
        } else {
            Adoption::Keep
        };
    }
    if now.username != made.username || Granted::from(now).exceeds(&Granted::from(&planned)) {
        Adoption::Refuse
    } else {
        complete(now, made)
    }
}

fn complete(now: &AccessEntry, made: &AccessEntry) -> Adoption {
    if is_for_nodes(&now.entry_type) || has_same_user(now, made) {
        Adoption::Keep
    } else {
        Adoption::Complete
    }
}

/// Whether it looks like the one that EKS makes for the creator of a cluster: an administrator with the user name that EKS derives
/// (<https://docs.aws.amazon.com/eks/latest/userguide/access-entries.html>).
fn is_of_creator(entry: &AccessEntry) -> bool {
    entry.username == derived_username(STANDARD, &entry.principal_arn)
        && entry.groups.is_empty()
        && matches!(entry.policies.as_slice(), [only] if policy_gives_everything(only))
}
