//! What a role's stack is made for: a service account, and by which way its pods get the role; or people and pipelines, who
//! assume it. eksctl tells the two ways of pods apart by the stack's name, its description and a tag (0.231
//! `pkg/cfn/manager/iam.go`, `pkg/actions/podidentityassociation`), and has no stacks of the third kind.

use std::{collections::BTreeMap, fmt};

use super::tags::{POD_IDENTITY_ASSOCIATION_NAME, ROLE_NAME, SERVICE_ACCOUNT_NAME};
use crate::service_account::ServiceAccountKey;

/// How somebody gets a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RolePurpose {
    /// By the token of their service account (IRSA).
    ServiceAccount,
    /// By EKS Pod Identity.
    PodIdentity,
    /// By `sts:AssumeRole`, or with a token of an identity provider: people and pipelines.
    Assumed,
}

/// Whom a role is made for, and how they get it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoleOwner {
    /// How.
    pub purpose: RolePurpose,
    /// Which service account. Of a role that people assume: its own name, in no namespace.
    pub account: ServiceAccountKey,
}

impl RolePurpose {
    /// The tag of the stack that names the service account.
    pub fn tag(self) -> &'static str {
        match self {
            Self::ServiceAccount => SERVICE_ACCOUNT_NAME,
            Self::PodIdentity => POD_IDENTITY_ASSOCIATION_NAME,
            Self::Assumed => ROLE_NAME,
        }
    }

    /// The role of this service account.
    pub fn of(self, account: &ServiceAccountKey) -> RoleOwner {
        RoleOwner {
            purpose: self,
            account: account.clone(),
        }
    }
}

impl RoleOwner {
    /// The role of this name that people or pipelines assume.
    pub fn assumed(name: &str) -> Self {
        RolePurpose::Assumed.of(&ServiceAccountKey::new("", name))
    }

    /// The name that eksctl gives the stack, or eksact where eksctl has none. It may be one that CloudFormation refuses.
    pub fn eksctl_name(&self, cluster: &str) -> String {
        let ServiceAccountKey { namespace, name } = &self.account;
        match self.purpose {
            RolePurpose::ServiceAccount => {
                format!("eksctl-{cluster}-addon-iamserviceaccount-{namespace}-{name}")
            }
            RolePurpose::PodIdentity => format!("eksctl-{cluster}-podidentityrole-{namespace}-{name}"),
            RolePurpose::Assumed => format!("eksact-{cluster}-role-{name}"),
        }
    }

    /// The description of the stack, by which people and eksctl know it.
    pub fn description(&self) -> String {
        match self.purpose {
            RolePurpose::ServiceAccount => format!(
                "IAM role for serviceaccount \"{}\" [created and managed by eksctl]",
                self.account
            ),
            RolePurpose::PodIdentity => {
                "IAM role for pod identity association [created and managed by eksctl]".to_owned()
            }
            RolePurpose::Assumed => {
                format!(
                    "IAM role \"{}\" [created and managed by eksact]",
                    self.account.name
                )
            }
        }
    }

    /// The owner that the tags of a stack or role name.
    pub fn of_tags(tags: &BTreeMap<String, String>) -> Option<Self> {
        let of_pods = [RolePurpose::ServiceAccount, RolePurpose::PodIdentity]
            .into_iter()
            .find_map(|purpose| {
                let account = ServiceAccountKey::parse(tags.get(purpose.tag())?)?;
                Some(purpose.of(&account))
            });
        of_pods.or_else(|| {
            let name = tags.get(ROLE_NAME).filter(|name| !name.is_empty())?;
            Some(Self::assumed(name))
        })
    }
}

impl fmt::Display for RoleOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.purpose {
            RolePurpose::ServiceAccount | RolePurpose::PodIdentity => self.account.fmt(f),
            RolePurpose::Assumed => f.write_str(&self.account.name),
        }
    }
}
