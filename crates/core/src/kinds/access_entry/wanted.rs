//! Whether an entry that shall be there can be there: what the configuration could not tell without asking AWS.

use std::collections::BTreeSet;

use crate::{
    config::access_entry::AccessEntry as ConfiguredEntry,
    engine::{Action, Deferred, Finding, PlanDraft, Severity},
    kinds::{Request, role_of_files},
    live::{Live, addresses},
    ports::aws::{AccessEntry, Principal},
};
use eksact_identity::authn::access_entry::is_for_nodes;
use eksact_message::code::Code;

/// What IAM knows of a principal.
pub(super) enum Known<'live> {
    /// It is there.
    There(&'live Principal),
    /// It is a role of the files, and there before its entry is made.
    Made,
    /// It is in another account, or IAM could not be asked.
    Unknown,
}

/// What is known of the principal of an entry; says so where it cannot have one.
pub(super) fn principal<'live>(
    request: &Request,
    wanted: &ConfiguredEntry,
    existing: Option<&AccessEntry>,
    live: &'live Live,
    draft: &mut PlanDraft,
) -> Option<Known<'live>> {
    let arn = wanted.principal_arn.value.as_str();
    let address = addresses::access_entry(arn);
    let source = wanted
        .principal_arn
        .location
        .as_ref()
        .or(wanted.location.as_ref());
    let error = |code, message| {
        Finding::new(Severity::Error, code, message)
            .about(&address)
            .at(source)
    };
    let account = arn.split(':').nth(4).unwrap_or_default();
    if account != live.account {
        if is_for_nodes(&wanted.entry_type.value) {
            draft.add_finding(
                error(
                    Code::AccessEntry,
                    format!(
                        "{arn} is of the account {account}, and entries of type {} are for roles of the cluster's account, {}",
                        wanted.entry_type.value, live.account
                    ),
                )
                .with_help(remedy!(
                    "Name the role in the cluster's account, or leave the type out for a person or program."
                )),
            );
            return None;
        }
        return Some(Known::Unknown);
    }
    if let Some(finding) = role_of_files::of_somebody_else(request, live, arn, &address, draft) {
        draft.add_finding(finding.at(source));
        return None;
    }
    match live.principal(arn) {
        Some(Ok(Some(principal))) if principal.arn == arn => Some(Known::There(principal)),
        Some(Ok(Some(principal))) => {
            let message = format!(
                "{arn} does not exist: IAM has {}, and an access entry needs the ARN with its path",
                principal.arn
            );
            draft.add_finding(
                error(Code::PrincipalPath, message).with_help(remedy!("Write {}.", principal.arn)),
            );
            None
        }
        Some(Ok(None)) if is_made(arn, draft) => Some(Known::Made),
        Some(Ok(None)) => {
            let message = match existing {
                Some(_) => format!(
                    "{arn} no longer exists: its access entry lets no one in, not even a new principal of that name"
                ),
                None => format!("{arn} does not exist, and EKS makes no access entry for it"),
            };
            draft.add_finding(
                error(Code::PrincipalMissing, message)
                    .with_help(remedy!("Create it first, or name a principal that exists.")),
            );
            None
        }
        Some(Err(cause)) => {
            let finding = Finding::new(
                Severity::Warning,
                Code::PrincipalUnreadable,
                format!(
                    "whether {arn} exists, and is still the one of its access entry, could not be determined: {cause}"
                ),
            );
            draft.add_finding(finding.about(&address).at(source).with_help_for(cause));
            Some(Known::Unknown)
        }
        None => Some(Known::Unknown),
    }
}

/// Whether the plan makes the role of the files that has this ARN, be it anew.
pub(super) fn is_made(arn: &str, draft: &PlanDraft) -> bool {
    let address = addresses::assumable_role(arn.rsplit('/').next().unwrap_or_default());
    let outcome = draft.outcome(address.clone(), addresses::ARN);
    let is_its = outcome
        .and_then(Deferred::known)
        .is_some_and(|outcome| outcome == arn);
    is_its
        && draft
            .change(&address)
            .is_some_and(|change| matches!(change.action, Action::Create | Action::Replace))
}

/// Whether EKS offers the policies of an entry; says so where not. Where it could not be asked, the write tells.
pub(super) fn policies_are_offered(wanted: &ConfiguredEntry, live: &Live, draft: &mut PlanDraft) -> bool {
    let Some(Ok(offered)) = live.offered_access_policies() else {
        return true;
    };
    let mut all = true;
    for policy in &wanted.policies {
        let arn = policy.arn.value.as_str();
        if offered.iter().any(|other| other.arn == arn) {
            continue;
        }
        all = false;
        let name = super::granted::name_of(arn);
        let names: BTreeSet<&str> = offered.iter().map(|policy| policy.name.as_str()).collect();
        let finding = Finding::new(
            Severity::Error,
            Code::AccessPolicyUnknown,
            format!("EKS offers no access policy {name} in {}", live.region),
        )
        .about(&addresses::access_entry(&wanted.principal_arn.value))
        .at(policy.arn.location.as_ref().or(wanted.location.as_ref()));
        draft.add_finding(match nearest(name, &names) {
            Some(near) => finding.with_help(remedy!("Did you mean the policy {near}?")),
            None => finding,
        });
    }
    all
}

/// The name that is most like this one.
fn nearest<'a>(name: &str, names: &BTreeSet<&'a str>) -> Option<&'a str> {
    let likeness = |other: &&str| strsim::jaro_winkler(&name.to_lowercase(), &other.to_lowercase());
    names
        .iter()
        .copied()
        .filter(|other| likeness(other) > 0.85)
        .max_by(|one, other| likeness(one).total_cmp(&likeness(other)))
}
