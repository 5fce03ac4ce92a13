//! JSON into the server's types, as Go's `encoding/json` does it: what has the wrong type stays empty, the rest goes on.

use super::document::{Json, Kind};
use super::lint_names::{PLACEHOLDERS, misspelt, nearest_placeholder};
use super::parse::{Fault, Mapping, SectionKey, SsoRole};
use eksact_message::remedy::Remedy;
use eksact_yaml::Tree;
use eksact_yaml::syntax::NodeId;

/// What `groups` must be.
const LIST: &str = "a list";

/// What decoding writes to besides its result.
pub(super) struct Decoder<'t> {
    pub(super) tree: &'t Tree,
    pub(super) section: SectionKey,
    pub(super) item: usize,
    pub(super) faults: Vec<Fault>,
}

impl Decoder<'_> {
    fn fault(&mut self, field: &str, value: &Json, wanted: &str) {
        let name = value.kind.name();
        let problem = if field.is_empty() {
            format!("the entry is {name}, and must be {wanted}")
        } else {
            format!("`{field}` is {name}, and must be {wanted}; the server treats it as empty")
        };
        let mut fault = Fault::at(problem, self.tree.node(value.node).map(|node| node.start));
        fault.item = Some(self.item);
        fault.field = (!field.is_empty()).then(|| field.to_owned());
        fault.help = self.instead(wanted, value);
        self.faults.push(fault);
    }

    /// What to write instead of a value of the wrong type, where what is meant can be seen.
    fn instead(&self, wanted: &str, value: &Json) -> Option<Remedy> {
        if wanted == LIST {
            let groups = self.groups_meant(value);
            let items = groups
                .iter()
                .map(|group| serde_json::Value::from(misspelt(group).unwrap_or(group)).to_string());
            let items: Vec<String> = items.collect();
            return (!items.is_empty()).then(|| remedy!("write a list: `groups: [{}]`", items.join(", ")));
        }
        match &value.kind {
            Kind::Bool | Kind::Number => {
                let quoted = format!("\"{}\"", self.written(value.node)?);
                Some(remedy!("write it in quotes: `{quoted}`"))
            }
            Kind::Object(_) => {
                let &[entry] = self.tree.entries(value.node) else {
                    return None;
                };
                let meant = self.name_meant(entry.key, entry.value)?;
                Some(if PLACEHOLDERS.contains(&meant.as_str()) {
                    remedy!("write the placeholder in quotes: `\"{meant}\"`")
                } else {
                    remedy!("a blank after a colon makes a mapping; write `{meant}`")
                })
            }
            _ => None,
        }
    }

    /// The groups that something else than a list was meant to name.
    fn groups_meant(&self, value: &Json) -> Vec<String> {
        match &value.kind {
            Kind::Text(written) => {
                let groups = written.split([',', ';', '\n']).map(|group| {
                    let group = group.trim();
                    group.strip_prefix("- ").unwrap_or(group).trim()
                });
                let groups = groups.filter(|group| !group.is_empty());
                groups.map(str::to_owned).collect()
            }
            Kind::Object(_) => {
                let entries = self.tree.entries(value.node).iter();
                let names = entries.map(|entry| self.name_meant(entry.key, entry.value));
                names.collect::<Option<_>>().unwrap_or_default()
            }
            _ => self.written(value.node).map(str::to_owned).into_iter().collect(),
        }
    }

    /// The name that a key with its value was meant to be: a placeholder, or one with a blank behind its colon.
    fn name_meant(&self, key: NodeId, value: NodeId) -> Option<String> {
        let key = self.written(key)?;
        let word: String = key.chars().filter(char::is_ascii_alphanumeric).collect();
        Some(match nearest_placeholder(&word) {
            Some(placeholder) => placeholder.to_owned(),
            None => match self.written(value) {
                Some(value) => format!("{key}:{value}"),
                None => key.to_owned(),
            },
        })
    }

    fn written(&self, node: NodeId) -> Option<&str> {
        self.tree.text(node).filter(|text| !text.is_empty())
    }

    /// One entry of `mapRoles` or `mapUsers`.
    pub(super) fn mapping(&mut self, value: &Json) -> Mapping {
        let mut mapping = Mapping::default();
        let object = match &value.kind {
            Kind::Object(object) => object,
            Kind::Null => return mapping,
            _ => {
                self.fault("", value, "a mapping");
                return mapping;
            }
        };
        for (key, value) in object {
            let Some(field) = field(key, fields_of(self.section)) else {
                continue;
            };
            match field {
                "username" => self.text(field, value, &mut mapping.username),
                "userid" => self.text(field, value, &mut mapping.user_id),
                "groups" => self.groups(value, &mut mapping.groups),
                "sso" => self.sso(value, &mut mapping.sso),
                _ => self.text(field, value, &mut mapping.arn),
            }
        }
        mapping
    }

    fn text(&mut self, field: &str, value: &Json, into: &mut String) {
        match &value.kind {
            Kind::Text(text) => text.clone_into(into),
            Kind::Null => {}
            _ => self.fault(field, value, "a string"),
        }
    }

    /// A list is decoded into the one that is there already, if the field is written twice.
    fn groups(&mut self, value: &Json, into: &mut Vec<String>) {
        match &value.kind {
            Kind::Null => into.clear(),
            Kind::Array(items) => {
                into.resize(items.len(), String::new());
                for (item, into) in items.iter().zip(into) {
                    self.text("groups", item, into);
                }
            }
            _ => self.fault("groups", value, LIST),
        }
    }

    fn sso(&mut self, value: &Json, into: &mut Option<SsoRole>) {
        let object = match &value.kind {
            Kind::Null => {
                *into = None;
                return;
            }
            Kind::Object(object) => object.as_slice(),
            _ => {
                self.fault("sso", value, "a mapping");
                &[]
            }
        };
        let sso = into.get_or_insert_default();
        for (key, value) in object {
            match field(key, &SSO_FIELDS) {
                Some(field @ "permissionSetName") => self.text(field, value, &mut sso.permission_set_name),
                Some(field @ "accountID") => self.text(field, value, &mut sso.account_id),
                Some(field) => self.text(field, value, &mut sso.partition),
                None => {}
            }
        }
    }
}

/// The fields of an entry of a section.
pub(super) fn fields_of(section: SectionKey) -> &'static [&'static str] {
    match section {
        SectionKey::Users => &["userarn", "username", "groups", "userid"],
        _ => &["rolearn", "username", "groups", "userid", "sso"],
    }
}

/// The fields of `sso`.
pub(super) const SSO_FIELDS: [&str; 3] = ["permissionSetName", "accountID", "partition"];

/// The field that a key names, upper and lower case being the same.
pub(super) fn field(key: &str, fields: &[&'static str]) -> Option<&'static str> {
    fields.iter().copied().find(|field| {
        let mut letters = field.chars();
        key.chars().all(|c| {
            // The two letters beyond ASCII that Unicode folds into it.
            let c = match c {
                '\u{17f}' => 's',
                '\u{212a}' => 'k',
                c => c,
            };
            letters
                .next()
                .is_some_and(|letter| letter.eq_ignore_ascii_case(&c))
        }) && letters.next().is_none()
    })
}
