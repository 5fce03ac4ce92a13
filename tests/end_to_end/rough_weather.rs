//! Endpoints that throttle, lose answers and deny the bulk calls: the run goes on, and nothing is there twice.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::bed::Bed;

const ACCOUNTS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

/// Roles alone: the bed needs no Kubernetes.
fn file(bed: &Bed, policy: &str) -> String {
    let mut text =
        "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {name: bench, region: us-west-2}\n\
                    iam:\n  withOIDC: true\n  serviceAccounts:\n"
            .to_owned();
    for name in ACCOUNTS {
        let _ = write!(
            text,
            "  - metadata: {{name: {name}, namespace: app}}\n    roleOnly: true\n    attachPolicyARNs: [\"arn:aws:iam::aws:policy/{policy}\"]\n"
        );
    }
    bed.file("cluster.yaml", &text)
}

#[test]
fn lost_answers_and_throttling_lead_to_the_same_end() {
    let bed = Bed::start_with(&["--aws-only"]);
    let lost = |service: &str, action: &str, contains: &str| json!({"service": service, "action": action, "contains": contains, "cut": "after"});
    let throttled = |service: &str, action: &str, count: u32| json!({"service": service, "action": action, "code": "Throttling", "count": count});
    bed.control(
        "POST",
        "faults",
        &json!([
            throttled("iam", "GetAccount*", 1),
            lost("cloudformation", "CreateStack", "app-c"),
            lost("iam", "CreateOpenIDConnectProvider", ""),
        ]),
    );
    let wanted = file(&bed, "ReadOnlyAccess");
    bed.apply(&wanted).ended(0);
    bed.nothing_to_do(&wanted);
    let stacks = bed.aws("cloudformation", "describe_stacks", &json!({})).unwrap();
    assert_eq!(stacks["Stacks"].as_array().unwrap().len(), ACCOUNTS.len());

    // The same for an update through change sets.
    bed.control(
        "POST",
        "faults",
        &json!([
            lost("cloudformation", "CreateChangeSet", "app-a"),
            lost("cloudformation", "ExecuteChangeSet", ""),
            throttled("cloudformation", "ExecuteChangeSet", 1),
        ]),
    );
    let wanted = file(&bed, "AmazonS3ReadOnlyAccess");
    bed.apply(&wanted).ended(0);
    bed.nothing_to_do(&wanted);
    let unspent: Vec<Value> = bed
        .control("GET", "faults", &Value::Null)
        .as_array()
        .unwrap()
        .iter()
        .filter(|fault| fault["hits"] != fault["count"])
        .cloned()
        .collect();
    assert_eq!(unspent, Vec::<Value>::new(), "a fault struck nothing");
}

#[test]
fn roles_are_read_one_by_one_without_the_bulk_calls() {
    let bed = Bed::start_with(&["--aws-only"]);
    let wanted = file(&bed, "ReadOnlyAccess");
    bed.apply(&wanted).ended(0);
    bed.control("POST", "faults", &json!([
        {"service": "iam", "action": "GetAccountAuthorizationDetails", "code": "AccessDenied", "count": null},
        {"service": "iam", "action": "GetAccountSummary", "code": "AccessDenied", "count": null},
    ]));
    bed.nothing_to_do(&wanted);
    let role = bed.role_name_of("app", "d");
    bed.aws(
        "iam",
        "detach_role_policy",
        &json!({"RoleName": role, "PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}),
    )
    .unwrap();
    let plan = bed.run(&["plan", "-f", &wanted, "-o", "json"]).ended(0).json();
    let addresses: Vec<&Value> = plan["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| &change["address"])
        .collect();
    assert_eq!(addresses, ["iam-role/app/d"]);
}
