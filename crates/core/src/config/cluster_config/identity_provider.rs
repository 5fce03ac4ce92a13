//! `identityProviders`: OIDC identity providers of the cluster, by EKS's rules:
//! <https://docs.aws.amazon.com/eks/latest/userguide/authenticate-oidc-identity-provider.html> and the lengths of
//! `OidcIdentityProviderConfigRequest`. eksctl's are on the tree (0.231, `validation.go`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ClusterConfig, unmanaged::is_on_outposts};
use crate::config::diagnostic::quoted;
use crate::config::finding::{Finding, Findings};
use crate::config::location::SourceLocation;
use crate::config::path::FieldPath;
use crate::config::reader::{Reader, is_set, items, text_map};
use crate::config::validate::tags;
use crate::ports::aws::{IdentityProviderConfig, most_identity_providers};
use eksact_message::code::Code;
use eksact_yaml::Node;

/// What Kubernetes keeps for itself.
const RESERVED_PREFIX: &str = "system:";
/// The longest key and value of a required claim.
const CLAIM_KEY: usize = 63;
const CLAIM_VALUE: usize = 253;

/// An OIDC identity provider of the cluster, whose users get in with its tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityProvider {
    /// What it shall be; without what EKS adds.
    pub config: IdentityProviderConfig,
    /// Where the entry begins in the file.
    pub location: Option<SourceLocation>,
}

pub(super) fn decode(root: &Node, reader: &Reader<'_>) -> Vec<IdentityProvider> {
    let items = items(root, "identityProviders").iter();
    items.map(|node| identity_provider(node, reader)).collect()
}

fn identity_provider(node: &Node, reader: &Reader<'_>) -> IdentityProvider {
    let text = |key| reader.text(node, key).map(|text| text.value);
    IdentityProvider {
        config: IdentityProviderConfig {
            name: text("name").unwrap_or_default(),
            issuer_url: text("issuerURL").unwrap_or_default(),
            client_id: text("clientID").unwrap_or_default(),
            username_claim: text("usernameClaim"),
            username_prefix: text("usernamePrefix"),
            groups_claim: text("groupsClaim"),
            groups_prefix: text("groupsPrefix"),
            required_claims: text_map(node, "requiredClaims"),
            tags: text_map(node, "tags"),
            ..IdentityProviderConfig::default()
        },
        location: Some(reader.location(node)),
    }
}

/// That what has to be there is, and nothing is where EKS has no providers.
pub(super) fn check_tree(root: &Node, findings: &mut Findings) {
    if is_on_outposts(root) && is_set(root, "identityProviders") {
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
    for (index, provider) in items(root, "identityProviders").iter().enumerate() {
        let path = FieldPath::of("identityProviders").index(index);
        for (key, example) in [
            ("name", "my-provider"),
            ("clientID", "kubernetes"),
            ("issuerURL", "https://id.example.com"),
        ]
        .into_iter()
        .filter(|(key, _)| !is_set(provider, key))
        {
            let message = format!("identityProviders[{index}] is invalid: {key} must be set and non-empty");
            findings.push(
                Finding::error(Code::IdentityProvider, path.key(key), message)
                    .help(remedy!("write it, such as `{key}: {example}`"))
                    .explained_from_below(),
            );
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

pub(super) fn check(config: &ClusterConfig, findings: &mut Findings) {
    let list = FieldPath::of("identityProviders");
    let providers = &config.identity_providers;
    let most = most_identity_providers(config.metadata.version.as_deref());
    if providers.len() > most {
        let message = format!(
            "{} identity providers are listed, and EKS allows {most} {}",
            providers.len(),
            if most == 1 {
                "before Kubernetes 1.32"
            } else {
                "on one cluster"
            }
        );
        findings.push(Finding::error(Code::IdentityProvider, list.clone(), message).at_key());
    }
    let (mut names, mut issuers) = (BTreeMap::new(), BTreeMap::new());
    for (index, provider) in providers.iter().enumerate() {
        if findings.is_full() {
            return;
        }
        let path = list.index(index);
        let wanted = &provider.config;
        for (key, value, known) in [
            ("name", &wanted.name, &mut names),
            ("issuerURL", &wanted.issuer_url, &mut issuers),
        ] {
            if value.is_empty() {
                continue;
            }
            if let Some(first) = known.get(value.as_str()) {
                let message = format!(
                    "identityProviders[{index}] has the {key} {} of identityProviders[{first}]; EKS allows each once",
                    quoted(value)
                );
                push(
                    Finding::error(Code::IdentityProvider, path.key(key), message)
                        .help(remedy!("leave one out")),
                    provider,
                    findings,
                );
            } else {
                known.insert(value.as_str(), index);
            }
        }
        one(provider, &path, findings);
        tags::check(&wanted.tags, &path.key("tags"), findings);
    }
}

fn one(provider: &IdentityProvider, path: &FieldPath, findings: &mut Findings) {
    let wanted = &provider.config;
    let issuer = &wanted.issuer_url;
    if !issuer.is_empty() && !issuer.starts_with("https://") {
        let finding = Finding::error(
            Code::IdentityProvider,
            path.key("issuerURL"),
            format!("the issuer URL {} must begin with https://", quoted(issuer)),
        );
        push(finding, provider, findings);
    } else if issuer.contains(['?', '#']) {
        let finding = Finding::error(
            Code::IdentityProvider,
            path.key("issuerURL"),
            format!(
                "the issuer URL {} must have no query and no fragment",
                quoted(issuer)
            ),
        );
        push(finding, provider, findings);
    }
    for (key, prefix) in [
        ("usernamePrefix", &wanted.username_prefix),
        ("groupsPrefix", &wanted.groups_prefix),
    ] {
        if let Some(prefix) = prefix
            .as_ref()
            .filter(|prefix| prefix.starts_with(RESERVED_PREFIX))
        {
            let finding = Finding::error(
                Code::IdentityProvider,
                path.key(key),
                format!(
                    "the prefix {} begins with {RESERVED_PREFIX}, which Kubernetes keeps for itself",
                    quoted(prefix)
                ),
            );
            push(finding, provider, findings);
        }
    }
    if wanted.groups_prefix.is_some() && wanted.groups_claim.is_none() {
        let message = format!("{path}.groupsPrefix has no effect without groupsClaim");
        let finding = Finding::warning(Code::NoEffect, path.key("groupsPrefix"), message);
        push(finding.at_key(), provider, findings);
    }
    for (key, value) in &wanted.required_claims {
        if key.is_empty() || key.chars().count() > CLAIM_KEY {
            let message = format!("a required claim has a name of 1 to {CLAIM_KEY} characters");
            let finding = Finding::error(
                Code::IdentityProvider,
                path.key("requiredClaims").key(key),
                message,
            );
            push(finding.at_key(), provider, findings);
        } else if value.is_empty() || value.chars().count() > CLAIM_VALUE {
            let message = format!("a required claim has a value of 1 to {CLAIM_VALUE} characters");
            let finding = Finding::error(
                Code::IdentityProvider,
                path.key("requiredClaims").key(key),
                message,
            );
            push(finding, provider, findings);
        }
    }
}

fn push(finding: Finding, provider: &IdentityProvider, findings: &mut Findings) {
    findings.push(finding.located(provider.location.as_ref()));
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use crate::config::tests::{HEAD, said};

    #[test]
    fn identity_provider_follows_eksctls_rules() {
        assert_snapshot!(said(&format!("{HEAD}identityProviders: [{{name: a, issuerURL: b}}]\n")), @r#"
        4:21: error: identityProviders[0] is invalid: clientID must be set and non-empty
            help: write it, such as `clientID: kubernetes`
        4:21: error: identityProviders[0] is invalid: type must be set
            help: write `type: oidc`
        4:42: error: the issuer URL `b` must begin with https://
        "#);
    }
}
