//! The rules of customer managed policies: names, paths, where the document comes from, and what IAM takes of it.
//!
//! Sources: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html> and IAM's `CreatePolicy`.

use super::{ManagedPolicy, named_policy};
use crate::config::diagnostic::quoted;
use crate::config::finding::{Finding, Findings};
use crate::config::path::FieldPath;
use crate::config::reader::items;
use crate::config::validate::iam::{characters, document};
use crate::config::{ClusterConfig, Located, SourceLocation, suggest};
use eksact_identity::iam::arn::{is_path, is_policy_name};
use eksact_message::code::Code;
use eksact_yaml::Node;

pub(in crate::config::cluster_access) const LIST: &str = "policies";
/// Characters of a managed policy, white space not counted. Cannot be raised.
const MOST_CHARACTERS: usize = 6_144;
const LONGEST_DESCRIPTION: usize = 1_000;

/// Where the document comes from: from one place and no more. Looks at the tree.
pub(in crate::config::cluster_access) fn check_options(root: &Node, findings: &mut Findings) {
    for (index, policy) in items(root, LIST).iter().enumerate() {
        let path = FieldPath::of(LIST).index(index);
        match (policy.get("document"), policy.get("file")) {
            (Some(_), Some(_)) => findings.push(
                Finding::error(
                    Code::ManagedPolicy,
                    path.key("file"),
                    format!("{path}: file cannot be used together with document"),
                )
                .help(remedy!("leave one out"))
                .at_key(),
            ),
            (None, None) => findings.push(
                Finding::error(
                    Code::ManagedPolicy,
                    path.clone(),
                    format!("{path}: document or file must be set"),
                )
                .explained_from_below(),
            ),
            _ => {}
        }
    }
}

/// Checks the policies of one document.
pub(in crate::config::cluster_access) fn check(policies: &[ManagedPolicy], findings: &mut Findings) {
    for (index, policy) in policies.iter().enumerate() {
        if findings.is_full() {
            return;
        }
        let mut found = Vec::new();
        one(policy, &FieldPath::of(LIST).index(index), &mut found);
        for finding in found {
            let location = finding.location.clone().or_else(|| policy.location.clone());
            findings.push(Finding { location, ..finding });
        }
    }
}

fn one(policy: &ManagedPolicy, path: &FieldPath, found: &mut Vec<Finding>) {
    name(&policy.name, path.key("name"), found);
    self::path(policy.path.as_ref(), path.key("path"), found);
    if let Some(description) = &policy.description
        && description.value.chars().count() > LONGEST_DESCRIPTION
    {
        let message = format!("IAM takes descriptions of at most {LONGEST_DESCRIPTION} characters");
        found.push(
            Finding::error(Code::ManagedPolicy, path.key("description"), message)
                .located(description.location.as_ref()),
        );
    }
    let Some(own) = &policy.document else {
        return;
    };
    let here = path.key(if policy.file.is_some() { "file" } else { "document" });
    document(own, &here, found);
    let length = characters(&own.value);
    if length > MOST_CHARACTERS {
        let message =
            format!("the policy has {length} characters; IAM allows {MOST_CHARACTERS} for a managed policy");
        found.push(
            Finding::error(Code::ManagedPolicy, here, message)
                .help(remedy!("make two policies of it"))
                .at_key()
                .located(own.location.as_ref()),
        );
    }
}

/// The path of a policy or role.
pub(in crate::config::cluster_access) fn path(
    path: Option<&Located<String>>,
    here: FieldPath,
    found: &mut Vec<Finding>,
) {
    let Some(own) = path.filter(|own| !is_path(&own.value) && !own.value.contains("${")) else {
        return;
    };
    let message = format!("{} cannot be a path of IAM", quoted(&own.value));
    found.push(
        Finding::error(Code::IamPath, here, message)
            .help(remedy!("a path begins and ends with a slash: `/team/`"))
            .located(own.location.as_ref()),
    );
}

fn name(name: &Located<String>, here: FieldPath, found: &mut Vec<Finding>) {
    if name.value.contains("${") {
        // Reported already.
        return;
    }
    if name.value.is_empty() {
        let message = format!("{here} must be set");
        found.push(Finding::error(Code::Missing, here, message).explained_from_below());
        return;
    }
    if is_policy_name(&name.value) {
        return;
    }
    let help = if name.value.starts_with("arn:") {
        remedy!("this is an ARN: write the name of the policy that eksact shall make")
    } else if name.value.contains('/') {
        remedy!("write the path as `path`, with a slash at both ends, and the name alone here")
    } else {
        remedy!("a policy's name has 1 to 128 letters, digits and `_+=,.@-`")
    };
    let message = format!("{} cannot be the name of an IAM policy", quoted(&name.value));
    found.push(
        Finding::error(Code::ManagedPolicy, here, message)
            .help(help)
            .located(name.location.as_ref()),
    );
}

/// What names a policy that the files do not have.
pub(in crate::config::cluster_access) fn unknown_names(config: &ClusterConfig) -> Vec<Finding> {
    config
        .policy_references()
        .filter_map(|text| {
            let name = named_policy(&text.value)?;
            reference(LIST, name, text.location.as_ref(), config.names.policies.keys())
        })
        .collect()
}

/// That no file has what is named so in this list; nothing where one has it.
pub(in crate::config::cluster_access) fn reference<'a>(
    list: &str,
    name: &str,
    place: Option<&SourceLocation>,
    known: impl Iterator<Item = &'a String> + Clone,
) -> Option<Finding> {
    if known.clone().any(|other| other == name) {
        return None;
    }
    let message = format!("no file has {} in `{list}`", quoted(name));
    let mut finding = Finding::error(Code::UnknownName, FieldPath::default(), message);
    if let Some(place) = place {
        finding = finding.at(place.into()).located(Some(place));
    }
    let nearest = suggest::nearest(name, known.map(String::as_str));
    Some(finding.help(match nearest {
        Some(nearest) => suggest::did_you_mean([nearest]),
        None => remedy!("write it into `{list}` of a ClusterAccess, or name what exists by its ARN"),
    }))
}
