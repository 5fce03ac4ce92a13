//! The Role and `RoleBinding` of EMR on EKS, as eksctl 0.231 creates them for `serviceName: emr-containers`
//! (`pkg/actions/iamidentitymapping/create.go`), which says what AWS's guide does.

use crate::{
    config::cluster_access::{EMR_CONTAINERS, MappingSubject},
    guard::rbac_rules::normal,
    kinds::Request,
    ports::kubernetes::{PolicyRule, RbacBinding, RbacRole, Subject},
};

/// Verbs on what EMR makes of its own: the last ones are kubectl's, and mean nothing to the API server.
const ALL: &[&str] = &[
    "get", "list", "watch", "describe", "create", "edit", "delete", "annotate", "patch", "label",
];
const ALL_AND_COLLECTIONS: &[&str] = &[
    "get",
    "list",
    "watch",
    "describe",
    "create",
    "edit",
    "delete",
    "deletecollection",
    "annotate",
    "patch",
    "label",
];

/// API groups, resources, verbs.
type Rule = (
    &'static [&'static str],
    &'static [&'static str],
    &'static [&'static str],
);

const RULES: &[Rule] = &[
    (&[""], &["namespaces"], &["get"]),
    (
        &[""],
        &[
            "serviceaccounts",
            "services",
            "configmaps",
            "events",
            "pods",
            "pods/log",
        ],
        ALL_AND_COLLECTIONS,
    ),
    (&[""], &["secrets"], &["create", "patch", "delete", "watch"]),
    (&["apps"], &["statefulsets", "deployments"], ALL),
    (&["batch"], &["jobs"], ALL),
    (&["extensions", "networking.k8s.io"], &["ingresses"], ALL),
    (
        &["rbac.authorization.k8s.io"],
        &["roles", "rolebindings"],
        ALL_AND_COLLECTIONS,
    ),
    (
        &[""],
        &["persistentvolumeclaims"],
        &["create", "list", "delete", "deletecollection"],
    ),
    (
        &["scheduling.volcano.sh"],
        &["podgroups"],
        &["get", "list", "watch", "create", "delete", "update"],
    ),
];

/// The role.
pub(super) fn role(namespace: &str) -> RbacRole {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    RbacRole {
        namespace: Some(namespace.to_owned()),
        name: EMR_CONTAINERS.to_owned(),
        rules: RULES
            .iter()
            .map(|(api_groups, resources, verbs)| PolicyRule {
                api_groups: words(api_groups),
                resources: words(resources),
                verbs: words(verbs),
                ..PolicyRule::default()
            })
            .collect(),
        ..RbacRole::default()
    }
}

/// The binding of the user name that the mapping gives.
pub(super) fn binding(namespace: &str) -> RbacBinding {
    RbacBinding {
        namespace: Some(namespace.to_owned()),
        name: EMR_CONTAINERS.to_owned(),
        role_kind: "Role".to_owned(),
        role_name: EMR_CONTAINERS.to_owned(),
        subjects: vec![Subject {
            kind: "User".to_owned(),
            name: EMR_CONTAINERS.to_owned(),
            namespace: None,
        }],
        ..RbacBinding::default()
    }
}

/// Whether a role is what eksctl and eksact make for EMR and nobody has changed: it bears no label.
pub(super) fn is_its_role(role: &RbacRole) -> bool {
    let its = role.namespace.as_deref().map(self::role);
    its.is_some_and(|its| its.name == role.name && normal(&its.rules) == normal(&role.rules))
}

/// The same of a binding.
pub(super) fn is_its_binding(binding: &RbacBinding) -> bool {
    let its = binding.namespace.as_deref().map(self::binding);
    its.is_some_and(|its| {
        its.name == binding.name
            && (&its.role_kind, &its.role_name) == (&binding.role_kind, &binding.role_name)
            && its.subjects == binding.subjects
    })
}

/// Whether the files give somebody the user name to which EMR's objects are bound, by another mapping than the service's: where it
/// is needed they do not say.
pub(super) fn keeps_its_user(request: &Request) -> bool {
    let mut mappings = request.config.access.identity_mappings.iter();
    mappings.any(|mapping| {
        !matches!(mapping.subject, MappingSubject::Service { .. })
            && mapping.username.as_deref() == Some(EMR_CONTAINERS)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// What eksctl wrote, recorded.
    #[test]
    fn they_are_eksctls() {
        let recorded: Vec<Value> = serde_json::from_str(include_str!(
            "../../../../../tests/fixtures/eksctl-0.231/emr-role-and-binding.json"
        ))
        .unwrap();
        let rules: Vec<PolicyRule> = serde_json::from_value(recorded[0]["rules"].clone()).unwrap();
        assert_eq!(role("emr").rules, rules);
        assert_eq!(recorded[0]["metadata"]["name"], EMR_CONTAINERS);
        let binding = binding("emr");
        assert_eq!(recorded[1]["roleRef"]["kind"], binding.role_kind);
        assert_eq!(recorded[1]["roleRef"]["name"], binding.role_name);
        assert_eq!(recorded[1]["subjects"][0]["kind"], binding.subjects[0].kind);
        assert_eq!(recorded[1]["subjects"][0]["name"], binding.subjects[0].name);
    }
}
