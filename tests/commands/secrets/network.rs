//! AWS, a cluster and a proxy on this machine. What is known is answered; everything else is refused in a message that quotes
//! the whole request, as AWS does where a signature is wrong, and as error pages of proxies do.

use std::{
    fmt::Write as _,
    io::{BufReader, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, OnceLock},
    thread,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::planted::canary;

/// What would clear a terminal, ring its bell, overwrite a line, color it, turn its direction, hide text, or end a line.
pub(in crate::commands) const HOSTILE: &str =
    "\u{1b}[2J\u{1b}]0;x\u{7}\r\u{9b}31m\u{202e}\u{2066}\u{200b}\u{ad}\u{e0041}\u{2028}\u{85}";

/// Secrets that only answers hold.
pub(super) const SESSION_SECRET: &str = "answered-secret-key";
pub(super) const SESSION_TOKEN: &str = "answered-session-token";
const POD_TOKEN: &str = "answered-pod-token";

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::commands) enum Manner {
    /// The account and the cluster `prod`.
    Answers,
    /// Somebody who refuses every request and quotes it.
    Refuses,
    /// A proxy that wants another password.
    Proxy,
    /// Somebody whose messages would write to the terminal.
    Forges,
}

/// Starts it, and gives its address.
pub(in crate::commands) fn start(manner: Manner) -> String {
    start_telling(manner).0
}

/// Method, path and query of each request, in the order in which they came.
pub(in crate::commands) type Requests = Arc<Mutex<Vec<String>>>;

/// Starts it, and gives its address and what it is asked.
pub(in crate::commands) fn start_telling(manner: Manner) -> (String, Requests) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let own = address.clone();
    let requests = Requests::default();
    let asked = Arc::clone(&requests);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (own, asked) = (own.clone(), Arc::clone(&asked));
            thread::spawn(move || answer(&stream, manner, &own, &asked));
        }
    });
    (address, requests)
}

struct Request {
    /// Method, path and query.
    line: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Request {
    fn read(reader: &mut impl std::io::BufRead) -> Option<Self> {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let mut headers = Vec::new();
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).ok()?;
            let Some((name, value)) = header.trim_end().split_once(':') else {
                break;
            };
            headers.push((name.to_lowercase(), value.trim().to_owned()));
        }
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let length = length.map_or(0, |(_, value)| value.parse().unwrap());
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let line = line.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
        Some(Self {
            line,
            headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        })
    }

    /// The request as AWS quotes it.
    fn quoted(&self) -> String {
        let mut text = format!(
            "The Canonical String for this request should have been '{}\n",
            self.line
        );
        for (name, value) in &self.headers {
            writeln!(text, "{name}:{value}").unwrap();
        }
        format!("{text}\n{}'", self.body)
    }

    fn is(&self, what: &str) -> bool {
        self.line == what || self.body.contains(&format!("Action={what}&"))
    }
}

fn answer(mut stream: &TcpStream, manner: Manner, own: &str, asked: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream);
    while let Some(request) = Request::read(&mut reader) {
        asked.lock().unwrap().push(request.line.clone());
        let (status, kind, body) = match manner {
            Manner::Proxy => (
                "407 Proxy Authentication Required",
                "text/plain",
                request.quoted(),
            ),
            Manner::Answers => known(&request, own).unwrap_or_else(|| refused(&request, &request.quoted())),
            Manner::Refuses => refused(&request, &request.quoted()),
            Manner::Forges => refused(&request, HOSTILE),
        };
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n");
        if stream.write_all(format!("{head}{body}").as_bytes()).is_err() {
            return;
        }
    }
}

type Answer = (&'static str, &'static str, String);

fn of_xml(body: String) -> Answer {
    ("200 OK", "text/xml", body)
}

fn of_json(body: &Value) -> Answer {
    ("200 OK", "application/json", body.to_string())
}

fn refused(request: &Request, quoted: &str) -> Answer {
    if request.line.contains(" /api") || request.line.contains(" /version") {
        let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Forbidden",
                            "message": quoted, "code": 403});
        return ("403 Forbidden", "application/json", status.to_string());
    }
    if request.line.starts_with("POST / ") || request.line == "POST /" {
        let quoted = quoted
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('\u{1b}', "&#27;");
        let body = format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>SignatureDoesNotMatch</Code><Message>{quoted}</Message></Error></ErrorResponse>"
        );
        return ("403 Forbidden", "text/xml", body);
    }
    let body = json!({"__type": "InvalidSignatureException", "message": quoted});
    ("403 Forbidden", "application/json", body.to_string())
}

fn credentials_xml(action: &str) -> Answer {
    of_xml(format!(
        "<{action}Response><{action}Result><Credentials><AccessKeyId>ASIAIOSFODNN7EXAMPLE</AccessKeyId>\
         <SecretAccessKey>{}</SecretAccessKey><SessionToken>{}</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>\
         </Credentials><AssumedRoleUser><Arn>arn:aws:sts::111122223333:assumed-role/x/y</Arn><AssumedRoleId>AROAX:y</AssumedRoleId>\
         </AssumedRoleUser></{action}Result></{action}Response>",
        canary(SESSION_SECRET),
        canary(SESSION_TOKEN)
    ))
}

/// An authority for the cluster: without one nobody goes to its API. It is reached without TLS, so that no server needs a key.
fn authority() -> &'static str {
    static AUTHORITY: OnceLock<String> = OnceLock::new();
    AUTHORITY.get_or_init(|| {
        let made = rcgen::generate_simple_self_signed(["api".to_owned()]).unwrap();
        STANDARD.encode(made.cert.pem())
    })
}

fn known(request: &Request, own: &str) -> Option<Answer> {
    if request.is("GetCallerIdentity") || request.body.starts_with("Action=GetCallerIdentity") {
        return Some(of_xml(
            "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::111122223333:user/nina</Arn>\
             <UserId>AIDAX</UserId><Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
                .to_owned(),
        ));
    }
    for action in ["AssumeRoleWithWebIdentity", "AssumeRole"] {
        if request.is(action) {
            return Some(credentials_xml(action));
        }
    }
    for (action, list) in [
        ("DescribeStacks", "Stacks"),
        ("ListStacks", "StackSummaries"),
        ("ListOpenIDConnectProviders", "OpenIDConnectProviderList"),
        ("ListRoles", "Roles"),
    ] {
        if request.body.starts_with(&format!("Action={action}")) {
            return Some(of_xml(format!(
                "<{action}Response><{action}Result><{list}/></{action}Result></{action}Response>"
            )));
        }
    }
    let path = request.line.split(' ').nth(1)?.split('?').next()?;
    if let Some(rest) = path.strip_prefix("/clusters/prod") {
        let body = match rest {
            "" => json!({"cluster": {
                "name": "prod", "arn": "arn:aws:eks:eu-west-1:111122223333:cluster/prod", "status": "ACTIVE", "version": "1.33",
                "endpoint": format!("http://{own}"), "certificateAuthority": {"data": authority()},
                "identity": {"oidc": {"issuer": "https://oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF"}},
                "accessConfig": {"authenticationMode": "API_AND_CONFIG_MAP"},
            }}),
            "/access-entries" => json!({"accessEntries": []}),
            "/pod-identity-associations" => json!({"associations": []}),
            "/identity-provider-configs" => json!({"identityProviderConfigs": []}),
            "/addons" => json!({"addons": []}),
            _ => return None,
        };
        return Some(of_json(&body));
    }
    let session = json!({"AccessKeyId": "ASIAIOSFODNN7EXAMPLE", "SecretAccessKey": canary(SESSION_SECRET),
                         "Token": canary(SESSION_TOKEN), "Expiration": "2099-01-01T00:00:00Z"});
    let body = match (request.line.split(' ').next()?, path) {
        ("GET", "/container") => session,
        ("GET", "/federation/credentials") => json!({"roleCredentials": {
            "accessKeyId": "ASIAIOSFODNN7EXAMPLE", "secretAccessKey": canary(SESSION_SECRET),
            "sessionToken": canary(SESSION_TOKEN), "expiration": 4_070_908_800_000_u64}}),
        ("GET", "/version") => json!({"major": "1", "minor": "33", "gitVersion": "v1.33.0"}),
        ("POST", path) if path.ends_with("/token") => json!({
            "kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "metadata": {}, "spec": {"audiences": [], "expirationSeconds": 600},
            "status": {"token": canary(POD_TOKEN), "expirationTimestamp": "2099-01-01T00:00:00Z"}}),
        ("POST", path) if path.ends_with("accessreviews") => json!({
            "kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "metadata": {}, "spec": {}, "status": {"allowed": true}}),
        ("GET", path) if path.ends_with("/aws-auth") => json!({
            "kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "aws-auth", "namespace": "kube-system", "resourceVersion": "1"},
            "data": {"mapRoles": "- rolearn: arn:aws:iam::111122223333:role/dev\n  username: dev\n"}}),
        ("GET", path) if path.ends_with("/serviceaccounts/web") => json!({
            "kind": "ServiceAccount", "apiVersion": "v1", "metadata": {"name": "web", "namespace": "app", "resourceVersion": "1",
            "annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/web"}}}),
        ("GET", path)
            if path.matches('/').count() <= 5 && path.starts_with("/api") && path.ends_with('s') =>
        {
            json!({"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": []})
        }
        _ => return None,
    };
    Some(of_json(&body))
}
