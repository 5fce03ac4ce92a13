//! Which changes a plan marks as giving more access, and whom it says to gain by it, agree: in AWS, where both follow from the same
//! attributes, and for identity providers.

use std::collections::BTreeSet;

use eksact_core::engine::{AttributeChange, Change, Effect, HolderKind, Plan};

use super::Violation;
use crate::{play::Played, tally::Tally};

const LAW: &str = "mark and delta";

/// The kinds whose marks and deltas are held together. In the cluster they are not: the access entry that stands for a mapping of
/// `system:masters` gives a policy, and no more than there was.
const KINDS: [&str; 8] = [
    "assumable-role",
    "iam-role",
    "identity-provider",
    "managed-policy",
    "pod-identity-association",
    "pod-identity-role",
    "service-account",
    "shared-role",
];

/// What a plan says in one of the two ways and not in the other; none where it says nothing of access.
pub fn disagreement(plan: &Plan) -> Option<String> {
    let access = plan.access.as_ref()?;
    let is_marked = plan.changes.iter().any(|change| change.effect.broadens());
    let of_aws = access
        .people
        .iter()
        .filter(|holder| matches!(holder.kind, HolderKind::ServiceAccount | HolderKind::Issuer));
    let gains: Vec<String> = of_aws
        .filter(|holder| !holder.gains.is_empty())
        .map(|holder| format!("{}: {}", holder.holder(), holder.gains.join(", ")))
        .collect();
    if !is_marked && !gains.is_empty() {
        return Some(format!(
            "no change is marked, and somebody gains: {}",
            gains.join("; ")
        ));
    }
    let moved = moved(plan);
    let marked: Vec<String> = plan
        .changes
        .iter()
        .filter(|change| KINDS.contains(&change.address.kind()) && gives(change))
        .filter(|change| !moved.contains(change.address.name()))
        .map(|change| change.address.to_string())
        .collect();
    let is_told = access.people.iter().any(|holder| !holder.gains.is_empty());
    (!marked.is_empty() && !is_told && access.complete)
        .then(|| format!("nobody gains, and these are marked: {}", marked.join(", ")))
}

/// Whether a change is marked for something that the delta tells: of trust policies it tells whom they name, not what they ask of them.
fn gives(change: &Change) -> bool {
    let broadens = |attribute: &&AttributeChange| attribute.effect.is_some_and(Effect::broadens);
    let mut attributes = change.attributes.iter().filter(broadens);
    attributes.any(|attribute| attribute.name != "trust policy")
}

/// The service accounts that lose a role in one way while they get one in the other: it may be the same.
fn moved(plan: &Plan) -> BTreeSet<&str> {
    let of = |kind: &str| -> BTreeSet<&str> {
        let changes = plan.changes.iter().filter(|change| change.address.kind() == kind);
        changes.map(|change| change.address.name()).collect()
    };
    let (annotated, associated) = (of("service-account"), of("pod-identity-association"));
    annotated.intersection(&associated).copied().collect()
}

pub(super) fn judge(played: &Played, tally: &mut Tally) -> Vec<Violation> {
    let mut found = Vec::new();
    // Of a plan that says nothing of access there is nothing to judge.
    let telling = played
        .told
        .plans
        .iter()
        .filter(|planned| planned.plan.access.is_some());
    for planned in telling {
        tally.judge(LAW);
        found.extend(disagreement(&planned.plan).map(|text| Violation::new(LAW, text)));
    }
    found
}
