//! As much of AWS as a plan over access entries and associations asks for: a server in this process that counts calls, lets each
//! take its time, and throttles some. It compares nothing and keeps nothing: everything is as the benchmark's file wants it.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use serde_json::{Value, json};

pub(crate) const CLUSTER: &str = "bench";
pub(crate) const REGION: &str = "eu-west-1";
pub(crate) const POLICY: &str = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy";
/// The role of every association.
pub(crate) const ROLE: &str = "arn:aws:iam::111122223333:role/reader";
/// How many calls eksact makes at once, unless it is told otherwise.
pub(crate) const IN_FLIGHT: usize = 16;
const PER_PAGE: usize = 100;

/// The principal of an entry.
pub(crate) fn principal(number: usize) -> String {
    format!("arn:aws:iam::111122223333:role/team/dev-{number:04}")
}

/// The server.
pub(crate) struct Eks {
    address: String,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    count: usize,
    latency: Duration,
    every: Option<usize>,
    calls: AtomicUsize,
    throttled: AtomicUsize,
    in_flight: AtomicUsize,
    most: AtomicUsize,
    actions: Mutex<BTreeMap<String, usize>>,
}

impl Eks {
    /// Starts one with so many entries and associations. Every so-manieth call is throttled.
    pub(crate) fn start(count: usize, latency: Duration, every: Option<usize>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let state = Arc::new(State {
            count,
            latency,
            every,
            ..State::default()
        });
        let serving = Arc::clone(&state);
        // It ends with the process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&serving);
                std::thread::spawn(move || serve(&stream, &state));
            }
        });
        Self { address, state }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn calls(&self) -> usize {
        self.state.calls.load(SeqCst)
    }

    pub(crate) fn throttled(&self) -> usize {
        self.state.throttled.load(SeqCst)
    }

    pub(crate) fn most_in_flight(&self) -> usize {
        self.state.most.load(SeqCst)
    }

    /// The calls of one of so many runs, by action.
    pub(crate) fn by_action(&self, runs: usize) -> String {
        let actions = self.state.actions.lock().unwrap();
        let actions = actions.iter();
        let words: Vec<String> = actions
            .map(|(action, count)| format!("{action} {}", count / runs))
            .collect();
        words.join(", ")
    }
}

/// Answers the requests of one connection. That the client has gone is no failure.
fn serve(stream: &TcpStream, state: &State) {
    let mut reader = BufReader::new(stream);
    while let Some((target, body)) = request(&mut reader) {
        let now = state.in_flight.fetch_add(1, SeqCst) + 1;
        state.most.fetch_max(now, SeqCst);
        std::thread::sleep(state.latency);
        let number = state.calls.fetch_add(1, SeqCst) + 1;
        let is_throttled = state.every.is_some_and(|every| number.is_multiple_of(every));
        let (status, kind, text) = if is_throttled {
            state.throttled.fetch_add(1, SeqCst);
            (
                "429 Too Many Requests",
                "application/json",
                r#"{"message":"Rate exceeded"}"#.to_owned(),
            )
        } else {
            let (action, kind, text) = answer(&target, &body, state.count);
            *state.actions.lock().unwrap().entry(action).or_default() += 1;
            ("200 OK", kind, text)
        };
        let error = if is_throttled {
            "x-amzn-ErrorType: ThrottlingException\r\n"
        } else {
            ""
        };
        state.in_flight.fetch_sub(1, SeqCst);
        let mut stream = stream;
        let sent = write!(
            stream,
            "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n{error}Content-Length: {}\r\n\r\n{text}",
            text.len()
        );
        if sent.is_err() {
            return;
        }
    }
}

/// Target and body of the next request; none where the connection ends.
fn request(reader: &mut BufReader<&TcpStream>) -> Option<(String, String)> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let target = line.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok().filter(|read| *read > 0)?;
        let Some((name, value)) = header.split_once(':') else {
            break;
        };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((target, String::from_utf8(body).ok()?))
}

/// The name of the action, and the answer with its type.
fn answer(target: &str, body: &str, count: usize) -> (String, &'static str, String) {
    if let Some(action) = body.split('&').find_map(|pair| pair.strip_prefix("Action=")) {
        return (action.to_owned(), "text/xml", query(action, count));
    }
    let (path, parameters) = target.split_once('?').unwrap_or((target, ""));
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let from: usize = parameters
        .split('&')
        .find_map(|pair| pair.strip_prefix("nextToken=")?.parse().ok())
        .unwrap_or_default();
    let page = |name: &str, one: &dyn Fn(usize) -> Value| {
        let to = (from + PER_PAGE).min(count);
        let mut page = json!({name: (from..to).map(one).collect::<Vec<_>>()});
        if to < count {
            page["nextToken"] = json!(to.to_string());
        }
        page
    };
    let (action, value) = match parts.as_slice() {
        ["access-policies"] => (
            "ListAccessPolicies",
            json!({"accessPolicies": [{"name": "AmazonEKSViewPolicy", "arn": POLICY}]}),
        ),
        ["clusters", _] => ("DescribeCluster", cluster()),
        ["clusters", _, "access-entries"] => (
            "ListAccessEntries",
            page("accessEntries", &|number| json!(principal(number))),
        ),
        ["clusters", _, "access-entries", arn] => ("DescribeAccessEntry", entry(arn)),
        ["clusters", _, "access-entries", _, "access-policies"] => (
            "ListAssociatedAccessPolicies",
            json!({"associatedAccessPolicies": [{"policyArn": POLICY,
                "accessScope": {"type": "namespace", "namespaces": ["app"]}}]}),
        ),
        ["clusters", _, "pod-identity-associations"] => {
            ("ListPodIdentityAssociations", page("associations", &association))
        }
        ["clusters", _, "pod-identity-associations", id] => {
            let number = id.trim_start_matches("a-").parse().unwrap_or_default();
            (
                "DescribePodIdentityAssociation",
                json!({"association": association(number)}),
            )
        }
        other => panic!("the benchmark's server does not know {other:?}"),
    };
    (action.to_owned(), "application/json", value.to_string())
}

fn cluster() -> Value {
    json!({"cluster": {
        "name": CLUSTER,
        "arn": format!("arn:aws:eks:{REGION}:111122223333:cluster/{CLUSTER}"),
        "status": "ACTIVE",
        "version": "1.33",
        // Nothing answers there: what a cluster says costs no call of AWS.
        "endpoint": "https://127.0.0.1:9",
        "accessConfig": {"authenticationMode": "API"},
        "computeConfig": {"enabled": true},
    }})
}

fn entry(encoded: &str) -> Value {
    let number: usize = encoded
        .rsplit('-')
        .next()
        .and_then(|digits| digits.parse().ok())
        .unwrap_or_default();
    json!({"accessEntry": {
        "principalArn": principal(number),
        "kubernetesGroups": ["developers"],
        "username": format!("user-{number}"),
        "type": "STANDARD",
        "accessEntryArn": format!("arn:aws:eks:{REGION}:111122223333:access-entry/{CLUSTER}/role/111122223333/dev-{number:04}/1"),
        "createdAt": 1_780_000_000,
        "tags": {"eksact.dev/managed-by": "eksact"},
    }})
}

fn association(number: usize) -> Value {
    let name = format!("account-{number}");
    json!({
        "clusterName": CLUSTER,
        "associationId": format!("a-{number:017}"),
        "associationArn": format!("arn:aws:eks:{REGION}:111122223333:podidentityassociation/{CLUSTER}/a-{number:017}"),
        "namespace": "app",
        "serviceAccount": name,
        "roleArn": ROLE,
        "disableSessionTags": false,
        "tags": {
            "alpha.eksctl.io/cluster-name": CLUSTER,
            "eksctl.cluster.k8s.io/v1alpha1/cluster-name": CLUSTER,
            "alpha.eksctl.io/podidentityassociation-name": format!("app/{name}"),
        },
    })
}

/// The services that answer in XML.
fn query(action: &str, count: usize) -> String {
    let result = match action {
        "GetCallerIdentity" => {
            "<Account>111122223333</Account><Arn>arn:aws:iam::111122223333:user/ann</Arn><UserId>AIDAEXAMPLE</UserId>".to_owned()
        }
        "ListRoles" => {
            let mut roles = String::from("<IsTruncated>false</IsTruncated><Roles>");
            for number in 0..count {
                // Writing to a text cannot fail.
                let _ = write!(
                    roles,
                    "<member><Path>/team/</Path><RoleName>dev-{number:04}</RoleName><RoleId>AROA{number:017}</RoleId>\
                     <Arn>{}</Arn><CreateDate>2020-01-01T00:00:00Z</CreateDate></member>",
                    principal(number)
                );
            }
            roles + "</Roles>"
        }
        "GetRole" => format!(
            "<Role><Path>/</Path><RoleName>reader</RoleName><RoleId>AROAREADER</RoleId><Arn>{ROLE}</Arn>\
             <CreateDate>2020-01-01T00:00:00Z</CreateDate><AssumeRolePolicyDocument>%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B\
             %7B%22Effect%22%3A%22Allow%22%2C%22Principal%22%3A%7B%22Service%22%3A%22pods.eks.amazonaws.com%22%7D%2C%22Action%22%3A%5B\
             %22sts%3AAssumeRole%22%2C%22sts%3ATagSession%22%5D%7D%5D%7D</AssumeRolePolicyDocument></Role>"
        ),
        "ListAttachedRolePolicies" => "<IsTruncated>false</IsTruncated><AttachedPolicies/>".to_owned(),
        "ListRolePolicies" => "<IsTruncated>false</IsTruncated><PolicyNames/>".to_owned(),
        "DescribeStacks" => "<Stacks/>".to_owned(),
        "ListStacks" => "<StackSummaries/>".to_owned(),
        other => panic!("the benchmark's server does not know {other}"),
    };
    format!("<{action}Response><{action}Result>{result}</{action}Result></{action}Response>")
}
