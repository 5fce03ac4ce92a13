//! What a plan says about mappings besides their changes: a cluster that does not read `aws-auth`, groups that nothing
//! binds, and what the authenticator makes of the entries that the plan touches.

use eksact_message::code::Code;
use std::collections::BTreeSet;

use super::{delta::Outcome, operation::texts, scope, wanted::wanted_of};
use crate::{
    engine::{Finding, PlanDraft, Severity},
    guard::{access::section_dropped, aws_auth::AwsAuthReading},
    kinds::Request,
    live::Live,
    live::addresses,
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
    .about(&addresses::aws_auth())
    .with_help(remedy!(
        "Remove the mapping and create an access entry instead: `eksact create accessentry --cluster {} --region {} \
         --principal-arn ARN --kubernetes-username NAME --kubernetes-groups GROUP --yes`",
        live.cluster.name,
        live.region
    ));
    draft.add_finding(finding);
    wanted
}

/// Sections that the authenticator drops now, where the plan writes nothing and so no guard speaks.
pub(super) fn dropped_sections(outcome: &Outcome, draft: &mut PlanDraft) {
    if let Some(refusal) = section_dropped(&outcome.before.dropped) {
        let finding = Finding::new(Severity::Warning, refusal.guard.code(), refusal.message)
            .about(&addresses::aws_auth());
        draft.add_finding(match refusal.help {
            Some(help) => finding.with_help(help),
            None => finding,
        });
    }
}

/// What the authenticator makes of the ConfigMap once the plan is carried out: of the mappings that the files want, or of
/// what a restore brings anew.
pub(super) fn review(request: &Request, live: &Live, after: &Live, draft: &mut PlanDraft) {
    if scope::restore(request).is_some() {
        about_restored(request, live, after, draft);
        return;
    }
    if live.cluster.authentication_mode.as_deref() != Some("API") {
        about_mappings(request, live, after, draft);
    }
}

fn about_mappings(request: &Request, live: &Live, after: &Live, draft: &mut PlanDraft) {
    let Some(Ok(config_map)) = live.aws_auth() else {
        return;
    };
    let wanted = wanted_of(request, live, draft);
    let is_refused = draft
        .findings()
        .iter()
        .any(|finding| finding.severity == Severity::Error && finding.address == Some(addresses::aws_auth()));
    // What could not be written for another reason is worth the same words.
    let unwritten = if is_refused {
        let texts = texts(draft);
        if texts.is_empty() {
            return;
        }
        let mut data = config_map
            .as_ref()
            .map(|found| found.data.clone())
            .unwrap_or_default();
        data.extend(texts);
        Some(AwsAuthReading::of(&data))
    } else {
        None
    };
    let Some(Ok(would)) = AwsAuthReading::of_live(after) else {
        return;
    };
    let aws_auth = unwritten
        .as_ref()
        .map_or_else(|| would.aws_auth(), AwsAuthReading::aws_auth);
    let wanted = wanted.sources;
    let mut told = BTreeSet::new();
    for found in all(request, after, aws_auth) {
        let (subject, source) = match subject(aws_auth, &found) {
            Some(subject) => match wanted.get(&subject.to_lowercase()) {
                Some(source) => (addresses::identity_mapping(subject), source.as_ref()),
                None => continue,
            },
            // Of a section that is dropped the guard speaks.
            None if found.item.is_none() && found.code != Code::SectionDropped && !wanted.is_empty() => {
                (addresses::aws_auth(), None)
            }
            None => continue,
        };
        // One group of many mappings is worth one word.
        if told.insert((found.code, found.message.clone())) {
            draft.add_finding(warning(&found).about(&subject).at(source));
        }
    }
}

fn about_restored(request: &Request, live: &Live, after: &Live, draft: &mut PlanDraft) {
    // A backup cannot be compared with what could not be read, and is not restored: the plan's own finding says so.
    let (Some(Ok(now)), Some(Ok(would))) = (AwsAuthReading::of_live(live), AwsAuthReading::of_live(after))
    else {
        return;
    };
    let key = |found: &LintFinding| (found.code, found.message.clone());
    let now = all(request, live, now.aws_auth());
    let mut told: BTreeSet<_> = now.iter().map(key).collect();
    for found in all(request, after, would.aws_auth()) {
        if found.code != Code::SectionDropped && told.insert(key(&found)) {
            draft.add_finding(warning(&found).about(&addresses::aws_auth()));
        }
    }
}

/// Everything that looks wrong in a ConfigMap, with what RBAC and IAM know.
fn all(request: &Request, live: &Live, aws_auth: &AwsAuth) -> Vec<LintFinding> {
    let bound_groups = bound_groups(request, live);
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

/// The groups that bindings name, and those that the files bind; none where bindings could not be read.
fn bound_groups(request: &Request, live: &Live) -> Option<BTreeSet<String>> {
    let Some(Ok(bindings)) = live.bindings() else {
        return None;
    };
    let subjects = bindings.iter().flat_map(|binding| &binding.subjects);
    let groups = subjects.filter(|subject| subject.kind == "Group");
    let found = groups.map(|subject| subject.name.as_str());
    // A binding that cannot be planned has its own finding.
    let declared = request.config.access.bound_groups();
    Some(found.chain(declared).map(str::to_owned).collect())
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
