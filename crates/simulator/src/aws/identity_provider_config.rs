//! Simulated OIDC identity providers of clusters.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::cluster_update::UpdateWork;
use super::{reading, writing};
use crate::Sandbox;
use crate::refusal::Refusal;
use crate::state::{SimulatedCluster, World, uuid_of};
use eksact_core::ports::aws::{
    ASSOCIATE_IDENTITY_PROVIDER_CONFIG, ClusterUpdate, DISASSOCIATE_IDENTITY_PROVIDER_CONFIG,
    IdentityProviderConfig, IdentityProviderConfigReader, IdentityProviderConfigWriter,
    most_identity_providers,
};
use eksact_core::ports::{CallError, found};

/// How many `ListIdentityProviderConfigs` puts on a page.
const CONFIGS_PER_PAGE: usize = 100;

#[async_trait]
impl IdentityProviderConfigReader for Sandbox {
    async fn identity_provider_configs(
        &self,
        cluster: &str,
    ) -> Result<Vec<IdentityProviderConfig>, CallError> {
        let call = reading("eks", "ListIdentityProviderConfigs", cluster);
        let key: fn(&IdentityProviderConfig) -> &str = |config| &config.name;
        let configs = self
            .listed(call, CONFIGS_PER_PAGE, key, |world, _| {
                let simulated = world.simulated(cluster, &self.region)?;
                Ok(simulated.eks.identity_providers.values().cloned().collect())
            })
            .await?;
        for config in &configs {
            self.further("eks", &["DescribeIdentityProviderConfig"], &config.name)
                .await?;
        }
        Ok(configs)
    }

    async fn identity_provider_config(
        &self,
        cluster: &str,
        name: &str,
    ) -> Result<Option<IdentityProviderConfig>, CallError> {
        let call = reading("eks", "DescribeIdentityProviderConfig", name);
        let answer = self.call(call, |world, _| {
            let simulated = world.simulated_mut(cluster, &self.region)?;
            simulated.identity_provider(name).cloned()
        });
        found(answer.await)
    }
}

#[async_trait]
impl IdentityProviderConfigWriter for Sandbox {
    async fn associate_identity_provider_config(
        &self,
        cluster: &str,
        config: &IdentityProviderConfig,
    ) -> Result<ClusterUpdate, CallError> {
        let call = writing("eks", ASSOCIATE_IDENTITY_PROVIDER_CONFIG, &config.name);
        self.call(call, |world, now| {
            let simulated = world.free(cluster, &self.region, ASSOCIATE_IDENTITY_PROVIDER_CONFIG)?;
            simulated.check_identity_provider(config)?;
            let head = simulated
                .cluster
                .arn
                .replace(":cluster/", ":identityproviderconfig/");
            let unique = uuid_of(&format!("{head} {}", config.name));
            let made = IdentityProviderConfig {
                arn: format!("{head}/oidc/{}/{unique}", config.name),
                status: "CREATING".to_owned(),
                ..config.clone()
            };
            simulated.eks.identity_providers.insert(made.name.clone(), made);
            let work = UpdateWork::Associate {
                name: config.name.clone(),
            };
            let parameters = parameters(&config.name);
            let kind = ASSOCIATE_IDENTITY_PROVIDER_CONFIG;
            world.begin_update(cluster, &self.region, now, kind, parameters, work)
        })
        .await
    }

    async fn disassociate_identity_provider_config(
        &self,
        cluster: &str,
        name: &str,
    ) -> Result<ClusterUpdate, CallError> {
        let call = writing("eks", DISASSOCIATE_IDENTITY_PROVIDER_CONFIG, name);
        self.call(call, |world, now| {
            let simulated = world.simulated_mut(cluster, &self.region)?;
            simulated.identity_provider(name)?;
            let simulated = world.free(cluster, &self.region, DISASSOCIATE_IDENTITY_PROVIDER_CONFIG)?;
            "DELETING".clone_into(&mut simulated.identity_provider(name)?.status);
            let work = UpdateWork::Disassociate {
                name: name.to_owned(),
            };
            let kind = DISASSOCIATE_IDENTITY_PROVIDER_CONFIG;
            world.begin_update(cluster, &self.region, now, kind, parameters(name), work)
        })
        .await
    }

    async fn tag_identity_provider_config(
        &self,
        arn: &str,
        tags: &BTreeMap<String, String>,
    ) -> Result<(), CallError> {
        self.call(writing("eks", "TagResource", arn), |world, _| {
            world.identity_provider_of(arn)?.tags.extend(tags.clone());
            Ok(())
        })
        .await
    }
}

fn parameters(name: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("IdentityProviderConfig".to_owned(), format!("oidc/{name}"))])
}

impl World {
    fn identity_provider_of(&mut self, arn: &str) -> Result<&mut IdentityProviderConfig, Refusal> {
        let configs = self
            .clusters
            .values_mut()
            .flat_map(|cluster| cluster.eks.identity_providers.values_mut());
        configs
            .into_iter()
            .find(|config| config.arn == arn)
            .ok_or_else(|| Refusal::new("NotFoundException", format!("The resource {arn} does not exist")))
    }
}

impl SimulatedCluster {
    fn identity_provider(&mut self, name: &str) -> Result<&mut IdentityProviderConfig, Refusal> {
        self.eks.identity_providers.get_mut(name).ok_or_else(|| {
            Refusal::new(
                "ResourceNotFoundException",
                format!("Identity provider config {name} was not found"),
            )
        })
    }

    /// What EKS refuses of a new one
    /// (<https://docs.aws.amazon.com/eks/latest/userguide/authenticate-oidc-identity-provider.html>).
    fn check_identity_provider(&self, config: &IdentityProviderConfig) -> Result<(), Refusal> {
        let invalid = |message: &str| Err(Refusal::new("InvalidParameterException", message));
        if !config.issuer_url.starts_with("https://") {
            return invalid("IssuerURL must use https:// scheme.");
        }
        let prefixes = [&config.username_prefix, &config.groups_prefix];
        if prefixes
            .into_iter()
            .flatten()
            .any(|prefix| prefix.starts_with("system:"))
        {
            return invalid("The prefix system: is reserved for Kubernetes system use");
        }
        let known = &self.eks.identity_providers;
        if known.contains_key(&config.name) {
            return Err(Refusal::new(
                "ResourceInUseException",
                format!("Identity provider config {} is already associated", config.name),
            ));
        }
        if known.values().any(|other| other.issuer_url == config.issuer_url) {
            return invalid("The issuer URL is already used by another identity provider config");
        }
        let most = most_identity_providers(self.cluster.version.as_deref());
        if known.len() >= most {
            return Err(Refusal::new(
                "ResourceLimitExceededException",
                format!("A cluster can have at most {most} identity provider configs"),
            ));
        }
        Ok(())
    }

    pub(super) fn end_association(&mut self, name: &str, succeeded: bool) {
        if !succeeded {
            self.eks.identity_providers.remove(name);
        } else if let Some(config) = self.eks.identity_providers.get_mut(name) {
            "ACTIVE".clone_into(&mut config.status);
        }
    }

    pub(super) fn end_disassociation(&mut self, name: &str, succeeded: bool) {
        if succeeded {
            self.eks.identity_providers.remove(name);
        } else if let Some(config) = self.eks.identity_providers.get_mut(name) {
            "ACTIVE".clone_into(&mut config.status);
        }
    }
}
