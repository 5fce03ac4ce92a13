//! The group names and placeholders that have a meaning, and what is nearly one of them.

/// The groups of Kubernetes and EKS that people map to.
pub const SYSTEM_GROUPS: [&str; 12] = [
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
pub const PLACEHOLDERS: [&str; 5] = [
    "{{EC2PrivateDNSName}}",
    "{{AccountID}}",
    "{{SessionName}}",
    "{{SessionNameRaw}}",
    "{{AccessKeyID}}",
];

/// Groups that are many: every namespace and every bootstrap token may have one.
const FAMILIES: [&str; 2] = ["system:serviceaccounts:", "system:bootstrappers:"];
/// Longer names are nobody's slip, and comparing them costs memory.
const LONGEST_SLIP: usize = 64;

/// Whether a group is one of Kubernetes' or EKS's own.
pub fn is_system_group(group: &str) -> bool {
    SYSTEM_GROUPS.contains(&group) || FAMILIES.iter().any(|family| group.starts_with(family))
}

/// The system group that is nearly written.
pub fn misspelt(group: &str) -> Option<&'static str> {
    if is_system_group(group) || group.len() > LONGEST_SLIP {
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
