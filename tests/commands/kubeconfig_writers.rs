//! Many writers of one kubeconfig: each waits for the others, and nothing of theirs is lost.

use std::{collections::BTreeSet, fs, process::Stdio};

use crate::{
    commands::place::{Ended, Place},
    support::at_once::at_once,
};

#[test]
fn kubeconfig_has_the_entries_of_sixty_writers_at_once() {
    let place = Place::new();
    let arguments = |name: &str| {
        [
            "update-kubeconfig",
            "--region",
            "eu-west-1",
            "--kubeconfig",
            "config",
            "--name",
            name,
            "--alias",
            name,
        ]
        .map(str::to_owned)
    };
    let names: BTreeSet<String> = (0..60).map(|number| format!("c{number}")).collect();
    let commands = names.iter().map(|name| {
        let arguments = arguments(name);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        place.command(&arguments)
    });
    for output in at_once(commands) {
        // Whoever reads meanwhile sees a whole file.
        if let Ok(text) = fs::read(place.path("config")) {
            eksact_core::kubeconfig::Document::read("config", &text).unwrap();
            assert!(text.ends_with(b"provideClusterInfo: false\n"));
        }
        let ended = Ended::of(output);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
    }
    let text = fs::read(place.path("config")).unwrap();
    let document = eksact_core::kubeconfig::Document::read("config", &text).unwrap();
    let entries = document.entries();
    let found: BTreeSet<String> = entries
        .contexts
        .iter()
        .filter_map(|entry| entry.name.clone())
        .collect();
    assert_eq!(found, names);
    assert_eq!((entries.clusters.len(), entries.users.len()), (60, 60));
    let files: BTreeSet<String> = fs::read_dir(place.path("."))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with(".eksact-sandbox"))
        .collect();
    assert_eq!(
        files,
        BTreeSet::from(["config".to_owned()]),
        "no lock and no temporary file is left"
    );
}

#[cfg(unix)]
#[test]
fn kubeconfig_lock_wait_is_reported_and_can_be_interrupted() {
    use rustix::process::{Pid, Signal, kill_process};
    use std::io::{BufRead as _, BufReader};

    let place = Place::new();
    place.write("config.lock", "");
    let mut child = place
        .command(&[
            "update-kubeconfig",
            "--name",
            "prod",
            "--region",
            "eu-west-1",
            "--kubeconfig",
            "config",
        ])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let told = lines.find(|line| line.as_ref().unwrap().starts_with("waiting for "));
    assert_eq!(told.unwrap().unwrap(), "waiting for config.lock");
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let left: BTreeSet<_> = fs::read_dir(place.path("."))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("config"))
        .collect();
    assert_eq!(
        left,
        BTreeSet::from(["config.lock".to_owned()]),
        "only kubectl's own"
    );
}
