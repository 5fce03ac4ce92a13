//! What somebody asks the API server to do.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

/// A request as authorizers see it. The version of an API plays no part (`endpoints/request/requestinfo.go`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// `get`, `list`, `create`, `impersonate`, …
    pub verb: String,
    /// What it is about.
    #[serde(flatten)]
    pub on: On,
    /// The namespace; none for all of them at once, and for what belongs to the whole cluster. The namespace itself is in its
    /// own: `get namespaces/app` is asked in `app`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// What a request is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum On {
    /// Objects.
    Resource {
        /// API group, `""` for the core one.
        group: String,
        /// Plural, lower case.
        resource: String,
        /// `exec`, `log`, `scale`, …
        #[serde(skip_serializing_if = "Option::is_none")]
        subresource: Option<String>,
        /// The object's name; none for a creation, a listing, a watch and `deletecollection`.
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
    /// A path outside of `/api` and `/apis`.
    Url {
        /// The path.
        #[serde(rename = "nonResourceURL")]
        url: String,
    },
}

impl Request {
    /// A request for a resource, `pods/exec` among them, of a namespace or of the whole cluster.
    pub fn of(verb: &str, group: &str, resource: &str, namespace: Option<&str>) -> Self {
        let (resource, subresource) = match resource.split_once('/') {
            Some((resource, subresource)) => (resource, Some(subresource.to_owned())),
            None => (resource, None),
        };
        Self {
            verb: verb.to_owned(),
            on: On::Resource {
                group: group.to_owned(),
                resource: resource.to_owned(),
                subresource,
                name: None,
            },
            namespace: namespace.map(ToOwned::to_owned),
        }
    }

    /// The same for the object of this name.
    #[must_use]
    pub fn named(mut self, wanted: &str) -> Self {
        if let On::Resource { name, .. } = &mut self.on {
            *name = Some(wanted.to_owned());
        }
        self
    }

    /// Whether it is about this resource of this group, whatever its sub-resource.
    pub fn is_about(&self, wanted_group: &str, wanted: &str) -> bool {
        matches!(&self.on, On::Resource { group, resource, .. } if group == wanted_group && resource == wanted)
    }
}

impl Request {
    /// Without where: `delete pods`, `get deployments.apps/scale "web"`, `get /metrics`.
    pub fn what(&self) -> String {
        match &self.on {
            On::Url { url } => format!("{} {url}", self.verb),
            On::Resource {
                group,
                resource,
                subresource,
                name,
            } => {
                let mut text = format!("{} {resource}", self.verb);
                if !group.is_empty() {
                    text = format!("{text}.{group}");
                }
                if let Some(subresource) = subresource {
                    text = format!("{text}/{subresource}");
                }
                if let Some(name) = name {
                    text = format!("{text} \"{name}\"");
                }
                text
            }
        }
    }
}

/// `delete pods in namespace prod`, `get deployments.apps/scale "web" in namespace prod`, `get /metrics`.
impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what())?;
        match (&self.on, &self.namespace) {
            (On::Url { .. }, _) => Ok(()),
            (On::Resource { .. }, Some(namespace)) => write!(f, " in namespace {namespace}"),
            (On::Resource { .. }, None) => f.write_str(" in the whole cluster"),
        }
    }
}
