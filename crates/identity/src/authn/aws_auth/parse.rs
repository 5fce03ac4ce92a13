//! The data of the ConfigMap to entries: each section by itself, broken ones dropped, wrong fields empty.

use eksact_message::remedy::Remedy;
use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::decode::Decoder;
use super::document::{Kind, json};
use super::unread::{self, Unread};
use crate::authn::arn::KNOWN_PARTITIONS;
use eksact_yaml::edit::extent_of_item;
use eksact_yaml::syntax::{Content, NodeId, lossy};
use eksact_yaml::{Mark, Resolved, SyntaxError, Tree};

/// A key of the ConfigMap's data that the server reads. Upper and lower case matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SectionKey {
    /// `mapRoles`.
    Roles,
    /// `mapUsers`.
    Users,
    /// `mapAccounts`.
    Accounts,
}

impl SectionKey {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Roles, Self::Users, Self::Accounts];

    /// The key.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Roles => "mapRoles",
            Self::Users => "mapUsers",
            Self::Accounts => "mapAccounts",
        }
    }

    /// The section that a key was meant for which the server does not read, such as `maproles`.
    pub fn nearest(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|section| {
            key.eq_ignore_ascii_case(section.as_str())
                || strsim::damerau_levenshtein(key, section.as_str()) < 3
        })
    }

    /// The field that holds an entry's ARN, as it is usually written.
    pub fn arn_field(self) -> &'static str {
        if self == Self::Users { "userarn" } else { "rolearn" }
    }
}

/// What the server makes of the ConfigMap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsAuth {
    /// `mapRoles`.
    pub roles: Section<Mapping>,
    /// `mapUsers`.
    pub users: Section<Mapping>,
    /// `mapAccounts`: account ids.
    pub accounts: Section<String>,
    /// Keys of the data that the server does not read.
    pub unknown_keys: Vec<String>,
}

impl AwsAuth {
    /// The entries of `mapRoles` or `mapUsers`.
    pub fn mappings(&self, key: SectionKey) -> &[Entry<Mapping>] {
        match key {
            SectionKey::Roles => &self.roles.entries,
            SectionKey::Users => &self.users.entries,
            SectionKey::Accounts => &[],
        }
    }

    /// The ARN that an item of a section has, left out or not.
    pub fn arn_of(&self, section: SectionKey, item: usize) -> Option<&str> {
        let section = match section {
            SectionKey::Roles => &self.roles,
            SectionKey::Users => &self.users,
            SectionKey::Accounts => return None,
        };
        match section.entries.binary_search_by_key(&item, |entry| entry.item) {
            Ok(index) => section.entries.get(index).map(|entry| entry.value.arn.as_str()),
            Err(_) => {
                let mut refused = section.refused.iter();
                refused
                    .find(|refused| refused.item == item)
                    .map(|refused| refused.mapping.arn.as_str())
            }
        }
    }

    /// Why the server reads nothing of a section, for each that it drops.
    pub fn dropped(&self) -> impl Iterator<Item = (SectionKey, &Fault)> {
        [
            (SectionKey::Roles, &self.roles.dropped),
            (SectionKey::Users, &self.users.dropped),
            (SectionKey::Accounts, &self.accounts.dropped),
        ]
        .into_iter()
        .filter_map(|(key, fault)| fault.as_ref().map(|fault| (key, fault)))
    }
}

/// One section of the ConfigMap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section<T> {
    /// Whether the key is there at all.
    pub present: bool,
    /// What the server took, in the order of the text.
    pub entries: Vec<Entry<T>>,
    /// Items that the server left out.
    pub refused: Vec<Refused>,
    /// What has the wrong type and counts as empty.
    pub faults: Vec<Fault>,
    /// What is written and makes no difference to what the server takes.
    pub unread: Vec<Unread>,
    /// The line of the first further document, from 1: the server reads up to it.
    pub further_document: Option<usize>,
    /// Why the server reads nothing of this section.
    pub dropped: Option<Fault>,
}

impl<T> Section<T> {
    fn new(present: bool) -> Self {
        Self {
            present,
            entries: Vec::new(),
            refused: Vec::new(),
            faults: Vec::new(),
            unread: Vec::new(),
            further_document: None,
            dropped: None,
        }
    }

    fn drop_whole(&mut self, error: &SyntaxError) {
        self.dropped = Some(Fault {
            problem: error.to_string(),
            line: Some(error.line),
            column: Some(error.column),
            item: None,
            field: None,
            help: None,
        });
    }
}

/// An entry and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<T> {
    /// Which item of the section's list it is, from 0, with the refused ones counted.
    pub item: usize,
    /// Its first line in the section's text, from 1.
    pub line: usize,
    /// Its bytes in the section's text, with the comments about it, which would go with it
    /// ([`eksact_yaml::edit::extent_of_item`]).
    pub span: Range<usize>,
    /// What the server took.
    pub value: T,
}

/// An entry of `mapRoles` or `mapUsers`. A field that is missing, null or of the wrong type is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mapping {
    /// `rolearn` or `userarn`, unchecked.
    pub arn: String,
    /// The username, with templates.
    pub username: String,
    /// The groups, with templates.
    pub groups: Vec<String>,
    /// A role of IAM Identity Center by its permission set; read in `mapRoles` only, and without effect on EKS.
    pub sso: Option<SsoRole>,
    /// `userid`, which this backend does not use.
    pub user_id: String,
}

/// A permission set of IAM Identity Center in an account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SsoRole {
    /// `permissionSetName`.
    pub permission_set_name: String,
    /// `accountID`.
    pub account_id: String,
    /// `partition`, or empty.
    pub partition: String,
}

/// An item that the server left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Which item of the list, from 0.
    pub item: usize,
    /// Its first line, from 1.
    pub line: usize,
    /// Why, in the server's words.
    pub because: String,
    /// What could be read of it.
    pub mapping: Mapping,
}

/// Something wrong and its place in the section's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong.
    pub problem: String,
    /// The line, from 1.
    pub line: Option<usize>,
    /// The column in characters, from 1.
    pub column: Option<usize>,
    /// The item of the list, from 0.
    pub item: Option<usize>,
    /// The field.
    pub field: Option<String>,
    /// What to write instead, where that follows from what is written.
    pub help: Option<Remedy>,
}

impl Fault {
    pub(super) fn at(problem: impl Into<String>, mark: Option<Mark>) -> Self {
        Self {
            problem: problem.into(),
            line: mark.map(|mark| mark.line + 1),
            column: mark.map(|mark| mark.column + 1),
            item: None,
            field: None,
            help: None,
        }
    }
}

/// Reads the data of the ConfigMap as the server does.
pub fn parse(data: &BTreeMap<String, String>) -> AwsAuth {
    let text = |key: SectionKey| data.get(key.as_str()).map(String::as_str);
    AwsAuth {
        roles: mappings(SectionKey::Roles, text(SectionKey::Roles)),
        users: mappings(SectionKey::Users, text(SectionKey::Users)),
        accounts: accounts(text(SectionKey::Accounts)),
        unknown_keys: data
            .keys()
            .filter(|key| !SectionKey::ALL.iter().any(|known| known.as_str() == *key))
            .cloned()
            .collect(),
    }
}

/// Texts that the server takes for no text at all.
fn is_skipped(text: &str) -> bool {
    matches!(text.trim(), "" | "``" | "\"\"" | "''")
}

/// Reads one of the two sections that hold mappings.
pub(super) fn mappings(key: SectionKey, text: Option<&str>) -> Section<Mapping> {
    let mut section = Section::new(text.is_some());
    let Some(text) = text.filter(|text| !is_skipped(text)) else {
        return section;
    };
    section.further_document = further_document(text);
    let read = Tree::read(text).and_then(|tree| json(&tree).map(|value| (tree, value)));
    let (tree, value) = match read {
        Ok((tree, Some(value))) => (tree, value),
        Ok((_, None)) => return section,
        Err(error) => {
            section.drop_whole(&error);
            return section;
        }
    };
    let items = match value.kind {
        Kind::Array(items) => items,
        Kind::Null => return section,
        other => {
            let problem = format!("the section is {}, and must be a list", other.name());
            section.dropped = Some(Fault::at(problem, tree.node(value.node).map(|node| node.start)));
            return section;
        }
    };
    let mut decoder = Decoder {
        tree: &tree,
        section: key,
        item: 0,
        faults: Vec::new(),
    };
    for (item, json) in items.iter().enumerate() {
        decoder.item = item;
        let mapping = decoder.mapping(json);
        let (line, span) = place(text, &tree, item, json.node);
        match refusal(key, &mapping) {
            None => section.entries.push(Entry {
                item,
                line,
                span,
                value: mapping,
            }),
            Some(because) => section.refused.push(Refused {
                item,
                line,
                because,
                mapping,
            }),
        }
    }
    section.faults = decoder.faults;
    let nodes: Vec<NodeId> = items.iter().map(|item| item.node).collect();
    section.unread = unread::of_mappings(&tree, key, &nodes, &section.faults);
    section
}

/// The line, from 1, of the first document behind the one that the server reads.
fn further_document(text: &str) -> Option<usize> {
    let may_have = |line: &str| line.starts_with("---") || line.starts_with("...");
    if !text.lines().any(may_have) {
        return None;
    }
    match Tree::read_all(text) {
        Ok(trees) => {
            let mut further = trees.iter().skip(1);
            let root =
                further.find_map(|tree| tree.node(tree.root()?).filter(|root| root.end > root.start.byte))?;
            Some(root.line())
        }
        // The first document may be sound all the same; one that is not is told as that.
        Err(error) => Tree::read(text).is_ok().then_some(error.line),
    }
}

/// Where an item stands: its line, and how far it reaches.
fn place(text: &str, tree: &Tree, item: usize, node: NodeId) -> (usize, Range<usize>) {
    let start = tree.node(node).map(|node| node.indicator.unwrap_or(node.start));
    let list = tree.root().map(|root| tree.target(root));
    let span = list.and_then(|list| extent_of_item(text, tree, list, item));
    (start.unwrap_or_default().line + 1, span.unwrap_or_default())
}

/// Why the server leaves an entry out (`RoleMapping.Validate`, `UserMapping.Validate`).
fn refusal(key: SectionKey, mapping: &Mapping) -> Option<String> {
    if key == SectionKey::Users {
        return mapping
            .arn
            .is_empty()
            .then(|| "value for userarn must be supplied".to_owned());
    }
    let sso = match (mapping.arn.is_empty(), &mapping.sso) {
        (true, None) => return Some("one of rolearn or SSO must be supplied".to_owned()),
        (false, Some(_)) => return Some("only one of rolearn or SSO can be supplied".to_owned()),
        (false, None) => return None,
        (true, Some(sso)) => sso,
    };
    let account = &sso.account_id;
    if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(format!("AccountID '{account}' is not a valid AWS Account ID"));
    }
    let name = &sso.permission_set_name;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
    if !(1..=32).contains(&name.len()) || !name.bytes().all(allowed) {
        return Some(format!(
            "PermissionSetName '{name}' is not a valid AWS SSO PermissionSet Name"
        ));
    }
    let partition = &sso.partition;
    if !partition.is_empty() && !KNOWN_PARTITIONS.contains(&partition.as_str()) {
        return Some(format!("partition '{partition}' is not a valid AWS partition"));
    }
    None
}

/// Reads `mapAccounts`, which is read as YAML straight into a list of texts: numbers keep their digits here.
pub(super) fn accounts(text: Option<&str>) -> Section<String> {
    let mut section = Section::new(text.is_some());
    let Some(text) = text.filter(|text| !is_skipped(text)) else {
        return section;
    };
    section.further_document = further_document(text);
    let tree = match Tree::read(text) {
        Ok(tree) => tree,
        Err(error) => {
            section.drop_whole(&error);
            return section;
        }
    };
    let Some(root) = tree.root() else { return section };
    let start = tree.node(root).map(|node| node.start);
    let Some(Content::Sequence { items, .. }) = tree.content(root) else {
        match tree.resolved(root) {
            Some(Ok(Resolved::Null)) => {}
            Some(Err(error)) => section.drop_whole(&error),
            _ => section.dropped = Some(Fault::at("the section must be a list", start)),
        }
        return section;
    };
    for (item, id) in items.iter().enumerate() {
        let (line, span) = place(text, &tree, item, *id);
        let value = match tree.resolved(*id) {
            Some(Ok(Resolved::Null)) => String::new(),
            Some(Ok(Resolved::Binary(octets))) => lossy(&octets),
            Some(Ok(_)) => tree.text(*id).unwrap_or_default().to_owned(),
            Some(Err(error)) => {
                // go-yaml stops here; what it had read so far counts.
                section.faults.push(Fault {
                    item: Some(item),
                    ..Fault::at(error.to_string(), tree.node(*id).map(|node| node.start))
                });
                break;
            }
            None => {
                section.faults.push(Fault {
                    item: Some(item),
                    ..Fault::at(
                        "an account must be a string",
                        tree.node(*id).map(|node| node.start),
                    )
                });
                continue;
            }
        };
        section.entries.push(Entry {
            item,
            line,
            span,
            value,
        });
    }
    section
}
