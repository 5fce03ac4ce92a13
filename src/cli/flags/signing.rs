//! The flags that say whose token for which cluster, in the words of aws-iam-authenticator and of `aws eks get-token`. What
//! is made of them is in `tokens::signing`.

use clap::Args;

use super::place::{cluster_in_token, region};
use crate::cli::Failure;
use eksact_cloud::aws::{RoleToAssume, SessionName};
use eksact_credentials::Environment;
use eksact_identity::iam::{Arn, arn::is_account_id};

/// Which cluster, and who.
#[derive(Clone, Debug, Args)]
pub(crate) struct SigningFlags {
    /// The cluster's name, or the id of a local cluster on an Outpost
    #[arg(
        short = 'c',
        long,
        visible_short_alias = 'i',
        visible_aliases = ["cluster-id", "cluster-name"],
        value_name = "NAME",
        value_parser = cluster_in_token,
        env = "KUBERNETES_AWS_AUTHENTICATOR_CLUSTER_ID",
        hide_env = true
    )]
    pub cluster: String,
    #[command(flatten)]
    pub signer: SignerFlags,
}

/// Who, and where.
#[derive(Clone, Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct SignerFlags {
    /// The cluster's region
    // Not the global flag, but the same id: there `-r` is the region, here it is the role, as it is for
    // aws-iam-authenticator.
    #[arg(long, value_name = "REGION", value_parser = region)]
    pub region: Option<String>,
    /// A role to assume first
    #[arg(short = 'r', long, visible_alias = "role", value_name = "ARN")]
    pub role_arn: Option<String>,
    /// The external id that the role's trust policy requires
    #[arg(short = 'e', long, value_name = "ID")]
    pub external_id: Option<String>,
    /// Name of the role's session: the server's {{SessionName}}
    #[arg(
        short = 's',
        long,
        value_name = "NAME",
        conflicts_with = "forward_session_name"
    )]
    pub session_name: Option<String>,
    /// Name the role's session after the caller's own
    #[arg(long)]
    pub forward_session_name: bool,
    /// Name the FIPS endpoint of STS in the token
    #[arg(long)]
    pub use_fips_endpoint: bool,
    /// Name the dual-stack endpoint of STS in the token
    #[arg(long)]
    pub use_dualstack_endpoint: bool,
    /// Neither read nor write the cache
    #[arg(long)]
    pub no_cache: bool,
    /// Accepted for aws-iam-authenticator's sake: there is a cache unless --no-cache is given
    #[arg(long, hide = true, conflicts_with = "no_cache")]
    pub cache: bool,
}

impl SignerFlags {
    /// The role to assume, where one is named. Flags that do nothing are told as notes.
    pub(crate) fn role(
        &self,
        environment: &Environment,
        notes: &mut Vec<String>,
    ) -> Result<Option<RoleToAssume>, Failure> {
        let Some(arn) = &self.role_arn else {
            let alone = [
                ("--external-id", self.external_id.is_some()),
                ("--session-name", self.session_name.is_some()),
                ("--forward-session-name", self.forward_session_name),
            ];
            for (flag, _) in alone.iter().filter(|(_, given)| *given) {
                notes.push(format!("{flag} does nothing without --role-arn"));
            }
            return Ok(None);
        };
        let arn = role("--role-arn", arn)?;
        let own = || own_session_name(environment);
        let session_name = match &self.session_name {
            Some(name) => SessionName::Named(name.clone()),
            None if self.forward_session_name => SessionName::Forwarded { otherwise: own() },
            None => SessionName::Named(own()),
        };
        Ok(Some(RoleToAssume {
            arn,
            external_id: self.external_id.clone(),
            session_name,
        }))
    }
}

/// The ARN of a role that can be assumed.
pub(crate) fn role(flag: &str, text: &str) -> Result<String, Failure> {
    let arn: Arn = text
        .parse()
        .map_err(|error| Failure::usage(format!("{flag}: {error}")))?;
    // A variable that is not set leaves the account empty.
    if arn.service != "iam" || arn.role_name().is_none() || !is_account_id(&arn.account) {
        return Err(
            Failure::usage(format!("{flag}: `{text}` is not the ARN of a role")).with_help(remedy!(
                "Write it like arn:{}:iam::111122223333:role/my-role.",
                arn.partition
            )),
        );
    }
    Ok(text.to_owned())
}

/// `eksact-USER`, so that audit logs tell people apart; in the characters and the length that STS allows.
pub(crate) fn own_session_name(environment: &Environment) -> String {
    let user: String = environment
        .get("USER")
        .or_else(|| environment.get("USERNAME"))
        .unwrap_or_default()
        .chars()
        .filter(|character| character.is_ascii_alphanumeric() || "_+=,.@-".contains(*character))
        .take(57)
        .collect();
    if user.is_empty() {
        "eksact".to_owned()
    } else {
        format!("eksact-{user}")
    }
}
