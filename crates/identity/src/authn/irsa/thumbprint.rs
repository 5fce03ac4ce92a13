//! The provider's thumbprint beside the certificates of the issuer's host.
//!
//! IAM looks at thumbprints only where the issuer's certificates do not lead to a root that AWS trusts itself
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc_verify-thumbprint.html>), and those of
//! EKS do: another thumbprint than the issuer's mostly does no harm, and is said as that.

use super::{Chain, Link, Provider};
use eksact_message::code::Code;

const NAME: &str = "thumbprint";

/// What the issuer's host serves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IssuerCertificates {
    /// The thumbprint of each, lower-case hex, leaf first.
    pub thumbprints: Vec<String>,
    /// Whether they lead to a root of the public web.
    pub publicly_trusted: bool,
}

/// Compares them; nothing where nobody looked.
pub(super) fn check(chain: &Chain, provider: &Provider) -> Option<Link> {
    let served = match chain.certificates.as_ref()? {
        Ok(served) => served,
        Err(why) => return Some(Link::unknown(NAME, why)),
    };
    if let Some(same) = served
        .thumbprints
        .iter()
        .find(|own| provider.thumbprints.contains(own))
    {
        return Some(Link::whole(NAME, same));
    }
    let own = match provider.thumbprints.as_slice() {
        [] => "no thumbprint".to_owned(),
        some => format!("the thumbprint {}", some.join(", ")),
    };
    let says = format!(
        "the provider has {own}, and none of the issuer's certificates has it{}",
        if served.publicly_trusted {
            ": IAM does not check it, because the issuer's certificates lead to a public root"
        } else {
            "; seen from here they lead to no public root, and then IAM compares thumbprints"
        }
    );
    let mut link = Link::whole(NAME, says);
    link.code = Some(Code::OidcThumbprint);
    link.is_note = served.publicly_trusted;
    Some(link.help(remedy!(
        "`eksact utils associate-iam-oidc-provider {} --check-thumbprint --approve` replaces it.",
        chain.flags()
    )))
}
