//! Commands that let the caller in, as a shell takes them.

use crate::ports::aws::AccessEntry;
use eksact_identity::authn::{arn::PrincipalKind, aws_auth::Identity};

/// The access policy by which somebody sees most things.
const VIEW: &str = "AmazonEKSViewPolicy";

/// The cluster that commands are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    /// Name of the cluster.
    pub cluster: &'a str,
    /// Its region.
    pub region: &'a str,
}

impl Target<'_> {
    /// Maps `arn` in aws-auth, under this name and with these groups where they are known.
    pub fn map(&self, arn: &str, username: &str, groups: &[String]) -> String {
        let groups: Vec<&str> = groups
            .iter()
            .map(String::as_str)
            .filter(|group| !group.is_empty())
            .collect();
        let mut words = vec!["--arn", arn];
        let joined = groups.join(",");
        match (username, groups.is_empty()) {
            ("", true) => words.extend(["--username", "NAME", "--group", "GROUP"]),
            ("", false) => words.extend(["--group", &joined]),
            (_, true) => words.extend(["--username", username]),
            (_, false) => words.extend(["--username", username, "--group", &joined]),
        }
        self.eksact("create iamidentitymapping", &words)
    }

    /// Takes every mapping of `arn` out of aws-auth.
    pub fn unmap(&self, arn: &str) -> String {
        self.eksact("delete iamidentitymapping", &["--arn", arn, "--all"])
    }

    /// Takes an account, as it is written there, out of mapAccounts.
    pub(crate) fn unmap_account(&self, written: &str) -> String {
        self.eksact("delete iamidentitymapping", &["--account", written])
    }

    /// Lets a whole account in.
    pub fn map_account(&self, account: &str) -> String {
        self.eksact("create iamidentitymapping", &["--account", account])
    }

    fn eksact(&self, command: &str, words: &[&str]) -> String {
        let mut all = vec!["--cluster", self.cluster, "--region", self.region];
        all.extend(words);
        format!("`eksact {command} {}`", joined(&all))
    }

    /// Makes an access entry for the caller, with an access policy. EKS takes the ARN of a role with its path only, which STS
    /// does not tell (`CreateAccessEntry`, `principalArn`): IAM is asked where `role_arn` is not known.
    pub fn create_entry(&self, identity: &Identity, role_arn: Option<&str>) -> String {
        let is_role = matches!(
            identity.canonical.kind,
            PrincipalKind::Role | PrincipalKind::AssumedRole
        );
        let canonical = &identity.canonical.arn;
        let principal = match role_arn {
            Some(arn) => quoted(arn),
            None if is_role => format!(
                "\"$(aws iam get-role --role-name {} --query Role.Arn --output text)\"",
                quoted(canonical.rsplit('/').next().unwrap_or_default())
            ),
            None => quoted(canonical),
        };
        let cluster = joined(&["--cluster", self.cluster, "--region", self.region]);
        format!("`eksact create accessentry {cluster} --principal-arn {principal} --access-policy {VIEW}`")
    }

    /// Gives an access entry the rights to see most things.
    pub fn give_view(&self, entry: &AccessEntry) -> String {
        self.update_entry(entry, &["--access-policy", VIEW])
    }

    /// Gives an access entry this name and these groups, or the whole cluster for `system:masters`, which no entry takes.
    pub fn give_same(&self, entry: &AccessEntry, username: &str, groups: &[String]) -> String {
        if groups.iter().any(|group| group == "system:masters") {
            return self.update_entry(entry, &["--access-policy", "AmazonEKSClusterAdminPolicy"]);
        }
        let mut words = vec!["--kubernetes-username", username];
        let joined = groups.join(",");
        match groups {
            [] => words.push("--no-kubernetes-groups"),
            _ => words.extend(["--kubernetes-groups", &joined]),
        }
        self.update_entry(entry, &words)
    }

    fn update_entry(&self, entry: &AccessEntry, words: &[&str]) -> String {
        let mut all = vec!["--principal-arn", &entry.principal_arn];
        all.extend(words);
        self.eksact("update accessentry", &all)
    }

    /// Makes an access entry again for the principal that has its ARN now, with the rights that it has.
    pub fn create_same(&self, entry: &AccessEntry) -> String {
        self.eksact("create accessentry", &["--principal-arn", &entry.principal_arn])
    }

    /// Deletes an access entry.
    pub fn delete_entry(&self, entry: &AccessEntry) -> String {
        self.eksact("delete accessentry", &["--principal-arn", &entry.principal_arn])
    }
}

/// Words as a shell takes them.
fn joined(words: &[&str]) -> String {
    words
        .iter()
        .map(|word| quoted(word))
        .collect::<Vec<_>>()
        .join(" ")
}

/// A word as a shell takes it. No shell takes a NUL, and no name has one.
pub(super) fn quoted(word: &str) -> String {
    match shlex::try_quote(word) {
        Ok(quoted) => quoted.into_owned(),
        Err(_) => word.replace('\0', ""),
    }
}
