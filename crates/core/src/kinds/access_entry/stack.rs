//! Entries that a CloudFormation stack has made: eksctl puts each in a stack of its own, and those of node groups into theirs.
//!
//! Changed by a call they would differ from their template, and the next update of the stack would undo it or fail on it. So an
//! entry in eksctl's own stack for it is changed and deleted with the stack; one in another stack is not touched.

use serde_json::{Map, Value, json};
use sha1::{Digest as _, Sha1};

use crate::{
    live::Live,
    ports::aws::{AccessEntry, Stack},
};

/// The tag by which CloudFormation tells whose resource something is.
const STACK_TAG: &str = "aws:cloudformation:stack-name";
/// The only resource of eksctl's stack, by its logical id and type (eksctl 0.231, `pkg/cfn/builder/access_entry.go`).
pub(super) const RESOURCE: (&str, &str) = ("AccessEntry", "AWS::EKS::AccessEntry");
/// One whose creation was rolled back has nothing of its own: an entry that is there is somebody else's.
const ROLLED_BACK: &str = "ROLLBACK_COMPLETE";

/// What made an entry, as far as CloudFormation knows.
pub(super) enum MadeBy<'live> {
    /// A call, or a stack that is not known of.
    Call,
    /// eksctl's stack for this entry alone.
    OwnStack(OwnStack<'live>),
    /// Another stack, or one of which it cannot be told: its name, and why it is not changed.
    OtherStack(String, Option<String>),
}

/// eksctl's stack for one entry.
pub(super) struct OwnStack<'live> {
    pub(super) stack: &'live Stack,
    template: Value,
}

/// Whose an entry is. The template of eksctl's stack is looked at where it was read.
pub(super) fn made_by<'live>(entry: &AccessEntry, live: &'live Live) -> MadeBy<'live> {
    let own = eksctl_stack(entry, live);
    let tagged = entry.tags.get(STACK_TAG);
    let Some(stack) = own.filter(|own| tagged.is_none_or(|tagged| *tagged == own.name)) else {
        return match tagged {
            Some(name) => MadeBy::OtherStack(name.clone(), None),
            None => MadeBy::Call,
        };
    };
    let other = |why: String| MadeBy::OtherStack(stack.name.clone(), Some(why));
    let template = match live.template(&stack.name) {
        Some(Ok(template)) => template,
        Some(Err(error)) => return other(format!("its template could not be read: {error}")),
        None => return other("its template was not read".to_owned()),
    };
    match serde_json::from_str::<Value>(template) {
        Ok(template) if is_of(&template, &entry.principal_arn) => {
            MadeBy::OwnStack(OwnStack { stack, template })
        }
        _ => other("its template is not the one that eksctl makes for an access entry".to_owned()),
    }
}

/// Whether a stack has made an entry, as it says itself.
pub(super) fn has_stack(entry: &AccessEntry) -> bool {
    entry.tags.contains_key(STACK_TAG)
}

/// eksctl's stack of an entry that says itself that this one has made it.
pub(super) fn stack_that_made<'live>(entry: &AccessEntry, live: &'live Live) -> Option<&'live Stack> {
    let tagged = entry.tags.get(STACK_TAG)?;
    eksctl_stack(entry, live).filter(|stack| stack.name == *tagged)
}

/// eksctl's stack of the entry's name that may have made it.
pub(super) fn eksctl_stack<'live>(entry: &AccessEntry, live: &'live Live) -> Option<&'live Stack> {
    named(&entry.principal_arn, live).filter(|stack| stack.status != ROLLED_BACK)
}

/// eksctl's stack of a principal whose creation failed and was rolled back.
pub(super) fn rolled_back<'live>(principal_arn: &str, live: &'live Live) -> Option<&'live Stack> {
    named(principal_arn, live).filter(|stack| stack.status == ROLLED_BACK)
}

fn named<'live>(principal_arn: &str, live: &'live Live) -> Option<&'live Stack> {
    let name = stack_name(&live.cluster.name, principal_arn);
    live.known_stacks()
        .iter()
        .find(|stack| stack.name.eq_ignore_ascii_case(&name))
}

/// Whether a template has nothing but the entry of this principal.
fn is_of(template: &Value, principal_arn: &str) -> bool {
    let (logical_id, resource_type) = RESOURCE;
    let resources = template.get("Resources").and_then(Value::as_object);
    resources.is_some_and(|resources| {
        resources.len() == 1
            && resources.get(logical_id).is_some_and(|resource| {
                resource.get("Type").and_then(Value::as_str) == Some(resource_type)
                    && resource
                        .pointer("/Properties/PrincipalArn")
                        .and_then(Value::as_str)
                        == Some(principal_arn)
            })
    })
}

impl OwnStack<'_> {
    /// The template with this user name and these groups and policies; none where it says them already.
    pub(super) fn template_for(&self, wanted: &AccessEntry, username: Option<&str>) -> Option<String> {
        let mut template = self.template.clone();
        let properties = template
            .pointer_mut(&format!("/Resources/{}/Properties", RESOURCE.0))?
            .as_object_mut()?;
        let before = canonical(properties);
        let mut set = |key: &str, value: Option<Value>| {
            match value {
                Some(value) => properties.insert(key.to_owned(), value),
                None => properties.remove(key),
            };
        };
        set("Username", username.map(|username| json!(username)));
        set(
            "KubernetesGroups",
            (!wanted.groups.is_empty()).then(|| json!(wanted.groups)),
        );
        let policies: Vec<Value> = wanted
            .policies
            .iter()
            .map(|policy| {
                let scope = match &policy.namespaces {
                    None => json!({"Type": "cluster"}),
                    Some(namespaces) => json!({"Type": "namespace", "Namespaces": namespaces}),
                };
                json!({"PolicyArn": policy.arn, "AccessScope": scope})
            })
            .collect();
        set("AccessPolicies", (!policies.is_empty()).then(|| json!(policies)));
        (canonical(properties) != before).then(|| template.to_string())
    }
}

/// Properties with the lists in order whose order means nothing.
fn canonical(properties: &Map<String, Value>) -> Value {
    fn sorted(value: &Value) -> Value {
        match value {
            Value::Array(values) => {
                let mut values: Vec<Value> = values.iter().map(sorted).collect();
                values.sort_by_cached_key(Value::to_string);
                Value::Array(values)
            }
            Value::Object(members) => Value::Object(
                members
                    .iter()
                    .map(|(key, value)| (key.clone(), sorted(value)))
                    .collect(),
            ),
            plain => plain.clone(),
        }
    }
    sorted(&Value::Object(properties.clone()))
}

/// eksctl's name for the stack of a principal's entry (eksctl 0.231, `pkg/actions/accessentry`).
pub(super) fn stack_name(cluster: &str, principal_arn: &str) -> String {
    let digest = base32(&Sha1::digest(principal_arn));
    format!("eksctl-{cluster}-accessentry-{digest}")
}

/// Base 32 of RFC 4648, of bytes that need no padding.
fn base32(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bits: Vec<u8> = bytes
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |place| byte >> place & 1))
        .collect();
    bits.chunks(5)
        .map(|five| five.iter().fold(0, |value, bit| value << 1 | bit))
        .filter_map(|value: u8| LETTERS.get(usize::from(value)))
        .map(|letter| char::from(*letter))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eksctls_stack_of_an_entry() {
        assert_eq!(base32(b"fooba"), "MZXW6YTB");
        // What eksctl 0.231 itself called the stack of this principal.
        assert_eq!(
            stack_name("cluster", "arn:aws:iam::111122223333:role/role-1"),
            "eksctl-cluster-accessentry-AGJ6A7BJC5H4IT6QWP3RWI6UFFBSR62E"
        );
    }
}
