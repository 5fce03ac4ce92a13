//! Ways in which a pod does not get its role: `check irsa` names each, and where STS has a say it agrees.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::bed::{Bed, Ran};
use super::live::{ROLE_ANNOTATION, service_account_path};

const FILE: &str = r#"
apiVersion: eksctl.io/v1alpha5
kind: ClusterConfig
metadata: {name: bench, region: us-west-2}
iam:
  withOIDC: true
  serviceAccounts:
  - metadata: {name: reader, namespace: app}
    attachPolicyARNs: ["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"]
"#;
const SUBJECT: &str = "system:serviceaccount:app:reader";
const AUDIENCE: &str = "sts.amazonaws.com";

fn check(bed: &Bed, more: &[&str]) -> Ran {
    let mut arguments = vec![
        "check",
        "irsa",
        "--cluster",
        bed.fact("cluster"),
        "app/reader",
        "-o",
        "json",
    ];
    arguments.extend(more);
    bed.run(&arguments)
}

fn first_code(ran: &Ran) -> String {
    ran.json()["findings"][0]["code"]
        .as_str()
        .unwrap_or("none")
        .to_owned()
}

/// The chain is broken here, and STS refuses for it.
fn broken(bed: &Bed, code: &str) {
    let ran = check(bed, &["--try"]).ended(1);
    assert_eq!(first_code(&ran), code, "{ran}");
    let codes = ran.json()["findings"].to_string();
    assert!(codes.contains("sts-refused"), "STS does not agree: {ran}");
}

fn whole(bed: &Bed) {
    let ran = check(bed, &["--try"]).ended(0);
    let links = ran.json()["links"].clone();
    let call = links.as_array().unwrap().last().unwrap();
    assert_eq!(
        (&call["link"], &call["verdict"]),
        (&json!("call"), &json!("whole")),
        "{ran}"
    );
    let session = call["says"].as_str().unwrap();
    assert!(
        session.contains("assumed-role/") && session.ends_with("/eksact-check-irsa"),
        "{ran}"
    );
    assert_eq!(ran.json()["findings"], json!([]), "{ran}");
}

fn annotate(bed: &Bed, annotations: &Value) {
    let path = service_account_path("app", "reader");
    let (_, mut found) = bed.kubernetes("GET", &path, &Value::Null);
    let live = &mut found["metadata"]["annotations"];
    if live.is_null() {
        *live = json!({});
    }
    let live = live.as_object_mut().unwrap();
    for (key, value) in annotations.as_object().unwrap() {
        if value.is_null() {
            live.remove(key);
        } else {
            live.insert(key.clone(), value.clone());
        }
    }
    let (status, answer) = bed.kubernetes("PUT", &path, &found);
    assert_eq!(status, 200, "{answer}");
}

fn trust(bed: &Bed, role: &str, issuer: &str, condition: &Value) {
    let policy = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity", "Condition": condition,
        "Principal": {"Federated": format!("arn:aws:iam::{}:oidc-provider/{issuer}", bed.fact("account"))},
    }]});
    let arguments = json!({"RoleName": role, "PolicyDocument": policy.to_string()});
    bed.aws("iam", "update_assume_role_policy", &arguments).unwrap();
}

#[test]
fn broken_links_are_named_and_sts_agrees() {
    let bed = Bed::start();
    let file = bed.file("cluster.yaml", FILE);
    bed.apply(&file).ended(0);
    whole(&bed);

    let role_arn = bed.annotation("app", "reader").unwrap();
    let role = role_arn.rsplit('/').next().unwrap().to_owned();
    let issuer = bed.fact("issuer").trim_start_matches("https://").to_owned();
    let keys = [format!("{issuer}:sub"), format!("{issuer}:aud")];
    let equals = |sub: &str, aud: &str| json!({"StringEquals": {&keys[0]: sub, &keys[1]: aud}});
    for (code, condition) in [
        ("trust-wildcard", equals("system:serviceaccount:app:*", AUDIENCE)),
        ("trust-swapped", equals(AUDIENCE, SUBJECT)),
        (
            "trust-namespace",
            equals("system:serviceaccount:other:reader", AUDIENCE),
        ),
        ("trust-audience", equals(SUBJECT, "vault")),
    ] {
        trust(&bed, &role, &issuer, &condition);
        broken(&bed, code);
    }
    let elsewhere = issuer.rsplit_once('/').unwrap().0.to_owned() + "/00000000000000000000000000000000";
    trust(&bed, &role, &elsewhere, &equals(SUBJECT, AUDIENCE));
    broken(&bed, "trust-provider");
    trust(&bed, &role, &issuer, &equals(SUBJECT, AUDIENCE));
    whole(&bed);

    let client =
        |audience: &str| json!({"OpenIDConnectProviderArn": bed.provider_arn(), "ClientID": audience});
    bed.aws(
        "iam",
        "remove_client_id_from_open_id_connect_provider",
        &client(AUDIENCE),
    )
    .unwrap();
    broken(&bed, "oidc-audience-missing");
    bed.aws(
        "iam",
        "add_client_id_to_open_id_connect_provider",
        &client(AUDIENCE),
    )
    .unwrap();
    let provider = json!({"OpenIDConnectProviderArn": bed.provider_arn()});
    bed.aws("iam", "delete_open_id_connect_provider", &provider)
        .unwrap();
    broken(&bed, "oidc-provider-missing");
    bed.apply(&file).ended(0);
    whole(&bed);

    annotate(
        &bed,
        &json!({ROLE_ANNOTATION: role_arn.replace(bed.fact("account"), "444455556666")}),
    );
    broken(&bed, "other-account");
    annotate(
        &bed,
        &json!({ROLE_ANNOTATION: null, "eks.amazonaws.com/rolearn": role_arn}),
    );
    assert_eq!(
        first_code(&check(&bed, &["--try"]).ended(1)),
        "annotation-misspelt"
    );
    annotate(&bed, &json!({"eks.amazonaws.com/rolearn": null}));
    assert_eq!(first_code(&check(&bed, &[]).ended(1)), "annotation-missing");
    annotate(&bed, &json!({ROLE_ANNOTATION: role_arn}));
    whole(&bed);
}

#[test]
fn pods_that_are_too_old_and_tokens_that_are_over_are_named() {
    let bed = Bed::start();
    bed.apply(&bed.file("cluster.yaml", FILE)).ended(0);
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web-1"}, "spec": {
        "serviceAccountName": "reader", "automountServiceAccountToken": false,
        "containers": [{"name": "web", "image": "web"}],
    }});
    let (status, answer) = bed.kubernetes("POST", "/api/v1/namespaces/app/pods", &pod);
    assert_eq!(status, 201, "{answer}");
    let ran = check(&bed, &[]).ended(1);
    assert_eq!(first_code(&ran), "pods-older-than-annotation", "{ran}");
    ran.says("web-1").says("node's role");
    let path = "/api/v1/namespaces/app/pods/web-1?gracePeriodSeconds=0";
    assert_eq!(bed.kubernetes("DELETE", path, &Value::Null).0, 200);

    let path = service_account_path("app", "reader") + "/token";
    let request = |audience: &str| {
        json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
            "spec": {"audiences": [audience], "expirationSeconds": 600}})
    };
    let token = |audience: &str| {
        let (_, answer) = bed.kubernetes("POST", &path, &request(audience));
        answer["status"]["token"].as_str().unwrap().to_owned()
    };
    check(&bed, &["--try", "--token", &token(AUDIENCE)]).ended(0);
    let ran = check(&bed, &["--try", "--token", &token("vault")]).ended(1);
    assert_eq!(first_code(&ran), "token-audience", "{ran}");

    let fresh = token(AUDIENCE);
    let parts: Vec<&str> = fresh.split('.').collect();
    let mut claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
    claims["exp"] = json!(1_700_000_000);
    let old = URL_SAFE_NO_PAD.encode(claims.to_string());
    let ran = check(&bed, &["--token", &format!("{}.{old}.{}", parts[0], parts[2])]).ended(1);
    assert_eq!(first_code(&ran), "token-expired", "{ran}");
    for secret in [parts[1], parts[2], &old] {
        assert!(!ran.to_string().contains(secret), "{ran}");
    }
}
