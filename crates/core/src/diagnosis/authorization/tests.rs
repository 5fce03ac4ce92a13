//! Questions over pictures that are made by hand, each with the answer that the real chain of IAM, EKS and RBAC gives.

mod decisions;
mod holders;
mod ways;

use std::collections::BTreeMap;

use super::{
    Account, Actor, Asked, Explanation, Picture, Question, Read, Rights, Verdict, Who, WhoCan, explain,
    identity, read_snapshot, who_can, who_can_in_any, write_snapshot,
};
use crate::{
    diagnosis::aws_authorization::AwsPicture,
    guard::access::Admitted,
    ports::{
        aws::{AccessEntry, AccessPolicy, Principal},
        kubernetes::{PolicyRule, RbacBinding, RbacRole, Subject},
    },
};
use eksact_identity::rbac::{bootstrap_rules, groups_of_service_account};
use jiff::Timestamp;

const NINA: &str = "arn:aws:iam::111122223333:user/nina";
const OPS: &str = "arn:aws:iam::111122223333:role/team/ops";

fn words(text: &str) -> Vec<String> {
    text.split_whitespace()
        .map(|word| if word == "-" { "" } else { word }.to_owned())
        .collect()
}

/// A role of rules such as `get,list - pods,pods/log web`: verbs, groups, resources, names.
pub(super) fn role(namespace: Option<&str>, name: &str, rules: &[&str]) -> RbacRole {
    let list = |text: Option<&&str>| -> Vec<String> {
        let parts = text.map(|text| text.split(','));
        parts
            .into_iter()
            .flatten()
            .map(|part| if part == "-" { "" } else { part }.to_owned())
            .collect()
    };
    let rule = |text: &&str| {
        let parts: Vec<&str> = text.split_whitespace().collect();
        PolicyRule {
            verbs: list(parts.first()),
            api_groups: list(parts.get(1)),
            resources: list(parts.get(2)),
            resource_names: list(parts.get(3)),
            ..PolicyRule::default()
        }
    };
    RbacRole {
        namespace: namespace.map(ToOwned::to_owned),
        name: name.to_owned(),
        rules: rules.iter().map(rule).collect(),
        ..RbacRole::default()
    }
}

/// A binding of `ClusterRole x` or `Role x` to `Group a`, `User b`, `ServiceAccount ns/c`.
pub(super) fn binding(namespace: Option<&str>, role: &str, subject: &str) -> RbacBinding {
    let (role_kind, role_name) = role.split_once(' ').unwrap();
    let (kind, name) = subject.split_once(' ').unwrap();
    let (of, name) = match name.split_once('/') {
        Some((of, name)) if kind == "ServiceAccount" => (Some(of.to_owned()), name),
        _ => (None, name),
    };
    RbacBinding {
        namespace: namespace.map(ToOwned::to_owned),
        name: format!("{}-{}", role_name, name.replace([':', '/'], "-")),
        role_kind: role_kind.to_owned(),
        role_name: role_name.to_owned(),
        subjects: vec![Subject {
            kind: kind.to_owned(),
            name: name.to_owned(),
            namespace: of,
        }],
        ..RbacBinding::default()
    }
}

pub(super) fn entry(
    arn: &str,
    username: &str,
    groups: &str,
    policies: &[(&str, Option<&[&str]>)],
) -> AccessEntry {
    AccessEntry {
        principal_arn: arn.to_owned(),
        username: username.to_owned(),
        groups: words(groups),
        entry_type: "STANDARD".to_owned(),
        policies: policies
            .iter()
            .map(|(name, namespaces)| AccessPolicy {
                arn: format!("arn:aws:eks::aws:cluster-access-policy/{name}"),
                namespaces: namespaces.map(|all| all.iter().map(|name| (*name).to_owned()).collect()),
            })
            .collect(),
        created_at: Some(Timestamp::from_second(1_700_000_000).unwrap()),
        ..AccessEntry::default()
    }
}

pub(super) fn picture() -> Picture {
    let default = |name: &str| RbacRole {
        name: name.to_owned(),
        rules: bootstrap_rules(name).unwrap(),
        aggregated: true,
        ..RbacRole::default()
    };
    Picture {
        cluster: "prod".to_owned(),
        region: "eu-west-1".to_owned(),
        account: "111122223333".to_owned(),
        version: Some("1.36".to_owned()),
        authentication_mode: Some("API_AND_CONFIG_MAP".to_owned()),
        aws_auth: Read::Known(None),
        access_entries: Read::Known(Vec::new()),
        principals: BTreeMap::new(),
        bindings: Read::Known(Vec::new()),
        roles: Read::Known(vec![
            default("view"),
            default("edit"),
            default("admin"),
            role(None, "cluster-admin", &["* * *"]),
        ]),
        service_accounts: Read::Known(
            [("app", "web"), ("app", "api"), ("ops", "ci")]
                .map(|(namespace, name)| Account {
                    namespace: namespace.to_owned(),
                    name: name.to_owned(),
                    role_arn: None,
                    annotations: None,
                })
                .to_vec(),
        ),
        aws: AwsPicture::not_read("it was not asked for"),
    }
}

impl Picture {
    fn role(mut self, role: RbacRole) -> Self {
        if let Read::Known(roles) = &mut self.roles {
            roles.push(role);
        }
        self
    }

    fn bind(mut self, namespace: Option<&str>, role: &str, subject: &str) -> Self {
        if let Read::Known(bindings) = &mut self.bindings {
            bindings.push(binding(namespace, role, subject));
        }
        self
    }

    fn entry(mut self, entry: AccessEntry) -> Self {
        if let Read::Known(entries) = &mut self.access_entries {
            entries.push(entry);
        }
        self
    }

    fn map_roles(mut self, text: &str) -> Self {
        self.aws_auth = Read::Known(Some(BTreeMap::from([("mapRoles".to_owned(), text.to_owned())])));
        self
    }

    fn mode(mut self, mode: &str) -> Self {
        self.authentication_mode = Some(mode.to_owned());
        self
    }

    /// The answer for an ARN, or for a user of Kubernetes with groups in brackets behind it: `nina[devs ops]`.
    fn asked(&self, who: &str, question: &str) -> Explanation {
        let rights = Rights::of(self);
        let question = ask(question);
        if who.starts_with("arn:") {
            return explain(&rights, Who::Iam(&identity(who).unwrap()), &question.request);
        }
        let (username, groups) = who.trim_end_matches(']').split_once('[').unwrap_or((who, ""));
        let user = Admitted {
            username: username.to_owned(),
            groups: words(groups),
        };
        explain(&rights, Who::Kubernetes(&user), &question.request)
    }

    fn who_can(&self, question: &str) -> WhoCan {
        who_can(&Rights::of(self), &ask(question).request)
    }

    /// Of `get secrets -A`, asked of each namespace.
    fn who_can_in_any(&self, question: &str) -> WhoCan {
        who_can_in_any(&Rights::of(self), &ask(question).request)
    }
}

/// `get pods/web -n app`, `create pods -s exec`, `list pods -A`.
fn ask(text: &str) -> Question {
    let parts: Vec<&str> = text.split_whitespace().collect();
    let flag = |name: &str| {
        let at = parts.iter().position(|part| *part == name)?;
        parts.get(at + 1).copied()
    };
    Question::of(Asked {
        verb: parts[0],
        what: parts[1],
        subresource: flag("-s"),
        namespace: (!parts.contains(&"-A")).then(|| flag("-n").unwrap_or("app")),
    })
    .unwrap()
}

fn subjects(answer: &WhoCan) -> Vec<String> {
    let row = |row: &super::Row| {
        let depends = if row.verdict == Verdict::Yes { "" } else { "?" };
        format!("{} {}{depends}", row.actor.kind(), row.actor.name())
    };
    answer.direct.iter().map(row).collect()
}

fn becoming(answer: &WhoCan) -> Vec<String> {
    let row = |row: &super::Becomes| {
        let depends = if row.verdict == Verdict::Yes { "" } else { "?" };
        format!("{} → {} ({}){depends}", row.actor.name(), row.becomes, row.by)
    };
    answer.can_become.iter().map(row).collect()
}

/// Two readings in another order give the same bytes, and a snapshot the same answer.
#[test]
fn answers_have_one_order_and_snapshots_keep_them() {
    let picture = picture()
        .entry(entry(NINA, "nina", "devs", &[]))
        .bind(Some("app"), "ClusterRole edit", "Group devs")
        .bind(None, "ClusterRole view", "Group system:authenticated")
        .bind(None, "ClusterRole edit", "User </script><img onerror>")
        .bind(None, "ClusterRole edit", "User =cmd()");
    let mut shuffled = picture.clone();
    if let (Read::Known(bindings), Read::Known(roles)) = (&mut shuffled.bindings, &mut shuffled.roles) {
        bindings.reverse();
        roles.reverse();
    }
    let (one, other) = (picture.who_can("delete pods"), shuffled.who_can("delete pods"));
    let json = |answer: &WhoCan| serde_json::to_string(answer).unwrap();
    assert_eq!(json(&one), json(&other));
    assert_eq!(super::mermaid(&one), super::mermaid(&other));
    let text = super::csv(&one);
    assert!(text.contains("user,'=cmd(),direct,yes"), "{text}");
    assert!(!super::mermaid(&one).contains("<img"));
    let written = write_snapshot(&picture, "2026-11-29T12:00:00Z").unwrap();
    let (read, taken_at) = read_snapshot(&written).unwrap();
    assert_eq!((read, taken_at.as_str()), (picture, "2026-11-29T12:00:00Z"));
    for (text, error) in [
        ("{}", "it is not a snapshot of `eksact snapshot`"),
        (
            r#"{"format":"eksact/access-snapshot","version":2}"#,
            "it is a snapshot of format 2, and this eksact reads format 1; update eksact, or take the snapshot anew",
        ),
    ] {
        assert_eq!(read_snapshot(text).unwrap_err().to_string(), error);
    }
    assert!(matches!(
        read_snapshot(r#"{"format":"eksact/access-snapshot","version":1}"#),
        Err(super::SnapshotError::Broken(_))
    ));
    assert_eq!(Actor::Group { name: "a".to_owned() }.kind(), "group",);
}
