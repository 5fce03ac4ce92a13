//! Who gains and who loses what by a plan: in the cluster, from how it is and how it would be; in AWS, from what the plan does to
//! the roles of service accounts; and those for whom an identity provider of the cluster vouches. Pure.
//!
//! Nothing is read for it: what the plan did not ask for it does not change either. So groups are told by their names where the
//! plan read no bindings, and by what is bound to them where it did.

mod assumed;
mod in_aws;
mod issuers;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    authorization::{Picture, Read, Side, access_delta, between},
    aws_authorization::AwsPicture,
};
use crate::{
    engine::{AccessDelta, HolderDelta, HolderKind, Plan, Severity},
    guard::aws_auth::AwsAuthReading,
    live::{AllRbacRoles, Live, Observed, PrincipalByArn, RbacRoleByKey, RoleKey},
    ports::kubernetes::RbacRole,
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
    /// What changes in the cluster.
    fn of_cluster(before: &Live, after: &Live) -> Self {
        let mut deltas = Self::default();
        for delta in between(side(before), side(after)) {
            let holder = (delta.kind, delta.who);
            for what in delta.gains {
                deltas.gains(&holder, what);
            }
            for what in delta.loses {
                deltas.loses(&holder, what);
            }
        }
        issuers::add(before, after, &mut deltas);
        deltas
    }

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

/// A plan, and what it makes of what is there.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// What it was made over.
    pub before: Live,
    /// What is there once it is applied, as far as that can be said before.
    pub after: Live,
}

impl Planned {
    /// What decides in the cluster once the plan is applied; what of AWS does is left out.
    pub fn picture_after(&self) -> Picture {
        picture(&self.after)
    }

    /// What of the plan is not known, in words that follow "not compared".
    pub fn unplanned(&self) -> BTreeSet<String> {
        unplanned(&self.plan)
    }
}

/// Who gains and who loses what by `plan`, which makes `after` of `before`.
pub fn planned_access(before: &Live, after: &Live, plan: &Plan) -> AccessDelta {
    let mut deltas = Deltas::of_cluster(before, after);
    in_aws::add(plan, &mut deltas);
    let mut unread = unread(before);
    unread.extend(unplanned(plan));
    AccessDelta {
        complete: unread.is_empty(),
        people: deltas.finish(),
        unread,
    }
}

/// Who has more and who has less once `to` is applied rather than `from`: two plans over the same state.
pub fn access_between(from: &Planned, to: &Planned) -> AccessDelta {
    let mut deltas = Deltas::of_cluster(&from.after, &to.after);
    in_aws::add(&to.plan, &mut deltas);
    // What both give or take is no difference; what only `from` does is one the other way round.
    let mut undone = Deltas::default();
    in_aws::add(&from.plan, &mut undone);
    for delta in undone.finish() {
        let holder = (delta.kind, delta.who);
        for what in delta.gains {
            deltas.loses(&holder, what);
        }
        for what in delta.loses {
            deltas.gains(&holder, what);
        }
    }
    let mut unread = unread(&to.before);
    for (side, planned) in [("before", from), ("after", to)] {
        unread.extend(
            planned
                .unplanned()
                .into_iter()
                .map(|what| format!("{side}: {what}")),
        );
    }
    AccessDelta {
        complete: unread.is_empty(),
        people: deltas.finish(),
        unread,
    }
}

/// Who gains and who loses what in the cluster from `before` until `planned` is applied. What roles allow in AWS a picture of the
/// cluster does not have.
pub fn access_since(before: &Picture, planned: &Planned) -> AccessDelta {
    let mut delta = access_delta(before, &planned.picture_after());
    delta.unread.extend(planned.unplanned());
    delta.complete = delta.unread.is_empty();
    delta
}

/// What could not be planned. An error that is about no one object is told in its own words: it may be about all of a kind.
fn unplanned(plan: &Plan) -> BTreeSet<String> {
    plan.findings_of(Severity::Error)
        .map(|finding| match &finding.address {
            Some(address) => format!("{address}, which could not be planned"),
            None => finding.message.clone(),
        })
        .collect()
}

/// The same with aws-auth as the guards have read it.
fn side(live: &Live) -> Side {
    let reading = AwsAuthReading::of_live(live).filter(|_| live.cluster.reads_aws_auth());
    let aws_auth = reading.and_then(|reading| Some(Arc::clone(reading.ok()?.aws_auth())));
    Side::over(picture(live), aws_auth)
}

/// What decides in the cluster, as far as it was asked for.
fn picture(live: &Live) -> Picture {
    let principals = live.each::<PrincipalByArn>();
    Picture {
        cluster: live.cluster.name.clone(),
        region: live.region.clone(),
        account: live.account.clone(),
        version: live.cluster.version.clone(),
        authentication_mode: live.cluster.authentication_mode.clone(),
        aws_auth: if live.cluster.reads_aws_auth() {
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
        roles: roles(live),
        service_accounts: Read::Unread(NOT_ASKED.to_owned()),
        aws: AwsPicture::not_read(NOT_ASKED),
    }
}

/// The roles that were read one by one, over all where all were listed: a plan changes the ones that it read.
fn roles(live: &Live) -> Read<Vec<RbacRole>> {
    let key = |role: &RbacRole| (role.namespace.clone(), role.name.clone());
    let mut all: BTreeMap<RoleKey, RbacRole> = match live.get(&AllRbacRoles) {
        Some(Ok(listed)) => listed.iter().map(|role| (key(role), role.clone())).collect(),
        Some(Err(error)) => return Read::Unread(error.to_string()),
        None => BTreeMap::new(),
    };
    for (query, answer) in live.each::<RbacRoleByKey>() {
        match answer {
            Ok(Some(role)) => all.insert(query.0.clone(), role.clone()),
            Ok(None) => all.remove(&query.0),
            Err(_) => None,
        };
    }
    Read::Known(all.into_values().collect())
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
        (
            "aws-auth",
            live.cluster.reads_aws_auth() && live.aws_auth().is_some_and(Result::is_err),
        ),
        ("bindings", live.bindings().is_some_and(Result::is_err)),
        ("roles", live.get(&AllRbacRoles).is_some_and(Result::is_err)),
    ];
    let failed = failed.into_iter().filter(|(_, is_unread)| *is_unread);
    failed
        .map(|(what, _)| format!("{what}, which could not be read"))
        .collect()
}

#[cfg(test)]
mod tests;
