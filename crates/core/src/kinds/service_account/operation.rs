//! The writes that service accounts need.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{engine::Deferred, ports::kubernetes::AccessReview};

/// One write.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "operation", rename_all = "kebab-case")]
pub(crate) enum Operation {
    /// Makes the object; one that appeared meanwhile is not taken over.
    Create {
        namespace: String,
        name: String,
        labels: BTreeMap<String, String>,
        annotations: BTreeMap<String, Deferred<String>>,
    },
    /// Sets labels and annotations of the object with this `uid`, and takes away those that only eksact had set.
    Apply {
        namespace: String,
        name: String,
        uid: String,
        resource_version: String,
        labels: BTreeMap<String, String>,
        annotations: BTreeMap<String, Deferred<String>>,
        /// What the labels and annotations above were when the plan was made, to tell a change of somebody else's.
        before_labels: BTreeMap<String, Option<String>>,
        before_annotations: BTreeMap<String, Option<String>>,
        remove_labels: Vec<String>,
        remove_annotations: Vec<String>,
    },
    /// Takes the annotation off the object with this `uid`, while it names this role, and leaves the rest.
    RemoveAnnotation {
        namespace: String,
        name: String,
        uid: String,
        resource_version: String,
        role_arn: String,
    },
    /// Deletes the object with this `uid`, while it is ours alone and names this role.
    Delete {
        namespace: String,
        name: String,
        uid: String,
        resource_version: String,
        role_arn: Option<String>,
        /// What it was labelled with when the plan was made.
        labels: BTreeMap<String, String>,
        /// The same of annotations.
        annotations: BTreeMap<String, String>,
    },
}

impl Operation {
    /// What the caller must be allowed.
    pub(super) fn access_reviews(&self) -> Vec<AccessReview> {
        let (verbs, namespace): (&[&str], &String) = match self {
            Self::Create { namespace, .. } => (&["create"], namespace),
            Self::Apply { namespace, .. } | Self::RemoveAnnotation { namespace, .. } => {
                (&["patch"], namespace)
            }
            Self::Delete { namespace, .. } => (&["delete"], namespace),
        };
        verbs
            .iter()
            .map(|verb| AccessReview {
                verb: (*verb).to_owned(),
                group: String::new(),
                resource: "serviceaccounts".to_owned(),
                namespace: Some(namespace.clone()),
            })
            .collect()
    }
}
