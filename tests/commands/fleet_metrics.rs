//! Metrics of a run over many clusters, as Prometheus reads them.

use std::fs;

use serde_json::Value;

use crate::commands::fleet::fleet;

/// Written whole, for one cluster as for many; Prometheus' own parser reads it (`metrics.py`).
#[test]
fn fleet_metrics_are_read_by_the_parser_of_prometheus() {
    let place = fleet();
    let ended = place.run(&["plan", "-f", "clusters", "--metrics-into", "m.prom", "--quiet"]);
    assert_eq!(ended.code, 65);
    let first = fs::read_to_string(place.path("m.prom")).unwrap();
    let ended = place.run(&[
        "apply",
        "-f",
        "clusters/a.yaml",
        "--yes",
        "--quiet",
        "--metrics-into",
        "one.prom",
    ]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    place.edit("alpha", |world| {
        let cluster = world
            .clusters
            .values_mut()
            .find(|one| one.cluster.name == "alpha")
            .unwrap();
        cluster
            .service_accounts
            .get_mut("app/reader")
            .unwrap()
            .annotations
            .clear();
    });
    // Of one that fails now the time of its last success is kept.
    fs::write(place.path("clusters/d.yaml"), "rubbish").unwrap();
    let ended = place.run(&[
        "plan",
        "-f",
        "clusters",
        "--drift-only",
        "--metrics-into",
        "m.prom",
        "--quiet",
    ]);
    assert_eq!(ended.code, 65);
    place.write("first.prom", &first);
    let judge = judges_python();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/commands/metrics.py");
    for file in ["first.prom", "one.prom", "m.prom"] {
        let output = place.bare(&judge).arg(script).arg(file).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{file}: {said}");
        let samples: Value = serde_json::from_slice(&output.stdout).unwrap();
        let value = |name: &str, labels: &[(&str, &str)]| {
            let found = samples.as_array().unwrap().iter().find(|sample| {
                sample["name"] == name
                    && labels
                        .iter()
                        .all(|(label, value)| sample["labels"][label] == *value)
            });
            found.map(|sample| sample["value"].as_f64().unwrap())
        };
        let alpha = ("cluster", "alpha");
        match file {
            "first.prom" => {
                assert_eq!(value("eksact_changes", &[alpha, ("action", "create")]), Some(4.0));
                assert_eq!(value("eksact_broadening_changes", &[alpha]), Some(1.0));
                let broken = ("file", "clusters/broken.yaml");
                assert_eq!(value("eksact_errors", &[broken]), Some(1.0));
                assert_eq!(
                    value("eksact_cluster_status", &[broken, ("status", "invalid")]),
                    Some(1.0)
                );
                assert_eq!(value("eksact_last_success_timestamp_seconds", &[broken]), None);
                let other = ("account", "444455556666");
                assert!(value("eksact_last_success_timestamp_seconds", &[other]).is_some());
            }
            "one.prom" => {
                assert_eq!(
                    value("eksact_cluster_status", &[alpha, ("status", "applied")]),
                    Some(1.0)
                );
                assert_eq!(
                    value("eksact_build_info", &[("version", env!("CARGO_PKG_VERSION"))]),
                    Some(1.0)
                );
            }
            _ => {
                assert_eq!(
                    value("eksact_drift_changes", &[alpha, ("certainty", "unsure")]),
                    Some(1.0)
                );
            }
        }
    }
    // The parser refuses what is cut off.
    place.write("cut.prom", first.trim_end().trim_end_matches("# EOF"));
    let output = place.bare(&judge).arg(script).arg("cut.prom").output().unwrap();
    assert!(!output.status.success());
    let nowhere = place.run(&[
        "plan",
        "-f",
        "clusters/a.yaml",
        "--metrics-into",
        "missing/m.prom",
    ]);
    assert_eq!(nowhere.code, 1);
    assert!(
        nowhere.stderr.contains("--metrics-into: missing/m.prom"),
        "{}",
        nowhere.stderr
    );
}

/// The Python that `scripts/lint` installs its judges into.
fn judges_python() -> String {
    let output = std::process::Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/lint"))
        .arg("--python")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let said = String::from_utf8(output.stdout).unwrap();
    said.lines().last().unwrap().to_owned()
}
