//! Everything that a file could say, in as few calls as listing allows.

use crate::{
    kinds::rbac,
    live::{
        AccessEntries, AllRoles, AllServiceAccounts, AwsAuth, BULK_FROM, Bindings, ClusterIdentityProviders,
        ClusterOidcProvider, LiveReader, ManagedPolicyByArn, Observed, PodIdentityAssociationById,
        PodIdentityAssociations, ROLE_ANNOTATION, RbacRoleByKey, RoleByName, Stacks, is_of_cluster, role_key,
        role_name_of, role_owner_of,
    },
    ports::CallError,
};
use eksact_identity::cloudformation::{
    RolePurpose,
    managed_policy::{OUTPUT, policy_of},
};

/// Reads it; the reader's snapshot has it.
///
/// # Errors
/// When any of it could not be read. A single role that people assume is named where it would be.
pub(super) async fn everything(reader: &LiveReader) -> Result<(), CallError> {
    let (entries, aws_auth, stacks, associations, accounts, provider, providers, bindings) = tokio::join!(
        reader.ask(AccessEntries),
        reader.ask(AwsAuth),
        reader.ask(Stacks),
        reader.ask(PodIdentityAssociations),
        reader.ask(AllServiceAccounts),
        reader.ask(ClusterOidcProvider),
        reader.ask(ClusterIdentityProviders),
        reader.ask(Bindings),
    );
    was_read(&entries)?;
    was_read(&aws_auth)?;
    was_read(&provider)?;
    was_read(&providers)?;
    let stacks = was_read(&stacks)?;
    let associations = was_read(&associations)?;
    let accounts = was_read(&accounts)?;
    let bindings = was_read(&bindings)?;
    let cluster = reader.cluster().name.as_str();
    let of_stacks: Vec<(RolePurpose, &str)> = stacks
        .all()
        .iter()
        .filter(|stack| is_of_cluster(stack, cluster))
        .filter_map(|stack| Some((role_owner_of(stack)?.purpose, role_name_of(stack)?)))
        .collect();
    let annotated = accounts
        .iter()
        .filter_map(|account| account.annotations.get(ROLE_ANNOTATION))
        .filter(|arn| arn.split(':').nth(4) == Some(reader.account()));
    let roles: Vec<RoleByName> = of_stacks
        .iter()
        .map(|(_, name)| *name)
        .chain(annotated.filter_map(|arn| arn.rsplit('/').next()))
        .map(|name| RoleByName(name.to_owned()))
        .collect();
    // A listing of all roles does not tell how long their sessions may last: these are asked for in parts that are too few for it.
    let assumed: Vec<RoleByName> = of_stacks
        .iter()
        .filter(|(purpose, _)| *purpose == RolePurpose::Assumed)
        .map(|(_, name)| RoleByName((*name).to_owned()))
        .collect();
    for part in assumed.chunks(BULK_FROM - 1) {
        reader.read(part.iter().cloned()).await;
    }
    let policies = stacks
        .all()
        .iter()
        .filter(|stack| policy_of(&stack.tags).is_some() && is_of_cluster(stack, cluster))
        .filter_map(|stack| stack.outputs.get(OUTPUT))
        .map(|arn| ManagedPolicyByArn(arn.clone()));
    let ids = associations
        .values()
        .map(|summary| PodIdentityAssociationById(summary.id.clone()));
    let own_roles = bindings
        .iter()
        .filter(|binding| {
            binding
                .labels
                .get(rbac::MANAGED_BY_LABEL)
                .is_some_and(|value| value == rbac::MANAGED_BY)
                || rbac::is_of_emr(binding)
        })
        .map(role_key)
        .map(RbacRoleByKey);
    tokio::join!(
        reader.ask(AllRoles),
        reader.read(roles),
        reader.read(policies),
        reader.read(ids),
        reader.read(own_roles)
    );
    let live = reader.snapshot();
    for (_, answer) in live.each::<PodIdentityAssociationById>() {
        was_read(answer)?;
    }
    for (_, answer) in live.each::<RbacRoleByKey>() {
        was_read(answer)?;
    }
    for (_, answer) in live.each::<ManagedPolicyByArn>() {
        was_read(answer)?;
    }
    // A role that an annotation names, or that people assume, may be kept from us: it is named where it would be.
    let others = of_stacks
        .iter()
        .filter(|(purpose, _)| *purpose != RolePurpose::Assumed);
    for (_, name) in others {
        if let Some(answer) = live.role(name) {
            was_read(answer)?;
        }
    }
    Ok(())
}

fn was_read<T>(answer: &Observed<T>) -> Result<&T, CallError> {
    answer.as_ref().map_err(Clone::clone)
}
