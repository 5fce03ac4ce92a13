//! `diff-access`: who gains and who loses what between two snapshots, and until now.

use eksact_core::ports::{
    aws::AccessEntry,
    kubernetes::{RbacBinding, Subject},
};
use eksact_simulator::World;
use serde_json::Value;

use crate::commands::place::Place;

const OF: [&str; 4] = ["--cluster", "quickstart", "--region", "eu-west-1"];
const NINA: &str = "arn:aws:iam::111122223333:user/nina";

fn admit_nina(world: &mut World) {
    let entry = AccessEntry {
        principal_arn: NINA.to_owned(),
        username: "nina".to_owned(),
        entry_type: "STANDARD".to_owned(),
        groups: vec!["devs".to_owned()],
        ..AccessEntry::default()
    };
    let cluster = world.clusters.values_mut().next().unwrap();
    cluster.eks.access_entries.insert(NINA.to_owned(), entry);
}

fn bind_devs(world: &mut World) {
    let binding = RbacBinding {
        namespace: Some("app".to_owned()),
        name: "devs".to_owned(),
        role_kind: "ClusterRole".to_owned(),
        role_name: "edit".to_owned(),
        subjects: vec![Subject {
            kind: "Group".to_owned(),
            name: "devs".to_owned(),
            namespace: None,
        }],
        ..RbacBinding::default()
    };
    let cluster = world.clusters.values_mut().next().unwrap();
    cluster.rbac_bindings.insert("app/devs".to_owned(), binding);
}

#[test]
fn diff_access_tells_people_what_they_gain_and_lose() {
    let place = Place::new();
    place.edit("quickstart", admit_nina);
    let snapshot = |file: &str| {
        let ended = place.run(&[&["snapshot", "--out", file], &OF[..]].concat());
        assert_eq!(ended.code, 0, "{}", ended.stderr);
    };
    snapshot("monday.json");
    place.edit("quickstart", bind_devs);
    snapshot("tuesday.json");
    let diff = |arguments: &[&str]| {
        let ended = place.run(&[&["diff-access", "--from"], arguments].concat());
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        ended.stdout
    };
    let gains = "gains  arn:aws:iam::111122223333:user/nina: ClusterRole edit in namespace app\n";
    let loses = gains.replace("gains", "loses");
    assert_eq!(diff(&["monday.json", "--to", "tuesday.json"]), gains);
    assert_eq!(diff(&["tuesday.json", "--to", "monday.json"]), loses);
    assert_eq!(
        diff(&["monday.json", "--to", "monday.json"]),
        "changes  no one gains or loses anything\n"
    );
    // Until now.
    assert_eq!(diff(&[&["monday.json"], &OF[..]].concat()), gains);
    let document: Value =
        serde_json::from_str(&diff(&["monday.json", "--to", "tuesday.json", "-o", "json"])).unwrap();
    assert_eq!(
        (&document["complete"], &document["people"][0]["who"]),
        (&true.into(), &NINA.into())
    );
}

/// What could not be read on one side is no difference, and has an exit code of its own.
#[test]
fn diff_access_says_what_it_could_not_compare() {
    let place = Place::new();
    place.edit("quickstart", bind_devs);
    let snapshot = |file: &str| place.run(&[&["snapshot", "--out", file], &OF[..]].concat()).code;
    assert_eq!(snapshot("all.json"), 0);
    place.edit("quickstart", |world| {
        world.denied.insert("eks:ListAccessEntries".to_owned());
    });
    assert_eq!(snapshot("some.json"), 5);
    let ended = place.run(&["diff-access", "--from", "all.json", "--to", "some.json"]);
    assert_eq!(ended.code, 5, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("not compared: after: access entries: "),
        "{}",
        ended.stderr
    );
    assert_eq!(ended.stdout, "changes  no one gains or loses anything\n");
}
