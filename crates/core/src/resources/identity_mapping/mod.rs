//! Identity mappings: entries of the ConfigMap `aws-auth`, one change each, and all of them one write.
//!
//! The authenticator's own reading of the ConfigMap is the measure ([`eksact_identity::authn`]), not its text; the text changes
//! only where an entry does. The kind's step writes `aws-auth/kube-system/aws-auth`.

mod backup;
mod backup_file;
mod delta;
mod effect;
mod evidence;
mod findings;
mod operation;
mod ownership;
mod permission_set;
mod plan;
mod reading;
mod removal;
mod restore;
mod run;
mod staying;
mod text;
mod wanted;
mod way_back;

use async_trait::async_trait;
use serde_json::Value;

use super::{Kind, Request, RunContext};
use crate::{
    config::cluster_access::MappingSubject,
    engine::{Address, PlanDraft, StepDone, StepError, executor::Progress},
    live::{
        AWS_AUTH, AWS_AUTH_NAMESPACE, AccessEntries, AwsAuth, CallerInCluster, Live, LiveReader, Observed,
        PermissionSetRoles,
    },
    ports::kubernetes::{AccessReview, ConfigMap},
};

pub use backup::{AllBackups, BACKUP_OF_LABEL, BACKUP_TIME_ANNOTATION, Backup, all_backups};
pub(super) use evidence::caller_over;
pub use wanted::EMR_CONTAINERS;
pub use way_back::commands as way_back;

/// The kind `aws-auth`: its changes bear `identity-mapping/…`, its step the ConfigMap's address.
#[derive(Debug)]
pub struct AwsAuthKind;

/// The address of a mapping: by its ARN or account.
pub fn address(subject: &str) -> Address {
    Address::new("identity-mapping", subject)
}

/// The address of the ConfigMap.
pub fn config_map_address() -> Address {
    Address::new(AwsAuthKind.name(), format!("{AWS_AUTH_NAMESPACE}/{AWS_AUTH}"))
}

/// Whether this is the address of a mapping, or of the ConfigMap.
pub(super) fn is_address(address: &Address) -> bool {
    ["identity-mapping", AwsAuthKind.name()].contains(&address.kind())
}

/// Whether the request has anything to do with `aws-auth`.
fn is_asked(request: &Request) -> bool {
    let access = &request.access;
    !request.config.access.identity_mappings.is_empty()
        || !access.delete.is_empty()
        || request.config.access.complete
        || access.prune
        || access.restore.is_some()
}

/// Whether nothing is asked for but that eksact's own goes: what cannot be read then was not wanted either.
fn is_only_pruning(request: &Request) -> bool {
    let access = &request.access;
    request.config.access.identity_mappings.is_empty() && access.delete.is_empty() && access.restore.is_none()
}

/// Whether the ConfigMap has mappings that eksact wrote.
fn has_own(config_map: &Observed<Option<ConfigMap>>) -> bool {
    matches!(config_map, Ok(Some(config_map)) if config_map.annotations.contains_key(ownership::ANNOTATION))
}

#[async_trait]
impl Kind for AwsAuthKind {
    fn name(&self) -> &'static str {
        "aws-auth"
    }

    async fn read(&self, request: &Request, reader: &LiveReader) {
        if !is_asked(request) {
            return;
        }
        let config_map = reader.ask(AwsAuth).await;
        if is_only_pruning(request) && !has_own(&config_map) {
            return;
        }
        tokio::join!(reader.ask(AccessEntries), reader.ask(CallerInCluster));
        let wants_permission_set = request
            .config
            .access
            .identity_mappings
            .iter()
            .any(|mapping| matches!(mapping.subject, MappingSubject::PermissionSet { .. }));
        let has_permission_set = matches!(config_map.as_ref(), Ok(Some(config_map))
            if config_map.data.values().any(|text| text.contains(permission_set::ROLE_PREFIX)));
        if wants_permission_set || has_permission_set {
            reader.ask(PermissionSetRoles).await;
        }
    }

    fn plan(&self, request: &Request, live: &Live, draft: &mut PlanDraft) {
        if !is_asked(request) {
            return;
        }
        match &request.access.restore {
            Some(restore) => restore::plan(request, restore, live, draft),
            None => plan::plan(request, live, draft),
        }
    }

    fn access_reviews(&self, operation: &Value) -> Result<Vec<AccessReview>, StepError> {
        let operation: operation::Operation = super::runner::operation_of(operation.clone())?;
        Ok(operation.access_reviews())
    }

    async fn run(
        &self,
        operation: Value,
        context: &RunContext,
        progress: &Progress,
    ) -> Result<StepDone, StepError> {
        run::run(super::runner::operation_of(operation)?, context, progress).await
    }
}
