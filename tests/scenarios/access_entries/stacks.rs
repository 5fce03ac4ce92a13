//! Entries that eksctl made, each in a stack of its own: changed and deleted with it, so that eksctl goes on with what it made.

use eksact_core::{
    engine::Severity,
    kinds::{Request, access_entry::AccessEntryScope},
    ports::aws::{StackReader, StackRequest, StackWriter},
};
use eksact_simulator::{Fault, Matching, Rule, Sandbox};
use serde_json::{Value, json};

use super::{
    DERIVED, DEV, NODE, codes, dev, live, make_dev_again, make_role, policy, wanting, world_with_roles,
    writes,
};
use crate::scenarios::stage::{CLUSTER, again, apply, assert_settled, attempt, cluster, plan, sandbox};

/// eksctl 0.231's name for the stack of the developers' entry.
const STACK: &str = "eksctl-prod-accessentry-UEUKGQAKTYBXWT7EJXW2A4QWJAYADOSP";

/// eksctl's template for the developers' entry with these further properties.
fn template(further: &Value) -> Value {
    let mut properties = json!({
        "PrincipalArn": DEV,
        "ClusterName": CLUSTER,
        "Tags": [{"Key": "Name", "Value": {"Fn::Sub": "${AWS::StackName}/AccessEntry"}}],
    });
    for (key, value) in further.as_object().unwrap() {
        properties[key] = value.clone();
    }
    json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Resources": {"AccessEntry": {"Type": "AWS::EKS::AccessEntry", "Properties": properties}},
    })
}

async fn make_stack(bed: &Sandbox, template: &Value) {
    let request = StackRequest {
        name: STACK.to_owned(),
        template_body: template.to_string(),
        tags: vec![("alpha.eksctl.io/cluster-name".to_owned(), CLUSTER.to_owned())],
        capabilities: Vec::new(),
        termination_protection: false,
        disable_rollback: false,
        service_role_arn: None,
        client_request_token: "eksctl".to_owned(),
    };
    bed.create_stack(&request).await.unwrap();
    while bed.stack(STACK).await.unwrap().unwrap().in_progress() {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
}

/// A world in which eksctl has made the developers' entry.
async fn made_by_eksctl(further: &Value) -> Sandbox {
    let bed = sandbox(world_with_roles());
    make_stack(&bed, &template(further)).await;
    assert!(live(&bed, DEV).is_some());
    bed
}

async fn properties(bed: &Sandbox) -> Value {
    let template: Value = serde_json::from_str(&bed.stack_template(STACK).await.unwrap()).unwrap();
    template["Resources"]["AccessEntry"]["Properties"].clone()
}

/// The writes after eksctl's own.
fn later_writes(bed: &Sandbox) -> Vec<String> {
    writes(bed).split_off(1)
}

fn deleting() -> Request {
    let mut request = wanting(&[]);
    request.config = request.config.cluster_only();
    request.ask(AccessEntryScope {
        delete: vec![DEV.to_owned()],
        ..AccessEntryScope::default()
    });
    request
}

#[tokio::test(start_paused = true)]
async fn entry_of_eksctls_stack_is_changed_through_it() {
    let view = json!({"KubernetesGroups": ["ops"], "Username": "dev", "AccessPolicies": [
        {"PolicyArn": policy("AmazonEKSViewPolicy", None).arn,
         "AccessScope": {"Type": "namespace", "Namespaces": ["b", "a"]}}]});
    let bed = made_by_eksctl(&view).await;
    let viewing = "accessPolicies: [{policyARN: arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy, \
                   accessScope: {type: namespace, namespaces: [a, b]}}]";
    let same = dev(&format!(
        "kubernetesUsername: dev\nkubernetesGroups: [ops]\n{viewing}"
    ));
    assert_settled(&bed, &wanting(&[&same]), "as eksctl made it").await;

    let wanted = wanting(&[&dev(&format!("kubernetesGroups: [ops, more]\n{viewing}"))]);
    let planned = apply(&bed, &wanted).await;
    assert!(planned.changes[0].notes[0].contains(STACK), "{planned:#?}");
    assert_eq!(later_writes(&bed), ["CreateChangeSet", "ExecuteChangeSet"]);
    let now = live(&bed, DEV).unwrap();
    assert_eq!(now.groups, ["ops", "more"]);
    assert_eq!(now.username, DERIVED);
    assert_eq!(now.policies, [policy("AmazonEKSViewPolicy", Some(&["a", "b"]))]);
    let properties = properties(&bed).await;
    assert_eq!(properties["KubernetesGroups"], json!(["ops", "more"]));
    assert_eq!(properties.get("Username"), None);
    assert!(properties.get("Tags").is_some(), "what is eksctl's stays");
    assert!(
        bed.stack(STACK)
            .await
            .unwrap()
            .unwrap()
            .tags
            .contains_key("alpha.eksctl.io/cluster-name")
    );
    assert_settled(&bed, &wanted, "after the update").await;
}

/// What CloudFormation does first nobody says: what takes the place of something is there before the stack is touched.
#[tokio::test(start_paused = true)]
async fn access_entry_in_the_place_of_something_is_given_before_the_stack_is_updated() {
    let bed = made_by_eksctl(&json!({"KubernetesGroups": ["ops"]})).await;
    let wanted = wanting(&[&dev(
        "accessPolicies: [{policyARN: arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy, accessScope: {type: cluster}}]",
    )]);
    apply(&bed, &wanted).await;
    assert_eq!(
        later_writes(&bed),
        ["AssociateAccessPolicy", "CreateChangeSet", "ExecuteChangeSet"]
    );
    let now = live(&bed, DEV).unwrap();
    assert_eq!((now.groups.len(), now.policies.len()), (0, 1));
    assert_settled(&bed, &wanted, "after the update").await;

    // A run that was killed after the first call goes on with the stack.
    let bed = made_by_eksctl(&json!({"KubernetesGroups": ["ops"]})).await;
    bed.edit(|world| {
        let entries = &mut cluster(world).eks.access_entries;
        entries.get_mut(DEV).unwrap().policies = vec![policy("AmazonEKSEditPolicy", None)];
    })
    .unwrap();
    apply(&bed, &wanted).await;
    assert_eq!(later_writes(&bed), ["CreateChangeSet", "ExecuteChangeSet"]);
    assert_settled(&bed, &wanted, "after the rerun").await;
}

/// CloudFormation would find nothing to do where the template says already what shall be.
#[tokio::test(start_paused = true)]
async fn entry_that_was_changed_beside_its_stack_is_brought_back_by_calls() {
    let bed = made_by_eksctl(&json!({"KubernetesGroups": ["ops"]})).await;
    bed.edit(|world| {
        let entries = &mut cluster(world).eks.access_entries;
        entries.get_mut(DEV).unwrap().groups = vec!["hand".to_owned()];
    })
    .unwrap();
    let wanted = wanting(&[&dev("kubernetesGroups: [ops]")]);
    apply(&bed, &wanted).await;
    assert_eq!(later_writes(&bed), ["UpdateAccessEntry"]);
    assert_settled(&bed, &wanted, "after the repair").await;
}

/// Changed by hand and in the file: CloudFormation's update of the groups leaves the policy that it knows nothing of, and the
/// run says so; the next one takes it away.
#[tokio::test(start_paused = true)]
async fn entry_that_is_not_as_its_template_says_after_the_update_is_told() {
    let bed = made_by_eksctl(&json!({"KubernetesGroups": ["ops"]})).await;
    bed.edit(|world| {
        let entries = &mut cluster(world).eks.access_entries;
        entries.get_mut(DEV).unwrap().policies = vec![policy("AmazonEKSViewPolicy", None)];
    })
    .unwrap();
    let wanted = wanting(&[&dev("kubernetesGroups: [others]")]);
    let report = crate::scenarios::stage::attempt(&bed, &wanted).await.unwrap();
    assert!(!report.succeeded(), "{report:#?}");
    assert!(
        format!("{report:?}").contains("changed beside the stack"),
        "{report:#?}"
    );
    apply(&bed, &wanted).await;
    assert_settled(&bed, &wanted, "after the rerun").await;
}

#[tokio::test(start_paused = true)]
async fn entry_of_eksctls_stack_that_would_be_made_again_is_refused() {
    let bed = made_by_eksctl(&json!({"KubernetesGroups": ["ops"]})).await;
    let other_type = plan(&bed, &wanting(&[&dev("type: EC2_LINUX")])).await;
    assert_eq!(codes(&other_type, Severity::Error), ["access-entry-stack"]);
    assert!(!other_type.has_changes());

    bed.edit(make_dev_again).unwrap();
    let same = wanting(&[&dev("kubernetesGroups: [ops]")]);
    let stale = plan(&bed, &same).await;
    assert_eq!(codes(&stale, Severity::Error), ["access-entry-stack"]);
    assert!(!stale.has_changes());
    // What the error says to do works, once EKS sees the new role.
    tokio::time::sleep(std::time::Duration::from_hours(2)).await;
    apply(&bed, &deleting()).await;
    apply(&bed, &same).await;
    assert_settled(&bed, &same, "after the deletion").await;
}

#[tokio::test(start_paused = true)]
async fn entry_of_eksctls_stack_is_deleted_with_it() {
    let bed = made_by_eksctl(&json!({"KubernetesGroups": ["ops"]})).await;
    bed.set_termination_protection(STACK, true).await.unwrap();
    let protected = plan(&bed, &deleting()).await;
    assert_eq!(codes(&protected, Severity::Error), ["access-entry-stack"]);
    assert!(!protected.has_changes());
    bed.set_termination_protection(STACK, false).await.unwrap();

    let planned = apply(&bed, &deleting()).await;
    assert!(planned.changes[0].notes[0].contains(STACK), "{planned:#?}");
    assert_eq!(writes(&bed).last().unwrap(), "DeleteStack");
    assert!(live(&bed, DEV).is_none());
    assert!(bed.stack(STACK).await.unwrap().is_none());
    let again = plan(&bed, &deleting()).await;
    assert_eq!(codes(&again, Severity::Note), ["nothing-to-delete"]);
}

/// A stack that is not eksctl's for this one entry is not touched, nor one that nobody may look into.
#[tokio::test(start_paused = true)]
async fn stack_that_is_not_known_to_be_the_entrys_alone_is_not_touched() {
    let mut shared = template(&json!({"KubernetesGroups": ["ops"]}));
    shared["Resources"]["Other"] = json!({"Type": "AWS::EKS::AccessEntry", "Properties": {
        "PrincipalArn": NODE, "ClusterName": CLUSTER, "Type": "EC2_LINUX"}});
    let bed = sandbox(world_with_roles());
    make_stack(&bed, &shared).await;
    let unreadable = made_by_eksctl(&json!({"KubernetesGroups": ["ops"]})).await;
    unreadable
        .edit(|world| world.denied.insert("cloudformation:GetTemplate".to_owned()))
        .unwrap();
    for bed in [bed, unreadable] {
        for request in [wanting(&[&dev("kubernetesGroups: [others]")]), deleting()] {
            let planned = plan(&bed, &request).await;
            assert_eq!(codes(&planned, Severity::Error), ["access-entry-stack"]);
            assert!(!planned.has_changes());
        }
    }
}

/// eksctl's stack fails where the role is missing, and stays in `ROLLBACK_COMPLETE`: it is found, deleted, and the entry made.
#[tokio::test(start_paused = true)]
async fn stack_of_a_failed_creation_is_deleted_before_the_entry_is_made() {
    let mut world = world_with_roles();
    world.roles.remove("dev");
    let bed = sandbox(world);
    make_stack(&bed, &template(&json!({"KubernetesGroups": ["ops"]}))).await;
    assert_eq!(
        bed.stack(STACK).await.unwrap().unwrap().status,
        "ROLLBACK_COMPLETE"
    );
    bed.edit(|world| make_role(world, DEV)).unwrap();

    let wanted = wanting(&[&dev("kubernetesGroups: [ops]")]);
    let planned = apply(&bed, &wanted).await;
    assert!(planned.changes[0].notes[0].contains(STACK), "{planned:#?}");
    assert_eq!(later_writes(&bed), ["DeleteStack", "CreateAccessEntry"]);
    assert!(bed.stack(STACK).await.unwrap().is_none());
    assert_settled(&bed, &wanted, "after the creation").await;
}

/// A run that was to change the entry was killed once its change set was there, and the file went back.
#[tokio::test(start_paused = true)]
async fn change_set_that_a_run_left_on_eksctls_stack_is_deleted() {
    let bed = made_by_eksctl(&json!({"KubernetesGroups": ["ops"]})).await;
    let before = wanting(&[&dev("kubernetesGroups: [ops]")]);
    plan(&bed, &before).await;
    assert_eq!(bed.faults().count("ListChangeSets"), 1, "one call for one stack");
    let action = Matching::Action("CreateChangeSet".to_owned());
    bed.faults().add(Rule::once(action, 1, Fault::CrashAfter));
    let wanted = wanting(&[&dev("kubernetesGroups: [ops, more]")]);
    attempt(&bed, &again(&wanted, 1)).await.unwrap();
    assert_eq!(bed.world().unwrap().change_sets.len(), 1);

    let bed = bed.another_process();
    let before = again(&before, 2);
    let early = plan(&bed, &before).await;
    assert!(!early.has_changes());
    assert_eq!(codes(&early, Severity::Note), ["change-set-kept"]);
    tokio::time::advance(std::time::Duration::from_hours(1)).await;
    let planned = apply(&bed, &before).await;
    assert_eq!(planned.changes[0].reasons[0].code, "change-set-left");
    assert!(bed.world().unwrap().change_sets.is_empty());
    assert_settled(&bed, &before, "once it is deleted").await;
}
