//! How ways and grants are told.

use super::{
    chains::{Chains, MOST_HOPS},
    escalation::Gains,
    identities::{ASSUME, Identities},
    pods::{ANNOTATION, Door, PodRole},
};
use crate::diagnosis::authorization::{Actor, Reason, Verdict};
use eksact_identity::iam::policy::authorization::{Answer, Decision, Grant};

/// What somebody gets, in words.
pub(super) fn becomes(identities: &Identities<'_>, gains: Gains) -> String {
    match gains {
        Gains::Principal(target) => identities.all.get(target).map_or_else(String::new, |target| {
            let kind = if target.role.is_some() { "role" } else { "user" };
            format!("{kind} {}", target.arn)
        }),
        Gains::Itself => "itself, with any right that its boundary and denies leave".to_owned(),
        Gains::Member(number) => {
            let mut groups = identities.group_names().into_iter();
            let group = groups.nth(number).unwrap_or_default();
            format!("itself, as a member of group {group}")
        }
        Gains::Undenied => "itself, without what denies it".to_owned(),
        Gains::New(kind) => format!("a new {kind} with any right"),
        Gains::Unbound => "itself, without its permissions boundary".to_owned(),
        Gains::Cluster => "whoever it wants to be in the cluster".to_owned(),
    }
}

/// What somebody's way depends on where it leads to somebody who only may perhaps.
pub(super) fn whether_it_may(arn: &str) -> String {
    format!("whether {arn} may, which depends as well")
}

/// What lets somebody assume a role.
pub(super) fn assuming(actor: &Actor, target: &str, decision: &Decision) -> Reason {
    Reason {
        subject: format!("{} {}", actor.kind(), actor.name()),
        binding: grants(&decision.allowed_by),
        role: target.to_owned(),
        rule: ASSUME.to_owned(),
        scope: target.to_owned(),
    }
}

/// What gives the pods a role.
pub(super) fn door(pod: &PodRole, role: &str) -> String {
    match (pod.door, &pod.through) {
        (Door::Association, None) => format!("pod identity association with {role}"),
        (Door::Association, Some(first)) => {
            format!("pod identity association with {first}, which assumes {role}")
        }
        (Door::Annotation, _) => format!("{ANNOTATION}: {role}"),
        (Door::TrustAlone, _) => {
            format!(
                "no annotation, but the trust policy of {role} lets it in: its pods can set AWS_ROLE_ARN and mount a token themselves"
            )
        }
    }
}

/// How many statements are named.
const SHOWN: usize = 2;

/// The statements that allow something, the first few, each once.
pub(super) fn grants(allowed_by: &[Grant]) -> String {
    let mut all: Vec<&Grant> = Vec::new();
    for grant in allowed_by {
        if !all.contains(&grant) {
            all.push(grant);
        }
    }
    let shown: Vec<String> = all.iter().take(SHOWN).map(ToString::to_string).collect();
    if all.len() > SHOWN {
        return format!("{} (+{} more)", shown.join("; "), all.len() - SHOWN);
    }
    if shown.is_empty() {
        return "what it depends on".to_owned();
    }
    shown.join("; ")
}

pub(super) fn verdict(answer: Answer) -> Verdict {
    match answer {
        Answer::Yes => Verdict::Yes,
        Answer::Depends => Verdict::Depends,
        Answer::No => Verdict::No,
    }
}

/// `assumes A, which assumes B`.
pub(super) fn way(identities: &Identities<'_>, chains: &Chains, first: usize) -> String {
    let mut words = String::new();
    let mut next = Some(first);
    for _ in 0..=MOST_HOPS {
        let Some(index) = next else { break };
        let Some(identity) = identities.all.get(index) else {
            break;
        };
        let link = if words.is_empty() {
            "assumes "
        } else {
            ", which assumes "
        };
        words += link;
        words += identity.arn;
        next = chains.of_account.get(&index).map(|hop| hop.assumes);
    }
    words
}
