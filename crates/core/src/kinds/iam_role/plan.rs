//! What is done about roles that shall be there: made, updated, repaired or replaced.

use eksact_identity::{cloudformation::RolePurpose, iam::DEFAULT_PATH};
use eksact_message::code::Code;

use super::{
    assumed,
    compare::{RoleDifference, differences, template_of},
    desired::{DesireError, DesiredRole},
    shared,
    wanted::{OwnedRole, limit, owned},
};
use crate::{
    config::{ServiceAccount, assumable_role::AssumableRole},
    engine::{
        Action, Address, AttributeChange, Change, Deferred, Effect, Finding, PlanDraft, Reason, Severity,
        StepId, Unknown,
    },
    kinds::{Request, policy_of_files, provider_intent::ProviderIntent, stack_health},
    live::{
        Live, StackState,
        addresses::{self, ARN},
        is_of_cluster, role_name_of, role_owner_of, state_of,
    },
    ports::aws::{Role, Stack},
};

/// Adds the difference of every role that shall be there, and says what its ARN will be.
pub(super) fn plan(request: &Request, live: &Live, purpose: RolePurpose, draft: &mut PlanDraft) {
    let roles = owned(request, purpose);
    plan_roles(request, live, &roles, draft);
    for role in &roles {
        let before = of_files(request, live, role);
        let before = before.into_iter().chain(
            role.assumed
                .into_iter()
                .flat_map(|role| assumed::after(role, live)),
        );
        for first in before {
            draft.order(first, addresses::role_of(&role.owner));
        }
        if let Some(role) = role.assumed {
            // EKS makes no entry for a role that is not there.
            let entry = addresses::access_entry(&role.arn(live.partition, &live.account));
            draft.order(addresses::assumable_role(&role.name.value), entry);
        }
        if let Some(arn) = arn_after(live, role, draft) {
            draft.set_outcome(addresses::role_of(&role.owner), ARN, arn);
        }
    }
}

/// The policies of the files that a role has: they are there before it.
fn of_files(request: &Request, live: &Live, role: &OwnedRole<'_>) -> Vec<Address> {
    let named: Vec<&str> = role.policies().collect();
    request
        .config
        .access
        .policies
        .iter()
        .filter(|policy| named.contains(&policy.arn(live.partition, &live.account).as_str()))
        .map(|policy| addresses::managed_policy(&policy.name.value))
        .collect()
}

fn plan_roles(request: &Request, live: &Live, roles: &[OwnedRole<'_>], draft: &mut PlanDraft) {
    let Some(purpose) = roles.first().map(|role| role.owner.purpose) else {
        return;
    };
    if let Some(Err(error)) = live.stacks() {
        let finding = Finding::new(
            Severity::Error,
            Code::StacksUnreadable,
            format!("no role can be planned, because the stacks of the region could not be read: {error}"),
        );
        draft.add_finding(finding.with_help_for(error));
        return;
    }
    // Without a provider there is nobody to trust; the provider's own finding says so.
    let provider_missing = purpose == RolePurpose::ServiceAccount
        && match (live.oidc_provider(), request.provider_intent()) {
            (Some(Ok(None)), ProviderIntent::Require) | (Some(Err(_)), _) => true,
            (Some(Ok(None)), ProviderIntent::Ensure) => draft
                .change(&addresses::oidc_provider(&live.cluster.name))
                .is_none(),
            _ => live.provider_arn().is_none(),
        };
    if provider_missing {
        return;
    }
    for role in roles {
        Subject {
            request,
            live,
            account: &role.account,
            address: addresses::role_of(&role.owner),
            role,
        }
        .plan(draft);
    }
}

/// One account whose role is planned.
pub(super) struct Subject<'plan> {
    pub(super) request: &'plan Request,
    pub(super) live: &'plan Live,
    pub(super) role: &'plan OwnedRole<'plan>,
    pub(super) account: &'plan ServiceAccount,
    pub(super) address: Address,
}

impl Subject<'_> {
    fn plan(&self, draft: &mut PlanDraft) {
        if let Some(role) = self.role.assumed {
            let (_, findings) = assumed::assumed_by(self.request, self.live, role);
            let refused = assumed::refuse(&findings);
            for finding in findings {
                draft.add_finding(finding);
            }
            if refused {
                return;
            }
        }
        if self.is_refused_its_policies(draft) {
            return;
        }
        let desired = match DesiredRole::of(self.role, self.live, self.request) {
            Ok(desired) => desired,
            Err(error) => {
                let finding = self.error(Code::NotDesirable, error.to_string());
                draft.add_finding(match error {
                    DesireError::Template(_) => finding.with_help(remedy!(
                        "Write the value itself in the policy document: eksact expands no functions of CloudFormation in it."
                    )),
                    _ => finding,
                });
                return;
            }
        };
        let Some(stack) = self.live.stack_of(&self.role.owner) else {
            self.plan_creation(&desired, draft);
            return;
        };
        let of_other = role_owner_of(stack).is_some_and(|owner| owner != self.role.owner);
        if !is_of_cluster(stack, &self.live.cluster.name) || of_other {
            draft.add_finding(
                self.error(
                    Code::StackNotOurs,
                    format!(
                        "the stack {} exists and does not have the tags of this cluster and {}: eksact did not make it and \
                         does not change it",
                        stack.name,
                        self.whose()
                    ),
                )
                .with_help(remedy!(
                    "Use another name for the {} or, if nothing needs that stack, delete it: `{}`.",
                    self.whose(),
                    stack_health::deletion_of(stack)
                )),
            );
            return;
        }
        match state_of(&stack.status) {
            StackState::Healthy => self.plan_healthy(&desired, stack, draft),
            StackState::Broken if self.is_refused_its_name_beside(stack, draft) => {}
            StackState::Broken => {
                let role = role_name_of(stack)
                    .and_then(|name| self.live.role(name))
                    .and_then(|role| role.as_ref().ok()?.as_deref());
                self.plan_replacement(&desired, stack, role, stack_health::broken(stack), draft);
            }
            StackState::Stuck => draft.add_finding(self.placed(stack_health::stuck(stack))),
            StackState::Busy => {
                let waited = self.request.settings.timeout;
                draft.add_finding(self.placed(stack_health::busy_after(stack, waited)));
            }
            StackState::Gone => self.plan_creation(&desired, draft),
        }
    }

    fn plan_healthy(&self, desired: &DesiredRole, stack: &Stack, draft: &mut PlanDraft) {
        let Some(name) = role_name_of(stack) else {
            draft.add_finding(
                self.error(
                    Code::RoleUnknown,
                    format!(
                        "the stack {} has no output Role1, so its role cannot be found",
                        stack.name
                    ),
                )
                .with_help(remedy!(
                    "The stack's template was changed: give it the output Role1 with the role's ARN \
                         again, or delete the stack and run the same command: `{}`.",
                    stack_health::deletion_of(stack)
                )),
            );
            return;
        };
        let role = match self.live.role(name) {
            Some(Ok(Some(role))) => role,
            Some(Ok(None)) => {
                let reason = Reason::new(
                    "role-gone",
                    format!("the role {name} is gone, while its stack is still there"),
                );
                self.plan_replacement(desired, stack, None, reason, draft);
                return;
            }
            Some(Err(error)) => {
                let finding = self.error(Code::RoleUnreadable, error.to_string());
                draft.add_finding(finding.with_help_for(error));
                return;
            }
            None => return,
        };
        if self.moves(role) {
            draft.add_finding(
                self.error(
                    Code::RoleMoves,
                    format!(
                        "the role is {}, and the path of a role cannot be changed",
                        role.arn
                    ),
                )
                .with_help(remedy!(
                    "Write its path as it is, {}, or give the role of the other path another name.",
                    role.path
                )),
            );
            return;
        }
        if let Some(note) = shared::note(self.live, role) {
            draft.add_finding(note.about(&self.address));
        }
        let mut found = differences(self.request, desired, stack, role);
        if found.is_empty() && limit(self.request, &self.role.owner).is_none() {
            let clean_up = self.clean_up(stack, draft);
            self.unchanged_but_for(clean_up, stack, draft);
            return;
        }
        let only_protection = !found.is_empty()
            && found
                .iter()
                .all(|difference| matches!(difference, RoleDifference::TerminationProtection { .. }));
        if only_protection {
            self.plan_update(desired, stack, role, &desired.wanted, &found, draft);
            return;
        }
        let Some((template, old)) = template_of(self.live, stack) else {
            let (why, help) = match self.live.template(&stack.name) {
                Some(Err(error)) => (error.to_string(), error.help()),
                _ => (
                    "it is not a template that eksctl or eksact writes".to_owned(),
                    Some(remedy!(
                        "Change the role with the tool that made the stack; or, if no other tool needs it, delete the stack and \
                         run the same command: `{}`.",
                        stack_health::deletion_of(stack)
                    )),
                ),
            };
            let finding = self.error(
                Code::TemplateUnreadable,
                format!(
                    "the role {name} differs from the desired state, and the template of its stack {} could \
                     not be read: {why}",
                    stack.name
                ),
            );
            draft.add_finding(match help {
                Some(help) => finding.with_help(help),
                None => finding,
            });
            return;
        };
        // What this house has no words for stays in the template, and what the flags do not name stays as it is.
        let desired = match desired.over(&template, limit(self.request, &self.role.owner), role, self.live) {
            Ok(desired) => desired,
            Err(error) => {
                draft.add_finding(self.error(Code::NotDesirable, error.to_string()));
                return;
            }
        };
        found = differences(self.request, &desired, stack, role);
        // Only the template tells whether the role's name was given or made up.
        found.retain(
            |difference| !matches!(difference, RoleDifference::Name { wanted: None } if old.role_name.is_none()),
        );
        if found.is_empty() {
            let clean_up = self.clean_up(stack, draft);
            self.unchanged_but_for(clean_up, stack, draft);
            return;
        }
        self.plan_update(&desired, stack, role, &old, &found, draft);
    }

    /// Whether the role would get a policy of somebody else's that has the name of one of the files.
    fn is_refused_its_policies(&self, draft: &mut PlanDraft) -> bool {
        let policies = self.account.attach_policy_arns.iter();
        let foreign: Vec<Finding> = policies
            .chain(&self.account.permissions_boundary)
            .filter_map(|arn| policy_of_files::of_somebody_else(self.request, self.live, arn, &self.address))
            .collect();
        if foreign.is_empty() {
            return false;
        }
        // Where the role itself is somebody else's, that is what is said of it.
        let is_taken = self.live.stack_of(&self.role.owner).is_none() && self.is_refused_its_name(draft);
        for finding in foreign.into_iter().filter(|_| !is_taken) {
            draft.add_finding(finding);
        }
        true
    }

    /// What the role is for, in people's words.
    fn whose(&self) -> &'static str {
        match self.role.owner.purpose {
            RolePurpose::ServiceAccount | RolePurpose::PodIdentity => "service account",
            RolePurpose::Assumed => "role",
        }
    }

    /// Whether the file gives a role of people another path than it has.
    fn moves(&self, role: &Role) -> bool {
        self.role.assumed.is_some_and(|wanted| wanted.path() != role.path)
    }

    pub(super) fn is_trusted_by_token(&self) -> bool {
        self.role.owner.purpose == RolePurpose::ServiceAccount
    }

    pub(super) fn error(&self, code: Code, message: String) -> Finding {
        self.placed(Finding::new(Severity::Error, code, message))
    }

    fn placed(&self, finding: Finding) -> Finding {
        finding.about(&self.address).at(self.account.location.as_ref())
    }

    pub(super) fn change(
        &self,
        action: Action,
        reasons: Vec<Reason>,
        attributes: Vec<AttributeChange>,
        steps: Vec<StepId>,
        read: String,
    ) -> Change {
        let depends_on = match self.request.provider_intent() {
            ProviderIntent::Ensure if self.is_trusted_by_token() => {
                vec![addresses::oidc_provider(&self.live.cluster.name)]
            }
            _ => Vec::new(),
        };
        Change {
            address: self.address.clone(),
            action,
            reasons,
            source: self.account.location.clone(),
            attributes,
            depends_on,
            steps,
            origin: None,
            fingerprint: read,
            effect: Effect::Equal,
            notes: Vec::new(),
        }
    }
}

/// The ARN of a role once the draft is carried out; none where there will be no role: what hinders it
/// is reported as a finding.
fn arn_after(live: &Live, role: &OwnedRole<'_>, draft: &PlanDraft) -> Option<Deferred<String>> {
    let address = addresses::role_of(&role.owner);
    let made = draft
        .change(&address)
        .is_some_and(|change| matches!(change.action, Action::Create | Action::Replace));
    if made {
        return Some(match &role.account.role_name {
            Some(name) => Deferred::Known(format!(
                "arn:{}:iam::{}:role{}{}",
                live.partition,
                live.account,
                role.assumed.map_or(DEFAULT_PATH, AssumableRole::path),
                name.value
            )),
            // CloudFormation makes its name up.
            None => Deferred::from(Unknown {
                address,
                attribute: ARN.to_owned(),
            }),
        });
    }
    live.stack_of(&role.owner)
        .filter(|stack| state_of(&stack.status) == StackState::Healthy)
        .and_then(|stack| stack.outputs.get("Role1"))
        .map(|arn| Deferred::Known(arn.clone()))
}
