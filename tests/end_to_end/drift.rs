//! Things done by hand between two runs: each is found, named and repaired, and nothing else is touched.

use serde_json::{Value, json};

use super::bed::{Bed, until};
use super::live::{ROLE_ANNOTATION, Role, service_account_path};

const FILE: &str = r#"
apiVersion: eksctl.io/v1alpha5
kind: ClusterConfig
metadata: {name: bench, region: us-west-2}
iam:
  withOIDC: true
  serviceAccounts:
  - metadata: {name: reader, namespace: app, labels: {tier: backend}}
    attachPolicyARNs: ["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess", "arn:aws:iam::aws:policy/AmazonSQSFullAccess"]
    attachPolicy:
      Version: "2012-10-17"
      Statement: [{Effect: Allow, Action: ["s3:GetObject"], Resource: "arn:aws:s3:::data/*"}]
    permissionsBoundary: arn:aws:iam::aws:policy/PowerUserAccess
  - metadata: {name: bystander, namespace: app}
    attachPolicyARNs: ["arn:aws:iam::aws:policy/ReadOnlyAccess"]
"#;

/// What a hand did, where the plan shows it, and what it calls it.
struct Edit {
    what: &'static str,
    by_hand: fn(&Bed, role: &str),
    address: &'static str,
    attribute: &'static str,
}

const EDITS: [Edit; 8] = [
    Edit {
        what: "the annotation is removed",
        by_hand: |bed, _| {
            let remove = format!("{ROLE_ANNOTATION}-");
            bed.kubectl(&["annotate", "serviceaccount", "-n", "app", "reader", &remove])
                .ended(0);
        },
        address: "service-account/app/reader",
        attribute: "annotation eks.amazonaws.com/role-arn",
    },
    Edit {
        what: "the service account is deleted",
        by_hand: |bed, _| {
            let path = service_account_path("app", "reader");
            assert_eq!(bed.kubernetes("DELETE", &path, &Value::Null).0, 200);
        },
        address: "service-account/app/reader",
        attribute: "annotation eks.amazonaws.com/role-arn",
    },
    Edit {
        what: "the trust policy is widened",
        by_hand: |bed, role| {
            let mut trust = bed.role(role).unwrap().trust.to_string();
            trust = trust
                .replace("StringEquals", "StringLike")
                .replace("app:reader", "*:*");
            let arguments = json!({"RoleName": role, "PolicyDocument": trust});
            bed.aws("iam", "update_assume_role_policy", &arguments).unwrap();
        },
        address: "iam-role/app/reader",
        attribute: "trust policy",
    },
    Edit {
        what: "a managed policy is detached",
        by_hand: |bed, role| {
            let arguments =
                json!({"RoleName": role, "PolicyArn": "arn:aws:iam::aws:policy/AmazonSQSFullAccess"});
            bed.aws("iam", "detach_role_policy", &arguments).unwrap();
        },
        address: "iam-role/app/reader",
        attribute: "managed policy",
    },
    Edit {
        what: "the inline policy is edited",
        by_hand: |bed, role| {
            let name = bed.role(role).unwrap().inline.into_keys().next().unwrap();
            let all = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]});
            let arguments = json!({"RoleName": role, "PolicyName": name, "PolicyDocument": all.to_string()});
            bed.aws("iam", "put_role_policy", &arguments).unwrap();
        },
        address: "iam-role/app/reader",
        attribute: "inline policy",
    },
    Edit {
        what: "the boundary is removed",
        by_hand: |bed, role| {
            bed.aws(
                "iam",
                "delete_role_permissions_boundary",
                &json!({"RoleName": role}),
            )
            .unwrap();
        },
        address: "iam-role/app/reader",
        attribute: "permissions boundary",
    },
    Edit {
        what: "the stack is deleted",
        by_hand: |bed, _| {
            let stack = bed.stack_name("app", "reader");
            let unprotect = json!({"StackName": stack, "EnableTerminationProtection": false});
            bed.aws("cloudformation", "update_termination_protection", &unprotect)
                .unwrap();
            bed.aws("cloudformation", "delete_stack", &json!({"StackName": stack}))
                .unwrap();
            until("the stack to go", || bed.stack(&stack).is_none());
        },
        address: "iam-role/app/reader",
        attribute: "stack",
    },
    Edit {
        what: "the provider's audience is removed",
        by_hand: |bed, _| {
            let arguments =
                json!({"OpenIDConnectProviderArn": bed.provider_arn(), "ClientID": "sts.amazonaws.com"});
            bed.aws(
                "iam",
                "remove_client_id_from_open_id_connect_provider",
                &arguments,
            )
            .unwrap();
        },
        address: "oidc-provider/bench",
        attribute: "audience",
    },
];

/// All that the file is about, without what a recreation rightly changes.
fn everything(bed: &Bed) -> (Vec<Role>, Vec<String>, Value) {
    let roles = ["reader", "bystander"].map(|name| {
        let mut role = bed.role(&bed.role_name_of("app", name)).unwrap();
        role.tags.remove("aws:cloudformation:stack-id");
        role
    });
    let annotations = ["reader", "bystander"].map(|name| {
        let annotated = bed.annotation("app", name).unwrap();
        assert_eq!(annotated, bed.role_arn_of("app", name), "app/{name}");
        name.to_owned()
    });
    let provider = json!({"OpenIDConnectProviderArn": bed.provider_arn()});
    let mut provider = bed.aws("iam", "get_open_id_connect_provider", &provider).unwrap();
    provider["CreateDate"].take();
    (roles.to_vec(), annotations.to_vec(), provider)
}

#[test]
fn drift_by_hand_is_found_and_repaired() {
    let bed = Bed::start();
    let file = bed.file("cluster.yaml", FILE);
    bed.apply(&file).ended(0);
    let wanted = everything(&bed);
    for edit in EDITS {
        println!("{}", edit.what);
        (edit.by_hand)(&bed, &bed.role_name_of("app", "reader"));

        let plan = bed
            .run(&["plan", "-f", &file, "--detailed-exitcode", "-o", "json"])
            .ended(2)
            .json();
        let changes = plan["changes"].as_array().unwrap();
        let change = changes
            .iter()
            .find(|change| change["address"] == edit.address)
            .unwrap_or_else(|| panic!("{}: {plan:#}", edit.what));
        let attributes = change["attributes"].as_array().unwrap();
        assert!(
            attributes
                .iter()
                .any(|attribute| attribute["name"].as_str().unwrap().starts_with(edit.attribute)),
            "{}: {change:#}",
            edit.what
        );
        let others: Vec<&Value> = changes
            .iter()
            .map(|change| &change["address"])
            .filter(|address| address.as_str().unwrap().contains("bystander"))
            .collect();
        assert!(others.is_empty(), "{}: {others:?}", edit.what);

        bed.apply(&file).ended(0);
        bed.nothing_to_do(&file);
        assert_eq!(everything(&bed), wanted, "{}", edit.what);
    }
}
