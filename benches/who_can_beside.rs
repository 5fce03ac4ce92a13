//! `who-can` beside kubectl-who-can, on the test bed's kube-apiserver: 2,000 bindings, 800 roles, 5,000 service accounts. Whom kubectl-who-can
//! names eksact must name as well, or it fails. It builds kubectl-who-can by Go. One command: `cargo bench --bench who_can_beside`.
//!
//! First in one namespace; then in every one. kubectl-who-can has `--all-namespaces`, "users that can do the specified action in any of
//! the available namespaces", but then asks for two access reviews for each namespace and looks at no `RoleBinding` at all
//! (`pkg/cmd/list.go`: `getRoleBindings` returns at once). So it is asked once for each namespace, which is the best that it offers; its
//! discovery is kept between the runs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a benchmark ends like a test"
)]

#[path = "../tests/support/bed.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod bed;
#[path = "support/large.rs"]
mod large;
#[path = "support/peak.rs"]
mod peak;
#[path = "../tests/support/schemas.rs"]
mod schemas;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use bed::Bed;
use eksact_core::{
    diagnosis::authorization::Picture,
    ports::kubernetes::{PolicyRule, RbacBinding},
};
use large::{NAMESPACES, namespace, picture};
use peak::{Usage, usage, watched};
use serde_json::{Value, json};

const RUNS: usize = 5;
/// How often kubectl-who-can is asked about all namespaces, one by one.
const ROUNDS: usize = 2;
const RBAC: &str = "rbac.authorization.k8s.io/v1";
/// Objects that one kubectl makes, so that several work at once.
const OBJECTS_EACH: usize = 2000;

fn main() -> ExitCode {
    // `cargo test --benches` builds and starts this too; measuring is asked for by `cargo bench` alone.
    if !std::env::args().any(|argument| argument == "--bench") {
        return ExitCode::SUCCESS;
    }
    let peer = kubectl_who_can();
    let bed = Bed::start();
    load(&bed, &picture());
    let snapshot = bed.home.path().join("access.json");
    bed.run(&[
        "snapshot",
        "--cluster",
        bed.fact("cluster"),
        "--out",
        snapshot.to_str().unwrap(),
    ])
    .ended(0);
    show(
        "| question | program | seconds, best | processor seconds | peak MiB | names |\n|---|---|---|---|---|---|\n",
    );
    let mut missing = 0;
    for question in [["get", "secrets"], ["create", "pods"], ["delete", "deployments"]] {
        let place = ["-n", "team-007"];
        let asked = [&question[..], &place].concat();
        let theirs = [
            &asked[..],
            &["-o", "json", "--kubeconfig", bed.fact("admin_kubeconfig")],
        ]
        .concat();
        let (used, said) = measured(&bed, &peer, &theirs);
        let named = named(&said);
        let words = asked.join(" ");
        row(&words, "kubectl-who-can", used, named.len());
        for (program, place) in [
            ("eksact", ["--cluster", bed.fact("cluster")]),
            (
                "eksact, from a snapshot",
                ["--snapshot", snapshot.to_str().unwrap()],
            ),
        ] {
            let ours = [&["who-can"], &asked[..], &["-o", "json"], &place].concat();
            let (used, said) = measured(&bed, Path::new(env!("CARGO_BIN_EXE_eksact")), &ours);
            let absent: Vec<&String> = named
                .iter()
                .filter(|subject| !said.contains(&format!("\"{subject}\"")))
                .collect();
            if !absent.is_empty() {
                show(&format!("{program} does not name {absent:?}\n"));
                missing += absent.len();
            }
            let answer: Value = serde_json::from_str(&said).unwrap();
            row(&words, program, used, answer["direct"].as_array().unwrap().len());
        }
    }
    for question in [["get", "secrets"], ["create", "pods"]] {
        missing += in_every_namespace(&bed, &peer, &snapshot, &question);
    }
    if missing > 0 {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// One question for every namespace: kubectl-who-can once for each, eksact once. Gives how many names eksact lacks, each counted in each
/// namespace.
fn in_every_namespace(bed: &Bed, peer: &Path, snapshot: &Path, question: &[&str]) -> usize {
    let words = question.join(" ");
    let mut best: Option<Usage> = None;
    let mut named_in: Vec<(String, Vec<String>)> = Vec::new();
    for _ in 0..ROUNDS {
        named_in.clear();
        let mut sum = Usage {
            exit: 0,
            seconds: 0.0,
            processor_seconds: 0.0,
            peak_mebibytes: 0.0,
        };
        for number in 0..NAMESPACES {
            let namespace = namespace(number);
            let place = [
                "-n",
                &namespace,
                "-o",
                "json",
                "--kubeconfig",
                bed.fact("admin_kubeconfig"),
            ];
            let (used, said) = once(bed, peer, &[question, &place].concat());
            sum.seconds += used.seconds;
            sum.processor_seconds += used.processor_seconds;
            sum.peak_mebibytes = sum.peak_mebibytes.max(used.peak_mebibytes);
            named_in.push((namespace, named(&said)));
        }
        if best.is_none_or(|best| sum.seconds < best.seconds) {
            best = Some(sum);
        }
    }
    let theirs = best.unwrap();
    let names = named_in.iter().map(|(_, names)| names.len()).sum();
    let asked = format!("{words}, in each of {NAMESPACES} namespaces");
    row(&asked, "kubectl-who-can, once for each", theirs, names);
    let mut missing = 0;
    for (program, place) in [
        ("eksact --any-namespace", ["--cluster", bed.fact("cluster")]),
        (
            "eksact --any-namespace, from a snapshot",
            ["--snapshot", snapshot.to_str().unwrap()],
        ),
    ] {
        let ours = [&["who-can"], question, &["--any-namespace", "-o", "json"], &place].concat();
        let (used, said) = measured(bed, Path::new(env!("CARGO_BIN_EXE_eksact")), &ours);
        let answer: Value = serde_json::from_str(&said).unwrap();
        let (everywhere, by_namespace) = named_by_us(&answer);
        let of_single = by_namespace
            .iter()
            .filter(|(_, name)| !everywhere.contains(name))
            .count();
        let names = of_single + everywhere.len() * NAMESPACES;
        row(&asked, program, used, names);
        show(&format!(
            "| | kubectl-who-can takes {:.0} times as long | | | | |\n",
            theirs.seconds / used.seconds
        ));
        for (namespace, names) in &named_in {
            let is_absent = |name: &&String| {
                !everywhere.contains(*name) && !by_namespace.contains(&(namespace.clone(), (*name).clone()))
            };
            let absent: Vec<&String> = names.iter().filter(is_absent).collect();
            if !absent.is_empty() {
                show(&format!("{program} does not name {absent:?} in {namespace}\n"));
                missing += absent.len();
            }
        }
    }
    missing
}

/// The subjects of eksact's paths: those of every namespace, and those of single ones.
fn named_by_us(answer: &Value) -> (BTreeSet<String>, BTreeSet<(String, String)>) {
    let mut everywhere = BTreeSet::new();
    let mut by_namespace = BTreeSet::new();
    let rows = answer["direct"].as_array().unwrap().iter();
    for path in rows.flat_map(|row| row["paths"].as_array().unwrap()) {
        let subject = path["subject"].as_str().unwrap();
        match path["namespaces"].as_array() {
            None => {
                assert_eq!(path["namespaces"], "all");
                everywhere.insert(subject.to_owned());
            }
            Some(names) => {
                let names = names.iter().map(|name| name.as_str().unwrap().to_owned());
                by_namespace.extend(names.map(|name| (name, subject.to_owned())));
            }
        }
    }
    (everywhere, by_namespace)
}

/// The program, built of the module that `peers/` pins.
fn kubectl_who_can() -> PathBuf {
    let module = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/kubectl-who-can");
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kubectl-who-can");
    let built = Command::new("go")
        .args(["build", "-mod=readonly", "-o"])
        .arg(&program)
        .arg("github.com/aquasecurity/kubectl-who-can/cmd/kubectl-who-can")
        .current_dir(module)
        .status()
        .unwrap();
    assert!(built.success(), "kubectl-who-can could not be built");
    program
}

/// The best of several runs, and what the last one said.
fn measured(bed: &Bed, program: &Path, arguments: &[&str]) -> (Usage, String) {
    let runs = (0..RUNS).map(|_| once(bed, program, arguments));
    let best = |one: (Usage, String), other: (Usage, String)| {
        let faster = if one.0.seconds <= other.0.seconds {
            one.0
        } else {
            other.0
        };
        (faster, other.1)
    };
    runs.reduce(best).unwrap()
}

/// One run, and what it said.
fn once(bed: &Bed, program: &Path, arguments: &[&str]) -> (Usage, String) {
    let output = bed.home.path().join("output");
    let mut command = watched(&output, program);
    // kubectl-who-can keeps what it discovers below HOME.
    command
        .args(arguments)
        .envs(bed.environment())
        .env("HOME", bed.home.path());
    let used = usage(&mut command);
    let said = std::fs::read_to_string(&output).unwrap();
    assert_eq!(used.exit, 0, "{}: {said}", arguments.join(" "));
    let document = said.find('{').map_or("", |start| &said[start..]);
    (used, document.to_owned())
}

/// The subjects that kubectl-who-can names, as eksact words them.
fn named(said: &str) -> Vec<String> {
    let answer: Value = serde_json::from_str(said).unwrap();
    let sections = ["roleBindings", "clusterRoleBindings"].map(|section| answer[section].as_array());
    let bindings = sections.into_iter().flatten().flatten();
    let subjects = bindings.flat_map(|binding| binding["subjects"].as_array().unwrap());
    let mut named: Vec<String> = subjects
        .map(|subject| {
            let text = |field: &str| subject[field].as_str().unwrap_or_default();
            match text("kind") {
                "ServiceAccount" => format!("ServiceAccount {}/{}", text("namespace"), text("name")),
                kind => format!("{kind} {}", text("name")),
            }
        })
        .collect();
    named.sort();
    named.dedup();
    named
}

/// Makes the objects in the cluster.
fn load(bed: &Bed, picture: &Picture) {
    let namespaces: Vec<Value> = (0..NAMESPACES)
        .map(|number| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace(number)}}))
        .collect();
    create(bed, "namespaces", &namespaces);
    let accounts = picture.service_accounts.known().unwrap();
    let accounts = accounts.iter().map(|account| {
        json!({"apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": {"name": account.name, "namespace": account.namespace}})
    });
    let roles = picture.roles.known().unwrap().iter().map(|role| {
        json!({"apiVersion": RBAC, "kind": "ClusterRole", "metadata": {"name": role.name},
            "rules": role.rules.iter().map(rule).collect::<Vec<_>>()})
    });
    let bindings = picture.bindings.known().unwrap().iter().map(binding);
    let all: Vec<Value> = roles.chain(bindings).chain(accounts).collect();
    std::thread::scope(|scope| {
        for (number, part) in all.chunks(OBJECTS_EACH).enumerate() {
            scope.spawn(move || create(bed, &format!("part-{number}"), part));
        }
    });
}

fn create(bed: &Bed, name: &str, objects: &[Value]) {
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
    let file = bed.file(&format!("{name}.json"), &list.to_string());
    bed.kubectl(&["create", "--validate=false", "-f", &file]).ended(0);
}

fn rule(rule: &PolicyRule) -> Value {
    json!({"apiGroups": rule.api_groups, "resources": rule.resources, "verbs": rule.verbs})
}

fn binding(binding: &RbacBinding) -> Value {
    let kind = if binding.namespace.is_some() {
        "RoleBinding"
    } else {
        "ClusterRoleBinding"
    };
    let subjects: Vec<Value> = binding
        .subjects
        .iter()
        .map(|subject| match &subject.namespace {
            Some(namespace) => json!({"kind": subject.kind, "name": subject.name, "namespace": namespace}),
            None => {
                json!({"kind": subject.kind, "name": subject.name, "apiGroup": "rbac.authorization.k8s.io"})
            }
        })
        .collect();
    json!({"apiVersion": RBAC, "kind": kind,
        "metadata": {"name": binding.name, "namespace": binding.namespace},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": binding.role_kind, "name": binding.role_name},
        "subjects": subjects})
}

fn row(question: &str, program: &str, used: Usage, names: usize) {
    show(&format!(
        "| `{question}` | {program} | {:.2} | {:.2} | {:.0} | {names} |\n",
        used.seconds, used.processor_seconds, used.peak_mebibytes
    ));
}

#[expect(clippy::print_stdout, reason = "the figures are what a benchmark is for")]
fn show(text: &str) {
    print!("{text}");
}
