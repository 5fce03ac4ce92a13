//! What the guards refuse of a plan over entries: the caller's own access, the last administrator, the roles of nodes.

use eksact_core::{
    engine::Severity,
    kinds::{Request, access_entry::AccessEntryScope},
    ports::aws::AccessEntry,
};
use eksact_simulator::{Sandbox, World};

use super::{DEV, NODE, codes, dev, entry, make_dev_again, policy, wanting, world_with_roles};
use crate::scenarios::stage::{CLUSTER, REGION, cluster, plan, request, sandbox};

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

/// The caller has a line that goes. Wherever a run ends, of its entry's steps before it or after, the way back that the guards and
/// the write of `aws-auth` tell leads in.
#[tokio::test(start_paused = true)]
async fn way_back_fits_whatever_the_plan_makes_of_the_callers_entry() {
    let line = "- {rolearn: 'arn:aws:iam::111122223333:role/dev', username: dev, groups: [system:masters]}\n";
    let unmapped = || {
        eksact_core::kinds::identity_mapping::AwsAuthScope::Delete(vec![
            eksact_core::kinds::identity_mapping::MappingSelector::Arn {
                arn: "arn:aws:iam::111122223333:role/dev".to_owned(),
                all: true,
            },
        ])
    };
    let (create, associate) = ("`eksact create accessentry", "`aws eks associate-access-policy");
    let either = "`aws eks create-access-entry";
    let other = entry(NODE, "node", &[]);
    // Stale, so that the line is what counts now.
    let own = || dated(entry(DEV, "dev", &[]));
    for (case, entries, request, way_back) in [
        ("not there at all", vec![other.clone()], deleting(&[]), create),
        ("there", vec![own()], deleting(&[]), associate),
        ("there, and goes", vec![own()], deleting(&[DEV]), either),
        (
            "is made",
            vec![],
            wanting(&[&dev("kubernetesUsername: dev")]),
            either,
        ),
    ] {
        let bed = world(Some(SESSION), &entries, line);
        bed.edit(make_dev_again).unwrap();
        let mut request = request;
        request.ask(unmapped());
        let planned = plan(&bed, &request).await;
        let lost = planned
            .findings_of(Severity::Refusal)
            .find(|finding| finding.code.as_str() == "own-access-lost")
            .unwrap_or_else(|| panic!("{case}: {:#?}", planned.findings));
        let help = lost.help.as_ref().unwrap().as_str();
        assert!(help.contains(way_back), "{case}: {help}");
        let write = planned
            .steps
            .iter()
            .find(|step| step.address.kind() == "aws-auth");
        let operation = write.unwrap().operation.to_string();
        // Planned before what else may be done with the entry: it fits whatever is there.
        let told = format!("\"way_back\":\"{}", either.trim_start_matches('`'));
        assert!(operation.contains(&told), "{case}: {operation}");
    }
}

/// An entry as EKS makes it, at the scenarios' beginning: only with its date can it be told from that of a later role.
fn dated(entry: AccessEntry) -> AccessEntry {
    AccessEntry {
        created_at: Some(jiff::Timestamp::from_second(1_800_000_000).unwrap()),
        ..entry
    }
}

/// An administrator whose role was made again since, or is gone, is none that is left; one of whom IAM says nothing neither.
#[tokio::test(start_paused = true)]
async fn guards_count_no_administrator_whose_entry_may_let_no_one_in() {
    let both = ["last-admin-lost", "own-access-lost"];
    let stale: [fn(&mut World); 4] = [
        make_dev_again,
        |world| drop(world.roles.remove("dev")),
        |world| {
            // The same name in another path is another ARN.
            let role = world.roles.get_mut("dev").unwrap();
            role.arn = role.arn.replace("/team/", "/people/");
        },
        |world| {
            world.denied.insert("iam:GetRole".to_owned());
        },
    ];
    for make in stale {
        let bed = world(None, &[dated(admin(DEV))], "");
        assert_eq!(refused(&bed, &deleting(&[CREATOR])).await, both[1..]);
        bed.edit(make).unwrap();
        assert_eq!(refused(&bed, &deleting(&[CREATOR])).await, both);
        // Nothing is lost with it while the other one is there.
        assert_eq!(refused(&bed, &deleting(&[DEV])).await, [""; 0]);
    }
    let foreign = "arn:aws:iam::444455556666:role/admin";
    let bed = world(None, &[dated(admin(foreign))], "");
    let planned = plan(&bed, &deleting(&[CREATOR])).await;
    let said = &planned.findings_of(Severity::Refusal).next().unwrap().message;
    assert!(
        said.contains(&format!(
            "whether the access entry of {foreign} still lets it in could not be read"
        )),
        "{said}"
    );
}

/// A line of aws-auth is all that its principal has, where the entry is another's.
#[tokio::test(start_paused = true)]
async fn guards_keep_what_a_stale_entry_does_not_give() {
    let master =
        "- {rolearn: 'arn:aws:iam::111122223333:role/dev', username: dev, groups: [system:masters]}\n";
    let unmapping = || {
        let mut request = deleting(&[]);
        request.ask(AccessEntryScope::default());
        request.ask(eksact_core::kinds::identity_mapping::AwsAuthScope::Delete(vec![
            eksact_core::kinds::identity_mapping::MappingSelector::Arn {
                arn: "arn:aws:iam::111122223333:role/dev".to_owned(),
                all: true,
            },
        ]));
        request
    };
    let bed = world(Some(SESSION), &[dated(entry(DEV, "dev", &[]))], master);
    assert_eq!(refused(&bed, &unmapping()).await, [""; 0], "the entry counts");
    bed.edit(make_dev_again).unwrap();
    assert_eq!(refused(&bed, &unmapping()).await, ["own-access-lost"]);
    // With the only other administrator gone it is the last one.
    bed.edit(|world| drop(cluster(world).eks.access_entries.remove(CREATOR)))
        .unwrap();
    assert_eq!(
        refused(&bed, &unmapping()).await,
        ["last-admin-lost", "own-access-lost"]
    );
}

/// In mode API a stale entry lets no one in, whatever line the principal has until then.
#[tokio::test(start_paused = true)]
async fn guards_keep_aws_auth_while_an_entry_of_its_lines_is_stale() {
    let mapped = "- {rolearn: 'arn:aws:iam::111122223333:role/dev', username: dev, groups: [ops]}\n";
    let to_api = || {
        let mut wanted = request(&format!(
            "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {{name: {CLUSTER}, region: {REGION}}}\naccessConfig: {{authenticationMode: API}}\n"
        ));
        wanted
            .settings
            .allow
            .insert(eksact_core::guard::Guard::OneWayMode);
        wanted
    };
    let bed = world(None, &[dated(entry(DEV, "dev", &["ops"]))], mapped);
    assert_eq!(refused(&bed, &to_api()).await, [""; 0]);
    let planned = plan(&bed, &to_api()).await;
    bed.edit(make_dev_again).unwrap();
    assert_eq!(refused(&bed, &to_api()).await, ["aws-auth-in-use"]);
    // What became stale since the plan stops the step.
    let report = crate::scenarios::stage::carry_out(&bed, &planned, &to_api()).await;
    assert_eq!(
        report.failed[0].1.cause,
        eksact_core::engine::StepFailure::Guarded
    );
    bed.edit(|world| {
        world.denied.insert("iam:GetRole".to_owned());
    })
    .unwrap();
    assert_eq!(refused(&bed, &to_api()).await, ["aws-auth-in-use"]);
}
