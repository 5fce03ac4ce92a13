//! How service accounts go: asked for by name, or pruned because the file no longer has them. Only ours are deleted; of
//! somebody else's no more than the annotation goes.

use eksact_identity::service_account::ServiceAccountKey;
use eksact_message::code::Code;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::operation::Operation;
use crate::{
    engine::{
        Action, AttributeChange, Change, Effect, Finding, PlanDraft, Reason, Severity, plan::fingerprint,
    },
    guard::Guard,
    kinds::{Request, revocation::after_other_way},
    live::{
        Live, Ownership, ROLE_ANNOTATION, Unreadable, addresses, other_owner, ownership, service_account_of,
        unreadable,
    },
    ports::kubernetes::ServiceAccount,
};

/// Adds the removal of every service account that shall go.
pub(super) fn plan(request: &Request, live: &Live, draft: &mut PlanDraft) {
    let scope = request.service_account_scope();
    if request.prunes_service_accounts()
        && let Some(Err(error)) = live.all_service_accounts()
    {
        let message = format!(
            "what the file no longer has is kept, because the service accounts could not be read: {error}"
        );
        let finding = match unreadable(error) {
            Unreadable::Cluster => Guard::KubernetesUnreachable.refusal(message),
            Unreadable::Object => Finding::new(Severity::Error, Code::ServiceAccountsUnreadable, message),
        };
        draft.add_finding(finding.with_help_for(error));
    }
    let with_stack: BTreeSet<ServiceAccountKey> = live
        .known_stacks()
        .iter()
        .filter_map(service_account_of)
        .collect();
    let mut candidates: BTreeMap<ServiceAccountKey, &ServiceAccount> = BTreeMap::new();
    if let (true, Some(Ok(all))) = (request.prunes_service_accounts(), live.all_service_accounts()) {
        candidates.extend(all.iter().filter_map(|account| {
            let key = ServiceAccountKey::new(&account.namespace, &account.name);
            let ours = with_stack.contains(&key)
                || (request.prunes_attached() && account.annotations.contains_key(ROLE_ANNOTATION));
            (request.is_to_go(&key) && ours).then_some((key, account))
        }));
    }
    for key in scope.delete.difference(&scope.delete_role_only) {
        match live.service_account(key) {
            Some(Ok(Some(account))) => {
                candidates.insert(key.clone(), account);
            }
            Some(Err(error)) if unreadable(error) == Unreadable::Object => {
                let finding =
                    Finding::new(Severity::Error, Code::ServiceAccountUnreadable, error.to_string())
                        .about(&addresses::service_account(key));
                draft.add_finding(finding.with_help_for(error));
            }
            Some(Ok(None)) if !with_stack.contains(key) && matches!(live.stacks(), Some(Ok(_))) => draft
                .add_finding(
                    Finding::new(
                        Severity::Note,
                        Code::NothingToDelete,
                        format!("there is neither a service account {key} nor a stack of its role"),
                    )
                    .about(&addresses::service_account(key))
                    .with_help(remedy!(
                        "`eksact get iamserviceaccount --cluster {} --region {}` lists what is there.",
                        live.cluster.name,
                        live.region
                    )),
                ),
            _ => {}
        }
    }
    for key in &scope.forget_role {
        match live.service_account(key) {
            Some(Ok(Some(account))) => forget(key, account, draft),
            Some(Err(error)) => {
                let finding =
                    Finding::new(Severity::Error, Code::ServiceAccountUnreadable, error.to_string())
                        .about(&addresses::service_account(key));
                draft.add_finding(finding.with_help_for(error));
            }
            Some(Ok(None)) | None => {}
        }
    }
    for (key, account) in candidates {
        if live.removal_blocked(&key) {
            continue;
        }
        plan_one(request, &key, account, draft);
    }
}

/// Takes the annotation off, and nothing else.
fn forget(key: &ServiceAccountKey, account: &ServiceAccount, draft: &mut PlanDraft) {
    let Some(arn) = account.annotations.get(ROLE_ANNOTATION) else {
        return;
    };
    let address = addresses::service_account(key);
    let step = draft.add_step(
        &address,
        "remove-annotation",
        format!("remove the role annotation of service account {key}"),
        Vec::new(),
        &remove_annotation(account, arn),
    );
    after_other_way(addresses::pod_identity_association(key), address.clone(), draft);
    draft.add_change(Change {
        address,
        action: Action::Update,
        reasons: vec![Reason::new("requested", "it was requested")],
        source: None,
        attributes: vec![AttributeChange::plain(
            format!("annotation {ROLE_ANNOTATION}"),
            Some(json!(arn)),
            None,
        )],
        depends_on: Vec::new(),
        steps: vec![step],
        origin: None,
        fingerprint: fingerprint(&Some(account)),
        effect: Effect::Equal,
        notes: Vec::new(),
    });
}

fn remove_annotation(account: &ServiceAccount, arn: &str) -> Operation {
    Operation::RemoveAnnotation {
        namespace: account.namespace.clone(),
        name: account.name.clone(),
        uid: account.uid.clone(),
        resource_version: account.resource_version.clone(),
        role_arn: arn.to_owned(),
    }
}

fn plan_one(request: &Request, key: &ServiceAccountKey, account: &ServiceAccount, draft: &mut PlanDraft) {
    let address = addresses::service_account(key);
    let whose = ownership(account);
    let other = other_owner(account);
    after_other_way(addresses::pod_identity_association(key), address.clone(), draft);
    let is_named = request.service_account_scope().delete.contains(key);
    let reason = if is_named {
        Reason::new("requested", "it was requested")
    } else {
        Reason::new("pruned", "the file no longer has it")
    };
    let mut change = Change {
        address: address.clone(),
        action: Action::Delete,
        reasons: vec![reason],
        source: None,
        attributes: Vec::new(),
        depends_on: Vec::new(),
        steps: Vec::new(),
        origin: None,
        fingerprint: fingerprint(&Some(account)),
        effect: Effect::Equal,
        notes: Vec::new(),
    };
    if whose == Ownership::Ours && other.is_none() {
        let operation = Operation::Delete {
            namespace: key.namespace.clone(),
            name: key.name.clone(),
            uid: account.uid.clone(),
            resource_version: account.resource_version.clone(),
            role_arn: account.annotations.get(ROLE_ANNOTATION).cloned(),
            labels: account.labels.clone(),
            annotations: account.annotations.clone(),
        };
        let title = format!("delete service account {key}");
        change.steps = vec![draft.add_step(&address, "delete", title, Vec::new(), &operation)];
        change
            .attributes
            .extend(account.annotations.get(ROLE_ANNOTATION).map(|arn| {
                AttributeChange::plain(format!("annotation {ROLE_ANNOTATION}"), Some(json!(arn)), None)
            }));
        draft.add_change(change);
        return;
    }
    let Some(arn) = account
        .annotations
        .get(ROLE_ANNOTATION)
        .filter(|_| whose != Ownership::Foreign)
    else {
        // Somebody else's, whose annotation is none of ours to take.
        if is_named {
            draft.add_finding(
                Finding::new(
                    Severity::Note,
                    Code::NotOurs,
                    format!(
                        "the service account {key} is kept: neither eksctl nor eksact made it or gave it a \
                         role"
                    ),
                )
                .about(&address),
            );
        }
        return;
    };
    change.action = Action::Forget;
    change.attributes = vec![AttributeChange::plain(
        format!("annotation {ROLE_ANNOTATION}"),
        Some(json!(arn)),
        None,
    )];
    change.notes.push(match other {
        Some(owner) => format!(
            "The service account belongs to {owner} and is kept; only the annotation is \
             removed."
        ),
        None => "The service account is not eksact's and is kept; only the annotation is removed.".to_owned(),
    });
    let operation = remove_annotation(account, arn);
    let title = format!("remove the role annotation of service account {key}");
    change.steps = vec![draft.add_step(&address, "remove-annotation", title, Vec::new(), &operation)];
    draft.add_change(change);
}
