//! A stack that fails: its reason is told, the others are made, and the next run heals it.

use serde_json::json;

use super::bed::Bed;

const FILE: &str = r#"
apiVersion: eksctl.io/v1alpha5
kind: ClusterConfig
metadata: {name: bench, region: us-west-2}
iam:
  withOIDC: true
  serviceAccounts:
  - metadata: {name: unlucky, namespace: app}
    roleName: taken
    attachPolicyARNs: ["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"]
  - metadata: {name: lucky, namespace: app}
    attachPolicyARNs: ["arn:aws:iam::aws:policy/ReadOnlyAccess"]
"#;

#[test]
fn taken_role_name_fails_alone_and_the_next_run_replaces_the_stack() {
    let bed = Bed::start();
    let file = bed.file("cluster.yaml", FILE);
    bed.make_foreign_role("taken");
    let foreign = bed.role("taken");

    let ran = bed.apply(&file).ended(5);
    // CloudFormation's own words, and not only the status that they led to.
    ran.says("taken already exists")
        .says("ROLLBACK_COMPLETE")
        .says("iam-role/app/unlucky");
    let stack = bed.stack(&bed.stack_name("app", "unlucky")).unwrap();
    assert_eq!(stack["StackStatus"], "ROLLBACK_COMPLETE");
    assert_eq!(
        bed.service_account("app", "unlucky"),
        None,
        "it would name a role of somebody else"
    );
    assert_eq!(
        bed.annotation("app", "lucky"),
        Some(bed.role_arn_of("app", "lucky"))
    );
    assert_eq!(bed.role("taken"), foreign, "somebody else's role was touched");

    bed.aws("iam", "delete_role", &json!({"RoleName": "taken"}))
        .unwrap();
    let plan = bed.run(&["plan", "-f", &file, "-o", "json"]).ended(0).json();
    let change = plan["changes"]
        .as_array()
        .unwrap()
        .iter()
        .find(|change| change["address"] == "iam-role/app/unlucky");
    assert_eq!(change.unwrap()["action"], "replace", "{plan:#}");
    bed.apply(&file).ended(0);
    let healed = bed.stack(&bed.stack_name("app", "unlucky")).unwrap();
    assert_eq!(healed["StackStatus"], "CREATE_COMPLETE");
    assert_ne!(healed["StackId"], stack["StackId"]);
    assert_eq!(
        bed.annotation("app", "unlucky"),
        Some("arn:aws:iam::111122223333:role/taken".to_owned())
    );
    bed.nothing_to_do(&file);
}
