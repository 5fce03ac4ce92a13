//! What versions promise (CHANGELOG): the JSON of plans, addresses, codes, names of stacks, bytes of templates, tags,
//! labels and annotations. `tests/fixtures/promises/` was recorded from version 0.1.0 and is never written again: a value
//! that differs is a broken promise. Prose (`message`, `help`, `title`, …) was left out of it; fields may be added.

use std::{fs, path::Path};

use serde_json::{Map, Value, json};

use crate::commands::place::Place;

fn recorded(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/promises")
        .join(name);
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// Every place where `actual` does not say what `promised` says.
fn differences(promised: &Value, actual: &Value, path: &str, found: &mut Vec<String>) {
    match (promised, actual) {
        (Value::Object(promised), Value::Object(actual)) => {
            for (key, value) in promised {
                match actual.get(key) {
                    // A later version may find more.
                    Some(Value::Array(all)) if key == "findings" => {
                        for one in value.as_array().into_iter().flatten() {
                            let is_kept = |actual: &&Value| {
                                let mut found = Vec::new();
                                differences(one, actual, "", &mut found);
                                found.is_empty()
                            };
                            if all.iter().find(is_kept).is_none() {
                                found.push(format!("{path}/{key}: {one} is missing"));
                            }
                        }
                    }
                    Some(actual) => differences(value, actual, &format!("{path}/{key}"), found),
                    None => found.push(format!("{path}/{key}: missing")),
                }
            }
        }
        (Value::Array(promised), Value::Array(actual)) if promised.len() == actual.len() => {
            for (index, (promised, actual)) in promised.iter().zip(actual).enumerate() {
                differences(promised, actual, &format!("{path}/{index}"), found);
            }
        }
        _ if promised == actual => {}
        _ => found.push(format!("{path}: {promised} became {actual}")),
    }
}

/// Mends what was recorded of a fault: a service account that is given a role that is there was not said to give more access, and gives its
/// pods all that the role allows.
fn mended(recorded: &mut Value) {
    if let Value::Array(all) = recorded {
        all.iter_mut().for_each(mended);
    }
    let Value::Object(object) = recorded else {
        return;
    };
    object.values_mut().for_each(mended);
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let gives_role = |attribute: &Value| {
        attribute["name"] == "annotation eks.amazonaws.com/role-arn"
            && attribute["before"].is_null()
            && attribute["after"].is_string()
    };
    let attributes = object.get("attributes").and_then(Value::as_array);
    if text(object.get("address")).starts_with("service-account/")
        && attributes.is_some_and(|all| all.iter().any(gives_role))
    {
        object.insert("effect".to_owned(), json!("broader"));
    }
}

fn assert_kept(name: &str, actual: &Value) {
    let mut found = Vec::new();
    let mut promised = recorded(name);
    mended(&mut promised);
    differences(&promised, actual, "", &mut found);
    assert!(found.is_empty(), "{name}:\n{}", found.join("\n"));
}

fn json_of(place: &Place, arguments: &[&str]) -> Value {
    let ended = place.run(arguments);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    serde_json::from_str(&ended.stdout).unwrap()
}

/// The objects that others read: what eksctl, kubectl and the next version find.
fn objects(place: &Place) -> Value {
    let world: Value =
        serde_json::from_str(&fs::read_to_string(place.path(".eksact-sandbox.json")).unwrap()).unwrap();
    let cluster = world["clusters"].as_object().unwrap().values().next().unwrap();
    let stacks: Map<String, Value> = world["stacks"]
        .as_object()
        .unwrap()
        .values()
        .map(|record| {
            let stack = &record["stack"];
            let promised = json!({
                "template": record["template"],
                "tags": stack["tags"],
                "capabilities": stack["capabilities"],
                "description": stack["description"],
            });
            (stack["name"].as_str().unwrap().to_owned(), promised)
        })
        .collect();
    let labels = |objects: &Value| {
        let objects = objects.as_object().unwrap().iter();
        objects
            .map(|(key, object)| (key.clone(), object["labels"].clone()))
            .collect::<Map<_, _>>()
    };
    let providers: Map<String, Value> = world["oidc_providers"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(arn, provider)| (arn.clone(), provider["tags"].clone()))
        .collect();
    json!({
        "stacks": stacks,
        "service_accounts": cluster["service_accounts"],
        "namespaces": labels(&cluster["namespaces"]),
        "aws_auth": cluster["config_maps"]["kube-system/aws-auth"]["data"],
        "oidc_providers": providers,
        "rbac_roles": cluster["rbac_roles"],
        "rbac_bindings": cluster["rbac_bindings"],
    })
}

fn assert_example_keeps_its_promises(name: &str, file: &str) {
    let place = Place::new();
    let path = format!("{name}.yaml");
    place.write(&path, file);
    let plan = json_of(&place, &["plan", "-f", &path, "-o", "json"]);
    assert_kept(&format!("{name}.plan.json"), &plan);
    let mut applied = json_of(&place, &["apply", "-f", &path, "--yes", "-o", "json"]);
    // Steps are reported as they end, and some run at the same time.
    let steps = applied["report"]["steps"].as_array_mut().unwrap();
    steps.sort_by_key(|step| step["id"].as_str().unwrap().to_owned());
    assert_kept(&format!("{name}.report.json"), &applied);
    assert_kept(&format!("{name}.objects.json"), &objects(&place));
}

#[test]
fn quickstart_keeps_its_promises() {
    assert_example_keeps_its_promises("quickstart", include_str!("../../examples/quickstart.yaml"));
}

#[test]
fn access_keeps_its_promises() {
    assert_example_keeps_its_promises("access", include_str!("../../examples/access.yaml"));
}

#[test]
fn service_accounts_keep_their_promises() {
    assert_example_keeps_its_promises(
        "service-accounts",
        include_str!("../../examples/service-accounts.yaml"),
    );
}

#[test]
fn partition_china_keeps_its_promises() {
    assert_example_keeps_its_promises(
        "partition-china",
        include_str!("../../examples/partition-china.yaml"),
    );
}

#[test]
fn plans_of_changes_and_deletions_keep_their_promises() {
    let place = Place::applied();
    let changed = include_str!("../../examples/quickstart.yaml")
        .replace("policy/AmazonS3ReadOnlyAccess", "policy/AmazonS3FullAccess")
        .replace("- sqs:GetQueueAttributes\n", "- sqs:*\n");
    place.write("changed.yaml", &changed);
    assert_kept(
        "changed.plan.json",
        &json_of(&place, &["plan", "-f", "changed.yaml", "-o", "json"]),
    );
    let empty = "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {name: quickstart, region: eu-west-1}\n\
                 iam:\n  withOIDC: true\n  serviceAccounts: []\n";
    place.write("empty.yaml", empty);
    assert_kept(
        "pruned.plan.json",
        &json_of(&place, &["plan", "-f", "empty.yaml", "--prune", "-o", "json"]),
    );
}

/// A code may be added, and none may go.
#[test]
fn codes_keep_their_names() {
    let documented = include_str!("../../docs/codes.md");
    for code in include_str!("../fixtures/promises/codes.txt").lines() {
        assert!(documented.contains(&format!("`{code}`")), "{code}");
    }
}

/// The comparison sees what it must see.
#[test]
fn broken_promise_is_seen() {
    let findings = json!({"findings": [{"code": "x"}]});
    for (actual, wanted) in [
        (
            json!({"findings": [{"code": "new"}, {"code": "x", "help": "…"}]}),
            0,
        ),
        (json!({"findings": [{"code": "new"}]}), 1),
        (json!({"findings": []}), 1),
        (json!({}), 1),
    ] {
        let mut found = Vec::new();
        differences(&findings, &actual, "", &mut found);
        assert_eq!(found.len(), wanted, "{actual}: {found:?}");
    }
    let promised = json!({"a": [{"b": 1}], "c": "x"});
    for (actual, wanted) in [
        (json!({"a": [{"b": 1, "new": 2}], "c": "x", "new": 3}), 0),
        (json!({"a": [{"b": 2}], "c": "x"}), 1),
        (json!({"a": [], "c": "x"}), 1),
        (json!({"a": [{}], "c": "y"}), 2),
        (
            json!({"a": [{"b": 1}], "c": "x", "findings": [{"code": "new"}]}),
            0,
        ),
    ] {
        let mut found = Vec::new();
        differences(&promised, &actual, "", &mut found);
        assert_eq!(found.len(), wanted, "{actual}: {found:?}");
    }
}
