//! Writes this cluster's statement, and only while it is what the plan saw.

use serde_json::Value;

use super::{Operation, edited, is_same};
use crate::{
    engine::{StepDone, StepError, StepFailure, executor::Progress},
    kinds::{
        RunContext,
        runner::run_again,
        trust_policy::{self, Target},
    },
};
use eksact_identity::iam::shared_trust::{made_by_others, statement_of};

pub(super) async fn run(
    operation: Operation,
    context: &RunContext,
    progress: &Progress,
) -> Result<StepDone, StepError> {
    let target = Target {
        role: &operation.role,
        id: Some(&operation.role_id),
    };
    let lost = trust_policy::change(target, |policy| operation.of(policy), context, progress).await?;
    let notes = match lost {
        Some(times) if times > 0 => vec![format!(
            "Another writer removed the statement from the trust policy of role {} {}; it has been put back.",
            operation.role,
            match times {
                1 => "once".to_owned(),
                times => format!("{times} times"),
            }
        )],
        _ => Vec::new(),
    };
    Ok(StepDone {
        notes,
        ..StepDone::default()
    })
}

impl Operation {
    /// What becomes of a live document; the document itself where there is nothing to do.
    fn of(&self, policy: &Value) -> Result<Value, StepError> {
        let now = statement_of(policy, &self.sid);
        let after = self.after.as_ref();
        let made_meanwhile =
            now.is_none() && after.is_some_and(|after| made_by_others(policy, after).is_some());
        if is_same(now, after) || made_meanwhile {
            return Ok(policy.clone());
        }
        if !is_same(now, self.before.as_ref()) {
            return Err(StepError::new(format!(
                "the statement {} in the trust policy of role {} is no longer what the plan saw",
                self.sid, self.role
            ))
            .with_help(run_again())
            .because(StepFailure::Moved));
        }
        edited(policy, &self.sid, after).map_err(|error| {
            StepError::new(format!(
                "the statement {} in the trust policy of role {} cannot be changed: {error}",
                self.sid, self.role
            ))
        })
    }
}
