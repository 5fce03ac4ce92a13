//! Entries that are changed and deleted with eksctl's stack for them, so that eksctl goes on with what it made. Pure.

use super::{
    granted::effect_of_policy,
    operation::Operation,
    plan::Subject,
    stack::{self, MadeBy, OwnStack},
    target::Difference,
};
use crate::{
    engine::{Action, Effect, Finding, PlanDraft, Severity, StepId, plan::fingerprint},
    kinds::{
        Request,
        left_change_set::{self, CleanUp},
        runner::run_again,
        stack_health,
        stack_write::token,
    },
    live::{Live, StackState, addresses, state_of},
    ports::aws::{AccessEntry, ChangeSetRequest, Stack},
};
use eksact_identity::cloudformation::tags;
use eksact_message::code::Code;

impl Subject<'_> {
    /// The stack through which the entry is changed, with its new template; none where calls change it: it has no stack, or was
    /// changed beside one that says already what it shall be.
    ///
    /// # Errors
    /// What is in the way of any change.
    pub(super) fn stack_to_change<'live>(
        &'live self,
        existing: &AccessEntry,
        is_made_again: bool,
    ) -> Result<Option<(&'live Stack, String)>, Finding> {
        let arn = self.arn();
        let refused = |stack: &str, why: &str| {
            Finding::new(
                Severity::Error,
                Code::AccessEntryStack,
                format!(
                    "the access entry of {arn} is not as wanted, and belongs to the CloudFormation stack {stack}{why}"
                ),
            )
            .about(&self.address)
            .at(self.configured.location.as_ref())
        };
        let own = match stack::made_by(existing, self.live) {
            MadeBy::Call => return Ok(None),
            MadeBy::OwnStack(own) => own,
            MadeBy::OtherStack(name, why) => {
                let why = why.map_or_else(
                    || ": a change beside the stack would be undone by it".to_owned(),
                    |why| format!(", and {why}"),
                );
                return Err(refused(&name, &why).with_help(remedy!(
                    "Change the stack, or ask for what the entry is: `eksact get accessentry --cluster {} --region {} \
                     --principal-arn {arn}` shows it.",
                    self.live.cluster.name,
                    self.live.region
                )));
            }
        };
        if is_made_again {
            let why = ": it has to be deleted and made again, which no update of the stack does";
            return Err(refused(&own.stack.name, why).with_help(remedy!(
                "Delete it with its stack, `eksact delete accessentry --cluster {} --region {} --principal-arn {arn}`, and run \
                 the same command again: it makes the entry without a stack.",
                self.live.cluster.name,
                self.live.region
            )));
        }
        if let Some(finding) = not_ready(own.stack) {
            return Err(finding.about(&self.address));
        }
        let template = self.template(&own);
        Ok(template.map(|template| (own.stack, template)))
    }

    fn template(&self, own: &OwnStack<'_>) -> Option<String> {
        own.template_for(&self.after(), self.wanted.username.as_deref())
    }

    /// The update of the stack. What CloudFormation does first within one update nobody says, so where something goes, what
    /// takes its place is given by calls before.
    pub(super) fn stack_steps(
        &self,
        (stack, template): (&Stack, &str),
        existing: &AccessEntry,
        after: &AccessEntry,
        difference: &Difference,
        draft: &mut PlanDraft,
    ) -> (Vec<StepId>, Vec<String>) {
        let loses = self.loses_groups(existing)
            || !difference.dropped.is_empty()
            || difference.changed.iter().any(|policy| {
                effect_of_policy(existing.policy(&policy.arn), Some(policy)) == Effect::Narrower
            });
        let mut steps = if loses {
            self.associate_given(existing, difference, draft)
        } else {
            Vec::new()
        };
        let settings = &self.request.settings;
        let read = fingerprint(&(stack, existing));
        let client_request_token = token("update", &stack.name, &[template, &read, &settings.nonce]);
        let own_tags = stack.tags.iter().filter(|(key, _)| !tags::is_reserved(key));
        let update = draft.add_step(
            &self.address,
            "update-stack",
            format!("update stack {} through a change set", stack.name),
            steps.clone(),
            &Operation::UpdateStack {
                cluster: self.cluster(),
                request: Box::new(ChangeSetRequest {
                    stack: stack.id.clone(),
                    name: client_request_token.clone(),
                    template_body: template.to_owned(),
                    tags: own_tags
                        .map(|(key, value)| (key.clone(), value.clone()))
                        .collect(),
                    capabilities: stack.capabilities.clone(),
                    service_role_arn: settings.cloudformation_role_arn.clone(),
                    client_request_token,
                }),
                stack_name: stack.name.clone(),
                seen: existing.clone(),
                wanted: Box::new(after.clone()),
                is_after_policy: loses && !steps.is_empty(),
            },
        );
        steps.push(update);
        let note = format!(
            "It is changed through the stack that eksctl made for it, {}.",
            stack.name
        );
        (steps, vec![note])
    }

    /// An entry as it is wanted, but for what was left on its stack.
    pub(super) fn unchanged(&self, existing: &AccessEntry, draft: &mut PlanDraft) {
        let left = self.left_change_sets(existing, None, draft);
        let Some(reason) = left.reason else {
            draft.add_unchanged(self.address.clone());
            return;
        };
        // What waits for the entry does not wait for the clean-up, which may be refused.
        draft.set_ready(&self.address, None);
        self.add_change(
            (Action::Update, reason),
            (left.attributes, Effect::Equal),
            Some(existing),
            Vec::new(),
            left.steps,
            draft,
        );
    }

    /// Deletes, once `first` is done, the change sets that runs left on eksctl's stack for the entry.
    pub(super) fn left_change_sets(
        &self,
        existing: &AccessEntry,
        first: Option<&StepId>,
        draft: &mut PlanDraft,
    ) -> CleanUp {
        let Some(stack) = stack::stack_that_made(existing, self.live) else {
            return CleanUp::default();
        };
        let whose = (&self.address, stack);
        left_change_set::clean_up(whose, first, self.live, Operation::DeleteChangeSet, draft)
    }

    /// Deletes what a failed creation by eksctl left: a stack that has nothing, and under whose name none can be made.
    pub(super) fn clean_up(&self, draft: &mut PlanDraft) -> Vec<StepId> {
        let Some(stack) = self.left_over() else {
            return Vec::new();
        };
        let operation = delete_stack(self.request, stack, None, self.live);
        let title = format!("delete stack {}", stack.name);
        vec![draft.add_step(&self.address, "delete-stack", title, Vec::new(), &operation)]
    }

    fn left_over(&self) -> Option<&Stack> {
        stack::rolled_back(self.arn(), self.live).filter(|stack| !stack.termination_protection)
    }

    /// What the plan says of [`Self::clean_up`].
    pub(super) fn clean_up_note(&self) -> String {
        let name = self
            .left_over()
            .map(|stack| stack.name.as_str())
            .unwrap_or_default();
        format!("The stack {name} is deleted first: its creation failed, and it has nothing.")
    }
}

/// What is in the way of changing or deleting a stack by its status.
fn not_ready(stack: &Stack) -> Option<Finding> {
    let (name, status) = (&stack.name, &stack.status);
    match state_of(status) {
        StackState::Healthy | StackState::Gone => None,
        StackState::Busy => Some(
            Finding::new(
                Severity::Error,
                Code::StackBusy,
                format!("CloudFormation is still working on the stack {name} ({status})"),
            )
            .with_help(run_again()),
        ),
        StackState::Stuck | StackState::Broken => Some(stack_health::stuck(stack)),
    }
}

/// The write that deletes an entry with eksctl's stack for it.
///
/// # Errors
/// What is in the way.
pub(super) fn deletion(
    request: &Request,
    stack: &Stack,
    entry: &AccessEntry,
    live: &Live,
) -> Result<Operation, Finding> {
    let address = addresses::access_entry(&entry.principal_arn);
    if StackState::blocks_deletion(&stack.status)
        && let Some(finding) = not_ready(stack)
    {
        return Err(finding.about(&address));
    }
    if stack.termination_protection {
        return Err(Finding::new(
            Severity::Error,
            Code::AccessEntryStack,
            format!(
                "the access entry of {} is kept: its CloudFormation stack {} is protected against deletion",
                entry.principal_arn, stack.name
            ),
        )
        .about(&address)
        .with_help(remedy!(
            "Lift the protection, `aws cloudformation update-termination-protection --no-enable-termination-protection --region \
             {} --stack-name {}`, and run the same command again.",
            live.region,
            stack.name
        )));
    }
    Ok(delete_stack(request, stack, Some(entry), live))
}

fn delete_stack(request: &Request, stack: &Stack, entry: Option<&AccessEntry>, live: &Live) -> Operation {
    Operation::DeleteStack {
        cluster: live.cluster.name.clone(),
        name: stack.name.clone(),
        id: stack.id.clone(),
        cloudformation_role_arn: request.settings.cloudformation_role_arn.clone(),
        client_request_token: token("delete", &stack.name, &[&stack.id, &request.settings.nonce]),
        seen: entry.cloned(),
    }
}
