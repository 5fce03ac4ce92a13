//! How a role under a healthy stack is brought to what is wanted: what differs in the template goes through a change set,
//! and what was changed by hand under an equal template is repaired by direct IAM calls, for CloudFormation would find
//! nothing to do.

use std::collections::BTreeMap;

use super::{
    attributes,
    compare::{RoleDifference, repaired_by_template},
    desired::DesiredRole,
    operation::Operation,
    origin,
    plan::Subject,
    removal::foreign_to,
    repair, shared,
};
use crate::{
    engine::{Action, AttributeChange, Origin, PlanDraft, Reason, StepId, plan::fingerprint},
    kinds::stack_write::token,
    ports::aws::{ChangeSetRequest, Role, Stack},
};
use eksact_identity::{
    cloudformation::{tags, wanted_role::WantedRole},
    iam::policy::{self, AccessEffect},
};

impl Subject<'_> {
    /// Adds the update of a role under a healthy stack: direct repairs first, then the change set, and what runs left last.
    pub(super) fn plan_update(
        &self,
        desired: &DesiredRole,
        stack: &Stack,
        role: &Role,
        old: &WantedRole,
        found: &[RoleDifference],
        draft: &mut PlanDraft,
    ) {
        let read = fingerprint(&(stack, role));
        let renamed = found.iter().find_map(|difference| match difference {
            RoleDifference::Name { wanted } => Some(wanted.clone()),
            _ => None,
        });
        let (by_template, by_hand): (Vec<_>, Vec<_>) = found
            .iter()
            .partition(|difference| repaired_by_template(difference, old, &desired.wanted));
        let mut steps: Vec<StepId> = Vec::new();
        if renamed.is_some() {
            self.warn_of_taken_name(desired, draft);
            // CloudFormation deletes the old role at the end, which fails while foreign policies hang on it.
            for (part, title, operation) in foreign_to(Some(old), role) {
                let after = steps.last().cloned().into_iter().collect();
                steps.push(draft.add_step(&self.address, &part, title, after, &operation));
            }
        }
        // What was changed by hand comes first: it must not wait for an update that may fail. Of a role that is replaced
        // nothing is repaired, the new one comes whole from the template.
        for difference in &by_hand {
            if renamed.is_some() && !matches!(difference, RoleDifference::TerminationProtection { .. }) {
                continue;
            }
            let (part, title, operation) = repair::of(difference, desired, role, stack);
            let after = steps.last().cloned().into_iter().collect();
            steps.push(draft.add_step(&self.address, &part, title, after, &operation));
        }
        if !by_template.is_empty() {
            let writes_trust_policy = by_template.contains(&&RoleDifference::TrustPolicy);
            let shared = shared::Carried::of(role, &desired.wanted.trust_policy, writes_trust_policy)
                .filter(|_| renamed.is_none());
            let operation = self.update_stack(desired, stack, &read, renamed.is_some(), shared);
            let after = steps.last().cloned().into_iter().collect();
            let title = format!("update stack {} through a change set", stack.name);
            steps.push(draft.add_step(&self.address, "update-stack", title, after, &operation));
        }
        // Neither the role nor what waits for it waits for the clean-up, which may be refused. An executed change set deletes the
        // others of its stack itself.
        let clean_up = self.clean_up_after(steps.last(), stack, draft);
        let reason_to_clean_up = clean_up.reason;
        if !clean_up.steps.is_empty() {
            draft.set_ready(&self.address, steps.last().cloned());
            steps.extend(clean_up.steps);
        }
        let mut reasons = Vec::new();
        if let Some(wanted) = &renamed {
            reasons.push(Reason::new(
                "role-name",
                match wanted {
                    Some(name) => format!(
                        "a role's name cannot be changed in place: {} becomes {name}",
                        role.name
                    ),
                    None => format!("the file no longer names the role {}", role.name),
                },
            ));
        }
        if !by_template.is_empty() {
            reasons.push(attributes::reason_of(desired, old, &by_template));
        }
        let drifted = by_hand
            .iter()
            .filter(|difference| !matches!(difference, RoleDifference::TerminationProtection { .. }))
            .count();
        if drifted > 0 {
            reasons.push(Reason::new(
                "drift",
                "it was changed outside its stack; direct IAM calls repair it, because CloudFormation does \
                 not",
            ));
        }
        if drifted < by_hand.len() {
            reasons.push(Reason::new(
                "termination-protection",
                "its stack's termination protection differs from the desired state",
            ));
        }
        reasons.extend(reason_to_clean_up);
        let mut change = self.change(
            if renamed.is_some() {
                Action::Replace
            } else {
                Action::Update
            },
            reasons,
            found
                .iter()
                .map(|difference| {
                    let attribute = attributes::of(difference, desired, stack, role);
                    if by_hand.contains(&difference)
                        && !matches!(difference, RoleDifference::TerminationProtection { .. })
                    {
                        AttributeChange {
                            remark: attribute.remark.or(Some("drift".to_owned())),
                            ..attribute
                        }
                    } else {
                        attribute
                    }
                })
                .chain(clean_up.attributes)
                .collect(),
            steps,
            read,
        );
        let trust = policy::difference(Some(&role.trust_policy), Some(&desired.wanted.trust_policy)).access;
        if self.role.has_session_tags
            && found.contains(&RoleDifference::TrustPolicy)
            && matches!(trust, AccessEffect::Narrower | AccessEffect::Incomparable)
        {
            change.notes.push(format!(
                "Only the pods of {} in this cluster get the role then; eksctl lets every association of the account use \
                 it, and any other that does loses it.",
                self.role.owner
            ));
        }
        if renamed.is_some() {
            change.notes.push(format!(
                "The role {} is deleted and another is created: whatever else refers to it by name or ARN \
                 stops working.",
                role.name
            ));
        }
        change.origin = origin::of(found, old, role);
        if change.origin == Some(Origin::Live) && !by_template.is_empty() {
            change.notes.push(
                "It was changed outside its stack, and the file asks for something else as well.".to_owned(),
            );
        }
        draft.add_change(change);
    }

    fn update_stack(
        &self,
        desired: &DesiredRole,
        stack: &Stack,
        read: &str,
        replaces_role: bool,
        shared: Option<shared::Carried>,
    ) -> Operation {
        let mut all_tags: BTreeMap<String, String> = stack
            .tags
            .iter()
            .filter(|(key, _)| !tags::is_reserved(key))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        all_tags.extend(desired.tags.iter().cloned());
        let client_request_token = token(
            "update",
            &stack.name,
            &[&desired.template_body, read, &self.request.settings.nonce],
        );
        Operation::UpdateStack {
            request: ChangeSetRequest {
                stack: stack.id.clone(),
                name: client_request_token.clone(),
                template_body: desired.template_body.clone(),
                tags: all_tags.into_iter().collect(),
                capabilities: desired.capabilities.clone(),
                service_role_arn: self.request.settings.cloudformation_role_arn.clone(),
                client_request_token,
            },
            stack_name: stack.name.clone(),
            replaces_role,
            shared,
        }
    }
}
