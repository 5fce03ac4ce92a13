//! Asks the guard over the caller's own rights about a whole plan: mappings and bindings together.

use super::{identity_mapping, rbac, runner::help_for};
use crate::{
    engine::{Finding, PlanDraft, Severity, StepError},
    guard::{
        Guard,
        own_rights::{OwnRights, own_rights_lost},
    },
    live::Live,
    ports::CallError,
};
use eksact_message::code::Code;

/// That nobody knows what the caller loses.
fn unknown(caller: &str, error: &CallError) -> Finding {
    Finding::new(
        Severity::Warning,
        Code::OwnRightsUnknown,
        format!(
            "the plan changes the user name or groups of the caller, {caller}, and its RBAC rights could \
             not be read: {error}"
        ),
    )
    .with_help(remedy!(
        "Give the caller the right to list rolebindings and clusterrolebindings, or have someone who has it \
         apply the plan."
    ))
}

/// A step that this version cannot decode: what it takes from the caller is not known.
fn not_understood(error: &StepError) -> Finding {
    Finding::new(
        Severity::Error,
        Code::OwnRightsUnknown,
        format!("what the plan takes from the caller is not known: {error}"),
    )
}

/// Adds the refusal where the plan takes such rights from the caller.
pub(super) fn guard(live: &Live, draft: &mut PlanDraft) {
    let writes_access = draft
        .steps()
        .iter()
        .any(|step| rbac::is_address(&step.address) || identity_mapping::is_address(&step.address));
    // One refusal about the caller is enough.
    let refused = draft
        .findings()
        .iter()
        .any(|finding| finding.code == Guard::OwnAccessLost.code());
    if !writes_access || refused {
        return;
    }
    if let (Err(error), None | Some(Err(_))) = (&live.caller, live.user_info()) {
        let finding = Finding::new(
            Severity::Warning,
            Code::OwnRightsUnknown,
            format!(
                "whether the caller loses its own access depends on who it is, which could not be read: {error}"
            ),
        );
        draft.add_finding(match help_for(error) {
            Some(help) => finding.with_help(help),
            None => finding,
        });
    }
    let caller = match identity_mapping::caller_over(live, draft) {
        Ok(Some(caller)) => caller,
        Ok(None) => return,
        Err(error) => return draft.add_finding(not_understood(&error)),
    };
    let Some(now) = rbac::Bound::now(live) else {
        if let Some(Err(error)) = live.bindings()
            && caller.before != caller.after
        {
            draft.add_finding(unknown(&caller.key, error));
        }
        return;
    };
    let may = now.rights(&caller.before);
    let unread = now.unread_roles(&caller.before);
    let after = match now.after(draft) {
        Ok(after) => after,
        Err(error) => return draft.add_finding(not_understood(&error)),
    };
    let still_unread = after.unread_roles(&caller.after);
    let lost: Vec<&str> = unread.difference(&still_unread).map(String::as_str).collect();
    if !lost.is_empty() {
        draft.add_finding(
            Finding::new(
                Severity::Warning,
                Code::OwnRightsUnknown,
                format!(
                    "what the caller, {}, loses depends on {}, which the plan takes from it and which could not be read",
                    caller.key,
                    lost.join(", ")
                ),
            )
            .with_help(remedy!("Give the caller the right to get and list roles and clusterroles, or have \
                 someone who has it apply the plan.")),
        );
    }
    let own = OwnRights {
        would: after.rights(&caller.after),
        named_by: after.naming(&caller.before.username),
        may,
        key: caller.key,
        before: caller.before,
        after: caller.after,
        way_back: caller.way_back,
    };
    if let Some(refusal) = own_rights_lost(&own) {
        draft.add_finding(refusal.finding());
    }
}
