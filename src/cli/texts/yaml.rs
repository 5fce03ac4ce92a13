//! YAML for stdout. A text in which a terminal would obey something is escaped, and means the same to every reader.

use eksact_message::harmful::is_harmful;
use eksact_yaml::edit;
use serde::Serialize;
use serde_json::Value;

use crate::cli::Failure;

/// `value` as YAML with a line end.
pub(crate) fn yaml(value: &impl Serialize) -> Result<String, Failure> {
    let unwritten =
        |error: &dyn std::fmt::Display| Failure::error(format!("the YAML could not be written: {error}"));
    let text = serde_saphyr::to_string(value).map_err(|error| unwritten(&error))?;
    if !text.contains(|character| character != '\n' && is_harmful(character)) {
        return Ok(text);
    }
    // That writer leaves such characters as they are; this one escapes them.
    let value = serde_json::to_value(value).map_err(|error| unwritten(&error))?;
    Ok(escaping(value).block(0).join("\n") + "\n")
}

fn escaping(value: Value) -> edit::Value {
    match value {
        Value::Null => edit::Value::Null,
        Value::Bool(value) => edit::Value::Bool(value),
        Value::Number(number) => number
            .as_i64()
            .map_or_else(|| edit::Value::text(number.to_string()), edit::Value::Integer),
        Value::String(text) => edit::Value::Text(text),
        Value::Array(items) => edit::Value::Sequence(items.into_iter().map(escaping).collect()),
        Value::Object(fields) => {
            edit::Value::mapping(fields.into_iter().map(|(name, value)| (name, escaping(value))))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn harmful_text_is_escaped_and_read_as_it_was() {
        let plain = json!([{"a": "b", "c": {"d": ["e"]}}]);
        assert_eq!(yaml(&plain).unwrap(), serde_saphyr::to_string(&plain).unwrap());
        let text = "x\u{1b}[2J\u{202e}\u{e0041}\u{9b}y";
        let written = yaml(&json!([{"a\u{200b}": text, "count": 7, "t": true, "z": null}])).unwrap();
        assert_eq!(
            written,
            "- \"a\\u200b\": \"x\\u001b[2J\\u202e\\U000e0041\\u009by\"\n  count: 7\n  t: true\n  z: null\n"
        );
    }
}
