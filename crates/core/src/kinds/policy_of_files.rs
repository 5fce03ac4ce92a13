//! Policies of the files by whose name roles get them. Where the policy of that name is somebody else's, no role gets it: what it
//! allows is not the file's to say.

use crate::{
    config::Located,
    engine::{Address, Finding, Severity},
    kinds::Request,
    live::{Live, StackState, is_of_cluster, state_of},
    ports::aws::Stack,
};
use eksact_identity::cloudformation::managed_policy::{OUTPUT, policy_of};
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
        Ok(None) => return None,
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

/// Whether a stack of the cluster has made this policy, which is there. A broken stack that may still have its resources may have
/// no output; one that has none, as after a rollback, did not make what is there.
fn is_ours(live: &Live, policy: &str, arn: &str) -> bool {
    let is_its = |stack: &Stack| {
        let output = stack.outputs.get(OUTPUT).map(String::as_str);
        match state_of(&stack.status) {
            StackState::Gone => false,
            StackState::Broken => {
                !StackState::holds_nothing(&stack.status) && output.is_none_or(|output| output == arn)
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
