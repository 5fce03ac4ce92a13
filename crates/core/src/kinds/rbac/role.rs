//! Roles: made, and changed where eksact made them; `removal` has those that go with the last binding that needs them.

use async_trait::async_trait;
use eksact_message::code::Code;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    desired::{WantedRole, desired},
    in_kubectl, is_ours, namespace_is_there, namespace_step,
};
use crate::{
    engine::{
        Action, AttributeChange, Change, Difference, DifferenceSign, Effect, Finding, PlanDraft, Reason,
        Severity, plan::fingerprint,
    },
    guard::rbac_rules::{effect_of, in_words, normal},
    kinds::{
        Request,
        kubernetes_write::{Verb, Written},
        unreachable,
    },
    live::{Live, RbacRoleByKey, RoleKey, Unreadable, addresses, role_words, unreadable},
    ports::{
        CallError,
        kubernetes::{KubernetesReader, Object as _, PolicyRule, Precondition, RbacRole},
    },
};

/// One write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "operation", rename_all = "kebab-case")]
pub(crate) enum Operation {
    /// Makes a role.
    Create { role: RbacRole },
    /// Sets the rules of a role, as it was at its version.
    SetRules { role: RbacRole },
    /// Deletes a role, as it was at its version.
    Delete { role: RbacRole },
}

impl Operation {
    /// Changes what was read as the write would.
    pub(super) fn predict(&self, live: &mut Live) {
        let (role, after) = match self {
            Self::Create { role } | Self::SetRules { role } => (role, Some(role.clone())),
            Self::Delete { role } => (role, None),
        };
        let key = (role.namespace.clone(), role.name.clone());
        live.put(RbacRoleByKey(key), Ok(after));
    }

    /// What is done, and with what.
    pub(super) fn write(&self) -> (Verb, &RbacRole) {
        match self {
            Self::Create { role } => (Verb::Create, role),
            Self::SetRules { role } => (Verb::Patch, role),
            Self::Delete { role } => (Verb::Delete, role),
        }
    }
}

#[async_trait]
impl Written for RbacRole {
    fn precondition(&self) -> Precondition<'_> {
        Precondition::exactly(&self.uid, &self.resource_version)
    }

    fn patch(&self) -> Value {
        self.rules_patch()
    }

    fn is_as(&self, wanted: &Self) -> bool {
        normal(&self.rules) == normal(&wanted.rules)
    }

    async fn now(&self, kubernetes: &dyn KubernetesReader) -> Result<Option<Self>, CallError> {
        kubernetes.get(self.key()).await
    }
}

/// Adds the difference of every role that shall be there.
pub(super) fn plan(request: &Request, live: &Live, draft: &mut PlanDraft) {
    for wanted in desired(request).roles {
        plan_one(request, &wanted, live, draft);
    }
}

fn plan_one(request: &Request, wanted: &WantedRole, live: &Live, draft: &mut PlanDraft) {
    let role = &wanted.role;
    let address = addresses::rbac_role(role.namespace.as_deref(), &role.name);
    let words = role_words(role.namespace.as_deref(), &role.name);
    if !namespace_is_there(
        role.namespace.as_deref(),
        &address,
        wanted.location.as_ref(),
        live,
        draft,
    ) {
        return;
    }
    let key: RoleKey = (role.namespace.clone(), role.name.clone());
    let existing = match live.rbac_role(&key) {
        Some(Ok(existing)) => existing.as_ref(),
        Some(Err(error)) => {
            let finding = match unreadable(error) {
                Unreadable::Cluster => unreachable::finding(request, format!("{words} needs it: {error}")),
                Unreadable::Object => Finding::new(Severity::Error, Code::RoleUnreadable, error.to_string()),
            };
            let finding = finding.about(&address).at(wanted.location.as_ref());
            draft.add_finding(finding.with_help_for(error));
            return;
        }
        None => return,
    };
    let (action, reason, operation) = match existing {
        Some(existing) if existing.is_as(role) => {
            draft.add_unchanged(address);
            return;
        }
        Some(existing) if !wanted.takes_over && !is_ours(&existing.labels) => {
            draft.add_finding(
                Finding::new(
                    Severity::Error,
                    Code::RbacNotManaged,
                    format!("{words} exists, and eksact did not make it"),
                )
                .about(&address)
                .at(wanted.location.as_ref())
                .with_help(
                    remedy!(
                        "If nothing needs it, delete it: `kubectl delete {}`; eksact names a group's own role after the group and \
                         the rules.",
                        in_kubectl(&words)
                    ),
                ),
            );
            return;
        }
        Some(existing) => {
            let changed = RbacRole {
                rules: role.rules.clone(),
                ..existing.clone()
            };
            (
                Action::Update,
                Reason::new("differs", "it differs from the desired state"),
                Operation::SetRules { role: changed },
            )
        }
        None => (
            Action::Create,
            Reason::new("missing", "it does not exist"),
            Operation::Create { role: role.clone() },
        ),
    };
    let (part, verb) = match action {
        Action::Create => ("create", "create"),
        _ => ("rules", "set the rules of"),
    };
    let after = namespace_step(role.namespace.as_deref(), draft);
    let step = draft.add_step(&address, part, format!("{verb} {words}"), after, &operation);
    draft.add_change(Change {
        address,
        action,
        reasons: vec![reason],
        source: wanted.location.clone(),
        attributes: vec![rules_change(
            existing.map(|role| role.rules.as_slice()).unwrap_or_default(),
            &role.rules,
        )],
        depends_on: Vec::new(),
        steps: vec![step],
        origin: None,
        fingerprint: fingerprint(&existing.map(|role| (&role.uid, normal(&role.rules)))),
        effect: Effect::Equal,
        notes: Vec::new(),
    });
}

/// The rules that come and go, and whether that is more or less.
pub(super) fn rules_change(before: &[PolicyRule], after: &[PolicyRule]) -> AttributeChange {
    let effect = effect_of(before, after);
    let (before, after) = (normal(before), normal(after));
    let line = |sign, rule: &PolicyRule| Difference {
        sign,
        indent: 0,
        text: in_words(rule),
        effect: None,
    };
    let gone: Vec<Difference> = before
        .difference(&after)
        .map(|rule| line(DifferenceSign::Removed, rule))
        .collect();
    let new: Vec<Difference> = after
        .difference(&before)
        .map(|rule| line(DifferenceSign::Added, rule))
        .collect();
    AttributeChange::plain("rules", None, None)
        .with_differences(gone.into_iter().chain(new).collect())
        .with_effect(effect)
}
