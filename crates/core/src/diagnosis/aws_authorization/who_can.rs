//! Everybody who may do something in AWS: users and roles, the service accounts whose pods get such a role, nodes; and apart from
//! them who can become one of them, by assuming roles, by a trust policy alone, and by rights in the cluster.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    chains::{Chains, MOST_HOPS, Outsider, chains},
    identities::{Identities, Session, is_of_sts},
    pods::{ANNOTATION, Door, PodRole, Pods, both, depends},
    question::AwsRequest,
};
use crate::diagnosis::authorization::{
    Actor, Becomes, Inquiry, Path, Picture, Read, Reason, Rights, Row, Verdict, WhoCan,
    becoming_service_accounts,
};
use eksact_identity::{
    iam::policy::authorization::{
        Answer, CONTROL_POLICIES_NOT_READ, Decision, Grant, Policy, ResourcePolicy, Sharing, sharing,
    },
    rbac::NODES,
};

/// What is asked, with the policy of the resource where somebody gave it.
#[derive(Debug)]
pub struct AwsQuestion {
    /// Action and resource.
    pub request: AwsRequest,
    /// The policy of the resource.
    pub resource_policy: Option<Policy>,
}

impl AwsQuestion {
    /// A question; `resource_policy` is the document of the resource's policy.
    pub fn new(request: AwsRequest, resource_policy: Option<&Value>) -> Self {
        let read = |document| Policy::read("the policy of the resource", document);
        Self {
            resource_policy: resource_policy.map(read),
            request,
        }
    }

    /// Whether a document is a policy that can be read.
    pub fn is_policy(document: &Value) -> bool {
        Policy::read("", document).is_readable()
    }

    /// Whether it is not known what the policy of the resource says.
    pub(super) fn is_resource_unread(&self, identities: &Identities<'_>) -> bool {
        self.resource_policy.is_none()
            && identities.trust_for(&self.request).is_none()
            && sharing(&self.request.action) != Sharing::None
    }

    /// The policy of the resource, as far as it is known.
    pub(super) fn resource<'q>(&'q self, identities: &'q Identities<'_>) -> ResourcePolicy<'q> {
        if let Some(trust) = identities.trust_for(&self.request) {
            return ResourcePolicy::Gate(trust);
        }
        match (&self.resource_policy, sharing(&self.request.action)) {
            (Some(policy), Sharing::Gate) => ResourcePolicy::Gate(policy),
            (Some(policy), _) => ResourcePolicy::Beside(policy),
            (None, _) => ResourcePolicy::None,
        }
    }

    /// What every answer depends on where the policy of the resource is not known.
    pub(super) fn unread_resource(&self) -> String {
        let resource = self.request.resource.as_deref().unwrap_or("the resource");
        if is_of_sts(&self.request.action) {
            return format!("the trust policy of {resource}, which is of another account or does not exist");
        }
        format!("the policy of {resource}, which is not read (give it with --resource-policy)")
    }

    /// Whether one of the account may, in a session; the policy of the resource counted, or said to be unknown.
    pub(super) fn decide(
        &self,
        identities: &Identities<'_>,
        identity: usize,
        session: &Session<'_>,
    ) -> Option<Decision> {
        let identity = identities.all.get(identity)?;
        let resource = self.resource(identities);
        let mut decision = identities.decide(identity, &self.request, resource, session);
        if self.is_resource_unread(identities) {
            depends(&mut decision, &self.unread_resource());
        }
        Some(decision)
    }
}

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
    let chains = chains(&identities, &goals);
    search.chains(&chains);
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
        notes: notes(picture, &chains),
        can_become,
        direct: search.rows.into_values().collect(),
        complete: unread.is_empty(),
        unread,
    })
}

fn notes(picture: &Picture, chains: &Chains) -> Vec<String> {
    let mut notes = vec![
        CONTROL_POLICIES_NOT_READ.to_owned(),
        "calls are taken to be made by TLS; the root user of the account may do everything that no such policy denies".to_owned(),
        "not looked at: who may change roles, policies and trust, pass roles to services, or make access entries and pod identity \
         associations"
            .to_owned(),
    ];
    if chains.is_cut {
        notes.push(format!("chains of more than {MOST_HOPS} roles are not followed"));
    }
    if picture.aws.issuer.is_none() {
        notes.push("the cluster has no OIDC issuer: no annotation gives a role".to_owned());
    }
    notes
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

    /// Who becomes one of the roles by assuming it.
    fn chains(&mut self, chains: &Chains) {
        for (index, hop) in &chains.of_account {
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
            rule: super::identities::ASSUME.to_owned(),
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

/// What lets somebody assume a role.
fn assuming(actor: &Actor, target: &str, decision: &Decision) -> Reason {
    Reason {
        subject: format!("{} {}", actor.kind(), actor.name()),
        binding: grants(&decision.allowed_by),
        role: target.to_owned(),
        rule: super::identities::ASSUME.to_owned(),
        scope: target.to_owned(),
    }
}

/// What decides whether a pod without a role of its own gets that of its node.
pub(super) const IMDS: &str = "the instance metadata options of the nodes, which are not read: pods without a role of their own get \
                               the node's where the hop limit is over 1 or they use the host's network";

/// A session policy of an association.
pub(super) fn session_policy(text: &str) -> Policy {
    const NAME: &str = "session policy of the pod identity association";
    serde_json::from_str(text).map_or_else(
        |error| Policy::unread(NAME, error.to_string()),
        |document| Policy::read(NAME, &document),
    )
}

fn door(pod: &PodRole, role: &str) -> String {
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

/// The statements that allow something, the first few.
pub(super) fn grants(allowed_by: &[Grant]) -> String {
    let shown: Vec<String> = allowed_by.iter().take(SHOWN).map(ToString::to_string).collect();
    if allowed_by.len() > SHOWN {
        return format!("{} (+{} more)", shown.join("; "), allowed_by.len() - SHOWN);
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
