//! What is said of a stack that cannot be worked with as it is, and how people bring it back to health.

use std::time::Duration;

use eksact_message::{code::Code, duration::in_words, remedy::Remedy};

use super::runner::wait_longer;
use crate::{
    engine::{Finding, Reason, Severity},
    live::region_of,
    ports::aws::Stack,
};

/// Why a stack is replaced that CloudFormation updates no more.
pub(super) fn broken(stack: &Stack) -> Reason {
    let reason = stack.status_reason.as_deref();
    let why = reason
        .map(|reason| format!(" ({})", reason.trim_end_matches('.')))
        .unwrap_or_default();
    let text = format!(
        "its stack is in {}{why}, and CloudFormation accepts no update of it",
        stack.status
    );
    Reason::new("stack-broken", text)
}

/// That a stack is stuck.
pub(super) fn stuck(stack: &Stack) -> Finding {
    let message = format!("the stack {} is in {}", stack.name, stack.status);
    Finding::new(Severity::Error, Code::StackStuck, message).with_help(to_health(stack))
}

/// That CloudFormation works on a stack that shall go.
pub(super) fn busy(stack: &Stack) -> Finding {
    let message = format!(
        "CloudFormation is still working on the stack {} ({})",
        stack.name, stack.status
    );
    Finding::new(Severity::Error, Code::StackBusy, message).with_help(wait_longer())
}

/// That it did so all the time that was waited.
pub(super) fn busy_after(stack: &Stack, waited: Duration) -> Finding {
    let message = format!(
        "CloudFormation was still working on the stack {} ({}) after {}",
        stack.name,
        stack.status,
        in_words(waited)
    );
    Finding::new(Severity::Error, Code::StackBusy, message).with_help(wait_longer())
}

/// The commands that delete a stack: CloudFormation deletes none that is protected, as those of eksact and of many others are.
pub(super) fn deletion_of(stack: &Stack) -> String {
    let place = format!("--region {} --stack-name {}", region_of(stack), stack.name);
    let delete = format!("aws cloudformation delete-stack {place}");
    if stack.termination_protection {
        return format!(
            "aws cloudformation update-termination-protection --no-enable-termination-protection {place} && {delete}"
        );
    }
    delete
}

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
