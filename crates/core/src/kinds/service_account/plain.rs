//! Service accounts that a pod identity association wants made (`createServiceAccount`): a missing one is created, with no
//! annotation, for nothing on it names the role; one that is there is as wanted, whoever made it.

use std::collections::BTreeMap;

use eksact_message::code::Code;
use serde_json::json;

use super::operation::Operation;
use crate::{
    engine::{
        Action, AttributeChange, Change, Effect, Finding, PlanDraft, Reason, Severity, plan::fingerprint,
    },
    kinds::{Request, pod_identity::making_accounts},
    live::{Live, MANAGED_BY, MANAGED_BY_LABEL, addresses},
};

/// Adds the creation of those that are missing.
pub(super) fn plan(request: &Request, live: &Live, draft: &mut PlanDraft) {
    for association in making_accounts(request) {
        let key = association.key();
        let address = addresses::service_account(&key);
        match live.service_account(&key) {
            Some(Ok(Some(_))) => draft.add_unchanged(address),
            Some(Ok(None)) => {
                let needed = addresses::namespace(&key.namespace);
                let after = draft.last_step_of(&needed);
                let operation = Operation::Create {
                    namespace: key.namespace.clone(),
                    name: key.name.clone(),
                    labels: BTreeMap::from([(MANAGED_BY_LABEL.to_owned(), MANAGED_BY.to_owned())]),
                    annotations: BTreeMap::new(),
                };
                let depends_on = after.iter().map(|_| needed.clone()).collect();
                let title = format!("create service account {key}");
                let step = draft.add_step(&address, "create", title, after.into_iter().collect(), &operation);
                let label = format!("label {MANAGED_BY_LABEL}");
                draft.add_change(Change {
                    address,
                    action: Action::Create,
                    reasons: vec![Reason::new("missing", "it does not exist")],
                    source: association.location.clone(),
                    attributes: vec![AttributeChange::plain(label, None, Some(json!(MANAGED_BY)))],
                    depends_on,
                    steps: vec![step],
                    origin: None,
                    fingerprint: fingerprint(&None::<()>),
                    effect: Effect::Equal,
                    notes: Vec::new(),
                });
            }
            Some(Err(error)) => {
                let finding =
                    Finding::new(Severity::Error, Code::ServiceAccountUnreadable, error.to_string())
                        .about(&address)
                        .at(association.location.as_ref());
                draft.add_finding(finding.with_help_for(error));
            }
            None => {}
        }
    }
}
