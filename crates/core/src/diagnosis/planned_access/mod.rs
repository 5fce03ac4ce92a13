//! Who gains and who loses what by a plan: in the cluster, from how it is and how it would be; in AWS, from what the plan does to
//! the roles of service accounts. Pure.
//!
//! Nothing is read for it: what the plan did not ask for it does not change either. So groups are told by their names where the
//! plan read no bindings, and by what is bound to them where it did.

mod assumed;
mod in_aws;

use std::collections::{BTreeMap, BTreeSet};

use super::{
    authorization::{Picture, Read, between},
    aws_authorization::AwsPicture,
};
use crate::{
    engine::{AccessDelta, HolderDelta, HolderKind, Plan, Severity},
    live::{Live, Observed, PrincipalByArn, RbacRoleByKey},
    ports::aws::AuthenticationMode,
};

const NOT_ASKED: &str = "the plan does not need it";

/// Somebody.
type Holder = (HolderKind, String);

/// What people gain and lose, collected.
#[derive(Debug, Default)]
struct Deltas(BTreeMap<Holder, Delta>);

#[derive(Debug, Default)]
struct Delta {
    gains: BTreeSet<String>,
    loses: BTreeSet<String>,
}

impl Deltas {
    fn gains(&mut self, holder: &Holder, what: impl Into<String>) {
        self.0
            .entry(holder.clone())
            .or_default()
            .gains
            .insert(what.into());
    }

    fn loses(&mut self, holder: &Holder, what: impl Into<String>) {
        self.0
            .entry(holder.clone())
            .or_default()
            .loses
            .insert(what.into());
    }

    /// Each with what is not both gained and lost: what comes another way stays.
    fn finish(self) -> Vec<HolderDelta> {
        let each = self.0.into_iter().map(|((kind, who), delta)| HolderDelta {
            kind,
            who,
            gains: delta.gains.difference(&delta.loses).cloned().collect(),
            loses: delta.loses.difference(&delta.gains).cloned().collect(),
        });
        each.filter(|delta| !delta.gains.is_empty() || !delta.loses.is_empty())
            .collect()
    }
}

/// Who gains and who loses what by `plan`, which makes `after` of `before`.
pub fn planned_access(before: &Live, after: &Live, plan: &Plan) -> AccessDelta {
    let mut deltas = Deltas::default();
    for delta in between(&picture(before), &picture(after)) {
        let holder = (delta.kind, delta.who);
        for what in delta.gains {
            deltas.gains(&holder, what);
        }
        for what in delta.loses {
            deltas.loses(&holder, what);
        }
    }
    in_aws::add(plan, &mut deltas);
    let mut unread = unread(before);
    let failed = plan
        .findings_of(Severity::Error)
        .filter_map(|finding| finding.address.as_ref());
    let failed: BTreeSet<String> = failed
        .map(|address| format!("{address}, which could not be planned"))
        .collect();
    unread.extend(failed);
    AccessDelta {
        complete: unread.is_empty(),
        people: deltas.finish(),
        unread,
    }
}

/// What decides in the cluster, as far as it was asked for.
fn picture(live: &Live) -> Picture {
    let is_read = live.cluster.mode() != Ok(AuthenticationMode::Api);
    let principals = live.each::<PrincipalByArn>();
    let roles = live.each::<RbacRoleByKey>();
    Picture {
        cluster: live.cluster.name.clone(),
        region: live.region.clone(),
        account: live.account.clone(),
        version: live.cluster.version.clone(),
        authentication_mode: live.cluster.authentication_mode.clone(),
        aws_auth: if is_read {
            part(live.aws_auth(), |found| {
                found.as_ref().map(|found| found.data.clone())
            })
        } else {
            Read::Known(None)
        },
        access_entries: part(live.access_entries(), Vec::clone),
        principals: principals
            .filter_map(|(query, answer)| Some((query.0.clone(), answer.as_ref().ok()?.clone())))
            .collect(),
        bindings: part(live.bindings(), Vec::clone),
        roles: Read::Known(roles.filter_map(|(_, answer)| answer.clone().ok()?).collect()),
        service_accounts: Read::Unread(NOT_ASKED.to_owned()),
        aws: AwsPicture::not_read(NOT_ASKED),
    }
}

fn part<S, T>(asked: Option<&Observed<S>>, keep: impl FnOnce(&S) -> T) -> Read<T> {
    match asked {
        Some(observed) => Read::of(observed, keep),
        None => Read::Unread(NOT_ASKED.to_owned()),
    }
}

/// What was asked for and not answered; why not, the findings say.
fn unread(live: &Live) -> Vec<String> {
    let failed = [
        (
            "access entries",
            live.access_entries().is_some_and(Result::is_err),
        ),
        ("aws-auth", live.aws_auth().is_some_and(Result::is_err)),
        ("bindings", live.bindings().is_some_and(Result::is_err)),
    ];
    let failed = failed.into_iter().filter(|(_, is_unread)| *is_unread);
    failed
        .map(|(what, _)| format!("{what}, which could not be read"))
        .collect()
}

#[cfg(test)]
mod tests;
