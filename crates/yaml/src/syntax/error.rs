//! What is wrong with a text, and where.

use super::cursor::Mark;

/// What kind of thing is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// A character that YAML does not allow.
    Character,
    /// The text is not YAML.
    Syntax,
    /// A value is not what its tag says.
    Tag,
    /// An alias without an anchor, or inside the value of its own anchor.
    Alias,
    /// A key that cannot be one.
    Key,
    /// `<<` with something that cannot be merged.
    Merge,
    /// A key that is set twice.
    Duplicate,
    /// A value that JSON cannot hold.
    NotJson,
    /// Nested too deep.
    Depth,
    /// Too many values, or too much text.
    Size,
}

/// Text that is not YAML, or more than a reader takes.
///
/// Its text is what the Kubernetes component logs, with that library's way to count lines; `line` and `column` are the
/// real place, counted from one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("yaml: {}{problem}", self.counted())]
pub struct SyntaxError {
    /// What kind of thing is wrong.
    pub kind: ErrorKind,
    /// What is wrong.
    pub problem: String,
    /// The line of the problem, from 1.
    pub line: usize,
    /// The column of the problem in characters, from 1.
    pub column: usize,
    /// Where the construct begins that the problem is in.
    pub context: Option<Mark>,
    /// The line that go-yaml names; it counts differently by kind of error, and names none for the first line.
    named_line: usize,
}

impl SyntaxError {
    /// What the scanner finds while it takes tokens apart.
    pub(super) fn scanner(problem: impl Into<String>, context: Mark, at: Mark) -> Self {
        let named_line = if at.line != 0 { at.line + 1 } else { context.line };
        Self::new(ErrorKind::Syntax, problem.into(), at, Some(context), named_line)
    }

    /// What the parser finds while it puts tokens together.
    pub(super) fn parser(problem: impl Into<String>, context: Option<Mark>, at: Mark) -> Self {
        let named_line = if at.line != 0 {
            at.line
        } else {
            context.map_or(0, |context| context.line)
        };
        Self::new(ErrorKind::Syntax, problem.into(), at, context, named_line)
    }

    /// What is wrong with a whole value, where go-yaml names no line.
    pub fn value(kind: ErrorKind, problem: impl Into<String>, at: Mark) -> Self {
        Self::new(kind, problem.into(), at, None, 0)
    }

    /// A key that is set twice: before and here.
    pub(crate) fn twice(problem: String, before: Mark, at: Mark) -> Self {
        Self::new(ErrorKind::Duplicate, problem, at, Some(before), 0)
    }

    fn new(kind: ErrorKind, problem: String, at: Mark, context: Option<Mark>, named_line: usize) -> Self {
        Self {
            kind,
            problem,
            line: at.line + 1,
            column: at.column + 1,
            context,
            named_line,
        }
    }

    fn counted(&self) -> String {
        if self.named_line == 0 {
            String::new()
        } else {
            format!("line {}: ", self.named_line)
        }
    }
}
