//! `eksact plan` over access entries and associations.

use serde_json::json;

use crate::{
    eks,
    peak::{Usage, usage, watched},
    server::Server,
};

/// Plans once over so many entries and associations, which are there and as wanted: a plan that would change anything ends with another code.
pub(crate) fn planned(count: usize, eks: &Server) -> Usage {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("cluster.yaml");
    std::fs::write(&file, configuration(count)).unwrap();
    let output = home.path().join("output");
    let mut command = watched(&output, env!("CARGO_BIN_EXE_eksact"));
    command
        .args(["plan", "--detailed-exitcode", "-f"])
        .arg(&file)
        .current_dir(home.path())
        .env("HOME", home.path())
        .env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "example")
        .env("AWS_ENDPOINT_URL", eks.endpoint());
    let usage = usage(&mut command);
    let said = std::fs::read_to_string(&output).unwrap();
    assert_eq!(usage.exit, 0, "{said}");
    usage
}

fn configuration(count: usize) -> String {
    let entries: Vec<serde_json::Value> = (0..count)
        .map(|number| {
            json!({
                "principalARN": eks::principal(number),
                "kubernetesUsername": format!("user-{number}"),
                "kubernetesGroups": ["developers"],
                "accessPolicies": [{"policyARN": eks::POLICY, "accessScope": {"type": "namespace", "namespaces": ["app"]}}],
            })
        })
        .collect();
    let associations: Vec<serde_json::Value> = (0..count)
        .map(|number| json!({"namespace": "app", "serviceAccountName": format!("account-{number}"), "roleARN": eks::ROLE}))
        .collect();
    json!({
        "apiVersion": "eksctl.io/v1alpha5",
        "kind": "ClusterConfig",
        "metadata": {"name": eks::CLUSTER, "region": eks::REGION},
        "accessConfig": {"accessEntries": entries},
        "iam": {"podIdentityAssociations": associations},
    })
    .to_string()
}
