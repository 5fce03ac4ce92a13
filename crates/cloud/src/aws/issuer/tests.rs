//! Looking at an issuer's host over real sockets: the chain as served, proxies, time limits, and hosts that misbehave.
//! What IAM makes of a thumbprint is not tested here.

use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;

/// A TLS server that shows leaf and intermediate; gives its port and the intermediate's DER.
async fn tls_server() -> (u16, Vec<u8>) {
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority
        .distinguished_name
        .push(DnType::CommonName, "Issuing\u{7} Authority");
    let authority_certificate = authority.self_signed(&authority_key).unwrap();
    let issuer = Issuer::new(authority, &authority_key);
    let leaf_key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["localhost".to_owned()])
        .unwrap()
        .signed_by(&leaf_key, &issuer)
        .unwrap();

    let chain = vec![leaf.der().clone(), authority_certificate.der().clone()];
    let key = PrivateKeyDer::try_from(leaf_key.serialize_der()).unwrap();
    let configuration = rustls::ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(configuration));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Ok(mut tls) = acceptor.accept(stream).await {
                    let _ = tls.read_u8().await;
                }
            });
        }
    });
    (port, authority_certificate.der().to_vec())
}

/// A proxy that answers each CONNECT with `answer` and, when that is a 200, joins it to `target`.
async fn proxy(answer: &'static str, target: u16) -> (u16, Arc<AtomicUsize>, Arc<std::sync::Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (connects, request) = (
        Arc::new(AtomicUsize::new(0)),
        Arc::new(std::sync::Mutex::new(String::new())),
    );
    let (counter, seen) = (Arc::clone(&connects), Arc::clone(&request));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            counter.fetch_add(1, Ordering::SeqCst);
            *seen.lock().unwrap() = String::from_utf8(head).unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
            if answer.contains(" 200 ") {
                let mut onward = TcpStream::connect(("127.0.0.1", target)).await.unwrap();
                tokio::spawn(async move { tokio::io::copy_bidirectional(&mut stream, &mut onward).await });
            }
        }
    });
    (port, connects, request)
}

fn client(proxies: Matcher) -> IssuerClient {
    IssuerClient::with_proxies(proxies, &TrustRoots::mozilla(), Duration::from_secs(5))
}

#[tokio::test]
async fn served_chain_is_reported_and_a_private_root_is_not_public() {
    let (port, intermediate) = tls_server().await;
    let url = format!("https://localhost:{port}/id/ABC");
    let chain = client(Matcher::builder().build())
        .certificate_chain(&url)
        .await
        .unwrap();
    assert_eq!(chain.certificates.len(), 2);
    let last = chain.certificates.last().unwrap();
    assert_eq!(last.thumbprint, hex::encode(Sha1::digest(&intermediate)));
    assert_eq!(last.thumbprint.len(), 40);
    assert!(last.subject.contains("Issuing Authority"), "{}", last.subject);
    assert!(last.not_after > Timestamp::now());
    assert!(!chain.publicly_trusted);
}

#[tokio::test]
async fn proxy_is_used_with_its_password_unless_no_proxy_names_the_host() {
    let (port, _) = tls_server().await;
    let (proxy_port, connects, request) = proxy("HTTP/1.1 200 Connection established\r\n\r\n", port).await;
    let proxies = || Matcher::builder().https(format!("http://nina:s3cret@127.0.0.1:{proxy_port}"));

    // The name exists nowhere but behind the proxy.
    let url = "https://oidc.eks.example.invalid/id/ABC";
    let chain = client(proxies().build()).certificate_chain(url).await.unwrap();
    assert_eq!(chain.certificates.len(), 2);
    let head = request.lock().unwrap().clone();
    assert!(
        head.starts_with("CONNECT oidc.eks.example.invalid:443 HTTP/1.1\r\n"),
        "{head}"
    );
    assert!(
        head.contains("Proxy-Authorization: Basic bmluYTpzM2NyZXQ=\r\n"),
        "{head}"
    );

    let direct = client(proxies().no("localhost").build());
    direct
        .certificate_chain(&format!("https://localhost:{port}"))
        .await
        .unwrap();
    assert_eq!(connects.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn refusing_proxy_is_named_without_its_password() {
    let (proxy_port, ..) = proxy("HTTP/1.1 403 Not from here\r\n\r\n", 0).await;
    let proxies = Matcher::builder()
        .https(format!("http://nina:s3cret@127.0.0.1:{proxy_port}"))
        .build();
    let error = client(proxies)
        .certificate_chain("https://oidc.example/id")
        .await
        .unwrap_err();
    let text = error.to_string();
    assert_eq!(error.kind, CallErrorKind::Unreachable);
    for part in [
        "oidc.example, port 443",
        "through the proxy 127.0.0.1",
        "403 Not from here",
        "--thumbprint",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("s3cret") && !text.contains("nina"), "{text}");
}

/// Endless, broken and closed answers end in an error, and a proxy that asks for a password says how to give it one.
#[tokio::test]
async fn proxy_that_answers_nonsense_is_an_error() {
    let endless: &'static str =
        Box::leak(format!("HTTP/1.1 200 OK\r\nx: {}", "y".repeat(1 << 20)).into_boxed_str());
    for (answer, wanted) in [
        (
            "HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n",
            "put them into HTTPS_PROXY=",
        ),
        (
            "HTTP/1.1 503 Bad\u{7} Day\r\n\r\n",
            "closed the connection on CONNECT",
        ),
        ("HTTP/1.1 403 \r\n\r\n", "the proxy refused the tunnel: 403"),
        (
            "SSH-2.0-OpenSSH_9.9\r\n\r\n",
            "the proxy closed the connection on CONNECT",
        ),
        (endless, "the proxy closed the connection on CONNECT"),
    ] {
        let (proxy_port, ..) = proxy(answer, 0).await;
        let proxies = Matcher::builder()
            .https(format!("http://127.0.0.1:{proxy_port}"))
            .build();
        let error = client(proxies)
            .certificate_chain("https://oidc.example/id")
            .await
            .unwrap_err();
        assert!(error.to_string().contains(wanted), "{wanted}: {error}");
    }
}

#[tokio::test]
async fn silent_host_ends_at_the_time_limit() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://127.0.0.1:{}", listener.local_addr().unwrap().port());
    let roots = TrustRoots::mozilla();
    let client = IssuerClient::with_proxies(Matcher::builder().build(), &roots, Duration::from_millis(200));
    let error = client.certificate_chain(&url).await.unwrap_err();
    assert!(error.to_string().contains("no response within 0.2 s"), "{error}");
}

#[tokio::test]
async fn issuer_is_looked_at_by_plain_https_urls_only() {
    let client = client(Matcher::builder().build());
    for url in [
        "http://oidc.example/id",
        "https://user:word@oidc.example",
        "oidc.example/id",
        "https://",
        "",
    ] {
        let error = client.certificate_chain(url).await.unwrap_err();
        assert_eq!(error.kind, CallErrorKind::Invalid, "{url}: {error}");
    }
}
