//! What the annotations of a service account and of a pod say, as the webhook reads them.

use std::collections::BTreeMap;

use super::{DEFAULT_EXPIRATION, LEAST_EXPIRATION, Pod, Webhook};
use crate::authn::irsa::{AUDIENCE_ANNOTATION, ROLE_ANNOTATION};

/// Whether AWS's SDKs in the pods ask STS in their own region.
const REGIONAL_ANNOTATION: &str = "eks.amazonaws.com/sts-regional-endpoints";
/// For how many seconds the token is valid.
pub(super) const EXPIRATION_ANNOTATION: &str = "eks.amazonaws.com/token-expiration";
/// The least of the random expirations (`pkg/constants.go`, `DefaultMinTokenExpiration`).
const LEAST_JITTERED: i64 = 79_200;

/// By which way containers get credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Method {
    /// By the annotation: SDKs ask STS with a token (IRSA).
    WebIdentity {
        /// The role, as the annotation has it.
        role_arn: String,
    },
    /// By an association: SDKs ask the agent of EKS Pod Identity.
    Association,
}

impl Method {
    /// The volume with the token.
    pub const fn volume_name(&self) -> &'static str {
        match self {
            Self::WebIdentity { .. } => "aws-iam-token",
            Self::Association => "eks-pod-identity-token",
        }
    }

    /// Where it is mounted.
    pub const fn mount_path(&self) -> &'static str {
        match self {
            Self::WebIdentity { .. } => "/var/run/secrets/eks.amazonaws.com/serviceaccount",
            Self::Association => "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount",
        }
    }

    /// The file of the token in there.
    pub const fn token_path(&self) -> &'static str {
        match self {
            Self::WebIdentity { .. } => "token",
            Self::Association => "eks-pod-identity-token",
        }
    }

    /// The two variables, of which it sets neither where a container has one.
    pub const fn variables(&self) -> [&'static str; 2] {
        match self {
            Self::WebIdentity { .. } => ["AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"],
            Self::Association => [
                "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
            ],
        }
    }

    /// The value of the first of them.
    pub(super) fn source(&self) -> &str {
        match self {
            Self::WebIdentity { role_arn } => role_arn,
            Self::Association => "http://169.254.170.23/v1/credentials",
        }
    }
}

/// For how many seconds a token is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiration {
    /// As many.
    Seconds(i64),
    /// Between these two, at random for each pod.
    Between(i64, i64),
}

impl Expiration {
    /// The most that it is.
    pub const fn at_most(self) -> i64 {
        match self {
            Self::Seconds(seconds) | Self::Between(_, seconds) => seconds,
        }
    }
}

/// What the webhook does to the pods of a service account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    /// By which way they get credentials.
    pub method: Method,
    /// The audience of their tokens.
    pub audience: String,
    /// Whether they ask STS in their own region.
    pub regional_sts: bool,
    /// For how many seconds a token is valid where the pod does not say it.
    expiration: i64,
}

impl Configuration {
    /// For how long the token of this pod is valid.
    pub(super) fn expiration_in(&self, pod: &Pod) -> Expiration {
        let own = pod.annotations.get(EXPIRATION_ANNOTATION);
        let seconds = own.and_then(|text| expiration(text)).unwrap_or(self.expiration);
        // So that the agents of a large cluster are not asked all at once (`addJitterToDefaultToken`).
        if self.method == Method::Association && seconds == DEFAULT_EXPIRATION {
            return Expiration::Between(LEAST_JITTERED, DEFAULT_EXPIRATION);
        }
        Expiration::Seconds(seconds)
    }
}

pub(super) fn of(
    webhook: &Webhook,
    annotations: Option<&BTreeMap<String, String>>,
    has_association: bool,
) -> Option<Configuration> {
    let text = |key: &str| annotations?.get(key).map(String::as_str);
    let role_arn = text(ROLE_ANNOTATION).filter(|role| !role.is_empty());
    let (method, audience) = if has_association {
        // The annotation about the audience is that of web identities alone.
        (Method::Association, crate::iam::pod_identity::SERVICE)
    } else {
        let role_arn = role_arn?.to_owned();
        let audience = text(AUDIENCE_ANNOTATION).unwrap_or(&webhook.audience);
        (Method::WebIdentity { role_arn }, audience)
    };
    // Of a service account that it does not know it takes no flag either (`GetCommonConfigurations`).
    let (regional_sts, seconds) = match annotations {
        None => (false, DEFAULT_EXPIRATION),
        Some(_) => (
            text(REGIONAL_ANNOTATION)
                .and_then(boolean)
                .unwrap_or(webhook.regional_sts),
            text(EXPIRATION_ANNOTATION)
                .and_then(expiration)
                .unwrap_or(webhook.token_expiration.max(LEAST_EXPIRATION)),
        ),
    };
    Some(Configuration {
        method,
        audience: audience.to_owned(),
        regional_sts,
        expiration: seconds,
    })
}

/// As Go's `strconv.ParseBool`.
fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// Seconds as Go's `strconv.ParseInt` reads them in base 10, but no fewer than the API server takes; it sets no upper limit.
fn expiration(text: &str) -> Option<i64> {
    Some(text.parse::<i64>().ok()?.max(LEAST_EXPIRATION))
}

/// An annotation that has no effect, or another than it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignored {
    /// Its key.
    pub key: &'static str,
    /// Its value.
    pub value: String,
    /// What becomes of it.
    pub why: &'static str,
}

/// The annotations of a service account or a pod whose values the webhook does not take as they are.
pub fn ignored_annotations(annotations: &BTreeMap<String, String>, has_association: bool) -> Vec<Ignored> {
    let mut ignored = Vec::new();
    let mut ignore = |key: &'static str, value: &str, why| {
        let value = value.to_owned();
        ignored.push(Ignored { key, value, why });
    };
    if let Some(value) = annotations.get(REGIONAL_ANNOTATION)
        && boolean(value).is_none()
    {
        ignore(
            REGIONAL_ANNOTATION,
            value,
            "it is neither true nor false, and is ignored",
        );
    }
    if let Some(value) = annotations.get(EXPIRATION_ANNOTATION) {
        match value.parse::<i64>() {
            Err(_) => ignore(
                EXPIRATION_ANNOTATION,
                value,
                "it is no number of seconds, and is ignored",
            ),
            Ok(seconds) if seconds < LEAST_EXPIRATION => {
                ignore(
                    EXPIRATION_ANNOTATION,
                    value,
                    "it is less than 600 seconds, and is taken for 600",
                );
            }
            Ok(_) => {}
        }
    }
    if has_association && let Some(value) = annotations.get(AUDIENCE_ANNOTATION) {
        ignore(AUDIENCE_ANNOTATION, value, "with an association it is ignored");
    }
    ignored
}
