//! The server's own question: a token's presigned URL is sent to STS, with the name of a cluster as the server would add it.
//!
//! Whether the URL may be asked at all is checked before. It is a secret: it stands in no error and in no log.

use std::time::Duration;

use aws_smithy_runtime_api::client::http::HttpConnector as _;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::{AggregatedBytes, ByteStream};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::Value;

use super::http;
use crate::trust::TrustRoots;
use eksact_core::ports::sts::{StsAnswer, StsVerdict};
use eksact_core::ports::{CallError, CallErrorKind, aws::CallerIdentity};
use eksact_identity::authn::token::{CLUSTER_HEADER, TOKEN_PREFIX};
use eksact_message::quoted::without_secrets;

/// What the server waits for STS (aws-iam-authenticator 0.7.18, `pkg/token/token.go`).
const LIMIT: Duration = Duration::from_secs(10);
/// More than any answer of STS.
const LONGEST_ANSWER: usize = 64 * 1024;

/// Asks `host`, which the token names, about the token for `cluster`. The caller has made sure that it is STS's host.
///
/// # Errors
/// When nobody answers, or somebody else than STS.
pub async fn replay(
    token: &str,
    host: &str,
    cluster: &str,
    roots: &TrustRoots,
) -> Result<StsAnswer, CallError> {
    let failed = |kind, message: &str| CallError::new("sts", "GetCallerIdentity", host, kind, message);
    let damaged = || failed(CallErrorKind::Invalid, "the token has no URL that can be called");
    let url = token
        .strip_prefix(TOKEN_PREFIX)
        .and_then(|encoded| URL_SAFE_NO_PAD.decode(encoded.replace(['\r', '\n'], "")).ok())
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(damaged)?;
    let mut request = HttpRequest::new(SdkBody::empty());
    request.set_uri(url).map_err(|_| damaged())?;
    request
        .headers_mut()
        .try_insert(CLUSTER_HEADER, cluster.to_owned())
        .and_then(|_| request.headers_mut().try_insert("accept", "application/json"))
        .map_err(|_| {
            failed(
                CallErrorKind::Invalid,
                "the cluster's name cannot be sent in a header",
            )
        })?;
    let asked = http::connector(roots).call(request);
    let mut response = match tokio::time::timeout(LIMIT, asked).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => {
            let cause = super::error::unreachable_text(&error);
            return Err(failed(CallErrorKind::Unreachable, &cause));
        }
        Err(_) => {
            return Err(failed(
                CallErrorKind::Unreachable,
                "no response within 10 seconds, the time that the server itself waits",
            ));
        }
    };
    let status = response.status().as_u16();
    let time = response.headers().get("date").and_then(http_date);
    let body = std::mem::replace(response.body_mut(), SdkBody::empty());
    let bytes = tokio::time::timeout(LIMIT, ByteStream::new(body).collect())
        .await
        .ok()
        .and_then(Result::ok)
        .map(AggregatedBytes::into_bytes)
        .filter(|bytes| bytes.len() <= LONGEST_ANSWER)
        .ok_or_else(|| failed(CallErrorKind::Unreachable, "the response was cut off"))?;
    let text = String::from_utf8_lossy(&bytes);
    let verdict = if status == 200 {
        StsVerdict::Identity(identity(&text).ok_or_else(|| {
            failed(
                CallErrorKind::Other,
                "the response is not from STS: a proxy or another server may have sent it",
            )
        })?)
    } else {
        let (code, message) = refusal(&text);
        StsVerdict::Refused {
            status,
            code,
            message: without_secrets(&message).into_owned(),
        }
    };
    Ok(StsAnswer { verdict, time })
}

fn identity(text: &str) -> Option<CallerIdentity> {
    let answer: Value = serde_json::from_str(text).ok()?;
    let result = answer.pointer("/GetCallerIdentityResponse/GetCallerIdentityResult")?;
    let field = |name: &str| result.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(CallerIdentity {
        account: field("Account")?,
        arn: field("Arn")?,
        user_id: field("UserId")?,
    })
}

/// Code and text of a refusal, which STS writes as JSON or, where a request was too odd for that, as XML.
fn refusal(text: &str) -> (String, String) {
    if let Ok(answer) = serde_json::from_str::<Value>(text) {
        let error = answer.get("Error").unwrap_or(&answer);
        let field = |name: &str| {
            error
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        return (field("Code"), field("Message"));
    }
    let element = |name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        rest.split_once("</").map(|(value, _)| value.trim().to_owned())
    };
    (
        element("Code").unwrap_or_default(),
        element("Message").unwrap_or_default(),
    )
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`.
fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(text).ok().map(|time| time.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_read_in_both_of_their_forms() {
        let json =
            r#"{"Error":{"Code":"ExpiredToken","Message":"It ended","Type":"Sender"},"RequestId":"1"}"#;
        let xml = "<ErrorResponse><Error><Type>Sender</Type><Code>SignatureDoesNotMatch</Code>\n<Message> No </Message></Error>";
        assert_eq!(refusal(json), ("ExpiredToken".to_owned(), "It ended".to_owned()));
        assert_eq!(
            refusal(xml),
            ("SignatureDoesNotMatch".to_owned(), "No".to_owned())
        );
        assert_eq!(refusal("<html>proxy</html>"), (String::new(), String::new()));
    }

    #[test]
    fn clock_of_sts_is_read() {
        let time = http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        assert_eq!(time.to_string(), "1994-11-06T08:49:37Z");
        assert_eq!(http_date("now"), None);
    }
}
