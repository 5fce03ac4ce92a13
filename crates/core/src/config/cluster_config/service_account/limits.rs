//! The quotas of IAM for one role: a warning above the default, since a quota can be raised; an error above the maximum.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>. The length of a trust policy
//! (2,048) needs no check: with every name at its longest, the one that eksact writes stays below it.

use eksact_message::code::Code;
use serde_json::Value;

use super::ServiceAccount;
use crate::config::finding::{Finding, Findings};
use crate::config::path::FieldPath;
use crate::config::validate::iam::characters;
use eksact_identity::cloudformation::well_known::{Definition, definition};
use eksact_identity::iam::Partition;

/// Managed policies per role.
const DEFAULT_MANAGED_POLICIES: usize = 10;
const MAXIMUM_MANAGED_POLICIES: usize = 25;
/// Characters of all inline policies of a role, white space not counted. Cannot be raised.
const MAXIMUM_INLINE_CHARACTERS: usize = 10_240;

pub(super) fn check(
    account: &ServiceAccount,
    partition: Partition,
    path: &FieldPath,
    findings: &mut Findings,
) {
    let mut arns: Vec<&str> = account
        .attach_policy_arns
        .iter()
        .map(|arn| arn.value.as_str())
        .collect();
    arns.sort_unstable();
    arns.dedup();
    // A definition that cannot be read is reported where it is needed: when the role is rendered.
    let well_known: Vec<&Definition> = account
        .well_known_policies
        .0
        .iter()
        .filter_map(|policy| definition(*policy).ok())
        .collect();
    let managed = arns.len()
        + well_known
            .iter()
            .map(|policy| policy.managed_policies.len())
            .sum::<usize>();
    if managed > DEFAULT_MANAGED_POLICIES {
        let path = path.key("attachPolicyARNs");
        let message = format!("{managed} managed policies on one role; ");
        findings.push(
            if managed > MAXIMUM_MANAGED_POLICIES {
                Finding::error(
                    Code::ManagedPolicyLimit,
                    path,
                    format!("{message}AWS allows {MAXIMUM_MANAGED_POLICIES} at most"),
                )
                .help(remedy!(
                    "put the statements of several into one policy of your own"
                ))
            } else {
                let note = format!(
                    "{message}an account allows {DEFAULT_MANAGED_POLICIES} unless its quota was raised"
                );
                Finding::warning(Code::ManagedPolicyLimit, path, note).help(remedy!(
                    "the quota \"Managed policies per role\" can be raised to {MAXIMUM_MANAGED_POLICIES}"
                ))
            }
            .at_key()
            .located(account.location.as_ref()),
        );
    }
    let Some(document) = &account.attach_policy else {
        return;
    };
    let own = characters(&document.value);
    let total = own
        + well_known
            .iter()
            .map(|policy| well_known_characters(policy, partition))
            .sum::<usize>();
    if total > MAXIMUM_INLINE_CHARACTERS {
        let with = if total > own {
            format!(", {total} with the well-known policies")
        } else {
            String::new()
        };
        let message = format!(
            "the policy has {own} characters{with}; IAM allows {MAXIMUM_INLINE_CHARACTERS} for all inline policies of a role"
        );
        findings.push(
            Finding::error(Code::InlinePolicyLimit, path.key("attachPolicy"), message)
                .help(remedy!(
                    "make it a managed policy and name it in `attachPolicyARNs`"
                ))
                .at_key()
                .located(document.location.as_ref()),
        );
    }
}

/// The characters that a well-known policy adds to the inline policies of a role.
fn well_known_characters(definition: &Definition, partition: Partition) -> usize {
    let documents = definition
        .policies
        .iter()
        .map(|policy| filled_in(&policy.document, partition));
    documents.map(|document| characters(&document)).sum()
}

/// A document with each `{"Fn::Sub": text}` as that text, its partition filled in.
fn filled_in(document: &Value, partition: Partition) -> Value {
    match document {
        Value::Array(items) => items.iter().map(|item| filled_in(item, partition)).collect(),
        Value::Object(members) => match members.get("Fn::Sub").and_then(Value::as_str) {
            Some(text) => Value::String(text.replace("${AWS::Partition}", partition.as_str())),
            None => members
                .iter()
                .map(|(key, value)| (key.clone(), filled_in(value, partition)))
                .collect(),
        },
        other => other.clone(),
    }
}
