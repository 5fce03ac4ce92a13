//! The two streams: data to stdout, everything else to stderr; how loud, how wide, and whether in colour.

use std::{
    env,
    fmt::Write as _,
    io::{self, IsTerminal as _, Write},
    sync::Arc,
};

use anstream::AutoStream;

use super::{
    commands,
    page::{Page, Span},
    style::{Label, Style},
    text::harmless,
};

/// How much is said on stderr.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Failures only.
    Quiet,
    /// What people need.
    #[default]
    Normal,
    /// What helps to find out why.
    Verbose,
}

/// What the user said about colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColourChoice {
    /// Where the stream is a terminal that takes them, as the environment says.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Data could not be delivered.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// Whoever read stdout has gone away, as `head` does: no failure, nobody is there to be told.
    #[error("the reader of standard output is gone")]
    ReaderGone,
    /// Anything else: a full disk.
    #[error("standard output could not be written")]
    Write(#[source] io::Error),
}

impl From<io::Error> for OutputError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::ReaderGone
        } else {
            Self::Write(error)
        }
    }
}

/// A stream as it is found.
#[derive(Clone, Copy, Debug)]
struct Stream {
    terminal: bool,
    style: Style,
}

/// Where everything is printed.
#[derive(Clone, Debug)]
pub struct Printer {
    level: Level,
    stdout: Stream,
    stderr: Stream,
    /// What each line on stderr is about, where several things are reported side by side.
    about: Option<Arc<str>>,
}

impl Printer {
    /// Looks at the terminals and the environment once.
    pub fn new(level: Level, choice: ColourChoice) -> Self {
        let variable = |name: &str| env::var(name).ok();
        let stream = |terminal: bool, size: Option<terminal_size::Width>| Stream {
            terminal,
            style: Style {
                colour: takes_colour(choice, terminal, variable),
                width: width(size.map(|size| size.0.into()), variable("COLUMNS").as_deref()),
            },
        };
        let (stdout, stderr) = (io::stdout(), io::stderr());
        Self {
            level,
            stdout: stream(
                stdout.is_terminal(),
                terminal_size::terminal_size_of(&stdout).map(|(width, _)| width),
            ),
            stderr: stream(
                stderr.is_terminal(),
                terminal_size::terminal_size_of(&stderr).map(|(width, _)| width),
            ),
            about: None,
        }
    }

    /// The same for one of several things that are reported side by side: each of its lines on stderr begins with `name`, and
    /// none is drawn anew.
    #[must_use]
    pub fn about(&self, name: &str) -> Self {
        let mut stderr = self.stderr;
        stderr.terminal = false;
        Self {
            stderr,
            about: Some(harmless(name).into()),
            ..self.clone()
        }
    }

    /// Whether it is for one of several things.
    pub const fn is_about_one(&self) -> bool {
        self.about.is_some()
    }

    /// How loud it is.
    pub const fn level(&self) -> Level {
        self.level
    }

    /// How text for stdout is to be made.
    pub const fn stdout_style(&self) -> Style {
        self.stdout.style
    }

    /// How text for stderr is to be made.
    pub const fn stderr_style(&self) -> Style {
        self.stderr.style
    }

    /// Whether stderr is a terminal, so that lines on it may be drawn anew.
    pub const fn stderr_is_terminal(&self) -> bool {
        self.stderr.terminal
    }

    /// Writes data to stdout as it is: the only way there.
    pub fn data(&self, text: &str) -> Result<(), OutputError> {
        // Text is made with or without colour; the stream only translates for consoles that know no escapes.
        deliver(&mut AutoStream::always(io::stdout().lock()), text)
    }

    /// Writes text made for [`Self::stderr_style`] to stderr, whatever the level: failures, questions.
    pub fn always(&self, text: &str) {
        let labeled;
        let text = match &self.about {
            None => text,
            Some(about) => {
                labeled =
                    text.lines()
                        .filter(|line| !line.is_empty())
                        .fold(String::new(), |mut all, line| {
                            // Writing to a String cannot fail.
                            let _ = writeln!(all, "{about}: {line}");
                            all
                        });
                &labeled
            }
        };
        // Where stderr is gone there is nobody left to tell.
        let _ = deliver(&mut AutoStream::always(io::stderr().lock()), text);
    }

    /// The same, unless quiet.
    pub fn status(&self, text: &str) {
        if self.level >= Level::Normal {
            self.always(text);
        }
    }

    /// The same, only when verbose.
    pub fn detail(&self, text: &str) {
        if self.level >= Level::Verbose {
            self.always(text);
        }
    }

    /// `note: …` on stderr, unless quiet.
    pub fn note(&self, message: &str) {
        self.status(&self.remark("note: ", Label::Note, message));
    }

    /// `warning: …` on stderr, unless quiet.
    pub fn warning(&self, message: &str) {
        self.status(&self.remark("warning: ", Label::Warning, message));
    }

    fn remark(&self, word: &str, label: Label, message: &str) -> String {
        let mut page = Page::new(self.stderr.style);
        page.line(&[Span::new(label, word)], &commands::sentence(message));
        page.finish()
    }
}

fn deliver(stream: &mut impl Write, text: &str) -> Result<(), OutputError> {
    stream.write_all(text.as_bytes())?;
    stream.flush()?;
    Ok(())
}

/// Whether a stream gets colours. The flag wins; then `NO_COLOR` (<https://no-color.org>), then `CLICOLOR_FORCE` and
/// `CLICOLOR` (<https://bixense.com/clicolors>), then what the terminal can do.
fn takes_colour(choice: ColourChoice, terminal: bool, variable: impl Fn(&str) -> Option<String>) -> bool {
    let set = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
    match choice {
        ColourChoice::Always => true,
        ColourChoice::Never => false,
        ColourChoice::Auto if set("NO_COLOR") => false,
        ColourChoice::Auto if set("CLICOLOR_FORCE") && variable("CLICOLOR_FORCE").as_deref() != Some("0") => {
            true
        }
        ColourChoice::Auto => {
            terminal
                && variable("CLICOLOR").as_deref() != Some("0")
                && (cfg!(windows) || set("TERM"))
                && variable("TERM").as_deref() != Some("dumb")
        }
    }
}

/// Narrower text than this is no longer readable.
const NARROWEST: usize = 40;

/// The width to write for: the terminal's, else what `COLUMNS` says, else 80.
fn width(terminal: Option<usize>, columns: Option<&str>) -> usize {
    terminal
        .filter(|width| *width > 0)
        .or_else(|| columns?.trim().parse().ok().filter(|width| *width > 0))
        .unwrap_or(80)
        .max(NARROWEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_by_flag_environment_and_terminal() {
        use ColourChoice::{Always, Auto, Never};
        let decide = |choice, terminal, environment: &[(&str, &str)]| {
            takes_colour(choice, terminal, |name| {
                environment
                    .iter()
                    .find(|(key, _)| *key == name)
                    .map(|(_, value)| (*value).to_owned())
            })
        };
        let xterm = ("TERM", "xterm-256color");
        assert!(decide(Auto, true, &[xterm]));
        assert!(!decide(Auto, false, &[xterm]));
        assert!(!decide(Auto, true, &[("TERM", "dumb")]));
        assert!(!decide(Auto, true, &[xterm, ("NO_COLOR", "1")]));
        assert!(
            decide(Auto, true, &[xterm, ("NO_COLOR", "")]),
            "empty counts as unset"
        );
        assert!(decide(Auto, false, &[("CLICOLOR_FORCE", "1")]));
        assert!(!decide(Auto, false, &[("CLICOLOR_FORCE", "0")]));
        assert!(!decide(Auto, true, &[xterm, ("CLICOLOR", "0")]));
        assert!(!decide(Auto, true, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
        assert!(decide(Always, false, &[("NO_COLOR", "1")]));
        assert!(!decide(Never, true, &[xterm, ("CLICOLOR_FORCE", "1")]));
    }

    #[test]
    fn width_from_terminal_columns_or_habit() {
        assert_eq!(width(Some(120), Some("100")), 120);
        assert_eq!(width(None, Some("100")), 100);
        assert_eq!(width(Some(0), Some("wide")), 80);
        assert_eq!(width(Some(10), None), 40);
    }

    #[test]
    fn reader_that_goes_away_is_no_failure() {
        struct Closed(io::ErrorKind);
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(self.0.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let pipe = deliver(&mut Closed(io::ErrorKind::BrokenPipe), "x");
        assert!(matches!(pipe, Err(OutputError::ReaderGone)));
        let disk = deliver(&mut Closed(io::ErrorKind::StorageFull), "x");
        assert!(matches!(disk, Err(OutputError::Write(_))));
    }
}
