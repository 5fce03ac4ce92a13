//! Questions over accounts that are made by hand, each with the answer that IAM, EKS and the cluster give together.

mod cluster;
mod denies;
mod escalation;
mod escalation_costs;
mod escalation_steps;
mod new_principals;
mod people;
mod pods;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Association, AwsPicture, AwsQuestion, AwsRequest, AwsWho, Details, explain_aws, who_can_in_aws};
use crate::{
    diagnosis::authorization::{
        Account, Actor, Explanation, LinkState, Picture, Read, Rights, Verdict, WhoCan,
    },
    ports::{
        aws::{AccessEntry, Group, Role, User},
        kubernetes::{PolicyRule, RbacBinding, RbacRole, Subject},
    },
};
use eksact_identity::iam::trust::irsa_trust_policy;

const ACCOUNT: &str = "111122223333";
const ISSUER: &str = "oidc.eks.eu-west-1.amazonaws.com/id/A1B2";
const PROVIDER: &str = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/A1B2";
const NINA: &str = "arn:aws:iam::111122223333:user/nina";
const REPORTS: &str = "arn:aws:s3:::reports/*";
/// A bucket policy that says nothing.
const SILENT: &str = r#"{"Version": "2012-10-17", "Statement": []}"#;

fn arn(role: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:role/{role}")
}

fn policy(statements: impl Into<Value>) -> Value {
    let statements: Value = statements.into();
    json!({"Version": "2012-10-17", "Statement": statements})
}

fn allow(action: &str, resource: &str) -> Value {
    json!({"Sid": "Own", "Effect": "Allow", "Action": action, "Resource": resource})
}

fn trusts(kind: &str, principal: &str) -> Value {
    policy(
        json!([{"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"], "Principal": {kind: principal}}]),
    )
}

fn role(name: &str, trust_policy: Value, statements: Value) -> Role {
    let own = policy(statements);
    Role {
        name: name.to_owned(),
        arn: arn(name),
        id: format!("AROA{name}"),
        path: "/".to_owned(),
        trust_policy,
        managed_policy_arns: Vec::new(),
        inline_policies: BTreeMap::from([("own".to_owned(), own)]),
        max_session_seconds: None,
        permissions_boundary: None,
        tags: BTreeMap::new(),
    }
}

fn reads_reports(name: &str, trust_policy: Value) -> Role {
    role(
        name,
        trust_policy,
        allow("s3:GetObject", "arn:aws:s3:::reports/*"),
    )
}

fn irsa(namespace: &str, name: &str, pattern: Option<&str>) -> Value {
    irsa_trust_policy(PROVIDER, ISSUER, namespace, name, pattern)
}

fn user(name: &str, statements: Value) -> User {
    User {
        arn: format!("arn:aws:iam::{ACCOUNT}:user/{name}"),
        groups: Vec::new(),
        managed_policy_arns: Vec::new(),
        inline_policies: BTreeMap::from([("own".to_owned(), policy(statements))]),
        permissions_boundary: None,
        tags: BTreeMap::new(),
    }
}

/// A picture with these users and roles.
fn picture(users: Vec<User>, roles: Vec<Role>) -> Picture {
    Picture {
        cluster: "prod".to_owned(),
        region: "eu-west-1".to_owned(),
        account: ACCOUNT.to_owned(),
        version: Some("1.36".to_owned()),
        authentication_mode: Some("API".to_owned()),
        aws_auth: Read::Known(None),
        access_entries: Read::Known(Vec::new()),
        principals: BTreeMap::new(),
        bindings: Read::Known(Vec::new()),
        roles: Read::Known(Vec::new()),
        service_accounts: Read::Known(Vec::new()),
        aws: AwsPicture {
            details: Read::Known(Details {
                roles,
                users,
                groups: Vec::new(),
                policies: BTreeMap::new(),
            }),
            associations: Read::Known(Vec::new()),
            cluster_arn: format!("arn:aws:eks:eu-west-1:{ACCOUNT}:cluster/prod"),
            issuer: Some(format!("https://{ISSUER}")),
            provider: Read::Known(Some(vec!["sts.amazonaws.com".to_owned()])),
            agent: None,
        },
    }
}

impl Picture {
    fn with_account(mut self, namespace: &str, name: &str, role: Option<&str>) -> Self {
        if let Read::Known(accounts) = &mut self.service_accounts {
            accounts.push(Account {
                namespace: namespace.to_owned(),
                name: name.to_owned(),
                role_arn: role.map(arn),
                annotations: None,
            });
        }
        self
    }

    fn with_association(mut self, namespace: &str, name: &str, role: &str, target: Option<&str>) -> Self {
        if let Read::Known(associations) = &mut self.aws.associations {
            associations.push(Association {
                namespace: namespace.to_owned(),
                service_account: name.to_owned(),
                role_arn: arn(role),
                target_role_arn: target.map(arn),
                ..Association::default()
            });
        }
        self
    }

    /// Lets `subject`, a user, do `verbs` on `resource` in namespace app.
    fn with_right(mut self, subject: &str, verbs: &[&str], resource: &str, names: &[&str]) -> Self {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let name = format!("{subject}-{}", resource.replace('/', "-"));
        if let Read::Known(roles) = &mut self.roles {
            roles.push(RbacRole {
                namespace: Some("app".to_owned()),
                name: name.clone(),
                rules: vec![PolicyRule {
                    verbs: texts(verbs),
                    api_groups: texts(&["", "apps"]),
                    resources: texts(&[resource]),
                    resource_names: texts(names),
                    ..PolicyRule::default()
                }],
                ..RbacRole::default()
            });
        }
        if let Read::Known(bindings) = &mut self.bindings {
            bindings.push(RbacBinding {
                namespace: Some("app".to_owned()),
                name: name.clone(),
                role_kind: "Role".to_owned(),
                role_name: name,
                subjects: vec![Subject {
                    kind: "User".to_owned(),
                    name: subject.to_owned(),
                    namespace: None,
                }],
                ..RbacBinding::default()
            });
        }
        self
    }

    fn with_entry(mut self, principal_arn: &str, username: &str, groups: &[&str]) -> Self {
        if let Read::Known(entries) = &mut self.access_entries {
            entries.push(AccessEntry {
                principal_arn: principal_arn.to_owned(),
                username: username.to_owned(),
                groups: groups.iter().map(|group| (*group).to_owned()).collect(),
                entry_type: "STANDARD".to_owned(),
                ..AccessEntry::default()
            });
        }
        self
    }

    fn question(action: &str, resource: &str) -> AwsQuestion {
        let silent: Value = serde_json::from_str(SILENT).unwrap();
        let is_bucket = resource.starts_with("arn:aws:s3");
        AwsQuestion::new(
            AwsRequest::of(action, Some(resource), None).unwrap(),
            is_bucket.then_some(&silent),
        )
    }

    fn list(&self, action: &str, resource: &str) -> WhoCan {
        who_can_in_aws(&Rights::of(self), &Self::question(action, resource)).unwrap()
    }

    fn why(&self, who: AwsWho<'_>, action: &str, resource: &str) -> Explanation {
        explain_aws(&Rights::of(self), who, &Self::question(action, resource))
    }
}

/// `kind name verdict` of each row.
fn direct(answer: &WhoCan) -> Vec<String> {
    let rows = answer.direct.iter();
    rows.map(|row| {
        format!(
            "{} {} {}",
            row.actor.kind(),
            row.actor.name(),
            row.verdict.as_str()
        )
    })
    .collect()
}

/// `kind name -> becomes: how` of each row.
fn becoming(answer: &WhoCan) -> Vec<String> {
    let rows = answer.can_become.iter();
    rows.map(|row| {
        format!(
            "{} {} -> {}: {}",
            row.actor.kind(),
            row.actor.name(),
            row.becomes,
            row.by
        )
    })
    .collect()
}

fn broken(explained: &Explanation) -> (&'static str, String) {
    let link = explained
        .links
        .iter()
        .find(|link| link.state == LinkState::Broken);
    link.map(|link| (link.link, link.says.clone()))
        .unwrap_or_default()
}

/// What was not read is never a no, and an answer without IAM is none.
#[test]
fn answer_says_what_was_not_read() {
    let unread = AwsQuestion::new(AwsRequest::of("s3:GetObject", Some(REPORTS), None).unwrap(), None);
    let picture = picture(vec![user("nina", allow("s3:*", "*"))], Vec::new());
    let rights = Rights::of(&picture);
    let answer = who_can_in_aws(&rights, &unread).unwrap();
    assert_eq!(direct(&answer), [format!("IAM principal {NINA} depends")]);
    assert!(!answer.complete);
    let explained = explain_aws(&rights, AwsWho::Principal(NINA), &unread);
    assert_eq!(explained.answer, Verdict::Depends);
    let mut blind = picture.clone();
    blind.aws = AwsPicture::not_read("access denied");
    let rights = Rights::of(&blind);
    assert_eq!(who_can_in_aws(&rights, &unread).unwrap_err(), "access denied");
    assert_eq!(
        explain_aws(&rights, AwsWho::Principal(NINA), &unread).answer,
        Verdict::Depends
    );
    // Of another account nothing is known here.
    let foreign = explain_aws(
        &Rights::of(&picture),
        AwsWho::Principal("arn:aws:iam::444455556666:user/x"),
        &unread,
    );
    assert_eq!(foreign.answer, Verdict::Depends);
    let missing = explain_aws(
        &Rights::of(&picture),
        AwsWho::Principal("arn:aws:iam::111122223333:user/x"),
        &unread,
    );
    assert_eq!(broken(&missing).0, "IAM");
}
