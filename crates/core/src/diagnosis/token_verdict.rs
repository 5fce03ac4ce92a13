//! What STS says of a token, put into findings: for `verify token`, and for `whoami` where the server has refused one. Pure.

use eksact_message::code::Code;
use eksact_message::remedy::Remedy;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::engine::{Finding, Severity};
use crate::ports::sts::{StsAnswer, StsVerdict};
use eksact_identity::authn::sts_endpoint;
use eksact_message::duration::in_words;

/// How far this machine's clock may be from STS's before it is worth telling.
const CLOCK_MARGIN: SignedDuration = SignedDuration::from_mins(1);
/// The least that services of AWS allow a signature's time to be off ("Troubleshooting AWS Signature Version 4": 5 minutes,
/// for some 15).
const STRICTEST_WINDOW: SignedDuration = SignedDuration::from_mins(5);

/// Why STS does not believe the token for `cluster`; none where it does. `host` is the one that the token names.
pub fn refusal(answer: &StsAnswer, host: &str, cluster: &str) -> Option<Finding> {
    let StsVerdict::Refused { code, message, .. } = &answer.verdict else {
        return None;
    };
    let (finding, help) = meaning(code, message, host, cluster);
    let said = code_of(&answer.verdict);
    let told = Finding::new(Severity::Error, finding, format!("STS says {said}: {message}"));
    Some(match help {
        Some(help) => told.with_help(help),
        None => told,
    })
}

/// What is wrong with a token that the server has refused. A clock that is off by so much is the cause then, whatever STS
/// says: the server looks at the token's age itself.
pub fn faults_of_refused(answer: &StsAnswer, host: &str, cluster: &str, now: Timestamp) -> Vec<Finding> {
    let refusal = refusal(answer, host, cluster);
    let clock = clock(answer, now).map(|mut finding| {
        let is_far = answer
            .time
            .is_some_and(|time| now.duration_since(time).abs() >= STRICTEST_WINDOW);
        if refusal.is_none() && is_far {
            finding.severity = Severity::Error;
        }
        finding
    });
    refusal.into_iter().chain(clock).collect()
}

/// What STS calls its refusal; empty where it believes.
pub fn code_of(verdict: &StsVerdict) -> String {
    match verdict {
        StsVerdict::Refused { status, code, .. } if code.is_empty() => format!("HTTP {status}"),
        StsVerdict::Refused { code, .. } => code.clone(),
        StsVerdict::Identity(_) => String::new(),
    }
}

/// That this machine's clock, `now`, is not STS's.
pub fn clock(answer: &StsAnswer, now: Timestamp) -> Option<Finding> {
    let skew = answer.time.map(|time| now.duration_since(time))?;
    if skew.abs() <= CLOCK_MARGIN {
        return None;
    }
    let direction = if skew.is_positive() { "ahead of" } else { "behind" };
    let message = format!(
        "this machine's clock is {} {direction} STS's",
        in_words(Duration::from_secs(skew.as_secs().unsigned_abs()))
    );
    Some(
        Finding::new(Severity::Warning, Code::Clock, message).with_help(remedy!(
            "Set the clock: STS accepts signatures made within a few minutes of its own time."
        )),
    )
}

/// What a refusal of STS means here: the code of the finding, and what to do where that is known. Source of the codes:
/// "Common errors" of the STS API reference.
fn meaning(code: &str, message: &str, host: &str, cluster: &str) -> (Code, Option<Remedy>) {
    let about_time = ["expired", "not yet current"]
        .iter()
        .any(|words| message.to_lowercase().contains(words));
    let (finding, help) = match code {
        "RequestTimeTooSkewed" => (Code::Clock, clock_help()),
        "SignatureDoesNotMatch" | "RequestExpired" if about_time => (Code::Clock, clock_help()),
        "SignatureDoesNotMatch" => (
            Code::TokenCluster,
            remedy!(
                "It was signed for another cluster than `{cluster}` (upper and lower case count), or with a wrong secret key. \
                 Make it with `eksact token --cluster {cluster}`, and compare --cluster-name or -i in the kubeconfig."
            ),
        ),
        "ExpiredToken" | "ExpiredTokenException" => (
            Code::CredentialsExpired,
            remedy!(
                "The session of the credentials that signed it has ended: log in or assume the role again, then make a new token."
            ),
        ),
        "InvalidClientTokenId" => (
            Code::CredentialsUnknown,
            remedy!(
                "Sign in again, and make a new token: the key was deleted or is inactive, its session token \
                 is missing or belongs to another key, or the key belongs to another partition{}.",
                sts_endpoint::region_of(host).map_or_else(String::new, |region| format!(
                    "; an opt-in region such as {region} may be, must be enabled in the account"
                ))
            ),
        ),
        "RegionDisabledException" => (
            Code::RegionDisabled,
            remedy!(
                "Enable STS in this region in the account's settings, or make the token for a region where it is: `eksact token \
                 --region`."
            ),
        ),
        "Throttling" | "ThrottlingException" => (
            Code::StsThrottled,
            remedy!(
                "There are too many calls to STS: try again in a minute, and have programs cache their \
                 tokens for 14 minutes."
            ),
        ),
        _ => return (Code::StsRefused, None),
    };
    (finding, Some(help))
}

fn clock_help() -> Remedy {
    remedy!(
        "The clock of the machine that signed it is wrong, or the token is old: set the clock, make a new one."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "sts.us-west-2.amazonaws.com";

    #[test]
    fn token_that_sts_refuses_has_a_cause_with_a_code() {
        let refused = |code: &str, message: &str| {
            let answer = StsAnswer {
                verdict: StsVerdict::Refused {
                    status: 403,
                    code: code.to_owned(),
                    message: message.to_owned(),
                },
                time: None,
            };
            refusal(&answer, HOST, "prod").unwrap().code
        };
        for (code, message, finding) in [
            (
                "SignatureDoesNotMatch",
                "Signature expired: 20260101T000000Z is now earlier than …",
                "clock",
            ),
            ("SignatureDoesNotMatch", "Signature not yet current: …", "clock"),
            ("RequestTimeTooSkewed", "", "clock"),
            (
                "SignatureDoesNotMatch",
                "The request signature we calculated …",
                "token-cluster",
            ),
            (
                "ExpiredToken",
                "The security token included in the request is expired",
                "credentials-expired",
            ),
            ("InvalidClientTokenId", "", "credentials-unknown"),
            ("RegionDisabledException", "", "region-disabled"),
            ("AccessDenied", "", "sts-refused"),
        ] {
            assert_eq!(refused(code, message), finding, "{code}: {message}");
        }
    }

    #[test]
    fn clock_that_is_off_is_told_with_its_direction() {
        let time: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let answer = StsAnswer {
            verdict: StsVerdict::Refused {
                status: 403,
                code: String::new(),
                message: String::new(),
            },
            time: Some(time),
        };
        let told = |minutes: i64| {
            clock(&answer, time + SignedDuration::from_mins(minutes)).map(|finding| finding.message)
        };
        assert_eq!(told(1), None);
        assert_eq!(told(20).unwrap(), "this machine's clock is 20 min ahead of STS's");
        assert_eq!(told(-20).unwrap(), "this machine's clock is 20 min behind STS's");
        assert_eq!(code_of(&answer.verdict), "HTTP 403");
        // Where STS believes, a clock that is far off is the cause all the same.
        let identity = crate::ports::aws::CallerIdentity {
            account: String::new(),
            arn: String::new(),
            user_id: String::new(),
        };
        let believed = StsAnswer {
            verdict: StsVerdict::Identity(identity),
            time: Some(time),
        };
        let weight = |minutes: i64| {
            let now = time + SignedDuration::from_mins(minutes);
            faults_of_refused(&believed, HOST, "prod", now)
                .iter()
                .map(|finding| finding.severity)
                .collect::<Vec<_>>()
        };
        assert_eq!(weight(0), []);
        assert_eq!(weight(2), [Severity::Warning]);
        assert_eq!(weight(-20), [Severity::Error]);
    }
}
