//! Random pods with their service accounts and associations, as files and API servers have them: what decides is there, half there
//! and there in other forms.

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::Union;
use serde_json::{Map, Value, json};

/// The service account that most pods run under.
pub(crate) const NAME: &str = "web";

/// A question for both.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) settings: Value,
    /// The annotations of the service account; none where there is no such object.
    pub(crate) annotations: Option<Map<String, Value>>,
    /// Whose association there is.
    pub(crate) associated: &'static str,
    pub(crate) pod: Value,
}

/// One of these JSON values.
fn one_of(values: &[Value]) -> BoxedStrategy<Value> {
    select(values.to_vec()).boxed()
}

/// An object of these fields, each of which is there so many times in a hundred.
fn object(fields: Vec<(&'static str, u8, BoxedStrategy<Value>)>) -> BoxedStrategy<Value> {
    let mut whole = Just(Map::new()).boxed();
    for (key, chance, values) in fields {
        let there = 0..100_u8;
        whole = (whole, there, values)
            .prop_map(move |(mut whole, rolled, value)| {
                if rolled < chance {
                    whole.insert(key.to_owned(), value);
                }
                whole
            })
            .boxed();
    }
    whole.prop_map(Value::Object).boxed()
}

/// A list, or what says that there is none.
fn list(items: BoxedStrategy<Value>, most: usize) -> BoxedStrategy<Value> {
    Union::new_weighted(vec![
        (1, Just(Value::Null).boxed()),
        (1, Just(json!([])).boxed()),
        (
            8,
            prop::collection::vec(items, 1..=most)
                .prop_map(Value::Array)
                .boxed(),
        ),
    ])
    .boxed()
}

fn expirations() -> BoxedStrategy<Value> {
    let values = [
        "3600",
        "86400",
        "86399",
        "600",
        "599",
        "0",
        "-1",
        "+7200",
        "",
        "1h",
        "1_000",
        " 3600",
        "99999999999",
        "9223372036854775807",
        "9223372036854775808",
        "0x10",
    ];
    one_of(&values.map(Value::from))
}

/// What the service account says.
fn account() -> BoxedStrategy<Value> {
    let roles = [
        "arn:aws:iam::111122223333:role/s3-reader",
        "arn:aws-us-gov:iam::111122223333:role/path/s3-reader",
        "arn:aws:iam::1:role/x",
        "s3-reader",
        " ",
        "",
        "<&>\u{2028}",
    ];
    let regional = [
        "true", "false", "T", "f", "1", "0", "TRUE", "tRue", "yes", "", " true",
    ];
    object(vec![
        ("eks.amazonaws.com/role-arn", 80, one_of(&roles.map(Value::from))),
        (
            "eks.amazonaws.com/audience",
            20,
            one_of(&["sts.amazonaws.com", "mine", ""].map(Value::from)),
        ),
        (
            "eks.amazonaws.com/sts-regional-endpoints",
            40,
            one_of(&regional.map(Value::from)),
        ),
        ("eks.amazonaws.com/token-expiration", 40, expirations()),
        ("eks.amazonaws.com/skip-containers", 5, one_of(&[json!("a")])),
        (
            "eks.amazonaws.com/roleARN",
            5,
            one_of(&[json!("arn:aws:iam::111122223333:role/x")]),
        ),
        (
            "example.com/role-arn",
            5,
            one_of(&[json!("arn:aws:iam::111122223333:role/x")]),
        ),
    ])
}

fn variable() -> BoxedStrategy<Value> {
    let names = [
        "AWS_ROLE_ARN",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_STS_REGIONAL_ENDPOINTS",
        "AWS_ACCESS_KEY_ID",
        "aws_region",
        "PATH",
    ];
    let values = [json!("x"), json!(""), json!("regional"), Value::Null];
    let field = json!({"fieldRef": {"fieldPath": "metadata.name"}});
    object(vec![
        ("name", 100, one_of(&names.map(Value::from))),
        ("value", 70, one_of(&values)),
        ("valueFrom", 10, one_of(&[field, Value::Null])),
    ])
}

fn mount() -> BoxedStrategy<Value> {
    let names = ["aws-iam-token", "eks-pod-identity-token", "data", "aws-token"];
    object(vec![
        ("name", 100, one_of(&names.map(Value::from))),
        ("mountPath", 100, one_of(&[json!("/data"), json!("")])),
        ("readOnly", 30, one_of(&[json!(true), json!(false)])),
        ("subPath", 20, one_of(&[json!("x"), json!("")])),
    ])
}

fn container() -> BoxedStrategy<Value> {
    let names = ["a", "b", " b", "web", "a,b", "istio-proxy"];
    let limits = json!({"limits": {"cpu": "500m", "memory": "1Gi"}});
    object(vec![
        ("name", 100, one_of(&names.map(Value::from))),
        ("image", 90, one_of(&[json!("amazonlinux"), json!("")])),
        ("command", 20, one_of(&[json!(["sh"]), json!([]), Value::Null])),
        ("args", 20, one_of(&[json!(["-c", "<&>"]), json!([])])),
        ("env", 70, list(variable(), 6)),
        (
            "envFrom",
            20,
            one_of(&[json!([{"secretRef": {"name": "aws"}}]), json!([])]),
        ),
        ("volumeMounts", 50, list(mount(), 3)),
        (
            "ports",
            20,
            one_of(&[json!([{"containerPort": 80, "protocol": "TCP"}]), json!([])]),
        ),
        ("resources", 60, one_of(&[json!({}), limits])),
        (
            "securityContext",
            20,
            one_of(&[json!({}), json!({"runAsNonRoot": true}), Value::Null]),
        ),
        ("tty", 10, one_of(&[json!(true), json!(false)])),
        ("restartPolicy", 10, one_of(&[json!("Always"), json!("")])),
    ])
}

fn pod() -> BoxedStrategy<Value> {
    let skipped = [
        "a",
        "a,b",
        "a, b",
        "\"a,b\"",
        "\"a",
        "a\"b",
        "",
        "\n\na\nb",
        "a\r\nb",
        "\"a\nb\",web",
        "web,",
        "istio-proxy,\" b\"",
        "\"a\"\"b\"",
        "\"a\" ,b",
    ];
    let annotations = object(vec![
        (
            "eks.amazonaws.com/skip-containers",
            40,
            one_of(&skipped.map(Value::from)),
        ),
        ("eks.amazonaws.com/token-expiration", 30, expirations()),
        (
            "eks.amazonaws.com/role-arn",
            10,
            one_of(&[json!("arn:aws:iam::111122223333:role/of-the-pod")]),
        ),
        (
            "eks.amazonaws.com/sts-regional-endpoints",
            10,
            one_of(&[json!("true"), json!("false")]),
        ),
    ]);
    let labels = [
        Value::Null,
        json!({}),
        json!({"app": "web"}),
        json!({"eks.amazonaws.com/pod-identity": "disabled"}),
    ];
    let metadata = object(vec![
        ("name", 60, one_of(&[json!("web-1")])),
        ("generateName", 20, one_of(&[json!("web-")])),
        ("annotations", 70, annotations),
        ("labels", 60, one_of(&labels)),
    ]);
    let selectors = [
        json!({"kubernetes.io/os": "windows"}),
        json!({"beta.kubernetes.io/os": "windows"}),
        json!({"kubernetes.io/os": "linux", "beta.kubernetes.io/os": "windows"}),
        json!({"kubernetes.io/os": "Windows"}),
        json!({"kubernetes.io/os": "linux"}),
        json!({}),
        Value::Null,
    ];
    let volumes = [
        json!({"name": "aws-iam-token", "emptyDir": {}}),
        json!({"name": "eks-pod-identity-token", "emptyDir": {}}),
        json!({"name": "data", "configMap": {"name": "data"}}),
    ];
    let accounts = [
        json!(NAME),
        json!(NAME),
        json!(NAME),
        json!(NAME),
        json!("other"),
        json!(""),
    ];
    let spec = object(vec![
        ("serviceAccountName", 95, one_of(&accounts)),
        ("containers", 97, list(container(), 3)),
        ("initContainers", 40, list(container(), 2)),
        ("volumes", 60, list(one_of(&volumes), 3)),
        ("nodeSelector", 40, one_of(&selectors)),
        ("os", 10, one_of(&[json!({"name": "windows"})])),
        ("hostNetwork", 10, one_of(&[json!(true)])),
    ]);
    object(vec![("metadata", 95, metadata), ("spec", 100, spec)])
}

fn settings() -> BoxedStrategy<Value> {
    object(vec![
        (
            "tokenAudience",
            100,
            one_of(&[json!("sts.amazonaws.com"), json!("other")]),
        ),
        ("stsRegionalEndpoint", 100, one_of(&[json!(true), json!(false)])),
        ("awsDefaultRegion", 100, one_of(&[json!(""), json!("eu-west-1")])),
        (
            "tokenExpiration",
            100,
            one_of(&[json!(86_400), json!(3_600), json!(60)]),
        ),
    ])
}

/// A question.
pub(crate) fn case() -> impl Strategy<Value = Case> {
    let associated = select(vec!["", "", "", NAME, "other"]);
    let annotations = prop::option::weighted(0.9, account());
    (settings(), annotations, associated, pod()).prop_map(|(settings, annotations, associated, pod)| Case {
        settings,
        annotations: annotations.and_then(|annotations| annotations.as_object().cloned()),
        associated,
        pod,
    })
}
