//! No write without its precondition: what a write goes over is what its plan saw, and a write whose answer was lost is not
//! repeated before its process has looked.

use std::collections::{BTreeMap, BTreeSet};

use eksact_simulator::{Call, World};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Violation;
use crate::{
    hands::CONFIG_MAP,
    history::{Event, Planned, Told, What},
    objects::{Object, changed},
    play::Played,
    tally::Tally,
    world::cluster_of,
};

const LAW: &str = "precondition";

/// Calls that carry a token by which the service knows a repetition.
const WITH_TOKEN: [&str; 6] = [
    "CreateStack",
    "CreateChangeSet",
    "ExecuteChangeSet",
    "DeleteStack",
    "CreatePodIdentityAssociation",
    "UpdatePodIdentityAssociation",
];

pub(super) fn judge(played: &Played, tally: &mut Tally) -> Vec<Violation> {
    let told = &played.told;
    let mut found = blind(told, tally);
    for (place, event) in told.events.iter().enumerate() {
        let (
            What::Call {
                call, accepted: true, ..
            },
            Some(run),
        ) = (&event.what, event.run)
        else {
            continue;
        };
        if !call.write || event.before == event.after || call.service == "cloudformation" {
            continue;
        }
        let Some(planned) = told.plan_at(run, place) else {
            continue;
        };
        let (before, after) = (&told.versions[event.before], &told.versions[event.after]);
        for object in changed(before, after) {
            if object.kind == "lease" || completes_entry(&object, event, before, after) {
                continue;
            }
            tally.judge(LAW);
            let now = leaves(&object, before);
            let then = leaves(&object, after);
            for (leaf, value) in now.iter().filter(|(leaf, value)| then.get(*leaf) != Some(value)) {
                let seen = Seen {
                    told,
                    planned,
                    run,
                    object: &object,
                    leaf,
                };
                if !seen.may_go(place, event, call, value) {
                    found.push(Violation::new(
                        LAW,
                        format!(
                            "{} of run {run} ({}) goes over {leaf} of {object}, which is {value} and was {:?} when it was planned",
                            call.action,
                            event.step.as_deref().unwrap_or_default(),
                            leaves(&object, &told.versions[planned.read.1]).get(leaf)
                        ),
                    ));
                }
            }
        }
    }
    found
}

/// Whether a step that was to make an access entry completes one that was made meanwhile, as the same user and with no more groups than
/// it shall have: what the plan gives is all that it has then.
fn completes_entry(object: &Object, event: &Event, before: &World, after: &World) -> bool {
    let is_to_make = event
        .step
        .as_deref()
        .is_some_and(|step| step.ends_with("#create"));
    let entry = |world| cluster_of(world).eks.access_entries.get(&object.key);
    let (Some(before), Some(after)) = (entry(before), entry(after)) else {
        return false;
    };
    let has_no_more = before.groups.iter().all(|group| after.groups.contains(group));
    object.kind == "access entry" && is_to_make && before.username == after.username && has_no_more
}

/// One value of an object, and the run that goes over it.
struct Seen<'a> {
    told: &'a Told,
    planned: &'a Planned,
    run: usize,
    object: &'a Object,
    leaf: &'a str,
}

impl Seen<'_> {
    fn value(&self, version: usize) -> Option<String> {
        leaves(self.object, &self.told.versions[version]).remove(self.leaf)
    }

    fn may_go(&self, place: usize, event: &Event, call: &Call, value: &String) -> bool {
        let (first, last) = self.planned.read;
        let is = |version: usize| self.value(version).as_ref() == Some(value);
        if (first..=last).any(is) {
            return true;
        }
        // What the run itself wrote, or let be written, it need not have seen.
        let mut own = self.told.events[..place].iter().filter(|other| {
            other.before != other.after
                && (other.run == Some(self.run) && matches!(other.what, What::Call { .. })
                    || matches!(other.what, What::Time))
        });
        if own.any(|other| is(other.after) && !is(other.before)) {
            return true;
        }
        // AWS has no preconditions: what changed after the last look cannot be helped.
        // Some looks are two calls, and the second is about something else.
        let is_look =
            |look: &Call| !look.write && look.service == call.service && !look.action.starts_with("List");
        let mut earlier = self.told.events[..place].iter().rev();
        let last_look = earlier.find_map(|other| match &other.what {
            What::Call {
                call: look,
                accepted: true,
                now,
                ..
            } if other.run == Some(self.run) && other.step == event.step && is_look(look) => {
                Some((other.after, *now))
            }
            _ => None,
        });
        call.service != "kubernetes"
            && last_look.is_some_and(|(version, now)| !is(version) || !self.is_shown(value, version, now))
    }

    /// Whether a reader saw the value then: IAM may still have shown the trust policy of before.
    fn is_shown(&self, value: &String, version: usize, now: Timestamp) -> bool {
        let shown = self.told.versions[version].with_trust_policies_shown_at(now);
        leaves(self.object, &shown).get(self.leaf) == Some(value)
    }
}

/// The values of an object that a plan decides on, by their place.
fn leaves(object: &Object, world: &World) -> BTreeMap<String, String> {
    let cluster = cluster_of(world);
    let key = &object.key;
    let wire = match object.kind {
        "config map" if key == CONFIG_MAP => {
            let data = cluster.config_maps.get(key).map(|found| &found.data);
            return data.map(entries).unwrap_or_default();
        }
        "role" => world.roles.get(key).map(|role| {
            let statements = role.trust_policy["Statement"].as_array().cloned().unwrap_or_default();
            let by_sid: BTreeMap<String, Value> = statements
                .into_iter()
                .map(|statement| (statement["Sid"].as_str().unwrap_or("-").to_owned(), statement))
                .collect();
            let policies: BTreeMap<&String, bool> = role.managed_policy_arns.iter().map(|arn| (arn, true)).collect();
            let inline: BTreeMap<&String, String> =
                role.inline_policies.iter().map(|(name, policy)| (name, policy.to_string())).collect();
            let statements: BTreeMap<String, String> =
                by_sid.into_iter().map(|(sid, statement)| (sid, statement.to_string())).collect();
            json!({"statement": statements, "policy": policies, "inline": inline, "boundary": role.permissions_boundary, "tag": role.tags,
                "session": role.max_session_seconds})
        }),
        "managed policy" => world.managed_policies.get(key).map(|policy| {
            let versions: BTreeMap<&String, bool> = policy.versions.iter().map(|version| (&version.id, true)).collect();
            json!({"says": policy.document.to_string(), "holds": policy.default_version(), "version": versions})
        }),
        "access entry" => cluster.eks.access_entries.get(key).map(|entry| {
            let policies: BTreeMap<&String, String> = entry
                .policies
                .iter()
                .map(|policy| (&policy.arn, format!("{:?}", policy.namespaces)))
                .collect();
            let groups: BTreeSet<&String> = entry.groups.iter().collect();
            json!({"user": format!("{} {groups:?}", entry.username), "type": entry.entry_type, "policy": policies})
        }),
        "association" => cluster.eks.pod_identity_associations.get(key).map(|one| {
            json!({"role": one.role_arn, "target": one.target_role_arn, "tags off": one.disable_session_tags, "policy": one.policy})
        }),
        "service account" => cluster.service_accounts.get(key).map(|account| {
            json!({"uid": account.uid, "label": account.labels, "annotation": account.annotations})
        }),
        "RBAC role" => cluster.rbac_roles.get(key).map(|role| json!({"uid": role.uid, "rules": json!(role.rules).to_string(), "label": role.labels})),
        "RBAC binding" => cluster.rbac_bindings.get(key).map(|binding| {
            json!({"uid": binding.uid, "role": binding.role_name, "subjects": json!(binding.subjects).to_string(), "label": binding.labels})
        }),
        "identity provider" => cluster.eks.identity_providers.get(key).map(|one| json!({"issuer": one.issuer_url, "client": one.client_id})),
        "OIDC provider" => world.oidc_providers.get(key).map(|one| {
            let audiences: BTreeMap<&String, bool> = one.audiences.iter().map(|audience| (audience, true)).collect();
            json!({"audience": audiences})
        }),
        _ => None,
    };
    let mut leaves = BTreeMap::new();
    flatten("", &wire.unwrap_or_default(), &mut leaves);
    leaves
}

fn flatten(path: &str, value: &Value, into: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                flatten(format!("{path} {key}").trim_start(), value, into);
            }
        }
        Value::Null => {}
        other => {
            into.insert(path.to_owned(), other.to_string());
        }
    }
}

/// The entries of aws-auth by section and ARN: what stands between two dashes in the first column, without comments.
fn entries(data: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    for (section, text) in data {
        let mut key = String::new();
        for chunk in text
            .split("\n-")
            .map(|chunk| chunk.strip_prefix('-').unwrap_or(chunk))
        {
            let plain: Vec<&str> = chunk
                .lines()
                .map(|line| line.split(" #").next().unwrap_or(line).trim())
                .filter(|line| !line.is_empty() && !line.starts_with('#'))
                .collect();
            let words = plain
                .iter()
                .flat_map(|line| line.split([' ', ',', '{', '}', '"', '\'']));
            if let Some(arn) = words.into_iter().find(|word| word.starts_with("arn:")) {
                arn.clone_into(&mut key);
            }
            // An ARN may stand in several entries, each a value of its own.
            if !plain.is_empty() {
                all.insert(
                    format!("{section} {key}: {}", plain.join("; ")),
                    "there".to_owned(),
                );
            }
        }
    }
    all
}

/// A write whose answer was lost is not sent again before anything was read.
fn blind(told: &Told, tally: &mut Tally) -> Vec<Violation> {
    let mut found = Vec::new();
    for (place, event) in told.events.iter().enumerate() {
        let What::Call {
            call,
            accepted: true,
            heard: false,
            ..
        } = &event.what
        else {
            continue;
        };
        if !call.write || WITH_TOKEN.contains(&call.action.as_str()) {
            continue;
        }
        tally.judge("not blindly");
        for later in told.events[place + 1..]
            .iter()
            .filter(|later| later.run == event.run && later.step == event.step)
        {
            let What::Call { call: next, .. } = &later.what else {
                continue;
            };
            if !next.write {
                break;
            }
            if next == call {
                found.push(Violation::new(
                    LAW,
                    format!(
                        "{} of {} is sent again after its answer was lost, and nothing was read in between ({})",
                        call.action,
                        call.object,
                        event.step.as_deref().unwrap_or_default()
                    ),
                ));
                break;
            }
        }
    }
    found
}
