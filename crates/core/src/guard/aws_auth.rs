//! `aws-auth` as the authenticator reads it, as far as guards look at it, and the guards over a plan that changes it.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    access::{Admitted, AwsAuthAccess, Refusal},
    authentication_mode::{lines_lost, voids_aws_auth},
    entries::AccessEntries,
    standpoint::Standpoint,
};
use crate::{
    live::Live,
    ports::{CallError, aws::CallerIdentity},
};
use eksact_identity::authn::aws_auth::{self, AwsAuth, Identity, Principals};

/// What the authenticator makes of the ConfigMap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsAuthReading {
    aws_auth: Arc<AwsAuth>,
    /// Whom it lets in.
    pub access: AwsAuthAccess,
    /// The sections that it drops whole, each with the reason.
    pub dropped: Vec<(String, String)>,
}

impl AwsAuthReading {
    /// Reads the ConfigMap's `data`.
    pub fn of(data: &BTreeMap<String, String>) -> Self {
        let aws_auth = aws_auth::parse(data);
        Self {
            dropped: aws_auth
                .dropped()
                .map(|(key, fault)| (key.as_str().to_owned(), fault.problem.clone()))
                .collect(),
            access: access(aws_auth::principals(&aws_auth)),
            aws_auth: Arc::new(aws_auth),
        }
    }

    /// Of the ConfigMap that was read, of an empty one where there is none; or why it could not be read. None where
    /// nothing asked for it.
    pub fn of_live(live: &Live) -> Option<Result<Arc<Self>, &CallError>> {
        let reading = live.aws_auth()?.as_ref().map(|found| {
            live.derived(|_| match found {
                Some(config_map) => Self::of(&config_map.data),
                None => Self::of(&BTreeMap::new()),
            })
        });
        Some(reading)
    }

    /// As whom the caller gets in.
    pub fn map(&self, caller: &CallerIdentity) -> Option<Admitted> {
        let identity = Identity::from_caller(&caller.arn, &caller.account, &caller.user_id, "").ok()?;
        let mapped = aws_auth::map(&self.aws_auth, &identity).ok()?;
        Some(Admitted {
            username: mapped.username,
            groups: mapped.groups,
        })
    }

    /// What the authenticator makes of it, whole.
    pub fn aws_auth(&self) -> &Arc<AwsAuth> {
        &self.aws_auth
    }
}

fn access(principals: Principals) -> AwsAuthAccess {
    AwsAuthAccess {
        principals: principals
            .arns
            .into_iter()
            .map(|(arn, principal)| {
                let admitted = Admitted {
                    username: principal.username,
                    groups: principal.groups.into_iter().collect(),
                };
                (arn, admitted)
            })
            .collect(),
        accounts: principals.accounts,
    }
}

/// The refusals over what a plan makes of the ConfigMap and of access entries; none where it leaves them as they are. A section
/// that would be dropped still is what the guard over it is about: an edit of one is refused before, and a restore may correct
/// one.
pub(super) fn refusals(before: &Live, after: &Live) -> Vec<Refusal> {
    let lost = lines_lost(before, after);
    lost.into_iter().chain(over_access(before, after)).collect()
}

/// Whether a plan changes what `aws-auth` gives.
pub(super) fn is_changed(before: &Live, after: &Live) -> bool {
    before.aws_auth() != after.aws_auth() || voids_aws_auth(before, after)
}

fn over_access(before: &Live, after: &Live) -> Vec<Refusal> {
    let changes_lines = is_changed(before, after);
    let changes_entries = before.access_entries() != after.access_entries();
    if !changes_lines && !changes_entries {
        return Vec::new();
    }
    let nobody = Arc::new(AwsAuthReading::of(&BTreeMap::new()));
    let reading = |live: &Live| {
        let reading = AwsAuthReading::of_live(live).filter(|_| live.cluster.reads_aws_auth());
        match reading {
            None => Some(Arc::clone(&nobody)),
            Some(reading) => reading.ok(),
        }
    };
    let (now, would) = match (reading(before), reading(after)) {
        (Some(now), Some(would)) => (now, would),
        // Lines that could not be read are changed by no plan, and what entries give can be compared without them.
        _ if changes_entries => (Arc::clone(&nobody), nobody),
        _ => return Vec::new(),
    };
    // Who still gets in by an access entry does so by one that is there once the plan is done.
    let standpoint = Standpoint::over(before, after);
    let dropped = if changes_lines {
        would.dropped.as_slice()
    } else {
        &[]
    };
    standpoint.refusals_over(&AccessEntries::of(before), (&now, &would), dropped, &[])
}
