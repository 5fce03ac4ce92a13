//! Who can become somebody who may: never counted among those who may. A creator of pods is each service account of the
//! namespace, a writer of bindings whoever the roles allow to be, a writer of aws-auth anybody.
//!
//! Sources: kubernetes.io, "RBAC good practices"; `pkg/registry/rbac/{clusterrole,rolebinding}/policybased/storage.go` for
//! `bind` and `escalate`; `endpoints/filters/impersonation`. Custom resources whose controllers make pods are not known here.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque},
    sync::Arc,
};

use schemars::JsonSchema;
use serde::Serialize;

use super::{
    holders::{Actor, Holder, Index, Known, Names},
    picture::Read,
    rights::{Reason, Rights, Verdict},
    ways::{self, tokens_in_secrets},
    who_can::Row,
};
use crate::live::{AWS_AUTH, AWS_AUTH_NAMESPACE, RBAC_GROUP};
use eksact_identity::{iam::policy::authorization::Answer, rbac::Request};

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
    fn is_for_all(&self) -> bool {
        !self.is_limited || self.holder.names.is_empty()
    }

    fn is_for(&self, name: &str) -> bool {
        self.is_limited && self.holder.names.iter().any(|own| own == name)
    }
}

/// Everybody who can become one of `direct`, or whoever may do this, and is none of them.
pub(super) fn becoming(
    rights: &Rights<'_>,
    index: &Index<'_>,
    request: &Request,
    direct: &[Row],
) -> Vec<Becomes> {
    let sure = direct.iter().filter(|row| row.verdict == Verdict::Yes);
    let targets = sure.filter_map(|row| Known::of(&row.actor));
    let targets: BTreeSet<Known<'_>> = targets.collect();
    let mut search = Search::of(rights, index, targets.iter().map(|target| (*target, Aim::Rights)));
    search.anybody(request.namespace.as_deref());
    search.by_objects();
    search.run()
}

/// Everybody who can become one of these service accounts so that they get what its pods get, the ones apart whose answer
/// is not sure.
pub fn becoming_service_accounts(
    rights: &Rights<'_>,
    accounts: &BTreeMap<(String, String), Answer>,
) -> Vec<Becomes> {
    let index = Index::of(rights);
    let targets = accounts
        .keys()
        .map(|(namespace, name)| (Known::Account(namespace, name), Aim::Pods));
    let mut search = Search::of(rights, &index, targets);
    // Bindings and aws-auth make somebody whoever may create pods there.
    let namespaces: BTreeSet<&str> = accounts.keys().map(|(namespace, _)| namespace.as_str()).collect();
    for namespace in namespaces {
        search.anybody(Some(namespace));
    }
    if !accounts.is_empty() {
        search.by_objects();
    }
    let mut found = search.run();
    let open: HashSet<String> = accounts
        .iter()
        .filter(|(_, answer)| **answer != Answer::Yes)
        .map(|((namespace, name), _)| format!("service account {namespace}/{name}"))
        .collect();
    for row in found.iter_mut().filter(|row| open.contains(&row.becomes)) {
        row.verdict = Verdict::Depends;
        row.depends_on
            .get_or_insert_with(|| "what that service account's role depends on".to_owned());
    }
    found
}

/// What a target is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Aim {
    /// Its rights in the cluster.
    Rights,
    /// What its pods get: credentials of AWS, which an impersonated service account does not have.
    Pods,
}

struct Search<'s, 'p> {
    rights: &'s Rights<'p>,
    index: &'s Index<'s>,
    /// Those who may, and those who can become them.
    known: HashSet<Known<'s>>,
    queue: VecDeque<(Known<'s>, Aim)>,
    found: BTreeSet<Becomes>,
    /// What makes somebody service accounts, by namespace.
    namespaces: HashMap<&'s str, Vec<Edge<'s>>>,
    /// Namespaces of which the ways to every service account were gone, and for what.
    done: Vec<(&'s str, Aim)>,
}

impl<'s, 'p> Search<'s, 'p> {
    fn of(
        rights: &'s Rights<'p>,
        index: &'s Index<'s>,
        targets: impl Iterator<Item = (Known<'s>, Aim)>,
    ) -> Self {
        let queue: VecDeque<_> = targets.collect();
        Self {
            rights,
            index,
            known: queue.iter().map(|(target, _)| *target).collect(),
            queue,
            found: BTreeSet::new(),
            namespaces: HashMap::new(),
            done: Vec::new(),
        }
    }

    fn run(mut self) -> Vec<Becomes> {
        let users = edges(self.index, "impersonate", "", "users", None, "impersonates");
        let groups = edges(self.index, "impersonate", "", "groups", None, "impersonates");
        // A group is impersonated together with some user.
        let with_user: HashSet<Known<'_>> = users.iter().map(|edge| edge.holder.who).collect();
        let groups: Vec<Edge<'_>> = groups
            .into_iter()
            .filter(|edge| with_user.contains(&edge.holder.who))
            .collect();
        let nodes = nodes(self.index);
        while let Some((target, aim)) = self.queue.pop_front() {
            match target {
                Known::Account(namespace, name) => {
                    self.account(namespace, name, target, aim);
                    self.take(&nodes, target, None);
                }
                Known::User(name) => self.take(&users, target, Some(name)),
                Known::Group(name) => self.take(&groups, target, Some(name)),
                // Whom IAM lets become it is not known here.
                Known::Iam(_) => {}
            }
        }
        self.found.into_iter().collect()
    }

    /// Whoever may give itself, or be given, everything.
    fn anybody(&mut self, namespace: Option<&str>) {
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
            let all = |verbs: &[&str], resource: &str| -> Vec<Holder<'s>> {
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
                    .filter(|holder| may_write.contains(&holder.who))
                {
                    let depends_on = limited(holder.names, "roles");
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

    /// Whoever makes itself anybody by an object of the cluster.
    fn by_objects(&mut self) {
        let picture = self.rights.picture;
        let makes_aws_auth = picture.reads_aws_auth() && picture.aws_auth == Read::Known(None);
        for way in ways::of_cluster(self.index, makes_aws_auth) {
            self.add(&way.holder, "whoever it wants to be", way.by, way.depends_on);
        }
    }

    /// The ways to a service account.
    fn account(&mut self, namespace: &'s str, name: &str, target: Known<'s>, aim: Aim) {
        let version = self.rights.picture.version.as_deref();
        let edges = self
            .namespaces
            .remove(namespace)
            .unwrap_or_else(|| of_namespace(self.index, namespace, version));
        let is_first = !self.done.contains(&(namespace, aim));
        if is_first {
            self.done.push((namespace, aim));
        }
        for edge in edges.iter().filter(|edge| aim == Aim::Rights || edge.gives_pods) {
            if (edge.is_for_all() && is_first) || edge.is_for(name) {
                self.step(edge, target);
            }
        }
        self.namespaces.insert(namespace, edges);
    }

    /// The ways to a target of this name.
    fn take(&mut self, edges: &[Edge<'s>], target: Known<'s>, name: Option<&str>) {
        for edge in edges {
            if edge.is_for_all() || name.is_some_and(|name| edge.is_for(name)) {
                self.step(edge, target);
            }
        }
    }

    fn step(&mut self, edge: &Edge<'s>, target: Known<'s>) {
        if self.known.contains(&edge.holder.who) {
            return;
        }
        let target = target.actor();
        let becomes = format!("{} {}", target.kind(), target.name());
        self.add(&edge.holder, &becomes, &edge.by, edge.depends_on.clone());
    }

    /// Adds somebody, once: the first way that is found is the shortest.
    fn add(&mut self, holder: &Holder<'s>, becomes: &str, by: &str, depends_on: Option<String>) {
        if self.known.contains(&holder.who) {
            return;
        }
        let Some(reason) = holder.reason() else {
            return;
        };
        self.known.insert(holder.who);
        self.queue.push_back((holder.who, Aim::Rights));
        self.found.insert(Becomes {
            actor: holder.who.actor(),
            verdict: if depends_on.is_none() {
                Verdict::Yes
            } else {
                Verdict::Depends
            },
            becomes: becomes.to_owned(),
            by: by.to_owned(),
            via: holder.via.words(),
            reason,
            depends_on,
        });
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
fn nodes<'a>(index: &Index<'a>) -> Vec<Edge<'a>> {
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

fn of_namespace<'a>(index: &Index<'a>, namespace: &str, version: Option<&str>) -> Vec<Edge<'a>> {
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
