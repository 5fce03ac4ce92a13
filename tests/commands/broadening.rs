//! `--allow-broadening`: what a pipeline may do by itself.

use crate::commands::place::{Ended, Place, assert_story};

const SETTING: &str = "---\napiVersion: eksact.dev/v1alpha1\nkind: ClusterAccess\nallowBroadening: never\n";

#[test]
fn never_refuses_what_gives_more_access_and_says_what() {
    let mut place = Place::applied();
    let file = include_str!("../../examples/quickstart.yaml");
    let wider = file
        .replace("- sqs:GetQueueAttributes", "- sqs:*")
        .replace("AmazonS3ReadOnlyAccess", "AmazonS3FullAccess");
    place.write("wider.yaml", &wider);
    place.tell(&["plan", "-f", "wider.yaml", "--allow-broadening", "never"]);
    place.tell(&[
        "apply",
        "-f",
        "wider.yaml",
        "--yes",
        "--allow-broadening",
        "approved",
    ]);
    // What is planned and shown only may be approved later.
    let planned = place.run(&["plan", "-f", "wider.yaml", "--allow-broadening", "approved"]);
    assert_eq!(planned.code, 0, "{}", planned.stdout);
    assert!(!planned.stdout.contains("access-broadened"), "{}", planned.stdout);
    // A saved plan needs its digest, not just any approval.
    let saved = place.run(&["plan", "-f", "wider.yaml", "--out", "wider.plan"]);
    assert_eq!(saved.code, 0, "{}", saved.stderr);
    let unapproved = ["apply", "wider.plan", "--yes", "--allow-broadening", "approved"];
    place.tell(&unapproved);
    // It is no guard that the command line can pass.
    let passed = place.run(&["plan", "-f", "wider.yaml", "--allow", "access-broadened"]);
    assert_eq!(passed.code, 64, "{}", passed.stderr);
    // What takes access away goes through.
    place.write(
        "narrower.yaml",
        &file.replace("              - sqs:GetQueueAttributes\n", ""),
    );
    let narrower = [
        "apply",
        "-f",
        "narrower.yaml",
        "--yes",
        "--allow-broadening",
        "never",
    ];
    place.tell(&narrower);
    assert_story!("broadening", place.story());
}

/// Whoever points a service account at a role gives its pods what the role allows, as the plan says before all else.
#[test]
fn role_that_is_attached_gives_more_access() {
    let place = Place::quickstart();
    let account = |role: &str| {
        place.write_accounts(
            "attached.yaml",
            &[&format!(
                "{{metadata: {{name: web, namespace: app}}, attachRoleARN: 'arn:aws:iam::111122223333:role/{role}'}}"
            )],
        );
    };
    let plan = |effect: &str| {
        let planned = place.run(&["plan", "-f", "attached.yaml", "-o", "json"]);
        let planned: serde_json::Value = serde_json::from_str(&planned.stdout).unwrap();
        let changes = planned["changes"].as_array().unwrap();
        let change = changes
            .iter()
            .find(|change| change["address"] == "service-account/app/web")
            .unwrap();
        assert_eq!(change["effect"], effect, "{change:#}");
        let people = planned["access"]["people"].as_array().unwrap();
        assert!(
            people
                .iter()
                .any(|holder| holder["who"] == "app/web" && holder["gains"][0].is_string()),
            "{people:#?}"
        );
    };
    account("one");
    plan("broader");
    let refused = place.run(&["plan", "-f", "attached.yaml", "--allow-broadening", "never"]);
    assert_eq!(refused.code, 4, "{}", refused.stdout);
    assert!(refused.stdout.contains("access-broadened"), "{}", refused.stdout);
    let applied = place.run(&["apply", "-f", "attached.yaml", "--yes"]);
    assert_eq!(applied.code, 0, "{}", applied.stderr);
    account("other");
    plan("incomparable");
    let removed = [
        "delete",
        "iamserviceaccount",
        "-f",
        "attached.yaml",
        "--yes",
        "--allow-broadening",
        "never",
    ];
    let removed = place.run(&removed);
    assert_eq!(removed.code, 0, "{}{}", removed.stdout, removed.stderr);
}

#[test]
fn saved_plan_that_gives_more_access_needs_its_digest() {
    let place = Place::applied();
    let file = include_str!("../../examples/quickstart.yaml");
    place.write("wider.yaml", &file.replace("- sqs:GetQueueAttributes", "- sqs:*"));
    let saved = place.run(&["plan", "-f", "wider.yaml", "--out", "wider.plan"]);
    assert_eq!(saved.code, 0, "{}", saved.stderr);
    let document: serde_json::Value =
        serde_json::from_slice(&fs_err::read(place.path("wider.plan")).unwrap()).unwrap();
    let digest = document["digest"].as_str().unwrap();
    let approved = |when| {
        [
            "apply",
            "wider.plan",
            "--expect",
            digest,
            "--allow-broadening",
            when,
        ]
    };
    assert_eq!(place.run(&approved("never")).code, 4);
    assert_eq!(place.run(&approved("approved")).code, 0);
}

#[test]
fn strictest_of_flag_variable_and_file_holds() {
    let place = Place::quickstart();
    let file = include_str!("../../examples/quickstart.yaml");
    place.write("never.yaml", &format!("{file}{SETTING}"));
    place.write(
        "always.yaml",
        &format!("{file}{}", SETTING.replace("never", "always")),
    );
    let plan = |file: &str, variable: &str, flag: &[&str]| {
        let line = [&["plan", "-f", file], flag].concat();
        let mut command = place.command(&line);
        Ended::of(command.env("EKSACT_ALLOW_BROADENING", variable).output().unwrap())
    };
    let always = ["--allow-broadening=always"];
    let never = ["--allow-broadening=never"];
    for (file, variable, flag, by) in [
        ("quickstart.yaml", "", &[][..], None),
        ("always.yaml", "always", &always[..], None),
        (
            "quickstart.yaml",
            "never",
            &always[..],
            Some("EKSACT_ALLOW_BROADENING=never refuses"),
        ),
        (
            "quickstart.yaml",
            "always",
            &never[..],
            Some("--allow-broadening never refuses"),
        ),
        (
            "never.yaml",
            "always",
            &always[..],
            Some("`allowBroadening: never` of never.yaml:"),
        ),
        (
            "always.yaml",
            "",
            &never[..],
            Some("--allow-broadening never refuses"),
        ),
    ] {
        let ended = plan(file, variable, flag);
        let said = ended.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(
            ended.code,
            if by.is_some() { 4 } else { 0 },
            "{file} {variable} {flag:?} {said}"
        );
        assert!(
            said.contains(by.unwrap_or("to create")),
            "{file} {variable} {flag:?} {said}"
        );
    }
    let wrong = plan("quickstart.yaml", "sometimes", &[]);
    assert_eq!(wrong.code, 64);
    let said: Vec<&str> = wrong.stderr.split_whitespace().collect();
    assert!(
        said.join(" ").contains("must be never, approved or always"),
        "{}",
        wrong.stderr
    );
    place.write(
        "wrong.yaml",
        &format!("{file}{}", SETTING.replace("never", "sometimes")),
    );
    assert_eq!(plan("wrong.yaml", "", &[]).code, 65);
}

/// A document that sets only this says nothing of who gets in: nothing is pruned for it.
#[test]
fn setting_alone_prunes_no_mapping() {
    let place = Place::quickstart();
    let create = [
        "create",
        "iamidentitymapping",
        "--cluster",
        "quickstart",
        "--region",
        "eu-west-1",
        "--arn",
        "arn:aws:iam::111122223333:role/dev",
        "--username",
        "dev",
        "--approve",
    ];
    assert_eq!(place.run(&create).code, 0);
    let file = include_str!("../../examples/quickstart.yaml");
    for (setting, pruned) in [
        (SETTING.replace("never", "always"), false),
        (
            SETTING.replace("allowBroadening: never", "identityMappings: []"),
            true,
        ),
    ] {
        place.write("setting.yaml", &format!("{file}{setting}"));
        let planned = place.run(&["plan", "-f", "setting.yaml", "--prune", "-o", "json"]);
        assert_eq!(planned.code, 0, "{}", planned.stdout);
        assert_eq!(
            planned.stdout.contains("\"identity-mapping/"),
            pruned,
            "{}",
            planned.stdout
        );
    }
}

/// The commands that take one part of a file keep to what it says of the cluster's account and of more access.
#[test]
fn part_of_a_file_keeps_its_account_and_its_rule() {
    const POLICY: &str = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";
    let place = Place::new();
    let file = format!(
        "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {{name: prod, region: eu-west-1}}\n\
         iam:\n  withOIDC: true\n  serviceAccounts:\n    - metadata: {{name: reader, namespace: app}}\n      \
         attachPolicyARNs: [{POLICY}]\n  podIdentityAssociations:\n    - namespace: app\n      \
         serviceAccountName: web\n      createServiceAccount: true\n      permissionPolicyARNs: [{POLICY}]\n\
         accessConfig:\n  accessEntries:\n    - principalARN: arn:aws:iam::111122223333:role/dev\n      \
         kubernetesGroups: [devs]\n\
         iamIdentityMappings:\n  - {{arn: 'arn:aws:iam::111122223333:role/dev', username: dev, groups: [devs]}}\n"
    );
    let account = SETTING.replace("allowBroadening: never", "account: {id: '444455556666'}");
    place.write("never.yaml", &format!("{file}{SETTING}"));
    place.write("elsewhere.yaml", &format!("{file}{account}"));
    let provider = [
        "utils",
        "associate-iam-oidc-provider",
        "--cluster",
        "prod",
        "--yes",
    ];
    assert_eq!(place.run(&provider).code, 0);
    for command in [
        &["create", "iamserviceaccount"][..],
        &["create", "iamidentitymapping"],
        &["create", "accessentry"],
        &["create", "podidentityassociation"],
        &["apply", "--include", "*"],
    ] {
        let refused = place.run(&[command, &["-f", "never.yaml", "--yes"]].concat());
        let said = format!("{command:?}: {}{}", refused.stdout, refused.stderr);
        assert_eq!(refused.code, 4, "{said}");
        assert!(said.contains("`allowBroadening: never` of never.yaml"), "{said}");
        // The sandbox has every account that a file names.
        let there = place.run(&[command, &["-f", "elsewhere.yaml", "--yes"]].concat());
        assert!(
            there.stdout.contains("for prod (444455556666, eu-west-1)"),
            "{command:?}: {}{}",
            there.stdout,
            there.stderr
        );
    }
}
