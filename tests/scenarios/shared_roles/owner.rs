//! A role that one cluster's stack made and that another cluster shares: neither takes away what the other keeps.

use eksact_identity::service_account::ServiceAccountKey;
use std::time::Duration;

use eksact_core::{
    engine::{Action, Effect, Severity},
    guard::Guard,
    kinds::{Request, service_account_scope::ServiceAccountScope},
};
use eksact_simulator::Sandbox;
use futures::future::join_all;
use serde_json::json;

use super::{WEB, changes, codes, edit, not_sharing, pruning, request, seen_by, sharing, sid, sids, world};
use crate::scenarios::stage::{again, apply, assert_settled, attempt, human, plan, sandbox, summary};

const OWNER: &str = "  serviceAccounts:\n  - metadata: {name: web, namespace: app}\n    roleName: orders-reader\n    attachPolicyARNs: ['arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess']\n";

/// Blue's stack makes the role, green shares it.
async fn owned_by_blue() -> (Sandbox, Sandbox, Sandbox, Request, Request) {
    let mut world = world(&["blue", "green"]);
    world.roles.clear();
    world.stack_seconds = 5;
    world.change_set_seconds = 2;
    let bed = sandbox(world);
    let (blue, green) = (seen_by(&bed, "blue"), seen_by(&bed, "green"));
    let (owner, sharer) = (request("blue", OWNER, "groups: []\n"), sharing("green", WEB));
    apply(&blue, &owner).await;
    apply(&green, &sharer).await;
    (bed, blue, green, owner, sharer)
}

/// Neither the owner's run nor the sharer's takes away what the other keeps, whatever they do.
#[tokio::test(start_paused = true)]
async fn shared_role_of_another_clusters_stack_stays_shared() {
    let (bed, blue, green, owner, sharer) = owned_by_blue().await;
    assert_settled(&green, &sharer, "shared").await;
    let planned = plan(&blue, &owner).await;
    assert!(!planned.has_changes(), "{}", human(&planned));
    assert_eq!(codes(&planned, Severity::Note), ["role-shared"]);
    assert!(
        planned.findings[0].message.contains(&sid("green")),
        "{:?}",
        planned.findings
    );
    assert!(!plan(&blue, &pruning(owner.clone())).await.has_changes());

    // Drift of the owner's own part is repaired, by a direct call, around green's statement.
    edit(&bed, |policy| {
        let own = policy["Statement"][0].as_object_mut().unwrap();
        own.remove("Condition");
    });
    let planned = plan(&blue, &owner).await;
    assert!(
        summary(&planned).contains("restore the trust policy"),
        "{}",
        summary(&planned)
    );
    assert_eq!(planned.changes[0].effect, Effect::Narrower, "{}", human(&planned));
    apply(&blue, &again(&owner, 2)).await;
    assert_settled(&blue, &owner, "repaired").await;
    assert_settled(&green, &sharer, "after the repair").await;

    // A change of the owner's trust policy goes through the stack, which writes the whole document.
    let pattern = request(
        "blue",
        &OWNER.replace("    roleName", "    subjectPattern: 'web*'\n    roleName"),
        "groups: []\n",
    );
    apply(&blue, &again(&pattern, 3)).await;
    assert_settled(&blue, &pattern, "changed").await;
    assert_settled(&green, &sharer, "after the change").await;

    // Green changes its statement, and blue its policies: the stack's template still has green's old one.
    let other = sharing("green", "{namespace: app, name: other}");
    apply(&green, &again(&other, 4)).await;
    let policies = request(
        "blue",
        &OWNER
            .replace("    roleName", "    subjectPattern: 'web*'\n    roleName")
            .replace("S3ReadOnly", "SQSReadOnly"),
        "groups: []\n",
    );
    apply(&blue, &again(&policies, 5)).await;
    assert_settled(&blue, &policies, "policies").await;
    assert_settled(&green, &other, "after the policies").await;
    let back = request("blue", OWNER, "groups: []\n");
    apply(&blue, &again(&back, 6)).await;
    assert_settled(&green, &other, "after the way back").await;

    // Green goes: nothing of it is left, and blue has nothing to do.
    apply(&green, &again(&pruning(not_sharing("green")), 7)).await;
    assert_eq!(sids(&bed), ["-"]);
    assert_settled(&blue, &back, "alone again").await;
    apply(&blue, &again(&pattern, 8)).await;
    assert_eq!(
        sids(&bed),
        ["-"],
        "what the template had of green does not come back"
    );
}

/// A statement that only looks like another cluster's is drift as ever.
#[tokio::test(start_paused = true)]
async fn shared_role_disguise_is_drift() {
    let (bed, blue, _, owner, _) = owned_by_blue().await;
    edit(&bed, |policy| {
        policy["Statement"][1]["Principal"] = json!({"AWS": "*"});
    });
    let planned = plan(&blue, &owner).await;
    assert_eq!(
        changes(&planned),
        [("iam-role/app/web".to_owned(), Action::Update)]
    );
    apply(&blue, &again(&owner, 2)).await;
    assert_eq!(sids(&bed), ["-"]);
}

/// A role that others share does not go unasked: by deletion, by prune, or under another name.
#[tokio::test(start_paused = true)]
async fn shared_role_in_use_is_guarded() {
    let (bed, blue, green, owner, _) = owned_by_blue().await;
    let mut deletion = owner.clone();
    deletion.config.iam.service_accounts.clear();
    deletion.ask(ServiceAccountScope {
        delete: [ServiceAccountKey::new("app", "web")].into(),
        ..ServiceAccountScope::default()
    });
    let renamed = request(
        "blue",
        &OWNER.replace("orders-reader", "orders-writer"),
        "groups: []\n",
    );
    let gone = request("blue", "  serviceAccounts: []\n", "groups: []\n");
    for (name, request) in [
        ("delete", deletion),
        ("prune", pruning(gone)),
        ("rename", renamed),
    ] {
        let planned = plan(&blue, &request).await;
        assert_eq!(
            codes(&planned, Severity::Refusal),
            ["shared-role-in-use"],
            "{name}: {}",
            summary(&planned)
        );
        let mut allowed = again(&request, 9);
        allowed.settings.allow.insert(Guard::SharedRoleInUse);
        assert!(plan(&blue, &allowed).await.may_be_applied(), "{name}");
    }
    // The way that the guard tells: green lets go first.
    apply(&green, &again(&pruning(not_sharing("green")), 3)).await;
    let request = pruning(request("blue", "  serviceAccounts: []\n", "groups: []\n"));
    apply(&blue, &again(&request, 4)).await;
    assert!(bed.world().unwrap().roles.is_empty());
}

/// Both at once: blue repairs or changes its role while green comes.
#[tokio::test(start_paused = true)]
async fn shared_role_owner_and_sharer_at_once() {
    for seed in 0..40u64 {
        let (bed, _, green, owner, _) = owned_by_blue().await;
        let through_stack = seed % 2 == 0;
        let wanted = if through_stack {
            request(
                "blue",
                &OWNER.replace("    roleName", "    subjectPattern: 'web*'\n    roleName"),
                "groups: []\n",
            )
        } else {
            edit(&bed, |policy| policy["Statement"][0]["Principal"] = json!("*"));
            owner
        };
        if seed % 4 < 2 {
            apply(&green, &again(&pruning(not_sharing("green")), 2)).await;
        }
        let other = sharing("green", "{namespace: app, name: other}");
        let runs = [("blue", &wanted), ("green", &other)]
            .into_iter()
            .zip(0u64..)
            .map(|((cluster, request), number)| {
                let process = seen_by(&bed, cluster);
                process.faults().schedule(seed * 16 + number);
                process.faults().slow(Duration::from_secs(1));
                let request = again(request, 3);
                async move { attempt(&process, &request).await.unwrap() }
            });
        for report in join_all(runs).await {
            assert!(report.succeeded(), "seed {seed}: {report:#?}");
        }
        assert_settled(&seen_by(&bed, "green"), &other, &format!("seed {seed}")).await;
    }
}
