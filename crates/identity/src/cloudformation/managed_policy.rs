//! The stack of a customer managed policy: its name, its tags, its template, and what a template says of the policy.
//!
//! eksctl has no such stacks. CloudFormation gives a managed policy no tags (`AWS::IAM::ManagedPolicy` has no such property), so
//! those of the stack alone say whose it is.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    stack_name,
    tags::{self, MANAGED_POLICY_NAME, Tag},
};

/// The logical id of the policy.
pub const LOGICAL_ID: &str = "ManagedPolicy";
/// The output that is the policy's ARN.
pub const OUTPUT: &str = "PolicyARN";
/// What the name of a policy in the template asks of who makes the stack.
pub const CAPABILITY: &str = "CAPABILITY_NAMED_IAM";

/// What the template is made of.
#[derive(Clone, Copy, Debug)]
pub struct PolicyTemplate<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its path, with a slash at both ends.
    pub path: &'a str,
    /// What it is for.
    pub description: Option<&'a str>,
    /// What it says.
    pub document: &'a Value,
}

impl PolicyTemplate<'_> {
    /// The template. Its text form, as CloudFormation takes it, is the value's `to_string`.
    pub fn render(&self) -> Value {
        let mut properties = json!({
            "ManagedPolicyName": self.name,
            "Path": self.path,
            "PolicyDocument": self.document,
        });
        if let (Some(description), Some(properties)) = (self.description, properties.as_object_mut()) {
            properties.insert("Description".to_owned(), json!(description));
        }
        json!({
            "AWSTemplateFormatVersion": "2010-09-09",
            "Description": format!("IAM policy \"{}\" [created and managed by eksact]", self.name),
            "Resources": {LOGICAL_ID: {"Type": "AWS::IAM::ManagedPolicy", "Properties": properties}},
            "Outputs": {OUTPUT: {"Value": {"Ref": LOGICAL_ID}}},
        })
    }
}

/// What a template of ours says that the policy allows; none for another template.
pub fn document_of(template: &Value) -> Option<&Value> {
    template.pointer(&format!("/Resources/{LOGICAL_ID}/Properties/PolicyDocument"))
}

/// The name of the stack of this policy.
pub fn stack_name(cluster: &str, policy: &str) -> String {
    stack_name::of_named(cluster, "policy", policy)
}

/// The tags of its stack.
pub fn stack_tags(cluster: &str, policy: &str, of_file: &BTreeMap<String, String>) -> Vec<Tag> {
    tags::in_order(
        cluster,
        (MANAGED_POLICY_NAME, policy.to_owned()),
        of_file,
        &BTreeMap::new(),
    )
}

/// The policy that the tags of a stack name.
pub fn policy_of(tags: &BTreeMap<String, String>) -> Option<&str> {
    tags.get(MANAGED_POLICY_NAME).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_cloudformation_refuses_get_legal_ones_that_differ() {
        assert_eq!(stack_name("prod", "s3-read"), "eksact-prod-policy-s3-read");
        let (dotted, lined) = (stack_name("prod", "s3.read"), stack_name("prod", "s3_read"));
        assert!(dotted.starts_with("eksact-prod-policy-s3-read-"), "{dotted}");
        assert_ne!(dotted, lined);
        for name in [dotted, lined, stack_name("prod", &"a".repeat(128))] {
            assert!(stack_name::is_legal(&name), "{name}");
        }
    }

    #[test]
    fn template_tells_its_document_and_nothing_that_was_not_said() {
        let document = json!({"Statement": [{"Resource": "arn:aws:s3:::${aws:username}/*"}]});
        let template = PolicyTemplate {
            name: "s3-read",
            path: "/",
            description: None,
            document: &document,
        };
        assert_eq!(document_of(&template.render()), Some(&document));
        assert!(!template.render().to_string().contains("\"Description\":null"));
        assert_eq!(document_of(&json!({"Resources": {"Role1": {}}})), None);
    }
}
