//! CloudFormation without a client: the names and tags of the stacks of service accounts' roles, their templates, and
//! what role a template wants.
//!
//! Everything is as eksctl 0.231 writes it, so that either tool can manage what the other made.

mod intrinsic;
pub mod managed_policy;
pub mod role_owner;
pub mod stack_name;
pub mod tags;
pub mod template;
pub mod wanted_role;
pub mod well_known;

#[cfg(test)]
mod recorded;

pub use role_owner::{RoleOwner, RolePurpose};
pub use stack_name::{ExistingStack, assign};
pub use tags::{StackTags, Tag};
pub use template::{RoleTemplate, TemplateError};
pub use wanted_role::{ResolveContext, ResolveError, WantedRole, resolve};

/// The capability that a template needs to make an IAM role: `CAPABILITY_NAMED_IAM` if it gives the role a name, else
/// `CAPABILITY_IAM`. eksctl sends the one alone too (`pkg/cfn/manager/api.go`, 0.231).
pub fn capability(role_name: Option<&str>) -> &'static str {
    if role_name.is_some() {
        "CAPABILITY_NAMED_IAM"
    } else {
        "CAPABILITY_IAM"
    }
}
