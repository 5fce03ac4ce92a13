//! The contract of the ports: what planning and applying rely on. The same functions run against the sandbox and against
//! the test bed's real kube-apiserver and simulated AWS, so that the sandbox stays honest.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what went wrong by ending there"
)]

mod access;
#[allow(dead_code, reason = "shared with other test binaries, which use other parts")]
#[path = "../support/bed.rs"]
mod bed;
mod kubernetes;
mod provider;
mod roles;
mod stacks;
mod world;

use std::{num::NonZeroUsize, sync::Arc};

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use eksact_cloud::aws::{AwsClient, AwsSettings, IssuerClient};
use eksact_cloud::kubernetes::{Connection, KubernetesClient};
use eksact_core::ports::aws::AccessEntry;
use eksact_core::ports::{Readers, Writers};
use eksact_simulator::{Sandbox, Seed, SystemClock, World as SandboxWorld};
use futures::future::BoxFuture;
use serde_json::json;
use tokio::runtime::Runtime;

use bed::{Bed, Ran};
use world::World;

/// Says to the test process that it is the one that runs under a bed's environment.
const UNDER_A_BED: &str = "EKSACT_CONTRACT_BED";
const CLUSTER: &str = "bench";
/// One that knows nothing but aws-auth.
const OLD_CLUSTER: &str = "old";
const REGION: &str = "us-west-2";

type Contract = fn(Arc<World>) -> BoxFuture<'static, ()>;

macro_rules! contracts {
    ($($module:ident :: $contract:ident),* $(,)?) => {
        &[$((
            stringify!($contract),
            (|world| Box::pin(async move { $module::$contract(&world).await })) as Contract,
        )),*]
    };
}

const CONTRACTS: &[(&str, Contract)] = contracts![
    provider::the_cluster_and_the_caller_are_known,
    provider::a_provider_is_made_extended_and_deleted,
    stacks::a_stack_makes_its_role,
    stacks::a_taken_role_name_rolls_back_with_its_reason,
    stacks::a_change_set_updates_and_an_empty_one_says_so,
    stacks::protection_refuses_the_deletion_until_it_is_lifted,
    stacks::a_deleted_stack_is_found_by_its_id,
    stacks::a_foreign_policy_stops_a_deletion,
    stacks::a_repeated_request_is_one_request,
    roles::a_role_is_repaired_piece_by_piece,
    roles::roles_in_bulk_are_the_roles_one_by_one,
    roles::what_does_not_exist_is_not_found,
    kubernetes::a_namespace_is_made_once,
    kubernetes::a_service_account_is_made_once,
    kubernetes::an_apply_needs_the_version_that_was_read,
    kubernetes::an_apply_does_not_make_what_is_gone,
    kubernetes::single_keys_are_removed,
    kubernetes::only_the_object_that_was_read_is_deleted,
    kubernetes::the_api_signs_for_the_issuer_of_the_cluster,
    kubernetes::access_reviews_tell_who_may,
    access::a_config_map_is_made_once_and_byte_for_byte,
    access::a_patch_changes_single_keys_of_the_version_that_was_read,
    access::a_config_map_has_a_largest_size,
    access::only_the_config_map_that_was_read_is_deleted,
    access::roles_are_made_once_and_changed_at_a_version,
    access::bindings_are_made_once_and_their_subjects_changed,
    access::the_server_says_who_the_caller_is,
    access::who_may_only_read_is_told_which_permission_lacks,
    access::access_entries_are_read_whole,
    access::roles_are_listed_by_path,
];

/// Runs every contract and names those that are broken.
fn run(world: World) {
    let runtime = Runtime::new().unwrap();
    let world = Arc::new(world);
    let mut broken = Vec::new();
    for (name, contract) in CONTRACTS {
        // A task of its own keeps the panic of one from hiding the others.
        if let Err(failure) = runtime.block_on(async { tokio::spawn(contract(Arc::clone(&world))).await }) {
            broken.push(format!("{name}: {failure}"));
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn the_sandbox_keeps_the_contract() {
    let seed = Seed {
        cluster: CLUSTER.to_owned(),
        region: REGION.to_owned(),
        account: None,
    };
    let mut world = SandboxWorld::seeded(&seed);
    world.add_cluster(OLD_CLUSTER, REGION);
    let account = world.account.clone();
    for cluster in world.clusters.values_mut() {
        if cluster.cluster.name == OLD_CLUSTER {
            cluster.cluster.authentication_mode = Some("CONFIG_MAP".to_owned());
        }
        let entries = access::entries(&account).into_iter();
        cluster
            .access_entries
            .extend(entries.map(|entry| (entry.principal_arn.clone(), entry)));
    }
    let sandbox = Sandbox::in_memory(world, Arc::new(SystemClock));
    let restricted = Sandbox::in_memory(SandboxWorld::seeded(&seed), Arc::new(SystemClock));
    restricted
        .edit(|world| {
            let cluster = world.clusters.values_mut().next().unwrap();
            for verb in ["create", "patch", "delete"] {
                cluster.denied.insert(format!("{verb} serviceaccounts"));
                cluster.denied.insert(format!("{verb} namespaces"));
                cluster.denied.insert(format!("{verb} configmaps"));
                cluster.denied.insert(format!("{verb} clusterroles"));
            }
        })
        .unwrap();
    run(World {
        readers: sandbox.readers(),
        writers: sandbox.writers(),
        reading_only: restricted.readers().kubernetes,
        reading_only_writer: restricted.writers().kubernetes,
    });
}

/// The clients take proxy, authority and keys from the environment, which only a process of its own can have: this test
/// starts a bed, and itself again under it.
#[test]
fn the_real_endpoints_keep_the_contract() {
    if std::env::var_os(UNDER_A_BED).is_some() {
        run_on_the_bed();
        return;
    }
    let bed = Bed::start();
    let old = json!({"accessConfig": {"authenticationMode": "CONFIG_MAP"}});
    bed.control("POST", &format!("eks/{OLD_CLUSTER}"), &old);
    for entry in access::entries(bed.fact("account")) {
        make_access_entry(&bed, &entry);
    }
    let mut again = std::process::Command::new(std::env::current_exe().unwrap());
    let planner = &bed.facts["people"]["planner"];
    again
        .env_clear()
        .envs(bed.environment())
        .env("HOME", bed.home.path())
        .env(UNDER_A_BED, "1")
        .env("PLANNER_KEY", planner["access_key_id"].as_str().unwrap())
        .env("PLANNER_SECRET", planner["secret_access_key"].as_str().unwrap())
        .args(["--exact", "the_real_endpoints_keep_the_contract", "--nocapture"]);
    let ran = Ran::from(again.output().unwrap());
    assert_eq!(ran.code, Some(0), "{ran}");
}

/// What no port of eksact's does yet.
fn make_access_entry(bed: &Bed, entry: &AccessEntry) {
    let made = json!({
        "clusterName": CLUSTER, "principalArn": entry.principal_arn, "username": entry.username,
        "kubernetesGroups": entry.groups, "type": entry.entry_type,
    });
    bed.aws("eks", "create_access_entry", &made).unwrap();
    for policy in &entry.policies {
        let scope = match &policy.namespaces {
            Some(namespaces) => json!({"type": "namespace", "namespaces": namespaces}),
            None => json!({"type": "cluster"}),
        };
        let associated = json!({
            "clusterName": CLUSTER, "principalArn": entry.principal_arn, "policyArn": policy.arn, "accessScope": scope,
        });
        bed.aws("eks", "associate_access_policy", &associated).unwrap();
    }
}

fn run_on_the_bed() {
    let runtime = Runtime::new().unwrap();
    let settings = AwsSettings {
        region: Some(REGION.to_owned()),
        profile: None,
        max_calls_in_flight: NonZeroUsize::new(8).unwrap(),
        ..AwsSettings::default()
    };
    let connected = runtime.block_on(AwsClient::connect(&settings)).unwrap();
    let aws = Arc::new(connected.client);
    let api = |credentials| {
        let region = REGION.to_owned();
        let connection = Connection::Endpoint {
            aws: aws.clone(),
            credentials,
            region,
        };
        Arc::new(KubernetesClient::new(CLUSTER.to_owned(), connection))
    };
    let kubernetes = api(aws.credentials());
    let secret = |name| std::env::var(name).unwrap();
    let planner = Credentials::new(
        secret("PLANNER_KEY"),
        secret("PLANNER_SECRET"),
        None,
        None,
        "the bed",
    );
    let planner = api(SharedCredentialsProvider::new(planner));
    let world = World {
        readers: Readers {
            aws: aws.clone(),
            kubernetes: kubernetes.clone(),
            issuer: Arc::new(IssuerClient::from_environment(&connected.trust_roots)),
        },
        writers: Writers {
            aws: aws.clone(),
            kubernetes,
        },
        reading_only: planner.clone(),
        reading_only_writer: planner,
    };
    run(world);
}
