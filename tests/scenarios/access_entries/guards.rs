//! What the guards refuse of a plan over entries: the caller's own access, the last administrator, the roles of nodes.

use eksact_core::{
    engine::Severity,
    kinds::{Request, access_entry::AccessEntryScope},
    ports::aws::AccessEntry,
};
use eksact_simulator::{Sandbox, World};

use super::{DEV, NODE, codes, dev, entry, policy, wanting, world_with_roles};
use crate::scenarios::stage::{cluster, plan, sandbox};

const CREATOR: &str = "arn:aws:iam::111122223333:user/sandbox";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/dev/ann";
const ADMIN: &str = "accessPolicies:\n- policyARN: arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy\n  accessScope: {type: cluster}";

fn deleting(arns: &[&str]) -> Request {
    let mut request = wanting(&[]);
    request.config = request.config.cluster_only();
    request.ask(AccessEntryScope {
        delete: arns.iter().map(|arn| (*arn).to_owned()).collect(),
        ..AccessEntryScope::default()
    });
    request
}

/// A world with this caller, these entries and these lines of mapRoles.
fn world(caller: Option<&str>, entries: &[AccessEntry], map_roles: &str) -> Sandbox {
    let mut world: World = world_with_roles();
    world.caller = caller.map(str::to_owned);
    let simulated = cluster(&mut world);
    for entry in entries {
        let entries = &mut simulated.eks.access_entries;
        entries.insert(entry.principal_arn.clone(), entry.clone());
    }
    let config_map = simulated.config_maps.get_mut("kube-system/aws-auth").unwrap();
    config_map
        .data
        .insert("mapRoles".to_owned(), map_roles.to_owned());
    sandbox(world)
}

fn admin(arn: &str) -> AccessEntry {
    AccessEntry {
        policies: vec![policy("AmazonEKSClusterAdminPolicy", None)],
        ..entry(arn, "admin", &[])
    }
}

async fn refused(bed: &Sandbox, request: &Request) -> Vec<String> {
    let planned = plan(bed, request).await;
    let errors: Vec<_> = planned.findings_of(Severity::Error).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    codes(&planned, Severity::Refusal)
        .into_iter()
        .map(str::to_owned)
        .collect()
}

#[tokio::test(start_paused = true)]
async fn guards_refuse_the_loss_of_the_callers_own_entry_and_of_the_last_administrator() {
    let both = ["last-admin-lost", "own-access-lost"];
    let bed = world(None, &[], "");
    assert_eq!(refused(&bed, &deleting(&[CREATOR])).await, both);
    // Somebody else is an administrator: it is the caller's own access still.
    let bed = world(None, &[admin(DEV)], "");
    assert_eq!(refused(&bed, &deleting(&[CREATOR])).await, both[1..]);
    assert_eq!(refused(&bed, &deleting(&[DEV])).await, [""; 0]);
    assert_eq!(refused(&bed, &deleting(&[DEV, CREATOR])).await, both);
    // A mapping takes the place of the entry.
    let mapped =
        "- {rolearn: 'arn:aws:iam::111122223333:role/dev', username: dev, groups: [system:masters]}\n";
    let bed = world(Some(SESSION), &[admin(DEV)], mapped);
    assert_eq!(refused(&bed, &deleting(&[DEV, CREATOR])).await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn guards_refuse_an_entry_that_shadows_the_callers_mapping_with_less() {
    let mapped =
        "- {rolearn: 'arn:aws:iam::111122223333:role/dev', username: dev, groups: [system:masters]}\n";
    let bed = world(Some(SESSION), &[], mapped);
    let less = wanting(&[&dev("kubernetesUsername: dev\nkubernetesGroups: [ops]")]);
    assert_eq!(refused(&bed, &less).await, ["own-access-lost"]);
    assert_eq!(refused(&bed, &wanting(&[&dev(ADMIN)])).await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn guards_look_at_groups_policies_and_scopes_of_the_callers_entry() {
    let now = AccessEntry {
        policies: vec![policy("AmazonEKSEditPolicy", Some(&["a", "b"]))],
        ..entry(DEV, "dev", &["ops"])
    };
    let bed = world(Some(SESSION), &[now], "");
    let with = |groups: &str, namespaces: &str| {
        dev(&format!(
            "kubernetesUsername: dev\nkubernetesGroups: [{groups}]\naccessPolicies:\n- policyARN: arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy\n  accessScope: {{type: namespace, namespaces: [{namespaces}]}}"
        ))
    };
    let lost: &[&str] = &["own-access-lost"];
    let kept: &[&str] = &[];
    for (wanted, expected) in [
        (with("ops, more", "a, b, c"), kept),
        (with("more", "a, b"), lost),
        (with("ops", "a"), lost),
        (dev("kubernetesUsername: dev\nkubernetesGroups: [ops]"), lost),
        (
            with("ops", "a, b").replace("Username: dev", "Username: other"),
            lost,
        ),
        (dev(ADMIN), kept),
    ] {
        assert_eq!(refused(&bed, &wanting(&[&wanted])).await, expected, "{wanted}");
    }
}

#[tokio::test(start_paused = true)]
async fn guards_keep_the_roles_of_nodes() {
    let node = AccessEntry {
        entry_type: "EC2_LINUX".to_owned(),
        ..entry(NODE, "system:node:{{EC2PrivateDNSName}}", &["system:nodes"])
    };
    let bed = world(None, &[node], "");
    assert_eq!(refused(&bed, &deleting(&[NODE])).await, ["node-role-lost"]);
    // An entry for people takes the place of a mapping of nodes.
    let mapped = format!(
        "- {{rolearn: '{NODE}', username: 'system:node:{{{{EC2PrivateDNSName}}}}', groups: [system:bootstrappers, system:nodes]}}\n"
    );
    let bed = world(None, &[], &mapped);
    let standard = wanting(&[&format!("principalARN: {NODE}")]);
    assert_eq!(refused(&bed, &standard).await, ["node-role-lost"]);
    let nodes = wanting(&[&format!("principalARN: {NODE}\ntype: EC2_LINUX")]);
    assert_eq!(refused(&bed, &nodes).await, [""; 0]);
}
