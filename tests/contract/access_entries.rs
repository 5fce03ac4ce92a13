//! Access entries as EKS takes them: made once, changed as a whole, with policies whose scope is replaced, and refused for
//! the reasons for which EKS refuses them.

use std::collections::BTreeMap;

use eksact_core::ports::aws::{AccessEntry, AccessPolicy, NewAccessEntry};
use eksact_core::ports::{CallError, CallErrorKind};
use serde_json::json;

use super::world::{World, kind, trust};
use super::{AWS_AUTH_CLUSTER, CLUSTER};

const VIEW: &str = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy";
const ADMIN: &str = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy";

/// A role with a path that a stack has made for the contract.
async fn role(world: &World, name: &str) -> String {
    let template = json!({
        "Resources": {"Role1": {"Type": "AWS::IAM::Role", "Properties": {
            "Path": "/contract/entries/", "RoleName": name,
            "AssumeRolePolicyDocument": trust("system:serviceaccount:app:reader"),
        }}},
        "Outputs": {"Role1": {"Value": {"Fn::GetAtt": "Role1.Arn"}}},
    });
    let stack = world.create(name, &template).await;
    assert_eq!(stack.status, "CREATE_COMPLETE");
    stack.outputs["Role1"].clone()
}

fn new(principal_arn: &str) -> NewAccessEntry {
    NewAccessEntry {
        principal_arn: principal_arn.to_owned(),
        entry_type: "STANDARD".to_owned(),
        ..NewAccessEntry::default()
    }
}

async fn made(world: &World, entry: &NewAccessEntry) -> AccessEntry {
    world
        .writers
        .aws
        .create_access_entry(CLUSTER, entry)
        .await
        .unwrap();
    read(world, &entry.principal_arn).await.unwrap()
}

async fn read(world: &World, principal: &str) -> Option<AccessEntry> {
    world.readers.aws.access_entry(CLUSTER, principal).await.unwrap()
}

/// The user name that EKS derives for a role.
fn derived(role_arn: &str) -> String {
    let account = role_arn.split(':').nth(4).unwrap();
    let name = role_arn.rsplit('/').next().unwrap();
    format!("arn:aws:sts::{account}:assumed-role/{name}/{{{{SessionName}}}}")
}

pub(crate) async fn entry_is_made_once_changed_and_deleted(world: &World) {
    let writes = &world.writers.aws;
    let principal = role(world, "contract-entry-made").await;
    assert_eq!(read(world, &principal).await, None);
    let wanted = NewAccessEntry {
        username: Some("ops:{{SessionName}}".to_owned()),
        groups: vec!["ops".to_owned(), "readers".to_owned()],
        tags: BTreeMap::from([("team".to_owned(), "platform".to_owned())]),
        ..new(&principal)
    };
    let entry = made(world, &wanted).await;
    assert_eq!(
        (&entry.principal_arn, &entry.username, &entry.groups),
        (&principal, wanted.username.as_ref().unwrap(), &wanted.groups)
    );
    assert_eq!((&*entry.entry_type, &entry.tags), ("STANDARD", &wanted.tags));
    assert!(entry.created_at.is_some() && entry.policies.is_empty());
    let is_of_cluster = entry.arn.contains(&format!(":access-entry/{CLUSTER}/role/"));
    assert!(
        is_of_cluster && entry.arn.contains("/contract-entry-made/"),
        "{}",
        entry.arn
    );

    let again = writes.create_access_entry(CLUSTER, &wanted).await;
    assert_eq!(kind(again), CallErrorKind::AlreadyExists);

    writes.delete_access_entry(CLUSTER, &principal).await.unwrap();
    assert_eq!(read(world, &principal).await, None);
    let gone = writes.delete_access_entry(CLUSTER, &principal).await;
    assert_eq!(kind(gone), CallErrorKind::NotFound);
}

pub(crate) async fn update_sets_user_name_and_groups_together(world: &World) {
    let writes = &world.writers.aws;
    let principal = role(world, "contract-entry-updated").await;
    let entry = made(world, &new(&principal)).await;
    assert_eq!((&entry.username, entry.groups.len()), (&derived(&principal), 0));
    let steps: [(Option<&str>, &[&str]); 3] = [
        (Some("ops:{{SessionName}}"), &["ops"]),
        // An omitted user name is derived anew, not kept.
        (None, &["ops", "readers"]),
        (Some("ann"), &[]),
    ];
    for (username, groups) in steps {
        let groups: Vec<String> = groups.iter().map(|group| (*group).to_owned()).collect();
        writes
            .update_access_entry(CLUSTER, &principal, username, &groups)
            .await
            .unwrap();
        let entry = read(world, &principal).await.unwrap();
        let expected = username.map_or_else(|| derived(&principal), str::to_owned);
        assert_eq!((entry.username, entry.groups), (expected, groups));
    }
    let elsewhere = principal.replace("contract-entry-updated", "contract-entry-nobody");
    let absent = writes.update_access_entry(CLUSTER, &elsewhere, None, &[]).await;
    assert_eq!(kind(absent), CallErrorKind::NotFound);
}

pub(crate) async fn policies_are_associated_over_again_and_dropped(world: &World) {
    let writes = &world.writers.aws;
    let principal = role(world, "contract-entry-policies").await;
    made(world, &new(&principal)).await;
    let policy = |arn: &str, namespaces: Option<&[&str]>| AccessPolicy {
        arn: arn.to_owned(),
        namespaces: namespaces.map(|namespaces| {
            namespaces
                .iter()
                .map(|namespace| (*namespace).to_owned())
                .collect()
        }),
    };
    // The same policy over again replaces its scope.
    for scope in [Some(["a"].as_slice()), Some(&["a", "dev-*"]), None] {
        let wanted = policy(VIEW, scope);
        writes
            .associate_access_policy(CLUSTER, &principal, &wanted)
            .await
            .unwrap();
        assert_eq!(read(world, &principal).await.unwrap().policies, [wanted]);
    }
    writes
        .associate_access_policy(CLUSTER, &principal, &policy(ADMIN, None))
        .await
        .unwrap();
    writes
        .disassociate_access_policy(CLUSTER, &principal, VIEW)
        .await
        .unwrap();
    let left = read(world, &principal).await.unwrap().policies;
    assert_eq!(left, [policy(ADMIN, None)]);
    let twice = writes.disassociate_access_policy(CLUSTER, &principal, VIEW).await;
    assert_eq!(kind(twice), CallErrorKind::NotFound);
    let elsewhere = principal.replace("contract-entry-policies", "contract-entry-nobody");
    let nobody = writes
        .associate_access_policy(CLUSTER, &elsewhere, &policy(VIEW, None))
        .await
        .unwrap_err();
    assert_eq!(nobody.kind, CallErrorKind::NotFound);
    assert!(
        nobody.message.contains("principalArn could not be found"),
        "{nobody}"
    );
    for (arn, namespaces, expected) in [
        (
            "arn:aws:iam::aws:policy/AmazonEKSViewPolicy",
            None,
            CallErrorKind::Invalid,
        ),
        (
            "arn:aws:eks::aws:cluster-access-policy/NoSuchPolicy",
            None,
            CallErrorKind::NotFound,
        ),
        (
            "arn:aws-cn:eks::aws:cluster-access-policy/AmazonEKSViewPolicy",
            None,
            CallErrorKind::NotFound,
        ),
        (VIEW, Some([].as_slice()), CallErrorKind::Invalid),
    ] {
        let refused = writes
            .associate_access_policy(CLUSTER, &principal, &policy(arn, namespaces))
            .await;
        assert_eq!(kind(refused), expected, "{arn}");
    }
    let offered = world.readers.aws.offered_access_policies().await.unwrap();
    for arn in [VIEW, ADMIN] {
        assert!(offered.iter().any(|policy| policy.arn == arn), "{arn}");
    }
    writes.delete_access_entry(CLUSTER, &principal).await.unwrap();
    // The policies went with it.
    assert!(made(world, &new(&principal)).await.policies.is_empty());
}

pub(crate) async fn entries_that_eks_refuses(world: &World) {
    let principal = role(world, "contract-entry-refused").await;
    let account = principal.split(':').nth(4).unwrap();
    let user = format!("arn:aws:iam::{account}:user/contract-entry");
    let foreign = "arn:aws:iam::444455556666:role/contract-entry".to_owned();
    let entry = |change: &dyn Fn(&mut NewAccessEntry)| {
        let mut entry = new(&principal);
        change(&mut entry);
        entry
    };
    let of_type = |principal: &str, entry_type: &str| NewAccessEntry {
        entry_type: entry_type.to_owned(),
        ..new(principal)
    };
    let table = [
        (
            new(&principal.replace("/contract/entries/", "/")),
            "invalid principal",
        ),
        (
            new(&principal.replace("entry-refused", "entry-nobody")),
            "invalid principal",
        ),
        (
            entry(&|entry| entry.username = Some("aws:x".to_owned())),
            "The username must not begin with aws:",
        ),
        (
            entry(&|entry| entry.groups = vec!["system:masters".to_owned()]),
            "The kubernetes group name system:masters is invalid, it cannot start with system:",
        ),
        (
            NewAccessEntry {
                groups: vec!["g".to_owned()],
                ..of_type(&principal, "EC2_LINUX")
            },
            "setting kubernetesGroups is not allowed when the type is \"EC2_LINUX\"",
        ),
        (
            NewAccessEntry {
                username: Some("u".to_owned()),
                ..of_type(&principal, "EC2_WINDOWS")
            },
            "setting username is not allowed when the type is \"EC2_WINDOWS\"",
        ),
        (of_type(&user, "EC2_LINUX"), "must be IAM role"),
        (
            of_type(&foreign, "EC2_LINUX"),
            "must be from the same account as the cluster",
        ),
        (
            new(&format!(
                "arn:aws:iam::{account}:role/aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS"
            )),
            "not allowed to modify access entries with a principalArn value of a Service Linked Role",
        ),
    ];
    for (refused, says) in table {
        let error = create(world, CLUSTER, &refused).await.unwrap_err();
        assert_eq!(error.kind, CallErrorKind::Invalid, "{error}");
        assert!(error.message.contains(says), "{says}: {error}");
    }
    let old = create(world, AWS_AUTH_CLUSTER, &new(&principal))
        .await
        .unwrap_err();
    assert_eq!(old.kind, CallErrorKind::Invalid);
    assert!(old.message.contains("authentication mode"), "{old}");

    let node = of_type(&principal, "EC2_LINUX");
    let entry = made(world, &node).await;
    assert_eq!(entry.username, "system:node:{{EC2PrivateDNSName}}");
    assert_eq!(entry.groups, ["system:nodes"]);
    let policy = AccessPolicy {
        arn: VIEW.to_owned(),
        namespaces: None,
    };
    let refused = world
        .writers
        .aws
        .associate_access_policy(CLUSTER, &principal, &policy)
        .await
        .unwrap_err();
    assert!(refused.message.contains("type of \"STANDARD\""), "{refused}");
}

async fn create(world: &World, cluster: &str, entry: &NewAccessEntry) -> Result<(), CallError> {
    world.writers.aws.create_access_entry(cluster, entry).await
}

pub(crate) async fn principals_are_found_by_name_whatever_their_path(world: &World) {
    let arn = role(world, "contract-principal").await;
    let wrong = arn.replace("/contract/entries/", "/");
    let found = world.readers.aws.principal(&wrong).await.unwrap().unwrap();
    assert_eq!(found.arn, arn);
    assert!(found.id.starts_with("AROA"), "{found:?}");
    let listed = world.readers.aws.role_principals().await.unwrap();
    assert!(listed.contains(&found), "{listed:?}");
    let absent = arn.replace("contract-principal", "contract-nobody");
    assert_eq!(world.readers.aws.principal(&absent).await.unwrap(), None);
}
