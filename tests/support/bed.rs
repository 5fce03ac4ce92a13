//! A test bed of one's own: starts `tests/bed/bed.py`, and builds the commands and calls that a test makes against it.
//!
//! The bed ends with the value, or with the test process: it watches a pipe that this process holds. What a bed is and
//! what its control routes do is told in `tests/bed/README.md`.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio},
    sync::Mutex,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::schemas;

/// A time limit for everything that should be quick. No test waits longer for one answer.
const ANSWER_LIMIT: Duration = Duration::from_mins(1);

/// A running bed.
pub(crate) struct Bed {
    /// What the bed said of itself; the README of the bed has the keys.
    pub(crate) facts: Value,
    /// Home, working folder and files of the commands under test.
    pub(crate) home: TempDir,
    hand: Mutex<Option<Hand>>,
    answers: Mutex<BufReader<ChildStdout>>,
    child: Child,
}

impl Drop for Bed {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// An AWS call that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AwsRefusal {
    /// The service's code, such as `NoSuchEntity`.
    pub(crate) code: String,
    /// Its words.
    pub(crate) message: String,
}

impl Bed {
    /// A whole bed: AWS, kube-apiserver and the authenticator.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// A bed with these options of `bed.py`.
    pub(crate) fn start_with(options: &[&str]) -> Self {
        let mut child = Command::new("python3")
            .arg(bed_folder().join("bed.py"))
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 could not be started; the tests need Python 3.10 or newer");
        let mut line = String::new();
        let mut answers = BufReader::new(child.stdout.take().unwrap());
        answers.read_line(&mut line).unwrap();
        let facts = serde_json::from_str(&line).unwrap_or_else(|_| {
            panic!(
                "the test bed did not start (its reasons are above); run: python3 tests/bed/bed.py --install"
            )
        });
        Self {
            facts,
            home: tempfile::tempdir().unwrap(),
            hand: Mutex::new(None),
            answers: Mutex::new(answers),
            child,
        }
    }

    /// A fact that is text: `cluster`, `region`, `account`, `issuer`, `control`, …
    pub(crate) fn fact(&self, key: &str) -> &str {
        self.facts[key]
            .as_str()
            .unwrap_or_else(|| panic!("the bed has no `{key}`"))
    }

    /// The ARN that the cluster's OIDC provider has, or would have.
    pub(crate) fn provider_arn(&self) -> String {
        format!(
            "arn:aws:iam::{}:oidc-provider/{}",
            self.fact("account"),
            self.fact("issuer").trim_start_matches("https://")
        )
    }

    /// The variables of a client.
    pub(crate) fn environment(&self) -> BTreeMap<String, String> {
        strings(&self.facts["environment"])
    }

    /// eksact with these arguments, as the deployer, with the bed's environment and nothing of this process's.
    pub(crate) fn eksact<S: AsRef<str>>(&self, arguments: &[S]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_eksact"));
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home.path())
            .env("COLUMNS", "80")
            .envs(self.environment())
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .args(arguments.iter().map(AsRef::as_ref));
        command
    }

    /// The same as one of the bed's people: `planner` may read, `nobody` may nothing.
    pub(crate) fn eksact_as<S: AsRef<str>>(&self, person: &str, arguments: &[S]) -> Command {
        let keys = &self.facts["people"][person];
        let mut command = self.eksact(arguments);
        command
            .env("AWS_ACCESS_KEY_ID", keys["access_key_id"].as_str().unwrap())
            .env(
                "AWS_SECRET_ACCESS_KEY",
                keys["secret_access_key"].as_str().unwrap(),
            );
        command
    }

    /// Runs eksact and gives exit code, stdout and stderr. What it writes for machines is held against its schema.
    pub(crate) fn run<S: AsRef<str>>(&self, arguments: &[S]) -> Ran {
        Self::held(arguments, self.eksact(arguments))
    }

    /// The same as one of the bed's people.
    pub(crate) fn run_as<S: AsRef<str>>(&self, person: &str, arguments: &[S]) -> Ran {
        Self::held(arguments, self.eksact_as(person, arguments))
    }

    fn held<S: AsRef<str>>(arguments: &[S], mut command: Command) -> Ran {
        let words: Vec<&str> = arguments.iter().map(AsRef::as_ref).collect();
        let folder = command.get_current_dir().unwrap_or(Path::new(".")).to_owned();
        let before = schemas::files(&words, &folder);
        let ran = Ran::from(command.output().unwrap());
        schemas::hold(&words, &folder, &before, &ran.stdout);
        ran
    }

    /// The same command, run by a Python program of the bed that first makes its surroundings other than they are.
    pub(crate) fn by(&self, program: &str, arguments: &[&std::ffi::OsStr], command: &Command) -> Command {
        let mut by = Command::new(self.fact("python"));
        by.arg(bed_folder().join(program))
            .args(arguments)
            .arg(command.get_program())
            .args(command.get_args())
            .env_clear()
            .envs(
                command
                    .get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            )
            .current_dir(command.get_current_dir().unwrap_or(self.home.path()));
        by
    }

    /// Writes a file into the home folder and gives its path.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.home.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// One control call, such as `control("PUT", "seconds", &json!(2))`.
    pub(crate) fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        let base = self.fact("control").trim_start_matches("http://").to_owned();
        let (address, prefix) = base.split_once('/').unwrap();
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(ANSWER_LIMIT)).unwrap();
        write!(
            stream,
            "{method} /{prefix}/{path} HTTP/1.0\r\nHost: {address}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(" 200"), "{method} {path}: {answer}");
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{method} {path}: {error}: {answer}"))
    }

    /// Stops, continues, kills or starts a process of the bed, and waits until that is done:
    /// `order_process(&json!({"process": "etcd", "signal": "KILL"}))`.
    pub(crate) fn order_process(&self, order: &Value) {
        let mut answers = self.answers.lock().unwrap();
        writeln!(self.child.stdin.as_ref().unwrap(), "{order}").unwrap();
        let mut line = String::new();
        answers.read_line(&mut line).unwrap();
        assert_eq!(
            line.trim(),
            "{}",
            "{order}: the bed has ended; its reasons are above"
        );
    }

    /// How long stacks and change sets take.
    pub(crate) fn stacks_take(&self, seconds: &Value) {
        self.control("PUT", "seconds", seconds);
    }

    /// Forgets the calls made so far.
    pub(crate) fn forget_calls(&self) {
        self.control("DELETE", "log", &Value::Null);
    }

    /// The AWS calls since the last [`Bed::forget_calls`].
    pub(crate) fn calls(&self) -> Vec<LoggedCall> {
        let log = self.control("GET", "log", &Value::Null);
        let entries = log.as_array().unwrap().iter();
        entries
            .map(|entry| LoggedCall {
                call: format!(
                    "{}:{}",
                    entry["service"].as_str().unwrap_or_default(),
                    entry["action"].as_str().unwrap_or_default()
                ),
                target: entry["target"].as_str().unwrap_or_default().to_owned(),
                write: entry["write"].as_bool().unwrap_or_default(),
                status: entry["status"].as_u64().unwrap_or_default(),
                access_key: entry["access_key"].as_str().unwrap_or_default().to_owned(),
            })
            .collect()
    }

    /// The AWS writes since the last [`Bed::forget_calls`].
    pub(crate) fn writes(&self) -> Vec<LoggedCall> {
        self.calls().into_iter().filter(|call| call.write).collect()
    }

    /// One AWS call by hand, in boto3's words: `aws("iam", "get_role", json!({"RoleName": "x"}))`.
    pub(crate) fn aws(&self, service: &str, action: &str, arguments: &Value) -> Result<Value, AwsRefusal> {
        self.call(&json!({"service": service, "action": action, "arguments": arguments}))
    }

    /// One AWS call without a signature.
    pub(crate) fn aws_unsigned(
        &self,
        service: &str,
        action: &str,
        arguments: &Value,
    ) -> Result<Value, AwsRefusal> {
        self.call(&json!({"service": service, "action": action, "arguments": arguments, "unsigned": true}))
    }

    /// One Kubernetes call as administrator: HTTP status and answer.
    pub(crate) fn kubernetes(&self, method: &str, path: &str, body: &Value) -> (u64, Value) {
        let answer = self.ask(&json!({"method": method, "path": path, "body": body}));
        (answer["status"].as_u64().unwrap(), answer["ok"].clone())
    }

    /// The signature of a token's header and claims, as the issuer of any of the bed's clusters makes it.
    pub(crate) fn signature(&self, signed: &str) -> String {
        let answer = self.ask(&json!({"sign": signed}));
        answer["ok"].as_str().unwrap().to_owned()
    }

    /// The bed's kubectl as administrator.
    pub(crate) fn kubectl(&self, arguments: &[&str]) -> Ran {
        let binary = self.facts["binaries"]["kubectl"].as_str().unwrap();
        let mut command = Command::new(binary);
        command
            .env_clear()
            .env("HOME", self.home.path())
            .args(["--kubeconfig", self.fact("admin_kubeconfig")])
            .args(arguments);
        Ran::from(command.output().unwrap())
    }

    /// Loads what eksctl 0.231 made; the bed must run with the recording's cluster and issuer (its defaults).
    pub(crate) fn load_eksctl_world(&self) -> Value {
        let mut loader = Command::new("python3")
            .arg(bed_folder().join("load_world.py"))
            .arg(bed_folder().join("../fixtures/eksctl-0.231"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        writeln!(loader.stdin.take().unwrap(), "{}", self.facts).unwrap();
        let output = loader.wait_with_output().unwrap();
        assert!(output.status.success(), "the recorded world could not be loaded");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn call(&self, request: &Value) -> Result<Value, AwsRefusal> {
        let mut answer = self.ask(request);
        match answer.get_mut("ok") {
            Some(ok) => Ok(ok.take()),
            None => Err(AwsRefusal {
                code: answer["code"].as_str().unwrap_or_default().to_owned(),
                message: answer["message"].as_str().unwrap_or_default().to_owned(),
            }),
        }
    }

    fn ask(&self, request: &Value) -> Value {
        let mut hand = self.hand.lock().unwrap();
        hand.get_or_insert_with(|| Hand::start(&self.facts)).ask(request)
    }
}

/// One line of the bed's request log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LoggedCall {
    /// `iam:GetRole`.
    pub(crate) call: String,
    /// What it was about.
    pub(crate) target: String,
    /// Whether it changes something.
    pub(crate) write: bool,
    /// HTTP status; 0 for a connection that was cut.
    pub(crate) status: u64,
    /// The id of the access key with which it was signed.
    pub(crate) access_key: String,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ran {
    /// Exit code; none when a signal ended it.
    pub(crate) code: Option<i32>,
    /// What it said on stdout.
    pub(crate) stdout: String,
    /// What it said on stderr.
    pub(crate) stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    /// Asserts the exit code; the message has all that was said.
    #[track_caller]
    pub(crate) fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// stdout as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// Asserts that a text stands in stdout or stderr.
    #[track_caller]
    pub(crate) fn says(&self, text: &str) -> &Self {
        assert!(
            self.stdout.contains(text) || self.stderr.contains(text),
            "`{text}` is missing in {self}"
        );
        self
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "exit code {:?}\n-- stdout\n{}\n-- stderr\n{}",
            self.code, self.stdout, self.stderr
        )
    }
}

/// The process that makes the calls by hand: `tests/bed/hand.py`.
struct Hand {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Hand {
    fn start(facts: &Value) -> Self {
        let mut child = Command::new("python3")
            .arg(bed_folder().join("hand.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut requests = child.stdin.take().unwrap();
        writeln!(requests, "{facts}").unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Self {
            child,
            requests,
            answers,
        }
    }

    fn ask(&mut self, request: &Value) -> Value {
        writeln!(self.requests, "{request}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{request}: {error}: `{line}`"))
    }
}

impl Drop for Hand {
    fn drop(&mut self) {
        // It holds nothing that would have to be closed in order.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Looks again and again until it is so.
pub(crate) fn until(what: &str, mut so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < ANSWER_LIMIT, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The members of a JSON object whose values are text.
pub(crate) fn strings(object: &Value) -> BTreeMap<String, String> {
    let members = object.as_object().into_iter().flatten();
    members
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect()
}

pub(crate) fn bed_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bed")
}
