//! Which transitions lead to the wanted mode. Pure.

use std::collections::BTreeSet;

use eksact_message::code::Code;
use serde_json::json;

use super::Operation;
use crate::{
    config::Located,
    engine::{
        Action, AttributeChange, Change, Effect, Finding, PlanDraft, Reason, Severity, StepId,
        plan::fingerprint,
    },
    guard::aws_auth::AwsAuthReading,
    kinds::{
        Request, gives_access,
        revocation::{before_role, held_back, is_held_back, roles_by_principal},
    },
    live::{Live, addresses},
    ports::aws::AuthenticationMode,
};

/// Plans the step to `API_AND_CONFIG_MAP`, and says what is not to be had.
pub(super) fn plan(request: &Request, live: &Live, draft: &mut PlanDraft) {
    bootstrap(request, live, draft);
    let Some((wanted, now)) = wanted_and_now(request, live) else {
        return;
    };
    let address = addresses::authentication_mode(&live.cluster.name, wanted.value);
    match now {
        Err(unknown) => {
            let message = format!("cluster {}: {unknown}", live.cluster.name);
            let finding = Finding::new(Severity::Error, Code::AuthenticationMode, message);
            draft.add_finding(finding.about(&address).at(wanted.location.as_ref()));
        }
        Ok(now) if now == wanted.value => draft.add_unchanged(address),
        Ok(now) if now > wanted.value => draft.add_finding(
            Finding::new(
                Severity::Error,
                Code::AuthenticationMode,
                format!(
                    "cluster {} is in authentication mode {now}, and EKS lets no cluster go back to {}",
                    live.cluster.name, wanted.value
                ),
            )
            .about(&address)
            .at(wanted.location.as_ref())
            .with_help(remedy!("Keep it: `authenticationMode: {now}`.")),
        ),
        Ok(AuthenticationMode::ConfigMap) => {
            let to = AuthenticationMode::ApiAndConfigMap;
            transition(live, wanted, AuthenticationMode::ConfigMap, to, Vec::new(), draft);
        }
        Ok(_) => {}
    }
}

/// Plans the step to `API` once everything else is planned: whatever gives access comes before it.
pub(super) fn plan_api(request: &Request, live: &Live, draft: &mut PlanDraft) {
    let Some((wanted, Ok(now))) = wanted_and_now(request, live) else {
        return;
    };
    if wanted.value != AuthenticationMode::Api || now == AuthenticationMode::Api {
        return;
    }
    let cluster = &live.cluster.name;
    if is_held_back(draft) {
        let address = addresses::authentication_mode(cluster, wanted.value);
        let stays = format!("cluster {cluster} stays out of authentication mode API");
        draft.add_finding(held_back(&address, &stays));
        return;
    }
    let before = addresses::authentication_mode(cluster, AuthenticationMode::ApiAndConfigMap);
    let changes = draft.changes().iter().map(|change| &change.address);
    let after: BTreeSet<StepId> = changes
        .filter(|address| gives_access(address) || **address == before)
        .filter_map(|address| draft.last_step_of(address))
        .collect();
    let from = AuthenticationMode::ApiAndConfigMap;
    transition(
        live,
        wanted,
        from,
        wanted.value,
        after.into_iter().collect(),
        draft,
    );
    let Some(Ok(reading)) = AwsAuthReading::of_live(live) else {
        return;
    };
    let address = addresses::authentication_mode(cluster, wanted.value);
    for (principal, roles) in roles_by_principal(draft) {
        if reading.access.principals.contains_key(&principal) {
            for role in &roles {
                before_role(&address, role, draft);
            }
        }
    }
}

type Now = Result<AuthenticationMode, crate::ports::aws::UnknownAuthenticationMode>;

fn wanted_and_now<'a>(request: &'a Request, live: &Live) -> Option<(&'a Located<AuthenticationMode>, Now)> {
    let wanted = request.config.authentication_mode.as_ref()?;
    Some((wanted, live.cluster.mode()))
}

fn transition(
    live: &Live,
    wanted: &Located<AuthenticationMode>,
    from: AuthenticationMode,
    to: AuthenticationMode,
    depends_on: Vec<StepId>,
    draft: &mut PlanDraft,
) {
    let cluster = &live.cluster.name;
    let address = addresses::authentication_mode(cluster, to);
    let operation = Operation {
        cluster: cluster.clone(),
        from,
        to,
        known: BTreeSet::new(),
    };
    let title = format!("set authentication mode {to} (cannot be undone)");
    let depends_on_mode = draft
        .change(&addresses::authentication_mode(cluster, from))
        .map(|change| change.address.clone());
    let step = draft.add_step(&address, "set", title, depends_on, &operation);
    let (effect, note) = match to {
        AuthenticationMode::Api => (
            Effect::Narrower,
            "aws-auth lets no one in any more; only access entries do.",
        ),
        _ => (
            Effect::Incomparable,
            "aws-auth still counts for every principal without an access entry. EKS makes entries of its own: for the \
             cluster's creator, and for the roles of managed node groups and Fargate profiles. Whoever may call \
             eks:CreateAccessEntry and eks:AssociateAccessPolicy can become an administrator of the cluster.",
        ),
    };
    let attribute = AttributeChange::plain(
        "authenticationMode",
        Some(json!(from.as_str())),
        Some(json!(to.as_str())),
    );
    draft.add_change(Change {
        address,
        action: Action::Update,
        reasons: vec![Reason::new(
            "authentication-mode-differs",
            if to == wanted.value {
                format!("the cluster is in authentication mode {from}")
            } else {
                format!("EKS has no step from {from} to {} without it", wanted.value)
            },
        )],
        source: wanted.location.clone(),
        attributes: vec![attribute.with_effect(effect).with_remark("irreversible")],
        depends_on: depends_on_mode.into_iter().collect(),
        steps: vec![step],
        origin: None,
        fingerprint: fingerprint(&live.cluster.authentication_mode),
        effect: Effect::Equal,
        notes: vec![
            format!("Irreversible: EKS lets no cluster go back to {from}."),
            note.to_owned(),
        ],
    });
}

/// What the file says of the creator's rights is never acted on: it is decided when a cluster is made.
fn bootstrap(request: &Request, live: &Live, draft: &mut PlanDraft) {
    let Some(wanted) = &request.config.bootstrap_creator_admin else {
        return;
    };
    if live.cluster.bootstrap_creator_admin == Some(wanted.value) {
        return;
    }
    let was = match live.cluster.bootstrap_creator_admin {
        Some(was) => format!("it was {was} when cluster {} was made", live.cluster.name),
        None => format!(
            "EKS does not tell what it was when cluster {} was made",
            live.cluster.name
        ),
    };
    draft.add_finding(
        Finding::new(
            Severity::Note,
            Code::BootstrapPermissions,
            format!(
                "bootstrapClusterCreatorAdminPermissions: {} has no effect on a cluster that exists: {was}",
                wanted.value
            ),
        )
        .at(wanted.location.as_ref()),
    );
}
