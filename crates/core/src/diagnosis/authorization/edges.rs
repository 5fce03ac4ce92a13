//! Which rights make somebody a service account, a user or a group: one edge for each holder of each.

use std::{collections::HashSet, sync::Arc};

use super::{
    actor::Known,
    holders::{Holder, Index, Names},
    ways::tokens_in_secrets,
};
use eksact_identity::rbac::Request;

/// What makes somebody each service account of a namespace: verb, API group, resource, in words.
const OF_NAMESPACE: [(&[&str], &str, &str, &str); 12] = [
    (&["create", "update", "patch"], "", "pods", "pods"),
    (
        &["create", "update", "patch"],
        "apps",
        "deployments",
        "deployments",
    ),
    (
        &["create", "update", "patch"],
        "apps",
        "statefulsets",
        "stateful sets",
    ),
    (
        &["create", "update", "patch"],
        "apps",
        "daemonsets",
        "daemon sets",
    ),
    (
        &["create", "update", "patch"],
        "apps",
        "replicasets",
        "replica sets",
    ),
    (
        &["create", "update", "patch"],
        "",
        "replicationcontrollers",
        "replication controllers",
    ),
    (&["create", "update", "patch"], "batch", "jobs", "jobs"),
    (&["create", "update", "patch"], "batch", "cronjobs", "cron jobs"),
    (&["create", "get"], "", "pods/exec", "commands in pods (exec)"),
    (
        &["create", "get"],
        "",
        "pods/attach",
        "processes in pods (attach)",
    ),
    (
        &["update", "patch"],
        "",
        "pods/ephemeralcontainers",
        "containers in running pods (debug)",
    ),
    (
        &["create"],
        "",
        "serviceaccounts/token",
        "tokens of service accounts",
    ),
];

/// One way of becoming service accounts of a namespace, or users, or groups.
pub(super) struct Edge<'a> {
    pub(super) holder: Holder<'a>,
    pub(super) by: Arc<str>,
    pub(super) depends_on: Option<String>,
    /// Whether it is limited to those that the holder's rule names.
    pub(super) is_limited: bool,
    /// Whether it gives what a pod gets, and not only rights in the cluster.
    pub(super) gives_pods: bool,
}

impl Edge<'_> {
    pub(super) fn is_for_all(&self) -> bool {
        !self.is_limited || self.holder.names.is_empty()
    }

    pub(super) fn is_for(&self, name: &str) -> bool {
        self.is_limited && self.holder.names.iter().any(|own| own == name)
    }
}

pub(super) fn actors<'a>(holders: &[Holder<'a>]) -> HashSet<Known<'a>> {
    holders.iter().map(|holder| holder.who).collect()
}

/// What a way depends on that is limited to objects of these names.
pub(super) fn limited(names: &[String], what: &str) -> Option<String> {
    (!names.is_empty()).then(|| format!("it is limited to the {what} {}", names.join(", ")))
}

/// Ways that are limited to the targets of a rule's names.
pub(super) fn edges<'a>(
    index: &Index<'a>,
    verb: &str,
    group: &str,
    resource: &str,
    namespace: Option<&str>,
    by: &str,
) -> Vec<Edge<'a>> {
    let holders = index.holders(&Request::of(verb, group, resource, namespace), Names::Any);
    let by: Arc<str> = by.into();
    let edge = |holder: Holder<'a>| Edge {
        by: Arc::clone(&by),
        depends_on: None,
        is_limited: true,
        gives_pods: verb != "impersonate",
        holder,
    };
    holders.into_iter().map(edge).collect()
}

/// `get nodes/proxy` runs commands in every pod of a node, past admission.
pub(super) fn nodes<'a>(index: &Index<'a>) -> Vec<Edge<'a>> {
    let mut found = Vec::new();
    for verb in ["get", "create"] {
        let by = "runs commands in the pods of nodes (nodes/proxy)";
        for mut edge in edges(index, verb, "", "nodes/proxy", None, by) {
            edge.depends_on = Some(match limited(edge.holder.names, "nodes") {
                Some(limited) => format!("a pod of the service account runs; {limited}"),
                None => "a pod of the service account runs".to_owned(),
            });
            edge.is_limited = false;
            found.push(edge);
        }
    }
    found
}

pub(super) fn of_namespace<'a>(index: &Index<'a>, namespace: &str, version: Option<&str>) -> Vec<Edge<'a>> {
    let mut found = edges(
        index,
        "impersonate",
        "",
        "serviceaccounts",
        Some(namespace),
        &format!("impersonates service accounts of namespace {namespace}"),
    );
    for (verbs, group, resource, words) in OF_NAMESPACE {
        for verb in verbs {
            let is_token = resource == "serviceaccounts/token";
            let by = match (*verb, resource) {
                ("get" | "create", "pods/exec" | "pods/attach") => {
                    format!("runs {words} of namespace {namespace}")
                }
                (_, "pods/ephemeralcontainers") => format!("adds {words} of namespace {namespace}"),
                ("create", _) => format!("creates {words} in namespace {namespace}"),
                _ => format!("changes {words} of namespace {namespace}"),
            };
            let runs =
                |resource: &str| resource.starts_with("pods/") || (resource == "pods" && *verb != "create");
            for mut edge in edges(index, verb, group, resource, Some(namespace), &by) {
                if !is_token {
                    let mut depends: Vec<String> = Vec::new();
                    if *verb == "get" {
                        match websocket_needs_create(version) {
                            Some(true) => continue,
                            Some(false) => {}
                            None => depends.push(
                                "the version of Kubernetes: up to 1.34 `get` alone is enough".to_owned(),
                            ),
                        }
                    }
                    if runs(resource) {
                        depends.push("a pod of the service account runs".to_owned());
                    }
                    depends.extend(limited(edge.holder.names, resource));
                    edge.is_limited = false;
                    edge.depends_on = (!depends.is_empty()).then(|| depends.join("; "));
                }
                found.push(edge);
            }
        }
    }
    found.extend(tokens_in_secrets(index, namespace));
    // What is sure before what depends, so that the surest way is told.
    found.sort_by_key(|edge| edge.depends_on.is_some());
    found
}

/// Whether `exec` by websocket needs `create` beside `get` (from 1.35: `AuthorizePodWebsocketUpgradeCreatePermission`).
fn websocket_needs_create(version: Option<&str>) -> Option<bool> {
    let (major, minor) = version?.split_once('.')?;
    let minor: u32 = minor.parse().ok()?;
    Some(major != "1" || minor >= 35)
}
