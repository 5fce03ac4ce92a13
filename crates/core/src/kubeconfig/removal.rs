//! What `delete kubeconfig` takes out of a file: the contexts of one cluster whose user runs eksact for that very cluster,
//! those users, users of that kind that nothing uses any more, and the cluster's entry once nothing uses it. What other
//! tools wrote stays. Pure, from values to edits.

use std::collections::BTreeSet;

use super::{
    entries::{Entries, Entry, exec_of},
    exec_entry::{FoundExec, SignIn},
    naming::eksctl_region,
    value::{Edit, Section, Value},
};
use eksact_identity::iam::Arn;

/// Which cluster's entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// The cluster's name or ARN.
    pub cluster: String,
    /// Its region; none for any, as long as there is only one.
    pub region: Option<String>,
    /// One context only; none for all of the cluster.
    pub context: Option<String>,
}

/// More than one cluster is meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} clusters of the file are named {cluster}: {}", .found.len(), .found.join(", "))]
pub struct SeveralClusters {
    /// What was asked for.
    pub cluster: String,
    /// The names of their entries.
    pub found: Vec<String>,
}

/// What is to be taken out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removal {
    /// To be done in this order.
    pub edits: Vec<Edit>,
    /// The entries that go, each with what it holds.
    pub removed: Vec<(Section, String, Value)>,
    /// Contexts of the cluster that stay, and why.
    pub kept: Vec<(String, KeptBecause)>,
    /// The current context, where it goes.
    pub cleared: Option<String>,
    /// Whether one context was asked for, and the cluster has none of that name.
    pub is_context_missing: bool,
}

/// Why a context stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeptBecause {
    /// Its user runs no command for a token.
    NoCommand,
    /// Its user runs another program, which eksact did not write.
    OtherCommand(String),
    /// Its user signs in to another cluster, or nobody can tell to which.
    OtherCluster(Option<String>),
}

/// A cluster as an entry's name tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    name: String,
    region: Option<String>,
    /// Whether the entry's name tells it, rather than being one that somebody chose.
    is_told: bool,
}

impl Known {
    fn of_arn(text: &str) -> Option<Self> {
        let arn: Arn = text.parse().ok()?;
        let name = arn
            .resource
            .strip_prefix("cluster/")
            .filter(|_| arn.service == "eks")?;
        Some(Self {
            name: name.to_owned(),
            region: Some(arn.region),
            is_told: true,
        })
    }

    /// Whether somebody who signs in so gets into this cluster.
    fn is_for(&self, sign_in: &SignIn) -> bool {
        self.is_in_region_of(sign_in) && self.name == sign_in.cluster
    }

    /// Whether it can be the local cluster on an Outpost of that id, which no file tells.
    fn may_have_id(&self, sign_in: &SignIn) -> bool {
        self.is_told && self.is_in_region_of(sign_in) && sign_in.has_local_id()
    }

    fn is_in_region_of(&self, sign_in: &SignIn) -> bool {
        match (&self.region, &sign_in.region) {
            (Some(one), Some(other)) => one == other,
            _ => true,
        }
    }
}

impl Selection {
    /// What is asked for.
    fn wanted(&self) -> Known {
        Known::of_arn(&self.cluster).unwrap_or_else(|| Known {
            name: self.cluster.clone(),
            region: self.region.clone(),
            is_told: false,
        })
    }

    /// The cluster that an entry of this name is for, if it is the one that is asked for.
    fn cluster_of(&self, entry: &str) -> Option<Known> {
        if let Some(known) = Known::of_arn(entry) {
            let is_named = known.name == self.cluster
                && self
                    .region
                    .as_ref()
                    .is_none_or(|wanted| known.region.as_ref() == Some(wanted));
            return (entry == self.cluster || is_named).then_some(known);
        }
        if entry == self.cluster {
            return Some(self.wanted());
        }
        let region = eksctl_region(entry, &self.cluster)?;
        self.region
            .as_deref()
            .is_none_or(|wanted| wanted == region)
            .then(|| Known {
                name: self.cluster.clone(),
                region: Some(region.to_owned()),
                is_told: true,
            })
    }

    /// Whether a user that nothing uses is one for the cluster. An ARN in its name tells the account.
    fn takes_user(&self, name: &str, body: &Value) -> bool {
        let exec = exec_of(body).filter(FoundExec::is_ours);
        let is_other_account = Known::of_arn(&self.cluster).is_some()
            && name.starts_with("arn:")
            && !name.starts_with(&self.cluster);
        let is_named_after = |sign_in: &SignIn| {
            self.cluster_of(name)
                .is_some_and(|cluster| cluster.may_have_id(sign_in))
        };
        exec.and_then(|exec| exec.sign_in())
            .is_some_and(|sign_in| self.wanted().is_for(&sign_in) || is_named_after(&sign_in))
            && !is_other_account
    }
}

/// What of `file` goes.
pub fn remove(file: &Entries, selection: &Selection) -> Result<Removal, SeveralClusters> {
    let mut removal = Removal::default();
    let (mut contexts, mut clusters) = (BTreeSet::new(), BTreeSet::new());
    let mut is_context_there = false;
    for context in &file.contexts {
        let (Some(name), Some(entry)) = (context.name.as_deref(), text(context, "cluster")) else {
            continue;
        };
        let is_meant = selection.context.as_deref().is_none_or(|wanted| wanted == name);
        let Some(cluster) = selection.cluster_of(entry).filter(|_| is_meant) else {
            continue;
        };
        is_context_there = true;
        match kept_because(file, context, &cluster) {
            Some(why) => removal.kept.push((name.to_owned(), why)),
            None => {
                contexts.insert(name);
                clusters.insert(entry);
            }
        }
    }
    removal.is_context_missing = selection.context.is_some() && !is_context_there;
    let (users, unused) = if selection.context.is_none() {
        orphans(file, selection)
    } else {
        Default::default()
    };
    clusters.extend(&unused);
    if is_several(&clusters, &selection.cluster) {
        return Err(SeveralClusters {
            cluster: selection.cluster.clone(),
            found: clusters.iter().map(|name| (*name).to_owned()).collect(),
        });
    }
    let used_by = |key: &str, staying: bool| -> BTreeSet<&str> {
        file.contexts
            .iter()
            .filter(|context| {
                context
                    .name
                    .as_deref()
                    .is_none_or(|name| !contexts.contains(name))
                    == staying
            })
            .filter_map(|context| text(context, key))
            .collect()
    };
    let gone = |key: &str, orphans: BTreeSet<&str>| -> BTreeSet<String> {
        used_by(key, false)
            .difference(&used_by(key, true))
            .copied()
            .chain(orphans)
            .map(str::to_owned)
            .collect()
    };
    let names = [
        (Section::Clusters, gone("cluster", unused)),
        (
            Section::Contexts,
            contexts.iter().map(|name| (*name).to_owned()).collect(),
        ),
        (Section::Users, gone("user", users)),
    ];
    for (section, names) in names {
        // From the end on, so that no removal moves an entry that is still to go.
        for (index, entry) in file.of(section).iter().enumerate().rev() {
            if let Some(name) = entry.name.as_deref().filter(|name| names.contains(*name)) {
                removal.edits.push(Edit::Remove { section, index });
                removal
                    .removed
                    .push((section, name.to_owned(), entry.body.clone()));
            }
        }
    }
    if let Some(current) = &file.current_context
        && contexts.contains(current.as_str())
    {
        removal.edits.push(Edit::SetCurrentContext(String::new()));
        removal.cleared = Some(current.clone());
    }
    Ok(removal)
}

/// Why a context of this cluster stays; none if it goes.
fn kept_because(file: &Entries, context: &Entry, cluster: &Known) -> Option<KeptBecause> {
    let exec = text(context, "user")
        .and_then(|user| file.find(Section::Users, user))
        .and_then(|(_, user)| exec_of(&user.body));
    let Some(exec) = exec else {
        return Some(KeptBecause::NoCommand);
    };
    if !exec.is_ours() {
        return Some(KeptBecause::OtherCommand(exec.command));
    }
    match exec.sign_in() {
        Some(sign_in) if cluster.is_for(&sign_in) || cluster.may_have_id(&sign_in) => None,
        // Under a name that tells no cluster anybody's entry may stand.
        found => Some(KeptBecause::OtherCluster(found.map(|sign_in| sign_in.cluster))),
    }
}

/// Users and clusters that no context uses: of the users those that are eksact's for the cluster, and if there are any the
/// clusters that a name tells for it.
fn orphans<'e>(file: &'e Entries, selection: &Selection) -> (BTreeSet<&'e str>, BTreeSet<&'e str>) {
    let unused = |section: Section| {
        let used: BTreeSet<&str> = file
            .contexts
            .iter()
            .filter_map(|context| text(context, section.entry_key()))
            .collect();
        file.of(section).iter().filter_map(move |entry| {
            let name = entry.name.as_deref()?;
            (!used.contains(name)).then_some((name, &entry.body))
        })
    };
    let users: BTreeSet<&str> = unused(Section::Users)
        .filter(|(name, body)| selection.takes_user(name, body))
        .map(|(name, _)| name)
        .collect();
    let clusters = unused(Section::Clusters)
        .map(|(name, _)| name)
        .filter(|name| !users.is_empty() && *name != selection.wanted().name)
        .filter(|name| selection.cluster_of(name).is_some())
        .collect();
    (users, clusters)
}

fn text<'e>(entry: &'e Entry, key: &str) -> Option<&'e str> {
    entry.body.text_at(&[key])
}

/// Whether the entries are for more than one cluster. The AWS CLI's and eksctl's entry of one cluster are two names for it;
/// eksctl's tells no account. A name that somebody chose may be any cluster's.
fn is_several(entries: &BTreeSet<&str>, cluster: &str) -> bool {
    let (mut accounts, mut regions) = (BTreeSet::new(), BTreeSet::new());
    let mut is_any_chosen = false;
    for entry in entries {
        if let Ok(arn) = entry.parse::<Arn>() {
            accounts.insert(arn.account);
            regions.insert(arn.region);
        } else if let Some(region) = eksctl_region(entry, cluster) {
            regions.insert(region.to_owned());
        } else {
            is_any_chosen = true;
        }
    }
    accounts.len() > 1 || regions.len() > 1 || is_any_chosen && entries.len() > 1
}

#[cfg(test)]
mod tests;
