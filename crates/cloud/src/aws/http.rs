//! The one HTTP client of all AWS calls, and its time limits. Whom it trusts is `cloud::trust`'s.
//!
//! Proxies come from `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, in upper or lower case.

use std::time::Duration;

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::timeout::TimeoutConfig;

use crate::trust::TrustRoots;

/// Time to reach a host, name resolution and TLS included.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// Time until an answer begins.
const READ_LIMIT: Duration = Duration::from_secs(30);
/// Time for one call with all its retries; a service that throttles for so long will not stop soon.
const OPERATION_LIMIT: Duration = Duration::from_mins(3);

/// The HTTPS client for all AWS calls, those of the credential providers included.
///
/// The SDK's ready-made client would take the proxy from the environment but needs aws-lc; its builder with ring does
/// not look at the environment. So each connector is made here, with both.
pub fn client(roots: &TrustRoots) -> SharedHttpClient {
    client_through(ProxyConfig::from_env(), roots)
}

/// The same with a proxy of the caller's choice.
pub(super) fn client_through(proxy: ProxyConfig, roots: &TrustRoots) -> SharedHttpClient {
    let trust_store = TrustStore::empty().with_pem_certificate(roots.pem());
    // `build` fails for other TLS providers only; rustls takes what `keep` has taken.
    let context = TlsContext::builder()
        .with_trust_store(trust_store)
        .build()
        .unwrap_or_default();
    Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = Connector::builder().proxy_config(proxy.clone());
        connector.set_connector_settings(settings.cloned());
        if let Some(components) = components {
            connector.set_sleep_impl(components.sleep_impl());
        }
        connector
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .tls_context(context.clone())
            .build()
    })
}

/// One connection's maker outside the SDK, with the same trust and proxy: for what the SDK cannot ask.
pub(super) fn connector(roots: &TrustRoots) -> Connector {
    let trust_store = TrustStore::empty().with_pem_certificate(roots.pem());
    let context = TlsContext::builder()
        .with_trust_store(trust_store)
        .build()
        .unwrap_or_default();
    Connector::builder()
        .proxy_config(ProxyConfig::from_env())
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(context)
        .build()
}

/// Time limits of every AWS call: the SDK's defaults let a call to a silent host hang.
pub fn time_limits() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_LIMIT)
        .read_timeout(READ_LIMIT)
        .operation_timeout(OPERATION_LIMIT)
        .build()
}
