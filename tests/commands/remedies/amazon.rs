//! AWS and a cluster's API at the other end of a proxy, for commands outside the sandbox: STS with its clock and its keys, a
//! cluster of EKS with one access entry, and the server of that cluster. Nothing leaves this machine.

use std::{
    collections::BTreeMap,
    io::{Read, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

use aws_credential_types::Credentials;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use eksact_identity::authn::token::{TokenRequest, sign};
use jiff::{SignedDuration, Timestamp};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned, crypto::ring, pki_types::CertificateDer,
    pki_types::PrivateKeyDer,
};
use serde_json::{Value, json};

use super::case::{Case, case};

pub(super) const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
pub(super) const SESSION_KEY: &str = "ASIAIOSFODNN7EXAMPLE";
pub(super) const SESSION_TOKEN: &str = "the-session";
/// How far a signature's time may be from STS's.
const WINDOW: SignedDuration = SignedDuration::from_mins(15);

/// What can be otherwise in the account and the cluster.
#[derive(Default)]
pub(super) struct State {
    /// How far the clock of STS is ahead of this machine's.
    pub(super) clock: SignedDuration,
    /// The session of the second key has ended.
    pub(super) is_session_over: bool,
    /// The region whose STS the account has switched off.
    pub(super) disabled: Option<&'static str>,
    /// STS has been asked too often.
    pub(super) is_throttled: bool,
    /// The access entry was made for a user of the same name who was deleted since.
    pub(super) is_entry_of_another: bool,
    /// Whom the roles let in.
    pub(super) roles: Roles,
}

/// Whom every role lets in.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Roles {
    #[default]
    NoOne,
    Everyone,
}

/// The account, and the way to it.
#[derive(Clone)]
pub(super) struct Amazon {
    port: u16,
    authority: String,
    state: Arc<Mutex<State>>,
}

impl Amazon {
    /// An account in this state.
    pub(super) fn new(state: State) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = authority.self_signed(&key).unwrap();
        let issuer = Arc::new(Issuer::new(authority, key));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let amazon = Self {
            port: listener.local_addr().unwrap().port(),
            authority: certificate.pem(),
            state: Arc::new(Mutex::new(state)),
        };
        let own = amazon.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (own, issuer) = (own.clone(), Arc::clone(&issuer));
                // Whoever hangs up in the middle has its answer.
                std::thread::spawn(move || own.serve(stream, &issuer));
            }
        });
        amazon
    }

    /// A case outside the sandbox about this command line, with the first key.
    pub(super) fn case(&self, command: impl Into<String>) -> Case {
        case(command)
            .real()
            .file("authority.pem", self.authority.clone())
            .variable("AWS_CA_BUNDLE", "$PLACEauthority.pem")
            .variable("HTTPS_PROXY", format!("http://127.0.0.1:{}", self.port))
            .variable("AWS_EC2_METADATA_DISABLED", "true")
            .variable("AWS_ACCESS_KEY_ID", KEY)
            .variable("AWS_SECRET_ACCESS_KEY", SECRET)
    }

    /// What makes the account otherwise.
    pub(super) fn change(
        &self,
        change: impl FnOnce(&mut State) + Send + 'static,
    ) -> impl FnOnce() + Send + 'static {
        let state = Arc::clone(&self.state);
        move || change(&mut state.lock().unwrap())
    }

    fn serve(&self, mut stream: TcpStream, issuer: &Issuer<'_, KeyPair>) -> Option<()> {
        let head = read_head(&mut stream)?;
        let host = head.strip_prefix("CONNECT ")?.split(':').next()?.to_owned();
        let is_known = host.contains("amazonaws.com") || host == "api.invalid";
        if !is_known {
            return stream.write_all(b"HTTP/1.1 502 Bad Gateway\r\n\r\n").ok();
        }
        stream
            .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
            .ok()?;
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(vec![host.clone()]).unwrap();
        let chain = vec![CertificateDer::from(leaf.signed_by(&key, issuer).unwrap())];
        let configuration = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, PrivateKeyDer::try_from(key.serialize_der()).unwrap())
            .unwrap();
        let connection = ServerConnection::new(Arc::new(configuration)).unwrap();
        let mut tls = StreamOwned::new(connection, stream);
        while let Some(head) = read_head(&mut tls) {
            let length = header(&head, "content-length").and_then(|length| length.parse().ok());
            let mut body = vec![0; length.unwrap_or(0)];
            tls.read_exact(&mut body).ok()?;
            let body = String::from_utf8_lossy(&body).into_owned();
            let (status, kind, text) = self.answer(&host, &head, &body);
            let now = (Timestamp::now() + self.state.lock().unwrap().clock)
                .strftime("%a, %d %b %Y %H:%M:%S GMT")
                .to_string();
            let answer = format!(
                "HTTP/1.1 {status} X\r\ndate: {now}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n{text}",
                text.len()
            );
            tls.write_all(answer.as_bytes()).ok()?;
        }
        Some(())
    }

    fn answer(&self, host: &str, head: &str, body: &str) -> (u16, &'static str, String) {
        let target = head.split(' ').nth(1).unwrap_or_default();
        let json = |status, value: Value| (status, "application/json", value.to_string());
        if host == "api.invalid" {
            let is_in = !self.state.lock().unwrap().is_entry_of_another;
            return match target.contains("selfsubjectreviews") {
                true if is_in => json(
                    201,
                    json!({"kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1",
                        "status": {"userInfo": {"username": "ann", "groups": ["system:authenticated"]}}}),
                ),
                _ if is_in => json(403, status(403, "Forbidden")),
                _ => json(401, status(401, "Unauthorized")),
            };
        }
        match host.split('.').next() {
            Some("sts") if head.starts_with("GET") => match self.refusal(host, head, target) {
                None => json(
                    200,
                    json!({"GetCallerIdentityResponse": {"GetCallerIdentityResult": {"Account": "111122223333",
                        "Arn": "arn:aws:iam::111122223333:user/ann", "UserId": "AIDAEXAMPLE"}}}),
                ),
                Some((code, message)) => json(
                    if code == "Throttling" { 429 } else { 403 },
                    json!({"Error": {"Code": code, "Message": message, "Type": "Sender"}, "RequestId": "1"}),
                ),
            },
            Some("sts") if body.contains("Action=GetCallerIdentity") => (
                200,
                "text/xml",
                "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
                 <Arn>arn:aws:iam::111122223333:user/ann</Arn><UserId>AIDAEXAMPLE</UserId><Account>111122223333</Account>\
                 </GetCallerIdentityResult></GetCallerIdentityResponse>"
                    .to_owned(),
            ),
            Some("sts") if body.contains("Action=AssumeRole&") && self.state.lock().unwrap().roles == Roles::Everyone => (
                200,
                "text/xml",
                format!(
                    "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><Credentials>\
                     <AccessKeyId>{SESSION_KEY}</AccessKeyId><SecretAccessKey>{SECRET}</SecretAccessKey><SessionToken>{SESSION_TOKEN}\
                     </SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
                ),
            ),
            Some("eks") => self.eks(target),
            _ => (
                403,
                "text/xml",
                "<ErrorResponse><Error><Code>AccessDenied</Code><Message>No</Message></Error></ErrorResponse>"
                    .to_owned(),
            ),
        }
    }

    fn eks(&self, target: &str) -> (u16, &'static str, String) {
        let json = |status, value: Value| (status, "application/json", value.to_string());
        let entry = "arn:aws:iam::111122223333:user/ann";
        match target
            .split('?')
            .next()
            .unwrap_or_default()
            .trim_start_matches("/clusters/")
        {
            "quickstart" => json(
                200,
                json!({"cluster": {"name": "quickstart", "arn": "arn:aws:eks:eu-west-1:111122223333:cluster/quickstart",
                    "status": "ACTIVE", "version": "1.34", "endpoint": "https://api.invalid",
                    "certificateAuthority": {"data": STANDARD.encode(&self.authority)},
                    "identity": {"oidc": {"issuer": "https://oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF"}},
                    "accessConfig": {"authenticationMode": "API"}}}),
            ),
            "quickstart/access-entries" => json(200, json!({"accessEntries": [entry]})),
            path if path.ends_with("/access-policies") => json(
                200,
                json!({"clusterName": "quickstart", "principalArn": entry, "associatedAccessPolicies": []}),
            ),
            path if path.starts_with("quickstart/access-entries/") => json(
                200,
                json!({"accessEntry": {"clusterName": "quickstart", "principalArn": entry, "username": "ann",
                    "kubernetesGroups": [], "type": "STANDARD"}}),
            ),
            path => json(
                404,
                json!({"__type": "ResourceNotFoundException", "message": format!("No cluster found for name: {path}.")}),
            ),
        }
    }

    /// Why STS does not believe a presigned URL, in the order in which it looks.
    fn refusal(&self, host: &str, head: &str, target: &str) -> Option<(&'static str, &'static str)> {
        let state = self.state.lock().unwrap();
        if state.is_throttled {
            return Some(("Throttling", "Rate exceeded"));
        }
        let region = host.split('.').nth(1).unwrap_or_default();
        if state.disabled == Some(region) {
            return Some(("RegionDisabledException", "STS is not activated in this region"));
        }
        let parameters: BTreeMap<String, String> = target
            .split_once('?')?
            .1
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), decoded(value)))
            .collect();
        let parameter = |name: &str| parameters.get(name).map(String::as_str).unwrap_or_default();
        let key = parameter("X-Amz-Credential")
            .split('/')
            .next()
            .unwrap_or_default();
        let session = Some(parameter("X-Amz-Security-Token")).filter(|token| !token.is_empty());
        let unknown = Some((
            "InvalidClientTokenId",
            "The security token included in the request is invalid",
        ));
        match (key, session) {
            (SESSION_KEY, Some(SESSION_TOKEN)) if state.is_session_over => {
                return Some((
                    "ExpiredToken",
                    "The security token included in the request is expired",
                ));
            }
            (KEY, None) | (SESSION_KEY, Some(SESSION_TOKEN)) => {}
            _ => return unknown,
        }
        let signed: Timestamp =
            jiff::fmt::strtime::parse("%Y%m%dT%H%M%S%z", parameter("X-Amz-Date").replace('Z', "+0000"))
                .and_then(|time| time.to_timestamp())
                .ok()?;
        let age = (Timestamp::now() + state.clock).duration_since(signed);
        if age > WINDOW {
            return Some((
                "SignatureDoesNotMatch",
                "Signature expired: it is earlier than now",
            ));
        }
        if -age > WINDOW {
            return Some((
                "SignatureDoesNotMatch",
                "Signature not yet current: it is later than now",
            ));
        }
        let request = TokenRequest {
            cluster: header(head, "x-k8s-aws-id").unwrap_or_default(),
            region: parameter("X-Amz-Credential")
                .split('/')
                .nth(2)
                .unwrap_or_default(),
            sts_host: host,
            time: signed,
        };
        let credentials = Credentials::new(key, SECRET, session.map(ToOwned::to_owned), None, "test");
        let token = sign(&request, &credentials).ok()?;
        let encoded = token.secret().trim_start_matches("k8s-aws-v1.");
        let url = base64::engine::general_purpose::URL_SAFE_NO_PAD
            .decode(encoded)
            .ok()?;
        let is_same = String::from_utf8_lossy(&url).contains(parameter("X-Amz-Signature"));
        (!is_same).then_some((
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided",
        ))
    }
}

fn status(code: u16, reason: &str) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": reason, "reason": reason, "code": code})
}

fn read_head(stream: &mut impl Read) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    String::from_utf8(head).ok()
}

fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(':'));
    lines
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}

fn decoded(text: &str) -> String {
    let bytes = percent_encoding::percent_decode_str(text);
    bytes.decode_utf8_lossy().into_owned()
}
