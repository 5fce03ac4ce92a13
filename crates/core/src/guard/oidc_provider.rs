//! The guards over the cluster's OIDC provider: without it no role of a service account can be assumed.

use eksact_message::remedy::Remedy;

use super::Guard;
use crate::{
    engine::{Action, PlanDraft},
    live::{Live, addresses},
};
use eksact_identity::{cloudformation::tags, iam::trust};

/// Adds the refusals where the plan deletes the provider.
pub(super) fn check(live: &Live, draft: &mut PlanDraft) {
    let address = addresses::oidc_provider(&live.cluster.name);
    let is_deleted = draft
        .change(&address)
        .is_some_and(|change| change.action == Action::Delete);
    let (true, Some(Ok(Some(provider)))) = (is_deleted, live.oidc_provider()) else {
        return;
    };
    let marked = provider
        .tags
        .get(tags::CLUSTER_NAME)
        .is_some_and(|name| *name == live.cluster.name);
    if !marked {
        let refusal = Guard::OidcProviderNotMarked.refusal(format!(
            "the IAM OIDC provider does not have the tag {}={}: neither eksctl nor eksact made it",
            tags::CLUSTER_NAME,
            live.cluster.name
        ));
        draft.add_finding(
            refusal
                .about(&address)
                .with_help(nevertheless(Guard::OidcProviderNotMarked)),
        );
    }
    match trusting_roles(live, &provider.arn) {
        Ok(roles) if roles.is_empty() => {}
        Ok(roles) => {
            let refusal = Guard::OidcProviderInUse.refusal(format!(
                "{} still {} the IAM OIDC provider: {}",
                counted(roles.len(), "role"),
                if roles.len() == 1 { "trusts" } else { "trust" },
                roles.join(", ")
            ));
            draft.add_finding(refusal.about(&address).with_help(remedy!(
                "Delete these roles first (`eksact delete iamserviceaccount`), or pass --allow {}.",
                Guard::OidcProviderInUse.code()
            )));
        }
        Err(message) => {
            let refusal = Guard::OidcProviderInUse.refusal(format!(
                "it is not known which roles trust the IAM OIDC provider: {message}"
            ));
            draft.add_finding(
                refusal
                    .about(&address)
                    .with_help(nevertheless(Guard::OidcProviderInUse)),
            );
        }
    }
}

/// How it is deleted although the guard refuses.
fn nevertheless(guard: Guard) -> Remedy {
    remedy!("Pass --allow {} to delete it anyway.", guard.code())
}

/// `1 role`, `2 roles`.
fn counted(count: usize, noun: &str) -> String {
    if count == 1 {
        format!("1 {noun}")
    } else {
        format!("{count} {noun}s")
    }
}

/// The names of the roles that trust a provider, or why they cannot be told.
fn trusting_roles(live: &Live, provider_arn: &str) -> Result<Vec<String>, String> {
    let roles = match live.all_roles() {
        Some(Ok(roles)) => roles,
        Some(Err(error)) => return Err(error.to_string()),
        None => return Err("the roles were not read".to_owned()),
    };
    let mut names: Vec<String> = roles
        .iter()
        .filter(|role| trust::trusts_provider(&role.trust_policy, provider_arn))
        .map(|role| role.name.clone())
        .collect();
    names.sort();
    Ok(names)
}
