//! `explain ADDRESS`: why an object is in the plan, and what `--target` says of an address that is none.

use serde_json::Value;

use crate::commands::place::{Place, assert_story};

#[test]
fn explain_says_why_an_object_changes_and_what_hangs_on_it() {
    let mut place = Place::quickstart();
    place.tell(&["explain", "iam-role/app/report-reader", "-f", "quickstart.yaml"]);
    place.tell(&["explain", "namespace/app", "-f", "quickstart.yaml"]);
    assert_eq!(place.run(&["apply", "-f", "quickstart.yaml", "--yes"]).code, 0);
    place.tell(&["explain", "iam-role/app/report-reader", "-f", "quickstart.yaml"]);
    place.edit("quickstart", |world| {
        let cluster = world.clusters.values_mut().next().unwrap();
        cluster
            .service_accounts
            .get_mut("app/report-reader")
            .unwrap()
            .annotations
            .clear();
    });
    place.tell(&[
        "explain",
        "service-account/app/report-reader",
        "-f",
        "quickstart.yaml",
    ]);
    place.tell(&[
        "explain",
        "service-account/app/reprot-reader",
        "-f",
        "quickstart.yaml",
    ]);
    place.tell(&["explain", "report-reader", "-f", "quickstart.yaml"]);
    place.tell(&["explain", "iam-role/app/report-reader"]);
    place.tell(&[
        "plan",
        "-f",
        "quickstart.yaml",
        "--target",
        "iam-rol/app/*",
        "--quiet",
    ]);
    assert_story!("explain", place.story());
}

#[test]
fn explain_json_has_the_change_of_the_plan_and_its_line() {
    let place = Place::quickstart();
    let plan = place.run(&["plan", "-f", "quickstart.yaml", "-o", "json"]);
    let plan: Value = serde_json::from_str(&plan.stdout).unwrap();
    let lines: Vec<&str> = include_str!("../../examples/quickstart.yaml").lines().collect();
    let changes = plan["changes"].as_array().unwrap();
    assert!(changes.len() > 5);
    for change in changes {
        let address = change["address"].as_str().unwrap();
        let ended = place.run(&["explain", address, "-f", "quickstart.yaml", "-o", "json"]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let explained: Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(explained["verdict"], "changes");
        assert_eq!(&explained["change"], change);
        if let Some(line) = change["source"]["line"].as_u64() {
            let line = lines[usize::try_from(line).unwrap() - 1];
            assert_eq!(explained["excerpt"]["line"], line, "{address}");
        }
        for needed in explained["needs"].as_array().unwrap() {
            // What it needs is needed by it.
            let other = needed["address"].as_str().unwrap();
            let other = place.run(&["explain", other, "-f", "quickstart.yaml", "-o", "json"]);
            let other: Value = serde_json::from_str(&other.stdout).unwrap();
            let by: Vec<&Value> = other["needed_by"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| &one["address"])
                .collect();
            assert!(by.contains(&&change["address"]), "{address}: {by:?}");
        }
    }
}

/// A guard about the object is part of why, and so is one about another.
#[test]
fn explain_names_the_guards() {
    let place = Place::quickstart();
    let allow = ["-f", "quickstart.yaml", "--allow-broadening", "never"];
    let explained = |address: &str| {
        place
            .run(&[&["explain", address], allow.as_slice()].concat())
            .stdout
    };
    let role = explained("iam-role/app/report-reader");
    assert!(role.contains("access-broadened"), "{role}");
    let other = explained("namespace/app");
    assert!(other.contains("access-broadened"), "{other}");
}
