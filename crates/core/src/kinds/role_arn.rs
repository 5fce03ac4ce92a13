//! The role that a service account is annotated with.

use crate::{
    config::ServiceAccount,
    engine::{Deferred, PlanDraft},
    live::addresses,
};

/// The ARN of the role of a service account once the draft is carried out: the one that the file attaches, else that of its
/// own role. None where there will be no role.
pub(super) fn role_arn_after(account: &ServiceAccount, draft: &PlanDraft) -> Option<Deferred<String>> {
    match &account.attach_role_arn {
        Some(arn) => Some(Deferred::Known(arn.value.clone())),
        None => draft
            .outcome(addresses::iam_role(&account.key()), addresses::ARN)
            .cloned(),
    }
}
