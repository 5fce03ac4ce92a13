//! The question for every namespace is the questions for each of them together, over generated clusters and accounts.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Value, json};

use super::{
    Actor, Becomes, Every, Namespaces, Picture, Read, Reason, Rights, Row, Verdict, WhoCan,
    tests::{binding, entry, picture, role},
    who_can, who_can_in_any,
};
use crate::{
    diagnosis::aws_authorization::{AwsPicture, Details},
    ports::aws::{Role, User},
};
use eksact_identity::rbac::Request;

const NINA: &str = "arn:aws:iam::111122223333:user/nina";
/// A namespace of which no picture knows: what is so there is so in every one.
const LATER: &str = "made-later";

const RULES: [(&str, &[&str]); 14] = [
    ("reader", &["get - secrets"]),
    ("of-one", &["get - secrets web"]),
    ("pods", &["create - pods"]),
    ("exec", &["create - pods/exec"]),
    ("token-of-web", &["create - serviceaccounts/token web"]),
    ("impersonate", &["impersonate - serviceaccounts"]),
    ("impersonate-people", &["impersonate - users,groups"]),
    (
        "impersonate-devs",
        &["impersonate - users", "impersonate - groups devs"],
    ),
    ("bind", &["bind rbac.authorization.k8s.io clusterroles"]),
    ("bindings", &["create rbac.authorization.k8s.io rolebindings"]),
    ("escalate", &["escalate,update rbac.authorization.k8s.io roles"]),
    ("nodes", &["get - nodes/proxy"]),
    ("secrets", &["create - secrets"]),
    ("config", &["update - configmaps"]),
];

fn place() -> impl Strategy<Value = Option<&'static str>> {
    select(vec![
        None,
        Some("app"),
        Some("app"),
        Some("dev-1"),
        Some("dev-1"),
        Some("ops"),
    ])
}

fn bindings() -> impl Strategy<Value = Vec<(Option<&'static str>, &'static str, &'static str)>> {
    let subjects = vec![
        "Group devs",
        "Group system:serviceaccounts:app",
        "Group system:authenticated",
        "User eve",
        "User ops:nina",
        "User arn:aws:iam::111122223333:user/eve",
        "User system:serviceaccount:ops:ci",
        "ServiceAccount app/web",
        "ServiceAccount app/api",
        "ServiceAccount dev-1/web",
        "ServiceAccount ops/ci",
    ];
    let roles = RULES.map(|(name, _)| name).to_vec();
    vec((place(), select(roles), select(subjects)), 0..12)
}

/// Access policies of nina and ops: name, and scope.
fn policies() -> impl Strategy<Value = Vec<(&'static str, Option<&'static [&'static str]>)>> {
    let names = vec![
        "AmazonEKSAdminPolicy",
        "AmazonEKSEditPolicy",
        "AmazonEKSViewPolicy",
        "AmazonEKSComputePolicy",
        "AmazonEKSNetworkingPolicy",
    ];
    let scopes: Vec<Option<&[&str]>> = vec![None, Some(&["app"]), Some(&["app", "dev-*"]), Some(&["gone"])];
    vec((select(names), select(scopes)), 0..4)
}

/// What the role `ops`, `deployer` and the user nina may do in IAM.
fn statements() -> impl Strategy<Value = Vec<Value>> {
    let all = [
        ("sts:AssumeRole", "arn:aws:iam::111122223333:role/ops"),
        ("iam:UpdateAssumeRolePolicy", "arn:aws:iam::111122223333:role/ops"),
        ("iam:CreateAccessKey", NINA),
        ("iam:CreateLoginProfile", NINA),
        ("eks:CreateAccessEntry", "*"),
        ("s3:GetObject", "*"),
    ];
    let one = (select(all.to_vec()), any::<bool>()).prop_map(|((action, resource), is_sure)| {
        let mut statement = json!({"Effect": "Allow", "Action": action, "Resource": resource});
        if !is_sure {
            statement["Condition"] = json!({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}});
        }
        statement
    });
    vec(one, 0..3)
}

fn iam_role(name: &str, statements: &[Value], boundary: Option<&str>) -> Role {
    let trust_policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "111122223333"}}]});
    Role {
        name: name.to_owned(),
        arn: format!("arn:aws:iam::111122223333:role/{name}"),
        id: format!("AROA{name}"),
        path: "/".to_owned(),
        trust_policy,
        managed_policy_arns: Vec::new(),
        inline_policies: BTreeMap::from([(
            "own".to_owned(),
            json!({"Version": "2012-10-17", "Statement": statements}),
        )]),
        max_session_seconds: None,
        permissions_boundary: boundary.map(ToOwned::to_owned),
        tags: BTreeMap::new(),
    }
}

/// `data` of aws-auth: nothing, a role and an account of whom it is not known which sessions and users they let in, or not read.
fn aws_auth() -> impl Strategy<Value = Read<Option<BTreeMap<String, String>>>> {
    let data = |key: &str, text: &str| Read::Known(Some(BTreeMap::from([(key.to_owned(), text.to_owned())])));
    select(vec![
        Read::Known(None),
        data(
            "mapRoles",
            "- rolearn: arn:aws:iam::111122223333:role/deployer\n  username: ops:{{SessionName}}\n  groups: [devs]\n",
        ),
        data("mapAccounts", "- \"111122223333\"\n"),
        Read::Unread("access denied".to_owned()),
    ])
}

/// A policy that leaves a little of what roles may, and one whose document was not read.
const BOUNDARIES: [&str; 2] = [
    "arn:aws:iam::111122223333:policy/limits",
    "arn:aws:iam::111122223333:policy/unread",
];

fn pictures() -> impl Strategy<Value = Picture> {
    let boundary = select(vec![None, Some(BOUNDARIES[0]), Some(BOUNDARIES[1])]);
    let of_iam = proptest::option::of((statements(), statements(), statements(), boundary));
    let modes = select(vec!["API", "API_AND_CONFIG_MAP"]);
    let versions = select(vec![None, Some("1.34"), Some("1.36")]);
    let of_cluster = (bindings(), policies(), policies(), aws_auth());
    (of_cluster, of_iam, modes, versions).prop_map(
        |((bindings, of_nina, of_ops, aws_auth), of_iam, mode, version)| {
            let mut made = picture();
            if let Read::Known(all) = &mut made.roles {
                all.extend(RULES.map(|(name, rules)| role(None, name, rules)));
            }
            let of = |(place, name, subject): (Option<&str>, &str, &str)| {
                binding(place, &format!("ClusterRole {name}"), subject)
            };
            made.bindings = Read::Known(bindings.into_iter().map(of).collect());
            made.access_entries = Read::Known(vec![
                entry(NINA, "nina", "devs", &of_nina),
                entry(
                    "arn:aws:iam::111122223333:role/ops",
                    "ops:{{SessionName}}",
                    "",
                    &of_ops,
                ),
            ]);
            made.authentication_mode = Some(mode.to_owned());
            made.aws_auth = aws_auth;
            made.version = version.map(ToOwned::to_owned);
            if let Some((ops, deployer, nina, boundary)) = of_iam {
                let limits = json!({"Version": "2012-10-17", "Statement": [
                    {"Effect": "Allow", "Action": ["sts:AssumeRole", "iam:CreateAccessKey"], "Resource": "*"}]});
                let own = json!({"Version": "2012-10-17", "Statement": nina});
                made.aws = AwsPicture {
                    details: Read::Known(Details {
                        roles: vec![
                            iam_role("ops", &ops, None),
                            iam_role("deployer", &deployer, boundary),
                            iam_role("other", &deployer, None),
                        ],
                        policies: BTreeMap::from([(BOUNDARIES[0].to_owned(), limits)]),
                        users: vec![User {
                            arn: NINA.to_owned(),
                            groups: Vec::new(),
                            managed_policy_arns: Vec::new(),
                            inline_policies: BTreeMap::from([("own".to_owned(), own)]),
                            permissions_boundary: None,
                            tags: BTreeMap::new(),
                        }],
                        ..Details::default()
                    }),
                    cluster_arn: "arn:aws:eks:eu-west-1:111122223333:cluster/prod".to_owned(),
                    ..made.aws
                };
            }
            made
        },
    )
}

fn covers(namespaces: Option<&Namespaces>, namespace: &str) -> bool {
    match namespaces {
        None | Some(Namespaces::Every(Every::All)) => true,
        Some(Namespaces::Named(names)) => names.iter().any(|name| name == namespace),
    }
}

/// What an answer says of one namespace.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    direct: BTreeMap<Actor, Verdict>,
    paths: BTreeSet<(Actor, Option<String>, Reason)>,
    depends_on: BTreeSet<(Actor, String)>,
    can_become: BTreeMap<Actor, Verdict>,
}

fn said(answer: &WhoCan, namespace: &str) -> Said {
    let of_direct = |row: &&Row| covers(row.namespaces.as_ref(), namespace);
    let of_become = |row: &&Becomes| covers(row.namespaces.as_ref(), namespace);
    let mut direct: BTreeMap<Actor, Verdict> = BTreeMap::new();
    let mut paths = BTreeSet::new();
    let mut depends_on = BTreeSet::new();
    for row in answer.direct.iter().filter(of_direct) {
        let surest = direct.entry(row.actor.clone()).or_insert(row.verdict);
        *surest = row.verdict.min(*surest);
        for path in &row.paths {
            if covers(path.namespaces.as_ref(), namespace) {
                paths.insert((row.actor.clone(), path.via.clone(), path.reason.clone()));
            }
        }
        let all = row.depends_on.iter();
        depends_on.extend(all.map(|what| (row.actor.clone(), what.clone())));
    }
    // Whoever may where it is depends on nothing there, though it may in namespaces that are made later.
    depends_on.retain(|(actor, _)| direct.get(actor) == Some(&Verdict::Depends));
    let mut can_become: BTreeMap<Actor, Verdict> = BTreeMap::new();
    for row in answer.can_become.iter().filter(of_become) {
        // Whoever may itself there becomes nothing by it; who may perhaps is told again where becoming is surer.
        if direct.get(&row.actor).is_none_or(|own| row.verdict < *own) {
            let surest = can_become.entry(row.actor.clone()).or_insert(row.verdict);
            *surest = row.verdict.min(*surest);
        }
    }
    Said {
        direct,
        paths,
        depends_on,
        can_become,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn any_namespace_is_each_of_them_together(
        picture in pictures(),
        (verb, resource) in select(vec![("get", "secrets"), ("create", "pods"), ("list", "widgets")]),
    ) {
        let rights = Rights::of(&picture);
        let any = who_can_in_any(&rights, &Request::of(verb, "", resource, None));
        let each = any.namespaces.as_deref().unwrap_or_default();
        for namespace in each.iter().map(String::as_str).chain([LATER]) {
            let one = who_can(&rights, &Request::of(verb, "", resource, Some(namespace)));
            prop_assert_eq!(said(&any, namespace), said(&one, namespace), "{}", namespace);
        }
        let all = any.direct.iter().map(|row| &row.namespaces);
        for namespaces in all.chain(any.can_become.iter().map(|row| &row.namespaces)) {
            prop_assert!(namespaces.as_ref().is_some_and(|names| !names.words().is_empty()));
        }
        prop_assert_eq!(any.complete, who_can(&rights, &Request::of(verb, "", resource, Some("app"))).complete);
    }
}
