//! One statement of many: random trust policies keep all others, and only what eksact writes counts as shared.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const BLUE: &str = "arn:aws:eks:eu-west-1:111122223333:cluster/blue";
const GREEN: &str = "arn:aws:eks:eu-west-1:111122223333:cluster/green";
const ISSUER: &str = "oidc.eks.eu-west-1.amazonaws.com/id/B1";

fn provider(issuer: &str) -> String {
    format!("arn:aws:iam::111122223333:oidc-provider/{issuer}")
}

fn statement(cluster: &str, issuer: &str, subjects: &[&str]) -> Value {
    let subjects = subjects.iter().map(|subject| (*subject).to_owned()).collect();
    trust::web_identity_statement(&sid(cluster), &provider(issuer), issuer, &subjects)
}

fn ours(subjects: &[&str]) -> Value {
    statement(BLUE, ISSUER, subjects)
}

const WEB: &str = "system:serviceaccount:app:web";

#[test]
fn sid_tells_clusters_apart() {
    assert_eq!(sid(BLUE), "Eksactblued3951240b3f1");
    let all = [
        BLUE,
        GREEN,
        "arn:aws:eks:us-east-1:111122223333:cluster/blue",
        "arn:aws:eks:eu-west-1:444455556666:cluster/blue",
        "arn:aws-cn:eks:cn-north-1:111122223333:cluster/blue",
        "arn:aws:eks:eu-west-1:111122223333:cluster/my_cluster-1",
        "arn:aws:eks:eu-west-1:111122223333:cluster/a-name-that-is-as-long-as-a-name-of-a-cluster-may-be",
    ];
    let sids: BTreeSet<String> = all.iter().map(|arn| sid(arn)).collect();
    assert_eq!(sids.len(), all.len());
    for sid in &sids {
        assert!(
            is_sid(sid) && sid.bytes().all(|byte| byte.is_ascii_alphanumeric()),
            "{sid}"
        );
        assert!(sid.len() <= 34, "{sid}");
    }
    for sid in [
        "Eksact",
        "EksactReads",
        "EksactRolesThroughStacks",
        "eksactblue0123456789ab",
        "Eksactblue0123456789aG",
        "",
    ] {
        assert!(!is_sid(sid), "{sid}");
    }
}

#[test]
fn statement_is_short_and_exact() {
    assert_eq!(
        ours(&[WEB]),
        json!({"Sid": sid(BLUE), "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": {"Federated": provider(ISSUER)},
            "Condition": {"StringEquals": {format!("{ISSUER}:aud"): "sts.amazonaws.com", format!("{ISSUER}:sub"): WEB}}})
    );
    let both = ours(&["system:serviceaccount:app:job-*", WEB]);
    assert_eq!(
        both["Condition"],
        json!({"StringEquals": {format!("{ISSUER}:aud"): "sts.amazonaws.com"},
            "StringLike": {format!("{ISSUER}:sub"): ["system:serviceaccount:app:job-*", WEB]}})
    );
}

#[test]
fn statement_takes_its_place_and_leaves_it() {
    let other =
        json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}});
    let theirs = statement(GREEN, "green.example.com", &[WEB]);
    let single = json!({"Version": "2012-10-17", "Statement": other});
    let added = with(&single, &ours(&[WEB])).unwrap();
    assert_eq!(
        added,
        json!({"Version": "2012-10-17", "Statement": [other, ours(&[WEB])]})
    );
    let three = json!({"Id": "x", "Statement": [ours(&[WEB]), theirs, other]});
    let wider = ours(&[WEB, "system:serviceaccount:app:job"]);
    assert_eq!(
        with(&three, &wider).unwrap(),
        json!({"Id": "x", "Statement": [wider, theirs, other]})
    );
    assert_eq!(
        without(&three, &sid(BLUE)).unwrap(),
        json!({"Id": "x", "Statement": [theirs, other]})
    );
    // What is not there is not taken out, and its absence changes nothing else.
    assert_eq!(without(&single, &sid(BLUE)).unwrap(), single);
    let alone = json!({"Statement": ours(&[WEB])});
    assert_eq!(without(&alone, &sid(BLUE)), Err(EditError::LastStatement));
    for document in [json!({}), json!("text"), json!({"Statement": 7}), json!(null)] {
        assert_eq!(
            with(&document, &ours(&[WEB])),
            Err(EditError::NotAPolicy),
            "{document}"
        );
        assert_eq!(
            without(&document, &sid(BLUE)),
            Err(EditError::NotAPolicy),
            "{document}"
        );
    }
}

#[test]
fn statement_made_by_hand_counts() {
    let mut by_hand = ours(&[WEB]);
    for sid in [None, Some("AllowBlue"), Some("")] {
        match sid {
            None => drop(by_hand.as_object_mut().unwrap().remove("Sid")),
            Some(sid) => by_hand["Sid"] = json!(sid),
        }
        by_hand["Action"] = json!(["STS:assumerolewithwebidentity"]);
        let document = json!({"Version": "2012-10-17", "Statement": by_hand});
        assert_eq!(
            made_by_others(&document, &ours(&[WEB])),
            Some(&by_hand),
            "{sid:?}"
        );
        assert_eq!(
            made_by_others(&document, &ours(&["system:serviceaccount:app:we"])),
            None,
            "{sid:?}"
        );
    }
    assert_eq!(
        made_by_others(&json!({"Statement": [ours(&[WEB])]}), &ours(&[WEB])),
        None
    );
}

#[test]
fn shared_statements_are_those_that_eksact_writes() {
    let good = [
        ours(&[WEB]),
        ours(&[WEB, "system:serviceaccount:app:job"]),
        ours(&["system:serviceaccount:app:job-*"]),
        statement(GREEN, "green.example.com", &[WEB]),
    ];
    for statement in good {
        let document = json!({"Version": "2012-10-17", "Statement": [statement]});
        assert_eq!(shared(&document).len(), 1, "{statement}");
    }
    let edited = |path: &str, value: Value| {
        let mut statement = ours(&[WEB]);
        *statement.pointer_mut(path).unwrap() = value;
        statement
    };
    let mut no_subject = ours(&[WEB]);
    no_subject["Condition"]["StringEquals"]
        .as_object_mut()
        .unwrap()
        .remove(&format!("{ISSUER}:sub"));
    let mut more = ours(&[WEB]);
    more["Condition"]["Bool"] = json!({"aws:SecureTransport": "true"});
    let hidden = [
        no_subject,
        more,
        edited("/Principal", json!("*")),
        edited("/Principal", json!({"AWS": "444455556666"})),
        edited(
            "/Principal",
            json!({"Federated": provider(ISSUER), "AWS": "444455556666"}),
        ),
        edited("/Principal/Federated", json!("accounts.google.com")),
        edited("/Principal/Federated", json!(provider("other.example.com"))),
        edited("/Action", json!("sts:*")),
        edited(
            "/Action",
            json!(["sts:AssumeRoleWithWebIdentity", "sts:TagSession"]),
        ),
        edited("/Effect", json!("Deny")),
        edited("/Sid", json!("AllowBlue")),
        ours(&["system:serviceaccount:*:web"]),
        ours(&["*"]),
        ours(&["system:serviceaccount:app:"]),
    ];
    for statement in hidden {
        let document = json!({"Version": "2012-10-17", "Statement": [statement]});
        assert!(shared(&document).is_empty(), "{statement}");
        assert_eq!(without_shared(&document), document);
    }
}

#[test]
fn owner_of_the_rest_keeps_what_is_shared() {
    let own = trust::irsa_trust_policy(
        &provider("own.example.com"),
        "own.example.com",
        "app",
        "web",
        None,
    );
    let theirs = statement(GREEN, "green.example.com", &[WEB]);
    let live = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}, theirs]});
    let repaired = with_shared_of(&own, &live);
    assert_eq!(repaired["Statement"], json!([own["Statement"][0], theirs]));
    assert!(policy::equal(&without_shared(&repaired), &own));
    // Done again, it changes nothing.
    assert_eq!(with_shared_of(&repaired, &repaired), repaired);
}

#[test]
fn length_leaves_white_space_out() {
    let document: Value =
        serde_json::from_str("{ \"Version\" :\n\t\"2012-10-17\" ,\"Statement\": [ ] }").unwrap();
    assert_eq!(
        length(&document),
        r#"{"Version":"2012-10-17","Statement":[]}"#.len()
    );
    assert_eq!(length(&json!("äö")), 4);
}

fn foreign_statement() -> impl Strategy<Value = Value> {
    let sids = prop::option::of(prop::sample::select(vec![
        "",
        "A",
        "EksactReads",
        "Eksactgreen0123456789ab",
    ]));
    let actions = prop::sample::select(vec![
        json!("sts:AssumeRole"),
        json!(["sts:AssumeRole", "sts:TagSession"]),
    ]);
    let principals = prop::sample::select(vec![
        json!("*"),
        json!({"AWS": "444455556666"}),
        json!({"Service": ["ec2.amazonaws.com", "ecs.amazonaws.com"]}),
        json!({"Federated": provider(ISSUER)}),
    ]);
    let conditions = prop::option::of(prop::sample::select(vec![
        json!({"Bool": {"aws:SecureTransport": true}}),
        json!({"StringLike": {format!("{ISSUER}:sub"): "system:serviceaccount:app:*"}}),
    ]));
    (sids, actions, principals, conditions).prop_map(|(sid, action, principal, condition)| {
        let mut statement = json!({"Effect": "Allow"});
        statement["Action"] = action;
        statement["Principal"] = principal;
        if let Some(sid) = sid {
            statement["Sid"] = json!(sid);
        }
        if let Some(condition) = condition {
            statement["Condition"] = condition;
        }
        statement
    })
}

fn foreign_document() -> impl Strategy<Value = Value> {
    (
        prop::collection::vec(foreign_statement(), 1..6),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(statements, version, id)| {
            let mut document = json!({"Statement": statements});
            if let ([_], false) = (statements.as_slice(), version) {
                document["Statement"] = statements[0].clone();
            }
            if version {
                document["Version"] = json!("2012-10-17");
            }
            if id {
                document["Id"] = json!("somebody's");
            }
            document
        })
}

proptest! {
    /// Adding, changing and removing our statement leaves all others equal as JSON and in their order.
    #[test]
    fn other_statements_stay_as_they_are(document in foreign_document(), clusters in prop::sample::subsequence(vec![BLUE, GREEN], 1..=2)) {
        let others = statements(&document).to_vec();
        let mut now = document.clone();
        for cluster in &clusters {
            now = with(&now, &statement(cluster, "x.example.com", &[WEB])).unwrap();
            now = with(&now, &statement(cluster, "x.example.com", &[WEB, "system:serviceaccount:app:job-*"])).unwrap();
            prop_assert_eq!(&statements(&now)[..others.len()], &others[..]);
        }
        prop_assert_eq!(statements(&now).len(), others.len() + clusters.len());
        let rest = without_shared(&now);
        prop_assert_eq!(statements(&rest), &others[..]);
        for cluster in &clusters {
            now = without(&now, &sid(cluster)).unwrap();
        }
        prop_assert_eq!(statements(&now), &others[..]);
        prop_assert_eq!((now.get("Version"), now.get("Id")), (document.get("Version"), document.get("Id")));
    }
}
