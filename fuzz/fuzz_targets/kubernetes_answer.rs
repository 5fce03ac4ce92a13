//! Any JSON as an answer of a cluster: each kind of object is read, or the field is named that cannot be; what was read is written
//! so that it is read the same again, and nothing panics.
#![no_main]

use std::fmt::Debug;

use eksact_core::ports::kubernetes::{
    AccessReview, ConfigMap, DaemonSet, Lease, Namespace, Object, Pod, RbacBinding, RbacRole, ServiceAccount,
    UserInfo,
};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    let Ok(answer) = serde_json::from_slice::<Value>(bytes) else {
        return;
    };
    let _ = AccessReview::is_allowed(answer.clone());
    let _ = UserInfo::from_wire(answer.clone());
    read::<ConfigMap>(&answer);
    read::<DaemonSet>(&answer);
    read::<Lease>(&answer);
    read::<Namespace>(&answer);
    read::<Pod>(&answer);
    read::<RbacBinding>(&answer);
    read::<RbacRole>(&answer);
    read::<ServiceAccount>(&answer);
});

fn read<T: Object + Debug + PartialEq>(answer: &Value) {
    match T::from_wire(answer.clone()) {
        Ok(object) => {
            let again = T::from_wire(object.to_wire()).expect("what was written can be read");
            assert_eq!(again.key(), object.key());
        }
        Err(error) => assert!(!error.field.is_empty()),
    }
}
