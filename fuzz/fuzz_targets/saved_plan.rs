//! Any bytes as a saved plan, as they are and with the digest that they would have to have: it is loaded and is what would be written
//! again, or it is refused; nothing panics.
#![no_main]

use eksact_core::saved::{SavedPlan, digest_of};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    load(bytes);
    // Who changes a plan can make its digest as well; without this no input gets behind it.
    let Ok(Value::Object(mut content)) = serde_json::from_slice::<Value>(bytes) else {
        return;
    };
    content.remove("digest");
    if let Ok(digest) = digest_of(&content) {
        content.insert("digest".to_owned(), digest.into());
        if let Ok(text) = serde_json::to_string_pretty(&Value::Object(content)) {
            load(text.as_bytes());
            load(format!("{text}\n").as_bytes());
        }
    }
});

fn load(bytes: &[u8]) {
    match SavedPlan::load(bytes) {
        Ok(plan) => assert_eq!(plan.document().as_bytes(), bytes),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
