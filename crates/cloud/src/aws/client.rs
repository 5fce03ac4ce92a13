//! The client: four services, a bound on the calls in flight, and the one place where a call is made.
//!
//! What is asked of the services is in the file of each object.

use std::error::Error;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_config::SdkConfig;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::retries::classifiers::{
    ClassifyRetry, RetryAction, RetryClassifierPriority,
};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::error::{Action, from_sdk, never_connected};
use eksact_core::ports::{CallError, CallErrorKind};

/// What the repetition of a throttled call takes from the SDK's allowance for failures of a service. Hundreds of stacks are throttled
/// a lot, and that is no failure; time and attempts of each call are bounded anyway.
const THROTTLING_COST: u32 = 0;

/// An account and region, as reader and writer. Clones share connections, credentials, the bound and the count.
#[derive(Clone)]
pub struct AwsClient {
    pub(super) cloudformation: aws_sdk_cloudformation::Client,
    pub(super) eks: aws_sdk_eks::Client,
    pub(super) iam: aws_sdk_iam::Client,
    pub(super) sts: aws_sdk_sts::Client,
    region: String,
    credentials: SharedCredentialsProvider,
    in_flight: Arc<Semaphore>,
    calls: Arc<AtomicU64>,
}

impl AwsClient {
    /// A client from a resolved configuration. At most `max_calls_in_flight` calls run at once.
    pub fn new(
        configuration: &SdkConfig,
        region: &str,
        credentials: SharedCredentialsProvider,
        max_calls_in_flight: NonZeroUsize,
    ) -> Self {
        macro_rules! service {
            ($sdk:ident) => {
                $sdk::Client::from_conf(
                    $sdk::config::Builder::from(configuration)
                        .retry_classifier(NeverConnected)
                        .retry_partition(
                            $sdk::config::retry::RetryPartition::custom("eksact")
                                .token_bucket(
                                    $sdk::config::retry::TokenBucket::builder()
                                        .throttling_retry_cost(THROTTLING_COST)
                                        .build(),
                                )
                                .build(),
                        )
                        .build(),
                )
            };
        }
        Self {
            cloudformation: service!(aws_sdk_cloudformation),
            eks: service!(aws_sdk_eks),
            iam: service!(aws_sdk_iam),
            sts: service!(aws_sdk_sts),
            region: region.to_owned(),
            credentials,
            in_flight: Arc::new(Semaphore::new(
                max_calls_in_flight.get().min(Semaphore::MAX_PERMITS),
            )),
            calls: Arc::default(),
        }
    }

    /// The region that the client works in.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The credentials of all calls, for the token of the Kubernetes API.
    pub fn credentials(&self) -> SharedCredentialsProvider {
        self.credentials.clone()
    }

    /// How many calls were made so far; a retried call counts once.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Runs one call within the bound. The place is held for this call and its retries only: never while waiting for a
    /// stack.
    pub(super) async fn call<T, E>(
        &self,
        action: Action,
        object: &str,
        request: impl Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send,
    ) -> Result<T, CallError>
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let _place = self.place(action, object).await;
        request.await.map_err(|error| {
            let error = from_sdk(action, object, &error);
            tell(&error);
            error
        })
    }

    /// A place among the calls in flight.
    async fn place(&self, (service, action): Action, object: &str) -> Option<SemaphorePermit<'_>> {
        // Acquiring fails only on a closed semaphore, and nothing closes this one.
        let place = self.in_flight.acquire().await.ok();
        self.calls.fetch_add(1, Ordering::Relaxed);
        tracing::debug!(service, action, object, "call");
        place
    }
}

/// Logs why a call failed.
fn tell(error: &CallError) {
    let CallError {
        service,
        action,
        object,
        ..
    } = error;
    tracing::debug!(service, action, object, kind = ?error.kind, code = error.code, "failed");
}

impl fmt::Debug for AwsClient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("AwsClient")
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}

/// Where a list goes on. A service that repeats its marker would make an endless loop of a plain `while`.
#[derive(Debug, Default)]
pub(super) struct Pages {
    marker: Option<String>,
}

impl Pages {
    /// The marker to send with the next request, none for the first.
    pub(super) fn marker(&self) -> Option<String> {
        self.marker.clone()
    }

    /// Takes the marker of an answer and tells whether there is another page.
    pub(super) fn advance(
        &mut self,
        (service, name): Action,
        object: &str,
        next: Option<String>,
    ) -> Result<bool, CallError> {
        let next = next.filter(|marker| !marker.is_empty());
        if next.is_some() && next == self.marker {
            let message = "the service returned the same page marker twice; the list would never end";
            return Err(CallError::new(
                service,
                name,
                object,
                CallErrorKind::Other,
                message,
            ));
        }
        self.marker = next;
        Ok(self.marker.is_some())
    }
}

/// Ends the retries when no connection came about: a wrong region, a closed port or an unknown certificate authority is
/// named at once and not after ten attempts.
#[derive(Debug)]
pub(super) struct NeverConnected;

impl ClassifyRetry for NeverConnected {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let Some(Err(error)) = context.output_or_error() else {
            return RetryAction::NoActionIndicated;
        };
        match error.as_connector_error() {
            Some(connector) if never_connected(connector) => RetryAction::RetryForbidden,
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "eksact: never connected"
    }

    fn priority(&self) -> RetryClassifierPriority {
        RetryClassifierPriority::run_after(RetryClassifierPriority::transient_error_classifier())
    }
}
