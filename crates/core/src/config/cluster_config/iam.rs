//! `iam`: the OIDC provider of the account for the cluster, and the service accounts that need it.

use serde::{Deserialize, Serialize};

use super::service_account::{self, ServiceAccount};
use crate::config::finding::{Finding, Findings};
use crate::config::location::Located;
use crate::config::path::FieldPath;
use crate::config::reader::Reader;
use eksact_message::code::Code;
use eksact_yaml::Node;

/// The IAM half of the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Iam {
    /// Whether the account shall have an OIDC provider for the cluster. Absent: false, without a location.
    pub with_oidc: Located<bool>,
    /// The service accounts, in the order of the file.
    pub service_accounts: Vec<ServiceAccount>,
    /// Whether the file has the list at all, be it an empty one. Without it the file says nothing of them.
    pub lists_service_accounts: bool,
}

pub(super) fn decode(root: &Node, reader: &Reader<'_>) -> Iam {
    let Some(node) = root.get("iam") else {
        return Iam::default();
    };
    Iam {
        with_oidc: reader.boolean(node, "withOIDC").unwrap_or_default(),
        service_accounts: service_account::decode(node, reader),
        lists_service_accounts: node.get("serviceAccounts").is_some(),
    }
}

pub(super) fn check(iam: &Iam, findings: &mut Findings) {
    if !iam.service_accounts.is_empty() && !iam.with_oidc.value {
        findings.push(
            Finding::error(
                Code::OidcDisabled,
                FieldPath::of("iam.withOIDC"),
                "iam.withOIDC must be enabled explicitly for iam.serviceAccounts to be created",
            )
            .help(remedy!("write `withOIDC: true` under `iam`"))
            .located(iam.with_oidc.location.as_ref())
            .explained_from_below(),
        );
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use crate::config::tests::{HEAD, said};

    #[test]
    fn with_oidc_must_be_said() {
        assert_snapshot!(said(&format!("{HEAD}iam:\n  serviceAccounts: [{{metadata: {{name: a}}, attachPolicyARNs: []}}]\n")), @r#"
        5:3: error: iam.withOIDC must be enabled explicitly for iam.serviceAccounts to be created
            help: write `withOIDC: true` under `iam`
        5:61: warning: the role of `default/a` will have no policy
            help: attach one, unless resources trust the role by name
        "#);
        assert_snapshot!(said(&format!("{HEAD}iam: {{withOIDC: no, serviceAccounts: []}}\n")), @"");
    }
}
