//! EKS's access policies: their names, and what each allows in a few words.
//!
//! EKS tells names and ARNs alone (`ListAccessPolicies`); what they allow is on a page of the user guide, with fixed lists of
//! rules: <https://docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html>. The differences from the roles
//! of the same names in Kubernetes 1.36 were computed from that page and from
//! `plugin/pkg/auth/authorizer/rbac/bootstrappolicy`. AWS changes the policies; so none of this decides anything alone.

use crate::iam::Partition;

/// The policy that allows everything.
pub const CLUSTER_ADMIN: &str = "AmazonEKSClusterAdminPolicy";

/// An access policy, as far as eksact knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownPolicy {
    /// Its name.
    pub name: &'static str,
    /// What it allows; ends "it may …".
    pub allows: &'static str,
    /// What it does not allow although the role of the same name in Kubernetes does.
    pub lacks: Option<&'static str>,
    /// Whether it is for principals of AWS's own services alone.
    pub is_for_services: bool,
}

/// Custom resources are never in a policy: it has no aggregation.
const LACKS: &str = "custom resources, `create pods/eviction` (kubectl drain), `create serviceaccounts/token`, leases, \
                     events.k8s.io and resource.k8s.io";

/// Every policy that eksact knows.
pub const KNOWN: [KnownPolicy; 23] = [
    known(
        CLUSTER_ADMIN,
        "do everything, in every namespace and in the cluster itself",
        None,
    ),
    known(
        "AmazonEKSAdminPolicy",
        "read and write what is in its namespaces, with Secrets, Roles and RoleBindings, and act as their service accounts",
        Some(LACKS),
    ),
    known(
        "AmazonEKSEditPolicy",
        "read and write what is in its namespaces, with Secrets, and act as their service accounts; no Roles",
        Some(LACKS),
    ),
    known(
        "AmazonEKSViewPolicy",
        "read what is in its namespaces, without Secrets",
        Some("custom resources, events.k8s.io and resource.k8s.io"),
    ),
    known(
        "AmazonEKSAdminViewPolicy",
        "read everything, with Secrets and custom resources",
        None,
    ),
    known("AmazonEKSSecretReaderPolicy", "read Secrets", None),
    of_service("AmazonEKSAutoNodePolicy", "what nodes of EKS Auto Mode need"),
    of_service(
        "AmazonEKSBlockStoragePolicy",
        "what EKS Auto Mode needs for volumes",
    ),
    of_service(
        "AmazonEKSBlockStorageClusterPolicy",
        "what EKS Auto Mode needs for volumes",
    ),
    of_service("AmazonEKSComputePolicy", "what EKS Auto Mode needs for nodes"),
    of_service(
        "AmazonEKSComputeClusterPolicy",
        "what EKS Auto Mode needs for nodes",
    ),
    of_service("AmazonEKSHybridPolicy", "what EKS needs for hybrid nodes"),
    of_service(
        "AmazonEKSClusterInsightsPolicy",
        "what EKS needs for cluster insights",
    ),
    of_service(
        "AmazonEKSLoadBalancingPolicy",
        "what EKS Auto Mode needs for load balancers",
    ),
    of_service(
        "AmazonEKSLoadBalancingClusterPolicy",
        "what EKS Auto Mode needs for load balancers",
    ),
    of_service(
        "AmazonEKSNetworkingPolicy",
        "what EKS Auto Mode needs for networking",
    ),
    of_service(
        "AmazonEKSNetworkingClusterPolicy",
        "what EKS Auto Mode needs for networking",
    ),
    of_service("AmazonEMRJobPolicy", "what Amazon EMR needs for jobs"),
    of_service(
        "AmazonSagemakerHyperpodClusterPolicy",
        "what SageMaker HyperPod needs",
    ),
    of_service(
        "AmazonSagemakerHyperpodControllerPolicy",
        "what SageMaker HyperPod needs",
    ),
    of_service(
        "AmazonSagemakerHyperpodSystemNamespacePolicy",
        "what SageMaker HyperPod needs",
    ),
    of_service(
        "AmazonAIOpsAssistantPolicy",
        "what CloudWatch investigations need",
    ),
    of_service(
        "AmazonARCRegionSwitchScalingPolicy",
        "what ARC Region switch needs for scaling",
    ),
];

const fn known(name: &'static str, allows: &'static str, lacks: Option<&'static str>) -> KnownPolicy {
    KnownPolicy {
        name,
        allows,
        lacks,
        is_for_services: false,
    }
}

const fn of_service(name: &'static str, allows: &'static str) -> KnownPolicy {
    KnownPolicy {
        name,
        allows,
        lacks: None,
        is_for_services: true,
    }
}

/// The policy of this ARN or name, where eksact knows it.
pub fn known_policy(arn_or_name: &str) -> Option<&'static KnownPolicy> {
    let name = arn_or_name.rsplit('/').next().unwrap_or(arn_or_name);
    KNOWN.iter().find(|policy| policy.name == name)
}

/// The ARN of an access policy: `arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy`.
pub fn policy_arn(partition: Partition, name: &str) -> String {
    format!("arn:{partition}:eks::aws:cluster-access-policy/{name}")
}

/// The name in the ARN of an access policy; none where it is not one's.
pub fn policy_name(arn: &str) -> Option<&str> {
    let (head, name) = arn.split_once(":eks::aws:cluster-access-policy/")?;
    let is_arn = head
        .strip_prefix("arn:")
        .is_some_and(|partition| !partition.contains(':'));
    (is_arn && !name.is_empty() && !name.contains('/')).then_some(name)
}

/// What EKS does not allow a user name or group of an access entry to begin with; `sts:` it does.
pub const RESERVED_PREFIXES: [&str; 5] = ["system:", "eks:", "aws:", "amazon:", "iam:"];

/// The prefix that EKS does not allow this user name or group of an access entry to begin with.
pub fn reserved_prefix(name: &str) -> Option<&'static str> {
    RESERVED_PREFIXES
        .into_iter()
        .find(|prefix| name.starts_with(prefix))
}

/// The templates that EKS fills in for an entry of type `STANDARD`
/// (<https://docs.aws.amazon.com/eks/latest/userguide/set-custom-username.html>).
const TEMPLATES: [&str; 2] = ["{{SessionName}}", "{{SessionNameRaw}}"];

/// Whether a user name has a template that EKS does not fill in for access entries.
pub fn has_other_template(username: &str) -> bool {
    TEMPLATES
        .iter()
        .fold(username.to_owned(), |rest, template| rest.replace(template, ""))
        .contains("{{")
}

/// Whether a template for the session's name stands in this user name without a colon somewhere before it, which EKS refuses
/// (<https://docs.aws.amazon.com/eks/latest/userguide/set-custom-username.html>).
pub fn template_without_colon(username: &str) -> Option<&'static str> {
    TEMPLATES.into_iter().find(|template| {
        username
            .find(template)
            .and_then(|at| username.get(..at))
            .is_some_and(|before| !before.contains(':'))
    })
}

/// Whether a namespace of an access scope stands for this name: `*` is any text.
pub fn scope_matches(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(mut left) = name.strip_prefix(start) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        match left.split_once(part) {
            Some((_, after)) => left = after,
            None => return false,
        }
    }
    left.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn access_policy_arns_are_told_from_others() {
        let arn = policy_arn(Partition::China, "AmazonEKSViewPolicy");
        assert_eq!(
            arn,
            "arn:aws-cn:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
        );
        assert_eq!(policy_name(&arn), Some("AmazonEKSViewPolicy"));
        for other in [
            "arn:aws:iam::aws:policy/AmazonEKSViewPolicy",
            "AmazonEKSViewPolicy",
            "arn:aws:eks::aws:cluster-access-policy/",
            "arn:aws:eks::aws:cluster-access-policy/a/b",
        ] {
            assert_eq!(policy_name(other), None, "{other}");
        }
        let names: std::collections::BTreeSet<&str> = KNOWN.iter().map(|policy| policy.name).collect();
        assert_eq!(names.len(), KNOWN.len());
    }

    #[test]
    fn names_that_eks_reserves() {
        for (name, prefix) in [
            ("system:masters", Some("system:")),
            ("eks:x", Some("eks:")),
            ("aws:x", Some("aws:")),
            ("amazon:x", Some("amazon:")),
            ("iam:x", Some("iam:")),
            ("sts:x", None),
            ("my-system:x", None),
            ("System:x", None),
        ] {
            assert_eq!(reserved_prefix(name), prefix, "{name}");
        }
        for (name, template) in [
            ("john{{SessionName}}", Some("{{SessionName}}")),
            ("jo:{{SessionName}}", None),
            ("jo:hn{{SessionName}}", None),
            ("{{SessionNameRaw}}", Some("{{SessionNameRaw}}")),
            ("john", None),
        ] {
            assert_eq!(template_without_colon(name), template, "{name}");
        }
    }

    #[test]
    fn namespaces_match_with_wildcards() {
        for (pattern, name, expected) in [
            ("dev", "dev", true),
            ("dev", "dev-a", false),
            ("dev-*", "dev-a", true),
            ("dev-*", "dev", false),
            ("*", "anything", true),
            ("*-dev", "a-dev", true),
            ("*-dev", "a-dev-b", false),
            ("a*b*c", "a1b2c", true),
            ("a*b*c", "a1c", false),
        ] {
            assert_eq!(scope_matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
