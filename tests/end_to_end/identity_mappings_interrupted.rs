//! The writer of aws-auth dies, or its connection does: the ConfigMap is the old one or the new one, and the next run
//! finishes.

use std::process::{Child, Stdio};
use std::time::Instant;

use serde_json::{Value, json};

use super::bed::Bed;
use super::relay::Relay;

const KILLS: u32 = 12;
const PATCH: &str = "PATCH /api/v1/namespaces/kube-system/configmaps/aws-auth";
const BACKUP: &str = "POST /api/v1/namespaces/kube-system/configmaps";

/// What decides who gets in, and what eksact keeps of it.
fn state(bed: &Bed) -> (Value, Value) {
    let found = bed.aws_auth();
    (found["data"].clone(), found["metadata"]["annotations"].clone())
}

/// A file with one mapping more than the file before.
fn file_with(bed: &Bed, mappings: u32) -> String {
    let entries: Vec<Value> = (0..=mappings)
        .map(|number| {
            json!({
                "arn": format!("arn:aws:iam::111122223333:role/kept-{number:02}"),
                "username": format!("kept-{number:02}"),
                "groups": ["some"],
            })
        })
        .collect();
    let text = json!({
        "apiVersion": "eksctl.io/v1alpha5", "kind": "ClusterConfig",
        "metadata": {"name": "bench", "region": "us-west-2"}, "iamIdentityMappings": entries,
    });
    bed.file("mappings.yaml", &text.to_string())
}

fn begin(bed: &Bed, file: &str) -> Child {
    let mut command = bed.eksact(&["apply", "-f", file, "--yes"]);
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn aws_auth_is_the_old_or_the_new_one_when_killed_at_any_moment() {
    let bed = Bed::start();
    let file = file_with(&bed, 0);
    let timed = |file: &str| {
        let begun = Instant::now();
        bed.apply(file).ended(0);
        begun.elapsed()
    };
    // The shortest run that was seen: on a busy machine one alone may take several times as long as the next.
    let mut whole = timed(&file);
    let (mut old, mut new) = (0, 0);
    for round in 1..=KILLS {
        let before = state(&bed);
        let file = file_with(&bed, round);
        let mut running = begin(&bed, &file);
        // The first ends before anything was read; the later ones near the end of a run, where the writes are.
        std::thread::sleep(whole.mul_f64(f64::from(round - 1) / f64::from(KILLS - 1)));
        running.kill().unwrap();
        running.wait().unwrap();
        let after = state(&bed);

        whole = whole.min(timed(&file));
        let finished = state(&bed);
        assert_ne!(finished, before, "round {round}");
        if after == before {
            old += 1;
        } else {
            assert_eq!(after, finished, "round {round}");
            new += 1;
        }
        bed.nothing_to_do(&file);
    }
    assert!(old > 0, "{new} rounds were killed after the write, none before");
}

#[test]
fn connection_cut_before_or_after_the_effect_costs_nothing_but_a_run() {
    let bed = Bed::start();
    let mut relay = Relay::start(&bed);
    bed.control(
        "POST",
        &format!("eks/{}", bed.fact("cluster")),
        &json!({"endpoint": relay.endpoint}),
    );
    let mut round = 0;
    for (request, cut) in [
        (PATCH, "before"),
        (PATCH, "after"),
        (BACKUP, "before"),
        (BACKUP, "after"),
        (PATCH, "after"),
        (PATCH, "before"),
    ] {
        round += 1;
        let before = state(&bed);
        let file = file_with(&bed, round);
        let hits = relay.hits();
        relay.order(&json!({"cut": cut, "request": request}));
        let ran = bed.apply(&file);
        assert_eq!(relay.hits(), hits + 1, "nothing was cut: {ran}");
        let after = state(&bed);
        // A run that says that all is well must be right; one that cannot know must not say so.
        let finished = {
            bed.apply(&file).ended(0);
            bed.nothing_to_do(&file);
            state(&bed)
        };
        assert_ne!(finished, before, "{cut} {request}: {ran}");
        assert!(after == before || after == finished, "{cut} {request}: {ran}");
        if ran.code == Some(0) {
            assert_eq!(after, finished, "{cut} {request}: {ran}");
        }
        if (request, cut) == (PATCH, "after") {
            assert_eq!(after, finished, "{cut} {request}: {ran}");
        }
    }
}
