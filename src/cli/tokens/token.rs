//! `eksact token`: the token for kubectl, with the flags of aws-iam-authenticator and of `aws eks get-token`.
//!
//! kubectl runs it for every call. So it runs before any runtime is started, and ends there when keys lie at hand or the
//! cache has what is needed; only then is somebody asked.

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::signing::Signing;
use crate::cli::{
    ExitCode, Failure,
    flags::{global::GlobalFlags, signing::SigningFlags},
    run::sandbox::SandboxSigner,
};
use eksact_core::view::Printer;
use eksact_credentials::Environment;
use eksact_identity::authn::exec_credential::{self, EXEC_INFO_VARIABLE};

/// Make a token for kubectl, as an exec credential plugin does
#[derive(Debug, Args)]
pub(crate) struct TokenCommand {
    #[command(flatten)]
    pub(super) signing: SigningFlags,
    /// Print the bare token
    #[arg(long)]
    pub(super) token_only: bool,
    /// An ExecCredential is JSON
    #[arg(long, hide = true, value_enum, value_name = "FORMAT")]
    pub(super) output: Option<Format>,
}

/// What `aws eks get-token` is asked for in a kubeconfig.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Json,
}

/// A token as it leaves the process.
pub(crate) struct Finished {
    pub(crate) token: String,
    pub(crate) expires: Timestamp,
    /// Whether it, or the credentials that it is signed with, comes from the cache.
    pub(crate) kept: bool,
}

impl TokenCommand {
    /// Makes the token and prints it.
    pub(crate) fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        let environment = Environment::of_process();
        let exec_info = std::env::var_os(EXEC_INFO_VARIABLE);
        let negotiated =
            exec_credential::negotiate(exec_info.as_deref().map(|text| text.to_string_lossy()).as_deref());
        if let Some(warning) = &negotiated.warning {
            printer.warning(warning);
        }
        let finished = if global.sandbox {
            SandboxSigner::new(&self.signing.signer, global, &environment)?
                .sign(&self.signing.cluster, global)?
                .into()
        } else {
            Signing::new(&self.signing, global, &environment)?.token(global, printer)?
        };
        let text = if self.token_only {
            format!("{}\n", finished.token)
        } else {
            exec_credential::exec_credential(negotiated.version, &finished.token, finished.expires)
        };
        printer.data(&text)?;
        Ok(ExitCode::Success)
    }
}
