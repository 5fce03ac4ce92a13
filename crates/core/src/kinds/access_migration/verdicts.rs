//! What each line's principal keeps, as findings: what is as before needs no word.

use eksact_identity::authn::access_entry::{STANDARD, is_for_nodes};
use eksact_message::code::Code;

use super::{Scope, commands};
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

/// Of a line whose entry may be that of an earlier principal.
const NOT_KNOWN: &str = "its principal could not be read, and so the line is kept: an access entry of a principal that was made again \
                         counts for no one";

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
                // Of an administrator and of nodes it has to be known.
                Verdict::Unknown
                    if proposal.entry_type == STANDARD && !bridge::gives_everything(&proposal.policies) =>
                {
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
            is_current: true,
            ..
        } => return None,
        Fate::Decided {
            verdict: Verdict::Same,
            ..
        } => Finding::new(
            Severity::Warning,
            Code::MigrationVerdict,
            format!("{place}: {NOT_KNOWN}"),
        ),
        Fate::Decided {
            verdict,
            why,
            is_current,
        } => Finding::new(
            Severity::Warning,
            Code::MigrationVerdict,
            format!(
                "{place}: its access entry alone counts, and it gives {}: {}{}",
                match verdict {
                    Verdict::Less => "less than the line",
                    Verdict::More => "more than the line",
                    Verdict::Same | Verdict::Unknown => "something else than the line",
                },
                why.join("; "),
                if *is_current {
                    String::new()
                } else {
                    format!("; {NOT_KNOWN}")
                }
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
        Fate::Dead { why, is_certain } => {
            let kept = "; the line is kept: IAM was asked for this spelling of the name alone, and the cluster takes any. If the user \
                        is gone, delete the line";
            Finding::new(
                Severity::Note,
                Code::MigrationLineWithoutEffect,
                format!(
                    "{place} lets no one in, and no entry is made for it: {why}{}",
                    if *is_certain { "" } else { kept }
                ),
            )
        }
    })
}

/// Refuses mode `API` while it is not known whether the nodes and principals of a line get in by their entries: nodes have to join by
/// an entry first (terraform-aws-eks 2912: pods of Fargate did not come up), and a principal may have been made again.
pub(super) fn report_unproven(scope: &Scope, live: &Live, draft: &mut PlanDraft) {
    let (mut nodes, mut unread) = (Vec::new(), Vec::new());
    for line in &scope.lines {
        match &line.fate {
            Fate::Entry(proposal) if is_for_nodes(&proposal.entry_type) => nodes.push(line.subject.as_str()),
            Fate::Decided {
                is_current: false, ..
            } => unread.push(line.subject.as_str()),
            _ => {}
        }
    }
    if !nodes.is_empty() {
        let message = format!(
            "in authentication mode API nodes get in by their access entries alone, and this run makes those of {}: whether a node \
             joins by one is not known yet",
            nodes.join(", ")
        );
        draft.add_finding(Guard::AwsAuthInUse.refusal(message).with_help(remedy!(
            "Make the entries first: `{}`. Once a new node of each role has joined, run this again.",
            commands::without_last_step(&scope.choices, live)
        )));
    }
    if !unread.is_empty() {
        let message = format!(
            "in authentication mode API only the access entries count, and whether those of {} are of the principals that there are \
             now could not be read",
            unread.join(", ")
        );
        draft.add_finding(
            Guard::AwsAuthInUse
                .refusal(message)
                .with_help(remedy!("Allow iam:GetRole and iam:GetUser, and run this again.")),
        );
    }
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
        "in authentication mode API {}{} alone may do everything: if it is lost, no one can give access to anyone",
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
