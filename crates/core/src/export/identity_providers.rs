//! The OIDC identity providers of the cluster.

use super::{
    document::{Item, Section},
    role::given_tags,
    words::map,
};
use crate::{
    kinds::identity_provider,
    live::Live,
    ports::aws::{DEFAULT_USERNAME_CLAIM, IdentityProviderConfig},
};
use eksact_yaml::edit::Value;

/// The providers, by name.
pub(super) fn identity_providers(live: &Live) -> Section {
    let mut section = Section::list(None, "identityProviders");
    let mut all: Vec<&IdentityProviderConfig> = identity_provider::providers(live).iter().collect();
    all.sort_by(|one, other| one.name.cmp(&other.name));
    for provider in all {
        if provider.status == "DELETING" {
            section.leave_out(&provider.name, "it is being deleted");
            continue;
        }
        section.items.push(Item {
            name: provider.name.clone(),
            addresses: vec![identity_provider::address(&provider.name)],
            value: value(provider),
        });
    }
    section
}

fn value(provider: &IdentityProviderConfig) -> Value {
    let claim = provider.claim_of_username();
    let claim = (claim != DEFAULT_USERNAME_CLAIM).then_some(claim);
    let mut fields = vec![
        ("type", Value::text("oidc")),
        ("name", Value::text(&provider.name)),
        ("issuerURL", Value::text(&provider.issuer_url)),
        ("clientID", Value::text(&provider.client_id)),
    ];
    let texts = [
        ("usernameClaim", claim),
        ("usernamePrefix", provider.own_username_prefix()),
        ("groupsClaim", provider.groups_claim.as_deref()),
        ("groupsPrefix", provider.groups_prefix.as_deref()),
    ];
    for (key, text) in texts {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            fields.push((key, Value::text(text)));
        }
    }
    for (key, pairs) in [
        ("requiredClaims", provider.required_claims.clone()),
        ("tags", given_tags(&provider.tags)),
    ] {
        if !pairs.is_empty() {
            fields.push((key, map(&pairs)));
        }
    }
    Value::mapping(fields)
}
