//! What is asked in the words of IAM: an action, and the resource that it is about.

use schemars::JsonSchema;
use serde::Serialize;

use eksact_identity::iam::{
    arn::is_account_id,
    policy::authorization::{account_of, is_action},
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_an_action_and_an_arn() {
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
