//! What the guards look at: the caller, the access entries, whom `aws-auth` lets in. Gathered from what was read, kept with
//! the step so that a write that meets a moved ConfigMap asks the same guards again.

use serde::{Deserialize, Serialize};

use super::{delta::Outcome, way_back};
use crate::{
    guard::access::{AccessEntries, Caller, Evidence, Refusal, refusals},
    ports::aws::CallerIdentity,
    resources::Live,
};

/// What the guards need besides the ConfigMap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Standpoint {
    /// The caller, where IAM knows it.
    pub caller: Option<CallerIdentity>,
    /// The access entries.
    pub entries: AccessEntries,
    /// The commands that lead back in after a lockout.
    pub way_back: String,
}

impl Standpoint {
    /// Of what was read.
    pub(super) fn of(live: &Live) -> Self {
        let entries = match &live.access.access_entries {
            Some(Ok(entries)) => AccessEntries::of(entries),
            Some(Err(_)) | None => AccessEntries::Unknown,
        };
        Self {
            caller: caller(live),
            entries,
            way_back: way_back::commands(&live.cluster, &live.region, live.caller.as_ref().ok()),
        }
    }

    /// The refusals of the guards over what a delta makes of the ConfigMap.
    pub(super) fn refusals(&self, outcome: &Outcome) -> Vec<Refusal> {
        let caller = self.caller.as_ref().map(|identity| Caller {
            key: way_back::caller_key(&identity.arn),
            before: outcome.before.map(identity),
            after: outcome.after.map(identity),
        });
        refusals(&Evidence {
            before: &outcome.before.access,
            after: &outcome.after.access,
            entries: &self.entries,
            caller: caller.as_ref(),
            dropped: &outcome.before.dropped,
            foreign: &outcome.foreign,
            way_back: &self.way_back,
        })
    }
}

/// The caller as the cluster's authenticator told it (`SelfSubjectReview`), else as STS does: a kubeconfig may hold
/// another identity than the environment.
fn caller(live: &Live) -> Option<CallerIdentity> {
    if let Some(Ok(user)) = &live.access.user_info {
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
