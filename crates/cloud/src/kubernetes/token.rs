//! Bearer tokens for the Kubernetes API: where they come from (a trait), how long they are kept, and that nobody sees
//! them.
//!
//! How an EKS token is signed is not known here (`authn` does that), nor how an exec plugin is run (`exec`).

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use http::HeaderValue;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use eksact_core::ports::CallError;

/// A token is renewed this long before it ends: the time that a request may need to arrive, and clocks that differ.
const MARGIN: SignedDuration = SignedDuration::from_secs(30);

/// A token for the `Authorization` header. Its `Debug` shows no token.
#[derive(Clone)]
pub(super) struct BearerToken {
    value: String,
    /// When it ends.
    pub(super) expires: Option<Timestamp>,
}

impl BearerToken {
    /// A token and when it ends; without an end it is used until the API refuses it. EKS takes a token for 15 minutes
    /// after it was signed, and its clients call that 14.
    pub(super) fn new(value: impl Into<String>, expires: Option<Timestamp>) -> Self {
        Self {
            value: value.into(),
            expires,
        }
    }

    /// The header's value, marked as sensitive; none when it holds characters that HTTP does not allow.
    pub(super) fn header(&self) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", self.value)).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    fn is_usable(&self, now: Timestamp) -> bool {
        self.expires
            .is_none_or(|expires| expires.duration_since(now) > MARGIN)
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BearerToken")
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// Makes tokens. The wiring gives one that signs in-process with the AWS credentials of the session.
#[async_trait]
pub(super) trait TokenSource: Send + Sync {
    /// A fresh token. An error is handed to the caller of the API as it is; it must not hold credentials.
    async fn token(&self) -> Result<BearerToken, CallError>;
}

/// Keeps a source's last token while it is good. Callers that come while a token is being made wait for that one.
pub(super) struct TokenCache {
    source: Arc<dyn TokenSource>,
    current: Mutex<Option<BearerToken>>,
}

impl TokenCache {
    pub(super) fn new(source: Arc<dyn TokenSource>) -> Self {
        Self {
            source,
            current: Mutex::new(None),
        }
    }

    /// The token of a run that was made already.
    pub(super) fn with_token(source: Arc<dyn TokenSource>, token: BearerToken) -> Self {
        Self {
            source,
            current: Mutex::new(Some(token)),
        }
    }

    pub(super) async fn token(&self) -> Result<BearerToken, CallError> {
        let mut current = self.current.lock().await;
        if let Some(token) = current.as_ref().filter(|token| token.is_usable(Timestamp::now())) {
            return Ok(token.clone());
        }
        let fresh = self.source.token().await?;
        *current = Some(fresh.clone());
        Ok(fresh)
    }

    /// Forgets `refused`, unless another caller has replaced it meanwhile.
    pub(super) async fn forget(&self, refused: &BearerToken) {
        let mut current = self.current.lock().await;
        if current.as_ref().is_some_and(|token| token.value == refused.value) {
            *current = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Numbers its tokens; each is good for as long as told.
    struct Counting {
        made: AtomicUsize,
        good_for: SignedDuration,
    }

    impl Counting {
        fn cache(good_for: SignedDuration) -> TokenCache {
            TokenCache::new(Arc::new(Self {
                made: AtomicUsize::new(0),
                good_for,
            }))
        }
    }

    #[async_trait]
    impl TokenSource for Counting {
        async fn token(&self) -> Result<BearerToken, CallError> {
            let number = self.made.fetch_add(1, Ordering::SeqCst) + 1;
            tokio::task::yield_now().await;
            Ok(BearerToken::new(
                format!("secret-{number}"),
                Some(Timestamp::now() + self.good_for),
            ))
        }
    }

    #[tokio::test]
    async fn token_serves_all_callers_while_it_is_good() {
        let cache = Counting::cache(SignedDuration::from_mins(14));
        let tokens = futures::future::join_all((0..20).map(|_| cache.token())).await;
        for token in tokens {
            assert_eq!(token.unwrap().value, "secret-1");
        }
    }

    #[tokio::test]
    async fn token_is_renewed_before_it_ends() {
        let cache = Counting::cache(SignedDuration::from_secs(29));
        assert_eq!(cache.token().await.unwrap().value, "secret-1");
        assert_eq!(cache.token().await.unwrap().value, "secret-2");
    }

    #[tokio::test]
    async fn refused_token_is_forgotten_once() {
        let cache = Counting::cache(SignedDuration::from_mins(14));
        let first = cache.token().await.unwrap();
        cache.forget(&first).await;
        assert_eq!(cache.token().await.unwrap().value, "secret-2");
        // A second caller that was refused with the first token must not throw the new one away.
        cache.forget(&first).await;
        assert_eq!(cache.token().await.unwrap().value, "secret-2");
    }

    #[test]
    fn debug_shows_no_token() {
        let token = BearerToken::new("k8s-aws-v1.secret", None);
        assert!(!format!("{token:?} {:?}", token.header()).contains("secret"));
    }
}
