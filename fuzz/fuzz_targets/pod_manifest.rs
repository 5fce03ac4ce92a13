//! Any text as manifests of pods, workloads and service accounts: they are read or refused with a line, and what the webhook would put
//! into a pod can be told; nothing panics.
#![no_main]

use std::collections::BTreeMap;

use eksact_core::diagnosis::pod_credentials::manifests;
use eksact_identity::authn::pod_identity_webhook::{Webhook, ignored_annotations};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(found) = manifests(text) else { return };
    let Some((_, pod)) = &found.pod else { return };
    let webhook = Webhook::of_eks(Some("eu-west-1"));
    let role = BTreeMap::from([(
        "eks.amazonaws.com/role-arn".to_owned(),
        "arn:aws:iam::111122223333:role/dev".to_owned(),
    )]);
    for annotations in found.accounts.values().chain([&role]) {
        for has_association in [false, true] {
            let _ = ignored_annotations(annotations, has_association);
            if let Some(configuration) = webhook.configuration(Some(annotations), has_association) {
                let _ = webhook.injection(&configuration, pod).patch(pod);
            }
        }
    }
});
