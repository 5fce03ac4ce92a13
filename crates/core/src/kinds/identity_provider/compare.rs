//! What of an identity provider differs from what is wanted. Pure.

use std::collections::BTreeMap;

use serde_json::json;

use crate::{engine::AttributeChange, ports::aws::IdentityProviderConfig};

/// A provider as EKS takes it, attribute by attribute: what is not given is what EKS takes in its place.
fn attributes(config: &IdentityProviderConfig) -> BTreeMap<&'static str, serde_json::Value> {
    let text = |value: &Option<String>| {
        value
            .as_ref()
            .filter(|text| !text.is_empty())
            .map(|text| json!(text))
    };
    let claims = (!config.required_claims.is_empty()).then(|| json!(config.required_claims));
    let all = [
        ("issuerURL", Some(json!(config.issuer_url))),
        ("clientID", Some(json!(config.client_id))),
        ("usernameClaim", Some(json!(config.claim_of_username()))),
        (
            "usernamePrefix",
            config.own_username_prefix().map(|prefix| json!(prefix)),
        ),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(claim: Option<&str>, prefix: Option<&str>) -> IdentityProviderConfig {
        IdentityProviderConfig {
            issuer_url: "https://id".to_owned(),
            username_claim: claim.map(str::to_owned),
            username_prefix: prefix.map(str::to_owned),
            ..IdentityProviderConfig::default()
        }
    }

    /// A prefix that the API server takes by itself is the same as none; which one that is depends on the claim.
    #[test]
    fn prefix_of_user_names_is_compared_with_the_default_of_its_claim() {
        let issuer = Some("https://id#");
        for (claim, one, other, is_same) in [
            (None, None, issuer, true),
            (Some("sub"), None, issuer, true),
            (Some("name"), None, issuer, true),
            (Some("name"), None, Some("-"), false),
            (Some("email"), None, issuer, false),
            (Some("email"), None, Some("-"), true),
            (Some("email"), Some("-"), issuer, false),
            (Some("email"), None, Some("mail:"), false),
        ] {
            let (one, other) = (provider(claim, one), provider(claim, other));
            let found = differences(Some(&one), Some(&other));
            assert_eq!(found.is_empty(), is_same, "{one:?} {other:?} {found:?}");
        }
    }
}
