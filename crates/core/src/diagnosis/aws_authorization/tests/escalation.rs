//! Who becomes more than it is by what it may change in IAM and EKS: one power at a time, and each with what stops it.

use serde_json::{Value, json};

use super::{ACCOUNT, REPORTS, allow, arn, becoming, picture, policy, reads_reports, role, trusts, user};
use crate::{
    diagnosis::{
        access_map::access_map,
        authorization::{Actor, Picture, Read, Rights, Verdict, WhoCan, who_can},
    },
    ports::aws::Group,
};
use eksact_identity::rbac::Request;

pub(super) fn user_arn(name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:user/{name}")
}

/// What is said of eve: whom she becomes, how, and on what it depends.
pub(super) fn of_eve(answer: &WhoCan) -> Vec<String> {
    let eve = Actor::IamPrincipal { arn: user_arn("eve") };
    let rows = answer.can_become.iter().filter(|row| row.actor == eve);
    rows.map(|row| {
        let depends = row.depends_on.as_ref();
        let depends = depends.map_or_else(String::new, |what| format!(" (depends: {what})"));
        assert_eq!(row.verdict == Verdict::Depends, !depends.is_empty(), "{row:?}");
        format!("{}: {}{depends}", row.becomes, row.by)
    })
    .collect()
}

/// An account with the role `reports`, which lambda and pods can have, ann, who reads the reports herself, and eve, who may do this.
pub(super) fn world(statements: Value) -> Picture {
    let trust = policy(json!([
        {"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"],
         "Principal": {"Service": ["lambda.amazonaws.com", "pods.eks.amazonaws.com"]}}
    ]));
    picture(
        vec![
            user("ann", allow("s3:GetObject", REPORTS)),
            user("eve", statements),
        ],
        vec![
            reads_reports("reports", trust),
            role("idle", trusts("Service", "ec2.amazonaws.com"), json!([])),
        ],
    )
}

#[test]
fn principal_becomes_more_by_what_it_may_change() {
    let (reports, idle) = (arn("reports"), arn("idle"));
    let (ann, eve) = (user_arn("ann"), user_arn("eve"));
    let both = |one: Value, other: Value| json!([one, other]);
    let table: Vec<(Value, Vec<String>)> = vec![
        (
            allow("iam:UpdateAssumeRolePolicy", &reports),
            vec![format!(
                "role {reports}: changes the trust policy of {reports} (iam:UpdateAssumeRolePolicy)"
            )],
        ),
        (allow("iam:UpdateAssumeRolePolicy", &idle), vec![]),
        // Her own deny holds whatever the role trusts.
        (
            both(
                allow("iam:UpdateAssumeRolePolicy", &reports),
                json!({"Effect": "Deny", "Action": "sts:AssumeRole", "Resource": "*"}),
            ),
            vec![],
        ),
        (
            allow("iam:PutUserPolicy", &eve),
            vec!["itself, with any right that its boundary and denies leave: gives itself any policy (iam:PutUserPolicy)".to_owned()],
        ),
        (
            both(
                allow("iam:AttachUserPolicy", &eve),
                json!({"Effect": "Deny", "Action": "s3:*", "Resource": "*"}),
            ),
            vec![],
        ),
        (allow("iam:AttachUserPolicy", &ann), vec![]),
        (
            allow("iam:CreateAccessKey", &ann),
            vec![format!(
                "user {ann}: makes an access key of {ann} (iam:CreateAccessKey)"
            )],
        ),
        (
            allow("iam:UpdateLoginProfile", &ann),
            vec![format!(
                "user {ann}: changes the password of {ann} (iam:UpdateLoginProfile) (depends: whether the user has one)"
            )],
        ),
        (
            both(
                allow("iam:PassRole", &reports),
                allow("lambda:CreateFunction", "*"),
            ),
            vec![format!(
                "role {reports}: passes {reports} to lambda.amazonaws.com (iam:PassRole, lambda:CreateFunction) (depends: what \
                 starts it, which it may not itself for sure)"
            )],
        ),
        (
            json!([
                allow("iam:PassRole", &reports),
                allow("lambda:CreateFunction", "*"),
                allow("lambda:InvokeFunction", "*")
            ]),
            vec![format!(
                "role {reports}: passes {reports} to lambda.amazonaws.com (iam:PassRole, lambda:CreateFunction, \
                 lambda:InvokeFunction)"
            )],
        ),
        // Passing alone runs nothing, and neither does a function without the role.
        (allow("iam:PassRole", &reports), vec![]),
        (
            both(allow("iam:PassRole", &idle), allow("lambda:CreateFunction", "*")),
            vec![],
        ),
        (
            json!([
                {"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*",
                 "Condition": {"StringEquals": {"iam:PassedToService": "pods.eks.amazonaws.com"}}},
                allow("eks:CreatePodIdentityAssociation", &format!("arn:aws:eks:eu-west-1:{ACCOUNT}:cluster/prod")),
                allow("lambda:CreateFunction", "*")
            ]),
            vec![format!(
                "role {reports}: passes {reports} to pods.eks.amazonaws.com (iam:PassRole, eks:CreatePodIdentityAssociation) \
                 (depends: a pod of the service account that gets the role, which it must run or get into)"
            )],
        ),
        (allow("iam:PutRolePolicy", &idle), vec![]),
    ];
    for (statements, expected) in table {
        let answer = world(statements.clone()).list("s3:GetObject", REPORTS);
        assert_eq!(of_eve(&answer), expected, "{statements}");
    }
}

/// Groups, versions of policies, and roles whose policies somebody writes.
#[test]
fn policies_are_changed_where_they_are() {
    let own = format!("arn:aws:iam::{ACCOUNT}:policy/own");
    let versions = |action: &str| {
        let mut picture = world(allow(action, &own));
        if let Read::Known(details) = &mut picture.aws.details {
            let eve = details.users.iter_mut().find(|user| user.arn == user_arn("eve"));
            eve.unwrap().managed_policy_arns =
                vec![own.clone(), "arn:aws:iam::aws:policy/ReadOnly".to_owned()];
            for arn in [&own, "arn:aws:iam::aws:policy/ReadOnly"] {
                details.policies.insert(arn.to_owned(), policy(json!([])));
            }
        }
        of_eve(&picture.list("s3:GetObject", REPORTS))
    };
    assert_eq!(
        versions("iam:CreatePolicyVersion"),
        [
            "itself, with any right that its boundary and denies leave: changes its own policy own (iam:CreatePolicyVersion)"
        ]
    );
    assert_eq!(
        versions("iam:SetDefaultPolicyVersion"),
        [
            "itself, with any right that its boundary and denies leave: changes its own policy own \
             (iam:SetDefaultPolicyVersion) (depends: what another version of the policy allows)"
        ]
    );
    let group_of = |path: Option<&str>, name: &str, action: &str| {
        let mut picture = world(allow(
            "iam:AddUserToGroup",
            &format!("arn:aws:iam::{ACCOUNT}:group/{name}"),
        ));
        if let Read::Known(details) = &mut picture.aws.details {
            details.groups = vec![Group {
                name: "readers".to_owned(),
                arn: path.map(|path| format!("arn:aws:iam::{ACCOUNT}:group{path}readers")),
                managed_policy_arns: Vec::new(),
                inline_policies: [("own".to_owned(), policy(allow(action, "*")))].into(),
            }];
        }
        of_eve(&picture.list("s3:GetObject", REPORTS))
    };
    let group = |name: &str, action: &str| group_of(None, name, action);
    let joins = "itself, as a member of group readers: joins the group readers (iam:AddUserToGroup)";
    assert_eq!(
        group("readers", "s3:*"),
        [format!(
            "{joins} (depends: the path of the group readers, which was not read)"
        )]
    );
    assert_eq!(group_of(Some("/"), "readers", "s3:*"), [joins]);
    assert_eq!(group_of(Some("/teams/"), "readers", "s3:*"), Vec::<String>::new());
    assert_eq!(group_of(Some("/teams/"), "teams/*", "s3:*"), [joins]);
    assert_eq!(group_of(Some("/"), "teams/*", "s3:*"), Vec::<String>::new());
    assert_eq!(group("readers", "ec2:*"), Vec::<String>::new());
    assert_eq!(group("writers", "s3:*"), Vec::<String>::new());
    // A role that she assumes, and whose policies she writes.
    let tool = arn("tool");
    let statements = json!([
        allow("iam:AttachRolePolicy", &tool),
        allow("sts:AssumeRole", &tool)
    ]);
    let mut picture = world(statements);
    if let Read::Known(details) = &mut picture.aws.details {
        details
            .roles
            .push(role("tool", trusts("AWS", ACCOUNT), json!([])));
    }
    assert_eq!(
        of_eve(&picture.list("s3:GetObject", REPORTS)),
        [format!(
            "role {tool}: gives {tool} any policy (iam:AttachRolePolicy), and assumes it"
        )]
    );
}

/// Who assumes a role that may change another one's trust becomes that one.
#[test]
fn ways_are_joined() {
    let mut picture = world(json!([]));
    if let Read::Known(details) = &mut picture.aws.details {
        details.roles.push(role(
            "deployer",
            trusts("AWS", &user_arn("eve")),
            allow("iam:UpdateAssumeRolePolicy", "*"),
        ));
        // Identity Center and services keep their roles: nobody changes them.
        details.roles.push(crate::ports::aws::Role {
            path: "/aws-service-role/eks.amazonaws.com/".to_owned(),
            ..reads_reports("AWSServiceRoleForEKS", trusts("Service", "eks.amazonaws.com"))
        });
    }
    let answer = picture.list("s3:GetObject", REPORTS);
    let (deployer, reports) = (arn("deployer"), arn("reports"));
    assert_eq!(of_eve(&answer), [format!("role {deployer}: assumes {deployer}")]);
    let rows: Vec<String> = becoming(&answer)
        .into_iter()
        .filter(|row| row.contains("changes the trust policy"))
        .collect();
    assert_eq!(
        rows,
        [format!(
            "IAM principal {deployer} -> role {reports}: changes the trust policy of {reports} (iam:UpdateAssumeRolePolicy)"
        )]
    );
}

/// Whoever writes access entries is anybody in the cluster: for rights there, and for the roles of pods.
#[test]
fn access_entries_make_anybody() {
    let cluster = format!("arn:aws:eks:eu-west-1:{ACCOUNT}:cluster/prod");
    let entries = format!("arn:aws:eks:eu-west-1:{ACCOUNT}:access-entry/prod/*");
    let writes = || {
        json!([
            allow("eks:CreateAccessEntry", &cluster),
            allow("eks:AssociateAccessPolicy", &entries)
        ])
    };
    let list = |picture: &Picture| {
        let rights = Rights::of(picture);
        who_can(&rights, &Request::of("delete", "", "pods", Some("app")))
    };
    let gives = "gives itself the access policy AmazonEKSClusterAdminPolicy (eks:CreateAccessEntry, eks:AssociateAccessPolicy)";
    let anybody = format!("whoever it wants to be in the cluster: {gives}");
    assert_eq!(of_eve(&list(&world(writes()))), std::slice::from_ref(&anybody));
    // In a cluster that does not read entries she must be able to change that.
    let mut old = world(writes());
    old.authentication_mode = Some("CONFIG_MAP".to_owned());
    assert_eq!(of_eve(&list(&old)), Vec::<String>::new());
    let groups = world(allow("eks:CreateAccessEntry", &cluster));
    assert_eq!(
        of_eve(&list(&groups)),
        [
            "whoever it wants to be in the cluster: puts itself into groups by its access entry (eks:CreateAccessEntry) (depends: \
          whether a group that does not begin with system: is bound to what it needs)"
        ]
    );
    // The role of a pod is within her reach as well.
    let pods = world(writes())
        .with_account("app", "web", None)
        .with_association("app", "web", "reports", None);
    assert_eq!(of_eve(&pods.list("s3:GetObject", REPORTS)), [anybody]);
    // And the map tells it apart from who may.
    let map = access_map(&Rights::of(&world(writes())));
    let told: Vec<(&str, &str)> = map
        .escalators
        .iter()
        .map(|escalator| (escalator.who.as_str(), escalator.by.as_str()))
        .collect();
    assert_eq!(told, [(user_arn("eve").as_str(), gives)]);
}

/// The roles of those who may in the cluster are assumed and changed like all others.
#[test]
fn iam_counts_for_rights_in_the_cluster() {
    let picture = world(allow("iam:UpdateAssumeRolePolicy", &arn("reports"))).with_entry(
        &arn("reports"),
        "reports",
        &["system:masters"],
    );
    let rights = Rights::of(&picture);
    let answer = who_can(&rights, &Request::of("delete", "", "pods", Some("app")));
    let reports = arn("reports");
    assert_eq!(
        of_eve(&answer),
        [format!(
            "role {reports}: changes the trust policy of {reports} (iam:UpdateAssumeRolePolicy)"
        )]
    );
    let map = access_map(&rights);
    assert_eq!(map.people[0].becoming[0].who, user_arn("eve"));
    assert!(map.escalators.is_empty());
}
