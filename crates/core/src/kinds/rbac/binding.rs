//! Bindings: made, and changed where eksact made them; `removal` has those that go. What a binding gives cannot be changed: one that gives
//! something else is made anew.

use eksact_message::code::Code;
use std::collections::BTreeSet;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    desired::{WantedBinding, desired},
    in_kubectl, is_ours, namespace_is_there, namespace_step, prunes,
};
use crate::{
    engine::{
        Action, AttributeChange, Change, Effect, Finding, PlanDraft, Reason, Severity, StepError,
        plan::fingerprint,
    },
    kinds::{
        Request,
        kubernetes_write::{Verb, Written},
        unreachable,
    },
    live::{Bindings, Live, Unreadable, addresses, binding_words, role_key, role_words, unreadable},
    ports::{
        CallError,
        kubernetes::{KubernetesReader, Object as _, Precondition, RbacBinding, Selector, Subject},
    },
};

/// One write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "operation", rename_all = "kebab-case")]
pub(crate) enum Operation {
    /// Makes a binding.
    Create { binding: RbacBinding },
    /// Sets the subjects of a binding, as it was at its version.
    SetSubjects { binding: RbacBinding },
    /// Deletes a binding, as it was at its version.
    Delete { binding: RbacBinding },
}

impl Operation {
    /// Changes what was read as the write would.
    pub(super) fn predict(&self, live: &mut Live) {
        let (Self::Create { binding } | Self::SetSubjects { binding } | Self::Delete { binding }) = self;
        let is_it = |other: &RbacBinding| other.namespace == binding.namespace && other.name == binding.name;
        live.change(&Bindings, |bindings| {
            bindings.retain(|other| !is_it(other));
            if !matches!(self, Self::Delete { .. }) {
                bindings.push(binding.clone());
            }
        });
    }

    /// What is done, and with what.
    pub(super) fn write(&self) -> (Verb, &RbacBinding) {
        match self {
            Self::Create { binding } => (Verb::Create, binding),
            Self::SetSubjects { binding } => (Verb::Patch, binding),
            Self::Delete { binding } => (Verb::Delete, binding),
        }
    }
}

#[async_trait]
impl Written for RbacBinding {
    fn precondition(&self) -> Precondition<'_> {
        Precondition::exactly(&self.uid, &self.resource_version)
    }

    fn patch(&self) -> Value {
        self.subjects_patch()
    }

    /// The order of subjects means nothing.
    fn is_as(&self, wanted: &Self) -> bool {
        gives(self) == gives(wanted)
            && self.subjects.iter().collect::<BTreeSet<_>>() == wanted.subjects.iter().collect()
    }

    /// Whoever plans may list bindings, and needs no right to get one.
    async fn now(&self, kubernetes: &dyn KubernetesReader) -> Result<Option<Self>, CallError> {
        let all = kubernetes.list::<Self>(None, Selector::Everything).await?;
        Ok(all.into_iter().find(|live| live.key() == self.key()))
    }

    fn denied(error: CallError) -> StepError {
        StepError::from(error).with_help(remedy!(
            "Kubernetes lets no one grant more rights than they have: the caller needs them itself, \
                 or the verb `bind`."
        ))
    }
}

/// The role that a binding gives.
fn gives(binding: &RbacBinding) -> (&str, &str) {
    (&binding.role_kind, &binding.role_name)
}

/// Adds the difference of every binding that shall be there.
pub(super) fn plan(request: &Request, live: &Live, draft: &mut PlanDraft) {
    let wanted = desired(request).bindings;
    let bindings = match live.bindings() {
        Some(Ok(bindings)) => bindings,
        Some(Err(error)) => {
            if wanted.is_empty() {
                if prunes(request) {
                    let message =
                        format!("bindings that eksact made could not be listed, and are not pruned: {error}");
                    draft.add_finding(Finding::new(Severity::Warning, Code::BindingsUnreadable, message));
                }
                return;
            }
            let finding = match unreadable(error) {
                Unreadable::Cluster => {
                    unreachable::finding(request, format!("the bindings of groups need it: {error}"))
                }
                Unreadable::Object => {
                    Finding::new(Severity::Error, Code::BindingsUnreadable, error.to_string())
                }
            };
            draft.add_finding(finding.with_help_for(error));
            return;
        }
        None => return,
    };
    for wanted in &wanted {
        plan_one(wanted, bindings, live, draft);
    }
}

fn plan_one(wanted: &WantedBinding, live_bindings: &[RbacBinding], live: &Live, draft: &mut PlanDraft) {
    let binding = &wanted.binding;
    let address = addresses::rbac_binding(binding.namespace.as_deref(), &binding.name);
    let words = binding_words(binding.namespace.as_deref(), &binding.name);
    if !namespace_is_there(
        binding.namespace.as_deref(),
        &address,
        wanted.location.as_ref(),
        live,
        draft,
    ) {
        return;
    }
    missing_role(wanted, live, draft);
    let existing = live_bindings
        .iter()
        .find(|live| live.namespace == binding.namespace && live.name == binding.name);
    if let Some(existing) = existing {
        if existing.is_as(binding) {
            draft.add_unchanged(address);
            return;
        }
        if !wanted.takes_over && !is_ours(&existing.labels) {
            draft.add_finding(
                Finding::new(
                    Severity::Error,
                    Code::RbacNotManaged,
                    format!("{words} exists, and eksact did not make it"),
                )
                .about(&address)
                .at(wanted.location.as_ref())
                .with_help(remedy!(
                    "If nothing needs it, delete it: `kubectl delete {}`; eksact names a binding after its group and its role.",
                    in_kubectl(&words)
                )),
            );
            return;
        }
    }
    let mut after = namespace_step(binding.namespace.as_deref(), draft);
    let role_key = role_key(binding);
    let role = addresses::rbac_role(role_key.0.as_deref(), &role_key.1);
    let depends_on = draft.last_step_of(&role).map(|step| {
        after.push(step);
        role
    });
    let create = Operation::Create {
        binding: binding.clone(),
    };
    let (action, reason, steps) = match existing {
        None => {
            let step = draft.add_step(&address, "create", format!("create {words}"), after, &create);
            (
                Action::Create,
                Reason::new("missing", "it does not exist"),
                vec![step],
            )
        }
        Some(existing) if gives(existing) == gives(binding) => {
            let operation = Operation::SetSubjects {
                binding: RbacBinding {
                    subjects: binding.subjects.clone(),
                    ..existing.clone()
                },
            };
            let title = format!("set the subjects of {words}");
            let step = draft.add_step(&address, "subjects", title, after, &operation);
            (
                Action::Update,
                Reason::new("differs", "it differs from the desired state"),
                vec![step],
            )
        }
        Some(existing) => {
            let operation = Operation::Delete {
                binding: existing.clone(),
            };
            let first = draft.add_step(&address, "delete", format!("delete {words}"), after, &operation);
            let title = format!("create {words}");
            let second = draft.add_step(&address, "create", title, vec![first.clone()], &create);
            let reason = Reason::new("role-differs", "what a binding gives cannot be changed");
            (Action::Replace, reason, vec![first, second])
        }
    };
    draft.add_change(Change {
        address,
        action,
        reasons: vec![reason],
        source: wanted.location.clone(),
        attributes: attributes(existing, Some(binding)),
        depends_on: depends_on.into_iter().collect(),
        steps,
        origin: None,
        fingerprint: fingerprint(&existing.map(|live| (&live.uid, &live.subjects))),
        effect: Effect::Equal,
        notes: Vec::new(),
    });
}

pub(super) fn attributes(before: Option<&RbacBinding>, after: Option<&RbacBinding>) -> Vec<AttributeChange> {
    let role = |binding: Option<&RbacBinding>| {
        binding.map(|binding| {
            let key = role_key(binding);
            json!(role_words(key.0.as_deref(), &key.1))
        })
    };
    let subjects = |binding: Option<&RbacBinding>| {
        binding.map(|binding| {
            let words = binding.subjects.iter().map(|subject| match &subject.namespace {
                Some(namespace) => format!("{} {namespace}/{}", subject.kind, subject.name),
                None => format!("{} {}", subject.kind, subject.name),
            });
            json!(words.collect::<Vec<_>>())
        })
    };
    let set = |binding: Option<&RbacBinding>| -> BTreeSet<Subject> {
        binding
            .into_iter()
            .flat_map(|binding| binding.subjects.iter().cloned())
            .collect()
    };
    let (old, new) = (set(before), set(after));
    let effect = match (old.is_subset(&new), new.is_subset(&old)) {
        (true, true) => Effect::Equal,
        (true, false) => Effect::Broader,
        (false, true) => Effect::Narrower,
        (false, false) => Effect::Incomparable,
    };
    let gives = AttributeChange::plain("gives", role(before), role(after));
    let replaced = before.is_some() && after.is_some() && gives.before != gives.after;
    vec![
        if replaced {
            gives.with_effect(Effect::Incomparable)
        } else {
            gives
        },
        AttributeChange::plain("to", subjects(before), subjects(after)).with_effect(effect),
    ]
}

/// A role that is named and not there: the binding would give nothing.
fn missing_role(wanted: &WantedBinding, live: &Live, draft: &mut PlanDraft) {
    let key = role_key(&wanted.binding);
    let made = draft
        .change(&addresses::rbac_role(key.0.as_deref(), &key.1))
        .is_some();
    if made || !matches!(live.rbac_role(&key), Some(Ok(None))) {
        return;
    }
    draft.add_finding(
        Finding::new(
            Severity::Warning,
            Code::ClusterRoleMissing,
            format!(
                "there is no {}: a binding of it grants nothing",
                role_words(key.0.as_deref(), &key.1)
            ),
        )
        .about(&addresses::rbac_binding(
            wanted.binding.namespace.as_deref(),
            &wanted.binding.name,
        ))
        .at(wanted.location.as_ref())
        .with_help(remedy!(
            "`kubectl get clusterroles` lists them; `rules` in place of `clusterRole` makes one."
        )),
    );
}
