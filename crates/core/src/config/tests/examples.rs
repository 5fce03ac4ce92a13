//! The files under `examples/` and the checked-in JSON Schema that editors use with them.

use serde_json::Value;

use super::loaded;
use crate::config::{DocumentKind, InputFile, json_schema, load_all_with};

const EXAMPLES: [(&str, &str); 6] = [
    ("access.yaml", include_str!("../../../../../examples/access.yaml")),
    (
        "deployers.yaml",
        include_str!("../../../../../examples/deployers.yaml"),
    ),
    (
        "quickstart.yaml",
        include_str!("../../../../../examples/quickstart.yaml"),
    ),
    (
        "service-accounts.yaml",
        include_str!("../../../../../examples/service-accounts.yaml"),
    ),
    (
        "shared-roles.yaml",
        include_str!("../../../../../examples/shared-roles.yaml"),
    ),
    (
        "partition-china.yaml",
        include_str!("../../../../../examples/partition-china.yaml"),
    ),
];

#[test]
fn examples_load_without_a_word() {
    // The one file that an example names.
    let beside = |_: &str, path: &str| {
        assert_eq!(path, "policies/describe-cluster.json");
        Ok(include_bytes!("../../../../../examples/policies/describe-cluster.json").to_vec())
    };
    for (name, text) in EXAMPLES {
        assert!(
            text.starts_with("# yaml-language-server: $schema=eksact.schema.json\n"),
            "{name} has no schema line"
        );
        let file = InputFile {
            name,
            bytes: text.as_bytes(),
        };
        let loaded = load_all_with(&[file], &beside).unwrap_or_else(|errors| panic!("{name}: {errors:?}"));
        assert!(
            loaded.warnings.is_empty() && loaded.config.unmanaged_sections.is_empty(),
            "{name}"
        );
    }
}

/// After a change of the field tables: regenerate the files with
/// `cargo run -- schema --kind KIND > examples/…`.
#[test]
fn checked_in_schemas_are_those_of_this_version() {
    for (kind, name, text) in [
        (
            DocumentKind::ClusterConfig,
            "eksact.schema.json",
            include_str!("../../../../../examples/eksact.schema.json"),
        ),
        (
            DocumentKind::ClusterAccess,
            "eksact-access.schema.json",
            include_str!("../../../../../examples/eksact-access.schema.json"),
        ),
    ] {
        let checked_in: Value = serde_json::from_str(text).unwrap();
        assert!(
            checked_in == json_schema(kind),
            "examples/{name} is not what json_schema() gives"
        );
    }
}

#[test]
fn schemas_describe_what_is_managed_and_allow_nothing_unknown() {
    let access = json_schema(DocumentKind::ClusterAccess);
    let every_type: Vec<&str> = access["definitions"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    described(&access, &every_type);
    let schema = json_schema(DocumentKind::ClusterConfig);
    described(
        &schema,
        &[
            "ClusterIAMServiceAccount",
            "ClusterIAMMeta",
            "WellKnownPolicies",
            "IAMIdentityMapping",
        ],
    );
    let definitions = &schema["definitions"];
    assert_eq!(
        definitions["ClusterMeta"]["required"],
        serde_json::json!(["name", "region"])
    );
    assert_eq!(
        definitions["ClusterIAMMeta"]["properties"]["namespace"]["default"],
        "default"
    );
}

/// Every type is closed, every reference leads somewhere, and the fields of these types have descriptions.
fn described(schema: &Value, types: &[&str]) {
    let definitions = schema["definitions"].as_object().unwrap();
    for (name, definition) in definitions {
        assert_eq!(definition["additionalProperties"], Value::Bool(false), "{name}");
    }
    for name in types {
        for (field, of_field) in definitions[*name]["properties"].as_object().unwrap() {
            assert!(
                of_field.get("description").is_some(),
                "{name}.{field} has no description"
            );
        }
    }
    for reference in schema.to_string().split("#/definitions/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(definitions.contains_key(name), "{name}");
    }
}

/// The input of the recorded eksctl run means here what it meant there.
#[test]
fn eksctls_own_input_is_taken_whole() {
    let config = loaded(include_str!(
        "../../../../../tests/fixtures/eksctl-0.231/cluster.yaml"
    ))
    .config;
    assert_eq!(config.iam.service_accounts.len(), 13);
    assert_eq!(config.iam.service_accounts[0].tags["cost-center"], "42");
    let several = &config.iam.service_accounts[12];
    assert_eq!(
        (
            several.qualified_name().as_str(),
            several.well_known_policies.0.len()
        ),
        ("wk/several", 2)
    );
}
