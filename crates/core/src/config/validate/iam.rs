//! The rules of IAM that several sections share: ARNs, names of roles, patterns of subjects, policy documents.

use serde_json::Value;

use crate::config::diagnostic::quoted;
use crate::config::finding::Finding;
use crate::config::location::Located;
use crate::config::managed_policy::named_policy;
use crate::config::path::FieldPath;
use eksact_identity::iam::arn::{is_account_id, is_policy_name, is_role_name};
use eksact_identity::iam::partition::is_region_name;
use eksact_identity::iam::policy::{PolicyKind, check_grammar};
use eksact_identity::iam::{Arn, Partition};
use eksact_message::code::Code;
use eksact_message::remedy::Remedy;

/// What an ARN in a field must name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::config) enum Wanted {
    /// A policy.
    Policy {
        /// The field beside it in which a role belongs.
        role_in: &'static str,
    },
    /// A role.
    Role {
        /// The field beside it in which a policy belongs.
        policy_in: &'static str,
    },
}

pub(in crate::config) fn arn(
    text: &Located<String>,
    wanted: Wanted,
    partition: Partition,
    path: FieldPath,
    found: &mut Vec<Finding>,
) {
    let (what, example) = match wanted {
        Wanted::Policy { .. } => (
            "an IAM policy",
            format!("arn:{partition}:iam::aws:policy/AmazonS3ReadOnlyAccess"),
        ),
        Wanted::Role { .. } => (
            "an IAM role",
            format!("arn:{partition}:iam::111122223333:role/my-role"),
        ),
    };
    let is_policy = matches!(wanted, Wanted::Policy { .. });
    if is_policy && named_policy(&text.value).is_some() {
        // Whether the files have it, is told once all of them are read.
        return;
    }
    let shown = quoted(&text.value);
    let finding = match text.value.parse::<Arn>() {
        Err(_) => Finding::error(Code::Arn, path, format!("{shown} is not the ARN of {what}"))
            .help(of_parts(&text.value).unwrap_or_else(|| remedy!("write it like {example}"))),
        Ok(parsed) => {
            let account_fits = is_account_id(&parsed.account) || (is_policy && parsed.account == "aws");
            let names = match wanted {
                Wanted::Policy { .. } => parsed.policy_name().is_some_and(is_policy_name),
                Wanted::Role { .. } => parsed.role_name().is_some_and(is_role_name),
            };
            if parsed.service != "iam" || !parsed.region.is_empty() || !account_fits || !names {
                let help = match wanted {
                    Wanted::Policy { role_in } if parsed.role_name().is_some() => {
                        remedy!("this is a role; `{role_in}` uses an existing role")
                    }
                    Wanted::Role { policy_in } if parsed.policy_name().is_some() => {
                        remedy!("this is a policy; it belongs in `{policy_in}`")
                    }
                    _ => of_parts(&text.value).unwrap_or_else(|| remedy!("write it like {example}")),
                };
                Finding::error(Code::Arn, path, format!("{shown} is not the ARN of {what}")).help(help)
            } else if parsed.partition != partition {
                let message = format!(
                    "{shown} is in the partition {}, and the region is in {partition}",
                    parsed.partition
                );
                Finding::error(Code::ArnPartition, path, message)
                    .help(remedy!("begin it with `arn:{partition}:`"))
            } else {
                return;
            }
        }
    };
    found.push(finding.located(text.location.as_ref()));
}

/// What to do about an ARN of IAM of which one part is wrong.
fn of_parts(text: &str) -> Option<Remedy> {
    let mut parts = text.splitn(6, ':').skip(2);
    let (service, region, account) = (parts.next()?, parts.next()?, parts.next()?);
    match (service, region) {
        ("iam", "") if account != "aws" && !is_account_id(account) => {
            Some(remedy!("its account, {}, must be 12 digits", quoted(account)))
        }
        ("iam", number) if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) => Some(remedy!(
            "the account comes after two colons: {}",
            quoted(&text.replacen(":iam:", ":iam::", 1))
        )),
        ("iam", region) if is_region_name(region) => {
            Some(remedy!("an IAM ARN has no region: leave {} out", quoted(region)))
        }
        _ => None,
    }
}

/// Checks the name of a role.
pub(in crate::config) fn role_name(name: &Located<String>, here: FieldPath, found: &mut Vec<Finding>) {
    if is_role_name(&name.value) {
        return;
    }
    let message = format!("{} cannot be the name of an IAM role", quoted(&name.value));
    let help = if name.value.contains('/') {
        remedy!("a name has no path; eksctl's format has no field for one")
    } else {
        remedy!("it has 1 to 64 letters, digits and `_+=,.@-`")
    };
    found.push(
        Finding::error(Code::RoleName, here, message)
            .help(help)
            .located(name.location.as_ref()),
    );
}

/// What is wrong with a pattern in place of a name, whichever names it is meant for.
pub(in crate::config) fn subject_pattern(pattern: &str, namespace: &str, here: FieldPath) -> Option<Finding> {
    let fits = pattern.len() <= 253
        && pattern
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.' | '*' | '?'));
    if !fits {
        let message = format!("{} can match no service account's name", quoted(pattern));
        return Some(Finding::error(Code::SubjectPattern, here, message).help(remedy!(
            "it matches the name only (the namespace is fixed): lower-case letters, digits, `-`, \
                 `.`, and `*` or `?`"
        )));
    }
    pattern.chars().all(|c| c == '*').then(|| {
        let message = format!(
            "every service account of namespace {} may assume this role",
            quoted(namespace)
        );
        Finding::warning(Code::SubjectPattern, here, message).help(remedy!("name a prefix, such as `app-*`"))
    })
}

/// Checks the policy document of a role.
pub(in crate::config) fn document(document: &Located<Value>, here: &FieldPath, found: &mut Vec<Finding>) {
    for error in check_grammar(&document.value, PolicyKind::Identity) {
        let path = here.pointer(&error.pointer, &document.value);
        let finding = Finding::error(Code::PolicyGrammar, path, error.message)
            .explained_from_below()
            .located(document.location.as_ref());
        found.push(match error.help {
            Some(help) => finding.help(help),
            None => finding,
        });
    }
    // "Policy documents can contain only …": the first section of reference_iam-quotas.html.
    let text = document.value.to_string();
    if let Some(character) = text.chars().find(|c| u32::from(*c) > 0xff) {
        let message = format!(
            "IAM does not allow {} in a policy document",
            quoted(&character.to_string())
        );
        found.push(
            Finding::error(Code::PolicyGrammar, here.clone(), message)
                .help(remedy!("only characters up to U+00FF are allowed"))
                .located(document.location.as_ref()),
        );
    }
}

/// The characters of a policy document as IAM counts them.
pub(in crate::config) fn characters(document: &Value) -> usize {
    document
        .to_string()
        .chars()
        .filter(|c| !c.is_whitespace())
        .count()
}
