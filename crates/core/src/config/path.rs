//! Paths of fields, as people write them: `iam.serviceAccounts[0].metadata.labels["a/b"]`. And finding them in the tree.

use std::fmt;

use super::source::Position;
use eksact_yaml::Node;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    Key(String),
    Index(usize),
}

/// The way from the root of the file to a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct FieldPath(Vec<Segment>);

impl FieldPath {
    /// Reads dotted names, for paths that the code itself writes: `iam.withOIDC`. Of a list whose name ends in `[]` the first item.
    pub(super) fn of(dotted: &str) -> Self {
        let mut path = Self::default();
        for name in dotted.split('.').filter(|name| !name.is_empty()) {
            let key = name.trim_end_matches("[]");
            path.0.push(Segment::Key(key.to_owned()));
            if key != name {
                path.0.push(Segment::Index(0));
            }
        }
        path
    }

    pub(super) fn key(&self, key: &str) -> Self {
        let mut path = self.clone();
        path.0.push(Segment::Key(key.to_owned()));
        path
    }

    pub(super) fn index(&self, index: usize) -> Self {
        let mut path = self.clone();
        path.0.push(Segment::Index(index));
        path
    }

    /// Follows a JSON pointer (RFC 6901) from here. A number is taken as an index where the document has a list.
    pub(super) fn pointer(&self, pointer: &str, document: &serde_json::Value) -> Self {
        let mut path = self.clone();
        let mut value = Some(document);
        for token in pointer.split('/').skip(1) {
            let token = token.replace("~1", "/").replace("~0", "~");
            let index = token
                .parse::<usize>()
                .ok()
                .filter(|_| value.is_some_and(serde_json::Value::is_array));
            value = match index {
                Some(index) => value.and_then(|value| value.get(index)),
                None => value.and_then(|value| value.get(&token)),
            };
            path.0.push(index.map_or(Segment::Key(token), Segment::Index));
        }
        path
    }

    /// The path of a place such as `a.list[].b`, with the indices of this path as far as both go the same way; none where
    /// the place is in a list beside the way.
    pub(super) fn at_place(&self, place: &str) -> Option<Self> {
        let mut own = self.0.iter();
        let mut is_along = true;
        let mut path = Self::default();
        for name in place.split('.') {
            let key = name.trim_end_matches("[]");
            is_along &= matches!(own.next(), Some(Segment::Key(own)) if own == key);
            path.0.push(Segment::Key(key.to_owned()));
            if key != name {
                match own.next() {
                    Some(Segment::Index(index)) if is_along => path.0.push(Segment::Index(*index)),
                    _ => return None,
                }
            }
        }
        Some(path)
    }

    /// Its steps, from the root on.
    pub(super) fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// How many steps it is from the root.
    pub(super) fn depth(&self) -> usize {
        self.0.len()
    }

    pub(super) fn starts_with(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }

    /// Where the value at this path stands, or its key if `at_key`; where a part is missing, what encloses it.
    pub(super) fn locate(&self, root: &Node, at_key: bool) -> Position {
        let mut node = root;
        let mut at = Position::from(root.at);
        for segment in &self.0 {
            match segment {
                Segment::Key(key) => match node.entry(key) {
                    Some(entry) => {
                        at = if at_key || entry.value.is_null() {
                            entry.key_at
                        } else {
                            entry.value.at
                        }
                        .into();
                        node = &entry.value;
                    }
                    None => return at,
                },
                Segment::Index(index) => match node.items().get(*index) {
                    Some(item) => {
                        at = item.at.into();
                        node = item;
                    }
                    None => return at,
                },
            }
        }
        at
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Key(key)
                    if !key.is_empty()
                        && key
                            .chars()
                            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') =>
                {
                    write!(f, "{}{key}", if position == 0 { "" } else { "." })?;
                }
                // `escape_debug` keeps quotes apart and lets no control character through.
                Segment::Key(key) => write!(
                    f,
                    "[\"{}\"]",
                    key.chars().take(80).collect::<String>().escape_debug()
                )?,
                Segment::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_reads_like_what_people_write() {
        let path = FieldPath::of("iam.serviceAccounts")
            .index(0)
            .key("metadata")
            .key("labels")
            .key("a.b/c");
        assert_eq!(
            path.to_string(),
            "iam.serviceAccounts[0].metadata.labels[\"a.b/c\"]"
        );
        assert!(path.starts_with(&FieldPath::of("iam.serviceAccounts")));
    }

    #[test]
    fn place_gets_the_indices_of_the_way_to_it() {
        let path = FieldPath::of("iam.serviceAccounts").index(2).key("name");
        let at = |place| path.at_place(place).map(|path| path.to_string());
        assert_eq!(
            at("iam.serviceAccounts[].metadata.name").as_deref(),
            Some("iam.serviceAccounts[2].metadata.name")
        );
        assert_eq!(at("iam.withOIDC").as_deref(), Some("iam.withOIDC"));
        assert_eq!(at("iam.podIdentityAssociations[].roleName"), None);
        assert_eq!(at("nodeGroups[].name"), None);
    }

    #[test]
    fn json_pointers_become_paths() {
        let document = serde_json::json!({"Statement": [{"Condition": {"0": {"a/b": 1}}}]});
        let path = FieldPath::of("attachPolicy").pointer("/Statement/0/Condition/0/a~1b", &document);
        assert_eq!(path.to_string(), "attachPolicy.Statement[0].Condition.0[\"a/b\"]");
    }
}
