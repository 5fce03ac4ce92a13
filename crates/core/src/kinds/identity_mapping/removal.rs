//! Which mappings go: asked for by ARN or account, or pruned because the configuration no longer has what eksact wrote.

use eksact_message::code::Code;
use std::collections::BTreeMap;

use super::{
    delta::{Delta, DeltaError, Removal},
    ownership::{self, digest_of, is_protected},
    plan::refuse_edit,
    reading::{MapEntry, Reading},
    scope::{self, MappingSelector},
};
use crate::{
    config::location::SourceLocation,
    engine::{Finding, PlanDraft, Reason, Severity},
    guard::Guard,
    kinds::Request,
    live::addresses,
    ports::kubernetes::ConfigMap,
};
use eksact_identity::authn::aws_auth::SectionKey;

/// Adds to `delta` what goes, and gives the reason of each by its key. `wanted` are the keys that stay.
pub(super) fn add(
    request: &Request,
    (config_map, reading): (Option<&ConfigMap>, &Reading),
    wanted: &BTreeMap<String, Option<SourceLocation>>,
    delta: &mut Delta,
    draft: &mut PlanDraft,
) -> BTreeMap<String, Reason> {
    let mut reasons = BTreeMap::new();
    let deletions = scope::deletions(request);
    if deletions.is_empty() && !scope::prunes(request) {
        return reasons;
    }
    for selector in deletions {
        if let Some(error) = hidden(selector, reading) {
            refuse_edit(&error, request, config_map, draft);
            continue;
        }
        for removal in selected(selector, reading, draft) {
            reasons.insert(
                removal.subject.to_lowercase(),
                Reason::new("requested", "it was requested"),
            );
            delta.remove.push(removal);
        }
    }
    if let Some(config_map) = config_map.filter(|_| scope::prunes(request)) {
        let recorded = config_map.annotations.get(ownership::ANNOTATION);
        let owned = ownership::parse(recorded.map(String::as_str));
        for entry in &reading.entries {
            let key = entry.arn.to_lowercase();
            if !owned.contains(&digest_of(entry)) || wanted.contains_key(&key) {
                continue;
            }
            if is_protected(entry) {
                draft.add_finding(
                    Finding::new(
                        Severity::Note,
                        Code::PruneProtected,
                        format!("the mapping of {} is kept: it belongs to nodes or to EKS itself", entry.arn),
                    )
                    .about(&addresses::identity_mapping(&entry.arn))
                    .with_help(remedy!(
                        "`eksact delete iamidentitymapping --cluster {} --region {} --arn {} --allow {} --approve` deletes it, \
                         and no node of that role gets in any more.",
                        request.config.metadata.name.value,
                        request.config.metadata.region.value,
                        entry.arn,
                        Guard::NodeRoleLost.code()
                    )),
                );
                continue;
            }
            reasons.insert(key, Reason::new("pruned", "the file no longer has it"));
            delta.remove.push(entry.as_removal());
        }
    }
    reasons
}

/// Why it cannot be told whether there is a mapping to delete: the cluster reads nothing of a section whose text has the
/// ARN, and would read it again as soon as somebody fixes the section.
fn hidden(selector: &MappingSelector, reading: &Reading) -> Option<DeltaError> {
    let (subject, sections): (&str, &[SectionKey]) = match selector {
        MappingSelector::Account(account) => (account, &[SectionKey::Accounts]),
        MappingSelector::Arn { arn, .. } => (arn, &[SectionKey::Roles, SectionKey::Users]),
    };
    reading
        .dropped
        .iter()
        .filter(|(section, _)| sections.iter().any(|key| key.as_str() == section))
        .find(|(section, _)| reading.text_names(section, subject))
        .map(|(section, why)| DeltaError::Dropped {
            section: section.clone(),
            why: why.clone(),
        })
}

fn selected(selector: &MappingSelector, reading: &Reading, draft: &mut PlanDraft) -> Vec<Removal> {
    let (subject, found, all): (&str, Vec<&MapEntry>, bool) = match selector {
        MappingSelector::Account(account) => (
            account,
            reading
                .of_section(SectionKey::Accounts)
                .filter(|entry| entry.arn == *account)
                .collect(),
            true,
        ),
        MappingSelector::Arn { arn, all } => (
            arn,
            reading
                .entries
                .iter()
                .filter(|entry| entry.section != SectionKey::Accounts && entry.arn.eq_ignore_ascii_case(arn))
                .collect(),
            *all,
        ),
    };
    if found.is_empty() {
        if let Some(refused) = left_out(subject, reading) {
            draft.add_finding(refused);
            return Vec::new();
        }
        let finding = Finding::new(
            Severity::Note,
            Code::NothingToDelete,
            format!("aws-auth has no mapping of {subject}"),
        )
        .about(&addresses::identity_mapping(subject));
        draft.add_finding(match nearly(subject, reading) {
            Some(near) => finding.with_help(remedy!("Did you mean --arn {near}?")),
            None => finding,
        });
        return Vec::new();
    }
    if found.len() > 1 && !all {
        let places: Vec<String> = found
            .iter()
            .map(|entry| {
                let line = entry.line.map(|line| format!(" line {line}")).unwrap_or_default();
                format!("{}{line} ({})", entry.section.as_str(), entry.username)
            })
            .collect();
        draft.add_finding(
            Finding::new(
                Severity::Error,
                Code::SeveralMappings,
                format!(
                    "aws-auth has {} mappings of {subject}: {}",
                    found.len(),
                    places.join(", ")
                ),
            )
            .about(&addresses::identity_mapping(subject))
            .with_help(remedy!("Pass --all to delete all of them.")),
        );
        return Vec::new();
    }
    found.into_iter().map(MapEntry::as_removal).collect()
}

/// An entry of this ARN that the authenticator leaves out, for a flaw of its own: it would count again without that.
fn left_out(subject: &str, reading: &Reading) -> Option<Finding> {
    let aws_auth = reading.aws_auth();
    let mut refused = aws_auth.roles.refused.iter().chain(&aws_auth.users.refused);
    let entry = refused.find(|entry| entry.mapping.arn.eq_ignore_ascii_case(subject))?;
    Some(
        Finding::new(
            Severity::Error,
            Code::EntryDropped,
            format!(
                "aws-auth has an entry of {subject}, which the cluster ignores ({}) and eksact cannot delete",
                entry.because
            ),
        )
        .about(&addresses::identity_mapping(subject))
        .with_help(remedy!(
            "Remove it by hand, on line {} of its section: kubectl edit configmap aws-auth --namespace \
             kube-system",
            entry.line
        )),
    )
}

/// The ARN of an entry that ends in the same name: with another path, account or partition.
fn nearly<'live>(subject: &str, reading: &'live Reading) -> Option<&'live str> {
    let name = subject.rsplit('/').next().filter(|name| !name.is_empty())?;
    reading
        .entries
        .iter()
        .map(|entry| entry.arn.as_str())
        .find(|arn| {
            arn.rsplit('/')
                .next()
                .is_some_and(|other| other.eq_ignore_ascii_case(name))
        })
}
