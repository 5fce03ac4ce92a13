//! Real exec entries: which cluster, region, role and profile they end in, and through what.

use super::*;

/// `cluster region role profile`, `-` for what is not named; then the programs; then what is unsettled.
fn told(environment: &[(&str, &str)], command: &str, arguments: &[&str]) -> String {
    let exec = FoundExec {
        command: command.to_owned(),
        arguments: arguments.iter().map(|word| (*word).to_owned()).collect(),
        environment: environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        ..FoundExec::default()
    };
    let Some(call) = token_call(&exec) else {
        return "no call".to_owned();
    };
    let sign_in = &call.sign_in;
    let or = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
    let mut told = format!(
        "{} {} {} {}",
        sign_in.cluster,
        or(&sign_in.region),
        or(&sign_in.role_arn).rsplit('/').next().unwrap(),
        or(&sign_in.profile)
    );
    if !call.through.is_empty() {
        told.push_str(" < ");
        told.push_str(&call.through.join(" "));
    }
    for unsettled in &call.unsettled {
        let (sign, name) = match unsettled {
            Unsettled::Program(name) => (" ?", name.as_str()),
            Unsettled::Variable(field) => (" $", *field),
        };
        told.push_str(sign);
        told.push_str(name);
    }
    told
}

#[test]
fn call_for_a_token_is_found_under_the_programs_that_run_it() {
    const AWS: [&str; 7] = [
        "aws",
        "--region",
        "eu-west-1",
        "eks",
        "get-token",
        "--cluster-name",
        "prod",
    ];
    const ROLE: &str = "arn:aws:iam::111122223333:role/sre";
    let behind =
        |words: &[&'static str]| -> Vec<&'static str> { words.iter().chain(&AWS).copied().collect() };
    let plain = "prod eu-west-1 -";
    let table: Vec<(&[(&str, &str)], &str, Vec<&str>, String)> = vec![
        (&[], "aws", AWS[1..].to_vec(), format!("{plain} -")),
        (
            &[("AWS_PROFILE", "env")],
            "/usr/local/bin/aws",
            AWS[1..].to_vec(),
            format!("{plain} env"),
        ),
        (
            &[],
            "heptio-authenticator-aws",
            vec!["token", "-i", "prod", "-r", ROLE],
            "prod - sre -".to_owned(),
        ),
        // aws-vault, as guides write it.
        (
            &[],
            "aws-vault",
            behind(&["exec", "dev", "--"]),
            format!("{plain} dev < aws-vault"),
        ),
        (
            &[],
            "/opt/homebrew/bin/aws-vault",
            behind(&["exec", "--no-session", "dev", "--"]),
            format!("{plain} dev < aws-vault"),
        ),
        (
            &[],
            "aws-vault",
            behind(&["exec", "--duration=12h", "-t", "123456", "dev", "--"]),
            format!("{plain} dev < aws-vault"),
        ),
        (
            &[],
            "aws-vault",
            behind(&["exec", "dev"]),
            format!("{plain} dev < aws-vault"),
        ),
        (
            &[],
            "aws-vault",
            behind(&["--backend", "file", "exec", "dev", "--"]),
            format!("{plain} dev < aws-vault"),
        ),
        (
            &[("AWS_PROFILE", "ambient")],
            "aws-vault",
            behind(&["exec", "dev", "--"]),
            format!("{plain} dev < aws-vault"),
        ),
        (
            &[],
            "aws-vault",
            vec![
                "exec",
                "core",
                "--region",
                "us-east-1",
                "--",
                "aws-iam-authenticator",
                "token",
                "-i",
                "prod",
                "--role",
                ROLE,
                "--forward-session-name",
            ],
            "prod us-east-1 sre core < aws-vault".to_owned(),
        ),
        (
            &[],
            "aws-vault",
            vec![
                "exec",
                "dev",
                "--",
                "aws",
                "eks",
                "--region",
                "eu-west-1",
                "get-token",
                "--cluster-name",
                "prod",
                "--profile",
                "other",
            ],
            format!("{plain} other < aws-vault"),
        ),
        // The whole line in `command`, which kubectl does not find.
        (
            &[],
            "aws-vault exec admin -- aws-iam-authenticator",
            vec!["token", "-i", "prod"],
            "prod - - admin < aws-vault".to_owned(),
        ),
        // Others of its kind.
        (
            &[],
            "aws-okta",
            vec![
                "exec",
                "test",
                "--",
                "aws-iam-authenticator",
                "token",
                "-i",
                "prod",
                "-r",
                ROLE,
            ],
            "prod - sre test < aws-okta".to_owned(),
        ),
        (
            &[],
            "saml2aws",
            behind(&["exec", "--exec-profile", "dev", "--"]),
            format!("{plain} dev < saml2aws"),
        ),
        (
            &[],
            "saml2aws",
            behind(&["exec", "-a", "corp", "-p", "dev", "--"]),
            format!("{plain} dev < saml2aws"),
        ),
        (
            &[],
            "saml2aws",
            vec!["exec", "--", "aws-iam-authenticator", "token", "-i", "prod"],
            "prod - - - < saml2aws ?saml2aws".to_owned(),
        ),
        (
            &[],
            "assume",
            vec![
                "dev",
                "--exec",
                "aws eks get-token --cluster-name prod --region eu-west-1",
            ],
            format!("{plain} dev < assume"),
        ),
        (
            &[],
            "assume",
            vec![
                "--exec",
                "aws eks get-token --cluster-name prod --region eu-west-1",
                "dev",
            ],
            format!("{plain} dev < assume"),
        ),
        (
            &[],
            "assume",
            behind(&["dev", "--exec", "--"]),
            format!("{plain} dev < assume"),
        ),
        (
            &[],
            "chamber",
            behind(&["exec", "prod-service", "other", "--"]),
            format!("{plain} - < chamber ?chamber"),
        ),
        (
            &[],
            "op",
            behind(&["run", "--env-file=.env", "--"]),
            format!("{plain} - < op ?op"),
        ),
        (
            &[],
            "aws2-wrap",
            behind(&["--profile", "dev"]),
            format!("{plain} dev < aws2-wrap"),
        ),
        (
            &[],
            "aws-sso",
            behind(&["exec", "-p", "dev", "--"]),
            format!("{plain} dev < aws-sso"),
        ),
        (
            &[],
            "aws-sso",
            behind(&["exec", "--arn", ROLE, "--"]),
            "prod eu-west-1 sre - < aws-sso".to_owned(),
        ),
        (
            &[],
            "awsudo",
            behind(&["-u", "dev"]),
            format!("{plain} dev < awsudo"),
        ),
        (
            &[],
            "aws-runas",
            behind(&[ROLE]),
            "prod eu-west-1 sre - < aws-runas".to_owned(),
        ),
        // Programs that change nothing.
        (
            &[],
            "env",
            behind(&["AWS_PROFILE=dev"]),
            format!("{plain} dev < env"),
        ),
        (
            &[("AWS_PROFILE", "x")],
            "/usr/bin/env",
            behind(&["-u", "AWS_PROFILE"]),
            format!("{plain} - < env"),
        ),
        (
            &[],
            "env",
            behind(&["-i", "AWS_PROFILE=dev", "HOME=/root"]),
            format!("{plain} dev < env"),
        ),
        (
            &[],
            "timeout",
            behind(&["-k", "5", "10"]),
            format!("{plain} - < timeout"),
        ),
        (
            &[],
            "sudo",
            behind(&["-E", "-u", "deploy"]),
            format!("{plain} - < sudo"),
        ),
        (
            &[],
            "nice",
            behind(&["-n", "10", "env", "AWS_PROFILE=dev"]),
            format!("{plain} dev < nice env"),
        ),
        (&[], "mise", behind(&["exec", "--"]), format!("{plain} - < mise")),
        (&[], "cmd.exe", behind(&["/c"]), format!("{plain} - < cmd")),
        (
            &[],
            "wsl.exe",
            behind(&["-d", "Ubuntu"]),
            format!("{plain} - < wsl"),
        ),
        // Shells.
        (
            &[],
            "sh",
            vec!["-c", "aws eks get-token --cluster-name prod --region eu-west-1"],
            format!("{plain} - < sh"),
        ),
        (
            &[],
            "sh",
            vec![
                "-c",
                "aws-vault exec dev -- aws --region eu-west-1 eks get-token --cluster-name prod",
            ],
            format!("{plain} dev < sh aws-vault"),
        ),
        (
            &[],
            "bash",
            vec![
                "-lc",
                "AWS_PROFILE=dev exec aws eks get-token --cluster-name 'prod' --region eu-west-1",
            ],
            format!("{plain} dev < bash exec"),
        ),
        (
            &[],
            "bash",
            vec![
                "-l",
                "-c",
                "export AWS_PROFILE=dev AWS_REGION=eu-west-1; aws eks get-token --cluster-name prod",
            ],
            format!("{plain} dev < bash"),
        ),
        (
            &[],
            "/bin/zsh",
            vec![
                "-ic",
                "export AWS_PROFILE=dev&&aws eks get-token --cluster-name prod --region eu-west-1 2>/dev/null|jq .",
            ],
            format!("{plain} dev < zsh"),
        ),
        (
            &[],
            "bash",
            vec![
                "-c",
                "source ~/.creds && aws eks get-token --cluster-name prod --region eu-west-1",
            ],
            format!("{plain} - < bash source ?source"),
        ),
        (
            &[],
            "bash",
            vec![
                "-c",
                ". assume dev\naws eks get-token --cluster-name prod --region eu-west-1",
            ],
            format!("{plain} dev < bash ."),
        ),
        (
            &[],
            "sh",
            vec![
                "-c",
                "if true; then aws eks get-token --cluster-name prod --region eu-west-1; fi",
            ],
            format!("{plain} - < sh"),
        ),
        (
            &[],
            "sh",
            vec![
                "-c",
                "aws \"$@\"",
                "--",
                "eks",
                "get-token",
                "--cluster-name",
                "prod",
                "--region",
                "eu-west-1",
            ],
            format!("{plain} - < sh"),
        ),
        (
            &[],
            "sh",
            vec![
                "-c",
                "aws eks get-token --cluster-name $1 --region eu-west-1",
                "sh",
                "prod",
            ],
            format!("{plain} - < sh"),
        ),
        (
            &[],
            "sh",
            vec![
                "-c",
                "aws eks get-token --cluster-name prod --region $REGION --profile ${P}",
            ],
            "prod - - - < sh $region $profile".to_owned(),
        ),
        (
            &[],
            "bash",
            vec![
                "-c",
                "sh -c 'aws eks get-token --cluster-name prod --region eu-west-1'",
            ],
            format!("{plain} - < bash sh"),
        ),
        (
            &[],
            "pwsh",
            vec![
                "-NoProfile",
                "-Command",
                "aws eks get-token --cluster-name prod --region eu-west-1",
            ],
            format!("{plain} - < pwsh"),
        ),
        // What is not known may change everything, and the call is found all the same.
        (
            &[],
            "my-wrapper",
            behind(&["--team", "x"]),
            format!("{plain} - < my-wrapper ?my-wrapper"),
        ),
        (
            &[],
            "tsh",
            behind(&[])[..].to_vec(),
            format!("{plain} - < tsh ?tsh"),
        ),
        (
            &[],
            "docker",
            vec![
                "run",
                "--rm",
                "-e",
                "AWS_PROFILE=dev",
                "amazon/aws-cli:2.15.0",
                "eks",
                "get-token",
                "--cluster-name",
                "prod",
                "--region",
                "eu-west-1",
            ],
            format!("{plain} dev < docker ?docker"),
        ),
        // No call at all.
        (
            &[],
            "aws-vault",
            vec!["exec", "dev", "--", "kubelogin"],
            "no call".to_owned(),
        ),
        (
            &[],
            "kubelogin",
            vec!["get-token", "--oidc-issuer-url=https://x"],
            "no call".to_owned(),
        ),
        (&[], "gke-gcloud-auth-plugin", vec![], "no call".to_owned()),
        (&[], "aws-vault", vec!["list"], "no call".to_owned()),
        (&[], "sh", vec!["-c", "echo 'unbalanced"], "no call".to_owned()),
        (&[], "sh", vec!["./token.sh"], "no call".to_owned()),
        (&[], "", vec![], "no call".to_owned()),
    ];
    for (environment, command, arguments, expected) in table {
        assert_eq!(
            told(environment, command, &arguments),
            expected,
            "{command} {arguments:?}"
        );
    }
}
