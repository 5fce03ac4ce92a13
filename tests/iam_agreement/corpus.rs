//! Random requests to AWS and the policies that they meet, from a fixed seed.

use eksact_identity::iam::policy::{RequestContext, authorization::Caller};
use serde_json::{Map, Value, json};

use crate::policy_agreement::corpus::Dice;

/// The account of the resources that have one in no ARN, and of most callers.
pub(super) const OWN: &str = "111122223333";
const OTHER: &str = "444455556666";
const PROVIDER: &str = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/A1B2";
const SUBJECT: &str = "oidc.eks.eu-west-1.amazonaws.com/id/A1B2:sub";
const AUDIENCE: &str = "oidc.eks.eu-west-1.amazonaws.com/id/A1B2:aud";
const TARGET: &str = "arn:aws:iam::111122223333:role/target";

/// A request, and everything that decides it.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) caller: Caller,
    /// The caller's ARN as it signs.
    pub(super) signs_as: String,
    pub(super) action: String,
    pub(super) resource: String,
    pub(super) account: &'static str,
    pub(super) context: Map<String, Value>,
    pub(super) identity: Vec<Value>,
    pub(super) boundary: Option<Value>,
    pub(super) session: Option<Value>,
    pub(super) of_resource: Option<Value>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The policies of the caller alone.
    Own,
    /// A role is assumed.
    Trust,
    /// A bucket or queue with a policy.
    Shared,
    /// A key, whose policy must let everybody in.
    Key,
}

const ACTIONS: &[&str] = &[
    "*",
    "s3:*",
    "s3:Get*",
    "s3:GetObject",
    "s3:Get?bject",
    "s3:PutObject",
    "s3:*Object",
    "S3:GETOBJECT",
    "iam:PassRole",
    "iam:*",
    "sqs:SendMessage",
    "sqs:*",
    "dynamodb:GetItem",
];
const ASKED: &[&str] = &[
    "s3:GetObject",
    "s3:GetObject",
    "s3:PutObject",
    "iam:PassRole",
    "sqs:SendMessage",
    "dynamodb:GetItem",
];
const STS: &[&str] = &[
    "sts:AssumeRole",
    "sts:AssumeRole",
    "sts:Assume*",
    "sts:*",
    "sts:TagSession",
    "*",
    "s3:*",
];
const TRUST_ACTIONS: &[&str] = &[
    "sts:AssumeRole",
    "sts:AssumeRole",
    "sts:*",
    "sts:TagSession",
    "sts:AssumeRoleWithWebIdentity",
    "sts:AssumeRole*",
];
const KMS: &[&str] = &["kms:Decrypt", "kms:*", "kms:De*", "kms:Encrypt", "*"];

const RESOURCES: &[&str] = &[
    "*",
    "*",
    "arn:aws:s3:::*",
    "arn:aws:s3:::data/*",
    "arn:aws:s3:::data*",
    "arn:aws:s3:::data/logs/*",
    "arn:aws:s3:::data/logs/?",
    "arn:aws:s3:::data/${aws:username}/*",
    "arn:aws:s3:::data/${aws:PrincipalTag/team, 'web'}/*",
    "arn:aws:iam::111122223333:role/app-*",
    "arn:aws:iam::*:role/app-web",
    "arn:aws:sqs:*:111122223333:jobs",
    "arn:aws:sqs:eu-west-1:111122223333:*",
    "arn:aws:dynamodb:eu-west-1:111122223333:table/t?",
];
const ASKED_RESOURCES: &[(&str, &str)] = &[
    ("s3:", "arn:aws:s3:::data/logs/x"),
    ("s3:", "arn:aws:s3:::data/web/x"),
    ("s3:", "arn:aws:s3:::data/ann/x"),
    ("s3:", "arn:aws:s3:::other/x"),
    ("iam:", "arn:aws:iam::111122223333:role/app-web"),
    ("iam:", "arn:aws:iam::111122223333:role/other"),
    ("sqs:", "arn:aws:sqs:eu-west-1:111122223333:jobs"),
    ("sqs:", "arn:aws:sqs:us-east-1:111122223333:other"),
    ("dynamodb:", "arn:aws:dynamodb:eu-west-1:111122223333:table/t1"),
];
const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

const CALLERS: &[&str] = &[
    "arn:aws:iam::111122223333:user/ann",
    "arn:aws:iam::111122223333:user/bob",
    "arn:aws:sts::111122223333:assumed-role/dev/s1",
    "arn:aws:sts::111122223333:assumed-role/dev/s1",
    "arn:aws:sts::111122223333:assumed-role/ops/s2",
    "arn:aws:iam::444455556666:user/ann",
    "arn:aws:sts::444455556666:assumed-role/dev/s1",
];
const PRINCIPALS: &[&str] = &[
    "AWS 111122223333",
    "AWS arn:aws:iam::111122223333:root",
    "AWS 444455556666",
    "AWS arn:aws:iam::111122223333:user/ann",
    "AWS arn:aws:iam::111122223333:role/dev",
    "AWS arn:aws:iam::111122223333:role/dev",
    "AWS arn:aws:sts::111122223333:assumed-role/dev/s1",
    "AWS arn:aws:sts::111122223333:assumed-role/dev/other",
    "AWS arn:aws:iam::444455556666:role/dev",
    "AWS arn:aws:iam::444455556666:user/ann",
    "AWS *",
    "Service pods.eks.amazonaws.com",
    "Federated arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/A1B2",
];

/// A key, its operators, the values of policies, and those of requests.
type Vocabulary = (
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
    &'static [&'static str],
);

const TEXT: &[&str] = &[
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
const KEYS: &[Vocabulary] = &[
    (
        "aws:PrincipalTag/team",
        TEXT,
        &["web", "we*", "Web", "*", "ops", "w?b", "${aws:username}"],
        &["web", "ops", "ann", "WEB"],
    ),
    (
        "aws:RequestTag/env",
        TEXT,
        &["prod", "prod-*", "dev"],
        &["prod", "prod-1", "dev"],
    ),
    (
        "aws:TagKeys",
        &[
            "ForAllValues:StringEquals",
            "ForAllValues:StringLike",
            "ForAnyValue:StringEquals",
            "ForAnyValue:StringLike",
            "ForAnyValue:StringNotEquals",
            "ForAllValues:StringNotEquals",
            "ForAllValues:StringEqualsIfExists",
        ],
        &["team", "env", "te*"],
        &["team", "env", "cost"],
    ),
    (
        "aws:SecureTransport",
        &["Bool", "BoolIfExists"],
        &["true", "false"],
        &["true", "false"],
    ),
    (
        "aws:MultiFactorAuthAge",
        &[
            "NumericLessThan",
            "NumericLessThanEquals",
            "NumericGreaterThan",
            "NumericGreaterThanEquals",
            "NumericEquals",
            "NumericNotEquals",
            "NumericLessThanIfExists",
        ],
        &["60", "300", "3600"],
        &["59", "60", "300", "4000"],
    ),
    (
        "aws:MultiFactorAuthPresent",
        &["Null", "Bool", "BoolIfExists"],
        &["true", "false"],
        &["true", "false"],
    ),
    (
        "aws:SourceIp",
        &["IpAddress", "NotIpAddress", "IpAddressIfExists"],
        &["10.0.0.0/8", "10.1.0.0/16", "192.0.2.7"],
        &["10.1.2.3", "10.2.0.1", "192.0.2.7", "203.0.113.1"],
    ),
    (
        "aws:VpcSourceIp",
        &["IpAddress", "IpAddressIfExists"],
        &["10.0.0.0/8", "2001:db8::/32", "2001:db8::1"],
        &["10.1.2.3", "2001:db8::1", "2001:db9::1"],
    ),
    (
        "aws:CurrentTime",
        &[
            "DateLessThan",
            "DateGreaterThan",
            "DateLessThanEquals",
            "DateEquals",
            "DateNotEquals",
        ],
        &["2026-01-01T00:00:00Z", "2026-07-01T00:00:00Z"],
        &[
            "2025-12-31T00:00:00Z",
            "2026-07-01T00:00:00Z",
            "2028-01-01T00:00:00Z",
        ],
    ),
    (
        "aws:SourceArn",
        &[
            "ArnLike",
            "ArnEquals",
            "ArnNotLike",
            "ArnNotEquals",
            "ArnLikeIfExists",
        ],
        &[
            "arn:aws:sns:eu-west-1:111122223333:topic",
            "arn:aws:sns:*:111122223333:*",
            "arn:aws:s3:::data",
        ],
        &[
            "arn:aws:sns:eu-west-1:111122223333:topic",
            "arn:aws:sns:us-east-1:444455556666:t",
            "arn:aws:s3:::data",
        ],
    ),
    (
        "aws:PrincipalArn",
        &["ArnLike", "ArnEquals", "ArnNotLike", "StringLike", "StringEquals"],
        &[
            "arn:aws:iam::111122223333:role/dev",
            "arn:aws:iam::111122223333:*",
            "arn:aws:iam::*:user/ann",
        ],
        &[],
    ),
    (
        "aws:PrincipalAccount",
        &["StringEquals", "StringNotEquals"],
        &[OWN, OTHER],
        &[],
    ),
    (
        "eksact:Bytes",
        &["BinaryEquals", "BinaryEqualsIfExists"],
        &["AAECAw==", "QUJD"],
        &["AAECAw==", "QUJD"],
    ),
];
const TRUST_KEYS: &[Vocabulary] = &[
    (
        SUBJECT,
        TEXT,
        &[
            "system:serviceaccount:app:web",
            "system:serviceaccount:app:*",
            "system:serviceaccount:*:web",
        ],
        &[
            "system:serviceaccount:app:web",
            "system:serviceaccount:app:api",
            "system:serviceaccount:ops:web",
        ],
    ),
    (
        AUDIENCE,
        TEXT,
        &["sts.amazonaws.com", "sts.*"],
        &["sts.amazonaws.com", "other"],
    ),
    ("sts:ExternalId", TEXT, &["x1", "x2", "x*"], &["x1", "x3"]),
];

/// A random request.
pub(super) fn case(dice: &mut Dice) -> Case {
    let kind = match dice.roll(20) {
        0..7 => Kind::Own,
        7..14 => Kind::Trust,
        14..18 => Kind::Shared,
        _ => Kind::Key,
    };
    let (caller, signs_as) = caller(dice, kind);
    let (action, resource) = asked(dice, kind, &caller);
    let own_actions = if kind == Kind::Trust {
        STS
    } else if kind == Kind::Key {
        KMS
    } else {
        ACTIONS
    };
    let of_account = caller.account().is_some();
    let own = |dice: &mut Dice| document(dice, own_actions, kind, &signs_as, true);
    let identity = match (of_account, dice.roll(10)) {
        (false, _) | (true, 0) => Vec::new(),
        (true, 1) => vec![own(dice), own(dice)],
        (true, 2..4) => vec![allow_all()],
        (true, _) => vec![own(dice)],
    };
    let limit = |dice: &mut Dice, chance: usize| {
        (of_account && dice.in_hundred(chance)).then(|| {
            if dice.in_hundred(40) {
                allow_all()
            } else {
                own(dice)
            }
        })
    };
    let boundary = limit(dice, 25);
    let is_session = matches!(caller, Caller::Role { .. });
    let session = limit(dice, if is_session { 20 } else { 0 });
    let resource_actions = if kind == Kind::Trust {
        TRUST_ACTIONS
    } else {
        own_actions
    };
    let of_resource = (kind != Kind::Own).then(|| document(dice, resource_actions, kind, &signs_as, false));
    let account = if kind == Kind::Shared && resource.starts_with("arn:aws:s3") && dice.in_hundred(40) {
        OTHER
    } else {
        OWN
    };
    let context = context(dice, &caller);
    Case {
        caller,
        signs_as,
        action,
        resource,
        account,
        context,
        identity,
        boundary,
        session,
        of_resource,
    }
}

fn caller(dice: &mut Dice, kind: Kind) -> (Caller, String) {
    if kind == Kind::Trust {
        match dice.roll(10) {
            0 => {
                let name = "pods.eks.amazonaws.com".to_owned();
                return (Caller::Service { name: name.clone() }, name);
            }
            1 => {
                let provider = PROVIDER.to_owned();
                return (
                    Caller::Federated {
                        provider: provider.clone(),
                    },
                    provider,
                );
            }
            _ => {}
        }
    }
    let arn = dice.pick(CALLERS);
    (Caller::of_arn(arn).unwrap(), arn.to_owned())
}

fn asked(dice: &mut Dice, kind: Kind, caller: &Caller) -> (String, String) {
    let (action, resource) = match kind {
        Kind::Trust if matches!(caller, Caller::Federated { .. }) => {
            ("sts:AssumeRoleWithWebIdentity", TARGET)
        }
        Kind::Trust => (
            dice.pick(&["sts:AssumeRole", "sts:AssumeRole", "sts:TagSession"]),
            TARGET,
        ),
        Kind::Key => (dice.pick(&["kms:Decrypt", "kms:Encrypt"]), KEY),
        Kind::Own | Kind::Shared => {
            let action = dice.pick(if kind == Kind::Shared { &ASKED[..3] } else { ASKED });
            let fitting: Vec<&str> = ASKED_RESOURCES
                .iter()
                .filter(|(service, _)| action.starts_with(service))
                .map(|(_, resource)| *resource)
                .collect();
            (action, dice.pick(&fitting))
        }
    };
    (action.to_owned(), resource.to_owned())
}

fn allow_all() -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
}

fn document(dice: &mut Dice, actions: &[&str], kind: Kind, signs_as: &str, is_own: bool) -> Value {
    let statements: Vec<Value> = (0..=dice.roll(3))
        .map(|index| statement(dice, actions, kind, signs_as, is_own, index == 0))
        .collect();
    json!({"Version": "2012-10-17", "Statement": statements})
}

fn statement(
    dice: &mut Dice,
    actions: &[&str],
    kind: Kind,
    signs_as: &str,
    is_own: bool,
    is_first: bool,
) -> Value {
    let allow = is_first || dice.in_hundred(65);
    let mut fields = Map::new();
    fields.insert("Effect".to_owned(), json!(if allow { "Allow" } else { "Deny" }));
    let is_trust = kind == Kind::Trust && !is_own;
    put(
        dice,
        &mut fields,
        "Action",
        actions,
        if is_trust { 0 } else { 10 },
    );
    if !is_trust {
        let resources: &[&str] = match kind {
            Kind::Trust => &[
                "*",
                TARGET,
                "arn:aws:iam::111122223333:role/*",
                "arn:aws:iam::111122223333:role/other",
            ],
            Kind::Key => &["*", "*", KEY, "arn:aws:kms:eu-west-1:111122223333:key/*"],
            Kind::Own | Kind::Shared => RESOURCES,
        };
        // A bucket policy is of one bucket; the validator asks for no more.
        put(dice, &mut fields, "Resource", resources, 10);
    }
    if !is_own {
        let negated = !allow && dice.in_hundred(12);
        let mut kinds: Map<String, Value> = Map::new();
        for _ in 0..=dice.roll(2) {
            let named = if dice.in_hundred(30) {
                own_principal(signs_as)
            } else {
                dice.pick(PRINCIPALS).to_owned()
            };
            let (kind, value) = named.split_once(' ').unwrap();
            let values = kinds.entry(kind).or_insert_with(|| json!([]));
            values.as_array_mut().unwrap().push(json!(value));
        }
        fields.insert(
            (if negated { "NotPrincipal" } else { "Principal" }).to_owned(),
            Value::Object(kinds),
        );
    }
    let mut conditions: Map<String, Value> = Map::new();
    for _ in 0..[0, 0, 0, 1, 1, 2][dice.roll(6)] {
        let of_trust = is_trust && dice.in_hundred(50);
        let (key, operators, values, _) = *dice.one(if of_trust { TRUST_KEYS } else { KEYS });
        let operator = dice.pick(operators);
        let mut chosen: Vec<&str> = (0..=dice.roll(2)).map(|_| dice.pick(values)).collect();
        if operator == "Null" {
            chosen.truncate(1);
        }
        chosen.dedup();
        conditions.entry(operator).or_insert_with(|| json!({}))[key] = json!(chosen);
    }
    if !conditions.is_empty() {
        fields.insert("Condition".to_owned(), Value::Object(conditions));
    }
    Value::Object(fields)
}

fn put(dice: &mut Dice, fields: &mut Map<String, Value>, name: &str, from: &[&str], negated: usize) {
    let name = format!("{}{name}", if dice.in_hundred(negated) { "Not" } else { "" });
    let mut values: Vec<&str> = (0..=dice.roll(3)).map(|_| dice.pick(from)).collect();
    values.dedup();
    fields.insert(name, json!(values));
}

/// The caller as a statement names it, so that statements often mean it.
fn own_principal(signs_as: &str) -> String {
    if signs_as.contains(":oidc-provider/") {
        format!("Federated {signs_as}")
    } else if signs_as.starts_with("arn:") {
        format!("AWS {signs_as}")
    } else {
        format!("Service {signs_as}")
    }
}

fn context(dice: &mut Dice, caller: &Caller) -> Map<String, Value> {
    let mut context = Map::new();
    for (key, _, _, values) in KEYS.iter().chain(TRUST_KEYS) {
        if values.is_empty() || dice.in_hundred(25) {
            continue;
        }
        let value = if *key == "aws:TagKeys" {
            let mut keys: Vec<&str> = (0..=dice.roll(2)).map(|_| dice.pick(values)).collect();
            keys.dedup();
            json!(keys)
        } else {
            json!(dice.pick(values))
        };
        context.insert((*key).to_owned(), value);
    }
    if let (Some(account), true) = (caller.account(), !matches!(caller, Caller::Service { .. })) {
        context.insert("aws:PrincipalArn".to_owned(), json!(caller.name()));
        context.insert("aws:PrincipalAccount".to_owned(), json!(account));
    }
    if let Caller::User { arn } = caller {
        let name = arn.rsplit('/').next().unwrap();
        context.insert("aws:username".to_owned(), json!(name));
    }
    context
}

/// The same keys, to ask ours.
pub(super) fn known(context: &Map<String, Value>) -> RequestContext {
    let all = context
        .iter()
        .fold(RequestContext::default(), |all, (key, value)| match value {
            Value::String(value) => all.with(key, value),
            list => {
                let values = list.as_array().unwrap().iter();
                all.with_values(
                    key,
                    values.map(|value| value.as_str().unwrap().to_owned()).collect(),
                )
            }
        });
    all.and_no_other()
}
