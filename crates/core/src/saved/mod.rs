//! A plan that is saved, reviewed and approved somewhere, and applied somewhere else: its file, and what must still be true
//! when it is applied.
//!
//! The file is canonical JSON and no byte of it may be otherwise: what a reviewer's tools read in it is what eksact reads in
//! it, and the digest over it is the same on every machine.

pub mod apply;
pub mod compare;
pub mod lock;

use serde::{Deserialize as _, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::{
    config::ClusterConfig,
    engine::{Plan, Step, plan::FORMAT_VERSION},
    kinds::{Request, operation_in_full},
    view::plan_json,
};

/// The largest file that is read, in bytes: several times what a thousand roles make.
pub const MAXIMUM_BYTES: usize = 64 * 1024 * 1024;

const DIGEST: &str = "digest";
const CONFIG_DIGEST: &str = "config_digest";
const REQUEST: &str = "request";

/// A plan with all that it takes to make it again.
#[derive(Clone, Debug)]
pub struct SavedPlan {
    /// What people approve.
    pub plan: Plan,
    /// What it was made from.
    pub request: Request,
    digest: String,
    document: String,
}

/// Why a file is no plan that can be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SavedPlanError {
    /// It is something else.
    #[error("it is not a saved plan: {0}")]
    NotAPlan(String),
    /// It is what `plan -o json` prints.
    #[error("it is a plan as `plan -o json` prints it, without what it takes to apply it")]
    OnlyShown,
    /// A later eksact wrote it.
    #[error("its format is {found}, which eksact {tool_version} wrote; this eksact reads format {known}", known = FORMAT_VERSION)]
    Newer {
        /// Its format.
        found: String,
        /// Who wrote it.
        tool_version: String,
    },
    /// It is not byte for byte what eksact wrote.
    #[error("it is not what eksact wrote: somebody edited it, formatted it anew, or converted its line ends")]
    Touched,
    /// It holds what this version does not know, and so would not do.
    #[error("eksact {tool_version} wrote it, and this eksact ({own}) does not understand its `{part}`", own = env!("CARGO_PKG_VERSION"))]
    NotUnderstood {
        /// Who wrote it.
        tool_version: String,
        /// A JSON pointer, or the name of a step.
        part: String,
    },
    /// It cannot be written as JSON: a mistake of eksact.
    #[error("internal error: the plan cannot be saved: {0}")]
    NotWritten(String),
}

impl SavedPlan {
    /// The plan that was made from `request`.
    ///
    /// # Errors
    /// When its content could not be read again as the same plan: a mistake of eksact.
    pub fn new(plan: &Plan, request: &Request) -> Result<Self, SavedPlanError> {
        let not_written = |error: serde_json::Error| SavedPlanError::NotWritten(error.to_string());
        let content = content(plan, request).map_err(not_written)?;
        let (document, digest) = document_of(&content).map_err(not_written)?;
        let (plan, request) = understood(content).map_err(|part| {
            SavedPlanError::NotWritten(format!("its `{part}` is not read as it is written"))
        })?;
        Ok(Self {
            plan,
            request,
            digest,
            document,
        })
    }

    /// The plan in a file.
    ///
    /// # Errors
    /// When it is not, byte for byte, one that this version of eksact would write.
    pub fn load(bytes: &[u8]) -> Result<Self, SavedPlanError> {
        let value: Value =
            serde_json::from_slice(bytes).map_err(|error| SavedPlanError::NotAPlan(error.to_string()))?;
        let Value::Object(mut content) = value else {
            return Err(SavedPlanError::NotAPlan("it is no JSON object".to_owned()));
        };
        let text = |name: &str| content.get(name).and_then(Value::as_str).map(str::to_owned);
        let Some(format) = text("format_version") else {
            return Err(SavedPlanError::NotAPlan("it has no `format_version`".to_owned()));
        };
        let tool_version = text("tool_version").unwrap_or_else(|| "of an unknown version".to_owned());
        if major(&format) != major(FORMAT_VERSION) {
            return Err(SavedPlanError::Newer {
                found: format,
                tool_version,
            });
        }
        if !content.contains_key(DIGEST) && !content.contains_key(REQUEST) && content.contains_key("steps") {
            return Err(SavedPlanError::OnlyShown);
        }
        let Some(Value::String(digest)) = content.remove(DIGEST) else {
            return Err(SavedPlanError::Touched);
        };
        let (document, own) = document_of(&content).map_err(|_| SavedPlanError::Touched)?;
        if own != digest || document.as_bytes() != bytes {
            return Err(SavedPlanError::Touched);
        }
        let (plan, request) =
            understood(content).map_err(|part| SavedPlanError::NotUnderstood { tool_version, part })?;
        Ok(Self {
            plan,
            request,
            digest,
            document,
        })
    }

    /// The digest over all of it, for people to approve: `sha256:…`. The same plan has the same digest wherever it is made.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The file.
    pub fn document(&self) -> &str {
        &self.document
    }
}

/// The JSON Schema of the file: that of a plan, with what it takes to apply it. What is in `request` is between versions of eksact.
pub fn schema() -> Value {
    let mut schema = plan_json::schema();
    if let Some(object) = schema.as_object_mut() {
        object.insert("title".to_owned(), "A plan of eksact that is saved".into());
    }
    let text = |words: &str| json!({"type": "string", "description": words});
    for (name, field) in [
        (
            DIGEST,
            text("Digest of all the rest: what `apply PLAN --expect` takes."),
        ),
        (CONFIG_DIGEST, text("Digest of what the configuration says.")),
        (
            REQUEST,
            json!({"type": "object", "description": "What the plan was made from, to make it again."}),
        ),
    ] {
        if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
            properties.insert(name.to_owned(), field);
        }
        if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
            required.push(name.into());
        }
    }
    schema
}

/// Whether a file that is there may be replaced by a plan: it is one, of whatever version and state, or empty.
pub fn may_be_replaced(bytes: &[u8]) -> bool {
    if bytes.is_empty() {
        return true;
    }
    serde_json::from_slice::<Value>(bytes).is_ok_and(|value| {
        ["format_version", "tool_version", DIGEST, REQUEST]
            .iter()
            .all(|field| value.get(field).is_some())
    })
}

/// The document without its digest.
fn content(plan: &Plan, request: &Request) -> serde_json::Result<Map<String, Value>> {
    let Value::Object(mut content) = serde_json::to_value(plan)? else {
        return Err(serde::ser::Error::custom("a plan is no JSON object"));
    };
    content.insert(CONFIG_DIGEST.to_owned(), config_digest(&request.config)?.into());
    content.insert(REQUEST.to_owned(), serde_json::to_value(request)?);
    Ok(content)
}

/// What a document without its digest says; or what of it this version does not know, and so would not do.
fn understood(content: Map<String, Value>) -> Result<(Plan, Request), String> {
    let decoded = || -> serde_json::Result<(Plan, Request)> {
        let request = content.get(REQUEST).unwrap_or(&Value::Null);
        Ok((Plan::deserialize(&content)?, Request::deserialize(request)?))
    };
    let (plan, request) = decoded().map_err(|error| error.to_string())?;
    // What would be written otherwise was read otherwise: a field that is not known here, or one that has gone.
    let own = self::content(&plan, &request).map_err(|error| error.to_string())?;
    if let Some(part) = difference(&Value::Object(content), &Value::Object(own)) {
        return Err(part);
    }
    let otherwise = |step: &&Step| operation_in_full(step).is_none_or(|own| own != step.operation);
    match plan.steps.iter().find(otherwise) {
        Some(step) => Err(step.id.to_string()),
        None => Ok((plan, request)),
    }
}

fn major(format: &str) -> &str {
    format.split('.').next().unwrap_or(format)
}

/// Sorted keys, two spaces of indentation, one line end at the end; what a terminal might obey is escaped.
fn canonical(content: &Map<String, Value>) -> serde_json::Result<String> {
    // serde_json keeps objects sorted, unless some crate in the tree asks it to keep their order.
    debug_assert!(content.keys().is_sorted(), "objects are sorted by key");
    plan_json::json(content)
}

/// The file of a document without its digest, and that digest. A plan may be large: it is written once for both.
fn document_of(content: &Map<String, Value>) -> serde_json::Result<(String, String)> {
    let mut document = canonical(content)?;
    let digest = digest_of_text(&document);
    // No other line is indented by two spaces, and no text has a line end.
    let next = content.keys().find(|key| key.as_str() > DIGEST);
    let at = match next {
        Some(next) => document.find(&format!("\n  {}: ", serde_json::to_string(next)?)),
        None => None,
    };
    let at = at.ok_or_else(|| serde::ser::Error::custom("a document has nothing behind its digest"))?;
    document.insert_str(at, &format!("\n  \"{DIGEST}\": \"{digest}\","));
    Ok((document, digest))
}

/// The digest over a document without its `digest`.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn digest_of(content: &Map<String, Value>) -> serde_json::Result<String> {
    canonical(content).map(|text| digest_of_text(&text))
}

fn digest_of_text(text: &str) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(text.as_bytes())))
}

/// Digest of what a configuration says, wherever in which file it says it.
fn config_digest(config: &ClusterConfig) -> serde_json::Result<String> {
    let mut value = serde_json::to_value(config)?;
    without_locations(&mut value);
    let digest = Sha256::digest(serde_json::to_string(&value)?.as_bytes());
    Ok(format!("sha256:{}", hex::encode(digest)))
}

fn without_locations(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            // No text has this form: a tag or a label that is called so stays.
            fields.retain(|name, value| name != "location" || value.is_string());
            fields.values_mut().for_each(without_locations);
        }
        Value::Array(items) => items.iter_mut().for_each(without_locations),
        _ => {}
    }
}

/// A JSON pointer to the first place in which two values differ.
fn difference(one: &Value, other: &Value) -> Option<String> {
    fn at(one: &Value, other: &Value, path: &mut String) -> bool {
        let begin = path.len();
        match (one, other) {
            (Value::Object(one), Value::Object(other)) => {
                let names = one
                    .keys()
                    .chain(other.keys().filter(|name| !one.contains_key(*name)));
                for name in names {
                    path.push('/');
                    path.push_str(name);
                    let (Some(one), Some(other)) = (one.get(name), other.get(name)) else {
                        return true;
                    };
                    if at(one, other, path) {
                        return true;
                    }
                    path.truncate(begin);
                }
                false
            }
            (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
                for (index, (one, other)) in one.iter().zip(other).enumerate() {
                    path.push('/');
                    path.push_str(&index.to_string());
                    if at(one, other, path) {
                        return true;
                    }
                    path.truncate(begin);
                }
                false
            }
            _ => one != other,
        }
    }
    let mut path = String::new();
    at(one, other, &mut path).then_some(path)
}

/// As it is compared: whatever two runs of the same plan may have otherwise is left out.
fn as_json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}
