//! Identity mappings: entries of the ConfigMap `aws-auth`, one change each, and all of them one write.
//!
//! The authenticator's own reading of the ConfigMap is the measure ([`eksact_identity::authn`]), not its text; the text changes
//! only where an entry does. The kind's step writes `aws-auth/kube-system/aws-auth`.

mod backup;
mod backup_file;
mod delta;
mod effect;
mod findings;
mod operation;
mod ownership;
mod plan;
mod reading;
mod removal;
mod restore;
mod run;
mod scope;
mod staying;
mod text;
mod wanted;

use async_trait::async_trait;

use super::{Kind, Request, RunContext, caller_rights};
use crate::kinds::permissions::{Place, Rights};
use crate::{
    config::cluster_access::MappingSubject,
    engine::{PlanDraft, StepDone, StepError, executor::Progress},
    guard::access::KnownRefusal,
    live::{AccessEntries, AwsAuth, CallerInCluster, Live, LiveReader, Observed, PermissionSetRoles},
    ports::kubernetes::{AccessReview, ConfigMap},
};
use eksact_identity::iam::permission_set;

pub use backup::{AllBackups, BACKUP_OF_LABEL, BACKUP_TIME_ANNOTATION, Backup, all_backups};
pub use scope::{AwsAuthScope, MappingSelector, Restore};
pub use wanted::emr_role_arn;

/// The kind `aws-auth`: its changes bear `identity-mapping/…`, its step the ConfigMap's address.
#[derive(Debug)]
pub struct AwsAuthKind;

/// Whether the request has anything to do with `aws-auth`.
fn is_asked(request: &Request) -> bool {
    let access = &request.config.access;
    !access.identity_mappings.is_empty() || access.complete || request.scope::<AwsAuthScope>().is_some()
}

/// Whether nothing is asked for but that eksact's own goes: what cannot be read then was not wanted either.
fn is_only_pruning(request: &Request) -> bool {
    request.config.access.identity_mappings.is_empty() && request.scope::<AwsAuthScope>().is_none()
}

/// Whether the ConfigMap has mappings that eksact wrote.
fn has_own(config_map: &Observed<Option<ConfigMap>>) -> bool {
    matches!(config_map, Ok(Some(config_map)) if config_map.annotations.contains_key(ownership::ANNOTATION))
}

#[async_trait]
impl Kind for AwsAuthKind {
    const NAME: &'static str = "aws-auth";
    /// The write, and the mappings that people see.
    const GIVES_ACCESS: &'static [&'static str] = &[Self::NAME, "identity-mapping"];
    type Operation = operation::Operation;

    async fn read(&self, request: &Request, reader: &LiveReader) {
        if !is_asked(request) {
            return;
        }
        let config_map = reader.ask(AwsAuth).await;
        if is_only_pruning(request) && !has_own(&config_map) {
            return;
        }
        tokio::join!(reader.ask(AccessEntries), reader.ask(CallerInCluster));
        if request.scope::<AwsAuthScope>().is_some() {
            // Nothing of RBAC is wanted then, and its kinds read nothing.
            caller_rights::read(request, reader).await;
        }
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
        match scope::restore(request) {
            Some(restore) => restore::plan(request, restore, live, draft),
            None => plan::plan(request, live, draft),
        }
    }

    fn predict(
        &self,
        operation: &Self::Operation,
        draft: &PlanDraft,
        live: &mut Live,
    ) -> Result<(), StepError> {
        operation.predict(draft, live);
        Ok(())
    }

    fn review(&self, request: &Request, live: &Live, after: &Live, draft: &mut PlanDraft) {
        if is_asked(request) {
            findings::review(request, live, after, draft);
        }
    }

    fn keep_refusals(&self, operation: &mut Self::Operation, refusals: &[KnownRefusal]) {
        operation.keep_refusals(refusals);
    }

    fn access_reviews(&self, operation: &Self::Operation) -> Vec<AccessReview> {
        operation.access_reviews()
    }

    fn rights_to_read(&self, request: &Request, place: &Place) -> Rights {
        let mut rights = Rights::default();
        if is_asked(request) {
            rights.read_aws_auth();
            rights.read_access_entries(place);
            rights.aws("*", &["iam:ListRoles"]);
            rights.read_rbac();
        }
        rights
    }

    /// The backup of what is replaced, and that the oldest goes. Where the cluster refuses it, a file is the backup.
    fn rights_to_write(&self, _operation: &Self::Operation, _place: &Place) -> Rights {
        let mut rights = Rights::default();
        rights.kubernetes(
            "",
            "configmaps",
            &["create", "delete", "list"],
            Some("kube-system"),
        );
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
