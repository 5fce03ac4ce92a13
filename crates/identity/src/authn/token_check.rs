//! What the server checks of a token before it asks STS (form, host, parameters, age), and what STS then refuses for sure.
//!
//! The checks stand in the order of `tokenVerifier.Verify` of aws-iam-authenticator 0.7.18 (`pkg/token/token.go`), and say
//! its words; the server stops at the first. A token is a secret while it lives: no fault shows more of it than the part
//! that is wrong.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use percent_encoding::percent_decode_str;

use super::token::{CLUSTER_HEADER, MAXIMUM_TOKEN_BYTES, TOKEN_PREFIX};
use super::token_decode::shown;
use super::token_host::check_host;
use crate::iam::Partition;

/// How long after its signing the server takes a token.
const LIFETIME: SignedDuration = SignedDuration::from_mins(15);
/// How far in the future a token may be signed before it is told: clocks differ.
const CLOCK_MARGIN: SignedDuration = SignedDuration::from_mins(1);
/// The parameters that may stand in the URL, in lower case.
const PARAMETERS: [&str; 9] = [
    "action",
    "version",
    "x-amz-algorithm",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-expires",
    "x-amz-security-token",
    "x-amz-signature",
    "x-amz-signedheaders",
];
/// Base64 for URLs without `=`; like Go's decoder it does not look at the bits that are left over.
const TOKEN_BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(base64::engine::DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// The server that a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expectations<'a> {
    /// The partition that the server was started with.
    pub partition: Partition,
    /// The region that the server was started with.
    pub region: &'a str,
}

/// Why the server refuses a token without asking STS, and last why STS does. The texts are the server's own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    /// Longer than the server reads.
    #[error("token is too large")]
    TooLarge {
        /// Its bytes.
        length: usize,
    },
    /// Not a token of this kind.
    #[error("token is missing expected \"k8s-aws-v1.\" prefix")]
    Prefix,
    /// Not base64 of the kind for URLs, without `=`.
    #[error("illegal base64 data at input byte {at}")]
    Base64 {
        /// The byte behind the prefix.
        at: usize,
    },
    /// Not a URL.
    #[error("the token has no URL: {because}")]
    Url {
        /// Why.
        because: &'static str,
    },
    /// Not `https`.
    #[error("unexpected scheme {0:?} in pre-signed URL")]
    Scheme(String),
    /// The host's name has fewer than three labels.
    #[error("could not parse region for pre-signed URL {host}, invalid host format: {host}")]
    HostFormat {
        /// The host.
        host: String,
    },
    /// The global endpoint, outside partition `aws`.
    #[error("global endpoint unsupported in partition {partition}")]
    GlobalHost {
        /// The server's partition.
        partition: Partition,
    },
    /// The second label of the host is no region.
    #[error("invalid region identifier format provided: {region}")]
    HostRegion {
        /// The label.
        region: String,
    },
    /// No host of STS: another service, a port, a private endpoint.
    #[error("unexpected hostname {host:?} in pre-signed URL")]
    Host {
        /// The host.
        host: String,
    },
    /// The STS of another partition.
    #[error("partition {{{partition}}} does not support hostname {host}")]
    HostPartition {
        /// The host.
        host: String,
        /// The server's partition.
        partition: Partition,
    },
    /// The path is not `/`.
    #[error("unexpected path in pre-signed URL")]
    Path,
    /// The query cannot be taken apart.
    #[error("malformed query parameter")]
    Query,
    /// One parameter twice, in different case.
    #[error("duplicate query parameter found: {0:?}")]
    DuplicateParameter(String),
    /// A parameter that has no business there.
    #[error("non-whitelisted query parameter {0:?}")]
    UnknownParameter(String),
    /// One parameter twice.
    #[error("query parameter with multiple values not supported")]
    RepeatedParameter,
    /// Another call than `GetCallerIdentity`.
    #[error("unexpected action parameter in pre-signed URL")]
    Action,
    /// The header with the cluster's name was not signed.
    #[error("client did not sign the x-k8s-aws-id header in the pre-signed URL")]
    ClusterHeaderNotSigned,
    /// `X-Amz-Expires` is no number from 0 to 900.
    #[error("invalid X-Amz-Expires parameter in pre-signed URL: {0:?}")]
    PresignedSeconds(String),
    /// There is no `X-Amz-Date`.
    #[error("X-Amz-Date parameter must be present in pre-signed URL")]
    NoDate,
    /// `X-Amz-Date` is no time.
    #[error("error parsing X-Amz-Date parameter {0} into format 20060102T150405Z")]
    Date(String),
    /// Older than a quarter of an hour.
    #[error("X-Amz-Date parameter is expired (15 minute expiration) {signed}")]
    Expired {
        /// When it was signed.
        signed: Timestamp,
    },
    /// More headers than `host` and the cluster's were signed. The server does not send them, and STS misses them.
    #[error("headers are signed that the server does not send: {}", .0.join(", "))]
    OtherHeaders(Vec<String>),
    /// Signed in the future. The server lets it pass, and STS does not.
    #[error("X-Amz-Date parameter is in the future: {signed}")]
    Future {
        /// When it was signed.
        signed: Timestamp,
    },
}

impl TokenFault {
    /// Whether it is about the host that the token names.
    pub fn is_about_host(&self) -> bool {
        matches!(
            self,
            Self::HostFormat { .. }
                | Self::GlobalHost { .. }
                | Self::HostRegion { .. }
                | Self::Host { .. }
                | Self::HostPartition { .. }
        )
    }
}

/// Everything that is wrong with a token at `now`, in the order of the server's checks. Without `expectations` the host is
/// only held to be one of STS.
pub fn faults(token: &str, expectations: Option<&Expectations<'_>>, now: Timestamp) -> Vec<TokenFault> {
    let mut faults = Vec::new();
    if token.len() > MAXIMUM_TOKEN_BYTES {
        faults.push(TokenFault::TooLarge { length: token.len() });
    }
    if let Err(fault) = url(token).and_then(|url| check_url(&url, expectations, now, &mut faults)) {
        faults.push(fault);
    }
    faults
}

/// Adds what is wrong; an error is a fault behind which nothing can be looked at.
fn check_url(
    url: &str,
    expectations: Option<&Expectations<'_>>,
    now: Timestamp,
    faults: &mut Vec<TokenFault>,
) -> Result<(), TokenFault> {
    let parts = split(url)?;
    if parts.scheme != "https" {
        faults.push(TokenFault::Scheme(shown(&parts.scheme)));
    }
    faults.extend(check_host(parts.host, expectations).err());
    if parts.path != "/" {
        faults.push(TokenFault::Path);
    }
    let parameters = parameters(parts.query, faults)?;
    let parameter = |name: &str| parameters.get(name).map_or("", String::as_str);
    if parameter("action") != "GetCallerIdentity" {
        faults.push(TokenFault::Action);
    }
    let signed_headers: Vec<&str> = parameter("x-amz-signedheaders")
        .split(';')
        .filter(|header| !header.is_empty())
        .collect();
    if !signed_headers
        .iter()
        .any(|header| header.eq_ignore_ascii_case(CLUSTER_HEADER))
    {
        faults.push(TokenFault::ClusterHeaderNotSigned);
    }
    let seconds = parameter("x-amz-expires");
    if whole_number(seconds).is_none_or(|seconds| seconds > 900) {
        faults.push(TokenFault::PresignedSeconds(shown(seconds)));
    }
    let date = parameter("x-amz-date");
    let signed = signing_time(date);
    match signed {
        _ if date.is_empty() => faults.push(TokenFault::NoDate),
        None => faults.push(TokenFault::Date(shown(date))),
        Some(signed) if now > signed.checked_add(LIFETIME).unwrap_or(Timestamp::MAX) => {
            faults.push(TokenFault::Expired { signed });
        }
        Some(_) => {}
    }
    // From here on it is STS that refuses.
    let others: Vec<String> = signed_headers
        .iter()
        .filter(|header| !["host", CLUSTER_HEADER].contains(&header.to_ascii_lowercase().as_str()))
        .map(|header| shown(header))
        .collect();
    if !others.is_empty() {
        faults.push(TokenFault::OtherHeaders(others));
    }
    faults.extend(
        signed
            .filter(|signed| signed.duration_since(now) > CLOCK_MARGIN)
            .map(|signed| TokenFault::Future { signed }),
    );
    Ok(())
}

/// The URL within a token.
fn url(token: &str) -> Result<String, TokenFault> {
    let encoded = token.strip_prefix(TOKEN_PREFIX).ok_or(TokenFault::Prefix)?;
    // Line breaks do not count for the server.
    let compact: String = encoded.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    let octets = TOKEN_BASE64
        .decode(&compact)
        .map_err(|error| TokenFault::Base64 {
            at: match error {
                base64::DecodeError::InvalidByte(at, _) => at,
                _ => compact.len(),
            },
        })?;
    String::from_utf8(octets).map_err(|_| TokenFault::Url {
        because: "it is not text",
    })
}

/// A URL's parts, as far as they are looked at.
struct UrlParts<'u> {
    scheme: String,
    host: &'u str,
    path: &'u str,
    query: &'u str,
}

/// Takes a URL apart like Go's `url.Parse`, which changes less than other libraries do.
fn split(url: &str) -> Result<UrlParts<'_>, TokenFault> {
    let wrong = |because| Err(TokenFault::Url { because });
    if url.contains(|c: char| c.is_ascii_control()) {
        return wrong("invalid control character in URL");
    }
    let url = url.split('#').next().unwrap_or_default();
    let scheme_end = url.find(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c)));
    let (scheme, rest) = match scheme_end {
        Some(0) if url.starts_with(':') => return wrong("missing protocol scheme"),
        Some(at)
            if at > 0
                && url.as_bytes().get(at) == Some(&b':')
                && url.starts_with(|c: char| c.is_ascii_alphabetic()) =>
        {
            (
                url.get(..at).unwrap_or_default(),
                url.get(at + 1..).unwrap_or_default(),
            )
        }
        _ => ("", url),
    };
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = match rest.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
        None => ("", rest),
    };
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if host.contains(|c: char| c.is_whitespace() || "\"<>\\^`{|}%".contains(c)) {
        return wrong("invalid character in host name");
    }
    if let Some((_, port)) = host.split_once(':')
        && !port.bytes().all(|byte| byte.is_ascii_digit())
    {
        return wrong("invalid port after host");
    }
    Ok(UrlParts {
        scheme: scheme.to_ascii_lowercase(),
        host,
        path,
        query,
    })
}

/// The query's parameters by their names in lower case, those that belong there; of a name that stands twice the first.
fn parameters(query: &str, faults: &mut Vec<TokenFault>) -> Result<BTreeMap<String, String>, TokenFault> {
    let mut exact: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        if pair.contains(';') {
            return Err(TokenFault::Query);
        }
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        exact.entry(unescape(name)?).or_default().push(unescape(value)?);
    }
    let mut parameters: BTreeMap<String, String> = BTreeMap::new();
    let (mut duplicates, mut others) = (Vec::new(), Vec::new());
    for (name, values) in exact {
        let lower = name.to_lowercase();
        if parameters.contains_key(&lower) {
            duplicates.push(TokenFault::DuplicateParameter(shown(&name)));
            continue;
        }
        if !PARAMETERS.contains(&lower.as_str()) {
            others.push(TokenFault::UnknownParameter(shown(&name)));
            continue;
        }
        if values.len() > 1 {
            others.push(TokenFault::RepeatedParameter);
        }
        parameters.insert(lower, values.into_iter().next().unwrap_or_default());
    }
    faults.extend(duplicates);
    faults.extend(others);
    Ok(parameters)
}

fn unescape(text: &str) -> Result<String, TokenFault> {
    let mut rest = text;
    while let Some((_, behind)) = rest.split_once('%') {
        let escaped = behind.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
        if !escaped {
            return Err(TokenFault::Query);
        }
        rest = behind;
    }
    let spaced = text.replace('+', " ");
    Ok(percent_decode_str(&spaced).decode_utf8_lossy().into_owned())
}

/// Like Go's `Atoi`, which takes a sign.
fn whole_number(text: &str) -> Option<u16> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    let digits = if text.starts_with('-') && digits.get(1..)?.bytes().all(|b| b == b'0') {
        digits.get(1..)?
    } else {
        digits
    };
    let number: u64 = digits
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| digits.parse().ok())??;
    u16::try_from(number).ok()
}

/// `20060102T150405Z`, exactly.
fn signing_time(text: &str) -> Option<Timestamp> {
    let digits = text.len() == 16
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 => byte == b'T',
            15 => byte == b'Z',
            _ => byte.is_ascii_digit(),
        });
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i16>().ok();
    let small = |from, to| i8::try_from(number(from, to)?).ok();
    if !digits || small(13, 15)? > 59 {
        return None;
    }
    let time = DateTime::new(
        number(0, 4)?,
        small(4, 6)?,
        small(6, 8)?,
        small(9, 11)?,
        small(11, 13)?,
        small(13, 15)?,
        0,
    )
    .ok()?;
    TimeZone::UTC.to_timestamp(time).ok()
}

#[cfg(test)]
mod tests;
