//! Any JSON as the template of a stack, as CloudFormation gives it: the role is told, or where it cannot be; nothing panics.
#![no_main]

use eksact_identity::{
    cloudformation::{ResolveContext, resolve},
    iam::{Partition, policy::equal},
};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    let Ok(template) = serde_json::from_slice::<Value>(bytes) else {
        return;
    };
    let context = ResolveContext {
        stack_name: "eksctl-prod".to_owned(),
        partition: Partition::Aws,
        account: "111122223333".to_owned(),
        region: "eu-west-1".to_owned(),
    };
    match resolve(&template, &context) {
        Ok(role) => assert!(equal(&role.trust_policy, &role.trust_policy)),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
