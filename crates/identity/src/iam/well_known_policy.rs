//! The seven well-known policies of `wellKnownPolicies`, by name. What each of them grants is data under
//! `templates/well-known/` and lives with `cloudformation`.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One of eksctl's well-known policies (`WellKnownPolicies`, eksctl 0.231 `pkg/apis/eksctl.io/v1alpha5/iam.go`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum WellKnownPolicy {
    /// Pushing and pulling images in ECR.
    #[serde(rename = "imageBuilder")]
    ImageBuilder,
    /// The cluster autoscaler.
    #[serde(rename = "autoScaler")]
    AutoScaler,
    /// The AWS load balancer controller.
    #[serde(rename = "awsLoadBalancerController")]
    AwsLoadBalancerController,
    /// external-dns.
    #[serde(rename = "externalDNS")]
    ExternalDns,
    /// cert-manager with DNS challenges in Route 53.
    #[serde(rename = "certManager")]
    CertManager,
    /// The EBS CSI controller.
    #[serde(rename = "ebsCSIController")]
    EbsCsiController,
    /// The EFS CSI controller.
    #[serde(rename = "efsCSIController")]
    EfsCsiController,
}

impl WellKnownPolicy {
    /// All seven, in the order of eksctl's type.
    pub const ALL: [Self; 7] = [
        Self::ImageBuilder,
        Self::AutoScaler,
        Self::AwsLoadBalancerController,
        Self::ExternalDns,
        Self::CertManager,
        Self::EbsCsiController,
        Self::EfsCsiController,
    ];

    /// The field of `wellKnownPolicies` that asks for it.
    pub fn field_name(self) -> &'static str {
        match self {
            Self::ImageBuilder => "imageBuilder",
            Self::AutoScaler => "autoScaler",
            Self::AwsLoadBalancerController => "awsLoadBalancerController",
            Self::ExternalDns => "externalDNS",
            Self::CertManager => "certManager",
            Self::EbsCsiController => "ebsCSIController",
            Self::EfsCsiController => "efsCSIController",
        }
    }
}

impl fmt::Display for WellKnownPolicy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.field_name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn field_name_is_also_the_serialised_form() {
        for policy in WellKnownPolicy::ALL {
            assert_eq!(serde_json::to_value(policy).unwrap(), policy.field_name());
        }
    }
}
