//! From the names of policies and roles of the files to their ARNs, once the account is known: every kind sees ARNs alone.

use std::borrow::Cow;

use super::{
    assumable_role::named_role, cluster_access::MappingSubject, cluster_config::ClusterConfig,
    location::SourceLocation, managed_policy::named_policy,
};
use eksact_identity::iam::{Arn, Partition};

/// A place that names a role: the text, and where it stands.
type RoleReference<'a> = (&'a str, Option<&'a SourceLocation>);

impl ClusterConfig {
    /// Every place in which the ARN of a role may stand that people assume.
    pub(super) fn role_references(&self) -> impl Iterator<Item = RoleReference<'_>> {
        let entries = self.access_entries.entries.iter().map(|entry| {
            let principal = &entry.principal_arn;
            (principal.value.as_str(), principal.location.as_ref())
        });
        let mappings = self.access.identity_mappings.iter();
        let mappings = mappings.filter_map(|mapping| match &mapping.subject {
            MappingSubject::Arn(arn) => Some((arn.as_str(), mapping.location.as_ref())),
            _ => None,
        });
        let let_in = self.access.roles.iter().flat_map(|role| &role.assumed_by.roles);
        let let_in = let_in.map(|role| (role.value.as_str(), role.location.as_ref()));
        entries.chain(mappings).chain(let_in)
    }

    /// The same with ARNs of this account in the place of names. A name that the files do not have stays; validation refuses it.
    pub fn with_arns(&self, partition: Partition, account: &str) -> Cow<'_, Self> {
        let names_policy = self
            .policy_references()
            .any(|reference| named_policy(&reference.value).is_some());
        let names_role = self.role_references().any(|(text, _)| named_role(text).is_some());
        if !names_policy && !names_role {
            return Cow::Borrowed(self);
        }
        let mut config = self.clone();
        let names = std::mem::take(&mut config.names);
        for reference in config.policy_references_mut() {
            if let Some(arn) = names.policy_arn(&reference.value, partition, account) {
                reference.value = arn;
            }
        }
        for entry in &mut config.access_entries.entries {
            if let Some(arn) = names.role_arn(&entry.principal_arn.value, partition, account) {
                entry.principal_arn.value = arn;
            }
        }
        for mapping in &mut config.access.identity_mappings {
            if let MappingSubject::Arn(text) = &mut mapping.subject
                && let Some(name) = named_role(text)
                && names.roles.contains_key(name)
            {
                // `aws-auth` names a role without its path.
                *text = Arn::iam(partition, account, &format!("role/{name}")).to_string();
            }
        }
        config.names = names;
        Cow::Owned(config)
    }
}
