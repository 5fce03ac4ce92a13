//! Kubernetes as eksact sees it: namespaces, service accounts, and the pods that run under them.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{
    CallError,
    access::{ConfigMap, ConfigMapPatch, NewConfigMap, RbacBinding, RbacRole, UserInfo},
};

/// The field manager under which eksact writes.
pub const FIELD_MANAGER: &str = "eksact";

/// A namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Namespace {
    /// Name.
    pub name: String,
    /// Whether it is being deleted: nothing can be created in it then.
    pub terminating: bool,
}

/// Metadata that belongs to one field manager (`metadata.managedFields`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldManager {
    /// Name of the manager.
    pub manager: String,
    /// `Apply` or `Update`.
    pub operation: String,
    /// Keys of `metadata.labels` that it owns.
    pub labels: BTreeSet<String>,
    /// Keys of `metadata.annotations` that it owns.
    pub annotations: BTreeSet<String>,
}

/// A service account, as far as eksact reads it. Secrets, imagePullSecrets and the rest are neither read nor written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceAccount {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// `metadata.uid`: a recreated object has another.
    pub uid: String,
    /// `metadata.resourceVersion`.
    pub resource_version: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
    /// Who set which of them.
    pub field_managers: Vec<FieldManager>,
    /// Whether it is being deleted.
    pub terminating: bool,
}

/// A pod that runs under a service account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pod {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// `spec.serviceAccountName`.
    pub service_account: String,
    /// `status.phase`.
    pub phase: String,
    /// Kind and name of the controller that restarts it (`deployment/web` when a `ReplicaSet`'s name tells it).
    pub controller: Option<String>,
    /// Value of `AWS_ROLE_ARN` per container; a container without it is absent.
    pub role_arns: BTreeMap<String, String>,
    /// The names of the variables of each container by which AWS's SDKs find credentials; what they hold is not read.
    #[serde(default)]
    pub credential_variables: BTreeMap<String, BTreeSet<String>>,
}

/// A question to the access review API: may the caller do this?
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AccessReview {
    /// `create`, `patch`, `delete`, …
    pub verb: String,
    /// API group, empty for the core group.
    pub group: String,
    /// Plural, lower case: `serviceaccounts`.
    pub resource: String,
    /// Namespace, none for cluster-wide resources.
    pub namespace: Option<String>,
}

/// The metadata that eksact wants on a service account: these keys and no others are written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceAccountMetadata {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Labels to set.
    pub labels: BTreeMap<String, String>,
    /// Annotations to set.
    pub annotations: BTreeMap<String, String>,
}

/// Reads a cluster's API.
#[async_trait]
pub trait KubernetesReader: Send + Sync {
    /// Whether the endpoint answers, within the adapter's short time limit; gives the server's version.
    async fn server_version(&self) -> Result<String, CallError>;
    /// One namespace.
    async fn namespace(&self, name: &str) -> Result<Option<Namespace>, CallError>;
    /// All namespaces, all pages.
    async fn namespaces(&self) -> Result<Vec<Namespace>, CallError>;
    /// One service account.
    async fn service_account(&self, namespace: &str, name: &str)
    -> Result<Option<ServiceAccount>, CallError>;
    /// All service accounts of a namespace, or of the whole cluster; all pages.
    async fn service_accounts(&self, namespace: Option<&str>) -> Result<Vec<ServiceAccount>, CallError>;
    /// The pods of a namespace that run under this service account, all pages. The server filters, so that a crowded
    /// namespace costs no more than the pods that matter.
    async fn pods(&self, namespace: &str, service_account: &str) -> Result<Vec<Pod>, CallError>;
    /// The issuer that the API server puts into its service account tokens, from its own discovery document. None where
    /// the caller may not read the document (only `system:serviceaccounts` and administrators may by default) or the
    /// server has none.
    async fn service_account_issuer(&self) -> Result<Option<String>, CallError>;
    /// `SelfSubjectAccessReview`: whether the caller may.
    async fn may(&self, review: &AccessReview) -> Result<bool, CallError>;
    /// `SelfSubjectReview`: who the caller is to the API server.
    async fn user_info(&self) -> Result<UserInfo, CallError>;
    /// One ConfigMap.
    async fn config_map(&self, namespace: &str, name: &str) -> Result<Option<ConfigMap>, CallError>;
    /// The ConfigMaps of a namespace that bear this label with this value; all pages.
    async fn config_maps(
        &self,
        namespace: &str,
        label: &str,
        value: &str,
    ) -> Result<Vec<ConfigMap>, CallError>;
    /// One `Role` or, without a namespace, one `ClusterRole`.
    async fn rbac_role(&self, namespace: Option<&str>, name: &str) -> Result<Option<RbacRole>, CallError>;
    /// Every `ClusterRoleBinding`, and every `RoleBinding` of every namespace; all pages.
    async fn rbac_bindings(&self) -> Result<Vec<RbacBinding>, CallError>;
}

/// Changes a cluster's objects.
#[async_trait]
pub trait KubernetesWriter: Send + Sync {
    /// Creates a namespace without labels; an existing one is an error of kind `AlreadyExists`.
    async fn create_namespace(&self, name: &str) -> Result<(), CallError>;
    /// Creates a service account (POST, field manager `eksact`); an existing one is an error of kind `AlreadyExists`,
    /// so that an object which appeared since the plan is never taken over.
    async fn create_service_account(
        &self,
        metadata: &ServiceAccountMetadata,
    ) -> Result<ServiceAccount, CallError>;
    /// Server-side apply, forced, field manager `eksact`, with `resource_version` as the precondition (`Conflict` when
    /// it moved, `NotFound` when the object is gone: it is not created).
    async fn apply_service_account(
        &self,
        metadata: &ServiceAccountMetadata,
        resource_version: &str,
    ) -> Result<ServiceAccount, CallError>;
    /// Removes single labels and annotations (merge patch with nulls), with `resource_version` as the precondition.
    async fn remove_service_account_metadata(
        &self,
        namespace: &str,
        name: &str,
        labels: &[String],
        annotations: &[String],
        resource_version: &str,
    ) -> Result<ServiceAccount, CallError>;
    /// Deletes exactly the object with this `uid`, as it was at `resource_version` (both are preconditions; `Conflict`
    /// when it is another object, or was changed since).
    async fn delete_service_account(
        &self,
        namespace: &str,
        name: &str,
        uid: &str,
        resource_version: &str,
    ) -> Result<(), CallError>;
    /// Creates a ConfigMap; an existing one is an error of kind `AlreadyExists`.
    async fn create_config_map(&self, config_map: &NewConfigMap) -> Result<ConfigMap, CallError>;
    /// Changes single keys (JSON merge patch), with `resource_version` as the precondition: `Conflict` when it moved,
    /// `NotFound` when the object is gone.
    async fn patch_config_map(
        &self,
        namespace: &str,
        name: &str,
        patch: &ConfigMapPatch,
        resource_version: &str,
    ) -> Result<ConfigMap, CallError>;
    /// Deletes exactly this object, as it was at `resource_version`.
    async fn delete_config_map(
        &self,
        namespace: &str,
        name: &str,
        uid: &str,
        resource_version: &str,
    ) -> Result<(), CallError>;
    /// Creates a `Role` or, without a namespace, a `ClusterRole`; an existing one is an error of kind `AlreadyExists`.
    async fn create_rbac_role(&self, role: &RbacRole) -> Result<RbacRole, CallError>;
    /// Sets the rules of a role (merge patch), with its `resource_version` as the precondition. Nothing else changes.
    async fn set_rbac_rules(&self, role: &RbacRole) -> Result<RbacRole, CallError>;
    /// Deletes exactly this role, as it was at its `resource_version`.
    async fn delete_rbac_role(&self, role: &RbacRole) -> Result<(), CallError>;
    /// Creates a binding; an existing one is an error of kind `AlreadyExists`.
    async fn create_rbac_binding(&self, binding: &RbacBinding) -> Result<RbacBinding, CallError>;
    /// Sets the subjects of a binding (merge patch), with its `resource_version` as the precondition. Nothing else
    /// changes.
    async fn set_rbac_subjects(&self, binding: &RbacBinding) -> Result<RbacBinding, CallError>;
    /// Deletes exactly this binding, as it was at its `resource_version`.
    async fn delete_rbac_binding(&self, binding: &RbacBinding) -> Result<(), CallError>;
}
