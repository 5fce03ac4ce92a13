//! What the policies of one kind say to a request: the statements that allow or deny it, for sure or perhaps.

use super::{
    super::matching::{Asked, Compiled, Objection},
    answer::Answer,
    caller::{Caller, How, Meant, meant},
    decide::{Grant, Layer},
    policy::Policy,
    words::{allows_with, denies_with},
};

/// A statement that applies, or may.
#[derive(Debug)]
pub(super) struct Hit {
    pub(super) grant: Grant,
    /// As whom it means the caller; only of a resource's policy.
    pub(super) how: How,
    /// What would have to hold; empty where it applies for sure.
    pub(super) open: Vec<Objection>,
}

/// What policies of one kind say.
#[derive(Debug, Default)]
pub(super) struct Looked {
    pub(super) allows: Vec<Hit>,
    pub(super) denies: Vec<Hit>,
    /// Allowing statements that do not apply, and what they hold against the request.
    pub(super) refused: Vec<(Grant, Vec<Objection>)>,
    /// Policies that are not known, and why.
    pub(super) unread: Vec<String>,
}

impl Looked {
    /// Looks at policies that have no `Principal`.
    pub(super) fn at(layer: Layer, policies: &[&Policy], asked: &Asked<'_>) -> Self {
        let mut looked = Self::default();
        for policy in policies {
            looked.look(layer, policy, asked, |_| Meant {
                sure: Some(How::Itself),
                maybe: None,
            });
        }
        looked
    }

    /// Looks at a policy that says whom it is for.
    pub(super) fn at_resource(
        policy: &Policy,
        asked: &Asked<'_>,
        caller: &Caller,
        has_boundary: bool,
    ) -> Self {
        let mut looked = Self::default();
        looked.look(Layer::Resource, policy, asked, |statement| {
            meant(
                statement.statement.principals.as_ref(),
                caller,
                !statement.allows(),
                has_boundary,
            )
        });
        looked
    }

    fn look(&mut self, layer: Layer, policy: &Policy, asked: &Asked<'_>, of: impl Fn(&Compiled) -> Meant) {
        let statements = match &policy.statements {
            Ok(statements) => statements,
            Err(why) => {
                self.unread
                    .push(format!("{}, which is not known: {why}", policy.name));
                return;
            }
        };
        for statement in statements {
            let meant = of(statement);
            let grant = || Grant {
                layer,
                policy: policy.name.clone(),
                statement: statement.label.clone(),
            };
            let is_meant = match (meant.sure, meant.maybe) {
                (Some(_), _) => Some(true),
                (None, Some(_)) => None,
                (None, None) => Some(false),
            };
            let objections = statement.objections(asked, |_| is_meant);
            let is_open = objections.iter().all(Objection::is_open);
            if let (true, Some(how)) = (is_open, meant.sure.or(meant.maybe)) {
                let hit = |how, open| Hit {
                    grant: grant(),
                    how,
                    open,
                };
                if statement.allows() {
                    // It may mean the caller as more than it does for sure: past a boundary.
                    if let (Some(sure), Some(more)) = (meant.sure, meant.maybe)
                        && more < sure
                    {
                        let mut open = objections.clone();
                        open.extend(
                            statement
                                .objections(asked, |_| None)
                                .into_iter()
                                .filter(|objection| matches!(objection, Objection::Principal { .. })),
                        );
                        self.allows.push(hit(more, open));
                    }
                    self.allows.push(hit(how, objections));
                } else {
                    self.denies.push(hit(how, objections));
                }
            } else if statement.allows() {
                let against = objections.into_iter().filter(|objection| !objection.is_open());
                self.refused.push((grant(), against.collect()));
            }
        }
    }

    /// Whether it allows the request.
    pub(super) fn allowed(&self) -> Answer {
        self.allowed_as(|_| true)
    }

    /// Whether it allows the request by a statement that means the caller so.
    pub(super) fn allowed_as(&self, counts: impl Fn(How) -> bool) -> Answer {
        let mut answer = if self.unread.is_empty() {
            Answer::No
        } else {
            Answer::Depends
        };
        for hit in self.allows.iter().filter(|hit| counts(hit.how)) {
            answer = answer.or(if hit.open.is_empty() {
                Answer::Yes
            } else {
                Answer::Depends
            });
        }
        answer
    }

    /// What it depends on whether it allows the request.
    pub(super) fn open_allows(&self) -> Vec<String> {
        let open = self.allows.iter().filter(|hit| !hit.open.is_empty());
        let open = open.map(|hit| allows_with(&hit.grant, &hit.open));
        open.chain(self.unread.iter().cloned()).collect()
    }

    /// What it depends on whether it denies the request.
    pub(super) fn open_denies(&self) -> impl Iterator<Item = String> + '_ {
        let open = self.denies.iter().filter(|hit| !hit.open.is_empty());
        open.map(|hit| denies_with(&hit.grant, &hit.open))
            .chain(self.unread.iter().cloned())
    }

    /// The statement that denies the request for sure.
    pub(super) fn denied(&self) -> Option<&Grant> {
        let mut sure = self.denies.iter().filter(|hit| hit.open.is_empty());
        sure.next().map(|hit| &hit.grant)
    }

    /// The statements that allow it for sure.
    pub(super) fn grants(&self) -> impl Iterator<Item = Grant> + '_ {
        let sure = self.allows.iter().filter(|hit| hit.open.is_empty());
        sure.map(|hit| hit.grant.clone())
    }

    /// The statement that comes nearest, with what it holds against the request.
    pub(super) fn nearest(&self) -> Option<(Grant, Vec<Objection>)> {
        let distance = |(_, objections): &&(Grant, Vec<Objection>)| {
            objections.iter().map(Objection::distance).sum::<usize>()
        };
        self.refused.iter().min_by_key(distance).cloned()
    }
}
