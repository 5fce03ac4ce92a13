//! `eksact whoami`: who one is to AWS and from which credentials, and who to a cluster. What cannot be asked is said to be
//! not checkable; what was found out is explained in `diagnosis::caller`.

mod aws_auth;
mod kubeconfig;
mod sources;

use std::{
    collections::BTreeMap,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;
use jiff::Timestamp;

use self::{
    aws_auth::{PastedAwsAuth, read_aws_auth},
    sources::{Server, Sources, roots},
};
use super::signing::Signing;
use crate::cli::{
    self, ExitCode, Failure,
    flags::{global::GlobalFlags, place::cluster_in_token, signing::SignerFlags},
    run::sandbox::{self, SandboxSigner},
    texts::facts_format::FactsFormat,
};
use eksact_cloud::aws::{AwsClient, credentials, http};
use eksact_core::{
    diagnosis::{
        caller::{Known, ServerSays, explain},
        context::{AskedFor, ContextUser, findings},
        mapping::ReadAwsAuth,
    },
    engine::Finding,
    kubeconfig::SignIn,
    ports::{
        CallError, CallErrorKind,
        aws::{AccessEntry, CallerIdentity, Cluster},
        kubernetes::{ConfigMap, ObjectKey, RbacBinding, Selector},
    },
    view::{Facts, Printer},
};
use eksact_credentials::Environment;
use eksact_identity::authn::{
    aws_auth::Identity, token::check_cluster_name, token_sandbox::SANDBOX_ACCESS_KEY,
};
use eksact_simulator::Seed;

/// Show who you are to AWS and to a cluster, and from which credentials
#[derive(Debug, Args)]
pub(crate) struct WhoamiCommand {
    /// The cluster
    #[arg(short, long, value_name = "NAME", value_parser = cluster_in_token)]
    cluster: Option<String>,
    /// The cluster's aws-auth ConfigMap in a file, as `kubectl get configmap -o yaml` or `-o json` prints it
    #[arg(long, value_name = "PATH", requires = "cluster")]
    aws_auth: Option<PathBuf>,
    #[command(flatten)]
    signer: SignerFlags,
    /// How to show it
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    output: FactsFormat,
}

/// What is told of whoever signs.
struct Caller {
    place: String,
    access_key: String,
    region: String,
}

/// What the cluster and AWS tell about it; none is what was not asked.
struct Asked {
    identity: CallerIdentity,
    cluster: Option<Result<Cluster, CallError>>,
    entries: Option<Result<Vec<AccessEntry>, CallError>>,
    aws_auth: Option<Result<Option<BTreeMap<String, String>>, CallError>>,
    bindings: Option<Result<Vec<RbacBinding>, CallError>>,
    server: Option<Result<ServerSays, CallError>>,
    /// What is wrong with the token that the server has refused.
    token_faults: Option<Result<Vec<Finding>, CallError>>,
    role_arn: Option<String>,
}

impl WhoamiCommand {
    /// Without a runtime around it: the look-up of credentials starts one where it needs one.
    pub(crate) fn run(mut self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        if let Some(cluster) = &self.cluster {
            check_cluster_name(cluster).map_err(|error| Failure::usage(error.to_string()))?;
        }
        let file = self.aws_auth.as_deref().map(read_aws_auth).transpose()?;
        let environment = Environment::of_process();
        let user = kubeconfig::context_user(global);
        let sign_in = user.as_ref().and_then(ContextUser::sign_in).cloned();
        self.take_region_of(sign_in.as_ref(), global, &environment);
        let (caller, asked) = if global.sandbox {
            self.in_sandbox(sign_in.as_ref(), file.as_ref(), global, &environment, printer)?
        } else {
            self.in_aws(sign_in.as_ref(), file.as_ref(), global, &environment, printer)?
        };
        let mut facts = Facts::default();
        facts.add("ARN", &asked.identity.arn);
        facts.add("account", &asked.identity.account);
        facts.add("user id", &asked.identity.user_id);
        facts.add("credentials", &caller.place);
        facts.add("access key", &caller.access_key);
        facts.add("region", &caller.region);
        if let Some(cluster) = &self.cluster {
            facts.add("cluster", cluster);
            let asked_for = AskedFor {
                cluster,
                local_id: value(asked.cluster.as_ref()).and_then(|cluster| cluster.local_id.as_deref()),
                region: &caller.region,
                profile: global.profile.as_deref(),
                inherited_profile: environment.get("AWS_PROFILE"),
                role_arn: self.signer.role_arn.as_deref(),
                kubeconfig: global.kubeconfig.as_deref().and_then(Path::to_str),
            };
            let of_context = user.map(|user| findings(&user, &asked_for)).unwrap_or_default();
            let of_file = file.as_ref().and_then(|file| file.finding.clone());
            for finding in of_context.into_iter().chain(of_file) {
                facts.find(finding);
            }
            asked.tell(cluster, &caller, file.as_ref(), &mut facts, printer)?;
        }
        self.output.show(&facts, printer)
    }

    /// The region of the kubeconfig's context, where neither flag nor environment names one.
    fn take_region_of(&mut self, sign_in: Option<&SignIn>, global: &GlobalFlags, environment: &Environment) {
        let is_named = global.region.is_some()
            || self.signer.region.is_some()
            || ["AWS_REGION", "AWS_DEFAULT_REGION"]
                .iter()
                .any(|name| environment.get(name).is_some());
        let is_same = sign_in.is_some_and(|sign_in| Some(&sign_in.cluster) == self.cluster.as_ref());
        if !is_named && is_same {
            self.signer.region = sign_in.and_then(|sign_in| sign_in.region.clone());
        }
    }

    fn in_aws(
        &self,
        sign_in: Option<&SignIn>,
        file: Option<&PastedAwsAuth>,
        global: &GlobalFlags,
        environment: &Environment,
        printer: &Printer,
    ) -> Result<(Caller, Asked), Failure> {
        let cluster = self.cluster.as_deref().unwrap_or_default();
        let signing = Signing::of(cluster, &self.signer, global, environment)?;
        let signer = signing.accepted_signer(global, printer)?;
        // The same token that the server is shown; it is only looked at when the server refuses it.
        let token = match &self.cluster {
            Some(_) => Some(signing.sign(&signer, Timestamp::now())?),
            None => None,
        };
        let (place, region) = (signer.place.clone(), signer.region.clone());
        let access_key = signer.credentials.access_key_id().to_owned();
        cli::in_runtime(global, async {
            let roots = roots()?;
            let (configuration, credentials) = credentials::configuration_of(
                &region,
                signer.credentials,
                (&signer.config, &signer.profile),
                &http::client(&roots),
            )
            .await;
            let at_once = NonZeroUsize::new(usize::from(global.parallelism)).unwrap_or(NonZeroUsize::MIN);
            let client = AwsClient::new(&configuration, &region, credentials.clone(), at_once);
            let sources = Sources::Real {
                aws: Arc::new(client),
                credentials,
                region: region.clone(),
                roots,
                token,
            };
            let caller = Caller {
                place,
                access_key,
                region,
            };
            let asked = self.ask(&sources, sign_in, file, global, printer).await?;
            Ok((caller, asked))
        })
    }

    fn in_sandbox(
        &self,
        sign_in: Option<&SignIn>,
        file: Option<&PastedAwsAuth>,
        global: &GlobalFlags,
        environment: &Environment,
        printer: &Printer,
    ) -> Result<(Caller, Asked), Failure> {
        let signer = SandboxSigner::new(&self.signer, global, environment)?;
        let place = match (&self.signer.role_arn, &global.sandbox_caller) {
            (Some(role), _) => format!("role {role}, assumed in the sandbox"),
            (None, Some(_)) => "--sandbox-caller".to_owned(),
            (None, None) => "the sandbox's creator".to_owned(),
        };
        let told = Caller {
            place,
            access_key: SANDBOX_ACCESS_KEY.to_owned(),
            region: signer.region.clone(),
        };
        let Some(cluster) = &self.cluster else {
            let caller = signer.effective_caller(global)?;
            return Ok((told, Asked::of(caller.into())));
        };
        let seed = Seed {
            cluster: cluster.clone(),
            region: signer.region,
            account: None,
        };
        let sandbox = sandbox::open(&seed, signer.caller, global, printer)?;
        let sources = Sources::Simulated(Box::new(sandbox));
        let asked = cli::in_runtime(global, self.ask(&sources, sign_in, file, global, printer))?;
        Ok((told, asked))
    }

    async fn ask(
        &self,
        sources: &Sources,
        sign_in: Option<&SignIn>,
        file: Option<&PastedAwsAuth>,
        global: &GlobalFlags,
        printer: &Printer,
    ) -> Result<Asked, Failure> {
        let mut asked = Asked::of(sources.aws().caller_identity().await?);
        if let Some(cluster) = &self.cluster {
            let asking = Asking {
                sources,
                cluster,
                global,
                printer,
            };
            asking.fill(&mut asked, sign_in, file).await;
        }
        Ok(asked)
    }
}

/// Whom to ask about a cluster.
struct Asking<'a> {
    sources: &'a Sources,
    cluster: &'a str,
    global: &'a GlobalFlags,
    printer: &'a Printer,
}

impl Asking<'_> {
    /// Asks EKS, the cluster's server, and where it refuses STS and IAM.
    async fn fill(&self, asked: &mut Asked, sign_in: Option<&SignIn>, file: Option<&PastedAwsAuth>) {
        let aws = self.sources.aws();
        let described = aws.cluster(self.cluster).await;
        let mode = value(Some(&described)).and_then(|cluster| cluster.authentication_mode.clone());
        let issuer = value(Some(&described)).and_then(|cluster| cluster.oidc_issuer.clone());
        let is_missing = is_missing(Some(&described));
        asked.cluster = Some(described);
        if is_missing {
            // Whatever a kubeconfig leads to is another cluster.
            return;
        }
        if matches!(mode.as_deref(), Some("API" | "API_AND_CONFIG_MAP")) {
            asked.entries = Some(aws.access_entries(self.cluster).await);
        }
        let described = value(asked.cluster.as_ref());
        let own = self
            .sources
            .own_server(self.cluster, described, sign_in, self.global);
        if let Some(own) = &own {
            asked.server = Some(server_says(own).await);
        }
        let is_in = matches!(&asked.server, Some(Ok(ServerSays::User(..))));
        let other = self.sources.other_server(self.cluster, self.global);
        let reader = match (own.filter(|_| is_in), other) {
            // The kubeconfig's user may read what the caller may not; the caller's own word is enough in the sandbox.
            (Some(own), None) => Some((own, false)),
            (Some(own), Some(_)) if self.global.sandbox => Some((own, false)),
            (_, Some(other)) => {
                if self.global.sandbox && file.is_none() {
                    self.printer.note(
                        "sandbox: the server refuses the caller; aws-auth is read as the sandbox's creator",
                    );
                }
                Some((other, true))
            }
            (None, None) => None,
        };
        if let Some(file) = file {
            asked.aws_auth = Some(Ok(Some(file.data.clone())));
        }
        if let Some((reader, is_other)) = reader {
            let issuer = issuer.as_deref().filter(|_| is_other);
            let is_same = is_same_cluster(&reader, issuer).await;
            if asked.aws_auth.is_none() {
                asked.aws_auth = Some(match &is_same {
                    Ok(()) => aws_auth_of(&reader).await,
                    Err(error) => Err(error.clone()),
                });
            }
            if is_same.is_ok() {
                asked.bindings = Some(reader.list::<RbacBinding>(None, Selector::Everything).await);
            }
        }
        if matches!(&asked.server, Some(Ok(ServerSays::Unauthorized))) {
            asked.token_faults = Some(self.sources.token_faults(self.cluster).await);
        }
        if !is_in && let Some(role) = role_of_session(&asked.identity.arn) {
            asked.role_arn = aws.role_arn(role).await.ok().flatten();
        }
    }
}

impl Asked {
    /// Nothing yet but who calls.
    fn of(identity: CallerIdentity) -> Self {
        Self {
            identity,
            cluster: None,
            entries: None,
            aws_auth: None,
            bindings: None,
            server: None,
            token_faults: None,
            role_arn: None,
        }
    }

    fn tell(
        &self,
        cluster: &str,
        signer: &Caller,
        file: Option<&PastedAwsAuth>,
        facts: &mut Facts,
        printer: &Printer,
    ) -> Result<(), Failure> {
        let is_missing = is_missing(self.cluster.as_ref());
        let failures = [
            failure(self.cluster.as_ref()).filter(|_| !is_missing),
            failure(self.entries.as_ref()),
            failure(self.aws_auth.as_ref()),
            // Few may list bindings: that they are not checkable is said.
            failure(self.bindings.as_ref()).filter(|error| error.kind != CallErrorKind::AccessDenied),
            failure(self.server.as_ref()),
            failure(self.token_faults.as_ref()),
        ];
        for failure in failures.into_iter().flatten() {
            printer.note(&failure.to_string());
        }
        let caller = &self.identity;
        let identity =
            Identity::from_caller(&caller.arn, &caller.account, &caller.user_id, &signer.access_key)
                .map_err(|error| {
                    Failure::error(format!("the authenticator cannot identify this caller: {error}"))
                })?;
        let described = value(self.cluster.as_ref());
        let known = Known {
            cluster,
            region: &signer.region,
            identity: &identity,
            is_missing,
            mode: described.and_then(|cluster| cluster.authentication_mode.as_deref()),
            entries: value(self.entries.as_ref()).map(Vec::as_slice),
            aws_auth: match value(self.aws_auth.as_ref()) {
                Some(Some(data)) => ReadAwsAuth::Data(data),
                Some(None) => ReadAwsAuth::Missing,
                None => ReadAwsAuth::Unknown,
            },
            file: file.and_then(|file| Some((file.path.as_str(), file.manifest.as_ref()?))),
            bindings: value(self.bindings.as_ref()).map(Vec::as_slice),
            server: value(self.server.as_ref()).cloned(),
            token_faults: value(self.token_faults.as_ref()).map(Vec::as_slice),
            role_arn: self.role_arn.as_deref(),
        };
        explain(&known, facts);
        Ok(())
    }
}

/// Whether EKS says that there is no such cluster.
fn is_missing(described: Option<&Result<Cluster, CallError>>) -> bool {
    failure(described).is_some_and(|error| error.kind == CallErrorKind::NotFound)
}

/// The name of the role that a session's ARN is of.
fn role_of_session(arn: &str) -> Option<&str> {
    let (_, rest) = arn.split_once(":assumed-role/")?;
    rest.split('/').next()
}

fn failure<T>(asked: Option<&Result<T, CallError>>) -> Option<&CallError> {
    asked.and_then(|result| result.as_ref().err())
}

fn value<T>(asked: Option<&Result<T, CallError>>) -> Option<&T> {
    asked.and_then(|result| result.as_ref().ok())
}

/// Who one is to the API server, by its own word.
async fn server_says(server: &Server) -> Result<ServerSays, CallError> {
    match server.user_info().await {
        Ok(user) => Ok(ServerSays::User(user.username, user.groups)),
        Err(error) if error.kind == CallErrorKind::Credentials => Ok(ServerSays::Unauthorized),
        Err(error) => Err(error),
    }
}

/// That a kubeconfig does not lead to another cluster. Not everybody may read the issuer, and a tunnel may hide it: only
/// another one is told.
async fn is_same_cluster(server: &Server, issuer: Option<&str>) -> Result<(), CallError> {
    let Some(wanted) = issuer else { return Ok(()) };
    match server.service_account_issuer().await {
        Ok(Some(found)) if wanted != found => Err(CallError::new(
            "kubernetes",
            "get configmaps",
            "kube-system/aws-auth",
            CallErrorKind::Invalid,
            format!(
                "the kubeconfig leads to another cluster, whose issuer is {found}; check --kubeconfig and --context"
            ),
        )),
        _ => Ok(()),
    }
}

async fn aws_auth_of(server: &Server) -> Result<Option<BTreeMap<String, String>>, CallError> {
    let config_map = server
        .get::<ConfigMap>(ObjectKey::namespaced("kube-system", "aws-auth"))
        .await?;
    Ok(config_map.map(|config_map| config_map.data))
}
