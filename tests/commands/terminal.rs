//! The question on a terminal, and Ctrl-C. Python gives the terminal: the test bed needs it anyway.

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use crate::commands::place::{Ended, PROGRAM, Place};

pub(crate) const TERMINAL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/commands/terminal.py");

/// Where python3 is: a place has no PATH.
pub(crate) fn python() -> String {
    let output = Command::new("python3")
        .args(["-c", "import sys; print(sys.executable)"])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Applies the quickstart on a terminal and answers the question.
fn answer(place: &Place, answer: &str) -> Ended {
    let output = place
        .bare(python())
        .env("EKSACT_SANDBOX", "1")
        .env("TERM", "dumb")
        .args([TERMINAL, answer, PROGRAM, "apply", "-f", "quickstart.yaml"])
        .output()
        .unwrap();
    Ended::of(output)
}

fn changes_are_left(place: &Place) -> bool {
    place
        .run(&["plan", "-f", "quickstart.yaml", "--detailed-exitcode"])
        .code
        == 2
}

#[test]
fn answer_yes_alone_applies() {
    for no in ["n", "", "EOF", "yesterday"] {
        let place = Place::quickstart();
        let ended = answer(&place, no);
        assert_eq!(ended.code, 3, "{no}: {}", ended.stdout);
        assert!(
            ended.stdout.contains("Apply these changes? [y/N] "),
            "{}",
            ended.stdout
        );
        assert!(
            ended.stdout.trim_end().ends_with("Nothing was changed."),
            "{no}: {}",
            ended.stdout
        );
        assert!(changes_are_left(&place), "{no} was taken for yes");
    }
    let place = Place::quickstart();
    let ended = answer(&place, "y");
    assert_eq!(ended.code, 0, "{}", ended.stdout);
    assert!(
        ended.stdout.trim_end().ends_with("Applied: 8 created."),
        "{}",
        ended.stdout
    );
    assert!(!changes_are_left(&place));
    // Nothing to do: nothing to ask.
    let ended = answer(&place, "n");
    assert_eq!(ended.code, 0);
    assert!(!ended.stdout.contains("[y/N]"), "{}", ended.stdout);
}

#[test]
fn ctrl_c_at_the_question_changes_nothing() {
    let place = Place::quickstart();
    let ended = answer(&place, "INTERRUPT");
    assert_eq!(ended.code, 130, "{}", ended.stdout);
    assert!(changes_are_left(&place));
}

/// Stacks that take their time, and Ctrl-C as soon as one is being made: it is finished and reported, the rest is not
/// begun, and the next run does the rest.
#[test]
fn ctrl_c_during_an_apply_finishes_what_is_in_flight() {
    let place = Place::quickstart();
    place.edit("quickstart", |world| world.stack_seconds = 2);
    let mut child = place
        .command(&["apply", "-f", "quickstart.yaml", "--yes"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = Vec::new();
    for line in BufReader::new(child.stderr.take().unwrap()).lines() {
        let line = line.unwrap();
        if line.contains("start    create stack") && line.contains("report-reader") {
            let ended = Command::new("kill")
                .args(["-INT", &child.id().to_string()])
                .status()
                .unwrap();
            assert!(ended.success());
        }
        said.push(line);
    }
    let said = said.join("\n");
    assert_eq!(child.wait().unwrap().code(), Some(130), "{said}");
    assert!(said.contains("Interrupted: "), "{said}");
    assert!(
        said.contains("iam-role/app/report-reader created"),
        "a step in flight was not finished: {said}"
    );
    assert!(said.contains("Not tried:\n  service-account/"), "{said}");
    let again = place.run(&["apply", "-f", "quickstart.yaml", "--yes"]);
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert!(!changes_are_left(&place));
}
