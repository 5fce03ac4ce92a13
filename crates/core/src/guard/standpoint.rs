//! What the guards over access look at: the caller, the access entries, and the way back after a lockout. Kept with the step
//! that writes `aws-auth`, so that a write that meets a moved ConfigMap asks the same guards again.

use serde::{Deserialize, Serialize};

use super::{
    access::{Refusal, principal_key},
    access_lost::{Caller, Evidence, Side, Successor, refusals},
    aws_auth::AwsAuthReading,
    entries::AccessEntries,
    recovery,
};
use crate::{
    engine::{Change, PlanDraft},
    live::{Live, addresses},
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
}

impl Standpoint {
    /// Of what was read, in a plan that is being made.
    pub fn of_draft(live: &Live, draft: &PlanDraft) -> Self {
        let caller = caller(live);
        let entries = known_entries(live);
        let key = caller.as_ref().map(|caller| recovery::caller_key(&caller.arn));
        let is_own = |change: &Change| {
            let arn = change.address.name();
            change.address == addresses::access_entry(arn) && Some(principal_key(arn)) == key
        };
        let own = entries.and_then(|entries| recovery::entries_of(caller.as_ref(), entries));
        // What is planned later may still delete the one that is there.
        let stays = own.is_some_and(|own| own.is_empty()) && !draft.changes().iter().any(is_own);
        let after = entries.filter(|_| stays);
        Self {
            recovery: recovery::commands(&live.cluster, &live.region, caller.as_ref(), &[entries, after]),
            caller,
            entries: AccessEntries::of(live),
        }
    }

    /// Of a finished plan: with the entries as it would leave them.
    pub(super) fn over(before: &Live, after: &Live) -> Self {
        Self {
            recovery: recovery_over(before, after),
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
        let successor = Successor {
            whom: "someone",
            commands: self.recovery.clone(),
        };
        self.refusals_over(&self.entries, (before, after), dropped, foreign, &successor)
    }

    /// The same where the plan changes entries too: `entries_before` are those that are there, and this has them as they would be.
    pub(super) fn refusals_over(
        &self,
        entries_before: &AccessEntries,
        (before, after): (&AwsAuthReading, &AwsAuthReading),
        dropped: &[(String, String)],
        foreign: &[String],
        successor: &Successor,
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
            successor,
        })
    }
}

/// The commands that lead back in after a lockout, wherever a run of the plan ended.
pub(super) fn recovery_over(before: &Live, after: &Live) -> String {
    // They work now as well as later only if they begin with the mode that there is now.
    let states = [known_entries(before), known_entries(after)];
    recovery::commands(&before.cluster, &before.region, caller(before).as_ref(), &states)
}

/// Who can be made an administrator before a plan, so that it is one after it.
pub(super) fn successor(before: &Live, after: &Live) -> Successor {
    let caller = caller(before);
    let own = |live| known_entries(live).and_then(|entries| recovery::entries_of(caller.as_ref(), entries));
    // What the caller is given in an entry that the plan deletes or changes goes with the plan.
    let is_kept = own(before) == own(after);
    let caller = caller.as_ref().filter(|_| is_kept);
    // Whether somebody else has one is not asked; and one that eksact made would be pruned where the plan prunes.
    let entries = known_entries(before);
    let entries = [entries, entries.filter(|_| is_kept)];
    Successor {
        whom: if is_kept {
            "someone"
        } else {
            "someone whose access the plan keeps as it is"
        },
        commands: recovery::commands(&before.cluster, &before.region, caller, &entries),
    }
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
