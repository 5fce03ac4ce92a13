//! What is done about the mappings that shall be there and those that shall go: one change each, one write for all.

use eksact_message::code::Code;
use std::{
    cell::LazyCell,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    delta::{Delta, DeltaError, EntryChange, Outcome, work_out_over},
    effect, findings,
    operation::{Operation, keep_texts},
    ownership::{self, digest},
    reading::Reading,
    removal, scope, staying,
    wanted::{Wanted, wanted_of},
};
use crate::{
    config::location::SourceLocation,
    engine::{
        Action, AttributeChange, Change, Effect, Finding, Origin, PlanDraft, Reason, Severity, StepId,
        plan::fingerprint,
    },
    guard::{
        Guard,
        access::{Admitted, KnownRefusal, foreign_change, principal_key, section_dropped},
        aws_auth::AwsAuthReading,
        recovery,
        standpoint::{Standpoint, known_entries},
    },
    kinds::{
        Request,
        revocation::{
            after_assumable_role, before_role, is_held_back, roles_by_principal, steps_about_access,
        },
        runner::way_to,
        selection, unreachable,
    },
    live::{Live, Unreadable, addresses, unreadable},
    ports::{CallError, kubernetes::ConfigMap},
};

/// Adds the difference of every mapping.
pub(super) fn plan(request: &Request, live: &Live, draft: &mut PlanDraft) {
    if super::is_only_pruning(request) && !live.aws_auth().is_some_and(super::has_own) {
        if let (true, Some(Err(error))) = (scope::prunes(request), live.aws_auth()) {
            draft.add_finding(unread(request, live, error));
        }
        return;
    }
    if findings::mode_without_aws_auth(request, live, draft) {
        return;
    }
    let config_map = match live.aws_auth() {
        Some(Ok(config_map)) => config_map.as_ref(),
        Some(Err(error)) => {
            draft.add_finding(unread(request, live, error));
            return;
        }
        None => return,
    };
    let empty = BTreeMap::new();
    let data = config_map.map_or(&empty, |config_map| &config_map.data);
    // Once, and only where somebody asks: it may be large.
    let reading = LazyCell::new(|| match AwsAuthReading::of_live(live) {
        Some(Ok(seen)) => Arc::new(Reading::over(seen, data)),
        _ => Arc::new(Reading::of(data)),
    });
    let Wanted {
        mut delta,
        sources,
        findings: problems,
    } = wanted_of(request, live, draft);
    for problem in problems {
        draft.add_finding(problem);
    }
    let reasons = removal::add(request, (config_map, &reading), &sources, &mut delta, draft);
    staying::note_leftover(request, (config_map, &reading), &sources, draft);
    let held_back = is_held_back(draft);
    if held_back {
        staying::keep_pruned(&reasons, &mut delta, draft);
    }
    keep_selected(request, &mut delta);
    if delta == Delta::default() {
        return;
    }
    let work_out = |delta: &Delta| work_out_over(Arc::clone(&reading), delta, config_map);
    let mut worked_out = work_out(&delta);
    if let (true, Ok(outcome)) = (held_back, &worked_out)
        && staying::keep_narrowed(&outcome.changes, &sources, &mut delta, draft)
    {
        worked_out = work_out(&delta);
    }
    let outcome = match worked_out {
        Ok(outcome) => outcome,
        Err(error) => {
            refuse_edit(&error, request, config_map, draft);
            return;
        }
    };
    for subject in &outcome.unchanged {
        draft.add_unchanged(addresses::identity_mapping(subject));
    }
    let standpoint = Standpoint::before_plan(live);
    if outcome.changes.is_empty() {
        findings::dropped_sections(&outcome, draft);
        return;
    }
    keep_texts(&outcome, draft);
    if let Some(problem) = cannot_be_written(config_map, &outcome) {
        draft.add_finding(problem);
        return;
    }
    // The other guards look at the finished plan; only the edit itself can tell what it changes unasked.
    let unasked = foreign_change(&outcome.foreign);
    if let Some(refusal) = &unasked {
        draft.add_finding(refusal.finding().about(&addresses::aws_auth()));
    }
    let operation = Operation::Write {
        cluster_arn: live.cluster.arn.clone(),
        delta,
        expected: outcome.changes.clone(),
        allowed: unasked.iter().map(KnownRefusal::from).collect(),
        standpoint: Box::new(standpoint.clone()),
        create: config_map.is_none(),
    };
    let addresses = outcome
        .changes
        .iter()
        .map(|change| addresses::identity_mapping(&change.subject));
    let addresses: BTreeSet<_> = addresses.collect();
    let title = title(&outcome.changes, config_map.is_none());
    let step = draft.add_shared_step(
        &addresses::aws_auth(),
        "write",
        title,
        grants_first(&outcome.changes, draft),
        &operation,
        addresses.iter().cloned().collect(),
    );
    let recorded = config_map.and_then(|config_map| config_map.annotations.get(ownership::ANNOTATION));
    let owned = ownership::parse(recorded.map(String::as_str));
    add_changes(&outcome, &standpoint, &sources, &reasons, &owned, &step, draft);
    let roles = roles_by_principal(draft);
    for change in &outcome.changes {
        let address = addresses::identity_mapping(&change.subject);
        for role in roles.get(&principal_key(&change.subject)).into_iter().flatten() {
            if staying::gives_nothing_new(change) {
                before_role(&address, role, draft);
            } else {
                after_assumable_role(&address, role, draft);
            }
        }
    }
}

/// Leaves out the mappings that the part of the plan that is asked for is not about.
fn keep_selected(request: &Request, delta: &mut Delta) {
    let takes = |subject: &str| selection::takes(request, &addresses::identity_mapping(subject));
    delta.set.retain(|wanted| takes(&wanted.arn));
    delta.accounts.retain(|account| takes(account));
    delta.remove.retain(|removal| takes(&removal.subject));
}

/// The steps before a write that takes access away: those that give some in RBAC, so that nobody who is moved from one
/// group to another is without rights in between. What RBAC takes away is planned later.
fn grants_first(changes: &[EntryChange], draft: &PlanDraft) -> Vec<StepId> {
    if changes.iter().all(|change| change.action == Action::Create) {
        return Vec::new();
    }
    steps_about_access(draft).into_iter().collect()
}

/// The changes of a plan, one per address: several entries of one ARN that go are one change.
fn add_changes(
    outcome: &Outcome,
    standpoint: &Standpoint,
    sources: &BTreeMap<String, Option<SourceLocation>>,
    reasons: &BTreeMap<String, Reason>,
    owned: &BTreeSet<String>,
    step: &StepId,
    draft: &mut PlanDraft,
) {
    let mut by_subject: BTreeMap<&str, Vec<&EntryChange>> = BTreeMap::new();
    for change in &outcome.changes {
        by_subject.entry(&change.subject).or_default().push(change);
    }
    for (subject, entries) in by_subject {
        let Some(first) = entries.first() else {
            continue;
        };
        let key = subject.to_lowercase();
        let mut attributes = effect::attributes(
            first,
            &outcome.before.access,
            &outcome.after.access,
            &standpoint.entries,
        );
        for entry in &entries {
            attributes.push(
                AttributeChange::plain(entry.section.as_str(), None, None)
                    .with_differences(entry.lines.differences()),
            );
        }
        let mut reason = match first.action {
            Action::Create => vec![Reason::new("missing", "it does not exist")],
            Action::Update => vec![Reason::new("differs", "it differs from the desired state")],
            _ => vec![
                reasons
                    .get(&key)
                    .cloned()
                    .unwrap_or_else(|| Reason::new("requested", "it was requested")),
            ],
        };
        if first.adopted {
            reason.push(Reason::new(
                "adopted",
                "it exists, was written by someone else, and becomes eksact's",
            ));
        }
        draft.add_change(Change {
            address: addresses::identity_mapping(subject),
            action: first.action,
            reasons: reason,
            source: sources.get(&key).cloned().flatten(),
            attributes,
            depends_on: Vec::new(),
            steps: vec![step.clone()],
            origin: entries
                .iter()
                .map(|entry| origin_of(entry, owned))
                .reduce(|one, other| one.filter(|_| one == other))
                .flatten(),
            fingerprint: fingerprint(&entries.iter().map(|entry| &entry.before).collect::<Vec<_>>()),
            effect: Effect::Equal,
            notes: Vec::new(),
        });
    }
}

/// Whose doing it is: the digest of a mapping that eksact wrote stays in the annotation until eksact writes again.
fn origin_of(change: &EntryChange, owned: &BTreeSet<String>) -> Option<Origin> {
    let is_ours = |admitted: &Admitted| {
        owned.contains(&digest(
            change.section,
            &change.subject,
            &admitted.username,
            &admitted.groups,
        ))
    };
    if change.after.as_ref().is_some_and(is_ours) {
        return Some(Origin::Live);
    }
    (!change.adopted && change.before.as_ref().is_some_and(is_ours)).then_some(Origin::Configuration)
}

fn title(changes: &[EntryChange], create: bool) -> String {
    let count = |action| changes.iter().filter(|change| change.action == action).count();
    let mut parts = Vec::new();
    for (action, word) in [
        (Action::Create, "added"),
        (Action::Update, "changed"),
        (Action::Delete, "removed"),
    ] {
        match count(action) {
            0 => {}
            1 => parts.push(format!("1 mapping {word}")),
            count => parts.push(format!("{count} mappings {word}")),
        }
    }
    let verb = if create { "create" } else { "write" };
    format!("{verb} ConfigMap kube-system/aws-auth: {}", parts.join(", "))
}

/// Why a ConfigMap cannot be written at all, whatever is allowed.
pub(super) fn cannot_be_written(config_map: Option<&ConfigMap>, outcome: &Outcome) -> Option<Finding> {
    if config_map.is_some_and(|config_map| config_map.immutable) {
        return Some(
            Finding::new(
                Severity::Error,
                Code::AwsAuthImmutable,
                "the ConfigMap kube-system/aws-auth is immutable: the API server refuses every change",
            )
            .about(&addresses::aws_auth())
            .with_help(remedy!(
                "It must be replaced; until the new one is there, no one whom it maps gets in: `kubectl get \
                 configmap aws-auth --namespace kube-system -o yaml | grep -v '^immutable:' | kubectl \
                 replace --force -f -`"
            )),
        );
    }
    outcome.too_large.as_ref().map(|problem| {
        Finding::new(Severity::Error, Code::AwsAuthTooLarge, problem)
            .about(&addresses::aws_auth())
            .with_help(remedy!("Map fewer principals: one role that many may assume, or access entries, which have no such limit."))
    })
}

/// Says why the text cannot be changed. A section that the cluster drops is the guard's case; one who passes the guard
/// hears that passing it is not enough.
pub(super) fn refuse_edit(
    error: &DeltaError,
    request: &Request,
    config_map: Option<&ConfigMap>,
    draft: &mut PlanDraft,
) {
    let guard = Guard::AwsAuthSectionDropped;
    if matches!(error, DeltaError::Dropped { .. }) && !request.settings.allow.contains(&guard) {
        let reading = config_map.map(|config_map| AwsAuthReading::of(&config_map.data));
        let dropped = reading.map(|reading| reading.dropped).unwrap_or_default();
        if let Some(refusal) = section_dropped(&dropped) {
            draft.add_finding(refusal.finding().about(&addresses::aws_auth()));
            return;
        }
    }
    draft.add_finding(not_editable(error));
}

fn not_editable(error: &DeltaError) -> Finding {
    let message = format!("{error}, and so nothing of aws-auth was planned");
    Finding::new(Severity::Error, Code::AwsAuthNotEditable, message)
        .about(&addresses::aws_auth())
        .with_help(remedy!(
            "Write the section as a plain list of entries, or restore an earlier one with `eksact restore aws-auth`."
        ))
}

/// That `aws-auth` could not be read.
pub(super) fn unread(request: &Request, live: &Live, error: &CallError) -> Finding {
    if super::is_only_pruning(request) {
        let message =
            format!("what eksact wrote into aws-auth could not be determined, and is not pruned: {error}");
        return Finding::new(Severity::Warning, Code::AwsAuthUnreadable, message)
            .about(&addresses::aws_auth());
    }
    let mappings = request.config.access.identity_mappings.len() + scope::deletions(request).len();
    let needs = match mappings {
        _ if scope::restore(request).is_some() => "the restore of aws-auth needs".to_owned(),
        1 => "1 identity mapping needs".to_owned(),
        count => format!("{count} identity mappings need"),
    };
    if unreadable(error) == Unreadable::Cluster {
        let message = format!("the Kubernetes API of the cluster could not be read, and {needs} it: {error}");
        let finding = unreachable::finding(request, message);
        return finding.with_help(match error.kind {
            crate::ports::CallErrorKind::Credentials => remedy!(
                "If no one gets in any more, create an access entry to recover: {}",
                recovery::commands(
                    &live.cluster,
                    &live.region,
                    live.caller.as_ref().ok(),
                    &[known_entries(live)]
                )
            ),
            _ => way_to(&live.cluster),
        });
    }
    let finding = Finding::new(Severity::Error, Code::AwsAuthUnreadable, error.to_string())
        .about(&addresses::aws_auth());
    finding.with_help_for(error)
}
