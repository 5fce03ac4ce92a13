//! `check irsa` and the plan about trust policies: what is wrong is said, and the command that is printed ends it.

use std::collections::BTreeMap;

use eksact_core::ports::aws::Role;
use serde_json::{Value, json};

use crate::commands::place::{Place, READ_ONLY, assert_story};

const ROLE: &str = "arn:aws:iam::111122223333:role/deployer";
const SUBJECT: &str = "system:serviceaccount:app:web";
const STS: &str = "sts.amazonaws.com";

/// A cluster whose service account `app/web` has a role that Terraform made.
fn attached() -> Place {
    let place = Place::new();
    place.write_accounts(
        "cluster.yaml",
        &[&format!(
            "{{metadata: {{name: web, namespace: app}}, attachRoleARN: '{ROLE}'}}"
        )],
    );
    trust(&place, json!({"Version": "2012-10-17", "Statement": []}));
    let ended = place.run(&["apply", "-f", "cluster.yaml", "--yes"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    place
}

/// The trust policy of the role is now this.
fn trust(place: &Place, trust_policy: Value) {
    place.edit("quickstart", |world| {
        let role = Role {
            name: "deployer".to_owned(),
            arn: ROLE.to_owned(),
            id: "AROADEPLOYER".to_owned(),
            path: "/".to_owned(),
            trust_policy,
            managed_policy_arns: Vec::new(),
            inline_policies: BTreeMap::new(),
            max_session_seconds: None,
            permissions_boundary: None,
            tags: BTreeMap::from([("ManagedBy".to_owned(), "Terraform".to_owned())]),
        };
        world.roles.insert(role.name.clone(), role);
    });
}

/// The ARN of the cluster's provider.
fn provider(place: &Place) -> String {
    let mut arn = String::new();
    place.edit("quickstart", |world| {
        arn = world.oidc_providers.keys().next().unwrap().clone();
    });
    arn
}

const CHECK: [&str; 5] = ["check", "irsa", "--cluster", "quickstart", "app/web"];

fn findings(place: &Place, arguments: &[&str], code: i32) -> Vec<Value> {
    let ended = place.run(&[arguments, &["-o", "json"]].concat());
    assert_eq!(ended.code, code, "{}{}", ended.stdout, ended.stderr);
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    document["findings"].as_array().unwrap().clone()
}

fn codes(findings: &[Value]) -> Vec<&str> {
    findings
        .iter()
        .map(|finding| finding["code"].as_str().unwrap())
        .collect()
}

/// The policy document that a shell hands to `aws` when the command in a finding is pasted there.
fn pasted(place: &Place, findings: &[Value]) -> Value {
    let mut lines = findings
        .iter()
        .flat_map(|finding| finding["help"].as_str().unwrap().lines());
    let command = lines
        .find(|line| line.trim_start().starts_with("aws iam update-assume-role-policy"))
        .unwrap_or_else(|| panic!("{findings:#?}"));
    let script = format!("aws() {{ printf '%s\\n' \"$@\"; }}\n{command}");
    let output = place.bare("/bin/sh").args(["-c", &script]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let words: Vec<&str> = text.lines().collect();
    let [_, _, "--role-name", "deployer", "--policy-document", document] = words.as_slice() else {
        panic!("{words:#?}");
    };
    serde_json::from_str(document).unwrap()
}

/// Every trust policy that is wrong is a finding of the check and a warning of the plan; the printed command ends both.
#[test]
fn trust_policy_is_repaired_by_the_printed_command() {
    let place = attached();
    let own = provider(&place);
    let issuer = own.split_once("oidc-provider/").unwrap().1;
    let (sub, aud) = (format!("{issuer}:sub"), format!("{issuer}:aud"));
    let other = own.replace("/id/", "/id/00");
    let allow = |principal: Value, condition: Value| json!({"Sid": "It's", "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity", "Principal": principal, "Condition": condition});
    let ours = |condition: Value| allow(json!({"Federated": own}), condition);
    let good = ours(json!({"StringEquals": {&sub: SUBJECT, &aud: STS}}));
    let ec2 =
        json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}});
    let denial = json!({"Effect": "Deny", "Action": "*", "Principal": "*", "Condition": {"StringLike": {&sub: "system:serviceaccount:app:*"}}});
    let (refuses, open) = ("attached-role-refuses", "attached-role-too-open");
    let table: Vec<(Value, &str, Vec<&str>)> = vec![
        (json!([]), refuses, vec!["trust-nobody"]),
        (ec2.clone(), refuses, vec!["trust-action"]),
        (
            json!([ec2, allow(json!({"Federated": other}), json!({}))]),
            refuses,
            vec!["trust-provider"],
        ),
        (
            json!([ours(
                json!({"StringEquals": {&sub: "system:serviceaccount:app:api", &aud: STS}})
            )]),
            refuses,
            vec!["trust-subject"],
        ),
        (
            json!([ours(
                json!({"StringEquals": {&sub: "system:serviceaccount:default:web"}})
            )]),
            refuses,
            vec!["trust-namespace"],
        ),
        (
            json!([ours(
                json!({"StringEquals": {&sub: "system:serviceaccount:app:*"}})
            )]),
            refuses,
            vec!["trust-wildcard"],
        ),
        (
            json!([ours(json!({"StringEquals": {&sub: STS, &aud: SUBJECT}}))]),
            refuses,
            vec!["trust-swapped"],
        ),
        (
            json!([ours(json!({"StringEquals": {&sub: SUBJECT, &aud: "vault"}}))]),
            refuses,
            vec!["trust-audience"],
        ),
        (
            json!([ours(json!({"StringEquals": {format!("https://{sub}"): SUBJECT}}))]),
            refuses,
            vec!["trust-other-issuer"],
        ),
        (json!([denial, good]), refuses, vec!["trust-denied"]),
        (
            json!([ours(json!({}))]),
            open,
            vec!["trust-any-service-account", "trust-any-audience"],
        ),
        (
            json!([ours(
                json!({"StringLike": {&sub: "system:serviceaccount:*:*", &aud: STS}})
            )]),
            open,
            vec!["trust-any-service-account"],
        ),
        (
            json!([ours(
                json!({"StringLike": {&sub: "system:serviceaccount:*:web", &aud: STS}})
            )]),
            open,
            vec!["trust-any-namespace"],
        ),
        (
            json!([ours(json!({"StringEquals": {&sub: SUBJECT}}))]),
            open,
            vec!["trust-any-audience"],
        ),
        (
            json!([allow(json!("*"), json!({}))]),
            open,
            vec![
                "trust-any-provider",
                "trust-any-service-account",
                "trust-any-audience",
            ],
        ),
    ];
    let plan = ["plan", "-f", "cluster.yaml"];
    for (statements, of_plan, of_check) in table {
        let policy = json!({"Version": "2012-10-17", "Statement": statements});
        trust(&place, policy.clone());
        let planned = findings(&place, &plan, 0);
        assert!(
            codes(&planned).iter().all(|code| *code == of_plan),
            "{policy}: {planned:#?}"
        );
        assert!(
            planned.iter().all(|finding| finding["severity"] == "warning"),
            "{planned:#?}"
        );
        let checked = findings(&place, &CHECK, i32::from(of_plan == refuses));
        assert_eq!(codes(&checked), of_check, "{policy}");
        for found in [&planned, &checked] {
            let repaired = pasted(&place, found);
            trust(&place, repaired.clone());
            assert_eq!(
                findings(&place, &CHECK, 0),
                Vec::<Value>::new(),
                "{policy} -> {repaired}"
            );
            assert_eq!(
                findings(&place, &plan, 0),
                Vec::<Value>::new(),
                "{policy} -> {repaired}"
            );
        }
    }
}

#[test]
fn trust_policy_of_a_stack_is_restored_by_apply() {
    let place = Place::new();
    place.write_accounts(
        "cluster.yaml",
        &[&format!(
            "{{metadata: {{name: web, namespace: app}}, attachPolicyARNs: [{READ_ONLY}]}}"
        )],
    );
    let apply = ["apply", "-f", "cluster.yaml", "--yes"];
    assert_eq!(place.run(&apply).code, 0);
    let own = provider(&place);
    let only_ours = json!({"Effect": "Allow", "Action": "*", "Principal": {"Federated": own}});
    let denial = json!({"Effect": "Deny", "Action": "*", "Principal": "*"});
    for statements in [json!([]), only_ours, denial] {
        place.edit("quickstart", |world| {
            let role = world
                .roles
                .values_mut()
                .find(|role| !role.tags.is_empty())
                .unwrap();
            role.trust_policy = json!({"Version": "2012-10-17", "Statement": statements});
        });
        for (more, file) in [(vec![], "FILE"), (vec!["-f", "cluster.yaml"], "cluster.yaml")] {
            let check = if more.is_empty() {
                CHECK.to_vec()
            } else {
                [vec!["check", "irsa", "app/web"], more].concat()
            };
            let ended = place.run(&[check.as_slice(), &["-o", "json"]].concat());
            let document: Value = serde_json::from_str(&ended.stdout).unwrap();
            let help = document["findings"][0]["help"].as_str().unwrap();
            assert!(help.starts_with(&format!("`eksact apply -f {file}`")), "{help}");
        }
        let ended = place.run(&apply);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert_eq!(findings(&place, &CHECK, 0), Vec::<Value>::new(), "{statements}");
    }
}

/// What is said, as people see it.
#[test]
fn trust_policy_is_reported_with_what_it_depends_on() {
    let mut place = attached();
    let own = provider(&place);
    let issuer = own.split_once("oidc-provider/").unwrap().1.to_owned();
    let good = json!({"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity", "Principal": {"Federated": own},
        "Condition": {"StringEquals": {format!("{issuer}:sub"): SUBJECT, format!("{issuer}:aud"): STS}}});
    let denial = json!({"Effect": "Deny", "Action": "sts:*", "Principal": "*",
        "Condition": {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}});
    trust(
        &place,
        json!({"Version": "2012-10-17", "Statement": [good, denial]}),
    );
    place.tell(&CHECK);
    place.tell(&[CHECK.as_slice(), &["-o", "json"]].concat());
    place.tell(&["plan", "-f", "cluster.yaml"]);
    trust(&place, json!({"Version": "2012-10-17", "Statement": []}));
    place.tell(&CHECK);
    assert_story!("check-irsa", place.story());
}
