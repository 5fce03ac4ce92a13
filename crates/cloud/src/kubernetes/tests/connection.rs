//! Connecting over real sockets: trust, proxies, time limits, kubeconfigs and their plugins.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

use super::{Numbered, connected};
use crate::kubernetes::{ClusterEndpoint, KubeconfigContext, NetworkSettings, Transport};
use eksact_core::ports::{CallError, CallErrorKind, kubernetes::KubernetesReader};

/// A host name that no DNS knows: only a proxy can lead to it.
const NAMED_HOST: &str = "api.prod.invalid";

/// Heads of the requests that a server was sent.
type Heads = Arc<Mutex<Vec<String>>>;

struct Server {
    address: SocketAddr,
    heads: Heads,
    /// PEM; empty for a server without TLS.
    certificate: String,
}

async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()
}

/// Answers `/version`: with 401 while the token is `stale`.
async fn answer_one(mut stream: impl AsyncRead + AsyncWrite + Unpin, heads: Heads) {
    let Some(head) = read_head(&mut stream).await else {
        return;
    };
    let (code, body) = if head.contains("Bearer stale") {
        (
            "401 Unauthorized",
            r#"{"kind":"Status","status":"Failure","reason":"Unauthorized","message":"Unauthorized","code":401}"#,
        )
    } else {
        ("200 OK", r#"{"gitVersion":"v1.36.3"}"#)
    };
    heads.lock().unwrap().push(head);
    let length = body.len();
    let answer = format!("HTTP/1.1 {code}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
}

async fn http_server() -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server {
        address: listener.local_addr().unwrap(),
        heads: Heads::default(),
        certificate: String::new(),
    };
    let heads = server.heads.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer_one(stream, heads.clone()));
        }
    });
    server
}

/// An API with a certificate that only itself trusts, for 127.0.0.1 and [`NAMED_HOST`].
async fn https_server() -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["127.0.0.1".to_owned(), NAMED_HOST.to_owned()]).unwrap();
    let server = Server {
        address: listener.local_addr().unwrap(),
        heads: Heads::default(),
        certificate: cert.pem(),
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![cert.der().clone()],
            PrivatePkcs8KeyDer::from(signing_key.serialize_der()).into(),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let heads = server.heads.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(stream) = acceptor.accept(stream).await {
                tokio::spawn(answer_one(stream, heads.clone()));
            }
        }
    });
    server
}

/// A proxy that leads every CONNECT to `target`, or refuses all without a target.
async fn proxy(target: Option<SocketAddr>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server {
        address: listener.local_addr().unwrap(),
        heads: Heads::default(),
        certificate: String::new(),
    };
    let heads = server.heads.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let heads = heads.clone();
            tokio::spawn(async move {
                let head = read_head(&mut stream).await.unwrap();
                heads.lock().unwrap().push(head);
                let Some(target) = target else {
                    let _ = stream.write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n").await;
                    return;
                };
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                let mut api = TcpStream::connect(target).await.unwrap();
                let _ = copy_bidirectional(&mut stream, &mut api).await;
            });
        }
    });
    server
}

fn self_signed() -> String {
    generate_simple_self_signed(["other".to_owned()])
        .unwrap()
        .cert
        .pem()
}

async fn version(url: String, authority: &str, network: &NetworkSettings) -> Result<String, CallError> {
    let cluster = ClusterEndpoint {
        name: "prod".to_owned(),
        url,
        certificate_authority_data: STANDARD.encode(authority),
        is_public: false,
    };
    let transport = Transport::connect_cluster(&cluster, Arc::new(Numbered::default()), network)?;
    connected(transport).server_version().await
}

#[tokio::test]
async fn clusters_own_authority_and_extra_ones_are_trusted_and_no_other() {
    let server = https_server().await;
    let url = format!("https://{}", server.address);
    let plain = NetworkSettings::default();
    assert_eq!(
        version(url.clone(), &server.certificate, &plain).await.unwrap(),
        "v1.36.3"
    );
    assert!(server.heads.lock().unwrap()[0].contains("Bearer token-1"));

    let error = version(url.clone(), &self_signed(), &plain).await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Unreachable);
    for part in [&url, "certificate", "AWS_CA_BUNDLE", "SSL_CERT_FILE"] {
        assert!(error.message.contains(part), "{part}: {error}");
    }
    assert!(!error.to_string().contains("token-1"), "{error}");

    // As with a proxy that opens TLS: its root comes besides the cluster's.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("proxy.pem");
    fs_err::write(&path, &server.certificate).unwrap();
    let network =
        NetworkSettings::from_variables(|name| (name == "AWS_CA_BUNDLE").then(|| path.clone().into()))
            .unwrap();
    assert_eq!(version(url, &self_signed(), &network).await.unwrap(), "v1.36.3");
}

#[tokio::test]
async fn proxy_is_used_with_its_credentials_and_named_when_it_refuses() {
    let server = https_server().await;
    let url = format!("https://{NAMED_HOST}");
    let through = |proxy: &Server| NetworkSettings {
        https_proxy: Some(format!("http://user:pa%40ss@{}", proxy.address)),
        ..NetworkSettings::default()
    };
    let open = proxy(Some(server.address)).await;
    let answer = version(url.clone(), &server.certificate, &through(&open)).await;
    assert_eq!(answer.unwrap(), "v1.36.3");
    let head = open.heads.lock().unwrap()[0].clone();
    assert!(head.starts_with(&format!("CONNECT {NAMED_HOST}:443 ")), "{head}");
    let credentials = format!("Basic {}", STANDARD.encode("user:pa@ss"));
    assert!(head.contains(&credentials), "{head}");

    let closed = proxy(None).await;
    let error = version(url, &server.certificate, &through(&closed))
        .await
        .unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Unreachable);
    let way = format!(
        "{NAMED_HOST} through the proxy {} cannot be reached",
        closed.address
    );
    assert!(error.message.contains(&way), "{error}");
    assert!(!error.to_string().contains("pa%40ss"), "{error}");
}

#[tokio::test]
async fn endpoint_that_nobody_serves_is_named_with_the_remedy() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = version(url.clone(), &self_signed(), &NetworkSettings::default())
        .await
        .unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Unreachable);
    for part in [&url, "refused", "private", "VPN", "--kubeconfig"] {
        assert!(error.message.contains(part), "{part}: {error}");
    }
}

/// A security group that drops packets looks like this: nothing ever answers.
#[tokio::test]
async fn endpoint_that_stays_silent_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let network = NetworkSettings {
        connect_limit: Duration::from_millis(200),
        ..NetworkSettings::default()
    };
    let start = Instant::now();
    let error = version(url, &self_signed(), &network).await.unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(4));
    assert_eq!(error.kind, CallErrorKind::Unreachable);
    assert!(
        error.message.contains("did not answer in time") && error.message.contains("VPN"),
        "{error}"
    );

    // The same after the connection stands.
    let cluster = ClusterEndpoint {
        name: "prod".to_owned(),
        url: format!("http://{}", listener.local_addr().unwrap()),
        certificate_authority_data: STANDARD.encode(self_signed()),
        is_public: false,
    };
    let tokens = Arc::new(Numbered::default());
    let mut transport = Transport::connect_cluster(&cluster, tokens, &network).unwrap();
    transport.answer_limit = Duration::from_millis(200);
    let error = connected(transport).server_version().await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Unreachable);
    assert!(error.message.contains("within 0.2 s"), "{error}");
}

#[tokio::test]
async fn authority_that_is_none_is_refused_at_once() {
    let url = "https://127.0.0.1:1".to_owned();
    let error = version(url, "no certificate", &NetworkSettings::default())
        .await
        .unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Invalid);
    assert!(error.message.contains("certificateAuthority.data"), "{error}");
}

fn kubeconfig(folder: &Path, cluster: &str, user: &str) -> KubeconfigContext {
    let path = folder.join("config");
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: tunnel\n\
         clusters: [{{name: c, cluster: {cluster}}}]\n\
         contexts: [{{name: tunnel, context: {{cluster: c, user: u}}}}, {{name: broken, context: {{cluster: gone, user: u}}}}]\n\
         users: [{{name: u, user: {user}}}]\n"
    );
    fs_err::write(&path, text).unwrap();
    KubeconfigContext {
        path: Some(path),
        context: None,
    }
}

async fn kubeconfig_version(kubeconfig: &KubeconfigContext) -> Result<String, CallError> {
    let transport = Transport::connect_kubeconfig(kubeconfig, &NetworkSettings::default()).await?;
    connected(transport).server_version().await
}

#[tokio::test]
async fn context_brings_its_server_authority_and_token() {
    let server = https_server().await;
    let folder = tempfile::tempdir().unwrap();
    let authority = STANDARD.encode(&server.certificate);
    let cluster = format!(
        "{{server: 'https://{}', certificate-authority-data: {authority}}}",
        server.address
    );
    let context = kubeconfig(folder.path(), &cluster, "{token: from-file}");
    assert_eq!(kubeconfig_version(&context).await.unwrap(), "v1.36.3");

    // A tunnel: another address than the certificate's, and the proxy that the file names.
    let proxy = proxy(Some(server.address)).await;
    let cluster = format!(
        "{{server: 'https://tunnel.invalid:8443', tls-server-name: {NAMED_HOST}, certificate-authority-data: {authority}, proxy-url: 'http://{}'}}",
        proxy.address
    );
    let context = kubeconfig(folder.path(), &cluster, "{token: from-file}");
    assert_eq!(kubeconfig_version(&context).await.unwrap(), "v1.36.3");
    assert!(proxy.heads.lock().unwrap()[0].starts_with("CONNECT tunnel.invalid:8443 "));
    for head in &*server.heads.lock().unwrap() {
        assert!(
            head.to_lowercase().contains("authorization: bearer from-file"),
            "{head}"
        );
    }
}

#[tokio::test]
async fn plugin_runs_once_and_again_only_when_its_token_is_refused() {
    let server = http_server().await;
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("runs");
    let script = folder.path().join("get-token.sh");
    let text = format!(
        "echo run >> '{0}'\n[ $(wc -l < '{0}') = 1 ] && token=stale || token=fresh\n\
         echo '{{\"apiVersion\":\"client.authentication.k8s.io/v1beta1\",\"status\":{{\"token\":\"'$token'\"}}}}'\n",
        runs.display()
    );
    fs_err::write(&script, text).unwrap();
    let cluster = format!("{{server: 'http://{}'}}", server.address);
    let user = format!(
        "{{exec: {{apiVersion: client.authentication.k8s.io/v1beta1, command: sh, args: ['{}'], interactiveMode: Never}}}}",
        script.display()
    );
    let context = kubeconfig(folder.path(), &cluster, &user);
    let transport = Transport::connect_kubeconfig(&context, &NetworkSettings::default())
        .await
        .unwrap();
    let client = connected(transport);
    assert_eq!(fs_err::read_to_string(&runs).unwrap().lines().count(), 1);
    for _ in 0..2 {
        assert_eq!(client.server_version().await.unwrap(), "v1.36.3");
    }
    assert_eq!(fs_err::read_to_string(&runs).unwrap().lines().count(), 2);
    assert!(!format!("{client:?}").contains("fresh"));
}

#[tokio::test]
async fn kubeconfig_that_cannot_be_used_says_why_and_shows_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let usable = "{server: 'https://127.0.0.1:1'}";
    for (cluster, user, context, expected) in [
        (
            usable,
            "{token: secret}",
            Some("prod"),
            "there are: tunnel, broken",
        ),
        (
            usable,
            "{token: secret}",
            Some("broken"),
            "\"gone\" is not in the file",
        ),
        ("{}", "{token: secret}", None, "not a URL"),
        (
            "{server: 'https://x', proxy-url: 'ftp://u:secret@p'}",
            "{}",
            None,
            "proxy of type ftp",
        ),
        (usable, "{token: [secret", None, "YAML cannot be read"),
        (
            "{server: 'https://x', certificate-authority: missing.pem}",
            "{}",
            None,
            "missing.pem",
        ),
        (
            "{server: 'https://x', certificate-authority-data: c2VjcmV0}",
            "{}",
            None,
            "no certificate in PEM",
        ),
        (usable, "{tokenFile: missing-token}", None, "missing-token"),
    ] {
        let mut kubeconfig = kubeconfig(folder.path(), cluster, user);
        kubeconfig.context = context.map(ToOwned::to_owned);
        let error = kubeconfig_version(&kubeconfig).await.unwrap_err();
        let kind = if expected == "missing-token" {
            CallErrorKind::Credentials
        } else {
            CallErrorKind::Invalid
        };
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.to_string().contains(expected), "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
    let nowhere = KubeconfigContext {
        path: Some(folder.path().join("nowhere")),
        context: None,
    };
    let error = kubeconfig_version(&nowhere).await.unwrap_err();
    assert!(error.to_string().contains("nowhere"), "{error}");
}
