//! Policy documents that stand in files of their own: JSON, or YAML.

use super::decode;
use super::diagnostic::quoted;
use super::finding::{Finding, Findings};
use super::load::Beside;
use super::location::Located;
use super::managed_policy::ManagedPolicy;
use super::path::FieldPath;
use super::source::Source;
use super::validate::managed_policy::LIST;
use eksact_message::code::Code;
use eksact_yaml::{self as yaml, Content, DuplicateKeys, Node, explain};

/// Reads the documents of the policies that name a file, and reports those that cannot be read.
pub(super) fn read(policies: &mut [ManagedPolicy], beside: &Beside<'_>, findings: &mut Findings) {
    for (index, policy) in policies.iter_mut().enumerate() {
        let Some(file) = policy.file.as_ref().filter(|_| policy.document.is_none()) else {
            continue;
        };
        // Without a place there is no folder from which the path begins.
        let Some(place) = &file.location else { continue };
        match document(&place.file, &file.value, beside) {
            Ok(document) => {
                policy.document = Some(Located {
                    value: document,
                    location: file.location.clone(),
                });
            }
            Err(why) => {
                let path = FieldPath::of(LIST).index(index).key("file");
                let message = format!(
                    "the policy document in {} cannot be read: {why}",
                    quoted(&file.value)
                );
                findings.push(Finding::error(Code::PolicyFile, path, message).located(Some(place)));
            }
        }
    }
}

fn document(named_in: &str, path: &str, beside: &Beside<'_>) -> Result<serde_json::Value, String> {
    let bytes = beside(named_in, path)?;
    let source = Source::decode(path, &bytes).map_err(|diagnostic| diagnostic.message)?;
    let reading = yaml::read_all(source.text(), DuplicateKeys::Refuse);
    if let Some(problem) = reading.problems.first() {
        let explained = explain::explain(source.text(), problem);
        return Err(format!(
            "line {}, column {}: {}",
            explained.line, explained.column, explained.problem
        ));
    }
    let is_mapping = |root: &&Node| matches!(root.content(), Content::Mapping(_));
    match reading.documents.as_slice() {
        [root] => Some(root)
            .filter(is_mapping)
            .map(decode::json)
            .ok_or_else(|| "it is not a mapping".to_owned()),
        [] => Err("it is empty".to_owned()),
        _ => Err("it has more than one document".to_owned()),
    }
}
