//! A server in this process in the place of AWS: it counts calls, lets each take its time, and throttles some. What it answers is the
//! benchmark's matter.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use serde_json::Value;

/// An answer to a call.
pub(crate) struct Answer {
    action: String,
    status: &'static str,
    kind: &'static str,
    /// The type of an error, in its header.
    error: &'static str,
    text: String,
}

impl Answer {
    /// Of a service that speaks JSON.
    pub(crate) fn json(action: &str, value: &Value) -> Self {
        Self {
            action: action.to_owned(),
            status: "200 OK",
            kind: "application/json",
            error: "",
            text: value.to_string(),
        }
    }

    /// Of one that speaks XML.
    pub(crate) fn xml(action: &str, text: String) -> Self {
        Self {
            kind: "text/xml",
            text,
            ..Self::json(action, &Value::Null)
        }
    }

    /// The same with another status.
    #[allow(dead_code, reason = "not every benchmark refuses something")]
    pub(crate) fn refused(self, status: &'static str) -> Self {
        Self { status, ..self }
    }
}

/// Makes an answer of a request's target and body; none where it is never answered.
type Respond = dyn Fn(&str, &str) -> Option<Answer> + Send + Sync;

/// The server.
pub(crate) struct Server {
    address: String,
    state: Arc<State>,
}

struct State {
    respond: Box<Respond>,
    latency: Duration,
    every: Option<usize>,
    calls: AtomicUsize,
    throttled: AtomicUsize,
    in_flight: AtomicUsize,
    most: AtomicUsize,
    actions: Mutex<BTreeMap<String, usize>>,
}

impl Server {
    /// Starts one. Every so-manieth call is throttled.
    pub(crate) fn start(
        latency: Duration,
        every: Option<usize>,
        respond: impl Fn(&str, &str) -> Option<Answer> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let state = Arc::new(State {
            respond: Box::new(respond),
            latency,
            every,
            calls: AtomicUsize::default(),
            throttled: AtomicUsize::default(),
            in_flight: AtomicUsize::default(),
            most: AtomicUsize::default(),
            actions: Mutex::default(),
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

    #[allow(dead_code, reason = "not every benchmark throttles")]
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
        let answer = if is_throttled {
            state.throttled.fetch_add(1, SeqCst);
            Answer {
                action: String::new(),
                status: "429 Too Many Requests",
                kind: "application/json",
                error: "x-amzn-ErrorType: ThrottlingException\r\n",
                text: r#"{"message":"Rate exceeded"}"#.to_owned(),
            }
        } else {
            let Some(answer) = (state.respond)(&target, &body) else {
                // Until the client gives up.
                let _ = reader.read(&mut [0]);
                state.in_flight.fetch_sub(1, SeqCst);
                return;
            };
            let mut actions = state.actions.lock().unwrap();
            *actions.entry(answer.action.clone()).or_default() += 1;
            answer
        };
        state.in_flight.fetch_sub(1, SeqCst);
        // One write: the kernel would hold back the second until the client has acknowledged the first, some 40 ms later.
        let response = format!(
            "HTTP/1.1 {}\r\nContent-Type: {}\r\n{}Content-Length: {}\r\n\r\n{}",
            answer.status,
            answer.kind,
            answer.error,
            answer.text.len(),
            answer.text
        );
        let mut stream = stream;
        let sent = stream.write_all(response.as_bytes());
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
