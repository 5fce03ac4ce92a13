//! Files that cannot be written: a full disk, a read-only home, folders without permission, a machine without a home. The
//! file is the old one afterwards or the new one, and nothing unfinished lies beside it.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Output},
    time::Instant,
};

use serde_json::json;

use super::{
    super::bed::{Bed, Ran},
    Ended, Row, World,
    scene::{Fault, Scene, nothing},
    subject::Subject,
};

const OTHER_KUBECONFIG: &str =
    "apiVersion: v1\nkind: Config\ncontexts:\n- name: other\n  context: {cluster: other, user: other}\n";

/// How the folder is.
const FULL: (&str, &str) = ("full", "a full disk");
const READ_ONLY: (&str, &str) = ("read-only", "a read-only home");
const CLOSED: (&str, &str) = ("closed", "files and folders that may not be written");

/// A command that writes files: its name in the table, its words, what must be in the folder before, and the file that it
/// writes there; none where it does its work without.
struct Writer {
    name: &'static str,
    line: &'static str,
    before: &'static [(&'static str, &'static str)],
    is_done_without: bool,
}

const KUBECONFIG: Writer = Writer {
    name: "update-kubeconfig",
    line: "update-kubeconfig --name bench",
    before: &[("disk/.kube/config", OTHER_KUBECONFIG)],
    is_done_without: false,
};
const NEW_KUBECONFIG: Writer = Writer {
    name: "update-kubeconfig (a new file)",
    line: "update-kubeconfig --name bench",
    before: &[],
    is_done_without: false,
};
const PROFILE: Writer = Writer {
    name: "update-kubeconfig --write-aws-profile",
    line: "update-kubeconfig --name bench --write-aws-profile deployer --assume-role arn:aws:iam::111122223333:role/deployer --source-profile other",
    before: &[
        ("disk/.kube/config", OTHER_KUBECONFIG),
        ("disk/.aws/config", "[profile other]\nregion = eu-west-1\n"),
    ],
    is_done_without: false,
};
const TOKEN: Writer = Writer {
    name: "token (its cache)",
    line: "token -c bench --token-only -r arn:aws:iam::111122223333:role/deployer",
    before: &[],
    is_done_without: true,
};
const SAVED_PLAN: Writer = Writer {
    name: "plan --out",
    line: "plan -f file.yaml --out disk/plan.json",
    before: &[],
    is_done_without: false,
};
const PAGE: Writer = Writer {
    name: "plan --markdown-into",
    line: "plan -f file.yaml --markdown-into disk/plan.md",
    before: &[(
        "disk/plan.md",
        "<!-- eksact:plan:bench:sha256:00 -->\n\nthe page of yesterday\n",
    )],
    is_done_without: false,
};
const SNAPSHOT: Writer = Writer {
    name: "snapshot",
    line: "snapshot -c bench -o disk/snapshot.json",
    before: &[],
    is_done_without: false,
};
const SANDBOX: Writer = Writer {
    name: "apply --sandbox",
    line: "apply --sandbox --sandbox-file disk/sandbox.json -f file.yaml --yes",
    before: &[],
    is_done_without: false,
};

/// A role alone: the bed needs no Kubernetes for a plan.
const FILE: &str = "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {name: bench, region: us-west-2}\niam:\n  withOIDC: true\n  \
                    serviceAccounts:\n  - metadata: {name: one, namespace: app}\n    roleOnly: true\n    attachPolicyARNs: [\"arn:aws:iam::aws:policy/ReadOnlyAccess\"]\n";

/// The command, which finds the folder `disk` in the bed's home as `how` says.
fn on(bed: &Bed, how: &str, command: &Command) -> Command {
    let disk = bed.home.path().join("disk");
    bed.by("poor_disk.py", &[how.as_ref(), disk.as_os_str()], command)
}

/// Every file below a folder. The empty locks of the cache are no content.
fn content(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(content(&path));
        } else if path.extension().is_none_or(|extension| extension != "lock")
            || fs::metadata(&path).unwrap().len() > 0
        {
            found.insert(path.to_str().unwrap().to_owned(), fs::read(&path).unwrap());
        }
    }
    found
}

fn set_mode(folder: &Path, mode: u32) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            set_mode(&path, mode);
        } else {
            fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o600)).unwrap();
        }
    }
    fs::set_permissions(folder, fs::Permissions::from_mode(mode)).unwrap();
}

fn row(scene: &Scene, (how, fault): (&str, &str), writer: &Writer, says: &str) -> Row {
    let bed = &scene.bed;
    let disk = bed.home.path().join("disk");
    let _ = fs::remove_dir_all(&disk);
    fs::create_dir_all(&disk).unwrap();
    for (path, text) in writer.before {
        let path = bed.home.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let line: Vec<&str> = writer.line.split(' ').collect();
    let run = |how: Option<&str>| {
        let mut command = bed.eksact(&line);
        command
            .env("HOME", &disk)
            .env("COLUMNS", "2000")
            .env("AWS_CONFIG_FILE", disk.join(".aws/config"));
        let begun = Instant::now();
        let output: Output = match how {
            Some(how) => on(bed, how, &command),
            None => command,
        }
        .output()
        .unwrap();
        (Ended::of(&output), Ran::from(output), begun.elapsed().as_secs())
    };
    let before = content(&disk);
    if how == CLOSED.0 {
        set_mode(&disk, 0o500);
    }
    let (ended, ran, seconds) = run(Some(how));
    set_mode(&disk, 0o700);
    let row = format!("{fault}, {}: {ran}", writer.name);
    let wanted = i32::from(!writer.is_done_without);
    scene.claim(ended == Ended::Code(wanted), &format!("not {wanted}"), &row);
    scene.claim(seconds < 20, "it took too long", &row);
    scene.claim(ran.stderr.contains(says), &format!("`{says}` is missing"), &row);
    let after = content(&disk);
    scene.claim(
        after == before,
        &format!("{:?} became {:?}", before.keys(), after.keys()),
        &row,
    );
    let (again, told, _) = run(None);
    scene.claim(again == Ended::Code(0), &format!("{told}\nof the rerun"), &row);
    scene.claim(content(&disk) != before, "the rerun wrote nothing either", &row);
    Row {
        fault: fault.to_owned(),
        command: writer.name.to_owned(),
        ended,
        within: 20,
        world: if writer.is_done_without {
            World::Read
        } else {
            World::Untouched
        },
        told: scene.line_with(&ran, says),
    }
}

#[test]
fn file_that_cannot_be_written_is_the_old_one() {
    let scene = Scene::start();
    let bed = &scene.bed;
    bed.file("file.yaml", FILE);
    let mut rows = Vec::new();
    for (how, says) in [
        (FULL, "No space left on device"),
        (READ_ONLY, "Read-only file system"),
        (CLOSED, "Permission denied"),
    ] {
        for writer in [
            KUBECONFIG,
            NEW_KUBECONFIG,
            PROFILE,
            TOKEN,
            SAVED_PLAN,
            PAGE,
            SNAPSHOT,
            SANDBOX,
        ] {
            rows.push(row(&scene, how, &writer, says));
        }
    }

    // Who may write aws-auth and make no ConfigMap beside it keeps its backup in a file: without a place for it nothing is written.
    let rule = json!([{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["patch", "update"]}]);
    let body = json!({"metadata": {"name": "patcher"}, "rules": rule});
    let roles = "/apis/rbac.authorization.k8s.io/v1/clusterroles";
    assert_eq!(bed.kubernetes("POST", roles, &body).0, 201);
    bed.kubectl(&[
        "create",
        "clusterrolebinding",
        "patcher",
        "--clusterrole=patcher",
        "--group=bed-readers",
    ])
    .ended(0);
    for (how, fault) in [FULL, READ_ONLY] {
        let disk = bed.home.path().join("disk");
        let keys = &bed.facts["people"]["planner"];
        let run = |mut command: Command| {
            let _ = fs::remove_dir_all(&disk);
            fs::create_dir_all(&disk).unwrap();
            command
                .env("HOME", &disk)
                .env("AWS_ACCESS_KEY_ID", keys["access_key_id"].as_str().unwrap())
                .env(
                    "AWS_SECRET_ACCESS_KEY",
                    keys["secret_access_key"].as_str().unwrap(),
                );
            on(bed, how, &command).output().unwrap()
        };
        let fault = Fault {
            name: &format!("{fault} for the backup of `aws-auth`"),
            raise: &nothing,
            lift: &nothing,
            run: &run,
        };
        rows.extend(scene.each(&fault, &[(Subject::DeleteMapping, 1, 20, "backup")]));
    }
    scene.check("disk", &rows);
}
