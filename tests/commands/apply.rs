//! `plan` and `apply`: the road of the README.

use serde_json::Value;

use crate::commands::place::{Place, READ_ONLY, assert_story};

#[test]
fn quickstart() {
    let mut place = Place::quickstart();
    place.tell(&["plan", "-f", "quickstart.yaml", "--detailed-exitcode"]);
    place.tell(&["apply", "-f", "quickstart.yaml", "--yes"]);
    place.tell(&["apply", "-f", "quickstart.yaml", "--yes"]);
    place.tell(&["plan", "-f", "quickstart.yaml", "--detailed-exitcode"]);
    assert_story!("quickstart", place.story());
}

/// The stories show progress in one order, whatever it was. Here it is the true one: a step begins once all that it depends
/// on is done.
#[test]
fn steps_begin_after_what_they_depend_on() {
    let place = Place::quickstart();
    let ended = place.run(&["apply", "-f", "quickstart.yaml", "--yes", "-o", "json"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let applied: Value = serde_json::from_str(&ended.stdout).unwrap();
    let steps = applied["plan"]["steps"].as_array().unwrap();
    let title = |id: &Value| steps.iter().find(|step| step["id"] == *id).unwrap()["title"].as_str();
    let line = |event: &str, title: &str| {
        let mut lines = ended.stderr.lines();
        lines.position(|line| {
            let mut parts = line.split("  ").map(str::trim).filter(|part| !part.is_empty());
            parts.any(|part| part == event) && parts.next() == Some(title)
        })
    };
    let mut dependencies = 0;
    for step in steps {
        let step_title = step["title"].as_str().unwrap();
        let begun = line("start", step_title).expect(step_title);
        assert!(
            line("done", step_title).expect(step_title) > begun,
            "{}",
            ended.stderr
        );
        for other in step["depends_on"].as_array().unwrap() {
            let done = line("done", title(other).unwrap()).unwrap();
            assert!(done < begun, "{other} before {step_title}\n{}", ended.stderr);
            dependencies += 1;
        }
    }
    assert_eq!((steps.len(), dependencies), (9, 9));
    // The report lists the steps as they ended.
    let ended_at = |step: &Value| line("done", title(&step["id"]).unwrap()).unwrap();
    assert!(
        applied["report"]["steps"]
            .as_array()
            .unwrap()
            .is_sorted_by_key(ended_at)
    );
}

#[test]
fn changed_file_shows_the_difference_and_where_it_comes_from() {
    let mut place = Place::applied();
    let file = include_str!("../../examples/quickstart.yaml")
        .replace("policy/AmazonS3ReadOnlyAccess", "policy/AmazonS3FullAccess")
        .replace("- sqs:GetQueueAttributes\n", "- sqs:*\n");
    place.write("quickstart.yaml", &file);
    place.tell(&["apply", "-f", "quickstart.yaml", "--approve"]);
    assert_story!("changed-file", place.story());
}

#[test]
fn prune_removes_what_the_file_no_longer_has_and_only_that() {
    let mut place = Place::applied();
    // Made by hand and by nobody else: not ours to prune.
    place.edit("quickstart", |world| {
        let cluster = world.clusters.values_mut().next().unwrap();
        let mut foreign = cluster.service_accounts["app/report-reader"].clone();
        "by-hand".clone_into(&mut foreign.name);
        foreign.labels.clear();
        foreign.annotations.clear();
        foreign.field_managers.clear();
        cluster.service_accounts.insert("app/by-hand".to_owned(), foreign);
    });
    place.write_accounts(
        "less.yaml",
        &[&format!(
            "{{metadata: {{name: report-reader, namespace: app}}, attachPolicyARNs: [{READ_ONLY}]}}"
        )],
    );
    place.tell(&["plan", "-f", "less.yaml"]);
    place.tell(&["apply", "-f", "less.yaml", "--prune", "--yes"]);
    place.tell(&["apply", "-f", "less.yaml", "--prune", "--yes"]);
    place.tell(&["get", "iamserviceaccount", "--cluster", "quickstart"]);
    assert_story!("prune", place.story());
    place.edit("quickstart", |world| {
        let cluster = world.clusters.values().next().unwrap();
        assert!(cluster.service_accounts.contains_key("app/by-hand"));
        assert!(cluster.namespaces.contains_key("app"));
    });
}

#[test]
fn failed_step_leaves_the_others_done() {
    let mut place = Place::new();
    place.write_accounts(
        "cluster.yaml",
        &[
            &format!("{{metadata: {{name: fine, namespace: app}}, attachPolicyARNs: [{READ_ONLY}]}}"),
            &format!(
                "{{metadata: {{name: bounded, namespace: app}}, attachPolicyARNs: [{READ_ONLY}], \
                 permissionsBoundary: 'arn:aws:iam::111122223333:policy/boundary'}}"
            ),
        ],
    );
    place.edit("quickstart", |world| world.any_policy = false);
    let ended = place.tell(&["apply", "-f", "cluster.yaml", "--yes"]);
    assert_eq!(ended.code, 5);
    // The cause is fixed: the next run replaces the stack that was rolled back.
    place.edit("quickstart", |world| {
        world
            .policies
            .insert("arn:aws:iam::111122223333:policy/boundary".to_owned());
    });
    let ended = place.tell(&["apply", "-f", "cluster.yaml", "--yes"]);
    assert_eq!(ended.code, 0);
    assert_story!("partial", place.story());
}

#[test]
fn role_only_and_given_roles() {
    let mut place = Place::new();
    place.write_accounts(
        "cluster.yaml",
        &[
            &format!(
                "{{metadata: {{name: chart, namespace: tools}}, roleOnly: true, roleName: chart, \
                 attachPolicyARNs: [{READ_ONLY}]}}"
            ),
            "{metadata: {name: deployer, namespace: ci}, attachRoleARN: 'arn:aws:iam::111122223333:role/ci/deployer'}",
        ],
    );
    place.tell(&["apply", "-f", "cluster.yaml", "--yes"]);
    place.tell(&["get", "iamserviceaccount", "--cluster", "quickstart"]);
    assert_story!("role-only-and-given-roles", place.story());
}

#[test]
fn service_account_of_someone_else_is_kept() {
    let mut place = Place::new();
    place.write_accounts(
        "cluster.yaml",
        &[&format!(
            "{{metadata: {{name: aws-node, namespace: kube-system}}, attachPolicyARNs: [{READ_ONLY}]}}"
        )],
    );
    place.tell(&["apply", "-f", "cluster.yaml", "--yes"]);
    place.tell(&[
        "apply",
        "-f",
        "cluster.yaml",
        "--yes",
        "--override-existing-serviceaccounts",
    ]);
    place.tell(&[
        "delete",
        "iamserviceaccount",
        "--cluster",
        "quickstart",
        "--namespace",
        "kube-system",
        "--name",
        "aws-node",
        "--yes",
    ]);
    assert_story!("override", place.story());
}
