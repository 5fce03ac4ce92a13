//! Who somebody is to a cluster, and why nobody: from STS's identity, the access entries and aws-auth. Pure.

use std::collections::BTreeMap;

use crate::{
    authn::{
        arn::PrincipalKind,
        aws_auth::{AwsAuth, Denied, Identity, MappedBy, Miss, NearMiss, map, near_misses, parse},
    },
    engine::{Finding, Severity},
    ports::access::AccessEntry,
    view::Facts,
};

/// What was found out; what is none could not be.
#[derive(Debug)]
pub(super) struct Known<'a> {
    pub(super) cluster: &'a str,
    pub(super) region: &'a str,
    pub(super) identity: &'a Identity,
    /// The account that the cluster is in.
    pub(super) cluster_account: Option<&'a str>,
    /// `CONFIG_MAP`, `API_AND_CONFIG_MAP` or `API`.
    pub(super) mode: Option<&'a str>,
    pub(super) entries: Option<&'a [AccessEntry]>,
    pub(super) aws_auth: ReadAwsAuth<'a>,
    /// What the server itself says: username and groups, or that it refuses.
    pub(super) server: Option<ServerSays>,
}

/// What was read of the ConfigMap.
#[derive(Clone, Copy, Debug)]
pub(super) enum ReadAwsAuth<'a> {
    /// Its data.
    Data(&'a BTreeMap<String, String>),
    /// There is none.
    Missing,
    /// It could not be read.
    Unknown,
}

/// The answer of the cluster's own API to a token of the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ServerSays {
    /// Username and groups.
    User(String, Vec<String>),
    /// 401.
    Unauthorized,
}

/// Adds what is known, and why it does not let the caller in.
pub(super) fn explain(known: &Known<'_>, facts: &mut Facts) {
    let identity = known.identity;
    facts.add("server sees", &identity.canonical.arn);
    if !identity.session_name.is_empty() {
        facts.add("session name", &identity.session_name);
    }
    facts.add_some("authentication mode", known.mode);
    let reads_entries = known.mode.is_none_or(|mode| mode != "CONFIG_MAP");
    let reads_aws_auth = known.mode.is_none_or(|mode| mode != "API");
    let mut let_in = false;
    let mut unknown = Vec::new();
    if reads_entries {
        match known.entries {
            Some(entries) => let_in = by_entry(known, entries, facts),
            None => unknown.push("access entries"),
        }
    }
    if reads_aws_auth && !let_in {
        match known.aws_auth {
            ReadAwsAuth::Data(data) => let_in = by_aws_auth(known, data, facts),
            ReadAwsAuth::Missing => facts.add("aws-auth", "there is no such ConfigMap"),
            ReadAwsAuth::Unknown => unknown.push("aws-auth"),
        }
    }
    match &known.server {
        Some(ServerSays::User(username, groups)) => {
            let_in = true;
            facts.add("username", username);
            facts.add_list("groups", groups.clone());
            facts.add("server", "lets the caller in");
        }
        Some(ServerSays::Unauthorized) => {
            let_in = false;
            facts.add("server", "refuses the caller (401 Unauthorized)");
        }
        None => {}
    }
    if !unknown.is_empty() {
        facts.add("not checkable", unknown.join(", "));
    }
    if !let_in && (unknown.is_empty() || known.server == Some(ServerSays::Unauthorized)) {
        not_mapped(known, reads_aws_auth, facts);
    }
}

/// Whether an access entry lets the identity in. Its ARN may have the role's path, which STS does not tell.
fn by_entry(known: &Known<'_>, entries: &[AccessEntry], facts: &mut Facts) -> bool {
    let wanted = without_path(&known.identity.canonical.arn);
    let found = entries
        .iter()
        .find(|entry| without_path(&entry.principal_arn) == wanted);
    let Some(entry) = found else {
        facts.add("access entry", "none for this principal");
        return false;
    };
    facts.add("access entry", &entry.principal_arn);
    expected(known, &entry.username, &entry.groups, facts);
    facts.add_list(
        "access policies",
        entry.policies.iter().map(|policy| policy.arn.clone()).collect(),
    );
    true
}

/// Name and groups as the mapping promises them, unless the server itself has told.
fn expected(known: &Known<'_>, username: &str, groups: &[String], facts: &mut Facts) {
    if !matches!(known.server, Some(ServerSays::User(..))) {
        facts.add("username", username);
        facts.add_list("groups", groups.to_vec());
    }
}

/// A role's ARN without its path; any other as it is.
fn without_path(arn: &str) -> String {
    match arn.split_once(":role/") {
        Some((head, rest)) => format!("{head}:role/{}", rest.rsplit('/').next().unwrap_or(rest)),
        None => arn.to_owned(),
    }
}

fn by_aws_auth(known: &Known<'_>, data: &BTreeMap<String, String>, facts: &mut Facts) -> bool {
    let aws_auth = parse(data);
    for (section, fault) in aws_auth.dropped() {
        let place = fault
            .line
            .map_or_else(String::new, |line| format!(", line {line}"));
        facts.find(
            Finding::new(
                Severity::Warning,
                "section-dropped",
                format!(
                    "the server reads nothing of {} ({}{place}): everybody in it is locked out",
                    section.as_str(),
                    fault.problem
                ),
            )
            .with_help("Correct the text of that section; `kubectl -n kube-system edit configmap aws-auth`."),
        );
    }
    let misses = near_misses(&aws_auth, known.identity, |section| {
        data.get(section.as_str()).cloned()
    });
    match map(&aws_auth, known.identity) {
        Ok(mapped) => {
            facts.add("aws-auth", place(&aws_auth, mapped.by));
            expected(known, &mapped.username, &mapped.groups, facts);
            for miss in &misses {
                facts.find(near_miss(miss, known, Severity::Warning));
            }
            true
        }
        Err(denied) => {
            facts.add("aws-auth", "no entry lets the caller in");
            for miss in &misses {
                facts.find(near_miss(miss, known, Severity::Error));
            }
            if denied != Denied::NotMapped {
                facts.find(
                    Finding::new(Severity::Error, "entry-dropped", denied.to_string())
                        .with_help("The entry is for nodes, or its username is reserved; give the caller an entry of its own."),
                );
            }
            false
        }
    }
}

fn place(aws_auth: &AwsAuth, by: MappedBy) -> String {
    match by {
        MappedBy::Entry(section, index) => {
            let line = aws_auth
                .mappings(section)
                .get(index)
                .map_or(0, |entry| entry.line);
            format!("{}, line {line}", section.as_str())
        }
        MappedBy::Account(_) => "mapAccounts: the whole account is let in, without groups".to_owned(),
    }
}

/// An entry that was meant for the caller, and why it does not count.
fn near_miss(miss: &NearMiss, known: &Known<'_>, severity: Severity) -> Finding {
    let entry = format!(
        "{}{} has {}",
        miss.section.as_str(),
        miss.line
            .map_or_else(String::new, |line| format!(", line {line},")),
        miss.arn
    );
    let replace = |with: &str| format!("Write {with} there: {}", command(known, with));
    let (code, why, help) = match &miss.why {
        Miss::RolePath { without_path } => (
            "role-arn-with-path",
            "a role's path is not part of what the server compares".to_owned(),
            replace(without_path),
        ),
        Miss::AssumedRole { role } => (
            "session-arn",
            "it is the ARN of a session, and the server compares the role's".to_owned(),
            replace(role),
        ),
        Miss::UserPath { with_path } => (
            "user-path",
            "a user is compared with its path".to_owned(),
            replace(with_path),
        ),
        Miss::OtherAccount { account } => (
            "other-account",
            format!(
                "it is in account {account}, and the caller is in {}",
                known.identity.account
            ),
            "Use credentials of that account, or map the caller's ARN.".to_owned(),
        ),
        Miss::OtherPartition { partition } => (
            "wrong-partition",
            format!("it is in partition {partition}"),
            replace(&known.identity.canonical.arn),
        ),
        Miss::Padding => (
            "not-an-arn",
            "there are blanks or other characters around it, and the server compares them, too".to_owned(),
            replace(&known.identity.canonical.arn),
        ),
        Miss::Overridden { by } => (
            "duplicate-overridden",
            format!(
                "entry {} of the section has the same ARN and counts instead; groups are not joined",
                by + 1
            ),
            "Keep one entry for each ARN, with all its groups.".to_owned(),
        ),
        Miss::Refused { because } => (
            "entry-dropped",
            format!("the server leaves the entry out: {because}"),
            "Correct the entry.".to_owned(),
        ),
        Miss::DroppedSection { fault } => (
            "section-dropped",
            format!("the server drops the whole section: {}", fault.problem),
            "Correct the section's text; nobody in it gets in until then.".to_owned(),
        ),
        Miss::SsoEntry => (
            "sso-entry",
            "entries by permission set (`sso`) are not read on EKS".to_owned(),
            replace(&known.identity.canonical.arn),
        ),
        Miss::EmptyFields { faults } => (
            "wrong-type",
            format!(
                "it matches, but some of its values have the wrong type and count as empty: {}",
                faults
                    .iter()
                    .map(|fault| fault.problem.as_str())
                    .collect::<Vec<_>>()
                    .join("; ")
            ),
            "Put the values in quotes, and groups in a list.".to_owned(),
        ),
    };
    Finding::new(severity, code, format!("{entry}: {why}")).with_help(help)
}

/// Nothing lets the caller in: what would.
fn not_mapped(known: &Known<'_>, reads_aws_auth: bool, facts: &mut Facts) {
    let identity = known.identity;
    if let Some(account) = known
        .cluster_account
        .filter(|account| *account != identity.account)
    {
        facts.find(
            Finding::new(
                Severity::Warning,
                "other-account",
                format!(
                    "the caller is in account {}, and the cluster in {account}",
                    identity.account
                ),
            )
            .with_help("Perhaps other credentials were meant: check --profile, AWS_PROFILE and the keys in the environment."),
        );
    }
    if identity.canonical.kind == PrincipalKind::Root {
        facts.find(Finding::new(
            Severity::Warning,
            "root",
            "the caller is the account's root user, which no access entry can name",
        ));
    }
    let message = if reads_aws_auth {
        format!("nothing lets {} into the cluster", identity.canonical.arn)
    } else {
        format!(
            "no access entry is for {}, and the cluster does not read aws-auth (authentication mode API)",
            identity.canonical.arn
        )
    };
    let help = if reads_aws_auth {
        format!("Somebody who may: {}", command(known, &identity.canonical.arn))
    } else {
        format!(
            "Somebody who may: aws eks create-access-entry --cluster-name {} --region {} --principal-arn {}, and associate an \
             access policy with it.",
            known.cluster, known.region, identity.canonical.arn
        )
    };
    facts.find(Finding::new(Severity::Error, "not-mapped", message).with_help(help));
}

/// The command that maps an ARN.
fn command(known: &Known<'_>, arn: &str) -> String {
    format!(
        "eksact create iamidentitymapping --cluster {} --region {} --arn {arn} --username NAME --group GROUP",
        known.cluster, known.region
    )
}

#[cfg(test)]
mod tests {
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

    fn explained(arn: &str, mode: &str, roles: &str, users: &str, entries: &[AccessEntry]) -> Facts {
        let identity = identity(arn);
        let data: BTreeMap<String, String> = [("mapRoles", roles), ("mapUsers", users)]
            .into_iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|(key, text)| (key.to_owned(), text.to_owned()))
            .collect();
        let known = Known {
            cluster: "prod",
            region: "eu-west-1",
            identity: &identity,
            cluster_account: Some("111122223333"),
            mode: Some(mode),
            entries: Some(entries),
            aws_auth: ReadAwsAuth::Data(&data),
            server: None,
        };
        let mut facts = Facts::default();
        explain(&known, &mut facts);
        facts
    }

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
}
