//! What a plan says about entries besides their changes: groups that nothing binds, and namespaces that do not exist.

use std::collections::BTreeSet;

use crate::{
    config::access_entry::AccessEntry as ConfiguredEntry,
    engine::{Finding, PlanDraft, Severity},
    kinds::Request,
    live::{Live, addresses},
};
use eksact_identity::authn::access_policy::scope_matches;
use eksact_message::code::Code;

/// Adds what looks wrong once the plan is carried out. Where the cluster could not be read, nothing is said.
pub(super) fn review(request: &Request, after: &Live, draft: &mut PlanDraft) {
    let bound = bound_groups(request, after);
    let namespaces: Option<BTreeSet<&str>> = match after.all_namespaces() {
        Some(Ok(namespaces)) => Some(
            namespaces
                .iter()
                .map(|namespace| namespace.name.as_str())
                .collect(),
        ),
        _ => None,
    };
    let mut told = BTreeSet::new();
    for entry in &super::resolved::resolved(request, after).entries {
        if let Some(bound) = &bound {
            groups(entry, bound, &mut told, draft);
        }
        if let Some(namespaces) = &namespaces {
            scopes(entry, namespaces, draft);
        }
    }
}

/// The groups that bindings name, and those that the files bind; none where bindings could not be read.
fn bound_groups(request: &Request, live: &Live) -> Option<BTreeSet<String>> {
    let Some(Ok(bindings)) = live.bindings() else {
        return None;
    };
    let subjects = bindings.iter().flat_map(|binding| &binding.subjects);
    let found = subjects
        .filter(|subject| subject.kind == "Group")
        .map(|subject| subject.name.as_str());
    let declared = request.config.access.bound_groups();
    Some(found.chain(declared).map(str::to_owned).collect())
}

fn groups(
    entry: &ConfiguredEntry,
    bound: &BTreeSet<String>,
    told: &mut BTreeSet<String>,
    draft: &mut PlanDraft,
) {
    for group in &entry.groups {
        if bound.contains(&group.value) || !told.insert(group.value.clone()) {
            continue;
        }
        let message = format!(
            "no RoleBinding or ClusterRoleBinding names the group {}: it gives no rights",
            group.value
        );
        draft.add_finding(
            Finding::new(Severity::Warning, Code::GroupNotBound, message)
                .about(&addresses::access_entry(&entry.principal_arn.value))
                .at(group.location.as_ref())
                .with_help(remedy!(
                    "Bind it: {}",
                    format!(
                        "`kubectl create clusterrolebinding NAME --clusterrole=view --group={}`",
                        group.value
                    )
                )),
        );
    }
}

fn scopes(entry: &ConfiguredEntry, namespaces: &BTreeSet<&str>, draft: &mut PlanDraft) {
    for namespace in entry.policies.iter().flat_map(|policy| &policy.namespaces) {
        let pattern = namespace.value.as_str();
        let matching: Vec<&str> = namespaces
            .iter()
            .copied()
            .filter(|name| scope_matches(pattern, name))
            .collect();
        let address = addresses::access_entry(&entry.principal_arn.value);
        let finding = if matching.is_empty() {
            let what = if pattern.contains('*') {
                format!("no namespace matches {pattern}")
            } else {
                format!("there is no namespace {pattern}")
            };
            Finding::new(
                Severity::Warning,
                Code::ScopeMatchesNothing,
                format!("{what}: EKS checks neither, and the access policy gives nothing there"),
            )
        } else if pattern.contains('*') {
            Finding::new(
                Severity::Note,
                Code::ScopeMatches,
                format!(
                    "{pattern} matches today: {}; a namespace that is made later and fits counts as well",
                    matching.join(", ")
                ),
            )
        } else {
            continue;
        };
        draft.add_finding(finding.about(&address).at(namespace.location.as_ref()));
    }
}
