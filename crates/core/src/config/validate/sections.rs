//! eksctl's rules for the identity sections that eksact does not manage yet, on the tree itself.
//!
//! Source: eksctl 0.231, `pkg/apis/eksctl.io/v1alpha5/validation.go`, `access_entry.go`. What eksctl
//! refuses only when it creates the object (`pkg/ctl/cmdutils/pod_identity_association.go`) is a warning here, since
//! eksctl takes such a file for everything else.

use eksact_message::code::Code;
use std::collections::BTreeSet;

use crate::config::diagnostic::quoted;
use crate::config::finding::{Finding, Findings};
use crate::config::path::FieldPath;
use eksact_identity::iam::Arn;
use eksact_yaml::{Node, Resolved};

pub(in crate::config) fn check(root: &Node) -> Findings {
    let mut findings = Findings::default();
    identity_providers(root, &mut findings);
    outposts(root, &mut findings);
    access_config(root, &mut findings);
    addons(root, &mut findings);
    findings
}

fn items<'a>(node: Option<&'a Node>, key: &str) -> &'a [Node] {
    node.and_then(|node| node.get(key))
        .map(Node::items)
        .unwrap_or_default()
}

/// The text at `key`, empty when absent.
fn text<'a>(node: &'a Node, key: &str) -> &'a str {
    node.get(key).and_then(Node::text).unwrap_or_default()
}

fn is_set(node: &Node, key: &str) -> bool {
    node.get(key).is_some_and(|value| !value.is_empty())
}

fn is_boolean(node: Option<&Node>, key: &str, wanted: bool) -> bool {
    node.and_then(|node| node.get(key)).and_then(Node::resolved) == Some(&Resolved::Bool(wanted))
}

fn identity_providers(root: &Node, findings: &mut Findings) {
    for (index, provider) in items(Some(root), "identityProviders").iter().enumerate() {
        let path = FieldPath::of("identityProviders").index(index);
        for key in ["name", "clientID", "issuerURL"]
            .into_iter()
            .filter(|key| !is_set(provider, key))
        {
            let message = format!("identityProviders[{index}] is invalid: {key} must be set and non-empty");
            findings
                .push(Finding::error(Code::IdentityProvider, path.key(key), message).explained_from_below());
        }
        if !is_set(provider, "type") {
            let message = format!("identityProviders[{index}] is invalid: type must be set");
            findings.push(
                Finding::error(Code::IdentityProvider, path.key("type"), message)
                    .help(remedy!("write `type: oidc`"))
                    .explained_from_below(),
            );
        }
    }
}

fn outposts(root: &Node, findings: &mut Findings) {
    if root
        .get("outpost")
        .and_then(|outpost| outpost.get("controlPlaneOutpostARN"))
        .is_none()
    {
        return;
    }
    if is_boolean(root.get("iam"), "withOIDC", true) {
        findings.push(Finding::error(
            Code::Outposts,
            FieldPath::of("iam.withOIDC"),
            "iam.withOIDC is not supported on Outposts",
        ));
    }
    if is_set(root, "identityProviders") {
        findings.push(
            Finding::error(
                Code::Outposts,
                FieldPath::of("identityProviders"),
                "Identity Providers are not supported on Outposts",
            )
            .at_key(),
        );
    }
    if is_boolean(
        root.get("accessConfig"),
        "bootstrapClusterCreatorAdminPermissions",
        false,
    ) {
        let path = FieldPath::of("accessConfig.bootstrapClusterCreatorAdminPermissions");
        findings.push(Finding::error(
            Code::Outposts,
            path.clone(),
            format!("{path} can't be set to false on Outposts"),
        ));
    }
}

fn access_config(root: &Node, findings: &mut Findings) {
    let config = root.get("accessConfig");
    let entries = items(config, "accessEntries");
    let mode = config
        .map(|config| text(config, "authenticationMode"))
        .unwrap_or_default();
    if !entries.is_empty() && mode == "CONFIG_MAP" {
        let path = FieldPath::of("accessConfig.authenticationMode");
        let message = format!("{path} must be set to either API_AND_CONFIG_MAP or API to use access entries");
        findings.push(Finding::error(Code::AccessEntry, path, message));
    }
    let mut principals = BTreeSet::new();
    for (index, entry) in entries.iter().enumerate() {
        if findings.is_full() {
            return;
        }
        let path = FieldPath::of("accessConfig.accessEntries").index(index);
        let principal = text(entry, "principalARN");
        if principal.parse::<Arn>().is_err() {
            let message = format!("{path}.principalARN must be set to a valid AWS ARN");
            findings.push(
                Finding::error(Code::AccessEntry, path.key("principalARN"), message).explained_from_below(),
            );
        } else if !principals.insert(principal) {
            let message = format!(
                "duplicate access entry {path} with principal ARN {}",
                quoted(principal)
            );
            findings.push(Finding::error(
                Code::AccessEntry,
                path.key("principalARN"),
                message,
            ));
        }
        access_entry_type(entry, &path, findings);
        for (index, policy) in items(Some(entry), "accessPolicies").iter().enumerate() {
            access_policy(policy, &path.key("accessPolicies").index(index), findings);
        }
    }
}

/// Entries of nodes bring their own groups and policies.
fn access_entry_type(entry: &Node, path: &FieldPath, findings: &mut Findings) {
    let kind = text(entry, "type");
    if kind.is_empty() || kind == "STANDARD" {
        return;
    }
    for key in ["kubernetesGroups", "kubernetesUsername"]
        .into_iter()
        .filter(|key| is_set(entry, key))
    {
        let message = format!(
            "cannot specify {path}.kubernetesGroups nor {path}.kubernetesUsername when type is set to {}",
            quoted(kind)
        );
        findings.push(Finding::error(Code::AccessEntry, path.key(key), message).at_key());
    }
    if is_set(entry, "accessPolicies") {
        let message = format!(
            "cannot specify {path}.accessPolicies when type is set to {}",
            quoted(kind)
        );
        findings.push(Finding::error(Code::AccessEntry, path.key("accessPolicies"), message).at_key());
    }
}

fn access_policy(policy: &Node, path: &FieldPath, findings: &mut Findings) {
    let mut refuse = |path: FieldPath, message: String| {
        findings.push(Finding::error(Code::AccessEntry, path, message).explained_from_below());
    };
    match text(policy, "policyARN").parse::<Arn>() {
        Err(_) => refuse(
            path.key("policyARN"),
            format!("{path}.policyARN must be set to a valid AWS ARN"),
        ),
        Ok(arn) => match arn.resource.split_once('/') {
            None => refuse(path.key("policyARN"), format!("invalid {path}.policyARN")),
            Some(("cluster-access-policy", _)) => {}
            Some(_) => refuse(
                path.key("policyARN"),
                format!("{path}.policyARN must be a cluster-access-policy resource"),
            ),
        },
    }
    let scope = policy.get("accessScope");
    let namespaces = !items(scope, "namespaces").is_empty();
    let here = path.key("accessScope");
    match scope.map(|scope| text(scope, "type")).unwrap_or_default() {
        "" => refuse(
            here.key("type"),
            format!("{path}.accessScope.type must be set to either \"namespace\" or \"cluster\""),
        ),
        "cluster" if namespaces => refuse(
            here.key("namespaces"),
            format!("cannot specify {path}.accessScope.namespaces when accessScope is set to cluster"),
        ),
        "namespace" if !namespaces => {
            refuse(
                here,
                format!(
                    "at least one namespace must be specified when accessScope is set to namespace: ({path})"
                ),
            );
        }
        _ => {}
    }
}

fn addons(root: &Node, findings: &mut Findings) {
    for (index, addon) in items(Some(root), "addons").iter().enumerate() {
        let path = FieldPath::of("addons").index(index);
        let associations = path.key("podIdentityAssociations");
        if is_boolean(Some(addon), "useDefaultPodIdentityAssociations", true)
            && is_set(addon, "podIdentityAssociations")
        {
            let message = format!(
                "cannot specify both addon.useDefaultPodIdentityAssociations and addon.podIdentityAssociations (addon: {})",
                quoted(text(addon, "name"))
            );
            findings.push(Finding::error(Code::Addon, associations.clone(), message).at_key());
        }
        for (index, association) in items(Some(addon), "podIdentityAssociations").iter().enumerate() {
            for key in ["wellKnownPolicies", "tags"]
                .into_iter()
                .filter(|key| is_set(association, key))
            {
                let message = format!("{key} is not supported for addon.podIdentityAssociations");
                findings
                    .push(Finding::error(Code::Addon, associations.index(index).key(key), message).at_key());
            }
        }
    }
}
