//! Questions over pictures that are made by hand, each with the answer that the real chain of IAM, EKS and RBAC gives.

use std::collections::BTreeMap;

use super::{
    Account, Actor, Asked, Explanation, Picture, Question, Read, Rights, Verdict, Who, WhoCan, explain,
    identity, read_snapshot, who_can, write_snapshot,
};
use crate::{
    diagnosis::aws_authorization::AwsPicture,
    guard::access::Admitted,
    ports::{
        aws::{AccessEntry, AccessPolicy, Principal},
        kubernetes::{PolicyRule, RbacBinding, RbacRole, Subject},
    },
};
use eksact_identity::rbac::{bootstrap_rules, groups_of_service_account};
use jiff::Timestamp;

const NINA: &str = "arn:aws:iam::111122223333:user/nina";
const OPS: &str = "arn:aws:iam::111122223333:role/team/ops";

fn words(text: &str) -> Vec<String> {
    text.split_whitespace()
        .map(|word| if word == "-" { "" } else { word }.to_owned())
        .collect()
}

/// A role of rules such as `get,list - pods,pods/log web`: verbs, groups, resources, names.
fn role(namespace: Option<&str>, name: &str, rules: &[&str]) -> RbacRole {
    let list = |text: Option<&&str>| -> Vec<String> {
        let parts = text.map(|text| text.split(','));
        parts
            .into_iter()
            .flatten()
            .map(|part| if part == "-" { "" } else { part }.to_owned())
            .collect()
    };
    let rule = |text: &&str| {
        let parts: Vec<&str> = text.split_whitespace().collect();
        PolicyRule {
            verbs: list(parts.first()),
            api_groups: list(parts.get(1)),
            resources: list(parts.get(2)),
            resource_names: list(parts.get(3)),
            ..PolicyRule::default()
        }
    };
    RbacRole {
        namespace: namespace.map(ToOwned::to_owned),
        name: name.to_owned(),
        rules: rules.iter().map(rule).collect(),
        ..RbacRole::default()
    }
}

/// A binding of `ClusterRole x` or `Role x` to `Group a`, `User b`, `ServiceAccount ns/c`.
fn binding(namespace: Option<&str>, role: &str, subject: &str) -> RbacBinding {
    let (role_kind, role_name) = role.split_once(' ').unwrap();
    let (kind, name) = subject.split_once(' ').unwrap();
    let (of, name) = match name.split_once('/') {
        Some((of, name)) if kind == "ServiceAccount" => (Some(of.to_owned()), name),
        _ => (None, name),
    };
    RbacBinding {
        namespace: namespace.map(ToOwned::to_owned),
        name: format!("{}-{}", role_name, name.replace([':', '/'], "-")),
        role_kind: role_kind.to_owned(),
        role_name: role_name.to_owned(),
        subjects: vec![Subject {
            kind: kind.to_owned(),
            name: name.to_owned(),
            namespace: of,
        }],
        ..RbacBinding::default()
    }
}

fn entry(arn: &str, username: &str, groups: &str, policies: &[(&str, Option<&[&str]>)]) -> AccessEntry {
    AccessEntry {
        principal_arn: arn.to_owned(),
        username: username.to_owned(),
        groups: words(groups),
        entry_type: "STANDARD".to_owned(),
        policies: policies
            .iter()
            .map(|(name, namespaces)| AccessPolicy {
                arn: format!("arn:aws:eks::aws:cluster-access-policy/{name}"),
                namespaces: namespaces.map(|all| all.iter().map(|name| (*name).to_owned()).collect()),
            })
            .collect(),
        created_at: Some(Timestamp::from_second(1_700_000_000).unwrap()),
        ..AccessEntry::default()
    }
}

fn picture() -> Picture {
    let default = |name: &str| RbacRole {
        name: name.to_owned(),
        rules: bootstrap_rules(name).unwrap(),
        aggregated: true,
        ..RbacRole::default()
    };
    Picture {
        cluster: "prod".to_owned(),
        region: "eu-west-1".to_owned(),
        account: "111122223333".to_owned(),
        version: Some("1.36".to_owned()),
        authentication_mode: Some("API_AND_CONFIG_MAP".to_owned()),
        aws_auth: Read::Known(None),
        access_entries: Read::Known(Vec::new()),
        principals: BTreeMap::new(),
        bindings: Read::Known(Vec::new()),
        roles: Read::Known(vec![
            default("view"),
            default("edit"),
            default("admin"),
            role(None, "cluster-admin", &["* * *"]),
        ]),
        service_accounts: Read::Known(
            [("app", "web"), ("app", "api"), ("ops", "ci")]
                .map(|(namespace, name)| Account {
                    namespace: namespace.to_owned(),
                    name: name.to_owned(),
                    role_arn: None,
                    annotations: None,
                })
                .to_vec(),
        ),
        aws: AwsPicture::not_read("it was not asked for"),
    }
}

impl Picture {
    fn role(mut self, role: RbacRole) -> Self {
        if let Read::Known(roles) = &mut self.roles {
            roles.push(role);
        }
        self
    }

    fn bind(mut self, namespace: Option<&str>, role: &str, subject: &str) -> Self {
        if let Read::Known(bindings) = &mut self.bindings {
            bindings.push(binding(namespace, role, subject));
        }
        self
    }

    fn entry(mut self, entry: AccessEntry) -> Self {
        if let Read::Known(entries) = &mut self.access_entries {
            entries.push(entry);
        }
        self
    }

    fn map_roles(mut self, text: &str) -> Self {
        self.aws_auth = Read::Known(Some(BTreeMap::from([("mapRoles".to_owned(), text.to_owned())])));
        self
    }

    fn mode(mut self, mode: &str) -> Self {
        self.authentication_mode = Some(mode.to_owned());
        self
    }

    /// The answer for an ARN, or for a user of Kubernetes with groups in brackets behind it: `nina[devs ops]`.
    fn asked(&self, who: &str, question: &str) -> Explanation {
        let rights = Rights::of(self);
        let question = ask(question);
        if who.starts_with("arn:") {
            return explain(&rights, Who::Iam(&identity(who).unwrap()), &question.request);
        }
        let (username, groups) = who.trim_end_matches(']').split_once('[').unwrap_or((who, ""));
        let user = Admitted {
            username: username.to_owned(),
            groups: words(groups),
        };
        explain(&rights, Who::Kubernetes(&user), &question.request)
    }

    fn who_can(&self, question: &str) -> WhoCan {
        who_can(&Rights::of(self), &ask(question).request)
    }
}

/// `get pods/web -n app`, `create pods -s exec`, `list pods -A`.
fn ask(text: &str) -> Question {
    let parts: Vec<&str> = text.split_whitespace().collect();
    let flag = |name: &str| {
        let at = parts.iter().position(|part| *part == name)?;
        parts.get(at + 1).copied()
    };
    Question::of(Asked {
        verb: parts[0],
        what: parts[1],
        subresource: flag("-s"),
        namespace: (!parts.contains(&"-A")).then(|| flag("-n").unwrap_or("app")),
    })
    .unwrap()
}

fn subjects(answer: &WhoCan) -> Vec<String> {
    let row = |row: &super::Row| {
        let depends = if row.verdict == Verdict::Yes { "" } else { "?" };
        format!("{} {}{depends}", row.actor.kind(), row.actor.name())
    };
    answer.direct.iter().map(row).collect()
}

fn becoming(answer: &WhoCan) -> Vec<String> {
    let row = |row: &super::Becomes| {
        let depends = if row.verdict == Verdict::Yes { "" } else { "?" };
        format!("{} → {} ({}){depends}", row.actor.name(), row.becomes, row.by)
    };
    answer.can_become.iter().map(row).collect()
}

/// Cases 1 to 18 of what the authorizer answers.
#[test]
fn rbac_is_evaluated_as_the_authorizer_does() {
    let names = picture()
        .role(role(
            Some("app"),
            "r",
            &["get,list,create,delete,deletecollection - pods web"],
        ))
        .bind(Some("app"), "Role r", "User nina");
    let everywhere = picture()
        .role(role(None, "lister", &["list - pods"]))
        .bind(Some("app"), "ClusterRole lister", "User nina")
        .bind(Some("ops"), "ClusterRole lister", "User nina");
    let admin = picture().bind(Some("app"), "ClusterRole cluster-admin", "User nina");
    let subresources = picture()
        .role(role(
            None,
            "r",
            &["create - pods", "update * */scale", "get - pods/*"],
        ))
        .bind(None, "ClusterRole r", "User nina");
    let split = picture()
        .role(role(None, "r", &["get - services", "delete - pods"]))
        .bind(None, "ClusterRole r", "Group devs");
    let accounts = picture()
        .bind(None, "ClusterRole view", "ServiceAccount web")
        .bind(Some("app"), "ClusterRole edit", "ServiceAccount web")
        .bind(None, "ClusterRole view", "Group system:serviceaccounts:ops");
    let web = "system:serviceaccount:app:web";
    let table = [
        (&names, "nina", "get pods/web", Verdict::Yes),
        (&names, "nina", "get pods/api", Verdict::No),
        (&names, "nina", "get pods/web -n ops", Verdict::No),
        (&names, "nina", "list pods", Verdict::No),
        (&names, "nina", "list pods/web", Verdict::Yes),
        (&names, "nina", "create pods", Verdict::No),
        (&names, "nina", "deletecollection pods", Verdict::No),
        (&everywhere, "nina", "list pods -n ops", Verdict::Yes),
        (&everywhere, "nina", "list pods -A", Verdict::No),
        // What belongs to the whole cluster has no namespace, but for a namespace itself.
        (&admin, "nina", "get nodes", Verdict::No),
        (&admin, "nina", "get namespaces/app", Verdict::Yes),
        (&admin, "nina", "get namespaces/ops", Verdict::No),
        (&admin, "nina", "list namespaces", Verdict::No),
        (&subresources, "nina", "create pods -s exec", Verdict::No),
        (&subresources, "nina", "get pods -s log", Verdict::No),
        (&subresources, "nina", "update deploy -s scale", Verdict::Yes),
        (&subresources, "nina", "update deploy", Verdict::No),
        (&split, "x[devs]", "get pods", Verdict::No),
        (&split, "x[devs]", "delete pods", Verdict::Yes),
        (&split, "x[Devs]", "delete pods", Verdict::No),
        (&accounts, web, "delete pods", Verdict::Yes),
        (&accounts, web, "get pods -n ops", Verdict::No),
        (&accounts, "system:serviceaccount:ops:ci", "get pods", Verdict::No),
        (
            &accounts,
            "x[system:masters]",
            "escalate clusterroles",
            Verdict::Yes,
        ),
        (&accounts, "x[system:masters]", "get /metrics", Verdict::Yes),
        (
            &accounts,
            "system:node:a[system:nodes]",
            "get secrets/x",
            Verdict::Depends,
        ),
        (
            &accounts,
            "system:node:a[system:nodes]",
            "get deployments",
            Verdict::No,
        ),
    ];
    for (picture, who, question, expected) in table {
        assert_eq!(picture.asked(who, question).answer, expected, "{who} {question}");
    }
    let groups = groups_of_service_account("ops").join(" ");
    let ci = format!("system:serviceaccount:ops:ci[{groups}]");
    assert_eq!(accounts.asked(&ci, "get pods").answer, Verdict::Yes);
}

/// Cases 19 to 24: through entries, policies and aws-auth.
#[test]
fn principals_of_iam_get_in_as_the_authenticator_decides() {
    let masters = "- rolearn: arn:aws:iam::111122223333:role/ops\n  username: ops:{{SessionName}}\n  groups: [system:masters]\n";
    let both = picture().entry(entry(OPS, "ops", "", &[])).map_roles(masters);
    let policy = picture().entry(entry(
        NINA,
        "nina",
        "",
        &[("AmazonEKSViewPolicy", Some(&["dev-*"]))],
    ));
    let mut stale = picture().entry(entry(OPS, "ops", "system:masters", &[]));
    let made_later = Principal {
        arn: OPS.to_owned(),
        id: "AROA2".to_owned(),
        created_at: Timestamp::from_second(1_750_000_000).unwrap(),
    };
    stale.principals.insert(OPS.to_owned(), Some(made_later));
    let named = picture()
        .map_roles(&masters.replace("system:masters", "devs"))
        .bind(None, "ClusterRole view", "User ops:nina");
    let session = "arn:aws:sts::111122223333:assumed-role/ops/nina";
    let other = "arn:aws:sts::111122223333:assumed-role/ops/bob";
    let table = [
        // An entry without groups hides the line of aws-auth.
        (both.clone(), OPS, "get pods", Verdict::No),
        (both.clone().mode("CONFIG_MAP"), OPS, "get pods", Verdict::Yes),
        (both.clone().mode("API"), OPS, "get pods", Verdict::No),
        (
            picture().map_roles(masters).mode("API"),
            OPS,
            "get pods",
            Verdict::No,
        ),
        (policy.clone(), NINA, "get pods -n dev-1", Verdict::Yes),
        (policy.clone(), NINA, "get pods -n prod", Verdict::No),
        (policy.clone(), NINA, "get secrets -n dev-1", Verdict::No),
        (
            policy.clone(),
            NINA,
            "get widgets.example.com -n dev-1",
            Verdict::No,
        ),
        (policy.clone(), NINA, "list pods -A", Verdict::No),
        (stale, OPS, "get pods", Verdict::No),
        // Whoever created an old cluster is let in unseen.
        (picture().mode("CONFIG_MAP"), NINA, "get pods", Verdict::Depends),
        (picture(), NINA, "get pods", Verdict::No),
        // A role stands for its sessions; a binding may name one.
        (named.clone(), OPS, "get pods", Verdict::Depends),
        (named.clone(), session, "get pods", Verdict::Yes),
        (named, other, "get pods", Verdict::No),
        (
            picture().entry(entry(NINA, "nina", "", &[("AmazonEKSComputePolicy", None)])),
            NINA,
            "get pods",
            Verdict::Depends,
        ),
    ];
    for (picture, who, question, expected) in table {
        let explained = picture.asked(who, question);
        assert_eq!(explained.answer, expected, "{who} {question}: {explained:#?}");
    }
}

/// What could not be read is never a no, and never nobody.
#[test]
fn what_is_unread_makes_an_answer_depend_on_it() {
    let unread = || "403 Forbidden".to_owned();
    let bound =
        picture()
            .entry(entry(NINA, "nina", "devs", &[]))
            .bind(None, "ClusterRole view", "Group devs");
    assert_eq!(bound.asked(NINA, "get pods").answer, Verdict::Yes);
    let mut no_bindings = bound.clone();
    no_bindings.bindings = Read::Unread(unread());
    let mut no_roles = bound.clone();
    no_roles.roles = Read::Unread(unread());
    let mut no_entries = bound.clone();
    no_entries.access_entries = Read::Unread(unread());
    for picture in [no_bindings, no_roles, no_entries] {
        assert_eq!(picture.asked(NINA, "get pods").answer, Verdict::Depends);
        let answer = picture.who_can("get pods");
        assert!(!answer.complete && answer.unread.len() == 1);
    }
    // IAM is a part of the answer where it was asked for, and no other one.
    assert!(bound.who_can("get pods").complete);
    let mut no_iam = bound;
    no_iam.aws = AwsPicture::not_read(&unread());
    let answer = no_iam.who_can("get pods");
    assert!(!answer.complete);
    assert!(
        answer.unread[0].starts_with("IAM roles, users and policies: "),
        "{:?}",
        answer.unread
    );
    let is_told = |words: &str| answer.notes.iter().any(|note| note.contains(words));
    assert!(is_told("the account's IAM could not be read") && !is_told("asked of a snapshot"));
}

/// Each broken link is named, with what is nearest.
#[test]
fn the_first_broken_link_is_named() {
    let entered = || picture().entry(entry(NINA, "nina", "devs", &[]));
    let table = [
        (
            picture(),
            "delete pods",
            "neither an access entry nor aws-auth is for",
            "",
        ),
        (
            picture().mode("API"),
            "delete pods",
            "no access entry is for arn:aws:iam::111122223333:user/nina, and the cluster does not read",
            "",
        ),
        (
            entered(),
            "delete pods",
            "no binding to the user nina or the group devs allows",
            "",
        ),
        (
            entered().bind(Some("app"), "ClusterRole view", "Group devs"),
            "delete pods",
            "no binding",
            "RoleBinding app/view-devs (ClusterRole view, to Group devs) allows get, list, watch there, and not delete",
        ),
        (
            entered().bind(Some("ops"), "ClusterRole edit", "Group devs"),
            "delete pods",
            "no binding",
            "RoleBinding ops/edit-devs (ClusterRole edit, to Group devs) allows it in namespace ops only",
        ),
        (
            entered().bind(None, "ClusterRole edit", "Group Devs"),
            "delete pods",
            "no binding",
            "ClusterRoleBinding edit-Devs allows it to Group Devs: upper and lower case count",
        ),
        (
            entered().bind(None, "ClusterRole edit", "User team:nina"),
            "delete pods",
            "no binding",
            "ClusterRoleBinding edit-team-nina allows it to User team:nina, and the user name here is nina",
        ),
        (
            entered().bind(None, "ClusterRole edit", "User team:nils"),
            "delete pods",
            "no binding",
            "",
        ),
        (
            entered()
                .role(role(None, "r", &["delete - pods web"]))
                .bind(None, "ClusterRole r", "Group devs"),
            "delete pods/api",
            "no binding",
            "ClusterRoleBinding r-devs (ClusterRole r, to Group devs) allows it for objects of certain names only: delete on pods named web",
        ),
        (
            entered()
                .role(role(None, "r", &["create - pods"]))
                .bind(None, "ClusterRole r", "Group devs"),
            "create pods -s exec",
            "no binding",
            "ClusterRoleBinding r-devs (ClusterRole r, to Group devs) allows it on pods, which does not include pods/exec",
        ),
        (
            picture().entry(entry(
                NINA,
                "nina",
                "",
                &[("AmazonEKSEditPolicy", Some(&["ops"]))],
            )),
            "delete pods",
            "no binding to the user nina and no access policy allows",
            "the access policy AmazonEKSEditPolicy allows it in namespaces ops only",
        ),
    ];
    for (picture, question, broken, near) in table {
        let explained = picture.asked(NINA, question);
        let last = explained.links.last().unwrap();
        assert_eq!(last.state, super::LinkState::Broken, "{explained:#?}");
        assert!(last.says.starts_with(broken), "{}", last.says);
        assert_eq!(explained.nearest.first().map_or("", String::as_str), near);
        assert!(explained.findings.iter().any(|finding| finding.help.is_some()));
    }
    let missing = entered().bind(Some("app"), "Role gone", "Group devs");
    let explained = missing.asked(NINA, "delete pods");
    assert_eq!(
        explained.findings[0].message,
        "RoleBinding app/gone-devs gives Group devs the Role app/gone, which does not exist"
    );
}

/// Everybody is found by the path that lets them: groups, user names, policies, groups of service accounts.
#[test]
fn who_can_finds_everybody() {
    let picture = picture()
        .entry(entry(NINA, "nina", "devs", &[]))
        .entry(entry(OPS, "ops", "", &[("AmazonEKSEditPolicy", None)]))
        .map_roles(
            "- rolearn: arn:aws:iam::111122223333:role/old\n  username: old\n  groups: [system:masters]\n",
        )
        .bind(Some("app"), "ClusterRole edit", "Group devs")
        .bind(Some("app"), "ClusterRole edit", "ServiceAccount gone")
        .bind(Some("ops"), "ClusterRole edit", "User elsewhere")
        .bind(None, "ClusterRole edit", "Group system:serviceaccounts:ops")
        .bind(None, "ClusterRole view", "Group viewers");
    assert_eq!(
        subjects(&picture.who_can("delete pods")),
        [
            "IAM principal arn:aws:iam::111122223333:role/old",
            "IAM principal arn:aws:iam::111122223333:role/team/ops",
            "IAM principal arn:aws:iam::111122223333:user/nina",
            "group devs",
            "group system:masters",
            "group system:nodes?",
            "group system:serviceaccounts:ops",
            "service account app/gone",
            "service account ops/ci",
        ]
    );
    let answer = picture.who_can("delete pods");
    let gone = answer
        .direct
        .iter()
        .find(|row| row.actor.name() == "app/gone")
        .unwrap();
    assert!(gone.absent);
    let nina = answer.direct.iter().find(|row| row.actor.name() == NINA).unwrap();
    assert_eq!(nina.paths[0].via.as_deref(), Some("group devs (access entry)"));
    assert_eq!(
        nina.paths[0].reason.sentence(),
        "allowed by RoleBinding app/edit-devs of ClusterRole edit to Group devs"
    );
}

/// Cases 40 to 44: who can become somebody is apart, and said by how.
#[test]
fn who_can_tells_who_can_become_them_apart() {
    let secrets = || {
        picture()
            .role(role(Some("app"), "secrets", &["get - secrets"]))
            .bind(Some("app"), "Role secrets", "ServiceAccount web")
            .mode("API")
    };
    let with = |rules: &[&str], namespace: Option<&str>| {
        secrets()
            .role(role(None, "r", rules))
            .bind(namespace, "ClusterRole r", "User eve")
    };
    let app = Some("app");
    let table = [
        (
            with(&["create - pods"], app),
            "eve → service account app/web (creates pods in namespace app)",
        ),
        (with(&["create - pods"], Some("ops")), ""),
        (
            with(&["create batch cronjobs"], None),
            "eve → service account app/web (creates cron jobs in namespace app)",
        ),
        (
            with(&["create - pods/exec"], app),
            "eve → service account app/web (runs commands in pods (exec) of namespace app)?",
        ),
        // From 1.35 on `get` alone runs nothing.
        (with(&["get - pods/exec"], app), ""),
        (
            with(&["create - serviceaccounts/token web"], app),
            "eve → service account app/web (creates tokens of service accounts in namespace app)",
        ),
        (with(&["create - serviceaccounts/token api"], app), ""),
        (
            with(&["impersonate - serviceaccounts"], app),
            "eve → service account app/web (impersonates service accounts of namespace app)",
        ),
        // A group is impersonated with a user.
        (with(&["impersonate - groups"], None), ""),
        (
            with(&["impersonate - groups,users"], None),
            "eve → group system:masters (impersonates)",
        ),
        // To write bindings is half of it.
        (with(&["create rbac.authorization.k8s.io rolebindings"], app), ""),
        (
            with(
                &["create,bind rbac.authorization.k8s.io rolebindings,clusterroles"],
                app,
            ),
            "eve → whoever it wants to be (binds any role with rolebindings in namespace app)",
        ),
        (
            with(&["escalate,update rbac.authorization.k8s.io clusterroles"], None),
            "eve → whoever it wants to be (writes any rule into its clusterroles in the whole cluster)",
        ),
        (
            with(&["get - nodes/proxy"], None),
            "eve → service account app/web (runs commands in the pods of nodes (nodes/proxy))?",
        ),
        (
            with(&["update - configmaps"], Some("kube-system")).mode("API_AND_CONFIG_MAP"),
            "eve → whoever it wants to be (writes aws-auth, which maps IAM principals to any user and group)",
        ),
        (with(&["update - configmaps"], Some("kube-system")), ""),
    ];
    for (picture, expected) in table {
        let answer = picture.who_can("get secrets");
        assert_eq!(becoming(&answer).join("\n"), expected);
        assert!(!subjects(&answer).contains(&"user eve".to_owned()));
    }
    let mut old = with(&["get - pods/exec"], app);
    old.version = Some("1.34".to_owned());
    assert_eq!(
        becoming(&old.who_can("get secrets")),
        ["eve → service account app/web (runs commands in pods (exec) of namespace app)?"]
    );
    // From one to the next: whoever can become the account that can become another.
    let chain = secrets()
        .role(role(None, "r", &["create - pods"]))
        .bind(app, "ClusterRole r", "ServiceAccount ops/ci")
        .bind(Some("ops"), "ClusterRole r", "Group devs")
        .entry(entry(NINA, "nina", "devs", &[]));
    assert_eq!(
        becoming(&chain.who_can("get secrets")),
        [
            "arn:aws:iam::111122223333:user/nina → service account ops/ci (creates pods in namespace ops)",
            "devs → service account ops/ci (creates pods in namespace ops)",
            "ops/ci → service account app/web (creates pods in namespace app)",
        ]
    );
}

/// What holds or makes identities beside pods: Secrets, certificates, webhooks, an aws-auth that is not there.
#[test]
fn who_can_become_somebody_through_objects() {
    let with = |rules: &[&str], namespace: Option<&str>| {
        picture()
            .role(role(Some("app"), "pods", &["delete - pods"]))
            .bind(Some("app"), "Role pods", "ServiceAccount web")
            .mode("API")
            .role(role(None, "r", rules))
            .bind(namespace, "ClusterRole r", "User eve")
    };
    let app = Some("app");
    let certificates = "create certificates.k8s.io certificatesigningrequests";
    let approval = "update certificates.k8s.io certificatesigningrequests/approval";
    let of = |signer: &str| format!("approve certificates.k8s.io signers {signer}");
    let (client, all, serving) = (
        of("kubernetes.io/kube-apiserver-client"),
        of("kubernetes.io/*"),
        of("kubernetes.io/kubelet-serving"),
    );
    let by_certificate = "eve → whoever it wants to be (approves its own request for a certificate of any user and group but system:masters)?";
    let table = [
        (
            with(&["create,get - secrets"], app),
            "eve → service account app/web (makes Secrets with tokens of service accounts of namespace app and reads them)",
        ),
        (
            with(&["list - secrets"], app),
            "eve → service account app/web (reads Secrets of namespace app)?",
        ),
        // To make one is half of it, and another namespace's are others'.
        (with(&["create - secrets"], app), ""),
        (with(&["create,get - secrets"], Some("ops")), ""),
        (with(&[certificates, approval, &client], None), by_certificate),
        (with(&[certificates, approval, &all], None), by_certificate),
        (with(&[certificates, approval, &serving], None), ""),
        (with(&[certificates, &client], None), ""),
        (
            with(
                &["patch admissionregistration.k8s.io mutatingwebhookconfigurations"],
                None,
            ),
            "eve → whoever it wants to be (writes a webhook that changes pods and bindings which others write)?",
        ),
        (
            with(&["create - configmaps"], Some("kube-system")).mode("API_AND_CONFIG_MAP"),
            "eve → whoever it wants to be (makes aws-auth, which maps IAM principals to any user and group)",
        ),
        (with(&["create - configmaps"], Some("kube-system")), ""),
    ];
    for (picture, expected) in table {
        let answer = picture.who_can("delete pods");
        assert_eq!(becoming(&answer).join("\n"), expected);
    }
    // One that is there is changed, and not made.
    let mut there = with(&["create - configmaps"], Some("kube-system")).mode("API_AND_CONFIG_MAP");
    there.aws_auth = Read::Known(Some(BTreeMap::new()));
    assert!(becoming(&there.who_can("delete pods")).is_empty());
}

/// Two readings in another order give the same bytes, and a snapshot the same answer.
#[test]
fn answers_have_one_order_and_snapshots_keep_them() {
    let picture = picture()
        .entry(entry(NINA, "nina", "devs", &[]))
        .bind(Some("app"), "ClusterRole edit", "Group devs")
        .bind(None, "ClusterRole view", "Group system:authenticated")
        .bind(None, "ClusterRole edit", "User </script><img onerror>")
        .bind(None, "ClusterRole edit", "User =cmd()");
    let mut shuffled = picture.clone();
    if let (Read::Known(bindings), Read::Known(roles)) = (&mut shuffled.bindings, &mut shuffled.roles) {
        bindings.reverse();
        roles.reverse();
    }
    let (one, other) = (picture.who_can("delete pods"), shuffled.who_can("delete pods"));
    let json = |answer: &WhoCan| serde_json::to_string(answer).unwrap();
    assert_eq!(json(&one), json(&other));
    assert_eq!(super::mermaid(&one), super::mermaid(&other));
    let text = super::csv(&one);
    assert!(text.contains("user,'=cmd(),direct,yes"), "{text}");
    assert!(!super::mermaid(&one).contains("<img"));
    let written = write_snapshot(&picture, "2026-11-29T12:00:00Z").unwrap();
    let (read, taken_at) = read_snapshot(&written).unwrap();
    assert_eq!((read, taken_at.as_str()), (picture, "2026-11-29T12:00:00Z"));
    for (text, error) in [
        ("{}", "it is not a snapshot of `eksact snapshot`"),
        (
            r#"{"format":"eksact/access-snapshot","version":2}"#,
            "it is a snapshot of format 2, and this eksact reads format 1; update eksact, or take the snapshot anew",
        ),
    ] {
        assert_eq!(read_snapshot(text).unwrap_err().to_string(), error);
    }
    assert!(matches!(
        read_snapshot(r#"{"format":"eksact/access-snapshot","version":1}"#),
        Err(super::SnapshotError::Broken(_))
    ));
    assert_eq!(Actor::Group { name: "a".to_owned() }.kind(), "group",);
}
