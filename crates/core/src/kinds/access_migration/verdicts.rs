//! What each line's principal keeps, as findings: what is as before needs no word.

use eksact_message::code::Code;

use super::Scope;
use crate::{
    engine::{Finding, PlanDraft, Severity},
    guard::{
        Guard,
        access::{gives_everything, principal_key},
        standpoint::known_entries,
    },
    kinds::bridge,
    live::{Live, addresses},
    migration::{Fate, Line, Verdict},
    ports::aws::AccessEntry,
};

/// Adds a finding for every line that does not simply move.
pub(super) fn report(scope: &Scope, live: &Live, draft: &mut PlanDraft) {
    for line in &scope.lines {
        if let Some(finding) = finding(line, live) {
            draft.add_finding(finding.about(&addresses::identity_mapping(&line.subject)));
        }
    }
}

fn finding(line: &Line, observed: &Live) -> Option<Finding> {
    let place = match line.line {
        Some(number) => format!("line {number} of {}", line.section.as_str()),
        None => format!("the account in {}", line.section.as_str()),
    };
    Some(match &line.fate {
        Fate::Entry(proposal) => {
            let mut why = proposal.why.clone();
            why.extend(renamed(proposal.username.as_deref(), line, observed));
            let said = format!("{place}: {}; {}", words(proposal.verdict), why.join("; "));
            match proposal.verdict {
                Verdict::Same | Verdict::More if why.is_empty() => return None,
                Verdict::Same | Verdict::More => Finding::new(Severity::Note, Code::MigrationVerdict, said),
                Verdict::Unknown if !bridge::gives_everything(&proposal.policies) => {
                    Finding::new(Severity::Warning, Code::MigrationVerdict, said)
                }
                Verdict::Less | Verdict::Unknown => {
                    let guard = Guard::AccessReduced;
                    guard
                        .refusal(said)
                        .with_help(remedy!("--allow {} does it anyway.", guard.code()))
                }
            }
        }
        Fate::Decided {
            verdict: Verdict::Same,
            ..
        } => return None,
        Fate::Decided { verdict, why } => Finding::new(
            Severity::Warning,
            Code::MigrationVerdict,
            format!(
                "{place}: its access entry alone counts, and it gives {}: {}",
                match verdict {
                    Verdict::Less => "less than the line",
                    Verdict::More => "more than the line",
                    Verdict::Same | Verdict::Unknown => "something else than the line",
                },
                why.join("; ")
            ),
        ),
        Fate::Blocked { why, help } => {
            let message = format!("{place} stays in aws-auth, and keeps the cluster from mode API: {why}");
            let finding = Finding::new(Severity::Warning, Code::MigrationBlocked, message);
            match help {
                Some(help) => finding.with_help(help.clone()),
                None => finding,
            }
        }
        Fate::Dead { why } => Finding::new(
            Severity::Note,
            Code::MigrationLineWithoutEffect,
            format!("{place} lets no one in, and no entry is made for it: {why}"),
        ),
    })
}

/// Says where one principal alone, or only the caller, could do everything once `aws-auth` is not read any more.
pub(super) fn report_administrators(scope: &Scope, after: &Live, draft: &mut PlanDraft) {
    let admins: Vec<&AccessEntry> = known_entries(after)
        .unwrap_or_default()
        .iter()
        .filter(|entry| gives_everything(entry) && after.lets_in(entry) != Some(false))
        .collect();
    let [only] = admins.as_slice() else {
        return;
    };
    let is_caller = scope.caller.as_deref() == Some(principal_key(&only.principal_arn).as_str());
    let message = format!(
        "in authentication mode API {} alone may do everything{}: if it is lost, no one can give access to anyone",
        only.principal_arn,
        if is_caller {
            ", the caller of this command,"
        } else {
            ""
        }
    );
    let finding = Finding::new(Severity::Warning, Code::MigrationSingleAdministrator, message);
    draft.add_finding(finding.with_help(remedy!(
        "Make another principal an administrator first: `eksact create accessentry --cluster {} --region {} --principal-arn ARN \
         --access-policy AmazonEKSClusterAdminPolicy --approve`",
        after.cluster.name,
        after.region
    )));
}

fn words(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Same => "the same access",
        Verdict::More => "more access",
        Verdict::Less => "less access",
        Verdict::Unknown => "it is not known whether the access stays the same",
    }
}

/// The bindings that name the user of a line whose name changes.
fn renamed(username: Option<&str>, line: &Line, observed: &Live) -> Option<String> {
    let before = line.username.as_deref()?;
    if username == Some(before) || before.contains("{{") {
        return None;
    }
    let Some(Ok(bindings)) = observed.bindings() else {
        return None;
    };
    let naming: Vec<String> = bindings
        .iter()
        .filter(|binding| {
            let mut subjects = binding.subjects.iter();
            subjects.any(|subject| subject.kind == "User" && subject.name == before)
        })
        .map(|binding| crate::live::binding_words(binding.namespace.as_deref(), &binding.name))
        .collect();
    (!naming.is_empty()).then(|| format!("{} name the user {before}", naming.join(", ")))
}
