use serde_json::json;

use super::{Deltas, assumed::trusted, in_aws, unplanned};
use crate::engine::{
    Action, Address, AttributeChange, Change, Difference, DifferenceSign, Effect, Finding, HolderKind, Plan,
    PlanDraft, Severity, StepId, Unknown,
};
use eksact_message::code::Code;

const ISSUER: &str = "https://oidc.eks.eu-west-1.amazonaws.com/id/A";
const PROVIDER: &str = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/A";

fn change(draft: &mut PlanDraft, action: Action, address: &str, attributes: Vec<AttributeChange>) {
    let (kind, name) = address.split_once('/').unwrap();
    let address = Address::new(kind, name);
    let step: StepId = draft.add_step(&address, "step", "do it", Vec::new(), &json!({}));
    draft.add_change(Change {
        address,
        action,
        reasons: Vec::new(),
        origin: None,
        source: None,
        attributes,
        depends_on: Vec::new(),
        steps: vec![step],
        fingerprint: String::new(),
        effect: Effect::Equal,
        notes: Vec::new(),
    });
}

fn plan(changes: Vec<(Action, &str, Vec<AttributeChange>)>) -> Plan {
    let mut draft = PlanDraft::default();
    draft.set_target("issuer", ISSUER);
    draft.set_target("account", "111122223333");
    for (action, address, attributes) in changes {
        change(&mut draft, action, address, attributes);
    }
    draft.finish("0").unwrap()
}

/// `+` and `-` before who and what.
fn said(changes: Vec<(Action, &str, Vec<AttributeChange>)>) -> Vec<String> {
    let mut deltas = Deltas::default();
    in_aws::add(&plan(changes), &mut deltas);
    let mut all = Vec::new();
    for delta in deltas.finish() {
        let holder = delta.holder();
        all.extend(delta.gains.iter().map(|what| format!("+ {holder}: {what}")));
        all.extend(delta.loses.iter().map(|what| format!("- {holder}: {what}")));
    }
    all
}

fn managed(before: Option<&str>, after: Option<&str>) -> AttributeChange {
    let effect = if after.is_some() {
        Effect::Broader
    } else {
        Effect::Narrower
    };
    let value = |name: Option<&str>| name.map(|name| json!(name));
    AttributeChange::plain("managed policy", value(before), value(after)).with_effect(effect)
}

fn annotation(before: Option<&str>, after: Option<&str>) -> AttributeChange {
    let value = |arn: Option<&str>| arn.map(|arn| json!(arn));
    AttributeChange::plain(
        "annotation eks.amazonaws.com/role-arn",
        value(before),
        value(after),
    )
}

#[test]
fn new_role_gives_its_policies_once() {
    let unknown = Unknown {
        address: Address::new("iam-role", "app/web"),
        attribute: "ARN".to_owned(),
    };
    let deferred = AttributeChange::deferred("annotation eks.amazonaws.com/role-arn", None, unknown);
    assert_eq!(
        said(vec![
            (
                Action::Create,
                "iam-role/app/web",
                vec![managed(None, Some("s3"))]
            ),
            (Action::Create, "service-account/app/web", vec![deferred]),
        ]),
        ["+ service account app/web: managed policy s3"]
    );
}

#[test]
fn role_that_goes_takes_its_policies_and_is_not_told_twice() {
    let role = AttributeChange::plain("role", Some(json!("web-role")), None).with_effect(Effect::Narrower);
    let policy = AttributeChange::plain("managed policy", Some(json!("s3")), None);
    let arn = "arn:aws:iam::111122223333:role/path/web-role";
    assert_eq!(
        said(vec![
            (Action::Delete, "iam-role/app/web", vec![role.clone(), policy]),
            (
                Action::Delete,
                "service-account/app/web",
                vec![annotation(Some(arn), None)]
            ),
        ]),
        ["- service account app/web: managed policy s3"]
    );
    assert_eq!(
        said(vec![(Action::Delete, "iam-role/app/web", vec![role])]),
        ["- service account app/web: role web-role"],
        "policies that could not be read"
    );
}

/// Roles of two accounts may have one name, of which one goes.
#[test]
fn role_of_another_account_is_told_whatever_goes_here() {
    let role = AttributeChange::plain("role", Some(json!("shared")), None).with_effect(Effect::Narrower);
    let policy = AttributeChange::plain("managed policy", Some(json!("s3")), None);
    let own = "arn:aws:iam::111122223333:role/shared";
    let other = "arn:aws:iam::999999999999:role/shared";
    let told = |before, after| {
        said(vec![
            (
                Action::Delete,
                "iam-role/app/web",
                vec![role.clone(), policy.clone()],
            ),
            (
                Action::Update,
                "service-account/app/web",
                vec![annotation(before, after)],
            ),
        ])
    };
    assert_eq!(
        told(Some(own), Some(other)),
        [
            format!("+ service account app/web: role {other}"),
            "- service account app/web: managed policy s3".to_owned(),
        ]
    );
    assert_eq!(
        told(Some(other), None),
        [
            "- service account app/web: managed policy s3".to_owned(),
            format!("- service account app/web: role {other}"),
        ]
    );
}

#[test]
fn access_that_comes_another_way_stays() {
    let arn = "arn:aws:iam::111122223333:role/web";
    let association = AttributeChange::plain("role", None, Some(json!(arn))).with_effect(Effect::Broader);
    assert_eq!(
        said(vec![
            (
                Action::Update,
                "service-account/app/web",
                vec![annotation(Some(arn), None)]
            ),
            (
                Action::Create,
                "pod-identity-association/app/web",
                vec![association]
            ),
        ]),
        [""; 0]
    );
    assert_eq!(
        said(vec![(
            Action::Update,
            "service-account/app/web",
            vec![annotation(
                Some(arn),
                Some("arn:aws:iam::111122223333:role/other")
            )]
        )]),
        [
            "+ service account app/web: role arn:aws:iam::111122223333:role/other",
            "- service account app/web: role arn:aws:iam::111122223333:role/web",
        ]
    );
}

#[test]
fn statements_are_told_by_what_they_do() {
    let line = |sign, indent, text: &str, effect| Difference {
        sign,
        indent,
        text: text.to_owned(),
        effect,
    };
    let policy = AttributeChange::plain("inline policy q", Some(json!({})), Some(json!({})))
        .with_differences(vec![
            line(
                DifferenceSign::Context,
                0,
                "Allow on orders",
                Some(Effect::Broader),
            ),
            line(DifferenceSign::Removed, 1, "action sqs:SendMessage", None),
            line(DifferenceSign::Added, 1, "action sqs:*", None),
            line(
                DifferenceSign::Removed,
                0,
                "Allow s3:* on tmp",
                Some(Effect::Narrower),
            ),
        ])
        .with_effect(Effect::Incomparable);
    assert_eq!(
        said(vec![(Action::Update, "iam-role/app/web", vec![policy])]),
        [
            "+ service account app/web: perhaps inline policy: Allow on orders - action sqs:SendMessage + action sqs:*",
            "- service account app/web: perhaps inline policy: Allow s3:* on tmp",
        ]
    );
}

#[test]
fn boundary_takes_and_without_it_there_is_more() {
    let boundary = |before: Option<&str>, after: Option<&str>, effect| {
        let value = |name: Option<&str>| name.map(|name| json!(name));
        vec![AttributeChange::plain("permissions boundary", value(before), value(after)).with_effect(effect)]
    };
    let told = |attributes| said(vec![(Action::Update, "iam-role/app/web", attributes)]);
    assert_eq!(
        told(boundary(Some("b"), None, Effect::Broader)),
        ["+ service account app/web: what the permissions boundary b did not allow"]
    );
    assert_eq!(
        told(boundary(None, Some("b"), Effect::Narrower)),
        ["- service account app/web: what the permissions boundary b does not allow"]
    );
}

/// Without its target role the pods get what the first role allows, of which nothing is known here.
#[test]
fn access_may_be_more_without_what_stood_in_between() {
    let target = json!("arn:aws:iam::999999999999:role/target");
    let cleared = AttributeChange::plain("target role", Some(target), None).with_effect(Effect::Incomparable);
    assert_eq!(
        said(vec![(
            Action::Update,
            "pod-identity-association/app/web",
            vec![cleared]
        )]),
        [
            "+ service account app/web: perhaps what the target role arn:aws:iam::999999999999:role/target did not allow",
            "- service account app/web: perhaps target role arn:aws:iam::999999999999:role/target",
        ]
    );
}

/// Where everybody with a token came in, nobody who is named afterwards comes in by that.
#[test]
fn trust_policy_that_lets_in_fewer_gives_nobody_anything() {
    let statement = |condition| json!({"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity", "Principal": {"Federated": PROVIDER}, "Condition": condition}]});
    let everybody = statement(json!({}));
    let web = statement(
        json!({"StringEquals": {"oidc.eks.eu-west-1.amazonaws.com/id/A:sub": "system:serviceaccount:app:web"}}),
    );
    let told = |before: &serde_json::Value, after: &serde_json::Value, effect| {
        let trust = AttributeChange::plain("trust policy", Some(before.clone()), Some(after.clone()));
        said(vec![(
            Action::Update,
            "iam-role/app/web",
            vec![trust.with_effect(effect)],
        )])
    };
    let anybody = format!("anybody of {PROVIDER}: assuming iam-role/app/web");
    assert_eq!(told(&everybody, &web, Effect::Narrower), [format!("- {anybody}")]);
    assert_eq!(told(&web, &everybody, Effect::Broader), [format!("+ {anybody}")]);
}

#[test]
fn trust_policy_that_changes_names_whom_it_lets_in() {
    let allow = |principal, condition| json!({"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity", "Principal": principal, "Condition": condition});
    let web = allow(
        json!({"Federated": PROVIDER}),
        json!({"StringEquals": {"oidc.eks.eu-west-1.amazonaws.com/id/A:sub": ["system:serviceaccount:app:web", "system:serviceaccount:app:api"]}}),
    );
    let mallory = json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "arn:aws:iam::111122223333:user/mallory"}});
    let document = |statements: Vec<&serde_json::Value>| json!({"Statement": statements});
    let trust = AttributeChange::plain(
        "trust policy",
        Some(document(vec![&mallory])),
        Some(document(vec![&web])),
    );
    assert_eq!(
        said(vec![(Action::Update, "shared-role/reader", vec![trust])]),
        [
            "- arn:aws:iam::111122223333:user/mallory: assuming shared-role/reader",
            "+ service account app/api: assuming shared-role/reader",
            "+ service account app/web: assuming shared-role/reader",
        ]
    );
    let other = trusted(&document(vec![&web]), Some("https://elsewhere"));
    assert!(
        other
            .iter()
            .all(|(kind, who)| *kind == HolderKind::Principal && who.ends_with(PROVIDER)),
        "{other:?}"
    );
    let open = allow(json!({"Federated": PROVIDER}), json!({}));
    let open: Vec<_> = trusted(&document(vec![&open]), Some(ISSUER))
        .into_iter()
        .collect();
    assert_eq!(open, [(HolderKind::Principal, format!("anybody of {PROVIDER}"))]);
    let denied = json!({"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole"});
    assert!(trusted(&document(vec![&denied]), Some(ISSUER)).is_empty());
}

/// Where nothing of a kind could be planned, no object is named, and the difference is as incomplete.
#[test]
fn unplanned_access_is_named_with_and_without_an_object() {
    let mut draft = PlanDraft::default();
    let all = "no role can be planned, because the stacks of the region could not be read: denied";
    draft.add_finding(Finding::new(Severity::Error, Code::StacksUnreadable, all));
    let one = Finding::new(Severity::Error, Code::RoleUnreadable, "denied");
    draft.add_finding(one.about(&Address::new("iam-role", "app/web")));
    draft.add_finding(Finding::new(
        Severity::Warning,
        Code::NotPlanned,
        "it is no matter",
    ));
    let told = unplanned(&draft.finish("0").unwrap());
    assert_eq!(
        told.into_iter().collect::<Vec<_>>(),
        ["iam-role/app/web, which could not be planned", all]
    );
}
