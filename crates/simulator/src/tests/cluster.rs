//! Kubernetes through the ports: preconditions, names, permissions.

use super::*;
use crate::state::SimulatedCluster;
use eksact_core::ports::kubernetes::{AccessReview, Pod};

async fn with_reader() -> Sandbox {
    let (sandbox, _) = sandbox();
    writes(&sandbox).create(&Namespace::named("app")).await.unwrap();
    writes(&sandbox)
        .create(&service_account("app", "reader", "arn:one"))
        .await
        .unwrap();
    sandbox
}

#[tokio::test]
async fn new_cluster_has_its_namespaces_and_nothing_of_ours() {
    let (sandbox, _) = sandbox();
    let names: Vec<String> = reads(&sandbox)
        .list::<Namespace>(None, Selector::Everything)
        .await
        .unwrap()
        .into_iter()
        .map(|namespace| namespace.name)
        .collect();
    assert_eq!(
        names,
        ["default", "kube-node-lease", "kube-public", "kube-system"]
    );
    let of_system = reads(&sandbox)
        .list::<ServiceAccount>(Some("kube-system"), Selector::Everything)
        .await
        .unwrap();
    assert!(of_system.iter().all(|account| account.annotations.is_empty()));
    assert!(of_system.iter().any(|account| account.name == "aws-node"));
}

#[tokio::test]
async fn write_at_an_old_version_is_a_conflict() {
    let sandbox = with_reader().await;
    let seen = reads(&sandbox)
        .get::<ServiceAccount>(ObjectKey::namespaced("app", "reader"))
        .await
        .unwrap()
        .unwrap();
    let wanted = service_account("app", "reader", "arn:two");
    let applied = writes(&sandbox)
        .apply(&wanted, Precondition::version(&seen.resource_version))
        .await
        .unwrap();
    assert_eq!(applied.annotations["eks.amazonaws.com/role-arn"], "arn:two");
    assert_eq!(applied.uid, seen.uid);
    let error = writes(&sandbox)
        .apply(&wanted, Precondition::version(&seen.resource_version))
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind, error.code.as_deref()),
        (CallErrorKind::Conflict, Some("Conflict"))
    );
    assert_eq!(
        error.message,
        "Operation cannot be fulfilled on serviceaccounts \"reader\": the object has been modified; please apply your \
         changes to the latest version and try again"
    );
    // Applying the same again changes nothing, not even the version.
    let again = writes(&sandbox)
        .apply(&wanted, Precondition::version(&applied.resource_version))
        .await
        .unwrap();
    assert_eq!(again.resource_version, applied.resource_version);
    let keys = ["eks.amazonaws.com/role-arn".to_owned()];
    let stale = writes(&sandbox).merge::<ServiceAccount>(
        ObjectKey::namespaced("app", "reader"),
        ServiceAccount::removal(&[], &keys),
        Precondition::version(&seen.resource_version),
    );
    assert_eq!(stale.await.unwrap_err().kind, CallErrorKind::Conflict);
    let removed = writes(&sandbox)
        .merge::<ServiceAccount>(
            ObjectKey::namespaced("app", "reader"),
            ServiceAccount::removal(&[], &keys),
            Precondition::version(&again.resource_version),
        )
        .await
        .unwrap();
    assert!(removed.annotations.is_empty());
    assert_eq!(removed.labels["app.kubernetes.io/managed-by"], "eksctl");
}

#[tokio::test]
async fn recreated_object_is_not_the_one_that_was_read() {
    let sandbox = with_reader().await;
    let old = reads(&sandbox)
        .get::<ServiceAccount>(ObjectKey::namespaced("app", "reader"))
        .await
        .unwrap()
        .unwrap();
    writes(&sandbox)
        .delete::<ServiceAccount>(
            ObjectKey::namespaced("app", "reader"),
            Precondition::exactly(&old.uid, &old.resource_version),
        )
        .await
        .unwrap();
    let missing = writes(&sandbox)
        .delete::<ServiceAccount>(
            ObjectKey::namespaced("app", "reader"),
            Precondition::exactly(&old.uid, &old.resource_version),
        )
        .await
        .unwrap_err();
    assert_eq!(missing.message, "serviceaccounts \"reader\" not found");
    let wanted = service_account("app", "reader", "arn:one");
    let gone = writes(&sandbox)
        .apply(&wanted, Precondition::version(&old.resource_version))
        .await
        .unwrap_err();
    assert_eq!(gone.kind, CallErrorKind::NotFound);
    let new = writes(&sandbox).create(&wanted).await.unwrap();
    assert_ne!(new.uid, old.uid);
    let other = writes(&sandbox)
        .delete::<ServiceAccount>(
            ObjectKey::namespaced("app", "reader"),
            Precondition::exactly(&old.uid, &old.resource_version),
        )
        .await
        .unwrap_err();
    assert_eq!(other.kind, CallErrorKind::Conflict);
    assert!(
        other.message.contains("the UID in the precondition"),
        "{}",
        other.message
    );
    let taken = writes(&sandbox).create(&wanted).await.unwrap_err();
    assert_eq!(taken.kind, CallErrorKind::AlreadyExists);
    assert_eq!(taken.message, "serviceaccounts \"reader\" already exists");
}

#[tokio::test]
async fn object_that_was_changed_since_is_not_deleted() {
    let sandbox = with_reader().await;
    let seen = reads(&sandbox)
        .get::<ServiceAccount>(ObjectKey::namespaced("app", "reader"))
        .await
        .unwrap()
        .unwrap();
    let changed = writes(&sandbox)
        .apply(
            &service_account("app", "reader", "arn:two"),
            Precondition::version(&seen.resource_version),
        )
        .await
        .unwrap();
    let error = writes(&sandbox)
        .delete::<ServiceAccount>(
            ObjectKey::namespaced("app", "reader"),
            Precondition::exactly(&seen.uid, &seen.resource_version),
        )
        .await
        .unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Conflict);
    assert!(
        error.message.contains("the ResourceVersion in the precondition"),
        "{}",
        error.message
    );
    writes(&sandbox)
        .delete::<ServiceAccount>(
            ObjectKey::namespaced("app", "reader"),
            Precondition::exactly(&seen.uid, &changed.resource_version),
        )
        .await
        .unwrap();
}

#[tokio::test]
async fn pods_are_listed_only_if_of_the_service_account() {
    let sandbox = with_reader().await;
    sandbox
        .edit(|world| {
            let cluster = world.clusters.values_mut().next().unwrap();
            for (namespace, name, service_account) in [
                ("app", "mine", "reader"),
                ("app", "other", "default"),
                ("default", "far", "reader"),
            ] {
                let pod = Pod {
                    namespace: namespace.to_owned(),
                    name: name.to_owned(),
                    service_account: service_account.to_owned(),
                    phase: "Running".to_owned(),
                    ..Pod::default()
                };
                cluster.pods.insert(format!("{namespace}/{name}"), pod);
            }
        })
        .unwrap();
    let pods = reads(&sandbox)
        .list::<Pod>(Some("app"), Pod::under("reader"))
        .await
        .unwrap();
    assert_eq!(
        pods.iter().map(|pod| pod.name.as_str()).collect::<Vec<_>>(),
        ["mine"]
    );
}

#[tokio::test]
async fn api_tells_its_own_issuer_unless_the_caller_may_not_know() {
    let sandbox = with_reader().await;
    let of_eks = ClusterReader::cluster(&sandbox, "prod")
        .await
        .unwrap()
        .oidc_issuer;
    assert!(of_eks.is_some());
    assert_eq!(sandbox.service_account_issuer().await.unwrap(), of_eks);
    let edit = |change: &dyn Fn(&mut SimulatedCluster)| {
        sandbox
            .edit(|world| change(world.clusters.values_mut().next().unwrap()))
            .unwrap();
    };
    edit(&|cluster| cluster.service_account_issuer = Some("https://other.example".to_owned()));
    assert_eq!(
        sandbox.service_account_issuer().await.unwrap().as_deref(),
        Some("https://other.example")
    );
    edit(&|cluster| {
        cluster
            .denied
            .insert("get /.well-known/openid-configuration".to_owned());
    });
    assert_eq!(sandbox.service_account_issuer().await.unwrap(), None);
    edit(&|cluster| cluster.unreachable = true);
    assert_eq!(
        sandbox.service_account_issuer().await.unwrap_err().kind,
        CallErrorKind::Unreachable
    );
}

#[tokio::test]
async fn server_refuses_what_it_refuses() {
    let sandbox = with_reader().await;
    sandbox
        .edit(|world| {
            let cluster = world.clusters.values_mut().next().unwrap();
            let namespace = cluster.namespaces.get_mut("kube-public").unwrap();
            namespace.terminating = true;
        })
        .unwrap();
    let account = |namespace, name| service_account(namespace, name, "arn");
    let cases = [
        (
            account("nowhere", "a"),
            CallErrorKind::NotFound,
            "namespaces \"nowhere\" not found",
        ),
        (
            account("kube-public", "a"),
            CallErrorKind::Conflict,
            "because it is being terminated",
        ),
        (
            account("app", "Upper"),
            CallErrorKind::Invalid,
            "a lowercase RFC 1123 subdomain must consist of",
        ),
    ];
    for (metadata, kind, words) in cases {
        let error = writes(&sandbox).create(&metadata).await.unwrap_err();
        assert_eq!(error.kind, kind, "{words}");
        assert!(error.message.contains(words), "{}", error.message);
    }
    writes(&sandbox)
        .create(&account("app", "dots.are.fine"))
        .await
        .unwrap();
    let mut labelled = account("app", "labelled");
    labelled.labels.insert("bad key".to_owned(), String::new());
    assert_eq!(
        writes(&sandbox).create(&labelled).await.unwrap_err().kind,
        CallErrorKind::Invalid
    );
    let dotted = writes(&sandbox)
        .create(&Namespace::named("no.dots"))
        .await
        .unwrap_err();
    assert!(
        dotted.message.contains("a lowercase RFC 1123 label"),
        "{}",
        dotted.message
    );
    let taken = writes(&sandbox)
        .create(&Namespace::named("kube-public"))
        .await
        .unwrap_err();
    assert_eq!(taken.kind, CallErrorKind::AlreadyExists);
}

#[tokio::test]
async fn denied_caller_hears_it_from_review_and_call_alike() {
    let sandbox = with_reader().await;
    sandbox
        .edit(|world| {
            let cluster = world.clusters.values_mut().next().unwrap();
            cluster.denied.insert("patch serviceaccounts in app".to_owned());
            world
                .denied
                .insert("iam:GetAccountAuthorizationDetails".to_owned());
        })
        .unwrap();
    let review = |namespace: &str| AccessReview {
        verb: "patch".to_owned(),
        group: String::new(),
        resource: "serviceaccounts".to_owned(),
        namespace: Some(namespace.to_owned()),
    };
    assert!(!sandbox.may(&review("app")).await.unwrap());
    assert!(sandbox.may(&review("default")).await.unwrap());
    let denied = writes(&sandbox)
        .apply(
            &service_account("app", "reader", "arn"),
            Precondition::version("1"),
        )
        .await
        .unwrap_err();
    assert_eq!(
        denied.missing_permission().as_deref(),
        Some("patch serviceaccounts")
    );
    assert_eq!(
        denied.message,
        "serviceaccounts \"reader\" is forbidden: User \"sandbox\" cannot patch resource \"serviceaccounts\" in API \
         group \"\" in the namespace \"app\""
    );
    let denied = sandbox.roles().await.unwrap_err();
    assert_eq!(
        denied.missing_permission().as_deref(),
        Some("iam:GetAccountAuthorizationDetails")
    );
    assert!(
        denied
            .message
            .starts_with("User: arn:aws:iam::111122223333:user/sandbox is not authorized to perform")
    );
    // A permission that only CloudFormation needs shows as the reason of the failed resource.
    sandbox
        .edit(|world| world.denied.insert("iam:CreateRole".to_owned()))
        .unwrap();
    sandbox
        .create_stack(&request(NAME, &template(&json!({}), None)))
        .await
        .unwrap();
    let events = sandbox.stack_events(NAME).await.unwrap();
    let failed = events
        .iter()
        .find(|event| event.status == "CREATE_FAILED")
        .unwrap();
    assert!(
        failed
            .status_reason
            .as_deref()
            .unwrap()
            .contains("HandlerErrorCode: AccessDenied")
    );
}

#[tokio::test]
async fn unreachable_cluster_leaves_aws_reachable() {
    let sandbox = with_reader().await;
    sandbox
        .edit(|world| {
            world
                .clusters
                .values_mut()
                .for_each(|cluster| cluster.unreachable = true);
        })
        .unwrap();
    let error = sandbox.server_version().await.unwrap_err();
    assert_eq!((error.kind, error.code), (CallErrorKind::Unreachable, None));
    assert!(ClusterReader::cluster(&sandbox, "prod").await.is_ok());
}
