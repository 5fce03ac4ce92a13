//! The links that only a call shows: the token that the user brought along, and what STS said.

use super::{Account, Chain, Claims, Link, Trial, Verdict, audience_of};
use eksact_message::{code::Code, duration::in_words};

/// A token that the user brought along.
pub(super) fn token(chain: &Chain, account: Option<&Account>, claims: &Claims) -> Link {
    let subject = crate::iam::trust::subject(&chain.namespace, &chain.name);
    let wanted_audience = audience_of(account);
    if let Some(over) = claims.expired_for {
        return Link::broken("token", Code::TokenExpired, format!("it expired {} ago", in_words(over))).help(
            remedy!("Read the token from its file for each call: the kubelet renews it long before it expires. Update an SDK that keeps an old one."),
        );
    }
    if let Some(claim) = claims.bad_times.first() {
        return Link::broken(
            "token",
            Code::TokenTime,
            format!("its claim {claim} is not a time in seconds, so STS refuses it"),
        );
    }
    if claims.subject.as_deref() != Some(&subject) {
        return Link::broken(
            "token",
            Code::TokenSubject,
            format!(
                "it is {}'s, not {subject}'s",
                claims.subject.as_deref().unwrap_or("nobody")
            ),
        );
    }
    if claims.issuer != chain.issuer {
        return Link::broken(
            "token",
            Code::TokenIssuer,
            format!(
                "it comes from {}, not from this cluster",
                claims.issuer.as_deref().unwrap_or("nobody")
            ),
        );
    }
    if !claims
        .audiences
        .iter()
        .any(|audience| audience == wanted_audience)
    {
        return Link::broken(
            "token",
            Code::TokenAudience,
            format!("it is for {}, not for {wanted_audience}", claims.audiences.join(", ")),
        )
        .help(remedy!("Pass the token that the webhook projects into pods: it is at /var/run/secrets/eks.amazonaws.com/serviceaccount/token."));
    }
    Link::whole("token", "its claims are correct")
}

/// What STS itself said; the last link, because its refusals name no cause.
pub(super) fn called(trial: &Trial, before: &[Link]) -> Link {
    let sound = before.iter().all(|link| link.verdict != Verdict::Broken);
    let open: Vec<&str> = before
        .iter()
        .flat_map(|link| &link.depends_on)
        .map(String::as_str)
        .collect();
    match trial {
        Trial::Assumed(session) => Link::whole("call", format!("STS opened the session {session}")),
        Trial::NotMade(why) => Link::unknown("call", why),
        Trial::Refused(says) if sound && !open.is_empty() => {
            Link::broken("call", Code::StsRefused, says).help(remedy!(
                "The call depends on what the trust policy says of {}. Make it from where that lets it through, or change that \
                 condition.",
                open.join(", and of ")
            ))
        }
        Trial::Refused(says) if sound => Link::broken("call", Code::StsRefused, says).help(
            remedy!("No other broken link is visible. Try again in some seconds, which a change of IAM \
             takes to reach STS. Then look for what cannot be seen from here: the provider in the account \
             of the role, where that is another, and service control policies of the organization that \
             forbid the call."),
        ),
        Trial::Refused(says) => Link::broken("call", Code::StsRefused, says),
    }
}
