//! What stands between here and a cluster: the proxy to use for it, and certificate authorities besides its own.
//!
//! kube reads the proxy variables too, but (5.0.0, `config/file_loader.rs`) compares `NO_PROXY` with the proxy's host
//! instead of the cluster's; so the choice is made here.

use std::{fmt, net::IpAddr, path::PathBuf, time::Duration};

use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;

use super::error::Call;
use crate::ports::{CallError, CallErrorKind};

/// Proxy and trust settings, resolved to plain values. `Debug` does not show the proxy's URL: it may hold a password.
#[derive(Clone, PartialEq, Eq)]
pub struct NetworkSettings {
    /// Proxy for https, `http://host:port` and the like; a bare `host:port` means http.
    pub https_proxy: Option<String>,
    /// Hosts, domains and networks that are reached without a proxy, separated by commas.
    pub no_proxy: Option<String>,
    /// PEM files and directories whose certificates are trusted besides the cluster's own.
    pub trust: Vec<TrustSource>,
    /// For name, TCP, proxy and TLS together. Five seconds by default, so that an endpoint which drops packets (a
    /// private one, seen from outside its VPC) is named soon.
    pub connect_limit: Duration,
}

impl Default for NetworkSettings {
    fn default() -> Self {
        Self {
            https_proxy: None,
            no_proxy: None,
            trust: Vec::new(),
            connect_limit: Duration::from_secs(5),
        }
    }
}

/// A place of certificates, and the variable that names it (for errors).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustSource {
    /// `AWS_CA_BUNDLE`, `SSL_CERT_FILE` or `SSL_CERT_DIR`.
    pub variable: String,
    /// A PEM file, or a directory of them for `SSL_CERT_DIR`.
    pub path: PathBuf,
}

impl NetworkSettings {
    /// Settings from environment variables, which `variable` looks up: `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` in
    /// upper or lower case, `AWS_CA_BUNDLE`, `SSL_CERT_FILE`, `SSL_CERT_DIR`. Empty ones count as unset.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let trust = ["AWS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"];
        Self {
            https_proxy: ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
                .into_iter()
                .find_map(set),
            no_proxy: ["NO_PROXY", "no_proxy"].into_iter().find_map(set),
            trust: trust
                .into_iter()
                .filter_map(|name| {
                    Some(TrustSource {
                        variable: name.to_owned(),
                        path: PathBuf::from(set(name)?),
                    })
                })
                .collect(),
            ..Self::default()
        }
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

    /// DER certificates of every source. A source that gives none is an error: what it was meant to trust would fail
    /// later with less to say.
    pub(super) fn extra_roots(&self, call: &Call) -> Result<Vec<Vec<u8>>, CallError> {
        let mut roots = Vec::new();
        for source in &self.trust {
            let (file, directory) = if source.variable == "SSL_CERT_DIR" {
                (None, Some(source.path.as_path()))
            } else {
                (Some(source.path.as_path()), None)
            };
            let loaded = rustls_native_certs::load_certs_from_paths(file, directory);
            // kube refuses the whole list for one certificate that rustls cannot use.
            let usable = usable_roots(loaded.certs.iter().map(AsRef::as_ref));
            if usable.is_empty() {
                let reason = loaded.errors.first().map_or_else(
                    || "it holds no certificate in PEM form".to_owned(),
                    ToString::to_string,
                );
                return Err(call.error(
                    CallErrorKind::Invalid,
                    format!(
                        "{} names {}, but {reason}; correct or unset the variable",
                        source.variable,
                        source.path.display()
                    ),
                ));
            }
            roots.extend(usable);
        }
        Ok(roots)
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

/// Those certificates that rustls takes as roots.
pub(super) fn usable_roots<'a>(certificates: impl Iterator<Item = &'a [u8]>) -> Vec<Vec<u8>> {
    certificates
        .filter(|der| {
            let der = rustls::pki_types::CertificateDer::from(der.to_vec());
            rustls::RootCertStore::empty().add(der).is_ok()
        })
        .map(<[u8]>::to_vec)
        .collect()
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
                format!("{source} names a proxy of type {other}; http, https and socks5 are known"),
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
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_proxy_is_chosen_for_the_clusters_host() {
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
    fn a_proxys_credentials_are_kept_and_never_shown() {
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
    fn a_bundle_that_gives_nothing_names_variable_and_file() {
        let folder = tempfile::tempdir().unwrap();
        let empty = folder.path().join("empty.pem");
        fs_err::write(&empty, "no certificate").unwrap();
        for (variable, path) in [
            ("AWS_CA_BUNDLE", folder.path().join("missing.pem")),
            ("SSL_CERT_FILE", empty),
            ("SSL_CERT_DIR", folder.path().join("missing")),
        ] {
            let path = path.display().to_string();
            let error = settings(&[(variable, &path)]).extra_roots(&call()).unwrap_err();
            assert!(
                error.message.contains(variable) && error.message.contains(&path),
                "{error}"
            );
        }
    }
}
