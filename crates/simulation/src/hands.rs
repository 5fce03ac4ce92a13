//! What people do by hand, with a console or with kubectl, to what eksact made and beside it.

use std::collections::BTreeMap;

use eksact_core::ports::{
    aws::{AccessEntry, AccessPolicy},
    kubernetes::{ConfigMap, ServiceAccount},
};
use eksact_simulator::{SimulatedCluster, World};
use proptest::prelude::*;

use crate::{
    file::POLICIES,
    people::{EVERYBODY, GROUPS, assumable, mapped, name_of, principal},
    roles,
    service_accounts::{self, Edit, nth},
    world::{cluster, cluster_of},
};

/// The ConfigMap of the mappings, and how the names of its backups begin.
pub const CONFIG_MAP: &str = "kube-system/aws-auth";

/// One thing that is done by hand; numbers choose among what it may be done to.
#[derive(Clone, Debug)]
pub enum Hand {
    /// To service accounts, their roles and stacks.
    Account(Edit),
    /// To roles that people assume, and to policies.
    Role(roles::Edit),
    /// A line of aws-auth is added for a principal.
    LineAdded(usize, usize),
    /// The lines of a principal go.
    LineGone(usize),
    /// A comment is added to aws-auth.
    Comment,
    /// An access entry is made.
    EntryAdded(usize, usize),
    /// An access entry goes.
    EntryGone(usize),
    /// The groups of an access entry are set.
    EntryGroups(usize, usize),
    /// A policy of an access entry is added, or taken away.
    EntryPolicy(usize, usize),
    /// A binding goes.
    BindingGone(usize),
    /// A binding gets another subject.
    BindingSubject(usize),
    /// A role of the cluster loses a rule.
    RoleRules(usize),
    /// An association gets another role.
    AssociationRole(usize),
    /// An association goes.
    AssociationGone(usize),
    /// The shared role's trust policy gets another statement, or loses its last one.
    Trust(bool),
}

/// Random hands.
pub fn hands() -> impl Strategy<Value = Hand> {
    let which = 0usize..9;
    prop_oneof![
        5 => service_accounts::edit().prop_map(Hand::Account),
        3 => roles::edit().prop_map(Hand::Role),
        1 => (0..EVERYBODY, 0..GROUPS.len()).prop_map(|(who, group)| Hand::LineAdded(who, group)),
        1 => (0..EVERYBODY).prop_map(Hand::LineGone),
        1 => Just(Hand::Comment),
        1 => (0..EVERYBODY, 0..GROUPS.len()).prop_map(|(who, group)| Hand::EntryAdded(who, group)),
        1 => (0..EVERYBODY).prop_map(Hand::EntryGone),
        1 => (0..EVERYBODY, 0..GROUPS.len()).prop_map(|(who, group)| Hand::EntryGroups(who, group)),
        1 => (0..EVERYBODY, 0..POLICIES.len()).prop_map(|(who, policy)| Hand::EntryPolicy(who, policy)),
        1 => which.clone().prop_map(Hand::BindingGone),
        1 => which.clone().prop_map(Hand::BindingSubject),
        1 => which.clone().prop_map(Hand::RoleRules),
        1 => which.clone().prop_map(Hand::AssociationRole),
        1 => which.prop_map(Hand::AssociationGone),
        1 => any::<bool>().prop_map(Hand::Trust),
    ]
}

/// Changes the text of aws-auth as kubectl would: under a new version.
pub fn edit_aws_auth(world: &mut World, edit: impl FnOnce(&mut ConfigMap)) {
    let cluster = cluster(world);
    cluster.revision += 1;
    let version = cluster.revision.to_string();
    if let Some(config_map) = cluster.config_maps.get_mut(CONFIG_MAP) {
        config_map.resource_version = version;
        edit(config_map);
    }
}

fn section(arn: &str) -> (&'static str, &'static str) {
    if arn.contains(":role/") {
        ("mapRoles", "rolearn")
    } else {
        ("mapUsers", "userarn")
    }
}

/// A line of aws-auth for a principal, as people write them.
pub fn line(who: usize, group: usize) -> (&'static str, String) {
    let arn = mapped(&principal(who));
    let (section, key) = section(&arn);
    let name = name_of(&arn);
    let group = GROUPS[group % GROUPS.len()];
    (
        section,
        format!("- {key}: {arn}   # by hand\n  username: {name}\n  groups: [{group}]\n"),
    )
}

/// The entry that somebody with a console makes.
pub fn entry(who: usize, group: usize) -> AccessEntry {
    let arn = principal(who);
    AccessEntry {
        username: name_of(&arn).to_owned(),
        principal_arn: arn,
        groups: vec![GROUPS[group % GROUPS.len()].to_owned()],
        entry_type: "STANDARD".to_owned(),
        ..AccessEntry::default()
    }
}

fn ours<'a, T>(objects: impl Iterator<Item = (&'a String, T)>, which: usize) -> Option<String> {
    let keys = objects.map(|(key, _)| key).filter(|key| key.contains("eksact:"));
    nth(keys, which).cloned()
}

fn next_version(cluster: &mut SimulatedCluster) -> String {
    cluster.revision += 1;
    cluster.revision.to_string()
}

/// Every service account that was edited has a new version, as the server gives it one.
fn new_versions(world: &mut World, before: &BTreeMap<String, ServiceAccount>) {
    let cluster = cluster(world);
    for (key, account) in &mut cluster.service_accounts {
        if before.get(key) != Some(account) {
            cluster.revision += 1;
            account.resource_version = cluster.revision.to_string();
        }
    }
}

impl Hand {
    /// Does it, where there is anything to do it to; says whether there was.
    pub fn apply(&self, world: &mut World) -> bool {
        self.try_apply(world).is_some()
    }

    fn try_apply(&self, world: &mut World) -> Option<()> {
        match self {
            Self::Account(edit) => {
                let before = cluster_of(world).service_accounts.clone();
                edit.apply(world)?;
                new_versions(world, &before);
            }
            Self::Role(edit) => edit.apply(world)?,
            Self::LineAdded(who, group) => {
                let (section, line) = line(*who, *group);
                edit_aws_auth(world, |config_map| {
                    let text = config_map.data.entry(section.to_owned()).or_default();
                    if !text.is_empty() && !text.ends_with('\n') {
                        text.push('\n');
                    }
                    text.push_str(&line);
                });
            }
            Self::LineGone(who) => {
                let arn = mapped(&principal(*who));
                let (section, _) = section(&arn);
                let has = cluster_of(world)
                    .config_maps
                    .get(CONFIG_MAP)?
                    .data
                    .get(section)?
                    .contains(&arn);
                if !has {
                    return None;
                }
                edit_aws_auth(world, |config_map| {
                    let text = config_map.data.entry(section.to_owned()).or_default();
                    *text = without_entries_of(text, &arn);
                });
            }
            Self::Comment => edit_aws_auth(world, |config_map| {
                let text = config_map.data.entry("mapRoles".to_owned()).or_default();
                *text = format!("# looked at\n{text}");
            }),
            Self::EntryAdded(who, group) => {
                let entry = entry(*who, *group);
                // EKS refuses entries in this mode.
                if cluster(world).cluster.authentication_mode.as_deref() == Some("CONFIG_MAP") {
                    return None;
                }
                let role = world
                    .roles
                    .get(name_of(&entry.principal_arn))
                    .map(|role| role.id.clone());
                // Nor does it make one for a role that is not there.
                if assumable(*who).is_some() && role.is_none() {
                    return None;
                }
                let eks = &mut cluster(world).eks;
                if eks.access_entries.contains_key(&entry.principal_arn) {
                    return None;
                }
                if let Some(id) = role {
                    eks.principal_ids.insert(entry.principal_arn.clone(), id);
                }
                eks.access_entries.insert(entry.principal_arn.clone(), entry);
            }
            Self::EntryGone(who) => {
                let eks = &mut cluster(world).eks;
                eks.access_entries.remove(&principal(*who))?;
                eks.principal_ids.remove(&principal(*who));
            }
            Self::EntryGroups(who, group) => {
                let entries = &mut cluster(world).eks.access_entries;
                let entry = entries.get_mut(&principal(*who))?;
                entry.groups = vec![GROUPS[group % GROUPS.len()].to_owned()];
            }
            Self::EntryPolicy(who, policy) => {
                let entries = &mut cluster(world).eks.access_entries;
                let policies = &mut entries.get_mut(&principal(*who))?.policies;
                let name = POLICIES[policy % POLICIES.len()];
                let arn = format!("arn:aws:eks::aws:cluster-access-policy/{name}");
                let count = policies.len();
                policies.retain(|policy| policy.arn != arn);
                if policies.len() == count {
                    policies.push(AccessPolicy {
                        arn,
                        namespaces: None,
                    });
                }
            }
            Self::BindingGone(which) => {
                let bindings = &mut cluster(world).rbac_bindings;
                let key = ours(bindings.iter(), *which)?;
                bindings.remove(&key);
            }
            Self::BindingSubject(which) => {
                let cluster = cluster(world);
                let key = ours(cluster.rbac_bindings.iter(), *which)?;
                let version = next_version(cluster);
                let binding = cluster.rbac_bindings.get_mut(&key)?;
                binding.resource_version = version;
                "by-hand".clone_into(&mut binding.subjects.first_mut()?.name);
            }
            Self::RoleRules(which) => {
                let cluster = cluster(world);
                let key = ours(cluster.rbac_roles.iter(), *which)?;
                let version = next_version(cluster);
                let role = cluster.rbac_roles.get_mut(&key)?;
                role.resource_version = version;
                role.rules.clear();
            }
            Self::AssociationRole(which) => {
                let associations = cluster(world).eks.pod_identity_associations.values_mut();
                let association = nth(
                    associations.filter(|one| one.service_account != "untouched"),
                    *which,
                )?;
                "arn:aws:iam::111122223333:role/writer".clone_into(&mut association.role_arn);
            }
            Self::AssociationGone(which) => {
                let associations = &mut cluster(world).eks.pod_identity_associations;
                let named = |one: &&String| !associations[*one].service_account.contains("untouched");
                let id = nth(associations.keys().filter(named), *which)?.clone();
                associations.remove(&id);
            }
            Self::Trust(adds) => {
                let role = world.roles.get_mut(crate::file::SHARED)?;
                let statements = role.trust_policy["Statement"].as_array_mut()?;
                if *adds {
                    statements.push(
                        serde_json::json!({"Sid": format!("ByHand{}", statements.len()), "Effect": "Allow",
                        "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}),
                    );
                } else if statements.len() > 2 {
                    statements.pop();
                } else {
                    return None;
                }
            }
        }
        Some(())
    }
}

/// A section without the entries of a principal: an entry begins with a dash in the first column.
fn without_entries_of(text: &str, arn: &str) -> String {
    let mut entries: Vec<String> = vec![String::new()];
    for line in text.lines() {
        if line.starts_with('-') {
            entries.push(String::new());
        }
        if let Some(last) = entries.last_mut() {
            last.push_str(line);
            last.push('\n');
        }
    }
    let is_its = |entry: &&String| {
        !entry
            .split_whitespace()
            .any(|word| word.trim_matches(['"', '\'']) == arn)
    };
    let kept: Vec<String> = entries.iter().filter(is_its).cloned().collect();
    if kept.iter().all(|entry| !entry.starts_with('-')) {
        return String::new();
    }
    kept.concat()
}
