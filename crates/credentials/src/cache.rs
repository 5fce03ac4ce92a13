//! What is kept between runs: tokens, and credentials of assumed roles and of SSO. Long-term keys never are.
//!
//! A fault of the cache is told once and never fails a command: what is not in the cache is made anew.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use aws_credential_types::Credentials;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    Environment, Fingerprint,
    cache_folder::{CacheFault, CacheFolder, CacheLock, Patience},
};
use eksact_identity::authn::token::{MAXIMUM_TOKEN_BYTES, TOKEN_PREFIX, Token};

/// A token with less than this left is not served: kubectl would have to ask again at once.
const TOKEN_MARGIN: SignedDuration = SignedDuration::from_mins(1);
/// Credentials with less than this left are fetched anew.
const CREDENTIALS_MARGIN: SignedDuration = SignedDuration::from_mins(2);
/// The longest that a token lives after its signing.
const TOKEN_LIFETIME: SignedDuration = SignedDuration::from_mins(14);
/// How far a clock may be set back until what was signed counts as signed in the future.
const CLOCK_MARGIN: SignedDuration = SignedDuration::from_secs(5);
/// How long one waits for another process that fetches the same credentials.
const LOCK_LIMIT: Duration = Duration::from_secs(10);
/// The same where a person has a code to type.
const LOCK_LIMIT_WITH_CODE: Duration = Duration::from_secs(30);
/// How long of it nothing is said.
const LOCK_SILENCE: Duration = Duration::from_millis(1500);

/// A token as it was kept.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CachedToken {
    key: String,
    token: String,
    signed: Timestamp,
    expires: Timestamp,
}

/// Credentials as they were kept.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct CachedCredentials {
    key: String,
    access_key_id: String,
    secret_access_key: String,
    session_token: String,
    expires: Timestamp,
    /// Not there in entries of the first version.
    #[serde(default)]
    kept: Option<Timestamp>,
}

/// Credentials from the cache.
#[derive(Clone, Debug)]
pub struct KeptCredentials {
    /// The credentials.
    pub credentials: Credentials,
    /// Since when they are kept, where that is known.
    pub since: Option<Timestamp>,
}

impl CachedToken {
    /// The token itself, for the `Authorization` header and nothing else.
    pub fn secret(&self) -> &str {
        &self.token
    }

    /// When it ends.
    pub fn expires(&self) -> Timestamp {
        self.expires
    }

    /// Whether it may be served: it is the one that is wanted, has a minute left, and could have been made by us.
    fn may_be_served(&self, key: &str, now: Timestamp) -> bool {
        self.key == key
            && self.token.starts_with(TOKEN_PREFIX)
            && self.token.len() <= MAXIMUM_TOKEN_BYTES
            && self.signed.duration_since(now) <= CLOCK_MARGIN
            && self.expires.duration_since(self.signed) <= TOKEN_LIFETIME
            && self.expires.duration_since(now) >= TOKEN_MARGIN
    }
}

impl CachedCredentials {
    fn may_be_used(&self, key: &str, now: Timestamp) -> bool {
        self.key == key && self.expires.duration_since(now) >= CREDENTIALS_MARGIN
    }
}

impl fmt::Debug for CachedToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("CachedToken")
            .field("signed", &self.signed)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// The cache of one run.
#[derive(Debug)]
pub struct Cache {
    folder: Option<CacheFolder>,
    fault: Option<CacheFault>,
}

impl Cache {
    /// The user's cache.
    pub fn of_user(environment: &Environment) -> Self {
        match CacheFolder::of_user(environment) {
            Ok(folder) => Self::in_folder(folder),
            Err(fault) => Self {
                folder: None,
                fault: Some(fault),
            },
        }
    }

    /// A cache in this folder.
    pub const fn in_folder(folder: CacheFolder) -> Self {
        Self {
            folder: Some(folder),
            fault: None,
        }
    }

    /// No cache.
    pub const fn none() -> Self {
        Self {
            folder: None,
            fault: None,
        }
    }

    /// The first fault since the last question, for a warning.
    pub fn take_fault(&mut self) -> Option<CacheFault> {
        self.fault.take()
    }

    /// The token for `key`, if one may be served now.
    pub fn token(&mut self, key: &Fingerprint, now: Timestamp) -> Option<CachedToken> {
        let key = key.hex();
        self.read::<CachedToken>(&format!("token-{key}.json"))
            .filter(|token| token.may_be_served(&key, now))
    }

    /// Keeps a token that was signed at `signed`. One that could not be served is not kept.
    pub fn keep_token(&mut self, key: &Fingerprint, token: &Token, signed: Timestamp) {
        let key = key.hex();
        let entry = CachedToken {
            token: token.secret().to_owned(),
            signed,
            expires: token.expires(),
            key,
        };
        if entry.may_be_served(&entry.key, signed) {
            self.write(&format!("token-{}.json", entry.key), &entry);
        }
    }

    /// The credentials for `key`, if they may be used now.
    pub fn credentials(&mut self, key: &Fingerprint, now: Timestamp) -> Option<KeptCredentials> {
        let key = key.hex();
        self.read::<CachedCredentials>(&format!("credentials-{key}.json"))
            .filter(|entry| entry.may_be_used(&key, now))
            .map(|entry| KeptCredentials {
                since: entry.kept,
                credentials: Credentials::new(
                    entry.access_key_id,
                    entry.secret_access_key,
                    Some(entry.session_token),
                    Some(SystemTime::from(entry.expires)),
                    "cache",
                ),
            })
    }

    /// Keeps credentials of a session. Long-term keys, which have no session and no end, are never written.
    pub fn keep_credentials(&mut self, key: &Fingerprint, credentials: &Credentials, now: Timestamp) {
        let (Some(session_token), Some(expires)) = (
            credentials.session_token(),
            credentials.expiry().and_then(|end| Timestamp::try_from(end).ok()),
        ) else {
            return;
        };
        let entry = CachedCredentials {
            key: key.hex(),
            access_key_id: credentials.access_key_id().to_owned(),
            secret_access_key: credentials.secret_access_key().to_owned(),
            session_token: session_token.to_owned(),
            expires,
            kept: Some(now),
        };
        if entry.may_be_used(&entry.key, now) {
            self.write(&format!("credentials-{}.json", entry.key), &entry);
        }
    }

    /// Forgets the credentials for `key`, which AWS does not take any more, and all tokens: which of them were signed with
    /// these cannot be seen, and a new one costs no call where its credentials are kept.
    pub fn forget(&mut self, key: &Fingerprint) {
        let Some(folder) = self.folder.as_ref() else {
            return;
        };
        let forgotten = folder
            .remove(&format!("credentials-{}.json", key.hex()))
            .and_then(|()| folder.remove_tokens());
        if let Err(fault) = forgotten {
            self.fault.get_or_insert(fault);
        }
    }

    /// Waits for those who fetch the credentials for `key` already, so that a role is assumed (and a code asked for) once.
    /// None where there is no cache or the other takes too long; then each does it alone. Where the wait is long enough to
    /// be felt, `tell` is called once; where a code is to be typed (`wants_code`), it may be longer.
    pub fn lock(&mut self, key: &Fingerprint, wants_code: bool, tell: &mut dyn FnMut()) -> Option<CacheLock> {
        let folder = self.folder.as_ref()?;
        let mut patience = Patience {
            limit: if wants_code {
                LOCK_LIMIT_WITH_CODE
            } else {
                LOCK_LIMIT
            },
            silent: LOCK_SILENCE,
            tell,
        };
        match folder.lock(&format!("{}.lock", key.hex()), &mut patience) {
            Ok(lock) => lock,
            Err(fault) => {
                self.gave_up(fault);
                None
            }
        }
    }

    fn read<T: DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        let folder = self.folder.as_ref()?;
        let read = folder.read(name).and_then(|content| {
            content
                .map(|content| {
                    serde_json::from_slice(&content).map_err(|error| CacheFault::Broken {
                        path: folder.entry(name),
                        // Category and place only: the text of the error could quote the content.
                        why: format!(
                            "not an entry of eksact's (line {}, column {})",
                            error.line(),
                            error.column()
                        ),
                    })
                })
                .transpose()
        });
        read.unwrap_or_else(|fault| {
            // What is made anew replaces the entry; only this reading goes without.
            self.fault.get_or_insert(fault);
            None
        })
    }

    fn write<T: Serialize>(&mut self, name: &str, entry: &T) {
        let Some(folder) = self.folder.as_ref() else {
            return;
        };
        let Ok(content) = serde_json::to_vec(entry) else {
            return;
        };
        if let Err(fault) = folder.write(name, &content) {
            self.gave_up(fault);
        }
    }

    /// The folder is of no use in this run.
    fn gave_up(&mut self, fault: CacheFault) {
        self.folder = None;
        self.fault.get_or_insert(fault);
    }
}
