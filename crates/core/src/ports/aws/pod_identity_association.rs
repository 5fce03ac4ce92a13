//! EKS's pod identity associations: which role the pods of a service account get.

use std::collections::BTreeMap;

use async_trait::async_trait;
use futures::future::try_join_all;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ports::{CallError, CallErrorKind};

/// An association (EKS `DescribePodIdentityAssociation`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodIdentityAssociation {
    /// `a-…`, 19 characters.
    pub id: String,
    /// `arn:…:podidentityassociation/CLUSTER/ID`.
    pub arn: String,
    /// Namespace of the service account.
    pub namespace: String,
    /// Name of the service account.
    pub service_account: String,
    /// The role that EKS assumes for the pods.
    pub role_arn: String,
    /// The role, mostly of another account, that is assumed from that one.
    pub target_role_arn: Option<String>,
    /// Whether the session has no tags of cluster, namespace, service account and pod.
    pub disable_session_tags: bool,
    /// A policy that limits the session, as JSON text.
    pub policy: Option<String>,
    /// What the target role's trust policy may ask for as `sts:ExternalId`; only with a target role.
    pub external_id: Option<String>,
    /// The add-on that it belongs to.
    pub owner_arn: Option<String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// When it was created.
    pub created_at: Option<Timestamp>,
}

impl PodIdentityAssociation {
    /// The name of the add-on that owns it (`arn:…:addon/CLUSTER/NAME/UUID`), or the owner's ARN where it has another form.
    pub fn owner(&self) -> Option<&str> {
        let owner = self.owner_arn.as_deref()?;
        let addon = owner
            .split_once(":addon/")
            .and_then(|(_, path)| path.split('/').nth(1));
        Some(addon.unwrap_or(owner))
    }
}

/// What a listing says of an association (EKS `ListPodIdentityAssociations`): neither role, target nor policy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PodIdentityAssociationSummary {
    /// `a-…`.
    pub id: String,
    /// Namespace of the service account.
    pub namespace: String,
    /// Name of the service account.
    pub service_account: String,
    /// The add-on that it belongs to.
    pub owner_arn: Option<String>,
}

/// What `CreatePodIdentityAssociation` is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewPodIdentityAssociation {
    /// Namespace of the service account; neither needs to exist.
    pub namespace: String,
    /// Name of the service account.
    pub service_account: String,
    /// The role.
    pub role_arn: String,
    /// The role that is assumed from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_role_arn: Option<String>,
    /// Whether the session gets no tags.
    pub disable_session_tags: bool,
    /// A policy that limits the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Makes a repeated request harmless.
    pub client_request_token: String,
}

/// What `UpdatePodIdentityAssociation` changes: what is absent stays, an empty text is cleared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodIdentityAssociationUpdate {
    /// The role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    /// The role that is assumed from it; `""` for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_role_arn: Option<String>,
    /// Whether the session gets no tags.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disable_session_tags: Option<bool>,
    /// The policy that limits the session; `""` for none, which AWS documents for the target role alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
}

/// Reads associations.
#[async_trait]
pub trait PodIdentityAssociationReader: Send + Sync {
    /// The associations of a cluster, or those of one service account (namespace, name): EKS `ListPodIdentityAssociations`,
    /// all pages.
    async fn pod_identity_associations(
        &self,
        cluster: &str,
        of: Option<(&str, &str)>,
    ) -> Result<Vec<PodIdentityAssociationSummary>, CallError>;
    /// One association by its id (EKS `DescribePodIdentityAssociation`).
    async fn pod_identity_association(
        &self,
        cluster: &str,
        id: &str,
    ) -> Result<Option<PodIdentityAssociation>, CallError>;
}

/// Those of a listing with their roles, read side by side. One that vanished between the calls is left out.
///
/// # Errors
/// When any of them could not be read: a partial list is never passed off as the whole.
pub async fn described(
    reader: &(impl PodIdentityAssociationReader + ?Sized),
    cluster: &str,
    listed: &[PodIdentityAssociationSummary],
) -> Result<Vec<PodIdentityAssociation>, CallError> {
    let each = listed
        .iter()
        .map(|summary| reader.pod_identity_association(cluster, &summary.id));
    Ok(try_join_all(each).await?.into_iter().flatten().collect())
}

/// Changes associations.
#[async_trait]
pub trait PodIdentityAssociationWriter: Send + Sync {
    /// EKS `CreatePodIdentityAssociation`; gives the id. That the service account has one already is an error of kind
    /// `AlreadyExists`.
    async fn create_pod_identity_association(
        &self,
        cluster: &str,
        new: &NewPodIdentityAssociation,
    ) -> Result<String, CallError>;
    /// EKS `UpdatePodIdentityAssociation`.
    async fn update_pod_identity_association(
        &self,
        cluster: &str,
        id: &str,
        update: &PodIdentityAssociationUpdate,
        client_request_token: &str,
    ) -> Result<(), CallError>;
    /// EKS `TagResource` on an association's ARN; other tags stay.
    async fn tag_pod_identity_association(
        &self,
        arn: &str,
        tags: &BTreeMap<String, String>,
    ) -> Result<(), CallError>;
    /// EKS `DeletePodIdentityAssociation`.
    async fn delete_pod_identity_association(&self, cluster: &str, id: &str) -> Result<(), CallError>;
}

/// EKS's words where it does not see a role, or its trust policy, that was written a moment ago: the same that it has for one
/// that is wrong (hashicorp/terraform-provider-aws, `pod_identity_association.go`; its issue 41483).
const ROLE_NOT_SEEN: [&str; 2] = [
    "Role provided in the request does not exist",
    "Trust policy of the role provided is invalid",
];

/// Whether a refused write may pass once IAM has spread the role and its trust policy.
pub fn is_role_not_seen(error: &CallError) -> bool {
    error.kind == CallErrorKind::Invalid && ROLE_NOT_SEEN.iter().any(|words| error.message.contains(words))
}
