//! The rules of the webhook, one by one; that they are those of its own code is judged in `tests/webhook_agreement`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;

const ROLE: &str = "arn:aws:iam::111122223333:role/s3-reader";

fn annotations(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let own = |(key, value): &(&str, &str)| (format!("eks.amazonaws.com/{key}"), (*value).to_owned());
    pairs.iter().map(own).collect()
}

/// The webhook as its own tests start it: no region, no regional endpoints.
fn bare() -> Webhook {
    Webhook {
        regional_sts: false,
        ..Webhook::of_eks(None)
    }
}

fn patch(webhook: &Webhook, account: &[(&str, &str)], has_association: bool, pod: &Value) -> Value {
    let pod = Pod::read(pod).unwrap();
    let configuration = webhook
        .configuration(Some(&annotations(account)), has_association)
        .unwrap();
    json!(webhook.injection(&configuration, &pod).patch(&pod))
}

/// The patch in the webhook's own test (`rawPodWithoutVolumes.pod.yaml`).
#[test]
fn patch_is_that_of_the_webhooks_own_fixture() {
    let pod = json!({"spec": {"serviceAccountName": "default", "containers": [{"name": "balajilovesoreos", "image": "amazonlinux"}]}});
    assert_eq!(
        patch(
            &bare(),
            &[("role-arn", ROLE), ("token-expiration", "3600")],
            false,
            &pod
        ),
        json!([
            {"op": "add", "path": "/spec/volumes", "value": [{"name": "aws-iam-token", "projected": {"sources": [
                {"serviceAccountToken": {"audience": "sts.amazonaws.com", "expirationSeconds": 3600, "path": "token"}}
            ]}}]},
            {"op": "add", "path": "/spec/containers", "value": [{
                "name": "balajilovesoreos", "image": "amazonlinux",
                "env": [
                    {"name": "AWS_ROLE_ARN", "value": ROLE},
                    {"name": "AWS_WEB_IDENTITY_TOKEN_FILE", "value": "/var/run/secrets/eks.amazonaws.com/serviceaccount/token"}
                ],
                "resources": {},
                "volumeMounts": [{
                    "name": "aws-iam-token", "readOnly": true, "mountPath": "/var/run/secrets/eks.amazonaws.com/serviceaccount"
                }]
            }]}
        ])
    );
}

#[test]
fn association_wins_over_the_annotation() {
    let webhook = Webhook::of_eks(Some("eu-west-1"));
    let account = annotations(&[("role-arn", ROLE)]);
    let method = |annotations: Option<&BTreeMap<String, String>>, has_association| {
        let configuration = webhook.configuration(annotations, has_association)?;
        Some((
            configuration.method,
            configuration.audience,
            configuration.regional_sts,
        ))
    };
    let association = (Method::Association, "pods.eks.amazonaws.com".to_owned(), true);
    assert_eq!(method(Some(&account), true), Some(association.clone()));
    // Of a service account that is not there it does not take its own flag.
    assert_eq!(method(None, true), Some((association.0, association.1, false)));
    assert_eq!(method(None, false), None);
    assert_eq!(method(Some(&annotations(&[("role-arn", "")])), false), None);
    let by_token = Method::WebIdentity {
        role_arn: ROLE.to_owned(),
    };
    assert_eq!(
        method(Some(&account), false),
        Some((by_token, "sts.amazonaws.com".to_owned(), true))
    );
}

#[test]
fn expiration_is_the_pods_then_the_accounts_within_its_bounds() {
    for (account, pod, has_association, expected) in [
        (None, None, false, Expiration::Seconds(86_400)),
        (Some("3600"), None, false, Expiration::Seconds(3_600)),
        (Some("3600"), Some("7200"), false, Expiration::Seconds(7_200)),
        (Some("3600"), Some("soon"), false, Expiration::Seconds(3_600)),
        (Some("1h"), None, false, Expiration::Seconds(86_400)),
        (Some("5"), Some("-5"), false, Expiration::Seconds(600)),
        // It has no upper limit: the API server has.
        (Some("999999999"), None, false, Expiration::Seconds(999_999_999)),
        (None, None, true, Expiration::Between(79_200, 86_400)),
        (Some("86400"), None, true, Expiration::Between(79_200, 86_400)),
        (None, Some("3600"), true, Expiration::Seconds(3_600)),
    ] {
        let key =
            |value: Option<&'static str>| Vec::from_iter(value.map(|value| ("token-expiration", value)));
        let account = [vec![("role-arn", ROLE)], key(account)].concat();
        let configuration = bare()
            .configuration(Some(&annotations(&account)), has_association)
            .unwrap();
        let pod = Pod {
            annotations: annotations(&key(pod)),
            ..Pod::plain()
        };
        let injection = bare().injection(&configuration, &pod);
        assert_eq!(injection.expiration, expected, "{account:?}");
    }
}

/// What a container with these variables and mounts gets.
fn container(env: &[&str], mounts: &[&str]) -> InjectedContainer {
    let named = |names: &[&str]| -> Value { names.iter().map(|name| json!({"name": name})).collect() };
    let pod =
        json!({"spec": {"containers": [{"name": "web", "env": named(env), "volumeMounts": named(mounts)}]}});
    let webhook = Webhook::of_eks(Some("eu-west-1"));
    let configuration = webhook
        .configuration(Some(&annotations(&[("role-arn", ROLE)])), false)
        .unwrap();
    let pod = Pod::read(&pod).unwrap();
    webhook.injection(&configuration, &pod).containers.remove(0)
}

#[test]
fn container_keeps_what_it_has() {
    const ALL: [&str; 5] = [
        "AWS_STS_REGIONAL_ENDPOINTS",
        "AWS_DEFAULT_REGION",
        "AWS_REGION",
        "AWS_ROLE_ARN",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
    ];
    let own = |name| vec![Kept::OwnCredentials(name)];
    for (env, mounts, variables, kept, mounted) in [
        (vec![], vec![], ALL.to_vec(), vec![], true),
        (
            vec!["AWS_REGION"],
            vec![],
            vec![ALL[0], ALL[3], ALL[4]],
            vec![],
            true,
        ),
        (vec![ALL[0]], vec![], ALL[1..].to_vec(), vec![], true),
        (vec![ALL[3]], vec![], ALL[..3].to_vec(), own("AWS_ROLE_ARN"), true),
        (
            vec![ALL[4]],
            vec![],
            ALL[..3].to_vec(),
            own("AWS_WEB_IDENTITY_TOKEN_FILE"),
            true,
        ),
        (
            vec![],
            vec!["aws-iam-token"],
            ALL.to_vec(),
            vec![Kept::OwnMount],
            false,
        ),
        // Not even the mount.
        (
            vec![ALL[0], ALL[1], ALL[3]],
            vec![],
            vec![],
            vec![Kept::HasAll],
            false,
        ),
    ] {
        let got = container(&env, &mounts);
        let names: Vec<&str> = got.variables.iter().map(|variable| variable.name).collect();
        assert_eq!(
            (names, got.kept, got.gets_mount),
            (variables, kept, mounted),
            "{env:?}"
        );
    }
}

#[test]
fn skip_list_label_and_windows_are_read_as_the_webhook_does() {
    let account = [("role-arn", ROLE)];
    let pod = json!({
        "metadata": {"annotations": {"eks.amazonaws.com/skip-containers": "a, b"}, "labels": {SKIP_LABEL: "no"}},
        "spec": {
            "nodeSelector": {"beta.kubernetes.io/os": "windows"},
            "initContainers": [{"name": "a"}, {"name": "b"}],
            "containers": [{"name": " b"}]
        }
    });
    assert!(Pod::read(&pod).unwrap().has_skip_label());
    let patch = patch(&bare(), &account, false, &pod);
    assert_eq!(patch[1]["path"], "/spec/containers");
    assert_eq!(patch[1]["value"][0].get("env"), None);
    assert_eq!(patch[2]["value"][0].get("env"), None);
    // Blanks belong to the names: `b` is not in the list.
    assert_eq!(
        patch[2]["value"][1]["env"][1]["value"],
        r"C:\var\run\secrets\eks.amazonaws.com\serviceaccount\token"
    );
    assert_eq!(
        patch[2]["value"][1]["volumeMounts"][0]["mountPath"],
        "/var/run/secrets/eks.amazonaws.com/serviceaccount"
    );
}

#[test]
fn annotations_without_effect_are_named() {
    let keys = |pairs: &[(&str, &str)], has_association| -> Vec<String> {
        ignored_annotations(&annotations(pairs), has_association)
            .into_iter()
            .map(|ignored| {
                format!(
                    "{}={}",
                    ignored.key.rsplit('/').next().unwrap_or_default(),
                    ignored.value
                )
            })
            .collect()
    };
    let all = [
        ("sts-regional-endpoints", "yes"),
        ("token-expiration", "1h"),
        ("audience", "x"),
    ];
    assert_eq!(
        keys(&all, false),
        ["sts-regional-endpoints=yes", "token-expiration=1h"]
    );
    assert_eq!(keys(&all[2..], true), ["audience=x"]);
    assert_eq!(
        keys(
            &[("token-expiration", "60"), ("sts-regional-endpoints", "T")],
            false
        ),
        ["token-expiration=60"]
    );
    assert_eq!(keys(&[("token-expiration", "6000")], true), Vec::<String>::new());
}
