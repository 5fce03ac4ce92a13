//! Roles that other pods have: they are kept, and no pod is without one in between.

use std::collections::BTreeMap;

use eksact_core::{
    engine::Severity,
    kinds::Request,
    ports::{CallErrorKind, aws::PodIdentityAssociation},
};
use eksact_message::code::Code;
use eksact_simulator::{Fault, Matching, Rule, Sandbox};
use serde_json::json;

use super::{ROLE, applied, association, bed, by_hand, codes, deletion, file, own, request_of};
use crate::scenarios::stage::{
    self, CLUSTER, REGION, again, apply, assert_settled, carry_out, cluster, human, plan, request, summary,
};

/// Plans, and gives the codes of the guards that refuse.
async fn refusals(bed: &Sandbox, request: &Request) -> Vec<&'static str> {
    let planned = plan(bed, request).await;
    let refused = planned.findings_of(Severity::Refusal);
    refused.map(|finding| finding.code.as_str()).collect()
}

/// A role that was made for IRSA and handed on keeps the statement of the pods that still come by their token.
#[tokio::test(start_paused = true)]
async fn role_that_was_made_for_irsa_keeps_its_other_pods() {
    let bed = bed();
    let request = applied(&bed, &[&own("app", "reader")]).await;
    let token = json!({"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": {"Federated": "arn:aws:iam::111122223333:oidc-provider/oidc.example/id/A"},
        "Condition": {"StringEquals": {"oidc.example/id/A:sub": "system:serviceaccount:app:reader"}}});
    bed.edit(|world| {
        let role = world
            .roles
            .values_mut()
            .find(|role| role.name.contains("podidentityrole"))
            .unwrap();
        role.trust_policy["Statement"]
            .as_array_mut()
            .unwrap()
            .push(token.clone());
    })
    .unwrap();
    let wider = own("app", "reader").replace("ReadOnlyAccess", "PowerUserAccess");
    apply(&bed, &request_of(&[&wider])).await;
    let world = bed.world().unwrap();
    let role = world
        .roles
        .values()
        .find(|role| role.name.contains("podidentityrole"))
        .unwrap();
    assert!(
        role.trust_policy["Statement"]
            .as_array()
            .unwrap()
            .contains(&token)
    );
    drop(request);
}

/// A role goes only once no association of another service account has it, as far as the trust policy lets one have it at all.
#[tokio::test(start_paused = true)]
async fn role_that_another_association_has_is_kept() {
    let bed = bed();
    applied(&bed, &[&own("app", "web")]).await;
    let role = association(&bed, "web").role_arn;
    // The trust policy of its role is narrowed to it: nobody else can have it, and nobody else's association is read.
    bed.edit(|world| {
        let mut all = cluster(world).eks.pod_identity_associations.values();
        let other = PodIdentityAssociation {
            id: "a-other0000000000000".to_owned(),
            service_account: "other".to_owned(),
            role_arn: role.clone(),
            ..all.next().unwrap().clone()
        };
        let associations = &mut cluster(world).eks.pod_identity_associations;
        associations.insert(other.id.clone(), other);
    })
    .unwrap();
    bed.faults().forget_calls();
    assert_eq!(refusals(&bed, &deletion(&[("app", "web")])).await, [""; 0]);
    assert_eq!(bed.faults().count("DescribePodIdentityAssociation"), 1);
    // As eksctl makes it, it is open to every association.
    bed.edit(|world| {
        for role in world.roles.values_mut() {
            role.trust_policy["Statement"][0]
                .as_object_mut()
                .unwrap()
                .remove("Condition");
        }
    })
    .unwrap();
    assert_eq!(
        refusals(&bed, &deletion(&[("app", "web")])).await,
        ["role-in-use"]
    );
    let planned = plan(&bed, &deletion(&[("app", "web")])).await;
    let said = &planned.findings_of(Severity::Refusal).next().unwrap().message;
    assert!(
        said.contains("the pod identity association of app/other"),
        "{said}"
    );
    assert_eq!(
        refusals(&bed, &deletion(&[("app", "web"), ("app", "other")])).await,
        [""; 0],
        "both go"
    );
    // By prune as well: the other one is not eksact's, and so it stays.
    by_hand(&bed, "other", |association| association.tags.clear());
    let mut pruned = request_of(&[]);
    pruned.settings.prune = true;
    assert_eq!(refusals(&bed, &pruned).await, ["role-in-use"]);
    // What could not be read is not taken for nothing.
    bed.edit(|world| {
        world
            .denied
            .insert("eks:DescribePodIdentityAssociation".to_owned());
    })
    .unwrap();
    let mut allowed = deletion(&[("app", "web")]);
    allowed
        .settings
        .allow
        .insert(eksact_core::guard::Guard::RoleInUse);
    let found = plan(&bed, &allowed).await;
    assert!(
        !found.has_changes() || codes(&found).contains(&Code::RoleInUse),
        "{}",
        summary(&found)
    );
}

/// The role of a service account that an association of another one has, or another account's annotation.
#[tokio::test(start_paused = true)]
async fn role_of_a_service_account_that_others_have_is_kept() {
    let account =
        "metadata: {name: web, namespace: app}\nattachPolicyARNs: ['arn:aws:iam::aws:policy/ReadOnlyAccess']";
    let (bed, _) = stage::applied(&stage::file(&[account])).await;
    let deleting = stage::deletion(&[("app", "web")]);
    let role = bed.world().unwrap().roles.values().next().unwrap().arn.clone();
    assert_eq!(refusals(&bed, &deleting).await, [""; 0]);
    assert_eq!(
        bed.faults().count("ListPodIdentityAssociations"),
        0,
        "a role that no pod identity can have costs no call"
    );
    bed.edit(|world| {
        let statement = json!({"Effect": "Allow", "Principal": {"Service": "pods.eks.amazonaws.com"},
            "Action": ["sts:AssumeRole", "sts:TagSession"]});
        let role = world.roles.values_mut().next().unwrap();
        role.trust_policy["Statement"]
            .as_array_mut()
            .unwrap()
            .push(statement);
        let other = PodIdentityAssociation {
            id: "a-other0000000000000".to_owned(),
            namespace: "ops".to_owned(),
            service_account: "batch".to_owned(),
            role_arn: role.arn.clone(),
            ..PodIdentityAssociation::default()
        };
        let associations = &mut cluster(world).eks.pod_identity_associations;
        associations.insert(other.id.clone(), other);
    })
    .unwrap();
    assert_eq!(refusals(&bed, &deleting).await, ["role-in-use"]);
    let mut pruned = request(&stage::file(&[]));
    pruned.settings.prune = true;
    assert_eq!(refusals(&bed, &pruned).await, ["role-in-use"]);
    bed.edit(|world| {
        world.denied.insert("eks:ListPodIdentityAssociations".to_owned());
    })
    .unwrap();
    assert_eq!(refusals(&bed, &deleting).await, ["role-in-use"], "not known");
    bed.edit(|world| {
        world.denied.clear();
        cluster(world).eks.pod_identity_associations.clear();
        let web = cluster(world).service_accounts["app/web"].clone();
        let other = eksact_core::ports::kubernetes::ServiceAccount {
            namespace: "ops".to_owned(),
            annotations: [("eks.amazonaws.com/role-arn".to_owned(), role.clone())].into(),
            labels: BTreeMap::new(),
            ..web
        };
        cluster(world)
            .service_accounts
            .insert("ops/web".to_owned(), other);
    })
    .unwrap();
    // As far as service accounts are read: six by name are listed.
    assert_eq!(refusals(&bed, &deleting).await, [""; 0]);
    let several = [
        ("app", "web"),
        ("x", "a"),
        ("x", "b"),
        ("x", "c"),
        ("x", "d"),
        ("x", "e"),
    ];
    assert_eq!(refusals(&bed, &stage::deletion(&several)).await, ["role-in-use"]);
}

/// A file that gives the pods of a service account their role in the other way takes the first away when the second is there.
#[tokio::test(start_paused = true)]
async fn pods_that_get_their_role_in_the_other_way_are_never_without_one() {
    let by_association = format!("{}  serviceAccounts: []\n", file(&[&own("app", "web")]));
    let by_annotation = format!(
        "{}  withOIDC: true\n  serviceAccounts:\n    - metadata: {{name: web, namespace: app}}\n      attachPolicyARNs: \
         ['arn:aws:iam::aws:policy/ReadOnlyAccess']\n",
        file(&[])
    );
    let (association, account) = ("pod-identity-association/app/web", "service-account/app/web");
    for (before, after, grant, revocation) in [
        (&by_association, &by_annotation, account, association),
        (&by_annotation, &by_association, association, account),
    ] {
        let bed = bed();
        apply(&bed, &request(before)).await;
        let mut wanted = request(after);
        wanted.settings.prune = true;
        let planned = plan(&bed, &wanted).await;
        let place = |address: &str| {
            let mut steps = planned.steps.iter();
            steps.position(|step| step.address.to_string() == address)
        };
        let (given, taken) = (place(grant).unwrap(), place(revocation).unwrap());
        assert!(given < taken, "{}", human(&planned));
        assert!(
            planned.steps[taken].depends_on.contains(&planned.steps[given].id),
            "{}",
            human(&planned)
        );
    }
}

/// Pods prefer the association: with the annotation first they would have the other role until it is there, or for good where it fails.
#[tokio::test(start_paused = true)]
async fn association_comes_before_the_annotation_of_the_same_service_account() {
    let wanted = request(&format!(
        "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {{name: {CLUSTER}, region: {REGION}}}\niam:\n  \
         withOIDC: true\n  serviceAccounts:\n  - metadata: {{namespace: app, name: reader}}\n    attachPolicyARNs: \
         ['arn:aws:iam::aws:policy/ReadOnlyAccess']\n  podIdentityAssociations:\n  - namespace: app\n    \
         serviceAccountName: reader\n    roleARN: {ROLE}\n"
    ));
    let writes = |bed: &Sandbox| -> Vec<String> {
        let writes = bed.faults().writes();
        writes.into_iter().map(|call| call.action).collect()
    };
    let whole = bed();
    apply(&whole, &wanted).await;
    let place = |action: &str| writes(&whole).iter().position(|write| write == action).unwrap();
    assert!(place("CreatePodIdentityAssociation") < place("create serviceaccounts"));
    assert_settled(&whole, &wanted, "both are there").await;

    let failing = bed();
    let association = Matching::Action("CreatePodIdentityAssociation".to_owned());
    let refused = Fault::ErrorBefore(CallErrorKind::Other);
    failing.faults().add(Rule::once(association, 1, refused));
    let planned = plan(&failing, &wanted).await;
    carry_out(&failing, &planned, &wanted).await;
    assert!(!writes(&failing).contains(&"create serviceaccounts".to_owned()));
    let wanted = again(&wanted, 2);
    apply(&failing, &wanted).await;
    assert_settled(&failing, &wanted, "a second run does the rest").await;
}
