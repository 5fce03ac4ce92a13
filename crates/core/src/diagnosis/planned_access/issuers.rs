//! Those who get in with the token of an identity provider of the cluster. Who they are its issuer alone knows: it is told for whom it
//! vouches, and as whom they get in.

use std::collections::BTreeMap;

use super::{Deltas, Holder};
use crate::{
    engine::HolderKind, kinds::identity_provider::providers, live::Live, ports::aws::IdentityProviderConfig,
};

/// What claims a token must have, with their values.
type Claims = BTreeMap<String, String>;

pub(super) fn add(before: &Live, after: &Live, deltas: &mut Deltas) {
    let (then, now) = (admitted(before), admitted(after));
    for ((holder, what), claims) in &now {
        if let Some(for_whom) = beyond(claims, then.get(&(holder.clone(), what.clone())).copied()) {
            deltas.gains(holder, format!("{what}{for_whom}"));
        }
    }
    for ((holder, what), claims) in &then {
        if let Some(for_whom) = beyond(claims, now.get(&(holder.clone(), what.clone())).copied()) {
            deltas.loses(holder, format!("{what}{for_whom}"));
        }
    }
}

/// Whom the providers let in and how, with the claims that they require, as far as they were asked for.
fn admitted(live: &Live) -> BTreeMap<(Holder, String), &Claims> {
    // One that goes is as good as gone.
    let there = providers(live)
        .iter()
        .filter(|provider| provider.status != "DELETING");
    let each = there.flat_map(|provider| {
        let who = format!("{} for the client {}", provider.issuer_url, provider.client_id);
        let holder = (HolderKind::Issuer, who);
        holdings(provider).map(move |what| ((holder.clone(), what), &provider.required_claims))
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
    std::iter::once(as_whom).chain(groups)
}

/// For whom something holds of which these claims are required, and did not where the others were: nobody, everybody with them, or
/// those without what more was required.
fn beyond(claims: &Claims, others: Option<&Claims>) -> Option<String> {
    let Some(others) = others else {
        return Some(told(", where ", claims));
    };
    let not_in = |one: &Claims, other: &Claims| -> Claims {
        let missing = one
            .iter()
            .filter(|(claim, value)| other.get(*claim) != Some(*value));
        missing
            .map(|(claim, value)| (claim.clone(), value.clone()))
            .collect()
    };
    let more = not_in(others, claims);
    if more.is_empty() {
        None
    } else if not_in(claims, others).is_empty() {
        Some(told(", unless ", &more))
    } else {
        Some(told(", where ", claims))
    }
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
fn told(word: &str, claims: &Claims) -> String {
    let each: Vec<String> = claims
        .iter()
        .map(|(claim, value)| format!("the claim {claim} is {value}"))
        .collect();
    if each.is_empty() {
        String::new()
    } else {
        format!("{word}{}", each.join(" and "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_provider(provider: IdentityProviderConfig) -> Vec<String> {
        let provider = IdentityProviderConfig {
            issuer_url: "https://id.example.com".to_owned(),
            client_id: "kubernetes".to_owned(),
            ..provider
        };
        holdings(&provider).collect()
    }

    #[test]
    fn users_of_an_issuer_are_told_as_whom_they_get_in() {
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            of_provider(IdentityProviderConfig::default()),
            ["getting in, as `https://id.example.com#` and the claim sub"]
        );
        assert_eq!(
            of_provider(IdentityProviderConfig {
                username_claim: text("email"),
                groups_claim: text("teams"),
                ..IdentityProviderConfig::default()
            }),
            ["getting in, as the claim email", "the groups of the claim teams"]
        );
        assert_eq!(
            of_provider(IdentityProviderConfig {
                username_claim: text("name"),
                username_prefix: text("-"),
                groups_claim: text("teams"),
                groups_prefix: text("id:"),
                ..IdentityProviderConfig::default()
            }),
            [
                "getting in, as the claim name",
                "the groups of `id:` and the claim teams"
            ]
        );
    }

    /// Who is asked for more loses, and gains nothing.
    #[test]
    fn claims_say_for_whom_it_holds_and_did_not() {
        let claims = |claims: &[(&str, &str)]| -> Claims {
            let claims = claims.iter();
            claims
                .map(|(claim, value)| ((*claim).to_owned(), (*value).to_owned()))
                .collect()
        };
        let (none, team) = (claims(&[]), claims(&[("team", "platform")]));
        let (both, other) = (
            claims(&[("team", "platform"), ("hd", "example.com")]),
            claims(&[("team", "other")]),
        );
        let where_team = ", where the claim team is platform";
        for (now, then, expected) in [
            (&none, None, Some("")),
            (&team, None, Some(where_team)),
            (
                &both,
                None,
                Some(", where the claim hd is example.com and the claim team is platform"),
            ),
            (&team, Some(&team), None),
            (&team, Some(&none), None),
            (&none, Some(&team), Some(", unless the claim team is platform")),
            (&both, Some(&team), None),
            (&team, Some(&both), Some(", unless the claim hd is example.com")),
            (&team, Some(&other), Some(where_team)),
        ] {
            assert_eq!(beyond(now, then).as_deref(), expected, "{now:?} {then:?}");
        }
    }
}
