//! Any text as what kubectl says in `KUBERNETES_EXEC_INFO`, and as a text with secrets in it that somebody quotes: an answer in a version
//! that kubectl knows, no secret where the text has been through the filter, and nothing panics.
#![no_main]

use eksact_identity::authn::exec_credential::{exec_credential, negotiate};
use eksact_message::quoted::without_secrets;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let negotiated = negotiate(Some(text));
    let expires = "2030-01-02T03:04:05Z".parse().expect("a time");
    let answer = exec_credential(negotiated.version, "k8s-aws-v1.x", expires);
    assert!(answer.contains("k8s-aws-v1.x"));
    let once = without_secrets(text).into_owned();
    assert_eq!(without_secrets(&once), once, "twice is once");
    if !text.contains("Canary/7") {
        let token = format!("{text} x-amz-security-token:Canary/7+Q=\n{text}");
        assert!(!without_secrets(&token).contains("Canary/7"));
    }
});
