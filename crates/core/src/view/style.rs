//! Colours by label: one table, so that a meaning has one colour everywhere. Nothing may be told by colour alone.

use anstyle::{AnsiColor, Style as Ansi};

use super::text::harmless;
use crate::engine::{Action, Effect, Severity};

/// What a piece of text is; its colour follows from that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// Ordinary text.
    Plain,
    /// Text of less weight: places, remarks.
    Dim,
    /// The address of an object, a heading.
    Address,
    /// Something comes into being.
    Create,
    /// Something changes in place.
    Update,
    /// Something is deleted.
    Delete,
    /// Something is deleted and made again.
    Replace,
    /// A mark of ownership is set.
    Adopt,
    /// A mark of ownership is given up.
    Forget,
    /// More access.
    Broader,
    /// Less access.
    Narrower,
    /// It went well.
    Success,
    /// A failure or a refusal.
    Error,
    /// Probably not what is wanted.
    Warning,
    /// Worth knowing; what to do.
    Note,
}

impl Label {
    const fn ansi(self) -> Ansi {
        let plain = Ansi::new();
        match self {
            Self::Plain => plain,
            Self::Dim | Self::Forget => plain.dimmed(),
            Self::Address => plain.bold(),
            Self::Create | Self::Narrower | Self::Success => colour(AnsiColor::Green),
            Self::Update | Self::Warning => colour(AnsiColor::Yellow),
            Self::Delete | Self::Replace | Self::Error => colour(AnsiColor::Red).bold(),
            Self::Broader => colour(AnsiColor::Red),
            Self::Adopt | Self::Note => colour(AnsiColor::Cyan),
        }
    }
}

const fn colour(colour: AnsiColor) -> Ansi {
    Ansi::new().fg_color(Some(anstyle::Color::Ansi(colour)))
}

impl From<Action> for Label {
    fn from(action: Action) -> Self {
        match action {
            Action::Create => Self::Create,
            Action::Update => Self::Update,
            Action::Replace => Self::Replace,
            Action::Delete => Self::Delete,
            Action::Adopt => Self::Adopt,
            Action::Forget => Self::Forget,
        }
    }
}

impl From<Effect> for Label {
    fn from(effect: Effect) -> Self {
        match effect {
            Effect::Equal => Self::Plain,
            Effect::Narrower => Self::Narrower,
            Effect::Broader | Effect::Incomparable => Self::Broader,
        }
    }
}

impl From<Severity> for Label {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Note => Self::Note,
            Severity::Warning => Self::Warning,
            Severity::Refusal | Severity::Error => Self::Error,
        }
    }
}

/// For whom text is made: whether the reader's terminal takes colours, and how wide it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether to colour.
    pub colour: bool,
    /// Width in terminal cells.
    pub width: usize,
}

impl Style {
    /// No colour, at this width.
    pub const fn plain(width: usize) -> Self {
        Self { colour: false, width }
    }

    /// `text` on one line, harmless for a terminal, in the colour of `label`.
    pub fn paint(self, label: Label, text: &str) -> String {
        let text = harmless(text);
        let ansi = label.ansi();
        if !self.colour || text.is_empty() || ansi.is_plain() {
            return text.into_owned();
        }
        format!("{ansi}{text}{ansi:#}")
    }
}

/// The sign of an action and its words, which stand beside each other so that neither colour nor memory is needed.
pub fn sign(action: Action) -> (&'static str, &'static str, &'static str) {
    match action {
        Action::Create => ("+", "create", "created"),
        Action::Update => ("~", "update", "updated"),
        Action::Replace => ("±", "replace", "replaced"),
        Action::Delete => ("-", "delete", "deleted"),
        Action::Adopt => ("^", "adopt", "adopted"),
        Action::Forget => (".", "forget", "forgotten"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_only_added_never_needed() {
        let with = Style {
            colour: true,
            width: 80,
        };
        assert_eq!(with.paint(Label::Error, "no"), "\u{1b}[1m\u{1b}[31mno\u{1b}[0m");
        assert_eq!(Style::plain(80).paint(Label::Error, "no"), "no");
        assert_eq!(with.paint(Label::Plain, "no"), "no");
    }

    #[test]
    fn painted_text_cannot_paint_itself() {
        let style = Style {
            colour: true,
            width: 80,
        };
        assert_eq!(style.paint(Label::Plain, "a\u{1b}[31mb"), "a\u{fffd}[31mb");
    }
}
