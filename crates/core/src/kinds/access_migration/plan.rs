//! In which order a migration goes: the binding first, one entry alone, the others, the caller's own last; then the proof that the
//! caller gets in, and only then what takes something away.

use std::collections::BTreeSet;

use eksact_identity::authn::access_entry::STANDARD;
use eksact_message::code::Code;
use serde_json::json;

use super::{Scope, commands, operation::Operation};
use crate::{
    engine::{
        Action, Address, AttributeChange, Change, Effect, Finding, PlanDraft, Reason, Severity, StepId,
        plan::fingerprint,
    },
    guard::{access::principal_key, standpoint::known_entries},
    kinds::bridge::{self, Bridge},
    live::{Live, addresses},
    migration::{Fate, Proposal},
    ports::{
        aws::{AccessEntry, AuthenticationMode},
        kubernetes::{RbacBinding, Subject},
    },
};

/// The binding that gives the group of a [`Bridge`] everything.
fn binding(group: &str) -> RbacBinding {
    RbacBinding {
        name: group.to_owned(),
        role_kind: "ClusterRole".to_owned(),
        role_name: "cluster-admin".to_owned(),
        subjects: vec![Subject {
            kind: "Group".to_owned(),
            name: group.to_owned(),
            namespace: None,
        }],
        ..RbacBinding::default()
    }
}

fn address(live: &Live) -> Address {
    addresses::access_migration(&live.cluster.name)
}

/// The lines that become entries.
fn proposals(scope: &Scope) -> impl Iterator<Item = (&str, &Proposal)> {
    scope.lines.iter().filter_map(|line| match &line.fate {
        Fate::Entry(proposal) => Some((line.key.as_str(), proposal)),
        _ => None,
    })
}

/// What is there of an earlier run's binding.
fn existing<'live>(live: &'live Live, name: &str) -> Option<&'live RbacBinding> {
    let bindings = live.bindings()?.as_ref().ok()?;
    bindings
        .iter()
        .find(|binding| binding.namespace.is_none() && binding.name == name)
}

/// The entries that are in the group, and that this plan does not take out of it: their lines are gone, or could not be read.
fn held<'live>(group: &str, live: &'live Live, draft: &PlanDraft) -> Vec<&'live AccessEntry> {
    let entries = known_entries(live).unwrap_or_default().iter();
    entries
        .filter(|entry| entry.groups.iter().any(|other| other == group))
        .filter(|entry| {
            draft
                .change(&addresses::access_entry(&entry.principal_arn))
                .is_none()
        })
        .collect()
}

/// That an entry of an interrupted run is not finished by this one.
fn still_in_group(entry: &AccessEntry, group: &str, live: &Live) -> Finding {
    let arn = &entry.principal_arn;
    let message = format!(
        "the access entry of {arn} is in the group {group} of an interrupted migration, which gives it the whole cluster, and no line of \
         aws-auth says what it shall have: the group's binding is kept"
    );
    Finding::new(Severity::Warning, Code::MigrationGroupHeld, message)
        .about(&addresses::access_entry(arn))
        .with_help(remedy!(
            "Make it an administrator for good: `{}`; or take its access away: `{}`. Then run the migration again, which deletes the \
             binding.",
            commands::make_administrator(entry, group, live),
            commands::delete(entry, live)
        ))
}

/// Adds all of it, once the entries and the lines that go are planned.
pub(super) fn plan(scope: &Scope, bridge: Option<&Bridge>, live: &Live, draft: &mut PlanDraft) {
    let address = address(live);
    let entries: Vec<(&str, &Proposal, Address)> = proposals(scope)
        .map(|(key, proposal)| (key, proposal, addresses::access_entry(&proposal.principal_arn)))
        .filter(|(_, _, entry)| draft.change(entry).is_some())
        .collect();
    let mode = |mode| addresses::authentication_mode(&live.cluster.name, mode);
    order_entries(scope, &entries, draft);

    let mut steps: Vec<StepId> = Vec::new();
    let mut attributes = Vec::new();
    let over_bridge: Vec<&Address> = entries
        .iter()
        .filter(|(_, proposal, _)| bridge::gives_everything(&proposal.policies))
        .map(|(_, _, entry)| entry)
        .collect();
    let group = bridge.map(|bridge| bridge.group.as_str());
    let left_over = group.and_then(|group| existing(live, group));
    if let Some(group) = group.filter(|_| !over_bridge.is_empty()) {
        if left_over.is_none() {
            let title = format!("create ClusterRoleBinding {group}");
            let operation = Operation::Bind {
                binding: binding(group),
            };
            let step = draft.add_step(&address, "bind", title, Vec::new(), &operation);
            for entry in &over_bridge {
                wait_for(entry, &step, draft);
            }
            steps.push(step);
        }
        attributes.push(
            AttributeChange::plain(
                "binding for the time of the migration",
                None,
                Some(json!(format!("{group} to ClusterRole cluster-admin"))),
            )
            .with_remark("administrators are in this group until their access policy is there"),
        );
    }
    let mut after: Vec<StepId> = entries
        .iter()
        .filter_map(|(_, _, entry)| draft.last_step_of(entry))
        .collect();
    if let Some((_, proposal, _)) = entries
        .iter()
        .find(|(key, _, _)| scope.caller.as_deref() == Some(key))
    {
        let operation = Operation::Confirm {
            principal: principal_key(&proposal.principal_arn),
            groups: proposal.groups.clone(),
            is_admin: bridge::gives_everything(&proposal.policies),
        };
        let title = "ask the cluster whether the caller still gets in";
        let step = draft.add_step(&address, "confirm", title, after.clone(), &operation);
        attributes.push(AttributeChange::plain(
            "proof",
            None,
            Some(json!("the cluster lets the caller in by its entry")),
        ));
        after = vec![step.clone()];
        steps.push(step);
    }
    let held = group.map(|group| held(group, live, draft)).unwrap_or_default();
    for entry in &held {
        draft.add_finding(still_in_group(entry, group.unwrap_or_default(), live));
    }
    let is_to_go = held.is_empty() && (!over_bridge.is_empty() || left_over.is_some());
    if let Some(group) = group.filter(|_| is_to_go) {
        let title = format!("delete ClusterRoleBinding {group}");
        let operation = Operation::Unbind {
            cluster: live.cluster.name.clone(),
            name: group.to_owned(),
        };
        let mut after = after.clone();
        after.extend(steps.first().cloned());
        steps.push(draft.add_step(&address, "unbind", title, after, &operation));
    }
    let first_removed = order_removals(scope, &entries, &address, draft);
    // From the last mode on there is no way back, so it comes last.
    for before in first_removed.into_iter().chain([address.clone()]) {
        draft.order(before, mode(AuthenticationMode::Api));
    }
    for (_, _, entry) in &entries {
        draft.order(entry.clone(), mode(AuthenticationMode::Api));
    }
    if steps.is_empty() {
        return;
    }
    draft.add_change(Change {
        address,
        action: Action::Update,
        reasons: vec![Reason::new(
            "migration",
            "aws-auth is given up for access entries",
        )],
        source: None,
        attributes,
        depends_on: Vec::new(),
        steps,
        origin: None,
        fingerprint: fingerprint(&left_over.map(|binding| &binding.uid)),
        effect: Effect::Equal,
        notes: Vec::new(),
    });
}

/// One entry is made before the others, so that what goes wrong goes wrong for one; the caller's own is made last.
fn order_entries(scope: &Scope, entries: &[(&str, &Proposal, Address)], draft: &mut PlanDraft) {
    let is_caller = |key: &str| scope.caller.as_deref() == Some(key);
    let is_plain = |proposal: &Proposal| proposal.entry_type == STANDARD && proposal.policies.is_empty();
    let first = entries
        .iter()
        .filter(|(key, _, _)| !is_caller(key))
        .min_by_key(|(_, proposal, _)| !is_plain(proposal));
    for (key, _, entry) in entries {
        match first {
            Some((_, _, canary)) if canary != entry => draft.order(canary.clone(), entry.clone()),
            _ => {}
        }
        if is_caller(key) {
            for (_, _, other) in entries.iter().filter(|(_, _, other)| other != entry) {
                draft.order(other.clone(), entry.clone());
            }
        }
    }
}

/// No line goes before every entry is made and the caller is known to get in.
fn order_removals(
    scope: &Scope,
    entries: &[(&str, &Proposal, Address)],
    address: &Address,
    draft: &mut PlanDraft,
) -> Option<Address> {
    let subjects: BTreeSet<&str> = scope.lines.iter().map(|line| line.subject.as_str()).collect();
    let going = subjects.into_iter().map(addresses::identity_mapping);
    let first = going
        .into_iter()
        .find(|mapping| draft.change(mapping).is_some())?;
    // All lines are one write: what the first waits for, all wait for.
    for (_, _, entry) in entries {
        draft.order(entry.clone(), first.clone());
    }
    draft.order(address.clone(), first.clone());
    Some(first)
}

/// Lets the first step of a change wait for this one.
fn wait_for(change: &Address, step: &StepId, draft: &mut PlanDraft) {
    let Some(first) = draft
        .change(change)
        .and_then(|change| change.steps.first().cloned())
    else {
        return;
    };
    for waiting in draft.steps_mut().filter(|waiting| waiting.id == first) {
        waiting.depends_on.push(step.clone());
    }
}
