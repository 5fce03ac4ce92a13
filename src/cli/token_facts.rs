//! What a decoded token says, put into facts, and which of the server's local checks it fails. Pure.
//!
//! The checks are those of aws-iam-authenticator 0.7.18 (`pkg/token/token.go`, `tokenVerifier.Verify`), in its order.

use jiff::{SignedDuration, Timestamp};

use crate::{
    authn::{
        sts_endpoint::{self, GLOBAL_HOST},
        token::{CLUSTER_HEADER, MAXIMUM_TOKEN_BYTES},
        token_decode::{DecodedToken, JsonWebToken, PresignedToken},
    },
    engine::{Finding, Severity},
    iam::Partition,
    view::{Facts, text},
};

/// How far clocks may differ before it is worth telling.
const CLOCK_MARGIN: SignedDuration = SignedDuration::from_mins(1);
/// STS refuses what was signed longer ago, or later than this from now.
const STS_MARGIN: SignedDuration = SignedDuration::from_mins(15);

/// The facts of a token, at `now`.
pub(super) fn facts_of(token: &DecodedToken, now: Timestamp) -> Facts {
    match token {
        DecodedToken::Cluster(token) => of_presigned(token, now),
        DecodedToken::ServiceAccount(token) => of_jwt(token, now),
    }
}

fn of_presigned(token: &PresignedToken, now: Timestamp) -> Facts {
    let mut facts = Facts::default();
    facts.add("kind", "EKS token (k8s-aws-v1), a presigned call of STS");
    facts.add(
        "length",
        format!("{} of {MAXIMUM_TOKEN_BYTES} bytes", token.length),
    );
    facts.add("host", &token.host);
    facts.add_some("call", token.action.as_ref());
    facts.add_some("access key", token.access_key_id.as_ref());
    facts.add_some("kind of key", token.kind_of_key());
    facts.add_some("signed for region", token.region.as_ref());
    facts.add_some("signed at", token.signed.map(|signed| with_distance(signed, now)));
    facts.add_some(
        "accepted until",
        token.accepted_until().map(|end| with_distance(end, now)),
    );
    facts.add_list("signed headers", token.signed_headers.clone());
    facts.add(
        "session token",
        if token.has_session_token {
            "yes, not shown"
        } else {
            "no"
        },
    );
    facts.add("signature", "not shown");
    facts.add(
        "cluster",
        "not in the token; `eksact verify token --cluster NAME` asks STS",
    );
    for finding in faults(token, now) {
        facts.find(finding);
    }
    facts
}

fn of_jwt(token: &JsonWebToken, now: Timestamp) -> Facts {
    let mut facts = Facts::default();
    facts.add("kind", "JSON Web Token");
    facts.add_some("issuer", token.text("iss"));
    facts.add_some("subject", token.text("sub"));
    facts.add_list(
        "audiences",
        token.audiences().into_iter().map(str::to_owned).collect(),
    );
    facts.add_some(
        "namespace",
        token
            .claims
            .get("kubernetes.io")
            .and_then(|bound| bound.get("namespace"))
            .and_then(|namespace| namespace.as_str()),
    );
    for (label, name) in token.bound_to() {
        facts.add(label, name);
    }
    for (label, claim) in [("issued at", "iat"), ("not before", "nbf"), ("expires at", "exp")] {
        facts.add_some(label, token.time(claim).map(|time| with_distance(time, now)));
    }
    facts.add_some("algorithm", token.algorithm.as_ref());
    facts.add_some("signing key", token.key_id.as_ref());
    facts.add("signature", "not shown, and not checked here");
    let known = ["iss", "sub", "aud", "iat", "nbf", "exp", "jti", "kubernetes.io"];
    let others: Vec<String> = token
        .claims
        .keys()
        .filter(|claim| !known.contains(&claim.as_str()))
        .cloned()
        .collect();
    if !others.is_empty() {
        facts.add_list("other claims", others);
    }
    if let Some(end) = token.time("exp").filter(|end| *end <= now) {
        facts.find(
            error(
                "token-expired",
                format!("the token ended {} ago", distance(end, now)),
            )
            .with_help("The kubelet renews a projected token in its file; read the file again."),
        );
    }
    if let Some(start) = token
        .time("nbf")
        .filter(|start| start.duration_since(now) > CLOCK_MARGIN)
    {
        facts.find(
            error(
                "clock",
                format!("the token is valid only in {}", distance(start, now)),
            )
            .with_help("Compare the clocks of this machine and of the issuer."),
        );
    }
    facts
}

/// Which of the server's local checks the token fails; in the server's order, all of them.
pub(super) fn faults(token: &PresignedToken, now: Timestamp) -> Vec<Finding> {
    let mut faults = Vec::new();
    let mut check = |holds: bool, code: &str, message: String, help: &str| {
        if !holds {
            faults.push(error(code, message).with_help(help));
        }
    };
    check(
        token.length <= MAXIMUM_TOKEN_BYTES,
        "token-too-long",
        format!(
            "the token has {} bytes and the server reads {MAXIMUM_TOKEN_BYTES}",
            token.length
        ),
        "Use a session with fewer session tags or a smaller session policy.",
    );
    check(
        token.scheme.eq_ignore_ascii_case("https"),
        "token-url",
        format!("the URL's scheme is {} and must be https", token.scheme),
        "Make the token with `eksact token`.",
    );
    check(
        token.host == GLOBAL_HOST || sts_endpoint::region_of(&token.host).is_some(),
        "token-host",
        format!(
            "the server does not take the host {}: it takes the plain names of AWS's STS endpoints, without a port",
            token.host
        ),
        "The usual cause is AWS_ENDPOINT_URL or AWS_ENDPOINT_URL_STS in the environment of the program that made the \
         token; unset it there, or use `eksact token`, which does not heed it.",
    );
    check(
        token.path == "/",
        "token-url",
        "the URL's path is not `/`".to_owned(),
        "Make the token with `eksact token`.",
    );
    check(
        token.other_parameters.is_empty(),
        "token-url",
        format!(
            "the URL has parameters that the server does not take: {}",
            token.other_parameters.join(", ")
        ),
        "Make the token with `eksact token`.",
    );
    check(
        token.action.as_deref() == Some("GetCallerIdentity"),
        "token-url",
        "the URL is not a call of GetCallerIdentity".to_owned(),
        "Make the token with `eksact token`.",
    );
    let signs = |name: &str| {
        token
            .signed_headers
            .iter()
            .any(|header| header.eq_ignore_ascii_case(name))
    };
    check(
        signs(CLUSTER_HEADER),
        "token-headers",
        format!("the header {CLUSTER_HEADER} is not signed, so that the token is for no cluster"),
        "A plain presigned URL is no token; make it with `eksact token`.",
    );
    let extra: Vec<&str> = token
        .signed_headers
        .iter()
        .map(String::as_str)
        .filter(|header| !["host", CLUSTER_HEADER].contains(&header.to_ascii_lowercase().as_str()))
        .collect();
    check(
        extra.is_empty(),
        "token-headers",
        format!(
            "the headers {} are signed, too; the server does not send them to STS, which then refuses the signature",
            extra.join(", ")
        ),
        "An SDK's presigner adds headers of its own; sign host and x-k8s-aws-id only.",
    );
    check(
        token
            .expires_after
            .as_deref()
            .and_then(|text| text.parse::<i64>().ok())
            .is_some_and(|seconds| (0..=900).contains(&seconds)),
        "token-expires",
        "X-Amz-Expires must be there, and a number from 0 to 900".to_owned(),
        "Make the token with `eksact token`.",
    );
    match token.signed {
        None => check(
            false,
            "token-date",
            "X-Amz-Date is missing or no date".to_owned(),
            "Make the token with `eksact token`.",
        ),
        Some(signed) => {
            check(
                now.duration_since(signed) <= STS_MARGIN,
                "token-expired",
                format!("it was signed {} ago and lives 15 minutes", distance(signed, now)),
                "Make a new one. If it is new, the clock of the machine that made it is behind.",
            );
            check(
                signed.duration_since(now) <= CLOCK_MARGIN,
                "clock",
                format!("it was signed {} in the future", distance(signed, now)),
                "The clock of the machine that made it, or of this one, is wrong; STS refuses more than a few minutes.",
            );
        }
    }
    if token.host == GLOBAL_HOST {
        faults.push(
            Finding::new(
                Severity::Warning,
                "token-host",
                format!("{GLOBAL_HOST} is taken in partition aws only, and STS may not know keys of opt-in regions there"),
            )
            .with_help("Name the region: `eksact token --region`."),
        );
    }
    faults
}

/// A fault where the token's host lies in another partition than the cluster.
pub(super) fn other_partition(token: &PresignedToken, region: &str) -> Option<Finding> {
    let wanted = Partition::of_region(region);
    let named = if token.host == GLOBAL_HOST {
        Partition::Aws
    } else {
        Partition::of_region(sts_endpoint::region_of(&token.host)?)
    };
    // The two share their domain, and the server looks at that.
    let share = |partition: Partition| partition.dns_suffix();
    (share(wanted) != share(named)).then(|| {
        error(
            "token-host",
            format!(
                "the host {} is one of partition {named}, and a cluster in {region} is one of partition {wanted}",
                token.host
            ),
        )
        .with_help("Make the token with the cluster's region: `eksact token --region`.")
    })
}

fn error(code: &str, message: String) -> Finding {
    Finding::new(Severity::Error, code, message)
}

fn with_distance(time: Timestamp, now: Timestamp) -> String {
    let second = Timestamp::from_second(time.as_second()).unwrap_or(time);
    let when = if time <= now { "ago" } else { "from now" };
    format!("{second} ({} {when})", distance(time, now))
}

fn distance(time: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(time).as_secs().unsigned_abs();
    text::duration(seconds.saturating_mul(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good(now: Timestamp) -> PresignedToken {
        PresignedToken {
            length: 493,
            scheme: "https".to_owned(),
            host: "sts.us-west-2.amazonaws.com".to_owned(),
            path: "/".to_owned(),
            action: Some("GetCallerIdentity".to_owned()),
            expires_after: Some("60".to_owned()),
            signed_headers: vec!["host".to_owned(), "x-k8s-aws-id".to_owned()],
            signed: Some(now),
            ..PresignedToken::default()
        }
    }

    type Damage = fn(&mut PresignedToken);

    #[test]
    fn each_fault_is_named_alone() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        assert_eq!(faults(&good(now), now), []);
        let cases: [(&str, Damage); 12] = [
            ("token-too-long", |token| token.length = 4097),
            ("token-url", |token| token.scheme = "http".to_owned()),
            ("token-host", |token| token.host.push_str(":443")),
            ("token-host", |token| {
                token.host = "vpce-1.sts.us-west-2.vpce.amazonaws.com".to_owned();
            }),
            ("token-url", |token| token.path = "//".to_owned()),
            ("token-url", |token| {
                token.other_parameters.push("X-Evil".to_owned());
            }),
            ("token-url", |token| token.action = Some("AssumeRole".to_owned())),
            ("token-headers", |token| token.signed_headers.truncate(1)),
            ("token-headers", |token| {
                token.signed_headers.push("user-agent".to_owned());
            }),
            ("token-expires", |token| {
                token.expires_after = Some("901".to_owned());
            }),
            ("token-expired", |token| {
                token.signed = token.signed.map(|time| time - SignedDuration::from_mins(20));
            }),
            ("clock", |token| {
                token.signed = token.signed.map(|time| time + SignedDuration::from_mins(20));
            }),
        ];
        for (code, damage) in cases {
            let mut token = good(now);
            damage(&mut token);
            let codes: Vec<String> = faults(&token, now).into_iter().map(|fault| fault.code).collect();
            assert_eq!(codes, [code]);
        }
    }

    #[test]
    fn a_host_of_another_partition_is_named() {
        let token = good("2026-01-01T00:00:00Z".parse().unwrap());
        assert_eq!(other_partition(&token, "eu-west-1"), None);
        assert_eq!(
            other_partition(&token, "us-gov-west-1"),
            None,
            "they share the domain"
        );
        assert!(
            other_partition(&token, "cn-north-1")
                .unwrap()
                .message
                .contains("aws-cn")
        );
    }
}
