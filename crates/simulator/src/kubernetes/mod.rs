//! A simulated Kubernetes API: the ports, answered by the sandbox. What each kind of object takes and refuses is in its
//! own file.
//!
//! The server only, without its controllers: a new namespace gets no `default` service account by itself, and nothing
//! ever finishes terminating.

mod checks;
mod config_map;
mod daemon_set;
mod field_managers;
mod id;
mod lease;
mod namespace;
mod object;
mod pod;
mod rbac_binding;
mod rbac_role;
mod service_account;
mod verbs;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;

use super::refusal::Refusal;
use super::state::{SimulatedCluster, World};
use super::{Call, Sandbox};
use eksact_core::ports::kubernetes::{
    AccessReview, ApiResource, KubernetesReader, KubernetesWriter, ObjectKey, Precondition, Selector,
    UserInfo,
};
use eksact_core::ports::{CallError, CallErrorKind};

pub(super) use id::Id;
use id::forbidden;
use verbs::verbs_of;

/// What a call to the Kubernetes API is about.
pub(super) struct Request<'a> {
    verb: &'a str,
    group: &'a str,
    resource: &'a str,
    namespace: Option<&'a str>,
    name: &'a str,
}

impl<'a> Request<'a> {
    /// A call about something of the core group or of no group.
    pub(super) fn new(verb: &'a str, resource: &'a str, namespace: Option<&'a str>, name: &'a str) -> Self {
        Self {
            verb,
            group: "",
            resource,
            namespace,
            name,
        }
    }

    fn of(verb: &'a str, id: &Id<'a>) -> Self {
        Self {
            group: id.resource.group,
            ..Self::new(verb, id.resource.plural, id.key.namespace, id.key.name)
        }
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
            cluster.authorize(&request)?;
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

impl SimulatedCluster {
    /// Whether the caller may, by the world's list of what is denied.
    fn may(&self, verb: &str, resource: &str, namespace: Option<&str>) -> bool {
        let what = format!("{verb} {resource}");
        let in_namespace = namespace.map(|namespace| format!("{what} in {namespace}"));
        !self.denied.contains(&what) && !in_namespace.is_some_and(|what| self.denied.contains(&what))
    }

    /// Refuses what the caller may not do, in the server's words.
    fn authorize(&self, request: &Request<'_>) -> Result<(), Refusal> {
        if self.may(request.verb, request.resource, request.namespace) {
            return Ok(());
        }
        Err(forbidden(request))
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

    async fn get_object(
        &self,
        resource: ApiResource,
        key: ObjectKey<'_>,
    ) -> Result<Option<Value>, CallError> {
        let id = Id { resource, key };
        self.kubernetes(Request::of("get", &id), |cluster, _| {
            Ok(verbs_of(&id)?.get(cluster, &id))
        })
        .await
    }

    async fn list_objects(
        &self,
        resource: ApiResource,
        namespace: Option<&str>,
        selector: Selector<'_>,
    ) -> Result<Vec<Value>, CallError> {
        let key = ObjectKey::new(namespace, "");
        let id = Id { resource, key };
        self.kubernetes(Request::of("list", &id), |cluster, _| {
            Ok(verbs_of(&id)?.list(cluster, &id, selector))
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
        self.kubernetes(request, |cluster, _| {
            Ok(cluster.may(&review.verb, &review.resource, review.namespace.as_deref()))
        })
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
}

#[async_trait]
impl KubernetesWriter for Sandbox {
    async fn create_object(
        &self,
        resource: ApiResource,
        key: ObjectKey<'_>,
        body: Value,
    ) -> Result<Value, CallError> {
        let id = Id { resource, key };
        self.kubernetes(Request::of("create", &id), |cluster, _| {
            verbs_of(&id)?.create(cluster, &id, body)
        })
        .await
    }

    async fn merge_object(
        &self,
        resource: ApiResource,
        key: ObjectKey<'_>,
        patch: Value,
        precondition: Precondition<'_>,
    ) -> Result<Value, CallError> {
        let id = Id { resource, key };
        self.kubernetes(Request::of("patch", &id), |cluster, _| {
            verbs_of(&id)?.merge(cluster, &id, &patch, precondition)
        })
        .await
    }

    async fn apply_object(
        &self,
        resource: ApiResource,
        key: ObjectKey<'_>,
        body: Value,
        precondition: Precondition<'_>,
    ) -> Result<Value, CallError> {
        let id = Id { resource, key };
        self.kubernetes(Request::of("patch", &id), |cluster, _| {
            verbs_of(&id)?.apply(cluster, &id, body, precondition)
        })
        .await
    }

    async fn delete_object(
        &self,
        resource: ApiResource,
        key: ObjectKey<'_>,
        precondition: Precondition<'_>,
    ) -> Result<(), CallError> {
        let id = Id { resource, key };
        self.kubernetes(Request::of("delete", &id), |cluster, _| {
            verbs_of(&id)?.delete(cluster, &id, precondition)
        })
        .await
    }
}
