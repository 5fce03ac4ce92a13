//! From an entry of the configuration to the entry of `aws-auth` that stands for it: services and permission sets
//! resolved. Pure.

use eksact_message::code::Code;
use std::collections::{BTreeMap, BTreeSet};

use super::delta::{Delta, WantedMapping};
use crate::{
    config::{
        cluster_access::{EMR_CONTAINERS, IdentityMapping, MappingSubject},
        location::SourceLocation,
    },
    engine::{Finding, PlanDraft, Severity},
    kinds::{Request, permission_set, role_of_files},
    live::Live,
    live::addresses,
};
use eksact_identity::{authn::aws_auth::SectionKey, iam::Arn};

/// The role that EMR on EKS makes for itself in every account.
const EMR_CONTAINERS_ROLE: &str = "AWSServiceRoleForAmazonEMRContainers";

/// What a mapping of the configuration stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum WantedEntry {
    /// An entry of `mapRoles` or `mapUsers`.
    Mapping(WantedMapping),
    /// An entry of `mapAccounts`.
    Account(String),
}

impl WantedEntry {
    /// What the authenticator compares it by.
    pub(super) fn key(&self) -> String {
        match self {
            Self::Mapping(mapping) => mapping.arn.to_lowercase(),
            Self::Account(account) => account.clone(),
        }
    }

    /// Whether both let in the same as the same; the order of groups means nothing.
    fn says_the_same(&self, other: &Self) -> bool {
        let meaning = |wanted: &Self| match wanted {
            Self::Mapping(mapping) => (
                mapping.username.clone(),
                mapping.groups.iter().flatten().cloned().collect::<BTreeSet<_>>(),
            ),
            Self::Account(_) => (None, BTreeSet::new()),
        };
        self.key() == other.key() && meaning(self) == meaning(other)
    }
}

/// What the files want of `aws-auth`.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    /// The entries.
    pub delta: Delta,
    /// Where each principal or account stands in the files, by its key.
    pub sources: BTreeMap<String, Option<SourceLocation>>,
    /// What cannot be resolved, and what is said twice in two ways: it is left out.
    pub findings: Vec<Finding>,
}

/// What the files want of `aws-auth`, resolved.
pub(super) fn wanted_of(request: &Request, live: &Live, draft: &PlanDraft) -> Wanted {
    let mut findings = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut wanted: Vec<(WantedEntry, &IdentityMapping)> = Vec::new();
    let mut contradicted = BTreeSet::new();
    for mapping in &request.config.access.identity_mappings {
        let resolved = match resolve(mapping, live) {
            Ok(resolved) => resolved,
            Err(finding) => {
                findings.push(*finding);
                continue;
            }
        };
        if let WantedEntry::Mapping(wanted) = &resolved
            && let Some(finding) = role_of_files::of_somebody_else(
                request,
                live,
                &wanted.arn,
                &addresses::identity_mapping(&wanted.arn),
                draft,
            )
        {
            contradicted.insert(resolved.key());
            findings.push(finding.at(mapping.location.as_ref()));
        }
        let place = *places.entry(resolved.key()).or_insert(wanted.len());
        match wanted.get(place) {
            None => wanted.push((resolved, mapping)),
            // The same principal by its ARN and by its permission set or service; the configuration's own check, which
            // cannot resolve these, has told of the others.
            Some((first, _)) if first.says_the_same(&resolved) => {}
            Some((first, earlier)) => {
                contradicted.insert(resolved.key());
                findings.push(contradiction(first, earlier, mapping));
            }
        }
    }
    let mut delta = Delta::default();
    let mut sources = BTreeMap::new();
    for (wanted, mapping) in wanted {
        let key = wanted.key();
        let left_out = contradicted.contains(&key);
        sources.insert(key, mapping.location.clone());
        match wanted {
            _ if left_out => {}
            WantedEntry::Mapping(mapping) => delta.set.push(mapping),
            WantedEntry::Account(account) => delta.accounts.push(account),
        }
    }
    Wanted {
        delta,
        sources,
        findings,
    }
}

/// That two entries of the files map one principal, each in its own way.
fn contradiction(first: &WantedEntry, earlier: &IdentityMapping, later: &IdentityMapping) -> Finding {
    let subject = match first {
        WantedEntry::Mapping(mapping) => &mapping.arn,
        WantedEntry::Account(account) => account,
    };
    let place = earlier
        .location
        .as_ref()
        .map_or_else(|| described(&earlier.subject), ToString::to_string);
    let who = match &later.subject {
        MappingSubject::Arn(arn) => format!("{arn} is mapped"),
        other => format!("{} is {subject}, which is mapped", described(other)),
    };
    Finding::new(
        Severity::Error,
        Code::DuplicateMapping,
        format!("{who} already, with another user name or other groups, at {place}"),
    )
    .about(&addresses::identity_mapping(subject))
    .at(later.location.as_ref())
    .with_help(remedy!(
        "Merge the two: EKS uses only the last entry and does not combine groups."
    ))
}

fn described(subject: &MappingSubject) -> String {
    match subject {
        MappingSubject::Arn(arn) => format!("the ARN {arn}"),
        MappingSubject::Account(account) => format!("the account {account}"),
        MappingSubject::PermissionSet { name, .. } => format!("the role of the permission set {name}"),
        MappingSubject::Service { name, namespace } => format!("the role of {name} for {namespace}"),
    }
}

/// Resolves a mapping, or says why it cannot stand in `aws-auth`.
fn resolve(mapping: &IdentityMapping, live: &Live) -> Result<WantedEntry, Box<Finding>> {
    let (arn, username) = match &mapping.subject {
        MappingSubject::Account(account) => return Ok(WantedEntry::Account(account.clone())),
        MappingSubject::Arn(arn) => (arn.clone(), mapping.username.clone()),
        MappingSubject::PermissionSet { name, account } => {
            let address = addresses::identity_mapping(&format!("permission-set/{name}"));
            let arn = permission_set::resolve(name, account.as_deref(), &address, live)
                .map_err(|finding| Box::new(finding.at(mapping.location.as_ref())))?;
            // `aws-auth` names a role without its path.
            let role = format!("role/{}", arn.role_name().unwrap_or_default());
            let arn = Arn::iam(arn.partition, &arn.account, &role).to_string();
            (arn, mapping.username.clone())
        }
        MappingSubject::Service { .. } => (emr_role_arn(live), Some(EMR_CONTAINERS.to_owned())),
    };
    let section = section_of(&arn);
    Ok(WantedEntry::Mapping(WantedMapping {
        section,
        arn,
        username,
        groups: (!mapping.keep_groups).then(|| mapping.groups.clone()),
    }))
}

/// The role that `serviceName: emr-containers` maps.
pub fn emr_role_arn(live: &Live) -> String {
    let role = format!("role/{EMR_CONTAINERS_ROLE}");
    Arn::iam(live.partition, &live.account, &role).to_string()
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
