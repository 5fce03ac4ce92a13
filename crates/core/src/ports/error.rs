//! How a call to AWS or Kubernetes fails: one type, so that planning and applying can decide on the kind and people
//! read the rest.

use eksact_message::{quoted::without_secrets, remedy::Remedy};
use serde::{Deserialize, Serialize};

/// What sort of failure a call met. Decisions are made on this, never on texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallErrorKind {
    /// The object does not exist (the service's own code says so; a bare HTTP 404 is not enough).
    NotFound,
    /// An object of that name exists already, or a client request token was used before.
    AlreadyExists,
    /// The caller is missing a permission.
    AccessDenied,
    /// The service asked to slow down and retries ran out.
    Throttled,
    /// The object changed since it was read (HTTP 409, a stack in progress, a superseded change set).
    Conflict,
    /// The service refused the request's content.
    Invalid,
    /// CloudFormation found nothing to change.
    NoChanges,
    /// A quota of the account or the service is used up.
    LimitExceeded,
    /// No credentials, or they are expired or unknown.
    Credentials,
    /// The host did not answer: DNS, TCP, TLS, proxy or time limit. The effect of a write is unknown.
    Unreachable,
    /// The service failed on its side (HTTP 5xx); the effect of a write is unknown.
    ServiceFailure,
    /// Anything else.
    Other,
}

impl CallErrorKind {
    /// Whether the failure may be gone at the next try. Of a failed write it is not known then whether it took effect: only a
    /// look can tell.
    pub const fn is_passing(self) -> bool {
        matches!(self, Self::Throttled | Self::Unreachable | Self::ServiceFailure)
    }
}

/// A call that failed: which, on what, and why. Never holds credentials or tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error(
    "{service} {action}{} failed: {message}{}",
    if object.is_empty() { String::new() } else { format!(" on {object}") },
    code.as_deref().map(|code| format!(" ({code})")).unwrap_or_default()
)]
pub struct CallError {
    /// Service in the form of an IAM action prefix: `cloudformation`, `iam`, `eks`, `sts`, `kubernetes`, `issuer`.
    pub service: String,
    /// The API action (`CreateStack`) or, for Kubernetes, verb and resource (`patch serviceaccounts`).
    pub action: String,
    /// The object's name or ARN; empty of what is listed everywhere.
    pub object: String,
    /// What sort of failure it is.
    pub kind: CallErrorKind,
    /// The service's own error code, when it gave one.
    pub code: Option<String>,
    /// The service's own words, in full, root cause last.
    pub message: String,
}

impl CallError {
    /// What to do about it, by its kind.
    pub fn help(&self) -> Option<Remedy> {
        match self.kind {
            // STS answers the same whatever is missing.
            CallErrorKind::AccessDenied if self.service == "sts" && self.action == "AssumeRole" => {
                Some(remedy!(
                    "Let the caller in by the trust policy of the role, and give it the permission sts:AssumeRole on the role. \
                 Where the trust policy asks for an external id, name it; where there is no such role, correct the ARN."
                ))
            }
            CallErrorKind::AccessDenied => self
                .missing_permission()
                .map(|permission| remedy!("Give the caller the permission {permission}.")),
            CallErrorKind::Throttled => Some(remedy!("The service is busy: run the same command again.")),
            CallErrorKind::Unreachable | CallErrorKind::ServiceFailure if self.only_reads() => Some(remedy!(
                "Nothing was changed by this call: it only reads. Run the same command again."
            )),
            CallErrorKind::Unreachable | CallErrorKind::ServiceFailure => Some(remedy!(
                "The call may or may not have taken effect: run the same command again, which checks first."
            )),
            CallErrorKind::LimitExceeded => Some(remedy!(
                "Ask AWS to raise the quota, or remove what is not needed."
            )),
            CallErrorKind::Conflict => Some(remedy!(
                "The object was changed meanwhile: run the same command again, which makes a new plan."
            )),
            CallErrorKind::Credentials if self.service == "kubernetes" => Some(remedy!(
                "`eksact whoami --cluster NAME` shows why the cluster does not let the caller in, and what \
                 would."
            )),
            // There are none, or none that could be taken.
            CallErrorKind::Credentials if self.service == "aws" => Some(remedy!(
                "Give credentials by --profile, AWS_PROFILE or the other variables of the environment, and run the same command \
                 again."
            )),
            CallErrorKind::Credentials => {
                Some(remedy!("Renew the credentials and run the same command again."))
            }
            _ => None,
        }
    }

    /// A failure of `service`'s `action` on `object`. Of the message, which may quote what was sent, no secret is kept.
    pub fn new(
        service: impl Into<String>,
        action: impl Into<String>,
        object: impl Into<String>,
        kind: CallErrorKind,
        message: impl Into<String>,
    ) -> Self {
        Self {
            service: service.into(),
            action: action.into(),
            object: object.into(),
            kind,
            code: None,
            message: without_secrets(&message.into()).into_owned(),
        }
    }

    /// Whether the call has no effect, as its action says: a read, a review of rights, a session.
    fn only_reads(&self) -> bool {
        const AWS: [&str; 5] = ["Get", "List", "Describe", "Simulate", "Assume"];
        const KUBERNETES: [&str; 4] = ["get ", "list ", "connect to ", "create selfsubject"];
        let beginnings: &[&str] = match self.service.as_str() {
            // It shows its certificates and documents.
            "issuer" => return true,
            "kubernetes" => &KUBERNETES,
            _ => &AWS,
        };
        beginnings.iter().any(|begin| self.action.starts_with(begin))
    }

    /// The same with the service's own error code.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// The permission that the caller is missing, when that is the reason: an IAM action (`iam:GetRole`), or verb and
    /// resource for Kubernetes (`patch serviceaccounts`).
    pub fn missing_permission(&self) -> Option<String> {
        (self.kind == CallErrorKind::AccessDenied).then(|| {
            if self.service == "kubernetes" {
                self.action.clone()
            } else {
                format!("{}:{}", self.service, self.action)
            }
        })
    }
}

/// A missing object as an answer; every other error stays one.
pub fn found<T>(result: Result<T, CallError>) -> Result<Option<T>, CallError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind == CallErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
