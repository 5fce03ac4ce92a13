//! Two users for two roles, what stays of an entry, and that a second run finds nothing to do.

use super::*;
use crate::kubeconfig::{
    entries::Entry,
    exec_entry::{ExecApiVersion, ExecTool},
    naming::NamingStyle,
};

const ARN: &str = "arn:aws:eks:us-west-2:111122223333:cluster/bench";
const ROLE: &str = "arn:aws:iam::111122223333:role/deployer";

pub(in crate::kubeconfig) fn wanted(
    role: Option<&str>,
    profile: Option<&str>,
    alias: Option<&str>,
) -> Wanted {
    let sign_in = SignIn {
        cluster: "bench".to_owned(),
        region: Some("us-west-2".to_owned()),
        role_arn: role.map(str::to_owned),
        profile: profile.map(str::to_owned),
    };
    Wanted {
        names: Names::new(&NamingStyle::ClusterArn, ARN, &sign_in, alias, None),
        server: "https://bench.example".to_owned(),
        certificate_authority_data: Some("Q0EK".to_owned()),
        proxy_url: None,
        namespace: None,
        exec: ExecEntry::new(
            ExecTool::Eksact,
            "/bin/eksact".to_owned(),
            &sign_in,
            ExecApiVersion::V1,
        ),
        sign_in,
        set_current: true,
        force: false,
    }
}

fn entry(name: &str, body: Value) -> Entry {
    Entry {
        name: Some(name.to_owned()),
        body,
        line: 1,
        column: 1,
    }
}

fn texts<const N: usize>(pairs: [(&str, &str); N]) -> Value {
    Value::map(pairs.map(|(key, value)| (key, Value::text(value))))
}

/// What a run leaves behind, as the next one finds it.
fn after(file: &Entries, merge: &Merge) -> Entries {
    let mut file = file.clone();
    for (section, compared) in [
        (Section::Clusters, &merge.cluster),
        (Section::Contexts, &merge.context),
        (Section::Users, &merge.user),
    ] {
        let found = file.find(section, &compared.name).map(|(index, _)| index);
        let list = match section {
            Section::Clusters => &mut file.clusters,
            Section::Contexts => &mut file.contexts,
            Section::Users => &mut file.users,
        };
        let new = entry(&compared.name, compared.after.clone());
        match found {
            Some(index) => list[index] = new,
            None => list.push(new),
        }
    }
    file.current_context = Some(merge.context.name.clone());
    file
}

fn aws_cli_user(role: Option<&str>, profile: Option<&str>) -> Value {
    let mut arguments: Vec<String> = "--region us-west-2 eks get-token --cluster-name bench --output json"
        .split(' ')
        .map(str::to_owned)
        .collect();
    if let Some(role) = role {
        arguments.extend(["--role".to_owned(), role.to_owned()]);
    }
    let mut exec = vec![
        ("apiVersion", Value::text("client.authentication.k8s.io/v1beta1")),
        ("args", Value::texts(&arguments)),
        ("command", Value::text("aws")),
    ];
    if let Some(profile) = profile {
        exec.push((
            "env",
            Value::List(vec![texts([("name", "AWS_PROFILE"), ("value", profile)])]),
        ));
    }
    Value::map([("exec", Value::map(exec))])
}

#[test]
fn second_run_has_nothing_to_do() {
    for wanted in [
        wanted(None, None, None),
        wanted(Some(ROLE), Some("dev"), Some("prod")),
    ] {
        let first = merge(&Entries::default(), &wanted).unwrap();
        assert_eq!(first.edits.len(), 4);
        let again = merge(&after(&Entries::default(), &first), &wanted).unwrap();
        assert_eq!(again.edits, []);
        assert_eq!(again.displaced_by, None);
    }
}

#[test]
fn roles_make_a_user_each_and_leave_the_first_context_alone() {
    let first = merge(&Entries::default(), &wanted(None, None, None)).unwrap();
    let file = after(&Entries::default(), &first);
    let second = wanted(Some(ROLE), None, Some("second"));
    let merged = merge(&file, &second).unwrap();
    assert_eq!(merged.user.name, format!("{ARN}@deployer"));
    assert_eq!(merged.displaced_by.as_deref(), Some(ARN));
    assert_eq!(
        merged.context.after.text_at(&["user"]),
        Some(merged.user.name.as_str())
    );
    let file = after(&file, &merged);
    assert_eq!(file.users[0].body, first.user.after);
    assert_eq!(file.contexts[0].body, first.context.after);
    assert_eq!(
        merge(&file, &second).unwrap().edits,
        [],
        "run again, it finds its own"
    );
    // On demand the one user is replaced, as the AWS CLI would; who is changed by that is told.
    let mut forced = wanted(Some(ROLE), None, None);
    forced.force = true;
    let mut used = file.clone();
    used.contexts
        .push(entry("by-hand", texts([("cluster", ARN), ("user", ARN)])));
    let merged = merge(&used, &forced).unwrap();
    assert_eq!(merged.user.name, ARN);
    assert_eq!(merged.replaced_under, ["by-hand"]);
    assert_eq!(
        sign_in_of(&merged.user.after),
        Some(wanted(Some(ROLE), None, None).sign_in)
    );
}

/// A file with the context `adm` of this cluster, whose user signs in with a role and is named after the cluster.
fn file_of_an_admin() -> Entries {
    let admin = merge(&Entries::default(), &wanted(Some(ROLE), None, Some("adm"))).unwrap();
    after(&Entries::default(), &admin)
}

#[test]
fn context_is_not_taken_from_its_user_unasked() {
    let file = file_of_an_admin();
    let mut reader = wanted(None, None, Some("adm"));
    assert_eq!(
        merge(&file, &reader).unwrap_err().to_string(),
        format!("the context adm already exists, and its user {ARN} signs in differently")
    );
    // A user who signs in nobody knows how.
    let mut by_hand = file.clone();
    by_hand
        .users
        .push(entry("breakglass", texts([("token", "static")])));
    by_hand.contexts[0].body.put(&["user"], Value::text("breakglass"));
    assert!(matches!(
        merge(&by_hand, &wanted(Some(ROLE), None, Some("adm"))),
        Err(Taken::ContextOfUser { user, .. }) if user == "breakglass"
    ));
    reader.force = true;
    let forced = merge(&by_hand, &reader).unwrap();
    assert_eq!(
        forced.context.before.as_ref().unwrap().text_at(&["user"]),
        Some("breakglass")
    );
    assert_eq!(merge(&after(&by_hand, &forced), &reader).unwrap().edits, []);
}

#[test]
fn force_for_an_alias_changes_no_other_contexts_user() {
    let mut file = file_of_an_admin();
    file.contexts.push(entry(
        "prod",
        texts([("cluster", "minikube"), ("user", "minikube")]),
    ));
    let mut wanted = wanted(None, None, Some("prod"));
    wanted.force = true;
    let merged = merge(&file, &wanted).unwrap();
    assert_eq!(merged.user.name, format!("{ARN}-2"), "adm signs in as before");
    assert_eq!(merged.replaced_under, [""; 0]);
    assert_eq!(merge(&after(&file, &merged), &wanted).unwrap().edits, []);
}

#[test]
fn user_that_is_replaced_keeps_what_does_not_sign_in() {
    let mut file = file_of_an_admin();
    file.users[0].body.put(
        &["exec", "env"],
        Value::List(vec![
            texts([("name", "AWS_PROFILE"), ("value", "old")]),
            texts([("name", "HTTPS_PROXY"), ("value", "http://proxy")]),
        ]),
    );
    let mut wanted = wanted(None, Some("dev"), None);
    wanted.force = true;
    let merged = merge(&file, &wanted).unwrap();
    assert_eq!(
        exec_of(&merged.user.after).unwrap().environment,
        [("HTTPS_PROXY".to_owned(), "http://proxy".to_owned())]
    );
    assert_eq!(sign_in_of(&merged.user.after), Some(wanted.sign_in));
}

#[test]
fn name_without_an_account_does_not_turn_another_accounts_entry() {
    let mut wanted = wanted(None, None, None);
    wanted.names = Names::new(
        &NamingStyle::Eksctl {
            caller_arn: "arn:aws:iam::111122223333:user/nina".to_owned(),
            cluster: "bench".to_owned(),
        },
        ARN,
        &wanted.sign_in,
        None,
        None,
    );
    let first = merge(&Entries::default(), &wanted).unwrap();
    let file = after(&Entries::default(), &first);
    assert_eq!(merge(&file, &wanted).unwrap().edits, []);
    wanted.server = "https://other-account.example".to_owned();
    assert_eq!(
        merge(&file, &wanted).unwrap_err().to_string(),
        "the cluster bench.us-west-2.eksctl.io already exists, and is a different one: its server is \
         https://bench.example"
    );
    wanted.force = true;
    assert!(merge(&file, &wanted).unwrap().cluster.differs());
}

#[test]
fn authority_is_not_written_where_the_check_of_certificates_is_off() {
    for (value, is_insecure) in [
        ("true", true),
        ("yes", true),
        ("on", true),
        ("True", true),
        ("no", false),
    ] {
        let body = Value::map([("insecure-skip-tls-verify", Value::Other(value.to_owned()))]);
        let file = Entries {
            clusters: vec![entry(ARN, body)],
            ..Entries::default()
        };
        let merged = merge(&file, &wanted(None, None, None)).unwrap();
        assert_eq!(merged.is_insecure, is_insecure, "{value}");
        let has_authority = merged.cluster.after.get("certificate-authority-data").is_some();
        assert_eq!(has_authority, !is_insecure, "{value}");
    }
}

#[test]
fn aws_clis_user_is_taken_over_only_for_the_same_role_and_profile() {
    let mut user = aws_cli_user(Some(ROLE), Some("dev"));
    user.put(
        &["exec", "env"],
        Value::List(vec![
            texts([("name", "AWS_PROFILE"), ("value", "dev")]),
            texts([("name", "HTTPS_PROXY"), ("value", "http://proxy")]),
        ]),
    );
    let file = Entries {
        users: vec![entry(ARN, user)],
        ..Entries::default()
    };
    let taken = merge(&file, &wanted(Some(ROLE), Some("dev"), None)).unwrap();
    assert_eq!(taken.user.name, ARN);
    assert_eq!(taken.taken_over, <[&str; 0]>::default());
    // Other contexts use it as well, and are told of.
    let shared = Entries {
        contexts: vec![entry("cli", texts([("cluster", ARN), ("user", ARN)]))],
        ..file.clone()
    };
    let mine = wanted(Some(ROLE), Some("dev"), Some("mine"));
    let merged = merge(&shared, &mine).unwrap();
    assert_eq!(merged.taken_over, ["cli"]);
    assert_eq!(
        merge(&after(&shared, &merged), &mine).unwrap().taken_over,
        <[&str; 0]>::default()
    );
    let exec = exec_of(&taken.user.after).unwrap();
    assert_eq!(exec.command, "/bin/eksact");
    assert_eq!(
        exec.environment,
        [("HTTPS_PROXY".to_owned(), "http://proxy".to_owned())]
    );
    assert_eq!(
        taken.user.after.text_at(&["exec", "apiVersion"]),
        Some("client.authentication.k8s.io/v1")
    );
    for (role, profile) in [
        (None, Some("dev")),
        (Some(ROLE), None),
        (Some(ROLE), Some("prod")),
    ] {
        let merged = merge(&file, &wanted(role, profile, None)).unwrap();
        assert_ne!(merged.user.name, ARN, "{role:?} {profile:?}");
    }
}

#[test]
fn user_with_other_credentials_is_nobodys_to_take() {
    let mut user = aws_cli_user(None, None);
    user.put(&["token"], Value::text("static"));
    let file = Entries {
        users: vec![entry(ARN, user)],
        ..Entries::default()
    };
    let mut wanted = wanted(None, None, None);
    assert_eq!(merge(&file, &wanted).unwrap().user.name, format!("{ARN}-2"));
    wanted.force = true;
    let forced = merge(&file, &wanted).unwrap();
    assert_eq!(forced.user.after.get("token"), None);
    assert_eq!(sign_in_of(&forced.user.after), Some(wanted.sign_in));
}

#[test]
fn merge_keeps_what_the_user_added() {
    let wanted = wanted(None, None, None);
    let first = merge(&Entries::default(), &wanted).unwrap();
    let mut file = after(&Entries::default(), &first);
    file.clusters[0]
        .body
        .put(&["tls-server-name"], Value::text("kubernetes"));
    file.clusters[0]
        .body
        .put(&["proxy-url"], Value::text("http://proxy"));
    file.contexts[0].body.put(&["namespace"], Value::text("app"));
    file.users[0]
        .body
        .put(&["exec", "interactiveMode"], Value::text("Never"));
    file.users[0].body.put(
        &["exec", "env"],
        Value::List(vec![texts([("name", "A"), ("value", "b")])]),
    );
    assert_eq!(merge(&file, &wanted).unwrap().edits, []);
    let other = Wanted {
        server: "https://new".to_owned(),
        namespace: Some(String::new()),
        ..wanted
    };
    assert_eq!(
        merge(&file, &other).unwrap().edits,
        [
            Edit::Set {
                section: Section::Clusters,
                index: 0,
                path: vec!["cluster", "server"],
                value: Value::text("https://new"),
            },
            Edit::Unset {
                section: Section::Contexts,
                index: 0,
                path: vec!["context", "namespace"],
            },
        ]
    );
}

#[test]
fn alias_of_another_cluster_is_not_taken() {
    let file = Entries {
        contexts: vec![entry(
            "prod",
            texts([("cluster", "minikube"), ("user", "minikube")]),
        )],
        ..Entries::default()
    };
    let mut wanted = wanted(None, None, Some("prod"));
    assert_eq!(
        merge(&file, &wanted).unwrap_err().to_string(),
        "the context prod already exists, for the cluster minikube"
    );
    wanted.force = true;
    assert_eq!(
        merge(&file, &wanted).unwrap().context.after.text_at(&["cluster"]),
        Some(ARN)
    );
}

#[test]
fn entries_without_a_body_are_filled() {
    let file = Entries {
        clusters: vec![entry(ARN, Value::Null)],
        users: vec![entry(ARN, Value::map([("exec", Value::Null)]))],
        ..Entries::default()
    };
    let mut wanted = wanted(None, None, None);
    wanted.force = true;
    let merged = merge(&file, &wanted).unwrap();
    assert!(matches!(&merged.edits[0], Edit::Set { path, .. } if *path == ["cluster"]));
    assert_eq!(
        merged.cluster.after.text_at(&["server"]),
        Some("https://bench.example")
    );
    assert!(
        merged
            .edits
            .iter()
            .any(|edit| matches!(edit, Edit::Set { path, .. } if *path == ["user", "exec"]))
    );
}

#[test]
fn certificate_authority_in_a_file_goes_when_one_is_written() {
    let file = Entries {
        clusters: vec![entry(
            ARN,
            texts([("server", "https://old"), ("certificate-authority", "/ca.pem")]),
        )],
        ..Entries::default()
    };
    let mut wanted = wanted(None, None, None);
    let after = merge(&file, &wanted).unwrap().cluster.after;
    assert_eq!(after.text_at(&["certificate-authority-data"]), Some("Q0EK"));
    assert_eq!(after.get("certificate-authority"), None, "kubectl refuses both");
    wanted.certificate_authority_data = None;
    let after = merge(&file, &wanted).unwrap().cluster.after;
    assert_eq!(after.text_at(&["certificate-authority"]), Some("/ca.pem"));
}
