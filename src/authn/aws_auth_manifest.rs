//! The manifest of an aws-auth ConfigMap, as people keep it and as kubectl prints it: its data, and where each section's
//! text stands in the file. What the sections mean is `aws_auth`'s.
//!
//! YAML and JSON alike, read as kubectl reads them; also the `List` that `kubectl get -o yaml` makes of several objects,
//! and a file of several documents of which the first is the ConfigMap.

use std::collections::BTreeMap;

use super::aws_auth::SectionKey;
use crate::yaml_edit::read::resolve::Resolved;
use crate::yaml_edit::{Content, NodeId, Style, SyntaxError, Tree};

/// The ConfigMap that the authenticator reads.
pub const NAME: &str = "aws-auth";
/// Its namespace.
pub const NAMESPACE: &str = "kube-system";

/// A ConfigMap in a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manifest {
    /// `metadata.name`, empty when it is not set.
    pub name: String,
    /// `metadata.namespace`, empty when it is not set: then whoever applies the file chooses it.
    pub namespace: String,
    /// `data`, as far as the values are texts.
    pub data: BTreeMap<String, String>,
    /// Values of `data` that are no texts: the API server refuses the ConfigMap because of each.
    pub not_texts: Vec<NotText>,
    texts: BTreeMap<String, TextPlace>,
}

/// A value of `data` that is no text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotText {
    /// The key.
    pub key: String,
    /// Line of the key in the file, from 1.
    pub line: usize,
}

/// Where a text stands in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct TextPlace {
    /// Line of the key, from 1.
    key: usize,
    /// Line of the file before the text's first, where the text stands below `|` line by line.
    before: Option<usize>,
}

/// Why a text is not the manifest of a ConfigMap.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// It is not YAML.
    #[error("it is not YAML: {problem}")]
    Syntax {
        /// What is wrong.
        problem: String,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// It is YAML and no ConfigMap.
    #[error("it is not the manifest of a ConfigMap: {0}")]
    NotAConfigMap(String),
    /// A list of objects without the one that is looked for.
    #[error("the list has no ConfigMap {NAME}")]
    NotInList,
}

impl From<SyntaxError> for ManifestError {
    fn from(error: SyntaxError) -> Self {
        Self::Syntax {
            problem: error.problem,
            line: error.line,
            column: error.column,
        }
    }
}

impl Manifest {
    /// Reads the first document of `text`.
    ///
    /// # Errors
    /// When there is no ConfigMap in it.
    pub fn read(text: &str) -> Result<Self, ManifestError> {
        let tree = Tree::read(text)?;
        let Some(root) = tree.root() else {
            return Err(ManifestError::NotAConfigMap("it is empty".to_owned()));
        };
        let object = match kind(&tree, root) {
            Some("List" | "ConfigMapList") => tree
                .entry(root, "items")
                .map(|entry| tree.items(entry.value).iter().copied())
                .into_iter()
                .flatten()
                .find(|item| is_aws_auth(&tree, *item))
                .ok_or(ManifestError::NotInList)?,
            Some("ConfigMap") => root,
            Some(other) => {
                let shown: String = other.chars().take(60).collect();
                return Err(ManifestError::NotAConfigMap(format!("its kind is `{shown}`")));
            }
            None => {
                return Err(ManifestError::NotAConfigMap(
                    "it has no `kind: ConfigMap`".to_owned(),
                ));
            }
        };
        Self::of_object(&tree, object)
    }

    fn of_object(tree: &Tree, object: NodeId) -> Result<Self, ManifestError> {
        let mut manifest = Self {
            name: metadata(tree, object, "name").unwrap_or_default().to_owned(),
            namespace: metadata(tree, object, "namespace").unwrap_or_default().to_owned(),
            ..Self::default()
        };
        let Some(data) = tree.entry(object, "data").map(|entry| entry.value) else {
            return Ok(manifest);
        };
        let is_mapping = matches!(tree.content(data), Some(Content::Mapping { .. }));
        if !is_mapping
            && tree
                .text(data)
                .is_none_or(|text| !matches!(text, "" | "~" | "null"))
        {
            return Err(ManifestError::NotAConfigMap(
                "its `data` is not a mapping".to_owned(),
            ));
        }
        for entry in tree.entries(data) {
            let Some(key) = tree.text(entry.key) else { continue };
            let line = tree.node(entry.key).map_or(1, |node| node.content_start.line + 1);
            match text_of(tree, entry.value) {
                Some((text, before)) => {
                    manifest.data.insert(key.to_owned(), text);
                    manifest
                        .texts
                        .insert(key.to_owned(), TextPlace { key: line, before });
                }
                None => manifest.not_texts.push(NotText {
                    key: key.to_owned(),
                    line,
                }),
            }
        }
        Ok(manifest)
    }

    /// The line of the file, from 1, at which line `line` of a section's text stands. Where the text is written in quotes
    /// it has no lines of its own there, and the line of its key is given.
    pub fn line(&self, section: SectionKey, line: Option<usize>) -> Option<usize> {
        let place = self.texts.get(section.as_str())?;
        Some(match (place.before, line) {
            (Some(before), Some(line)) => before.saturating_add(line),
            _ => place.key,
        })
    }

    /// The line of a key of `data`.
    pub fn key_line(&self, key: &str) -> Option<usize> {
        self.texts.get(key).map(|place| place.key)
    }

    /// Whether the authenticator would read a ConfigMap of this name in this namespace. A namespace that is not set can
    /// still be given when the file is applied.
    pub fn is_aws_auth(&self) -> bool {
        self.name == NAME && matches!(self.namespace.as_str(), "" | NAMESPACE)
    }
}

/// The text of a value that is one for Kubernetes, and the line before its first where it has lines of its own.
fn text_of(tree: &Tree, id: NodeId) -> Option<(String, Option<usize>)> {
    let target = tree.target(id);
    let text = tree.text(target)?.to_owned();
    let style = match tree.content(target) {
        Some(Content::Scalar { style, .. }) => *style,
        _ => return None,
    };
    let is_text = match tree.resolved(target) {
        Some(Ok(Resolved::Null)) => return Some((String::new(), None)),
        Some(Ok(Resolved::Text(_) | Resolved::Timestamp(_))) => true,
        _ => false,
    };
    let literal = matches!(style, Style::Literal);
    let before = tree
        .node(target)
        .filter(|_| literal)
        .map(|node| node.content_start.line + 1);
    is_text.then_some((text, before))
}

fn kind(tree: &Tree, object: NodeId) -> Option<&str> {
    tree.entry(object, "kind")
        .and_then(|entry| tree.text(entry.value))
}

fn metadata<'t>(tree: &'t Tree, object: NodeId, key: &str) -> Option<&'t str> {
    let metadata = tree.entry(object, "metadata")?.value;
    tree.entry(metadata, key).and_then(|entry| tree.text(entry.value))
}

fn is_aws_auth(tree: &Tree, object: NodeId) -> bool {
    kind(tree, object) == Some("ConfigMap") && metadata(tree, object, "name") == Some(NAME)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: aws-auth\n  namespace: kube-system\ndata:\n  mapRoles: |\n    - rolearn: a\n      username: b\n  mapUsers: \"- userarn: c\\n- userarn: d\\n\"\n";

    #[test]
    fn lines_of_a_block_are_lines_of_the_file() {
        let manifest = Manifest::read(BLOCK).unwrap();
        assert!(manifest.is_aws_auth());
        assert_eq!(manifest.data["mapRoles"], "- rolearn: a\n  username: b\n");
        assert_eq!(manifest.line(SectionKey::Roles, Some(2)), Some(9));
        // In quotes there are no lines to point at.
        assert_eq!(manifest.line(SectionKey::Users, Some(2)), Some(10));
        assert_eq!(manifest.line(SectionKey::Accounts, Some(1)), None);
        assert_eq!(BLOCK.lines().nth(8), Some("      username: b"));
    }

    #[test]
    fn json_and_lists_are_read_too() {
        let json = r#"{"kind": "List", "items": [{"kind": "ConfigMap", "metadata": {"name": "other"}}, {"kind": "ConfigMap", "metadata": {"name": "aws-auth", "namespace": "kube-system"}, "data": {"mapAccounts": "- \"111122223333\"\n"}}]}"#;
        let manifest = Manifest::read(&json.replace('\n', "\\n")).unwrap();
        assert_eq!(manifest.data["mapAccounts"], "- \"111122223333\"\n");
        assert_eq!(
            Manifest::read("kind: List\nitems: []\n"),
            Err(ManifestError::NotInList)
        );
    }

    #[test]
    fn what_is_no_config_map_says_so() {
        let error = |text: &str| Manifest::read(text).unwrap_err().to_string();
        assert_eq!(
            error("kind: Secret\n"),
            "it is not the manifest of a ConfigMap: its kind is `Secret`"
        );
        assert_eq!(
            error("mapRoles: []\n"),
            "it is not the manifest of a ConfigMap: it has no `kind: ConfigMap`"
        );
        assert_eq!(error(""), "it is not the manifest of a ConfigMap: it is empty");
        assert!(error("a: [\n").starts_with("it is not YAML: "));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(kind: ConfigMap|kind: List|data:|items:|metadata:|[ \\n\\t&*!|>'\"{}\\[\\]:,a-c-]){0,40}") {
            if let Ok(manifest) = Manifest::read(&text) {
                let _ = manifest.line(SectionKey::Roles, Some(usize::MAX / 2));
            }
        }
    }

    #[test]
    fn values_that_are_no_texts_are_named() {
        let text = "kind: ConfigMap\ndata:\n  mapRoles:\n  - rolearn: a\n  mapUsers: 3\n  mapAccounts:\n";
        let manifest = Manifest::read(text).unwrap();
        let named: Vec<(&str, usize)> = manifest
            .not_texts
            .iter()
            .map(|value| (value.key.as_str(), value.line))
            .collect();
        assert_eq!(named, [("mapRoles", 3), ("mapUsers", 5)]);
        assert_eq!(manifest.data["mapAccounts"], "");
    }
}
