//! The JSON Schema of the file format, for editors. Made from the field table, so it cannot say otherwise than the checks.

use serde_json::{Map, Value, json};

use super::document::DocumentKind;
use super::fields::{Field, FieldType, types};

/// What is said of a section that eksact does not manage.
const NOT_MANAGED: &str = "eksact leaves this as it is.";

/// The schema of one kind of document, draft 7. `additionalProperties` is false throughout: an unknown key is an error when loading, too.
pub fn json_schema(kind: DocumentKind) -> Value {
    let definitions: Map<String, Value> = types(kind)
        .iter()
        .map(|(name, object)| {
            let mut properties: Map<String, Value> = object
                .fields
                .iter()
                .map(|field| (field.name.clone(), of_field(field, object.is_managed_in_part())))
                .collect();
            // A node group's taints may be either of two shapes; every other field has one.
            properties.sort_keys();
            let required: Vec<&str> = object
                .fields
                .iter()
                .filter(|field| field.required)
                .map(|field| field.name.as_str())
                .collect();
            let mut schema =
                json!({"type": "object", "properties": properties, "additionalProperties": false});
            // Holders of anchors, see `anchors`.
            insert(
                &mut schema,
                "patternProperties",
                (name == kind.name()).then(|| json!({"^x-": {}})),
            );
            insert(
                &mut schema,
                "description",
                object.description.clone().map(Value::from),
            );
            insert(
                &mut schema,
                "required",
                (!required.is_empty()).then(|| json!(required)),
            );
            (name.clone(), schema)
        })
        .collect();
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": format!("{} of {}, as eksact reads it", kind.name(), kind.api_version()),
        "$ref": format!("#/definitions/{}", kind.name()),
        "definitions": definitions,
    })
}

/// The schema of a field, `in_part` telling whether eksact manages only some of those beside it.
fn of_field(field: &Field, in_part: bool) -> Value {
    let description = match &field.description {
        None if in_part && !field.managed => Some(NOT_MANAGED),
        description => description.as_deref(),
    };
    let mut schema = of_type(&field.holds);
    if schema.get("$ref").is_some() {
        // Draft 7 ignores what stands beside a `$ref`.
        if let Some(description) = description {
            return json!({"allOf": [schema], "description": description});
        }
        return schema;
    }
    insert(
        &mut schema,
        "enum",
        (!field.allowed.is_empty()).then(|| json!(field.allowed)),
    );
    insert(&mut schema, "description", description.map(Value::from));
    let default = field.default.as_deref().map(|text| match field.holds {
        FieldType::Text => json!(text),
        _ => serde_json::from_str(text).unwrap_or_else(|_| json!(text)),
    });
    insert(&mut schema, "default", default);
    schema
}

fn of_type(field_type: &FieldType) -> Value {
    match field_type {
        FieldType::Text => json!({"type": "string"}),
        FieldType::Boolean => json!({"type": "boolean"}),
        FieldType::Integer => json!({"type": "integer"}),
        FieldType::Number => json!({"type": "number"}),
        FieldType::Document => json!({"type": "object", "additionalProperties": true}),
        FieldType::List(item) => json!({"type": "array", "items": of_type(item)}),
        FieldType::Map(value) => json!({"type": "object", "additionalProperties": of_type(value)}),
        FieldType::Object(name) => json!({"$ref": format!("#/definitions/{name}")}),
        FieldType::Taints => json!({"anyOf": [
            {"type": "array", "items": {"$ref": "#/definitions/NodeGroupTaint"}},
            {"type": "object", "additionalProperties": {"type": "string"}},
        ]}),
    }
}

fn insert(schema: &mut Value, key: &str, value: Option<Value>) {
    if let (Some(object), Some(value)) = (schema.as_object_mut(), value) {
        object.insert(key.to_owned(), value);
    }
}
