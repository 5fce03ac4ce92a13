//! The files under `examples/` and the checked-in JSON Schema that editors use with them.

use serde_json::Value;

use super::loaded;
use crate::config::{json_schema, load};

const EXAMPLES: [(&str, &str); 3] = [
    (
        "quickstart.yaml",
        include_str!("../../../examples/quickstart.yaml"),
    ),
    (
        "service-accounts.yaml",
        include_str!("../../../examples/service-accounts.yaml"),
    ),
    (
        "partition-china.yaml",
        include_str!("../../../examples/partition-china.yaml"),
    ),
];

#[test]
fn examples_load_without_a_word() {
    for (name, text) in EXAMPLES {
        assert!(
            text.starts_with("# yaml-language-server: $schema=eksact.schema.json\n"),
            "{name} has no schema line"
        );
        let loaded = load(name, text.as_bytes()).unwrap_or_else(|errors| panic!("{name}: {errors:?}"));
        assert!(
            loaded.warnings.is_empty() && loaded.config.unmanaged_sections.is_empty(),
            "{name}"
        );
    }
}

/// After a change of the field table: `cargo test --lib config::` names the line that differs; regenerate the file with
/// `cargo run -- schema > examples/eksact.schema.json`.
#[test]
fn the_checked_in_schema_is_the_one_of_this_version() {
    let checked_in: Value =
        serde_json::from_str(include_str!("../../../examples/eksact.schema.json")).unwrap();
    assert!(
        checked_in == json_schema(),
        "examples/eksact.schema.json is not what json_schema() gives"
    );
}

#[test]
fn the_schema_describes_what_is_managed_and_allows_nothing_unknown() {
    let schema = json_schema();
    let definitions = schema["definitions"].as_object().unwrap();
    for (name, definition) in definitions {
        assert_eq!(definition["additionalProperties"], Value::Bool(false), "{name}");
    }
    for name in ["ClusterIAMServiceAccount", "ClusterIAMMeta", "WellKnownPolicies"] {
        for (field, of_field) in definitions[name]["properties"].as_object().unwrap() {
            assert!(
                of_field.get("description").is_some(),
                "{name}.{field} has no description"
            );
        }
    }
    assert_eq!(
        definitions["ClusterMeta"]["required"],
        serde_json::json!(["name", "region"])
    );
    assert_eq!(
        definitions["ClusterIAMMeta"]["properties"]["namespace"]["default"],
        "default"
    );
    // Every reference leads somewhere.
    for reference in schema.to_string().split("#/definitions/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(definitions.contains_key(name), "{name}");
    }
}

/// The input of the recorded eksctl run means here what it meant there.
#[test]
fn eksctls_own_input_is_taken_whole() {
    let config = loaded(include_str!("../data/recorded-eksctl-0.231.yaml")).config;
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
