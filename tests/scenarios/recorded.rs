//! What the real eksctl 0.231 made is what its file asks for: nothing is left to do.

use std::fs;

use eksact_core::engine::Severity;

use crate::scenarios::{
    recorded_world::{recorded_folder, recorded_world},
    stage::{apply, deletion, human, plan, pruning, request, sandbox, summary},
};

fn recorded_file() -> String {
    fs::read_to_string(recorded_folder().join("cluster.yaml")).unwrap()
}

#[tokio::test(start_paused = true)]
async fn plan_over_the_world_of_eksctl_is_empty_and_always_the_same() {
    let sandbox = sandbox(recorded_world());
    let request = request(&recorded_file());
    let first = plan(&sandbox, &request).await;
    assert!(!first.has_changes(), "{}", human(&first));
    assert_eq!(
        first.findings_of(Severity::Error).count(),
        0,
        "{}",
        summary(&first)
    );
    assert_eq!(plan(&sandbox, &request).await.digest(), first.digest());
    let pruned = plan(&sandbox, &pruning(request)).await;
    assert!(!pruned.has_changes(), "{}", human(&pruned));
}

#[tokio::test(start_paused = true)]
async fn world_of_eksctl_can_be_removed() {
    let sandbox = sandbox(recorded_world());
    let keys: Vec<(String, String)> = request(&recorded_file())
        .service_accounts()
        .iter()
        .map(|account| (account.namespace.clone(), account.name.clone()))
        .collect();
    let keys: Vec<(&str, &str)> = keys.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    let mut removal = deletion(&keys);
    removal.config.metadata.name.value = "bench".to_owned();
    apply(&sandbox, &removal).await;
    let mut world = sandbox.world().unwrap();
    assert!(world.roles.is_empty());
    let left = &crate::scenarios::stage::cluster(&mut world).service_accounts;
    assert!(
        left.values().all(|account| account
            .labels
            .get("app.kubernetes.io/managed-by")
            .map(String::as_str)
            != Some("eksctl")),
        "{:?}",
        left.keys()
    );
}
