//! What is to be said of each account: why one stays, which pods are to be restarted, what keeps an annotation.

use eksact_message::code::Code;

use super::Scope;
use crate::{
    engine::{Finding, PlanDraft, Severity},
    live::{Live, addresses},
    migration::pod_identity::{Account, Fate, names},
    ports::kubernetes::Pod,
};
use eksact_identity::cloudformation::tags;

/// Adds the findings.
pub(super) fn report(scope: &Scope, live: &Live, draft: &mut PlanDraft) {
    for account in &scope.accounts {
        for finding in findings(account, scope, live) {
            draft.add_finding(finding.about(&addresses::service_account(&account.key)));
        }
    }
    let migrates = |account: &Account| account.fate == Fate::Migrates;
    if scope.accounts.iter().any(migrates) {
        draft.add_finding(Finding::new(
            Severity::Note,
            Code::PodIdentitySession,
            "Sessions of pods get another name, which EKS makes from cluster and pod, and the tags eks-cluster-arn, eks-cluster-name, \
             kubernetes-namespace, kubernetes-service-account, kubernetes-pod-name and kubernetes-pod-uid: policies elsewhere that ask \
             for aws:userid, for a session's name, for aws:PrincipalTag or for keys of the OIDC provider see other values",
        ));
    }
}

fn findings(account: &Account, scope: &Scope, live: &Live) -> Vec<Finding> {
    let key = &account.key;
    let mut findings = Vec::new();
    if let Fate::Refused { why, help } = &account.fate {
        let finding = Finding::new(
            Severity::Warning,
            Code::PodIdentityMigrationRefused,
            format!("{key} keeps its annotation alone: {why}"),
        );
        findings.push(match help {
            Some(help) => finding.with_help(help.clone()),
            None => finding,
        });
        return findings;
    }
    let kept = if scope.removes_irsa && !account.is_free() {
        "; its annotation stays until then, and so does the trust policy"
    } else {
        ""
    };
    match &account.pods {
        Err(error) => findings.push(Finding::new(
            Severity::Warning,
            Code::PodIdentityRestart,
            format!(
                "whether pods of {key} run on Fargate, on Windows or with the annotation's role is not known: {error}{kept}"
            ),
        )),
        Ok(_) => {
            let old: Vec<&Pod> = account.old_pods().collect();
            if !old.is_empty() {
                let severity = if kept.is_empty() { Severity::Note } else { Severity::Warning };
                let commands: Vec<String> = Pod::restarts(old.iter().copied())
                    .into_iter()
                    .map(|(_, command)| format!("`{command}`"))
                    .collect();
                let message = format!(
                    "pods of {key} get the role by its annotation until they are restarted: {}{kept}",
                    names(old)
                );
                let help = remedy!(
                    "Once the association is there, restart them: {}.",
                    commands.join(", ")
                );
                findings.push(Finding::new(severity, Code::PodIdentityRestart, message).with_help(help));
            }
        }
    }
    findings.extend(of_stack(account, scope, live));
    findings
}

/// The template of a stack still has what goes from its role's trust policy.
fn of_stack(account: &Account, scope: &Scope, live: &Live) -> Option<Finding> {
    let Some(Ok(Some(role))) = live.role(&account.role) else {
        return None;
    };
    let is_made = tags::cluster_of(&role.tags) == Some(&live.cluster.name)
        && tags::service_account_of(&role.tags).is_some();
    if !scope.removes_irsa || !is_made || !account.is_free() {
        return None;
    }
    Some(Finding::new(
        Severity::Note,
        Code::PodIdentityMigrationStack,
        format!(
            "the role {} is of a stack that eksctl or eksact made for {}: a file that has it in `iam.serviceAccounts` wants annotation \
             and trust policy back, and the next plan of that file shows it",
            role.name, account.key
        ),
    ))
}
