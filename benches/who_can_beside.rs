//! `who-can` beside kubectl-who-can, on the test bed's kube-apiserver: 2,000 bindings, 800 roles, 5,000 service accounts. Whom kubectl-who-can
//! names eksact must name as well, or it fails. It builds kubectl-who-can by Go. One command: `cargo bench --bench who_can_beside`.

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
    if missing > 0 {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
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
    let output = bed.home.path().join("output");
    let environment = bed.environment();
    let mut best: Option<Usage> = None;
    for _ in 0..RUNS {
        let mut command = watched(&output, program);
        // kubectl-who-can keeps what it discovers below HOME.
        command
            .args(arguments)
            .envs(&environment)
            .env("HOME", bed.home.path());
        let used = usage(&mut command);
        let said = std::fs::read_to_string(&output).unwrap();
        assert_eq!(used.exit, 0, "{}: {said}", arguments.join(" "));
        if best.is_none_or(|best| used.seconds < best.seconds) {
            best = Some(used);
        }
    }
    let said = std::fs::read_to_string(&output).unwrap();
    let document = said.find('{').map_or("", |start| &said[start..]);
    (best.unwrap(), document.to_owned())
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
