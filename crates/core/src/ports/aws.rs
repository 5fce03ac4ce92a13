//! AWS as eksact sees it: cluster, OIDC provider, CloudFormation stacks and IAM roles.
//!
//! Readers page through everything and return whole lists or an error: a partial list is never passed off as the
//! whole (eksctl 0.231 does, `cfn/manager/api.go:474`).

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{CallError, access::AccessEntry};

/// Who the caller is (STS `GetCallerIdentity`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerIdentity {
    /// Twelve digits.
    pub account: String,
    /// For an assumed role the `sts` ARN with the session name.
    pub arn: String,
    /// The unique id, with the session name after a colon for roles.
    pub user_id: String,
}

/// A cluster (EKS `DescribeCluster`), as far as eksact needs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// The id that a local cluster on an Outpost goes by in tokens; none for every other cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_id: Option<String>,
    /// Its ARN: the account and partition of everything that eksact derives.
    pub arn: String,
    /// `ACTIVE`, `CREATING`, `UPDATING`, …
    pub status: String,
    /// Kubernetes version, such as `1.34`.
    pub version: Option<String>,
    /// URL of the Kubernetes API, absent while the cluster is being created.
    pub endpoint: Option<String>,
    /// PEM, base64 as EKS gives it.
    pub certificate_authority_data: Option<String>,
    /// `identity.oidc.issuer`, an https URL.
    pub oidc_issuer: Option<String>,
    /// `accessConfig.authenticationMode`: `CONFIG_MAP`, `API_AND_CONFIG_MAP` or `API`.
    pub authentication_mode: Option<String>,
    /// Whether the API is reachable from outside the VPC.
    pub endpoint_public_access: Option<bool>,
    /// Tags of the cluster.
    pub tags: BTreeMap<String, String>,
}

impl Cluster {
    /// What a token for it is signed for.
    pub fn name_in_tokens(&self) -> &str {
        self.local_id.as_deref().unwrap_or(&self.name)
    }
}

/// An IAM OIDC provider (IAM `GetOpenIDConnectProvider`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OidcProvider {
    /// `arn:…:oidc-provider/host/path`.
    pub arn: String,
    /// Host and path; AWS returns it without `https://`, and so does every adapter.
    pub url: String,
    /// Client ids, in the order that IAM returns them.
    pub audiences: Vec<String>,
    /// Lower-case hex SHA-1.
    pub thumbprints: Vec<String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

/// A stack (CloudFormation `DescribeStacks`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stack {
    /// Name.
    pub name: String,
    /// ARN with the unique id.
    pub id: String,
    /// `CREATE_COMPLETE` and the like; kept as CloudFormation writes it so that a new status is not lost.
    pub status: String,
    /// Its reason, when CloudFormation gives one.
    pub status_reason: Option<String>,
    /// Description of the template.
    pub description: Option<String>,
    /// Tags, own and propagated.
    pub tags: BTreeMap<String, String>,
    /// Outputs by key.
    pub outputs: BTreeMap<String, String>,
    /// `CAPABILITY_IAM`, `CAPABILITY_NAMED_IAM`.
    pub capabilities: Vec<String>,
    /// Whether `DeleteStack` is refused.
    pub termination_protection: bool,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// When it was last updated.
    pub updated: Option<Timestamp>,
}

impl Stack {
    /// Whether CloudFormation is still at work on it (a stack under `REVIEW_IN_PROGRESS` waits for people, not for
    /// CloudFormation).
    pub fn in_progress(&self) -> bool {
        self.status.ends_with("_IN_PROGRESS") && self.status != "REVIEW_IN_PROGRESS"
    }
}

/// One line of a stack's history (CloudFormation `DescribeStackEvents`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StackEvent {
    /// When.
    pub timestamp: Timestamp,
    /// Logical id: `Role1`, or the stack's own name.
    pub logical_id: String,
    /// Physical id, possibly empty while being created.
    pub physical_id: String,
    /// `AWS::IAM::Role`.
    pub resource_type: String,
    /// `CREATE_FAILED` and the like.
    pub status: String,
    /// Why.
    pub status_reason: Option<String>,
    /// The token of the request that led to it.
    pub client_request_token: Option<String>,
}

/// A role with everything that decides what it may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// Name without path.
    pub name: String,
    /// ARN with path.
    pub arn: String,
    /// Unique id `AROA…`: a recreated role has another.
    pub id: String,
    /// `/` or a path.
    pub path: String,
    /// The decoded trust policy.
    pub trust_policy: Value,
    /// ARNs of the attached managed policies.
    pub managed_policy_arns: Vec<String>,
    /// Decoded inline policies by name.
    pub inline_policies: BTreeMap<String, Value>,
    /// ARN of the permissions boundary.
    pub permissions_boundary: Option<String>,
    /// Tags, those of CloudFormation (`aws:cloudformation:…`) included.
    pub tags: BTreeMap<String, String>,
}

/// A role's trust policy alone (IAM `GetRole`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleTrust {
    /// Unique id `AROA…` of the role: a recreated role has another.
    pub role_id: String,
    /// The decoded document.
    pub policy: Value,
}

/// What `CreateStack` is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StackRequest {
    /// Name of the stack.
    pub name: String,
    /// The whole template.
    pub template_body: String,
    /// Tags in the order to send them.
    pub tags: Vec<(String, String)>,
    /// Capabilities to acknowledge.
    pub capabilities: Vec<String>,
    /// Whether `DeleteStack` shall be refused afterwards.
    pub termination_protection: bool,
    /// eksctl's `--cfn-disable-rollback`.
    pub disable_rollback: bool,
    /// eksctl's `--cfn-role-arn`.
    pub service_role_arn: Option<String>,
    /// Makes a repeated request harmless.
    pub client_request_token: String,
}

/// What `CreateChangeSet` (of type UPDATE) is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeSetRequest {
    /// Name or id of the stack.
    pub stack: String,
    /// Name of the change set.
    pub name: String,
    /// The whole template.
    pub template_body: String,
    /// All tags that the stack shall have: CloudFormation replaces the set.
    pub tags: Vec<(String, String)>,
    /// Capabilities to acknowledge.
    pub capabilities: Vec<String>,
    /// eksctl's `--cfn-role-arn`.
    pub service_role_arn: Option<String>,
    /// Makes a repeated request harmless.
    pub client_request_token: String,
}

/// What executing a change set would do to one resource (CloudFormation `ResourceChange`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceChange {
    /// `Role1`.
    pub logical_id: String,
    /// The resource that is there now; none for one that is added.
    pub physical_id: Option<String>,
    /// `AWS::IAM::Role`.
    pub resource_type: String,
    /// `Add`, `Modify`, `Remove`, `Import` or `Dynamic`; kept as CloudFormation writes it.
    pub action: String,
    /// For `Modify` whether the resource is made anew: `True`, `False`, or `Conditional` where it depends on a value
    /// that is not known yet.
    pub replacement: Option<String>,
}

/// A change set as `DescribeChangeSet` tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeSet {
    /// ARN.
    pub id: String,
    /// `CREATE_PENDING`, `CREATE_IN_PROGRESS`, `CREATE_COMPLETE`, `FAILED`, …
    pub status: String,
    /// Why; CloudFormation reports "nothing to change" only through this text.
    pub status_reason: Option<String>,
    /// `AVAILABLE`, `UNAVAILABLE`, `EXECUTE_COMPLETE`, …
    pub execution_status: Option<String>,
    /// What it would do, all pages; empty until it is computed, and where only outputs differ.
    pub changes: Vec<ResourceChange>,
}

impl ChangeSet {
    /// Whether it failed only because there is nothing to change.
    pub fn is_empty_change(&self) -> bool {
        self.status == "FAILED"
            && self.status_reason.as_deref().is_some_and(|reason| {
                reason.contains("didn't contain changes") || reason.contains("No updates are to be performed")
            })
    }
}

/// Reads an account and region. Planning is given this and no more.
#[async_trait]
pub trait AwsReader: Send + Sync {
    /// STS `GetCallerIdentity`.
    async fn caller_identity(&self) -> Result<CallerIdentity, CallError>;
    /// EKS `DescribeCluster`; a missing cluster is an error of kind `NotFound`.
    async fn cluster(&self, name: &str) -> Result<Cluster, CallError>;
    /// IAM `GetOpenIDConnectProvider`.
    async fn oidc_provider(&self, arn: &str) -> Result<Option<OidcProvider>, CallError>;
    /// Every stack of the region that is not deleted: CloudFormation `DescribeStacks`, all pages.
    async fn stacks(&self) -> Result<Vec<Stack>, CallError>;
    /// One stack by name or id; by id a deleted one is found as well (`DELETE_COMPLETE`).
    async fn stack(&self, name_or_id: &str) -> Result<Option<Stack>, CallError>;
    /// The template as it was sent (CloudFormation `GetTemplate`, stage `Original`).
    async fn stack_template(&self, name_or_id: &str) -> Result<String, CallError>;
    /// The stack's events, newest first, all pages.
    async fn stack_events(&self, name_or_id: &str) -> Result<Vec<StackEvent>, CallError>;
    /// One change set with its changes (CloudFormation `DescribeChangeSet`, all pages).
    async fn change_set(&self, id: &str) -> Result<ChangeSet, CallError>;
    /// One role with its policies: IAM `GetRole`, `ListAttachedRolePolicies`, `ListRolePolicies`, `GetRolePolicy`.
    async fn role(&self, name: &str) -> Result<Option<Role>, CallError>;
    /// A role's trust policy and no more: one call, IAM `GetRole`.
    async fn trust_policy(&self, role: &str) -> Result<Option<RoleTrust>, CallError>;
    /// How long a trust policy may be in this account (IAM `GetAccountSummary`, `AssumeRolePolicySizeQuota`); none where IAM
    /// does not say.
    async fn trust_policy_quota(&self) -> Result<Option<usize>, CallError>;
    /// The ARN of a role, with its path; none for one that does not exist. Needs `iam:GetRole` alone.
    async fn role_arn(&self, name: &str) -> Result<Option<String>, CallError>;
    /// How many roles the account has (IAM `GetAccountSummary`), to choose between reading one by one and in bulk.
    async fn role_count(&self) -> Result<u64, CallError>;
    /// Every role of the account with its policies (IAM `GetAccountAuthorizationDetails`, all pages).
    async fn roles(&self) -> Result<Vec<Role>, CallError>;
    /// The ARNs of the account's roles under a path (IAM `ListRoles` with `PathPrefix`, all pages).
    async fn role_arns(&self, path_prefix: &str) -> Result<Vec<String>, CallError>;
    /// Every access entry of a cluster with its access policies (EKS `ListAccessEntries`, `DescribeAccessEntry`,
    /// `ListAssociatedAccessPolicies`, all pages). A cluster whose authentication mode is `CONFIG_MAP` has none: EKS
    /// refuses the listing there, and so callers look at the mode first.
    async fn access_entries(&self, cluster: &str) -> Result<Vec<AccessEntry>, CallError>;
}

/// Changes an account and region. Only the runner of an approved plan is given this.
#[async_trait]
pub trait AwsWriter: Send + Sync {
    /// IAM `CreateOpenIDConnectProvider`; gives the ARN. No thumbprint lets IAM compute it.
    async fn create_oidc_provider(
        &self,
        url: &str,
        audiences: &[String],
        thumbprint: Option<&str>,
        tags: &BTreeMap<String, String>,
    ) -> Result<String, CallError>;
    /// IAM `AddClientIDToOpenIDConnectProvider`.
    async fn add_oidc_audience(&self, arn: &str, audience: &str) -> Result<(), CallError>;
    /// IAM `UpdateOpenIDConnectProviderThumbprint`; replaces the list.
    async fn set_oidc_thumbprints(&self, arn: &str, thumbprints: &[String]) -> Result<(), CallError>;
    /// IAM `TagOpenIDConnectProvider`; other tags stay.
    async fn tag_oidc_provider(&self, arn: &str, tags: &BTreeMap<String, String>) -> Result<(), CallError>;
    /// IAM `DeleteOpenIDConnectProvider`.
    async fn delete_oidc_provider(&self, arn: &str) -> Result<(), CallError>;
    /// EKS `TagResource` on the cluster; other tags stay.
    async fn tag_cluster(&self, arn: &str, tags: &BTreeMap<String, String>) -> Result<(), CallError>;

    /// CloudFormation `CreateStack`; gives the stack's id.
    async fn create_stack(&self, request: &StackRequest) -> Result<String, CallError>;
    /// CloudFormation `CreateChangeSet` of type UPDATE; gives the change set's id.
    async fn create_change_set(&self, request: &ChangeSetRequest) -> Result<String, CallError>;
    /// CloudFormation `ExecuteChangeSet`.
    async fn execute_change_set(&self, id: &str, client_request_token: &str) -> Result<(), CallError>;
    /// CloudFormation `DeleteChangeSet`.
    async fn delete_change_set(&self, id: &str) -> Result<(), CallError>;
    /// CloudFormation `UpdateTerminationProtection`.
    async fn set_termination_protection(&self, stack: &str, enabled: bool) -> Result<(), CallError>;
    /// CloudFormation `DeleteStack`; returns before the deletion is done. Pass the id, not the name.
    async fn delete_stack(
        &self,
        id: &str,
        service_role_arn: Option<&str>,
        client_request_token: &str,
    ) -> Result<(), CallError>;

    /// IAM `UpdateAssumeRolePolicy`.
    async fn set_trust_policy(&self, role: &str, document: &Value) -> Result<(), CallError>;
    /// IAM `AttachRolePolicy`.
    async fn attach_role_policy(&self, role: &str, policy_arn: &str) -> Result<(), CallError>;
    /// IAM `DetachRolePolicy`.
    async fn detach_role_policy(&self, role: &str, policy_arn: &str) -> Result<(), CallError>;
    /// IAM `PutRolePolicy`.
    async fn put_role_policy(&self, role: &str, name: &str, document: &Value) -> Result<(), CallError>;
    /// IAM `DeleteRolePolicy`.
    async fn delete_role_policy(&self, role: &str, name: &str) -> Result<(), CallError>;
    /// IAM `PutRolePermissionsBoundary`, or `DeleteRolePermissionsBoundary` for `None`.
    async fn set_permissions_boundary(&self, role: &str, boundary: Option<&str>) -> Result<(), CallError>;
    /// IAM `TagRole`; other tags stay.
    async fn tag_role(&self, role: &str, tags: &BTreeMap<String, String>) -> Result<(), CallError>;
}
