//! How eksact speaks HTTPS: which certificate authorities it trusts, and the one HTTP client of all AWS calls.
//!
//! The roots are given to every adapter (AWS, the issuer's proxy, Kubernetes), so that one variable serves all. Proxies
//! come from `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, in upper or lower case.

use std::error::Error;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::timeout::TimeoutConfig;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;

/// Time to reach a host, name resolution and TLS included.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// Time until an answer begins.
const READ_LIMIT: Duration = Duration::from_secs(30);
/// Time for one call with all its retries; a service that throttles for so long will not stop soon.
const OPERATION_LIMIT: Duration = Duration::from_mins(3);

/// Where the trusted roots came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrustOrigin {
    /// A file or folder that a variable of the environment names.
    Variable {
        /// `AWS_CA_BUNDLE`, `SSL_CERT_FILE` or `SSL_CERT_DIR`.
        name: &'static str,
        /// What it names.
        path: PathBuf,
    },
    /// The operating system's own store.
    System,
    /// Mozilla's list as compiled in, because the system has none (a bare container image).
    Mozilla,
}

impl fmt::Display for TrustOrigin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable { name, path } => write!(formatter, "{name}={}", path.display()),
            Self::System => formatter.write_str("the system's certificate store"),
            Self::Mozilla => formatter.write_str("Mozilla's list (the system has no certificate store)"),
        }
    }
}

/// Why no trusted roots could be loaded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// The file or folder cannot be read.
    #[error("cannot read the certificate authorities that {name} names: {path}: {reason}; correct or unset {name}", path = path.display())]
    Unreadable {
        /// The variable.
        name: &'static str,
        /// What it names.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// It was read and holds no certificate.
    #[error("{name} names {path}, which holds no certificate in PEM form (-----BEGIN CERTIFICATE-----); correct or unset {name}", path = path.display())]
    Empty {
        /// The variable.
        name: &'static str,
        /// What it names.
        path: PathBuf,
    },
}

/// The certificate authorities that every connection trusts.
#[derive(Clone, Debug)]
pub struct TrustRoots {
    certificates: Vec<CertificateDer<'static>>,
    store: RootCertStore,
    origin: TrustOrigin,
}

impl TrustRoots {
    /// The roots that this process's environment asks for; see [`TrustRoots::load`].
    pub fn from_environment() -> Result<Self, TrustError> {
        Self::load(&|name| std::env::var_os(name))
    }

    /// `AWS_CA_BUNDLE` (as the AWS CLI has it), else `SSL_CERT_FILE` and `SSL_CERT_DIR` (as OpenSSL and Go have them),
    /// else the system's store, else Mozilla's list. What a variable names replaces the system's store.
    /// `variable` looks a variable up; an empty value counts as unset.
    pub fn load(variable: &dyn Fn(&str) -> Option<OsString>) -> Result<Self, TrustError> {
        let named = |name: &'static str| {
            variable(name)
                .filter(|value| !value.is_empty())
                .map(|value| (name, PathBuf::from(value)))
        };
        if let Some((name, path)) = named("AWS_CA_BUNDLE") {
            return Self::from_variable((name, &path), Some(&path), None);
        }
        let (file, folder) = (named("SSL_CERT_FILE"), named("SSL_CERT_DIR"));
        let folder_path = folder.as_ref().map(|(_, path)| path.as_path());
        if let Some((name, path)) = &file {
            return Self::from_variable((name, path), Some(path), folder_path);
        }
        if let Some((name, path)) = &folder {
            return Self::from_variable((name, path), None, Some(path));
        }
        let system = Self::keep(
            rustls_native_certs::load_native_certs().certs,
            TrustOrigin::System,
        );
        if !system.certificates.is_empty() {
            return Ok(system);
        }
        Ok(Self::mozilla())
    }

    /// Mozilla's list, whatever the environment says: what the public web trusts.
    pub fn mozilla() -> Self {
        Self::keep(
            webpki_root_certs::TLS_SERVER_ROOT_CERTS.to_vec(),
            TrustOrigin::Mozilla,
        )
    }

    fn from_variable(
        (name, path): (&'static str, &Path),
        file: Option<&Path>,
        folder: Option<&Path>,
    ) -> Result<Self, TrustError> {
        let loaded = rustls_native_certs::load_certs_from_paths(file, folder);
        let roots = Self::keep(
            loaded.certs,
            TrustOrigin::Variable {
                name,
                path: path.to_owned(),
            },
        );
        if !roots.certificates.is_empty() {
            return Ok(roots);
        }
        Err(match loaded.errors.first() {
            Some(error) => TrustError::Unreadable {
                name,
                path: path.to_owned(),
                // The error's own text repeats the path; its cause is enough.
                reason: super::error::chain_text(error.source().unwrap_or(error)),
            },
            None => TrustError::Empty {
                name,
                path: path.to_owned(),
            },
        })
    }

    /// Keeps those that can be a root; stores of real systems hold a few that cannot.
    fn keep(certificates: Vec<CertificateDer<'static>>, origin: TrustOrigin) -> Self {
        let mut store = RootCertStore::empty();
        let certificates = certificates
            .into_iter()
            .filter(|certificate| store.add(certificate.clone()).is_ok())
            .collect();
        Self {
            certificates,
            store,
            origin,
        }
    }

    /// The roots in rustls's form, for other adapters.
    pub fn root_store(&self) -> RootCertStore {
        self.store.clone()
    }

    /// Where they came from.
    pub fn origin(&self) -> &TrustOrigin {
        &self.origin
    }

    /// The roots as PEM, the form in which the SDK's client takes them.
    fn pem(&self) -> String {
        let mut pem = String::new();
        for certificate in &self.certificates {
            pem.push_str("-----BEGIN CERTIFICATE-----\n");
            // 48 bytes are 64 characters, the line length of RFC 7468.
            for line in certificate.as_ref().chunks(48) {
                STANDARD.encode_string(line, &mut pem);
                pem.push('\n');
            }
            pem.push_str("-----END CERTIFICATE-----\n");
        }
        pem
    }
}

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

/// Time limits of every AWS call: the SDK's defaults let a call to a silent host hang.
pub fn time_limits() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_LIMIT)
        .read_timeout(READ_LIMIT)
        .operation_timeout(OPERATION_LIMIT)
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate_pem() -> String {
        rcgen::generate_simple_self_signed(["ca.example".to_owned()])
            .unwrap()
            .cert
            .pem()
    }

    fn load(variables: &[(&str, &Path)]) -> Result<TrustRoots, TrustError> {
        let variables: Vec<_> = variables
            .iter()
            .map(|(name, path)| ((*name).to_owned(), path.as_os_str().to_owned()))
            .collect();
        TrustRoots::load(&move |name| {
            variables
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, path)| path.clone())
        })
    }

    #[test]
    fn the_aws_bundle_wins_over_the_openssl_variables() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("one.pem"), folder.path().join("two.pem"));
        fs_err::write(&one, certificate_pem()).unwrap();
        fs_err::write(&two, certificate_pem() + &certificate_pem()).unwrap();

        let both = load(&[("AWS_CA_BUNDLE", &two), ("SSL_CERT_FILE", &one)]).unwrap();
        assert_eq!(both.root_store().len(), 2);
        assert_eq!(
            both.origin().to_string(),
            format!("AWS_CA_BUNDLE={}", two.display())
        );
        assert_eq!(load(&[("SSL_CERT_FILE", &one)]).unwrap().root_store().len(), 1);
        assert_eq!(
            load(&[("SSL_CERT_DIR", folder.path())])
                .unwrap()
                .root_store()
                .len(),
            3
        );
        assert_eq!(
            load(&[("AWS_CA_BUNDLE", Path::new("")), ("SSL_CERT_FILE", &one)])
                .unwrap()
                .root_store()
                .len(),
            1
        );
    }

    #[test]
    fn a_bad_bundle_is_an_error_that_names_variable_and_file() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing.pem");
        let empty = folder.path().join("empty.pem");
        fs_err::write(&empty, "no certificate\n").unwrap();

        let error = load(&[("AWS_CA_BUNDLE", &missing)]).unwrap_err();
        assert!(
            matches!(
                error,
                TrustError::Unreadable {
                    name: "AWS_CA_BUNDLE",
                    ..
                }
            ),
            "{error}"
        );
        assert!(error.to_string().contains("missing.pem"), "{error}");
        let error = load(&[("SSL_CERT_FILE", &empty)]).unwrap_err();
        assert_eq!(
            error,
            TrustError::Empty {
                name: "SSL_CERT_FILE",
                path: empty.clone()
            }
        );
    }

    #[test]
    fn the_pem_given_to_the_sdk_is_read_back_whole() {
        use rustls::pki_types::pem::PemObject;

        let roots = TrustRoots::mozilla();
        let read: Vec<_> = CertificateDer::pem_slice_iter(roots.pem().as_bytes())
            .collect::<Result<_, _>>()
            .unwrap();
        assert_eq!(read, roots.certificates);
        assert!(read.len() > 50, "{}", read.len());
    }
}
