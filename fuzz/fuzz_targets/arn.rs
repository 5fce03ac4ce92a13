//! Any text as an ARN: it is one, which is written as it was read, or it is refused; what the authenticator makes of it is one
//! that it makes the same of again.
#![no_main]

use eksact_identity::{
    authn::{arn::canonicalize, aws_auth::Identity},
    iam::{Arn, policy::authorization::Caller},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(arn) = text.parse::<Arn>() {
        assert_eq!(arn.to_string(), text);
        let _ = (arn.role_name(), arn.policy_name());
    }
    if let Ok(canonical) = canonicalize(text) {
        let again = canonicalize(&canonical.arn).expect("what is canonical is an ARN");
        assert_eq!(again.arn, canonical.arn);
    }
    let _ = Caller::of_arn(text);
    let _ = Identity::from_caller(text, "111122223333", "AIDAX", "AKIAX");
});
