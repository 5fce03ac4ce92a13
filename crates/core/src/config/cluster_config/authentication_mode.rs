//! `accessConfig`, its entries aside: where the cluster looks up who gets in.

use crate::config::finding::{Finding, Findings};
use crate::config::location::Located;
use crate::config::path::FieldPath;
use crate::config::reader::{Reader, items, text};
use crate::ports::aws::AuthenticationMode;
use eksact_message::code::Code;
use eksact_yaml::Node;

/// Whether a mode is one of EKS's is checked elsewhere.
pub(super) fn decode(root: &Node, reader: &Reader<'_>) -> Option<Located<AuthenticationMode>> {
    let text = reader.text(root.get("accessConfig")?, "authenticationMode")?;
    let mode = text.value.parse().ok()?;
    Some(text.map(|_| mode))
}

pub(super) fn decode_bootstrap_creator_admin(root: &Node, reader: &Reader<'_>) -> Option<Located<bool>> {
    reader.boolean(
        root.get("accessConfig")?,
        "bootstrapClusterCreatorAdminPermissions",
    )
}

/// That there are no access entries where the mode leaves them out.
pub(super) fn check_tree(root: &Node, findings: &mut Findings) {
    let Some(config) = root.get("accessConfig") else {
        return;
    };
    let entries = items(config, "accessEntries");
    if !entries.is_empty() && text(config, "authenticationMode") == "CONFIG_MAP" {
        let path = FieldPath::of("accessConfig.authenticationMode");
        let message = format!("{path} must be set to either API_AND_CONFIG_MAP or API to use access entries");
        findings.push(Finding::error(Code::AccessEntry, path, message).help(remedy!(
            "write `authenticationMode: API_AND_CONFIG_MAP`, which keeps `aws-auth`, or leave the entries out"
        )));
    }
}
