//! The OIDC identity providers of the cluster: whose users get in with tokens that AWS has not made.
//!
//! EKS makes and takes away one at a time, each for minutes, and changes none but for its tags: a change is a deletion and a
//! creation, between which its users are out
//! (<https://docs.aws.amazon.com/eks/latest/userguide/authenticate-oidc-identity-provider.html>).

mod compare;
mod live;
mod plan;
mod run;

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{Kind, Request, RunContext, scope::saved_scope};
use crate::kinds::permissions::{Place, Rights};
use crate::{
    engine::{PlanDraft, StepDone, StepError, executor::Progress},
    live::{Live, LiveReader},
    ports::aws::IdentityProviderConfig,
};

pub use live::{ClusterIdentityProviders, address, providers};

/// The kind `identity-provider`.
#[derive(Debug)]
pub struct IdentityProviderKind;

/// Identity providers that shall go, by name.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct IdentityProvidersToGo(pub BTreeSet<String>);

saved_scope!(IdentityProvidersToGo, "identity-providers");

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "operation", rename_all = "kebab-case")]
pub(crate) enum Operation {
    Associate {
        cluster: String,
        config: IdentityProviderConfig,
    },
    /// `seen` is the provider that the plan is about: another one under its name is not taken away.
    Disassociate {
        cluster: String,
        seen: IdentityProviderConfig,
    },
    Tag {
        arn: String,
        tags: BTreeMap<String, String>,
    },
}

fn to_go(request: &Request) -> Option<&BTreeSet<String>> {
    request.scope::<IdentityProvidersToGo>().map(|scope| &scope.0)
}

#[async_trait]
impl Kind for IdentityProviderKind {
    const NAME: &'static str = "identity-provider";
    const GIVES_ACCESS: &'static [&'static str] = &[Self::NAME];
    type Operation = Operation;

    async fn read(&self, request: &Request, reader: &LiveReader) {
        let config = &request.config;
        let prunes = request.settings.prune && config.lists_identity_providers;
        if !config.identity_providers.is_empty() || prunes || to_go(request).is_some() {
            reader.ask(ClusterIdentityProviders).await;
        }
    }

    fn plan(&self, request: &Request, live: &Live, draft: &mut PlanDraft) {
        plan::plan(request, live, draft);
    }

    fn plan_removals(&self, request: &Request, live: &Live, draft: &mut PlanDraft) {
        plan::plan_removals(request, live, draft);
    }

    fn predict(&self, operation: &Operation, _draft: &PlanDraft, live: &mut Live) -> Result<(), StepError> {
        live.change(&ClusterIdentityProviders, |providers| match operation {
            Operation::Associate { config, .. } => {
                providers.retain(|provider| provider.name != config.name);
                providers.push(config.clone());
            }
            Operation::Disassociate { seen, .. } => providers.retain(|provider| provider.name != seen.name),
            Operation::Tag { .. } => {}
        });
        Ok(())
    }

    fn rights_to_read(&self, request: &Request, place: &Place) -> Rights {
        let mut rights = Rights::default();
        let prunes = request.settings.prune && request.config.lists_identity_providers;
        if !request.config.identity_providers.is_empty() || prunes {
            rights.aws(place.cluster(), &["eks:ListIdentityProviderConfigs"]);
            rights.aws(
                place.of_cluster("identityproviderconfig"),
                &["eks:DescribeIdentityProviderConfig"],
            );
        }
        rights
    }

    fn rights_to_write(&self, operation: &Self::Operation, place: &Place) -> Rights {
        let mut rights = Rights::default();
        let configs = place.of_cluster("identityproviderconfig");
        // A change of the cluster is waited for, and one that is under way first.
        rights.aws(
            place.cluster(),
            &[
                "eks:DescribeUpdate",
                "eks:ListIdentityProviderConfigs",
                "eks:ListUpdates",
            ],
        );
        rights.aws(configs.clone(), &["eks:DescribeIdentityProviderConfig"]);
        match operation {
            Operation::Associate { .. } => {
                rights.aws(place.cluster(), &["eks:AssociateIdentityProviderConfig"]);
                rights.aws(configs, &["eks:TagResource"]);
            }
            Operation::Disassociate { .. } => {
                rights.aws(configs, &["eks:DisassociateIdentityProviderConfig"]);
            }
            Operation::Tag { arn, .. } => rights.aws(arn, &["eks:TagResource"]),
        }
        rights
    }

    async fn run(
        &self,
        operation: Self::Operation,
        context: &RunContext,
        progress: &Progress,
    ) -> Result<StepDone, StepError> {
        run::run(operation, context, progress).await
    }
}
