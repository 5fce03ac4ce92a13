//! How the program ends. One closed set, documented here and in the help; scripts may rely on it.

/// The exit code of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitCode {
    /// All went well. For `plan`, whether or not there are changes.
    Success,
    /// It failed, and nothing was changed, or what was asked for could not be read or planned.
    Error,
    /// `plan --detailed-exitcode`: there are changes.
    Changes,
    /// The plan was not approved: answered with no, or no terminal to ask on and no `--yes`.
    NotApproved,
    /// A guard refuses the plan; see `--allow`.
    Refused,
    /// Some steps were done and others failed or were not tried. Of an answer: something that it needs could not be read, or is
    /// decided elsewhere.
    Partial,
    /// The world moved between the plan and its approval; nothing was changed.
    Stale,
    /// `plan --drift-only`: something was changed since it was applied, or may have been.
    Drift,
    /// The command line is wrong.
    Usage,
    /// The configuration file or the saved plan is wrong.
    Configuration,
    /// Interrupted by Ctrl-C.
    Interrupted,
}

impl ExitCode {
    /// Every code.
    pub const ALL: [Self; 11] = [
        Self::Success,
        Self::Error,
        Self::Changes,
        Self::NotApproved,
        Self::Refused,
        Self::Partial,
        Self::Stale,
        Self::Drift,
        Self::Usage,
        Self::Configuration,
        Self::Interrupted,
    ];

    /// This code, or `other` where this one says that all went well.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        if self == Self::Success { other } else { self }
    }

    /// The number.
    pub const fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Error => 1,
            Self::Changes => 2,
            Self::NotApproved => 3,
            Self::Refused => 4,
            Self::Partial => 5,
            Self::Stale => 6,
            Self::Drift => 7,
            Self::Usage => 64,
            Self::Configuration => 65,
            Self::Interrupted => 130,
        }
    }
}

/// What the help says about the codes.
pub const TABLE: &str = "Exit codes:
    0  all went well (for `plan`, whether or not there are changes)
    1  it failed
    2  there are changes (only `plan --detailed-exitcode`)
    3  the plan was not approved
    4  a guard refuses the plan (see --allow)
    5  some steps were done, others failed or were not tried; of an answer: something it needs could not be read
    6  the live state is no longer what the plan was made from
    7  there is drift, or what may be drift (only `plan --drift-only`)
   64  the command line is wrong
   65  the configuration file or the saved plan is wrong
  130  interrupted";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_documented_once() {
        for code in ExitCode::ALL {
            let lines = TABLE
                .lines()
                .filter(|line| line.split_whitespace().next() == Some(&code.code().to_string()))
                .count();
            assert_eq!(lines, 1, "{code:?}");
        }
    }
}
