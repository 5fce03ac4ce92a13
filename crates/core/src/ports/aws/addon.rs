//! EKS's add-ons, as far as eksact needs them: whether one is there, and to install it.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ports::CallError;

/// An add-on of a cluster (EKS `DescribeAddon`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Addon {
    /// `eks-pod-identity-agent` and the like.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// `v1.3.4-eksbuild.1`.
    pub version: String,
    /// `ACTIVE`, `CREATING`, `DEGRADED`, `CREATE_FAILED`, …
    pub status: String,
    /// What EKS says is wrong with it, issue by issue.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub issues: Vec<String>,
}

impl Addon {
    /// Its status and what EKS says is wrong with it, in one line.
    pub fn condition(&self) -> String {
        let mut words = vec![self.status.as_str()];
        words.extend(self.issues.iter().map(String::as_str));
        words.join(": ")
    }
}

/// Reads add-ons.
#[async_trait]
pub trait AddonReader: Send + Sync {
    /// EKS `DescribeAddon`.
    async fn addon(&self, cluster: &str, name: &str) -> Result<Option<Addon>, CallError>;
}

/// Changes add-ons.
#[async_trait]
pub trait AddonWriter: Send + Sync {
    /// EKS `CreateAddon` with the version and configuration that EKS chooses; returns before it is `ACTIVE`.
    async fn create_addon(
        &self,
        cluster: &str,
        name: &str,
        client_request_token: &str,
    ) -> Result<(), CallError>;
}
