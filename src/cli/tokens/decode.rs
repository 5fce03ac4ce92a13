//! `eksact decode token`: what a token says of itself. Nothing is asked of anybody.

use std::io::{IsTerminal as _, Read as _};

use clap::{Args, Subcommand};
use jiff::Timestamp;

use crate::cli::{ExitCode, Failure, texts::facts_format::FactsFormat};
use eksact_core::{diagnosis::token_facts, view::Printer};
use eksact_identity::authn::token_decode::{self, DecodeError, MAXIMUM_INPUT_BYTES};

/// Read something that is written for machines
#[derive(Debug, Args)]
pub(crate) struct DecodeCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Token(DecodeToken),
}

/// Show what a cluster's token or a service account's token says; secrets are never shown
#[derive(Debug, Args)]
struct DecodeToken {
    /// The token, or `-` for standard input: a token, `Bearer …`, or an ExecCredential
    #[arg(value_name = "TOKEN", default_value = "-", hide_default_value = true)]
    token: String,
    /// How to show it
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    output: FactsFormat,
}

impl DecodeCommand {
    pub(crate) fn run(self, printer: &Printer) -> Result<ExitCode, Failure> {
        match self.what {
            What::Token(command) => {
                let token = read_token(&command.token)?;
                let decoded = token_decode::decode(&token)?;
                command.output.show(
                    &token_facts::facts_of(&decoded, &token, Timestamp::now()),
                    printer,
                )
            }
        }
    }
}

/// The token in an argument, or on standard input for `-`.
pub(crate) fn read_token(argument: &str) -> Result<String, Failure> {
    if argument != "-" {
        return Ok(token_decode::find(argument)?);
    }
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        return Err(Failure::usage("no token is given").with_help(remedy!(
            "Pass it as an argument, or pipe it in: `eksact token -c NAME | eksact decode token`."
        )));
    }
    let limit = u64::try_from(MAXIMUM_INPUT_BYTES)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    let mut bytes = Vec::new();
    stdin
        .lock()
        .take(limit)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::error(format!("standard input could not be read: {error}")))?;
    Ok(token_decode::find(&String::from_utf8_lossy(&bytes))?)
}

impl From<DecodeError> for Failure {
    fn from(error: DecodeError) -> Self {
        Self::error(format!("the token could not be decoded: {error}"))
    }
}
