//! Whether a configuration can be meant: eksctl's own rules and the ones that eksctl misses, against AWS's and
//! Kubernetes' grammars and limits. Works on plain values, so that objects from flags pass the same door as a file.
//!
//! `sections` alone looks at the tree: it checks what eksact does not manage and so has no values for.

mod access_entry;
pub(super) mod assumable_role;
pub(super) mod cluster_account;
pub(super) mod duplicates;
pub(super) mod group_access;
pub(super) mod identity_mapping;
mod identity_provider;
mod kubernetes_names;
mod limits;
pub(super) mod managed_policy;
pub(super) mod place;
mod pod_identity_association;
mod principal_arn;
pub(super) mod role_circles;
pub(super) mod sections;
mod service_account;
pub(super) mod shared_role;
mod tags;
mod uniqueness;

#[cfg(test)]
mod access_tests;
#[cfg(test)]
mod tests;

pub(crate) use kubernetes_names::is_label;

use super::cluster_config::ClusterConfig;
use super::diagnostic::Diagnostic;
use super::document::DocumentKind;
use super::finding::{Finding, Findings};
use super::path::FieldPath;
use eksact_identity::iam::Partition;
use eksact_message::code::Code;

/// Checks a configuration that was built from flags. Gives errors and warnings; locations are those that the values carry.
///
/// `load` has called this already for what comes from a file.
pub fn validate(config: &ClusterConfig) -> Vec<Diagnostic> {
    let list = FieldPath::of(identity_mapping::list_key(DocumentKind::ClusterConfig));
    let listed: Vec<_> = duplicates::Listed::all(0, &list, &config.access.identity_mappings).collect();
    let (_, duplicates) = duplicates::of_mappings(&listed);
    check(config)
        .into_vec()
        .into_iter()
        .chain(managed_policy::unknown_names(config))
        .chain(assumable_role::unknown_names(config))
        .chain(duplicates.into_iter().map(|duplicate| duplicate.finding))
        .map(Finding::into_diagnostic)
        .collect()
}

pub(super) fn check(config: &ClusterConfig) -> Findings {
    let mut findings = Findings::default();
    metadata(config, &mut findings);
    let accounts = &config.iam.service_accounts;
    if !accounts.is_empty() && !config.iam.with_oidc.value {
        findings.push(
            Finding::error(
                Code::OidcDisabled,
                FieldPath::of("iam.withOIDC"),
                "iam.withOIDC must be enabled explicitly for iam.serviceAccounts to be created",
            )
            .help(remedy!("write `withOIDC: true` under `iam`"))
            .located(config.iam.with_oidc.location.as_ref())
            .explained_from_below(),
        );
    }
    let partition = Partition::of_region(&config.metadata.region.value);
    for (index, account) in accounts.iter().enumerate() {
        if findings.is_full() {
            break;
        }
        let path = FieldPath::of("iam.serviceAccounts").index(index);
        service_account::check(account, partition, &path, &mut findings);
        tags::check(&config.metadata.tags, account, &path, &mut findings);
        limits::check(account, partition, &path, &mut findings);
    }
    uniqueness::check(config, &mut findings);
    pod_identity_association::check(config, partition, &mut findings);
    access_entry::check(&config.access_entries.entries, partition, &mut findings);
    identity_provider::check(config, &mut findings);
    let list = FieldPath::of(identity_mapping::list_key(DocumentKind::ClusterConfig));
    for (index, mapping) in config.access.identity_mappings.iter().enumerate() {
        if findings.is_full() {
            break;
        }
        identity_mapping::check(mapping, partition, &list.index(index), &mut findings);
    }
    findings
}

fn metadata(config: &ClusterConfig, findings: &mut Findings) {
    let (name, region) = (&config.metadata.name, &config.metadata.region);
    let misplaced: [(_, _, _, fn(&str) -> Option<place::Misplaced>); 2] = [
        (
            Code::ClusterName,
            "metadata.name",
            name,
            place::not_a_cluster_name,
        ),
        (Code::Region, "metadata.region", region, place::not_a_region),
    ];
    for (code, path, text, check) in misplaced {
        // What is not there is reported as that.
        if let Some(told) = check(&text.value).filter(|_| !text.value.is_empty()) {
            findings.push(
                Finding::error(code, FieldPath::of(path), told.message(&text.value))
                    .help(told.help)
                    .located(text.location.as_ref()),
            );
        }
    }
    tags::check_cluster(&config.metadata.tags, findings);
}
