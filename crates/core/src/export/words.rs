//! Values of the file out of plain values.

use std::collections::BTreeMap;

use eksact_yaml::edit::Value;

/// A list of texts, in this order.
pub(super) fn texts<T: AsRef<str>>(texts: &[T]) -> Value {
    Value::texts(texts.iter().map(AsRef::as_ref))
}

/// Names and texts.
pub(super) fn map(pairs: &BTreeMap<String, String>) -> Value {
    Value::mapping(pairs.iter().map(|(key, text)| (key, Value::text(text))))
}

/// A document as the file writes it. Numbers that are not whole become texts, as the reader of the file takes them.
pub(super) fn document(json: &serde_json::Value) -> Value {
    use serde_json::Value as Json;
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => number
            .as_i64()
            .map_or_else(|| Value::text(number.to_string()), Value::Integer),
        Json::String(text) => Value::text(text),
        Json::Array(items) => Value::Sequence(items.iter().map(document).collect()),
        Json::Object(fields) => Value::mapping(in_order(fields).map(|(key, value)| (key, document(value)))),
    }
}

/// The members of a policy in the order in which people write them; all others behind them.
fn in_order(
    fields: &serde_json::Map<String, serde_json::Value>,
) -> impl Iterator<Item = (&String, &serde_json::Value)> {
    const ORDER: [&str; 12] = [
        "Version",
        "Id",
        "Statement",
        "Sid",
        "Effect",
        "Principal",
        "NotPrincipal",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
    ];
    let rank = |key: &str| {
        ORDER
            .iter()
            .position(|known| *known == key)
            .unwrap_or(ORDER.len())
    };
    let mut all: Vec<_> = fields.iter().collect();
    all.sort_by_key(|(key, _)| (rank(key), (*key).clone()));
    all.into_iter()
}

/// A message on one line, without its last point: it stands in a comment.
pub(super) fn words(text: &str) -> String {
    let one_line: Vec<&str> = text.split_whitespace().collect();
    one_line.join(" ").trim_end_matches('.').to_owned()
}
