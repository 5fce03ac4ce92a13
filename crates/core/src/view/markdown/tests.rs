use super::*;
use crate::view::samples;

#[test]
fn plan_as_a_comment() {
    insta::assert_snapshot!(plan_markdown(
        &samples::plan(),
        &samples::plan().digest(),
        Some("cluster.yaml"),
        None
    ));
}

#[test]
fn nothing_to_change_is_one_line() {
    insta::assert_snapshot!(plan_markdown(
        &samples::empty(14),
        &samples::empty(14).digest(),
        Some("cluster.yaml"),
        Some(LEAST_BYTES)
    ));
}

#[test]
fn what_is_left_out_is_counted() {
    insta::assert_snapshot!(plan_markdown(
        &samples::plan(),
        &samples::plan().digest(),
        Some("cluster.yaml"),
        Some(LEAST_BYTES)
    ));
}
