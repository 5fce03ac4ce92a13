//! The sandbox through the ports, as eksact uses it: what the tests share, and the road of a first apply.

mod cluster;
mod laws;
mod reliability;
mod stacks;
mod updates;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{ManualClock, Sandbox, Seed, World};
use eksact_core::ports::aws::{
    ChangeSetReader, ChangeSetRequest, ChangeSetWriter, ClusterReader, OidcProviderReader,
    OidcProviderWriter, Role, RoleReader, RoleWriter, Stack, StackReader, StackRequest, StackWriter,
};
use eksact_core::ports::issuer::IssuerProbe;
use eksact_core::ports::kubernetes::{
    KubernetesReader, KubernetesWriter, Namespace, ObjectKey, Precondition, Selector, ServiceAccount,
};
use eksact_core::ports::{CallError, CallErrorKind};

pub(super) const NAME: &str = "eksctl-prod-addon-iamserviceaccount-app-reader";
pub(super) const READ_ONLY: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";
pub(super) const S3: &str = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";

pub(super) fn seed() -> Seed {
    Seed {
        cluster: "prod".to_owned(),
        region: "us-west-2".to_owned(),
        account: None,
    }
}

/// A sandbox in memory whose clock stands still.
pub(super) fn sandbox() -> (Sandbox, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::default());
    (
        Sandbox::in_memory(World::seeded(&seed()), Arc::clone(&clock) as _),
        clock,
    )
}

/// The sandbox as the typed verbs of the ports take it.
pub(super) fn reads(sandbox: &Sandbox) -> &dyn KubernetesReader {
    sandbox
}

pub(super) fn writes(sandbox: &Sandbox) -> &dyn KubernetesWriter {
    sandbox
}

pub(super) fn trust(subject: &str) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Action": ["sts:AssumeRoleWithWebIdentity"],
        "Principal": {"Federated": "arn:aws:iam::111122223333:oidc-provider/issuer"},
        "Condition": {"StringEquals": {"issuer:sub": subject}},
    }]})
}

pub(super) fn document(action: &str) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]})
}

/// A template like eksctl's: a role with these properties besides its trust policy, and an inline policy.
pub(super) fn template(properties: &Value, action: Option<&str>) -> Value {
    let mut role = json!({"AssumeRolePolicyDocument": trust("system:serviceaccount:app:reader")});
    role.as_object_mut()
        .unwrap()
        .extend(properties.as_object().unwrap().clone());
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

pub(super) fn request(name: &str, template: &Value) -> StackRequest {
    StackRequest {
        name: name.to_owned(),
        template_body: template.to_string(),
        tags: vec![("team".to_owned(), "platform".to_owned())],
        capabilities: vec!["CAPABILITY_NAMED_IAM".to_owned()],
        termination_protection: false,
        disable_rollback: false,
        service_role_arn: None,
        client_request_token: format!("token-{name}"),
    }
}

pub(super) fn change(stack: &str, name: &str, template: &Value) -> ChangeSetRequest {
    ChangeSetRequest {
        stack: stack.to_owned(),
        name: name.to_owned(),
        template_body: template.to_string(),
        tags: vec![("team".to_owned(), "platform".to_owned())],
        capabilities: vec!["CAPABILITY_NAMED_IAM".to_owned()],
        service_role_arn: None,
        client_request_token: format!("token-{name}"),
    }
}

/// Creates and executes a change set.
pub(super) async fn update(sandbox: &Sandbox, request: &ChangeSetRequest) -> Result<(), CallError> {
    let id = sandbox.create_change_set(request).await?;
    sandbox
        .execute_change_set(&id, &format!("execute-{}", request.name))
        .await
}

pub(super) async fn stack(sandbox: &Sandbox, name_or_id: &str) -> Stack {
    sandbox.stack(name_or_id).await.unwrap().unwrap()
}

/// The role that the stack's output names.
pub(super) async fn role(sandbox: &Sandbox, name_or_id: &str) -> Role {
    let arn = stack(sandbox, name_or_id).await.outputs["Role1"].clone();
    sandbox
        .role(arn.rsplit('/').next().unwrap())
        .await
        .unwrap()
        .unwrap()
}

pub(super) fn service_account(namespace: &str, name: &str, role_arn: &str) -> ServiceAccount {
    ServiceAccount {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        labels: BTreeMap::from([("app.kubernetes.io/managed-by".to_owned(), "eksctl".to_owned())]),
        annotations: BTreeMap::from([("eks.amazonaws.com/role-arn".to_owned(), role_arn.to_owned())]),
        ..ServiceAccount::default()
    }
}

/// A whole first apply, on a file, seen by a second process afterwards.
#[tokio::test]
async fn first_apply_is_there_for_the_next_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sandbox.json");
    let sandbox = Sandbox::open(&path, &seed()).unwrap();
    let issuer = sandbox.cluster("prod").await.unwrap().oidc_issuer.unwrap();
    let chain = sandbox.certificate_chain(&issuer).await.unwrap();
    let thumbprint = &chain.certificates.last().unwrap().thumbprint;
    let audiences = ["sts.amazonaws.com".to_owned()];
    let provider = sandbox
        .create_oidc_provider(&issuer, &audiences, Some(thumbprint), &BTreeMap::new())
        .await
        .unwrap();
    let wanted = template(&json!({"ManagedPolicyArns": [READ_ONLY]}), Some("s3:GetObject"));
    let id = sandbox.create_stack(&request(NAME, &wanted)).await.unwrap();
    let arn = stack(&sandbox, &id).await.outputs["Role1"].clone();
    writes(&sandbox).create(&Namespace::named("app")).await.unwrap();
    writes(&sandbox)
        .create(&service_account("app", "reader", &arn))
        .await
        .unwrap();

    let next = Sandbox::open(&path, &seed()).unwrap();
    assert_eq!(
        next.oidc_provider(&provider).await.unwrap().unwrap().audiences,
        audiences
    );
    let found = stack(&next, NAME).await;
    assert_eq!(
        (found.status.as_str(), found.id.as_str()),
        ("CREATE_COMPLETE", id.as_str())
    );
    let role = role(&next, NAME).await;
    assert_eq!(role.arn, arn);
    assert_eq!(role.managed_policy_arns, [READ_ONLY]);
    assert_eq!(
        role.inline_policies[&format!("{NAME}-Policy1")],
        document("s3:GetObject")
    );
    assert_eq!(role.tags["team"], "platform");
    assert_eq!(role.tags["aws:cloudformation:stack-name"], NAME);
    let account = reads(&next)
        .get::<ServiceAccount>(ObjectKey::namespaced("app", "reader"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(account.annotations["eks.amazonaws.com/role-arn"], arn);
    let missing = next.cluster("other").await.unwrap_err();
    assert_eq!(missing.kind, CallErrorKind::NotFound);
    assert_eq!(missing.message, "No cluster found for name: other.");
}
