//! From a request and what was read to a plan: every kind adds its part, then guards and reviews look at the whole. Pure.

use super::{Request, selection::Selection};
use crate::{
    engine::{DraftError, Finding, Plan, PlanDraft, Severity, TargetError},
    guard,
    kinds::{gives_access, kind_of, kinds, origin},
    live::Live,
};
use eksact_message::code::Code;

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// What was asked for by globs is not there.
    #[error(transparent)]
    Targets(#[from] TargetError),
    /// The parts of the plan do not fit together.
    #[error(transparent)]
    Draft(#[from] DraftError),
}

/// The plan that makes `live` what `request` asks for.
///
/// # Errors
/// When a glob of `--target` or `--exclude-target` matches nothing; or when the parts of the plan do not fit together: a
/// mistake of eksact.
pub fn plan(request: &Request, live: &Live) -> Result<Plan, PlanError> {
    Ok(plan_with_outcome(request, live)?.0)
}

/// The same, with what the plan makes of `live`, as far as that can be said before.
///
/// # Errors
/// As [`plan`].
pub fn plan_with_outcome(request: &Request, live: &Live) -> Result<(Plan, Live), PlanError> {
    let request = &*request.with_arns(live.partition, &live.account);
    let targets = &request.settings.targets;
    let mut draft = draft_of(request, live);
    if !targets.is_everything() {
        let mut narrowed = request.clone();
        narrowed.ask(Selection(draft.select(targets)?));
        let mut part = draft_of(&narrowed, live);
        part.keep(targets, &draft)?;
        draft = part;
    }
    let after = predicted(live, &mut draft);
    for kind in kinds() {
        kind.review(request, live, &after, &mut draft);
    }
    guard::broadening::check(&request.broadening_rule(), &mut draft);
    let refusals = guard::check(live, &after, gives_access, &mut draft);
    if !refusals.is_empty() {
        for step in draft.steps_mut() {
            if let Some(kind) = kind_of(step)
                && let Err(error) = kind.keep_refusals(&mut step.operation, &refusals)
            {
                // A step that cannot be decoded cannot be predicted either, and has its finding.
                tracing::debug!(step = %step.id, "{error}");
            }
        }
    }
    guard::pass_allowed(&mut draft, &request.settings.allow);
    let mut plan = draft.finish(env!("CARGO_PKG_VERSION"))?;
    origin::assign(&mut plan);
    Ok((plan, after))
}

/// What every kind has to say, before anything is left out.
fn draft_of(request: &Request, live: &Live) -> PlanDraft {
    let mut draft = PlanDraft::default();
    draft.set_target("cluster", &live.cluster.name);
    draft.set_target("clusterARN", &live.cluster.arn);
    draft.set_target("account", &live.account);
    draft.set_target("region", &live.region);
    if let Some(issuer) = &live.cluster.oidc_issuer {
        draft.set_target("issuer", issuer);
    }
    for kind in kinds() {
        kind.plan(request, live, &mut draft);
    }
    for kind in kinds() {
        kind.plan_removals(request, live, &mut draft);
    }
    draft
}

/// What the plan makes of `live`. A step that cannot be predicted is an error of the plan: what it takes from whom is not
/// known.
fn predicted(live: &Live, draft: &mut PlanDraft) -> Live {
    let mut after = live.clone();
    let mut unknown = Vec::new();
    for step in draft.steps() {
        let Some(kind) = kind_of(step) else { continue };
        if let Err(error) = kind.predict(&step.operation, draft, &mut after) {
            let message = format!("what the plan takes from the caller is not known: {error}");
            unknown.push(Finding::new(Severity::Error, Code::OwnRightsUnknown, message));
        }
    }
    for finding in unknown {
        draft.add_finding(finding);
    }
    after
}
