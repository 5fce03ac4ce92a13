//! The Kubernetes ports, answered by the sandbox.

use async_trait::async_trait;
use jiff::Timestamp;

use super::objects::Id;
use super::refusal::Refusal;
use super::state::{SimulatedCluster, World};
use super::{Call, Sandbox};
use eksact_core::ports::access::{ConfigMap, ConfigMapPatch, NewConfigMap, RbacBinding, RbacRole, UserInfo};
use eksact_core::ports::kubernetes::{
    AccessReview, KubernetesReader, KubernetesWriter, Namespace, Pod, ServiceAccount, ServiceAccountMetadata,
};
use eksact_core::ports::{CallError, CallErrorKind};

/// What a call to the Kubernetes API is about.
pub(super) struct Request<'a> {
    verb: &'a str,
    resource: &'a str,
    namespace: Option<&'a str>,
    name: &'a str,
}

impl<'a> Request<'a> {
    pub(super) fn new(verb: &'a str, resource: &'a str, namespace: Option<&'a str>, name: &'a str) -> Self {
        Self {
            verb,
            resource,
            namespace,
            name,
        }
    }

    fn of(verb: &'a str, id: &Id<'a>) -> Self {
        Self::new(verb, id.resource, id.namespace, id.name)
    }

    fn object(&self) -> String {
        match self.namespace {
            Some(namespace) if self.name.is_empty() => namespace.to_owned(),
            Some(namespace) => format!("{namespace}/{}", self.name),
            None => self.name.to_owned(),
        }
    }
}

impl Sandbox {
    pub(super) async fn kubernetes<T>(
        &self,
        request: Request<'_>,
        run: impl FnOnce(&mut SimulatedCluster, Timestamp) -> Result<T, Refusal> + Send,
    ) -> Result<T, CallError> {
        let call = Call {
            service: "kubernetes",
            action: format!("{} {}", request.verb, request.resource),
            object: request.object(),
            write: ["create", "patch", "delete"].contains(&request.verb),
        };
        self.call(call, |world, now| {
            let cluster = self.reachable(world)?;
            world.user_info(cluster, self.caller.as_ref())?;
            let arn = cluster.cluster.arn.clone();
            let cluster = world.clusters.get_mut(&arn).ok_or_else(|| self.silence())?;
            cluster.authorize(request.verb, request.resource, request.namespace, request.name)?;
            run(cluster, now)
        })
        .await
    }

    /// The cluster, if its API answers.
    fn reachable<'w>(&self, world: &'w World) -> Result<&'w SimulatedCluster, Refusal> {
        let found = world
            .clusters
            .get(&world.cluster_arn(&self.cluster, &self.region));
        let reachable = found.filter(|cluster| !cluster.unreachable);
        reachable.ok_or_else(|| self.silence())
    }

    fn silence(&self) -> Refusal {
        let message = format!("the Kubernetes API of cluster {} does not answer", self.cluster);
        Refusal::without_code(CallErrorKind::Unreachable, message)
    }
}

#[async_trait]
impl KubernetesReader for Sandbox {
    async fn server_version(&self) -> Result<String, CallError> {
        let request = Request::new("get", "version", None, "");
        self.kubernetes(request, |cluster, _| {
            Ok(format!(
                "v{}.0",
                cluster.cluster.version.as_deref().unwrap_or("1.34")
            ))
        })
        .await
    }

    async fn namespace(&self, name: &str) -> Result<Option<Namespace>, CallError> {
        let request = Request::new("get", "namespaces", None, name);
        self.kubernetes(request, |cluster, _| Ok(cluster.namespaces.get(name).cloned()))
            .await
    }

    async fn namespaces(&self) -> Result<Vec<Namespace>, CallError> {
        let request = Request::new("list", "namespaces", None, "");
        self.kubernetes(request, |cluster, _| {
            Ok(cluster.namespaces.values().cloned().collect())
        })
        .await
    }

    async fn service_account(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Option<ServiceAccount>, CallError> {
        let request = Request::new("get", "serviceaccounts", Some(namespace), name);
        self.kubernetes(request, |cluster, _| {
            Ok(cluster
                .service_accounts
                .get(&format!("{namespace}/{name}"))
                .cloned())
        })
        .await
    }

    async fn service_accounts(&self, namespace: Option<&str>) -> Result<Vec<ServiceAccount>, CallError> {
        let request = Request::new("list", "serviceaccounts", namespace, "");
        self.kubernetes(request, |cluster, _| {
            let wanted =
                |object: &&ServiceAccount| namespace.is_none_or(|namespace| object.namespace == namespace);
            Ok(cluster
                .service_accounts
                .values()
                .filter(wanted)
                .cloned()
                .collect())
        })
        .await
    }

    async fn pods(&self, namespace: &str, service_account: &str) -> Result<Vec<Pod>, CallError> {
        let request = Request::new("list", "pods", Some(namespace), "");
        self.kubernetes(request, |cluster, _| {
            Ok(cluster
                .pods
                .values()
                .filter(|pod| pod.namespace == namespace && pod.service_account == service_account)
                .cloned()
                .collect())
        })
        .await
    }

    async fn service_account_issuer(&self) -> Result<Option<String>, CallError> {
        let request = Request::new("get", "/.well-known/openid-configuration", None, "");
        let told = self.kubernetes(request, |cluster, _| {
            let own = cluster.service_account_issuer.as_ref();
            Ok(own.or(cluster.cluster.oidc_issuer.as_ref()).cloned())
        });
        match told.await {
            Err(error) if error.kind == CallErrorKind::AccessDenied => Ok(None),
            told => told,
        }
    }

    async fn may(&self, review: &AccessReview) -> Result<bool, CallError> {
        // A review may be asked by everyone and creates nothing: it is neither denied nor counted as a write.
        let request = Request::new("review", "selfsubjectaccessreviews", None, "");
        self.kubernetes(request, |cluster, _| Ok(cluster.may(review)))
            .await
    }

    async fn user_info(&self) -> Result<UserInfo, CallError> {
        let call = Call {
            service: "kubernetes",
            action: "create selfsubjectreviews".to_owned(),
            object: "the caller".to_owned(),
            write: false,
        };
        self.call(call, |world, _| {
            world.user_info(self.reachable(world)?, self.caller.as_ref())
        })
        .await
    }

    async fn config_map(&self, namespace: &str, name: &str) -> Result<Option<ConfigMap>, CallError> {
        let request = Request::new("get", "configmaps", Some(namespace), name);
        self.kubernetes(request, |cluster, _| {
            let key = Id::config_map(namespace, name).key();
            Ok(cluster.config_maps.get(&key).cloned())
        })
        .await
    }

    async fn config_maps(
        &self,
        namespace: &str,
        label: &str,
        value: &str,
    ) -> Result<Vec<ConfigMap>, CallError> {
        let request = Request::new("list", "configmaps", Some(namespace), "");
        self.kubernetes(request, |cluster, _| {
            let wanted = |object: &&ConfigMap| {
                object.namespace == namespace && object.labels.get(label).is_some_and(|found| found == value)
            };
            Ok(cluster.config_maps.values().filter(wanted).cloned().collect())
        })
        .await
    }

    async fn rbac_role(&self, namespace: Option<&str>, name: &str) -> Result<Option<RbacRole>, CallError> {
        let id = Id::role(namespace, name);
        self.kubernetes(Request::of("get", &id), |cluster, _| {
            Ok(cluster.rbac_roles.get(&id.key()).cloned())
        })
        .await
    }

    async fn rbac_bindings(&self) -> Result<Vec<RbacBinding>, CallError> {
        let mut found = Vec::new();
        for (resource, namespaced) in [("clusterrolebindings", false), ("rolebindings", true)] {
            let request = Request::new("list", resource, None, "");
            let more = self.kubernetes(request, |cluster, _| {
                let wanted = |object: &&RbacBinding| object.namespace.is_some() == namespaced;
                Ok(cluster
                    .rbac_bindings
                    .values()
                    .filter(wanted)
                    .cloned()
                    .collect::<Vec<_>>())
            });
            found.extend(more.await?);
        }
        Ok(found)
    }
}

#[async_trait]
impl KubernetesWriter for Sandbox {
    async fn create_namespace(&self, name: &str) -> Result<(), CallError> {
        let request = Request::new("create", "namespaces", None, name);
        self.kubernetes(request, |cluster, _| cluster.create_namespace(name))
            .await
    }

    async fn create_service_account(
        &self,
        metadata: &ServiceAccountMetadata,
    ) -> Result<ServiceAccount, CallError> {
        let request = Request::new(
            "create",
            "serviceaccounts",
            Some(&metadata.namespace),
            &metadata.name,
        );
        self.kubernetes(request, |cluster, now| {
            cluster.create_service_account(metadata, now)
        })
        .await
    }

    async fn apply_service_account(
        &self,
        metadata: &ServiceAccountMetadata,
        resource_version: &str,
    ) -> Result<ServiceAccount, CallError> {
        let request = Request::new(
            "patch",
            "serviceaccounts",
            Some(&metadata.namespace),
            &metadata.name,
        );
        self.kubernetes(request, |cluster, _| {
            cluster.apply_service_account(metadata, resource_version)
        })
        .await
    }

    async fn remove_service_account_metadata(
        &self,
        namespace: &str,
        name: &str,
        labels: &[String],
        annotations: &[String],
        resource_version: &str,
    ) -> Result<ServiceAccount, CallError> {
        let request = Request::new("patch", "serviceaccounts", Some(namespace), name);
        self.kubernetes(request, |cluster, _| {
            cluster.remove_service_account_metadata((namespace, name), labels, annotations, resource_version)
        })
        .await
    }

    async fn delete_service_account(
        &self,
        namespace: &str,
        name: &str,
        uid: &str,
        resource_version: &str,
    ) -> Result<(), CallError> {
        let request = Request::new("delete", "serviceaccounts", Some(namespace), name);
        self.kubernetes(request, |cluster, _| {
            cluster.delete_service_account(namespace, name, uid, resource_version)
        })
        .await
    }

    async fn create_config_map(&self, config_map: &NewConfigMap) -> Result<ConfigMap, CallError> {
        let id = Id::config_map(&config_map.namespace, &config_map.name);
        self.kubernetes(Request::of("create", &id), |cluster, _| {
            cluster.create_config_map(config_map)
        })
        .await
    }

    async fn patch_config_map(
        &self,
        namespace: &str,
        name: &str,
        patch: &ConfigMapPatch,
        resource_version: &str,
    ) -> Result<ConfigMap, CallError> {
        let id = Id::config_map(namespace, name);
        self.kubernetes(Request::of("patch", &id), |cluster, _| {
            cluster.patch_config_map((namespace, name), patch, resource_version)
        })
        .await
    }

    async fn delete_config_map(
        &self,
        namespace: &str,
        name: &str,
        uid: &str,
        resource_version: &str,
    ) -> Result<(), CallError> {
        let id = Id::config_map(namespace, name);
        self.kubernetes(Request::of("delete", &id), |cluster, _| {
            cluster.delete_config_map((namespace, name), uid, resource_version)
        })
        .await
    }

    async fn create_rbac_role(&self, role: &RbacRole) -> Result<RbacRole, CallError> {
        let id = Id::role(role.namespace.as_deref(), &role.name);
        self.kubernetes(Request::of("create", &id), |cluster, _| {
            cluster.create_rbac_role(role)
        })
        .await
    }

    async fn set_rbac_rules(&self, role: &RbacRole) -> Result<RbacRole, CallError> {
        let id = Id::role(role.namespace.as_deref(), &role.name);
        self.kubernetes(Request::of("patch", &id), |cluster, _| {
            cluster.set_rbac_rules(role)
        })
        .await
    }

    async fn delete_rbac_role(&self, role: &RbacRole) -> Result<(), CallError> {
        let id = Id::role(role.namespace.as_deref(), &role.name);
        self.kubernetes(Request::of("delete", &id), |cluster, _| {
            cluster.delete_rbac_role(role)
        })
        .await
    }

    async fn create_rbac_binding(&self, binding: &RbacBinding) -> Result<RbacBinding, CallError> {
        let id = Id::binding(binding.namespace.as_deref(), &binding.name);
        self.kubernetes(Request::of("create", &id), |cluster, _| {
            cluster.create_rbac_binding(binding)
        })
        .await
    }

    async fn set_rbac_subjects(&self, binding: &RbacBinding) -> Result<RbacBinding, CallError> {
        let id = Id::binding(binding.namespace.as_deref(), &binding.name);
        self.kubernetes(Request::of("patch", &id), |cluster, _| {
            cluster.set_rbac_subjects(binding)
        })
        .await
    }

    async fn delete_rbac_binding(&self, binding: &RbacBinding) -> Result<(), CallError> {
        let id = Id::binding(binding.namespace.as_deref(), &binding.name);
        self.kubernetes(Request::of("delete", &id), |cluster, _| {
            cluster.delete_rbac_binding(binding)
        })
        .await
    }
}
