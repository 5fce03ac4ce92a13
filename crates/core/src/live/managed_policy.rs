//! Customer managed policies, by their ARNs, and who has them.

use async_trait::async_trait;

use super::{Live, LiveReader, Observed, query::Query};
use crate::ports::aws::{ManagedPolicy, PolicyUse};

/// A customer managed policy, by its ARN.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ManagedPolicyByArn(pub String);

#[async_trait]
impl Query for ManagedPolicyByArn {
    type Answer = Option<ManagedPolicy>;

    async fn read(&self, reader: &LiveReader) -> Observed<Option<ManagedPolicy>> {
        reader.readers.aws.managed_policy(&self.0).await
    }
}

/// Who has a managed policy, by the policy's ARN.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UseOfPolicy(pub String);

#[async_trait]
impl Query for UseOfPolicy {
    type Answer = PolicyUse;

    async fn read(&self, reader: &LiveReader) -> Observed<PolicyUse> {
        reader.readers.aws.policy_use(&self.0).await
    }
}

impl Live {
    /// A customer managed policy.
    pub fn managed_policy(&self, arn: &str) -> Option<&Observed<Option<ManagedPolicy>>> {
        self.get(&ManagedPolicyByArn(arn.to_owned()))
    }

    /// Who has a managed policy.
    pub fn policy_use(&self, arn: &str) -> Option<&Observed<PolicyUse>> {
        self.get(&UseOfPolicy(arn.to_owned()))
    }
}
