//! Kubernetes: namespaces, service accounts with their preconditions and managers, access reviews.

use std::collections::{BTreeMap, BTreeSet};

use eksact_core::ports::CallErrorKind;
use eksact_core::ports::kubernetes::{
    AccessReview, FIELD_MANAGER, Lease, LeaseSpec, MicroTime, Namespace, ObjectKey, Pod, Precondition,
    Selector, ServiceAccount,
};

use super::CLUSTER;
use super::world::{World, kind};

const ROLE: &str = "eks.amazonaws.com/role-arn";
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";

fn metadata(namespace: &str, name: &str, role: &str) -> ServiceAccount {
    ServiceAccount {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        labels: BTreeMap::from([(MANAGED_BY.to_owned(), "eksctl".to_owned())]),
        annotations: BTreeMap::from([(ROLE.to_owned(), role.to_owned())]),
        ..ServiceAccount::default()
    }
}

/// A service account in a namespace of the contract's own.
async fn made(world: &World, namespace: &str) -> ServiceAccount {
    let writes = &world.writers.kubernetes;
    writes.create(&Namespace::named(namespace)).await.unwrap();
    writes
        .create(&metadata(namespace, "reader", "arn:one"))
        .await
        .unwrap()
}

async fn found(world: &World, namespace: &str) -> ServiceAccount {
    world
        .readers
        .kubernetes
        .get::<ServiceAccount>(ObjectKey::namespaced(namespace, "reader"))
        .await
        .unwrap()
        .unwrap()
}

/// Which annotations each manager owns, by operation.
fn owners(account: &ServiceAccount) -> BTreeMap<(String, String), BTreeSet<String>> {
    let managers = account.field_managers.iter();
    managers
        .map(|manager| {
            (
                (manager.manager.clone(), manager.operation.clone()),
                manager.annotations.clone(),
            )
        })
        .collect()
}

fn manager(operation: &str) -> (String, String) {
    (FIELD_MANAGER.to_owned(), operation.to_owned())
}

pub(crate) async fn namespace_is_made_once(world: &World) {
    let (reads, writes) = (&world.readers.kubernetes, &world.writers.kubernetes);
    assert!(!reads.server_version().await.unwrap().is_empty());
    assert_eq!(
        reads
            .get::<Namespace>(ObjectKey::cluster("contract-namespace"))
            .await
            .unwrap(),
        None
    );
    writes
        .create(&Namespace::named("contract-namespace"))
        .await
        .unwrap();
    let namespace = reads
        .get::<Namespace>(ObjectKey::cluster("contract-namespace"))
        .await
        .unwrap()
        .unwrap();
    assert!(!namespace.terminating);
    assert!(
        reads
            .list::<Namespace>(None, Selector::Everything)
            .await
            .unwrap()
            .contains(&namespace)
    );
    assert_eq!(
        kind(writes.create(&Namespace::named("contract-namespace")).await),
        CallErrorKind::AlreadyExists
    );
    assert_eq!(
        kind(writes.create(&Namespace::named("Not_A_Name")).await),
        CallErrorKind::Invalid
    );
}

pub(crate) async fn service_account_is_made_once(world: &World) {
    let (reads, writes) = (&world.readers.kubernetes, &world.writers.kubernetes);
    let account = made(world, "contract-once").await;
    assert_eq!(
        (account.namespace.as_str(), account.name.as_str()),
        ("contract-once", "reader")
    );
    assert_eq!(account.annotations[ROLE], "arn:one");
    assert_eq!(account.labels[MANAGED_BY], "eksctl");
    assert!(!account.uid.is_empty() && !account.resource_version.is_empty() && !account.terminating);
    assert_eq!(
        owners(&account),
        [(manager("Update"), [ROLE.to_owned()].into())].into()
    );
    assert_eq!(found(world, "contract-once").await, account);
    assert_eq!(
        reads
            .list::<ServiceAccount>(Some("contract-once"), Selector::Everything)
            .await
            .unwrap(),
        std::slice::from_ref(&account)
    );
    assert!(
        reads
            .list::<ServiceAccount>(None, Selector::Everything)
            .await
            .unwrap()
            .contains(&account)
    );

    let again = writes
        .create(&metadata("contract-once", "reader", "arn:two"))
        .await;
    assert_eq!(kind(again), CallErrorKind::AlreadyExists);
    assert_eq!(found(world, "contract-once").await, account);
    let nowhere = writes
        .create(&metadata("contract-nowhere", "reader", "arn:one"))
        .await;
    assert_eq!(kind(nowhere), CallErrorKind::NotFound);
    let badly_named = writes
        .create(&metadata("contract-once", "Not_A_Name", "arn:one"))
        .await;
    assert_eq!(kind(badly_named), CallErrorKind::Invalid);
    assert_eq!(
        reads
            .get::<ServiceAccount>(ObjectKey::namespaced("contract-nowhere", "reader"))
            .await
            .unwrap(),
        None
    );
    assert_eq!(
        reads
            .list::<Pod>(Some("contract-once"), Pod::under("reader"))
            .await
            .unwrap(),
        []
    );
}

pub(crate) async fn apply_needs_the_version_that_was_read(world: &World) {
    let writes = &world.writers.kubernetes;
    let seen = made(world, "contract-apply").await;
    let mut wanted = metadata("contract-apply", "reader", "arn:two");
    wanted
        .annotations
        .insert("example.com/owner".to_owned(), "us".to_owned());
    let applied = writes
        .apply(&wanted, Precondition::version(&seen.resource_version))
        .await
        .unwrap();
    assert_eq!(applied.annotations, wanted.annotations);
    assert_eq!(applied.labels, seen.labels);
    assert_eq!(applied.uid, seen.uid);
    assert_ne!(applied.resource_version, seen.resource_version);
    assert_eq!(
        owners(&applied)[&manager("Apply")],
        wanted.annotations.keys().cloned().collect()
    );

    let stale = writes
        .apply(&wanted, Precondition::version(&seen.resource_version))
        .await;
    assert_eq!(kind(stale), CallErrorKind::Conflict);
    // The same once more changes nothing.
    let again = writes
        .apply(&wanted, Precondition::version(&applied.resource_version))
        .await
        .unwrap();
    assert_eq!(again.resource_version, applied.resource_version);
    // What this manager alone has applied and no longer wants goes; what it made before by POST stays as that.
    wanted.annotations.remove("example.com/owner");
    let less = writes
        .apply(&wanted, Precondition::version(&again.resource_version))
        .await
        .unwrap();
    assert_eq!(less.annotations, wanted.annotations);
}

pub(crate) async fn apply_does_not_make_what_is_gone(world: &World) {
    let writes = &world.writers.kubernetes;
    let seen = made(world, "contract-gone").await;
    writes
        .delete::<ServiceAccount>(
            ObjectKey::namespaced("contract-gone", "reader"),
            Precondition::exactly(&seen.uid, &seen.resource_version),
        )
        .await
        .unwrap();
    let wanted = metadata("contract-gone", "reader", "arn:two");
    let gone = writes
        .apply(&wanted, Precondition::version(&seen.resource_version))
        .await;
    assert_eq!(kind(gone), CallErrorKind::NotFound);
    let found = world
        .readers
        .kubernetes
        .get::<ServiceAccount>(ObjectKey::namespaced("contract-gone", "reader"))
        .await
        .unwrap();
    assert_eq!(found, None);
}

pub(crate) async fn keys_are_removed_one_by_one(world: &World) {
    let writes = &world.writers.kubernetes;
    let seen = made(world, "contract-remove").await;
    let mut wanted = metadata("contract-remove", "reader", "arn:one");
    wanted
        .annotations
        .insert("example.com/owner".to_owned(), "us".to_owned());
    let seen = writes
        .apply(&wanted, Precondition::version(&seen.resource_version))
        .await
        .unwrap();
    let annotations = [ROLE.to_owned(), "example.com/absent".to_owned()];
    let remove = |version: String| async move {
        let keys = [ROLE.to_owned(), "example.com/absent".to_owned()];
        writes
            .merge::<ServiceAccount>(
                ObjectKey::namespaced("contract-remove", "reader"),
                ServiceAccount::removal(&[], &keys),
                Precondition::version(&version),
            )
            .await
    };
    let removed = remove(seen.resource_version.clone()).await.unwrap();
    assert!(
        annotations
            .iter()
            .all(|key| !removed.annotations.contains_key(key))
    );
    assert_eq!(removed.annotations["example.com/owner"], "us");
    assert_eq!(removed.labels, seen.labels);
    assert_eq!(
        kind(remove(seen.resource_version.clone()).await),
        CallErrorKind::Conflict
    );

    let labels = [MANAGED_BY.to_owned()];
    let version = &removed.resource_version;
    let bare = writes
        .merge::<ServiceAccount>(
            ObjectKey::namespaced("contract-remove", "reader"),
            ServiceAccount::removal(&labels, &[]),
            Precondition::version(version),
        )
        .await
        .unwrap();
    assert_eq!(bare.labels, BTreeMap::new());
    let missing = writes
        .merge::<ServiceAccount>(
            ObjectKey::namespaced("contract-remove", "missing"),
            ServiceAccount::removal(&labels, &[]),
            Precondition::version(version),
        )
        .await;
    assert_eq!(kind(missing), CallErrorKind::NotFound);
}

pub(crate) async fn deletion_needs_the_object_that_was_read(world: &World) {
    let writes = &world.writers.kubernetes;
    let delete = |account: &ServiceAccount| {
        let (uid, version) = (account.uid.clone(), account.resource_version.clone());
        async move {
            writes
                .delete::<ServiceAccount>(
                    ObjectKey::namespaced("contract-delete", "reader"),
                    Precondition::exactly(&uid, &version),
                )
                .await
        }
    };
    let old = made(world, "contract-delete").await;
    delete(&old).await.unwrap();
    assert_eq!(kind(delete(&old).await), CallErrorKind::NotFound);

    let new = writes
        .create(&metadata("contract-delete", "reader", "arn:one"))
        .await
        .unwrap();
    assert_ne!(new.uid, old.uid);
    assert_eq!(
        kind(delete(&old).await),
        CallErrorKind::Conflict,
        "another object"
    );
    let wanted = metadata("contract-delete", "reader", "arn:two");
    let changed = writes
        .apply(&wanted, Precondition::version(&new.resource_version))
        .await
        .unwrap();
    assert_eq!(
        kind(delete(&new).await),
        CallErrorKind::Conflict,
        "changed since it was read"
    );
    assert_eq!(found(world, "contract-delete").await, changed);
    delete(&changed).await.unwrap();
}

/// The API server signs for the issuer that EKS tells: so a kubeconfig that leads elsewhere is noticed.
pub(crate) async fn token_is_signed_for_the_issuer_of_the_cluster(world: &World) {
    let issuer = world.readers.aws.cluster(CLUSTER).await.unwrap().oidc_issuer;
    assert_eq!(
        world.readers.kubernetes.service_account_issuer().await.unwrap(),
        issuer
    );
}

pub(crate) async fn access_reviews_tell_who_may(world: &World) {
    let review = |verb: &str, resource: &str, namespace: Option<&str>| AccessReview {
        verb: verb.to_owned(),
        group: String::new(),
        resource: resource.to_owned(),
        namespace: namespace.map(ToOwned::to_owned),
    };
    let writes = [
        review("create", "namespaces", None),
        review("create", "serviceaccounts", Some("default")),
        review("patch", "serviceaccounts", Some("default")),
        review("delete", "serviceaccounts", Some("default")),
    ];
    for write in &writes {
        assert!(world.readers.kubernetes.may(write).await.unwrap(), "{write:?}");
        assert!(!world.reading_only.may(write).await.unwrap(), "{write:?}");
    }
    let read = review("get", "serviceaccounts", Some("default"));
    assert!(world.reading_only.may(&read).await.unwrap());
}

/// The lock of saved plans, with its times to the microsecond as the server takes them.
pub(crate) async fn lease_is_taken_once_and_given_back(world: &World) {
    let writes = &world.writers.kubernetes;
    writes.create(&Namespace::named("contract-lease")).await.unwrap();
    let time = MicroTime("2026-11-29T15:38:02.5Z".parse().unwrap());
    let wanted = Lease {
        namespace: "contract-lease".to_owned(),
        name: "lock".to_owned(),
        annotations: BTreeMap::from([("eksact.dev/applying".to_owned(), "sha256:1".to_owned())]),
        spec: LeaseSpec {
            holder_identity: Some("arn:aws:iam::111122223333:user/one run-1".to_owned()),
            lease_duration_seconds: Some(600),
            acquire_time: Some(time),
            renew_time: Some(time),
        },
        ..Lease::default()
    };
    let taken = writes.create(&wanted).await.unwrap();
    assert_eq!(
        (&taken.spec, &taken.annotations),
        (&wanted.spec, &wanted.annotations)
    );
    assert_eq!(kind(writes.create(&wanted).await), CallErrorKind::AlreadyExists);
    let key = ObjectKey::namespaced("contract-lease", "lock");
    assert_eq!(
        world.readers.kubernetes.get::<Lease>(key).await.unwrap(),
        Some(taken.clone())
    );

    let at = |lease: &Lease| (lease.uid.clone(), lease.resource_version.clone());
    let renewed = MicroTime("2026-11-29T15:39:02.123456Z".parse().unwrap());
    let patch = serde_json::json!({"spec": {"renewTime": renewed}});
    let (uid, version) = at(&taken);
    let changed: Lease = writes
        .merge(key, patch.clone(), Precondition::exactly(&uid, &version))
        .await
        .unwrap();
    assert_eq!(changed.spec.renew_time, Some(renewed));
    assert_eq!(changed.spec.acquire_time, Some(time));
    let again = writes
        .merge::<Lease>(key, patch, Precondition::exactly(&uid, &version))
        .await;
    assert_eq!(kind(again), CallErrorKind::Conflict, "another run had it");

    let (uid, version) = at(&changed);
    let patch = serde_json::json!({
        "metadata": {"annotations": {"eksact.dev/applying": null, "eksact.dev/applied": "[]"}},
        "spec": LeaseSpec::default(),
    });
    let free: Lease = writes
        .merge(key, patch, Precondition::exactly(&uid, &version))
        .await
        .unwrap();
    assert_eq!(free.spec, LeaseSpec::default());
    assert_eq!(
        free.annotations,
        BTreeMap::from([("eksact.dev/applied".to_owned(), "[]".to_owned())])
    );
}
