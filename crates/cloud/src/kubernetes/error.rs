//! Failures of the Kubernetes API and of the way to it, as [`CallError`]s.
//!
//! Kinds come from the API's own `reason` (`k8s.io/apimachinery` `meta/v1/types.go`, `StatusReason`) and never from a
//! bare HTTP code alone where that would be a guess: a proxy's 404 page says nothing about an object, and its 403
//! page nothing about RBAC.

use std::time::Duration;

use kube::core::Status;

use crate::causes::{causes, chain, excerpt, is_time_limit};
use eksact_core::ports::{CallError, CallErrorKind};
use eksact_message::duration::in_words;

/// One call, as errors name it.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// Verb and resource: `patch serviceaccounts`.
    pub(super) action: String,
    /// The object: `app/s3-reader`, `namespace app`, `the cluster`.
    pub(super) object: String,
}

impl Call {
    pub(super) fn new(verb: &str, resource: &str, object: impl Into<String>) -> Self {
        Self {
            action: format!("{verb} {resource}"),
            object: object.into(),
        }
    }

    /// Whether it is made for service accounts: only these can do without Kubernetes.
    fn is_about_service_accounts(&self) -> bool {
        ["serviceaccounts", "namespaces"]
            .iter()
            .any(|resource| self.action.ends_with(resource))
    }

    pub(super) fn error(&self, kind: CallErrorKind, message: impl Into<String>) -> CallError {
        CallError::new("kubernetes", &self.action, &self.object, kind, message)
    }
}

/// How the API is reached: decides which remedy an error can name.
#[derive(Clone, Debug)]
pub(super) enum Route {
    /// Endpoint and CA from EKS, a token signed in-process.
    Cluster {
        /// URL of the API, and the proxy on the way.
        endpoint: String,
        /// Whether EKS says that it is reached from outside the VPC.
        is_public: bool,
    },
    /// A context of a kubeconfig.
    Kubeconfig {
        /// URL of the API, and the proxy on the way.
        endpoint: String,
        /// Name of the context.
        context: String,
    },
}

impl Route {
    fn endpoint(&self) -> &str {
        match self {
            Self::Cluster { endpoint, .. } | Self::Kubeconfig { endpoint, .. } => endpoint,
        }
    }

    fn unreachable_remedy(&self, call: &Call) -> String {
        let way = match self {
            Self::Cluster { is_public: true, .. } => "The cluster's endpoint is public: look for what is in between, \
                 such as a proxy, a firewall or its publicAccessCidrs; or name a tunnel with --kubeconfig and \
                 --context."
                .to_owned(),
            Self::Cluster { .. } => "If the cluster's endpoint is private, connect from inside the VPC \
                 (VPN, bastion), or name a tunnel with --kubeconfig and --context."
                .to_owned(),
            Self::Kubeconfig { context, .. } => {
                format!("Check that the tunnel of context \"{context}\" is open and is the right one.")
            }
        };
        if call.is_about_service_accounts() {
            format!(
                "{way} A service account with roleOnly (`create iamserviceaccount --role-only`) needs no Kubernetes."
            )
        } else {
            way
        }
    }

    fn refused_hint(&self) -> String {
        match self {
            Self::Cluster { .. } => "The cluster does not know this IAM principal, or its credentials have \
                 expired. Access entries and the ConfigMap kube-system/aws-auth decide who gets in; the \
                 principal that created the cluster may be the only one so far."
                .to_owned(),
            Self::Kubeconfig { context, .. } => format!(
                "The cluster refused the credentials of context \"{context}\": they have expired, or its user is not \
                 mapped (access entries and kube-system/aws-auth decide)."
            ),
        }
    }
}

/// The API's answer was a `Status`: its `reason` decides, the HTTP code only where the reason is unknown.
pub(super) fn from_status(call: &Call, route: &Route, http_code: u16, status: &Status) -> CallError {
    let kind = kind_of_status(http_code, status);
    let mut message = if status.message.is_empty() {
        format!("HTTP {http_code}")
    } else {
        status.message.clone()
    };
    if kind == CallErrorKind::Credentials {
        message = format!("{message}. {}", route.refused_hint());
    }
    let error = call.error(kind, message);
    if status.reason.is_empty() {
        error
    } else {
        error.with_code(&status.reason)
    }
}

fn kind_of_status(http_code: u16, status: &Status) -> CallErrorKind {
    let details = status.details.as_ref();
    match status.reason.as_str() {
        "Unauthorized" => CallErrorKind::Credentials,
        "Forbidden" => kind_of_forbidden(status),
        // Without a name it is the path that the server does not know, not the object.
        "NotFound" if details.is_some_and(|details| !details.name.is_empty()) => CallErrorKind::NotFound,
        "AlreadyExists" => CallErrorKind::AlreadyExists,
        "Conflict" | "Expired" | "Gone" => CallErrorKind::Conflict,
        "Invalid"
        | "BadRequest"
        | "MethodNotAllowed"
        | "NotAcceptable"
        | "RequestEntityTooLarge"
        | "UnsupportedMediaType" => CallErrorKind::Invalid,
        "TooManyRequests" => CallErrorKind::Throttled,
        "InternalError" | "ServerTimeout" | "ServiceUnavailable" | "Timeout" => CallErrorKind::ServiceFailure,
        "NotFound" => CallErrorKind::Other,
        _ => match http_code {
            401 => CallErrorKind::Credentials,
            403 => CallErrorKind::AccessDenied,
            409 => CallErrorKind::Conflict,
            400 | 422 => CallErrorKind::Invalid,
            429 => CallErrorKind::Throttled,
            500..=599 => CallErrorKind::ServiceFailure,
            _ => CallErrorKind::Other,
        },
    }
}

/// `Forbidden` is said by RBAC, but also by a namespace under deletion (a cause says so), by a quota and by admission
/// webhooks; the latter two have no reason of their own, only their text (`k8s.io/apiserver`
/// `plugin/resourcequota/controller.go`, `admission/plugin/webhook/errors/statuserror.go`). None of these three is
/// cured by a permission.
fn kind_of_forbidden(status: &Status) -> CallErrorKind {
    let terminating = status.details.as_ref().is_some_and(|details| {
        details
            .causes
            .iter()
            .any(|cause| cause.reason == "NamespaceTerminating")
    });
    if terminating {
        CallErrorKind::Conflict
    } else if status.message.contains("exceeded quota:") {
        CallErrorKind::LimitExceeded
    } else if status.message.contains("admission webhook") && status.message.contains("denied the request") {
        CallErrorKind::Invalid
    } else {
        CallErrorKind::AccessDenied
    }
}

/// An answer that is no `Status`: something in front of the API, or the API's own plain text.
pub(super) fn from_bare_answer(call: &Call, route: &Route, http_code: u16, body: &[u8]) -> CallError {
    let kind = match http_code {
        401 => CallErrorKind::Credentials,
        407 => CallErrorKind::Unreachable,
        // API priority and fairness refuses in plain text.
        429 => CallErrorKind::Throttled,
        500..=599 => CallErrorKind::ServiceFailure,
        _ => CallErrorKind::Other,
    };
    let text = excerpt(&String::from_utf8_lossy(body));
    let said = if text.is_empty() {
        "without a message".to_owned()
    } else {
        format!("with \"{text}\"")
    };
    let hint = if kind == CallErrorKind::Credentials {
        format!(" {}", route.refused_hint())
    } else {
        String::new()
    };
    call.error(
        kind,
        format!(
            "{} answered HTTP {http_code} {said}, which is not a response of the Kubernetes API: a proxy or \
             another server may be in between.{hint}",
            route.endpoint()
        ),
    )
}

/// The answer was a success but not the object that was asked for; a write may have happened.
pub(super) fn from_unreadable_answer(call: &Call, route: &Route, error: &serde_json::Error) -> CallError {
    call.error(
        CallErrorKind::ServiceFailure,
        format!(
            "{} did not answer with the JSON of this object ({:?} error at line {}, column {})",
            route.endpoint(),
            // serde's text quotes values, and those of a pod may be secret.
            error.classify(),
            error.line(),
            error.column()
        ),
    )
}

/// There was no answer: DNS, TCP, proxy, TLS, time limit, or credentials that could not be read.
pub(super) fn from_transport(call: &Call, route: &Route, error: &kube::Error) -> CallError {
    let causes = causes(error);
    if let kube::Error::Auth(auth) = error {
        return from_authentication(call, auth);
    }
    if let Some(auth) = causes
        .iter()
        .find_map(|cause| cause.downcast_ref::<kube::client::AuthError>())
    {
        return from_authentication(call, auth);
    }
    let text = chain(&causes);
    let endpoint = route.endpoint();
    let message = if causes.iter().any(|cause| cause.is::<rustls::Error>()) {
        format!(
            "the TLS connection to {endpoint} failed: {text}. If a proxy intercepts TLS, name its root \
             certificate with AWS_CA_BUNDLE or SSL_CERT_FILE; otherwise the cluster's certificate authority \
             is not the one expected."
        )
    } else if causes.iter().any(|cause| is_time_limit(*cause)) {
        format!(
            "{endpoint} did not answer in time: {text}. {}",
            route.unreachable_remedy(call)
        )
    } else {
        format!(
            "{endpoint} cannot be reached: {text}. {}",
            route.unreachable_remedy(call)
        )
    };
    call.error(CallErrorKind::Unreachable, message)
}

/// Whether a time limit ended the wait for an answer.
pub(super) fn is_silence(error: &kube::Error) -> bool {
    causes(error).iter().any(|cause| is_time_limit(*cause))
}

/// The connection stands, but nothing came within the whole time limit.
pub(super) fn from_silence(call: &Call, route: &Route, limit: Duration) -> CallError {
    call.error(
        CallErrorKind::Unreachable,
        format!(
            "{} did not answer within {}. {}",
            route.endpoint(),
            in_words(limit),
            route.unreachable_remedy(call)
        ),
    )
}

/// The credentials of a kubeconfig could not be used. kube's own text may carry what a plugin printed, a token
/// included, so only what is known to be harmless is said.
fn from_authentication(call: &Call, error: &kube::client::AuthError) -> CallError {
    use kube::client::AuthError;
    let message = match error {
        AuthError::ReadTokenFile(error, path) => {
            format!("the token file {} cannot be read: {error}", path.display())
        }
        AuthError::InvalidBasicAuth(_) | AuthError::InvalidBearerToken(_) => {
            "the credentials of the kubeconfig's user contain characters that HTTP does not allow".to_owned()
        }
        _ => "the kubeconfig's user has credentials of a kind that cannot be used here; an exec plugin or a token \
              can be"
            .to_owned(),
    };
    call.error(CallErrorKind::Credentials, message)
}

#[cfg(test)]
mod tests;
