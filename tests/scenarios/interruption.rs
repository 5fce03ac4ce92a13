//! A run that ends at any of its writes, in any of the ways in which a write can end: run again, it leads to the same
//! world as a run that nothing happened to.

use eksact_core::{
    kinds::Request,
    ports::{
        CallErrorKind,
        aws::Role,
        kubernetes::{Namespace, ServiceAccount},
    },
};
use eksact_simulator::{Fault, Matching, Rule, Sandbox, World};
use serde_json::json;

use eksact_simulation::normal_form::{differences, normal_form};

use crate::scenarios::stage::{
    again, apply, assert_settled, attempt, cluster, deletion, file, file_with, fresh_world, plan, pruning,
    request, role_of, sandbox,
};

const PLAIN: &str =
    "metadata: {name: plain, namespace: app}\nattachPolicyARNs: ['arn:aws:iam::aws:policy/ReadOnlyAccess']";
const NAMED: &str = "metadata: {name: named, namespace: ops, labels: {tier: back}, annotations: {owner: me}}\nroleName: deployer\nwellKnownPolicies: {externalDNS: true}";
const ATTACHED: &str =
    "metadata: {name: attached, namespace: ops}\nattachRoleARN: arn:aws:iam::111122223333:role/foreign";
const THEIRS: &str =
    "metadata: {name: theirs, namespace: app}\nattachPolicyARNs: ['arn:aws:iam::aws:policy/ReadOnlyAccess']";

/// Every way in which the write of this number can end other than well; the kinds of plain refusals take turns.
fn faults(nth: u32) -> [Fault; 4] {
    let refusals = [
        CallErrorKind::Unreachable,
        CallErrorKind::Throttled,
        CallErrorKind::AccessDenied,
        CallErrorKind::Conflict,
    ];
    let refusal = refusals[usize::try_from(nth).unwrap() % refusals.len()];
    [
        Fault::CrashBefore,
        Fault::CrashAfter,
        Fault::ErrorAfter,
        Fault::ErrorBefore(refusal),
    ]
}

/// A world with things that are nobody's business of ours.
fn inhabited() -> World {
    let mut world = fresh_world();
    let role = Role {
        name: "foreign".to_owned(),
        arn: "arn:aws:iam::111122223333:role/foreign".to_owned(),
        id: "AROAFOREIGN".to_owned(),
        path: "/".to_owned(),
        trust_policy: json!({"Version": "2012-10-17", "Statement": []}),
        managed_policy_arns: vec!["arn:aws:iam::aws:policy/AdministratorAccess".to_owned()],
        inline_policies: std::collections::BTreeMap::new(),
        max_session_seconds: None,
        permissions_boundary: None,
        tags: std::collections::BTreeMap::new(),
    };
    world.roles.insert(role.name.clone(), role);
    let cluster = cluster(&mut world);
    cluster.namespaces.insert(
        "app".to_owned(),
        Namespace {
            name: "app".to_owned(),
            terminating: false,
        },
    );
    for (name, label) in [("theirs", "Helm"), ("untouched", "Helm")] {
        let account = ServiceAccount {
            namespace: "app".to_owned(),
            name: name.to_owned(),
            uid: format!("uid of {name}"),
            resource_version: "1".to_owned(),
            labels: [("app.kubernetes.io/managed-by".to_owned(), label.to_owned())].into(),
            ..ServiceAccount::default()
        };
        cluster.service_accounts.insert(format!("app/{name}"), account);
    }
    world
}

fn overriding(mut request: Request) -> Request {
    request.settings.override_existing_service_accounts = true;
    request
}

/// Drives a run into `fault` at its write `nth`, then runs again until there is nothing left, and compares. Gives whether
/// the fault struck.
async fn strike(
    start: &World,
    request: &Request,
    expected: &serde_json::Value,
    nth: u32,
    fault: Fault,
) -> bool {
    let bed = sandbox(start.clone());
    bed.faults().add(Rule::once(Matching::Writes, nth, fault));
    attempt(&bed, &again(request, 1)).await;
    if bed.faults().writes().len() < usize::try_from(nth).unwrap() {
        return false;
    }
    let context = format!(
        "{fault:?} at write {nth}, {}",
        bed.faults().writes().last().unwrap().action
    );
    let next = bed.another_process();
    let report = attempt(&next, &again(request, 2)).await.unwrap();
    assert!(
        report.succeeded(),
        "{context}: the second run does the rest\n{report:#?}"
    );
    assert_settled(&next, &again(request, 3), &context).await;
    let found = normal_form(&next.world().unwrap());
    let differences = differences(expected, &found);
    assert!(differences.is_empty(), "{context}:\n{}", differences.join("\n"));
    true
}

/// Strikes every write of a run with every fault.
async fn strike_everywhere(start: World, request: Request) {
    let clean = sandbox(start.clone());
    apply(&clean, &again(&request, 1)).await;
    assert_settled(&clean, &request, "after the clean run").await;
    let expected = normal_form(&clean.world().unwrap());
    let writes = u32::try_from(clean.faults().writes().len()).unwrap();
    assert!(writes > 0);
    for nth in 1..=writes {
        for fault in faults(nth) {
            let struck = strike(&start, &request, &expected, nth, fault).await;
            assert!(struck, "write {nth} of {writes}");
        }
    }
    let untouched = |world: &World| (world.roles["foreign"].clone(), account(world, "app/untouched"));
    assert_eq!(untouched(&clean.world().unwrap()), untouched(&start));
}

fn account(world: &World, key: &str) -> ServiceAccount {
    world.clusters.values().next().unwrap().service_accounts[key].clone()
}

fn everything() -> String {
    file_with("tags: {team: platform}", &[PLAIN, NAMED, ATTACHED, THEIRS])
}

/// The world after the whole file was applied.
async fn made() -> World {
    let bed = sandbox(inhabited());
    apply(&bed, &overriding(request(&everything()))).await;
    bed.world().unwrap()
}

#[tokio::test(start_paused = true)]
async fn interruption_while_everything_is_made() {
    strike_everywhere(inhabited(), overriding(request(&everything()))).await;
}

#[tokio::test(start_paused = true)]
async fn interruption_while_drift_is_repaired() {
    let mut world = made().await;
    let plain = role_of(&mut world, "plain");
    plain.managed_policy_arns = vec!["arn:aws:iam::aws:policy/AdministratorAccess".to_owned()];
    plain.trust_policy["Statement"][0]["Effect"] = json!("Deny");
    plain.permissions_boundary = Some("arn:aws:iam::aws:policy/PowerUserAccess".to_owned());
    plain.tags.remove("team");
    let named = role_of(&mut world, "named");
    let document = named.inline_policies.values().next().unwrap().clone();
    named.inline_policies.clear();
    named.inline_policies.insert("by-hand".to_owned(), document);
    for record in world.stacks.values_mut() {
        record.stack.termination_protection = false;
    }
    cluster(&mut world)
        .service_accounts
        .get_mut("ops/named")
        .unwrap()
        .annotations
        .clear();
    cluster(&mut world).service_accounts.remove("app/plain");
    cluster(&mut world).cluster.tags.clear();
    world.oidc_providers.values_mut().next().unwrap().audiences = vec!["vault".to_owned()];
    strike_everywhere(world, request(&everything())).await;
}

#[tokio::test(start_paused = true)]
async fn interruption_while_stacks_are_updated_and_roles_renamed() {
    let mut world = made().await;
    role_of(&mut world, "named")
        .managed_policy_arns
        .push("arn:aws:iam::aws:policy/AdministratorAccess".to_owned());
    role_of(&mut world, "plain").permissions_boundary =
        Some("arn:aws:iam::aws:policy/PowerUserAccess".to_owned());
    let file = everything()
        .replace("roleName: deployer", "roleName: releaser")
        .replace("team: platform", "team: payments")
        .replace("labels: {tier: back}, ", "");
    strike_everywhere(world, request(&file)).await;
}

#[tokio::test(start_paused = true)]
async fn interruption_while_broken_stacks_are_replaced() {
    let mut world = made().await;
    for record in world.stacks.values_mut() {
        let status = if record.stack.name.ends_with("named") {
            "DELETE_FAILED"
        } else {
            "ROLLBACK_FAILED"
        };
        status.clone_into(&mut record.stack.status);
    }
    role_of(&mut world, "named")
        .managed_policy_arns
        .push("arn:aws:iam::aws:policy/AdministratorAccess".to_owned());
    let gone = role_of(&mut world, "plain").name.clone();
    world.roles.remove(&gone);
    strike_everywhere(world, request(&everything())).await;
}

#[tokio::test(start_paused = true)]
async fn interruption_while_what_the_file_lost_is_pruned() {
    let mut world = made().await;
    role_of(&mut world, "plain")
        .managed_policy_arns
        .push("arn:aws:iam::aws:policy/AdministratorAccess".to_owned());
    strike_everywhere(world, pruning(request(&file(&[])))).await;
}

#[tokio::test(start_paused = true)]
async fn interruption_while_service_accounts_are_deleted_by_name() {
    let request = deletion(&[
        ("app", "plain"),
        ("ops", "named"),
        ("app", "theirs"),
        ("ops", "attached"),
    ]);
    strike_everywhere(made().await, request).await;
}

/// The same request token is used by a run that is tried again with what it was: a plan that is applied twice.
#[tokio::test(start_paused = true)]
async fn plan_applied_a_second_time_changes_nothing_more() {
    let bed = sandbox(inhabited());
    let request = overriding(request(&everything()));
    let made = plan(&bed, &request).await;
    assert!(
        crate::scenarios::stage::carry_out(&bed, &made, &request)
            .await
            .succeeded()
    );
    let before = normal_form(&bed.world().unwrap());
    let stacks = bed.world().unwrap().stacks.len();
    crate::scenarios::stage::carry_out(&bed, &made, &request).await;
    assert!(differences(&before, &normal_form(&bed.world().unwrap())).is_empty());
    assert_eq!(bed.world().unwrap().stacks.len(), stacks, "nothing twice");
}

/// Somebody changes the same objects between the reading and each write: the run ends in a clear refusal or in what was
/// planned, never in something else, and the next run ends it.
#[tokio::test(start_paused = true)]
async fn writer_before_every_write_is_noticed() {
    let bed: Sandbox = sandbox(made().await);
    bed.edit(|world| {
        for account in cluster(world).service_accounts.values_mut() {
            account.annotations.remove("eks.amazonaws.com/role-arn");
        }
    })
    .unwrap();
    let other = bed.another_process();
    bed.faults().before_each_write(move |_| {
        other
            .edit(|world| {
                let cluster = cluster(world);
                cluster.revision += 1;
                let revision = cluster.revision.to_string();
                for account in cluster.service_accounts.values_mut() {
                    account.labels.insert("touched".to_owned(), revision.clone());
                    account.resource_version.clone_from(&revision);
                }
            })
            .unwrap();
    });
    let wanted = request(&everything());
    let report = attempt(&bed, &wanted).await.unwrap();
    for (_, error) in &report.failed {
        assert!(error.message.contains("others keep changing it"), "{error}");
    }
    let next = bed.another_process();
    apply(&next, &again(&wanted, 2)).await;
    let world = next.world().unwrap();
    assert!(
        account(&world, "ops/named").labels.contains_key("touched"),
        "what the other wrote stays"
    );
}
