//! What is asked of pod identity associations and of their roles, and what of it belongs to the request.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Request, scope::saved_scope};
use crate::config::pod_identity_association::PodIdentityAssociation;
use eksact_identity::service_account::ServiceAccountKey;

/// What is asked beyond the file.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct PodIdentityScope {
    /// The service accounts whose association shall go, with the role that was made for it.
    pub delete: BTreeSet<ServiceAccountKey>,
}

saved_scope!(PodIdentityScope, "pod-identity-associations");

/// An association without an agent is worse than none: pods that have another way to their role lose it by the next restart.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct AgentNeeded;

saved_scope!(AgentNeeded, "pod-identity-agent-needed");

/// The associations that shall be there.
pub(super) fn wanted(request: &Request) -> &[PodIdentityAssociation] {
    &request.config.pod_identity_associations.list
}

/// The associations whose service account is made where it is missing, unless the file says more of that account.
pub(super) fn making_accounts(request: &Request) -> impl Iterator<Item = &PodIdentityAssociation> {
    wanted(request).iter().filter(|association| {
        association.create_service_account
            && !request.in_kubernetes().any(|account| {
                account.namespace == association.namespace && account.name == association.service_account
            })
    })
}

/// The service accounts whose association shall go by name.
pub(super) fn deleted(request: &Request) -> impl Iterator<Item = &ServiceAccountKey> {
    let scope = request.scope::<PodIdentityScope>();
    scope.into_iter().flat_map(|scope| &scope.delete)
}

/// Whether what is ours and not in the file shall go: only where the file has the list.
pub(super) fn is_pruned(request: &Request) -> bool {
    request.settings.prune && request.config.pod_identity_associations.is_listed
}

/// Whether the request has anything to do with associations.
pub(super) fn is_asked(request: &Request) -> bool {
    !wanted(request).is_empty()
        || request.scope::<AgentNeeded>().is_some()
        || is_pruned(request)
        || deleted(request).next().is_some()
}
