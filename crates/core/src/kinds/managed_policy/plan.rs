//! What is done about policies that shall be there: made, changed, repaired or made again.

use serde_json::{Value, json};

use super::{
    operation::Operation,
    removal::take_down,
    wanted::{applied, is_ours, stack_of, wanted},
};
use crate::{
    config::managed_policy::ManagedPolicy,
    engine::{
        Action, Address, AttributeChange, Change, Effect, Finding, Origin, PlanDraft, Reason, Severity,
        StepId, plan::fingerprint,
    },
    kinds::{Request, access_effect::document_change, stack_health, stack_write::token},
    live::{Live, StackState, addresses, region_of, state_of},
    ports::aws::{self, ChangeSetRequest, Stack, StackRequest},
};
use eksact_identity::{
    cloudformation::{
        managed_policy::{CAPABILITY, PolicyTemplate, stack_name, stack_tags},
        tags,
    },
    iam::policy,
};
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
struct Subject<'plan> {
    request: &'plan Request,
    live: &'plan Live,
    policy: &'plan ManagedPolicy,
    document: &'plan Value,
    arn: String,
    address: Address,
}

/// What an update is put together from.
#[derive(Default)]
struct Update {
    read: String,
    steps: Vec<StepId>,
    reasons: Vec<Reason>,
    attributes: Vec<AttributeChange>,
    origin: Option<Origin>,
    notes: Vec<String>,
    goes_through_stack: bool,
}

impl Update {
    /// Adds a step after those so far.
    fn add(
        &mut self,
        subject: &Subject<'_>,
        part: &str,
        title: String,
        operation: &Operation,
        draft: &mut PlanDraft,
    ) {
        let after = self.steps.last().cloned().into_iter().collect();
        let step = draft.add_step(&subject.address, part, title, after, operation);
        self.steps.push(step);
    }
}

impl Subject<'_> {
    fn name(&self) -> &str {
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
                StackState::Broken => self.plan_replacement(stack, stack_health::broken(stack), draft),
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
    fn taken(&self) -> Finding {
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
            "Give the policy another name or, if nothing needs that stack, delete it: `aws cloudformation delete-stack --region \
             {} --stack-name {}`.",
            region_of(stack),
            stack.name
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
        // The output of the stack tells where the policy was: under another path there may be one.
        if let Some(arn) = super::wanted::arn_of(stack).filter(|arn| *arn != self.arn) {
            draft.add_finding(
                self.error(
                    Code::PolicyMoves,
                    format!("the policy is {arn}, and the path of a policy cannot be changed"),
                )
                .with_help(remedy!(
                    "Write its path as it is, or give the policy of the other path another name."
                )),
            );
            return;
        }
        let reason = Reason::new(
            "policy-gone",
            "the policy is gone, while its stack is still there",
        );
        self.plan_replacement(stack, reason, draft);
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

    fn plan_healthy(&self, stack: &Stack, read: &aws::ManagedPolicy, draft: &mut PlanDraft) {
        // The stack may be that of a policy of the name under another path.
        if super::wanted::arn_of(stack) != Some(self.arn.as_str()) {
            draft.add_finding(self.taken());
            return;
        }
        self.note_description(read, draft);
        let mut update = Update {
            read: fingerprint(&(stack, read)),
            ..Update::default()
        };
        if !policy::equal(&read.document, self.document) {
            self.plan_document(stack, read, &mut update, draft);
        }
        self.plan_stack(stack, &mut update, draft);
        self.plan_protection(stack, &mut update, draft);
        if update.steps.is_empty() {
            draft.add_unchanged(self.address.clone());
            return;
        }
        let mut change = self.change(
            Action::Update,
            update.reasons,
            update.attributes,
            update.steps,
            update.read,
        );
        change.origin = update.origin;
        change.notes = update.notes;
        draft.add_change(change);
    }

    fn note_description(&self, read: &aws::ManagedPolicy, draft: &mut PlanDraft) {
        let Some(wanted) = &self.policy.description else {
            return;
        };
        if read.description.as_ref() == Some(&wanted.value) {
            return;
        }
        let now = read.description.as_deref().unwrap_or("none");
        draft.add_finding(
            Finding::new(
                Severity::Note,
                Code::PolicyDescription,
                format!(
                    "the description of the policy stays as it was when it was made ({now}): IAM has no call that changes it"
                ),
            )
            .about(&self.address)
            .at(wanted.location.as_ref()),
        );
    }

    /// Another document. CloudFormation writes what its two templates do not have alike: what a hand changed under an equal one
    /// it leaves, and a new version repairs it.
    fn plan_document(
        &self,
        stack: &Stack,
        read: &aws::ManagedPolicy,
        update: &mut Update,
        draft: &mut PlanDraft,
    ) {
        if let Some(version) = read.version_in_the_way() {
            let operation = Operation::DeleteVersion {
                arn: self.arn.clone(),
                version: version.to_owned(),
            };
            let title = format!("delete version {version}, the oldest that is not in use: IAM keeps five");
            update.add(self, "delete-version", title, &operation, draft);
            update
                .attributes
                .push(AttributeChange::plain("version", Some(json!(version)), None));
        }
        let mut attribute = document_change("document", Some(&read.document), Some(self.document));
        let applied = applied(self.live, stack);
        let is_as = |other: &Value| applied.as_ref().map(|applied| policy::equal(applied, other));
        let is_drift = is_as(&read.document) == Some(false);
        if is_drift {
            attribute.remark = Some("drift".to_owned());
            update.reasons.push(Reason::new(
                "drift",
                "it was changed outside its stack; a direct IAM call repairs it, because CloudFormation does not",
            ));
        }
        if attribute.effect.is_some_and(Effect::broadens) {
            update
                .notes
                .push("Everybody who has the policy gets what it allows then.".to_owned());
        }
        update.attributes.push(attribute);
        update.origin = match is_as(&read.document) {
            Some(false) => Some(Origin::Live),
            Some(true) => Some(Origin::Configuration),
            None => None,
        };
        if is_as(self.document) == Some(true) {
            let operation = Operation::CreateVersion {
                arn: self.arn.clone(),
                document: self.document.clone(),
                version: read.default_version().map(str::to_owned),
            };
            let title = format!(
                "write the document of policy {} as its version that holds",
                self.name()
            );
            update.add(self, "create-version", title, &operation, draft);
        } else {
            update.goes_through_stack = true;
        }
    }

    /// What goes through a change set: another document, and tags.
    fn plan_stack(&self, stack: &Stack, update: &mut Update, draft: &mut PlanDraft) {
        let tags = self.tags();
        let missing: Vec<&(String, String)> = tags
            .iter()
            .filter(|(key, value)| key != tags::TOOL_VERSION_NAME && stack.tags.get(key) != Some(value))
            .collect();
        for (key, value) in &missing {
            let before = stack.tags.get(key).map(|value| json!(value));
            let name = format!("tag {key} of the stack");
            update
                .attributes
                .push(AttributeChange::plain(name, before, Some(json!(value))));
        }
        if missing.is_empty() && !update.goes_through_stack {
            return;
        }
        update
            .reasons
            .push(Reason::new("differs", "it differs from the desired state"));
        let operation = self.update_stack(stack, &tags, &update.read);
        let title = format!("update stack {} through a change set", stack.name);
        update.add(self, "update-stack", title, &operation, draft);
    }

    fn plan_protection(&self, stack: &Stack, update: &mut Update, draft: &mut PlanDraft) {
        let wanted = self.request.settings.termination_protection;
        if stack.termination_protection == wanted {
            return;
        }
        update.reasons.push(Reason::new(
            "termination-protection",
            "its stack's termination protection differs from the desired state",
        ));
        update.attributes.push(AttributeChange::plain(
            "termination protection",
            Some(json!(stack.termination_protection)),
            Some(json!(wanted)),
        ));
        let operation = Operation::SetTerminationProtection {
            stack: stack.id.clone(),
            enabled: wanted,
        };
        let title = format!(
            "switch termination protection {} for stack {}",
            if wanted { "on" } else { "off" },
            stack.name
        );
        update.add(self, "protection", title, &operation, draft);
    }

    fn tags(&self) -> Vec<(String, String)> {
        let tags = stack_tags(
            &self.live.cluster.name,
            self.name(),
            &self.request.config.metadata.tags,
        );
        tags.into_iter().map(|tag| (tag.key, tag.value)).collect()
    }

    fn template(&self) -> String {
        let description = self.policy.description.as_ref();
        let template = PolicyTemplate {
            name: self.name(),
            path: self.policy.path(),
            description: description.map(|description| description.value.as_str()),
            document: self.document,
        };
        template.render().to_string()
    }

    /// The template of an update: what it says of the policy but its document stays, for CloudFormation would make the policy anew.
    fn updated_template(&self, stack: &Stack) -> String {
        const DOCUMENT: &str = "/Resources/ManagedPolicy/Properties/PolicyDocument";
        let body = self
            .live
            .template(&stack.name)
            .and_then(|body| body.as_ref().ok());
        let live: Option<Value> = body.and_then(|body| serde_json::from_str(body).ok());
        if let Some(mut template) = live
            && let Some(document) = template.pointer_mut(DOCUMENT)
        {
            document.clone_from(self.document);
            return template.to_string();
        }
        self.template()
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

    fn update_stack(&self, stack: &Stack, tags: &[(String, String)], read: &str) -> Operation {
        let settings = &self.request.settings;
        let mut all: std::collections::BTreeMap<String, String> = stack
            .tags
            .iter()
            .filter(|(key, _)| !tags::is_reserved(key))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        all.extend(tags.iter().cloned());
        let template_body = self.updated_template(stack);
        let client_request_token = token("update", &stack.name, &[&template_body, read, &settings.nonce]);
        Operation::UpdateStack {
            request: ChangeSetRequest {
                stack: stack.id.clone(),
                name: client_request_token.clone(),
                template_body,
                tags: all.into_iter().collect(),
                capabilities: vec![CAPABILITY.to_owned()],
                service_role_arn: settings.cloudformation_role_arn.clone(),
                client_request_token,
            },
            stack_name: stack.name.clone(),
            arn: self.arn.clone(),
        }
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

    fn change(
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
