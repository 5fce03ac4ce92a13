//! `whoami` on the whole bed: for everybody who is Unauthorized it names the cause, and the real server agrees.

use serde_json::{Value, json};

use super::bed::{Bed, Ran, until};

/// Puts these texts into aws-auth, the node's mapping left out.
fn aws_auth(bed: &Bed, roles: &str, users: &str) {
    let path = "/api/v1/namespaces/kube-system/configmaps/aws-auth";
    let (status, mut config_map) = bed.kubernetes("GET", path, &Value::Null);
    assert_eq!(status, 200);
    config_map["data"] = json!({"mapRoles": roles, "mapUsers": users});
    assert_eq!(bed.kubernetes("PUT", path, &config_map).0, 200);
}

fn run(bed: &Bed, person: &str, more: &[&str]) -> Ran {
    let mut arguments = vec!["whoami", "--cluster", bed.fact("cluster"), "-o", "json"];
    arguments.extend(more);
    Ran::from(bed.eksact_as(person, &arguments).output().unwrap())
}

fn codes(ran: &Ran) -> Vec<String> {
    let findings = ran.json()["findings"].clone();
    let codes = findings.as_array().unwrap().iter();
    codes
        .map(|finding| finding["code"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn who_is_let_in_sees_name_and_groups() {
    let bed = Bed::start();
    let ran = run(&bed, "deployer", &[]).ended(0);
    let facts = ran.json();
    assert_eq!(facts["username"], "deployer", "{ran}");
    assert!(facts["groups"].to_string().contains("system:masters"), "{ran}");
    assert_eq!(facts["credentials"], "AWS_ACCESS_KEY_ID in the environment");
    let plain = Ran::from(bed.eksact(&["whoami"]).output().unwrap()).ended(0);
    plain.says("arn:aws:iam::111122223333:user/deployer");
}

#[test]
fn each_cause_of_unauthorized_is_named() {
    let bed = Bed::start();
    let admin = ["--kubeconfig", bed.fact("admin_kubeconfig")];
    let refused = |what: &str, person: &str, more: &[&str], expected: &[&str]| {
        let mut all = admin.to_vec();
        all.extend(more);
        let mut last = None;
        // The authenticator reads a changed ConfigMap within moments.
        until(what, || {
            let ran = run(&bed, person, &all);
            let agrees = ran.json()["server"]
                .as_str()
                .is_some_and(|text| text.contains("401"));
            last = Some(ran);
            agrees
        });
        let ran = last.unwrap();
        assert_eq!(ran.code, Some(1), "{ran}");
        for code in expected {
            assert!(
                codes(&ran).iter().any(|found| found == code),
                "{what}: {code} is missing in {ran}"
            );
        }
    };
    let role = |arn: &str| format!("- rolearn: {arn}\n  username: admin\n  groups: [system:masters]\n");
    let user = |arn: &str| format!("- userarn: {arn}\n  username: somebody\n  groups: []\n");
    let deployer = ["-r", bed.fact("deployer_role")];

    aws_auth(&bed, "[]", "[]");
    refused("no mapping", "planner", &[], &["not-mapped"]);
    aws_auth(&bed, &role("arn:aws:iam::111122223333:role/team/deployer"), "[]");
    refused(
        "a role's path",
        "deployer",
        &deployer,
        &["role-arn-with-path", "not-mapped"],
    );
    aws_auth(&bed, "[]", &user("arn:aws:iam::111122223333:user/eng/planner"));
    refused("a user's path", "planner", &[], &["user-path", "not-mapped"]);
    aws_auth(&bed, "[]", &user("arn:aws:iam::999900001111:user/planner"));
    refused(
        "another account",
        "planner",
        &[],
        &["other-account", "not-mapped"],
    );
    aws_auth(
        &bed,
        "[]",
        "- userarn: arn:aws:iam::111122223333:user/planner\n\tusername: planner\n",
    );
    refused(
        "a dropped section",
        "planner",
        &[],
        &["section-dropped", "not-mapped"],
    );
    aws_auth(&bed, "[]", "[]");
    bed.control(
        "POST",
        &format!("eks/{}", bed.fact("cluster")),
        &json!({"accessConfig": {"authenticationMode": "API"}}),
    );
    refused("mode API without an entry", "planner", &[], &["not-mapped"]);
}

#[test]
fn what_cannot_be_read_is_not_checkable() {
    let bed = Bed::start();
    let ran = run(&bed, "nobody", &[]);
    let facts = ran.json();
    assert!(
        facts["notCheckable"].as_str().unwrap().contains("aws-auth"),
        "{ran}"
    );
    assert_eq!(
        codes(&ran),
        [""; 0],
        "nothing is claimed that is not known: {ran}"
    );
    // A pasted ConfigMap is another way to it.
    let file = bed.file(
        "aws-auth.yaml",
        "data:\n  mapUsers: |\n    - userarn: arn:aws:iam::111122223333:user/team/nobody\n",
    );
    let ran = run(&bed, "nobody", &["--aws-auth", &file]);
    assert_eq!(codes(&ran), ["user-path"], "{ran}");
}
