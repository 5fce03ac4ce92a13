//! Escalation where something stands in the way: an answer that depends, a boundary, a condition, a second step.

use serde_json::{Value, json};

use super::{
    ACCOUNT, REPORTS, allow, arn,
    escalation::{of_eve, user_arn, world},
    policy, reads_reports, role, trusts, user,
};
use crate::{
    diagnosis::authorization::{Actor, Read, Rights, Verdict, who_can},
    ports::aws::Group,
};
use eksact_identity::rbac::Request;

/// A statement that holds from one address alone.
fn from_one_address(mut statement: Value) -> Value {
    statement["Condition"] = json!({"IpAddress": {"aws:SourceIp": "192.0.2.1/32"}});
    statement
}

const ANY: &str = "itself, with any right that its boundary and denies leave";

/// What depends is no answer: a way that is sure takes its place.
#[test]
fn sure_way_is_told_of_whoever_may_perhaps() {
    let (reports, eve) = (arn("reports"), user_arn("eve"));
    let itself = json!([
        from_one_address(allow("s3:GetObject", REPORTS)),
        allow("iam:PutUserPolicy", &eve)
    ]);
    let answer = world(itself).list("s3:GetObject", REPORTS);
    let actor = Actor::IamPrincipal { arn: eve.clone() };
    let direct = answer.direct.iter().find(|row| row.actor == actor);
    assert_eq!(direct.map(|row| row.verdict), Some(Verdict::Depends));
    assert_eq!(
        of_eve(&answer),
        [format!("{ANY}: gives itself any policy (iam:PutUserPolicy)")]
    );
    // The same where she may assume the role perhaps, and change its trust for sure.
    let world_of = |changes: bool| {
        let mut statements = vec![from_one_address(allow("sts:AssumeRole", &reports))];
        if changes {
            statements.push(allow("iam:UpdateAssumeRolePolicy", &reports));
        }
        let mut picture = world(Value::from(statements));
        if let Read::Known(details) = &mut picture.aws.details {
            let role = details.roles.iter_mut().find(|role| role.arn == reports);
            role.unwrap().trust_policy = trusts("AWS", ACCOUNT);
        }
        of_eve(&picture.list("s3:GetObject", REPORTS))
    };
    let perhaps = world_of(false);
    assert_eq!(perhaps.len(), 1, "{perhaps:?}");
    assert!(
        perhaps[0].starts_with(&format!("role {reports}: assumes {reports} (depends: ")),
        "{perhaps:?}"
    );
    assert_eq!(
        world_of(true),
        [format!(
            "role {reports}: changes the trust policy of {reports} (iam:UpdateAssumeRolePolicy)"
        )]
    );
}

/// A way to somebody who may only perhaps says so.
#[test]
fn way_to_whoever_may_perhaps_depends_on_that() {
    let ann = user_arn("ann");
    let mut picture = world(allow("iam:CreateAccessKey", &ann));
    if let Read::Known(details) = &mut picture.aws.details {
        let user = details.users.iter_mut().find(|user| user.arn == ann);
        let own = policy(json!([from_one_address(allow("s3:GetObject", REPORTS))]));
        user.unwrap().inline_policies = [("own".to_owned(), own)].into();
    }
    assert_eq!(
        of_eve(&picture.list("s3:GetObject", REPORTS)),
        [format!(
            "user {ann}: makes an access key of {ann} (iam:CreateAccessKey) (depends: whether {ann} may, which depends as well)"
        )]
    );
}

/// Somebody whose policies she writes, and whom she becomes by changing more.
#[test]
fn principal_is_given_a_policy_and_then_become() {
    let (idle, bob) = (arn("idle"), user_arn("bob"));
    let list = |statements: Value| {
        let mut picture = world(statements);
        if let Read::Known(details) = &mut picture.aws.details {
            details.users.push(user("bob", json!([])));
        }
        of_eve(&picture.list("s3:GetObject", REPORTS))
    };
    assert_eq!(
        list(json!([
            allow("iam:PutRolePolicy", &idle),
            allow("iam:UpdateAssumeRolePolicy", &idle)
        ])),
        [format!(
            "role {idle}: gives {idle} any policy (iam:PutRolePolicy), and changes the trust policy of {idle} \
             (iam:UpdateAssumeRolePolicy)"
        )]
    );
    let passed = list(json!([
        allow("iam:AttachRolePolicy", &idle),
        allow("iam:PassRole", &idle),
        allow("ec2:RunInstances", "*")
    ]));
    assert_eq!(
        passed,
        [format!(
            "role {idle}: gives {idle} any policy (iam:AttachRolePolicy), and passes {idle} to ec2.amazonaws.com (iam:PassRole, \
             ec2:RunInstances) (depends: whether an instance profile has the role)"
        )]
    );
    assert_eq!(
        list(json!([
            allow("iam:AttachUserPolicy", &bob),
            allow("iam:CreateAccessKey", &bob)
        ])),
        [format!(
            "user {bob}: gives {bob} any policy (iam:AttachUserPolicy), and makes an access key of {bob} (iam:CreateAccessKey)"
        )]
    );
    // One of both alone is nothing.
    assert_eq!(list(allow("iam:AttachUserPolicy", &bob)), Vec::<String>::new());
    assert_eq!(list(allow("iam:CreateAccessKey", &bob)), Vec::<String>::new());
}

/// Which policy is attached, to whom and with which boundary is known: conditions on it are decided.
#[test]
fn conditions_on_what_is_attached_are_decided() {
    let eve = user_arn("eve");
    let list = |operator: &str, key: &str, value: Value| {
        let mut statement = allow("iam:AttachUserPolicy", &eve);
        statement["Condition"] = json!({operator: {key: value}});
        of_eve(&world(json!([statement])).list("s3:GetObject", REPORTS))
    };
    let gives = format!("{ANY}: gives itself any policy (iam:AttachUserPolicy)");
    let admin = json!("arn:aws:iam::aws:policy/AdministratorAccess");
    assert_eq!(list("ArnEquals", "iam:PolicyARN", admin), [gives.as_str()]);
    let other = list(
        "ArnEquals",
        "iam:PolicyARN",
        json!("arn:aws:iam::aws:policy/job-function/Billing"),
    );
    assert_eq!(other.len(), 1, "{other:?}");
    assert!(
        other[0].contains("whether a policy that it may attach allows what is asked"),
        "{other:?}"
    );
    // She has no boundary.
    let bounded = json!("arn:aws:iam::111122223333:policy/limits");
    assert_eq!(
        list("StringEquals", "iam:PermissionsBoundary", bounded),
        Vec::<String>::new()
    );
}

/// What eve gets who may do this, and whose permissions boundary leaves her IAM alone.
fn of_bounded_eve(statements: Value) -> Vec<String> {
    let (eve, limits) = (user_arn("eve"), limits());
    let mut picture = world(statements);
    if let Read::Known(details) = &mut picture.aws.details {
        let user = details.users.iter_mut().find(|user| user.arn == eve);
        user.unwrap().permissions_boundary = Some(limits.clone());
        let own = policy(json!([allow("iam:*", "*")]));
        details.policies.insert(limits, own);
    }
    of_eve(&picture.list("s3:GetObject", REPORTS))
}

fn limits() -> String {
    format!("arn:aws:iam::{ACCOUNT}:policy/limits")
}

/// A boundary stops nobody who may lift it.
#[test]
fn boundary_is_lifted_by_whoever_may() {
    let (eve, limits) = (user_arn("eve"), limits());
    let list = of_bounded_eve;
    let unbound = "itself, without its permissions boundary";
    let reads = || allow("s3:GetObject", REPORTS);
    assert_eq!(
        list(json!([reads(), allow("iam:DeleteUserPermissionsBoundary", &eve)])),
        [format!(
            "{unbound}: removes its permissions boundary (iam:DeleteUserPermissionsBoundary)"
        )]
    );
    assert_eq!(
        list(json!([reads(), allow("iam:PutUserPermissionsBoundary", &eve)])),
        [format!(
            "{unbound}: sets another permissions boundary for itself (iam:PutUserPermissionsBoundary)"
        )]
    );
    assert_eq!(
        list(json!([reads(), allow("iam:CreatePolicyVersion", &limits)])),
        [format!(
            "{unbound}: changes the policy of its permissions boundary (iam:CreatePolicyVersion)"
        )]
    );
    assert_eq!(
        list(json!([
            allow("iam:DeleteUserPermissionsBoundary", &eve),
            allow("iam:PutUserPolicy", &eve)
        ])),
        [format!(
            "{ANY}: removes its permissions boundary (iam:DeleteUserPermissionsBoundary), and then gives itself any policy \
             (iam:PutUserPolicy)"
        )]
    );
    // Without that the boundary holds.
    assert_eq!(
        list(json!([reads(), allow("iam:PutUserPolicy", &eve)])),
        Vec::<String>::new()
    );
}

/// Which boundary there is once hers is lifted depends on how: none, her own, or another.
#[test]
fn policy_written_once_a_boundary_is_lifted_is_judged_with_what_became_of_it() {
    let (eve, limits) = (user_arn("eve"), limits());
    let removes = ("iam:DeleteUserPermissionsBoundary", eve.as_str());
    let widens = ("iam:CreatePolicyVersion", limits.as_str());
    let replaces = ("iam:PutUserPermissionsBoundary", eve.as_str());
    let admin = "arn:aws:iam::aws:policy/AdministratorAccess";
    let any_limits = format!("{limits}*");
    let (sure, perhaps) = (Some(Verdict::Yes), Some(Verdict::Depends));
    for (lift, operator, value, expected) in [
        (removes, "Null", "true", sure),
        (removes, "StringEquals", limits.as_str(), None),
        (widens, "StringEquals", limits.as_str(), sure),
        (widens, "StringEquals", admin, None),
        (widens, "Null", "true", None),
        (replaces, "StringEquals", admin, sure),
        (replaces, "Null", "false", sure),
        // Which boundaries she may set is not looked at.
        (replaces, "StringLike", any_limits.as_str(), perhaps),
    ] {
        let mut writes = allow("iam:PutUserPolicy", &eve);
        writes["Condition"] = json!({operator: {"iam:PermissionsBoundary": value}});
        let found = of_bounded_eve(json!([allow(lift.0, lift.1), writes]));
        let case = format!("{} and then {operator} {value}: {found:?}", lift.0);
        let Some(verdict) = expected else {
            assert!(found.is_empty(), "{case}");
            continue;
        };
        assert_eq!(found.len(), 1, "{case}");
        let way = "and then gives itself any policy (iam:PutUserPolicy)";
        assert!(found[0].starts_with(ANY) && found[0].contains(way), "{case}");
        let depends = found[0].contains("iam:PermissionsBoundary");
        assert_eq!(depends, verdict == Verdict::Depends, "{case}");
    }
}

/// Rights over entries that a group would give are those of the cluster's question: mode, boundary and access policy count.
#[test]
fn group_that_writes_entries_is_judged_as_a_whole() {
    let cluster = format!("arn:aws:eks:eu-west-1:{ACCOUNT}:cluster/prod");
    let list = |statements: Value, mode: &str| {
        let mut picture = world(allow("iam:AddUserToGroup", "*"));
        picture.authentication_mode = Some(mode.to_owned());
        if let Read::Known(details) = &mut picture.aws.details {
            details.groups = vec![Group {
                name: "operators".to_owned(),
                arn: None,
                managed_policy_arns: Vec::new(),
                inline_policies: [("own".to_owned(), policy(statements))].into(),
            }];
        }
        let rights = Rights::of(&picture);
        of_eve(&who_can(&rights, &Request::of("delete", "", "pods", Some("app"))))
    };
    let joins = "itself, as a member of group operators: joins the group operators (iam:AddUserToGroup)";
    assert_eq!(
        list(allow("eks:CreateAccessEntry", &cluster), "API"),
        [format!(
            "{joins} (depends: whether a group that does not begin with system: is bound to what it needs)"
        )]
    );
    assert_eq!(
        list(allow("eks:CreateAccessEntry", &cluster), "CONFIG_MAP"),
        Vec::<String>::new()
    );
    assert_eq!(list(allow("eks:*", "*"), "CONFIG_MAP"), [joins]);
}

/// Which access policy, over what and for whom is known; an identity provider needs no entry.
#[test]
fn conditions_on_access_policies_are_decided() {
    let list = |condition: Value| {
        let mut gives = allow("eks:AssociateAccessPolicy", "*");
        gives["Condition"] = condition;
        let mut creates = allow("eks:CreateAccessEntry", "*");
        creates["Condition"] = json!({"ArnEquals": {"eks:principalArn": user_arn("eve")}});
        let picture = world(json!([gives, creates]));
        let rights = Rights::of(&picture);
        of_eve(&who_can(&rights, &Request::of("delete", "", "pods", Some("app"))))
    };
    let of_policy = |name: &str| json!({"ArnEquals": {"eks:policyArn": format!("arn:aws:eks::aws:cluster-access-policy/{name}")}});
    let sure = [
        "whoever it wants to be in the cluster: gives itself the access policy AmazonEKSClusterAdminPolicy \
         (eks:CreateAccessEntry, eks:AssociateAccessPolicy)",
    ];
    assert_eq!(list(of_policy("AmazonEKSClusterAdminPolicy")), sure);
    assert_eq!(
        list(json!({"StringEquals": {"eks:accessScope": "cluster"}})),
        sure
    );
    let limited = list(of_policy("AmazonEKSViewPolicy"));
    assert!(
        limited
            .iter()
            .all(|row| !row.contains("AmazonEKSClusterAdminPolicy")),
        "{limited:?}"
    );
    assert_eq!(
        list(json!({"StringEquals": {"eks:accessScope": "namespace"}})),
        limited
    );
    let provider = world(allow("eks:AssociateIdentityProviderConfig", "*"));
    let rights = Rights::of(&provider);
    let answer = who_can(&rights, &Request::of("delete", "", "pods", Some("app")));
    assert_eq!(
        of_eve(&answer),
        [
            "whoever it wants to be in the cluster: lets an OIDC identity provider of its own name users and groups \
          (eks:AssociateIdentityProviderConfig) (depends: whether the cluster has no OIDC identity provider of its own yet)"
        ]
    );
}

/// Pods whose role reaches the goal by a hop are within reach of whoever is anybody in the cluster.
#[test]
fn pods_that_reach_the_role_by_a_hop_count() {
    let mut picture = world(json!([
        allow("eks:CreateAccessEntry", "*"),
        allow("eks:AssociateAccessPolicy", "*")
    ]));
    if let Read::Known(details) = &mut picture.aws.details {
        let pods = trusts("Service", "pods.eks.amazonaws.com");
        details.roles.push(role("first", pods, json!([])));
        details
            .roles
            .push(reads_reports("second", trusts("AWS", &arn("first"))));
    }
    let picture = picture
        .with_account("app", "web", None)
        .with_association("app", "web", "first", None);
    let answer = picture.list("s3:GetObject", REPORTS);
    let gives = "gives itself the access policy AmazonEKSClusterAdminPolicy (eks:CreateAccessEntry, eks:AssociateAccessPolicy)";
    assert_eq!(
        of_eve(&answer),
        [format!("whoever it wants to be in the cluster: {gives}")]
    );
    // The row of the pods carries what is done: the hop.
    let web = answer.can_become.iter().find(|row| row.actor.name() == "app/web");
    assert_eq!(
        web.map(|row| (row.reason.rule.as_str(), row.reason.scope.clone())),
        Some(("sts:AssumeRole", arn("second")))
    );
}

/// Pods that have the role of somebody who may in the cluster: their row carries what gives them the role.
#[test]
fn pods_with_the_role_of_a_person_carry_their_own_door() {
    let reports = arn("reports");
    let picture = world(json!([]))
        .with_account("app", "web", None)
        .with_association("app", "web", "reports", None)
        .with_entry(&reports, "reports", &["system:masters"]);
    let rights = Rights::of(&picture);
    let answer = who_can(&rights, &Request::of("delete", "", "pods", Some("app")));
    let becomes = format!("role {reports}");
    let web = answer
        .can_become
        .iter()
        .find(|row| row.actor.name() == "app/web" && row.becomes == becomes);
    let reason = web.map(|row| {
        let reason = &row.reason;
        (
            reason.binding.as_str(),
            reason.rule.as_str(),
            reason.scope.as_str(),
        )
    });
    assert_eq!(
        reason,
        Some((
            "trust policy of role reports, statement 1",
            "sts:AssumeRole",
            reports.as_str()
        ))
    );
}
