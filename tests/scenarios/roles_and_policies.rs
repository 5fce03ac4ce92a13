//! Roles that people assume, and policies, in the states that hands and broken stacks leave: what depends on one that is made anew is
//! made anew with it, and what cannot be is refused before anything is written.

use eksact_core::{
    engine::{Plan, Severity},
    guard::Guard,
    kinds::Request,
};
use eksact_simulator::{Sandbox, SimulatedCaller, World};

use crate::scenarios::stage::{
    again, apply, assert_settled, carry_out, cluster, file, fresh_world, plan, request, sandbox, summary,
};

const DEPLOYER: &str = "arn:aws:iam::111122223333:role/deployer";
const LOGS: &str = "arn:aws:iam::111122223333:policy/logs";

/// A file with these lines of a ClusterAccess, and an access entry of its role.
fn with(access: &str) -> Request {
    request(&format!(
        "{}accessConfig: {{accessEntries: [{{principalARN: 'role:deployer', kubernetesGroups: [ops]}}]}}\n---\napiVersion: \
         eksact.dev/v1alpha1\nkind: ClusterAccess\n{access}",
        file(&[])
    ))
}

fn both() -> Request {
    with(
        "policies: [{name: logs, document: {Version: '2012-10-17', Statement: [{Effect: Allow, Action: 'logs:Get*', Resource: '*'}]}}]\n\
         roles: [{name: deployer, assumedBy: {users: [nina]}, policies: ['policy:logs']}]\n",
    )
}

async fn made() -> (Sandbox, Request) {
    let bed = sandbox(fresh_world());
    let wanted = both();
    apply(&bed, &wanted).await;
    assert_settled(&bed, &wanted, "as it was made").await;
    (bed, wanted)
}

/// Whether a session of the role gets into the cluster.
fn gets_in(bed: &Sandbox) -> bool {
    let caller = SimulatedCaller::of_role(DEPLOYER, "nina").unwrap();
    bed.world().unwrap().user_info_of(&caller).is_some()
}

fn stack_of<'world>(world: &'world mut World, name: &str) -> &'world mut eksact_simulator::StackRecord {
    let mut stacks = world.stacks.values_mut();
    stacks.find(|record| record.stack.name == name).unwrap()
}

fn reasons<'plan>(plan: &'plan Plan, kind: &str) -> Vec<&'plan str> {
    let mut changes = plan.changes.iter();
    let change = changes.find(|change| change.address.kind() == kind).unwrap();
    change.reasons.iter().map(|reason| reason.code.as_str()).collect()
}

/// Takes the policy away, as a person does who deletes it.
fn forget_logs(world: &mut World) {
    world.policies.remove(LOGS);
    world.policy_documents.remove(LOGS);
    world.managed_policies.remove(LOGS);
}

/// EKS knows whom an entry is for by a unique id: one whose role is made anew lets nobody in until it is made anew, too.
#[tokio::test(start_paused = true)]
async fn entry_is_made_anew_with_its_role() {
    let hands: [fn(&mut World); 2] = [
        |world| drop(world.roles.remove("deployer")),
        |world| "ROLLBACK_FAILED".clone_into(&mut stack_of(world, "eksact-prod-role-deployer").stack.status),
    ];
    for hand in hands {
        let (bed, wanted) = made().await;
        assert!(gets_in(&bed));
        bed.edit(hand).unwrap();
        let planned = apply(&bed, &wanted).await;
        assert_eq!(reasons(&planned, "access-entry"), ["principal-made-anew"]);
        assert!(gets_in(&bed), "{}", summary(&planned));
        assert_settled(&bed, &wanted, "once both are there").await;
        assert_eq!(
            cluster(&mut bed.world().unwrap()).eks.access_entries[DEPLOYER].groups,
            ["ops"]
        );
    }
}

/// The role is planned as one of the files, and so is its entry.
#[tokio::test(start_paused = true)]
async fn entry_is_planned_with_its_role_whose_stack_has_lost_its_mark() {
    let (bed, wanted) = made().await;
    bed.edit(|world| {
        let stack = &mut stack_of(world, "eksact-prod-role-deployer").stack;
        stack.tags.retain(|key, _| key != "eksact.dev/role-name");
        cluster(world).eks.access_entries.remove(DEPLOYER);
    })
    .unwrap();
    let planned = apply(&bed, &wanted).await;
    assert_eq!(
        planned.findings_of(Severity::Error).count(),
        0,
        "{}",
        summary(&planned)
    );
    assert!(gets_in(&bed), "{}", summary(&planned));
    assert_settled(&bed, &wanted, "with its mark").await;
}

/// Whoever may assume a role that is made would get in as what `aws-auth` still says of one of its ARN.
#[tokio::test(start_paused = true)]
async fn role_is_made_once_aws_auth_lets_nobody_in_by_its_arn() {
    let line = format!("iamIdentityMappings: [{{arn: '{DEPLOYER}', username: former, groups: [ops]}}]\n");
    let role = "---\napiVersion: eksact.dev/v1alpha1\nkind: ClusterAccess\nroles: [{name: deployer, assumedBy: {users: [nina]}}]\n";
    for (access, going) in [
        ("iamIdentityMappings: []\n", "aws-auth"),
        ("accessConfig: {authenticationMode: API}\n", "authentication-mode"),
    ] {
        let bed = sandbox(fresh_world());
        apply(&bed, &request(&format!("{}{line}", file(&[])))).await;
        let mut wanted = request(&format!("{}{access}{role}", file(&[])));
        wanted.settings.prune = true;
        wanted.settings.allow = Guard::ALL.iter().copied().collect();
        let planned = apply(&bed, &wanted).await;
        let place = |kind: &str| {
            let mut steps = planned.steps.iter();
            steps.position(|step| step.address.kind() == kind).unwrap()
        };
        assert!(place(going) < place("assumable-role"), "{}", summary(&planned));
        assert_settled(&bed, &wanted, "once it is made").await;
    }
}

/// A mapping that gives more waits for the role: whom the role lets in until then, and nobody who makes one of its name, gets it.
#[tokio::test(start_paused = true)]
async fn mapping_that_gives_more_waits_for_its_role() {
    let of = |users: &str, group: &str| {
        request(&format!(
            "{}iamIdentityMappings: [{{arn: '{DEPLOYER}', username: deployer, groups: [{group}]}}]\n---\napiVersion: \
             eksact.dev/v1alpha1\nkind: ClusterAccess\nroles: [{{name: deployer, assumedBy: {{users: [{users}]}}}}]\n",
            file(&[])
        ))
    };
    let mut hands: Vec<fn(&mut World)> = vec![|_| ()];
    hands.push(|world| {
        world.roles.remove("deployer");
        world
            .stacks
            .retain(|_, record| record.stack.name != "eksact-prod-role-deployer");
    });
    for hand in hands {
        let bed = sandbox(fresh_world());
        apply(&bed, &of("nina", "viewers")).await;
        bed.edit(hand).unwrap();
        let planned = plan(&bed, &of("omar", "ops")).await;
        let mapping = planned
            .steps
            .iter()
            .find(|step| step.address.kind() == "aws-auth")
            .unwrap();
        let role =
            |step: &eksact_core::engine::StepId| step.to_string().starts_with("assumable-role/deployer#");
        assert!(mapping.depends_on.iter().any(role), "{}", summary(&planned));
        // Without the role the mapping stays as it is.
        let mut part = of("omar", "ops");
        part.settings.targets.excluded = vec!["assumable-role/deployer".to_owned()];
        let planned = plan(&bed, &part).await;
        assert!(!planned.has_changes(), "{}", summary(&planned));
    }
}

/// Its stack can only be deleted, and with it goes the policy, which IAM does not delete as long as somebody has it.
#[tokio::test(start_paused = true)]
async fn policy_in_use_whose_stack_is_broken_is_refused_with_those_who_have_it() {
    let (bed, wanted) = made().await;
    bed.edit(|world| {
        "DELETE_FAILED".clone_into(&mut stack_of(world, "eksact-prod-policy-logs").stack.status);
    })
    .unwrap();
    let planned = plan(&bed, &wanted).await;
    let mut errors = planned.findings_of(Severity::Error);
    let error = errors
        .find(|error| error.code.as_str() == "policy-in-use")
        .unwrap();
    assert!(
        error.message.ends_with("somebody has: the role deployer"),
        "{error:?}"
    );
    assert!(!planned.has_changes(), "{}", summary(&planned));
    // Once nobody has it, it is made anew and given again.
    bed.edit(|world| {
        world
            .roles
            .get_mut("deployer")
            .unwrap()
            .managed_policy_arns
            .clear();
    })
    .unwrap();
    apply(&bed, &wanted).await;
    assert_eq!(bed.world().unwrap().roles["deployer"].managed_policy_arns, [LOGS]);
    assert_settled(&bed, &wanted, "once it is made anew").await;
}

/// A rollback takes away what the stack made, a stack in review has made nothing, and one that is not rolled back failed at the policy:
/// a policy of the name is then somebody else's.
#[tokio::test(start_paused = true)]
async fn policy_beside_a_stack_that_has_made_none_is_somebody_elses() {
    for status in ["ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS", "CREATE_FAILED"] {
        let (bed, wanted) = made().await;
        bed.edit(|world| {
            let record = stack_of(world, "eksact-prod-policy-logs");
            status.clone_into(&mut record.stack.status);
            record.stack.outputs.clear();
            record.resources.clear();
            // The role lacks the policy, and would get it.
            let role = world.roles.get_mut("deployer").unwrap();
            role.managed_policy_arns.clear();
        })
        .unwrap();
        let planned = plan(&bed, &wanted).await;
        let errors: Vec<(&str, String)> = planned
            .findings_of(Severity::Error)
            .map(|error| {
                let about = error.address.as_ref().map(ToString::to_string);
                (error.code.as_str(), about.unwrap_or_default())
            })
            .collect();
        for about in ["managed-policy/logs", "assumable-role/deployer"] {
            assert!(
                errors.contains(&("policy-not-ours", about.to_owned())),
                "{status}: {errors:?}"
            );
        }
        assert!(
            errors.iter().all(|(code, _)| *code != "policy-in-use"),
            "{status}: {errors:?}"
        );
        assert!(!planned.has_changes(), "{status}: {}", summary(&planned));

        // Where none is there, it is made anew, and given.
        bed.edit(forget_logs).unwrap();
        apply(&bed, &wanted).await;
        assert_eq!(bed.world().unwrap().roles["deployer"].managed_policy_arns, [LOGS]);
        assert_settled(&bed, &wanted, status).await;
    }
}

/// A stack that failed, and somebody else's role of the name: nothing is deleted that could not be made again.
#[tokio::test(start_paused = true)]
async fn role_beside_a_stack_that_has_made_none_is_somebody_elses() {
    for status in [
        "ROLLBACK_COMPLETE",
        "REVIEW_IN_PROGRESS",
        "CREATE_FAILED",
        "ROLLBACK_FAILED",
    ] {
        let (bed, wanted) = made().await;
        bed.edit(|world| {
            let record = stack_of(world, "eksact-prod-role-deployer");
            status.clone_into(&mut record.stack.status);
            record.stack.outputs.clear();
            record.resources.clear();
            world.roles.get_mut("deployer").unwrap().tags.clear();
        })
        .unwrap();
        let planned = plan(&bed, &wanted).await;
        let refused = |error: &&eksact_core::engine::Finding| {
            error.code.as_str() == "role-not-ours"
                && error
                    .address
                    .as_ref()
                    .is_some_and(|address| address.kind() == "assumable-role")
        };
        assert_eq!(
            planned.findings_of(Severity::Error).filter(refused).count(),
            1,
            "{status}: {}",
            summary(&planned)
        );
        assert!(
            planned
                .changes
                .iter()
                .all(|change| change.address.kind() != "assumable-role"),
            "{status}: {}",
            summary(&planned)
        );

        // Where none is there, it is made anew.
        bed.edit(|world| drop(world.roles.remove("deployer"))).unwrap();
        apply(&bed, &wanted).await;
        assert!(gets_in(&bed), "{status}");
        assert_settled(&bed, &wanted, status).await;
    }
}

/// CloudFormation gave up after IAM had made the role: it notes on each role whose it is, and this one goes with its stack.
#[tokio::test(start_paused = true)]
async fn role_that_a_failed_stack_made_is_made_anew_with_it() {
    let wanted = request(&format!(
        "{}---\napiVersion: eksact.dev/v1alpha1\nkind: ClusterAccess\nroles: [{{name: deployer, assumedBy: {{users: [nina]}}}}]\n",
        file(&[])
    ));
    for status in ["CREATE_FAILED", "ROLLBACK_FAILED"] {
        let bed = sandbox(fresh_world());
        apply(&bed, &wanted).await;
        bed.edit(|world| {
            let record = stack_of(world, "eksact-prod-role-deployer");
            status.clone_into(&mut record.stack.status);
            record.stack.outputs.clear();
        })
        .unwrap();
        let planned = apply(&bed, &wanted).await;
        assert_eq!(reasons(&planned, "assumable-role"), ["stack-broken"], "{status}");
        assert_settled(&bed, &wanted, status).await;
    }
}

/// Whoever runs without rollback, and meets a policy of the name that somebody made meanwhile: no role gets that one, in this run or
/// the next, until it is gone.
#[tokio::test(start_paused = true)]
async fn policy_that_a_stack_without_rollback_met_is_given_to_no_role() {
    let mut wanted = both();
    wanted.settings.disable_rollback = true;
    let bed = sandbox(fresh_world());
    let planned = plan(&bed, &wanted).await;
    bed.edit(|world| world.policies.insert(LOGS.to_owned())).unwrap();
    let report = carry_out(&bed, &planned, &wanted).await;
    assert!(!report.succeeded(), "{report:#?}");
    let mut now = bed.world().unwrap();
    assert_eq!(
        stack_of(&mut now, "eksact-prod-policy-logs").stack.status,
        "CREATE_FAILED"
    );
    let is_given = |world: &World| {
        let mut given = world.roles.values().flat_map(|role| &role.managed_policy_arns);
        given.any(|arn| arn == LOGS)
    };
    assert!(!is_given(&now));
    let second = again(&wanted, 2);
    let planned = plan(&bed, &second).await;
    let refused = planned
        .findings_of(Severity::Error)
        .filter(|error| error.code.as_str() == "policy-not-ours");
    assert_eq!(refused.count(), 2, "{}", summary(&planned));
    carry_out(&bed, &planned, &second).await;
    assert!(!is_given(&bed.world().unwrap()));

    bed.edit(forget_logs).unwrap();
    apply(&bed, &again(&wanted, 3)).await;
    assert!(is_given(&bed.world().unwrap()));
}

/// Whatever becomes of its stack, a policy does not go to another path, and the one that is there is not left behind.
#[tokio::test(start_paused = true)]
async fn policy_whose_stack_is_broken_does_not_move() {
    for is_attached in [true, false] {
        let (bed, _) = made().await;
        bed.edit(|world| {
            "DELETE_FAILED".clone_into(&mut stack_of(world, "eksact-prod-policy-logs").stack.status);
            if !is_attached {
                let role = world.roles.get_mut("deployer").unwrap();
                role.managed_policy_arns.clear();
            }
        })
        .unwrap();
        let moved = with(
            "policies: [{name: logs, path: /new/, document: {Version: '2012-10-17', Statement: [{Effect: Allow, Action: 'logs:Get*', Resource: '*'}]}}]\n\
             roles: [{name: deployer, assumedBy: {users: [nina]}}]\n",
        );
        let planned = plan(&bed, &moved).await;
        let errors: Vec<&str> = planned
            .findings_of(Severity::Error)
            .map(|error| error.code.as_str())
            .collect();
        assert!(errors.contains(&"policy-moves"), "{is_attached}: {errors:?}");
        let changed: Vec<&str> = planned
            .changes
            .iter()
            .map(|change| change.address.kind())
            .filter(|kind| *kind == "managed-policy")
            .collect();
        assert!(changed.is_empty(), "{is_attached}: {}", summary(&planned));
    }
}
