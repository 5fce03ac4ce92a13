//! The values of a section as `encoding/json` gets them: objects in the order of the bytes of their keys.

use eksact_yaml::syntax::NodeId;
use eksact_yaml::{self as yaml, DuplicateKeys, Node, Resolved, SyntaxError, Tree};

/// A value and the node that it was written as.
#[derive(Debug, Clone)]
pub(super) struct Json {
    pub(super) node: NodeId,
    pub(super) kind: Kind,
}

/// What JSON has.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    Null,
    Bool,
    Number,
    Text(String),
    Array(Vec<Json>),
    /// By key, in the order of the bytes of the keys.
    Object(Vec<(String, Json)>),
}

impl Kind {
    /// With its article, for messages.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "a boolean",
            Self::Number => "a number",
            Self::Text(_) => "a string",
            Self::Array(_) => "a list",
            Self::Object(_) => "a mapping",
        }
    }
}

/// The whole document as JSON; null for an empty one.
///
/// # Errors
/// Where the server drops the whole text.
pub(super) fn json(tree: &Tree) -> Result<Option<Json>, SyntaxError> {
    let Some(root) = tree.root() else { return Ok(None) };
    json_without(tree, root, &[]).map(Some)
}

/// A node as JSON, as if the entries with these keys, and these items of lists, were not written.
///
/// # Errors
/// Where the server drops the whole text.
pub(super) fn json_without(tree: &Tree, node: NodeId, without: &[NodeId]) -> Result<Json, SyntaxError> {
    yaml::compose(tree, node, without, DuplicateKeys::KeepLast).map(|value| to_json(&value))
}

fn to_json(value: &Node) -> Json {
    let kind = match value.content() {
        yaml::Content::Scalar { text, value, .. } => match value {
            Resolved::Null => Kind::Null,
            Resolved::Bool(_) => Kind::Bool,
            Resolved::Integer(_) | Resolved::Unsigned(_) | Resolved::Float(_) => Kind::Number,
            Resolved::Timestamp(_) | Resolved::Text(_) | Resolved::Binary(_) => Kind::Text(text.clone()),
        },
        yaml::Content::Sequence(items) => Kind::Array(items.iter().map(to_json).collect()),
        yaml::Content::Mapping(entries) => {
            let mut object: Vec<_> = entries
                .iter()
                .map(|entry| (entry.json_key().to_owned(), to_json(&entry.value)))
                .collect();
            object.sort_by(|(one, _), (other, _)| one.cmp(other));
            Kind::Object(object)
        }
    };
    Json { node: value.id, kind }
}
