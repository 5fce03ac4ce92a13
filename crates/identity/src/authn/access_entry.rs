//! What EKS lets the names in an access entry be.
//!
//! Source: messages that EKS gives for `CreateAccessEntry`, measured (`pf-eks-accessentry-*` of cdk-preflight, 2026-09), and
//! <https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html>.

/// How user names and groups of an access entry must not begin. The list is closed: `sts:` is allowed.
pub const RESERVED_PREFIXES: [&str; 5] = ["system:", "eks:", "aws:", "amazon:", "iam:"];

/// The reserved prefix that a user name or a group begins with.
pub fn reserved_prefix(name: &str) -> Option<&'static str> {
    RESERVED_PREFIXES
        .into_iter()
        .find(|prefix| name.starts_with(prefix))
}

/// Whether a user name has the name of a session without a colon anywhere before it, which EKS refuses.
pub fn session_without_colon(username: &str) -> bool {
    ["{{SessionName}}", "{{SessionNameRaw}}"].iter().any(|template| {
        username
            .find(template)
            .is_some_and(|at| !username.get(..at).unwrap_or_default().contains(':'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_refused_as_eks_refuses_them() {
        for (name, prefix) in [
            ("system:masters", Some("system:")),
            ("eks:x", Some("eks:")),
            ("aws:x", Some("aws:")),
            ("amazon:x", Some("amazon:")),
            ("iam:x", Some("iam:")),
            ("sts:x", None),
            ("eksact:x", None),
            ("system", None),
        ] {
            assert_eq!(reserved_prefix(name), prefix, "{name}");
        }
        for (name, refused) in [
            ("john{{SessionName}}", true),
            ("{{SessionNameRaw}}", true),
            ("jo:{{SessionName}}", false),
            ("a:b{{SessionNameRaw}}", false),
            ("{{SessionName}}:late", true),
            ("john", false),
        ] {
            assert_eq!(session_without_colon(name), refused, "{name}");
        }
    }
}
