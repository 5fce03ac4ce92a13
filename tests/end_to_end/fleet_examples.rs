//! `examples/fleet/` before the servers that it is for: the bed's kube-apiserver takes the Job and the `CronJob`, and the Workflow by
//! Argo's own definition of it, every field checked. The GitHub matrix is actionlint's matter (`scripts/lint`).

use std::{fs, path::Path, process::Command};

use serde_json::Value;

use super::bed::{Bed, until};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn example(name: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join("examples/fleet").join(name)).unwrap()
}

/// The folder of Argo Workflows' module, pinned by `tests/bed/go/argo-workflows`.
fn argo() -> String {
    let output = Command::new("go")
        .args([
            "mod",
            "download",
            "-json",
            "github.com/argoproj/argo-workflows/v3",
        ])
        .current_dir(Path::new(ROOT).join("tests/bed/go/argo-workflows"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let module: Value = serde_json::from_slice(&output.stdout).unwrap();
    module["Dir"].as_str().unwrap().to_owned()
}

#[test]
fn fleet_examples_are_taken_by_the_server() {
    let bed = Bed::start();
    bed.kubectl(&["create", "namespace", "eksact"]).ended(0);
    let crd = format!("{}/manifests/base/crds/full/argoproj.io_workflows.yaml", argo());
    bed.kubectl(&["apply", "--server-side", "-f", &crd]).ended(0);
    until("the server to know Workflows", || {
        let established = [
            "get",
            "crd",
            "workflows.argoproj.io",
            "-o",
            "jsonpath={.status.conditions}",
        ];
        bed.kubectl(&established)
            .stdout
            .contains("\"type\":\"Established\"")
            && bed.kubectl(&["get", "workflows.argoproj.io", "-A"]).code == Some(0)
    });
    for (name, field, slip) in [
        ("job.yaml", "backoffLimitPerIndex:", "backoffLimitPerIndexx:"),
        (
            "cronjob.yaml",
            "concurrencyPolicy: Forbid",
            "concurrencyPolicy: Forbids",
        ),
        ("argo-workflow.yaml", "withSequence:", "withSequences:"),
    ] {
        let text = example(name);
        // A Workflow has a name of Argo's making, which `apply` does not know.
        let verb = if text.contains("generateName:") {
            "create"
        } else {
            "apply"
        };
        let taken = |text: &str| {
            let file = bed.file(name, text);
            bed.kubectl(&[verb, "--dry-run=server", "--validate=strict", "-f", &file])
        };
        taken(&text).ended(0);
        let broken = text.replacen(field, slip, 1);
        assert_ne!(broken, text, "{name}");
        let refused = taken(&broken);
        assert_ne!(refused.code, Some(0), "{name}: a slip was taken");
    }
}
