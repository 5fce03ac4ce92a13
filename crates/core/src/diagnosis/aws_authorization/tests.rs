//! Questions over accounts that are made by hand, each with the answer that IAM, EKS and the cluster give together.

mod escalation;
mod escalation_steps;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Association, AwsPicture, AwsQuestion, AwsRequest, AwsWho, Details, explain_aws, who_can_in_aws};
use crate::{
    diagnosis::authorization::{
        Account, Actor, Explanation, LinkState, Picture, Read, Rights, Verdict, WhoCan,
    },
    ports::{
        aws::{AccessEntry, Group, Role, User},
        kubernetes::{PolicyRule, RbacBinding, RbacRole, Subject},
    },
};
use eksact_identity::iam::trust::irsa_trust_policy;

const ACCOUNT: &str = "111122223333";
const ISSUER: &str = "oidc.eks.eu-west-1.amazonaws.com/id/A1B2";
const PROVIDER: &str = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/A1B2";
const NINA: &str = "arn:aws:iam::111122223333:user/nina";
const REPORTS: &str = "arn:aws:s3:::reports/*";
/// A bucket policy that says nothing.
const SILENT: &str = r#"{"Version": "2012-10-17", "Statement": []}"#;

fn arn(role: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:role/{role}")
}

fn policy(statements: impl Into<Value>) -> Value {
    let statements: Value = statements.into();
    json!({"Version": "2012-10-17", "Statement": statements})
}

fn allow(action: &str, resource: &str) -> Value {
    json!({"Sid": "Own", "Effect": "Allow", "Action": action, "Resource": resource})
}

fn trusts(kind: &str, principal: &str) -> Value {
    policy(
        json!([{"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"], "Principal": {kind: principal}}]),
    )
}

fn role(name: &str, trust_policy: Value, statements: Value) -> Role {
    let own = policy(statements);
    Role {
        name: name.to_owned(),
        arn: arn(name),
        id: format!("AROA{name}"),
        path: "/".to_owned(),
        trust_policy,
        managed_policy_arns: Vec::new(),
        inline_policies: BTreeMap::from([("own".to_owned(), own)]),
        max_session_seconds: None,
        permissions_boundary: None,
        tags: BTreeMap::new(),
    }
}

fn reads_reports(name: &str, trust_policy: Value) -> Role {
    role(
        name,
        trust_policy,
        allow("s3:GetObject", "arn:aws:s3:::reports/*"),
    )
}

fn irsa(namespace: &str, name: &str, pattern: Option<&str>) -> Value {
    irsa_trust_policy(PROVIDER, ISSUER, namespace, name, pattern)
}

fn user(name: &str, statements: Value) -> User {
    User {
        arn: format!("arn:aws:iam::{ACCOUNT}:user/{name}"),
        groups: Vec::new(),
        managed_policy_arns: Vec::new(),
        inline_policies: BTreeMap::from([("own".to_owned(), policy(statements))]),
        permissions_boundary: None,
        tags: BTreeMap::new(),
    }
}

/// A picture with these users and roles.
fn picture(users: Vec<User>, roles: Vec<Role>) -> Picture {
    Picture {
        cluster: "prod".to_owned(),
        region: "eu-west-1".to_owned(),
        account: ACCOUNT.to_owned(),
        version: Some("1.36".to_owned()),
        authentication_mode: Some("API".to_owned()),
        aws_auth: Read::Known(None),
        access_entries: Read::Known(Vec::new()),
        principals: BTreeMap::new(),
        bindings: Read::Known(Vec::new()),
        roles: Read::Known(Vec::new()),
        service_accounts: Read::Known(Vec::new()),
        aws: AwsPicture {
            details: Read::Known(Details {
                roles,
                users,
                groups: Vec::new(),
                policies: BTreeMap::new(),
            }),
            associations: Read::Known(Vec::new()),
            cluster_arn: format!("arn:aws:eks:eu-west-1:{ACCOUNT}:cluster/prod"),
            issuer: Some(format!("https://{ISSUER}")),
            provider: Read::Known(Some(vec!["sts.amazonaws.com".to_owned()])),
            agent: None,
        },
    }
}

impl Picture {
    fn with_account(mut self, namespace: &str, name: &str, role: Option<&str>) -> Self {
        if let Read::Known(accounts) = &mut self.service_accounts {
            accounts.push(Account {
                namespace: namespace.to_owned(),
                name: name.to_owned(),
                role_arn: role.map(arn),
                annotations: None,
            });
        }
        self
    }

    fn with_association(mut self, namespace: &str, name: &str, role: &str, target: Option<&str>) -> Self {
        if let Read::Known(associations) = &mut self.aws.associations {
            associations.push(Association {
                namespace: namespace.to_owned(),
                service_account: name.to_owned(),
                role_arn: arn(role),
                target_role_arn: target.map(arn),
                ..Association::default()
            });
        }
        self
    }

    /// Lets `subject`, a user, do `verbs` on `resource` in namespace app.
    fn with_right(mut self, subject: &str, verbs: &[&str], resource: &str, names: &[&str]) -> Self {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let name = format!("{subject}-{}", resource.replace('/', "-"));
        if let Read::Known(roles) = &mut self.roles {
            roles.push(RbacRole {
                namespace: Some("app".to_owned()),
                name: name.clone(),
                rules: vec![PolicyRule {
                    verbs: texts(verbs),
                    api_groups: texts(&["", "apps"]),
                    resources: texts(&[resource]),
                    resource_names: texts(names),
                    ..PolicyRule::default()
                }],
                ..RbacRole::default()
            });
        }
        if let Read::Known(bindings) = &mut self.bindings {
            bindings.push(RbacBinding {
                namespace: Some("app".to_owned()),
                name: name.clone(),
                role_kind: "Role".to_owned(),
                role_name: name,
                subjects: vec![Subject {
                    kind: "User".to_owned(),
                    name: subject.to_owned(),
                    namespace: None,
                }],
                ..RbacBinding::default()
            });
        }
        self
    }

    fn with_entry(mut self, principal_arn: &str, username: &str, groups: &[&str]) -> Self {
        if let Read::Known(entries) = &mut self.access_entries {
            entries.push(AccessEntry {
                principal_arn: principal_arn.to_owned(),
                username: username.to_owned(),
                groups: groups.iter().map(|group| (*group).to_owned()).collect(),
                entry_type: "STANDARD".to_owned(),
                ..AccessEntry::default()
            });
        }
        self
    }

    fn question(action: &str, resource: &str) -> AwsQuestion {
        let silent: Value = serde_json::from_str(SILENT).unwrap();
        let is_bucket = resource.starts_with("arn:aws:s3");
        AwsQuestion::new(
            AwsRequest::of(action, Some(resource), None).unwrap(),
            is_bucket.then_some(&silent),
        )
    }

    fn list(&self, action: &str, resource: &str) -> WhoCan {
        who_can_in_aws(&Rights::of(self), &Self::question(action, resource)).unwrap()
    }

    fn why(&self, who: AwsWho<'_>, action: &str, resource: &str) -> Explanation {
        explain_aws(&Rights::of(self), who, &Self::question(action, resource))
    }
}

/// `kind name verdict` of each row.
fn direct(answer: &WhoCan) -> Vec<String> {
    let rows = answer.direct.iter();
    rows.map(|row| {
        format!(
            "{} {} {}",
            row.actor.kind(),
            row.actor.name(),
            row.verdict.as_str()
        )
    })
    .collect()
}

/// `kind name -> becomes: how` of each row.
fn becoming(answer: &WhoCan) -> Vec<String> {
    let rows = answer.can_become.iter();
    rows.map(|row| {
        format!(
            "{} {} -> {}: {}",
            row.actor.kind(),
            row.actor.name(),
            row.becomes,
            row.by
        )
    })
    .collect()
}

fn broken(explained: &Explanation) -> (&'static str, String) {
    let link = explained
        .links
        .iter()
        .find(|link| link.state == LinkState::Broken);
    link.map(|link| (link.link, link.says.clone()))
        .unwrap_or_default()
}

#[test]
fn pods_get_roles_by_annotation_association_and_trust_alone() {
    let picture = picture(
        Vec::new(),
        vec![
            reads_reports("annotated", irsa("app", "web", None)),
            reads_reports("pattern", irsa("app", "", Some("*"))),
            reads_reports("associated", trusts("Service", "pods.eks.amazonaws.com")),
            reads_reports("literal", irsa("app", "", Some("*"))),
        ],
    )
    .with_account("app", "web", Some("annotated"))
    .with_account("app", "api", Some("pattern"))
    .with_account("ops", "api", Some("pattern"))
    .with_account("ops", "job", None)
    .with_association("ops", "job", "associated", None);
    let answer = picture.list("s3:GetObject", REPORTS);
    assert!(answer.complete, "{:?}", answer.unread);
    let accounts: Vec<String> = direct(&answer)
        .into_iter()
        .filter(|row| row.starts_with("service account"))
        .collect();
    // ops/api has the annotation, and the trust policy does not let it in.
    assert_eq!(
        accounts,
        [
            "service account app/api yes",
            "service account app/web yes",
            "service account ops/job yes"
        ]
    );
    let trusted: Vec<String> = becoming(&answer);
    assert!(trusted.iter().all(|row| !row.contains("ops/api")), "{trusted:?}");
    // Nobody annotates `literal`; app/api and app/web can take it all the same, and have what they need already.
    assert!(
        !trusted.iter().any(|row| row.starts_with("service account app/")),
        "{trusted:?}"
    );
}

/// A pod can set the variables itself: trust is the gate, not the annotation.
#[test]
fn an_account_without_annotation_is_listed_where_the_trust_admits_it() {
    let picture = picture(
        Vec::new(),
        vec![reads_reports("pattern", irsa("app", "", Some("*")))],
    )
    .with_account("app", "web", None)
    .with_account("ops", "web", None);
    let answer = picture.list("s3:GetObject", REPORTS);
    assert_eq!(direct(&answer), [format!("IAM principal {} yes", arn("pattern"))]);
    let mut rows = becoming(&answer);
    // Whoever may do everything in the cluster becomes it as well.
    rows.retain(|row| !row.contains("system:masters"));
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert!(
        rows[0].starts_with("service account app/web -> role "),
        "{rows:?}"
    );
    assert!(rows[0].contains("its pods can set AWS_ROLE_ARN"), "{rows:?}");
    // One that the trust policy names and that is not there belongs to whoever makes it.
    let absent = self::picture(
        Vec::new(),
        vec![reads_reports("exact", irsa("app", "ghost", None))],
    );
    let answer = absent.list("s3:GetObject", REPORTS);
    assert!(
        answer.can_become.iter().any(|row| row.actor.name() == "app/ghost"
            && row
                .depends_on
                .as_deref()
                .unwrap_or_default()
                .contains("does not exist")),
        "{:?}",
        answer.can_become
    );
}

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
fn a_long_chain_ends_at_the_bound_and_says_so() {
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

/// Rights in the cluster make somebody a service account, each in its own way; impersonation gives no credentials of AWS.
#[test]
fn rights_in_the_cluster_reach_the_role_of_a_service_account() {
    let base = || {
        picture(
            Vec::new(),
            vec![
                reads_reports("web", irsa("app", "web", None)),
                reads_reports("api", irsa("app", "api", None)),
            ],
        )
        .with_account("app", "web", Some("web"))
        .with_account("app", "api", Some("api"))
    };
    let becomes = |picture: &Picture| {
        let answer = picture.list("s3:GetObject", REPORTS);
        let users = answer
            .can_become
            .iter()
            .filter(|row| matches!(row.actor, Actor::User { .. }));
        users
            .map(|row| format!("{} {}: {}", row.becomes, row.verdict.as_str(), row.by))
            .collect::<Vec<_>>()
    };
    for (verbs, resource, expected) in [
        (&["create"][..], "pods", "creates pods in namespace app"),
        (
            &["create"],
            "pods/exec",
            "runs commands in pods (exec) of namespace app",
        ),
        (
            &["create"],
            "serviceaccounts/token",
            "creates tokens of service accounts in namespace app",
        ),
        (&["patch"], "deployments", "changes deployments of namespace app"),
    ] {
        let rows = becomes(&base().with_right("eve", verbs, resource, &[]));
        assert_eq!(rows.len(), 1, "{resource}: {rows:?}");
        assert!(rows[0].contains(expected), "{resource}: {rows:?}");
    }
    for (verbs, resource) in [
        (&["impersonate"][..], "serviceaccounts"),
        (&["get", "create"], "secrets"),
        (&["get", "list"], "pods"),
    ] {
        let rows = becomes(&base().with_right("eve", verbs, resource, &[]));
        assert!(rows.is_empty(), "{resource}: {rows:?}");
    }
    // Whoever impersonates somebody who creates pods gets there.
    let by_other =
        base()
            .with_right("eve", &["create"], "pods", &[])
            .with_right("mallory", &["get"], "pods", &[]);
    assert_eq!(becomes(&by_other).len(), 1);
    // A token of one service account by name: only that one.
    let named = base().with_right("eve", &["create"], "serviceaccounts/token", &["web"]);
    let rows = becomes(&named);
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert!(rows[0].starts_with("service account app/web"), "{rows:?}");
}

#[test]
fn aws_auth_makes_anybody_where_the_mode_reads_it() {
    let base = |mode: &str| {
        let mut picture = picture(Vec::new(), vec![reads_reports("web", irsa("app", "web", None))])
            .with_account("app", "web", Some("web"));
        picture.authentication_mode = Some(mode.to_owned());
        let rule = PolicyRule {
            verbs: vec!["update".to_owned()],
            api_groups: vec![String::new()],
            resources: vec!["configmaps".to_owned()],
            ..PolicyRule::default()
        };
        picture.roles = Read::Known(vec![RbacRole {
            namespace: Some("kube-system".to_owned()),
            name: "writer".to_owned(),
            rules: vec![rule],
            ..RbacRole::default()
        }]);
        picture.bindings = Read::Known(vec![RbacBinding {
            namespace: Some("kube-system".to_owned()),
            name: "writer".to_owned(),
            role_kind: "Role".to_owned(),
            role_name: "writer".to_owned(),
            subjects: vec![Subject {
                kind: "User".to_owned(),
                name: "eve".to_owned(),
                namespace: None,
            }],
            ..RbacBinding::default()
        }]);
        picture
    };
    let eve = |picture: &Picture| {
        let answer = picture.list("s3:GetObject", REPORTS);
        answer.can_become.iter().any(|row| row.actor.name() == "eve")
    };
    assert!(!eve(&base("API")));
    assert!(eve(&base("API_AND_CONFIG_MAP")));
}

#[test]
fn explain_names_the_first_broken_link_of_a_pod() {
    let base = || {
        picture(
            Vec::new(),
            vec![
                reads_reports("web", irsa("app", "web", None)),
                role("poor", irsa("app", "poor", None), allow("ec2:*", "*")),
                reads_reports("other", irsa("ops", "web", None)),
                reads_reports("literal", policy(json!([{"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
                    "Principal": {"Federated": PROVIDER},
                    "Condition": {"StringEquals": {format!("{ISSUER}:sub"): "system:serviceaccount:app:*"}}}]))),
                reads_reports("untagged", policy(json!([{"Effect": "Allow", "Action": "sts:AssumeRole",
                    "Principal": {"Service": "pods.eks.amazonaws.com"}}]))),
                reads_reports("node", trusts("Service", "ec2.amazonaws.com")),
            ],
        )
        .with_account("app", "web", Some("web"))
        .with_account("app", "poor", Some("poor"))
        .with_account("app", "other", Some("other"))
        .with_account("app", "literal", Some("literal"))
        .with_account("app", "gone", Some("gone"))
        .with_account("app", "none", None)
        .with_account("app", "untagged", None)
        .with_association("app", "untagged", "untagged", None)
    };
    let ask = |picture: &Picture, name: &str| {
        picture.why(
            AwsWho::ServiceAccount("app", name),
            "s3:GetObject",
            "arn:aws:s3:::reports/x",
        )
    };
    let yes = ask(&base(), "web");
    assert_eq!(yes.answer, Verdict::Yes, "{:?}", yes.links);
    let links: Vec<&str> = yes.links.iter().map(|link| link.link).collect();
    assert_eq!(links, ["service account", "role", "trust", "right"]);
    for (name, link, words) in [
        ("poor", "right", "no statement of the identity policy allows it"),
        (
            "other",
            "trust",
            "system:serviceaccount:ops:web (here it is system:serviceaccount:app:other)",
        ),
        ("literal", "trust", "system:serviceaccount:app:*"),
        ("gone", "trust", "does not exist"),
        (
            "none",
            "role",
            "no annotation and no pod identity association, and no role of nodes is known",
        ),
        ("untagged", "trust", "sts:AssumeRole"),
    ] {
        let explained = ask(&base(), name);
        assert_eq!(explained.answer, Verdict::No, "{name}");
        let (at, says) = broken(&explained);
        assert_eq!(at, link, "{name}: {says}");
        assert!(says.contains(words), "{name}: {says}");
    }
    let without_provider = {
        let mut picture = base();
        picture.aws.provider = Read::Known(None);
        picture
    };
    assert!(
        broken(&ask(&without_provider, "web"))
            .1
            .contains("has no OIDC provider")
    );
    // Without a role of its own a pod may have the node's.
    let with_nodes = base().with_entry(
        &arn("node"),
        "system:node:{{EC2PrivateDNSName}}",
        &["system:nodes"],
    );
    let explained = ask(&with_nodes, "none");
    assert_eq!(explained.answer, Verdict::Depends);
    assert!(
        explained.depends_on[0].contains("hop limit"),
        "{:?}",
        explained.depends_on
    );
    assert!(
        direct(&with_nodes.list("s3:GetObject", REPORTS))
            .contains(&format!("pods on nodes {} depends", arn("node")))
    );
    // An association goes before the annotation.
    let both = base().with_association("app", "web", "untagged", None);
    assert_eq!(broken(&ask(&both, "web")).0, "trust");
}

#[test]
fn a_target_role_needs_both_hops() {
    let assume = allow("sts:AssumeRole", &arn("target"));
    let both = policy(
        json!([{"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"], "Principal": {"AWS": arn("first")}}]),
    );
    let picture = |target: Value| {
        picture(
            Vec::new(),
            vec![
                role(
                    "first",
                    trusts("Service", "pods.eks.amazonaws.com"),
                    assume.clone(),
                ),
                reads_reports("target", target),
            ],
        )
        .with_account("app", "web", None)
        .with_association("app", "web", "first", Some("target"))
    };
    let ask = |picture: &Picture| {
        picture.why(
            AwsWho::ServiceAccount("app", "web"),
            "s3:GetObject",
            "arn:aws:s3:::reports/x",
        )
    };
    assert_eq!(ask(&picture(both)).answer, Verdict::Yes);
    assert_eq!(
        broken(&ask(&picture(trusts(
            "AWS",
            "arn:aws:iam::111122223333:role/other"
        ))))
        .0,
        "trust"
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

/// What was not read is never a no, and an answer without IAM is none.
#[test]
fn what_was_not_read_is_said() {
    let unread = AwsQuestion::new(AwsRequest::of("s3:GetObject", Some(REPORTS), None).unwrap(), None);
    let picture = picture(vec![user("nina", allow("s3:*", "*"))], Vec::new());
    let rights = Rights::of(&picture);
    let answer = who_can_in_aws(&rights, &unread).unwrap();
    assert_eq!(direct(&answer), [format!("IAM principal {NINA} depends")]);
    assert!(!answer.complete);
    let explained = explain_aws(&rights, AwsWho::Principal(NINA), &unread);
    assert_eq!(explained.answer, Verdict::Depends);
    let mut blind = picture.clone();
    blind.aws = AwsPicture::not_read("access denied");
    let rights = Rights::of(&blind);
    assert_eq!(who_can_in_aws(&rights, &unread).unwrap_err(), "access denied");
    assert_eq!(
        explain_aws(&rights, AwsWho::Principal(NINA), &unread).answer,
        Verdict::Depends
    );
    // Of another account nothing is known here.
    let foreign = explain_aws(
        &Rights::of(&picture),
        AwsWho::Principal("arn:aws:iam::444455556666:user/x"),
        &unread,
    );
    assert_eq!(foreign.answer, Verdict::Depends);
    let missing = explain_aws(
        &Rights::of(&picture),
        AwsWho::Principal("arn:aws:iam::111122223333:user/x"),
        &unread,
    );
    assert_eq!(broken(&missing).0, "IAM");
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
