//! `sharedRoles` of a ClusterAccess, as people see it: what a plan says of the statement, and what stays.

use eksact_core::ports::aws::Role;
use eksact_identity::iam::shared_trust;
use eksact_simulator::World;
use serde_json::{Value, json};

use crate::commands::place::{Place, assert_story};

const ROLE: &str = "arn:aws:iam::111122223333:role/orders-reader";

fn file(cluster: &str, access: &str) -> String {
    format!(
        "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {{name: {cluster}, region: eu-west-1}}\niam:\n  \
         withOIDC: true\n  serviceAccounts:\n    - metadata: {{name: orders, namespace: app}}\n      attachRoleARN: {ROLE}\n---\n\
         apiVersion: eksact.dev/v1alpha1\nkind: ClusterAccess\n{access}"
    )
}

/// A role that somebody made, and that green shares already.
fn made_by_hand(world: &mut World) {
    world.add_cluster("green", "eu-west-1");
    let green = world
        .clusters
        .values()
        .find(|cluster| cluster.cluster.name == "green")
        .unwrap()
        .cluster
        .clone();
    let issuer = green.oidc_issuer.unwrap().replace("https://", "");
    let theirs = eksact_identity::iam::trust::web_identity_statement(
        &shared_trust::sid(&green.arn),
        &format!("arn:aws:iam::111122223333:oidc-provider/{issuer}"),
        &issuer,
        &["system:serviceaccount:app:orders".to_owned()].into(),
    );
    let role = Role {
        name: "orders-reader".to_owned(),
        arn: ROLE.to_owned(),
        id: "AROAORDERSREADER".to_owned(),
        path: "/".to_owned(),
        trust_policy: json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ecs-tasks.amazonaws.com"}}, theirs]}),
        managed_policy_arns: Vec::new(),
        inline_policies: std::collections::BTreeMap::new(),
        max_session_seconds: None,
        permissions_boundary: None,
        tags: std::collections::BTreeMap::new(),
    };
    world.roles.insert(role.name.clone(), role);
}

#[test]
fn shared_role_in_plans() {
    let mut place = Place::new();
    place.edit("blue", made_by_hand);
    place.write(
        "blue.yaml",
        &file("blue", &format!("sharedRoles:\n  - roleARN: {ROLE}\n")),
    );
    place.write(
        "green.yaml",
        &file("green", &format!("sharedRoles:\n  - roleARN: {ROLE}\n")),
    );
    place.write("alone.yaml", &file("green", "sharedRoles: []\n"));
    place.tell(&["plan", "-f", "blue.yaml"]);
    place.tell(&["plan", "-f", "alone.yaml", "--include", "app/*"]);
    place.tell(&["plan", "-f", "alone.yaml"]);
    place.tell(&["plan", "-f", "alone.yaml", "--prune"]);
    // Commands about single service accounts do not look at it.
    place.tell(&["create", "iamserviceaccount", "-f", "alone.yaml"]);
    assert_story!("shared-roles", place.story());
    let plan: Value =
        serde_json::from_str(&place.run(&["plan", "-f", "green.yaml", "-o", "json"]).stdout).unwrap();
    assert!(
        plan["unchanged"]
            .as_array()
            .unwrap()
            .contains(&json!("shared-role/orders-reader")),
        "{plan:#}"
    );
    let plan: Value =
        serde_json::from_str(&place.run(&["plan", "-f", "blue.yaml", "-o", "json"]).stdout).unwrap();
    let change = plan["changes"]
        .as_array()
        .unwrap()
        .iter()
        .find(|change| change["address"] == "shared-role/orders-reader")
        .unwrap();
    assert_eq!(
        (&change["action"], &change["effect"]),
        (&json!("create"), &json!("broader"))
    );
    assert_eq!(
        change["source"],
        json!({"file": "blue.yaml", "line": 13, "column": 5})
    );
}

#[test]
fn shared_role_too_long_is_an_error_of_the_plan() {
    let mut place = Place::new();
    place.edit("blue", |world| {
        made_by_hand(world);
        let role = world.roles.get_mut("orders-reader").unwrap();
        role.trust_policy["Id"] = json!("x".repeat(1_200));
    });
    place.write(
        "blue.yaml",
        &file("blue", &format!("sharedRoles:\n  - roleARN: {ROLE}\n")),
    );
    place.tell(&["plan", "-f", "blue.yaml"]);
    assert_story!("shared-roles-too-long", place.story());
}
