//! Taking `aws-auth` back to a backup: a plan like any other, with the lines that differ and who gains and loses access.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::json;

use super::{
    delta::{Outcome, content_digest},
    effect::effect_of,
    findings,
    operation::Operation,
    ownership::{self, digest_of},
    plan::{cannot_be_written, unread},
    reading::Reading,
    scope::Restore,
    text::changed_lines,
};
use crate::{
    engine::{
        Action, AttributeChange, Change, Difference, DifferenceSign, Effect, PlanDraft, Reason,
        plan::fingerprint,
    },
    guard::{access::Admitted, standpoint::Standpoint},
    kinds::Request,
    live::{Live, addresses},
};

/// Adds what taking it back would change.
pub(super) fn plan(request: &Request, restore: &Restore, live: &Live, draft: &mut PlanDraft) {
    let config_map = match live.aws_auth() {
        Some(Ok(config_map)) => config_map.as_ref(),
        Some(Err(error)) => {
            draft.add_finding(unread(request, live, error));
            return;
        }
        None => return,
    };
    // It may be restored all the same: a cluster can be set back to a mode that reads it.
    findings::mode_without_aws_auth(request, live, draft);
    let address = addresses::aws_auth();
    let empty = BTreeMap::new();
    let now = config_map.map_or(&empty, |config_map| &config_map.data);
    if *now == restore.data && config_map.is_some() {
        draft.add_unchanged(address);
        return;
    }
    let outcome = Outcome {
        data: restore.data.clone(),
        annotations: BTreeMap::new(),
        changes: Vec::new(),
        unchanged: Vec::new(),
        before: Arc::new(Reading::of(now)),
        after: Reading::of(&restore.data),
        foreign: Vec::new(),
        too_large: None,
    };
    if let Some(problem) = cannot_be_written(config_map, &outcome) {
        draft.add_finding(problem);
        return;
    }
    let standpoint = Standpoint::before_plan(live);
    let keys: BTreeSet<&String> = now.keys().chain(restore.data.keys()).collect();
    let data: BTreeMap<String, Option<String>> = keys
        .into_iter()
        .filter(|key| now.get(*key) != restore.data.get(*key))
        .map(|key| (key.clone(), restore.data.get(key).cloned()))
        .collect();
    let mut attributes = vec![access(&outcome)];
    for key in data.keys() {
        let text = |data: &BTreeMap<String, String>| data.get(key).cloned().unwrap_or_default();
        let lines = changed_lines(&text(now), &text(&restore.data));
        attributes.push(AttributeChange::plain(key, None, None).with_differences(lines.differences()));
    }
    let present: BTreeSet<String> = outcome.after.entries.iter().map(digest_of).collect();
    let recorded = config_map.and_then(|config_map| config_map.annotations.get(ownership::ANNOTATION));
    let owned: BTreeSet<String> = ownership::parse(recorded.map(String::as_str))
        .union(&ownership::parse(restore.ownership.as_deref()))
        .filter(|digest| present.contains(*digest))
        .cloned()
        .collect();
    let operation = Operation::Restore {
        cluster_arn: live.cluster.arn.clone(),
        backup: restore.name.clone(),
        seen: config_map.map(|config_map| content_digest(&config_map.data)),
        data,
        annotation: ownership::format(&owned),
        allowed: Vec::new(),
        recovery: standpoint.recovery,
    };
    let title = format!("restore ConfigMap {} from {}", address.name(), restore.name);
    let step = draft.add_step(&address, "write", title, Vec::new(), &operation);
    draft.add_change(Change {
        address,
        action: if config_map.is_some() {
            Action::Update
        } else {
            Action::Create
        },
        reasons: vec![Reason::new(
            "restore",
            format!("it is restored to {}", restore.name),
        )],
        source: None,
        attributes,
        depends_on: Vec::new(),
        steps: vec![step],
        origin: None,
        fingerprint: fingerprint(&config_map.map(|config_map| content_digest(&config_map.data))),
        effect: Effect::Equal,
        notes: Vec::new(),
    });
}

/// Who gains, loses or changes access.
fn access(outcome: &Outcome) -> AttributeChange {
    let (before, after) = (&outcome.before.access, &outcome.after.access);
    let mut lines = Vec::new();
    let mut effect = Effect::Equal;
    let mut line = |sign, text: String, of_line: Effect| {
        lines.push(Difference {
            sign,
            indent: 0,
            text,
            effect: Some(of_line),
        });
    };
    let words = |admitted: &Admitted| format!("{} {}", admitted.username, json!(admitted.groups));
    let keys: BTreeSet<&String> = before.principals.keys().chain(after.principals.keys()).collect();
    for key in keys {
        let (then, now) = (before.principals.get(key), after.principals.get(key));
        if then == now {
            continue;
        }
        let of_line = effect_of(then, now);
        effect = effect.and(of_line);
        if let Some(then) = then {
            line(
                DifferenceSign::Removed,
                format!("{key} as {}", words(then)),
                of_line,
            );
        }
        if let Some(now) = now {
            line(DifferenceSign::Added, format!("{key} as {}", words(now)), of_line);
        }
    }
    for account in before.accounts.difference(&after.accounts) {
        effect = effect.and(Effect::Narrower);
        line(
            DifferenceSign::Removed,
            format!("account {account}"),
            Effect::Narrower,
        );
    }
    for account in after.accounts.difference(&before.accounts) {
        effect = effect.and(Effect::Broader);
        line(
            DifferenceSign::Added,
            format!("account {account}"),
            Effect::Broader,
        );
    }
    if lines.is_empty() {
        return AttributeChange::plain("access", Some(json!("as it is")), Some(json!("as it is")));
    }
    AttributeChange::plain("access", None, None)
        .with_differences(lines)
        .with_effect(effect)
}
