//! From an entry of the configuration to the entry of `aws-auth` that stands for it: services and permission sets
//! resolved. Pure.

use super::{delta::WantedMapping, permission_set};
use crate::{
    authn::aws_auth::SectionKey,
    config::cluster_access::{IdentityMapping, MappingSubject},
    engine::Finding,
    iam::Arn,
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
    let section = section_of(&arn);
    Ok(Wanted::Mapping(WantedMapping {
        section,
        arn,
        username,
        groups: (!mapping.keep_groups).then(|| mapping.groups.clone()),
    }))
}

/// The section in which a mapping of this ARN belongs. That it can match at all, the configuration's check has seen to.
fn section_of(arn: &str) -> SectionKey {
    let is_role = arn
        .splitn(6, ':')
        .nth(5)
        .is_some_and(|resource| resource.starts_with("role/"));
    if is_role {
        SectionKey::Roles
    } else {
        SectionKey::Users
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_and_everybody_else() {
        let table = [
            ("arn:aws:iam::111122223333:role/dev", SectionKey::Roles),
            ("arn:aws:iam::111122223333:user/role/ann", SectionKey::Users),
            ("arn:aws:sts::111122223333:federated-user/bob", SectionKey::Users),
        ];
        for (arn, section) in table {
            assert_eq!(section_of(arn), section, "{arn}");
        }
    }
}
