//! The group names and placeholders that have a meaning, and what is nearly one of them.

/// The groups of Kubernetes and EKS that people map to.
const SYSTEM_GROUPS: [&str; 12] = [
    "system:masters",
    "system:nodes",
    "system:bootstrappers",
    "system:node-proxier",
    "system:authenticated",
    "system:unauthenticated",
    "system:serviceaccounts",
    "system:monitoring",
    "system:basic-user",
    "eks:kube-proxy-windows",
    "eks-console-dashboard-full-access-group",
    "eks-console-dashboard-restricted-access-group",
];
/// Groups that mean something without a binding.
pub(super) const BUILT_IN_GROUPS: [&str; 6] = [
    "system:masters",
    "system:nodes",
    "system:bootstrappers",
    "system:authenticated",
    "system:unauthenticated",
    "system:serviceaccounts",
];
/// The placeholders that the server fills.
pub(super) const PLACEHOLDERS: [&str; 5] = [
    "{{EC2PrivateDNSName}}",
    "{{AccountID}}",
    "{{SessionName}}",
    "{{SessionNameRaw}}",
    "{{AccessKeyID}}",
];

/// The system group that is nearly written.
pub(super) fn misspelt(group: &str) -> Option<&'static str> {
    if SYSTEM_GROUPS.contains(&group) {
        return None;
    }
    let near = |known: &&&str| {
        let lower = group.to_ascii_lowercase();
        lower == **known || (lower.len() > 6 && strsim::damerau_levenshtein(&lower, known) < 3)
    };
    SYSTEM_GROUPS.iter().find(near).copied()
}

/// The first `{{…}}` that the server does not fill.
pub(super) fn unknown_placeholder(text: &str) -> Option<&str> {
    let mut rest = text;
    while let Some((_, behind)) = rest.split_once("{{") {
        let (inner, after) = behind.split_once("}}")?;
        if !PLACEHOLDERS
            .iter()
            .any(|known| known.get(2..known.len() - 2) == Some(inner))
        {
            let start = text.len() - behind.len() - 2;
            return text.get(start..start + inner.len() + 4);
        }
        rest = after;
    }
    None
}
