//! How people bring a stack back to health.

use crate::{live::region_of, ports::aws::Stack};
use eksact_message::remedy::Remedy;

/// What to do about a stuck stack.
pub(super) fn to_health(stack: &Stack) -> Remedy {
    let (name, region) = (&stack.name, region_of(stack));
    match stack.status.as_str() {
        "UPDATE_ROLLBACK_FAILED" => remedy!(
            "Remove what the rollback failed on (see the stack's events), then run `aws cloudformation \
             continue-update-rollback --region {region} --stack-name {name}`, and run the same command again."
        ),
        "UPDATE_FAILED" => remedy!(
            "Roll it back with `aws cloudformation rollback-stack --region {region} --stack-name {name}`, and run the same \
             command again."
        ),
        status if status.starts_with("IMPORT_") => remedy!(
            "An import into the stack failed: finish or undo it in CloudFormation (stack {name}), and run \
             the same command again."
        ),
        _ => remedy!("Repair the stack {name} in CloudFormation, and run the same command again."),
    }
}
