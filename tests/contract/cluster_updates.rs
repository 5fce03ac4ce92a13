//! Updates of a cluster: the authentication mode, and OIDC identity providers.

use std::{collections::BTreeMap, time::Duration};

use eksact_core::ports::CallErrorKind;
use eksact_core::ports::aws::{
    ACCESS_CONFIG_UPDATE, AuthenticationMode, ClusterUpdate, IdentityProviderConfig,
};

use super::world::{World, kind};
use super::{CLUSTER, OLD_CLUSTER};

/// The update once EKS is done with it.
async fn ended(world: &World, cluster: &str, update: &ClusterUpdate) -> ClusterUpdate {
    let aws = &world.readers.aws;
    let look = async {
        loop {
            let update = aws.cluster_update(cluster, &update.id).await.unwrap();
            if !update.in_progress() {
                return update;
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), look)
        .await
        .expect("the update does not end")
}

pub(crate) async fn mode_goes_forward_one_step_at_a_time(world: &World) {
    let (reads, writes) = (&world.readers.aws, &world.writers.aws);
    let mode = async || reads.cluster(OLD_CLUSTER).await.unwrap().mode().unwrap();
    assert_eq!(mode().await, AuthenticationMode::ConfigMap);
    let too_far = writes
        .set_authentication_mode(OLD_CLUSTER, AuthenticationMode::Api)
        .await;
    assert_eq!(kind(too_far), CallErrorKind::Invalid);
    for step in [AuthenticationMode::ApiAndConfigMap, AuthenticationMode::Api] {
        let update = writes.set_authentication_mode(OLD_CLUSTER, step).await.unwrap();
        assert_eq!(update.update_type, ACCESS_CONFIG_UPDATE);
        assert_eq!(update.parameters["AuthenticationMode"], step.as_str());
        assert!(
            reads
                .cluster_updates(OLD_CLUSTER)
                .await
                .unwrap()
                .contains(&update.id)
        );
        let update = ended(world, OLD_CLUSTER, &update).await;
        assert!(update.succeeded() && update.errors.is_empty(), "{update:?}");
        assert_eq!(mode().await, step);
        assert_eq!(reads.cluster(OLD_CLUSTER).await.unwrap().status, "ACTIVE");
    }
    let back = writes
        .set_authentication_mode(OLD_CLUSTER, AuthenticationMode::ApiAndConfigMap)
        .await;
    assert_eq!(kind(back), CallErrorKind::Invalid);
    assert_eq!(
        kind(
            reads
                .cluster_update(OLD_CLUSTER, "00000000-0000-0000-0000-000000000000")
                .await
        ),
        CallErrorKind::NotFound
    );
}

pub(crate) async fn identity_provider_comes_and_goes(world: &World) {
    let (reads, writes) = (&world.readers.aws, &world.writers.aws);
    let wanted = IdentityProviderConfig {
        name: "okta".to_owned(),
        issuer_url: "https://okta.example.com".to_owned(),
        client_id: "kubernetes".to_owned(),
        groups_claim: Some("groups".to_owned()),
        required_claims: BTreeMap::from([("team".to_owned(), "platform".to_owned())]),
        tags: BTreeMap::from([("one".to_owned(), "1".to_owned())]),
        ..IdentityProviderConfig::default()
    };
    assert_eq!(reads.identity_provider_configs(CLUSTER).await.unwrap(), []);
    assert_eq!(
        reads.identity_provider_config(CLUSTER, "okta").await.unwrap(),
        None
    );
    let update = writes
        .associate_identity_provider_config(CLUSTER, &wanted)
        .await
        .unwrap();
    assert!(ended(world, CLUSTER, &update).await.succeeded());
    let found = reads
        .identity_provider_config(CLUSTER, "okta")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.status, "ACTIVE");
    assert_eq!(
        (
            &found.issuer_url,
            &found.client_id,
            &found.groups_claim,
            &found.required_claims
        ),
        (
            &wanted.issuer_url,
            &wanted.client_id,
            &wanted.groups_claim,
            &wanted.required_claims
        )
    );
    let again = writes.associate_identity_provider_config(CLUSTER, &wanted).await;
    assert_eq!(kind(again), CallErrorKind::Conflict);
    let more = BTreeMap::from([("two".to_owned(), "2".to_owned())]);
    writes
        .tag_identity_provider_config(&found.arn, &more)
        .await
        .unwrap();
    let all = reads.identity_provider_configs(CLUSTER).await.unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!((&*all[0].tags["one"], &*all[0].tags["two"]), ("1", "2"));
    let update = writes
        .disassociate_identity_provider_config(CLUSTER, "okta")
        .await
        .unwrap();
    assert!(ended(world, CLUSTER, &update).await.succeeded());
    assert_eq!(reads.identity_provider_configs(CLUSTER).await.unwrap(), []);
    let gone = writes
        .disassociate_identity_provider_config(CLUSTER, "okta")
        .await;
    assert_eq!(kind(gone), CallErrorKind::NotFound);
}
