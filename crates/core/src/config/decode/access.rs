//! Identity mappings and groups, from the tree to plain values.

use super::{Reader, boolean};
use crate::config::cluster_access::{
    AllowBroadening, ClusterAccess, ClusterAccount, GroupAccess, GroupBinding, GroupRole, IdentityMapping,
    MappingSubject, RoleReference, SharedRole, SharedRoleAccount,
};
use crate::config::location::Located;
use crate::config::source::Source;
use crate::ports::kubernetes::PolicyRule;
use eksact_yaml::Node;

/// Reads a ClusterAccess.
pub(in crate::config) fn cluster_access(root: &Node, source: &Source) -> ClusterAccess {
    let reader = Reader { source };
    let has = |key| root.get(key).is_some();
    ClusterAccess {
        identity_mappings: reader.identity_mappings(root, "identityMappings"),
        groups: items(root, "groups")
            .iter()
            .map(|node| reader.group(node))
            .collect(),
        shared_roles: items(root, "sharedRoles")
            .iter()
            .map(|node| reader.shared_role(node))
            .collect(),
        states_shared_roles: has("sharedRoles"),
        roles: reader.assumable_roles(root),
        states_roles: has("roles"),
        policies: reader.managed_policies(root),
        states_policies: has("policies"),
        // One about roles and policies of IAM or settings alone says nothing of who gets in.
        complete: has("identityMappings")
            || has("groups")
            || !["sharedRoles", "roles", "policies", "allowBroadening", "account"]
                .into_iter()
                .any(has),
        // A value that there is not is refused on the tree.
        allow_broadening: reader.text(root, "allowBroadening").and_then(|text| {
            let value = AllowBroadening::parse(&text.value)?;
            Some(text.map(|_| value))
        }),
        account: root.get("account").map(|node| ClusterAccount {
            id: reader.text(node, "id"),
            profile: reader.text(node, "profile"),
            role_arn: reader.text(node, "roleARN"),
            external_id: reader.text(node, "externalID"),
            location: Some(reader.source.location(node.at)),
        }),
    }
}

impl Reader<'_> {
    pub(super) fn identity_mappings(&self, root: &Node, key: &str) -> Vec<IdentityMapping> {
        items(root, key)
            .iter()
            .map(|node| self.identity_mapping(node))
            .collect()
    }

    fn identity_mapping(&self, node: &Node) -> IdentityMapping {
        let text = |key| self.text(node, key).map(|text| text.value);
        // Which of them may stand together is checked elsewhere; eksctl looks at the service first, too.
        let subject = if let Some(name) = text("serviceName") {
            MappingSubject::Service {
                name,
                namespace: text("namespace").unwrap_or_default(),
            }
        } else if let Some(set) = node.get("permissionSet") {
            let text = |key| self.text(set, key).map(|text| text.value);
            MappingSubject::PermissionSet {
                name: text("name").unwrap_or_default(),
                account: text("account"),
            }
        } else if let Some(account) = text("account") {
            MappingSubject::Account(account)
        } else {
            MappingSubject::Arn(text("arn").unwrap_or_default())
        };
        IdentityMapping {
            subject,
            username: text("username"),
            groups: texts(node, "groups"),
            no_duplicate_arns: node.get("noDuplicateARNs").and_then(boolean).unwrap_or_default(),
            keep_groups: false,
            location: Some(self.source.location(node.at)),
        }
    }

    fn group(&self, node: &Node) -> GroupAccess {
        let at_node = || self.located(node, String::new());
        GroupAccess {
            name: self.text(node, "name").unwrap_or_else(at_node),
            bindings: items(node, "bindings")
                .iter()
                .map(|node| self.binding(node))
                .collect(),
        }
    }

    fn binding(&self, node: &Node) -> GroupBinding {
        let role = match self.text(node, "clusterRole") {
            Some(name) => GroupRole::Existing(name),
            None => GroupRole::Own(items(node, "rules").iter().map(policy_rule).collect()),
        };
        GroupBinding {
            role,
            namespaces: node.get("namespaces").map(|list| self.located_texts(list)),
            location: Some(self.source.location(node.at)),
        }
    }

    fn shared_role(&self, node: &Node) -> SharedRole {
        // That there is one of the two and not both is checked on the tree.
        let role = match (self.text(node, "roleARN"), self.text(node, "roleName")) {
            (Some(arn), _) => arn.map(RoleReference::Arn),
            (None, Some(name)) => name.map(RoleReference::Name),
            (None, None) => self.located(node, RoleReference::Name(String::new())),
        };
        let accounts = node.get("serviceAccounts").map(Node::items);
        SharedRole {
            role,
            service_accounts: accounts.map(|items| {
                items
                    .iter()
                    .map(|account| self.shared_role_account(account))
                    .collect()
            }),
            location: Some(self.source.location(node.at)),
        }
    }

    fn shared_role_account(&self, node: &Node) -> SharedRoleAccount {
        let text = |key| self.text(node, key).map(|text| text.value);
        let pattern = text("subjectPattern");
        SharedRoleAccount {
            namespace: text("namespace").unwrap_or_default(),
            is_pattern: pattern.is_some(),
            name: text("name").or(pattern).unwrap_or_default(),
        }
    }

    pub(super) fn located_texts(&self, list: &Node) -> Vec<Located<String>> {
        let items = list.items().iter();
        items
            .map(|item| self.located(item, item.text().unwrap_or_default().to_owned()))
            .collect()
    }
}

fn policy_rule(node: &Node) -> PolicyRule {
    PolicyRule {
        api_groups: texts(node, "apiGroups"),
        resources: texts(node, "resources"),
        resource_names: texts(node, "resourceNames"),
        non_resource_urls: texts(node, "nonResourceURLs"),
        verbs: texts(node, "verbs"),
    }
}

fn items<'a>(node: &'a Node, key: &str) -> &'a [Node] {
    node.get(key).map(Node::items).unwrap_or_default()
}

/// The texts of a list, null as the empty text.
fn texts(node: &Node, key: &str) -> Vec<String> {
    let items = items(node, key).iter();
    items
        .map(|item| item.text().unwrap_or_default().to_owned())
        .collect()
}
