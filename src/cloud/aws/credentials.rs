//! Who calls: one resolver of region and credentials for every command, so that a plan and a token never use different
//! accounts.
//!
//! It is aws-config's chain with two differences: an explicit `--profile` is used even where keys stand in the
//! environment, and it alone, where aws-config lets the environment win; and a profile with `mfa_serial` asks for the code,
//! where aws-config assumes the role without one.

use std::fmt;
use std::time::{Duration, SystemTime};

use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::region::ProfileFileRegionProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use tokio::sync::Mutex;

use super::assume_role::{AskForCode, RoleToAssume, assume};
use super::credential_chain::Sources;
use super::error::chain_text;
use super::{ConnectError, http};
use crate::cloud::credentials::Environment;
use crate::cloud::trust::TrustRoots;
use crate::ports::{CallError, CallErrorKind};

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
    let region = resolve_region(region, profile).await?;
    let environment = Environment::of_process();
    let configuration = ProviderConfig::without_region()
        .with_region(Some(region.clone()))
        .with_behavior_version(Some(BehaviorVersion::v2026_01_12()))
        .with_http_client(client.clone());
    let sources = Sources {
        region: &region,
        configuration,
        environment: &environment,
        client,
        ask_for_code,
    };
    let provider = SharedCredentialsProvider::new(Renewing {
        inner: sources.chain(profile).await,
        current: Mutex::new(None),
    });
    provider
        .provide_credentials()
        .await
        .map_err(|error| no_credentials(profile, &error))?;

    let mut loader = loader(&region, &provider, client);
    if let Some(profile) = profile {
        loader = loader.profile_name(profile);
    }
    Ok(Session {
        sdk_config: loader.load().await,
        region: region.to_string(),
        credentials: provider,
        notes: notes(profile, &|name| std::env::var(name).ok()),
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
            RetryConfig::adaptive()
                .with_max_attempts(ATTEMPTS)
                .with_initial_backoff(Duration::from_millis(300)),
        )
}

/// The configuration of clients that call with these very credentials.
pub async fn configuration_of(
    region: &str,
    credentials: Credentials,
    client: &SharedHttpClient,
) -> (SdkConfig, SharedCredentialsProvider) {
    let provider = SharedCredentialsProvider::new(credentials);
    let configuration = loader(&Region::new(region.to_owned()), &provider, client)
        .load()
        .await;
    (configuration, provider)
}

/// The credentials that a token is signed with: those of [`resolve`], and on top of them `role`, where one is given.
///
/// # Errors
/// Without credentials, or when AWS refuses the role.
pub async fn fetch(
    region: &str,
    profile: Option<&str>,
    role: Option<&RoleToAssume>,
    ask_for_code: AskForCode,
) -> Result<Credentials, ConnectError> {
    let trust_roots = TrustRoots::from_environment()?;
    let session = resolve(Some(region), profile, &http::client(&trust_roots), ask_for_code).await?;
    let credentials = match role {
        Some(role) => assume(&session.sdk_config, role).await?,
        None => session
            .credentials
            .provide_credentials()
            .await
            .map_err(|error| no_credentials(profile, &error))?,
    };
    Ok(credentials)
}

/// Flag or file, then environment, then profile. Not the metadata service: a plan whose region depends on the machine
/// that it runs on is no plan.
async fn resolve_region(region: Option<&str>, profile: Option<&str>) -> Result<Region, CallError> {
    if let Some(region) = region {
        return Ok(Region::new(region.to_owned()));
    }
    let mut profile_region = ProfileFileRegionProvider::builder();
    if let Some(profile) = profile {
        profile_region = profile_region.profile_name(profile);
    }
    RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
        .or_else(profile_region.build())
        .region()
        .await
        .filter(|region| !region.as_ref().is_empty())
        .ok_or_else(|| {
            CallError::new(
                "aws",
                "configuration",
                "region",
                CallErrorKind::Invalid,
                "no region is set; give --region, metadata.region in the file, AWS_REGION, or a region in the profile",
            )
        })
}

/// Where the credentials come from, where that may surprise.
pub fn notes(profile: Option<&str>, variable: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let mut notes = Vec::new();
    if set("AWS_ACCESS_KEY_ID").is_some() {
        if let Some(profile) = profile {
            notes.push(format!(
                "`--profile {profile}` is used; AWS_ACCESS_KEY_ID in the environment is ignored"
            ));
        } else if let Some(profile) = set("AWS_PROFILE") {
            notes.push(format!(
                "AWS_ACCESS_KEY_ID in the environment is used; AWS_PROFILE={profile} is ignored for credentials \
                 (`--profile {profile}` would use it)"
            ));
        }
    }
    notes
}

const TRIED: &str = "tried, in this order: the environment (AWS_ACCESS_KEY_ID), the profile (AWS_PROFILE, ~/.aws/config, \
     ~/.aws/credentials), web identity (AWS_WEB_IDENTITY_TOKEN_FILE), the container's role, the EC2 instance's role; \
     set one of them, give --profile, or log in with `aws sso login`; in a container on EC2 the instance's metadata service \
     answers only if its hop limit is 2 or more (HttpPutResponseHopLimit)";

/// The error for "no credentials": what was tried and what to do.
fn no_credentials(profile: Option<&str>, error: &CredentialsError) -> CallError {
    let cause = chain_text(error);
    let message = match (profile, error) {
        (Some(profile), _) => format!(
            "profile `{profile}` gives none: {cause}; for an SSO profile log in with `aws sso login --profile {profile}`"
        ),
        (None, CredentialsError::CredentialsNotLoaded(_)) => format!("none found; {TRIED}"),
        (None, _) => format!("{cause}; {TRIED}"),
    };
    let object = profile.map_or_else(
        || "the default chain".to_owned(),
        |profile| format!("profile {profile}"),
    );
    CallError::new("aws", "credentials", object, CallErrorKind::Credentials, message)
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
    use crate::cloud::aws::assume_role::nobody_to_ask;

    #[test]
    fn what_is_ignored_is_said() {
        let both = |name: &str| match name {
            "AWS_ACCESS_KEY_ID" => Some("AKIAEXAMPLE".to_owned()),
            "AWS_PROFILE" => Some("prod".to_owned()),
            _ => None,
        };
        assert_eq!(
            notes(Some("dev"), &both),
            ["`--profile dev` is used; AWS_ACCESS_KEY_ID in the environment is ignored"]
        );
        assert!(
            notes(None, &both)
                .concat()
                .contains("AWS_PROFILE=prod is ignored")
        );
        assert!(!notes(None, &both).concat().contains("AKIAEXAMPLE"));
        assert!(notes(Some("dev"), &|_| None).is_empty());
    }

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
    async fn a_profile_that_does_not_exist_is_an_error_and_not_another_source() {
        let client = http::client(&crate::cloud::trust::TrustRoots::mozilla());
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
