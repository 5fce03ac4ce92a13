//! The real endpoints keep the contract of the ports: one bed for all contracts, one contract at a time, each in a process
//! of its own, because the clients take proxy, authority and keys from the environment.

use std::{
    num::NonZeroUsize,
    process::Command,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use eksact_cloud::aws::{AwsClient, AwsSettings, IssuerClient};
use eksact_cloud::kubernetes::{Connection, KubernetesClient};
use eksact_core::ports::aws::AccessEntry;
use eksact_core::ports::{Readers, Writers};
use serde_json::json;
use tokio::runtime::Runtime;

use crate::contract::{
    AWS_AUTH_CLUSTER, CLUSTER, Contract, OLD_CLUSTER, REGION, access::entries, world::World,
};
use crate::support::bed::{Bed, Ran};

contract_tests! { keeps }

/// Says to the test process that it is the one that runs under the bed's environment.
const UNDER_A_BED: &str = "EKSACT_CONTRACT_BED";

static BED: LazyLock<Mutex<Bed>> = LazyLock::new(|| Mutex::new(started()));

fn keeps(test: &str, contract: Contract) {
    if std::env::var_os(UNDER_A_BED).is_some() {
        let runtime = Runtime::new().unwrap();
        let world = Arc::new(runtime.block_on(world()));
        runtime.block_on(contract(world));
        return;
    }
    let (_, test) = test.split_once("::").unwrap();
    let ran = again_under(&BED.lock().unwrap_or_else(PoisonError::into_inner), test);
    assert_eq!(ran.code, Some(0), "{ran}");
}

/// A bed with what the contracts expect to find.
fn started() -> Bed {
    let bed = Bed::start();
    let old = json!({"accessConfig": {"authenticationMode": "CONFIG_MAP"}});
    for cluster in [OLD_CLUSTER, AWS_AUTH_CLUSTER] {
        bed.control("POST", &format!("eks/{cluster}"), &old);
    }
    for entry in entries(bed.fact("account")) {
        make_principal(&bed, &entry.principal_arn);
        make_access_entry(&bed, &entry);
    }
    bed
}

/// Runs this test again in a process with the bed's environment.
fn again_under(bed: &Bed, test: &str) -> Ran {
    let planner = &bed.facts["people"]["planner"];
    let mut again = Command::new(std::env::current_exe().unwrap());
    again
        .env_clear()
        .envs(bed.environment())
        .env("HOME", bed.home.path())
        .env(UNDER_A_BED, "1")
        .env("PLANNER_KEY", planner["access_key_id"].as_str().unwrap())
        .env("PLANNER_SECRET", planner["secret_access_key"].as_str().unwrap())
        .args(["--exact", test, "--nocapture"]);
    Ran::from(again.output().unwrap())
}

/// The role or user of an ARN: EKS takes no entry of one that is not there.
fn make_principal(bed: &Bed, arn: &str) {
    let (_, resource) = arn.rsplit_once(':').unwrap();
    let (kind, path_and_name) = resource.split_once('/').unwrap();
    let (path, name) = match path_and_name.rsplit_once('/') {
        Some((path, name)) => (format!("/{path}/"), name),
        None => ("/".to_owned(), path_and_name),
    };
    let made = if kind == "role" {
        let trust = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"
        }]});
        let role = json!({"RoleName": name, "Path": path, "AssumeRolePolicyDocument": trust.to_string()});
        bed.aws("iam", "create_role", &role)
    } else {
        bed.aws("iam", "create_user", &json!({"UserName": name, "Path": path}))
    };
    made.unwrap();
}

/// What no port of eksact's does yet.
fn make_access_entry(bed: &Bed, entry: &AccessEntry) {
    let mut made =
        json!({"clusterName": CLUSTER, "principalArn": entry.principal_arn, "type": entry.entry_type});
    // EKS names nodes itself, and refuses who does.
    if entry.entry_type == "STANDARD" {
        made["username"] = json!(entry.username);
        made["kubernetesGroups"] = json!(entry.groups);
    }
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

/// The ports as the environment has them.
async fn world() -> World {
    let settings = AwsSettings {
        region: Some(REGION.to_owned()),
        profile: None,
        max_calls_in_flight: NonZeroUsize::new(8).unwrap(),
        ..AwsSettings::default()
    };
    let connected = AwsClient::connect(&settings).await.unwrap();
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
    World {
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
    }
}
