//! Flags that every command takes.

use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum};

use crate::view::{ColourChoice, Level, Printer};

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    #[value(alias = "true", alias = "fabulous")]
    Always,
    /// Never.
    #[value(alias = "false")]
    Never,
}

/// Flags that every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(super) struct GlobalFlags {
    /// AWS region; a file names its own
    #[arg(short, long, global = true, value_name = "REGION")]
    pub region: Option<String>,
    /// AWS profile; beats credentials in the environment, and says so
    #[arg(short, long, global = true, value_name = "PROFILE")]
    pub profile: Option<String>,
    /// Work on a simulated account and cluster that are kept in a file
    #[arg(long, global = true, env = "EKSACT_SANDBOX", hide_env_values = true, value_parser = clap::builder::FalseyValueParser::new())]
    pub sandbox: bool,
    /// The file of the simulated account
    #[arg(
        long,
        global = true,
        env = "EKSACT_SANDBOX_FILE",
        hide_env_values = true,
        value_name = "PATH",
        default_value = ".eksact-sandbox.json"
    )]
    pub sandbox_file: PathBuf,
    /// Reach the cluster's API through this kubeconfig, rather than through its endpoint
    #[arg(long, global = true, value_name = "PATH")]
    pub kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,
    /// How many AWS calls may be in flight at once
    #[arg(long, global = true, env = "EKSACT_PARALLELISM", hide_env_values = true, value_name = "N", default_value_t = 16,
          value_parser = clap::value_parser!(u16).range(1..=256))]
    pub parallelism: u16,
    /// When to use colour
    #[arg(
        short = 'C',
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "WHEN"
    )]
    pub color: Color,
    /// Say nothing but data, failures and questions
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Log what is done to stderr; twice for every call
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
}

impl GlobalFlags {
    /// The printer that these flags ask for.
    pub(super) fn printer(&self) -> Printer {
        let color = match self.color {
            Color::Auto => ColourChoice::Auto,
            Color::Always => ColourChoice::Always,
            Color::Never => ColourChoice::Never,
        };
        let level = if self.quiet {
            Level::Quiet
        } else if self.verbose > 0 {
            Level::Verbose
        } else {
            Level::Normal
        };
        Printer::new(level, color)
    }

    /// Starts the log to stderr. Calls are logged by name and object, never with their bodies.
    pub(super) fn start_log(&self) {
        let level = match self.verbose {
            0 => "eksact=warn",
            1 => "eksact=info",
            2 => "eksact=debug,info",
            _ => "eksact=trace,debug",
        };
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(tracing_subscriber::EnvFilter::new(level))
            .with_writer(std::io::stderr)
            .with_ansi(false)
            .without_time()
            .finish();
        // A second start within one process (tests) keeps the first log.
        let _ = tracing::subscriber::set_global_default(subscriber);
    }
}
