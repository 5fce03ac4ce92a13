//! The agent that hands credentials to pods: without one an association has no effect.

use eksact_message::code::Code;

use crate::{
    engine::{Finding, PlanDraft, Severity},
    kinds::{
        Request,
        pod_identity::{AgentNeeded, wanted},
    },
    live::{AGENT, Agent, Live, PodIdentityAgent},
};

/// Adds what is to be said of the agent as it is after the plan, once for all associations.
pub(super) fn review(request: &Request, after: &Live, draft: &mut PlanDraft) {
    let is_needed = request.scope::<AgentNeeded>().is_some();
    if wanted(request).is_empty() && !is_needed {
        return;
    }
    // What is refused is not begun: with the association alone pods would lose the role that they have.
    let severity = if is_needed {
        Severity::Refusal
    } else {
        Severity::Warning
    };
    let finding = match after.get(&PodIdentityAgent) {
        Some(Ok(Agent::Missing)) => Finding::new(
            severity,
            Code::PodIdentityAgentMissing,
            format!("the cluster has no {AGENT}: pods get no credentials from any association until it is installed"),
        )
        .with_help(remedy!(
            "Run the same command with --install-agent, or install it with its chart or as an add-on: `aws eks \
             create-addon --region {} --cluster-name {} --addon-name {AGENT}`.",
            after.region,
            after.cluster.name
        )),
        Some(Ok(Agent::Addon(addon))) if !["ACTIVE", "CREATING", "UPDATING"].contains(&addon.status.as_str()) => {
            Finding::new(
                severity,
                Code::PodIdentityAgentMissing,
                format!("the add-on {AGENT} is {}", addon.condition()),
            )
        }
        Some(Ok(Agent::Own(agent))) if agent.desired > 0 && agent.ready == 0 => Finding::new(
            severity,
            Code::PodIdentityAgentMissing,
            format!("the DaemonSet {AGENT} runs on none of {} nodes", agent.desired),
        ),
        Some(Err(error)) => Finding::new(
            severity,
            Code::PodIdentityAgentMissing,
            format!("whether the cluster has {AGENT} is not known: {error}"),
        )
        .with_help_for(error),
        _ => return,
    };
    draft.add_finding(finding);
}
