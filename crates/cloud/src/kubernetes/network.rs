//! What stands between here and a cluster: the proxy to use for it, and certificate authorities besides its own.
//!
//! kube reads the proxy variables too, but (5.0.0, `config/file_loader.rs`) compares `NO_PROXY` with the proxy's host
//! instead of the cluster's; so the choice is made here.

use std::{ffi::OsString, fmt, net::IpAddr, time::Duration};

use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;

use super::error::Call;
use crate::trust::{TrustError, TrustRoots};
use eksact_core::ports::{CallError, CallErrorKind};

/// Proxy and trust settings, resolved to plain values. `Debug` does not show the proxy's URL: it may hold a password.
#[derive(Clone)]
pub(super) struct NetworkSettings {
    /// Proxy for https, `http://host:port` and the like; a bare `host:port` means http.
    pub https_proxy: Option<String>,
    /// Hosts, domains and networks that are reached without a proxy, separated by commas.
    pub no_proxy: Option<String>,
    /// Certificate authorities that are trusted besides the cluster's own: those that variables name. The system's are
    /// not, for a cluster brings its authority along.
    pub trust: Option<TrustRoots>,
    /// For name, TCP, proxy and TLS together. Five seconds by default, so that an endpoint which drops packets (a
    /// private one, seen from outside its VPC) is named soon.
    pub connect_limit: Duration,
}

impl Default for NetworkSettings {
    fn default() -> Self {
        Self {
            https_proxy: None,
            no_proxy: None,
            trust: None,
            connect_limit: Duration::from_secs(5),
        }
    }
}

impl NetworkSettings {
    /// Settings from environment variables, which `variable` looks up: `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` in
    /// upper or lower case, and the bundles of [`TrustRoots::named`]. Empty ones count as unset. The error is a bundle
    /// that cannot be used.
    pub(super) fn from_variables(variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, TrustError> {
        let set = |name: &str| {
            variable(name)
                .and_then(|value| value.into_string().ok())
                .filter(|value| !value.trim().is_empty())
        };
        Ok(Self {
            https_proxy: ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
                .into_iter()
                .find_map(set),
            no_proxy: ["NO_PROXY", "no_proxy"].into_iter().find_map(set),
            trust: TrustRoots::named(&variable)?,
            ..Self::default()
        })
    }

    /// The proxy for a cluster. Loopback addresses (the near end of a tunnel) never go through one, as in Go's clients
    /// (`net/http.ProxyFromEnvironment`), nor do http URLs.
    pub(super) fn proxy_for(&self, call: &Call, cluster: &Uri) -> Result<Option<Uri>, CallError> {
        let Some(proxy) = &self.https_proxy else {
            return Ok(None);
        };
        if is_loopback(cluster) {
            return Ok(None);
        }
        let matcher = Matcher::builder()
            // Only whether it matches is asked for: the matcher gives the proxy's URL without its credentials.
            .https("http://proxy.invalid")
            .no(self.no_proxy.clone().unwrap_or_default())
            .build();
        match matcher.intercept(cluster) {
            Some(_) => proxy_url(call, "HTTPS_PROXY", proxy).map(Some),
            None => Ok(None),
        }
    }

    /// DER of the certificate authorities that are trusted besides the cluster's own.
    pub(super) fn extra_roots(&self) -> Vec<Vec<u8>> {
        self.trust.as_ref().map(TrustRoots::der).unwrap_or_default()
    }
}

impl fmt::Debug for NetworkSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NetworkSettings")
            .field("https_proxy", &self.https_proxy.as_ref().map(|_| "set"))
            .field("no_proxy", &self.no_proxy)
            .field("trust", &self.trust)
            .field("connect_limit", &self.connect_limit)
            .finish()
    }
}

/// Reads a proxy's URL. The error does not quote it: it may hold a password. `socks5h` (the proxy resolves names) is
/// what kube does for `socks5`.
pub(super) fn proxy_url(call: &Call, source: &str, text: &str) -> Result<Uri, CallError> {
    let text = text.trim();
    let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "http" => "http",
        "https" => "https",
        "socks5" | "socks5h" => "socks5",
        other => {
            return Err(call.error(
                CallErrorKind::Invalid,
                format!("{source} names a proxy of type {other}; http, https and socks5 are supported"),
            ));
        }
    };
    format!("{scheme}://{rest}")
        .parse::<Uri>()
        .ok()
        .filter(|url| url.host().is_some_and(|host| !host.is_empty()))
        .ok_or_else(|| {
            call.error(
                CallErrorKind::Invalid,
                format!("{source} is not the URL of a proxy, such as http://proxy.example.com:3128"),
            )
        })
}

fn is_loopback(url: &Uri) -> bool {
    let host = url.host().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call() -> Call {
        Call::new("connect to", "the API", "cluster prod")
    }

    fn settings(variables: &[(&str, &str)]) -> NetworkSettings {
        NetworkSettings::from_variables(|name| {
            variables
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value.into())
        })
        .unwrap()
    }

    #[test]
    fn proxy_is_chosen_for_the_clusters_host() {
        let proxy = ("HTTPS_PROXY", "http://user:pa%40ss@proxy.corp:3128");
        let eks = "https://ABC.gr7.us-west-2.eks.amazonaws.com";
        for (variables, cluster, through_proxy) in [
            (vec![proxy], eks, true),
            (vec![("https_proxy", "proxy.corp:3128")], eks, true),
            (
                vec![("HTTPS_PROXY", ""), ("all_proxy", "http://proxy.corp")],
                eks,
                true,
            ),
            (vec![("HTTP_PROXY", "http://proxy.corp")], eks, false),
            (vec![proxy, ("no_proxy", ".eks.amazonaws.com")], eks, false),
            (
                vec![proxy, ("NO_PROXY", "10.0.0.0/8, *.other")],
                "https://10.1.2.3:443",
                false,
            ),
            // The proxy's own host is no reason to go without it.
            (vec![proxy, ("NO_PROXY", "proxy.corp")], eks, true),
            (vec![proxy, ("NO_PROXY", "*")], eks, false),
            // The near end of a tunnel.
            (vec![proxy], "https://localhost:8443", false),
            (vec![proxy], "https://127.0.0.1:8443", false),
            (vec![proxy], "https://[::1]:8443", false),
            (vec![proxy], "http://10.1.2.3:8001", false),
        ] {
            let chosen = settings(&variables)
                .proxy_for(&call(), &cluster.parse().unwrap())
                .unwrap();
            assert_eq!(chosen.is_some(), through_proxy, "{variables:?} {cluster}");
        }
    }

    #[test]
    fn proxys_credentials_are_kept_and_never_shown() {
        let settings = settings(&[("HTTPS_PROXY", "http://user:pa%40ss@proxy.corp:3128")]);
        let url = settings
            .proxy_for(&call(), &Uri::from_static("https://example.com"))
            .unwrap()
            .unwrap();
        assert_eq!(url.to_string(), "http://user:pa%40ss@proxy.corp:3128/");
        assert!(!format!("{settings:?}").contains("pa%40ss"));
    }

    #[test]
    fn proxies_of_a_kind_or_form_that_cannot_be_used_are_refused_without_quoting_them() {
        for text in [
            "socks4://user:secret@proxy",
            "http://user:secret@",
            "http://user secret",
        ] {
            let error = proxy_url(&call(), "proxy-url", text).unwrap_err();
            assert_eq!(error.kind, CallErrorKind::Invalid);
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        let socks = proxy_url(&call(), "proxy-url", "socks5h://localhost:1080").unwrap();
        assert_eq!(socks.scheme_str(), Some("socks5"));
    }

    #[test]
    fn extra_authorities_are_those_that_variables_name() {
        assert!(settings(&[]).extra_roots().is_empty());
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing.pem").display().to_string();
        let error =
            NetworkSettings::from_variables(|name| (name == "SSL_CERT_FILE").then(|| missing.clone().into()))
                .unwrap_err();
        assert!(error.to_string().contains("SSL_CERT_FILE"), "{error}");
    }
}
