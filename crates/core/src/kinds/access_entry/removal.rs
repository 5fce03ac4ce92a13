//! Which entries go: named by a command, or pruned because the file no longer has what eksact made.

use std::borrow::Cow;

use serde_json::json;

use super::{
    granted, is_marked,
    mapping::may_be_mapped,
    operation::Operation,
    resolved,
    stack::{self, MadeBy},
    through_stack::deletion,
};
use crate::{
    config::access_entry::AccessEntry as ConfiguredEntry,
    engine::{
        Action, AttributeChange, Change, Effect, Finding, PlanDraft, Reason, Severity, plan::fingerprint,
    },
    guard::access::principal_key,
    kinds::{
        Request, gives_access,
        revocation::{held_back, is_held_back},
    },
    live::{Live, addresses},
    ports::aws::{AccessEntry, AuthenticationMode},
};
use eksact_identity::authn::access_entry::{is_for_nodes, is_service_linked};
use eksact_message::code::Code;

/// So many principals are told in a note.
const MOST_NAMES: usize = 10;

/// Adds the deletions, or says what stays.
pub(super) fn plan(request: &Request, live: &Live, draft: &mut PlanDraft) {
    let Some(Ok(entries)) = live.access_entries() else {
        // Already told.
        return;
    };
    let resolved = resolved::resolved(request, live);
    for arn in &resolved.delete {
        named(request, arn, entries, live, draft);
    }
    if request.config.access_entries.is_listed {
        pruned(request, &resolved.entries, entries, live, draft);
    }
}

/// That there is no entry of this principal.
pub(super) fn nothing_to_delete(arn: &str, live: &Live) -> Finding {
    let mut message = format!("cluster {} has no access entry of {arn}", live.cluster.name);
    if live.cluster.mode() == Ok(AuthenticationMode::ConfigMap) {
        message += ": its authentication mode is CONFIG_MAP, in which it has none";
    }
    Finding::new(Severity::Note, Code::NothingToDelete, message).about(&addresses::access_entry(arn))
}

fn named(request: &Request, arn: &str, entries: &[AccessEntry], live: &Live, draft: &mut PlanDraft) {
    let address = addresses::access_entry(arn);
    let Some(entry) = entries.iter().find(|entry| entry.principal_arn == arn) else {
        let finding = nothing_to_delete(arn, live);
        let name = |arn: &str| arn.rsplit('/').next().unwrap_or(arn).to_lowercase();
        let near = entries
            .iter()
            .find(|entry| name(&entry.principal_arn) == name(arn));
        draft.add_finding(match near {
            Some(near) => finding.with_help(remedy!("Did you mean --principal-arn {}?", near.principal_arn)),
            None => finding,
        });
        return;
    };
    if is_service_linked(arn) {
        let message = format!(
            "the access entry of {arn} is kept: it is of a service-linked role, and only the service deletes it"
        );
        draft.add_finding(Finding::new(Severity::Error, Code::NotOurs, message).about(&address));
        return;
    }
    let requested = Reason::new("requested", "it was requested");
    match stack::made_by(entry, live) {
        MadeBy::Call => delete(entry, requested, live, draft),
        MadeBy::OwnStack(own) => match deletion(request, own.stack, entry, live) {
            Ok(operation) => {
                let title = format!("delete stack {}", own.stack.name);
                let note = format!(
                    "It is deleted with the stack that eksctl made for it, {}.",
                    own.stack.name
                );
                delete_by(
                    entry,
                    requested,
                    ("delete-stack", title, &operation),
                    vec![note],
                    live,
                    draft,
                );
            }
            Err(finding) => draft.add_finding(finding),
        },
        MadeBy::OtherStack(stack, why) => {
            let why = why.map_or_else(
                || "which deletes it with itself".to_owned(),
                |why| format!("and {why}"),
            );
            let message = format!(
                "the access entry of {arn} is kept: it belongs to the CloudFormation stack {stack}, {why}"
            );
            draft.add_finding(
                Finding::new(Severity::Error, Code::AccessEntryStack, message)
                    .about(&address)
                    .with_help(remedy!(
                        "Delete the stack instead: it deletes the entry with itself."
                    )),
            );
        }
    }
}

fn pruned(
    request: &Request,
    wanted: &[Cow<'_, ConfiguredEntry>],
    entries: &[AccessEntry],
    live: &Live,
    draft: &mut PlanDraft,
) {
    let is_wanted = |entry: &&AccessEntry| {
        wanted
            .iter()
            .any(|wanted| wanted.principal_arn.value == entry.principal_arn)
    };
    let left: Vec<&AccessEntry> = entries
        .iter()
        .filter(|entry| is_own(entry) && !is_wanted(entry))
        .collect();
    if left.is_empty() {
        return;
    }
    if !request.settings.prune {
        let mut names: Vec<&str> = left.iter().map(|entry| entry.principal_arn.as_str()).collect();
        let more = names.len().saturating_sub(MOST_NAMES);
        names.truncate(MOST_NAMES);
        let more = match more {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        draft.add_finding(
            Finding::new(
                Severity::Note,
                Code::NotPruned,
                format!(
                    "eksact made access entries that the file does not have, and they still let in: {}{more}",
                    names.join(", ")
                ),
            )
            .with_help(remedy!("--prune deletes them.")),
        );
        return;
    }
    let is_held_back = is_held_back(draft);
    for entry in left {
        if is_held_back {
            let stays = format!("the access entry of {} is kept", entry.principal_arn);
            draft.add_finding(held_back(&addresses::access_entry(&entry.principal_arn), &stays));
        } else {
            delete(
                entry,
                Reason::new("pruned", "the file no longer has it"),
                live,
                draft,
            );
        }
    }
}

/// Whether eksact made an entry, and it is one of those that it would make: never one of nodes or of a service, whoever has
/// put our tag on it.
fn is_own(entry: &AccessEntry) -> bool {
    is_marked(entry) && !is_service_linked(&entry.principal_arn)
}

fn delete(entry: &AccessEntry, reason: Reason, live: &Live, draft: &mut PlanDraft) {
    let title = format!("delete access entry of {}", entry.principal_arn);
    let operation = Operation::Delete {
        cluster: live.cluster.name.clone(),
        seen: entry.clone(),
    };
    delete_by(
        entry,
        reason,
        ("delete", title, &operation),
        Vec::new(),
        live,
        draft,
    );
}

/// An entry keeps from its principal what `aws-auth` says of it: a mapping that the same plan takes away, or that a cluster is to stop
/// reading, is gone before.
fn after_its_mapping(arn: &str, live: &Live, draft: &mut PlanDraft) {
    let key = principal_key(arn);
    let entry = addresses::access_entry(arn);
    let is_its = |change: &&Change| {
        change.address.kind() == "identity-mapping" && principal_key(change.address.name()) == key
    };
    let mapping = draft
        .changes()
        .iter()
        .find(is_its)
        .map(|change| change.address.clone());
    let mode = addresses::authentication_mode(&live.cluster.name, AuthenticationMode::Api);
    for first in mapping
        .into_iter()
        .chain(may_be_mapped(arn, live).then_some(mode))
    {
        draft.prefer_order(first, entry.clone());
    }
}

/// Deletes an entry by this step: its name, its title, the write.
fn delete_by(
    entry: &AccessEntry,
    reason: Reason,
    (part, title, operation): (&str, String, &Operation),
    notes: Vec<String>,
    live: &Live,
    draft: &mut PlanDraft,
) {
    let arn = &entry.principal_arn;
    let address = addresses::access_entry(arn);
    // Everything that is given is there before somebody loses something.
    let after = draft
        .changes()
        .iter()
        .filter(|change| gives_access(&change.address) && change.action != Action::Delete)
        .filter_map(|change| draft.last_step_of(&change.address))
        .collect();
    let step = draft.add_step(&address, part, title, after, operation);
    after_its_mapping(arn, live, draft);
    let goes =
        |name: &str, value| AttributeChange::plain(name, Some(value), None).with_effect(Effect::Narrower);
    let mut attributes = vec![goes("type", json!(entry.entry_type))];
    if !is_for_nodes(&entry.entry_type) {
        attributes.push(goes("username", json!(entry.username)));
        if !entry.groups.is_empty() {
            attributes.push(goes("groups", json!(entry.groups)));
        }
    }
    let policies = entry.policies.iter();
    attributes.extend(
        policies.map(|policy| granted::policy_change(Some(policy), None).with_effect(Effect::Narrower)),
    );
    draft.add_change(Change {
        address,
        action: Action::Delete,
        reasons: vec![reason],
        source: None,
        attributes,
        depends_on: Vec::new(),
        steps: vec![step],
        origin: None,
        fingerprint: fingerprint(entry),
        effect: Effect::Narrower,
        notes,
    });
}
