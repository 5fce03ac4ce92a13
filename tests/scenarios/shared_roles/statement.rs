//! The life of one statement: added, changed, repaired, removed, and left alone where it is somebody else's.

use eksact_core::engine::{Action, Severity};
use eksact_identity::iam::shared_trust;
use eksact_simulator::Sandbox;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    ACCOUNT, NAMES, ROLE, WEB, by_hand, changes, codes, edit, not_sharing, pruning, request, seen_by,
    sharing, sid, sids, trust_policy, world,
};
use crate::scenarios::stage::{again, apply, assert_settled, human, plan, sandbox};

#[tokio::test(start_paused = true)]
async fn shared_role_life_of_a_statement() {
    let bed = sandbox(world(&["blue", "green"]));
    let (blue, green) = (seen_by(&bed, "blue"), seen_by(&bed, "green"));
    let wanted = sharing("blue", WEB);
    let first = plan(&blue, &wanted).await;
    insta::assert_snapshot!(human(&first));
    apply(&blue, &wanted).await;
    assert_settled(&blue, &wanted, "added").await;
    apply(&green, &sharing("green", WEB)).await;
    assert_eq!(sids(&bed), ["Ops", "-", &sid("blue"), &sid("green")]);

    // More service accounts: the same statement, in its place.
    let more = sharing(
        "blue",
        "{namespace: app, name: web}, {namespace: jobs, subjectPattern: 'night-*'}",
    );
    let planned = plan(&blue, &more).await;
    insta::assert_snapshot!(human(&planned));
    assert_eq!(planned.broadening(), 1);
    apply(&blue, &again(&more, 2)).await;
    assert_settled(&blue, &more, "changed").await;
    assert_settled(&green, &sharing("green", WEB), "the other's is as it was").await;
    assert_eq!(sids(&bed), ["Ops", "-", &sid("blue"), &sid("green")]);

    // No longer in the file: named, and removed with --prune alone.
    let left = plan(&blue, &not_sharing("blue")).await;
    assert_eq!(
        (changes(&left), codes(&left, Severity::Note)),
        (vec![], vec!["not-pruned"])
    );
    let pruned = plan(&blue, &pruning(not_sharing("blue"))).await;
    insta::assert_snapshot!(human(&pruned));
    apply(&blue, &again(&pruning(not_sharing("blue")), 3)).await;
    assert_eq!(sids(&bed), ["Ops", "-", &sid("green")]);
    apply(&green, &again(&pruning(not_sharing("green")), 4)).await;
    assert_eq!(
        trust_policy(&bed, ROLE),
        by_hand(),
        "all that was there before is there again"
    );
}

/// A file without a ClusterAccess says nothing of shared roles; one of another cluster takes nothing of ours.
#[tokio::test(start_paused = true)]
async fn shared_role_prune_takes_only_the_own_statement() {
    let bed = sandbox(world(&["blue", "green"]));
    let (blue, green) = (seen_by(&bed, "blue"), seen_by(&bed, "green"));
    apply(&blue, &sharing("blue", WEB)).await;
    let planned = plan(&green, &pruning(not_sharing("green"))).await;
    assert_eq!(changes(&planned), []);
    // Without --prune and without the list, no role is listed.
    blue.faults().forget_calls();
    plan(&blue, &request("blue", "", "groups: []\n")).await;
    assert_eq!(blue.faults().count("GetAccountAuthorizationDetails"), 0);
    // A file about shared roles alone says nothing of mappings and groups, and needs nothing of Kubernetes.
    bed.edit(|world| {
        for cluster in world.clusters.values_mut() {
            cluster.unreachable = true;
        }
    })
    .unwrap();
    let kubernetes = |bed: &Sandbox| {
        let calls = bed.faults().calls();
        calls.iter().filter(|call| call.service == "kubernetes").count()
    };
    blue.faults().forget_calls();
    apply(&blue, &again(&sharing("blue", WEB), 2)).await;
    assert_eq!(kubernetes(&blue), 0);
    bed.edit(|world| {
        for cluster in world.clusters.values_mut() {
            cluster.unreachable = false;
        }
    })
    .unwrap();
    // With --prune the whole list counts, be the key there or not.
    let planned = plan(&blue, &pruning(request("blue", "", "groups: []\n"))).await;
    assert_eq!(
        changes(&planned),
        [(format!("shared-role/{ROLE}"), Action::Delete)]
    );
}

type Meddle = Box<dyn Fn(&mut Value, usize)>;

#[tokio::test(start_paused = true)]
async fn shared_role_drift_is_repaired_statement_by_statement() {
    let bed = sandbox(world(&["blue"]));
    let blue = seen_by(&bed, "blue");
    let wanted = sharing("blue", WEB);
    apply(&blue, &wanted).await;
    let settled = trust_policy(&bed, ROLE);
    let own = |policy: &mut Value| -> usize {
        let statements = shared_trust::statements(policy);
        statements
            .iter()
            .position(|statement| shared_trust::sid_of(statement) == Some(&sid("blue")))
            .unwrap()
    };
    let cases: [(&str, Meddle, &[(&str, Action)]); 6] = [
        (
            "removed",
            Box::new(|policy, at| drop(policy["Statement"].as_array_mut().unwrap().remove(at))),
            &[("shared-role/orders-reader", Action::Create)],
        ),
        (
            "wider",
            Box::new(|policy, at| {
                let own = policy["Statement"][at].as_object_mut().unwrap();
                own.remove("Condition");
            }),
            &[("shared-role/orders-reader", Action::Update)],
        ),
        (
            "another principal",
            Box::new(|policy, at| policy["Statement"][at]["Principal"] = json!({"AWS": "444455556666"})),
            &[("shared-role/orders-reader", Action::Update)],
        ),
        (
            "denied",
            Box::new(|policy, at| policy["Statement"][at]["Effect"] = json!("Deny")),
            &[("shared-role/orders-reader", Action::Update)],
        ),
        (
            "other spelling",
            Box::new(|policy, at| {
                policy["Statement"][at]["Action"] = json!(["STS:AssumeRoleWithWebIdentity"]);
            }),
            &[],
        ),
        (
            "theirs changed",
            Box::new(|policy, _| policy["Statement"][0]["Principal"] = json!("*")),
            &[],
        ),
    ];
    for (number, (name, meddle, expected)) in cases.into_iter().enumerate() {
        edit(&bed, |policy| {
            settled.clone_into(policy);
            let at = own(policy);
            meddle(policy, at);
        });
        let before = trust_policy(&bed, ROLE);
        let planned = plan(&blue, &wanted).await;
        let expected: Vec<(String, Action)> = expected
            .iter()
            .map(|(address, action)| ((*address).to_owned(), *action))
            .collect();
        assert_eq!(changes(&planned), expected, "{name}");
        apply(&blue, &again(&wanted, u32::try_from(number).unwrap() + 2)).await;
        let after = trust_policy(&bed, ROLE);
        if expected.is_empty() {
            assert_eq!(after, before, "{name}");
        } else {
            assert_eq!(after, settled, "{name}");
        }
    }
}

/// A statement of somebody else's that lets the same service accounts in: nothing is added, and prune leaves it.
#[tokio::test(start_paused = true)]
async fn shared_role_statement_made_by_hand_is_enough() {
    let bed = sandbox(world(&["blue"]));
    let blue = seen_by(&bed, "blue");
    let wanted = sharing("blue", WEB);
    apply(&blue, &wanted).await;
    // Somebody takes the mark off, or writes it so.
    for sid in [json!("AllowBlue"), json!("")] {
        edit(&bed, |policy| {
            let last = policy["Statement"].as_array_mut().unwrap().last_mut().unwrap();
            last["Sid"] = sid.clone();
        });
        let before = trust_policy(&bed, ROLE);
        assert_settled(&blue, &wanted, "made by hand").await;
        assert_eq!(changes(&plan(&blue, &pruning(not_sharing("blue"))).await), []);
        assert_eq!(trust_policy(&bed, ROLE), before);
    }
    // Both are there: ours goes, and theirs stays.
    edit(&bed, |policy| {
        let statements = policy["Statement"].as_array_mut().unwrap();
        let mut ours = statements.last().unwrap().clone();
        ours["Sid"] = json!(sid("blue"));
        statements.push(ours);
    });
    let planned = plan(&blue, &wanted).await;
    assert_eq!(planned.changes[0].reasons[0].code, "made-by-others");
    assert_eq!(planned.broadening(), 0, "{}", human(&planned));
    apply(&blue, &again(&wanted, 2)).await;
    assert_eq!(sids(&bed), ["Ops", "-", ""]);
    assert_settled(&blue, &wanted, "theirs is enough").await;
}

/// A cluster that is made again under its name has another issuer: its predecessor's statement becomes its own.
#[tokio::test(start_paused = true)]
async fn shared_role_follows_a_cluster_made_again() {
    let bed = sandbox(world(&["blue"]));
    let blue = seen_by(&bed, "blue");
    apply(&blue, &sharing("blue", WEB)).await;
    bed.edit(|world| {
        let cluster = world.clusters.values_mut().next().unwrap();
        cluster.cluster.oidc_issuer = Some("https://oidc.eks.us-west-2.amazonaws.com/id/NEW".to_owned());
    })
    .unwrap();
    let planned = plan(&blue, &sharing("blue", WEB)).await;
    assert_eq!(
        changes(&planned),
        [(format!("shared-role/{ROLE}"), Action::Update)]
    );
    apply(&blue, &again(&sharing("blue", WEB), 2)).await;
    let policy = trust_policy(&bed, ROLE).to_string();
    assert!(policy.contains("id/NEW:sub") && sids(&bed).len() == 3, "{policy}");
}

/// The service accounts that attach the role need not be listed twice.
#[tokio::test(start_paused = true)]
async fn shared_role_lets_in_the_accounts_that_attach_it() {
    let bed = sandbox(world(&["blue"]));
    let blue = seen_by(&bed, "blue");
    let accounts = format!(
        "  serviceAccounts:\n  - metadata: {{name: web, namespace: app}}\n    attachRoleARN: arn:aws:iam::{ACCOUNT}:role/{ROLE}\n  \
         - metadata: {{name: job, namespace: app}}\n    attachRoleARN: arn:aws:iam::{ACCOUNT}:role/{ROLE}\n  \
         - metadata: {{name: other}}\n    attachRoleARN: arn:aws:iam::{ACCOUNT}:role/other\n"
    );
    for reference in [
        format!("roleName: {ROLE}"),
        format!("roleARN: 'arn:aws:iam::{ACCOUNT}:role/{ROLE}'"),
    ] {
        let wanted = request("blue", &accounts, &format!("sharedRoles:\n- {reference}\n"));
        apply(&blue, &again(&wanted, 2)).await;
        assert_settled(&blue, &wanted, &reference).await;
    }
    let policy = trust_policy(&bed, ROLE);
    let own = shared_trust::statement_of(&policy, &sid("blue")).unwrap();
    let subjects = own["Condition"]["StringEquals"]
        .as_object()
        .unwrap()
        .values()
        .find(|value| value.is_array());
    assert_eq!(
        subjects,
        Some(&json!([
            "system:serviceaccount:app:job",
            "system:serviceaccount:app:web"
        ]))
    );
}

/// IAM keeps no trust policy without a statement: the last one stays, and the way out is told.
#[tokio::test(start_paused = true)]
async fn shared_role_keeps_its_last_statement() {
    let bed = sandbox(world(&["blue"]));
    let blue = seen_by(&bed, "blue");
    apply(&blue, &sharing("blue", WEB)).await;
    edit(&bed, |policy| {
        let ours = policy["Statement"].as_array_mut().unwrap().pop().unwrap();
        policy["Statement"] = json!(ours);
    });
    let planned = plan(&blue, &pruning(not_sharing("blue"))).await;
    assert_eq!(
        (changes(&planned), codes(&planned, Severity::Error)),
        (vec![], vec!["shared-role-last-statement"])
    );
    // The way out works: another statement first.
    edit(&bed, |policy| {
        let ours = policy["Statement"].clone();
        policy["Statement"] = json!([by_hand()["Statement"][0], ours]);
    });
    apply(&blue, &pruning(not_sharing("blue"))).await;
    assert_eq!(sids(&bed), ["Ops"]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Whatever stands in a trust policy: after add and prune by any clusters it is what it was, and after an add nothing is
    /// left to do.
    #[test]
    fn shared_role_leaves_any_trust_policy_as_it_was(
        principals in prop::collection::vec(prop::sample::select(vec!["ec2.amazonaws.com", "ecs-tasks.amazonaws.com", "lambda.amazonaws.com"]), 1..4),
        single in any::<bool>(),
        order in prop::sample::subsequence(NAMES.to_vec(), 1..=4),
        accounts in prop::collection::btree_set("[a-z][a-z0-9]{0,8}", 1..4),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let bed = sandbox(world(&NAMES));
            let statements: Vec<Value> = principals.iter().map(|service| json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}})).collect();
            let before = if single { json!({"Statement": statements[0]}) } else { json!({"Version": "2012-10-17", "Statement": statements}) };
            edit(&bed, |policy| policy.clone_from(&before));
            let accounts: Vec<String> = accounts.iter().map(|name| format!("{{namespace: app, name: '{name}'}}")).collect();
            for cluster in &order {
                let wanted = sharing(cluster, &accounts.join(", "));
                apply(&seen_by(&bed, cluster), &wanted).await;
                assert_settled(&seen_by(&bed, cluster), &wanted, cluster).await;
            }
            for cluster in &order {
                apply(&seen_by(&bed, cluster), &pruning(not_sharing(cluster))).await;
            }
            let after = trust_policy(&bed, ROLE);
            prop_assert_eq!(shared_trust::statements(&after), shared_trust::statements(&before));
            prop_assert_eq!(after.get("Version"), before.get("Version"));
            Ok(())
        })?;
    }
}
