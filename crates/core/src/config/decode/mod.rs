//! From the tree to plain values. Shape and meaning are checked elsewhere; what has the wrong shape is left out here.
//!
//! `access` decodes identity mappings and groups, for both kinds of documents.

mod access;
mod access_entry;
mod assumable_role;
mod authentication_mode;
mod identity_provider;
mod managed_policy;
mod pod_identity_association;

use std::collections::BTreeMap;

pub(super) use access::cluster_access;

use super::cluster_access::ClusterAccess;
use super::cluster_config::{
    ClusterConfig, DEFAULT_NAMESPACE, Iam, Metadata, ServiceAccount, WellKnownPolicies,
};
use super::document::DocumentKind;
use super::fields::{Field, FieldType, ObjectType, types};
use super::location::Located;
use super::managed_policy::Names;
use super::source::Source;
use eksact_identity::iam::WellKnownPolicy;
use eksact_yaml::{Content, Node, Resolved};

/// Reads what eksact acts on.
pub(super) fn cluster_config(root: &Node, source: &Source) -> ClusterConfig {
    let reader = Reader { source };
    ClusterConfig {
        access: ClusterAccess {
            identity_mappings: reader.identity_mappings(root, "iamIdentityMappings"),
            complete: root.get("iamIdentityMappings").is_some(),
            ..ClusterAccess::default()
        },
        pod_identity_associations: reader.pod_identity_associations(root),
        access_entries: reader.access_entries(root),
        metadata: root
            .get("metadata")
            .map(|node| reader.metadata(node))
            .unwrap_or_default(),
        authentication_mode: reader.authentication_mode(root),
        bootstrap_creator_admin: reader.bootstrap_creator_admin(root),
        identity_providers: reader.identity_providers(root),
        lists_identity_providers: root.get("identityProviders").is_some(),
        iam: root.get("iam").map(|node| reader.iam(node)).unwrap_or_default(),
        unmanaged_sections: unmanaged_sections(root),
        names: Names::default(),
    }
}

struct Reader<'a> {
    source: &'a Source,
}

impl Reader<'_> {
    fn located<T>(&self, node: &Node, value: T) -> Located<T> {
        Located {
            value,
            location: Some(self.source.location(node.at)),
        }
    }

    /// The text at `key`; empty text is absence, as in eksctl.
    fn text(&self, parent: &Node, key: &str) -> Option<Located<String>> {
        let node = parent.get(key)?;
        let text = node.text().filter(|text| !text.is_empty())?;
        Some(self.located(node, text.to_owned()))
    }

    fn metadata(&self, node: &Node) -> Metadata {
        Metadata {
            name: self.text(node, "name").unwrap_or_default(),
            region: self.text(node, "region").unwrap_or_default(),
            version: self.text(node, "version").map(|version| version.value),
            tags: text_map(node, "tags"),
        }
    }

    fn iam(&self, node: &Node) -> Iam {
        let with_oidc = node
            .get("withOIDC")
            .and_then(|value| boolean(value).map(|boolean| self.located(value, boolean)))
            .unwrap_or_default();
        let accounts = node.get("serviceAccounts");
        Iam {
            with_oidc,
            service_accounts: accounts
                .map(Node::items)
                .unwrap_or_default()
                .iter()
                .map(|account| self.service_account(account))
                .collect(),
            lists_service_accounts: accounts.is_some(),
        }
    }

    fn service_account(&self, node: &Node) -> ServiceAccount {
        let metadata = node.get("metadata");
        let of_metadata = |key| {
            metadata
                .and_then(|metadata| self.text(metadata, key))
                .map(|text| text.value)
        };
        let map_of_metadata = |key| {
            metadata
                .map(|metadata| text_map(metadata, key))
                .unwrap_or_default()
        };
        let arns = node.get("attachPolicyARNs");
        let well_known = node.get("wellKnownPolicies");
        let is_on = |policy: &WellKnownPolicy| {
            well_known
                .and_then(|node| node.get(policy.field_name()))
                .and_then(boolean)
                == Some(true)
        };
        ServiceAccount {
            name: of_metadata("name").unwrap_or_default(),
            namespace: of_metadata("namespace").unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned()),
            labels: map_of_metadata("labels"),
            annotations: map_of_metadata("annotations"),
            attach_policy_arns: arns
                .map(Node::items)
                .unwrap_or_default()
                .iter()
                .map(|item| self.located(item, item.text().unwrap_or_default().to_owned()))
                .collect(),
            states_no_policy: arns
                .is_some_and(|node| matches!(node.content(), Content::Sequence(items) if items.is_empty())),
            attach_policy: node
                .get("attachPolicy")
                .filter(|policy| matches!(policy.content(), Content::Mapping(_)))
                .map(|policy| self.located(policy, json(policy))),
            well_known_policies: WellKnownPolicies(WellKnownPolicy::ALL.into_iter().filter(is_on).collect()),
            attach_role_arn: self.text(node, "attachRoleARN"),
            permissions_boundary: self.text(node, "permissionsBoundary"),
            role_name: self.text(node, "roleName"),
            role_only: node.get("roleOnly").and_then(boolean).unwrap_or_default(),
            tags: text_map(node, "tags"),
            subject_pattern: self.text(node, "subjectPattern"),
            location: Some(self.source.location(node.at)),
        }
    }
}

fn boolean(node: &Node) -> Option<bool> {
    match node.resolved() {
        Some(Resolved::Bool(value)) => Some(*value),
        _ => None,
    }
}

/// Names and texts as written; null is the empty text.
fn text_map(parent: &Node, key: &str) -> BTreeMap<String, String> {
    let entries = parent.get(key).map(Node::entries).unwrap_or_default();
    let scalars = entries
        .iter()
        .filter(|entry| matches!(entry.value.content(), Content::Scalar { .. }));
    scalars
        .map(|entry| {
            (
                entry.key.to_string(),
                entry.value.text().unwrap_or_default().to_owned(),
            )
        })
        .collect()
}

/// A document as JSON. Dates are text. A number that JSON would write otherwise stays as written: eksctl drops the
/// leading zero of an account id and the trailing one of `1.30`.
pub(super) fn json(node: &Node) -> serde_json::Value {
    use serde_json::Value;
    match node.content() {
        Content::Sequence(items) => Value::Array(items.iter().map(json).collect()),
        Content::Mapping(entries) => Value::Object(
            entries
                .iter()
                .map(|entry| (entry.key.to_string(), json(&entry.value)))
                .collect(),
        ),
        Content::Scalar { text, .. } => match node.resolved() {
            Some(Resolved::Null) => Value::Null,
            Some(Resolved::Bool(value)) => Value::Bool(*value),
            Some(Resolved::Integer(_) | Resolved::Unsigned(_) | Resolved::Float(_)) => {
                match serde_json::from_str(text) {
                    Ok(number @ Value::Number(_)) if number.to_string().as_str() == text => number,
                    _ => Value::String(text.clone()),
                }
            }
            _ => Value::String(text.clone()),
        },
    }
}

/// What is written in the file and eksact leaves alone, in the order of the file, by the marks of the field table. Empty
/// sections ask for nothing.
fn unmanaged_sections(root: &Node) -> Vec<String> {
    let mut sections = Vec::new();
    add_unmanaged(DocumentKind::ClusterConfig.name(), root, "", &mut sections);
    sections
}

fn add_unmanaged(type_name: &str, node: &Node, prefix: &str, sections: &mut Vec<String>) {
    let types = types(DocumentKind::ClusterConfig);
    let Some(object) = types.get(type_name) else {
        return;
    };
    for entry in node.entries().iter().filter(|entry| !entry.value.is_empty()) {
        let name = format!("{prefix}{}", entry.key);
        match object.field(&entry.key) {
            Some(field) if !field.managed => sections.push(name),
            Some(Field {
                holds: FieldType::Object(inner),
                ..
            }) if types.get(inner).is_some_and(ObjectType::is_managed_in_part) => {
                add_unmanaged(inner, &entry.value, &format!("{name}."), sections);
            }
            // What is no field of the format holds anchors for others.
            Some(_) | None => {}
        }
    }
}
