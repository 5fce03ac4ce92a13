//! Who calls: one resolver of region and credentials for every command, so that a plan and a token never use different
//! accounts.
//!
//! Which source it is says `cloud::credentials::source`: aws-config's order, but an explicit `--profile` is used even where
//! keys stand in the environment, and a profile that is in use stands alone. A profile with `mfa_serial` asks for the
//! code, where aws-config assumes the role without one.

use std::fmt;
use std::time::{Duration, SystemTime};

use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use jiff::Timestamp;
use tokio::sync::Mutex;

use super::assume_role::{AskForCode, RoleToAssume, assume};
use super::credential_chain::{INSTANCE, Sources};
use super::error::{chain_text, from_sdk};
use super::{ConnectError, http};
use crate::trust::TrustRoots;
use eksact_core::ports::{CallError, CallErrorKind};
use eksact_credentials::source::{self, DUAL_STACK, FIPS, profile_name};
use eksact_credentials::{Asked, CredentialSource, Environment, SharedConfig, SourceError};

/// Credentials are renewed when less than this is left of them.
const RENEWAL_MARGIN: Duration = Duration::from_mins(2);
/// Attempts per call; throttling is the only thing that ever needs so many.
const ATTEMPTS: u32 = 10;

/// Region and credentials, settled once per run.
#[derive(Clone, Debug)]
pub struct Session {
    /// Configuration from which every service's client is made.
    pub sdk_config: SdkConfig,
    /// The region, never empty.
    pub region: String,
    /// The credentials, for what is signed outside the SDK (the Kubernetes token). Asking again gives the same ones
    /// until they are about to expire.
    pub credentials: SharedCredentialsProvider,
    /// What people should know about where they came from; for stderr.
    pub notes: Vec<String>,
}

/// What environment and files lead to.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// The environment.
    pub environment: &'a Environment,
    /// The shared files.
    pub config: &'a SharedConfig,
    /// `--profile`.
    pub flag: Option<&'a str>,
    /// The source that these lead to.
    pub source: &'a CredentialSource,
}

/// Resolves region and credentials. The credentials are fetched at once: "no credentials" is better said before any
/// work than in the middle of it.
///
/// # Errors
/// Of kind `Invalid` without a region, of kind `Credentials` without credentials.
pub async fn resolve(
    region: Option<&str>,
    profile: Option<&str>,
    client: &SharedHttpClient,
    ask_for_code: AskForCode,
) -> Result<Session, CallError> {
    let environment = Environment::of_process();
    let unsettled = |error: SourceError| no_source(profile, &error);
    let config = source::shared_config(&environment, profile).map_err(|error| unsettled(error.into()))?;
    let region = region
        .map(str::to_owned)
        .or_else(|| source::region(&environment, &config, profile))
        .ok_or_else(no_region)?;
    let source =
        CredentialSource::find(&environment, &config, profile, Timestamp::now()).map_err(unsettled)?;
    let origin = Origin {
        environment: &environment,
        config: &config,
        flag: profile,
        source: &source,
    };
    let mut session = session(&region, origin, client, ask_for_code).await?;
    session.notes = source::notes(&environment, Some(&config), profile);
    session.notes.extend(config.warnings);
    Ok(session)
}

/// The same where region and source are settled.
async fn session(
    region: &str,
    origin: Origin<'_>,
    client: &SharedHttpClient,
    ask_for_code: AskForCode,
) -> Result<Session, CallError> {
    let name = Region::new(region.to_owned());
    let switch = |which| source::switch(origin.environment, Some(origin.config), origin.flag, which);
    let configuration = ProviderConfig::without_region()
        .with_region(Some(name.clone()))
        .with_use_fips(Some(switch(FIPS)))
        .with_use_dual_stack(Some(switch(DUAL_STACK)))
        .with_behavior_version(Some(BehaviorVersion::v2026_01_12()))
        .with_http_client(client.clone());
    let sources = Sources {
        region: &name,
        configuration,
        environment: origin.environment,
        config: origin.config,
        client,
        ask_for_code,
    };
    let provider = SharedCredentialsProvider::new(Renewing {
        inner: sources.provider(origin.source).await,
        current: Mutex::new(None),
    });
    provider
        .provide_credentials()
        .await
        .map_err(|error| no_credentials(origin, &error))?;
    Ok(Session {
        sdk_config: loader(&name, &provider, client)
            .profile_files(origin.config.files())
            .profile_name(profile_name(origin.environment, origin.flag))
            .load()
            .await,
        region: region.to_owned(),
        credentials: provider,
        notes: Vec::new(),
    })
}

/// What every service's client is made from, but for the profile.
fn loader(region: &Region, provider: &SharedCredentialsProvider, client: &SharedHttpClient) -> ConfigLoader {
    aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(client.clone())
        .region(region.clone())
        .credentials_provider(provider.clone())
        .timeout_config(http::time_limits())
        .retry_config(
            // Not adaptive: the SDK's limiter learns its rate from the few calls that a run makes, and waits ten seconds and
            // more after each throttled one.
            RetryConfig::standard()
                .with_max_attempts(ATTEMPTS)
                .with_initial_backoff(Duration::from_millis(300)),
        )
}

/// The configuration of clients that call with these very credentials, in other things as the profile says.
pub async fn configuration_of(
    region: &str,
    credentials: Credentials,
    (config, profile): (&SharedConfig, &str),
    client: &SharedHttpClient,
) -> (SdkConfig, SharedCredentialsProvider) {
    let provider = SharedCredentialsProvider::new(credentials);
    let configuration = loader(&Region::new(region.to_owned()), &provider, client)
        .profile_files(config.files())
        .profile_name(profile)
        .load()
        .await;
    (configuration, provider)
}

/// Whether STS says that these credentials have ended or are no longer known. Anything else that keeps it from an answer is
/// no refusal.
///
/// # Errors
/// When a variable names certificate authorities that cannot be loaded.
pub async fn are_refused(
    region: &str,
    credentials: &Credentials,
    shared: (&SharedConfig, &str),
) -> Result<bool, ConnectError> {
    let client = http::client(&TrustRoots::from_environment()?);
    let (configuration, _) = configuration_of(region, credentials.clone(), shared, &client).await;
    let answer = aws_sdk_sts::Client::new(&configuration)
        .get_caller_identity()
        .send()
        .await;
    Ok(answer
        .err()
        .and_then(|error| from_sdk(("sts", "GetCallerIdentity"), "the caller", &error).code)
        .is_some_and(|code| is_refusal(&code)))
}

/// Whether an error code of STS says that credentials have ended or are no longer known, and not that a request is wrong.
/// Source: "Common errors" of the STS API reference.
pub fn is_refusal(code: &str) -> bool {
    matches!(
        code,
        "ExpiredToken" | "ExpiredTokenException" | "InvalidClientTokenId"
    )
}

/// The credentials that a token is signed with: those of the source, and on top of them `role`, where one is given.
///
/// # Errors
/// Without credentials, or when AWS refuses the role.
pub async fn fetch(
    region: &str,
    origin: Origin<'_>,
    role: Option<&RoleToAssume>,
    ask_for_code: AskForCode,
) -> Result<Credentials, ConnectError> {
    let trust_roots = TrustRoots::from_environment()?;
    let session = session(region, origin, &http::client(&trust_roots), ask_for_code).await?;
    let credentials = match role {
        Some(role) => assume(&session.sdk_config, role).await?,
        None => session
            .credentials
            .provide_credentials()
            .await
            .map_err(|error| no_credentials(origin, &error))?,
    };
    Ok(credentials)
}

/// Flag or file, then environment, then profile. Not the metadata service: a plan whose region depends on the machine
/// that it runs on is no plan.
fn no_region() -> CallError {
    CallError::new(
        "aws",
        "configuration",
        "region",
        CallErrorKind::Invalid,
        "no region is set; give --region, metadata.region in the file, AWS_REGION, or a region in the profile",
    )
}

const TRIED: &str = "tried, in this order: the environment (AWS_ACCESS_KEY_ID), the profile (AWS_PROFILE, ~/.aws/config, \
     ~/.aws/credentials), web identity (AWS_WEB_IDENTITY_TOKEN_FILE), the container's role, the EC2 instance's role; \
     set one of them, give --profile, or log in with `aws sso login`";

const HOP_LIMIT: &str = "in a container on EC2 the instance's metadata service answers only if its hop limit is 2 or more \
     (HttpPutResponseHopLimit)";

/// The error for a source that is not there, or not usable.
fn no_source(flag: Option<&str>, error: &SourceError) -> CallError {
    let object = flag.map_or_else(
        || "the default chain".to_owned(),
        |profile| format!("profile {profile}"),
    );
    CallError::new(
        "aws",
        "credentials",
        object,
        CallErrorKind::Credentials,
        error.to_string(),
    )
}

/// The error for "no credentials": what was tried and what to do.
fn no_credentials(origin: Origin<'_>, error: &CredentialsError) -> CallError {
    let cause = chain_text(error);
    let profile = match origin.source {
        CredentialSource::Asked(Asked { profile, .. }) => profile.as_deref(),
        CredentialSource::Keys { .. } => None,
    };
    let (object, message) = match profile {
        Some(profile) => (
            format!("profile {profile}"),
            format!(
                "profile `{profile}` provides no credentials: {cause}{}",
                advice(origin.config, profile)
            ),
        ),
        None => {
            let what = match error {
                CredentialsError::CredentialsNotLoaded(_) => "none found",
                _ => &cause,
            };
            (
                "the default chain".to_owned(),
                format!("{what}; {TRIED}; {HOP_LIMIT}"),
            )
        }
    };
    CallError::new("aws", "credentials", object, CallErrorKind::Credentials, message)
}

/// What to do about a profile that gives none, after a semicolon; nothing where its own cause says all.
fn advice(config: &SharedConfig, profile: &str) -> String {
    let chain = config.chain(profile);
    let sso = ["sso_session", "sso_start_url", "sso_account_id"];
    if let Some(below) = chain
        .iter()
        .find(|profile| sso.iter().any(|key| profile.get(key).is_some()))
    {
        format!("; log in with `aws sso login --profile {}`", below.name())
    } else if chain
        .iter()
        .any(|profile| profile.get("credential_source") == Some(INSTANCE))
    {
        format!("; {HOP_LIMIT}")
    } else {
        String::new()
    }
}

/// Fetches credentials once and keeps them until they are about to expire. The SDK keeps them per client, which would
/// run a credential process or ask SSO five times.
struct Renewing {
    inner: SharedCredentialsProvider,
    current: Mutex<Option<Credentials>>,
}

impl Renewing {
    async fn current(&self) -> Result<Credentials, CredentialsError> {
        let mut current = self.current.lock().await;
        if let Some(credentials) = current.as_ref().filter(|credentials| lives_on(credentials)) {
            return Ok(credentials.clone());
        }
        let fresh = self.inner.provide_credentials().await?;
        *current = Some(fresh.clone());
        Ok(fresh)
    }
}

fn lives_on(credentials: &Credentials) -> bool {
    credentials
        .expiry()
        .is_none_or(|expiry| expiry > SystemTime::now() + RENEWAL_MARGIN)
}

impl fmt::Debug for Renewing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Renewing")
    }
}

impl ProvideCredentials for Renewing {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.current())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::aws::assume_role::nobody_to_ask;

    #[derive(Debug)]
    struct Counting(Arc<AtomicUsize>, Option<SystemTime>);

    impl ProvideCredentials for Counting {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            let number = self.0.fetch_add(1, Ordering::SeqCst);
            future::ProvideCredentials::ready(Ok(Credentials::new(
                format!("K{number}"),
                "s",
                None,
                self.1,
                "test",
            )))
        }
    }

    async fn keys_of_two_requests(expiry: Option<SystemTime>) -> [String; 2] {
        let inner = SharedCredentialsProvider::new(Counting(Arc::default(), expiry));
        let provider = Renewing {
            inner,
            current: Mutex::new(None),
        };
        let first = provider.current().await.unwrap();
        let second = provider.current().await.unwrap();
        [first, second].map(|credentials| credentials.access_key_id().to_owned())
    }

    #[tokio::test]
    async fn credentials_are_fetched_again_only_when_they_are_about_to_expire() {
        let now = SystemTime::now();
        assert_eq!(keys_of_two_requests(None).await, ["K0", "K0"]);
        assert_eq!(
            keys_of_two_requests(Some(now + Duration::from_hours(1))).await,
            ["K0", "K0"]
        );
        assert_eq!(
            keys_of_two_requests(Some(now + Duration::from_secs(30))).await,
            ["K0", "K1"]
        );
    }

    #[tokio::test]
    async fn profile_that_does_not_exist_is_an_error_and_not_another_source() {
        let client = http::client(&crate::trust::TrustRoots::mozilla());
        let error = resolve(
            Some("us-west-2"),
            Some("eksact-no-such-profile"),
            &client,
            nobody_to_ask,
        )
        .await
        .unwrap_err();
        assert_eq!(error.kind, CallErrorKind::Credentials);
        assert!(error.to_string().contains("eksact-no-such-profile"), "{error}");
    }
}
