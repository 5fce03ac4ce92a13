//! The commands of other tools that remedies name, done to the simulated account and cluster: what the AWS CLI and kubectl
//! would do with these very arguments, and nothing that they would not.

use eksact_core::ports::{
    aws::{AccessEntry, AccessPolicy},
    kubernetes::{Namespace, Pod, RbacBinding, Subject},
};
use eksact_simulator::{SimulatedCluster, World};

use std::{fmt::Write as _, path::PathBuf};

use super::kubectl_config as kubeconfig;
use crate::commands::place::{Ended, Place};

/// The value behind a flag, in either way of writing it.
fn flag<'a>(arguments: &'a [String], name: &str) -> Option<&'a str> {
    arguments.iter().enumerate().find_map(|(index, argument)| {
        let rest = argument.strip_prefix(name)?;
        match rest.strip_prefix('=') {
            Some(value) => Some(value),
            None if rest.is_empty() => arguments.get(index + 1).map(String::as_str),
            None => None,
        }
    })
}

/// Runs `aws …` or `kubectl …` on the sandbox of this place.
pub(super) fn run(
    place: &Place,
    program: &str,
    arguments: &[String],
    piped: &str,
    files: &[PathBuf],
) -> Ended {
    if let ("kubectl", [first, rest @ ..]) = (program, arguments)
        && first == "config"
    {
        return kubeconfig::run(files, rest);
    }
    let mut done = Err(format!("not simulated: {program} {}", arguments.join(" ")));
    place.edit("quickstart", |world| {
        done = match program {
            "aws" => aws(world, arguments),
            _ => kubectl(world, arguments, piped),
        };
    });
    match done {
        Ok(stdout) => Ended {
            code: 0,
            stdout,
            stderr: String::new(),
        },
        Err(stderr) => Ended {
            code: 254,
            stdout: String::new(),
            stderr,
        },
    }
}

fn aws(world: &mut World, arguments: &[String]) -> Result<String, String> {
    let need = |name: &str| flag(arguments, name).ok_or_else(|| format!("aws: {name} is required"));
    let [service, action, ..] = arguments else {
        return Err("aws: what?".to_owned());
    };
    let words = (service.as_str(), action.as_str());
    match words {
        ("eks", "wait") => Ok(String::new()),
        ("eks", "list-clusters") => Ok(world.clusters.keys().cloned().collect()),
        ("eks", "describe-cluster" | "list-access-entries" | "list-pod-identity-associations") => {
            Ok(String::new())
        }
        ("eks", _) => {
            let name = need("--cluster-name").or_else(|_| need("--name"))?;
            let region = flag(arguments, "--region").unwrap_or(&world.region).to_owned();
            let arn = world.cluster_arn(name, &region);
            let known: Vec<String> = world.roles.values().map(|role| role.arn.clone()).collect();
            let Some(cluster) = world.clusters.get_mut(&arn) else {
                return Err(format!(
                    "ResourceNotFoundException: No cluster found for name: {name}."
                ));
            };
            eks(cluster, &known, action, arguments)
        }
        ("iam", "list-open-id-connect-providers") => Ok(world.oidc_providers.keys().cloned().collect()),
        ("iam", "get-role") => {
            let role = world.roles.get(need("--role-name")?).ok_or("NoSuchEntity")?;
            match (flag(arguments, "--query"), flag(arguments, "--output")) {
                (Some("Role.Arn"), Some("text")) => Ok(role.arn.clone()),
                (None, _) => Ok(serde_json::json!({"Role": {
                    "Arn": role.arn,
                    "AssumeRolePolicyDocument": role.trust_policy,
                    "RoleName": role.name,
                }})
                .to_string()),
                _ => Err("aws: only Role.Arn as text is simulated".to_owned()),
            }
        }
        ("iam", "update-assume-role-policy") => {
            let document: serde_json::Value =
                serde_json::from_str(need("--policy-document")?).map_err(|e| e.to_string())?;
            if document.to_string().len() > world.quotas.trust_policy_bytes {
                return Err("LimitExceeded: Cannot exceed quota for ACLSizePerRole".to_owned());
            }
            let role = world.roles.get_mut(need("--role-name")?).ok_or("NoSuchEntity")?;
            role.trust_policy = document;
            Ok(String::new())
        }
        // AWS grants it at once here.
        ("service-quotas", "request-service-quota-increase") => {
            let is_asked = [
                ("--region", "us-east-1"),
                ("--service-code", "iam"),
                ("--quota-code", "L-C07B4B0D"),
            ];
            if is_asked
                .iter()
                .any(|(name, value)| flag(arguments, name) != Some(value))
            {
                return Err("NoSuchResourceException".to_owned());
            }
            let wanted: usize = need("--desired-value")?.parse().map_err(|_| "aws: a number")?;
            if wanted <= world.quotas.trust_policy_bytes || wanted > 8_192 {
                return Err("IllegalArgumentException: another value".to_owned());
            }
            world.quotas.trust_policy_bytes = wanted;
            Ok(String::new())
        }
        ("iam", "add-client-id-to-open-id-connect-provider") => {
            let arn = need("--open-id-connect-provider-arn")?;
            let provider = world.oidc_providers.get_mut(arn).ok_or("NoSuchEntity")?;
            provider.audiences.push(need("--client-id")?.to_owned());
            Ok(String::new())
        }
        ("cloudformation", action) => {
            let name = need("--stack-name")?;
            let wanted = match action {
                "continue-update-rollback" => "UPDATE_ROLLBACK_FAILED",
                "rollback-stack" => "UPDATE_FAILED",
                "delete-stack" | "update-termination-protection" => "",
                _ => return Err(format!("not simulated: aws cloudformation {action}")),
            };
            let record = world
                .stacks
                .values_mut()
                .find(|record| record.stack.name == name && record.stack.status != "DELETE_COMPLETE")
                .ok_or("ValidationError: no such stack")?;
            if action == "update-termination-protection" {
                let is_lifted = arguments
                    .iter()
                    .any(|word| word == "--no-enable-termination-protection");
                record.stack.termination_protection = !is_lifted;
                return Ok(String::new());
            }
            if action == "delete-stack" && record.stack.termination_protection {
                return Err(format!(
                    "ValidationError: Stack [{name}] cannot be deleted while TerminationProtection is enabled"
                ));
            }
            if !wanted.is_empty() && record.stack.status != wanted {
                return Err(format!(
                    "ValidationError: the stack is in {}",
                    record.stack.status
                ));
            }
            record.stack.status = if wanted.is_empty() {
                "DELETE_COMPLETE"
            } else {
                "UPDATE_ROLLBACK_COMPLETE"
            }
            .to_owned();
            Ok(String::new())
        }
        _ => Err(format!("not simulated: aws {}", arguments.join(" "))),
    }
}

fn eks(
    cluster: &mut SimulatedCluster,
    roles: &[String],
    action: &str,
    arguments: &[String],
) -> Result<String, String> {
    let need = |name: &str| flag(arguments, name).ok_or_else(|| format!("aws: {name} is required"));
    let mode = cluster.cluster.authentication_mode.clone().unwrap_or_default();
    if action == "update-cluster-config" {
        let wanted = need("--access-config")?
            .strip_prefix("authenticationMode=")
            .ok_or("aws: only the authentication mode is simulated")?;
        cluster.cluster.authentication_mode = Some(wanted.to_owned());
        return Ok(String::new());
    }
    if mode == "CONFIG_MAP" {
        return Err("InvalidRequestException: the cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP]".to_owned());
    }
    let principal = need("--principal-arn")?.to_owned();
    let is_arn =
        principal.starts_with("arn:") && (principal.contains(":role/") || principal.contains(":user/"));
    // EKS looks the principal up in IAM: a role's ARN without its path is of no role.
    let name = principal.rsplit('/').next().unwrap_or_default();
    let other_path = roles
        .iter()
        .any(|role| role.ends_with(&format!("/{name}")) && *role != principal);
    if !is_arn || other_path {
        return Err(format!(
            "InvalidParameterException: The specified principalArn is invalid: {principal}"
        ));
    }
    match action {
        "create-access-entry" => {
            if cluster.eks.access_entries.contains_key(&principal) {
                return Err("ResourceInUseException: The specified access entry resource is already in use on this cluster.".to_owned());
            }
            let entry = AccessEntry {
                username: flag(arguments, "--username").unwrap_or(&principal).to_owned(),
                groups: flag(arguments, "--kubernetes-groups")
                    .map(|group| vec![group.to_owned()])
                    .unwrap_or_default(),
                entry_type: flag(arguments, "--type").unwrap_or("STANDARD").to_owned(),
                principal_arn: principal.clone(),
                ..AccessEntry::default()
            };
            cluster.eks.access_entries.insert(principal, entry);
        }
        "update-access-entry" => {
            let entry = cluster
                .eks
                .access_entries
                .get_mut(&principal)
                .ok_or("ResourceNotFoundException")?;
            if let Some(username) = flag(arguments, "--username") {
                username.clone_into(&mut entry.username);
            }
            if let Some(at) = arguments.iter().position(|word| word == "--kubernetes-groups") {
                let groups = arguments[at + 1..]
                    .iter()
                    .take_while(|word| !word.starts_with("--"));
                entry.groups = groups.filter(|group| *group != "[]").cloned().collect();
            }
        }
        "delete-access-entry" => {
            cluster
                .eks
                .access_entries
                .remove(&principal)
                .ok_or("ResourceNotFoundException")?;
        }
        "associate-access-policy" => {
            let policy = AccessPolicy {
                arn: need("--policy-arn")?.to_owned(),
                namespaces: match need("--access-scope")? {
                    "type=cluster" => None,
                    other => return Err(format!("not simulated: --access-scope {other}")),
                },
            };
            let entry = cluster.eks.access_entries.get_mut(&principal).ok_or(
                "ResourceNotFoundException: The specified principalArn could not be found. You can create an access entry first",
            )?;
            entry.policies.retain(|known| known.arn != policy.arn);
            entry.policies.push(policy);
        }
        _ => return Err(format!("not simulated: aws eks {action}")),
    }
    Ok(String::new())
}

fn kubectl(world: &mut World, arguments: &[String], piped: &str) -> Result<String, String> {
    let cluster = world.clusters.values_mut().next().ok_or("kubectl: no cluster")?;
    let namespace = flag(arguments, "--namespace")
        .or_else(|| flag(arguments, "-n"))
        .unwrap_or("default")
        .to_owned();
    let mut words = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "-n" | "--namespace" | "-o" => {
                rest.next();
            }
            flag if flag.starts_with('-') && flag != "-" => {}
            text => words.push(text),
        }
    }
    match words.as_slice() {
        ["create", "namespace", name] => {
            let namespace = Namespace {
                name: (*name).to_owned(),
                terminating: false,
            };
            cluster.namespaces.insert((*name).to_owned(), namespace);
            Ok(String::new())
        }
        ["create", binding @ ("clusterrolebinding" | "rolebinding"), name] => {
            let subject = ["Group", "User"]
                .into_iter()
                .find_map(|kind| Some((kind, flag(arguments, &format!("--{}", kind.to_lowercase()))?)));
            let (Some(role), Some((kind, subject))) = (flag(arguments, "--clusterrole"), subject) else {
                return Err("kubectl: --clusterrole and --group or --user".to_owned());
            };
            let place = (*binding == "rolebinding").then(|| namespace.clone());
            let binding = RbacBinding {
                name: (*name).to_owned(),
                namespace: place.clone(),
                role_kind: "ClusterRole".to_owned(),
                role_name: role.to_owned(),
                subjects: vec![Subject {
                    kind: kind.to_owned(),
                    name: subject.to_owned(),
                    namespace: None,
                }],
                ..RbacBinding::default()
            };
            let place = place.unwrap_or_default();
            cluster.rbac_bindings.insert(format!("{place}/{name}"), binding);
            Ok(String::new())
        }
        ["get", "clusterroles"] => {
            let names: Vec<&str> = cluster
                .rbac_roles
                .values()
                .map(|role| role.name.as_str())
                .collect();
            Ok(names.join("\n") + "\n")
        }
        ["get", "configmap", name] => {
            let found = cluster
                .config_maps
                .get(&format!("{namespace}/{name}"))
                .ok_or("kubectl: not found")?;
            let mut text = format!(
                "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n  namespace: {namespace}\n"
            );
            if found.immutable {
                text.push_str("immutable: true\n");
            }
            text.push_str("data:\n");
            for (key, value) in &found.data {
                writeln!(text, "  {key}: |").unwrap();
                text.extend(value.lines().map(|line| format!("    {line}\n")));
            }
            Ok(text)
        }
        [
            "delete",
            kind @ ("clusterrolebinding" | "rolebinding" | "clusterrole" | "role"),
            name,
        ] => {
            let key = |own: &Option<String>| {
                own.as_deref()
                    == arguments
                        .iter()
                        .any(|word| word == "--namespace")
                        .then_some(namespace.as_str())
            };
            if kind.ends_with("binding") {
                cluster
                    .rbac_bindings
                    .retain(|_, own| own.name != *name || !key(&own.namespace));
            } else {
                cluster
                    .rbac_roles
                    .retain(|_, own| own.name != *name || !key(&own.namespace));
            }
            Ok(String::new())
        }
        ["replace", "-"] if arguments.iter().any(|word| word == "--force") => {
            let found = cluster
                .config_maps
                .get_mut("kube-system/aws-auth")
                .ok_or("kubectl: not found")?;
            found.immutable = piped.contains("\nimmutable: true\n");
            Ok(String::new())
        }
        ["delete", "configmap", name] => {
            let gone = cluster.config_maps.remove(&format!("{namespace}/{name}"));
            gone.map(|_| String::new())
                .ok_or_else(|| "kubectl: not found".to_owned())
        }
        ["annotate", "serviceaccount", name, changes @ ..] => {
            let account = cluster
                .service_accounts
                .get_mut(&format!("{namespace}/{name}"))
                .ok_or("kubectl: no such service account")?;
            for change in changes {
                match (change.split_once('='), change.strip_suffix('-')) {
                    (Some((key, value)), _) => {
                        let is_new = !account.annotations.contains_key(key);
                        if !is_new && !arguments.iter().any(|argument| argument == "--overwrite") {
                            return Err(format!(
                                "kubectl: --overwrite is false but found the annotation {key}"
                            ));
                        }
                        account.annotations.insert(key.to_owned(), value.to_owned());
                    }
                    (None, Some(key)) => {
                        account.annotations.remove(key);
                    }
                    (None, None) => return Err(format!("kubectl: {change}?")),
                }
            }
            Ok(String::new())
        }
        ["rollout", "restart", controllers @ ..] => {
            for controller in controllers {
                let kind = controller.split('/').next().unwrap_or_default();
                if !["deployment", "daemonset", "statefulset"].contains(&kind) {
                    return Err(format!("error: {controller} restarting is not supported"));
                }
                restart(cluster, &namespace, |pod| {
                    pod.controller.as_deref() == Some(*controller)
                })?;
            }
            Ok(String::new())
        }
        ["delete", "pod", names @ ..] => {
            for name in names {
                restart(cluster, &namespace, |pod| pod.name == *name)?;
            }
            Ok(String::new())
        }
        _ => Err(format!("not simulated: kubectl {}", arguments.join(" "))),
    }
}

/// The pods are deleted, and their controllers make new ones, into which the webhook puts what the service account says.
fn restart(
    cluster: &mut SimulatedCluster,
    namespace: &str,
    is_it: impl Fn(&Pod) -> bool,
) -> Result<(), String> {
    let mut is_there = false;
    let accounts = &cluster.service_accounts;
    cluster.pods.retain(|_, pod| {
        if pod.namespace != namespace || !is_it(pod) {
            return true;
        }
        is_there = true;
        let account = accounts.get(&format!("{}/{}", pod.namespace, pod.service_account));
        let role = account.and_then(|account| account.annotations.get("eks.amazonaws.com/role-arn"));
        pod.role_arns.clear();
        pod.credential_variables.clear();
        if let Some(role) = role {
            let variables = ["AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"].map(str::to_owned);
            pod.role_arns.insert("app".to_owned(), role.clone());
            pod.credential_variables
                .insert("app".to_owned(), variables.into());
        }
        pod.controller.is_some()
    });
    is_there
        .then_some(())
        .ok_or_else(|| "kubectl: NotFound".to_owned())
}
