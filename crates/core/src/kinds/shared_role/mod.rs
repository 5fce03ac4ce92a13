//! Roles that service accounts of several clusters assume. Somebody else owns the role; this cluster owns one statement of
//! its trust policy, known by its `Sid`, and nothing else of it.
//!
//! `plan` compares the statement with what is wanted, `removal` finds those that the files no longer have, `run` writes.

mod plan;
mod removal;
mod run;

use std::collections::BTreeSet;

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Kind, Request, RunContext};
use crate::kinds::permissions::{Place, Rights};
use crate::{
    config::cluster_access::SharedRole,
    engine::{PlanDraft, StepDone, StepError, executor::Progress},
    live::{AllRoles, ClusterOidcProvider, Live, LiveReader, RoleByName, TrustPolicyQuota},
    ports::aws::Role,
};
use eksact_identity::iam::{shared_trust, trust};

/// The kind `shared-role`.
#[derive(Debug)]
pub struct SharedRoleKind;

/// One write: this cluster's statement becomes `after`. Nothing else of the document is said, so nothing else changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Operation {
    /// The role's name.
    role: String,
    /// The role's unique id.
    role_id: String,
    /// The `Sid` of the statement.
    sid: String,
    /// The statement as the plan saw it; none where there was none.
    before: Option<Value>,
    /// The statement as it shall be; none to take it out.
    after: Option<Value>,
}

/// Whether the request has anything to do with shared roles.
fn is_asked(request: &Request) -> bool {
    !request.config.access.shared_roles.is_empty() || is_looked_for(request)
}

/// Whether statements that the files no longer have are looked for.
fn is_looked_for(request: &Request) -> bool {
    request.config.access.states_shared_roles || prunes(request)
}

/// Whether they go. A file that says nothing of access is no reason to.
fn prunes(request: &Request) -> bool {
    let access = &request.config.access;
    request.settings.prune && (access.complete || access.states_shared_roles)
}

/// The statement that a shared role of the files asks for; none without an issuer.
fn wanted(role: &SharedRole, live: &Live) -> Option<Value> {
    let accounts = role.service_accounts.as_deref().unwrap_or_default();
    let subjects: BTreeSet<String> = accounts
        .iter()
        .map(|account| trust::subject(&account.namespace, &account.name))
        .collect();
    Some(trust::web_identity_statement(
        &sid(live),
        &live.provider_arn()?,
        &live.issuer_host_path()?,
        &subjects,
    ))
}

/// The `Sid` of this cluster's statements.
fn sid(live: &Live) -> String {
    shared_trust::sid(&live.cluster.arn)
}

/// The document once our statement is `after`.
fn edited(document: &Value, sid: &str, after: Option<&Value>) -> Result<Value, shared_trust::EditError> {
    match after {
        Some(statement) => shared_trust::with(document, statement),
        None => shared_trust::without(document, sid),
    }
}

/// Whether our statement is what it should be, in meaning.
fn is_same(now: Option<&Value>, wanted: Option<&Value>) -> bool {
    match (now, wanted) {
        (None, None) => true,
        (Some(now), Some(wanted)) => shared_trust::same_meaning(now, wanted),
        _ => false,
    }
}

#[async_trait]
impl Kind for SharedRoleKind {
    const NAME: &'static str = "shared-role";
    type Operation = Operation;

    async fn read(&self, request: &Request, reader: &LiveReader) {
        if !is_asked(request) {
            return;
        }
        reader.ask(ClusterOidcProvider).await;
        if is_looked_for(request) {
            // Every role has to be seen: one listing serves the wanted ones as well, where it shows them.
            reader.ask(AllRoles).await;
        }
        let shared = &request.config.access.shared_roles;
        reader
            .read(
                shared
                    .iter()
                    .map(|role| RoleByName(role.role.value.name().to_owned())),
            )
            .await;
        if plan::is_long(request, &reader.snapshot()) {
            reader.ask(TrustPolicyQuota).await;
        }
    }

    fn plan(&self, request: &Request, live: &Live, draft: &mut PlanDraft) {
        if is_asked(request) {
            plan::plan(request, live, draft);
        }
    }

    fn plan_removals(&self, request: &Request, live: &Live, draft: &mut PlanDraft) {
        if is_looked_for(request) {
            removal::plan(request, live, draft);
        }
    }

    fn predict(
        &self,
        operation: &Self::Operation,
        _draft: &PlanDraft,
        live: &mut Live,
    ) -> Result<(), StepError> {
        let Some(Ok(Some(role))) = live.role(&operation.role) else {
            return Ok(());
        };
        let mut role = Role::clone(role);
        role.trust_policy = edited(&role.trust_policy, &operation.sid, operation.after.as_ref())
            .map_err(|error| StepError::new(error.to_string()))?;
        live.put(RoleByName(role.name.clone()), Ok(Some(Arc::new(role))));
        Ok(())
    }

    fn rights_to_read(&self, request: &Request, place: &Place) -> Rights {
        let mut rights = Rights::default();
        if is_asked(request) {
            rights.aws(place.providers(), &["iam:GetOpenIDConnectProvider"]);
            rights.read_roles_at_once();
            for role in &request.config.access.shared_roles {
                for arn in place.role(role.role.value.name()) {
                    rights.read_role(arn);
                }
            }
        }
        rights
    }

    fn rights_to_write(&self, operation: &Self::Operation, place: &Place) -> Rights {
        let mut rights = Rights::default();
        for role in place.role(&operation.role) {
            rights.aws(role.clone(), &["iam:UpdateAssumeRolePolicy"]);
            rights.read_role(role);
        }
        rights
    }

    async fn run(
        &self,
        operation: Self::Operation,
        context: &RunContext,
        progress: &Progress,
    ) -> Result<StepDone, StepError> {
        run::run(operation, context, progress).await
    }
}
