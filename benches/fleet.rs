//! How long one run over 200 clusters with 50 roles each takes, how much it asks for, and how large it gets: against a server in this
//! process that answers as AWS does, each call after a fixed time; then over accounts of the sandbox in which every role is there and
//! compared. In the third case one file is broken, one cluster is in another account, and one never answers.
//! One command: `cargo bench --bench fleet`; README.md beside this file has the results.
//!
//! Only counts decide whether it passes, never the time.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark ends like a test")]

#[path = "support/peak.rs"]
mod peak;
#[path = "support/server.rs"]
mod server;

use std::{
    fs,
    path::Path,
    process::{Command, ExitCode},
    time::Duration,
};

use peak::{Usage, usage, watched};
use serde_json::{Value, json};
use server::{Answer, Server};

const CLUSTERS: usize = 200;
const ROLES: usize = 50;
const REGION: &str = "eu-west-1";
const ACCOUNT: &str = "111122223333";
const OTHER_ACCOUNT: &str = "444455556666";
/// What a call takes.
const LATENCY: Duration = Duration::from_millis(10);
/// What a cluster may cost, in AWS calls, beside one for each of its roles.
const BESIDE: usize = 15;
const TARGET_SECONDS: usize = 60;
const TARGET_MEBIBYTES: usize = 400;
/// How long the one that never answers is waited for.
const CLUSTER_TIMEOUT: &str = "10s";

fn main() -> ExitCode {
    // `cargo test --benches` builds and starts this too; measuring is asked for by `cargo bench` alone.
    if !std::env::args().any(|argument| argument == "--bench") {
        return ExitCode::SUCCESS;
    }
    show(&format!(
        "\n{CLUSTERS} clusters with {ROLES} roles each; targets: {TARGET_SECONDS} s, {TARGET_MEBIBYTES} MiB\n\n\
         | case | seconds | processor seconds | AWS calls | most in flight | peak MiB |\n|---|---|---|---|---|---|\n"
    ));
    let all_new = all_new();
    let existing = existing();
    let troubled = troubled();
    if [all_new, existing, troubled].iter().all(|is_well| *is_well) {
        return ExitCode::SUCCESS;
    }
    show("More calls than the target allows, or a cluster that is not as it should be: see the table.\n");
    ExitCode::FAILURE
}

/// Nothing is there: each role is planned whole.
fn all_new() -> bool {
    let home = tempfile::tempdir().unwrap();
    for number in 0..CLUSTERS {
        write_cluster(home.path(), &format!("c{number:03}"), "");
    }
    let server = server();
    let (usage, report) = planned(home.path(), &server, &[]);
    row("plan, every role is new", usage, Some(&server));
    let changes = |cluster: &Value| cluster["plan"]["changes"].as_array().map_or(0, Vec::len);
    let is_whole = report["clusters"]
        .as_array()
        .unwrap()
        .iter()
        .all(|cluster| changes(cluster) > ROLES);
    is_whole && usage.exit == 0 && server.calls() <= CLUSTERS * (ROLES + BESIDE)
}

/// One broken, one in another account, one that never answers: the others are planned.
fn troubled() -> bool {
    let home = tempfile::tempdir().unwrap();
    for number in 0..CLUSTERS - 3 {
        write_cluster(home.path(), &format!("c{number:03}"), "");
    }
    fs::write(home.path().join("clusters/broken.yaml"), "metadata: [\n").unwrap();
    write_cluster(home.path(), "hanging", "");
    let account = format!(
        "---\napiVersion: eksact.dev/v1alpha1\nkind: ClusterAccess\n\
         account: {{roleARN: 'arn:aws:iam::{OTHER_ACCOUNT}:role/eksact'}}\n"
    );
    write_cluster(home.path(), "elsewhere", &account);
    let server = server();
    let (usage, report) = planned(home.path(), &server, &["--cluster-timeout", CLUSTER_TIMEOUT]);
    row(
        &format!("plan, one broken, one elsewhere, one hanging ({CLUSTER_TIMEOUT})"),
        usage,
        Some(&server),
    );
    show(&format!("\nAWS calls by action: {}\n", server.by_action(1)));
    let wanted = json!({"changes": CLUSTERS - 2, "invalid": 1, "timed-out": 1});
    if report["counts"] != wanted {
        show(&format!(
            "the clusters ended as {}, and not as {wanted}\n",
            report["counts"]
        ));
    }
    report["counts"] == wanted && usage.exit == 1
}

/// Every role is there and is compared: in the sandbox, an account for each cluster.
fn existing() -> bool {
    let home = tempfile::tempdir().unwrap();
    write_cluster(home.path(), "bench", "");
    let made = Command::new(env!("CARGO_BIN_EXE_eksact"))
        .args([
            "apply",
            "-f",
            "clusters/bench.yaml",
            "--sandbox",
            "--yes",
            "--quiet",
            "--thumbprint",
            "iam",
        ])
        .current_dir(home.path())
        .env_clear()
        .env("HOME", home.path())
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let world = fs::read_to_string(home.path().join(".eksact-sandbox.json")).unwrap();
    let file = fs::read_to_string(home.path().join("clusters/bench.yaml")).unwrap();
    fs::remove_file(home.path().join("clusters/bench.yaml")).unwrap();
    for number in 0..CLUSTERS {
        let account = format!("{:012}", 200_000_000_000 + number);
        let access = format!(
            "---\napiVersion: eksact.dev/v1alpha1\nkind: ClusterAccess\naccount: {{id: '{account}'}}\n"
        );
        fs::write(
            home.path().join(format!("clusters/{account}.yaml")),
            format!("{file}{access}"),
        )
        .unwrap();
        let path = home.path().join(format!(".eksact-sandbox.{account}.json"));
        fs::write(path, world.replace(ACCOUNT, &account)).unwrap();
    }
    let output = home.path().join("output");
    let mut command = watched(&output, env!("CARGO_BIN_EXE_eksact"));
    command
        .args([
            "plan",
            "-f",
            "clusters",
            "--sandbox",
            "--quiet",
            "--detailed-exitcode",
            "--json-into",
            "report.json",
        ])
        .current_dir(home.path())
        .env("HOME", home.path());
    let usage = usage(&mut command);
    row("plan, every role is there (sandbox)", usage, None);
    let report = report(home.path());
    let is_well = report["counts"] == json!({"unchanged": CLUSTERS}) && usage.exit == 0;
    if !is_well {
        show(
            &fs::read_to_string(output)
                .unwrap_or_default()
                .lines()
                .take(40)
                .collect::<Vec<_>>()
                .join("\n"),
        );
    }
    is_well
}

/// One run over the folder of clusters.
fn planned(home: &Path, server: &Server, more: &[&str]) -> (Usage, Value) {
    let output = home.join("output");
    let mut command = watched(&output, env!("CARGO_BIN_EXE_eksact"));
    command
        .args([
            "plan",
            "-f",
            "clusters",
            "--quiet",
            "--thumbprint",
            "iam",
            "--json-into",
            "report.json",
        ])
        .args(more)
        .current_dir(home)
        .env("HOME", home)
        .env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "example")
        .env("AWS_ENDPOINT_URL", server.endpoint());
    let usage = usage(&mut command);
    (usage, report(home))
}

fn report(home: &Path) -> Value {
    let text = fs::read_to_string(home.join("report.json"))
        .unwrap_or_else(|error| panic!("{error}: {}", fs::read_to_string(home.join("output")).unwrap()));
    serde_json::from_str(&text).unwrap()
}

/// A cluster with roles for service accounts that somebody else makes: every second has an inline policy, every tenth the longest
/// of the well-known ones.
fn write_cluster(home: &Path, name: &str, more: &str) {
    let accounts: Vec<Value> = (0..ROLES)
        .map(|number| {
            let mut account = json!({
                "metadata": {"name": format!("account-{number:02}"), "namespace": format!("team-{}", number % 5)},
                "roleOnly": true,
                "attachPolicyARNs": ["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"],
            });
            if number % 2 == 0 {
                account["attachPolicy"] = json!({"Version": "2012-10-17", "Statement": [
                    {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": format!("arn:aws:s3:::bucket-{number}/*")}]});
            }
            if number % 10 == 0 {
                account["wellKnownPolicies"] = json!({"awsLoadBalancerController": true});
            }
            account
        })
        .collect();
    let config = json!({
        "apiVersion": "eksctl.io/v1alpha5",
        "kind": "ClusterConfig",
        "metadata": {"name": name, "region": REGION},
        "iam": {"withOIDC": true, "serviceAccounts": accounts},
    });
    fs::create_dir_all(home.join("clusters")).unwrap();
    fs::write(
        home.join(format!("clusters/{name}.yaml")),
        format!("{config}\n{more}"),
    )
    .unwrap();
}

/// As much of AWS as such plans ask for. The cluster `hanging` never answers.
fn server() -> Server {
    Server::start(LATENCY, None, |target, body| {
        let parameter = |name: &str| {
            let mut pairs = body.split('&');
            pairs.find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
        };
        let Some(action) = parameter("Action") else {
            return eks(target);
        };
        let failed = |code: &str| {
            let text = format!(
                "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>none</Message></Error></ErrorResponse>"
            );
            Some(Answer::xml(action, text).refused(if code == "ValidationError" {
                "400 Bad Request"
            } else {
                "404 Not Found"
            }))
        };
        let result = match action {
            "GetCallerIdentity" => format!(
                "<Account>{ACCOUNT}</Account><Arn>arn:aws:iam::{ACCOUNT}:user/ann</Arn><UserId>AIDAEXAMPLE</UserId>"
            ),
            "AssumeRole" => format!(
                "<Credentials><AccessKeyId>ASIAOTHER</AccessKeyId><SecretAccessKey>example</SecretAccessKey><SessionToken>other</SessionToken>\
                 <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials><AssumedRoleUser><AssumedRoleId>AROA:eksact</AssumedRoleId>\
                 <Arn>arn:aws:sts::{OTHER_ACCOUNT}:assumed-role/eksact/eksact</Arn></AssumedRoleUser>"
            ),
            "DescribeStacks" if parameter("StackName").is_some() => return failed("ValidationError"),
            "DescribeStacks" => "<Stacks/>".to_owned(),
            "ListRoles" => "<IsTruncated>false</IsTruncated><Roles/>".to_owned(),
            "GetAccountSummary" => "<SummaryMap/>".to_owned(),
            "GetOpenIDConnectProvider" | "GetRole" => return failed("NoSuchEntity"),
            other => panic!("the benchmark's server does not know {other}"),
        };
        let text = format!("<{action}Response><{action}Result>{result}</{action}Result></{action}Response>");
        Some(Answer::xml(action, text))
    })
}

fn eks(target: &str) -> Option<Answer> {
    let path = target.split('?').next().unwrap_or_default();
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match parts.as_slice() {
        ["clusters", "hanging"] => None,
        ["clusters", name] => {
            let account = if *name == "elsewhere" {
                OTHER_ACCOUNT
            } else {
                ACCOUNT
            };
            let issuer = format!("https://oidc.eks.{REGION}.amazonaws.com/id/{name}");
            Some(Answer::json(
                "DescribeCluster",
                &json!({"cluster": {
                    "name": name,
                    "arn": format!("arn:aws:eks:{REGION}:{account}:cluster/{name}"),
                    "status": "ACTIVE",
                    "version": "1.33",
                    // Nothing answers there: roles alone need no Kubernetes.
                    "endpoint": "https://127.0.0.1:9",
                    "identity": {"oidc": {"issuer": issuer}},
                    "accessConfig": {"authenticationMode": "API"},
                }}),
            ))
        }
        other => panic!("the benchmark's server does not know {other:?}"),
    }
}

fn row(name: &str, usage: Usage, server: Option<&Server>) {
    let of = |number: fn(&Server) -> usize| server.map_or(String::new(), |server| number(server).to_string());
    show(&format!(
        "| {name} | {:.1} | {:.1} | {} | {} | {:.0} |\n",
        usage.seconds,
        usage.processor_seconds,
        of(Server::calls),
        of(Server::most_in_flight),
        usage.peak_mebibytes
    ));
}

#[expect(clippy::print_stdout, reason = "the table is what a benchmark is for")]
fn show(text: &str) {
    print!("{text}");
}
