//! What is done about the identity providers: made, replaced, tagged, taken away, each after the one before. Pure.

use std::collections::{BTreeMap, BTreeSet};

use eksact_message::code::Code;
use serde_json::json;

use super::{
    ClusterIdentityProviders, IdentityProviderKind, Operation, address as address_of,
    compare::{differences, judged, tags_to_set},
    providers, to_go,
};
use crate::{
    config::{IdentityProvider, SourceLocation},
    engine::{
        Action, AttributeChange, Change, Effect, Finding, PlanDraft, Reason, Severity, StepId,
        plan::fingerprint,
    },
    kinds::{
        Kind as _, Request,
        revocation::{held_back, is_held_back, steps_about_access},
    },
    live::{Live, addresses},
    ports::aws::{AuthenticationMode, IdentityProviderConfig, most_identity_providers},
};
use eksact_identity::cloudformation::tags;

/// How the version tag ends that eksact writes.
const MARK: &str = "+eksact";

/// Plans what the file wants, and what a command names to go.
pub(super) fn plan(request: &Request, live: &Live, draft: &mut PlanDraft) {
    let existing = match live.get(&ClusterIdentityProviders) {
        Some(Ok(existing)) => existing,
        Some(Err(error)) => {
            let finding = Finding::new(Severity::Error, Code::Unreadable, error.to_string());
            draft.add_finding(finding.with_help_for(error));
            return;
        }
        None => return,
    };
    for name in to_go(request).into_iter().flatten() {
        match existing.iter().find(|provider| provider.name == *name) {
            Some(provider) => remove(
                provider,
                Reason::new("named", "the command names it"),
                live,
                draft,
            ),
            None => draft.add_finding(Finding::new(
                Severity::Note,
                Code::IdentityProviderMissing,
                format!("cluster {} has no identity provider {name}", live.cluster.name),
            )),
        }
    }
    let mut room = most_identity_providers(live.cluster.version.as_deref()).saturating_sub(existing.len());
    for provider in &request.config.identity_providers {
        let name = &provider.config.name;
        match existing.iter().find(|other| other.name == *name) {
            Some(other) if is_going(other) => create(provider, Some(other), live, draft),
            Some(other) => compare(provider, other, live, draft),
            None => {
                if let Some(why) = conflict(provider, existing, room, live) {
                    draft.add_finding(why.about(&address_of(name)).at(provider.location.as_ref()));
                } else {
                    room -= 1;
                    create(provider, None, live, draft);
                }
            }
        }
    }
}

/// Plans that goes what eksact made and the file no longer lists.
pub(super) fn plan_removals(request: &Request, live: &Live, draft: &mut PlanDraft) {
    if !request.settings.prune || !request.config.lists_identity_providers {
        return;
    }
    let wanted = &request.config.identity_providers;
    let is_wanted =
        |provider: &IdentityProviderConfig| wanted.iter().any(|other| other.config.name == provider.name);
    for provider in providers(live) {
        let address = address_of(&provider.name);
        if is_wanted(provider) || is_going(provider) || !is_ours(provider) || draft.change(&address).is_some()
        {
            continue;
        }
        if is_held_back(draft) {
            draft.add_finding(held_back(
                &address,
                &format!("identity provider {} stays", provider.name),
            ));
            continue;
        }
        let reason = Reason::new("pruned", "eksact made it, and the file no longer lists it");
        remove(provider, reason, live, draft);
    }
}

/// Whether EKS is taking it away.
fn is_going(provider: &IdentityProviderConfig) -> bool {
    provider.status == "DELETING"
}

/// Whether eksact made it.
fn is_ours(provider: &IdentityProviderConfig) -> bool {
    let version = provider.tags.get(tags::TOOL_VERSION_NAME);
    version.is_some_and(|version| version.ends_with(MARK))
}

/// Why EKS would refuse a new one. One that goes makes room only once it is gone.
fn conflict(
    provider: &IdentityProvider,
    existing: &[IdentityProviderConfig],
    room: usize,
    live: &Live,
) -> Option<Finding> {
    let wanted = &provider.config;
    let same_issuer = existing
        .iter()
        .find(|other| other.issuer_url == wanted.issuer_url);
    let finding = |message| Finding::new(Severity::Error, Code::IdentityProviderConflict, message);
    if let Some(other) = same_issuer {
        return Some(
            finding(format!(
                "identity provider {} has the issuer {} already, and EKS allows each once",
                other.name, other.issuer_url
            ))
            .with_help(remedy!(
                "Keep its name, or delete it first: `eksact disassociate identityprovider --cluster {} --region {} \
                 --name {} --type oidc`.",
                live.cluster.name,
                live.region,
                other.name
            )),
        );
    }
    (room == 0).then(|| {
        finding(format!(
            "cluster {} (Kubernetes {}) has {} already, and EKS allows no more",
            live.cluster.name,
            live.cluster.version.as_deref().unwrap_or("of unknown version"),
            match existing.len() {
                1 => "1 identity provider".to_owned(),
                count => format!("{count} identity providers"),
            }
        ))
    })
}

/// The last step so far that begins an update of the cluster: EKS does one at a time.
fn before(draft: &PlanDraft) -> Vec<StepId> {
    let mut updates = draft.steps().iter().filter(|step| {
        let kind = step.address.kind();
        kind == IdentityProviderKind::NAME
            || kind == addresses::authentication_mode("", AuthenticationMode::Api).kind()
    });
    updates
        .next_back()
        .map(|step| step.id.clone())
        .into_iter()
        .collect()
}

fn create(
    provider: &IdentityProvider,
    going: Option<&IdentityProviderConfig>,
    live: &Live,
    draft: &mut PlanDraft,
) {
    let reason = match going {
        None => Reason::new("missing", "it does not exist"),
        Some(_) => Reason::new("deleting", "EKS is still deleting the one of this name"),
    };
    let depends_on = before(draft);
    let (step, marked) = associate(&provider.config, depends_on, live, draft);
    let mut attributes = differences(None, Some(&provider.config));
    attributes.extend(tag_changes(&BTreeMap::new(), &marked.tags));
    if let Some(first) = attributes.first_mut() {
        first.effect = Some(Effect::Broader);
    }
    let notes = vec![
        "Whoever has a token of the issuer gets in; what they may do is for RBAC to say.".to_owned(),
        "EKS takes minutes for it, and changes one identity provider at a time.".to_owned(),
    ];
    add(
        &provider.config,
        Action::Create,
        reason,
        attributes,
        vec![step],
        (going, provider.location.clone()),
        notes,
        draft,
    );
}

/// Adds the step that makes it, with the tags that say who did.
fn associate(
    wanted: &IdentityProviderConfig,
    depends_on: Vec<StepId>,
    live: &Live,
    draft: &mut PlanDraft,
) -> (StepId, IdentityProviderConfig) {
    let mut config = wanted.clone();
    config.tags.extend([
        (tags::CLUSTER_NAME.to_owned(), live.cluster.name.clone()),
        (tags::TOOL_VERSION_NAME.to_owned(), tags::TOOL_VERSION.to_owned()),
    ]);
    let operation = Operation::Associate {
        cluster: live.cluster.name.clone(),
        config: config.clone(),
    };
    let title = format!("associate identity provider {}", wanted.name);
    let address = address_of(&wanted.name);
    let step = draft.add_step(&address, "associate", title, depends_on, &operation);
    (step, config)
}

fn compare(
    provider: &IdentityProvider,
    existing: &IdentityProviderConfig,
    live: &Live,
    draft: &mut PlanDraft,
) {
    let wanted = &provider.config;
    let address = address_of(&wanted.name);
    let attributes = judged(existing, wanted);
    let tags = tags_to_set(existing, wanted);
    let source = (Some(existing), provider.location.clone());
    if !attributes.is_empty() {
        let out = disassociate(existing, before(draft), live, draft);
        let (back, _) = associate(wanted, vec![out.clone()], live, draft);
        draft.add_finding(
            Finding::new(
                Severity::Warning,
                Code::IdentityProviderReplaced,
                format!(
                    "EKS changes no identity provider in place: {} is deleted and made again, and its users are out for \
                     the minutes in between",
                    wanted.name
                ),
            )
            .about(&address)
            .at(provider.location.as_ref()),
        );
        let reason = Reason::new("identity-provider-differs", "EKS changes none of this in place");
        add(
            wanted,
            Action::Replace,
            reason,
            attributes,
            vec![out, back],
            source,
            Vec::new(),
            draft,
        );
    } else if !tags.is_empty() {
        let operation = Operation::Tag {
            arn: existing.arn.clone(),
            tags: tags.clone(),
        };
        let title = format!("tag identity provider {}", wanted.name);
        let step = draft.add_step(&address, "tag", title, Vec::new(), &operation);
        let attributes = tag_changes(&existing.tags, &tags);
        let reason = Reason::new("tags-differ", "its tags differ");
        add(
            wanted,
            Action::Update,
            reason,
            attributes,
            vec![step],
            source,
            Vec::new(),
            draft,
        );
    } else {
        draft.add_unchanged(address);
    }
}

fn disassociate(
    existing: &IdentityProviderConfig,
    depends_on: Vec<StepId>,
    live: &Live,
    draft: &mut PlanDraft,
) -> StepId {
    let operation = Operation::Disassociate {
        cluster: live.cluster.name.clone(),
        seen: existing.clone(),
    };
    let title = format!("disassociate identity provider {}", existing.name);
    let address = address_of(&existing.name);
    draft.add_step(&address, "disassociate", title, depends_on, &operation)
}

fn remove(existing: &IdentityProviderConfig, reason: Reason, live: &Live, draft: &mut PlanDraft) {
    // What gives access comes before what takes it.
    let mut depends_on: BTreeSet<StepId> = before(draft).into_iter().collect();
    depends_on.extend(steps_about_access(draft));
    let step = disassociate(existing, depends_on.into_iter().collect(), live, draft);
    let mut attributes = differences(Some(existing), None);
    if let Some(first) = attributes.first_mut() {
        first.effect = Some(Effect::Narrower);
    }
    let notes = vec!["Its users no longer get in.".to_owned()];
    let source = (Some(existing), None);
    add(
        existing,
        Action::Delete,
        reason,
        attributes,
        vec![step],
        source,
        notes,
        draft,
    );
}

fn tag_changes(before: &BTreeMap<String, String>, tags: &BTreeMap<String, String>) -> Vec<AttributeChange> {
    tags.iter()
        .map(|(key, value)| {
            let now = before.get(key).map(|value| json!(value));
            AttributeChange::plain(format!("tag {key}"), now, Some(json!(value)))
        })
        .collect()
}

#[expect(clippy::too_many_arguments, reason = "each is a part of the change")]
fn add(
    config: &IdentityProviderConfig,
    action: Action,
    reason: Reason,
    attributes: Vec<AttributeChange>,
    steps: Vec<StepId>,
    (read, source): (Option<&IdentityProviderConfig>, Option<SourceLocation>),
    notes: Vec<String>,
    draft: &mut PlanDraft,
) {
    draft.add_change(Change {
        address: address_of(&config.name),
        action,
        reasons: vec![reason],
        source,
        attributes,
        depends_on: Vec::new(),
        steps,
        origin: None,
        fingerprint: fingerprint(&read),
        effect: Effect::Equal,
        notes,
    });
}
