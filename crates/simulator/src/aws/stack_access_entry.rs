//! `AWS::EKS::AccessEntry`, the one resource of the stack that eksctl makes for an access entry.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::access_entry::{associate, disassociate, set_user};
use crate::refusal::Refusal;
use crate::state::World;
use eksact_core::ports::aws::{AccessEntry, AccessPolicy, NewAccessEntry};

/// The type of the resource.
pub(super) const ACCESS_ENTRY: &str = "AWS::EKS::AccessEntry";
/// The properties that it must have.
pub(super) const REQUIRED: &[&str] = &["ClusterName", "PrincipalArn"];
/// Those that it may have.
pub(super) const OPTIONAL: &[&str] = &["AccessPolicies", "KubernetesGroups", "Tags", "Type", "Username"];

/// Where and when a resource is made or changed.
#[derive(Clone, Copy)]
pub(super) struct When<'a> {
    pub(super) region: &'a str,
    pub(super) now: Timestamp,
}

/// Where an entry is.
#[derive(Debug)]
pub(super) struct Place {
    cluster: String,
    region: String,
    principal: String,
}

fn text<'a>(properties: &'a Value, key: &str) -> &'a str {
    properties.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn texts(value: Option<&Value>) -> Vec<String> {
    let values = value.and_then(Value::as_array).into_iter().flatten();
    values.filter_map(Value::as_str).map(ToOwned::to_owned).collect()
}

fn policies(properties: &Value) -> Vec<AccessPolicy> {
    let policies = properties.get("AccessPolicies").and_then(Value::as_array);
    policies
        .into_iter()
        .flatten()
        .map(|policy| AccessPolicy {
            arn: text(policy, "PolicyArn").to_owned(),
            namespaces: (policy.pointer("/AccessScope/Type").and_then(Value::as_str) == Some("namespace"))
                .then(|| texts(policy.pointer("/AccessScope/Namespaces"))),
        })
        .collect()
}

impl World {
    /// The entry of a resource as it is now.
    pub(super) fn entry_of(&mut self, properties: &Value, region: &str) -> (Place, Option<AccessEntry>) {
        let place = Place {
            cluster: text(properties, "ClusterName").to_owned(),
            region: region.to_owned(),
            principal: text(properties, "PrincipalArn").to_owned(),
        };
        let objects = self.entries_mut(&place.cluster, region).ok();
        let entry = objects.and_then(|objects| objects.access_entries.get(&place.principal).cloned());
        (place, entry)
    }

    /// Takes back what was done to an entry.
    pub(super) fn put_entry_back(&mut self, place: &Place, entry: Option<AccessEntry>) {
        let Ok(objects) = self.entries_mut(&place.cluster, &place.region) else {
            return;
        };
        match entry {
            Some(entry) => drop(objects.access_entries.insert(place.principal.clone(), entry)),
            None => {
                objects.access_entries.remove(&place.principal);
                objects.principal_ids.remove(&place.principal);
            }
        }
    }

    /// Makes the entry; its physical id is `PRINCIPAL|CLUSTER`.
    pub(super) fn create_entry_resource(
        &mut self,
        properties: &Value,
        tags: BTreeMap<String, String>,
        when: When<'_>,
    ) -> Result<String, Refusal> {
        let (cluster, principal) = (text(properties, "ClusterName"), text(properties, "PrincipalArn"));
        let entry_type = properties.get("Type").and_then(Value::as_str);
        let entry = NewAccessEntry {
            principal_arn: principal.to_owned(),
            entry_type: entry_type.unwrap_or("STANDARD").to_owned(),
            username: properties
                .get("Username")
                .and_then(Value::as_str)
                .map(ToOwned::to_owned),
            groups: texts(properties.get("KubernetesGroups")),
            tags,
        };
        self.authorize("eks:CreateAccessEntry", principal)?;
        self.create_access_entry(cluster, when.region, &entry, when.now)?;
        let given = policies(properties).iter().try_for_each(|policy| {
            self.change_entry(cluster, when.region, principal, when.now, |entry, _| {
                associate(entry, policy)
            })
        });
        if let Err(refusal) = given {
            self.delete_access_entry(cluster, when.region, principal)?;
            return Err(refusal);
        }
        Ok(format!("{principal}|{cluster}"))
    }

    /// Brings the entry to what differs between two templates.
    pub(super) fn update_entry_resource(
        &mut self,
        before: &Value,
        after: &Value,
        when: When<'_>,
    ) -> Result<(), Refusal> {
        let (cluster, principal) = (text(after, "ClusterName"), text(after, "PrincipalArn"));
        self.authorize("eks:UpdateAccessEntry", principal)?;
        let (old, new) = (policies(before), policies(after));
        let username = after.get("Username").and_then(Value::as_str);
        let groups = texts(after.get("KubernetesGroups"));
        self.change_entry(cluster, when.region, principal, when.now, |entry, _| {
            set_user(entry, username, &groups)?;
            new.iter()
                .filter(|policy| !old.contains(policy))
                .try_for_each(|policy| associate(entry, policy))?;
            for policy in &old {
                let is_gone = !new.iter().any(|other| other.arn == policy.arn);
                if is_gone && entry.policies.iter().any(|other| other.arn == policy.arn) {
                    disassociate(entry, &policy.arn)?;
                }
            }
            Ok(())
        })
    }

    /// Deletes the entry; one that is gone is no failure.
    pub(super) fn delete_entry_resource(&mut self, properties: &Value, region: &str) -> Result<(), Refusal> {
        let (cluster, principal) = (text(properties, "ClusterName"), text(properties, "PrincipalArn"));
        self.authorize("eks:DeleteAccessEntry", principal)?;
        match self.delete_access_entry(cluster, region, principal) {
            Err(refusal) if refusal.code == "ResourceNotFoundException" => Ok(()),
            other => other,
        }
    }
}
