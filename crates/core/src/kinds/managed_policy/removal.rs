//! How policies go that the files no longer have: with their stacks, once nobody has them.

use serde_json::json;

use super::{
    operation::Operation,
    wanted::{arn_of, going},
};
use crate::{
    engine::{
        Action, Address, AttributeChange, Change, Effect, Finding, PlanDraft, Reason, Severity, StepId,
        plan::fingerprint,
    },
    kinds::{Request, stack_health, stack_removal, stack_write::token},
    live::{Live, StackState, addresses, role_name_of, role_owner_of, state_of},
    ports::aws::{PolicyUse, Stack},
};
use eksact_message::code::Code;

/// Adds the removal of every policy that shall go.
pub(super) fn plan(request: &Request, live: &Live, draft: &mut PlanDraft) {
    for (name, stack) in going(request, live) {
        one(request, live, name, stack, draft);
    }
}

fn one(request: &Request, live: &Live, name: &str, stack: &Stack, draft: &mut PlanDraft) {
    let address = addresses::managed_policy(name);
    let error = |code: Code, message: String| Finding::new(Severity::Error, code, message).about(&address);
    match state_of(&stack.status) {
        StackState::Gone => return,
        StackState::Busy => {
            draft.add_finding(stack_health::busy(stack).about(&address));
            return;
        }
        StackState::Stuck if StackState::blocks_deletion(&stack.status) => {
            draft.add_finding(stack_health::stuck(stack).about(&address));
            return;
        }
        StackState::Healthy | StackState::Broken | StackState::Stuck => {}
    }
    let arn = arn_of(stack).unwrap_or_default();
    let mut roles_before = Vec::new();
    match live.policy_use(arn) {
        Some(Ok(used)) => {
            let mut left: Vec<String> = Vec::new();
            for role in &used.roles {
                match losing(live, role, arn, draft) {
                    Some(address) => roles_before.push(address),
                    None => left.push(format!("the role {role}")),
                }
            }
            left.extend(people(used));
            if !left.is_empty() {
                draft.add_finding(
                    error(
                        Code::PolicyInUse,
                        format!(
                            "the policy {arn} is kept: IAM deletes none that somebody has, and this plan leaves it with {}",
                            left.join(", ")
                        ),
                    )
                    .with_help(remedy!("Detach it there, and run the same command again.")),
                );
                return;
            }
        }
        Some(Err(cause)) => {
            let message = format!("the policy is kept, because it could not be read who has it: {cause}");
            draft.add_finding(error(Code::PolicyUnreadable, message).with_help_for(cause));
            return;
        }
        None => {}
    }
    let steps = take_down(request, &address, stack, arn, draft);
    let mut attributes = vec![AttributeChange::plain("stack", Some(json!(stack.name)), None)];
    if !arn.is_empty() {
        attributes.push(AttributeChange::plain("ARN", Some(json!(arn)), None));
    }
    let mut notes = Vec::new();
    if stack.termination_protection {
        notes.push("The stack's termination protection is lifted first.".to_owned());
    }
    draft.add_change(Change {
        address: address.clone(),
        action: Action::Delete,
        reasons: vec![Reason::new("pruned", "the file no longer has it")],
        source: None,
        attributes,
        depends_on: Vec::new(),
        steps,
        origin: None,
        fingerprint: fingerprint(&(stack, live.policy_use(arn).and_then(|used| used.as_ref().ok()))),
        effect: Effect::Equal,
        notes,
    });
    for role in roles_before {
        draft.order(role, address.clone());
    }
}

/// Who has a policy: roles, users and groups, in words.
pub(super) fn holders(used: &PolicyUse) -> impl Iterator<Item = String> {
    let roles = used.roles.iter().map(|role| format!("the role {role}"));
    roles.chain(people(used))
}

fn people(used: &PolicyUse) -> impl Iterator<Item = String> {
    let users = used.users.iter().map(|user| format!("the user {user}"));
    let groups = used.groups.iter().map(|group| format!("the group {group}"));
    users.chain(groups)
}

/// The object whose change takes the policy off this role, where the plan has one.
fn losing(live: &Live, role: &str, arn: &str, draft: &PlanDraft) -> Option<Address> {
    let stack = live
        .known_stacks()
        .iter()
        .find(|stack| role_name_of(stack) == Some(role))?;
    let address = addresses::role_of(&role_owner_of(stack)?);
    let change = draft.change(&address)?;
    let arn = Some(json!(arn));
    let is_taken_off = change.action == Action::Delete
        || change
            .attributes
            .iter()
            .any(|attribute| attribute.before == arn && attribute.after != arn);
    is_taken_off.then_some(address)
}

/// Adds the steps that delete a stack: protection lifted, then the stack.
pub(super) fn take_down(
    request: &Request,
    address: &Address,
    stack: &Stack,
    arn: &str,
    draft: &mut PlanDraft,
) -> Vec<StepId> {
    let lift = Operation::SetTerminationProtection {
        stack: stack.id.clone(),
        enabled: false,
    };
    let delete = Operation::DeleteStack {
        name: stack.name.clone(),
        id: stack.id.clone(),
        arn: arn.to_owned(),
        cloudformation_role_arn: request.settings.cloudformation_role_arn.clone(),
        client_request_token: token("delete", &stack.name, &[&stack.id, &request.settings.nonce]),
    };
    stack_removal::steps((address, stack), lift, Vec::new(), delete, draft)
}
