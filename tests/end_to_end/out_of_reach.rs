//! What cannot be reached or may not be done is told within seconds, with what to do, and before anything is written.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use serde_json::json;

use super::bed::Bed;

const FILE: &str = r#"
apiVersion: eksctl.io/v1alpha5
kind: ClusterConfig
metadata: {name: bench, region: us-west-2}
iam:
  withOIDC: true
  serviceAccounts:
  - metadata: {name: reader, namespace: app}
    attachPolicyARNs: ["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"]
"#;

/// The time within which people should know.
const SECONDS: Duration = Duration::from_secs(20);

#[test]
fn unreachable_endpoint_is_named_before_anything_is_written() {
    let bed = Bed::start_with(&["--aws-only"]);
    let file = bed.file("cluster.yaml", FILE);
    // It takes connections and never answers, as a private endpoint behind a firewall that swallows does.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("https://{}", silent.local_addr().unwrap());
    for endpoint in ["https://127.0.0.1:9", silent.as_str()] {
        bed.control("POST", "eks/bench", &json!({"endpoint": endpoint}));
        bed.forget_calls();
        let begun = Instant::now();
        let ran = bed.apply(&file);
        assert!(begun.elapsed() < SECONDS, "{:?}", begun.elapsed());
        assert_ne!(ran.code, Some(0), "{ran}");
        ran.says(endpoint.trim_start_matches("https://"))
            .says("--kubeconfig");
        assert_eq!(bed.writes(), []);
    }
}

#[test]
fn reader_can_plan_and_sees_what_applying_needs() {
    let bed = Bed::start();
    let file = bed.file("cluster.yaml", FILE);
    let as_person = |person, arguments: &[&str]| {
        bed.forget_calls();
        bed.run_as(person, arguments)
    };

    as_person("planner", &["plan", "-f", &file, "--detailed-exitcode"]).ended(2);
    assert_eq!(bed.writes(), []);
    let refused = as_person("planner", &["apply", "-f", &file, "--yes"]).ended(1);
    refused.says("create serviceaccounts");
    assert_eq!(
        bed.writes(),
        [],
        "the cluster's refusal comes before the first write in AWS"
    );

    // Without a step in Kubernetes it is AWS that refuses.
    let role_only = bed.file(
        "role-only.yaml",
        &FILE.replace("    attach", "    roleOnly: true\n    attach"),
    );
    let refused = as_person("planner", &["apply", "-f", &role_only, "--yes"]).ended(1);
    refused.says("iam:CreateOpenIDConnectProvider");
    assert_eq!(bed.stack(&bed.stack_name("app", "reader")), None);

    as_person("nobody", &["plan", "-f", &file])
        .ended(1)
        .says("eks:DescribeCluster");

    bed.apply(&file).ended(0);
    as_person("planner", &["plan", "-f", &file, "--detailed-exitcode"]).ended(0);
}

#[test]
fn kubeconfig_is_the_way_around_an_endpoint_out_of_reach() {
    let bed = Bed::start();
    let file = bed.file("cluster.yaml", FILE);
    bed.control("POST", "eks/bench", &json!({"endpoint": "https://127.0.0.1:9"}));
    bed.apply(&file).ended(4);
    let kubeconfig = bed.fact("admin_kubeconfig");
    let apply = ["apply", "-f", &file, "--yes", "--kubeconfig", kubeconfig];
    bed.run(&apply).ended(0);
    assert_eq!(
        bed.annotation("app", "reader"),
        Some(bed.role_arn_of("app", "reader"))
    );
    bed.run(&[
        "plan",
        "-f",
        &file,
        "--detailed-exitcode",
        "--kubeconfig",
        kubeconfig,
    ])
    .ended(0);

    // The pod was started while the annotation named another role, and goes on with that one.
    let owner = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-5d4f8c7b9d", "uid": "1", "controller": true});
    let spec = json!({"serviceAccountName": "reader", "containers": [{"name": "web", "image": "web"}]});
    let metadata = json!({"name": "web-5d4f8c7b9d-x2x4z", "labels": {"pod-template-hash": "5d4f8c7b9d"}, "ownerReferences": [owner]});
    let pod = json!({"metadata": metadata, "spec": spec});
    let (status, answer) = bed.kubernetes("POST", "/api/v1/namespaces/app/pods", &pod);
    assert_eq!(status, 201, "{answer}");
    let other = "eks.amazonaws.com/role-arn=arn:aws:iam::111122223333:role/other";
    bed.kubectl(&[
        "annotate",
        "--overwrite",
        "serviceaccount",
        "-n",
        "app",
        "reader",
        other,
    ])
    .ended(0);
    bed.run(&apply)
        .ended(0)
        .says("kubectl --namespace app rollout restart deployment/web");
}
