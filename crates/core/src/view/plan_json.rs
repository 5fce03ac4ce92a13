//! A plan for machines: the published form, `plan -o json`.
//!
//! One JSON object. `format_version` is `MAJOR.MINOR`: readers refuse another major version and ignore fields that they do
//! not know. The human view is made from the same data, so the two cannot disagree.
//!
//! | field | what |
//! |---|---|
//! | `format_version`, `tool_version` | of this form, and of the eksact that wrote it |
//! | `target` | what the plan is for: `cluster`, `clusterARN`, `account`, `region`, `issuer` |
//! | `changes[]` | the objects that change, sorted by address; empty: nothing to do |
//! | `changes[].address` | `kind/name`, such as `iam-role/app/s3-reader` |
//! | `changes[].action` | `create`, `update`, `replace`, `delete`, `adopt`, `forget` |
//! | `changes[].reasons[]` | `code` for machines, `text` for people; the first decided the action |
//! | `changes[].origin` | `new`, `live` (drift), `configuration`; absent where it cannot be told |
//! | `changes[].source` | `file`, `line`, `column` of the configuration; absent for what the file does not name |
//! | `changes[].attributes[]` | `name`, `before`, `after`; `after_unknown` (`address`, `attribute`) where another step tells the value; `differences[]` (`sign`: `added`, `removed`, `context`; `indent`, `text`, `effect`) for documents; `effect`; `remark` |
//! | `changes[].effect` | what it means for access: `equal`, `narrower`, `incomparable` (treat as broader), `broader` |
//! | `changes[].depends_on[]`, `.steps[]`, `.notes[]` | objects that must be there first; names of the steps, in order; remarks |
//! | `changes[].fingerprint` | digest of what was read of the object |
//! | `unchanged[]` | addresses of the objects that are as wanted |
//! | `findings[]` | `severity` (`note`, `warning`, `refusal`, `error`), `code`, `message`; `address`, `help`, `source` where there are |
//! | `steps[]` | how it is done, each behind what it waits for: `id`, `address`, `changes`, `title`, `depends_on`, `operation` |
//! | `partial` | only in a plan with `--target` or `--exclude-target`: `targets[]` and `excluded[]`, the globs; `brought_along[]`, addresses that those asked for need; `left_out[]`, addresses that would change or could not be planned |
//! | `access` | who gains and who loses what by the plan: `people[]` with `kind` (`principal`, `user`, `group`, `service-account`), `who`, `gains[]` and `loses[]` in words; `complete`, and `unread[]`: what could not be compared. Absent in a part of a plan that is drift only |

use std::fmt::Write as _;

use schemars::{JsonSchema, generate::SchemaSettings};
use serde::Serialize;
use serde_json::Value;

use crate::engine::Plan;
use eksact_message::harmful::{is_harmful, is_harmless};

/// `plan` as indented JSON with a line end.
pub fn plan_json(plan: &Plan) -> Result<String, serde_json::Error> {
    json(plan)
}

/// The JSON Schema of a plan.
pub fn schema() -> Value {
    schema_of::<Plan>("A plan of eksact, as `-o json` writes it")
}

/// The JSON Schema (2020-12) of what `T` is written as. Fields that a later version may add are allowed.
pub fn schema_of<T: JsonSchema>(title: &str) -> Value {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut schema = generator.into_root_schema_for::<T>();
    schema.insert("title".to_owned(), title.into());
    schema.to_value()
}

/// `value` as indented JSON with a line end. Characters that a terminal might obey are written as `\u` escapes, which
/// JSON readers turn back: the data stays what it is.
pub fn json(value: &impl Serialize) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(value).map(escaped)
}

/// The same, indented by `indent`.
pub fn json_indented(value: &impl Serialize, indent: &[u8]) -> Result<String, serde_json::Error> {
    let mut bytes = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(indent);
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, formatter))?;
    let text = String::from_utf8(bytes).map_err(serde::ser::Error::custom)?;
    Ok(escaped(text))
}

/// The same on one line.
pub fn json_line(value: &impl Serialize) -> Result<String, serde_json::Error> {
    serde_json::to_string(value).map(escaped)
}

/// A run over many clusters is too large to have it twice, and next to no text has such a character.
fn escaped(mut text: String) -> String {
    text.push('\n');
    if is_harmless(&text) {
        return text;
    }
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        // Outside strings JSON has no such character but its line ends.
        if character != '\n' && is_harmful(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(character);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::samples;

    #[test]
    fn plan_comes_back_from_its_json() {
        let plan = samples::plan();
        let text = plan_json(&plan).unwrap();
        assert!(text.starts_with("{\n  \"format_version\": \"1.0\","), "{text}");
        assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
    }

    #[test]
    fn hostile_text_is_escaped_and_not_changed() {
        let hostile = "\u{1b}[31m \u{9b}31m \u{202e}x \u{e0041} 日本";
        let text = json(&hostile).unwrap();
        assert_eq!(text, "\"\\u001b[31m \\u009b31m \\u202ex \\udb40\\udc41 日本\"\n");
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), hostile);
    }
}
