//! A caller as the server knows it after asking STS.

use crate::authn::arn::{Canonical, CanonicalArnError, PrincipalKind, canonicalize};

/// Who calls, from the answer to STS's `GetCallerIdentity`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The ARN that STS said.
    pub arn: String,
    /// The ARN that is compared.
    pub canonical: Canonical,
    /// The account id.
    pub account: String,
    /// The unique id, without the session's name.
    pub user_id: String,
    /// The session's name; empty for users.
    pub session_name: String,
    /// The access key that signed.
    pub access_key_id: String,
}

/// Why an answer of STS names no caller for the server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// Its ARN is not one of a caller.
    #[error(transparent)]
    Arn(#[from] CanonicalArnError),
    /// The user id of a session is not `ID:SESSION`.
    #[error("malformed UserID {0:?}")]
    UserId(String),
}

impl Identity {
    /// Takes apart what STS answered, as `getIdentityFromSTSResponse` does.
    ///
    /// # Errors
    /// When the server would refuse the caller for the form of the answer.
    pub fn from_caller(
        arn: &str,
        account: &str,
        user_id: &str,
        access_key_id: &str,
    ) -> Result<Self, IdentityError> {
        let canonical = canonicalize(arn)?;
        let session = matches!(canonical.kind, PrincipalKind::Role | PrincipalKind::AssumedRole);
        let (user_id, session_name) = if session {
            match user_id.split(':').collect::<Vec<_>>().as_slice() {
                [id, session] => ((*id).to_owned(), (*session).to_owned()),
                _ => return Err(IdentityError::UserId(user_id.to_owned())),
            }
        } else {
            (user_id.to_owned(), String::new())
        };
        Ok(Self {
            arn: arn.to_owned(),
            canonical,
            account: account.to_owned(),
            user_id,
            session_name,
            access_key_id: access_key_id.to_owned(),
        })
    }
}
