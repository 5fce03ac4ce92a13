//! The quotas of IAM for one role: a warning above the default, since a quota can be raised; an error above the maximum.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>. The length of a trust policy
//! (2,048) needs no check: with every name at its longest, the one that eksact writes stays below it.

use crate::config::cluster_config::ServiceAccount;
use crate::config::finding::{Finding, Findings};
use crate::config::path::FieldPath;
use crate::iam::WellKnownPolicy;

/// Managed policies per role.
const DEFAULT_MANAGED_POLICIES: usize = 10;
const MAXIMUM_MANAGED_POLICIES: usize = 25;
/// Characters of all inline policies of a role, white space not counted. Cannot be raised.
const MAXIMUM_INLINE_CHARACTERS: usize = 10_240;

pub(super) fn check(account: &ServiceAccount, path: &FieldPath, findings: &mut Findings) {
    let mut arns: Vec<&str> = account
        .attach_policy_arns
        .iter()
        .map(|arn| arn.value.as_str())
        .collect();
    arns.sort_unstable();
    arns.dedup();
    let well_known = &account.well_known_policies.0;
    let managed = arns.len()
        + well_known
            .iter()
            .filter(|policy| inline_characters(**policy) == 0)
            .count();
    if managed > DEFAULT_MANAGED_POLICIES {
        let path = path.key("attachPolicyARNs");
        let message = format!("{managed} managed policies on one role; ");
        findings.push(
            if managed > MAXIMUM_MANAGED_POLICIES {
                Finding::error(
                    "managed-policy-limit",
                    path,
                    format!("{message}AWS allows {MAXIMUM_MANAGED_POLICIES} at most"),
                )
                .help("put the statements of several into one policy of your own")
            } else {
                let note = format!(
                    "{message}an account allows {DEFAULT_MANAGED_POLICIES} unless its quota was raised"
                );
                Finding::warning("managed-policy-limit", path, note).help(format!(
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
    let own = document
        .value
        .to_string()
        .chars()
        .filter(|c| !c.is_whitespace())
        .count();
    let total = own
        + well_known
            .iter()
            .map(|policy| inline_characters(*policy))
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
            Finding::error("inline-policy-limit", path.key("attachPolicy"), message)
                .help("make it a managed policy and name it in `attachPolicyARNs`")
                .at_key()
                .located(document.location.as_ref()),
        );
    }
}

/// About how many characters a well-known policy adds to the inline policies of a role, as eksctl 0.231 writes it;
/// 0 for those that are managed policies of AWS.
fn inline_characters(policy: WellKnownPolicy) -> usize {
    match policy {
        WellKnownPolicy::ImageBuilder | WellKnownPolicy::EbsCsiController => 0,
        WellKnownPolicy::AutoScaler => 561,
        WellKnownPolicy::AwsLoadBalancerController => 5_196,
        WellKnownPolicy::ExternalDns => 319,
        WellKnownPolicy::CertManager => 423,
        WellKnownPolicy::EfsCsiController => 639,
    }
}
