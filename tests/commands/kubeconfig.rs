//! Kubeconfigs: what a run says and leaves behind, and files that are left alone.

use std::fs;

use crate::commands::place::{Ended, Place, assert_story};

const HAND_WRITTEN: &str = "\
# kubeconfig of nina
apiVersion: v1
kind: Config
clusters:
- {name: minikube, cluster: {server: \"https://127.0.0.1:8443\"}}   # at home
contexts:
- name: minikube
  context: {cluster: minikube, user: minikube, namespace: team}
current-context: minikube
users:
- name: minikube
  user:
    token: '0123'
";

#[test]
fn kubeconfig_from_creation_to_removal() {
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
fn kubeconfig_that_cannot_be_read_is_kept_and_reported_with_its_place() {
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

/// Files that kubectl would refuse, and entries that it would: the first are refused, the second only where they are
/// what is written.
#[test]
fn kubeconfig_that_kubectl_refuses_is_not_written() {
    let mut place = Place::new();
    let update = [
        "update-kubeconfig",
        "--name",
        "prod",
        "--region",
        "eu-west-1",
        "--alias",
        "prod",
        "--portable",
    ];
    let delete = ["delete", "kubeconfig", "--name", "prod"];
    let arn = "arn:aws:eks:eu-west-1:111122223333:cluster/prod";
    let user = format!("users:\n- name: {arn}\n  user:\n    exec:\n");
    let ours = format!(
        "{user}      apiVersion: client.authentication.k8s.io/v1beta1\n      command: eksact\n      args: [token, --cluster, prod]\n"
    );
    for (name, text, arguments) in [
        (
            "cluster.yaml",
            "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {name: prod, region: eu-west-1}\n".to_owned(),
            &update[..],
        ),
        ("deployment.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n".to_owned(), &update),
        ("deployment.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n".to_owned(), &delete),
        ("compose.yaml", "services:\n  web: {image: nginx}\n".to_owned(), &update),
        ("version", "apiVersion: v1beta1\nkind: Config\nclusters: []\n".to_owned(), &update),
        ("kind", "apiVersion: v1\nkind: config\nclusters: []\n".to_owned(), &update),
        ("number", "users:\n- name: ann\n  user:\n    token: 0123456789\n".to_owned(), &update),
        ("nameless", "contexts:\n-\n-\n".to_owned(), &update),
        ("env", format!("{ours}      env:\n      - name: AWS_REGION\n        value: eu-west-1\n      - value: dev\n"), &update),
        ("mode", format!("{ours}      interactiveMode: Sometimes\n"), &update),
        (
            "proxy",
            format!("clusters:\n- name: {arn}\n  cluster:\n    server: https://old\n    proxy-url: proxy:3128\n"),
            &update,
        ),
    ] {
        place.write(name, &text);
        let ended = place.tell(&[arguments, &["--kubeconfig", name]].concat());
        assert_eq!(ended.code, 1, "{}", ended.stderr);
        assert_eq!(fs::read_to_string(place.path(name)).unwrap(), text);
    }
    place.write("new", "");
    place.tell(&[&update[..], &["--namespace", "My_App", "--kubeconfig", "new"]].concat());
    assert_eq!(fs::read_to_string(place.path("new")).unwrap(), "");
    // What others have is told of, and is no reason against an entry of ours.
    place.write(
        "others",
        &format!(
            "clusters:\n- name: {arn}\n  cluster:\n    server: https://old\n\
             users:\n- name: old\n  user:\n    exec:\n      \
             apiVersion: client.authentication.k8s.io/v1alpha1\n      command: heptio-authenticator-aws\n"
        ),
    );
    let ended = place.tell(&[&update[..], &["--kubeconfig", "others"]].concat());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_story!("kubeconfig-refused-by-kubectl", place.story());
}

#[test]
fn kubeconfig_list_is_read_as_kubectl_reads_it() {
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
    // Of another name it is not the current one for kubectl, as the first file has its own.
    let other = [&arguments[..5], &["--alias", "prod", "--portable", "--diff-only"]].concat();
    let mut command = place.command(&other);
    let ended = Ended::of(command.env("KUBECONFIG", "first:second").output().unwrap());
    place.record(&other, &ended);
    assert_eq!(fs::read_to_string(place.path("first")).unwrap(), HAND_WRITTEN);
    assert!(
        fs::read_to_string(place.path("second"))
            .unwrap()
            .contains("current-context: minikube")
    );
    assert_story!("kubeconfig-list", place.story());
}

/// A kubeconfig with one context of ours for the cluster prod.
const OURS: &str = "\
clusters:
- {name: \"arn:aws:eks:eu-west-1:111122223333:cluster/prod\", cluster: {server: \"https://prod\"}}
contexts:
- {name: ours, context: {cluster: \"arn:aws:eks:eu-west-1:111122223333:cluster/prod\", user: ours}}
users:
- {name: ours, user: {exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: eksact, args: [token, -c, prod]}}}
";

#[test]
fn kubeconfig_removal_looks_through_the_whole_list() {
    let mut place = Place::new();
    // A context that somebody made by hand; then ours, twice, and one that `--auto-kubeconfig` left behind.
    let by_hand = OURS.replace("eksact", "aws").replace("ours", "by-hand");
    place.write("first", &format!("{by_hand}current-context: ours\n"));
    place.write("second", OURS);
    place.write("third", &OURS.replace("ours", "mine"));
    fs::create_dir_all(place.path("home/.kube/eksctl/clusters")).unwrap();
    place.write("home/.kube/eksctl/clusters/prod", OURS);
    let run = |place: &mut Place, arguments: &[&str]| {
        let mut command = place.command(arguments);
        command.env("HOME", "home");
        let ended = Ended::of(command.env("KUBECONFIG", "first:second:third").output().unwrap());
        place.record(arguments, &ended);
    };
    run(
        &mut place,
        &["delete", "kubeconfig", "--name", "prod", "--context", "our"],
    );
    for _ in 0..4 {
        run(&mut place, &["delete", "kubeconfig", "--name", "prod"]);
    }
    assert!(
        fs::read_to_string(place.path("first"))
            .unwrap()
            .contains("by-hand")
    );
    for file in ["second", "third", "home/.kube/eksctl/clusters/prod"] {
        let left = fs::read_to_string(place.path(file)).unwrap();
        assert!(!left.contains("prod"), "{file}: {left}");
    }
    assert_story!("kubeconfig-removal-from-list", place.story());
}

#[test]
fn kubeconfig_entries_of_others_are_not_taken() {
    let mut place = Place::new();
    let breakglass = OURS.replace(
        "{exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: eksact, args: [token, -c, prod]}}",
        "{token: static}",
    );
    place.write("config", &breakglass);
    let common = [
        "--name",
        "prod",
        "--region",
        "eu-west-1",
        "--kubeconfig",
        "config",
        "--portable",
    ];
    for arguments in [
        &["update-kubeconfig", "--alias", "ours"][..],
        &[
            "update-kubeconfig",
            "--alias",
            "ours",
            "--proxy-url",
            "nina:secret@proxy",
        ],
        &["update-kubeconfig", "--alias", "ours", "--force", "--diff-only"],
        &[
            "update-kubeconfig",
            "--user-alias",
            "ours",
            "--alias",
            "new",
            "--force",
            "--diff-only",
        ],
    ] {
        place.tell(&[arguments, &common].concat());
    }
    place.tell(&["update-kubeconfig", "--name", "", "--kubeconfig", "config"]);
    place.tell(&["update-kubeconfig", "--name", "prod", "--region", "eu-west-1"]);
    assert_eq!(fs::read_to_string(place.path("config")).unwrap(), breakglass);
    assert_story!("kubeconfig-not-taken", place.story());
}

#[test]
fn kubeconfig_that_cannot_be_changed_stops_an_apply_before_it_makes_anything() {
    let place = Place::quickstart();
    place.write("config", "clusters: {}\n");
    let mut command = place.command(&["apply", "-f", "quickstart.yaml", "--yes", "--update-kubeconfig"]);
    let ended = Ended::of(command.env("KUBECONFIG", "config").output().unwrap());
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert!(
        ended
            .stderr
            .contains("`clusters` is a mapping, and kubectl expects a list"),
        "{}",
        ended.stderr
    );
    let plan = place.run(&["plan", "-f", "quickstart.yaml"]);
    let first = Place::quickstart().run(&["plan", "-f", "quickstart.yaml"]);
    assert_eq!(plan.stdout, first.stdout, "nothing was made");
}

#[test]
fn apply_writes_the_context_of_its_cluster_too() {
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
    let mut command = place.command(&arguments);
    // Simulated clusters are not written into the file that kubectl really uses.
    let ended = Ended::of(command.env("KUBECONFIG", "config").output().unwrap());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let document: serde_json::Value = serde_json::from_str(&ended.stdout).expect("one document on stdout");
    assert!(
        !document["plan"].to_string().contains("kubeconfig"),
        "no plan carries it"
    );
    let text = fs::read_to_string(place.path("config")).unwrap();
    assert!(
        text.contains("current-context: arn:aws:eks:eu-west-1:111122223333:cluster/quickstart\n"),
        "{text}"
    );
    assert!(ended.stderr.contains("Wrote config."), "{}", ended.stderr);
    // By its place, for programs that know no PATH.
    assert!(
        text.contains(&format!("command: {}\n", crate::commands::place::PROGRAM)),
        "{text}"
    );
}
