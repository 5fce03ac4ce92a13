//! What the guards over access look at: the caller, the access entries, and the way back after a lockout. Kept with the step
//! that writes `aws-auth`, so that a write that meets a moved ConfigMap asks the same guards again.

use serde::{Deserialize, Serialize};

use super::{
    access::Refusal,
    access_lost::{Caller, Evidence, Side, refusals},
    aws_auth::AwsAuthReading,
    entries::AccessEntries,
    recovery,
};
use crate::{
    live::Live,
    ports::aws::{AccessEntry, CallerIdentity},
};

/// What the guards need besides the ConfigMap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standpoint {
    /// The caller, where IAM knows it.
    pub caller: Option<CallerIdentity>,
    /// The access entries.
    pub entries: AccessEntries,
    /// The commands that lead back in after a lockout.
    #[serde(rename = "way_back")]
    pub recovery: String,
    /// The commands that make another an administrator first. Plans of earlier versions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successor: Option<String>,
}

impl Standpoint {
    /// Of what was read, in a plan that is being made: what is planned later may still make or delete an entry of the caller's.
    pub fn before_plan(live: &Live) -> Self {
        let caller = caller(live);
        let (cluster, region) = (&live.cluster, &live.region);
        Self {
            recovery: recovery::commands_in_any_state(cluster, region, caller.as_ref()),
            successor: Some(successor(live)),
            caller,
            entries: AccessEntries::of(live),
        }
    }

    /// Of a finished plan: with the entries as it would leave them.
    pub(super) fn over(before: &Live, after: &Live) -> Self {
        Self {
            recovery: recovery_over(before, after),
            successor: Some(successor(before)),
            caller: caller(after),
            entries: AccessEntries::of(after),
        }
    }

    /// The refusals of the guards over a change of the ConfigMap, the entries being as they are: `dropped` are sections that the
    /// authenticator does not read, each with the reason, and `foreign` is what would change unasked.
    pub fn refusals(
        &self,
        before: &AwsAuthReading,
        after: &AwsAuthReading,
        dropped: &[(String, String)],
        foreign: &[String],
    ) -> Vec<Refusal> {
        self.refusals_over(&self.entries, (before, after), dropped, foreign)
    }

    /// The same where the plan changes entries too: `entries_before` are those that are there, and this has them as they would be.
    pub(super) fn refusals_over(
        &self,
        entries_before: &AccessEntries,
        (before, after): (&AwsAuthReading, &AwsAuthReading),
        dropped: &[(String, String)],
        foreign: &[String],
    ) -> Vec<Refusal> {
        let caller = self.caller.as_ref().map(|identity| Caller {
            key: recovery::caller_key(&identity.arn),
            before: before.map(identity),
            after: after.map(identity),
        });
        refusals(&Evidence {
            before: Side {
                aws_auth: &before.access,
                entries: entries_before,
            },
            after: Side {
                aws_auth: &after.access,
                entries: &self.entries,
            },
            caller: caller.as_ref(),
            dropped,
            foreign,
            recovery: &self.recovery,
            successor: self.successor.as_ref().unwrap_or(&self.recovery),
        })
    }
}

/// The commands that lead back in after a lockout, wherever a run of the plan ended.
pub(super) fn recovery_over(before: &Live, after: &Live) -> String {
    // They work now as well as later only if they begin with the mode that there is now.
    let states = [known_entries(before), known_entries(after)];
    recovery::commands(&before.cluster, &before.region, caller(before).as_ref(), &states)
}

/// How somebody is made an administrator before a plan, so that it is one after it and after the next. Neither the caller nor an entry
/// of eksact's will do: the file may say less of the caller, and a plan that prunes deletes what eksact made and the file does not have.
fn successor(before: &Live) -> String {
    recovery::commands_in_any_state(&before.cluster, &before.region, None)
}

/// The access entries, where they could be read.
pub fn known_entries(live: &Live) -> Option<&[AccessEntry]> {
    live.access_entries().as_ref()?.as_deref().ok()
}

/// The caller as the cluster's authenticator told it (`SelfSubjectReview`), else as STS does: a kubeconfig may hold
/// another identity than the environment.
pub(super) fn caller(live: &Live) -> Option<CallerIdentity> {
    if let Some(Ok(user)) = live.user_info() {
        let extra = |key: &str| user.extra.get(key).and_then(|values| values.first());
        if let Some(arn) = extra("arn") {
            let id = extra("principalId").cloned().unwrap_or_default();
            return Some(CallerIdentity {
                account: arn.split(':').nth(4).unwrap_or_default().to_owned(),
                user_id: match extra("sessionName").filter(|session| !session.is_empty()) {
                    Some(session) => format!("{id}:{session}"),
                    None => id,
                },
                arn: arn.clone(),
            });
        }
    }
    live.caller.as_ref().ok().cloned()
}
