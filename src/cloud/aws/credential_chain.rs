//! The chain of providers that credentials are asked of: aws-config's own, with a bound on the instance's metadata service
//! and with codes of MFA devices. Which credentials count, and for how long, is not decided here.

use std::time::Duration;

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::profile::{Profile, ProfileFileCredentialsProvider};
use aws_config::provider_config::ProviderConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig, imds};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use super::assume_role::{AskForCode, MfaRole};
use super::http;
use crate::cloud::credentials::source::profile_name;
use crate::cloud::credentials::{Environment, SharedConfig};

/// Time for the metadata service of an EC2 instance: on any other machine nothing answers, and people wait.
const METADATA_LIMIT: Duration = Duration::from_secs(1);
/// No environment makes it longer than this in all.
const METADATA_LONGEST: Duration = Duration::from_mins(1);
/// How many profiles a chain may have.
const LONGEST_CHAIN: usize = 8;

/// What the providers are made from.
pub(super) struct Sources<'a> {
    pub(super) region: &'a Region,
    pub(super) configuration: ProviderConfig,
    pub(super) environment: &'a Environment,
    pub(super) client: &'a SharedHttpClient,
    pub(super) ask_for_code: AskForCode,
}

impl Sources<'_> {
    /// The chain of providers; a named profile stands alone.
    pub(super) async fn chain(&self, profile: Option<&str>) -> SharedCredentialsProvider {
        if let Some(provider) = self.with_code(profile).await {
            return provider;
        }
        let metadata = metadata_client(self.environment, &self.configuration);
        let instance = ImdsCredentialsProvider::builder()
            .configure(&self.configuration)
            .imds_client(metadata.clone())
            .build();
        match profile {
            Some(profile) => SharedCredentialsProvider::new(
                ProfileFileCredentialsProvider::builder()
                    .configure(&self.configuration)
                    .with_custom_provider("Ec2InstanceMetadata", instance)
                    .profile_name(profile)
                    .build(),
            ),
            None => SharedCredentialsProvider::new(
                DefaultCredentialsChain::builder()
                    .imds_client(metadata)
                    .with_custom_credential_source("Ec2InstanceMetadata", instance)
                    // Without it the chain would ask for a region of its own, the metadata service included.
                    .region(self.region.clone())
                    .configure(self.configuration.clone())
                    .build()
                    .await,
            ),
        }
    }

    /// The provider of the profile in use, where it or one that it builds upon has `mfa_serial`.
    async fn with_code(&self, flag: Option<&str>) -> Option<SharedCredentialsProvider> {
        if flag.is_none() && self.environment.get("AWS_ACCESS_KEY_ID").is_some() {
            return None;
        }
        // What is wrong with the files is told by the SDK's own provider.
        let config = SharedConfig::load(self.environment).ok()?;
        let chain = config.chain(profile_name(self.environment, flag));
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

    /// The credentials that a profile's role is assumed with: keys in the profile itself, or the profile that it names.
    fn below(&self, profile: &Profile) -> Option<SharedCredentialsProvider> {
        let source = profile.get("source_profile")?;
        if source != profile.name() {
            return Some(SharedCredentialsProvider::new(
                ProfileFileCredentialsProvider::builder()
                    .configure(&self.configuration)
                    .profile_name(source)
                    .build(),
            ));
        }
        Some(SharedCredentialsProvider::new(Credentials::new(
            profile.get("aws_access_key_id")?,
            profile.get("aws_secret_access_key")?,
            profile.get("aws_session_token").map(str::to_owned),
            None,
            "profile",
        )))
    }

    async fn without_credentials(&self) -> SdkConfig {
        aws_config::defaults(BehaviorVersion::v2026_01_12())
            .http_client(self.client.clone())
            .region(self.region.clone())
            .no_credentials()
            .timeout_config(http::time_limits())
            .load()
            .await
    }
}

/// The metadata service, with the bounds that the AWS CLI knows: `AWS_METADATA_SERVICE_TIMEOUT` (seconds for one attempt)
/// and `AWS_METADATA_SERVICE_NUM_ATTEMPTS`. One second and one attempt unless they are set.
fn metadata_client(environment: &Environment, configuration: &ProviderConfig) -> imds::Client {
    let (limit, attempts) = metadata_bounds(environment);
    imds::Client::builder()
        .configure(configuration)
        .connect_timeout(limit)
        .read_timeout(limit)
        .operation_attempt_timeout(limit)
        .operation_timeout(limit.saturating_mul(attempts).min(METADATA_LONGEST))
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
    use super::*;

    #[test]
    fn the_metadata_service_is_bounded_as_the_environment_says() {
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
