//! Which entries go, and which are never touched: EKS's own, those of others, and those of stacks.

use eksact_core::{
    engine::{Action, Effect, Severity},
    kinds::{Request, access_entry::AccessEntryScope},
    ports::aws::AccessEntry,
};

use super::{
    DEV, NODE, codes, dev, entry, live, policy, pruning, wanting, with_entries, world_with_roles, writes,
};
use crate::scenarios::stage::{apply, assert_settled, cluster, plan, sandbox};

const CREATOR: &str = "arn:aws:iam::111122223333:user/sandbox";

fn deleting(arn: &str) -> Request {
    let mut request = wanting(&[]);
    request.config = request.config.cluster_only();
    request.ask(AccessEntryScope {
        delete: vec![arn.to_owned()],
        ..AccessEntryScope::default()
    });
    request
}

#[tokio::test(start_paused = true)]
async fn prune_deletes_what_eksact_made_and_nothing_else() {
    let service =
        "arn:aws:iam::111122223333:role/aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS";
    let theirs = [
        entry("arn:aws:iam::111122223333:role/by-hand", "x", &["ops"]),
        entry(service, "x", &[]),
        AccessEntry {
            entry_type: "EC2_LINUX".to_owned(),
            ..entry(NODE, "system:node:{{EC2PrivateDNSName}}", &["system:nodes"])
        },
        AccessEntry {
            entry_type: "EC2".to_owned(),
            policies: vec![policy("AmazonEKSAutoNodePolicy", None)],
            ..entry("arn:aws:iam::111122223333:role/auto", "x", &[])
        },
    ];
    let bed = with_entries(&theirs);
    apply(&bed, &wanting(&[&dev("kubernetesGroups: [ops]")])).await;

    let told = plan(&bed, &wanting(&[])).await;
    assert_eq!(codes(&told, Severity::Note), ["not-pruned"]);
    assert!(!told.has_changes());

    let request = pruning(wanting(&[]));
    let planned = apply(&bed, &request).await;
    let changes: Vec<(String, Action, Effect)> = planned
        .changes
        .iter()
        .map(|change| (change.address.to_string(), change.action, change.effect))
        .collect();
    assert_eq!(
        changes,
        [(format!("access-entry/{DEV}"), Action::Delete, Effect::Narrower)]
    );
    assert!(live(&bed, DEV).is_none());
    for entry in theirs
        .iter()
        .map(|entry| entry.principal_arn.as_str())
        .chain([CREATOR])
    {
        assert!(live(&bed, entry).is_some(), "{entry}");
    }
    assert_settled(&bed, &request, "after the prune").await;
}

/// A file without the section says nothing of entries.
#[tokio::test(start_paused = true)]
async fn prune_with_a_file_that_says_nothing_of_entries_leaves_them() {
    let bed = sandbox(world_with_roles());
    apply(&bed, &wanting(&[&dev("")])).await;
    let file = super::file(&[]).replace("accessConfig:\n  accessEntries: []\n", "");
    let planned = plan(&bed, &pruning(crate::scenarios::stage::request(&file))).await;
    assert!(!planned.has_changes() && planned.findings.is_empty());
}

/// An entry keeps from its principal what aws-auth gives: it goes once the cluster reads no aws-auth any more, where the plan does that.
#[tokio::test(start_paused = true)]
async fn entry_of_a_mapped_principal_goes_after_the_switch_to_api() {
    let bed = sandbox(world_with_roles());
    apply(&bed, &wanting(&[&dev("")])).await;
    let line = "- rolearn: arn:aws:iam::111122223333:role/dev\n  username: dev\n  groups: [ops]\n";
    crate::scenarios::access::write(&bed, "mapRoles", Some(line));
    let file = super::file(&[]).replace("accessConfig:\n", "accessConfig:\n  authenticationMode: API\n");
    let mut wanted = pruning(crate::scenarios::stage::request(&file));
    wanted.settings.allow = eksact_core::guard::Guard::ALL.into();
    let before = writes(&bed).len();
    apply(&bed, &wanted).await;
    assert_eq!(
        writes(&bed)[before..],
        ["UpdateClusterConfig", "DeleteAccessEntry"]
    );
}

/// So it does once a mapping is gone that the same plan takes away; and a part of the plan may have it without that.
#[tokio::test(start_paused = true)]
async fn entry_goes_after_the_mapping_that_goes_with_it() {
    let bed = sandbox(world_with_roles());
    let mapping = "iamIdentityMappings:\n- arn: arn:aws:iam::111122223333:role/dev\n  username: dev\n  groups: [system:masters]\n";
    let both = super::file(&[&dev("kubernetesGroups: [ops]")]) + mapping;
    apply(&bed, &crate::scenarios::stage::request(&both)).await;
    let neither = super::file(&[]) + "iamIdentityMappings: []\n";
    let mut wanted = pruning(crate::scenarios::stage::request(&neither));
    wanted.settings.allow = eksact_core::guard::Guard::ALL.into();
    let planned = plan(&bed, &wanted).await;
    let ids: Vec<&str> = planned.steps.iter().map(|step| step.id.0.as_str()).collect();
    let entry = format!("access-entry/{DEV}#delete");
    assert_eq!(ids, ["aws-auth/kube-system/aws-auth#write", &entry]);
    assert_eq!(planned.steps[1].depends_on, [planned.steps[0].id.clone()]);

    wanted.settings.targets.targets = vec!["access-entry/*".to_owned()];
    let part = plan(&bed, &wanted).await;
    assert_eq!(part.steps.len(), 1, "{:#?}", part.steps);
}

#[tokio::test(start_paused = true)]
async fn prune_waits_while_something_that_gives_access_cannot_be_planned() {
    let bed = sandbox(world_with_roles());
    apply(&bed, &wanting(&[&dev("")])).await;
    let wanted = "principalARN: arn:aws:iam::111122223333:role/nobody";
    let planned = plan(&bed, &pruning(wanting(&[wanted]))).await;
    assert_eq!(
        codes(&planned, Severity::Error),
        ["principal-missing", "held-back"]
    );
    assert!(!planned.has_changes());
}

#[tokio::test(start_paused = true)]
async fn named_entry_is_deleted_whoever_made_it() {
    let bed = with_entries(&[entry(DEV, "x", &["ops"])]);
    let planned = apply(&bed, &deleting(DEV)).await;
    assert_eq!(planned.changes[0].effect, Effect::Narrower);
    assert_eq!(writes(&bed), ["DeleteAccessEntry"]);
    let again = plan(&bed, &deleting(DEV)).await;
    assert_eq!(codes(&again, Severity::Note), ["nothing-to-delete"]);
    assert!(!again.has_changes());
}

/// eksctl's entries are their stacks': known by CloudFormation's tag, or by the name that eksctl gives the stack.
#[tokio::test(start_paused = true)]
async fn entry_of_a_stack_is_neither_changed_nor_deleted_beside_it() {
    let stack = "eksctl-prod-accessentry-X";
    let mut of_stack = entry(DEV, "x", &["ops"]);
    of_stack
        .tags
        .insert("aws:cloudformation:stack-name".to_owned(), stack.to_owned());
    let bed = with_entries(&[of_stack]);
    let planned = plan(&bed, &wanting(&[&dev("kubernetesGroups: [others]")])).await;
    assert_eq!(codes(&planned, Severity::Error), ["access-entry-stack"]);
    assert!(
        planned
            .findings
            .iter()
            .any(|finding| finding.message.contains(stack))
    );
    let planned = plan(&bed, &deleting(DEV)).await;
    assert_eq!(codes(&planned, Severity::Error), ["access-entry-stack"]);
    // As it is in the file it is as wanted.
    let same = dev("kubernetesUsername: x\nkubernetesGroups: [ops]");
    assert_settled(&bed, &wanting(&[&same]), "unchanged").await;
}

#[tokio::test(start_paused = true)]
async fn entry_of_a_service_linked_role_is_kept() {
    let service =
        "arn:aws:iam::111122223333:role/aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS";
    let bed = with_entries(&[entry(service, "x", &[])]);
    let planned = plan(&bed, &deleting(service)).await;
    assert_eq!(codes(&planned, Severity::Error), ["not-ours"]);
    let mut world = bed.world().unwrap();
    assert!(cluster(&mut world).eks.access_entries.contains_key(service));
}

/// Who may not list stacks is told that an entry may belong to one.
#[tokio::test(start_paused = true)]
async fn entry_of_a_stack_that_cannot_be_looked_for_is_a_warning() {
    let bed = with_entries(&[entry(DEV, "x", &["ops"])]);
    bed.edit(|world| world.denied.insert("cloudformation:DescribeStacks".to_owned()))
        .unwrap();
    let planned = plan(&bed, &wanting(&[&dev("kubernetesUsername: x")])).await;
    assert_eq!(codes(&planned, Severity::Warning), ["stacks-unreadable"]);
    assert!(planned.has_changes());
}

/// Nothing has to be switched to delete nothing.
#[tokio::test(start_paused = true)]
async fn deletion_in_a_cluster_without_entries_has_nothing_to_delete() {
    let mut world = world_with_roles();
    cluster(&mut world).cluster.authentication_mode = Some("CONFIG_MAP".to_owned());
    cluster(&mut world).eks.access_entries.clear();
    let bed = sandbox(world);
    let planned = plan(&bed, &deleting(DEV)).await;
    assert_eq!(codes(&planned, Severity::Note), ["nothing-to-delete"]);
    assert_eq!(planned.findings.len(), 1, "{:#?}", planned.findings);
    assert!(planned.findings[0].help.is_none());
    assert!(!planned.has_changes() && planned.may_be_applied());

    // Nor to change one that is not there.
    let mut update = wanting(&[&dev("kubernetesGroups: [ops]")]);
    update.ask(AccessEntryScope {
        is_update: true,
        ..AccessEntryScope::default()
    });
    let planned = plan(&bed, &update).await;
    assert_eq!(codes(&planned, Severity::Error), ["nothing-to-update"]);
    assert_eq!(planned.findings.len(), 1, "{:#?}", planned.findings);
}
