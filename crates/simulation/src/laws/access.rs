//! Nobody but those whom a plan names gains or loses access, and not even for a moment.

use std::collections::{BTreeMap, BTreeSet};

use eksact_core::engine::{Action, Plan};
use eksact_simulator::World;

use super::Violation;
use crate::{
    history::{Event, Told, What},
    objects::changed,
    people::{EVERYBODY, assumable, mapped, name_of, principal},
    play::Played,
    standing::{EVERYTHING, Rights, people, pods, policy_behind, roles},
    story::Story,
    tally::Tally,
};

const LAW: &str = "no other access";

/// What everybody has, at each version.
struct Standings {
    people: BTreeMap<String, Rights>,
    pods: BTreeMap<String, Rights>,
    roles: BTreeMap<String, Rights>,
}

/// What everybody has at each version of the world; worked out again only where something changed that counts.
fn standings(told: &Told) -> Vec<std::rc::Rc<Standings>> {
    let of = |version: usize| {
        let world = &told.versions[version];
        std::rc::Rc::new(Standings {
            people: people(world),
            pods: pods(world),
            roles: roles(world),
        })
    };
    let mut all = vec![of(0)];
    for version in 1..told.versions.len() {
        let differing = changed(&told.versions[version - 1], &told.versions[version]);
        let counts = |kind: &&'static str| {
            [
                "config map",
                "access entry",
                "authentication mode",
                "RBAC binding",
                "role",
                "service account",
                "association",
                "OIDC provider",
                "managed policy",
            ]
            .contains(kind)
        };
        let is_same = !differing
            .iter()
            .map(|object| object.kind)
            .any(|kind| counts(&kind));
        let standings = if is_same {
            std::rc::Rc::clone(&all[version - 1])
        } else {
            of(version)
        };
        all.push(standings);
    }
    all
}

/// Whether the plan says of a principal that its access changes.
fn names_principal(plan: &Plan, arn: &str) -> bool {
    plan.changes.iter().any(|change| {
        let name = change.address.name();
        match change.address.kind() {
            "access-entry" => name == arn,
            "identity-mapping" => name.eq_ignore_ascii_case(arn) || name.eq_ignore_ascii_case(&mapped(arn)),
            "authentication-mode" | "access-migration" => true,
            // Whoever assumes a role is somebody else once it goes, or comes.
            "assumable-role" => {
                change.action != Action::Update && arn.contains(":role/") && name == name_of(arn)
            }
            _ => false,
        }
    })
}

/// Whether the plan says of a role that whom it lets in or what it allows changes.
fn names_role(plan: &Plan, role: &str) -> bool {
    let mut changes = plan.changes.iter();
    changes.any(|change| change.address.kind() == "assumable-role" && change.address.name() == role)
}

/// Whether plans say of each right that is gained or lost that the policy changes by which somebody has it.
fn name_policies<'a>(plans: impl Iterator<Item = &'a Plan>, had: &Rights, has: &Rights) -> bool {
    let named: BTreeSet<&str> = plans
        .flat_map(|plan| &plan.changes)
        .filter(|change| change.address.kind() == "managed-policy")
        .map(|change| change.address.name())
        .collect();
    had.symmetric_difference(has)
        .all(|right| policy_behind(right).is_some_and(|policy| named.contains(policy)))
}

/// Whether the plan says of a service account that what its pods get changes.
fn names_pods(plan: &Plan, key: &str) -> bool {
    plan.changes.iter().any(|change| {
        let name = change.address.name();
        match change.address.kind() {
            "iam-role" | "pod-identity-role" | "service-account" | "pod-identity-association" => name == key,
            "oidc-provider" | "shared-role" | "pod-identity-migration" => true,
            _ => false,
        }
    })
}

fn begun(told: &Told, place: usize) -> impl Iterator<Item = &Plan> {
    told.plans
        .iter()
        .filter(move |planned| planned.begun.is_some_and(|begun| begun <= place))
        .map(|planned| &planned.plan)
}

pub(super) fn judge(story: &Story, played: &Played, tally: &mut Tally) -> Vec<Violation> {
    let told = &played.told;
    let standings = standings(told);
    let mut found = Vec::new();
    for (place, event) in told.events.iter().enumerate() {
        if event.before == event.after || matches!(event.what, What::Hand(_)) {
            continue;
        }
        let (before, after) = (&standings[event.before], &standings[event.after]);
        if std::rc::Rc::ptr_eq(before, after) {
            continue;
        }
        tally.judge(LAW);
        for (arn, had) in &before.people {
            if after.people[arn] != *had && !begun(told, place).any(|plan| names_principal(plan, arn)) {
                found.push(unnamed(event, arn, had, &after.people[arn]));
            }
        }
        let nothing = Rights::new();
        let sides: [(_, _, fn(&Plan, &str) -> bool); 2] = [
            (&before.pods, &after.pods, names_pods),
            (&before.roles, &after.roles, names_role),
        ];
        for (before, after, names) in sides {
            let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
            for key in keys {
                let had = before.get(key).unwrap_or(&nothing);
                let has = after.get(key).unwrap_or(&nothing);
                let is_named = had == has
                    || begun(told, place).any(|plan| names(plan, key))
                    || name_policies(begun(told, place), had, has);
                if !is_named {
                    found.push(unnamed(event, key, had, has));
                }
            }
        }
    }
    found.extend(moments(story, played, &standings, tally));
    found
}

/// A world with the OIDC providers and trust policies of another. Where a lost way to a role is given back, pods have by it what
/// the role allows until its policies are changed: a change that fails must not keep everybody out.
fn with_ways_of(world: &World, other: &World) -> World {
    let mut given_back = world.clone();
    given_back.oidc_providers.clone_from(&other.oidc_providers);
    for (name, role) in &mut given_back.roles {
        if let Some(other) = other.roles.get(name) {
            role.trust_policy.clone_from(&other.trust_policy);
        }
    }
    given_back
}

fn unnamed(event: &Event, who: &str, had: &Rights, has: &Rights) -> Violation {
    let by = match &event.what {
        What::Call { call, .. } => format!("{} of {}", call.action, call.object),
        _ => "time".to_owned(),
    };
    Violation::new(
        LAW,
        format!("{who} had {had:?} and has {has:?} by {by}, and no plan names it"),
    )
}

/// In a run that is alone nobody loses for a moment what it keeps, and nobody gains for a moment what it does not get.
fn moments(
    story: &Story,
    played: &Played,
    standings: &[std::rc::Rc<Standings>],
    tally: &mut Tally,
) -> Vec<Violation> {
    let told = &played.told;
    let has_hands = told
        .events
        .iter()
        .any(|event| matches!(event.what, What::Hand(_)));
    let begun = told
        .plans
        .iter()
        .zip(&played.goals)
        .find(|(planned, _)| planned.begun.is_some());
    let Some((planned, Some(goal))) = begun else {
        return Vec::new();
    };
    if story.runs.len() != 1 || has_hands {
        return Vec::new();
    }
    tally.judge("not for a moment");
    // What is made again is gone in between, and its plan says so; nobody gets in as a role then.
    let mut replaced: BTreeSet<String> = planned
        .plan
        .changes
        .iter()
        .filter(|change| change.action == Action::Replace)
        .map(|change| change.address.name().to_owned())
        .collect();
    let of_files = (0..EVERYBODY).filter(|number| assumable(*number).is_some());
    let arns: Vec<String> = of_files
        .map(principal)
        .filter(|arn| replaced.contains(name_of(arn)))
        .collect();
    replaced.extend(arns);
    // What a mapping gives until the cluster stops reading aws-auth is said by the same plan.
    let stops_reading = planned.plan.changes.iter().any(|change| {
        change.address.kind() == "authentication-mode" && change.address.name().ends_with("/API")
    });
    let has = |kind: &str, name: &str| {
        let mut changes = planned.plan.changes.iter();
        changes.any(|change| change.address.kind() == kind && change.address.name() == name)
    };
    // So is what the role of a service account gets, although the association that comes in the same plan is what counts for pods then.
    let is_told_of_role = |key: &str| has("iam-role", key) && has("pod-identity-association", key);
    let is_announced = |arn: &str| {
        let makes_entry = planned.plan.changes.iter().any(|change| {
            change.address.kind() == "access-entry"
                && change.address.name() == arn
                && change.action != Action::Delete
        });
        // So is what it gives until the entry that the same plan makes for its principal counts; and what an old one gives to a role that
        // the plan makes: all mappings are one write, which comes after the roles.
        let is_other = stops_reading || makes_entry || has("assumable-role", name_of(arn));
        has("identity-mapping", &mapped(arn)) && is_other
    };
    // What a mapping gives that could not be read is lost with the entry that the plan makes for its principal: it says so.
    let is_unread = |arn: &str| {
        planned.plan.findings.iter().any(|finding| {
            let address = finding.address.as_ref();
            finding.code.as_str() == "aws-auth-unreadable"
                && address.is_some_and(|address| address.kind() == "access-entry" && address.name() == arn)
        })
    };
    // Who has a policy and is to lose it has it as the plan changes it, until then: the plan says so of the policy.
    let is_told_policy = |right: &str, had: &Rights| {
        policy_behind(right).is_some_and(|policy| {
            has("managed-policy", policy) && had.iter().any(|had| policy_behind(had) == Some(policy))
        })
    };
    let first = planned.read.1;
    let given_back = pods(&with_ways_of(&told.versions[first], goal));
    let goal = (people(goal), pods(goal), roles(goal));
    let nothing = Rights::new();
    let mut found = Vec::new();
    for now in &standings[first..] {
        let sides = [
            (&standings[first].people, &goal.0, &now.people),
            (&standings[first].pods, &goal.1, &now.pods),
            (&standings[first].roles, &goal.2, &now.roles),
        ];
        for (before, goal, now) in sides {
            let keys: BTreeSet<&String> = before.keys().chain(goal.keys()).chain(now.keys()).collect();
            for key in keys {
                let of = |side: &BTreeMap<String, Rights>| side.get(key).unwrap_or(&nothing).clone();
                let (had, will, has) = (of(before), of(goal), of(now));
                let is_held =
                    |rights: &Rights, right: &String| rights.contains(right) || rights.contains(EVERYTHING);
                let lost: Vec<&String> = had
                    .union(&will)
                    .filter(|right| is_held(&had, right) && is_held(&will, right) && !is_held(&has, right))
                    // An entry has its own user name from the first call on, whatever the mapping's was.
                    .filter(|right| !right.starts_with("user "))
                    .collect();
                let gained: Vec<&String> = has
                    .iter()
                    .filter(|right| !is_held(&had, right) && !is_held(&will, right))
                    .filter(|right| !right.starts_with("group eksact:migration:"))
                    .filter(|right| !given_back.get(key).is_some_and(|rights| rights.contains(*right)))
                    .filter(|right| !is_told_policy(right, &had))
                    .collect();
                if !lost.is_empty() && !replaced.contains(key) && !is_unread(key) {
                    found.push(Violation::new(
                        LAW,
                        format!("{key} is without {lost:?} for a moment: it has {has:?}"),
                    ));
                }
                if !gained.is_empty() && !is_announced(key) && !is_told_of_role(key) {
                    found.push(Violation::new(
                        LAW,
                        format!("{key} has {gained:?} for a moment, and is not to get it"),
                    ));
                }
            }
        }
    }
    found.dedup();
    found
}
