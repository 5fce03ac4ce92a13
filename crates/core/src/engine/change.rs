//! What people see of a plan: one change per address, with its action, its reason and its attributes before and after.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Address, StepId, Unknown};
use crate::config::location::SourceLocation;

/// What happens to an object. A closed set: views have a symbol and a word for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// It does not exist and will be made.
    Create,
    /// It exists and will be changed in place.
    Update,
    /// It will be deleted and made again.
    Replace,
    /// It will be deleted.
    Delete,
    /// It exists as wanted and only its mark of ownership is set.
    Adopt,
    /// It is left as it is, and eksact's hold on it is given up.
    Forget,
}

impl Action {
    /// Every action, in the order of summaries.
    pub const ALL: [Self; 6] = [
        Self::Create,
        Self::Update,
        Self::Replace,
        Self::Delete,
        Self::Adopt,
        Self::Forget,
    ];
}

/// Why a change is there: a stable code for machines, a sentence fragment for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    /// Stable, kebab-case.
    pub code: String,
    /// Ends the sentence "… because …".
    pub text: String,
}

impl Reason {
    /// A reason with its stable code and its words.
    pub fn new(code: &str, text: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            text: text.into(),
        }
    }
}

/// Whose doing a difference is, as far as what is there can tell. eksact keeps no state: it compares with what it left on the
/// objects themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// It is to be created, and nothing of it is there.
    New,
    /// What was applied last was changed, by someone or something else: drift.
    Live,
    /// What is there is what was applied last; the configuration asks for something else.
    Configuration,
}

/// How a change alters what somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Nothing is allowed or refused that was not before.
    Equal,
    /// Less is allowed.
    Narrower,
    /// It cannot be told; to be treated as broader.
    Incomparable,
    /// More is allowed.
    Broader,
}

impl Effect {
    /// Whether it must be taken as giving more access.
    pub fn broadens(self) -> bool {
        matches!(self, Self::Broader | Self::Incomparable)
    }

    /// The effect of two changes together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Narrower, Self::Broader) | (Self::Broader, Self::Narrower) => Self::Incomparable,
            (a, b) => a.max(b),
        }
    }
}

/// Sign of one line of a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DifferenceSign {
    /// The line is new.
    Added,
    /// The line goes.
    Removed,
    /// The line stays; it says what the lines around it belong to.
    Context,
}

/// One line of a difference inside an attribute: a statement of a policy, a part of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// What becomes of it.
    pub sign: DifferenceSign,
    /// How deep it stands under the line before.
    pub indent: u8,
    /// The words.
    pub text: String,
    /// What it means for access, where that is known for the line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<Effect>,
}

/// One attribute that differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AttributeChange {
    /// Its name as people know it: `managed policy`, `trust policy`, `annotation owner`.
    pub name: String,
    /// What it is now; none when it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// What it becomes; none when it goes away or is not known yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
    /// Where the value comes from when it is known only after another step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_unknown: Option<Unknown>,
    /// The difference line by line, for documents; empty for plain values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Difference>,
    /// What it means for access, where it means something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<Effect>,
    /// A remark for people: a certificate's subject, a policy's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
}

impl AttributeChange {
    /// A plain value that changes from `before` to `after`.
    pub fn plain(name: impl Into<String>, before: Option<Value>, after: Option<Value>) -> Self {
        Self {
            name: name.into(),
            before,
            after,
            after_unknown: None,
            differences: Vec::new(),
            effect: None,
            remark: None,
        }
    }

    /// A value that another step of the plan will tell.
    pub fn deferred(name: impl Into<String>, before: Option<Value>, unknown: Unknown) -> Self {
        Self {
            after_unknown: Some(unknown),
            ..Self::plain(name, before, None)
        }
    }

    /// The same with its meaning for access.
    #[must_use]
    pub fn with_effect(mut self, effect: Effect) -> Self {
        self.effect = Some(effect);
        self
    }

    /// The same with a remark.
    #[must_use]
    pub fn with_remark(mut self, remark: impl Into<String>) -> Self {
        self.remark = Some(remark.into());
        self
    }

    /// The same with its difference line by line.
    #[must_use]
    pub fn with_differences(mut self, differences: Vec<Difference>) -> Self {
        self.differences = differences;
        self
    }
}

/// One object that will change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// Which object.
    pub address: Address,
    /// What happens to it.
    pub action: Action,
    /// Why; the first reason is the one that decided the action.
    pub reasons: Vec<Reason>,
    /// Whose doing it is; none where that cannot be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// The line of the configuration that asks for it; none for what the file does not name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceLocation>,
    /// What differs.
    pub attributes: Vec<AttributeChange>,
    /// The objects that must be there first.
    pub depends_on: Vec<Address>,
    /// The steps that carry it out, in order.
    pub steps: Vec<StepId>,
    /// Digest of what was read of the object: the change holds only while this does.
    pub fingerprint: String,
    /// What the change means for access, all attributes together.
    pub effect: Effect,
    /// Remarks for people, each a sentence: what the change brings with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}
