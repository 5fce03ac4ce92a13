//! Which adapters answer: the real account and cluster, or the sandbox. Nothing above this knows which.

use std::{num::NonZeroUsize, sync::Arc};

use tokio::sync::OnceCell;

use crate::cli::{
    Failure,
    flags::{global::GlobalFlags, signing},
};
use eksact_cloud::{
    aws::{AwsClient, AwsSettings, IssuerClient, RoleToAssume, SessionName},
    kubernetes::{self, KubeconfigContext, KubernetesClient},
    web_identity::WebIdentity,
};
use eksact_core::{
    config::{ClusterConfig, Located},
    ports::{
        CallError, Readers, Writers,
        aws::{CallerIdentityReader as _, Cluster},
        web_identity::WebIdentityTrial,
    },
    view::{Printer, terminal_question},
};
use eksact_credentials::Environment;
use eksact_simulator::Seed;

/// The way to an account and a cluster.
#[derive(Clone)]
pub(crate) struct Connection {
    /// For planning.
    pub readers: Readers,
    /// For carrying out an approved plan.
    pub writers: Writers,
    /// For the call of a pod, made on request.
    pub web_identity: Arc<dyn WebIdentityTrial>,
}

impl Connection {
    /// Opens the way to the cluster that `config` names, in the account that it names. The cluster's own API is reached only
    /// when something asks for it.
    pub(crate) async fn open(
        global: &GlobalFlags,
        config: &ClusterConfig,
        printer: &Printer,
    ) -> Result<Self, Failure> {
        Self::open_in(None, global, config, printer).await
    }

    /// The same in another role than that of the configuration; the sandbox, where everybody may do everything, takes no notice
    /// of it.
    pub(crate) async fn open_in(
        role: Option<RoleToAssume>,
        global: &GlobalFlags,
        config: &ClusterConfig,
        printer: &Printer,
    ) -> Result<Self, Failure> {
        if global.sandbox {
            return Self::sandboxed(global, config, printer);
        }
        let route = Route::of(role, global, config)?;
        let account = Account::open(&route, global, printer).await?;
        Self::over(&account, global, config).await
    }

    /// What EKS says of the cluster. The way to the cluster's API learns it as well, and does not ask again.
    ///
    /// # Errors
    /// When EKS does not say it.
    pub(crate) async fn cluster(&self, name: &str) -> Result<Cluster, CallError> {
        let cluster = self.readers.aws.cluster(name).await?;
        self.readers.kubernetes.learn(&cluster);
        Ok(cluster)
    }

    /// The way into the sandbox.
    pub(crate) fn sandboxed(
        global: &GlobalFlags,
        config: &ClusterConfig,
        printer: &Printer,
    ) -> Result<Self, Failure> {
        let account = config
            .access
            .account
            .as_ref()
            .and_then(|account| account.number());
        let seed = Seed {
            cluster: config.metadata.name.value.clone(),
            region: config.metadata.region.value.clone(),
            account: account.map(str::to_owned),
        };
        let sandbox = super::sandbox::open(&seed, global.sandbox_caller.clone(), global, printer)?;
        Ok(Self {
            readers: sandbox.readers(),
            writers: sandbox.writers(),
            web_identity: Arc::new(sandbox),
        })
    }

    /// The way to the cluster that `config` names, through an account that is open already. Where the configuration names
    /// another account, that is refused before anything else is read.
    pub(crate) async fn over(
        account: &Account,
        global: &GlobalFlags,
        config: &ClusterConfig,
    ) -> Result<Self, Failure> {
        if let Some(id) = config.access.account.as_ref().and_then(|named| named.id.as_ref()) {
            account.check(id).await?;
        }
        let aws = Arc::clone(&account.aws);
        let connection = match (&global.kubeconfig, &global.context) {
            (None, None) => kubernetes::Connection::Endpoint {
                aws: aws.clone(),
                credentials: aws.credentials(),
                region: config.metadata.region.value.clone(),
            },
            (kubeconfig, context) => kubernetes::Connection::Kubeconfig(KubeconfigContext {
                path: kubeconfig.clone(),
                context: context.clone(),
            }),
        };
        let kubernetes = Arc::new(KubernetesClient::new(
            config.metadata.name.value.clone(),
            connection,
        ));
        Ok(Self {
            readers: Readers {
                aws: aws.clone(),
                kubernetes: kubernetes.clone(),
                issuer: account.issuer.clone(),
            },
            web_identity: Arc::new(WebIdentity {
                aws: aws.clone(),
                kubernetes: kubernetes.clone(),
            }),
            writers: Writers { aws, kubernetes },
        })
    }
}

/// How to get to an account and a region: clusters with the same share a client.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Route {
    region: String,
    profile: Option<String>,
    /// ARN and external id of a role, and the name of its session.
    role: Option<(String, Option<String>, String)>,
}

impl Route {
    /// The route of a configuration: its own, and what flags add to it.
    ///
    /// # Errors
    /// When a flag says something else than the configuration.
    pub(crate) fn of(
        role: Option<RoleToAssume>,
        global: &GlobalFlags,
        config: &ClusterConfig,
    ) -> Result<Self, Failure> {
        let account = config.access.account.as_ref();
        let named = account.and_then(|account| account.profile.as_ref());
        if let (Some(flag), Some(named)) = (&global.profile, named)
            && *flag != named.value
        {
            return Err(Failure::usage(format!(
                "--profile {flag} is not the profile of the file, {}: leave --profile out, or the file's `account.profile`",
                named.value
            )));
        }
        let own = account.and_then(|account| {
            let external_id = account.external_id.as_ref().map(|id| id.value.clone());
            let arn = account.role_arn.as_ref()?.value.clone();
            Some((
                arn,
                external_id,
                signing::own_session_name(&Environment::of_process()),
            ))
        });
        let given = role.map(|role| {
            let (SessionName::Named(name) | SessionName::Forwarded { otherwise: name }) = role.session_name;
            (role.arn, role.external_id, name)
        });
        Ok(Self {
            region: config.metadata.region.value.clone(),
            profile: global
                .profile
                .clone()
                .or_else(|| named.map(|named| named.value.clone())),
            role: given.or(own),
        })
    }
}

/// An account and a region, open.
pub(crate) struct Account {
    aws: Arc<AwsClient>,
    issuer: Arc<IssuerClient>,
    /// Its id, once it was asked for.
    id: OnceCell<String>,
}

impl Account {
    /// Resolves the credentials of a route, and assumes its role.
    pub(crate) async fn open(
        route: &Route,
        global: &GlobalFlags,
        printer: &Printer,
    ) -> Result<Self, Failure> {
        let settings = AwsSettings {
            region: Some(route.region.clone()),
            profile: route.profile.clone(),
            max_calls_in_flight: NonZeroUsize::new(usize::from(global.parallelism))
                .unwrap_or(NonZeroUsize::MIN),
            ask_for_code: terminal_question::mfa_code,
            role: route.role.clone().map(|(arn, external_id, name)| RoleToAssume {
                arn,
                external_id,
                session_name: SessionName::Named(name),
            }),
        };
        // Resolving credentials is large and done once: boxed, it does not make every command's future large.
        let connected = Box::pin(AwsClient::connect(&settings)).await?;
        for note in &connected.notes {
            printer.note(note);
        }
        Ok(Self {
            issuer: Arc::new(IssuerClient::from_environment(&connected.trust_roots)),
            aws: Arc::new(connected.client),
            id: OnceCell::new(),
        })
    }

    /// How many calls were made so far.
    pub(crate) fn calls(&self) -> u64 {
        self.aws.calls()
    }

    /// Refuses credentials of another account than the file names.
    async fn check(&self, named: &Located<String>) -> Result<(), Failure> {
        let id = self
            .id
            .get_or_try_init(async || Ok::<_, CallError>(self.aws.caller_identity().await?.account))
            .await?;
        if *id == named.value {
            return Ok(());
        }
        let place = named.location.as_ref();
        let place = place.map_or_else(String::new, |place| format!(" ({place})"));
        Err(Failure::error(format!(
            "the credentials are of the account {id}, and the cluster is in {}{place}; nothing was read or changed",
            named.value
        ))
        .with_help(remedy!(
            "Name a `profile` or a `roleARN` of that account beside `id`, or correct `id`."
        )))
    }
}
