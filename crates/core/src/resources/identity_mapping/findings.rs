//! What a plan says about mappings besides their changes: a cluster that does not read `aws-auth`, groups that nothing
//! binds, and what the authenticator makes of the entries that the plan touches.

use eksact_message::code::Code;
use std::collections::{BTreeMap, BTreeSet};

use super::{address, config_map_address, delta::Outcome};
use crate::{
    config::location::SourceLocation,
    engine::{Finding, PlanDraft, Severity},
    guard::access::section_dropped,
    live::Live,
    resources::{Request, rbac, revocation::is_held_back},
};
use eksact_identity::authn::aws_auth::{
    AwsAuth, SectionKey,
    lint::{LintFinding, Surroundings, lint},
};

/// Whether the cluster reads only access entries; says so, and what to use.
pub(super) fn mode_without_aws_auth(request: &Request, live: &Live, draft: &mut PlanDraft) -> bool {
    if live.cluster.authentication_mode.as_deref() != Some("API") {
        return false;
    }
    let wanted = !request.config.access.identity_mappings.is_empty();
    let finding = Finding::new(
        if wanted {
            Severity::Error
        } else {
            Severity::Warning
        },
        Code::AwsAuthNotRead,
        format!(
            "the cluster {} reads access entries only (authentication mode API): mappings in aws-auth let \
             no one in",
            live.cluster.name
        ),
    )
    .about(&config_map_address())
    .with_help(remedy!(
        "Remove the mapping and create an access entry instead: aws eks create-access-entry --region {} \
         --cluster-name {} --principal-arn ARN --username NAME --kubernetes-groups GROUP",
        live.region,
        live.cluster.name
    ));
    draft.add_finding(finding);
    wanted
}

/// What the authenticator makes of the mappings that the configuration wants, once the plan is carried out; and sections
/// that it drops now, where the plan writes nothing and so no guard speaks.
pub(super) fn about_mappings(
    request: &Request,
    live: &Live,
    wanted: &BTreeMap<String, Option<SourceLocation>>,
    outcome: &Outcome,
    draft: &mut PlanDraft,
) {
    if outcome.changes.is_empty()
        && let Some(refusal) = section_dropped(&outcome.before.dropped)
    {
        let finding = Finding::new(Severity::Warning, refusal.guard.code(), refusal.message)
            .about(&config_map_address());
        draft.add_finding(match refusal.help {
            Some(help) => finding.with_help(help),
            None => finding,
        });
    }
    let aws_auth = outcome.after.aws_auth();
    let mut told = BTreeSet::new();
    for found in all(request, live, aws_auth, draft) {
        let (subject, source) = match subject(aws_auth, &found) {
            Some(subject) => match wanted.get(&subject.to_lowercase()) {
                Some(source) => (address(subject), source.as_ref()),
                None => continue,
            },
            // Of a section that is dropped the guard speaks.
            None if found.item.is_none() && found.code != Code::SectionDropped && !wanted.is_empty() => {
                (config_map_address(), None)
            }
            None => continue,
        };
        // One group of many mappings is worth one word.
        if told.insert((found.code, found.message.clone())) {
            draft.add_finding(warning(&found).about(&subject).at(source));
        }
    }
}

/// What the authenticator would make of a ConfigMap that is taken back, where it does not make the same of the one there is.
pub(super) fn about_restored(request: &Request, live: &Live, outcome: &Outcome, draft: &mut PlanDraft) {
    let key = |found: &LintFinding| (found.code, found.message.clone());
    let before = all(request, live, outcome.before.aws_auth(), draft);
    let mut told: BTreeSet<_> = before.iter().map(key).collect();
    for found in all(request, live, outcome.after.aws_auth(), draft) {
        if found.code != Code::SectionDropped && told.insert(key(&found)) {
            draft.add_finding(warning(&found).about(&config_map_address()));
        }
    }
}

/// Everything that looks wrong in a ConfigMap, with what RBAC and IAM know.
fn all(request: &Request, live: &Live, aws_auth: &AwsAuth, draft: &PlanDraft) -> Vec<LintFinding> {
    let bound_groups = bound_groups(request, live, is_held_back(draft));
    let roles = permission_set_roles(live);
    let surroundings = Surroundings {
        partition: Some(live.partition.as_str()),
        bound_groups: bound_groups.as_ref(),
        roles: roles.as_ref().map(|roles| (live.account.as_str(), roles)),
        nodes_need_aws_auth: false,
    };
    lint(aws_auth, &surroundings)
}

/// The ARN or account of the entry that a finding is about.
fn subject<'live>(aws_auth: &'live AwsAuth, found: &LintFinding) -> Option<&'live str> {
    match found.section? {
        SectionKey::Accounts => {
            let entry = aws_auth.accounts.entries.get(found.entry?)?;
            Some(&entry.value)
        }
        section => aws_auth.arn_of(section, found.item?),
    }
}

fn warning(found: &LintFinding) -> Finding {
    Finding::new(Severity::Warning, found.code, &found.message).with_help(found.suggestion.worded(sentence))
}

/// The groups that bindings name, now or after the plan; none where they could not be read.
fn bound_groups(request: &Request, live: &Live, is_held_back: bool) -> Option<BTreeSet<String>> {
    let Some(Ok(bindings)) = live.bindings() else {
        return None;
    };
    let left = if is_held_back {
        bindings.iter().collect()
    } else {
        rbac::left_bindings(request, bindings)
    };
    let mut bound: BTreeSet<String> = left
        .into_iter()
        .flat_map(|binding| &binding.subjects)
        .filter(|subject| subject.kind == "Group")
        .map(|subject| subject.name.clone())
        .collect();
    bound.extend(rbac::bound_groups(request).map(ToOwned::to_owned));
    Some(bound)
}

/// The names of the roles that IAM Identity Center made.
fn permission_set_roles(live: &Live) -> Option<BTreeSet<String>> {
    let Some(Ok(arns)) = live.permission_set_roles() else {
        return None;
    };
    let name = |arn: &String| arn.rsplit('/').next().map(ToOwned::to_owned);
    Some(arns.iter().filter_map(name).collect())
}

/// A suggestion as a sentence.
fn sentence(suggestion: &str) -> String {
    let mut letters = suggestion.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    let end = if suggestion.ends_with(['.', '?']) { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}
