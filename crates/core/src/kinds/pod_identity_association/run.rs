//! Carries out the writes: waits where IAM has not spread a role yet, and writes over nothing that the plan did not see.

use super::operation::{Given, Operation, Session};
use crate::{
    engine::{Deferred, StepDone, StepError, StepFailure, executor::Progress},
    kinds::{RunContext, patience::Patience, runner::run_again},
    ports::{
        CallError, CallErrorKind,
        aws::{
            NewPodIdentityAssociation, PodIdentityAssociation, PodIdentityAssociationUpdate, is_role_not_seen,
        },
    },
};

/// What is waited for.
const SEEN: &str = "EKS sees the role";

/// Carries out one write.
pub(super) async fn run(
    operation: Operation,
    context: &RunContext,
    progress: &Progress,
) -> Result<StepDone, StepError> {
    match operation {
        Operation::Create {
            cluster,
            namespace,
            service_account,
            role_arn,
            session,
            tags,
            client_request_token,
        } => {
            let new = NewPodIdentityAssociation {
                namespace,
                service_account,
                role_arn: known(role_arn)?,
                target_role_arn: session.target_role_arn,
                disable_session_tags: session.disable_session_tags,
                policy: session.policy,
                tags,
                client_request_token,
            };
            create(&cluster, &new, context, progress).await
        }
        Operation::Update {
            cluster,
            id,
            before,
            role_arn,
            session,
            client_request_token,
        } => {
            let after = Given {
                role_arn: known(role_arn)?,
                session,
            };
            let write = Write {
                cluster: &cluster,
                id: &id,
                token: &client_request_token,
            };
            update(&write, &before, &after, context, progress).await
        }
        Operation::Tag { arn, tags } => {
            context
                .writers
                .aws
                .tag_pod_identity_association(&arn, &tags)
                .await?;
            Ok(StepDone::default())
        }
        Operation::Delete { cluster, id, before } => delete(&cluster, &id, &before, context).await,
    }
}

fn known(arn: Deferred<String>) -> Result<String, StepError> {
    match arn {
        Deferred::Known(arn) => Ok(arn),
        Deferred::Unknown { unknown } => Err(StepError::new(format!(
            "internal error: nothing provided the {unknown}"
        ))),
    }
}

async fn create(
    cluster: &str,
    new: &NewPodIdentityAssociation,
    context: &RunContext,
    progress: &Progress,
) -> Result<StepDone, StepError> {
    let aws = &context.writers.aws;
    let mut patience = Patience::new();
    let error = loop {
        match aws.create_pod_identity_association(cluster, new).await {
            Ok(_) => return Ok(StepDone::default()),
            Err(error) if is_role_not_seen(&error) && patience.waits_until(SEEN, progress).await => {}
            Err(error) => break error,
        }
    };
    if error.kind != CallErrorKind::AlreadyExists && !error.kind.is_passing() {
        return Err(error.into());
    }
    // It is there already, or may be: by a run before, or by somebody else meanwhile.
    let of = (new.namespace.as_str(), new.service_account.as_str());
    let listed = context
        .readers
        .aws
        .pod_identity_associations(cluster, Some(of))
        .await?;
    let Some(summary) = listed.first() else {
        return Err(error.into());
    };
    let wanted = Given {
        role_arn: new.role_arn.clone(),
        session: Session {
            target_role_arn: new.target_role_arn.clone(),
            disable_session_tags: new.disable_session_tags,
            policy: new.policy.clone(),
        },
    };
    match described(cluster, &summary.id, context).await? {
        Some(there) if there.owner_arn.is_none() && Given::of(&there).is_same(&wanted) => {
            // Somebody else's bears other tags, and the next plan adopts it.
            Ok(StepDone::default())
        }
        _ => Err(moved(&format!(
            "an association of service account {}/{} appeared since the plan was made, and it differs from the desired state",
            new.namespace, new.service_account
        ))),
    }
}

async fn described(
    cluster: &str,
    id: &str,
    context: &RunContext,
) -> Result<Option<PodIdentityAssociation>, CallError> {
    context.readers.aws.pod_identity_association(cluster, id).await
}

/// Which association, and the token of the write.
struct Write<'a> {
    cluster: &'a str,
    id: &'a str,
    token: &'a str,
}

async fn update(
    write: &Write<'_>,
    before: &Given,
    after: &Given,
    context: &RunContext,
    progress: &Progress,
) -> Result<StepDone, StepError> {
    let mut patience = Patience::new();
    let made = loop {
        let Some(now) = described(write.cluster, write.id, context).await? else {
            return Err(moved(&format!(
                "the association {} is gone since the plan was made",
                write.id
            )));
        };
        let now = Given::of(&now);
        if now.is_same(after) {
            return Ok(StepDone::default());
        }
        if !now.is_same(before) {
            return Err(moved(&format!(
                "the association {} changed since the plan was made",
                write.id
            )));
        }
        let change = change(&now, after);
        let aws = &context.writers.aws;
        match aws
            .update_pod_identity_association(write.cluster, write.id, &change, write.token)
            .await
        {
            Err(error) if is_role_not_seen(&error) && patience.waits_until(SEEN, progress).await => {}
            Err(error) if !error.kind.is_passing() => return Err(error.into()),
            made => break made,
        }
    };
    // EKS documents for the target role alone that an empty text clears it: whatever was sent is looked at.
    let there = described(write.cluster, write.id, context).await?;
    match there.map(|there| Given::of(&there)) {
        Some(there) if there.is_same(after) => Ok(StepDone::default()),
        _ => match made {
            Err(error) => Err(error.into()),
            Ok(()) => Err(StepError::new(format!(
                "EKS accepted the update of association {} and did not carry it out whole",
                write.id
            ))
            .with_help(run_again())),
        },
    }
}

/// What of an association is to change.
fn change(now: &Given, after: &Given) -> PodIdentityAssociationUpdate {
    let cleared = |before: &Option<String>, after: &Option<String>| {
        (before != after).then(|| after.clone().unwrap_or_default())
    };
    let (old, new) = (&now.session, &after.session);
    PodIdentityAssociationUpdate {
        role_arn: (now.role_arn != after.role_arn).then(|| after.role_arn.clone()),
        target_role_arn: cleared(&old.target_role_arn, &new.target_role_arn),
        disable_session_tags: (old.disable_session_tags != new.disable_session_tags)
            .then_some(new.disable_session_tags),
        policy: cleared(&old.policy, &new.policy),
    }
}

async fn delete(
    cluster: &str,
    id: &str,
    before: &Given,
    context: &RunContext,
) -> Result<StepDone, StepError> {
    match described(cluster, id, context).await? {
        None => return Ok(StepDone::default()),
        Some(now) if !Given::of(&now).is_same(before) => {
            return Err(moved(&format!(
                "the association {id} changed since the plan was made"
            )));
        }
        Some(_) => {}
    }
    match context
        .writers
        .aws
        .delete_pod_identity_association(cluster, id)
        .await
    {
        Err(error) if error.kind == CallErrorKind::NotFound => Ok(StepDone::default()),
        Err(error) if error.kind.is_passing() && described(cluster, id, context).await?.is_none() => {
            Ok(StepDone::default())
        }
        Err(error) => Err(error.into()),
        Ok(()) => Ok(StepDone::default()),
    }
}

fn moved(what: &str) -> StepError {
    StepError::new(what)
        .with_help(run_again())
        .because(StepFailure::Moved)
}
