//! Everybody who may do something in AWS: users and roles, the service accounts whose pods get such a role, nodes; and apart from
//! them who can become one of them, by assuming roles, by a trust policy alone, and by rights in the cluster.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    chains::{Chains, MOST_HOPS, Outsider, chains},
    escalation::{CREATE_ENTRY, Escalations, Powers},
    identities::{ASSUME, Identities, Session},
    pods::{Door, IMDS, Pods, both, depends, no, session_policy},
    question::{AwsQuestion, AwsRequest},
    words::{assuming, becomes, door, grants, verdict, way},
};
use crate::diagnosis::authorization::{
    Actor, Becomes, Inquiry, Path, Picture, Read, Reason, Rights, Row, Verdict, WhoCan,
    becoming_service_accounts,
};
use eksact_identity::{
    iam::policy::authorization::{Answer, CONTROL_POLICIES_NOT_READ, Decision},
    rbac::NODES,
};

/// Who may do this. Nothing, and why, where IAM was not read.
///
/// # Errors
/// Why IAM could not be read: without it no answer is one.
pub fn who_can_in_aws(rights: &Rights<'_>, question: &AwsQuestion) -> Result<WhoCan, String> {
    let picture = rights.picture;
    let details = match &picture.aws.details {
        Read::Known(details) => details,
        Read::Unread(why) => return Err(why.clone()),
    };
    let identities = Identities::of(details, &picture.account);
    let pods = Pods::of(picture);
    let mut search = Search {
        question,
        identities: &identities,
        pods: &pods,
        rows: BTreeMap::new(),
        becomes: BTreeSet::new(),
        accounts: BTreeMap::new(),
    };
    let goals = search.holders();
    for role in goals.keys() {
        search.pods_of(*role, None);
    }
    search.nodes(rights, &goals);
    let over_cluster = match search.accounts.values().min() {
        None => Over::Nothing,
        Some(Answer::Yes) => Over::Cluster,
        Some(_) => Over::ClusterPerhaps,
    };
    let is_cut = search.climb(picture, &goals, over_cluster);
    search
        .becomes
        .extend(becoming_service_accounts(rights, &search.accounts));
    let mut unread = picture.aws.unread();
    unread.extend(picture.unread());
    if question.is_resource_unread(&identities) {
        unread.push(format!(
            "whom it lets in itself is not known: {}",
            question.unread_resource()
        ));
    }
    let is_direct: BTreeSet<&Actor> = search
        .rows
        .iter()
        .filter(|(_, row)| row.verdict == Verdict::Yes)
        .map(|(actor, _)| actor)
        .collect();
    let can_become = search
        .becomes
        .iter()
        .filter(|row| !is_direct.contains(&row.actor))
        .cloned()
        .collect();
    Ok(WhoCan {
        request: Inquiry::Aws(question.request.clone()),
        notes: notes(picture, is_cut),
        can_become,
        direct: search.rows.into_values().collect(),
        complete: unread.is_empty(),
        unread,
    })
}

fn notes(picture: &Picture, is_cut: bool) -> Vec<String> {
    let mut notes = vec![
        CONTROL_POLICIES_NOT_READ.to_owned(),
        "calls are taken to be made by TLS; the root user of the account may do everything that no such policy denies".to_owned(),
        "not looked at: who gets into what runs with a role already, such as instances and functions, and who assigns permission sets"
            .to_owned(),
    ];
    if is_cut {
        notes.push(format!("chains of more than {MOST_HOPS} roles are not followed"));
    }
    if picture.aws.issuer.is_none() {
        notes.push("the cluster has no OIDC issuer: no annotation gives a role".to_owned());
    }
    notes
}

/// Everybody whom IAM lets become one of these principals, or anybody in the cluster. Nothing where IAM was not read.
pub(in crate::diagnosis) fn becoming_in_iam(
    rights: &Rights<'_>,
    known: &[(&Actor, Verdict)],
) -> Vec<Becomes> {
    let picture = rights.picture;
    let Some(details) = picture.aws.details.known() else {
        return Vec::new();
    };
    let identities = Identities::of(details, &picture.account);
    let pods = Pods::of(picture);
    let question = any_of_cluster(picture);
    let mut goals: BTreeMap<usize, Answer> = BTreeMap::new();
    for (actor, verdict) in known {
        let Actor::IamPrincipal { arn } = actor else {
            continue;
        };
        let answer = match verdict {
            Verdict::Yes => Answer::Yes,
            Verdict::Depends => Answer::Depends,
            Verdict::No => continue,
        };
        if let Some(index) = identities.find(arn) {
            let surest = goals.get(&index).map_or(answer, |known| known.or(answer));
            goals.insert(index, surest);
        }
    }
    let mut search = Search {
        question: &question,
        identities: &identities,
        pods: &pods,
        rows: BTreeMap::new(),
        becomes: BTreeSet::new(),
        accounts: BTreeMap::new(),
    };
    for (role, answer) in &goals {
        let same = Decision {
            answer: *answer,
            ..no()
        };
        search.pods_of(*role, Some((&same, "and so is it in the cluster")));
    }
    search.climb(picture, &goals, Over::Cluster);
    let known: BTreeSet<&Actor> = known.iter().map(|(actor, _)| *actor).collect();
    let found = search.becomes.into_iter();
    found.filter(|row| !known.contains(&row.actor)).collect()
}

/// The question whether somebody may be anybody in the cluster.
pub(super) fn any_of_cluster(picture: &Picture) -> AwsQuestion {
    let request = AwsRequest {
        action: CREATE_ENTRY.to_owned(),
        resource: Some(picture.aws.cluster_arn.clone()),
        resource_account: Some(picture.account.clone()),
    };
    AwsQuestion::new(request, None)
}

/// Whether being anybody in the cluster is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    Nothing,
    Cluster,
    ClusterPerhaps,
}

struct Search<'s, 'p> {
    question: &'s AwsQuestion,
    identities: &'s Identities<'p>,
    pods: &'s Pods<'p>,
    rows: BTreeMap<Actor, Row>,
    becomes: BTreeSet<Becomes>,
    /// The service accounts that have, or can take, such a role; and whether that is sure.
    accounts: BTreeMap<(String, String), Answer>,
}

impl Search<'_, '_> {
    /// Users and roles that may, by their numbers.
    fn holders(&mut self) -> BTreeMap<usize, Answer> {
        let mut goals = BTreeMap::new();
        for (index, identity) in self.identities.all.iter().enumerate() {
            let Some(decision) = self.question.decide(self.identities, index, &Session::default()) else {
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
            let reason = self.reason(identity.arn, &actor, &decision);
            self.add(actor, via, reason, &decision);
        }
        goals
    }

    fn reason(&self, holder: &str, actor: &Actor, decision: &Decision) -> Reason {
        let request = &self.question.request;
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

    fn add(&mut self, actor: Actor, via: Option<String>, reason: Reason, decision: &Decision) {
        let verdict = verdict(decision.answer);
        let is_absent = self.is_absent(&actor);
        let row = self.rows.entry(actor.clone()).or_insert_with(|| Row {
            actor,
            verdict: Verdict::Depends,
            absent: is_absent,
            paths: Vec::new(),
            depends_on: Vec::new(),
        });
        if verdict == Verdict::Yes && row.verdict == Verdict::Depends {
            row.verdict = Verdict::Yes;
            row.paths.clear();
            row.depends_on.clear();
        }
        if verdict == row.verdict {
            row.paths.push(Path { via, reason });
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

    /// The service accounts whose pods get a role. `hop` is the way on from there, where the role may not itself.
    fn pods_of(&mut self, role: usize, hop: Option<(&Decision, &str)>) {
        let Some(identity) = self.identities.all.get(role) else {
            return;
        };
        for pod in self.pods.of_role(self.identities, role) {
            let limits = pod.limited_by.as_ref().map(|text| session_policy(text));
            let session = self.pods.session(&pod, limits.as_ref());
            let own = match hop {
                None => self.question.decide(self.identities, role, &session),
                Some((decision, _)) => Some(decision.clone()),
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
            let reason = self.reason(identity.arn, &actor, &own);
            let by = door(&pod, identity.arn);
            match hop {
                None if pod.door != Door::TrustAlone => self.add(actor, Some(by), reason, &decision),
                None => {
                    let becomes = format!("role {}", identity.arn);
                    self.become_row(actor, becomes, by, reason, &decision);
                }
                Some((_, words)) => {
                    let becomes = format!("role {}", identity.arn);
                    self.become_row(actor, becomes, format!("{by}, {words}"), reason, &decision);
                }
            }
        }
    }

    fn become_row(&mut self, actor: Actor, becomes: String, by: String, reason: Reason, decision: &Decision) {
        let mut depends_on = decision.depends_on.clone();
        if self.is_absent(&actor) {
            depends_on.push("the service account, which does not exist: whoever makes it".to_owned());
        }
        self.becomes.insert(Becomes {
            actor,
            verdict: if depends_on.is_empty() {
                verdict(decision.answer)
            } else {
                Verdict::Depends
            },
            becomes,
            by,
            via: None,
            reason,
            depends_on: (!depends_on.is_empty()).then(|| depends_on.join("; ")),
        });
    }

    /// Pods on nodes get the role of the nodes, where the instance metadata service lets them.
    fn nodes(&mut self, rights: &Rights<'_>, goals: &BTreeMap<usize, Answer>) {
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
            let Some(mut decision) = self.question.decide(self.identities, index, &session) else {
                continue;
            };
            depends(&mut decision, IMDS);
            let actor = Actor::Nodes {
                role: identity.arn.to_owned(),
            };
            let reason = self.reason(identity.arn, &actor, &decision);
            self.add(
                actor,
                Some("instance metadata of the node".to_owned()),
                reason,
                &decision,
            );
        }
    }

    /// Who becomes one of `goals`, or gets what it asks for, by assuming roles and by what it may change. Gives whether a longer way
    /// was left out.
    fn climb(&mut self, picture: &Picture, goals: &BTreeMap<usize, Answer>, over: Over) -> bool {
        let escalations = Escalations::of(self.identities, picture);
        let mut known: BTreeSet<usize> = goals.keys().copied().collect();
        let mut powers = escalations.of_itself(self.question, &known);
        if over != Over::Nothing {
            for (index, mut power) in escalations.over_cluster(&known) {
                if over == Over::ClusterPerhaps {
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
        let mut frontier = goals.clone();
        let mut is_cut = false;
        let mut told = BTreeSet::new();
        for _ in 0..MOST_HOPS {
            self.powers(&powers);
            frontier.extend(
                powers
                    .iter()
                    .map(|(index, power)| (*index, power.decision.answer)),
            );
            known.extend(frontier.keys());
            let chains = chains(self.identities, &frontier);
            is_cut |= chains.is_cut;
            self.chains(&chains, &told);
            let hops = chains.of_account.iter();
            for (index, answer) in hops.map(|(index, hop)| (*index, hop.answer)) {
                let surest = frontier.get(&index).map_or(answer, |known| known.or(answer));
                frontier.insert(index, surest);
                known.insert(index);
            }
            powers = escalations.over(&frontier, &known);
            if powers.is_empty() {
                return is_cut;
            }
            told.clone_from(&known);
            frontier.clear();
        }
        true
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
            let mut allowed_by = power.decision.allowed_by.clone();
            allowed_by.dedup();
            let reason = Reason {
                subject: format!("{} {}", actor.kind(), actor.name()),
                binding: grants(&allowed_by),
                role: power.on.clone(),
                rule: power.action.to_owned(),
                scope: power.on.clone(),
            };
            self.become_row(actor, becomes, power.how.clone(), reason, &power.decision);
            let words = format!("whose session {}", power.how);
            self.pods_of(*index, Some((&power.decision, &words)));
        }
    }

    /// Who becomes one of the roles by assuming it, but for those who are `told`.
    fn chains(&mut self, chains: &Chains, told: &BTreeSet<usize>) {
        for (index, hop) in chains
            .of_account
            .iter()
            .filter(|(index, _)| !told.contains(index))
        {
            let (Some(identity), Some(target)) = (
                self.identities.all.get(*index),
                self.identities.all.get(hop.assumes),
            ) else {
                continue;
            };
            let words = way(self.identities, chains, hop.assumes);
            let decision = Decision {
                answer: hop.answer,
                ..hop.decision.clone()
            };
            let actor = Actor::IamPrincipal {
                arn: identity.arn.to_owned(),
            };
            let becomes = format!("role {}", target.arn);
            let reason = assuming(&actor, target.arn, &hop.decision);
            self.become_row(actor, becomes, words.clone(), reason, &decision);
            self.pods_of(*index, Some((&decision, &format!("whose session {words}"))));
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
