//! `eksact utils update-authentication-mode`.

use clap::{Args, ValueEnum, builder::PossibleValue};

use crate::cli::{
    ExitCode, Failure,
    flags::{account::ClusterFlags, global::GlobalFlags},
    run::change::ChangeFlags,
};
use eksact_core::{
    config::{ClusterConfig, Located},
    kinds::Request,
    ports::aws::AuthenticationMode,
    view::Printer,
};

/// Change where the cluster looks up who gets in: aws-auth, access entries, or both; there is no way back
#[derive(Debug, Args)]
pub(crate) struct UpdateAuthenticationMode {
    #[command(flatten)]
    cluster: ClusterFlags,
    /// The mode to go to
    #[arg(
        long,
        value_name = "MODE",
        value_enum,
        conflicts_with = "config_file",
        help_heading = "Authentication mode"
    )]
    authentication_mode: Option<Mode>,
    #[command(flatten)]
    change: ChangeFlags,
}

/// A mode as it is on the command line: EKS's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mode(AuthenticationMode);

impl ValueEnum for Mode {
    fn value_variants<'a>() -> &'a [Self] {
        &[
            Self(AuthenticationMode::ConfigMap),
            Self(AuthenticationMode::ApiAndConfigMap),
            Self(AuthenticationMode::Api),
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let help = match self.0 {
            AuthenticationMode::ConfigMap => "aws-auth only",
            AuthenticationMode::ApiAndConfigMap => "access entries, and aws-auth for principals without one",
            AuthenticationMode::Api => "access entries only",
        };
        Some(PossibleValue::new(self.0.as_str()).help(help))
    }
}

impl UpdateAuthenticationMode {
    pub(crate) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        let settings = self.change.plan.settings_alone()?;
        let file = self.cluster.config(global, printer)?;
        let mode = match (self.authentication_mode, &self.cluster.config_file) {
            (Some(mode), _) => Located::unlocated(mode.0),
            (None, Some(path)) => file.authentication_mode.clone().ok_or_else(|| {
                Failure::error(format!(
                    "'accessConfig.authenticationMode' is not defined in \"{path}\""
                ))
            })?,
            (None, None) => return Err(Failure::usage("--authentication-mode must be set")),
        };
        let config = ClusterConfig {
            authentication_mode: Some(mode),
            ..file.cluster_only()
        };
        let request = Request::ensure(config, settings);
        self.change
            .end("utils update-authentication-mode", request, global, printer)
            .await
    }
}
