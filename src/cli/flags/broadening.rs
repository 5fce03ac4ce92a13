//! `--allow-broadening` and its variable: what a pipeline may do by itself.

use clap::{Args, ValueEnum, builder::PossibleValue};

use crate::cli::Failure;
use eksact_core::{config::cluster_access::AllowBroadening, guard::broadening::BroadeningRule};

const VARIABLE: &str = "EKSACT_ALLOW_BROADENING";

/// Whether more access may be given.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(crate) struct BroadeningFlags {
    /// Apply a plan that gives more access: never, only as a saved plan with its digest, or always. The strictest of this,
    /// `EKSACT_ALLOW_BROADENING` and the file's `allowBroadening` holds
    #[arg(long, value_name = "WHEN", value_enum)]
    pub allow_broadening: Option<When>,
}

/// The values of the flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct When(AllowBroadening);

impl ValueEnum for When {
    fn value_variants<'a>() -> &'a [Self] {
        &[
            Self(AllowBroadening::Never),
            Self(AllowBroadening::Approved),
            Self(AllowBroadening::Always),
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.0.as_str()))
    }
}

impl BroadeningFlags {
    /// The value of the flag.
    pub(crate) fn word(self) -> Option<&'static str> {
        self.allow_broadening.map(|When(allow)| allow.as_str())
    }

    /// What flag and variable say together. Not clap's `env`, with which the flag would loosen what the variable sets.
    pub(crate) fn rule(self) -> Result<BroadeningRule, Failure> {
        let flag = self
            .allow_broadening
            .map(|When(allow)| BroadeningRule::new(allow, format!("--allow-broadening {}", allow.as_str())));
        let rule = flag.unwrap_or_default();
        let given = std::env::var_os(VARIABLE).filter(|given| !given.is_empty());
        let Some(given) = given else {
            return Ok(rule);
        };
        let given = given.to_string_lossy();
        let allow = AllowBroadening::parse(&given).ok_or_else(|| {
            Failure::usage(format!(
                "{VARIABLE} is `{given}`, and must be never, approved or always"
            ))
        })?;
        Ok(rule.and(BroadeningRule::new(
            allow,
            format!("{VARIABLE}={}", allow.as_str()),
        )))
    }
}
