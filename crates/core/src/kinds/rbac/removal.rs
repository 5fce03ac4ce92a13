//! Bindings and own roles that go: those of a group that the files bind otherwise, and, with `--prune`, those of groups
//! that the files no longer have.

use eksact_message::code::Code;
use std::collections::BTreeSet;

use super::{
    GROUP_ANNOTATION, binding,
    desired::{Desired, desired},
    emr_containers, is_ours, prunes, role,
};
use crate::{
    engine::{
        Action, Address, Change, Effect, Finding, PlanDraft, Reason, Severity, StepId, plan::fingerprint,
    },
    guard::rbac_rules::normal,
    kinds::{
        Request,
        revocation::{held_back, is_held_back, steps_about_access},
    },
    live::{Live, RoleKey, addresses, binding_words, role_key, role_words},
    ports::kubernetes::{RbacBinding, RbacRole},
};

/// So many names are told in a note.
const MOST_NAMES: usize = 10;

/// Adds the removals, or says that and why they stay.
pub(super) fn plan(request: &Request, live: &Live, draft: &mut PlanDraft) {
    let Some(Ok(bindings)) = live.bindings() else {
        return;
    };
    let wanted = desired(request);
    let declared: BTreeSet<&str> = request
        .config
        .access
        .groups
        .iter()
        .map(|group| group.name.value.as_str())
        .collect();
    // What the files say of a group is all that eksact shall have given it. Other groups may be other files' business.
    let ours = bindings.iter().filter(|binding| is_ours(&binding.labels));
    let (bound_otherwise, left): (Vec<&RbacBinding>, Vec<&RbacBinding>) = not_wanted(&wanted, ours)
        .partition(|binding| group_of(binding).is_some_and(|group| declared.contains(group)));
    let mut going: Vec<(&RbacBinding, Reason)> = bound_otherwise
        .into_iter()
        .map(|binding| {
            let text = format!(
                "the file binds the group {} differently",
                group_of(binding).unwrap_or_default()
            );
            (binding, Reason::new("bound-otherwise", text))
        })
        .collect();
    if prunes(request) {
        let reason = || Reason::new("pruned", "the file no longer has it");
        let keeps_user = emr_containers::keeps_its_user(request);
        let of_emr = bindings
            .iter()
            .filter(|binding| !keeps_user && emr_containers::is_its_binding(binding));
        let pruned = left.into_iter().chain(not_wanted(&wanted, of_emr));
        going.extend(pruned.map(|binding| (binding, reason())));
    } else if request.config.access.complete {
        note_left(&left, draft);
    }
    if is_held_back(draft) {
        for (binding, _) in going {
            let (namespace, name) = (binding.namespace.as_deref(), &binding.name);
            let stays = format!("{} stays", binding_words(namespace, name));
            draft.add_finding(held_back(&addresses::rbac_binding(namespace, name), &stays));
        }
        return;
    }
    let grants: Vec<StepId> = steps_about_access(draft).into_iter().collect();
    let roles = roles_that_go(&wanted, &going, bindings, live);
    for (role, reason) in roles {
        remove_role(role, reason, &grants, draft);
    }
    for (binding, reason) in going {
        remove_binding(binding, reason, &grants, draft);
    }
}

/// Those of the bindings that the request does not want.
fn not_wanted<'live>(
    wanted: &Desired,
    bindings: impl Iterator<Item = &'live RbacBinding>,
) -> impl Iterator<Item = &'live RbacBinding> {
    let wanted: BTreeSet<RoleKey> = wanted
        .bindings
        .iter()
        .map(|wanted| (wanted.binding.namespace.clone(), wanted.binding.name.clone()))
        .collect();
    bindings.filter(move |binding| !wanted.contains(&(binding.namespace.clone(), binding.name.clone())))
}

/// The group for which eksact made a binding.
fn group_of(binding: &RbacBinding) -> Option<&str> {
    let annotated = binding.annotations.get(GROUP_ANNOTATION).map(String::as_str);
    annotated.or(match binding.subjects.as_slice() {
        [subject] if subject.kind == "Group" => Some(&subject.name),
        _ => None,
    })
}

/// What eksact gave to groups of which the files say nothing.
fn note_left(left: &[&RbacBinding], draft: &mut PlanDraft) {
    if left.is_empty() {
        return;
    }
    let mut names: Vec<String> = left
        .iter()
        .map(|binding| binding_words(binding.namespace.as_deref(), &binding.name))
        .collect();
    names.sort();
    let more = names.len().saturating_sub(MOST_NAMES);
    names.truncate(MOST_NAMES);
    if more > 0 {
        names.push(format!("{more} more"));
    }
    draft.add_finding(
        Finding::new(
            Severity::Note,
            Code::NotPruned,
            format!(
                "eksact created objects that are not in the file, and they are kept: {}",
                names.join(", ")
            ),
        )
        .with_help(remedy!(
            "--prune removes them, and everything else that eksact created and the file does not have."
        )),
    );
}

/// Own roles that nothing binds any more.
fn roles_that_go<'live>(
    wanted: &Desired,
    going: &[(&RbacBinding, Reason)],
    bindings: &[RbacBinding],
    live: &'live Live,
) -> Vec<(&'live RbacRole, Reason)> {
    let mut needed: BTreeSet<RoleKey> = wanted
        .bindings
        .iter()
        .map(|wanted| role_key(&wanted.binding))
        .collect();
    let goes = |binding: &RbacBinding| going.iter().any(|(going, _)| going.uid == binding.uid);
    needed.extend(bindings.iter().filter(|binding| !goes(binding)).map(role_key));
    let mut roles = Vec::new();
    for (binding, reason) in going {
        let key = role_key(binding);
        if let Some(Ok(Some(role))) = live.rbac_role(&key)
            && (is_ours(&role.labels) || emr_containers::is_its_role(role))
            && needed.insert(key)
        {
            roles.push((role, reason.clone()));
        }
    }
    roles
}

/// The role goes before its bindings: eksact finds a role by them, should it be interrupted in between.
fn remove_role(role: &RbacRole, reason: Reason, grants: &[StepId], draft: &mut PlanDraft) {
    let address = addresses::rbac_role(role.namespace.as_deref(), &role.name);
    let title = format!("delete {}", role_words(role.namespace.as_deref(), &role.name));
    let operation = role::Operation::Delete { role: role.clone() };
    let step = draft.add_step(&address, "delete", title, grants.to_vec(), &operation);
    let attributes = vec![role::rules_change(&role.rules, &[])];
    let fingerprint = fingerprint(&Some((&role.uid, normal(&role.rules))));
    add(address, reason, attributes, Vec::new(), step, fingerprint, draft);
}

fn remove_binding(binding: &RbacBinding, reason: Reason, grants: &[StepId], draft: &mut PlanDraft) {
    let address = addresses::rbac_binding(binding.namespace.as_deref(), &binding.name);
    let words = binding_words(binding.namespace.as_deref(), &binding.name);
    let key = role_key(binding);
    let role = addresses::rbac_role(key.0.as_deref(), &key.1);
    let mut after = grants.to_vec();
    let mut depends_on = Vec::new();
    if let Some(change) = draft.change(&role)
        && change.action == Action::Delete
    {
        after.extend(change.steps.iter().cloned());
        depends_on.push(role);
    }
    let operation = binding::Operation::Delete {
        binding: binding.clone(),
    };
    let step = draft.add_step(&address, "delete", format!("delete {words}"), after, &operation);
    let attributes = binding::attributes(Some(binding), None);
    let fingerprint = fingerprint(&Some((&binding.uid, &binding.subjects)));
    add(address, reason, attributes, depends_on, step, fingerprint, draft);
}

fn add(
    address: Address,
    reason: Reason,
    attributes: Vec<crate::engine::AttributeChange>,
    depends_on: Vec<Address>,
    step: StepId,
    fingerprint: String,
    draft: &mut PlanDraft,
) {
    draft.add_change(Change {
        origin: None,
        address,
        action: Action::Delete,
        reasons: vec![reason],
        source: None,
        attributes,
        depends_on,
        steps: vec![step],
        fingerprint,
        effect: Effect::Equal,
        notes: Vec::new(),
    });
}
