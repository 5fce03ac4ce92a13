//! The objects that a part of the plan is about (`--target`), for kinds that write many objects at once.

use std::collections::BTreeSet;

use super::{Request, scope::Scope};
use crate::engine::Address;

/// The changes that are asked for, with what they need.
#[derive(Clone, Debug)]
pub(super) struct Selection(pub(super) BTreeSet<Address>);

impl Scope for Selection {}

/// Whether a change of this object belongs to the part of the plan that is asked for.
pub(super) fn takes(request: &Request, address: &Address) -> bool {
    request
        .scope::<Selection>()
        .is_none_or(|Selection(selected)| selected.contains(address))
}
