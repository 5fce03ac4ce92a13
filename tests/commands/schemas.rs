//! The published schemas: `docs/schemas/` is made from the program's types. `support/schemas.rs` holds every output against them.

use std::{env, fs, path::Path, process::Command};

use serde_json::Value;

use crate::{
    commands::place::{PROGRAM, Place},
    support::schemas::{KINDS, ROOT, faults},
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

/// Every command that has `-o json` has a schema: its own, or that of plans.
#[test]
fn schemas_are_there_for_every_command_with_json() {
    fn visit(command: &clap::Command, path: &str, found: &mut Vec<String>, plans: &mut Vec<String>) {
        let takes = |format: &str| {
            command.get_arguments().any(|argument| {
                argument.get_long() == Some("output")
                    && argument
                        .get_possible_values()
                        .iter()
                        .any(|value| value.get_name() == format)
            })
        };
        let name = path.trim_start_matches('-').to_owned();
        if takes("json") {
            found.push(name.clone());
        }
        if takes("ndjson") {
            plans.push(name);
        }
        for below in command.get_subcommands() {
            visit(below, &format!("{path}-{}", below.get_name()), found, plans);
        }
    }
    let mut plans = Vec::new();
    let mut found = Vec::new();
    visit(&eksact::cli::command(), "", &mut found, &mut plans);
    assert!(found.len() > 20, "{found:?}");
    // Those without one of their own show plans. `token` writes an ExecCredential, whose schema is Kubernetes'.
    for path in found
        .iter()
        .filter(|path| !KINDS.contains(&path.as_str()) && *path != "token")
    {
        assert!(plans.contains(path), "{path} has JSON and no schema");
    }
    for kind in KINDS.iter().skip(5) {
        assert!(
            found.iter().any(|path| path == kind),
            "{kind} is the schema of no command"
        );
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
