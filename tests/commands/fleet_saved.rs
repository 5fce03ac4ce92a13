//! `apply FOLDER` and `show FOLDER`: the saved plans of many clusters.

use std::fs;

use eksact_core::ports::kubernetes::Namespace;
use serde_json::Value;

use crate::commands::{
    fleet::{cluster, fleet},
    place::{Ended, Place, assert_story},
};

/// Three clusters, one of them in another account, with a plan for each in the folder `plans`; and the digest of all.
fn planned() -> (Place, String) {
    let place = fleet();
    fs::remove_file(place.path("clusters/broken.yaml")).unwrap();
    let digest = plan(&place);
    (place, digest)
}

fn plan(place: &Place) -> String {
    let ended = place.run(&["plan", "-f", "clusters", "--out", "plans", "-o", "json"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    let digest = document["digest"].as_str().unwrap().to_owned();
    let hint = format!("To apply exactly these, run: eksact apply plans --expect {digest}");
    assert!(ended.stderr.contains(&hint), "{}", ended.stderr);
    digest
}

/// The plans of many clusters are applied where they were made, too.
#[test]
fn fleet_plans_come_with_a_command_for_the_same_place() {
    let place = fleet();
    fs::remove_file(place.path("clusters/broken.yaml")).unwrap();
    let ended = place.run(&[
        "plan",
        "-f",
        "clusters",
        "--out",
        "plans",
        "--profile",
        "it's ours",
        "--sandbox-file",
        "b.json",
    ]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let said = "To apply exactly these, run: eksact ";
    let line = ended.stderr.lines().find_map(|line| line.strip_prefix(said));
    let words = shlex::split(line.unwrap()).unwrap();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    assert_eq!(words[..2], ["apply", "plans"]);
    assert_eq!(words[4..], ["--profile", "it's ours", "--sandbox-file", "b.json"]);
    let applied = place.run(&words);
    assert_eq!(applied.code, 0, "{}", applied.stderr);
}

/// How each cluster ended, by its name.
fn statuses(ended: &Ended) -> Vec<(String, String)> {
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    let clusters = document["clusters"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let of = |one: &Value| (text(&one["cluster"]["name"]), text(&one["status"]));
    clusters.iter().map(of).collect()
}

#[test]
fn fleet_plans_are_shown_approved_and_applied_together() {
    let (mut place, digest) = planned();
    let shown = place.run(&["show", "plans"]);
    assert_eq!(shown.code, 0, "{}", shown.stderr);
    assert!(shown.stderr.contains(&digest), "{}", shown.stderr);
    place.tell(&["show", "plans", "-o", "markdown", "--max-bytes", "4000"]);
    let refused = place.run(&["apply", "plans", "--quiet"]);
    assert_eq!(refused.code, 3);
    let hint = format!("To apply it, run: eksact apply plans --quiet --expect {digest}");
    let said = refused.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains(&hint), "{said}");
    let ended = place.run(&[
        "apply",
        "plans",
        "--expect",
        &digest,
        "--clusters-at-once",
        "1",
        "--quiet",
    ]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(ended.stdout, shown.stdout, "what was shown is what is applied");
    assert!(
        ended.stderr.contains("Apply to 3 clusters: 3 applied."),
        "{}",
        ended.stderr
    );
    assert_story!("fleet-saved", place.story());
    let again = place.run(&["apply", "plans", "--expect", &digest]);
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert_eq!(
        again.stderr.matches("Already applied at 20").count(),
        3,
        "{}",
        again.stderr
    );
    let shown = place.run(&["show", "plans", "-o", "json"]);
    let document: Value = serde_json::from_str(&shown.stdout).unwrap();
    assert_eq!(document["digest"], digest);
    assert!(shown.stderr.contains(&digest), "{}", shown.stderr);
}

/// The digest of all is that of their digests, as a shell has it.
#[test]
fn fleet_digest_is_that_of_the_digests() {
    let (place, digest) = planned();
    let mut digests: Vec<String> = fs::read_dir(place.path("plans"))
        .unwrap()
        .map(|entry| {
            let text = fs::read_to_string(entry.unwrap().path()).unwrap();
            let plan: Value = serde_json::from_str(&text).unwrap();
            plan["digest"].as_str().unwrap().to_owned()
        })
        .collect();
    digests.sort();
    place.write("digests", &format!("{}\n", digests.join("\n")));
    let output = place.bare("sha256sum").arg("digests").output().unwrap();
    let sum = String::from_utf8(output.stdout).unwrap();
    assert_eq!(format!("sha256:{}", &sum[..64]), digest);
}

/// A namespace that the plan of a cluster was to make is there.
fn move_alpha(place: &Place) {
    place.edit("alpha", |world| {
        let namespace = Namespace {
            name: "app".to_owned(),
            terminating: false,
        };
        let mut clusters = world.clusters.values_mut();
        let alpha = clusters.find(|one| one.cluster.name == "alpha").unwrap();
        alpha.namespaces.insert("app".to_owned(), namespace);
    });
}

/// The command for a new plan of the one that moved has the flags of all.
#[test]
fn fleet_plan_that_has_moved_prints_a_command_for_the_same_account() {
    let place = fleet();
    fs::remove_file(place.path("clusters/broken.yaml")).unwrap();
    let planned = place.run(&["plan", "-f", "clusters", "--out", "plans", "--timeout", "20m"]);
    assert_eq!(planned.code, 0, "{}", planned.stderr);
    move_alpha(&place);
    let ended = place.run(&["apply", "plans", "--yes", "--profile", "prod 1"]);
    assert_eq!(ended.code, 5, "{}", ended.stderr);
    let said = ended.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    let wanted = "`eksact plan -f clusters/a.yaml --timeout 1200s --profile 'prod 1' --out plans/";
    assert!(said.contains(wanted), "{said}");
}

/// One that moved, one that was touched and one that is no plan: each is a line of the report, and the others are applied.
#[test]
fn fleet_plan_that_fails_hides_no_other() {
    let (place, _) = planned();
    cluster(&place, "e.yaml", "epsilon", "");
    plan(&place);
    move_alpha(&place);
    let delta = place.path("plans/eu-west-1.delta.json");
    let text = fs::read_to_string(&delta).unwrap();
    fs::write(&delta, text.replace("ReadOnlyAccess", "FullAccess")).unwrap();
    fs::write(place.path("plans/more.json"), "{}").unwrap();
    let ended = place.run(&["apply", "plans", "--yes", "-o", "json"]);
    assert_eq!(ended.code, 5, "{}", ended.stderr);
    let wanted = [
        ("beta", "applied"),
        ("alpha", "stale"),
        ("", "invalid"),
        ("epsilon", "applied"),
        ("", "invalid"),
    ];
    let wanted = wanted.map(|(name, status)| (name.to_owned(), status.to_owned()));
    assert_eq!(statuses(&ended), wanted);
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    let problem = |number: usize| {
        document["clusters"][number]["problem"]["message"]
            .as_str()
            .unwrap()
    };
    assert!(problem(1).contains("namespace/app"), "{}", problem(1));
    assert!(problem(2).contains("somebody edited it"), "{}", problem(2));
    assert!(
        problem(4).starts_with("plans/more.json cannot be used"),
        "{}",
        problem(4)
    );
    let shown = place.run(&["show", "plans"]);
    assert_eq!(shown.code, 65, "{}", shown.stderr);
}

/// A plan counts whatever its name is, and so does what is none; hidden files and signatures are neither.
#[test]
fn fleet_plans_have_any_name() {
    let (place, digest) = planned();
    let renamed = place.path("plans/revoke.plan");
    fs::rename(place.path("plans/eu-west-1.delta.json"), renamed).unwrap();
    fs::write(
        place.path("plans/eu-west-1.delta.sigstore.json"),
        "{\"mediaType\": \"x\"}",
    )
    .unwrap();
    fs::write(place.path("plans/.kept"), "").unwrap();
    fs::write(place.path("plans/README.md"), "Plans.\n").unwrap();
    let refused = place.run(&["apply", "plans", "--quiet", "-o", "ndjson"]);
    assert_eq!(refused.code, 3, "{}", refused.stderr);
    let said = refused.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    let hint = "To apply it, run: eksact apply plans --quiet -o ndjson --yes";
    assert!(
        said.contains(hint),
        "no digest approves a file that is no plan: {said}"
    );
    assert_eq!(refused.stdout.matches("\"cluster-ended\"").count(), 4);
    assert_eq!(refused.stdout.matches("\"status\":\"not-approved\"").count(), 3);
    assert_eq!(refused.stdout.matches("\"run-ended\"").count(), 1);
    fs::remove_file(place.path("plans/README.md")).unwrap();
    let ended = place.run(&["apply", "plans", "--expect", &digest]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    fs::write(place.path("plans/README.md"), "Plans.\n").unwrap();
    let ended = place.run(&["apply", "plans", "--yes"]);
    assert_eq!(ended.code, 65, "{}", ended.stderr);
    assert!(ended.stderr.contains("plans/README.md"), "{}", ended.stderr);
}

/// One plan more, one less, one changed: nothing is applied. Nor of two plans about one cluster.
#[test]
fn fleet_plans_that_were_not_approved_change_nothing() {
    let (mut place, digest) = planned();
    let beta = place.path("plans/444455556666.eu-west-1.beta.json");
    let text = fs::read_to_string(&beta).unwrap();
    let line = ["apply", "plans", "--expect", &digest, "--quiet"];
    fs::write(place.path("plans/more.json"), "apiVersion: v1\n").unwrap();
    assert_eq!(place.tell(&line).code, 3);
    fs::remove_file(place.path("plans/more.json")).unwrap();
    fs::write(&beta, text.replace("ReadOnlyAccess", "FullAccess")).unwrap();
    assert_eq!(place.tell(&line).code, 3);
    fs::remove_file(&beta).unwrap();
    assert_eq!(place.tell(&line).code, 3);
    assert_eq!(place.tell(&["apply", "clusters", "--yes"]).code, 65);
    assert_eq!(place.tell(&["show", "clusters"]).code, 65);
    assert_eq!(
        place
            .tell(&["apply", "plans", "--yes", "--region", "eu-west-1"])
            .code,
        64
    );
    assert_eq!(place.tell(&["apply", "plans", "--yes", "--prune"]).code, 64);
    assert_story!("fleet-saved-refused", place.story());
    fs::write(&beta, text).unwrap();
    let copy = place.path("plans/copy.json");
    fs::copy(place.path("plans/eu-west-1.delta.json"), &copy).unwrap();
    let ended = place.run(&["apply", "plans", "--yes", "-o", "json"]);
    assert_eq!(ended.code, 5);
    let statuses = statuses(&ended);
    let invalid = statuses.iter().filter(|(_, status)| status == "invalid");
    assert_eq!(invalid.count(), 2, "{statuses:?}");
    assert!(
        ended
            .stderr
            .contains("2 plans are about arn:aws:eks:eu-west-1:111122223333:cluster/delta"),
        "{}",
        ended.stderr
    );
    fs::remove_file(copy).unwrap();
    assert_eq!(place.run(&line).code, 0, "those that were approved");
}

/// What a file binds to an approval is applied with the digest of all, and not with --yes.
#[test]
fn fleet_digest_approves_what_broadens() {
    let place = fleet();
    fs::remove_file(place.path("clusters/broken.yaml")).unwrap();
    place.write(
        "clusters/d.access.yaml",
        "apiVersion: eksact.dev/v1alpha1\nkind: ClusterAccess\nmetadata: {name: delta}\nallowBroadening: approved\n",
    );
    let digest = plan(&place);
    let ended = place.run(&["apply", "plans", "--yes", "-o", "json"]);
    assert_eq!(ended.code, 4, "{}", ended.stderr);
    let wanted = [("beta", "applied"), ("alpha", "applied"), ("delta", "refused")];
    let wanted = wanted.map(|(name, status)| (name.to_owned(), status.to_owned()));
    assert_eq!(statuses(&ended), wanted);
    let ended = place.run(&["apply", "plans", "--expect", &digest, "-o", "json"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(statuses(&ended)[2], ("delta".to_owned(), "applied".to_owned()));
}
