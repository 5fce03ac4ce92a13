//! Users and roles: chains of them, who is behind them, and what limits them.

use super::{
    ACCOUNT, AwsWho, BTreeMap, Group, NINA, REPORTS, Read, Verdict, allow, arn, becoming, broken, direct,
    json, picture, policy, reads_reports, role, trusts, user,
};

#[test]
fn roles_are_assumed_in_chains_and_cycles_end() {
    let assume = |target: &str| allow("sts:AssumeRole", &arn(target));
    let picture = picture(
        vec![user("nina", assume("a"))],
        vec![
            role("a", trusts("AWS", ACCOUNT), assume("b")),
            role("b", trusts("AWS", &arn("a")), assume("c")),
            reads_reports("c", trusts("AWS", &arn("b"))),
            // Trusted by c, so that a -> b -> c -> a.
            role("d", trusts("AWS", &arn("c")), assume("a")),
        ],
    );
    let answer = picture.list("s3:GetObject", REPORTS);
    assert_eq!(direct(&answer), [format!("IAM principal {} yes", arn("c"))]);
    let rows = becoming(&answer);
    let (a, b, c, d) = (arn("a"), arn("b"), arn("c"), arn("d"));
    assert_eq!(
        rows,
        [
            format!("IAM principal {a} -> role {b}: assumes {b}, which assumes {c}"),
            format!("IAM principal {b} -> role {c}: assumes {c}"),
            format!("IAM principal {d} -> role {a}: assumes {a}, which assumes {b}, which assumes {c}"),
            format!("IAM principal {NINA} -> role {a}: assumes {a}, which assumes {b}, which assumes {c}"),
        ]
    );
    let explained = picture.why(AwsWho::Principal(NINA), "s3:GetObject", REPORTS);
    assert_eq!(explained.answer, Verdict::No);
    assert!(
        explained.nearest[0].contains(&format!("assumes {a}")),
        "{:?}",
        explained.nearest
    );
}

#[test]
fn long_chain_ends_at_the_bound_and_says_so() {
    let assume = |target: &str| allow("sts:AssumeRole", &arn(target));
    let mut roles = vec![reads_reports("r0", trusts("AWS", ACCOUNT))];
    for number in 1..50 {
        let target = format!("r{}", number - 1);
        roles.push(role(
            &format!("r{number}"),
            trusts("AWS", ACCOUNT),
            assume(&target),
        ));
    }
    let answer = picture(Vec::new(), roles).list("s3:GetObject", REPORTS);
    assert_eq!(answer.can_become.len(), 5, "{:?}", becoming(&answer));
    assert!(
        answer.notes.iter().any(|note| note.contains("more than 5 roles")),
        "{:?}",
        answer.notes
    );
}

/// Who is behind a permission set, IAM does not know; others of the account are not listed by it at all.
#[test]
fn people_behind_roles_are_named_as_far_as_iam_knows_them() {
    let mut of_set = reads_reports(
        "AWSReservedSSO_Reader_0123456789abcdef",
        trusts("Federated", "arn:aws:iam::111122223333:saml-provider/AWSSSO_x"),
    );
    of_set.path = "/aws-reserved/sso.amazonaws.com/".to_owned();
    of_set.arn = format!(
        "arn:aws:iam::{ACCOUNT}:role/aws-reserved/sso.amazonaws.com/{}",
        of_set.name
    );
    let foreign = reads_reports("shared", trusts("AWS", "444455556666"));
    let lambda = reads_reports("lambda", trusts("Service", "lambda.amazonaws.com"));
    let answer = picture(Vec::new(), vec![of_set, foreign, lambda]).list("s3:GetObject", REPORTS);
    let of_set = answer
        .direct
        .iter()
        .find(|row| row.actor.name().contains("AWSReservedSSO"));
    assert_eq!(
        of_set.unwrap().paths[0].via.as_deref(),
        Some("whoever is assigned the permission set Reader")
    );
    let outsiders: Vec<String> = becoming(&answer)
        .into_iter()
        .filter(|row| row.starts_with("outsider"))
        .collect();
    assert_eq!(outsiders.len(), 3, "{outsiders:?}");
    assert!(
        answer
            .can_become
            .iter()
            .all(|row| row.verdict == Verdict::Depends)
    );
}

#[test]
fn groups_boundaries_and_unread_policies_count() {
    let mut grouped = user("nina", json!([]));
    grouped.groups = vec!["readers".to_owned()];
    let mut bounded = reads_reports("bounded", trusts("AWS", ACCOUNT));
    bounded.permissions_boundary = Some(format!("arn:aws:iam::{ACCOUNT}:policy/limit"));
    let mut unread = role("unread", trusts("AWS", ACCOUNT), json!([]));
    unread.managed_policy_arns = vec!["arn:aws:iam::aws:policy/Unknown".to_owned()];
    let mut picture = picture(vec![grouped], vec![bounded, unread]);
    if let Read::Known(details) = &mut picture.aws.details {
        details.groups.push(Group {
            name: "readers".to_owned(),
            arn: None,
            managed_policy_arns: Vec::new(),
            inline_policies: BTreeMap::from([("read".to_owned(), policy(allow("s3:GetObject", "*")))]),
        });
        details.policies.insert(
            format!("arn:aws:iam::{ACCOUNT}:policy/limit"),
            policy(allow("ec2:*", "*")),
        );
    }
    assert_eq!(
        direct(&picture.list("s3:GetObject", REPORTS)),
        [
            format!("IAM principal {} depends", arn("unread")),
            format!("IAM principal {NINA} yes"),
        ]
    );
    let explained = picture.why(AwsWho::Principal(&arn("bounded")), "s3:GetObject", REPORTS);
    assert!(
        broken(&explained).1.contains("permissions boundary"),
        "{:?}",
        explained.links
    );
}

/// `sts:AssumeRole` itself is decided by the trust policy, which is read.
#[test]
fn assuming_a_role_is_a_question_too() {
    let picture = picture(
        vec![user("nina", allow("sts:AssumeRole", "*")), user("bob", json!([]))],
        vec![
            role("target", trusts("AWS", ACCOUNT), json!([])),
            role("dead", trusts("AWS", "AIDACKCEVSQ6C2EXAMPLE"), json!([])),
        ],
    );
    assert_eq!(
        direct(&picture.list("sts:AssumeRole", &arn("target"))),
        [format!("IAM principal {NINA} yes")]
    );
    let explained = picture.why(AwsWho::Principal(NINA), "sts:AssumeRole", &arn("dead"));
    assert!(
        broken(&explained).1.contains("is a principal that was deleted"),
        "{:?}",
        explained.links
    );
}
