//! The programs of the test bed that are called one by one.

use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;

use serde::de::DeserializeOwned;

/// The path of a program, built or installed if it is not there yet.
pub(crate) fn path(name: &str) -> String {
    let bed = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bed/bed.py");
    let output = Command::new("python3")
        .arg(bed)
        .args(["--program", name])
        .stderr(Stdio::inherit())
        .output()
        .expect("python3 could not be started; the tests need Python 3.10 or newer");
    assert!(
        output.status.success(),
        "the test bed could not build it; its reasons are above"
    );
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Asks a program about everything, a line each by `line`, in one run; each of its answers is looked at when it comes.
pub(crate) fn ask<T: Send, A: DeserializeOwned>(
    name: &str,
    all: impl Iterator<Item = T> + Send,
    line: impl Fn(&T) -> String + Send,
    mut look: impl FnMut(&T, &A),
) {
    let mut child = Command::new(path(name))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = BufWriter::new(child.stdin.take().unwrap());
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let (sender, asked) = mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for one in all {
                writeln!(stdin, "{}", line(&one)).unwrap();
                sender.send(one).unwrap();
            }
            stdin.flush().unwrap();
        });
        for line in stdout.lines() {
            let answer = serde_json::from_str(&line.unwrap()).unwrap();
            look(&asked.recv().unwrap(), &answer);
        }
    });
    assert!(child.wait().unwrap().success());
    assert!(asked.try_recv().is_err(), "{name} left something unanswered");
}
