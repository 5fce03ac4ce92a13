//! How the simulated services say no: their own error code and words, without the call that met it.
//!
//! The call's name is added where the call is known (`CallError`), or the words become the reason of a stack's
//! failed resource.

use eksact_core::ports::{CallError, CallErrorKind};

/// A service's refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The service's error code: `NoSuchEntity`, `ValidationError`, a Kubernetes reason; empty when no service spoke.
    pub(super) code: &'static str,
    /// What sort it is.
    pub(super) kind: CallErrorKind,
    /// The service's words.
    pub(super) message: String,
}

impl Refusal {
    /// A refusal whose kind follows from its code.
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            kind: kind_of(code),
            message: message.into(),
        }
    }

    /// CloudFormation's `ValidationError`.
    pub(super) fn validation(message: impl Into<String>) -> Self {
        Self::new("ValidationError", message)
    }

    /// IAM's refusal of one more than its quota allows.
    pub(super) fn over_quota(quota: &str, limit: usize) -> Self {
        Self::new(
            "LimitExceeded",
            format!("Cannot exceed quota for {quota}: {limit}"),
        )
    }

    /// A failure that no service put into words.
    pub(super) fn without_code(kind: CallErrorKind, message: impl Into<String>) -> Self {
        Self {
            code: "",
            kind,
            message: message.into(),
        }
    }

    /// The same under another kind: AWS has codes that mean several things.
    pub(super) fn of_kind(mut self, kind: CallErrorKind) -> Self {
        self.kind = kind;
        self
    }

    /// The refusal as the caller of an API action meets it.
    pub(super) fn of_call(self, service: &str, action: &str, object: &str) -> CallError {
        let error = CallError::new(service, action, object, self.kind, self.message);
        if self.code.is_empty() {
            error
        } else {
            error.with_code(self.code)
        }
    }

    /// The refusal of IAM as CloudFormation writes it into a resource's event.
    pub(super) fn of_resource_handler(&self, request_id: &str) -> String {
        let (status, handler_code) = match self.code {
            "EntityAlreadyExists" => (409, "AlreadyExists"),
            "NoSuchEntity" => (404, "NotFound"),
            "LimitExceeded" => (409, "ServiceLimitExceeded"),
            "DeleteConflict" => (409, "ResourceConflict"),
            "AccessDenied" => (403, "AccessDenied"),
            "MalformedPolicyDocument" | "InvalidInput" | "ValidationError" => (400, "InvalidRequest"),
            _ => (400, "GeneralServiceException"),
        };
        format!(
            "Resource handler returned message: \"{} (Service: Iam, Status Code: {status}, Request ID: {request_id})\" \
             (RequestToken: {request_id}, HandlerErrorCode: {handler_code})",
            self.message
        )
    }
}

/// The kind that a service's error code stands for.
fn kind_of(code: &str) -> CallErrorKind {
    match code {
        "NoSuchEntity"
        | "ResourceNotFoundException"
        | "NotFoundException"
        | "ChangeSetNotFound"
        | "NotFound" => CallErrorKind::NotFound,
        "EntityAlreadyExists"
        | "AlreadyExistsException"
        | "TokenAlreadyExistsException"
        | "AlreadyExists" => CallErrorKind::AlreadyExists,
        "AccessDenied" | "AccessDeniedException" | "Forbidden" => CallErrorKind::AccessDenied,
        "Conflict"
        | "DeleteConflict"
        | "InvalidChangeSetStatus"
        | "OperationInProgressException"
        | "ResourceInUseException" => CallErrorKind::Conflict,
        "Unauthorized" => CallErrorKind::Credentials,
        "LimitExceeded" | "LimitExceededException" | "ResourceLimitExceededException" => {
            CallErrorKind::LimitExceeded
        }
        "ValidationError"
        | "InvalidInput"
        | "MalformedPolicyDocument"
        | "InsufficientCapabilitiesException"
        | "InvalidParameterException"
        | "InvalidRequestException"
        | "RequestEntityTooLarge"
        | "Invalid" => CallErrorKind::Invalid,
        _ => CallErrorKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taken_role_name_reads_as_cloudformation_writes_it() {
        let refusal = Refusal::new("EntityAlreadyExists", "Role with name deployer already exists.");
        assert_eq!(
            refusal.of_resource_handler("6f1c"),
            "Resource handler returned message: \"Role with name deployer already exists. (Service: Iam, Status \
             Code: 409, Request ID: 6f1c)\" (RequestToken: 6f1c, HandlerErrorCode: AlreadyExists)"
        );
        let error = refusal.of_call("iam", "CreateRole", "deployer");
        assert_eq!(error.kind, CallErrorKind::AlreadyExists);
        assert_eq!(error.code.as_deref(), Some("EntityAlreadyExists"));
    }
}
