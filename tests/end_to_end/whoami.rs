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
    bed.run_as(person, &arguments)
}

fn codes(ran: &Ran) -> Vec<String> {
    let findings = ran.json()["findings"].clone();
    let codes = findings.as_array().unwrap().iter();
    codes
        .map(|finding| finding["code"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn whoami_shows_name_and_groups() {
    let bed = Bed::start();
    let ran = run(&bed, "deployer", &[]).ended(0);
    let facts = ran.json();
    assert_eq!(facts["username"], "deployer", "{ran}");
    assert!(facts["groups"].to_string().contains("system:masters"), "{ran}");
    assert_eq!(facts["credentials"], "AWS_ACCESS_KEY_ID in the environment");
    let plain = bed.run(&["whoami"]).ended(0);
    plain.says("arn:aws:iam::111122223333:user/deployer");
}

#[test]
fn unauthorized_is_named_by_its_cause() {
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

/// Runs until the server refuses: the authenticator reads a changed ConfigMap within moments.
fn refused(bed: &Bed, what: &str, person: &str, more: &[&str]) -> Ran {
    let mut last = None;
    until(what, || {
        let ran = run(bed, person, more);
        let agrees = ran.json()["server"]
            .as_str()
            .is_some_and(|text| text.contains("401"));
        last = Some(ran);
        agrees
    });
    last.unwrap().ended(1)
}

/// Where a mapping is not what is missing, none is asked for.
#[test]
fn refusal_is_not_always_a_missing_mapping() {
    let bed = Bed::start();
    let admin = ["--kubeconfig", bed.fact("admin_kubeconfig")];
    let only = |ran: &Ran, code: &str| {
        assert_eq!(codes(ran), [code], "{ran}");
        for command in ["eksact create", "create-access-entry"] {
            assert!(!ran.stdout.contains(command), "{ran}");
        }
    };

    // A clock that is off: the SDK corrects it for its own calls, and STS refuses the token alone.
    let is_late = json!({
        "service": "sts", "action": "GetCallerIdentity", "contains": "X-Amz-Signature", "count": null,
        "code": "SignatureDoesNotMatch",
        "message": "Signature expired: 20260101T000000Z is now earlier than 20260101T000500Z (20260101T002000Z - 15 min.)",
    });
    bed.control("POST", "faults", &is_late);
    only(&refused(&bed, "a clock", "deployer", &admin), "clock");
    bed.control("DELETE", "faults", &Value::Null);

    aws_auth(&bed, "[]", "[]");
    only(
        &refused(&bed, "aws-auth that cannot be read", "planner", &[]),
        "refused",
    );
    let copy = bed.file(
        "copy.yaml",
        "data:\n  mapUsers: |\n    - userarn: arn:aws:iam::111122223333:user/planner\n      username: planner\n",
    );
    let ran = refused(&bed, "an old copy", "planner", &["--aws-auth", &copy]);
    only(&ran, "refused-though-mapped");

    bed.control(
        "POST",
        &format!("eks/{}", bed.fact("cluster")),
        &json!({"accessConfig": {"authenticationMode": "API"}}),
    );
    let entry =
        json!({"clusterName": bed.fact("cluster"), "principalArn": "arn:aws:iam::111122223333:user/planner"});
    bed.aws("eks", "create_access_entry", &entry).unwrap();
    // As if the user had been made again after its entry.
    bed.control(
        "POST",
        &format!("eks/{}", bed.fact("cluster")),
        &json!({"principalIds": {"arn:aws:iam::111122223333:user/planner": "AIDAOFANOTHER"}}),
    );
    // An entry without policies gives nothing either, which would be the next to be found.
    let ran = refused(&bed, "an entry of another user", "planner", &admin);
    assert_eq!(
        codes(&ran),
        ["entry-gives-nothing", "refused-though-mapped"],
        "{ran}"
    );

    // An entry needs the role's path, which neither STS nor the server tell.
    bed.make_session("/team/", "builder", "nina");
    let administrator =
        json!({"RoleName": "builder", "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"});
    bed.aws("iam", "attach_role_policy", &administrator).unwrap();
    let role = "arn:aws:iam::111122223333:role/team/builder";
    let ran = refused(&bed, "mode API", "deployer", &["-r", role]);
    assert_eq!(codes(&ran), ["not-mapped"], "{ran}");
    ran.says(&format!("--principal-arn {role} "));
}

#[test]
fn cluster_that_is_not_there_is_an_error() {
    let bed = Bed::start();
    for more in [&[][..], &["--kubeconfig", bed.fact("admin_kubeconfig")]] {
        let mut arguments = vec!["whoami", "--cluster", "benchx", "-o", "json"];
        arguments.extend(more);
        let ran = bed.run(&arguments).ended(1);
        assert_eq!(codes(&ran), ["cluster-missing"], "{ran}");
        assert_eq!(
            ran.json()["groups"],
            Value::Null,
            "those of another cluster: {ran}"
        );
    }
    let ran = bed.run(&["whoami", "--cluster", "pr\nod"]).ended(64);
    ran.says("control character");
}

#[test]
fn verify_says_what_it_cannot_know() {
    let bed = Bed::start_with(&["--aws-only"]);
    // STS takes any name that the token was made for.
    let made = bed
        .run(&["verify", "token", "--cluster", "benchx", "-o", "json"])
        .ended(0);
    assert_eq!(codes(&made), ["cluster-unknown"], "{made}");
    bed.run(&["verify", "token", "--cluster", "pr\nod"])
        .ended(64)
        .says("control character");
    // The region may stand in the profile: its STS is asked, and is not refused for another partition's.
    let keys = &bed.facts["people"]["deployer"];
    let config = bed.file(
        "aws-config",
        &format!(
            "[profile cn]\nregion = cn-north-1\naws_access_key_id = {}\naws_secret_access_key = {}\n",
            keys["access_key_id"].as_str().unwrap(),
            keys["secret_access_key"].as_str().unwrap()
        ),
    );
    let mut command = bed.eksact(&["verify", "token", "--cluster", "bench", "--profile", "cn"]);
    command
        .env("AWS_CONFIG_FILE", &config)
        .env_remove("AWS_REGION")
        .env_remove("AWS_DEFAULT_REGION");
    let ran = Ran::from(command.output().unwrap()).ended(0);
    ran.says("sts.cn-north-1.amazonaws.com.cn").says("accepts it");
}

/// The kubeconfig has what EKS does not tell somebody without rights: region, endpoint, authority.
#[test]
fn kubeconfig_tells_where_the_server_is_and_as_whom_kubectl_signs_in() {
    let bed = Bed::start();
    let file = bed.home.path().join("kubeconfig");
    let file = file.to_str().unwrap();
    bed.run(&[
        "update-kubeconfig",
        "--name",
        bed.fact("cluster"),
        "--kubeconfig",
        file,
        "--exec-profile",
        "nina",
    ])
    .ended(0);
    let arguments = [
        "whoami",
        "--cluster",
        bed.fact("cluster"),
        "--kubeconfig",
        file,
        "-o",
        "json",
    ];
    let mut command = bed.eksact_as("nobody", &arguments);
    command.env_remove("AWS_REGION").env_remove("AWS_DEFAULT_REGION");
    let ran = Ran::from(command.output().unwrap()).ended(1);
    assert_eq!(ran.json()["region"], bed.fact("region"), "{ran}");
    assert!(ran.json()["server"].as_str().unwrap().contains("401"), "{ran}");
    assert_eq!(codes(&ran), ["other-sign-in", "refused"], "{ran}");
    ran.says("--profile nina");
}

#[test]
fn whoami_does_not_check_what_cannot_be_read() {
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
    let ran = run(&bed, "nobody", &["--aws-auth", &file]).ended(1);
    assert_eq!(codes(&ran), ["user-path", "not-mapped"], "{ran}");
    let misspelt = bed.file(
        "misspelt.yaml",
        "data:\n  mapusers: |\n    - userarn: arn:aws:iam::111122223333:user/nobody\n",
    );
    let ran = run(&bed, "nobody", &["--aws-auth", &misspelt]).ended(1);
    assert_eq!(codes(&ran), ["section-misspelt", "not-mapped"], "{ran}");
    // Or another one's kubeconfig: what it tells is enough to say what would help.
    let ran = run(&bed, "nobody", &["--kubeconfig", bed.fact("admin_kubeconfig")]).ended(1);
    assert_eq!(codes(&ran), ["not-mapped"], "{ran}");
    ran.says("create iamidentitymapping");
}
