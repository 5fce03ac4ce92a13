//! The views of a plan on stdout and in files, by whole commands.

use std::fs;

use serde_json::Value;

use crate::commands::place::{Place, assert_story};

const CHANGED: [(&str, &str); 2] = [
    ("policy/AmazonS3ReadOnlyAccess", "policy/AmazonS3FullAccess"),
    ("- sqs:GetQueueAttributes\n", "- sqs:*\n"),
];

fn changed() -> Place {
    let place = Place::applied();
    let mut text = include_str!("../../examples/quickstart.yaml").to_owned();
    for (before, after) in CHANGED {
        assert!(text.contains(before));
        text = text.replace(before, after);
    }
    place.write("changed.yaml", &text);
    place
}

fn read(place: &Place, name: &str) -> String {
    fs::read_to_string(place.path(name)).unwrap()
}

#[test]
fn markdown_of_a_change() {
    let mut place = changed();
    place.tell(&["plan", "-f", "changed.yaml", "-o", "markdown"]);
    place.tell(&["plan", "-f", "changed.yaml", "-o", "md", "--max-bytes", "3999"]);
    place.tell(&["plan", "-f", "changed.yaml", "--max-bytes", "60000"]);
    assert_story!("views-markdown", place.story());
}

#[test]
fn views_into_files_are_those_of_stdout() {
    let place = changed();
    let files = [
        ("--json-into", "json"),
        ("--markdown-into", "markdown"),
        ("--sarif-into", "sarif"),
        ("--html-into", "html"),
    ];
    let mut arguments = vec!["plan", "-f", "changed.yaml"];
    for (flag, name) in files {
        arguments.extend([flag, name]);
    }
    let human = place.run(&arguments);
    assert_eq!(human.stdout, place.run(&["plan", "-f", "changed.yaml"]).stdout);
    for (flag, name) in files {
        assert!(!read(&place, name).is_empty(), "{name}");
        let one = place.run(&["plan", "-f", "changed.yaml", "-o", name, flag, "one"]);
        assert_eq!(read(&place, "one"), one.stdout, "{name}");
    }
}

#[test]
fn apply_leaves_the_document_of_its_end() {
    let place = changed();
    let ended = place.run(&[
        "apply",
        "-f",
        "changed.yaml",
        "--yes",
        "--json-into",
        "a.json",
        "--markdown-into",
        "a.md",
    ]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let document: Value = serde_json::from_str(&read(&place, "a.json")).unwrap();
    assert_eq!(document["report"]["succeeded"], true);
    assert!(read(&place, "a.md").starts_with("<!-- eksact:plan:quickstart:sha256:"));
    // Not approved: the document is the plan, as on stdout.
    let place = changed();
    let ended = place.run(&["apply", "-f", "changed.yaml", "--json-into", "a.json"]);
    assert_eq!(ended.code, 3);
    let document: Value = serde_json::from_str(&read(&place, "a.json")).unwrap();
    assert!(document.get("report").is_none() && document["changes"].is_array());
}

#[test]
fn file_that_cannot_be_written_stops_an_apply() {
    let place = changed();
    fs::create_dir(place.path("folder")).unwrap();
    for (flag, path, why) in [
        ("--json-into", "missing/a.json", "could not be written"),
        ("--markdown-into", "folder", "could not be written"),
        ("--json-into", "/dev/null", "not a regular file"),
        ("--json-into", "-", "stdout has one document"),
        ("--markdown-into", "", "--markdown-into is empty"),
    ] {
        let ended = place.run(&["apply", "-f", "changed.yaml", "--yes", flag, path]);
        assert!(ended.code == 1 || ended.code == 64, "{path}: {}", ended.code);
        assert!(ended.stderr.contains(why), "{path}: {}", ended.stderr);
        let after = place.run(&["plan", "-f", "changed.yaml", "--detailed-exitcode"]);
        assert_eq!(after.code, 2, "{path}: nothing may have been applied");
    }
    let twice = [
        "plan",
        "-f",
        "changed.yaml",
        "--json-into",
        "x",
        "--markdown-into",
        "x",
    ];
    let ended = place.run(&twice);
    assert_eq!(ended.code, 64);
    assert!(ended.stderr.contains("name one file"), "{}", ended.stderr);
    assert!(!place.path("x").exists());
}

#[test]
fn ndjson_begins_with_its_version_and_ends_with_the_report() {
    let place = changed();
    let types = |stdout: &str| -> Vec<String> {
        stdout
            .lines()
            .map(|line| {
                let line: Value = serde_json::from_str(line).unwrap();
                assert!(line["message"].is_string());
                line["type"].as_str().unwrap().to_owned()
            })
            .collect()
    };
    let planned = place.run(&["plan", "-f", "changed.yaml", "-o", "ndjson"]);
    assert_eq!(types(&planned.stdout), ["version", "plan"]);
    let refused = place.run(&["apply", "-f", "changed.yaml", "-o", "ndjson"]);
    assert_eq!(
        (refused.code, types(&refused.stdout).len()),
        (3, 2),
        "{}",
        refused.stderr
    );
    let applied = place.run(&["apply", "-f", "changed.yaml", "--yes", "-o", "ndjson"]);
    assert_eq!(applied.code, 0, "{}", applied.stderr);
    let types_of_applied = types(&applied.stdout);
    assert_eq!(types_of_applied[..3], ["version", "plan", "run-started"]);
    assert_eq!(types_of_applied.last().unwrap(), "report");
    assert_eq!(
        types_of_applied
            .iter()
            .filter(|kind| *kind == "step-started")
            .count(),
        types_of_applied
            .iter()
            .filter(|kind| *kind == "step-finished")
            .count()
    );
    let again = place.run(&["apply", "-f", "changed.yaml", "--yes", "-o", "ndjson"]);
    assert_eq!(types(&again.stdout), ["version", "plan", "report"]);
}
