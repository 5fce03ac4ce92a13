//! What is wrong with a token, and a token made as the help says.

use base64::Engine as _;

use super::case::{Check, case};

const VERIFY: &str = "verify token --cluster quickstart --region eu-west-1";

/// A presigned URL with a good form and a bad signature.
fn url() -> String {
    let date = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
    format!(
        "https://sts.eu-west-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256&\
         X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20260101%2Feu-west-1%2Fsts%2Faws4_request&X-Amz-Date={date}&X-Amz-Expires=60&\
         X-Amz-SignedHeaders=host%3Bx-k8s-aws-id&X-Amz-Signature=0123"
    )
}

/// The token of a URL with one text in place of another is complained about, and one of `eksact token` is not.
fn fault(from: &str, to: &str, says: &str) -> Check {
    let bad = url().replace(from, to);
    assert_ne!(bad, url(), "{from}");
    let token = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bad);
    case(format!("{VERIFY} k8s-aws-v1.{token}"))
        .says(says)
        .instead(format!(
            "{VERIFY} \"$(eksact token -c quickstart --region eu-west-1)\""
        ))
        .check()
}

pub(super) fn cases() -> Vec<Check> {
    let date = url();
    let (_, date) = date.split_once("X-Amz-Date=").unwrap();
    let date = &date[..16];
    let in_days = |days: i64| {
        let then = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * days);
        then.strftime("%Y%m%dT%H%M%SZ").to_string()
    };
    vec![
        fault("https://", "http://", "Make the token with `eksact token`."),
        fault(
            "sts.eu-west-1.amazonaws.com",
            "sts.amazonaws.com",
            "Name the region: `eksact token --region`.",
        ),
        fault(
            "host%3Bx-k8s-aws-id",
            "host",
            "A plain presigned URL is not a token; make one with `eksact token`.",
        ),
        fault(
            "host%3Bx-k8s-aws-id",
            "host%3Bx-amz-user-agent%3Bx-k8s-aws-id",
            "sign host and x-k8s-aws-id only",
        ),
        fault(
            date,
            &in_days(-2),
            "Make a new one. If it is new, the clock of the machine that made it is behind.",
        ),
        fault(date, &in_days(2), "STS refuses more than a few minutes."),
        fault(
            "X-Amz-Signature=0123",
            &format!("X-Amz-Signature={}", "0".repeat(20_000)),
            "Use a session with fewer session tags or a smaller session policy.",
        ),
    ]
}
