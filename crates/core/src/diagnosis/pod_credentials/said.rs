//! Credentials in words, and by a name for machines.

use schemars::JsonSchema;
use serde::Serialize;

use crate::ports::{aws::PodIdentityAssociation, kubernetes::PodPlace};
use eksact_identity::authn::{
    irsa::Known,
    sdk_credentials::{SdkCredentials, Taken},
};

/// Where credentials come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// Keys in the environment, whose principal no object shows.
    Keys,
    /// A role, by a token of the service account (IRSA).
    WebIdentity,
    /// A role, by a pod identity association.
    Association,
    /// The role of the node, by its instance metadata service.
    Node,
    /// Nowhere: there are none.
    None,
    /// What is known does not say it.
    Unknown,
}

/// Which credentials AWS's SDKs take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Credentials {
    /// Where they come from.
    pub source: Source,
    /// The role, where one is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    /// The same in words.
    pub says: String,
}

impl Credentials {
    fn new(source: Source, role_arn: Option<String>, says: impl Into<String>) -> Self {
        let says = says.into();
        Self {
            source,
            role_arn,
            says,
        }
    }

    /// Whether both are the same, however they are told.
    pub(super) fn is(&self, other: &Self) -> bool {
        (self.source, &self.role_arn) == (other.source, &other.role_arn)
    }
}

/// Where the container runs, and what stands behind the agent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Around<'a> {
    pub(super) association: &'a Known<Option<PodIdentityAssociation>>,
    pub(super) place: Option<PodPlace>,
    pub(super) host_network: bool,
}

/// What is taken, in words.
pub(super) fn credentials(taken: &Taken, around: Around<'_>) -> Credentials {
    let mut said = certain(&taken.credentials, around);
    if taken.may_be_keys {
        said.says
            .push_str("; unless the ConfigMaps or Secrets of `envFrom` have keys, which win");
    }
    said
}

fn certain(taken: &SdkCredentials, around: Around<'_>) -> Credentials {
    match taken {
        SdkCredentials::Keys => Credentials::new(
            Source::Keys,
            None,
            "the keys in its environment, whose principal no object shows",
        ),
        SdkCredentials::WebIdentity(Some(role)) => Credentials::new(
            Source::WebIdentity,
            Some(role.clone()),
            format!("the role {role}, by its token"),
        ),
        SdkCredentials::WebIdentity(None) => Credentials::new(
            Source::WebIdentity,
            None,
            "a role by its token, whose name AWS_ROLE_ARN has from elsewhere",
        ),
        SdkCredentials::Container => associated(around),
        SdkCredentials::Node => node(around),
    }
}

fn associated(around: Around<'_>) -> Credentials {
    if let Some(place) = around.place {
        let says = format!("none: EKS Pod Identity gives none {}", words_of(place));
        return Credentials::new(Source::None, None, says);
    }
    match around.association {
        Ok(Some(association)) => {
            let role = association
                .target_role_arn
                .as_ref()
                .unwrap_or(&association.role_arn);
            let says = format!("the role {role}, by the association {}", association.id);
            Credentials::new(Source::Association, Some(role.clone()), says)
        }
        Ok(None) => Credentials::new(
            Source::None,
            None,
            "none: the service account has no association any more",
        ),
        Err(_) => Credentials::new(
            Source::Association,
            None,
            "the role of its association, which is not known",
        ),
    }
}

fn node(around: Around<'_>) -> Credentials {
    match around.place {
        Some(PodPlace::Fargate) => Credentials::new(
            Source::None,
            None,
            "none: on Fargate there is no instance metadata service",
        ),
        _ if around.host_network => {
            Credentials::new(Source::Node, None, "the role of its node, whose network it has")
        }
        _ => Credentials::new(
            Source::Node,
            None,
            "the role of its node, unless the node keeps pods from the instance metadata service (hop limit 1)",
        ),
    }
}

/// Where a pod runs, in words.
pub(super) const fn words_of(place: PodPlace) -> &'static str {
    match place {
        PodPlace::Fargate => "on Fargate",
        PodPlace::Windows => "on Windows",
        PodPlace::HybridNode => "on hybrid nodes without its agent",
    }
}
