//! Any text as an AWS config file: a profile is written into it, or it is said why not; what was written is found again, a second
//! time nothing changes, and nothing panics.
#![no_main]

use eksact_credentials::profile::{ProfileEdit, ProfileText};
use libfuzzer_sys::fuzz_target;

const EDITS: [ProfileEdit<'static>; 3] = [
    ProfileEdit::Set("role_arn", "arn:aws:iam::111122223333:role/dev"),
    ProfileEdit::Set("source_profile", "nina"),
    ProfileEdit::Remove("credential_source"),
];

fuzz_target!(|text: &str| {
    for profile in ["deployer", "default"] {
        let Ok(written) = ProfileText::read(text).edited(profile, &EDITS) else {
            continue;
        };
        let again = ProfileText::read(&written)
            .edited(profile, &EDITS)
            .expect("what was written can be changed");
        assert_eq!(again, written);
    }
});
