//! Checks against what eksctl 0.231 made of a file with every kind of service account (`tests/fixtures`).

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::tags::{StackTags, TOOL_VERSION_NAME};
use super::{ResolveContext, RoleOwner, RolePurpose, RoleTemplate, resolve};
use crate::iam::WellKnownPolicy::{
    AutoScaler, AwsLoadBalancerController, CertManager, EbsCsiController, EfsCsiController, ExternalDns,
    ImageBuilder,
};
use crate::iam::policy::equal;
use crate::iam::{Partition, WellKnownPolicy, trust};
use crate::service_account::ServiceAccountKey;

const ISSUER: &str = "https://oidc.eks.us-west-2.amazonaws.com/id/A1B2C3D4E5F60718293A4B5C6D7E8F90";
const ACCOUNT: &str = "111122223333";

fn owner(namespace: &str, name: &str) -> RoleOwner {
    RolePurpose::ServiceAccount.of(&ServiceAccountKey::new(namespace, name))
}

fn template(namespace: &str, name: &str) -> RoleTemplate {
    let provider = trust::provider_arn(Partition::Aws, ACCOUNT, ISSUER)
        .unwrap()
        .to_string();
    let issuer = trust::issuer_without_scheme(ISSUER).unwrap();
    RoleTemplate {
        stack_name: owner(namespace, name).eksctl_name("bench"),
        owner: owner(namespace, name),
        trust_policy: trust::irsa_trust_policy(&provider, &issuer, namespace, name, None),
        role_name: None,
        managed_policy_arns: Vec::new(),
        well_known: Vec::new(),
        inline_policy: None,
        inline_policy_id: None,
        permissions_boundary: None,
        of_people: None,
    }
}

/// The service accounts of the recorded file, as a reader of that file would see them.
fn wanted() -> Vec<RoleTemplate> {
    let managed = |namespace: &str, name: &str, policies: &[&str]| RoleTemplate {
        managed_policy_arns: policies
            .iter()
            .map(|policy| format!("arn:aws:iam::aws:policy/{policy}"))
            .collect(),
        ..template(namespace, name)
    };
    let known = |namespace: &str, name: &str, well_known: &[WellKnownPolicy]| RoleTemplate {
        well_known: well_known.to_vec(),
        ..template(namespace, name)
    };
    vec![
        managed(
            "app",
            "managed",
            &["AmazonS3ReadOnlyAccess", "AmazonSQSFullAccess"],
        ),
        RoleTemplate {
            inline_policy: Some(json!({"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": "arn:aws:s3:::data/*"}]})),
            ..template("app", "inline")
        },
        RoleTemplate {
            role_name: Some("my-named-role".into()),
            permissions_boundary: Some("arn:aws:iam::aws:policy/PowerUserAccess".into()),
            ..managed("ops", "named", &["ReadOnlyAccess"])
        },
        managed("ops", "only-role", &["ReadOnlyAccess"]),
        known("wk", "image-builder", &[ImageBuilder]),
        known("kube-system", "cluster-autoscaler", &[AutoScaler]),
        known(
            "kube-system",
            "aws-load-balancer-controller",
            &[AwsLoadBalancerController],
        ),
        known("kube-system", "external-dns", &[ExternalDns]),
        known("cert-manager", "cert-manager", &[CertManager]),
        known("kube-system", "ebs-csi-controller-sa", &[EbsCsiController]),
        known("kube-system", "efs-csi-controller-sa", &[EfsCsiController]),
        RoleTemplate {
            well_known: vec![ExternalDns, AutoScaler],
            ..managed("wk", "several", &["AmazonS3ReadOnlyAccess"])
        },
    ]
}

fn recorded() -> BTreeMap<String, Value> {
    let folder =
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join("tests/fixtures/eksctl-0.231/stacks");
    let mut stacks = BTreeMap::new();
    for file in fs_err::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        stacks.insert(
            name,
            serde_json::from_str(&fs_err::read_to_string(path).unwrap()).unwrap(),
        );
    }
    stacks
}

fn context(stack_name: &str) -> ResolveContext {
    ResolveContext {
        stack_name: stack_name.into(),
        partition: Partition::Aws,
        account: ACCOUNT.into(),
        region: "us-west-2".into(),
    }
}

fn tags(list: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    list.as_array()
        .unwrap()
        .iter()
        .map(|tag| (text(&tag["Key"]), text(&tag["Value"])))
        .collect()
}

#[test]
fn templates_names_and_capabilities_are_eksctls() {
    let recorded = recorded();
    let wanted = wanted();
    let names: BTreeSet<&String> = wanted.iter().map(|role| &role.stack_name).collect();
    assert_eq!(names, recorded.keys().collect());
    for role in wanted {
        let stack = &recorded[&role.stack_name];
        assert_eq!(role.render().unwrap(), stack["template"], "{}", role.stack_name);
        assert_eq!(role.owner.description(), stack["stack"]["Description"]);
        assert_eq!(json!([role.capability()]), stack["stack"]["Capabilities"]);
    }
}

#[test]
fn role_that_came_of_each_template_is_the_wanted_one() {
    for (name, stack) in recorded() {
        let wanted = resolve(&stack["template"], &context(&name)).unwrap();
        let live = &stack["roles"][0];
        assert!(
            equal(&wanted.trust_policy, &live["role"]["AssumeRolePolicyDocument"]),
            "{name}"
        );
        let attached: BTreeSet<String> = live["attached"]
            .as_array()
            .unwrap()
            .iter()
            .map(|policy| policy["PolicyArn"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(wanted.managed_policy_arns, attached, "{name}");
        let inline = live["inline"].as_object().unwrap();
        assert_eq!(
            wanted.inline_policies.keys().collect::<Vec<_>>(),
            inline.keys().collect::<Vec<_>>(),
            "{name}"
        );
        for (policy, document) in &wanted.inline_policies {
            assert!(equal(document, &inline[policy]), "{policy}");
        }
        let boundary = live["role"]["PermissionsBoundary"]["PermissionsBoundaryArn"].as_str();
        assert_eq!(wanted.permissions_boundary.as_deref(), boundary, "{name}");
        if let Some(role_name) = wanted.role_name {
            assert_eq!(role_name, live["role"]["RoleName"].as_str().unwrap());
        }
    }
}

#[test]
fn tags_of_stack_and_role_differ_in_nothing_but_the_version() {
    let metadata_tags = BTreeMap::from([("team".to_owned(), "platform".to_owned())]);
    let stack = &recorded()["eksctl-bench-addon-iamserviceaccount-app-managed"];
    let wanted = StackTags {
        cluster: "bench",
        owner: &owner("app", "managed"),
        metadata_tags: &metadata_tags,
        service_account_tags: &BTreeMap::from([("cost-center".to_owned(), "42".to_owned())]),
    };
    for live in [&stack["stack"]["Tags"], &stack["roles"][0]["role"]["Tags"]] {
        let live = tags(live);
        let mut written = wanted.to_write().into_iter();
        assert!(written.all(|tag| tag.key == TOOL_VERSION_NAME || live.get(&tag.key) == Some(&tag.value)));
    }
    let keys: Vec<String> = wanted.to_write().into_iter().map(|tag| tag.key).collect();
    let recorded: Vec<&str> = stack["stack"]["Tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| tag["Key"].as_str().unwrap())
        .collect();
    assert_eq!(keys, recorded);
    assert!(keys.iter().any(|key| key == TOOL_VERSION_NAME));
}

#[test]
fn policy_name_too_long_for_iam_is_shortened() {
    let role = RoleTemplate {
        stack_name: "s".repeat(128),
        inline_policy: Some(json!({"Statement": []})),
        well_known: vec![AwsLoadBalancerController],
        ..template("a", "b")
    };
    let wanted = resolve(&role.render().unwrap(), &context(&role.stack_name)).unwrap();
    let names: Vec<&str> = wanted.inline_policies.keys().map(String::as_str).collect();
    assert_eq!(names, ["Policy1", "PolicyAWSLoadBalancerController"]);
}

proptest! {
    /// Whatever a file says stays within its value.
    #[test]
    fn text_never_breaks_out_of_its_place(text in r#"[ab"\\{}%$#<>&'\n\t\u{2028}é]{0,12}"#) {
        let role = RoleTemplate {
            stack_name: "s".into(),
            owner: owner(&text, "b"),
            role_name: Some(format!("x{text}")),
            managed_policy_arns: vec![text.clone()],
            inline_policy: Some(json!({"{{ role_name }}": [text, {"a": "{% raw %}"}]})),
            permissions_boundary: Some(format!("x{text}")),
            ..template("a", "b")
        };
        let rendered = role.render().unwrap();
        let own = &rendered["Resources"]["Role1"]["Properties"];
        prop_assert_eq!(&own["RoleName"], &json!(role.role_name));
        prop_assert_eq!(&own["PermissionsBoundary"], &json!(role.permissions_boundary));
        prop_assert_eq!(&own["ManagedPolicyArns"], &json!(role.managed_policy_arns));
        prop_assert_eq!(&rendered["Description"], &json!(role.owner.description()));
        prop_assert_eq!(&rendered["Resources"]["Policy1"]["Properties"]["PolicyDocument"], &role.inline_policy.unwrap());
        prop_assert_eq!(rendered["Resources"].as_object().unwrap().len(), 2);
    }
}
