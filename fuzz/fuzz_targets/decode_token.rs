//! Any bytes as a token: nothing panics, and no refusal quotes what was given.
#![no_main]

use eksact_identity::authn::token_decode::{DecodedToken, decode, find};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let token = find(&text).unwrap_or_else(|_| text.into_owned());
    match decode(&token) {
        Ok(DecodedToken::Cluster(token)) => {
            let _ = (token.accepted_until(), token.kind_of_key());
        }
        Ok(DecodedToken::ServiceAccount(token)) => {
            let _ = (token.time("exp"), token.audiences(), token.bound_to());
        }
        Err(error) => {
            let _ = error.to_string();
        }
    }
});
