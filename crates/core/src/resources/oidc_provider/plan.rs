//! What is done about the provider: made, given its audience, deleted.

use std::collections::BTreeMap;

use serde_json::json;

use super::{AUDIENCE, CLUSTER_TAG, Operation, has_audience};
use crate::{
    engine::{
        Action, Address, AttributeChange, Change, Effect, PlanDraft, Reason, StepId, plan::fingerprint,
    },
    guard::Guard,
    live::Live,
    ports::aws::OidcProvider,
    resources::{Request, request::ThumbprintSource},
};
use eksact_identity::{cloudformation::tags, iam::trust};
use eksact_message::remedy::Remedy;

/// The provider that a plan is about.
pub(super) struct Subject<'plan> {
    pub(super) request: &'plan Request,
    pub(super) live: &'plan Live,
    pub(super) address: Address,
    pub(super) arn: String,
    pub(super) url: String,
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

    pub(super) fn plan_creation(&self, draft: &mut PlanDraft) {
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
        draft.set_ready(&self.address, Some(create.clone()));
        draft.add_change(self.change(
            Action::Create,
            vec![Reason::new("missing", "it does not exist")],
            attributes,
            vec![create, tag],
            None,
        ));
    }

    pub(super) fn plan_update(&self, provider: &OidcProvider, draft: &mut PlanDraft) {
        let mut steps = Vec::new();
        let mut attributes = Vec::new();
        let mut reasons = Vec::new();
        if !has_audience(provider) {
            reasons.push(Reason::new(
                "audience-missing",
                format!("it is missing the audience {AUDIENCE}"),
            ));
            attributes.push(
                AttributeChange::plain("audience", None, Some(json!(AUDIENCE)))
                    .with_remark("other audiences are kept")
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
        let audience_step = steps.last().cloned();
        let given = matches!(self.request.settings.thumbprint, ThumbprintSource::Given(_));
        if self.request.settings.check_thumbprint || given {
            match self.wanted_thumbprint(draft) {
                Ok((Some(wanted), remark)) if !provider.thumbprints.contains(&wanted) => {
                    reasons.push(Reason::new("thumbprint-differs", "its thumbprint differs"));
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
                "the cluster is missing eksctl's tag",
            ));
            attributes.push(AttributeChange::plain(
                format!("cluster tag {CLUSTER_TAG}"),
                None,
                Some(json!("true")),
            ));
            let after = steps.last().cloned().into_iter().collect();
            // Roles need the audience; a caller who may not tag the cluster must not keep them from being made.
            draft.set_ready(&self.address, audience_step);
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

    pub(super) fn plan_deletion(&self, provider: &OidcProvider, draft: &mut PlanDraft) {
        let marked = provider
            .tags
            .get(tags::CLUSTER_NAME)
            .is_some_and(|name| *name == self.live.cluster.name);
        if !marked {
            draft.add_finding(
                Guard::OidcProviderNotMarked
                    .refusal(format!(
                        "the IAM OIDC provider does not have the tag {}={}: neither eksctl nor eksact made \
                         it",
                        tags::CLUSTER_NAME,
                        self.live.cluster.name
                    ))
                    .about(&self.address)
                    .with_help(nevertheless(Guard::OidcProviderNotMarked)),
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
                    .with_help(remedy!(
                        "Delete these roles first (`eksact delete iamserviceaccount`), or pass --allow {}.",
                        Guard::OidcProviderInUse.code()
                    )),
                );
            }
            Err(message) => draft.add_finding(
                Guard::OidcProviderInUse
                    .refusal(format!(
                        "it is not known which roles trust the IAM OIDC provider: {message}"
                    ))
                    .about(&self.address)
                    .with_help(nevertheless(Guard::OidcProviderInUse)),
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
            vec![Reason::new("requested", "it was requested")],
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
}

/// How it is deleted although the guard refuses.
fn nevertheless(guard: Guard) -> Remedy {
    remedy!("Pass --allow {} to delete it anyway.", guard.code())
}

/// `1 role`, `2 roles`.
fn counted(count: usize, noun: &str) -> String {
    if count == 1 {
        format!("1 {noun}")
    } else {
        format!("{count} {noun}s")
    }
}

/// The names of the roles that trust a provider, or why they cannot be told.
fn trusting_roles(live: &Live, provider_arn: &str) -> Result<Vec<String>, String> {
    let roles = match live.all_roles() {
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
