//! `create` and `delete iamidentitymapping`, `restore aws-auth`, and a file with access in it.

use eksact_simulator::World;

use crate::commands::place::{Ended, Place, assert_story};

const DEV: &str = "arn:aws:iam::111122223333:role/dev";
const NODE: &str = "arn:aws:iam::111122223333:role/eksctl-prod-nodegroup-ng-1-NodeInstanceRole-SANDBOX";

/// The story with the names of backups, which come from random ids, and their times made steady.
fn steady(place: &Place) -> String {
    let mut names: Vec<&str> = Vec::new();
    let mut story = place.story().to_owned();
    for found in place.story().split("aws-auth-backup-").skip(1) {
        let name = &found[..10];
        if !names.contains(&name) {
            names.push(name);
        }
    }
    for (number, name) in names.iter().enumerate() {
        story = story.replace(name, &format!("{number:010}"));
    }
    story
}

macro_rules! assert_steady_story {
    ($name:literal, $place:expr) => {
        insta::with_settings!({
            snapshot_path => "snapshots",
            prepend_module_to_snapshot => false,
            omit_expression => true,
            filters => vec![(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "2026-11-22T12:00:00.000Z")],
        }, { insta::assert_snapshot!($name, steady($place)); });
    };
}

#[test]
fn iamidentitymapping_from_creation_to_restore() {
    let mut place = Place::new();
    let create = [
        "create",
        "iamidentitymapping",
        "--cluster",
        "prod",
        "--arn",
        DEV,
        "--username",
        "dev:{{SessionName}}",
        "--group",
        "developers,readers",
    ];
    place.tell(&create);
    place.tell(&[create.as_slice(), &["--approve"]].concat());
    place.tell(&[create.as_slice(), &["--approve"]].concat());
    // One that is there is changed, never doubled.
    let masters = ["--username", "dev", "--group", "system:masters", "--yes"];
    place.tell(&[&create[..6], masters.as_slice()].concat());
    place.tell(&["delete", "iamidentitymapping", "prod", "--arn", DEV, "--yes"]);
    place.tell(&["delete", "iamidentitymapping", "prod", "--arn", DEV, "--yes"]);
    place.tell(&[
        "create",
        "iamidentitymapping",
        "prod",
        "--account",
        "444455556666",
        "--yes",
    ]);
    place.tell(&[
        "delete",
        "iamidentitymapping",
        "prod",
        "--account",
        "444455556666",
        "--yes",
    ]);
    place.tell(&["restore", "aws-auth", "--cluster", "prod", "--yes"]);
    place.tell(&["restore", "aws-auth", "--cluster", "prod", "--list"]);
    assert_steady_story!("identity-mapping", &place);
}

/// Whoever is let in by the account already is told as what, in words.
#[test]
fn iamidentitymapping_beside_its_account_says_as_whom_it_lets_in() {
    let place = Place::new();
    let create = ["create", "iamidentitymapping", "prod", "--yes"];
    let ended = place.run(&[create.as_slice(), &["--account", "111122223333"]].concat());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let line = ["--arn", DEV, "--username", "dev", "--group", "developers,readers"];
    let ended = place.run(&[create.as_slice(), &line].concat());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let said = ended.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    let wanted = format!(
        "lets in as {DEV} \u{2192} dev with the groups developers, readers (other entries that mean the same principal count as well)"
    );
    assert!(said.contains(&wanted), "{said}");
}

/// A flag that is not given says nothing: neither groups nor the user name are lost.
#[test]
fn iamidentitymapping_keeps_what_no_flag_names() {
    let place = Place::new();
    let create = ["create", "iamidentitymapping", "prod", "--arn", DEV];
    let made = ["--username", "dev", "--group", "developers,readers", "--yes"];
    assert_eq!(place.run(&[create.as_slice(), &made].concat()).code, 0);
    for change in [["--username", "devs"], ["--group", "testers"]] {
        let ended = place.run(&[create.as_slice(), &change, &["--yes"]].concat());
        assert_eq!(ended.code, 0, "{ended:?}");
    }
    let ended = place.run(&[
        "get",
        "iamidentitymapping",
        "--cluster",
        "prod",
        "--arn",
        DEV,
        "-o",
        "json",
    ]);
    let found: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(found[0]["username"], "devs", "{ended:?}");
    assert_eq!(found[0]["groups"], serde_json::json!(["testers"]), "{ended:?}");
}

/// A restore that is run again, by CI or by hand, does not undo the first; and the command to run with approval names the
/// backup that was shown.
#[test]
fn restore_is_not_undone_by_the_next() {
    let place = Place::new();
    let mapping = ["iamidentitymapping", "prod", "--arn", DEV];
    let create = [
        &["create"],
        mapping.as_slice(),
        &["--group", "developers", "--yes"],
    ]
    .concat();
    assert_eq!(place.run(&create).code, 0);
    assert_eq!(
        place
            .run(&[&["delete"], mapping.as_slice(), &["--yes"]].concat())
            .code,
        0
    );
    let restore = ["restore", "aws-auth", "--cluster", "prod"];
    let asked = place.run(&restore);
    assert_eq!(asked.code, 3);
    let command = asked.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    let command = command.split("--to aws-auth-backup-").nth(1).unwrap();
    let backup = format!("aws-auth-backup-{}", &command[..10]);
    let approved = [restore.as_slice(), &["--yes"]].concat();
    let first = place.run(&approved);
    assert!(first.stdout.contains(&backup), "{first:?}");
    let second = place.run(&approved);
    assert!(
        second.code == 0 && second.stdout.contains("No changes"),
        "{second:?}"
    );
    let got = place.run(&["get", "iamidentitymapping", "--cluster", "prod"]);
    assert!(got.stdout.contains(DEV), "{got:?}");
    let listed = place.run(&[restore.as_slice(), &["--list", "-o", "json"]].concat());
    let listed: serde_json::Value = serde_json::from_str(&listed.stdout).unwrap();
    assert_eq!(listed[0]["beforeRestore"], true, "{listed}");
}

/// What is no backup of aws-auth is not written over it.
#[test]
fn restore_refuses_files_that_are_no_backups() {
    let mut place = Place::new();
    let data = "data:\n  mapRoles: |\n    []\n";
    for (name, text) in [
        (
            "coredns.yaml",
            "kind: ConfigMap\nmetadata: {name: coredns, namespace: kube-system}\ndata: {Corefile: x}\n"
                .to_owned(),
        ),
        (
            "secret.yaml",
            format!("kind: Secret\nmetadata: {{name: aws-auth, namespace: kube-system}}\n{data}"),
        ),
        (
            "elsewhere.yaml",
            format!("kind: ConfigMap\nmetadata: {{name: aws-auth, namespace: dev}}\n{data}"),
        ),
        (
            "empty.yaml",
            "kind: ConfigMap\nmetadata: {name: aws-auth, namespace: kube-system}\ndata: {}\n".to_owned(),
        ),
    ] {
        place.write(name, &text);
        let ended = place.tell(&["restore", "aws-auth", "--cluster", "prod", "--to", name, "--yes"]);
        assert_eq!(ended.code, 64, "{name}");
    }
    assert_story!("restore-other-files", place.story());
}

/// A backup that the cluster refused is a file, and the next restore finds it there.
#[test]
fn backup_in_a_file_is_found() {
    let place = Place::new();
    let mapping = ["iamidentitymapping", "prod", "--arn", DEV];
    let create = [
        &["create"],
        mapping.as_slice(),
        &["--group", "developers", "--yes"],
    ]
    .concat();
    assert_eq!(place.run(&create).code, 0);
    place.edit("prod", |world| {
        for cluster in world.clusters.values_mut() {
            cluster.denied.insert("create configmaps".to_owned());
        }
    });
    let delete = [&["delete"], mapping.as_slice(), &["--yes"]].concat();
    assert_eq!(place.run(&delete).code, 0);
    let restore = ["restore", "aws-auth", "--cluster", "prod"];
    let listed = place.run(&[restore.as_slice(), &["--list"]].concat());
    assert_eq!(listed.stdout.lines().count(), 3, "{listed:?}");
    assert!(!listed.stderr.contains("warning"), "{listed:?}");
    // A file that cannot be read as a backup may be the one that is looked for.
    let folder = place.path(".local/state/eksact/aws-auth-backups");
    std::fs::write(folder.join("half.json"), "{\"metadata\": ").unwrap();
    let listed = place.run(&[restore.as_slice(), &["--list"]].concat());
    assert_eq!(listed.stdout.lines().count(), 3, "{listed:?}");
    // Where the lines are broken depends on the length of the folder's name.
    let said: String = listed.stderr.split_whitespace().collect();
    assert!(
        said.contains("abackupinafilemaybemissing:") && said.contains("half.json"),
        "{listed:?}"
    );
    let ended = place.run(&[restore.as_slice(), &["--yes"]].concat());
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stdout.contains("prod-eu-west-1-111122223333-"), "{ended:?}");
    let got = place.run(&["get", "iamidentitymapping", "--cluster", "prod"]);
    assert!(got.stdout.contains(DEV), "{got:?}");
}

#[test]
fn iamidentitymapping_mistakes_on_the_command_line() {
    let mut place = Place::new();
    let create = ["create", "iamidentitymapping", "--cluster", "prod"];
    for wrong in [
        vec![],
        vec!["--arn", DEV],
        vec!["--arn", DEV, "--account", "444455556666"],
        vec!["--service-name", "emr"],
        vec!["--service-name", "emr-containers"],
        vec!["--account", "444455556666", "--group", "a"],
        vec![
            "--arn",
            "arn:aws:iam::111122223333:role/teams/dev",
            "--group",
            "a",
        ],
    ] {
        let ended = place.tell(&[create.as_slice(), &wrong].concat());
        assert_eq!(ended.code, 64, "{wrong:?}");
    }
    place.tell(&["delete", "iamidentitymapping", "--cluster", "prod"]);
    place.tell(&["create", "iamidentitymapping", "--arn", DEV, "--group", "a"]);
    place.tell(&["restore", "aws-auth", "--cluster", "prod"]);
    place.tell(&["restore", "aws-auth", "--cluster", "prod", "--to", "none"]);
    assert_story!("identity-mapping-mistakes", place.story());
}

const ACCESS: &str = "\
apiVersion: eksctl.io/v1alpha5
kind: ClusterConfig
metadata: {name: prod, region: eu-west-1}
iamIdentityMappings:
- arn: arn:aws:iam::111122223333:role/deployer
  username: aws:{{AccountID}}:eks-deployer:{{SessionName}}
  groups: [deployers]
- arn: arn:aws:iam::111122223333:user/ann
  username: ann
  groups: [viewers]
---
apiVersion: eksact.dev/v1alpha1
kind: ClusterAccess
groups:
- name: deployers
  bindings:
  - rules:
    - {apiGroups: [apps], resources: [deployments], verbs: [get, list, watch, patch]}
    namespaces: [default]
- name: viewers
  bindings:
  - clusterRole: view
";

#[test]
fn access_file_from_role_to_rights() {
    let mut place = Place::new();
    place.write("access.yaml", ACCESS);
    place.tell(&["apply", "-f", "access.yaml", "--yes"]);
    place.tell(&["plan", "-f", "access.yaml"]);
    let without = ACCESS
        .split("---")
        .next()
        .unwrap()
        .replace("deployer", "developer");
    place.write("other.yaml", &without);
    place.tell(&["plan", "-f", "other.yaml", "--prune"]);
    assert_steady_story!("identity-mapping-file", &place);
}

/// The example is as good as its word, out of the box.
#[test]
fn access_example_works() {
    let place = Place::new();
    place.write("access.yaml", include_str!("../../examples/access.yaml"));
    let planned = place.run(&["plan", "-f", "access.yaml"]);
    assert_eq!(planned.code, 0, "{planned:?}");
    assert!(!planned.stdout.contains("warning"), "{}", planned.stdout);
    let applied = place.run(&["apply", "-f", "access.yaml", "--yes"]);
    assert_eq!(applied.code, 0, "{applied:?}");
    let again = place.run(&["plan", "-f", "access.yaml", "--detailed-exitcode"]);
    assert_eq!(again.code, 0, "{again:?}");
    assert!(!again.stdout.contains("not-pruned"), "{}", again.stdout);
}

/// What a file says nothing of is not pruned with it: somebody else's file may say it.
#[test]
fn prune_of_a_file_about_service_accounts_keeps_mappings() {
    let place = Place::applied();
    let create = [
        "create",
        "iamidentitymapping",
        "quickstart",
        "--region",
        "eu-west-1",
    ];
    let mapping = ["--arn", DEV, "--group", "dev", "--yes"];
    assert_eq!(place.run(&[create.as_slice(), &mapping].concat()).code, 0);
    let pruned = place.run(&["plan", "--prune", "-f", "quickstart.yaml"]);
    assert_eq!(pruned.code, 0, "{pruned:?}");
    assert!(!pruned.stdout.contains("role/dev"), "{}", pruned.stdout);
    let empty =
        include_str!("../../examples/quickstart.yaml").replace("iam:\n", "iamIdentityMappings: []\niam:\n");
    place.write("empty.yaml", &empty);
    let pruned = place.run(&["plan", "--prune", "-f", "empty.yaml"]);
    assert!(pruned.stdout.contains("role/dev"), "{pruned:?}");
}

/// A guard's code, a key of aws-auth and the text to add to it, and the ARN that is to lose its access.
type Case = (&'static str, Option<(&'static str, &'static str)>, &'static str);

/// Each guard in plan and in apply: the guards' exit code, its own code in people's and machines' output, and a world
/// that is what it was; passed only by its code.
#[test]
fn guards_refuse_in_plan_and_apply() {
    let caller =
        "- userarn: arn:aws:iam::111122223333:user/sandbox\n  username: me\n  groups: [developers]\n";
    let admin =
        "- rolearn: arn:aws:iam::111122223333:role/admin\n  username: admin\n  groups: [system:masters]\n";
    let cases: [Case; 4] = [
        (
            "own-access-lost",
            Some(("mapUsers", caller)),
            "arn:aws:iam::111122223333:user/sandbox",
        ),
        (
            "last-admin-lost",
            Some(("mapRoles", admin)),
            "arn:aws:iam::111122223333:role/admin",
        ),
        ("node-role-lost", None, NODE),
        ("aws-auth-section-dropped", Some(("mapUsers", "- {oops")), NODE),
    ];
    for (code, text, deleted) in cases {
        let place = Place::new();
        place.edit("prod", |world| prepare(world, text));
        place.write(
            "file.yaml",
            &format!(
                "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {{name: prod, region: eu-west-1}}\n\
                 iamIdentityMappings:\n- {{arn: '{deleted}', username: nobody, groups: [nobodies]}}\n"
            ),
        );
        let before = std::fs::read_to_string(place.path(".eksact-sandbox.json")).unwrap();
        let delete = ["delete", "iamidentitymapping", "prod", "--arn", deleted];
        let allow = ["--allow", code, "--yes"];
        for refused in [
            place.run(&["plan", "-f", "file.yaml"]),
            place.run(&["plan", "-f", "file.yaml", "-o", "json"]),
            place.run(&["apply", "-f", "file.yaml", "--yes"]),
            place.run(&["apply", "-f", "file.yaml", "--yes", "-o", "json"]),
            place.run(&[delete.as_slice(), &["--yes"]].concat()),
        ] {
            let Ended {
                code: ended, stdout, ..
            } = &refused;
            assert_eq!(*ended, 4, "{code}: {refused:?}");
            assert!(stdout.contains(code), "{code}: {refused:?}");
        }
        let after = std::fs::read_to_string(place.path(".eksact-sandbox.json")).unwrap();
        assert_eq!(before, after, "{code}: nothing was written");
        let done = place.run(&[delete.as_slice(), &allow].concat());
        // A node's mapping in a ConfigMap with a broken section is two cases.
        if code == "aws-auth-section-dropped" {
            assert_eq!(done.code, 4, "{done:?}");
            let both = "aws-auth-section-dropped,node-role-lost";
            let done = place.run(&[delete.as_slice(), &["--allow", both, "--yes"]].concat());
            assert_eq!(done.code, 0, "{done:?}");
        } else {
            assert_eq!(done.code, 0, "{code}: {done:?}");
        }
    }
}

/// A cluster that reads aws-auth only, with this text in it.
fn prepare(world: &mut World, text: Option<(&str, &str)>) {
    let cluster = world.clusters.values_mut().next().unwrap();
    cluster.eks.access_entries.clear();
    cluster.cluster.authentication_mode = Some("CONFIG_MAP".to_owned());
    let config_map = cluster.config_maps.get_mut("kube-system/aws-auth").unwrap();
    if let Some((key, text)) = text {
        let now = config_map.data.entry(key.to_owned()).or_default();
        now.push_str(text);
    }
}
