//! What to do about a complaint: the text behind `help:`.
//!
//! Advice that does not work costs more trust than none. So a remedy is made by [`remedy!`] alone, from a template that
//! stands in the source as a literal: a test finds every one of them and demands that it is executed where it is printed,
//! and that the complaint is gone afterwards (`tests/commands/remedies`).

use std::{fmt, ops::Deref};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What to do, as text. Only [`remedy!`] makes one; one in a saved plan was made by the run that saved it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Remedy(String);

/// A [`Remedy`] from a template: a literal as `format!` takes it.
#[macro_export]
macro_rules! remedy {
    ($template:literal $(, $argument:expr)* $(,)?) => {
        $crate::remedy::Remedy::of_template(format_args!($template $(, $argument)*))
    };
}

impl Remedy {
    /// For [`remedy!`] alone.
    #[doc(hidden)]
    pub fn of_template(text: fmt::Arguments<'_>) -> Self {
        Self(text.to_string())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same advice in other letters: a capital at its beginning, what a terminal would take for a command replaced.
    #[must_use]
    pub fn worded(&self, wording: impl FnOnce(&str) -> String) -> Self {
        Self(wording(&self.0))
    }

    /// Both, the other on lines of its own below this.
    #[must_use]
    pub fn above(self, other: &Self) -> Self {
        Self(format!("{self}\n{other}"))
    }

    /// Both, as two sentences.
    #[must_use]
    pub fn and(self, other: &Self) -> Self {
        Self(format!("{self} {other}"))
    }
}

impl Deref for Remedy {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl PartialEq<str> for Remedy {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for Remedy {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

/// Unit tests make up what they show.
#[cfg(any(test, feature = "testing"))]
impl From<&str> for Remedy {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}
