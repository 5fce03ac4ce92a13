//! What of an identity provider differs from what is wanted. Pure.

use std::collections::BTreeMap;

use serde_json::json;

use crate::{engine::AttributeChange, ports::aws::IdentityProviderConfig};

/// The claim that is the user name where none is given (EKS, `OidcIdentityProviderConfigRequest`).
const DEFAULT_USERNAME_CLAIM: &str = "sub";

/// A provider as EKS takes it, attribute by attribute: what is not given is what EKS takes in its place.
fn attributes(config: &IdentityProviderConfig) -> BTreeMap<&'static str, serde_json::Value> {
    let text = |value: &Option<String>| {
        value
            .as_ref()
            .filter(|text| !text.is_empty())
            .map(|text| json!(text))
    };
    let claim = config.username_claim.as_deref().unwrap_or(DEFAULT_USERNAME_CLAIM);
    // By default user names begin with the issuer, but for addresses of mail (Kubernetes, `--oidc-username-prefix`).
    let default_prefix = format!("{}#", config.issuer_url);
    let prefix = text(&config.username_prefix).filter(|prefix| *prefix != json!(default_prefix));
    let claims = (!config.required_claims.is_empty()).then(|| json!(config.required_claims));
    let all = [
        ("issuerURL", Some(json!(config.issuer_url))),
        ("clientID", Some(json!(config.client_id))),
        ("usernameClaim", Some(json!(claim))),
        ("usernamePrefix", prefix),
        ("groupsClaim", text(&config.groups_claim)),
        ("groupsPrefix", text(&config.groups_prefix)),
        ("requiredClaims", claims),
    ];
    all.into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

/// The attributes that differ, of those that EKS never changes; all of them where there is no provider before or after.
pub(super) fn differences(
    before: Option<&IdentityProviderConfig>,
    after: Option<&IdentityProviderConfig>,
) -> Vec<AttributeChange> {
    let of = |config: Option<&IdentityProviderConfig>| config.map(attributes).unwrap_or_default();
    let (before, after) = (of(before), of(after));
    let mut names: Vec<&str> = before.keys().chain(after.keys()).copied().collect();
    names.sort_unstable();
    names.dedup();
    names
        .into_iter()
        .filter(|name| before.get(name) != after.get(name))
        .map(|name| AttributeChange::plain(name, before.get(name).cloned(), after.get(name).cloned()))
        .collect()
}

/// The wanted tags that are missing or have another value. Other tags stay.
pub(super) fn tags_to_set(
    live: &IdentityProviderConfig,
    wanted: &IdentityProviderConfig,
) -> BTreeMap<String, String> {
    let differs = |(key, value): &(&String, &String)| live.tags.get(*key) != Some(*value);
    let tags = wanted.tags.iter().filter(differs);
    tags.map(|(key, value)| (key.clone(), value.clone())).collect()
}
