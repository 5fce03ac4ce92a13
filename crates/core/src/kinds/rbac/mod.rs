//! RBAC: the roles and bindings that a configuration's groups and services need.
//!
//! What eksact made bears its label and may be changed and removed; what somebody else made is left alone. The objects of a
//! service (`emr-containers`) are eksctl's to the letter, and bear no label as eksctl's do not: by what they are they are known,
//! and go with `--prune` where the files no longer have the service in their namespace.

mod binding;
mod desired;
mod emr_containers;
mod removal;
mod role;

use eksact_message::code::Code;
use std::collections::BTreeSet;

use async_trait::async_trait;

use super::{Kind, Request, RunContext, caller_rights, kubernetes_write};
use crate::kinds::permissions::{Place, Rights};
use crate::{
    config::location::SourceLocation,
    engine::{Address, Finding, PlanDraft, Severity, StepDone, StepError, StepId, executor::Progress},
    live::{Bindings, Live, LiveReader, NamespaceByName, RbacRoleByKey, RoleKey, addresses, role_key},
    ports::kubernetes::{AccessReview, RbacBinding},
};

/// The label that marks a role or binding as eksact's.
pub const MANAGED_BY_LABEL: &str = "app.kubernetes.io/managed-by";
/// Its value.
pub const MANAGED_BY: &str = "eksact";

/// The annotation that tells the group for which eksact made a role or binding.
pub const GROUP_ANNOTATION: &str = "eksact.dev/group";

/// The kind `rbac-role`: `Role` (`rbac-role/NAMESPACE/NAME`) and `ClusterRole` (`rbac-role/NAME`).
#[derive(Debug)]
pub struct RbacRoleKind;

/// The kind `rbac-binding`: `RoleBinding` and `ClusterRoleBinding`.
#[derive(Debug)]
pub struct RbacBindingKind;

/// The same object in the words of kubectl: `rolebinding reader --namespace app`.
fn in_kubectl(words: &str) -> String {
    let (kind, name) = words.split_once(' ').unwrap_or((words, ""));
    let kind = kind.to_lowercase();
    match name.split_once('/') {
        Some((namespace, name)) => format!("{kind} {name} --namespace {namespace}"),
        None => format!("{kind} {name}"),
    }
}

/// Whether a binding is the one that `serviceName: emr-containers` makes in its namespace.
pub fn is_of_emr(binding: &RbacBinding) -> bool {
    emr_containers::is_its_binding(binding)
}

/// The namespaces that have both objects of `serviceName: emr-containers` as it makes them, as far as the roles were read.
pub fn emr_namespaces(live: &Live) -> Vec<&str> {
    let bindings = live.bindings().and_then(|bindings| bindings.as_ref().ok());
    let has_role = |binding: &&RbacBinding| matches!(live.rbac_role(&role_key(binding)), Some(Ok(Some(role))) if emr_containers::is_its_role(role));
    let its = bindings
        .into_iter()
        .flatten()
        .filter(|binding| is_of_emr(binding));
    let mut namespaces: Vec<&str> = its
        .filter(has_role)
        .filter_map(|binding| binding.namespace.as_deref())
        .collect();
    namespaces.sort_unstable();
    namespaces
}

fn is_ours(labels: &std::collections::BTreeMap<String, String>) -> bool {
    labels
        .get(MANAGED_BY_LABEL)
        .is_some_and(|value| value == MANAGED_BY)
}

/// Whether something can be made in this namespace, or in none; says so where it cannot. eksctl makes no namespace for a
/// role or a binding either.
fn namespace_is_there(
    name: Option<&str>,
    address: &Address,
    location: Option<&SourceLocation>,
    live: &Live,
    draft: &mut PlanDraft,
) -> bool {
    let Some(name) = name else {
        return true;
    };
    let (code, message, help) = match live.namespace(name) {
        Some(Ok(Some(namespace))) if namespace.terminating => (
            Code::NamespaceTerminating,
            format!("namespace {name} is being deleted: nothing can be created in it"),
            remedy!("Wait until it is gone, then run `kubectl create namespace {name}`."),
        ),
        // One that a service account of the file brings will be there.
        Some(Ok(None)) if draft.last_step_of(&addresses::namespace(name)).is_none() => (
            Code::NamespaceMissing,
            format!("there is no namespace {name}"),
            remedy!("`kubectl create namespace {name}` makes it."),
        ),
        // One that could not be read is taken to be there: the write tells otherwise.
        _ => return true,
    };
    draft.add_finding(
        Finding::new(Severity::Error, code, message)
            .about(address)
            .at(location)
            .with_help(help),
    );
    false
}

/// The step that makes the namespace of an object, where one does.
fn namespace_step(name: Option<&str>, draft: &PlanDraft) -> Vec<StepId> {
    name.and_then(|name| draft.last_step_of(&addresses::namespace(name)))
        .into_iter()
        .collect()
}

/// Whether the request has anything to do with RBAC.
fn is_asked(request: &Request) -> bool {
    let access = &request.config.access;
    access.complete || !access.groups.is_empty() || !access.identity_mappings.is_empty()
}

/// Whether what eksact made goes where the files no longer have it.
fn prunes(request: &Request) -> bool {
    request.settings.prune && request.config.access.complete
}

#[async_trait]
impl Kind for RbacRoleKind {
    const NAME: &'static str = "rbac-role";
    const GIVES_ACCESS: &'static [&'static str] = &[Self::NAME];
    type Operation = role::Operation;

    async fn read(&self, request: &Request, reader: &LiveReader) {
        if !is_asked(request) {
            return;
        }
        let bindings = reader.ask(Bindings).await;
        let wanted = desired::desired(request);
        let mut keys: BTreeSet<RoleKey> = wanted
            .roles
            .iter()
            .map(|wanted| (wanted.role.namespace.clone(), wanted.role.name.clone()))
            .collect();
        keys.extend(wanted.bindings.iter().map(|wanted| role_key(&wanted.binding)));
        if let Ok(bindings) = bindings.as_ref() {
            keys.extend(
                bindings
                    .iter()
                    .filter(|binding| is_ours(&binding.labels) || emr_containers::is_its_binding(binding))
                    .map(role_key),
            );
            keys.extend(caller_rights::roles(request, bindings, reader).await);
        }
        reader.read(keys.into_iter().map(RbacRoleByKey)).await;
        let namespaces = wanted
            .bindings
            .into_iter()
            .filter_map(|wanted| wanted.binding.namespace);
        reader.read(namespaces.map(NamespaceByName)).await;
    }

    fn plan(&self, request: &Request, live: &Live, draft: &mut PlanDraft) {
        if is_asked(request) {
            role::plan(request, live, draft);
        }
    }

    fn predict(
        &self,
        operation: &Self::Operation,
        _draft: &PlanDraft,
        live: &mut Live,
    ) -> Result<(), StepError> {
        operation.predict(live);
        Ok(())
    }

    fn access_reviews(&self, operation: &Self::Operation) -> Vec<AccessReview> {
        kubernetes_write::access_reviews(operation.write())
    }

    fn rights_to_read(&self, request: &Request, place: &Place) -> Rights {
        let mut rights = Rights::default();
        if is_asked(request) {
            rights.read_rbac();
            rights.read_access_entries(place);
            rights.kubernetes("", "namespaces", &["get", "list"], None);
        }
        rights
    }

    async fn run(
        &self,
        operation: Self::Operation,
        context: &RunContext,
        _progress: &Progress,
    ) -> Result<StepDone, StepError> {
        kubernetes_write::run(operation.write(), context).await
    }
}

#[async_trait]
impl Kind for RbacBindingKind {
    const NAME: &'static str = "rbac-binding";
    const GIVES_ACCESS: &'static [&'static str] = &[Self::NAME];
    type Operation = binding::Operation;

    // The roles' kind has read the bindings.
    async fn read(&self, _request: &Request, _reader: &LiveReader) {}

    fn plan(&self, request: &Request, live: &Live, draft: &mut PlanDraft) {
        if is_asked(request) {
            binding::plan(request, live, draft);
        }
    }

    fn plan_removals(&self, request: &Request, live: &Live, draft: &mut PlanDraft) {
        if is_asked(request) {
            removal::plan(request, live, draft);
        }
    }

    fn predict(
        &self,
        operation: &Self::Operation,
        _draft: &PlanDraft,
        live: &mut Live,
    ) -> Result<(), StepError> {
        operation.predict(live);
        Ok(())
    }

    fn access_reviews(&self, operation: &Self::Operation) -> Vec<AccessReview> {
        kubernetes_write::access_reviews(operation.write())
    }

    async fn run(
        &self,
        operation: Self::Operation,
        context: &RunContext,
        _progress: &Progress,
    ) -> Result<StepDone, StepError> {
        kubernetes_write::run(operation.write(), context).await
    }
}
