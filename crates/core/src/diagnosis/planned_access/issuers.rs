//! Those who get in with the token of an identity provider of the cluster. Who they are its issuer alone knows: it is told for whom it
//! vouches, and as whom they get in.

use std::collections::BTreeMap;

use super::{Deltas, Holder};
use crate::{engine::HolderKind, live::Live, ports::aws::IdentityProviderConfig};

pub(super) fn add(before: &Live, after: &Live, deltas: &mut Deltas) {
    for (holder, what) in admitted(after) {
        deltas.gains(&holder, what);
    }
    for (holder, what) in admitted(before) {
        deltas.loses(&holder, what);
    }
}

/// Whom the providers let in and how, as far as they were asked for.
fn admitted(live: &Live) -> Vec<(Holder, String)> {
    let Some(Ok(providers)) = live.identity_providers() else {
        return Vec::new();
    };
    // One that goes is as good as gone.
    let there = providers.iter().filter(|provider| provider.status != "DELETING");
    let each = there.flat_map(|provider| {
        let who = format!("{} for the client {}", provider.issuer_url, provider.client_id);
        let holder = (HolderKind::Issuer, who);
        holdings(provider).map(move |what| (holder.clone(), what))
    });
    each.collect()
}

fn holdings(provider: &IdentityProviderConfig) -> impl Iterator<Item = String> {
    let user = behind(&provider.prefix_of_usernames(), provider.claim_of_username());
    let as_whom = format!("getting in, as {user}");
    let groups = provider.groups_claim.as_deref().filter(|claim| !claim.is_empty());
    let groups = groups.map(|claim| {
        let prefix = provider.groups_prefix.as_deref().unwrap_or_default();
        format!("the groups of {}", behind(prefix, claim))
    });
    let required = required(&provider.required_claims);
    std::iter::once(as_whom)
        .chain(groups)
        .map(move |what| format!("{what}{required}"))
}

/// `oidc: and the claim email`.
fn behind(prefix: &str, claim: &str) -> String {
    if prefix.is_empty() {
        format!("the claim {claim}")
    } else {
        format!("`{prefix}` and the claim {claim}")
    }
}

/// `, where the claim hd is example.com`.
fn required(claims: &BTreeMap<String, String>) -> String {
    let each: Vec<String> = claims
        .iter()
        .map(|(claim, value)| format!("the claim {claim} is {value}"))
        .collect();
    if each.is_empty() {
        String::new()
    } else {
        format!(", where {}", each.join(" and "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(provider: IdentityProviderConfig) -> Vec<String> {
        let provider = IdentityProviderConfig {
            issuer_url: "https://id.example.com".to_owned(),
            client_id: "kubernetes".to_owned(),
            ..provider
        };
        holdings(&provider).collect()
    }

    #[test]
    fn it_is_told_as_whom_they_get_in() {
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            told(IdentityProviderConfig::default()),
            ["getting in, as `https://id.example.com#` and the claim sub"]
        );
        assert_eq!(
            told(IdentityProviderConfig {
                username_claim: text("email"),
                groups_claim: text("teams"),
                ..IdentityProviderConfig::default()
            }),
            ["getting in, as the claim email", "the groups of the claim teams"]
        );
        assert_eq!(
            told(IdentityProviderConfig {
                username_claim: text("name"),
                username_prefix: text("-"),
                groups_claim: text("teams"),
                groups_prefix: text("id:"),
                required_claims: BTreeMap::from([
                    ("hd".to_owned(), "example.com".to_owned()),
                    ("team".to_owned(), "platform".to_owned())
                ]),
                ..IdentityProviderConfig::default()
            }),
            [
                "getting in, as the claim name, where the claim hd is example.com and the claim team is platform",
                "the groups of `id:` and the claim teams, where the claim hd is example.com and the claim team is platform",
            ]
        );
    }
}
