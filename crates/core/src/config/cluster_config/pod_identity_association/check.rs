//! The rules of pod identity associations: eksctl's (0.231, `validation.go` and `cmdutils/pod_identity_association.go`), and
//! those of EKS that only its API would tell.

use std::collections::BTreeMap;

use super::PodIdentityAssociation;
use crate::config::cluster_config::ClusterConfig;
use crate::config::diagnostic::quoted;
use crate::config::finding::{Finding, Findings};
use crate::config::path::FieldPath;
use crate::config::validate::iam::{Wanted, arn, document, role_name};
use crate::config::validate::kubernetes_names::{is_label, is_subdomain, label_help, subdomain_help};
use crate::config::validate::tags;
use eksact_identity::iam::Partition;
use eksact_identity::iam::policy::{PolicyKind, check_grammar};
use eksact_message::code::Code;

const POLICY: Wanted = Wanted::Policy { role_in: "roleARN" };
const ROLE: Wanted = Wanted::Role {
    policy_in: "permissionPolicyARNs",
};

pub(in crate::config::cluster_config) fn check(
    config: &ClusterConfig,
    partition: Partition,
    findings: &mut Findings,
) {
    let list = FieldPath::of("iam.podIdentityAssociations");
    let mut names: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let associations = &config.pod_identity_associations.list;
    for (index, association) in associations.iter().enumerate() {
        if findings.is_full() {
            break;
        }
        let path = list.index(index);
        let mut found = Vec::new();
        names_of(association, &path, &mut found);
        role_source(association, &path, &mut found);
        arns(association, partition, &path, &mut found);
        session(association, &path, &mut found);
        let key = (
            association.namespace.as_str(),
            association.service_account.as_str(),
        );
        if !key.1.is_empty()
            && let Some(first) = names.insert(key, index)
        {
            let line = associations
                .get(first)
                .and_then(|first| first.location.as_ref())
                .map(|location| format!(", on line {}", location.line))
                .unwrap_or_default();
            let message = format!(
                "the service account {} has an association already: {}{line}; it can have only one",
                quoted(&association.key().to_string()),
                list.index(first)
            );
            found.push(
                Finding::error(Code::PodIdentity, path.key("serviceAccountName"), message)
                    .help(remedy!("leave one out")),
            );
        }
        for finding in found {
            let location = finding.location.clone().or_else(|| association.location.clone());
            findings.push(Finding { location, ..finding });
        }
        let own = &association.tags;
        if association.role_arn.is_some() {
            // No role is made, so no stack.
            tags::check(own, &path.key("tags"), findings);
            continue;
        }
        let stack = tags::OfStack {
            cluster: &config.metadata.tags,
            own,
            name: &association.key().to_string(),
            location: association.location.as_ref(),
        };
        stack.check(&path.key("tags"), findings);
    }
}

fn names_of(association: &PodIdentityAssociation, path: &FieldPath, found: &mut Vec<Finding>) {
    for (key, name) in [
        ("namespace", &association.namespace),
        ("serviceAccountName", &association.service_account),
    ] {
        let here = path.key(key);
        let is_namespace = key == "namespace";
        if name.is_empty() {
            let message = format!("{here} must be set");
            found.push(Finding::error(Code::Missing, here, message).explained_from_below());
        } else if is_namespace && !is_label(name) {
            let message = format!("{} cannot be the name of a namespace", quoted(name));
            found.push(Finding::error(Code::KubernetesName, here, message).help(label_help(name)));
        } else if !is_namespace && !is_subdomain(name) {
            let message = format!("{} cannot be the name of a service account", quoted(name));
            let finding = Finding::error(Code::KubernetesName, here, message);
            found.push(if name.contains(['*', '?']) {
                finding.help(remedy!(
                    "EKS Pod Identity supports no patterns: write an association for each service account"
                ))
            } else {
                finding.help(subdomain_help(name))
            });
        }
    }
}

/// The role is either made, with permissions, or an existing one.
fn role_source(association: &PodIdentityAssociation, path: &FieldPath, found: &mut Vec<Finding>) {
    let permissions = [
        ("permissionPolicy", association.permission_policy.is_some()),
        (
            "permissionPolicyARNs",
            !association.permission_policy_arns.is_empty(),
        ),
        ("wellKnownPolicies", !association.well_known_policies.0.is_empty()),
    ];
    if association.role_arn.is_some() {
        for (key, _) in permissions.into_iter().filter(|(_, is_set)| *is_set) {
            let message = format!("{path}.{key} cannot be specified when {path}.roleARN is set");
            found.push(
                Finding::error(Code::PodIdentity, path.key(key), message)
                    .help(remedy!("leave one out"))
                    .at_key(),
            );
        }
        let idle = [
            ("roleName", association.role_name.is_some()),
            (
                "permissionsBoundaryARN",
                association.permissions_boundary.is_some(),
            ),
        ];
        for (key, _) in idle.into_iter().filter(|(_, is_set)| *is_set) {
            let message = format!("{key} has no effect together with roleARN");
            found.push(
                Finding::warning(Code::NoEffect, path.key(key), message)
                    .help(remedy!("roleARN uses an existing role as it is"))
                    .at_key(),
            );
        }
    } else if !permissions.into_iter().any(|(_, is_set)| is_set) {
        let message = format!(
            "at least one of the following must be specified: {path}.roleARN, {path}.permissionPolicy, \
             {path}.permissionPolicyARNs, {path}.wellKnownPolicies"
        );
        found.push(
            Finding::error(Code::PodIdentity, path.clone(), message)
                .help(remedy!(
                    "name an existing role with `roleARN`, or write what the one that is made may do, such as `permissionPolicyARNs`"
                ))
                .explained_from_below(),
        );
    }
    let Some(name) = &association.permission_policy_name else {
        return;
    };
    let here = path.key("permissionPolicyName");
    if association.permission_policy.is_none() {
        let message = format!("{path}: permissionPolicyName requires permissionPolicy to be set");
        found.push(Finding::error(Code::PodIdentity, here, message).at_key());
    } else if association.permission_policy_id().is_none() {
        let message = format!(
            "{path}: permissionPolicyName {} must contain at least one alphanumeric character",
            quoted(&name.value)
        );
        found.push(Finding::error(Code::PodIdentity, here, message).located(name.location.as_ref()));
    }
}

fn arns(
    association: &PodIdentityAssociation,
    partition: Partition,
    path: &FieldPath,
    found: &mut Vec<Finding>,
) {
    for (index, policy) in association.permission_policy_arns.iter().enumerate() {
        let here = path.key("permissionPolicyARNs").index(index);
        arn(policy, POLICY, partition, here, found);
    }
    for (key, value, wanted) in [
        ("roleARN", &association.role_arn, ROLE),
        ("targetRoleARN", &association.target_role_arn, ROLE),
        (
            "permissionsBoundaryARN",
            &association.permissions_boundary,
            POLICY,
        ),
    ] {
        if let Some(value) = value {
            arn(value, wanted, partition, path.key(key), found);
        }
    }
    if let Some(name) = &association.role_name {
        role_name(name, path.key("roleName"), found);
    }
    if let Some(policy) = &association.permission_policy {
        document(policy, &path.key("permissionPolicy"), found);
    }
}

/// What limits the session that the pods get.
fn session(association: &PodIdentityAssociation, path: &FieldPath, found: &mut Vec<Finding>) {
    let Some(policy) = &association.policy else {
        return;
    };
    let here = path.key("policy");
    if !association.disables_session_tags() {
        let message = "disableSessionTags must be true where policy is set";
        found.push(
            Finding::error(Code::PodIdentity, here.clone(), message)
                .help(remedy!(
                    "write `disableSessionTags: true` beside it; conditions on session tags then no longer hold"
                ))
                .at_key(),
        );
    }
    match serde_json::from_str::<serde_json::Value>(&policy.value) {
        Ok(document) => {
            for error in check_grammar(&document, PolicyKind::Identity) {
                let finding = Finding::error(Code::PolicyGrammar, here.clone(), error.message)
                    .located(policy.location.as_ref());
                found.push(match error.help {
                    Some(help) => finding.help(help),
                    None => finding,
                });
            }
        }
        Err(error) => {
            let message = format!("policy is not JSON: {error}");
            found.push(Finding::error(Code::PolicyGrammar, here, message).located(policy.location.as_ref()));
        }
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use crate::config::tests::{HEAD, said};

    fn about(associations: &str) -> String {
        said(&format!("{HEAD}iam:\n  podIdentityAssociations:\n{associations}"))
    }

    #[test]
    fn eksctls_rules() {
        assert_snapshot!(about(
            "  - {namespace: a, serviceAccountName: b, permissionPolicyName: x}\n  - {permissionPolicyName: '-', permissionPolicy: {a: b}}\n  - {namespace: a, serviceAccountName: c, roleARN: 'arn:aws:iam::111122223333:role/r', wellKnownPolicies: {autoScaler: true}, roleName: x}\n"
        ), @r#"
        6:5: error: at least one of the following must be specified: iam.podIdentityAssociations[0].roleARN, iam.podIdentityAssociations[0].permissionPolicy, iam.podIdentityAssociations[0].permissionPolicyARNs, iam.podIdentityAssociations[0].wellKnownPolicies
            help: name an existing role with `roleARN`, or write what the one that is made may do, such as `permissionPolicyARNs`
        6:43: error: iam.podIdentityAssociations[0]: permissionPolicyName requires permissionPolicy to be set
        7:5: error: iam.podIdentityAssociations[1].namespace must be set
        7:5: error: iam.podIdentityAssociations[1].serviceAccountName must be set
        7:28: error: iam.podIdentityAssociations[1]: permissionPolicyName `-` must contain at least one alphanumeric character
        7:51: error: `Statement` is missing; a policy needs at least one statement
            help: list at least one statement under `Statement`, with `Effect`, `Action` and `Resource`
        7:55: error: `a` is not an element of a policy here; did you mean `Id`?
        8:88: error: iam.podIdentityAssociations[2].wellKnownPolicies cannot be specified when iam.podIdentityAssociations[2].roleARN is set
            help: leave one out
        8:127: warning: roleName has no effect together with roleARN
            help: roleARN uses an existing role as it is
        "#);
    }

    #[test]
    fn tags_are_counted_for_a_stack_only_where_one_is_made() {
        let tags: Vec<String> = (0..47).map(|index| format!("k{index}: v")).collect();
        let of = |keys: &str| {
            about(&format!(
                "  - {{namespace: a, serviceAccountName: b, {keys}, tags: {{{}}}}}\n",
                tags.join(", ")
            ))
        };
        let said = of("permissionPolicyARNs: ['arn:aws:iam::aws:policy/A']");
        assert!(said.contains("the stack of `a/b` would have 51 tags"), "{said}");
        assert_eq!(of("roleARN: 'arn:aws:iam::111122223333:role/r'"), "");
        let said = about(
            "  - {namespace: a, serviceAccountName: b, roleARN: 'arn:aws:iam::111122223333:role/r', tags: {'aws:x': v, Team: v, team: v}}\n",
        );
        assert_eq!(said.matches("error: ").count(), 2, "{said}");
    }

    #[test]
    fn rules_of_eks() {
        let role = "roleARN: 'arn:aws:iam::111122223333:role/r'";
        assert_snapshot!(about(&format!(
            "  - {{namespace: A_b, serviceAccountName: a.b, {role}}}\n  - {{namespace: a, serviceAccountName: 'app-*', {role}}}\n  - {{namespace: a, serviceAccountName: b, {role}, policy: '{{}}'}}\n  - {{namespace: a, serviceAccountName: b, {role}, disableSessionTags: true, policy: 'x'}}\n  - {{namespace: a, serviceAccountName: c, roleARN: 'arn:aws:iam::aws:policy/A', targetRoleARN: x}}\n"
        )), @r#"
        6:17: error: `A_b` cannot be the name of a namespace
            help: Kubernetes would accept `a-b`
        7:40: error: `app-*` cannot be the name of a service account
            help: EKS Pod Identity supports no patterns: write an association for each service account
        8:88: error: disableSessionTags must be true where policy is set
            help: write `disableSessionTags: true` beside it; conditions on session tags then no longer hold
        8:96: error: `Statement` is missing; a policy needs at least one statement
            help: list at least one statement under `Statement`, with `Effect`, `Action` and `Resource`
        9:40: error: the service account `a/b` has an association already: iam.podIdentityAssociations[2], on line 8; it can have only one
            help: leave one out
        9:122: error: policy is not JSON: expected value at line 1 column 1
        10:52: error: `arn:aws:iam::aws:policy/A` is not the ARN of an IAM role
            help: this is a policy; it belongs in `permissionPolicyARNs`
        10:96: error: `x` is not the ARN of an IAM role
            help: write it like arn:aws:iam::111122223333:role/my-role
        "#);
    }
}
