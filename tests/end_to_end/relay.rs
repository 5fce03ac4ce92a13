//! `tests/bed/relay.py`: what stands between eksact and the kube-apiserver, and cuts, stalls and falsifies.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use super::bed::Bed;

/// A running relay.
pub(super) struct Relay {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    pub(super) endpoint: String,
}

impl Relay {
    pub(super) fn start(bed: &Bed) -> Self {
        let mut child = Command::new("python3")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bed/relay.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut relay = Self {
            orders: child.stdin.take().unwrap(),
            answers: BufReader::new(child.stdout.take().unwrap()),
            child,
            endpoint: String::new(),
        };
        let told = relay.order(&bed.facts);
        told["endpoint"].as_str().unwrap().clone_into(&mut relay.endpoint);
        relay
    }

    pub(super) fn order(&mut self, order: &Value) -> Value {
        writeln!(self.orders, "{order}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{order}: {error}: `{line}`"))
    }

    pub(super) fn hits(&mut self) -> u64 {
        self.order(&json!({}))["hits"].as_u64().unwrap()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // It holds nothing that would have to be closed in order.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
