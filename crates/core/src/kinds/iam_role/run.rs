//! Carries out the writes that roles need, each harmless when repeated: what exists already or is gone already is looked
//! at again and taken as done where it is what was wanted.

use std::collections::BTreeMap;

use serde_json::json;

use super::{operation::Operation, shared};
use crate::{
    engine::{StepDone, StepError, executor::Progress},
    kinds::{RunContext, left_change_set, stack_write},
    live::addresses::ARN,
    ports::{
        CallError, CallErrorKind,
        aws::{ChangeSet, Stack},
    },
};

/// Carries out one write.
pub(super) async fn run(
    operation: Operation,
    context: &RunContext,
    progress: &Progress,
) -> Result<StepDone, StepError> {
    let aws = &context.writers.aws;
    let gone_is_done = |result: Result<(), CallError>| match result {
        Err(error) if error.kind == CallErrorKind::NotFound => Ok(()),
        other => other,
    };
    match operation {
        Operation::CreateStack { request, .. } => {
            let stack = stack_write::create(&request, context, progress).await?;
            return told_role(&stack);
        }
        Operation::UpdateStack {
            request,
            stack_name,
            replaces_role,
            shared,
        } => {
            let kept = shared::Kept::look(shared, context).await?;
            let as_planned = |change_set: &ChangeSet| as_planned(change_set, &stack_name, replaces_role);
            let stack = stack_write::update(&request, &stack_name, as_planned, context, progress).await?;
            let done = told_role(&stack)?;
            if let Some(kept) = kept {
                kept.restore(context, progress).await?;
            }
            return Ok(done);
        }
        Operation::DeleteChangeSet(left) => return left_change_set::delete(&left, context).await,
        Operation::DeleteStack {
            name,
            id,
            cloudformation_role_arn,
            client_request_token,
        } => {
            return stack_write::delete(
                &name,
                &id,
                cloudformation_role_arn.as_deref(),
                &client_request_token,
                context,
                progress,
            )
            .await;
        }
        Operation::SetTerminationProtection { stack, enabled } => {
            aws.set_termination_protection(&stack, enabled).await?;
        }
        Operation::SetTrustPolicy { role, document } => {
            shared::set_own_part(&role, &document, context, progress).await?;
        }
        Operation::AttachPolicy { role, policy_arn } => aws.attach_role_policy(&role, &policy_arn).await?,
        Operation::DetachPolicy { role, policy_arn } => {
            gone_is_done(aws.detach_role_policy(&role, &policy_arn).await)?;
        }
        Operation::PutInlinePolicy { role, name, document } => {
            aws.put_role_policy(&role, &name, &document).await?;
        }
        Operation::DeleteInlinePolicy { role, name } => {
            gone_is_done(aws.delete_role_policy(&role, &name).await)?;
        }
        Operation::SetPermissionsBoundary { role, boundary } => {
            aws.set_permissions_boundary(&role, boundary.as_deref()).await?;
        }
        Operation::SetMaxSession { role, seconds } => aws.set_max_session(&role, seconds).await?,
        Operation::TagRole { role, tags } => aws.tag_role(&role, &tags).await?,
    }
    Ok(StepDone::default())
}

/// Whether a change set does what the plan showed and no more. `replaces_role` says whether the plan showed another role;
/// a template with parts that eksact has no words for could make it so unseen.
fn as_planned(change_set: &ChangeSet, stack: &str, replaces_role: bool) -> Result<(), StepError> {
    for change in &change_set.changes {
        let replaced = change.replacement.as_deref() == Some("True");
        let what = if change.action == "Remove" && change.resource_type != "AWS::IAM::Policy" {
            "remove"
        } else if replaced && !(replaces_role && change.logical_id == "Role1") {
            "replace"
        } else {
            continue;
        };
        return Err(stack_write::more_than_planned(what, change, stack));
    }
    Ok(())
}

fn told_role(stack: &Stack) -> Result<StepDone, StepError> {
    let Some(arn) = stack.outputs.get("Role1") else {
        return Err(StepError::new(format!(
            "the stack {} was created but has no output Role1",
            stack.name
        )));
    };
    Ok(StepDone {
        outputs: BTreeMap::from([(ARN.to_owned(), json!(arn))]),
        notes: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::aws::ResourceChange;

    /// What a change set would do against what the plan showed: only the role of a plan that replaces it is made anew.
    #[test]
    fn change_set_that_does_more_than_the_plan_showed_is_refused() {
        let change =
            |logical_id: &str, resource_type: &str, action: &str, replacement: Option<&str>| ChangeSet {
                id: String::new(),
                status: "CREATE_COMPLETE".to_owned(),
                status_reason: None,
                execution_status: None,
                changes: vec![ResourceChange {
                    logical_id: logical_id.to_owned(),
                    physical_id: None,
                    resource_type: resource_type.to_owned(),
                    action: action.to_owned(),
                    replacement: replacement.map(ToOwned::to_owned),
                }],
            };
        let (role, policy, bucket) = ("AWS::IAM::Role", "AWS::IAM::Policy", "AWS::S3::Bucket");
        for (changes, shown, fits) in [
            (change("Role1", role, "Modify", Some("False")), false, true),
            (change("Role1", role, "Modify", Some("True")), false, false),
            (change("Role1", role, "Modify", Some("True")), true, true),
            (change("Policy1", policy, "Remove", None), false, true),
            (change("Bucket", bucket, "Remove", None), false, false),
            (change("Bucket", bucket, "Modify", Some("True")), true, false),
        ] {
            let judged = as_planned(&changes, "roles", shown);
            assert_eq!(judged.is_ok(), fits, "{changes:?} {shown}: {judged:?}");
        }
    }
}
