//! The views of a plan on stdout and in files, by whole commands.

use std::fs;

use serde_json::Value;

use crate::commands::place::{Ended, Place, assert_story};

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
        let file = format!("one.{name}");
        let one = place.run(&["plan", "-f", "changed.yaml", "-o", name, flag, &file]);
        assert_eq!(read(&place, &file), one.stdout, "{name}");
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

const INTO: [&str; 5] = [
    "--json-into",
    "--markdown-into",
    "--html-into",
    "--sarif-into",
    "--metrics-into",
];

/// What a pipeline does every night, with whatever the run before left: a plan, a drift, an apply, a saved plan, over one cluster and
/// over many.
#[test]
fn views_are_written_again_over_those_of_an_earlier_run() {
    let place = changed();
    fs::create_dir(place.path("clusters")).unwrap();
    place.write("clusters/changed.yaml", &read(&place, "changed.yaml"));
    for (flag, name) in INTO.iter().zip(0..) {
        for many in [false, true] {
            let file = format!("view.{name}.{many}");
            let of = if many { "clusters" } else { "changed.yaml" };
            place.write(&file, "");
            for line in [
                &["plan"][..],
                &["plan"],
                &["plan", "--drift-only"],
                &["plan"],
                &["apply", "--yes"],
                &["apply", "--yes"],
                &["plan", "--detailed-exitcode"],
            ] {
                let ended = place.run(&[line, &["-f", of, "--quiet", flag, &file]].concat());
                assert!(
                    [0, 7].contains(&ended.code),
                    "{line:?} {flag} {of}: {}",
                    ended.stderr
                );
                assert!(!read(&place, &file).is_empty());
            }
        }
    }
    for line in [
        &["plan", "-f", "changed.yaml", "--out", "saved"][..],
        &["plan", "-f", "changed.yaml", "--out", "saved"],
        &["show", "saved"],
        &["show", "saved"],
        &["apply", "saved", "--yes"],
        &["plan", "-f", "changed.yaml"],
    ] {
        let files = [
            "--json-into",
            "s.json",
            "--html-into",
            "s.html",
            "--markdown-into",
            "s.md",
        ];
        let ended = place.run(&[line, &files[..]].concat());
        assert_eq!(ended.code, 0, "{line:?}: {}", ended.stderr);
    }
}

/// In whatever form it is written, and whether a configuration names it or nobody does.
#[test]
fn view_never_takes_the_place_of_what_somebody_wrote() {
    let place = changed();
    let head = "apiVersion: eksctl.io/v1alpha5, metadata: {name: prod, region: eu-west-1}";
    fs::create_dir(place.path("policies")).unwrap();
    for (name, text) in [
        ("changed.yaml", read(&place, "changed.yaml")),
        ("mark.yaml", format!("\u{feff}{}", read(&place, "changed.yaml"))),
        (
            "line.json",
            "{\"kind\": \"ClusterConfig\", \"apiVersion\": \"eksctl.io/v1alpha5\"}".to_owned(),
        ),
        ("flow.yaml", format!("{{kind: ClusterConfig, {head}}}\n")),
        ("behind.yaml", format!("--- {{{head}, kind: ClusterConfig}}\n")),
        (
            "policies/x.json",
            "{\"Version\": \"2012-10-17\", \"Statement\": []}\n".to_owned(),
        ),
        ("notes.md", "# Ours\n".to_owned()),
    ] {
        place.write(name, &text);
        for flag in INTO {
            // What is there is no document of eksact's to be held against a schema.
            let arguments = ["plan", "-f", "changed.yaml", flag, name];
            let ended = Ended::of(place.command(&arguments).output().unwrap());
            assert_eq!(ended.code, 64, "{flag} {name}: {}", ended.stderr);
            let said = ended.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(
                said.contains("write it to another file, or remove that one first"),
                "{said}"
            );
            assert_eq!(read(&place, name), text, "{flag} {name}");
        }
    }
}

/// Not even where it looks as if eksact had written it, and by another name.
#[test]
fn view_never_takes_the_place_of_a_file_that_is_read() {
    let place = changed();
    for folder in ["clusters", "policies"] {
        fs::create_dir(place.path(folder)).unwrap();
    }
    place.write("clusters/a.yaml", &read(&place, "changed.yaml"));
    place.write("clusters/empty.yaml", "");
    place.write("empty.yaml", "");
    let policy = "# TYPE eksact_build info\nVersion: '2012-10-17'\nStatement: [{Effect: Allow, Action: 's3:GetObject', Resource: '*'}]\n";
    place.write("policies/x.yaml", policy);
    place.write(
        "with.yaml",
        &format!(
            "{}---\napiVersion: eksact.dev/v1alpha1\nkind: ClusterAccess\npolicies: [{{name: x, file: policies/x.yaml}}]\n",
            read(&place, "changed.yaml")
        ),
    );
    let is_refused = |line: &[&str]| {
        let ended = place.run(line);
        assert_eq!(ended.code, 64, "{line:?}: {}", ended.stderr);
        let said = ended.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            said.contains("is a file that this command reads"),
            "{line:?}: {said}"
        );
    };
    for line in [
        &["plan", "-f", "empty.yaml", "--json-into", "./empty.yaml"][..],
        &[
            "create",
            "iamserviceaccount",
            "-f",
            "empty.yaml",
            "--html-into",
            "empty.yaml",
        ],
        &["plan", "-f", "clusters", "--json-into", "clusters/empty.yaml"],
        &["plan", "-f", "with.yaml", "--metrics-into", "policies/x.yaml"],
    ] {
        is_refused(line);
    }
    // A saved plan is the JSON of an earlier run, by any name.
    assert_eq!(
        place
            .run(&["plan", "-f", "changed.yaml", "--out", "plan.json"])
            .code,
        0
    );
    fs::create_dir(place.path("plans")).unwrap();
    fs::copy(place.path("plan.json"), place.path("plans/a.json")).unwrap();
    for line in [
        &["apply", "plan.json", "--yes", "--json-into", "plan.json"][..],
        &[
            "apply",
            "plan.json",
            "--yes",
            "--json-into",
            "./plans/../plan.json",
        ],
        &["apply", "plans", "--yes", "--json-into", "plans/a.json"],
        &["show", "plan.json", "--json-into", "plan.json"],
        &["show", "plans", "--json-into", "plans/a.json"],
    ] {
        let saved = read(&place, "plan.json");
        is_refused(line);
        assert_eq!(read(&place, "plan.json"), saved, "{line:?}");
        assert_eq!(read(&place, "plans/a.json"), saved, "{line:?}");
    }
    assert_eq!(read(&place, "policies/x.yaml"), policy);
    assert_eq!(read(&place, "clusters/empty.yaml"), "");
}

/// By whatever names they go.
#[test]
fn view_never_takes_the_place_of_another_or_of_the_plan_that_is_saved() {
    let place = changed();
    let plan = ["plan", "-f", "changed.yaml"];
    let entry = "create accessentry --cluster quickstart --region eu-west-1 --principal-arn arn:aws:iam::111122223333:role/dev";
    let entry: Vec<&str> = entry.split(' ').collect();
    fs::create_dir(place.path("folder")).unwrap();
    for (command, files) in [
        (&plan[..], ["--out", "z", "--markdown-into", "z"]),
        (&plan, ["--json-into", "./z", "--out", "z"]),
        (&entry, ["--out", "z", "--html-into", "z"]),
        (&plan, ["--markdown-into", "z", "--html-into", "./z"]),
        (&plan, ["--sarif-into", "folder/../z", "--html-into", "z"]),
        (&plan, ["--json-into", "z", "--metrics-into", "z"]),
    ] {
        let ended = place.run(&[command, &files[..]].concat());
        assert_eq!(ended.code, 64, "{files:?}: {}", ended.stderr);
        assert!(
            ended.stderr.contains("name one file"),
            "{files:?}: {}",
            ended.stderr
        );
        assert!(!place.path("z").exists(), "{files:?}");
    }
    // An older one that is there already counts as well.
    let saved = place.run(&[&plan[..], &["--out", "z"]].concat());
    assert_eq!(saved.code, 0, "{}", saved.stderr);
    let before = read(&place, "z");
    let ended = place.run(&[&plan[..], &["--out", "z", "--json-into", "folder/../z"]].concat());
    assert_eq!(ended.code, 64, "{}", ended.stderr);
    assert_eq!(read(&place, "z"), before);
}

/// Whoever applies or shows the folder reads every file in it.
#[test]
fn view_never_stands_among_the_plans_of_a_folder() {
    let place = changed();
    let other = read(&place, "changed.yaml").replace("name: quickstart", "name: second");
    place.write("second.yaml", &other);
    let plan = [
        "plan",
        "-f",
        "changed.yaml",
        "-f",
        "second.yaml",
        "--out",
        "plans",
    ];
    for file in ["plans/report.html", "plans/../plans/report.html"] {
        let ended = place.run(&[&plan[..], &["--html-into", file]].concat());
        assert_eq!(ended.code, 64, "{file}: {}", ended.stderr);
        assert!(
            ended.stderr.contains("is in the folder of the plans"),
            "{}",
            ended.stderr
        );
        assert!(!place.path("plans").exists());
    }
    // The folder above and one below it are other places.
    let ended = place.run(&[&plan[..], &["--html-into", "report.html"]].concat());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    fs::create_dir(place.path("plans/below")).unwrap();
    for line in [
        &["apply", "plans", "--yes", "--json-into", "plans/new.json"][..],
        &["show", "plans", "--json-into", "./plans/new.json"],
        &["apply", "plans", "--yes", "--metrics-into", "plans/new.prom"],
        &[&plan[..], &["--metrics-into", "plans/new.prom"]].concat(),
    ] {
        let ended = place.run(line);
        assert_eq!(ended.code, 64, "{line:?}: {}", ended.stderr);
        assert!(
            ended.stderr.contains("is in the folder of the plans"),
            "{line:?}: {}",
            ended.stderr
        );
    }
    let ended = place.run(&["show", "plans", "--json-into", "plans/below/new.json"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}

#[test]
fn standard_input_is_no_file_of_its_name() {
    let place = changed();
    place.write("-", "");
    let input = read(&place, "changed.yaml");
    let ended = place.run_with_input(&["plan", "-f", "-", "--json-into", "./-"], &input);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(!read(&place, "-").is_empty());
}
