//! What whoami concludes from what it was told.

mod real_life;

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
        mode: None,
        entries: None,
        aws_auth: ReadAwsAuth::Unknown,
        file: None,
        bindings: None,
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
fn unauthorized_is_named_by_its_cause() {
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
            vec!["section-dropped", "not-mapped"],
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
            .contains("eksact create accessentry")
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
fn token_fault_comes_before_any_mapping() {
    let identity = identity(ROLE);
    let mapped = data(&[("mapRoles", ADMIN)]);
    let clock = [Finding::new(Severity::Error, Code::Clock, "the clock is off")];
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
fn refusal_of_who_is_mapped_asks_for_no_other_mapping() {
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
            "recreated",
        ),
    ] {
        let facts = told(&known);
        assert_eq!(codes(&facts), ["refused-though-mapped"]);
        assert!(facts.has_errors());
        let text = text(&facts);
        assert!(
            text.contains(says) && !text.contains("create accessentry"),
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
    assert!(text(&facts).contains("whether an access entry does cannot be checked"));
    assert_eq!(
        codes(&told(&nothing_known(&identity))),
        [""; 0],
        "nothing is known"
    );
}

#[test]
fn misspelt_section_and_a_missing_cluster_are_named() {
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
fn access_entry_is_made_with_the_path_that_iam_tells() {
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

fn entry(arn: &str, groups: &[&str]) -> AccessEntry {
    AccessEntry {
        principal_arn: arn.to_owned(),
        username: "entry".to_owned(),
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        entry_type: "STANDARD".to_owned(),
        ..AccessEntry::default()
    }
}

#[test]
fn access_entry_that_gives_nothing_or_shadows_a_mapping_is_a_finding() {
    let identity = identity(ROLE);
    let mapped = data(&[("mapRoles", ADMIN)]);
    let entries = [entry("arn:aws:iam::111122223333:role/team/Admin", &["readers"])];
    let known = Known {
        mode: Some("API_AND_CONFIG_MAP"),
        entries: Some(&entries),
        aws_auth: ReadAwsAuth::Data(&mapped),
        bindings: Some(&[]),
        ..nothing_known(&identity)
    };
    let facts = told(&known);
    assert_eq!(codes(&facts), ["entry-gives-nothing", "shadowed-by-access-entry"]);
    assert!(!facts.has_errors());
    let told_text = text(&facts);
    for says in [
        "mapRoles, line 1: admin in ops",
        "eksact delete accessentry --cluster prod --region eu-west-1 --principal-arn arn:aws:iam::111122223333:role/team/Admin",
        "eksact update accessentry --cluster prod --region eu-west-1 --principal-arn arn:aws:iam::111122223333:role/team/Admin --access-policy AmazonEKSViewPolicy",
        "no binding names the user entry or the group readers",
    ] {
        assert!(told_text.contains(says), "{says} is missing in {told_text}");
    }
    // The same name and groups: nobody sees a difference.
    let same = [AccessEntry {
        username: "admin".to_owned(),
        ..entry("arn:aws:iam::111122223333:role/team/Admin", &["ops"])
    }];
    let known = Known {
        entries: Some(&same),
        bindings: None,
        ..refused_like(&known)
    };
    assert_eq!(codes(&told(&known)), [""; 0]);
    assert_eq!(told(&known).json()["notCheckable"], "bindings");
}

#[test]
fn access_entries_that_nearly_match_are_named() {
    let sso = "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_View_0123456789abcdef/nina";
    for (arn, written, code) in [
        (ROLE, "arn:aws:iam::111122223333:user/Admin", Some("other-kind")),
        (
            ROLE,
            "arn:aws:iam::999900001111:role/team/Admin",
            Some("other-account"),
        ),
        (
            sso,
            "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_View_fedcba9876543210",
            Some("other-sso-role"),
        ),
        (ROLE, "arn:aws:iam::111122223333:role/Other", None),
        (ROLE, "arn:aws:iam::111122223333:user/nina", None),
    ] {
        let identity = identity(arn);
        let entries = [entry(written, &[])];
        let facts = told(&Known {
            mode: Some("API"),
            entries: Some(&entries),
            ..nothing_known(&identity)
        });
        let expected: Vec<&str> = code.into_iter().chain(["not-mapped"]).collect();
        assert_eq!(codes(&facts), expected, "{written}");
    }
}

#[test]
fn mapping_that_no_binding_names_is_a_finding_and_bindings_are_shown() {
    use crate::ports::kubernetes::Subject;
    let identity = identity(ROLE);
    let mapped = data(&[("mapRoles", ADMIN)]);
    let known = Known {
        mode: Some("CONFIG_MAP"),
        aws_auth: ReadAwsAuth::Data(&mapped),
        bindings: Some(&[]),
        ..nothing_known(&identity)
    };
    assert_eq!(codes(&told(&known)), ["mapping-gives-nothing"]);
    let bindings = [RbacBinding {
        name: "ops-view".to_owned(),
        role_kind: "ClusterRole".to_owned(),
        role_name: "view".to_owned(),
        subjects: vec![Subject {
            kind: "Group".to_owned(),
            name: "ops".to_owned(),
            namespace: None,
        }],
        ..RbacBinding::default()
    }];
    let facts = told(&Known {
        bindings: Some(&bindings),
        ..refused_like(&known)
    });
    assert_eq!(codes(&facts), [""; 0]);
    assert_eq!(
        facts.json()["bindings"],
        serde_json::json!(["ClusterRoleBinding ops-view (ClusterRole view)"])
    );
}
