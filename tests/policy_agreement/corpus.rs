//! Random pairs of policies from a fixed seed: mostly one policy and what an edit makes of it, else two with statements in
//! common, or two that have nothing to do with each other.

use serde_json::{Map, Value, json};

/// Numbers that are the same on every run (xorshift64).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % below.max(1)
    }

    pub(crate) fn in_hundred(&mut self, chances: usize) -> bool {
        self.roll(100) < chances
    }

    pub(crate) fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.roll(from.len())]
    }

    pub(crate) fn one<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.roll(from.len())]
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Policy {
    pub(crate) trust: bool,
    version: &'static str,
    pub(crate) statements: Vec<Statement>,
}

#[derive(Debug, Clone)]
pub(crate) struct Statement {
    allow: bool,
    pub(crate) actions: List,
    pub(crate) resources: List,
    principals: List,
    pub(crate) conditions: Vec<Condition>,
}

/// An element or its `Not…` form.
#[derive(Debug, Clone)]
pub(crate) struct List {
    negated: bool,
    pub(crate) values: Vec<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Condition {
    pub(crate) operator: String,
    pub(crate) key: &'static str,
    pub(crate) values: Vec<String>,
}

const ACTIONS: &[&str] = &[
    "*",
    "s3:*",
    "s3:Get*",
    "s3:GetObject",
    "s3:Get?bject",
    "s3:GetObject*",
    "s3:PutObject",
    "s3:*Object",
    "s3:List*",
    "iam:PassRole",
    "iam:Pass*",
    "sqs:SendMessage",
    "sqs:*",
    "dynamodb:GetItem",
];
const RESOURCES: &[&str] = &[
    "*",
    "arn:aws:s3:::*",
    "arn:aws:s3:::data",
    "arn:aws:s3:::data/*",
    "arn:aws:s3:::data*",
    "arn:aws:s3:::data/logs/*",
    "arn:aws:s3:::data/logs/?",
    "arn:aws:s3:::data/${aws:username}/*",
    "arn:aws:iam::111122223333:role/app-*",
    "arn:aws:iam::111122223333:role/app-web",
    "arn:aws:iam::111122223333:role/*",
    "arn:aws:sqs:*:111122223333:jobs",
    "arn:aws:sqs:eu-west-1:111122223333:*",
    "arn:aws:dynamodb:eu-west-1:111122223333:table/t?",
];
const TRUST_ACTIONS: &[&str] = &[
    "sts:AssumeRoleWithWebIdentity",
    "sts:AssumeRoleWithWebIdentity",
    "sts:AssumeRole",
    "sts:AssumeRole",
    "sts:TagSession",
    "sts:AssumeRole*",
    "sts:*",
];
pub(crate) const PRINCIPALS: &[&str] = &[
    "Federated arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/A1B2",
    "Federated arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/C3D4",
    "AWS 111122223333",
    "AWS arn:aws:iam::111122223333:root",
    "AWS arn:aws:iam::111122223333:role/dev",
    "AWS arn:aws:iam::111122223333:role/ops",
    "AWS arn:aws:iam::444455556666:role/dev",
    "AWS *",
    "Service pods.eks.amazonaws.com",
];
const SUBJECT: &str = "oidc.eks.eu-west-1.amazonaws.com/id/A1B2:sub";
const AUDIENCE: &str = "oidc.eks.eu-west-1.amazonaws.com/id/A1B2:aud";
const TEXT_OPERATORS: &[&str] = &[
    "StringEquals",
    "StringEquals",
    "StringLike",
    "StringLike",
    "StringNotEquals",
    "StringNotLike",
    "StringEqualsIfExists",
    "StringLikeIfExists",
    "StringNotEqualsIfExists",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
];

/// A key, its operators, and its values.
type Vocabulary = (&'static str, &'static [&'static str], &'static [&'static str]);

const IDENTITY_KEYS: &[Vocabulary] = &[
    (
        "aws:PrincipalTag/team",
        TEXT_OPERATORS,
        &["web", "we*", "Web", "*", "ops", "w?b", "${aws:username}"],
    ),
    (
        "aws:RequestTag/env",
        TEXT_OPERATORS,
        &["prod", "prod-*", "dev", "*"],
    ),
    (
        "aws:TagKeys",
        &[
            "ForAllValues:StringEquals",
            "ForAllValues:StringLike",
            "ForAnyValue:StringEquals",
            "ForAnyValue:StringLike",
            "ForAnyValue:StringNotEquals",
        ],
        &["team", "env", "te*", "*"],
    ),
    (
        "aws:SecureTransport",
        &["Bool", "Bool", "BoolIfExists"],
        &["true", "false"],
    ),
    (
        "aws:MultiFactorAuthAge",
        &[
            "NumericLessThan",
            "NumericLessThanEquals",
            "NumericGreaterThan",
            "NumericEquals",
            "NumericLessThanIfExists",
        ],
        &["60", "300", "3600"],
    ),
    (
        "aws:MultiFactorAuthPresent",
        &["Null", "Bool", "BoolIfExists"],
        &["true", "false"],
    ),
    (
        "aws:SourceIp",
        &["IpAddress", "IpAddress", "NotIpAddress", "IpAddressIfExists"],
        &[
            "10.0.0.0/8",
            "10.1.0.0/16",
            "192.0.2.7",
            "192.0.2.0/24",
            "10.1.2.3/32",
        ],
    ),
    (
        "aws:CurrentTime",
        &["DateLessThan", "DateGreaterThan", "DateLessThanEquals"],
        &[
            "2026-01-01T00:00:00Z",
            "2026-07-01T00:00:00Z",
            "2027-01-01T00:00:00Z",
        ],
    ),
    (
        "aws:PrincipalArn",
        &["ArnLike", "ArnEquals", "ArnNotLike", "StringLike"],
        &[
            "arn:aws:iam::111122223333:role/dev",
            "arn:aws:iam::111122223333:role/*",
            "arn:aws:iam::*:role/dev",
        ],
    ),
];
const TRUST_KEYS: &[Vocabulary] = &[
    (
        SUBJECT,
        TEXT_OPERATORS,
        &[
            "system:serviceaccount:app:web",
            "system:serviceaccount:app:api",
            "system:serviceaccount:app:*",
            "system:serviceaccount:*:web",
            "system:serviceaccount:*",
            "system:serviceaccount:app:we?",
        ],
    ),
    (SUBJECT, TEXT_OPERATORS, &["system:serviceaccount:app:web", "*"]),
    (
        AUDIENCE,
        TEXT_OPERATORS,
        &["sts.amazonaws.com", "*", "sts.*", "other"],
    ),
    ("sts:ExternalId", TEXT_OPERATORS, &["x1", "x2", "x*"]),
    (
        "aws:PrincipalArn",
        &["ArnLike", "ArnEquals", "ArnNotEquals"],
        &[
            "arn:aws:iam::111122223333:role/dev",
            "arn:aws:iam::111122223333:role/*",
        ],
    ),
    (
        "aws:MultiFactorAuthPresent",
        &["Null", "Bool", "BoolIfExists"],
        &["true", "false"],
    ),
    (
        "aws:SourceIp",
        &["IpAddress", "NotIpAddress"],
        &["10.0.0.0/8", "10.1.0.0/16", "192.0.2.0/24"],
    ),
];

/// Two policies of one kind, before a change and after it.
pub(crate) fn pair(dice: &mut Dice) -> (Policy, Policy) {
    let trust = dice.in_hundred(40);
    let before = policy(dice, trust);
    let after = match dice.roll(10) {
        0 => policy(dice, trust),
        1 | 2 => {
            let mut after = policy(dice, trust);
            after.statements.push(dice.one(&before.statements).clone());
            after
        }
        _ => {
            let mut after = before.clone();
            for _ in 0..=dice.roll(3) {
                edit(dice, &mut after);
            }
            after
        }
    };
    if dice.in_hundred(50) {
        (before, after)
    } else {
        (after, before)
    }
}

fn policy(dice: &mut Dice, trust: bool) -> Policy {
    let mut statements: Vec<Statement> = (0..=dice.roll(3)).map(|_| statement(dice, trust)).collect();
    // A policy that only denies grants nothing, and tests nothing.
    statements[0].allow = true;
    Policy {
        trust,
        version: "2012-10-17",
        statements,
    }
}

fn statement(dice: &mut Dice, trust: bool) -> Statement {
    let allow = dice.in_hundred(70);
    let some = |dice: &mut Dice, from: &[&str], negated: usize| List {
        negated: dice.in_hundred(negated),
        values: values(dice, from, 3),
    };
    let actions = if trust {
        some(dice, TRUST_ACTIONS, 0)
    } else {
        some(dice, ACTIONS, 12)
    };
    let count = [0, 0, 1, 1, 2][dice.roll(5)];
    let mut statement = Statement {
        allow,
        actions,
        resources: some(dice, RESOURCES, 12),
        principals: some(dice, PRINCIPALS, if allow { 0 } else { 15 }),
        conditions: Vec::new(),
    };
    for _ in 0..count {
        add_condition(dice, &mut statement, trust);
    }
    statement
}

fn values(dice: &mut Dice, from: &[&str], most: usize) -> Vec<String> {
    let mut values: Vec<String> = (0..=dice.roll(most))
        .map(|_| dice.pick(from).to_owned())
        .collect();
    values.sort();
    values.dedup();
    values
}

fn add_condition(dice: &mut Dice, statement: &mut Statement, trust: bool) {
    let (key, operators, texts) = *dice.one(if trust { TRUST_KEYS } else { IDENTITY_KEYS });
    let operator = dice.pick(operators).to_owned();
    let is_there = |other: &Condition| other.key == key && other.operator == operator;
    if !statement.conditions.iter().any(is_there) {
        let values = values(dice, texts, 2);
        statement.conditions.push(Condition {
            operator,
            key,
            values,
        });
    }
}

/// What a person does to a policy.
fn edit(dice: &mut Dice, policy: &mut Policy) {
    let trust = policy.trust;
    let which = dice.roll(policy.statements.len());
    match dice.roll(16) {
        0 if policy.statements.len() > 1 => {
            policy.statements.remove(which);
        }
        1 => {
            let new = statement(dice, trust);
            policy.statements.insert(which, new);
        }
        2 => policy.statements.reverse(),
        3 => {
            let again = policy.statements[which].clone();
            policy.statements.push(again);
        }
        4 => split(dice, policy, which),
        5 => {
            let last = policy.statements.len() - 1;
            merge(policy, which, last);
        }
        _ => edit_statement(dice, &mut policy.statements[which], trust),
    }
}

/// One statement becomes two, each with some of its values.
fn split(dice: &mut Dice, policy: &mut Policy, which: usize) {
    let mut other = policy.statements[which].clone();
    let one = &mut policy.statements[which];
    let mut lists: Vec<(&mut Vec<String>, &mut Vec<String>)> = Vec::new();
    for (list, twin) in [
        (&mut one.actions, &mut other.actions),
        (&mut one.resources, &mut other.resources),
        (&mut one.principals, &mut other.principals),
    ] {
        if !list.negated {
            lists.push((&mut list.values, &mut twin.values));
        }
    }
    lists.retain(|(values, _)| values.len() > 1);
    if lists.is_empty() {
        return;
    }
    let chosen = dice.roll(lists.len());
    let (values, twins) = lists.swap_remove(chosen);
    *twins = values.split_off(1 + dice.roll(values.len() - 1));
    policy.statements.push(other);
}

/// Two statements that differ in their actions alone become one.
fn merge(policy: &mut Policy, one: usize, other: usize) {
    let (left, right) = (&policy.statements[one], &policy.statements[other]);
    let rest = |statement: &Statement| {
        format!(
            "{:?}{:?}{:?}{:?}",
            statement.allow, statement.resources, statement.principals, statement.conditions
        )
    };
    if one != other && rest(left) == rest(right) && !left.actions.negated && !right.actions.negated {
        let more = policy.statements.remove(other).actions.values;
        policy.statements[one].actions.values.extend(more);
    }
}

fn edit_statement(dice: &mut Dice, statement: &mut Statement, trust: bool) {
    let words = if trust { TRUST_ACTIONS } else { ACTIONS };
    match dice.roll(12) {
        0 => edit_list(dice, &mut statement.actions.values, words),
        1 => edit_list(dice, &mut statement.resources.values, RESOURCES),
        2 if trust => edit_list(dice, &mut statement.principals.values, PRINCIPALS),
        3 => widen(dice, &mut statement.actions.values, false),
        4 if !trust => widen(dice, &mut statement.resources.values, true),
        5 => add_condition(dice, statement, trust),
        6 if !statement.conditions.is_empty() => {
            let which = dice.roll(statement.conditions.len());
            statement.conditions.remove(which);
        }
        7..=10 if !statement.conditions.is_empty() => {
            let which = dice.roll(statement.conditions.len());
            edit_condition(dice, statement, which, trust);
        }
        _ => {
            // Another spelling of the same.
            for action in &mut statement.actions.values {
                *action = if dice.in_hundred(50) {
                    action.to_lowercase()
                } else {
                    action.to_uppercase()
                };
            }
            statement.resources.values.reverse();
        }
    }
}

fn edit_list(dice: &mut Dice, list: &mut Vec<String>, from: &[&str]) {
    let which = dice.roll(list.len());
    match dice.roll(3) {
        0 if list.len() > 1 => {
            list.remove(which);
        }
        1 => list[which] = dice.pick(from).to_owned(),
        _ => list.push(dice.pick(from).to_owned()),
    }
}

/// The end of a word becomes a `*`, or goes.
fn widen(dice: &mut Dice, list: &mut [String], path: bool) {
    let which = dice.roll(list.len());
    let word = &mut list[which];
    let start = if path {
        word.rfind([':', '/'])
    } else {
        word.find(':')
    };
    if let Some(start) = start {
        let room = word.len() - start - 1;
        let at = start + 1 + dice.roll(room);
        if word.is_char_boundary(at) && !word.contains('$') {
            word.truncate(at);
            word.push('*');
        }
    }
}

fn edit_condition(dice: &mut Dice, statement: &mut Statement, which: usize, trust: bool) {
    let key = statement.conditions[which].key;
    let vocabulary = if trust { TRUST_KEYS } else { IDENTITY_KEYS };
    let Some((_, operators, texts)) = vocabulary.iter().find(|(known, ..)| *known == key) else {
        return;
    };
    if dice.in_hundred(60) {
        edit_list(dice, &mut statement.conditions[which].values, texts);
    } else {
        let operator = dice.pick(operators).to_owned();
        let is_there = |other: &Condition| other.key == key && other.operator == operator;
        if !statement.conditions.iter().any(is_there) {
            statement.conditions[which].operator = operator;
        }
    }
}

impl Policy {
    /// As a document, spelled as people do: one value as a list or not, one statement as a list or not.
    pub(crate) fn document(&self, dice: &mut Dice) -> Value {
        let statements: Vec<Value> = self
            .statements
            .iter()
            .map(|one| one.document(dice, self.trust))
            .collect();
        json!({"Version": self.version, "Statement": shortened(dice, statements)})
    }
}

impl Statement {
    /// The principals that it names, each with its kind.
    pub(crate) fn named_principals(&self) -> &[String] {
        &self.principals.values
    }

    fn document(&self, dice: &mut Dice, trust: bool) -> Value {
        let mut fields = Map::new();
        fields.insert(
            "Effect".to_owned(),
            json!(if self.allow { "Allow" } else { "Deny" }),
        );
        let mut put = |dice: &mut Dice, name: &str, list: &List| {
            let name = format!("{}{name}", if list.negated { "Not" } else { "" });
            let values = list.values.iter().map(|value| json!(value)).collect();
            fields.insert(name, shortened(dice, values));
        };
        put(dice, "Action", &self.actions);
        if !trust {
            put(dice, "Resource", &self.resources);
        }
        if trust {
            let mut kinds: Map<String, Value> = Map::new();
            for principal in &self.principals.values {
                let (kind, value) = principal.split_once(' ').unwrap();
                let values = kinds.entry(kind).or_insert_with(|| json!([]));
                values.as_array_mut().unwrap().push(json!(value));
            }
            let name = if self.principals.negated {
                "NotPrincipal"
            } else {
                "Principal"
            };
            fields.insert(name.to_owned(), Value::Object(kinds));
        }
        let mut conditions: Map<String, Value> = Map::new();
        for Condition {
            operator,
            key,
            values,
        } in &self.conditions
        {
            let values = shortened(dice, values.iter().map(|value| json!(value)).collect());
            let of_operator = conditions.entry(operator.clone()).or_insert_with(|| json!({}));
            of_operator[*key] = values;
        }
        if !conditions.is_empty() {
            fields.insert("Condition".to_owned(), Value::Object(conditions));
        }
        Value::Object(fields)
    }
}

fn shortened(dice: &mut Dice, mut values: Vec<Value>) -> Value {
    if values.len() == 1 && dice.in_hundred(50) {
        values.remove(0)
    } else {
        Value::Array(values)
    }
}
