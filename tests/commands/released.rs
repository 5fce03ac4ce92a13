//! Files that outlive the eksact that wrote them: those of every released version are kept in `tests/fixtures/released`, and read by
//! this one. A file of a later format is refused with words.
//!
//! `EKSACT_BLESS=1` writes those of the version in `Cargo.toml` anew, and of no other: what a release has written stays.

use std::{env, fs, path::Path};

use serde_json::{Value, json};

use crate::commands::place::Place;

const RELEASED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/released");
const VERSION: &str = env!("CARGO_PKG_VERSION");
const APPLY: &[&str] = &["apply", "-f", "quickstart.yaml", "--yes"];
const UPDATE_KUBECONFIG: &[&str] = &[
    "update-kubeconfig",
    "--name",
    "quickstart",
    "--region",
    "eu-west-1",
    "--kubeconfig",
    "kubeconfig",
    "--portable",
];
const MAPPING: &str = "arn:aws:iam::111122223333:role/dev";

/// The files of this version: a sandbox with what an apply made in it, a plan that was saved before, a snapshot, a kubeconfig
/// and a backup of `aws-auth` as a file.
fn write(folder: &Path) {
    let place = Place::quickstart();
    let run = |arguments: &[&str]| {
        let ended = place.run(arguments);
        assert_eq!(ended.code, 0, "{arguments:?}: {}", ended.stderr);
    };
    // A sandbox begins with the first command.
    run(&[
        "get",
        "iamidentitymapping",
        "--cluster",
        "quickstart",
        "--region",
        "eu-west-1",
    ]);
    fs::copy(
        place.path(".eksact-sandbox.json"),
        folder.join("sandbox-before.json"),
    )
    .unwrap();
    run(&["plan", "-f", "quickstart.yaml", "--out", "plan.json"]);
    run(APPLY);
    run(&["snapshot", "-f", "quickstart.yaml", "-o", "snapshot.json"]);
    run(UPDATE_KUBECONFIG);
    for (name, kept) in [
        (".eksact-sandbox.json", "sandbox.json"),
        ("plan.json", "plan.json"),
        ("snapshot.json", "snapshot.json"),
        ("kubeconfig", "kubeconfig"),
    ] {
        fs::copy(place.path(name), folder.join(kept)).unwrap();
    }
}

/// A place with the files of a version, the sandbox as it was after its apply.
fn place_of(folder: &Path) -> Place {
    let place = Place::quickstart();
    for file in fs::read_dir(folder).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), place.path(file.file_name().to_str().unwrap())).unwrap();
    }
    fs::copy(folder.join("sandbox.json"), place.path(".eksact-sandbox.json")).unwrap();
    place
}

#[test]
fn files_of_every_released_version_are_read() {
    let own = Path::new(RELEASED).join(VERSION);
    if env::var_os("EKSACT_BLESS").is_some() {
        fs::create_dir_all(&own).unwrap();
        write(&own);
    }
    assert!(
        own.join("plan.json").exists(),
        "no files of {VERSION} are kept: EKSACT_BLESS=1 cargo test --test sandbox released"
    );
    for version in fs::read_dir(RELEASED).unwrap() {
        let folder = version.unwrap().path();
        let version = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let place = place_of(&folder);
        let run = |arguments: &[&str], says: &str| {
            let ended = place.run(arguments);
            assert_eq!(ended.code, 0, "{version}, {arguments:?}: {}", ended.stderr);
            let said = [ended.stdout, ended.stderr].concat();
            assert!(said.contains(says), "{version}, {arguments:?}: {said}");
        };
        run(&["plan", "-f", "quickstart.yaml"], "No changes.");
        run(
            &["who-can", "get", "pods", "--snapshot", "snapshot.json"],
            "system:masters",
        );
        run(
            &["diff-access", "--from", "snapshot.json", "--to", "snapshot.json"],
            "",
        );
        run(&["show", "plan.json"], "iam-role/app/report-reader");
        run(UPDATE_KUBECONFIG, "No changes.");
        run(
            &[
                "delete",
                "kubeconfig",
                "--name",
                "quickstart",
                "--kubeconfig",
                "kubeconfig",
            ],
            "delete",
        );

        // The backups in the cluster, and one in a file, as an aws-auth that is written over leaves them.
        let mapping = |verb| {
            [
                verb,
                "iamidentitymapping",
                "-c",
                "quickstart",
                "--region",
                "eu-west-1",
                "--arn",
                MAPPING,
            ]
        };
        run(
            &[
                &mapping("create")[..],
                &["--username", "dev", "--group", "view", "--yes"],
            ]
            .concat(),
            "",
        );
        run(
            &[
                "restore",
                "aws-auth",
                "-c",
                "quickstart",
                "--region",
                "eu-west-1",
                "--yes",
            ],
            "",
        );

        // The plan holds for the sandbox in which it was made, once.
        fs::copy(
            folder.join("sandbox-before.json"),
            place.path(".eksact-sandbox.json"),
        )
        .unwrap();
        let plan: Value = serde_json::from_slice(&fs::read(folder.join("plan.json")).unwrap()).unwrap();
        let apply = ["apply", "plan.json", "--expect", plan["digest"].as_str().unwrap()];
        run(&apply, "Applied: ");
        run(&apply, "Already applied ");
    }
}

#[test]
fn file_of_a_later_format_is_refused_with_words() {
    let place = place_of(&Path::new(RELEASED).join(VERSION));
    let raise = |name: &str, field: &str, to: Value| {
        let mut file: Value = serde_json::from_slice(&fs::read(place.path(name)).unwrap()).unwrap();
        assert!(file.get(field).is_some(), "{name} has no `{field}`");
        file[field] = to;
        fs::write(place.path(name), file.to_string()).unwrap();
    };
    raise("plan.json", "format_version", json!("2.0"));
    raise("snapshot.json", "version", json!(2));
    raise(".eksact-sandbox.json", "version", json!(2));
    for (arguments, code, says) in [
        (&["show", "plan.json"][..], 65, "this eksact reads format 1.0"),
        (
            &["apply", "plan.json", "--yes"],
            65,
            "the version of eksact that made it",
        ),
        (
            &["who-can", "get", "pods", "--snapshot", "snapshot.json"],
            1,
            "this eksact reads format 1; update eksact",
        ),
        (
            &["plan", "-f", "quickstart.yaml"],
            1,
            "this eksact reads version 1; update eksact",
        ),
    ] {
        let ended = place.run(arguments);
        let said: String = ended.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(ended.code, code, "{arguments:?}: {said}");
        assert!(said.contains(says), "{arguments:?}: {said}");
    }
}
