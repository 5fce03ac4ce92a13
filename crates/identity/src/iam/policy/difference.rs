//! What differs between two policy documents, statement by statement.
//!
//! A statement that stayed recognisable is one change of its parts; only what has no counterpart is added or removed
//! whole.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::containment::{AccessEffect, overlap};
use super::document::{Document, Effect, Matcher, Statement, Version};
use super::wording::{describe, describe_common, parts};

/// How many pairs of statements are compared by what their wildcards cover. Beyond that only words in common count:
/// the comparison is for reading, and must not take longer than the reader.
const MAX_COVERING_PAIRS: usize = 100;

/// What happened to a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StatementSign {
    /// It is in both documents, with different parts.
    Changed,
    /// It is only in the document before.
    Removed,
    /// It is only in the document after.
    Added,
}

/// What a line stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LineSign {
    /// It is only after the change.
    Plus,
    /// It is only before the change.
    Minus,
    /// It is on both sides, and says what the other lines belong to.
    Context,
}

/// One line of a difference, without its sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DifferenceLine {
    /// Which side it is on.
    pub sign: LineSign,
    /// What it says, such as `Allow s3:PutObject on arn:aws:s3:::data/*` or `action s3:PutObject`.
    pub text: String,
}

impl DifferenceLine {
    fn new(sign: LineSign, text: impl Into<String>) -> Self {
        Self {
            sign,
            text: text.into(),
        }
    }
}

/// A statement that was added, removed or changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementDifference {
    /// What happened to it.
    pub sign: StatementSign,
    /// Its `Sid`, where it has one: the one after the change if both have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// Whether it allows or denies. Nothing for a document that cannot be read as statements.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<Effect>,
    /// What to show, in order.
    pub lines: Vec<DifferenceLine>,
    /// What this statement alone does to the access granted.
    pub access: AccessEffect,
}

/// What differs between two documents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyDifference {
    /// What differs outside the statements: the version of the policy language.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub document: Vec<DifferenceLine>,
    /// The statements that differ: the changed ones, then those removed, then those added.
    pub statements: Vec<StatementDifference>,
    /// How many statements are the same in both.
    pub unchanged: usize,
    /// What the whole change does to the access granted.
    pub access: AccessEffect,
}

impl PolicyDifference {
    /// Whether the two are the same policy.
    pub fn is_empty(&self) -> bool {
        self.document.is_empty() && self.statements.is_empty()
    }
}

/// Compares two documents. Nothing on a side is a policy that is not there, and grants nothing.
///
/// A document that cannot be read as a policy is shown whole, and its change is taken as incomparable.
pub fn difference(before: Option<&Value>, after: Option<&Value>) -> PolicyDifference {
    let (read_before, read_after) = (before.map(Document::read), after.map(Document::read));
    let (before_document, after_document) = match (read_before, read_after) {
        (None, None) => (Document::empty(Version::V2012), Document::empty(Version::V2012)),
        (None, Some(Some(after))) => (Document::empty(after.version), after),
        (Some(Some(before)), None) => {
            let version = before.version;
            (before, Document::empty(version))
        }
        (Some(Some(before)), Some(Some(after))) => (before, after),
        _ => return unreadable(before, after),
    };
    readable(&before_document, &after_document)
}

fn readable(before: &Document, after: &Document) -> PolicyDifference {
    let mut document = Vec::new();
    if before.version != after.version {
        document.push(DifferenceLine::new(
            LineSign::Minus,
            format!("Version {}", before.version.as_str()),
        ));
        document.push(DifferenceLine::new(
            LineSign::Plus,
            format!("Version {}", after.version.as_str()),
        ));
    }
    let only = |one: &'_ Document, other: &Document| -> Vec<(Statement, Option<String>)> {
        let missing = one
            .statements
            .iter()
            .filter(|(statement, _)| !other.statements.contains_key(*statement));
        missing
            .map(|(statement, sid)| (statement.clone(), sid.clone()))
            .collect()
    };
    let (removed, added) = (only(before, after), only(after, before));
    let unchanged = before.statements.len() - removed.len();

    let single = |entry: &(Statement, Option<String>), version: Version| Document {
        version,
        statements: BTreeMap::from([entry.clone()]),
    };
    let pairs = pair(&removed, &added);
    let mut statements = Vec::new();
    for &(left, right) in &pairs {
        let (Some(old), Some(new)) = (removed.get(left), added.get(right)) else {
            continue;
        };
        statements.push(StatementDifference {
            sign: StatementSign::Changed,
            sid: new.1.clone().or_else(|| old.1.clone()),
            effect: Some(new.0.effect),
            lines: changed_lines(&old.0, &new.0),
            access: AccessEffect::of(&single(old, before.version), &single(new, after.version)),
        });
    }
    let whole = |entry: &(Statement, Option<String>), sign, line, access| StatementDifference {
        sign,
        sid: entry.1.clone(),
        effect: Some(entry.0.effect),
        lines: describe(&entry.0)
            .into_iter()
            .map(|text| DifferenceLine::new(line, text))
            .collect(),
        access,
    };
    for (index, entry) in removed.iter().enumerate() {
        if !pairs.iter().any(|(left, _)| *left == index) {
            let access = AccessEffect::of(&single(entry, before.version), &Document::empty(before.version));
            statements.push(whole(entry, StatementSign::Removed, LineSign::Minus, access));
        }
    }
    for (index, entry) in added.iter().enumerate() {
        if !pairs.iter().any(|(_, right)| *right == index) {
            let access = AccessEffect::of(&Document::empty(after.version), &single(entry, after.version));
            statements.push(whole(entry, StatementSign::Added, LineSign::Plus, access));
        }
    }
    let access = if document.is_empty() && statements.is_empty() {
        AccessEffect::Equal
    } else {
        AccessEffect::of(before, after)
    };
    PolicyDifference {
        document,
        statements,
        unchanged,
        access,
    }
}

fn unreadable(before: Option<&Value>, after: Option<&Value>) -> PolicyDifference {
    let mut statements = Vec::new();
    if before != after {
        for (document, sign, line) in [
            (before, StatementSign::Removed, LineSign::Minus),
            (after, StatementSign::Added, LineSign::Plus),
        ] {
            let Some(document) = document else { continue };
            let lines = format!("{document:#}")
                .lines()
                .map(|text| DifferenceLine::new(line, text))
                .collect();
            statements.push(StatementDifference {
                sign,
                sid: None,
                effect: None,
                lines,
                access: AccessEffect::Incomparable,
            });
        }
    }
    let access = if statements.is_empty() {
        AccessEffect::Equal
    } else {
        AccessEffect::Incomparable
    };
    PolicyDifference {
        document: Vec::new(),
        statements,
        unchanged: 0,
        access,
    }
}

/// Finds for each removed statement the added one that it became, the most alike first. The answer is in the order of
/// the removed ones.
fn pair(
    removed: &[(Statement, Option<String>)],
    added: &[(Statement, Option<String>)],
) -> Vec<(usize, usize)> {
    let covering = removed.len() * added.len() <= MAX_COVERING_PAIRS;
    let mut candidates = Vec::new();
    for (left, old) in removed.iter().enumerate() {
        for (right, new) in added.iter().enumerate() {
            if let Some(likeness) = likeness(old, new, covering) {
                candidates.push((std::cmp::Reverse(likeness), left, right));
            }
        }
    }
    candidates.sort_unstable();
    let mut pairs: Vec<(usize, usize)> = Vec::new();
    for (_, left, right) in candidates {
        if !pairs
            .iter()
            .any(|(other_left, other_right)| *other_left == left || *other_right == right)
        {
            pairs.push((left, right));
        }
    }
    pairs.sort_unstable();
    pairs
}

/// How alike two statements are; nothing if it would not be natural to call one the other, changed.
fn likeness(
    old: &(Statement, Option<String>),
    new: &(Statement, Option<String>),
    covering: bool,
) -> Option<u32> {
    let (before, after) = (&old.0, &new.0);
    if before.effect != after.effect {
        return None;
    }
    let matchers = |before: &Matcher, after: &Matcher| {
        if before == after {
            4
        } else if before.negated != after.negated {
            0
        } else if !before.words.is_disjoint(&after.words) {
            2
        } else {
            u32::from(covering && overlap(before, after))
        }
    };
    let actions = matchers(&before.actions, &after.actions);
    let resources = match (&before.resources, &after.resources) {
        (Some(before), Some(after)) => matchers(before, after),
        _ => 0,
    };
    let principals = match (&before.principals, &after.principals) {
        (Some(before), Some(after)) if before == after => 4,
        (Some(before), Some(after)) if !before.members.is_disjoint(&after.members) => 2,
        _ => 0,
    };
    let conditions = if before.conditions == after.conditions {
        2
    } else {
        0
    };
    let same_sid = old
        .1
        .as_ref()
        .is_some_and(|sid| !sid.is_empty() && new.1.as_ref() == Some(sid));
    // Much applies to `*`; a resource that is named says more.
    let same_named_resource = resources == 4
        && before
            .resources
            .as_ref()
            .is_some_and(|resources| resources.words.iter().all(|word| word.key != "*"));
    let natural = same_sid || same_named_resource || actions > 0 && resources + principals > 0;
    natural.then(|| actions + resources + principals + conditions + if same_sid { 8 } else { 0 })
}

/// What stayed as a line of context, then each part that went or came.
fn changed_lines(before: &Statement, after: &Statement) -> Vec<DifferenceLine> {
    let mut lines: Vec<DifferenceLine> = describe_common(after, before)
        .into_iter()
        .map(|text| DifferenceLine::new(LineSign::Context, text))
        .collect();
    let (before_parts, after_parts) = (parts(before), parts(after));
    for (compared, shown) in &before_parts {
        if !after_parts.contains_key(compared) {
            lines.push(DifferenceLine::new(LineSign::Minus, shown));
        }
    }
    for (compared, shown) in &after_parts {
        if !before_parts.contains_key(compared) {
            lines.push(DifferenceLine::new(LineSign::Plus, shown));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(difference: &PolicyDifference) -> String {
        let statements = difference
            .statements
            .iter()
            .flat_map(|statement| &statement.lines);
        let line = |line: &DifferenceLine| {
            let sign = match line.sign {
                LineSign::Plus => '+',
                LineSign::Minus => '-',
                LineSign::Context => ' ',
            };
            format!("{sign} {}\n", line.text)
        };
        difference.document.iter().chain(statements).map(line).collect()
    }

    fn policy(statements: Value) -> Value {
        let mut policy = json!({"Version": "2012-10-17"});
        policy["Statement"] = statements;
        policy
    }

    #[test]
    fn changed_action_is_one_change_of_its_statement() {
        let data = "arn:aws:s3:::data/*";
        let before = policy(json!([
            {"Effect": "Allow", "Action": ["s3:*", "s3:getobject"], "Resource": data},
            {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}]));
        let after = policy(json!([
            {"Effect": "Allow", "Action": "sqs:*", "Resource": ["*"]},
            {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": data}]));
        let found = difference(Some(&before), Some(&after));
        assert_eq!(
            shown(&found),
            "  Allow on arn:aws:s3:::data/*\n- action s3:*\n+ action s3:PutObject\n"
        );
        assert_eq!((found.unchanged, found.access), (1, AccessEffect::Narrower));
        assert_eq!(found.statements[0].sign, StatementSign::Changed);
    }

    #[test]
    fn statement_without_a_counterpart_is_added_or_removed_whole() {
        let before = policy(json!([{"Sid": "Old", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}]));
        let after = policy(
            json!([{"Effect": "Allow", "Action": ["ec2:A", "ec2:B", "ec2:C", "ec2:D"], "Resource": "*",
            "Condition": {"StringLike": {"aws:RequestTag/x": ["b*", "a"]}}}]),
        );
        let found = difference(Some(&before), Some(&after));
        assert_eq!(
            shown(&found),
            "- Allow s3:* on *\n\
            + Allow 4 actions on * if StringLike aws:RequestTag/x = a | b*\n\
            +   ec2:A\n+   ec2:B\n+   ec2:C\n+   ec2:D\n"
        );
        assert_eq!(found.statements[0].sid.as_deref(), Some("Old"));
        assert_eq!(found.access, AccessEffect::Incomparable);
    }

    #[test]
    fn widened_trust_policy_shows_the_condition() {
        let trust = |operator: &str, subject: &str| {
            let mut condition = json!({"StringEquals": {"example.com:aud": "sts.amazonaws.com"}});
            condition[operator]["example.com:sub"] = json!(subject);
            policy(
                json!({"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity", "Condition": condition,
                "Principal": {"Federated": "arn:aws:iam::111122223333:oidc-provider/example.com"}}),
            )
        };
        let found = difference(
            Some(&trust("StringEquals", "system:serviceaccount:app:reader")),
            Some(&trust("StringLike", "system:serviceaccount:app:*")),
        );
        assert_eq!(
            shown(&found),
            "  Allow sts:AssumeRoleWithWebIdentity to Federated arn:aws:iam::111122223333:oidc-provider/example.com if StringEquals example.com:aud = sts.amazonaws.com\n\
            - condition StringEquals example.com:sub = system:serviceaccount:app:reader\n\
            + condition StringLike example.com:sub = system:serviceaccount:app:*\n"
        );
        assert_eq!(found.access, AccessEffect::Broader);
    }

    #[test]
    fn absent_document_grants_nothing() {
        let all = policy(json!({"Effect": "Allow", "Action": "*", "Resource": "*"}));
        assert_eq!(difference(None, Some(&all)).access, AccessEffect::Broader);
        assert_eq!(difference(Some(&all), None).access, AccessEffect::Narrower);
        assert!(difference(None, None).is_empty());
    }

    #[test]
    fn document_that_cannot_be_read_is_shown_whole() {
        let strange = json!({"Statement": {"Ref": "X"}});
        let found = difference(Some(&strange), None);
        assert_eq!(found.access, AccessEffect::Incomparable);
        assert!(
            shown(&found).contains("-     \"Ref\": \"X\"\n"),
            "{}",
            shown(&found)
        );
        assert!(difference(Some(&strange), Some(&strange)).is_empty());
    }

    #[test]
    fn version_alone_is_a_difference_but_no_more_access() {
        let statement = json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*"});
        let found = difference(
            Some(&json!({"Statement": statement})),
            Some(&policy(statement.clone())),
        );
        assert_eq!(shown(&found), "- Version 2008-10-17\n+ Version 2012-10-17\n");
        assert_eq!(found.access, AccessEffect::Equal);
        let back: PolicyDifference = serde_json::from_value(serde_json::to_value(&found).unwrap()).unwrap();
        assert_eq!(back, found);
    }
}
