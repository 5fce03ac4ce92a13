//! Which certificate authorities eksact trusts: one set of rules for AWS, the issuer's proxy and Kubernetes, so that one
//! variable serves all.
//!
//! What a cluster's own authority is, and who trusts it besides these, is `kubernetes`'s.

use std::error::Error as _;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use pem::{EncodeConfig, LineEnding, Pem};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

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
    #[error("{name} names {path}, which contains no certificate in PEM format (-----BEGIN \
         CERTIFICATE-----); correct or unset {name}", path = path.display())]
    Empty {
        /// The variable.
        name: &'static str,
        /// What it names.
        path: PathBuf,
    },
}

/// Certificate authorities that connections trust.
#[derive(Clone)]
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

    /// Those that a variable names, see [`TrustRoots::named`], instead of the system's store; else
    /// [`TrustRoots::system`].
    pub fn load(variable: &dyn Fn(&str) -> Option<OsString>) -> Result<Self, TrustError> {
        Ok(Self::named(variable)?.unwrap_or_else(Self::system))
    }

    /// Those of `AWS_CA_BUNDLE` (as the AWS CLI has it), else of `SSL_CERT_FILE` and `SSL_CERT_DIR` (as OpenSSL and Go
    /// have them); none where no variable is set. `variable` looks one up; an empty value counts as unset. A variable
    /// that gives no certificate is an error: what it was meant to trust would fail later with less to say.
    pub fn named(variable: &dyn Fn(&str) -> Option<OsString>) -> Result<Option<Self>, TrustError> {
        let named = |name: &'static str| {
            variable(name)
                .filter(|value| !value.is_empty())
                .map(|value| (name, PathBuf::from(value)))
        };
        if let Some((name, path)) = named("AWS_CA_BUNDLE") {
            return Self::from_variable((name, &path), Some(&path), None).map(Some);
        }
        let (file, folder) = (named("SSL_CERT_FILE"), named("SSL_CERT_DIR"));
        let folder_path = folder.as_ref().map(|(_, path)| path.as_path());
        if let Some((name, path)) = &file {
            return Self::from_variable((name, path), Some(path), folder_path).map(Some);
        }
        if let Some((name, path)) = &folder {
            return Self::from_variable((name, path), None, Some(path)).map(Some);
        }
        Ok(None)
    }

    /// The system's store, else (in a bare container image) Mozilla's list.
    pub fn system() -> Self {
        let system = Self::keep(
            rustls_native_certs::load_native_certs().certs,
            TrustOrigin::System,
        );
        if system.certificates.is_empty() {
            return Self::mozilla();
        }
        system
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
                reason: error.source().unwrap_or(error).to_string(),
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

    /// The roots in DER form, for kube.
    pub fn der(&self) -> Vec<Vec<u8>> {
        self.certificates
            .iter()
            .map(|certificate| certificate.to_vec())
            .collect()
    }

    /// The roots as PEM, the form in which the SDK's client takes them.
    pub fn pem(&self) -> String {
        let certificates = self.certificates.iter();
        let blocks: Vec<Pem> = certificates
            .map(|certificate| Pem::new("CERTIFICATE", certificate.as_ref()))
            .collect();
        ::pem::encode_many_config(&blocks, EncodeConfig::new().set_line_ending(LineEnding::LF))
    }
}

impl fmt::Debug for TrustRoots {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TrustRoots")
            .field("origin", &self.origin)
            .field("certificates", &self.certificates.len())
            .finish_non_exhaustive()
    }
}

/// DER of the certificates in a PEM text that can serve as roots; none when there is not one.
pub fn roots_of_pem(pem: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut store = RootCertStore::empty();
    let roots: Vec<Vec<u8>> = CertificateDer::pem_slice_iter(pem)
        .filter_map(Result::ok)
        .filter(|certificate| store.add(certificate.clone()).is_ok())
        .map(|certificate| certificate.to_vec())
        .collect();
    (!roots.is_empty()).then_some(roots)
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
    fn aws_bundle_wins_over_the_openssl_variables() {
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
    fn system_counts_where_no_variable_names_a_file() {
        assert!(TrustRoots::named(&|_| None).unwrap().is_none());
        let roots = load(&[]).unwrap();
        assert!(matches!(
            roots.origin(),
            TrustOrigin::System | TrustOrigin::Mozilla
        ));
        assert!(!roots.der().is_empty());
    }

    #[test]
    fn bad_bundle_is_an_error_that_names_variable_and_file() {
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
    fn pem_given_to_the_sdk_is_read_back_whole() {
        let roots = TrustRoots::mozilla();
        let read: Vec<_> = CertificateDer::pem_slice_iter(roots.pem().as_bytes())
            .collect::<Result<_, _>>()
            .unwrap();
        assert_eq!(read, roots.certificates);
        assert!(read.len() > 50, "{}", read.len());
    }
}
