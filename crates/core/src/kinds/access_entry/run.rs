//! Carries the writes out. EKS has no preconditions: what a write was planned from is read again right before it.

use std::{collections::BTreeSet, time::Duration};

use super::{
    adoption::{Adoption, adoption},
    granted::same_scope,
    operation::{Operation, made},
    stack::RESOURCE,
};
use crate::{
    engine::{StepDone, StepError, StepFailure, executor::Progress},
    kinds::{RunContext, left_change_set, patience::Patience, runner::run_again, stack_write},
    ports::{
        CallError, CallErrorKind,
        aws::{AccessEntry, AccessPolicy, ChangeSet, NewAccessEntry},
    },
};
use eksact_identity::authn::access_entry::derived_username;

/// How long EKS may take until an access policy counts: "several seconds", by its user guide; nothing tells when it does for somebody
/// else (<https://docs.aws.amazon.com/eks/latest/userguide/access-policies.html>).
const POLICY_EFFECT: Duration = Duration::from_secs(5);

pub(super) async fn run(
    operation: Operation,
    context: &RunContext,
    progress: &Progress,
) -> Result<StepDone, StepError> {
    match operation {
        Operation::Create {
            cluster,
            entry,
            principal_exists,
            policies,
            is_after_switch,
        } => {
            let mut patience = Patience::new();
            loop {
                let Err(error) = context.writers.aws.create_access_entry(&cluster, &entry).await else {
                    return Ok(StepDone::default());
                };
                if principal_exists
                    && is_unseen_principal(&error)
                    && patience.waits_until("EKS sees the principal", progress).await
                {
                    continue;
                }
                let adopted = |now: &AccessEntry| adoption(now, &made(&entry), &policies, is_after_switch);
                return adopt(&cluster, &entry, error, adopted, context).await;
            }
        }
        Operation::Update {
            cluster,
            seen,
            username,
            groups,
            is_after_policy,
        } => {
            if is_after_policy {
                progress.tell("waiting until the access policy counts");
                tokio::time::sleep(POLICY_EFFECT).await;
            }
            update(&cluster, &seen, username.as_deref(), &groups, context).await
        }
        Operation::Associate {
            cluster,
            principal_arn,
            policy,
            seen,
            is_new,
        } => {
            let at = At {
                cluster: &cluster,
                principal: &principal_arn,
                is_new,
                context,
            };
            let (mut patience, mut looks) = (Patience::new(), !is_new);
            loop {
                if looks
                    && at
                        .policy_as_seen(&policy.arn, seen.as_ref(), Some(&policy))
                        .await?
                {
                    return Ok(StepDone::default());
                }
                let writer = &context.writers.aws;
                match writer
                    .associate_access_policy(&cluster, &principal_arn, &policy)
                    .await
                {
                    Err(error)
                        if is_new
                            && is_unseen_entry(&error)
                            && patience.waits_until("EKS sees the access entry", progress).await =>
                    {
                        // Somebody may have given it meanwhile.
                        looks = true;
                    }
                    answer => {
                        answer?;
                        return Ok(StepDone::default());
                    }
                }
            }
        }
        Operation::Disassociate {
            cluster,
            principal_arn,
            seen,
        } => {
            let at = At {
                cluster: &cluster,
                principal: &principal_arn,
                is_new: false,
                context,
            };
            if at.policy_as_seen(&seen.arn, Some(&seen), None).await? {
                return Ok(StepDone::default());
            }
            let call = context
                .writers
                .aws
                .disassociate_access_policy(&cluster, &principal_arn, &seen.arn);
            gone_is_done(call.await)
        }
        Operation::Delete { cluster, seen } => {
            let Some(now) = read(&cluster, &seen.principal_arn, context).await? else {
                return Ok(StepDone::default());
            };
            if !is_same(&now, &seen) || now.created_at != seen.created_at {
                return Err(moved(&seen.principal_arn));
            }
            let call = context
                .writers
                .aws
                .delete_access_entry(&cluster, &seen.principal_arn);
            gone_is_done(call.await)
        }
        Operation::UpdateStack {
            cluster,
            request,
            stack_name,
            seen,
            wanted,
            is_after_policy,
        } => {
            if is_after_policy {
                progress.tell("waiting until the access policy counts");
                tokio::time::sleep(POLICY_EFFECT).await;
            }
            let now = read(&cluster, &seen.principal_arn, context).await?;
            if !now.is_some_and(|now| is_between(&now, &seen, &wanted)) {
                return Err(moved(&seen.principal_arn));
            }
            let as_planned = |change_set: &ChangeSet| only_changes_entry(change_set, &stack_name);
            stack_write::update(&request, &stack_name, as_planned, context, progress).await?;
            match read(&cluster, &seen.principal_arn, context).await? {
                Some(now) if is_same(&now, &wanted) => Ok(StepDone::default()),
                _ => Err(StepError::new(format!(
                    "the stack {stack_name} was updated, and the access entry of {} is not as its template says: it was                      changed beside the stack",
                    seen.principal_arn
                ))
                .with_help(run_again())),
            }
        }
        Operation::DeleteChangeSet(left) => left_change_set::delete(&left, context).await,
        Operation::DeleteStack {
            cluster,
            name,
            id,
            cloudformation_role_arn,
            client_request_token,
            seen,
        } => {
            if let Some(seen) = seen
                && let Some(now) = read(&cluster, &seen.principal_arn, context).await?
                && (!is_same(&now, &seen) || now.created_at != seen.created_at)
            {
                return Err(moved(&seen.principal_arn));
            }
            let role = cloudformation_role_arn.as_deref();
            stack_write::delete(&name, &id, role, &client_request_token, context, progress).await
        }
    }
}

/// Whether an entry is as the plan saw it, but for the policies that the plan has given meanwhile, or as it shall be.
fn is_between(now: &AccessEntry, seen: &AccessEntry, wanted: &AccessEntry) -> bool {
    let has = |entry: &AccessEntry, policy: &AccessPolicy| {
        entry.policies.iter().any(|other| {
            other.arn == policy.arn && same_scope(other.namespaces.as_ref(), policy.namespaces.as_ref())
        })
    };
    now.entry_type == seen.entry_type
        && (has_same_user(now, seen) || has_same_user(now, wanted))
        && now
            .policies
            .iter()
            .all(|policy| has(seen, policy) || has(wanted, policy))
}

/// Whether a change set changes the entry in place and nothing else.
fn only_changes_entry(change_set: &ChangeSet, stack: &str) -> Result<(), StepError> {
    let (logical_id, resource_type) = RESOURCE;
    let other = change_set.changes.iter().find(|change| {
        change.logical_id != logical_id
            || change.resource_type != resource_type
            || change.action != "Modify"
            || change.replacement.as_deref() == Some("True")
    });
    let Some(other) = other else { return Ok(()) };
    Err(StepError::new(format!(
        "CloudFormation would do more to stack {stack} than change its access entry ({} {}), which the plan did not show, and \
         so nothing was changed",
        other.action, other.logical_id
    ))
    .with_help(run_again()))
}

/// One entry and the way to it.
struct At<'run> {
    cluster: &'run str,
    principal: &'run str,
    /// Whether this plan made it, so that EKS may not show it yet.
    is_new: bool,
    context: &'run RunContext,
}

impl At<'_> {
    /// Whether the policy is already as it shall be. Refuses where it is neither that nor what the plan saw.
    async fn policy_as_seen(
        &self,
        policy_arn: &str,
        seen: Option<&AccessPolicy>,
        wanted: Option<&AccessPolicy>,
    ) -> Result<bool, StepError> {
        let entry = read(self.cluster, self.principal, self.context).await?;
        if entry.is_none() && !self.is_new {
            return Err(moved(self.principal));
        }
        let now = entry.as_ref().and_then(|entry| entry.policy(policy_arn));
        let is = |other: Option<&AccessPolicy>| match (now, other) {
            (None, None) => true,
            (Some(now), Some(other)) => same_scope(now.namespaces.as_ref(), other.namespaces.as_ref()),
            _ => false,
        };
        if is(wanted) {
            return Ok(true);
        }
        if is(seen) {
            Ok(false)
        } else {
            Err(moved(self.principal))
        }
    }
}

async fn read(
    cluster: &str,
    principal: &str,
    context: &RunContext,
) -> Result<Option<AccessEntry>, CallError> {
    context.readers.aws.access_entry(cluster, principal).await
}

/// What there is instead, where an entry could not be made, or nobody knows: made meanwhile, or by the very call whose answer was
/// lost.
async fn adopt(
    cluster: &str,
    entry: &NewAccessEntry,
    error: CallError,
    adopted: impl Fn(&AccessEntry) -> Adoption,
    context: &RunContext,
) -> Result<StepDone, StepError> {
    if !matches!(
        error.kind,
        CallErrorKind::AlreadyExists | CallErrorKind::Unreachable | CallErrorKind::ServiceFailure
    ) {
        return Err(error.into());
    }
    let Some(now) = read(cluster, &entry.principal_arn, context).await? else {
        return Err(error.into());
    };
    match adopted(&now) {
        Adoption::Refuse if error.kind == CallErrorKind::AlreadyExists => {
            return Err(moved(&entry.principal_arn));
        }
        // The answer was lost: it may have been made, and changed by somebody since.
        Adoption::Refuse => return Err(error.into()),
        Adoption::Keep => {}
        Adoption::Complete => {
            let (username, groups) = (entry.username.as_deref(), &entry.groups);
            let writer = &context.writers.aws;
            writer
                .update_access_entry(cluster, &entry.principal_arn, username, groups)
                .await?;
        }
    }
    let mut notes = Vec::new();
    if error.kind == CallErrorKind::AlreadyExists {
        notes.push(format!(
            "The access entry of {} was made meanwhile, and was taken over.",
            entry.principal_arn
        ));
    }
    Ok(StepDone {
        notes,
        ..StepDone::default()
    })
}

async fn update(
    cluster: &str,
    seen: &AccessEntry,
    username: Option<&str>,
    groups: &[String],
    context: &RunContext,
) -> Result<StepDone, StepError> {
    let principal = &seen.principal_arn;
    let Some(now) = read(cluster, principal, context).await? else {
        return Err(moved(principal));
    };
    let wanted = AccessEntry {
        username: username.map_or_else(|| derived_username(&seen.entry_type, principal), str::to_owned),
        groups: groups.to_vec(),
        ..seen.clone()
    };
    if has_same_user(&now, &wanted) {
        return Ok(StepDone::default());
    }
    if !has_same_user(&now, seen) {
        return Err(moved(principal));
    }
    context
        .writers
        .aws
        .update_access_entry(cluster, principal, username, groups)
        .await?;
    Ok(StepDone::default())
}

pub(super) fn has_same_user(one: &AccessEntry, other: &AccessEntry) -> bool {
    let groups = |entry: &AccessEntry| entry.groups.iter().cloned().collect::<BTreeSet<_>>();
    one.username == other.username && groups(one) == groups(other)
}

fn is_same(one: &AccessEntry, other: &AccessEntry) -> bool {
    one.entry_type == other.entry_type
        && has_same_user(one, other)
        && one.policies.len() == other.policies.len()
        && one.policies.iter().all(|policy| {
            other.policies.iter().any(|other| {
                other.arn == policy.arn && same_scope(other.namespaces.as_ref(), policy.namespaces.as_ref())
            })
        })
}

/// EKS has not seen the entry yet that it has just made.
fn is_unseen_entry(error: &CallError) -> bool {
    error.kind == CallErrorKind::NotFound && error.message.contains("principalArn")
}

/// EKS does not see the principal, which it says in the same words of one that is new to IAM.
fn is_unseen_principal(error: &CallError) -> bool {
    error.kind == CallErrorKind::Invalid && error.message.contains("invalid principal")
}

/// What is to go and is gone is done.
fn gone_is_done(answer: Result<(), CallError>) -> Result<StepDone, StepError> {
    match answer {
        Err(error) if error.kind != CallErrorKind::NotFound => Err(error.into()),
        _ => Ok(StepDone::default()),
    }
}

fn moved(principal: &str) -> StepError {
    StepError::new(format!(
        "the access entry of {principal} changed since the plan was made, and nothing was written"
    ))
    .because(StepFailure::Moved)
    .with_help(run_again())
}
