//! Simulated updates of clusters: one at a time, each for a while, in which the cluster is `UPDATING`; and that of the
//! authentication mode, at which EKS makes access entries of its own.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::access_entry::{CONFIG_MAP, authentication_mode};
use super::access_entry_rules::derived_groups;
use super::{reading, writing};
use crate::Sandbox;
use crate::bootstrap::creator_entry;
use crate::refusal::Refusal;
use crate::state::{SimulatedCluster, World, uuid_of};
use eksact_core::ports::CallError;
use eksact_core::ports::aws::{
    ACCESS_CONFIG_UPDATE, AccessEntry, AuthenticationMode, ClusterUpdate, ClusterUpdateError,
    ClusterUpdateReader, ClusterUpdateWriter, Role,
};
use eksact_identity::authn::access_entry::derived_username;

/// How many ids `ListUpdates` puts on a page.
const UPDATES_PER_PAGE: usize = 100;

/// An update, and what it leads to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UpdateRecord {
    /// What `DescribeUpdate` shows.
    pub update: ClusterUpdate,
    /// What it does.
    pub work: UpdateWork,
    /// When it ends.
    pub settles_at: Timestamp,
}

/// What an update does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum UpdateWork {
    /// Nothing that the sandbox knows: somebody else's.
    Other,
    /// Sets the authentication mode.
    AuthenticationMode {
        /// To this one.
        mode: AuthenticationMode,
    },
    /// Makes an identity provider `ACTIVE`.
    Associate {
        /// Its name.
        name: String,
    },
    /// Takes one away.
    Disassociate {
        /// Its name.
        name: String,
    },
}

/// What EKS makes of a cluster by itself at the switch from `CONFIG_MAP`, and how its updates go.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Updates {
    /// Every update so far, the oldest first.
    pub records: Vec<UpdateRecord>,
    /// The next update fails so.
    pub fails: Option<ClusterUpdateError>,
    /// Who made the cluster, where EKS made it an administrator: its access entry appears at the switch.
    pub creator: Option<String>,
    /// The roles of its managed node groups and Fargate profiles, each with the type of the access entry that appears at the
    /// switch.
    pub node_roles: BTreeMap<String, String>,
    /// How long after the switch these entries appear.
    pub own_entries_after_seconds: u32,
    /// When they do, where a switch was and they are not there yet.
    pub own_entries_due: Option<Timestamp>,
}

impl Updates {
    /// Whether there is nothing of it to keep.
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The update that runs.
    pub(super) fn running(&self) -> Option<&ClusterUpdate> {
        let updates = self.records.iter().map(|record| &record.update);
        updates.rev().find(|update| update.in_progress())
    }
}

#[async_trait]
impl ClusterUpdateReader for Sandbox {
    async fn cluster_updates(&self, cluster: &str) -> Result<Vec<String>, CallError> {
        let call = reading("eks", "ListUpdates", cluster);
        let ids: Vec<String> = self
            .call(call.clone(), |world, _| {
                let records = &world.simulated(cluster, &self.region)?.eks.updates.records;
                Ok(records.iter().map(|record| record.update.id.clone()).collect())
            })
            .await?;
        self.record_pages(&call, ids.len(), UPDATES_PER_PAGE);
        Ok(ids)
    }

    async fn cluster_update(&self, cluster: &str, id: &str) -> Result<ClusterUpdate, CallError> {
        self.call(reading("eks", "DescribeUpdate", id), |world, _| {
            let records = &world.simulated(cluster, &self.region)?.eks.updates.records;
            let record = records.iter().find(|record| record.update.id == id);
            record.map(|record| record.update.clone()).ok_or_else(|| {
                Refusal::new(
                    "ResourceNotFoundException",
                    format!("No update found for ID: {id}"),
                )
            })
        })
        .await
    }
}

#[async_trait]
impl ClusterUpdateWriter for Sandbox {
    async fn set_authentication_mode(
        &self,
        cluster: &str,
        mode: AuthenticationMode,
    ) -> Result<ClusterUpdate, CallError> {
        let call = writing("eks", "UpdateClusterConfig", cluster);
        self.call(call, |world, now| {
            let simulated = world.free(cluster, &self.region, ACCESS_CONFIG_UPDATE)?;
            let from = authentication_mode(simulated);
            let is_allowed = matches!(
                (from, mode),
                (CONFIG_MAP, AuthenticationMode::ApiAndConfigMap)
                    | ("API_AND_CONFIG_MAP", AuthenticationMode::Api)
            );
            if !is_allowed {
                return Err(Refusal::new(
                    "InvalidParameterException",
                    format!("Unsupported authentication mode update from {from} to {mode}"),
                ));
            }
            let parameters = BTreeMap::from([("AuthenticationMode".to_owned(), mode.as_str().to_owned())]);
            let work = UpdateWork::AuthenticationMode { mode };
            world.begin_update(cluster, &self.region, now, ACCESS_CONFIG_UPDATE, parameters, work)
        })
        .await
    }
}

impl World {
    /// A cluster on which no update runs; EKS does one at a time.
    pub(super) fn free(
        &mut self,
        name: &str,
        region: &str,
        update_type: &str,
    ) -> Result<&mut SimulatedCluster, Refusal> {
        let simulated = self.simulated_mut(name, region)?;
        let in_use = |message| Err(Refusal::new("ResourceInUseException", message));
        if let Some(running) = simulated.eks.updates.running() {
            return in_use(format!(
                "Cannot {update_type} because cluster {name} currently has update {} in progress",
                running.id
            ));
        }
        if simulated.cluster.status != "ACTIVE" {
            return in_use(format!(
                "Cannot {update_type} because cluster {name} is in status {}",
                simulated.cluster.status
            ));
        }
        Ok(simulated)
    }

    /// Begins an update of a cluster that is free for it.
    pub(super) fn begin_update(
        &mut self,
        name: &str,
        region: &str,
        now: Timestamp,
        update_type: &str,
        parameters: BTreeMap<String, String>,
        work: UpdateWork,
    ) -> Result<ClusterUpdate, Refusal> {
        let update = ClusterUpdate {
            id: self.next_uuid(),
            update_type: update_type.to_owned(),
            status: "InProgress".to_owned(),
            parameters,
            errors: Vec::new(),
        };
        let settles_at = later(now, self.update_seconds);
        let simulated = self.simulated_mut(name, region)?;
        "UPDATING".clone_into(&mut simulated.cluster.status);
        simulated.eks.updates.records.push(UpdateRecord {
            update: update.clone(),
            work,
            settles_at,
        });
        Ok(update)
    }

    /// When updates end and what follows from them happens.
    pub(super) fn updates_due(&self) -> impl Iterator<Item = Timestamp> {
        self.clusters.values().flat_map(|cluster| {
            let updates = &cluster.eks.updates;
            let in_progress = updates
                .records
                .iter()
                .filter(|record| record.update.in_progress());
            in_progress
                .map(|record| record.settles_at)
                .chain(updates.own_entries_due)
        })
    }

    /// Lets the updates end whose time has come.
    pub(super) fn settle_updates(&mut self, now: Timestamp) {
        for cluster in self.clusters.values_mut() {
            let records = cluster.eks.updates.records.iter();
            let due: Vec<usize> = records
                .enumerate()
                .filter(|(_, record)| record.update.in_progress() && record.settles_at <= now)
                .map(|(place, _)| place)
                .collect();
            for place in due {
                cluster.end_update(place);
            }
            if let Some(due) = cluster.eks.updates.own_entries_due.filter(|due| *due <= now) {
                cluster.make_own_entries(due, &self.roles);
            }
        }
    }
}

impl SimulatedCluster {
    fn end_update(&mut self, place: usize) {
        let fails = self.eks.updates.fails.take();
        let Some(record) = self.eks.updates.records.get_mut(place) else {
            return;
        };
        let work = record.work.clone();
        let at = record.settles_at;
        let succeeded = fails.is_none();
        let status = if succeeded { "Successful" } else { "Failed" };
        status.clone_into(&mut record.update.status);
        record.update.errors = fails.into_iter().collect();
        "ACTIVE".clone_into(&mut self.cluster.status);
        match work {
            UpdateWork::AuthenticationMode { mode } if succeeded => self.switch_to(mode, at),
            UpdateWork::AuthenticationMode { .. } | UpdateWork::Other => {}
            UpdateWork::Associate { name } => self.end_association(&name, succeeded),
            UpdateWork::Disassociate { name } => self.end_disassociation(&name, succeeded),
        }
    }

    fn switch_to(&mut self, mode: AuthenticationMode, at: Timestamp) {
        if authentication_mode(self) == CONFIG_MAP {
            let after = self.eks.updates.own_entries_after_seconds;
            self.eks.updates.own_entries_due = Some(later(at, after));
        }
        self.cluster.authentication_mode = Some(mode.as_str().to_owned());
    }

    /// What EKS puts there at the switch: the creator, where it made it an administrator, and the roles of managed node
    /// groups and Fargate profiles (<https://docs.aws.amazon.com/eks/latest/userguide/access-entries.html>). An entry that is
    /// there already stays.
    fn make_own_entries(&mut self, at: Timestamp, roles: &BTreeMap<String, Role>) {
        self.eks.updates.own_entries_due = None;
        let creator = self.eks.updates.creator.clone();
        let creator = creator.map(|creator| creator_entry(&self.cluster.arn, &creator));
        let nodes = self.eks.updates.node_roles.clone();
        let nodes = nodes.into_iter().map(|(role, kind)| node_entry(role, kind));
        for entry in creator.into_iter().chain(nodes) {
            let principal = entry.principal_arn.clone();
            if let Some(role) = roles.values().find(|role| role.arn == principal) {
                let ids = &mut self.eks.principal_ids;
                ids.entry(principal.clone()).or_insert_with(|| role.id.clone());
            }
            let head = self.cluster.arn.replacen(":cluster/", ":access-entry/", 1);
            let name = principal.rsplit('/').next().unwrap_or_default();
            let made = AccessEntry {
                arn: format!("{head}/{name}/{}", uuid_of(&format!("{head} {principal}"))),
                created_at: Some(at),
                modified_at: Some(at),
                ..entry
            };
            self.eks.access_entries.entry(principal).or_insert(made);
        }
    }
}

/// The entry of a role of nodes: EKS decides its name and groups.
fn node_entry(principal_arn: String, entry_type: String) -> AccessEntry {
    AccessEntry {
        username: derived_username(&entry_type, &principal_arn),
        groups: derived_groups(&entry_type),
        principal_arn,
        entry_type,
        ..AccessEntry::default()
    }
}

fn later(at: Timestamp, seconds: u32) -> Timestamp {
    at.saturating_add(SignedDuration::from_secs(i64::from(seconds)))
        .unwrap_or(Timestamp::MAX)
}
