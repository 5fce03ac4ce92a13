//! Each check on a token that fails just that one, and hosts as the server takes them.

use proptest::prelude::*;

use super::*;

const GOOD: &str = "https://sts.us-west-2.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15\
    &X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAX%2F20230428%2Fus-west-2%2Fsts%2Faws4_request\
    &X-Amz-Date=20230428T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host%3Bx-k8s-aws-id&X-Amz-Signature=00";

fn token(url: &str) -> String {
    format!("{TOKEN_PREFIX}{}", TOKEN_BASE64.encode(url))
}

fn faults_at(token: &str, partition: &str, now: &str) -> Vec<TokenFault> {
    let expectations = Expectations {
        partition: partition.parse().unwrap(),
        region: "us-west-2",
    };
    faults(token, Some(&expectations), now.parse().unwrap())
}

/// What the server says: the first fault.
fn check_at(token: &str, partition: &str, now: &str) -> Result<(), TokenFault> {
    faults_at(token, partition, now)
        .into_iter()
        .next()
        .map_or(Ok(()), Err)
}

fn check(url: &str) -> Result<(), TokenFault> {
    check_at(&token(url), "aws", "2023-04-28T00:10:00Z")
}

#[test]
fn checks_in_the_servers_words() {
    for (from, to, says) in [
        ("https:", "http:", "unexpected scheme \"http\" in pre-signed URL"),
        (".com/?", ".com/x?", "unexpected path in pre-signed URL"),
        (".com/?", ".com?", "unexpected path in pre-signed URL"),
        (
            ".com/",
            ".com:443/",
            "unexpected hostname \"sts.us-west-2.amazonaws.com:443\" in pre-signed URL",
        ),
        ("60&", "60;&", "malformed query parameter"),
        ("=00", "=%0", "malformed query parameter"),
        (
            "=00",
            "=00&action=x",
            "duplicate query parameter found: \"action\"",
        ),
        ("=00", "=00&X-Foo=1", "non-whitelisted query parameter \"X-Foo\""),
        (
            "=00",
            "=00&Action=x",
            "query parameter with multiple values not supported",
        ),
        ("=Get", "=get", "unexpected action parameter in pre-signed URL"),
        (
            "%3Bx-k8s-aws-id",
            "",
            "client did not sign the x-k8s-aws-id header in the pre-signed URL",
        ),
        (
            "=60",
            "=901",
            "invalid X-Amz-Expires parameter in pre-signed URL: \"901\"",
        ),
        (
            "=60",
            "=",
            "invalid X-Amz-Expires parameter in pre-signed URL: \"\"",
        ),
        (
            "=60",
            "=60.0",
            "invalid X-Amz-Expires parameter in pre-signed URL: \"60.0\"",
        ),
        (
            "=20230428T000000Z",
            "=",
            "X-Amz-Date parameter must be present in pre-signed URL",
        ),
        (
            "=20230428T",
            "=2023-04-28T",
            "error parsing X-Amz-Date parameter 2023-04-28T000000Z into format 20060102T150405Z",
        ),
    ] {
        assert_eq!(
            check(&GOOD.replacen(from, to, 1)).unwrap_err().to_string(),
            says,
            "{from} {to}"
        );
    }
    for (from, to) in [
        ("https", "HTTPS"),
        ("=60", "=%2B60"),
        ("=60", "=0"),
        ("X-Amz-Date", "x-amz-date"),
        ("//", "//user:pw@"),
    ] {
        assert!(check(&GOOD.replacen(from, to, 1)).is_ok(), "{from} {to}");
    }
}

#[test]
fn form_and_age() {
    let good = token(GOOD);
    let at = |now| check_at(&good, "aws", now);
    assert!(at("2023-04-28T00:15:00Z").is_ok());
    assert!(matches!(
        at("2023-04-28T00:15:01Z"),
        Err(TokenFault::Expired { .. })
    ));
    // The future is left to STS, which refuses it.
    assert!(matches!(
        at("2023-04-01T00:00:00Z"),
        Err(TokenFault::Future { .. })
    ));
    assert!(at("2023-04-27T23:59:30Z").is_ok());
    let now = "2023-04-28T00:00:00Z";
    assert!(check_at(&good.replacen("aHR0", "aHR0\n", 1), "aws", now).is_ok());
    assert!(matches!(
        check_at(&good.replacen('.', ".+", 1), "aws", now),
        Err(TokenFault::Base64 { at: 0 })
    ));
    assert_eq!(check_at("k8s-aws-v2.x", "aws", now), Err(TokenFault::Prefix));
    assert_eq!(
        faults_at(&"x".repeat(4097), "aws", now),
        [TokenFault::TooLarge { length: 4097 }, TokenFault::Prefix]
    );
}

#[test]
fn everything_that_is_wrong_is_found_and_nothing_that_is_secret_is_told() {
    let url = GOOD
        .replacen("https", "http", 1)
        .replacen("aws-id", "aws-id%3Buser-agent%26X-Amz-Signature=HUSH", 1)
        .replacen("=60", "=901", 1)
        + "&X-Amz-Signature%3DHUSH&x-amz-security-tokenHUSH";
    let found = faults_at(&token(&url), "aws", "2023-04-28T01:00:00Z");
    let told: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(found.len(), 6, "{told:?}");
    assert!(!format!("{found:?}{told:?}").contains("HUSH"), "{told:?}");
}

#[test]
fn hosts() {
    let with_host = |host: &str| token(&GOOD.replacen("sts.us-west-2.amazonaws.com", host, 1));
    let now = "2023-04-28T00:00:00Z";
    let host = |host: &str, partition: &str| check_at(&with_host(host), partition, now);
    // Where the cluster is not known, any partition's own hosts may be meant.
    let anywhere = |host: &str| faults(&with_host(host), None, now.parse().unwrap());
    assert_eq!(anywhere("sts.cn-north-1.amazonaws.com.cn"), []);
    assert_eq!(anywhere("sts.amazonaws.com"), []);
    assert_eq!(anywhere("sts.cn-north-1.amazonaws.com").len(), 1);
    for (name, partition) in [
        ("sts.amazonaws.com", "aws"),
        ("sts.us-west-2.api.aws", "aws"),
        ("sts-fips.us-west-2.amazonaws.com", "aws"),
        ("sts.not-a-region.amazonaws.com", "aws"),
        ("sts.us-east-1.amazonaws.com", "aws-us-gov"),
        ("sts.cn-north-1.amazonaws.com.cn", "aws-cn"),
        ("sts.us-iso-east-1.c2s.ic.gov", "aws-iso"),
        ("sts.eusc-de-east-1.amazonaws.eu", "aws-eusc"),
    ] {
        assert_eq!(host(name, partition), Ok(()), "{name}");
    }
    for (name, partition, says) in [
        (
            "sts.amazonaws.com",
            "aws-cn",
            "global endpoint unsupported in partition aws-cn",
        ),
        (
            "localhost",
            "aws",
            "could not parse region for pre-signed URL localhost, invalid host format: localhost",
        ),
        (
            "sts.-x.amazonaws.com",
            "aws",
            "invalid region identifier format provided: -x",
        ),
        (
            "STS.us-west-2.amazonaws.com",
            "aws",
            "unexpected hostname \"STS.us-west-2.amazonaws.com\" in pre-signed URL",
        ),
        (
            "vpce-1.sts.us-west-2.vpce.amazonaws.com",
            "aws",
            "unexpected hostname \"vpce-1.sts.us-west-2.vpce.amazonaws.com\" in pre-signed URL",
        ),
        (
            "sts.cn-north-1.amazonaws.com.cn",
            "aws",
            "partition {aws} does not support hostname sts.cn-north-1.amazonaws.com.cn",
        ),
    ] {
        assert_eq!(host(name, partition).unwrap_err().to_string(), says, "{name}");
    }
}

proptest! {
    #[test]
    fn check_panics_on_no_token(text in any::<String>(), url in "https?://[a-z.@:%]{0,20}/?[?a-zA-Z0-9&=%;+-]{0,40}") {
        let _ = check_at(&text, "aws", "2023-04-28T00:00:00Z");
        let _ = check_at(&format!("{TOKEN_PREFIX}{text}"), "aws", "2023-04-28T00:00:00Z");
        let _ = check(&url);
        let _ = check(&GOOD.replacen("AKIAX", &text, 1));
    }
}
