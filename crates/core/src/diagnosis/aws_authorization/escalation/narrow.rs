//! On whom somebody may do something as far as the texts of its policies go: more than it may, and found without deciding anything. A
//! large account has hundreds of roles that may change a few others each; whom the texts do not mean is not looked at.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::diagnosis::aws_authorization::identities::Identities;

/// A resource as a policy writes it: what it begins and ends with, around the first and last of `*`, `?` and variables.
#[derive(Debug)]
struct Text<'s> {
    start: &'s str,
    /// None where it is one text.
    end: Option<&'s str>,
}

impl<'s> Text<'s> {
    fn of(text: &'s str) -> Self {
        let wild = ['*', '?', '$', '{', '}'];
        match (text.find(wild), text.rfind(wild)) {
            (Some(first), Some(last)) => Self {
                start: text.get(..first).unwrap_or_default(),
                end: text.get(last + 1..),
            },
            _ => Self {
                start: text,
                end: None,
            },
        }
    }

    fn may_mean(&self, arn: &str) -> bool {
        match self.end {
            None => arn == self.start,
            Some(end) => arn.starts_with(self.start) && arn.ends_with(end),
        }
    }
}

/// What each may do on whom.
#[derive(Debug)]
pub(super) struct Narrow<'s> {
    texts: HashMap<(&'static str, usize), Vec<Text<'s>>>,
    /// Users and roles by their ARNs.
    principals: BTreeMap<&'s str, usize>,
    /// Who has a customer managed policy, by its ARN.
    holders: BTreeMap<&'s str, Vec<usize>>,
    /// Who is in a group, by its name.
    members: BTreeMap<&'s str, Vec<usize>>,
}

impl<'s> Narrow<'s> {
    pub(super) fn of(identities: &'s Identities<'_>, able: &HashMap<&'static str, Vec<usize>>) -> Self {
        let mut texts = HashMap::new();
        for (action, all) in able {
            for index in all {
                if let Some(identity) = identities.all.get(*index) {
                    let on = identities.may_on(identity, action).into_iter();
                    texts.insert((*action, *index), on.map(Text::of).collect());
                }
            }
        }
        let mut holders: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        let mut members: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, identity) in identities.all.iter().enumerate() {
            for policy in identities.own_managed(identity) {
                holders.entry(policy).or_default().push(index);
            }
            for group in identity.groups() {
                members.entry(group).or_default().push(index);
            }
        }
        let all = identities.all.iter().enumerate();
        Self {
            texts,
            principals: all.map(|(index, identity)| (identity.arn, index)).collect(),
            holders,
            members,
        }
    }

    /// Whether it may be that somebody may do this to that.
    pub(super) fn may(&self, index: usize, action: &'static str, arn: &str) -> bool {
        let mut texts = self.texts.get(&(action, index)).into_iter().flatten();
        texts.any(|text| text.may_mean(arn))
    }

    /// Those to whom it may be that somebody may do this.
    pub(super) fn principals(&self, index: usize, action: &'static str) -> BTreeSet<usize> {
        self.among(&self.principals, index, action).copied().collect()
    }

    /// Those who have a policy to which it may be that somebody may do this.
    pub(super) fn holders(&self, index: usize, action: &'static str) -> BTreeSet<usize> {
        self.among(&self.holders, index, action)
            .flatten()
            .copied()
            .collect()
    }

    /// Those who are in some group. The ARN of a group may not be known, so that its name is all to go by.
    pub(super) fn members(&self, index: usize, action: &'static str) -> BTreeSet<usize> {
        let texts = self.texts.get(&(action, index)).into_iter().flatten();
        let ends: Vec<&str> = texts.map(|text| text.end.unwrap_or(text.start)).collect();
        let groups = self.members.iter().filter(|(name, _)| {
            let is_its = |end: &&str| {
                let tail = end.rsplit('/').next().unwrap_or(end);
                name.ends_with(tail)
            };
            ends.iter().any(is_its)
        });
        groups.flat_map(|(_, members)| members).copied().collect()
    }

    /// Of what is known by ARN, what the texts may mean.
    fn among<'a, T>(
        &'a self,
        all: &'a BTreeMap<&'s str, T>,
        index: usize,
        action: &'static str,
    ) -> impl Iterator<Item = &'a T> {
        let texts = self.texts.get(&(action, index)).into_iter().flatten();
        texts.flat_map(move |text| {
            let from = all.range::<&str, _>(text.start..);
            from.take_while(move |(arn, _)| arn.starts_with(text.start))
                .filter(move |(arn, _)| text.may_mean(arn))
                .map(|(_, found)| found)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_mean_what_they_may() {
        for (text, arn, expected) in [
            ("*", "arn:aws:iam::1:role/a", true),
            ("arn:aws:iam::1:role/a", "arn:aws:iam::1:role/a", true),
            ("arn:aws:iam::1:role/a", "arn:aws:iam::1:role/ab", false),
            ("arn:aws:iam::1:role/a*", "arn:aws:iam::1:role/ab", true),
            ("arn:aws:iam::1:role/a*", "arn:aws:iam::1:role/b", false),
            ("arn:aws:iam::*:role/*-b", "arn:aws:iam::1:role/a-b", true),
            ("arn:aws:iam::*:role/*-b", "arn:aws:iam::1:role/a-c", false),
            (
                "arn:aws:iam::1:user/${aws:username}",
                "arn:aws:iam::1:user/a",
                true,
            ),
            (
                "arn:aws:iam::1:user/${aws:username}",
                "arn:aws:iam::1:role/a",
                false,
            ),
        ] {
            assert_eq!(Text::of(text).may_mean(arn), expected, "{text} {arn}");
        }
    }
}
