//! What goes to which stream: JSON, colour, closed pipes, silence.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::Stdio,
};

use serde_json::Value;

use crate::commands::place::{Ended, PROGRAM, Place};

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn stdout_of_json_is_one_document_whatever_happens() {
    let place = Place::quickstart();
    let planned = place.run(&["plan", "-f", "quickstart.yaml", "-o", "json", "-vv"]);
    let plan = json(&planned.stdout);
    assert_eq!(plan["format_version"], "1.0");
    assert_eq!(plan["target"]["cluster"], "quickstart");
    assert_eq!(plan["changes"].as_array().unwrap().len(), 8);
    let role = &plan["changes"][1];
    assert_eq!(role["address"], "iam-role/app/report-reader");
    assert_eq!(role["action"], "create");
    assert_eq!(role["source"]["line"], 15);
    // Without approval the plan is the answer; an apply's document has the report besides.
    let refused = place.run(&["apply", "-f", "quickstart.yaml", "-o", "json"]);
    assert_eq!(refused.code, 3);
    assert_eq!(json(&refused.stdout)["changes"], plan["changes"]);
    let applied = place.run(&["apply", "-f", "quickstart.yaml", "-o", "json", "--yes"]);
    assert_eq!(applied.code, 0);
    let applied = json(&applied.stdout);
    assert_eq!(applied["report"]["succeeded"], true);
    assert_eq!(applied["plan"]["changes"], plan["changes"]);
    let again = place.run(&["apply", "-f", "quickstart.yaml", "-o", "json", "--yes"]);
    assert_eq!(json(&again.stdout)["plan"]["changes"], Value::Array(Vec::new()));
    let unplanned = place.run(&[
        "create",
        "iamserviceaccount",
        "--cluster",
        "fresh",
        "--name",
        "x",
        "--attach-role-arn",
        "arn:aws:iam::111122223333:role/x",
        "--namespace",
        "default",
        "-o",
        "json",
    ]);
    assert_eq!(unplanned.code, 3);
    assert_eq!(json(&unplanned.stdout)["changes"][0]["action"], "create");
}

#[test]
fn color_is_used_only_where_it_is_wanted() {
    let place = Place::quickstart();
    let coloured = |arguments: &[&str], variables: &[(&str, &str)]| {
        let arguments = [&["plan", "-f", "quickstart.yaml"], arguments].concat();
        let output = place
            .command(&arguments)
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap().contains('\u{1b}')
    };
    assert!(!coloured(&[], &[]), "a pipe takes no colour");
    assert!(coloured(&["--color", "always"], &[]));
    assert!(coloured(&["-C", "true"], &[]), "eksctl's word");
    assert!(!coloured(&["--color", "never"], &[("CLICOLOR_FORCE", "1")]));
    assert!(!coloured(&[], &[("NO_COLOR", "1")]));
    assert!(
        coloured(&["--color", "always"], &[("NO_COLOR", "1")]),
        "the flag was meant, the variable is a habit"
    );
}

#[test]
fn reader_that_goes_away_changes_nothing() {
    let place = Place::quickstart();
    let mut child = place
        .command(&["apply", "-f", "quickstart.yaml", "--yes", "-o", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{said}");
    assert!(!said.contains("panicked") && !said.contains("error"), "{said}");
    let after = place.run(&["plan", "-f", "quickstart.yaml", "--detailed-exitcode"]);
    assert_eq!(after.code, 0, "what was approved was not done");
    // A plan, too: `eksact plan | head -1`.
    let mut child = place
        .bare("sh")
        .args([
            "-c",
            &format!("'{PROGRAM}' schema --sandbox; echo \"exit code $?\" >&2"),
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut first)
        .unwrap();
    assert_eq!(first, "{\n");
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(said, "exit code 0\n");
    child.wait().unwrap();
}

#[test]
fn quiet_leaves_data_and_failures() {
    let place = Place::quickstart();
    let ended = place.run(&["plan", "-f", "quickstart.yaml", "--quiet"]);
    assert_eq!(ended.stderr, "");
    assert!(ended.stdout.starts_with("Plan for quickstart"));
    let ended = place.run(&["apply", "-f", "quickstart.yaml", "--quiet"]);
    assert!(
        ended.stderr.starts_with("error: the plan was not applied"),
        "{}",
        ended.stderr
    );
}

#[test]
fn offered_command_can_be_pasted() {
    let place = Place::quickstart();
    place.write("a file.yaml", include_str!("../../examples/quickstart.yaml"));
    let ended = place.run(&["apply", "-f", "a file.yaml", "--include", "app/*", "-q"]);
    let words: Vec<&str> = ended.stderr.split_whitespace().collect();
    let offered = words.join(" ");
    let offered = offered.rsplit_once("run: eksact ").unwrap().1;
    assert_eq!(offered, "apply -f 'a file.yaml' --include 'app/*' -q --yes");
    let ended = Ended::of(
        place
            .bare("sh")
            .env("EKSACT_SANDBOX", "1")
            .args(["-c", &format!("'{PROGRAM}' {offered}")])
            .output()
            .unwrap(),
    );
    assert_eq!(ended.code, 0, "{}", ended.stderr);
}

#[test]
fn help_fits_80_columns_and_completions_know_every_command() {
    let place = Place::new();
    let commands: [&[&str]; 12] = [
        &[],
        &["plan"],
        &["apply"],
        &["create", "iamserviceaccount"],
        &["get", "iamserviceaccount"],
        &["update", "iamserviceaccount"],
        &["delete", "iamserviceaccount"],
        &["delete", "iam-oidc-provider"],
        &["associate", "iam-oidc-provider"],
        &["utils", "associate-iam-oidc-provider"],
        &["schema"],
        &["completion"],
    ];
    for command in commands {
        for flag in ["-h", "--help"] {
            let ended = place.run(&[command, &[flag]].concat());
            assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{command:?}");
            let widest = ended
                .stdout
                .lines()
                .max_by_key(|line| line.chars().count())
                .unwrap();
            assert!(widest.chars().count() <= 80, "{command:?} {flag}: {widest}");
        }
    }
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = place.run(&["completion", shell]).stdout;
        for word in [
            "iamserviceaccount",
            "associate-iam-oidc-provider",
            "attach-policy-arn",
        ] {
            assert!(script.contains(word), "{shell} does not complete {word}");
        }
    }
    let version = place.run(&["--version"]);
    assert_eq!(version.stdout, format!("eksact {}\n", env!("CARGO_PKG_VERSION")));
}
