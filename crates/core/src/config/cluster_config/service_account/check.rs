//! The rules of one service account: names, ARNs, where its role comes from, its policy document.

use super::{ServiceAccount, limits, uniqueness};
use crate::config::cluster_config::ClusterConfig;
use crate::config::diagnostic::quoted;
use crate::config::finding::{Finding, Findings};
use crate::config::path::FieldPath;
use crate::config::validate::iam::{Wanted, arn, document, role_name, subject_pattern};
use crate::config::validate::kubernetes_names::{
    is_annotation_key, is_label, is_label_key, is_label_value, is_subdomain, label_help, subdomain_help,
    suggestion,
};
use crate::config::validate::tags;
use eksact_identity::iam::Partition;
use eksact_message::code::Code;
use eksact_message::remedy::Remedy;

/// The annotation that names the role; read by the pod identity webhook. eksact writes it itself.
const ROLE_ARN_ANNOTATION: &str = "eks.amazonaws.com/role-arn";
/// The label that marks ownership; eksact writes it as eksctl does.
const MANAGED_BY_LABEL: &str = "app.kubernetes.io/managed-by";

const POLICY: Wanted = Wanted::Policy {
    role_in: "attachRoleARN",
};
const ROLE: Wanted = Wanted::Role {
    policy_in: "attachPolicyARNs",
};

pub(in crate::config::cluster_config) fn check(
    config: &ClusterConfig,
    partition: Partition,
    findings: &mut Findings,
) {
    let list = FieldPath::of("iam.serviceAccounts");
    for (index, account) in config.iam.service_accounts.iter().enumerate() {
        if findings.is_full() {
            break;
        }
        let path = list.index(index);
        one(account, partition, &path, findings);
        if account.owns_role() {
            let stack = tags::OfStack {
                cluster: &config.metadata.tags,
                own: &account.tags,
                name: &account.qualified_name(),
                location: account.location.as_ref(),
            };
            stack.check(&path.key("tags"), findings);
        }
        limits::check(account, partition, &path, findings);
    }
    uniqueness::check(config, findings);
}

fn one(account: &ServiceAccount, partition: Partition, path: &FieldPath, findings: &mut Findings) {
    let mut found = Vec::new();
    kubernetes(account, path, &mut found);
    role_source(account, path, &mut found);
    arns(account, partition, path, &mut found);
    role(account, path, &mut found);
    if let Some(policy) = &account.attach_policy {
        document(policy, &path.key("attachPolicy"), &mut found);
    }
    for finding in found {
        let location = finding.location.clone().or_else(|| account.location.clone());
        findings.push(Finding { location, ..finding });
    }
}

fn kubernetes(account: &ServiceAccount, path: &FieldPath, found: &mut Vec<Finding>) {
    let metadata = path.key("metadata");
    if account.name.is_empty() {
        let path = metadata.key("name");
        found.push(
            Finding::error(Code::Missing, path.clone(), format!("{path} must be set"))
                .help(remedy!("write the name of the service account"))
                .explained_from_below(),
        );
    } else if !is_subdomain(&account.name) {
        let help = if account.name.starts_with("arn:") {
            remedy!(
                "this is an ARN; write the name of the Kubernetes service account, and an existing role as `attachRoleARN`"
            )
        } else if account.name.contains(['*', '?']) {
            for_many(&account.name)
        } else {
            subdomain_help(&account.name)
        };
        let message = format!(
            "{} cannot be the name of a service account",
            quoted(&account.name)
        );
        found.push(Finding::error(Code::KubernetesName, metadata.key("name"), message).help(help));
    }
    if !is_label(&account.namespace) {
        let help = label_help(&account.namespace);
        let message = format!("{} cannot be the name of a namespace", quoted(&account.namespace));
        found.push(Finding::error(Code::KubernetesName, metadata.key("namespace"), message).help(help));
    }
    for (key, value) in &account.labels {
        let path = metadata.key("labels").key(key);
        if !is_label_key(key) {
            found.push(
                Finding::error(
                    Code::Label,
                    path,
                    format!("{} cannot be the key of a label", quoted(key)),
                )
                .help(remedy!(
                    "at most 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both \
                     ends, optionally after a `prefix/`"
                ))
                .at_key(),
            );
        } else if !is_label_value(value) {
            found.push(Finding::error(Code::Label, path, format!("{} cannot be the value of a label", quoted(value)))
                .help(remedy!("at most 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends; longer text goes into an annotation")));
        } else if key == MANAGED_BY_LABEL && value != "eksctl" {
            found.push(
                Finding::warning(
                    Code::ManagedByLabel,
                    path,
                    format!("{MANAGED_BY_LABEL} will be `eksctl`, not {}", quoted(value)),
                )
                .help(remedy!(
                    "eksact marks what it owns with this label, as eksctl does; leave it out here"
                ))
                .at_key(),
            );
        }
    }
    for key in account.annotations.keys() {
        let path = metadata.key("annotations").key(key);
        if key == ROLE_ARN_ANNOTATION {
            found.push(
                Finding::error(
                    Code::RoleAnnotation,
                    path,
                    format!("{ROLE_ARN_ANNOTATION} is written by eksact itself"),
                )
                .help(remedy!(
                    "leave it out; to use an existing role write `attachRoleARN`"
                ))
                .at_key(),
            );
        } else if !is_annotation_key(key) {
            found.push(
                Finding::error(
                    Code::Annotation,
                    path,
                    format!("{} cannot be the key of an annotation", quoted(key)),
                )
                .help(remedy!(
                    "at most 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both \
                     ends, optionally after a `prefix/`"
                ))
                .at_key(),
            );
        }
    }
}

/// What to write for the role of many service accounts.
fn for_many(pattern: &str) -> Remedy {
    let example = pattern.replace('*', "one").replace('?', "x");
    let example = suggestion(&example, is_subdomain).unwrap_or(example);
    remedy!(
        "for every service account with such a name write `name: {example}` here and, beside `metadata`, \
         `subjectPattern: \"{pattern}\"`; with `roleOnly: true` no service account is made"
    )
}

/// The role is either made, with policies, or an existing one; never both and never neither.
fn role_source(account: &ServiceAccount, path: &FieldPath, found: &mut Vec<Finding>) {
    if account.attach_role_arn.is_some() {
        let conflicts = [
            ("attachPolicyARNs", !account.attach_policy_arns.is_empty()),
            ("attachPolicy", account.attach_policy.is_some()),
            ("wellKnownPolicies", !account.well_known_policies.0.is_empty()),
            ("roleName", account.role_name.is_some()),
            ("roleOnly", account.role_only),
        ];
        for (key, _) in conflicts.into_iter().filter(|(_, present)| *present) {
            let message = format!("{key} cannot be used together with attachRoleARN");
            found.push(
                Finding::error(Code::RoleSource, path.key(key), message)
                    .help(remedy!(
                        "attachRoleARN uses an existing role as it is; keep one of the two"
                    ))
                    .at_key(),
            );
        }
        let idle = [
            ("permissionsBoundary", account.permissions_boundary.is_some()),
            ("subjectPattern", account.subject_pattern.is_some()),
            ("tags", !account.tags.is_empty()),
        ];
        for (key, _) in idle.into_iter().filter(|(_, present)| *present) {
            let message = format!("{key} has no effect together with attachRoleARN");
            found.push(
                Finding::warning(Code::NoEffect, path.key(key), message)
                    .help(remedy!("attachRoleARN uses an existing role as it is"))
                    .at_key(),
            );
        }
    } else if !account.has_policy() {
        if account.states_no_policy {
            let message = format!(
                "the role of {} will have no policy",
                quoted(&account.qualified_name())
            );
            found.push(
                Finding::warning(Code::NoPolicy, path.key("attachPolicyARNs"), message)
                    .help(remedy!("attach one, unless resources trust the role by name")),
            );
        } else {
            let message = format!(
                "{path}.wellKnownPolicies, {path}.attachPolicyARNs, {path}.attachRoleARN or {path}.attachPolicy must be set"
            );
            found.push(
                Finding::error(Code::NoPolicy, path.clone(), message)
                    .help(remedy!(
                        "for a role without any policy write `attachPolicyARNs: []`"
                    ))
                    .explained_from_below(),
            );
        }
    }
}

fn arns(account: &ServiceAccount, partition: Partition, path: &FieldPath, found: &mut Vec<Finding>) {
    let mut seen = std::collections::BTreeSet::new();
    for (index, policy) in account.attach_policy_arns.iter().enumerate() {
        let path = path.key("attachPolicyARNs").index(index);
        arn(policy, POLICY, partition, path.clone(), found);
        if !seen.insert(&policy.value) {
            found.push(
                Finding::warning(
                    Code::DuplicatePolicy,
                    path,
                    format!("{} is listed twice", quoted(&policy.value)),
                )
                .help(remedy!("leave one out"))
                .located(policy.location.as_ref()),
            );
        }
    }
    for (key, value, wanted) in [
        ("permissionsBoundary", &account.permissions_boundary, POLICY),
        ("attachRoleARN", &account.attach_role_arn, ROLE),
    ] {
        if let Some(value) = value {
            arn(value, wanted, partition, path.key(key), found);
        }
    }
}

fn role(account: &ServiceAccount, path: &FieldPath, found: &mut Vec<Finding>) {
    if let Some(name) = &account.role_name {
        role_name(name, path.key("roleName"), found);
    }
    let Some(pattern) = &account.subject_pattern else {
        return;
    };
    let here = path.key("subjectPattern");
    let finding = if let Some(finding) = subject_pattern(&pattern.value, &account.namespace, here.clone()) {
        finding
    } else if !matches(&pattern.value, &account.name) {
        let message = format!(
            "{} does not match the service account's own name, so its pods cannot assume the role",
            quoted(&pattern.value)
        );
        Finding::warning(Code::SubjectPattern, here, message).help(remedy!(
            "correct one of the two: `*` stands for any text, `?` for one character"
        ))
    } else {
        return;
    };
    found.push(finding.located(pattern.location.as_ref()));
}

/// IAM's `StringLike`: `*` is any text, `?` one character.
fn matches(pattern: &str, text: &str) -> bool {
    // The set of positions in `pattern` that the text read so far can have led to; linear in both, whatever the stars.
    let pattern: Vec<char> = pattern.chars().collect();
    let after_stars = |mut states: Vec<bool>| {
        for (index, character) in pattern.iter().enumerate() {
            if *character == '*'
                && states.get(index) == Some(&true)
                && let Some(next) = states.get_mut(index + 1)
            {
                *next = true;
            }
        }
        states
    };
    let mut states = vec![false; pattern.len() + 1];
    if let Some(first) = states.first_mut() {
        *first = true;
    }
    states = after_stars(states);
    for character in text.chars() {
        let mut next = vec![false; pattern.len() + 1];
        for (index, wanted) in pattern
            .iter()
            .enumerate()
            .filter(|(index, _)| states.get(*index) == Some(&true))
        {
            let target = if *wanted == '*' { index } else { index + 1 };
            if (*wanted == '*' || *wanted == '?' || *wanted == character)
                && let Some(state) = next.get_mut(target)
            {
                *state = true;
            }
        }
        states = after_stars(next);
    }
    states.last() == Some(&true)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_match_as_in_iam() {
        for (pattern, text, expected) in [
            ("app-*", "app-one", true),
            ("app-*", "app-", true),
            ("app-?", "app-", false),
            ("*-app", "my-app", true),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "aXcYb", false),
            ("", "a", false),
            ("?", "a", true),
            ("app", "app", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
        assert!(!matches(&"*a".repeat(100), &"b".repeat(253)));
    }
}
