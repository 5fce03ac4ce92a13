//! The guard over roles that go while pods of this cluster still get them: by a pod identity association, or by the annotation
//! of a service account, that the plan leaves as it is.

use std::collections::BTreeSet;

use super::Guard;
use crate::{
    engine::{Action, Address, Finding, PlanDraft},
    live::{
        Live, PodIdentityAssociationById, ROLE_ANNOTATION, ServiceAccountByKey, addresses, admits_any_pods,
        admits_pods, role_name_of,
    },
    ports::aws::Role,
};
use eksact_identity::{cloudformation::RoleOwner, service_account::ServiceAccountKey};

/// Adds the refusal of each role that goes and is in use.
pub(super) fn check(before: &Live, after: &Live, draft: &mut PlanDraft) {
    let refusals: Vec<Finding> = draft
        .changes()
        .iter()
        .filter(|change| change.action == Action::Delete)
        .filter_map(|change| {
            let owner = addresses::role_owner(&change.address)?;
            let stack = before.stack_of(&owner).or_else(|| before.own_stack(&owner));
            let name = role_name_of(stack?)?;
            let (Some(Ok(Some(role))), Some(Ok(None))) = (before.role(name), after.role(name)) else {
                return None;
            };
            Some(refusal(before, role, &owner, draft)?.about(&change.address))
        })
        .collect();
    for refusal in refusals {
        draft.add_finding(refusal);
    }
}

fn refusal(live: &Live, role: &Role, owner: &RoleOwner, draft: &PlanDraft) -> Option<Finding> {
    let users = users(live, role, owner, draft);
    if !users.is_empty() {
        let users: Vec<String> = users.into_iter().collect();
        let message = format!(
            "the role {} would be deleted, and the plan leaves it to {}: their pods would get no credentials",
            role.name,
            users.join(", ")
        );
        return Some(Guard::RoleInUse.refusal(message).with_help(remedy!(
            "Give them another role or delete them first, or allow it: --allow {}",
            Guard::RoleInUse.code()
        )));
    }
    let error = unread(live, role)?;
    let message = format!(
        "the role {} would be deleted, and whether a pod identity association uses it could not be read: {error}",
        role.name
    );
    Some(
        Guard::RoleInUse
            .refusal(message)
            .with_help(remedy!("--allow {} does it anyway.", Guard::RoleInUse.code())),
    )
}

/// What uses the role and stays as it is, in words. What becomes of the service account that the role was made for is decided with
/// it.
fn users(live: &Live, role: &Role, owner: &RoleOwner, draft: &PlanDraft) -> BTreeSet<String> {
    let associations = live
        .each::<PodIdentityAssociationById>()
        .filter_map(|(_, answer)| answer.as_ref().ok()?.as_ref())
        .filter(|association| association.role_arn == role.arn)
        .map(|association| ServiceAccountKey::new(&association.namespace, &association.service_account))
        .filter(|key| !loses_role(draft, &addresses::pod_identity_association(key), "role"))
        .map(|key| format!("the pod identity association of {key}"));
    // One that is both read alone and listed is one.
    let listed = live.all_service_accounts().and_then(|all| all.as_ref().ok());
    let alone = live
        .each::<ServiceAccountByKey>()
        .filter_map(|(_, answer)| answer.as_ref().ok()?.as_ref());
    let accounts = alone
        .chain(listed.into_iter().flatten())
        .filter(|account| account.annotations.get(ROLE_ANNOTATION) == Some(&role.arn))
        .map(|account| ServiceAccountKey::new(&account.namespace, &account.name))
        .filter(|key| *key != owner.account)
        .filter(|key| {
            let annotation = format!("annotation {ROLE_ANNOTATION}");
            !loses_role(draft, &addresses::service_account(key), &annotation)
        })
        .map(|key| format!("the service account {key}"));
    associations.chain(accounts).collect()
}

/// Whether the plan takes this attribute away from an object, or gives it another value.
fn loses_role(draft: &PlanDraft, address: &Address, attribute: &str) -> bool {
    draft.change(address).is_some_and(|change| {
        change.action == Action::Delete
            || change
                .attributes
                .iter()
                .any(|changed| changed.name == attribute && changed.before != changed.after)
    })
}

/// Why it is not known which associations use the role; none where all that could were read.
fn unread(live: &Live, role: &Role) -> Option<String> {
    if !admits_any_pods(role) {
        return None;
    }
    match live.pod_identity_associations()? {
        Err(error) => Some(error.to_string()),
        Ok(listed) => listed
            .values()
            .filter(|summary| admits_pods(&live.cluster.arn, role, summary))
            .find_map(|summary| {
                let read = live.get(&PodIdentityAssociationById(summary.id.clone()))?;
                Some(read.as_ref().err()?.to_string())
            }),
    }
}
