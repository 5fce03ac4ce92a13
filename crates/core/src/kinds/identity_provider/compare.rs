//! What of an identity provider differs from what is wanted. Pure.

use std::collections::BTreeMap;

use serde_json::json;

use crate::{
    engine::{AttributeChange, Effect},
    ports::aws::IdentityProviderConfig,
};

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

/// The attributes that differ of a provider that is replaced, each with what it means for access.
pub(super) fn judged(
    before: &IdentityProviderConfig,
    after: &IdentityProviderConfig,
) -> Vec<AttributeChange> {
    let differences = differences(Some(before), Some(after)).into_iter();
    differences
        .map(|attribute| {
            let effect = effect(&attribute.name, before, after);
            attribute.with_effect(effect)
        })
        .collect()
}

/// Others are let in, or as others, but where somebody only gets groups, or more or less is asked of all.
fn effect(name: &str, before: &IdentityProviderConfig, after: &IdentityProviderConfig) -> Effect {
    let gives_groups = |config: &IdentityProviderConfig| {
        config
            .groups_claim
            .as_deref()
            .is_some_and(|claim| !claim.is_empty())
    };
    let (then, now) = (gives_groups(before), gives_groups(after));
    match name {
        "groupsClaim" if !then => Effect::Broader,
        "groupsClaim" if !now => Effect::Narrower,
        // Without a claim it stands before nothing, and with a new one or an old one it is part of that.
        "groupsPrefix" if !(then && now) => Effect::Equal,
        "requiredClaims" => {
            let demands = |one: &IdentityProviderConfig, other: &IdentityProviderConfig| {
                let mut claims = other.required_claims.iter();
                claims.all(|(claim, value)| one.required_claims.get(claim) == Some(value))
            };
            match (demands(after, before), demands(before, after)) {
                (true, true) => Effect::Equal,
                (true, false) => Effect::Narrower,
                (false, true) => Effect::Broader,
                (false, false) => Effect::Incomparable,
            }
        }
        _ => Effect::Incomparable,
    }
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

    /// What it means for access that one provider takes another's place, attribute by attribute.
    #[test]
    fn replacement_is_judged_by_who_gets_in_and_in_which_groups() {
        let with = |groups_claim: &str, groups_prefix: &str, required: &[(&str, &str)]| {
            let claims = required.iter();
            IdentityProviderConfig {
                issuer_url: "https://id".to_owned(),
                groups_claim: Some(groups_claim.to_owned()),
                groups_prefix: Some(groups_prefix.to_owned()),
                required_claims: claims
                    .map(|(claim, value)| ((*claim).to_owned(), (*value).to_owned()))
                    .collect(),
                ..IdentityProviderConfig::default()
            }
        };
        let team: &[_] = &[("team", "platform")];
        let both: &[_] = &[("team", "platform"), ("hd", "example.com")];
        let other: &[_] = &[("team", "other")];
        for (before, after, expected) in [
            (with("", "a:", &[]), with("", "b:", &[]), vec![Effect::Equal]),
            (
                with("g", "a:", &[]),
                with("g", "b:", &[]),
                vec![Effect::Incomparable],
            ),
            (with("g", "", &[]), with("h", "", &[]), vec![Effect::Incomparable]),
            (
                with("", "a:", &[]),
                with("g", "b:", &[]),
                vec![Effect::Broader, Effect::Equal],
            ),
            (
                with("g", "a:", &[]),
                with("", "", &[]),
                vec![Effect::Narrower, Effect::Equal],
            ),
            (with("", "", &[]), with("", "", team), vec![Effect::Narrower]),
            (with("", "", team), with("", "", both), vec![Effect::Narrower]),
            (with("", "", both), with("", "", team), vec![Effect::Broader]),
            (
                with("", "", team),
                with("", "", other),
                vec![Effect::Incomparable],
            ),
            (
                provider(Some("name"), None),
                provider(Some("sub"), None),
                vec![Effect::Incomparable],
            ),
        ] {
            let found: Vec<Effect> = judged(&before, &after)
                .into_iter()
                .filter_map(|attribute| attribute.effect)
                .collect();
            assert_eq!(found, expected, "{before:?} {after:?}");
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
