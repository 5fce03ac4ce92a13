//! Who calls, as STS has it.

use async_trait::async_trait;

use super::client::AwsClient;
use super::error::{Action, incomplete};
use eksact_core::ports::CallError;
use eksact_core::ports::aws::{CallerIdentity, CallerIdentityReader};

const GET_CALLER_IDENTITY: Action = ("sts", "GetCallerIdentity");

#[async_trait]
impl CallerIdentityReader for AwsClient {
    async fn caller_identity(&self) -> Result<CallerIdentity, CallError> {
        let object = "the caller";
        let answer = self
            .call(GET_CALLER_IDENTITY, object, self.sts.get_caller_identity().send())
            .await?;
        let missing = |what| move || incomplete(GET_CALLER_IDENTITY, object, what);
        Ok(CallerIdentity {
            account: answer.account.ok_or_else(missing("account"))?,
            arn: answer.arn.ok_or_else(missing("ARN"))?,
            user_id: answer.user_id.ok_or_else(missing("user id"))?,
        })
    }
}
