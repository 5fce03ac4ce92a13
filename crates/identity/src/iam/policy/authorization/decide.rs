//! The answer out of all policies: an explicit `Deny` anywhere ends it; then the resource's side and the principal's side, of
//! which one is enough in the same account and both are needed in another one.

use super::{
    super::{
        context::RequestContext,
        matching::{Asked, AskedResource, Objection},
        pattern,
    },
    answer::Answer,
    caller::{Caller, How},
    looked::Looked,
    policy::Policy,
    resource::account_of,
};

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Request<'r> {
    /// Who.
    pub caller: &'r Caller,
    /// The action: `s3:GetObject`.
    pub action: &'r str,
    /// The resource by its ARN, or all that one with wildcards means; none for any resource at all.
    pub resource: Option<&'r str>,
    /// The account of the resource where its ARN does not say it; none for the caller's.
    pub resource_account: Option<&'r str>,
    /// The condition keys, as far as they are known.
    pub context: &'r RequestContext,
}

/// The policies that a request meets.
#[derive(Debug, Clone, Default)]
pub struct Policies<'p> {
    /// Those of the user, its groups or the role.
    pub identity: Vec<&'p Policy>,
    /// The permissions boundary.
    pub boundary: Option<&'p Policy>,
    /// Those that the session was made with; none where it has none.
    pub session: Option<Vec<&'p Policy>>,
    /// That of the resource.
    pub resource: ResourcePolicy<'p>,
}

/// The policy of the resource.
#[derive(Debug, Clone, Copy, Default)]
pub enum ResourcePolicy<'p> {
    /// It has none.
    #[default]
    None,
    /// It has this one; in its own account it is one of two ways.
    Beside(&'p Policy),
    /// It must let everybody in, those of its own account too: the trust policy of a role, a key policy of KMS.
    Gate(&'p Policy),
}

/// Where a policy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// With the user, its groups or the role.
    Identity,
    /// The permissions boundary.
    Boundary,
    /// The session policy.
    Session,
    /// With the resource: a bucket policy, a trust policy.
    Resource,
}

/// A statement that decides.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Grant {
    /// Where it is.
    pub layer: Layer,
    /// The name of its policy.
    pub policy: String,
    /// Its `Sid`, or `statement 2`.
    pub statement: String,
}

/// Why a request is not allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// A statement denies it.
    Denied(Grant),
    /// Nothing allows it there.
    NotAllowed {
        /// Where.
        layer: Layer,
        /// The statement that comes nearest, and what it holds against the request.
        nearest: Option<(Grant, Vec<Objection>)>,
    },
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Yes, no or that it depends.
    pub answer: Answer,
    /// The statements that allow it.
    pub allowed_by: Vec<Grant>,
    /// What it depends on, each a sentence; empty where it does not.
    pub depends_on: Vec<String>,
    /// Why not; none where the answer is not no.
    pub refused: Option<Refusal>,
}

/// One way to be allowed: what must hold on it.
struct Way<'l> {
    /// The part of the resource's policy that it needs.
    resource: Option<Answer>,
    /// The layers of the principal that must allow it.
    needs: Vec<(Layer, &'l Looked, Answer)>,
}

impl Way<'_> {
    fn answer(&self) -> Answer {
        let resource = self.resource.unwrap_or(Answer::Yes);
        self.needs.iter().fold(resource, |all, (_, _, one)| all.and(*one))
    }
}

/// Decides a request.
pub fn decide(request: &Request<'_>, policies: &Policies<'_>) -> Decision {
    let action = request.action.to_ascii_lowercase();
    let resource = request.resource.map_or_else(
        || AskedResource::Each(pattern::Pattern::new("*", false)),
        AskedResource::read,
    );
    let asked = Asked {
        action: &action,
        resource: Some(&resource),
        context: request.context,
    };
    let identity = Looked::at(Layer::Identity, &policies.identity, &asked);
    let boundary = policies
        .boundary
        .map(|policy| Looked::at(Layer::Boundary, &[policy], &asked));
    let session = policies.session.as_ref();
    let session = session.map(|policies| Looked::at(Layer::Session, policies, &asked));
    let (of_resource, is_gate) = match policies.resource {
        ResourcePolicy::None => (None, false),
        ResourcePolicy::Beside(policy) => (Some(policy), false),
        ResourcePolicy::Gate(policy) => (Some(policy), true),
    };
    let of_resource = of_resource
        .map(|policy| Looked::at_resource(policy, &asked, request.caller, policies.boundary.is_some()));
    let all: Vec<&Looked> = [
        Some(&identity),
        boundary.as_ref(),
        session.as_ref(),
        of_resource.as_ref(),
    ]
    .into_iter()
    .flatten()
    .collect();
    if let Some(grant) = all.iter().find_map(|looked| looked.denied()) {
        return Decision {
            answer: Answer::No,
            allowed_by: Vec::new(),
            depends_on: Vec::new(),
            refused: Some(Refusal::Denied(grant.clone())),
        };
    }
    let sides = Sides {
        identity: &identity,
        boundary: boundary.as_ref(),
        session: session.as_ref(),
        resource: of_resource.as_ref(),
        is_gate,
    };
    let ways = sides.ways(request);
    let allowed = ways.iter().fold(Answer::No, |any, way| any.or(way.answer()));
    if allowed == Answer::No {
        return Decision {
            answer: Answer::No,
            allowed_by: Vec::new(),
            depends_on: Vec::new(),
            refused: Some(sides.refusal(&ways)),
        };
    }
    let mut depends_on: Vec<String> = all.iter().flat_map(|looked| looked.open_denies()).collect();
    if allowed == Answer::Depends {
        for way in ways.iter().filter(|way| way.answer() == Answer::Depends) {
            if way.resource == Some(Answer::Depends) {
                depends_on.extend(of_resource.iter().flat_map(Looked::open_allows));
            }
            for (_, looked, answer) in &way.needs {
                if *answer == Answer::Depends && looked.allowed() == Answer::Depends {
                    depends_on.extend(looked.open_allows());
                } else if *answer == Answer::Depends {
                    depends_on.push(
                        "whether a session policy limits what a resource's policy gives to everyone, which IAM's user guide \
                         leaves open"
                            .to_owned(),
                    );
                }
            }
        }
    }
    depends_on.sort();
    depends_on.dedup();
    let answer = if depends_on.is_empty() {
        allowed
    } else {
        Answer::Depends
    };
    let mut allowed_by: Vec<Grant> = all.iter().flat_map(|looked| looked.grants()).collect();
    allowed_by.dedup();
    Decision {
        answer,
        allowed_by,
        depends_on,
        refused: None,
    }
}

struct Sides<'l> {
    identity: &'l Looked,
    boundary: Option<&'l Looked>,
    session: Option<&'l Looked>,
    resource: Option<&'l Looked>,
    is_gate: bool,
}

impl<'l> Sides<'l> {
    /// The ways to be allowed, of which one is enough.
    fn ways(&self, request: &Request<'_>) -> Vec<Way<'l>> {
        let caller = request.caller;
        let as_whom =
            |counts: fn(How) -> bool| self.resource.map_or(Answer::No, |own| own.allowed_as(counts));
        if !caller.is_of_account() {
            return vec![Way {
                resource: Some(as_whom(|_| true)),
                needs: Vec::new(),
            }];
        }
        let asked_account = account_of(request.resource).or(request.resource_account);
        let is_own = asked_account.is_none_or(|account| caller.account() == Some(account));
        if !is_own {
            return vec![Way {
                resource: Some(as_whom(|_| true)),
                needs: self.needs(true, true),
            }];
        }
        let mut ways = Vec::new();
        if self.resource.is_some() {
            ways.push(Way {
                resource: Some(as_whom(|how| how == How::Itself)),
                needs: Vec::new(),
            });
            // What a session policy makes of it is not documented.
            let perhaps = self.session.map(|session| {
                let answer = session.allowed().or(Answer::Depends);
                (Layer::Session, session, answer)
            });
            ways.push(Way {
                resource: Some(as_whom(|how| how == How::Everyone)),
                needs: perhaps.into_iter().collect(),
            });
            ways.push(Way {
                resource: Some(as_whom(|how| how == How::Role)),
                needs: self.needs(false, true),
            });
        }
        ways.push(Way {
            resource: self.is_gate.then(|| as_whom(|how| how == How::Account)),
            needs: self.needs(true, true),
        });
        ways
    }

    fn needs(&self, identity: bool, limits: bool) -> Vec<(Layer, &'l Looked, Answer)> {
        [
            (Layer::Identity, Some(self.identity).filter(|_| identity)),
            (Layer::Boundary, self.boundary.filter(|_| limits)),
            (Layer::Session, self.session.filter(|_| limits)),
        ]
        .into_iter()
        .filter_map(|(layer, looked)| looked.map(|looked| (layer, looked, looked.allowed())))
        .collect()
    }

    /// What is missing on the way that comes furthest.
    fn refusal(&self, ways: &[Way<'_>]) -> Refusal {
        let missing = |way: &Way<'_>| {
            let needs = way.needs.iter().filter(|(_, _, answer)| *answer == Answer::No);
            needs.count() + usize::from(way.resource == Some(Answer::No))
        };
        let nearest = ways.iter().rev().min_by_key(|way| missing(way));
        let layer = nearest.map_or(Layer::Identity, |way| {
            if way.resource == Some(Answer::No) {
                return Layer::Resource;
            }
            let mut needs = way.needs.iter();
            let missing = needs.find(|(_, _, answer)| *answer == Answer::No);
            missing.map_or(Layer::Identity, |(layer, _, _)| *layer)
        });
        let looked = match layer {
            Layer::Identity => Some(self.identity),
            Layer::Boundary => self.boundary,
            Layer::Session => self.session,
            Layer::Resource => self.resource,
        };
        Refusal::NotAllowed {
            layer,
            nearest: looked.and_then(Looked::nearest),
        }
    }
}
