//! What people who know other tools type, and what looks as if it were taken: answered with what to type here, so that it can be
//! copied.

use std::fs;

use crate::commands::place::{Ended, Place, READ_ONLY, assert_story};

fn run(place: &Place, line: &str) -> Ended {
    place.run(&line.split(' ').collect::<Vec<_>>())
}

fn tell(place: &mut Place, line: &str) -> Ended {
    place.tell(&line.split(' ').collect::<Vec<_>>())
}

/// Pasted into a shell, each line of a command that is broken over several would be a command of its own.
#[test]
fn command_to_copy_is_on_one_line_however_narrow_the_terminal() {
    let place = Place::new();
    let provider = run(&place, "associate iam-oidc-provider --cluster prod --approve");
    assert_eq!(provider.code, 0, "{}", provider.stderr);
    let line = format!(
        "create iamserviceaccount --cluster prod --namespace app --name other --attach-policy-arn {READ_ONLY}"
    );
    let ended = run(&place, &line);
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    let wanted = format!("eksact {line} --yes");
    assert!(
        ended.stderr.lines().any(|line| line.trim_start() == wanted),
        "{}",
        ended.stderr
    );
    let narrow = |line: &&str| line.chars().count() <= 80 || line.trim_start() == wanted;
    assert!(ended.stderr.lines().all(|line| narrow(&line)), "{}", ended.stderr);
}

/// What other tools take, and what looks as if it were taken.
#[test]
fn habits_of_other_tools_are_answered_with_what_to_type() {
    let mut place = Place::quickstart();
    fs::create_dir(place.path("clusters")).unwrap();
    let account = "iamserviceaccount --cluster prod";
    for line in [
        "plan quickstart.yaml",
        "permissions --for plan quickstart.yaml",
        "plan -f quickstart.yaml --dry-run",
        "apply -f quickstart.yaml --yes --dry-run",
        "plan -f quickstart.yaml --cluster quickstart",
        "diff -f quickstart.yaml",
        "validate -f quickstart.yaml",
        "destroy -f quickstart.yaml",
        "create -f quickstart.yaml",
        "create -f quickstart.yaml -pprod --region=eu-west-1 --context lab --sandbox",
        "plan -f quickstart.yaml -n app",
        "delete -f quickstart.yaml",
        &format!("create {account} app/web --no-policies"),
        &format!("update {account} --name app/web --no-policies"),
        &format!("update {account} web --role-name other"),
        &format!("get {account} app/web"),
        &format!("delete {account} --name app/web --yes"),
        "delete podidentityassociation --cluster prod --namespace app --service-account-name app/web --yes",
        &format!("create {account} web --no-policies --cfn-role-arn cloudformation"),
        &format!("create {account} web --no-policies --timeout 0"),
        "plan -f quickstart.yaml --json-into quickstart.yaml",
        "apply -f quickstart.yaml --yes --metrics-into ./quickstart.yaml",
        "export --cluster prod -o json",
        "export --cluster prod -o openmetrics",
        "snapshot --cluster prod -o yaml",
        "get iamserviceaccount -f clusters",
        "create iamserviceaccount -f clusters/*.yaml",
    ] {
        let ended = tell(&mut place, line);
        assert_eq!(ended.code, 64, "{line}: {}", ended.stderr);
    }
    place.write(
        "without.yaml",
        "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {name: prod, region: eu-west-1}\niam: {withOIDC: false}\n",
    );
    for line in [
        "plan -f without.yaml",
        "get iamserviceaccount -f without.yaml",
        "delete iam-oidc-provider -f without.yaml",
        "delete kubeconfig --name nothing --kubeconfig missing",
        "update-kubeconfig --name prod --kubeconfig config --portable --quiet",
        "delete kubeconfig --name nothing --kubeconfig config",
    ] {
        let ended = tell(&mut place, line);
        assert_eq!(ended.code, 0, "{line}: {}", ended.stderr);
    }
    // A byte order mark is no reason to take a configuration for a plan.
    place.write(
        "mark.yaml",
        &format!("\u{feff}{}", include_str!("../../examples/quickstart.yaml")),
    );
    let ended = tell(&mut place, "apply mark.yaml --region eu-west-1");
    assert_eq!(ended.code, 65, "{}", ended.stderr);
    // The command that is printed can be pasted.
    let ended = run(&place, "plan -f quickstart.yaml --out=-b.json");
    assert!(
        ended.stderr.contains("eksact apply ./-b.json --expect"),
        "{}",
        ended.stderr
    );
    // What reads as another name in every log.
    let ended = place.tell(&[
        "create",
        "iamidentitymapping",
        "--cluster",
        "prod",
        "--arn",
        "arn:aws:iam::111122223333:role/dev",
        "--username",
        "a\nb",
    ]);
    assert_ne!(ended.code, 0);
    let kept = fs::read_to_string(place.path("quickstart.yaml")).unwrap();
    assert_eq!(kept, include_str!("../../examples/quickstart.yaml"));
    assert!(!place.path("json").exists() && !place.path("yaml").exists());
    assert_story!("habits", place.story());
}
