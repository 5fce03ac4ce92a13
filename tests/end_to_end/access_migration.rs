//! From aws-auth to access entries and mode API, while everybody who was let in before asks the real kube-apiserver over and over.

use std::{
    fmt::Write as _,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};

use super::bed::{Bed, bed_folder};
use super::people::Keys;

const DEVELOPERS: usize = 36;
const ADMINS: usize = 4;
const USERS: usize = 8;

/// Somebody who asks, and its line.
struct Person {
    line: String,
    name: String,
    keys: Keys,
    is_admin: bool,
}

fn line(arn_key: &str, arn: &str, username: &str, groups: &[&str]) -> String {
    format!(
        "- {{{arn_key}: '{arn}', username: '{username}', groups: {}}}\n",
        json!(groups)
    )
}

fn people(bed: &Bed) -> Vec<Person> {
    let account = bed.fact("account");
    let mut all = Vec::new();
    for number in 0..DEVELOPERS + ADMINS {
        let is_admin = number >= DEVELOPERS;
        let name = format!("person-{number:02}");
        let path = if number.is_multiple_of(3) { "/teams/" } else { "/" };
        let groups: &[&str] = match (is_admin, number % 2) {
            (true, 0) => &["system:masters"],
            (true, _) => &["system:masters", "devs"],
            (false, _) => &["devs"],
        };
        let username = match number % 3 {
            0 => format!("dev:{name}:{{{{SessionName}}}}"),
            1 => format!("{{{{AccountID}}}}:{name}"),
            _ => name.clone(),
        };
        all.push(Person {
            line: line(
                "rolearn",
                &format!("arn:aws:iam::{account}:role/{name}"),
                &username,
                groups,
            ),
            keys: bed.make_session(path, &name, "nina@example.com"),
            name,
            is_admin,
        });
    }
    for number in 0..USERS {
        let name = format!("user-{number:02}");
        let path = if number.is_multiple_of(2) { "/people/" } else { "/" };
        all.push(Person {
            line: line(
                "userarn",
                &format!("arn:aws:iam::{account}:user{path}{name}"),
                &name,
                &["devs"],
            ),
            keys: bed.make_user(path, &name),
            name,
            is_admin: false,
        });
    }
    all
}

/// The lines of nobody who can ask here: nodes of all sorts, and what needs a decision or is without effect.
fn others(bed: &Bed) -> String {
    let account = bed.fact("account");
    let role = |name: &str| format!("arn:aws:iam::{account}:role/{name}");
    for name in ["node", "own-node", "windows", "fargate", "reserved"] {
        bed.make_session("/", name, "node");
    }
    let node = "system:node:{{EC2PrivateDNSName}}";
    let mut text = String::new();
    for one in [
        line(
            "rolearn",
            &role("node"),
            node,
            &["system:bootstrappers", "system:nodes"],
        ),
        line(
            "rolearn",
            &role("own-node"),
            node,
            &["system:bootstrappers", "system:nodes"],
        ),
        line(
            "rolearn",
            &role("windows"),
            node,
            &["system:nodes", "eks:kube-proxy-windows"],
        ),
        line(
            "rolearn",
            &role("fargate"),
            "system:node:{{SessionName}}",
            &["system:bootstrappers", "system:nodes", "system:node-proxier"],
        ),
        line("rolearn", &role("reserved"), "system:reserved", &["devs"]),
        line("rolearn", "arn:aws:iam::444455556666:role/far", "far", &["devs"]),
        line("rolearn", &role("gone"), "gone", &["devs"]),
        line("rolearn", &role("person-00"), "overridden", &["old"]),
    ] {
        text.push_str(&one);
    }
    text
}

/// The probe of `tests/bed/probe.py`, asking.
struct Probe {
    child: Child,
    out: BufReader<std::process::ChildStdout>,
}

impl Probe {
    fn start(bed: &Bed, people: &[Person]) -> Self {
        let mut child = Command::new("python3")
            .arg(bed_folder().join("probe.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let asking: Vec<Value> = people
            .iter()
            .map(|person| {
                let may = if person.is_admin {
                    json!({"verb": "delete", "resource": "nodes"})
                } else {
                    json!({"verb": "get", "resource": "configmaps", "namespace": "default"})
                };
                json!({"name": person.name, "keys": person.keys.parts(), "may": may})
            })
            .collect();
        let input = child.stdin.as_mut().unwrap();
        writeln!(input, "{}\n{}", bed.facts, json!(asking)).unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        Self { child, out }
    }

    fn end(mut self) -> Value {
        drop(self.child.stdin.take());
        let mut text = String::new();
        self.out.read_to_string(&mut text).unwrap();
        self.child.wait().unwrap();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }
}

fn bind_developers(bed: &Bed) {
    let rbac = "/apis/rbac.authorization.k8s.io/v1";
    let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "devs"},
        "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}]});
    let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "devs"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "devs"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "devs"}]});
    for (path, body) in [("clusterroles", role), ("clusterrolebindings", binding)] {
        let (status, answer) = bed.kubernetes("POST", &format!("{rbac}/{path}"), &body);
        assert_eq!(status, 201, "{answer}");
    }
}

/// Sixty lines: from mode `CONFIG_MAP` to `API`, in the three steps that one takes with a pause in between.
#[test]
fn migration_refuses_nobody_at_any_moment() {
    let bed = Bed::start();
    let account = bed.fact("account").to_owned();
    let role = |name: &str| format!("arn:aws:iam::{account}:role/{name}");
    let people = people(&bed);
    let (mut roles, mut users) = (others(&bed), String::new());
    write!(
        roles,
        "{}",
        line(
            "rolearn",
            bed.fact("deployer_role"),
            "deployer-role",
            &["system:masters"]
        )
    )
    .unwrap();
    users.push_str(&line(
        "userarn",
        &format!("arn:aws:iam::{account}:user/deployer"),
        "deployer",
        &["system:masters"],
    ));
    for person in &people {
        let section = if person.line.contains("userarn") {
            &mut users
        } else {
            &mut roles
        };
        section.push_str(&person.line);
    }
    assert!(roles.lines().count() + users.lines().count() >= 58);
    bind_developers(&bed);
    bed.put_aws_auth(&json!({"mapRoles": roles, "mapUsers": users}));
    bed.control(
        "POST",
        "eks/bench",
        &json!({
            "accessConfig": {"authenticationMode": "CONFIG_MAP"},
            "nodegroups": {"ng": role("node")}, "fargateProfiles": {"fp": role("fargate")},
            "ownEntriesAfter": {"nodegroups": 0.5, "fargateProfiles": null},
        }),
    );
    // An entry and its policies count a second after they were made, and a policy comes two seconds after its entry.
    bed.control("PUT", "seconds", &json!({"access": 1, "cluster_update": 2}));
    let slow = json!({"service": "eks", "action": "AssociateAccessPolicy", "delay": 2, "count": null});
    bed.control("POST", "faults", &slow);

    let probe = Probe::start(&bed, &people);
    let migrate = [
        "migrate",
        "to-access-entries",
        "--cluster",
        "bench",
        "--principal-arn",
        "arn:aws:iam::444455556666:role/team/far",
        "--username",
        &format!("{}=reserved", role("reserved")),
        "--yes",
    ];
    bed.run(&[&migrate[..], &["--allow", "one-way-mode"]].concat())
        .ended(0)
        .says("Applied: ");
    bed.run(&migrate).ended(0).says("No changes.");
    bed.run(&[&migrate[..], &["--remove-aws-auth"]].concat()).ended(0);
    assert!(
        !bed.section("mapRoles").contains("rolearn"),
        "{}",
        bed.section("mapRoles")
    );
    assert!(!bed.section("mapUsers").contains("userarn"));
    bed.run(&[&migrate[..4], &["--to-api", "--yes", "--allow", "one-way-mode"]].concat())
        .ended(0);
    let told = probe.end();

    println!("{} questions in {} s", told["asked"], told["seconds"]);
    for person in &people {
        let asked = &told["people"][&person.name];
        assert_eq!(asked["refused"], json!([]), "{}: {asked}", person.name);
        assert!(asked["asked"].as_u64().unwrap() > 8, "{}: {asked}", person.name);
        // One user name all the way, and no other groups but for that of administrators.
        let seen = asked["seen"].as_array().unwrap();
        let names: std::collections::BTreeSet<&str> =
            seen.iter().map(|one| one[0].as_str().unwrap()).collect();
        assert_eq!(names.len(), 1, "{}: {asked}", person.name);
        let groups: std::collections::BTreeSet<String> = seen
            .iter()
            .map(|one| {
                let groups = one[1].as_array().unwrap().iter();
                let kept = groups.filter(|group| *group != "system:masters");
                json!(kept.collect::<Vec<_>>()).to_string()
            })
            .collect();
        assert_eq!(groups.len(), 1, "{}: {asked}", person.name);
    }
    let mode = bed
        .aws("eks", "describe_cluster", &json!({"name": "bench"}))
        .unwrap();
    assert_eq!(mode["cluster"]["accessConfig"]["authenticationMode"], "API");
    let entry = |name: &str| {
        let found = bed.aws(
            "eks",
            "describe_access_entry",
            &json!({"clusterName": "bench", "principalArn": role(name)}),
        );
        found.unwrap()["accessEntry"]["type"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        ["node", "own-node", "windows", "fargate"].map(entry),
        ["EC2_LINUX", "EC2_LINUX", "EC2_WINDOWS", "FARGATE_LINUX"].map(str::to_owned)
    );
    let (status, left) = bed.kubernetes(
        "GET",
        "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
        &Value::Null,
    );
    assert_eq!(status, 200);
    assert!(!left.to_string().contains("eksact:migration"), "{left}");
}
