//! `eksact explain pod`: which AWS credentials the pods of a service account get, and what the webhook puts into them.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use clap::Args;
use jiff::Timestamp;

use crate::cli::{
    ExitCode, Failure,
    access::question::{exit_code, snapshot},
    flags::{account::ClusterFlags, global::GlobalFlags},
    run::{flow, wiring::Connection},
    texts::{facts_format::FactsFormat, file},
};
use eksact_core::{
    config::{ClusterConfig, DEFAULT_NAMESPACE},
    diagnosis::pod_credentials::{
        ManifestError, Manifests, PodQuestion, explain, manifests, of_snapshot, read,
    },
    view::Printer,
};
use eksact_identity::{
    authn::{irsa::InFile, pod_identity_webhook::Pod},
    service_account::ServiceAccountKey,
};

/// The service account of pods that name none.
const DEFAULT_ACCOUNT: &str = "default";

/// Show which AWS credentials the pods of a service account get, and what the pod identity webhook puts into them
///
/// Without --cluster, -f and --snapshot only the file of --pod is looked at, which has the service account beside the pod. Ends with 0 where
/// pods get the role of their service account, 1 where they do not, and 5 where that depends on what could not be read.
#[derive(Debug, Args)]
pub(crate) struct ExplainPod {
    /// The namespace of the pods; that of --pod, else `default`
    #[arg(short, long, value_name = "NAMESPACE", help_heading = None::<&str>)]
    namespace: Option<String>,
    /// The service account; that of --pod, if not given
    #[arg(long, value_name = "NAME", required_unless_present = "pod", help_heading = None::<&str>)]
    service_account: Option<String>,
    /// The manifest of a pod or of a workload with a template of one, or `-` for standard input: what is put into that pod
    #[arg(long, value_name = "FILE", help_heading = None::<&str>)]
    pod: Option<String>,
    #[command(flatten)]
    cluster: ClusterFlags,
    /// Answer from this file of `eksact snapshot`, which does not have the pods that run; neither AWS nor the cluster is asked
    #[arg(long, value_name = "FILE", conflicts_with_all = ["cluster", "config_file"], help_heading = "Cluster or file")]
    snapshot: Option<PathBuf>,
    /// How to show it
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT", help_heading = None::<&str>)]
    output: FactsFormat,
}

impl ExplainPod {
    pub(crate) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        let manifests = match &self.pod {
            Some(path) => Some(from_file(path)?),
            None => None,
        };
        let account = self.account(manifests.as_ref())?;
        let pod = manifests
            .as_ref()
            .and_then(|manifests| Some(manifests.pod.as_ref()?.1.clone()));
        let of_file = manifests
            .as_ref()
            .and_then(|manifests| manifests.account(&account));
        let question = match (&self.snapshot, of_file) {
            (Some(path), _) => in_snapshot(path, &account, pod, printer)?,
            (None, Some(annotations)) if !self.names_cluster() => of_files(account, pod, annotations, global),
            (None, _) => self.in_cluster(&account, pod, global, printer).await?,
        };
        let explained = explain(&question);
        for note in &explained.notes {
            printer.note(note);
        }
        let document = serde_json::to_value(&explained)?;
        self.output.show_as(&explained.facts(), |_| document, printer)?;
        Ok(exit_code(explained.answer))
    }

    fn names_cluster(&self) -> bool {
        self.cluster.cluster.is_some() || self.cluster.config_file.is_some()
    }

    async fn in_cluster(
        &self,
        account: &ServiceAccountKey,
        pod: Option<Pod>,
        global: &GlobalFlags,
        printer: &Printer,
    ) -> Result<PodQuestion, Failure> {
        if self.pod.is_some() && !self.names_cluster() {
            return Err(Failure::usage(format!(
                "--pod: the file has no service account {account}, and no cluster is named to look for it"
            ))
            .with_help(remedy!(
                "Add the manifest of the service account to the file, or pass --cluster."
            )));
        }
        let config = self.cluster.config(global, printer)?;
        let connection = Connection::open(global, &config, printer).await?;
        let reader = flow::reader(&connection, &config, printer).await?;
        let in_file = self.in_file(&config, account);
        Ok(Box::pin(read(&reader, account, pod, in_file, Timestamp::now())).await)
    }

    /// What the file says of the service account.
    fn in_file(&self, config: &ClusterConfig, account: &ServiceAccountKey) -> InFile {
        let Some(path) = &self.cluster.config_file else {
            return InFile::NoFile;
        };
        let mut accounts = config.iam.service_accounts.iter();
        match accounts.find(|found| found.namespace == account.namespace && found.name == account.name) {
            Some(found) if found.owns_role() => InFile::Owned(path.clone()),
            _ => InFile::NotOwned,
        }
    }

    /// The service account that the flags and the pod name, which must not contradict each other.
    fn account(&self, manifests: Option<&Manifests>) -> Result<ServiceAccountKey, Failure> {
        let pod = manifests.and_then(|manifests| manifests.pod.as_ref());
        let own_namespace = pod.and_then(|(namespace, _)| namespace.as_deref());
        let own_name = pod.map(|(_, pod)| pod.service_account.as_deref().unwrap_or(DEFAULT_ACCOUNT));
        for (flag, given, own) in [
            ("--namespace", self.namespace.as_deref(), own_namespace),
            ("--service-account", self.service_account.as_deref(), own_name),
        ] {
            if let (Some(given), Some(own)) = (given, own)
                && given != own
            {
                return Err(
                    Failure::usage(format!("{flag} is {given}, and the pod of --pod has {own}"))
                        .with_help(remedy!("Leave {flag} out: the pod names it.")),
                );
            }
        }
        let namespace = self
            .namespace
            .as_deref()
            .or(own_namespace)
            .unwrap_or(DEFAULT_NAMESPACE);
        let name = self
            .service_account
            .as_deref()
            .or(own_name)
            .unwrap_or(DEFAULT_ACCOUNT);
        Ok(ServiceAccountKey::new(namespace, name))
    }
}

/// The pod of a file, and the service accounts beside it.
fn from_file(path: &str) -> Result<Manifests, Failure> {
    let text = file::read_text(path, "--pod")?;
    let read = manifests(&text).map_err(|error| {
        let failure = Failure::usage(format!("--pod {path}: {error}"));
        match error {
            ManifestError::Syntax { help: Some(help), .. } => failure.with_help(help),
            _ => failure,
        }
    })?;
    if read.pod.is_none() {
        return Err(Failure::usage(format!(
            "--pod {path}: it has no pod and no workload"
        )));
    }
    Ok(read)
}

fn in_snapshot(
    path: &Path,
    account: &ServiceAccountKey,
    pod: Option<Pod>,
    printer: &Printer,
) -> Result<PodQuestion, Failure> {
    let (picture, taken_at) = snapshot(path, printer)?;
    // Conditions about time are as they were then.
    let (question, note) = of_snapshot(&picture, account, pod, taken_at.parse().ok())
        .map_err(|why| Failure::error(format!("--snapshot {}: {why}", path.display())))?;
    if let Some(note) = note {
        printer.note(&note);
    }
    Ok(question)
}

fn of_files(
    account: ServiceAccountKey,
    pod: Option<Pod>,
    annotations: &BTreeMap<String, String>,
    global: &GlobalFlags,
) -> PodQuestion {
    PodQuestion {
        account,
        pod,
        region: global.region.clone(),
        annotations: Ok(Some(annotations.clone())),
        cluster: None,
    }
}
