//! The servers themselves: killed, stopped, started again. Each fault has a bed of its own, since most of the time is spent
//! waiting for somebody who is silent.

use serde_json::json;

use super::{
    Row,
    scene::{Expected, Fault, Scene, plainly},
    subject::Subject as S,
};

/// What is done to a process of the bed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    Killed,
    Stopped,
}

fn under(name: &str, process: &str, how: How, expected: &[Expected<'_>]) -> (Scene, Vec<Row>) {
    let scene = Scene::start();
    let bed = &scene.bed;
    let (signal, back) = match how {
        How::Killed => ("KILL", json!({"process": process, "start": true})),
        How::Stopped => ("STOP", json!({"process": process, "signal": "CONT"})),
    };
    let raise = || bed.order_process(&json!({"process": process, "signal": signal}));
    let lift = || bed.order_process(&back);
    let fault = Fault {
        name,
        raise: &raise,
        lift: &lift,
        run: &plainly,
    };
    let rows = scene.together(&fault, expected);
    (scene, rows)
}

/// The commands that need the cluster's API, and how long they may take.
fn all(seconds: u64) -> [Expected<'static>; 4] {
    [
        (S::Plan, 4, seconds, "refused[kubernetes-unreachable]: "),
        (S::Apply, 4, seconds, "refused[kubernetes-unreachable]: "),
        (S::CreateMapping, 4, seconds, "refused[kubernetes-unreachable]: "),
        (S::WhoCan, 5, seconds, "not read: aws-auth"),
    ]
}

#[test]
fn kube_apiserver_is_killed() {
    let (scene, rows) = under(
        "kube-apiserver is killed",
        "kube-apiserver",
        How::Killed,
        &all(20),
    );
    scene.check("kube-apiserver-killed", &rows);
}

#[test]
fn kube_apiserver_is_silent() {
    let name = "kube-apiserver takes connections and is silent";
    let (scene, rows) = under(name, "kube-apiserver", How::Stopped, &all(30));
    scene.check("kube-apiserver-silent", &rows);
}

#[test]
fn etcd_is_killed() {
    let (scene, rows) = under("etcd is killed", "etcd", How::Killed, &all(60));
    scene.check("etcd-killed", &rows);
}

#[test]
fn etcd_is_silent() {
    let (scene, rows) = under("etcd is silent", "etcd", How::Stopped, &all(60));
    scene.check("etcd-silent", &rows);
}

#[test]
fn authenticator_is_killed() {
    let (scene, rows) = under(
        "the authenticator is killed",
        "aws-iam-authenticator",
        How::Killed,
        &[
            (S::Plan, 4, 60, "Unauthorized"),
            (S::Apply, 4, 60, "Unauthorized"),
            (S::GetMapping, 1, 60, "Unauthorized"),
        ],
    );
    scene.check("authenticator", &rows);
}
