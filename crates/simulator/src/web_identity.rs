//! Tokens of service accounts, and what the sandbox's STS makes of them. A token here is its claims and nothing that
//! would pass for one anywhere else.

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::kubernetes::{Id, Request};
use super::refusal::Refusal;
use super::state::World;
use super::{Call, Sandbox};
use eksact_core::ports::CallError;
use eksact_core::ports::kubernetes::{ObjectKey, ServiceAccount};
use eksact_core::ports::web_identity::{WebIdentityToken, WebIdentityTrial};
use eksact_identity::iam::{
    Arn, Partition,
    policy::TrustVerdict,
    trust::{issuer_without_scheme, provider_arn, subject},
    web_identity::WebIdentityCall,
};

const ACTION: &str = "AssumeRoleWithWebIdentity";
const TOKEN_SECONDS: i64 = 600;

#[async_trait]
impl WebIdentityTrial for Sandbox {
    async fn service_account_token(
        &self,
        namespace: &str,
        name: &str,
        audience: &str,
    ) -> Result<WebIdentityToken, CallError> {
        let request = Request::new("create", "serviceaccounts/token", Some(namespace), name);
        self.kubernetes(request, |cluster, now| {
            if !cluster
                .service_accounts
                .contains_key(&format!("{namespace}/{name}"))
            {
                return Err(Id::of::<ServiceAccount>(ObjectKey::namespaced(namespace, name)).not_found());
            }
            let claims = json!({
                "iss": cluster.cluster.oidc_issuer,
                "sub": subject(namespace, name),
                "aud": [audience],
                "exp": now.as_second() + TOKEN_SECONDS,
            });
            Ok(WebIdentityToken::new(claims.to_string()))
        })
        .await
    }

    async fn assume_role_with_web_identity(
        &self,
        role: &str,
        token: &WebIdentityToken,
    ) -> Result<String, CallError> {
        let call = Call {
            service: "sts",
            action: ACTION.to_owned(),
            object: role.to_owned(),
            write: false,
        };
        self.call(call, |world, now| world.assume(role, token, now.as_second()))
            .await
    }
}

fn text<'claims>(claims: &'claims Value, key: &str) -> &'claims str {
    claims[key].as_str().unwrap_or_default()
}

impl World {
    /// STS looks at the token and its provider first, and at the role's trust policy last.
    fn assume(&self, role: &str, token: &WebIdentityToken, now: i64) -> Result<String, Refusal> {
        let invalid = |message: String| Refusal::new("InvalidIdentityToken", message);
        let claims: Value = serde_json::from_str(token.secret())
            .map_err(|_| invalid("The ID Token provided is not a valid JWT".to_owned()))?;
        if claims["exp"].as_i64().is_none_or(|end| end <= now) {
            let message = "Token expired: current date/time must be before the expiration date/time";
            return Err(Refusal::new("ExpiredTokenException", message));
        }
        let unauthorized = || Refusal::new("AccessDenied", format!("Not authorized to perform sts:{ACTION}"));
        let arn: Arn = role.parse().map_err(|_| unauthorized())?;
        let partition: Partition = self.partition.parse().unwrap_or(Partition::Aws);
        let issuer = text(&claims, "iss");
        let missing = || {
            invalid(format!(
                "No OpenIDConnect provider found in your account for {issuer}"
            ))
        };
        // Of other accounts the sandbox knows nothing.
        let provider = provider_arn(partition, &arn.account, issuer)
            .map_err(|_| missing())?
            .to_string();
        let found = self.oidc_providers.get(&provider).ok_or_else(missing)?;
        let audience = claims["aud"][0].as_str().unwrap_or_default();
        if !found.audiences.iter().any(|known| known == audience) {
            return Err(invalid("Incorrect token audience".to_owned()));
        }
        let found = self
            .roles
            .get(arn.role_name().unwrap_or_default())
            .filter(|found| found.arn == role)
            .ok_or_else(unauthorized)?;
        let call = WebIdentityCall {
            provider_arn: provider,
            issuer: issuer_without_scheme(issuer).map_err(|_| unauthorized())?,
            subject: text(&claims, "sub").to_owned(),
            audience: audience.to_owned(),
            account: arn.account.clone(),
            time: Timestamp::from_second(now).ok(),
        };
        match call.judged_by(&found.trust_policy) {
            TrustVerdict::Allowed => Ok(format!(
                "arn:{}:sts::{}:assumed-role/{}/eksact-check-irsa",
                self.partition,
                arn.account,
                arn.role_name().unwrap_or_default()
            )),
            _ => Err(unauthorized()),
        }
    }
}
