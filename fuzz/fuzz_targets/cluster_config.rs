//! Any bytes as a ClusterConfig file: it is loaded, or refused with diagnostics; nothing panics.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = eksact_core::config::load("fuzz.yaml", bytes);
});
