//! `who-can`, `can-i`, `explain access`, `snapshot`: who may do what, both ways, over one reading of the account and the cluster.

use eksact_core::ports::{
    aws::{AccessEntry, AccessPolicy, OidcProvider, Role, User},
    kubernetes::{PolicyRule, RbacBinding, RbacRole, ServiceAccount, Subject},
};
use eksact_identity::iam::trust::{irsa_trust_policy, issuer_without_scheme, provider_arn};
use eksact_simulator::World;
use serde_json::{Value, json};

use crate::commands::place::{Place, assert_story};

const OF: [&str; 4] = ["--cluster", "quickstart", "--region", "eu-west-1"];
const NINA: &str = "arn:aws:iam::111122223333:user/nina";
const OPS: &str = "arn:aws:iam::111122223333:role/team/ops";

fn entry(world: &mut World, arn: &str, username: &str, groups: &[&str], policy: Option<&[&str]>) {
    let entry = AccessEntry {
        principal_arn: arn.to_owned(),
        username: username.to_owned(),
        entry_type: "STANDARD".to_owned(),
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        policies: Vec::from_iter(policy.map(|namespaces| AccessPolicy {
            arn: "arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy".to_owned(),
            namespaces: Some(namespaces.iter().map(|name| (*name).to_owned()).collect()),
        })),
        ..AccessEntry::default()
    };
    let cluster = world.clusters.values_mut().next().unwrap();
    cluster.eks.access_entries.insert(arn.to_owned(), entry);
}

fn bind(world: &mut World, namespace: Option<&str>, role: &str, kind: &str, name: &str) {
    let binding = RbacBinding {
        namespace: namespace.map(ToOwned::to_owned),
        name: format!("{role}-{name}"),
        role_kind: "ClusterRole".to_owned(),
        role_name: role.to_owned(),
        subjects: vec![Subject {
            kind: kind.to_owned(),
            name: name.to_owned(),
            namespace: (kind == "ServiceAccount").then(|| "app".to_owned()),
        }],
        ..RbacBinding::default()
    };
    let place = format!("{}/{}", namespace.unwrap_or_default(), binding.name);
    let cluster = world.clusters.values_mut().next().unwrap();
    cluster.rbac_bindings.insert(place, binding);
}

/// People with an entry, a line of aws-auth, a group; service accounts; and who can become one of them.
fn some_people(world: &mut World) {
    entry(world, NINA, "nina", &["devs"], None);
    entry(world, OPS, "ops", &[], Some(&["app", "dev-*"]));
    bind(world, Some("app"), "edit", "Group", "devs");
    bind(world, Some("app"), "view", "Group", "viewers");
    bind(world, Some("app"), "cleaner", "ServiceAccount", "janitor");
    bind(world, Some("app"), "runner", "User", "eve");
    let cluster = world.clusters.values_mut().next().unwrap();
    for (name, verbs, resource) in [
        ("cleaner", ["list", "delete"], "pods"),
        ("runner", ["create", "get"], "pods/exec"),
    ] {
        let role = RbacRole {
            name: name.to_owned(),
            rules: vec![PolicyRule {
                api_groups: vec![String::new()],
                resources: vec![resource.to_owned()],
                verbs: verbs.map(ToOwned::to_owned).to_vec(),
                ..PolicyRule::default()
            }],
            ..RbacRole::default()
        };
        cluster.rbac_roles.insert(format!("/{name}"), role);
    }
    let janitor = ServiceAccount {
        namespace: "app".to_owned(),
        name: "janitor".to_owned(),
        ..ServiceAccount::default()
    };
    cluster.service_accounts.insert("app/janitor".to_owned(), janitor);
}

fn with_people() -> Place {
    let place = Place::new();
    place.edit("quickstart", some_people);
    place
}

fn words<'a>(line: &'a str, rest: &[&'a str]) -> Vec<&'a str> {
    line.split_whitespace().chain(rest.iter().copied()).collect()
}

#[test]
fn who_can_lists_people_and_apart_who_can_become_them() {
    let mut place = with_people();
    for line in [
        "who-can delete pods -n app",
        "who-can delete pods -n app --via",
        "who-can delete pods -n app -o csv",
        "who-can delete pods -n app -o mermaid",
        "who-can get /metrics",
        "who-can delete nodes -n app",
    ] {
        place.tell(&words(line, &OF));
    }
    assert_story!("who-can", place.story());
}

/// One question for every namespace says in which; asked of one it says what that one says.
#[test]
fn who_can_in_any_namespace_says_in_which() {
    let mut place = with_people();
    place.edit("quickstart", |world| {
        for number in 1..=5 {
            bind(
                world,
                Some(&format!("payments-{number:02}")),
                "edit",
                "Group",
                "devs",
            );
        }
        bind(world, Some("payments-03"), "runner", "User", "eve");
        bind(world, Some("payments-03"), "cleaner", "ServiceAccount", "janitor");
    });
    for line in [
        "who-can delete pods --any-namespace",
        "who-can delete pods --any-namespace --via",
        "who-can delete pods --any-namespace -o csv",
        "who-can delete nodes --any-namespace",
        "who-can get /metrics --any-namespace",
        "who-can get namespaces/app --any-namespace",
        "who-can delete pods --any-namespace -n app",
        "who-can delete pods --any-namespace -A",
        "who-can s3:GetObject --any-namespace",
        "can-i get secrets --any-namespace",
    ] {
        place.tell(&words(line, &OF));
    }
    assert_story!("who-can-any-namespace", place.story());
    let any = place.run(&words("who-can delete pods --any-namespace -o json", &OF));
    let any: Value = serde_json::from_str(&any.stdout).unwrap();
    let namespaces = any["namespaces"].as_array().unwrap();
    assert!(namespaces.len() > 5, "{namespaces:?}");
    for namespace in namespaces {
        let namespace = namespace.as_str().unwrap();
        let question = format!("who-can delete pods -n {namespace} -o json");
        let one = place.run(&words(&question, &OF));
        let one: Value = serde_json::from_str(&one.stdout).unwrap();
        for part in ["direct", "canBecome"] {
            let names = |answer: &Value| -> Vec<String> {
                let rows = answer[part].as_array().unwrap().iter();
                let is_there = |row: &&Value| {
                    let all = &row["namespaces"];
                    all.is_null() || all == "all" || all.as_array().unwrap().contains(&json!(namespace))
                };
                let mut names: Vec<String> = rows
                    .filter(is_there)
                    .map(|row| format!("{}{}{}", row["arn"], row["namespace"], row["name"]))
                    .collect();
                names.dedup();
                names
            };
            assert_eq!(names(&any), names(&one), "{part} {namespace}");
        }
    }
}

/// What an access policy gives perhaps is said of its own namespaces, as `-n` says it.
#[test]
fn who_can_in_any_namespace_says_of_each_policy_where_it_may() {
    let mut place = Place::new();
    let mut create = words("create accessentry --principal-arn", &[OPS]);
    create.extend([
        "--access-policy",
        "AmazonEKSAutoNodePolicy:default",
        "--access-policy",
        "AmazonEKSNetworkingPolicy:kube-system",
        "--yes",
    ]);
    create.extend(OF);
    let created = place.run(&create);
    assert_eq!(created.code, 0, "{}", created.stderr);
    for line in [
        "who-can get secrets --any-namespace -o csv",
        "who-can get secrets --any-namespace --via",
        "who-can get secrets -n kube-system -o csv",
    ] {
        place.tell(&words(line, &OF));
    }
    assert_story!("who-can-any-namespace-depends", place.story());
}

#[test]
fn explain_access_shows_each_link_and_the_first_broken_one() {
    let mut place = with_people();
    for line in [
        "explain access delete pods -n app --as arn:aws:iam::111122223333:user/nina",
        "explain access delete pods -n prod --as arn:aws:iam::111122223333:user/nina",
        "explain access delete pods -n dev-1 --as arn:aws:sts::111122223333:assumed-role/ops/bob",
        "explain access create pods --subresource eviction -n app --as arn:aws:iam::111122223333:role/team/ops",
        "explain access get pods --as arn:aws:iam::111122223333:user/unknown",
        "explain access delete pods -n app --as-user x --as-group viewers",
        "can-i delete pods -n app --as arn:aws:iam::111122223333:user/nina",
        "can-i delete pods -n prod --as arn:aws:iam::111122223333:user/nina",
        "can-i get pods/exec -n app --as-user system:serviceaccount:app:janitor",
        "can-i get pods",
        "can-i get pods --as nina",
        "can-i get pods --as system:serviceaccount:app:janitor",
        "explain access arn:aws:iam::111122223333:user/nina",
    ] {
        place.tell(&words(line, &OF));
    }
    assert_story!("explain-access", place.story());
}

#[test]
fn map_shows_people_their_rights_and_the_roles_of_pods() {
    let mut place = with_people();
    for line in ["map -o csv", "map -o mermaid"] {
        place.tell(&words(line, &OF));
    }
    assert_story!("map", place.story());
    let page = place.run(&words("map", &OF));
    assert_eq!(page.code, 0, "{}", page.stderr);
    for text in [NINA, OPS, "AmazonEKSEditPolicy", "app/janitor"] {
        assert!(page.stdout.contains(&text.replace('/', "&#x2F;")), "{text}");
    }
    // Whoever can be anybody is on the page, though nothing lets it in.
    let section = page.stdout.split("<h2>Who can become others</h2>").nth(1);
    let section = section.and_then(|rest| rest.split("</section>").next()).unwrap();
    for text in [
        "AWSReservedSSO_AdministratorAccess_ba6f40e364203191",
        "whoever it wants to be in the cluster",
        "gives itself the access policy AmazonEKSClusterAdminPolicy",
    ] {
        assert!(section.contains(text), "{text}");
    }
    // The same from a snapshot, for somebody without rights.
    place.run(&words("snapshot --out access.json", &OF));
    let read = place.run(&["map", "--snapshot", "access.json"]);
    assert_eq!(read.stdout, page.stdout);
    // What could not be read is said, on the page too.
    place.edit("quickstart", |world| {
        world.denied.insert("eks:ListAccessEntries".to_owned());
    });
    let partial = place.run(&words("map", &OF));
    assert_eq!(partial.code, 5, "{}", partial.stderr);
    assert!(partial.stdout.contains("<h2>Not read</h2>"), "{}", partial.stderr);
}

/// What could not be read has an exit code of its own, and is never a no.
#[test]
fn who_can_says_what_it_could_not_read() {
    let place = with_people();
    place.edit("quickstart", |world| {
        world.denied.insert("eks:ListAccessEntries".to_owned());
    });
    let ended = place.run(&words("who-can delete pods -n app -o json", &OF));
    assert_eq!(ended.code, 5, "{}", ended.stderr);
    let answer: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(answer["complete"], false);
    assert!(
        answer["unread"][0]
            .as_str()
            .unwrap()
            .starts_with("access entries: ")
    );
    assert!(
        ended.stderr.contains("warning: not read: access entries: "),
        "{}",
        ended.stderr
    );
    let asked = words(
        "can-i delete pods -n app --as arn:aws:iam::111122223333:user/nina",
        &OF,
    );
    let ended = place.run(&asked);
    assert_eq!(ended.code, 5);
    assert!(
        ended
            .stdout
            .starts_with("depends - on access entries, which could not be read: ")
    );
}

/// A snapshot gives the answers of the reading that it keeps, to those who may read nothing; and as it has the account's IAM, also
/// who becomes more by that.
#[test]
fn snapshot_answers_as_the_cluster_did() {
    let place = with_people();
    let question = "who-can delete pods -n app -o json";
    let live = place.run(&words(question, &OF));
    let taken = place.run(&words("snapshot --out access.json", &OF));
    assert_eq!((taken.code, taken.stdout.as_str()), (0, ""), "{}", taken.stderr);
    place.edit("quickstart", |world| {
        let cluster = world.clusters.values_mut().next().unwrap();
        cluster.rbac_bindings.clear();
    });
    let kept = place.run(&words(question, &["--snapshot", "access.json"]));
    let document = |text: &str| -> Value { serde_json::from_str(text).unwrap() };
    let (before, after) = (document(&live.stdout), document(&kept.stdout));
    for part in ["request", "direct", "complete", "unread"] {
        assert_eq!(after[part], before[part], "{part}");
    }
    let rows = |answer: &Value| answer["canBecome"].as_array().unwrap().clone();
    let (before, after) = (rows(&before), rows(&after));
    assert!(before.iter().all(|row| after.contains(row)), "{}", kept.stdout);
    let more: Vec<&Value> = after.iter().filter(|row| !before.contains(row)).collect();
    let is_of_iam = |row: &&Value| {
        ["iam:", "eks:", "assumes ", "trust policy"]
            .iter()
            .any(|word| row["by"].as_str().unwrap().contains(word))
    };
    assert!(!more.is_empty() && more.iter().all(is_of_iam), "{more:#?}");
    assert_eq!(kept.code, 0);
    assert!(
        kept.stderr
            .contains("answered from a snapshot of cluster quickstart"),
        "{}",
        kept.stderr
    );
    assert_ne!(place.run(&words(question, &OF)).stdout, live.stdout);
    let text = std::fs::read_to_string(place.path("access.json")).unwrap();
    assert!(
        !text.contains("\"labels\":{\"") && !text.contains("annotations\":{\""),
        "{text}"
    );
    // A file that says something else is not replaced unasked.
    let again = place.run(&words("snapshot --out access.json", &OF));
    assert_eq!(again.code, 1, "{}", again.stderr);
    place.write("other.json", "{\"format\": \"x\"}");
    let other = place.run(&words(question, &["--snapshot", "other.json"]));
    assert_eq!(other.code, 1);
    assert!(
        other
            .stderr
            .contains("--snapshot other.json: it is not a snapshot"),
        "{}",
        other.stderr
    );
}

fn policy(action: &str, resource: &str) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Sid": "Own", "Effect": "Allow", "Action": action, "Resource": resource}]})
}

fn iam_role(world: &mut World, name: &str, trust_policy: Value, own: Value) {
    let role = Role {
        name: name.to_owned(),
        arn: format!("arn:aws:iam::111122223333:role/{name}"),
        id: format!("AROA{name}"),
        path: "/".to_owned(),
        trust_policy,
        managed_policy_arns: Vec::new(),
        inline_policies: [("own".to_owned(), own)].into(),
        max_session_seconds: None,
        permissions_boundary: None,
        tags: std::collections::BTreeMap::new(),
    };
    world.roles.insert(name.to_owned(), role);
}

/// A reader of reports by annotation, one by trust alone, a role that is assumed, and people who reach them.
fn some_readers(world: &mut World) {
    some_people(world);
    let cluster = world.clusters.values_mut().next().unwrap();
    let issuer = cluster.cluster.oidc_issuer.clone().unwrap();
    let provider = provider_arn(eksact_identity::iam::Partition::Aws, "111122223333", &issuer)
        .unwrap()
        .to_string();
    let host = issuer_without_scheme(&issuer).unwrap();
    let reader = ServiceAccount {
        namespace: "app".to_owned(),
        name: "reporter".to_owned(),
        annotations: [(
            "eks.amazonaws.com/role-arn".to_owned(),
            "arn:aws:iam::111122223333:role/reports".to_owned(),
        )]
        .into(),
        ..ServiceAccount::default()
    };
    cluster.service_accounts.insert("app/reporter".to_owned(), reader);
    world.oidc_providers.insert(
        provider.clone(),
        OidcProvider {
            arn: provider.clone(),
            url: host.clone(),
            audiences: vec!["sts.amazonaws.com".to_owned()],
            thumbprints: Vec::new(),
            tags: std::collections::BTreeMap::new(),
        },
    );
    let reports = || policy("s3:GetObject", "arn:aws:s3:::reports/*");
    iam_role(
        world,
        "reports",
        irsa_trust_policy(&provider, &host, "app", "reporter", None),
        reports(),
    );
    iam_role(
        world,
        "any-of-app",
        irsa_trust_policy(&provider, &host, "app", "", Some("*")),
        reports(),
    );
    let by_account = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "111122223333"}}]});
    iam_role(world, "auditor", by_account, reports());
    let nina = User {
        arn: NINA.to_owned(),
        groups: Vec::new(),
        managed_policy_arns: Vec::new(),
        inline_policies: [(
            "hop".to_owned(),
            policy("sts:AssumeRole", "arn:aws:iam::111122223333:role/auditor"),
        )]
        .into(),
        permissions_boundary: None,
        tags: std::collections::BTreeMap::new(),
    };
    world.user_details.insert(NINA.to_owned(), nina);
}

const SILENT: &str = r#"{"Version": "2012-10-17", "Statement": []}"#;

#[test]
fn who_can_in_aws_joins_iam_pods_and_rights_in_the_cluster() {
    let mut place = Place::new();
    place.edit("quickstart", some_readers);
    place.write("bucket.json", SILENT);
    for line in [
        "who-can s3:GetObject arn:aws:s3:::reports/* --resource-policy bucket.json",
        "who-can s3:GetObject arn:aws:s3:::reports/* --resource-policy bucket.json -o csv",
        "who-can s3:GetObject arn:aws:s3:::reports/* --resource-policy bucket.json -o mermaid",
        "who-can s3:GetObject arn:aws:s3:::reports/x",
        "who-can sts:AssumeRole arn:aws:iam::111122223333:role/auditor",
        "can-i s3:GetObject arn:aws:s3:::reports/x --service-account app/reporter --resource-policy bucket.json",
        "can-i s3:PutObject arn:aws:s3:::reports/x --service-account app/reporter --resource-policy bucket.json",
        "explain access s3:GetObject arn:aws:s3:::reports/x --service-account app/janitor --resource-policy bucket.json",
        "explain access s3:GetObject arn:aws:s3:::reports/x --as arn:aws:iam::111122223333:user/nina --resource-policy bucket.json",
        "explain access s3:GetObject arn:aws:s3:::reports/x --as arn:aws:iam::111122223333:role/auditor",
    ] {
        place.tell(&words(line, &OF));
    }
    assert_story!("who-can-in-aws", place.story());
}

#[test]
fn questions_to_aws_that_are_none_are_refused() {
    let place = Place::new();
    place.write("bucket.json", "[]");
    for (line, says) in [
        (
            "who-can s3:* arn:aws:s3:::reports/*",
            "`s3:*` is not an action of AWS",
        ),
        (
            "who-can s3:GetObject reports",
            "`reports` is not the ARN of a resource",
        ),
        (
            "who-can s3:GetObject -n app",
            "--namespace, --all-namespaces and --subresource are for requests to Kubernetes",
        ),
        (
            "who-can s3:GetObject --any-namespace",
            "--any-namespace is for requests to Kubernetes",
        ),
        (
            "who-can delete pods --resource-account 111122223333",
            "are for actions of AWS",
        ),
        ("who-can delete", "`delete` on what is missing"),
        (
            "can-i s3:GetObject --service-account app",
            "it is not NAMESPACE/NAME",
        ),
        (
            "can-i s3:GetObject --as-user eve",
            "is a user of Kubernetes, who is no one to AWS",
        ),
        (
            "who-can s3:GetObject --resource-policy bucket.json",
            "is not a policy of IAM",
        ),
        (
            "who-can s3:GetObject --resource-policy missing.json",
            "could not be read",
        ),
    ] {
        let ended = place.run(&words(line, &OF));
        assert_ne!(ended.code, 0, "{line}");
        let said = ended.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(says), "{line}: {said}");
    }
}

/// Without IAM there is no answer, and a snapshot that does not have it says so.
#[test]
fn who_can_in_aws_needs_iam() {
    let place = Place::new();
    place.edit("quickstart", |world| {
        some_readers(world);
        world
            .denied
            .insert("iam:GetAccountAuthorizationDetails".to_owned());
    });
    let question = "who-can s3:GetObject arn:aws:s3:::reports/*";
    let ended = place.run(&words(question, &OF));
    assert_eq!((ended.code, ended.stdout.as_str()), (1, ""), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("who may is not known, because IAM's roles"),
        "{}",
        ended.stderr
    );
    let asked = words(
        "can-i s3:GetObject arn:aws:s3:::reports/x --service-account app/reporter",
        &OF,
    );
    let ended = place.run(&asked);
    assert_eq!(ended.code, 5, "{}", ended.stderr);
    // What is asked of the cluster needs none of it.
    assert_eq!(place.run(&words("who-can delete pods -n app", &OF)).code, 0);
    let taken = place.run(&words("snapshot --out access.json", &OF));
    assert_eq!(taken.code, 5, "{}", taken.stderr);
    let text = std::fs::read_to_string(place.path("access.json")).unwrap();
    let mut old: Value = serde_json::from_str(&text).unwrap();
    old["picture"].as_object_mut().unwrap().remove("aws");
    place.write("old.json", &old.to_string());
    let ended = place.run(&words(question, &["--snapshot", "old.json"]));
    assert_eq!(ended.code, 1);
    assert!(
        ended
            .stderr
            .contains("the snapshot is of an eksact that did not read it"),
        "{}",
        ended.stderr
    );
    // Asked of the cluster, a snapshot without it has a part of the answer, and does not send anybody to a snapshot.
    for (snapshot, why) in [
        ("access.json", "iam:GetAccountAuthorizationDetails"),
        ("old.json", "the snapshot is of an eksact that did not read it"),
    ] {
        let ended = place.run(&words("who-can delete pods -n app", &["--snapshot", snapshot]));
        assert_eq!(ended.code, 5, "{}", ended.stderr);
        let said = ended.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        for text in [
            "not read: IAM roles, users and policies: ",
            "is not known, because the account's IAM",
            why,
        ] {
            assert!(said.contains(text), "{text}: {said}");
        }
        assert!(!said.contains("asked of a snapshot"), "{said}");
    }
}

/// A snapshot answers what is asked of AWS as the reading did, and holds nothing that is secret.
#[test]
fn snapshot_answers_questions_to_aws() {
    let place = Place::new();
    place.edit("quickstart", some_readers);
    place.write("bucket.json", SILENT);
    let question = "who-can s3:GetObject arn:aws:s3:::reports/* -o json --resource-policy bucket.json";
    let live = place.run(&words(question, &OF));
    assert_eq!(live.code, 0, "{}", live.stderr);
    let taken = place.run(&words("snapshot --out access.json", &OF));
    assert_eq!(taken.code, 0, "{}", taken.stderr);
    let kept = place.run(&words(question, &["--snapshot", "access.json"]));
    assert_eq!((kept.code, &kept.stdout), (0, &live.stdout));
}

/// Who becomes more by what it may change in IAM and EKS, apart from who may: for AWS, for the cluster, and in the map.
#[test]
fn who_can_lists_apart_who_becomes_more_by_what_it_may_change() {
    const DEPLOYER: &str = "arn:aws:iam::111122223333:role/deployer";
    let mut place = Place::new();
    place.edit("quickstart", |world| {
        some_readers(world);
        let trusts = |who: &str| json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": who}}]});
        let auditor = "arn:aws:iam::111122223333:role/auditor";
        iam_role(world, "deployer", trusts(NINA), policy("iam:UpdateAssumeRolePolicy", auditor));
        iam_role(world, "editor", trusts(DEPLOYER), policy("iam:PutRolePolicy", "arn:aws:iam::111122223333:role/editor"));
        let mut entries = policy("eks:CreateAccessEntry", "*");
        entries["Statement"][0]["Action"] = json!(["eks:CreateAccessEntry", "eks:AssociateAccessPolicy"]);
        iam_role(world, "door", trusts(DEPLOYER), entries);
        // Somebody who gets in, and whose role another one may change.
        entry(world, auditor, "auditor", &["devs"], None);
    });
    place.write("bucket.json", SILENT);
    let read = "who-can s3:GetObject arn:aws:s3:::reports/x --resource-policy bucket.json";
    place.tell(&words(read, &OF));
    assert_eq!(place.run(&words("snapshot --out access.json", &OF)).code, 0);
    place.tell(&words("who-can delete pods -n app --snapshot access.json", &[]));
    let map = place.run(&words("map -o json --snapshot access.json", &[]));
    let map: Value = serde_json::from_str(&map.stdout).unwrap();
    let told = |list: &Value| -> Vec<(String, String)> {
        let rows = list.as_array().unwrap().iter();
        rows.map(|row| {
            (
                row["who"].as_str().unwrap().to_owned(),
                row["by"].as_str().unwrap().to_owned(),
            )
        })
        .filter(|(who, _)| !who.contains("AWSReservedSSO"))
        .collect()
    };
    let escalators: Vec<String> = told(&map["escalators"]).into_iter().map(|(who, _)| who).collect();
    assert_eq!(
        escalators,
        [
            "arn:aws:iam::111122223333:role/door",
            "arn:aws:iam::111122223333:role/editor"
        ]
    );
    let people = map["people"].as_array().unwrap();
    let auditor = people
        .iter()
        .find(|person| person["username"] == "auditor")
        .unwrap();
    let (who, by) = &told(&auditor["becoming"])[0];
    assert_eq!(who, DEPLOYER);
    assert!(by.starts_with("changes the trust policy of "), "{by}");
    assert_story!("who-can-escalation", place.story());
}
