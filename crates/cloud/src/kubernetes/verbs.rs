//! The ports, for every kind of object alike. Every write carries a precondition (a name that is free, a
//! `resourceVersion`, a `uid`), the field manager `eksact` and strict field validation.

use async_trait::async_trait;
use kube::core::params::{
    DeleteParams, GetParams, ListParams, Patch, PatchParams, PostParams, Preconditions,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::Value;

use super::{
    KubernetesClient,
    error::{self, Call},
    transport::{Request, invalid_request},
};
use eksact_core::ports::{
    CallError, CallErrorKind,
    aws::Cluster,
    found,
    kubernetes::{
        AccessReview, ApiResource, FIELD_MANAGER, KubernetesReader, KubernetesWriter, Names, ObjectKey,
        Precondition, Selector, UserInfo, set_metadata,
    },
};

/// What may stand in a path as it is (RFC 3986, unreserved, and the colon that RBAC's names like).
const PATH_SEGMENT: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b':');

/// Where an API server describes the issuer of its tokens (Kubernetes documentation, "Service account issuer
/// discovery").
const ISSUER_DISCOVERY: &str = "/.well-known/openid-configuration";

/// Answer of `/version` (`k8s.io/apimachinery` `version.Info`), as far as it is read.
#[derive(Deserialize)]
struct Version {
    #[serde(rename = "gitVersion")]
    git_version: String,
}

/// The discovery document (`OpenID` Connect Discovery 1.0, section 3), as far as it is read.
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
}

#[async_trait]
impl KubernetesReader for KubernetesClient {
    fn learn(&self, cluster: &Cluster) {
        self.endpoint.get_or_init(|| cluster.clone());
    }

    async fn server_version(&self) -> Result<String, CallError> {
        let call = Call::new("get", "version", "the cluster");
        let request = get(&call, "/version")?;
        let transport = self.transport().await?;
        let limit = transport.answer_limit;
        match tokio::time::timeout(limit, transport.send::<Version>(&call, &request)).await {
            Ok(version) => Ok(version?.git_version),
            Err(_) => Err(error::from_silence(&call, &transport.route, limit)),
        }
    }

    async fn get_object(
        &self,
        resource: ApiResource,
        key: ObjectKey<'_>,
    ) -> Result<Option<Value>, CallError> {
        let place = Place::of("get", resource, key)?;
        let request = place
            .collection
            .get(&place.segment, &GetParams::default())
            .map_err(|error| invalid_request(&place.call, &error))?;
        found(self.transport().await?.send(&place.call, &request).await)
    }

    async fn list_objects(
        &self,
        resource: ApiResource,
        namespace: Option<&str>,
        selector: Selector<'_>,
    ) -> Result<Vec<Value>, CallError> {
        let object = namespace.map_or_else(
            || "the cluster".to_owned(),
            |namespace| format!("namespace {namespace}"),
        );
        let call = Call::new("list", resource.plural, object);
        let collection = collection(&call, resource, namespace)?;
        let everything = ListParams::default();
        let selected = match selector {
            Selector::Everything => everything,
            Selector::Label(label, value) => {
                everything.labels(&format!("{label}={}", selectable(&call, value)?))
            }
            Selector::Field(field, value) => {
                everything.fields(&format!("{field}={}", selectable(&call, value)?))
            }
        };
        self.transport().await?.list(&call, &collection, &selected).await
    }

    async fn service_account_issuer(&self) -> Result<Option<String>, CallError> {
        let call = Call::new("get", ISSUER_DISCOVERY, "the cluster");
        let request = get(&call, ISSUER_DISCOVERY)?;
        let transport = self.transport().await?;
        let document: Option<Discovery> = transport.send_unless_withheld(&call, &request).await?;
        Ok(document.map(|document| document.issuer))
    }

    async fn may(&self, review: &AccessReview) -> Result<bool, CallError> {
        let object = format!(
            "{} {} in {}",
            review.verb,
            review.resource,
            review.namespace.as_deref().unwrap_or("the cluster")
        );
        let call = Call::new("create", "selfsubjectaccessreviews", object);
        let answer = self.ask(&call, AccessReview::PATH, &review.to_wire()).await?;
        AccessReview::is_allowed(answer)
            .map_err(|error| call.error(CallErrorKind::ServiceFailure, error.to_string()))
    }

    async fn user_info(&self) -> Result<UserInfo, CallError> {
        let call = Call::new("create", "selfsubjectreviews", "the caller");
        let answer = self.ask(&call, UserInfo::PATH, &UserInfo::question()).await?;
        UserInfo::from_wire(answer)
            .map_err(|error| call.error(CallErrorKind::ServiceFailure, error.to_string()))
    }
}

#[async_trait]
impl KubernetesWriter for KubernetesClient {
    async fn create_object(
        &self,
        resource: ApiResource,
        key: ObjectKey<'_>,
        body: Value,
    ) -> Result<Value, CallError> {
        let call = Call::new("create", resource.plural, key.to_string());
        let parameters = PostParams {
            dry_run: false,
            field_manager: Some(FIELD_MANAGER.to_owned()),
        };
        // The server itself says what is wrong with the name: it does not go into the path.
        let mut request = collection(&call, resource, key.namespace)?
            .create(&parameters, body.to_string().into_bytes())
            .map_err(|error| invalid_request(&call, &error))?;
        // kube's `PostParams` has no field validation.
        *request.uri_mut() = format!("{}&fieldValidation=Strict", request.uri())
            .parse()
            .map_err(|error: http::uri::InvalidUri| call.error(CallErrorKind::Invalid, error.to_string()))?;
        self.transport().await?.send(&call, &request).await
    }

    async fn merge_object(
        &self,
        resource: ApiResource,
        key: ObjectKey<'_>,
        mut patch: Value,
        precondition: Precondition<'_>,
    ) -> Result<Value, CallError> {
        let place = Place::of("patch", resource, key)?;
        guard(&place.call, &mut patch, precondition)?;
        let parameters = PatchParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        self.patch(&place, &parameters.validation_strict(), &Patch::Merge(patch))
            .await
    }

    /// Server-side apply creates what is absent and ignores `resourceVersion` then (tried with kube-apiserver 1.36.3);
    /// only a `uid` in the body keeps it from creating (`k8s.io/apiserver` `endpoints/handlers/patch.go`, "uid
    /// mismatch"). So the uid is read first.
    async fn apply_object(
        &self,
        resource: ApiResource,
        key: ObjectKey<'_>,
        mut body: Value,
        precondition: Precondition<'_>,
    ) -> Result<Value, CallError> {
        let place = Place::of("patch", resource, key)?;
        required(&place.call, "resourceVersion", precondition.resource_version)?;
        let live = self
            .get_object(resource, key)
            .await?
            .ok_or_else(|| place.call.error(CallErrorKind::NotFound, "the object is gone"))?;
        let live = |field: &str| live.pointer(field).and_then(Value::as_str).unwrap_or_default();
        let (uid, version) = (live("/metadata/uid"), live("/metadata/resourceVersion"));
        let wanted = precondition.resource_version;
        if version != wanted {
            let message = format!(
                "the object has been modified since it was read (resourceVersion {wanted}, now {version})"
            );
            return Err(place.call.error(CallErrorKind::Conflict, message));
        }
        let uid = precondition.uid.unwrap_or(uid);
        guard(&place.call, &mut body, Precondition::exactly(uid, wanted))?;
        let parameters = PatchParams::apply(FIELD_MANAGER).force().validation_strict();
        self.patch(&place, &parameters, &Patch::Apply(body)).await
    }

    async fn delete_object(
        &self,
        resource: ApiResource,
        key: ObjectKey<'_>,
        precondition: Precondition<'_>,
    ) -> Result<(), CallError> {
        let place = Place::of("delete", resource, key)?;
        let Precondition {
            uid,
            resource_version,
        } = precondition;
        required(&place.call, "uid", uid.unwrap_or_default())?;
        required(&place.call, "resourceVersion", resource_version)?;
        let parameters = DeleteParams::default().preconditions(Preconditions {
            uid: uid.map(str::to_owned),
            resource_version: Some(resource_version.to_owned()),
        });
        let request = place
            .collection
            .delete(&place.segment, &parameters)
            .map_err(|error| invalid_request(&place.call, &error))?;
        // The answer is the object or a Status, depending on finalizers; neither says more than its success.
        let transport = self.transport().await?;
        transport.exchange(&place.call, &request).await.map(drop)
    }
}

impl KubernetesClient {
    /// POST of a question, which makes nothing.
    pub(super) async fn ask(&self, call: &Call, path: &str, question: &Value) -> Result<Value, CallError> {
        let request = kube::core::Request::new(path)
            .create(&PostParams::default(), question.to_string().into_bytes())
            .map_err(|error| invalid_request(call, &error))?;
        self.transport().await?.send(call, &request).await
    }

    async fn patch(
        &self,
        place: &Place,
        parameters: &PatchParams,
        patch: &Patch<Value>,
    ) -> Result<Value, CallError> {
        let request = place
            .collection
            .patch(&place.segment, parameters, patch)
            .map_err(|error| invalid_request(&place.call, &error))?;
        self.transport().await?.send(&place.call, &request).await
    }
}

/// One object: the call as errors name it, the path of its collection, its name in a path.
struct Place {
    call: Call,
    collection: kube::core::Request,
    segment: String,
}

impl Place {
    fn of(verb: &str, resource: ApiResource, key: ObjectKey<'_>) -> Result<Self, CallError> {
        let call = Call::new(verb, resource.plural, key.to_string());
        Ok(Self {
            collection: collection(&call, resource, key.namespace)?,
            segment: segment(&call, resource, key.name)?,
            call,
        })
    }
}

/// The path of an object.
pub(super) fn object_path(
    call: &Call,
    resource: ApiResource,
    key: ObjectKey<'_>,
) -> Result<String, CallError> {
    let collection = collection_path(call, resource, key.namespace)?;
    Ok(format!("{collection}/{}", segment(call, resource, key.name)?))
}

fn segment(call: &Call, resource: ApiResource, name: &str) -> Result<String, CallError> {
    allowed(call, resource.names, name)?;
    Ok(utf8_percent_encode(name, &PATH_SEGMENT).to_string())
}

/// A collection; kube's `list`, `get`, `create`, `patch` and `delete` build on it.
fn collection(
    call: &Call,
    resource: ApiResource,
    namespace: Option<&str>,
) -> Result<kube::core::Request, CallError> {
    collection_path(call, resource, namespace).map(kube::core::Request::new)
}

fn collection_path(call: &Call, resource: ApiResource, namespace: Option<&str>) -> Result<String, CallError> {
    let root = if resource.group.is_empty() {
        "/api"
    } else {
        "/apis"
    };
    let version = resource.api_version();
    let scope = match namespace {
        Some(namespace) => {
            allowed(call, Names::Label, namespace)?;
            format!("namespaces/{namespace}/")
        }
        None => String::new(),
    };
    let plural = resource.plural;
    Ok(format!("{root}/{version}/{scope}{plural}"))
}

/// Refuses a name that could lead to another path, whoever let it through.
fn allowed(call: &Call, names: Names, name: &str) -> Result<(), CallError> {
    if names.allow(name) {
        return Ok(());
    }
    let message = format!("\"{name}\" is not a name that Kubernetes allows");
    Err(call.error(CallErrorKind::Invalid, message))
}

/// A value in a selector: a comma in it would begin another selector.
fn selectable<'a>(call: &Call, value: &'a str) -> Result<&'a str, CallError> {
    allowed(call, Names::Subdomain, value)?;
    Ok(value)
}

fn get(call: &Call, path: &str) -> Result<Request, CallError> {
    http::Request::get(path)
        .body(Vec::new())
        .map_err(|error| call.error(CallErrorKind::Invalid, error.to_string()))
}

/// Writes the precondition into the body of a patch.
fn guard(call: &Call, body: &mut Value, precondition: Precondition<'_>) -> Result<(), CallError> {
    let Precondition {
        uid,
        resource_version,
    } = precondition;
    required(call, "resourceVersion", resource_version)?;
    set_metadata(body, "resourceVersion", resource_version.into());
    if let Some(uid) = uid {
        required(call, "uid", uid)?;
        set_metadata(body, "uid", uid.into());
    }
    Ok(())
}

/// The API takes an empty precondition for none at all and writes over whatever is there.
fn required(call: &Call, precondition: &str, value: &str) -> Result<(), CallError> {
    if value.is_empty() {
        return Err(call.error(
            CallErrorKind::Invalid,
            format!("refused to write without a {precondition} as precondition"),
        ));
    }
    Ok(())
}
