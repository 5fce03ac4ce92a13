//! What `can-i`, `who-can` and `explain access` have alike: the question in kubectl's words, who is asked about, and the picture
//! that answers it, read now or out of a snapshot.

use std::path::PathBuf;

use clap::Args;

use super::{Failure, account_flags::ClusterFlags, file, flow, global::GlobalFlags, wiring::Connection};
use eksact_core::{
    diagnosis::authorization::{
        Asked, Explanation, Picture, Question, QuestionError, Rights, Verdict, Who, explain, identity,
        read_picture, read_snapshot,
    },
    guard::access::Admitted,
    ports::aws::CallerIdentity,
    view::Printer,
};
use eksact_identity::{
    authn::aws_auth::Identity,
    rbac::{ANONYMOUS, AUTHENTICATED, UNAUTHENTICATED, groups_of_service_account, service_account_of},
};

use super::ExitCode;

/// The namespace of a question that names none, as kubectl's.
const DEFAULT_NAMESPACE: &str = "default";

/// What is asked.
#[derive(Debug, Args)]
pub(super) struct QuestionFlags {
    /// What somebody would do: get, list, create, delete, bind, impersonate, …
    #[arg(value_name = "VERB")]
    verb: String,
    /// On what: TYPE, TYPE.GROUP, TYPE/NAME, or a path such as /metrics
    #[arg(value_name = "RESOURCE")]
    resource: String,
    /// The sub-resource: exec, log, scale, …
    #[arg(long, value_name = "NAME", help_heading = None::<&str>)]
    subresource: Option<String>,
    /// In this namespace; `default` where none is named
    #[arg(short, long, value_name = "NAMESPACE", help_heading = None::<&str>)]
    namespace: Option<String>,
    /// In all namespaces at once
    #[arg(short = 'A', long, conflicts_with = "namespace", help_heading = None::<&str>)]
    all_namespaces: bool,
}

/// Where the answer comes from.
#[derive(Debug, Args)]
pub(super) struct SourceFlags {
    #[command(flatten)]
    cluster: ClusterFlags,
    /// Answer from this file of `eksact snapshot`; neither AWS nor the cluster is asked
    #[arg(long, value_name = "FILE", conflicts_with_all = ["cluster", "config_file"], help_heading = "Cluster or file")]
    snapshot: Option<PathBuf>,
}

/// Who is asked about.
#[derive(Debug, Args)]
#[command(next_help_heading = "Who")]
pub(super) struct WhoFlags {
    /// A user, role or session of IAM, by its ARN; you where no one is named
    #[arg(long = "as", value_name = "ARN", conflicts_with_all = ["as_user", "as_group"])]
    arn: Option<String>,
    /// A user of Kubernetes, such as `nina` or `system:serviceaccount:app:web`
    #[arg(long, value_name = "USER")]
    as_user: Option<String>,
    /// A group of that user; repeat it for several
    #[arg(long, value_name = "GROUP", requires = "as_user")]
    as_group: Vec<String>,
}

/// A picture, and who reads it where that is known.
pub(super) struct Pictured {
    pub(super) picture: Picture,
    caller: Option<CallerIdentity>,
}

impl SourceFlags {
    /// The picture: out of the snapshot, or read now.
    pub(super) async fn picture(&self, global: &GlobalFlags, printer: &Printer) -> Result<Pictured, Failure> {
        if let Some(path) = &self.snapshot {
            let shown = path.display();
            let text = fs_err::read_to_string(path)
                .map_err(|error| Failure::error(format!("the snapshot could not be read: {error}")))?;
            let (picture, taken_at) = read_snapshot(&text)
                .map_err(|error| Failure::error(format!("--snapshot {shown}: {error}")))?;
            printer.note(&format!(
                "answered from a snapshot of cluster {} in {}, taken at {taken_at}",
                picture.cluster, picture.region
            ));
            return Ok(Pictured {
                picture,
                caller: None,
            });
        }
        read_now(&self.cluster, global, printer).await
    }
}

/// Reads the picture of a cluster.
pub(super) async fn read_now(
    cluster: &ClusterFlags,
    global: &GlobalFlags,
    printer: &Printer,
) -> Result<Pictured, Failure> {
    let config = match &cluster.config_file {
        Some(path) => file::load(path, global, printer)?.cluster_only(),
        None => cluster.config(global)?,
    };
    let connection = Connection::open(global, &config, printer).await?;
    let reader = flow::reader(&connection, &config, printer).await?;
    let picture = Box::pin(read_picture(&reader)).await;
    for what in picture.unread() {
        printer.warning(&format!("not read: {what}"));
    }
    Ok(Pictured {
        picture,
        caller: reader.snapshot().caller.ok(),
    })
}

impl QuestionFlags {
    /// The question; what is worth knowing of it goes to stderr.
    pub(super) fn question(&self, printer: &Printer) -> Result<Question, Failure> {
        let namespace = self.namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE);
        let question = Question::of(Asked {
            verb: &self.verb,
            what: &self.resource,
            subresource: self.subresource.as_deref(),
            namespace: (!self.all_namespaces).then_some(namespace),
        })?;
        for note in &question.notes {
            printer.note(note);
        }
        if let Some(named) = &self.namespace
            && question.request.namespace.as_ref() != Some(named)
        {
            printer.warning(&format!(
                "--namespace {named} has no effect: {} has no namespace, or is one",
                self.resource
            ));
        }
        Ok(question)
    }
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
        let invalid = |error: &dyn std::error::Error| Failure::usage(format!("--as: {error}"));
        if let Some(arn) = &self.arn {
            return identity(arn).map(Named::Iam).map_err(|error| invalid(&error));
        }
        let Some(caller) = &pictured.caller else {
            return Err(
                Failure::usage("no one is asked about, and who you are is not known")
                    .with_help(remedy!("Say who is asked about: --as ARN, or --as-user USER.")),
            );
        };
        Identity::from_caller(&caller.arn, &caller.account, &caller.user_id, "")
            .map(Named::Iam)
            .map_err(|error| invalid(&error))
    }

    /// The answer.
    pub(super) fn explanation(
        &self,
        pictured: &Pictured,
        question: &Question,
        printer: &Printer,
    ) -> Result<Explanation, Failure> {
        let rights = Rights::of(&pictured.picture);
        let named = self.named(pictured)?;
        let who = match &named {
            Named::Iam(identity) => Who::Iam(identity),
            Named::Kubernetes(user) => Who::Kubernetes(user),
        };
        let explanation = explain(&rights, who, &question.request);
        for note in &explanation.notes {
            printer.note(note);
        }
        Ok(explanation)
    }
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
pub(super) fn exit_code(answer: Verdict) -> ExitCode {
    match answer {
        Verdict::Yes => ExitCode::Success,
        Verdict::No => ExitCode::Error,
        Verdict::Depends => ExitCode::Partial,
    }
}
