//! What `explain pod` says of pods without the role of their service account, done.

use std::collections::{BTreeMap, BTreeSet};

use eksact_core::ports::{
    aws::{Addon, PodIdentityAssociation},
    kubernetes::{Pod, ServiceAccount},
};
use eksact_simulator::World;
use serde_json::{Value, json};

use super::{
    case::{Case, Check, case},
    world::{DEV, add_role, cluster, trust_of_web},
};

/// The annotation's role is assumed through the cluster's provider.
const PROVIDER: &str =
    "eksact utils associate-iam-oidc-provider --cluster quickstart --region eu-west-1 --approve";
const OF: &str = "--cluster quickstart --region eu-west-1";

/// The service account `app/web`, annotated with the role `dev`, which trusts it.
fn annotated(world: &mut World) {
    let statement = trust_of_web(world, "111122223333");
    add_role(world, DEV, &json!([statement]));
    let annotations = [("eks.amazonaws.com/role-arn".to_owned(), DEV.to_owned())];
    account(world, annotations.into());
}

fn account(world: &mut World, annotations: BTreeMap<String, String>) {
    let web = ServiceAccount {
        namespace: "app".to_owned(),
        name: "web".to_owned(),
        annotations,
        ..ServiceAccount::default()
    };
    cluster(world).service_accounts.insert("app/web".to_owned(), web);
}

/// The service account `app/web` with an association of this role, which lets EKS hand it out.
fn associated(world: &mut World, role: &str, has_agent: bool) {
    let actions = json!(["sts:AssumeRole", "sts:TagSession"]);
    let statement =
        json!({"Effect": "Allow", "Principal": {"Service": "pods.eks.amazonaws.com"}, "Action": actions});
    add_role(world, DEV, &json!([statement]));
    account(world, BTreeMap::new());
    let id = "a-0123456789abcdefg".to_owned();
    let association = PodIdentityAssociation {
        arn: format!("arn:aws:eks:eu-west-1:111122223333:podidentityassociation/quickstart/{id}"),
        id: id.clone(),
        namespace: "app".to_owned(),
        service_account: "web".to_owned(),
        role_arn: role.to_owned(),
        ..PodIdentityAssociation::default()
    };
    let cluster = cluster(world);
    cluster.cluster.auto_mode = has_agent;
    cluster.eks.pod_identity_associations.insert(id, association);
}

fn pods() -> Case {
    case(format!("explain pod -n app --service-account web {OF}"))
}

/// The pod of a file, whose container and metadata have more of their own.
fn pod(metadata: &str, container: &str) -> Case {
    let text = format!(
        "kind: Pod\nmetadata: {{namespace: app{metadata}}}\nspec: {{serviceAccountName: web, containers: [{{name: web{container}}}]}}\n"
    );
    case(format!("explain pod --pod pod.yaml {OF}"))
        .file("pod.yaml", text)
        .world(annotated)
        .first(PROVIDER)
}

/// A fault in it; then without what the help says.
fn fault(metadata: &str, container: &str, says: &str) -> Check {
    let wrong = if metadata.is_empty() { container } else { metadata };
    pod(metadata, container)
        .says(says)
        .replace("pod.yaml", wrong, "")
        .check()
}

pub(super) fn cases() -> Vec<Check> {
    let variables = |names: &[&str]| {
        let all: Vec<Value> = names
            .iter()
            .map(|name| json!({"name": name, "value": "x"}))
            .collect();
        format!(", env: {}", Value::Array(all))
    };
    vec![
        fault(
            ", labels: {eks.amazonaws.com/skip-pod-identity-webhook: ''}",
            "",
            "Take the label eks.amazonaws.com/skip-pod-identity-webhook out of the pod's labels.",
        ),
        fault(
            ", annotations: {eks.amazonaws.com/skip-containers: web}",
            "",
            "out of the pod's annotation eks.amazonaws.com/skip-containers.",
        ),
        fault(
            "",
            &variables(&["AWS_ROLE_ARN"]),
            "Take AWS_ROLE_ARN out of the container's own variables",
        ),
        fault(
            "",
            &variables(&["AWS_ROLE_ARN", "AWS_REGION", "AWS_STS_REGIONAL_ENDPOINTS"]),
            "Take the variables about credentials out of the container's own variables.",
        ),
        fault(
            "",
            &variables(&["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]),
            "Take the keys out of the pod's own environment.",
        ),
        pod("", "")
            .command(format!("explain pod --pod pod.yaml -n prod {OF}"))
            .says("Leave --namespace out: the pod names it.")
            .instead(format!("explain pod --pod pod.yaml {OF}"))
            .check(),
        pod("", "")
            .command("explain pod --pod pod.yaml")
            .says("Add the manifest of the service account to the file, or pass --cluster.")
            .instead(format!("explain pod --pod pod.yaml {OF}"))
            .check(),
        pods()
            .world(|world| associated(world, DEV, false))
            .says("Install it as an add-on, or with its chart")
            .by_hand(|world, _| {
                let addon = Addon {
                    name: "eks-pod-identity-agent".to_owned(),
                    arn: "arn:aws:eks:eu-west-1:111122223333:addon/quickstart/eks-pod-identity-agent/1"
                        .to_owned(),
                    version: "v1.3.4-eksbuild.1".to_owned(),
                    status: "ACTIVE".to_owned(),
                    issues: Vec::new(),
                };
                cluster(world).eks.addons.insert(addon.name.clone(), addon);
            })
            .check(),
        pods()
            .world(|world| associated(world, "arn:aws:iam::111122223333:role/gone", true))
            .says("Give the association a role that is there")
            .printed(&[("ARN", DEV)])
            .check(),
        old_pods(),
    ]
}

/// A pod from before the annotation.
fn old_pods() -> Check {
    pods()
        .first(PROVIDER)
        .world(|world| {
            annotated(world);
            let pod = Pod {
                namespace: "app".to_owned(),
                name: "web-1".to_owned(),
                service_account: "web".to_owned(),
                phase: "Running".to_owned(),
                controller: Some("deployment/web".to_owned()),
                credential_variables: [("web".to_owned(), BTreeSet::new())].into(),
                ..Pod::default()
            };
            cluster(world).pods.insert("app/web-1".to_owned(), pod);
        })
        .says("The webhook looks at a pod when it is made and never again. Restart them: ")
        .printed(&[])
        .check()
}
