//! The built program against the test bed: a real kube-apiserver with the real authenticator, and AWS simulated behind
//! its own host names. One binary, because linking takes longer than a bed does to start.

#[allow(dead_code, reason = "shared with other test binaries, which use other parts")]
#[path = "../support/bed.rs"]
mod bed;

use bed::Bed;
use serde_json::json;

#[test]
fn the_bed_answers() {
    let bed = Bed::start();
    let identity = bed.aws("sts", "get_caller_identity", &json!({})).unwrap();
    assert_eq!(identity["Account"], "111122223333");
    assert_eq!(
        bed.kubernetes("GET", "/api/v1/namespaces/kube-system", &json!(null))
            .0,
        200
    );
    bed.stacks_take(&json!(0));
    bed.forget_calls();
    assert!(bed.writes().is_empty());
    assert_eq!(
        bed.kubectl(&["get", "namespace", "kube-system"]).ended(0).stderr,
        ""
    );
    let file = bed.file(
        "cluster.yaml",
        include_str!("../bed/worlds/eksctl-0.231/cluster.yaml"),
    );
    let ran = bed.run(&["plan", "-f", &file]).ended(0);
    println!("{ran}");
}
