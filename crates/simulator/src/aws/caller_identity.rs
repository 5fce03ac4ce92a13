//! Who calls in the sandbox, as STS tells it.

use async_trait::async_trait;

use super::reading;
use crate::Sandbox;
use eksact_core::ports::CallError;
use eksact_core::ports::aws::{CallerIdentity, CallerIdentityReader};

#[async_trait]
impl CallerIdentityReader for Sandbox {
    async fn caller_identity(&self) -> Result<CallerIdentity, CallError> {
        self.call(reading("sts", "GetCallerIdentity", ""), |world, _| {
            let caller = self.caller.clone().unwrap_or_else(|| world.creator());
            Ok(caller.into())
        })
        .await
    }
}
