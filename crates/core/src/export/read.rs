//! Everything that a file could say, in as few calls as listing allows.

use futures::future::{BoxFuture, FutureExt as _, join_all, ready};

use super::document::Section;
use crate::{
    kinds::rbac,
    live::{
        AllRoles, AllServiceAccounts, BULK_FROM, Bindings, Live, LiveReader, ManagedPolicyByArn, Observed,
        PodIdentityAssociationById, PodIdentityAssociations, Query, ROLE_ANNOTATION, RbacRoleByKey,
        RoleByName, Stacks, is_of_cluster, role_key, role_name_of, role_owner_of,
    },
    ports::CallError,
};
use eksact_identity::cloudformation::{
    RolePurpose,
    managed_policy::{OUTPUT, policy_of},
};

/// A key of the file: what is asked for it alone, and what is written.
pub(super) struct Part {
    ask: for<'reader> fn(&'reader LiveReader) -> BoxFuture<'reader, Result<(), CallError>>,
    pub(super) section: fn(&Live) -> Section,
}

impl Part {
    /// One that is written from the answer to `Q`.
    pub(super) const fn of<Q: Query + Default>(section: fn(&Live) -> Section) -> Self {
        Self {
            ask: |reader| async { was_read(&*reader.ask(Q::default()).await).map(|_| ()) }.boxed(),
            section,
        }
    }

    /// One that is written from what [`everything`] reads for several.
    pub(super) const fn written(section: fn(&Live) -> Section) -> Self {
        Self {
            ask: |_| ready(Ok(())).boxed(),
            section,
        }
    }
}

/// Reads what these parts ask for and what several are written from; the reader's snapshot has it.
///
/// # Errors
/// When any of it could not be read. A single role that people assume is named where it would be.
pub(super) async fn everything(
    reader: &LiveReader,
    parts: impl Iterator<Item = &Part>,
) -> Result<(), CallError> {
    let (of_parts, stacks, associations, accounts, bindings) = tokio::join!(
        join_all(parts.map(|part| (part.ask)(reader))),
        reader.ask(Stacks),
        reader.ask(PodIdentityAssociations),
        reader.ask(AllServiceAccounts),
        reader.ask(Bindings),
    );
    of_parts.into_iter().collect::<Result<(), CallError>>()?;
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
