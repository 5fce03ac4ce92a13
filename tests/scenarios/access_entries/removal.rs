//! Which entries go, and which are never touched: EKS's own, those of others, and those of stacks.

use eksact_core::{
    config::cluster_access::AllowBroadening,
    engine::{Action, Effect, Severity},
    guard::broadening::BroadeningRule,
    kinds::{
        Request,
        access_entry::AccessEntryScope,
        identity_mapping::{AwsAuthScope, MappingSelector},
    },
    ports::aws::AccessEntry,
};
use eksact_simulator::Sandbox;

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

/// Once its entry is gone the principal gets in as aws-auth says: what the deletion gives or takes is the difference.
#[tokio::test(start_paused = true)]
async fn deletion_is_judged_over_the_mapping_that_counts_again() {
    let line = |username: &str, groups: &str| {
        format!(
            "- rolearn: arn:aws:iam::111122223333:role/dev\n  username: {username}\n  groups: [{groups}]\n"
        )
    };
    let admin = AccessEntry {
        policies: vec![policy("AmazonEKSClusterAdminPolicy", None)],
        ..entry(DEV, "dev", &[])
    };
    let plain = entry(DEV, "dev", &["ops"]);
    let masters = line("dev", "system:masters");
    for (entry, map_roles, effect, whom) in [
        (
            &plain,
            masters.clone(),
            Effect::Broader,
            Some("user name dev with the groups system:masters"),
        ),
        (
            &plain,
            line("dev", "ops"),
            Effect::Equal,
            Some("user name dev with the groups ops"),
        ),
        (
            &plain,
            line("other", "ops"),
            Effect::Incomparable,
            Some("user name other with the groups ops"),
        ),
        (
            &plain,
            line("dev", ""),
            Effect::Narrower,
            Some("user name dev with no groups"),
        ),
        (
            &admin,
            masters.clone(),
            Effect::Equal,
            Some("user name dev with the groups system:masters"),
        ),
        (
            &admin,
            line("dev", "ops"),
            Effect::Narrower,
            Some("user name dev with the groups ops"),
        ),
        (
            &plain,
            masters.replace("role/dev", "role/other"),
            Effect::Narrower,
            None,
        ),
    ] {
        let bed = with_entries(std::slice::from_ref(entry));
        crate::scenarios::access::write(&bed, "mapRoles", Some(&map_roles));
        let planned = plan(&bed, &deleting(DEV)).await;
        let change = &planned.changes[0];
        assert_eq!(change.effect, effect, "{map_roles}");
        let notes: Vec<String> = whom
            .map(|whom| format!("From then on its mapping in aws-auth counts again, {whom}."))
            .into_iter()
            .collect();
        assert_eq!(change.notes, notes, "{map_roles}");
        let mut strict = deleting(DEV);
        strict.settings.allow_broadening = BroadeningRule::new(AllowBroadening::Never, "a test");
        let refusals = plan(&bed, &strict).await;
        let is_refused = codes(&refusals, Severity::Refusal).contains(&"access-broadened");
        assert_eq!(is_refused, effect.broadens(), "{map_roles}");
    }
}

/// Nobody is let in by a mapping that goes with the entry, nor by any in mode API; every user and role of an account is by that.
#[tokio::test(start_paused = true)]
async fn deletion_is_judged_over_what_the_plan_leaves_of_aws_auth() {
    let plain = entry(DEV, "dev", &["ops"]);
    let masters =
        "- rolearn: arn:aws:iam::111122223333:role/dev\n  username: dev\n  groups: [system:masters]\n";
    let effect = async |bed: &Sandbox, request: &Request| {
        let planned = plan(bed, request).await;
        let address = format!("access-entry/{DEV}");
        let change = planned
            .changes
            .iter()
            .find(|change| change.address.to_string() == address);
        (change.unwrap().effect, change.unwrap().notes.len())
    };
    let bed = with_entries(std::slice::from_ref(&plain));
    crate::scenarios::access::write(&bed, "mapRoles", Some(masters));
    let mut both = deleting(DEV);
    both.ask(AwsAuthScope::Delete(vec![MappingSelector::Arn {
        arn: DEV.replace("team/", ""),
        all: false,
    }]));
    assert_eq!(effect(&bed, &both).await, (Effect::Narrower, 0));
    bed.edit(|world| cluster(world).cluster.authentication_mode = Some("API".to_owned()))
        .unwrap();
    assert_eq!(effect(&bed, &deleting(DEV)).await, (Effect::Narrower, 0));

    let bed = with_entries(&[plain]);
    crate::scenarios::access::write(&bed, "mapAccounts", Some("- '111122223333'\n"));
    assert_eq!(effect(&bed, &deleting(DEV)).await, (Effect::Incomparable, 1));
}

#[tokio::test(start_paused = true)]
async fn deletion_may_give_more_where_aws_auth_could_not_be_read() {
    let bed = with_entries(&[entry(DEV, "dev", &["ops"])]);
    bed.edit(|world| cluster(world).unreachable = true).unwrap();
    let planned = plan(&bed, &deleting(DEV)).await;
    let change = &planned.changes[0];
    assert_eq!(change.effect, Effect::Incomparable);
    assert!(
        change.notes[0].contains("could not be read"),
        "{:?}",
        change.notes
    );
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
