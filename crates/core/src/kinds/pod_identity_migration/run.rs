//! Carries out the steps.

use std::collections::BTreeSet;

use super::operation::Operation;
use crate::{
    engine::{StepDone, StepError, StepFailure, executor::Progress},
    kinds::{
        RunContext,
        runner::run_again,
        trust_policy::{self, Target},
    },
    migration::pod_identity::names,
    ports::kubernetes::Pod,
};
use eksact_identity::service_account::ServiceAccountKey;

/// Carries out one step.
pub(super) async fn run(
    operation: Operation,
    context: &RunContext,
    progress: &Progress,
) -> Result<StepDone, StepError> {
    match &operation {
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
