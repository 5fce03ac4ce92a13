//! The calls that make and change an entry, in an order in which nobody is without what they keep. Pure.

use super::{
    granted::{effect_of_policy, name_of},
    operation::{Operation, made},
    plan::Subject,
    target::Difference,
};
use crate::{
    engine::{Effect, PlanDraft, StepId},
    kinds::bridge,
    ports::aws::{AccessEntry, AccessPolicy, AuthenticationMode},
};

impl Subject<'_> {
    /// The steps that make the entry, each policy after it. Who is to have the whole cluster by a policy has it by a group in the
    /// meantime, where there is one for that; and nobody is without the groups of its mapping before the policies are there.
    pub(super) fn create_steps(&self, after: Vec<StepId>, draft: &mut PlanDraft) -> Vec<StepId> {
        let wanted = self.new_entry();
        let mut entry = wanted.clone();
        let bridge = self
            .bridge
            .filter(|_| bridge::gives_everything(&self.wanted.policies));
        let mut meanwhile = self.held_over();
        meanwhile.extend(bridge.map(|bridge| bridge.group.clone()));
        entry.groups.extend(meanwhile.iter().cloned());
        let seen = made(&entry);
        let create = draft.add_step(
            &self.address,
            "create",
            format!("create access entry of {}", self.arn()),
            after,
            &Operation::Create {
                cluster: self.cluster(),
                entry,
                principal_exists: self.principal_exists,
                policies: self.wanted.policies.clone(),
                is_after_switch: self.live.cluster.mode() == Ok(AuthenticationMode::ConfigMap),
            },
        );
        let mut steps = vec![create.clone()];
        for policy in &self.wanted.policies {
            steps.push(self.associate(policy, None, true, vec![create.clone()], draft));
        }
        if !meanwhile.is_empty() {
            steps.push(draft.add_step(
                &self.address,
                "update",
                format!(
                    "take the access entry of {} out of group {}",
                    self.arn(),
                    meanwhile.join(", ")
                ),
                steps.clone(),
                &Operation::Update {
                    cluster: self.cluster(),
                    seen,
                    username: wanted.username,
                    groups: wanted.groups,
                    is_after_policy: true,
                },
            ));
        }
        steps
    }

    pub(super) fn associate(
        &self,
        policy: &AccessPolicy,
        seen: Option<&AccessPolicy>,
        is_new: bool,
        after: Vec<StepId>,
        draft: &mut PlanDraft,
    ) -> StepId {
        let name = name_of(&policy.arn);
        draft.add_step(
            &self.address,
            &format!("associate-{name}"),
            format!("associate access policy {name} with {}", self.arn()),
            after,
            &Operation::Associate {
                cluster: self.cluster(),
                principal_arn: self.arn().to_owned(),
                policy: policy.clone(),
                seen: seen.cloned(),
                is_new,
            },
        )
    }

    /// Whether a change takes groups from the entry.
    pub(super) fn loses_groups(&self, existing: &AccessEntry) -> bool {
        existing
            .groups
            .iter()
            .any(|group| !self.wanted.groups.contains(group))
    }

    /// Associates the policies that give something: first those that take nothing.
    pub(super) fn associate_given(
        &self,
        existing: &AccessEntry,
        difference: &Difference,
        draft: &mut PlanDraft,
    ) -> Vec<StepId> {
        let takes_nothing = |effect| effect == Effect::Broader;
        let mut given = self.associate_changed(existing, difference, takes_nothing, &[], draft);
        let also_takes = |effect| matches!(effect, Effect::Incomparable | Effect::Equal);
        let others = self.associate_changed(existing, difference, also_takes, &given, draft);
        given.extend(others);
        given
    }

    /// Associates the changed policies of this effect, after these steps.
    fn associate_changed(
        &self,
        existing: &AccessEntry,
        difference: &Difference,
        is_meant: impl Fn(Effect) -> bool,
        after: &[StepId],
        draft: &mut PlanDraft,
    ) -> Vec<StepId> {
        let mut steps = Vec::new();
        for policy in &difference.changed {
            let seen = existing.policy(&policy.arn);
            if is_meant(effect_of_policy(seen, Some(policy))) {
                steps.push(self.associate(policy, seen, false, after.to_vec(), draft));
            }
        }
        steps
    }

    /// The calls that change an entry: what is given first, and then what goes.
    pub(super) fn call_steps(
        &self,
        existing: &AccessEntry,
        difference: &Difference,
        draft: &mut PlanDraft,
    ) -> Vec<StepId> {
        let mut given = self.associate_given(existing, difference, draft);
        if difference.has_other_user {
            // Groups may go with it, so the policies come first.
            given.push(draft.add_step(
                &self.address,
                "update",
                format!("set user name and groups of the access entry of {}", self.arn()),
                given.clone(),
                &Operation::Update {
                    cluster: self.cluster(),
                    seen: existing.clone(),
                    username: self.wanted.username.clone(),
                    groups: self.wanted.groups.clone(),
                    is_after_policy: self.loses_groups(existing) && !given.is_empty(),
                },
            ));
        }
        // What takes its place is there before a policy goes, or holds in fewer namespaces.
        let before_going = given.clone();
        let narrowed = self.associate_changed(
            existing,
            difference,
            |effect| effect == Effect::Narrower,
            &given,
            draft,
        );
        let mut steps = given;
        steps.extend(narrowed);
        for policy in &difference.dropped {
            let name = name_of(&policy.arn);
            steps.push(draft.add_step(
                &self.address,
                &format!("disassociate-{name}"),
                format!("disassociate access policy {name} from {}", self.arn()),
                before_going.clone(),
                &Operation::Disassociate {
                    cluster: self.cluster(),
                    principal_arn: self.arn().to_owned(),
                    seen: policy.clone(),
                },
            ));
        }
        steps
    }
}
