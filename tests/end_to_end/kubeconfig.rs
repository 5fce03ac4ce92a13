//! Kubeconfigs with their other users: the bed's real kubectl gets in with what eksact wrote and writes into it, and so does
//! the real AWS CLI, which eksact in turn takes over.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use serde_json::Value;

use super::bed::{Bed, Ran};

/// One of the bed's programs, in the bed's home, with the others on its `PATH`.
fn program(bed: &Bed, name: &str, arguments: &[&str]) -> Ran {
    command(bed, name, arguments).output().unwrap().into()
}

fn command(bed: &Bed, name: &str, arguments: &[&str]) -> Command {
    let binaries = bed.facts["binaries"].as_object().unwrap();
    let folders: Vec<&Path> = binaries
        .values()
        .filter_map(|path| Path::new(path.as_str()?).parent())
        .collect();
    let environment: BTreeMap<String, String> = bed.environment();
    let mut command = Command::new(binaries[name].as_str().unwrap());
    command
        .env_clear()
        .env("HOME", bed.home.path())
        .env("PATH", std::env::join_paths(folders).unwrap())
        .envs(environment)
        .args(arguments);
    command
}

fn kubectl(bed: &Bed, arguments: &[&str]) -> Ran {
    program(bed, "kubectl", arguments)
}

fn whoami(bed: &Bed, context: &str) -> Value {
    let ran = kubectl(bed, &["--context", context, "auth", "whoami", "-o", "json"]);
    ran.ended(0).json()["status"]["userInfo"].clone()
}

/// `eksact update-kubeconfig` for the bed's cluster into the usual file.
fn update(bed: &Bed, arguments: &[&str]) -> Ran {
    let mut all = vec![
        "update-kubeconfig",
        "--name",
        bed.fact("cluster"),
        "--region",
        bed.fact("region"),
    ];
    all.extend(arguments);
    bed.run(&all).ended(0)
}

#[test]
fn kubectl_and_the_aws_cli_share_the_file() {
    let bed = Bed::start();
    let path = bed.home.path().join(".kube/config");
    let role = bed.fact("deployer_role");

    // kubectl gets in: by the command's own place, since eksact is not on the PATH here.
    update(&bed, &["--alias", "plain"]);
    assert_eq!(whoami(&bed, "plain")["username"], "deployer");
    let user = &whoami(&bed, "plain")["extra"]["arn"][0];
    assert!(user.as_str().unwrap().contains(":user/"), "{user}");
    update(
        &bed,
        &["--alias", "role", "--role-arn", role, "--keep-current-context"],
    );
    let user = &whoami(&bed, "role")["extra"]["arn"][0];
    assert!(user.as_str().unwrap().contains(":assumed-role/"), "{user}");
    let current = kubectl(&bed, &["config", "current-context"]).ended(0);
    assert_eq!(current.stdout.trim(), "plain");

    // kubectl rewrites the whole file; what it made of it is as wanted, and what it added stays.
    kubectl(
        &bed,
        &["config", "set-context", "plain", "--namespace", "kube-system"],
    )
    .ended(0);
    update(&bed, &["--alias", "plain"]).says("No changes.");
    assert!(
        fs::read_to_string(&path)
            .unwrap()
            .contains("namespace: kube-system")
    );

    // The AWS CLI writes its own user over ours of the same name; the role's context is not touched, and still works.
    let cli = [
        "eks",
        "update-kubeconfig",
        "--name",
        bed.fact("cluster"),
        "--region",
        bed.fact("region"),
    ];
    program(&bed, "aws", &cli).ended(0).says("Updated context");
    assert!(fs::read_to_string(&path).unwrap().contains("command: aws\n"));
    assert!(
        whoami(&bed, "role")["extra"]["arn"][0]
            .as_str()
            .unwrap()
            .contains(":assumed-role/")
    );
    assert_eq!(whoami(&bed, "plain")["username"], "deployer");

    // The other way round: the same sign-in is taken over, not made twice.
    let ran = update(&bed, &["--alias", "plain"]);
    ran.says("0 to create, 2 to").says("~ command");
    assert!(!fs::read_to_string(&path).unwrap().contains("command: aws\n"));
    assert_eq!(whoami(&bed, "plain")["username"], "deployer");

    // The entries of the other tools, and the older protocol.
    for tool in ["aws", "aws-iam-authenticator", "eksact"] {
        update(
            &bed,
            &[
                "--alias",
                "plain",
                "--exec",
                tool,
                "--exec-api-version",
                "v1beta1",
            ],
        );
        assert_eq!(whoami(&bed, "plain")["username"], "deployer", "{tool}");
    }

    // In the end nothing of it is left but what the AWS CLI made for itself.
    bed.run(&[
        "delete",
        "kubeconfig",
        "--name",
        bed.fact("cluster"),
        "--region",
        bed.fact("region"),
    ])
    .ended(0);
    let view = kubectl(&bed, &["config", "view", "-o", "json"]).ended(0).json();
    for list in ["clusters", "contexts", "users"] {
        assert!(view[list].as_array().is_none_or(Vec::is_empty), "{view}");
    }
    assert_eq!(view["current-context"], "");
}

/// The oldest kubectl that is still about gets in with both versions of the exec API that it knows.
#[test]
fn old_kubectl_gets_in_too() {
    let bed = Bed::start();
    for version in ["v1", "v1beta1"] {
        update(
            &bed,
            &["--alias", "old", "--exec-api-version", version, "--force"],
        );
        let text = fs::read_to_string(bed.home.path().join(".kube/config")).unwrap();
        assert!(
            text.contains(&format!("apiVersion: client.authentication.k8s.io/{version}\n")),
            "{text}"
        );
        let arguments = [
            "--context",
            "old",
            "--namespace",
            "kube-system",
            "get",
            "configmap",
            "aws-auth",
            "-o",
            "name",
        ];
        let ran = program(&bed, "kubectl-1.24", &arguments).ended(0);
        assert_eq!(ran.stdout.trim(), "configmap/aws-auth", "{version}");
    }
}

/// One run gives kubectl a context and everything else a profile: the real AWS CLI reads it from the file, and takes the role by it.
#[test]
fn kubectl_and_the_aws_cli_take_the_role_of_one_run() {
    let bed = Bed::start();
    let role = bed.fact("deployer_role");
    let (_, name) = role.rsplit_once('/').unwrap();
    let environment = bed.environment();
    let own = format!(
        "# mine\n[profile base]\naws_access_key_id = {}\naws_secret_access_key = {}\nregion = {}   # here\n",
        environment["AWS_ACCESS_KEY_ID"],
        environment["AWS_SECRET_ACCESS_KEY"],
        bed.fact("region")
    );
    let path = bed.home.path().join("aws");
    fs::write(&path, &own).unwrap();
    let run =
        |command: &mut Command| Ran::from(command.env("AWS_CONFIG_FILE", &path).output().unwrap()).ended(0);
    let arguments = [
        "update-kubeconfig",
        "--name",
        bed.fact("cluster"),
        "--region",
        bed.fact("region"),
        "--alias",
        "deployer",
        "--assume-role",
        name,
        "--write-aws-profile",
        "deployer",
        "--source-profile",
        "base",
    ];
    run(&mut bed.eksact(&arguments)).says("aws-profile/deployer");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with(&own), "{text}");

    let get = |key: &str| {
        let ran = run(&mut command(
            &bed,
            "aws",
            &["configure", "get", key, "--profile", "deployer"],
        ));
        ran.stdout.trim().to_owned()
    };
    assert_eq!(
        (get("role_arn").as_str(), get("source_profile").as_str()),
        (role, "base")
    );
    let of_role = [
        "--profile",
        "deployer",
        "sts",
        "get-caller-identity",
        "--output",
        "json",
    ];
    let caller = run(&mut command(&bed, "aws", &of_role)).json();
    let session = format!(":assumed-role/{name}/");
    assert!(caller["Arn"].as_str().unwrap().contains(&session), "{caller}");
    let whoami = ["--context", "deployer", "auth", "whoami", "-o", "json"];
    let user =
        run(&mut command(&bed, "kubectl", &whoami)).json()["status"]["userInfo"]["extra"]["arn"][0].clone();
    assert!(user.as_str().unwrap().contains(&session), "{user}");
    run(&mut bed.eksact(&arguments)).says("No changes.");
}
