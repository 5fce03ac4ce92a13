//! A clock that is an hour wrong. The machine's own is not touched: it is AWS's, in the bed, that is an hour off against it, and
//! AWS refuses signatures of another time, in its own words.

use serde_json::json;

use super::{
    scene::{Fault, Scene, plainly},
    subject::Subject as S,
};

#[test]
fn clock_an_hour_off_is_named_and_nothing_is_begun() {
    let scene = Scene::start_aws();
    let bed = &scene.bed;
    let mut rows = Vec::new();
    for (name, seconds) in [
        ("the clock is an hour behind AWS's", 3600),
        ("the clock is an hour ahead of AWS's", -3600),
    ] {
        let raise = || {
            bed.control("PUT", "clock", &json!(seconds));
        };
        let lift = || {
            bed.control("PUT", "clock", &json!(0));
        };
        let fault = Fault {
            name,
            raise: &raise,
            lift: &lift,
            run: &plainly,
        };
        rows.extend(scene.together(
            &fault,
            &[
                (S::Whoami, 1, 20, "this machine's clock"),
                (S::Plan, 1, 20, "this machine's clock"),
                (S::ApplyRole, 1, 20, "this machine's clock"),
                (S::UpdateKubeconfig, 1, 20, "this machine's clock"),
                (S::Token, 0, 20, "k8s-aws-v1."),
            ],
        ));
    }
    scene.check("clock", &rows);
}
