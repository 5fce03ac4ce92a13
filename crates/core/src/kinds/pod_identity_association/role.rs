//! Roles of somebody else's that the file gives (`roleARN`), and the roles that are assumed from those (`targetRoleARN`):
//! eksact changes neither, and says what their trust policies need.

use eksact_message::code::Code;

use super::Declared;
use crate::{
    config::Located,
    engine::{Deferred, Finding, PlanDraft, Severity},
    kinds::{Request, pod_identity::wanted},
    live::{
        Live,
        addresses::{self, ARN},
    },
};
use eksact_identity::iam::{
    Arn,
    pod_identity::{PodIdentity, Trust},
};

/// The names of the given roles that are in this account.
pub(super) fn given(request: &Request, account: &str) -> impl Iterator<Item = String> {
    wanted(request).iter().filter_map(move |declared| {
        let arn = declared.role_arn.as_ref()?.value.parse::<Arn>().ok()?;
        let name = arn.role_name().filter(|_| arn.account == account)?;
        Some(name.to_owned())
    })
}

/// That a role is in another account, which EKS refuses.
pub(super) fn not_of_account(live: &Live, written: &Located<String>) -> Option<Finding> {
    let arn = written.value.parse::<Arn>().ok()?;
    if arn.account == live.account {
        return None;
    }
    let finding = Finding::new(
        Severity::Error,
        Code::PodIdentityRoleAccount,
        format!(
            "the role {} is in account {}, and EKS takes only roles of the cluster's account {}",
            written.value, arn.account, live.account
        ),
    );
    let help = remedy!(
        "Write it as `targetRoleARN`, and as `roleARN` a role of account {} that may assume it.",
        live.account
    );
    Some(finding.at(written.location.as_ref()).with_help(help))
}

/// Whether IAM has no role of this ARN, and the plan makes none: EKS would be asked for minutes, and in vain.
pub(super) fn is_missing(request: &Request, live: &Live, written: &str, draft: &PlanDraft) -> bool {
    let arn = written.parse::<Arn>().ok();
    let name = arn.as_ref().and_then(Arn::role_name);
    let is_absent = match name.and_then(|name| live.role(name)) {
        Some(Ok(Some(role))) => role.arn != written,
        Some(Ok(None)) => true,
        Some(Err(_)) | None => false,
    };
    is_absent && !is_made(request, written, draft)
}

/// Whether the plan makes the role of this ARN.
fn is_made(request: &Request, written: &str, draft: &PlanDraft) -> bool {
    let of_accounts = request.service_accounts().iter();
    let by_token = of_accounts.map(|account| addresses::iam_role(&account.key()));
    let by_association = wanted(request)
        .iter()
        .map(|declared| addresses::pod_identity_role(&declared.key()));
    by_token.chain(by_association).any(|address| {
        let arn = draft.outcome(address, ARN);
        arn.and_then(Deferred::known).is_some_and(|arn| arn == written)
    })
}

/// Adds what is to be said of each given role, as it is after the plan.
pub(super) fn review(request: &Request, live: &Live, after: &Live, draft: &mut PlanDraft) {
    for declared in wanted(request) {
        let Some(written) = &declared.role_arn else {
            continue;
        };
        let comes = |finding: &Finding| {
            finding.code == Code::AttachedRoleMissing && is_made(request, &written.value, draft)
        };
        let said = said(live, after, declared, &written.value);
        if let Some(finding) = said.filter(|finding| !comes(finding)) {
            let address = addresses::pod_identity_association(&declared.key());
            draft.add_finding(finding.about(&address).at(written.location.as_ref()));
        }
    }
}

fn said(live: &Live, after: &Live, declared: &Declared, written: &str) -> Option<Finding> {
    let arn = written.parse::<Arn>().ok()?;
    let name = arn.role_name().filter(|_| arn.account == live.account)?;
    let role = match after.role(name)? {
        Ok(Some(role)) if role.arn == written => role,
        Ok(Some(role)) => {
            let message = format!("the role {written} does not exist; {} does", role.arn);
            let finding = Finding::new(Severity::Error, Code::AttachedRoleMissing, message);
            return Some(finding.with_help(remedy!("Name the role that exists, {}.", role.arn)));
        }
        Ok(None) => {
            let message = format!("the role {written} does not exist");
            let finding = Finding::new(Severity::Error, Code::AttachedRoleMissing, message);
            return Some(finding.with_help(remedy!("Create the role first, or correct its ARN.")));
        }
        Err(error) => {
            let message = format!("whether the role {written} lets the pods in is not known: {error}");
            let finding = Finding::new(Severity::Warning, Code::AttachedRoleUnknown, message);
            return Some(finding.with_help_for(error));
        }
    };
    let key = declared.key();
    let identity = identity(live, declared, &key);
    let (severity, message) = match identity.judge(&role.trust_policy) {
        Trust::Given => return None,
        Trust::Refused => (
            Severity::Error,
            format!(
                "the trust policy of role {name} does not let the pods of {key} in through EKS Pod Identity"
            ),
        ),
        Trust::WithoutTags => (
            Severity::Error,
            format!(
                "the trust policy of role {name} does not allow sts:TagSession, and EKS Pod Identity always sets session tags"
            ),
        ),
    };
    let finding = Finding::new(severity, Code::AttachedRoleRefuses, message);
    Some(finding.with_help(remedy!(
        "Add this statement to its trust policy:\n    {}",
        identity.statement().to_string()
    )))
}

fn identity<'a>(
    live: &'a Live,
    declared: &Declared,
    key: &'a eksact_identity::service_account::ServiceAccountKey,
) -> PodIdentity<'a> {
    PodIdentity {
        cluster_arn: &live.cluster.arn,
        account: key,
        has_session_tags: !declared.disables_session_tags(),
    }
}

/// What the trust policy of the target role must say, where there is one: eksact cannot read it.
pub(super) fn target_trust(live: &Live, declared: &Declared, role_arn: Option<&String>) -> Option<Finding> {
    let target = declared.target_role_arn.as_ref()?;
    let key = declared.key();
    let message = format!("the target role {} must let the pods of {key} in", target.value);
    let finding = Finding::new(Severity::Note, Code::PodIdentityTargetTrust, message)
        .about(&addresses::pod_identity_association(&key))
        .at(target.location.as_ref());
    let Some(role_arn) = role_arn else {
        return Some(finding.with_help(remedy!(
            "Its trust policy must name the role that is made now: `eksact update podidentityassociation` with \
             --target-role-arn shows it once that is there."
        )));
    };
    // EKS tells the external id once the association is there; its form is that of the user guide,
    // `pod-id-assign-target-role`.
    let external_id = match live.pod_identity_association(&key) {
        Some(Ok(Some(association))) => association.external_id.clone(),
        _ => None,
    };
    let external_id = external_id.unwrap_or_else(|| {
        let (namespace, name) = (&key.namespace, &key.name);
        format!(
            "{}/{}/{}/{namespace}/{name}",
            live.region, live.account, live.cluster.name
        )
    });
    let policy = identity(live, declared, &key).target_trust_policy(role_arn, &external_id);
    Some(finding.with_help(remedy!(
        "Unless it does so already, give it this trust policy:\n    {}",
        policy.to_string()
    )))
}
