//! How much of a text is read: one set of limits against hostile files, for every reader.
//!
//! What aliases and merge keys bring counts as if it were written out, because whoever walks the values later pays that
//! price. go-yaml's own limit, on the share of aliases, holds as well.

use super::syntax::{ErrorKind, Mark, SyntaxError};

/// The deepest nesting. A ClusterConfig has about ten levels, a kubeconfig six; policy documents and kubelet settings add
/// some more.
pub const MAXIMUM_DEPTH: usize = 64;
/// The most values.
pub const MAXIMUM_NODES: usize = 500_000;
/// The most text in values.
pub const MAXIMUM_TEXT: usize = 32 * 1024 * 1024;

/// The most steps that go-yaml takes before it looks at the share of aliases.
const FREE_STEPS: usize = 1000;
/// The most of them that may be steps through aliases.
const FREE_ALIAS_STEPS: usize = 100;
const FEW_STEPS: f64 = 400_000.0;
const MANY_STEPS: f64 = 4_000_000.0;

/// How much a value is when every alias in it is written out.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Size {
    /// Values.
    pub nodes: usize,
    /// Bytes of text.
    pub bytes: usize,
    /// Levels; a scalar has one.
    pub depth: usize,
    /// Steps that go-yaml takes for it.
    pub steps: usize,
}

impl Size {
    /// Of a collection without anything in it, and of a scalar.
    pub(super) fn leaf(bytes: usize) -> Self {
        Self {
            nodes: 1,
            bytes,
            depth: 1,
            steps: 1,
        }
    }

    /// With something one level below.
    pub(super) fn with_child(self, child: Self) -> Self {
        Self {
            nodes: self.nodes.saturating_add(child.nodes),
            bytes: self.bytes.saturating_add(child.bytes),
            depth: self.depth.max(child.depth.saturating_add(1)),
            steps: self.steps,
        }
    }
}

/// What is left of the limits while the documents of a text are read.
#[derive(Debug, Default)]
pub(super) struct Budget {
    /// What the documents before this one add up to.
    spent: Size,
    merged: usize,
    steps: usize,
    alias_steps: usize,
}

impl Budget {
    /// Whether a value of this size, this deep in a document, is still within the limits.
    pub(super) fn check(&self, size: Size, depth: usize, at: Mark) -> Result<(), SyntaxError> {
        if depth + size.depth > MAXIMUM_DEPTH + 1 {
            return Err(too_deep(at));
        }
        let nodes = self.spent.nodes.saturating_add(size.nodes);
        let bytes = self.spent.bytes.saturating_add(size.bytes);
        if nodes > MAXIMUM_NODES || bytes > MAXIMUM_TEXT {
            return Err(too_large(at));
        }
        Ok(())
    }

    /// Takes account of a document that is read. go-yaml counts its steps anew for each.
    pub(super) fn spend(&mut self, document: Size) {
        self.spent = self.spent.with_child(document);
        (self.steps, self.alias_steps) = (0, 0);
    }

    /// Counts a step of go-yaml's.
    pub(super) fn step(&mut self) {
        self.steps += 1;
    }

    /// Counts what go-yaml does for an alias, and refuses what it refuses: the share of aliases only grows while one is
    /// written out, so that looking once behind it finds what looking at each step does.
    pub(super) fn alias(&mut self, target: Size, at: Mark) -> Result<(), SyntaxError> {
        self.steps = self.steps.saturating_add(1).saturating_add(target.steps);
        self.alias_steps = self.alias_steps.saturating_add(target.steps);
        if self.alias_steps > FREE_ALIAS_STEPS && self.steps > FREE_STEPS {
            let (steps, aliases) = (as_float(self.steps), as_float(self.alias_steps));
            let share = ((steps - FEW_STEPS) / (MANY_STEPS - FEW_STEPS)).clamp(0.0, 1.0);
            if aliases / steps > 0.99 - 0.89 * share {
                let problem = "document contains excessive aliasing";
                return Err(SyntaxError::value(ErrorKind::Size, problem, at));
            }
        }
        Ok(())
    }

    /// Counts entries that a merge key brings, also those that are overwritten.
    pub(super) fn merge(&mut self, entries: usize, at: Mark) -> Result<(), SyntaxError> {
        self.merged = self.merged.saturating_add(entries);
        if self.merged > MAXIMUM_NODES {
            let problem = format!("merge keys bring in more than {MAXIMUM_NODES} entries");
            return Err(SyntaxError::value(ErrorKind::Size, problem, at));
        }
        Ok(())
    }
}

/// Counts are far below what a float holds exactly.
#[allow(clippy::cast_precision_loss)]
fn as_float(count: usize) -> f64 {
    count as f64
}

/// What is said of too many values or too much text.
pub(super) fn too_large(at: Mark) -> SyntaxError {
    let problem = format!(
        "with its aliases written out this is more than {MAXIMUM_NODES} values or {} MiB of text",
        MAXIMUM_TEXT / (1024 * 1024)
    );
    SyntaxError::value(ErrorKind::Size, problem, at)
}

/// What is said of values that are nested too deep.
pub(super) fn too_deep(at: Mark) -> SyntaxError {
    let problem = format!("values are nested more than {MAXIMUM_DEPTH} levels deep here");
    SyntaxError::value(ErrorKind::Depth, problem, at)
}
