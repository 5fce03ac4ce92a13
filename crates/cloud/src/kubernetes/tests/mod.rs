//! Tests of the adapter: against an API that answers as told (here), and over real sockets (`connection`).

mod connection;
mod reading;
mod writing;

use std::{
    collections::VecDeque,
    convert::Infallible,
    future::{Ready, ready},
    sync::{Arc, Mutex, OnceLock, atomic::AtomicUsize, atomic::Ordering},
    task::{Context, Poll},
    time::Duration,
};

use async_trait::async_trait;
use http::{Method, Request, Response, header};
use jiff::{SignedDuration, Timestamp};
use kube::client::Body;
use serde_json::{Value, json};

use super::{
    BearerToken, Connection, KubeconfigContext, KubernetesClient, TokenSource, Transport, error::Route,
    token::TokenCache,
};
use eksact_core::ports::{
    CallError,
    kubernetes::{KubernetesReader, KubernetesWriter},
};

/// What the adapter sent.
#[derive(Clone, Debug)]
struct Sent {
    method: Method,
    path: String,
    /// Query parameters in the order sent.
    query: Vec<(String, String)>,
    content_type: String,
    authorization: String,
    body: Value,
}

impl Sent {
    fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// An API that gives prepared answers in order and keeps what it was sent.
#[derive(Clone, Default)]
struct Api {
    answers: Arc<Mutex<VecDeque<Response<Body>>>>,
    requests: Arc<Mutex<Vec<Request<Body>>>>,
}

impl tower_service::Service<Request<Body>> for Api {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        self.requests.lock().unwrap().push(request);
        let answer = self.answers.lock().unwrap().pop_front();
        ready(Ok(answer.expect("one request more than there are answers")))
    }
}

impl Api {
    fn answering(answers: impl IntoIterator<Item = Response<Body>>) -> Self {
        let api = Self::default();
        api.answers.lock().unwrap().extend(answers);
        api
    }

    /// A client of this API that signs `token-1`, `token-2`, … and does not wait between repetitions.
    fn client(&self) -> KubernetesClient {
        let route = Route::Cluster {
            endpoint: "https://ABC.gr7.us-west-2.eks.amazonaws.com".to_owned(),
            is_public: false,
        };
        let tokens = TokenCache::new(Arc::new(Numbered::default()));
        let mut transport = Transport::new(kube::Client::new(self.clone(), "default"), Some(tokens), route);
        transport.pace = Duration::ZERO;
        connected(transport)
    }

    async fn sent(&self) -> Vec<Sent> {
        let requests = std::mem::take(&mut *self.requests.lock().unwrap());
        let mut sent = Vec::new();
        for request in requests {
            let text = |name| {
                let value = request.headers().get(name);
                value.map_or(String::new(), |value| value.to_str().unwrap().to_owned())
            };
            let query = request.uri().query().unwrap_or_default();
            sent.push(Sent {
                method: request.method().clone(),
                path: request.uri().path().to_owned(),
                query: query
                    .split('&')
                    .filter_map(|pair| pair.split_once('='))
                    .map(|(key, value)| (key.to_owned(), value.to_owned()))
                    .collect(),
                content_type: text(header::CONTENT_TYPE),
                authorization: text(header::AUTHORIZATION),
                body: {
                    let bytes = request.into_body().collect_bytes().await.unwrap();
                    serde_json::from_slice(&bytes).unwrap_or(Value::Null)
                },
            });
        }
        sent
    }

    /// The only request that was sent.
    async fn only(&self) -> Sent {
        let mut sent = self.sent().await;
        assert_eq!(sent.len(), 1, "{sent:?}");
        sent.remove(0)
    }
}

/// Tokens `token-1`, `token-2`, …
#[derive(Default)]
struct Numbered(AtomicUsize);

#[async_trait]
impl TokenSource for Numbered {
    async fn token(&self) -> Result<BearerToken, CallError> {
        let number = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        let expires = Timestamp::now() + SignedDuration::from_mins(14);
        Ok(BearerToken::new(format!("token-{number}"), Some(expires)))
    }
}

/// A client that has connected already.
fn connected(transport: Transport) -> KubernetesClient {
    KubernetesClient {
        cluster: "prod".to_owned(),
        connection: Connection::Kubeconfig(KubeconfigContext::default()),
        endpoint: OnceLock::new(),
        transport: transport.into(),
    }
}

/// The client as the typed verbs of the ports take it.
fn reads(client: &KubernetesClient) -> &dyn KubernetesReader {
    client
}

fn writes(client: &KubernetesClient) -> &dyn KubernetesWriter {
    client
}

fn answer(code: u16, body: &Value) -> Response<Body> {
    let body = Body::from(body.to_string().into_bytes());
    Response::builder().status(code).body(body).unwrap()
}

fn plain(code: u16, text: &str) -> Response<Body> {
    let body = Body::from(text.as_bytes().to_vec());
    Response::builder().status(code).body(body).unwrap()
}

/// A `Status` about the service account `s3-reader`.
fn failure(code: u16, reason: &str) -> Response<Body> {
    answer(
        code,
        &json!({
            "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason,
            "message": format!("serviceaccounts \"s3-reader\": {reason}"),
            "details": {"name": "s3-reader", "kind": "serviceaccounts"}
        }),
    )
}

fn account(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ServiceAccount",
        "metadata": {"name": name, "namespace": "app", "uid": "u-1", "resourceVersion": "7",
                     "annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/s3"}}
    })
}
