//! The kinds of documents that a file may hold, and how to tell which one a document is. What stands in them is elsewhere.

use eksact_yaml::Node;

/// A kind of document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DocumentKind {
    /// eksctl's: one cluster and what belongs to it.
    #[default]
    ClusterConfig,
    /// eksact's own: who gets into the cluster and what they may do there, as far as eksctl's has no word for it.
    ClusterAccess,
}

/// The part of `apiVersion` before the slash that is eksact's own.
const OWN_GROUP: &str = "eksact.dev/";
/// eksctl's.
const EKSCTL_GROUP: &str = "eksctl.io/";

impl DocumentKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::ClusterConfig, Self::ClusterAccess];

    /// The word behind `kind:`, and the name of the type at the root.
    pub fn name(self) -> &'static str {
        match self {
            Self::ClusterConfig => "ClusterConfig",
            Self::ClusterAccess => "ClusterAccess",
        }
    }

    /// The version of the format that is read.
    pub fn api_version(self) -> &'static str {
        match self {
            Self::ClusterConfig => "eksctl.io/v1alpha5",
            Self::ClusterAccess => "eksact.dev/v1alpha1",
        }
    }

    /// The kind that a document means to be, by its `kind` or its `apiVersion`; one of the two may be misspelt.
    pub(super) fn of(root: &Node) -> Option<Self> {
        let text = |key: &str| root.get(key).and_then(Node::text).unwrap_or_default();
        let (kind, version) = (text("kind"), text("apiVersion"));
        if version.starts_with(OWN_GROUP) || kind.eq_ignore_ascii_case(Self::ClusterAccess.name()) {
            Some(Self::ClusterAccess)
        } else if version.starts_with(EKSCTL_GROUP) || kind.eq_ignore_ascii_case(Self::ClusterConfig.name()) {
            Some(Self::ClusterConfig)
        } else {
            None
        }
    }
}
