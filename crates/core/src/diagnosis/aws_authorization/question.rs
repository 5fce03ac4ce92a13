//! What is asked in the words of IAM: an action, and the resource that it is about.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{
    identities::{Identities, Identity, Session, Supposed, is_of_sts},
    pods::depends,
};
use eksact_identity::iam::{
    arn::is_account_id,
    policy::authorization::{Decision, Policy, ResourcePolicy, Sharing, account_of, is_action, sharing},
};

/// An action on a resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AwsRequest {
    /// `s3:GetObject`.
    pub action: String,
    /// The resource by its ARN, or all that one with wildcards means; none for any at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// The account of the resource, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_account: Option<String>,
}

/// Why a question is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AwsRequestError {
    /// The action is none.
    #[error("`{0}` is not an action of AWS, which is written service:Name, without wildcards")]
    Action(String),
    /// The resource is no ARN.
    #[error(
        "`{0}` is not the ARN of a resource, which is written arn:partition:service:region:account:resource"
    )]
    Resource(String),
    /// The account is none.
    #[error("`{0}` is not an account, which is twelve digits")]
    Account(String),
    /// Two accounts are named.
    #[error("the resource is of account {0}, and not of {1}")]
    OtherAccount(String, String),
}

impl AwsRequest {
    /// Whether a word is meant as an action of AWS, and not as a verb of Kubernetes.
    pub fn is_meant(verb: &str) -> bool {
        verb.contains(':')
    }

    /// Takes a question apart.
    ///
    /// # Errors
    /// When it is not one that IAM could decide.
    pub fn of(action: &str, resource: Option<&str>, account: Option<&str>) -> Result<Self, AwsRequestError> {
        if !is_action(action) {
            return Err(AwsRequestError::Action(action.to_owned()));
        }
        if let Some(resource) = resource
            && resource != "*"
            && !(resource.starts_with("arn:") && resource.splitn(6, ':').count() == 6)
        {
            return Err(AwsRequestError::Resource(resource.to_owned()));
        }
        if let Some(account) = account.filter(|account| !is_account_id(account)) {
            return Err(AwsRequestError::Account(account.to_owned()));
        }
        let own = account_of(resource);
        if let (Some(own), Some(named)) = (own, account)
            && own != named
        {
            return Err(AwsRequestError::OtherAccount(own.to_owned(), named.to_owned()));
        }
        Ok(Self {
            action: action.to_owned(),
            resource: resource.map(ToOwned::to_owned),
            resource_account: own.or(account).map(ToOwned::to_owned),
        })
    }
}

impl std::fmt::Display for AwsRequest {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.resource {
            Some(resource) => write!(formatter, "{} on {resource}", self.action),
            None => write!(formatter, "{} on some resource", self.action),
        }
    }
}

/// What is asked, with the policy of the resource where somebody gave it.
#[derive(Debug)]
pub struct AwsQuestion {
    /// Action and resource.
    pub request: AwsRequest,
    /// The policy of the resource.
    pub resource_policy: Option<Policy>,
}

impl AwsQuestion {
    /// A question; `resource_policy` is the document of the resource's policy.
    pub fn new(request: AwsRequest, resource_policy: Option<&Value>) -> Self {
        let read = |document| Policy::read("the policy of the resource", document);
        Self {
            resource_policy: resource_policy.map(read),
            request,
        }
    }

    /// Whether a document is a policy that can be read.
    pub fn is_policy(document: &Value) -> bool {
        Policy::read("", document).is_readable()
    }

    /// Whether it is not known what the policy of the resource says.
    pub(super) fn is_resource_unread(&self, identities: &Identities<'_>) -> bool {
        self.resource_policy.is_none()
            && identities.trust_for(&self.request).is_none()
            && sharing(&self.request.action) != Sharing::None
    }

    /// The policy of the resource, as far as it is known.
    pub(super) fn resource<'q>(&'q self, identities: &'q Identities<'_>) -> ResourcePolicy<'q> {
        if let Some(trust) = identities.trust_for(&self.request) {
            return ResourcePolicy::Gate(trust);
        }
        match (&self.resource_policy, sharing(&self.request.action)) {
            (Some(policy), Sharing::Gate) => ResourcePolicy::Gate(policy),
            (Some(policy), _) => ResourcePolicy::Beside(policy),
            (None, _) => ResourcePolicy::None,
        }
    }

    /// What every answer depends on where the policy of the resource is not known.
    pub(super) fn unread_resource(&self) -> String {
        let resource = self.request.resource.as_deref().unwrap_or("the resource");
        if is_of_sts(&self.request.action) {
            return format!("the trust policy of {resource}, which is of another account or does not exist");
        }
        format!("the policy of {resource}, which is not read (give it with --resource-policy)")
    }

    /// Whether one of the account may, in a session; the policy of the resource counted, or said to be unknown.
    pub(super) fn decide(
        &self,
        identities: &Identities<'_>,
        identity: usize,
        session: &Session<'_>,
    ) -> Option<Decision> {
        let identity = identities.all.get(identity)?;
        Some(self.decide_of(identities, identity, session, Supposed::default()))
    }

    /// The same supposing something, and of somebody whom the account may not have yet.
    pub(super) fn decide_of<'p>(
        &self,
        identities: &Identities<'p>,
        identity: &Identity<'p>,
        session: &Session<'_>,
        supposed: Supposed<'_>,
    ) -> Decision {
        let resource = self.resource(identities);
        let mut decision = identities.decide_supposing(identity, &self.request, resource, session, supposed);
        if self.is_resource_unread(identities) {
            depends(&mut decision, &self.unread_resource());
        }
        decision
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn question_is_an_action_and_an_arn() {
        let bucket = Some("arn:aws:s3:::reports/*");
        assert_eq!(
            AwsRequest::of("s3:GetObject", bucket, None)
                .unwrap()
                .resource_account,
            None
        );
        assert_eq!(
            AwsRequest::of(
                "sqs:SendMessage",
                Some("arn:aws:sqs:eu-west-1:111122223333:jobs"),
                None
            )
            .unwrap()
            .resource_account
            .as_deref(),
            Some("111122223333")
        );
        for (action, resource, account) in [
            ("s3:*", bucket, None),
            ("s3:", bucket, None),
            ("s3:GetObject", Some("reports"), None),
            ("s3:GetObject", Some("arn:aws:s3"), None),
            ("s3:GetObject", bucket, Some("1111")),
            (
                "sqs:SendMessage",
                Some("arn:aws:sqs:eu-west-1:111122223333:jobs"),
                Some("444455556666"),
            ),
        ] {
            assert!(
                AwsRequest::of(action, resource, account).is_err(),
                "{action} {resource:?} {account:?}"
            );
        }
    }
}
