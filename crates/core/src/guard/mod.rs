//! Guards: what a plan is refused for unless the user allows it by name. Each has a stable code, which every output
//! shows and `--allow` takes.
//!
//! Guards look at the finished plan ([`check`]): at what is there now and at what would be there after it, whichever kinds
//! planned it. Only what cannot be planned at all (a cluster that does not answer, a section of `aws-auth` that nobody can
//! edit) is reported by the kind that finds it.

pub mod access;
mod access_lost;
pub mod authentication_mode;
pub mod aws_auth;
pub mod broadening;
pub mod entries;
mod oidc_provider;
pub mod own_rights;
pub mod rbac_rules;
pub mod recovery;
pub mod rights;
mod role_in_use;
mod shared_role;
pub mod standpoint;

use eksact_message::code::Code;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

use access::KnownRefusal;
pub use shared_role::statements_of_others;

use crate::{
    engine::{Address, Finding, PlanDraft, Severity},
    live::{Live, addresses},
};

/// A guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "Code", try_from = "Code")]
pub enum Guard {
    /// The OIDC provider would be deleted while roles trust it.
    OidcProviderInUse,
    /// The OIDC provider would be deleted although it bears no mark of this cluster.
    OidcProviderNotMarked,
    /// The cluster's API does not answer, and the plan has Kubernetes objects.
    KubernetesUnreachable,
    /// The caller would lose its own access to the cluster.
    OwnAccessLost,
    /// Nobody would be left who may do everything.
    LastAdminLost,
    /// A role of nodes would no longer be let in.
    NodeRoleLost,
    /// A section of `aws-auth` is not read by the cluster as it stands.
    AwsAuthSectionDropped,
    /// The write of `aws-auth` would change what it is not about.
    AwsAuthForeignChange,
    /// A role would go that service accounts of other clusters assume.
    SharedRoleInUse,
    /// A role would go that pods of this cluster still get.
    RoleInUse,
    /// A principal would keep less access than its line of `aws-auth` gives it.
    AccessReduced,
    /// The cluster would go to an authentication mode from which there is no way back.
    OneWayMode,
    /// The cluster would stop reading `aws-auth` while it lets somebody in whom no access entry does.
    AwsAuthInUse,
    /// An access entry would be deleted and made again with another type.
    AccessEntryReplaced,
}

impl From<Guard> for Code {
    fn from(guard: Guard) -> Self {
        guard.code()
    }
}

impl TryFrom<Code> for Guard {
    type Error = String;

    fn try_from(code: Code) -> Result<Self, String> {
        let guard = Self::ALL.into_iter().find(|guard| guard.code() == code);
        guard.ok_or_else(|| format!("no guard has the code `{code}`"))
    }
}

impl Guard {
    /// Every guard.
    pub const ALL: [Self; 14] = [
        Self::OidcProviderInUse,
        Self::OidcProviderNotMarked,
        Self::KubernetesUnreachable,
        Self::OwnAccessLost,
        Self::LastAdminLost,
        Self::NodeRoleLost,
        Self::AwsAuthSectionDropped,
        Self::AwsAuthForeignChange,
        Self::SharedRoleInUse,
        Self::RoleInUse,
        Self::AccessReduced,
        Self::OneWayMode,
        Self::AwsAuthInUse,
        Self::AccessEntryReplaced,
    ];

    /// Its stable code.
    pub const fn code(self) -> Code {
        match self {
            Self::OidcProviderInUse => Code::OidcProviderInUse,
            Self::OidcProviderNotMarked => Code::OidcProviderNotMarked,
            Self::KubernetesUnreachable => Code::KubernetesUnreachable,
            Self::OwnAccessLost => Code::OwnAccessLost,
            Self::LastAdminLost => Code::LastAdminLost,
            Self::NodeRoleLost => Code::NodeRoleLost,
            Self::AwsAuthSectionDropped => Code::AwsAuthSectionDropped,
            Self::AwsAuthForeignChange => Code::AwsAuthForeignChange,
            Self::SharedRoleInUse => Code::SharedRoleInUse,
            Self::RoleInUse => Code::RoleInUse,
            Self::AccessReduced => Code::AccessReduced,
            Self::OneWayMode => Code::OneWayMode,
            Self::AwsAuthInUse => Code::AwsAuthInUse,
            Self::AccessEntryReplaced => Code::AccessEntryReplaced,
        }
    }

    /// What passing it means, for the help of `--allow`.
    pub const fn explanation(self) -> &'static str {
        match self {
            Self::OidcProviderInUse => "delete the OIDC provider although roles still trust it",
            Self::OidcProviderNotMarked => "delete an OIDC provider that neither eksctl nor eksact made",
            Self::KubernetesUnreachable => "write to AWS although the cluster's API does not answer",
            Self::OwnAccessLost => "remove the caller's own access to the cluster",
            Self::LastAdminLost => "remove the last principal who may do everything in the cluster",
            Self::NodeRoleLost => "remove the mapping of a role that nodes have",
            Self::AwsAuthSectionDropped => {
                "write aws-auth although the cluster reads nothing of one of its sections"
            }
            Self::AwsAuthForeignChange => "write aws-auth although that changes more than the plan says",
            Self::SharedRoleInUse => "delete a role that service accounts of other clusters assume",
            Self::RoleInUse => {
                "delete a role that a pod identity association or service account outside the plan still has"
            }
            Self::AccessReduced => {
                "migrate a principal that would have less access, or an administrator or nodes of whom that is not known"
            }
            Self::OneWayMode => "go to an authentication mode from which EKS has no way back",
            Self::AwsAuthInUse => {
                "stop reading aws-auth although it lets in principals without an access entry, or with one that is not proven yet"
            }
            Self::AccessEntryReplaced => "delete an access entry and make it again with another type",
        }
    }

    /// The refusal of a plan by this guard.
    pub fn refusal(self, message: impl Into<String>) -> Finding {
        Finding::new(Severity::Refusal, self.code(), message)
    }
}

/// Adds what the guards refuse of a finished plan, `after` being what it makes of `before`. Gives the refusals over
/// `aws-auth`, for the write of it to know. `gives_access` says of an address whether its object is about who may do what in
/// the cluster.
pub fn check(
    before: &Live,
    after: &Live,
    gives_access: impl Fn(&Address) -> bool,
    draft: &mut PlanDraft,
) -> Vec<KnownRefusal> {
    oidc_provider::check(before, draft);
    shared_role::check(before, after, draft);
    role_in_use::check(before, after, draft);
    authentication_mode::check(before, draft);
    let refusals = aws_auth::refusals(before, after);
    let is_about_lines = aws_auth::is_changed(before, after);
    for refusal in &refusals {
        let finding = refusal.finding();
        draft.add_finding(if is_about_lines {
            finding.about(&addresses::aws_auth())
        } else {
            finding
        });
    }
    let writes_access = draft.steps().iter().any(|step| gives_access(&step.address));
    own_rights::check(before, after, writes_access, draft);
    refusals.iter().map(KnownRefusal::from).collect()
}

/// Turns the refusals of guards that are allowed into warnings that say so.
pub fn pass_allowed(draft: &mut PlanDraft, allowed: &BTreeSet<Guard>) {
    for finding in draft.findings_mut() {
        let passed = allowed.iter().any(|guard| guard.code() == finding.code);
        if finding.severity == Severity::Refusal && passed {
            finding.severity = Severity::Warning;
            finding.help = None;
            finding.message = format!("{}; allowed by --allow {}", finding.message, finding.code);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each guard refuses, and is passed by its own code and no other.
    #[test]
    fn guard_is_passed_by_its_own_code_only() {
        for guard in Guard::ALL {
            for allowed in Guard::ALL {
                let mut draft = PlanDraft::default();
                draft.add_finding(guard.refusal("no"));
                pass_allowed(&mut draft, &BTreeSet::from([allowed]));
                let plan = draft.finish("0").unwrap();
                assert_eq!(plan.may_be_applied(), guard == allowed, "{guard:?} {allowed:?}");
            }
        }
    }
}
