//! What every contract starts from: the ports, templates like eksctl's, and waiting for stacks.

use std::{sync::Arc, time::Duration};

use eksact_core::ports::aws::{ChangeSet, ChangeSetRequest, Role, Stack, StackRequest};
use eksact_core::ports::kubernetes::{KubernetesReader, KubernetesWriter};
use eksact_core::ports::{CallError, CallErrorKind, Readers, Writers};
use serde_json::{Value, json};

pub(crate) const READ_ONLY: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";
pub(crate) const S3: &str = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";
pub(crate) const POWER_USER: &str = "arn:aws:iam::aws:policy/PowerUserAccess";

/// How long a stack may take; they are told to take no time.
const PATIENCE: Duration = Duration::from_secs(20);

/// An account and cluster behind the ports.
pub(crate) struct World {
    pub(crate) readers: Readers,
    pub(crate) writers: Writers,
    /// The cluster as somebody sees it who may only read.
    pub(crate) reading_only: Arc<dyn KubernetesReader>,
    /// What happens when they write all the same.
    pub(crate) reading_only_writer: Arc<dyn KubernetesWriter>,
}

impl World {
    /// The stack once CloudFormation is done with it.
    pub(crate) async fn settled(&self, name_or_id: &str) -> Stack {
        let look = async {
            loop {
                let stack = self.readers.aws.stack(name_or_id).await.unwrap().unwrap();
                if !stack.in_progress() {
                    return stack;
                }
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        };
        tokio::time::timeout(PATIENCE, look)
            .await
            .expect("the stack does not settle")
    }

    /// Creates a stack and waits for it.
    pub(crate) async fn create(&self, name: &str, template: &Value) -> Stack {
        let id = self
            .writers
            .aws
            .create_stack(&request(name, template))
            .await
            .unwrap();
        self.settled(&id).await
    }

    /// The change set once CloudFormation has made it.
    pub(crate) async fn ready(&self, id: &str) -> ChangeSet {
        let look = async {
            loop {
                let change_set = self.readers.aws.change_set(id).await.unwrap();
                if !matches!(
                    change_set.status.as_str(),
                    "CREATE_PENDING" | "CREATE_IN_PROGRESS"
                ) {
                    return change_set;
                }
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        };
        tokio::time::timeout(PATIENCE, look)
            .await
            .expect("the change set is not made")
    }

    /// The role that a stack has put out.
    pub(crate) async fn role_of(&self, stack: &Stack) -> Role {
        let name = stack.outputs["Role1"].rsplit('/').next().unwrap();
        self.readers.aws.role(name).await.unwrap().unwrap()
    }
}

/// A trust policy for one service account of the cluster.
pub(crate) fn trust(subject: &str) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Action": ["sts:AssumeRoleWithWebIdentity"],
        "Principal": {"Federated": "arn:aws:iam::111122223333:oidc-provider/issuer"},
        "Condition": {"StringEquals": {"issuer:sub": subject}},
    }]})
}

/// An inline policy that allows one action.
pub(crate) fn document(action: &str) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]})
}

/// A template like eksctl's: a role with these properties besides its trust policy, and an inline policy.
pub(crate) fn template(properties: &Value, action: Option<&str>) -> Value {
    let mut role = json!({"AssumeRolePolicyDocument": trust("system:serviceaccount:app:reader")});
    let properties = properties.as_object().unwrap().clone();
    role.as_object_mut().unwrap().extend(properties);
    let mut resources = json!({"Role1": {"Type": "AWS::IAM::Role", "Properties": role}});
    if let Some(action) = action {
        resources["Policy1"] = json!({"Type": "AWS::IAM::Policy", "Properties": {
            "PolicyName": {"Fn::Sub": "${AWS::StackName}-Policy1"},
            "Roles": [{"Ref": "Role1"}],
            "PolicyDocument": document(action),
        }});
    }
    json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "IAM role",
        "Resources": resources,
        "Outputs": {"Role1": {"Value": {"Fn::GetAtt": "Role1.Arn"}}},
    })
}

/// The request for a stack.
pub(crate) fn request(name: &str, template: &Value) -> StackRequest {
    StackRequest {
        name: name.to_owned(),
        template_body: template.to_string(),
        tags: vec![("team".to_owned(), "platform".to_owned())],
        capabilities: vec!["CAPABILITY_NAMED_IAM".to_owned()],
        termination_protection: false,
        disable_rollback: false,
        service_role_arn: None,
        client_request_token: format!("create-{name}"),
    }
}

/// The request for a change set of a stack.
pub(crate) fn change(stack: &str, name: &str, template: &Value) -> ChangeSetRequest {
    ChangeSetRequest {
        stack: stack.to_owned(),
        name: name.to_owned(),
        template_body: template.to_string(),
        tags: vec![("team".to_owned(), "platform".to_owned())],
        capabilities: vec!["CAPABILITY_NAMED_IAM".to_owned()],
        service_role_arn: None,
        client_request_token: format!("change-{stack}-{name}"),
    }
}

/// What sort of failure it was.
#[track_caller]
pub(crate) fn kind<T: std::fmt::Debug>(answer: Result<T, CallError>) -> CallErrorKind {
    answer.expect_err("it should have been refused").kind
}
