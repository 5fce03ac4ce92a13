//! Entries that are deleted and made again: EKS changes neither their type nor the principal that it knows them by. Pure.

use super::{
    granted::{Granted, effect},
    operation::Operation,
    plan::Subject,
};
use crate::{
    engine::{Action, Finding, PlanDraft, Reason, Severity},
    guard::Guard,
    ports::aws::AccessEntry,
};
use eksact_message::code::Code;

/// Why an entry no longer is of who has the ARN of its principal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stale {
    /// The principal was made again since.
    Already,
    /// The plan makes it anew.
    ByPlan,
}

impl Subject<'_> {
    /// Deletes the entry and makes it again: its type cannot be changed, nor the principal that EKS knows it by.
    pub(super) fn replace(&self, existing: &AccessEntry, stale: Option<Stale>, draft: &mut PlanDraft) {
        let delete = draft.add_step(
            &self.address,
            "delete",
            format!("delete access entry of {}", self.arn()),
            Vec::new(),
            &Operation::Delete {
                cluster: self.cluster(),
                seen: existing.clone(),
            },
        );
        let mut steps = vec![delete.clone()];
        steps.extend(self.create_steps(vec![delete], draft));
        let before = Granted::from(existing);
        let after = Granted::from(&self.after());
        let (reason, has, total, note) = if stale == Some(Stale::ByPlan) {
            (
                Reason::new(
                    "principal-made-anew",
                    "its role is made anew, which EKS knows not by its name but by its unique id",
                ),
                Some(existing),
                effect(Some(&before), Some(&after)),
                "The entry is deleted and made again for the role that this plan makes.",
            )
        } else if stale == Some(Stale::Already) {
            let message = format!(
                "the access entry of {} is stale: the principal was made again since, and EKS knows the new one not by \
                 its name but by its unique id",
                self.arn()
            );
            let finding = Finding::new(Severity::Warning, Code::PrincipalStale, message);
            draft.add_finding(finding.about(&self.address).at(self.configured.location.as_ref()));
            (
                Reason::new(
                    "stale",
                    "its principal was made again, and the new one has no access",
                ),
                // The principal that has the ARN now has nothing of what the entry says.
                None,
                effect(None, Some(&after)),
                "The entry is deleted and made again for the principal that has the ARN now.",
            )
        } else {
            draft.add_finding(
                Guard::AccessEntryReplaced
                    .refusal(format!(
                        "the access entry of {} is of type {}, and shall be of type {}, which EKS cannot change: it would be \
                         deleted and made again, and {0} has no access in between",
                        self.arn(),
                        existing.entry_type,
                        self.wanted.entry_type
                    ))
                    .about(&self.address)
                    .at(self.configured.location.as_ref())
                    .with_help(remedy!(
                        "--allow {} does it anyway.",
                        Guard::AccessEntryReplaced.code()
                    )),
            );
            (
                Reason::new("type-differs", "its type cannot be changed"),
                Some(existing),
                effect(Some(&before), Some(&after)),
                "The entry is deleted and made again: its principal has no access in between.",
            )
        };
        self.add_change(
            (Action::Replace, reason),
            (self.attributes(has), total),
            Some(existing),
            vec![note.to_owned()],
            steps,
            draft,
        );
    }
}
