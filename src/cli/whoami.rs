//! `eksact whoami`: who one is to AWS and from which credentials, and who to a cluster. What cannot be asked is said to be
//! not checkable; what was found out is explained in `whoami_facts`.

use std::{collections::BTreeMap, num::NonZeroUsize, path::PathBuf, sync::Arc};

use clap::Args;
use serde_json::Value;

use super::{
    ExitCode, Failure,
    decode::FactsFormat,
    global::GlobalFlags,
    signing::{Signer, SignerFlags, Signing},
    whoami_facts::{Known, ReadAwsAuth, ServerSays, explain},
};
use crate::{
    authn::aws_auth::Identity,
    cloud::{
        aws::{AwsClient, ConnectError, credentials, http},
        cluster_api::{ClusterApi, Way},
        credentials::Environment,
        trust::TrustRoots,
    },
    iam::Arn,
    ports::{
        CallError, CallErrorKind,
        access::AccessEntry,
        aws::{AwsReader as _, CallerIdentity, Cluster},
        kubernetes::KubernetesReader as _,
    },
    view::{Facts, Printer},
};

/// More than any ConfigMap holds.
const LONGEST_FILE: u64 = 4 * 1024 * 1024;

/// Show who you are to AWS, from which credentials, and who to a cluster
#[derive(Debug, Args)]
pub(super) struct WhoamiCommand {
    /// The cluster
    #[arg(short, long, value_name = "NAME")]
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

/// What the cluster and AWS tell about it.
struct Asked {
    identity: CallerIdentity,
    cluster: Option<Result<Cluster, CallError>>,
    entries: Option<Result<Vec<AccessEntry>, CallError>>,
    aws_auth: Option<Result<Option<BTreeMap<String, String>>, CallError>>,
    server: Option<Result<ServerSays, CallError>>,
}

impl WhoamiCommand {
    /// Without a runtime around it: the look-up of credentials starts one where it needs one.
    pub(super) fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        if global.sandbox {
            return Err(Failure::usage(
                "the simulated account knows one caller only, and no tokens",
            ));
        }
        let file = self.aws_auth.as_deref().map(read_aws_auth).transpose()?;
        let environment = Environment::of_process();
        let cluster = self.cluster.as_deref().unwrap_or_default();
        let signing = Signing::of(cluster, &self.signer, global, &environment)?;
        let signer = signing.signer(global, printer)?;
        let region = signer.region.clone();
        let (place, access_key) = (
            signer.place.clone(),
            signer.credentials.access_key_id().to_owned(),
        );
        let asked = super::in_runtime(global, self.ask(signer, global, file))?;
        let mut facts = Facts::default();
        facts.add("ARN", &asked.identity.arn);
        facts.add("account", &asked.identity.account);
        facts.add("user id", &asked.identity.user_id);
        facts.add("credentials", place);
        facts.add("access key", &access_key);
        facts.add("region", &region);
        if let Some(cluster) = &self.cluster {
            facts.add("cluster", cluster);
            asked.tell(cluster, &region, &access_key, &mut facts, printer)?;
        }
        self.output.show(&facts, printer)
    }

    async fn ask(
        &self,
        signer: Signer,
        global: &GlobalFlags,
        file: Option<BTreeMap<String, String>>,
    ) -> Result<Asked, Failure> {
        let roots = TrustRoots::from_environment().map_err(ConnectError::from)?;
        let (configuration, provider) = credentials::configuration_of(
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
            provider.clone(),
            at_once,
        ));
        let identity = aws.caller_identity().await?;
        let Some(name) = &self.cluster else {
            return Ok(Asked {
                identity,
                cluster: None,
                entries: None,
                aws_auth: None,
                server: None,
            });
        };
        let cluster = aws.cluster(name).await;
        let mode = cluster
            .as_ref()
            .ok()
            .and_then(|cluster| cluster.authentication_mode.as_deref());
        let entries = match mode {
            Some("API" | "API_AND_CONFIG_MAP") => Some(aws.access_entries(name).await),
            _ => None,
        };
        let own = ClusterApi::new(
            name.clone(),
            aws.clone(),
            Way::Endpoint {
                credentials: provider,
                region: signer.region.clone(),
            },
        );
        let server = if cluster.is_ok() {
            Some(server_says(&own).await)
        } else {
            None
        };
        let aws_auth = if let Some(data) = file {
            Some(Ok(Some(data)))
        } else if global.kubeconfig.is_some() || global.context.is_some() {
            let other = ClusterApi::new(
                name.clone(),
                aws,
                Way::Kubeconfig {
                    path: global.kubeconfig.clone(),
                    context: global.context.clone(),
                },
            );
            Some(aws_auth_of(&other).await)
        } else if matches!(&server, Some(Ok(ServerSays::User(..)))) {
            Some(aws_auth_of(&own).await)
        } else {
            None
        };
        Ok(Asked {
            identity,
            cluster: Some(cluster),
            entries,
            aws_auth,
            server,
        })
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
        for failure in [
            failure(self.cluster.as_ref()),
            failure(self.entries.as_ref()),
            failure(self.aws_auth.as_ref()),
            failure(self.server.as_ref()),
        ]
        .into_iter()
        .flatten()
        {
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
            cluster_account: arn.as_ref().map(|arn| arn.account.as_str()),
            mode: described.and_then(|cluster| cluster.authentication_mode.as_deref()),
            entries: value(self.entries.as_ref()).map(Vec::as_slice),
            aws_auth: match value(self.aws_auth.as_ref()) {
                Some(Some(data)) => ReadAwsAuth::Data(data),
                Some(None) => ReadAwsAuth::Missing,
                None => ReadAwsAuth::Unknown,
            },
            server: value(self.server.as_ref()).cloned(),
        };
        explain(&known, facts);
        Ok(())
    }
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

/// The `data` of a ConfigMap in a file, or a file that is nothing but the data.
fn read_aws_auth(path: &std::path::Path) -> Result<BTreeMap<String, String>, Failure> {
    use std::io::Read as _;
    let mut text = String::new();
    fs_err::File::open(path)
        .and_then(|file| file.take(LONGEST_FILE).read_to_string(&mut text))
        .map_err(|error| Failure::usage(format!("--aws-auth could not be read: {error}")))?;
    aws_auth_data(&text).map_err(|why| {
        Failure::usage(format!("--aws-auth {}: {why}", path.display()))
            .with_help("Save it with `kubectl -n kube-system get configmap aws-auth -o yaml`.")
    })
}

fn aws_auth_data(text: &str) -> Result<BTreeMap<String, String>, String> {
    let document: Value =
        serde_saphyr::from_str(text).map_err(|error| format!("it is no YAML or JSON: {error}"))?;
    let data = document.get("data").unwrap_or(&document);
    let Some(data) = data.as_object() else {
        return Err("it has no `data`".to_owned());
    };
    data.iter()
        .map(|(key, value)| match value.as_str() {
            Some(text) => Ok((key.clone(), text.to_owned())),
            None => Err(format!(
                "`{key}` is no text; the API server takes only texts there (`{key}: |`)"
            )),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aws_auth_is_read_from_what_kubectl_prints() {
        let yaml = "apiVersion: v1\nkind: ConfigMap\ndata:\n  mapRoles: |\n    - rolearn: a\n";
        assert_eq!(aws_auth_data(yaml).unwrap()["mapRoles"], "- rolearn: a\n");
        assert_eq!(
            aws_auth_data("{\"data\": {\"mapUsers\": \"[]\"}}").unwrap()["mapUsers"],
            "[]"
        );
        assert_eq!(
            aws_auth_data("mapRoles: |\n  - x\n").unwrap()["mapRoles"],
            "- x\n"
        );
        assert!(
            aws_auth_data("data:\n  mapRoles:\n  - rolearn: a\n")
                .unwrap_err()
                .contains("mapRoles")
        );
        assert!(aws_auth_data("- a").is_err());
    }
}
