//! From an entry of the configuration to the entry of `aws-auth` that stands for it: its ARN judged, services and
//! permission sets resolved. Pure.

use super::{delta::WantedMapping, permission_set, section::Section};
use crate::{
    config::cluster_access::{IdentityMapping, MappingSubject},
    engine::{Address, Finding, Severity},
    iam::{Arn, Partition, arn::is_account_id},
    resources::Live,
};

/// eksctl's name of the only service that it maps (eksctl 0.231, `actions/iamidentitymapping/create.go`).
pub const EMR_CONTAINERS: &str = "emr-containers";
/// The role that EMR on EKS makes for itself in every account.
const EMR_CONTAINERS_ROLE: &str = "AWSServiceRoleForAmazonEMRContainers";

/// What a mapping of the configuration stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// An entry of `mapRoles` or `mapUsers`.
    Mapping(WantedMapping),
    /// An entry of `mapAccounts`.
    Account(String),
}

impl Wanted {
    /// What the authenticator compares it by.
    pub(super) fn key(&self) -> String {
        match self {
            Self::Mapping(mapping) => mapping.arn.to_lowercase(),
            Self::Account(account) => account.clone(),
        }
    }

    /// The address of its change.
    pub(super) fn address(&self) -> Address {
        match self {
            Self::Mapping(mapping) => super::address(&mapping.arn),
            Self::Account(account) => super::address(account),
        }
    }
}

/// Resolves a mapping, or says why it cannot stand in `aws-auth`.
pub(super) fn resolve(mapping: &IdentityMapping, live: &Live) -> Result<Wanted, Box<Finding>> {
    let (arn, username) = match &mapping.subject {
        MappingSubject::Account(account) => return Ok(Wanted::Account(account.clone())),
        MappingSubject::Arn(arn) => (arn.clone(), mapping.username.clone()),
        MappingSubject::PermissionSet { name, account } => {
            let arn = permission_set::resolve(name, account.as_deref(), live)
                .map_err(|finding| Box::new(finding.at(mapping.location.as_ref())))?;
            (arn, mapping.username.clone())
        }
        MappingSubject::Service { .. } => {
            let role = format!("role/{EMR_CONTAINERS_ROLE}");
            let arn = Arn::iam(live.partition, &live.account, &role).to_string();
            (arn, Some(EMR_CONTAINERS.to_owned()))
        }
    };
    let section = judge(&arn, live.partition).map_err(|wrong| {
        let finding = Finding::new(Severity::Error, wrong.code, wrong.message)
            .about(&super::address(&arn))
            .at(mapping.location.as_ref());
        Box::new(match wrong.help {
            Some(help) => finding.with_help(help),
            None => finding,
        })
    })?;
    Ok(Wanted::Mapping(WantedMapping {
        section,
        arn,
        username,
        groups: mapping.groups.clone(),
    }))
}

/// Why an ARN would never let anybody in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    code: &'static str,
    message: String,
    help: Option<String>,
}

/// The section in which a mapping of this ARN belongs, or why it would never match: the authenticator compares the
/// entry with the principal's canonical ARN, which is `role/NAME` for a role of whatever path
/// (aws-iam-authenticator 0.7.18, `pkg/arn/arn.go`).
pub(super) fn judge(text: &str, partition: Partition) -> Result<Section, Wrong> {
    let wrong = |code, message: String, help: Option<String>| Wrong { code, message, help };
    let arn: Arn = text
        .parse()
        .map_err(|error: crate::iam::ArnError| wrong("mapping-arn", error.to_string(), None))?;
    let instead = |resource: &str| Arn::iam(arn.partition, &arn.account, resource).to_string();
    if arn.resource.contains(['*', '?']) {
        let message = format!("{text} has a wildcard, and aws-auth knows none: it would never match");
        let help = "Name every role and user, or the whole account by `account`.";
        return Err(wrong("mapping-arn-wildcard", message, Some(help.to_owned())));
    }
    if arn.partition != partition {
        let message = format!(
            "{text} is of the partition {}, and the cluster of {partition}: it would never match",
            arn.partition
        );
        return Err(wrong("mapping-arn-partition", message, None));
    }
    if !is_account_id(&arn.account) {
        let message = format!("{text} names no account of twelve digits: it would never match");
        return Err(wrong("mapping-arn", message, None));
    }
    let (kind, rest) = arn.resource.split_once('/').unwrap_or((&arn.resource, ""));
    match (arn.service.as_str(), kind) {
        ("iam", "role") if rest.contains('/') => {
            let name = rest.rsplit('/').next().unwrap_or(rest);
            let message =
                format!("{text} has a path, and a cluster sees roles without theirs: it would never match");
            let help = format!("Write {}.", instead(&format!("role/{name}")));
            Err(wrong("mapping-arn-role-path", message, Some(help)))
        }
        ("iam", "role") if !rest.is_empty() => Ok(Section::Roles),
        ("iam", "user") if !rest.is_empty() => Ok(Section::Users),
        ("iam", "root") if rest.is_empty() => Ok(Section::Users),
        ("sts", "federated-user") if !rest.is_empty() => Ok(Section::Users),
        ("sts", "assumed-role") => {
            let role = rest.split('/').next().unwrap_or(rest);
            let message = format!("{text} is of one session, and aws-auth names roles: it would never match");
            let help = format!("Write {}.", instead(&format!("role/{role}")));
            Err(wrong("mapping-arn-assumed-role", message, Some(help)))
        }
        ("iam", "group") => {
            let message = format!("{text} is an IAM group, and a cluster does not see the groups of a user");
            let help = "Map a role that the group may assume.".to_owned();
            Err(wrong("mapping-arn-group", message, Some(help)))
        }
        _ => {
            let message = format!("{text} is neither a role nor a user: nobody comes to a cluster under it");
            Err(wrong("mapping-arn", message, None))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_match_is_written() {
        let table = [
            ("arn:aws:iam::111122223333:role/dev", Ok(Section::Roles)),
            ("arn:aws:iam::111122223333:user/ann", Ok(Section::Users)),
            ("arn:aws:iam::111122223333:user/path/ann", Ok(Section::Users)),
            ("arn:aws:iam::111122223333:root", Ok(Section::Users)),
            ("arn:aws:sts::111122223333:federated-user/bob", Ok(Section::Users)),
            (
                "arn:aws:iam::111122223333:role/teams/dev",
                Err(("mapping-arn-role-path", Some("Write arn:aws:iam::111122223333:role/dev."))),
            ),
            (
                "arn:aws:sts::111122223333:assumed-role/dev/session",
                Err(("mapping-arn-assumed-role", Some("Write arn:aws:iam::111122223333:role/dev."))),
            ),
            (
                "arn:aws:iam::111122223333:group/devs",
                Err(("mapping-arn-group", Some("Map a role that the group may assume."))),
            ),
            (
                "arn:aws:iam::111122223333:role/dev-*",
                Err((
                    "mapping-arn-wildcard",
                    Some("Name every role and user, or the whole account by `account`."),
                )),
            ),
            ("arn:aws-cn:iam::111122223333:role/dev", Err(("mapping-arn-partition", None))),
            ("arn:aws:iam::1111:role/dev", Err(("mapping-arn", None))),
            ("arn:aws:iam:::role/dev", Err(("mapping-arn", None))),
            ("arn:aws:iam::111122223333:role/", Err(("mapping-arn", None))),
            ("arn:aws:ec2::111122223333:role/dev", Err(("mapping-arn", None))),
            ("dev", Err(("mapping-arn", None))),
        ];
        for (arn, expected) in table {
            let judged = judge(arn, Partition::Aws);
            let judged = judged
                .as_ref()
                .map(|section| *section)
                .map_err(|wrong| (wrong.code, wrong.help.as_deref()));
            assert_eq!(judged, expected, "{arn}");
        }
    }
}
