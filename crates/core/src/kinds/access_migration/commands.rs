//! The commands that a migration advises.

use eksact_identity::authn::access_policy::CLUSTER_ADMIN;

use crate::{
    guard::{Guard, access::gives_everything},
    live::Live,
    migration::Choices,
    ports::aws::{AccessEntry, AuthenticationMode},
};

/// A command of eksact's about a cluster.
struct Command(Vec<String>);

impl Command {
    fn new(words: &[&str], live: &Live) -> Self {
        let mut command = Self(vec!["eksact".to_owned()]);
        command.0.extend(words.iter().map(|word| (*word).to_owned()));
        command.flag("cluster", &live.cluster.name);
        command.flag("region", &live.region);
        command
    }

    fn of_entry(verb: &str, entry: &AccessEntry, live: &Live) -> Self {
        let mut command = Self::new(&[verb, "accessentry"], live);
        command.flag("principal-arn", &entry.principal_arn);
        command
    }

    fn flag(&mut self, name: &str, value: &str) {
        self.0.extend([format!("--{name}"), value.to_owned()]);
    }

    /// As a shell takes it. No shell takes a NUL, and no name has one.
    fn approved(mut self) -> String {
        self.0.push("--approve".to_owned());
        let words = self.0.iter().map(String::as_str);
        shlex::try_join(words).unwrap_or_else(|_| self.0.join(" ").replace('\0', ""))
    }
}

/// Makes the principal of an entry an administrator by a policy, and takes it out of the group.
pub(super) fn make_administrator(entry: &AccessEntry, group: &str, live: &Live) -> String {
    let mut command = Command::of_entry("update", entry, live);
    if !gives_everything(entry) {
        // The policies that are named take the place of all others.
        for policy in &entry.policies {
            let names = policy.namespaces.as_ref().map(|names| names.join(","));
            let scope = names.map(|names| format!(":{names}")).unwrap_or_default();
            command.flag("access-policy", &format!("{}{scope}", policy.arn));
        }
        command.flag("access-policy", CLUSTER_ADMIN);
    }
    let groups = entry.groups.iter().map(String::as_str);
    let groups: Vec<&str> = groups.filter(|other| *other != group).collect();
    if groups.is_empty() {
        command.0.push("--no-kubernetes-groups".to_owned());
    } else {
        command.flag("kubernetes-groups", &groups.join(","));
    }
    command.approved()
}

/// Deletes an entry.
pub(super) fn delete(entry: &AccessEntry, live: &Live) -> String {
    Command::of_entry("delete", entry, live).approved()
}

/// The migration without its last step.
pub(super) fn without_last_step(choices: &Choices, live: &Live) -> String {
    let mut command = Command::new(&["migrate", "to-access-entries"], live);
    for arn in choices.principal_arns.values() {
        command.flag("principal-arn", arn);
    }
    for (arn, name) in &choices.usernames {
        command.flag("username", &format!("{arn}={name}"));
    }
    for (arn, entry_type) in &choices.types {
        command.flag("type", &format!("{arn}={entry_type}"));
    }
    if live.cluster.mode() == Ok(AuthenticationMode::ConfigMap) {
        command.flag("allow", Guard::OneWayMode.code().as_str());
    }
    command.approved()
}
