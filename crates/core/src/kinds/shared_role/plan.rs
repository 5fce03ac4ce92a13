//! What is done about the roles that the files share: this cluster's statement is added, changed, or left as it is.

use eksact_message::code::Code;
use serde_json::Value;

use super::{Operation, edited, is_same, sid, wanted};
use crate::{
    config::cluster_access::{RoleReference, SharedRole},
    engine::{Action, Address, Change, Effect, Finding, PlanDraft, Reason, Severity, plan::fingerprint},
    kinds::{
        Request, access_effect::document_change, provider_intent::ProviderIntent, trust_policy::quota_help,
    },
    live::Live,
    live::addresses,
    ports::aws::Role,
};
use eksact_identity::iam::{
    Arn,
    shared_trust::{
        self, DEFAULT_QUOTA, MAXIMUM_QUOTA, length, made_by_others, sid_of, statement_of, statements,
    },
    trust,
};

/// Adds the difference of every shared role of the files.
pub(super) fn plan(request: &Request, live: &Live, draft: &mut PlanDraft) {
    // Without an issuer and a provider there is nobody to trust; the provider's own finding says so.
    let provider_missing = match (live.oidc_provider(), request.provider_intent()) {
        (Some(Ok(None)), ProviderIntent::Ensure) => draft
            .change(&addresses::oidc_provider(&live.cluster.name))
            .is_none(),
        (Some(Ok(None) | Err(_)), _) => true,
        _ => false,
    };
    if provider_missing {
        return;
    }
    for declared in &request.config.access.shared_roles {
        let Some(statement) = wanted(declared, live) else {
            continue;
        };
        let subject = Subject {
            live,
            declared,
            address: addresses::shared_role(declared.role.value.name()),
            statement,
        };
        if let Err(finding) = subject.plan(draft) {
            draft.add_finding(*finding);
        }
    }
}

/// Whether some trust policy will be longer than every account allows, so that the account's own quota has to be asked.
pub(super) fn is_long(request: &Request, live: &Live) -> bool {
    request.config.access.shared_roles.iter().any(|declared| {
        let role = live.role(declared.role.value.name());
        let (Some(Ok(Some(role))), Some(statement)) = (role, wanted(declared, live)) else {
            return false;
        };
        shared_trust::with(&role.trust_policy, &statement).is_ok_and(|after| length(&after) > DEFAULT_QUOTA)
    })
}

struct Subject<'plan> {
    live: &'plan Live,
    declared: &'plan SharedRole,
    address: Address,
    statement: Value,
}

impl Subject<'_> {
    fn plan(&self, draft: &mut PlanDraft) -> Result<(), Box<Finding>> {
        let role = self.role()?;
        let Some((document, warning)) = self.outcome(role)? else {
            draft.add_unchanged(self.address.clone());
            return Ok(());
        };
        if let Some(warning) = warning {
            draft.add_finding(warning);
        }
        let now = statement_of(&role.trust_policy, &sid(self.live));
        let after = self.after(role);
        let (action, reason) = match (now, after) {
            (None, _) => (
                Action::Create,
                Reason::new("missing", "this cluster has no statement in its trust policy"),
            ),
            (Some(_), None) => (
                Action::Update,
                Reason::new(
                    "made-by-others",
                    "another statement of the trust policy lets them in",
                ),
            ),
            (Some(_), Some(_)) => (
                Action::Update,
                Reason::new(
                    "differs",
                    "this cluster's statement in its trust policy differs from the desired state",
                ),
            ),
        };
        let change = StatementChange {
            live: self.live,
            role,
            after,
            document: &document,
            action,
            reason,
            address: self.address.clone(),
        };
        change.add(self.declared.location.clone(), draft);
        Ok(())
    }

    /// The statement as it shall be. What somebody else lets in already is not said twice; without our mark it is not ours
    /// to remove either.
    fn after(&self, role: &Role) -> Option<&Value> {
        match made_by_others(&role.trust_policy, &self.statement) {
            Some(_) => None,
            None => Some(&self.statement),
        }
    }

    /// The document as it shall be, with what there is to say about its length; none where it is so already.
    fn outcome(&self, role: &Role) -> Result<Option<(Value, Option<Finding>)>, Box<Finding>> {
        let sid = sid(self.live);
        let after = self.after(role);
        if is_same(statement_of(&role.trust_policy, &sid), after) {
            return Ok(None);
        }
        let document = edited(&role.trust_policy, &sid, after).map_err(|error| {
            self.error(
                Code::SharedRoleUnreadable,
                format!(
                    "the trust policy of role {} cannot be changed: {error}",
                    role.name
                ),
            )
        })?;
        let warning = self.check_length(role, &document)?;
        Ok(Some((document, warning)))
    }

    /// The role as it is, where it is one whose trust policy can be written.
    fn role(&self) -> Result<&Role, Box<Finding>> {
        let reference = &self.declared.role.value;
        let name = reference.name();
        if let RoleReference::Arn(text) = reference
            && let Ok(arn) = text.parse::<Arn>()
            && arn.account != self.live.account
        {
            return Err(Box::new(self.other_account(text, &arn.account)));
        }
        let role = match self.live.role(name) {
            Some(Ok(Some(role))) => role,
            Some(Ok(None)) | None => {
                let error = self.error(
                    Code::SharedRoleMissing,
                    format!("there is no role {name} in account {}", self.live.account),
                );
                return Err(Box::new(error.with_help(remedy!(
                    "`sharedRoles` does not create a role: create it first, with eksact \
                     (`iam.serviceAccounts` with a `roleName` in the file of one cluster) or another tool. \
                     If this very plan makes it, apply the file once more."
                ))));
            }
            Some(Err(error)) => {
                let finding = self.error(Code::RoleUnreadable, error.to_string());
                return Err(Box::new(finding.with_help_for(error)));
            }
        };
        if let RoleReference::Arn(text) = reference
            && *text != role.arn
        {
            let error = self.error(
                Code::SharedRoleArn,
                format!(
                    "the role {name} has the ARN {}, and the file says {text}",
                    role.arn
                ),
            );
            return Err(Box::new(
                error.with_help(remedy!("Write `roleARN: {}`.", role.arn)),
            ));
        }
        if role.is_reserved() {
            let error = self.error(
                Code::SharedRoleReserved,
                format!(
                    "the role {} belongs to AWS: no one else may write its trust policy",
                    role.arn
                ),
            );
            return Err(Box::new(error.with_help(remedy!("Share a role of your own."))));
        }
        Ok(role)
    }

    /// That the role is out of reach, and what to do in its account.
    fn other_account(&self, role: &str, account: &str) -> Finding {
        let issuer = self.live.cluster.oidc_issuer.as_deref().unwrap_or_default();
        let mut statement = self.statement.clone();
        // Roles trust the provider of their own account.
        if let (Ok(provider), Some(principal)) = (
            trust::provider_arn(self.live.partition, account, issuer),
            statement.pointer_mut("/Principal/Federated"),
        ) {
            *principal = Value::String(provider.to_string());
        }
        let message = format!(
            "the role {role} is in account {account}, and the cluster in {}: its trust policy can be written with that \
             account's credentials only",
            self.live.account
        );
        self.error(Code::SharedRoleOtherAccount, message)
            .with_help(remedy!(
                "In account {account}, make an OIDC provider for {issuer}, and add this statement to the \
                 role's trust policy:\n    {statement}\nThen remove the role from `sharedRoles`. \
                 `attachRoleARN` of the service accounts may name it as before."
            ))
    }

    /// What there is to say about the length of the document, before IAM says it.
    fn check_length(&self, role: &Role, document: &Value) -> Result<Option<Finding>, Box<Finding>> {
        let characters = length(document);
        let quota = match self.live.trust_policy_quota() {
            Some(Ok(Some(quota))) => Some(*quota),
            _ => None,
        };
        // A policy that is longer than the quota that IAM tells proves another.
        let quota = quota.filter(|quota| length(&role.trust_policy) <= *quota);
        let limit = quota.unwrap_or(MAXIMUM_QUOTA);
        let statements = statements(document).len();
        let size = format!(
            "the trust policy of role {} would have {characters} characters in {statements} statements, {} of them in this \
             cluster's",
            role.name,
            length(&self.statement)
        );
        if characters > limit {
            let message = match quota {
                Some(quota) => format!("{size}, and the account's quota is {quota}"),
                None => format!("{size}, and no account has more than {limit}"),
            };
            let error = self.error(Code::TrustPolicyTooLong, message);
            return Err(Box::new(error.with_help(quota_help(characters))));
        }
        if quota.is_some() || characters <= DEFAULT_QUOTA {
            return Ok(None);
        }
        let message = format!(
            "{size}: more than the {DEFAULT_QUOTA} of an account whose quota was not raised, and the account's own quota could \
             not be read (iam:GetAccountSummary)"
        );
        Ok(Some(
            Finding::new(Severity::Warning, Code::TrustPolicyLong, message)
                .about(&self.address)
                .at(self.declared.location.as_ref())
                .with_help(quota_help(characters)),
        ))
    }

    fn error(&self, code: Code, message: String) -> Finding {
        Finding::new(Severity::Error, code, message)
            .about(&self.address)
            .at(self
                .declared
                .role
                .location
                .as_ref()
                .or(self.declared.location.as_ref()))
    }
}

/// This cluster's statement of a role that becomes another, comes or goes.
pub(super) struct StatementChange<'plan> {
    pub(super) live: &'plan Live,
    pub(super) role: &'plan Role,
    /// The statement as it shall be.
    pub(super) after: Option<&'plan Value>,
    /// The whole document as it shall be.
    pub(super) document: &'plan Value,
    pub(super) action: Action,
    pub(super) reason: Reason,
    pub(super) address: Address,
}

impl StatementChange<'_> {
    pub(super) fn add(self, source: Option<crate::config::SourceLocation>, draft: &mut PlanDraft) {
        let sid = sid(self.live);
        let before = statement_of(&self.role.trust_policy, &sid).cloned();
        let provider = addresses::oidc_provider(&self.live.cluster.name);
        let operation = Operation {
            role: self.role.name.clone(),
            role_id: self.role.id.clone(),
            sid: sid.clone(),
            before: before.clone(),
            after: self.after.cloned(),
        };
        // Others may write their statements meanwhile; that makes no other plan of this one.
        let read = fingerprint(&(&self.role.id, &before));
        let title = format!(
            "{} the statement {sid} in the trust policy of role {}",
            match (&before, self.after) {
                (None, _) => "add",
                (Some(_), Some(_)) => "change",
                (Some(_), None) => "remove",
            },
            self.role.name
        );
        let mut depends_on = Vec::new();
        let mut after = Vec::new();
        if let Some(step) = draft.last_step_of(&provider).filter(|_| self.after.is_some()) {
            depends_on.push(provider);
            after.push(step);
        }
        let attribute = document_change("trust policy", Some(&self.role.trust_policy), Some(self.document))
            .with_remark(format!("{} characters", length(self.document)));
        let others = statements(self.document)
            .iter()
            .filter(|statement| sid_of(statement) != Some(&sid))
            .count();
        let step = draft.add_step(&self.address, "trust-policy", title, after, &operation);
        draft.add_change(Change {
            address: self.address,
            action: self.action,
            reasons: vec![self.reason],
            source,
            attributes: vec![attribute],
            depends_on,
            steps: vec![step],
            origin: None,
            fingerprint: read,
            effect: Effect::Equal,
            notes: note(self.action, others).into_iter().collect(),
        });
    }
}

/// What does not change, which is all but one statement.
fn note(action: Action, others: usize) -> Option<String> {
    let others = match others {
        0 => return None,
        1 => "the other statement of its trust policy is kept".to_owned(),
        others => format!("the other {others} statements of its trust policy are kept"),
    };
    Some(if action == Action::Delete {
        format!("Only this cluster's statement is removed: the role is kept, and {others} as before.")
    } else {
        format!("Only this cluster's statement is written: {others} as before.")
    })
}
