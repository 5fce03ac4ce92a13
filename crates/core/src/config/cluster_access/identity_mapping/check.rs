//! The rules of one identity mapping: whom it may name, under which user name and with which groups.
//!
//! Sources: eksctl 0.231, `pkg/apis/eksctl.io/v1alpha5/identitymapping.go` and `pkg/iam/mapping.go`; what can match and what
//! the templates mean is aws-iam-authenticator's (`pkg/arn/arn.go`, `pkg/server/server.go`). It tells nobody when an entry
//! can never match, so that everything of that kind is said here.

use super::{EMR_CONTAINERS, IdentityMapping, MappingSubject, list_key, principal_arn};
use crate::config::assumable_role::named_role;
use crate::config::diagnostic::quoted;
use crate::config::document::DocumentKind;
use crate::config::finding::{Finding, Findings};
use crate::config::path::FieldPath;
use crate::config::reader::{is_set, items};
use crate::config::validate::kubernetes_names::{is_label, label_help};
use eksact_identity::authn::aws_auth::{NameFault, NameOf, NamedCaller, Weight, of_name};
use eksact_identity::iam::Partition;
use eksact_identity::iam::arn::is_account_id;
use eksact_message::code::Code;
use eksact_yaml::Node;

/// Which options do not stand together. Looks at the tree: the plain values have one subject and no more.
pub(in crate::config::cluster_access) fn check_options(kind: DocumentKind, root: &Node) -> Findings {
    let mut findings = Findings::default();
    let list = FieldPath::of(list_key(kind));
    for (index, mapping) in items(root, list_key(kind)).iter().enumerate() {
        if findings.is_full() {
            break;
        }
        options(mapping, &list.index(index), &mut findings);
    }
    findings
}

fn options(mapping: &Node, path: &FieldPath, findings: &mut Findings) {
    let has = |key: &str| is_set(mapping, key);
    let mut refuse = |key: &str, message: String| {
        findings.push(
            Finding::error(Code::IdentityMapping, path.key(key), message)
                .at_key()
                .explained_from_below(),
        );
    };
    if has("arn") && has("username") && has("groups") && has("serviceName") {
        refuse(
            "serviceName",
            format!("{path}: cannot use arn, username, and groups with serviceName"),
        );
    }
    if has("serviceName") && !has("namespace") {
        refuse(
            "namespace",
            format!("{path}: namespace is required when using serviceName"),
        );
    }
    if has("namespace") && !has("serviceName") {
        refuse(
            "serviceName",
            format!("{path}: serviceName is required when using namespace"),
        );
    }
    let others = [
        "arn",
        "permissionSet",
        "username",
        "groups",
        "serviceName",
        "namespace",
    ];
    if has("account") && others.into_iter().any(has) {
        refuse(
            "account",
            format!("{path}: account cannot be configured with any other options"),
        );
    }
    for key in ["arn", "serviceName"]
        .into_iter()
        .filter(|key| has("permissionSet") && has(key))
    {
        refuse(
            key,
            format!("{path}: {key} cannot be used together with permissionSet"),
        );
    }
    if has("serviceName") && !(has("arn") && has("username") && has("groups")) {
        for key in ["arn", "username", "groups"].into_iter().filter(|key| has(key)) {
            let message = format!("{key} has no effect together with serviceName");
            findings.push(
                Finding::warning(Code::NoEffect, path.key(key), message)
                    .help(remedy!(
                        "the service has a role and a user name of its own; leave it out"
                    ))
                    .at_key(),
            );
        }
    }
}

/// Checks the mappings of a document of this kind, for a cluster in `partition`.
pub(in crate::config) fn check(
    kind: DocumentKind,
    mappings: &[IdentityMapping],
    partition: Partition,
    findings: &mut Findings,
) {
    let list = FieldPath::of(list_key(kind));
    for (index, mapping) in mappings.iter().enumerate() {
        if findings.is_full() {
            break;
        }
        one(mapping, partition, &list.index(index), findings);
    }
}

fn one(mapping: &IdentityMapping, partition: Partition, path: &FieldPath, findings: &mut Findings) {
    let mut found = Findings::default();
    match &mapping.subject {
        MappingSubject::Arn(text) if text.is_empty() => found.push(
            Finding::error(
                Code::IdentityMapping,
                path.clone(),
                format!("{path} has no subject"),
            )
            .help(remedy!("set `arn` to the ARN of an IAM role or user"))
            .explained_from_below(),
        ),
        // Whether the files have it, is told once all of them are read.
        MappingSubject::Arn(text) if named_role(text).is_some() => {
            user(mapping, NamedCaller::of_role(text), path, &mut found);
        }
        MappingSubject::Arn(text) => {
            let is_role = principal_arn::check(text, partition, &path.key("arn"), &mut found);
            let caller = if is_role {
                NamedCaller::of_role(text)
            } else {
                NamedCaller::User
            };
            user(mapping, caller, path, &mut found);
        }
        MappingSubject::PermissionSet { name, account } => {
            let path_of_set = path.key("permissionSet");
            permission_set(name, &path_of_set.key("name"), &mut found);
            if let Some(account) = account {
                account_id(account, path_of_set.key("account"), &mut found);
            }
            user(mapping, NamedCaller::SsoSession, path, &mut found);
        }
        MappingSubject::Account(account) => account_id(account, path.key("account"), &mut found),
        MappingSubject::Service { name, namespace } => service(name, namespace, path, &mut found),
    }
    for finding in found.into_vec() {
        let location = finding.location.clone().or_else(|| mapping.location.clone());
        findings.push(Finding { location, ..finding });
    }
}

/// The name of a permission set: `[\w+=,.@-]{1,32}` (IAM Identity Center, `CreatePermissionSet`).
pub(in crate::config) fn permission_set(name: &str, path: &FieldPath, found: &mut Findings) {
    if name.is_empty() {
        found.push(
            Finding::error(Code::Missing, path.clone(), format!("{path} must be set"))
                .help(remedy!(
                    "write the name of the permission set, as IAM Identity Center shows it"
                ))
                .explained_from_below(),
        );
        return;
    }
    let fits = name.len() <= 32
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte));
    // AWSReservedSSO_<name>_<16 hexadecimal digits> is the role that a permission set makes.
    let of_role = name
        .rsplit('/')
        .next()
        .and_then(|name| name.strip_prefix("AWSReservedSSO_"));
    let help = match of_role {
        Some(rest) => {
            let name = rest.rsplit_once('_').map_or(rest, |(name, _)| name);
            remedy!("this is its role; write the name of the permission set alone: `{name}`")
        }
        None if fits => return,
        None => remedy!("it has at most 32 letters, digits and `_+=,.@-`"),
    };
    let message = format!("{} cannot be the name of a permission set", quoted(name));
    found.push(Finding::error(Code::PermissionSet, path.clone(), message).help(help));
}

fn account_id(account: &str, path: FieldPath, found: &mut Findings) {
    if is_account_id(account) || account.contains("${") {
        return;
    }
    let digits = account.replace('-', "");
    let help = if is_account_id(&digits) {
        remedy!("write it without hyphens: \"{digits}\"")
    } else {
        remedy!("it has twelve digits; leading zeros count, so write it in quotes")
    };
    let message = format!("{} is not the id of an AWS account", quoted(account));
    found.push(Finding::error(Code::Account, path, message).help(help));
}

fn service(name: &str, namespace: &str, path: &FieldPath, found: &mut Findings) {
    if name != EMR_CONTAINERS {
        let message = format!("invalid service name {}", quoted(name));
        found.push(
            Finding::error(Code::ServiceName, path.key("serviceName"), message)
                .help(remedy!("the only one is `{EMR_CONTAINERS}`")),
        );
    }
    // That a namespace is there is checked with the other options.
    if !namespace.is_empty() && !is_label(namespace) {
        let message = format!("{} cannot be the name of a namespace", quoted(namespace));
        found.push(
            Finding::error(Code::KubernetesName, path.key("namespace"), message).help(label_help(namespace)),
        );
    }
}

/// User name and groups.
fn user(mapping: &IdentityMapping, caller: NamedCaller, path: &FieldPath, found: &mut Findings) {
    match &mapping.username {
        None if mapping.groups.is_empty() => found.push(
            Finding::error(
                Code::IdentityMapping,
                path.clone(),
                format!("{path}: neither username nor groups are set"),
            )
            .help(remedy!("without both, the principal gets in without any rights"))
            .explained_from_below(),
        ),
        None => found.push(
            Finding::warning(
                Code::NoUsername,
                path.clone(),
                format!("{path}.username is not set"),
            )
            .help(if caller == NamedCaller::User {
                remedy!(
                    "an existing mapping keeps its user name; a new one gets an empty one, and the \
                     audit log cannot tell callers apart"
                )
            } else {
                remedy!(
                    "an existing mapping keeps its user name; a new one gets an empty one, and the \
                     audit log cannot tell callers apart; with `{{{{SessionName}}}}` it can"
                )
            })
            .explained_from_below(),
        ),
        Some(name) => {
            check_name(name, NameOf::User, caller, &path.key("username"), found);
        }
    }
    for (index, group) in mapping.groups.iter().enumerate() {
        if found.is_full() {
            return;
        }
        let path = path.key("groups").index(index);
        // An empty one is reported as every empty value is.
        if !group.is_empty() {
            check_name(group, NameOf::Group, caller, &path, found);
            if mapping.groups.iter().take(index).any(|before| before == group) {
                let message = format!(
                    "{} is in the list already; repeating it has no effect",
                    quoted(group)
                );
                found.push(Finding::warning(Code::RepeatedValue, path, message).help(remedy!("remove it")));
            }
        }
    }
}

/// A user name or group, by the rules that `check aws-auth` has for it.
pub(in crate::config::cluster_access) fn check_name(
    name: &str,
    kind: NameOf,
    caller: NamedCaller,
    path: &FieldPath,
    found: &mut Findings,
) {
    // A blank one is told with every other blank value.
    if name.trim().is_empty() {
        return;
    }
    let found_in_name = of_name(name, kind, caller);
    // Nobody means them, logs and tables show something else in their place, and so a name could pass for another.
    let is_told = found_in_name.iter().any(|one| one.weight == Weight::Error);
    if !is_told && name.contains(char::is_control) {
        let message = format!(
            "{} has a line break or another control character in it",
            // A line break is shown by its escape, not as the blank that it is on one line.
            quoted(&name.escape_debug().to_string())
        );
        found.push(
            Finding::error(Code::NameWithBlanks, path.clone(), message)
                .help(remedy!("write the name on one line, without tabs and escapes")),
        );
    }
    for finding in found_in_name {
        let code = match finding.fault {
            // Reported as unexpanded already.
            NameFault::Placeholder if name.contains("${") => continue,
            NameFault::Placeholder => Code::Template,
            NameFault::MisspeltGroup | NameFault::UnknownSystemGroup => Code::SystemGroup,
            other => other.code(),
        };
        let told = match finding.weight {
            Weight::Error => Finding::error(code, path.clone(), finding.message),
            Weight::Warning => Finding::warning(code, path.clone(), finding.message),
        };
        found.push(told.help(finding.help));
    }
}
