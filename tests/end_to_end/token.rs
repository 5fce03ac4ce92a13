//! Tokens against their judges: the bed's real kubectl, kube-apiserver and authenticator take what eksact makes, from every
//! kind of credentials; and what they would not take is named.

use std::{collections::BTreeMap, fs, process::Command};

use aws_credential_types::Credentials;
use eksact_identity::authn::token::{self, TokenRequest};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::bed::{Bed, Ran};

/// What a client of the cluster runs with: the bed's variables, without keys, and these.
pub(crate) fn environment(bed: &Bed, more: &[(&str, &str)]) -> BTreeMap<String, String> {
    let mut environment = bed.environment();
    environment.retain(|name, _| !["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"].contains(&name.as_str()));
    environment.extend(
        more.iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    );
    environment
}

/// `kubectl auth whoami` with a kubeconfig that runs `eksact token` with these arguments.
fn whoami(bed: &Bed, arguments: &[&str], environment: &BTreeMap<String, String>) -> Value {
    let mut all = vec![
        "token",
        "--cluster",
        bed.fact("cluster"),
        "--region",
        bed.fact("region"),
    ];
    all.extend(arguments);
    let kubeconfig = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "bed",
        "clusters": [{"name": "bed", "cluster": {"server": bed.fact("endpoint"), "certificate-authority": bed.fact("ca")}}],
        "contexts": [{"name": "bed", "context": {"cluster": "bed", "user": "bed"}}],
        "users": [{"name": "bed", "user": {"exec": {
            "apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "IfAvailable",
            "command": env!("CARGO_BIN_EXE_eksact"), "args": all,
        }}}],
    });
    let path = bed.file("kubeconfig", &kubeconfig.to_string());
    let output = Command::new(bed.facts["binaries"]["kubectl"].as_str().unwrap())
        .env_clear()
        .env("HOME", bed.home.path())
        .envs(environment)
        .args(["--kubeconfig", &path, "auth", "whoami", "-o", "json"])
        .output()
        .unwrap();
    Ran::from(output).ended(0).json()["status"]["userInfo"].clone()
}

fn extra<'a>(user: &'a Value, name: &str) -> &'a str {
    user["extra"][name][0].as_str().unwrap_or_default()
}

/// A profile `admin` that assumes the bed's role with the deployer's keys, and `planner` with keys of its own.
pub(crate) fn profiles(bed: &Bed) -> String {
    let keys = |person: &str| {
        let keys = &bed.facts["people"][person];
        format!(
            "aws_access_key_id = {}\naws_secret_access_key = {}\n",
            keys["access_key_id"].as_str().unwrap(),
            keys["secret_access_key"].as_str().unwrap()
        )
    };
    bed.file(
        "aws-config",
        &format!(
            "[profile deployer]\n{}\n[profile planner]\n{}\n[profile admin]\nrole_arn = {}\nsource_profile = deployer\n\
             role_session_name = nina\n",
            keys("deployer"),
            keys("planner"),
            bed.fact("deployer_role")
        ),
    )
}

#[test]
fn kubectl_gets_in_with_every_kind_of_credentials() {
    let bed = Bed::start();
    // Static keys.
    let keys = bed.environment();
    assert_eq!(whoami(&bed, &[], &keys)["username"], "deployer");
    assert!(
        !bed.home.path().join(".cache").exists(),
        "keys at hand need no cache"
    );

    // A profile that assumes a role; kubectl asks twice, and the role is assumed once.
    let config = profiles(&bed);
    let plain = environment(&bed, &[("AWS_CONFIG_FILE", &config)]);
    bed.forget_calls();
    let user = whoami(&bed, &["--profile", "admin"], &plain);
    assert_eq!(user["username"], "deployer");
    assert_eq!(extra(&user, "sessionName"), "nina");
    whoami(&bed, &["--profile", "admin"], &plain);
    let assumed = bed
        .calls()
        .iter()
        .filter(|call| call.call == "sts:AssumeRole")
        .count();
    assert_eq!(assumed, 1);
    assert_eq!(
        whoami(&bed, &["--profile", "planner"], &plain)["username"],
        "planner"
    );
    assert_eq!(
        whoami(&bed, &["--profile", "admin"], &plain)["username"],
        "deployer"
    );

    // A role by flag, named after the user; then the session forwards its own name.
    let user = whoami(&bed, &["-r", bed.fact("deployer_role"), "-s", "by-flag"], &keys);
    assert_eq!(extra(&user, "sessionName"), "by-flag");
    let forwarded = [
        "--profile",
        "admin",
        "--role",
        bed.fact("deployer_role"),
        "--forward-session-name",
    ];
    assert_eq!(extra(&whoami(&bed, &forwarded, &plain), "sessionName"), "nina");

    // A session in the environment.
    let session = bed
        .aws(
            "sts",
            "assume_role",
            &json!({"RoleArn": bed.fact("deployer_role"), "RoleSessionName": "sam"}),
        )
        .unwrap()["Credentials"]
        .clone();
    let session = environment(
        &bed,
        &[
            ("AWS_ACCESS_KEY_ID", session["AccessKeyId"].as_str().unwrap()),
            (
                "AWS_SECRET_ACCESS_KEY",
                session["SecretAccessKey"].as_str().unwrap(),
            ),
            ("AWS_SESSION_TOKEN", session["SessionToken"].as_str().unwrap()),
        ],
    );
    assert_eq!(extra(&whoami(&bed, &[], &session), "sessionName"), "sam");

    // A web identity, as a pod has one.
    let token_file = web_identity(&bed);
    let pod = environment(
        &bed,
        &[
            ("AWS_ROLE_ARN", bed.fact("deployer_role")),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", &token_file),
            ("AWS_ROLE_SESSION_NAME", "pod"),
        ],
    );
    assert_eq!(extra(&whoami(&bed, &[], &pod), "sessionName"), "pod");

    // No long-term key was written.
    for entry in fs::read_dir(bed.home.path().join(".cache/eksact")).unwrap() {
        let content = fs::read_to_string(entry.unwrap().path()).unwrap();
        for person in ["deployer", "planner"] {
            let secret = bed.facts["people"][person]["secret_access_key"].as_str().unwrap();
            assert!(
                !content.contains(secret),
                "a long-term key of {person} is in the cache"
            );
        }
    }
}

/// Lets a service account assume the deployer's role; gives the path of its token.
fn web_identity(bed: &Bed) -> String {
    let issuer = bed.fact("issuer");
    bed.aws(
        "iam",
        "create_open_id_connect_provider",
        &json!({"Url": issuer, "ClientIDList": ["sts.amazonaws.com"], "ThumbprintList": [bed.fact("thumbprint")]}),
    )
    .unwrap();
    let trust = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Federated": bed.provider_arn()}, "Action": "sts:AssumeRoleWithWebIdentity",
    }]});
    bed.aws(
        "iam",
        "update_assume_role_policy",
        &json!({"RoleName": "deployer", "PolicyDocument": trust.to_string()}),
    )
    .unwrap();
    bed.kubectl(&["create", "namespace", "app"]).ended(0);
    bed.kubectl(&["create", "serviceaccount", "deployer", "-n", "app"])
        .ended(0);
    let token = bed
        .kubectl(&[
            "create",
            "token",
            "deployer",
            "-n",
            "app",
            "--audience",
            "sts.amazonaws.com",
        ])
        .ended(0);
    bed.file("web-identity-token", token.stdout.trim())
}

#[test]
fn cache_asks_no_one_when_warm_and_costs_one_warning_when_useless() {
    let bed = Bed::start_with(&["--aws-only"]);
    let config = profiles(&bed);
    let run = |arguments: &[&str], more: &[(&str, &str)]| {
        let mut all = vec!["token", "-i", "bench", "--token-only", "--profile", "admin"];
        all.extend(arguments);
        let mut command = bed.eksact(&all);
        command.env_clear().env("HOME", bed.home.path());
        command
            .envs(environment(&bed, &[("AWS_CONFIG_FILE", config.as_str())]))
            .envs(more.iter().copied());
        Ran::from(command.output().unwrap())
    };
    let first = run(&[], &[]).ended(0);
    bed.forget_calls();
    let second = run(&[], &[]).ended(0);
    assert_eq!(second.stdout, first.stdout);
    assert_eq!(second.stderr, "");
    assert_eq!(bed.calls(), []);
    // Another cluster is another token, signed with the same session.
    let other = run(&["--region", "us-east-1"], &[]).ended(0);
    assert_ne!(other.stdout, first.stdout);
    // The file that the key came from has changed.
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("nina", "noah")).unwrap();
    bed.forget_calls();
    assert_ne!(run(&[], &[]).ended(0).stdout, first.stdout);
    assert!(bed.calls().iter().any(|call| call.call == "sts:AssumeRole"));

    bed.file("no-folder", "");
    let useless = bed.home.path().join("no-folder");
    let warned = run(&[], &[("XDG_CACHE_HOME", useless.to_str().unwrap())]).ended(0);
    assert_eq!(warned.stderr.matches("warning:").count(), 1, "{warned}");
    assert!(warned.stdout.starts_with("k8s-aws-v1."));
    assert_eq!(run(&["--no-cache"], &[]).ended(0).stderr, "");
}

/// Runs a shell line on a terminal of its own and types a code when it is asked for; gives what stood on the terminal.
const TERMINAL: &str = r#"
import os, pty, sys
child, terminal = pty.fork()
if child == 0:
    os.execv("/bin/sh", ["sh", "-c", sys.argv[1]])
seen = b""
while True:
    try:
        read = os.read(terminal, 65536)
    except OSError:
        break
    if not read:
        break
    seen += read
    if seen.endswith(b": "):
        os.write(terminal, b"123456\n")
sys.stdout.buffer.write(seen)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"#;

#[test]
fn code_is_asked_for_on_the_terminal_once_and_stdout_stays_clean() {
    let bed = Bed::start_with(&["--aws-only"]);
    let config = profiles(&bed);
    let text = fs::read_to_string(&config).unwrap();
    let serial = "mfa_serial = arn:aws:iam::111122223333:mfa/nina\nrole_arn";
    fs::write(&config, text.replace("role_arn", serial)).unwrap();
    let variables = environment(&bed, &[("AWS_CONFIG_FILE", config.as_str())]);
    let with_environment = |command: &mut Command| {
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", bed.home.path()).envs(&variables);
    };
    let arguments = ["token", "-i", "bench", "--profile", "admin", "--token-only"];

    // Without a terminal: what to do.
    let mut alone = Command::new("setsid");
    alone
        .arg("--wait")
        .arg(env!("CARGO_BIN_EXE_eksact"))
        .args(arguments);
    with_environment(&mut alone);
    let refused = Ran::from(alone.output().unwrap()).ended(1);
    refused.says("mfa/nina").says("in a terminal");

    let file = bed.home.path().join("token");
    let line = format!(
        "{} {} > {}",
        env!("CARGO_BIN_EXE_eksact"),
        arguments.join(" "),
        file.display()
    );
    let mut asked = Command::new("python3");
    asked.args(["-c", TERMINAL, &line]);
    with_environment(&mut asked);
    let asked = Ran::from(asked.output().unwrap()).ended(0);
    asked.says("MFA code for arn:aws:iam::111122223333:mfa/nina: ");
    let token = fs::read_to_string(&file).unwrap();
    assert!(token.starts_with("k8s-aws-v1."), "{token}");

    // The session is kept: no terminal is needed for the next token.
    let mut again = Command::new("setsid");
    again
        .arg("--wait")
        .arg(env!("CARGO_BIN_EXE_eksact"))
        .args(arguments);
    with_environment(&mut again);
    assert_eq!(Ran::from(again.output().unwrap()).ended(0).stdout, token);
}

#[test]
fn token_that_the_server_would_refuse_is_named() {
    let bed = Bed::start_with(&["--aws-only"]);
    let deployer = &bed.facts["people"]["deployer"];
    let keys = |session_token: Option<&str>| {
        Credentials::new(
            deployer["access_key_id"].as_str().unwrap(),
            deployer["secret_access_key"].as_str().unwrap(),
            session_token.map(str::to_owned),
            None,
            "test",
        )
    };
    let made = |cluster: &str, sts_host: &str, minutes: i64, keys: &Credentials| {
        let time = Timestamp::now() + SignedDuration::from_mins(minutes);
        let request = TokenRequest {
            cluster,
            region: "us-west-2",
            sts_host,
            time,
        };
        token::sign(&request, keys).unwrap().secret().to_owned()
    };
    let verify = |token: &str, region: &str| {
        let ran = bed.run(&[
            "verify",
            "token",
            token,
            "--cluster",
            "bench",
            "--region",
            region,
            "-o",
            "json",
        ]);
        assert!(
            !format!("{ran}").contains("X-Amz-Signature") && !format!("{ran}").contains(token),
            "{ran}"
        );
        let codes: Vec<String> = ran.json()["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|finding| finding["code"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(ran.code, Some(i32::from(!codes.is_empty())), "{ran}");
        codes
    };
    let host = "sts.us-west-2.amazonaws.com";
    assert_eq!(verify(&made("bench", host, 0, &keys(None)), "us-west-2"), [""; 0]);
    assert_eq!(
        verify(&made("Bench", host, 0, &keys(None)), "us-west-2"),
        ["token-cluster"]
    );
    assert_eq!(
        verify(&made("bench", host, -20, &keys(None)), "us-west-2"),
        ["token-expired"]
    );
    assert_eq!(
        verify(&made("bench", host, 20, &keys(None)), "us-west-2"),
        ["clock"]
    );
    let vpc = "vpce-1.sts.us-west-2.vpce.amazonaws.com";
    assert_eq!(
        verify(&made("bench", vpc, 0, &keys(None)), "us-west-2"),
        ["token-host"]
    );
    assert_eq!(
        verify(&made("bench", host, 0, &keys(None)), "cn-north-1"),
        ["token-host"]
    );
    assert_eq!(
        verify(&made("bench", host, 0, &keys(Some("made-up"))), "us-west-2"),
        ["credentials-unknown"]
    );
    for (code, finding) in [
        ("ExpiredToken", "credentials-expired"),
        ("Throttling", "sts-throttled"),
    ] {
        bed.control(
            "POST",
            "faults",
            &json!({"service": "sts", "action": "GetCallerIdentity", "code": code}),
        );
        assert_eq!(
            verify(&made("bench", host, 0, &keys(None)), "us-west-2"),
            [finding]
        );
    }
}
