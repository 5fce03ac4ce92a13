//! The host that serves a cluster's OIDC issuer: the certificate chain that it shows, directly or through the proxy that
//! the environment names.
//!
//! The TLS handshake accepts any chain, because the chain itself is the answer; whether the public web trusts it is
//! judged apart and reported. No request is sent and nothing is read after the handshake.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::header::{HOST, PROXY_AUTHORIZATION};
use http::{StatusCode, Uri};
use hyper::ext::ReasonPhrase;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use sha1::{Digest, Sha1};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::error::chain_text;
use crate::trust::TrustRoots;
use eksact_core::ports::issuer::{Certificate, CertificateChain, IssuerProbe};
use eksact_core::ports::{CallError, CallErrorKind};
use eksact_message::duration::in_words;

/// Time for the whole look: name, proxy, TCP and TLS.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// What the error says to do, after the cause.
const REMEDY: &str =
    "check HTTPS_PROXY and NO_PROXY, or give --thumbprint HEX, or let IAM compute the thumbprint";

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Looks at issuers' hosts over the network.
pub struct IssuerClient {
    proxies: Matcher,
    proxy_roots: TrustRoots,
    time_limit: Duration,
}

impl IssuerClient {
    /// A client that takes its proxy from the environment. `roots` are trusted for a proxy that itself speaks TLS; they
    /// have no say about the issuer.
    pub fn from_environment(roots: &TrustRoots) -> Self {
        Self::with_proxies(Matcher::from_env(), roots, TIME_LIMIT)
    }

    fn with_proxies(proxies: Matcher, roots: &TrustRoots, time_limit: Duration) -> Self {
        Self {
            proxies,
            proxy_roots: roots.clone(),
            time_limit,
        }
    }

    async fn look(&self, target: &Target, proxy: Option<&Intercept>) -> Result<CertificateChain, String> {
        let stream = match proxy {
            Some(proxy) => self.through(proxy, target).await?,
            None => connect(&target.host, target.port).await?,
        };
        let provider = Arc::new(ring::default_provider());
        let verifier = Arc::new(AcceptAny(Arc::clone(&provider)));
        let configuration = client_configuration(&provider)?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        let tls = TlsConnector::from(Arc::new(configuration))
            .connect(target.server_name.clone(), stream)
            .await
            .map_err(|error| format!("TLS failed: {}", chain_text(&error)))?;
        let (_, connection) = tls.get_ref();
        let served = connection.peer_certificates().unwrap_or_default();
        Ok(CertificateChain {
            certificates: served.iter().map(certificate).collect::<Result<_, _>>()?,
            publicly_trusted: publicly_trusted(served, &target.server_name, provider),
        })
    }

    /// A tunnel to the target (HTTP CONNECT, RFC 9110 section 9.3.6).
    async fn through(&self, proxy: &Intercept, target: &Target) -> Result<Box<dyn Stream>, String> {
        let uri = proxy.uri();
        let host = uri.host().ok_or("the proxy's URL has no host")?;
        let stream = match uri.scheme_str() {
            Some("http") | None => connect(host, uri.port_u16().unwrap_or(80)).await?,
            Some("https") => self.tls_to_proxy(host, uri.port_u16().unwrap_or(443)).await?,
            Some(scheme) => {
                return Err(format!(
                    "a proxy of scheme `{scheme}` is not supported; use http:// or https://"
                ));
            }
        };
        let authority = format!("{}:{}", target.host, target.port);
        let mut request = http::Request::connect(&authority).header(HOST, &authority);
        if let Some(authorization) = proxy.basic_auth() {
            request = request.header(PROXY_AUTHORIZATION, authorization.clone());
        }
        let request = request
            .body(String::new())
            .map_err(|error| format!("the request for the tunnel cannot be built: {error}"))?;
        let hung_up = |error: hyper::Error| {
            format!(
                "the proxy closed the connection on CONNECT: {}",
                chain_text(&error)
            )
        };
        let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
            .title_case_headers(true)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(hung_up)?;
        // It hands the stream over once the proxy has agreed, and ends with it.
        let connection = tokio::spawn(connection.with_upgrades());
        let response = sender.send_request(request).await.map_err(hung_up)?;
        let code = response.status();
        if code.is_success() {
            let tunnel = hyper::upgrade::on(response).await.map_err(hung_up)?;
            return Ok(Box::new(TokioIo::new(tunnel)));
        }
        connection.abort();
        let reason = response.extensions().get::<ReasonPhrase>().map_or_else(
            || code.canonical_reason().unwrap_or_default().to_owned(),
            |phrase| String::from_utf8_lossy(phrase.as_bytes()).replace(char::is_control, ""),
        );
        let status = format!("{} {reason}", code.as_str());
        if code == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
            return Err(format!(
                "the proxy asks for a user and password: {status}; put them into HTTPS_PROXY=http://user:password@host:port"
            ));
        }
        Err(format!("the proxy refused the tunnel: {status}"))
    }

    async fn tls_to_proxy(&self, host: &str, port: u16) -> Result<Box<dyn Stream>, String> {
        let stream = connect(host, port).await?;
        let name = server_name(host).ok_or_else(|| format!("`{host}` is not a host name"))?;
        let configuration = client_configuration(&Arc::new(ring::default_provider()))?
            .with_root_certificates(self.proxy_roots.root_store())
            .with_no_client_auth();
        let tls = TlsConnector::from(Arc::new(configuration))
            .connect(name, stream)
            .await;
        let tls = tls.map_err(|error| format!("TLS to the proxy failed: {}", chain_text(&error)))?;
        Ok(Box::new(tls))
    }
}

impl fmt::Debug for IssuerClient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("IssuerClient")
            .field("time_limit", &self.time_limit)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl IssuerProbe for IssuerClient {
    async fn certificate_chain(&self, issuer_url: &str) -> Result<CertificateChain, CallError> {
        let failure =
            |kind, message: String| CallError::new("issuer", "TLS handshake", issuer_url, kind, message);
        let target =
            Target::of(issuer_url).map_err(|reason| failure(CallErrorKind::Invalid, reason.to_owned()))?;
        let proxy = self.proxies.intercept(&target.uri);
        let way = match &proxy {
            // The host only: the URL of a proxy may hold a password.
            Some(proxy) => format!(
                " through the proxy {}",
                proxy.uri().host().unwrap_or("without a host")
            ),
            None => String::new(),
        };
        let Target { host, port, .. } = &target;
        let unreachable = |reason: String| {
            failure(
                CallErrorKind::Unreachable,
                format!("{host}, port {port}{way}: {reason}; {REMEDY}"),
            )
        };
        let chain = tokio::time::timeout(self.time_limit, self.look(&target, proxy.as_ref()))
            .await
            .map_err(|_| unreachable(format!("no response within {}", in_words(self.time_limit))))?
            .map_err(&unreachable)?;
        if chain.certificates.is_empty() {
            return Err(unreachable("the host presented no certificate".to_owned()));
        }
        Ok(chain)
    }
}

/// Where an issuer's URL leads.
struct Target {
    uri: Uri,
    host: String,
    port: u16,
    server_name: ServerName<'static>,
}

impl Target {
    fn of(issuer_url: &str) -> Result<Self, &'static str> {
        let uri: Uri = issuer_url.parse().map_err(|_| "the issuer is not a URL")?;
        if uri.scheme_str() != Some("https") {
            return Err("the issuer is not an https URL");
        }
        let authority = uri.authority().ok_or("the issuer's URL has no host")?;
        if authority.as_str().contains('@') {
            return Err("the issuer's URL has a user; an issuer's URL must not");
        }
        let host = authority.host().to_owned();
        let server_name = server_name(&host).ok_or("the issuer's URL has no usable host")?;
        let port = authority.port_u16().unwrap_or(443);
        Ok(Self {
            uri,
            host,
            port,
            server_name,
        })
    }
}

/// A name or address as TLS wants it: an IPv6 address stands in brackets in a URL and without them here.
fn server_name(host: &str) -> Option<ServerName<'static>> {
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    ServerName::try_from(bare.to_owned()).ok()
}

async fn connect(host: &str, port: u16) -> Result<Box<dyn Stream>, String> {
    let stream = TcpStream::connect(format!("{host}:{port}")).await;
    let stream =
        stream.map_err(|error| format!("cannot connect to {host}:{port}: {}", chain_text(&error)))?;
    Ok(Box::new(stream))
}

fn client_configuration(
    provider: &Arc<CryptoProvider>,
) -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, String> {
    ClientConfig::builder_with_provider(Arc::clone(provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS cannot be set up: {error}"))
}

fn certificate(der: &CertificateDer<'static>) -> Result<Certificate, String> {
    let (_, parsed) = X509Certificate::from_der(der)
        .map_err(|error| format!("the host presented a certificate that cannot be read: {error}"))?;
    // Names come from a stranger: no control characters to a terminal.
    let plain = |name: String| name.chars().filter(|letter| !letter.is_control()).collect();
    let seconds = parsed.validity().not_after.timestamp();
    Ok(Certificate {
        thumbprint: hex::encode(Sha1::digest(der.as_ref())),
        subject: plain(parsed.subject().to_string()),
        issuer: plain(parsed.issuer().to_string()),
        // A date beyond what a timestamp holds means "never".
        not_after: Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX),
    })
}

/// Whether the chain leads, for this host and now, to a root that the public web trusts.
fn publicly_trusted(
    served: &[CertificateDer<'_>],
    server_name: &ServerName<'_>,
    provider: Arc<CryptoProvider>,
) -> bool {
    let roots = Arc::new(TrustRoots::mozilla().root_store());
    let (Some((leaf, rest)), Ok(verifier)) = (
        served.split_first(),
        WebPkiServerVerifier::builder_with_provider(roots, provider).build(),
    ) else {
        return false;
    };
    verifier
        .verify_server_cert(leaf, rest, server_name, &[], UnixTime::now())
        .is_ok()
}

/// Accepts every chain, but checks that the host holds the key of the leaf that it shows.
#[derive(Debug)]
struct AcceptAny(Arc<CryptoProvider>);

impl ServerCertVerifier for AcceptAny {
    fn verify_server_cert(
        &self,
        _leaf: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests;
