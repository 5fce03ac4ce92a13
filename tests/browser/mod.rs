//! The pages of `plan -o html`, of one cluster and of many, and of `map` in a real headless Chromium, which `tests/bed/bed.py --install` brings.

use std::{fs, path::Path, process::Command, time::Duration};

use eksact_core::{
    diagnosis::{
        access_map::{
            AccessMap, Assumer, Escalator, Holder, MappedPerson, PodRights, PolicyStatement, Right, html,
        },
        authorization::Verdict,
    },
    engine::{Address, Plan},
    fleet::{ClusterId, Outcome, Problem, Status},
    view::{fleet_html, fleet_human::Run, plan_html},
};

/// What would break out of a page.
const HOSTILE: [&str; 8] = [
    "<script>document.title='run'; alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"><iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "' onmouseover='alert(1)",
    "</style><script>alert(1)</script>",
    "<!-- -->]]></details></article>",
    "{{ title }}{% raw %}",
    "<a href=javascript:alert(1)>click</a>",
];

/// A real plan: the quickstart example with two changes, over what was applied before.
fn plan() -> Plan {
    let folder = tempfile::tempdir().unwrap();
    let run = |text: &str, arguments: &[&str]| {
        fs::write(folder.path().join("cluster.yaml"), text).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_eksact"))
            .args(arguments)
            .env_clear()
            .env("HOME", folder.path())
            .env("EKSACT_SANDBOX", "1")
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        output.stdout
    };
    let file = include_str!("../../examples/quickstart.yaml");
    run(file, &["apply", "-f", "cluster.yaml", "--yes"]);
    let changed = file
        .replace("policy/AmazonS3ReadOnlyAccess", "policy/AmazonS3FullAccess")
        .replace("- sqs:GetQueueAttributes\n", "- sqs:*\n");
    let json = run(&changed, &["plan", "-f", "cluster.yaml", "-o", "json"]);
    serde_json::from_slice(&json).unwrap()
}

/// The same with a change for each hostile text, which is in every place where a value can be.
fn hostile(plan: &Plan) -> Plan {
    let mut hostile = plan.clone();
    let pattern = plan.changes[0].clone();
    for text in HOSTILE {
        let mut change = pattern.clone();
        change.address = Address::new("iam-role", text);
        for attribute in &mut change.attributes {
            attribute.name = text.to_owned();
            attribute.remark = Some(text.to_owned());
            attribute.before = Some(serde_json::json!({text: [text]}));
            for line in &mut attribute.differences {
                line.text = text.to_owned();
            }
        }
        change.notes.push(text.to_owned());
        hostile.changes.push(change);
        hostile.target.insert(text.to_owned(), text.to_owned());
    }
    hostile
}

#[test]
fn page_is_readable_in_light_and_dark_by_keyboard_and_runs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let plan = plan();
    let pages = [("plan.html", plan.clone()), ("hostile.html", hostile(&plan))];
    for (name, plan) in &pages {
        fs::write(
            at(name),
            plan_html(plan, &plan.digest(), Some("cluster.yaml")).unwrap(),
        )
        .unwrap();
    }
    let pictures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/pictures.json");
    let mut of_the_map = vec!["--pictures".into(), pictures.into_os_string()];
    if std::env::var_os("EKSACT_BLESS").is_some() {
        of_the_map.push("--record".into());
    }
    let look = |texts: &[&str], page: &str| {
        fs::write(at("texts.json"), serde_json::to_string(texts).unwrap()).unwrap();
        let output = Command::new("python3")
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/look.py"))
            .arg("--texts")
            .arg(at("texts.json"))
            .args(if page == "team.html" {
                of_the_map.as_slice()
            } else {
                &[]
            })
            .arg(at(page))
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{page}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    look(&["sqs:*", "AmazonS3FullAccess"], "plan.html");
    look(&HOSTILE, "hostile.html");
    fs::write(
        at("clusters.html"),
        fleet_html(&clusters(&plan), Run::Plan, "0.1.0").unwrap(),
    )
    .unwrap();
    look(&HOSTILE, "clusters.html");
    fs::write(at("map.html"), html(&map()).unwrap()).unwrap();
    look(&HOSTILE, "map.html");
    fs::write(at("team.html"), html(&team()).unwrap()).unwrap();
    let texts = [
        "arn:aws:iam::111122223333:role/team-0",
        "arn:aws:iam::111122223333:user/mallory",
        "whoever it wants to be in the cluster",
        "changes the trust policy of any role (iam:UpdateAssumeRolePolicy)",
        "the condition on aws:SourceIp",
    ];
    look(&texts, "team.html");
}

/// A cluster with a plan, and for each hostile text one that is called so, with a plan full of them or a problem.
fn clusters(plan: &Plan) -> Vec<Outcome> {
    let named = |name: &str| Outcome {
        cluster: Some(ClusterId {
            account: None,
            region: "eu-west-1".to_owned(),
            name: name.to_owned(),
        }),
        files: vec![name.to_owned()],
        status: Status::Changes,
        plan: Some(plan.clone()),
        digest: Some(plan.digest()),
        saved: None,
        run: None,
        problem: None,
        took: Duration::ZERO,
    };
    let mut clusters = vec![named("prod")];
    for (number, text) in HOSTILE.into_iter().enumerate() {
        let mut outcome = named(text);
        if number % 2 == 0 {
            outcome.plan = Some(hostile(plan));
        } else {
            outcome.plan = None;
            outcome.status = Status::Failed;
            outcome.problem = Some(Problem {
                message: text.to_owned(),
                help: Vec::new(),
            });
        }
        clusters.push(outcome);
    }
    clusters
}

fn escalator(text: &str) -> Escalator {
    Escalator {
        who: text.to_owned(),
        becomes: text.to_owned(),
        by: text.to_owned(),
        answer: Verdict::Depends,
        depends_on: vec![text.to_owned()],
    }
}

/// A map with each hostile text in every place where a value can be.
fn map() -> AccessMap {
    let mut map = AccessMap {
        cluster: HOSTILE[0].to_owned(),
        region: HOSTILE[1].to_owned(),
        account: HOSTILE[2].to_owned(),
        authentication_mode: Some(HOSTILE[3].to_owned()),
        complete: false,
        unread: HOSTILE.map(ToOwned::to_owned).to_vec(),
        people: Vec::new(),
        rights: Vec::new(),
        pods: Vec::new(),
        escalators: Vec::new(),
    };
    for (place, text) in HOSTILE.into_iter().enumerate() {
        let said = text.to_owned();
        map.people.push(MappedPerson {
            principal: said.clone(),
            by: said.clone(),
            username: said.clone(),
            groups: vec![said.clone()],
            assumed_by: vec![Assumer {
                who: said.clone(),
                answer: Verdict::Depends,
                through: Some(said.clone()),
            }],
            becoming: vec![escalator(text)],
            rights: vec![place],
        });
        map.escalators.push(escalator(text));
        map.rights.push(Right {
            kind: Holder::Group,
            who: said.clone(),
            by: said.clone(),
            role: said.clone(),
            namespaces: Some(vec![said.clone(), format!("app-{place}")]),
            rules: Some(vec![said.clone()]),
            verbs: [said.clone(), format!("verb-{place}")].into(),
        });
        map.pods.push(PodRights {
            namespace: said.clone(),
            service_account: said.clone(),
            role: said.clone(),
            by: said.clone(),
            answer: Verdict::Depends,
            depends_on: vec![said.clone()],
            is_limited: true,
            statements: vec![PolicyStatement {
                effect: said.clone(),
                actions: said.clone(),
                resources: said.clone(),
                is_conditional: true,
                policy: said.clone(),
            }],
        });
    }
    map
}

/// A map as a team has it, for its pictures.
fn team() -> AccessMap {
    let teams = ["devs", "operations", "release", "auditors", "data", "platform"];
    let role = |number: usize| format!("arn:aws:iam::111122223333:role/team-{number}");
    let mut map = AccessMap {
        cluster: "prod".to_owned(),
        region: "eu-west-1".to_owned(),
        account: "111122223333".to_owned(),
        authentication_mode: Some("API_AND_CONFIG_MAP".to_owned()),
        complete: true,
        unread: Vec::new(),
        people: Vec::new(),
        rights: Vec::new(),
        pods: Vec::new(),
        escalators: vec![Escalator {
            who: "arn:aws:iam::111122223333:user/mallory".to_owned(),
            becomes: "whoever it wants to be in the cluster".to_owned(),
            by: "changes the trust policy of any role (iam:UpdateAssumeRolePolicy)".to_owned(),
            answer: Verdict::Depends,
            depends_on: vec!["the condition on aws:SourceIp".to_owned()],
        }],
    };
    for (number, team) in teams.into_iter().enumerate() {
        map.people.push(MappedPerson {
            principal: role(number),
            by: "access entry".to_owned(),
            username: format!("{team}:{{{{SessionName}}}}"),
            groups: vec![team.to_owned()],
            assumed_by: Vec::new(),
            becoming: Vec::new(),
            rights: vec![number],
        });
        map.rights.push(Right {
            kind: Holder::Group,
            who: team.to_owned(),
            by: format!("RoleBinding app/{team}"),
            role: "ClusterRole edit".to_owned(),
            namespaces: Some(vec!["app".to_owned()]),
            rules: Some(vec![
                "create, delete, get, list on pods".to_owned(),
                "get, list on deployments.apps".to_owned(),
            ]),
            verbs: ["get".to_owned(), "list".to_owned()].into(),
        });
        map.pods.push(PodRights {
            namespace: "app".to_owned(),
            service_account: team.to_owned(),
            role: role(number),
            by: "pod identity association".to_owned(),
            answer: Verdict::Yes,
            depends_on: Vec::new(),
            is_limited: false,
            statements: vec![PolicyStatement {
                effect: "Allow".to_owned(),
                actions: "s3:GetObject".to_owned(),
                resources: "arn:aws:s3:::reports/*".to_owned(),
                is_conditional: false,
                policy: "own".to_owned(),
            }],
        });
    }
    // A filter that chooses some of the rows needs others.
    for right in map.rights.iter_mut().skip(3) {
        right.namespaces = Some(vec!["web".to_owned()]);
        right.verbs = ["watch".to_owned()].into();
    }
    map
}
