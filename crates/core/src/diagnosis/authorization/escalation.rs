//! Who can become somebody who may: never counted among those who may. A creator of pods is each service account of the
//! namespace, a writer of bindings whoever the roles allow to be, a writer of aws-auth anybody.
//!
//! Sources: kubernetes.io, "RBAC good practices"; `pkg/registry/rbac/{clusterrole,rolebinding}/policybased/storage.go` for
//! `bind` and `escalate`; `endpoints/filters/impersonation`. Custom resources whose controllers make pods are not known here.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque, hash_map::Entry};

use schemars::JsonSchema;
use serde::Serialize;

use super::{
    actor::{Actor, Known},
    edges::{Edge, edges, limited, nodes, of_namespace},
    holders::{Holder, Index, Names},
    picture::Read,
    reach::{Namespaces, Place, Reach},
    rights::{Reason, Rights, Verdict},
    ways,
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
    /// In which namespaces it may then, where each is asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespaces: Option<Namespaces>,
}

/// Everybody who can become one of `targets`, or whoever may do this, and is none of them; and where that gives it.
pub(super) fn becoming<'s>(
    rights: &'s Rights<'_>,
    index: &'s Index<'s>,
    request: &Request,
    place: &'s Place<'s>,
    targets: BTreeMap<Known<'s>, Reach<'s>>,
) -> Vec<(Becomes, Reach<'s>)> {
    let targets = targets
        .into_iter()
        .map(|(target, reach)| (target, Aim::Rights, reach));
    let mut search = Search::of(rights, index, targets);
    search.anybody(request.namespace.as_deref(), place);
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
        .map(|(namespace, name)| (Known::Account(namespace, name), Aim::Pods, Reach::Everywhere));
    let mut search = Search::of(rights, &index, targets);
    // Bindings and aws-auth make somebody whoever may create pods there.
    let namespaces: BTreeSet<&str> = accounts.keys().map(|(namespace, _)| namespace.as_str()).collect();
    for namespace in namespaces {
        search.anybody(Some(namespace), &Place::Asked);
    }
    if !accounts.is_empty() {
        search.by_objects();
    }
    let mut found: Vec<Becomes> = search.run().into_iter().map(|(row, _)| row).collect();
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Aim {
    /// Its rights in the cluster.
    Rights,
    /// What its pods get: credentials of AWS, which an impersonated service account does not have.
    Pods,
}

/// Where somebody may, or becomes somebody who may.
struct Told<'s> {
    at: Reach<'s>,
    /// Where that is sure.
    surely: Reach<'s>,
}

struct Search<'s, 'p> {
    rights: &'s Rights<'p>,
    index: &'s Index<'s>,
    /// Those who may, and those who can become them. It is asked for every edge of every target, and the hash that std has was a fifth of
    /// the whole search.
    known: HashMap<Known<'s>, Told<'s>, foldhash::fast::RandomState>,
    /// Those whose ways are still to be gone back, and from where on.
    queue: VecDeque<(Known<'s>, Aim)>,
    waiting: HashMap<(Known<'s>, Aim), Reach<'s>>,
    found: BTreeMap<Becomes, (Known<'s>, Reach<'s>)>,
    /// What makes somebody service accounts, by namespace.
    namespaces: HashMap<&'s str, Vec<Edge<'s>>>,
    /// Where the ways to every service account of a namespace were gone, and for what.
    done: HashMap<(&'s str, Aim), Reach<'s>>,
}

impl<'s, 'p> Search<'s, 'p> {
    fn of(
        rights: &'s Rights<'p>,
        index: &'s Index<'s>,
        targets: impl Iterator<Item = (Known<'s>, Aim, Reach<'s>)>,
    ) -> Self {
        let mut search = Self {
            rights,
            index,
            known: HashMap::default(),
            queue: VecDeque::new(),
            waiting: HashMap::new(),
            found: BTreeMap::new(),
            namespaces: HashMap::new(),
            done: HashMap::new(),
        };
        for (target, aim, reach) in targets {
            let told = Told {
                at: reach.clone(),
                surely: reach.clone(),
            };
            search.known.insert(target, told);
            search.go_back(target, aim, &reach);
        }
        search
    }

    /// Remembers that the ways to somebody are to be gone back: at once for all the places that are found until then.
    fn go_back(&mut self, target: Known<'s>, aim: Aim, reach: &Reach<'s>) {
        match self.waiting.entry((target, aim)) {
            Entry::Occupied(mut waiting) => waiting.get_mut().join(reach),
            Entry::Vacant(none) => {
                none.insert(reach.clone());
                self.queue.push_back((target, aim));
            }
        }
    }

    fn run(mut self) -> Vec<(Becomes, Reach<'s>)> {
        let users = edges(self.index, "impersonate", "", "users", None, "impersonates");
        let groups = edges(self.index, "impersonate", "", "groups", None, "impersonates");
        // A group is impersonated together with some user.
        let with_user: HashSet<Known<'_>> = users.iter().map(|edge| edge.holder.who).collect();
        let groups: Vec<Edge<'_>> = groups
            .into_iter()
            .filter(|edge| with_user.contains(&edge.holder.who))
            .collect();
        let nodes = nodes(self.index);
        let mut of_nodes = Reach::nowhere();
        while let Some((target, aim)) = self.queue.pop_front() {
            let Some(reach) = self.waiting.remove(&(target, aim)) else {
                continue;
            };
            match target {
                Known::Account(namespace, name) => {
                    self.account(namespace, name, target, aim, &reach);
                    // The way is the same to each account.
                    let new = reach.without(&of_nodes);
                    of_nodes.join(&new);
                    self.take(&nodes, target, None, &new);
                }
                Known::User(name) => self.take(&users, target, Some(name), &reach),
                Known::Group(name) => self.take(&groups, target, Some(name), &reach),
                // Whom IAM lets become it is not known here.
                Known::Iam(_) => {}
            }
        }
        let known = &self.known;
        let found = self.found.into_iter().map(|(row, (who, reach))| {
            // What depends is told where nothing is sure.
            let sure = known.get(&who).filter(|_| row.verdict != Verdict::Yes);
            let left = sure.map_or(reach.clone(), |told| reach.without(&told.surely));
            (row, left)
        });
        found.filter(|(_, reach)| !reach.is_nowhere()).collect()
    }

    /// Whoever may give itself, or be given, everything.
    fn anybody(&mut self, namespace: Option<&str>, place: &Place<'s>) {
        // A ClusterRoleBinding is for every namespace; a RoleBinding for requests in its own.
        if namespace.is_some() || matches!(place, Place::Each(_)) {
            self.gives_itself(("rolebindings", "roles"), namespace, place);
        }
        self.gives_itself(("clusterrolebindings", "clusterroles"), None, &Place::Asked);
        self.by_aws_auth();
    }

    /// Whoever may bind any role there, or write any rule into a role.
    fn gives_itself(&mut self, kinds: (&str, &str), namespace: Option<&str>, place: &Place<'s>) {
        let (kind, role_kind) = kinds;
        let index = self.index;
        let all = |verbs: &[&str], resource: &str| -> Vec<(Holder<'s>, Reach<'s>)> {
            let one = |verb: &&str| {
                let request = Request::of(verb, RBAC_GROUP, resource, namespace);
                match place {
                    Place::Asked => index.holders(&request, Names::Any),
                    Place::Each(_) => index.holders_anywhere(&request, Names::Any),
                }
            };
            let holders = verbs.iter().flat_map(one);
            holders.map(|holder| (holder, place.reach(&holder))).collect()
        };
        let whole = |reach: &Reach<'_>| match (place, reach, namespace) {
            (Place::Asked, _, None) => "the whole cluster".to_owned(),
            (Place::Asked, _, Some(namespace)) => format!("namespace {namespace}"),
            (Place::Each(_), Reach::Everywhere, _) => "any namespace".to_owned(),
            (Place::Each(_), Reach::In(names), _) => {
                let names: Vec<&str> = names.iter().copied().collect();
                let word = if names.len() == 1 {
                    "namespace"
                } else {
                    "namespaces"
                };
                format!("{word} {}", names.join(", "))
            }
        };
        let bind = all(&["bind"], "clusterroles");
        let escalate = all(&["escalate"], role_kind);
        let writes_bindings = places(&all(&["create", "update", "patch"], kind));
        let writes_roles = places(&all(&["update", "patch"], role_kind));
        for (holders, may_write, by) in [
            (bind, writes_bindings, format!("binds any role with {kind} in")),
            (
                escalate,
                writes_roles,
                format!("writes any rule into its {role_kind} in"),
            ),
        ] {
            for (holder, reach) in holders {
                let Some(writes) = may_write.get(&holder.who) else {
                    continue;
                };
                let reach = reach.within(writes);
                let depends_on = limited(holder.names, "roles");
                let by = || format!("{by} {}", whole(&reach));
                self.add(&holder, "whoever it wants to be", by, depends_on, &reach);
            }
        }
    }

    /// Whoever maps itself to whom it wants to be.
    fn by_aws_auth(&mut self) {
        if self.rights.picture.reads_aws_auth() {
            for verb in ["update", "patch"] {
                let request = Request::of(verb, "", "configmaps", Some(AWS_AUTH_NAMESPACE)).named(AWS_AUTH);
                for holder in self.index.holders(&request, Names::Asked) {
                    let by = || "writes aws-auth, which maps IAM principals to any user and group".to_owned();
                    self.add(&holder, "whoever it wants to be", by, None, &Reach::Everywhere);
                }
            }
        }
    }

    /// Whoever makes itself anybody by an object of the cluster.
    fn by_objects(&mut self) {
        let picture = self.rights.picture;
        let makes_aws_auth = picture.reads_aws_auth() && picture.aws_auth == Read::Known(None);
        for way in ways::of_cluster(self.index, makes_aws_auth) {
            let by = || way.by.to_owned();
            self.add(
                &way.holder,
                "whoever it wants to be",
                by,
                way.depends_on,
                &Reach::Everywhere,
            );
        }
    }

    /// The ways to a service account.
    fn account(&mut self, namespace: &'s str, name: &str, target: Known<'s>, aim: Aim, reach: &Reach<'s>) {
        let version = self.rights.picture.version.as_deref();
        let edges = self
            .namespaces
            .remove(namespace)
            .unwrap_or_else(|| of_namespace(self.index, namespace, version));
        let done = self.done.entry((namespace, aim)).or_insert_with(Reach::nowhere);
        let new = reach.without(done);
        done.join(&new);
        for edge in edges.iter().filter(|edge| aim == Aim::Rights || edge.gives_pods) {
            if edge.is_for_all() {
                self.step(edge, target, &new);
            } else if edge.is_for(name) {
                self.step(edge, target, reach);
            }
        }
        self.namespaces.insert(namespace, edges);
    }

    /// The ways to a target of this name.
    fn take(&mut self, edges: &[Edge<'s>], target: Known<'s>, name: Option<&str>, reach: &Reach<'s>) {
        for edge in edges {
            if edge.is_for_all() || name.is_some_and(|name| edge.is_for(name)) {
                self.step(edge, target, reach);
            }
        }
    }

    fn step(&mut self, edge: &Edge<'s>, target: Known<'s>, reach: &Reach<'s>) {
        if !self.is_new(edge.holder.who, reach, edge.depends_on.is_none()) {
            return;
        }
        let target = target.actor();
        let becomes = format!("{} {}", target.kind(), target.name());
        let by = || edge.by.to_string();
        self.add(&edge.holder, &becomes, by, edge.depends_on.clone(), reach);
    }

    /// Whether it says more of somebody: in a place where it is not told, or surer.
    fn is_new(&self, who: Known<'s>, reach: &Reach<'s>, is_sure: bool) -> bool {
        let told = self.known.get(&who);
        let told = told.map(|told| if is_sure { &told.surely } else { &told.at });
        !told.map_or_else(|| reach.is_nowhere(), |told| reach.is_within(told))
    }

    /// Adds somebody, for each place once, and again where that is sure: the first way that is found is the shortest.
    fn add(
        &mut self,
        holder: &Holder<'s>,
        becomes: &str,
        by: impl FnOnce() -> String,
        depends_on: Option<String>,
        reach: &Reach<'s>,
    ) {
        let is_sure = depends_on.is_none();
        if !self.is_new(holder.who, reach, is_sure) {
            return;
        }
        let Some(reason) = holder.reason() else {
            return;
        };
        let known = self.known.entry(holder.who).or_insert_with(|| Told {
            at: Reach::nowhere(),
            surely: Reach::nowhere(),
        });
        let new = reach.without(&known.at);
        known.at.join(&new);
        let told = if is_sure {
            let surer = reach.without(&known.surely);
            known.surely.join(&surer);
            surer
        } else {
            new.clone()
        };
        if !new.is_nowhere() {
            self.go_back(holder.who, Aim::Rights, &new);
        }
        let row = Becomes {
            actor: holder.who.actor(),
            verdict: if is_sure { Verdict::Yes } else { Verdict::Depends },
            becomes: becomes.to_owned(),
            by: by(),
            via: holder.via.words(),
            reason,
            depends_on,
            namespaces: None,
        };
        let (_, all) = self
            .found
            .entry(row)
            .or_insert_with(|| (holder.who, Reach::nowhere()));
        all.join(&told);
    }
}

/// Where each of these may.
fn places<'a>(holders: &[(Holder<'a>, Reach<'a>)]) -> HashMap<Known<'a>, Reach<'a>> {
    let mut found: HashMap<Known<'a>, Reach<'a>> = HashMap::new();
    for (holder, reach) in holders {
        found.entry(holder.who).or_insert_with(Reach::nowhere).join(reach);
    }
    found
}
