//! What decides who may do what in a cluster, as eksact sees it: ConfigMaps (`aws-auth` and its backups), RBAC objects,
//! and who the caller is to the cluster. EKS access entries are AWS's.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A ConfigMap, as far as eksact reads it. `binaryData` is neither read nor written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigMap {
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
    /// `data`, each value byte for byte.
    pub data: BTreeMap<String, String>,
    /// `immutable: true`: the API server refuses every change of `data`.
    pub immutable: bool,
}

/// A ConfigMap that shall be created.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewConfigMap {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
    /// `data`.
    pub data: BTreeMap<String, String>,
}

/// Changes to single keys of a ConfigMap, all in one write: a value sets the key, none removes it. Keys that are not
/// named stay as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigMapPatch {
    /// Keys of `data`.
    pub data: BTreeMap<String, Option<String>>,
    /// Keys of `metadata.annotations`.
    pub annotations: BTreeMap<String, Option<String>>,
}

/// Who the caller is to the API server (`SelfSubjectReview`, `authentication.k8s.io/v1`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserInfo {
    /// User name.
    pub username: String,
    /// Groups, `system:authenticated` among them.
    pub groups: Vec<String>,
    /// `extra`: the authenticator tells `arn`, `canonicalArn`, `sessionName`, `accessKeyId` there.
    pub extra: BTreeMap<String, Vec<String>>,
}

/// Whom a binding names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Subject {
    /// `Group`, `User` or `ServiceAccount`.
    pub kind: String,
    /// Name.
    pub name: String,
    /// Namespace of a service account.
    pub namespace: Option<String>,
}

/// One rule of a role (`rbac.authorization.k8s.io/v1` `PolicyRule`).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct PolicyRule {
    /// API groups, `""` for the core one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub api_groups: Vec<String>,
    /// Resources, plural and lower case.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// Names to which the rule is limited.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resource_names: Vec<String>,
    /// Paths outside the resources (`ClusterRole` only).
    #[serde(rename = "nonResourceURLs", skip_serializing_if = "Vec::is_empty")]
    pub non_resource_urls: Vec<String>,
    /// Verbs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub verbs: Vec<String>,
}

/// A `Role` (with a namespace) or a `ClusterRole` (without).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RbacRole {
    /// Namespace; none for a `ClusterRole`.
    pub namespace: Option<String>,
    /// Name.
    pub name: String,
    /// `metadata.uid`, empty for one that shall be created.
    pub uid: String,
    /// `metadata.resourceVersion`, empty for one that shall be created.
    pub resource_version: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
    /// Rules, in their order.
    pub rules: Vec<PolicyRule>,
    /// Whether the control plane fills the rules from other roles (`aggregationRule`).
    pub aggregated: bool,
}

/// A `RoleBinding` (with a namespace) or a `ClusterRoleBinding` (without).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RbacBinding {
    /// Namespace; none for a `ClusterRoleBinding`.
    pub namespace: Option<String>,
    /// Name.
    pub name: String,
    /// `metadata.uid`, empty for one that shall be created.
    pub uid: String,
    /// `metadata.resourceVersion`, empty for one that shall be created.
    pub resource_version: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
    /// `roleRef.kind`: `Role` or `ClusterRole`. A binding's reference can never be changed.
    pub role_kind: String,
    /// `roleRef.name`.
    pub role_name: String,
    /// Subjects, in their order.
    pub subjects: Vec<Subject>,
}
