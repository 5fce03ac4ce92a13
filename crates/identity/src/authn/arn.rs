//! The canonical ARN of a caller: what the server compares with the entries of aws-auth.
//!
//! STS names the session of a role, and the mapping names the role; the server turns the one into the other, and with it
//! the role's path is lost, because STS does not say it. Source: `pkg/arn/arn.go` of aws-iam-authenticator 0.7.18.

/// The partitions that the server knows.
pub const KNOWN_PARTITIONS: [&str; 8] = [
    "aws",
    "aws-cn",
    "aws-us-gov",
    "aws-iso",
    "aws-iso-b",
    "aws-iso-e",
    "aws-iso-f",
    "aws-eusc",
];

/// What kind of caller an ARN names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrincipalKind {
    /// A role: `arn:aws:iam::…:role/…`.
    Role,
    /// A user: `arn:aws:iam::…:user/…`.
    User,
    /// The account itself: `arn:aws:iam::…:root`.
    Root,
    /// A federated user: `arn:aws:sts::…:federated-user/…`.
    FederatedUser,
    /// The session of a role: `arn:aws:sts::…:assumed-role/…/…`.
    AssumedRole,
}

/// The ARN that the server compares, and what it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canonical {
    /// The kind of the ARN that was given.
    pub kind: PrincipalKind,
    /// The role's ARN for a session, else the ARN that was given.
    pub arn: String,
}

/// Why an ARN names no caller; the texts are the server's own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CanonicalArnError {
    /// It does not begin with `arn:`.
    #[error("arn '{0}' is invalid: 'arn: invalid prefix'")]
    Prefix(String),
    /// It has fewer than six parts.
    #[error("arn '{0}' is invalid: 'arn: not enough sections'")]
    Sections(String),
    /// Its partition is unknown, or not in lower case.
    #[error("arn '{0}' does not have a recognized partition")]
    Partition(String),
    /// A session without the role's name.
    #[error("assumed-role arn '{0}' does not have a role")]
    NoRole(String),
    /// A kind of thing that cannot sign a request, such as a group.
    #[error("unrecognized resource {resource} for service {service}")]
    Resource {
        /// What stands behind the account.
        resource: String,
        /// `iam` or `sts`.
        service: String,
    },
    /// Neither IAM nor STS.
    #[error("service {service} in arn {arn} is not a valid service for identities")]
    Service {
        /// The service.
        service: String,
        /// The ARN.
        arn: String,
    },
}

/// The canonical form of the ARN that STS names a caller by.
///
/// # Errors
/// When it names no caller.
pub fn canonicalize(arn: &str) -> Result<Canonical, CanonicalArnError> {
    let owned = || arn.to_owned();
    if !arn.starts_with("arn:") {
        return Err(CanonicalArnError::Prefix(owned()));
    }
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let &[_, partition, service, _, account, resource] = parts.as_slice() else {
        return Err(CanonicalArnError::Sections(owned()));
    };
    if !KNOWN_PARTITIONS.contains(&partition) {
        return Err(CanonicalArnError::Partition(owned()));
    }
    let (kind_of, rest) = match resource.split_once('/') {
        Some((kind, rest)) => (kind, Some(rest)),
        None => (resource, None),
    };
    let same = |kind| Ok(Canonical { kind, arn: owned() });
    match (service, kind_of) {
        ("sts", "federated-user") => same(PrincipalKind::FederatedUser),
        ("sts", "assumed-role") => {
            let Some((role, _session)) = rest.and_then(|rest| rest.rsplit_once('/')) else {
                return Err(CanonicalArnError::NoRole(owned()));
            };
            Ok(Canonical {
                kind: PrincipalKind::AssumedRole,
                arn: format!("arn:{partition}:iam::{account}:role/{role}"),
            })
        }
        ("iam", "role") => same(PrincipalKind::Role),
        ("iam", "user") => same(PrincipalKind::User),
        ("iam", "root") => same(PrincipalKind::Root),
        ("sts" | "iam", _) => Err(CanonicalArnError::Resource {
            resource: resource.to_owned(),
            service: service.to_owned(),
        }),
        _ => Err(CanonicalArnError::Service {
            service: service.to_owned(),
            arn: owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_become_their_role_and_the_rest_stays() {
        for (given, kind, canonical) in [
            (
                "arn:aws:sts::1:assumed-role/Admin/S",
                PrincipalKind::AssumedRole,
                "arn:aws:iam::1:role/Admin",
            ),
            (
                "arn:aws-cn:sts::1:assumed-role/Org/Team/Admin/S",
                PrincipalKind::AssumedRole,
                "arn:aws-cn:iam::1:role/Org/Team/Admin",
            ),
            (
                "arn:aws:iam::1:role/path/x",
                PrincipalKind::Role,
                "arn:aws:iam::1:role/path/x",
            ),
            (
                "arn:aws:iam::1:user/p/Alice",
                PrincipalKind::User,
                "arn:aws:iam::1:user/p/Alice",
            ),
            ("arn:aws:iam::1:root", PrincipalKind::Root, "arn:aws:iam::1:root"),
            (
                "arn:aws:sts::1:federated-user/Bob",
                PrincipalKind::FederatedUser,
                "arn:aws:sts::1:federated-user/Bob",
            ),
        ] {
            let arn = canonical.to_owned();
            assert_eq!(canonicalize(given), Ok(Canonical { kind, arn }), "{given}");
        }
    }

    #[test]
    fn arn_of_no_caller_is_refused_in_the_servers_words() {
        for (given, error) in [
            (
                "arn:aws:sts::1:assumed-role/Admin",
                "assumed-role arn 'arn:aws:sts::1:assumed-role/Admin' does not have a role",
            ),
            (
                "arn:aws:iam::1:group/x",
                "unrecognized resource group/x for service iam",
            ),
            (
                "arn:aws:iam::1:rooty",
                "unrecognized resource rooty for service iam",
            ),
            (
                "arn:aws:iam::1:Role/x",
                "unrecognized resource Role/x for service iam",
            ),
            (
                "arn:aws:ec2::1:role/x",
                "service ec2 in arn arn:aws:ec2::1:role/x is not a valid service for identities",
            ),
            (
                "arn:AWS:iam::1:role/x",
                "arn 'arn:AWS:iam::1:role/x' does not have a recognized partition",
            ),
            (
                "ARN:aws:iam::1:role/x",
                "arn 'ARN:aws:iam::1:role/x' is invalid: 'arn: invalid prefix'",
            ),
            (
                " arn:aws:iam::1:role/x",
                "arn ' arn:aws:iam::1:role/x' is invalid: 'arn: invalid prefix'",
            ),
            (
                "arn:aws:iam",
                "arn 'arn:aws:iam' is invalid: 'arn: not enough sections'",
            ),
            ("", "arn '' is invalid: 'arn: invalid prefix'"),
        ] {
            assert_eq!(canonicalize(given).unwrap_err().to_string(), error);
        }
    }
}
