//! Which adapters answer: the real account and cluster, or the sandbox. Nothing above this knows which.

use std::{num::NonZeroUsize, sync::Arc};

use jiff::Timestamp;

use super::{Failure, global::GlobalFlags};
use eksact_cloud::{
    aws::{AwsClient, AwsSettings, IssuerClient, RoleToAssume},
    kubernetes::{self, KubeconfigContext, KubernetesClient},
    web_identity::WebIdentity,
};
use eksact_core::{
    config::ClusterConfig,
    ports::{Readers, Writers, web_identity::WebIdentityTrial},
    view::{Printer, terminal_question},
};
use eksact_credentials::{CredentialSource, Environment, SharedConfig, SourceError, source::profile_name};
use eksact_simulator::Seed;

/// The way to an account and a cluster.
#[derive(Clone)]
pub(super) struct Connection {
    /// For planning.
    pub readers: Readers,
    /// For carrying out an approved plan.
    pub writers: Writers,
    /// For the call of a pod, made on request.
    pub web_identity: Arc<dyn WebIdentityTrial>,
}

impl Connection {
    /// Opens the way to the cluster that `config` names. The cluster's own API is reached only when something asks for
    /// it.
    pub(super) async fn open(
        global: &GlobalFlags,
        config: &ClusterConfig,
        printer: &Printer,
    ) -> Result<Self, Failure> {
        Self::open_in(None, global, config, printer).await
    }

    /// The same in a role; the sandbox, where everybody may do everything, takes no notice of it.
    pub(super) async fn open_in(
        role: Option<RoleToAssume>,
        global: &GlobalFlags,
        config: &ClusterConfig,
        printer: &Printer,
    ) -> Result<Self, Failure> {
        let (cluster, region) = (
            config.metadata.name.value.clone(),
            config.metadata.region.value.clone(),
        );
        if global.sandbox {
            let seed = Seed {
                cluster,
                region,
                account: None,
            };
            let sandbox = super::sandbox::open(&seed, global.sandbox_caller.clone(), global, printer)?;
            return Ok(Self {
                readers: sandbox.readers(),
                writers: sandbox.writers(),
                web_identity: Arc::new(sandbox),
            });
        }
        let settings = AwsSettings {
            region: Some(region.clone()),
            profile: global.profile.clone(),
            max_calls_in_flight: NonZeroUsize::new(usize::from(global.parallelism))
                .unwrap_or(NonZeroUsize::MIN),
            ask_for_code: terminal_question::mfa_code,
            role,
        };
        // Resolving credentials is large and done once: boxed, it does not make every command's future large.
        let connected = Box::pin(AwsClient::connect(&settings)).await?;
        for note in &connected.notes {
            printer.note(note);
        }
        let aws = Arc::new(connected.client);
        let connection = match (&global.kubeconfig, &global.context) {
            (None, None) => kubernetes::Connection::Endpoint {
                aws: aws.clone(),
                credentials: aws.credentials(),
                region,
            },
            (kubeconfig, context) => kubernetes::Connection::Kubeconfig(KubeconfigContext {
                path: kubeconfig.clone(),
                context: context.clone(),
            }),
        };
        let kubernetes = Arc::new(KubernetesClient::new(cluster, connection));
        let issuer = Arc::new(IssuerClient::from_environment(&connected.trust_roots));
        Ok(Self {
            readers: Readers {
                aws: aws.clone(),
                kubernetes: kubernetes.clone(),
                issuer,
            },
            web_identity: Arc::new(WebIdentity {
                aws: aws.clone(),
                kubernetes: kubernetes.clone(),
            }),
            writers: Writers { aws, kubernetes },
        })
    }
}

/// The region of a profile in the AWS configuration files, when they name one. Files that cannot be read are told of by
/// whoever needs their credentials.
///
/// # Errors
/// When the profile that is asked for is in no file.
pub(super) fn region_of_profile(profile: Option<&str>) -> Result<Option<String>, Failure> {
    let environment = Environment::of_process();
    let Ok(config) = SharedConfig::load(&environment) else {
        return Ok(None);
    };
    let found = CredentialSource::find(&environment, &config, profile, Timestamp::now());
    if let Err(error @ SourceError::NoProfile { .. }) = found {
        return Err(error.into());
    }
    Ok(config
        .profile(profile_name(&environment, profile))
        .and_then(|profile| profile.get("region"))
        .map(str::to_owned))
}
