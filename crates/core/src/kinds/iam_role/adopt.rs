//! Reads a live role back into the form of the file: what `update iamserviceaccount` starts from.

use eksact_identity::service_account::ServiceAccountKey;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde_json::Value;

use super::compare::template_of;
use crate::{
    config::{Located, ServiceAccount, WellKnownPolicies},
    live::{Live, LiveReader, StackInterest, StackTemplate, Stacks, service_account_of},
    ports::{CallError, aws::Stack},
};
use eksact_identity::{
    cloudformation::{RolePurpose, tags, wanted_role::WantedRole, well_known},
    iam::{Partition, WellKnownPolicy},
};

/// Why a live role cannot be read back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdoptError {
    /// There is none.
    #[error("the service account {0} has no role made by eksctl or eksact in this cluster")]
    Missing(String),
    /// Its template cannot be read.
    #[error("the template of stack {0} cannot be parsed")]
    Template(String),
    /// It has more inline policies than the file has words for.
    #[error(
        "the template of stack {stack} has inline policies that no field of the file describes: {policies}"
    )]
    Inline {
        /// The stack.
        stack: String,
        /// Their names.
        policies: String,
    },
}

/// Reads what [`from_live`] needs, once CloudFormation is done with the stack or the time is up.
///
/// # Errors
/// When the stacks of the region could not be read.
pub async fn read(
    reader: &LiveReader,
    key: &ServiceAccountKey,
    timeout: Duration,
) -> Result<Live, CallError> {
    let owner = RolePurpose::ServiceAccount.of(key);
    let interest = StackInterest {
        wanted: vec![owner.clone()],
        about: BTreeSet::from([owner.clone()]),
        about_all: false,
        named: BTreeSet::new(),
        timeout,
    };
    reader.is_about_stacks(interest);
    if let Err(error) = reader.ask(Stacks).await.as_ref() {
        return Err(error.clone());
    }
    if let Some(stack) = reader.snapshot().stack_of(&owner) {
        reader.ask(StackTemplate(stack.name.clone())).await;
    }
    Ok(reader.snapshot())
}

/// The service account of a stack as the file would say it. Labels and annotations are not the stack's to tell and stay
/// empty.
pub fn from_live(
    live: &Live,
    key: &ServiceAccountKey,
    metadata_tags: &BTreeMap<String, String>,
) -> Result<ServiceAccount, AdoptError> {
    let stack = live
        .stack_of(&RolePurpose::ServiceAccount.of(key))
        .filter(|stack| service_account_of(stack).as_ref() == Some(key))
        .ok_or_else(|| AdoptError::Missing(format!("{key}")))?;
    let (_, wanted) = template_of(live, stack).ok_or_else(|| AdoptError::Template(stack.name.clone()))?;
    let (well_known, managed) = split_managed(live.partition, &wanted, stack);
    let mut account = ServiceAccount {
        namespace: key.namespace.clone(),
        name: key.name.clone(),
        states_no_policy: true,
        attach_policy_arns: managed.into_iter().map(Located::unlocated).collect(),
        permissions_boundary: wanted.permissions_boundary.clone().map(Located::unlocated),
        role_name: wanted.role_name.clone().map(Located::unlocated),
        subject_pattern: subject_pattern(&wanted.trust_policy, &key.namespace).map(Located::unlocated),
        well_known_policies: WellKnownPolicies(well_known.into_iter().collect()),
        tags: stack
            .tags
            .iter()
            .filter(|(key, _)| {
                !tags::is_mark(key) && !tags::is_reserved(key) && !metadata_tags.contains_key(*key)
            })
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect(),
        ..ServiceAccount::default()
    };
    let mut unknown = Vec::new();
    for (name, document) in &wanted.inline_policies {
        let logical_id = name.strip_prefix(&format!("{}-", stack.name)).unwrap_or(name);
        if logical_id == "Policy1" {
            account.attach_policy = Some(Located::unlocated(document.clone()));
        } else if !account
            .well_known_policies
            .0
            .iter()
            .any(|policy| has_policy(*policy, logical_id))
        {
            unknown.push(name.clone());
        }
    }
    if unknown.is_empty() {
        return Ok(account);
    }
    Err(AdoptError::Inline {
        stack: stack.name.clone(),
        policies: unknown.join(", "),
    })
}

fn has_policy(policy: WellKnownPolicy, logical_id: &str) -> bool {
    well_known::definition(policy)
        .is_ok_and(|definition| definition.policies.iter().any(|own| own.logical_id == logical_id))
}

/// The well-known policies of a template, and the managed policies that none of them stands for.
fn split_managed(
    partition: Partition,
    wanted: &WantedRole,
    stack: &Stack,
) -> (Vec<WellKnownPolicy>, Vec<String>) {
    let mut managed: Vec<String> = wanted.managed_policy_arns.iter().cloned().collect();
    let names: Vec<&str> = wanted
        .inline_policies
        .keys()
        .map(|name| name.strip_prefix(&format!("{}-", stack.name)).unwrap_or(name))
        .collect();
    let mut well_known_policies = Vec::new();
    for policy in WellKnownPolicy::ALL {
        let Ok(definition) = well_known::definition(policy) else {
            continue;
        };
        let arns: Vec<String> = definition
            .managed_policies
            .iter()
            .map(|arn| arn.replace("${AWS::Partition}", partition.as_str()))
            .collect();
        // A managed policy says the same whether the file names it or the well-known policy that stands for it.
        let by_inline = !definition.policies.is_empty()
            && definition
                .policies
                .iter()
                .all(|own| names.contains(&own.logical_id.as_str()));
        if by_inline {
            managed.retain(|arn| !arns.contains(arn));
            well_known_policies.push(policy);
        }
    }
    (well_known_policies, managed)
}

/// The pattern that stands for the service account's name in a trust policy of ours.
fn subject_pattern(trust_policy: &Value, namespace: &str) -> Option<String> {
    let prefix = format!("system:serviceaccount:{namespace}:");
    let statements = trust_policy.get("Statement")?.as_array()?;
    let like = statements
        .first()?
        .get("Condition")?
        .get("StringLike")?
        .as_object()?;
    let subject = like.iter().find(|(key, _)| key.ends_with(":sub"))?.1.as_str()?;
    subject.strip_prefix(&prefix).map(str::to_owned)
}
