//! The simulated token: what the sandbox makes, and nobody else believes.
//!
//! It has the form of a real one, so that whatever reads tokens reads it. Its host ends in `.invalid`, a name that no network
//! resolves (RFC 2606) and no server takes; it is signed with a key that everybody knows and AWS does not; and where a real one
//! has the session's token, it has the caller's ARN.

use aws_credential_types::Credentials;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;

use super::token::{self, TOKEN_PREFIX, Token, TokenError, TokenRequest};
use super::token_decode::{DecodeError, DecodedToken, decode};

/// What everybody in a sandbox signs with: a key that nobody has.
pub const SANDBOX_ACCESS_KEY: &str = "ASIASANDBOXSANDBOX12";
/// How the host of a simulated token ends.
const SUFFIX: &str = ".sandbox.invalid";
/// No secret at all.
const SECRET: &str = "eksact-sandbox-not-a-secret";
/// The parameter in which the caller's ARN is.
const PARAMETER: &str = "X-Amz-Security-Token=";

/// Why the sandbox does not believe a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SandboxTokenError {
    /// It cannot be read.
    #[error("the token could not be decoded: {0}")]
    Unreadable(#[from] DecodeError),
    /// A real one.
    #[error("the token was not made in a sandbox")]
    Real,
    /// It was made for another cluster, or changed.
    #[error("the signature is not that of a token for this cluster")]
    Signature,
}

/// Whether a token names the sandbox's host.
pub fn is_simulated_host(host: &str) -> bool {
    host.ends_with(SUFFIX)
}

/// Makes the token of the caller with this ARN.
///
/// # Errors
/// When the name or the time cannot be signed.
pub fn sign(cluster: &str, region: &str, caller_arn: &str, time: Timestamp) -> Result<Token, TokenError> {
    let host = format!("sts.{region}{SUFFIX}");
    let request = TokenRequest {
        cluster,
        region,
        sts_host: &host,
        time,
    };
    let session = URL_SAFE_NO_PAD.encode(caller_arn);
    let credentials = Credentials::new(SANDBOX_ACCESS_KEY, SECRET, Some(session), None, "sandbox");
    token::sign(&request, &credentials)
}

/// The ARN of the caller who made a token for `cluster`, as the simulated STS tells it.
///
/// # Errors
/// When it was made otherwise.
pub fn caller_of(token: &str, cluster: &str) -> Result<String, SandboxTokenError> {
    let DecodedToken::Cluster(presigned) = decode(token)? else {
        return Err(SandboxTokenError::Real);
    };
    if !is_simulated_host(&presigned.host) {
        return Err(SandboxTokenError::Real);
    }
    let parts = presigned.signed.zip(presigned.region).zip(arn_in(token));
    let Some(((time, region), arn)) = parts else {
        return Err(SandboxTokenError::Signature);
    };
    match sign(cluster, &region, &arn, time) {
        Ok(expected) if expected.secret() == token => Ok(arn),
        _ => Err(SandboxTokenError::Signature),
    }
}

fn arn_in(token: &str) -> Option<String> {
    let url = URL_SAFE_NO_PAD.decode(token.strip_prefix(TOKEN_PREFIX)?).ok()?;
    let url = String::from_utf8(url).ok()?;
    let (_, rest) = url.split_once(PARAMETER)?;
    let session = rest.split('&').next()?;
    String::from_utf8(URL_SAFE_NO_PAD.decode(session).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authn::token_check::{TokenFault, faults};

    #[test]
    fn sandbox_token_is_believed_by_the_sandbox_only_and_only_for_its_cluster() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let arn = "arn:aws:sts::111122223333:assumed-role/dev/nina+x@example.com";
        let token = sign("prod", "eu-west-1", arn, now).unwrap();
        let text = token.secret();
        assert_eq!(caller_of(text, "prod").as_deref(), Ok(arn));
        assert_eq!(caller_of(text, "Prod"), Err(SandboxTokenError::Signature));
        let other = sign("prod", "eu-west-1", "arn:aws:iam::111122223333:user/ann", now).unwrap();
        assert_ne!(other.secret(), text);
        // The server looks at the host before anything is sent.
        assert!(
            faults(text, None, now)
                .iter()
                .any(|fault| matches!(fault, TokenFault::Host { .. })),
            "{:?}",
            faults(text, None, now)
        );
        let url = String::from_utf8(
            URL_SAFE_NO_PAD
                .decode(text.strip_prefix(TOKEN_PREFIX).unwrap())
                .unwrap(),
        )
        .unwrap();
        let real = url.replace("eu-west-1.sandbox.invalid", "eu-west-1.amazonaws.com");
        let real = format!("{TOKEN_PREFIX}{}", URL_SAFE_NO_PAD.encode(real));
        assert_eq!(caller_of(&real, "prod"), Err(SandboxTokenError::Real));
        let changed = url.replace("20260101T000000Z", "20260101T000100Z");
        let changed = format!("{TOKEN_PREFIX}{}", URL_SAFE_NO_PAD.encode(changed));
        assert_eq!(caller_of(&changed, "prod"), Err(SandboxTokenError::Signature));
        assert!(caller_of("nonsense", "prod").is_err());
    }
}
