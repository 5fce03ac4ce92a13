//! What carries a plan out: steps, each one write.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Address;

/// Name of a step, unique in its plan and stable from plan to plan.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct StepId(pub String);

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One write with what it needs to be done, and nothing left to choose.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// Its name.
    pub id: StepId,
    /// The object that it writes, whose kind runs it.
    pub address: Address,
    /// The changes that it carries: usually its own object's, several where one write serves many.
    pub changes: Vec<Address>,
    /// What it does, imperative: `create stack eksctl-prod-…`.
    pub title: String,
    /// The steps that must have succeeded before.
    pub depends_on: Vec<StepId>,
    /// What its kind needs to run it; unknown values inside are references (see [`super::Deferred`]).
    pub operation: Value,
}
