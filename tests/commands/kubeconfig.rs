//! Kubeconfigs: what a run says and leaves behind, many writers at once, and files that are left alone.

use std::{collections::BTreeSet, fs, process::Stdio};

use crate::place::{Ended, Place, assert_story};

const HAND_WRITTEN: &str = "\
# kubeconfig of nina
apiVersion: v1
kind: Config
clusters:
- {name: minikube, cluster: {server: \"https://127.0.0.1:8443\"}}   # at home
contexts:
- name: minikube
  context: {cluster: minikube, user: minikube, namespace: on}
current-context: minikube
users:
- name: minikube
  user:
    token: 0123
";

#[test]
fn the_story_of_a_kubeconfig() {
    let mut place = Place::new();
    place.write("config", HAND_WRITTEN);
    #[cfg(unix)]
    fs::set_permissions(
        place.path("config"),
        std::os::unix::fs::PermissionsExt::from_mode(0o600),
    )
    .unwrap();
    let common = ["--region", "eu-west-1", "--kubeconfig", "config"];
    let tell = |place: &mut Place, arguments: &[&str]| {
        place.tell(&[arguments, &common].concat());
    };
    tell(
        &mut place,
        &[
            "update-kubeconfig",
            "--name",
            "prod",
            "--alias",
            "prod",
            "--portable",
        ],
    );
    tell(
        &mut place,
        &[
            "update-kubeconfig",
            "--name",
            "prod",
            "--alias",
            "prod",
            "--portable",
        ],
    );
    tell(
        &mut place,
        &[
            "update-kubeconfig",
            "--name",
            "prod",
            "--alias",
            "deploy",
            "--portable",
            "--keep-current-context",
            "--role-arn",
            "arn:aws:iam::111122223333:role/deployer",
            "--profile",
            "dev",
            "--namespace",
            "app",
        ],
    );
    tell(
        &mut place,
        &[
            "update-kubeconfig",
            "--name",
            "prod",
            "--alias",
            "prod",
            "--portable",
            "--proxy-url",
            "http://nina:secret@proxy",
            "--exec-api-version",
            "v1beta1",
            "--diff-only",
            "--detailed-exitcode",
        ],
    );
    tell(
        &mut place,
        &["update-kubeconfig", "--name", "test", "--alias", "prod"],
    );
    tell(
        &mut place,
        &[
            "utils",
            "write-kubeconfig",
            "--cluster",
            "prod",
            "--exec",
            "aws-iam-authenticator",
            "--set-kubeconfig-context=false",
        ],
    );
    let written = fs::read_to_string(place.path("config")).unwrap();
    tell(&mut place, &["delete", "kubeconfig", "--name", "prod"]);
    let left = fs::read_to_string(place.path("config")).unwrap();
    for line in HAND_WRITTEN
        .lines()
        .filter(|line| !line.starts_with("current-context"))
    {
        assert!(written.contains(line) && left.contains(line), "{line}");
    }
    let story = format!(
        "{}config before the deletion:\n{written}\nconfig in the end:\n{left}",
        place.story()
    );
    assert_eq!(story.matches("secret").count(), 1, "only where the user wrote it");
    assert_story!("kubeconfig", story);
}

#[test]
fn sixty_writers_at_once_are_all_there() {
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
    let children: Vec<_> = names
        .iter()
        .map(|name| {
            let arguments = arguments(name);
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let mut command = place.command(&arguments);
            command
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    for child in children {
        // Whoever reads meanwhile sees a whole file.
        if let Ok(text) = fs::read(place.path("config")) {
            eksact::kubeconfig::Document::read("config", &text).unwrap();
            assert!(text.ends_with(b"provideClusterInfo: false\n"));
        }
        let ended = Ended::of(child.wait_with_output().unwrap());
        assert_eq!(ended.code, 0, "{}", ended.stderr);
    }
    let text = fs::read(place.path("config")).unwrap();
    let document = eksact::kubeconfig::Document::read("config", &text).unwrap();
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

#[test]
fn what_cannot_be_read_is_left_alone_and_told_with_its_place() {
    let mut place = Place::new();
    for (name, text) in [
        ("tab", "apiVersion: v1\nclusters:\n\t- a\n"),
        ("list", "- a\n"),
        ("type", "clusters: {}\n"),
        ("twice", "users:\n- name: a\n- name: a\n"),
        (
            "shared",
            "clusters:\n- &a\n  name: arn:aws:eks:eu-west-1:111122223333:cluster/prod\n- *a\n",
        ),
    ] {
        place.write(name, text);
        let ended = place.tell(&[
            "update-kubeconfig",
            "--name",
            "prod",
            "--region",
            "eu-west-1",
            "--kubeconfig",
            name,
        ]);
        assert_eq!(ended.code, 1);
        assert_eq!(fs::read_to_string(place.path(name)).unwrap(), text);
    }
    fs::create_dir(place.path("folder")).unwrap();
    place.tell(&[
        "update-kubeconfig",
        "--name",
        "prod",
        "--region",
        "eu-west-1",
        "--kubeconfig",
        "folder",
    ]);
    place.tell(&[
        "update-kubeconfig",
        "--name",
        "prod",
        "--region",
        "eu-west-1",
        "--kubeconfig",
        "",
    ]);
    place.tell(&[
        "update-kubeconfig",
        "--name",
        "prod",
        "--region",
        "eu-west-1",
        "--role-arn",
        "deployer",
    ]);
    place.tell(&[
        "delete",
        "kubeconfig",
        "--name",
        "prod",
        "--kubeconfig",
        "no-such-file",
    ]);
    assert!(!place.path("no-such-file").exists());
    assert_story!("kubeconfig-left-alone", place.story());
}

#[test]
fn the_list_in_kubeconfig_is_read_as_kubectl_reads_it() {
    let mut place = Place::new();
    place.write("first", HAND_WRITTEN);
    let second =
        "clusters:\n- name: arn:aws:eks:eu-west-1:111122223333:cluster/prod\n  cluster: {server: old}\n";
    place.write("second", second);
    place.write("third", "clusters: [\n");
    let arguments = [
        "update-kubeconfig",
        "--name",
        "prod",
        "--region",
        "eu-west-1",
        "--alias",
        "minikube",
        "--portable",
    ];
    let mut command = place.command(&arguments);
    command
        .env("KUBECONFIG", "none:first:second:third")
        .env("AWS_PROFILE", "dev");
    let ended = Ended::of(command.output().unwrap());
    place.record(&arguments, &ended);
    assert_eq!(fs::read_to_string(place.path("first")).unwrap(), HAND_WRITTEN);
    assert!(
        fs::read_to_string(place.path("second"))
            .unwrap()
            .contains("current-context: minikube")
    );
    assert_story!("kubeconfig-list", place.story());
}

#[test]
fn an_apply_writes_the_context_of_its_cluster_too() {
    let place = Place::quickstart();
    let arguments = [
        "apply",
        "-f",
        "quickstart.yaml",
        "--yes",
        "--update-kubeconfig",
        "-o",
        "json",
    ];
    let ended = place.run(&arguments);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let document: serde_json::Value = serde_json::from_str(&ended.stdout).expect("one document on stdout");
    assert!(
        !document["plan"].to_string().contains("kubeconfig"),
        "no plan carries it"
    );
    let text = fs::read_to_string(place.path(".kube/config")).unwrap();
    assert!(
        text.contains("current-context: arn:aws:eks:eu-west-1:111122223333:cluster/quickstart\n"),
        "{text}"
    );
    // By its place, for programs that know no PATH.
    assert!(
        text.contains(&format!("command: {}\n", crate::place::PROGRAM)),
        "{text}"
    );
}
