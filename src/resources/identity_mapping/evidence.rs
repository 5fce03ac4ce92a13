//! What the guards look at: the caller, the access entries, whom `aws-auth` lets in. Gathered from what was read, kept with
//! the step so that a write that meets a moved ConfigMap asks the same guards again.

use serde::{Deserialize, Serialize};

use super::{
    delta::Outcome,
    reading::{Identity, Reading},
    way_back,
};
use crate::{
    guard::access::{AccessEntries, Caller, Evidence, Refusal, refusals},
    resources::Live,
};

/// What the guards need besides the ConfigMap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Standpoint {
    /// The caller, where IAM knows it.
    pub caller: Option<Identity>,
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
            before: admitted(&outcome.before, identity),
            after: admitted(&outcome.after, identity),
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

fn admitted(reading: &Reading, identity: &Identity) -> Option<crate::guard::access::Admitted> {
    reading.map(identity)
}

/// The caller as the cluster's authenticator told it (`SelfSubjectReview`), else as STS does: a kubeconfig may hold
/// another identity than the environment.
fn caller(live: &Live) -> Option<Identity> {
    if let Some(Ok(user)) = &live.access.user_info {
        let extra = |key: &str| user.extra.get(key).and_then(|values| values.first());
        if let Some(arn) = extra("arn") {
            return Some(Identity {
                arn: arn.clone(),
                account: arn.split(':').nth(4).unwrap_or_default().to_owned(),
                user_id: extra("principalId").cloned().unwrap_or_default(),
                session_name: extra("sessionName").cloned().unwrap_or_default(),
            });
        }
    }
    let caller = live.caller.as_ref().ok()?;
    Some(Identity {
        arn: caller.arn.clone(),
        account: caller.account.clone(),
        user_id: caller.user_id.clone(),
        session_name: caller
            .user_id
            .split_once(':')
            .map(|(_, session)| session.to_owned())
            .unwrap_or_default(),
    })
}
