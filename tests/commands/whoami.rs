//! Who one is to a cluster, from a mapping to "who am I", with nothing but the sandbox.

use crate::commands::place::{Place, assert_story};

const ROLE: &str = "arn:aws:iam::111122223333:role/dev";

/// Sets a section of the simulated cluster's aws-auth, as somebody with kubectl would.
fn set_section(place: &Place, section: &str, text: &str) {
    place.edit("prod", |world| {
        let cluster = world.clusters.values_mut().next().unwrap();
        let map = cluster.config_maps.get_mut("kube-system/aws-auth").unwrap();
        map.data.insert(section.to_owned(), text.to_owned());
    });
}

#[test]
fn whoami_in_the_sandbox_follows_a_mapping_from_its_creation() {
    let mut place = Place::new();
    let as_dev = ["whoami", "--cluster", "prod", "--sandbox-caller", ROLE];
    assert_eq!(place.tell(&["whoami"]).code, 0);
    assert!(
        !place.path(".eksact-sandbox.json").exists(),
        "who one is needs no sandbox"
    );
    assert_eq!(place.tell(&["whoami", "--cluster", "prod"]).code, 0);
    assert_eq!(place.tell(&as_dev).code, 1);
    place.write(
        "access.yaml",
        "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {name: prod, region: eu-west-1}\n---\n\
         apiVersion: eksact.dev/v1alpha1\nkind: ClusterAccess\nmetadata: {name: prod}\n\
         groups:\n- name: developers\n  bindings: [{clusterRole: view}]\n\
         identityMappings:\n- arn: arn:aws:iam::111122223333:role/dev\n  username: \"dev:{{SessionName}}\"\n  groups: [developers]\n",
    );
    let applied = place.run(&["apply", "-f", "access.yaml", "--yes"]);
    assert_eq!(applied.code, 0, "{}", applied.stderr);
    assert_eq!(place.tell(&as_dev).code, 0);
    // A session with a name, and the role assumed by its ARN.
    let session = "arn:aws:sts::111122223333:assumed-role/dev/nina@example.com";
    let ended = place.run(&[
        "whoami",
        "--cluster",
        "prod",
        "--sandbox-caller",
        session,
        "-o",
        "json",
    ]);
    assert!(
        ended.stdout.contains("\"username\": \"dev:nina-example.com\""),
        "{}",
        ended.stdout
    );
    let ended = place.run(&["whoami", "-c", "prod", "-r", ROLE, "-s", "nina", "-o", "json"]);
    assert!(
        ended.stdout.contains("\"username\": \"dev:nina\""),
        "{}",
        ended.stdout
    );
    assert_story!("whoami-sandbox", place.story());
}

#[test]
fn whoami_names_the_entry_that_nearly_matches_and_its_remedy_works() {
    let mut place = Place::new();
    place.run(&["whoami", "--cluster", "prod"]);
    set_section(
        &place,
        "mapRoles",
        "- rolearn: arn:aws:iam::111122223333:role/team/dev\n  username: dev\n  groups: [developers]\n",
    );
    let as_dev = ["whoami", "--cluster", "prod", "--sandbox-caller", ROLE];
    assert_eq!(place.tell(&as_dev).code, 1);
    for command in [
        &[
            "create",
            "iamidentitymapping",
            "--cluster",
            "prod",
            "--arn",
            ROLE,
            "--username",
            "dev",
            "--group",
            "developers",
        ][..],
        &[
            "delete",
            "iamidentitymapping",
            "--cluster",
            "prod",
            "--arn",
            "arn:aws:iam::111122223333:role/team/dev",
            "--all",
        ],
    ] {
        let all: Vec<&str> = command
            .iter()
            .copied()
            .chain(["--region", "eu-west-1", "--yes"])
            .collect();
        let ended = place.run(&all);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
    }
    let ended = place.tell(&as_dev);
    assert_eq!(ended.code, 0);
    assert!(!ended.stdout.contains("role-arn-with-path"), "{}", ended.stdout);
    // From a file the entry is named with its line there.
    place.write(
        "aws-auth.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: aws-auth, namespace: kube-system}\ndata:\n  mapUsers: |\n    - userarn: arn:aws:iam::111122223333:user/dev\n      username: dev\n",
    );
    let other = "arn:aws:sts::111122223333:assumed-role/other/dev";
    let ended = place.tell(&[
        "whoami",
        "-c",
        "prod",
        "--sandbox-caller",
        other,
        "--aws-auth",
        "aws-auth.yaml",
    ]);
    assert_eq!(ended.code, 1);
    assert!(ended.stdout.contains("aws-auth.yaml:6"), "{}", ended.stdout);
    assert_story!("whoami-near-miss", place.story());
}

#[test]
fn whoami_of_an_access_entry_that_gives_nothing_says_so() {
    use eksact_core::ports::aws::AccessEntry;
    let mut place = Place::new();
    place.run(&["whoami", "--cluster", "prod"]);
    place.edit("prod", |world| {
        let cluster = world.clusters.values_mut().next().unwrap();
        let entry = AccessEntry {
            principal_arn: "arn:aws:iam::111122223333:role/team/dev".to_owned(),
            username: "dev".to_owned(),
            groups: vec!["developers".to_owned()],
            entry_type: "STANDARD".to_owned(),
            ..AccessEntry::default()
        };
        cluster
            .eks
            .access_entries
            .insert(entry.principal_arn.clone(), entry);
    });
    set_section(
        &place,
        "mapRoles",
        "- rolearn: arn:aws:iam::111122223333:role/dev\n  username: dev\n  groups: [admins]\n",
    );
    let ended = place.tell(&["whoami", "--cluster", "prod", "--sandbox-caller", ROLE]);
    assert_eq!(ended.code, 0);
    assert_story!("whoami-access-entry", place.story());
}

/// The lockout guard looks at whoever calls.
#[test]
fn guards_over_own_access_look_at_the_sandbox_caller() {
    let place = Place::new();
    let mapping = ["--cluster", "prod", "--arn", ROLE, "--yes"];
    let with = |verb: &'static str, more: &[&'static str]| -> Vec<&'static str> {
        [verb, "iamidentitymapping"]
            .iter()
            .chain(&mapping)
            .chain(more)
            .copied()
            .collect()
    };
    let made = place.run(&with(
        "create",
        &["--username", "dev", "--group", "system:masters"],
    ));
    assert_eq!(made.code, 0, "{}", made.stderr);
    let own = place.run(&with("delete", &["--sandbox-caller", ROLE]));
    assert_eq!(own.code, 4, "{}", own.stderr);
    assert!(
        own.stdout.contains("own-access-lost"),
        "{}{}",
        own.stdout,
        own.stderr
    );
    let nobody = place.run(&with(
        "delete",
        &["--sandbox-caller", "arn:aws:iam::111122223333:user/stranger"],
    ));
    assert_ne!(nobody.code, 0, "a stranger is not let in: {}", nobody.stdout);
    assert_eq!(place.run(&with("delete", &[])).code, 0);
}

#[test]
fn sandbox_token_is_read_and_verified_in_the_sandbox_and_nowhere_else() {
    let mut place = Place::new();
    let made = place.run(&["token", "--cluster", "prod", "--sandbox-caller", ROLE]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    assert!(
        made.stdout.contains("\"kind\":\"ExecCredential\""),
        "{}",
        made.stdout
    );
    let with = |arguments: &[&str]| place.run_with_input(arguments, &made.stdout);
    let decoded = with(&["decode", "token", "-"]);
    assert_eq!(decoded.code, 0, "{}", decoded.stdout);
    assert!(
        decoded.stdout.contains("simulated EKS token"),
        "{}",
        decoded.stdout
    );
    let verified = with(&["verify", "token", "--cluster", "prod", "-"]);
    assert_eq!(verified.code, 0, "{}", verified.stdout);
    assert!(
        verified
            .stdout
            .contains("arn:aws:sts::111122223333:assumed-role/dev/sandbox"),
        "{}",
        verified.stdout
    );
    for (arguments, code) in [
        (
            &["verify", "token", "--cluster", "Prod", "-"][..],
            "token-cluster",
        ),
        (
            &[
                "verify",
                "token",
                "--cluster",
                "prod",
                "--region",
                "us-east-1",
                "-t",
                "k8s-aws-v1.aHR0cHM6Ly9zdHMuYW1hem9uYXdzLmNvbS8",
            ],
            "not-a-sandbox-token",
        ),
    ] {
        let refused = with(arguments);
        assert_eq!(refused.code, 1, "{}", refused.stdout);
        assert!(refused.stdout.contains(code), "{code}: {}", refused.stdout);
    }
    // Outside of the sandbox it is refused before anything is sent.
    let mut real = place.command(&[
        "verify",
        "token",
        "--cluster",
        "prod",
        "--region",
        "eu-west-1",
        "-o",
        "json",
    ]);
    let token = place.run(&["token", "--cluster", "prod", "--token-only"]).stdout;
    let ended = crate::commands::place::Ended::of(
        real.env("EKSACT_SANDBOX", "0")
            .arg(token.trim())
            .output()
            .unwrap(),
    );
    assert_eq!(ended.code, 1);
    assert!(ended.stdout.contains("sandbox-token"), "{}", ended.stdout);
    assert!(
        !ended.stdout.contains("\"sts\""),
        "STS was not asked: {}",
        ended.stdout
    );
    // A token without one that is given is made and verified.
    assert_eq!(place.run(&["verify", "token", "--cluster", "prod"]).code, 0);
    // The caller is whoever may call, and only in the sandbox.
    for caller in ["", "dev", "arn:aws:iam::111122223333:group/dev"] {
        let ended = place.tell(&["whoami", "--sandbox-caller", caller]);
        assert_eq!(ended.code, 64, "{caller}");
    }
    let mut real = place.command(&["whoami", "--sandbox-caller", ROLE]);
    let ended = crate::commands::place::Ended::of(real.env("EKSACT_SANDBOX", "0").output().unwrap());
    assert_eq!(ended.code, 64);
    place.record(&["whoami", "--sandbox-caller", ROLE], &ended);
    assert_story!("sandbox-caller", place.story());
}

#[test]
fn whoami_looks_into_the_wrappers_of_a_context() {
    let mut place = Place::new();
    for (name, exec) in [
        (
            "vault",
            "{apiVersion: client.authentication.k8s.io/v1alpha1, command: aws-vault, args: [exec, admin, --, aws, --region, eu-west-1, eks, get-token, --cluster-name, prod]}",
        ),
        (
            "heptio",
            "{apiVersion: client.authentication.k8s.io/v1alpha1, command: heptio-authenticator-aws, args: [token, -i, prod]}",
        ),
        (
            "shell",
            "{apiVersion: client.authentication.k8s.io/v1beta1, command: bash, args: [-lc, 'AWS_PROFILE=dev aws eks get-token --cluster-name staging']}",
        ),
        (
            "chamber",
            "{apiVersion: client.authentication.k8s.io/v1beta1, command: chamber, args: [exec, secrets, --, aws, eks, get-token, --cluster-name, prod]}",
        ),
    ] {
        let file = format!("{name}.yaml");
        place.write(
            &file,
            &format!(
                "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: []\ncontexts:\n- name: c\n  context: {{cluster: c, user: nina}}\nusers:\n- name: nina\n  user:\n    exec: {exec}\n"
            ),
        );
        assert_eq!(
            place
                .tell(&["whoami", "--cluster", "prod", "--kubeconfig", &file])
                .code,
            0
        );
    }
    assert_story!("whoami-context", place.story());
}
