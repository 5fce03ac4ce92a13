//! A plan with every action and every severity, and runs of it, for the tests of the views.

use std::time::Duration;

use eksact_message::{code::Code, remedy::Remedy};
use serde_json::{Value, json};

use crate::{
    config::SourceLocation,
    engine::{
        AccessDelta, Action, Address, AttributeChange, Change, Difference, DifferenceSign, Effect, Event,
        EventKind, Finding, HolderDelta, HolderKind, Plan, PlanDraft, Reason, Report, Severity, StepError,
        StepId, Unknown,
    },
    fleet::{ClusterId, Outcome, Problem, Status},
};

pub(super) fn at(line: u32) -> SourceLocation {
    SourceLocation {
        file: "cluster.yaml".into(),
        line,
        column: 7,
    }
}

pub(super) fn arn(name: &str) -> Value {
    json!(format!("arn:aws:iam::111122223333:policy/{name}"))
}

pub(super) fn draft() -> PlanDraft {
    let mut draft = PlanDraft::default();
    for (name, value) in [
        ("cluster", "prod"),
        ("account", "111122223333"),
        ("region", "eu-west-1"),
    ] {
        draft.set_target(name, value);
    }
    draft
}

/// A change with a step for each title, one after the other.
pub(super) fn add(
    draft: &mut PlanDraft,
    (action, address): (Action, &Address),
    reasons: &[(&str, &str)],
    attributes: Vec<AttributeChange>,
    titles: &[&str],
    line: Option<u32>,
    notes: &[&str],
) {
    let mut steps: Vec<StepId> = Vec::new();
    for (index, title) in titles.iter().enumerate() {
        let after = steps.last().cloned().into_iter().collect();
        steps.push(draft.add_step(address, &format!("step-{index}"), *title, after, &json!({})));
    }
    draft.add_change(Change {
        address: address.clone(),
        action,
        reasons: reasons
            .iter()
            .map(|(code, text)| Reason::new(code, *text))
            .collect(),
        source: line.map(at),
        attributes,
        depends_on: Vec::new(),
        steps,
        origin: None,
        fingerprint: "f".to_owned(),
        effect: Effect::Equal,
        notes: notes.iter().map(|&note| note.to_owned()).collect(),
    });
}

pub(super) fn difference(sign: DifferenceSign, indent: u8, text: &str, effect: Option<Effect>) -> Difference {
    Difference {
        sign,
        indent,
        text: text.to_owned(),
        effect,
    }
}

/// A plan with every action and every severity.
pub(super) fn plan() -> Plan {
    use DifferenceSign::{Added, Context, Removed};
    let mut draft = draft();
    let reader = Address::new("iam-role", "app/s3-reader");
    add(
        &mut draft,
        (Action::Update, &reader),
        &[
            ("differs", "it is not as the file says"),
            (
                "drift",
                "it was changed outside its stack; direct IAM calls repair it, because CloudFormation does \
                 not",
            ),
        ],
        vec![
            AttributeChange::plain(
                "managed policy",
                None,
                Some(arn("reports/monthly-figures-reader")),
            )
            .with_effect(Effect::Broader),
            AttributeChange::plain("managed policy", Some(arn("old")), None)
                .with_effect(Effect::Narrower)
                .with_remark("drift"),
            AttributeChange::plain(
                "permissions boundary",
                Some(arn("boundaries/applications-2024")),
                Some(arn("boundaries/applications-2025")),
            )
            .with_effect(Effect::Incomparable),
            AttributeChange::plain("inline policy s3", Some(json!({})), Some(json!({}))).with_differences(
                vec![
                    difference(
                        Context,
                        0,
                        "Allow s3:GetObject, s3:ListBucket",
                        Some(Effect::Broader),
                    ),
                    difference(
                        Added,
                        1,
                        "resource arn:aws:s3:::a-bucket-with-quite-a-long-name-for-reports/*",
                        None,
                    ),
                    difference(Removed, 1, "resource arn:aws:s3:::reports/*", None),
                    difference(
                        Removed,
                        0,
                        "Allow s3:* on arn:aws:s3:::tmp/*",
                        Some(Effect::Narrower),
                    ),
                    difference(Added, 0, "Allow 4 actions on *", Some(Effect::Broader)),
                    difference(Added, 1, "  sqs:SendMessage", None),
                ],
            ),
            AttributeChange::plain("termination protection", Some(json!(false)), Some(json!(true))),
        ],
        &[
            "update stack eksctl-prod-addon-iamserviceaccount-app-s3-reader through a change set",
            "detach arn:aws:iam::111122223333:policy/old from role eksctl-prod-Role1-X",
        ],
        Some(41),
        &[],
    );
    let named = Address::new("iam-role", "ops/named");
    add(
        &mut draft,
        (Action::Replace, &named),
        &[("stack-broken", "its stack is in ROLLBACK_COMPLETE (the role deployer exists already), and \
             CloudFormation accepts no update of it")],
        vec![
            AttributeChange::plain("stack", Some(json!("eksctl-prod-addon-iamserviceaccount-ops-named")), Some(json!("eksctl-prod-addon-iamserviceaccount-ops-named"))),
            AttributeChange::plain("trust policy", None, Some(json!({}))).with_differences(vec![difference(
                Added,
                0,
                "Allow sts:AssumeRoleWithWebIdentity to Federated arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABCDEF0123456789 if StringLike oidc.eks.eu-west-1.amazonaws.com/id/ABCDEF0123456789:sub = system:serviceaccount:ops:*",
                Some(Effect::Broader),
            )]).with_effect(Effect::Broader),
        ],
        &["lift the termination protection of stack eksctl-prod-addon-iamserviceaccount-ops-named", "delete stack eksctl-prod-addon-iamserviceaccount-ops-named", "create stack eksctl-prod-addon-iamserviceaccount-ops-named"],
        Some(58),
        &["The stack's termination protection is lifted first."],
    );
    let gone = Address::new("iam-role", "ops/gone");
    add(
        &mut draft,
        (Action::Delete, &gone),
        &[("pruned", "the file no longer has it")],
        vec![
            AttributeChange::plain(
                "stack",
                Some(json!("eksctl-prod-addon-iamserviceaccount-ops-gone")),
                None,
            ),
            AttributeChange::plain("managed policy", Some(arn("old")), None).with_effect(Effect::Narrower),
        ],
        &["delete stack eksctl-prod-addon-iamserviceaccount-ops-gone"],
        None,
        &[],
    );
    let account = Address::new("service-account", "app/s3-writer");
    let role = Unknown {
        address: Address::new("iam-role", "app/s3-writer"),
        attribute: "ARN".to_owned(),
    };
    add(
        &mut draft,
        (Action::Create, &account),
        &[("missing", "it does not exist")],
        vec![
            AttributeChange::deferred("annotation eks.amazonaws.com/role-arn", None, role),
            AttributeChange::plain("label team", None, Some(json!("reports"))),
            AttributeChange::plain("label app.kubernetes.io/managed-by", None, Some(json!("eksctl"))),
        ],
        &["apply service account app/s3-writer"],
        Some(44),
        &[],
    );
    let namespace = Address::new("namespace", "app");
    add(
        &mut draft,
        (Action::Create, &namespace),
        &[("missing", "it does not exist")],
        Vec::new(),
        &["create namespace app"],
        Some(44),
        &[],
    );
    let provider = Address::new("oidc-provider", "prod");
    add(
        &mut draft,
        (Action::Adopt, &provider),
        &[("unmarked", "it is missing the cluster's tag")],
        vec![
            AttributeChange::plain("thumbprints", Some(json!(["aa", "bb"])), Some(json!(["cc"])))
                .with_remark("CN=Amazon Root CA 1, until 2037"),
        ],
        &["tag provider"],
        Some(9),
        &[],
    );
    let helm = Address::new("service-account", "helm/release");
    add(
        &mut draft,
        (Action::Forget, &helm),
        &[("requested", "it was requested")],
        vec![AttributeChange::plain(
            "annotation eks.amazonaws.com/role-arn",
            Some(json!("arn:aws:iam::111122223333:role/x")),
            None,
        )],
        &["remove the annotation"],
        None,
        &["The service account belongs to Helm and is kept; only the annotation is removed."],
    );
    for number in 0..14 {
        draft.add_unchanged(Address::new("iam-role", format!("app/same-{number}")));
    }
    for finding in findings(&named) {
        draft.add_finding(finding);
    }
    let mut plan = draft.finish("0.1.0").unwrap();
    plan.access = Some(access());
    plan
}

fn access() -> AccessDelta {
    let delta = |kind, who: &str, gains: &[&str], loses: &[&str]| HolderDelta {
        kind,
        who: who.to_owned(),
        gains: gains.iter().map(ToString::to_string).collect(),
        loses: loses.iter().map(ToString::to_string).collect(),
    };
    AccessDelta {
        complete: false,
        people: vec![
            delta(
                HolderKind::Principal,
                "arn:aws:iam::111122223333:role/team/dev",
                &["AmazonEKSEditPolicy in namespaces default, dev-*"],
                &["everything (system:masters)"],
            ),
            delta(
                HolderKind::ServiceAccount,
                "app/s3-reader",
                &["managed policy arn:aws:iam::111122223333:policy/reports/monthly-figures-reader"],
                &[],
            ),
        ],
        unread: vec!["bindings: the server refuses to list them".to_owned()],
    }
}

fn findings(address: &Address) -> Vec<Finding> {
    vec![
        Finding::new(
            Severity::Note,
            Code::RoleAttached,
            "managedNodeGroups, addons and vpc are not managed by eksact.",
        ),
        Finding::new(
            Severity::Warning,
            Code::NoPolicy,
            "it has no policy at all, so that whoever assumes it may do nothing.",
        )
        .about(address)
        .at(Some(&at(60))),
        Finding::new(
            Severity::Error,
            Code::StackStuck,
            "the stack eksctl-prod-addon-iamserviceaccount-app-stuck is in UPDATE_ROLLBACK_FAILED.",
        )
        .about(&Address::new("iam-role", "app/stuck"))
        .with_help("Continue its rollback in the CloudFormation console, then plan again."),
        Finding::new(
            Severity::Refusal,
            Code::OidcProviderInUse,
            "3 roles still trust it.",
        )
        .about(&Address::new("oidc-provider", "prod"))
        .with_help("Delete those roles first."),
    ]
}

/// The step of an object of [`plan`].
pub(super) fn step(address: &str, number: usize) -> StepId {
    StepId(format!("{address}#step-{number}"))
}

pub(super) fn failure() -> StepError {
    StepError::new(
        "stack eksctl-prod-addon-iamserviceaccount-ops-named could not be created: Role1: the role deployer exists already\n(CREATE_FAILED, AWS::IAM::Role)",
    )
    .with_help("Give another roleName, or delete that role.")
}

/// A run of [`plan`] that went wrong in every way.
pub(super) fn report() -> Report {
    let reason = "iam-role/ops/named#step-1 did not succeed".to_owned();
    Report {
        done: vec![
            step("iam-role/app/s3-reader", 0),
            step("namespace/app", 0),
            step("iam-role/ops/named", 0),
            step("oidc-provider/prod", 0),
        ],
        failed: vec![(step("iam-role/ops/named", 1), failure())],
        not_tried: vec![
            (step("iam-role/ops/named", 2), reason),
            (step("iam-role/app/s3-reader", 1), "interrupted".to_owned()),
            (step("service-account/app/s3-writer", 0), "interrupted".to_owned()),
            (step("service-account/helm/release", 0), "interrupted".to_owned()),
        ],
        unknown: vec![step("iam-role/ops/gone", 0)],
        interrupted: true,
    }
}

/// Every kind of event, in an order that could be.
pub(super) fn events() -> Vec<Event> {
    let event = |elapsed_milliseconds, kind| Event {
        elapsed_milliseconds,
        kind,
    };
    let reader = Address::new("iam-role", "app/s3-reader");
    let create = "create stack eksctl-prod-addon-iamserviceaccount-app-s3-reader".to_owned();
    let named = Address::new("iam-role", "ops/named");
    let delete = "delete stack eksctl-prod-addon-iamserviceaccount-ops-named".to_owned();
    vec![
        event(0, EventKind::RunStarted { steps: 3 }),
        event(
            2,
            EventKind::StepStarted {
                id: step("iam-role/app/s3-reader", 0),
                address: reader.clone(),
                title: create.clone(),
            },
        ),
        event(
            3,
            EventKind::StepStarted {
                id: step("iam-role/ops/named", 1),
                address: named.clone(),
                title: delete.clone(),
            },
        ),
        event(
            1_100,
            EventKind::StepProgress {
                id: step("iam-role/app/s3-reader", 0),
                message: "CREATE_IN_PROGRESS".to_owned(),
            },
        ),
        event(
            5_100,
            EventKind::StepFinished {
                id: step("iam-role/app/s3-reader", 0),
                address: reader,
                title: create,
                took_milliseconds: 5_098,
                notes: vec![
                    "2 pods run with another role: kubectl -n app rollout restart deployment/reader."
                        .to_owned(),
                ],
            },
        ),
        event(
            6_000,
            EventKind::Interrupted {
                in_flight: 1,
                abandoned: false,
            },
        ),
        event(
            6_500,
            EventKind::Interrupted {
                in_flight: 1,
                abandoned: true,
            },
        ),
        event(
            65_000,
            EventKind::StepFailed {
                id: step("iam-role/ops/named", 1),
                address: named.clone(),
                title: delete,
                took_milliseconds: 64_997,
                error: failure(),
            },
        ),
        event(
            65_001,
            EventKind::StepSkipped {
                id: step("iam-role/ops/named", 2),
                address: named,
                title: "create stack eksctl-prod-addon-iamserviceaccount-ops-named".to_owned(),
                reason: "iam-role/ops/named#step-1 did not succeed".to_owned(),
            },
        ),
        event(
            65_002,
            EventKind::RunFinished {
                done: 1,
                failed: 1,
                not_tried: 1,
            },
        ),
    ]
}

/// A plan without changes over `unchanged` objects.
pub(super) fn empty(unchanged: usize) -> Plan {
    let mut draft = draft();
    for number in 0..unchanged {
        draft.add_unchanged(Address::new("iam-role", format!("app/{number}")));
    }
    draft.finish("0.1.0").unwrap()
}

/// Four clusters: one with changes, one without, one whose file is broken, one that did not answer.
pub(super) fn fleet() -> Vec<Outcome> {
    let cluster = |name: &str| {
        Some(ClusterId {
            account: None,
            region: "eu-west-1".to_owned(),
            name: name.to_owned(),
        })
    };
    let outcome = |name: &str, status| Outcome {
        cluster: cluster(name),
        files: vec![format!("clusters/{name}.yaml")],
        status,
        plan: None,
        digest: None,
        saved: None,
        run: None,
        problem: None,
        took: Duration::from_millis(1500),
    };
    let problem = |message: &str, help: Vec<Remedy>| {
        Some(Problem {
            message: message.to_owned(),
            help,
        })
    };
    vec![
        Outcome {
            plan: Some(plan()),
            ..outcome("prod", Status::Changes)
        },
        Outcome {
            plan: Some(empty(14)),
            ..outcome("test", Status::Unchanged)
        },
        Outcome {
            cluster: None,
            problem: problem(
                "the configuration cannot be used as it is: 1 error\nclusters/broken.yaml:3:1: error: there is no key `iamm`",
                Vec::new(),
            ),
            ..outcome("broken", Status::Invalid)
        },
        Outcome {
            problem: problem("it took longer than 10m", failure().help),
            ..outcome("far", Status::TimedOut)
        },
    ]
}

/// The same, applied: of the first not all went well.
pub(super) fn fleet_applied() -> Vec<Outcome> {
    let mut outcomes = fleet();
    if let Some(first) = outcomes.first_mut() {
        first.status = Status::Partial;
        first.run = Some((report(), events()));
    }
    outcomes
}
