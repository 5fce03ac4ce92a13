//! `export`: the file on standard output or in a file, and a plan over it.

use std::fs;

use crate::commands::place::{Place, assert_story};

const EXPORT: [&str; 6] = ["export", "--cluster", "quickstart", "--region", "eu-west-1", "-o"];

#[test]
fn export_of_what_was_applied_has_an_empty_plan() {
    let mut place = Place::applied();
    let into = |path: &'static str| [&EXPORT[..], &[path]].concat();
    assert_eq!(place.tell(&into("-")).code, 0);
    assert_eq!(place.tell(&into("exported.yaml")).code, 0);
    assert_eq!(
        place
            .tell(&["plan", "-f", "exported.yaml", "--detailed-exitcode"])
            .code,
        0
    );
    assert_eq!(place.tell(&into("exported.yaml")).code, 0, "the same again");
    let exported = fs::read_to_string(place.path("exported.yaml")).unwrap();

    place.write("exported.yaml", "# mine\n");
    assert_eq!(place.tell(&into("exported.yaml")).code, 1);
    assert_eq!(
        fs::read_to_string(place.path("exported.yaml")).unwrap(),
        "# mine\n"
    );
    let forced = [&into("exported.yaml")[..], &["--force"]].concat();
    assert_eq!(place.tell(&forced).code, 0);
    assert_eq!(fs::read_to_string(place.path("exported.yaml")).unwrap(), exported);
    assert_story!("export", place.story());
    let nowhere = place.run(&into("no/such/folder.yaml"));
    assert_eq!(nowhere.code, 1);
    assert!(
        nowhere
            .stderr
            .contains("no/such/folder.yaml could not be written"),
        "{}",
        nowhere.stderr
    );
}

/// Data goes to standard output alone, and so through a pipe to `plan`.
#[test]
fn exported_standard_output_is_the_file_and_nothing_else() {
    let place = Place::applied();
    let ended = place.run(&EXPORT[..5]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let planned = place.run_with_input(&["plan", "-f", "-", "--detailed-exitcode"], &ended.stdout);
    assert_eq!(planned.code, 0, "{}{}", planned.stdout, planned.stderr);
}
