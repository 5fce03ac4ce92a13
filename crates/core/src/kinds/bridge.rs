//! A group that stands in for an access policy while an access entry is made: from the moment the entry exists its principal's
//! line of `aws-auth` is not read any more, and the policy is a call of its own after that. The group is bound to `cluster-admin`
//! for that time.

use serde::{Deserialize, Serialize};

use super::scope::saved_scope;
use crate::{engine::plan::fingerprint, ports::aws::AccessPolicy};

/// The group that new entries are created with, and lose again once their policy is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bridge {
    /// Its name.
    pub group: String,
}

saved_scope!(Bridge, "migration-bridge");

/// Whether one of these policies gives the whole cluster: what the group stands in for.
pub(super) fn gives_everything(policies: &[AccessPolicy]) -> bool {
    policies.iter().any(crate::guard::access::policy_gives_everything)
}

/// The name of the group for a cluster, which is also its binding's: the same in every run, so that one finds what another left.
pub fn group(cluster_arn: &str) -> String {
    let digest = fingerprint(&cluster_arn);
    format!("eksact:migration:{}", digest.get(..8).unwrap_or(&digest))
}
