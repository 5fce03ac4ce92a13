//! The pods of the service account: what the webhook put into them when they were made, and what of their own keeps an
//! SDK from using it.

use eksact_message::code::Code;
use std::collections::BTreeSet;

use super::{Account, Chain, Link, Pod, ROLE_ANNOTATION};
use eksact_message::remedy::Remedy;

const NAME: &str = "pods";
/// Static keys, which every SDK takes before a web identity
/// (<https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html>).
const ACCESS_KEY: &str = "AWS_ACCESS_KEY_ID";
/// What EKS Pod Identity sets.
const CONTAINER_CREDENTIALS: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const ROLE_ARN: &str = "AWS_ROLE_ARN";
const TOKEN_FILE: &str = "AWS_WEB_IDENTITY_TOKEN_FILE";

/// What is wrong with the pods, or that nothing is.
pub(super) fn check(chain: &Chain, account: &Account) -> Vec<Link> {
    let pods = match &chain.pods {
        Err(why) => return vec![chain.unread(NAME, why)],
        Ok(pods) => pods,
    };
    let Some(wanted) = account.annotations.get(ROLE_ANNOTATION) else {
        let says = "without an annotation there is nothing to compare them with";
        return vec![Link::unknown(NAME, says)];
    };
    let links: Vec<Link> = [
        with_pod_identity(chain, pods),
        with_static_keys(pods),
        without_token_file(pods),
        stale(chain, pods, wanted),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !links.is_empty() {
        return links;
    }
    let says = match pods.len() {
        0 => "none is running".to_owned(),
        1 => "1 pod has the role".to_owned(),
        count => format!("{count} pods have the role"),
    };
    vec![Link::whole(NAME, says)]
}

/// The webhook of an association leaves the annotation alone (pod identity webhook v0.6.17, `pkg/handler/handler.go`).
fn has_pod_identity(pod: &Pod) -> bool {
    let mut containers = pod.variables.values();
    pod.role_arns.is_empty() && containers.any(|names| names.contains(CONTAINER_CREDENTIALS))
}

fn with_pod_identity(chain: &Chain, pods: &[Pod]) -> Option<Link> {
    let names = names(pods.iter().filter(|pod| has_pod_identity(pod)))?;
    Some(
        Link::broken(
            NAME,
            Code::PodIdentityWins,
            format!("{names} has the role of an EKS Pod Identity association; the annotation is ignored"),
        )
        .help(remedy!(
            "`aws eks list-pod-identity-associations --region {} --cluster-name {} --namespace {} --service-account {}` names \
             it. Delete either the association or the annotation, and restart the pods.",
            chain.region, chain.cluster, chain.namespace, chain.name
        )),
    )
}

/// The containers in which `is` holds, as `pod (container)`.
fn containers(pods: &[Pod], is: impl Fn(&dyn Fn(&str) -> bool) -> bool) -> Option<String> {
    let mut found = Vec::new();
    for pod in pods {
        for (container, variables) in &pod.variables {
            if is(&|name| variables.contains(name)) {
                found.push(format!("{} (container {container})", pod.name));
            }
        }
    }
    (!found.is_empty()).then(|| found.join(", "))
}

fn with_static_keys(pods: &[Pod]) -> Option<Link> {
    let found = containers(pods, |has| has(ACCESS_KEY))?;
    Some(
        Link::broken(
            NAME,
            Code::StaticKeysWin,
            format!("{found} sets {ACCESS_KEY}, and SDKs prefer keys to a web identity"),
        )
        .help(remedy!("Take the keys out of the pod's own environment.")),
    )
}

fn without_token_file(pods: &[Pod]) -> Option<Link> {
    let found = containers(pods, |has| has(ROLE_ARN) && !has(TOKEN_FILE))?;
    Some(
        Link::broken(
            NAME,
            Code::TokenFileMissing,
            format!("{found} has {ROLE_ARN} and no {TOKEN_FILE}"),
        )
        .help(remedy!(
            "Where a pod sets one of the two itself, the webhook sets neither. Take {ROLE_ARN} out of the \
             pod's own environment."
        )),
    )
}

/// Pods that were made before the annotation was as it is: the webhook looks at it only when a pod is made.
fn stale(chain: &Chain, pods: &[Pod], wanted: &str) -> Option<Link> {
    let stale: Vec<&Pod> = pods
        .iter()
        .filter(|pod| !has_pod_identity(pod))
        .filter(|pod| pod.role_arns.is_empty() || pod.role_arns.values().any(|arn| arn != wanted))
        .collect();
    let first = stale.first()?;
    let all = names(stale.iter().copied())?;
    let says = match first.role_arns.values().find(|arn| *arn != wanted) {
        Some(other) => format!("{all} still has the role {other}"),
        None => format!("{all} has no {ROLE_ARN}, and so uses its node's role"),
    };
    Some(Link::broken(NAME, Code::PodsOlderThanAnnotation, says).helped(restarted(chain, &stale)))
}

/// How these pods are made anew.
fn restarted(chain: &Chain, stale: &[&Pod]) -> Option<Remedy> {
    let mut rolled = BTreeSet::new();
    let mut deleted = Vec::new();
    let mut bare = Vec::new();
    for pod in stale {
        match &pod.controller {
            Some(controller) if is_rolled(controller) => {
                rolled.insert(controller.as_str());
            }
            Some(_) => deleted.push(pod.name.as_str()),
            None => bare.push(pod.name.as_str()),
        }
    }
    let rolled: Vec<&str> = rolled.into_iter().collect();
    let commands: Vec<String> = [("rollout restart", rolled), ("delete pod", deleted)]
        .into_iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(verb, names)| {
            format!(
                "kubectl --namespace {} {verb} {}",
                chain.namespace,
                names.join(" ")
            )
        })
        .collect();
    let restart = (!commands.is_empty()).then(|| {
        remedy!(
            "They were created before the annotation had its present value. Restart them: `{}`. If the new \
             pods have no role either, the pod identity webhook did not see them: look for the label \
             eks.amazonaws.com/skip-pod-identity-webhook, and whether they set {ROLE_ARN} themselves.",
            commands.join(" && ")
        )
    });
    let anew = (!bare.is_empty()).then(|| {
        remedy!(
            "No controller recreates {}: delete each, and create it again from its manifest.",
            bare.join(", ")
        )
    });
    match (restart, anew) {
        (Some(restart), Some(anew)) => Some(restart.and(&anew)),
        (restart, anew) => restart.or(anew),
    }
}

/// Whether `kubectl rollout restart` takes it.
fn is_rolled(controller: &str) -> bool {
    ["deployment/", "daemonset/", "statefulset/"]
        .iter()
        .any(|kind| controller.starts_with(kind))
}

fn names<'pod>(pods: impl Iterator<Item = &'pod Pod>) -> Option<String> {
    let names: Vec<&str> = pods.map(|pod| pod.name.as_str()).collect();
    (!names.is_empty()).then(|| names.join(", "))
}
