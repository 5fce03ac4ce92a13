//! What is asked in kubectl's words, `delete pods`, `get deployments.apps/web`, `get /metrics`, as the request that the API
//! server would decide.

use eksact_identity::rbac::{On, Request, find_resource, split_group};

/// The verbs that RBAC knows beside those of HTTP (`kubectl auth can-i` warns of others).
const VERBS: [&str; 16] = [
    "get",
    "list",
    "watch",
    "create",
    "update",
    "patch",
    "delete",
    "deletecollection",
    "use",
    "bind",
    "escalate",
    "impersonate",
    "approve",
    "sign",
    "attest",
    "*",
];
/// The verbs whose requests never have a name.
const WITHOUT_NAME: [&str; 4] = ["list", "watch", "create", "deletecollection"];

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// `get`, `create`, …
    pub verb: &'a str,
    /// `pods`, `deployments.apps/web`, `/metrics`.
    pub what: &'a str,
    /// `exec`, `log`, …
    pub subresource: Option<&'a str>,
    /// The namespace; none for every namespace at once.
    pub namespace: Option<&'a str>,
}

/// The request, and what is worth knowing of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// What the API server would decide.
    pub request: Request,
    /// What is worth knowing, each a sentence.
    pub notes: Vec<String>,
}

/// Why a question is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuestionError {
    /// What is asked about is unknown.
    #[error("Kubernetes has no resource `{0}` of its own")]
    Unknown(String),
    /// Nothing is asked about.
    #[error("{0} is empty")]
    Empty(&'static str),
    /// A path has no sub-resource.
    #[error("{0} is a path outside of the API's resources, and has no sub-resource")]
    UrlWithSubresource(String),
}

impl Question {
    /// Takes a question apart.
    ///
    /// # Errors
    /// When it is not one that the API server could decide.
    pub fn of(asked: Asked<'_>) -> Result<Self, QuestionError> {
        if asked.verb.is_empty() {
            return Err(QuestionError::Empty("the verb"));
        }
        if asked.namespace == Some("") {
            return Err(QuestionError::Empty("the namespace"));
        }
        let mut notes = Vec::new();
        if asked.what.starts_with('/') {
            if asked.subresource.is_some() {
                return Err(QuestionError::UrlWithSubresource(asked.what.to_owned()));
            }
            let request = Request {
                verb: asked.verb.to_lowercase(),
                on: On::Url {
                    url: asked.what.to_owned(),
                },
                namespace: None,
            };
            return Ok(Self { request, notes });
        }
        let (kind, name) = match asked.what.split_once('/') {
            Some((kind, name)) => (kind, Some(name)),
            None => (asked.what, None),
        };
        if kind.is_empty() {
            return Err(QuestionError::Empty("the resource"));
        }
        if name == Some("") {
            return Err(QuestionError::Empty("the name behind the slash"));
        }
        if !VERBS.contains(&asked.verb) && !asked.verb.starts_with("impersonate") {
            notes.push(format!(
                "`{}` is no verb of Kubernetes itself; it is looked for as it is written",
                asked.verb
            ));
        }
        let found = resource(kind, &mut notes)?;
        if let (Some(name), None) = (name, asked.subresource)
            && found.subresources.contains(&name)
        {
            notes.push(format!(
                "this is about an object that is named \"{name}\"; for the sub-resource: --subresource {name}"
            ));
        }
        if let Some(name) = name
            && WITHOUT_NAME.contains(&asked.verb)
            && asked.subresource.is_none()
            && asked.verb == "create"
        {
            notes.push(format!(
                "a new object has no name for the authorizer; `create` of \"{name}\" is asked by server-side apply of an absent one \
                 only"
            ));
        }
        let mut namespace = asked.namespace.filter(|_| found.namespaced != Some(false));
        // A namespace is in itself (`endpoints/request/requestinfo.go`).
        if (found.plural.as_str(), found.group.as_str()) == ("namespaces", "") {
            namespace = name;
        }
        let mut request = Request::of(asked.verb, &found.group, &found.plural, namespace);
        if let On::Resource {
            name: own,
            subresource,
            ..
        } = &mut request.on
        {
            *own = name.map(ToOwned::to_owned);
            *subresource = asked.subresource.map(ToOwned::to_owned);
        }
        Ok(Self { request, notes })
    }
}

/// A resource as far as it is known.
struct Found {
    plural: String,
    group: String,
    /// None where that is not known.
    namespaced: Option<bool>,
    subresources: &'static [&'static str],
}

/// Custom resources are taken by plural and group, as they are written.
fn resource(kind: &str, notes: &mut Vec<String>) -> Result<Found, QuestionError> {
    let custom = |plural: &str, group: &str, namespaced| Found {
        plural: plural.to_owned(),
        group: group.to_owned(),
        namespaced,
        subresources: &[],
    };
    if kind == "*" {
        return Ok(custom("*", "*", None));
    }
    if let Some(found) = find_resource(kind) {
        return Ok(Found {
            plural: found.plural.to_owned(),
            group: found.group.to_owned(),
            namespaced: Some(found.namespaced),
            subresources: &found.subresources,
        });
    }
    match split_group(kind) {
        Some((plural, group)) if !plural.is_empty() && group.contains('.') => {
            notes.push(format!(
                "{kind} is taken as it is written, as a custom resource in namespaces: which ones the cluster has is not read"
            ));
            Ok(custom(plural, group, None))
        }
        _ => Err(QuestionError::Unknown(kind.to_owned())),
    }
}
