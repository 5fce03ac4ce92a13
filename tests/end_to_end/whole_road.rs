//! From a file with every kind of service account to credentials for a pod, on an empty cluster.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::bed::Bed;
use super::live::{ROLE_ANNOTATION, annotations, labels, role_of};

/// The file that eksctl was recorded with, and what it leaves out: a subject pattern.
fn everything() -> String {
    include_str!("../fixtures/eksctl-0.231/cluster.yaml").to_owned()
        + r#"
  - metadata: {name: worker-0, namespace: batch}
    subjectPattern: worker-*
    roleName: batch-workers
    attachPolicyARNs: ["arn:aws:iam::aws:policy/AmazonSQSFullAccess"]
"#
}

/// What eksctl made of the same file: stack by stack, the stack and its role.
fn recorded() -> Vec<Value> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/eksctl-0.231/stacks");
    let files = std::fs::read_dir(folder).unwrap();
    files
        .map(|file| serde_json::from_str(&std::fs::read_to_string(file.unwrap().path()).unwrap()).unwrap())
        .collect()
}

fn token(bed: &Bed, namespace: &str, name: &str, audience: &str) -> String {
    let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token");
    let spec = json!({"audiences": [audience], "expirationSeconds": 600});
    let request = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec});
    let (status, answer) = bed.kubernetes("POST", &path, &request);
    assert_eq!(status, 201, "{answer}");
    answer["status"]["token"].as_str().unwrap().to_owned()
}

/// Asks STS for credentials of the role that a service account's annotation names, with that token.
fn credentials(bed: &Bed, role_arn: &str, token: &str) -> Result<String, String> {
    let arguments = json!({"RoleArn": role_arn, "RoleSessionName": "pod", "WebIdentityToken": token});
    bed.aws_unsigned("sts", "assume_role_with_web_identity", &arguments)
        .map(|answer| answer["AssumedRoleUser"]["Arn"].as_str().unwrap().to_owned())
        .map_err(|refusal| refusal.code)
}

#[test]
fn file_with_everything_leads_to_credentials_and_then_to_silence() {
    let bed = Bed::start();
    let file = bed.file("cluster.yaml", &everything());
    bed.apply(&file).ended(0);

    every_role_is_as_eksctl_makes_it(&bed);
    every_service_account_is_as_eksctl_makes_it(&bed);
    let worker = bed.role("batch-workers").unwrap();
    let subject = format!("{}:sub", bed.fact("issuer").trim_start_matches("https://"));
    let condition = &worker.trust["Statement"][0]["Condition"];
    assert_eq!(
        condition["StringLike"][subject],
        "system:serviceaccount:batch:worker-*"
    );

    bed.nothing_to_do(&file);
    bed.apply(&file).ended(0).says("No changes");
    assert_eq!(bed.writes(), []);

    pods_get_credentials_and_others_do_not(&bed);
}

fn every_role_is_as_eksctl_makes_it(bed: &Bed) {
    let recorded = recorded();
    assert_eq!(recorded.len(), 12);
    for record in recorded {
        let name = record["stack"]["StackName"].as_str().unwrap();
        let stack = bed.stack(name).unwrap_or_else(|| panic!("no stack {name}"));
        assert_eq!(stack["StackStatus"], "CREATE_COMPLETE", "{name}");
        for same in ["Description", "Capabilities", "EnableTerminationProtection"] {
            assert_eq!(stack[same], record["stack"][same], "{same} of {name}");
        }
        let theirs = &record["roles"][0];
        let inline: BTreeMap<String, Value> = theirs["inline"]
            .as_object()
            .unwrap()
            .clone()
            .into_iter()
            .collect();
        let mut theirs = role_of(&theirs["role"], &theirs["attached"], inline);
        let arn = stack["Outputs"][0]["OutputValue"].as_str().unwrap();
        let mut ours = bed.role(arn.rsplit('/').next().unwrap()).unwrap();
        for role in [&mut theirs, &mut ours] {
            // The tool's own version, and the stack's unique id.
            assert!(role.tags.remove("alpha.eksctl.io/eksctl-version").is_some());
            assert!(role.tags.remove("aws:cloudformation:stack-id").is_some());
        }
        assert_eq!(ours, theirs, "{name}");
    }
}

fn every_service_account_is_as_eksctl_makes_it(bed: &Bed) {
    let recorded: Value =
        serde_json::from_str(include_str!("../fixtures/eksctl-0.231/service-accounts.json")).unwrap();
    for theirs in recorded.as_array().unwrap() {
        let metadata = &theirs["metadata"];
        let (namespace, name) = (
            metadata["namespace"].as_str().unwrap(),
            metadata["name"].as_str().unwrap(),
        );
        let ours = bed.service_account(namespace, name).unwrap();
        assert_eq!(labels(&ours), labels(theirs), "{namespace}/{name}");
        let mut wanted = annotations(theirs);
        if name != "existing-role" {
            wanted.insert(ROLE_ANNOTATION.to_owned(), bed.role_arn_of(namespace, name));
        }
        assert_eq!(annotations(&ours), wanted, "{namespace}/{name}");
    }
    assert_eq!(
        bed.service_account("ops", "only-role"),
        None,
        "roleOnly leaves Kubernetes alone"
    );
}

fn pods_get_credentials_and_others_do_not(bed: &Bed) {
    let arn = bed.annotation("app", "inline").unwrap();
    let assumed = credentials(bed, &arn, &token(bed, "app", "inline", "sts.amazonaws.com")).unwrap();
    let role = arn.rsplit('/').next().unwrap();
    assert!(
        assumed.ends_with(&format!(":assumed-role/{role}/pod")),
        "{assumed}"
    );

    let of_another = token(bed, "app", "managed", "sts.amazonaws.com");
    assert_eq!(
        credentials(bed, &arn, &of_another),
        Err("AccessDenied".to_owned())
    );
    let for_another = token(bed, "app", "inline", "vault");
    assert_eq!(
        credentials(bed, &arn, &for_another),
        Err("InvalidIdentityToken".to_owned())
    );

    // The pattern lets every worker in, and nobody else.
    let workers = bed.annotation("batch", "worker-0").unwrap();
    for (name, allowed) in [("worker-7", true), ("controller", false)] {
        bed.make_service_account("batch", name, &json!({}));
        let answer = credentials(bed, &workers, &token(bed, "batch", name, "sts.amazonaws.com"));
        assert_eq!(answer.is_ok(), allowed, "{name}: {answer:?}");
    }

    let provider = json!({"OpenIDConnectProviderArn": bed.provider_arn()});
    bed.aws("iam", "delete_open_id_connect_provider", &provider)
        .unwrap();
    let valid = token(bed, "app", "inline", "sts.amazonaws.com");
    assert_eq!(
        credentials(bed, &arn, &valid),
        Err("InvalidIdentityToken".to_owned())
    );
}
