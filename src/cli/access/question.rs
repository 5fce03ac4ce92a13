//! What `can-i`, `who-can` and `explain access` have alike: the question in kubectl's words or as an action of AWS, who is asked
//! about, and the picture that answers it, read now or out of a snapshot.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::Value;

use crate::cli::{
    ExitCode, Failure,
    flags::{account::ClusterFlags, global::GlobalFlags},
    run::{flow, wiring::Connection},
    texts::{facts_format::FactsFormat, shell::quoted},
};
use eksact_core::{
    diagnosis::{
        authorization::{
            Asked, Explanation, Extent, Picture, Question, QuestionError, Rights, Verdict, Who, explain,
            identity, is_of_namespaces, read_picture, read_snapshot,
        },
        aws_authorization::{AwsQuestion, AwsRequest, AwsRequestError, AwsWho, explain_aws},
    },
    guard::access::Admitted,
    ports::aws::CallerIdentity,
    view::Printer,
};
use eksact_identity::{
    authn::aws_auth::Identity,
    iam::trust,
    rbac::{ANONYMOUS, AUTHENTICATED, UNAUTHENTICATED, groups_of_service_account, service_account_of},
    service_account::ServiceAccountKey,
};
use eksact_message::remedy::Remedy;

/// The namespace of a question that names none, as kubectl's.
const DEFAULT_NAMESPACE: &str = "default";

/// What is asked.
#[derive(Debug, Args)]
pub(crate) struct QuestionFlags {
    /// What somebody would do: get, list, create, delete, bind, … or an action of AWS, such as s3:GetObject
    #[arg(value_name = "VERB")]
    verb: String,
    /// On what: TYPE, TYPE.GROUP, TYPE/NAME, a path such as /metrics; of an action of AWS an ARN, or nothing for any resource
    #[arg(value_name = "RESOURCE")]
    resource: Option<String>,
    /// The sub-resource: exec, log, scale, …
    #[arg(long, value_name = "NAME", help_heading = None::<&str>)]
    subresource: Option<String>,
    /// In this namespace; `default` where none is named
    #[arg(short, long, value_name = "NAMESPACE", help_heading = None::<&str>)]
    namespace: Option<String>,
    /// In all namespaces at once
    #[arg(short = 'A', long, conflicts_with = "namespace", help_heading = None::<&str>)]
    all_namespaces: bool,
    /// The policy of the resource, such as that of a bucket, as a file of JSON: eksact does not read it
    #[arg(long, value_name = "FILE", help_heading = "Action of AWS")]
    resource_policy: Option<PathBuf>,
    /// The account of the resource, where its ARN does not say it; that of the cluster where none is named
    #[arg(long, value_name = "ID", help_heading = "Action of AWS")]
    resource_account: Option<String>,
}

/// Where something is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asks {
    /// In one namespace, or in all of them at once.
    OnePlace,
    /// In each namespace.
    AnyNamespace,
}

/// What is asked, taken apart.
pub(crate) enum Asking {
    /// Of the cluster.
    Cluster(Question),
    /// Of each namespace of the cluster.
    AnyNamespace(Question),
    /// Of AWS.
    Aws(Box<AwsQuestion>),
}

impl Asking {
    /// What must be read for it.
    pub(crate) fn extent(&self) -> Extent {
        match self {
            Self::Cluster(_) | Self::AnyNamespace(_) => Extent::Cluster,
            Self::Aws(_) => Extent::ClusterAndAws,
        }
    }
}

/// Where the answer comes from.
#[derive(Debug, Args)]
pub(crate) struct SourceFlags {
    #[command(flatten)]
    cluster: ClusterFlags,
    /// Answer from this file of `eksact snapshot`; neither AWS nor the cluster is asked
    #[arg(long, value_name = "FILE", conflicts_with_all = ["cluster", "config_file"], help_heading = "Cluster or file")]
    snapshot: Option<PathBuf>,
}

/// Who is asked about.
#[derive(Debug, Args)]
#[command(next_help_heading = "Who")]
struct WhoFlags {
    /// A user, role or session of IAM, by its ARN; you where no one is named
    #[arg(long = "as", value_name = "ARN", conflicts_with_all = ["as_user", "as_group"])]
    arn: Option<String>,
    /// A user of Kubernetes, such as `nina` or `system:serviceaccount:app:web`
    #[arg(long, value_name = "USER")]
    as_user: Option<String>,
    /// A group of that user; repeat it for several
    #[arg(long, value_name = "GROUP", requires = "as_user")]
    as_group: Vec<String>,
    /// A service account, NAMESPACE/NAME
    #[arg(long, value_name = "NAMESPACE/NAME", value_parser = account_key, conflicts_with_all = ["arn", "as_user", "as_group"])]
    service_account: Option<ServiceAccountKey>,
}

/// Whether somebody may: the question, who is asked about and where the answer comes from.
#[derive(Debug, Args)]
pub(crate) struct AccessQuestion {
    #[command(flatten)]
    question: QuestionFlags,
    #[command(flatten)]
    who: WhoFlags,
    #[command(flatten)]
    source: SourceFlags,
    /// How to show it
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT", help_heading = None::<&str>)]
    pub(crate) output: FactsFormat,
}

impl AccessQuestion {
    /// The answer, with its reasons.
    pub(crate) async fn explanation(
        &self,
        global: &GlobalFlags,
        printer: &Printer,
    ) -> Result<Explanation, Failure> {
        let asking = self.question.asking(Asks::OnePlace, printer)?;
        let pictured = self.source.picture(asking.extent(), global, printer).await?;
        self.who.explanation(&pictured, &asking, printer)
    }
}

/// A picture, and who reads it where that is known.
pub(crate) struct Pictured {
    pub(crate) picture: Picture,
    caller: Option<CallerIdentity>,
}

fn account_key(text: &str) -> Result<ServiceAccountKey, String> {
    ServiceAccountKey::parse(text).ok_or_else(|| "it is not NAMESPACE/NAME".to_owned())
}

impl SourceFlags {
    /// Whether a file answers, which says nothing of its own of what it does not have.
    pub(crate) fn is_snapshot(&self) -> bool {
        self.snapshot.is_some()
    }

    /// The picture: out of the snapshot, or read now.
    pub(crate) async fn picture(
        &self,
        extent: Extent,
        global: &GlobalFlags,
        printer: &Printer,
    ) -> Result<Pictured, Failure> {
        if let Some(path) = &self.snapshot {
            let (picture, _) = snapshot(path, printer)?;
            return Ok(Pictured {
                picture,
                caller: None,
            });
        }
        read_now(&self.cluster, extent, global, printer).await
    }
}

/// What a file of `eksact snapshot` has, and when it was taken.
pub(crate) fn snapshot(path: &Path, printer: &Printer) -> Result<(Picture, String), Failure> {
    let text = fs_err::read_to_string(path)
        .map_err(|error| Failure::error(format!("the snapshot could not be read: {error}")))?;
    let (picture, taken_at) = read_snapshot(&text)
        .map_err(|error| Failure::error(format!("--snapshot {}: {error}", path.display())))?;
    printer.note(&format!(
        "answered from a snapshot of cluster {} in {}, taken at {taken_at}",
        picture.cluster, picture.region
    ));
    Ok((picture, taken_at))
}

/// Reads the picture of a cluster.
pub(crate) async fn read_now(
    cluster: &ClusterFlags,
    extent: Extent,
    global: &GlobalFlags,
    printer: &Printer,
) -> Result<Pictured, Failure> {
    let config = cluster.config(global, printer)?.cluster_only();
    let connection = Connection::open(global, &config, printer).await?;
    let reader = flow::reader(&connection, &config, printer).await?;
    let picture = Box::pin(read_picture(&reader, extent)).await;
    let of_aws = match extent {
        Extent::Cluster => Vec::new(),
        Extent::ClusterAndAws | Extent::Everything => picture.aws.unread(),
    };
    for what in picture.unread().into_iter().chain(of_aws) {
        printer.warning(&format!("not read: {what}"));
    }
    Ok(Pictured {
        picture,
        caller: reader.snapshot().caller.ok(),
    })
}

impl QuestionFlags {
    /// The question; what is worth knowing of it goes to stderr.
    pub(crate) fn asking(&self, asks: Asks, printer: &Printer) -> Result<Asking, Failure> {
        if AwsRequest::is_meant(&self.verb) {
            return self.of_aws(asks).map(|question| Asking::Aws(Box::new(question)));
        }
        if self.resource_policy.is_some() || self.resource_account.is_some() {
            return Err(Failure::usage(format!(
                "--resource-policy and --resource-account are for actions of AWS, and `{}` is a verb of Kubernetes",
                self.verb
            )));
        }
        self.of_cluster(asks, printer)
    }

    fn of_aws(&self, asks: Asks) -> Result<AwsQuestion, Failure> {
        if asks == Asks::AnyNamespace {
            return Err(Failure::usage(format!(
                "--any-namespace is for requests to Kubernetes, and {} is an action of AWS",
                self.verb
            )));
        }
        if self.namespace.is_some() || self.all_namespaces || self.subresource.is_some() {
            return Err(Failure::usage(format!(
                "--namespace, --all-namespaces and --subresource are for requests to Kubernetes, and {} is an action of AWS",
                self.verb
            )));
        }
        let request = AwsRequest::of(
            &self.verb,
            self.resource.as_deref(),
            self.resource_account.as_deref(),
        )?;
        let policy = self.resource_policy.as_deref().map(policy_of).transpose()?;
        Ok(AwsQuestion::new(request, policy.as_ref()))
    }

    fn of_cluster(&self, asks: Asks, printer: &Printer) -> Result<Asking, Failure> {
        let Some(resource) = &self.resource else {
            return Err(Failure::usage(format!("`{}` on what is missing", self.verb))
                .with_help(remedy!("Name the resource, as in: eksact who-can delete pods.")));
        };
        let namespace = self.namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE);
        let is_of_one = !self.all_namespaces && asks == Asks::OnePlace;
        let question = Question::of(Asked {
            verb: &self.verb,
            what: resource,
            subresource: self.subresource.as_deref(),
            namespace: is_of_one.then_some(namespace),
        })?;
        for note in &question.notes {
            printer.note(note);
        }
        if let Some(named) = &self.namespace
            && question.request.namespace.as_ref() != Some(named)
        {
            printer.warning(&format!(
                "--namespace {named} has no effect: {resource} has no namespace, or is one"
            ));
        }
        if asks == Asks::AnyNamespace {
            if is_of_namespaces(&question.request) {
                return Ok(Asking::AnyNamespace(question));
            }
            printer.warning(&format!(
                "--any-namespace has no effect: {resource} has no namespace, or is one"
            ));
        }
        Ok(Asking::Cluster(question))
    }
}

/// The policy in a file.
fn policy_of(path: &Path) -> Result<Value, Failure> {
    let shown = path.display();
    let text = fs_err::read_to_string(path)
        .map_err(|error| Failure::error(format!("--resource-policy {shown} could not be read: {error}")))?;
    let document: Value = serde_json::from_str(&text)
        .map_err(|error| Failure::error(format!("--resource-policy {shown} is no JSON: {error}")))?;
    if AwsQuestion::is_policy(&document) {
        return Ok(document);
    }
    Err(Failure::error(format!(
        "--resource-policy {shown} is not a policy of IAM that eksact can read"
    )))
}

impl From<QuestionError> for Failure {
    fn from(error: QuestionError) -> Self {
        let failure = Self::usage(error.to_string());
        match &error {
            QuestionError::Unknown(_) => failure.with_help(remedy!(
                "Write a custom resource with its API group, as in widgets.example.com."
            )),
            QuestionError::Empty(_) | QuestionError::UrlWithSubresource(_) => failure,
        }
    }
}

impl From<AwsRequestError> for Failure {
    fn from(error: AwsRequestError) -> Self {
        let failure = Self::usage(error.to_string());
        match &error {
            AwsRequestError::Action(word) if word.starts_with("arn:") => failure.with_help(remedy!(
                "Write what is asked first, and who is asked about behind --as: `eksact can-i get pods --as {}`.",
                quoted(word)
            )),
            _ => failure,
        }
    }
}

/// Somebody, by what is known.
enum Named {
    Iam(Identity),
    Kubernetes(Admitted),
}

impl WhoFlags {
    fn named(&self, pictured: &Pictured) -> Result<Named, Failure> {
        if let Some(username) = &self.as_user {
            return Ok(Named::Kubernetes(user(username, &self.as_group)));
        }
        if let Some(account) = &self.service_account {
            let username = trust::subject(&account.namespace, &account.name);
            return Ok(Named::Kubernetes(user(&username, &[])));
        }
        let invalid = |error: &dyn std::error::Error| Failure::usage(format!("--as: {error}"));
        if let Some(arn) = &self.arn {
            let user = quoted(arn);
            return identity(arn).map(Named::Iam).map_err(|error| {
                let failure = invalid(&error);
                match of_service_account(arn) {
                    Some(help) => failure.with_help(help),
                    None if arn.starts_with("arn:") => failure,
                    None => failure.with_help(remedy!(
                        "Name a user of Kubernetes with --as-user {user}; --as takes the ARN of a principal of IAM."
                    )),
                }
            });
        }
        let Some(caller) = &pictured.caller else {
            return Err(no_one());
        };
        Identity::from_caller(&caller.arn, &caller.account, &caller.user_id, "")
            .map(Named::Iam)
            .map_err(|error| invalid(&error))
    }

    /// The answer.
    pub(crate) fn explanation(
        &self,
        pictured: &Pictured,
        asking: &Asking,
        printer: &Printer,
    ) -> Result<Explanation, Failure> {
        let rights = Rights::of(&pictured.picture);
        let explanation = match asking {
            Asking::Aws(question) => self.in_aws(pictured, &rights, question)?,
            Asking::Cluster(question) | Asking::AnyNamespace(question) => {
                let named = self.named(pictured)?;
                let who = match &named {
                    Named::Iam(identity) => Who::Iam(identity),
                    Named::Kubernetes(user) => Who::Kubernetes(user),
                };
                explain(&rights, who, &question.request)
            }
        };
        for note in &explanation.notes {
            printer.note(note);
        }
        Ok(explanation)
    }

    fn in_aws(
        &self,
        pictured: &Pictured,
        rights: &Rights<'_>,
        question: &AwsQuestion,
    ) -> Result<Explanation, Failure> {
        if let Some(account) = &self.service_account {
            let who = AwsWho::ServiceAccount(&account.namespace, &account.name);
            return Ok(explain_aws(rights, who, question));
        }
        if let Some(username) = &self.as_user {
            let Some((namespace, name)) = service_account_of(username).filter(|_| self.as_group.is_empty())
            else {
                return Err(Failure::usage(format!(
                    "--as-user {username} is a user of Kubernetes, who is no one to AWS"
                ))
                .with_help(remedy!("Name a principal of IAM with --as ARN, or a service account with --service-account NAMESPACE/NAME.")));
            };
            return Ok(explain_aws(
                rights,
                AwsWho::ServiceAccount(namespace, name),
                question,
            ));
        }
        let arn = match (&self.arn, &pictured.caller) {
            (Some(arn), _) => arn,
            (None, Some(caller)) => &caller.arn,
            (None, None) => return Err(no_one()),
        };
        identity(arn).map_err(|error| {
            let failure = Failure::usage(format!("--as: {error}"));
            match of_service_account(arn) {
                Some(help) => failure.with_help(help),
                None => failure,
            }
        })?;
        Ok(explain_aws(rights, AwsWho::Principal(arn), question))
    }
}

/// What to write where `--as` has the user name of a service account.
fn of_service_account(username: &str) -> Option<Remedy> {
    let (namespace, name) = service_account_of(username)?;
    let account = quoted(&format!("{namespace}/{name}"));
    Some(remedy!(
        "Name a service account with --service-account {account}."
    ))
}

fn no_one() -> Failure {
    Failure::usage("no one is asked about, and who you are is not known")
        .with_help(remedy!("Say who is asked about: --as ARN, or --as-user USER."))
}

/// A user with the groups that the API server adds. An impersonated service account brings its own where none are named
/// (`endpoints/filters/impersonation`).
fn user(username: &str, groups: &[String]) -> Admitted {
    let mut all = groups.to_vec();
    match service_account_of(username) {
        Some((namespace, _)) if groups.is_empty() => all = groups_of_service_account(namespace),
        _ => {
            let everybody = if username == ANONYMOUS {
                UNAUTHENTICATED
            } else {
                AUTHENTICATED
            };
            if !all.iter().any(|group| group == everybody) {
                all.push(everybody.to_owned());
            }
        }
    }
    Admitted {
        username: username.to_owned(),
        groups: all,
    }
}

/// How a command ends that answers yes or no: as kubectl's, and by another code where neither is known.
pub(crate) fn exit_code(answer: Verdict) -> ExitCode {
    match answer {
        Verdict::Yes => ExitCode::Success,
        Verdict::No => ExitCode::Error,
        Verdict::Depends => ExitCode::Partial,
    }
}
