//! Whether a service account that shall be there may be written.

use super::Request;
use crate::{
    config,
    live::{Live, Ownership, ROLE_ANNOTATION, Unreadable, other_owner, ownership, unreadable},
    ports::kubernetes::ServiceAccount,
};
use eksact_identity::cloudformation::RolePurpose;

/// Whether an account that shall be there may be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It may: it is absent, ours, already as wanted, or the user said to.
    Free,
    /// It is somebody else's: whose, where that can be told.
    Refused(Option<&'static str>),
    /// It could not be read.
    Unknown(Unreadable),
}

/// Whether this account of the request may be written.
pub(super) fn standing(request: &Request, live: &Live, account: &config::ServiceAccount) -> Standing {
    if account.role_only {
        return Standing::Free;
    }
    match live.service_account(&account.key()) {
        Some(Ok(Some(existing))) => {
            let settled = ownership(existing) != Ownership::Foreign
                || request.settings.override_existing_service_accounts
                || is_as_wanted(live, account, existing);
            if settled {
                Standing::Free
            } else {
                Standing::Refused(other_owner(existing))
            }
        }
        Some(Ok(None)) => Standing::Free,
        Some(Err(error)) => Standing::Unknown(unreadable(error)),
        None => Standing::Unknown(Unreadable::Object),
    }
}

/// Whether somebody else's service account already says what the file wants, so that nothing needs to be taken over.
fn is_as_wanted(live: &Live, account: &config::ServiceAccount, existing: &ServiceAccount) -> bool {
    let wanted_arn = match &account.attach_role_arn {
        Some(arn) => Some(arn.value.clone()),
        None => live
            .stack_of(&RolePurpose::ServiceAccount.of(&account.key()))
            .and_then(|stack| stack.outputs.get("Role1").cloned()),
    };
    wanted_arn.is_some_and(|arn| existing.annotations.get(ROLE_ANNOTATION) == Some(&arn))
        && account
            .labels
            .iter()
            .all(|(key, value)| existing.labels.get(key) == Some(value))
        && account
            .annotations
            .iter()
            .all(|(key, value)| existing.annotations.get(key) == Some(value))
}
