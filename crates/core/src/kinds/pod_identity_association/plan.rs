//! What is done about associations that shall be there: made, updated, adopted.

use std::collections::BTreeMap;

use eksact_message::code::Code;
use serde_json::json;

use super::{
    Declared, is_ours,
    operation::{Given, Operation, Session, document, same_policy},
    role, wanted_tags,
};
use crate::{
    engine::{
        Action, Address, AttributeChange, Change, Deferred, Effect, Finding, PlanDraft, Reason, Severity,
        StepId, plan::fingerprint,
    },
    kinds::{
        Request,
        access_effect::{document_change, effect_of},
        pod_identity::wanted,
    },
    live::{
        Live,
        addresses::{self, ARN},
    },
    ports::{CallError, aws::PodIdentityAssociation},
};
use eksact_identity::{cloudformation::tags, iam::policy};

/// Adds the difference of every association that shall be there.
pub(super) fn plan(request: &Request, live: &Live, draft: &mut PlanDraft) {
    if let Some(Err(error)) = live.pod_identity_associations() {
        let finding = Finding::new(
            Severity::Error,
            Code::PodIdentityUnreadable,
            format!("the pod identity associations of the cluster could not be read: {error}"),
        );
        draft.add_finding(finding.with_help_for(error));
        return;
    }
    for declared in wanted(request) {
        Subject {
            request,
            live,
            declared,
            address: addresses::pod_identity_association(&declared.key()),
        }
        .plan(draft);
    }
}

struct Subject<'plan> {
    request: &'plan Request,
    live: &'plan Live,
    declared: &'plan Declared,
    address: Address,
}

impl Subject<'_> {
    fn plan(&self, draft: &mut PlanDraft) {
        let existing = match self.live.pod_identity_association(&self.declared.key()) {
            Some(Ok(existing)) => existing,
            Some(Err(error)) => {
                draft.add_finding(unreadable(&self.address, &error).at(self.declared.location.as_ref()));
                return;
            }
            None => return,
        };
        if let Some(owned) = existing.and_then(|existing| owned(self.live, &self.address, existing)) {
            draft.add_finding(owned.at(self.declared.location.as_ref()));
            return;
        }
        let role_arn = match &self.declared.role_arn {
            Some(arn) => {
                if let Some(finding) = role::not_of_account(self.live, arn) {
                    draft.add_finding(finding.about(&self.address));
                    return;
                }
                // Of one that is missing the review says so.
                let is_given = existing.is_some_and(|existing| existing.role_arn == arn.value);
                if !is_given && role::is_missing(self.request, self.live, &arn.value, draft) {
                    return;
                }
                Deferred::Known(arn.value.clone())
            }
            // Where there will be no role, the role's own finding says why.
            None => match draft.outcome(addresses::pod_identity_role(&self.declared.key()), ARN) {
                Some(arn) => arn.clone(),
                None => return,
            },
        };
        match existing {
            None => self.plan_creation(&role_arn, draft),
            Some(existing) => self.plan_update(&role_arn, existing, draft),
        }
    }

    fn session(&self) -> Session {
        let text =
            |value: &Option<crate::config::Located<String>>| value.as_ref().map(|value| value.value.clone());
        Session {
            target_role_arn: text(&self.declared.target_role_arn),
            disable_session_tags: self.declared.disables_session_tags(),
            policy: text(&self.declared.policy),
        }
    }

    /// The step of the role that must be done before the association names it.
    fn after_role(&self, draft: &PlanDraft) -> (Vec<StepId>, Vec<Address>) {
        let role = addresses::pod_identity_role(&self.declared.key());
        let step = draft
            .last_step_of(&role)
            .filter(|_| self.declared.role_arn.is_none());
        let depends_on = step.iter().map(|_| role.clone()).collect();
        (step.into_iter().collect(), depends_on)
    }

    fn plan_creation(&self, role_arn: &Deferred<String>, draft: &mut PlanDraft) {
        let (after, depends_on) = self.after_role(draft);
        let session = self.session();
        let tags = wanted_tags(self.request, self.live, self.declared);
        let mut attributes = vec![of_role(None, role_arn)];
        if let Some(target) = &session.target_role_arn {
            let change = AttributeChange::plain("target role", None, Some(json!(target)));
            attributes.push(change.with_effect(Effect::Broader));
        }
        if session.disable_session_tags {
            attributes.push(AttributeChange::plain(
                "session tags",
                None,
                Some(json!("disabled")),
            ));
        }
        attributes.extend(of_policy(None, session.policy.as_deref()));
        attributes.extend(of_tags(&BTreeMap::new(), &tags));
        let operation = Operation::Create {
            cluster: self.live.cluster.name.clone(),
            namespace: self.declared.namespace.clone(),
            service_account: self.declared.service_account.clone(),
            client_request_token: self.token(&(role_arn, &session, &tags)),
            role_arn: role_arn.clone(),
            session,
            tags,
        };
        let title = format!("associate a role with service account {}", self.declared.key());
        let step = draft.add_step(&self.address, "create", title, after, &operation);
        // Pods prefer the association, and must not have the role of the annotation until it is there.
        let key = self.declared.key();
        if self.request.in_kubernetes().any(|account| account.key() == key) {
            draft.order(self.address.clone(), addresses::service_account(&key));
        }
        let reasons = vec![Reason::new("missing", "it does not exist")];
        let mut change = self.change(Action::Create, reasons, attributes, vec![step], None);
        change.depends_on = depends_on;
        self.tell_of_target(role_arn, draft);
        draft.add_change(change);
    }

    fn plan_update(
        &self,
        role_arn: &Deferred<String>,
        existing: &PodIdentityAssociation,
        draft: &mut PlanDraft,
    ) {
        let before = Given::of(existing);
        let session = self.session();
        let mut attributes = Vec::new();
        let mut steps = Vec::new();
        let (mut after, mut depends_on) = (Vec::new(), Vec::new());
        let has_other_role = role_arn.known() != Some(&before.role_arn);
        if has_other_role || !session.is_same(&before.session) {
            (after, depends_on) = self.after_role(draft);
            if has_other_role {
                attributes.push(of_role(Some(&before.role_arn), role_arn));
            }
            attributes.extend(of_session(&before.session, &session));
            let operation = Operation::Update {
                cluster: self.live.cluster.name.clone(),
                id: existing.id.clone(),
                client_request_token: self.token(&(&before, role_arn, &session)),
                before,
                role_arn: role_arn.clone(),
                session,
            };
            let title = format!(
                "update the association of service account {}",
                self.declared.key()
            );
            steps.push(draft.add_step(&self.address, "update", title, after.clone(), &operation));
        }
        let tags = wanted_tags(self.request, self.live, self.declared);
        let missing: BTreeMap<String, String> = tags
            .iter()
            .filter(|(key, value)| *key != tags::TOOL_VERSION_NAME && existing.tags.get(*key) != Some(*value))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        let gives_the_same = steps.is_empty();
        if !missing.is_empty() {
            attributes.extend(of_tags(&existing.tags, &missing));
            let operation = Operation::Tag {
                arn: existing.arn.clone(),
                tags,
            };
            let title = format!("tag the association of service account {}", self.declared.key());
            let after = steps.last().cloned().into_iter().chain(after).collect();
            steps.push(draft.add_step(&self.address, "tag", title, after, &operation));
        }
        if steps.is_empty() {
            draft.add_unchanged(self.address.clone());
            return;
        }
        let is_ours = is_ours(self.live, existing);
        let (action, reason) = match (is_ours, gives_the_same) {
            (false, true) => (
                Action::Adopt,
                Reason::new(
                    "adopted",
                    "the file has it, and neither eksctl nor eksact made it",
                ),
            ),
            (false, false) => (
                Action::Update,
                Reason::new(
                    "differs",
                    "it differs from the desired state; neither eksctl nor eksact made it",
                ),
            ),
            (true, _) => (
                Action::Update,
                Reason::new("differs", "it differs from the desired state"),
            ),
        };
        let mut change = self.change(action, vec![reason], attributes, steps, Some(existing));
        change.depends_on = depends_on;
        if !gives_the_same {
            change.notes.push(
                "Pods that run keep the credentials that they have for up to 6 hours; new pods get the new ones."
                    .to_owned(),
            );
            self.tell_of_target(role_arn, draft);
        }
        draft.add_change(change);
    }

    fn tell_of_target(&self, role_arn: &Deferred<String>, draft: &mut PlanDraft) {
        if let Some(finding) = role::target_trust(self.live, self.declared, role_arn.known()) {
            draft.add_finding(finding);
        }
    }

    /// The same for the same write of the same run.
    fn token(&self, write: &impl serde::Serialize) -> String {
        let digest = fingerprint(&(&self.address, write, &self.request.settings.nonce));
        format!("eksact-{}", digest.get(..32).unwrap_or(&digest))
    }

    fn change(
        &self,
        action: Action,
        reasons: Vec<Reason>,
        attributes: Vec<AttributeChange>,
        steps: Vec<StepId>,
        read: Option<&PodIdentityAssociation>,
    ) -> Change {
        Change {
            address: self.address.clone(),
            action,
            reasons,
            source: self.declared.location.clone(),
            attributes,
            depends_on: Vec::new(),
            steps,
            origin: None,
            fingerprint: fingerprint(&read),
            effect: Effect::Equal,
            notes: Vec::new(),
        }
    }
}

/// That an association belongs to an add-on, which would change it back.
pub(super) fn owned(live: &Live, address: &Address, association: &PodIdentityAssociation) -> Option<Finding> {
    let owner = association.owner()?;
    let finding = Finding::new(
        Severity::Error,
        Code::PodIdentityOwned,
        format!(
            "the association of service account {}/{} belongs to the add-on {owner}, which alone changes it",
            association.namespace, association.service_account
        ),
    );
    Some(finding.about(address).with_help(remedy!(
        "Change it with the add-on (`aws eks update-addon --region {} --cluster-name {} --addon-name {owner} \
         --pod-identity-associations …`, which takes the whole list), and take it out of `iam.podIdentityAssociations`.",
        live.region,
        live.cluster.name
    )))
}

/// That an association could not be read.
pub(super) fn unreadable(address: &Address, error: &CallError) -> Finding {
    Finding::new(Severity::Error, Code::PodIdentityUnreadable, error.to_string())
        .about(address)
        .with_help_for(error)
}

fn of_role(before: Option<&String>, after: &Deferred<String>) -> AttributeChange {
    let effect = if before.is_some() {
        Effect::Incomparable
    } else {
        Effect::Broader
    };
    let before = before.map(|arn| json!(arn));
    match after {
        Deferred::Known(arn) => AttributeChange::plain("role", before, Some(json!(arn))),
        Deferred::Unknown { unknown } => AttributeChange::deferred("role", before, unknown.clone()),
    }
    .with_effect(effect)
}

fn of_session(before: &Session, after: &Session) -> Vec<AttributeChange> {
    let mut attributes = Vec::new();
    if before.target_role_arn != after.target_role_arn {
        let arn = |arn: &Option<String>| arn.as_ref().map(|arn| json!(arn));
        let change = AttributeChange::plain(
            "target role",
            arn(&before.target_role_arn),
            arn(&after.target_role_arn),
        );
        attributes.push(change.with_effect(Effect::Incomparable));
    }
    if before.disable_session_tags != after.disable_session_tags {
        let word = |disabled| Some(json!(if disabled { "disabled" } else { "enabled" }));
        attributes.push(AttributeChange::plain(
            "session tags",
            word(before.disable_session_tags),
            word(after.disable_session_tags),
        ));
    }
    if !same_policy(before.policy.as_deref(), after.policy.as_deref()) {
        attributes.extend(of_policy(before.policy.as_deref(), after.policy.as_deref()));
    }
    attributes
}

/// The policy only takes away: with one the pods may do less than without.
fn of_policy(before: Option<&str>, after: Option<&str>) -> Option<AttributeChange> {
    let (before, after) = (before.map(document), after.map(document));
    let effect = match (&before, &after) {
        (None, None) => return None,
        (None, Some(_)) => Effect::Narrower,
        (Some(_), None) => Effect::Broader,
        (Some(_), Some(_)) => effect_of(policy::difference(before.as_ref(), after.as_ref()).access),
    };
    let mut change = document_change("session policy", before.as_ref(), after.as_ref());
    for line in &mut change.differences {
        line.effect = None;
    }
    Some(change.with_effect(effect))
}

/// The tags that people gave; the marks go without saying, but for those of an association that is taken over.
fn of_tags(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<AttributeChange> {
    let is_shown = |key: &str| !before.is_empty() || !tags::is_mark(key);
    after
        .iter()
        .filter(|(key, _)| is_shown(key))
        .map(|(key, value)| {
            let before = before.get(key).map(|value| json!(value));
            AttributeChange::plain(format!("tag {key}"), before, Some(json!(value)))
        })
        .collect()
}
