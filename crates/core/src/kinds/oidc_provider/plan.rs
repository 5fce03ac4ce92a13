//! What is done about the provider: made, given its audience, deleted.

use std::collections::BTreeMap;

use serde_json::json;

use super::{AUDIENCE, CLUSTER_TAG, Operation, has_audience};
use crate::{
    engine::{
        Action, Address, AttributeChange, Change, Effect, PlanDraft, Reason, StepId, plan::fingerprint,
    },
    kinds::{Request, request::ThumbprintSource},
    live::Live,
    ports::aws::OidcProvider,
};
use eksact_identity::cloudformation::tags;

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
            origin: None,
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
