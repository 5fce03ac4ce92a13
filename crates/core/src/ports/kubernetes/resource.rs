//! Where the API keeps objects of a kind, and how one of them is named.

use std::fmt;

/// The API group of roles and bindings.
pub(super) const RBAC: &str = "rbac.authorization.k8s.io";

/// Which names the API allows for objects of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// A label of RFC 1123.
    Label,
    /// A subdomain of RFC 1123.
    Subdomain,
    /// Whatever can be one segment of a path (`k8s.io/apimachinery` `pkg/api/validation/path`, `IsValidPathSegmentName`).
    PathSegment,
}

impl Names {
    /// Whether a name can stand in a path without leading to another one. The server knows the whole rule.
    pub fn allow(self, name: &str) -> bool {
        match self {
            Self::Label | Self::Subdomain => {
                let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
                !name.is_empty() && name.bytes().all(legal) && !name.starts_with('.')
            }
            Self::PathSegment => !["", ".", ".."].contains(&name) && !name.contains(['/', '%']),
        }
    }
}

/// A resource of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiResource {
    /// API group, empty for the core group.
    pub group: &'static str,
    /// `v1`.
    pub version: &'static str,
    /// `ServiceAccount`.
    pub kind: &'static str,
    /// `serviceaccounts`.
    pub plural: &'static str,
    /// Names of its objects.
    pub names: Names,
}

impl ApiResource {
    /// A resource of the core group.
    pub(super) const fn core(kind: &'static str, plural: &'static str, names: Names) -> Self {
        Self {
            group: "",
            version: "v1",
            kind,
            plural,
            names,
        }
    }

    /// A resource of RBAC.
    pub(super) const fn rbac(kind: &'static str, plural: &'static str) -> Self {
        Self {
            group: RBAC,
            version: "v1",
            kind,
            plural,
            names: Names::PathSegment,
        }
    }

    /// `v1`, `rbac.authorization.k8s.io/v1`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }
}

/// The resources that a type stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resources {
    /// Its objects live in namespaces.
    Namespaced(ApiResource),
    /// Its objects belong to the whole cluster.
    Cluster(ApiResource),
    /// Two resources of the same form: of namespaces, and of the whole cluster.
    Both {
        /// Of namespaces.
        namespaced: ApiResource,
        /// Of the whole cluster.
        cluster: ApiResource,
    },
}

impl Resources {
    /// The resource of an object in this namespace, or of one without.
    pub fn of(self, namespace: Option<&str>) -> ApiResource {
        match self {
            Self::Namespaced(resource) | Self::Cluster(resource) => resource,
            Self::Both { namespaced, cluster } => match namespace {
                Some(_) => namespaced,
                None => cluster,
            },
        }
    }

    /// The kinds of its objects: of namespaces, and of the whole cluster.
    pub(super) fn kinds(self) -> [&'static str; 2] {
        match self {
            Self::Namespaced(resource) | Self::Cluster(resource) => [resource.kind; 2],
            Self::Both { namespaced, cluster } => [namespaced.kind, cluster.kind],
        }
    }

    /// The resources that hold every object of a namespace, or of the cluster and all its namespaces.
    pub fn listed(self, namespace: Option<&str>) -> Vec<ApiResource> {
        match (self, namespace) {
            (Self::Both { namespaced, cluster }, None) => vec![cluster, namespaced],
            _ => vec![self.of(namespace)],
        }
    }
}

/// Which object of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectKey<'a> {
    /// None for what belongs to the whole cluster.
    pub namespace: Option<&'a str>,
    /// Name.
    pub name: &'a str,
}

impl<'a> ObjectKey<'a> {
    /// An object in this namespace, or one of the whole cluster.
    pub fn new(namespace: Option<&'a str>, name: &'a str) -> Self {
        Self { namespace, name }
    }

    /// An object in a namespace.
    pub fn namespaced(namespace: &'a str, name: &'a str) -> Self {
        Self::new(Some(namespace), name)
    }

    /// An object of the whole cluster.
    pub fn cluster(name: &'a str) -> Self {
        Self::new(None, name)
    }
}

/// `app/s3-reader`, or the name alone.
impl fmt::Display for ObjectKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.namespace {
            Some(namespace) => write!(f, "{namespace}/{}", self.name),
            None => f.write_str(self.name),
        }
    }
}
