//! What `delete kubeconfig` takes out of a file: the contexts of one cluster whose user runs eksact, those users, and the
//! cluster's entry once nothing uses it. What other tools wrote stays. Pure, from values to edits.

use std::collections::BTreeSet;

use super::{
    entries::{Entries, Entry, exec_of},
    naming::eksctl_cluster,
    value::{Edit, Section, Value},
};
use crate::iam::Arn;

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
    /// Contexts of the cluster that stay, because their user is not eksact's; with the command that it runs.
    pub kept: Vec<(String, Option<String>)>,
    /// The current context, where it goes.
    pub cleared: Option<String>,
}

impl Selection {
    /// Whether an entry of this name is for the cluster.
    fn takes(&self, entry: &str) -> bool {
        if entry == self.cluster {
            return true;
        }
        if let Some((name, region)) = cluster_of_arn(entry) {
            return name == self.cluster && self.region.as_deref().is_none_or(|wanted| wanted == region);
        }
        match &self.region {
            Some(region) => entry == eksctl_cluster(&self.cluster, region),
            None => entry
                .strip_prefix(&self.cluster)
                .and_then(|rest| rest.strip_prefix('.'))
                .and_then(|rest| rest.strip_suffix(".eksctl.io"))
                .is_some_and(|region| !region.contains('.')),
        }
    }
}

/// Name and region of the cluster whose ARN this is.
fn cluster_of_arn(text: &str) -> Option<(String, String)> {
    let arn: Arn = text.parse().ok()?;
    let name = arn
        .resource
        .strip_prefix("cluster/")
        .filter(|_| arn.service == "eks")?;
    Some((name.to_owned(), arn.region))
}

/// What of `file` goes.
pub fn remove(file: &Entries, selection: &Selection) -> Result<Removal, SeveralClusters> {
    let clusters: BTreeSet<&str> = file
        .clusters
        .iter()
        .filter_map(|entry| entry.name.as_deref())
        .filter(|name| selection.takes(name))
        .collect();
    if is_several(&clusters, &selection.cluster) {
        return Err(SeveralClusters {
            cluster: selection.cluster.clone(),
            found: clusters.iter().map(|name| (*name).to_owned()).collect(),
        });
    }
    let mut removal = Removal::default();
    let mut contexts = BTreeSet::new();
    for context in &file.contexts {
        let Some(name) = context.name.as_deref() else {
            continue;
        };
        let is_meant = text(context, "cluster").is_some_and(|cluster| clusters.contains(cluster))
            && selection.context.as_deref().is_none_or(|wanted| wanted == name);
        if !is_meant {
            continue;
        }
        let exec = text(context, "user")
            .and_then(|user| file.find(Section::Users, user))
            .and_then(|(_, user)| exec_of(&user.body));
        if exec.as_ref().is_some_and(super::FoundExec::is_ours) {
            contexts.insert(name);
        } else {
            removal
                .kept
                .push((name.to_owned(), exec.map(|exec| exec.command)));
        }
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
    let gone = |key: &str| -> BTreeSet<&str> {
        used_by(key, false)
            .difference(&used_by(key, true))
            .copied()
            .collect()
    };
    let names = [
        (Section::Clusters, gone("cluster")),
        (Section::Contexts, contexts.clone()),
        (Section::Users, gone("user")),
    ];
    for (section, names) in names {
        // From the end on, so that no removal moves an entry that is still to go.
        for (index, entry) in file.of(section).iter().enumerate().rev() {
            if let Some(name) = entry.name.as_deref().filter(|name| names.contains(name)) {
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

fn text<'e>(entry: &'e Entry, key: &str) -> Option<&'e str> {
    entry.body.text_at(&[key])
}

/// Whether the entries are for more than one cluster. The AWS CLI's and eksctl's entry of one cluster are two names for it;
/// eksctl's tells no account.
fn is_several(entries: &BTreeSet<&str>, cluster: &str) -> bool {
    let (mut accounts, mut regions) = (BTreeSet::new(), BTreeSet::new());
    for entry in entries {
        if let Ok(arn) = entry.parse::<Arn>() {
            accounts.insert(arn.account);
            regions.insert(arn.region);
        } else {
            let region = entry
                .strip_prefix(cluster)
                .and_then(|rest| rest.strip_prefix('.'))
                .and_then(|rest| rest.strip_suffix(".eksctl.io"));
            regions.extend(region.map(str::to_owned));
        }
    }
    accounts.len() > 1 || regions.len() > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arn(region: &str, account: &str) -> String {
        format!("arn:aws:eks:{region}:{account}:cluster/prod")
    }

    fn entry(name: &str, body: Value) -> Entry {
        Entry {
            name: Some(name.to_owned()),
            body,
            line: 1,
            column: 1,
        }
    }

    fn user(name: &str, command: &str) -> Entry {
        let exec = Value::map([
            ("command", Value::text(command)),
            (
                "args",
                Value::texts(&["token".to_owned(), "--cluster".to_owned(), "prod".to_owned()]),
            ),
        ]);
        entry(name, Value::map([("exec", exec)]))
    }

    fn context(name: &str, cluster: &str, user: &str) -> Entry {
        entry(
            name,
            Value::map([("cluster", Value::text(cluster)), ("user", Value::text(user))]),
        )
    }

    fn file() -> Entries {
        let (here, there) = (arn("eu-west-1", "111122223333"), arn("us-west-2", "111122223333"));
        Entries {
            clusters: vec![
                entry(&here, Value::Null),
                entry("minikube", Value::Null),
                entry(&there, Value::Null),
            ],
            contexts: vec![
                context("prod", &here, "one"),
                context("by-hand", &here, "aws"),
                context("minikube", "minikube", "shared"),
                context("app", &here, "shared"),
                context("there", &there, "two"),
            ],
            users: vec![
                user("one", "/bin/eksact"),
                user("shared", "eksact"),
                user("aws", "aws"),
                user("two", "eksact"),
            ],
            current_context: Some("prod".to_owned()),
        }
    }

    fn names(removal: &Removal) -> Vec<&str> {
        removal.removed.iter().map(|(_, name, _)| name.as_str()).collect()
    }

    #[test]
    fn what_others_use_or_wrote_stays() {
        let selection = Selection {
            cluster: "prod".to_owned(),
            region: Some("eu-west-1".to_owned()),
            context: None,
        };
        let removal = remove(&file(), &selection).unwrap();
        assert_eq!(
            names(&removal),
            ["app", "prod", "one"],
            "the cluster is still used, and so is a user"
        );
        assert_eq!(removal.kept, [("by-hand".to_owned(), Some("aws".to_owned()))]);
        assert_eq!(removal.cleared.as_deref(), Some("prod"));
        assert_eq!(
            removal.edits.last(),
            Some(&Edit::SetCurrentContext(String::new()))
        );
    }

    #[test]
    fn the_last_context_takes_the_cluster_with_it() {
        let selection = Selection {
            cluster: arn("us-west-2", "111122223333"),
            ..Selection::default()
        };
        let removal = remove(&file(), &selection).unwrap();
        assert_eq!(names(&removal), [selection.cluster.as_str(), "there", "two"]);
        assert_eq!(removal.cleared, None);
        let one = Selection {
            context: Some("no-such".to_owned()),
            ..selection
        };
        assert_eq!(remove(&file(), &one).unwrap(), Removal::default());
    }

    #[test]
    fn a_name_that_means_two_clusters_is_asked_back() {
        let selection = Selection {
            cluster: "prod".to_owned(),
            ..Selection::default()
        };
        assert_eq!(remove(&file(), &selection).unwrap_err().found.len(), 2);
        let eksctl = Entries {
            clusters: vec![
                entry("prod.eu-west-1.eksctl.io", Value::Null),
                entry(&arn("eu-west-1", "111122223333"), Value::Null),
            ],
            contexts: vec![context("ceo", "prod.eu-west-1.eksctl.io", "one")],
            users: vec![user("one", "eksact")],
            current_context: None,
        };
        assert_eq!(names(&remove(&eksctl, &selection).unwrap()).len(), 3);
    }
}
