//! Whether somebody may: by RBAC, by the cluster's door, and which link is broken first.

use super::{
    AwsPicture, NINA, OPS, Principal, Read, Timestamp, Verdict, entry, groups_of_service_account, picture,
    role,
};
use crate::diagnosis::authorization::LinkState;

/// Cases 1 to 18 of what the authorizer answers.
#[test]
fn rbac_is_evaluated_as_the_authorizer_does() {
    let names = picture()
        .role(role(
            Some("app"),
            "r",
            &["get,list,create,delete,deletecollection - pods web"],
        ))
        .bind(Some("app"), "Role r", "User nina");
    let everywhere = picture()
        .role(role(None, "lister", &["list - pods"]))
        .bind(Some("app"), "ClusterRole lister", "User nina")
        .bind(Some("ops"), "ClusterRole lister", "User nina");
    let admin = picture().bind(Some("app"), "ClusterRole cluster-admin", "User nina");
    let subresources = picture()
        .role(role(
            None,
            "r",
            &["create - pods", "update * */scale", "get - pods/*"],
        ))
        .bind(None, "ClusterRole r", "User nina");
    let split = picture()
        .role(role(None, "r", &["get - services", "delete - pods"]))
        .bind(None, "ClusterRole r", "Group devs");
    let accounts = picture()
        .bind(None, "ClusterRole view", "ServiceAccount web")
        .bind(Some("app"), "ClusterRole edit", "ServiceAccount web")
        .bind(None, "ClusterRole view", "Group system:serviceaccounts:ops");
    let web = "system:serviceaccount:app:web";
    let table = [
        (&names, "nina", "get pods/web", Verdict::Yes),
        (&names, "nina", "get pods/api", Verdict::No),
        (&names, "nina", "get pods/web -n ops", Verdict::No),
        (&names, "nina", "list pods", Verdict::No),
        (&names, "nina", "list pods/web", Verdict::Yes),
        (&names, "nina", "create pods", Verdict::No),
        (&names, "nina", "deletecollection pods", Verdict::No),
        (&everywhere, "nina", "list pods -n ops", Verdict::Yes),
        (&everywhere, "nina", "list pods -A", Verdict::No),
        // What belongs to the whole cluster has no namespace, but for a namespace itself.
        (&admin, "nina", "get nodes", Verdict::No),
        (&admin, "nina", "get namespaces/app", Verdict::Yes),
        (&admin, "nina", "get namespaces/ops", Verdict::No),
        (&admin, "nina", "list namespaces", Verdict::No),
        (&subresources, "nina", "create pods -s exec", Verdict::No),
        (&subresources, "nina", "get pods -s log", Verdict::No),
        (&subresources, "nina", "update deploy -s scale", Verdict::Yes),
        (&subresources, "nina", "update deploy", Verdict::No),
        (&split, "x[devs]", "get pods", Verdict::No),
        (&split, "x[devs]", "delete pods", Verdict::Yes),
        (&split, "x[Devs]", "delete pods", Verdict::No),
        (&accounts, web, "delete pods", Verdict::Yes),
        (&accounts, web, "get pods -n ops", Verdict::No),
        (&accounts, "system:serviceaccount:ops:ci", "get pods", Verdict::No),
        (
            &accounts,
            "x[system:masters]",
            "escalate clusterroles",
            Verdict::Yes,
        ),
        (&accounts, "x[system:masters]", "get /metrics", Verdict::Yes),
        (
            &accounts,
            "system:node:a[system:nodes]",
            "get secrets/x",
            Verdict::Depends,
        ),
        (
            &accounts,
            "system:node:a[system:nodes]",
            "get deployments",
            Verdict::No,
        ),
    ];
    for (picture, who, question, expected) in table {
        assert_eq!(picture.asked(who, question).answer, expected, "{who} {question}");
    }
    let groups = groups_of_service_account("ops").join(" ");
    let ci = format!("system:serviceaccount:ops:ci[{groups}]");
    assert_eq!(accounts.asked(&ci, "get pods").answer, Verdict::Yes);
}

/// Cases 19 to 24: through entries, policies and aws-auth.
#[test]
fn principals_of_iam_get_in_as_the_authenticator_decides() {
    let masters = "- rolearn: arn:aws:iam::111122223333:role/ops\n  username: ops:{{SessionName}}\n  groups: [system:masters]\n";
    let both = picture().entry(entry(OPS, "ops", "", &[])).map_roles(masters);
    let policy = picture().entry(entry(
        NINA,
        "nina",
        "",
        &[("AmazonEKSViewPolicy", Some(&["dev-*"]))],
    ));
    let mut stale = picture().entry(entry(OPS, "ops", "system:masters", &[]));
    let made_later = Principal {
        arn: OPS.to_owned(),
        id: "AROA2".to_owned(),
        created_at: Timestamp::from_second(1_750_000_000).unwrap(),
    };
    stale.principals.insert(OPS.to_owned(), Some(made_later));
    let named = picture()
        .map_roles(&masters.replace("system:masters", "devs"))
        .bind(None, "ClusterRole view", "User ops:nina");
    let session = "arn:aws:sts::111122223333:assumed-role/ops/nina";
    let other = "arn:aws:sts::111122223333:assumed-role/ops/bob";
    let table = [
        // An entry without groups hides the line of aws-auth.
        (both.clone(), OPS, "get pods", Verdict::No),
        (both.clone().mode("CONFIG_MAP"), OPS, "get pods", Verdict::Yes),
        (both.clone().mode("API"), OPS, "get pods", Verdict::No),
        (
            picture().map_roles(masters).mode("API"),
            OPS,
            "get pods",
            Verdict::No,
        ),
        (policy.clone(), NINA, "get pods -n dev-1", Verdict::Yes),
        (policy.clone(), NINA, "get pods -n prod", Verdict::No),
        (policy.clone(), NINA, "get secrets -n dev-1", Verdict::No),
        (
            policy.clone(),
            NINA,
            "get widgets.example.com -n dev-1",
            Verdict::No,
        ),
        (policy.clone(), NINA, "list pods -A", Verdict::No),
        (stale, OPS, "get pods", Verdict::No),
        // Whoever created an old cluster is let in unseen.
        (picture().mode("CONFIG_MAP"), NINA, "get pods", Verdict::Depends),
        (picture(), NINA, "get pods", Verdict::No),
        // A role stands for its sessions; a binding may name one.
        (named.clone(), OPS, "get pods", Verdict::Depends),
        (named.clone(), session, "get pods", Verdict::Yes),
        (named, other, "get pods", Verdict::No),
        (
            picture().entry(entry(NINA, "nina", "", &[("AmazonEKSComputePolicy", None)])),
            NINA,
            "get pods",
            Verdict::Depends,
        ),
    ];
    for (picture, who, question, expected) in table {
        let explained = picture.asked(who, question);
        assert_eq!(explained.answer, expected, "{who} {question}: {explained:#?}");
    }
}

/// What could not be read is never a no, and never nobody.
#[test]
fn answer_depends_on_what_is_unread() {
    let unread = || "403 Forbidden".to_owned();
    let bound =
        picture()
            .entry(entry(NINA, "nina", "devs", &[]))
            .bind(None, "ClusterRole view", "Group devs");
    assert_eq!(bound.asked(NINA, "get pods").answer, Verdict::Yes);
    let mut no_bindings = bound.clone();
    no_bindings.bindings = Read::Unread(unread());
    let mut no_roles = bound.clone();
    no_roles.roles = Read::Unread(unread());
    let mut no_entries = bound.clone();
    no_entries.access_entries = Read::Unread(unread());
    for picture in [no_bindings, no_roles, no_entries] {
        assert_eq!(picture.asked(NINA, "get pods").answer, Verdict::Depends);
        let answer = picture.who_can("get pods");
        assert!(!answer.complete && answer.unread.len() == 1);
    }
    // IAM is a part of the answer where it was asked for, and no other one.
    assert!(bound.who_can("get pods").complete);
    let mut no_iam = bound;
    no_iam.aws = AwsPicture::not_read(&unread());
    let answer = no_iam.who_can("get pods");
    assert!(!answer.complete);
    assert!(
        answer.unread[0].starts_with("IAM roles, users and policies: "),
        "{:?}",
        answer.unread
    );
    let is_told = |words: &str| answer.notes.iter().any(|note| note.contains(words));
    assert!(is_told("the account's IAM could not be read") && !is_told("asked of a snapshot"));
}

/// Each broken link is named, with what is nearest.
#[test]
fn first_broken_link_is_named() {
    let entered = || picture().entry(entry(NINA, "nina", "devs", &[]));
    let table = [
        (
            picture(),
            "delete pods",
            "neither an access entry nor aws-auth is for",
            "",
        ),
        (
            picture().mode("API"),
            "delete pods",
            "no access entry is for arn:aws:iam::111122223333:user/nina, and the cluster does not read",
            "",
        ),
        (
            entered(),
            "delete pods",
            "no binding to the user nina or the group devs allows",
            "",
        ),
        (
            entered().bind(Some("app"), "ClusterRole view", "Group devs"),
            "delete pods",
            "no binding",
            "RoleBinding app/view-devs (ClusterRole view, to Group devs) allows get, list, watch there, and not delete",
        ),
        (
            entered().bind(Some("ops"), "ClusterRole edit", "Group devs"),
            "delete pods",
            "no binding",
            "RoleBinding ops/edit-devs (ClusterRole edit, to Group devs) allows it in namespace ops only",
        ),
        (
            entered().bind(None, "ClusterRole edit", "Group Devs"),
            "delete pods",
            "no binding",
            "ClusterRoleBinding edit-Devs allows it to Group Devs: upper and lower case count",
        ),
        (
            entered().bind(None, "ClusterRole edit", "User team:nina"),
            "delete pods",
            "no binding",
            "ClusterRoleBinding edit-team-nina allows it to User team:nina, and the user name here is nina",
        ),
        (
            entered().bind(None, "ClusterRole edit", "User team:nils"),
            "delete pods",
            "no binding",
            "",
        ),
        (
            entered()
                .role(role(None, "r", &["delete - pods web"]))
                .bind(None, "ClusterRole r", "Group devs"),
            "delete pods/api",
            "no binding",
            "ClusterRoleBinding r-devs (ClusterRole r, to Group devs) allows it for objects of certain names only: delete on pods named web",
        ),
        (
            entered()
                .role(role(None, "r", &["create - pods"]))
                .bind(None, "ClusterRole r", "Group devs"),
            "create pods -s exec",
            "no binding",
            "ClusterRoleBinding r-devs (ClusterRole r, to Group devs) allows it on pods, which does not include pods/exec",
        ),
        (
            picture().entry(entry(
                NINA,
                "nina",
                "",
                &[("AmazonEKSEditPolicy", Some(&["ops"]))],
            )),
            "delete pods",
            "no binding to the user nina and no access policy allows",
            "the access policy AmazonEKSEditPolicy allows it in namespaces ops only",
        ),
    ];
    for (picture, question, broken, near) in table {
        let explained = picture.asked(NINA, question);
        let last = explained.links.last().unwrap();
        assert_eq!(last.state, LinkState::Broken, "{explained:#?}");
        assert!(last.says.starts_with(broken), "{}", last.says);
        assert_eq!(explained.nearest.first().map_or("", String::as_str), near);
        assert!(explained.findings.iter().any(|finding| finding.help.is_some()));
    }
    let missing = entered().bind(Some("app"), "Role gone", "Group devs");
    let explained = missing.asked(NINA, "delete pods");
    assert_eq!(
        explained.findings[0].message,
        "RoleBinding app/gone-devs gives Group devs the Role app/gone, which does not exist"
    );
}
