//! From the SDK's errors to [`CallError`]: the kind by the service's own code, the whole cause in the message.
//!
//! No decision is made on an HTTP status below 500: a proxy answers 404 with a page of its own, and that says nothing
//! about the object.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::operation::{
    assume_role::AssumeRoleError, assume_role_with_web_identity::AssumeRoleWithWebIdentityError,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};
use aws_smithy_types::error::{ErrorMetadata, metadata::ProvideErrorMetadata};

use crate::causes::{causes, text};
use eksact_core::ports::{CallError, CallErrorKind};

/// An AWS action: the service as IAM's prefix has it, and the action's name.
pub(super) type Action = (&'static str, &'static str);

/// Makes the error of a call of `action` on `object`.
pub(super) fn from_sdk<E>(action: Action, object: &str, error: &SdkError<E, HttpResponse>) -> CallError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let outcome = match error {
        SdkError::ServiceError(context) => Outcome::Refused(context.err().meta()),
        SdkError::ResponseError(_) => Outcome::Unreadable,
        SdkError::TimeoutError(_) => Outcome::Late,
        SdkError::DispatchFailure(dispatch) => Outcome::Unsent(dispatch.as_connector_error()),
        SdkError::ConstructionFailure(_) => Outcome::Invalid,
        _ => Outcome::Other,
    };
    let status = error.raw_response().map(|response| response.status().as_u16());
    from_outcome(action, object, error, &outcome, status)
}

/// How far a call came, whichever operation it is of.
enum Outcome<'e> {
    Refused(&'e ErrorMetadata),
    Unreadable,
    Late,
    Unsent(Option<&'e ConnectorError>),
    Invalid,
    Other,
}

/// The same for every operation: one function, where the SDK has a type for each.
fn from_outcome(
    (service, action): Action,
    object: &str,
    error: &(dyn Error + 'static),
    outcome: &Outcome<'_>,
    status: Option<u16>,
) -> CallError {
    let failure = |kind, message: String| CallError::new(service, action, object, kind, message);
    if let Some(credentials) = find::<CredentialsError>(error) {
        return failure(CallErrorKind::Credentials, chain_text(credentials));
    }
    match outcome {
        Outcome::Refused(answer) if answer.code().is_some() => {
            let code = answer.code().unwrap_or_default();
            let message = answer
                .message()
                .unwrap_or("the service returned no message")
                .trim();
            let kind = kind_of_action(service, action, code, message, status);
            let message = match advice(code) {
                Some(advice) => format!("{message}; {advice}"),
                None => message.to_owned(),
            };
            failure(kind, message).with_code(code)
        }
        Outcome::Refused(_) | Outcome::Unreadable => {
            let status = status.unwrap_or_default();
            let kind = if status >= 500 {
                CallErrorKind::ServiceFailure
            } else {
                CallErrorKind::Other
            };
            failure(
                kind,
                format!(
                    "HTTP {status} with a response that is not from {service}: a proxy or another server \
                     may have sent it; check HTTPS_PROXY and AWS_ENDPOINT_URL"
                ),
            )
        }
        Outcome::Late => failure(
            CallErrorKind::Unreachable,
            format!("no response within the time limit: {}", chain_text(error)),
        ),
        Outcome::Unsent(cause) => {
            let cause: &(dyn Error + 'static) = cause.map_or(error, |connector| connector);
            failure(CallErrorKind::Unreachable, unreachable_text(cause))
        }
        Outcome::Invalid => failure(CallErrorKind::Invalid, chain_text(error)),
        Outcome::Other => failure(CallErrorKind::Other, chain_text(error)),
    }
}

/// The error for an answer without something that the API promises.
pub(super) fn incomplete((service, name): Action, object: &str, what: &str) -> CallError {
    CallError::new(
        service,
        name,
        object,
        CallErrorKind::Other,
        format!("the response has no {what}"),
    )
}

/// The kind for a service's own error code, where the action decides what it means.
fn kind_of_action(
    service: &str,
    action: &str,
    code: &str,
    message: &str,
    status: Option<u16>,
) -> CallErrorKind {
    match (service, code) {
        // EKS says it of an object that is there already as well as of one that is being changed.
        ("eks", "ResourceInUseException") if action.starts_with("Create") => CallErrorKind::AlreadyExists,
        _ => kind_of(service, code, message, status),
    }
}

/// The kind for a service's own error code. Codes are those of the services' API references; CloudFormation says most
/// things as `ValidationError` and only its text tells them apart.
fn kind_of(service: &str, code: &str, message: &str, status: Option<u16>) -> CallErrorKind {
    use CallErrorKind as Kind;
    match code {
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" | "AuthorizationError" => {
            Kind::AccessDenied
        }
        "NoSuchEntity"
        | "NoSuchEntityException"
        | "ResourceNotFoundException"
        | "NotFoundException"
        | "ChangeSetNotFound"
        | "ChangeSetNotFoundException"
        | "StackNotFoundException" => Kind::NotFound,
        "EntityAlreadyExists"
        | "EntityAlreadyExistsException"
        | "AlreadyExistsException"
        | "TokenAlreadyExistsException" => Kind::AlreadyExists,
        "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "RequestLimitExceeded"
        | "TooManyRequestsException"
        | "SlowDown" => Kind::Throttled,
        "ConcurrentModification"
        | "ConcurrentModificationException"
        | "DeleteConflict"
        | "DeleteConflictException"
        | "EntityTemporarilyUnmodifiable"
        | "EntityTemporarilyUnmodifiableException"
        | "ResourceInUseException"
        | "ConflictException"
        | "OperationInProgressException"
        | "InvalidChangeSetStatus"
        | "InvalidChangeSetStatusException"
        | "StaleRequestException" => Kind::Conflict,
        "LimitExceeded"
        | "LimitExceededException"
        | "ResourceLimitExceededException"
        | "ServiceQuotaExceededException" => Kind::LimitExceeded,
        "ExpiredToken"
        | "ExpiredTokenException"
        | "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "SignatureDoesNotMatch"
        | "InvalidSignatureException"
        | "IncompleteSignature"
        | "RequestExpired"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "InvalidAccessKeyId"
        | "AuthFailure" => Kind::Credentials,
        "ServiceUnavailable"
        | "ServiceUnavailableException"
        | "InternalFailure"
        | "InternalError"
        | "InternalServerError"
        | "ServerException"
        | "ServiceFailure"
        | "ServiceFailureException" => Kind::ServiceFailure,
        "ValidationError" if service == "cloudformation" => cloudformation_validation(message),
        "ValidationError"
        | "ValidationException"
        | "InvalidInput"
        | "InvalidInputException"
        | "InvalidParameterException"
        | "InvalidParameterValue"
        | "InvalidRequestException"
        | "MalformedPolicyDocument"
        | "MalformedPolicyDocumentException"
        | "InsufficientCapabilitiesException"
        | "PolicyNotAttachable"
        | "PolicyNotAttachableException"
        | "UnmodifiableEntity"
        | "UnmodifiableEntityException" => Kind::Invalid,
        _ if status.is_some_and(|status| status >= 500) => Kind::ServiceFailure,
        _ => Kind::Other,
    }
}

/// What CloudFormation means by a `ValidationError`.
fn cloudformation_validation(message: &str) -> CallErrorKind {
    let message = message.trim_end_matches('.');
    if message.contains("No updates are to be performed") {
        CallErrorKind::NoChanges
    } else if message.starts_with("Stack") && message.ends_with("does not exist") {
        // "Stack with id X does not exist", "Stack [X] does not exist"; not "Template error: … does not exist".
        CallErrorKind::NotFound
    } else if message.contains("_IN_PROGRESS state")
        || message.contains("cannot be deleted while in status")
        || message.contains("TerminationProtection is enabled")
    {
        CallErrorKind::Conflict
    } else {
        CallErrorKind::Invalid
    }
}

/// What to do, where the service's own words do not say it.
fn advice(code: &str) -> Option<&'static str> {
    match code {
        "ExpiredToken" | "ExpiredTokenException" => Some("log in again, for instance with `aws sso login`"),
        "SignatureDoesNotMatch" | "InvalidSignatureException" | "RequestExpired" => {
            Some("check the secret key and this machine's clock")
        }
        "InvalidClientTokenId" | "UnrecognizedClientException" => {
            Some("check the access key and that the region is enabled for the account")
        }
        _ => None,
    }
}

/// Why a host could not be reached, root cause last, and what to do about it.
pub(crate) fn unreachable_text(error: &(dyn Error + 'static)) -> String {
    // hyper's words for any answer to CONNECT but a 200 and a 407.
    let text = chain_text(error).replace(
        "tunnel error: unsuccessful",
        "tunnel error: the proxy did not open the tunnel",
    );
    let advice = if let Some(rustls::Error::InvalidCertificate(reason)) = find::<rustls::Error>(error) {
        match reason {
            rustls::CertificateError::UnknownIssuer => {
                "a proxy may intercept TLS here: set AWS_CA_BUNDLE or SSL_CERT_FILE to a file with its \
                 certificate authority"
            }
            rustls::CertificateError::Expired | rustls::CertificateError::NotValidYet => {
                "check this machine's clock"
            }
            _ => "check HTTPS_PROXY and which server answers for this host",
        }
    } else if text.contains("dns error") || text.contains("lookup address") {
        "check the region's name, the network, and whether HTTPS_PROXY must be set"
    } else if text.contains("tunnel error") || text.contains("proxy") {
        "check HTTPS_PROXY, its user and password, and NO_PROXY"
    } else {
        "check the network, HTTPS_PROXY and NO_PROXY"
    };
    format!("{text}; {advice}")
}

/// Whether no connection came about at all (name, TCP, proxy or TLS): nothing was sent, and trying again in the same
/// second seldom helps.
pub(super) fn never_connected(error: &(dyn Error + 'static)) -> bool {
    find::<hyper_util::client::legacy::Error>(error)
        .is_some_and(hyper_util::client::legacy::Error::is_connect)
}

/// The first cause of type `T`.
fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    causes(error)
        .into_iter()
        .find_map(|cause| cause.downcast_ref::<T>())
}

/// Code and message of a refused `AssumeRole`, with which a profile's chain ends.
fn refusal_of_sts(error: &(dyn Error + 'static)) -> Option<String> {
    let meta = error
        .downcast_ref::<AssumeRoleError>()
        .map(ProvideErrorMetadata::meta)
        .or_else(|| {
            error
                .downcast_ref::<AssumeRoleWithWebIdentityError>()
                .map(ProvideErrorMetadata::meta)
        })?;
    let code = meta.code()?;
    Some(match meta.message() {
        Some(message) => format!("{code}: {message}"),
        None => code.to_owned(),
    })
}

/// The texts of an error and its causes, joined by colons, none repeated and none empty of meaning.
pub(crate) fn chain_text(error: &(dyn Error + 'static)) -> String {
    const HOLLOW: [&str; 9] = [
        "dispatch failure",
        "client error (Connect)",
        "io error",
        "other",
        "timeout",
        "service error",
        "unhandled error",
        "failed to construct request",
        "an error occurred while loading credentials",
    ];
    let mut texts: Vec<String> = Vec::new();
    for cause in causes(error) {
        if let Some(said) = refusal_of_sts(cause) {
            // What stands below is the same in the words of the SDK's own types.
            texts.push(said);
            break;
        }
        let text = text(cause);
        if text.is_empty()
            || HOLLOW.contains(&text.as_str())
            || texts.iter().any(|known| known.contains(&text))
        {
            continue;
        }
        // A cause that quotes the one before says more: it takes its place.
        texts.retain(|known| !text.contains(known.as_str()));
        texts.push(text);
    }
    if texts.is_empty() {
        error.to_string()
    } else {
        texts.join(": ")
    }
}

#[cfg(test)]
mod tests;
