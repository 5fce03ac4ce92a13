//! What stands between one statement and one request: the action, the resource, the principal, and each condition.
//!
//! Sources: `reference_policies_elements_action.html`, `…_resource.html`, `…_principal.html` and `…_condition.html` of the IAM
//! user guide.

use super::{
    context::{KeyValue, RequestContext},
    document::{Effect, Principals, Statement, Version},
    evaluation::{Doubt, holds},
    pattern::Pattern,
    variables::{Expanded, expand},
};

/// What a statement holds against a request, or leaves open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Objection {
    /// It is for other actions.
    Action {
        /// Those that it names.
        named: Vec<String>,
    },
    /// It is for other resources, or only for some of those that are asked about.
    Resource {
        /// Those that it names.
        named: Vec<String>,
        /// Whether it is for all but these (`NotResource`).
        negated: bool,
        /// Why it cannot be said whether it is for this one; none where it is not.
        doubt: Option<ResourceDoubt>,
    },
    /// It names other principals.
    Principal {
        /// Those that it names, each with its kind.
        named: Vec<(String, String)>,
        /// Whether it may mean this one all the same.
        open: bool,
    },
    /// A condition does not hold, or may not hold.
    Condition {
        /// The operator as the guide writes it.
        operator: String,
        /// The key as the document writes it.
        key: String,
        /// The values that the document names.
        values: Vec<String>,
        /// The request's value; none where it has no such key.
        found: Option<String>,
        /// Why it cannot be said whether it holds; none where it does not hold.
        doubt: Option<Doubt>,
    },
}

/// Why it cannot be said whether a statement is for a resource.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResourceDoubt {
    /// It is for some of the resources that are asked about.
    #[error("it is for some of them")]
    Some,
    /// Nothing is known of a policy variable in it.
    #[error("only the call itself shows the variable {0}")]
    Variable(String),
    /// A variable in it has no value, and it is named as an exception.
    #[error("the IAM user guide does not say what {0} excepts where a variable has no value")]
    Missing(String),
    /// It depends on whether a wildcard reaches over a colon, which the guide leaves open.
    #[error("the IAM user guide does not say whether its wildcard reaches over a colon")]
    Wildcard,
}

impl Objection {
    /// Whether it only may stand against the request.
    pub fn is_open(&self) -> bool {
        matches!(
            self,
            Self::Condition { doubt: Some(_), .. }
                | Self::Principal { open: true, .. }
                | Self::Resource { doubt: Some(_), .. }
        )
    }

    /// How far a statement with it is from meaning the request: one for another action is further than one whose condition
    /// fails.
    pub(super) fn distance(&self) -> usize {
        match self {
            Self::Action { .. } => 100,
            Self::Principal { .. } | Self::Resource { .. } => 10,
            Self::Condition { .. } => 1,
        }
    }
}

/// What is asked of a statement, besides who asks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'r> {
    /// The action in lower case.
    pub(super) action: &'r str,
    /// The resource; none where every statement is for it, as in a trust policy.
    pub(super) resource: Option<&'r AskedResource>,
    /// The condition keys, as far as they are known.
    pub(super) context: &'r RequestContext,
}

/// The resource of a request.
#[derive(Debug, Clone)]
pub(super) enum AskedResource {
    /// This one.
    One(String),
    /// Each that this pattern means.
    Each(Pattern),
}

impl AskedResource {
    /// A resource by its ARN, or all that an ARN with wildcards means.
    pub(super) fn read(text: &str) -> Self {
        if text.contains(['*', '?']) {
            Self::Each(Pattern::new(text, false))
        } else {
            Self::One(text.to_owned())
        }
    }
}

/// A statement made ready for many requests.
#[derive(Debug, Clone)]
pub(super) struct Compiled {
    pub(super) statement: Statement,
    /// Its `Sid`, or else its number: `statement 2`.
    pub(super) label: String,
    variables: bool,
    actions: Vec<Pattern>,
    resources: Vec<Wanted>,
}

/// A text of `Resource` or `NotResource`.
#[derive(Debug, Clone)]
enum Wanted {
    Pattern(Pattern),
    WithVariables(String),
}

/// Whether something fits; none where that cannot be said.
type Fits<D> = Result<bool, D>;

impl Compiled {
    pub(super) fn new(statement: Statement, version: Version, sid: Option<String>, number: usize) -> Self {
        let variables = version.has_variables();
        let words = |negatable: &super::document::Matcher| -> Vec<String> {
            negatable.words.iter().map(|word| word.key.clone()).collect()
        };
        let resource = |text: String| {
            if variables && text.contains("${") {
                Wanted::WithVariables(text)
            } else {
                Wanted::Pattern(resource_pattern(&text, variables))
            }
        };
        Self {
            label: sid
                .filter(|sid| !sid.is_empty())
                .unwrap_or_else(|| format!("statement {number}")),
            variables,
            actions: words(&statement.actions)
                .iter()
                .map(|action| Pattern::new(action, false))
                .collect(),
            resources: statement
                .resources
                .as_ref()
                .map(|resources| words(resources).into_iter().map(resource).collect())
                .unwrap_or_default(),
            statement,
        }
    }

    pub(super) fn allows(&self) -> bool {
        self.statement.effect == Effect::Allow
    }

    /// Whether it is for an action, given in lower case.
    pub(super) fn is_for_action(&self, action: &str) -> bool {
        self.actions.iter().any(|own| own.matches(action)) != self.statement.actions.negated
    }

    /// What it holds against a request. `means` says of its principals whether they are the caller; none where that cannot be
    /// said.
    pub(super) fn objections(
        &self,
        asked: &Asked<'_>,
        means: impl FnOnce(Option<&Principals>) -> Option<bool>,
    ) -> Vec<Objection> {
        let mut found = Vec::new();
        let statement = &self.statement;
        if !self.is_for_action(asked.action) {
            found.push(Objection::Action {
                named: written(&statement.actions),
            });
        }
        if let (Some(resources), Some(asked_for)) = (&statement.resources, asked.resource) {
            let fits = self.is_for_resource(asked_for, asked.context);
            if fits != Ok(true) {
                found.push(Objection::Resource {
                    named: written(resources),
                    negated: resources.negated,
                    doubt: fits.err(),
                });
            }
        }
        let is_meant = means(statement.principals.as_ref());
        if is_meant != Some(true) {
            let members = statement
                .principals
                .iter()
                .flat_map(|principals| &principals.members);
            found.push(Objection::Principal {
                named: members
                    .map(|(kind, word)| (kind.clone(), word.written.clone()))
                    .collect(),
                open: is_meant.is_none(),
            });
        }
        for ((operator, key), values) in &statement.conditions {
            let doubt = match holds(operator, &key.written, values, self.variables, asked.context) {
                Ok(true) => continue,
                Ok(false) => None,
                Err(doubt) => Some(doubt),
            };
            found.push(Objection::Condition {
                operator: operator.clone(),
                key: key.written.clone(),
                values: values.iter().cloned().collect(),
                found: match asked.context.get(&key.key) {
                    KeyValue::Present(values) => Some(values.join(", ")),
                    KeyValue::Absent | KeyValue::Unknown => None,
                },
                doubt,
            });
        }
        found
    }

    fn is_for_resource(&self, asked: &AskedResource, context: &RequestContext) -> Fits<ResourceDoubt> {
        let negated = self.statement.resources.as_ref().is_some_and(|own| own.negated);
        let mut doubt = None;
        for wanted in &self.resources {
            match self.fits(wanted, asked, context, negated) {
                Ok(true) => return Ok(!negated),
                Ok(false) => {}
                Err(found) => {
                    doubt.get_or_insert(found);
                }
            }
        }
        doubt.map_or(Ok(negated), Err)
    }

    fn fits(
        &self,
        wanted: &Wanted,
        asked: &AskedResource,
        context: &RequestContext,
        negated: bool,
    ) -> Fits<ResourceDoubt> {
        match wanted {
            Wanted::Pattern(pattern) => fits_pattern(pattern, asked),
            Wanted::WithVariables(text) => match expand(text, context) {
                Expanded::Text(text) => fits_pattern(&resource_pattern(&text, true), asked),
                // Of `Resource` the guide says that nothing fits; of `NotResource` it says nothing.
                Expanded::Missing if !negated => Ok(false),
                Expanded::Missing => Err(ResourceDoubt::Missing(text.clone())),
                Expanded::Unknown(name) => {
                    let may_be = Pattern::new(text, self.variables).whatever_the_variables_are();
                    match fits_pattern(&may_be, asked) {
                        Ok(false) if !negated => Ok(false),
                        _ => Err(ResourceDoubt::Variable(name)),
                    }
                }
            },
        }
    }
}

/// IAM fills an ARN that ends early up with `*`.
fn resource_pattern(text: &str, variables: bool) -> Pattern {
    let parts = text.split(':').count();
    if text.starts_with("arn:") && parts < 6 {
        return Pattern::arn(&format!("{text}{}", ":*".repeat(6 - parts)), variables);
    }
    Pattern::arn(text, variables)
}

fn fits_pattern(pattern: &Pattern, asked: &AskedResource) -> Fits<ResourceDoubt> {
    match asked {
        AskedResource::One(text) => match (pattern.matches(text), pattern.matches_by_parts(text)) {
            (true, true) => Ok(true),
            (false, false) => Ok(false),
            _ => Err(ResourceDoubt::Wildcard),
        },
        AskedResource::Each(asked) if pattern.contains(asked) => Ok(true),
        AskedResource::Each(asked) if pattern.is_disjoint(asked) => Ok(false),
        AskedResource::Each(_) => Err(ResourceDoubt::Some),
    }
}

fn written(matcher: &super::document::Matcher) -> Vec<String> {
    matcher.words.iter().map(|word| word.written.clone()).collect()
}
