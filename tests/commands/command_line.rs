//! The command line itself: values that are empty, switches with a value, eksctl's habits, and where a cluster is.

use std::fs;

use clap::{Arg, Command};

use crate::commands::place::{Ended, Place, READ_ONLY, assert_story};

/// The words of a line, in which `''` is an empty word and `%20` a blank.
fn words(line: &str) -> Vec<String> {
    line.split_whitespace()
        .map(|word| word.replace("''", "").replace("%20", " "))
        .collect()
}

fn run(place: &Place, line: &str) -> Ended {
    let words = words(line);
    place.run(&words.iter().map(String::as_str).collect::<Vec<_>>())
}

fn tell(place: &mut Place, line: &str) -> Ended {
    let words = words(line);
    place.tell(&words.iter().map(String::as_str).collect::<Vec<_>>())
}

/// A place with a role that has a policy, an inline one and a boundary.
fn with_role() -> Place {
    let place = Place::new();
    place.edit("prod", |world| {
        world
            .policies
            .insert("arn:aws:iam::111122223333:policy/boundary".to_owned());
    });
    place.write(
        "policy.json",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sqs:*","Resource":"*"}]}"#,
    );
    for line in [
        "associate iam-oidc-provider --cluster prod --approve".to_owned(),
        format!(
            "create iamserviceaccount --cluster prod --namespace app --name web --attach-policy-arn {READ_ONLY} \
             --attach-policy policy.json --well-known-policies externalDNS --subject-pattern web* \
             --permissions-boundary arn:aws:iam::111122223333:policy/boundary --approve"
        ),
    ] {
        let ended = run(&place, &line);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
    }
    place
}

#[test]
fn empty_values_change_nothing_and_no_policies_has_words_of_its_own() {
    let mut place = with_role();
    let account = "--cluster prod --namespace app --name web";
    let before = fs::read_to_string(place.path(".eksact-sandbox.json")).unwrap();
    for verb in ["create", "update"] {
        for value in [
            "--attach-policy-arn=",
            "--attach-policy-arn ''",
            "--attach-policy-arn=%20",
            "--attach-policy-arn=arn:aws:iam::aws:policy/A,,arn:aws:iam::aws:policy/B",
            "--attach-policy-arn arn:aws:iam::aws:policy/A,",
            "--permissions-boundary ''",
            "--subject-pattern=",
            "--well-known-policies ''",
            "--attach-policy ''",
            "--tags ''",
            "--tags a=b,",
        ] {
            let ended = run(
                &place,
                &format!("{verb} iamserviceaccount {account} {value} --approve"),
            );
            assert_eq!(ended.code, 64, "{verb} {value}: {}", ended.stderr);
            let flag = value.split([' ', '=']).next().unwrap();
            assert!(ended.stderr.contains(flag), "{}", ended.stderr);
            assert!(
                ended.stderr.contains("variable was probably not set"),
                "{}",
                ended.stderr
            );
            assert_eq!(ended.stdout, "");
        }
    }
    assert_eq!(
        before,
        fs::read_to_string(place.path(".eksact-sandbox.json")).unwrap()
    );
    tell(
        &mut place,
        &format!("create iamserviceaccount {account} --attach-policy-arn= --approve"),
    );
    // What each says is all that it does.
    for switch in [
        "--no-policies",
        "--no-permissions-boundary",
        "--no-subject-pattern",
    ] {
        assert_eq!(
            tell(
                &mut place,
                &format!("update iamserviceaccount {account} {switch} --yes")
            )
            .code,
            0
        );
        let again = run(
            &place,
            &format!("update iamserviceaccount {account} {switch} --yes"),
        );
        assert!(again.stdout.starts_with("No changes."), "{}", again.stdout);
    }
    assert_eq!(
        tell(
            &mut place,
            "create iamserviceaccount --cluster prod --name bare --no-policies --yes"
        )
        .code,
        0
    );
    let both = format!("update iamserviceaccount {account} --no-policies --attach-policy-arn {READ_ONLY}");
    assert_eq!(run(&place, &both).code, 64);
    assert_story!("no-policies", place.story());
}

/// Every flag of every command, found in the tree of commands, as the program itself answers it.
#[test]
fn empty_values_are_refused_by_every_command() {
    fn walk(command: &Command, words: &[&str], test: &mut dyn FnMut(&[&str], &Arg)) {
        for flag in command
            .get_arguments()
            .filter(|flag| flag.get_action().takes_values())
        {
            if command.has_subcommands() {
                test(&[words, &["version"]].concat(), flag);
            } else {
                test(words, flag);
            }
        }
        for command in command.get_subcommands() {
            walk(command, &[words, &[command.get_name()]].concat(), test);
        }
    }
    let place = Place::new();
    let mut seen = 0;
    walk(&eksact::cli::command(), &[], &mut |words, flag| {
        seen += 1;
        let long = flag.get_long().map(|long| format!("--{long}"));
        for blank in ["", " "] {
            let joined = long.as_ref().map(|long| format!("{long}={blank}"));
            let given: &[&str] = match (&long, &joined) {
                (Some(long), _) if seen % 2 == 0 && !flag.is_require_equals_set() => &[long, blank],
                (_, Some(joined)) => &[joined],
                _ => &[blank],
            };
            let words = [words, given].concat();
            let ended = place.run(&words);
            assert_eq!(
                (ended.code, ended.stdout.as_str()),
                (64, ""),
                "{words:?}: {}",
                ended.stderr
            );
            let name = long.as_deref().unwrap_or("argument");
            assert!(ended.stderr.contains(name), "{words:?}: {}", ended.stderr);
        }
    });
    assert!(seen > 150, "{seen}");
    assert!(!place.path(".eksact-sandbox.json").exists());
}

#[test]
fn empty_variables_count_as_not_set_and_blank_ones_are_errors() {
    let place = Place::new();
    let run = |name: &str, value: &str, line: &[&str]| {
        Ended::of(place.command(line).env(name, value).output().unwrap())
    };
    let get = ["get", "iamserviceaccount", "--cluster", "prod"];
    for name in [
        "EKSACT_PARALLELISM",
        "EKSACT_SANDBOX_FILE",
        "EKSACT_TERMINATION_PROTECTION",
        "EKSACT_ALLOW_BROADENING",
        "KUBERNETES_AWS_AUTHENTICATOR_CLUSTER_ID",
        "AWS_PROFILE",
        "AWS_REGION",
    ] {
        assert_eq!(run(name, "", &get).code, 0, "{name}");
    }
    for name in ["EKSACT_PARALLELISM", "EKSACT_SANDBOX_FILE", "EKSACT_SANDBOX"] {
        let ended = run(name, " ", &get);
        assert_eq!(ended.code, 64, "{name}");
        assert!(ended.stderr.contains(name), "{}", ended.stderr);
    }
    let ended = run("AWS_REGION", "eu-west-1b", &get);
    assert_eq!(ended.code, 64);
    assert!(
        ended.stderr.contains("its region is `eu-west-1`"),
        "{}",
        ended.stderr
    );
    // An empty variable does not stand for the cluster that a token needs.
    let ended = run("KUBERNETES_AWS_AUTHENTICATOR_CLUSTER_ID", "", &["token"]);
    assert_eq!(ended.code, 64);
    assert!(ended.stderr.contains("--cluster <NAME>"), "{}", ended.stderr);
    // A switch on the line counts more than the variable.
    let ended = run(
        "EKSACT_SANDBOX",
        "1",
        &["get", "cluster", "--cluster", "prod", "--sandbox=true"],
    );
    assert_eq!(ended.code, 0);
}

/// What a variable says is no word that has to be typed.
#[test]
fn usage_is_the_same_whatever_variables_are_set() {
    let place = Place::new();
    let variables = [
        ("EKSACT_SANDBOX", "1"),
        ("EKSACT_SANDBOX_FILE", "sandbox.json"),
        ("EKSACT_SANDBOX_CALLER", "arn:aws:iam::123456789012:role/ci"),
        ("EKSACT_PARALLELISM", "4"),
        ("EKSACT_TERMINATION_PROTECTION", "1"),
    ];
    for line in [
        &["apply"][..],
        &["apply", "plan.eksact", "-f", "cluster.yaml"],
        &["token"],
        &["show"],
        &["get", "accessentry", "--nonsense"],
        &["apply", "--help"],
        &[],
        &["get"],
        &["create"],
        &["check"],
        &["restore"],
        &["migrate"],
        &["fleet"],
        &["get", "--quiet"],
    ] {
        let bare = |line: &[&str]| {
            let mut command = place.command(line);
            command.env_remove("EKSACT_SANDBOX");
            command
        };
        let without = Ended::of(bare(line).output().unwrap());
        let with = Ended::of(bare(line).envs(variables).output().unwrap());
        assert!(
            format!("{}{}", without.stdout, without.stderr).contains("Usage: "),
            "{line:?}: {}",
            without.stderr
        );
        assert_eq!(with.stderr, without.stderr, "{line:?}");
        assert_eq!(with.stdout, without.stdout, "{line:?}");
        assert_eq!(with.code, without.code, "{line:?}");
    }
}

/// A list that is not there, or whose items are all commented out, asks for no deletion.
#[test]
fn files_without_service_accounts_prune_none() {
    let place = Place::applied();
    let head = "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {name: quickstart, region: eu-west-1}\n";
    for (iam, prunes) in [
        ("", false),
        ("iam: {withOIDC: true}\n", false),
        ("iam:\n  withOIDC: true\n  serviceAccounts:\n", false),
        (
            "iam:\n  withOIDC: true\n  serviceAccounts:\n  # - metadata: {name: web}\n",
            false,
        ),
        ("iam: {withOIDC: true, serviceAccounts: ~}\n", false),
        ("iam: {withOIDC: true, serviceAccounts: []}\n", true),
    ] {
        place.write("c.yaml", &format!("{head}{iam}"));
        let planned = run(&place, "plan -f c.yaml --prune");
        assert_eq!(planned.code, 0, "{iam}: {}", planned.stderr);
        assert_eq!(
            planned.stdout.contains("no longer has it"),
            prunes,
            "{iam}: {}",
            planned.stdout
        );
        let said = planned.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(
            said.contains("has no iam.serviceAccounts"),
            !prunes,
            "{}",
            planned.stderr
        );
        let deleted = run(&place, "delete iamserviceaccount -f c.yaml --only-missing");
        assert_eq!(
            deleted.code,
            if prunes { 3 } else { 1 },
            "{iam}: {}",
            deleted.stderr
        );
    }
}

#[test]
fn switches_take_a_value_as_in_go() {
    let place = Place::quickstart();
    let apply = "apply -f quickstart.yaml";
    assert_eq!(run(&place, &format!("{apply} --yes=false")).code, 3);
    assert_eq!(run(&place, &format!("{apply} --approve --approve=F")).code, 3);
    assert_eq!(run(&place, &format!("{apply} --yes=maybe")).code, 64);
    assert_eq!(run(&place, &format!("{apply} --yes true")).code, 64);
    let ended = run(
        &place,
        &format!("{apply} --approve=T --termination-protection=false --quiet=1"),
    );
    assert_eq!((ended.code, ended.stderr.as_str()), (0, "Applied: 8 created.\n"));
    let plan = "plan -f quickstart.yaml --termination-protection=off";
    assert_eq!(
        run(&place, &format!("{plan} --detailed-exitcode=true --prune=false")).code,
        0
    );
    assert_eq!(
        run(&place, "plan -f quickstart.yaml --sandbox=false --sandbox=TRUE").code,
        0
    );
    let delete = "delete iamserviceaccount --cluster quickstart --namespace app --name report-reader";
    assert_eq!(run(&place, &format!("{delete} --wait=false --yes=true")).code, 0);
    // Protection was switched off by the value, and so is not lifted.
    assert!(!run(&place, delete).stdout.contains("protection"));
}

#[test]
fn eksctl_habits_are_understood() {
    let mut place = Place::new();
    for line in [
        "get iamserviceaccount --cluster prod -v 0",
        "get iamserviceaccount --cluster prod -v 4 -C false --dumpLogs",
        "get cluster --name prod",
        "get clusters prod -o json",
        "get cluster",
        "get cluster --name staging --verbose=3 --color=false -o yaml",
        "create cluster --name prod",
        "create nodegroup --cluster prod",
        "get accessentry --cluster prod",
        "scale nodegroup --cluster prod --nodes 3 --name ng-1",
        "drain nodegroup --cluster prod --name ng-1",
        "upgrade cluster --name prod --approve",
        "enable flux -f cluster.yaml",
        "anywhere create cluster -f cluster.yaml",
        "utils update-authentication-mode --cluster prod --authentication-mode API",
        "utils write-kubeconfig prod --kubeconfig config --portable",
        "create iamserviceaccount --cluster prod --approve true",
    ] {
        tell(&mut place, line);
    }
    let ended = run(&place, "version");
    assert_eq!(
        (ended.code, ended.stdout),
        (0, format!("{}\n", env!("CARGO_PKG_VERSION")))
    );
    let ended = run(&place, "version -o json");
    assert_eq!(
        ended.stdout,
        format!("{{\n  \"version\": \"{}\"\n}}\n", env!("CARGO_PKG_VERSION"))
    );
    let help = run(&place, "help create iamserviceaccount");
    assert_eq!(
        (help.code, &help.stdout),
        (0, &run(&place, "create iamserviceaccount --help").stdout)
    );
    assert_story!("eksctl-habits", place.story());
}

#[test]
fn cluster_and_region_errors_come_with_the_fix() {
    let mut place = Place::new();
    let arn = "arn:aws:eks:eu-west-1:111122223333:cluster/prod";
    for line in [
        "get iamserviceaccount --cluster prod --region us-east-1a".to_owned(),
        "token --cluster prod --region us-east-1a".to_owned(),
        "update-kubeconfig --name prod --region EU-WEST-1 --kubeconfig config".to_owned(),
        "whoami --cluster prod --region us-west-2-lax-1a".to_owned(),
        format!("update-kubeconfig --name {arn} --kubeconfig config"),
        format!("create iamidentitymapping --cluster {arn} --arn arn:aws:iam::111122223333:role/a --username a"),
        format!("get iamidentitymapping {arn}"),
        format!("token -i {arn}"),
        format!("verify token --cluster {arn}"),
        format!("check aws-auth --cluster {arn}"),
        "get cluster --name prod.eu-west-1.eksctl.io".to_owned(),
        format!("create iamserviceaccount --cluster prod --name {arn} --no-policies"),
        "get iamserviceaccount --cluster prod %20".to_owned(),
        "get iamserviceaccount %20 --cluster prod".to_owned(),
        "get %20 iamserviceaccount --cluster prod".to_owned(),
        "create iamidentitymapping --cluster prod --group system:masters%20 --arn arn:aws:iam::111122223333:role/a".to_owned(),
        "get iamserviceaccount \u{2014}cluster prod".to_owned(),
        // `arn:aws:iam::$ACCOUNT:role/dev`, and the account is not set.
        "update-kubeconfig --name prod --role-arn arn:aws:iam:::role/dev --kubeconfig config".to_owned(),
        "utils write-kubeconfig prod --authenticator-role-arn arn:aws:iam:::role/dev --kubeconfig config".to_owned(),
        "token --cluster prod --region eu-west-1 --role-arn arn:aws:iam:::role/dev --sandbox=false".to_owned(),
        "create iamidentitymapping --cluster prod --arn arn:aws:iam:::role/dev --username dev".to_owned(),
    ] {
        assert_eq!(tell(&mut place, &line).code, 64, "{line}");
    }
    assert!(!place.path(".eksact-sandbox.json").exists());
    assert_story!("where-a-cluster-is", place.story());
}

#[test]
fn exec_env_is_written_compared_and_checked() {
    let mut place = Place::new();
    let update = "update-kubeconfig --name prod --kubeconfig config --portable";
    let profile =
        "--exec-env AWS_PROFILE=dev --exec-env AWS_CONFIG_FILE=/etc/aws/config --exec-env TEAM_TOKEN=secret";
    assert_eq!(tell(&mut place, &format!("{update} {profile}")).code, 0);
    // The same profile in the same place is the same user: nothing changes.
    assert!(
        run(&place, &format!("{update} {profile}"))
            .stdout
            .starts_with("No changes.")
    );
    assert_eq!(
        tell(
            &mut place,
            &format!("{update} --exec-env AWS_PROFILE=dev --exec-env AWS_CONFIG_FILE=other")
        )
        .code,
        0
    );
    // Another profile is another user.
    assert_eq!(
        tell(
            &mut place,
            &format!("{update} --exec-env AWS_PROFILE=ops --alias ops")
        )
        .code,
        0
    );
    assert_eq!(
        tell(
            &mut place,
            "utils write-kubeconfig --cluster prod --kubeconfig own --portable --exec-env=OPTS=a=b"
        )
        .code,
        0
    );
    for (flags, message) in [
        ("--exec-env AWS_PROFILE", "takes NAME=VALUE"),
        ("--exec-env =dev", "cannot be the name of a variable"),
        ("--exec-env=%20=dev", "begins with a blank"),
        ("--exec-env A%20B=c", "cannot be the name of a variable"),
        ("--exec-env ''", "--exec-env is empty"),
        ("--exec-env A=b --exec-env A=c", "--exec-env names A twice"),
        (
            "--exec-env AWS_PROFILE=dev --profile ops",
            "given twice: as ops by --profile",
        ),
        (
            "--exec-env AWS_PROFILE=dev --exec-profile ops",
            "given twice: as ops by --exec-profile",
        ),
        (
            "--exec-env AWS_DEFAULT_PROFILE=dev --profile dev",
            "by --exec-env AWS_DEFAULT_PROFILE",
        ),
    ] {
        let ended = run(&place, &format!("{update} {flags}"));
        assert_eq!(ended.code, 64, "{flags}");
        let said = ended.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(message), "{flags}: {said}");
    }
    let text = fs::read_to_string(place.path("config")).unwrap();
    assert!(
        text.contains("name: TEAM_TOKEN") && text.contains("value: secret"),
        "{text}"
    );
    assert_story!("exec-env", place.story());
}
