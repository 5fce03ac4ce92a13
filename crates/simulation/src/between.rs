//! What hands do to an object of a plan after it was made and before it is carried out: what its preconditions are for.

use eksact_core::engine::{Action, Address, Plan};
use eksact_simulator::World;
use proptest::prelude::*;

use crate::{
    file::POLICIES,
    hands::Hand,
    objects::{belongs, changed},
    people::{EVERYBODY, GROUPS},
    roles,
    service_accounts::{Edit, STATUSES, nth},
};

/// Objects of one kind are searched up to this number: that many there are of none.
const MOST: usize = EVERYBODY;

/// One thing that is done by hand in between; numbers choose among what there is.
#[derive(Clone, Debug)]
pub struct Between {
    /// To which object of the plan: of those that it updates, where there are any.
    object: usize,
    /// What.
    edit: usize,
    /// To what end: which group, which policy, …
    value: usize,
}

/// Random ones.
pub fn between() -> impl Strategy<Value = Between> {
    (0usize..8, 0usize..12, 0usize..8).prop_map(|(object, edit, value)| Between { object, edit, value })
}

impl Between {
    /// What it is for this plan; none where nobody does such a thing to the object.
    pub fn hand(&self, plan: &Plan, world: &World) -> Option<Hand> {
        let addresses = |updated: bool| {
            let changes = plan.changes.iter();
            changes
                .filter(move |change| !updated || matches!(change.action, Action::Update | Action::Replace))
                .map(|change| &change.address)
        };
        let address = nth(addresses(true), self.object).or_else(|| nth(addresses(false), self.object))?;
        (0..MOST)
            .filter_map(|which| self.edit_of(address.kind(), which))
            .find(|hand| is_to(hand, address, world))
    }

    /// The edit of an object of this kind, to the one of this number.
    fn edit_of(&self, kind: &str, which: usize) -> Option<Hand> {
        let value = self.value;
        let edits = match kind {
            "access-entry" => vec![
                Hand::EntryGroups(which, value % GROUPS.len()),
                Hand::EntryPolicy(which, value % POLICIES.len()),
                Hand::EntryGone(which),
                Hand::EntryAdded(which, value % GROUPS.len()),
            ],
            "identity-mapping" => vec![
                Hand::LineAdded((which + value) % EVERYBODY, value % GROUPS.len()),
                Hand::LineGone((which + value) % EVERYBODY),
                Hand::Comment,
            ],
            "iam-role" | "pod-identity-role" => [
                Edit::Trust(which),
                Edit::Managed(which),
                Edit::Inline(which),
                Edit::Boundary(which),
                Edit::RoleTags(which),
                Edit::RoleGone(which),
                Edit::StackTags(which),
                Edit::StackGone(which),
                Edit::StackStatus(which, value % STATUSES.len()),
                Edit::Unprotected(which),
            ]
            .map(Hand::Account)
            .to_vec(),
            "service-account" => [
                Edit::Annotation(which),
                Edit::Labels(which),
                Edit::AccountGone(which),
                Edit::TakenByHelm(which),
            ]
            .map(Hand::Account)
            .to_vec(),
            "oidc-provider" => [Edit::Provider, Edit::Audience].map(Hand::Account).to_vec(),
            "assumable-role" => [
                roles::Edit::Trusted(which, value),
                roles::Edit::Dangling(which),
                roles::Edit::Session(which),
                roles::Edit::MarkGone(which, false),
            ]
            .map(Hand::Role)
            .to_vec(),
            "managed-policy" => [
                roles::Edit::Version(which, value),
                roles::Edit::Versions(which),
                roles::Edit::VersionGone(which),
                roles::Edit::PolicyGone(which),
            ]
            .map(Hand::Role)
            .to_vec(),
            "pod-identity-association" => vec![Hand::AssociationRole(which), Hand::AssociationGone(which)],
            "rbac-role" => vec![Hand::RoleRules(which)],
            "rbac-binding" => vec![Hand::BindingGone(which), Hand::BindingSubject(which)],
            "shared-role" => vec![Hand::Trust(true), Hand::Trust(false)],
            _ => Vec::new(),
        };
        nth(edits.into_iter(), self.edit)
    }
}

/// Whether this changes what is at the address.
fn is_to(hand: &Hand, address: &Address, world: &World) -> bool {
    let mut edited = world.clone();
    hand.apply(&mut edited)
        && changed(world, &edited)
            .iter()
            .any(|object| belongs(object, address, [world, &edited]))
}
