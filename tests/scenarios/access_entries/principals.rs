//! The principals of entries: missing ones, those with another path, and those that were made again under the old name.

use eksact_core::engine::{Action, Severity};
use jiff::Timestamp;

use super::{
    DERIVED, DEV, codes, dev, entry, live, make_role, wanting, with_entries, world_with_roles, writes,
};
use crate::scenarios::stage::{apply, assert_settled, fresh_world, plan, sandbox};

#[tokio::test(start_paused = true)]
async fn principal_that_does_not_exist_gets_no_entry() {
    let bed = sandbox(fresh_world());
    let planned = plan(&bed, &wanting(&[&dev("")])).await;
    assert_eq!(codes(&planned, Severity::Error), ["principal-missing"]);
    assert!(!planned.has_changes());
}

#[tokio::test(start_paused = true)]
async fn principal_without_its_path_is_told_with_the_arn_that_it_has() {
    let bed = sandbox(world_with_roles());
    let planned = plan(
        &bed,
        &wanting(&["principalARN: arn:aws:iam::111122223333:role/dev"]),
    )
    .await;
    assert_eq!(codes(&planned, Severity::Error), ["principal-path"]);
    let help = planned.findings[0].help.as_deref().unwrap();
    assert!(help.contains(DEV), "{help}");
    assert!(!planned.has_changes());
}

#[tokio::test(start_paused = true)]
async fn principal_of_another_account_is_taken_at_its_word_but_never_for_nodes() {
    let bed = sandbox(world_with_roles());
    let foreign = "principalARN: arn:aws:iam::444455556666:role/other";
    let request = wanting(&[foreign]);
    apply(&bed, &request).await;
    assert_settled(&bed, &request, "a foreign role").await;
    let nodes = plan(&bed, &wanting(&[&format!("{foreign}\ntype: EC2_LINUX")])).await;
    assert_eq!(codes(&nodes, Severity::Error), ["access-entry"]);
}

/// A role that was made after its entry is another role to EKS, which knows it by its unique id.
#[tokio::test(start_paused = true)]
async fn principal_that_was_made_again_gets_a_new_entry() {
    let bed = sandbox(world_with_roles());
    let request = wanting(&[&dev("kubernetesUsername: dev\nkubernetesGroups: [ops]")]);
    apply(&bed, &request).await;
    tokio::time::sleep(std::time::Duration::from_hours(1)).await;
    bed.edit(|world| {
        world.roles.remove("dev");
        make_role(world, DEV);
        let role = world.roles.get_mut("dev").unwrap();
        role.id = "AROANEWNEWNEWNEWNEWNE".to_owned();
        world
            .role_dates
            .insert(role.id.clone(), Timestamp::from_second(1_800_003_600).unwrap());
    })
    .unwrap();
    // The new role is not let in by the entry of the old one.
    let by_role = bed.called_by(Some(DEV.parse().unwrap()));
    assert!(by_role.readers().kubernetes.user_info().await.is_err());
    bed.faults().forget_calls();
    let planned = plan(&bed, &request).await;
    assert_eq!(
        codes(&planned, Severity::Warning),
        ["group-not-bound", "principal-stale"]
    );
    assert_eq!(planned.changes[0].action, Action::Replace);
    assert!(planned.changes[0].effect.broadens());
    apply(&bed, &request).await;
    assert_eq!(writes(&bed), ["DeleteAccessEntry", "CreateAccessEntry"]);
    let user = by_role.readers().kubernetes.user_info().await.unwrap();
    assert_eq!(user.username, "dev");
    assert_settled(&bed, &request, "after the repair").await;
}

#[tokio::test(start_paused = true)]
async fn principal_that_iam_does_not_show_is_a_warning() {
    let mut world = world_with_roles();
    world.denied.insert("iam:GetRole".to_owned());
    let bed = sandbox(world);
    let request = wanting(&[&dev("")]);
    let planned = plan(&bed, &request).await;
    assert_eq!(codes(&planned, Severity::Warning), ["principal-unreadable"]);
    apply(&bed, &request).await;
    assert!(live(&bed, DEV).is_some());
}

/// An entry whose principal is gone lets in nobody: said, and left alone.
#[tokio::test(start_paused = true)]
async fn principal_that_is_gone_is_told_beside_its_entry() {
    let bed = with_entries(&[entry(DEV, DERIVED, &[])]);
    bed.edit(|world| world.roles.remove("dev")).unwrap();
    let planned = plan(&bed, &wanting(&[&dev("kubernetesGroups: [ops]")])).await;
    assert_eq!(codes(&planned, Severity::Error), ["principal-missing"]);
    assert!(
        planned
            .findings
            .iter()
            .any(|finding| finding.message.contains("no longer exists"))
    );
    assert!(!planned.has_changes());
}
