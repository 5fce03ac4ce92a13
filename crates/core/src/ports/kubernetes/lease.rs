//! Leases: who works on something, and until when others wait for them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    metadata::{Metadata, set, wire},
    object::{Fields, Object, WireError},
    resource::{ApiResource, Names, ObjectKey, Resources},
};

/// A Lease of `coordination.k8s.io`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// `metadata.uid`, empty for one that shall be created.
    pub uid: String,
    /// `metadata.resourceVersion`, empty for one that shall be created.
    pub resource_version: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
    /// Who holds it.
    pub spec: LeaseSpec,
}

/// Who holds a lease. A field without a value is taken away by a merge patch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LeaseSpec {
    /// The holder; none where nobody holds it.
    #[serde(default)]
    pub holder_identity: Option<String>,
    /// How long after its renewal it ends by itself.
    #[serde(default)]
    pub lease_duration_seconds: Option<i32>,
    /// When its holder took it.
    #[serde(default)]
    pub acquire_time: Option<MicroTime>,
    /// When its holder last said that it still works.
    #[serde(default)]
    pub renew_time: Option<MicroTime>,
}

/// A time as the API takes and gives it in leases: always six digits of a second (`k8s.io/apimachinery`
/// `pkg/apis/meta/v1`, `MicroTime`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct MicroTime(pub Timestamp);

impl From<MicroTime> for String {
    fn from(time: MicroTime) -> Self {
        format!("{:.6}", time.0)
    }
}

impl TryFrom<String> for MicroTime {
    type Error = jiff::Error;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map(Self)
    }
}

impl Object for Lease {
    const RESOURCES: Resources = Resources::Namespaced(ApiResource {
        group: "coordination.k8s.io",
        version: "v1",
        kind: "Lease",
        plural: "leases",
        names: Names::Subdomain,
    });

    fn key(&self) -> ObjectKey<'_> {
        ObjectKey::namespaced(&self.namespace, &self.name)
    }

    fn to_wire(&self) -> Value {
        let stamps = (self.uid.as_str(), self.resource_version.as_str());
        let mut wire = wire(self, stamps, &self.labels, &self.annotations);
        set(&mut wire, "spec", json!(self.spec));
        wire
    }

    fn from_fields(fields: &mut Fields) -> Result<Self, WireError> {
        let metadata = Metadata::take(fields)?;
        Ok(Self {
            namespace: metadata.namespace.unwrap_or_default(),
            name: metadata.name,
            uid: metadata.uid,
            resource_version: metadata.resource_version,
            labels: metadata.labels,
            annotations: metadata.annotations,
            spec: fields.take("/spec")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_has_six_digits_of_a_second_whatever_they_are() {
        for (time, text) in [
            ("2026-11-29T15:38:02Z", "2026-11-29T15:38:02.000000Z"),
            ("2026-11-29T15:38:02.5Z", "2026-11-29T15:38:02.500000Z"),
            ("2026-11-29T15:38:02.123456789Z", "2026-11-29T15:38:02.123456Z"),
        ] {
            let time = MicroTime(time.parse().unwrap());
            assert_eq!(String::from(time), text);
        }
        assert!(MicroTime::try_from("soon".to_owned()).is_err());
    }
}
