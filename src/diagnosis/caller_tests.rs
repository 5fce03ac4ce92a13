//! What whoami concludes from what it was told.

use std::collections::BTreeMap;

use super::*;

fn codes(facts: &Facts) -> Vec<&str> {
    facts
        .findings()
        .iter()
        .map(|finding| finding.code.as_str())
        .collect()
}

const ROLE: &str = "arn:aws:sts::111122223333:assumed-role/Admin/nina";

fn identity(arn: &str) -> Identity {
    let user_id = if arn.contains("assumed-role") {
        "AROAX:nina"
    } else {
        "AIDAX"
    };
    let account = arn.split(':').nth(4).unwrap();
    Identity::from_caller(arn, account, user_id, "ASIAX").unwrap()
}

/// What is known of the caller where nothing of the cluster is.
fn nothing_known(identity: &Identity) -> Known<'_> {
    Known {
        cluster: "prod",
        region: "eu-west-1",
        identity,
        is_missing: false,
        cluster_account: Some("111122223333"),
        mode: None,
        entries: None,
        aws_auth: ReadAwsAuth::Unknown,
        server: None,
        token_faults: None,
        role_arn: None,
    }
}

fn explained(arn: &str, mode: &str, roles: &str, users: &str, entries: &[AccessEntry]) -> Facts {
    let identity = identity(arn);
    let data = data(&[("mapRoles", roles), ("mapUsers", users)]);
    told(&Known {
        mode: Some(mode),
        entries: Some(entries),
        aws_auth: ReadAwsAuth::Data(&data),
        ..nothing_known(&identity)
    })
}

fn data(sections: &[(&str, &str)]) -> BTreeMap<String, String> {
    sections
        .iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(key, text)| ((*key).to_owned(), (*text).to_owned()))
        .collect()
}

fn told(known: &Known<'_>) -> Facts {
    let mut facts = Facts::default();
    explain(known, &mut facts);
    facts
}

fn text(facts: &Facts) -> String {
    facts.human(crate::view::Style::plain(1000))
}

const ADMIN: &str = "- rolearn: arn:aws:iam::111122223333:role/Admin\n  username: admin\n  groups: [ops]\n";

/// The causes that whoami names, each with the entry that somebody has written.
#[test]
fn each_cause_of_unauthorized_is_named() {
    let role = |arn: &str| format!("- rolearn: {arn}\n  username: admin\n  groups: [system:masters]\n");
    let user = |arn: &str| format!("- userarn: {arn}\n  username: alice\n  groups: [dev]\n");
    let alice = "arn:aws:iam::111122223333:user/eng/alice";
    let cases = [
        (ROLE, String::new(), String::new(), vec!["not-mapped"]),
        (
            ROLE,
            role("arn:aws:iam::111122223333:role/team/Admin"),
            String::new(),
            vec!["role-arn-with-path", "not-mapped"],
        ),
        (ROLE, role(ROLE), String::new(), vec!["session-arn", "not-mapped"]),
        (
            ROLE,
            role("arn:aws:iam::999900001111:role/Admin"),
            String::new(),
            vec!["other-account", "not-mapped"],
        ),
        (
            alice,
            String::new(),
            user("arn:aws:iam::111122223333:user/alice"),
            vec!["user-path", "not-mapped"],
        ),
        (
            ROLE,
            "- rolearn: arn:aws:iam::111122223333:role/Admin\n\tusername: admin\n".to_owned(),
            String::new(),
            vec!["section-dropped", "section-dropped", "not-mapped"],
        ),
    ];
    for (arn, roles, users, expected) in cases {
        let facts = explained(arn, "CONFIG_MAP", &roles, &users, &[]);
        assert_eq!(codes(&facts), expected, "{roles}{users}");
        assert!(facts.has_errors());
    }
}

#[test]
fn who_is_mapped_gets_name_and_groups_and_no_error() {
    let roles = "- rolearn: arn:aws:iam::111122223333:role/Admin\n  username: admin:{{SessionName}}\n  groups: [ops]\n";
    let facts = explained(ROLE, "CONFIG_MAP", roles, "", &[]);
    assert_eq!(facts.json()["username"], "admin:nina");
    assert_eq!(facts.json()["groups"], serde_json::json!(["ops"]));
    assert!(!facts.has_errors());
}

#[test]
fn in_mode_api_only_entries_count_and_their_paths_do_not() {
    let roles = "- rolearn: arn:aws:iam::111122223333:role/Admin\n  username: admin\n  groups: [ops]\n";
    let facts = explained(ROLE, "API", roles, "", &[]);
    assert_eq!(codes(&facts), ["not-mapped"]);
    assert!(
        facts
            .human(crate::view::Style::plain(200))
            .contains("create-access-entry")
    );
    let entry = AccessEntry {
        principal_arn: "arn:aws:iam::111122223333:role/team/Admin".to_owned(),
        username: "team-admin".to_owned(),
        ..AccessEntry::default()
    };
    let facts = explained(ROLE, "API", roles, "", &[entry]);
    assert_eq!(facts.json()["username"], "team-admin");
    assert!(!facts.has_errors());
}

#[test]
fn what_is_wrong_with_the_token_comes_before_any_mapping() {
    let identity = identity(ROLE);
    let mapped = data(&[("mapRoles", ADMIN)]);
    let clock = [Finding::new(Severity::Error, "clock", "the clock is off")];
    let known = Known {
        mode: Some("CONFIG_MAP"),
        aws_auth: ReadAwsAuth::Data(&mapped),
        server: Some(ServerSays::Unauthorized),
        token_faults: Some(&clock),
        ..nothing_known(&identity)
    };
    let facts = told(&known);
    assert_eq!(codes(&facts), ["clock"]);
    assert!(
        !text(&facts).contains("create iamidentitymapping"),
        "{}",
        text(&facts)
    );
}

#[test]
fn a_refusal_of_who_is_mapped_asks_for_no_other_mapping() {
    let identity = identity(ROLE);
    let mapped = data(&[("mapRoles", ADMIN)]);
    let entry = [AccessEntry {
        principal_arn: "arn:aws:iam::111122223333:role/team/Admin".to_owned(),
        ..AccessEntry::default()
    }];
    let refused = Known {
        server: Some(ServerSays::Unauthorized),
        token_faults: Some(&[]),
        ..nothing_known(&identity)
    };
    for (known, says) in [
        (
            Known {
                mode: Some("CONFIG_MAP"),
                aws_auth: ReadAwsAuth::Data(&mapped),
                ..refused_like(&refused)
            },
            "mapRoles, line 1",
        ),
        (
            Known {
                mode: Some("API"),
                entries: Some(&entry),
                ..refused_like(&refused)
            },
            "made again",
        ),
    ] {
        let facts = told(&known);
        assert_eq!(codes(&facts), ["refused-though-mapped"]);
        assert!(facts.has_errors());
        let text = text(&facts);
        assert!(
            text.contains(says) && !text.contains("create-access-entry"),
            "{text}"
        );
        assert!(!text.contains("create iamidentitymapping"), "{text}");
    }
    // What was not read is not said to map nobody.
    let unread = Known {
        mode: Some("API_AND_CONFIG_MAP"),
        entries: Some(&[]),
        ..refused_like(&refused)
    };
    let facts = told(&unread);
    assert_eq!(codes(&facts), ["refused"]);
    let text = text(&facts);
    assert!(text.contains("--aws-auth") && !text.contains("create "), "{text}");
}

fn refused_like<'a>(known: &Known<'a>) -> Known<'a> {
    Known {
        server: known.server.clone(),
        ..*known
    }
}

#[test]
fn aws_auth_that_lets_nobody_in_is_told_where_entries_are_unknown() {
    let identity = identity(ROLE);
    let empty = data(&[("mapRoles", "[]")]);
    let known = Known {
        aws_auth: ReadAwsAuth::Data(&empty),
        ..nothing_known(&identity)
    };
    let facts = told(&known);
    assert_eq!(codes(&facts), ["not-mapped"]);
    assert!(text(&facts).contains("whether an access entry does is not checkable"));
    assert_eq!(
        codes(&told(&nothing_known(&identity))),
        [""; 0],
        "nothing is known"
    );
}

#[test]
fn a_misspelt_section_and_a_missing_cluster_are_named() {
    let identity = identity(ROLE);
    let misspelt = data(&[("maproles", ADMIN)]);
    let known = Known {
        mode: Some("CONFIG_MAP"),
        aws_auth: ReadAwsAuth::Data(&misspelt),
        ..nothing_known(&identity)
    };
    assert_eq!(codes(&told(&known)), ["section-misspelt", "not-mapped"]);
    let missing = Known {
        is_missing: true,
        aws_auth: ReadAwsAuth::Data(&misspelt),
        ..nothing_known(&identity)
    };
    let facts = told(&missing);
    assert_eq!(codes(&facts), ["cluster-missing"]);
    assert!(text(&facts).contains("account 111122223333 and region eu-west-1"));
}

#[test]
fn an_access_entry_is_made_with_the_path_that_iam_tells() {
    let identity = identity(ROLE);
    let unknown = Known {
        mode: Some("API"),
        entries: Some(&[]),
        ..nothing_known(&identity)
    };
    let asked = text(&told(&unknown));
    assert!(asked.contains("aws iam get-role --role-name Admin"), "{asked}");
    let known = Known {
        role_arn: Some("arn:aws:iam::111122223333:role/team/Admin"),
        ..refused_like(&unknown)
    };
    let exact = text(&told(&known));
    assert!(
        exact.contains("--principal-arn arn:aws:iam::111122223333:role/team/Admin"),
        "{exact}"
    );
    assert!(!exact.contains("get-role"), "{exact}");
}
