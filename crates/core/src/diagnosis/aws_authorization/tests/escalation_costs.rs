//! What the search for who becomes more costs in an account with hundreds of roles that may change a few others each: how often
//! something is decided, not how long it takes.

use std::collections::BTreeSet;

use serde_json::json;

use super::{REPORTS, allow, arn, picture, policy, role, trusts};
use crate::diagnosis::{
    authorization::{Picture, Read},
    aws_authorization::{
        AwsQuestion, AwsRequest,
        escalation::{Escalations, Goal},
        identities::Identities,
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

fn decided(picture: &Picture) -> (usize, usize) {
    let Read::Known(details) = &picture.aws.details else {
        panic!("it is there")
    };
    let identities = Identities::of(details, &picture.account);
    let escalations = Escalations::of(&identities, picture);
    let request = AwsRequest::of("s3:GetObject", Some(REPORTS), None).unwrap();
    let question = AwsQuestion::new(request, Some(&policy(json!([]))));
    let found = escalations.of_itself(Goal::Question(&question), &BTreeSet::new());
    (found.len(), escalations.decided.get())
}

#[test]
fn narrow_roles_are_looked_at_by_what_they_may_change() {
    let (found, of_some) = decided(&teams(50));
    assert_eq!(found, 0, "nothing runs the functions");
    let (_, of_more) = decided(&teams(200));
    // Four times as many teams, and about four times as much to decide.
    assert!(
        of_more <= of_some * 5,
        "{of_some} for 50 teams, {of_more} for 200"
    );
    let each = of_more / 200;
    assert!(each <= 40 * SERVICES_OF_TEAM, "{each} for each team");
}
