//! What the simulated API server checks of every object alike: its size, its name, labels, annotations
//! (`k8s.io/apimachinery/pkg/api/validation`).

use std::collections::BTreeMap;

use serde_json::Value;

use super::id::Id;
use crate::refusal::Refusal;
use eksact_core::ports::kubernetes::Names;

/// Sum of the sizes of an object's annotations that the server takes, in bytes.
const MAX_ANNOTATIONS: usize = 256 * 1024;

/// Body of a request (`k8s.io/apiserver` `server/config.go`, `MaxRequestBodyBytes`), in bytes.
const MAX_REQUEST: usize = 3 * 1024 * 1024;

pub(super) fn check_size_of_request(body: &Value) -> Result<(), Refusal> {
    if body.to_string().len() > MAX_REQUEST {
        let message = format!("Request entity too large: limit is {MAX_REQUEST}");
        return Err(Refusal::new("RequestEntityTooLarge", message));
    }
    Ok(())
}

/// The name of a new object.
pub(super) fn check_name(id: &Id<'_>) -> Result<(), Refusal> {
    let name = id.key.name;
    let why = match id.resource.names {
        Names::Label if is_label_name(name) => return Ok(()),
        Names::Label => format!(
            "Invalid value: \"{name}\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or \
             '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for \
             validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
        ),
        Names::Subdomain if name.len() <= 253 && name.split('.').all(is_label_characters) => return Ok(()),
        Names::Subdomain => format!(
            "Invalid value: \"{name}\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric \
             characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex \
             used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
        ),
        Names::PathSegment => match name {
            "" => "Required value: name or generateName is required".to_owned(),
            "." | ".." => format!("Invalid value: \"{name}\": may not be '{name}'"),
            _ => match name.chars().find(|letter| ['/', '%'].contains(letter)) {
                Some(letter) => format!("Invalid value: \"{name}\": may not contain '{letter}'"),
                None => return Ok(()),
            },
        },
    };
    Err(id.invalid("metadata.name", &why))
}

/// Labels and annotations of any object.
pub(super) fn check_metadata(
    id: &Id<'_>,
    labels: &BTreeMap<String, String>,
    annotations: &BTreeMap<String, String>,
) -> Result<(), Refusal> {
    const QUALIFIED: &str = "name part must be a qualified name of at most 63 characters";
    let invalid = |field: &str, value: &str, why: &str| {
        Err(id.invalid(field, &format!("Invalid value: \"{value}\": {why}")))
    };
    for (key, value) in labels {
        if !is_qualified_name(key) {
            return invalid("metadata.labels", key, QUALIFIED);
        }
        if !(value.is_empty() || is_name(value)) {
            return invalid(
                "metadata.labels",
                value,
                "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and \
                 must start and end with an alphanumeric character",
            );
        }
    }
    for key in annotations.keys() {
        if !is_qualified_name(&key.to_ascii_lowercase()) {
            return invalid("metadata.annotations", key, QUALIFIED);
        }
    }
    let size: usize = annotations
        .iter()
        .map(|(key, value)| key.len() + value.len())
        .sum();
    if size > MAX_ANNOTATIONS {
        let why = format!("Too long: may not be more than {MAX_ANNOTATIONS} bytes");
        return Err(id.invalid("metadata.annotations", &why));
    }
    Ok(())
}

fn is_label_name(name: &str) -> bool {
    name.len() <= 63 && is_label_characters(name)
}

/// A key of a ConfigMap's `data` (`IsConfigMapKey`).
pub(super) fn is_config_key(key: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !key.is_empty() && key.len() <= 253 && key != "." && !key.starts_with("..") && key.bytes().all(inner)
}

fn is_label_characters(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    name.bytes().all(|byte| inner(byte) || byte == b'-')
        && name.bytes().next().is_some_and(inner)
        && name.bytes().next_back().is_some_and(inner)
}

/// A label's value, or the part of a key after the slash.
fn is_name(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric();
    name.len() <= 63
        && name.bytes().all(|byte| inner(byte) || b"-_.".contains(&byte))
        && name.bytes().next().is_some_and(inner)
        && name.bytes().next_back().is_some_and(inner)
}

fn is_qualified_name(key: &str) -> bool {
    match key.split_once('/') {
        Some((prefix, name)) => {
            prefix.len() <= 253 && prefix.split('.').all(is_label_characters) && is_name(name)
        }
        None => is_name(key),
    }
}
