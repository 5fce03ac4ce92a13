//! eksctl's rules for the identity sections that eksact does not manage yet, on the tree itself.
//!
//! Source: eksctl 0.231, `pkg/apis/eksctl.io/v1alpha5/validation.go`, `access_entry.go`. What eksctl
//! refuses only when it creates the object (`pkg/ctl/cmdutils/pod_identity_association.go`) is a warning here, since
//! eksctl takes such a file for everything else.

use eksact_message::code::Code;

use crate::config::diagnostic::quoted;
use crate::config::finding::{Finding, Findings};
use crate::config::path::FieldPath;
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
        findings.push(
            Finding::error(
                Code::Outposts,
                FieldPath::of("iam.withOIDC"),
                "iam.withOIDC is not supported on Outposts",
            )
            .help(remedy!("leave it out")),
        );
    }
    if is_set(root, "identityProviders") {
        findings.push(
            Finding::error(
                Code::Outposts,
                FieldPath::of("identityProviders"),
                "Identity Providers are not supported on Outposts",
            )
            .help(remedy!("leave it out"))
            .at_key(),
        );
    }
    if is_boolean(
        root.get("accessConfig"),
        "bootstrapClusterCreatorAdminPermissions",
        false,
    ) {
        let path = FieldPath::of("accessConfig.bootstrapClusterCreatorAdminPermissions");
        let message = format!("{path} can't be set to false on Outposts");
        findings.push(Finding::error(Code::Outposts, path, message).help(remedy!("leave it out")));
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
            findings.push(
                Finding::error(Code::Addon, associations.clone(), message)
                    .help(remedy!("leave one out"))
                    .at_key(),
            );
        }
        for (index, association) in items(Some(addon), "podIdentityAssociations").iter().enumerate() {
            for key in ["wellKnownPolicies", "tags"]
                .into_iter()
                .filter(|key| is_set(association, key))
            {
                let message = format!("{key} is not supported for addon.podIdentityAssociations");
                let path = associations.index(index).key(key);
                findings.push(
                    Finding::error(Code::Addon, path, message)
                        .help(remedy!("leave it out"))
                        .at_key(),
                );
            }
        }
    }
}
