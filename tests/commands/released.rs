//! Files that outlive the eksact that wrote them: those of every released version are kept in `tests/fixtures/released`, and read by
//! this one. A file of a later format is refused with words.
//!
//! `EKSACT_BLESS=1` writes those of the version in `Cargo.toml` anew, and of no other: what a release has written stays.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use aws_credential_types::Credentials;
use eksact_credentials::{Cache, CacheFault, CacheFolder, Fingerprint};
use eksact_identity::authn::token::{self, TokenRequest};
use jiff::{SignedDuration, Timestamp};
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
/// Every kind of object that a file can ask for. It is kept with what was made of it: a later version has to read both.
const EVERYTHING: &str = "\
apiVersion: eksctl.io/v1alpha5
kind: ClusterConfig
metadata: {name: quickstart, region: eu-west-1}
iam:
  withOIDC: true
  serviceAccounts:
  - metadata: {name: orders, namespace: app}
    attachPolicyARNs: ['policy:orders-read']
  - metadata: {name: spark, namespace: spark}
    roleName: shared
    attachPolicyARNs: ['arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess']
  podIdentityAssociations:
  - {namespace: app, serviceAccountName: worker, permissionPolicyARNs: ['arn:aws:iam::aws:policy/ReadOnlyAccess'], createServiceAccount: true}
accessConfig:
  accessEntries:
  - {principalARN: 'role:deployer', kubernetesGroups: [deployers]}
  - principalARN: arn:aws:iam::111122223333:role/ops
    accessPolicies: [{policyARN: 'arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy', accessScope: {type: cluster}}]
iamIdentityMappings:
- {serviceName: emr-containers, namespace: spark}
identityProviders:
- {type: oidc, name: okta, issuerURL: 'https://okta.example.com', clientID: kubernetes}
---
apiVersion: eksact.dev/v1alpha1
kind: ClusterAccess
policies:
- {name: orders-read, document: {Version: '2012-10-17', Statement: [{Effect: Allow, Action: 's3:GetObject', Resource: 'arn:aws:s3:::orders/*'}]}}
roles:
- {name: deployer, assumedBy: {users: [nina]}, policies: ['policy:orders-read']}
sharedRoles:
- {roleName: shared, serviceAccounts: [{namespace: velero, name: velero}]}
identityMappings:
- {arn: 'arn:aws:iam::111122223333:role/dev', username: dev, groups: [developers]}
groups:
- {name: developers, bindings: [{clusterRole: view}]}
- {name: deployers, bindings: [{rules: [{apiGroups: [apps], resources: [deployments], verbs: [get, patch]}], namespaces: [app]}]}
";
const BACKUPS: &str = ".local/state/eksact/aws-auth-backups";
/// The moment at which what is cached was made.
const CACHED_AT: &str = "2026-01-01T00:00:00Z";

fn mapping(verb: &'static str) -> [&'static str; 8] {
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
}

/// The key of what is cached. Whoever has it for their own is of no matter here.
fn key() -> Fingerprint {
    Fingerprint::of("released")
}

fn cached_at() -> Timestamp {
    CACHED_AT.parse().unwrap()
}

/// The entries of the cache, and the names under which they are kept.
fn cached() -> [(String, &'static str); 2] {
    [
        (
            format!("credentials-{}.json", key().hex()),
            "cached-credentials.json",
        ),
        (format!("token-{}.json", key().hex()), "cached-token.json"),
    ]
}

/// A cache with these entries in it.
fn cache_of(folder: &Path, place: &Place) -> (Cache, PathBuf) {
    let path = place.path("cache");
    fs::create_dir(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    for (name, kept) in cached() {
        fs::copy(folder.join(kept), path.join(&name)).unwrap();
        fs::set_permissions(path.join(&name), fs::Permissions::from_mode(0o600)).unwrap();
    }
    (Cache::in_folder(CacheFolder::at(&path)), path)
}

/// What the cache keeps: the session of a role, and a token that was signed with it.
fn write_cache(folder: &Path) {
    let place = Place::new();
    let path = place.path("cache");
    let mut cache = Cache::in_folder(CacheFolder::at(&path));
    let ends = cached_at() + SignedDuration::from_hours(1);
    let session = Credentials::new(
        "ASIAIOSFODNN7EXAMPLE",
        "an-example-and-no-secret",
        Some("an-example-and-no-session".to_owned()),
        Some(ends.into()),
        "test",
    );
    let request = TokenRequest {
        cluster: "quickstart",
        region: "eu-west-1",
        sts_host: "sts.eu-west-1.amazonaws.com",
        time: cached_at(),
    };
    cache.keep_credentials(&key(), &session, cached_at());
    cache.keep_token(&key(), &token::sign(&request, &session).unwrap(), cached_at());
    for (name, kept) in cached() {
        fs::copy(path.join(name), folder.join(kept)).unwrap();
        fs::set_permissions(folder.join(kept), fs::Permissions::from_mode(0o644)).unwrap();
    }
}

/// A sandbox with every kind of object.
fn write_everything(folder: &Path) {
    let place = Place::new();
    place.write("everything.yaml", EVERYTHING);
    let apply = ["apply", "-f", "everything.yaml", "--install-agent", "--yes"];
    // The role to be shared is made by the first, and shared by the second.
    place.run(&apply);
    let ended = place.run(&apply);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    fs::copy(
        place.path(".eksact-sandbox.json"),
        folder.join("everything.sandbox.json"),
    )
    .unwrap();
    fs::copy(place.path("everything.yaml"), folder.join("everything.yaml")).unwrap();
}

/// A backup of `aws-auth` as a file, which a cluster that refuses one gets.
fn write_backup(folder: &Path, place: &Place) {
    let run = |arguments: &[&str]| {
        let ended = place.run(arguments);
        assert_eq!(ended.code, 0, "{arguments:?}: {}", ended.stderr);
    };
    run(&[&mapping("create")[..], &["--username", "dev", "--yes"]].concat());
    place.edit("quickstart", |world| {
        for cluster in world.clusters.values_mut() {
            cluster.denied.insert("create configmaps".to_owned());
        }
    });
    run(&[&mapping("delete")[..], &["--yes"]].concat());
    let files: Vec<_> = fs::read_dir(place.path(BACKUPS)).unwrap().collect();
    assert_eq!(files.len(), 1);
    for file in files {
        fs::copy(file.unwrap().path(), folder.join("aws-auth-backup.json")).unwrap();
    }
}

/// The files of this version: a sandbox with what an apply made in it, a plan that was saved before, a snapshot, a kubeconfig,
/// a sandbox with every kind of object, what is cached, and a backup of `aws-auth` as a file.
fn write(folder: &Path) {
    write_everything(folder);
    write_cache(folder);
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
    write_backup(folder, &place);
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

        // The backups in the cluster, and one in a file, as a cluster that refuses to keep one leaves it.
        run(
            &[
                &mapping("create")[..],
                &["--username", "dev", "--group", "view", "--yes"],
            ]
            .concat(),
            "",
        );
        let restore = ["restore", "aws-auth", "-c", "quickstart", "--region", "eu-west-1"];
        run(&[&restore[..], &["--yes"]].concat(), "");
        fs::create_dir_all(place.path(BACKUPS)).unwrap();
        let backup = place.path(BACKUPS).join("backup.json");
        fs::copy(folder.join("aws-auth-backup.json"), &backup).unwrap();
        let backup = backup.to_str().unwrap();
        run(&[&restore[..], &["--list"]].concat(), backup);
        run(&[&restore[..], &["--to", backup, "--yes"]].concat(), "Applied: ");

        // Every kind of object is known again, and the file as well.
        fs::copy(
            folder.join("everything.sandbox.json"),
            place.path(".eksact-sandbox.json"),
        )
        .unwrap();
        run(
            &["plan", "-f", "everything.yaml", "--install-agent", "--prune"],
            "No changes.",
        );

        // What is cached is served.
        let (mut cache, _) = cache_of(&folder, &place);
        let soon = cached_at() + SignedDuration::from_mins(1);
        let kept = cache.credentials(&key(), soon).unwrap();
        assert_eq!(
            kept.credentials.access_key_id(),
            "ASIAIOSFODNN7EXAMPLE",
            "{version}"
        );
        assert_eq!(kept.since, Some(cached_at()), "{version}");
        let token = cache.token(&key(), soon).unwrap();
        assert!(token.secret().starts_with("k8s-aws-v1."), "{version}");
        assert!(cache.take_fault().is_none(), "{version}");

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

/// What is cached costs a call to make anew, so an entry that this version does not understand is said to be none, and is not used.
#[test]
fn cache_entry_of_a_later_format_is_said_and_not_used() {
    let (place, folder) = (Place::new(), Path::new(RELEASED).join(VERSION));
    let (mut cache, path) = cache_of(&folder, &place);
    let soon = cached_at() + SignedDuration::from_mins(1);
    for (name, _) in cached() {
        let later = json!({"format": 2, "entry": {}}).to_string();
        fs::write(path.join(name), later).unwrap();
    }
    assert!(cache.credentials(&key(), soon).is_none());
    let fault = cache.take_fault();
    assert!(matches!(fault, Some(CacheFault::Broken { .. })), "{fault:?}");
    assert!(cache.token(&key(), soon).is_none());
    let fault = cache.take_fault();
    assert!(matches!(fault, Some(CacheFault::Broken { .. })), "{fault:?}");
}
