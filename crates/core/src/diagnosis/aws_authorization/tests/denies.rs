//! Who takes away what denies it something, and then may.

use serde_json::{Value, json};

use super::{
    REPORTS, allow,
    escalation::{of_eve, user_arn, world},
    policy,
};
use crate::{diagnosis::authorization::Read, ports::aws::Group};

const BRAKE: &str = "arn:aws:iam::111122223333:policy/brake";
const FREE: &str = "itself, without what denies it";

/// Where the deny is.
#[derive(Clone, Copy)]
enum Brake {
    Inline,
    Attached,
    /// In a group of this ARN.
    OfGroup(Option<&'static str>),
    Boundary,
}

fn told(brake: Brake, statements: Value) -> Vec<String> {
    let deny = policy(json!([
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}
    ]));
    let only_deny = policy(json!([{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}]));
    let mut picture = world(statements);
    if let Read::Known(details) = &mut picture.aws.details {
        details.policies.insert(BRAKE.to_owned(), only_deny.clone());
        let eve = details
            .users
            .iter_mut()
            .find(|user| user.arn == user_arn("eve"))
            .unwrap();
        match brake {
            Brake::Inline => drop(eve.inline_policies.insert("brake".to_owned(), only_deny)),
            Brake::Attached => eve.managed_policy_arns.push(BRAKE.to_owned()),
            Brake::OfGroup(arn) => {
                eve.groups.push("brakes".to_owned());
                details.groups.push(Group {
                    name: "brakes".to_owned(),
                    arn: arn.map(ToOwned::to_owned),
                    managed_policy_arns: Vec::new(),
                    inline_policies: [("brake".to_owned(), only_deny)].into(),
                });
            }
            Brake::Boundary => {
                details.policies.insert(BRAKE.to_owned(), deny);
                eve.permissions_boundary = Some(BRAKE.to_owned());
            }
        }
    }
    of_eve(&picture.list("s3:GetObject", REPORTS))
}

#[test]
fn deny_can_be_taken_away_by_whom_it_denies() {
    let eve = user_arn("eve");
    let group = "arn:aws:iam::111122223333:group/teams/brakes";
    let reads = || allow("s3:GetObject", REPORTS);
    let of_policy = |action: &str, policy: &str| {
        let mut statement = allow(action, &eve);
        statement["Condition"] = json!({"ArnEquals": {"iam:PolicyARN": policy}});
        statement
    };
    let in_group = Brake::OfGroup(Some(group));
    let one = |how: &str| vec![format!("{FREE}: {how}")];
    let table: Vec<(Brake, Value, Vec<String>)> = vec![
        (Brake::Inline, json!([reads()]), vec![]),
        (
            Brake::Inline,
            json!([reads(), allow("iam:DeleteUserPolicy", &eve)]),
            one("removes inline policy brake of user eve (iam:DeleteUserPolicy)"),
        ),
        // What it has not by the other policies, it has not without the deny.
        (Brake::Inline, json!([allow("iam:DeleteUserPolicy", &eve)]), vec![]),
        (
            Brake::Inline,
            json!([allow("iam:PutUserPolicy", &eve)]),
            vec![
                "itself, with any right that its boundary and denies leave: overwrites inline policy brake of user eve \
                 (iam:PutUserPolicy), and then gives itself any policy (iam:PutUserPolicy)"
                    .to_owned(),
            ],
        ),
        (Brake::Inline, json!([reads(), allow("iam:DetachUserPolicy", &eve)]), vec![]),
        (
            Brake::Attached,
            json!([reads(), of_policy("iam:DetachUserPolicy", BRAKE)]),
            one("detaches policy brake (iam:DetachUserPolicy)"),
        ),
        (
            Brake::Attached,
            json!([reads(), of_policy("iam:DetachUserPolicy", "arn:aws:iam::aws:policy/ReadOnlyAccess")]),
            vec![],
        ),
        (
            Brake::Attached,
            json!([reads(), allow("iam:CreatePolicyVersion", BRAKE)]),
            one("changes policy brake (iam:CreatePolicyVersion)"),
        ),
        (
            in_group,
            json!([reads(), allow("iam:RemoveUserFromGroup", group)]),
            one("leaves its group brakes (iam:RemoveUserFromGroup)"),
        ),
        (
            in_group,
            json!([reads(), allow("iam:DeleteGroupPolicy", group)]),
            one("removes inline policy brake of group brakes (iam:DeleteGroupPolicy)"),
        ),
        // The path of a group is a part of its ARN.
        (
            in_group,
            json!([reads(), allow("iam:DeleteGroupPolicy", "arn:aws:iam::111122223333:group/brakes")]),
            vec![],
        ),
        (
            Brake::OfGroup(None),
            json!([reads(), allow("iam:DeleteGroupPolicy", group)]),
            vec![format!(
                "{FREE}: removes inline policy brake of group brakes (iam:DeleteGroupPolicy) (depends: inline policy own of user \
                 eve, Own: it allows this only with the resource {group} (it is for some of them); the path of the group brakes, \
                 which was not read)"
            )],
        ),
        // A boundary is no policy of its own.
        (
            Brake::Boundary,
            json!([reads(), allow("iam:DeleteUserPolicy", &eve), allow("iam:DetachUserPolicy", &eve)]),
            vec![],
        ),
    ];
    for (brake, statements, expected) in table {
        assert_eq!(told(brake, statements.clone()), expected, "{statements}");
    }
}

/// Two denies, of which each must go.
#[test]
fn denies_are_all_taken_away_by_whom_they_deny() {
    let eve = user_arn("eve");
    let reads = || allow("s3:GetObject", REPORTS);
    let list = |statements: Value| {
        let mut picture = world(statements);
        if let Read::Known(details) = &mut picture.aws.details {
            let deny = policy(json!([{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}]));
            details.policies.insert(BRAKE.to_owned(), deny.clone());
            let user = details.users.iter_mut().find(|user| user.arn == eve).unwrap();
            user.managed_policy_arns.push(BRAKE.to_owned());
            user.inline_policies.insert("brake".to_owned(), deny);
        }
        of_eve(&picture.list("s3:GetObject", REPORTS))
    };
    let one = allow("iam:DeleteUserPolicy", &eve);
    let other = allow("iam:DetachUserPolicy", &eve);
    assert_eq!(list(json!([reads(), one])), Vec::<String>::new());
    assert_eq!(
        list(json!([reads(), one, other])),
        [format!(
            "{FREE}: removes inline policy brake of user eve (iam:DeleteUserPolicy), detaches policy brake (iam:DetachUserPolicy)"
        )]
    );
}
