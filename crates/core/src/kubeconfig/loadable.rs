//! Whether client-go loads a kubeconfig: kubectl reads none of a file in which one value has another type than it takes,
//! or that is another kind of object.
//!
//! The rules are those of client-go 0.36 (`tools/clientcmd/api/v1`, `clientcmd.Load`), and 0.24 has the same. A file may
//! leave out `apiVersion` and `kind`, keys that are not known are passed over, `null` is absence everywhere, and text is
//! text: `token: 123` is a number, and refused. `tests/kubectl_loads` asks client-go itself.

use eksact_message::remedy::Remedy;
use std::collections::{BTreeMap, HashSet};

use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{GeneralPurpose, GeneralPurposeConfig},
};

use super::value::Value;
use eksact_yaml::{
    edit::Step,
    syntax::{Resolved, resolve},
};

/// Why client-go refuses a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal<'v> {
    /// The way to what it refuses.
    pub path: Vec<Step<'v>>,
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub help: Remedy,
}

/// The first reason why client-go refuses a file with this value; none where it loads it.
pub(super) fn refusal(root: &Value) -> Option<Refusal<'_>> {
    let found = match root {
        Value::Null => Ok(()),
        Value::Map(entries) => head(entries).and_then(|()| check(root, CONFIG, "")),
        _ => refuse(
            "this is not a kubeconfig: its top level is not a mapping",
            other_file(),
        ),
    };
    found.err()
}

pub(super) fn other_file() -> Remedy {
    remedy!("Name a kubeconfig with --kubeconfig or in KUBECONFIG.")
}

/// What client-go takes at a place.
#[derive(Clone, Copy)]
enum Shape {
    Text,
    Boolean,
    /// Base64 of bytes.
    Bytes,
    /// Anything at all.
    Any,
    /// A mapping; other keys may have any value.
    Object(&'static [(&'static str, Shape)]),
    /// A mapping of any keys.
    Map(&'static Shape),
    List(&'static Shape),
    /// A list of mappings that have a name of their own. A name may repeat after one whose body, at this key, is null, if
    /// such a body can be.
    Named(&'static Shape, Option<&'static str>),
}

use Shape::{Any, Boolean, Bytes, List, Map, Named, Object, Text};

const EXTENSIONS: Shape = Named(&Object(&[("name", Text), ("extension", Any)]), Some("extension"));
const CONFIG: Shape = Object(&[
    ("apiVersion", Text),
    ("kind", Text),
    (
        "preferences",
        Object(&[("colors", Boolean), ("extensions", EXTENSIONS)]),
    ),
    (
        "clusters",
        Named(&Object(&[("name", Text), ("cluster", CLUSTER)]), None),
    ),
    ("users", Named(&Object(&[("name", Text), ("user", USER)]), None)),
    (
        "contexts",
        Named(&Object(&[("name", Text), ("context", CONTEXT)]), None),
    ),
    ("current-context", Text),
    ("extensions", EXTENSIONS),
]);
const CLUSTER: Shape = Object(&[
    ("server", Text),
    ("tls-server-name", Text),
    ("insecure-skip-tls-verify", Boolean),
    ("certificate-authority", Text),
    ("certificate-authority-data", Bytes),
    ("proxy-url", Text),
    ("disable-compression", Boolean),
    ("extensions", EXTENSIONS),
]);
const CONTEXT: Shape = Object(&[
    ("cluster", Text),
    ("user", Text),
    ("namespace", Text),
    ("extensions", EXTENSIONS),
]);
const USER: Shape = Object(&[
    ("client-certificate", Text),
    ("client-certificate-data", Bytes),
    ("client-key", Text),
    ("client-key-data", Bytes),
    ("token", Text),
    ("tokenFile", Text),
    ("as", Text),
    ("as-uid", Text),
    ("as-groups", List(&Text)),
    ("as-user-extra", Map(&List(&Text))),
    ("username", Text),
    ("password", Text),
    ("auth-provider", Object(&[("name", Text), ("config", Map(&Text))])),
    ("exec", EXEC),
    ("extensions", EXTENSIONS),
]);
const EXEC: Shape = Object(&[
    ("command", Text),
    ("args", List(&Text)),
    ("env", List(&Object(&[("name", Text), ("value", Text)]))),
    ("apiVersion", Text),
    ("installHint", Text),
    ("provideClusterInfo", Boolean),
    ("interactiveMode", Text),
]);

/// Whether any key of a kubeconfig is there. client-go takes a file without one for an empty kubeconfig; who names such a
/// file means another.
pub(super) fn has_known_key(root: &Value) -> bool {
    let (Value::Map(entries), Object(fields)) = (root, CONFIG) else {
        return false;
    };
    // Every object of Kubernetes has these two.
    let is_common = |key: &str| matches!(key, "apiVersion" | "kind");
    let is_config = root.text_at(&["kind"]) == Some("Config");
    is_config
        || entries
            .iter()
            .any(|(key, _)| !is_common(key) && fields.iter().any(|(field, _)| field == key))
}

type Checked<'v> = Result<(), Refusal<'v>>;

fn refuse<'v>(problem: impl Into<String>, help: Remedy) -> Checked<'v> {
    Err(Refusal {
        path: Vec::new(),
        problem: problem.into(),
        help,
    })
}

/// Puts a step before the way to what is refused.
fn below<'v>(step: Step<'v>, checked: Checked<'v>) -> Checked<'v> {
    checked.map_err(|mut refusal| {
        refusal.path.insert(0, step);
        refusal
    })
}

/// `apiVersion` and `kind`, which client-go finds in any case of letters: of several spellings the last one in the order of
/// bytes counts, which is the plain one. They say `v1` and `Config` where they say anything.
fn head(entries: &[(String, Value)]) -> Checked<'_> {
    let mut found: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    let mut spellings: Vec<&(String, Value)> = entries.iter().collect();
    spellings.sort_by_key(|(key, _)| key);
    for (key, value) in spellings {
        let Some(name) = ["apiVersion", "kind"]
            .into_iter()
            .find(|name| key.eq_ignore_ascii_case(name))
        else {
            continue;
        };
        match value {
            Value::Null => {}
            Value::Text(text) => {
                found.insert(name, (key, text));
            }
            _ => return below(Step::Key(key), wrong_type(value, Text, &format!("`{key}`"), key)),
        }
    }
    let of = |name: &str| found.get(name).copied().filter(|(_, text)| !text.is_empty());
    let (version, kind) = (of("apiVersion"), of("kind"));
    if let Some((key, text)) = kind
        && text != "Config"
    {
        let full = match version {
            Some((_, version)) => format!("{text} ({version})"),
            None => text.to_owned(),
        };
        let (problem, help) = if text.eq_ignore_ascii_case("Config") {
            (
                format!("`kind` is `{text}`, and kubectl reads a kubeconfig only if it is `Config`"),
                remedy!("Write `kind: Config`."),
            )
        } else {
            (
                format!("this is not a kubeconfig but an object of kind {full}"),
                other_file(),
            )
        };
        return below(Step::Key(key), refuse(problem, help));
    }
    match version {
        Some((key, text)) if !matches!(text, "v1" | "/v1" | "/") => below(
            Step::Key(key),
            refuse(
                format!("`apiVersion` is `{text}`, and kubectl reads a kubeconfig only if it is `v1`"),
                remedy!("Write `apiVersion: v1`, if this is a kubeconfig."),
            ),
        ),
        _ => Ok(()),
    }
}

/// What a value is called in a message. The value itself may be a credential.
fn called(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Text(_) => "a string",
        Value::List(_) => "a list",
        Value::Map(_) => "a mapping",
        Value::Other(text) => match resolve("", text) {
            Ok(Resolved::Bool(_)) => "a boolean",
            _ => "a number",
        },
    }
}

/// `what` is the value in a message, and `name` the key that it stands under.
fn wrong_type<'v>(value: &Value, shape: Shape, what: &str, name: &str) -> Checked<'v> {
    let wanted = match shape {
        Text | Any => "a string",
        Boolean => "true or false",
        Bytes => "base64 text",
        Object(_) | Map(_) => "a mapping",
        List(_) | Named(..) => "a list",
    };
    let help = match (shape, value) {
        (Text | Bytes, Value::Other(_)) => remedy!("Put it in quotes."),
        (Object(_), _) => remedy!("Write a mapping, or remove {what}."),
        (Boolean, Value::Text(_)) => remedy!("Write `{name}: true` or `{name}: false`, without quotes."),
        (List(_) | Named(..), _) => remedy!("Write a list: `- ` before each item of `{name}`."),
        _ => remedy!("Write {wanted}, or remove `{name}`."),
    };
    refuse(
        format!("{what} is {}, and kubectl expects {wanted}", called(value)),
        help,
    )
}

/// Whether `value`, which stands under `name`, is what client-go takes.
fn check<'v>(value: &'v Value, shape: Shape, name: &'v str) -> Checked<'v> {
    match (shape, value) {
        (_, Value::Null) | (Text, Value::Text(_)) | (Any, _) => Ok(()),
        (Boolean, Value::Other(text)) if matches!(resolve("", text), Ok(Resolved::Bool(_))) => Ok(()),
        (Bytes, Value::Text(text)) => bytes(text, name),
        (Bytes, Value::List(items)) if items.iter().all(is_octet) => Ok(()),
        (Object(fields), Value::Map(entries)) => {
            for (key, value) in entries {
                let field = fields.iter().find(|(name, _)| name == key);
                let shape = field.map_or(Any, |(_, shape)| *shape);
                below(Step::Key(key), check(value, shape, key))?;
            }
            Ok(())
        }
        (Map(shape), Value::Map(entries)) => {
            for (key, value) in entries {
                below(Step::Key(key), check(value, *shape, key))?;
            }
            Ok(())
        }
        (List(shape), Value::List(items)) => each(items, *shape, name),
        (Named(shape, unless_null), Value::List(items)) => {
            each(items, *shape, name)?;
            names(items, unless_null, name)
        }
        _ => wrong_type(value, shape, &format!("`{name}`"), name),
    }
}

fn each<'v>(items: &'v [Value], shape: Shape, list: &'v str) -> Checked<'v> {
    for (index, item) in items.iter().enumerate() {
        let checked = match (shape, item) {
            (Object(_), Value::Map(_) | Value::Null)
            | (List(_), _)
            | (Text, Value::Text(_) | Value::Null) => check(item, shape, list),
            _ => wrong_type(item, shape, &format!("this item of `{list}`"), list),
        };
        below(Step::Index(index), checked)?;
    }
    Ok(())
}

/// The names of a list's items must differ; one that is not there is an empty name.
fn names<'v>(items: &'v [Value], unless_null: Option<&str>, list: &str) -> Checked<'v> {
    let mut seen = HashSet::new();
    for (index, item) in items.iter().enumerate() {
        let name = item.text_at(&["name"]).unwrap_or_default();
        let refused = if !seen.contains(name) {
            Ok(())
        } else if name.is_empty() {
            refuse(
                format!("a second item of `{list}` has no name; kubectl refuses such a file"),
                remedy!("Write its `name`, or remove the item."),
            )
        } else {
            let what = list.strip_suffix('s').unwrap_or(list);
            refuse(
                format!("the {what} `{name}` appears twice; kubectl refuses such a file"),
                remedy!("Remove one of the two, or give it another name."),
            )
        };
        below(Step::Index(index), refused)?;
        // client-go forgets the name of an extension that is null.
        if unless_null.is_none_or(|body| item.get(body).is_some()) {
            seen.insert(name);
        }
    }
    Ok(())
}

/// Go's decoder leaves line breaks out of account, and wants the padding.
fn bytes<'v>(text: &str, name: &str) -> Checked<'v> {
    const GO: GeneralPurpose = GeneralPurpose::new(
        &STANDARD,
        GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
    );
    let compact: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    if GO.decode(compact).is_ok() {
        return Ok(());
    }
    let file = name.trim_end_matches("-data");
    refuse(
        format!("`{name}` is not base64"),
        remedy!("Write the base64 of the whole file (`base64 -w0 FILE`), or its path as `{file}`."),
    )
}

/// Go takes a list of small numbers for bytes.
fn is_octet(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Other(text) => matches!(resolve("", text), Ok(Resolved::Integer(0..=255))),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
