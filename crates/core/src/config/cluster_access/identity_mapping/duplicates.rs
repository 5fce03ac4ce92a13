//! Mappings for the same principal, within a file and across files.

use std::collections::{BTreeMap, BTreeSet};

use super::{IdentityMapping, MappingSubject, list_key};
use crate::config::cluster_access::duplicates::{Duplicate, Listed, MOST_FINDINGS};
use crate::config::diagnostic::quoted;
use crate::config::document::DocumentKind;
use crate::config::finding::Finding;
use crate::config::path::FieldPath;
use eksact_message::code::Code;

/// What is said twice by mappings that stand in no file.
pub(in crate::config) fn of_flags(mappings: &[IdentityMapping]) -> impl Iterator<Item = Finding> {
    let list = FieldPath::of(list_key(DocumentKind::ClusterConfig));
    let listed: Vec<_> = Listed::all(0, &list, mappings).collect();
    let (_, duplicates) = of_mappings(&listed);
    duplicates.into_iter().map(|duplicate| duplicate.finding)
}

/// Finds mappings for the same principal. The authenticator would take the last, and would not join their groups.
/// Gives the places of all of them in `listed`, and what is said about the first hundred. Where that is a warning, the
/// mapping says nothing new and can be left out.
pub(in crate::config::cluster_access) fn of_mappings(
    listed: &[Listed<'_, IdentityMapping>],
) -> (BTreeSet<usize>, Vec<Duplicate>) {
    let mut first: BTreeMap<String, &Listed<'_, IdentityMapping>> = BTreeMap::new();
    let mut duplicates = Vec::new();
    let mut places = BTreeSet::new();
    for (index, one) in listed.iter().enumerate() {
        let Some(key) = key(&one.item.subject) else {
            continue;
        };
        let Some(earlier) = first.get(&key) else {
            first.insert(key, one);
            continue;
        };
        places.insert(index);
        if duplicates.len() >= MOST_FINDINGS {
            continue;
        }
        let identical = content(one.item) == content(earlier.item);
        let place = earlier
            .item
            .location
            .as_ref()
            .map_or_else(|| earlier.path.to_string(), ToString::to_string);
        let who = described(&one.item.subject);
        let finding =
            if identical && one.document == earlier.document {
                Finding::warning(
                    Code::DuplicateMapping,
                    one.path.clone(),
                    format!("{who} is mapped twice in the same way; the first is at {place}"),
                )
                .help(remedy!("leave one out"))
            } else if identical {
                Finding::error(
                    Code::DuplicateMapping,
                    one.path.clone(),
                    format!("{who} is mapped in two documents; the first is at {place}"),
                )
                .help(remedy!("leave one out: it would have to be changed in both"))
            } else {
                Finding::error(
                Code::DuplicateMapping,
                one.path.clone(),
                format!(
                    "{who} is mapped twice, with another user name or other groups; the first is at {place}"
                ),
            )
            .help(remedy!("merge the two: EKS uses only the last entry and does not combine groups"))
            };
        duplicates.push(Duplicate {
            document: one.document,
            finding: finding.located(one.item.location.as_ref()),
        });
    }
    (places, duplicates)
}

/// What tells two subjects apart. ARNs match without regard to case in the authenticator; names of permission sets do so
/// in IAM, where they are a part of the role's name.
fn key(subject: &MappingSubject) -> Option<String> {
    match subject {
        MappingSubject::Arn(arn) if arn.is_empty() => None,
        MappingSubject::Arn(arn) => Some(format!("arn {}", arn.to_lowercase())),
        MappingSubject::Account(account) => Some(format!("account {account}")),
        MappingSubject::PermissionSet { name, account } => Some(format!(
            "permission set {} {}",
            account.as_deref().unwrap_or("-"),
            name.to_lowercase()
        )),
        MappingSubject::Service { name, namespace } => Some(format!("service {namespace} {name}")),
    }
}

fn described(subject: &MappingSubject) -> String {
    match subject {
        MappingSubject::Arn(text) => quoted(text),
        MappingSubject::Account(account) => format!("the account {}", quoted(account)),
        MappingSubject::PermissionSet { name, .. } => format!("the permission set {}", quoted(name)),
        MappingSubject::Service { name, namespace } => format!("{} in {}", quoted(name), quoted(namespace)),
    }
}

/// What a mapping gives, the order and repetition of groups aside.
fn content(mapping: &IdentityMapping) -> (Option<&str>, Vec<&str>) {
    let mut groups: Vec<&str> = mapping.groups.iter().map(String::as_str).collect();
    groups.sort_unstable();
    groups.dedup();
    (mapping.username.as_deref(), groups)
}
