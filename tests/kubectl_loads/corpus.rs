//! Kubeconfigs: some as people have them, and many made from a whole one by changes at random.

/// Random numbers that are the same on every run (xorshift).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit.max(1)).unwrap()).unwrap()
    }

    fn one_of(&mut self, all: &[&'static str]) -> &'static str {
        all[self.below(all.len())]
    }
}

/// A value, to be written in one line.
#[derive(Clone)]
enum Tree {
    Scalar(&'static str),
    List(Vec<Tree>),
    Map(Vec<(String, Tree)>),
}

impl Tree {
    fn write(&self, text: &mut String) {
        match self {
            Self::Scalar(scalar) => text.push_str(scalar),
            Self::List(items) => {
                text.push('[');
                for item in items {
                    item.write(text);
                    text.push_str(", ");
                }
                text.push(']');
            }
            Self::Map(entries) => {
                text.push('{');
                for (key, value) in entries {
                    text.push_str(key);
                    text.push_str(": ");
                    value.write(text);
                    text.push_str(", ");
                }
                text.push('}');
            }
        }
    }

    fn size(&self) -> usize {
        1 + match self {
            Self::Scalar(_) => 0,
            Self::List(items) => items.iter().map(Self::size).sum(),
            Self::Map(entries) => entries.iter().map(|(_, value)| value.size()).sum(),
        }
    }

    /// The part of this number, in the order of writing.
    fn part(&mut self, mut number: usize) -> Option<&mut Self> {
        if number == 0 {
            return Some(self);
        }
        number -= 1;
        let children: Vec<&mut Self> = match self {
            Self::Scalar(_) => Vec::new(),
            Self::List(items) => items.iter_mut().collect(),
            Self::Map(entries) => entries.iter_mut().map(|(_, value)| value).collect(),
        };
        for child in children {
            let size = child.size();
            if number < size {
                return child.part(number);
            }
            number -= size;
        }
        None
    }
}

fn map<const N: usize>(entries: [(&str, Tree); N]) -> Tree {
    Tree::Map(entries.map(|(key, value)| (key.to_owned(), value)).into())
}

use Tree::{List, Scalar};

fn exec(version: &'static str) -> Tree {
    map([
        ("apiVersion", Scalar(version)),
        ("command", Scalar("aws")),
        (
            "args",
            List(vec![
                Scalar("eks"),
                Scalar("get-token"),
                Scalar("--cluster-name"),
                Scalar("x"),
            ]),
        ),
        (
            "env",
            List(vec![map([
                ("name", Scalar("AWS_PROFILE")),
                ("value", Scalar("dev")),
            ])]),
        ),
        ("installHint", Scalar("\"Install it\"")),
        ("provideClusterInfo", Scalar("false")),
        ("interactiveMode", Scalar("IfAvailable")),
    ])
}

fn extensions() -> Tree {
    List(vec![
        map([("name", Scalar("one")), ("extension", map([("a", Scalar("1"))]))]),
        map([("name", Scalar("two")), ("extension", Scalar("null"))]),
    ])
}

fn named(kind: &str, name: &'static str, body: Tree) -> Tree {
    map([("name", Scalar(name)), (kind, body)])
}

/// One with every field.
fn whole() -> Tree {
    let context = |cluster, user| {
        map([
            ("cluster", Scalar(cluster)),
            ("user", Scalar(user)),
            ("namespace", Scalar("team-1")),
            ("extensions", extensions()),
        ])
    };
    map([
        ("apiVersion", Scalar("v1")),
        ("kind", Scalar("Config")),
        (
            "preferences",
            map([("colors", Scalar("true")), ("extensions", extensions())]),
        ),
        ("current-context", Scalar("one")),
        ("extensions", extensions()),
        (
            "clusters",
            List(vec![
                named(
                    "cluster",
                    "one",
                    map([
                        ("server", Scalar("\"https://one\"")),
                        ("certificate-authority-data", Scalar("Q0EK")),
                        ("tls-server-name", Scalar("one")),
                        ("proxy-url", Scalar("\"http://proxy:1\"")),
                        ("disable-compression", Scalar("no")),
                        ("extensions", extensions()),
                    ]),
                ),
                named(
                    "cluster",
                    "two",
                    map([
                        ("server", Scalar("\"https://two\"")),
                        ("certificate-authority", Scalar("/dev/null")),
                        ("insecure-skip-tls-verify", Scalar("false")),
                    ]),
                ),
            ]),
        ),
        (
            "contexts",
            List(vec![
                named("context", "one", context("one", "exec")),
                named("context", "two", context("two", "beta")),
                named("context", "three", context("two", "token")),
                named("context", "four", context("one", "certificate")),
                named("context", "five", context("one", "basic")),
            ]),
        ),
        (
            "users",
            List(vec![
                named(
                    "user",
                    "exec",
                    map([("exec", exec("client.authentication.k8s.io/v1"))]),
                ),
                named(
                    "user",
                    "beta",
                    map([("exec", exec("client.authentication.k8s.io/v1beta1"))]),
                ),
                named(
                    "user",
                    "token",
                    map([
                        ("token", Scalar("secret")),
                        ("tokenFile", Scalar("/dev/null")),
                        ("as", Scalar("ann")),
                        ("as-uid", Scalar("\"1\"")),
                        ("as-groups", List(vec![Scalar("dev")])),
                        ("as-user-extra", map([("scopes", List(vec![Scalar("view")]))])),
                    ]),
                ),
                named(
                    "user",
                    "certificate",
                    map([
                        ("client-certificate-data", Scalar("Q0VSVA==")),
                        ("client-key", Scalar("/dev/null")),
                    ]),
                ),
                named(
                    "user",
                    "basic",
                    map([
                        ("username", Scalar("ann")),
                        ("password", Scalar("secret")),
                        (
                            "auth-provider",
                            map([
                                ("name", Scalar("oidc")),
                                ("config", map([("id-token", Scalar("t"))])),
                            ]),
                        ),
                    ]),
                ),
            ]),
        ),
    ])
}

const JUNK: &[&str] = &[
    "null",
    "~",
    "1",
    "0123",
    "1.5",
    "true",
    "yes",
    "off",
    "\"\"",
    "x",
    "\"1\"",
    "[]",
    "{}",
    "[~]",
    "[1]",
    "[a, b]",
    "{a: b}",
    "{a: 1}",
    "{name: one}",
    "[{name: one}]",
    "Q0EK",
    "QQ",
    "v1",
    "Config",
    "config",
    "Deployment",
    "2001-01-01",
    "1e3",
    "0x1F",
    ".inf",
];

/// What makes an entry one that kubectl does not use, if it comes to stand in it.
const SPOILING: &[(&str, &str)] = &[
    ("token", "t"),
    ("username", "u"),
    ("certificate-authority", "/dev/null"),
    ("certificate-authority-data", "Q0EK"),
    ("client-certificate", "/dev/null"),
    ("client-key-data", "Q0EK"),
    ("interactiveMode", "Sometimes"),
    ("namespace", "My_App"),
    ("proxy-url", "proxy"),
    ("proxy-url", "\"HTTPS://proxy\""),
    ("server", "\"\""),
    ("cluster", "\"\""),
    ("as-groups", "[g]"),
    ("as", "\"\""),
    ("command", "\"\""),
    ("apiVersion", "client.authentication.k8s.io/v1"),
    ("auth-provider", "{name: x}"),
    ("name", "\"\""),
];

/// The whole one, changed in up to three places; in one case of six it is left as it is but for what is taken away.
pub(crate) fn kubeconfig(dice: &mut Dice) -> String {
    let mut tree = whole();
    for _ in 0..dice.below(4) {
        let number = dice.below(tree.size());
        let junk = Scalar(dice.one_of(JUNK));
        let how = dice.below(6);
        let Some(part) = tree.part(number) else { continue };
        match (how, part) {
            (0, part) => *part = junk,
            (1 | 2, Tree::Map(entries)) if !entries.is_empty() => {
                entries.remove(dice.below(entries.len()));
            }
            (3, Tree::Map(entries)) if !entries.is_empty() => {
                let at = dice.below(entries.len());
                let key = &mut entries[at].0;
                let change = dice.below(3);
                *key = match change {
                    0 => key.to_uppercase(),
                    1 => key.replace('-', "_"),
                    _ => format!("x-{key}"),
                };
            }
            (4, Tree::Map(entries)) if !entries.is_empty() => {
                let at = dice.below(entries.len());
                entries[at].1 = junk;
            }
            (1 | 2, Tree::List(items)) if !items.is_empty() => {
                items.remove(dice.below(items.len()));
            }
            (3, Tree::List(items)) if !items.is_empty() => {
                let item = items[dice.below(items.len())].clone();
                items.push(item);
            }
            (_, Tree::List(items)) => items.push(junk),
            (_, part) => *part = junk,
        }
    }
    for _ in 0..dice.below(12) {
        let number = dice.below(tree.size());
        let at = dice.below(SPOILING.len());
        let (key, value) = SPOILING[at];
        if let Some(Tree::Map(entries)) = tree.part(number) {
            entries.retain(|(there, _)| there != key);
            entries.push((key.to_owned(), Scalar(value)));
        }
    }
    let mut text = String::new();
    tree.write(&mut text);
    text
}

/// As people have them: in their own words, after files and questions that are public.
pub(crate) const BY_HAND: &[&str] = &[
    // Nothing at all.
    "",
    "\n",
    "# mine\n",
    "---\n",
    "--- # first\n...\n",
    "null\n",
    "{}\n",
    "\u{feff}apiVersion: v1\nkind: Config\n",
    "apiVersion: v1\r\nkind: Config\r\nclusters: []\r\nusers: null\r\n",
    "apiVersion: v1\nkind: Config\nusers: null\ncontexts: null\nclusters: null\npreferences: {}\ncurrent-context: \"\"\n",
    "apiVersion: v1\nclusters:\ncontexts:\nusers:\n",
    // What `kubectl config unset` and old installers leave.
    "apiVersion: v1\nclusters:\n- cluster:\n    server: \"\"\n  name: \"\"\ncontexts:\n- context:\n    cluster: \"\"\n    user: \"\"\n  name: \"\"\nusers:\n- name: \"\"\n  user: {}\n",
    "apiVersion: v1\nclusters:\n- cluster:\n    insecure-skip-tls-verify: true\n    server: https://127.0.0.1:6443\n  name: a\ncontexts: []\nusers: []\n",
    // Names and tokens that look like numbers and booleans.
    "apiVersion: v1\ncontexts:\n- context: {cluster: 1, user: a}\n  name: a\n",
    "apiVersion: v1\nusers:\n- name: 123456789012\n  user: {token: t}\n",
    "apiVersion: v1\nusers:\n- name: a\n  user: {token: 0123456789}\n",
    "apiVersion: v1\nusers:\n- name: a\n  user: {username: admin, password: 12345678}\n",
    "apiVersion: v1\nusers:\n- name: \"on\"\n  user: {username: yes}\n",
    "apiVersion: v1\ncontexts:\n- name: no\n  context: {cluster: a, user: a}\n",
    "apiVersion: v1\nusers:\n- name: a\n  user: {token: 1e5}\n",
    "apiVersion: v1\ncurrent-context: 2024-01-01\n",
    // Exec entries, old and odd.
    "users:\n- name: a\n  user:\n    exec:\n      apiVersion: client.authentication.k8s.io/v1alpha1\n      command: heptio-authenticator-aws\n      args: [token, -i, prod]\n",
    "users:\n- name: a\n  user:\n    exec:\n      apiVersion: client.authentication.k8s.io/v1beta1\n      command: aws\n      args:\n      - eks\n      - get-token\n      env: null\n      interactiveMode: IfAvailable\n      provideClusterInfo: false\n",
    "users:\n- name: a\n  user:\n    exec:\n      apiVersion: client.authentication.k8s.io/v1beta1\n      command: aws-vault\n      args: [exec, prod, --, aws, eks, get-token]\n      env:\n      - name: AWS_PROFILE\n        value: prod\n",
    "users:\n- name: a\n  user:\n    exec:\n      apiVersion: client.authentication.k8s.io/v1beta1\n      command: aws\n      env:\n      - name: AWS_PROFILE\n        value: 123456789012\n",
    "users:\n- name: a\n  user:\n    exec:\n      apiVersion: client.authentication.k8s.io/v1\n      command: gke-gcloud-auth-plugin\n      provideClusterInfo: true\n",
    "users:\n- name: a\n  user:\n    exec:\n      command: aws\n      env: [- value: dev]\n",
    "users:\n- name: a\n  user:\n    exec:\n      command: aws\n      env:\n      - value: dev\n",
    "users:\n- name: a\n  user:\n    exec:\n      command: aws\n      env: {AWS_PROFILE: dev}\n",
    "users:\n- name: a\n  user:\n    exec:\n      command: aws\n      args: eks get-token\n",
    "users:\n- name: a\n  user:\n    exec:\n      command: aws\n      args: [--cluster-id, 12345]\n",
    "users:\n- name: a\n  user:\n    exec: null\n",
    // Auth providers of former times.
    "users:\n- name: gke\n  user:\n    auth-provider:\n      name: gcp\n      config: null\n",
    "users:\n- name: gke\n  user:\n    auth-provider:\n      config:\n        cmd-args: config config-helper --format=json\n        expiry: 2021-01-01T00:00:00Z\n        expiry-key: '{.credential.token_expiry}'\n      name: gcp\n",
    "users:\n- name: aks\n  user:\n    auth-provider:\n      name: azure\n      config: {config-mode: 1}\n",
    // Certificates.
    "clusters:\n- name: a\n  cluster:\n    server: https://a\n    certificate-authority-data: |\n      Q0EK\n      Q0EK\n",
    "clusters:\n- name: a\n  cluster:\n    server: https://a\n    certificate-authority-data: >-\n      Q0EK\n      Q0EK\n",
    "clusters:\n- name: a\n  cluster:\n    server: https://a\n    certificate-authority-data: DATA+OMITTED\n",
    "clusters:\n- name: a\n  cluster:\n    server: https://a\n    certificate-authority-data: REDACTED\n",
    "clusters:\n- name: a\n  cluster:\n    server: https://a\n    certificate-authority-data: ${CA}\n",
    "clusters:\n- name: a\n  cluster:\n    server: https://a\n    certificate-authority-data: \"\"\n    certificate-authority: /dev/null\n",
    "users:\n- name: a\n  user: {client-certificate-data: LS0t, client-key-data: LS0t}\n",
    // Other documents.
    "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {name: prod, region: eu-west-1}\n",
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n",
    "apiVersion: v1\nkind: ConfigMap\ndata: {}\n",
    "apiVersion: v1\nkind: List\nitems: []\n",
    "apiVersion: v1beta1\nkind: Config\n",
    "apiVersion: config.k8s.io/v1\nkind: Config\n",
    "apiVersion: v1\nkind: config\n",
    "apiVersion: V1\nkind: Config\n",
    "apiVersion: 1\nkind: Config\n",
    "kind: Config\npreferences: {}\nkind2: x\n",
    "kind: Config\n---\nkind: Config\nusers: {}\n",
    "- apiVersion: v1\n  kind: Config\n",
    "services:\n  web: {image: nginx}\n",
    "just words\n",
    // Anchors and merges.
    "x: &x {server: \"https://a\"}\nclusters:\n- name: a\n  cluster: *x\n- name: b\n  cluster:\n    <<: *x\n    tls-server-name: b\n",
    // Lists.
    "clusters: {}\n",
    "clusters:\n  name: a\n  cluster: {server: s}\n",
    "clusters:\n- name: a\n- name: a\n",
    "contexts:\n-\n",
    "contexts:\n-\n-\n",
    "users: [[]]\n",
    "users:\n- a\n",
    "{\"apiVersion\":\"v1\",\"clusters\":[{\"name\":\"a\",\"cluster\":{\"server\":\"https://a\"}}],\"contexts\":[],\"users\":[],\"kind\":\"Config\"}",
    // Fields of others: minikube, Rancher Desktop, kubectx, Lens.
    "clusters:\n- name: minikube\n  cluster:\n    server: https://127.0.0.1:8443\n    extensions:\n    - extension: {last-update: \"Mon\", provider: minikube.sigs.k8s.io, version: v1.32.0}\n      name: cluster_info\n",
    "contexts:\n- name: a\n  context: {cluster: a, user: a, namespace: default, color: red}\ncolors: {a: 1}\n",
    "preferences:\n  colors: \"true\"\n",
    "extensions:\n- name: a\n- name: a\n",
];
