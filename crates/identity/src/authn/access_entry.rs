//! Access entries of EKS by their types: what EKS derives for each where nothing is said.
//!
//! Source: <https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html>.

/// The type of people and programs; the others are for nodes.
pub const STANDARD: &str = "STANDARD";

/// The type of nodes of EKS Auto Mode, the only one of nodes that takes access policies.
pub const EC2: &str = "EC2";

/// Every type, that of people first.
pub const TYPES: [&str; 7] = [
    STANDARD,
    "EC2_LINUX",
    "EC2_WINDOWS",
    "FARGATE_LINUX",
    "HYBRID_LINUX",
    EC2,
    "HYPERPOD_LINUX",
];

/// Whether entries of this type are for nodes: EKS fills in their user name and groups, and takes none.
pub fn is_for_nodes(entry_type: &str) -> bool {
    entry_type != STANDARD
}

/// Whether entries of this type may have access policies.
pub fn takes_policies(entry_type: &str) -> bool {
    [STANDARD, EC2].contains(&entry_type)
}

/// The user name that EKS gives an entry of this type that was given none. A role's path is not in it.
pub fn derived_username(entry_type: &str, principal_arn: &str) -> String {
    match entry_type {
        STANDARD => {}
        "EC2_LINUX" | "EC2_WINDOWS" | EC2 => return "system:node:{{EC2PrivateDNSName}}".to_owned(),
        _ => return "system:node:{{SessionName}}".to_owned(),
    }
    match principal_arn.split_once(":role/") {
        Some((head, path_and_name)) => {
            let name = path_and_name.rsplit('/').next().unwrap_or_default();
            let head = head.replacen(":iam:", ":sts:", 1);
            format!("{head}:assumed-role/{name}/{{{{SessionName}}}}")
        }
        None => principal_arn.to_owned(),
    }
}

/// Whether a role is a service-linked one, of whose entry EKS lets nobody but the service decide.
pub fn is_service_linked(principal_arn: &str) -> bool {
    principal_arn.contains(":role/aws-service-role/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_names_that_eks_derives() {
        for (entry_type, principal, username) in [
            (
                STANDARD,
                "arn:aws:iam::111122223333:role/team/dev",
                "arn:aws:sts::111122223333:assumed-role/dev/{{SessionName}}",
            ),
            (
                STANDARD,
                "arn:aws-cn:iam::111122223333:user/team/ann",
                "arn:aws-cn:iam::111122223333:user/team/ann",
            ),
            (
                "EC2_LINUX",
                "arn:aws:iam::111122223333:role/node",
                "system:node:{{EC2PrivateDNSName}}",
            ),
            (
                "FARGATE_LINUX",
                "arn:aws:iam::111122223333:role/pods",
                "system:node:{{SessionName}}",
            ),
        ] {
            assert_eq!(derived_username(entry_type, principal), username);
        }
    }
}
