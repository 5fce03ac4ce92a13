//! Policies of the files by whose name roles get them. Where the policy of that name is somebody else's, no role gets it: what it
//! allows is not the file's to say.

use crate::{
    config::Located,
    engine::{Address, Finding, Severity},
    kinds::Request,
    live::{Live, StackState, is_of_cluster, state_of},
    ports::aws::Stack,
};
use eksact_identity::cloudformation::managed_policy::{OUTPUT, policy_of, stack_name};
use eksact_message::code::Code;

/// That the policy of this ARN is one of the files by its name, and somebody else's by what is there. `address` is that of the
/// role that would have it.
pub(super) fn of_somebody_else(
    request: &Request,
    live: &Live,
    named: &Located<String>,
    address: &Address,
) -> Option<Finding> {
    let arn = named.value.as_str();
    // A command about one object has the names alone.
    let of_files = &request.config.names;
    let policy = of_files.policy_of(arn, live.partition, &live.account)?;
    let message = match live.managed_policy(arn)? {
        Ok(None) if is_to_come(live, policy, arn) => return None,
        Ok(None) => {
            let message = format!(
                "the role does not get the policy {arn}: it does not exist, and the plan cannot make it"
            );
            let finding = Finding::new(Severity::Error, Code::NotPlanned, message).about(address);
            return Some(finding.at(named.location.as_ref()));
        }
        _ if is_ours(live, policy, arn) => return None,
        Ok(Some(_)) => format!(
            "the role does not get the policy {arn}: the file means one that eksact makes, and no stack of this cluster made \
             this one"
        ),
        Err(error) => format!(
            "the role does not get the policy {arn}: no stack of this cluster made one, and whether somebody else did could not \
             be read: {error}"
        ),
    };
    let finding = Finding::new(Severity::Error, Code::PolicyNotOurs, message).about(address);
    Some(finding.at(named.location.as_ref()))
}

/// Whether the plan can make this policy, which is not there. What stands in its way is told of the policy itself.
fn is_to_come(live: &Live, policy: &str, arn: &str) -> bool {
    let cluster = &live.cluster.name;
    let own = stack_name(cluster, policy);
    let stacks = live.known_stacks();
    let is_its = |stack: &&Stack| is_of_cluster(stack, cluster) && policy_of(&stack.tags) == Some(policy);
    let of_name = || stacks.iter().find(|stack| stack.name == own);
    let Some(stack) = stacks.iter().find(is_its).or_else(of_name) else {
        return true;
    };
    match state_of(&stack.status) {
        StackState::Gone => true,
        _ if !is_its(&stack) => false,
        StackState::Broken => true,
        StackState::Healthy => stack.outputs.get(OUTPUT).is_none_or(|output| output == arn),
        StackState::Stuck | StackState::Busy => false,
    }
}

/// Whether a stack of the cluster has made this policy, which is there. A broken stack that may still have its policy may have
/// no output; one that has none, as after a rollback or a creation that failed at it, did not make what is there.
fn is_ours(live: &Live, policy: &str, arn: &str) -> bool {
    let is_its = |stack: &Stack| {
        let output = stack.outputs.get(OUTPUT).map(String::as_str);
        match state_of(&stack.status) {
            StackState::Gone => false,
            StackState::Broken => {
                !StackState::holds_none_of_one(&stack.status) && output.is_none_or(|output| output == arn)
            }
            StackState::Healthy | StackState::Stuck | StackState::Busy => output == Some(arn),
        }
    };
    live.known_stacks()
        .iter()
        .filter(|stack| is_of_cluster(stack, &live.cluster.name))
        .filter(|stack| policy_of(&stack.tags) == Some(policy))
        .any(is_its)
}
