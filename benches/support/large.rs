//! A large cluster with what decides in it: roles that read, write, run commands and mint tokens, bound in namespaces and, one in
//! twenty, everywhere.

use std::collections::BTreeMap;

use eksact_core::{
    diagnosis::{
        authorization::{Account, Picture, Read},
        aws_authorization::{AwsPicture, Details},
    },
    ports::{
        aws::{AccessEntry, Role},
        kubernetes::{PolicyRule, RbacBinding, RbacRole, Subject},
    },
};
use eksact_identity::iam::trust::irsa_trust_policy;
use serde_json::{Value, json};

pub(crate) const BINDINGS: usize = 2000;
pub(crate) const ROLES: usize = 800;
pub(crate) const ENTRIES: usize = 3000;
pub(crate) const ACCOUNTS: usize = 5000;
pub(crate) const WITH_ROLE: usize = 2900;
pub(crate) const NAMESPACES: usize = 100;
const ISSUER: &str = "oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF";

pub(crate) fn namespace(number: usize) -> String {
    format!("team-{:03}", number % NAMESPACES)
}

/// All of it, as it is read.
pub(crate) fn picture() -> Picture {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let allow = |verbs: &[&str], resources: &[&str]| PolicyRule {
        api_groups: words(&["", "apps"]),
        resources: words(resources),
        verbs: words(verbs),
        ..PolicyRule::default()
    };
    let role = |number: usize| RbacRole {
        name: format!("role-{number}"),
        rules: vec![
            allow(&["get", "list", "watch"], &["pods", "services", "configmaps"]),
            allow(
                &["get"],
                &[
                    "deployments",
                    if number.is_multiple_of(7) {
                        "secrets"
                    } else {
                        "events"
                    },
                ],
            ),
            allow(
                &["create"],
                &[["pods", "jobs", "pods/exec", "serviceaccounts/token"][number % 4]],
            ),
        ],
        ..RbacRole::default()
    };
    let binding = |number: usize| RbacBinding {
        namespace: (!number.is_multiple_of(20)).then(|| namespace(number / 3)),
        name: format!("binding-{number}"),
        role_kind: "ClusterRole".to_owned(),
        role_name: format!("role-{}", number % ROLES),
        subjects: vec![
            Subject {
                kind: "Group".to_owned(),
                name: format!("group-{}", number % 300),
                namespace: None,
            },
            Subject {
                kind: "ServiceAccount".to_owned(),
                name: format!("account-{}", number % ACCOUNTS),
                namespace: Some(namespace(number % ACCOUNTS)),
            },
        ],
        ..RbacBinding::default()
    };
    let entry = |number: usize| AccessEntry {
        principal_arn: format!("arn:aws:iam::111122223333:role/role-{number}"),
        username: format!("arn:aws:sts::111122223333:assumed-role/role-{number}/{{{{SessionName}}}}"),
        groups: vec![format!("group-{}", number % 300)],
        entry_type: "STANDARD".to_owned(),
        ..AccessEntry::default()
    };
    let account = |number: usize| Account {
        namespace: namespace(number),
        name: format!("account-{number}"),
        role_arn: (number < WITH_ROLE).then(|| iam_role_arn(number)),
        annotations: None,
    };
    Picture {
        cluster: "large".to_owned(),
        region: "eu-west-1".to_owned(),
        account: "111122223333".to_owned(),
        version: Some("1.36".to_owned()),
        authentication_mode: Some("API".to_owned()),
        aws_auth: Read::Known(None),
        access_entries: Read::Known((0..ENTRIES).map(entry).collect()),
        principals: BTreeMap::new(),
        bindings: Read::Known((0..BINDINGS).map(binding).collect()),
        roles: Read::Known((0..ROLES).map(role).collect()),
        service_accounts: Read::Known((0..ACCOUNTS).map(account).collect()),
        aws: AwsPicture {
            details: Read::Known(Details {
                roles: (0..ENTRIES).map(iam_role).collect(),
                policies: BTreeMap::from([(
                    "arn:aws:iam::111122223333:policy/shared".to_owned(),
                    allow_in_aws(&["logs:*", "cloudwatch:Put*"], "*"),
                )]),
                ..Details::default()
            }),
            associations: Read::Known(Vec::new()),
            cluster_arn: "arn:aws:eks:eu-west-1:111122223333:cluster/large".to_owned(),
            issuer: Some(format!("https://{ISSUER}")),
            provider: Read::Known(Some(vec!["sts.amazonaws.com".to_owned()])),
            agent: None,
        },
    }
}

fn iam_role_arn(number: usize) -> String {
    format!("arn:aws:iam::111122223333:role/role-{number}")
}

fn allow_in_aws(actions: &[&str], resource: &str) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": resource}]})
}

/// Roles of service accounts, and a hundred that are assumed by whoever may in the account; one in ten reads the reports.
fn iam_role(number: usize) -> Role {
    let trust_policy = if number < WITH_ROLE {
        let provider = format!("arn:aws:iam::111122223333:oidc-provider/{ISSUER}");
        irsa_trust_policy(
            &provider,
            ISSUER,
            &namespace(number),
            &format!("account-{number}"),
            None,
        )
    } else {
        json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "111122223333"}}]})
    };
    let reads = if number.is_multiple_of(10) {
        "reports"
    } else {
        "other"
    };
    let mut inline_policies = BTreeMap::from([(
        "own".to_owned(),
        allow_in_aws(
            &["s3:GetObject", "s3:ListBucket"],
            &format!("arn:aws:s3:::{reads}/*"),
        ),
    )]);
    if number.is_multiple_of(20) {
        let targets = "arn:aws:iam::111122223333:role/role-29*";
        inline_policies.insert("hop".to_owned(), allow_in_aws(&["sts:AssumeRole"], targets));
    }
    Role {
        name: format!("role-{number}"),
        arn: iam_role_arn(number),
        id: format!("AROA{number:017}"),
        path: "/".to_owned(),
        trust_policy,
        managed_policy_arns: vec!["arn:aws:iam::111122223333:policy/shared".to_owned()],
        inline_policies,
        max_session_seconds: None,
        permissions_boundary: None,
        tags: BTreeMap::new(),
    }
}
