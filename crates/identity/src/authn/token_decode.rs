//! What a bearer token says of itself: a `k8s-aws-v1` token or the JWT of a service account.
//!
//! Everything that can be read is read, even where the server would refuse the token. What must stay secret (signature,
//! session token) is not kept: it can neither be shown nor logged. The name of the cluster is in no token, only the name of
//! the header that carries it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::TimeZone};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::token::TOKEN_PREFIX;

/// How long after its signing the server takes a token.
const SERVER_LIFETIME: SignedDuration = SignedDuration::from_mins(15);
/// Names after which a secret stands.
const SECRET_PARAMETERS: [&str; 2] = ["x-amz-security-token", "x-amz-signature"];
/// Names of hosts have at most 253 bytes; those that are looked for here are shorter than this.
const LONGEST_SHOWN: usize = 80;
/// More than any token, with whatever stands around it.
pub const MAXIMUM_INPUT_BYTES: usize = 64 * 1024;

/// A token, read.
#[derive(Clone, Debug, PartialEq)]
pub enum DecodedToken {
    /// `k8s-aws-v1.…`: a presigned question to STS.
    Cluster(Box<PresignedToken>),
    /// A JSON Web Token.
    ServiceAccount(JsonWebToken),
}

/// What a `k8s-aws-v1` token says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PresignedToken {
    /// Bytes, prefix included; the server reads 4096.
    pub length: usize,
    /// `https`, unless somebody has made it by hand.
    pub scheme: String,
    /// Host of the STS that is to be asked, with a port if there is one.
    pub host: String,
    /// The API call; the server takes `GetCallerIdentity` only.
    pub action: Option<String>,
    /// The key that signed. It is a name and no secret.
    pub access_key_id: Option<String>,
    /// Region of the signature.
    pub region: Option<String>,
    /// Service of the signature.
    pub service: Option<String>,
    /// When it was signed.
    pub signed: Option<Timestamp>,
    /// `X-Amz-Expires` in seconds, as it is written.
    pub expires_after: Option<String>,
    /// The signed headers.
    pub signed_headers: Vec<String>,
    /// Whether the key is one of a session, whose token is in it.
    pub has_session_token: bool,
    /// Parameters that do not belong there, by name.
    pub other_parameters: Vec<String>,
}

/// What a JSON Web Token says. The signature is not kept.
#[derive(Clone, Debug, PartialEq)]
pub struct JsonWebToken {
    /// Algorithm of the signature.
    pub algorithm: Option<String>,
    /// Id of the key that signed.
    pub key_id: Option<String>,
    /// All claims.
    pub claims: Map<String, Value>,
}

/// It is no token that can be read. No text of it is quoted: it may be a secret of another kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Nothing was given.
    #[error("there is no token in the input")]
    Empty,
    /// Far too long.
    #[error("the input is longer than any token")]
    TooLong,
    /// Neither of both kinds.
    #[error(
        "this is neither a `k8s-aws-v1.` token nor a JSON Web Token of three parts nor an ExecCredential with one of them"
    )]
    Unknown,
    /// The rest behind the prefix is damaged.
    #[error("the part after `{TOKEN_PREFIX}` is not base64url without padding: {0}")]
    Base64(String),
    /// What was encoded is no URL.
    #[error("the part after `{TOKEN_PREFIX}` has no URL with scheme and host")]
    NotAUrl,
    /// A part of a JWT is damaged.
    #[error("the {0} of the JSON Web Token is not a JSON object in base64url")]
    NotJson(&'static str),
}

/// The token in what people paste or pipe: the token itself, `Bearer …`, or an `ExecCredential`.
///
/// # Errors
/// When there is nothing like a token.
pub fn find(input: &str) -> Result<String, DecodeError> {
    if input.len() > MAXIMUM_INPUT_BYTES {
        return Err(DecodeError::TooLong);
    }
    let text = input.trim();
    let text = text.strip_prefix("Authorization:").map_or(text, str::trim_start);
    let text = text.strip_prefix("Bearer ").map_or(text, str::trim_start);
    if text.is_empty() {
        return Err(DecodeError::Empty);
    }
    if text.starts_with('{') {
        return serde_json::from_str::<Value>(text)
            .ok()
            .as_ref()
            .and_then(|credential| credential.pointer("/status/token"))
            .and_then(Value::as_str)
            .map(str::to_owned)
            .ok_or(DecodeError::Unknown);
    }
    Ok(text.to_owned())
}

/// Reads a token.
///
/// # Errors
/// When it is damaged so far that it says nothing.
pub fn decode(token: &str) -> Result<DecodedToken, DecodeError> {
    if token.len() > MAXIMUM_INPUT_BYTES {
        return Err(DecodeError::TooLong);
    }
    if let Some(encoded) = token.strip_prefix(TOKEN_PREFIX) {
        return presigned(encoded, token.len()).map(|token| DecodedToken::Cluster(Box::new(token)));
    }
    let mut parts = token.split('.');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(header), Some(payload), Some(_), None) => {
            let header = object(header).ok_or(DecodeError::NotJson("header"))?;
            let text = |key: &str| header.get(key).and_then(Value::as_str).map(str::to_owned);
            Ok(DecodedToken::ServiceAccount(JsonWebToken {
                algorithm: text("alg"),
                key_id: text("kid"),
                claims: object(payload).ok_or(DecodeError::NotJson("payload"))?,
            }))
        }
        _ => Err(DecodeError::Unknown),
    }
}

fn object(part: &str) -> Option<Map<String, Value>> {
    let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
    serde_json::from_slice(&bytes).ok()
}

fn presigned(encoded: &str, length: usize) -> Result<PresignedToken, DecodeError> {
    // The server's decoder passes over line ends; what was copied from a terminal has some.
    let encoded: String = encoded
        .chars()
        .filter(|character| !matches!(character, '\r' | '\n'))
        .collect();
    let bytes = URL_SAFE_NO_PAD
        .decode(encoded)
        .map_err(|error| DecodeError::Base64(place_of(&error)))?;
    let url = String::from_utf8_lossy(&bytes);
    let (scheme, rest) = url.split_once("://").ok_or(DecodeError::NotAUrl)?;
    let is_scheme = !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !is_scheme {
        return Err(DecodeError::NotAUrl);
    }
    let rest = rest.split_once('#').map_or(rest, |(rest, _)| rest);
    let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
    let host = address.split('/').next().unwrap_or_default();
    // A user and password before the host may be anything.
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    if host.is_empty() {
        return Err(DecodeError::NotAUrl);
    }
    let mut token = PresignedToken {
        length,
        scheme: shown(scheme),
        host: shown(host),
        ..PresignedToken::default()
    };
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        token.take(&unescaped(name), &unescaped(value));
    }
    Ok(token)
}

impl PresignedToken {
    fn take(&mut self, name: &str, value: &str) {
        match name.to_ascii_lowercase().as_str() {
            "action" => self.action = Some(shown(value)),
            "x-amz-credential" => {
                let mut parts = value.split('/');
                self.access_key_id = parts.next().map(shown);
                self.region = parts.nth(1).map(shown);
                self.service = parts.next().map(shown);
            }
            "x-amz-date" => self.signed = date(value),
            "x-amz-expires" => self.expires_after = Some(shown(value)),
            "x-amz-signedheaders" => {
                self.signed_headers = value.split(';').map(shown).collect();
            }
            "x-amz-security-token" => self.has_session_token = true,
            "version" | "x-amz-algorithm" | "x-amz-signature" => {}
            _ => self.other_parameters.push(shown(name)),
        }
    }

    /// Until when the server takes it: 15 minutes after its signing.
    pub fn accepted_until(&self) -> Option<Timestamp> {
        self.signed?.checked_add(SERVER_LIFETIME).ok()
    }

    /// What kind of key signed, by the first letters of its id. Source: IAM, "unique identifiers".
    pub fn kind_of_key(&self) -> Option<&'static str> {
        match self.access_key_id.as_deref()?.get(..4)? {
            "AKIA" => Some("long-term key of a user"),
            "ASIA" => Some("key of a session: a role, SSO, or a user's session"),
            _ => None,
        }
    }
}

impl JsonWebToken {
    /// A claim that is text.
    pub fn text(&self, claim: &str) -> Option<&str> {
        self.claims.get(claim).and_then(Value::as_str)
    }

    /// A claim that is a time: `exp`, `iat`, `nbf`.
    pub fn time(&self, claim: &str) -> Option<Timestamp> {
        let value = self.claims.get(claim)?;
        let seconds = value.as_i64().or_else(|| {
            // RFC 7519 allows fractions; they are dropped. Casting saturates.
            #[expect(clippy::cast_possible_truncation, reason = "times far off are refused below")]
            value.as_f64().map(|seconds| seconds as i64)
        })?;
        Timestamp::from_second(seconds).ok()
    }

    /// The claims that should be a time and are none: a server refuses the token for them.
    pub fn bad_times(&self) -> impl Iterator<Item = &'static str> {
        let is_bad = |claim: &&str| self.claims.contains_key(*claim) && self.time(claim).is_none();
        ["iat", "nbf", "exp"].into_iter().filter(is_bad)
    }

    /// For whom it is: the claim may be one text or a list.
    pub fn audiences(&self) -> Vec<&str> {
        match self.claims.get("aud") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// What Kubernetes binds the token to, as `kind name`: the service account first, then the pod and the node.
    pub fn bound_to(&self) -> Vec<(&'static str, String)> {
        let of = |key: &str| {
            self.claims
                .get("kubernetes.io")
                .and_then(|bound| bound.pointer(&format!("/{key}/name")))
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        [
            ("service account", "serviceaccount"),
            ("pod", "pod"),
            ("node", "node"),
        ]
        .into_iter()
        .filter_map(|(word, key)| of(key).map(|name| (word, name)))
        .collect()
    }
}

/// Where base64 is damaged; the byte itself is not told.
fn place_of(error: &base64::DecodeError) -> String {
    match error {
        base64::DecodeError::InvalidByte(place, _)
        | base64::DecodeError::InvalidLastSymbol { offset: place, .. } => {
            format!("byte {place} does not belong there")
        }
        base64::DecodeError::InvalidLength(_) => "it is cut off".to_owned(),
        base64::DecodeError::InvalidPadding => "it has padding".to_owned(),
    }
}

/// A part of a URL as it may be shown: a URL that was escaped in the wrong way, or put together by hand, may have a secret
/// anywhere. Up to the first character that such a part never has, and not too long; `…` where something is left out.
pub(super) fn shown(text: &str) -> String {
    let kept: String = text
        .chars()
        .take_while(|character| character.is_ascii_alphanumeric() || "-._:[]".contains(*character))
        .take(LONGEST_SHOWN)
        .collect();
    let lower = kept.to_ascii_lowercase();
    let secret = SECRET_PARAMETERS
        .iter()
        .filter_map(|name| lower.find(name).map(|at| at + name.len()))
        .min();
    let kept = secret.and_then(|end| kept.get(..end)).unwrap_or(&kept);
    if kept.len() == text.len() {
        kept.to_owned()
    } else {
        format!("{kept}…")
    }
}

fn unescaped(text: &str) -> String {
    percent_decode_str(&text.replace('+', " "))
        .decode_utf8_lossy()
        .into_owned()
}

/// `20060102T150405Z`, in UTC.
fn date(text: &str) -> Option<Timestamp> {
    DateTime::strptime("%Y%m%dT%H%M%SZ", text)
        .ok()?
        .to_zoned(TimeZone::UTC)
        .ok()
        .map(|time| time.timestamp())
}

#[cfg(test)]
mod tests;
