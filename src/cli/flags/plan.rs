//! Flags that shape a plan, shared by every command that makes one, and the settings that come of them.

use std::{collections::BTreeSet, time::Duration};

use clap::{ArgAction, Args, ValueEnum, builder::PossibleValue};

use super::{broadening::BroadeningFlags, views::ViewFlags};
use crate::cli::Failure;
use eksact_core::{
    engine::Targets,
    guard::Guard,
    kinds::{
        Request,
        pod_identity_agent::InstallAgent,
        request::{Settings, ThumbprintSource},
    },
};
use eksact_identity::iam::Arn;

/// How long stacks are waited for.
pub(crate) const DEFAULT_TIMEOUT: Duration = Duration::from_mins(25);

/// Flags of every command that plans.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Plan")]
pub(crate) struct PlanFlags {
    /// How the plan is shown
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    pub output: Output,
    /// Pass the guard with this code (repeatable)
    #[arg(long, value_name = "CODE", value_enum, value_delimiter = ',')]
    pub allow: Vec<GuardCode>,
    #[command(flatten)]
    pub broadening: BroadeningFlags,
    /// How long to wait for stacks: 90s, 25m, 1h
    #[arg(long, value_name = "DURATION", default_value = "25m", value_parser = duration)]
    pub timeout: Duration,
    #[command(flatten)]
    pub views: ViewFlags,
}

/// How a plan is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Output {
    /// For people
    #[default]
    #[value(alias = "table")]
    Human,
    /// For machines: one JSON document on stdout, versioned
    Json,
    /// For a comment in a pull request, see --max-bytes
    #[value(alias = "md")]
    Markdown,
    /// For people who would rather look: one page that needs nothing else
    Html,
    /// For code scanning: SARIF 2.1.0
    Sarif,
    /// For machines while it goes on: one JSON object a line, see docs/views.md
    Ndjson,
}

/// Flags of commands that make roles and service accounts.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Stacks and existing service accounts")]
pub(crate) struct RoleFlags {
    /// Annotate service accounts that someone else created, without taking them over
    #[arg(long)]
    pub override_existing_serviceaccounts: bool,
    /// Protect role stacks against deletion
    #[arg(
        long,
        env = "EKSACT_TERMINATION_PROTECTION",
        hide_env_values = true,
        value_name = "BOOL",
        default_value = "true",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        overrides_with = "termination_protection",
        action = ArgAction::Set,
        value_parser = clap::builder::BoolishValueParser::new()
    )]
    pub termination_protection: bool,
    /// Role that CloudFormation acts as
    #[arg(long, value_name = "ARN", value_parser = role_arn)]
    pub cfn_role_arn: Option<String>,
    /// Keep a stack that failed, as it is
    #[arg(long)]
    pub cfn_disable_rollback: bool,
}

/// Flags about the provider's thumbprint.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Thumbprint of the OIDC provider")]
pub(crate) struct ThumbprintFlags {
    /// Thumbprint of the OIDC provider: hex SHA-1, or `iam` to let IAM compute it
    #[arg(long, value_name = "HEX|iam")]
    pub thumbprint: Option<String>,
    /// Compare an existing provider's thumbprint with the issuer's certificates
    #[arg(long)]
    pub check_thumbprint: bool,
}

impl PlanFlags {
    /// The settings of these flags, for commands that have none about roles and thumbprints.
    pub(crate) fn settings_alone(&self) -> Result<Settings, Failure> {
        self.settings(&RoleFlags::default(), &ThumbprintFlags::default())
    }

    /// The settings of these flags.
    pub(crate) fn settings(
        &self,
        roles: &RoleFlags,
        thumbprint: &ThumbprintFlags,
    ) -> Result<Settings, Failure> {
        self.views.check(self.output)?;
        Ok(Settings {
            termination_protection: roles.termination_protection,
            disable_rollback: roles.cfn_disable_rollback,
            cloudformation_role_arn: roles.cfn_role_arn.clone(),
            override_existing_service_accounts: roles.override_existing_serviceaccounts,
            thumbprint: thumbprint.source()?,
            check_thumbprint: thumbprint.check_thumbprint,
            timeout: self.timeout,
            prune: false,
            allow: self.allow.iter().map(|code| code.0).collect::<BTreeSet<_>>(),
            targets: Targets::default(),
            allow_broadening: self.broadening.rule()?,
            command: String::new(),
            nonce: uuid::Uuid::new_v4().simple().to_string(),
        })
    }
}

/// A guard as it is on the command line: its code, with what passing it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GuardCode(Guard);

impl GuardCode {
    /// The code.
    pub(crate) fn word(self) -> &'static str {
        self.0.code().as_str()
    }
}

impl ValueEnum for GuardCode {
    fn value_variants<'a>() -> &'a [Self] {
        const ALL: [GuardCode; Guard::ALL.len()] = {
            let mut all = [GuardCode(Guard::OidcProviderInUse); Guard::ALL.len()];
            let mut index = 0;
            while index < all.len() {
                all[index] = GuardCode(Guard::ALL[index]);
                index += 1;
            }
            all
        };
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.0.code().as_str()).help(self.0.explanation()))
    }
}

impl ThumbprintFlags {
    fn source(&self) -> Result<ThumbprintSource, Failure> {
        let Some(given) = &self.thumbprint else {
            return Ok(ThumbprintSource::Issuer);
        };
        if given.eq_ignore_ascii_case("iam") {
            if self.check_thumbprint {
                return Err(Failure::usage(
                    "--check-thumbprint compares with the issuer's certificates or with a given thumbprint, \
                     and --thumbprint iam gives neither",
                ));
            }
            return Ok(ThumbprintSource::Iam);
        }
        // openssl prints colons between the bytes.
        let hex: String = given
            .chars()
            .filter(|character| *character != ':')
            .collect::<String>()
            .to_lowercase();
        if hex.len() == 40 && hex.chars().all(|character| character.is_ascii_hexdigit()) {
            Ok(ThumbprintSource::Given(hex))
        } else {
            Err(Failure::usage(format!(
                "--thumbprint {given} is neither 40 hex digits (SHA-1 of a certificate) nor `iam`"
            )))
        }
    }
}

/// The ARN of an IAM role. CloudFormation would refuse another one only at the first stack.
pub(crate) fn role_arn(text: &str) -> Result<String, String> {
    match text.parse::<Arn>() {
        Ok(arn) if arn.role_name().is_some() => Ok(text.to_owned()),
        _ => Err(format!(
            "`{text}` is not the ARN of a role, such as arn:aws:iam::111122223333:role/cloudformation"
        )),
    }
}

/// `90s`, `25m`, `1h30m`; a bare number is seconds. Not no time at all: everything would be given up as soon as it is begun.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let error = || format!("`{text}` is not a duration such as 90s, 25m or 1h30m");
    let duration = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let span: jiff::SignedDuration = text.parse().map_err(|_| error())?;
            Duration::try_from(span).map_err(|_| error())?
        }
    };
    if duration.is_zero() {
        return Err(error());
    }
    Ok(duration)
}

/// What is asked of the agent that gives pods the credentials of pod identity.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(crate) struct AgentFlags {
    /// Install the add-on eks-pod-identity-agent where the cluster has no agent
    #[arg(long, help_heading = "Pod identity")]
    pub(crate) install_agent: bool,
}

impl AgentFlags {
    /// Asks it of the kind that installs the agent.
    pub(crate) fn ask(self, request: &mut Request) {
        if self.install_agent {
            request.ask(InstallAgent);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_as_eksctl_writes_them() {
        for (text, seconds) in [
            ("90s", Some(90)),
            ("25m", Some(1500)),
            ("1h30m", Some(5400)),
            ("7", Some(7)),
            ("25m0s", Some(1500)),
            ("", None),
            ("-5s", None),
            ("0", None),
            ("0s", None),
            ("soon", None),
        ] {
            assert_eq!(
                duration(text).ok().map(|duration| duration.as_secs()),
                seconds,
                "{text}"
            );
        }
    }

    #[test]
    fn cloudformation_acts_as_a_role_and_nothing_else() {
        for (text, is_taken) in [
            ("arn:aws:iam::111122223333:role/cloudformation", true),
            ("arn:aws-cn:iam::111122223333:role/teams/cloudformation", true),
            ("arn:aws:iam::111122223333:user/cloudformation", false),
            ("arn:aws:sts::111122223333:assumed-role/cloudformation/me", false),
            ("cloudformation", false),
        ] {
            assert_eq!(role_arn(text).is_ok(), is_taken, "{text}");
        }
    }

    #[test]
    fn allow_takes_the_code_of_each_guard_and_nothing_else() {
        #[derive(Debug, clap::Parser)]
        struct Line {
            #[command(flatten)]
            plan: PlanFlags,
        }
        let allowed = |text: &str| {
            <Line as clap::Parser>::try_parse_from(["eksact", "--allow", text])
                .ok()
                .map(|line| line.plan.allow.into_iter().map(|code| code.0).collect::<Vec<_>>())
        };
        for guard in Guard::ALL {
            assert_eq!(allowed(guard.code().as_str()), Some(vec![guard]));
            assert_eq!(allowed(&guard.code().as_str().to_uppercase()), None);
            assert_eq!(allowed(&format!("{}x", guard.code())), None);
        }
        assert_eq!(
            allowed("own-access-lost,last-admin-lost"),
            Some(vec![Guard::OwnAccessLost, Guard::LastAdminLost])
        );
        for other in [
            "",
            "all",
            "own",
            "own-access-lost;last-admin-lost",
            "own-access-lost,all",
        ] {
            assert_eq!(allowed(other), None, "{other}");
        }
    }

    #[test]
    fn thumbprints_with_and_without_colons() {
        let source = |text: &str| {
            ThumbprintFlags {
                thumbprint: Some(text.to_owned()),
                check_thumbprint: false,
            }
            .source()
            .ok()
        };
        let hex = "4f8d752d17ed4403bd831f1f12393fe05c3de425";
        assert_eq!(source(hex), Some(ThumbprintSource::Given(hex.to_owned())));
        let colons = "4F:8D:75:2D:17:ED:44:03:BD:83:1F:1F:12:39:3F:E0:5C:3D:E4:25";
        assert_eq!(source(colons), Some(ThumbprintSource::Given(hex.to_owned())));
        assert_eq!(source("iam"), Some(ThumbprintSource::Iam));
        assert_eq!(source("4f8d"), None);
    }
}
