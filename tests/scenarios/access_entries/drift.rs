//! What is done about every difference between the file and an entry, call by call; and that nothing is left to do after it.

use eksact_core::{engine::Action, engine::Effect, ports::aws::AccessEntry};

use super::{DERIVED, DEV, NODE, dev, entry, live, policy, wanting, with_entries, world_with_roles, writes};
use crate::scenarios::stage::{apply, assert_settled, plan, sandbox};

const VIEW: &str = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy";

fn viewing(scope: &str) -> String {
    dev(&format!(
        "kubernetesUsername: dev\nkubernetesGroups: [readers, ops]\naccessPolicies:\n- policyARN: {VIEW}\n  accessScope: {scope}"
    ))
}

/// An entry that says what [`viewing`] says of the namespace `app`, in another order.
fn viewed() -> AccessEntry {
    AccessEntry {
        policies: vec![policy("AmazonEKSViewPolicy", Some(&["app"]))],
        ..entry(DEV, "dev", &["ops", "readers"])
    }
}

#[tokio::test(start_paused = true)]
async fn entry_is_made_with_its_policies_and_is_then_as_wanted() {
    let bed = sandbox(world_with_roles());
    let request = wanting(&[&viewing("{type: namespace, namespaces: [app]}")]);
    let planned = apply(&bed, &request).await;
    assert_eq!(planned.changes[0].action, Action::Create);
    assert_eq!(planned.changes[0].effect, Effect::Broader);
    assert_eq!(writes(&bed), ["CreateAccessEntry", "AssociateAccessPolicy"]);
    let made = live(&bed, DEV).unwrap();
    assert_eq!(made.tags["eksact.dev/managed-by"], "eksact");
    assert_eq!(
        (made.username, made.groups, made.policies),
        (
            "dev".to_owned(),
            vec!["readers".to_owned(), "ops".to_owned()],
            viewed().policies
        )
    );
    assert_settled(&bed, &request, "after the creation").await;
}

/// Each difference, the calls that it takes in their order, and its meaning for access.
#[tokio::test(start_paused = true)]
async fn entry_is_changed_by_the_calls_that_the_difference_needs() {
    let node = |groups: &[&str]| AccessEntry {
        entry_type: "EC2_LINUX".to_owned(),
        ..entry(NODE, "system:node:{{EC2PrivateDNSName}}", groups)
    };
    let in_app = viewing("{type: namespace, namespaces: [app]}");
    let nothing: &[&str] = &[];
    let table: Vec<(&str, AccessEntry, String, &[&str], Effect)> = vec![
        (
            "as wanted, in another order",
            viewed(),
            in_app.clone(),
            nothing,
            Effect::Equal,
        ),
        (
            "groups",
            AccessEntry {
                groups: vec!["ops".to_owned()],
                ..viewed()
            },
            in_app.clone(),
            &["UpdateAccessEntry"],
            Effect::Broader,
        ),
        (
            "user name",
            AccessEntry {
                username: "other".to_owned(),
                ..viewed()
            },
            in_app.clone(),
            &["UpdateAccessEntry"],
            Effect::Incomparable,
        ),
        (
            "user name that the file no longer has",
            viewed(),
            in_app.replace("kubernetesUsername: dev\n", ""),
            &["UpdateAccessEntry"],
            Effect::Incomparable,
        ),
        (
            "wider scope",
            viewed(),
            viewing("{type: namespace, namespaces: [web, app]}"),
            &["AssociateAccessPolicy"],
            Effect::Broader,
        ),
        (
            "scope of the whole cluster",
            viewed(),
            viewing("{type: cluster}"),
            &["AssociateAccessPolicy"],
            Effect::Broader,
        ),
        (
            "policy that the file no longer has",
            AccessEntry {
                policies: vec![viewed().policies[0].clone(), policy("AmazonEKSEditPolicy", None)],
                ..viewed()
            },
            in_app.clone(),
            &["DisassociateAccessPolicy"],
            Effect::Narrower,
        ),
        (
            "one policy in place of another",
            AccessEntry {
                policies: vec![policy("AmazonEKSEditPolicy", None)],
                ..viewed()
            },
            in_app,
            &["AssociateAccessPolicy", "DisassociateAccessPolicy"],
            Effect::Incomparable,
        ),
        (
            "cluster administrator",
            entry(DEV, DERIVED, &[]),
            dev(
                "accessPolicies:\n- policyARN: arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy\n  accessScope: {type: cluster}",
            ),
            &["AssociateAccessPolicy"],
            Effect::Broader,
        ),
        (
            "derived user name, which the file does not name",
            entry(DEV, DERIVED, &["ops"]),
            dev("kubernetesGroups: [ops]"),
            nothing,
            Effect::Equal,
        ),
        (
            "nodes, with the groups that EKS gave them",
            node(&["system:nodes"]),
            format!("principalARN: {NODE}\ntype: EC2_LINUX"),
            nothing,
            Effect::Equal,
        ),
        (
            "nodes, with groups that EKS may give them one day",
            node(&["system:nodes", "eks:something-new"]),
            format!("principalARN: {NODE}\ntype: EC2_LINUX"),
            nothing,
            Effect::Equal,
        ),
    ];
    for (case, now, wanted, calls, effect) in table {
        let principal = now.principal_arn.clone();
        let bed = with_entries(std::slice::from_ref(&now));
        let request = wanting(&[&wanted]);
        let planned = plan(&bed, &request).await;
        let planned_effect = planned
            .changes
            .first()
            .map_or(Effect::Equal, |change| change.effect);
        assert_eq!(planned_effect, effect, "{case}");
        apply(&bed, &request).await;
        assert_eq!(writes(&bed), calls, "{case}");
        assert_settled(&bed, &request, case).await;
        // What somebody else made stays unmarked: it is never pruned.
        assert!(live(&bed, &principal).unwrap().tags.is_empty(), "{case}");
    }
}

/// EKS empties what an update omits, and eksact omits nothing.
#[tokio::test(start_paused = true)]
async fn update_of_a_user_name_keeps_the_groups_and_the_other_way_round() {
    let bed = with_entries(&[viewed()]);
    let renamed = viewing("{type: namespace, namespaces: [app]}").replace("Username: dev", "Username: team");
    apply(&bed, &wanting(&[&renamed])).await;
    let now = live(&bed, DEV).unwrap();
    assert_eq!((now.username.as_str(), now.groups.len()), ("team", 2));
    let regrouped = renamed.replace("[readers, ops]", "[ops]");
    apply(&bed, &wanting(&[&regrouped])).await;
    let now = live(&bed, DEV).unwrap();
    assert_eq!((now.username.as_str(), now.groups.len()), ("team", 1));
    let planned = plan(
        &bed,
        &wanting(&[&regrouped.replace("kubernetesUsername: team\n", "")]),
    )
    .await;
    let derived = &planned.changes[0].attributes[0];
    assert_eq!(derived.after.as_ref().unwrap(), DERIVED);
    assert_eq!(derived.remark.as_deref(), Some("derived by EKS"));
}

/// Another type asks for its guard; with it the entry is deleted and made again.
#[tokio::test(start_paused = true)]
async fn type_that_differs_is_replaced_only_where_that_is_allowed() {
    let bed = with_entries(&[entry(NODE, "node", &[])]);
    let mut request = wanting(&[&format!("principalARN: {NODE}\ntype: EC2_LINUX")]);
    let refused = plan(&bed, &request).await;
    assert!(!refused.may_be_applied());
    assert_eq!(refused.changes[0].action, Action::Replace);
    assert!(refused.changes[0].notes[0].contains("no access in between"));
    request
        .settings
        .allow
        .insert(eksact_core::guard::Guard::AccessEntryReplaced);
    apply(&bed, &request).await;
    assert_eq!(writes(&bed), ["DeleteAccessEntry", "CreateAccessEntry"]);
    assert_eq!(live(&bed, NODE).unwrap().entry_type, "EC2_LINUX");
    assert_settled(&bed, &request, "after the replacement").await;
}

/// An entry shadows the mapping of its principal, and the plan says so.
#[tokio::test(start_paused = true)]
async fn entry_names_the_mapping_that_it_shadows() {
    let mut world = world_with_roles();
    let config_map = crate::scenarios::stage::cluster(&mut world)
        .config_maps
        .get_mut("kube-system/aws-auth")
        .unwrap();
    config_map.data.insert(
        "mapRoles".to_owned(),
        "- {rolearn: 'arn:aws:iam::111122223333:role/dev', username: old, groups: [ops, readers]}\n"
            .to_owned(),
    );
    let bed = sandbox(world);
    let planned = plan(
        &bed,
        &wanting(&[&dev("kubernetesUsername: old\nkubernetesGroups: [ops]")]),
    )
    .await;
    let change = &planned.changes[0];
    assert!(
        change.notes[0]
            .contains("ignores its mapping in aws-auth, user name old with the groups ops, readers"),
        "{:?}",
        change.notes
    );
    assert_eq!(change.effect, Effect::Narrower);
}

/// Each attribute has its own meaning, and the whole may be another one than their sum.
#[tokio::test(start_paused = true)]
async fn attributes_of_an_entry_say_each_what_it_means() {
    let admin = dev(
        "kubernetesUsername: dev\naccessPolicies:\n- policyARN: arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy\n  accessScope: {type: cluster}",
    );
    let now = AccessEntry {
        policies: vec![policy("AmazonEKSViewPolicy", Some(&["app"]))],
        ..entry(DEV, "dev", &["ops"])
    };
    let planned = plan(&with_entries(&[now]), &wanting(&[&admin])).await;
    let change = &planned.changes[0];
    let effects: Vec<(&str, Option<Effect>)> = change
        .attributes
        .iter()
        .map(|attribute| (attribute.name.as_str(), attribute.effect))
        .collect();
    assert_eq!(
        effects,
        [
            ("groups", Some(Effect::Narrower)),
            ("access policy AmazonEKSClusterAdminPolicy", Some(Effect::Broader)),
            ("access policy AmazonEKSViewPolicy", Some(Effect::Narrower)),
        ]
    );
    assert_eq!(change.effect, Effect::Broader);
}

/// From the call that makes an entry on, the mapping of its principal counts no more, and its policies do not count yet.
#[tokio::test(start_paused = true)]
async fn entry_of_a_mapped_principal_keeps_the_groups_of_the_mapping_until_its_policies_are_there() {
    let bed = with_entries(&[]);
    crate::scenarios::access::write(
        &bed,
        "mapRoles",
        Some(
            "- {rolearn: 'arn:aws:iam::111122223333:role/dev', username: dev, groups: [readers, 'system:masters', 'of:{{AccountID}}']}\n",
        ),
    );
    let (seen, watched) = (
        std::sync::Arc::<std::sync::Mutex<Vec<Vec<String>>>>::default(),
        bed.clone(),
    );
    let groups = std::sync::Arc::clone(&seen);
    bed.faults().before_each_write(move |_| {
        let entry = live(&watched, DEV);
        groups.lock().unwrap().extend(entry.map(|entry| entry.groups));
    });
    let mut wanted = wanting(&[&dev(
        "kubernetesGroups: [devs]\naccessPolicies: [{policyARN: 'arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy', \
         accessScope: {type: cluster}}]",
    )]);
    wanted.settings.allow = eksact_core::guard::Guard::ALL.into();
    let planned = apply(&bed, &wanted).await;
    assert_eq!(
        writes(&bed),
        ["CreateAccessEntry", "AssociateAccessPolicy", "UpdateAccessEntry"]
    );
    assert_eq!(*seen.lock().unwrap(), [["devs", "readers"], ["devs", "readers"]]);
    assert_eq!(live(&bed, DEV).unwrap().groups, ["devs"]);
    let change = planned.changes.first().unwrap();
    assert_eq!(
        change.notes[1],
        "Until its access policies count the entry has readers as well."
    );
    assert!(
        change.notes[2].starts_with("No entry can be in system:masters: until its access policies count")
    );
    assert_settled(&bed, &wanted, "the groups of the mapping are gone again").await;
}

/// A policy that comes is there before another holds in fewer namespaces, whatever their names.
#[tokio::test(start_paused = true)]
async fn access_that_is_given_comes_before_what_is_narrowed() {
    const POLICIES: &str = "arn:aws:eks::aws:cluster-access-policy";
    let mut edited = entry(DEV, DERIVED, &[]);
    edited.policies = vec![policy("AmazonEKSAdminPolicy", None)];
    let bed = with_entries(&[edited]);
    let (seen, watched) = (
        std::sync::Arc::<std::sync::Mutex<Vec<Vec<String>>>>::default(),
        bed.clone(),
    );
    let whole_cluster = std::sync::Arc::clone(&seen);
    bed.faults().before_each_write(move |_| {
        let policies = live(&watched, DEV).unwrap().policies;
        let everywhere = policies.iter().filter(|policy| policy.namespaces.is_none());
        let names = everywhere.map(|policy| policy.arn.rsplit('/').next().unwrap().to_owned());
        whole_cluster.lock().unwrap().push(names.collect());
    });
    let wanted = wanting(&[&dev(&format!(
        "accessPolicies:\n\
         - {{policyARN: '{POLICIES}/AmazonEKSAdminPolicy', accessScope: {{type: namespace, namespaces: [app]}}}}\n\
         - {{policyARN: '{POLICIES}/AmazonEKSEditPolicy', accessScope: {{type: cluster}}}}"
    ))]);
    apply(&bed, &wanted).await;
    assert_eq!(writes(&bed), ["AssociateAccessPolicy", "AssociateAccessPolicy"]);
    assert_eq!(
        *seen.lock().unwrap(),
        [
            vec!["AmazonEKSAdminPolicy"],
            vec!["AmazonEKSAdminPolicy", "AmazonEKSEditPolicy"]
        ]
    );
    assert_settled(&bed, &wanted, "each policy holds where the file says").await;
}
