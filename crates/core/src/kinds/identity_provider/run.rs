//! One step of an identity provider, with a look before it: what is going is waited for, and another one is left alone.

use super::{Operation, compare::differences};
use crate::{
    engine::{StepDone, StepError, StepFailure, executor::Progress},
    kinds::{RunContext, cluster_update::Updating, runner::run_again},
    ports::aws::{
        ASSOCIATE_IDENTITY_PROVIDER_CONFIG, DISASSOCIATE_IDENTITY_PROVIDER_CONFIG, IdentityProviderConfig,
    },
};

pub(super) async fn run(
    operation: Operation,
    context: &RunContext,
    progress: &Progress,
) -> Result<StepDone, StepError> {
    let writer = &context.writers.aws;
    match operation {
        Operation::Associate { cluster, config } => {
            associate(&cluster, &config, context, progress).await?;
        }
        Operation::Disassociate { cluster, seen } => {
            disassociate(&cluster, &seen, context, progress).await?;
        }
        Operation::Tag { arn, tags } => writer.tag_identity_provider_config(&arn, &tags).await?,
    }
    Ok(StepDone::default())
}

async fn associate(
    cluster: &str,
    config: &IdentityProviderConfig,
    context: &RunContext,
    progress: &Progress,
) -> Result<(), StepError> {
    let (reader, writer) = (&context.readers.aws, &context.writers.aws);
    let name = config.name.as_str();
    let updating = Updating::new(cluster, ASSOCIATE_IDENTITY_PROVIDER_CONFIG, context, progress);
    if let Some(there) = reader.identity_provider_config(cluster, name).await? {
        // One that is coming or going is waited for; `ACTIVE` it is somebody's, or what a run before has made.
        if there.status != "ACTIVE" {
            progress.tell(format!(
                "waits for identity provider {name}, which is {}",
                there.status
            ));
            updating.idle().await?;
        }
        if let Some(there) = reader.identity_provider_config(cluster, name).await? {
            return same_or_moved(&there, config);
        }
    }
    updating
        .carry_out(
            || writer.associate_identity_provider_config(cluster, config),
            || async {
                let there = reader.identity_provider_config(cluster, name).await?;
                Ok(there.is_some_and(|there| differences(Some(&there), Some(config)).is_empty()))
            },
        )
        .await
}

/// One of that name is there: as wanted, or as the plan did not see it.
fn same_or_moved(there: &IdentityProviderConfig, config: &IdentityProviderConfig) -> Result<(), StepError> {
    if there.status == "ACTIVE" && differences(Some(there), Some(config)).is_empty() {
        return Ok(());
    }
    Err(StepError::new(format!(
        "identity provider {} is there ({}), and the plan did not see it so",
        there.name, there.status
    ))
    .because(StepFailure::Moved)
    .with_help(run_again()))
}

async fn disassociate(
    cluster: &str,
    seen: &IdentityProviderConfig,
    context: &RunContext,
    progress: &Progress,
) -> Result<(), StepError> {
    let (reader, writer) = (&context.readers.aws, &context.writers.aws);
    let name = seen.name.as_str();
    let updating = Updating::new(cluster, DISASSOCIATE_IDENTITY_PROVIDER_CONFIG, context, progress);
    let Some(there) = reader.identity_provider_config(cluster, name).await? else {
        return Ok(());
    };
    if there.arn != seen.arn {
        return Err(StepError::new(format!(
            "identity provider {name} is another one than when the plan was made"
        ))
        .because(StepFailure::Moved)
        .with_help(run_again()));
    }
    if there.status != "ACTIVE" {
        progress.tell(format!(
            "waits for identity provider {name}, which is {}",
            there.status
        ));
        updating.idle().await?;
        if reader.identity_provider_config(cluster, name).await?.is_none() {
            return Ok(());
        }
    }
    updating
        .carry_out(
            || writer.disassociate_identity_provider_config(cluster, name),
            || async { Ok(reader.identity_provider_config(cluster, name).await?.is_none()) },
        )
        .await
}
