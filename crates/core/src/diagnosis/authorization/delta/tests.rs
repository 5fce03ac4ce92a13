//! Two pictures that are made by hand, and what is said of the step from one to the other.

use super::*;
use crate::{
    diagnosis::aws_authorization::AwsPicture,
    ports::{aws::AccessEntry, kubernetes::RbacRole},
};

const NINA: &str = "arn:aws:iam::111122223333:user/nina";

fn picture(groups: &[&str], policy: Option<&str>) -> Picture {
    let entry = AccessEntry {
        principal_arn: NINA.to_owned(),
        username: "nina".to_owned(),
        groups: groups.iter().map(ToString::to_string).collect(),
        policies: Vec::from_iter(policy.map(|namespace| AccessPolicy {
            arn: "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy".to_owned(),
            namespaces: Some(vec![namespace.to_owned()]),
        })),
        ..AccessEntry::default()
    };
    Picture {
        cluster: "prod".to_owned(),
        region: "eu-west-1".to_owned(),
        account: "111122223333".to_owned(),
        version: None,
        authentication_mode: Some("API_AND_CONFIG_MAP".to_owned()),
        aws_auth: Read::Known(None),
        access_entries: Read::Known(vec![entry]),
        principals: BTreeMap::new(),
        bindings: Read::Known(Vec::new()),
        roles: Read::Known(Vec::new()),
        service_accounts: Read::Known(Vec::new()),
        aws: AwsPicture::not_read("it was not asked for"),
    }
}

fn bound(mut picture: Picture, kind: &str, name: &str, verbs: &[&str]) -> Picture {
    let binding = RbacBinding {
        namespace: Some("app".to_owned()),
        name: format!("{kind}-{name}"),
        role_kind: "ClusterRole".to_owned(),
        role_name: "edit".to_owned(),
        subjects: vec![Subject {
            kind: kind.to_owned(),
            name: name.to_owned(),
            namespace: None,
        }],
        ..RbacBinding::default()
    };
    let allows = PolicyRule {
        api_groups: vec![String::new()],
        resources: vec!["pods".to_owned()],
        verbs: verbs.iter().map(ToString::to_string).collect(),
        ..PolicyRule::default()
    };
    let edit = RbacRole {
        name: "edit".to_owned(),
        rules: vec![allows],
        ..RbacRole::default()
    };
    if let (Read::Known(bindings), Read::Known(roles)) = (&mut picture.bindings, &mut picture.roles) {
        bindings.push(binding);
        *roles = vec![edit];
    }
    picture
}

/// `+` and `-` before who and what.
fn said(before: &Picture, after: &Picture) -> Vec<String> {
    let delta = access_delta(before, after);
    assert_eq!(delta.complete, delta.unread.is_empty());
    let mut all = Vec::new();
    for person in delta.people {
        all.extend(
            person
                .gains
                .iter()
                .map(|what| format!("+ {}: {what}", person.who)),
        );
        all.extend(
            person
                .loses
                .iter()
                .map(|what| format!("- {}: {what}", person.who)),
        );
    }
    all
}

#[test]
fn people_gain_and_lose_what_their_groups_are_bound_to() {
    let without = picture(&[], None);
    let devs = bound(picture(&["devs"], None), "Group", "devs", &["get", "list"]);
    let nina = |sign: &str| format!("{sign} {NINA}: ClusterRole edit in namespace app");
    assert_eq!(said(&without, &without), Vec::<String>::new());
    assert_eq!(said(&without, &devs), [nina("+")]);
    assert_eq!(said(&devs, &without), [nina("-")]);
    // The group is hers on one side: it is told of her.
    let unbound = picture(&["devs"], None);
    assert_eq!(said(&unbound, &devs), [nina("+")]);
    let policy = |place: &str| format!("{NINA}: AmazonEKSViewPolicy in namespace {place}");
    assert_eq!(
        said(&picture(&[], Some("app")), &picture(&[], Some("web"))),
        [format!("+ {}", policy("web")), format!("- {}", policy("app"))]
    );
    let masters = picture(&[MASTERS], None);
    assert_eq!(
        said(&without, &masters),
        [format!("+ {NINA}: everything (system:masters)")]
    );
}

#[test]
fn role_that_allows_more_gives_more_to_whoever_has_it() {
    let before = bound(picture(&["devs"], None), "Group", "devs", &["get"]);
    let after = bound(picture(&["devs"], None), "Group", "devs", &["get", "delete"]);
    assert_eq!(
        said(&before, &after),
        [format!(
            "+ {NINA}: delete on pods by ClusterRole edit in namespace app"
        )]
    );
    assert_eq!(
        said(&after, &before),
        [format!(
            "- {NINA}: delete on pods by ClusterRole edit in namespace app"
        )]
    );
}

#[test]
fn groups_and_accounts_without_a_principal_are_told_by_their_names() {
    let before = picture(&[], None);
    let after = bound(
        bound(
            bound(before.clone(), "Group", "oidc:ops", &[]),
            "ServiceAccount",
            "ci",
            &[],
        ),
        "Group",
        AUTHENTICATED,
        &[],
    );
    let role = "ClusterRole edit in namespace app";
    assert_eq!(
        said(&before, &after),
        [
            format!("+ oidc:ops: {role}"),
            format!("+ system:authenticated: {role}"),
            format!("+ app/ci: {role}")
        ]
    );
}

#[test]
fn delta_of_two_clusters_is_no_whole_comparison() {
    let one = picture(&[], None);
    let changes: [(fn(&mut Picture), &str); 3] = [
        (
            |picture| picture.cluster = "test".to_owned(),
            "test in eu-west-1 of account 111122223333",
        ),
        (
            |picture| picture.region = "us-east-1".to_owned(),
            "prod in us-east-1 of account 111122223333",
        ),
        (
            |picture| picture.account = "444455556666".to_owned(),
            "prod in eu-west-1 of account 444455556666",
        ),
    ];
    for (change, named) in changes {
        let mut other = one.clone();
        change(&mut other);
        let delta = access_delta(&one, &other);
        assert!(!delta.complete);
        assert_eq!(
            delta.unread,
            [format!(
                "they are of two clusters, prod in eu-west-1 of account 111122223333 and {named}"
            )]
        );
    }
}

#[test]
fn delta_has_nothing_of_what_could_not_be_read() {
    let devs = bound(picture(&["devs"], None), "Group", "devs", &["get"]);
    let unread = Picture {
        bindings: Read::Unread("denied".to_owned()),
        ..picture(&["devs"], None)
    };
    let delta = access_delta(&devs, &unread);
    assert_eq!((delta.complete, delta.people.len()), (false, 0));
    assert_eq!(delta.unread, ["after: bindings: denied"]);
}
