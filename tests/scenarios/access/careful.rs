//! What is not known is not taken for gone: mappings that cannot be resolved, sections and entries that the cluster does
//! not read.

use eksact_core::{engine::Severity, guard::Guard, ports::CallErrorKind};
use eksact_simulator::{Fault, Matching, Rule};

use super::{
    DEVELOPERS, HAND_WRITTEN, backups, deletion, file, file_with_access, hand_written, pruning, text, write,
};
use crate::scenarios::stage::{apply, attempt, plan, request, summary};

/// A refused write leaves the copy that was made before it, and says so.
#[tokio::test(start_paused = true)]
async fn refused_write_of_aws_auth_says_what_is_left() {
    let bed = hand_written();
    let refused = Fault::ErrorBefore(CallErrorKind::AccessDenied);
    let action = Matching::Action("patch configmaps".to_owned());
    bed.faults().add(Rule::once(action, 1, refused));
    let report = attempt(&bed, &request(&file(&[DEVELOPERS]))).await.unwrap();
    let [(_, error)] = report.failed.as_slice() else {
        panic!("{report:#?}")
    };
    let [backup] = backups(&bed).try_into().unwrap();
    let said = format!(
        "aws-auth is as it was, and a copy that was made before the write is kept in the ConfigMap kube-system/{backup}"
    );
    assert!(error.message.ends_with(&said), "{error}");
    assert_eq!(text(&bed, "mapRoles"), HAND_WRITTEN);
}

/// A permission set whose role cannot be looked for stands for a mapping that nobody knows: prune takes nothing then.
#[tokio::test(start_paused = true)]
async fn prune_waits_for_what_it_cannot_resolve() {
    let name = "AWSReservedSSO_Admin_0123456789abcdef";
    let bed = hand_written();
    bed.edit(|world| {
        let path = "/aws-reserved/sso.amazonaws.com/eu-west-1/";
        let role = eksact_core::ports::aws::Role {
            name: name.to_owned(),
            arn: format!("arn:aws:iam::111122223333:role{path}{name}"),
            id: "AROAADMIN".to_owned(),
            path: path.to_owned(),
            trust_policy: serde_json::json!({}),
            managed_policy_arns: Vec::new(),
            inline_policies: std::collections::BTreeMap::new(),
            max_session_seconds: None,
            permissions_boundary: None,
            tags: std::collections::BTreeMap::new(),
        };
        world.roles.insert(name.to_owned(), role);
    })
    .unwrap();
    let access =
        "identityMappings:\n- permissionSet: {name: Admin}\n  username: admin\n  groups: [system:masters]\n";
    let asked = pruning(request(&file_with_access(&[], access)));
    apply(&bed, &asked).await;
    let mapped = text(&bed, "mapRoles");
    assert!(mapped.contains(name), "{mapped}");

    bed.edit(|world| world.denied.insert("iam:ListRoles".to_owned()))
        .unwrap();
    let plan = plan(&bed, &asked).await;
    assert!(!plan.has_changes(), "{}", summary(&plan));
    assert!(summary(&plan).contains("held-back"), "{}", summary(&plan));
    bed.edit(|world| {
        world.denied.clear();
        world.roles.remove(name);
    })
    .unwrap();
    assert!(!crate::scenarios::stage::plan(&bed, &asked).await.has_changes());
}

/// Whoever deletes a mapping must not hear that there is none, while its text waits for somebody to fix the section.
#[tokio::test(start_paused = true)]
async fn entry_that_the_cluster_does_not_read_is_not_gone() {
    let fired = "arn:aws:iam::111122223333:role/fired";
    let bed = hand_written();
    let broken = format!(
        "{HAND_WRITTEN}- rolearn: {fired}\n  username: {{{{SessionName}}}}\n  groups: [system:masters]\n"
    );
    write(&bed, "mapRoles", Some(&broken));
    let dropped = plan(&bed, &deletion(fired, false)).await;
    let codes: Vec<&str> = dropped
        .findings_of(Severity::Refusal)
        .map(|finding| finding.code.as_str())
        .collect();
    assert_eq!(
        codes,
        [Guard::AwsAuthSectionDropped.code().as_str()],
        "{}",
        summary(&dropped)
    );
    // Of somebody else that section says nothing.
    let absent = plan(&bed, &deletion("arn:aws:iam::111122223333:role/nobody", false)).await;
    assert!(
        summary(&absent).contains("nothing-to-delete"),
        "{}",
        summary(&absent)
    );

    let left_out = format!(
        "{HAND_WRITTEN}- rolearn: {fired}\n  username: a\n  sso: {{permissionSetName: Admin, accountID: \"111122223333\"}}\n"
    );
    write(&bed, "mapRoles", Some(&left_out));
    let plan = plan(&bed, &deletion(fired, false)).await;
    let errors: Vec<&str> = plan
        .findings_of(Severity::Error)
        .map(|finding| finding.code.as_str())
        .collect();
    assert_eq!(errors, ["entry-dropped"], "{}", summary(&plan));
}
