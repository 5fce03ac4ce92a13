//! A saved plan over a real kube-apiserver: applied once, by one of those who try at the same time.

use serde_json::{Value, json};

use super::bed::{Bed, Ran};

const FILE: &str = "\
apiVersion: eksctl.io/v1alpha5
kind: ClusterConfig
metadata: {name: bench, region: us-west-2}
iam:
  withOIDC: true
  serviceAccounts:
  - metadata: {name: reader, namespace: app}
    attachPolicyARNs: ['arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess']
";
const LEASE: &str = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/eksact-apply";

fn lease(bed: &Bed) -> Value {
    let (status, lease) = bed.kubernetes("GET", LEASE, &Value::Null);
    assert_eq!(status, 200, "{lease}");
    lease
}

#[test]
fn saved_plan_is_applied_once_by_whoever_is_first() {
    let bed = Bed::start();
    let file = bed.file("cluster.yaml", FILE);
    let saved = bed
        .run(&["plan", "-f", &file, "--out", "plan.json", "-o", "json"])
        .ended(0)
        .json();
    let digest = saved["digest"].as_str().unwrap();
    bed.run(&["plan", "-f", &file, "--out", "again.json"])
        .ended(0)
        .says(digest);

    let apply = ["apply", "plan.json", "--expect", digest];
    let ran: Vec<Ran> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..2).map(|_| scope.spawn(|| bed.run(&apply))).collect();
        running.into_iter().map(|run| run.join().unwrap()).collect()
    });
    let winners = ran.iter().filter(|ran| ran.stderr.contains("Applied: ")).count();
    assert_eq!(winners, 1, "{} {}", ran[0], ran[1]);
    for loser in ran.iter().filter(|ran| !ran.stderr.contains("Applied: ")) {
        let is_held = loser.code == Some(1) && loser.stderr.contains("applies a plan to the cluster since");
        let is_done = loser.code == Some(0) && loser.stderr.contains("Already applied at ");
        assert!(is_held || is_done, "{loser}");
    }
    assert!(bed.annotation("app", "reader").is_some());

    let given_back = lease(&bed);
    assert_eq!(given_back["spec"].get("holderIdentity"), None, "{given_back}");
    let applied = given_back["metadata"]["annotations"]["eksact.dev/applied"]
        .as_str()
        .unwrap();
    let applied: Value = serde_json::from_str(applied).unwrap();
    assert_eq!(applied[0]["digest"], digest);
    bed.forget_calls();
    bed.run(&apply).ended(0).says("Already applied at ");
    assert_eq!(bed.writes(), []);
    bed.nothing_to_do(&file);
}

#[test]
fn saved_plan_is_refused_once_the_service_account_is_another() {
    let bed = Bed::start();
    let file = bed.file("cluster.yaml", FILE);
    bed.apply(&file).ended(0);
    let wider = FILE.replace("AmazonS3ReadOnlyAccess", "AmazonS3FullAccess");
    let file = bed.file("cluster.yaml", &wider);
    bed.run(&["plan", "-f", &file, "--out", "plan.json"]).ended(0);
    bed.kubectl(&[
        "-n",
        "app",
        "annotate",
        "sa/reader",
        "--overwrite",
        "eks.amazonaws.com/role-arn=arn:aws:iam::111122223333:role/other",
    ])
    .ended(0);
    bed.forget_calls();
    bed.run(&["apply", "plan.json", "--yes"])
        .ended(6)
        .says("service-account/app/reader");
    assert_eq!(bed.writes(), []);
    // A caller that may not write leases is told, and can do without.
    let (status, answer) = bed.kubernetes("GET", LEASE, &json!(null));
    assert_eq!(status, 404, "nothing was locked: {answer}");
}
