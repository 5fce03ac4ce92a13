//! What a simulated issuer's host shows of its certificates.

use async_trait::async_trait;
use sha1::{Digest, Sha1};

use super::refusal::Refusal;
use super::state::World;
use super::{Call, Sandbox};
use eksact_core::ports::issuer::{Certificate, CertificateChain, IssuerProbe};
use eksact_core::ports::{CallError, CallErrorKind};

/// The thumbprint of Starfield's root G2, the last certificate that EKS issuers have served for years.
pub(super) const ROOT_THUMBPRINT: &str = "9e99a48a9960b14926bb7f3b02e22da2b0ab7280";

#[async_trait]
impl IssuerProbe for Sandbox {
    async fn certificate_chain(&self, issuer_url: &str) -> Result<CertificateChain, CallError> {
        let call = Call {
            service: "issuer",
            action: "Connect".to_owned(),
            object: issuer_url.to_owned(),
            write: false,
        };
        self.call(call, |world, _| world.certificate_chain(issuer_url))
            .await
    }
}

impl World {
    /// What the issuer's host shows. Only the issuers of this world's clusters have a host.
    pub(super) fn certificate_chain(&self, issuer_url: &str) -> Result<CertificateChain, Refusal> {
        let Some((host, _)) = host_and_path(issuer_url) else {
            return Err(Refusal::new(
                "InvalidInput",
                format!("{issuer_url} is not an https URL"),
            ));
        };
        if let Some(chain) = self.certificate_chains.get(&host) {
            return Ok(chain.clone());
        }
        let serves = |url: &Option<String>| {
            url.as_deref()
                .and_then(host_and_path)
                .is_some_and(|(served, _)| served == host)
        };
        if !self
            .clusters
            .values()
            .any(|simulated| serves(&simulated.cluster.oidc_issuer))
        {
            let message = format!("{host}: no such host in the sandbox");
            return Err(Refusal::without_code(CallErrorKind::Unreachable, message));
        }
        Ok(public_chain(&host))
    }
}

/// The chain of a publicly trusted host; the same host always shows the same.
fn public_chain(host: &str) -> CertificateChain {
    const ROOT: &str = "C=US, ST=Arizona, L=Scottsdale, O=Starfield Technologies, Inc., CN=Starfield Services Root \
                        Certificate Authority - G2";
    let certificate = |thumbprint: String, subject: &str, issuer: &str, not_after: i64| Certificate {
        thumbprint,
        subject: subject.to_owned(),
        issuer: issuer.to_owned(),
        not_after: jiff::Timestamp::from_second(not_after).unwrap_or(jiff::Timestamp::MAX),
    };
    let sha1 = |what: &str| hex::encode(Sha1::digest(what));
    let (intermediate, leaf) = ("C=US, O=Amazon, CN=Amazon RSA 2048 M02", format!("CN={host}"));
    CertificateChain {
        certificates: vec![
            certificate(sha1(host), &leaf, intermediate, 1_988_150_399),
            certificate(sha1(intermediate), intermediate, ROOT, 1_913_846_399),
            certificate(ROOT_THUMBPRINT.to_owned(), ROOT, ROOT, 2_145_916_799),
        ],
        publicly_trusted: true,
    }
}

/// Host without port, and path, of an https URL.
pub(super) fn host_and_path(url: &str) -> Option<(String, String)> {
    let rest = url.strip_prefix("https://")?;
    let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let host = authority
        .split(':')
        .next()
        .filter(|host| !host.is_empty() && !host.contains('@'))?;
    Some((host.to_owned(), path.trim_end_matches('/').to_owned()))
}

#[cfg(test)]
mod tests {
    use super::super::state::Seed;
    use super::*;

    #[test]
    fn host_outside_the_sandbox_does_not_answer() {
        let world = World::seeded(&Seed {
            cluster: "prod".to_owned(),
            region: "us-west-2".to_owned(),
            account: None,
        });
        let refused = world.certificate_chain("https://example.com/id/1").unwrap_err();
        assert_eq!(refused.kind, CallErrorKind::Unreachable);
    }
}
