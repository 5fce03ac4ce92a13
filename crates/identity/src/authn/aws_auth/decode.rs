//! JSON into the server's types, as Go's `encoding/json` does it: what has the wrong type stays empty, the rest goes on.

use super::document::{Json, Kind};
use super::lint_names::{misspelt, nearest_placeholder};
use super::parse::{Fault, Mapping, SectionKey, SsoRole};
use eksact_message::remedy::Remedy;
use eksact_yaml::Tree;
use eksact_yaml::syntax::NodeId;

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
            format!("`{field}` is {name}, and must be {wanted}; the server takes it as empty")
        };
        let mut fault = Fault::at(problem, self.tree.node(value.node).map(|node| node.start));
        fault.item = Some(self.item);
        fault.field = (!field.is_empty()).then(|| field.to_owned());
        fault.help = self.instead(field, value);
        self.faults.push(fault);
    }

    /// What to write instead of a value of the wrong type, where what is meant can be seen.
    fn instead(&self, field: &str, value: &Json) -> Option<Remedy> {
        let text = |node: NodeId| self.tree.text(node).filter(|text| !text.is_empty());
        let is_of_groups = field == "groups";
        match &value.kind {
            Kind::Text(written) if is_of_groups => {
                let groups = written.split([',', ';', '\n']).map(|group| {
                    let group = group.trim();
                    group.strip_prefix("- ").unwrap_or(group).trim()
                });
                let groups: Vec<String> = groups
                    .filter(|group| !group.is_empty())
                    .map(|group| serde_json::Value::from(misspelt(group).unwrap_or(group)).to_string())
                    .collect();
                Some(remedy!("write a list: `groups: [{}]`", groups.join(", ")))
            }
            Kind::Bool | Kind::Number => {
                let quoted = format!("\"{}\"", text(value.node)?);
                Some(remedy!("write it in quotes: `{quoted}`"))
            }
            Kind::Object(_) => {
                let &[entry] = self.tree.entries(value.node) else {
                    return None;
                };
                let (key, value) = (text(entry.key)?, text(entry.value));
                let word: String = key.chars().filter(char::is_ascii_alphanumeric).collect();
                match nearest_placeholder(&word) {
                    Some(placeholder) => {
                        Some(remedy!("write the placeholder in quotes: `\"{placeholder}\"`"))
                    }
                    None => Some(remedy!(
                        "a blank behind a colon makes a mapping; write `{key}{}`",
                        value.map_or_else(String::new, |value| format!(":{value}"))
                    )),
                }
            }
            _ => None,
        }
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
            _ => self.fault(field, value, "a text"),
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
            _ => self.fault("groups", value, "a list"),
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
