//! What the guards look at: the caller, the access entries, whom `aws-auth` lets in. Gathered from what was read, kept with
//! the step so that a write that meets a moved ConfigMap asks the same guards again.

use serde::{Deserialize, Serialize};

use super::{
    config_map_address,
    delta::{Outcome, work_out},
    operation::Operation,
    reading::Reading,
    way_back,
};
use crate::{
    engine::{PlanDraft, StepError},
    guard::access::{
        AccessEntries, Admitted, Caller, Evidence, Refusal, gives_everything, principal_key, refusals,
    },
    live::Live,
    ports::{access::ConfigMap, aws::CallerIdentity},
    resources::runner::operation_of,
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
        let entries = match live.access_entries() {
            Some(Ok(entries)) => AccessEntries::of(entries),
            Some(Err(_)) | None => AccessEntries::Unknown,
        };
        let caller = caller(live);
        Self {
            way_back: way_back::commands(&live.cluster, &live.region, caller.as_ref(), known_entries(live)),
            caller,
            entries,
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

/// The access entries, where they could be read.
pub(super) fn known_entries(live: &Live) -> Option<&[crate::ports::aws::AccessEntry]> {
    live.access_entries().as_ref()?.as_deref().ok()
}

/// The caller as the cluster's authenticator told it (`SelfSubjectReview`), else as STS does: a kubeconfig may hold
/// another identity than the environment.
fn caller(live: &Live) -> Option<CallerIdentity> {
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

/// The caller, and as whom it gets into the cluster before and after a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::resources) struct CallerOver {
    /// Its canonical ARN in lower case.
    pub key: String,
    /// As whom it gets in now.
    pub before: Admitted,
    /// As whom it would get in.
    pub after: Admitted,
    /// The commands that lead back in after a lockout.
    pub way_back: String,
}

/// The caller over a plan. None where RBAC is not what counts for it: an access entry gives it everything, or it is not
/// let in, before or after, of which the guards over `aws-auth` speak.
///
/// # Errors
/// When the write of `aws-auth` cannot be decoded.
pub(in crate::resources) fn caller_over(
    live: &Live,
    draft: &PlanDraft,
) -> Result<Option<CallerOver>, StepError> {
    let standpoint = Standpoint::of(live);
    if let Some(account) = service_account(live) {
        // Neither access entries nor `aws-auth` say anything of a service account.
        return Ok(Some(CallerOver {
            key: account.username.clone(),
            before: account.clone(),
            after: account,
            way_back: standpoint.way_back,
        }));
    }
    let Some(identity) = standpoint.caller.as_ref() else {
        return Ok(None);
    };
    let key = way_back::caller_key(&identity.arn);
    if let Some(Ok(entries)) = live.access_entries()
        && entries
            .iter()
            .any(|entry| principal_key(&entry.principal_arn) == key && gives_everything(entry))
    {
        return Ok(None);
    }
    let told = match live.user_info() {
        Some(Ok(user)) => Some(Admitted {
            username: user.username.clone(),
            groups: user.groups.clone(),
        }),
        _ => None,
    };
    let overridden = standpoint.entries.override_of(&key) == Some(true);
    let mapped = if overridden {
        None
    } else {
        mapped_over(live, draft, identity, &key)?
    };
    let (before, after) = match mapped {
        Some((Some(before), after)) => (Some(before), after),
        _ => {
            let now = || Reading::of(&config_map(live)?.data).map(identity);
            let told = told.or_else(now);
            (told.clone(), told)
        }
    };
    Ok(before.zip(after).map(|(before, after)| CallerOver {
        key,
        before,
        after,
        way_back: standpoint.way_back,
    }))
}

/// The caller, where it is a service account: the cluster's API knows it by its token, and IAM does not.
fn service_account(live: &Live) -> Option<Admitted> {
    match live.user_info() {
        Some(Ok(user))
            if user.username.starts_with("system:serviceaccount:") && !user.extra.contains_key("arn") =>
        {
            Some(Admitted {
                username: user.username.clone(),
                groups: user.groups.clone(),
            })
        }
        _ => None,
    }
}

/// As whom `aws-auth` lets the caller in before and after the plan's write; none where that does not touch the caller.
fn mapped_over(
    live: &Live,
    draft: &PlanDraft,
    identity: &CallerIdentity,
    key: &str,
) -> Result<Option<(Option<Admitted>, Option<Admitted>)>, StepError> {
    let mut steps = draft.steps().iter();
    let Some(write) = steps.find(|step| step.address == config_map_address()) else {
        return Ok(None);
    };
    Ok(match operation_of(write.operation.clone())? {
        Operation::Write { delta, .. } => {
            let touches = write
                .changes
                .iter()
                .any(|change| change.name().eq_ignore_ascii_case(key) || change.name() == identity.account);
            if !touches {
                return Ok(None);
            }
            let outcome =
                work_out(&delta, config_map(live)).map_err(|error| StepError::new(error.to_string()))?;
            Some((outcome.before.map(identity), outcome.after.map(identity)))
        }
        Operation::Restore { data, .. } => {
            let before = config_map(live)
                .map(|found| found.data.clone())
                .unwrap_or_default();
            let mut after = before.clone();
            for (section, text) in data {
                match text {
                    Some(text) => after.insert(section, text),
                    None => after.remove(&section),
                };
            }
            Some((
                Reading::of(&before).map(identity),
                Reading::of(&after).map(identity),
            ))
        }
    })
}

fn config_map(live: &Live) -> Option<&ConfigMap> {
    match live.aws_auth() {
        Some(Ok(found)) => found.as_ref(),
        _ => None,
    }
}
