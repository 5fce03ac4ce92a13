//! A role on top of the credentials that the chain gives: `--role-arn`, and profiles that want a code of an MFA device,
//! which the SDK's own provider does not ask for.

use std::{
    fmt, io,
    time::{Duration, SystemTime},
};

use aws_config::{SdkConfig, retry::RetryConfig};
use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, SharedCredentialsProvider, error::CredentialsError, future},
};

use super::{client::NeverConnected, error::from_sdk};
use eksact_core::ports::{CallError, CallErrorKind};

/// Attempts for a session.
const ATTEMPTS: u32 = 3;

/// Asks a person for the code of the MFA device with this serial number (an ARN, for a virtual one).
pub type AskForCode = fn(&str) -> io::Result<String>;

/// Where nobody can be asked.
pub fn nobody_to_ask(_: &str) -> io::Result<String> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "this command does not ask for codes",
    ))
}

/// A role to assume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleToAssume {
    /// Its ARN.
    pub arn: String,
    /// The external id that its trust policy may want.
    pub external_id: Option<String>,
    /// The name of the session; the server's `{{SessionName}}`, and what `CloudTrail` shows.
    pub session_name: SessionName,
}

/// The name of a role's session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionName {
    /// This one.
    Named(String),
    /// The one of the session that assumes the role. For a caller without a session (a user), this one.
    Forwarded {
        /// For a caller without a session.
        otherwise: String,
    },
}

/// One `AssumeRole`, settled.
pub(super) struct AssumeRole<'a> {
    pub(super) role: &'a str,
    pub(super) session_name: &'a str,
    pub(super) external_id: Option<&'a str>,
    pub(super) duration: Option<Duration>,
    pub(super) mfa: Option<(&'a str, &'a str)>,
}

/// Assumes `role` as the caller of `configuration`.
///
/// # Errors
/// AWS's refusal, naming the role.
pub async fn assume(configuration: &SdkConfig, role: &RoleToAssume) -> Result<Credentials, CallError> {
    // Somebody waits for a token: a busy or silent STS is told of after a few attempts, an unreachable one after the first.
    let client = aws_sdk_sts::Client::from_conf(
        aws_sdk_sts::config::Builder::from(configuration)
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            .retry_classifier(NeverConnected)
            .build(),
    );
    let session_name = match &role.session_name {
        SessionName::Named(name) => name.clone(),
        SessionName::Forwarded { otherwise } => {
            let caller = client
                .get_caller_identity()
                .send()
                .await
                .map_err(|error| from_sdk(("sts", "GetCallerIdentity"), "the caller", &error))?;
            forwarded(caller.user_id().unwrap_or_default())
                .unwrap_or(otherwise)
                .to_owned()
        }
    };
    let wanted = AssumeRole {
        role: &role.arn,
        session_name: &session_name,
        external_id: role.external_id.as_deref(),
        duration: None,
        mfa: None,
    };
    wanted.call(&client).await
}

/// The session's name in a user id `AROA…:NAME`; a user's has none.
fn forwarded(user_id: &str) -> Option<&str> {
    let (_, name) = user_id.split_once(':')?;
    (!name.is_empty() && !name.contains(':')).then_some(name)
}

impl AssumeRole<'_> {
    pub(super) async fn call(&self, client: &aws_sdk_sts::Client) -> Result<Credentials, CallError> {
        let action = ("sts", "AssumeRole");
        let seconds = self
            .duration
            .and_then(|duration| i32::try_from(duration.as_secs()).ok());
        let answer = client
            .assume_role()
            .role_arn(self.role)
            .role_session_name(self.session_name)
            .set_external_id(self.external_id.map(str::to_owned))
            .set_duration_seconds(seconds)
            .set_serial_number(self.mfa.map(|(serial, _)| serial.to_owned()))
            .set_token_code(self.mfa.map(|(_, code)| code.to_owned()))
            .send()
            .await
            .map_err(|error| from_sdk(action, self.role, &error))?;
        let given = answer.credentials.ok_or_else(|| {
            CallError::new(
                action.0,
                action.1,
                self.role,
                CallErrorKind::Other,
                "the response has no credentials",
            )
        })?;
        Ok(Credentials::new(
            given.access_key_id,
            given.secret_access_key,
            Some(given.session_token),
            SystemTime::try_from(given.expiration).ok(),
            "role",
        ))
    }
}

/// The role of a profile with `mfa_serial`.
pub(super) struct MfaRole {
    pub(super) profile: String,
    pub(super) role: String,
    pub(super) serial: String,
    pub(super) external_id: Option<String>,
    pub(super) session_name: Option<String>,
    pub(super) duration: Option<Duration>,
    pub(super) source: SharedCredentialsProvider,
    /// Without credentials.
    pub(super) configuration: SdkConfig,
    pub(super) ask: AskForCode,
}

impl MfaRole {
    async fn credentials(&self) -> Result<Credentials, CredentialsError> {
        // First: nobody shall type a code for nothing.
        let source = self.source.provide_credentials().await?;
        let code = (self.ask)(&self.serial).map_err(|cause| {
            CredentialsError::provider_error(format!(
                "profile {} needs a code from the MFA device {}, and there is no terminal to ask on \
                 ({cause}); run `eksact token` with this profile in a terminal: the session is cached for \
                 later calls",
                self.profile, self.serial
            ))
        })?;
        if code.is_empty() {
            return Err(CredentialsError::provider_error(format!(
                "profile {} needs a code from the MFA device {}, and none was given",
                self.profile, self.serial
            )));
        }
        let configuration = self
            .configuration
            .to_builder()
            .credentials_provider(SharedCredentialsProvider::new(source))
            .build();
        let wanted = AssumeRole {
            role: &self.role,
            session_name: self.session_name.as_deref().unwrap_or("eksact"),
            external_id: self.external_id.as_deref(),
            duration: self.duration,
            mfa: Some((&self.serial, &code)),
        };
        wanted
            .call(&aws_sdk_sts::Client::new(&configuration))
            .await
            .map_err(CredentialsError::provider_error)
    }
}

impl fmt::Debug for MfaRole {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("MfaRole")
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

impl ProvideCredentials for MfaRole {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.credentials())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_forwards_its_name_and_a_user_has_none() {
        assert_eq!(
            forwarded("AROAEXAMPLE:jane@example.com"),
            Some("jane@example.com")
        );
        assert_eq!(forwarded("AIDAEXAMPLE"), None);
        assert_eq!(forwarded("AROAEXAMPLE:"), None);
        assert_eq!(forwarded("AROAEXAMPLE:a:b"), None);
    }
}
