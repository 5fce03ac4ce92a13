//! Requests as a region: what fits some statements and does not fit others. Whether a region is without a request, and whether
//! statements cover it together.
//!
//! A "yes" is certain, a "no" may only mean that it was not seen.

use super::condition::Condition;
use super::document::{Matcher, Principals, Statement};
use super::key_states::{Held, are_impossible};
use super::pattern::Pattern;
use super::texts::Texts;
use crate::iam::arn::is_account_id;

/// How many times a search may ask whether a region is empty. Policies of a few dozen statements take some hundred.
const MAX_QUESTIONS: usize = 2_000;

/// A statement, taken apart once.
pub(super) struct Compiled<'a> {
    actions: CompiledMatcher,
    /// Nothing where it has none, as in a trust policy.
    resources: Option<CompiledMatcher>,
    principals: Option<&'a Principals>,
    conditions: Vec<Condition<'a>>,
}

/// `Action` or `Resource`, or its `Not…` form, as patterns.
#[derive(Debug, PartialEq)]
pub(super) struct CompiledMatcher {
    negated: bool,
    patterns: Vec<Pattern>,
    has_variable: bool,
}

/// What requests fit: each part says of one element of a statement whether it fits it. Empty parts are of statements that do
/// not have the element.
#[derive(Clone, Default)]
pub(super) struct Region<'r> {
    actions: Vec<(&'r CompiledMatcher, bool)>,
    resources: Vec<(&'r CompiledMatcher, bool)>,
    principals: Vec<(&'r Principals, bool)>,
    conditions: Vec<Held<'r>>,
    has_resources: bool,
    has_principals: bool,
}

impl<'a> Compiled<'a> {
    pub(super) fn new(source: &'a Statement, variables: bool) -> Self {
        let resources = source.resources.as_ref();
        let conditions = source.conditions.iter();
        Self {
            actions: CompiledMatcher::new(&source.actions, variables, false),
            resources: resources.map(|resources| CompiledMatcher::new(resources, variables, true)),
            principals: source.principals.as_ref(),
            conditions: conditions
                .map(|condition| Condition::new(condition, variables))
                .collect(),
        }
    }
}

impl CompiledMatcher {
    /// `arns` says whether the words are resources.
    pub(super) fn new(matcher: &Matcher, variables: bool, arns: bool) -> Self {
        let read = if arns { Pattern::arn } else { Pattern::new };
        let patterns: Vec<Pattern> = matcher
            .words
            .iter()
            .map(|word| read(&word.key, variables))
            .collect();
        Self {
            negated: matcher.negated,
            has_variable: patterns.iter().any(Pattern::has_variable),
            patterns,
        }
    }

    /// Whether all that `narrow` means is meant.
    pub(super) fn covers(&self, narrow: &Self) -> bool {
        is_without_text(&[(narrow, true), (self, false)])
    }
}

impl<'r> Region<'r> {
    /// The requests that fit a statement.
    pub(super) fn of(statement: &'r Compiled<'_>) -> Self {
        Self::default().within(statement)
    }

    /// Those that fit another statement as well.
    pub(super) fn within(&self, statement: &'r Compiled<'_>) -> Self {
        let mut region = self.clone();
        region.actions.push((&statement.actions, true));
        region
            .resources
            .extend(statement.resources.as_ref().map(|resources| (resources, true)));
        region
            .principals
            .extend(statement.principals.map(|principals| (principals, true)));
        region
            .conditions
            .extend(statement.conditions.iter().map(|condition| (*condition, true)));
        region.has_resources |= statement.resources.is_some();
        region.has_principals |= statement.principals.is_some();
        region
    }

    /// Those that do not fit a statement: one region for each element that they may miss.
    fn outside(&self, statement: &'r Compiled<'_>) -> Vec<Self> {
        let mut regions = Vec::with_capacity(3 + statement.conditions.len());
        let mut add = |missing: &dyn Fn(&mut Self)| {
            let mut region = self.clone();
            missing(&mut region);
            regions.push(region);
        };
        add(&|region| region.actions.push((&statement.actions, false)));
        match (&statement.resources, self.has_resources) {
            (Some(resources), true) => add(&|region| region.resources.push((resources, false))),
            (None, false) => {}
            // A trust policy and an identity policy: nothing is known.
            _ => add(&|_| {}),
        }
        match (statement.principals, self.has_principals) {
            (Some(principals), true) => add(&|region| region.principals.push((principals, false))),
            (None, false) => {}
            _ => add(&|_| {}),
        }
        for condition in &statement.conditions {
            add(&|region| region.conditions.push((*condition, false)));
        }
        regions
    }

    /// Whether no request is in it.
    fn is_empty(&self) -> bool {
        is_without_text(&self.actions)
            || is_without_text(&self.resources)
            || is_without_principal(&self.principals)
            || self.has_impossible_conditions()
    }

    fn has_impossible_conditions(&self) -> bool {
        self.conditions.iter().enumerate().any(|(first, (condition, _))| {
            let is_same_key = |(other, _): &&Held<'_>| other.key == condition.key;
            let is_first = !self
                .conditions
                .iter()
                .take(first)
                .any(|other| is_same_key(&other));
            is_first
                && are_impossible(
                    &self
                        .conditions
                        .iter()
                        .filter(is_same_key)
                        .copied()
                        .collect::<Vec<_>>(),
                )
        })
    }
}

/// A search for what covers a region, with an end.
#[derive(Default)]
pub(super) struct Search {
    questions: usize,
}

impl Search {
    fn is_empty(&mut self, region: &Region<'_>) -> bool {
        self.questions += 1;
        region.is_empty()
    }

    /// Whether every request of the region fits one of the statements.
    pub(super) fn is_covered<'r>(&mut self, region: &Region<'r>, statements: &[&'r Compiled<'_>]) -> bool {
        if self.is_empty(region) {
            return true;
        }
        // One alone is enough nearly always.
        if statements.iter().any(|statement| {
            let outside = region.outside(statement);
            outside.iter().all(|left| self.is_empty(left))
        }) {
            return true;
        }
        let meeting: Vec<&Compiled<'_>> = statements
            .iter()
            .copied()
            .filter(|statement| !self.is_empty(&region.within(statement)))
            .collect();
        self.is_covered_together(region, &meeting)
    }

    fn is_covered_together<'r>(&mut self, region: &Region<'r>, statements: &[&'r Compiled<'_>]) -> bool {
        if self.questions > MAX_QUESTIONS {
            return false;
        }
        if self.is_empty(region) {
            return true;
        }
        let Some((first, others)) = statements.split_first() else {
            return false;
        };
        region
            .outside(first)
            .iter()
            .all(|left| self.is_covered_together(left, others))
    }
}

/// Whether no text fits what it is said to fit, and misses what it is said to miss.
fn is_without_text(matchers: &[(&CompiledMatcher, bool)]) -> bool {
    let mut texts = Texts::default();
    for (matcher, fits) in matchers {
        match (matcher.negated, *fits) {
            (false, false) | (true, true) => texts.drop(&matcher.patterns),
            // Where a variable has no value, a statement with it under `NotResource` may fit nothing.
            (true, false) if matcher.has_variable => {
                if matchers.contains(&(matcher, true)) {
                    return true;
                }
            }
            (false, true) | (true, false) => texts.keep(&matcher.patterns),
        }
    }
    texts.is_empty()
}

/// Whether no principal is named where it is said to be, and not where it is said not to be.
fn is_without_principal(lists: &[(&Principals, bool)]) -> bool {
    type Member = (String, super::document::Word);
    let names = |principals: &Principals, (kind, word): &Member| {
        let everyone = |(own, word): &Member| own == "AWS" && kind == "AWS" && word.key == "*";
        principals.members.contains(&(kind.clone(), word.clone())) || principals.members.iter().any(everyone)
    };
    // An account is let in only as far as its own policies allow; what is under `NotPrincipal` is not let in at all.
    let counts = |other: &Principals, from_not: bool, (_, word): &Member| {
        other.negated || !from_not || !is_account_id(&word.key)
    };
    // Of the principals that a request must be one of, each is named where it must not be.
    lists.iter().any(|(principals, fits)| {
        principals.negated != *fits
            && principals.members.iter().all(|member| {
                lists.iter().any(|(other, fits)| {
                    other.negated == *fits
                        && names(other, member)
                        && counts(other, principals.negated, member)
                })
            })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::iam::policy::document::Document;

    /// Whether the first statement is covered by the others, and how many questions that took.
    fn is_covered(statements: &[Value]) -> (bool, usize) {
        let read = |statement: &Value| {
            let document = json!({"Version": "2012-10-17", "Statement": statement});
            Document::read(&document)
                .expect("a policy")
                .statements
                .into_keys()
                .next()
                .expect("a statement")
        };
        let statements: Vec<Statement> = statements.iter().map(read).collect();
        let compiled: Vec<Compiled<'_>> = statements.iter().map(|one| Compiled::new(one, true)).collect();
        let (first, others) = compiled.split_first().expect("a first statement");
        let mut search = Search::default();
        let covered = search.is_covered(&Region::of(first), &others.iter().collect::<Vec<_>>());
        (covered, search.questions)
    }

    fn on(action: &str, resource: Value, condition: Value) -> Value {
        let mut statement = json!({"Effect": "Allow", "Action": action});
        statement["Resource"] = resource;
        statement["Condition"] = condition;
        statement
    }

    #[test]
    fn statements_cover_together_what_none_covers_alone() {
        let tag = |values: Value| json!({"StringLike": {"aws:PrincipalTag/team": values}});
        let all = || {
            on(
                "s3:Get*",
                json!(["arn:aws:s3:::a/*", "arn:aws:s3:::b"]),
                tag(json!(["web", "ops"])),
            )
        };
        let (a, b) = (json!("arn:aws:s3:::a/*"), json!("arn:aws:s3:::b"));
        let web = |resource: &Value| on("s3:*", resource.clone(), tag(json!("web")));
        let ops = |resource: &Value| on("s3:G*", resource.clone(), tag(json!("o*")));
        assert!(is_covered(&[all(), web(&a), web(&b), ops(&a), ops(&b)]).0);
        assert!(!is_covered(&[all(), web(&a), web(&b), ops(&a)]).0);
        // Everything but what another statement has.
        let but = json!({"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::a/*"});
        assert!(is_covered(&[on("s3:*", json!("*"), json!({})), but, on("s3:*", a, json!({}))]).0);
    }

    #[test]
    fn wildcard_before_the_last_part_of_an_arn_may_stop_at_the_colon() {
        let role = |resource: &str| on("iam:PassRole", json!(resource), json!({}));
        let any = "arn:aws:iam::*:role/app";
        assert!(is_covered(&[role("arn:aws:iam::111122223333:role/app"), role(any)]).0);
        assert!(!is_covered(&[role("arn:aws:iam::111122223333:x:role/app"), role(any)]).0);
        assert!(is_covered(&[role("arn:aws:iam::111122223333:role/app"), role("arn:aws:iam:*")]).0);
    }

    #[test]
    fn variable_under_not_resource_covers_nothing_but_itself() {
        let but = |resource: &str| json!({"Effect": "Allow", "Action": "s3:*", "NotResource": resource});
        let own = "arn:aws:s3:::home/${aws:username}/*";
        assert!(is_covered(&[but(own), but(own)]).0);
        // Where the variable has no value, it may mean nothing at all.
        assert!(!is_covered(&[on("s3:*", json!("arn:aws:s3:::data"), json!({})), but(own)]).0);
    }

    #[test]
    fn account_and_everyone_outside_it_are_not_everyone() {
        let trust = |element: &str, principal: Value| json!({"Effect": "Allow", "Action": "sts:*", element: principal});
        let (inside, outside) = (
            trust("Principal", json!({"AWS": "111122223333"})),
            trust("NotPrincipal", json!({"AWS": "111122223333"})),
        );
        // The provider is in the account, and the account's policies let no provider in.
        let provider = json!({"Federated": "arn:aws:iam::111122223333:oidc-provider/example.com"});
        assert!(!is_covered(&[trust("Principal", provider), outside.clone(), inside]).0);
        assert!(is_covered(&[outside.clone(), outside]).0);
    }

    #[test]
    fn search_without_end_ends_with_no() {
        let half = |index: usize, value: &str| {
            let condition = json!({"StringEquals": {format!("aws:PrincipalTag/{index}"): value}});
            on("s3:*", json!("*"), condition)
        };
        let mut statements = vec![on("s3:*", json!("*"), json!({}))];
        statements.extend((0..40).flat_map(|index| [half(index, "a"), half(index, "b")]));
        let (covered, questions) = is_covered(&statements);
        assert!(!covered && questions < MAX_QUESTIONS * 2, "{questions}");
    }
}
