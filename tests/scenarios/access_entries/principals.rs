//! The principals of entries: missing ones, those with another path, and those that were made again under the old name.

use eksact_core::{
    engine::{Action, Effect, Severity},
    kinds::access_entry::AccessEntryScope,
};

use super::{
    DERIVED, DEV, codes, dev, entry, file, live, make_dev_again, make_role, pruning, wanting, with_entries,
    world_with_roles, writes,
};
use crate::scenarios::stage::{apply, assert_settled, cluster, fresh_world, plan, sandbox};

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
    let request = wanting(&[&dev(
        "kubernetesUsername: dev\nkubernetesGroups: [ops]\naccessPolicies:\n- policyARN: arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy\n  accessScope: {type: cluster}",
    )]);
    apply(&bed, &request).await;
    tokio::time::sleep(std::time::Duration::from_hours(1)).await;
    bed.edit(make_dev_again).unwrap();
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
    // From the view of the new principal all of it is given, though the entry says it already.
    let change = &planned.changes[0];
    let given: Vec<(&str, bool, Option<Effect>)> = change
        .attributes
        .iter()
        .map(|attribute| {
            (
                attribute.name.as_str(),
                attribute.before.is_none() && attribute.after.is_some(),
                attribute.effect,
            )
        })
        .collect();
    assert_eq!(
        given,
        [
            ("type", true, None),
            ("username", true, Some(Effect::Broader)),
            ("groups", true, Some(Effect::Broader)),
            ("access policy AmazonEKSViewPolicy", true, Some(Effect::Broader)),
        ]
    );
    assert_eq!(change.effect, Effect::Broader);
    apply(&bed, &request).await;
    assert_eq!(
        writes(&bed),
        ["DeleteAccessEntry", "CreateAccessEntry", "AssociateAccessPolicy"]
    );
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

const ADMINS: &str = "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Admins_0123456789abcdef";

/// A permission set is the one role that it has in the account, looked up by its name: its digits change when it is assigned anew.
#[tokio::test(start_paused = true)]
async fn permission_set_stands_for_its_role() {
    let mut world = world_with_roles();
    make_role(&mut world, ADMINS);
    let bed = sandbox(world);
    let named = "principalARN: permissionSet:Admins\nkubernetesUsername: 'admins:{{SessionName}}'";
    let request = wanting(&[named]);
    let planned = apply(&bed, &request).await;
    assert_eq!(
        planned.changes[0].address.to_string(),
        format!("access-entry/{ADMINS}")
    );
    assert_eq!(live(&bed, ADMINS).unwrap().username, "admins:{{SessionName}}");
    assert_settled(&bed, &request, "the role of the set has its entry").await;
    // What the set stands for is in the file: prune keeps it.
    assert_settled(&bed, &pruning(request.clone()), "pruned").await;
    // By its ARN it is the same principal.
    let by_arn = named.replace("permissionSet:Admins", ADMINS);
    assert_settled(&bed, &wanting(&[&by_arn]), "by its ARN").await;
    let twice = plan(&bed, &wanting(&[named, &by_arn])).await;
    assert_eq!(codes(&twice, Severity::Error), ["access-entry"]);
    assert!(!twice.has_changes());

    // While it is not known which role it is, nothing is done about it, nor taken away.
    bed.edit(|world| make_role(world, &ADMINS.replace("0123456789abcdef", "fedcba9876543210")))
        .unwrap();
    let two = plan(&bed, &pruning(request.clone())).await;
    assert_eq!(
        codes(&two, Severity::Error),
        ["held-back", "permission-set-ambiguous"]
    );
    assert!(!two.has_changes());
    bed.edit(|world| world.roles.retain(|name, _| !name.starts_with("AWSReservedSSO_")))
        .unwrap();
    let none = plan(&bed, &request).await;
    assert_eq!(codes(&none, Severity::Error), ["permission-set-not-found"]);
    assert!(!none.has_changes());
}

#[tokio::test(start_paused = true)]
async fn permission_set_names_the_entry_that_goes() {
    let mut world = world_with_roles();
    make_role(&mut world, ADMINS);
    let bed = sandbox(world);
    apply(&bed, &wanting(&["principalARN: permissionSet:Admins"])).await;
    let mut request = crate::scenarios::stage::request(&file(&[]));
    request.config = request.config.cluster_only();
    request.ask(AccessEntryScope {
        delete: vec!["permissionSet:Admins".to_owned()],
        ..AccessEntryScope::default()
    });
    apply(&bed, &request).await;
    assert_eq!(live(&bed, ADMINS), None);
}

/// An entry takes the place of a mapping: where aws-auth cannot be read, nobody knows of which.
#[tokio::test(start_paused = true)]
async fn entries_beside_an_unread_aws_auth_say_so() {
    let bed = sandbox(world_with_roles());
    bed.edit(|world| {
        cluster(world)
            .denied
            .insert("get configmaps in kube-system".to_owned())
    })
    .unwrap();
    let request = wanting(&[&dev("kubernetesGroups: [ops]")]);
    let planned = plan(&bed, &request).await;
    let told: Vec<&str> = planned
        .findings_of(Severity::Warning)
        .filter(|finding| finding.code.as_str() == "aws-auth-unreadable")
        .map(|finding| finding.message.as_str())
        .collect();
    assert_eq!(told.len(), 1);
    assert!(
        told[0].starts_with(&format!(
            "the cluster ignores what aws-auth says of a principal that has an access entry, and what it says of {DEV} is not known: "
        )),
        "{told:?}"
    );
    assert!(planned.has_changes());
    // So does a part of the plan, of what is in it.
    let mut part = request.clone();
    part.settings.targets.targets = vec!["access-entry/*".to_owned()];
    assert!(codes(&plan(&bed, &part).await, Severity::Warning).contains(&"aws-auth-unreadable"));
    let targets = &mut part.settings.targets;
    std::mem::swap(&mut targets.targets, &mut targets.excluded);
    assert!(!codes(&plan(&bed, &part).await, Severity::Warning).contains(&"aws-auth-unreadable"));
    // What is there already takes nobody's place any more.
    apply(&bed, &request).await;
    let again = plan(&bed, &wanting(&[&dev("kubernetesGroups: [ops, others]")])).await;
    assert!(again.has_changes());
    assert!(!codes(&again, Severity::Warning).contains(&"aws-auth-unreadable"));
}
