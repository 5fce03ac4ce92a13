//! What `aws-auth` makes of a principal that has no access entry: an entry overrides it, and it counts again once the entry is gone.

use std::collections::BTreeSet;

use serde_json::json;

use super::granted::{Granted, effect};
use crate::{
    engine::{Action, AttributeChange, Change, Effect, PlanDraft},
    guard::{
        access::{Admitted, principal_key},
        aws_auth::AwsAuthReading,
    },
    live::{Live, addresses},
};

/// As whom `aws-auth` lets a principal in; none where it does not, the cluster does not read it, or it could not be read.
pub(super) fn mapped(arn: &str, live: &Live) -> Option<Admitted> {
    live.cluster
        .reads_aws_auth()
        .then(|| AwsAuthReading::of_live(live)?.ok()?.access.admitted(arn))
        .flatten()
}

/// Whether `aws-auth` lets the principal in once its entry is gone, or may.
pub(super) fn may_be_mapped(arn: &str, live: &Live) -> bool {
    match AwsAuthReading::of_live(live) {
        Some(Ok(reading)) => reading.access.admitted(arn).is_some(),
        Some(Err(_)) => true,
        None => false,
    }
}

/// `user name dev with the groups ops, readers`.
pub(super) fn as_whom(admitted: &Admitted) -> String {
    let groups = match admitted.groups.as_slice() {
        [] => "no groups".to_owned(),
        groups => format!("the groups {}", groups.join(", ")),
    };
    format!("user name {} with {groups}", admitted.username)
}

/// Judges the entries that go over what their principals are let in as afterwards: `after` is `live` once the plan is applied.
pub(super) fn judge_deletions(live: &Live, after: &Live, draft: &mut PlanDraft) {
    let Some(reading) = AwsAuthReading::of_live(after).filter(|_| after.cluster.reads_aws_auth()) else {
        return;
    };
    let entries = |live| Live::access_entries(live).and_then(|entries| entries.as_ref().ok());
    let keys = entries(after).into_iter().flatten();
    let overridden: BTreeSet<String> = keys.map(|entry| principal_key(&entry.principal_arn)).collect();
    for entry in entries(live).into_iter().flatten() {
        let arn = &entry.principal_arn;
        let deleted = draft
            .change_mut(&addresses::access_entry(arn))
            .filter(|change| change.action == Action::Delete);
        // A role that was moved to another path has its next entry.
        let Some(change) = deleted.filter(|_| !overridden.contains(&principal_key(arn))) else {
            continue;
        };
        // One that was made for an earlier principal of the ARN lets no one in.
        let before = (live.lets_in(entry) != Some(false)).then(|| Granted::from(entry));
        match &reading {
            Ok(reading) => {
                if let Some(mapped) = reading.access.admitted(arn) {
                    counts_again(change, before.as_ref(), &mapped);
                }
            }
            Err(_) => may_count_again(change, before.as_ref()),
        }
    }
}

fn counts_again(change: &mut Change, before: Option<&Granted>, mapped: &Admitted) {
    let whom = as_whom(mapped);
    change.notes.push(format!(
        "From then on its mapping in aws-auth counts again, {whom}."
    ));
    let total = effect(before, Some(&Granted::from(mapped)));
    judge(change, total);
    if total != Effect::Narrower {
        let lets_in = AttributeChange::plain("lets in as", None, Some(json!(whom)));
        change.attributes.push(lets_in.with_effect(total));
    }
}

/// Whoever may do everything cannot be given more.
fn may_count_again(change: &mut Change, before: Option<&Granted>) {
    change.notes.push(
        "From then on a mapping in aws-auth counts again, if it has one: it could not be read, and may give more."
            .to_owned(),
    );
    if !before.is_some_and(Granted::is_everything) {
        judge(change, Effect::Incomparable);
    }
}

/// The principal is not without access afterwards: what it gains or loses is the whole's to say.
fn judge(change: &mut Change, total: Effect) {
    change.effect = total;
    if total != Effect::Narrower {
        for attribute in &mut change.attributes {
            attribute.effect = None;
        }
    }
}
