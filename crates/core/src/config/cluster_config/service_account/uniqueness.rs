//! What must not occur twice within one file: a service account, a role name, a stack name.

use eksact_message::code::Code;
use std::collections::BTreeMap;

use crate::config::cluster_config::{ClusterConfig, ServiceAccount};
use crate::config::diagnostic::quoted;
use crate::config::finding::{Finding, Findings};
use crate::config::path::FieldPath;
use eksact_identity::cloudformation::{RolePurpose, stack_name::is_legal};
use eksact_identity::service_account::ServiceAccountKey;

pub(super) fn check(config: &ClusterConfig, findings: &mut Findings) {
    let mut names: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut roles: BTreeMap<String, usize> = BTreeMap::new();
    let mut stacks: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let accounts = &config.iam.service_accounts;
    let path = |index: usize| FieldPath::of("iam.serviceAccounts").index(index);
    for (index, account) in accounts.iter().enumerate() {
        if account.name.is_empty() {
            continue;
        }
        if let Some(first) = names.get(&(account.namespace.as_str(), account.name.as_str())) {
            let message = format!(
                "iam.serviceAccounts[{index}] is the service account {}, which is in the list already: iam.serviceAccounts[{first}]{}",
                quoted(&account.qualified_name()),
                place(accounts.get(*first)),
            );
            findings.push(
                Finding::error(
                    Code::DuplicateServiceAccount,
                    path(index).key("metadata").key("name"),
                    message,
                )
                .help(remedy!("leave one out"))
                .located(account.location.as_ref()),
            );
            continue;
        }
        names.insert((&account.namespace, &account.name), index);
        if account.attach_role_arn.is_some() {
            // No role is made, so no stack and no role name.
            continue;
        }
        let key = ServiceAccountKey::new(&account.namespace, &account.name);
        let stack = RolePurpose::ServiceAccount
            .of(&key)
            .eksctl_name(&config.metadata.name.value);
        // A name that CloudFormation would refuse is never eksctl's; it does not come to a collision.
        if is_legal(&stack) {
            stacks.entry(stack).or_default().push(index);
        }
        if let Some(name) = &account.role_name {
            // IAM does not tell names apart by case.
            match roles.get(&name.value.to_lowercase()) {
                None => {
                    roles.insert(name.value.to_lowercase(), index);
                }
                Some(first) => {
                    let message = format!(
                        "the role name {} is used by iam.serviceAccounts[{first}] already{}; an account can \
                         have each name only once",
                        quoted(&name.value),
                        place(accounts.get(*first)),
                    );
                    findings.push(
                        Finding::error(Code::DuplicateRoleName, path(index).key("roleName"), message)
                            .help(remedy!("give one of the two another name"))
                            .located(name.location.as_ref()),
                    );
                }
            }
        }
    }
    for indices in stacks.values().filter(|indices| indices.len() > 1) {
        stack_collision(accounts, indices, findings);
    }
}

/// eksctl joins namespace and name with a hyphen, so `a-b`/`c` and `a`/`b-c` want one stack name. The first in order of
/// namespace and name has it; the others get a name of their own.
fn stack_collision(accounts: &[ServiceAccount], indices: &[usize], findings: &mut Findings) {
    let mut sharing: Vec<(&ServiceAccount, usize)> = indices
        .iter()
        .filter_map(|index| Some((accounts.get(*index)?, *index)))
        .collect();
    sharing.sort_by_key(|(account, _)| (&account.namespace, &account.name));
    let Some(((owner, _), others)) = sharing.split_first() else {
        return;
    };
    for (account, index) in others {
        let message = format!(
            "{} and {} would have the same stack name in eksctl; {} has it here, {} gets another",
            quoted(&owner.qualified_name()),
            quoted(&account.qualified_name()),
            quoted(&owner.qualified_name()),
            quoted(&account.qualified_name()),
        );
        findings.push(
            Finding::warning(Code::StackNameCollision, FieldPath::of("iam.serviceAccounts").index(*index), message)
                .help(remedy!("a stack that exists already keeps its name if its tag names its service account; eksctl cannot manage both"))
                .located(account.location.as_ref()),
        );
    }
}

fn place(account: Option<&ServiceAccount>) -> String {
    let location = account.and_then(|account| account.location.as_ref());
    location
        .map(|location| format!(", on line {}", location.line))
        .unwrap_or_default()
}
