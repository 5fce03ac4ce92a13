//! The guards: what they refuse, that they let it pass when they are told to, and what prune never touches unasked.

use eksact_core::{
    engine::{Plan, Severity},
    guard::Guard,
    kinds::{Request, provider_intent::ProviderIntent, service_account_scope::ServiceAccountScope},
};
use eksact_identity::service_account::ServiceAccountKey;
use eksact_simulator::Sandbox;

use crate::scenarios::stage::{
    applied, apply, assert_settled, carry_out, cluster, file, plan, pruning, request, service_account,
    summary,
};

const ACCOUNT: &str =
    "metadata: {name: web, namespace: app}\nattachPolicyARNs: ['arn:aws:iam::aws:policy/ReadOnlyAccess']";
const NODE: &str = "metadata: {name: aws-node, namespace: kube-system}\nattachPolicyARNs: ['arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy']";

fn allowing(mut request: Request, guards: impl IntoIterator<Item = Guard>) -> Request {
    request.settings.allow = guards.into_iter().collect();
    request
}

fn provider_deletion() -> Request {
    let mut request = request(&file(&[]));
    request.ask(ProviderIntent::Delete);
    request
}

fn codes(plan: &Plan, severity: Severity) -> Vec<&str> {
    plan.findings_of(severity)
        .map(|finding| finding.code.as_str())
        .collect()
}

/// Refused without the guard's code and with all the others', done with its own.
async fn refused_unless_allowed(sandbox: &Sandbox, request: Request, guard: Guard) -> Plan {
    let code = guard.code().as_str();
    let others = Guard::ALL.into_iter().filter(|other| *other != guard);
    for asked in [request.clone(), allowing(request.clone(), others)] {
        let refused = plan(sandbox, &asked).await;
        assert!(!refused.may_be_applied());
        assert_eq!(codes(&refused, Severity::Refusal), [code]);
        let help = refused
            .findings_of(Severity::Refusal)
            .next()
            .unwrap()
            .help
            .clone()
            .unwrap();
        assert!(help.contains(&format!("--allow {code}")), "{help}");
    }
    let allowed = plan(sandbox, &allowing(request, [guard])).await;
    assert!(allowed.may_be_applied());
    assert!(
        codes(&allowed, Severity::Warning).contains(&code),
        "{}",
        summary(&allowed)
    );
    allowed
}

#[tokio::test(start_paused = true)]
async fn provider_that_roles_trust_is_kept() {
    let (sandbox, _) = applied(&file(&[ACCOUNT])).await;
    let request = provider_deletion();
    let allowed = refused_unless_allowed(&sandbox, request.clone(), Guard::OidcProviderInUse).await;
    assert!(carry_out(&sandbox, &allowed, &request).await.succeeded());
    assert!(sandbox.world().unwrap().oidc_providers.is_empty());
    assert_settled(&sandbox, &request, "a provider that is gone").await;
}

#[tokio::test(start_paused = true)]
async fn provider_whose_roles_cannot_be_seen_is_kept() {
    let (sandbox, _) = applied(&file(&[])).await;
    sandbox
        .edit(|world| {
            world
                .denied
                .insert("iam:GetAccountAuthorizationDetails".to_owned())
        })
        .unwrap();
    refused_unless_allowed(&sandbox, provider_deletion(), Guard::OidcProviderInUse).await;
}

#[tokio::test(start_paused = true)]
async fn provider_without_the_mark_is_kept() {
    let (sandbox, _) = applied(&file(&[])).await;
    sandbox
        .edit(|world| {
            for provider in world.oidc_providers.values_mut() {
                provider.tags.clear();
            }
        })
        .unwrap();
    let allowed = refused_unless_allowed(&sandbox, provider_deletion(), Guard::OidcProviderNotMarked).await;
    assert!(
        carry_out(&sandbox, &allowed, &provider_deletion())
            .await
            .succeeded()
    );
}

#[tokio::test(start_paused = true)]
async fn provider_goes_where_nobody_trusts_it() {
    let (sandbox, _) = applied(&file(&[])).await;
    apply(&sandbox, &provider_deletion()).await;
    assert!(sandbox.world().unwrap().oidc_providers.is_empty());
}

#[tokio::test(start_paused = true)]
async fn apply_begins_nothing_while_the_cluster_does_not_answer() {
    let (sandbox, _) = applied(&file(&[])).await;
    sandbox.edit(|world| cluster(world).unreachable = true).unwrap();
    let request = request(&file(&[ACCOUNT]));
    let allowed = refused_unless_allowed(&sandbox, request.clone(), Guard::KubernetesUnreachable).await;
    // The role is made now, and the service account on the next run, once the cluster answers.
    assert!(carry_out(&sandbox, &allowed, &request).await.succeeded());
    assert_eq!(sandbox.world().unwrap().roles.len(), 1);
    sandbox.edit(|world| cluster(world).unreachable = false).unwrap();
    let rest = apply(&sandbox, &request).await;
    assert!(
        rest.changes
            .iter()
            .all(|change| change.address.kind() != "iam-role"),
        "{}",
        summary(&rest)
    );
    assert!(service_account(&sandbox, "app/web").is_some());
}

#[tokio::test(start_paused = true)]
async fn role_alone_needs_no_cluster() {
    let (sandbox, _) = applied(&file(&[])).await;
    sandbox.edit(|world| cluster(world).unreachable = true).unwrap();
    apply(
        &sandbox,
        &request(&file(&[&format!("{ACCOUNT}\nroleOnly: true")])),
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn missing_right_in_the_cluster_is_reported_before_the_first_write() {
    let (sandbox, _) = applied(&file(&[])).await;
    sandbox
        .edit(|world| {
            cluster(world)
                .denied
                .insert("create serviceaccounts in app".to_owned())
        })
        .unwrap();
    let request = request(&file(&[ACCOUNT]));
    let planned = plan(&sandbox, &request).await;
    let report = carry_out(&sandbox, &planned, &request).await;
    assert!(report.done.is_empty());
    assert!(
        report.failed[0]
            .1
            .message
            .contains("create serviceaccounts in namespace app"),
        "{report:?}"
    );
    assert!(sandbox.faults().writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn prune_keeps_the_network_unless_it_is_named() {
    let (sandbox, _) = {
        let (sandbox, _) = applied(&file(&[ACCOUNT])).await;
        let mut with_node = request(&file(&[ACCOUNT, NODE]));
        with_node.settings.override_existing_service_accounts = true;
        apply(&sandbox, &with_node).await;
        (sandbox, with_node)
    };
    let node = service_account(&sandbox, "kube-system/aws-node");
    let kept = pruning(request(&file(&[])));
    let pruned = apply(&sandbox, &kept).await;
    assert_eq!(codes(&pruned, Severity::Note), ["prune-protected"]);
    assert!(summary(&pruned).contains("iam-role/app/web Delete pruned"));
    assert_eq!(service_account(&sandbox, "kube-system/aws-node"), node);
    assert_eq!(sandbox.world().unwrap().roles.len(), 1);
    assert_settled(&sandbox, &kept, "the protected account is no change").await;

    let mut named = kept;
    named.ask(ServiceAccountScope {
        prune_named: [ServiceAccountKey::new("kube-system", "aws-node")].into(),
        ..ServiceAccountScope::default()
    });
    let plan = apply(&sandbox, &named).await;
    assert!(codes(&plan, Severity::Note).is_empty());
    assert!(sandbox.world().unwrap().roles.is_empty());
    let node = service_account(&sandbox, "kube-system/aws-node").unwrap();
    assert!(
        node.annotations.is_empty(),
        "it is Helm's: only the annotation goes"
    );
}

/// Prune and `attachRoleARN`: the role that eksact made goes when the file gives another, and stays when it gives this one.
#[tokio::test(start_paused = true)]
async fn prune_keeps_a_role_that_the_file_attaches() {
    let (sandbox, _) = applied(&file(&[ACCOUNT])).await;
    let made = sandbox
        .world()
        .unwrap()
        .roles
        .values()
        .next()
        .unwrap()
        .arn
        .clone();
    let attaching = |arn: &str| {
        let account = format!("metadata: {{name: web, namespace: app}}\nattachRoleARN: {arn}");
        pruning(request(&file(&[&account])))
    };
    let kept = apply(&sandbox, &attaching(&made)).await;
    assert!(!kept.has_changes(), "{}", summary(&kept));
    assert_eq!(codes(&kept, Severity::Note), ["role-attached"]);

    let other = attaching("arn:aws:iam::111122223333:role/other");
    let pruned = apply(&sandbox, &other).await;
    let steps: Vec<_> = pruned.steps.iter().map(|step| step.address.kind()).collect();
    assert_eq!(
        steps,
        ["service-account", "iam-role", "iam-role"],
        "pods lose the old role last"
    );
    assert!(sandbox.world().unwrap().roles.is_empty());
    assert_settled(&sandbox, &other, "the account has another role").await;
}
