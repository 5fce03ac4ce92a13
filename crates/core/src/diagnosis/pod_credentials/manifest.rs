//! The pod and the service account of a file: manifests as kubectl takes them, YAML or JSON, and those of workloads, whose
//! template is what a pod is made from.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Number, Value};

use eksact_identity::{authn::pod_identity_webhook::Pod, service_account::ServiceAccountKey};
use eksact_message::remedy::Remedy;
use eksact_yaml::{Content, DuplicateKeys, Node, Resolved, explain, read_all};

/// Where the template of a pod is in the manifests of workloads.
const TEMPLATES: [&str; 2] = ["/spec/template", "/spec/jobTemplate/spec/template"];

/// What a file has.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Manifests {
    /// The pod that is to be made, and its namespace where the file says it.
    pub pod: Option<(Option<String>, Pod)>,
    /// The annotations of service accounts.
    pub accounts: BTreeMap<(Option<String>, String), BTreeMap<String, String>>,
}

impl Manifests {
    /// The annotations of a service account, where the file has it.
    pub fn account(&self, key: &ServiceAccountKey) -> Option<&BTreeMap<String, String>> {
        let named = |namespace: Option<&String>| {
            let key = (namespace.cloned(), key.name.clone());
            self.accounts.get(&key)
        };
        // Without a namespace it goes to whichever the file is applied to.
        named(Some(&key.namespace)).or_else(|| named(None))
    }
}

/// Why a file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// It is not YAML.
    #[error("line {line}, column {column}: {problem}")]
    Syntax {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What is wrong.
        problem: String,
        /// What to do.
        help: Option<Remedy>,
    },
    /// A manifest has a field of another type.
    #[error("the manifest of the {kind} on line {line}: {problem}")]
    Field {
        /// Its kind.
        kind: String,
        /// Its line, from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// It has several pods.
    #[error("it has more than one pod or workload; a second one begins on line {0}")]
    Several(usize),
}

#[derive(Deserialize)]
struct Header {
    metadata: Option<Metadata>,
}

#[derive(Default, Deserialize)]
struct Metadata {
    name: Option<String>,
    namespace: Option<String>,
    annotations: Option<BTreeMap<String, String>>,
}

/// Reads the manifests of a file; objects of other kinds are passed over.
///
/// # Errors
/// When it is not YAML, when a manifest has a field of another type, and when it has several pods.
pub fn manifests(text: &str) -> Result<Manifests, ManifestError> {
    let reading = read_all(text, DuplicateKeys::KeepLast);
    if let Some(error) = reading.problems.first() {
        let explained = explain::explain(text, error);
        return Err(ManifestError::Syntax {
            line: explained.line,
            column: explained.column,
            problem: explained.problem,
            help: explained.help,
        });
    }
    let mut manifests = Manifests::default();
    for document in &reading.documents {
        let items = document.get("items").filter(|_| kind(document) == "List");
        match items {
            Some(items) => items.items().iter().try_for_each(|item| manifests.add(item))?,
            None => manifests.add(document)?,
        }
    }
    Ok(manifests)
}

fn kind(document: &Node) -> &str {
    document.get("kind").and_then(Node::text).unwrap_or_default()
}

impl Manifests {
    fn add(&mut self, document: &Node) -> Result<(), ManifestError> {
        let object = json(document);
        let line = document.at.line + 1;
        let wrong = |problem: serde_json::Error| ManifestError::Field {
            kind: kind(document).to_owned(),
            line,
            problem: problem.to_string(),
        };
        let mut templates = TEMPLATES.iter();
        let template = match kind(document) {
            "Pod" => Some(&object),
            "ServiceAccount" => {
                let metadata = metadata(&object).map_err(wrong)?;
                let key = (metadata.namespace, metadata.name.unwrap_or_default());
                self.accounts
                    .insert(key, metadata.annotations.unwrap_or_default());
                None
            }
            _ => templates.find_map(|at| object.pointer(at).filter(|found| found.get("spec").is_some())),
        };
        let Some(template) = template else {
            return Ok(());
        };
        if self.pod.is_some() {
            return Err(ManifestError::Several(line));
        }
        let namespace = metadata(&object).map_err(wrong)?.namespace;
        let pod = Pod::read(template).map_err(wrong)?;
        self.pod = Some((namespace, pod));
        Ok(())
    }
}

fn metadata(object: &Value) -> Result<Metadata, serde_json::Error> {
    Ok(Header::deserialize(object)?.metadata.unwrap_or_default())
}

/// What a document says as `sigs.k8s.io/yaml` makes JSON of it.
fn json(node: &Node) -> Value {
    match node.content() {
        Content::Sequence(items) => Value::Array(items.iter().map(json).collect()),
        Content::Mapping(entries) => {
            let one = |entry: &eksact_yaml::Entry| (entry.json_key().to_owned(), json(&entry.value));
            Value::Object(entries.iter().map(one).collect())
        }
        Content::Scalar { text, .. } => match node.resolved() {
            Some(Resolved::Null) => Value::Null,
            Some(Resolved::Bool(value)) => Value::Bool(*value),
            Some(Resolved::Integer(number)) => Value::from(*number),
            Some(Resolved::Unsigned(number)) => Value::from(*number),
            Some(Resolved::Float(number)) => {
                Number::from_f64(*number).map_or_else(|| Value::String(text.clone()), Value::Number)
            }
            Some(Resolved::Timestamp(_) | Resolved::Text(_) | Resolved::Binary(_)) | None => {
                Value::String(text.clone())
            }
        },
    }
}
