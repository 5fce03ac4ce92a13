//! `roles` and `policies` of a ClusterAccess, as people see them: made, compared, repaired and pruned.

use eksact_core::ports::aws::{ManagedPolicy, PolicyVersion, Role, User};
use eksact_simulator::{Sandbox, Seed, World};
use serde_json::{Value, json};

use crate::commands::place::{Place, assert_story};

const FILE: &str = include_str!("../../examples/deployers.yaml");
const POLICY: &str = include_str!("../../examples/policies/describe-cluster.json");
const DESCRIBE: &str = "arn:aws:iam::111122223333:policy/eks-describe-prod";
pub(super) const NINA: &str = "arn:aws:iam::111122223333:user/nina";

/// The deployers' example in a folder of its own, with the user Nina in the account.
fn deployers() -> Place {
    let place = Place::new();
    place.edit("prod", |world| {
        let nina = User {
            arn: NINA.to_owned(),
            groups: Vec::new(),
            managed_policy_arns: Vec::new(),
            inline_policies: std::collections::BTreeMap::new(),
            permissions_boundary: None,
            tags: std::collections::BTreeMap::new(),
        };
        world.users.insert(NINA.to_owned());
        world.user_details.insert(NINA.to_owned(), nina);
    });
    place.write("deployers.yaml", FILE);
    std::fs::create_dir(place.path("policies")).unwrap();
    place.write("policies/describe-cluster.json", POLICY);
    place
}

pub(super) fn applied() -> Place {
    let place = deployers();
    let ended = place.run(&["apply", "-f", "deployers.yaml", "--yes"]);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    place
}

/// A role of this name that nobody's stack made.
fn role_named(name: &str) -> Role {
    Role {
        name: name.to_owned(),
        arn: format!("arn:aws:iam::111122223333:role/{name}"),
        id: format!("AROA{name}"),
        path: "/".to_owned(),
        trust_policy: json!({"Version": "2012-10-17", "Statement": []}),
        managed_policy_arns: Vec::new(),
        inline_policies: std::collections::BTreeMap::new(),
        permissions_boundary: None,
        max_session_seconds: None,
        tags: std::collections::BTreeMap::new(),
    }
}

fn world_of(place: &Place) -> World {
    let seed = Seed {
        cluster: "prod".to_owned(),
        region: "eu-west-1".to_owned(),
        account: None,
    };
    let sandbox = Sandbox::open(&place.path(".eksact-sandbox.json"), &seed).unwrap();
    sandbox.world().unwrap()
}

fn document_of<'world>(world: &'world mut World, arn: &str) -> &'world mut ManagedPolicy {
    world.managed_policies.get_mut(arn).unwrap()
}

#[test]
fn roles_and_policies_from_one_file() {
    let mut place = deployers();
    place.tell(&["plan", "-f", "deployers.yaml"]);
    place.tell(&["apply", "-f", "deployers.yaml", "--yes"]);
    place.tell(&["plan", "-f", "deployers.yaml"]);
    place.write(
        "policies/describe-cluster.json",
        &POLICY.replace("eks:DescribeCluster", "eks:Describe*"),
    );
    place.tell(&["plan", "-f", "deployers.yaml"]);
    assert_story!("roles-and-policies", place.story());
}

/// What stacks of eksact's made is exported as `roles` and `policies`, and a plan over the file is empty.
#[test]
fn roles_and_policies_are_exported() {
    let mut place = applied();
    place.tell(&["export", "--cluster", "prod", "--region", "eu-west-1"]);
    let into = place.run(&[
        "export",
        "--cluster",
        "prod",
        "--region",
        "eu-west-1",
        "-o",
        "exported.yaml",
    ]);
    assert_eq!(into.code, 0, "{}", into.stderr);
    place.tell(&["plan", "-f", "exported.yaml", "--detailed-exitcode"]);
    assert_story!("roles-and-policies-exported", place.story());
}

#[test]
fn role_or_policy_that_a_hand_changed_is_repaired_and_a_sixth_version_makes_room() {
    let mut place = applied();
    place.edit("prod", |world| {
        let wider = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]});
        let policy = document_of(world, DESCRIBE);
        policy.document.clone_from(&wider);
        policy.versions = (1..=5)
            .map(|number| PolicyVersion {
                id: format!("v{number}"),
                is_default: number == 5,
                created: None,
            })
            .collect();
        world.policy_documents.insert(DESCRIBE.to_owned(), wider);
        let role = world.roles.get_mut("eks-deployer").unwrap();
        role.max_session_seconds = Some(43_200);
        role.trust_policy["Statement"][0]["Principal"]["AWS"] = json!([NINA, "arn:aws:iam::111122223333:user/eve"]);
    });
    place.tell(&["plan", "-f", "deployers.yaml"]);
    place.tell(&["apply", "-f", "deployers.yaml", "--yes"]);
    place.tell(&["plan", "-f", "deployers.yaml", "--quiet"]);
    assert_story!("roles-and-policies-drift", place.story());
    let world = world_of(&place);
    let policy = &world.managed_policies[DESCRIBE];
    let kept: Vec<&str> = policy
        .versions
        .iter()
        .map(|version| version.id.as_str())
        .collect();
    assert_eq!(kept, ["v2", "v3", "v4", "v5", "v6"]);
    assert_eq!(policy.default_version(), Some("v6"));
}

#[test]
fn role_or_policy_that_the_file_no_longer_has_goes_and_what_is_in_use_stays() {
    let mut place = applied();
    let without = FILE
        .replace("    policies:\n      - policy:eks-describe-prod\n    maxSession", "    maxSession")
        .replace(
            "  - name: eks-describe-prod\n    description: What a kubeconfig is written from\n    file: policies/describe-cluster.json # from the folder of this file\n",
            "",
        );
    let pipeline = without.find("  # A pipeline").unwrap()..without.find("identityMappings:").unwrap();
    let mapping =
        "  - arn: role:eks-release\n    username: release:{{SessionName}}\n    groups:\n      - deployers\n";
    let mut less = without.clone();
    less.replace_range(pipeline, "");
    place.write("less.yaml", &less.replace(mapping, ""));
    place.tell(&["plan", "-f", "less.yaml"]);
    place.edit("prod", |world| {
        let nina = world.user_details.get_mut(NINA).unwrap();
        nina.managed_policy_arns.push(DESCRIBE.to_owned());
    });
    place.tell(&["plan", "-f", "less.yaml", "--prune"]);
    place.edit("prod", |world| {
        world
            .user_details
            .get_mut(NINA)
            .unwrap()
            .managed_policy_arns
            .clear();
    });
    place.tell(&["apply", "-f", "less.yaml", "--prune", "--yes"]);
    place.tell(&["plan", "-f", "less.yaml", "--prune", "--quiet"]);
    assert_story!("roles-and-policies-pruned", place.story());
    let world = world_of(&place);
    assert!(!world.roles.contains_key("eks-release") && world.roles.contains_key("eks-deployer"));
    assert!(!world.managed_policies.contains_key(DESCRIBE));
}

#[test]
fn roles_and_policies_of_others_are_refused_and_so_is_trust_in_nobody() {
    let mut place = deployers();
    place.edit("prod", |world| {
        world.any_principal = false;
        world.policies.insert(DESCRIBE.to_owned());
        let role = role_named("eks-deployer");
        world.roles.insert(role.name.clone(), role);
    });
    place.write(
        "deployers.yaml",
        &FILE.replace("      oidc:\n", "      roles: [builder]\n      oidc:\n"),
    );
    place.tell(&["plan", "-f", "deployers.yaml"]);
    assert_story!("roles-and-policies-of-others", place.story());
}

#[test]
fn role_gets_no_policy_that_is_somebody_elses() {
    let place = deployers();
    place.edit("prod", |world| {
        for name in ["orders-read", "eks-describe-prod"] {
            world
                .policies
                .insert(format!("arn:aws:iam::111122223333:policy/{name}"));
        }
    });
    let ended = place.run(&["plan", "-f", "deployers.yaml"]);
    for role in [
        "iam-role/app/orders",
        "assumable-role/eks-deployer",
        "assumable-role/eks-release",
    ] {
        let refused = format!("error[policy-not-ours]: {role}:");
        assert!(ended.stdout.contains(&refused), "{role}: {}", ended.stdout);
        let made = format!("{role} will be created");
        assert!(!ended.stdout.contains(&made), "{role}: {}", ended.stdout);
    }
}

#[test]
fn command_about_one_object_gives_no_role_a_policy_of_somebody_else() {
    let create = ["create", "iamserviceaccount", "-f", "deployers.yaml", "--approve"];
    let with_provider = || {
        let place = deployers();
        let of = ["--cluster", "prod", "--region", "eu-west-1", "--approve"];
        let made = place.run(&[&["utils", "associate-iam-oidc-provider"][..], &of].concat());
        assert_eq!(made.code, 0, "{}", made.stderr);
        place
    };
    let place = with_provider();
    place.edit("prod", |world| {
        world
            .policies
            .insert("arn:aws:iam::111122223333:policy/orders-read".to_owned());
    });
    let refused = place.run(&create);
    assert!(
        refused
            .stdout
            .contains("error[policy-not-ours]: iam-role/app/orders:"),
        "{}{}",
        refused.stdout,
        refused.stderr
    );
    let has_it = |place: &Place| {
        let world = world_of(place);
        let mut arns = world.roles.values().flat_map(|role| &role.managed_policy_arns);
        arns.any(|arn| arn == "arn:aws:iam::111122223333:policy/orders-read")
    };
    assert!(!has_it(&place));

    let place = with_provider();
    let policy = [
        "apply",
        "-f",
        "deployers.yaml",
        "--target",
        "managed-policy/orders-read",
        "--yes",
    ];
    assert_eq!(place.run(&policy).code, 0);
    let made = place.run(&create);
    assert_eq!(made.code, 0, "{}{}", made.stdout, made.stderr);
    assert!(has_it(&place));
}

#[test]
fn policy_file_is_a_regular_one_beside_the_file() {
    let place = deployers();
    for (path, expected) in [
        ("policies", "policies is not a regular file"),
        (
            "policies/describe.json",
            "there is no file policies/describe.json: paths begin in the folder of the file that names them",
        ),
        (
            "/etc/passwd",
            "write its path from the folder of the file that names it",
        ),
    ] {
        place.write(
            "other.yaml",
            &FILE.replace("policies/describe-cluster.json", path),
        );
        let ended = place.run(&["plan", "-f", "other.yaml"]);
        let said: Vec<&str> = ended.stderr.split_whitespace().collect();
        assert!(said.join(" ").contains(expected), "{path}: {}", ended.stderr);
        assert_ne!(ended.code, 0, "{path}");
    }
}

#[test]
fn role_that_is_still_named_by_its_arn_is_not_pruned() {
    let place = applied();
    let role = FILE.find("  # A pipeline").unwrap()..FILE.find("identityMappings:").unwrap();
    let mut less = FILE.to_owned();
    less.replace_range(role, "");
    let by_arn = less.replace(
        "arn: role:eks-release",
        "arn: arn:aws:iam::111122223333:role/eks-release",
    );
    place.write("less.yaml", &by_arn);
    let ended = place.run(&["apply", "-f", "less.yaml", "--prune", "--yes"]);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    assert!(world_of(&place).roles.contains_key("eks-release"));
}

#[test]
fn name_in_other_case_prunes_nothing() {
    let place = applied();
    let respelled = FILE
        .replace("eks-release", "EKS-Release")
        .replace("orders-read", "Orders-Read");
    place.write("respelled.yaml", &respelled);
    let ended = place.run(&["plan", "-f", "respelled.yaml", "--prune"]);
    for gone in [
        "assumable-role/eks-release will be deleted",
        "managed-policy/orders-read will be deleted",
    ] {
        assert!(!ended.stdout.contains(gone), "{}", ended.stdout);
    }
}

/// An entry by the name of a role waits for the role, and finds it although EKS sees it only after a while. Somebody else's role of
/// that name is let in neither by an entry nor by a mapping.
#[test]
fn entry_by_the_name_of_a_role_waits_for_it() {
    let place = deployers();
    place.edit("prod", |world| world.eks_lag_milliseconds = 1_500);
    let entries = "accessConfig:\n  accessEntries:\n    - principalARN: role:eks-deployer\n      kubernetesGroups: [deployers]\n";
    let file = FILE
        .replace("iam:\n  withOIDC", &format!("{entries}iam:\n  withOIDC"))
        .replace(
            "  - name: eks-deployer\n",
            "  - name: eks-deployer\n    path: /people/\n",
        );
    place.write("deployers.yaml", &file);
    let ended = place.run(&["apply", "-f", "deployers.yaml", "--yes"]);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    let again = place.run(&["plan", "-f", "deployers.yaml"]);
    assert!(again.stdout.starts_with("No changes."), "{}", again.stdout);
    let world = world_of(&place);
    let entries = &world.clusters.values().next().unwrap().eks.access_entries;
    let arn = "arn:aws:iam::111122223333:role/people/eks-deployer";
    assert_eq!(entries[arn].groups, ["deployers"]);

    let other = deployers();
    other.write("deployers.yaml", &file);
    other.edit("prod", |world| {
        let role = role_named("eks-deployer");
        world.roles.insert(role.name.clone(), role);
    });
    let plan = other.run(&["plan", "-f", "deployers.yaml", "-o", "json"]);
    let plan: Value = serde_json::from_str(&plan.stdout).unwrap();
    let changed: Vec<&str> = plan["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| change["address"].as_str().unwrap())
        .collect();
    assert!(
        !changed
            .iter()
            .any(|address| address.contains("eks-deployer") || address.starts_with("access-entry/")),
        "{changed:?}"
    );
}
