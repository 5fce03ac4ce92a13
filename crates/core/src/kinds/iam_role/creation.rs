//! Roles that are made, or deleted with their stacks and made again: their steps, and what stands in their way.

use serde_json::json;

use super::{
    attributes, compare::template_of, desired::DesiredRole, operation::Operation, plan::Subject,
    removal::take_down, wanted::limit,
};
use crate::{
    config::Located,
    engine::{
        Action, AttributeChange, Change, Finding, PlanDraft, Reason, Severity, StepId, plan::fingerprint,
    },
    kinds::standing::{Standing, standing},
    live::{Unreadable, addresses, role_name_of},
    ports::aws::{Role, Stack},
};
use eksact_identity::cloudformation::RolePurpose;
use eksact_message::code::Code;
use eksact_message::remedy::Remedy;

/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-resource-tags.html>
const STACK_ID_TAG: &str = "aws:cloudformation:stack-id";

impl Subject<'_> {
    pub(super) fn plan_creation(&self, desired: &DesiredRole, draft: &mut PlanDraft) {
        if self.request.service_account_scope().update {
            draft.add_finding(
                Finding::new(
                    Severity::Note,
                    Code::NothingToUpdate,
                    format!(
                        "the service account {} has no role made by eksctl or eksact",
                        self.account.qualified_name()
                    ),
                )
                .about(&self.address)
                .at(self.account.location.as_ref())
                .with_help(remedy!(
                    "`eksact create iamserviceaccount --cluster {} --region {} --namespace {} --name {} --attach-policy-arn ARN \
                     --approve` makes it.",
                    self.live.cluster.name,
                    self.live.region,
                    self.account.namespace,
                    self.account.name
                )),
            );
            return;
        }
        if !self.account_may_follow() || self.is_refused_its_name(draft) {
            return;
        }
        self.warn_of_taken_name(desired, draft);
        let read = fingerprint(&None::<()>);
        let step = self.create_step(desired, &read, Vec::new(), draft);
        let change = self.change(
            Action::Create,
            vec![Reason::new("missing", "it does not exist")],
            attributes::of_new(desired),
            vec![step],
            read,
        );
        draft.add_change(Change {
            notes: self.own_side(),
            ..change
        });
    }

    pub(super) fn plan_replacement(
        &self,
        desired: &DesiredRole,
        stack: &Stack,
        role: Option<&Role>,
        reason: Reason,
        draft: &mut PlanDraft,
    ) {
        if !self.account_may_follow() {
            return;
        }
        if self.request.service_account_scope().update && limit(self.request, &self.role.owner).is_some() {
            draft.add_finding(
                self.error(
                    Code::UpdateNeedsReplacement,
                    format!("{}: the role would have to be recreated, and the flags do not say enough for that", reason.text),
                )
                .with_help(remedy!(
                    "Run `eksact apply -f FILE` with the file that has it, or delete and create the service account."
                )),
            );
            return;
        }
        let read = fingerprint(&(stack, role));
        let old = template_of(self.live, stack).map(|(_, old)| old);
        let mut steps = take_down(self.request, &self.address, stack, role, old.as_ref(), draft);
        let create = self.create_step(desired, &read, steps.last().cloned().into_iter().collect(), draft);
        steps.push(create);
        let mut attributes = vec![AttributeChange::plain(
            "stack",
            Some(json!(stack.name)),
            Some(json!(desired.stack_name)),
        )];
        attributes.extend(attributes::of_new(desired).into_iter().skip(1));
        let mut change = self.change(Action::Replace, vec![reason], attributes, steps, read);
        if stack.termination_protection {
            change
                .notes
                .push("The stack's termination protection is lifted first.".to_owned());
        }
        if let Some(role) = role {
            change.notes.push(format!(
                "The role {} is deleted and another is created: whatever else refers to it by name or ARN stops working.",
                role.name
            ));
        }
        draft.add_change(change);
    }

    /// Whether there is a role of the name that no stack of ours made: it is not touched, and CloudFormation could make none. Of the role
    /// of a service account that is said before its stack is made, see [`Self::warn_of_taken_name`].
    pub(super) fn is_refused_its_name(&self, draft: &mut PlanDraft) -> bool {
        let wanted = self.role.assumed;
        wanted.is_some_and(|wanted| self.refuses_taken(&wanted.name.value, draft))
    }

    /// The same where its stack is there and broken, and does not tell of a role: CloudFormation notes on each role whose it is.
    pub(super) fn is_refused_its_name_beside(&self, stack: &Stack, draft: &mut PlanDraft) -> bool {
        let Some(name) = &self.account.role_name else {
            return false;
        };
        let is_its = match self.live.role(&name.value) {
            Some(Ok(Some(role))) => role.tags.get(STACK_ID_TAG) == Some(&stack.id),
            _ => false,
        };
        role_name_of(stack).is_none() && !is_its && self.refuses_taken(&name.value, draft)
    }

    /// Refuses a role of this name that is somebody else's, or may be.
    fn refuses_taken(&self, name: &str, draft: &mut PlanDraft) -> bool {
        let finding = match self.live.role(name) {
            Some(Ok(Some(role))) => {
                let (whose, help) = match self.role.assumed {
                    Some(_) => (
                        "no stack of this cluster made it",
                        remedy!(
                            "Give the role of the file another name; or leave it out of `roles` and name the other one by its ARN."
                        ),
                    ),
                    None => (
                        "no stack of this service account made it",
                        self.another_name(role),
                    ),
                };
                self.error(
                    Code::RoleNotOurs,
                    format!(
                        "the role {} exists, and {whose}: eksact does not change it",
                        role.arn
                    ),
                )
                .with_help(help)
            }
            Some(Err(error)) => self
                .error(Code::RoleUnreadable, error.to_string())
                .with_help_for(error),
            Some(Ok(None)) | None => return false,
        };
        draft.add_finding(finding);
        true
    }

    /// What to do where a role of the name that a service account's is given is somebody else's.
    fn another_name(&self, role: &Role) -> Remedy {
        let key = match self.role.owner.purpose {
            RolePurpose::PodIdentity => "roleARN",
            RolePurpose::ServiceAccount | RolePurpose::Assumed => "attachRoleARN",
        };
        remedy!(
            "Use another roleName, delete that role, or use it as it is with `{key}: {}`.",
            role.arn
        )
    }

    pub(super) fn warn_of_taken_name(&self, desired: &DesiredRole, draft: &mut PlanDraft) {
        let Some(name) = desired
            .wanted
            .role_name
            .as_ref()
            .filter(|_| self.role.assumed.is_none())
        else {
            return;
        };
        if let Some(Ok(Some(role))) = self.live.role(name) {
            draft.add_finding(
                Finding::new(
                    Severity::Warning,
                    Code::RoleNameTaken,
                    format!(
                        "a role named {name} exists and belongs to no stack of this service account: \
                             CloudFormation will refuse to create it"
                    ),
                )
                .about(&self.address)
                .at(self
                    .account
                    .role_name
                    .as_ref()
                    .and_then(|name| name.location.as_ref()))
                .with_help(self.another_name(role)),
            );
        }
    }

    /// Whether the service account may be pointed at a role that is made now. Where it may not, making one would be of
    /// no use, and replacing one would leave the account on an ARN that is gone: the account's finding says what to do.
    fn account_may_follow(&self) -> bool {
        match standing(self.request, self.live, self.account) {
            Standing::Refused(_) | Standing::Unknown(Unreadable::Object) => false,
            Standing::Free | Standing::Unknown(Unreadable::Cluster) => true,
        }
    }

    /// What must be allowed on the other side: the trust policy alone lets in only those of the account whom it names.
    fn own_side(&self) -> Vec<String> {
        let Some(role) = self.role.assumed else {
            return Vec::new();
        };
        let by = &role.assumed_by;
        let is_of_another = |text: &Located<String>| {
            let account = text.value.split(':').nth(4);
            account.is_some_and(|account| account != self.live.account)
        };
        if by.accounts.is_empty() && !by.users.iter().chain(&by.roles).any(is_of_another) {
            return Vec::new();
        }
        vec![
            "Whoever is let in by an account, or is of another one, needs sts:AssumeRole on this role in a policy of their own as \
             well."
                .to_owned(),
        ]
    }

    fn create_step(
        &self,
        desired: &DesiredRole,
        read: &str,
        mut after: Vec<StepId>,
        draft: &mut PlanDraft,
    ) -> StepId {
        if self.is_trusted_by_token() {
            after.extend(draft.last_step_of(&addresses::oidc_provider(&self.live.cluster.name)));
        }
        let operation = Operation::CreateStack {
            request: desired.stack_request(self.request, read),
            cluster: self.live.cluster.name.clone(),
            service_account: self.role.owner.to_string(),
        };
        let title = format!("create stack {}", desired.stack_name);
        draft.add_step(&self.address, "create-stack", title, after, &operation)
    }
}
