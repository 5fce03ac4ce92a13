//! What is done about policies that shall be there: made, changed, repaired or made again.

use serde_json::{Value, json};

use super::{
    operation::Operation,
    removal::{holders, take_down},
    wanted::{arn_of, is_ours, stack_of, wanted},
};
use crate::{
    config::managed_policy::ManagedPolicy,
    engine::{
        Action, Address, AttributeChange, Change, Effect, Finding, PlanDraft, Reason, Severity, StepId,
        plan::fingerprint,
    },
    kinds::{Request, access_effect::document_change, stack_health, stack_write::token},
    live::{Live, StackState, addresses, state_of},
    ports::aws::{Stack, StackRequest},
};
use eksact_identity::cloudformation::managed_policy::{CAPABILITY, PolicyTemplate, stack_name, stack_tags};
use eksact_message::code::Code;

/// Adds the difference of every policy that shall be there.
pub(super) fn plan(request: &Request, live: &Live, draft: &mut PlanDraft) {
    if let Some(Err(error)) = live.stacks() {
        let finding = Finding::new(
            Severity::Error,
            Code::StacksUnreadable,
            format!("no policy can be planned, because the stacks of the region could not be read: {error}"),
        );
        draft.add_finding(finding.with_help_for(error));
        return;
    }
    for policy in wanted(request) {
        // One without a document is an error of the file.
        let Some(document) = &policy.document else {
            continue;
        };
        Subject {
            request,
            live,
            policy,
            document: &document.value,
            arn: policy.arn(live.partition, &live.account),
            address: addresses::managed_policy(&policy.name.value),
        }
        .plan(draft);
    }
}

/// One policy that is planned.
pub(super) struct Subject<'plan> {
    pub(super) request: &'plan Request,
    pub(super) live: &'plan Live,
    pub(super) policy: &'plan ManagedPolicy,
    pub(super) document: &'plan Value,
    pub(super) arn: String,
    pub(super) address: Address,
}

impl Subject<'_> {
    pub(super) fn name(&self) -> &str {
        &self.policy.name.value
    }

    fn plan(&self, draft: &mut PlanDraft) {
        let read = match self.live.managed_policy(&self.arn) {
            Some(Ok(policy)) => policy.as_ref(),
            Some(Err(error)) => {
                let finding = self.error(Code::PolicyUnreadable, error.to_string());
                draft.add_finding(finding.with_help_for(error));
                return;
            }
            None => return,
        };
        match (stack_of(self.live, self.name()), read) {
            (None, None) => self.plan_creation(draft),
            (None, Some(_)) => draft.add_finding(self.taken()),
            (Some(stack), _) if !is_ours(self.live, stack, self.name()) => {
                draft.add_finding(self.stack_of_another(stack));
            }
            (Some(stack), read) => match state_of(&stack.status) {
                StackState::Healthy => match read {
                    Some(read) => self.plan_healthy(stack, read, draft),
                    None => self.plan_again(stack, draft),
                },
                StackState::Broken if read.is_some() && StackState::holds_none_of_one(&stack.status) => {
                    draft.add_finding(self.taken_beside(stack));
                }
                // Who has the policy is asked of the one that the file means.
                StackState::Broken => match self.moved(stack).or_else(|| self.in_use(stack)) {
                    Some(finding) => draft.add_finding(finding),
                    None => self.plan_replacement(stack, stack_health::broken(stack), draft),
                },
                StackState::Stuck => draft.add_finding(self.placed(stack_health::stuck(stack))),
                StackState::Busy => {
                    let waited = self.request.settings.timeout;
                    draft.add_finding(self.placed(stack_health::busy_after(stack, waited)));
                }
                StackState::Gone if read.is_some() => draft.add_finding(self.taken()),
                StackState::Gone => self.plan_creation(draft),
            },
        }
    }

    /// A policy that no stack of ours made is not touched.
    pub(super) fn taken(&self) -> Finding {
        self.error(
            Code::PolicyNotOurs,
            format!(
                "the policy {} exists, and no stack of this cluster made it: eksact does not change it",
                self.arn
            ),
        )
        .with_help(remedy!(
            "Give the policy of the file another name; or leave it out of `policies` and name the other one by its ARN."
        ))
    }

    /// The same beside a stack of ours that failed. Where CloudFormation gave up on a policy that IAM had made already, that is the
    /// stack's, and nothing that is read tells the two apart.
    fn taken_beside(&self, stack: &Stack) -> Finding {
        if StackState::holds_nothing(&stack.status) {
            return self.taken();
        }
        self.error(
            Code::PolicyNotOurs,
            format!(
                "the policy {} exists, and it is not known that its stack {}, which is in {}, made it: eksact does not change it",
                self.arn, stack.name, stack.status
            ),
        )
        .with_help(remedy!(
            "Give the policy of the file another name; or delete the failed stack, which deletes the policy if it made it, and run the \
             same command again: `{}`.",
            stack_health::deletion_of(stack)
        ))
    }

    fn stack_of_another(&self, stack: &Stack) -> Finding {
        self.error(
            Code::StackNotOurs,
            format!(
                "the stack {} exists and does not have the tags of this cluster and policy: eksact did not make it and does \
                 not change it",
                stack.name
            ),
        )
        .with_help(remedy!(
            "Give the policy another name or, if nothing needs that stack, delete it: `{}`.",
            stack_health::deletion_of(stack)
        ))
    }

    fn plan_creation(&self, draft: &mut PlanDraft) {
        let read = fingerprint(&None::<()>);
        let step = self.create_step(&read, Vec::new(), draft);
        let change = self.change(
            Action::Create,
            vec![Reason::new("missing", "it does not exist")],
            self.attributes_of_new(None),
            vec![step],
            read,
        );
        draft.add_change(change);
    }

    fn plan_again(&self, stack: &Stack, draft: &mut PlanDraft) {
        if let Some(finding) = self.moved(stack) {
            draft.add_finding(finding);
            return;
        }
        let reason = Reason::new(
            "policy-gone",
            "the policy is gone, while its stack is still there",
        );
        self.plan_replacement(stack, reason, draft);
    }

    /// That the policy is under another path than the file's: the output of the stack tells where, and there may be one.
    fn moved(&self, stack: &Stack) -> Option<Finding> {
        let arn = arn_of(stack).filter(|arn| *arn != self.arn)?;
        let message = format!("the policy is {arn}, and the path of a policy cannot be changed");
        let finding = self.error(Code::PolicyMoves, message);
        Some(finding.with_help(remedy!(
            "Write its path as it is, or give the policy of the other path another name."
        )))
    }

    /// That a policy whose stack has to be deleted is one that somebody has, which IAM does not delete.
    fn in_use(&self, stack: &Stack) -> Option<Finding> {
        let held: Vec<String> = match self.live.policy_use(&self.arn)? {
            Ok(used) => holders(used).collect(),
            Err(cause) => {
                let message = format!(
                    "its stack {} is {} and has to be made again, and it could not be read who has the policy: {cause}",
                    stack.name, stack.status
                );
                return Some(self.error(Code::PolicyUnreadable, message).with_help_for(cause));
            }
        };
        if held.is_empty() {
            return None;
        }
        let finding = self.error(
            Code::PolicyInUse,
            format!(
                "its stack {} is {} and has to be made again with the policy, and IAM deletes none that somebody has: {}",
                stack.name,
                stack.status,
                held.join(", ")
            ),
        );
        Some(finding.with_help(remedy!("Detach it there, and run the same command again.")))
    }

    fn plan_replacement(&self, stack: &Stack, reason: Reason, draft: &mut PlanDraft) {
        let read = fingerprint(&stack);
        let mut steps = take_down(self.request, &self.address, stack, &self.arn, draft);
        let after = steps.last().cloned().into_iter().collect();
        steps.push(self.create_step(&read, after, draft));
        let mut change = self.change(
            Action::Replace,
            vec![reason],
            self.attributes_of_new(Some(stack)),
            steps,
            read,
        );
        if stack.termination_protection {
            change
                .notes
                .push("The stack's termination protection is lifted first.".to_owned());
        }
        draft.add_change(change);
    }

    pub(super) fn tags(&self) -> Vec<(String, String)> {
        let tags = stack_tags(
            &self.live.cluster.name,
            self.name(),
            &self.request.config.metadata.tags,
        );
        tags.into_iter().map(|tag| (tag.key, tag.value)).collect()
    }

    pub(super) fn template(&self) -> String {
        let description = self.policy.description.as_ref();
        let template = PolicyTemplate {
            name: self.name(),
            path: self.policy.path(),
            description: description.map(|description| description.value.as_str()),
            document: self.document,
        };
        template.render().to_string()
    }

    fn create_step(&self, read: &str, after: Vec<StepId>, draft: &mut PlanDraft) -> StepId {
        let settings = &self.request.settings;
        let (name, template_body) = (stack_name(&self.live.cluster.name, self.name()), self.template());
        let operation = Operation::CreateStack {
            request: StackRequest {
                name: name.clone(),
                tags: self.tags(),
                capabilities: vec![CAPABILITY.to_owned()],
                termination_protection: settings.termination_protection,
                disable_rollback: settings.disable_rollback,
                service_role_arn: settings.cloudformation_role_arn.clone(),
                client_request_token: token("create", &name, &[&template_body, read, &settings.nonce]),
                template_body,
            },
            arn: self.arn.clone(),
        };
        draft.add_step(
            &self.address,
            "create-stack",
            format!("create stack {name}"),
            after,
            &operation,
        )
    }

    fn attributes_of_new(&self, stack: Option<&Stack>) -> Vec<AttributeChange> {
        let name = stack_name(&self.live.cluster.name, self.name());
        let mut attributes = vec![
            AttributeChange::plain("stack", stack.map(|stack| json!(stack.name)), Some(json!(name))),
            AttributeChange::plain("ARN", None, Some(json!(self.arn))),
        ];
        if let Some(description) = &self.policy.description {
            let text = Some(json!(description.value));
            attributes.push(AttributeChange::plain("description", None, text));
        }
        attributes.push(document_change("document", None, Some(self.document)));
        attributes
    }

    fn error(&self, code: Code, message: String) -> Finding {
        self.placed(Finding::new(Severity::Error, code, message))
    }

    fn placed(&self, finding: Finding) -> Finding {
        finding.about(&self.address).at(self.policy.location.as_ref())
    }

    pub(super) fn change(
        &self,
        action: Action,
        reasons: Vec<Reason>,
        attributes: Vec<AttributeChange>,
        steps: Vec<StepId>,
        read: String,
    ) -> Change {
        Change {
            address: self.address.clone(),
            action,
            reasons,
            source: self.policy.location.clone(),
            attributes,
            depends_on: Vec::new(),
            steps,
            origin: None,
            fingerprint: read,
            effect: Effect::Equal,
            notes: Vec::new(),
        }
    }
}
