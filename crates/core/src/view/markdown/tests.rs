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
fn markdown_of_nothing_to_change_is_one_line() {
    insta::assert_snapshot!(plan_markdown(
        &samples::empty(14),
        &samples::empty(14).digest(),
        Some("cluster.yaml"),
        Some(LEAST_BYTES)
    ));
}

#[test]
fn markdown_counts_what_is_left_out() {
    insta::assert_snapshot!(plan_markdown(
        &samples::plan(),
        &samples::plan().digest(),
        Some("cluster.yaml"),
        Some(LEAST_BYTES)
    ));
}
