//! How associations go: asked for by name, or pruned because the file no longer has them. Those of add-ons stay, and pruning
//! takes only what eksctl or eksact made.

use eksact_message::code::Code;
use serde_json::json;

use super::{
    is_ours,
    operation::{Given, Operation},
    plan::{owned, unreadable},
};
use crate::{
    engine::{
        Action, AttributeChange, Change, Effect, Finding, PlanDraft, Reason, Severity, plan::fingerprint,
    },
    kinds::{
        Request,
        pod_identity::{deleted, is_pruned, wanted},
        revocation::{after_other_way, held_back},
    },
    live::{Live, addresses},
    ports::aws::PodIdentityAssociation,
};
use eksact_identity::service_account::ServiceAccountKey;

/// Adds the removal of every association that shall go.
pub(super) fn plan(request: &Request, live: &Live, draft: &mut PlanDraft) {
    let Some(Ok(listed)) = live.pod_identity_associations() else {
        return;
    };
    for key in deleted(request) {
        let address = addresses::pod_identity_association(key);
        match live.pod_identity_association(key) {
            Some(Ok(Some(association))) => match owned(live, &address, association) {
                Some(finding) => draft.add_finding(finding),
                None => add(live, key, association, true, draft),
            },
            Some(Err(error)) => draft.add_finding(unreadable(&address, &error)),
            Some(Ok(None)) | None => draft.add_finding(
                Finding::new(
                    Severity::Note,
                    Code::NothingToDelete,
                    format!("the service account {key} has no pod identity association"),
                )
                .about(&address),
            ),
        }
    }
    if !is_pruned(request) {
        return;
    }
    let mut keys: Vec<&ServiceAccountKey> = listed.keys().collect();
    keys.sort_unstable();
    let is_blocked = draft.findings().iter().any(|finding| {
        finding.severity == Severity::Error
            && finding
                .address
                .as_ref()
                .is_none_or(|address| address.kind().starts_with("pod-identity"))
    });
    for key in keys {
        let is_wanted = wanted(request).iter().any(|declared| declared.is_of(key));
        if is_wanted || deleted(request).any(|deleted| deleted == key) {
            continue;
        }
        let address = addresses::pod_identity_association(key);
        match live.pod_identity_association(key) {
            Some(Ok(Some(association))) if association.owner_arn.is_none() && is_ours(live, association) => {
                if is_blocked {
                    draft.add_finding(held_back(&address, &format!("the association of {key} stays")));
                } else {
                    add(live, key, association, false, draft);
                }
            }
            Some(Err(error)) => draft.add_finding(unreadable(&address, &error)),
            _ => {}
        }
    }
}

fn add(
    live: &Live,
    key: &ServiceAccountKey,
    association: &PodIdentityAssociation,
    is_requested: bool,
    draft: &mut PlanDraft,
) {
    let address = addresses::pod_identity_association(key);
    let operation = Operation::Delete {
        cluster: live.cluster.name.clone(),
        id: association.id.clone(),
        before: Given::of(association),
    };
    let title = format!("delete the association of service account {key}");
    let step = draft.add_step(&address, "delete", title, Vec::new(), &operation);
    let mut attributes = vec![
        AttributeChange::plain("role", Some(json!(association.role_arn)), None).with_effect(Effect::Narrower),
    ];
    attributes.extend(
        association
            .target_role_arn
            .as_ref()
            .map(|arn| AttributeChange::plain("target role", Some(json!(arn)), None)),
    );
    let mut notes = vec![
        "Pods that run keep the credentials that they have for up to 6 hours; new pods get none.".to_owned(),
    ];
    if !is_ours(live, association) {
        notes.push("Neither eksctl nor eksact made it.".to_owned());
    }
    after_other_way(addresses::service_account(key), address.clone(), draft);
    draft.add_change(Change {
        address,
        action: Action::Delete,
        reasons: vec![if is_requested {
            Reason::new("requested", "it was requested")
        } else {
            Reason::new("pruned", "the file no longer has it")
        }],
        source: None,
        attributes,
        depends_on: Vec::new(),
        steps: vec![step],
        origin: None,
        fingerprint: fingerprint(&association),
        effect: Effect::Equal,
        notes,
    });
}
