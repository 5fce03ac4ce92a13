//! Flags that every command takes.

use std::{ffi::OsString, io, path::PathBuf};

use clap::{ArgAction, Args, ValueEnum};
use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    layer::SubscriberExt as _,
};

use super::place::region;
use crate::cli::Failure;
use eksact_core::view::{ColourChoice, Level, Printer};
use eksact_message::quoted::without_secrets;
use eksact_simulator::SimulatedCaller;

/// When to use color.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
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

impl From<Color> for ColourChoice {
    fn from(color: Color) -> Self {
        match color {
            Color::Auto => Self::Auto,
            Color::Always => Self::Always,
            Color::Never => Self::Never,
        }
    }
}

/// The printer for help, version and usage errors: clap gives no flags then, so `--color` is looked for in the words
/// themselves. One that is wrong counts as absent.
pub(crate) fn printer_before_parsing(arguments: &[OsString]) -> Printer {
    Printer::new(Level::Normal, color_in(arguments).unwrap_or_default().into())
}

fn color_in(arguments: &[OsString]) -> Option<Color> {
    let mut words = arguments.iter().filter_map(|word| word.to_str());
    let mut found = None;
    while let Some(word) = words.next() {
        let value = match word {
            "--" => break,
            "-C" | "--color" => words.next(),
            _ => word
                .strip_prefix("--color=")
                .or_else(|| word.strip_prefix("-C"))
                .map(|value| value.trim_start_matches('=')),
        };
        found = value
            .and_then(|value| Color::from_str(value, false).ok())
            .or(found);
    }
    found
}

/// The file of the simulated account, where none is named.
pub(crate) const SANDBOX_FILE: &str = ".eksact-sandbox.json";

/// How many AWS calls may be in flight at once, where no number is given.
pub(crate) const PARALLELISM: u16 = 16;

/// Flags that every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalFlags {
    /// AWS region; a file names its own
    #[arg(short, long, global = true, value_name = "REGION", value_parser = region)]
    pub region: Option<String>,
    /// AWS profile; beats credentials in the environment, and says so
    #[arg(short, long, global = true, value_name = "PROFILE")]
    pub profile: Option<String>,
    /// Work on a simulated account and cluster, stored in a file
    #[arg(
        long,
        global = true,
        env = "EKSACT_SANDBOX",
        hide_env_values = true,
        value_name = "BOOL",
        default_value = "false",
        hide_default_value = true,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        overrides_with = "sandbox",
        action = ArgAction::Set,
        value_parser = clap::builder::BoolishValueParser::new()
    )]
    pub sandbox: bool,
    /// The file of the simulated account
    #[arg(
        long,
        global = true,
        env = "EKSACT_SANDBOX_FILE",
        hide_env_values = true,
        value_name = "PATH",
        default_value = SANDBOX_FILE
    )]
    pub sandbox_file: PathBuf,
    /// Who calls in the sandbox: the ARN of a user or role, rather than the sandbox's creator
    #[arg(
        long,
        global = true,
        env = "EKSACT_SANDBOX_CALLER",
        hide_env_values = true,
        value_name = "ARN"
    )]
    pub sandbox_caller: Option<SimulatedCaller>,
    /// Reach the cluster's API through this kubeconfig, rather than through its endpoint
    #[arg(long, global = true, value_name = "PATH")]
    pub kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,
    /// How many AWS calls may be in flight at once
    #[arg(long, global = true, env = "EKSACT_PARALLELISM", hide_env_values = true, value_name = "N", default_value_t = PARALLELISM,
          value_parser = clap::value_parser!(u16).range(1..=256))]
    pub parallelism: u16,
    /// When to use color
    #[arg(
        short = 'C',
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "WHEN"
    )]
    pub color: Color,
    /// Print only data, failures and questions
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Log what is done to stderr; twice for every call. eksctl's levels work, too: `-v 4`
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Accepted for eksctl's sake, and answered with a note
    #[arg(short = 'd', long = "dumpLogs", global = true, hide = true)]
    pub dump_logs: bool,
}

impl GlobalFlags {
    /// Refuses a flag that would do nothing: nobody shall believe to be the simulated caller.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        if self.sandbox_caller.is_some() && !self.sandbox {
            return Err(Failure::usage(
                "--sandbox-caller sets the caller in the sandbox, and this is not the sandbox",
            )
            .with_help(remedy!(
                "Add --sandbox, or leave --sandbox-caller out and unset EKSACT_SANDBOX_CALLER."
            )));
        }
        Ok(())
    }

    /// The words that lead another command to the account and the cluster of this one. What variables say is not among them: the
    /// other has them, too. Nor is what only decides how a command looks, or how fast it is.
    pub(crate) fn words_of_place(&self) -> Vec<String> {
        self.words_beside(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    }

    fn words_beside(&self, variable: impl Fn(&str) -> Option<String>) -> Vec<String> {
        let Self {
            region,
            profile,
            sandbox,
            sandbox_file,
            sandbox_caller,
            kubeconfig,
            context,
            parallelism: _,
            color: _,
            quiet: _,
            verbose: _,
            dump_logs: _,
        } = self;
        let path = |path: &PathBuf| path.to_string_lossy().into_owned();
        let is_set = variable("EKSACT_SANDBOX").is_some_and(|value| {
            let value = value.to_lowercase();
            ["y", "yes", "t", "true", "on", "1"].contains(&value.as_str())
        });
        let file_set = variable("EKSACT_SANDBOX_FILE").unwrap_or_else(|| SANDBOX_FILE.to_owned());
        let caller_set =
            variable("EKSACT_SANDBOX_CALLER").and_then(|caller| caller.parse::<SimulatedCaller>().ok());
        let is_caller_set = |arn: &String| caller_set.as_ref().is_some_and(|caller| caller.arn == *arn);
        let caller = sandbox_caller.as_ref().map(|caller| caller.arn.clone());
        let given = [
            ("--region", region.clone()),
            ("--profile", profile.clone()),
            (
                "--sandbox-file",
                Some(path(sandbox_file)).filter(|file| *sandbox && *file != file_set),
            ),
            ("--sandbox-caller", caller.filter(|arn| !is_caller_set(arn))),
            ("--kubeconfig", kubeconfig.as_ref().map(path)),
            ("--context", context.clone()),
        ];
        let mut words = Vec::new();
        match (*sandbox, is_set) {
            (true, false) => words.push("--sandbox".to_owned()),
            (false, true) => words.push("--sandbox=false".to_owned()),
            (true, true) | (false, false) => {}
        }
        for (flag, value) in given {
            words.extend(value.into_iter().flat_map(|value| [flag.to_owned(), value]));
        }
        words
    }

    /// The printer that these flags ask for.
    pub(crate) fn printer(&self) -> Printer {
        let level = if self.quiet {
            Level::Quiet
        } else if self.verbose > 0 {
            Level::Verbose
        } else {
            Level::Normal
        };
        Printer::new(level, self.color.into())
    }

    /// Tells of flags that are accepted and do nothing.
    pub(crate) fn tell_idle(&self, printer: &Printer) {
        if self.dump_logs {
            printer.note("--dumpLogs does nothing: no log is kept; -v and -vv log to stderr");
        }
    }

    /// Starts the log to stderr. Calls are logged by name and object, never with their bodies; and what libraries log of an answer
    /// is without the secrets that it quotes.
    pub(crate) fn start_log(&self) {
        let eksact = |level| Targets::new().with_target("eksact", level);
        let shown = match self.verbose {
            0 => eksact(LevelFilter::WARN),
            1 => eksact(LevelFilter::INFO),
            2 => eksact(LevelFilter::DEBUG).with_default(LevelFilter::INFO),
            _ => eksact(LevelFilter::TRACE).with_default(LevelFilter::DEBUG),
        };
        let lines = tracing_subscriber::fmt::layer()
            .with_writer(|| WithoutSecrets(std::io::stderr()))
            .with_ansi(false)
            .without_time();
        let subscriber = tracing_subscriber::registry().with(lines).with(shown);
        // A second start within one process (tests) keeps the first log.
        let _ = tracing::subscriber::set_global_default(subscriber);
    }
}

/// The log's way out. An event is written at once, whole.
struct WithoutSecrets<W>(W);

impl<W: io::Write> io::Write for WithoutSecrets<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .write_all(without_secrets(&String::from_utf8_lossy(bytes)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_command_gets_to_the_same_place() {
        #[derive(Debug, clap::Parser)]
        struct Line {
            #[command(flatten)]
            global: GlobalFlags,
        }
        // What another test's variables say must not decide.
        let words = |line: &str, variables: &[(&str, &str)]| {
            let before = if line.contains("--sandbox-file") {
                "eksact --sandbox=false"
            } else {
                "eksact --sandbox=false --sandbox-file .eksact-sandbox.json"
            };
            let line = before.split(' ').chain(line.split_whitespace());
            let line = <Line as clap::Parser>::try_parse_from(line).unwrap();
            let variable = |name: &str| {
                let mut named = variables.iter().filter(|(other, _)| *other == name);
                named.next().map(|(_, value)| (*value).to_owned())
            };
            line.global.words_beside(variable).join(" ")
        };
        assert_eq!(words("", &[]), "");
        assert_eq!(words("--quiet -vv --color never --parallelism 3", &[]), "");
        assert_eq!(
            words("--context c --kubeconfig k -p prod -r eu-west-1", &[]),
            "--region eu-west-1 --profile prod --kubeconfig k --context c"
        );
        assert_eq!(words("--sandbox", &[]), "--sandbox");
        assert_eq!(words("--sandbox", &[("EKSACT_SANDBOX", "yes")]), "");
        assert_eq!(words("", &[("EKSACT_SANDBOX", "1")]), "--sandbox=false");
        let caller = "arn:aws:iam::111122223333:user/web";
        let line = format!("--sandbox --sandbox-file other.json --sandbox-caller {caller}");
        assert_eq!(words(&line, &[]), line);
        let set = [
            ("EKSACT_SANDBOX_FILE", "other.json"),
            ("EKSACT_SANDBOX_CALLER", caller),
        ];
        assert_eq!(words(&line, &set), "--sandbox");
    }

    #[test]
    fn colour_is_found_in_a_line_that_clap_refused() {
        let found = |line: &str| {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            color_in(&words)
        };
        assert_eq!(found("eksact --help"), None);
        assert_eq!(found("eksact plan --bogus --color always"), Some(Color::Always));
        assert_eq!(found("eksact --color=never plan --help"), Some(Color::Never));
        assert_eq!(found("eksact -C=never --help"), Some(Color::Never));
        assert_eq!(found("eksact -Calways --help"), Some(Color::Always));
        assert_eq!(found("eksact --color pink"), None);
        assert_eq!(found("eksact plan -- --color always"), None);
    }
}
