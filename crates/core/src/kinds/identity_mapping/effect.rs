//! What the change of a mapping means for its principal: who gets in as whom before and after, with the access entries
//! that override `aws-auth`.

use std::collections::BTreeSet;

use serde_json::json;

use super::delta::EntryChange;
use crate::{
    engine::{AttributeChange, Effect},
    guard::{
        access::{Admitted, AwsAuthAccess, MASTERS},
        entries::AccessEntries,
    },
};

/// The attributes of a change: the user name and the groups, with what they mean for access.
pub(super) fn attributes(
    change: &EntryChange,
    before: &AwsAuthAccess,
    after: &AwsAuthAccess,
    entries: &AccessEntries,
) -> Vec<AttributeChange> {
    let key = change.subject.to_lowercase();
    let overridden = entries.override_of(&key);
    let is_account = change.section == eksact_identity::authn::aws_auth::SectionKey::Accounts;
    let (then, now) = if is_account {
        (change.before.clone(), change.after.clone())
    } else {
        (
            before
                .principals
                .get(&key)
                .cloned()
                .or_else(|| change.before.clone())
                .or_else(|| before.by_account(&change.subject)),
            after
                .principals
                .get(&key)
                .cloned()
                .or_else(|| after.by_account(&change.subject)),
        )
    };
    let effect = if overridden == Some(true) {
        Effect::Equal
    } else {
        effect_of(then.as_ref(), now.as_ref())
    };
    let remark = match overridden {
        Some(true) => Some("an access entry of the principal overrides it"),
        None if !is_account => Some("an access entry, which could not be read, may override it"),
        _ => None,
    };
    let mut attributes = Vec::new();
    if is_account {
        let value = |present: bool| present.then(|| json!("every user and role, each under its own ARN"));
        attributes.push(
            AttributeChange::plain(
                "lets in",
                value(change.before.is_some()),
                value(change.after.is_some()),
            )
            .with_effect(effect),
        );
    } else {
        attributes.extend(principal(change, then.as_ref(), now.as_ref(), effect));
    }
    if let (Some(remark), Some(first)) = (remark, attributes.first_mut()) {
        first.remark = Some(remark.to_owned());
    }
    attributes
}

fn principal(
    change: &EntryChange,
    then: Option<&Admitted>,
    now: Option<&Admitted>,
    effect: Effect,
) -> Vec<AttributeChange> {
    // What the entry says is what changes; that another entry of the ARN decides shows in the effect.
    let (said, says) = (change.before.as_ref(), change.after.as_ref());
    let username = |admitted: Option<&Admitted>| {
        admitted
            .filter(|admitted| !admitted.username.is_empty())
            .map(|admitted| json!(admitted.username))
    };
    let groups = |admitted: Option<&Admitted>| {
        admitted
            .filter(|admitted| !admitted.groups.is_empty())
            .map(|admitted| json!(admitted.groups))
    };
    let mut attributes = Vec::new();
    if username(said) != username(says) {
        attributes.push(AttributeChange::plain("username", username(said), username(says)));
    }
    if groups(said) != groups(says) {
        attributes.push(AttributeChange::plain("groups", groups(said), groups(says)));
    }
    if attributes.is_empty() {
        attributes.push(AttributeChange::plain("arn", None, Some(json!(change.subject))));
    }
    if !same(then, said) || !same(now, says) {
        let shown = |admitted: Option<&Admitted>| {
            admitted.map(|admitted| match admitted.groups.as_slice() {
                [] => json!(admitted.username),
                groups => json!(format!(
                    "{} with the groups {}",
                    admitted.username,
                    groups.join(", ")
                )),
            })
        };
        attributes.push(
            AttributeChange::plain("lets in as", shown(then), shown(now))
                .with_remark("other entries that mean the same principal count as well"),
        );
    }
    if let Some(last) = attributes.last_mut() {
        last.effect = Some(effect);
    }
    attributes
}

/// Whether both are the same; the authenticator gives groups in no order.
fn same(one: Option<&Admitted>, other: Option<&Admitted>) -> bool {
    let meaning = |admitted: Option<&Admitted>| {
        admitted.map(|admitted| {
            let groups: BTreeSet<String> = admitted.groups.iter().cloned().collect();
            (admitted.username.clone(), groups)
        })
    };
    meaning(one) == meaning(other)
}

/// What it means for a principal to get in as `after` and no longer as `before`. Group by group; a new user name may
/// have other rights of its own.
pub(super) fn effect_of(before: Option<&Admitted>, after: Option<&Admitted>) -> Effect {
    match (before, after) {
        (None, None) => Effect::Equal,
        (None, Some(_)) => Effect::Broader,
        (Some(_), None) => Effect::Narrower,
        // Whoever may do everything, gains and loses nothing by other groups and names.
        (Some(before), Some(after)) if before.is_in(MASTERS) || after.is_in(MASTERS) => {
            match (before.is_in(MASTERS), after.is_in(MASTERS)) {
                (false, _) => Effect::Broader,
                (true, false) => Effect::Narrower,
                (true, true) => Effect::Equal,
            }
        }
        (Some(before), Some(after)) => {
            let old: BTreeSet<&String> = before.groups.iter().collect();
            let new: BTreeSet<&String> = after.groups.iter().collect();
            let groups = match (new.is_subset(&old), old.is_subset(&new)) {
                (true, true) => Effect::Equal,
                (true, false) => Effect::Narrower,
                (false, true) => Effect::Broader,
                (false, false) => Effect::Incomparable,
            };
            if before.username == after.username {
                groups
            } else {
                Effect::Incomparable
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_widen_and_narrow() {
        let admitted = |username: &str, groups: &[&str]| {
            Some(Admitted {
                username: username.to_owned(),
                groups: groups.iter().map(|group| (*group).to_owned()).collect(),
            })
        };
        let table = [
            (None, admitted("a", &[]), Effect::Broader),
            (admitted("a", &[]), None, Effect::Narrower),
            (admitted("a", &["x"]), admitted("a", &["x", "y"]), Effect::Broader),
            (
                admitted("a", &["x", "y"]),
                admitted("a", &["y"]),
                Effect::Narrower,
            ),
            (
                admitted("a", &["x", "y"]),
                admitted("a", &["y", "x"]),
                Effect::Equal,
            ),
            (admitted("a", &["x"]), admitted("a", &["y"]), Effect::Incomparable),
            (admitted("a", &["x"]), admitted("b", &["x"]), Effect::Incomparable),
            (None, None, Effect::Equal),
            (admitted("a", &["x"]), admitted("b", &[MASTERS]), Effect::Broader),
            (admitted("a", &[MASTERS]), admitted("a", &["x"]), Effect::Narrower),
            (
                admitted("a", &[MASTERS]),
                admitted("b", &["x", MASTERS]),
                Effect::Equal,
            ),
        ];
        for (before, after, expected) in table {
            assert_eq!(
                effect_of(before.as_ref(), after.as_ref()),
                expected,
                "{before:?} {after:?}"
            );
        }
    }
}
