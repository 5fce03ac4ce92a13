//! The published schemas: `docs/schemas/` is made from the program's types. `support/schemas.rs` holds every output against them.

use std::{
    any::TypeId,
    collections::BTreeSet,
    env, fs, panic,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::{
    commands::place::{PROGRAM, Place},
    support::schemas::{Files, KINDS, ROOT, faults, files, hold},
};

fn printed(kind: &str) -> String {
    let output = Command::new(PROGRAM)
        .args(["schema", "--kind", kind])
        .env_clear()
        .output()
        .unwrap();
    assert!(output.status.success(), "{kind}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn schemas_in_the_documents_are_those_of_the_program() {
    let folder = Path::new(ROOT).join("docs/schemas");
    for kind in KINDS {
        let path = folder.join(format!("{kind}.json"));
        let text = printed(kind);
        if env::var_os("EKSACT_BLESS").is_some() {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&path, &text).unwrap();
        }
        assert!(
            fs::read_to_string(&path).unwrap_or_default() == text,
            "{} is not that of this program: EKSACT_BLESS=1 cargo test --test sandbox schemas",
            path.display()
        );
        jsonschema::meta::validate(&serde_json::from_str(&text).unwrap()).unwrap();
    }
    assert_eq!(
        fs::read_dir(folder).unwrap().count(),
        KINDS.len(),
        "a schema of nothing"
    );
}

/// Formats of `-o` beside JSON, which goes by the schema of the command: what says how each is made.
const FORMATS: &[(&str, &str)] = &[
    ("ndjson", "apply-ndjson"),
    ("yaml", "as JSON"),
    ("sarif", "SARIF 2.1.0"),
    ("markdown", "CommonMark"),
    ("html", "HTML"),
    ("csv", "RFC 4180"),
    ("mermaid", "Mermaid"),
    ("github", "workflow commands of GitHub Actions"),
    ("human", "for people"),
    ("table", "for people"),
    ("text", "for people"),
];

/// Options and arguments that name a file or a folder: the command (any for the empty word), and what goes into it; what is only
/// read has the empty word. The first that fits counts.
const FILES: &[(&str, &str, &str)] = &[
    ("", "json-into", "as JSON"),
    ("", "markdown-into", "CommonMark"),
    ("", "html-into", "HTML"),
    ("", "sarif-into", "SARIF 2.1.0"),
    ("", "metrics-into", "OpenMetrics"),
    ("snapshot", "out", "snapshot"),
    ("", "out", "saved-plan"),
    ("export", "output", "ClusterConfig and ClusterAccess"),
    ("", "kubeconfig", "Config of client-go"),
    ("fleet-shard", "into", "as they are"),
    ("man", "folder", "man pages"),
    ("", "config-file", ""),
    ("", "file", ""),
    ("", "plan", ""),
    ("", "saved_plan", ""),
    ("", "attach-policy", ""),
    ("", "aws-auth", ""),
    ("", "from", ""),
    ("", "to", ""),
    ("", "pod", ""),
    ("", "resource-policy", ""),
    ("", "snapshot", ""),
    ("", "sandbox-file", "for the sandbox alone"),
];

/// Commands with neither.
const OTHERS: &[(&str, &str)] = &[
    ("fleet-shard", "names of files, one a line"),
    ("schema", "JSON Schema 2020-12"),
    ("utils-schema", "JSON Schema 2020-12"),
    ("completion", "scripts of shells"),
];

/// The value of an option is the name of a file or a folder.
fn names_a_file(argument: &clap::Arg) -> bool {
    let names = argument.get_value_names().unwrap_or_default();
    argument.get_value_parser().type_id() == TypeId::of::<PathBuf>()
        || names
            .iter()
            .any(|name| ["FILE", "PATH", "FOLDER", "PLAN"].contains(&name.as_str()))
}

/// Everything that every command writes for machines goes by a schema of these, or by what others publish.
#[test]
fn schemas_or_standards_are_there_for_every_output_of_every_command() {
    fn visit(command: &clap::Command, path: &str, test: &mut dyn FnMut(&str, &clap::Command)) {
        test(path.trim_start_matches('-'), command);
        for below in command.get_subcommands() {
            visit(below, &format!("{path}-{}", below.get_name()), test);
        }
    }
    let (mut used, mut missing, mut with_json) = (BTreeSet::from(["fleet"]), Vec::new(), 0);
    visit(&eksact::cli::command(), "", &mut |path, command| {
        let mut writes = OTHERS.iter().any(|(other, _)| *other == path);
        let formats: Vec<String> = command
            .get_arguments()
            .filter(|argument| argument.get_long() == Some("output"))
            .flat_map(clap::Arg::get_possible_values)
            .map(|format| format.get_name().to_owned())
            .collect();
        let plans = formats.iter().any(|format| format == "ndjson");
        for format in &formats {
            writes = true;
            if format == "json" {
                with_json += 1;
                match KINDS.iter().find(|kind| **kind == path) {
                    Some(kind) => drop(used.insert(kind)),
                    // Those without one of their own show plans.
                    None if plans => used.extend(["plan", "apply"]),
                    // Kubernetes' own: ExecCredential.
                    None if path == "token" => {}
                    None => missing.push(format!("{path} -o json")),
                }
            } else if let Some((_, by)) = FORMATS.iter().find(|(known, _)| known == format) {
                used.insert(by);
            } else {
                missing.push(format!("{path} -o {format}"));
            }
        }
        for argument in command.get_arguments().filter(|argument| names_a_file(argument)) {
            let name = argument.get_long().unwrap_or(argument.get_id().as_str());
            let file = FILES
                .iter()
                .find(|(of, known, _)| (*of == path || of.is_empty()) && *known == name);
            match file {
                Some((.., "")) => {}
                Some((.., by)) => {
                    writes = true;
                    used.insert(by);
                }
                None => missing.push(format!("{path}: the file of {name}")),
            }
        }
        if !writes && !command.has_subcommands() {
            missing.push(format!("{path}: what it writes"));
        }
    });
    assert_eq!(missing, [""; 0], "no schema and no standard");
    assert!(with_json > 40, "{with_json}");
    let of_nothing: Vec<_> = KINDS.iter().filter(|kind| !used.contains(**kind)).collect();
    assert!(of_nothing.is_empty(), "a schema of nothing: {of_nothing:?}");
}

/// A snapshot, an event, YAML and the files of a run go by their schemas while other tests run; here is that the files are looked at.
#[test]
fn schemas_are_held_against_files() {
    let place = Place::quickstart();
    let of = ["-f", "quickstart.yaml"];
    place.run(&["apply", "-f", "quickstart.yaml", "--yes"]);
    let taken = place.run(&[&["snapshot", "-o", "taken.json"], &of[..]].concat());
    assert_eq!(taken.code, 0, "{}", taken.stderr);
    let text = fs::read_to_string(place.path("taken.json")).unwrap();
    let mut snapshot: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(faults("snapshot", &snapshot), [""; 0]);
    snapshot["picture"]["aws"]["more"] = true.into();
    assert!(!faults("snapshot", &snapshot).is_empty());
    place.write("taken.json", &snapshot.to_string());
    let held_since = |before: &Files, arguments: &[&str]| {
        let folder = place.path("");
        panic::catch_unwind(|| hold(arguments, &folder, before, "")).is_ok()
    };
    let held = |arguments: &[&str]| held_since(&Files::new(), arguments);
    assert!(!held(&["snapshot", "-o", "taken.json"]));
    assert!(!held(&["snapshot", "--out=taken.json"]));
    assert!(!held(&["plan", "--json-into", "taken.json"]));
    assert!(held(&["plan", "--markdown-into", "taken.json"]));
    // What is no JSON was not written by the command, or is a fault.
    for (name, text) in [("--json-into", "{\"changes\": ["), ("--out", "")] {
        let plan = ["plan", name, "taken.json"];
        place.write("taken.json", "# ours");
        let before = files(&plan, &place.path(""));
        assert!(held_since(&before, &plan), "it was there before, and kept");
        assert!(!held(&plan), "it was not there before");
        place.write("taken.json", text);
        assert!(!held_since(&before, &plan), "it was changed");
    }
}

/// The comparison sees what it must see.
#[test]
fn schemas_refuse_what_they_do_not_describe() {
    let place = Place::quickstart();
    let ended = place.run(&["plan", "-f", "quickstart.yaml", "-o", "json"]);
    let plan: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(faults("plan", &plan), [""; 0]);
    for spoil in [
        (|plan| plan["more"] = true.into()) as fn(&mut Value),
        |plan| plan["changes"][0]["action"] = "burn".into(),
        |plan| plan["changes"][0]["adress"] = "x/y".into(),
        |plan| {
            plan["changes"][0].as_object_mut().unwrap().remove("effect");
        },
        |plan| plan["findings"] = Value::Null,
        |plan| plan["steps"][0]["id"] = 7.into(),
    ] {
        let mut spoiled = plan.clone();
        spoil(&mut spoiled);
        assert!(!faults("plan", &spoiled).is_empty());
    }
}
