//! Reading what RBAC gives the caller, now and by the mappings of the request: what guards over the caller's own access look
//! at. Every kind whose changes may take some of it away asks for this.

use std::collections::BTreeSet;

use super::Request;
use crate::{
    guard::rights::is_named,
    live::{AccessEntries, Bindings, CallerInCluster, LiveReader, RbacRoleByKey, RoleKey, role_key},
    ports::kubernetes::RbacBinding,
};

/// Reads the bindings and the roles of the caller.
pub(super) async fn read(request: &Request, reader: &LiveReader) {
    if let Ok(bindings) = reader.ask(Bindings).await.as_ref() {
        let roles = roles(request, bindings, reader).await;
        reader.read(roles.into_iter().map(RbacRoleByKey)).await;
    }
}

/// The roles that the caller has, or could have by a mapping of the request: what guards look at.
pub(super) async fn roles(
    request: &Request,
    bindings: &[RbacBinding],
    reader: &LiveReader,
) -> BTreeSet<RoleKey> {
    let (user, _) = tokio::join!(reader.ask(CallerInCluster), reader.ask(AccessEntries));
    let mappings = &request.config.access.identity_mappings;
    let mut usernames: BTreeSet<&str> = mappings
        .iter()
        .filter_map(|mapping| mapping.username.as_deref())
        .collect();
    let mut groups: Vec<String> = mappings
        .iter()
        .flat_map(|mapping| mapping.groups.iter().cloned())
        .collect();
    if let Ok(user) = user.as_ref() {
        usernames.insert(&user.username);
        // Everybody keeps what everybody has.
        groups.extend(
            user.groups
                .iter()
                .filter(|group| *group != "system:authenticated")
                .cloned(),
        );
    }
    groups.sort_unstable();
    groups.dedup();
    bindings
        .iter()
        .filter(|binding| {
            is_named(binding, "", &groups)
                || usernames.iter().any(|username| is_named(binding, username, &[]))
        })
        .map(role_key)
        .collect()
}
