//! The values of `iam.podIdentityAssociations`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    cluster_config::WellKnownPolicies,
    location::{Located, SourceLocation},
};
use eksact_identity::service_account::ServiceAccountKey;

/// What the file says of pod identity associations; by default nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodIdentityAssociations {
    /// The associations, in the order of the file.
    pub list: Vec<PodIdentityAssociation>,
    /// Whether the file has the list at all, be it an empty one.
    pub is_listed: bool,
}

/// The role that the pods of one service account get through EKS Pod Identity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodIdentityAssociation {
    /// Namespace of the service account.
    pub namespace: String,
    /// Name of the service account.
    pub service_account: String,
    /// Whether a missing service account is made.
    pub create_service_account: bool,
    /// An existing role to use instead of making one.
    pub role_arn: Option<Located<String>>,
    /// The name of the role that is made; CloudFormation chooses one when absent.
    pub role_name: Option<Located<String>>,
    /// The managed policy that bounds the role.
    pub permissions_boundary: Option<Located<String>>,
    /// Managed policies of the role.
    pub permission_policy_arns: Vec<Located<String>>,
    /// The inline policy document of the role.
    pub permission_policy: Option<Located<serde_json::Value>>,
    /// The name of that inline policy.
    pub permission_policy_name: Option<Located<String>>,
    /// Ready-made policies for well-known controllers.
    pub well_known_policies: WellKnownPolicies,
    /// Tags of the association, and of the stack and the role that are made for it.
    pub tags: BTreeMap<String, String>,
    /// The role that is assumed from the first, mostly of another account.
    pub target_role_arn: Option<Located<String>>,
    /// Whether the session gets no tags.
    pub disable_session_tags: Option<Located<bool>>,
    /// A policy that limits the session, as JSON text.
    pub policy: Option<Located<String>>,
    /// Where the entry begins in the file.
    pub location: Option<SourceLocation>,
}

impl PodIdentityAssociation {
    /// Which service account.
    pub fn key(&self) -> ServiceAccountKey {
        ServiceAccountKey::new(&self.namespace, &self.service_account)
    }

    /// Whether it is this service account's.
    pub fn is_of(&self, key: &ServiceAccountKey) -> bool {
        self.namespace == key.namespace && self.service_account == key.name
    }

    /// Whether the session gets no tags; EKS's default is that it gets them.
    pub fn disables_session_tags(&self) -> bool {
        self.disable_session_tags
            .as_ref()
            .is_some_and(|disabled| disabled.value)
    }

    /// The letters and digits of the inline policy's name, by which eksctl knows it in the template
    /// (`pkg/cfn/builder/iam.go`); none for its usual id.
    pub fn permission_policy_id(&self) -> Option<String> {
        let name = self.permission_policy_name.as_ref()?;
        let id: String = name.value.chars().filter(char::is_ascii_alphanumeric).collect();
        (!id.is_empty()).then_some(id)
    }
}

/// A live association as the file would say it, with its role as one that is given: what commands start from that change a
/// part of it. `is_mark` says which tags no file would have.
pub fn as_in_a_file(
    association: &crate::ports::aws::PodIdentityAssociation,
    is_mark: impl Fn(&str) -> bool,
) -> PodIdentityAssociation {
    PodIdentityAssociation {
        namespace: association.namespace.clone(),
        service_account: association.service_account.clone(),
        role_arn: Some(Located::unlocated(association.role_arn.clone())),
        target_role_arn: association.target_role_arn.clone().map(Located::unlocated),
        disable_session_tags: Some(Located::unlocated(association.disable_session_tags)),
        policy: association.policy.clone().map(Located::unlocated),
        tags: association
            .tags
            .iter()
            .filter(|(key, _)| !is_mark(key))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect(),
        ..PodIdentityAssociation::default()
    }
}
