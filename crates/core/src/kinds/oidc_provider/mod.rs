//! The IAM OIDC provider of the cluster's issuer: made with its thumbprint, adopted where it exists, never deleted while
//! roles trust it.

mod plan;
mod thumbprint;

use eksact_message::code::Code;
use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{Kind, Request, RunContext, provider_intent::ProviderIntent, request::ThumbprintSource};
use crate::kinds::permissions::{Place, Rights};
use crate::{
    engine::{Finding, PlanDraft, Severity, StepDone, StepError, executor::Progress},
    live::{AllRoles, ClusterOidcProvider, IssuerChain, Live, LiveReader, addresses},
    ports::{CallErrorKind, aws::OidcProvider},
};
use plan::Subject;

/// The audience of tokens that roles are assumed with.
pub const AUDIENCE: &str = "sts.amazonaws.com";
/// Set on the cluster beside the provider, as eksctl does (`eks/eks.go`, 0.231): its own deletion looks for it.
pub const CLUSTER_TAG: &str = "alpha.eksctl.io/cluster-oidc-enabled";

/// The kind `oidc-provider`.
#[derive(Debug)]
pub struct OidcProviderKind;

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "operation", rename_all = "kebab-case")]
pub(crate) enum Operation {
    Create {
        url: String,
        arn: String,
        thumbprint: Option<String>,
        tags: BTreeMap<String, String>,
    },
    AddAudience {
        arn: String,
    },
    SetThumbprints {
        arn: String,
        thumbprints: Vec<String>,
    },
    TagCluster {
        arn: String,
    },
    Delete {
        arn: String,
    },
}

#[async_trait]
impl Kind for OidcProviderKind {
    const NAME: &'static str = "oidc-provider";
    type Operation = Operation;

    async fn read(&self, request: &Request, reader: &LiveReader) {
        if request.provider_intent() == ProviderIntent::Leave {
            return;
        }
        let provider = reader.ask(ClusterOidcProvider).await;
        match request.provider_intent() {
            ProviderIntent::Delete => {
                reader.ask(AllRoles).await;
            }
            ProviderIntent::Ensure if reader.cluster().oidc_issuer.is_some() => {
                let absent = matches!(provider.as_ref(), Ok(None));
                let compared = request.settings.check_thumbprint && matches!(provider.as_ref(), Ok(Some(_)));
                if request.settings.thumbprint == ThumbprintSource::Issuer && (absent || compared) {
                    reader.ask(IssuerChain).await;
                }
            }
            _ => {}
        }
    }

    fn plan(&self, request: &Request, live: &Live, draft: &mut PlanDraft) {
        if request.provider_intent() == ProviderIntent::Leave {
            return;
        }
        let address = addresses::oidc_provider(&live.cluster.name);
        let source = request.config.iam.with_oidc.location.clone();
        if live.cluster.oidc_issuer.is_none() {
            if request.provider_intent() == ProviderIntent::Delete {
                return;
            }
            draft.add_finding(
                Finding::new(
                    Severity::Error,
                    Code::NoOidcIssuer,
                    format!(
                        "cluster {} has no OIDC issuer (its status is {})",
                        live.cluster.name, live.cluster.status
                    ),
                )
                .about(&address)
                .at(source.as_ref())
                .with_help(remedy!(
                    "A cluster has one once it is ACTIVE; clusters on local Outposts have none."
                )),
            );
            return;
        }
        let (Some(arn), Some(url)) = (live.provider_arn(), live.issuer_host_path()) else {
            draft.add_finding(
                Finding::new(
                    Severity::Error,
                    Code::BadOidcIssuer,
                    format!(
                        "the issuer of cluster {} is not an https URL: {}",
                        live.cluster.name,
                        live.cluster.oidc_issuer.as_deref().unwrap_or_default()
                    ),
                )
                .about(&address),
            );
            return;
        };
        let existing = match live.oidc_provider() {
            Some(Ok(existing)) => existing.as_ref(),
            Some(Err(error)) => {
                let finding =
                    Finding::new(Severity::Error, Code::Unreadable, error.to_string()).about(&address);
                draft.add_finding(finding.with_help_for(error));
                return;
            }
            None => return,
        };
        let subject = Subject {
            request,
            live,
            address,
            arn,
            url,
        };
        match (request.provider_intent(), existing) {
            (ProviderIntent::Ensure, None) => subject.plan_creation(draft),
            (ProviderIntent::Ensure, Some(provider)) => subject.plan_update(provider, draft),
            (ProviderIntent::Require, None) => draft.add_finding(
                Finding::new(
                    Severity::Error,
                    Code::OidcProviderMissing,
                    format!(
                        "cluster {} has no IAM OIDC provider, so no service account can have a role",
                        live.cluster.name
                    ),
                )
                .about(&subject.address)
                .with_help(remedy!(
                    "Run `eksact utils associate-iam-oidc-provider --cluster {} --region {} --approve` first, or set \
                     `iam.withOIDC: true` in the file.",
                    live.cluster.name,
                    live.region
                )),
            ),
            (ProviderIntent::Require, Some(provider)) => {
                if !has_audience(provider) {
                    draft.add_finding(
                        Finding::new(
                            Severity::Warning,
                            Code::OidcAudienceMissing,
                            format!("the IAM OIDC provider is missing the audience {AUDIENCE}: no role can be assumed through it"),
                        )
                        .about(&subject.address)
                        .with_help(remedy!(
                            "Run `eksact utils associate-iam-oidc-provider --cluster {} --region {} --approve`.",
                            live.cluster.name,
                            live.region
                        )),
                    );
                }
            }
            (ProviderIntent::Delete, Some(provider)) => subject.plan_deletion(provider, draft),
            (ProviderIntent::Delete, None) | (ProviderIntent::Leave, _) => {}
        }
    }

    fn rights_to_read(&self, request: &Request, place: &Place) -> Rights {
        let mut rights = Rights::default();
        if request.provider_intent() != ProviderIntent::Leave {
            rights.aws(place.providers(), &["iam:GetOpenIDConnectProvider"]);
        }
        rights
    }

    fn rights_to_write(&self, operation: &Self::Operation, place: &Place) -> Rights {
        let mut rights = Rights::default();
        match operation {
            Operation::Create { arn, .. } => rights.aws(
                arn,
                &[
                    "iam:AddClientIDToOpenIDConnectProvider",
                    "iam:CreateOpenIDConnectProvider",
                    "iam:TagOpenIDConnectProvider",
                ],
            ),
            Operation::AddAudience { arn } => rights.aws(arn, &["iam:AddClientIDToOpenIDConnectProvider"]),
            Operation::SetThumbprints { arn, .. } => {
                rights.aws(arn, &["iam:UpdateOpenIDConnectProviderThumbprint"]);
            }
            Operation::TagCluster { .. } => rights.aws(place.cluster(), &["eks:TagResource"]),
            Operation::Delete { arn } => rights.aws(arn, &["iam:DeleteOpenIDConnectProvider"]),
        }
        rights
    }

    async fn run(
        &self,
        operation: Self::Operation,
        context: &RunContext,
        _progress: &Progress,
    ) -> Result<StepDone, StepError> {
        let aws = &context.writers.aws;
        match operation {
            Operation::Create {
                url,
                arn,
                thumbprint,
                tags,
            } => {
                let audiences = [AUDIENCE.to_owned()];
                let made = aws
                    .create_oidc_provider(
                        &format!("https://{url}"),
                        &audiences,
                        thumbprint.as_deref(),
                        &tags,
                    )
                    .await;
                if let Err(error) = made {
                    // Made meanwhile, or made by this very call whose answer was lost: the same is as good.
                    let adopted = match error.kind {
                        CallErrorKind::AlreadyExists
                        | CallErrorKind::Unreachable
                        | CallErrorKind::ServiceFailure => context.readers.aws.oidc_provider(&arn).await,
                        _ => Ok(None),
                    };
                    match adopted {
                        Ok(Some(provider)) if has_audience(&provider) => {}
                        Ok(Some(_)) => aws.add_oidc_audience(&arn, AUDIENCE).await?,
                        _ => return Err(error.into()),
                    }
                }
            }
            Operation::AddAudience { arn } => aws.add_oidc_audience(&arn, AUDIENCE).await?,
            Operation::SetThumbprints { arn, thumbprints } => {
                aws.set_oidc_thumbprints(&arn, &thumbprints).await?;
            }
            Operation::TagCluster { arn } => {
                aws.tag_cluster(
                    &arn,
                    &BTreeMap::from([(CLUSTER_TAG.to_owned(), "true".to_owned())]),
                )
                .await?;
            }
            Operation::Delete { arn } => match aws.delete_oidc_provider(&arn).await {
                Err(error) if error.kind != CallErrorKind::NotFound => return Err(error.into()),
                _ => {}
            },
        }
        Ok(StepDone::default())
    }
}

/// Whether the provider takes tokens for STS.
pub fn has_audience(provider: &OidcProvider) -> bool {
    provider.audiences.iter().any(|audience| audience == AUDIENCE)
}
