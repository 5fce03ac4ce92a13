//! `plan --out`, `show` and `apply PLAN`: from a pull request to the job that deploys.

use std::fs;

use eksact_core::ports::kubernetes::Namespace;
use serde_json::Value;

use crate::{
    commands::place::{Ended, Place, assert_story},
    support::at_once::at_once,
};

const PLAN: [&str; 5] = ["plan", "-f", "quickstart.yaml", "--out", "plan.json"];

fn digest(place: &Place) -> String {
    let text = fs::read_to_string(place.path("plan.json")).unwrap();
    let plan: Value = serde_json::from_str(&text).unwrap();
    plan["digest"].as_str().unwrap().to_owned()
}

#[test]
fn saved_plan_from_its_making_to_its_end() {
    let mut place = Place::quickstart();
    place.tell(&PLAN);
    place.tell(&["show", "plan.json"]);
    place.tell(&["apply", "plan.json"]);
    let digest = digest(&place);
    place.tell(&["apply", "plan.json", "--expect", &digest]);
    assert_story!("saved-plan", place.story());
    let again = place.run(&["apply", "plan.json", "--yes"]);
    assert_eq!(again.code, 0);
    let said = again.stderr.lines().last().unwrap();
    assert!(said.starts_with("Already applied at 20"), "{said}");
    assert!(
        said.ends_with("Z by arn:aws:iam::111122223333:user/sandbox: nothing to do."),
        "{said}"
    );
    let json = place.run(&["apply", "plan.json", "--yes", "-o", "json"]);
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["report"]["succeeded"], true);
    assert_eq!(json["plan"]["changes"], Value::Array(Vec::new()));
    // Whoever may write the Lease cannot write to the terminal.
    place.edit("quickstart", |world| {
        let cluster = world.clusters.values_mut().next().unwrap();
        let lease = cluster.leases.get_mut("kube-system/eksact-apply").unwrap();
        for annotation in lease.annotations.values_mut() {
            *annotation = annotation.replace("user/sandbox", "user/\\u001b[2J\\nforged");
        }
    });
    let again = place.run(&["apply", "plan.json", "--yes"]);
    assert!(again.stderr.contains("forged"), "{}", again.stderr);
    assert!(
        !again.stderr.contains('\u{1b}') && !again.stderr.contains("\nforged"),
        "{}",
        again.stderr
    );
}

#[test]
fn saved_plan_that_is_not_what_was_approved_changes_nothing() {
    let mut place = Place::quickstart();
    assert_eq!(place.run(&PLAN).code, 0);
    let other = format!("sha256:{}", "0".repeat(64));
    place.tell(&["apply", "plan.json", "--expect", &other]);
    let text = fs::read_to_string(place.path("plan.json")).unwrap();
    place.write("touched.json", &text.replace("ReadOnlyAccess", "FullAccess"));
    place.tell(&["apply", "touched.json", "--yes"]);
    place.tell(&["show", "touched.json"]);
    let shown = place.run(&["plan", "-f", "quickstart.yaml", "-o", "json"]).stdout;
    place.write("shown.json", &shown);
    place.tell(&["apply", "shown.json", "--yes"]);
    place.tell(&["apply", "plan.json", "--yes", "--allow", "last-admin-lost"]);
    place.tell(&["apply", "plan.json", "--yes", "--prune"]);
    place.tell(&["apply", "plan.json", "-f", "quickstart.yaml"]);
    place.tell(&["apply", "-f", "quickstart.yaml", "--expect", &other]);
    place.tell(&["apply", "-f", "quickstart.yaml", "--lock=false"]);
    place.tell(&["apply", "plan.json", "--expect", "sha256:0"]);
    moved(&place);
    let moved = place.tell(&["apply", "plan.json", "--yes"]);
    assert_eq!(moved.code, 6);
    assert_story!("saved-plan-refused", place.story());
}

#[test]
fn saved_plan_takes_the_place_of_a_plan_and_of_nothing_else() {
    let mut place = Place::quickstart();
    place.write("empty", "");
    for target in ["-", "quickstart.yaml", ".", "missing/plan.json"] {
        place.tell(&[
            "plan",
            "-f",
            "quickstart.yaml",
            "--quiet",
            "-o",
            "json",
            "--out",
            target,
        ]);
    }
    assert_story!("saved-plan-target", place.story());
    for target in ["empty", "plan.json", "plan.json"] {
        let ended = place.run(&["plan", "-f", "quickstart.yaml", "-o", "json", "--out", target]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let file = fs::read_to_string(place.path(target)).unwrap();
        assert_eq!(ended.stdout, file, "the document that was saved");
        let shown = place.run(&["show", target, "-o", "json"]);
        assert_eq!(shown.stdout, file);
    }
}

/// Nothing of the credentials, tokens and keys that a run has in its environment and its files comes into what is saved.
#[test]
fn saved_plan_holds_no_secret_of_its_maker() {
    let place = Place::quickstart();
    place.write("kubeconfig", "apiVersion: v1\nkind: Config\nusers: [{name: a, user: {token: canary-token, client-key-data: Y2FuYXJ5}}]\n");
    fs::create_dir(place.path(".aws")).unwrap();
    place.write(
        ".aws/credentials",
        "[default]\naws_access_key_id = AKIACANARY0000000000\naws_secret_access_key = canary-file\naws_session_token = canary-file-session\n",
    );
    let text = fs::read_to_string(place.path("quickstart.yaml")).unwrap();
    place.write(
        "quickstart.yaml",
        &format!(
            "{text}managedNodeGroups:\n  - name: ng\n    preBootstrapCommands: ['curl -H canary-bootstrap']\n"
        ),
    );
    let mut command = place.command(&PLAN);
    command
        .env("AWS_ACCESS_KEY_ID", "AKIACANARY1111111111")
        .env("AWS_SECRET_ACCESS_KEY", "canary-environment")
        .env("AWS_SESSION_TOKEN", "canary-session")
        .env("KUBECONFIG", place.path("kubeconfig"))
        .env("GITHUB_TOKEN", "canary-github");
    let ended = Ended::of(command.output().unwrap());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let saved = fs::read_to_string(place.path("plan.json"))
        .unwrap()
        .to_lowercase();
    for secret in ["canary", "y2fuyxj5"] {
        assert!(!saved.contains(secret), "{secret} is in the plan");
    }
    // Nor does it say whose machine it was.
    let folder = place.path("").to_string_lossy().to_lowercase();
    assert!(!saved.contains(folder.trim_end_matches('/')));
}

/// Whole programs over one file of the sandbox.
#[test]
fn saved_plan_applied_by_several_programs_at_once_is_applied_once() {
    let place = Place::quickstart();
    assert_eq!(place.run(&PLAN).code, 0);
    let commands = (0..4).map(|_| place.command(&["apply", "plan.json", "--yes"]));
    let ended: Vec<Ended> = at_once(commands).map(Ended::of).collect();
    let winners = ended
        .iter()
        .filter(|ended| ended.stderr.contains("Applied: 8 created."))
        .count();
    assert_eq!(winners, 1, "{ended:#?}");
    for ended in ended {
        let is_known = [
            "Applied: 8 created.",
            "Already applied",
            "applies a plan to the cluster since",
        ]
        .iter()
        .any(|word| ended.stderr.replace("\n       ", " ").contains(word));
        assert!(is_known, "{}", ended.stderr);
    }
}

/// A saved plan of which a part was done prints the command that makes the next, with the flags that it had: it makes it, and that one
/// does the rest.
#[test]
fn saved_plan_that_was_applied_in_part_prints_the_command_for_the_rest() {
    for flags in [
        vec!["--prune"],
        vec![
            "--include",
            "app/*",
            "--timeout",
            "2m",
            "--termination-protection=false",
        ],
        vec!["--target", "iam-role/*", "--allow-broadening", "always"],
    ] {
        let place = Place::quickstart();
        let plan = [&PLAN[..], &flags].concat();
        assert_eq!(place.run(&plan).code, 0, "{flags:?}");
        let deny = |is_denied: bool| {
            place.edit("quickstart", |world| {
                world.denied.clear();
                if is_denied {
                    world.denied.insert("cloudformation:CreateStack".to_owned());
                }
            });
        };
        deny(true);
        let part = place.run(&["apply", "plan.json", "--yes"]);
        assert_eq!(part.code, 5, "{}", part.stderr);
        let words = printed_command(&part.stderr);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        deny(false);
        let made = place.run(&words);
        assert_eq!(made.code, 0, "{words:?}: {}", made.stderr);
        for flag in flags.iter().filter(|flag| flag.starts_with("--")) {
            assert!(words.contains(flag), "{words:?}");
        }
        let rest = place.run(&["apply", "plan.json", "--yes"]);
        assert_eq!(rest.code, 0, "{}", rest.stderr);
    }
}

/// The command in a help text, which is wrapped, as a shell takes it apart: without `eksact`.
fn printed_command(stderr: &str) -> Vec<String> {
    let help = stderr.split("help: Make a new plan").nth(1).unwrap_or_default();
    let help: Vec<&str> = help.split_whitespace().collect();
    let help = help.join(" ");
    let command = help.split('`').nth(1).unwrap_or_default();
    let mut words = shlex::split(command).unwrap();
    assert!(!words.is_empty(), "{stderr}");
    assert_eq!(words.remove(0), "eksact", "{stderr}");
    words
}

/// A namespace that the plan was to make is there already.
fn moved(place: &Place) {
    let namespace = Namespace {
        name: "app".to_owned(),
        terminating: false,
    };
    place.edit("quickstart", |world| {
        let cluster = world.clusters.values_mut().next().unwrap();
        cluster.namespaces.insert("app".to_owned(), namespace);
    });
}

/// Flags that lead to an account and a cluster, as a shell is given them.
const PLACE: [&str; 11] = [
    "--region",
    "eu-west-1",
    "--profile",
    "prod $(id)",
    "--sandbox-file",
    ".eksact-sandbox.json",
    "--kubeconfig",
    "my kubeconfig",
    "--context",
    "it's ours",
    "--sandbox",
];

/// Runs eksact where no variable leads to the sandbox of the place.
fn run_elsewhere(place: &Place, arguments: &[&str]) -> Ended {
    let mut command = place.command(arguments);
    // What the caller has as a variable need not be printed.
    command.env_remove("EKSACT_SANDBOX");
    command.env("EKSACT_SANDBOX_FILE", place.path("other.json"));
    Ended::of(command.output().unwrap())
}

/// A plan is applied where it was made: the command that says how leads there.
#[test]
fn saved_plan_prints_a_command_that_applies_it_in_the_same_place() {
    let place = Place::quickstart();
    let planned = run_elsewhere(&place, &[&PLAN[..], &PLACE].concat());
    assert_eq!(planned.code, 0, "{}", planned.stderr);
    let said = "To apply exactly this, run: eksact ";
    let line = planned.stderr.lines().find_map(|line| line.strip_prefix(said));
    let words = shlex::split(line.unwrap()).unwrap();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let applied = run_elsewhere(&place, &words);
    assert_eq!(applied.code, 0, "{words:?}: {}", applied.stderr);
    assert!(!place.path("other.json").exists());
    let again = place.run(&["plan", "-f", "quickstart.yaml", "--detailed-exitcode"]);
    assert_eq!(again.code, 0, "{}", again.stdout);
}

/// The command for a new plan looks at the account and the cluster of the old one, not at those of a default profile.
#[test]
fn saved_plan_that_has_moved_prints_a_command_for_the_same_place() {
    let place = Place::quickstart();
    let flags = PLACE;
    let run = |arguments: &[&str]| run_elsewhere(&place, arguments);
    let planned = run(&[&PLAN[..], &flags, &["--quiet", "--parallelism", "3"]].concat());
    assert_eq!(planned.code, 0, "{}", planned.stderr);
    moved(&place);
    let apply = ["apply", "plan.json", "--yes"];
    let stale = run(&[&apply[..], &flags].concat());
    assert_eq!(stale.code, 6, "{}", stale.stderr);
    let words = printed_command(&stale.stderr);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    for flag in flags {
        assert!(words.contains(&flag), "{flag} is not in {words:?}");
    }
    assert!(!words.contains(&"--quiet") && !words.contains(&"--parallelism"));
    let again = run(&words);
    assert_eq!(again.code, 0, "{words:?}: {}", again.stderr);
    let applied = run(&[&apply[..], &flags].concat());
    assert_eq!(applied.code, 0, "{}", applied.stderr);
}

/// Who made it, by which profile and on which machine, is nothing that was approved.
#[test]
fn saved_plan_has_the_same_digest_by_whichever_way_it_was_made() {
    let place = Place::quickstart();
    let made = |flags: &[&str]| {
        let ended = place.run(&[&PLAN[..], flags].concat());
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        std::fs::read(place.path("plan.json")).unwrap()
    };
    let plain = made(&[]);
    assert_eq!(made(&["--profile", "deploy", "--kubeconfig", "other"]), plain);
}

/// What came from standard input has no name that a command could have.
#[test]
fn saved_plan_of_standard_input_says_what_to_do_in_words() {
    const ACCESS: &str = "apiVersion: eksact.dev/v1alpha1\nkind: ClusterAccess\nallowBroadening: always\n";
    let config = include_str!("../../examples/quickstart.yaml");
    for (plan, input) in [
        (vec!["plan", "-f", "-", "--out", "plan.json"], config),
        (
            vec!["plan", "-f", "-", "--profile", "prod", "--out", "plan.json"],
            config,
        ),
        (
            vec!["plan", "-f", "quickstart.yaml", "-f", "-", "--out", "plan.json"],
            ACCESS,
        ),
    ] {
        let place = Place::quickstart();
        let planned = place.run_with_input(&plan, input);
        assert_eq!(planned.code, 0, "{plan:?}: {}", planned.stderr);
        moved(&place);
        let stale = place.run(&["apply", "plan.json", "--yes"]);
        assert_eq!(stale.code, 6, "{plan:?}: {}", stale.stderr);
        let said: Vec<&str> = stale.stderr.split_whitespace().collect();
        let said = said.join(" ");
        assert!(said.contains("a part of it came from standard input"), "{said}");
        assert!(said.contains("`--out plan.json`"), "{said}");
        assert!(
            !said.contains("-f FILE") && !said.contains("-f quickstart.yaml"),
            "{said}"
        );
    }
}
