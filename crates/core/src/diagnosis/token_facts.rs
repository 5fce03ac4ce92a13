//! What a decoded token says, put into facts, and what people are told of the checks that it fails. Pure. The checks are
//! `authn::token_check`'s.

use eksact_message::code::Code;
use eksact_message::remedy::Remedy;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::{
    engine::{Finding, Severity},
    view::Facts,
};
use eksact_identity::authn::{
    sts_endpoint::GLOBAL_HOST,
    token::{CLUSTER_HEADER, MAXIMUM_TOKEN_BYTES},
    token_check::{self, TokenFault},
    token_decode::{DecodedToken, JsonWebToken, PresignedToken},
    token_sandbox::is_simulated_host,
};
use eksact_message::duration::in_words;

/// How far clocks may differ before it is worth telling.
const CLOCK_MARGIN: SignedDuration = SignedDuration::from_mins(1);

/// The facts of a token, at `now`; `text` is the token itself.
pub fn facts_of(token: &DecodedToken, text: &str, now: Timestamp) -> Facts {
    match token {
        DecodedToken::Cluster(token) => of_presigned(token, text, now),
        DecodedToken::ServiceAccount(token) => of_jwt(token, now),
    }
}

fn of_presigned(token: &PresignedToken, text: &str, now: Timestamp) -> Facts {
    let mut facts = Facts::default();
    let is_simulated = is_simulated_host(&token.host);
    facts.add(
        "kind",
        if is_simulated {
            "simulated EKS token (k8s-aws-v1) of eksact's sandbox: neither AWS nor a cluster accepts it"
        } else {
            "EKS token (k8s-aws-v1), a presigned call of STS"
        },
    );
    facts.add(
        "length",
        format!("{} of {MAXIMUM_TOKEN_BYTES} bytes", token.length),
    );
    facts.add("host", &token.host);
    facts.add_some("call", token.action.as_ref());
    facts.add_some("access key", token.access_key_id.as_ref());
    facts.add_some("kind of key", token.kind_of_key());
    facts.add_some("signed for region", token.region.as_ref());
    add_time(&mut facts, "signed at", token.signed, now);
    add_time(&mut facts, "accepted until", token.accepted_until(), now);
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
        if is_simulated {
            "not in the token; `eksact verify token --sandbox --cluster NAME` compares it"
        } else {
            "not in the token; `eksact verify token --cluster NAME` asks STS"
        },
    );
    let mut faults = token_check::faults(text, None, now);
    faults.retain(|fault| !(is_simulated && fault.is_about_host()));
    for finding in findings(token, &faults, now) {
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
        add_time(&mut facts, label, token.time(claim), now);
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
    for claim in token.bad_times() {
        facts.find(
            error(
                Code::TokenTime,
                format!("the token's claim {claim} is not a time in seconds, so the server refuses the token"),
            )
            .with_help(remedy!(
                "Somebody edited the token, or its issuer is wrong: ask for a new one, `kubectl create token NAME -n NAMESPACE`."
            )),
        );
    }
    if let Some(end) = token.time("exp").filter(|end| *end <= now) {
        facts.find(
            error(
                Code::TokenExpired,
                format!("the token expired {} ago", distance(end, now)),
            )
            .with_help(remedy!(
                "The kubelet renews a projected token in its file; read the file again."
            )),
        );
    }
    if let Some(start) = token
        .time("nbf")
        .filter(|start| start.duration_since(now) > CLOCK_MARGIN)
    {
        facts.find(
            error(
                Code::Clock,
                format!("the token is valid only in {}", distance(start, now)),
            )
            .with_help(remedy!(
                "The clock of this machine or of the issuer is wrong: set it, and read the token again."
            )),
        );
    }
    facts
}

/// The findings about faults, and one about the global host where the server takes it.
pub fn findings(token: &PresignedToken, faults: &[TokenFault], now: Timestamp) -> Vec<Finding> {
    let is_simulated = is_simulated_host(&token.host);
    let mut findings: Vec<Finding> = faults
        .iter()
        .map(|fault| {
            if is_simulated && fault.is_about_host() {
                simulated()
            } else {
                finding_of(fault, now)
            }
        })
        .collect();
    if token.host == GLOBAL_HOST && !findings.iter().any(|finding| finding.code == Code::TokenHost) {
        findings.push(
            Finding::new(
                Severity::Warning,
                Code::TokenHost,
                format!(
                    "{GLOBAL_HOST} is accepted in partition aws only, and STS may not know keys of \
                     opt-in regions there"
                ),
            )
            .with_help(remedy!("Name the region: `eksact token --region`.")),
        );
    }
    findings
}

/// That a token of the sandbox is shown to somebody else than the sandbox.
fn simulated() -> Finding {
    error(
        Code::SandboxToken,
        "it was made in eksact's sandbox: neither AWS nor a cluster accepts it".to_owned(),
    )
    .with_help(remedy!(
        "Verify it with --sandbox, or make one without --sandbox and EKSACT_SANDBOX."
    ))
}

fn make_it_anew() -> Remedy {
    remedy!("Make the token with `eksact token`.")
}

fn finding_of(fault: &TokenFault, now: Timestamp) -> Finding {
    let with_help = |code: Code, message: String, help: Remedy| error(code, message).with_help(help);
    // What people read where the server's own words would not tell them enough.
    match fault {
        TokenFault::TooLarge { length } => with_help(
            Code::TokenTooLong,
            format!("the token has {length} bytes and the server reads at most {MAXIMUM_TOKEN_BYTES}"),
            remedy!("Use a session with fewer session tags or a smaller session policy."),
        ),
        TokenFault::Scheme(scheme) => with_help(
            Code::TokenUrl,
            format!("the URL's scheme is {scheme} and must be https"),
            make_it_anew(),
        ),
        TokenFault::HostPartition { host, partition } => with_help(
            Code::TokenHost,
            format!("the host {host} is not one of partition {partition}, which the cluster is in"),
            remedy!("Make the token with the cluster's region: `eksact token --region`."),
        ),
        TokenFault::GlobalHost { partition } => with_help(
            Code::TokenHost,
            format!(
                "the host {GLOBAL_HOST} is accepted in partition aws only, and the cluster is in partition \
                 {partition}"
            ),
            remedy!("Make the token with the cluster's region: `eksact token --region`."),
        ),
        TokenFault::HostFormat { host: named }
        | TokenFault::HostRegion { region: named }
        | TokenFault::Host { host: named } => with_help(
            Code::TokenHost,
            format!(
                "the server does not accept the host {named}: it accepts only the plain names of AWS's STS \
                 endpoints, without a port"
            ),
            remedy!(
                "The usual cause is AWS_ENDPOINT_URL or AWS_ENDPOINT_URL_STS in the environment of the \
             program that made the token; unset it there, or use `eksact token`, which ignores it."
            ),
        ),
        TokenFault::Path => with_help(
            Code::TokenUrl,
            "the URL's path is not `/`".to_owned(),
            make_it_anew(),
        ),
        TokenFault::UnknownParameter(name) => with_help(
            Code::TokenUrl,
            format!("the URL has a parameter that the server does not accept: {name}"),
            make_it_anew(),
        ),
        TokenFault::Action => with_help(
            Code::TokenUrl,
            "the URL is not a call of GetCallerIdentity".to_owned(),
            make_it_anew(),
        ),
        TokenFault::ClusterHeaderNotSigned => with_help(
            Code::TokenHeaders,
            format!("the header {CLUSTER_HEADER} is not signed, so that the token is for no cluster"),
            remedy!("A plain presigned URL is not a token; make one with `eksact token`."),
        ),
        TokenFault::OtherHeaders(names) => with_help(
            Code::TokenHeaders,
            format!(
                "the headers {} are signed, too; the server does not send them to STS, which then refuses the signature",
                names.join(", ")
            ),
            remedy!("An SDK's presigner adds headers of its own; sign host and x-k8s-aws-id only."),
        ),
        TokenFault::PresignedSeconds(_) => with_help(
            Code::TokenExpires,
            "X-Amz-Expires must be set to a number from 0 to 900".to_owned(),
            make_it_anew(),
        ),
        TokenFault::NoDate | TokenFault::Date(_) => with_help(
            Code::TokenDate,
            "X-Amz-Date is missing or not a date".to_owned(),
            make_it_anew(),
        ),
        TokenFault::Expired { signed } => with_help(
            Code::TokenExpired,
            format!(
                "it was signed {} ago and is valid for 15 minutes",
                distance(*signed, now)
            ),
            remedy!("Make a new one. If it is new, the clock of the machine that made it is behind."),
        ),
        TokenFault::Future { signed } => with_help(
            Code::Clock,
            format!("it was signed {} in the future", distance(*signed, now)),
            remedy!(
                "The clock of the machine that made it, or of this one, is wrong; STS refuses more than a few minutes."
            ),
        ),
        TokenFault::Prefix
        | TokenFault::Base64 { .. }
        | TokenFault::Url { .. }
        | TokenFault::Query
        | TokenFault::DuplicateParameter(_)
        | TokenFault::RepeatedParameter => with_help(
            Code::TokenRefused,
            format!("the server refuses it: {fault}"),
            make_it_anew(),
        ),
    }
}

fn error(code: Code, message: String) -> Finding {
    Finding::new(Severity::Error, code, message)
}

/// A time in whole seconds; people are told how far it is, too.
fn add_time(facts: &mut Facts, label: &str, time: Option<Timestamp>, now: Timestamp) {
    let Some(time) = time else { return };
    let second = Timestamp::from_second(time.as_second()).unwrap_or(time);
    let when = if time <= now { "ago" } else { "from now" };
    facts.add_with_remark(
        label,
        second.to_string(),
        format!("{} {when}", distance(time, now)),
    );
}

fn distance(time: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(time).as_secs().unsigned_abs();
    in_words(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use aws_credential_types::Credentials;
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

    use super::*;
    use eksact_identity::authn::{
        token::{TOKEN_PREFIX, TokenRequest, sign},
        token_decode::decode,
    };

    fn url(now: Timestamp) -> String {
        let request = TokenRequest {
            cluster: "prod",
            region: "us-west-2",
            sts_host: "sts.us-west-2.amazonaws.com",
            time: now,
        };
        let credentials = Credentials::new("AKIAX", "not-a-secret", None, None, "test");
        let token = sign(&request, &credentials).unwrap();
        let encoded = token.secret().strip_prefix(TOKEN_PREFIX).unwrap();
        String::from_utf8(URL_SAFE_NO_PAD.decode(encoded).unwrap()).unwrap()
    }

    fn facts(url: &str, now: Timestamp) -> Facts {
        let token = format!("{TOKEN_PREFIX}{}", URL_SAFE_NO_PAD.encode(url));
        facts_of(&decode(&token).unwrap(), &token, now)
    }

    #[test]
    fn token_fault_is_named_alone() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let good = url(now);
        let codes = |url: &str, now: Timestamp| -> Vec<String> {
            let facts = facts(url, now);
            facts
                .findings()
                .iter()
                .map(|fault| fault.code.to_string())
                .collect()
        };
        assert_eq!(codes(&good, now), [""; 0]);
        let long = format!("=20260101T000000Z&X-Amz-Security-Token={}", "x".repeat(3000));
        for (from, to, code) in [
            ("=20260101T000000Z", long.as_str(), "token-too-long"),
            ("https", "http", "token-url"),
            (".com/", ".com:443/", "token-host"),
            ("//sts.", "//vpce-1.sts.", "token-host"),
            ("sts.us-west-2.", "sts.", "token-host"),
            (".com/", ".com//", "token-url"),
            ("/?", "/?X-Evil=1&", "token-url"),
            ("GetCallerIdentity", "AssumeRole", "token-url"),
            ("%3Bx-k8s-aws-id", "", "token-headers"),
            ("%3Bx-k8s-aws-id", "%3Bx-k8s-aws-id%3Buser-agent", "token-headers"),
            ("Expires=60", "Expires=901", "token-expires"),
            ("=20260101T000000Z", "=yesterday", "token-date"),
            ("Version", "version=1&Version", "token-refused"),
        ] {
            assert_eq!(codes(&good.replacen(from, to, 1), now), [code], "{from} {to}");
        }
        assert_eq!(
            codes(&good, now + SignedDuration::from_mins(20)),
            ["token-expired"]
        );
        assert_eq!(codes(&good, now - SignedDuration::from_mins(20)), ["clock"]);
    }

    #[test]
    fn machines_get_times_without_words() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let facts = facts(&url(now), now + SignedDuration::from_mins(5));
        assert_eq!(facts.json()["signedAt"], "2026-01-01T00:00:00Z");
        assert_eq!(facts.json()["acceptedUntil"], "2026-01-01T00:15:00Z");
        let told = facts.human(crate::view::Style::plain(200));
        assert!(
            told.contains("2026-01-01T00:15:00Z (10m0s from now)") || told.contains("from now)"),
            "{told}"
        );
    }
}
