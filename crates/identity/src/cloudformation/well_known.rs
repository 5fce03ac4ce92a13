//! What the seven well-known policies grant, and which version of theirs a live policy is.
//!
//! The documents are data files under `templates/well-known/`, as eksctl 0.231 writes them (`pkg/cfn/builder/`). The
//! load balancer controller's follows its upstream `docs/install/iam_policy.json`; of that one's older versions the
//! file keeps what each release brought, from its release notes, so that an old role can be named by its version.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;

use super::intrinsic::resolve_value;
use super::wanted_role::ResolveContext;
use crate::iam::policy::equal;
use crate::iam::{Partition, WellKnownPolicy};

/// A well-known policy as data.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Definition {
    field: WellKnownPolicy,
    /// Whose policy it is: the project that publishes it, or AWS's own managed policy.
    pub upstream: String,
    /// Its version there.
    pub version: String,
    /// The managed policies it stands for, each a text for `Fn::Sub`.
    pub managed_policies: Vec<String>,
    /// The inline policies it stands for.
    pub policies: Vec<InlinePolicy>,
    history: Vec<Milestone>,
}

/// An inline policy of a well-known policy.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InlinePolicy {
    /// Its logical id in the template, which also ends its name.
    pub logical_id: String,
    /// Its document, with `Fn::Sub` for the partition.
    pub document: Value,
}

/// What a release brought to an upstream document.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Milestone {
    version: String,
    actions: Vec<String>,
    condition_keys: Vec<String>,
}

/// A data file within the program cannot be read: a mistake of the build, not of its user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the built-in definition of a well-known policy cannot be read ({0}); please report this as a bug of eksact"
)]
pub struct DefinitionError(String);

const FILES: [&str; 7] = [
    include_str!("../../../../templates/well-known/image-builder.json"),
    include_str!("../../../../templates/well-known/auto-scaler.json"),
    include_str!("../../../../templates/well-known/aws-load-balancer-controller.json"),
    include_str!("../../../../templates/well-known/external-dns.json"),
    include_str!("../../../../templates/well-known/cert-manager.json"),
    include_str!("../../../../templates/well-known/ebs-csi-controller.json"),
    include_str!("../../../../templates/well-known/efs-csi-controller.json"),
];

static DEFINITIONS: LazyLock<Result<BTreeMap<WellKnownPolicy, Definition>, DefinitionError>> =
    LazyLock::new(|| {
        let read = |file: &&str| {
            let definition: Definition =
                serde_json::from_str(file).map_err(|error| DefinitionError(error.to_string()))?;
            Ok((definition.field, definition))
        };
        FILES.iter().map(read).collect()
    });

/// What a well-known policy grants.
pub fn definition(policy: WellKnownPolicy) -> Result<&'static Definition, DefinitionError> {
    let definitions = DEFINITIONS.as_ref().map_err(Clone::clone)?;
    definitions
        .get(&policy)
        .ok_or_else(|| DefinitionError(format!("{policy} is missing")))
}

/// The version of a well-known policy that a live inline policy of its is: the current one if it grants the same, an
/// older one by what it has and does not have, or nothing if it is neither.
pub fn identify(policy: WellKnownPolicy, document: &Value) -> Option<&'static str> {
    let definition = definition(policy).ok()?;
    let is_current = definition.policies.iter().any(|current| {
        Partition::ALL
            .into_iter()
            .filter_map(|partition| in_partition(&current.document, partition))
            .any(|current| equal(&current, document))
    });
    if is_current {
        return Some(&definition.version);
    }
    let brought = |milestone: &&Milestone| {
        milestone
            .actions
            .iter()
            .all(|action| mentions_value(document, action))
            && milestone
                .condition_keys
                .iter()
                .all(|key| mentions_key(document, key))
    };
    definition
        .history
        .iter()
        .take_while(brought)
        .last()
        .map(|milestone| milestone.version.as_str())
}

/// The document with the partition put in; the only thing that the documents leave open.
fn in_partition(document: &Value, partition: Partition) -> Option<Value> {
    let context = ResolveContext {
        stack_name: String::new(),
        partition,
        account: String::new(),
        region: String::new(),
    };
    resolve_value(document, "", &context).ok()
}

fn mentions_value(value: &Value, text: &str) -> bool {
    match value {
        Value::String(own) => own.eq_ignore_ascii_case(text),
        Value::Array(values) => values.iter().any(|value| mentions_value(value, text)),
        Value::Object(fields) => fields.values().any(|value| mentions_value(value, text)),
        _ => false,
    }
}

fn mentions_key(value: &Value, text: &str) -> bool {
    match value {
        Value::Array(values) => values.iter().any(|value| mentions_key(value, text)),
        Value::Object(fields) => fields
            .iter()
            .any(|(key, value)| key.eq_ignore_ascii_case(text) || mentions_key(value, text)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::iam::policy::{PolicyKind, check_grammar};

    #[test]
    fn all_seven_are_there_and_are_policies() {
        for policy in WellKnownPolicy::ALL {
            let definition = definition(policy).unwrap();
            assert!(
                definition.managed_policies.len() + definition.policies.len() > 0,
                "{policy}"
            );
            for inline in &definition.policies {
                let document = in_partition(&inline.document, Partition::GovCloud).unwrap();
                assert_eq!(check_grammar(&document, PolicyKind::Identity), [], "{policy}");
                assert_eq!(identify(policy, &document), Some(definition.version.as_str()));
            }
        }
    }

    #[test]
    fn old_load_balancer_controller_policy_is_named_by_its_version() {
        let policy = WellKnownPolicy::AwsLoadBalancerController;
        let current =
            in_partition(&definition(policy).unwrap().policies[0].document, Partition::Aws).unwrap();
        let without = |actions: &[&str]| {
            let mut document = current.clone();
            for statement in document["Statement"].as_array_mut().unwrap() {
                let kept = statement["Action"].as_array_mut().unwrap();
                kept.retain(|action| !actions.contains(&action.as_str().unwrap()));
            }
            document
        };
        assert_eq!(
            identify(policy, &without(&["ec2:DescribeRouteTables"])),
            Some("v2.12")
        );
        assert_eq!(
            identify(
                policy,
                &without(&[
                    "ec2:DescribeRouteTables",
                    "ec2:DescribeIpamPools",
                    "elasticloadbalancing:ModifyIpPools"
                ])
            ),
            Some("v2.11")
        );
        let mut old = without(&[
            "ec2:DescribeRouteTables",
            "elasticloadbalancing:DescribeTrustStores",
        ]);
        assert_eq!(identify(policy, &old), Some("v2.4.7"));
        old["Statement"].as_array_mut().unwrap().retain(|statement| {
            statement["Condition"]["StringEquals"]["elasticloadbalancing:CreateAction"].is_null()
        });
        assert_eq!(identify(policy, &old), Some("v2.2"));
        assert_eq!(identify(policy, &json!({"Statement": []})), None);
    }
}
