//! Any text as a file of `eksact snapshot`: it is read and is written as what is read again, or it is refused; nothing panics.
#![no_main]

use eksact_core::diagnosis::authorization::{access_delta, read_snapshot, write_snapshot};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok((picture, taken_at)) = read_snapshot(text) else {
        return;
    };
    let written = write_snapshot(&picture, &taken_at).expect("what was read can be written");
    let (again, _) = read_snapshot(&written).expect("what was written can be read");
    let _ = access_delta(&picture, &again);
});
