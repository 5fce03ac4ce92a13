//! What a kind of object must say about itself to the simulated server.

use std::collections::BTreeMap;

use super::id::Id;
use crate::refusal::Refusal;
use crate::state::SimulatedCluster;
use eksact_core::ports::CallErrorKind;
use eksact_core::ports::kubernetes::Object;

/// A kind of object with the server's rules for it.
pub(super) trait SimulatedObject: Object + Clone + PartialEq + 'static {
    /// Where a cluster keeps them.
    fn kept(cluster: &mut SimulatedCluster) -> &mut BTreeMap<String, Self>;

    /// Under which key.
    fn place(id: &Id<'_>) -> String {
        id.place()
    }

    /// What the server checks of a new object and of a changed one.
    fn check(&self, id: &Id<'_>) -> Result<(), Refusal>;

    /// What may not be changed.
    fn check_change(&self, _before: &Self, _id: &Id<'_>) -> Result<(), Refusal> {
        Ok(())
    }

    /// Books what a POST, or a patch of the object before, has set as set by eksact.
    fn track(&mut self, _before: Option<&Self>) {}

    /// Forced server-side apply.
    fn apply(&mut self, _wanted: &Self, id: &Id<'_>) -> Result<(), Refusal> {
        let message = format!("the sandbox has no server-side apply of {}", id.resource.plural);
        Err(Refusal::without_code(CallErrorKind::Invalid, message))
    }
}
