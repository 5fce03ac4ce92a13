//! Whether a request is allowed by all the policies that it meets: of the principal, its boundary, its session, and of the
//! resource or role that it is about. The answer is *yes*, *no* or *depends on …*; what is not known is never a no, and a
//! `Deny` of which it cannot be said whether it applies is never passed over.
//!
//! Service and resource control policies are not looked at: a member account mostly cannot read them. So a *yes* holds
//! unless one of them says no.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>, and for who is meant
//! by a principal `reference_policies_elements_principal.html` of the same guide.

mod answer;
mod caller;
mod decide;
mod looked;
mod policy;
mod resource;
mod words;

#[cfg(test)]
mod tests;

pub use answer::Answer;
pub use caller::{Caller, CallerError};
pub use decide::{Decision, Grant, Layer, Policies, Refusal, Request, ResourcePolicy, decide};
pub use policy::Policy;
pub use resource::{Sharing, account_of, is_action, sharing};

/// What stands behind every *yes*.
pub const CONTROL_POLICIES_NOT_READ: &str = "service and resource control policies of the organization are not read: they may deny what is allowed here";
