//! What is compared of an object before it is called unchanged, for `explain`: a sentence for each kind of address.

/// What is compared of objects whose address begins with `kind`.
pub fn compared(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "oidc-provider" => {
            "that it exists with the audience sts.amazonaws.com, and the tag of the cluster that names it; its thumbprint \
             only with --check-thumbprint"
        }
        "iam-role" | "pod-identity-role" => {
            "trust policy, managed and inline policies, permissions boundary, a name that the file gives, tags of the stack \
             and of the role, and termination protection, as they are in IAM and CloudFormation now"
        }
        "pod-identity-association" => "role, target role, session tags and the tags that the file gives",
        "service-account" => {
            "the annotation with its role, the labels and annotations that the file gives, and the mark of its owner"
        }
        "namespace" | "addon" => "that it exists",
        "shared-role" => "this cluster's own statement in the trust policy; statements of others are not looked at",
        "rbac-role" => "the rules",
        "rbac-binding" => "the role that it gives, and the subjects",
        "identity-mapping" => {
            "user name and groups, as the authenticator reads them from aws-auth; the order of groups means nothing"
        }
        "access-entry" => "type, user name, groups, access policies with their scopes, and the tags that the file gives",
        "authentication-mode" => "the mode of the cluster",
        "identity-provider" => "its configuration in EKS, and the tags that the file gives",
        _ => return None,
    })
}
