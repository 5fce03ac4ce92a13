//! `AssumeRoleWithWebIdentity`, to see whether STS lets a service account in. The credentials are not looked at.

use super::{
    client::AwsClient,
    error::{Action, incomplete},
};
use eksact_core::ports::{CallError, web_identity::WebIdentityToken};

const ASSUME_ROLE_WITH_WEB_IDENTITY: Action = ("sts", "AssumeRoleWithWebIdentity");
/// What `CloudTrail` shows of it.
const SESSION_NAME: &str = "eksact-check-irsa";
/// The shortest session that STS gives.
const SECONDS: i32 = 900;

impl AwsClient {
    /// The ARN of the session that STS opens for the token's holder.
    pub(crate) async fn assume_with_web_identity(
        &self,
        role: &str,
        token: &WebIdentityToken,
    ) -> Result<String, CallError> {
        let request = self
            .sts
            .assume_role_with_web_identity()
            .role_arn(role)
            .role_session_name(SESSION_NAME)
            .duration_seconds(SECONDS)
            .web_identity_token(token.secret());
        let answer = self
            .call(ASSUME_ROLE_WITH_WEB_IDENTITY, role, request.send())
            .await?;
        answer
            .assumed_role_user
            .map(|user| user.arn)
            .ok_or_else(|| incomplete(ASSUME_ROLE_WITH_WEB_IDENTITY, role, "session"))
    }
}
