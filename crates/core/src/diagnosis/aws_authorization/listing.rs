//! Lists, for the map: who can assume a role, and the roles that pods get with what their policies say.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    Details,
    chains::{Outsider, chains},
    escalation::{Escalations, Goal, Power, Powers},
    identities::Identities,
    pods::{ANNOTATION, Door, PodRole, Pods},
    words::{becomes, verdict},
};
use crate::{
    diagnosis::{
        access_map::{Assumer, Escalator, PodRights, PolicyStatement},
        authorization::Picture,
    },
    ports::aws::Role,
};
use eksact_identity::iam::policy::authorization::Answer;

/// The account's IAM, ready to be listed; nothing where it could not be read.
pub(in crate::diagnosis) struct Assumers<'p> {
    picture: &'p Picture,
    known: Option<(&'p Details, Identities<'p>)>,
    pods: Pods<'p>,
}

impl<'p> Assumers<'p> {
    pub(in crate::diagnosis) fn of(picture: &'p Picture) -> Self {
        let details = picture.aws.details.known();
        Self {
            picture,
            known: details.map(|details| (details, Identities::of(details, &picture.account))),
            pods: Pods::of(picture),
        }
    }

    /// Who can become somebody by what it may change.
    pub(in crate::diagnosis) fn escalations(&self) -> EscalationsOfAccount<'_, 'p> {
        let Some((_, identities)) = &self.known else {
            return EscalationsOfAccount::default();
        };
        let found = Escalations::of(identities, self.picture);
        let no_one = BTreeSet::new();
        // By its own policies, or by access entries: the surer of both.
        let mut over_cluster = found.of_itself(Goal::Cluster, &no_one);
        for (index, power) in found.over_cluster(&no_one) {
            let is_surer = over_cluster
                .get(&index)
                .is_none_or(|known| power.decision.answer <= known.decision.answer);
            if is_surer {
                over_cluster.insert(index, power);
            }
        }
        EscalationsOfAccount {
            known: Some((identities, found)),
            over_cluster,
        }
    }

    /// Who can assume a role, by its ARN; no one where it is none of the account's.
    pub(in crate::diagnosis) fn of_role(&self, arn: &str) -> Vec<Assumer> {
        let Some((_, identities)) = &self.known else {
            return Vec::new();
        };
        let Some(role) = identities.find(arn) else {
            return Vec::new();
        };
        let through = |assumes: usize| {
            let other = identities.all.get(assumes).filter(|_| assumes != role)?;
            Some(other.arn.to_owned())
        };
        let found = chains(identities, &BTreeMap::from([(role, Answer::Yes)]));
        let mut all = Vec::new();
        for (index, hop) in found.of_account {
            if let Some(identity) = identities.all.get(index) {
                all.push(Assumer {
                    who: identity.arn.to_owned(),
                    answer: verdict(hop.answer),
                    through: through(hop.assumes),
                });
            }
        }
        for (outsider, assumes) in found.outsiders {
            let (Outsider::Aws(who) | Outsider::Service(who) | Outsider::Provider(who)) = outsider;
            // Whether somebody of another account may is for that account's IAM to say.
            all.push(Assumer {
                who,
                answer: verdict(Answer::Depends),
                through: through(assumes),
            });
        }
        all.sort();
        all
    }

    /// The roles that pods get, by service account.
    pub(in crate::diagnosis) fn pods(&self) -> Vec<PodRights> {
        let Some((details, identities)) = &self.known else {
            return Vec::new();
        };
        let mut all = Vec::new();
        for (index, identity) in identities.all.iter().enumerate() {
            let Some(role) = identity.role else { continue };
            let pods = self.pods.of_role(identities, index);
            if pods.is_empty() {
                continue;
            }
            let statements = statements_of(role, details);
            all.extend(pods.into_iter().map(|pod| of_pod(pod, role, &statements)));
        }
        all.sort();
        all
    }
}

/// Who can become whom in an account by what it may change; no one where its IAM could not be read.
#[derive(Default)]
pub(in crate::diagnosis) struct EscalationsOfAccount<'s, 'p> {
    known: Option<(&'s Identities<'p>, Escalations<'s, 'p>)>,
    over_cluster: Powers,
}

impl EscalationsOfAccount<'_, '_> {
    /// Those who can be anybody in the cluster.
    pub(in crate::diagnosis) fn over_cluster(&self) -> Vec<Escalator> {
        let all = self.over_cluster.iter();
        all.filter_map(|(index, power)| self.escalator(*index, power))
            .collect()
    }

    /// Those who can become a principal, by its ARN, and cannot be anybody for sure.
    pub(in crate::diagnosis) fn over(&self, arn: &str) -> Vec<Escalator> {
        let Some((identities, found)) = &self.known else {
            return Vec::new();
        };
        let Some(target) = identities.find(arn) else {
            return Vec::new();
        };
        let sure = self
            .over_cluster
            .iter()
            .filter(|(_, power)| power.decision.answer == Answer::Yes);
        let known: BTreeSet<usize> = sure.map(|(index, _)| *index).chain([target]).collect();
        let powers = found.over(&BTreeMap::from([(target, Answer::Yes)]), &known);
        powers
            .iter()
            .filter_map(|(index, power)| self.escalator(*index, power))
            .collect()
    }

    fn escalator(&self, index: usize, power: &Power) -> Option<Escalator> {
        let (identities, _) = self.known.as_ref()?;
        Some(Escalator {
            who: identities.all.get(index)?.arn.to_owned(),
            becomes: becomes(identities, power.gains),
            by: power.how.clone(),
            answer: verdict(power.decision.answer),
            depends_on: power.decision.depends_on.clone(),
        })
    }
}

fn of_pod(pod: PodRole, role: &Role, statements: &[PolicyStatement]) -> PodRights {
    let by = match pod.door {
        Door::Association => "pod identity association",
        Door::Annotation => ANNOTATION,
        Door::TrustAlone => "the trust policy alone: no annotation names the role",
    };
    PodRights {
        namespace: pod.namespace,
        service_account: pod.name,
        role: role.arn.clone(),
        by: match &pod.through {
            Some(first) => format!("{by}, through {first}"),
            None => by.to_owned(),
        },
        answer: verdict(pod.decision.answer),
        depends_on: pod.decision.depends_on,
        is_limited: pod.limited_by.is_some() || role.permissions_boundary.is_some(),
        statements: statements.to_vec(),
    }
}

/// What the policies of a role say, its inline ones first.
fn statements_of(role: &Role, details: &Details) -> Vec<PolicyStatement> {
    let mut all = Vec::new();
    for (name, document) in &role.inline_policies {
        all.extend(statements(&format!("inline policy {name}"), document));
    }
    for arn in &role.managed_policy_arns {
        match details.policies.get(arn) {
            Some(document) => all.extend(statements(arn, document)),
            None => all.push(PolicyStatement {
                effect: "Allow".to_owned(),
                actions: "what was not read".to_owned(),
                resources: "what was not read".to_owned(),
                is_conditional: false,
                policy: arn.clone(),
            }),
        }
    }
    all
}

fn statements(policy: &str, document: &Value) -> Vec<PolicyStatement> {
    let statement = |statement: &Value| PolicyStatement {
        effect: statement["Effect"].as_str().unwrap_or("Allow").to_owned(),
        actions: words(&statement["Action"], &statement["NotAction"]),
        resources: words(&statement["Resource"], &statement["NotResource"]),
        is_conditional: statement["Condition"]
            .as_object()
            .is_some_and(|conditions| !conditions.is_empty()),
        policy: policy.to_owned(),
    };
    match &document["Statement"] {
        Value::Array(all) => all.iter().map(statement).collect(),
        Value::Object(_) => vec![statement(&document["Statement"])],
        _ => Vec::new(),
    }
}

/// `s3:GetObject, s3:ListBucket`, or `all but …`.
fn words(of: &Value, all_but: &Value) -> String {
    let list = |value: &Value| match value {
        Value::Array(all) => all
            .iter()
            .filter_map(Value::as_str)
            .collect::<Vec<_>>()
            .join(", "),
        other => other.as_str().unwrap_or_default().to_owned(),
    };
    if all_but.is_null() {
        list(of)
    } else {
        format!("all but {}", list(all_but))
    }
}
