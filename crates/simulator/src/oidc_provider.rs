//! Simulated IAM's OIDC providers, the clusters of EKS, and the certificates that an issuer's host shows.

use std::collections::BTreeMap;

use sha1::{Digest, Sha1};

use super::iam::over_quota;
use super::refusal::Refusal;
use super::state::World;
use eksact_core::ports::CallErrorKind;
use eksact_core::ports::aws::{Cluster, OidcProvider};
use eksact_core::ports::issuer::{Certificate, CertificateChain};

/// The thumbprint of Starfield's root G2, the last certificate that EKS issuers have served for years.
const ROOT_THUMBPRINT: &str = "9e99a48a9960b14926bb7f3b02e22da2b0ab7280";

impl World {
    /// EKS `DescribeCluster` in a region.
    pub(super) fn cluster(&self, name: &str, region: &str) -> Result<&Cluster, Refusal> {
        self.clusters
            .get(&self.cluster_arn(name, region))
            .map(|simulated| &simulated.cluster)
            .ok_or_else(|| {
                Refusal::new(
                    "ResourceNotFoundException",
                    format!("No cluster found for name: {name}."),
                )
            })
    }

    /// EKS `TagResource`; other tags stay.
    pub(super) fn tag_cluster(&mut self, arn: &str, tags: &BTreeMap<String, String>) -> Result<(), Refusal> {
        let simulated = self.clusters.get_mut(arn).ok_or_else(|| {
            let name = arn.rsplit('/').next().unwrap_or(arn);
            Refusal::new("NotFoundException", format!("No cluster found for name: {name}."))
        })?;
        simulated.cluster.tags.extend(tags.clone());
        Ok(())
    }

    /// IAM `GetOpenIDConnectProvider`.
    pub(super) fn oidc_provider(&mut self, arn: &str) -> Result<&mut OidcProvider, Refusal> {
        self.oidc_providers.get_mut(arn).ok_or_else(|| {
            Refusal::new(
                "NoSuchEntity",
                format!("OpenIDConnect Provider not found for arn {arn}"),
            )
        })
    }

    /// IAM `CreateOpenIDConnectProvider`; gives the ARN. IAM drops a port from the URL, and computes the thumbprint
    /// itself when it is given none.
    pub(super) fn create_oidc_provider(
        &mut self,
        url: &str,
        audiences: &[String],
        thumbprint: Option<&str>,
        tags: &BTreeMap<String, String>,
    ) -> Result<String, Refusal> {
        let Some((host, path)) = host_and_path(url) else {
            return Err(Refusal::new(
                "InvalidInput",
                "Invalid Open ID Connect Provider URL",
            ));
        };
        let url = format!("{host}{path}");
        let arn = format!("arn:{}:iam::{}:oidc-provider/{url}", self.partition, self.account);
        if self.oidc_providers.contains_key(&arn) {
            let message = format!("Provider with url https://{url} already exists.");
            return Err(Refusal::new("EntityAlreadyExists", message));
        }
        if self.oidc_providers.len() >= self.quotas.oidc_providers {
            return Err(over_quota(
                "OpenIdConnectProvidersPerAccount",
                self.quotas.oidc_providers,
            ));
        }
        let thumbprint = match thumbprint {
            Some(thumbprint) => {
                check_thumbprint(thumbprint)?;
                thumbprint.to_ascii_lowercase()
            }
            None => ROOT_THUMBPRINT.to_owned(),
        };
        let provider = OidcProvider {
            arn: arn.clone(),
            url,
            audiences: audiences.to_vec(),
            thumbprints: vec![thumbprint],
            tags: tags.clone(),
        };
        self.oidc_providers.insert(arn.clone(), provider);
        Ok(arn)
    }

    /// IAM `AddClientIDToOpenIDConnectProvider`; adding twice is no error.
    pub(super) fn add_oidc_audience(&mut self, arn: &str, audience: &str) -> Result<(), Refusal> {
        let audiences = &mut self.oidc_provider(arn)?.audiences;
        if audiences.iter().any(|known| known == audience) {
            return Ok(());
        }
        if audiences.len() >= 100 {
            return Err(over_quota("ClientIdsPerOpenIdConnectProvider", 100));
        }
        audiences.push(audience.to_owned());
        Ok(())
    }

    /// IAM `UpdateOpenIDConnectProviderThumbprint`.
    pub(super) fn set_oidc_thumbprints(&mut self, arn: &str, thumbprints: &[String]) -> Result<(), Refusal> {
        let provider = self.oidc_provider(arn)?;
        if thumbprints.is_empty() || thumbprints.len() > 5 {
            return Err(Refusal::new(
                "InvalidInput",
                "Thumbprint list must contain between 1 and 5 entries.",
            ));
        }
        thumbprints
            .iter()
            .try_for_each(|thumbprint| check_thumbprint(thumbprint))?;
        provider.thumbprints = thumbprints
            .iter()
            .map(|thumbprint| thumbprint.to_ascii_lowercase())
            .collect();
        Ok(())
    }

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
fn host_and_path(url: &str) -> Option<(String, String)> {
    let rest = url.strip_prefix("https://")?;
    let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let host = authority
        .split(':')
        .next()
        .filter(|host| !host.is_empty() && !host.contains('@'))?;
    Some((host.to_owned(), path.trim_end_matches('/').to_owned()))
}

fn check_thumbprint(thumbprint: &str) -> Result<(), Refusal> {
    if thumbprint.len() == 40 && thumbprint.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(());
    }
    Err(Refusal::validation(format!(
        "1 validation error detected: Value '[{thumbprint}]' at 'thumbprintList' failed to satisfy constraint: Member \
         must have length less than or equal to 40 and greater than or equal to 40"
    )))
}

#[cfg(test)]
mod tests {
    use super::super::state::Seed;
    use super::*;

    fn world(region: &str) -> World {
        World::seeded(&Seed {
            cluster: "prod".to_owned(),
            region: region.to_owned(),
            account: None,
        })
    }

    fn issuer(world: &World) -> String {
        world
            .clusters
            .values()
            .next()
            .unwrap()
            .cluster
            .oidc_issuer
            .clone()
            .unwrap()
    }

    #[test]
    fn a_provider_has_no_port_and_no_scheme() {
        let mut world = world("cn-north-1");
        let url = issuer(&world).replace("amazonaws.com.cn/", "amazonaws.com.cn:443/");
        let audiences = ["sts.amazonaws.com".to_owned()];
        let arn = world
            .create_oidc_provider(&url, &audiences, None, &BTreeMap::new())
            .unwrap();
        assert!(arn.starts_with(
            "arn:aws-cn:iam::111122223333:oidc-provider/oidc.eks.cn-north-1.amazonaws.com.cn/id/"
        ));
        let shown = world.certificate_chain(&url).unwrap();
        let provider = world.oidc_provider(&arn).unwrap();
        assert_eq!(provider.url, arn.split_once('/').unwrap().1);
        assert_eq!(
            provider.thumbprints,
            [shown.certificates.last().unwrap().thumbprint.clone()]
        );
        let again = world
            .create_oidc_provider(&url, &audiences, None, &BTreeMap::new())
            .unwrap_err();
        assert_eq!(again.code, "EntityAlreadyExists");
        assert!(again.message.ends_with("already exists."), "{}", again.message);
    }

    #[test]
    fn thumbprints_are_forty_digits() {
        let mut world = world("us-west-2");
        let url = issuer(&world);
        let refused = world
            .create_oidc_provider(&url, &[], Some("beef"), &BTreeMap::new())
            .unwrap_err();
        assert_eq!(refused.kind, CallErrorKind::Invalid);
        let arn = world
            .create_oidc_provider(&url, &[], Some(&"AB".repeat(20)), &BTreeMap::new())
            .unwrap();
        assert_eq!(world.oidc_provider(&arn).unwrap().thumbprints, ["ab".repeat(20)]);
        assert_eq!(
            world.set_oidc_thumbprints(&arn, &[]).unwrap_err().code,
            "InvalidInput"
        );
        world.add_oidc_audience(&arn, "vault").unwrap();
        world.add_oidc_audience(&arn, "vault").unwrap();
        assert_eq!(world.oidc_provider(&arn).unwrap().audiences, ["vault"]);
    }

    #[test]
    fn a_host_outside_the_sandbox_does_not_answer() {
        let world = world("us-west-2");
        let refused = world.certificate_chain("https://example.com/id/1").unwrap_err();
        assert_eq!(refused.kind, CallErrorKind::Unreachable);
    }
}
