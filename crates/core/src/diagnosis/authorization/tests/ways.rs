//! Who can become somebody who may, and how.

use super::{BTreeMap, NINA, Read, becoming, entry, picture, role, subjects};

/// What is sure goes before what depends, whichever is found first.
#[test]
fn sure_way_takes_the_place_of_one_that_depends() {
    let answer = picture()
        .mode("API")
        .role(role(None, "secrets", &["get - secrets"]))
        .bind(Some("app"), "ClusterRole secrets", "ServiceAccount api")
        .bind(Some("app"), "ClusterRole secrets", "ServiceAccount ops/ci")
        .role(role(None, "exec", &["create - pods/exec"]))
        .bind(Some("app"), "ClusterRole exec", "User eve")
        .role(role(None, "pods", &["create - pods"]))
        .bind(Some("ops"), "ClusterRole pods", "User eve")
        .who_can("get secrets");
    assert_eq!(
        becoming(&answer),
        ["eve → service account ops/ci (creates pods in namespace ops)"]
    );
}

/// Cases 40 to 44: who can become somebody is apart, and said by how.
#[test]
fn who_can_tells_who_can_become_them_apart() {
    let secrets = || {
        picture()
            .role(role(Some("app"), "secrets", &["get - secrets"]))
            .bind(Some("app"), "Role secrets", "ServiceAccount web")
            .mode("API")
    };
    let with = |rules: &[&str], namespace: Option<&str>| {
        secrets()
            .role(role(None, "r", rules))
            .bind(namespace, "ClusterRole r", "User eve")
    };
    let app = Some("app");
    let table = [
        (
            with(&["create - pods"], app),
            "eve → service account app/web (creates pods in namespace app)",
        ),
        (with(&["create - pods"], Some("ops")), ""),
        (
            with(&["create batch cronjobs"], None),
            "eve → service account app/web (creates cron jobs in namespace app)",
        ),
        (
            with(&["create - pods/exec"], app),
            "eve → service account app/web (runs commands in pods (exec) of namespace app)?",
        ),
        // From 1.35 on `get` alone runs nothing.
        (with(&["get - pods/exec"], app), ""),
        (
            with(&["create - serviceaccounts/token web"], app),
            "eve → service account app/web (creates tokens of service accounts in namespace app)",
        ),
        (with(&["create - serviceaccounts/token api"], app), ""),
        (
            with(&["impersonate - serviceaccounts"], app),
            "eve → service account app/web (impersonates service accounts of namespace app)",
        ),
        // A group is impersonated with a user.
        (with(&["impersonate - groups"], None), ""),
        (
            with(&["impersonate - groups,users"], None),
            "eve → group system:masters (impersonates)",
        ),
        // To write bindings is half of it.
        (with(&["create rbac.authorization.k8s.io rolebindings"], app), ""),
        (
            with(
                &["create,bind rbac.authorization.k8s.io rolebindings,clusterroles"],
                app,
            ),
            "eve → whoever it wants to be (binds any role with rolebindings in namespace app)",
        ),
        (
            with(&["escalate,update rbac.authorization.k8s.io clusterroles"], None),
            "eve → whoever it wants to be (writes any rule into its clusterroles in the whole cluster)",
        ),
        (
            with(&["get - nodes/proxy"], None),
            "eve → service account app/web (runs commands in the pods of nodes (nodes/proxy))?",
        ),
        (
            with(&["update - configmaps"], Some("kube-system")).mode("API_AND_CONFIG_MAP"),
            "eve → whoever it wants to be (writes aws-auth, which maps IAM principals to any user and group)",
        ),
        (with(&["update - configmaps"], Some("kube-system")), ""),
    ];
    for (picture, expected) in table {
        let answer = picture.who_can("get secrets");
        assert_eq!(becoming(&answer).join("\n"), expected);
        assert!(!subjects(&answer).contains(&"user eve".to_owned()));
    }
    let mut old = with(&["get - pods/exec"], app);
    old.version = Some("1.34".to_owned());
    assert_eq!(
        becoming(&old.who_can("get secrets")),
        ["eve → service account app/web (runs commands in pods (exec) of namespace app)?"]
    );
    // From one to the next: whoever can become the account that can become another.
    let chain = secrets()
        .role(role(None, "r", &["create - pods"]))
        .bind(app, "ClusterRole r", "ServiceAccount ops/ci")
        .bind(Some("ops"), "ClusterRole r", "Group devs")
        .entry(entry(NINA, "nina", "devs", &[]));
    assert_eq!(
        becoming(&chain.who_can("get secrets")),
        [
            "arn:aws:iam::111122223333:user/nina → service account ops/ci (creates pods in namespace ops)",
            "devs → service account ops/ci (creates pods in namespace ops)",
            "ops/ci → service account app/web (creates pods in namespace app)",
        ]
    );
}

/// What holds or makes identities beside pods: Secrets, certificates, webhooks, an aws-auth that is not there.
#[test]
fn who_can_become_somebody_through_objects() {
    let with = |rules: &[&str], namespace: Option<&str>| {
        picture()
            .role(role(Some("app"), "pods", &["delete - pods"]))
            .bind(Some("app"), "Role pods", "ServiceAccount web")
            .mode("API")
            .role(role(None, "r", rules))
            .bind(namespace, "ClusterRole r", "User eve")
    };
    let app = Some("app");
    let certificates = "create certificates.k8s.io certificatesigningrequests";
    let approval = "update certificates.k8s.io certificatesigningrequests/approval";
    let of = |signer: &str| format!("approve certificates.k8s.io signers {signer}");
    let (client, all, serving) = (
        of("kubernetes.io/kube-apiserver-client"),
        of("kubernetes.io/*"),
        of("kubernetes.io/kubelet-serving"),
    );
    let by_certificate = "eve → whoever it wants to be (approves its own request for a certificate of any user and group but system:masters)?";
    let table = [
        (
            with(&["create,get - secrets"], app),
            "eve → service account app/web (makes Secrets with tokens of service accounts of namespace app and reads them)",
        ),
        (
            with(&["list - secrets"], app),
            "eve → service account app/web (reads Secrets of namespace app)?",
        ),
        // To make one is half of it, and another namespace's are others'.
        (with(&["create - secrets"], app), ""),
        (with(&["create,get - secrets"], Some("ops")), ""),
        (with(&[certificates, approval, &client], None), by_certificate),
        (with(&[certificates, approval, &all], None), by_certificate),
        (with(&[certificates, approval, &serving], None), ""),
        (with(&[certificates, &client], None), ""),
        (
            with(
                &["patch admissionregistration.k8s.io mutatingwebhookconfigurations"],
                None,
            ),
            "eve → whoever it wants to be (writes a webhook that changes pods and bindings which others write)?",
        ),
        (
            with(&["create - configmaps"], Some("kube-system")).mode("API_AND_CONFIG_MAP"),
            "eve → whoever it wants to be (makes aws-auth, which maps IAM principals to any user and group)",
        ),
        (with(&["create - configmaps"], Some("kube-system")), ""),
    ];
    for (picture, expected) in table {
        let answer = picture.who_can("delete pods");
        assert_eq!(becoming(&answer).join("\n"), expected);
    }
    // One that is there is changed, and not made.
    let mut there = with(&["create - configmaps"], Some("kube-system")).mode("API_AND_CONFIG_MAP");
    there.aws_auth = Read::Known(Some(BTreeMap::new()));
    assert!(becoming(&there.who_can("delete pods")).is_empty());
}
