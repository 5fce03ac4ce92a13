//! The AWS profile that is written beside a kubeconfig, as a change of the plan.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::changes::change;
use crate::engine::{Action, Address, AttributeChange, PlanDraft, Reason};

/// What a profile says, and what it shall say: properties that hold no secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProfileChange {
    /// Its name.
    pub name: String,
    /// The AWS config file.
    pub file: String,
    /// Its properties before; none where the file has no such profile.
    pub before: Option<BTreeMap<String, String>>,
    /// Its properties afterwards, those that are the same before left out or not.
    pub after: BTreeMap<String, String>,
}

/// The address of a profile in a plan.
pub fn profile_address(name: &str) -> Address {
    Address::new("aws-profile", name)
}

impl ProfileChange {
    /// Adds it to a plan.
    pub(super) fn add_to(&self, draft: &mut PlanDraft) {
        draft.set_target("aws config", &self.file);
        let address = profile_address(&self.name);
        let none = BTreeMap::new();
        let before = self.before.as_ref().unwrap_or(&none);
        let names: BTreeSet<&String> = before.keys().chain(self.after.keys()).collect();
        let attributes: Vec<AttributeChange> = names
            .into_iter()
            .filter(|name| before.get(*name) != self.after.get(*name))
            .map(|name| {
                let value = |side: &BTreeMap<String, String>| side.get(name).map(|value| json!(value));
                AttributeChange::plain(name, value(before), value(&self.after))
            })
            .collect();
        if attributes.is_empty() {
            draft.add_unchanged(address);
            return;
        }
        let (action, reason) = match self.before {
            None => (Action::Create, Reason::new("missing", "it is not in the file")),
            Some(_) => (
                Action::Update,
                Reason::new("different", "it differs from the desired state"),
            ),
        };
        draft.add_change(change(address, action, reason, None, attributes));
    }
}
