//! Updates of clusters of EKS, and the one of the authentication mode.

use async_trait::async_trait;
use aws_sdk_eks::types;

use super::client::{AwsClient, Pages};
use super::error::{Action, incomplete};
use eksact_core::ports::CallError;
use eksact_core::ports::aws::{
    AuthenticationMode, ClusterUpdate, ClusterUpdateError, ClusterUpdateReader, ClusterUpdateWriter,
};

const LIST_UPDATES: Action = ("eks", "ListUpdates");
const DESCRIBE_UPDATE: Action = ("eks", "DescribeUpdate");
const UPDATE_CLUSTER_CONFIG: Action = ("eks", "UpdateClusterConfig");

#[async_trait]
impl ClusterUpdateReader for AwsClient {
    async fn cluster_updates(&self, cluster: &str) -> Result<Vec<String>, CallError> {
        let mut ids = Vec::new();
        let mut pages = Pages::default();
        loop {
            let request = self
                .eks
                .list_updates()
                .name(cluster)
                .set_next_token(pages.marker())
                .send();
            let page = self.call(LIST_UPDATES, cluster, request).await?;
            ids.extend(page.update_ids.unwrap_or_default());
            if !pages.advance(LIST_UPDATES, cluster, page.next_token)? {
                return Ok(ids);
            }
        }
    }

    async fn cluster_update(&self, cluster: &str, id: &str) -> Result<ClusterUpdate, CallError> {
        let object = format!("{cluster}, update {id}");
        let request = self.eks.describe_update().name(cluster).update_id(id).send();
        let answer = self.call(DESCRIBE_UPDATE, &object, request).await?;
        update_of(DESCRIBE_UPDATE, &object, answer.update)
    }
}

#[async_trait]
impl ClusterUpdateWriter for AwsClient {
    async fn set_authentication_mode(
        &self,
        cluster: &str,
        mode: AuthenticationMode,
    ) -> Result<ClusterUpdate, CallError> {
        let access = types::UpdateAccessConfigRequest::builder()
            .authentication_mode(mode.as_str().into())
            .build();
        let request = self
            .eks
            .update_cluster_config()
            .name(cluster)
            .access_config(access)
            .send();
        let answer = self.call(UPDATE_CLUSTER_CONFIG, cluster, request).await?;
        update_of(UPDATE_CLUSTER_CONFIG, cluster, answer.update)
    }
}

/// An update as EKS tells it. Without an id or a status there is nothing to wait for.
pub(super) fn update_of(
    action: Action,
    object: &str,
    update: Option<types::Update>,
) -> Result<ClusterUpdate, CallError> {
    let missing = |what| move || incomplete(action, object, what);
    let update = update.ok_or_else(missing("update"))?;
    let parameters = update.params.unwrap_or_default().into_iter();
    let errors = update.errors.unwrap_or_default().into_iter();
    Ok(ClusterUpdate {
        id: update.id.ok_or_else(missing("update id"))?,
        update_type: update
            .r#type
            .map(|kind| kind.as_str().to_owned())
            .unwrap_or_default(),
        status: update
            .status
            .ok_or_else(missing("update status"))?
            .as_str()
            .to_owned(),
        parameters: parameters
            .filter_map(|parameter| Some((parameter.r#type?.as_str().to_owned(), plain(parameter.value?))))
            .collect(),
        errors: errors
            .map(|error| ClusterUpdateError {
                code: error
                    .error_code
                    .map(|code| code.as_str().to_owned())
                    .unwrap_or_default(),
                message: error.error_message.unwrap_or_default(),
                resource_ids: error.resource_ids.unwrap_or_default(),
            })
            .collect(),
    })
}

/// The value of a parameter. EKS sends that of `AuthenticationMode` as JSON, with its quotes.
fn plain(value: String) -> String {
    serde_json::from_str(&value).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_update_keeps_every_reason() {
        let error = types::ErrorDetail::builder()
            .error_code("OperationNotPermitted".into())
            .error_message("not now")
            .resource_ids("prod")
            .build();
        let update = types::Update::builder()
            .id("u-1")
            .r#type("AccessConfigUpdate".into())
            .status("Failed".into())
            .errors(error)
            .build();
        let update = update_of(DESCRIBE_UPDATE, "prod", Some(update)).unwrap();
        assert!(!update.in_progress() && !update.succeeded());
        assert_eq!(
            update.errors[0].to_string(),
            "OperationNotPermitted: not now (prod)"
        );
        let nameless = types::Update::builder().status("InProgress".into()).build();
        for answer in [None, Some(nameless)] {
            assert!(update_of(DESCRIBE_UPDATE, "prod", answer).is_err());
        }
    }

    #[test]
    fn parameters_come_without_the_quotes_of_json() {
        let parameter = |kind: &str, value: &str| {
            types::UpdateParam::builder()
                .r#type(kind.into())
                .value(value)
                .build()
        };
        let update = types::Update::builder()
            .id("u-1")
            .status("InProgress".into())
            .params(parameter("AuthenticationMode", "\"API\""))
            .params(parameter("IdentityProviderConfig", "[]"))
            .build();
        let parameters = update_of(DESCRIBE_UPDATE, "prod", Some(update))
            .unwrap()
            .parameters;
        assert_eq!(
            (
                &*parameters["AuthenticationMode"],
                &*parameters["IdentityProviderConfig"]
            ),
            ("API", "[]")
        );
    }
}
