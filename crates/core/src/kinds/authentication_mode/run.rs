//! One transition, with a look at the cluster before it: what the plan did not know stops it.

use super::Operation;
use crate::{
    engine::{StepDone, StepError, StepFailure, executor::Progress},
    guard::{Guard, authentication_mode::uncovered, aws_auth::AwsAuthReading, entries::AccessEntries},
    kinds::{RunContext, cluster_update::Updating, runner::run_again},
    live::{self, AWS_AUTH, AWS_AUTH_NAMESPACE, LiveReader},
    ports::{
        CallError, CallErrorKind,
        aws::{ACCESS_CONFIG_UPDATE, AuthenticationMode},
        kubernetes::{ConfigMap, ObjectKey},
    },
};

pub(super) async fn run(
    operation: Operation,
    context: &RunContext,
    progress: &Progress,
) -> Result<StepDone, StepError> {
    let (cluster, to) = (operation.cluster.as_str(), operation.to);
    let updating = Updating::new(cluster, ACCESS_CONFIG_UPDATE, context, progress);
    if operation.looks_at_aws_auth() {
        // An update that runs may lead to the mode, or to entries; both are read behind it.
        updating.idle().await?;
    }
    let now = mode(context, cluster).await?;
    if now == to {
        return Ok(StepDone {
            notes: vec![format!(
                "Cluster {cluster} was in authentication mode {to} already."
            )],
            ..StepDone::default()
        });
    }
    if now != operation.from {
        return Err(StepError::new(format!(
            "cluster {cluster} is in authentication mode {now}, and the plan was made for {}",
            operation.from
        ))
        .because(StepFailure::Moved)
        .with_help(run_again()));
    }
    if operation.looks_at_aws_auth() {
        check_lines(&operation, context).await?;
    }
    let writer = &context.writers.aws;
    updating
        .carry_out(
            || writer.set_authentication_mode(cluster, to),
            || async { Ok(mode(context, cluster).await? >= to) },
        )
        .await?;
    Ok(StepDone::default())
}

async fn mode(context: &RunContext, cluster: &str) -> Result<AuthenticationMode, CallError> {
    let mode = context.readers.aws.cluster(cluster).await?.mode();
    mode.map_err(|error| {
        CallError::new(
            "eks",
            "DescribeCluster",
            cluster,
            CallErrorKind::Other,
            error.to_string(),
        )
    })
}

/// Stops where `aws-auth` lets somebody in whom no access entry does and whom the plan did not name.
async fn check_lines(operation: &Operation, context: &RunContext) -> Result<(), StepError> {
    let kubernetes = context.readers.kubernetes.as_ref();
    let key = ObjectKey::namespaced(AWS_AUTH_NAMESPACE, AWS_AUTH);
    let Some(config_map) = kubernetes.get::<ConfigMap>(key).await? else {
        return Ok(());
    };
    let reader = LiveReader::begin(context.readers.clone(), &operation.cluster).await?;
    if let Err(error) = reader.ask(live::AccessEntries).await.as_ref() {
        return Err(error.clone().into());
    }
    let entries = AccessEntries::of(&reader.snapshot());
    let lines = uncovered(&AwsAuthReading::of(&config_map.data), &entries);
    let new: Vec<&str> = lines
        .iter()
        .filter(|line| !operation.known.contains(&line.subject))
        .map(|line| line.words.as_str())
        .collect();
    if new.is_empty() {
        return Ok(());
    }
    Err(StepError::new(format!(
        "the guard {} refuses the switch to API: aws-auth lets in, and no access entry does, since the plan: {}",
        Guard::AwsAuthInUse.code(),
        new.join("; ")
    ))
    .because(StepFailure::Guarded)
    .with_help(run_again()))
}
