//! The sections that eksact leaves alone: which a file has, and eksctl's rules for those that are about identity, on the tree itself.
//!
//! Source of the rules: eksctl 0.231, `pkg/apis/eksctl.io/v1alpha5/validation.go`. What eksctl refuses only when it creates the
//! object (`pkg/ctl/cmdutils/pod_identity_association.go`) is an error here, too.

use crate::config::diagnostic::quoted;
use crate::config::document::DocumentKind;
use crate::config::fields::{Field, FieldType, ObjectType, types};
use crate::config::finding::{Finding, Findings};
use crate::config::path::FieldPath;
use crate::config::reader::{boolean, is_set, is_true, items, text};
use eksact_message::code::Code;
use eksact_yaml::Node;

/// What is written in the file and eksact leaves alone, in the order of the file, by the marks of the field table. Empty
/// sections ask for nothing.
pub(super) fn sections(root: &Node) -> Vec<String> {
    let mut sections = Vec::new();
    add_unmanaged(DocumentKind::ClusterConfig.name(), root, "", &mut sections);
    sections
}

fn add_unmanaged(type_name: &str, node: &Node, prefix: &str, sections: &mut Vec<String>) {
    let types = types(DocumentKind::ClusterConfig);
    let Some(object) = types.get(type_name) else {
        return;
    };
    for entry in node.entries().iter().filter(|entry| !entry.value.is_empty()) {
        let name = format!("{prefix}{}", entry.key);
        match object.field(&entry.key) {
            Some(field) if !field.managed => sections.push(name),
            Some(Field {
                holds: FieldType::Object(inner),
                ..
            }) if types.get(inner).is_some_and(ObjectType::is_managed_in_part) => {
                add_unmanaged(inner, &entry.value, &format!("{name}."), sections);
            }
            // What is no field of the format holds anchors for others.
            Some(_) | None => {}
        }
    }
}

pub(super) fn check_tree(root: &Node, findings: &mut Findings) {
    outposts(root, findings);
    addons(root, findings);
}

/// Whether the control plane is on an Outpost.
pub(super) fn is_on_outposts(root: &Node) -> bool {
    root.get("outpost")
        .is_some_and(|outpost| outpost.get("controlPlaneOutpostARN").is_some())
}

fn outposts(root: &Node, findings: &mut Findings) {
    if !is_on_outposts(root) {
        return;
    }
    if root.get("iam").is_some_and(|iam| is_true(iam, "withOIDC")) {
        findings.push(
            Finding::error(
                Code::Outposts,
                FieldPath::of("iam.withOIDC"),
                "iam.withOIDC is not supported on Outposts",
            )
            .help(remedy!("leave it out")),
        );
    }
    let creator = root
        .get("accessConfig")
        .and_then(|config| config.get("bootstrapClusterCreatorAdminPermissions"));
    if creator.and_then(boolean) == Some(false) {
        let path = FieldPath::of("accessConfig.bootstrapClusterCreatorAdminPermissions");
        let message = format!("{path} can't be set to false on Outposts");
        findings.push(Finding::error(Code::Outposts, path, message).help(remedy!("leave it out")));
    }
}

fn addons(root: &Node, findings: &mut Findings) {
    for (index, addon) in items(root, "addons").iter().enumerate() {
        let path = FieldPath::of("addons").index(index);
        let associations = path.key("podIdentityAssociations");
        if is_true(addon, "useDefaultPodIdentityAssociations") && is_set(addon, "podIdentityAssociations") {
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
        for (index, association) in items(addon, "podIdentityAssociations").iter().enumerate() {
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

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use crate::config::tests::{HEAD, said};

    #[test]
    fn sections_of_others_follow_eksctls_rules() {
        assert_snapshot!(said(&format!("{HEAD}outpost: {{controlPlaneOutpostARN: x}}\niam: {{withOIDC: true}}\nidentityProviders: [{{type: oidc, name: a, issuerURL: 'https://b', clientID: c}}]\naccessConfig: {{bootstrapClusterCreatorAdminPermissions: false}}\n")), @r#"
        5:17: error: iam.withOIDC is not supported on Outposts
            help: leave it out
        6:1: error: Identity Providers are not supported on Outposts
            help: leave it out
        7:57: error: accessConfig.bootstrapClusterCreatorAdminPermissions can't be set to false on Outposts
            help: leave it out
        "#);
        assert_snapshot!(said(&format!("{HEAD}addons:\n- {{name: x, useDefaultPodIdentityAssociations: true, podIdentityAssociations: [{{wellKnownPolicies: {{autoScaler: true}}, tags: {{a: b}}}}]}}\n")), @r#"
        5:54: error: cannot specify both addon.useDefaultPodIdentityAssociations and addon.podIdentityAssociations (addon: `x`)
            help: leave one out
        5:81: error: wellKnownPolicies is not supported for addon.podIdentityAssociations
            help: leave it out
        5:120: error: tags is not supported for addon.podIdentityAssociations
            help: leave it out
        "#);
    }
}
