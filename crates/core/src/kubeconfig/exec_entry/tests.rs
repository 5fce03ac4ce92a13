//! What entries of every tool say, and what is written over one that is there.

use super::*;

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn found(command: &str, arguments: &str, environment: &[(&str, &str)]) -> FoundExec {
    FoundExec {
        command: command.to_owned(),
        arguments: words(arguments),
        environment: environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        install_hint: None,
    }
}

fn sign_in(role: Option<&str>, profile: Option<&str>) -> SignIn {
    SignIn {
        cluster: "bench".to_owned(),
        region: Some("us-west-2".to_owned()),
        role_arn: role.map(str::to_owned),
        profile: profile.map(str::to_owned),
    }
}

const ROLE: &str = "arn:aws:iam::111122223333:role/deployer";

#[test]
fn entries_of_every_tool_say_as_whom_they_sign_in() {
    for (entry, wanted) in [
        // The AWS CLI, with and without --role-arn and a profile.
        (
            found(
                "aws",
                "--region us-west-2 eks get-token --cluster-name bench --output json",
                &[],
            ),
            sign_in(None, None),
        ),
        (
            found(
                "aws",
                &format!("--region us-west-2 eks get-token --cluster-name bench --output json --role {ROLE}"),
                &[("AWS_PROFILE", "dev")],
            ),
            sign_in(Some(ROLE), Some("dev")),
        ),
        // A local cluster on an Outpost.
        (
            found("aws", "--region us-west-2 eks get-token --cluster-id bench", &[]),
            sign_in(None, None),
        ),
        // eksctl.
        (
            found(
                "aws-iam-authenticator",
                &format!("token -i bench -r {ROLE}"),
                &[
                    ("AWS_STS_REGIONAL_ENDPOINTS", "regional"),
                    ("AWS_DEFAULT_REGION", "us-west-2"),
                ],
            ),
            sign_in(Some(ROLE), None),
        ),
        // By hand.
        (
            found("eksact", "--no-cache token -c bench --region us-west-2", &[]),
            sign_in(None, None),
        ),
        (
            found(
                "aws",
                "--debug eks get-token --cluster-name bench --region us-west-2",
                &[],
            ),
            sign_in(None, None),
        ),
        (
            found(
                "aws",
                "--use-fips-endpoint --use-dualstack-endpoint eks get-token --cluster-name bench --region us-west-2",
                &[],
            ),
            sign_in(None, None),
        ),
        (
            found(
                "aws-iam-authenticator",
                "-d token -i bench --region us-west-2",
                &[],
            ),
            sign_in(None, None),
        ),
        (
            found(
                "C:\\bin\\eksact.exe",
                "token --cluster-id=bench --region=us-west-2 -p dev -r x",
                &[],
            ),
            sign_in(Some("x"), Some("dev")),
        ),
    ] {
        assert_eq!(entry.sign_in(), Some(wanted), "{entry:?}");
    }
}

#[test]
fn exec_entry_that_is_no_call_for_a_token_is_nobodys() {
    for entry in [
        found(
            "aws-vault",
            "exec dev -- aws eks get-token --cluster-name bench",
            &[],
        ),
        found("aws", "sts get-caller-identity", &[]),
        found("gke-gcloud-auth-plugin", "", &[]),
        found("eksact", "token", &[]),
    ] {
        assert_eq!(entry.sign_in(), None, "{entry:?}");
    }
}

#[test]
fn exec_entry_is_read_back_as_the_same_sign_in() {
    for tool in ExecTool::ALL {
        for wanted in [sign_in(None, None), sign_in(Some(ROLE), Some("dev"))] {
            let entry = ExecEntry::new(tool, tool.program().to_owned(), &wanted, ExecApiVersion::V1);
            let back = FoundExec {
                command: entry.command.clone(),
                arguments: entry.arguments.clone(),
                environment: entry.environment.clone().into_iter().collect(),
                install_hint: Some(entry.install_hint.clone()),
            };
            assert!(back.is_ours());
            assert_eq!(back.sign_in(), Some(wanted));
            assert_eq!(
                entry.arguments_over(Some(&back)),
                entry.arguments,
                "nothing was added"
            );
        }
    }
}

#[test]
fn exec_entry_keeps_what_the_user_added_and_loses_what_another_tool_wrote_for_itself() {
    let wanted = sign_in(None, Some("dev"));
    let entry = ExecEntry::new(ExecTool::Eksact, "eksact".to_owned(), &wanted, ExecApiVersion::V1);
    let own = found(
        "/old/eksact",
        "token -i bench --external-id 42 --no-cache",
        &[("AWS_PROFILE", "x")],
    );
    assert_eq!(
        entry.arguments_over(Some(&own)),
        words("token --cluster bench --region us-west-2 --profile dev --external-id 42 --no-cache")
    );
    assert!(entry.environment_to_remove(&own).is_empty());
    let other = found(
        "aws",
        "eks get-token --cluster-name bench --debug",
        &[("AWS_PROFILE", "dev"), ("HTTPS_PROXY", "p")],
    );
    assert_eq!(entry.arguments_over(Some(&other)), entry.arguments);
    assert_eq!(entry.environment_to_remove(&other), ["AWS_PROFILE"]);
}

/// A release's file may be called otherwise; the hint that eksact writes tells its entries all the same.
#[test]
fn entry_of_a_renamed_eksact_is_known_by_its_hint() {
    let wanted = ExecEntry::new(
        ExecTool::Eksact,
        "/opt/eksact-linux-amd64".to_owned(),
        &sign_in(Some(ROLE), None),
        ExecApiVersion::V1,
    );
    let written = FoundExec {
        command: wanted.command.clone(),
        arguments: wanted.arguments.clone(),
        environment: Vec::new(),
        install_hint: Some(wanted.install_hint.clone()),
    };
    assert!(written.is_ours());
    assert_eq!(written.sign_in(), Some(sign_in(Some(ROLE), None)));
    assert_eq!(wanted.arguments_over(Some(&written)), wanted.arguments);
}
