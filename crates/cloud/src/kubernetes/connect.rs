//! The usual way to a cluster's API: endpoint and CA as EKS tells them, with tokens signed in-process. Nothing is sent
//! yet: `server_version` tells whether the endpoint answers.
//!
//! The other way, by a context of a kubeconfig, is in `kubeconfig`.

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use http::Uri;

use super::{
    Transport,
    error::{Call, Route, from_transport},
    network::NetworkSettings,
    token::{TokenCache, TokenSource},
};
use crate::trust::roots_of_pem;
use eksact_core::ports::{CallError, CallErrorKind, aws::Cluster};

/// For an answer once the request is sent; kube-apiserver itself gives up after 60 s.
const READ_LIMIT: Duration = Duration::from_mins(1);

/// Where a cluster's API is, as EKS `DescribeCluster` tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ClusterEndpoint {
    /// Name of the cluster, for errors.
    pub name: String,
    /// URL of the API.
    pub url: String,
    /// PEM certificates, base64 as EKS gives them.
    pub certificate_authority_data: String,
    /// Whether it is reached from outside the VPC.
    pub is_public: bool,
}

impl ClusterEndpoint {
    /// The endpoint of a described cluster; a cluster that has none yet is an error of kind `Other`: nothing was changed
    /// meanwhile, and a new plan would meet the same.
    pub(super) fn of(cluster: &Cluster) -> Result<Self, CallError> {
        match (&cluster.endpoint, &cluster.certificate_authority_data) {
            (Some(url), Some(authority)) => Ok(Self {
                name: cluster.name.clone(),
                url: url.clone(),
                certificate_authority_data: authority.clone(),
                is_public: cluster.endpoint_public_access == Some(true),
            }),
            _ => Err(connecting(&format!("cluster {}", cluster.name)).error(
                CallErrorKind::Other,
                format!(
                    "the cluster has no endpoint yet (its status is {}): wait until it is ACTIVE, then run the same command again",
                    cluster.status
                ),
            )),
        }
    }
}

impl Transport {
    /// A client for endpoint and CA from EKS. Must be called within a Tokio runtime. Errors are of kind `Invalid`: a
    /// URL, CA, proxy or certificate bundle that cannot be used.
    pub(super) fn connect_cluster(
        cluster: &ClusterEndpoint,
        tokens: Arc<dyn TokenSource>,
        network: &NetworkSettings,
    ) -> Result<Self, CallError> {
        let call = connecting(&format!("cluster {}", cluster.name));
        let url: Uri = cluster.url.parse().map_err(|error| {
            call.error(
                CallErrorKind::Invalid,
                format!("the endpoint {} is not a URL: {error}", cluster.url),
            )
        })?;
        let mut config = kube::Config::new(url);
        config.connect_timeout = Some(network.connect_limit);
        let mut roots = authority(&call, &cluster.certificate_authority_data)?;
        roots.extend(network.extra_roots());
        config.root_cert = Some(roots);
        config.proxy_url = network.proxy_for(&call, &config.cluster_url)?;
        let route = Route::Cluster {
            endpoint: reached(&cluster.url, config.proxy_url.as_ref()),
            is_public: cluster.is_public,
        };
        Self::build(&call, config, Some(TokenCache::new(tokens)), route)
    }

    pub(super) fn build(
        call: &Call,
        mut config: kube::Config,
        tokens: Option<TokenCache>,
        route: Route,
    ) -> Result<Self, CallError> {
        config.read_timeout = Some(READ_LIMIT);
        // Else the time that a pooled connection was idle counts too.
        config.reset_reader_on_write = true;
        // kube repeats for minutes, writes included; `request` does it with bounds.
        config.default_retry = false;
        // kube takes rustls's default provider. Whoever came first has set it; that is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = kube::Client::try_from(config).map_err(|error| match &error {
            kube::Error::InferKubeconfig(error) => call.error(CallErrorKind::Invalid, error.to_string()),
            kube::Error::RustlsTls(error) => call.error(CallErrorKind::Invalid, error.to_string()),
            error => from_transport(call, &route, error),
        })?;
        Ok(Self::new(client, tokens, route))
    }
}

/// The call that errors of connecting name.
pub(super) fn connecting(object: &str) -> Call {
    Call::new("connect to", "the API", object)
}

/// The endpoint as errors name it, with the proxy on the way (its host only: the URL may hold a password).
pub(super) fn reached(url: &str, proxy: Option<&Uri>) -> String {
    let url = url.trim_end_matches('/');
    let url = match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => &format!("{scheme}://…@{host}"),
        _ => url,
    };
    // Host and port as they are read, not what stands behind an `@`: a `/` in a password that is not escaped ends the authority
    // before it.
    match proxy.and_then(|proxy| Some((proxy.host()?, proxy.port_u16()))) {
        Some((host, Some(port))) => format!("{url} through the proxy {host}:{port}"),
        Some((host, None)) => format!("{url} through the proxy {host}"),
        None => url.to_owned(),
    }
}

/// The certificates of `certificateAuthority.data`.
fn authority(call: &Call, data: &str) -> Result<Vec<Vec<u8>>, CallError> {
    let unusable = |why: String| call.error(CallErrorKind::Invalid, format!("the cluster's {why}"));
    let pem = STANDARD
        .decode(data.trim())
        .map_err(|error| unusable(format!("certificateAuthority.data is not base64: {error}")))?;
    roots_of_pem(&pem)
        .ok_or_else(|| unusable("certificateAuthority.data contains no certificate in PEM format".to_owned()))
}
