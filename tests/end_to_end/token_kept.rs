//! What the cache keeps of credentials, and how it lets go of them.

use std::fs;

use serde_json::{Value, json};

use super::bed::{Bed, Ran};
use super::token::{environment, profiles};

#[test]
fn credentials_of_a_process_are_asked_for_each_time() {
    let bed = Bed::start_with(&["--aws-only"]);
    let role = bed.fact("deployer_role");
    let answer = bed.home.path().join("answer.json");
    let config = bed.file(
        "aws-config",
        &format!(
            "[profile process]\ncredential_process = cat {0}\n[profile over]\nrole_arn = {role}\nsource_profile = process\n\
             role_session_name = over\n",
            answer.display()
        ),
    );
    let who = |arguments: &[&str]| {
        let mut all = vec!["whoami", "-o", "json"];
        all.extend(arguments);
        let mut command = bed.eksact(&all);
        command
            .env_clear()
            .env("HOME", bed.home.path())
            .env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.envs(environment(&bed, &[("AWS_CONFIG_FILE", config.as_str())]));
        Ran::from(command.output().unwrap())
    };
    let session_of = |name: &str| {
        let given = bed
            .aws(
                "sts",
                "assume_role",
                &json!({"RoleArn": role, "RoleSessionName": name}),
            )
            .unwrap()["Credentials"]
            .clone();
        json!({
            "Version": 1, "AccessKeyId": given["AccessKeyId"], "SecretAccessKey": given["SecretAccessKey"],
            "SessionToken": given["SessionToken"], "Expiration": "2099-01-01T00:00:00Z",
        })
    };
    let forwarded = ["--profile", "process", "-r", role, "--forward-session-name"];
    for name in ["alice", "bob"] {
        fs::write(&answer, session_of(name).to_string()).unwrap();
        let ran = who(&forwarded).ended(0);
        assert!(ran.json()["arn"].as_str().unwrap().ends_with(name), "{ran}");
        who(&["--profile", "over"]).ended(0);
    }
    // Keys that are no longer good: nothing of theirs goes on.
    let mut dead = session_of("bob");
    dead["AccessKeyId"] = json!("ASIADEAD000000000000");
    fs::write(&answer, dead.to_string()).unwrap();
    who(&forwarded).ended(1);
    who(&["--profile", "over"]).ended(1);
    assert!(!bed.home.path().join(".cache").exists());
}

#[test]
fn kept_credentials_that_aws_refuses_are_replaced_and_that_is_said() {
    let bed = Bed::start_with(&["--aws-only"]);
    let config = profiles(&bed);
    let run = |arguments: &[&str]| {
        let mut command = bed.eksact(arguments);
        command.env_clear().env("HOME", bed.home.path());
        command.envs(environment(&bed, &[("AWS_CONFIG_FILE", config.as_str())]));
        Ran::from(command.output().unwrap())
    };
    let token = ["token", "-i", "bench", "--profile", "admin", "--token-only"];
    let cache = bed.home.path().join(".cache/eksact");
    let files = |prefix: &str| {
        let entries = fs::read_dir(&cache).unwrap().map(|entry| entry.unwrap().path());
        entries
            .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(prefix))
            .collect::<Vec<_>>()
    };
    let revoke = || {
        run(&token).ended(0);
        for path in files("credentials-") {
            let mut entry: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            entry["access_key_id"] = json!("ASIAREVOKED000000000");
            fs::write(&path, entry.to_string()).unwrap();
        }
        for path in files("token-") {
            fs::remove_file(path).unwrap();
        }
    };
    for command in [
        &["whoami", "--profile", "admin"][..],
        &["verify", "token", "--cluster", "bench", "--profile", "admin"],
    ] {
        revoke();
        let ran = run(command).ended(0);
        ran.says("the cached credentials").says("assumed-role");
        assert!(!run(command).ended(0).stderr.contains("the cached credentials"));
    }
    // As JSON, where no line is broken.
    run(&["whoami", "--profile", "admin", "-o", "json"]).says("from the cache since");
}
