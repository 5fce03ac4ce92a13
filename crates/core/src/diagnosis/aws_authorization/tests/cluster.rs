//! Rights in the cluster that lead to the role of a service account.

use super::{
    Actor, Picture, PolicyRule, REPORTS, RbacBinding, RbacRole, Read, Subject, irsa, picture, reads_reports,
};

/// Rights in the cluster make somebody a service account, each in its own way; impersonation gives no credentials of AWS.
#[test]
fn rights_in_the_cluster_reach_the_role_of_a_service_account() {
    let base = || {
        picture(
            Vec::new(),
            vec![
                reads_reports("web", irsa("app", "web", None)),
                reads_reports("api", irsa("app", "api", None)),
            ],
        )
        .with_account("app", "web", Some("web"))
        .with_account("app", "api", Some("api"))
    };
    let becomes = |picture: &Picture| {
        let answer = picture.list("s3:GetObject", REPORTS);
        let users = answer
            .can_become
            .iter()
            .filter(|row| matches!(row.actor, Actor::User { .. }));
        users
            .map(|row| format!("{} {}: {}", row.becomes, row.verdict.as_str(), row.by))
            .collect::<Vec<_>>()
    };
    for (verbs, resource, expected) in [
        (&["create"][..], "pods", "creates pods in namespace app"),
        (
            &["create"],
            "pods/exec",
            "runs commands in pods (exec) of namespace app",
        ),
        (
            &["create"],
            "serviceaccounts/token",
            "creates tokens of service accounts in namespace app",
        ),
        (&["patch"], "deployments", "changes deployments of namespace app"),
    ] {
        let rows = becomes(&base().with_right("eve", verbs, resource, &[]));
        assert_eq!(rows.len(), 1, "{resource}: {rows:?}");
        assert!(rows[0].contains(expected), "{resource}: {rows:?}");
    }
    for (verbs, resource) in [
        (&["impersonate"][..], "serviceaccounts"),
        (&["get", "create"], "secrets"),
        (&["get", "list"], "pods"),
    ] {
        let rows = becomes(&base().with_right("eve", verbs, resource, &[]));
        assert!(rows.is_empty(), "{resource}: {rows:?}");
    }
    // Whoever impersonates somebody who creates pods gets there.
    let by_other =
        base()
            .with_right("eve", &["create"], "pods", &[])
            .with_right("mallory", &["get"], "pods", &[]);
    assert_eq!(becomes(&by_other).len(), 1);
    // A token of one service account by name: only that one.
    let named = base().with_right("eve", &["create"], "serviceaccounts/token", &["web"]);
    let rows = becomes(&named);
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert!(rows[0].starts_with("service account app/web"), "{rows:?}");
}

#[test]
fn aws_auth_makes_anybody_where_the_mode_reads_it() {
    let base = |mode: &str| {
        let mut picture = picture(Vec::new(), vec![reads_reports("web", irsa("app", "web", None))])
            .with_account("app", "web", Some("web"));
        picture.authentication_mode = Some(mode.to_owned());
        let rule = PolicyRule {
            verbs: vec!["update".to_owned()],
            api_groups: vec![String::new()],
            resources: vec!["configmaps".to_owned()],
            ..PolicyRule::default()
        };
        picture.roles = Read::Known(vec![RbacRole {
            namespace: Some("kube-system".to_owned()),
            name: "writer".to_owned(),
            rules: vec![rule],
            ..RbacRole::default()
        }]);
        picture.bindings = Read::Known(vec![RbacBinding {
            namespace: Some("kube-system".to_owned()),
            name: "writer".to_owned(),
            role_kind: "Role".to_owned(),
            role_name: "writer".to_owned(),
            subjects: vec![Subject {
                kind: "User".to_owned(),
                name: "eve".to_owned(),
                namespace: None,
            }],
            ..RbacBinding::default()
        }]);
        picture
    };
    let eve = |picture: &Picture| {
        let answer = picture.list("s3:GetObject", REPORTS);
        answer.can_become.iter().any(|row| row.actor.name() == "eve")
    };
    assert!(!eve(&base("API")));
    assert!(eve(&base("API_AND_CONFIG_MAP")));
}
