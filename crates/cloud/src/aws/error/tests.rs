//! What the services' codes and the network's failures become: kinds to decide on, texts for people. Every case is one
//! that a service or a library really gives.

use std::error::Error;
use std::fmt;
use std::io;

use super::*;
use eksact_core::ports::CallErrorKind as Kind;

#[test]
fn services_codes_have_their_kinds() {
    let cases = [
        (
            "iam",
            "AccessDenied",
            "User: x is not authorized to perform: iam:GetRole",
            403,
            Kind::AccessDenied,
        ),
        ("eks", "AccessDeniedException", "", 403, Kind::AccessDenied),
        (
            "iam",
            "NoSuchEntity",
            "The role with name x cannot be found.",
            404,
            Kind::NotFound,
        ),
        (
            "eks",
            "ResourceNotFoundException",
            "No cluster found for name: x.",
            404,
            Kind::NotFound,
        ),
        (
            "cloudformation",
            "ChangeSetNotFound",
            "ChangeSet [x] does not exist",
            404,
            Kind::NotFound,
        ),
        (
            "cloudformation",
            "ValidationError",
            "Stack with id x does not exist",
            400,
            Kind::NotFound,
        ),
        (
            "cloudformation",
            "ValidationError",
            "Stack [x] does not exist",
            400,
            Kind::NotFound,
        ),
        (
            "cloudformation",
            "ValidationError",
            "Template error: resource R does not exist",
            400,
            Kind::Invalid,
        ),
        (
            "cloudformation",
            "ValidationError",
            "No updates are to be performed.",
            400,
            Kind::NoChanges,
        ),
        (
            "cloudformation",
            "ValidationError",
            "Stack:arn:x is in UPDATE_IN_PROGRESS state and can not be updated.",
            400,
            Kind::Conflict,
        ),
        (
            "cloudformation",
            "ValidationError",
            "Stack [x] cannot be deleted while TerminationProtection is enabled",
            400,
            Kind::Conflict,
        ),
        (
            "iam",
            "ValidationError",
            "Stack x does not exist",
            400,
            Kind::Invalid,
        ),
        ("iam", "EntityAlreadyExists", "", 409, Kind::AlreadyExists),
        (
            "cloudformation",
            "AlreadyExistsException",
            "Stack [x] already exists",
            400,
            Kind::AlreadyExists,
        ),
        (
            "cloudformation",
            "TokenAlreadyExistsException",
            "",
            400,
            Kind::AlreadyExists,
        ),
        (
            "iam",
            "DeleteConflict",
            "Cannot delete entity, must detach all policies first.",
            409,
            Kind::Conflict,
        ),
        (
            "cloudformation",
            "Throttling",
            "Rate exceeded",
            400,
            Kind::Throttled,
        ),
        ("eks", "ThrottlingException", "", 429, Kind::Throttled),
        (
            "iam",
            "LimitExceeded",
            "Cannot exceed quota for RolesPerAccount: 1000",
            409,
            Kind::LimitExceeded,
        ),
        ("sts", "ExpiredToken", "", 403, Kind::Credentials),
        ("sts", "InvalidClientTokenId", "", 403, Kind::Credentials),
        ("eks", "UnrecognizedClientException", "", 403, Kind::Credentials),
        ("iam", "SignatureDoesNotMatch", "", 403, Kind::Credentials),
        ("iam", "MalformedPolicyDocument", "", 400, Kind::Invalid),
        ("iam", "ServiceFailure", "", 500, Kind::ServiceFailure),
        ("eks", "SomethingNew", "", 503, Kind::ServiceFailure),
        // A status alone decides nothing.
        ("eks", "SomethingNew", "", 404, Kind::Other),
        ("eks", "SomethingNew", "", 403, Kind::Other),
    ];
    for (service, code, message, status, kind) in cases {
        assert_eq!(
            kind_of(service, code, message, Some(status)),
            kind,
            "{service} {code} {message} {status}"
        );
    }
}

#[derive(Debug)]
struct Layer(&'static str, Option<Box<dyn Error + Send + Sync>>);

impl fmt::Display for Layer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0)
    }
}

impl Error for Layer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.1.as_deref().map(|source| source as _)
    }
}

#[test]
fn whole_cause_is_told_once_and_root_last() {
    let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
    let connect = Layer("tcp connect error", Some(Box::new(refused)));
    let repeated = Layer(
        "client error (Connect): tcp connect error",
        Some(Box::new(connect)),
    );
    let hollow = Layer("dispatch failure", Some(Box::new(repeated)));
    assert_eq!(
        chain_text(&hollow),
        "client error (Connect): tcp connect error: connection refused"
    );
}

#[test]
fn cause_inside_an_io_error_is_found() {
    let unknown = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
    let inner = io::Error::new(io::ErrorKind::InvalidData, unknown);
    let error = Layer("client error (Connect)", Some(Box::new(io::Error::other(inner))));
    let text = unreachable_text(&error);
    assert!(
        text.contains("UnknownIssuer") && text.contains("AWS_CA_BUNDLE"),
        "{text}"
    );
}
