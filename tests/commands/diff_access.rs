//! `diff-access`: who gains and who loses what between two snapshots, until now, and by files and plans that are not applied yet.

use eksact_core::ports::{
    aws::AccessEntry,
    kubernetes::{RbacBinding, Subject},
};
use eksact_simulator::World;
use serde_json::Value;

use crate::commands::place::{Place, assert_story};

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

/// A cluster of the same name in another region is another cluster: it is refused, whatever is compared with it.
#[test]
fn diff_access_refuses_a_snapshot_of_another_region() {
    let place = Place::quickstart();
    let taken = place.run(&[&["snapshot", "--out", "here.json"], &OF[..]].concat());
    assert_eq!(taken.code, 0, "{}", taken.stderr);
    let text = std::fs::read_to_string(place.path("here.json")).unwrap();
    let region = "\"region\":\"eu-west-1\"";
    assert!(text.contains(region), "{text}");
    place.write(
        "there.json",
        &text.replacen(region, "\"region\":\"us-east-1\"", 1),
    );
    let there = "cluster quickstart in us-east-1";
    let now = [&["--from", "there.json"], &OF[..]].concat();
    let pairs: [&[&str]; 5] = [
        &["--from", "there.json", "--to", "here.json"],
        &["--from", "here.json", "--to", "there.json"],
        &["--from", "there.json", "--to", "quickstart.yaml"],
        &["--from", "quickstart.yaml", "--to", "there.json"],
        &now,
    ];
    for pair in pairs {
        let ended = place.run(&[&["diff-access"], pair].concat());
        assert_eq!(
            (ended.code, ended.stdout.as_str()),
            (64, ""),
            "{pair:?}: {}",
            ended.stderr
        );
        let said = ended.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            said.contains(there) && said.contains("only what is of one cluster can be compared"),
            "{said}"
        );
    }
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

/// Where nothing of a kind can be planned, no object is named, and no one is told that all was compared.
#[test]
fn diff_access_says_what_of_a_file_it_could_not_plan() {
    let place = Place::applied();
    let full = include_str!("../../examples/quickstart.yaml");
    let full = full.replace("AmazonS3ReadOnlyAccess", "AmazonS3FullAccess");
    place.write("full.yaml", &full);
    let whole = place.run(&["diff-access", "--to", "full.yaml"]);
    assert_eq!(whole.code, 0, "{}", whole.stderr);
    place.edit("quickstart", |world| {
        world.denied.insert("cloudformation:ListStacks".to_owned());
        world.denied.insert("cloudformation:DescribeStacks".to_owned());
    });
    let ended = place.run(&["diff-access", "--to", "full.yaml", "-o", "json"]);
    assert_eq!(ended.code, 5, "{}", ended.stderr);
    let said = ended.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    for text in [
        "error: --to: no role can be planned, because the stacks of the region could not be read",
        "help: Give the caller the permission cloudformation:",
        "warning: not compared: no role can be planned",
    ] {
        assert!(said.contains(text), "{text}: {said}");
    }
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(document["complete"], false);
    let unread = document["unread"].as_array().unwrap();
    let is_told = |what: &Value| what.as_str().unwrap().starts_with("no role can be planned");
    assert!(unread.iter().any(is_told), "{unread:?}");
}

/// What is named twice is a mistake of the flag that names it, and standard input has one content.
#[test]
fn diff_access_refuses_what_is_named_twice() {
    let place = Place::quickstart();
    let table: [(&[&str], &str); 5] = [
        (
            &["--from", "quickstart.yaml", "--from", "quickstart.yaml"],
            "quickstart.yaml is named twice with --from",
        ),
        (
            &["--to", "quickstart.yaml", "--to", "quickstart.yaml"],
            "quickstart.yaml is named twice with --to",
        ),
        (
            &["--to", "-", "--to", "quickstart.yaml", "--to", "-"],
            "standard input is named twice with --to",
        ),
        (
            &["--from", "-", "--to", "-"],
            "both --from and --to name standard input",
        ),
        (
            &["--from", "quickstart.yaml", "--from", "-", "--to", "-"],
            "both --from and --to name standard input",
        ),
    ];
    for (arguments, says) in table {
        let ended = place.run(&[&["diff-access"], arguments].concat());
        assert_eq!(
            (ended.code, ended.stdout.as_str()),
            (64, ""),
            "{arguments:?}: {}",
            ended.stderr
        );
        let said = ended.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(says), "{arguments:?}: {said}");
    }
}

/// The quickstart, with a role that is mapped to a group, and the group's rights.
fn team(role: &str) -> String {
    let quickstart = include_str!("../../examples/quickstart.yaml");
    format!(
        "{quickstart}iamIdentityMappings:\n  - arn: arn:aws:iam::111122223333:role/developer\n    username: developer\n    \
         groups: [devs]\n---\napiVersion: eksact.dev/v1alpha1\nkind: ClusterAccess\ngroups:\n  - name: devs\n    bindings:\n      \
         - clusterRole: {role}\n        namespaces: [app]\n"
    )
}

/// A configuration stands for what would be if it were applied now, a plan for what it makes of what it was made over.
#[test]
fn diff_access_of_files_and_plans() {
    let mut place = Place::applied();
    place.write("view.yaml", &team("view"));
    place.write(
        "edit.yaml",
        &team("edit").replace("AmazonS3ReadOnlyAccess", "AmazonS3FullAccess"),
    );
    let snapshot = [&["snapshot", "--out", "before.json"], &OF[..]].concat();
    assert_eq!(place.run(&snapshot).code, 0);
    // What applying a file gives and takes; nothing is changed by asking.
    place.tell(&["diff-access", "--to", "view.yaml"]);
    place.tell(&["diff-access", "--from", "view.yaml"]);
    place.tell(&["diff-access", "--from", "view.yaml", "--to", "edit.yaml"]);
    place.tell(&[
        "diff-access",
        "--from",
        "edit.yaml",
        "--to",
        "view.yaml",
        "-o",
        "json",
    ]);
    place.tell(&["diff-access", "--from", "before.json", "--to", "edit.yaml"]);
    place.tell(&["diff-access", "--from", "edit.yaml", "--to", "before.json"]);
    // A plan tells what it gives and takes, wherever it is: nothing is read for it.
    let ended = place.run(&["plan", "-f", "edit.yaml", "--out", "edit.plan"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    place.tell(&["diff-access", "--to", "edit.plan"]);
    let ended = place.run(&["apply", "-f", "edit.yaml", "--yes"]);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    place.tell(&["diff-access", "--to", "edit.yaml"]);
    // What the files no longer have goes only with --prune, as in `apply`.
    place.tell(&["diff-access", "--to", "quickstart.yaml"]);
    let less = include_str!("../../examples/quickstart.yaml")
        .split("    # A ready-made")
        .next()
        .unwrap();
    place.write("less.yaml", less);
    place.tell(&["diff-access", "--to", "less.yaml"]);
    place.tell(&["diff-access", "--to", "less.yaml", "--prune"]);
    assert_story!("diff-access", place.story());
}

/// Which pairs there are, and what to do where there is none.
#[test]
fn diff_access_says_what_cannot_be_compared() {
    let mut place = Place::quickstart();
    let other = include_str!("../../examples/quickstart.yaml").replace("name: quickstart", "name: other");
    place.write("other.yaml", &other);
    place.write("words.txt", "who may do what\n");
    for arguments in [
        &["plan", "-f", "quickstart.yaml", "--out", "saved.plan"][..],
        &[
            "snapshot",
            "--out",
            "now.json",
            "--cluster",
            "quickstart",
            "--region",
            "eu-west-1",
        ],
    ] {
        assert_eq!(place.run(arguments).code, 0);
    }
    let pairs: [&[&str]; 9] = [
        &[],
        &["--from", "saved.plan"],
        &["--from", "now.json", "--to", "saved.plan"],
        &["--from", "quickstart.yaml", "--to", "other.yaml"],
        &["--from", "now.json", "--to", "words.txt"],
        &["--from", "now.json", "--to", "missing.json"],
        &[
            "--from",
            "now.json",
            "--to",
            "now.json",
            "--to",
            "quickstart.yaml",
        ],
        &["--to", "quickstart.yaml", "--cluster", "quickstart"],
        &["--from", "now.json", "--to", "now.json", "--prune"],
    ];
    for pair in pairs {
        let ended = place.tell(&[&["diff-access"], pair].concat());
        assert!(![0, 5].contains(&ended.code), "{pair:?}: {}", ended.stdout);
        assert_eq!(ended.stdout, "", "{pair:?}");
    }
    assert_story!("diff-access-refused", place.story());
}
