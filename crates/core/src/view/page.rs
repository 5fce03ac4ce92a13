//! Lines of labelled text, wrapped at a width with their continuations aligned. Nothing is ever cut: a word that fits on
//! no line, such as a long ARN, is broken, where possible behind one of its separators. Only what people copy, a command, is
//! never broken: pasted into a shell each of its lines would be a command of its own.

use super::{
    style::{Label, Style},
    text::{cells, cells_of, harmless},
};

/// A piece of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    label: Label,
    text: String,
    /// Whether it is kept on one line, however long it is.
    whole: bool,
}

impl Span {
    /// A piece with its label; what could harm a terminal is replaced.
    pub fn new(label: Label, text: impl AsRef<str>) -> Self {
        Self {
            label,
            text: harmless(text.as_ref()).into_owned(),
            whole: false,
        }
    }

    /// A piece of ordinary text that is never broken.
    pub fn whole(text: impl AsRef<str>) -> Self {
        Self {
            whole: true,
            ..Self::plain(text)
        }
    }

    /// Its width in terminal cells.
    pub fn cells(&self) -> usize {
        cells(&self.text)
    }

    /// Its text, harmless and on one line.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// A piece of ordinary text.
    pub fn plain(text: impl AsRef<str>) -> Self {
        Self::new(Label::Plain, text)
    }
}

/// Where a line may not be narrower than this, its text begins below its lead.
const NARROWEST: usize = 24;

/// Text in the making.
#[derive(Debug)]
pub struct Page {
    style: Style,
    text: String,
}

impl Page {
    /// An empty page.
    pub const fn new(style: Style) -> Self {
        Self {
            style,
            text: String::new(),
        }
    }

    /// The text, each line with its end.
    pub fn finish(self) -> String {
        self.text
    }

    /// An empty line, unless nothing or another empty line stands before it.
    pub fn blank(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    /// `lead` as it is, and `body` behind it, wrapped so that its continuations stand below its beginning.
    pub fn line(&mut self, lead: &[Span], body: &[Span]) {
        let mut hanging = lead.iter().map(|span| cells(&span.text)).sum();
        self.spans(lead);
        let indent = lead
            .iter()
            .flat_map(|span| span.text.chars())
            .take_while(|c| *c == ' ')
            .count();
        let below = (indent + 4).min(self.style.width.saturating_sub(NARROWEST));
        let room = |indent: usize| self.style.width.saturating_sub(indent);
        let long: usize = body.iter().map(Span::cells).sum();
        // A word that would be broken behind the lead and is whole below it, such as an ARN, goes there; so does what would
        // become a narrow column.
        let longest = longest_word(body);
        let whole_below = longest > room(hanging) && longest <= room(below);
        let narrow = 2 * hanging > self.style.width || hanging + NARROWEST > self.style.width;
        if long > room(hanging) && below < hanging && (whole_below || narrow) {
            hanging = below;
            self.end_line();
            self.text.push_str(&" ".repeat(hanging));
        }
        let width = self.style.width.saturating_sub(hanging).max(1);
        let lines = wrap(body, width, width);
        for (index, line) in lines.iter().enumerate() {
            if index > 0 {
                self.end_line();
                self.text.push_str(&" ".repeat(hanging));
            }
            self.spans(line);
        }
        self.end_line();
    }

    /// `body` behind `indent` spaces.
    pub fn indented(&mut self, indent: usize, body: &[Span]) {
        self.line(&[Span::plain(" ".repeat(indent))], body);
    }

    /// `body` behind `first` spaces, its continuations behind `rest`, which is more.
    pub fn hanging(&mut self, first: usize, rest: usize, body: &[Span]) {
        let room = |indent| self.style.width.saturating_sub(indent).max(1);
        let lines = wrap(body, room(first), room(rest));
        for (index, line) in lines.iter().enumerate() {
            self.text
                .push_str(&" ".repeat(if index == 0 { first } else { rest }));
            self.spans(line);
            self.end_line();
        }
    }

    /// One line that is never wrapped, behind `indent` spaces: for what stands under or over something else.
    pub fn verbatim(&mut self, indent: usize, span: &Span) {
        self.text.push_str(&" ".repeat(indent));
        self.spans(std::slice::from_ref(span));
        self.end_line();
    }

    /// Whether each word of `body` is whole on a line behind `indent` cells.
    pub fn keeps_words(&self, indent: usize, body: &[Span]) -> bool {
        indent + longest_word(body) <= self.style.width
    }

    /// Whether `body` fits on one line behind `indent` cells.
    pub fn fits(&self, indent: usize, body: &[Span]) -> bool {
        indent + body.iter().map(|span| cells(&span.text)).sum::<usize>() <= self.style.width
    }

    fn spans(&mut self, spans: &[Span]) {
        // Neighbours of one label are painted at once: a colour for each word would double the text.
        for same in spans.chunk_by(|left, right| left.label == right.label) {
            let Some(first) = same.first() else { continue };
            let text: String = same.iter().map(|span| span.text.as_str()).collect();
            self.text.push_str(&self.style.paint(first.label, &text));
        }
    }

    fn end_line(&mut self) {
        self.text.truncate(self.text.trim_end_matches(' ').len());
        self.text.push('\n');
    }
}

/// The width of the longest word of `body`.
fn longest_word(body: &[Span]) -> usize {
    let text: String = body.iter().map(|span| span.text.as_str()).collect();
    text.split(' ').map(cells).max().unwrap_or(0)
}

/// `body` as lines, the first of at most `first` cells, the others of `rest`.
fn wrap(body: &[Span], first: usize, rest: usize) -> Vec<Vec<Span>> {
    let mut lines = Lines {
        width: first,
        rest,
        done: Vec::new(),
        line: Vec::new(),
        used: 0,
    };
    let mut word: Vec<Span> = Vec::new();
    let mut space: Option<Span> = None;
    for span in body {
        if span.whole {
            word.push(span.clone());
            continue;
        }
        for part in split_spaces(&span.text) {
            let piece = Span {
                label: span.label,
                text: part.to_owned(),
                whole: false,
            };
            if part.starts_with(' ') {
                lines.add_word(space.take(), std::mem::take(&mut word));
                space = Some(piece);
            } else {
                word.push(piece);
            }
        }
    }
    lines.add_word(space, word);
    if !lines.line.is_empty() {
        lines.end();
    }
    lines.done
}

/// The runs of spaces and of other characters in `text`.
fn split_spaces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let spaces = rest.starts_with(' ');
        let end = rest
            .find(|character| (character == ' ') != spaces)
            .unwrap_or(rest.len());
        let (run, left) = rest.split_at_checked(end)?;
        rest = left;
        (!run.is_empty()).then_some(run)
    })
}

struct Lines {
    /// Of the line in the making.
    width: usize,
    /// Of those after it.
    rest: usize,
    done: Vec<Vec<Span>>,
    line: Vec<Span>,
    used: usize,
}

impl Lines {
    fn end(&mut self) {
        self.done.push(std::mem::take(&mut self.line));
        self.used = 0;
        self.width = self.rest;
    }

    /// Adds a word behind `space`; on the next line where it does not fit, over several where it fits on none.
    fn add_word(&mut self, space: Option<Span>, word: Vec<Span>) {
        if word.is_empty() {
            return;
        }
        let long: usize = word.iter().map(|span| cells(&span.text)).sum();
        let gap = space.as_ref().map_or(0, |space| cells(&space.text));
        if self.used > 0 && self.used + gap + long > self.width {
            self.end();
        } else if let Some(space) = space.filter(|_| self.used > 0) {
            self.used += gap;
            self.line.push(space);
        }
        if long <= self.width || word.iter().any(|span| span.whole) {
            self.used += long;
            self.line.extend(word);
            return;
        }
        for span in word {
            let mut rest = span.text.as_str();
            while self.used + cells(rest) > self.width {
                let (head, tail) = break_word(rest, self.width - self.used.min(self.width), self.used == 0);
                if !head.is_empty() {
                    self.line.push(Span {
                        label: span.label,
                        text: head.to_owned(),
                        whole: false,
                    });
                }
                rest = tail;
                self.end();
            }
            self.used += cells(rest);
            self.line.push(Span {
                label: span.label,
                text: rest.to_owned(),
                whole: false,
            });
        }
    }
}

/// The part of a word that fits in `room` cells, and the rest; at least one character where the line is `empty`.
fn break_word(word: &str, room: usize, empty: bool) -> (&str, &str) {
    let mut used = 0;
    let mut end = 0;
    let (mut behind_separator, mut behind_hyphen) = (None, None);
    for (at, character) in word.char_indices() {
        used += cells_of(character);
        let first = empty && at == 0;
        if used > room && !first {
            break;
        }
        end = at + character.len_utf8();
        // A separator nearer to the beginning would leave most of the line empty.
        if 2 * used > room {
            match character {
                '/' | ':' | ',' | '|' => behind_separator = Some(end),
                '-' => behind_hyphen = Some(end),
                _ => {}
            }
        }
    }
    let at = behind_separator.or(behind_hyphen).unwrap_or(end);
    word.split_at_checked(at).unwrap_or((word, ""))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn page(width: usize, lead: &str, body: &[Span]) -> String {
        let mut page = Page::new(Style::plain(width));
        page.line(&[Span::plain(lead)], body);
        page.finish()
    }

    #[test]
    fn wraps_at_spaces_below_the_beginning() {
        assert_eq!(
            page(
                40,
                "  + policy  ",
                &[Span::plain("one two three four five six seven eight")]
            ),
            "  + policy  one two three four five six\n            seven eight\n"
        );
    }

    #[test]
    fn word_that_fits_on_the_next_line_is_not_broken() {
        assert_eq!(
            page(
                40,
                "    ",
                &[
                    Span::plain("the policy "),
                    Span::plain("arn:aws:iam::aws:policy/ReadOnly")
                ]
            ),
            "    the policy\n    arn:aws:iam::aws:policy/ReadOnly\n"
        );
    }

    #[test]
    fn long_arn_is_broken_behind_a_separator_and_kept_whole() {
        let arn = "arn:aws:iam::111122223333:policy/division/team/application/a-rather-long-name";
        let text = page(40, "  ", &[Span::plain(arn)]);
        assert_eq!(
            text,
            "  arn:aws:iam::111122223333:policy/\n  division/team/application/\n  a-rather-long-name\n"
        );
        assert_eq!(text.replace(['\n', ' '], ""), arn);
    }

    #[test]
    fn long_name_is_broken_behind_a_hyphen() {
        assert_eq!(
            page(
                40,
                "  ",
                &[Span::plain(
                    "eksctl-prod-addon-iamserviceaccount-kube-system-controller"
                )]
            ),
            "  eksctl-prod-addon-iamserviceaccount-\n  kube-system-controller\n"
        );
    }

    #[test]
    fn whole_words_are_on_one_line_with_what_touches_them() {
        assert_eq!(
            page(
                40,
                "  help: ",
                &[
                    Span::plain("One more: ("),
                    Span::whole("`eksact get accessentry --cluster production`"),
                    Span::plain(") lists them.")
                ]
            ),
            "  help: One more:\n        (`eksact get accessentry --cluster production`)\n        lists them.\n"
        );
    }

    #[test]
    fn lead_that_leaves_no_room_stands_alone() {
        assert_eq!(
            page(
                40,
                "    + annotation eks.amazonaws.com/role-arn  ",
                &[Span::plain("arn:x")]
            ),
            "    + annotation eks.amazonaws.com/role-arn\n        arn:x\n"
        );
    }

    proptest! {
        /// Whatever the text: no character is lost but spaces, and no line is wider than the page.
        #[test]
        fn page_loses_nothing_and_nothing_sticks_out(words in "[a-z/: 日]{0,200}", width in 40_usize..100) {
            let text = page(width, "  ", &[Span::plain(&words)]);
            let dense = |text: &str| text.replace(['\n', ' '], "");
            prop_assert_eq!(dense(&text), dense(&words));
            for line in text.lines() {
                prop_assert!(cells(line) <= width, "{}", line);
            }
        }

        /// Any text at all is laid out without a panic and without a control character.
        #[test]
        fn page_is_harmless_with_any_text(words in any::<String>(), width in 0_usize..60) {
            let text = page(width, "- ", &[Span::plain(&words)]);
            prop_assert!(!text.chars().any(|c| c != '\n' && crate::view::text::is_harmful(c)));
        }
    }
}
