//! The providers that credentials are asked of: aws-config's own, with a bound on the instance's metadata service and with
//! codes of MFA devices. Which source it is, is decided in `cloud::credentials::source`; which credentials count, and for
//! how long, is not decided here.

use std::time::Duration;

use aws_config::ecs::EcsCredentialsProvider;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::imds::client::ImdsResponseRetryClassifier;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::profile::{Profile, ProfileFileCredentialsProvider};
use aws_config::provider_config::ProviderConfig;
use aws_config::web_identity_token::WebIdentityTokenCredentialsProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig, imds};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::retries::classifiers::SharedRetryClassifier;

use super::assume_role::{AskForCode, MfaRole};
use super::http;
use eksact_credentials::source::web_identity_file;
use eksact_credentials::{Asked, CredentialSource, Environment, SharedConfig};

/// Time for the metadata service of an EC2 instance: on any other machine nothing answers, and people wait.
const METADATA_LIMIT: Duration = Duration::from_secs(1);
/// No environment makes it longer than this in all.
const METADATA_LONGEST: Duration = Duration::from_mins(1);
/// Time for the container's endpoint, tries included: it is on the same machine, and a command must not hang on it. The AWS CLI gives
/// each of its tries as much (botocore, `ContainerMetadataFetcher.TIMEOUT_SECONDS`).
const CONTAINER_LIMIT: Duration = Duration::from_secs(2);
/// How many profiles a chain may have.
const LONGEST_CHAIN: usize = 8;
/// `credential_source` of a profile that stands on the instance's role.
pub(super) const INSTANCE: &str = "Ec2InstanceMetadata";
const CONTAINER: &str = "EcsContainer";
const ENVIRONMENT: &str = "Environment";

/// What the providers are made from.
pub(super) struct Sources<'a> {
    pub(super) region: &'a Region,
    pub(super) configuration: ProviderConfig,
    pub(super) environment: &'a Environment,
    pub(super) config: &'a SharedConfig,
    pub(super) client: &'a SharedHttpClient,
    pub(super) ask_for_code: AskForCode,
}

impl Sources<'_> {
    /// The provider of a source. A profile stands alone: where it gives nothing, no other source takes its place.
    pub(super) async fn provider(&self, source: &CredentialSource) -> SharedCredentialsProvider {
        match source {
            CredentialSource::Keys { credentials, .. } => SharedCredentialsProvider::new(credentials.clone()),
            CredentialSource::Asked(Asked {
                profile: Some(profile),
                ..
            }) => match self.with_code(profile).await {
                Some(provider) => provider,
                None => self.of_profile(profile),
            },
            CredentialSource::Asked(_) => self.of_machine(),
        }
    }

    fn of_profile(&self, profile: &str) -> SharedCredentialsProvider {
        SharedCredentialsProvider::new(
            ProfileFileCredentialsProvider::builder()
                .configure(&self.configuration)
                .with_custom_provider(INSTANCE, self.instance())
                .profile_files(self.config.files())
                .profile_name(profile)
                .build(),
        )
    }

    /// What comes after environment and profile.
    fn of_machine(&self) -> SharedCredentialsProvider {
        let container = self.container();
        let chain = if web_identity_file(self.environment).is_some() {
            let identity = WebIdentityTokenCredentialsProvider::builder()
                .configure(&self.configuration)
                .build();
            CredentialsProviderChain::first_try("WebIdentityToken", identity).or_else(CONTAINER, container)
        } else {
            CredentialsProviderChain::first_try(CONTAINER, container)
        };
        SharedCredentialsProvider::new(chain.or_else(INSTANCE, self.instance()))
    }

    fn container(&self) -> Bounded<EcsCredentialsProvider> {
        let provider = EcsCredentialsProvider::builder().configure(&self.configuration);
        Bounded {
            provider: provider.build(),
            limit: CONTAINER_LIMIT,
        }
    }

    fn instance(&self) -> ImdsCredentialsProvider {
        ImdsCredentialsProvider::builder()
            .configure(&self.configuration)
            .imds_client(metadata_client(self.environment, &self.configuration))
            .build()
    }

    /// The provider of a profile where it or one that it builds upon has `mfa_serial`.
    async fn with_code(&self, profile: &str) -> Option<SharedCredentialsProvider> {
        let chain = self.config.chain(profile);
        let wants_code =
            |profile: &&Profile| profile.get("mfa_serial").is_some() && profile.get("role_arn").is_some();
        let deepest = chain.iter().rposition(wants_code)?;
        let roles = chain
            .get(..=deepest)
            .filter(|roles| roles.len() <= LONGEST_CHAIN)?;
        // What stands below the last role that wants a code is the SDK's business.
        let mut provider: Option<SharedCredentialsProvider> = None;
        for profile in roles.iter().rev() {
            let role = profile.get("role_arn")?;
            let source = match provider.take() {
                Some(source) => source,
                None => self.below(profile)?,
            };
            provider = Some(if let Some(serial) = profile.get("mfa_serial") {
                SharedCredentialsProvider::new(MfaRole {
                    profile: profile.name().to_owned(),
                    role: role.to_owned(),
                    serial: serial.to_owned(),
                    external_id: profile.get("external_id").map(str::to_owned),
                    session_name: profile.get("role_session_name").map(str::to_owned),
                    duration: profile
                        .get("duration_seconds")
                        .and_then(|text| text.trim().parse().ok())
                        .map(Duration::from_secs),
                    source,
                    configuration: self.without_credentials().await,
                    ask: self.ask_for_code,
                })
            } else {
                let mut assuming = aws_config::sts::AssumeRoleProvider::builder(role)
                    .configure(&self.without_credentials().await)
                    .session_name(profile.get("role_session_name").unwrap_or("eksact"));
                if let Some(external_id) = profile.get("external_id") {
                    assuming = assuming.external_id(external_id);
                }
                SharedCredentialsProvider::new(assuming.build_from_provider(source).await)
            });
        }
        provider
    }

    /// The credentials that a profile's role is assumed with: keys in the profile itself, the profile that it names, or the
    /// source that it names. None where that is not settled; then the SDK says what is missing.
    fn below(&self, profile: &Profile) -> Option<SharedCredentialsProvider> {
        match (profile.get("source_profile"), profile.get("credential_source")) {
            (Some(source), None) if source != profile.name() => Some(self.of_profile(source)),
            (Some(_), None) => Some(SharedCredentialsProvider::new(Credentials::new(
                profile.get("aws_access_key_id")?,
                profile.get("aws_secret_access_key")?,
                profile.get("aws_session_token").map(str::to_owned),
                None,
                "profile",
            ))),
            (None, Some(ENVIRONMENT)) => Some(SharedCredentialsProvider::new(
                EnvironmentVariableCredentialsProvider::new(),
            )),
            (None, Some(CONTAINER)) => Some(SharedCredentialsProvider::new(self.container())),
            (None, Some(INSTANCE)) => Some(SharedCredentialsProvider::new(self.instance())),
            _ => None,
        }
    }

    async fn without_credentials(&self) -> SdkConfig {
        aws_config::defaults(BehaviorVersion::v2026_01_12())
            .http_client(self.client.clone())
            .region(self.region.clone())
            .no_credentials()
            .profile_files(self.config.files())
            .timeout_config(http::time_limits())
            .load()
            .await
    }
}

/// A provider that is given up after some time.
#[derive(Debug)]
struct Bounded<P> {
    provider: P,
    limit: Duration,
}

impl<P: ProvideCredentials> ProvideCredentials for Bounded<P> {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            tokio::time::timeout(self.limit, self.provider.provide_credentials())
                .await
                .unwrap_or_else(|_| Err(CredentialsError::provider_timed_out(self.limit)))
        })
    }
}

/// The metadata service, with the bounds that the AWS CLI knows: `AWS_METADATA_SERVICE_TIMEOUT` (seconds for one attempt)
/// and `AWS_METADATA_SERVICE_NUM_ATTEMPTS`. One second and one attempt unless they are set. Without a word to the contrary the
/// SDK tries again after a refusal only, never after silence.
fn metadata_client(environment: &Environment, configuration: &ProviderConfig) -> imds::Client {
    let (limit, attempts) = metadata_bounds(environment);
    let again = ImdsResponseRetryClassifier::default().with_retry_connect_timeouts(attempts > 1);
    // The SDK's pauses between attempts: up to a second, then up to twice as long each time.
    let pauses = Duration::from_secs((1 << attempts.saturating_sub(1)) - 1);
    imds::Client::builder()
        .configure(configuration)
        .retry_classifier(SharedRetryClassifier::new(again))
        .connect_timeout(limit)
        .read_timeout(limit)
        .operation_attempt_timeout(limit)
        .operation_timeout((limit.saturating_mul(attempts) + pauses).min(METADATA_LONGEST))
        .max_attempts(attempts)
        .build()
}

fn metadata_bounds(environment: &Environment) -> (Duration, u32) {
    let limit = environment
        .get("AWS_METADATA_SERVICE_TIMEOUT")
        .and_then(|text| text.trim().parse::<f64>().ok())
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .filter(|limit| !limit.is_zero())
        .map_or(METADATA_LIMIT, |limit| limit.min(METADATA_LONGEST));
    let attempts = environment
        .get("AWS_METADATA_SERVICE_NUM_ATTEMPTS")
        .and_then(|text| text.trim().parse().ok())
        .filter(|attempts| (1..=10).contains(attempts))
        .unwrap_or(1);
    (limit, attempts)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use aws_smithy_runtime_api::client::http::{
        HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
    };
    use aws_smithy_runtime_api::client::orchestrator::HttpRequest;

    use super::*;

    /// A network that takes everything and answers nothing.
    #[derive(Clone, Debug, Default)]
    struct Silence(Arc<AtomicUsize>);

    impl HttpConnector for Silence {
        fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
            self.0.fetch_add(1, Ordering::SeqCst);
            HttpConnectorFuture::new(std::future::pending())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn silence_of_the_metadata_service_is_met_as_often_as_the_environment_says() {
        for attempts in [1usize, 3] {
            let environment: Environment = [("AWS_METADATA_SERVICE_NUM_ATTEMPTS", attempts.to_string())]
                .into_iter()
                .collect();
            let silence = Silence::default();
            let connector = SharedHttpConnector::new(silence.clone());
            let configuration = ProviderConfig::without_region()
                .with_behavior_version(Some(BehaviorVersion::v2026_01_12()))
                .with_http_client(http_client_fn(move |_, _| connector.clone()));
            let begun = tokio::time::Instant::now();
            let client = metadata_client(&environment, &configuration);
            assert!(client.get("/latest/meta-data/").await.is_err());
            assert!(silence.0.load(Ordering::SeqCst) >= attempts, "{attempts}");
            assert!(begun.elapsed() <= Duration::from_secs(if attempts == 1 { 2 } else { 7 }));
        }
    }

    /// An endpoint that takes the connection and never answers.
    #[tokio::test(start_paused = true)]
    async fn silence_of_the_containers_endpoint_is_given_up_in_two_seconds() {
        #[derive(Debug)]
        struct Silent;
        impl ProvideCredentials for Silent {
            fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
            where
                Self: 'a,
            {
                future::ProvideCredentials::new(std::future::pending())
            }
        }
        let begun = tokio::time::Instant::now();
        let bounded = Bounded {
            provider: Silent,
            limit: CONTAINER_LIMIT,
        };
        let chain = CredentialsProviderChain::first_try(CONTAINER, bounded).or_else(INSTANCE, Silent);
        let error = chain.provide_credentials().await.unwrap_err();
        assert!(
            matches!(error, CredentialsError::ProviderTimedOut(_)),
            "{error:?}"
        );
        assert_eq!(begun.elapsed(), CONTAINER_LIMIT);
    }

    #[test]
    fn metadata_service_is_bounded_as_the_environment_says() {
        let bounds = |timeout: &str, attempts: &str| {
            let environment: Environment = [
                ("AWS_METADATA_SERVICE_TIMEOUT", timeout),
                ("AWS_METADATA_SERVICE_NUM_ATTEMPTS", attempts),
            ]
            .into_iter()
            .collect();
            metadata_bounds(&environment)
        };
        assert_eq!(bounds("", ""), (METADATA_LIMIT, 1));
        assert_eq!(bounds("2.5", "3"), (Duration::from_millis(2500), 3));
        assert_eq!(bounds("-1", "0"), (METADATA_LIMIT, 1));
        assert_eq!(bounds("NaN", "many"), (METADATA_LIMIT, 1));
        assert_eq!(bounds("1e300", "1"), (METADATA_LIMIT, 1));
        assert_eq!(bounds("86400", "1"), (METADATA_LONGEST, 1));
    }
}
