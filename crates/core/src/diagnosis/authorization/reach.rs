//! Where somebody may something, where each namespace is asked about: in every one, or in some. A question about one place knows no
//! difference.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Picture,
    holders::{Holder, Open},
    rights::Allowing,
};
use crate::ports::aws::AccessPolicy;
use eksact_identity::authn::access_policy::scope_matches;

/// In which namespaces, for the reader.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Namespaces {
    /// In every one, by a binding or an access policy of the whole cluster.
    Every(Every),
    /// In these.
    Named(Vec<String>),
}

/// The word for every namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Every {
    /// `all`.
    All,
}

impl Namespaces {
    /// Their names, or `*`, which is the name of none: one may be named `all`.
    pub fn words(&self) -> Vec<&str> {
        match self {
            Self::Every(Every::All) => vec!["*"],
            Self::Named(names) => names.iter().map(String::as_str).collect(),
        }
    }
}

/// Where somebody may something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::diagnosis) enum Reach<'p> {
    /// Wherever it is asked about, in namespaces that are made later as well.
    Everywhere,
    /// In these namespaces.
    In(BTreeSet<&'p str>),
}

impl Reach<'_> {
    pub(in crate::diagnosis) fn nowhere() -> Self {
        Self::In(BTreeSet::new())
    }

    pub(in crate::diagnosis) fn is_nowhere(&self) -> bool {
        matches!(self, Self::In(names) if names.is_empty())
    }

    /// Whether nothing of it is outside of `other`.
    pub(super) fn is_within(&self, other: &Self) -> bool {
        match (self, other) {
            (_, Self::Everywhere) => true,
            (Self::Everywhere, Self::In(_)) => false,
            (Self::In(own), Self::In(names)) => own.is_subset(names),
        }
    }

    /// Adds where else.
    pub(in crate::diagnosis) fn join(&mut self, other: &Self) {
        match (&mut *self, other) {
            (Self::Everywhere, _) => {}
            (_, Self::Everywhere) => *self = Self::Everywhere,
            (Self::In(own), Self::In(names)) => own.extend(names),
        }
    }

    /// What of it is not in `other`. Everywhere but in some is everywhere: of what is made later it is true.
    #[must_use]
    pub(in crate::diagnosis) fn without(&self, other: &Self) -> Self {
        match (self, other) {
            (_, Self::Everywhere) => Self::nowhere(),
            (Self::Everywhere, _) => Self::Everywhere,
            (Self::In(own), Self::In(names)) => Self::In(own.difference(names).copied().collect()),
        }
    }

    /// What is in both.
    #[must_use]
    pub(super) fn within(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Everywhere, one) | (one, Self::Everywhere) => one.clone(),
            (Self::In(own), Self::In(names)) => Self::In(own.intersection(names).copied().collect()),
        }
    }

    /// For the reader.
    pub(super) fn namespaces(&self) -> Namespaces {
        match self {
            Self::Everywhere => Namespaces::Every(Every::All),
            Self::In(names) => Namespaces::Named(names.iter().map(|name| (*name).to_owned()).collect()),
        }
    }
}

/// What of the namespaces a question is about.
#[derive(Clone, Debug)]
pub(super) enum Place<'p> {
    /// The one place of the request.
    Asked,
    /// Each of these.
    Each(BTreeSet<&'p str>),
}

impl<'p> Place<'p> {
    /// Each namespace of which the picture knows. Every namespace has the service account `default`; where service accounts could
    /// not be read, those that access policies name are taken to exist.
    pub(super) fn each(picture: &'p Picture) -> Self {
        let accounts = picture.service_accounts.known().into_iter().flatten();
        let bindings = picture.bindings.known().into_iter().flatten();
        let roles = picture.roles.known().into_iter().flatten();
        let mut names: BTreeSet<&str> = accounts
            .map(|account| account.namespace.as_str())
            .chain(bindings.filter_map(|binding| binding.namespace.as_deref()))
            .chain(roles.filter_map(|role| role.namespace.as_deref()))
            .collect();
        if picture.service_accounts.known().is_none() {
            names.extend(scopes(picture).filter(|scope| !scope.contains('*')));
        }
        Self::Each(names)
    }

    /// Where what a holder rests on gives it.
    pub(super) fn reach(&self, holder: &Holder<'p>) -> Reach<'p> {
        let Self::Each(names) = self else {
            return Reach::Everywhere;
        };
        match (holder.by, holder.open) {
            (Some(Allowing::Binding { binding, .. }), _) => match binding.namespace.as_deref() {
                Some(namespace) => Reach::In(BTreeSet::from([namespace])),
                None => Reach::Everywhere,
            },
            (Some(Allowing::Policy { policy, .. }), _) | (None, Some(Open::Policy(policy))) => {
                of_policy(policy, names)
            }
            (Some(Allowing::Masters) | None, _) => Reach::Everywhere,
        }
    }

    /// The scopes of access policies that fit no namespace.
    pub(super) fn unused_scopes(&self, picture: &'p Picture) -> BTreeSet<&'p str> {
        let Self::Each(names) = self else {
            return BTreeSet::new();
        };
        let fits = |scope: &&str| !names.iter().any(|name| scope_matches(scope, name));
        scopes(picture).filter(fits).collect()
    }
}

/// The namespaces for which access policies are, as they are written.
fn scopes(picture: &Picture) -> impl Iterator<Item = &str> {
    let entries = picture.access_entries.known().into_iter().flatten();
    let policies = entries.flat_map(|entry| &entry.policies);
    policies.flat_map(|policy| policy.namespaces.iter().flatten().map(String::as_str))
}

fn of_policy<'p>(policy: &AccessPolicy, names: &BTreeSet<&'p str>) -> Reach<'p> {
    let Some(scopes) = &policy.namespaces else {
        return Reach::Everywhere;
    };
    let fits = |name: &&&str| scopes.iter().any(|scope| scope_matches(scope, name));
    Reach::In(names.iter().filter(fits).copied().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of<'p>(names: &[&'p str]) -> Reach<'p> {
        Reach::In(names.iter().copied().collect())
    }

    #[test]
    fn reaches_are_joined_and_taken_from_each_other() {
        let all = || Reach::Everywhere;
        for (one, other, joined, without, within) in [
            (of(&["a"]), of(&["a", "b"]), of(&["a", "b"]), of(&[]), of(&["a"])),
            (
                of(&["a", "b"]),
                of(&["b"]),
                of(&["a", "b"]),
                of(&["a"]),
                of(&["b"]),
            ),
            (all(), of(&["a"]), all(), all(), of(&["a"])),
            (of(&["a"]), all(), all(), of(&[]), of(&["a"])),
        ] {
            let mut both = one.clone();
            both.join(&other);
            assert_eq!(both, joined);
            assert_eq!(one.without(&other), without);
            assert_eq!(one.within(&other), within);
        }
        assert_eq!(serde_json::to_string(&all().namespaces()).unwrap(), "\"all\"");
        assert_eq!(
            serde_json::to_string(&of(&["all"]).namespaces()).unwrap(),
            "[\"all\"]"
        );
    }
}
