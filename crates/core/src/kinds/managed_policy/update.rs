//! How a policy under a healthy stack is brought to what is wanted: what differs in the template goes through a change set, and
//! what a hand changed under an equal one is repaired by a new version.

use serde_json::{Value, json};

use super::{
    operation::Operation,
    plan::Subject,
    wanted::{applied, arn_of},
};
use crate::{
    engine::{
        Action, AttributeChange, Effect, Finding, Origin, PlanDraft, Reason, Severity, StepId,
        plan::fingerprint,
    },
    kinds::{access_effect::document_change, left_change_set, stack_write::token},
    ports::aws::{self, ChangeSetRequest, Stack},
};
use eksact_identity::{
    cloudformation::{managed_policy::CAPABILITY, tags},
    iam::policy,
};
use eksact_message::code::Code;

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
    /// Adds what brings a policy under a healthy stack to what is wanted.
    pub(super) fn plan_healthy(&self, stack: &Stack, read: &aws::ManagedPolicy, draft: &mut PlanDraft) {
        // The stack may be that of a policy of the name under another path.
        if arn_of(stack) != Some(self.arn.as_str()) {
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
        self.clean_up(stack, &mut update, draft);
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

    /// Deletes what runs that ended early left on the stack. Nobody waits for it.
    fn clean_up(&self, stack: &Stack, update: &mut Update, draft: &mut PlanDraft) {
        let last = update.steps.last().cloned();
        let whose = (&self.address, stack);
        let left =
            left_change_set::clean_up(whose, last.as_ref(), self.live, Operation::DeleteChangeSet, draft);
        if left.steps.is_empty() {
            return;
        }
        draft.set_ready(&self.address, last);
        update.steps.extend(left.steps);
        update.attributes.extend(left.attributes);
        update.reasons.extend(left.reason);
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
}
