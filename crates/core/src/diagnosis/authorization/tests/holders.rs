//! Who may: everybody, and in which namespaces.

use super::{NINA, OPS, Read, entry, picture, role, subjects};
use crate::diagnosis::authorization::{Namespaces, csv};

/// Everybody is found by the path that lets them: groups, user names, policies, groups of service accounts.
#[test]
fn who_can_finds_everybody() {
    let picture = picture()
        .entry(entry(NINA, "nina", "devs", &[]))
        .entry(entry(OPS, "ops", "", &[("AmazonEKSEditPolicy", None)]))
        .map_roles(
            "- rolearn: arn:aws:iam::111122223333:role/old\n  username: old\n  groups: [system:masters]\n",
        )
        .bind(Some("app"), "ClusterRole edit", "Group devs")
        .bind(Some("app"), "ClusterRole edit", "ServiceAccount gone")
        .bind(Some("ops"), "ClusterRole edit", "User elsewhere")
        .bind(None, "ClusterRole edit", "Group system:serviceaccounts:ops")
        .bind(None, "ClusterRole view", "Group viewers");
    assert_eq!(
        subjects(&picture.who_can("delete pods")),
        [
            "IAM principal arn:aws:iam::111122223333:role/old",
            "IAM principal arn:aws:iam::111122223333:role/team/ops",
            "IAM principal arn:aws:iam::111122223333:user/nina",
            "group devs",
            "group system:masters",
            "group system:nodes?",
            "group system:serviceaccounts:ops",
            "service account app/gone",
            "service account ops/ci",
        ]
    );
    let answer = picture.who_can("delete pods");
    let gone = answer
        .direct
        .iter()
        .find(|row| row.actor.name() == "app/gone")
        .unwrap();
    assert!(gone.absent);
    let nina = answer.direct.iter().find(|row| row.actor.name() == NINA).unwrap();
    assert_eq!(nina.paths[0].via.as_deref(), Some("group devs (access entry)"));
    assert_eq!(
        nina.paths[0].reason.sentence(),
        "allowed by RoleBinding app/edit-devs of ClusterRole edit to Group devs"
    );
}

/// What something depends on in one namespace is not said of another one.
#[test]
fn holders_are_said_to_depend_where_they_do() {
    let answer = picture()
        .entry(entry(
            OPS,
            "ops",
            "",
            &[
                ("AmazonEKSAutoNodePolicy", Some(&["app"])),
                ("AmazonEKSNetworkingPolicy", Some(&["ops"])),
                ("AmazonEKSComputePolicy", Some(&["ops"])),
            ],
        ))
        .who_can_in_any("get secrets -A");
    let rows = answer.direct.iter().filter(|row| row.actor.name() == OPS);
    let said: Vec<(usize, String)> = rows
        .map(|row| {
            (
                row.depends_on.len(),
                row.namespaces.as_ref().unwrap().words().join(","),
            )
        })
        .collect();
    assert_eq!(said, [(1, "app".to_owned()), (2, "ops".to_owned())]);
    let table = csv(&answer);
    for (policy, namespace) in [
        ("AmazonEKSAutoNodePolicy", "app"),
        ("AmazonEKSNetworkingPolicy", "ops"),
        ("AmazonEKSComputePolicy", "ops"),
    ] {
        let mut lines = table.lines().filter(|line| line.contains(policy));
        let line = lines.next().unwrap();
        assert!(line.ends_with(&format!(",{namespace}")), "{line}");
        assert_eq!(lines.next(), None);
    }
}

/// In which namespaces somebody may: one pass, and what each namespace alone would say.
#[test]
fn who_can_in_any_namespace_says_in_which() {
    let answered = picture()
        .entry(entry(NINA, "nina", "devs", &[]))
        .entry(entry(
            OPS,
            "ops:{{SessionName}}",
            "",
            &[
                ("AmazonEKSEditPolicy", Some(&["app", "dev-*"])),
                ("AmazonEKSComputePolicy", Some(&["ops", "gone"])),
            ],
        ))
        .mode("API")
        .bind(Some("ops"), "ClusterRole edit", "Group devs")
        .bind(Some("app"), "ClusterRole edit", "Group devs")
        .bind(Some("dev-1"), "ClusterRole edit", "User ops:nina")
        .bind(None, "ClusterRole edit", "Group admins")
        .bind(Some("quiet"), "ClusterRole view", "Group devs")
        .role(role(None, "pods", &["create - pods"]))
        .role(role(None, "deleter", &["delete - pods"]))
        .bind(Some("app"), "ClusterRole deleter", "ServiceAccount web")
        .bind(Some("dev-1"), "ClusterRole deleter", "ServiceAccount app/web")
        .bind(Some("app"), "ClusterRole pods", "User eve")
        .bind(Some("quiet"), "ClusterRole pods", "User eve")
        .who_can_in_any("delete pods -A");
    let place = |namespaces: &Option<Namespaces>| namespaces.as_ref().unwrap().words().join(",");
    let direct: Vec<String> = answered
        .direct
        .iter()
        .map(|row| {
            format!(
                "{} {}: {}",
                row.actor.name(),
                row.verdict.as_str(),
                place(&row.namespaces)
            )
        })
        .filter(|row| !row.starts_with("system:"))
        .collect();
    assert_eq!(
        direct,
        [
            "arn:aws:iam::111122223333:role/team/ops yes: app,dev-1".to_owned(),
            "arn:aws:iam::111122223333:role/team/ops depends: ops".to_owned(),
            "arn:aws:iam::111122223333:user/nina yes: app,ops".to_owned(),
            "ops:nina yes: dev-1".to_owned(),
            "admins yes: *".to_owned(),
            "devs yes: app,ops".to_owned(),
            "app/web yes: app,dev-1".to_owned(),
        ]
    );
    let eve: Vec<String> = answered
        .can_become
        .iter()
        .filter(|row| row.actor.name() == "eve")
        .map(|row| format!("{}, {}: {}", row.becomes, row.by, place(&row.namespaces)))
        .collect();
    assert_eq!(
        eve,
        ["service account app/web, creates pods in namespace app: app,dev-1"]
    );
    assert_eq!(answered.question(), "delete pods in any namespace");
    let document = serde_json::to_value(&answered).unwrap();
    assert_eq!(
        document["namespaces"],
        serde_json::json!(["app", "dev-1", "ops", "quiet"])
    );
    assert!(
        answered
            .notes
            .iter()
            .any(|note| note.ends_with("give nothing yet: gone")),
        "{:?}",
        answered.notes
    );
    // Where service accounts were not read, which namespaces there are is not known.
    let mut unread = picture().entry(entry(
        OPS,
        "ops",
        "",
        &[("AmazonEKSEditPolicy", Some(&["dev-1", "x-*"]))],
    ));
    unread.service_accounts = Read::Unread("403 Forbidden".to_owned());
    let answer = unread.who_can_in_any("delete pods -A");
    assert!(!answer.complete);
    assert!(
        answer
            .notes
            .iter()
            .any(|note| note.starts_with("which namespaces there are is not known"))
    );
    let ops = answer.direct.iter().find(|row| row.actor.name() == OPS).unwrap();
    assert_eq!(place(&ops.namespaces), "dev-1");
}
