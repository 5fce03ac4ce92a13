//! What the search for who becomes more costs in an account with hundreds of roles that may change a few others each, or of which the
//! policies were not read: how often something is decided, not how long it takes.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{ACCOUNT, REPORTS, allow, arn, picture, policy, role, trusts};
use crate::diagnosis::{
    authorization::{Picture, Read},
    aws_authorization::{
        AwsQuestion, AwsRequest,
        escalation::{Escalations, Goal},
        identities::Identities,
        pods::Pods,
        search::Search,
    },
};

const SERVICES_OF_TEAM: usize = 5;

/// Teams whose deployer attaches policies to the team's own services, and passes them on; nothing of it reads the reports.
fn teams(number: usize) -> Picture {
    let mut roles = Vec::new();
    for team in 0..number {
        let services = arn(&format!("team-{team:04}-*"));
        let statements = json!([
            allow("iam:AttachRolePolicy", &services),
            allow("iam:PutRolePolicy", &services),
            allow("iam:PassRole", &services),
            {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}
        ]);
        roles.push(role(
            &format!("deployer-{team:04}"),
            trusts("Service", "ec2.amazonaws.com"),
            statements,
        ));
        for service in 0..SERVICES_OF_TEAM {
            let own = json!([{"Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*"}]);
            let name = format!("team-{team:04}-{service}");
            roles.push(role(&name, trusts("Service", "lambda.amazonaws.com"), own));
        }
    }
    picture(Vec::new(), roles)
}

/// Asks who may read the reports, by `look`, which says how much it found; and how often something was decided for that.
fn decided(
    picture: &Picture,
    look: impl Fn(&Identities<'_>, &Escalations<'_, '_>, &AwsQuestion) -> usize,
) -> (usize, usize) {
    let Read::Known(details) = &picture.aws.details else {
        panic!("it is there")
    };
    let identities = Identities::of(details, &picture.account);
    let escalations = Escalations::of(&identities, picture);
    let request = AwsRequest::of("s3:GetObject", Some(REPORTS), None).unwrap();
    let question = AwsQuestion::new(request, Some(&policy(json!([]))));
    let found = look(&identities, &escalations, &question);
    (found, identities.decided.get())
}

/// Who can read them by itself.
fn of_itself(picture: &Picture) -> (usize, usize) {
    decided(picture, |_, escalations, question| {
        escalations
            .of_itself(Goal::Question(question), &BTreeSet::new())
            .len()
    })
}

/// Identical roles, of which the document of the one managed policy was not read.
fn unread(number: usize, trust: &Value, own: &Value) -> Picture {
    let roles = (0..number).map(|number| {
        let mut one = role(&format!("service-{number:04}"), trust.clone(), own.clone());
        one.managed_policy_arns = vec![format!("arn:aws:iam::{ACCOUNT}:policy/all")];
        one
    });
    picture(Vec::new(), roles.collect())
}

/// The rows of a whole search of who may read them.
fn searched(picture: &Picture) -> (usize, usize) {
    decided(picture, |identities, escalations, question| {
        let pods = Pods::of(picture);
        let mut search = Search::of(identities, &pods);
        let goals = search.holders(question);
        search.climb(escalations, Some(Goal::Question(question)), &goals);
        search.climb(escalations, Some(Goal::Cluster), &goals);
        search.rows.len() + search.becomes.len()
    })
}

/// Of a policy that was not read everything depends, each on each other: who depends on one thing already is not asked about all others.
#[test]
fn roles_with_unread_policies_are_not_asked_about_each_other() {
    let deny = |action: &str| json!([{"Effect": "Deny", "Action": action, "Resource": "*"}]);
    let of_account = trusts("AWS", ACCOUNT);
    let of_service = trusts("Service", "ec2.amazonaws.com");
    for (trust, own) in [
        (&of_account, json!([])),
        (&of_service, deny("iam:*")),
        (&of_service, deny("s3:*")),
    ] {
        let (found, of_some) = searched(&unread(200, trust, &own));
        assert!(found >= 200, "{found} {trust} {own}");
        let (_, of_more) = searched(&unread(800, trust, &own));
        assert!(
            of_more <= of_some * 5,
            "{of_some} for 200, {of_more} for 800: {trust} {own}"
        );
    }
}

#[test]
fn narrow_roles_are_looked_at_by_what_they_may_change() {
    let (found, of_some) = of_itself(&teams(50));
    assert_eq!(found, 0, "nothing runs the functions");
    let (_, of_more) = of_itself(&teams(200));
    // Four times as many teams, and about four times as much to decide.
    assert!(
        of_more <= of_some * 5,
        "{of_some} for 50 teams, {of_more} for 200"
    );
    let each = of_more / 200;
    assert!(each <= 40 * SERVICES_OF_TEAM, "{each} for each team");
}
