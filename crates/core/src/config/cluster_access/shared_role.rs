//! `sharedRoles`: roles that service accounts of several clusters assume, and which of this cluster's do.

use serde::{Deserialize, Serialize};

use super::duplicates::{Duplicate, Listed, repeated};
use crate::config::cluster_config::ServiceAccount;
use crate::config::diagnostic::quoted;
use crate::config::finding::{Finding, Findings};
use crate::config::location::{Located, SourceLocation};
use crate::config::path::FieldPath;
use crate::config::reader::{Reader, items};
use crate::config::validate::iam::subject_pattern;
use crate::config::validate::kubernetes_names::{is_label, is_subdomain, label_help, subdomain_help};
use eksact_identity::iam::arn::{is_account_id, is_role_name};
use eksact_identity::iam::{Arn, Partition};
use eksact_message::code::Code;
use eksact_yaml::Node;

const LIST: &str = "sharedRoles";

/// How a shared role is named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RoleReference {
    /// By its ARN, as written.
    Arn(String),
    /// By its name, in the account of the cluster.
    Name(String),
}

impl RoleReference {
    /// The role's name, without its path.
    pub fn name(&self) -> &str {
        match self {
            Self::Arn(arn) => arn.rsplit('/').next().unwrap_or_default(),
            Self::Name(name) => name,
        }
    }
}

/// Service accounts that a shared role lets in: one, or those whose name fits a pattern.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedRoleAccount {
    /// The namespace.
    pub namespace: String,
    /// The name, or the pattern of it.
    pub name: String,
    /// Whether `name` is a pattern.
    pub is_pattern: bool,
}

/// A role that service accounts of several clusters assume: this cluster keeps its own statement in the trust policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedRole {
    /// The role.
    pub role: Located<RoleReference>,
    /// Who may assume it. None in a file stands for the service accounts that attach it; `load` fills them in.
    pub service_accounts: Option<Vec<SharedRoleAccount>>,
    /// Where the entry begins in the file.
    pub location: Option<SourceLocation>,
}

pub(super) fn decode(root: &Node, reader: &Reader<'_>) -> Vec<SharedRole> {
    let items = items(root, LIST).iter();
    items.map(|node| shared_role(node, reader)).collect()
}

fn shared_role(node: &Node, reader: &Reader<'_>) -> SharedRole {
    // That there is one of the two and not both is checked on the tree.
    let role = match (reader.text(node, "roleARN"), reader.text(node, "roleName")) {
        (Some(arn), _) => arn.map(RoleReference::Arn),
        (None, Some(name)) => name.map(RoleReference::Name),
        (None, None) => reader.located(node, RoleReference::Name(String::new())),
    };
    let accounts = node.get("serviceAccounts").map(Node::items);
    SharedRole {
        role,
        service_accounts: accounts.map(|items| {
            items
                .iter()
                .map(|account| shared_role_account(account, reader))
                .collect()
        }),
        location: Some(reader.location(node)),
    }
}

fn shared_role_account(node: &Node, reader: &Reader<'_>) -> SharedRoleAccount {
    let text = |key| reader.text(node, key).map(|text| text.value);
    let pattern = text("subjectPattern");
    SharedRoleAccount {
        namespace: text("namespace").unwrap_or_default(),
        is_pattern: pattern.is_some(),
        name: text("name").or(pattern).unwrap_or_default(),
    }
}

/// Which keys do not stand together, and which are missing. Looks at the tree: the plain values have one role and one
/// name each.
pub(super) fn check_options(root: &Node, findings: &mut Findings) {
    for (index, role) in items(root, LIST).iter().enumerate() {
        let path = FieldPath::of(LIST).index(index);
        one_of(role, "roleARN", "roleName", &path, findings);
        for (index, account) in items(role, "serviceAccounts").iter().enumerate() {
            let path = path.key("serviceAccounts").index(index);
            one_of(account, "name", "subjectPattern", &path, findings);
        }
    }
}

/// Of two keys there is one, and it has a value.
fn one_of(node: &Node, first: &str, second: &str, path: &FieldPath, findings: &mut Findings) {
    let (one, other) = (node.get(first), node.get(second));
    if one.is_some() && other.is_some() {
        let message = format!("{path}: {second} cannot be used together with {first}");
        findings.push(
            Finding::error(Code::SharedRole, path.key(second), message)
                .help(remedy!("leave one out"))
                .at_key(),
        );
        return;
    }
    let (key, value) = if other.is_some() {
        (second, other)
    } else {
        (first, one)
    };
    match value {
        // What has another shape is reported as that.
        Some(value) if value.text().is_none_or(|text| !text.trim().is_empty()) && !value.is_empty() => {}
        Some(_) => findings.push(
            Finding::error(
                Code::Missing,
                path.key(key),
                format!("{} is empty", path.key(key)),
            )
            .help(remedy!(
                "a variable was probably not set; write the value, or remove the entry"
            ))
            .explained_from_below(),
        ),
        None => findings.push(
            Finding::error(
                Code::SharedRole,
                path.clone(),
                format!("{path}: {first} or {second} must be set"),
            )
            .explained_from_below(),
        ),
    }
}

/// Checks the shared roles of one document, for a cluster in `partition`.
pub(super) fn check(roles: &[SharedRole], partition: Partition, findings: &mut Findings) {
    for (index, role) in roles.iter().enumerate() {
        if findings.is_full() {
            return;
        }
        let path = FieldPath::of(LIST).index(index);
        match &role.role.value {
            RoleReference::Arn(arn) => role_arn(arn, partition, path.key("roleARN"), findings),
            RoleReference::Name(name) => role_name(name, path.key("roleName"), findings),
        }
        let Some(accounts) = &role.service_accounts else {
            continue;
        };
        let list = path.key("serviceAccounts");
        if accounts.is_empty() {
            findings.push(
                Finding::error(Code::SharedRole, list, format!("{path}.serviceAccounts is empty"))
                    .help(remedy!(
                        "name the service accounts; leave the key out for those whose `attachRoleARN` is \
                         this role; remove the entry, and run with --prune, to let no service account in"
                    ))
                    .explained_from_below(),
            );
            continue;
        }
        for (index, account) in accounts.iter().enumerate() {
            if findings.is_full() {
                return;
            }
            let path = list.index(index);
            service_account(account, &path, findings);
            if let Some(earlier) = accounts.iter().take(index).position(|earlier| earlier == account) {
                let message = format!("{path} is the same as {}", list.index(earlier));
                findings
                    .push(Finding::warning(Code::Duplicate, path, message).help(remedy!("leave one out")));
            }
        }
    }
}

fn role_arn(text: &str, partition: Partition, path: FieldPath, findings: &mut Findings) {
    if text.contains("${") || text.trim().is_empty() {
        // Reported already.
        return;
    }
    let arn = text.parse::<Arn>().ok();
    let name = arn.as_ref().and_then(Arn::role_name);
    let finding = match (&arn, name) {
        (Some(arn), Some(name))
            if arn.region.is_empty() && is_account_id(&arn.account) && is_role_name(name) =>
        {
            (arn.partition != partition).then(|| {
                let message = format!(
                    "{} is in the partition {}, and the region is in {partition}",
                    quoted(text),
                    arn.partition
                );
                Finding::error(Code::ArnPartition, path, message)
                    .help(remedy!("begin it with `arn:{partition}:`"))
            })
        }
        _ => {
            let message = format!("{} is not the ARN of an IAM role", quoted(text));
            let help = if is_role_name(text) {
                remedy!("for the name alone write `roleName: {text}`")
            } else {
                remedy!("write it like arn:{partition}:iam::111122223333:role/my-role")
            };
            Some(Finding::error(Code::RoleArn, path, message).help(help))
        }
    };
    if let Some(finding) = finding {
        findings.push(finding);
    }
}

fn role_name(name: &str, path: FieldPath, findings: &mut Findings) {
    if is_role_name(name) || name.contains("${") || name.trim().is_empty() {
        return;
    }
    let help = if name.starts_with("arn:") {
        remedy!("this is an ARN: write it as `roleARN`")
    } else if name.contains('/') {
        remedy!("a name has no path: write the name alone, or the whole ARN as `roleARN`")
    } else {
        remedy!("it has 1 to 64 letters, digits and `_+=,.@-`")
    };
    let message = format!("{} cannot be the name of an IAM role", quoted(name));
    findings.push(Finding::error(Code::RoleName, path, message).help(help));
}

fn service_account(account: &SharedRoleAccount, path: &FieldPath, findings: &mut Findings) {
    let namespace = &account.namespace;
    if namespace.is_empty() {
        let here = path.key("namespace");
        findings.push(
            Finding::error(Code::Missing, here.clone(), format!("{here} must be set")).explained_from_below(),
        );
    } else if !is_label(namespace) && !namespace.contains("${") {
        let help = if namespace.contains(['*', '?']) {
            remedy!("a statement names its namespaces; list each")
        } else {
            label_help(namespace)
        };
        let message = format!("{} cannot be the name of a namespace", quoted(namespace));
        findings.push(Finding::error(Code::KubernetesName, path.key("namespace"), message).help(help));
    }
    let name = &account.name;
    if name.trim().is_empty() || name.contains("${") {
        // Reported already.
        return;
    }
    if account.is_pattern {
        if let Some(finding) = subject_pattern(name, namespace, path.key("subjectPattern")) {
            findings.push(finding);
        }
        return;
    }
    if is_subdomain(name) {
        return;
    }
    let help = if name.contains(['*', '?']) {
        remedy!(
            "for a pattern write `subjectPattern: {}`",
            quoted(name).replace('`', "\"")
        )
    } else {
        subdomain_help(name)
    };
    let message = format!("{} cannot be the name of a service account", quoted(name));
    findings.push(Finding::error(Code::KubernetesName, path.key("name"), message).help(help));
}

/// Fills in the service accounts of the roles that name none: those of the ClusterConfig that attach the role.
pub(super) fn resolve(roles: &mut [SharedRole], accounts: &[ServiceAccount]) -> Findings {
    let mut findings = Findings::default();
    for (index, role) in roles.iter_mut().enumerate() {
        if role.service_accounts.is_some() || role.role.value.name().is_empty() {
            continue;
        }
        let attaching: Vec<SharedRoleAccount> = accounts
            .iter()
            .filter(|account| {
                account
                    .attach_role_arn
                    .as_ref()
                    .is_some_and(|arn| is_of(&role.role.value, &arn.value))
            })
            .map(|account| SharedRoleAccount {
                namespace: account.namespace.clone(),
                name: account.name.clone(),
                is_pattern: false,
            })
            .collect();
        if attaching.is_empty() {
            let path = FieldPath::of(LIST).index(index);
            let message = format!(
                "{path}: no service account of the ClusterConfig attaches the role {}",
                quoted(role.role.value.name())
            );
            findings.push(Finding::error(Code::SharedRole, path, message).help(remedy!(
                "list `serviceAccounts` here, or write the role's ARN as `attachRoleARN` of a service account"
            )));
        }
        role.service_accounts = Some(attaching);
    }
    findings
}

fn is_of(role: &RoleReference, arn: &str) -> bool {
    match role {
        RoleReference::Arn(own) => own == arn,
        RoleReference::Name(name) => arn
            .parse::<Arn>()
            .is_ok_and(|arn| arn.role_name() == Some(name.as_str())),
    }
}

/// Finds shared roles that are described in more than one place. IAM does not distinguish names by case, and a name is
/// there once whatever its path.
pub(super) fn of_shared_roles(listed: &[Listed<'_, SharedRole>]) -> Vec<Duplicate> {
    repeated(
        listed,
        // What names no role is reported as that.
        |shared| {
            let role = &shared.role.value;
            is_role(role).then(|| role.name().to_lowercase())
        },
        |shared| shared.location.as_ref(),
        |one, place| {
            let role = &one.item.role;
            let message = format!(
                "the role {} is shared twice; the first is at {place}",
                quoted(role.value.name())
            );
            Finding::error(Code::DuplicateSharedRole, one.path.clone(), message)
                .help(remedy!("list all service accounts of a role in one place: a cluster has one statement in its trust policy"))
                .located(role.location.as_ref())
        },
    )
}

fn is_role(role: &RoleReference) -> bool {
    match role {
        RoleReference::Arn(arn) => arn.parse::<Arn>().is_ok_and(|arn| arn.role_name().is_some()),
        RoleReference::Name(name) => is_role_name(name),
    }
}
