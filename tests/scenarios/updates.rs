//! `update` by flags: it starts from what is live and changes only what the flags name. Whatever else stands on the role
//! or in its template stays.

use eksact_identity::service_account::ServiceAccountKey;
use std::collections::{BTreeMap, BTreeSet};

use eksact_core::{
    engine::Action,
    kinds::{
        Request,
        service_account_scope::{RoleAttribute, ServiceAccountScope},
    },
};
use eksact_simulator::World;
use serde_json::{Value, json};

use crate::scenarios::stage::{applied, apply, assert_settled, file, record_of, request, role_of};

const BEFORE: &str = "\
metadata: {name: web, namespace: app}
attachPolicyARNs: ['arn:aws:iam::aws:policy/ReadOnlyAccess']
wellKnownPolicies: {awsLoadBalancerController: true}
permissionsBoundary: arn:aws:iam::aws:policy/PowerUserAccess";
/// What the flags say: another managed policy, and nothing else.
const FLAGS: &str = "metadata: {name: web, namespace: app}\nattachPolicyARNs: ['arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess']";

fn updating(only: impl IntoIterator<Item = RoleAttribute>) -> Request {
    let mut request = request(&file(&[FLAGS]));
    request.ask(ServiceAccountScope {
        update: true,
        only: BTreeMap::from([(ServiceAccountKey::new("app", "web"), BTreeSet::from_iter(only))]),
        ..ServiceAccountScope::default()
    });
    request
}

/// An older release wrote the role: its well-known policy is not the one of today, in the template as on the role. And
/// somebody let another service account assume it.
fn older(world: &mut World) {
    let record = record_of(world, "web");
    let mut template: Value = serde_json::from_str(&record.template).unwrap();
    let properties = &mut template["Resources"]["PolicyAWSLoadBalancerController"]["Properties"];
    assert!(properties.is_object(), "{template:#}");
    properties["PolicyDocument"] = older_document();
    record.template = template.to_string();
    let role = role_of(world, "web");
    let name = inline_name(&role.inline_policies);
    role.inline_policies.insert(name, older_document());
    let statements = role.trust_policy["Statement"].as_array_mut().unwrap();
    let mut second = statements[0].clone();
    second["Sid"] = json!("AlsoTheirs");
    statements.push(second);
}

fn older_document() -> Value {
    json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["elasticloadbalancing:DescribeLoadBalancers"], "Resource": "*"}]})
}

fn inline_name(policies: &BTreeMap<String, Value>) -> String {
    policies
        .keys()
        .find(|name| name.contains("LoadBalancer"))
        .unwrap()
        .clone()
}

#[tokio::test(start_paused = true)]
async fn update_keeps_what_no_flag_names() {
    let (sandbox, _) = applied(&file(&[BEFORE])).await;
    sandbox.edit(older).unwrap();
    let request = updating([RoleAttribute::ManagedPolicies]);
    let plan = apply(&sandbox, &request).await;
    let [change] = plan.changes.as_slice() else {
        panic!("{:#?}", plan.changes);
    };
    assert_eq!(change.action, Action::Update);
    assert!(
        change
            .attributes
            .iter()
            .all(|attribute| attribute.name == "managed policy"),
        "{:#?}",
        change.attributes
    );
    let mut world = sandbox.world().unwrap();
    let role = role_of(&mut world, "web").clone();
    assert_eq!(
        role.managed_policy_arns,
        ["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"]
    );
    assert_eq!(
        role.permissions_boundary.as_deref(),
        Some("arn:aws:iam::aws:policy/PowerUserAccess")
    );
    assert_eq!(
        role.inline_policies[&inline_name(&role.inline_policies)],
        older_document()
    );
    assert_eq!(role.trust_policy["Statement"].as_array().unwrap().len(), 2);
    assert_settled(&sandbox, &request, "the update is done").await;
}
