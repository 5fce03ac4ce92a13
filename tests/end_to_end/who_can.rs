//! Random clusters in a real kube-apiserver: what our evaluation of RBAC answers, its own `SubjectAccessReview` does, question by
//! question, and who may is whoever it allows.
//!
//! `EKSACT_CLUSTERS` says how many clusters; each is asked 67 questions, and for two of them every subject. The servers are
//! read as the commands read them, built-in roles and bindings included.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, Command, Stdio},
};

use eksact_core::{
    diagnosis::{
        authorization::{Account, Actor, Picture, Read, Rights, Verdict, WhoCan, who_can},
        aws_authorization::AwsPicture,
    },
    guard::access::Admitted,
    ports::kubernetes::{Object as _, RbacBinding, RbacRole},
};
use eksact_identity::rbac::{AUTHENTICATED, NODES, On, Request, groups_of_service_account};
use serde_json::{Value, json};

use super::bed::{Bed, until};

const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1";
const REVIEWS: &str = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
const LABEL: &str = "random=cluster";
const NAMESPACES: [&str; 3] = ["app", "ops", "dev"];
const USERS: [&str; 5] = [
    "nina",
    "bob",
    "Nina",
    "system:serviceaccount:app:web",
    "system:anonymous",
];
const GROUPS: [&str; 5] = [
    "devs",
    "Devs",
    "system:masters",
    "system:serviceaccounts:ops",
    "viewers",
];
const ACCOUNTS: [&str; 3] = ["web", "ci", "absent"];
const VERBS: [&str; 9] = [
    "get",
    "list",
    "create",
    "delete",
    "deletecollection",
    "impersonate",
    "bind",
    "escalate",
    "Get",
];
const RESOURCES: [(&str, &str); 12] = [
    ("", "pods"),
    ("", "pods/exec"),
    ("", "pods/log"),
    ("", "secrets"),
    ("", "nodes"),
    ("", "namespaces"),
    ("", "serviceaccounts/token"),
    ("apps", "deployments"),
    ("apps", "deployments/scale"),
    ("batch", "jobs"),
    ("example.com", "widgets"),
    ("rbac.authorization.k8s.io", "clusterroles"),
];
const NAMES: [&str; 3] = ["web", "api", "*"];
const URLS: [&str; 7] = [
    "/healthz",
    "/healthz/etcd",
    "/metrics",
    "/api",
    "/apis/x",
    "/",
    "/a/*/xy",
];
/// Questions for each cluster.
const QUESTIONS: usize = 67;

/// Numbers that look random and are the same in every run (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(limit).unwrap()).unwrap()
    }

    fn is_one_in(&mut self, limit: usize) -> bool {
        self.below(limit) == 0
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    fn some(&mut self, all: &[&str], everything: &str) -> Vec<String> {
        if self.is_one_in(6) {
            return vec![everything.to_owned()];
        }
        (0..=self.below(3)).map(|_| self.of(all).to_owned()).collect()
    }

    fn rule(&mut self, may_have_urls: bool) -> Value {
        if may_have_urls && self.is_one_in(5) {
            let urls = [
                "/healthz",
                "/healthz/*",
                "/metrics",
                "*",
                "/api**",
                "/a/*/x*",
                "/apis*",
            ];
            return json!({"verbs": self.some(&["get", "post", "head"], "*"), "nonResourceURLs": self.some(&urls, "*")});
        }
        let mut resources = self.some(&RESOURCES.map(|(_, resource)| resource), "*");
        if self.is_one_in(4) {
            let odd = ["*/scale", "*/exec", "pods/*", "*/*", "pod*", "*/log"];
            resources.push(self.of(&odd).to_owned());
        }
        let mut rule = json!({
            "verbs": self.some(&VERBS, "*"),
            "apiGroups": self.some(&["", "apps", "batch", "example.com", "rbac.authorization.k8s.io"], "*"),
            "resources": resources,
        });
        if self.is_one_in(4) {
            rule["resourceNames"] = json!(self.some(&NAMES, "web"));
        }
        rule
    }

    fn rules(&mut self, may_have_urls: bool) -> Vec<Value> {
        (0..self.below(4)).map(|_| self.rule(may_have_urls)).collect()
    }

    fn subject(&mut self) -> Value {
        const GROUP: &str = "rbac.authorization.k8s.io";
        match self.below(4) {
            0 => json!({"kind": "User", "apiGroup": GROUP, "name": self.of(&USERS)}),
            1 => json!({"kind": "Group", "apiGroup": GROUP, "name": self.of(&GROUPS)}),
            2 if self.is_one_in(4) => json!({"kind": "Group", "apiGroup": GROUP, "name": AUTHENTICATED}),
            _ => json!({
                "kind": "ServiceAccount", "name": self.of(&ACCOUNTS), "namespace": self.of(&NAMESPACES)
            }),
        }
    }

    /// A cluster: paths and objects, in an order in which they can be made.
    fn cluster(&mut self) -> Vec<(String, Value)> {
        let mut made = Vec::new();
        let roles = 2 + self.below(4);
        for number in 0..roles {
            let name = format!("r{number}");
            // The rules of an aggregated role are what is stored; this server has no controller that would fill them.
            let aggregation = self
                .is_one_in(4)
                .then(|| json!({"clusterRoleSelectors": [{"matchLabels": {"to": "it"}}]}));
            let mut role = json!({"metadata": {"name": name}, "rules": self.rules(true)});
            if let Some(aggregation) = aggregation {
                role["aggregationRule"] = aggregation;
            }
            made.push((format!("{RBAC}/clusterroles"), role));
            let role = json!({"metadata": {"name": name}, "rules": self.rules(false)});
            made.push((format!("{RBAC}/namespaces/{}/roles", self.of(&NAMESPACES)), role));
        }
        for number in 0..(4 + self.below(8)) {
            let subjects: Vec<Value> = (0..self.below(3)).map(|_| self.subject()).collect();
            // One that is not there, now and then.
            let role = format!("r{}", self.below(roles + 1));
            let is_local = self.is_one_in(2);
            let kind = if is_local && self.is_one_in(2) {
                "Role"
            } else {
                "ClusterRole"
            };
            let binding = json!({
                "metadata": {"name": format!("b{number}")},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role},
                "subjects": subjects,
            });
            let path = if is_local {
                format!("{RBAC}/namespaces/{}/rolebindings", self.of(&NAMESPACES))
            } else {
                format!("{RBAC}/clusterrolebindings")
            };
            made.push((path, binding));
        }
        made
    }

    fn request(&mut self) -> Request {
        if self.is_one_in(6) {
            return Request {
                verb: self.of(&["get", "post", "head"]).to_owned(),
                on: On::Url {
                    url: self.of(&URLS).to_owned(),
                },
                namespace: None,
            };
        }
        let (group, resource) = self.of(&RESOURCES);
        let namespace = (!self.is_one_in(4)).then(|| self.of(&NAMESPACES));
        let request = Request::of(self.of(&VERBS), group, resource, namespace);
        if self.is_one_in(2) {
            request.named(self.of(&NAMES))
        } else {
            request
        }
    }

    fn user(&mut self) -> Admitted {
        let everybody = everyone();
        let mut user = everybody[self.below(everybody.len())].1.clone();
        if self.is_one_in(3) {
            user.groups.push(self.of(&GROUPS).to_owned());
        }
        user
    }
}

/// Every subject that a binding may name, as the server knows it.
fn everyone() -> Vec<(Actor, Admitted)> {
    let user = |name: &str, groups: &[&str]| Admitted {
        username: name.to_owned(),
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
    };
    let mut all = Vec::new();
    for name in USERS {
        let is_plain = !name.starts_with("system:");
        if is_plain {
            all.push((
                Actor::User {
                    name: name.to_owned(),
                },
                user(name, &[AUTHENTICATED]),
            ));
        }
    }
    for name in GROUPS {
        let admitted = user("somebody", &[name, AUTHENTICATED]);
        all.push((
            Actor::Group {
                name: name.to_owned(),
            },
            admitted,
        ));
    }
    for namespace in NAMESPACES {
        for name in ACCOUNTS {
            let admitted = Admitted {
                username: format!("system:serviceaccount:{namespace}:{name}"),
                groups: groups_of_service_account(namespace),
            };
            let actor = Actor::ServiceAccount {
                namespace: namespace.to_owned(),
                name: name.to_owned(),
            };
            all.push((actor, admitted));
        }
    }
    all
}

/// The API server by way of `kubectl proxy`, which keeps its connections.
struct Proxy {
    child: Child,
    address: String,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Proxy {
    fn start(bed: &Bed) -> Self {
        let mut child = Command::new(bed.facts["binaries"]["kubectl"].as_str().unwrap())
            .args(["--kubeconfig", bed.fact("admin_kubeconfig"), "proxy", "--port=0"])
            .env_clear()
            .env("HOME", bed.home.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line.trim().rsplit(' ').next().unwrap().to_owned();
        Self { child, address }
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.0\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(
            head.contains(" 200 ") || head.contains(" 201 "),
            "{method} {path}: {answer}"
        );
        serde_json::from_str(body).unwrap()
    }

    /// What the server itself says.
    fn allows(&self, user: &Admitted, request: &Request) -> bool {
        let mut spec = json!({"user": user.username, "groups": user.groups});
        match &request.on {
            On::Url { url } => spec["nonResourceAttributes"] = json!({"verb": request.verb, "path": url}),
            On::Resource {
                group,
                resource,
                subresource,
                name,
            } => {
                spec["resourceAttributes"] = json!({
                    "verb": request.verb, "group": group, "resource": resource, "subresource": subresource, "name": name,
                    "namespace": request.namespace,
                });
            }
        }
        let answer = self.call("POST", REVIEWS, &json!({"spec": spec}));
        answer["status"]["allowed"].as_bool().unwrap()
    }

    /// Takes the last cluster away and makes this one, until the authorizer has seen all of it: each of its four caches keeps
    /// the order of writes, so that what was written last is seen last.
    fn make(&self, number: usize, objects: &[(String, Value)]) {
        let kinds = ["clusterrolebindings", "clusterroles"];
        let local = NAMESPACES
            .map(|namespace| ["rolebindings", "roles"].map(|kind| format!("namespaces/{namespace}/{kind}")));
        for kind in kinds.map(ToOwned::to_owned).iter().chain(local.iter().flatten()) {
            self.call(
                "DELETE",
                &format!("{RBAC}/{kind}?labelSelector={LABEL}"),
                &Value::Null,
            );
        }
        let last = format!("last-{number}");
        let watcher = format!("watcher-{number}");
        let rules = json!([{"verbs": ["get"], "apiGroups": ["last"], "resources": ["last"]}]);
        let mut all = objects.to_vec();
        for (role, place) in [
            ("ClusterRole", RBAC.to_owned()),
            ("Role", format!("{RBAC}/namespaces/app")),
        ] {
            let kind = role.to_lowercase();
            all.push((
                format!("{place}/{kind}s"),
                json!({"metadata": {"name": last}, "rules": rules}),
            ));
            all.push((
                format!("{place}/{kind}bindings"),
                json!({
                    "metadata": {"name": last},
                    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": role, "name": last},
                    "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": format!("{watcher}-{role}")}],
                }),
            ));
        }
        for (path, mut object) in all {
            object["metadata"]["labels"] = json!({"random": "cluster"});
            // Two of the random objects may have one name; the first counts.
            let name = object["metadata"]["name"].as_str().unwrap().to_owned();
            let known = self.call(
                "GET",
                &format!("{path}?fieldSelector=metadata.name={name}"),
                &Value::Null,
            );
            if known["items"].as_array().unwrap().is_empty() {
                self.call("POST", &path, &object);
            }
        }
        for role in ["ClusterRole", "Role"] {
            let user = Admitted {
                username: format!("{watcher}-{role}"),
                groups: Vec::new(),
            };
            let request = Request::of("get", "last", "last", Some("app"));
            until("the authorizer's caches", || self.allows(&user, &request));
        }
    }

    fn list<T>(&self, kind: &str, read: impl Fn(Value) -> T) -> Vec<T> {
        let mut listed = self.call("GET", &format!("{RBAC}/{kind}"), &Value::Null);
        let items = listed["items"].as_array_mut().unwrap();
        items.drain(..).map(read).collect()
    }

    fn picture(&self) -> Picture {
        let role = |value| RbacRole::from_wire(value).unwrap();
        let binding = |value| RbacBinding::from_wire(value).unwrap();
        let roles = [self.list("clusterroles", role), self.list("roles", role)];
        let bindings = [
            self.list("clusterrolebindings", binding),
            self.list("rolebindings", binding),
        ];
        let accounts = NAMESPACES.iter().flat_map(|namespace| {
            let existing = ACCOUNTS.iter().filter(|name| **name != "absent");
            existing.map(|name| Account {
                namespace: (*namespace).to_owned(),
                name: (*name).to_owned(),
                role_arn: None,
                annotations: None,
            })
        });
        Picture {
            cluster: "random".to_owned(),
            region: "us-west-2".to_owned(),
            account: "111122223333".to_owned(),
            version: Some("1.36".to_owned()),
            authentication_mode: Some("API".to_owned()),
            aws_auth: Read::Known(None),
            access_entries: Read::Known(Vec::new()),
            principals: std::collections::BTreeMap::new(),
            bindings: Read::Known(bindings.concat()),
            roles: Read::Known(roles.concat()),
            service_accounts: Read::Known(accounts.collect()),
            aws: AwsPicture::not_read("it is not asked for"),
        }
    }
}

/// Whether somebody is among those who may, by itself or by a group that is.
fn is_among(answer: &WhoCan, actor: &Actor, user: &Admitted) -> bool {
    answer
        .direct
        .iter()
        .filter(|row| row.verdict == Verdict::Yes)
        .any(|row| match &row.actor {
            Actor::Group { name } => user.groups.contains(name),
            own => own == actor,
        })
}

#[test]
fn who_can_and_can_i_answer_as_the_server_does() {
    let clusters: usize = std::env::var("EKSACT_CLUSTERS").map_or(8, |count| count.parse().unwrap());
    let bed = Bed::start();
    let proxy = Proxy::start(&bed);
    for namespace in NAMESPACES {
        proxy.call(
            "POST",
            "/api/v1/namespaces",
            &json!({"metadata": {"name": namespace}}),
        );
    }
    let mut dice = Dice(14);
    let (mut asked, mut allowed, mut subjects) = (0, 0, 0);
    let mut differences = Vec::new();
    for number in 0..clusters {
        let objects = dice.cluster();
        proxy.make(number, &objects);
        let picture = proxy.picture();
        let rights = Rights::of(&picture);
        for _ in 0..QUESTIONS {
            let (user, request) = (dice.user(), dice.request());
            let real = proxy.allows(&user, &request);
            let ours = rights.decide(&user, None, &request).verdict;
            // No node is among the users, so that nothing depends on their authorizer.
            let expected = if real { Verdict::Yes } else { Verdict::No };
            assert!(!user.is_in(NODES));
            if ours != expected {
                differences.push(format!(
                    "cluster {number}: {user:?} {request}: {ours:?}, the server says {real}"
                ));
            }
            asked += 1;
            allowed += usize::from(real);
        }
        for _ in 0..2 {
            let request = dice.request();
            let answer = who_can(&rights, &request);
            for (actor, user) in everyone() {
                let real = proxy.allows(&user, &request);
                if is_among(&answer, &actor, &user) != real {
                    differences.push(format!(
                        "cluster {number}: who can {request}: {actor:?}, the server says {real}"
                    ));
                }
                subjects += 1;
            }
        }
    }
    println!("{clusters} clusters, {asked} questions, {allowed} allowed; who-can: {subjects} subjects");
    assert!(
        differences.is_empty(),
        "{} differences\n{}",
        differences.len(),
        differences.join("\n")
    );
    // Random questions that are all refused would show nothing.
    assert!(
        allowed * 10 > asked && allowed * 10 < asked * 9,
        "{allowed} of {asked}"
    );
}
