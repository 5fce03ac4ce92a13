//! The search behind who may and who can become one of them: rows of both, and the way back from those who may.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    chains::{Chains, MOST_HOPS, Outsider, chains},
    escalation::{Escalations, Goal, Powers},
    identities::{ASSUME, Identities, Session},
    pods::{Door, IMDS, Pods, both, depends, session_policy},
    question::AwsQuestion,
    words::{assuming, becomes, door, grants, verdict, way, whether_it_may},
};
use crate::diagnosis::authorization::{Actor, Becomes, Path, Reason, Rights, Row, Verdict};
use eksact_identity::{
    iam::{
        policy::authorization::{Answer, Decision},
        web_identity,
    },
    rbac::NODES,
};

/// What the role of a pod is wanted for.
pub(super) enum Wanted<'w> {
    /// It may itself.
    Itself(&'w AwsQuestion),
    /// It is on the way: whether, in words, and the action that does it, on what; none where being it is enough.
    Onward {
        decision: &'w Decision,
        words: &'w str,
        does: Option<(&'w str, &'w str)>,
    },
}

pub(super) struct Search<'s, 'p> {
    identities: &'s Identities<'p>,
    pods: &'s Pods<'p>,
    pub(super) rows: BTreeMap<Actor, Row>,
    pub(super) becomes: BTreeSet<Becomes>,
    /// The service accounts that have, or can take, such a role; and whether that is sure.
    pub(super) accounts: BTreeMap<(String, String), Answer>,
    /// Those of whom a row says that it depends.
    doubtful: BTreeSet<Actor>,
}

impl<'s, 'p> Search<'s, 'p> {
    pub(super) fn of(identities: &'s Identities<'p>, pods: &'s Pods<'p>) -> Self {
        Self {
            identities,
            pods,
            rows: BTreeMap::new(),
            becomes: BTreeSet::new(),
            accounts: BTreeMap::new(),
            doubtful: BTreeSet::new(),
        }
    }

    /// Users and roles that may, by their numbers.
    pub(super) fn holders(&mut self, question: &AwsQuestion) -> BTreeMap<usize, Answer> {
        let mut goals = BTreeMap::new();
        for (index, identity) in self.identities.all.iter().enumerate() {
            let Some(decision) = question.decide(self.identities, index, &Session::default()) else {
                continue;
            };
            if decision.answer == Answer::No {
                continue;
            }
            goals.insert(index, decision.answer);
            let actor = Actor::IamPrincipal {
                arn: identity.arn.to_owned(),
            };
            let via = identity
                .permission_set()
                .map(|set| format!("whoever is assigned the permission set {set}"));
            let reason = asked(question, identity.arn, &actor, &decision);
            self.add(actor, via, reason, &decision);
        }
        goals
    }

    fn add(&mut self, actor: Actor, via: Option<String>, reason: Reason, decision: &Decision) {
        let verdict = verdict(decision.answer);
        let is_absent = self.is_absent(&actor);
        let row = self.rows.entry(actor.clone()).or_insert_with(|| Row {
            actor,
            verdict: Verdict::Depends,
            absent: is_absent,
            paths: Vec::new(),
            depends_on: Vec::new(),
            namespaces: None,
        });
        if verdict == Verdict::Yes && row.verdict == Verdict::Depends {
            row.verdict = Verdict::Yes;
            row.paths.clear();
            row.depends_on.clear();
        }
        if verdict == row.verdict {
            row.paths.push(Path {
                via,
                reason,
                namespaces: None,
            });
            row.paths.sort();
            row.depends_on.extend(decision.depends_on.iter().cloned());
            row.depends_on.sort();
            row.depends_on.dedup();
        }
    }

    fn is_absent(&self, actor: &Actor) -> bool {
        match actor {
            Actor::ServiceAccount { namespace, name } => self.pods.account(namespace, name).is_none(),
            _ => false,
        }
    }

    /// The service accounts whose pods get a role.
    pub(super) fn pods_of(&mut self, role: usize, wanted: &Wanted<'_>) {
        let Some(identity) = self.identities.all.get(role) else {
            return;
        };
        for pod in self.pods.of_role(self.identities, role) {
            let limits = pod.limited_by.as_ref().map(|text| session_policy(text));
            let session = self.pods.session(&pod, limits.as_ref());
            let own = match wanted {
                Wanted::Itself(question) => question.decide(self.identities, role, &session),
                Wanted::Onward { decision, .. } => Some((*decision).clone()),
            };
            let Some(own) = own.filter(|own| own.answer != Answer::No) else {
                continue;
            };
            let decision = both(pod.decision.clone(), own.clone());
            let actor = Actor::ServiceAccount {
                namespace: pod.namespace.clone(),
                name: pod.name.clone(),
            };
            let key = (pod.namespace.clone(), pod.name.clone());
            let surest = self
                .accounts
                .get(&key)
                .map_or(decision.answer, |known| known.or(decision.answer));
            self.accounts.insert(key, surest);
            let by = door(&pod, identity.arn);
            let becomes = format!("role {}", identity.arn);
            match wanted {
                Wanted::Itself(question) => {
                    let reason = asked(question, identity.arn, &actor, &own);
                    if pod.door == Door::TrustAlone {
                        self.become_row(actor, becomes, by, reason, &decision);
                    } else {
                        self.add(actor, Some(by), reason, &decision);
                    }
                }
                Wanted::Onward { words, does, .. } => {
                    let (action, on) = does.unwrap_or(match pod.door {
                        Door::Association => (ASSUME, identity.arn),
                        Door::Annotation | Door::TrustAlone => (web_identity::ACTION, identity.arn),
                    });
                    let allowed_by = if does.is_some() {
                        &own.allowed_by
                    } else {
                        &pod.decision.allowed_by
                    };
                    let reason = Reason {
                        subject: format!("{} {}", actor.kind(), actor.name()),
                        binding: grants(allowed_by),
                        role: identity.arn.to_owned(),
                        rule: action.to_owned(),
                        scope: on.to_owned(),
                    };
                    self.become_row(actor, becomes, format!("{by}, {words}"), reason, &decision);
                }
            }
        }
    }

    /// A row of those who can become one. A sure one takes the place of those of the same that depend.
    fn become_row(&mut self, actor: Actor, becomes: String, by: String, reason: Reason, decision: &Decision) {
        let mut depends_on: Vec<&str> = Vec::new();
        for what in &decision.depends_on {
            if !depends_on.contains(&what.as_str()) {
                depends_on.push(what);
            }
        }
        if self.is_absent(&actor) {
            depends_on.push("the service account, which does not exist: whoever makes it");
        }
        let verdict = if depends_on.is_empty() {
            verdict(decision.answer)
        } else {
            Verdict::Depends
        };
        if verdict == Verdict::Depends {
            self.doubtful.insert(actor.clone());
        } else if self.doubtful.contains(&actor) {
            let is_of_iam = matches!(actor, Actor::IamPrincipal { .. });
            self.becomes.retain(|row| {
                row.actor != actor || row.verdict == Verdict::Yes || !is_of_iam && row.becomes != becomes
            });
        }
        let depends_on = (!depends_on.is_empty()).then(|| depends_on.join("; "));
        self.becomes.insert(Becomes {
            actor,
            verdict,
            becomes,
            by,
            via: None,
            reason,
            depends_on,
            namespaces: None,
        });
    }

    /// Pods on nodes get the role of the nodes, where the instance metadata service lets them.
    pub(super) fn nodes(
        &mut self,
        question: &AwsQuestion,
        rights: &Rights<'_>,
        goals: &BTreeMap<usize, Answer>,
    ) {
        for person in rights.people.iter().filter(|person| person.user.is_in(NODES)) {
            let Some(index) = self
                .identities
                .find(&person.arn)
                .filter(|index| goals.contains_key(index))
            else {
                continue;
            };
            let Some(identity) = self.identities.all.get(index) else {
                continue;
            };
            let session = Session::default();
            let Some(mut decision) = question.decide(self.identities, index, &session) else {
                continue;
            };
            depends(&mut decision, IMDS);
            let actor = Actor::Nodes {
                role: identity.arn.to_owned(),
            };
            let reason = asked(question, identity.arn, &actor, &decision);
            self.add(
                actor,
                Some("instance metadata of the node".to_owned()),
                reason,
                &decision,
            );
        }
    }

    /// Who becomes one of `goals`, or gets what `goal` asks for, by assuming roles and by what it may change. Gives whether a longer
    /// way was left out.
    pub(super) fn climb(
        &mut self,
        escalations: &Escalations<'_, '_>,
        goal: Option<Goal<'_>>,
        goals: &BTreeMap<usize, Answer>,
    ) -> bool {
        // The surest answer of each. Who may only perhaps is looked at again: there may be a surer way.
        let mut told = goals.clone();
        let mut counted = None;
        let mut powers = goal.map_or_else(Powers::new, |goal| escalations.of_itself(goal, &sure(&told)));
        self.over_cluster(escalations, goal, &mut counted, &sure(&told), &mut powers);
        powers.retain(|index, power| is_surer(&told, *index, power.decision.answer));
        let mut frontier = goals.clone();
        let mut is_cut = false;
        for _ in 0..MOST_HOPS {
            self.powers(&powers);
            for (index, power) in &powers {
                told.insert(*index, power.decision.answer);
                frontier.insert(*index, power.decision.answer);
            }
            let chains = chains(self.identities, &frontier);
            is_cut |= chains.is_cut;
            let hops = chains.of_account.iter();
            let hops: BTreeMap<usize, Answer> = hops
                .map(|(index, hop)| (*index, hop.answer))
                .filter(|(index, answer)| is_surer(&told, *index, *answer))
                .collect();
            self.chains(&chains, &hops);
            told.extend(&hops);
            frontier.extend(&hops);
            powers = escalations.over(&frontier, &sure(&told));
            self.over_cluster(escalations, goal, &mut counted, &sure(&told), &mut powers);
            powers.retain(|index, power| is_surer(&told, *index, power.decision.answer));
            if powers.is_empty() {
                return is_cut;
            }
            frontier.clear();
        }
        true
    }

    /// Adds who can be anybody in the cluster, once that is enough: where it is asked for, or where pods have, or get, one of the
    /// roles. `counted` is how sure that was when it was added.
    fn over_cluster(
        &self,
        escalations: &Escalations<'_, '_>,
        goal: Option<Goal<'_>>,
        counted: &mut Option<Answer>,
        known: &BTreeSet<usize>,
        powers: &mut Powers,
    ) {
        let is_enough = match goal {
            Some(Goal::Cluster) => Some(Answer::Yes),
            Some(Goal::Question(_)) => self.accounts.values().min().copied(),
            None => None,
        };
        let Some(answer) = is_enough.filter(|now| counted.is_none_or(|before| *now < before)) else {
            return;
        };
        *counted = Some(answer);
        for (index, mut power) in escalations.over_cluster(known) {
            if answer != Answer::Yes {
                depends(
                    &mut power.decision,
                    "what the roles of the service accounts depend on",
                );
            }
            let is_surer = powers
                .get(&index)
                .is_none_or(|known| power.decision.answer <= known.decision.answer);
            if is_surer {
                powers.insert(index, power);
            }
        }
    }

    /// Who becomes somebody, or gives itself a right, by what it may change.
    fn powers(&mut self, powers: &Powers) {
        for (index, power) in powers {
            let Some(identity) = self.identities.all.get(*index) else {
                continue;
            };
            let actor = Actor::IamPrincipal {
                arn: identity.arn.to_owned(),
            };
            let becomes = becomes(self.identities, power.gains);
            let reason = Reason {
                subject: format!("{} {}", actor.kind(), actor.name()),
                binding: grants(&power.decision.allowed_by),
                role: power.on.clone(),
                rule: power.action.to_owned(),
                scope: power.on.clone(),
            };
            self.become_row(actor, becomes, power.how.clone(), reason, &power.decision);
            let words = format!("whose session {}", power.how);
            let wanted = Wanted::Onward {
                decision: &power.decision,
                words: &words,
                does: Some((power.action, power.on.as_str())),
            };
            self.pods_of(*index, &wanted);
        }
    }

    /// Who becomes one of the roles by assuming it: those of whom that is new.
    fn chains(&mut self, chains: &Chains, new: &BTreeMap<usize, Answer>) {
        for (index, hop) in chains
            .of_account
            .iter()
            .filter(|(index, _)| new.contains_key(index))
        {
            let (Some(identity), Some(target)) = (
                self.identities.all.get(*index),
                self.identities.all.get(hop.assumes),
            ) else {
                continue;
            };
            let words = way(self.identities, chains, hop.assumes);
            let mut decision = hop.decision.clone();
            if hop.answer == Answer::Depends && decision.answer == Answer::Yes {
                depends(&mut decision, &whether_it_may(target.arn));
            }
            let actor = Actor::IamPrincipal {
                arn: identity.arn.to_owned(),
            };
            let becomes = format!("role {}", target.arn);
            let reason = assuming(&actor, target.arn, &hop.decision);
            self.become_row(actor, becomes, words.clone(), reason, &decision);
            let words = format!("whose session {words}");
            let wanted = Wanted::Onward {
                decision: &decision,
                words: &words,
                does: Some((ASSUME, target.arn)),
            };
            self.pods_of(*index, &wanted);
        }
        for (outsider, target) in &chains.outsiders {
            let Some(target) = self.identities.all.get(*target) else {
                continue;
            };
            self.outsider(outsider, target.arn);
        }
    }

    fn outsider(&mut self, outsider: &Outsider, target: &str) {
        let (actor, depends_on) = match outsider {
            Outsider::Aws(everyone) if everyone == "*" => (
                Actor::Outsider {
                    name: "everyone in AWS".to_owned(),
                },
                "the conditions of the trust policy, and the policies of whoever it is",
            ),
            Outsider::Aws(arn) => (
                Actor::Outsider { name: arn.clone() },
                "the policies of that account, which are not read, and the conditions of the trust policy",
            ),
            Outsider::Service(name) => (
                Actor::Outsider { name: name.clone() },
                "who may pass the role to the service, and for whom it uses it",
            ),
            Outsider::Provider(name) if self.pods.is_own_provider(name) => return,
            Outsider::Provider(name) => (
                Actor::Outsider { name: name.clone() },
                "whom the identity provider vouches for, and the conditions of the trust policy",
            ),
        };
        let decision = Decision {
            answer: Answer::Depends,
            allowed_by: Vec::new(),
            depends_on: vec![depends_on.to_owned()],
            refused: None,
        };
        let reason = Reason {
            subject: actor.name(),
            binding: "trust policy".to_owned(),
            role: target.to_owned(),
            rule: ASSUME.to_owned(),
            scope: target.to_owned(),
        };
        self.become_row(
            actor,
            format!("role {target}"),
            "the trust policy names it".to_owned(),
            reason,
            &decision,
        );
    }
}

/// Why somebody may what is asked.
fn asked(question: &AwsQuestion, holder: &str, actor: &Actor, decision: &Decision) -> Reason {
    let request = &question.request;
    Reason {
        subject: format!("{} {}", actor.kind(), actor.name()),
        binding: grants(&decision.allowed_by),
        role: holder.to_owned(),
        rule: request.action.clone(),
        scope: request
            .resource
            .clone()
            .unwrap_or_else(|| "some resource".to_owned()),
    }
}

/// Those of whom it is sure.
fn sure(told: &BTreeMap<usize, Answer>) -> BTreeSet<usize> {
    let sure = told.iter().filter(|(_, answer)| **answer == Answer::Yes);
    sure.map(|(index, _)| *index).collect()
}

/// Whether an answer says more of somebody than what is told already.
fn is_surer(told: &BTreeMap<usize, Answer>, index: usize, answer: Answer) -> bool {
    told.get(&index).is_none_or(|known| answer < *known)
}
