//! From the entries that shall be there and those that are to what is done about each. Pure.

use std::borrow::Cow;

use serde_json::json;

use super::{
    granted::{Granted, effect, effect_of_groups, effect_of_policy, meaning, policy_change},
    mapping::{as_whom, mapped},
    operation::made,
    own_tags, removal,
    replacement::Stale,
    resolved, stays_without_entries,
    target::{Difference, Target, same_set, target},
    to_delete,
    wanted::{Known, is_made, policies_are_offered, principal},
};
use crate::{
    config::access_entry::AccessEntry as ConfiguredEntry,
    engine::{
        Action, Address, AttributeChange, Change, Effect, Finding, PlanDraft, Reason, Severity, StepId,
        plan::fingerprint,
    },
    guard::{Guard, access::MASTERS},
    kinds::{
        Request,
        bridge::{Bridge, gives_everything},
        runner::way_to,
    },
    live::{Live, Unreadable, addresses, unreadable},
    ports::aws::{AccessEntry, AuthenticationMode, NewAccessEntry},
};
use eksact_identity::authn::{
    access_entry::{is_for_nodes, takes_policies},
    access_policy::reserved_prefix,
};
use eksact_message::code::Code;

/// Adds the difference of every entry that shall be there.
pub(super) fn plan(request: &Request, live: &Live, draft: &mut PlanDraft) {
    let is_update = request
        .scope::<super::AccessEntryScope>()
        .is_some_and(|scope| scope.is_update);
    if stays_without_entries(request, live) {
        let wanted = super::wanted(request);
        for arn in to_delete(request) {
            draft.add_finding(removal::nothing_to_delete(arn, live));
        }
        // The mode is changed to make an entry, and not to change one that cannot be there.
        if is_update {
            for entry in wanted {
                draft.add_finding(nothing_to_update(&entry.principal_arn.value, live));
            }
        } else if !wanted.is_empty() {
            draft.add_finding(without_entries(live));
        }
        return;
    }
    let resolved = resolved::resolved(request, live);
    for finding in resolved.findings {
        draft.add_finding(finding);
    }
    let entries = match live.access_entries() {
        Some(Ok(entries)) => entries,
        Some(Err(error)) => {
            let finding = Finding::new(
                Severity::Error,
                Code::AccessEntriesUnreadable,
                format!("the access entries of the cluster could not be read: {error}"),
            );
            draft.add_finding(finding.with_help_for(error));
            return;
        }
        None => return,
    };
    for configured in &resolved.entries {
        let arn = configured.principal_arn.value.as_str();
        let existing = entries.iter().find(|entry| entry.principal_arn == arn);
        let Some(known) = principal(request, configured, existing, live, draft) else {
            continue;
        };
        if existing.is_none() && is_update {
            draft.add_finding(nothing_to_update(arn, live));
            continue;
        }
        if !policies_are_offered(configured, live, draft) {
            continue;
        }
        let subject = Subject {
            request,
            live,
            configured,
            bridge: request.scope::<Bridge>(),
            address: addresses::access_entry(arn),
            wanted: target(configured, existing),
            principal_exists: !matches!(known, Known::Unknown),
        };
        let mode = addresses::authentication_mode(&live.cluster.name, AuthenticationMode::ApiAndConfigMap);
        draft.order(mode, subject.address.clone());
        match existing {
            None => subject.create(draft),
            Some(existing) => subject.compare(existing, &known, draft),
        }
    }
    unread_mappings(&resolved.entries, live, draft);
}

/// What the mappings of new entries give is lost with them, and cannot be told where `aws-auth` was not to be read.
fn unread_mappings(entries: &[Cow<'_, ConfiguredEntry>], live: &Live, draft: &mut PlanDraft) {
    let Some(Err(error)) = live.aws_auth() else {
        return;
    };
    if !live.cluster.reads_aws_auth() {
        return;
    }
    for entry in entries {
        let arn = entry.principal_arn.value.as_str();
        let address = addresses::access_entry(arn);
        let is_made = draft
            .change(&address)
            .is_some_and(|change| change.action == Action::Create);
        if is_made {
            let message = format!(
                "the cluster ignores what aws-auth says of a principal that has an access entry, and what it says of {arn} is not \
                 known: {error}"
            );
            let finding = Finding::new(Severity::Warning, Code::AwsAuthUnreadable, message).about(&address);
            draft.add_finding(match unreadable(error) {
                Unreadable::Cluster => finding.with_help(way_to(&live.cluster)),
                Unreadable::Object => finding.with_help_for(error),
            });
        }
    }
}

fn nothing_to_update(arn: &str, live: &Live) -> Finding {
    Finding::new(
        Severity::Error,
        Code::NothingToUpdate,
        format!("cluster {} has no access entry of {arn}", live.cluster.name),
    )
    .about(&addresses::access_entry(arn))
    .with_help(remedy!(
        "`eksact create accessentry` makes one; `eksact get accessentry --cluster {} --region {}` lists them.",
        live.cluster.name,
        live.region
    ))
}

/// That the cluster has no access entries, once for all of them.
fn without_entries(live: &Live) -> Finding {
    Finding::new(
        Severity::Error,
        Code::AccessEntryMode,
        format!(
            "the cluster {} has no access entries: its authentication mode is CONFIG_MAP, in which only aws-auth \
             lets anyone in",
            live.cluster.name
        ),
    )
    .with_help(remedy!(
        "Change the mode first, which cannot be undone and leaves aws-auth working: `eksact utils \
         update-authentication-mode --cluster {} --region {} --authentication-mode API_AND_CONFIG_MAP --allow {} --approve`",
        live.cluster.name,
        live.region,
        Guard::OneWayMode.code()
    ))
}

pub(super) struct Subject<'plan> {
    pub(super) request: &'plan Request,
    pub(super) live: &'plan Live,
    pub(super) configured: &'plan ConfiguredEntry,
    pub(super) bridge: Option<&'plan Bridge>,
    pub(super) address: Address,
    pub(super) wanted: Target,
    pub(super) principal_exists: bool,
}

impl Subject<'_> {
    pub(super) fn arn(&self) -> &str {
        &self.configured.principal_arn.value
    }

    pub(super) fn cluster(&self) -> String {
        self.live.cluster.name.clone()
    }

    pub(super) fn new_entry(&self) -> NewAccessEntry {
        let for_nodes = is_for_nodes(&self.wanted.entry_type);
        NewAccessEntry {
            principal_arn: self.arn().to_owned(),
            entry_type: self.wanted.entry_type.clone(),
            username: self.wanted.username.clone().filter(|_| !for_nodes),
            groups: if for_nodes {
                Vec::new()
            } else {
                self.wanted.groups.clone()
            },
            tags: own_tags(),
        }
    }

    /// The entry as it would be.
    pub(super) fn after(&self) -> AccessEntry {
        AccessEntry {
            policies: self.wanted.policies.clone(),
            ..made(&self.new_entry())
        }
    }

    /// The groups that the principal loses with its mapping, as far as an entry may have them: it keeps them until its policies count.
    pub(super) fn held_over(&self) -> Vec<String> {
        if self.wanted.policies.is_empty() || is_for_nodes(&self.wanted.entry_type) {
            return Vec::new();
        }
        let may_be_given = |group: &String| {
            reserved_prefix(group).is_none() && !group.contains("{{") && !self.wanted.groups.contains(group)
        };
        let groups = mapped(self.arn(), self.live)
            .map(|mapped| mapped.groups)
            .unwrap_or_default();
        groups.into_iter().filter(may_be_given).collect()
    }

    fn create(&self, draft: &mut PlanDraft) {
        let cleaned = self.clean_up(draft);
        let steps = self.create_steps(cleaned.clone(), draft);
        let mapped = mapped(self.arn(), self.live);
        let mut notes: Vec<String> = cleaned.iter().map(|_| self.clean_up_note()).collect();
        if let Some(mapped) = &mapped {
            notes.push(format!(
                "From then on the cluster ignores its mapping in aws-auth, {}.",
                as_whom(mapped)
            ));
            let held_over = self.held_over();
            if !held_over.is_empty() {
                notes.push(format!(
                    "Until its access policies count the entry has {} as well.",
                    held_over.join(", ")
                ));
            }
            let is_bridged = self.bridge.is_some() && gives_everything(&self.wanted.policies);
            if mapped.groups.iter().any(|group| group == MASTERS)
                && !self.wanted.policies.is_empty()
                && !is_bridged
            {
                notes.push(format!(
                    "No entry can be in {MASTERS}: until its access policies count, some seconds, it is without these rights. \
                     `eksact migrate to-access-entries` moves a mapping without such a gap."
                ));
            }
        }
        let before = mapped.as_ref().map(Granted::from);
        let total = effect(before.as_ref(), Some(&Granted::from(&self.after())));
        let mut attributes = self.attributes(None);
        if before.is_some() {
            // The principal has no entry and is not without access: what it gains or loses is the whole's to say.
            for attribute in &mut attributes {
                attribute.effect = None;
            }
            if let Some(first) = attributes.first_mut() {
                first.effect = Some(total);
            }
        }
        self.add_change(
            (Action::Create, Reason::new("missing", "it does not exist")),
            (attributes, total),
            None,
            notes,
            cleaned.into_iter().chain(steps).collect(),
            draft,
        );
    }

    fn compare(&self, existing: &AccessEntry, known: &Known<'_>, draft: &mut PlanDraft) {
        let stale = match known {
            _ if is_made(self.arn(), draft) => Some(Stale::ByPlan),
            Known::There(principal) if existing.is_stale(principal) => Some(Stale::Already),
            _ => None,
        };
        let for_nodes = is_for_nodes(&self.wanted.entry_type);
        let difference = Difference::of(&self.wanted, existing);
        if let Some(finding) = self.has_no_effect(existing) {
            draft.add_finding(finding);
            return;
        }
        if stale.is_none() && difference.is_none() {
            self.unchanged(existing, draft);
            return;
        }
        let is_made_again = stale.is_some() || difference.has_other_type;
        let stack = match self.stack_to_change(existing, is_made_again) {
            Ok(stack) => stack,
            Err(finding) => {
                draft.add_finding(finding);
                return;
            }
        };
        // A stack that is not known of would undo the change; eksact's own entries are in none.
        if let (Some(Err(error)), false) = (self.live.stacks(), super::is_marked(existing)) {
            let message = format!(
                "whether the access entry of {} belongs to a CloudFormation stack could not be determined: {error}",
                self.arn()
            );
            let finding = Finding::new(Severity::Warning, Code::StacksUnreadable, message);
            draft.add_finding(finding.about(&self.address).with_help_for(error));
        }
        if is_made_again {
            self.replace(existing, stale, draft);
            return;
        }
        let mut after = self.after();
        if for_nodes {
            // What EKS fills in stays, whatever it is.
            (after.username, after.groups) = (existing.username.clone(), existing.groups.clone());
        }
        let (mut steps, notes) = match &stack {
            Some((stack, template)) => {
                self.stack_steps((stack, template), existing, &after, &difference, draft)
            }
            None => (self.call_steps(existing, &difference, draft), Vec::new()),
        };
        let left = self.left_change_sets(existing, steps.last(), draft);
        if !left.steps.is_empty() {
            draft.set_ready(&self.address, steps.last().cloned());
            steps.extend(left.steps);
        }
        let attributes = [self.attributes(Some(existing)), left.attributes].concat();
        let total = effect(Some(&Granted::from(existing)), Some(&Granted::from(&after)));
        self.add_change(
            (
                Action::Update,
                Reason::new("differs", "it differs from the desired state"),
            ),
            (attributes, total),
            Some(existing),
            notes,
            steps,
            draft,
        );
    }

    /// That flags give a type that is there already what it does not take.
    fn has_no_effect(&self, existing: &AccessEntry) -> Option<Finding> {
        let configured = self.configured;
        let takes_none = configured.keeps.entry_type
            && is_for_nodes(&existing.entry_type)
            && (configured.username.is_some()
                || !configured.groups.is_empty()
                || !(configured.policies.is_empty() || takes_policies(&existing.entry_type)));
        takes_none.then(|| {
            Finding::new(
                Severity::Error,
                Code::AccessEntry,
                format!(
                    "the access entry of {} is of type {}, to which EKS gives user name, groups and rights of its own",
                    self.arn(),
                    existing.entry_type
                ),
            )
            .about(&self.address)
            .with_help(remedy!(
                "For a person or program name another principal: one principal has one access entry."
            ))
        })
    }

    pub(super) fn add_change(
        &self,
        (action, reason): (Action, Reason),
        (attributes, total): (Vec<AttributeChange>, Effect),
        existing: Option<&AccessEntry>,
        notes: Vec<String>,
        steps: Vec<StepId>,
        draft: &mut PlanDraft,
    ) {
        let change = Change {
            address: self.address.clone(),
            action,
            reasons: vec![reason],
            source: self.configured.location.clone(),
            attributes,
            depends_on: Vec::new(),
            steps,
            origin: None,
            fingerprint: fingerprint(&existing),
            effect: total,
            notes,
        };
        // The parts may cancel each other out: a group of everything for a policy of everything.
        draft.add_judged_change(change);
    }

    /// What differs of what the principal has by an entry, each with its own effect.
    pub(super) fn attributes(&self, has: Option<&AccessEntry>) -> Vec<AttributeChange> {
        let after = self.after();
        let mut attributes = Vec::new();
        let entry_type = has.map(|has| json!(has.entry_type));
        if entry_type != Some(json!(after.entry_type)) {
            attributes.push(AttributeChange::plain(
                "type",
                entry_type,
                Some(json!(after.entry_type)),
            ));
        }
        if !is_for_nodes(&after.entry_type) {
            attributes.extend(self.username(has, &after));
            let now = has.map(|has| has.groups.as_slice()).unwrap_or_default();
            if !same_set(now, &after.groups) {
                let value = |groups: &[String]| (!groups.is_empty()).then(|| json!(groups));
                attributes.push(
                    AttributeChange::plain("groups", value(now), value(&after.groups))
                        .with_effect(effect_of_groups(now, &after.groups)),
                );
            }
        }
        let now = has.map(|has| has.policies.as_slice()).unwrap_or_default();
        let is_made_again = has.is_some_and(|has| has.entry_type != after.entry_type);
        for policy in &after.policies {
            let before = now.iter().find(|other| other.arn == policy.arn);
            let effect = effect_of_policy(before, Some(policy));
            if effect == Effect::Equal && !is_made_again {
                continue;
            }
            let change = policy_change(before, Some(policy)).with_effect(effect);
            attributes.push(match meaning(&policy.arn) {
                Some(meaning) => change.with_remark(meaning),
                None => change,
            });
        }
        for policy in now.iter().filter(|policy| !self.wanted.wants(&policy.arn)) {
            attributes.push(policy_change(Some(policy), None).with_effect(Effect::Narrower));
        }
        attributes
    }

    /// The user name, where it differs. Another one may have rights of its own, but for whoever may do everything.
    fn username(&self, has: Option<&AccessEntry>, after: &AccessEntry) -> Option<AttributeChange> {
        let now = has.map(|has| json!(has.username));
        let wanted = Some(json!(after.username));
        if now == wanted {
            return None;
        }
        let effect = match has {
            None => Effect::Broader,
            Some(has) if Granted::from(has).is_everything() || Granted::from(after).is_everything() => {
                Effect::Equal
            }
            Some(_) => Effect::Incomparable,
        };
        let change = AttributeChange::plain("username", now, wanted).with_effect(effect);
        Some(if self.wanted.username.is_none() {
            change.with_remark("derived by EKS")
        } else {
            change
        })
    }
}
