//! Updates of a cluster: how EKS carries out what takes minutes, one at a time, and the update of the authentication mode.

use std::{collections::BTreeMap, fmt, str::FromStr};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::ports::CallError;

/// Where a cluster looks up who gets in (EKS `AccessConfigRequest`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AuthenticationMode {
    /// In the ConfigMap `aws-auth` only.
    ConfigMap,
    /// In access entries, and in `aws-auth` for principals without one.
    ApiAndConfigMap,
    /// In access entries only.
    Api,
}

impl AuthenticationMode {
    /// Every mode, in the only direction in which EKS lets a cluster move.
    pub const ALL: [Self; 3] = [Self::ConfigMap, Self::ApiAndConfigMap, Self::Api];

    /// As EKS writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ConfigMap => "CONFIG_MAP",
            Self::ApiAndConfigMap => "API_AND_CONFIG_MAP",
            Self::Api => "API",
        }
    }
}

impl fmt::Display for AuthenticationMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Text that is no authentication mode.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an authentication mode")]
pub struct UnknownAuthenticationMode(pub String);

impl FromStr for AuthenticationMode {
    type Err = UnknownAuthenticationMode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mode = Self::ALL.into_iter().find(|mode| mode.as_str() == text);
        mode.ok_or_else(|| UnknownAuthenticationMode(text.to_owned()))
    }
}

/// The type of the update that sets the authentication mode (EKS `UpdateType`).
pub const ACCESS_CONFIG_UPDATE: &str = "AccessConfigUpdate";

/// An update of a cluster (EKS `Update`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterUpdate {
    /// Its id, a UUID.
    pub id: String,
    /// What it does: `AccessConfigUpdate`, `VersionUpdate`, …
    pub update_type: String,
    /// `InProgress`, `Successful`, `Failed` or `Cancelled`.
    pub status: String,
    /// What it was asked for: `AuthenticationMode`, …
    pub parameters: BTreeMap<String, String>,
    /// Why it failed.
    pub errors: Vec<ClusterUpdateError>,
}

/// One reason why an update failed (EKS `ErrorDetail`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterUpdateError {
    /// EKS's code: `AccessDenied`, `OperationNotPermitted`, …
    pub code: String,
    /// EKS's words.
    pub message: String,
    /// The resources that it is about.
    pub resource_ids: Vec<String>,
}

impl ClusterUpdate {
    /// Whether EKS is still at it.
    pub fn in_progress(&self) -> bool {
        self.status == "InProgress"
    }

    /// Whether it did what it was asked for.
    pub fn succeeded(&self) -> bool {
        self.status == "Successful"
    }
}

impl fmt::Display for ClusterUpdateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)?;
        if !self.resource_ids.is_empty() {
            write!(f, " ({})", self.resource_ids.join(", "))?;
        }
        Ok(())
    }
}

/// Reads updates of clusters.
#[async_trait]
pub trait ClusterUpdateReader: Send + Sync {
    /// The ids of a cluster's own updates, past ones included (EKS `ListUpdates`, all pages).
    async fn cluster_updates(&self, cluster: &str) -> Result<Vec<String>, CallError>;
    /// EKS `DescribeUpdate`.
    async fn cluster_update(&self, cluster: &str, id: &str) -> Result<ClusterUpdate, CallError>;
}

/// Begins updates of clusters.
#[async_trait]
pub trait ClusterUpdateWriter: Send + Sync {
    /// EKS `UpdateClusterConfig` with an authentication mode; gives the update, which goes on for minutes. A failure of kind
    /// `Conflict` while another update runs.
    async fn set_authentication_mode(
        &self,
        cluster: &str,
        mode: AuthenticationMode,
    ) -> Result<ClusterUpdate, CallError>;
}
