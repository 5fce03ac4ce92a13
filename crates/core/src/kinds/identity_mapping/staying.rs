//! Mappings that stay although the files would not have them so: those of eksact's that nobody asked to prune, and those
//! that are held back while something else cannot be planned.

use eksact_message::code::Code;
use std::collections::BTreeMap;

use super::{
    delta::{Delta, EntryChange},
    ownership::{self, digest_of, is_protected},
    reading::Reading,
};
use crate::{
    config::location::SourceLocation,
    engine::{Action, Finding, PlanDraft, Reason, Severity},
    kinds::{Request, revocation::held_back},
    live::addresses,
    ports::kubernetes::ConfigMap,
};

/// So many subjects are told in a note.
const MOST_SUBJECTS: usize = 10;

/// Tells of the mappings that eksact wrote and the files do not have, where they are not pruned.
pub(super) fn note_leftover(
    request: &Request,
    (config_map, reading): (Option<&ConfigMap>, &Reading),
    wanted: &BTreeMap<String, Option<SourceLocation>>,
    draft: &mut PlanDraft,
) {
    if request.settings.prune || !request.config.access.complete {
        return;
    }
    let Some(config_map) = config_map else {
        return;
    };
    let recorded = config_map.annotations.get(ownership::ANNOTATION);
    let owned = ownership::parse(recorded.map(String::as_str));
    if owned.is_empty() {
        return;
    }
    let mut left: Vec<String> = reading
        .entries
        .iter()
        .filter(|entry| owned.contains(&digest_of(entry)) && !is_protected(entry))
        .filter(|entry| !wanted.contains_key(&entry.arn.to_lowercase()))
        .map(|entry| entry.arn.clone())
        .collect();
    if left.is_empty() {
        return;
    }
    left.sort();
    let more = left.len().saturating_sub(MOST_SUBJECTS);
    left.truncate(MOST_SUBJECTS);
    if more > 0 {
        left.push(format!("{more} more"));
    }
    draft.add_finding(
        Finding::new(
            Severity::Note,
            Code::NotPruned,
            format!(
                "eksact created mappings that are not in the file, and they are kept: {}",
                left.join(", ")
            ),
        )
        .with_help(remedy!(
            "--prune removes them, and everything else that eksact created and the file does not have."
        )),
    );
}

/// Takes out of `delta` what would be pruned.
pub(super) fn keep_pruned(reasons: &BTreeMap<String, Reason>, delta: &mut Delta, draft: &mut PlanDraft) {
    delta.remove.retain(|removal| {
        let pruned = reasons
            .get(&removal.subject.to_lowercase())
            .is_some_and(|reason| reason.code == "pruned");
        if pruned {
            let stays = format!("the mapping of {} is kept", removal.subject);
            draft.add_finding(held_back(&addresses::identity_mapping(&removal.subject), &stays));
        }
        !pruned
    });
}

/// Takes out of `delta` the mappings that would lose a group or their user name. Whether there were any.
pub(super) fn keep_narrowed(
    changes: &[EntryChange],
    sources: &BTreeMap<String, Option<SourceLocation>>,
    delta: &mut Delta,
    draft: &mut PlanDraft,
) -> bool {
    let narrowed: Vec<&EntryChange> = changes.iter().filter(|change| takes_away(change)).collect();
    delta
        .set
        .retain(|wanted| !narrowed.iter().any(|change| change.subject == wanted.arn));
    for change in &narrowed {
        let source = sources.get(&change.subject.to_lowercase()).cloned().flatten();
        let stays = format!("the mapping of {} is left as it is", change.subject);
        draft.add_finding(
            held_back(&addresses::identity_mapping(&change.subject), &stays).at(source.as_ref()),
        );
    }
    !narrowed.is_empty()
}

/// Whether nobody gets anything by it: the mapping goes, or loses groups.
pub(super) fn gives_nothing_new(change: &EntryChange) -> bool {
    let (Some(before), Some(after)) = (&change.before, &change.after) else {
        return change.after.is_none();
    };
    before.username == after.username && after.groups.iter().all(|group| before.is_in(group))
}

/// A new user name may be bound to less, and a group that goes is.
fn takes_away(change: &EntryChange) -> bool {
    let (Action::Update, Some(before), Some(after)) = (change.action, &change.before, &change.after) else {
        return false;
    };
    before.username != after.username || before.groups.iter().any(|group| !after.is_in(group))
}
