//! The rules of access entries that can be told without asking AWS: EKS's own, and eksctl's.
//!
//! Sources: eksctl 0.231, `pkg/apis/eksctl.io/v1alpha5/access_entry.go`; EKS user guide, "Creating access entries"; what EKS
//! refuses was measured by badmintoncryer/cdk-preflight (`rules/eks`).

use std::collections::BTreeMap;

use super::{AccessEntry, AccessPolicy, CLUSTER_SCOPE, NAMESPACE_SCOPE, permission_set};
use crate::config::assumable_role::named_role;
use crate::config::cluster_access::identity_mapping;
use crate::config::diagnostic::quoted;
use crate::config::finding::{Finding, Findings};
use crate::config::location::Located;
use crate::config::path::FieldPath;
use eksact_identity::authn::access_entry::{is_for_nodes, is_service_linked, takes_policies};
use eksact_identity::authn::access_policy::{
    CLUSTER_ADMIN, has_other_template, known_policy, policy_arn, policy_name, reserved_prefix,
    template_without_colon,
};
use eksact_identity::iam::arn::{is_account_id, is_role_name};
use eksact_identity::iam::{Arn, Partition};
use eksact_message::code::Code;
use eksact_message::remedy::Remedy;

/// How many access policies an entry may have (CloudFormation, `AWS::EKS::AccessEntry`).
const MOST_POLICIES: usize = 20;

/// Checks the entries of a cluster in `partition`.
pub(in crate::config::cluster_config) fn check(
    entries: &[AccessEntry],
    partition: Partition,
    findings: &mut Findings,
) {
    let list = FieldPath::of("accessConfig.accessEntries");
    let mut seen: BTreeMap<String, (usize, &str)> = BTreeMap::new();
    for (index, entry) in entries.iter().enumerate() {
        if findings.is_full() {
            return;
        }
        let mut check = EntryCheck {
            entry,
            partition,
            path: list.index(index),
            found: Findings::default(),
        };
        check.principal();
        let arn = entry.principal_arn.value.as_str();
        if let Some(name) = name_in_account(arn) {
            match seen.get(&name) {
                Some((first, other)) => check.twice(&list.index(*first), other),
                None => {
                    seen.insert(name, (index, arn));
                }
            }
        }
        check.user();
        check.policies();
        for finding in check.found.into_vec() {
            let location = finding.location.clone().or_else(|| entry.location.clone());
            findings.push(Finding { location, ..finding });
        }
    }
}

/// What a role or user has no namesake of in its account: neither path nor case tell two apart (IAM, "IAM identifiers").
fn name_in_account(arn: &str) -> Option<String> {
    if permission_set(arn).is_some() || named_role(arn).is_some() {
        return Some(arn.to_owned());
    }
    let arn: Arn = arn.parse().ok()?;
    let (kind, path_and_name) = arn.resource.split_once('/')?;
    let name = path_and_name.rsplit('/').next()?;
    Some(format!("{} {kind} {name}", arn.account).to_lowercase())
}

struct EntryCheck<'a> {
    entry: &'a AccessEntry,
    partition: Partition,
    path: FieldPath,
    found: Findings,
}

impl EntryCheck<'_> {
    fn refuse<T>(&mut self, path: FieldPath, at: &Located<T>, message: String, help: Option<Remedy>) {
        let finding = Finding::error(Code::AccessEntry, path, message).located(at.location.as_ref());
        self.found.push(match help {
            Some(help) => finding.help(help),
            None => finding,
        });
    }

    fn principal(&mut self) {
        let principal = &self.entry.principal_arn;
        let path = self.path.key("principalARN");
        let text = principal.value.as_str();
        if text.contains("${") {
            // Reported as unexpanded already.
            return;
        }
        if let Some(name) = permission_set(text) {
            self.permission_set(name, &path);
            return;
        }
        if named_role(text).is_some() {
            // Whether the files have it, is told once all of them are read.
            return;
        }
        let shown = quoted(text);
        let Ok(arn) = text.parse::<Arn>() else {
            let message = format!("{path} must be set to a valid AWS ARN");
            let finding = Finding::error(Code::AccessEntry, path, message)
                .located(principal.location.as_ref())
                .help(example(self.partition))
                .explained_from_below();
            self.found.push(finding);
            return;
        };
        let (kind, rest) = arn.resource.split_once('/').unwrap_or((&arn.resource, ""));
        let name = rest.rsplit('/').next().unwrap_or_default();
        if (arn.service.as_str(), kind) == ("sts", "assumed-role") {
            let role = rest.split('/').next().unwrap_or_default();
            self.refuse(
                path,
                principal,
                format!("{shown} is a session of a role, and access entries name the role"),
                Some(remedy!(
                    "write the ARN of the role, with its path: `aws iam get-role --role-name {role} --query Role.Arn --output text`"
                )),
            );
            return;
        }
        let is_principal = arn.service == "iam"
            && ["role", "user"].contains(&kind)
            && arn.region.is_empty()
            && is_account_id(&arn.account)
            && is_role_name(name);
        if !is_principal {
            let message = format!("{shown} is neither an IAM role nor an IAM user");
            self.refuse(path, principal, message, Some(example(self.partition)));
            return;
        }
        if is_service_linked(text) {
            let message =
                format!("{shown} is a service-linked role: only its service makes its access entry");
            self.refuse(
                path,
                principal,
                message,
                Some(remedy!("leave it out, or name another principal")),
            );
            return;
        }
        if arn.partition != self.partition {
            let message = format!(
                "{shown} is in the partition {}, and the region is in {}",
                arn.partition, self.partition
            );
            self.found.push(
                Finding::error(Code::ArnPartition, path, message)
                    .located(principal.location.as_ref())
                    .help(remedy!("begin it with `arn:{}:`", self.partition)),
            );
            return;
        }
        let entry_type = &self.entry.entry_type;
        if kind == "user" && is_for_nodes(&entry_type.value) {
            let message = format!(
                "{shown} is a user, and entries of type {} are for roles",
                quoted(&entry_type.value)
            );
            self.refuse(
                path,
                principal,
                message,
                Some(remedy!(
                    "name the role of the nodes, or leave `type` out for a person or program"
                )),
            );
        }
    }

    fn permission_set(&mut self, name: &str, path: &FieldPath) {
        let principal = &self.entry.principal_arn;
        let mut found = Findings::default();
        identity_mapping::permission_set(name, path, &mut found);
        for finding in found.into_vec() {
            self.found.push(finding.located(principal.location.as_ref()));
        }
        let entry_type = &self.entry.entry_type.value;
        if is_for_nodes(entry_type) {
            let message = format!(
                "{} is for people, and entries of type {} are for roles of nodes",
                quoted(&principal.value),
                quoted(entry_type)
            );
            self.refuse(
                path.clone(),
                principal,
                message,
                Some(remedy!(
                    "name the role of the nodes, or leave `type` out for a person or program"
                )),
            );
        }
    }

    fn twice(&mut self, first: &FieldPath, other: &str) {
        let principal = &self.entry.principal_arn;
        let shown = quoted(&principal.value);
        let message = if principal.value == other {
            format!(
                "duplicate access entry {} with principal ARN {shown}; the first is {first}",
                self.path
            )
        } else {
            format!(
                "{shown} and {}, at {first}, are the same principal: names differ in an account by more than case and path",
                quoted(other)
            )
        };
        let help = remedy!("keep one entry for the principal, with all groups and policies");
        self.refuse(self.path.key("principalARN"), principal, message, Some(help));
    }

    fn user(&mut self) {
        let entry = self.entry;
        let entry_type = entry.entry_type.value.as_str();
        if is_for_nodes(entry_type) {
            let username = entry.username.as_ref().map(|_| "kubernetesUsername");
            let groups = (!entry.groups.is_empty()).then_some("kubernetesGroups");
            for key in username.into_iter().chain(groups) {
                let message = format!(
                    "cannot specify {0}.kubernetesGroups nor {0}.kubernetesUsername when type is set to {1}",
                    self.path,
                    quoted(entry_type)
                );
                let finding = Finding::error(Code::AccessEntry, self.path.key(key), message);
                self.found.push(
                    finding
                        .at_key()
                        .help(remedy!("remove it: EKS gives nodes their user name and groups")),
                );
            }
            return;
        }
        if let Some(username) = &entry.username {
            self.username(username);
        }
        for (index, group) in entry.groups.iter().enumerate() {
            let path = self.path.key("kubernetesGroups").index(index);
            if let Some(prefix) = reserved_prefix(&group.value) {
                let message = format!(
                    "{} is reserved: no group of an access entry begins with `{prefix}`",
                    quoted(&group.value)
                );
                let help = self.instead_of(&group.value);
                self.refuse(path, group, message, Some(help));
            } else if group.value.contains("{{") {
                let message = format!("{} has a template, and groups have none", quoted(&group.value));
                self.refuse(path, group, message, Some(only_session_name()));
            }
        }
    }

    fn username(&mut self, username: &Located<String>) {
        let path = self.path.key("kubernetesUsername");
        let name = username.value.as_str();
        if let Some(prefix) = reserved_prefix(name) {
            let message = format!(
                "{} is reserved: no user name of an access entry begins with `{prefix}`",
                quoted(name)
            );
            let help = self.instead_of(name);
            self.refuse(path, username, message, Some(help));
        } else if let Some(template) = template_without_colon(name) {
            let message = format!("{} has no colon before `{template}`", quoted(name));
            let (before, _) = name.split_once(template).unwrap_or((name, ""));
            let before = if before.is_empty() { "user" } else { before };
            let help = remedy!("write `{before}:{template}`");
            self.refuse(path, username, message, Some(help));
        } else if has_other_template(name) {
            let message = format!(
                "{} has a template that EKS does not fill in for access entries",
                quoted(name)
            );
            self.refuse(path, username, message, Some(only_session_name()));
        }
    }

    /// What to write instead of a reserved user name or group.
    fn instead_of(&self, name: &str) -> Remedy {
        let partition = self.partition;
        if name == "system:masters" {
            return remedy!(
                "give it the access policy {CLUSTER_ADMIN} instead: `accessPolicies: [{{policyARN: {}, accessScope: {{type: cluster}}}}]`, or `--access-policy {CLUSTER_ADMIN}`",
                policy_arn(partition, CLUSTER_ADMIN)
            );
        }
        if name.starts_with("system:node") || name == "system:bootstrappers" {
            return remedy!(
                "for the role of nodes the type is EC2_LINUX (EC2_WINDOWS for Windows), without user name and groups"
            );
        }
        remedy!("choose a name that does not begin with system:, eks:, aws:, amazon: or iam:")
    }

    fn policies(&mut self) {
        let entry = self.entry;
        let list = self.path.key("accessPolicies");
        let entry_type = entry.entry_type.value.as_str();
        if entry.policies.is_empty() {
            return;
        }
        if !takes_policies(entry_type) {
            let message = format!("cannot specify {list} when type is set to {}", quoted(entry_type));
            self.found
                .push(Finding::error(Code::AccessEntry, list, message).at_key());
            return;
        }
        if entry.policies.len() > MOST_POLICIES {
            let message = format!(
                "{} access policies, and an access entry has at most {MOST_POLICIES}",
                entry.policies.len()
            );
            self.found
                .push(Finding::error(Code::AccessEntry, list.clone(), message).at_key());
        }
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        for (index, policy) in entry.policies.iter().enumerate() {
            let path = list.index(index);
            self.policy(policy, &path);
            if policy.arn.value.is_empty() {
                continue;
            }
            if let Some(first) = seen.insert(&policy.arn.value, index) {
                let message = format!(
                    "{} is in the list already, at {}: an access policy has one scope in an entry",
                    quoted(&policy.arn.value),
                    list.index(first)
                );
                let help = remedy!("keep one, with all of its namespaces");
                self.refuse(path.key("policyARN"), &policy.arn, message, Some(help));
            }
        }
    }

    fn policy(&mut self, policy: &AccessPolicy, path: &FieldPath) {
        let arn = policy.arn.value.as_str();
        let at = path.key("policyARN");
        let named = |name: &str| remedy!("write `{}`", policy_arn(self.partition, name));
        let partition = arn.split(':').nth(1).unwrap_or_default();
        let problem = match policy_name(arn) {
            Some(name) if partition != self.partition.as_str() => Some((
                format!(
                    "{} is in the partition {partition}, and the region is in {}",
                    quoted(arn),
                    self.partition
                ),
                named(name),
            )),
            Some(_) => None,
            None if arn.is_empty() => Some((
                format!("{at} must be set to a valid AWS ARN"),
                policies_of_eks(self.partition),
            )),
            // The name alone, or in the ARN of a policy of IAM.
            None => Some((
                format!(
                    "{at} must be a cluster-access-policy resource, and is {}",
                    quoted(arn)
                ),
                match known_policy(arn) {
                    Some(known) => named(known.name),
                    None => policies_of_eks(self.partition),
                },
            )),
        };
        if let Some((message, help)) = problem {
            let finding = Finding::error(Code::AccessEntry, at, message)
                .located(policy.arn.location.as_ref())
                .help(help);
            self.found.push(if arn.is_empty() {
                finding.explained_from_below()
            } else {
                finding
            });
        }
        self.scope(policy, path);
    }

    fn scope(&mut self, policy: &AccessPolicy, path: &FieldPath) {
        let here = path.key("accessScope");
        let (at, message) = match policy.scope.value.as_str() {
            CLUSTER_SCOPE if !policy.namespaces.is_empty() => (
                here.key("namespaces"),
                format!("cannot specify {here}.namespaces when accessScope is set to cluster"),
            ),
            NAMESPACE_SCOPE if policy.namespaces.is_empty() => (
                here,
                format!(
                    "at least one namespace must be specified when accessScope is set to namespace: ({path})"
                ),
            ),
            // Any other word the shape of the file is refused for.
            "" => (
                here.key("type"),
                format!("{here}.type must be set to either \"namespace\" or \"cluster\""),
            ),
            _ => return,
        };
        let finding = Finding::error(Code::AccessEntry, at, message)
            .located(policy.scope.location.as_ref())
            .explained_from_below();
        self.found.push(finding);
    }
}

fn example(partition: Partition) -> Remedy {
    remedy!(
        "write the ARN of a role or user with its path, like arn:{partition}:iam::111122223333:role/team/dev"
    )
}

fn only_session_name() -> Remedy {
    remedy!(
        "EKS fills in {{{{SessionName}}}} and {{{{SessionNameRaw}}}} of user names alone; write the text itself"
    )
}

fn policies_of_eks(partition: Partition) -> Remedy {
    remedy!(
        "write an access policy of EKS, such as `{}`; `aws eks list-access-policies` lists them",
        policy_arn(partition, "AmazonEKSViewPolicy")
    )
}
