//! One request to the API and its answer: credentials, repetition, paging.

use std::{
    fmt,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use http::{Method, StatusCode, header};
use kube::core::{ListMeta, Status, params::ListParams};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::sync::Semaphore;

use super::{
    error::{self, Call, Route},
    token::{BearerToken, TokenCache},
};
use eksact_core::ports::{CallError, CallErrorKind};

/// Calls that run at once. Without a bound, two hundred stacks that settle together would open two hundred connections.
const CALLS_IN_FLIGHT: usize = 16;
/// Objects per page, as kubectl asks for them.
const PAGE_SIZE: u32 = 500;
/// How often a listing begins again when its continue token has expired on the way.
const MAX_RESTARTS: usize = 3;
/// How often a throttled call is repeated.
const MAX_REPETITIONS: u32 = 4;
/// Longest wait that a server may ask for; beyond it people should hear about it.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// How long a read is waited for. A write may take as long as kube-apiserver itself tries: its effect is unknown after that.
const READ_LIMIT: Duration = Duration::from_secs(30);

/// A request whose body can be sent again.
pub(super) type Request = http::Request<Vec<u8>>;

/// What the server said in the end.
enum Answer {
    Success(Vec<u8>),
    Failure(StatusCode, Vec<u8>),
}

/// One page of a list; items of a list carry no kind of their own.
#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    metadata: ListMeta,
    items: Vec<Value>,
}

/// A connection to a cluster's API. Cheap calls share one pool of connections.
pub(super) struct Transport {
    client: kube::Client,
    /// None where kube itself adds the credentials (static ones of a kubeconfig).
    tokens: Option<TokenCache>,
    pub(super) route: Route,
    in_flight: Semaphore,
    /// Wait before the first repetition of a throttled call; doubled for each further one.
    pub(super) pace: Duration,
    /// How long `server_version` may take in all, and a read from a server whose silence was waited out once.
    pub(super) answer_limit: Duration,
    /// Whether the last answer did not come in time.
    silent: AtomicBool,
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport")
            .field("route", &self.route)
            .finish_non_exhaustive()
    }
}

impl Transport {
    pub(super) fn new(client: kube::Client, tokens: Option<TokenCache>, route: Route) -> Self {
        Self {
            client,
            tokens,
            route,
            in_flight: Semaphore::new(CALLS_IN_FLIGHT),
            pace: Duration::from_millis(200),
            answer_limit: Duration::from_secs(10),
            silent: AtomicBool::new(false),
        }
    }

    /// Sends a request and reads the object that comes back.
    pub(super) async fn send<T: DeserializeOwned>(
        &self,
        call: &Call,
        request: &Request,
    ) -> Result<T, CallError> {
        let body = self.exchange(call, request).await?;
        serde_json::from_slice(&body)
            .map_err(|error| error::from_unreadable_answer(call, &self.route, &error))
    }

    /// The same, or none where the server refuses (403) or has nothing at this path (404): for documents that a client
    /// can do without.
    pub(super) async fn send_unless_withheld<T: DeserializeOwned>(
        &self,
        call: &Call,
        request: &Request,
    ) -> Result<Option<T>, CallError> {
        match self.answer(call, request).await? {
            Answer::Success(body) => serde_json::from_slice(&body)
                .map(Some)
                .map_err(|error| error::from_unreadable_answer(call, &self.route, &error)),
            Answer::Failure(StatusCode::FORBIDDEN | StatusCode::NOT_FOUND, _) => Ok(None),
            Answer::Failure(status, body) => Err(self.refusal(call, status, &body)),
        }
    }

    /// The objects of a collection that `selected` selects, all pages. A page that comes too late (410) throws the pages
    /// before it away: together they would be no state that ever existed.
    pub(super) async fn list(
        &self,
        call: &Call,
        collection: &kube::core::Request,
        selected: &ListParams,
    ) -> Result<Vec<Value>, CallError> {
        let mut items = Vec::new();
        let mut next: Option<String> = None;
        let mut restarts = 0;
        loop {
            let mut parameters = selected.clone().limit(PAGE_SIZE);
            if let Some(token) = &next {
                parameters = parameters.continue_token(token);
            }
            let request = collection
                .list(&parameters)
                .map_err(|error| invalid_request(call, &error))?;
            let page: Page = match self.send(call, &request).await {
                Ok(page) => page,
                Err(error) if next.is_some() && restarts < MAX_RESTARTS && has_expired(&error) => {
                    restarts += 1;
                    items.clear();
                    next = None;
                    continue;
                }
                Err(error) => return Err(error),
            };
            items.extend(page.items);
            next = page.metadata.continue_.filter(|token| !token.is_empty());
            if next.is_none() {
                return Ok(items);
            }
        }
    }

    /// The body of a successful answer.
    pub(super) async fn exchange(&self, call: &Call, request: &Request) -> Result<Vec<u8>, CallError> {
        match self.answer(call, request).await? {
            Answer::Success(body) => Ok(body),
            Answer::Failure(status, body) => Err(self.refusal(call, status, &body)),
        }
    }

    /// The last answer. A refused token is renewed once; a throttled call is repeated, a failing one only where it
    /// reads: after a write nobody knows what happened.
    async fn answer(&self, call: &Call, request: &Request) -> Result<Answer, CallError> {
        let mut renewed = false;
        let mut repetitions = 0;
        loop {
            let (authorised, token) = self.authorised(call, request).await?;
            // The place is held for this exchange only, never while waiting to repeat it. Acquiring fails only on a closed
            // semaphore, and nothing closes this one.
            let place = self.in_flight.acquire().await.ok();
            let response = self.response(call, authorised).await?;
            let (head, body) = response.into_parts();
            let body = body
                .collect_bytes()
                .await
                .map_err(|error| error::from_transport(call, &self.route, &error))?;
            drop(place);
            if head.status.is_success() {
                return Ok(Answer::Success(body.to_vec()));
            }
            if head.status == StatusCode::UNAUTHORIZED
                && !renewed
                && let (Some(tokens), Some(token)) = (&self.tokens, &token)
            {
                renewed = true;
                tokens.forget(token).await;
                continue;
            }
            if repetitions < MAX_REPETITIONS && may_repeat(request.method(), head.status) {
                tokio::time::sleep(wait(self.pace, repetitions, &head.headers)).await;
                repetitions += 1;
                continue;
            }
            return Ok(Answer::Failure(head.status, body.to_vec()));
        }
    }

    /// What comes back, as soon as it begins to come. A server that was silent for the whole time limit is waited for a short
    /// time only when something is read from it again: one run reads a lot.
    async fn response(
        &self,
        call: &Call,
        request: Request,
    ) -> Result<http::Response<kube::client::Body>, CallError> {
        let is_read = request.method() == Method::GET;
        let sent = self.client.send(request.map(kube::client::Body::from));
        let limit = if self.silent.load(Ordering::Relaxed) {
            self.answer_limit
        } else {
            READ_LIMIT
        };
        let sent = if is_read {
            let Ok(sent) = tokio::time::timeout(limit, sent).await else {
                self.silent.store(true, Ordering::Relaxed);
                return Err(error::from_silence(call, &self.route, limit));
            };
            sent
        } else {
            sent.await
        };
        let is_silent = sent.as_ref().is_err_and(error::is_silence);
        self.silent.store(is_silent, Ordering::Relaxed);
        sent.map_err(|error| error::from_transport(call, &self.route, &error))
    }

    async fn authorised(
        &self,
        call: &Call,
        request: &Request,
    ) -> Result<(Request, Option<BearerToken>), CallError> {
        let mut request = request.clone();
        let Some(tokens) = &self.tokens else {
            return Ok((request, None));
        };
        let token = tokens.token().await?;
        let value = token.header().ok_or_else(|| {
            call.error(
                CallErrorKind::Credentials,
                "the token contains characters that HTTP does not allow; the program that makes it is at \
                 fault",
            )
        })?;
        request.headers_mut().insert(header::AUTHORIZATION, value);
        Ok((request, Some(token)))
    }

    fn refusal(&self, call: &Call, code: StatusCode, body: &[u8]) -> CallError {
        let status = serde_json::from_slice::<Value>(body)
            .ok()
            .filter(|answer| answer.get("kind").and_then(Value::as_str) == Some("Status"))
            .and_then(|answer| serde_json::from_value::<Status>(answer).ok());
        match status {
            Some(status) => error::from_status(call, &self.route, code.as_u16(), &status),
            None => error::from_bare_answer(call, &self.route, code.as_u16(), body),
        }
    }
}

/// Whether a call may be sent again: a throttled one was not executed; a failed one only if it changes nothing.
fn may_repeat(method: &Method, status: StatusCode) -> bool {
    match status {
        StatusCode::TOO_MANY_REQUESTS => true,
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
            method == Method::GET
        }
        _ => false,
    }
}

/// What the server asks for in whole seconds, else our own pace, doubled each time.
fn wait(pace: Duration, repetitions: u32, headers: &http::HeaderMap) -> Duration {
    headers
        .get(header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|seconds| seconds.parse().ok())
        .map_or_else(|| pace * 2_u32.saturating_pow(repetitions), Duration::from_secs)
        .min(MAX_WAIT)
}

fn has_expired(error: &CallError) -> bool {
    matches!(error.code.as_deref(), Some("Expired" | "Gone"))
}

/// kube could not build the request: our own mistake or a name that it refuses.
pub(super) fn invalid_request(call: &Call, error: &kube::core::request::Error) -> CallError {
    call.error(CallErrorKind::Invalid, error.to_string())
}
