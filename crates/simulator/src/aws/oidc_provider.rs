//! Simulated OIDC providers of IAM.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::reading;
use crate::Sandbox;
use crate::issuer::{ROOT_THUMBPRINT, host_and_path};
use crate::refusal::Refusal;
use crate::state::World;
use eksact_core::ports::aws::{OidcProvider, OidcProviderReader, OidcProviderWriter};
use eksact_core::ports::{CallError, found};

#[async_trait]
impl OidcProviderReader for Sandbox {
    async fn oidc_provider(&self, arn: &str) -> Result<Option<OidcProvider>, CallError> {
        let call = reading("iam", "GetOpenIDConnectProvider", arn);
        let answer = self.call(call, |world, _| {
            if let Some(provider) = world.any_provider(arn) {
                return Ok(provider);
            }
            world.oidc_provider(arn).cloned()
        });
        found(answer.await)
    }
}

#[async_trait]
impl OidcProviderWriter for Sandbox {
    async fn create_oidc_provider(
        &self,
        url: &str,
        audiences: &[String],
        thumbprint: Option<&str>,
        tags: &BTreeMap<String, String>,
    ) -> Result<String, CallError> {
        self.change_iam("CreateOpenIDConnectProvider", url, |world| {
            world.create_oidc_provider(url, audiences, thumbprint, tags)
        })
        .await
    }

    async fn add_oidc_audience(&self, arn: &str, audience: &str) -> Result<(), CallError> {
        self.change_iam("AddClientIDToOpenIDConnectProvider", arn, |world| {
            world.add_oidc_audience(arn, audience)
        })
        .await
    }

    async fn set_oidc_thumbprints(&self, arn: &str, thumbprints: &[String]) -> Result<(), CallError> {
        self.change_iam("UpdateOpenIDConnectProviderThumbprint", arn, |world| {
            world.set_oidc_thumbprints(arn, thumbprints)
        })
        .await
    }

    async fn tag_oidc_provider(&self, arn: &str, tags: &BTreeMap<String, String>) -> Result<(), CallError> {
        self.change_iam("TagOpenIDConnectProvider", arn, |world| {
            world.oidc_provider(arn)?.tags.extend(tags.clone());
            Ok(())
        })
        .await
    }

    async fn delete_oidc_provider(&self, arn: &str) -> Result<(), CallError> {
        // Deleting one that is not there is no error: so IAM's documentation says.
        self.change_iam("DeleteOpenIDConnectProvider", arn, |world| {
            world.oidc_providers.remove(arn);
            Ok(())
        })
        .await
    }
}

impl World {
    /// IAM `GetOpenIDConnectProvider`.
    pub(super) fn oidc_provider(&mut self, arn: &str) -> Result<&mut OidcProvider, Refusal> {
        self.oidc_providers.get_mut(arn).ok_or_else(|| {
            Refusal::new(
                "NoSuchEntity",
                format!("OpenIDConnect Provider not found for arn {arn}"),
            )
        })
    }

    /// A provider that nobody made, where every principal exists: those of clusters are made or not there.
    fn any_provider(&self, arn: &str) -> Option<OidcProvider> {
        let (_, url) = arn.split_once(":oidc-provider/")?;
        let mut clusters = self.clusters.values();
        let is_of_cluster = clusters.any(|cluster| {
            let issuer = cluster.cluster.oidc_issuer.as_deref().unwrap_or_default();
            issuer.trim_start_matches("https://") == url
        });
        let is_made = self.oidc_providers.contains_key(arn);
        (self.any_principal && !is_of_cluster && !is_made).then(|| OidcProvider {
            arn: arn.to_owned(),
            url: url.to_owned(),
            audiences: vec!["sts.amazonaws.com".to_owned()],
            thumbprints: Vec::new(),
            tags: BTreeMap::new(),
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
            return Err(Refusal::over_quota(
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
            return Err(Refusal::over_quota("ClientIdsPerOpenIdConnectProvider", 100));
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
    use super::*;
    use crate::state::Seed;
    use eksact_core::ports::CallErrorKind;

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
    fn provider_has_no_port_and_no_scheme() {
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
}
