//! The deployers' example on the bed: the policy, the role, its user, the mapping and the group from one file; a user of IAM who
//! assumes the role by her own keys, the real authenticator and the real API server.
//!
//! The bed's STS asks for a policy on the user's side even where the trust policy names the user, which AWS does not, and knows no
//! `sts:RoleSessionName`, so that this condition is left out: what IAM would refuse, link by link, is judged on the sandbox (`commands::roles_and_policies`).

use std::{fs, process::Command};

use serde_json::json;

use super::bed::{Bed, Ran, until};
use super::people::Keys;

const EXAMPLE: &str = include_str!("../../examples/deployers.yaml");
const POLICY: &str = include_str!("../../examples/policies/describe-cluster.json");

/// The example for the bed's cluster and account.
fn example(bed: &Bed) -> String {
    let (cluster, region) = (bed.fact("cluster"), bed.fact("region"));
    let text = EXAMPLE.replace(
        "  name: prod\n  region: eu-west-1",
        &format!("  name: {cluster}\n  region: {region}"),
    );
    let (before, after) = text.split_once("      sessionName:").unwrap();
    let (_, after) = after.split_once('\n').unwrap();
    let text = format!("{before}{after}");
    fs::create_dir(bed.home.path().join("policies")).unwrap();
    bed.file(
        "policies/describe-cluster.json",
        &POLICY.replace(
            "eu-west-1:111122223333:cluster/prod",
            &format!("{region}:{}:cluster/{cluster}", bed.fact("account")),
        ),
    );
    bed.file("deployers.yaml", &text)
}

/// eksact with the keys of a person.
fn eksact_of(bed: &Bed, person: &Keys, arguments: &[&str]) -> Ran {
    let parts = person.parts();
    let mut command: Command = bed.eksact(arguments);
    command
        .env("AWS_ACCESS_KEY_ID", parts[0].as_str().unwrap())
        .env("AWS_SECRET_ACCESS_KEY", parts[1].as_str().unwrap())
        .env_remove("AWS_SESSION_TOKEN");
    Ran::from(command.output().unwrap())
}

/// The OIDC provider that the example's pipeline is trusted by.
fn make_provider_of_github(bed: &Bed) {
    let github = json!({"Url": "https://token.actions.githubusercontent.com", "ClientIDList": ["sts.amazonaws.com"],
        "ThumbprintList": ["0123456789abcdef0123456789abcdef01234567"]});
    bed.aws("iam", "create_open_id_connect_provider", &github)
        .unwrap();
}

#[test]
fn deployers_get_in_from_one_file_and_may_what_it_says() {
    let bed = Bed::start();
    let (account, cluster) = (bed.fact("account"), bed.fact("cluster"));
    let role = format!("arn:aws:iam::{account}:role/eks-deployer");
    let file = example(&bed);

    // Nobody of that name: refused before anything is written.
    bed.run(&["plan", "-f", &file])
        .says("trusted-principal-missing")
        .says("user/nina")
        .says("oidc-provider/token.actions.githubusercontent.com");
    let nina = bed.make_user("/people/", "nina");
    make_provider_of_github(&bed);
    let allowed = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": role}]});
    let policy = json!({"UserName": "nina", "PolicyName": "assume", "PolicyDocument": allowed.to_string()});
    bed.aws("iam", "put_user_policy", &policy).unwrap();
    bed.apply(&file).ended(0);
    bed.nothing_to_do(&file);

    // Her own keys, the role of the file, the real authenticator.
    let token = eksact_of(
        &bed,
        &nina,
        &[
            "token",
            "--cluster-id",
            cluster,
            "--role",
            &role,
            "--session-name",
            "nina",
            "--token-only",
        ],
    )
    .ended(0);
    let token = token.stdout.trim().to_owned();
    let whoami = || bed.kubectl_with(&token, &["auth", "whoami", "-o", "json"]);
    until("the authenticator to see the mapping", || {
        whoami().code == Some(0)
    });
    let user = whoami().json()["status"]["userInfo"].clone();
    assert_eq!(user["username"], format!("aws:{account}:eks-deployer:nina"));
    assert!(
        user["groups"].as_array().unwrap().contains(&json!("deployers")),
        "{user}"
    );

    bed.kubectl_with(&token, &["get", "pods", "-n", "app"]).ended(0);
    let refused = bed.kubectl_with(&token, &["delete", "pod", "web", "-n", "app"]);
    refused.says("cannot delete resource \"pods\"").says("Forbidden");
    for (question, may) in [
        (["list", "pods", "-n", "app"], true),
        (["delete", "pods", "-n", "app"], false),
        (["list", "pods", "-n", "default"], false),
    ] {
        assert_eq!(bed.can_i(&token, &question), may, "{question:?}");
    }

    // And why, in both cases.
    let session = format!("arn:aws:sts::{account}:assumed-role/eks-deployer/nina");
    let explain = |verb: &str| {
        bed.run(&[
            "explain",
            "access",
            verb,
            "pods",
            "-n",
            "app",
            "--as",
            &session,
            "--cluster",
            cluster,
        ])
    };
    explain("list").ended(0).says("deployers");
    explain("delete").ended(1).says("deployers");
    let person = format!("arn:aws:iam::{account}:user/people/nina");
    bed.run(&[
        "explain",
        "access",
        "sts:AssumeRole",
        &role,
        "--as",
        &person,
        "--cluster",
        cluster,
    ])
    .says("eks-deployer");
}

#[test]
fn policy_keeps_within_five_versions_and_goes_with_its_stack() {
    let bed = Bed::start();
    let account = bed.fact("account");
    bed.make_user("/", "nina");
    make_provider_of_github(&bed);
    let file = example(&bed);
    bed.apply(&file).ended(0);
    let arn = format!("arn:aws:iam::{account}:policy/eks-describe-{}", "prod");
    let wider =
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]});
    for _ in 0..4 {
        let version = json!({"PolicyArn": arn, "PolicyDocument": wider.to_string(), "SetAsDefault": true});
        bed.aws("iam", "create_policy_version", &version).unwrap();
    }
    bed.run(&["plan", "-f", &file])
        .says("delete version v1, the oldest that is not in use")
        .says("drift");
    bed.apply(&file).ended(0);
    bed.nothing_to_do(&file);
    let versions = bed
        .aws("iam", "list_policy_versions", &json!({"PolicyArn": arn}))
        .unwrap();
    assert_eq!(versions["Versions"].as_array().unwrap().len(), 5, "{versions}");

    // Another document in the file goes through the stack.
    let path = bed.home.path().join("policies/describe-cluster.json");
    let text = fs::read_to_string(&path)
        .unwrap()
        .replace("eks:DescribeCluster", "eks:Describe*");
    fs::write(&path, text).unwrap();
    bed.apply(&file).ended(0);
    bed.nothing_to_do(&file);
    let read = bed.aws("iam", "get_policy", &json!({"PolicyArn": arn})).unwrap();
    let version = json!({"PolicyArn": arn, "VersionId": read["Policy"]["DefaultVersionId"]});
    let read = bed.aws("iam", "get_policy_version", &version).unwrap();
    assert!(read.to_string().contains("eks:Describe*"), "{read}");

    // Neither is in the file any more.
    let config = fs::read_to_string(&file).unwrap();
    let (head, _) = config.split_once("iam:\n").unwrap();
    let empty = bed.file(
        "empty.yaml",
        &format!("{head}iam: {{withOIDC: true, serviceAccounts: []}}\n---\napiVersion: eksact.dev/v1alpha1\nkind: ClusterAccess\nroles: []\npolicies: []\nidentityMappings: []\n"),
    );
    bed.run(&["apply", "-f", &empty, "--prune", "--yes"]).ended(0);
    let gone = bed.aws("iam", "get_policy", &json!({"PolicyArn": arn}));
    assert!(gone.is_err(), "{gone:?}");
    let gone = bed.aws("iam", "get_role", &json!({"RoleName": "eks-deployer"}));
    assert!(gone.is_err(), "{gone:?}");
}
