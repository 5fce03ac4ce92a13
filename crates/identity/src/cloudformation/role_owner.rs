//! What a role's stack is made for: a service account, and by which way its pods get the role. eksctl tells the two ways
//! apart by the stack's name, its description and a tag (0.231 `pkg/cfn/manager/iam.go`, `pkg/actions/podidentityassociation`).

use std::{collections::BTreeMap, fmt};

use super::tags::{POD_IDENTITY_ASSOCIATION_NAME, SERVICE_ACCOUNT_NAME};
use crate::service_account::ServiceAccountKey;

/// How pods get a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RolePurpose {
    /// By the token of their service account (IRSA).
    ServiceAccount,
    /// By EKS Pod Identity.
    PodIdentity,
}

/// The service account that a role is made for, and how its pods get it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoleOwner {
    /// How.
    pub purpose: RolePurpose,
    /// Which service account.
    pub account: ServiceAccountKey,
}

impl RolePurpose {
    /// The tag of the stack that names the service account.
    pub fn tag(self) -> &'static str {
        match self {
            Self::ServiceAccount => SERVICE_ACCOUNT_NAME,
            Self::PodIdentity => POD_IDENTITY_ASSOCIATION_NAME,
        }
    }

    /// The role of this service account.
    pub fn of(self, account: &ServiceAccountKey) -> RoleOwner {
        RoleOwner {
            purpose: self,
            account: account.clone(),
        }
    }

    /// The part of eksctl's stack name between the cluster's and the service account's.
    fn infix(self) -> &'static str {
        match self {
            Self::ServiceAccount => "addon-iamserviceaccount",
            Self::PodIdentity => "podidentityrole",
        }
    }
}

impl RoleOwner {
    /// The name that eksctl gives the stack. It may be one that CloudFormation refuses.
    pub fn eksctl_name(&self, cluster: &str) -> String {
        let ServiceAccountKey { namespace, name } = &self.account;
        format!("eksctl-{cluster}-{}-{namespace}-{name}", self.purpose.infix())
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
        }
    }

    /// The owner that the tags of a stack or role name.
    pub fn of_tags(tags: &BTreeMap<String, String>) -> Option<Self> {
        [RolePurpose::ServiceAccount, RolePurpose::PodIdentity]
            .into_iter()
            .find_map(|purpose| {
                let account = ServiceAccountKey::parse(tags.get(purpose.tag())?)?;
                Some(purpose.of(&account))
            })
    }
}

impl fmt::Display for RoleOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.account.fmt(f)
    }
}
