//! Pod identity associations and their roles, on the simulated account.

mod meanwhile;
mod roles_in_use;

use std::collections::BTreeMap;

use eksact_core::{
    engine::{Action, Plan, Severity},
    kinds::{Request, pod_identity::PodIdentityScope},
    ports::aws::PodIdentityAssociation,
};
use eksact_identity::service_account::ServiceAccountKey;
use eksact_message::code::Code;
use eksact_simulator::Sandbox;
use serde_json::json;

use crate::scenarios::stage::{
    CLUSTER, REGION, again, apply, assert_settled, cluster, fresh_world, human, plan, request, sandbox,
    summary,
};

const ROLE: &str = "arn:aws:iam::111122223333:role/reader";

/// A file with these associations, each the lines of one list item without its dash.
fn file(associations: &[&str]) -> String {
    let mut text = format!(
        "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {{name: {CLUSTER}, region: {REGION}}}\niam:\n"
    );
    text.push_str(if associations.is_empty() {
        "  podIdentityAssociations: []\n"
    } else {
        "  podIdentityAssociations:\n"
    });
    for association in associations {
        for (number, line) in association.lines().enumerate() {
            text.push_str(if number == 0 { "    - " } else { "      " });
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

/// The association of a service account with a role of its own.
fn own(namespace: &str, name: &str) -> String {
    format!(
        "namespace: {namespace}\nserviceAccountName: {name}\npermissionPolicyARNs: ['arn:aws:iam::aws:policy/ReadOnlyAccess']"
    )
}

/// The association of `app/reader` with a role that somebody else made, and these lines.
fn given(lines: &str) -> String {
    format!("namespace: app\nserviceAccountName: reader\nroleARN: {ROLE}\n{lines}")
}

/// A sandbox with the role and an agent.
fn bed() -> Sandbox {
    bed_with_actions(&json!(["sts:AssumeRole", "sts:TagSession"]))
}

fn bed_with_actions(actions: &serde_json::Value) -> Sandbox {
    let bed = sandbox(fresh_world());
    bed.edit(|world| {
        cluster(world).cluster.auto_mode = true;
        for name in ["reader", "other"] {
            let role = eksact_core::ports::aws::Role {
                name: name.to_owned(),
                arn: format!("arn:aws:iam::111122223333:role/{name}"),
                id: format!("AROA{}", name.to_uppercase()),
                path: "/".to_owned(),
                trust_policy: json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
                    "Principal": {"Service": "pods.eks.amazonaws.com"}, "Action": actions}]}),
                managed_policy_arns: Vec::new(),
                inline_policies: BTreeMap::new(),
                max_session_seconds: None,
                permissions_boundary: None,
                tags: BTreeMap::new(),
            };
            world.roles.insert(name.to_owned(), role);
        }
    })
    .unwrap();
    bed
}

fn associations(bed: &Sandbox) -> Vec<PodIdentityAssociation> {
    let mut world = bed.world().unwrap();
    cluster(&mut world)
        .eks
        .pod_identity_associations
        .values()
        .cloned()
        .collect()
}

fn association(bed: &Sandbox, name: &str) -> PodIdentityAssociation {
    let mut all = associations(bed).into_iter();
    all.find(|association| association.service_account == name)
        .unwrap()
}

/// Changes the association of a service account as somebody with the console would.
fn by_hand(bed: &Sandbox, name: &str, change: impl FnOnce(&mut PodIdentityAssociation)) {
    bed.edit(|world| {
        let mut all = cluster(world).eks.pod_identity_associations.values_mut();
        change(
            all.find(|association| association.service_account == name)
                .unwrap(),
        );
    })
    .unwrap();
}

fn writes(bed: &Sandbox) -> Vec<String> {
    bed.faults()
        .writes()
        .into_iter()
        .map(|call| call.action)
        .collect()
}

fn codes(plan: &Plan) -> Vec<Code> {
    plan.findings.iter().map(|finding| finding.code).collect()
}

fn deletion(keys: &[(&str, &str)]) -> Request {
    let mut request = request(&file(&[]));
    request.config = request.config.cluster_only();
    request.ask(PodIdentityScope {
        delete: keys
            .iter()
            .map(|(namespace, name)| ServiceAccountKey::new(*namespace, *name))
            .collect(),
    });
    request
}

async fn applied(bed: &Sandbox, associations: &[&str]) -> Request {
    let request = request(&file(associations));
    apply(bed, &request).await;
    assert_settled(bed, &request, "after the first apply").await;
    bed.faults().forget_calls();
    request
}

#[tokio::test(start_paused = true)]
async fn new_association_has_its_role_and_the_second_plan_is_empty() {
    let bed = bed();
    let request = request(&file(&[&own("app", "s3.reader")]));
    let plan = apply(&bed, &request).await;
    insta::assert_snapshot!(human(&plan));
    assert_settled(&bed, &request, "after the first apply").await;
    let made = association(&bed, "s3.reader");
    let world = bed.world().unwrap();
    let role = world
        .roles
        .values()
        .find(|role| role.arn == made.role_arn)
        .unwrap();
    assert_eq!(
        role.trust_policy["Statement"][0]["Condition"]["StringEquals"],
        json!({
            "aws:RequestTag/eks-cluster-arn": "arn:aws:eks:us-west-2:111122223333:cluster/prod",
            "aws:RequestTag/kubernetes-namespace": "app",
            "aws:RequestTag/kubernetes-service-account": "s3.reader",
        })
    );
    let stack = &world.stacks.values().next().unwrap().stack;
    assert!(
        stack
            .name
            .starts_with("eksctl-prod-podidentityrole-app-s3-reader-"),
        "{}",
        stack.name
    );
    assert_eq!(
        stack.tags["alpha.eksctl.io/podidentityassociation-name"],
        "app/s3.reader"
    );
    assert_eq!(
        stack.description.as_deref(),
        Some("IAM role for pod identity association [created and managed by eksctl]")
    );
}

#[tokio::test(start_paused = true)]
async fn role_that_was_repointed_by_hand_is_one_update() {
    let bed = bed();
    let request = applied(&bed, &[&given("")]).await;
    by_hand(&bed, "reader", |association| {
        association.role_arn = "arn:aws:iam::111122223333:role/other".to_owned();
    });
    apply(&bed, &again(&request, 1)).await;
    assert_eq!(writes(&bed), ["UpdatePodIdentityAssociation"]);
    assert_eq!(association(&bed, "reader").role_arn, ROLE);
}

#[tokio::test(start_paused = true)]
async fn target_role_that_the_file_no_longer_has_is_cleared() {
    let bed = bed();
    let target = "arn:aws:iam::444455556666:role/data";
    let first = plan(
        &bed,
        &request(&file(&[&given(&format!("targetRoleARN: {target}"))])),
    )
    .await;
    let [finding] = first.findings.as_slice() else {
        panic!("{}", human(&first));
    };
    let help = finding.help.as_ref().unwrap().to_string();
    assert_eq!(finding.code, Code::PodIdentityTargetTrust);
    assert!(
        finding.message.contains(target) && help.contains("aws:PrincipalArn"),
        "{help}"
    );
    applied(&bed, &[&given(&format!("targetRoleARN: {target}"))]).await;
    assert_eq!(
        association(&bed, "reader").target_role_arn.as_deref(),
        Some(target)
    );
    let without = request(&file(&[&given("disableSessionTags: false")]));
    apply(&bed, &without).await;
    assert_eq!(writes(&bed), ["UpdatePodIdentityAssociation"]);
    assert_eq!(association(&bed, "reader").target_role_arn, None);
    assert_settled(&bed, &without, "session tags that are not disabled stay so").await;
}

#[tokio::test(start_paused = true)]
async fn session_policy_comes_and_goes() {
    let bed = bed();
    let policy = r#"disableSessionTags: true
policy: '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}'"#;
    let request_with = applied(&bed, &[&given(policy)]).await;
    // The same in other words is no difference.
    by_hand(&bed, "reader", |association| {
        association.policy = Some(
            r#"{"Statement": {"Action": ["s3:GetObject"], "Effect": "Allow", "Resource": ["*"]}, "Version": "2012-10-17"}"#
                .to_owned(),
        );
    });
    assert_settled(&bed, &request_with, "the policy in other words").await;
    apply(&bed, &request(&file(&[&given("")]))).await;
    let left = association(&bed, "reader");
    assert_eq!((left.policy, left.disable_session_tags), (None, false));
}

#[tokio::test(start_paused = true)]
async fn association_of_an_addon_is_left_to_it() {
    let bed = bed();
    let request = applied(&bed, &[&given("")]).await;
    by_hand(&bed, "reader", |association| {
        association.owner_arn =
            Some("arn:aws:eks:us-west-2:111122223333:addon/prod/aws-ebs-csi-driver/1a2b".to_owned());
        association.role_arn = "arn:aws:iam::111122223333:role/other".to_owned();
    });
    for request in [request, deletion(&[("app", "reader")])] {
        let plan = plan(&bed, &request).await;
        assert!(!plan.has_changes(), "{}", human(&plan));
        let [finding] = plan.findings.as_slice() else {
            panic!("{}", human(&plan));
        };
        assert_eq!(finding.code, Code::PodIdentityOwned);
        assert!(
            finding.message.contains("aws-ebs-csi-driver"),
            "{}",
            finding.message
        );
    }
    let mut pruning = request_of_nothing();
    pruning.settings.prune = true;
    assert_eq!(summary(&plan(&bed, &pruning).await), "nothing\n");
}

fn request_of_nothing() -> Request {
    request(&file(&[]))
}

#[tokio::test(start_paused = true)]
async fn role_of_another_account_is_refused_with_the_field_to_use() {
    let bed = bed();
    let foreign = given("").replace("111122223333", "444455556666");
    let plan = plan(&bed, &request(&file(&[&foreign]))).await;
    assert!(
        !plan.has_changes() && codes(&plan) == [Code::PodIdentityRoleAccount],
        "{}",
        human(&plan)
    );
    assert!(
        plan.findings[0]
            .help
            .as_ref()
            .unwrap()
            .to_string()
            .contains("targetRoleARN")
    );
}

/// EKS says of a missing role what it says of one that it does not see yet, so nothing is asked of it.
#[tokio::test(start_paused = true)]
async fn given_role_that_is_missing_is_refused_before_anything_is_done() {
    let bed = bed();
    bed.edit(|world| world.roles.remove("reader")).unwrap();
    let refused = plan(&bed, &request(&file(&[&given("")]))).await;
    assert!(!refused.has_changes(), "{}", human(&refused));
    assert_eq!(
        summary(&refused),
        format!("Error attached-role-missing: the role {ROLE} does not exist\n")
    );

    // One that the same plan makes is there in time.
    let maker = own("jobs", "maker") + "\nroleName: reader";
    let made = plan(&bed, &request(&file(&[&maker, &given("")]))).await;
    assert!(!summary(&made).contains("does not exist"), "{}", summary(&made));
    assert_eq!(made.changes.len(), 3, "{}", summary(&made));
}

#[tokio::test(start_paused = true)]
async fn given_role_that_does_not_allow_session_tags_is_found() {
    let bed = bed_with_actions(&json!("sts:AssumeRole"));
    let plan = plan(&bed, &request(&file(&[&given("")]))).await;
    let finding = plan.findings_of(Severity::Error).next().unwrap();
    assert_eq!(finding.code, Code::AttachedRoleRefuses);
    assert!(finding.message.contains("sts:TagSession"), "{}", finding.message);
}

#[tokio::test(start_paused = true)]
async fn own_role_that_lost_sts_tag_session_is_repaired() {
    let bed = bed();
    let request = applied(&bed, &[&own("app", "reader")]).await;
    bed.edit(|world| {
        let role = world
            .roles
            .values_mut()
            .find(|role| role.name.contains("podidentityrole"))
            .unwrap();
        role.trust_policy["Statement"][0]["Action"] = json!("sts:AssumeRole");
    })
    .unwrap();
    let plan = apply(&bed, &again(&request, 1)).await;
    insta::assert_snapshot!(human(&plan));
    assert_settled(&bed, &request, "after the repair").await;
}

/// eksctl lets every association of the account have the role, as a role without session tags must: to narrow that is shown.
#[tokio::test(start_paused = true)]
async fn role_that_eksctl_made_is_narrowed_in_sight() {
    let bed = bed();
    applied(
        &bed,
        &[&format!("{}\ndisableSessionTags: true", own("app", "reader"))],
    )
    .await;
    let world = bed.world().unwrap();
    let role = world
        .roles
        .values()
        .find(|role| role.name.contains("podidentityrole"))
        .unwrap();
    assert_eq!(
        role.trust_policy["Statement"],
        json!([{"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"],
            "Principal": {"Service": "pods.eks.amazonaws.com"}}]),
        "eksctl's to the letter"
    );
    by_hand(&bed, "reader", |association| {
        association.disable_session_tags = false;
    });
    let request = request_of(&[&own("app", "reader")]);
    let plan = apply(&bed, &request).await;
    insta::assert_snapshot!(human(&plan));
    assert_settled(&bed, &request, "after the narrowing").await;
}

fn request_of(associations: &[&str]) -> Request {
    request(&file(associations))
}

#[tokio::test(start_paused = true)]
async fn pod_identity_names_that_come_to_one_end_have_two_roles() {
    let bed = bed();
    applied(&bed, &[&own("a", "b-c"), &own("a-b", "c")]).await;
    assert_ne!(association(&bed, "b-c").role_arn, association(&bed, "c").role_arn);
    apply(&bed, &deletion(&[("a", "b-c")])).await;
    let [left] = associations(&bed).try_into().unwrap();
    let world = bed.world().unwrap();
    assert_eq!(left.service_account, "c");
    assert!(world.roles.values().any(|role| role.arn == left.role_arn));
    let stacks: Vec<_> = world
        .stacks
        .values()
        .filter(|record| record.stack.status != "DELETE_COMPLETE")
        .collect();
    assert_eq!(stacks.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn prune_takes_only_what_is_ours_and_only_where_the_file_has_the_list() {
    let bed = bed();
    applied(&bed, &[&own("app", "web"), &given("")]).await;
    by_hand(&bed, "reader", |association| association.tags.clear());
    let mut without_list = request(&file(&[]));
    without_list.config = without_list.config.cluster_only();
    without_list.settings.prune = true;
    assert_eq!(summary(&plan(&bed, &without_list).await), "nothing\n");
    let mut pruning = request(&file(&[]));
    assert_eq!(
        summary(&plan(&bed, &pruning).await),
        "nothing\n",
        "not without --prune"
    );
    pruning.settings.prune = true;
    let plan = apply(&bed, &pruning).await;
    insta::assert_snapshot!(summary(&plan));
    let [left] = associations(&bed).try_into().unwrap();
    assert_eq!(left.service_account, "reader");
    assert_settled(&bed, &pruning, "after the prune").await;
}

#[tokio::test(start_paused = true)]
async fn association_of_the_console_is_adopted() {
    let bed = bed();
    let request = applied(&bed, &[&given("tags: {team: data}")]).await;
    by_hand(&bed, "reader", |association| association.tags.clear());
    let plan = apply(&bed, &again(&request, 1)).await;
    assert_eq!(plan.changes[0].action, Action::Adopt);
    assert_eq!(writes(&bed), ["TagResource"]);
    assert_settled(&bed, &request, "after it was adopted").await;
}

#[tokio::test(start_paused = true)]
async fn plan_without_an_agent_says_what_to_do() {
    let bed = bed();
    bed.edit(|world| cluster(world).cluster.auto_mode = false)
        .unwrap();
    let request = request(&file(&[&given("")]));
    assert_eq!(
        codes(&plan(&bed, &request).await),
        [Code::PodIdentityAgentMissing]
    );
    bed.edit(|world| {
        let agent = eksact_core::ports::kubernetes::DaemonSet {
            namespace: "kube-system".to_owned(),
            name: "eks-pod-identity-agent".to_owned(),
            desired: 2,
            ready: 2,
        };
        let key = "kube-system/eks-pod-identity-agent".to_owned();
        cluster(world).daemon_sets.insert(key, agent);
    })
    .unwrap();
    let with_agent = plan(&bed, &request).await;
    assert!(with_agent.findings.is_empty(), "one that somebody installed");
}

#[tokio::test(start_paused = true)]
async fn agent_is_installed_where_it_is_asked_for_and_missing() {
    let bed = bed();
    let mut request = request(&file(&[&given("")]));
    request.ask(eksact_core::kinds::pod_identity_agent::InstallAgent);
    assert_eq!(plan(&bed, &request).await.changes.len(), 1, "Auto Mode has one");
    bed.edit(|world| cluster(world).cluster.auto_mode = false)
        .unwrap();
    let plan = apply(&bed, &request).await;
    insta::assert_snapshot!(summary(&plan));
    assert_settled(&bed, &request, "with the add-on").await;
}
