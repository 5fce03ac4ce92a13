//! All of the account's IAM.

use async_trait::async_trait;

use super::{LiveReader, Observed, Query};
use crate::ports::aws::AuthorizationDetails;

/// Roles, users, groups and managed policies of the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AccountAuthorization;

#[async_trait]
impl Query for AccountAuthorization {
    type Answer = AuthorizationDetails;

    async fn read(&self, reader: &LiveReader) -> Observed<AuthorizationDetails> {
        reader.readers.aws.authorization_details().await
    }
}
