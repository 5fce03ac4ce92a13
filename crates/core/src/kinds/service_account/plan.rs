//! What is done about service accounts that shall be there.

use eksact_identity::service_account::ServiceAccountKey;
use eksact_message::code::Code;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::operation::Operation;
use crate::{
    config,
    engine::{
        Action, Address, AttributeChange, Change, Deferred, Effect, Finding, Origin, PlanDraft, Reason,
        Severity, StepId, Unknown, plan::fingerprint,
    },
    guard::Guard,
    kinds::{
        Request,
        role_arn::role_arn_after,
        runner::{wait_until_gone, way_to},
        standing::{Standing, standing},
    },
    live::{
        Live, MANAGED_BY, MANAGED_BY_LABEL, Ownership, ROLE_ANNOTATION, ServiceAccountByKey, Unreadable,
        addresses, other_owner, ownership, unreadable,
    },
    ports::{
        CallError, CallErrorKind,
        kubernetes::{FIELD_MANAGER, ServiceAccount},
    },
};
use eksact_message::remedy::Remedy;

/// Adds the difference of every service account that shall be there.
pub(super) fn plan(request: &Request, live: &Live, draft: &mut PlanDraft) {
    let mut unreachable = 0;
    for account in request.in_kubernetes() {
        let key = account.key();
        let address = addresses::service_account(&key);
        match standing(request, live, account) {
            Standing::Free => plan_one(request, live, account, &address, draft),
            Standing::Refused(owner) => draft.add_finding(refusal(account, &address, owner)),
            Standing::Unknown(Unreadable::Cluster) => unreachable += 1,
            Standing::Unknown(Unreadable::Object) => {
                let Some(Err(error)) = live.service_account(&key) else {
                    continue;
                };
                let finding =
                    Finding::new(Severity::Error, Code::ServiceAccountUnreadable, error.to_string())
                        .about(&address)
                        .at(account.location.as_ref());
                draft.add_finding(finding.with_help_for(error));
            }
        }
    }
    let of_cluster = |key: &ServiceAccountKey| matches!(live.service_account(key), Some(Err(error)) if unreadable(error) == Unreadable::Cluster);
    unreachable += request
        .service_account_scope()
        .delete
        .iter()
        .filter(|key| of_cluster(key))
        .count();
    if unreachable > 0 {
        let failures = live
            .each::<ServiceAccountByKey>()
            .filter_map(|(_, found)| found.as_ref().err());
        let cause = failures
            .into_iter()
            .find(|error| unreadable(error) == Unreadable::Cluster);
        draft.add_finding(
            Guard::KubernetesUnreachable
                .refusal(format!(
                    "the Kubernetes API of the cluster could not be read, and {} it: {}",
                    if unreachable == 1 {
                        "1 service account needs".to_owned()
                    } else {
                        format!("{unreachable} service accounts need")
                    },
                    cause.map(ToString::to_string).unwrap_or_default()
                ))
                .with_help(way_in(cause, live)),
        );
    }
}

/// How to get to the cluster, or to do without it.
fn way_in(cause: Option<&CallError>, live: &Live) -> Remedy {
    let way_in = cause
        .filter(|error| error.kind == CallErrorKind::Credentials)
        .and_then(CallError::help)
        .unwrap_or_else(|| way_to(&live.cluster));
    way_in.and(&remedy!(
        "`roleOnly: true` leaves Kubernetes out; --allow {} makes the roles now and the service accounts on a later run.",
        Guard::KubernetesUnreachable.code()
    ))
}

fn refusal(account: &config::ServiceAccount, address: &Address, owner: Option<&'static str>) -> Finding {
    let whose = match owner {
        Some(owner) => format!("it is marked as {owner}'s"),
        None => "neither eksctl nor eksact made it".to_owned(),
    };
    Finding::new(
        Severity::Error,
        Code::ServiceAccountNotManaged,
        format!("the service account {} exists, and {whose}", account.qualified_name()),
    )
    .about(address)
    .at(account.location.as_ref())
    .with_help(
        remedy!("Pass --override-existing-serviceaccounts to annotate it without taking it over, or set `roleOnly: true` and let \
         its owner write the annotation."),
    )
}

/// Labels and annotations that the account shall have.
struct Wanted {
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, Deferred<String>>,
}

fn wanted(account: &config::ServiceAccount, arn: Deferred<String>, marked: bool) -> Wanted {
    let mut labels = account.labels.clone();
    if marked {
        labels.insert(MANAGED_BY_LABEL.to_owned(), MANAGED_BY.to_owned());
    }
    let mut annotations: BTreeMap<String, Deferred<String>> = account
        .annotations
        .iter()
        .map(|(key, value)| (key.clone(), Deferred::Known(value.clone())))
        .collect();
    annotations.insert(ROLE_ANNOTATION.to_owned(), arn);
    Wanted { labels, annotations }
}

fn plan_one(
    request: &Request,
    live: &Live,
    account: &config::ServiceAccount,
    address: &Address,
    draft: &mut PlanDraft,
) {
    let key = account.key();
    if live
        .namespace(&account.namespace)
        .is_some_and(|namespace| matches!(namespace, Ok(Some(namespace)) if namespace.terminating))
    {
        return;
    }
    // Where there is no role, the role's own finding says why.
    let Some(arn) = role_arn_after(account, draft) else {
        return;
    };
    let existing = match live.service_account(&key) {
        Some(Ok(existing)) => existing.as_ref(),
        _ => return,
    };
    let mut depends_on = Vec::new();
    let role_address = addresses::iam_role(&key);
    // Only a change that can alter the ARN must come first; a mere update of the role's policies need not, yet a
    // service account is not pointed at a role that failed to become what it should be.
    let mut after: Vec<StepId> = Vec::new();
    // An account with a role of somebody's waits for none of ours; one of ours that is pruned waits for the account.
    let role_address = account.owns_role().then_some(role_address);
    for needed in [addresses::namespace(&account.namespace)]
        .into_iter()
        .chain(role_address)
    {
        if let Some(step) = draft.last_step_of(&needed) {
            after.push(step);
            depends_on.push(needed);
        }
    }
    let subject = Subject {
        account,
        overrides: request.settings.override_existing_service_accounts,
        limited: request.service_account_scope().only.contains_key(&key),
        address,
        arn,
        depends_on,
        after,
    };
    match existing {
        None => subject.plan_creation(draft),
        Some(existing) => subject.plan_update(existing, draft),
    }
}

struct Subject<'plan> {
    account: &'plan config::ServiceAccount,
    overrides: bool,
    limited: bool,
    address: &'plan Address,
    arn: Deferred<String>,
    depends_on: Vec<Address>,
    after: Vec<StepId>,
}

impl Subject<'_> {
    fn change(
        self,
        action: Action,
        reasons: Vec<Reason>,
        attributes: Vec<AttributeChange>,
        step: StepId,
        read: Option<&ServiceAccount>,
    ) -> Change {
        Change {
            address: self.address.clone(),
            action,
            reasons,
            source: self.account.location.clone(),
            attributes,
            depends_on: self.depends_on,
            steps: vec![step],
            origin: None,
            fingerprint: fingerprint(&read),
            effect: Effect::Equal,
            notes: Vec::new(),
        }
    }

    fn plan_creation(self, draft: &mut PlanDraft) {
        let wanted = wanted(self.account, self.arn.clone(), true);
        let mut attributes: Vec<AttributeChange> = wanted
            .annotations
            .iter()
            .map(|(key, value)| annotation(key, None, value))
            .collect();
        attributes.extend(
            wanted
                .labels
                .iter()
                .map(|(key, value)| label(key, None, Some(value))),
        );
        let operation = Operation::Create {
            namespace: self.account.namespace.clone(),
            name: self.account.name.clone(),
            labels: wanted.labels,
            annotations: wanted.annotations,
        };
        let title = format!("create service account {}", self.account.qualified_name());
        let step = draft.add_step(self.address, "create", title, self.after.clone(), &operation);
        let reasons = vec![Reason::new("missing", "it does not exist")];
        draft.add_change(self.change(Action::Create, reasons, attributes, step, None));
    }

    /// An account of ours is annotated with the ARN of its own role, which lasts as long as the role.
    fn origin(&self, existing: &ServiceAccount, draft: &PlanDraft) -> Option<Origin> {
        let role = draft.change(&addresses::iam_role(&self.account.key()));
        let annotated = existing.annotations.get(ROLE_ANNOTATION)?;
        (ownership(existing) == Ownership::Ours
            && self.account.owns_role()
            && role.is_none_or(|role| role.action == Action::Update)
            && self.arn.known().is_some_and(|arn| arn != annotated))
        .then_some(Origin::Live)
    }

    fn plan_update(self, existing: &ServiceAccount, draft: &mut PlanDraft) {
        // An object of somebody else's is annotated, not marked: a later removal takes the annotation and no more.
        let wanted = wanted(
            self.account,
            self.arn.clone(),
            ownership(existing) == Ownership::Ours,
        );
        let wanted = if self.limited {
            with_earlier(wanted, existing)
        } else {
            wanted
        };
        let mut attributes = Vec::new();
        for (key, value) in &wanted.annotations {
            let before = existing.annotations.get(key);
            if before.is_none() || value.known() != before {
                attributes.push(with_owner(annotation(key, before, value), existing, key, true));
            }
        }
        for (key, value) in &wanted.labels {
            let before = existing.labels.get(key);
            if before != Some(value) {
                attributes.push(with_owner(label(key, before, Some(value)), existing, key, false));
            }
        }
        let remove_annotations = only_ours(existing, true, |key| wanted.annotations.contains_key(key));
        let remove_labels = only_ours(existing, false, |key| {
            wanted.labels.contains_key(key) || key == MANAGED_BY_LABEL
        });
        attributes.extend(remove_annotations.iter().map(|key| {
            AttributeChange::plain(
                format!("annotation {key}"),
                existing.annotations.get(key).map(|value| json!(value)),
                None,
            )
        }));
        attributes.extend(
            remove_labels
                .iter()
                .map(|key| label(key, existing.labels.get(key), None)),
        );
        if attributes.is_empty() {
            draft.add_unchanged(self.address.clone());
            return;
        }
        if ownership(existing) == Ownership::Foreign && !self.overrides {
            draft.add_finding(refusal(self.account, self.address, other_owner(existing)));
            return;
        }
        if existing.terminating {
            draft.add_finding(
                Finding::new(
                    Severity::Error,
                    Code::ServiceAccountTerminating,
                    format!(
                        "the service account {} is being deleted",
                        self.account.qualified_name()
                    ),
                )
                .about(self.address)
                .at(self.account.location.as_ref())
                .with_help(wait_until_gone()),
            );
            return;
        }
        let before = |live: &BTreeMap<String, String>, keys: &mut dyn Iterator<Item = &String>| {
            keys.map(|key| (key.clone(), live.get(key).cloned()))
                .collect::<BTreeMap<_, _>>()
        };
        let operation = Operation::Apply {
            namespace: self.account.namespace.clone(),
            name: self.account.name.clone(),
            uid: existing.uid.clone(),
            resource_version: existing.resource_version.clone(),
            before_labels: before(&existing.labels, &mut wanted.labels.keys()),
            before_annotations: before(&existing.annotations, &mut wanted.annotations.keys()),
            labels: wanted.labels,
            annotations: wanted.annotations,
            remove_labels,
            remove_annotations,
        };
        let title = format!("update service account {}", self.account.qualified_name());
        let step = draft.add_step(self.address, "apply", title, self.after.clone(), &operation);
        let reason = match ownership(existing) {
            Ownership::Foreign => {
                Reason::new("override", "it is annotated without being taken over, as asked")
            }
            _ if !existing.annotations.contains_key(ROLE_ANNOTATION) => Reason::new(
                "annotation-missing",
                "it is missing the annotation that names its role",
            ),
            _ => Reason::new("differs", "it differs from the desired state"),
        };
        let origin = self.origin(existing, draft);
        let change = self.change(Action::Update, vec![reason], attributes, step, Some(existing));
        draft.add_change(Change { origin, ..change });
    }
}

/// The wanted metadata together with what eksact set earlier: where flags name a part of it, the rest stays, which
/// server-side apply would take away.
fn with_earlier(mut wanted: Wanted, existing: &ServiceAccount) -> Wanted {
    for manager in existing
        .field_managers
        .iter()
        .filter(|manager| manager.manager == FIELD_MANAGER)
    {
        for key in &manager.labels {
            if let Some(value) = existing.labels.get(key) {
                wanted.labels.entry(key.clone()).or_insert_with(|| value.clone());
            }
        }
        for key in &manager.annotations {
            if let Some(value) = existing.annotations.get(key) {
                wanted
                    .annotations
                    .entry(key.clone())
                    .or_insert_with(|| Deferred::Known(value.clone()));
            }
        }
    }
    wanted
}

fn annotation(key: &str, before: Option<&String>, after: &Deferred<String>) -> AttributeChange {
    let name = format!("annotation {key}");
    let effect = effect_of_annotation(key, before.is_some(), after);
    let before = before.map(|value| json!(value));
    let change = match after {
        Deferred::Known(value) => AttributeChange::plain(name, before, Some(json!(value))),
        Deferred::Unknown { unknown } => {
            let Unknown { address, attribute } = unknown.clone();
            AttributeChange::deferred(name, before, Unknown { address, attribute })
        }
    };
    AttributeChange { effect, ..change }
}

/// The annotation that names a role gives the pods all that the role allows. What a role allows that is yet to be made, the change of
/// that role tells.
fn effect_of_annotation(key: &str, has_one: bool, after: &Deferred<String>) -> Option<Effect> {
    match (key == ROLE_ANNOTATION, has_one, after.known()) {
        (true, false, Some(_)) => Some(Effect::Broader),
        (true, true, Some(_)) => Some(Effect::Incomparable),
        _ => None,
    }
}

fn label(key: &str, before: Option<&String>, after: Option<&String>) -> AttributeChange {
    AttributeChange::plain(
        format!("label {key}"),
        before.map(|value| json!(value)),
        after.map(|value| json!(value)),
    )
}

/// Says who else set the value that will be overwritten: server-side apply is forced.
fn with_owner(
    change: AttributeChange,
    existing: &ServiceAccount,
    key: &str,
    annotation: bool,
) -> AttributeChange {
    if change.before.is_none() {
        return change;
    }
    let owners: BTreeSet<&str> = existing
        .field_managers
        .iter()
        .filter(|manager| {
            if annotation {
                manager.annotations.contains(key)
            } else {
                manager.labels.contains(key)
            }
        })
        .map(|manager| manager.manager.as_str())
        .filter(|manager| *manager != FIELD_MANAGER)
        .collect();
    if owners.is_empty() {
        return change;
    }
    let owners: Vec<&str> = owners.into_iter().collect();
    change.with_remark(format!("conflict: set by {}", owners.join(", ")))
}

/// The labels or annotations that eksact set, nobody else claims, and the file no longer has.
pub(super) fn only_ours(
    existing: &ServiceAccount,
    annotations: bool,
    wanted: impl Fn(&str) -> bool,
) -> Vec<String> {
    let keys = |manager: &crate::ports::kubernetes::FieldManager| {
        if annotations {
            manager.annotations.clone()
        } else {
            manager.labels.clone()
        }
    };
    let (ours, others): (Vec<_>, Vec<_>) = existing
        .field_managers
        .iter()
        .partition(|manager| manager.manager == FIELD_MANAGER);
    let claimed: BTreeSet<String> = others.into_iter().flat_map(keys).collect();
    let live = if annotations {
        &existing.annotations
    } else {
        &existing.labels
    };
    ours.into_iter()
        .flat_map(keys)
        .collect::<BTreeSet<String>>()
        .into_iter()
        .filter(|key| !claimed.contains(key) && live.contains_key(key) && !wanted(key))
        .collect()
}
