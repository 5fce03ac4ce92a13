//! Callers against what people have written for them: each entry with the reasons that are named.

use std::collections::BTreeMap;

use super::*;

const A: &str = "111122223333";
const SSO: &str = "AWSReservedSSO_AdministratorAccess_0123456789abcdef";

/// A caller by its ARN as STS tells it; `{A}` is its account.
fn caller(arn: &str) -> Identity {
    let arn = arn.replace("{A}", A);
    let (_, session) = arn.rsplit_once('/').unwrap_or_default();
    let user_id = if arn.contains(":assumed-role/") {
        format!("AROAX:{session}")
    } else {
        "AIDAX".to_owned()
    };
    let account = arn.split(':').nth(4).unwrap_or_default();
    Identity::from_caller(&arn, account, &user_id, "ASIAX").unwrap()
}

/// A word for each reason.
fn word(miss: &Miss) -> &'static str {
    match miss {
        Miss::RolePath => "role path",
        Miss::AssumedRole => "session",
        Miss::UserPath => "user path",
        Miss::OtherAccount { .. } => "account",
        Miss::OtherPartition { .. } => "partition",
        Miss::Padding { .. } => "padding",
        Miss::NotAnArn => "form",
        Miss::OtherKind { .. } => "kind",
        Miss::OtherSsoRole { .. } => "sso role",
        Miss::PermissionSet { .. } => "permission set",
        Miss::Wildcard => "wildcard",
        Miss::Root => "root",
        Miss::SessionName => "session name",
        Miss::Slip => "slip",
        Miss::Overridden { .. } => "overridden",
        Miss::AtRandom => "random",
        Miss::OtherSection { .. } => "section",
        Miss::Refused { .. } => "refused",
        Miss::DroppedSection { .. } => "dropped",
        Miss::MisspeltSection { .. } => "misspelt",
        Miss::SsoEntry => "sso entry",
        Miss::AccountForm => "account form",
        Miss::EmptyFields { .. } => "empty",
    }
}

fn found(sections: &[(&str, &str)], identity: &Identity) -> Vec<String> {
    let data: BTreeMap<String, String> = sections
        .iter()
        .map(|(key, text)| ((*key).to_owned(), text.replace("{A}", A)))
        .collect();
    near_misses(&parse::parse(&data), identity, &data)
        .into_iter()
        .map(|miss| {
            let words: Vec<_> = miss.why.iter().map(word).collect();
            format!("{}:{} {}", miss.key, miss.line.unwrap(), words.join(", "))
        })
        .collect()
}

#[test]
fn misses_name_how_a_written_arn_differs_from_the_caller() {
    let dev = "arn:aws:sts::{A}:assumed-role/dev/nina@example.com";
    let sso = format!("arn:aws:sts::{{A}}:assumed-role/{SSO}/nina");
    let ann = "arn:aws:iam::{A}:user/eng/ann";
    let table: &[(&str, &str, &[&str])] = &[
        // The caller itself, in any case: nothing to say.
        (dev, "arn:aws:iam::{A}:role/dev", &[]),
        (dev, "ARN:AWS:IAM::{A}:ROLE/DEV", &[]),
        (ann, "arn:aws:iam::{A}:user/ENG/Ann", &[]),
        // The same principal in a form that the server does not compare.
        (dev, "arn:aws:iam::{A}:role/team/dev", &["role path"]),
        (dev, "arn:aws:iam::{A}:role/Team/Sub/Dev", &["role path"]),
        (
            dev,
            "arn:aws:sts::{A}:assumed-role/dev/nina@example.com",
            &["session"],
        ),
        (dev, "arn:aws:sts::{A}:assumed-role/dev/somebody", &["session"]),
        (dev, "arn:aws:sts::{A}:assumed-role/dev/*", &["session"]),
        (dev, "arn:aws:sts::{A}:assumed-role/dev", &["session"]),
        (dev, "arn:aws:iam::{A}:assumed-role/dev", &["session"]),
        (ann, "arn:aws:iam::{A}:user/ann", &["user path"]),
        (ann, "arn:aws:iam::{A}:user/ops/ann", &["user path"]),
        (
            "arn:aws:iam::{A}:user/ann",
            "arn:aws:iam::{A}:user/eng/ann",
            &["user path"],
        ),
        (dev, "arn:aws-cn:iam::{A}:role/dev", &["partition"]),
        (
            "arn:aws-us-gov:sts::{A}:assumed-role/dev/x",
            "arn:aws:iam::{A}:role/dev",
            &["partition"],
        ),
        (
            "arn:aws-cn:iam::{A}:user/ann",
            "arn:aws:iam::{A}:user/ann",
            &["partition"],
        ),
        (dev, "arn:aws:iam::{A}:role/dev ", &["padding"]),
        (dev, " arn:aws:iam::{A}:role/dev", &["padding"]),
        (dev, "\u{feff}arn:aws:iam::{A}:role/dev", &["padding"]),
        (dev, "arn:aws:iam::{A}:role/\u{200b}dev", &["padding"]),
        (dev, "<arn:aws:iam::{A}:role/dev>", &["padding"]),
        (dev, "arn:aws:iam::{A}:role/dev/", &["padding"]),
        (dev, "arn:aws:iam::{A}:role/team/dev ", &["role path", "padding"]),
        // Likely the same.
        (dev, "dev", &["form"]),
        (dev, "role/dev", &["form"]),
        (dev, "arn:aws:iam:{A}:role/dev", &["form"]),
        (dev, "arn:aws:iam:us-east-1:{A}:role/dev", &["form"]),
        (dev, "arn:aws:sts::{A}:role/dev", &["form"]),
        (dev, "arn:aws:iam::999900001111:role/dev", &["account"]),
        (
            dev,
            "arn:aws:iam::999900001111:role/team/dev",
            &["role path", "account"],
        ),
        (ann, "arn:aws:iam::999900001111:user/eng/ann", &["account"]),
        (dev, "arn:aws:iam::{A}:user/dev", &["kind"]),
        (dev, "arn:aws:iam::{A}:user/eng/Dev", &["kind"]),
        (dev, "arn:aws:iam::{A}:instance-profile/dev", &["kind"]),
        (dev, "arn:aws:iam::{A}:group/dev", &["kind"]),
        (ann, "arn:aws:iam::{A}:role/ann", &["kind"]),
        (
            "arn:aws:sts::{A}:federated-user/bob",
            "arn:aws:iam::{A}:user/bob",
            &["kind"],
        ),
        (
            "arn:aws:iam::{A}:user/bob",
            "arn:aws:sts::{A}:federated-user/bob",
            &["kind"],
        ),
        (dev, "arn:aws:iam::{A}:role/*", &["wildcard"]),
        (dev, "arn:aws:iam::*:role/dev", &["wildcard"]),
        (ann, "arn:aws:iam::{A}:user/ops/*", &[]),
        (dev, "arn:aws:iam::{A}:role/d?v", &["wildcard"]),
        (ann, "arn:aws:iam::{A}:user/eng/*", &["wildcard"]),
        (ann, "arn:aws:iam::{A}:role/*", &[]),
        (
            &sso,
            "arn:aws:iam::{A}:role/AWSReservedSSO_AdministratorAccess_fedcba9876543210",
            &["sso role"],
        ),
        (
            &sso,
            "arn:aws:iam::{A}:role/AWSReservedSSO_AdministratorAccess_*",
            &["wildcard"],
        ),
        (
            &sso,
            "arn:aws:iam::{A}:role/aws-reserved/sso.amazonaws.com/*/AWSReservedSSO_AdministratorAccess_*",
            &["wildcard"],
        ),
        (
            &sso,
            "arn:aws:iam::{A}:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_AdministratorAccess_0123456789abcdef",
            &["role path"],
        ),
        (
            &sso,
            "arn:aws:sts::{A}:assumed-role/AWSReservedSSO_AdministratorAccess_fedcba9876543210/nina",
            &["sso role", "session"],
        ),
        (
            &sso,
            "arn:aws:iam::999900001111:role/AWSReservedSSO_AdministratorAccess_fedcba9876543210",
            &["sso role", "account"],
        ),
        (
            &sso,
            "arn:aws:iam::{A}:role/AWSReservedSSO_AdministratorAccess",
            &["permission set"],
        ),
        (
            &sso,
            "arn:aws:iam::{A}:role/AdministratorAccess",
            &["permission set"],
        ),
        (&sso, "AdministratorAccess", &["permission set", "form"]),
        (
            &sso,
            "arn:aws:iam::{A}:role/AWSReservedSSO_PowerUserAccess_0123456789abcdef",
            &[],
        ),
        (
            &sso,
            "arn:aws:iam::{A}:role/AWSReservedSSO_PowerUserAccess_*",
            &[],
        ),
        // Remote.
        (dev, "arn:aws:iam::{A}:user/nina@example.com", &["session name"]),
        (dev, "arn:aws:iam::{A}:role/nina@example.com", &["session name"]),
        (dev, "arn:aws:iam::{A}:root", &["root"]),
        (dev, "arn:aws:iam::999900001111:root", &[]),
        ("arn:aws:iam::{A}:root", "arn:aws:iam::{A}:root", &[]),
        (
            "arn:aws:iam::{A}:root",
            "arn:aws:iam::999900001111:root",
            &["account"],
        ),
        (
            "arn:aws:sts::{A}:assumed-role/Deployer/x",
            "arn:aws:iam::{A}:role/Deploer",
            &["slip"],
        ),
        (
            "arn:aws:sts::{A}:assumed-role/eks-admin-role/x",
            "arn:aws:iam::{A}:role/eks_admin_role",
            &["slip"],
        ),
        (
            "arn:aws:sts::{A}:assumed-role/node-1/x",
            "arn:aws:iam::{A}:role/node-2",
            &[],
        ),
        (dev, "arn:aws:iam::{A}:role/ops", &[]),
        (dev, "arn:aws:iam::999900001111:user/dev", &[]),
        (dev, "", &[]),
        (dev, "*", &[]),
        (dev, "arn:aws:s3:::bucket", &[]),
    ];
    for (arn, written, expected) in table {
        let why = misses(&written.replace("{A}", A), &caller(arn));
        let words: Vec<_> = why.iter().map(word).collect();
        assert_eq!(words, *expected, "{arn} and {written:?}");
    }
}

#[test]
fn near_misses_name_the_line_of_every_entry_that_was_meant_for_the_caller() {
    let dev = caller("arn:aws:sts::{A}:assumed-role/dev/nina");
    let ann = caller("arn:aws:iam::{A}:user/ann");
    let sso = caller(&format!("arn:aws:sts::{{A}}:assumed-role/{SSO}/nina"));
    let roles = "mapRoles";
    let users = "mapUsers";
    let table: &[(&Identity, &[(&str, &str)], &[&str])] = &[
        (&dev, &[(roles, "- rolearn: arn:aws:iam::{A}:role/dev\n")], &[]),
        (&dev, &[(roles, "- rolearn: arn:aws:iam::{A}:role/other\n")], &[]),
        // The section of the others: it works, and is worth a word.
        (
            &ann,
            &[(roles, "- rolearn: arn:aws:iam::{A}:user/ann\n")],
            &["mapRoles:1 section"],
        ),
        (
            &dev,
            &[(users, "- userarn: arn:aws:iam::{A}:role/dev\n")],
            &["mapUsers:1 section"],
        ),
        // The key of the other section: the server reads no ARN there.
        (
            &ann,
            &[(
                roles,
                "- rolearn: arn:aws:iam::{A}:role/x\n- userarn: arn:aws:iam::{A}:user/ann\n  username: ann\n",
            )],
            &["mapRoles:2 refused"],
        ),
        (
            &dev,
            &[(users, "- groups: [a]\n  rolearn: arn:aws:iam::{A}:role/dev\n")],
            &["mapUsers:2 refused"],
        ),
        (
            &dev,
            &[(roles, "- \"roleARM\": \"arn:aws:iam::{A}:role/dev\"\n")],
            &["mapRoles:1 refused"],
        ),
        (
            &dev,
            &[(roles, "- role_arn: arn:aws:iam::{A}:role/team/dev # me\n")],
            &["mapRoles:1 refused"],
        ),
        (
            &dev,
            &[(roles, "- arn:aws:iam::{A}:role/dev\n")],
            &["mapRoles:1 refused"],
        ),
        (
            &dev,
            &[(roles, "- {arn: 'arn:aws:iam::{A}:role/dev'}\n")],
            &["mapRoles:1 refused"],
        ),
        (&dev, &[(roles, "- roleARM: arn:aws:iam::{A}:role/ops\n")], &[]),
        (
            &dev,
            &[(
                roles,
                "- rolearn: arn:aws:iam::{A}:role/dev\n  sso: {permissionSetName: x, accountID: '{A}'}\n",
            )],
            &["mapRoles:1 refused"],
        ),
        // Twice.
        (
            &dev,
            &[(
                roles,
                "- rolearn: arn:aws:iam::{A}:role/dev\n- rolearn: arn:aws:iam::{A}:role/DEV\n",
            )],
            &["mapRoles:1 overridden"],
        ),
        (
            &ann,
            &[(
                users,
                "- userarn: arn:aws:iam::{A}:user/ann\n- userarn: arn:aws:iam::{A}:user/Ann\n",
            )],
            &["mapUsers:1 random", "mapUsers:2 random"],
        ),
        (
            &dev,
            &[(roles, "- rolearn: arn:aws:iam::{A}:role/dev\n  groups: x\n")],
            &["mapRoles:1 empty"],
        ),
        // What the server drops or does not know.
        (
            &dev,
            &[(
                roles,
                "- rolearn: x\n  username: {{X}}\n- rolearn: arn:aws:iam::{A}:role/dev\n",
            )],
            &["mapRoles:3 dropped"],
        ),
        (
            &dev,
            &[(roles, "- rolearn: x\n\tusername: dev\n")],
            &["mapRoles:2 dropped"],
        ),
        (
            &dev,
            &[("maproles", "- rolearn: arn:aws:iam::{A}:role/dev\n")],
            &["maproles:1 misspelt"],
        ),
        (
            &ann,
            &[("mapUser", "- userarn: x\n- userarn: arn:aws:iam::{A}:user/ann\n")],
            &["mapUser:2 misspelt"],
        ),
        (&ann, &[("mapaccounts", "- '{A}'\n")], &["mapaccounts:1 misspelt"]),
        (&dev, &[("other", "- rolearn: arn:aws:iam::{A}:role/dev\n")], &[]),
        (
            &sso,
            &[(
                roles,
                "- sso: {permissionSetName: AdministratorAccess, accountID: '{A}'}\n",
            )],
            &["mapRoles:1 sso entry"],
        ),
        (
            &sso,
            &[(roles, "- sso: {permissionSetName: View, accountID: '{A}'}\n")],
            &[],
        ),
        // Accounts.
        (
            &ann,
            &[("mapAccounts", "- 1111-2222-3333\n")],
            &["mapAccounts:1 account form"],
        ),
        (
            &ann,
            &[("mapAccounts", "- arn:aws:iam::{A}:root\n")],
            &["mapAccounts:1 account form"],
        ),
        (&ann, &[("mapAccounts", "- 999900001111\n- '{A}'\n")], &[]),
        // Who is let in hears of nobody else; who is not hears first of the nearest.
        (
            &dev,
            &[
                (
                    roles,
                    "- rolearn: arn:aws:iam::{A}:role/dev\n- rolearn: arn:aws:iam::999900001111:role/dev\n",
                ),
                (users, "- userarn: arn:aws:iam::{A}:user/dev\n"),
            ],
            &[],
        ),
        (
            &dev,
            &[
                (roles, "- rolearn: arn:aws:iam::999900001111:role/dev\n"),
                (users, "- userarn: arn:aws:iam::{A}:user/nina\n"),
            ],
            &["mapRoles:1 account"],
        ),
        (
            &dev,
            &[(users, "- userarn: arn:aws:iam::{A}:user/nina\n")],
            &["mapUsers:1 session name"],
        ),
        // Let in by its account alone: what was meant for it is named all the same.
        (
            &dev,
            &[
                (roles, "- rolearn: arn:aws:iam::{A}:role/team/dev\n"),
                ("mapAccounts", "- '{A}'\n"),
            ],
            &["mapRoles:1 role path"],
        ),
    ];
    for (identity, sections, expected) in table {
        assert_eq!(found(sections, identity), *expected, "{sections:?}");
    }
}
