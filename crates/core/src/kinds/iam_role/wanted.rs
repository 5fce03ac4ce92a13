//! The roles that a request is about, whichever way their pods get them: what differs between the two ways is here and in
//! [`eksact_identity::cloudformation::RoleOwner`].

use std::{borrow::Cow, collections::BTreeSet};

use serde_json::Value;

use crate::{
    config::{
        ServiceAccount, assumable_role::AssumableRole, pod_identity_association::PodIdentityAssociation,
    },
    kinds::{Request, pod_identity, service_account_scope::RoleAttribute},
    live::{Live, role_name_of},
};
use eksact_identity::{
    cloudformation::{RoleOwner, RolePurpose},
    iam::{
        pod_identity::{PodIdentity, token_statements, with_statements},
        trust,
    },
};

use super::{assumed, desired::DesireError};

/// A role that shall be there.
#[derive(Clone, Debug)]
pub struct OwnedRole<'request> {
    /// What it is made for.
    pub owner: RoleOwner,
    /// What it may do, in the words of a service account.
    pub account: Cow<'request, ServiceAccount>,
    /// The logical id of the own inline policy; none for the usual one.
    pub policy_id: Option<String>,
    /// Whether the session has tags that the trust policy can ask for.
    pub has_session_tags: bool,
    /// Who assumes it, where people or pipelines do.
    pub assumed: Option<&'request AssumableRole>,
}

impl OwnedRole<'_> {
    /// The policies that it shall have, and the one that bounds it, as the files name them or by their ARNs.
    pub(super) fn policies(&self) -> impl Iterator<Item = &str> {
        let account = &self.account;
        let all = account
            .attach_policy_arns
            .iter()
            .chain(&account.permissions_boundary);
        all.map(|arn| arn.value.as_str())
    }

    /// The trust policy that it shall have.
    pub(super) fn trust_policy(&self, request: &Request, live: &Live) -> Result<Value, DesireError> {
        match self.owner.purpose {
            RolePurpose::ServiceAccount => {
                let issuer = live.issuer_host_path().ok_or(DesireError::NoIssuer)?;
                let provider_arn = live.provider_arn().ok_or(DesireError::NoIssuer)?;
                let pattern = self.account.subject_pattern.as_ref();
                Ok(trust::irsa_trust_policy(
                    &provider_arn,
                    &issuer,
                    &self.account.namespace,
                    &self.account.name,
                    pattern.map(|pattern| pattern.value.as_str()),
                ))
            }
            RolePurpose::PodIdentity => {
                let own = PodIdentity {
                    cluster_arn: &live.cluster.arn,
                    account: &self.owner.account,
                    has_session_tags: self.has_session_tags,
                };
                let role = live
                    .stack_of(&self.owner)
                    .and_then(role_name_of)
                    .and_then(|name| live.role(name)?.as_ref().ok()?.as_ref());
                // A role that was made for IRSA and handed on has pods that still come by their token.
                let others = role.map(|role| token_statements(&role.trust_policy));
                Ok(with_statements(&own.trust_policy(), &others.unwrap_or_default()))
            }
            RolePurpose::Assumed => {
                let role = self.assumed.ok_or(DesireError::Nobody)?;
                let (by, findings) = assumed::assumed_by(request, live, role);
                if assumed::refuse(&findings) {
                    return Err(DesireError::Nobody);
                }
                Ok(by.trust_policy())
            }
        }
    }
}

/// The roles of this purpose that eksact makes.
pub(super) fn owned(request: &Request, purpose: RolePurpose) -> Vec<OwnedRole<'_>> {
    match purpose {
        RolePurpose::ServiceAccount => request
            .service_accounts()
            .iter()
            .filter(|account| account.owns_role())
            .map(|account| OwnedRole {
                owner: purpose.of(&account.key()),
                account: Cow::Borrowed(account),
                policy_id: None,
                has_session_tags: false,
                assumed: None,
            })
            .collect(),
        RolePurpose::PodIdentity => pod_identity::wanted(request)
            .iter()
            .filter(|association| association.role_arn.is_none())
            .map(|association| OwnedRole {
                owner: purpose.of(&association.key()),
                account: Cow::Owned(as_service_account(association)),
                policy_id: association.permission_policy_id(),
                has_session_tags: !association.disables_session_tags(),
                assumed: None,
            })
            .collect(),
        RolePurpose::Assumed => assumed::wanted(request)
            .iter()
            .map(|role| OwnedRole {
                owner: RoleOwner::assumed(&role.name.value),
                account: Cow::Owned(in_words_of_a_service_account(role)),
                policy_id: None,
                has_session_tags: false,
                assumed: Some(role),
            })
            .collect(),
    }
}

fn in_words_of_a_service_account(role: &AssumableRole) -> ServiceAccount {
    ServiceAccount {
        name: role.name.value.clone(),
        attach_policy_arns: role.policies.clone(),
        attach_policy: role.inline_policy.clone(),
        permissions_boundary: role.permissions_boundary.clone(),
        role_name: Some(role.name.clone()),
        tags: role.tags.clone(),
        location: role.location.clone(),
        // Nothing in Kubernetes names the role.
        role_only: true,
        ..ServiceAccount::default()
    }
}

fn as_service_account(association: &PodIdentityAssociation) -> ServiceAccount {
    ServiceAccount {
        namespace: association.namespace.clone(),
        name: association.service_account.clone(),
        attach_policy_arns: association.permission_policy_arns.clone(),
        attach_policy: association.permission_policy.clone(),
        well_known_policies: association.well_known_policies.clone(),
        permissions_boundary: association.permissions_boundary.clone(),
        role_name: association.role_name.clone(),
        tags: association.tags.clone(),
        location: association.location.clone(),
        // Nothing in Kubernetes names the role.
        role_only: true,
        ..ServiceAccount::default()
    }
}

/// The attributes to which the comparison of a role is limited.
pub(super) fn limit<'request>(
    request: &'request Request,
    owner: &RoleOwner,
) -> Option<&'request BTreeSet<RoleAttribute>> {
    match owner.purpose {
        RolePurpose::ServiceAccount => request.service_account_scope().only.get(&owner.account),
        RolePurpose::PodIdentity | RolePurpose::Assumed => None,
    }
}

/// Whether this role was named to go.
pub(super) fn is_deleted(request: &Request, owner: &RoleOwner) -> bool {
    match owner.purpose {
        RolePurpose::ServiceAccount => request.service_account_scope().delete.contains(&owner.account),
        RolePurpose::PodIdentity => pod_identity::deleted(request).any(|key| *key == owner.account),
        RolePurpose::Assumed => false,
    }
}

/// Whether roles of this purpose that the file does not have shall go.
pub(super) fn is_pruned(request: &Request, purpose: RolePurpose) -> bool {
    match purpose {
        RolePurpose::ServiceAccount => request.prunes_service_accounts(),
        RolePurpose::PodIdentity => pod_identity::is_pruned(request),
        RolePurpose::Assumed => assumed::is_pruned(request),
    }
}

/// Whether this role shall go.
pub(super) fn is_to_go(request: &Request, owner: &RoleOwner) -> bool {
    match owner.purpose {
        RolePurpose::ServiceAccount => request.role_is_to_go(&owner.account),
        RolePurpose::PodIdentity => {
            is_deleted(request, owner)
                || is_pruned(request, owner.purpose)
                    && !pod_identity::wanted(request).iter().any(|association| {
                        association.role_arn.is_none() && association.is_of(&owner.account)
                    })
        }
        RolePurpose::Assumed => assumed::is_pruned(request) && !assumed::is_wanted(request, owner),
    }
}

/// The roles of this purpose that were named to go.
pub(super) fn deleted(request: &Request, purpose: RolePurpose) -> Vec<RoleOwner> {
    match purpose {
        RolePurpose::ServiceAccount => request
            .service_account_scope()
            .delete
            .iter()
            .map(|key| purpose.of(key))
            .collect(),
        RolePurpose::PodIdentity => pod_identity::deleted(request)
            .map(|key| purpose.of(key))
            .collect(),
        RolePurpose::Assumed => Vec::new(),
    }
}

/// Whether the request has anything to do with roles of this purpose.
pub(super) fn are_needed(request: &Request, purpose: RolePurpose) -> bool {
    match purpose {
        RolePurpose::ServiceAccount => request.needs_roles(),
        RolePurpose::PodIdentity | RolePurpose::Assumed => {
            !deleted(request, purpose).is_empty()
                || is_pruned(request, purpose)
                || !owned(request, purpose).is_empty()
        }
    }
}
