//! The programs of the test bed that are called one by one.

use std::path::Path;
use std::process::{Command, Stdio};

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
