mod decided;

use super::*;
use crate::ports::{CallError, CallErrorKind};
use eksact_identity::authn::aws_auth::parse;

const ACCOUNT: &str = "111122223333";

/// The principals of the lines exist, roles with a path, unless their names say otherwise.
fn found(aws_auth: &AwsAuth) -> BTreeMap<String, Result<Option<Principal>, CallError>> {
    principals_of(aws_auth, ACCOUNT)
        .iter()
        .map(|query| {
            let written = &query.0;
            let (before, name) = written.rsplit_once('/').unwrap_or((written, ""));
            let exists = |arn: String| {
                Ok(Some(Principal {
                    arn,
                    id: "AROAX".to_owned(),
                    created_at: "2026-01-02T00:00:00Z".parse().unwrap(),
                }))
            };
            let answer = match name {
                "gone" => Ok(None),
                "denied" => Err(CallError::new(
                    "iam",
                    "GetRole",
                    name,
                    CallErrorKind::AccessDenied,
                    "no",
                )),
                "AWSServiceRoleForX" => exists(format!("{before}/aws-service-role/x.amazonaws.com/{name}")),
                _ if name.eq_ignore_ascii_case("ann") => {
                    exists(format!("arn:aws:iam::{ACCOUNT}:user/ops/Ann"))
                }
                "elsewhere" => exists(format!("{before}/other/{name}")),
                _ if before.contains(":role") => exists(format!("{before}/team/{name}")),
                _ => exists(written.clone()),
            };
            (written.clone(), answer)
        })
        .collect()
}

fn fates(sections: &[(&str, &str)], entries: &[AccessEntry], choices: &Choices) -> Vec<Line> {
    let data = sections
        .iter()
        .map(|(key, text)| ((*key).to_owned(), (*text).to_owned()))
        .collect();
    let aws_auth = parse(&data);
    let found = found(&aws_auth);
    lines(
        &Facts {
            aws_auth: &aws_auth,
            entries,
            principals: found.iter().map(|(arn, answer)| (arn.as_str(), answer)).collect(),
            account: ACCOUNT,
            partition: Partition::Aws,
            bridge_group: "eksact:migration:0",
        },
        choices,
    )
}

/// A line of `mapRoles`: its name (of a role of the account), user name and groups.
fn role(name: &str, username: &str, groups: &str) -> String {
    format!(
        "- {{rolearn: 'arn:aws:iam::{ACCOUNT}:role/{name}', username: '{username}', groups: [{groups}]}}\n"
    )
}

fn fate_of(name: &str, username: &str, groups: &str, choices: &Choices) -> Fate {
    let mut lines = fates(&[("mapRoles", &role(name, username, groups))], &[], choices);
    assert_eq!(lines.len(), 1);
    lines.remove(0).fate
}

/// Type, user name, groups, names of policies, verdict; or why not.
fn told(fate: &Fate) -> String {
    match fate {
        Fate::Entry(entry) => format!(
            "{} {} {} [{}] [{}] {}",
            entry.principal_arn.rsplit(':').next().unwrap(),
            entry.entry_type,
            entry.username.as_deref().unwrap_or("-"),
            entry.groups.join(" "),
            entry
                .policies
                .iter()
                .map(|policy| policy.arn.rsplit('/').next().unwrap())
                .collect::<Vec<_>>()
                .join(" "),
            entry.verdict
        ),
        Fate::Decided { verdict, why, .. } => format!("decided {verdict}: {}", why.join("; ")),
        Fate::Blocked { why, .. } => format!("blocked: {why}"),
        Fate::Dead { why, .. } => format!("dead: {why}"),
    }
}

#[test]
fn line_becomes_the_entry_that_gives_the_same() {
    let node = "system:node:{{EC2PrivateDNSName}}";
    let session = "system:node:{{SessionName}}";
    for (name, username, groups, wanted) in [
        (
            "dev",
            "dev:{{SessionName}}",
            "devs, ops",
            "role/team/dev STANDARD dev:{{SessionName}} [devs ops] [] same",
        ),
        ("dev", "ann", "devs", "role/team/dev STANDARD ann [devs] [] same"),
        (
            "adm",
            "adm",
            "'system:masters'",
            "role/team/adm STANDARD adm [] [AmazonEKSClusterAdminPolicy] same",
        ),
        (
            "adm",
            "adm",
            "devs, 'system:masters'",
            "role/team/adm STANDARD adm [devs] [AmazonEKSClusterAdminPolicy] same",
        ),
        (
            "dev",
            "a:{{AccountID}}:{{SessionName}}",
            "devs",
            "role/team/dev STANDARD a:111122223333:{{SessionName}} [devs] [] same",
        ),
        ("dev", "", "devs", "role/team/dev STANDARD - [devs] [] unknown"),
        (
            "n",
            node,
            "'system:nodes', 'system:bootstrappers'",
            "role/team/n EC2_LINUX - [] [] same",
        ),
        ("n", node, "'system:nodes'", "role/team/n EC2_LINUX - [] [] same"),
        (
            "n",
            node,
            "'system:nodes', 'eks:kube-proxy-windows'",
            "role/team/n EC2_WINDOWS - [] [] same",
        ),
        (
            "n",
            node,
            "'system:nodes', gpu",
            "role/team/n EC2_LINUX - [] [] less",
        ),
        (
            "f",
            session,
            "'system:nodes', 'system:node-proxier', 'system:bootstrappers'",
            "role/team/f FARGATE_LINUX - [] [] same",
        ),
    ] {
        assert_eq!(
            told(&fate_of(name, username, groups, &Choices::default())),
            wanted
        );
    }
}

#[test]
fn line_that_cannot_move_names_the_reason() {
    let session = "system:node:{{SessionName}}";
    for (name, username, groups, wanted) in [
        (
            "h",
            session,
            "'system:nodes', 'system:bootstrappers'",
            "hybrid nodes",
        ),
        ("dev", "system:admin", "devs", "begins with `system:`"),
        ("dev", "eks:x", "devs", "begins with `eks:`"),
        ("dev", "dev{{SessionName}}", "devs", "no colon"),
        (
            "dev",
            "k:{{AccessKeyID}}",
            "devs",
            "template that access entries do not have",
        ),
        (
            "dev",
            "d:{{EC2PrivateDNSName}}",
            "devs",
            "template that access entries do not have",
        ),
        ("dev", "dev", "'system:nodes'", "begins with `system:`"),
        ("dev", "dev", "'iam:x'", "begins with `iam:`"),
        ("dev", "dev", "'t:{{SessionName}}'", "has a template"),
        ("denied", "dev", "devs", "could not be read"),
        ("AWSServiceRoleForX", "svc", "devs", "service-linked"),
    ] {
        let fate = fate_of(name, username, groups, &Choices::default());
        let told = told(&fate);
        assert!(told.starts_with("blocked: ") && told.contains(wanted), "{told}");
    }
    let dead = told(&fate_of("gone", "dev", "devs", &Choices::default()));
    assert_eq!(dead, "dead: the role does not exist");
}

/// The authenticator compares all of an ARN without case, and IAM has no two names that differ in case alone.
#[test]
fn line_in_another_case_is_that_of_the_principal() {
    let head = format!("arn:aws:iam::{ACCOUNT}");
    for (section, arn, wanted) in [
        (
            "mapUsers",
            format!("{head}:user/OPS/ANN"),
            "user/ops/Ann STANDARD x [ops] [] same",
        ),
        (
            "mapUsers",
            format!("{head}:User/ops/ann"),
            "user/ops/Ann STANDARD x [ops] [] same",
        ),
        (
            "mapRoles",
            format!("{head}:ROLE/dev"),
            "role/team/dev STANDARD x [ops] [] same",
        ),
        (
            "mapRoles",
            format!("ARN:AWS:IAM::{ACCOUNT}:role/dev"),
            "role/team/dev STANDARD x [ops] [] same",
        ),
        (
            "mapUsers",
            format!("{head}:ROOT"),
            "blocked: an access entry is for an IAM role or an IAM user",
        ),
        (
            "mapUsers",
            format!("{head}:user/Other/Ann"),
            "dead: the user of this name is arn:aws:iam::111122223333:user/ops/Ann",
        ),
    ] {
        let key = if section == "mapRoles" {
            "rolearn"
        } else {
            "userarn"
        };
        let line = format!("- {{{key}: '{arn}', username: x, groups: [ops]}}\n");
        let lines = fates(&[(section, &line)], &[], &Choices::default());
        assert_eq!(told(&lines[0].fate), wanted, "{arn}");
        assert_eq!(lines[0].subject, arn);
    }
}

/// The authenticator keeps both, and takes the one or the other.
#[test]
fn spellings_of_a_user_that_say_something_else_are_not_the_same() {
    let line = |arn: &str, groups: &str| {
        format!("- {{userarn: 'arn:aws:iam::{ACCOUNT}:user/{arn}', username: ann, groups: [{groups}]}}\n")
    };
    for (first, second, verdict) in [
        (line("OPS/ann", "a, b"), line("ops/Ann", "b, a"), Verdict::Same),
        (line("OPS/ann", "a"), line("ops/Ann", "a, b"), Verdict::Unknown),
        (line("OPS/ann", "a, b"), line("ops/Ann", "a"), Verdict::Less),
        (
            line("OPS/ann", "'system:masters'"),
            line("ops/Ann", "a"),
            Verdict::Less,
        ),
        // The same spelling twice: the last counts, and always does.
        (line("ops/Ann", "a, b"), line("ops/Ann", "a"), Verdict::Same),
    ] {
        let lines = fates(&[("mapUsers", &(first + &second))], &[], &Choices::default());
        let Fate::Entry(proposal) = &lines[0].fate else {
            panic!("{lines:?}")
        };
        assert_eq!(proposal.verdict, verdict, "{:?}", proposal.why);
    }
}

#[test]
fn role_of_another_partition_is_never_taken_for_one_of_here() {
    let line =
        format!("- {{rolearn: 'arn:aws-us-gov:iam::{ACCOUNT}:role/dev', username: dev, groups: [devs]}}\n");
    let lines = fates(&[("mapRoles", &line)], &[], &Choices::default());
    assert!(
        told(&lines[0].fate).starts_with("blocked: it is of the partition aws-us-gov"),
        "{lines:?}"
    );
    assert!(crate::migration::removable(&lines).is_empty());
}

/// An entry of a principal that was made again lets in no one, and the line may be what does.
#[test]
fn line_is_kept_whose_entry_may_be_stale() {
    let entry = |name: &str| AccessEntry {
        principal_arn: format!("arn:aws:iam::{ACCOUNT}:role/team/{name}"),
        username: "dev".to_owned(),
        groups: vec!["a".to_owned()],
        entry_type: "STANDARD".to_owned(),
        created_at: Some("2026-01-01T00:00:00Z".parse().unwrap()),
        ..AccessEntry::default()
    };
    for (name, username, wanted) in [
        ("denied", "dev", "decided unknown: "),
        ("dev", "system:x", "blocked: the user name system:x"),
    ] {
        let lines = fates(
            &[("mapRoles", &role(name, username, "a"))],
            &[entry(name)],
            &Choices::default(),
        );
        assert!(told(&lines[0].fate).starts_with(wanted), "{lines:?}");
        assert!(crate::migration::removable(&lines).is_empty(), "{name}");
    }
}

/// IAM was asked for one spelling of the name, and the authenticator takes any.
#[test]
fn line_of_a_user_that_iam_does_not_find_is_kept() {
    let line = format!("- {{userarn: 'arn:aws:iam::{ACCOUNT}:user/gone', username: x, groups: [ops]}}\n");
    let lines = fates(&[("mapUsers", &line)], &[], &Choices::default());
    assert_eq!(told(&lines[0].fate), "dead: the user does not exist");
    assert!(crate::migration::removable(&lines).is_empty());
}

#[test]
fn user_is_looked_up_with_its_path() {
    for (user, wanted) in [
        ("ops/Ann", "user/ops/Ann STANDARD ann [ops] [] same"),
        ("gone", "dead: the user does not exist"),
        (
            "elsewhere",
            "dead: the user of this name is arn:aws:iam::111122223333:user/other/elsewhere",
        ),
        ("denied", "user/denied STANDARD ann [ops] [] same"),
    ] {
        let users =
            format!("- {{userarn: 'arn:aws:iam::{ACCOUNT}:user/{user}', username: ann, groups: [ops]}}\n");
        assert_eq!(
            told(&fates(&[("mapUsers", &users)], &[], &Choices::default())[0].fate),
            wanted
        );
    }
}

/// One that an interrupted migration began still has the group that stands in for a policy.
#[test]
fn entry_that_is_stale_or_not_finished_is_wanted_again() {
    let entry = |made: &str, groups: &[&str]| AccessEntry {
        principal_arn: format!("arn:aws:iam::{ACCOUNT}:role/team/dev"),
        username: "dev".to_owned(),
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        entry_type: "STANDARD".to_owned(),
        created_at: Some(made.parse().unwrap()),
        ..AccessEntry::default()
    };
    for (entry, wanted) in [
        (
            entry("2026-01-01T00:00:00Z", &["a"]),
            "role/team/dev STANDARD dev [a] [] same",
        ),
        (entry("2026-01-03T00:00:00Z", &["a"]), "decided same: "),
        (
            entry("2026-01-03T00:00:00Z", &["a", "eksact:migration:0"]),
            "role/team/dev STANDARD dev [a] [] same",
        ),
    ] {
        let lines = fates(
            &[("mapRoles", &role("dev", "dev", "a"))],
            &[entry],
            &Choices::default(),
        );
        assert_eq!(told(&lines[0].fate), wanted);
    }
}

#[test]
fn choice_of_the_user_unblocks_its_line_only() {
    let key = |name: &str| format!("arn:aws:iam::{ACCOUNT}:role/{name}");
    let mut choices = Choices::default();
    choices.usernames.insert(key("dev"), "dev".to_owned());
    choices.types.insert(key("h"), "HYBRID_LINUX".to_owned());
    let session = "system:node:{{SessionName}}";
    assert_eq!(
        told(&fate_of("dev", "system:admin", "devs", &choices)),
        "role/team/dev STANDARD dev [devs] [] unknown"
    );
    assert_eq!(
        told(&fate_of("h", session, "'system:nodes'", &choices)),
        "role/team/h HYBRID_LINUX - [] [] same"
    );
    assert!(told(&fate_of("other", "system:admin", "devs", &choices)).starts_with("blocked"));
}

/// A type that gives another user name or other groups than the line is never the same.
#[test]
fn type_that_the_user_chose_is_held_against_the_line() {
    let (node, session) = ("system:node:{{EC2PrivateDNSName}}", "system:node:{{SessionName}}");
    for (entry_type, username, groups, wanted) in [
        ("EC2_WINDOWS", node, "'system:nodes'", "EC2_WINDOWS - [] [] same"),
        (
            "HYBRID_LINUX",
            session,
            "'system:nodes'",
            "HYBRID_LINUX - [] [] same",
        ),
        ("EC2_LINUX", session, "'system:nodes'", "EC2_LINUX - [] [] less"),
        (
            "HYBRID_LINUX",
            node,
            "'system:nodes'",
            "HYBRID_LINUX - [] [] less",
        ),
        ("EC2", node, "'system:nodes'", "EC2 - [] [] unknown"),
        ("EC2_LINUX", "dev", "devs", "EC2_LINUX - [] [] less"),
        ("EC2_LINUX", "dev", "'system:masters'", "EC2_LINUX - [] [] less"),
        ("STANDARD", "dev", "devs", "STANDARD dev [devs] [] same"),
    ] {
        let mut choices = Choices::default();
        let key = format!("arn:aws:iam::{ACCOUNT}:role/x");
        choices.types.insert(key, entry_type.to_owned());
        let fate = told(&fate_of("x", username, groups, &choices));
        assert_eq!(fate, format!("role/team/x {wanted}"));
    }
    // What is there for nodes is not given to people, nor the other way round.
    let mut choices = Choices::default();
    choices
        .types
        .insert(format!("arn:aws:iam::{ACCOUNT}:role/x"), "STANDARD".to_owned());
    let fate = told(&fate_of("x", node, "'system:nodes'", &choices));
    assert!(
        fate.starts_with("blocked: the group system:nodes begins with"),
        "{fate}"
    );
}

/// A role of the same name here is not the one that the line names.
#[test]
fn role_of_another_account_is_never_taken_for_one_of_here() {
    let line = "- {rolearn: 'arn:aws:iam::444455556666:role/dev', username: dev, groups: [devs]}\n";
    let fates_now = fates(&[("mapRoles", line)], &[], &Choices::default());
    assert!(told(&fates_now[0].fate).contains("another account"));
    let whole = "arn:aws:iam::444455556666:role/far/dev";
    let choices = Choices {
        principal_arns: BTreeMap::from([(principal_key(whole), whole.to_owned())]),
        ..Choices::default()
    };
    let fates_now = fates(&[("mapRoles", line)], &[], &choices);
    assert_eq!(
        told(&fates_now[0].fate),
        "role/far/dev STANDARD dev [devs] [] same"
    );
}
