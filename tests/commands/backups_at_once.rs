//! Two hundred runs that keep a backup of `aws-auth` in the same folder, each of a state of its own. The folder has no lock, so
//! that a file system without locks is no other case; what a run leaves that was killed while it wrote is in it before.

use std::{collections::BTreeSet, fs};

use crate::{
    commands::place::{Ended, Place},
    support::at_once::at_once,
};

const PROCESSES: usize = 200;
/// As many as are kept for one cluster.
const KEPT: usize = 10;
const MAPPING: [&str; 5] = [
    "iamidentitymapping",
    "--cluster",
    "prod",
    "--arn",
    "arn:aws:iam::111122223333:role/dev",
];
const UNFINISHED: &str = ".tmpAbCdEf";

#[test]
fn backups_of_two_hundred_runs_at_once_are_whole_and_bounded() {
    let place = Place::new();
    let create = [
        &["create"],
        &MAPPING[..],
        &["--username", "developer-of", "--yes"],
    ]
    .concat();
    assert_eq!(place.run(&create).code, 0);
    place.edit("prod", |world| {
        for cluster in world.clusters.values_mut() {
            cluster.denied.insert("create configmaps".to_owned());
        }
    });
    let world = fs::read_to_string(place.path(".eksact-sandbox.json")).unwrap();
    let folder = place.path(".local/state/eksact/aws-auth-backups");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(UNFINISHED), "{\"half").unwrap();

    let commands = (0..PROCESSES).map(|number| {
        let file = format!("sandbox-{number}.json");
        let own = world.replace("developer-of", &format!("developer-{number}"));
        fs::write(place.path(&file), own).unwrap();
        place.command(&[&["delete"], &MAPPING[..], &["--yes", "--sandbox-file", &file]].concat())
    });
    let mut told = BTreeSet::new();
    for output in at_once(commands) {
        let ended = Ended::of(output);
        assert_eq!(ended.code, 0, "{ended:?}");
        // Each says which file has its own: the path is broken over lines.
        let said: String = ended.stderr.split_whitespace().collect();
        let name = said.split("aws-auth-backups/").nth(1);
        let name = name.and_then(|rest| rest.split_once(".json"));
        told.insert(name.unwrap_or_else(|| panic!("{ended:?}")).0.to_owned());
    }
    assert_eq!(told.len(), PROCESSES);

    let mut found = BTreeSet::new();
    for entry in fs::read_dir(&folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name != UNFINISHED {
            let text = fs::read_to_string(folder.join(&name)).unwrap();
            let backup: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert!(
                backup["data"]["mapRoles"]
                    .as_str()
                    .unwrap()
                    .contains("developer-")
            );
            assert!(told.contains(name.trim_end_matches(".json")), "{name}");
            found.insert(name);
        }
    }
    assert_eq!(found.len(), KEPT, "{found:?}");
    let listed = place.run(&["restore", "aws-auth", "--cluster", "prod", "--list"]);
    assert_eq!(listed.code, 0, "{listed:?}");
    assert!(!listed.stderr.contains("warning"), "{listed:?}");
    let in_files = listed.stdout.matches(".json").count();
    assert_eq!(in_files, KEPT, "{listed:?}");
}
