//! Callers as they come.

use super::*;

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
