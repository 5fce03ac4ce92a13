//! What somebody who is let in may do, as far as bindings and access policies tell it: whether it is anything at all.

use super::remedy::{Target, quoted};
use crate::{
    engine::{Finding, Severity},
    ports::{
        aws::AccessEntry,
        kubernetes::{RbacBinding, Subject},
    },
};
use eksact_identity::authn::access_entry::STANDARD;
use eksact_message::code::Code;

/// The group that the API server asks nobody about.
const MASTERS: &str = "system:masters";
/// The group of nodes, which have an authorizer of their own.
const NODES: &str = "system:nodes";
/// Groups that everybody is in, whatever lets them in.
const EVERYBODY: [&str; 2] = ["system:authenticated", "system:unauthenticated"];

/// The bindings that name somebody, those for everybody left out. A username may be a template: a binding for a name that it
/// can become counts.
pub fn bindings_of<'a>(
    username: &str,
    groups: &[String],
    bindings: &'a [RbacBinding],
) -> Vec<&'a RbacBinding> {
    let is_named = |subject: &Subject| match subject.kind.as_str() {
        "User" => is_name(username, &subject.name),
        "Group" => groups.contains(&subject.name) && !EVERYBODY.contains(&subject.name.as_str()),
        "ServiceAccount" => {
            let namespace = subject.namespace.as_deref().unwrap_or_default();
            username == format!("system:serviceaccount:{namespace}:{}", subject.name)
        }
        _ => false,
    };
    bindings
        .iter()
        .filter(|binding| binding.subjects.iter().any(is_named))
        .collect()
}

/// Whether a template can become this name.
fn is_name(template: &str, name: &str) -> bool {
    match template.split_once("{{") {
        Some((start, _)) => name.starts_with(start) && name.len() > start.len(),
        None => template == name,
    }
}

/// Whether groups alone give something that no binding shows.
fn are_built_in(groups: &[String]) -> bool {
    groups.iter().any(|group| group == MASTERS || group == NODES)
}

/// Whether neither bindings nor what is built in give somebody anything.
pub fn gives_nothing(username: &str, groups: &[String], bindings: &[RbacBinding]) -> bool {
    !are_built_in(groups) && bindings_of(username, groups, bindings).is_empty()
}

/// That an access entry lets its principal in and gives it nothing: no access policy, and no binding names its username or one
/// of its groups.
pub fn empty_entry(entry: &AccessEntry, bindings: &[RbacBinding], target: Target<'_>) -> Option<Finding> {
    let is_standard = entry.entry_type.is_empty() || entry.entry_type == STANDARD;
    if !is_standard || !entry.policies.is_empty() || !gives_nothing(&entry.username, &entry.groups, bindings)
    {
        return None;
    }
    let message = format!(
        "the access entry {} grants nothing: it has no access policy, and no binding names {}",
        entry.principal_arn,
        names(&entry.username, &entry.groups)
    );
    Some(
        Finding::new(Severity::Warning, Code::EntryGivesNothing, message).with_help(remedy!(
            "Give it an access policy: {}; or bind it: {}",
            target.give_view(entry),
            bind(&entry.username, &entry.groups)
        )),
    )
}

/// That a mapping of aws-auth, at `place`, lets somebody in and gives nothing.
pub fn empty_mapping(
    place: &str,
    (username, groups): (&str, &[String]),
    bindings: &[RbacBinding],
) -> Option<Finding> {
    if !gives_nothing(username, groups, bindings) {
        return None;
    }
    let message = format!(
        "the mapping at {place} grants nothing: no binding names {}",
        names(username, groups)
    );
    Some(
        Finding::new(Severity::Warning, Code::MappingGivesNothing, message)
            .with_help(remedy!("Bind it: {}", bind(username, groups))),
    )
}

fn names(username: &str, groups: &[String]) -> String {
    let own: Vec<&str> = groups
        .iter()
        .map(String::as_str)
        .filter(|group| !EVERYBODY.contains(group))
        .collect();
    match own.as_slice() {
        [] => format!("the user {username}, who is in no group"),
        [group] => format!("the user {username} or the group {group}"),
        groups => format!("the user {username} or one of the groups {}", groups.join(", ")),
    }
}

/// The command that lets the first group, else the user, see most things.
fn bind(username: &str, groups: &[String]) -> String {
    let group = groups.iter().find(|group| !EVERYBODY.contains(&group.as_str()));
    let subject = match group {
        Some(group) => format!("--group={}", quoted(group)),
        None => format!("--user={}", quoted(username)),
    };
    format!("`kubectl create clusterrolebinding NAME --clusterrole=view {subject}`")
}

/// A binding and its role, in words.
pub fn in_words(binding: &RbacBinding) -> String {
    let (kind, name) = match &binding.namespace {
        Some(namespace) => ("RoleBinding", format!("{namespace}/{}", binding.name)),
        None => ("ClusterRoleBinding", binding.name.clone()),
    };
    format!("{kind} {name} ({} {})", binding.role_kind, binding.role_name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::aws::AccessPolicy;

    const TARGET: Target<'_> = Target {
        cluster: "prod",
        region: "eu-west-1",
    };

    fn binding(kind: &str, name: &str, namespace: Option<&str>) -> RbacBinding {
        RbacBinding {
            name: format!("for-{name}"),
            role_kind: "ClusterRole".to_owned(),
            role_name: "view".to_owned(),
            subjects: vec![Subject {
                kind: kind.to_owned(),
                name: name.to_owned(),
                namespace: namespace.map(str::to_owned),
            }],
            ..RbacBinding::default()
        }
    }

    #[test]
    fn access_entry_without_policy_and_binding_gives_nothing() {
        let bindings = [
            binding("Group", "developers", None),
            binding("Group", "system:authenticated", None),
            binding("User", "nina", None),
            binding("User", "sso:bob", None),
            binding("ServiceAccount", "ci", Some("apps")),
        ];
        for (username, groups, policy, entry_type, is_empty) in [
            ("ann", &[][..], false, "STANDARD", true),
            ("ann", &[], false, "", true),
            ("ann", &["Developers"], false, "STANDARD", true),
            ("ann", &["readers", "ops"], false, "STANDARD", true),
            ("ann", &["system:authenticated"], false, "STANDARD", true),
            ("ci", &[], false, "STANDARD", true),
            ("ops:{{SessionName}}", &[], false, "STANDARD", true),
            ("ann", &[], true, "STANDARD", false),
            ("ann", &["readers", "developers"], false, "STANDARD", false),
            ("ann", &["system:masters"], false, "STANDARD", false),
            ("nina", &[], false, "STANDARD", false),
            ("sso:{{SessionName}}", &[], false, "STANDARD", false),
            ("system:serviceaccount:apps:ci", &[], false, "STANDARD", false),
            (
                "system:node:{{EC2PrivateDNSName}}",
                &["system:nodes"],
                false,
                "EC2_LINUX",
                false,
            ),
            ("system:node:{{SessionName}}", &[], false, "FARGATE_LINUX", false),
        ] {
            let entry = AccessEntry {
                principal_arn: "arn:aws:iam::111122223333:role/team/dev".to_owned(),
                username: username.to_owned(),
                groups: groups.iter().map(|group| (*group).to_owned()).collect(),
                entry_type: entry_type.to_owned(),
                policies: Vec::from_iter(policy.then(|| AccessPolicy {
                    arn: "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy".to_owned(),
                    namespaces: None,
                })),
                ..AccessEntry::default()
            };
            assert_eq!(
                empty_entry(&entry, &bindings, TARGET).is_some(),
                is_empty,
                "{entry:?}"
            );
        }
    }
}
