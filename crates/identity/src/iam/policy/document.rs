//! The normal form of a policy document: statements as a set, every list in them as a set, spelling folded away but
//! kept for people to read.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::operator::Operator;
use crate::iam::arn::is_account_id;

/// What a statement does with a request that it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Effect {
    /// It allows the request, unless another statement denies it.
    Allow,
    /// It denies the request, whatever else allows it.
    Deny,
}

impl Effect {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "Allow",
            Self::Deny => "Deny",
        }
    }
}

/// The version of the policy language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Version {
    /// The first one, and what an absent version means.
    V2008,
    /// The one with policy variables.
    V2012,
}

impl Version {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::V2008 => "2008-10-17",
            Self::V2012 => "2012-10-17",
        }
    }

    /// Whether `${…}` is a variable.
    pub(super) fn has_variables(self) -> bool {
        self == Self::V2012
    }
}

/// A text that is compared in one form and shown in another.
#[derive(Debug, Clone)]
pub(super) struct Word {
    /// What is compared.
    pub(super) key: String,
    /// What the document says.
    pub(super) written: String,
}

impl Word {
    fn exact(text: &str) -> Self {
        Self {
            key: text.to_owned(),
            written: text.to_owned(),
        }
    }

    fn folded(text: &str) -> Self {
        Self {
            key: text.to_ascii_lowercase(),
            written: text.to_owned(),
        }
    }
}

impl PartialEq for Word {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Word {}

impl PartialOrd for Word {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Word {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key.cmp(&other.key)
    }
}

/// `Action` or `NotAction`, `Resource` or `NotResource`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Matcher {
    /// Whether it is the `Not…` form: everything but these.
    pub(super) negated: bool,
    /// What it lists.
    pub(super) words: BTreeSet<Word>,
}

/// `Principal` or `NotPrincipal`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Principals {
    /// Whether it is `NotPrincipal`.
    pub(super) negated: bool,
    /// Type (`AWS`, `Federated`, `Service`, `CanonicalUser`) and value. Everyone is `AWS` and `*`.
    pub(super) members: BTreeSet<(String, Word)>,
}

/// The operator as [`Operator::written`] writes it, or as the document does where it is not known, and the key.
pub(super) type ConditionName = (String, Word);

/// A statement without its `Sid`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::iam) struct Statement {
    pub(in crate::iam) effect: Effect,
    pub(super) principals: Option<Principals>,
    pub(super) actions: Matcher,
    pub(super) resources: Option<Matcher>,
    pub(super) conditions: BTreeMap<ConditionName, BTreeSet<String>>,
}

/// A whole document. Equality leaves out the `Sid`s.
#[derive(Debug, Clone)]
pub(super) struct Document {
    pub(super) version: Version,
    /// The statements, each with its `Sid` if it has one.
    pub(super) statements: BTreeMap<Statement, Option<String>>,
}

impl PartialEq for Document {
    fn eq(&self, other: &Self) -> bool {
        self.version == other.version && self.statements.keys().eq(other.statements.keys())
    }
}

impl Document {
    /// The document of something that has no policy. Its version is that of the document it is compared with.
    pub(super) fn empty(version: Version) -> Self {
        Self {
            version,
            statements: BTreeMap::new(),
        }
    }

    /// Reads a document; nothing if any part of it is not plain policy language.
    pub(super) fn read(document: &Value) -> Option<Self> {
        let (version, in_order) = Self::read_in_order(document)?;
        let mut statements = BTreeMap::new();
        for (statement, sid) in in_order {
            statements.entry(statement).or_insert(sid);
        }
        Some(Self { version, statements })
    }

    /// The version and the statements as they are written, each with its `Sid`; nothing if any part of the document is not
    /// plain policy language.
    pub(super) fn read_in_order(document: &Value) -> Option<(Version, Vec<(Statement, Option<String>)>)> {
        let fields = document.as_object()?;
        let known = |field: &String| matches!(field.as_str(), "Version" | "Id" | "Statement");
        if !fields.keys().all(known) {
            return None;
        }
        let version = match fields.get("Version").map(Value::as_str) {
            None | Some(Some("2008-10-17")) => Version::V2008,
            Some(Some("2012-10-17")) => Version::V2012,
            Some(_) => return None,
        };
        let statements = one_or_many(fields.get("Statement")?)
            .iter()
            .map(|statement| read_statement(statement.as_object()?))
            .collect::<Option<_>>()?;
        Some((version, statements))
    }
}

/// A list's members, or the one value that stands for a list.
pub fn one_or_many(value: &Value) -> &[Value] {
    match value {
        Value::Array(values) => values,
        single => std::slice::from_ref(single),
    }
}

fn read_statement(fields: &Map<String, Value>) -> Option<(Statement, Option<String>)> {
    let mut sid = None;
    let mut effect = None;
    let mut principals = None;
    let mut actions = None;
    let mut resources = None;
    let mut conditions = BTreeMap::new();
    for (field, value) in fields {
        match field.as_str() {
            "Sid" => sid = Some(value.as_str()?.to_owned()),
            "Effect" => {
                effect = Some(match value.as_str()? {
                    "Allow" => Effect::Allow,
                    "Deny" => Effect::Deny,
                    _ => return None,
                });
            }
            "Principal" => only_once(&mut principals, read_principals(value, false)?)?,
            "NotPrincipal" => only_once(&mut principals, read_principals(value, true)?)?,
            "Action" => only_once(&mut actions, read_matcher(value, false, Word::folded)?)?,
            "NotAction" => only_once(&mut actions, read_matcher(value, true, Word::folded)?)?,
            "Resource" => only_once(&mut resources, read_matcher(value, false, Word::exact)?)?,
            "NotResource" => only_once(&mut resources, read_matcher(value, true, Word::exact)?)?,
            "Condition" => conditions = read_conditions(value)?,
            _ => return None,
        }
    }
    let statement = Statement {
        effect: effect?,
        principals,
        actions: actions?,
        resources,
        conditions,
    };
    Some((statement, sid))
}

/// Puts a value where none is yet: an element and its `Not…` form exclude each other.
fn only_once<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.replace(value).is_none().then_some(())
}

fn read_matcher(value: &Value, negated: bool, word: fn(&str) -> Word) -> Option<Matcher> {
    let words = one_or_many(value)
        .iter()
        .map(|value| value.as_str().map(word))
        .collect::<Option<_>>()?;
    Some(Matcher { negated, words })
}

fn read_principals(value: &Value, negated: bool) -> Option<Principals> {
    let mut members = BTreeSet::new();
    if let Value::Object(kinds) = value {
        for (kind, values) in kinds {
            for value in one_or_many(values) {
                members.insert((kind.clone(), read_principal(kind, value.as_str()?)));
            }
        }
    } else if value == "*" {
        members.insert(("AWS".to_owned(), Word::exact("*")));
    } else {
        return None;
    }
    Some(Principals { negated, members })
}

/// An account is one principal in two spellings: its id and the ARN of its root.
fn read_principal(kind: &str, text: &str) -> Word {
    let account = || {
        let (partition, rest) = text.strip_prefix("arn:")?.split_once(":iam::")?;
        let account = rest.strip_suffix(":root")?;
        (!partition.contains(':') && is_account_id(account)).then(|| account.to_owned())
    };
    match (kind, account()) {
        ("AWS", Some(account)) => Word {
            key: account,
            written: text.to_owned(),
        },
        _ => Word::exact(text),
    }
}

fn read_conditions(value: &Value) -> Option<BTreeMap<ConditionName, BTreeSet<String>>> {
    let mut conditions = BTreeMap::new();
    for (operator, keys) in value.as_object()? {
        let known = Operator::read(operator);
        for (key, values) in keys.as_object()? {
            let values = one_or_many(values)
                .iter()
                .map(|value| condition_value(known, value))
                .collect::<Option<BTreeSet<String>>>()?;
            // An operator that is not known here keeps its spelling: nothing is known of it but its name.
            let operator = known.map_or_else(|| operator.clone(), Operator::written);
            // The same condition in two spellings asks for both; a set would ask for either.
            if conditions.insert((operator, Word::folded(key)), values).is_some() {
                return None;
            }
        }
    }
    Some(conditions)
}

fn condition_value(operator: Option<Operator>, value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    Some(
        if operator.is_some_and(|operator| matches!(operator.name, "Bool" | "Null")) {
            text.to_ascii_lowercase()
        } else {
            text
        },
    )
}

/// The statements of a document; nothing if it cannot be read as a policy.
pub(in crate::iam) fn statements(document: &Value) -> Option<Vec<Statement>> {
    Some(Document::read(document)?.statements.into_keys().collect())
}

impl Statement {
    /// Whether it names this principal, or everyone but others.
    pub(in crate::iam) fn has_principal(&self, kind: &str, value: &str) -> bool {
        self.principals.as_ref().is_some_and(|principals| {
            let named = principals
                .members
                .iter()
                .any(|(own, word)| own == kind && word.key == value);
            named != principals.negated
        })
    }

    /// The values that a request must have one of, for the condition keys that are asked for. Negated conditions and
    /// those that hold for an absent key require none.
    pub(in crate::iam) fn required_values(&self, is_asked_for: impl Fn(&str) -> bool) -> BTreeSet<String> {
        let required = |operator: &str| {
            Operator::read(operator).is_some_and(|operator| {
                !operator.is_negated()
                    && !operator.if_exists
                    && operator.name != "Null"
                    && operator.qualifier != Some("ForAllValues")
            })
        };
        let asked = self
            .conditions
            .iter()
            .filter(|((operator, key), _)| required(operator) && is_asked_for(&key.key));
        asked.flat_map(|(_, values)| values.iter().cloned()).collect()
    }
}
