//! Any text as the manifest of an aws-auth ConfigMap, and as each of its sections: it is read or refused, its faults have a
//! line, and nothing panics.
#![no_main]

use std::collections::BTreeMap;

use eksact_identity::authn::aws_auth::{Identity, SectionKey, map, parse};
use eksact_identity::authn::aws_auth_manifest::Manifest;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(manifests) = Manifest::read_all(text) {
        for manifest in manifests {
            look_at(&manifest.data);
        }
    }
    let data = SectionKey::ALL
        .iter()
        .map(|key| (key.as_str().to_owned(), text.to_owned()));
    look_at(&data.collect());
});

fn look_at(data: &BTreeMap<String, String>) {
    let aws_auth = parse(data);
    for (_, fault) in aws_auth.dropped() {
        assert!(fault.line.is_some_and(|line| line > 0), "{fault:?}");
    }
    for caller in [
        "arn:aws:sts::111122223333:assumed-role/dev/ann",
        "arn:aws:iam::111122223333:user/ann",
    ] {
        if let Ok(identity) = Identity::from_caller(caller, "111122223333", "AIDAX", "AKIAX") {
            let _ = map(&aws_auth, &identity);
        }
    }
}
