//! What several documents say about access, as one.

use super::duplicates::{self, Listed};
use super::{AllowBroadening, ClusterAccess};
use super::{account, assumable_role, group, identity_mapping, managed_policy, shared_role};
use crate::config::cluster_config::ServiceAccount;
use crate::config::documents::{Document, Documents};
use crate::config::location::Located;
use crate::config::path::FieldPath;
use eksact_message::code::Code;

/// Joins what the documents say about access, the ClusterConfig first, and reports what they say twice or in a circle.
pub(in crate::config) fn join(
    mut accesses: Vec<(Document, ClusterAccess)>,
    accounts: &[ServiceAccount],
    documents: &mut Documents,
) -> ClusterAccess {
    for (document, access) in &mut accesses {
        documents.report(
            document,
            shared_role::resolve(&mut access.shared_roles, accounts).into_vec(),
        );
    }
    let mut mappings = Vec::new();
    let mut groups = Vec::new();
    let mut shared_roles = Vec::new();
    let mut policies = Vec::new();
    let mut roles = Vec::new();
    for (number, (document, access)) in accesses.iter().enumerate() {
        let list = FieldPath::of(identity_mapping::list_key(document.kind));
        mappings.extend(Listed::all(number, &list, &access.identity_mappings));
        groups.extend(Listed::all(number, &FieldPath::of("groups"), &access.groups));
        shared_roles.extend(Listed::all(
            number,
            &FieldPath::of("sharedRoles"),
            &access.shared_roles,
        ));
        let list = FieldPath::of(managed_policy::LIST);
        policies.extend(Listed::all(number, &list, &access.policies));
        let list = FieldPath::of(assumable_role::LIST);
        roles.extend(Listed::all(number, &list, &access.roles));
    }
    let (places, repeated) = identity_mapping::of_mappings(&mappings);
    let repeated = repeated
        .into_iter()
        .chain(group::of_groups(&groups))
        .chain(shared_role::of_shared_roles(&shared_roles))
        .chain(duplicates::of_names(&policies, Code::ManagedPolicy, |policy| {
            &policy.name
        }))
        .chain(duplicates::of_names(&roles, Code::AssumableRole, |role| {
            &role.name
        }));
    let mut accounts = accesses
        .iter()
        .filter_map(|(document, access)| Some((document, access.account.as_ref()?)));
    let first = accounts.next().and_then(|(_, account)| account.location.clone());
    for (document, _) in accounts {
        documents.report(document, [account::second(first.as_ref())]);
    }
    for duplicate in repeated {
        if let Some((document, _)) = accesses.get(duplicate.document) {
            documents.report(document, [duplicate.finding]);
        }
    }
    for (number, circle) in assumable_role::circles(&roles) {
        if let Some((document, _)) = accesses.get(number) {
            documents.report(document, [circle]);
        }
    }
    let mut joined = ClusterAccess::default();
    for (_, access) in accesses {
        joined.identity_mappings.extend(access.identity_mappings);
        joined.groups.extend(access.groups);
        joined.shared_roles.extend(access.shared_roles);
        joined.states_shared_roles |= access.states_shared_roles;
        joined.roles.extend(access.roles);
        joined.states_roles |= access.states_roles;
        joined.policies.extend(access.policies);
        joined.states_policies |= access.states_policies;
        joined.complete |= access.complete;
        let strictest = |value: &Located<AllowBroadening>| value.value;
        joined.allow_broadening = [joined.allow_broadening, access.allow_broadening]
            .into_iter()
            .flatten()
            .rev()
            .max_by_key(strictest);
        joined.account = joined.account.or(access.account);
    }
    // A mapping that is there twice in the same way is said once.
    let mut place = 0;
    joined.identity_mappings.retain(|_| {
        place += 1;
        !places.contains(&(place - 1))
    });
    joined
}
