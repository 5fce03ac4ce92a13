//! Carries out the steps.

use std::{collections::BTreeSet, time::Duration};

use tokio::time::{Instant, sleep};

use super::operation::Operation;
use crate::{
    engine::{StepDone, StepError, StepFailure, executor::Progress},
    kinds::{
        RunContext,
        runner::run_again,
        trust_policy::{self, Target},
    },
    live::AGENT,
    migration::pod_identity::names,
    ports::{CallErrorKind, kubernetes::Pod},
};
use eksact_identity::service_account::ServiceAccountKey;

/// How long an add-on may take until it is active.
const INSTALLATION: Duration = Duration::from_mins(10);
const PAUSE: Duration = Duration::from_secs(5);

/// Carries out one step.
pub(super) async fn run(
    operation: Operation,
    context: &RunContext,
    progress: &Progress,
) -> Result<StepDone, StepError> {
    match &operation {
        Operation::InstallAgent {
            cluster,
            client_request_token,
        } => install(cluster, client_request_token, context, progress).await,
        Operation::Confirm {
            cluster,
            role_arn,
            accounts,
        } => confirm(cluster, role_arn, accounts, context).await,
        Operation::Trust { role_id, .. } | Operation::Untrust { role_id, .. } => {
            let Some((role, edit)) = operation.edit() else {
                return Ok(StepDone::default());
            };
            let target = Target {
                role,
                id: Some(role_id),
            };
            trust_policy::change(target, edit, context, progress).await?;
            Ok(StepDone::default())
        }
    }
}

async fn install(
    cluster: &str,
    token: &str,
    context: &RunContext,
    progress: &Progress,
) -> Result<StepDone, StepError> {
    let made = context.writers.aws.create_addon(cluster, AGENT, token).await;
    if let Err(error) = made
        && error.kind != CallErrorKind::AlreadyExists
        && context.readers.aws.addon(cluster, AGENT).await?.is_none()
    {
        return Err(error.into());
    }
    let begun = Instant::now();
    loop {
        let status = context.readers.aws.addon(cluster, AGENT).await?;
        let status = status.map_or("gone".to_owned(), |addon| addon.status);
        if status == "ACTIVE" {
            return Ok(StepDone::default());
        }
        if status != "CREATING" || begun.elapsed() > INSTALLATION {
            return Err(StepError::new(format!("the add-on {AGENT} is {status}")).with_help(run_again()));
        }
        progress.tell(format!("waiting until the add-on {AGENT} is active"));
        sleep(PAUSE).await;
    }
}

async fn confirm(
    cluster: &str,
    role_arn: &str,
    accounts: &BTreeSet<ServiceAccountKey>,
    context: &RunContext,
) -> Result<StepDone, StepError> {
    for account in accounts {
        let (namespace, name) = (account.namespace.as_str(), account.name.as_str());
        let listed = context
            .readers
            .aws
            .pod_identity_associations(cluster, Some((namespace, name)))
            .await?;
        let association = match listed.first() {
            Some(listed) => {
                let aws = &context.readers.aws;
                aws.pod_identity_association(cluster, &listed.id).await?
            }
            None => None,
        };
        if association.is_none_or(|association| association.role_arn != role_arn) {
            return Err(moved(format!(
                "{account} has no association with the role {role_arn} any more"
            )));
        }
        let pods = context
            .readers
            .kubernetes
            .list::<Pod>(Some(namespace), Pod::under(name))
            .await?;
        let old = names(pods.iter().filter(|pod| pod.is_alive() && pod.uses_annotation()));
        if !old.is_empty() {
            return Err(moved(format!("pods of {account} need its annotation now: {old}")));
        }
    }
    Ok(StepDone::default())
}

fn moved(what: String) -> StepError {
    StepError::new(what)
        .with_help(run_again())
        .because(StepFailure::Moved)
}
