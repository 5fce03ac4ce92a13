//! From a request and what was read to a plan: every kind adds its part, the guards look at the whole. Pure.

use super::{Request, kinds, own_rights};
use crate::{
    engine::{DraftError, Plan, PlanDraft},
    guard,
    live::Live,
};

/// The plan that makes `live` what `request` asks for.
pub fn plan(request: &Request, live: &Live) -> Result<Plan, DraftError> {
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
    own_rights::guard(live, &mut draft);
    guard::pass_allowed(&mut draft, &request.settings.allow);
    draft.finish(env!("CARGO_PKG_VERSION"))
}
