//! RBAC: the roles and bindings that a configuration's groups and services need.
//!
//! What eksact made bears its label and may be changed and pruned; what somebody else made is left alone. The objects of a
//! service (`emr-containers`) are eksctl's to the letter, and bear no label as eksctl's do not.

mod binding;
mod desired;
mod emr_containers;
mod role;
mod rules;

use std::collections::BTreeSet;

use async_trait::async_trait;
use serde_json::Value;

use super::{Kind, Live, LiveReader, Request, RunContext, live_access::RoleKey, runner::operation_of};
use crate::{
    engine::{Address, PlanDraft, StepDone, StepError, executor::Progress},
    ports::{
        access::{RbacBinding, RbacRole},
        kubernetes::AccessReview,
    },
};

pub use desired::bound_groups;

/// The label that marks a role or binding as eksact's.
pub const MANAGED_BY_LABEL: &str = "app.kubernetes.io/managed-by";
/// Its value.
pub const MANAGED_BY: &str = "eksact";

/// The API group.
const GROUP: &str = "rbac.authorization.k8s.io";

/// The kind `rbac-role`: `Role` (`rbac-role/NAMESPACE/NAME`) and `ClusterRole` (`rbac-role/NAME`).
#[derive(Debug)]
pub struct RbacRoleKind;

/// The kind `rbac-binding`: `RoleBinding` and `ClusterRoleBinding`.
#[derive(Debug)]
pub struct RbacBindingKind;

/// The address of a role.
pub fn role_address(namespace: Option<&str>, name: &str) -> Address {
    Address::new(RbacRoleKind.name(), qualified(namespace, name))
}

/// The address of a binding.
pub fn binding_address(namespace: Option<&str>, name: &str) -> Address {
    Address::new(RbacBindingKind.name(), qualified(namespace, name))
}

fn qualified(namespace: Option<&str>, name: &str) -> String {
    match namespace {
        Some(namespace) => format!("{namespace}/{name}"),
        None => name.to_owned(),
    }
}

/// `Role app/reader` or `ClusterRole reader`, for people.
fn role_words(namespace: Option<&str>, name: &str) -> String {
    let kind = if namespace.is_some() {
        "Role"
    } else {
        "ClusterRole"
    };
    format!("{kind} {}", qualified(namespace, name))
}

/// `RoleBinding app/reader` or `ClusterRoleBinding reader`.
fn binding_words(namespace: Option<&str>, name: &str) -> String {
    let kind = if namespace.is_some() {
        "RoleBinding"
    } else {
        "ClusterRoleBinding"
    };
    format!("{kind} {}", qualified(namespace, name))
}

fn is_ours(labels: &std::collections::BTreeMap<String, String>) -> bool {
    labels
        .get(MANAGED_BY_LABEL)
        .is_some_and(|value| value == MANAGED_BY)
}

/// The bindings of eksact's that the request no longer wants.
fn to_prune<'live>(request: &Request, live: &'live Live) -> Vec<&'live RbacBinding> {
    let (true, Some(Ok(bindings))) = (request.access.prune, &live.access.bindings) else {
        return Vec::new();
    };
    let wanted: BTreeSet<RoleKey> = desired::desired(request)
        .bindings
        .into_iter()
        .map(|wanted| (wanted.binding.namespace, wanted.binding.name))
        .collect();
    bindings
        .iter()
        .filter(|binding| is_ours(&binding.labels))
        .filter(|binding| !wanted.contains(&(binding.namespace.clone(), binding.name.clone())))
        .collect()
}

/// Whether the request has anything to do with RBAC.
fn is_asked(request: &Request) -> bool {
    request.access.restore.is_none()
        && (request.access.prune
            || !request.config.access.groups.is_empty()
            || !request.config.access.identity_mappings.is_empty())
}

#[async_trait]
impl Kind for RbacRoleKind {
    fn name(&self) -> &'static str {
        "rbac-role"
    }

    async fn read(&self, request: &Request, reader: &LiveReader) {
        if !is_asked(request) {
            return;
        }
        let bindings = reader.access().bindings().await;
        let wanted = desired::desired(request);
        let mut keys: BTreeSet<RoleKey> = wanted
            .roles
            .iter()
            .map(|wanted| (wanted.role.namespace.clone(), wanted.role.name.clone()))
            .collect();
        keys.extend(wanted.bindings.iter().map(|wanted| role_key(&wanted.binding)));
        if let (true, Ok(bindings)) = (request.access.prune, bindings) {
            keys.extend(
                bindings
                    .iter()
                    .filter(|binding| is_ours(&binding.labels))
                    .map(role_key),
            );
        }
        if !keys.is_empty() {
            reader.access().roles(keys).await;
        }
        let namespaces: BTreeSet<String> = wanted
            .bindings
            .iter()
            .filter_map(|wanted| wanted.binding.namespace.clone())
            .collect();
        if !namespaces.is_empty() {
            reader.namespaces(namespaces).await;
        }
    }

    fn plan(&self, request: &Request, live: &Live, draft: &mut PlanDraft) {
        if is_asked(request) {
            role::plan(request, live, draft);
        }
    }

    fn access_reviews(&self, operation: &Value) -> Vec<AccessReview> {
        serde_json::from_value::<role::Operation>(operation.clone())
            .map(|operation| operation.access_reviews())
            .unwrap_or_default()
    }

    async fn run(
        &self,
        operation: Value,
        context: &RunContext,
        _progress: &Progress,
    ) -> Result<StepDone, StepError> {
        role::run(operation_of(operation)?, context).await
    }
}

#[async_trait]
impl Kind for RbacBindingKind {
    fn name(&self) -> &'static str {
        "rbac-binding"
    }

    // The roles' kind has read the bindings.
    async fn read(&self, _request: &Request, _reader: &LiveReader) {}

    fn plan(&self, request: &Request, live: &Live, draft: &mut PlanDraft) {
        if is_asked(request) {
            binding::plan(request, live, draft);
        }
    }

    fn access_reviews(&self, operation: &Value) -> Vec<AccessReview> {
        serde_json::from_value::<binding::Operation>(operation.clone())
            .map(|operation| operation.access_reviews())
            .unwrap_or_default()
    }

    async fn run(
        &self,
        operation: Value,
        context: &RunContext,
        _progress: &Progress,
    ) -> Result<StepDone, StepError> {
        binding::run(operation_of(operation)?, context).await
    }
}

/// The role that a binding gives.
fn role_key(binding: &RbacBinding) -> RoleKey {
    let namespace = binding.namespace.clone().filter(|_| binding.role_kind == "Role");
    (namespace, binding.role_name.clone())
}

fn review(verb: &str, namespace: Option<&String>, resource: (&str, &str)) -> AccessReview {
    let (namespaced, clusterwide) = resource;
    AccessReview {
        verb: verb.to_owned(),
        group: GROUP.to_owned(),
        resource: if namespace.is_some() {
            namespaced
        } else {
            clusterwide
        }
        .to_owned(),
        namespace: namespace.cloned(),
    }
}

/// The resources of roles, with and without a namespace.
const ROLES: (&str, &str) = ("roles", "clusterroles");
/// Those of bindings.
const BINDINGS: (&str, &str) = ("rolebindings", "clusterrolebindings");

/// Whether a live role is what is wanted, in all that eksact says of one.
fn same_rules(live: &RbacRole, wanted: &RbacRole) -> bool {
    rules::normal(&live.rules) == rules::normal(&wanted.rules)
}
