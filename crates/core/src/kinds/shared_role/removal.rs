//! Statements of this cluster that the files no longer have: found by their `Sid` among all roles of the account, removed
//! with `--prune`, named otherwise.

use eksact_message::code::Code;
use std::collections::BTreeSet;

use super::{edited, plan::StatementChange, prunes, sid};
use crate::{
    engine::{Action, Finding, PlanDraft, Reason, Severity},
    kinds::Request,
    live::{Live, addresses},
    ports::aws::Role,
};
use eksact_identity::iam::shared_trust::{EditError, statement_of};

/// So many names are told in a note.
const MOST_NAMES: usize = 10;

/// Adds the removals, or says what stays.
pub(super) fn plan(request: &Request, live: &Live, draft: &mut PlanDraft) {
    let roles = match live.all_roles() {
        Some(Ok(roles)) => roles,
        Some(Err(error)) => {
            // Without --prune nothing of this was asked for; a permission that the caller does not have is no failure.
            let severity = if prunes(request) {
                Severity::Error
            } else {
                Severity::Note
            };
            let finding = Finding::new(
                severity,
                Code::SharedRolesUnreadable,
                format!(
                    "whether other roles still let service accounts of this cluster in through a statement \
                     of eksact's is not known, because the roles of the account could not be listed: {error}"
                ),
            );
            draft.add_finding(finding.with_help_for(error));
            return;
        }
        None => return,
    };
    let sid = sid(live);
    let declared: BTreeSet<String> = request
        .config
        .access
        .shared_roles
        .iter()
        .map(|role| role.role.value.name().to_lowercase())
        .collect();
    let left: Vec<&Role> = roles
        .iter()
        .map(AsRef::as_ref)
        .filter(|role| !declared.contains(&role.name.to_lowercase()))
        .filter(|role| statement_of(&role.trust_policy, &sid).is_some())
        .collect();
    if !prunes(request) {
        note_left(&left, draft);
        return;
    }
    for role in left {
        remove(role, &sid, live, draft);
    }
}

fn note_left(left: &[&Role], draft: &mut PlanDraft) {
    if left.is_empty() {
        return;
    }
    let mut names: Vec<String> = left.iter().map(|role| role.name.clone()).collect();
    names.sort();
    let more = names.len().saturating_sub(MOST_NAMES);
    names.truncate(MOST_NAMES);
    if more > 0 {
        names.push(format!("{more} more"));
    }
    draft.add_finding(
        Finding::new(
            Severity::Note,
            Code::NotPruned,
            format!(
                "eksact let service accounts of this cluster assume roles that the file does not share, and they still may: {}",
                names.join(", ")
            ),
        )
        .with_help(remedy!("--prune removes this cluster's statements from their trust policies.")),
    );
}

fn remove(role: &Role, sid: &str, live: &Live, draft: &mut PlanDraft) {
    let address = addresses::shared_role(&role.name);
    let document = match edited(&role.trust_policy, sid, None) {
        Ok(document) => document,
        Err(error) => {
            let finding = Finding::new(
                Severity::Error,
                Code::SharedRoleLastStatement,
                format!(
                    "the statement {sid} in the trust policy of role {} is kept: {error}",
                    role.name
                ),
            )
            .about(&address);
            draft.add_finding(match error {
                EditError::LastStatement => finding.with_help(remedy!(
                    "No one else may assume this role: delete it, or give it another statement first (`aws \
                     iam update-assume-role-policy --role-name {} --policy-document …`).",
                    role.name
                )),
                EditError::NotAPolicy => finding,
            });
            return;
        }
    };
    let change = StatementChange {
        live,
        role,
        after: None,
        document: &document,
        action: Action::Delete,
        reason: Reason::new("pruned", "the file no longer shares the role"),
        address,
    };
    change.add(None, draft);
}
