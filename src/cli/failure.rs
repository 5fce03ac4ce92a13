//! A command that fails: what people read, and the exit code.

use crate::cli::ExitCode;
use eksact_cloud::aws::ConnectError;
use eksact_core::{
    engine::{DraftError, TargetError},
    kinds::{PlanError, preflight::PreflightError},
    ports::{CallError, CallErrorKind},
    view::OutputError,
};
use eksact_message::remedy::Remedy;
use eksact_simulator::SandboxError;

/// Why a command fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What failed, on which object, and why.
    pub message: String,
    /// What to do, each a sentence.
    pub help: Vec<Remedy>,
    /// How the program ends.
    pub code: ExitCode,
}

impl Failure {
    /// A failure with exit code 1.
    pub fn error(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            help: Vec::new(),
            code: ExitCode::Error,
        }
    }

    /// Flags that do not go together, or are missing.
    pub fn usage(message: impl Into<String>) -> Self {
        Self {
            code: ExitCode::Usage,
            ..Self::error(message)
        }
    }

    /// The same with what to do.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<Remedy>) -> Self {
        self.help.push(help.into());
        self
    }

    /// The same with another exit code.
    #[must_use]
    pub fn with_code(mut self, code: ExitCode) -> Self {
        self.code = code;
        self
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        let help = error.help().into_iter().collect();
        let message = match (&error.kind, error.service.as_str(), error.action.as_str()) {
            (CallErrorKind::NotFound, "eks", "DescribeCluster") => {
                return Self::error(format!(
                    "there is no cluster {} in this account and region",
                    error.object
                ))
                .with_help(remedy!(
                    "Check --region, --profile and the cluster's name; `aws eks list-clusters` \
                             lists what is there."
                ));
            }
            _ => error.to_string(),
        };
        Self {
            help,
            ..Self::error(message)
        }
    }
}

/// A plan that eksact cannot make or carry out, whatever the file says.
fn mistake(error: &dyn std::error::Error) -> Failure {
    Failure::error(format!(
        "{error}; nothing was changed. This is a bug in eksact: please report it with the file"
    ))
}

impl From<DraftError> for Failure {
    fn from(error: DraftError) -> Self {
        mistake(&error)
    }
}

impl From<TargetError> for Failure {
    fn from(error: TargetError) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::Targets(error) => error.into(),
            PlanError::Draft(error) => error.into(),
        }
    }
}

impl From<SandboxError> for Failure {
    fn from(error: SandboxError) -> Self {
        Self::error(error.to_string())
    }
}

impl From<OutputError> for Failure {
    fn from(error: OutputError) -> Self {
        match error {
            // `eksact plan | head`: nobody is there to be told, and nothing failed.
            OutputError::ReaderGone => Self::error("").with_code(ExitCode::Success),
            OutputError::Write(cause) => {
                Self::error(format!("standard output could not be written: {cause}"))
            }
        }
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::error(format!("the plan could not be written as JSON: {error}"))
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Call(error) => error.into(),
            ConnectError::Trust(error) => Self::error(error.to_string()),
        }
    }
}

impl From<PreflightError> for Failure {
    fn from(error: PreflightError) -> Self {
        let help = match &error {
            PreflightError::Unreachable { .. } => {
                remedy!(
                    "A private endpoint is reached from inside its VPC, or through a tunnel with --kubeconfig and --context; \
                     `roleOnly: true` leaves Kubernetes out."
                )
            }
            PreflightError::OtherCluster { .. } => {
                remedy!("Check --kubeconfig and --context.")
            }
            PreflightError::NotUnderstood { .. } => return mistake(&error),
            PreflightError::Denied { .. } => {
                remedy!("Bind a role that allows it to the caller, or use an identity that has one.")
            }
        };
        Self::error(format!("{error}; nothing was changed")).with_help(help)
    }
}
