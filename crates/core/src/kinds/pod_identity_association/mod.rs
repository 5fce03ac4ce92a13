//! Pod identity associations: which role EKS hands to the pods of a service account.
//!
//! `plan` compares those of the file, `removal` finds those that go, `role` looks at roles of somebody else's, `agent` at what
//! hands the credentials out in the cluster, `run` writes.

mod agent;
mod operation;
mod plan;
mod removal;
mod role;
mod run;

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::{
    Kind, Request, RunContext,
    pod_identity::{AgentNeeded, deleted, is_asked, is_pruned, wanted},
};
use crate::kinds::permissions::{Place, Rights};
use crate::{
    config::pod_identity_association::PodIdentityAssociation as Declared,
    engine::{Deferred, PlanDraft, StepDone, StepError, executor::Progress},
    live::{
        Live, LiveReader, PodIdentityAgent, PodIdentityAssociationById, PodIdentityAssociations, RoleByName,
    },
    ports::aws::PodIdentityAssociation,
};
use eksact_identity::{
    cloudformation::{RolePurpose, tags},
    service_account::ServiceAccountKey,
};

/// The kind `pod-identity-association`.
#[derive(Debug)]
pub struct PodIdentityAssociationKind;

#[async_trait]
impl Kind for PodIdentityAssociationKind {
    const NAME: &'static str = "pod-identity-association";
    type Operation = operation::Operation;

    async fn read(&self, request: &Request, reader: &LiveReader) {
        if !is_asked(request) {
            return;
        }
        let listed = reader.ask(PodIdentityAssociations).await;
        let roles = role::given(request, reader.account());
        reader.read(roles.map(RoleByName)).await;
        if !wanted(request).is_empty() || request.scope::<AgentNeeded>().is_some() {
            reader.ask(PodIdentityAgent).await;
        }
        let Ok(listed) = listed.as_ref() else { return };
        // What a listing says is too little to compare; what the request is not about stays unread.
        let named: Vec<ServiceAccountKey> = wanted(request)
            .iter()
            .map(Declared::key)
            .chain(deleted(request).cloned())
            .collect();
        let ids: Vec<&String> = if is_pruned(request) {
            listed.values().map(|summary| &summary.id).collect()
        } else {
            let named = named.iter().filter_map(|key| listed.get(key));
            named.map(|summary| &summary.id).collect()
        };
        reader
            .read(ids.into_iter().cloned().map(PodIdentityAssociationById))
            .await;
    }

    fn plan(&self, request: &Request, live: &Live, draft: &mut PlanDraft) {
        if is_asked(request) {
            plan::plan(request, live, draft);
        }
    }

    fn plan_removals(&self, request: &Request, live: &Live, draft: &mut PlanDraft) {
        if is_asked(request) {
            removal::plan(request, live, draft);
        }
    }

    fn review(&self, request: &Request, live: &Live, after: &Live, draft: &mut PlanDraft) {
        role::review(request, live, after, draft);
        agent::review(request, after, draft);
    }

    fn rights_to_read(&self, request: &Request, place: &Place) -> Rights {
        let mut rights = Rights::default();
        if is_asked(request) {
            rights.aws(place.cluster(), &["eks:ListPodIdentityAssociations"]);
            rights.aws(
                place.of_cluster("podidentityassociation"),
                &["eks:DescribePodIdentityAssociation"],
            );
            for declared in wanted(request) {
                if let Some(role) = &declared.role_arn {
                    rights.read_role(role.value.as_str());
                }
            }
            if !wanted(request).is_empty() || request.scope::<AgentNeeded>().is_some() {
                rights.aws(place.addon(crate::live::AGENT), &["eks:DescribeAddon"]);
                rights.kubernetes("apps", "daemonsets", &["get"], Some("kube-system"));
            }
        }
        rights
    }

    fn rights_to_write(&self, operation: &Self::Operation, place: &Place) -> Rights {
        let mut rights = Rights::default();
        let associations = place.of_cluster("podidentityassociation");
        // Before a write what is there is looked at once more.
        rights.aws(place.cluster(), &["eks:ListPodIdentityAssociations"]);
        rights.aws(associations.clone(), &["eks:DescribePodIdentityAssociation"]);
        let pass = |rights: &mut Rights, role: &Deferred<String>| {
            let service = "pods.eks.amazonaws.com";
            match role {
                Deferred::Known(role) => rights.pass_role(role.as_str(), service),
                // The role of a stack of the same plan.
                Deferred::Unknown { .. } => rights.pass_role(place.roles(), service),
            }
        };
        match operation {
            operation::Operation::Create { role_arn, .. } => {
                rights.aws(place.cluster(), &["eks:CreatePodIdentityAssociation"]);
                rights.aws(associations, &["eks:TagResource"]);
                pass(&mut rights, role_arn);
            }
            operation::Operation::Update { role_arn, .. } => {
                rights.aws(associations, &["eks:UpdatePodIdentityAssociation"]);
                pass(&mut rights, role_arn);
            }
            operation::Operation::Tag { arn, .. } => rights.aws(arn, &["eks:TagResource"]),
            operation::Operation::Delete { .. } => {
                rights.aws(associations, &["eks:DeletePodIdentityAssociation"]);
            }
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

/// The tags that an association shall have: as eksctl's, those of the stack of its role (0.231
/// `pkg/actions/podidentityassociation/creator.go`).
fn wanted_tags(request: &Request, live: &Live, declared: &Declared) -> BTreeMap<String, String> {
    let stack_tags = tags::StackTags {
        cluster: &live.cluster.name,
        owner: &RolePurpose::PodIdentity.of(&declared.key()),
        metadata_tags: &request.config.metadata.tags,
        service_account_tags: &declared.tags,
    };
    stack_tags
        .to_write()
        .into_iter()
        .map(|tag| (tag.key, tag.value))
        .collect()
}

/// Whether eksctl or eksact made an association for this cluster: by its tags, as with stacks.
fn is_ours(live: &Live, association: &PodIdentityAssociation) -> bool {
    let key = ServiceAccountKey::new(&association.namespace, &association.service_account);
    tags::cluster_of(&association.tags) == Some(&live.cluster.name)
        && association.tags.get(tags::POD_IDENTITY_ASSOCIATION_NAME) == Some(&key.to_string())
}
