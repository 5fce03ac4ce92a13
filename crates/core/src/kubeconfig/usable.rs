//! Whether kubectl uses the entries of a file that it loads. What it checks before it uses a context (client-go's
//! `clientcmd.ConfirmUsable`, and what its exec plugin takes) fails that context alone, and no other.
//!
//! Whether the files that an entry names are there is not looked at, nor whether another file of KUBECONFIG has what a
//! context names.

use eksact_message::remedy::Remedy;
use std::collections::BTreeSet;

use super::{
    entries::Entries,
    value::{Edit, Section, Value},
};
use crate::config::is_namespace;
use eksact_yaml::edit::Step;

/// Why kubectl does not use an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// Where the entry is.
    pub section: Section,
    /// Which entry of it.
    pub index: usize,
    /// Its name, empty for none.
    pub name: String,
    /// The way to what is wrong, from below the entry.
    pub path: Vec<Step<'static>>,
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub help: Remedy,
}

impl Fault {
    /// Whether both are the same one, in a file before and after it was edited.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        // The problem names the entry.
        self.section == other.section && self.problem == other.problem
    }
}

/// Everything that kubectl has against single entries, in the order of the sections.
pub(super) fn faults(entries: &Entries) -> Vec<Fault> {
    let mut faults = Vec::new();
    for section in Section::ALL {
        for (index, entry) in entries.of(section).iter().enumerate() {
            let name = entry.name.clone().unwrap_or_default();
            let mut found = Found {
                section,
                name: &name,
                all: Vec::new(),
            };
            match section {
                Section::Clusters => found.cluster(&entry.body),
                Section::Contexts => found.context(&entry.body),
                Section::Users => found.user(&entry.body),
            }
            faults.extend(found.all.into_iter().map(|(path, problem, help)| Fault {
                section,
                index,
                name: name.clone(),
                path,
                problem,
                help,
            }));
        }
    }
    faults
}

/// The entries that these edits write, and what the contexts among them use. `after` is what the edits make.
pub(super) fn written<'e>(after: &'e Entries, edits: &'e [Edit]) -> BTreeSet<(Section, &'e str)> {
    let name_of = |section: Section, index: usize| {
        let entry = after.of(section).get(index);
        (
            section,
            entry.and_then(|entry| entry.name.as_deref()).unwrap_or_default(),
        )
    };
    let mut written: BTreeSet<(Section, &str)> = edits
        .iter()
        .filter_map(|edit| match edit {
            Edit::Append { section, entry } => Some((*section, entry.text_at(&["name"]).unwrap_or_default())),
            Edit::Set { section, index, .. }
            | Edit::Unset { section, index, .. }
            | Edit::RemoveItem { section, index, .. }
            | Edit::AppendItem { section, index, .. } => Some(name_of(*section, *index)),
            Edit::SetCurrentContext(name) if !name.is_empty() => Some((Section::Contexts, name)),
            Edit::SetCurrentContext(_) | Edit::Remove { .. } => None,
        })
        .collect();
    let contexts: Vec<&str> = written
        .iter()
        .filter(|(section, _)| *section == Section::Contexts)
        .map(|(_, name)| *name)
        .collect();
    for name in contexts {
        if let Some((_, context)) = after.find(Section::Contexts, name) {
            for section in [Section::Clusters, Section::Users] {
                if let Some(used) = context.body.text_at(&[section.entry_key()]) {
                    written.insert((section, used));
                }
            }
        }
    }
    written
}

const V1: &str = "client.authentication.k8s.io/v1";
const V1BETA1: &str = "client.authentication.k8s.io/v1beta1";
const V1ALPHA1: &str = "client.authentication.k8s.io/v1alpha1";
const MODES: [&str; 3] = ["Never", "IfAvailable", "Always"];

/// What is found in one entry.
struct Found<'e> {
    section: Section,
    name: &'e str,
    all: Vec<(Vec<Step<'static>>, String, Remedy)>,
}

/// A text that says something.
fn text<'v>(body: &'v Value, path: &[&str]) -> Option<&'v str> {
    body.text_at(path).filter(|text| !text.is_empty())
}

impl Found<'_> {
    fn add(&mut self, keys: &[&'static str], problem: &str, help: Remedy) {
        self.add_at(keys.iter().map(|key| Step::Key(key)).collect(), problem, help);
    }

    fn add_at(&mut self, below: Vec<Step<'static>>, problem: &str, help: Remedy) {
        let what = self.section.entry_key();
        let mut path = vec![Step::Key(what)];
        path.extend(below);
        let of = match self.name {
            "" => format!("a {what} without a name"),
            name => format!("the {what} `{name}`"),
        };
        self.all
            .push((path, format!("kubectl refuses {of}: {problem}"), help));
    }

    fn cluster(&mut self, body: &Value) {
        if text(body, &["server"]).is_none() {
            self.add(
                &[],
                "it has no `server`",
                remedy!("Write the URL of its API as `server`."),
            );
        }
        if let Some(url) = text(body, &["proxy-url"]) {
            let scheme = url.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
            if !matches!(scheme.as_deref(), Some("http" | "https" | "socks5")) {
                self.add(
                    &["proxy-url"],
                    "its `proxy-url` does not begin with `http://`, `https://` or `socks5://`",
                    remedy!("Write the proxy with its scheme, such as `http://proxy.example:3128`."),
                );
            }
        }
        self.one_of_both(body, "certificate-authority");
    }

    /// A file, and the same as base64: kubectl takes one of them.
    fn one_of_both(&mut self, body: &Value, file: &'static str) {
        let data = match file {
            "certificate-authority" => "certificate-authority-data",
            "client-certificate" => "client-certificate-data",
            _ => "client-key-data",
        };
        let is_there = |key: &str| body.get(key).is_some_and(|value| value.as_text() != Some(""));
        if is_there(file) && is_there(data) {
            self.add(
                &[file],
                &format!("it has both `{file}` and `{data}`"),
                remedy!("Remove one of the two."),
            );
        }
    }

    fn context(&mut self, body: &Value) {
        if self.name.is_empty() {
            self.add(
                &[],
                "it must have one",
                remedy!("Write its `name`, or remove it."),
            );
        }
        for key in ["cluster", "user"] {
            if text(body, &[key]).is_none() {
                self.add(
                    &[],
                    &format!("it has no `{key}`"),
                    remedy!("Write the name of its {key} as `{key}`, or remove the context."),
                );
            }
        }
        if let Some(namespace) = text(body, &["namespace"])
            && !is_namespace(namespace)
        {
            self.add(
                &["namespace"],
                &format!("`{namespace}` cannot be the name of a namespace"),
                remedy!("A namespace has at most 63 of a-z, 0-9 and `-`, and begins and ends with one of a-z and 0-9."),
            );
        }
    }

    fn user(&mut self, body: &Value) {
        let has = |key: &str| body.get(key).is_some_and(|value| value.as_text() != Some(""));
        if has("token") && (has("username") || has("password")) {
            self.add(
                &[],
                "it has both a `token` and a `username` or `password`",
                remedy!("Remove one of the two ways to sign in."),
            );
        }
        if has("client-certificate") || has("client-certificate-data") {
            self.one_of_both(body, "client-certificate");
            self.one_of_both(body, "client-key");
            if !has("client-key") && !has("client-key-data") {
                self.add(
                    &[],
                    "it has a client certificate without its key",
                    remedy!("Write `client-key` or `client-key-data`, or remove the certificate."),
                );
            }
        }
        let is_filled = |key: &str| match body.get(key) {
            Some(Value::Map(entries)) => !entries.is_empty(),
            Some(Value::List(items)) => !items.is_empty(),
            Some(value) => value.as_text() != Some(""),
            None => false,
        };
        if !has("as")
            && ["as-uid", "as-groups", "as-user-extra"]
                .into_iter()
                .any(is_filled)
        {
            self.add(
                &[],
                "it impersonates a uid, groups or extra data without a user",
                remedy!("Write the user's name as `as`."),
            );
        }
        if let Some(exec) = body.get("exec") {
            if body.get("auth-provider").is_some() {
                self.add(
                    &["auth-provider"],
                    "it has both `exec` and `auth-provider`",
                    remedy!("Remove one of the two."),
                );
            }
            self.exec(exec);
        }
    }

    fn exec(&mut self, exec: &Value) {
        if text(exec, &["command"]).is_none() {
            self.add(
                &["exec"],
                "its `exec` has no `command`",
                remedy!("Write the program that gives the token as `command`."),
            );
        }
        let version = text(exec, &["apiVersion"]);
        match version {
            None => self.add(
                &["exec"],
                "its `exec` has no `apiVersion`",
                remedy!("Write `apiVersion: {V1}`, or the version that its program supports."),
            ),
            Some(V1 | V1BETA1) => {}
            Some(version) => self.add(
                &["exec", "apiVersion"],
                &format!(
                    "its `exec` has the `apiVersion` `{version}`, which kubectl 1.24 and newer do not support"
                ),
                remedy!("Write `{V1BETA1}`, and update the program that gives the token."),
            ),
        }
        match (text(exec, &["interactiveMode"]), version) {
            // The older ones mean IfAvailable.
            (None, Some(V1BETA1 | V1ALPHA1)) => {}
            (None, _) => self.add(
                &["exec"],
                "its `exec` has no `interactiveMode`",
                remedy!("Write `interactiveMode: IfAvailable`."),
            ),
            (Some(mode), _) if MODES.contains(&mode) => {}
            (Some(mode), _) => self.add(
                &["exec", "interactiveMode"],
                &format!("its `exec` has the `interactiveMode` `{mode}`"),
                remedy!("Write one of `Never`, `IfAvailable` and `Always`."),
            ),
        }
        for (index, variable) in exec
            .get("env")
            .map(Value::items)
            .unwrap_or_default()
            .iter()
            .enumerate()
        {
            if text(variable, &["name"]).is_none() {
                self.add_at(
                    vec![Step::Key("exec"), Step::Key("env"), Step::Index(index)],
                    "a variable of its `exec` has no name",
                    remedy!("Write its `name`, or remove the item of `env`."),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests;
