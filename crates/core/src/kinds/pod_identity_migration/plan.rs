//! What is done about each role, all its accounts in one write: it lets EKS Pod Identity in before an association names it, and lets
//! the tokens of an account go before the account loses its annotation. The annotation goes last, so that it says what is left to do.

use std::collections::{BTreeMap, BTreeSet};

use super::{Scope, operation::Operation};
use crate::{
    engine::{Action, Address, Change, Effect, PlanDraft, Reason, StepId, plan::fingerprint},
    kinds::access_effect::document_change,
    live::{AGENT, Live, addresses},
    migration::pod_identity::Account,
    ports::aws::Role,
};
use eksact_identity::{
    iam::pod_trust::{with_accounts, without_subjects},
    service_account::ServiceAccountKey,
};

/// Adds all of it, once the associations and the annotations that go are planned.
pub(super) fn plan(scope: &Scope, live: &Live, draft: &mut PlanDraft) {
    let agent = draft.last_step_of(&addresses::addon(AGENT));
    let mut by_role: BTreeMap<&str, Vec<&Account>> = BTreeMap::new();
    for account in scope.accounts.iter().filter(|account| account.moves()) {
        by_role.entry(&account.role).or_default().push(account);
    }
    for (name, accounts) in by_role {
        if let Some(Ok(Some(role))) = live.role(name) {
            let subject = Subject {
                scope,
                live,
                role,
                accounts: &accounts,
            };
            subject.plan(agent.as_ref(), draft);
        }
    }
}

struct Subject<'a> {
    scope: &'a Scope,
    live: &'a Live,
    role: &'a Role,
    accounts: &'a [&'a Account],
}

impl Subject<'_> {
    fn plan(&self, agent: Option<&StepId>, draft: &mut PlanDraft) {
        let address = addresses::pod_identity_migration(&self.role.name);
        let mut steps = Vec::new();
        let mut document = self.role.trust_policy.clone();
        let all: BTreeSet<ServiceAccountKey> =
            self.accounts.iter().map(|account| account.key.clone()).collect();
        // The verdicts have tried this: it fails for none of them.
        if let Ok(trusting) = with_accounts(&document, &self.live.cluster.arn, &all)
            && trusting != document
        {
            document = trusting;
            let operation = Operation::Trust {
                role: self.role.name.clone(),
                role_id: self.role.id.clone(),
                cluster_arn: self.live.cluster.arn.clone(),
                accounts: all.clone(),
            };
            let title = format!("let EKS Pod Identity hand out role {}", self.role.name);
            steps.push(draft.add_step(&address, "trust", title, Vec::new(), &operation));
        }
        for association in all.iter().map(addresses::pod_identity_association) {
            for step in steps.iter().chain(agent) {
                wait_for(&association, step, draft);
            }
        }
        self.plan_removal(&address, &mut steps, &mut document, draft);
        if steps.is_empty() {
            return;
        }
        let mut attributes = Vec::new();
        if document != self.role.trust_policy {
            attributes.push(document_change(
                "trust policy",
                Some(&self.role.trust_policy),
                Some(&document),
            ));
        }
        draft.add_change(Change {
            address,
            action: Action::Update,
            reasons: vec![Reason::new(
                "migration",
                "annotations of service accounts are given up for pod identity associations",
            )],
            source: None,
            attributes,
            depends_on: Vec::new(),
            steps,
            origin: None,
            fingerprint: fingerprint(&(&self.role.id, &self.role.trust_policy)),
            effect: Effect::Equal,
            notes: Vec::new(),
        });
    }

    /// The accounts that no pod keeps lose their subject and then their annotation, each once it has its association.
    fn plan_removal(
        &self,
        address: &Address,
        steps: &mut Vec<StepId>,
        document: &mut serde_json::Value,
        draft: &mut PlanDraft,
    ) {
        let free: BTreeSet<ServiceAccountKey> = self
            .accounts
            .iter()
            .filter(|account| self.scope.removes_irsa && account.is_free())
            .map(|account| account.key.clone())
            .collect();
        if free.is_empty() {
            return;
        }
        let mut after = steps.clone();
        after.extend(
            free.iter()
                .filter_map(|key| draft.last_step_of(&addresses::pod_identity_association(key))),
        );
        let operation = Operation::Confirm {
            cluster: self.live.cluster.name.clone(),
            role_arn: self.role.arn.clone(),
            accounts: free.clone(),
        };
        let title = format!(
            "look whether pods still need the annotation with role {}",
            self.role.name
        );
        let mut last = draft.add_step(address, "confirm", title, after, &operation);
        steps.push(last.clone());
        if let (Some(provider_arn), Some(issuer)) = (self.live.provider_arn(), self.live.issuer_host_path())
            && let Ok(left) = without_subjects(document, &provider_arn, &issuer, &free)
            && left != *document
        {
            *document = left;
            let operation = Operation::Untrust {
                role: self.role.name.clone(),
                role_id: self.role.id.clone(),
                provider_arn,
                issuer,
                accounts: free.clone(),
            };
            let title = format!(
                "take tokens of service accounts out of the trust policy of role {}",
                self.role.name
            );
            last = draft.add_step(address, "untrust", title, vec![last], &operation);
            steps.push(last.clone());
        }
        for key in &free {
            wait_for(&addresses::service_account(key), &last, draft);
        }
    }
}

/// Lets the first step of a change wait for this one.
fn wait_for(change: &Address, step: &StepId, draft: &mut PlanDraft) {
    let Some(first) = draft
        .change(change)
        .and_then(|change| change.steps.first().cloned())
    else {
        return;
    };
    for waiting in draft.steps_mut().filter(|waiting| waiting.id == first) {
        waiting.depends_on.push(step.clone());
    }
}
