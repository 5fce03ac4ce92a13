//! The world that the real eksctl 0.231 made of `tests/fixtures/eksctl-0.231/cluster.yaml`, as a sandbox world.
//!
//! Everything comes from the recorded files; only what they leave out (uids, versions, times) is filled in.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use eksact_core::ports::aws::{OidcProvider, Role, Stack};
use eksact_core::ports::kubernetes::{FieldManager, Namespace, ServiceAccount};
use eksact_simulator::{Seed, World};
use serde_json::Value;

/// Where the recorded files are.
pub(crate) fn recorded_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/eksctl-0.231")
}

/// The recorded world: cluster `bench` in us-west-2, account 111122223333.
pub(crate) fn recorded_world() -> World {
    let seed = Seed {
        cluster: "bench".to_owned(),
        region: "us-west-2".to_owned(),
        account: None,
    };
    let mut world = World::seeded(&seed);
    let folder = recorded_folder();

    let provider = read(&folder.join("oidc-provider.json"));
    let url = text(&provider, "Url");
    let provider = OidcProvider {
        arn: text(&provider, "arn"),
        // AWS gives it without the scheme; the simulator that it was recorded on gives it with.
        url: url.trim_start_matches("https://").to_owned(),
        audiences: strings(&provider["ClientIDList"]),
        thumbprints: strings(&provider["ThumbprintList"]),
        tags: tags(&provider["Tags"]),
    };
    world.oidc_providers.insert(provider.arn.clone(), provider);

    let mut files: Vec<PathBuf> = std::fs::read_dir(folder.join("stacks"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    for file in files {
        let recorded = read(&file);
        let roles: Vec<Role> = recorded["roles"].as_array().unwrap().iter().map(role).collect();
        let id = roles[0].tags["aws:cloudformation:stack-id"].clone();
        let stack = stack(&recorded["stack"], id);
        world
            .import_stack(&stack, &recorded["template"].to_string(), roles)
            .unwrap();
    }

    let cluster = world.clusters.values_mut().next().unwrap();
    cluster.cluster.oidc_issuer = Some(url);
    let tag = (
        "alpha.eksctl.io/cluster-oidc-enabled".to_owned(),
        "true".to_owned(),
    );
    cluster.cluster.tags.extend([tag]);
    for object in read(&folder.join("service-accounts.json")).as_array().unwrap() {
        let object = service_account(&object["metadata"], cluster.revision + 1);
        cluster.revision += 1;
        let namespace = Namespace {
            name: object.namespace.clone(),
            terminating: false,
        };
        cluster.namespaces.insert(namespace.name.clone(), namespace);
        cluster
            .service_accounts
            .insert(format!("{}/{}", object.namespace, object.name), object);
    }
    world
}

fn stack(recorded: &Value, id: String) -> Stack {
    let outputs = recorded["Outputs"].as_array().into_iter().flatten();
    Stack {
        name: text(recorded, "StackName"),
        id,
        status: "CREATE_COMPLETE".to_owned(),
        status_reason: None,
        description: recorded["Description"].as_str().map(ToOwned::to_owned),
        tags: tags(&recorded["Tags"]),
        outputs: outputs
            .map(|output| (text(output, "OutputKey"), text(output, "OutputValue")))
            .collect(),
        capabilities: strings(&recorded["Capabilities"]),
        termination_protection: recorded["EnableTerminationProtection"].as_bool().unwrap(),
        created: None,
        updated: None,
        has_new_change_set: false,
    }
}

fn role(recorded: &Value) -> Role {
    let attached = recorded["attached"].as_array().unwrap();
    let inline = recorded["inline"].as_object().unwrap().clone();
    let role = &recorded["role"];
    Role {
        name: text(role, "RoleName"),
        arn: text(role, "Arn"),
        id: text(role, "RoleId"),
        path: text(role, "Path"),
        trust_policy: role["AssumeRolePolicyDocument"].clone(),
        managed_policy_arns: attached.iter().map(|policy| text(policy, "PolicyArn")).collect(),
        inline_policies: inline.into_iter().collect(),
        max_session_seconds: None,
        permissions_boundary: role["PermissionsBoundary"]["PermissionsBoundaryArn"]
            .as_str()
            .map(ToOwned::to_owned),
        tags: tags(&role["Tags"]),
    }
}

fn service_account(metadata: &Value, revision: u64) -> ServiceAccount {
    let managers = metadata["managedFields"].as_array().into_iter().flatten();
    ServiceAccount {
        namespace: text(metadata, "namespace"),
        name: text(metadata, "name"),
        uid: format!("00000000-0000-4000-8000-{revision:012}"),
        resource_version: revision.to_string(),
        labels: map(&metadata["labels"]),
        annotations: map(&metadata["annotations"]),
        field_managers: managers
            .map(|manager| FieldManager {
                manager: text(manager, "manager"),
                operation: text(manager, "operation"),
                labels: owned(&manager["fieldsV1"]["f:metadata"]["f:labels"]),
                annotations: owned(&manager["fieldsV1"]["f:metadata"]["f:annotations"]),
            })
            .collect(),
        terminating: false,
    }
}

/// The keys in a `fieldsV1` map: `f:key` for a key, `.` for the map itself.
fn owned(fields: &Value) -> BTreeSet<String> {
    let keys = fields.as_object().into_iter().flat_map(|fields| fields.keys());
    keys.filter_map(|key| key.strip_prefix("f:"))
        .map(ToOwned::to_owned)
        .collect()
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn text(value: &Value, key: &str) -> String {
    value[key]
        .as_str()
        .unwrap_or_else(|| panic!("no {key} in {value}"))
        .to_owned()
}

fn strings(value: &Value) -> Vec<String> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|member| member.as_str().unwrap().to_owned())
        .collect()
}

fn map(value: &Value) -> BTreeMap<String, String> {
    let members = value.as_object().into_iter().flatten();
    members
        .map(|(key, value)| (key.clone(), value.as_str().unwrap().to_owned()))
        .collect()
}

fn tags(value: &Value) -> BTreeMap<String, String> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .map(|tag| (text(tag, "Key"), text(tag, "Value")))
        .collect()
}
