//! The manifest of an aws-auth ConfigMap, as people keep it and as kubectl prints it: its data, and where each section's
//! text stands in the file. What the sections mean is `aws_auth`'s.
//!
//! YAML and JSON alike, read as kubectl reads them: every document of the file, and the items of the `List` that
//! `kubectl get -o yaml` makes. Other objects are passed over.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::aws_auth::SectionKey;
use eksact_yaml::explain::explain;
use eksact_yaml::syntax::{Content, NodeId};
use eksact_yaml::{Resolved, Style, SyntaxError, Tree};

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
    /// `metadata.annotations`, as far as the values are texts.
    pub annotations: BTreeMap<String, String>,
    /// Values of `data` that are no texts: the API server refuses the ConfigMap because of each.
    pub not_texts: Vec<NotText>,
    /// Keys that are written more than once.
    pub duplicates: Vec<DuplicateKey>,
    /// Fields that a ConfigMap does not have, and sections where the server does not look for them.
    pub unknown_fields: Vec<UnknownField>,
    /// Line of the file on which it begins, from 1.
    pub begins: usize,
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

/// A field that the API server does not keep, or in which the authenticator does not look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownField {
    /// The key with those above it: `metadata.Name`.
    pub path: String,
    /// Its line, from 1.
    pub line: usize,
}

/// The fields of a ConfigMap (Kubernetes, `k8s.io/api/core/v1`), but for `binaryData`.
const FIELDS: [&str; 5] = ["apiVersion", "kind", "metadata", "data", "immutable"];
/// The fields of `metadata` (`k8s.io/apimachinery/pkg/apis/meta/v1`).
const METADATA_FIELDS: [&str; 16] = [
    "name",
    "generateName",
    "namespace",
    "selfLink",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "labels",
    "annotations",
    "ownerReferences",
    "finalizers",
    "clusterName",
    "managedFields",
];

/// A key that is written once more. Readers of YAML and JSON keep the last one without a word (kubectl 1.32: measured), so
/// that what the others say never reaches the cluster; the API server refuses it where it sees both and checks strictly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DuplicateKey {
    /// The key with those above it: `data.mapRoles`.
    pub path: String,
    /// Line of the one before, from 1.
    pub before: usize,
    /// Line of the one that is kept unless a third comes, from 1.
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
        /// What to do.
        help: Option<eksact_message::remedy::Remedy>,
    },
    /// It is YAML and no ConfigMap.
    #[error("it is not the manifest of a ConfigMap: {0}")]
    NotAConfigMap(String),
    /// A list of objects without the one that is looked for.
    #[error("the list has no ConfigMap {NAME}")]
    NotInList,
    /// More than one, where one is asked for.
    #[error("it has more than one ConfigMap {NAME}, on lines {first} and {second}; keep one")]
    Several {
        /// Line of the first, from 1.
        first: usize,
        /// Line of the second, from 1.
        second: usize,
    },
}

impl ManifestError {
    fn syntax(text: &str, error: &SyntaxError) -> Self {
        let explanation = explain(text, error);
        Self::Syntax {
            problem: explanation.problem,
            line: explanation.line,
            column: explanation.column,
            help: explanation.help,
        }
    }
}

/// A ConfigMap of a file, before it is read.
struct Found<'t> {
    tree: &'t Tree,
    object: NodeId,
    in_list: bool,
}

/// The objects of a file.
#[derive(Default)]
struct Objects<'t> {
    config_maps: Vec<Found<'t>>,
    /// What the first object is that is no ConfigMap.
    other: Option<String>,
    has_list: bool,
}

impl Manifest {
    /// Reads the aws-auth of `text`; where there is none, the one ConfigMap that comes nearest.
    ///
    /// # Errors
    /// When there is no ConfigMap in it, or more than one aws-auth.
    pub fn read(text: &str) -> Result<Self, ManifestError> {
        let mut all = Self::read_all(text)?.into_iter();
        match (all.next(), all.next()) {
            (Some(only), None) => Ok(only),
            (Some(first), Some(second)) => Err(ManifestError::Several {
                first: first.begins,
                second: second.begins,
            }),
            (None, _) => Err(ManifestError::NotAConfigMap("it is empty".to_owned())),
        }
    }

    /// Reads every aws-auth of `text`, of all its documents and lists. Where there is none: those of that name in another
    /// namespace, else the first ConfigMap that stands by itself.
    ///
    /// # Errors
    /// When there is none of them, or when one of the documents is not YAML.
    pub fn read_all(text: &str) -> Result<Vec<Self>, ManifestError> {
        let trees = Tree::read_all(text).map_err(|error| ManifestError::syntax(text, &error))?;
        let mut objects = Objects::default();
        for tree in &trees {
            if let Some(root) = tree.root() {
                objects.add(tree, root);
            }
        }
        let of = |found: &Found<'_>| Self::of_object(found.tree, found.object);
        let named = objects
            .config_maps
            .iter()
            .filter(|found| metadata(found.tree, found.object, "name") == Some(NAME));
        let named: Vec<Self> = named.map(of).collect::<Result<_, _>>()?;
        if !named.is_empty() {
            let (right, elsewhere): (Vec<_>, Vec<_>) = named.into_iter().partition(Self::is_aws_auth);
            return Ok(if right.is_empty() { elsewhere } else { right });
        }
        let mut alone = objects.config_maps.iter().filter(|found| !found.in_list);
        match (alone.next(), objects.other) {
            (Some(found), _) => Ok(vec![of(found)?]),
            (None, _) if objects.has_list => Err(ManifestError::NotInList),
            (None, other) => Err(ManifestError::NotAConfigMap(
                other.unwrap_or_else(|| "it is empty".to_owned()),
            )),
        }
    }

    fn of_object(tree: &Tree, object: NodeId) -> Result<Self, ManifestError> {
        let mut manifest = Self {
            name: metadata(tree, object, "name").unwrap_or_default().to_owned(),
            namespace: metadata(tree, object, "namespace").unwrap_or_default().to_owned(),
            begins: tree.node(object).map_or(1, |node| node.content_start.line + 1),
            ..Self::default()
        };
        let annotations = tree
            .entry(object, "metadata")
            .and_then(|metadata| tree.entry(metadata.value, "annotations"))
            .map(|annotations| tree.entries(annotations.value))
            .unwrap_or_default();
        for entry in annotations {
            if let (Some(key), Some((text, _))) = (tree.text(entry.key), text_of(tree, entry.value)) {
                manifest.annotations.insert(key.to_owned(), text);
            }
        }
        manifest.note_duplicates(tree, object, "");
        manifest.note_unknown(tree, object, "", &FIELDS);
        if let Some(entry) = tree.entry(object, "metadata") {
            manifest.note_unknown(tree, entry.value, "metadata.", &METADATA_FIELDS);
        }
        for key in ["metadata", "data"] {
            if let Some(entry) = tree.entry(object, key) {
                manifest.note_duplicates(tree, entry.value, &format!("{key}."));
            }
        }
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
            let line = line_of(tree, entry.key);
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

    /// Notes the fields of a mapping that are not known, and those of `binaryData`, where sections are not read.
    fn note_unknown(&mut self, tree: &Tree, mapping: NodeId, above: &str, known: &[&str]) {
        for entry in tree.entries(mapping) {
            let Some(key) = tree
                .text(entry.key)
                .filter(|key| *key != "<<" && !known.contains(key))
            else {
                continue;
            };
            if (above, key) == ("", "binaryData") {
                self.note_unknown(tree, entry.value, "binaryData.", &[]);
                continue;
            }
            self.unknown_fields.push(UnknownField {
                path: format!("{above}{key}"),
                line: line_of(tree, entry.key),
            });
        }
    }

    fn note_duplicates(&mut self, tree: &Tree, mapping: NodeId, above: &str) {
        let mut lines: HashMap<&str, usize> = HashMap::new();
        for entry in tree.entries(mapping) {
            // Several merges are several merges.
            let Some(key) = tree.text(entry.key).filter(|key| *key != "<<") else {
                continue;
            };
            let line = line_of(tree, entry.key);
            if let Some(before) = lines.insert(key, line) {
                self.duplicates.push(DuplicateKey {
                    path: format!("{above}{key}"),
                    before,
                    line,
                });
            }
        }
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

fn line_of(tree: &Tree, id: NodeId) -> usize {
    tree.node(id).map_or(1, |node| node.content_start.line + 1)
}

impl<'t> Objects<'t> {
    /// Adds an object, and those of a list.
    fn add(&mut self, tree: &'t Tree, root: NodeId) {
        // Lists that name themselves by an alias are looked at once.
        let mut seen = HashSet::new();
        let mut open = vec![(root, false, None)];
        while let Some((object, in_list, implied)) = open.pop() {
            match kind(tree, object).or(implied) {
                Some(list @ ("List" | "ConfigMapList")) => {
                    self.has_list = true;
                    let items = tree.entry(object, "items").map(|entry| entry.value);
                    if seen.insert(tree.target(object)) {
                        // The API's own lists do not repeat the kind in each item.
                        let kind = (list == "ConfigMapList").then_some("ConfigMap");
                        let items = items.map_or(&[][..], |items| tree.items(items));
                        open.extend(items.iter().rev().map(|item| (*item, true, kind)));
                    }
                }
                Some("ConfigMap") => self.config_maps.push(Found {
                    tree,
                    object,
                    in_list,
                }),
                _ if in_list || is_nothing(tree, object) => {}
                Some(other) => {
                    let shown: String = other.chars().take(60).collect();
                    self.other.get_or_insert(format!("its kind is `{shown}`"));
                }
                None => {
                    self.other
                        .get_or_insert_with(|| "it has no `kind: ConfigMap`".to_owned());
                }
            }
        }
    }
}

/// Whether a document is empty, as the one between `---` and a comment is.
fn is_nothing(tree: &Tree, root: NodeId) -> bool {
    tree.resolved(root) == Some(Ok(Resolved::Null))
}

#[cfg(test)]
mod tests;
