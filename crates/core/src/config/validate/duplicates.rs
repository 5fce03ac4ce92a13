//! What must not be said twice about access, within a file and across files: a principal, an account, a group, a shared
//! role.

use eksact_message::code::Code;
use std::collections::{BTreeMap, BTreeSet};

use crate::config::cluster_access::{
    GroupAccess, IdentityMapping, MappingSubject, RoleReference, SharedRole,
};
use crate::config::diagnostic::quoted;
use crate::config::finding::Finding;
use crate::config::location::{Located, SourceLocation};
use crate::config::path::FieldPath;
use eksact_identity::iam::Arn;
use eksact_identity::iam::arn::is_role_name;

/// Something in a list, and where it is listed.
pub(in crate::config) struct Listed<'a, T> {
    /// Number of the document.
    pub(super) document: usize,
    /// Its path in that document.
    pub(super) path: FieldPath,
    pub(super) item: &'a T,
}

impl<'a, T> Listed<'a, T> {
    /// The items of a list at `path` in the document of this number.
    pub(in crate::config) fn all(
        document: usize,
        path: &FieldPath,
        items: &'a [T],
    ) -> impl Iterator<Item = Self> {
        items.iter().enumerate().map(move |(index, item)| Self {
            document,
            path: path.index(index),
            item,
        })
    }
}

/// More duplicates than these are not described one by one.
pub(super) const MOST_FINDINGS: usize = 100;

/// Something that is listed already.
pub(in crate::config) struct Duplicate {
    /// Number of its document.
    pub(in crate::config) document: usize,
    /// What is said about it.
    pub(in crate::config) finding: Finding,
}

/// Finds mappings for the same principal. The authenticator would take the last, and would not join their groups.
/// Gives the places of all of them in `listed`, and what is said about the first hundred. Where that is a warning, the
/// mapping says nothing new and can be left out.
pub(in crate::config) fn of_mappings(
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

/// Finds items with a key that an earlier one has; one without a key is no duplicate. `place` is where an item is said to be, and `told`
/// what is said of a later one, given the place of the first.
fn repeated<T>(
    listed: &[Listed<'_, T>],
    key: impl Fn(&T) -> Option<String>,
    place: impl Fn(&T) -> Option<&SourceLocation>,
    told: impl Fn(&Listed<'_, T>, &str) -> Finding,
) -> Vec<Duplicate> {
    let mut first: BTreeMap<String, &T> = BTreeMap::new();
    let mut duplicates = Vec::new();
    for one in listed {
        if duplicates.len() >= MOST_FINDINGS {
            break;
        }
        let Some(key) = key(one.item) else { continue };
        let Some(earlier) = first.get(&key) else {
            first.insert(key, one.item);
            continue;
        };
        let place = place(earlier).map(ToString::to_string).unwrap_or_default();
        duplicates.push(Duplicate {
            document: one.document,
            finding: told(one, &place),
        });
    }
    duplicates
}

/// Finds groups that are described in more than one place.
pub(in crate::config) fn of_groups(listed: &[Listed<'_, GroupAccess>]) -> Vec<Duplicate> {
    repeated(
        listed,
        |group| Some(group.name.value.clone()).filter(|name| !name.is_empty()),
        |group| group.name.location.as_ref(),
        |one, place| {
            let name = &one.item.name;
            let message = format!(
                "the group {} is described twice; the first is at {place}",
                quoted(&name.value)
            );
            Finding::error(Code::DuplicateGroup, one.path.key("name"), message)
                .help(remedy!("put all bindings of a group into one place"))
                .located(name.location.as_ref())
        },
    )
}

/// Finds shared roles that are described in more than one place. IAM does not distinguish names by case, and a name is
/// there once whatever its path.
pub(in crate::config) fn of_shared_roles(listed: &[Listed<'_, SharedRole>]) -> Vec<Duplicate> {
    repeated(
        listed,
        // What names no role is reported as that.
        |shared| {
            let role = &shared.role.value;
            is_role(role).then(|| role.name().to_lowercase())
        },
        |shared| shared.location.as_ref(),
        |one, place| {
            let role = &one.item.role;
            let message = format!(
                "the role {} is shared twice; the first is at {place}",
                quoted(role.value.name())
            );
            Finding::error(Code::DuplicateSharedRole, one.path.clone(), message)
                .help(remedy!("list all service accounts of a role in one place: a cluster has one statement in its trust policy"))
                .located(role.location.as_ref())
        },
    )
}

/// Finds roles and policies, each of its own list, that have one name. IAM tells neither by case nor by path two of an account apart.
pub(in crate::config) fn of_names<T>(
    listed: &[Listed<'_, T>],
    code: Code,
    name: impl Fn(&T) -> &Located<String>,
) -> Vec<Duplicate> {
    repeated(
        listed,
        |item| Some(name(item).value.to_lowercase()).filter(|name| !name.is_empty()),
        |item| name(item).location.as_ref(),
        |one, place| {
            let name = name(one.item);
            let message = format!(
                "{} is there already; the first is at {place}",
                quoted(&name.value)
            );
            Finding::error(code, one.path.key("name"), message)
                .help(remedy!("give one of the two another name"))
                .located(name.location.as_ref())
        },
    )
}

fn is_role(role: &RoleReference) -> bool {
    match role {
        RoleReference::Arn(arn) => arn.parse::<Arn>().is_ok_and(|arn| arn.role_name().is_some()),
        RoleReference::Name(name) => is_role_name(name),
    }
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
