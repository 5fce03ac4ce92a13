//! `groups`: what the members of a group may do. The rules are those of Kubernetes for RBAC objects
//! (`k8s.io/kubernetes` 1.34, `pkg/apis/rbac/validation/validation.go`), and what RBAC takes without a word and never honours.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::duplicates::{Duplicate, Listed, repeated};
use super::identity_mapping::check_name;
use crate::config::diagnostic::quoted;
use crate::config::finding::{Finding, Findings};
use crate::config::location::{Located, SourceLocation};
use crate::config::path::FieldPath;
use crate::config::reader::{Reader, items, plain_texts};
use crate::config::suggest;
use crate::config::validate::kubernetes_names::{is_label, label_help};
use crate::ports::kubernetes::PolicyRule;
use eksact_identity::authn::aws_auth::{NameOf, NamedCaller};
use eksact_message::code::Code;
use eksact_yaml::Node;

/// What a group may do: one binding of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupBinding {
    /// The role that it gets.
    pub role: GroupRole,
    /// The namespaces in which it has it; none for the whole cluster.
    pub namespaces: Option<Vec<Located<String>>>,
    /// Where it begins in the file.
    pub location: Option<SourceLocation>,
}

/// The `ClusterRole` that a binding gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GroupRole {
    /// One that exists: `view`, `edit`, `admin`, or somebody's own.
    Existing(Located<String>),
    /// One of these rules, which eksact makes and keeps as it says.
    Own(Vec<PolicyRule>),
}

/// A group and what it may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupAccess {
    /// Name of the group.
    pub name: Located<String>,
    /// Its bindings, in the order of the file.
    pub bindings: Vec<GroupBinding>,
}

pub(super) fn decode(root: &Node, reader: &Reader<'_>) -> Vec<GroupAccess> {
    let items = items(root, "groups").iter();
    items.map(|node| group(node, reader)).collect()
}

fn group(node: &Node, reader: &Reader<'_>) -> GroupAccess {
    GroupAccess {
        name: reader.text_or_place(node, "name"),
        bindings: items(node, "bindings")
            .iter()
            .map(|node| binding(node, reader))
            .collect(),
    }
}

fn binding(node: &Node, reader: &Reader<'_>) -> GroupBinding {
    let role = match reader.text(node, "clusterRole") {
        Some(name) => GroupRole::Existing(name),
        None => GroupRole::Own(items(node, "rules").iter().map(policy_rule).collect()),
    };
    GroupBinding {
        role,
        namespaces: node.get("namespaces").map(|_| reader.texts(node, "namespaces")),
        location: Some(reader.location(node)),
    }
}

fn policy_rule(node: &Node) -> PolicyRule {
    PolicyRule {
        api_groups: plain_texts(node, "apiGroups"),
        resources: plain_texts(node, "resources"),
        resource_names: plain_texts(node, "resourceNames"),
        non_resource_urls: plain_texts(node, "nonResourceURLs"),
        verbs: plain_texts(node, "verbs"),
    }
}

/// Whether a binding says where its rules come from, once. Looks at the tree: the plain values have one source.
pub(super) fn check_options(root: &Node) -> Findings {
    let mut findings = Findings::default();
    for (index, group) in items(root, "groups").iter().enumerate() {
        for (place, binding) in items(group, "bindings").iter().enumerate() {
            let path = FieldPath::of("groups").index(index).key("bindings").index(place);
            let has = |key| binding.get(key).is_some();
            if has("clusterRole") && has("rules") {
                let message = format!("{path}: rules cannot be used together with clusterRole");
                findings.push(
                    Finding::error(Code::GroupBinding, path.key("rules"), message)
                        .help(remedy!("a binding has one role; write two bindings"))
                        .at_key(),
                );
            }
        }
    }
    findings
}

/// Checks the groups of one document.
pub(super) fn check(groups: &[GroupAccess], findings: &mut Findings) {
    for (index, group) in groups.iter().enumerate() {
        if findings.is_full() {
            return;
        }
        let path = FieldPath::of("groups").index(index);
        name(group, &path, findings);
        for (index, binding) in group.bindings.iter().enumerate() {
            check_binding(binding, &path.key("bindings").index(index), findings);
        }
        repeated_bindings(group, &path, findings);
    }
}

fn name(group: &GroupAccess, path: &FieldPath, found: &mut Findings) {
    let name = path.key("name");
    if group.name.value.is_empty() {
        found.push(
            Finding::error(Code::Missing, name.clone(), format!("{name} must be set")).explained_from_below(),
        );
    } else if group.name.value == "system:masters" {
        found.push(
            Finding::warning(
                Code::NoEffect,
                name,
                "`system:masters` may do everything, whatever is bound to it",
            )
            .help(remedy!(
                "the API server does not check RBAC for its members; bind another group"
            )),
        );
    } else {
        check_name(
            &group.name.value,
            NameOf::Group,
            NamedCaller::Session,
            &name,
            found,
        );
    }
    if group.bindings.is_empty() {
        let path = path.key("bindings");
        found.push(
            Finding::error(Code::GroupBinding, path.clone(), format!("{path} is empty"))
                .help(remedy!(
                    "write what the group may do, such as `bindings: [{{clusterRole: view}}]`"
                ))
                .explained_from_below(),
        );
    }
}

fn check_binding(binding: &GroupBinding, path: &FieldPath, found: &mut Findings) {
    match &binding.role {
        GroupRole::Existing(name) => {
            // The names of RBAC objects are path segments: colons and capitals are allowed.
            let value = &name.value;
            if value == "." || value == ".." || value.contains(['/', '%']) {
                let message = format!("{} cannot be the name of a cluster role", quoted(value));
                found.push(Finding::error(
                    Code::KubernetesName,
                    path.key("clusterRole"),
                    message,
                ));
            }
        }
        GroupRole::Own(rules) if rules.is_empty() => found.push(
            Finding::error(Code::GroupBinding, path.clone(), format!("{path} grants nothing"))
                .help(remedy!(
                    "write `clusterRole` with the name of one that exists, or `rules`"
                ))
                .explained_from_below(),
        ),
        GroupRole::Own(rules) => {
            for (index, rule) in rules.iter().enumerate() {
                let path = path.key("rules").index(index);
                check_rule(rule, binding.namespaces.is_some(), &path, found);
            }
        }
    }
    let Some(namespaces) = &binding.namespaces else {
        return;
    };
    let path = path.key("namespaces");
    if namespaces.is_empty() {
        found.push(
            Finding::error(
                Code::GroupBinding,
                path.clone(),
                format!("{path} is an empty list"),
            )
            .help(remedy!(
                "leave it out for the whole cluster, or name the namespaces"
            )),
        );
    }
    let mut seen = BTreeSet::new();
    for (index, namespace) in namespaces.iter().enumerate() {
        if found.is_full() {
            return;
        }
        let name = &namespace.value;
        if !is_label(name) {
            let help = if name == "*" {
                remedy!("leave `namespaces` out for the whole cluster")
            } else {
                label_help(name)
            };
            let message = format!("{} cannot be the name of a namespace", quoted(name));
            found.push(Finding::error(Code::KubernetesName, path.index(index), message).help(help));
        } else if !seen.insert(name) {
            let message = format!("{} is listed twice", quoted(name));
            found.push(
                Finding::warning(Code::DuplicateNamespace, path.index(index), message)
                    .help(remedy!("leave one out")),
            );
        }
    }
}

/// The verbs of resources, and those of RBAC, of certificates and of impersonation.
const VERBS: [&str; 16] = [
    "get",
    "list",
    "watch",
    "create",
    "update",
    "patch",
    "delete",
    "deletecollection",
    "bind",
    "escalate",
    "impersonate",
    "use",
    "approve",
    "sign",
    "attest",
    "*",
];

fn check_rule(rule: &PolicyRule, in_namespaces: bool, path: &FieldPath, found: &mut Findings) {
    let mut require = |key: &str, message: &str| {
        found.push(
            Finding::error(Code::PolicyRule, path.key(key), format!("{path}: {message}"))
                .explained_from_below(),
        );
    };
    if rule.verbs.is_empty() {
        require("verbs", "verbs must contain at least one value");
    }
    if rule.non_resource_urls.is_empty() {
        if rule.api_groups.is_empty() {
            require(
                "apiGroups",
                "a rule for resources must name at least one API group; the core group is \"\"",
            );
        }
        if rule.resources.is_empty() {
            require(
                "resources",
                "a rule for resources must name at least one resource",
            );
        }
    } else {
        if !(rule.api_groups.is_empty() && rule.resources.is_empty() && rule.resource_names.is_empty()) {
            require(
                "nonResourceURLs",
                "a rule cannot cover both resources and non-resource URLs; write two rules",
            );
        }
        if in_namespaces {
            require(
                "nonResourceURLs",
                "non-resource URLs belong to no namespace; a binding in namespaces does not grant them",
            );
        }
    }
    for (index, verb) in rule.verbs.iter().enumerate() {
        if !VERBS.contains(&verb.as_str())
            && let Some(known) = suggest::nearest(verb, VERBS)
        {
            let message = format!("{} is not a Kubernetes verb", quoted(verb));
            found.push(
                Finding::warning(Code::PolicyRule, path.key("verbs").index(index), message)
                    .help(suggest::did_you_mean([known])),
            );
        }
    }
    for (index, resource) in rule.resources.iter().enumerate() {
        if resource.chars().any(|c| c.is_ascii_uppercase()) {
            let message = format!(
                "{} matches nothing: resources are written in lower case",
                quoted(resource)
            );
            found.push(
                Finding::warning(Code::PolicyRule, path.key("resources").index(index), message).help(
                    remedy!(
                        "the plural in lower case, such as `{}s`",
                        resource.to_lowercase().trim_end_matches('s')
                    ),
                ),
            );
        }
    }
    for (index, group) in rule.api_groups.iter().enumerate() {
        // `v1` and `apps/v1` are what manifests say in `apiVersion`.
        let plain = group.split('/').next().unwrap_or_default();
        let meant = match group.as_str() {
            "core" | "v1" => Some("\"\""),
            _ if group.contains('/') => Some(plain),
            _ => None,
        };
        if let Some(meant) = meant {
            let message = format!("{} is not an API group", quoted(group));
            found.push(
                Finding::warning(Code::PolicyRule, path.key("apiGroups").index(index), message)
                    .help(suggest::did_you_mean([meant])),
            );
        }
    }
}

/// An existing role that a group gets twice at the same place.
fn repeated_bindings(group: &GroupAccess, path: &FieldPath, found: &mut Findings) {
    let mut seen: BTreeMap<(&str, Option<&str>), usize> = BTreeMap::new();
    for (index, binding) in group.bindings.iter().enumerate() {
        let GroupRole::Existing(role) = &binding.role else {
            continue;
        };
        let places: Vec<Option<&str>> = match &binding.namespaces {
            None => vec![None],
            Some(namespaces) => namespaces
                .iter()
                .map(|namespace| Some(namespace.value.as_str()))
                .collect(),
        };
        for place in places {
            let first = *seen.entry((&role.value, place)).or_insert(index);
            if first != index {
                let message = format!(
                    "{} is bound {} by bindings[{first}] already",
                    quoted(&role.value),
                    place.map_or("in the whole cluster".to_owned(), |namespace| format!(
                        "in {}",
                        quoted(namespace)
                    ))
                );
                let path = path.key("bindings").index(index);
                found.push(
                    Finding::warning(Code::DuplicateBinding, path, message).help(remedy!("leave one out")),
                );
            }
        }
    }
}

/// Finds groups that are described in more than one place.
pub(super) fn of_groups(listed: &[Listed<'_, GroupAccess>]) -> Vec<Duplicate> {
    repeated(
        listed,
        |group| Some(group.name.value.clone()).filter(|name| !name.is_empty()),
        |group| group.name.location.as_ref(),
        |one, place| {
            let name = &one.item.name;
            let message = format!(
                "the group {} is described twice; the first is at {place}",
                quoted(&name.value)
            );
            Finding::error(Code::DuplicateGroup, one.path.key("name"), message)
                .help(remedy!("put all bindings of a group into one place"))
                .located(name.location.as_ref())
        },
    )
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use crate::config::tests::{HEAD, said};

    /// What is said about the groups of a ClusterAccess, each a flow mapping.
    fn about_groups(groups: &[&str]) -> String {
        said(&format!(
            "{HEAD}---\napiVersion: eksact.dev/v1alpha1\nkind: ClusterAccess\ngroups:\n- {}\n",
            groups.join("\n- ")
        ))
    }

    #[test]
    fn groups_and_their_bindings() {
        assert_snapshot!(about_groups(&[
            "{bindings: [{clusterRole: view}]}",
            "{name: a}",
            "{name: b, bindings: []}",
            "{name: 'system:masters', bindings: [{clusterRole: view}]}",
            "{name: 'system:node', bindings: [{clusterRole: view}]}",
            "{name: c, bindings: [{}, {namespaces: [app]}, {clusterRole: view, rules: [{verbs: [get], apiGroups: [''], resources: [pods]}]}, {clusterRole: a/b}]}",
            "{name: d, bindings: [{clusterRole: view, namespaces: []}, {clusterRole: edit, namespaces: ['*', My_App, app, app]}]}",
            "{name: e, bindings: [{clusterRole: view}, {clusterRole: 'system:image-puller', namespaces: [app]}, {clusterRole: view, namespaces: [app]}, {clusterRole: 'system:image-puller', namespaces: [web, app]}]}",
        ]), @r#"
        8:3: error: groups[0].name must be set
        9:3: error: groups[1].bindings is empty
            help: write what the group may do, such as `bindings: [{clusterRole: view}]`
        10:23: error: groups[2].bindings is empty
            help: write what the group may do, such as `bindings: [{clusterRole: view}]`
        11:10: warning: `system:masters` may do everything, whatever is bound to it
            help: the API server does not check RBAC for its members; bind another group
        12:10: error: `system:node` is not a group that Kubernetes or EKS knows
            help: write `system:nodes`
        13:24: error: groups[5].bindings[0] grants nothing
            help: write `clusterRole` with the name of one that exists, or `rules`
        13:28: error: groups[5].bindings[1] grants nothing
            help: write `clusterRole` with the name of one that exists, or `rules`
        13:69: error: groups[5].bindings[2]: rules cannot be used together with clusterRole
            help: a binding has one role; write two bindings
        13:145: error: `a/b` cannot be the name of a cluster role
        14:56: error: groups[6].bindings[0].namespaces is an empty list
            help: leave it out for the whole cluster, or name the namespaces
        14:94: error: `*` cannot be the name of a namespace
            help: leave `namespaces` out for the whole cluster
        14:99: error: `My_App` cannot be the name of a namespace
            help: Kubernetes would accept `my-app`
        14:112: warning: `app` is listed twice
            help: leave one out
        15:142: warning: `system:image-puller` is bound in `app` by bindings[1] already
            help: leave one out
        "#);
    }

    #[test]
    fn rules_as_kubernetes_takes_them() {
        assert_snapshot!(about_groups(&[
            "{name: a, bindings: [{rules: [{}, {verbs: [get]}, {verbs: ['*'], apiGroups: ['*'], resources: ['*']}]}]}",
            "{name: b, bindings: [{rules: [{verbs: [get], nonResourceURLs: [/healthz], resources: [pods]}]}]}",
            "{name: c, bindings: [{rules: [{verbs: [get], nonResourceURLs: [/healthz]}]}, {namespaces: [app], rules: [{verbs: [get], nonResourceURLs: [/healthz]}]}]}",
            "{name: d, bindings: [{rules: [{verbs: [gets, GET, sync], apiGroups: [core, v1, apps/v1, argoproj.io], resources: [Pods, pods/log, deployment]}]}]}",
        ]), @r#"
        8:33: error: groups[0].bindings[0].rules[0]: verbs must contain at least one value
        8:33: error: groups[0].bindings[0].rules[0]: a rule for resources must name at least one API group; the core group is ""
        8:33: error: groups[0].bindings[0].rules[0]: a rule for resources must name at least one resource
        8:37: error: groups[0].bindings[0].rules[1]: a rule for resources must name at least one API group; the core group is ""
        8:37: error: groups[0].bindings[0].rules[1]: a rule for resources must name at least one resource
        9:65: error: groups[1].bindings[0].rules[0]: a rule cannot cover both resources and non-resource URLs; write two rules
        10:140: error: groups[2].bindings[1].rules[0]: non-resource URLs belong to no namespace; a binding in namespaces does not grant them
        11:42: warning: `gets` is not a Kubernetes verb
            help: did you mean `get`?
        11:48: warning: `GET` is not a Kubernetes verb
            help: did you mean `get`?
        11:72: warning: `core` is not an API group
            help: did you mean `""`?
        11:78: warning: `v1` is not an API group
            help: did you mean `""`?
        11:82: warning: `apps/v1` is not an API group
            help: did you mean `apps`?
        11:117: warning: `Pods` matches nothing: resources are written in lower case
            help: the plural in lower case, such as `pods`
        "#);
    }
}
