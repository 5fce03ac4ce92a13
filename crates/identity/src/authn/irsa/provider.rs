//! The IAM OIDC provider of the cluster's issuer, and the audience that it takes.

use super::{AUDIENCE_ANNOTATION, Chain, Link, audience_of, thumbprint};
use crate::iam::{
    Arn,
    trust::{AUDIENCE, provider_arn},
};
use eksact_message::code::Code;
use eksact_message::remedy::Remedy;

/// The provider and its audience. For a role of another account IAM looks for the provider in that account.
pub(super) fn check(chain: &Chain, foreign: Option<&Arn>) -> Vec<Link> {
    let Some(issuer) = &chain.issuer else {
        return Vec::new();
    };
    if let Some(role) = foreign {
        return vec![
            Link::unknown(
                "provider",
                format!(
                    "the role is in account {}, and so STS looks for the provider there; this cluster's account is {}",
                    role.account, chain.account
                ),
            )
            .code(Code::OtherAccount)
            .help(remedy!(
                "Unless account {} has a provider of {issuer}, the annotation names the wrong account. Ask there, or make the \
                 call with --try.",
                role.account
            )),
        ];
    }
    let associate = remedy!(
        "`eksact utils associate-iam-oidc-provider {} --approve` completes it.",
        chain.flags()
    );
    let wanted = match provider_arn(chain.partition, &chain.account, issuer) {
        Ok(arn) => arn.to_string(),
        Err(error) => return vec![Link::broken("provider", Code::BadOidcIssuer, error.to_string())],
    };
    match &chain.provider {
        Err(why) => vec![chain.unread("provider", why)],
        Ok(None) => vec![
            Link::broken(
                "provider",
                Code::OidcProviderMissing,
                format!("the account has no provider {wanted}: providers of other clusters do not help"),
            )
            .help(associate),
        ],
        Ok(Some(provider)) => [
            Some(Link::whole("provider", wanted)),
            Some(audience(chain, &provider.audiences, associate)),
            thumbprint::check(chain, provider),
        ]
        .into_iter()
        .flatten()
        .collect(),
    }
}

fn audience(chain: &Chain, audiences: &[String], associate: Remedy) -> Link {
    let account = chain.service_account.as_ref().ok().and_then(Option::as_ref);
    let wanted = audience_of(account);
    if audiences.iter().any(|audience| audience == wanted) {
        return Link::whole("audience", wanted);
    }
    let link = Link::broken(
        "audience",
        Code::OidcAudienceMissing,
        format!(
            "tokens are for {}, and the provider accepts {}",
            if wanted.is_empty() { "no audience" } else { wanted },
            if audiences.is_empty() {
                "none".to_owned()
            } else {
                audiences.join(", ")
            }
        ),
    );
    if wanted == AUDIENCE {
        link.help(associate)
    } else {
        link.help(remedy!(
            "Remove the annotation {AUDIENCE_ANNOTATION}, or add that audience to the provider."
        ))
    }
}
