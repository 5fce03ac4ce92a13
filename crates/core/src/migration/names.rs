//! User names and groups of `aws-auth` that an access entry cannot have as they are written.

use eksact_identity::authn::access_policy::{has_other_template, reserved_prefix, template_without_colon};

/// An ARN as IAM writes it, but for the case of its path and name, which only IAM knows. The authenticator takes it in any case.
pub(super) fn as_iam_writes(written: &str) -> String {
    match written.split_once('/') {
        Some((head, path_and_name)) => format!("{}/{path_and_name}", head.to_ascii_lowercase()),
        None => written.to_ascii_lowercase(),
    }
}

/// A user name in words.
pub(super) fn of_user(username: &str) -> &str {
    if username.is_empty() { "none" } else { username }
}

/// Groups in words.
pub(super) fn of_groups<'line>(groups: impl Iterator<Item = &'line str>) -> String {
    let groups: Vec<&str> = groups.collect();
    if groups.is_empty() {
        "no groups".to_owned()
    } else {
        format!("the groups {}", groups.join(", "))
    }
}

/// The user name as an access entry has it.
///
/// # Errors
/// Why no entry can have it.
pub(super) fn username(written: &str, account: &str) -> Result<String, String> {
    let filled = written.replace("{{AccountID}}", account);
    if let Some(prefix) = reserved_prefix(&filled) {
        return Err(format!(
            "the user name {written} begins with `{prefix}`, which EKS keeps for itself"
        ));
    }
    if has_other_template(&filled) {
        return Err(format!(
            "the user name {written} has a template that access entries do not have"
        ));
    }
    if template_without_colon(&filled).is_some() {
        return Err(format!(
            "the user name {written} has no colon before the name of the session, which EKS asks for"
        ));
    }
    Ok(filled)
}

/// The groups as an access entry has them.
///
/// # Errors
/// The first group that no entry can have, and why.
pub(super) fn groups<'line>(written: impl Iterator<Item = &'line str>) -> Result<Vec<String>, String> {
    written
        .map(|group| match reserved_prefix(group) {
            Some(prefix) => Err(format!(
                "the group {group} begins with `{prefix}`, which EKS keeps for itself"
            )),
            None if group.contains("{{") => Err(format!(
                "the group {group} has a template, and access entries have none in groups"
            )),
            None => Ok(group.to_owned()),
        })
        .collect()
}
