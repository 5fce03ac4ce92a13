//! Simulated access entries of EKS. What they are worth to a cluster is in `authenticator`, what EKS refuses in
//! `access_entry_rules`.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use super::access_entry_rules::{
    Principal, check_associated, check_groups, check_new, check_policy, check_username, derived_groups,
    offered,
};
use super::{EksObjects, reading, writing};
use crate::Sandbox;
use crate::refusal::Refusal;
use crate::state::{SimulatedCluster, World};
use eksact_core::ports::aws::{
    AccessEntry, AccessEntryReader, AccessEntryWriter, AccessPolicy, NewAccessEntry, OfferedAccessPolicy,
};
use eksact_core::ports::{CallError, CallErrorKind, found};
use eksact_identity::authn::access_entry::{derived_username, takes_policies};

/// How many access entries `ListAccessEntries` puts on a page.
const ENTRIES_PER_PAGE: usize = 100;
/// How many access entries a cluster may have.
const MOST_ENTRIES: usize = 3000;
/// The authentication mode without access entries.
pub(crate) const CONFIG_MAP: &str = "CONFIG_MAP";

#[async_trait]
impl AccessEntryReader for Sandbox {
    async fn access_entries(&self, cluster: &str) -> Result<Vec<AccessEntry>, CallError> {
        let call = reading("eks", "ListAccessEntries", cluster);
        let principals = self
            .listed(
                call,
                ENTRIES_PER_PAGE,
                |name: &String| name,
                |world, _| {
                    let simulated = world.with_entries(cluster, &self.region)?;
                    Ok(simulated.eks.access_entries.keys().cloned().collect())
                },
            )
            .await?;
        let mut entries = Vec::new();
        for principal in &principals {
            // One that went meanwhile is none.
            entries.extend(self.access_entry(cluster, principal).await?);
        }
        Ok(entries)
    }

    async fn access_entry(
        &self,
        cluster: &str,
        principal_arn: &str,
    ) -> Result<Option<AccessEntry>, CallError> {
        let call = reading("eks", "DescribeAccessEntry", principal_arn);
        let answer = self.call(call, |world, _| {
            let objects = world.entries_mut(cluster, &self.region)?;
            objects.entry(principal_arn).map(|entry| entry.clone())
        });
        let Some(entry) = found(answer.await)? else {
            return Ok(None);
        };
        if takes_policies(&entry.entry_type) {
            self.further("eks", &["ListAssociatedAccessPolicies"], principal_arn)
                .await?;
        }
        Ok(Some(entry))
    }

    async fn offered_access_policies(&self) -> Result<Vec<OfferedAccessPolicy>, CallError> {
        self.call(reading("eks", "ListAccessPolicies", ""), |world, _| {
            Ok(offered(&world.partition))
        })
        .await
    }
}

#[async_trait]
impl AccessEntryWriter for Sandbox {
    async fn create_access_entry(&self, cluster: &str, entry: &NewAccessEntry) -> Result<(), CallError> {
        let call = writing("eks", "CreateAccessEntry", &entry.principal_arn);
        self.call(call, |world, now| {
            world.create_access_entry(cluster, &self.region, entry, now)
        })
        .await
    }

    async fn update_access_entry(
        &self,
        cluster: &str,
        principal_arn: &str,
        username: Option<&str>,
        groups: &[String],
    ) -> Result<(), CallError> {
        let call = writing("eks", "UpdateAccessEntry", principal_arn);
        self.call(call, |world, now| {
            world.change_entry(cluster, &self.region, principal_arn, now, |entry, _| {
                set_user(entry, username, groups)
            })
        })
        .await
    }

    async fn delete_access_entry(&self, cluster: &str, principal_arn: &str) -> Result<(), CallError> {
        let call = writing("eks", "DeleteAccessEntry", principal_arn);
        self.call(call, |world, _| {
            world.delete_access_entry(cluster, &self.region, principal_arn)
        })
        .await
    }

    async fn associate_access_policy(
        &self,
        cluster: &str,
        principal_arn: &str,
        policy: &AccessPolicy,
    ) -> Result<(), CallError> {
        let call = writing("eks", "AssociateAccessPolicy", principal_arn);
        self.call(call, |world, now| {
            world.change_entry(cluster, &self.region, principal_arn, now, |entry, seen| {
                if seen.is_too_new(entry.created_at) {
                    return Err(no_such_entry());
                }
                associate(entry, policy)
            })
        })
        .await
    }

    async fn disassociate_access_policy(
        &self,
        cluster: &str,
        principal_arn: &str,
        policy_arn: &str,
    ) -> Result<(), CallError> {
        let call = writing("eks", "DisassociateAccessPolicy", principal_arn);
        self.call(call, |world, now| {
            world.change_entry(cluster, &self.region, principal_arn, now, |entry, _| {
                disassociate(entry, policy_arn)
            })
        })
        .await
    }
}

/// The user name and the groups of an entry. What a call omits EKS derives anew.
pub(super) fn set_user(
    entry: &mut AccessEntry,
    username: Option<&str>,
    groups: &[String],
) -> Result<(), Refusal> {
    check_username(&entry.entry_type, username)?;
    check_groups(&entry.entry_type, groups)?;
    entry.username = match username {
        Some(username) => username.to_owned(),
        None => derived_username(&entry.entry_type, &entry.principal_arn),
    };
    entry.groups = if groups.is_empty() {
        derived_groups(&entry.entry_type)
    } else {
        groups.to_vec()
    };
    Ok(())
}

/// Associates a policy, or gives it another scope.
pub(super) fn associate(entry: &mut AccessEntry, policy: &AccessPolicy) -> Result<(), Refusal> {
    // The partition of the account is that of all its roles.
    let partition = entry.principal_arn.split(':').nth(1).unwrap_or("aws");
    check_policy(&entry.entry_type, policy, partition)?;
    entry.policies.retain(|other| other.arn != policy.arn);
    check_associated(entry.policies.len())?;
    entry.policies.push(policy.clone());
    Ok(())
}

/// Takes a policy away.
pub(super) fn disassociate(entry: &mut AccessEntry, policy_arn: &str) -> Result<(), Refusal> {
    let before = entry.policies.len();
    entry.policies.retain(|policy| policy.arn != policy_arn);
    if entry.policies.len() == before {
        return Err(Refusal::new(
            "ResourceNotFoundException",
            "The specified policyArn could not be found.",
        ));
    }
    Ok(())
}

impl EksObjects {
    fn entry(&mut self, principal_arn: &str) -> Result<&mut AccessEntry, Refusal> {
        self.access_entries
            .get_mut(principal_arn)
            .ok_or_else(no_such_entry)
    }
}

fn invalid_principal() -> Refusal {
    Refusal::new(
        "InvalidParameterException",
        "The specified principalArn is invalid: invalid principal",
    )
}

fn no_such_entry() -> Refusal {
    Refusal::new(
        "ResourceNotFoundException",
        "The specified principalArn could not be found",
    )
}

/// From when on EKS sees what was made.
#[derive(Clone, Copy)]
pub(super) struct Lag {
    since: Timestamp,
}

impl Lag {
    fn is_too_new(self, made: Option<Timestamp>) -> bool {
        made.is_some_and(|made| made > self.since)
    }
}

impl World {
    fn eks_lag(&self, now: Timestamp) -> Lag {
        let lag = SignedDuration::from_millis(i64::from(self.eks_lag_milliseconds));
        Lag { since: now - lag }
    }

    /// The cluster, where its mode has access entries.
    fn with_entries(&self, cluster: &str, region: &str) -> Result<&SimulatedCluster, Refusal> {
        let simulated = self.simulated(cluster, region)?;
        if authentication_mode(simulated) == CONFIG_MAP {
            return Err(Refusal::new(
                "InvalidRequestException",
                "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this operation.",
            ));
        }
        Ok(simulated)
    }

    /// What EKS keeps of the cluster, where its mode has access entries.
    pub(super) fn entries_mut(&mut self, cluster: &str, region: &str) -> Result<&mut EksObjects, Refusal> {
        self.with_entries(cluster, region)?;
        Ok(&mut self.simulated_mut(cluster, region)?.eks)
    }

    /// Changes an entry that is there and that is not a service's.
    pub(super) fn change_entry(
        &mut self,
        cluster: &str,
        region: &str,
        principal_arn: &str,
        now: Timestamp,
        change: impl FnOnce(&mut AccessEntry, Lag) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        Principal::of(principal_arn)?.check_not_service_linked()?;
        let lag = self.eks_lag(now);
        let entry = self.entries_mut(cluster, region)?.entry(principal_arn)?;
        change(entry, lag)?;
        entry.modified_at = Some(now);
        Ok(())
    }

    /// EKS `DeleteAccessEntry`.
    pub(super) fn delete_access_entry(
        &mut self,
        cluster: &str,
        region: &str,
        principal_arn: &str,
    ) -> Result<(), Refusal> {
        Principal::of(principal_arn)?.check_not_service_linked()?;
        let objects = self.entries_mut(cluster, region)?;
        objects.entry(principal_arn)?;
        objects.access_entries.remove(principal_arn);
        objects.principal_ids.remove(principal_arn);
        Ok(())
    }

    /// EKS `CreateAccessEntry`.
    pub(super) fn create_access_entry(
        &mut self,
        cluster: &str,
        region: &str,
        new: &NewAccessEntry,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let account = self.account.clone();
        let head = self
            .with_entries(cluster, region)?
            .cluster
            .arn
            .replacen(":cluster/", ":access-entry/", 1);
        let principal = Principal::of(&new.principal_arn)?;
        check_new(new, &principal, &account)?;
        let role_id = self.principal_id(&principal, &new.principal_arn, now)?;
        let id = self.next_uuid();
        let objects = self.entries_mut(cluster, region)?;
        if objects.access_entries.contains_key(&new.principal_arn) {
            return Err(Refusal::new(
                "ResourceInUseException",
                "The specified access entry resource is already in use on this cluster.",
            )
            .of_kind(CallErrorKind::AlreadyExists));
        }
        if objects.access_entries.len() >= MOST_ENTRIES {
            return Err(Refusal::new(
                "ResourceLimitExceededException",
                format!("The maximum number of access entries of a cluster, {MOST_ENTRIES}, is reached."),
            ));
        }
        let arn = format!(
            "{head}/{}/{}/{}/{id}",
            principal.kind, principal.account, principal.name
        );
        let entry_type = new.entry_type.clone();
        let entry = AccessEntry {
            username: new
                .username
                .clone()
                .unwrap_or_else(|| derived_username(&entry_type, &new.principal_arn)),
            groups: if new.groups.is_empty() {
                derived_groups(&entry_type)
            } else {
                new.groups.clone()
            },
            principal_arn: new.principal_arn.clone(),
            entry_type,
            policies: Vec::new(),
            arn,
            created_at: Some(now),
            modified_at: Some(now),
            tags: new.tags.clone(),
        };
        objects.access_entries.insert(new.principal_arn.clone(), entry);
        if let Some(role_id) = role_id {
            objects.principal_ids.insert(new.principal_arn.clone(), role_id);
        }
        Ok(())
    }

    /// The unique id of a role of the account. Nothing is known of roles of others and of users: they exist.
    fn principal_id(
        &self,
        principal: &Principal,
        arn: &str,
        now: Timestamp,
    ) -> Result<Option<String>, Refusal> {
        if principal.account != self.account {
            return Ok(None);
        }
        if principal.kind != "role" {
            return match self.user_named(&principal.name) {
                Some(user) if user != arn => Err(invalid_principal()),
                _ => Ok(None),
            };
        }
        match self.roles.get(&principal.name) {
            Some(role)
                if role.arn == arn
                    && !self
                        .eks_lag(now)
                        .is_too_new(self.role_dates.get(&role.id).copied()) =>
            {
                Ok(Some(role.id.clone()))
            }
            None if self.any_principal => Ok(None),
            // The same words for a wrong path, and for a role that was just made.
            _ => Err(invalid_principal()),
        }
    }

    /// Whether the role of an entry was made again since.
    pub(crate) fn is_stale(&self, objects: &EksObjects, principal_arn: &str) -> bool {
        let Some(id) = objects.principal_ids.get(principal_arn) else {
            return false;
        };
        !self.roles.values().any(|role| role.id == *id)
    }
}

/// A cluster that tells no mode is from before there were access entries.
pub(crate) fn authentication_mode(cluster: &SimulatedCluster) -> &str {
    let mode = cluster.cluster.authentication_mode.as_deref();
    mode.unwrap_or(CONFIG_MAP)
}
