//! `eksact whoami`: who one is to AWS and from which credentials, and who to a cluster. What cannot be asked is said to be
//! not checkable; what was found out is explained in `diagnosis::caller`.

use std::{collections::BTreeMap, num::NonZeroUsize, path::PathBuf, sync::Arc};

use aws_credential_types::provider::SharedCredentialsProvider;
use clap::Args;
use jiff::Timestamp;

use super::{
    ExitCode, Failure,
    decode::FactsFormat,
    global::GlobalFlags,
    place_flags::cluster_in_token,
    signing::{Signer, SignerFlags, Signing},
    whoami_aws_auth::read_aws_auth,
    whoami_kubeconfig,
};
use crate::{
    authn::{
        aws_auth::Identity,
        token::{Token, check_cluster_name},
        token_decode::{self, DecodedToken},
    },
    cloud::{
        aws::{AwsClient, ConnectError, credentials, http, token_replay::replay},
        cluster_api::{ClusterApi, Way},
        credentials::Environment,
        trust::TrustRoots,
    },
    diagnosis::{
        caller::{Known, ServerSays, explain},
        context::{AskedFor, difference},
        mapping::ReadAwsAuth,
        token_verdict,
    },
    engine::Finding,
    iam::Arn,
    kubeconfig::SignIn,
    ports::{
        CallError, CallErrorKind,
        access::AccessEntry,
        aws::{AwsReader as _, CallerIdentity, Cluster},
        kubernetes::KubernetesReader as _,
    },
    view::{Facts, Printer},
};

/// Show who you are to AWS, from which credentials, and who to a cluster
#[derive(Debug, Args)]
pub(super) struct WhoamiCommand {
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

/// What the cluster and AWS tell about it; none is what was not asked.
struct Asked {
    identity: CallerIdentity,
    cluster: Option<Result<Cluster, CallError>>,
    entries: Option<Result<Vec<AccessEntry>, CallError>>,
    aws_auth: Option<Result<Option<BTreeMap<String, String>>, CallError>>,
    server: Option<Result<ServerSays, CallError>>,
    /// What is wrong with the token that the server has refused.
    token_faults: Option<Result<Vec<Finding>, CallError>>,
    role_arn: Option<String>,
}

/// Whom to ask, and what with.
struct Asking<'a> {
    aws: Arc<AwsClient>,
    credentials: SharedCredentialsProvider,
    region: String,
    name: &'a str,
    global: &'a GlobalFlags,
    roots: TrustRoots,
}

impl WhoamiCommand {
    /// Without a runtime around it: the look-up of credentials starts one where it needs one.
    pub(super) fn run(mut self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        if global.sandbox {
            return Err(Failure::usage(
                "the simulated account knows one caller only, and no tokens",
            ));
        }
        if let Some(cluster) = &self.cluster {
            check_cluster_name(cluster).map_err(|error| Failure::usage(error.to_string()))?;
        }
        let file = self.aws_auth.as_deref().map(read_aws_auth).transpose()?;
        let environment = Environment::of_process();
        let sign_in = whoami_kubeconfig::sign_in(global);
        self.take_region_of(sign_in.as_ref(), global, &environment);
        let cluster = self.cluster.as_deref().unwrap_or_default();
        let signing = Signing::of(cluster, &self.signer, global, &environment)?;
        let signer = signing.accepted_signer(global, printer)?;
        let region = signer.region.clone();
        let (place, access_key) = (
            signer.place.clone(),
            signer.credentials.access_key_id().to_owned(),
        );
        // The same token that the server is shown; it is only looked at when the server refuses it.
        let token = match &self.cluster {
            Some(_) => Some(signing.sign(&signer, Timestamp::now())?),
            None => None,
        };
        let data = file.as_ref().map(|file| &file.data);
        let asked = super::in_runtime(
            global,
            self.ask(signer, token.as_ref(), sign_in.as_ref(), data, global),
        )?;
        let mut facts = Facts::default();
        facts.add("ARN", &asked.identity.arn);
        facts.add("account", &asked.identity.account);
        facts.add("user id", &asked.identity.user_id);
        facts.add("credentials", place);
        facts.add("access key", &access_key);
        facts.add("region", &region);
        if let Some(cluster) = &self.cluster {
            facts.add("cluster", cluster);
            let asked_for = AskedFor {
                cluster,
                local_id: value(asked.cluster.as_ref()).and_then(|cluster| cluster.local_id.as_deref()),
                region: &region,
                profile: global.profile.as_deref(),
                inherited_profile: environment.get("AWS_PROFILE"),
                role_arn: self.signer.role_arn.as_deref(),
            };
            let other = sign_in.and_then(|sign_in| difference(&sign_in, &asked_for));
            for finding in other.into_iter().chain(file.and_then(|file| file.finding)) {
                facts.find(finding);
            }
            asked.tell(cluster, &region, &access_key, &mut facts, printer)?;
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

    async fn ask(
        &self,
        signer: Signer,
        token: Option<&Token>,
        sign_in: Option<&SignIn>,
        file: Option<&BTreeMap<String, String>>,
        global: &GlobalFlags,
    ) -> Result<Asked, Failure> {
        let roots = TrustRoots::from_environment().map_err(ConnectError::from)?;
        let (configuration, credentials) = credentials::configuration_of(
            &signer.region,
            signer.credentials,
            (&signer.config, &signer.profile),
            &http::client(&roots),
        )
        .await;
        let at_once = NonZeroUsize::new(usize::from(global.parallelism)).unwrap_or(NonZeroUsize::MIN);
        let aws = Arc::new(AwsClient::new(
            &configuration,
            &signer.region,
            credentials.clone(),
            at_once,
        ));
        let mut asked = Asked {
            identity: aws.caller_identity().await?,
            cluster: None,
            entries: None,
            aws_auth: None,
            server: None,
            token_faults: None,
            role_arn: None,
        };
        if let (Some(name), Some(token)) = (&self.cluster, token) {
            let asking = Asking {
                aws,
                credentials,
                region: signer.region,
                name,
                global,
                roots,
            };
            asking.fill(&mut asked, token, sign_in, file).await;
        }
        Ok(asked)
    }
}

impl Asking<'_> {
    /// Asks EKS, the cluster's server, and where it refuses STS and IAM.
    async fn fill(
        &self,
        asked: &mut Asked,
        token: &Token,
        sign_in: Option<&SignIn>,
        file: Option<&BTreeMap<String, String>>,
    ) {
        let described = self.aws.cluster(self.name).await;
        let mode = value(Some(&described)).and_then(|cluster| cluster.authentication_mode.clone());
        let issuer = value(Some(&described)).and_then(|cluster| cluster.oidc_issuer.clone());
        let is_missing = is_missing(Some(&described));
        let is_described = described.is_ok();
        asked.cluster = Some(described);
        if is_missing {
            // Whatever a kubeconfig leads to is another cluster.
            return;
        }
        if matches!(mode.as_deref(), Some("API" | "API_AND_CONFIG_MAP")) {
            asked.entries = Some(self.aws.access_entries(self.name).await);
        }
        let (credentials, region) = (self.credentials.clone(), self.region.clone());
        let own = if is_described {
            Some(Way::Endpoint { credentials, region })
        } else if sign_in.is_some_and(|sign_in| sign_in.cluster == self.name) {
            // kubectl shows this server a token for the cluster, too.
            Some(Way::KubeconfigServer {
                path: self.global.kubeconfig.clone(),
                context: self.global.context.clone(),
                credentials,
                region,
            })
        } else {
            None
        };
        let own = own.map(|way| ClusterApi::new(self.name.to_owned(), self.aws.clone(), way));
        if let Some(own) = &own {
            asked.server = Some(server_says(own).await);
        }
        let is_in = matches!(&asked.server, Some(Ok(ServerSays::User(..))));
        asked.aws_auth = if let Some(data) = file {
            Some(Ok(Some(data.clone())))
        } else if self.global.kubeconfig.is_some() || self.global.context.is_some() {
            Some(self.aws_auth_by_kubeconfig(issuer.as_deref()).await)
        } else {
            match own.filter(|_| is_in) {
                Some(own) => Some(aws_auth_of(&own).await),
                None => None,
            }
        };
        if matches!(&asked.server, Some(Ok(ServerSays::Unauthorized))) {
            asked.token_faults = Some(self.token_faults(token).await);
        }
        if !is_in && let Some(role) = role_of_session(&asked.identity.arn) {
            asked.role_arn = self.aws.role_arn(role).await.ok().flatten();
        }
    }

    /// aws-auth as somebody else may read it; not that of another cluster.
    async fn aws_auth_by_kubeconfig(
        &self,
        issuer: Option<&str>,
    ) -> Result<Option<BTreeMap<String, String>>, CallError> {
        let way = Way::Kubeconfig {
            path: self.global.kubeconfig.clone(),
            context: self.global.context.clone(),
        };
        let api = ClusterApi::new(self.name.to_owned(), self.aws.clone(), way);
        let config_map = aws_auth_of(&api).await?;
        // Not everybody may read the issuer, and a tunnel may hide it: only another one is told.
        match (issuer, api.service_account_issuer().await) {
            (Some(wanted), Ok(Some(found))) if wanted != found => Err(CallError::new(
                "kubernetes",
                "get configmaps",
                "kube-system/aws-auth",
                CallErrorKind::Invalid,
                format!(
                    "the kubeconfig leads to another cluster, whose issuer is {found}; check --kubeconfig and --context"
                ),
            )),
            _ => Ok(config_map),
        }
    }

    /// What is wrong with a token that the server has refused, by STS's word.
    async fn token_faults(&self, token: &Token) -> Result<Vec<Finding>, CallError> {
        let host = match token_decode::decode(token.secret()) {
            Ok(DecodedToken::Cluster(presigned)) => presigned.host,
            _ => return Ok(Vec::new()),
        };
        let answer = replay(token.secret(), &host, self.name, &self.roots).await?;
        Ok(token_verdict::faults_of_refused(
            &answer,
            &host,
            self.name,
            Timestamp::now(),
        ))
    }
}

impl Asked {
    fn tell(
        &self,
        cluster: &str,
        region: &str,
        access_key: &str,
        facts: &mut Facts,
        printer: &Printer,
    ) -> Result<(), Failure> {
        let is_missing = is_missing(self.cluster.as_ref());
        let failures = [
            failure(self.cluster.as_ref()).filter(|_| !is_missing),
            failure(self.entries.as_ref()),
            failure(self.aws_auth.as_ref()),
            failure(self.server.as_ref()),
            failure(self.token_faults.as_ref()),
        ];
        for failure in failures.into_iter().flatten() {
            printer.note(&failure.to_string());
        }
        let caller = &self.identity;
        let identity = Identity::from_caller(&caller.arn, &caller.account, &caller.user_id, access_key)
            .map_err(|error| {
                Failure::error(format!("the server would take the caller for nobody: {error}"))
            })?;
        let described = value(self.cluster.as_ref());
        let arn: Option<Arn> = described.and_then(|cluster| cluster.arn.parse().ok());
        let known = Known {
            cluster,
            region,
            identity: &identity,
            is_missing,
            cluster_account: arn.as_ref().map(|arn| arn.account.as_str()),
            mode: described.and_then(|cluster| cluster.authentication_mode.as_deref()),
            entries: value(self.entries.as_ref()).map(Vec::as_slice),
            aws_auth: match value(self.aws_auth.as_ref()) {
                Some(Some(data)) => ReadAwsAuth::Data(data),
                Some(None) => ReadAwsAuth::Missing,
                None => ReadAwsAuth::Unknown,
            },
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
async fn server_says(api: &ClusterApi) -> Result<ServerSays, CallError> {
    match api.user_info().await {
        Ok(user) => Ok(ServerSays::User(user.username, user.groups)),
        Err(error) if error.kind == CallErrorKind::Credentials => Ok(ServerSays::Unauthorized),
        Err(error) => Err(error),
    }
}

async fn aws_auth_of(api: &ClusterApi) -> Result<Option<BTreeMap<String, String>>, CallError> {
    let config_map = api.config_map("kube-system", "aws-auth").await?;
    Ok(config_map.map(|config_map| config_map.data))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_role_of_a_session() {
        let arn = "arn:aws:sts::111122223333:assumed-role/deployer/nina";
        assert_eq!(role_of_session(arn), Some("deployer"));
        assert_eq!(role_of_session("arn:aws:iam::111122223333:user/deployer"), None);
    }
}
