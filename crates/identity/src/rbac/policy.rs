//! What EKS's access policies allow, as rules.
//!
//! EKS tells names and ARNs alone; the rules are on a page of the user guide, which AWS changes:
//! <https://docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html>. They were compared with Kubernetes'
//! roles of the same names (1.36.3): nothing is more, and what is less is taken away here. So an answer that rests on them says
//! their date.

use super::{PolicyRule, bootstrap_rules};
use crate::authn::access_policy::{CLUSTER_ADMIN, policy_name};

/// When the rules were taken from the user guide.
pub const RULES_DATE: &str = "2026-11";

/// API groups of which no policy but those for everything has anything.
const LEFT_OUT_GROUPS: [&str; 3] = ["coordination.k8s.io", "events.k8s.io", "resource.k8s.io"];
/// What `edit` may create and the policies may not.
const LEFT_OUT_CREATIONS: [&str; 2] = ["pods/eviction", "serviceaccounts/token"];

/// The rules of an access policy, by its ARN or name; none where eksact does not know what it allows.
pub fn rules_of_policy(arn_or_name: &str) -> Option<Vec<PolicyRule>> {
    let name = policy_name(arn_or_name).unwrap_or(arn_or_name);
    let reading = &["get", "list", "watch"][..];
    match name {
        CLUSTER_ADMIN => Some(vec![
            rule(&["*"], &["*"], &["*"]),
            PolicyRule {
                non_resource_urls: words(&["*"]),
                verbs: words(&["*"]),
                ..PolicyRule::default()
            },
        ]),
        "AmazonEKSAdminViewPolicy" => Some(vec![rule(&["*"], &["*"], reading)]),
        "AmazonEKSSecretReaderPolicy" => Some(vec![rule(&[""], &["secrets"], reading)]),
        "AmazonEKSAdminPolicy" => of_role("admin"),
        "AmazonEKSEditPolicy" => of_role("edit"),
        "AmazonEKSViewPolicy" => of_role("view"),
        _ => None,
    }
}

fn of_role(role: &str) -> Option<Vec<PolicyRule>> {
    let rules = bootstrap_rules(role)?.into_iter().filter_map(|mut rule| {
        rule.api_groups
            .retain(|group| !LEFT_OUT_GROUPS.contains(&group.as_str()));
        rule.resources
            .retain(|resource| !LEFT_OUT_CREATIONS.contains(&resource.as_str()));
        (!rule.api_groups.is_empty() && !rule.resources.is_empty()).then_some(rule)
    });
    Some(rules.collect())
}

fn rule(groups: &[&str], resources: &[&str], verbs: &[&str]) -> PolicyRule {
    PolicyRule {
        api_groups: words(groups),
        resources: words(resources),
        verbs: words(verbs),
        ..PolicyRule::default()
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Request;
    use super::*;

    #[test]
    fn access_policies_allow_less_than_roles_of_their_names() {
        let may = |policy: &str, verb: &str, group: &str, resource: &str| {
            let request = Request::of(verb, group, resource, Some("app"));
            rules_of_policy(policy)
                .unwrap()
                .iter()
                .any(|rule| rule.allows(&request))
        };
        let (view, edit, admin) = (
            "AmazonEKSViewPolicy",
            "AmazonEKSEditPolicy",
            "AmazonEKSAdminPolicy",
        );
        for (policy, verb, group, resource, expected) in [
            (
                "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy",
                "get",
                "",
                "pods",
                true,
            ),
            (view, "get", "", "secrets", false),
            (view, "get", "", "nodes", false),
            (view, "get", "example.com", "widgets", false),
            (view, "list", "events.k8s.io", "events", false),
            (view, "list", "", "events", true),
            (edit, "create", "", "pods/exec", true),
            (edit, "create", "", "pods/eviction", false),
            (edit, "create", "", "serviceaccounts/token", false),
            (edit, "impersonate", "", "serviceaccounts", true),
            (edit, "get", "coordination.k8s.io", "leases", false),
            (admin, "create", "rbac.authorization.k8s.io", "rolebindings", true),
            (admin, "escalate", "rbac.authorization.k8s.io", "roles", false),
            ("AmazonEKSAdminViewPolicy", "list", "example.com", "widgets", true),
            ("AmazonEKSAdminViewPolicy", "create", "", "pods/exec", false),
            ("AmazonEKSSecretReaderPolicy", "watch", "", "secrets", true),
            (CLUSTER_ADMIN, "anything", "example.com", "widgets/x", true),
        ] {
            assert_eq!(
                may(policy, verb, group, resource),
                expected,
                "{policy} {verb} {group} {resource}"
            );
        }
        assert!(rules_of_policy("AmazonEKSComputePolicy").is_none());
    }
}
