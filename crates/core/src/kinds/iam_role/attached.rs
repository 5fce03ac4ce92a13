//! Roles that the file attaches (`attachRoleARN`): they are somebody else's, and eksact only says when one does not let
//! its service account in, or lets too many in.

use eksact_message::code::Code;
use eksact_message::remedy::Remedy;
use std::collections::BTreeSet;

use crate::{
    config::{Located, ServiceAccount},
    engine::{Finding, PlanDraft, Severity},
    kinds::Request,
    live::{Live, addresses},
    ports::aws::Role,
};
use eksact_identity::{
    authn::irsa::{AUDIENCE_ANNOTATION, Repair, TrustQuestion, Verdict, trust_links},
    iam::{
        Arn,
        trust::{AUDIENCE, subject},
        web_identity::WebIdentityCall,
    },
};

/// The accounts of the request that have a role of somebody else's.
fn attached(request: &Request) -> impl Iterator<Item = (&ServiceAccount, &Located<String>, Arn)> {
    request
        .service_accounts()
        .iter()
        // Without the object there is nobody to use the role.
        .filter(|account| !account.role_only)
        .filter_map(|account| {
            let written = account.attach_role_arn.as_ref()?;
            // What is no ARN of a role is an error of the file.
            let arn = written.value.parse::<Arn>().ok()?;
            Some((account, written, arn))
        })
}

/// The names of those that are in this AWS account: roles of another cannot be read.
pub(super) fn names(request: &Request, aws_account: &str) -> BTreeSet<String> {
    attached(request)
        .filter(|(_, _, arn)| arn.account == aws_account)
        .filter_map(|(_, _, arn)| arn.role_name().map(str::to_owned))
        .collect()
}

/// The ARNs of all of them.
pub(super) fn arns(request: &Request) -> impl Iterator<Item = &str> {
    attached(request).map(|(_, written, _)| written.value.as_str())
}

/// Adds what is to be said of each, with its trust policy as it is after the plan.
pub(super) fn review(request: &Request, live: &Live, after: &Live, draft: &mut PlanDraft) {
    for (account, written, arn) in attached(request) {
        let said = said(live, after, account, &arn).into_iter().map(|finding| {
            finding
                .about(&addresses::service_account(&account.key()))
                .at(written.location.as_ref().or(account.location.as_ref()))
        });
        for finding in said {
            draft.add_finding(finding);
        }
    }
}

fn said(live: &Live, after: &Live, account: &ServiceAccount, arn: &Arn) -> Vec<Finding> {
    let note = |message: String| Finding::new(Severity::Note, Code::AttachedRoleUnknown, message);
    if arn.account != live.account {
        return vec![
            note(format!(
                "whether the role {arn} lets the service account in depends on its trust policy, which is in account {}",
                arn.account
            ))
            .with_help(trial(live, account)),
        ];
    }
    match arn.role_name().and_then(|name| live.role(name)) {
        None => Vec::new(),
        Some(Err(error)) => {
            let message = format!(
                "whether the role {arn} lets the service account in depends on its trust policy, which could not be read: \
                 {error}"
            );
            vec![note(message).with_help(error.help().unwrap_or_else(|| trial(live, account)))]
        }
        Some(Ok(None)) => vec![
            Finding::new(
                Severity::Warning,
                Code::AttachedRoleMissing,
                format!("there is no role {arn}: pods of the service account get no credentials"),
            )
            .with_help(remedy!("Create the role, or correct `attachRoleARN`.")),
        ],
        Some(Ok(Some(role))) if role.arn != arn.to_string() => vec![
            Finding::new(
                Severity::Warning,
                Code::AttachedRoleMissing,
                format!("there is no role {arn}: the role of that name is {}", role.arn),
            )
            .with_help(remedy!("Write `attachRoleARN: {}`.", role.arn)),
        ],
        Some(Ok(Some(role))) => {
            // A role that the plan makes anew is no longer this one.
            let after = match after.role(&role.name) {
                Some(Ok(Some(after))) => after,
                _ => role,
            };
            trust(live, account, after)
        }
    }
}

fn trial(live: &Live, account: &ServiceAccount) -> Remedy {
    remedy!(
        "After the apply, make the call of a pod to find out: {}.",
        trial_command(live, account)
    )
}

fn trial_command(live: &Live, account: &ServiceAccount) -> String {
    format!(
        "`eksact check irsa --cluster {} --region {} {} --try`",
        live.cluster.name,
        live.region,
        account.qualified_name()
    )
}

/// What the trust policy of a role that was read says to the service account.
fn trust(live: &Live, account: &ServiceAccount, role: &Role) -> Vec<Finding> {
    let (Some(provider_arn), Some(issuer)) = (live.provider_arn(), live.issuer_host_path()) else {
        return vec![Finding::new(
            Severity::Note,
            Code::AttachedRoleUnknown,
            format!(
                "whether the role {} lets the service account in depends on the cluster's OIDC issuer, which is not known yet",
                role.arn
            ),
        )];
    };
    let audience = account
        .annotations
        .get(AUDIENCE_ANNOTATION)
        .map_or(AUDIENCE, String::as_str);
    let links = trust_links(&TrustQuestion {
        call: WebIdentityCall {
            provider_arn,
            issuer,
            subject: subject(&account.namespace, &account.name),
            audience: audience.to_owned(),
            account: live.account.clone(),
            time: None,
        },
        document: &role.trust_policy,
        repair: Repair::of_attached(&role.name, &role.tags),
        trial: trial_command(live, account),
    });
    links
        .into_iter()
        .filter_map(|link| {
            let (severity, code) = match link.verdict {
                Verdict::Whole if link.code.is_none() => return None,
                Verdict::Whole => (Severity::Warning, Code::AttachedRoleTooOpen),
                Verdict::Broken => (Severity::Warning, Code::AttachedRoleRefuses),
                Verdict::Unknown => (Severity::Note, Code::AttachedRoleUnknown),
            };
            let message = format!("the trust policy of the role {}: {}", role.arn, link.says);
            let finding = Finding::new(severity, code, message);
            Some(match link.help {
                Some(help) => finding.with_help(help),
                None => finding,
            })
        })
        .collect()
}
