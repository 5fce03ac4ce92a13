//! Who can become somebody who may: never counted among those who may. A creator of pods is each service account of the
//! namespace, a writer of bindings whoever the roles allow to be, a writer of aws-auth anybody.
//!
//! Sources: kubernetes.io, "RBAC good practices"; `pkg/registry/rbac/{clusterrole,rolebinding}/policybased/storage.go` for
//! `bind` and `escalate`; `endpoints/filters/impersonation`. Custom resources whose controllers make pods are not known here.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use schemars::JsonSchema;
use serde::Serialize;

use super::{
    holders::{Actor, Holder, Index, Names},
    rights::{Reason, Rights, Verdict},
    who_can::Row,
};
use crate::live::{AWS_AUTH, AWS_AUTH_NAMESPACE, RBAC_GROUP};
use eksact_identity::rbac::Request;

/// Somebody who can become somebody who may.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Becomes {
    /// Who.
    #[serde(flatten)]
    pub actor: Actor,
    /// Yes, or that it depends.
    pub verdict: Verdict,
    /// Whom it can become: `service account app/web`, `anybody`.
    pub becomes: String,
    /// How: `creates pods in namespace app`.
    pub by: String,
    /// As what it may do that, where the binding names something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
    /// What allows it.
    pub reason: Reason,
    /// What it depends on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depends_on: Option<String>,
}

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
struct Edge {
    holder: Holder,
    by: String,
    depends_on: Option<String>,
    /// Those that it is limited to; none for all.
    targets: Vec<String>,
}

/// Everybody who can become one of `direct`, or whoever may do this, and is none of them.
pub(super) fn becoming(
    rights: &Rights<'_>,
    index: &Index<'_>,
    request: &Request,
    direct: &[Row],
) -> Vec<Becomes> {
    let mut search = Search {
        rights,
        index,
        known: direct
            .iter()
            .filter(|row| row.verdict == Verdict::Yes)
            .map(|row| row.actor.clone())
            .collect(),
        queue: VecDeque::new(),
        found: BTreeSet::new(),
        namespaces: BTreeMap::new(),
        done: BTreeSet::new(),
    };
    search.queue.extend(search.known.iter().cloned());
    search.anybody(request);
    let users = edges(index, "impersonate", "", "users", None, "impersonates");
    let groups = edges(index, "impersonate", "", "groups", None, "impersonates");
    // A group is impersonated together with some user.
    let with_user: BTreeSet<Actor> = users.iter().map(|edge| edge.holder.actor.clone()).collect();
    let groups: Vec<Edge> = groups
        .into_iter()
        .filter(|edge| with_user.contains(&edge.holder.actor))
        .collect();
    let nodes = nodes(index);
    while let Some(target) = search.queue.pop_front() {
        match &target {
            Actor::ServiceAccount { namespace, name } => {
                search.account(namespace, name, &target);
                search.take(&nodes, &target, None);
            }
            Actor::User { name } => search.take(&users, &target, Some(name)),
            Actor::Group { name } => search.take(&groups, &target, Some(name)),
            // Whom IAM lets become it is not known here.
            Actor::IamPrincipal { .. } => {}
        }
    }
    search.found.into_iter().collect()
}

struct Search<'s, 'p> {
    rights: &'s Rights<'p>,
    index: &'s Index<'s>,
    /// Those who may, and those who can become them.
    known: BTreeSet<Actor>,
    queue: VecDeque<Actor>,
    found: BTreeSet<Becomes>,
    /// What makes somebody service accounts, by namespace.
    namespaces: BTreeMap<String, Vec<Edge>>,
    /// Namespaces of which the ways to every service account were gone.
    done: BTreeSet<String>,
}

impl Search<'_, '_> {
    /// Whoever may give itself, or be given, everything.
    fn anybody(&mut self, request: &Request) {
        let namespace = request.namespace.as_deref();
        for (kind, role_kind) in [("rolebindings", "roles"), ("clusterrolebindings", "clusterroles")] {
            // A ClusterRoleBinding is for every namespace; a RoleBinding for requests in its own.
            let place = if kind == "clusterrolebindings" {
                None
            } else {
                namespace
            };
            if kind == "rolebindings" && namespace.is_none() {
                continue;
            }
            let all = |verbs: &[&str], resource: &str| -> Vec<Holder> {
                let one = |verb: &&str| {
                    self.index
                        .holders(&Request::of(verb, RBAC_GROUP, resource, place), Names::Any)
                };
                verbs.iter().flat_map(one).collect()
            };
            let bind = all(&["bind"], "clusterroles");
            let escalate = all(&["escalate"], role_kind);
            let writes_bindings = actors(&all(&["create", "update", "patch"], kind));
            let writes_roles = actors(&all(&["update", "patch"], role_kind));
            let whole = place.map_or_else(
                || "the whole cluster".to_owned(),
                |namespace| format!("namespace {namespace}"),
            );
            for (holders, may_write, by) in [
                (
                    bind,
                    writes_bindings,
                    format!("binds any role with {kind} in {whole}"),
                ),
                (
                    escalate,
                    writes_roles,
                    format!("writes any rule into its {role_kind} in {whole}"),
                ),
            ] {
                for holder in holders
                    .into_iter()
                    .filter(|holder| may_write.contains(&holder.actor))
                {
                    let depends_on = limited(&holder.names, "roles");
                    self.add(&holder, "whoever it wants to be", &by, depends_on);
                }
            }
        }
        if self.rights.picture.reads_aws_auth() {
            for verb in ["update", "patch"] {
                let request = Request::of(verb, "", "configmaps", Some(AWS_AUTH_NAMESPACE)).named(AWS_AUTH);
                for holder in self.index.holders(&request, Names::Asked) {
                    let by = "writes aws-auth, which maps IAM principals to any user and group";
                    self.add(&holder, "whoever it wants to be", by, None);
                }
            }
        }
    }

    /// The ways to a service account.
    fn account(&mut self, namespace: &str, name: &str, target: &Actor) {
        if !self.namespaces.contains_key(namespace) {
            let edges = of_namespace(self.index, namespace, self.rights.picture.version.as_deref());
            self.namespaces.insert(namespace.to_owned(), edges);
        }
        let Some(edges) = self.namespaces.remove(namespace) else {
            return;
        };
        let is_first = self.done.insert(namespace.to_owned());
        for edge in &edges {
            let is_for_all = edge.targets.is_empty();
            if (is_for_all && is_first) || edge.targets.iter().any(|own| own == name) {
                self.step(edge, target);
            }
        }
        self.namespaces.insert(namespace.to_owned(), edges);
    }

    /// The ways to a target of this name.
    fn take(&mut self, edges: &[Edge], target: &Actor, name: Option<&String>) {
        for edge in edges {
            if edge.targets.is_empty() || name.is_some_and(|name| edge.targets.contains(name)) {
                self.step(edge, target);
            }
        }
    }

    fn step(&mut self, edge: &Edge, target: &Actor) {
        let becomes = format!("{} {}", target.kind(), target.name());
        self.add(&edge.holder, &becomes, &edge.by, edge.depends_on.clone());
    }

    /// Adds somebody, once: the first way that is found is the shortest.
    fn add(&mut self, holder: &Holder, becomes: &str, by: &str, depends_on: Option<String>) {
        let (Some(reason), false) = (&holder.reason, self.known.contains(&holder.actor)) else {
            return;
        };
        self.known.insert(holder.actor.clone());
        self.queue.push_back(holder.actor.clone());
        self.found.insert(Becomes {
            actor: holder.actor.clone(),
            verdict: if depends_on.is_none() {
                Verdict::Yes
            } else {
                Verdict::Depends
            },
            becomes: becomes.to_owned(),
            by: by.to_owned(),
            via: holder.via.clone(),
            reason: reason.clone(),
            depends_on,
        });
    }
}

fn actors(holders: &[Holder]) -> BTreeSet<Actor> {
    holders.iter().map(|holder| holder.actor.clone()).collect()
}

/// What a way depends on that is limited to objects of these names.
fn limited(names: &[String], what: &str) -> Option<String> {
    (!names.is_empty()).then(|| format!("it is limited to the {what} {}", names.join(", ")))
}

/// Ways that are limited to the targets of a rule's names.
fn edges(
    index: &Index<'_>,
    verb: &str,
    group: &str,
    resource: &str,
    namespace: Option<&str>,
    by: &str,
) -> Vec<Edge> {
    let holders = index.holders(&Request::of(verb, group, resource, namespace), Names::Any);
    let edge = |holder: Holder| Edge {
        by: by.to_owned(),
        depends_on: None,
        targets: holder.names.clone(),
        holder,
    };
    holders.into_iter().map(edge).collect()
}

/// `get nodes/proxy` runs commands in every pod of a node, past admission.
fn nodes(index: &Index<'_>) -> Vec<Edge> {
    let mut found = Vec::new();
    for verb in ["get", "create"] {
        let by = "runs commands in the pods of nodes (nodes/proxy)";
        for mut edge in edges(index, verb, "", "nodes/proxy", None, by) {
            edge.depends_on = Some(match limited(&edge.targets, "nodes") {
                Some(limited) => format!("a pod of the service account runs; {limited}"),
                None => "a pod of the service account runs".to_owned(),
            });
            edge.targets = Vec::new();
            found.push(edge);
        }
    }
    found
}

fn of_namespace(index: &Index<'_>, namespace: &str, version: Option<&str>) -> Vec<Edge> {
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
                    depends.extend(limited(&edge.targets, resource));
                    edge.targets = Vec::new();
                    edge.depends_on = (!depends.is_empty()).then(|| depends.join("; "));
                }
                found.push(edge);
            }
        }
    }
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
