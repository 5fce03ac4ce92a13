//! Two hundred processes at once on one cache and on one kubeconfig: on a file system with locks, on one without, and where a
//! run that was killed has left its locks behind.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::bed::{Bed, Ran};
use crate::support::at_once::at_once;

const PROCESSES: u32 = 200;

/// Runs one process for each number, all at once.
fn each(command: impl Fn(u32) -> Command) -> impl Iterator<Item = Ran> {
    at_once((0..PROCESSES).map(command)).map(Ran::from)
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// The session whose credentials signed a token.
fn session(token: &str) -> String {
    let encoded = token.trim().strip_prefix("k8s-aws-v1.").unwrap();
    let url = String::from_utf8(URL_SAFE_NO_PAD.decode(encoded).unwrap()).unwrap();
    let session = url
        .split('&')
        .find(|part| part.starts_with("X-Amz-Security-Token="));
    session.unwrap_or_else(|| panic!("no session: {url}")).to_owned()
}

#[test]
fn token_cache_is_filled_once_and_by_everybody_without_locks() {
    let bed = Bed::start_with(&["--aws-only"]);
    let arguments = [
        "token",
        "-c",
        "bench",
        "--token-only",
        "-r",
        bed.fact("deployer_role"),
    ];
    let asked = || {
        let calls = bed.calls().into_iter();
        calls.filter(|call| call.call == "sts:AssumeRole").count()
    };
    let cache = bed.home.path().join(".cache/eksact");
    for (has_locks, is_left_behind) in [(true, false), (true, true), (false, false)] {
        bed.forget_calls();
        if is_left_behind {
            // What a run leaves that was killed with the lock in its hand, and another while it wrote.
            for name in names(&cache).iter().filter(|name| !name.contains(".lock")) {
                fs::remove_file(cache.join(name)).unwrap();
            }
            fs::write(cache.join(".new-AbCdEf"), "{\"half").unwrap();
        } else {
            let _ = fs::remove_dir_all(&cache);
        }
        let ran = each(|_| {
            let command = bed.eksact(&arguments);
            if has_locks {
                command
            } else {
                bed.by("no_locks.py", &[], &command)
            }
        });
        let mut sessions = BTreeSet::new();
        for ran in ran {
            let ran = ran.ended(0);
            assert_eq!(ran.stderr, "", "{ran}");
            sessions.insert(session(&ran.stdout));
        }
        if has_locks {
            assert_eq!(asked(), 1, "each asked for itself");
            // Who waits for a session signs for itself, and the clock goes on meanwhile.
            assert_eq!(sessions.len(), 1);
        } else {
            // Nothing keeps them apart; whoever comes later finds what is there.
            assert!(asked() >= 1);
        }
        bed.forget_calls();
        let after = bed.run(&arguments).ended(0);
        assert_eq!(asked(), 0, "the cache is of no use: {after}");
        let left = names(&cache);
        let unfinished = left.iter().filter(|name| name.starts_with(".new-")).count();
        assert_eq!(unfinished, usize::from(is_left_behind), "{left:?}");
    }
}

#[test]
fn kubeconfig_has_the_entries_of_two_hundred_writers() {
    let bed = Bed::start_with(&["--aws-only"]);
    let name = |number: u32| format!("cluster-{number:03}");
    let certificate = bed.control("GET", "eks/bench", &Value::Null)["certificateAuthority"]["data"].clone();
    for number in 0..PROCESSES {
        let record = json!({"endpoint": "https://127.0.0.1:9", "certificateAuthority": certificate});
        bed.control("POST", &format!("eks/{}", name(number)), &record);
    }
    let folder = bed.home.path().join(".kube");
    for has_locks in [true, false] {
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        if has_locks {
            // What a run leaves that was killed with the locks in its hand. Without locks nobody can tell whose the second is.
            fs::write(folder.join("config.eksact.lock"), "").unwrap();
            fs::write(folder.join("config.lock"), "eksact\n").unwrap();
        }
        let ran = each(|number| {
            let command = bed.eksact(&[
                "update-kubeconfig",
                "--name",
                &name(number),
                "--alias",
                &name(number),
            ]);
            if has_locks {
                command
            } else {
                bed.by("no_locks.py", &[], &command)
            }
        });
        for ran in ran {
            ran.ended(0);
        }
        let text = fs::read(folder.join("config")).unwrap();
        let document = eksact_core::kubeconfig::Document::read("config", &text).unwrap();
        let contexts = String::from_utf8(text.clone()).unwrap();
        for number in 0..PROCESSES {
            assert!(
                contexts.contains(&format!("name: {}\n", name(number))),
                "locks: {has_locks}: {} is lost",
                name(number)
            );
        }
        assert_eq!(
            document.entries().contexts.len(),
            usize::try_from(PROCESSES).unwrap()
        );
        assert_eq!(names(&folder), BTreeSet::from(["config".to_owned()]));
    }
}
