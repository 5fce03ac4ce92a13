//! Pod identity associations of EKS.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_eks::types;
use jiff::Timestamp;

use super::client::{AwsClient, Pages};
use super::error::{Action, incomplete};
use eksact_core::ports::aws::{
    NewPodIdentityAssociation, PodIdentityAssociation, PodIdentityAssociationReader,
    PodIdentityAssociationSummary, PodIdentityAssociationUpdate, PodIdentityAssociationWriter,
};
use eksact_core::ports::{CallError, CallErrorKind, found};

const LIST: Action = ("eks", "ListPodIdentityAssociations");
const DESCRIBE: Action = ("eks", "DescribePodIdentityAssociation");
const CREATE: Action = ("eks", "CreatePodIdentityAssociation");
const UPDATE: Action = ("eks", "UpdatePodIdentityAssociation");
const DELETE: Action = ("eks", "DeletePodIdentityAssociation");
const TAG: Action = ("eks", "TagResource");

#[async_trait]
impl PodIdentityAssociationReader for AwsClient {
    async fn pod_identity_associations(
        &self,
        cluster: &str,
        of: Option<(&str, &str)>,
    ) -> Result<Vec<PodIdentityAssociationSummary>, CallError> {
        let mut associations = Vec::new();
        let mut pages = Pages::default();
        loop {
            let request = self
                .eks
                .list_pod_identity_associations()
                .cluster_name(cluster)
                .set_namespace(of.map(|(namespace, _)| namespace.to_owned()))
                .set_service_account(of.map(|(_, name)| name.to_owned()))
                .set_next_token(pages.marker())
                .send();
            let page = self.call(LIST, cluster, request).await?;
            for summary in page.associations.unwrap_or_default() {
                let missing = |what| move || incomplete(LIST, cluster, what);
                associations.push(PodIdentityAssociationSummary {
                    id: summary.association_id.ok_or_else(missing("association id"))?,
                    namespace: summary.namespace.ok_or_else(missing("namespace"))?,
                    service_account: summary.service_account.ok_or_else(missing("service account"))?,
                    owner_arn: summary.owner_arn.filter(|arn| !arn.is_empty()),
                });
            }
            if !pages.advance(LIST, cluster, page.next_token)? {
                return Ok(associations);
            }
        }
    }

    async fn pod_identity_association(
        &self,
        cluster: &str,
        id: &str,
    ) -> Result<Option<PodIdentityAssociation>, CallError> {
        let object = format!("{cluster}, association {id}");
        let request = self
            .eks
            .describe_pod_identity_association()
            .cluster_name(cluster)
            .association_id(id)
            .send();
        let Some(answer) = found(self.call(DESCRIBE, &object, request).await)? else {
            return Ok(None);
        };
        let association = answer
            .association
            .ok_or_else(|| incomplete(DESCRIBE, &object, "association"))?;
        of_sdk(association, &object).map(Some)
    }
}

/// An association without a role or names is no answer: what it gives to whom would be a guess.
fn of_sdk(
    association: types::PodIdentityAssociation,
    object: &str,
) -> Result<PodIdentityAssociation, CallError> {
    let missing = |what| move || incomplete(DESCRIBE, object, what);
    let text = |value: Option<String>| value.filter(|value| !value.is_empty());
    Ok(PodIdentityAssociation {
        id: association.association_id.ok_or_else(missing("association id"))?,
        arn: association.association_arn.ok_or_else(missing("ARN"))?,
        namespace: association.namespace.ok_or_else(missing("namespace"))?,
        service_account: association
            .service_account
            .ok_or_else(missing("service account"))?,
        role_arn: association.role_arn.ok_or_else(missing("role ARN"))?,
        target_role_arn: text(association.target_role_arn),
        disable_session_tags: association.disable_session_tags.unwrap_or_default(),
        policy: text(association.policy),
        external_id: text(association.external_id),
        owner_arn: text(association.owner_arn),
        tags: association.tags.unwrap_or_default().into_iter().collect(),
        created_at: association
            .created_at
            .and_then(|time| Timestamp::new(time.secs(), i32::try_from(time.subsec_nanos()).ok()?).ok()),
    })
}

#[async_trait]
impl PodIdentityAssociationWriter for AwsClient {
    async fn create_pod_identity_association(
        &self,
        cluster: &str,
        new: &NewPodIdentityAssociation,
    ) -> Result<String, CallError> {
        let object = format!(
            "{cluster}, service account {}/{}",
            new.namespace, new.service_account
        );
        // EKS refuses an empty map of tags.
        let tags = (!new.tags.is_empty()).then(|| new.tags.clone().into_iter().collect());
        let request = self
            .eks
            .create_pod_identity_association()
            .cluster_name(cluster)
            .namespace(&new.namespace)
            .service_account(&new.service_account)
            .role_arn(&new.role_arn)
            .set_target_role_arn(new.target_role_arn.clone())
            .disable_session_tags(new.disable_session_tags)
            .set_policy(new.policy.clone())
            .set_tags(tags)
            .client_request_token(&new.client_request_token)
            .send();
        let answer = self.call(CREATE, &object, request).await.map_err(in_use)?;
        answer
            .association
            .and_then(|association| association.association_id)
            .ok_or_else(|| incomplete(CREATE, &object, "association id"))
    }

    async fn update_pod_identity_association(
        &self,
        cluster: &str,
        id: &str,
        update: &PodIdentityAssociationUpdate,
        client_request_token: &str,
    ) -> Result<(), CallError> {
        let request = self
            .eks
            .update_pod_identity_association()
            .cluster_name(cluster)
            .association_id(id)
            .set_role_arn(update.role_arn.clone())
            .set_target_role_arn(update.target_role_arn.clone())
            .set_disable_session_tags(update.disable_session_tags)
            .set_policy(update.policy.clone())
            .client_request_token(client_request_token)
            .send();
        let object = format!("{cluster}, association {id}");
        self.call(UPDATE, &object, request).await.map(drop)
    }

    async fn tag_pod_identity_association(
        &self,
        arn: &str,
        tags: &BTreeMap<String, String>,
    ) -> Result<(), CallError> {
        let tags = tags.clone().into_iter().collect();
        let request = self
            .eks
            .tag_resource()
            .resource_arn(arn)
            .set_tags(Some(tags))
            .send();
        self.call(TAG, arn, request).await.map(drop)
    }

    async fn delete_pod_identity_association(&self, cluster: &str, id: &str) -> Result<(), CallError> {
        let request = self
            .eks
            .delete_pod_identity_association()
            .cluster_name(cluster)
            .association_id(id)
            .send();
        let object = format!("{cluster}, association {id}");
        self.call(DELETE, &object, request).await.map(drop)
    }
}

/// EKS says of an association that exists what it says of a cluster that is being updated, `ResourceInUseException`: only
/// its words tell them apart (aws/containers-roadmap, eksctl-io/eksctl issue 7753).
fn in_use(mut error: CallError) -> CallError {
    if error.kind == CallErrorKind::Conflict && error.message.contains("already exists") {
        error.kind = CallErrorKind::AlreadyExists;
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn association_that_exists_is_told_from_a_busy_cluster() {
        for (message, kind) in [
            (
                "Association already exists: a-0123456789abcdefg",
                CallErrorKind::AlreadyExists,
            ),
            (
                "Cluster prod currently has an update in progress",
                CallErrorKind::Conflict,
            ),
        ] {
            let error = CallError::new("eks", CREATE.1, "prod", CallErrorKind::Conflict, message);
            assert_eq!(in_use(error).kind, kind, "{message}");
        }
    }

    #[test]
    fn association_without_a_role_is_no_answer() {
        let whole = types::PodIdentityAssociation::builder()
            .association_id("a-0123456789abcdefg")
            .association_arn(
                "arn:aws:eks:us-west-2:111122223333:podidentityassociation/prod/a-0123456789abcdefg",
            )
            .namespace("app")
            .service_account("reader")
            .target_role_arn("")
            .role_arn("arn:aws:iam::111122223333:role/reader");
        let read = of_sdk(whole.clone().build(), "prod").unwrap();
        assert_eq!(
            (read.role_arn.as_str(), read.target_role_arn),
            ("arn:aws:iam::111122223333:role/reader", None)
        );
        let error = of_sdk(whole.set_role_arn(None).build(), "prod").unwrap_err();
        assert!(error.to_string().contains("role ARN"), "{error}");
    }
}
