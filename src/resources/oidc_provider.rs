//! The IAM OIDC provider of the cluster's issuer: made with its thumbprint, adopted where it exists, never deleted while
//! roles trust it.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Kind, Live, LiveReader, Request, RunContext,
    request::{ProviderIntent, ThumbprintSource},
    runner::{help_for, operation_of},
};
use crate::{
    cloudformation::tags,
    engine::{
        Action, Address, AttributeChange, Change, Effect, Finding, PlanDraft, Reason, Severity, StepDone,
        StepError, StepId, executor::Progress, plan::fingerprint,
    },
    guard::Guard,
    iam::trust,
    ports::{CallErrorKind, aws::OidcProvider, issuer::CertificateChain},
};

/// The audience of tokens that roles are assumed with.
pub const AUDIENCE: &str = "sts.amazonaws.com";
/// Set on the cluster beside the provider, as eksctl does (`eks/eks.go`, 0.231): its own deletion looks for it.
pub const CLUSTER_TAG: &str = "alpha.eksctl.io/cluster-oidc-enabled";

/// The kind `oidc-provider`.
#[derive(Debug)]
pub struct OidcProviderKind;

/// The address of a cluster's provider.
pub fn address(cluster: &str) -> Address {
    Address::new(OidcProviderKind.name(), cluster)
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "operation", rename_all = "kebab-case")]
enum Operation {
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
    fn name(&self) -> &'static str {
        "oidc-provider"
    }

    async fn read(&self, request: &Request, reader: &LiveReader) {
        if request.oidc_provider == ProviderIntent::Leave {
            return;
        }
        let provider = reader.oidc_provider().await;
        match request.oidc_provider {
            ProviderIntent::Delete => {
                reader.all_roles().await;
            }
            ProviderIntent::Ensure if reader.cluster().oidc_issuer.is_some() => {
                let absent = matches!(provider, Ok(None));
                let compared = request.settings.check_thumbprint && matches!(provider, Ok(Some(_)));
                if request.settings.thumbprint == ThumbprintSource::Issuer && (absent || compared) {
                    reader.issuer_chain().await;
                }
            }
            _ => {}
        }
    }

    fn plan(&self, request: &Request, live: &Live, draft: &mut PlanDraft) {
        if request.oidc_provider == ProviderIntent::Leave {
            return;
        }
        let address = address(&live.cluster.name);
        let source = request.config.iam.with_oidc.location.clone();
        if live.cluster.oidc_issuer.is_none() {
            if request.oidc_provider == ProviderIntent::Delete {
                return;
            }
            draft.add_finding(
                Finding::new(
                    Severity::Error,
                    "no-oidc-issuer",
                    format!(
                        "cluster {} has no OIDC issuer (its status is {})",
                        live.cluster.name, live.cluster.status
                    ),
                )
                .about(&address)
                .at(source.as_ref())
                .with_help("A cluster has one once it is ACTIVE; clusters on local Outposts have none."),
            );
            return;
        }
        let (Some(arn), Some(url)) = (live.provider_arn(), live.issuer_host_path()) else {
            draft.add_finding(
                Finding::new(
                    Severity::Error,
                    "bad-oidc-issuer",
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
        let existing = match &live.oidc_provider {
            Some(Ok(existing)) => existing.as_ref(),
            Some(Err(error)) => {
                let finding = Finding::new(Severity::Error, "unreadable", error.to_string()).about(&address);
                draft.add_finding(match help_for(error) {
                    Some(help) => finding.with_help(help),
                    None => finding,
                });
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
        match (request.oidc_provider, existing) {
            (ProviderIntent::Ensure, None) => subject.plan_creation(draft),
            (ProviderIntent::Ensure, Some(provider)) => subject.plan_update(provider, draft),
            (ProviderIntent::Require, None) => draft.add_finding(
                Finding::new(
                    Severity::Error,
                    "oidc-provider-missing",
                    format!(
                        "cluster {} has no IAM OIDC provider, so no service account can have a role",
                        live.cluster.name
                    ),
                )
                .about(&subject.address)
                .with_help(format!(
                    "Run `eksact utils associate-iam-oidc-provider --cluster {} --approve` first, or set \
                     `iam.withOIDC: true` in the file.",
                    live.cluster.name
                )),
            ),
            (ProviderIntent::Require, Some(provider)) => {
                if !has_audience(provider) {
                    draft.add_finding(
                        Finding::new(
                            Severity::Warning,
                            "oidc-audience-missing",
                            format!("the IAM OIDC provider lacks the audience {AUDIENCE}: no role can be assumed through it"),
                        )
                        .about(&subject.address)
                        .with_help(format!(
                            "Run `eksact utils associate-iam-oidc-provider --cluster {} --approve`.",
                            live.cluster.name
                        )),
                    );
                }
            }
            (ProviderIntent::Delete, Some(provider)) => subject.plan_deletion(provider, draft),
            (ProviderIntent::Delete, None) | (ProviderIntent::Leave, _) => {}
        }
    }

    async fn run(
        &self,
        operation: Value,
        context: &RunContext,
        _progress: &Progress,
    ) -> Result<StepDone, StepError> {
        let aws = &context.writers.aws;
        match operation_of(operation)? {
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

/// The provider that a plan is about.
struct Subject<'plan> {
    request: &'plan Request,
    live: &'plan Live,
    address: Address,
    arn: String,
    url: String,
}

impl Subject<'_> {
    fn change(
        &self,
        action: Action,
        reasons: Vec<Reason>,
        attributes: Vec<AttributeChange>,
        steps: Vec<StepId>,
        read: Option<&OidcProvider>,
    ) -> Change {
        Change {
            address: self.address.clone(),
            action,
            reasons,
            source: self.request.config.iam.with_oidc.location.clone(),
            attributes,
            depends_on: Vec::new(),
            steps,
            fingerprint: fingerprint(&read),
            effect: Effect::Equal,
            notes: Vec::new(),
        }
    }

    fn plan_creation(&self, draft: &mut PlanDraft) {
        let (thumbprint, remark) = match self.wanted_thumbprint(draft) {
            Ok(found) => found,
            Err(finding) => {
                draft.add_finding(*finding);
                return;
            }
        };
        // The version tag is eksctl's; the rest of the file's tags are not copied to the provider, as eksctl does.
        let tags: BTreeMap<String, String> = BTreeMap::from([
            (tags::CLUSTER_NAME.to_owned(), self.live.cluster.name.clone()),
            (tags::TOOL_VERSION_NAME.to_owned(), tags::TOOL_VERSION.to_owned()),
        ]);
        let thumbprint_value = thumbprint
            .as_ref()
            .map_or_else(|| json!("computed by IAM"), |thumbprint| json!(thumbprint));
        let mut thumbprint_change = AttributeChange::plain("thumbprint", None, Some(thumbprint_value));
        thumbprint_change.remark = remark;
        let mut attributes = vec![
            AttributeChange::plain("URL", None, Some(json!(self.url))),
            AttributeChange::plain("audience", None, Some(json!(AUDIENCE))),
            thumbprint_change,
        ];
        attributes.extend(
            tags.iter()
                .map(|(key, value)| AttributeChange::plain(format!("tag {key}"), None, Some(json!(value)))),
        );
        attributes.push(AttributeChange::plain(
            format!("cluster tag {CLUSTER_TAG}"),
            None,
            Some(json!("true")),
        ));
        let operation = Operation::Create {
            url: self.url.clone(),
            arn: self.arn.clone(),
            thumbprint,
            tags,
        };
        let create = draft.add_step(
            &self.address,
            "create",
            format!("create IAM OIDC provider {}", self.url),
            Vec::new(),
            &operation,
        );
        let tag = self.tag_cluster(vec![create.clone()], draft);
        // The tag on the cluster is not worth waiting for.
        draft.set_ready(&self.address, create.clone());
        draft.add_change(self.change(
            Action::Create,
            vec![Reason::new("missing", "it does not exist")],
            attributes,
            vec![create, tag],
            None,
        ));
    }

    fn plan_update(&self, provider: &OidcProvider, draft: &mut PlanDraft) {
        let mut steps = Vec::new();
        let mut attributes = Vec::new();
        let mut reasons = Vec::new();
        if !has_audience(provider) {
            reasons.push(Reason::new(
                "audience-missing",
                format!("it lacks the audience {AUDIENCE}"),
            ));
            attributes.push(
                AttributeChange::plain("audience", None, Some(json!(AUDIENCE)))
                    .with_remark("other audiences stay")
                    .with_effect(Effect::Broader),
            );
            steps.push(draft.add_step(
                &self.address,
                "audience",
                format!("add audience {AUDIENCE} to the IAM OIDC provider"),
                Vec::new(),
                &Operation::AddAudience {
                    arn: self.arn.clone(),
                },
            ));
        }
        let given = matches!(self.request.settings.thumbprint, ThumbprintSource::Given(_));
        if self.request.settings.check_thumbprint || given {
            match self.wanted_thumbprint(draft) {
                Ok((Some(wanted), remark)) if !provider.thumbprints.contains(&wanted) => {
                    reasons.push(Reason::new("thumbprint-differs", "its thumbprint is another"));
                    let mut change = AttributeChange::plain(
                        "thumbprints",
                        Some(json!(provider.thumbprints)),
                        Some(json!([wanted])),
                    );
                    change.remark = remark;
                    attributes.push(change.with_effect(Effect::Incomparable));
                    steps.push(draft.add_step(
                        &self.address,
                        "thumbprint",
                        "replace the thumbprints of the IAM OIDC provider",
                        steps.last().cloned().into_iter().collect(),
                        &Operation::SetThumbprints {
                            arn: self.arn.clone(),
                            thumbprints: vec![wanted],
                        },
                    ));
                }
                Ok(_) => {}
                Err(finding) => draft.add_finding(*finding),
            }
        }
        // eksctl's creation tags the cluster in a second call; where that one failed it never tries again.
        let ours = provider
            .tags
            .get(tags::CLUSTER_NAME)
            .is_some_and(|name| *name == self.live.cluster.name);
        if ours && !self.live.cluster.tags.contains_key(CLUSTER_TAG) {
            reasons.push(Reason::new(
                "cluster-tag-missing",
                "the cluster lacks eksctl's tag",
            ));
            attributes.push(AttributeChange::plain(
                format!("cluster tag {CLUSTER_TAG}"),
                None,
                Some(json!("true")),
            ));
            let after = steps.last().cloned().into_iter().collect();
            steps.push(self.tag_cluster(after, draft));
        }
        if steps.is_empty() {
            draft.add_unchanged(self.address.clone());
            return;
        }
        draft.add_change(self.change(Action::Update, reasons, attributes, steps, Some(provider)));
    }

    fn tag_cluster(&self, after: Vec<StepId>, draft: &mut PlanDraft) -> StepId {
        draft.add_step(
            &self.address,
            "tag-cluster",
            format!("tag cluster {}", self.live.cluster.name),
            after,
            &Operation::TagCluster {
                arn: self.live.cluster.arn.clone(),
            },
        )
    }

    fn plan_deletion(&self, provider: &OidcProvider, draft: &mut PlanDraft) {
        let marked = provider
            .tags
            .get(tags::CLUSTER_NAME)
            .is_some_and(|name| *name == self.live.cluster.name);
        if !marked {
            draft.add_finding(
                Guard::OidcProviderNotMarked.refusal(
                    format!(
                        "the IAM OIDC provider does not bear the tag {}={}: neither eksctl nor eksact made it",
                        tags::CLUSTER_NAME,
                        self.live.cluster.name
                    ),
                )
                .about(&self.address)
                .with_help(format!("Pass --allow {} to delete it nevertheless.", Guard::OidcProviderNotMarked.code())),
            );
        }
        match trusting_roles(self.live, &self.arn) {
            Ok(roles) if roles.is_empty() => {}
            Ok(roles) => {
                draft.add_finding(
                    Guard::OidcProviderInUse.refusal(
                        format!(
                            "{} still {} the IAM OIDC provider: {}",
                            counted(roles.len(), "role"),
                            if roles.len() == 1 { "trusts" } else { "trust" },
                            roles.join(", ")
                        ),
                    )
                    .about(&self.address)
                    .with_help(format!(
                        "Delete these roles first (`eksact delete iamserviceaccount`), or pass --allow {}.",
                        Guard::OidcProviderInUse.code()
                    )),
                );
            }
            Err(message) => draft.add_finding(
                Guard::OidcProviderInUse
                    .refusal(format!(
                        "it cannot be told which roles trust the IAM OIDC provider: {message}"
                    ))
                    .about(&self.address)
                    .with_help(format!(
                        "Pass --allow {} to delete it nevertheless.",
                        Guard::OidcProviderInUse.code()
                    )),
            ),
        }
        let step = draft.add_step(
            &self.address,
            "delete",
            format!("delete IAM OIDC provider {}", provider.url),
            Vec::new(),
            &Operation::Delete {
                arn: self.arn.clone(),
            },
        );
        let mut change = self.change(
            Action::Delete,
            vec![Reason::new("requested", "it was asked for")],
            vec![
                AttributeChange::plain("URL", Some(json!(provider.url)), None),
                AttributeChange::plain("audiences", Some(json!(provider.audiences)), None),
            ],
            vec![step],
            Some(provider),
        );
        change.effect = Effect::Narrower;
        draft.add_change(change);
    }

    /// The thumbprint to write, with a remark for people; none lets IAM find it.
    fn wanted_thumbprint(
        &self,
        draft: &mut PlanDraft,
    ) -> Result<(Option<String>, Option<String>), Box<Finding>> {
        match &self.request.settings.thumbprint {
            ThumbprintSource::Iam => Ok((None, None)),
            ThumbprintSource::Given(thumbprint) => {
                Ok((Some(thumbprint.clone()), Some("given by --thumbprint".to_owned())))
            }
            ThumbprintSource::Issuer => match &self.live.issuer_chain {
                Some(Ok(chain)) => Ok(self.judged(chain, draft)),
                Some(Err(error)) => Err(Box::new(
                    Finding::new(
                        Severity::Error,
                        "issuer-unreachable",
                        format!("the thumbprint of the cluster's issuer could not be found: {error}"),
                    )
                    .about(&self.address)
                    .with_help(
                        "Where this machine cannot reach the issuer, give the thumbprint (--thumbprint HEX) or let IAM \
                         compute it (--thumbprint iam).",
                    ),
                )),
                None => Ok((None, None)),
            },
        }
    }

    fn judged(&self, chain: &CertificateChain, draft: &mut PlanDraft) -> (Option<String>, Option<String>) {
        let Some(last) = chain.certificates.last() else {
            return (None, None);
        };
        if !chain.publicly_trusted {
            draft.add_finding(
                Finding::new(
                    Severity::Warning,
                    "issuer-not-public",
                    format!(
                        "the certificates that {} serves do not lead to a public root (the last is {}, issued by {}): a \
                         proxy may be opening TLS, and its thumbprint would be of no use to AWS",
                        self.url.split('/').next().unwrap_or_default(),
                        last.subject,
                        last.issuer
                    ),
                )
                .about(&self.address)
                .with_help("Run it from a place without such a proxy, or pass --thumbprint HEX or --thumbprint iam."),
            );
        }
        let expiry = last
            .not_after
            .to_zoned(TimeZone::UTC)
            .strftime("%Y-%m-%d")
            .to_string();
        (
            Some(last.thumbprint.clone()),
            Some(format!("{}, valid until {expiry}", last.subject)),
        )
    }
}

/// Whether the provider takes tokens for STS.
pub fn has_audience(provider: &OidcProvider) -> bool {
    provider.audiences.iter().any(|audience| audience == AUDIENCE)
}

/// `1 role`, `2 roles`.
pub fn counted(count: usize, noun: &str) -> String {
    if count == 1 {
        format!("1 {noun}")
    } else {
        format!("{count} {noun}s")
    }
}

/// The names of the roles that trust a provider, or why they cannot be told.
fn trusting_roles(live: &Live, provider_arn: &str) -> Result<Vec<String>, String> {
    let roles = match &live.all_roles {
        Some(Ok(roles)) => roles,
        Some(Err(error)) => return Err(error.to_string()),
        None => return Err("the roles were not read".to_owned()),
    };
    let mut names: Vec<String> = roles
        .iter()
        .filter(|role| trust::trusts_provider(&role.trust_policy, provider_arn))
        .map(|role| role.name.clone())
        .collect();
    names.sort();
    Ok(names)
}
