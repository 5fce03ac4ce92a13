//! Which policies a request is about, and what has to be read of them.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    config::managed_policy::ManagedPolicy,
    kinds::{Request, left_change_set},
    live::{Live, StackState, is_of_cluster, role_owner_of, state_of},
    ports::aws::Stack,
};
use eksact_identity::{
    cloudformation::managed_policy::{OUTPUT, document_of, policy_of, stack_name},
    iam::policy,
};

/// The policies that shall be there.
pub(super) fn wanted(request: &Request) -> &[ManagedPolicy] {
    &request.config.access.policies
}

/// Whether those of ours that the files do not have shall go: only where a file has the list.
pub(super) fn is_pruned(request: &Request) -> bool {
    request.settings.prune && request.config.access.states_policies
}

/// Whether the request has anything to do with policies.
pub(super) fn is_asked(request: &Request) -> bool {
    !wanted(request).is_empty() || is_pruned(request)
}

/// The stack of this policy: the one of the cluster whose tag names it, else whatever has the name that ours would have.
pub(super) fn stack_of<'live>(live: &'live Live, policy: &str) -> Option<&'live Stack> {
    let stacks = live.known_stacks();
    let own = stack_name(&live.cluster.name, policy);
    let of_tag = stacks.iter().filter(|stack| is_ours(live, stack, policy));
    of_tag
        .min_by_key(|stack| (stack.name != own, stack.name.as_str()))
        .or_else(|| stacks.iter().find(|stack| stack.name == own))
}

/// Whether a stack says by its tags that it was made for this policy of the cluster.
pub(super) fn is_ours(live: &Live, stack: &Stack, policy: &str) -> bool {
    is_of_cluster(stack, &live.cluster.name) && policy_of(&stack.tags) == Some(policy)
}

/// The ARN of the policy of a stack.
pub(super) fn arn_of(stack: &Stack) -> Option<&str> {
    stack.outputs.get(OUTPUT).map(String::as_str)
}

/// The policies of the cluster that the files no longer have, with their stacks; none unless they shall go. A stack that says that
/// it is a role's, or that made no policy and is well, is none of a policy, whatever else its tags say. IAM takes names that differ
/// in case alone for one.
pub(super) fn going<'live>(
    request: &'live Request,
    live: &'live Live,
) -> impl Iterator<Item = (&'live str, &'live Stack)> {
    let stacks = live.known_stacks().iter().filter(move |_| is_pruned(request));
    stacks
        .filter(move |stack| is_of_cluster(stack, &live.cluster.name))
        .filter(|stack| role_owner_of(stack).is_none())
        .filter(|stack| arn_of(stack).is_some() || state_of(&stack.status) != StackState::Healthy)
        .filter_map(|stack| Some((policy_of(&stack.tags)?, stack)))
        .filter(move |(name, _)| {
            !wanted(request)
                .iter()
                .any(|policy| policy.name.value.eq_ignore_ascii_case(name))
        })
}

/// The stacks whose templates tell whether it is the file or somebody's hand that differs.
pub(super) fn templates_needed(request: &Request, live: &Live) -> BTreeSet<String> {
    wanted(request)
        .iter()
        .filter_map(|policy| {
            let stack = stack_of(live, &policy.name.value)?;
            let read = live.managed_policy(&policy.arn(live.partition, &live.account))?;
            let document = &read.as_ref().ok()?.as_ref()?.document;
            let differs = !policy::equal(document, &policy.document.as_ref()?.value);
            (differs && state_of(&stack.status) == StackState::Healthy).then(|| stack.name.clone())
        })
        .collect()
}

/// The policies, by their ARNs, that have to be made again although they are there: only where nobody has one it can be deleted.
pub(super) fn made_again(request: &Request, live: &Live) -> BTreeSet<String> {
    let all = wanted(request).iter().filter_map(|policy| {
        let stack = stack_of(live, &policy.name.value)?;
        let arn = policy.arn(live.partition, &live.account);
        let is_there = matches!(live.managed_policy(&arn), Some(Ok(Some(_))));
        let is_its =
            state_of(&stack.status) == StackState::Broken && !StackState::holds_none_of_one(&stack.status);
        (is_there && is_its).then_some(arn)
    });
    all.collect()
}

/// The stacks on which runs that ended early may have left a change set, by their names.
pub(super) fn change_sets_needed(
    request: &Request,
    live: &Live,
    differing: &BTreeSet<String>,
) -> BTreeSet<String> {
    let stacks = wanted(request).iter().filter_map(|policy| {
        let name = policy.name.value.as_str();
        stack_of(live, name).filter(|stack| is_ours(live, stack, name))
    });
    left_change_set::to_look_at(stacks, differing)
}

/// What the template of a stack says that the policy allows, as far as it was read.
pub(super) fn applied(live: &Live, stack: &Stack) -> Option<Value> {
    let body = live.template(&stack.name)?.as_ref().ok()?;
    let template: Value = serde_json::from_str(body).ok()?;
    document_of(&template).cloned()
}
