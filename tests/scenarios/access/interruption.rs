//! A run that ends at any of its writes: aws-auth is the old one or the new one, and the next run leads on.

use eksact_simulator::{Fault, Matching, Rule};

use super::{DEVELOPERS, HAND_WRITTEN, file_with_access, hand_written, text};
use crate::scenarios::stage::{again, apply, assert_settled, attempt, request};
use eksact_core::ports::CallErrorKind;

const GROUPS: &str = "groups:\n- name: developers\n  bindings:\n  - rules:\n    - {apiGroups: [''], resources: [pods], verbs: [get]}\n    namespaces: [kube-public]\n";

#[tokio::test(start_paused = true)]
async fn interruption_anywhere_leaves_the_old_or_the_new_aws_auth() {
    let request = request(&file_with_access(
        &[DEVELOPERS, "account: \"444455556666\""],
        GROUPS,
    ));
    let bed = hand_written();
    apply(&bed, &request).await;
    let new = text(&bed, "mapRoles");
    let accounts = text(&bed, "mapAccounts");
    let writes = u32::try_from(bed.faults().writes().len()).unwrap();
    assert_eq!(
        writes,
        4,
        "role, binding, backup, aws-auth: {:#?}",
        bed.faults().writes()
    );
    for nth in 1..=writes {
        for fault in [
            Fault::CrashBefore,
            Fault::CrashAfter,
            Fault::ErrorAfter,
            Fault::ErrorBefore(CallErrorKind::Unreachable),
            Fault::ErrorBefore(CallErrorKind::Conflict),
            Fault::ErrorBefore(CallErrorKind::ServiceFailure),
        ] {
            let context = format!("{fault:?} at write {nth}");
            let bed = hand_written();
            bed.faults().add(Rule::once(Matching::Writes, nth, fault));
            attempt(&bed, &again(&request, 1)).await;
            let (roles, mapped) = (text(&bed, "mapRoles"), text(&bed, "mapAccounts"));
            assert!(
                (roles == HAND_WRITTEN && mapped.is_empty()) || (roles == new && mapped == accounts),
                "{context}: neither old nor new\n{roles}"
            );
            let next = bed.another_process();
            let report = attempt(&next, &again(&request, 2)).await.unwrap();
            assert!(report.succeeded(), "{context}: {report:#?}");
            assert_settled(&next, &again(&request, 3), &context).await;
            assert_eq!(
                (text(&next, "mapRoles"), text(&next, "mapAccounts")),
                (new.clone(), accounts.clone())
            );
        }
    }
}
