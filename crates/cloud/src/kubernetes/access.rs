//! What decides who may do what in a cluster: ConfigMaps, roles and bindings of RBAC, and who the caller is. Which
//! requests the ports' calls make; their form is in `access_objects`.

use k8s_openapi::api::authentication::v1 as authentication;
use k8s_openapi::api::core::v1 as core;
use k8s_openapi::api::rbac::v1 as rbac;
use kube::core::params::{
    DeleteParams, GetParams, ListParams, Patch, PatchParams, PostParams, Preconditions,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{
    KubernetesClient, access_objects as objects,
    error::Call,
    request::{collection, invalid_request},
    write::{creation, required},
};
use eksact_core::ports::{
    CallError, CallErrorKind,
    access::{ConfigMap, ConfigMapPatch, NewConfigMap, RbacBinding, RbacRole, UserInfo},
    kubernetes::FIELD_MANAGER,
};

/// What may stand in a path as it is (RFC 3986, unreserved, and the colon that RBAC's names like).
const PATH_SEGMENT: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b':');

/// One object of one kind: the call as errors name it, the path of its collection, its name in a path.
struct Place {
    call: Call,
    collection: kube::core::Request,
    segment: String,
}

impl KubernetesClient {
    pub(super) async fn read_user_info(&self) -> Result<UserInfo, CallError> {
        let call = Call::new("create", "selfsubjectreviews", "the caller");
        let body = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
        let request = collection::<authentication::SelfSubjectReview>(&call, None, None)?
            .create(&PostParams::default(), body.to_string().into_bytes())
            .map_err(|error| invalid_request(&call, &error))?;
        self.send(&call, &request).await.map(objects::user_info)
    }

    pub(super) async fn read_config_map(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Option<ConfigMap>, CallError> {
        let place = config_map("get", namespace, name)?;
        Ok(self.find(&place).await?.map(objects::config_map))
    }

    pub(super) async fn read_config_maps(
        &self,
        namespace: &str,
        label: &str,
        value: &str,
    ) -> Result<Vec<ConfigMap>, CallError> {
        let call = Call::new("list", "configmaps", format!("namespace {namespace}"));
        let collection = collection::<core::ConfigMap>(&call, Some(namespace), None)?;
        let selected = ListParams::default().labels(&format!("{label}={value}"));
        let found = self.list(&call, &collection, &selected).await?;
        Ok(found.into_iter().map(objects::config_map).collect())
    }

    pub(super) async fn send_config_map(&self, config_map: &NewConfigMap) -> Result<ConfigMap, CallError> {
        let NewConfigMap { namespace, name, .. } = config_map;
        let call = Call::new("create", "configmaps", format!("{namespace}/{name}"));
        let body = objects::config_map_body(config_map);
        // The server itself says what is wrong with the name: it does not go into the path.
        let request = creation::<core::ConfigMap>(&call, Some(namespace), None, &body)?;
        self.send(&call, &request).await.map(objects::config_map)
    }

    pub(super) async fn send_config_map_patch(
        &self,
        namespace: &str,
        name: &str,
        patch: &ConfigMapPatch,
        resource_version: &str,
    ) -> Result<ConfigMap, CallError> {
        let place = config_map("patch", namespace, name)?;
        required(&place.call, "resourceVersion", resource_version)?;
        let body = objects::config_map_patch(patch, resource_version);
        self.merge(&place, body).await.map(objects::config_map)
    }

    pub(super) async fn send_config_map_deletion(
        &self,
        namespace: &str,
        name: &str,
        uid: &str,
        resource_version: &str,
    ) -> Result<(), CallError> {
        let place = config_map("delete", namespace, name)?;
        self.remove(&place, uid, resource_version).await
    }

    pub(super) async fn read_rbac_role(
        &self,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<Option<RbacRole>, CallError> {
        let place = role("get", namespace, name)?;
        Ok(self.find(&place).await?.map(objects::role))
    }

    /// Both kinds at once: neither needs the other.
    pub(super) async fn read_rbac_bindings(&self) -> Result<Vec<RbacBinding>, CallError> {
        let everything = ListParams::default();
        let whole = Call::new("list", "clusterrolebindings", "the cluster");
        let namespaced = Call::new("list", "rolebindings", "the cluster");
        let (of_cluster, of_namespaces) = (
            collection::<rbac::ClusterRoleBinding>(&whole, None, None)?,
            collection::<rbac::RoleBinding>(&namespaced, None, None)?,
        );
        let (mut found, more) = futures::try_join!(
            self.list(&whole, &of_cluster, &everything),
            self.list(&namespaced, &of_namespaces, &everything),
        )?;
        found.extend(more);
        Ok(found.into_iter().map(objects::binding).collect())
    }

    pub(super) async fn send_rbac_role(&self, wanted: &RbacRole) -> Result<RbacRole, CallError> {
        let namespace = wanted.namespace.as_deref();
        let place = role("create", namespace, &wanted.name)?;
        let body = objects::role_body(wanted);
        let request = match namespace {
            Some(_) => creation::<rbac::Role>(&place.call, namespace, None, &body)?,
            None => creation::<rbac::ClusterRole>(&place.call, None, None, &body)?,
        };
        self.send(&place.call, &request).await.map(objects::role)
    }

    pub(super) async fn send_rbac_rules(&self, wanted: &RbacRole) -> Result<RbacRole, CallError> {
        let place = role("patch", wanted.namespace.as_deref(), &wanted.name)?;
        required(&place.call, "resourceVersion", &wanted.resource_version)?;
        let body = json!({"metadata": {"resourceVersion": wanted.resource_version}, "rules": wanted.rules});
        self.merge(&place, body).await.map(objects::role)
    }

    pub(super) async fn send_rbac_role_deletion(&self, doomed: &RbacRole) -> Result<(), CallError> {
        let place = role("delete", doomed.namespace.as_deref(), &doomed.name)?;
        self.remove(&place, &doomed.uid, &doomed.resource_version).await
    }

    pub(super) async fn send_rbac_binding(&self, wanted: &RbacBinding) -> Result<RbacBinding, CallError> {
        let namespace = wanted.namespace.as_deref();
        let place = binding("create", namespace, &wanted.name)?;
        let body = objects::binding_body(wanted);
        let request = match namespace {
            Some(_) => creation::<rbac::RoleBinding>(&place.call, namespace, None, &body)?,
            None => creation::<rbac::ClusterRoleBinding>(&place.call, None, None, &body)?,
        };
        self.send(&place.call, &request).await.map(objects::binding)
    }

    pub(super) async fn send_rbac_subjects(&self, wanted: &RbacBinding) -> Result<RbacBinding, CallError> {
        let place = binding("patch", wanted.namespace.as_deref(), &wanted.name)?;
        required(&place.call, "resourceVersion", &wanted.resource_version)?;
        let body = json!({
            "metadata": {"resourceVersion": wanted.resource_version},
            "subjects": objects::subjects(&wanted.subjects),
        });
        self.merge(&place, body).await.map(objects::binding)
    }

    pub(super) async fn send_rbac_binding_deletion(&self, doomed: &RbacBinding) -> Result<(), CallError> {
        let place = binding("delete", doomed.namespace.as_deref(), &doomed.name)?;
        self.remove(&place, &doomed.uid, &doomed.resource_version).await
    }

    /// GET of one object; none when the API says that there is no such object.
    async fn find<T: DeserializeOwned>(&self, place: &Place) -> Result<Option<T>, CallError> {
        let request = place
            .collection
            .get(&place.segment, &GetParams::default())
            .map_err(|error| invalid_request(&place.call, &error))?;
        match self.send(&place.call, &request).await {
            Ok(object) => Ok(Some(object)),
            Err(error) if error.kind == CallErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// JSON merge patch; the body holds the version that was read.
    async fn merge<T: DeserializeOwned>(&self, place: &Place, body: Value) -> Result<T, CallError> {
        let parameters = PatchParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        }
        .validation_strict();
        let request = place
            .collection
            .patch(&place.segment, &parameters, &Patch::Merge(body))
            .map_err(|error| invalid_request(&place.call, &error))?;
        self.send(&place.call, &request).await
    }

    /// DELETE of exactly the object that was read, at the version that was read.
    async fn remove(&self, place: &Place, uid: &str, resource_version: &str) -> Result<(), CallError> {
        required(&place.call, "uid", uid)?;
        required(&place.call, "resourceVersion", resource_version)?;
        let parameters = DeleteParams::default().preconditions(Preconditions {
            uid: Some(uid.to_owned()),
            resource_version: Some(resource_version.to_owned()),
        });
        let request = place
            .collection
            .delete(&place.segment, &parameters)
            .map_err(|error| invalid_request(&place.call, &error))?;
        self.exchange(&place.call, &request).await.map(drop)
    }
}

fn config_map(verb: &str, namespace: &str, name: &str) -> Result<Place, CallError> {
    let call = Call::new(verb, "configmaps", format!("{namespace}/{name}"));
    Ok(Place {
        collection: collection::<core::ConfigMap>(&call, Some(namespace), Some(name))?,
        segment: name.to_owned(),
        call,
    })
}

fn role(verb: &str, namespace: Option<&str>, name: &str) -> Result<Place, CallError> {
    place::<rbac::Role, rbac::ClusterRole>(verb, ["roles", "clusterroles"], namespace, name)
}

fn binding(verb: &str, namespace: Option<&str>, name: &str) -> Result<Place, CallError> {
    let resources = ["rolebindings", "clusterrolebindings"];
    place::<rbac::RoleBinding, rbac::ClusterRoleBinding>(verb, resources, namespace, name)
}

/// The place of an object of RBAC, whose names are freer than others: whatever can be one segment of a path
/// (`k8s.io/apimachinery` `pkg/api/validation/path`, `IsValidPathSegmentName`).
fn place<Namespaced, OfCluster>(
    verb: &str,
    [namespaced, of_cluster]: [&str; 2],
    namespace: Option<&str>,
    name: &str,
) -> Result<Place, CallError>
where
    Namespaced: kube::Resource<DynamicType = ()>,
    OfCluster: kube::Resource<DynamicType = ()>,
{
    let call = match namespace {
        Some(namespace) => Call::new(verb, namespaced, format!("{namespace}/{name}")),
        None => Call::new(verb, of_cluster, name),
    };
    if name.is_empty() || name == "." || name == ".." || name.contains(['/', '%']) {
        let message = format!("\"{name}\" is not a name that Kubernetes allows");
        return Err(call.error(CallErrorKind::Invalid, message));
    }
    let collection = match namespace {
        Some(_) => collection::<Namespaced>(&call, namespace, None)?,
        None => collection::<OfCluster>(&call, None, None)?,
    };
    let segment = utf8_percent_encode(name, &PATH_SEGMENT).to_string();
    Ok(Place {
        call,
        collection,
        segment,
    })
}
