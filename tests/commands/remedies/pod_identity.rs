//! What is wrong with the pod identity associations of a file or of the account, and done as the help says.

use std::collections::BTreeMap;

use eksact_core::ports::{
    aws::PodIdentityAssociation,
    kubernetes::{FieldManager, Pod, ServiceAccount},
};
use eksact_simulator::World;
use serde_json::{Value, json};

use super::{
    case::{Case, Check, case},
    config::planned,
    world::{DEV, HEAD, S3, add_role, cluster, trust_of_web},
};

const FOREIGN: &str = "arn:aws:iam::999988887777:role/data";

/// A file with one association of `app/web`, and these keys.
fn file(keys: &str) -> String {
    format!("{HEAD}iam: {{podIdentityAssociations: [{{namespace: app, serviceAccountName: web, {keys}}}]}}\n")
}

/// The role `dev`, which trusts this service with these actions.
fn trusting(service: &str, actions: &Value) -> Value {
    json!([{"Effect": "Allow", "Principal": {"Service": service}, "Action": actions}])
}

/// The plan of such a file; the role `dev` lets EKS Pod Identity hand it out.
fn of_pods(keys: &str) -> Case {
    planned(file(keys)).world(|world| {
        let trust = trusting(
            "pods.eks.amazonaws.com",
            &json!(["sts:AssumeRole", "sts:TagSession"]),
        );
        add_role(world, DEV, &trust);
        cluster(world).cluster.auto_mode = true;
    })
}

/// A fault in it; then the one text in place of the other.
fn fault(keys: &str, says: &str, from: &str, to: &str) -> Check {
    of_pods(keys).says(says).replace("c.yaml", from, to).check()
}

/// A role of the file whose trust policy does not do; then with the statement that the help has.
fn refusing(service: &'static str, actions: Value) -> Check {
    planned(file(&format!("roleARN: '{DEV}'")))
        .world(move |world| {
            add_role(world, DEV, &trusting(service, &actions));
            cluster(world).cluster.auto_mode = true;
        })
        .says("Add this statement to its trust policy")
        .by_hand(|world, help| {
            let (_, statement) = help.split_once("trust policy:").unwrap();
            let statement: Value = serde_json::from_str(statement.trim()).unwrap();
            let policy = &mut world.roles.get_mut("dev").unwrap().trust_policy;
            policy["Statement"].as_array_mut().unwrap().push(statement);
        })
        .check()
}

pub(super) fn cases() -> Vec<Check> {
    let given = format!("roleARN: '{DEV}'");
    let policy =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}"#;
    vec![
        fault(
            &format!("{given}, policy: '{policy}'"),
            "write `disableSessionTags: true` beside it",
            "policy: '",
            "disableSessionTags: true, policy: '",
        ),
        of_pods(&given)
            .file("c.yaml", file(&given).replace("Name: web", "Name: 'web-*'"))
            .says("EKS Pod Identity supports no patterns: write an association for each service account")
            .replace("c.yaml", "web-*", "web-1")
            .check(),
        fault(
            "createServiceAccount: false",
            "name an existing role with `roleARN`",
            "createServiceAccount: false",
            &given,
        ),
        fault(
            &format!("{given}, roleName: other"),
            "roleARN uses an existing role as it is",
            ", roleName: other",
            "",
        ),
        fault(
            &format!("roleARN: '{S3}'"),
            "this is a policy; it belongs in `permissionPolicyARNs`",
            &format!("roleARN: '{S3}'"),
            &format!("permissionPolicyARNs: ['{S3}']"),
        ),
        fault(
            &format!("permissionPolicyARNs: ['{DEV}']"),
            "this is a role; `roleARN` uses an existing role",
            &format!("permissionPolicyARNs: ['{DEV}']"),
            &given,
        ),
        fault(
            &format!("roleARN: '{FOREIGN}'"),
            "Write it as `targetRoleARN`",
            &format!("roleARN: '{FOREIGN}'"),
            &given,
        ),
        fault(
            "roleARN: 'arn:aws:iam::111122223333:role/nothing'",
            "Create the role first, or correct its ARN.",
            "role/nothing",
            "role/dev",
        ),
        fault(
            "roleARN: 'arn:aws:iam::111122223333:role/team/dev'",
            "Name the role that exists, arn:aws:iam::111122223333:role/dev.",
            "role/team/dev",
            "role/dev",
        ),
        of_pods(&format!("{given}, targetRoleARN: '{FOREIGN}'"))
            .says("give it this trust policy:")
            .by_hand(|_, help| {
                let (_, policy) = help.split_once("trust policy:").unwrap();
                let policy: Value = serde_json::from_str(policy.trim()).unwrap();
                assert_eq!(policy["Statement"][0]["Principal"]["AWS"], "arn:aws:iam::111122223333:root");
            })
            .run("eksact apply -f c.yaml --yes")
            .check(),
        of_pods(&format!("permissionPolicyARNs: ['{S3}'], targetRoleARN: '{FOREIGN}'"))
            .says("Its trust policy must name the role that is made now")
            .run("eksact apply -f c.yaml --yes")
            .run("eksact update podidentityassociation --cluster quickstart --region eu-west-1 --namespace app --service-account-name web \
                  --target-role-arn arn:aws:iam::999988887777:role/other --yes")
            .run("eksact apply -f c.yaml --yes")
            .check(),
        refusing("ec2.amazonaws.com", json!(["sts:AssumeRole"])),
        refusing("pods.eks.amazonaws.com", json!(["sts:AssumeRole"])),
        of_pods(&given)
            .world(|world| cluster(world).cluster.auto_mode = false)
            .says("Run the same command with --install-agent")
            .instead("plan -f c.yaml --install-agent")
            .check(),
        of_pods(&given)
            .world(|world| {
                let id = "a-0123456789abcdefg".to_owned();
                let association = PodIdentityAssociation {
                    arn: format!("arn:aws:eks:eu-west-1:111122223333:podidentityassociation/quickstart/{id}"),
                    id: id.clone(),
                    namespace: "app".to_owned(),
                    service_account: "web".to_owned(),
                    role_arn: DEV.to_owned(),
                    owner_arn: Some("arn:aws:eks:eu-west-1:111122223333:addon/quickstart/vpc-cni/1a2b".to_owned()),
                    ..PodIdentityAssociation::default()
                };
                cluster(world).eks.pod_identity_associations.insert(id, association);
            })
            .says("Change it with the add-on")
            .write("c.yaml", format!("{HEAD}iam: {{podIdentityAssociations: []}}\n"))
            .check(),
        case("update podidentityassociation --cluster quickstart --namespace app --service-account-name wbe --no-target-role")
            .file("c.yaml", file(&given))
            .world(|world| {
                let trust = trusting("pods.eks.amazonaws.com", &json!(["sts:AssumeRole", "sts:TagSession"]));
                add_role(world, DEV, &trust);
                cluster(world).cluster.auto_mode = true;
            })
            .first("eksact apply -f c.yaml --yes")
            .says("lists what is there")
            .printed(&[])
            .instead("update podidentityassociation --cluster quickstart --namespace app --service-account-name web --no-target-role")
            .check(),
    ]
    .into_iter()
    .chain(migrations())
    .collect()
}

/// The account `app/web`, whose annotation names this role, in a cluster with an agent.
fn annotated(world: &mut World, role: &str) {
    let account = ServiceAccount {
        namespace: "app".to_owned(),
        name: "web".to_owned(),
        uid: "1".to_owned(),
        resource_version: "1".to_owned(),
        annotations: BTreeMap::from([("eks.amazonaws.com/role-arn".to_owned(), role.to_owned())]),
        ..ServiceAccount::default()
    };
    let cluster = cluster(world);
    cluster.cluster.auto_mode = true;
    cluster.service_accounts.insert("app/web".to_owned(), account);
}

/// A migration of `app/web`, whose role lets it in; and what is else.
fn migration(edit: impl FnOnce(&mut World) + Send + 'static) -> Case {
    case("migrate to-pod-identity --cluster quickstart --region eu-west-1 --yes").world(|world| {
        let statement = trust_of_web(world, "111122223333");
        add_role(world, DEV, &json!([statement]));
        annotated(world, DEV);
        edit(world);
    })
}

fn migrations() -> Vec<Check> {
    let pod = |variables: &[&str]| Pod {
        namespace: "app".to_owned(),
        name: "web-1".to_owned(),
        service_account: "web".to_owned(),
        phase: "Running".to_owned(),
        controller: Some("deployment/web".to_owned()),
        credential_variables: BTreeMap::from([(
            "app".to_owned(),
            variables.iter().map(|name| (*name).to_owned()).collect(),
        )]),
        ..Pod::default()
    };
    let old = pod(&["AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"]);
    let new = pod(&["AWS_CONTAINER_CREDENTIALS_FULL_URI"]);
    let put =
        |pod: Pod| move |world: &mut World| drop(cluster(world).pods.insert("app/web-1".to_owned(), pod));
    vec![
        migration(put(old))
            .says("Once the association is there, restart them: `kubectl --namespace app rollout restart deployment/web`.")
            .change(put(new))
            .check(),
        migration(|world| annotated(world, FOREIGN))
            .says("Make an association with a role of account 111122223333 and the other as its target")
            .change(|world| {
                let trust = trusting("pods.eks.amazonaws.com", &json!(["sts:AssumeRole", "sts:TagSession"]));
                add_role(world, DEV, &trust);
            })
            .run(format!(
                "eksact create podidentityassociation --cluster quickstart --region eu-west-1 --namespace app \
                 --service-account-name web --role-arn {DEV} --target-role-arn {FOREIGN} --yes"
            ))
            .change(|world| annotated(world, DEV))
            .change(|world| drop(cluster(world).service_accounts.remove("app/web")))
            .check(),
        migration(|world| {
            let role = world.roles.get_mut("dev").unwrap();
            role.trust_policy["Statement"] = trusting("ec2.amazonaws.com", &json!(["sts:AssumeRole"]));
        })
        .says("`eksact check irsa app/web --cluster quickstart --region eu-west-1` says why")
        // It moves now, and what is said of every migration is said of it.
        .leaves("pod-identity-session")
        .change(|world| {
            let statement = trust_of_web(world, "111122223333");
            world.roles.get_mut("dev").unwrap().trust_policy["Statement"] = json!([statement]);
        })
        .check(),
        migration(|world| {
            let manager = FieldManager {
                manager: "eks".to_owned(),
                annotations: ["eks.amazonaws.com/role-arn".to_owned()].into(),
                ..FieldManager::default()
            };
            let account = cluster(world).service_accounts.get_mut("app/web").unwrap();
            account.field_managers.push(manager);
        })
        .says("Let the add-on change it")
        // What EKS does with `update-addon`.
        .by_hand(|world, _| {
            let account = cluster(world).service_accounts.get_mut("app/web").unwrap();
            account.annotations.clear();
        })
        .check(),
    ]
}
