//! What tests look at by hand: a role whole, a service account, everything that is there.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::bed::{Bed, strings};

/// The annotation that names a role.
pub(crate) const ROLE_ANNOTATION: &str = "eks.amazonaws.com/role-arn";

/// A role and all that decides what it may do.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Role {
    pub(crate) trust: Value,
    pub(crate) managed: BTreeSet<String>,
    pub(crate) inline: BTreeMap<String, Value>,
    pub(crate) boundary: Option<String>,
    pub(crate) tags: BTreeMap<String, String>,
}

impl Bed {
    /// The role of this name; none when there is none.
    pub(crate) fn role(&self, name: &str) -> Option<Role> {
        let named = json!({"RoleName": name});
        let role = match self.aws("iam", "get_role", &named) {
            Ok(answer) => answer["Role"].clone(),
            Err(refusal) => {
                assert_eq!(refusal.code, "NoSuchEntity", "{refusal:?}");
                return None;
            }
        };
        let attached = self.aws("iam", "list_attached_role_policies", &named).unwrap();
        let names = self.aws("iam", "list_role_policies", &named).unwrap();
        let inline = names["PolicyNames"].as_array().unwrap().iter().map(|policy| {
            let arguments = json!({"RoleName": name, "PolicyName": policy});
            let answer = self.aws("iam", "get_role_policy", &arguments).unwrap();
            (
                policy.as_str().unwrap().to_owned(),
                answer["PolicyDocument"].clone(),
            )
        });
        Some(role_of(&role, &attached["AttachedPolicies"], inline.collect()))
    }

    /// The stack of this name or id; none when there is none.
    pub(crate) fn stack(&self, name: &str) -> Option<Value> {
        match self.aws("cloudformation", "describe_stacks", &json!({"StackName": name})) {
            Ok(answer) => Some(answer["Stacks"][0].clone()),
            Err(refusal) => {
                assert!(refusal.message.contains("does not exist"), "{refusal:?}");
                None
            }
        }
    }

    /// The ARN that the stack of a service account has put out.
    pub(crate) fn role_arn_of(&self, namespace: &str, name: &str) -> String {
        let stack = self.stack(&self.stack_name(namespace, name)).unwrap();
        stack["Outputs"][0]["OutputValue"].as_str().unwrap().to_owned()
    }

    /// The name of the role of a service account.
    pub(crate) fn role_name_of(&self, namespace: &str, name: &str) -> String {
        let arn = self.role_arn_of(namespace, name);
        arn.rsplit('/').next().unwrap().to_owned()
    }

    /// eksctl's stack name for a service account.
    pub(crate) fn stack_name(&self, namespace: &str, name: &str) -> String {
        format!(
            "eksctl-{}-addon-iamserviceaccount-{namespace}-{name}",
            self.fact("cluster")
        )
    }

    /// A service account; none when there is none.
    pub(crate) fn service_account(&self, namespace: &str, name: &str) -> Option<Value> {
        let (status, found) = self.kubernetes("GET", &service_account_path(namespace, name), &Value::Null);
        (status == 200).then_some(found)
    }

    /// The annotation of a service account that names its role.
    pub(crate) fn annotation(&self, namespace: &str, name: &str) -> Option<String> {
        let found = self.service_account(namespace, name)?;
        found["metadata"]["annotations"][ROLE_ANNOTATION]
            .as_str()
            .map(ToOwned::to_owned)
    }

    /// Makes a namespace by hand.
    pub(crate) fn make_namespace(&self, name: &str) {
        let body = json!({"metadata": {"name": name}});
        assert_eq!(self.kubernetes("POST", "/api/v1/namespaces", &body).0, 201);
    }

    /// Makes a service account by hand.
    pub(crate) fn make_service_account(&self, namespace: &str, name: &str, annotations: &Value) {
        let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts");
        let body = json!({"metadata": {"name": name, "annotations": annotations}});
        assert_eq!(self.kubernetes("POST", &path, &body).0, 201);
    }

    /// Makes a role by hand that nobody but the test cares for.
    pub(crate) fn make_foreign_role(&self, name: &str) {
        let trust = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}]});
        self.aws(
            "iam",
            "create_role",
            &json!({"RoleName": name, "AssumeRolePolicyDocument": trust.to_string(), "Tags": [{"Key": "owner", "Value": "others"}]}),
        )
        .unwrap();
    }

    /// Applies the file and gives how it ended.
    pub(crate) fn apply(&self, file: &str) -> super::bed::Ran {
        self.run(&["apply", "-f", file, "--yes"])
    }

    /// Asserts that a plan over the file is empty and that making it wrote nothing.
    #[track_caller]
    pub(crate) fn nothing_to_do(&self, file: &str) {
        self.forget_calls();
        self.run(&["plan", "-f", file, "--detailed-exitcode"]).ended(0);
        assert_eq!(self.writes(), []);
    }
}

/// A role from the answers of `GetRole` and its companions.
pub(crate) fn role_of(role: &Value, attached: &Value, inline: BTreeMap<String, Value>) -> Role {
    Role {
        trust: role["AssumeRolePolicyDocument"].clone(),
        managed: attached
            .as_array()
            .unwrap()
            .iter()
            .map(|policy| policy["PolicyArn"].as_str().unwrap().to_owned())
            .collect(),
        inline,
        boundary: role["PermissionsBoundary"]["PermissionsBoundaryArn"]
            .as_str()
            .map(ToOwned::to_owned),
        tags: pairs(&role["Tags"]),
    }
}

/// `[{"Key": …, "Value": …}]` as a map.
pub(crate) fn pairs(tags: &Value) -> BTreeMap<String, String> {
    let tags = tags.as_array().into_iter().flatten();
    tags.map(|tag| {
        let text = |key: &str| tag[key].as_str().unwrap().to_owned();
        (text("Key"), text("Value"))
    })
    .collect()
}

/// The path of a service account in the Kubernetes API.
pub(crate) fn service_account_path(namespace: &str, name: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/serviceaccounts/{name}")
}

/// The annotations of an object.
pub(crate) fn annotations(object: &Value) -> BTreeMap<String, String> {
    strings(&object["metadata"]["annotations"])
}

/// The labels of an object.
pub(crate) fn labels(object: &Value) -> BTreeMap<String, String> {
    strings(&object["metadata"]["labels"])
}
