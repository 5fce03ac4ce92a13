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

/// Callers as they come, each with the aws-auth that somebody wrote for it: what is said, and what the help names.
#[test]
fn callers_of_real_life_are_told_the_entry_that_nearly_matches() {
    const A: &str = "111122223333";
    const SSO: &str = "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_AdministratorAccess_0123456789abcdef/nina@example.com";
    let role = |arn: &str| {
        (
            "mapRoles",
            format!("- rolearn: {arn}\n  username: admin\n  groups: [ops]\n"),
        )
    };
    let user = |arn: &str| {
        (
            "mapUsers",
            format!("- userarn: {arn}\n  username: ann\n  groups: [dev]\n"),
        )
    };
    let iam = |resource: &str| format!("arn:aws:iam::{A}:{resource}");
    let dev = "arn:aws:sts::111122223333:assumed-role/dev/nina@example.com".to_owned();
    let node = format!("arn:aws:sts::{A}:assumed-role/node/i-0123456789abcdef0");
    let ann = iam("user/ann");
    let (eng, root) = (iam("user/eng/ann"), iam("root"));
    let create = "eksact create iamidentitymapping --cluster prod --region eu-west-1 --arn";
    let table: Vec<(&str, Vec<(&str, String)>, &[&str], String)> = vec![
        (
            &dev,
            vec![role(&iam("role/dev"))],
            &[],
            "mapRoles, line 1".to_owned(),
        ),
        (
            &dev,
            vec![role(&iam("role/DEV"))],
            &[],
            "mapRoles, line 1".to_owned(),
        ),
        (
            &node,
            vec![role(&iam("role/node"))],
            &[],
            "mapRoles, line 1".to_owned(),
        ),
        (
            &ann,
            vec![user(&iam("user/ann"))],
            &[],
            "mapUsers, line 1".to_owned(),
        ),
        // A user has no session: the name for one would be empty.
        (
            &ann,
            vec![(
                "mapRoles",
                format!(
                    "- rolearn: {}\n  username: dev:{{{{SessionName}}}}\n  groups: [ops]\n",
                    iam("role/ann")
                ),
            )],
            &["other-kind", "not-mapped"],
            format!("{create} {ann} --username dev:ann --group ops"),
        ),
        // The other section.
        (
            &ann,
            vec![role(&iam("user/ann"))],
            &["user-in-map-roles"],
            "Move it to mapUsers, as `userarn`".to_owned(),
        ),
        (
            &dev,
            vec![user(&iam("role/dev"))],
            &["role-in-map-users"],
            "Move it to mapRoles, as `rolearn`".to_owned(),
        ),
        (
            &ann,
            vec![("mapRoles", format!("- userarn: {ann}\n  username: ann\n"))],
            &["entry-dropped", "not-mapped"],
            "it is under `userarn`, which the server does not read there".to_owned(),
        ),
        // IAM Identity Center.
        (
            SSO,
            vec![role(&iam(
                "role/AWSReservedSSO_AdministratorAccess_fedcba9876543210",
            ))],
            &["other-sso-role", "not-mapped"],
            format!(
                "{create} {} --username admin --group ops",
                iam("role/AWSReservedSSO_AdministratorAccess_0123456789abcdef")
            ),
        ),
        (
            SSO,
            vec![role(&iam("role/AWSReservedSSO_AdministratorAccess_*"))],
            &["wildcard-in-arn", "not-mapped"],
            "it has a wildcard that would match, and the server does not support wildcards".to_owned(),
        ),
        (
            SSO,
            vec![role(&iam(
                "role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_AdministratorAccess_0123456789abcdef",
            ))],
            &["role-arn-with-path", "not-mapped"],
            "Then remove this one: `eksact delete iamidentitymapping".to_owned(),
        ),
        (
            SSO,
            vec![role(&iam("role/AdministratorAccess"))],
            &["permission-set-name", "not-mapped"],
            "the permission set AdministratorAccess".to_owned(),
        ),
        (
            SSO,
            vec![(
                "mapRoles",
                format!(
                    "- sso: {{permissionSetName: AdministratorAccess, accountID: '{A}'}}\n  username: admin\n"
                ),
            )],
            &["sso-entry", "not-mapped"],
            format!(
                "{create} {} --username admin`",
                iam("role/AWSReservedSSO_AdministratorAccess_0123456789abcdef")
            ),
        ),
        // A user of that name, and the reverse.
        (
            &dev,
            vec![user(&iam("user/dev"))],
            &["other-kind", "not-mapped"],
            "it is a user, and the caller is a role".to_owned(),
        ),
        (
            &ann,
            vec![role(&iam("role/ann"))],
            &["other-kind", "not-mapped"],
            "it is a role, and the caller is a user".to_owned(),
        ),
        (
            &dev,
            vec![role(&iam("instance-profile/dev"))],
            &["other-kind", "not-mapped"],
            "instance-profile, and the caller is a role".to_owned(),
        ),
        (
            &dev,
            vec![user(&iam("user/nina@example.com"))],
            &["session-name", "not-mapped"],
            "the caller's session has this name (nina@example.com), and the server compares the role"
                .to_owned(),
        ),
        // Forms of the ARN.
        (
            &dev,
            vec![role(&dev)],
            &["session-arn", "not-mapped"],
            "the server compares the role's".to_owned(),
        ),
        (
            &dev,
            vec![role("dev")],
            &["not-an-arn", "not-mapped"],
            "it is not in the form of an IAM ARN".to_owned(),
        ),
        (
            &dev,
            vec![role(&format!("\"{} \"", iam("role/dev")))],
            &["not-an-arn", "not-mapped"],
            format!("`{} `", iam("role/dev")),
        ),
        (
            &dev,
            vec![role(&format!("\"{}\"", iam("role/dev\u{200b}")))],
            &["not-an-arn", "not-mapped"],
            "U+200B".to_owned(),
        ),
        (
            &eng,
            vec![user(&ann)],
            &["user-path", "not-mapped"],
            format!("the caller is {}", iam("user/eng/ann")),
        ),
        (
            &dev,
            vec![role("arn:aws-cn:iam::111122223333:role/dev")],
            &["wrong-partition", "not-mapped"],
            "it is in partition aws-cn".to_owned(),
        ),
        (
            &dev,
            vec![role("arn:aws:iam::999900001111:role/dev")],
            &["other-account", "not-mapped"],
            "Use credentials of that account".to_owned(),
        ),
        (
            &dev,
            vec![role(&iam("root"))],
            &["root-arn", "not-mapped"],
            format!("--account {A}"),
        ),
        // The whole ConfigMap.
        (
            &dev,
            vec![("maproles", role(&iam("role/dev")).1)],
            &["section-misspelt", "not-mapped"],
            "maproles, line 1, has".to_owned(),
        ),
        (
            &dev,
            vec![(
                "mapRoles",
                format!("{}  groups: {{{{x}}}}\n", role(&iam("role/dev")).1),
            )],
            &["section-dropped", "not-mapped"],
            "mapRoles, line 1, has".to_owned(),
        ),
        (
            &dev,
            vec![("mapAccounts", format!("- '{A}'\n"))],
            &["mapped-by-account"],
            "let in with everyone in its account".to_owned(),
        ),
        (
            &dev,
            vec![("mapAccounts", format!("- '{A}'\n")), role(&iam("role/team/dev"))],
            &["role-arn-with-path", "mapped-by-account"],
            "a role's path is not part of what the server compares".to_owned(),
        ),
        (
            &dev,
            vec![("mapAccounts", "- 1111-2222-3333\n".to_owned())],
            &["bad-account", "not-mapped"],
            format!("--account {A}"),
        ),
        (
            &dev,
            vec![(
                "mapRoles",
                format!(
                    "{}{}",
                    role(&iam("role/dev")).1,
                    role(&iam("role/Dev")).1.replace("ops", "readers")
                ),
            )],
            &["duplicate-overridden"],
            "--username admin --group 'readers,ops'".to_owned(),
        ),
        (
            &dev,
            vec![(
                "mapRoles",
                role(&iam("role/dev"))
                    .1
                    .replace("admin", "\"system:node:{{EC2PrivateDNSName}}\""),
            )],
            &["entry-dropped", "not-mapped"],
            "SessionName did not contain an instance id".to_owned(),
        ),
        // Nobody maps the root user.
        (
            &root,
            vec![],
            &["root", "not-mapped"],
            "must sign in as a user or role of IAM".to_owned(),
        ),
    ];
    assert!(table.len() >= 25);
    for (arn, sections, expected, says) in table {
        let (_, session) = arn.rsplit_once('/').unwrap_or_default();
        let user_id = if arn.contains("assumed-role") {
            format!("AROAX:{session}")
        } else {
            "AIDAX".to_owned()
        };
        let identity = Identity::from_caller(arn, A, &user_id, "ASIAX").unwrap();
        let data: BTreeMap<String, String> = sections
            .iter()
            .map(|(key, text)| ((*key).to_owned(), text.clone()))
            .collect();
        let facts = told(&Known {
            mode: Some("CONFIG_MAP"),
            aws_auth: ReadAwsAuth::Data(&data),
            ..nothing_known(&identity)
        });
        assert_eq!(codes(&facts), expected, "{arn} and {data:?}");
        assert_eq!(
            facts.has_errors(),
            expected.contains(&"not-mapped"),
            "{arn} and {data:?}"
        );
        let text = text(&facts);
        assert!(
            text.contains(&says),
            "{arn} and {data:?}: {says} is missing in {text}"
        );
        if arn.ends_with(":root") {
            assert!(!text.contains("--arn"), "create refuses the root user: {text}");
        }
    }
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
