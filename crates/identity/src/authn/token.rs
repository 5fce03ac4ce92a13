//! The bearer token for a cluster's Kubernetes API: a presigned STS `GetCallerIdentity`, made in this process.
//!
//! Byte for byte what aws-iam-authenticator 0.7.18 (`pkg/token/token.go`) and `aws eks get-token` make. It is signed by
//! hand and not by an SDK's presigner, because the server re-sends exactly the headers `host` and `x-k8s-aws-id`: one
//! more signed header and STS refuses the signature. Where credentials come from is not decided here.

use std::fmt;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign as sign_request,
};
use aws_sigv4::sign::v4;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What every token begins with.
pub const TOKEN_PREFIX: &str = "k8s-aws-v1.";

/// The header through which a token is bound to one cluster.
pub const CLUSTER_HEADER: &str = "x-k8s-aws-id";

/// The longest token, prefix included, that the server reads (`maxTokenLenBytes` of aws-iam-authenticator).
pub const MAXIMUM_TOKEN_BYTES: usize = 4096;

/// `X-Amz-Expires` in seconds. STS ignores it, the server demands 0 to 900, and old servers 0 to 60.
const PRESIGNED_SECONDS: u64 = 60;

/// How long a token is used: the server takes it for 15 minutes from its signing; one is left as a margin.
const LIFETIME: SignedDuration = SignedDuration::from_mins(14);

/// The unreserved characters of RFC 3986 stay; everything else in a query value is written as `%XX`.
const QUERY_VALUE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// What a token is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenRequest<'a> {
    /// The cluster's name, or its id for a local cluster on Outposts. Upper and lower case matter.
    pub cluster: &'a str,
    /// The region to sign for: the one whose STS is asked.
    pub region: &'a str,
    /// Host of that STS, without scheme and port; see [`sts_host`].
    pub sts_host: &'a str,
    /// When it is signed; fractions of a second are dropped.
    pub time: Timestamp,
}

/// A bearer token. It is a secret for the quarter of an hour that it lives: neither `Debug` nor any error shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    text: String,
    expires: Timestamp,
}

impl Token {
    /// The token itself, for the `Authorization: Bearer` header and nothing else.
    pub fn secret(&self) -> &str {
        &self.text
    }

    /// When to make a new one: 14 minutes after signing, or when the credentials end, whichever comes first.
    pub fn expires(&self) -> Timestamp {
        self.expires
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Token")
            .field("text", &"hidden")
            .field("expires", &self.expires)
            .finish()
    }
}

/// Why no token could be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The cluster's name cannot be sent in a header.
    #[error(
        "{cluster:?} is not the name of a cluster: it has a line break or another control character, which \
         a token's header cannot carry"
    )]
    Cluster {
        /// The name.
        cluster: String,
    },
    /// The STS host is no plain host name.
    #[error("no token for cluster `{cluster}`: `{host}` is not the plain host name of an STS endpoint")]
    Host {
        /// The cluster.
        cluster: String,
        /// The text that was given.
        host: String,
    },
    /// The time lies outside what a signature can carry.
    #[error("no token for cluster `{cluster}`: the clock says {time}, which cannot be signed; set the clock")]
    Time {
        /// The cluster.
        cluster: String,
        /// What the clock said.
        time: Timestamp,
    },
    /// Signing failed; the text names the cause and holds no secret.
    #[error("no token for cluster `{cluster}`: signing failed: {reason}")]
    Signing {
        /// The cluster.
        cluster: String,
        /// Why.
        reason: String,
    },
    /// The credentials' session token is so long that the server would refuse the result.
    #[error(
        "the token for cluster `{cluster}` would have {length} bytes and the server reads at most {MAXIMUM_TOKEN_BYTES}: \
         the session token of these credentials is too long; use credentials of a session with fewer session tags \
         or a smaller session policy"
    )]
    TooLong {
        /// The cluster.
        cluster: String,
        /// Bytes that the token would have.
        length: usize,
    },
}

/// The regional STS host that the server of a cluster in this partition and region accepts in a token; `None` for an
/// unknown partition.
///
/// Always the regional one: the global `sts.amazonaws.com` is refused outside partition `aws`. `AWS_ENDPOINT_URL` has no
/// say here, because the server refuses any other host. Source of the domains: the partition table of the AWS SDKs,
/// as aws-iam-authenticator 0.7.18 checks it (`pkg/token/token.go`).
pub fn sts_host(partition: &str, region: &str) -> Option<String> {
    let domain = match partition {
        "aws" | "aws-us-gov" => "amazonaws.com",
        "aws-cn" => "amazonaws.com.cn",
        "aws-iso" => "c2s.ic.gov",
        "aws-iso-b" => "sc2s.sgov.gov",
        "aws-iso-e" => "cloud.adc-e.uk",
        "aws-iso-f" => "csp.hci.ic.gov",
        "aws-eusc" => "amazonaws.eu",
        _ => return None,
    };
    Some(format!("sts.{region}.{domain}"))
}

/// Whether a token can be made for a cluster of this name. Names on EKS are letters, digits, `-` and `_`; ids of clusters
/// elsewhere may be nearly anything.
///
/// # Errors
/// When the name holds control characters, which no header carries.
pub fn check_cluster_name(cluster: &str) -> Result<(), TokenError> {
    if cluster.chars().any(char::is_control) {
        return Err(TokenError::Cluster {
            cluster: cluster.to_owned(),
        });
    }
    Ok(())
}

/// Makes the token for `request` with `credentials`.
///
/// # Errors
/// When the host or the time cannot be signed, or when the token would be longer than the server reads.
pub fn sign(request: &TokenRequest<'_>, credentials: &Credentials) -> Result<Token, TokenError> {
    check_cluster_name(request.cluster)?;
    let cluster = || request.cluster.to_owned();
    if !is_plain_host(request.sts_host) {
        return Err(TokenError::Host {
            cluster: cluster(),
            host: request.sts_host.to_owned(),
        });
    }
    // The signer formats four-digit years only and panics on others.
    let seconds = u64::try_from(request.time.as_second())
        .ok()
        .filter(|seconds| *seconds < 253_402_300_800);
    let Some(seconds) = seconds else {
        return Err(TokenError::Time {
            cluster: cluster(),
            time: request.time,
        });
    };
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);

    let failed = |reason: &dyn fmt::Display| TokenError::Signing {
        cluster: cluster(),
        reason: reason.to_string(),
    };
    let mut url = format!(
        "https://{}/?Action=GetCallerIdentity&Version=2011-06-15",
        request.sts_host
    );
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(Duration::from_secs(PRESIGNED_SECONDS));
    let identity = credentials.clone().into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(request.region)
        .name("sts")
        .time(time)
        .settings(settings)
        .build()
        .map_err(|error| failed(&error))?
        .into();
    let headers = [(CLUSTER_HEADER, request.cluster)].into_iter();
    let signable = SignableRequest::new("GET", url.as_str(), headers, SignableBody::Bytes(&[]))
        .map_err(|error| failed(&error))?;
    let (instructions, _signature) = sign_request(signable, &parameters)
        .map_err(|error| failed(&error))?
        .into_parts();

    // botocore's order: the security token after the signed headers, the signature last. Order does not matter to the
    // signature, but equal bytes are easy to compare.
    let (_, mut query) = instructions.into_parts();
    query.sort_by_key(|(name, _)| *name == "X-Amz-Signature");
    for (name, value) in query {
        url.push('&');
        url.push_str(name);
        url.push('=');
        url.extend(utf8_percent_encode(&value, QUERY_VALUE));
    }

    let text = format!("{TOKEN_PREFIX}{}", URL_SAFE_NO_PAD.encode(url));
    if text.len() > MAXIMUM_TOKEN_BYTES {
        return Err(TokenError::TooLong {
            cluster: cluster(),
            length: text.len(),
        });
    }
    Ok(Token {
        text,
        expires: expiry(request.time, credentials),
    })
}

/// 14 minutes after signing or the end of the credentials, in whole seconds as `expirationTimestamp` is written.
/// Both peers ignore the credentials' end, and clients then go on with a token that STS refuses.
fn expiry(signed: Timestamp, credentials: &Credentials) -> Timestamp {
    let whole = Timestamp::from_second(signed.as_second()).unwrap_or(signed);
    let latest = whole.checked_add(LIFETIME).unwrap_or(whole);
    credentials
        .expiry()
        .and_then(|end| Timestamp::try_from(end).ok())
        .map_or(latest, |end| end.min(latest))
}

/// Letters, digits, dots and hyphens only: no port, no user, no path, which the server would refuse.
fn is_plain_host(host: &str) -> bool {
    !host.is_empty()
        && host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published fake key of aws-iam-authenticator's own tests.
    fn credentials(session_token: Option<&str>) -> Credentials {
        Credentials::new(
            "ASIAR2TG44V6AS3ZZE7C",
            "4KD5cntGcVmLWRdF5wvNRuzNL5Qxmp6OKVY6Fz/Q",
            session_token.map(str::to_owned),
            None,
            "test",
        )
    }

    fn at_release_time<'a>(cluster: &'a str, region: &'a str, sts_host: &'a str) -> TokenRequest<'a> {
        TokenRequest {
            cluster,
            region,
            sts_host,
            time: "2023-04-28T00:00:00.9Z".parse().unwrap(),
        }
    }

    fn url_of(token: &Token) -> String {
        let encoded = token.secret().strip_prefix(TOKEN_PREFIX).unwrap();
        String::from_utf8(URL_SAFE_NO_PAD.decode(encoded).unwrap()).unwrap()
    }

    #[test]
    fn tokens_equal_those_of_botocore_and_aws_iam_authenticator() {
        let oregon = "sts.us-west-2.amazonaws.com";
        let beijing = "sts.cn-north-1.amazonaws.com.cn";
        let cases = [
            (
                "test-cluster",
                "us-west-2",
                oregon,
                None,
                "e211dba77aba9dc44b0b6be38b8eaad092599c5157f6314444c5b9d85747f5ce",
                493,
            ),
            (
                "test-cluster",
                "us-west-2",
                oregon,
                Some("FwoG/Zz+a=="),
                "0443727c816ea1c412696cfb1cbb8fc43594877339259d4e7922f4ffedf9f15f",
                547,
            ),
            (
                "test-cluster",
                "cn-north-1",
                beijing,
                None,
                "352d75fc16ce5029f91e1d80900124b7b3499c1db23b0ce582ae5d0ae30e444b",
                499,
            ),
            (
                "my-cluster",
                "us-east-1",
                "sts.us-east-1.amazonaws.com",
                None,
                "3afe7b5611f261580960a2762e4d143e936eb110186b47f3a598701e57b7328e",
                493,
            ),
            (
                "arn:aws:eks:us-west-2:111122223333:cluster/x",
                "us-west-2",
                oregon,
                None,
                "e728845c72bdb0bc0cf05cfffeb5aabdf95a61b1651e4f468245669e88652d44",
                493,
            ),
            (
                " spaced  name ",
                "us-west-2",
                oregon,
                None,
                "11bee12b9ab334cb6d2d17c8f1d06bae3e85ba6e1c50f8b79591f83eaa0970f5",
                493,
            ),
        ];
        for (cluster, region, host, session_token, signature, length) in cases {
            let token = sign(
                &at_release_time(cluster, region, host),
                &credentials(session_token),
            )
            .unwrap();
            let url = url_of(&token);
            assert!(
                url.ends_with(&format!("&X-Amz-Signature={signature}")),
                "{cluster} {region}: {url}"
            );
            assert_eq!(token.secret().len(), length, "{cluster} {region}: {url}");
        }
    }

    #[test]
    fn url_is_written_as_botocore_writes_it() {
        let request = at_release_time("test-cluster", "us-west-2", "sts.us-west-2.amazonaws.com");
        let url = url_of(&sign(&request, &credentials(Some("FwoG/Zz+a=="))).unwrap());
        assert_eq!(
            url,
            "https://sts.us-west-2.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15\
             &X-Amz-Algorithm=AWS4-HMAC-SHA256\
             &X-Amz-Credential=ASIAR2TG44V6AS3ZZE7C%2F20230428%2Fus-west-2%2Fsts%2Faws4_request\
             &X-Amz-Date=20230428T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host%3Bx-k8s-aws-id\
             &X-Amz-Security-Token=FwoG%2FZz%2Ba%3D%3D\
             &X-Amz-Signature=0443727c816ea1c412696cfb1cbb8fc43594877339259d4e7922f4ffedf9f15f"
        );
    }

    #[test]
    fn token_never_outlives_its_credentials() {
        let request = at_release_time("c", "us-west-2", "sts.us-west-2.amazonaws.com");
        let expires = |seconds: Option<u64>| {
            let end =
                seconds.map(|seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(1_682_640_000 + seconds));
            let credentials = Credentials::new("ASIAR2TG44V6AS3ZZE7C", "not-a-secret", None, end, "test");
            sign(&request, &credentials).unwrap().expires().to_string()
        };
        assert_eq!(expires(None), "2023-04-28T00:14:00Z");
        assert_eq!(expires(Some(3600)), "2023-04-28T00:14:00Z");
        assert_eq!(expires(Some(300)), "2023-04-28T00:05:00Z");
    }

    #[test]
    fn token_that_the_server_would_refuse_is_refused_here() {
        let host = "sts.us-west-2.amazonaws.com";
        let long = "t".repeat(4000);
        let error = sign(
            &at_release_time("c", "us-west-2", host),
            &credentials(Some(&long)),
        )
        .unwrap_err();
        assert!(matches!(error, TokenError::TooLong { .. }), "{error}");
        assert!(!error.to_string().contains("tttt"), "{error}");
        for host in [
            "",
            "127.0.0.1:9",
            "user@sts.amazonaws.com",
            "sts.amazonaws.com/x",
            "sts amazonaws",
        ] {
            let error = sign(&at_release_time("c", "us-west-2", host), &credentials(None)).unwrap_err();
            assert!(matches!(error, TokenError::Host { .. }), "{host}: {error}");
        }
        let ancient = TokenRequest {
            time: Timestamp::MIN,
            ..at_release_time("c", "us-west-2", host)
        };
        assert!(matches!(
            sign(&ancient, &credentials(None)),
            Err(TokenError::Time { .. })
        ));
    }

    #[test]
    fn debug_hides_the_token() {
        let token = sign(
            &at_release_time("c", "us-west-2", "sts.us-west-2.amazonaws.com"),
            &credentials(None),
        )
        .unwrap();
        let shown = format!("{token:?}");
        assert!(
            !shown.contains("k8s-aws") && shown.contains("2023-04-28T00:14:00Z"),
            "{shown}"
        );
    }

    #[test]
    fn partitions_have_their_sts_host() {
        let hosts = [
            ("aws", "us-west-2", "sts.us-west-2.amazonaws.com"),
            ("aws-cn", "cn-north-1", "sts.cn-north-1.amazonaws.com.cn"),
            ("aws-us-gov", "us-gov-west-1", "sts.us-gov-west-1.amazonaws.com"),
            ("aws-iso", "us-iso-east-1", "sts.us-iso-east-1.c2s.ic.gov"),
            ("aws-iso-b", "us-isob-east-1", "sts.us-isob-east-1.sc2s.sgov.gov"),
            ("aws-iso-e", "eu-isoe-west-1", "sts.eu-isoe-west-1.cloud.adc-e.uk"),
            (
                "aws-iso-f",
                "us-isof-south-1",
                "sts.us-isof-south-1.csp.hci.ic.gov",
            ),
            ("aws-eusc", "eusc-de-east-1", "sts.eusc-de-east-1.amazonaws.eu"),
        ];
        for (partition, region, host) in hosts {
            assert_eq!(sts_host(partition, region).as_deref(), Some(host));
        }
        assert_eq!(sts_host("aws-moon", "moon-1"), None);
    }
}
