//! The role that a template wants: what IAM should hold once CloudFormation is done with it.
//!
//! It reads eksact's own templates and those of any eksctl, and says what of a live role is drift.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::intrinsic::{referred_id, resolve_text, resolve_value};
use crate::iam::Partition;

/// What the intrinsic functions of a template stand for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolveContext {
    /// `AWS::StackName`.
    pub stack_name: String,
    /// `AWS::Partition`.
    pub partition: Partition,
    /// `AWS::AccountId`.
    pub account: String,
    /// `AWS::Region`.
    pub region: String,
}

/// A role as a template wants it.
#[derive(Debug, Clone, PartialEq)]
pub struct WantedRole {
    /// Its name, where the template gives it one. Otherwise CloudFormation makes one up.
    pub role_name: Option<String>,
    /// Its trust policy.
    pub trust_policy: Value,
    /// The ARNs of the managed policies attached to it.
    pub managed_policy_arns: BTreeSet<String>,
    /// Its inline policies by name.
    pub inline_policies: BTreeMap<String, Value>,
    /// The ARN of its permissions boundary.
    pub permissions_boundary: Option<String>,
    /// How long a session may last, in seconds, where the template says so.
    pub max_session_seconds: Option<u32>,
}

/// Why it cannot be told what role a template wants. Every pointer is a JSON pointer into the template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// The template has no role `Role1` and not exactly one other.
    #[error(
        "the template has {found} roles and none is called Role1; eksact cannot determine which one is the \
         service account's"
    )]
    NoRole {
        /// How many roles it has.
        found: usize,
    },
    /// Something that every role or policy has is missing.
    #[error("{pointer}: `{property}` is missing")]
    Missing {
        /// Where.
        pointer: String,
        /// What is missing.
        property: &'static str,
    },
    /// A value should be a text.
    #[error("{pointer}: this must be a string")]
    NotText {
        /// Where.
        pointer: String,
    },
    /// A value should be a list.
    #[error("{pointer}: this must be a list")]
    NotList {
        /// Where.
        pointer: String,
    },
    /// A function whose result only CloudFormation knows.
    #[error("{pointer}: eksact cannot determine the value of `{function}`")]
    Unknown {
        /// Where.
        pointer: String,
        /// The function as the template writes it.
        function: String,
    },
}

/// Tells what role a template wants.
pub fn resolve(template: &Value, context: &ResolveContext) -> Result<WantedRole, ResolveError> {
    let empty = Map::new();
    let resources = template
        .get("Resources")
        .and_then(Value::as_object)
        .unwrap_or(&empty);
    let role_id = find_role(resources)?;
    let role_at = format!("/Resources/{role_id}/Properties");
    let properties = properties(resources, role_id);
    let text = |name: &str| {
        let at = format!("{role_at}/{name}");
        properties
            .get(name)
            .map(|value| resolve_text(value, &at, context))
            .transpose()
    };
    let trust_at = format!("{role_at}/AssumeRolePolicyDocument");
    let trust_policy = properties
        .get("AssumeRolePolicyDocument")
        .ok_or_else(|| ResolveError::Missing {
            pointer: role_at.clone(),
            property: "AssumeRolePolicyDocument",
        })?;
    let mut role = WantedRole {
        role_name: text("RoleName")?,
        trust_policy: resolve_value(trust_policy, &trust_at, context)?,
        managed_policy_arns: BTreeSet::new(),
        inline_policies: BTreeMap::new(),
        permissions_boundary: text("PermissionsBoundary")?,
        max_session_seconds: properties.get("MaxSessionDuration").and_then(seconds),
    };
    for (at, value) in list(properties, "ManagedPolicyArns", &role_at)? {
        role.managed_policy_arns
            .insert(resolve_text(value, &at, context)?);
    }
    for (at, policy) in list(properties, "Policies", &role_at)? {
        add_inline_policy(&mut role, policy.as_object().unwrap_or(&empty), &at, context)?;
    }
    for (id, resource) in resources {
        let at = format!("/Resources/{id}/Properties");
        let own = self::properties(resources, id);
        let is_of_role = |value: &Value| {
            referred_id(value) == Some(role_id)
                || role.role_name.is_some() && value.as_str() == role.role_name.as_deref()
        };
        let applies = match resource.get("Type").and_then(Value::as_str) {
            Some("AWS::IAM::Policy") => list(own, "Roles", &at)?
                .iter()
                .any(|(_, value)| is_of_role(value)),
            Some("AWS::IAM::RolePolicy") => own.get("RoleName").is_some_and(is_of_role),
            // Its ARN is CloudFormation's to make, so the set of attached policies cannot be told.
            Some("AWS::IAM::ManagedPolicy")
                if list(own, "Roles", &at)?
                    .iter()
                    .any(|(_, value)| is_of_role(value)) =>
            {
                return Err(ResolveError::Unknown {
                    pointer: at,
                    function: "AWS::IAM::ManagedPolicy".into(),
                });
            }
            _ => false,
        };
        if applies {
            add_inline_policy(&mut role, own, &at, context)?;
        }
    }
    Ok(role)
}

/// A number, which templates may write as text.
fn seconds(value: &Value) -> Option<u32> {
    match value {
        Value::String(text) => text.parse().ok(),
        number => number.as_u64().and_then(|number| u32::try_from(number).ok()),
    }
}

/// The logical id of the service account's role: eksctl's `Role1`, or the only role there is.
fn find_role(resources: &Map<String, Value>) -> Result<&str, ResolveError> {
    let is_role = |resource: &Value| resource.get("Type").and_then(Value::as_str) == Some("AWS::IAM::Role");
    let roles: Vec<&String> = resources
        .iter()
        .filter(|(_, resource)| is_role(resource))
        .map(|(id, _)| id)
        .collect();
    match roles.as_slice() {
        [only] => Ok(only),
        roles => roles
            .iter()
            .find(|id| id.as_str() == "Role1")
            .map(|id| id.as_str())
            .ok_or(ResolveError::NoRole { found: roles.len() }),
    }
}

fn properties<'a>(resources: &'a Map<String, Value>, id: &str) -> &'a Map<String, Value> {
    static NONE: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
    let properties = resources
        .get(id)
        .and_then(|resource| resource.get("Properties"))
        .and_then(Value::as_object);
    properties.unwrap_or(&NONE)
}

/// The members of a list with their pointers; none if the property is absent.
fn list<'a>(
    properties: &'a Map<String, Value>,
    name: &str,
    at: &str,
) -> Result<Vec<(String, &'a Value)>, ResolveError> {
    match properties.get(name) {
        None => Ok(Vec::new()),
        Some(Value::Array(values)) => Ok(values
            .iter()
            .enumerate()
            .map(|(index, value)| (format!("{at}/{name}/{index}"), value))
            .collect()),
        Some(_) => Err(ResolveError::NotList {
            pointer: format!("{at}/{name}"),
        }),
    }
}

fn add_inline_policy(
    role: &mut WantedRole,
    properties: &Map<String, Value>,
    at: &str,
    context: &ResolveContext,
) -> Result<(), ResolveError> {
    let property = |name: &'static str| {
        properties.get(name).ok_or_else(|| ResolveError::Missing {
            pointer: at.to_owned(),
            property: name,
        })
    };
    let name = resolve_text(property("PolicyName")?, &format!("{at}/PolicyName"), context)?;
    let document = resolve_value(
        property("PolicyDocument")?,
        &format!("{at}/PolicyDocument"),
        context,
    )?;
    role.inline_policies.insert(name, document);
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn context() -> ResolveContext {
        ResolveContext {
            stack_name: "s".into(),
            partition: Partition::Aws,
            account: "111122223333".into(),
            region: "us-west-2".into(),
        }
    }

    #[test]
    fn policies_of_every_form_and_of_this_role_only() {
        let template = json!({"Resources": {
            "TheRole": {"Type": "AWS::IAM::Role", "Properties": {
                "RoleName": {"Fn::Sub": "${AWS::StackName}-role"}, "AssumeRolePolicyDocument": {"Statement": []},
                "Policies": [{"PolicyName": "within", "PolicyDocument": {"A": "${aws:username}"}}]}},
            "ByRef": {"Type": "AWS::IAM::Policy", "Properties": {
                "PolicyName": "by-ref", "Roles": ["other", {"Ref": "TheRole"}], "PolicyDocument": {}}},
            "ByName": {"Type": "AWS::IAM::RolePolicy", "Properties": {
                "PolicyName": "by-name", "RoleName": "s-role", "PolicyDocument": {}}},
            "Foreign": {"Type": "AWS::IAM::Policy", "Properties": {
                "PolicyName": "foreign", "Roles": ["other"], "PolicyDocument": {"Ref": "Unknown"}}}}});
        let role = resolve(&template, &context()).unwrap();
        assert_eq!(role.role_name.as_deref(), Some("s-role"));
        let names: Vec<&str> = role.inline_policies.keys().map(String::as_str).collect();
        assert_eq!(names, ["by-name", "by-ref", "within"]);
        assert_eq!(role.inline_policies["within"], json!({"A": "${aws:username}"}));
    }

    #[test]
    fn template_that_cannot_be_understood_says_where() {
        let role = |properties: Value| json!({"Resources": {"Role1": {"Type": "AWS::IAM::Role", "Properties": properties}}});
        let error = |template: Value| resolve(&template, &context()).unwrap_err().to_string();
        assert_eq!(
            error(role(json!({}))),
            "/Resources/Role1/Properties: `AssumeRolePolicyDocument` is missing"
        );
        assert_eq!(
            error(role(
                json!({"AssumeRolePolicyDocument": {}, "ManagedPolicyArns": [{"Ref": "Policy"}]})
            )),
            "/Resources/Role1/Properties/ManagedPolicyArns/0: eksact cannot determine the value of `Ref \"Policy\"`"
        );
        assert_eq!(
            error(role(
                json!({"AssumeRolePolicyDocument": {}, "ManagedPolicyArns": "x"})
            )),
            "/Resources/Role1/Properties/ManagedPolicyArns: this must be a list"
        );
        for nothing in [
            json!(null),
            json!({}),
            json!({"Resources": {"X": {"Type": "AWS::SNS::Topic"}}}),
        ] {
            assert_eq!(
                resolve(&nothing, &context()),
                Err(ResolveError::NoRole { found: 0 })
            );
        }
    }
}
