//! The writing port. Every write carries a precondition (a name that is free, a `resourceVersion`, a `uid`), the field
//! manager `eksact` and strict field validation, and touches metadata only.

use async_trait::async_trait;
use k8s_openapi::api::core::v1 as core;
use kube::core::params::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use serde_json::{Map, Value, json};

use super::{
    KubernetesClient,
    error::Call,
    objects,
    request::{Request, collection, invalid_request},
};
use eksact_core::ports::{
    CallError, CallErrorKind,
    access::{ConfigMap, ConfigMapPatch, NewConfigMap, RbacBinding, RbacRole},
    kubernetes::{FIELD_MANAGER, KubernetesReader, KubernetesWriter, ServiceAccount, ServiceAccountMetadata},
};

#[async_trait]
impl KubernetesWriter for KubernetesClient {
    async fn create_namespace(&self, name: &str) -> Result<(), CallError> {
        let call = Call::new("create", "namespaces", name);
        let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        let request = creation::<core::Namespace>(&call, None, Some(name), &body)?;
        self.exchange(&call, &request).await?;
        Ok(())
    }

    async fn create_service_account(
        &self,
        metadata: &ServiceAccountMetadata,
    ) -> Result<ServiceAccount, CallError> {
        let call = call("create", &metadata.namespace, &metadata.name);
        let body = service_account_body(metadata, None);
        let request =
            creation::<core::ServiceAccount>(&call, Some(&metadata.namespace), Some(&metadata.name), &body)?;
        self.send(&call, &request).await.map(objects::service_account)
    }

    async fn apply_service_account(
        &self,
        metadata: &ServiceAccountMetadata,
        resource_version: &str,
    ) -> Result<ServiceAccount, CallError> {
        let call = call("patch", &metadata.namespace, &metadata.name);
        required(&call, "resourceVersion", resource_version)?;
        let uid = self.unchanged_uid(&call, metadata, resource_version).await?;
        let body = service_account_body(metadata, Some((&uid, resource_version)));
        let parameters = PatchParams::apply(FIELD_MANAGER).force().validation_strict();
        let request = patch(
            &call,
            &metadata.namespace,
            &metadata.name,
            &parameters,
            &Patch::Apply(body),
        )?;
        self.send(&call, &request).await.map(objects::service_account)
    }

    async fn remove_service_account_metadata(
        &self,
        namespace: &str,
        name: &str,
        labels: &[String],
        annotations: &[String],
        resource_version: &str,
    ) -> Result<ServiceAccount, CallError> {
        let call = call("patch", namespace, name);
        required(&call, "resourceVersion", resource_version)?;
        let mut metadata = Map::new();
        metadata.insert("resourceVersion".to_owned(), resource_version.into());
        for (map, keys) in [("labels", labels), ("annotations", annotations)] {
            if !keys.is_empty() {
                let removed = keys.iter().map(|key| (key.clone(), Value::Null)).collect();
                metadata.insert(map.to_owned(), Value::Object(removed));
            }
        }
        let parameters = PatchParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        }
        .validation_strict();
        let body = json!({ "metadata": metadata });
        let request = patch(&call, namespace, name, &parameters, &Patch::Merge(body))?;
        self.send(&call, &request).await.map(objects::service_account)
    }

    async fn delete_service_account(
        &self,
        namespace: &str,
        name: &str,
        uid: &str,
        resource_version: &str,
    ) -> Result<(), CallError> {
        let call = call("delete", namespace, name);
        required(&call, "uid", uid)?;
        required(&call, "resourceVersion", resource_version)?;
        let parameters = DeleteParams::default().preconditions(Preconditions {
            uid: Some(uid.to_owned()),
            resource_version: Some(resource_version.to_owned()),
        });
        let request = collection::<core::ServiceAccount>(&call, Some(namespace), Some(name))?
            .delete(name, &parameters)
            .map_err(|error| invalid_request(&call, &error))?;
        // The answer is the object or a Status, depending on finalizers; neither says more than its success.
        self.exchange(&call, &request).await?;
        Ok(())
    }

    async fn create_config_map(&self, config_map: &NewConfigMap) -> Result<ConfigMap, CallError> {
        self.send_config_map(config_map).await
    }

    async fn patch_config_map(
        &self,
        namespace: &str,
        name: &str,
        patch: &ConfigMapPatch,
        resource_version: &str,
    ) -> Result<ConfigMap, CallError> {
        self.send_config_map_patch(namespace, name, patch, resource_version)
            .await
    }

    async fn delete_config_map(
        &self,
        namespace: &str,
        name: &str,
        uid: &str,
        resource_version: &str,
    ) -> Result<(), CallError> {
        self.send_config_map_deletion(namespace, name, uid, resource_version)
            .await
    }

    async fn create_rbac_role(&self, role: &RbacRole) -> Result<RbacRole, CallError> {
        self.send_rbac_role(role).await
    }

    async fn set_rbac_rules(&self, role: &RbacRole) -> Result<RbacRole, CallError> {
        self.send_rbac_rules(role).await
    }

    async fn delete_rbac_role(&self, role: &RbacRole) -> Result<(), CallError> {
        self.send_rbac_role_deletion(role).await
    }

    async fn create_rbac_binding(&self, binding: &RbacBinding) -> Result<RbacBinding, CallError> {
        self.send_rbac_binding(binding).await
    }

    async fn set_rbac_subjects(&self, binding: &RbacBinding) -> Result<RbacBinding, CallError> {
        self.send_rbac_subjects(binding).await
    }

    async fn delete_rbac_binding(&self, binding: &RbacBinding) -> Result<(), CallError> {
        self.send_rbac_binding_deletion(binding).await
    }
}

impl KubernetesClient {
    /// The uid of the object, if it is still at `resource_version`. Server-side apply creates what is absent and ignores
    /// `resourceVersion` then (tried with kube-apiserver 1.36.3); only a `uid` in the body keeps it from creating
    /// (`k8s.io/apiserver` `endpoints/handlers/patch.go`, "uid mismatch").
    async fn unchanged_uid(
        &self,
        call: &Call,
        metadata: &ServiceAccountMetadata,
        resource_version: &str,
    ) -> Result<String, CallError> {
        match self.service_account(&metadata.namespace, &metadata.name).await? {
            None => Err(call.error(CallErrorKind::NotFound, "the object is gone")),
            Some(live) if live.resource_version != resource_version => Err(call.error(
                CallErrorKind::Conflict,
                format!(
                    "the object has been modified since it was read (resourceVersion {resource_version}, now {})",
                    live.resource_version
                ),
            )),
            Some(live) => Ok(live.uid),
        }
    }
}

fn call(verb: &str, namespace: &str, name: &str) -> Call {
    Call::new(verb, "serviceaccounts", format!("{namespace}/{name}"))
}

/// The API takes an empty precondition for none at all and writes over whatever is there.
pub(super) fn required(call: &Call, precondition: &str, value: &str) -> Result<(), CallError> {
    if value.is_empty() {
        return Err(call.error(
            CallErrorKind::Invalid,
            format!("refused to write without a {precondition} as precondition"),
        ));
    }
    Ok(())
}

/// Metadata and nothing else: what server-side apply does not see, it does not own. Empty maps are left out, so that
/// no empty map is owned either. The precondition is uid and resource version.
fn service_account_body(metadata: &ServiceAccountMetadata, precondition: Option<(&str, &str)>) -> Value {
    let mut fields = Map::new();
    fields.insert("name".to_owned(), metadata.name.as_str().into());
    fields.insert("namespace".to_owned(), metadata.namespace.as_str().into());
    if let Some((uid, version)) = precondition {
        fields.insert("uid".to_owned(), uid.into());
        fields.insert("resourceVersion".to_owned(), version.into());
    }
    for (key, map) in [
        ("labels", &metadata.labels),
        ("annotations", &metadata.annotations),
    ] {
        if !map.is_empty() {
            fields.insert(key.to_owned(), json!(map));
        }
    }
    json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": fields})
}

/// A POST. kube's `PostParams` has no field validation, so it is added to the query.
pub(super) fn creation<K>(
    call: &Call,
    namespace: Option<&str>,
    name: Option<&str>,
    body: &Value,
) -> Result<Request, CallError>
where
    K: kube::Resource<DynamicType = ()>,
{
    let parameters = PostParams {
        dry_run: false,
        field_manager: Some(FIELD_MANAGER.to_owned()),
    };
    let mut request = collection::<K>(call, namespace, name)?
        .create(&parameters, body.to_string().into_bytes())
        .map_err(|error| invalid_request(call, &error))?;
    *request.uri_mut() = format!("{}&fieldValidation=Strict", request.uri())
        .parse()
        .map_err(|error: http::uri::InvalidUri| call.error(CallErrorKind::Invalid, error.to_string()))?;
    Ok(request)
}

fn patch(
    call: &Call,
    namespace: &str,
    name: &str,
    parameters: &PatchParams,
    patch: &Patch<Value>,
) -> Result<Request, CallError> {
    collection::<core::ServiceAccount>(call, Some(namespace), Some(name))?
        .patch(name, parameters, patch)
        .map_err(|error| invalid_request(call, &error))
}
