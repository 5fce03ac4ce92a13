//! What EKS refuses of access entries, in its words, and what it derives where a call says nothing.
//!
//! The rules and texts were measured on EKS by others (badmintoncryer/cdk-preflight, `rules/eks`); where nobody has measured
//! (groups on the types of Fargate, hybrid and Auto Mode nodes), the careful side is taken: it is refused.

use crate::refusal::Refusal;
use eksact_core::ports::aws::{AccessPolicy, NewAccessEntry, OfferedAccessPolicy};
use eksact_identity::authn::access_entry::{STANDARD, TYPES, takes_policies};
use eksact_identity::authn::access_policy::{KNOWN, policy_name, reserved_prefix, template_without_colon};

/// How many access policies an entry may have.
const MOST_POLICIES: usize = 20;

/// The principal of an entry, by its ARN.
pub(super) struct Principal {
    /// `role` or `user`.
    pub(super) kind: &'static str,
    pub(super) account: String,
    /// Without its path.
    pub(super) name: String,
    is_service_linked: bool,
}

impl Principal {
    pub(super) fn of(arn: &str) -> Result<Self, Refusal> {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let principal = match parts.as_slice() {
            ["arn", _, "iam", "", account, resource] => {
                let (kind, path_and_name) = match resource.split_once('/') {
                    Some(("role", rest)) => ("role", rest),
                    Some(("user", rest)) => ("user", rest),
                    _ => return Err(not_a_principal(arn)),
                };
                Self {
                    kind,
                    account: (*account).to_owned(),
                    name: path_and_name.rsplit('/').next().unwrap_or_default().to_owned(),
                    is_service_linked: kind == "role" && path_and_name.starts_with("aws-service-role/"),
                }
            }
            _ => return Err(not_a_principal(arn)),
        };
        Ok(principal)
    }

    pub(super) fn check_not_service_linked(&self) -> Result<(), Refusal> {
        if self.is_service_linked {
            return Err(invalid(
                "The caller is not allowed to modify access entries with a principalArn value of a Service Linked Role",
            ));
        }
        Ok(())
    }
}

fn not_a_principal(arn: &str) -> Refusal {
    invalid(format!("The specified principalArn is invalid: {arn}"))
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new("InvalidParameterException", message)
}

fn invalid_request(message: impl Into<String>) -> Refusal {
    Refusal::new("InvalidRequestException", message)
}

/// Checks what `CreateAccessEntry` is given, for a cluster in `account`.
pub(super) fn check_new(new: &NewAccessEntry, principal: &Principal, account: &str) -> Result<(), Refusal> {
    principal.check_not_service_linked()?;
    let entry_type = new.entry_type.as_str();
    if !TYPES.contains(&entry_type) {
        return Err(invalid(format!("The specified type is invalid: {entry_type}")));
    }
    let must_be = if entry_type == STANDARD {
        None
    } else if principal.kind != "role" {
        Some("IAM role")
    } else if principal.account != account {
        Some("from the same account as the cluster")
    } else {
        None
    };
    if let Some(must_be) = must_be {
        return Err(invalid(format!(
            "AccessEntry principalArn must be {must_be} when using types \
             [EC2_LINUX, EC2_WINDOWS, FARGATE_LINUX, HYBRID_LINUX, EC2]",
        )));
    }
    check_username(entry_type, new.username.as_deref())?;
    check_groups(entry_type, &new.groups)
}

pub(super) fn check_username(entry_type: &str, username: Option<&str>) -> Result<(), Refusal> {
    let Some(username) = username else {
        return Ok(());
    };
    if entry_type != STANDARD {
        return Err(invalid(format!(
            "The specified username is invalid: setting username is not allowed when the type is \"{entry_type}\""
        )));
    }
    if let Some(prefix) = reserved_prefix(username) {
        return Err(invalid(format!("The username must not begin with {prefix}")));
    }
    match template_without_colon(username) {
        Some(template) => Err(invalid(format!(
            "The username must have a colon before {template}"
        ))),
        None => Ok(()),
    }
}

pub(super) fn check_groups(entry_type: &str, groups: &[String]) -> Result<(), Refusal> {
    if entry_type != STANDARD && !groups.is_empty() {
        return Err(invalid(format!(
            "The specified kubernetesGroups is invalid: setting kubernetesGroups is not allowed when the type is \
             \"{entry_type}\""
        )));
    }
    let reserved = groups
        .iter()
        .find_map(|group| Some((group, reserved_prefix(group)?)));
    match reserved {
        Some((group, prefix)) => Err(invalid(format!(
            "The kubernetes group name {group} is invalid, it cannot start with {prefix}"
        ))),
        None => Ok(()),
    }
}

/// Checks what `AssociateAccessPolicy` is given.
pub(super) fn check_policy(entry_type: &str, policy: &AccessPolicy, partition: &str) -> Result<(), Refusal> {
    if !takes_policies(entry_type) {
        return Err(invalid_request(
            "This operation can only be performed on Access Entries with a type of \"STANDARD\"",
        ));
    }
    let Some(name) = policy_name(&policy.arn) else {
        return Err(invalid("The policyArn parameter format is not valid"));
    };
    let is_offered =
        policy.arn.split(':').nth(1) == Some(partition) && KNOWN.iter().any(|known| known.name == name);
    if !is_offered {
        return Err(Refusal::new(
            "ResourceNotFoundException",
            "The specified policyArn could not be found.",
        ));
    }
    if policy.namespaces.as_ref().is_some_and(Vec::is_empty) {
        return Err(invalid(
            "At least 1 namespace must be provided if the type is set as namespace",
        ));
    }
    Ok(())
}

/// Checks that one more policy may be associated with an entry that has so many.
pub(super) fn check_associated(policies: usize) -> Result<(), Refusal> {
    if policies < MOST_POLICIES {
        return Ok(());
    }
    Err(Refusal::new(
        "ResourceLimitExceededException",
        format!("The maximum number of access policies of an access entry, {MOST_POLICIES}, is reached."),
    ))
}

/// What `ListAccessPolicies` answers in a partition.
pub(super) fn offered(partition: &str) -> Vec<OfferedAccessPolicy> {
    KNOWN
        .iter()
        .map(|policy| OfferedAccessPolicy {
            name: policy.name.to_owned(),
            arn: format!("arn:{partition}:eks::aws:cluster-access-policy/{}", policy.name),
        })
        .collect()
}

/// The groups of an entry that was given none.
pub(super) fn derived_groups(entry_type: &str) -> Vec<String> {
    let groups: &[&str] = match entry_type {
        STANDARD => &[],
        "EC2_WINDOWS" => &["system:nodes", "eks:kube-proxy-windows"],
        "FARGATE_LINUX" => &["system:nodes", "system:node-proxier"],
        _ => &["system:nodes"],
    };
    groups.iter().map(|group| (*group).to_owned()).collect()
}
