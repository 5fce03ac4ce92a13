//! Whom IAM lets become somebody who may in the cluster, or anybody there.

use std::collections::BTreeMap;

use super::{
    escalation::{Escalations, Goal},
    identities::Identities,
    pods::{Pods, depends, no},
    search::{Search, Wanted},
    words::whether_it_may,
};
use crate::diagnosis::authorization::{Actor, Becomes, Reach, Rights, Verdict};
use eksact_identity::iam::policy::authorization::{Answer, Decision};

/// Where something is so, and where that is sure.
struct Told<'r> {
    surely: Reach<'r>,
    perhaps: Reach<'r>,
}

impl<'r> Told<'r> {
    fn nothing() -> Self {
        Self {
            surely: Reach::nowhere(),
            perhaps: Reach::nowhere(),
        }
    }

    fn add(&mut self, verdict: Verdict, reach: &Reach<'r>) {
        match verdict {
            Verdict::Yes => self.surely.join(reach),
            Verdict::Depends => self.perhaps.join(reach),
            Verdict::No => {}
        }
    }

    /// Where a verdict says more than this.
    fn news(&self, verdict: Verdict, reach: &Reach<'r>) -> Reach<'r> {
        let left = reach.without(&self.surely);
        if verdict == Verdict::Yes {
            left
        } else {
            left.without(&self.perhaps)
        }
    }
}

/// Everybody whom IAM lets become one of these principals, or anybody in the cluster, and where it may then. Nothing where IAM was not
/// read.
///
/// Whoever may in the same namespaces is looked for at once, so that each of them is looked at about as often as in one question.
pub(in crate::diagnosis) fn becoming_in_iam<'r>(
    rights: &Rights<'_>,
    known: &[(&Actor, Verdict, &Reach<'r>)],
) -> Vec<(Becomes, Reach<'r>)> {
    let picture = rights.picture;
    let Some(details) = picture.aws.details.known() else {
        return Vec::new();
    };
    let identities = Identities::of(details, &picture.account);
    let pods = Pods::of(picture);
    let escalations = Escalations::of(&identities, picture);
    let mut of_actor: BTreeMap<&Actor, Told<'r>> = BTreeMap::new();
    for (actor, verdict, reach) in known {
        of_actor
            .entry(actor)
            .or_insert_with(Told::nothing)
            .add(*verdict, reach);
    }
    let mut told: BTreeMap<(Actor, String), Told<'r>> = BTreeMap::new();
    let mut found: Vec<(Becomes, Reach<'r>)> = Vec::new();
    for (reach, goals) in by_reach(&identities, known) {
        let goal = (reach == Reach::Everywhere).then_some(Goal::Cluster);
        let mut search = Search::of(&identities, &pods);
        for (role, answer) in &goals {
            let mut same = Decision {
                answer: *answer,
                ..no()
            };
            if let (Answer::Depends, Some(identity)) = (answer, identities.all.get(*role)) {
                depends(&mut same, &whether_it_may(identity.arn));
            }
            let wanted = Wanted::Onward {
                decision: &same,
                words: "and so is it in the cluster",
                does: None,
            };
            search.pods_of(*role, &wanted);
        }
        search.climb(&escalations, goal, &goals);
        let mut rows: Vec<(Becomes, Reach<'r>)> = Vec::new();
        for row in search.becomes {
            // Whoever may only perhaps is told again where there is a surer way.
            let direct = of_actor.get(&row.actor);
            let left = direct.map_or(reach.clone(), |direct| direct.news(row.verdict, &reach));
            let before = told.get(&key(&row));
            let left = before.map_or(left.clone(), |before| before.news(row.verdict, &left));
            if !left.is_nowhere() {
                rows.push((row, left));
            }
        }
        for (row, reach) in &rows {
            let told = told.entry(key(row)).or_insert_with(Told::nothing);
            told.add(row.verdict, reach);
        }
        found.extend(rows);
    }
    let left = |(row, reach): (Becomes, Reach<'r>)| {
        let sure = told.get(&key(&row)).filter(|_| row.verdict != Verdict::Yes);
        let left = sure.map_or(reach.clone(), |told| reach.without(&told.surely));
        (!left.is_nowhere()).then_some((row, left))
    };
    found.into_iter().filter_map(left).collect()
}

/// Of what there is one row in each place: a principal of IAM, or of others each whom it becomes.
fn key(row: &Becomes) -> (Actor, String) {
    let becomes = match &row.actor {
        Actor::IamPrincipal { .. } => String::new(),
        _ => row.becomes.clone(),
    };
    (row.actor.clone(), becomes)
}

/// The users and roles that may, by where; those everywhere first, and always, for whoever can be anybody.
fn by_reach<'r>(
    identities: &Identities<'_>,
    known: &[(&Actor, Verdict, &Reach<'r>)],
) -> BTreeMap<Reach<'r>, BTreeMap<usize, Answer>> {
    let mut of_each: BTreeMap<usize, Told<'r>> = BTreeMap::new();
    for (actor, verdict, reach) in known {
        if let Actor::IamPrincipal { arn } = actor
            && let Some(index) = identities.find(arn)
        {
            let told = of_each.entry(index).or_insert_with(Told::nothing);
            told.add(*verdict, reach);
        }
    }
    let mut found = BTreeMap::from([(Reach::Everywhere, BTreeMap::new())]);
    for (index, told) in of_each {
        let perhaps = told.perhaps.without(&told.surely);
        for (reach, answer) in [(told.surely, Answer::Yes), (perhaps, Answer::Depends)] {
            if !reach.is_nowhere() {
                let goals = found.entry(reach).or_default();
                // Of one that may everywhere perhaps and for sure, that is sure.
                goals.entry(index).or_insert(answer);
            }
        }
    }
    found
}
