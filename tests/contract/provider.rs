//! The cluster, the caller and the OIDC provider.

use std::collections::BTreeMap;

use eksact_core::ports::CallErrorKind;

use super::world::{World, kind};
use super::{CLUSTER, REGION};

const AUDIENCE: &str = "sts.amazonaws.com";

pub(crate) async fn cluster_and_the_caller_are_known(world: &World) {
    let aws = &world.readers.aws;
    let cluster = aws.cluster(CLUSTER).await.unwrap();
    let account = aws.caller_identity().await.unwrap().account;
    assert_eq!(
        cluster.arn,
        format!("arn:aws:eks:{REGION}:{account}:cluster/{CLUSTER}")
    );
    assert_eq!(
        (cluster.name.as_str(), cluster.status.as_str()),
        (CLUSTER, "ACTIVE")
    );
    assert!(cluster.oidc_issuer.unwrap().starts_with("https://oidc.eks."));
    assert!(cluster.endpoint.is_some());
    assert_eq!(kind(aws.cluster("missing").await), CallErrorKind::NotFound);

    let tags = BTreeMap::from([("contract".to_owned(), "kept".to_owned())]);
    world.writers.aws.tag_cluster(&cluster.arn, &tags).await.unwrap();
    assert_eq!(aws.cluster(CLUSTER).await.unwrap().tags["contract"], "kept");
}

pub(crate) async fn provider_is_made_extended_and_deleted(world: &World) {
    let (reads, writes) = (&world.readers.aws, &world.writers.aws);
    let issuer = reads.cluster(CLUSTER).await.unwrap().oidc_issuer.unwrap();
    let chain = world.readers.issuer.certificate_chain(&issuer).await.unwrap();
    let thumbprint = &chain.certificates.last().unwrap().thumbprint;
    assert_eq!(thumbprint.len(), 40);
    let host_and_path = issuer.trim_start_matches("https://");
    let account = reads.caller_identity().await.unwrap().account;
    let arn = format!("arn:aws:iam::{account}:oidc-provider/{host_and_path}");
    assert_eq!(reads.oidc_provider(&arn).await.unwrap(), None);

    let tags = BTreeMap::from([("one".to_owned(), "1".to_owned())]);
    let audiences = [AUDIENCE.to_owned()];
    let made = writes
        .create_oidc_provider(&issuer, &audiences, Some(thumbprint), &tags)
        .await
        .unwrap();
    assert_eq!(made, arn);
    let again = writes
        .create_oidc_provider(&issuer, &audiences, Some(thumbprint), &tags)
        .await;
    assert_eq!(kind(again), CallErrorKind::AlreadyExists);

    writes.add_oidc_audience(&arn, "vault").await.unwrap();
    // Adding what is there already is no failure (IAM, AddClientIDToOpenIDConnectProvider).
    writes.add_oidc_audience(&arn, "vault").await.unwrap();
    let other = "0123456789abcdef0123456789abcdef01234567".to_owned();
    writes
        .set_oidc_thumbprints(&arn, std::slice::from_ref(&other))
        .await
        .unwrap();
    let more = BTreeMap::from([("two".to_owned(), "2".to_owned())]);
    writes.tag_oidc_provider(&arn, &more).await.unwrap();
    let found = reads.oidc_provider(&arn).await.unwrap().unwrap();
    assert_eq!(
        (found.arn.as_str(), found.url.as_str()),
        (arn.as_str(), host_and_path)
    );
    assert_eq!(
        (found.audiences.as_slice(), found.thumbprints.as_slice()),
        (&[AUDIENCE.to_owned(), "vault".to_owned()][..], &[other][..])
    );
    assert_eq!(found.tags, tags.into_iter().chain(more).collect());

    writes.delete_oidc_provider(&arn).await.unwrap();
    assert_eq!(reads.oidc_provider(&arn).await.unwrap(), None);
    assert_eq!(
        kind(writes.add_oidc_audience(&arn, "vault").await),
        CallErrorKind::NotFound
    );
}
