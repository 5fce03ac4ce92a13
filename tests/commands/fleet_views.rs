//! Many clusters as a page, for code scanning, and line by line while it goes on.

use std::{collections::BTreeMap, fs};

use serde_json::Value;

use crate::commands::{fleet::fleet, place::Place};

fn read(place: &Place, name: &str) -> String {
    fs::read_to_string(place.path(name)).unwrap()
}

#[test]
fn fleet_is_one_page_and_one_run_of_sarif() {
    let place = fleet();
    let page = place.run(&["plan", "-f", "clusters", "-o", "html", "--sarif-into", "x.sarif"]);
    assert_eq!(page.code, 65, "{}", page.stderr);
    // The template escapes slashes, too.
    for cluster in [
        "eu-west-1/alpha",
        "444455556666/eu-west-1/beta",
        "eu-west-1/delta",
    ] {
        assert!(
            page.stdout
                .contains(&format!("<h2><code>{}</code>", cluster.replace('/', "&#x2F;"))),
            "{cluster}"
        );
    }
    assert_eq!(page.stdout.matches("<section class=\"cluster\"").count(), 4);
    let sarif: Value = serde_json::from_str(&read(&place, "x.sarif")).unwrap();
    let runs = sarif["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 1);
    let of = |rule: &str| {
        let results = runs[0]["results"].as_array().unwrap();
        let places = results.iter().filter(|result| result["ruleId"] == rule);
        let places = places.map(|result| {
            let place = &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
            place.as_str().unwrap().to_owned()
        });
        places.collect::<Vec<_>>()
    };
    assert_eq!(of("cluster-failed"), ["clusters/broken.yaml"]);
    assert_eq!(
        of("gives-more-access"),
        ["clusters/a.yaml", "clusters/b.yaml", "clusters/d.yaml"]
    );
    // On stdout and in files it is the same.
    let sarif = place.run(&["plan", "-f", "clusters", "-o", "sarif", "--html-into", "x.html"]);
    assert_eq!(sarif.stdout, read(&place, "x.sarif"));
    assert_eq!(page.stdout, read(&place, "x.html"));
}

/// Each line of a cluster names it; how each ended comes last.
#[test]
fn fleet_events_name_their_cluster() {
    let place = fleet();
    let ended = place.run(&["apply", "-f", "clusters", "--yes", "-o", "ndjson"]);
    assert_eq!(ended.code, 5, "{}", ended.stderr);
    let lines: Vec<Value> = ended
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let mut of: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for line in &lines {
        let name = line["cluster"]["name"].as_str().unwrap_or_default();
        of.entry(name.to_owned())
            .or_default()
            .push(line["type"].as_str().unwrap());
    }
    assert_eq!(
        of[""],
        ["version", "cluster-ended", "run-ended"],
        "and the broken file"
    );
    for name in ["alpha", "beta", "delta"] {
        let types = &of[name];
        assert_eq!(types[..2], ["plan", "run-started"], "{name}");
        assert!(types.contains(&"step-finished"), "{name}: {types:?}");
        let last = &types[types.len() - 3..];
        assert_eq!(last, ["run-finished", "report", "cluster-ended"], "{name}");
    }
    let last = lines.last().unwrap();
    assert_eq!(last["status"], "partial");
    assert_eq!(last["counts"], serde_json::json!({"applied": 3, "invalid": 1}));
    let planned = place.run(&["plan", "-f", "clusters", "-o", "ndjson"]);
    assert_eq!(planned.code, 65);
    assert!(
        planned
            .stdout
            .lines()
            .last()
            .unwrap()
            .contains("\"type\":\"run-ended\"")
    );
    // Not approved: the plans, and how each ended.
    let place = fleet();
    let ended = place.run(&[
        "apply",
        "-f",
        "clusters",
        "-o",
        "ndjson",
        "--metrics-into",
        "x.txt",
    ]);
    assert_eq!(ended.code, 3);
    assert_eq!(ended.stdout.lines().count(), 1 + 3 + 4 + 1);
    assert_eq!(ended.stdout.matches("\"status\":\"not-approved\"").count(), 3);
    assert!(place.path("x.txt").exists());
}
