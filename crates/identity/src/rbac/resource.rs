//! The resources that every API server of Kubernetes 1.36 has, as kubectl finds them: by plural, singular or short name, with
//! or without their API group.

use std::sync::LazyLock;

/// A resource of Kubernetes itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuiltinResource {
    /// Plural, lower case.
    pub plural: &'static str,
    /// API group, `""` for the core one.
    pub group: &'static str,
    /// Whether its objects are in namespaces.
    pub namespaced: bool,
    /// Singular.
    pub singular: &'static str,
    /// Short names.
    pub short: Vec<&'static str>,
    /// Its sub-resources.
    pub subresources: Vec<&'static str>,
}

/// Resources that RBAC knows and no API serves: what is impersonated, and signers
/// (`endpoints/filters/impersonation`, `plugin/pkg/admission/certificates`).
const VIRTUAL: [(&str, &str, bool); 5] = [
    ("users", "", false),
    ("groups", "", false),
    ("uids", "authentication.k8s.io", false),
    ("userextras", "authentication.k8s.io", false),
    ("signers", "certificates.k8s.io", false),
];

static BUILTIN: LazyLock<Vec<BuiltinResource>> = LazyLock::new(|| {
    let lines = include_str!("builtin_resources.txt").lines();
    let list = |text: &'static str| text.split(',').filter(|part| !part.is_empty()).collect();
    let served = lines.filter(|line| !line.starts_with('#')).filter_map(|line| {
        match line.split('|').collect::<Vec<_>>().as_slice() {
            [plural, group, scope, singular, short, subresources] => Some(BuiltinResource {
                plural,
                group,
                namespaced: *scope == "namespaced",
                singular,
                short: list(short),
                subresources: list(subresources),
            }),
            _ => None,
        }
    });
    let not_served = VIRTUAL.iter().map(|(plural, group, namespaced)| BuiltinResource {
        plural,
        group,
        namespaced: *namespaced,
        singular: "",
        short: Vec::new(),
        subresources: Vec::new(),
    });
    served.chain(not_served).collect()
});

/// `deployments` and `apps` of `deployments.apps` and of `deployments.v1.apps`: the version plays no part.
pub fn split_group(name: &str) -> Option<(&str, &str)> {
    let (word, group) = name.split_once('.')?;
    let is_version = |part: &str| {
        let mut rest = part.strip_prefix('v').unwrap_or_default().chars().peekable();
        let starts = rest.peek().is_some_and(char::is_ascii_digit);
        let numbers = rest.filter(|letter| !letter.is_ascii_digit()).collect::<String>();
        starts && ["", "alpha", "beta"].contains(&numbers.as_str())
    };
    match group.split_once('.') {
        Some((version, group)) if is_version(version) => Some((word, group)),
        _ => Some((word, group)),
    }
}

/// The resource of this name: `pods`, `pod`, `po`, `deployments.apps`, `deploy.apps`. Of events, which two groups have alike,
/// those of the core group, as kubectl does. None where Kubernetes has none.
pub fn find_resource(name: &str) -> Option<&'static BuiltinResource> {
    let lower = name.to_lowercase();
    let (word, group) = match split_group(&lower) {
        Some((word, group)) => (word, Some(group)),
        None => (lower.as_str(), None),
    };
    let is_called = |one: &&BuiltinResource| {
        !word.is_empty()
            && (one.plural == word || one.singular == word || one.short.contains(&word))
            && group.is_none_or(|group| one.group == group)
    };
    // A test sees to it that no other name is in two groups.
    BUILTIN.iter().find(is_called)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn resources_are_found_under_each_of_their_names() {
        for (name, plural, group, namespaced) in [
            ("pods", "pods", "", true),
            ("pod", "pods", "", true),
            ("po", "pods", "", true),
            ("Deployment", "deployments", "apps", true),
            ("deploy.apps", "deployments", "apps", true),
            ("deployments.v1.apps", "deployments", "apps", true),
            ("ns", "namespaces", "", false),
            ("nodes", "nodes", "", false),
            ("ev", "events", "", true),
            ("events.events.k8s.io", "events", "events.k8s.io", true),
            (
                "clusterrolebinding",
                "clusterrolebindings",
                "rbac.authorization.k8s.io",
                false,
            ),
            ("sa", "serviceaccounts", "", true),
            ("users", "users", "", false),
        ] {
            let found = find_resource(name).unwrap();
            assert_eq!(
                (found.plural, found.group, found.namespaced),
                (plural, group, namespaced),
                "{name}"
            );
        }
        for name in ["widgets", "pods.apps", "", "deployments.extensions"] {
            assert_eq!(find_resource(name), None, "{name}");
        }
        let pods = find_resource("pods").unwrap();
        assert!(pods.subresources.contains(&"exec") && pods.subresources.contains(&"ephemeralcontainers"));
        let names: BTreeSet<&str> = BUILTIN.iter().map(|one| one.plural).collect();
        assert!(
            names.len() > 60 && names.len() + 1 == BUILTIN.len(),
            "events alone are twice there"
        );
    }
}
