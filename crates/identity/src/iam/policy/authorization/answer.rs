//! Yes, no, or neither, with the logic of three values (Kleene's): no beats unknown where all must hold, yes where one is
//! enough.

/// Yes, no, or that it depends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer {
    /// Yes.
    Yes,
    /// It depends on what is not known.
    Depends,
    /// No.
    No,
}

impl Answer {
    /// Whether both hold.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.max(other)
    }

    /// Whether one of them holds.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        self.min(other)
    }

    /// Whether it does not hold.
    #[must_use]
    pub fn negated(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::Depends => Self::Depends,
            Self::No => Self::Yes,
        }
    }
}
