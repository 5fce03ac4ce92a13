//! YAML for stdout, with lists right below their keys, as kubectl has them. A text in which a terminal would obey something is escaped,
//! and means the same to every reader.

use std::fmt;

use eksact_yaml::edit::Value;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, MapAccess, SeqAccess, Visitor},
};

use crate::cli::Failure;

/// `value` as YAML with a line end, its keys in their order.
pub(crate) fn yaml(value: &impl Serialize) -> Result<String, Failure> {
    let value = serde_json::to_string(value)
        .and_then(|text| serde_json::from_str::<Ordered>(&text))
        .map_err(|error| Failure::error(format!("the YAML could not be written: {error}")))?;
    Ok(value.0.compact().join("\n") + "\n")
}

/// What a text in JSON says: `serde_json` would sort the keys.
struct Ordered(Value);

impl<'de> Deserialize<'de> for Ordered {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(InOrder)
    }
}

struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Ordered;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value of JSON, with whole numbers only")
    }

    fn visit_unit<E>(self) -> Result<Ordered, E> {
        Ok(Ordered(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Ordered, E> {
        Ok(Ordered(Value::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Ordered, E> {
        Ok(Ordered(Value::Integer(value)))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Ordered, E> {
        let integer = i64::try_from(value).map_err(E::custom)?;
        Ok(Ordered(Value::Integer(integer)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Ordered, E> {
        Ok(Ordered(Value::text(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Ordered, A::Error> {
        let mut all = Vec::new();
        while let Some(Ordered(item)) = items.next_element()? {
            all.push(item);
        }
        Ok(Ordered(Value::Sequence(all)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Ordered, A::Error> {
        let mut all = Vec::new();
        while let Some((key, Ordered(value))) = entries.next_entry()? {
            all.push((key, value));
        }
        Ok(Ordered(Value::Mapping(all)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn harmful_text_is_escaped_and_read_as_it_was() {
        let text = "x\u{1b}[2J\u{202e}\u{e0041}\u{9b}y";
        let written = yaml(&json!([{"a\u{200b}": text, "count": 7, "t": true, "z": null}])).unwrap();
        assert_eq!(
            written,
            "- \"a\\u200b\": \"x\\u001b[2J\\u202e\\U000e0041\\u009by\"\n  count: 7\n  t: true\n  z: null\n"
        );
        let read: serde_json::Value = serde_saphyr::from_str(&written).unwrap();
        assert_eq!(read[0]["a\u{200b}"], text);
    }

    #[test]
    fn keys_keep_their_order_and_lists_are_below_their_key() {
        #[derive(Serialize)]
        struct Role<'a> {
            name: &'a str,
            arns: Vec<&'a str>,
            count: i64,
        }
        let role = Role {
            name: "on",
            arns: vec!["arn:aws:iam::111122223333:role/a"],
            count: -3,
        };
        assert_eq!(
            yaml(&[role]).unwrap(),
            "- name: \"on\"\n  arns:\n  - arn:aws:iam::111122223333:role/a\n  count: -3\n"
        );
    }

    /// Nothing that is written so has one; what cannot be written as it is must not be written as text.
    #[test]
    fn number_that_is_not_whole_is_refused() {
        for value in [json!([1.5]), json!([u64::MAX])] {
            assert!(yaml(&value).is_err(), "{value}");
        }
    }
}
